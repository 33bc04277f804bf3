"""Sequences of FCPXML laid flat: storylines, connected clips, transitions, compound, multicam and synchronised clips.

All times here are in frames of the record rate, exact. Only in the outermost sequence do clips lie on whole ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from vsfilmrestore.timeline._xml import Node
from vsfilmrestore.timeline.fcpxml.clips import Clips
from vsfilmrestore.timeline.fcpxml.items import ANCHORED, Item, Storylines, Turn, is_seen, lane_of
from vsfilmrestore.timeline.fcpxml.layers import BENEATH, Laid, Layers, cut_out
from vsfilmrestore.timeline.fcpxml.media import Document, label
from vsfilmrestore.timeline.fcpxml.turns import Turns
from vsfilmrestore.timeline.layers import Fade, Piece, whole

__all__ = ["Story"]

_ZERO: Final = Fraction(0)
_DEEPEST: Final = 12
_CLOSE: Final = Fraction(1, 20)


@dataclass(frozen=True, slots=True)
class _Scene:
    """Where a storyline is laid: its layers, the time wanted, the rate of its sequence."""

    layers: Layers
    low: Fraction
    high: Fraction
    rate: Fraction
    top: bool


@dataclass(frozen=True, slots=True)
class _Shown:
    """A clip, what it shows on into its handles, and the transitions it shares."""

    item: Item
    laid: Laid
    head: Turn | None
    tail: Turn | None


class Story:
    """Lays the sequences of a document flat.

    Args:
        document: The file.
        own: Its record rate as it is written.
        rate: The record rate to use.
    """

    def __init__(self, document: Document, own: Fraction, rate: Fraction) -> None:
        self._doc, self._own = document, own
        self._remarks = document.remarks
        self._lines = Storylines(document, own)
        self._clips = Clips(document, self._lines, own, rate, self._nest)
        self._turns = Turns(document, self._lines, own)
        self._open: list[Node] = []

    def sequence(self, node: Node, low: Fraction, high: Fraction, *, top: bool = False) -> Laid:
        """What a sequence shows between two of its times.

        Raises:
            TimelineError: It makes no sense, with the line.
        """
        spine = node.first("spine")
        if spine is None:
            raise self._doc.error(f"{label(node)} has no storyline", node)
        rate = self._doc.rate(node) or self._own
        return self._flat(
            spine, self._lines.frames(node, "tcStart"), _Scene(Layers(self._remarks), low, high, rate, top)
        )

    def clip(self, node: Node) -> tuple[Laid, Item]:
        """A clip that stands alone, laid from its own start on."""
        item = self._lines.item(node, _ZERO, self._own)
        item = item.moved(item.start, item.start + item.stop - item.offset)
        scene = _Scene(Layers(self._remarks), item.offset, item.stop, self._own, True)
        self._lay(([item], []), _ZERO, (0,), scene)
        return scene.layers.flat(), item

    def _flat(self, parent: Node, first: Fraction, scene: _Scene) -> Laid:
        self._enter(parent)
        items, turns = self._lines.storyline(parent, first, scene.rate)
        by = _ZERO
        if items and first > 0 and max(item.stop for item in items) <= first:
            self._remarks.add("offsets count from 0, not from the start timecode; taken so", parent.line)
            by = first
        self._lay((items, turns), by, (0,), scene)
        self._open.pop()
        return scene.layers.flat()

    def _enter(self, node: Node) -> None:
        if any(node is other for other in self._open):
            raise self._doc.error("a compound clip holds itself", node)
        if len(self._open) >= _DEEPEST * 3:
            raise self._doc.error("the clips are nested too deeply", node)
        self._open.append(node)

    def _lay(
        self, line: tuple[Sequence[Item], Sequence[Turn]], by: Fraction, path: tuple[int, ...], scene: _Scene
    ) -> None:
        """Put a storyline on its layer, moved by some time, and what is connected to its clips on theirs."""
        items, turns = line
        placed = [self._placed(item, by, scene) for item in items]
        joined = self._turns.joined(turns, placed, by, top=scene.top)
        heads = {turn.new: turn for turn in joined if turn.new is not None}
        tails = {turn.old: turn for turn in joined if turn.old is not None}
        shown: dict[int, Laid] = {}
        for i, item in enumerate(placed):
            start = heads[i].start if i in heads else item.offset
            stop = tails[i].stop if i in tails else item.stop
            if start < scene.high and stop > scene.low and item.node.tag != "spine":
                shown[i] = self._clips.shown(item, start, stop, scene.rate)
        for turn in joined:
            old, new = (shown[i].pieces if i is not None and i in shown else () for i in (turn.old, turn.new))
            self._turns.trim(turn, old, new)
            scene.layers.marks += self._turns.marks(turn)
        for i, item in enumerate(placed):
            if i in shown:
                self._put(_Shown(item, shown[i], heads.get(i), tails.get(i)), shown, path, scene)
            elif item.node.tag == "spine":
                self._lay(self._lines.storyline(item.node, _ZERO, scene.rate), item.offset, path, scene)
            self._connected(item, path, scene)

    def _placed(self, item: Item, by: Fraction, scene: _Scene) -> Item:
        offset, stop = item.offset + by, item.stop + by
        if not scene.top:
            return item.moved(offset, stop)
        if offset.denominator == stop.denominator == 1:
            return item.moved(offset, stop)
        off = any(abs(time - whole(time)) > _CLOSE for time in (offset, stop))
        if off and item.node.tag != "gap" and is_seen(self._doc, item.node):
            self._remarks.add("a clip does not lie on whole frames; the nearest are taken", item.node.line)
        return item.moved(Fraction(whole(offset)), Fraction(whole(stop)))

    def _put(self, clip: _Shown, shown: dict[int, Laid], path: tuple[int, ...], scene: _Scene) -> None:
        """Put a clip on a layer, with what fades into it and out of it."""
        head, tail, layers = clip.head, clip.tail, scene.layers
        start = head.start if head else clip.item.offset
        stop = tail.start if tail else clip.item.stop
        pieces = cut_out(clip.laid.pieces, start, stop, self._remarks)
        pictures = [piece for piece in pieces if piece.source or piece.fade]
        if head and head.start < head.stop:
            outgoing = _outgoing(head, shown)
            if pictures and pictures[0].start == start:
                beneath = Piece("black", head.start, head.stop, line=head.node.line, owner=BENEATH)
                pictures[0] = replace(pictures[0], fade=Fade(head.kind, outgoing or beneath))
            elif outgoing:
                layers.reveal(path, Fade(head.kind, outgoing))
        if tail and tail.start < tail.stop and tail.new is None and (outgoing := _outgoing(tail, shown)):
            layers.reveal(path, Fade(tail.kind, outgoing))
        layers.add(path, pictures)
        layers.add(path, [piece for piece in pieces if not piece.source and not piece.fade])
        layers.marks += clip.laid.marks

    def _connected(self, item: Item, path: tuple[int, ...], scene: _Scene) -> None:
        for node in item.node.all(*ANCHORED):
            lane = lane_of(self._doc, node)
            if not lane:
                continue
            if len(path) >= _DEEPEST:
                raise self._doc.error("connected clips are nested too deeply", node)
            clip = self._lines.item(node, item.start, scene.rate)
            at = item.at(clip.offset)
            above = (*path, lane) if path != (0,) else (lane,)
            if node.tag == "spine":
                at = Fraction(whole(at)) if scene.top else at
                self._lay(self._lines.storyline(node, _ZERO, scene.rate), at, above, scene)
            else:
                self._lay(([clip], []), at - clip.offset, above, scene)

    @property
    def unseen(self) -> dict[int, tuple[str, ...]]:
        """What is written on parts of clips that are not in use, by line."""
        return self._clips.unseen

    def frames(self, node: Node, name: str) -> Fraction:
        """A time of an element in frames of the record rate."""
        return self._lines.frames(node, name)

    def _nest(self, node: Node, low: Fraction, high: Fraction, rate: Fraction) -> Laid:
        """What a clip with contents shows between two times of these."""
        if node.tag in {"clip", "sync-clip"}:
            return self._flat(node, _ZERO, _Scene(Layers(self._remarks), low, high, rate, top=False))
        found = self._doc.resource(node)
        inside = next(iter(found.all("sequence", "multicam")), None)
        if inside is None or inside.tag != ("multicam" if node.tag == "mc-clip" else "sequence"):
            message = f"{label(node)} refers to '{node.get('ref')}', whose contents are not in this file"
            raise self._doc.error(message, node, "Export the cut again, with its compound and multicam clips")
        if inside.tag == "sequence":
            return self.sequence(inside, low, high)
        angle = self._angle(node, inside)
        if angle is None:
            return Laid()
        inner = _Scene(Layers(self._remarks), low, high, self._doc.rate(inside) or self._own, top=False)
        return self._flat(angle, self._lines.frames(inside, "tcStart"), inner)

    def _angle(self, clip: Node, multicam: Node) -> Node | None:
        """The angle whose pictures are on, None if only sound is."""
        angles = multicam.all("mc-angle")
        sources = clip.all("mc-source")
        if not sources and angles:
            self._remarks.add("a multicam clip does not say which angle is on; the first is taken", clip.line)
            return angles[0]
        wanted = next((node for node in sources if node.get("srcEnable", "all") in {"all", "video"}), None)
        if wanted is None:
            return None
        for angle in angles:
            if angle.get("angleID") == wanted.get("angleID"):
                return angle
        raise self._doc.error(f"{label(clip)} shows an angle that its multicam clip does not have", wanted)


def _outgoing(turn: Turn, shown: dict[int, Laid]) -> Piece | None:
    """What fades away in a transition; None if nothing is known to be there."""
    if turn.old is None or turn.old not in shown:
        return None
    pieces = shown[turn.old].pieces
    old = next((piece for piece in pieces if piece.source and piece.start <= turn.start < piece.stop), None)
    return replace(old, fade=None).over(turn.start, turn.stop) if old else None
