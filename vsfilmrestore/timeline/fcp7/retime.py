"""Speeds in Final Cut Pro 7 XML: from the frames of a clip to the places in its media.

::

    clip      0 ........ in ===== out ........ duration      counted at the clip's own speed; ``when`` of a key is here
    media         0 .... value(in) == value(out) .. end      ``value`` of a key is here

A clip of constant speed has four virtual keys: start, in, out and end. Those of start and end are set by hand and lie
up to a frame beside the line, those of in and out lie on it (so in files of Final Cut Pro 7, Premiere and Resolve).
Playing backwards, the line is the edge after the frame shown: a clip of 100 frames begins at 100 and shows frame 99.
Values and times are frames at the rate of the clip; numbers of seven digits and more are written rounded to six.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from vsfilmrestore.timeline._xml import Node
from vsfilmrestore.timeline.curve import Curve
from vsfilmrestore.timeline.fcp7.xml import Document, precision

__all__ = ["Run", "Times", "effects", "retime_of"]

_ONE: Final = Fraction(1)
_HALF: Final = Fraction(1, 2)
# How far two tellings of one place may lie apart.
_FRAME: Final = Fraction(101, 100)
_FINE: Final = Fraction(1, 10**6)
_FASTEST: Final = 10_000
_STRAIGHT: Final = frozenset({"", "linear", "fcpcurve"})
_ROLES: Final = ("speedkfstart", "speedkfin", "speedkfout", "speedkfend")
_SET_BY_HAND: Final = frozenset({"speedkfstart", "speedkfend"})
_HANDLES: Final = ("inbez", "outbez", "hadbezierin", "hadbezierout", "inscale", "outscale")
_BAKE: Final = "Render the clip in the editing program and cut it in, or make its speed constant"


@dataclass(frozen=True, slots=True)
class Times:
    """The times of a clip, all in its own frames.

    Attributes:
        first: Its ``in``.
        last: Its ``out``, None if not told.
        length: Frames it takes on the timeline.
        media: Frames of its media from the first one it may use, None if not told.
        duration: Its ``duration``, None if not told.
        offset: The first frame it may use: where a subclip starts in the media.
        frame: A frame of the timeline.
    """

    first: Fraction
    last: Fraction | None
    length: Fraction
    media: Fraction | None = None
    duration: Fraction | None = None
    offset: Fraction = Fraction(0)
    frame: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class Run:
    """How a clip plays.

    Attributes:
        speed: Below 0 backwards, 0 held; the average where ``knots`` tell more.
        place: Place in the media where it begins, in frames of the clip; backwards the edge after the frame shown.
        knots: Times from the begin and places, straight between them, for a speed that changes.
    """

    speed: Fraction
    place: Fraction
    knots: tuple[tuple[Fraction, Fraction], ...] = ()

    def faster(self, factor: Fraction) -> Run:
        """The same places, gone through so many times as fast."""
        return Run(self.speed * factor, self.place, tuple((time / factor, place) for time, place in self.knots))


@dataclass(frozen=True, slots=True)
class _Key:
    when: Fraction
    value: Fraction
    noise: Fraction
    role: str
    virtual: bool


@dataclass(slots=True)
class _Remap:
    """The parameters of a ``timeremap``; ``noise`` is how far the speed may lie from what was meant."""

    node: Node
    speed: Fraction = _ONE
    noise: Fraction = Fraction(0)
    varies: bool = False
    graph: Node | None = None
    keys: list[_Key] = field(default_factory=list)

    def key(self, role: str, when: Fraction | None) -> _Key | None:
        """The key of a role, if it stands where it should."""
        found = (key for key in self.keys if key.role == role and when is not None and abs(key.when - when) <= _FRAME)
        return next(found, None)


def effects(doc: Document, clip: Node) -> Iterator[tuple[str, Node]]:
    """The effects of a clip that are on: the ``effectid`` in small letters without blanks, and the element."""
    for filter_ in clip.all("filter"):
        if doc.flag(filter_, "enabled", True):
            for effect in filter_.all("effect"):
                yield (effect.value("effectid") or effect.value("name")).lower().replace(" ", ""), effect


def retime_of(doc: Document, clip: Node, times: Times) -> Run:
    """How a clip plays.

    Raises:
        TimelineError: Its speed changes along a curve that the file does not give, or a number is none.
    """
    effect = next((effect for name, effect in effects(doc, clip) if name == "timeremap"), None)
    if effect is None:
        return Run(_ONE, times.offset + times.first)
    remap = _remap(doc, effect)
    if remap.varies:
        return _varying(doc, remap, times)
    if remap.speed == 0:
        return _held(doc, remap, times)
    return _backward(doc, remap, times) if remap.speed < 0 else _forward(doc, remap, times)


def _remap(doc: Document, effect: Node) -> _Remap:
    remap = _Remap(effect)
    reverse = False
    for parameter in effect.all("parameter"):
        name = (parameter.value("parameterid") or parameter.value("name")).lower()
        if name == "speed" and (value := doc.number(parameter, "value")) is not None:
            text = parameter.value("value")
            remap.noise = precision(text) / 100 if "." in text else Fraction(0)
            remap.speed = _meant(value / 100, remap.noise)
        elif name == "reverse":
            reverse = doc.flag(parameter, "value", False)
        elif name == "variablespeed":
            remap.varies = doc.flag(parameter, "value", False)
        elif name == "graphdict":
            remap.graph, remap.keys = parameter, _keys(doc, parameter)
    if abs(remap.speed) > _FASTEST or 0 < abs(remap.speed) < 1 / _FASTEST:
        raise doc.fail(f"{float(remap.speed * 100):g} per cent is not a speed", effect)
    if reverse:
        remap.speed = -abs(remap.speed)
    return remap


def _meant(value: Fraction, noise: Fraction) -> Fraction:
    """The simplest fraction that is written like this: 33.3333 per cent are a third."""
    for most in (12, 100, 1001):
        simple = value.limit_denominator(most)
        if simple and abs(simple - value) <= noise:
            return simple
    return value


def _keys(doc: Document, graph: Node) -> list[_Key]:
    """The keys of a speed graph by time, without those that some exports fill with rubbish."""
    low, high = doc.number(graph, "valuemin"), doc.number(graph, "valuemax")
    keys = []
    for node in graph.all("keyframe"):
        when, value = doc.number(node, "when"), doc.number(node, "value", most=10**15)
        role = next((role for role in _ROLES if doc.flag(node, role, False)), "")
        if when is None or value is None:
            continue
        if role and (value < (low or 0) - 2 or (high and value > high + 2)):
            doc.remarks.add("a speed key lies outside the media and is left out", node.line)
            continue
        noise = precision(node.value("value"))
        keys.append(_Key(when, value, noise, role, doc.flag(node, "speedvirtualkf", False)))
    return sorted(keys, key=lambda key: key.when)


def _forward(doc: Document, remap: _Remap, times: Times) -> Run:
    exact = times.first * remap.speed
    key = remap.key("speedkfin", times.first)
    if key is None:
        if _counts_media(remap, times):
            doc.remarks.add("in and out of a retimed clip count frames of the media", remap.node.line)
            return Run(remap.speed, times.offset + times.first)
        return Run(remap.speed, times.offset + exact)
    if key.noise >= min(abs(key.value - exact), abs(key.value - times.offset - exact)):
        return Run(_slope(doc, remap, times, key), times.offset + exact)
    return Run(_slope(doc, remap, times, key), _place(key))


def _place(key: _Key) -> Fraction:
    """The place a key tells: written with many digits, a third of a frame is a third."""
    return _meant(key.value, key.noise) if key.noise < _FINE else key.value


def _slope(doc: Document, remap: _Remap, times: Times, key: _Key) -> Fraction:
    """The speed as the graph draws it: Final Cut Pro's lines are a trifle flatter than the percentage."""
    out = remap.key("speedkfout", times.last)
    if out is None or times.last is None or not out.virtual or out.when <= key.when or times.last == times.duration:
        return remap.speed
    run, rise = out.when - key.when, out.value - key.value
    off = abs(rise - run * remap.speed)
    if off <= key.noise + out.noise or rise <= 0:
        return remap.speed
    if off > _FRAME:
        doc.remarks.add("a clip's speed graph and its speed differ; the graph is followed", remap.node.line)
    return rise / run


