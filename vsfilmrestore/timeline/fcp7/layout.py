"""Sequences of Final Cut Pro 7 XML laid flat: tracks, transitions, nests and multiclips."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

from vsfilmrestore.media.timecode import rate_text
from vsfilmrestore.timeline._xml import Node
from vsfilmrestore.timeline.fcp7.fades import Change, Item, change_of, fade
from vsfilmrestore.timeline.fcp7.marks import Mark, comments_of, label_of, marks_of, notes_of
from vsfilmrestore.timeline.fcp7.media import Media, media_of
from vsfilmrestore.timeline.fcp7.place import placed, scaled
from vsfilmrestore.timeline.fcp7.retime import Run, Times, effects, retime_of
from vsfilmrestore.timeline.fcp7.xml import Document
from vsfilmrestore.timeline.grammar import find_settings
from vsfilmrestore.timeline.layers import Piece, between, overlay
from vsfilmrestore.timeline.model import SettingNote
from vsfilmrestore.timeline.otio.time import retimed
from vsfilmrestore.timeline.see_through import seen_through

__all__ = ["Laid", "Layout", "sequence_rate"]

_ZERO: Final = Fraction(0)
_UNSET: Final = -1
_TICKS: Final = 254_016_000_000  # Premiere's parts of a second
_DEEPEST: Final = 30
_MOST_COPIES: Final = 20_000
# Effects that move time or sound, or that every export writes without need.
_NOT_PICTURE: Final = frozenset({"timeremap", "audiolevels", "audiopan"})


@dataclass(slots=True)
class Laid:
    """A sequence laid flat, in its own frames from its first one.

    Attributes:
        length: Its frames.
        pieces: What it shows, in order.
        marks: Its markers and those of its clips.
    """

    length: Fraction
    pieces: list[Piece] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


def sequence_rate(doc: Document, sequence: Node) -> Fraction | None:
    """The rate of a sequence, None if nothing in it tells."""
    places = ("", "media/video/format/samplecharacteristics", "timecode")
    elements = (sequence.first(place) if place else sequence for place in places)
    return next((rate for node in elements if node is not None and (rate := doc.rate(node))), None)


class Layout:
    """Lays out the sequences of a document, each once."""

    def __init__(self, doc: Document) -> None:
        self._doc = doc
        self._done: dict[int, Laid] = {}
        self._open: list[int] = []
        self._owners = 0
        self._copies = 0

    def sequence(self, node: Node, rate: Fraction) -> Laid:
        """A sequence (or the clip of a multiclip) at its own rate.

        Raises:
            TimelineError: It cannot be laid out; with the line.
        """
        key = id(node)
        if key in self._open or len(self._open) > _DEEPEST:
            raise self._doc.fail("sequences are nested in a circle, or too deeply", node)
        if key not in self._done:
            self._open.append(key)
            self._done[key] = self._lay(node, rate)
            self._open.pop()
        return self._done[key]

    def _lay(self, node: Node, rate: Fraction) -> Laid:
        laid = Laid(self._doc.number(node, "duration") or _ZERO, marks=list(marks_of(self._doc, node)))
        video = node.first("media/video")
        for track in video.all("track") if video is not None else []:
            if self._doc.flag(track, "enabled", True):
                self._add_track(laid, track, rate)
        laid.length = max(laid.length, max((piece.stop for piece in laid.pieces), default=_ZERO))
        return laid

    def _add_track(self, laid: Laid, track: Node, rate: Fraction) -> None:
        upper = self._track(track, rate, laid.marks)
        if not laid.pieces:
            laid.pieces = upper
            return
        # What is not made lies lowest: it is black where nothing else is, and hides nothing.
        unmade = [piece for piece in upper if piece.source is None and piece.fade is None]
        made = [piece for piece in upper if piece.source is not None or piece.fade is not None]
        remarks = self._doc.remarks
        shown = seen_through(laid.pieces, made, remarks)
        laid.pieces = overlay(overlay(unmade, laid.pieces, remarks), shown, remarks)

    def _track(self, track: Node, rate: Fraction, marks: list[Mark]) -> list[Piece]:
        children = [self._doc.full(child) for child in track.all("clipitem", "generatoritem", "transitionitem")]
        changes = [change_of(self._doc, node) if node.tag == "transitionitem" else None for node in children]
        items: list[Item | None] = []
        for i, node in enumerate(children):
            around = (changes[i - 1] if i else None), (changes[i + 1] if i + 1 < len(children) else None)
            items.append(None if node.tag == "transitionitem" else self._item(node, rate, around, marks))
        extra: list[Piece] = []
        for i, change in enumerate(changes):
            if change is not None:
                after = items[i + 1] if i + 1 < len(items) else None
                extra += fade(change, items[i - 1] if i else None, after, self._doc.remarks)
        return self._in_order([*(item for item in items if item), Item(_ZERO, _ZERO, extra)])

    def _in_order(self, items: list[Item]) -> list[Piece]:
        """All pieces of a track. Where items overlap, which no program means, the later one is seen."""
        pieces: list[Piece] = []
        for piece in sorted((piece for item in items for piece in item.pieces), key=lambda piece: piece.start):
            if pieces and piece.start < pieces[-1].stop:
                self._doc.remarks.add("clips of one track overlap; the later one is seen", piece.line)
                pieces[-1] = between(pieces[-1], pieces[-1].start, piece.start, self._doc.remarks)
                if pieces[-1].stop <= pieces[-1].start:
                    pieces.pop()
            pieces.append(piece)
        return pieces

    def _item(
        self, node: Node, rate: Fraction, around: tuple[Change | None, Change | None], marks: list[Mark]
    ) -> Item | None:
        if not self._doc.flag(node, "enabled", True) or self._invisible(node):
            return None
        clip_rate = self._doc.rate(node) or rate
        start, stop = self._extent(node, clip_rate, rate, around)
        if self._place(node, "start") is None:
            start += self._short(node) * rate / clip_rate
        if stop <= start:
            self._doc.remarks.add(f"{_called(node)} has no length; skipped", node.line)
            return None
        item = Item(start, stop)
        clip_rate = self._counted_at(node, clip_rate, rate, stop - start)
        first = self._first(node)
        owner = self._owners = self._owners + 1
        piece = Piece(
            node.value("name"),
            start,
            stop,
            line=node.line,
            notes=notes_of(self._doc, node),
            comments=comments_of(node),
            colour=label_of(node),
            owner=owner,
        )
        item.pieces = self._content(node, piece, clip_rate, rate, marks)
        nest = bool(item.pieces) and item.pieces[0].owner != owner
        for mark in marks_of(self._doc, node, -1 if nest else owner):
            self._clip_mark(mark.moved(-first).scaled(rate / clip_rate).moved(start), item, marks)
        return item

    def _clip_mark(self, mark: Mark, item: Item, marks: list[Mark]) -> None:
        if item.start <= mark.start < item.stop or (
            not mark.point and mark.start < item.stop and mark.stop > item.start
        ):
            marks.append(mark)
        elif find_settings(f"{mark.name}\n{mark.note}") is not None:
            self._doc.remarks.add("a clip marker with settings stands outside the part in use; ignored", mark.line)

    def _invisible(self, node: Node) -> bool:
        for name, effect in effects(self._doc, node):
            if name == "opacity":
                for parameter in effect.all("parameter"):
                    if not parameter.all("keyframe") and self._doc.number(parameter, "value") == 0:
                        return parameter.value("parameterid").lower() == "opacity"
        return False

    def _extent(
        self, node: Node, clip_rate: Fraction, rate: Fraction, around: tuple[Change | None, Change | None]
    ) -> tuple[Fraction, Fraction]:
        """Where an item stands on its track, its part of a transition included."""
        before, after = around
        start, stop = self._place(node, "start"), self._place(node, "end")
        if start is None and before is not None:
            start = before.start
        if stop is None and after is not None:
            stop = after.stop
        if start is None or stop is None:
            return self._from_length(node, start, stop, rate / clip_rate)
        return start, stop

    def _from_length(
        self, node: Node, start: Fraction | None, stop: Fraction | None, each: Fraction
    ) -> tuple[Fraction, Fraction]:
        """Where an item stands of which one end is not told. Clips in master clips tell neither: they begin at 0."""
        last = self._doc.number(node, "out")
        if last is None or last < 0:
            last = self._doc.number(node, "duration")
        if start is None and stop is None and node.first("start") is None:
            start = _ZERO
        if last is None or (start is None and stop is None):
            raise self._doc.fail(f"the file does not say where {_called(node)} stands", node)
        used = (last - self._first(node)) * each
        if stop is not None:
            return stop - used, stop
        return (start or _ZERO), (start or _ZERO) + used

    def _place(self, node: Node, name: str) -> Fraction | None:
        value = self._doc.number(node, name)
        if value is not None and value < 0 and value != _UNSET:
            raise self._doc.fail(f"a clip cannot {name} at {value}", node)
        return None if value == _UNSET else value

    def _first(self, node: Node) -> Fraction:
        return max(self._doc.number(node, "in") or _ZERO, _ZERO)

    def _short(self, node: Node) -> Fraction:
        """Frames of a clip that a transition asks for before the first one of its media."""
        value = self._doc.number(node, "in") or _ZERO
        unset = value == _UNSET and self._doc.number(node, "out") in {None, Fraction(_UNSET)}
        return _ZERO if unset else max(-value, _ZERO)

    def _counted_at(self, node: Node, clip_rate: Fraction, rate: Fraction, length: Fraction) -> Fraction:
        """The rate at which a clip counts: its own, or that of the timeline where its in and out fit only that.

        Final Cut Pro and Premiere count at the clip's rate; others write it and count at the timeline's.
        """
        last = self._doc.number(node, "out")
        if clip_rate == rate or last is None or last < 0:
            return clip_rate
        used = last - self._first(node)
        if abs(used - length * clip_rate / rate) <= 1 or used != length:
            return clip_rate
        told = f"{rate_text(clip_rate)} fps in a sequence at {rate_text(rate)} fps"
        self._doc.remarks.add(f"clips at {told} count in and out in frames of the sequence", node.line)
        return rate

    def _content(self, node: Node, piece: Piece, clip_rate: Fraction, rate: Fraction, marks: list[Mark]) -> list[Piece]:
        doc = self._doc
        nest = node.first("sequence")
        if nest is not None:
            nest = doc.full(nest)
            inner = sequence_rate(doc, nest) or clip_rate
            return self._nest(node, piece, self.sequence(nest, inner), inner, clip_rate, rate, marks)
        angle = self._angle(node)
        if angle is not None:
            inner = doc.rate(angle) or clip_rate
            laid = self.sequence(angle, inner)
            delay = doc.number(angle, "mediadelay")
            if delay:
                doc.remarks.add("the active angle of a multiclip is moved by its media delay", angle.line)
                laid = Laid(laid.length, [one.shifted(delay) for one in laid.pieces])
            return self._nest(node, piece, laid, inner, clip_rate, rate, marks)
        return [self._shown(node, piece, clip_rate, rate)]

    def _angle(self, node: Node) -> Node | None:
        """The clip of the angle that a multiclip shows."""
        multiclip = node.first("multiclip")
        if multiclip is None:
            return None
        angles = self._doc.full(multiclip).all("angle")
        own = multiclip.all("angle") or angles
        active = next((i for i, one in enumerate(own) if self._doc.flag(one, "activevideoangle", False)), 0)
        clip = next((one.first("clip") for one in own[active : active + 1]), None)
        if clip is None:
            raise self._doc.fail("a multiclip has no angle", multiclip)
        if len(own) > 1:
            self._doc.remarks.add("of multiclips the active angle is taken", node.line)
        return self._doc.full(clip)

    def _shown(self, node: Node, piece: Piece, clip_rate: Fraction, rate: Fraction) -> Piece:
        doc = self._doc
        media = media_of(doc, self._with_file(node), clip_rate)
        if media is None:
            doc.remarks.add(f"the generator {_called(node)} is not made; black where nothing else is", node.line)
            return replace(piece, notes=(), owner=-1)
        self._tell_effects(node)
        if not media.still and self._short(node) and self._place(node, "start") is not None:
            raise doc.fail(f"{_called(node)} starts before the first frame of its media", node)
        own = media.source.rate
        conformed = self._is_conformed(node, media, clip_rate)
        unit = Fraction(1) if conformed else clip_rate / own
        before, after = (doc.number(node, f"subclipinfo/{name}offset") or _ZERO for name in ("start", "end"))
        whole = None if media.length is None else media.length * unit - before - after
        run = self._run(node, piece, Times(_ZERO, None, _ZERO, whole, offset=before), clip_rate, rate)
        piece = replace(piece, name=piece.name or media.source.label)
        if conformed:
            told = f"media at {rate_text(own)} fps are played at {rate_text(clip_rate)} fps, frame for frame"
            doc.remarks.add(told, node.line)
            run, clip_rate = run.faster(clip_rate / own), own
        try:
            return placed(piece, media, run, clip_rate, rate, doc.remarks)
        except ValueError as error:
            raise doc.fail(str(error), node) from None

    def _is_conformed(self, node: Node, media: Media, clip_rate: Fraction) -> bool:
        """Whether Premiere was told to interpret the footage at another rate: then all its frames are still there."""
        own, length = media.source.rate, media.length
        if own == clip_rate or not length or media.still or node.first("pproTicksIn") is None:
            return False
        away = abs(length * clip_rate / own - length)
        return away > 2 and self._doc.number(node, "duration") == length

    def _with_file(self, node: Node) -> Node:
        """A clip with its file, taken from its master clip where it has none itself."""
        if node.first("file") is not None or not (name := node.value("masterclipid")):
            return node
        master = self._doc.named("clip", name)
        item = master.first("media/video/track/clipitem") if master is not None else None
        return item if item is not None and item.first("file") is not None else node

    def _run(self, node: Node, piece: Piece, known: Times, clip_rate: Fraction, rate: Fraction) -> Run:
        """How a clip plays. A freeze frame of Final Cut Pro is a clip that says so."""
        doc = self._doc
        first, last = self._first(node), doc.number(node, "out")
        if doc.flag(node, "stillframe", False):
            frame = doc.number(node, "stillframeoffset")
            return Run(_ZERO, known.offset + (first if frame is None else frame))
        times = replace(
            known,
            first=first,
            last=None if last is None or last < 0 else last,
            length=(piece.stop - piece.start) * clip_rate / rate,
            duration=doc.number(node, "duration"),
            frame=clip_rate / rate,
        )
        run = retime_of(doc, node, times)
        ticks = doc.number(node, "pproTicksIn", most=10**18)
        if run == Run(Fraction(1), known.offset + first) and ticks is not None and clip_rate != rate:
            # Premiere rounds an in point between two frames; its ticks are exact.
            exact = Fraction(ticks) * clip_rate / _TICKS
            if abs(exact - first) < 1:
                run = replace(run, place=known.offset + exact)
        return run

    def _tell_effects(self, node: Node) -> None:
        if any(name not in _NOT_PICTURE for name, _ in effects(self._doc, node)):
            self._doc.remarks.add("picture effects of the cut are left to the editing program")
        if node.value("compositemode", "normal").lower() != "normal":
            self._doc.remarks.add("clips that blend with what lies beneath are taken as opaque", node.line)

    def _nest(
        self,
        node: Node,
        piece: Piece,
        laid: Laid,
        inner: Fraction,
        clip_rate: Fraction,
        rate: Fraction,
        marks: list[Mark],
    ) -> list[Piece]:
        """What a nest shows, trimmed, at its speed and in the time of the sequence around it."""
        doc = self._doc
        length = piece.stop - piece.start
        self._tell_effects(node)
        run = self._run(node, piece, Times(_ZERO, None, _ZERO, laid.length * clip_rate / inner), clip_rate, rate)
        if run.knots:
            raise doc.fail("the speed of a nested sequence changes, which we cannot follow", node)
        # From here on in frames of the sequence around it, at normal speed.
        each = rate / inner
        reach = length * abs(run.speed) if run.speed else length
        first = run.place * rate / clip_rate - (reach if run.speed < 0 else 0)
        window = []
        for one in _seen(laid.pieces, first / each, (first + reach) / each):
            moved = scaled(one, each).shifted(-first) if each != 1 else one.shifted(-first)
            if moved.start < reach and moved.stop > 0:
                window.append(between(moved, max(moved.start, _ZERO), min(moved.stop, reach), doc.remarks))
        if run.speed != 1:
            window = retimed(window, length, run.speed, doc.remarks)
        self._copies += len(window) + len(laid.marks)
        if self._copies > _MOST_COPIES:
            raise doc.fail("the nests of a sequence multiply to more clips than a cut can have", node)
        marks += self._nest_marks(laid.marks, each, first, length, run.speed, piece.start)
        return [self._of_nest(one.shifted(piece.start), piece) for one in window]

    def _nest_marks(
        self, inner: list[Mark], each: Fraction, first: Fraction, length: Fraction, speed: Fraction, start: Fraction
    ) -> list[Mark]:
        result = []
        for mark in inner if speed else []:
            seen = mark.scaled(each).moved(-first).scaled(1 / abs(speed))
            if speed < 0:
                seen = replace(seen, start=length - seen.stop, stop=length - seen.start)
            if seen.start < length and seen.stop > 0:
                result.append(seen.moved(start))
        return result

    def _of_nest(self, one: Piece, nest: Piece) -> Piece:
        """A piece of a nest with what is written on the nest."""
        notes: tuple[SettingNote, ...] = one.notes + nest.notes
        return replace(one, notes=notes, colour=one.colour or nest.colour)


def _seen(pieces: list[Piece], start: Fraction, stop: Fraction) -> list[Piece]:
    """The pieces that show something between two times; they are in order."""
    low = bisect_right(pieces, start, key=lambda piece: piece.stop)
    return pieces[low : bisect_left(pieces, stop, key=lambda piece: piece.start)]


def _called(node: Node) -> str:
    """A clip's name in a message."""
    name = node.value("name")
    return f"'{name}'" if name else "a clip without a name"
