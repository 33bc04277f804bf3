"""What a clip of FCPXML shows over some of its parent's time: its pictures, at their speed, and its markers.

A time map leads from the clip's own time to that of its contents. All times here are in frames of the record rate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Final

from vsfilmrestore.media.timecode import nominal_rate, rate_text
from vsfilmrestore.timeline._xml import Node
from vsfilmrestore.timeline.curve import Curve
from vsfilmrestore.timeline.fcpxml.items import ANCHORED, Item, Storylines
from vsfilmrestore.timeline.fcpxml.layers import NOBODY, Laid, Mark, played_laid
from vsfilmrestore.timeline.fcpxml.marks import marks_of
from vsfilmrestore.timeline.fcpxml.media import Document, Medium, label
from vsfilmrestore.timeline.fcpxml.play import Run, played, runs, turning
from vsfilmrestore.timeline.fcpxml.time import TimeMap, parts, time_map
from vsfilmrestore.timeline.layers import Piece, whole
from vsfilmrestore.timeline.model import SourceKey

__all__ = ["Clips"]

_EFFECTS: Final = frozenset(
    {
        "adjust-360-transform",
        "adjust-blend",
        "adjust-cinematic",
        "adjust-corners",
        "adjust-crop",
        "adjust-orientation",
        "adjust-reorient",
        "adjust-rollingShutter",
        "adjust-stabilization",
        "adjust-transform",
        "filter-video",
        "filter-video-mask",
    }
)
_IDLE: Final = frozenset({"0", "1", "0 0", "1 1", "1.0", "none", "100"})
_UNSEEN: Final = frozenset({"gap", "audio", "caption"})
_BLENDED: Final = ("frame-blending", "optical-flow-classic", "optical-flow", "optical-flow-frc")
_ZERO: Final = Fraction(0)
_MOST_COPIES: Final = 6_000
"""Clips that compound clips may show more than there are in the file; some write files that unfold without end."""

_NEAR_FRAME: Final = Fraction(1, 100)
_NEAR_MAPPED: Final = Fraction(1, 1010)  # less than what 1.001 makes of a frame
_MAP_UNITS: Final = 100  # a place between two rounded points of a speed, in the units of their times

type Nest = Callable[[Node, Fraction, Fraction, Fraction], Laid]


class Clips:
    """Shows clips.

    Args:
        document: The file.
        lines: Its storylines.
        own: Its record rate as it is written.
        rate: The record rate to use.
        nest: What a clip with contents shows: the clip, from one time of them to another, at the rate around it.

    Attributes:
        unseen: What stands on parts of clips that are not in use, by line.
    """

    def __init__(self, document: Document, lines: Storylines, own: Fraction, rate: Fraction, nest: Nest) -> None:
        self._doc, self._lines, self._own, self._rate = document, lines, own, rate
        self._nest = nest
        self._remarks = document.remarks
        self._owners = 0
        self._clips = 0
        self._most = _MOST_COPIES + sum(node.tag in ANCHORED for node in document.root.walk())
        self.unseen: dict[int, tuple[str, ...]] = {}

    def shown(self, item: Item, start: Fraction, stop: Fraction, rate: Fraction) -> Laid:
        """What a clip shows over some time, on into its handles, with its markers.

        Raises:
            TimelineError: It makes no sense, with the line.
        """
        node = item.node
        self._clips += 1
        if self._clips > self._most:
            raise self._doc.error(f"more than {self._most} clips, compound clips laid open", node)
        laid, off = Laid(), node.get("enabled") == "0"
        if start < stop and not off and node.tag not in _UNSEEN and node.get("srcEnable") != "audio":
            laid = self._pictures(item, start, stop, rate)
        for mark in marks_of(node, self._lines.frames, item.at, laid.pieces):
            # Settings on a clip that is switched off are for no shot, not for what lies beneath.
            laid.marks.append(replace(mark, owners=(NOBODY,)) if off else mark)
        self.unseen |= {mark.line: mark.texts for mark in laid.marks if not _inside(mark, item)}
        laid.marks = [mark for mark in laid.marks if _inside(mark, item)]
        for effect in node if laid.pieces else ():
            if effect.tag in _EFFECTS and effect.get("enabled") != "0" and not _is_idle(effect):
                self._remarks.add("picture effects of the cut are left to the editing program", effect.line)
        return laid

    def _pictures(self, item: Item, start: Fraction, stop: Fraction, rate: Fraction) -> Laid:
        node = item.node
        if node.tag in {"asset-clip", "video"} and self._doc.resource(node).tag != "effect":
            medium = self._doc.medium(node)
            return Laid(self._played(item, medium, start, stop) if medium else [])
        if node.tag in {"title", "video"}:
            self._remarks.add("titles and generators are not made; black where nothing else is", node.line)
            return Laid([Piece(node.get("name") or node.tag, start, stop, line=node.line)])
        result = Laid()
        for run in self._runs(item, start, stop):
            part = played_laid(self._nest(node, run.low, max(run.high, run.low + 1), rate), run, self._remarks)
            result.pieces += part.pieces
            result.marks += part.marks
        return result

    def _played(self, item: Item, medium: Medium, start: Fraction, stop: Fraction) -> list[Piece]:
        stretches = self._runs(item, start, stop)
        low, high = min(run.low for run in stretches), max(run.high for run in stretches)
        piece = self._medium(medium, item.node, low, high)
        pieces = played([piece], stretches[0], self._remarks) if len(stretches) == 1 else [turning(piece, stretches)]
        return [self._finished(piece, item, medium) for piece in pieces]

    def _runs(self, item: Item, start: Fraction, stop: Fraction) -> list[Run]:
        """Which times of its content a clip shows over some of its parent's."""
        rule = item.node.first("timeMap") or item.node.first("conform-rate")
        if rule is not None and rule.get("frameSampling") in _BLENDED:
            message = "frames the editing program makes between frames are not made; the earlier is shown"
            self._remarks.add(message, rule.line)
        mapped = self._time_map(item.node, rule) if rule is not None and rule.tag == "timeMap" else None
        if mapped is None:
            return [Run(((start, item.own(start)), (stop, item.own(stop))), 1)]
        for low, high in mapped.unknown:
            if item.at(low * self._own) < stop and item.at(high * self._own) > start:
                message = (
                    f"{label(item.node)} changes its speed along a smoothed curve, whose shape FCPXML does not tell"
                )
                hint = "Switch the speed transition off in the retime editor, or make the clip's speed constant"
                raise self._doc.error(message, rule or item.node, hint)
        if mapped.bare:
            self._remarks.add("speed changes without a time to smooth them in are taken as sudden", item.node.line)
        knots = tuple((item.at(time * self._own), place * self._own) for time, place in mapped.knots)
        return runs(Curve(knots), start, stop)

    def _time_map(self, clip: Node, node: Node) -> TimeMap | None:
        try:
            return time_map(node)
        except ValueError as error:
            raise self._doc.error(f"the speed of {label(clip)}: {error}", node) from None

    def _medium(self, medium: Medium, node: Node, low: Fraction, high: Fraction) -> Piece:
        """A medium in the time of its asset, from one moment to another."""
        step = medium.source.rate / self._own
        piece = Piece(
            node.get("name") or medium.source.name,
            low,
            max(high, low + 1),
            medium.source,
            medium.first + (low - medium.start * self._own) * step,
            step,
            line=node.line,
            owner=self._owners,
        )
        self._owners += 1
        return replace(piece, low=_ZERO, step=_ZERO, speed=_ZERO) if medium.still else piece

    def _finished(self, piece: Piece, item: Item, medium: Medium) -> Piece:
        """A piece of a medium on the record side: rates settled, places near whole frames on them."""
        source = self._settled(medium.source, item, piece) if piece.step or piece.curve else medium.source
        scale = medium.source.rate / self._own * self._rate / source.rate
        piece = replace(piece, source=source, speed=piece.speed * scale)
        rule = item.node.first("timeMap") or item.node.first("conform-rate")
        half = Fraction(1, 2) if rule is not None and rule.get("frameSampling") == "nearest-neighbor" else _ZERO
        if piece.curve is not None:
            return replace(piece, curve=Curve(tuple((time, place + half) for time, place in piece.curve.knots)))
        # What counts is the clip itself: the frames beside it, in a transition, need not lie near whole ones.
        ahead = item.offset - piece.start if piece.step >= 0 else piece.stop - item.stop
        place = piece.low + ahead * abs(piece.step)
        near = Fraction(whole(place))
        low = piece.low + near - place if abs(place - near) <= self._rounded(item, medium) else piece.low
        return replace(piece, low=low + half if abs(piece.step) not in {0, 1} else low)

    def _rounded(self, item: Item, medium: Medium) -> Fraction:
        """How far, in frames of the medium, a place may lie beside what was meant: half a unit of the file's times.

        Some write 21321/3000 s for frame 213 at 29.97 fps; a start on a whole frame of the time line is meant as it is.
        """
        mapped = item.node.first("timeMap")
        if mapped is not None:
            finest = max((parts(point.get("value", "0s")) for point in mapped.all("timept")), default=1)
            return min(_NEAR_MAPPED, _MAP_UNITS * medium.source.rate / finest)
        if item.start.denominator == 1:
            return _ZERO
        return min(medium.source.rate / (2 * parts(item.node.get("start", "0s"))), _NEAR_FRAME)

    def _settled(self, source: SourceKey, item: Item, piece: Piece) -> SourceKey:
        """A source with the rate to count at: the record's, where it is played frame for frame and counts alike."""
        even = source.rate * item.gear == self._own
        if source.rate == self._own:
            return replace(source, rate=self._rate)
        how = "frame for frame" if even else "in time"
        self._remarks.add(f"media at {rate_text(source.rate)} fps is played {how}", piece.line)
        alike = nominal_rate(source.rate) == nominal_rate(self._rate)
        return replace(source, rate=self._rate) if even and alike else source


def _is_idle(effect: Node) -> bool:
    """Whether an adjustment leaves the picture as it is: some programs write all of them with every clip."""
    return effect.tag.startswith("adjust-") and not effect.children and _IDLE.issuperset(effect.attributes.values())


def _inside(mark: Mark, item: Item) -> bool:
    return mark.start < item.stop and mark.stop > item.offset