def _counts_media(remap: _Remap, times: Times) -> bool:
    """Whether in and out stand as far apart in the file as the media that is shown, not as the clip is long.

    Final Cut Pro, Premiere and Resolve never write this, small programs do.
    """
    if times.last is None or abs(remap.speed) == 1:
        return False
    used = times.last - times.first
    return abs(used - times.length * abs(remap.speed)) <= _FRAME and abs(used - times.length) > 2


def _backward(doc: Document, remap: _Remap, times: Times) -> Run:
    speed = -remap.speed
    key = remap.key("speedkfin", times.first)
    told = None
    if key is not None:
        # The key of a clip that begins at its very first frame is a start key, one too high.
        told = key.value - (1 if times.first == 0 and not key.virtual else 0)
    elif _counts_media(remap, times) and times.last is not None:
        doc.remarks.add("in and out of a retimed clip count frames of the media", remap.node.line)
        return Run(remap.speed, times.offset + times.last)
    whole = times.media
    if whole is None and told is None and times.duration is not None:
        whole = times.duration * speed
    edge = None if whole is None else times.offset + whole - times.first * speed
    exact = key is not None and key.noise < _HALF and edge is not None and told is not None and abs(told - edge) < 0.9
    if edge is not None and not exact and (told is None or abs(told - edge) <= _FRAME + times.first * remap.noise):
        doc.remarks.add("clips playing backwards are counted from the end of their media", remap.node.line)
        return Run(remap.speed, edge)
    if told is None:
        raise doc.fail("a clip plays backwards, but the length of its media is not told", remap.node)
    return Run(remap.speed, told)


def _held(doc: Document, remap: _Remap, times: Times) -> Run:
    key = remap.key("speedkfin", times.first)
    if key is not None:
        return Run(Fraction(0), key.value)
    values = {key.value for key in remap.keys if key.role not in _SET_BY_HAND}
    if len(values) == 1:
        return Run(Fraction(0), values.pop())
    doc.remarks.add("a freeze frame shows the frame of the media at its in point", remap.node.line)
    return Run(Fraction(0), times.offset + times.first)


def _varying(doc: Document, remap: _Remap, times: Times) -> Run:
    _refuse_bent(doc, remap)
    keys = _knots(doc, remap, times)
    base = times.offset if _from_subclip(remap, times) else 0
    knots = tuple((key.when - times.first, key.value + base) for key in keys)
    start, stop = _at(knots, Fraction(0)), _at(knots, times.length)
    slope = (stop - start) / times.length if times.length else Fraction(0)
    inner = [(t, v) for t, v in knots if 0 < t < times.length]
    noise = max((key.noise for key in keys if key.noise < _HALF), default=Fraction(0))
    if any(abs(start + slope * t - v) > noise for t, v in inner):
        return Run(slope, start, knots)
    for meant in (remap.speed, -remap.speed):
        if abs(start + meant * times.length - stop) <= 2 * noise + times.length * remap.noise:
            slope = meant
    return Run(slope, start + (-slope * times.frame if slope < 0 else 0))


def _from_subclip(remap: _Remap, times: Times) -> bool:
    """Whether the graph of a subclip counts from where the subclip starts: then its start key is near 0."""
    start = next((key for key in remap.keys if key.role == "speedkfstart"), None)
    return start is not None and start.value < times.offset - _FRAME


def _knots(doc: Document, remap: _Remap, times: Times) -> list[_Key]:
    """The keys that draw the line, at times that rise."""
    keys = [key for key in remap.keys if key.role not in _SET_BY_HAND]
    stop = times.first + times.length
    edges = [key for key in remap.keys if key.role in _SET_BY_HAND]
    if not keys or keys[0].when > times.first:
        keys = [key for key in edges if key.role == "speedkfstart"][:1] + keys
    if not keys or keys[-1].when < stop:
        keys += [key for key in edges if key.role == "speedkfend"][:1]
    rising = _rising(keys)
    if len(rising) < 2:
        raise doc.fail("the speed of a clip changes, but the file does not say how", remap.node, hint=_BAKE)
    return rising


def _rising(keys: Iterable[_Key]) -> list[_Key]:
    """Keys by time; of several at one time the first."""
    rising: list[_Key] = []
    for key in sorted(keys, key=lambda key: key.when):
        if not rising or key.when > rising[-1].when:
            rising.append(key)
    return rising


def _refuse_bent(doc: Document, remap: _Remap) -> None:
    """Raises for a speed that bends between its keys: the file does not hold the curve."""
    graph = remap.graph
    if graph is None:
        return
    shapes = [graph, *graph.all("keyframe")]
    kinds = {node.value("interpolation/name").lower() for node in shapes}
    handles = [node for node in shapes if any(_pulls(doc, node, name) for name in _HANDLES)]
    strange = sorted(kinds - _STRAIGHT)
    if strange or handles:
        kind = f"of the kind '{strange[0][:20]}'" if strange else "with Bezier handles"
        where = handles[0] if handles else graph
        raise doc.fail(
            f"the speed of a clip changes along a curve {kind}, which the file does not give", where, hint=_BAKE
        )
    anchors = [(key.when, key.value) for key in _rising(key for key in remap.keys if not key.role)]
    for key in remap.keys if len(anchors) > 1 else []:
        inside = key.role in {"speedkfin", "speedkfout"} and anchors[0][0] < key.when < anchors[-1][0]
        if inside and abs(_at(anchors, key.when) - key.value) > _FRAME + key.noise:
            message = "the speed of a clip bends between its keys, and the file does not say how"
            raise doc.fail(message, graph, hint=_BAKE)
    if any(parameter.get("authoringApp") == "PremierePro" for parameter in remap.node.all("parameter")):
        doc.remarks.add("a speed that changes is followed straight from key to key, as it is written", graph.line)


def _pulls(doc: Document, node: Node, name: str) -> bool:
    handle = node.first(name)
    if handle is None:
        return False
    if not handle.children:
        return handle.text.upper() not in {"", "FALSE", "0"}
    return any(child.text not in {"", "0", "0.0"} for child in handle)


def _at(knots: Sequence[tuple[Fraction, Fraction]], time: Fraction) -> Fraction:
    return Curve(tuple(knots)).at(time)
