"""Markers, keywords and notes of FCPXML clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Final

from vsfilmrestore.timeline._xml import Node
from vsfilmrestore.timeline.fcpxml.layers import Mark
from vsfilmrestore.timeline.layers import Piece
from vsfilmrestore.timeline.model import Strength
from vsfilmrestore.timeline.notes import marker_settings

__all__ = ["marks_of"]

_MARKERS: Final = ("marker", "chapter-marker")
_RANGES: Final = ("keyword", "rating")
# Final Cut Pro's markers last a frame, of the time line or of the media; no frame is longer than one at 23.976.
_LONGEST_FRAME: Final = Fraction(43, 1000)

type Frames = Callable[[Node, str, Fraction], Fraction]


def marks_of(clip: Node, frames: Frames, at: Callable[[Fraction], Fraction], pieces: Sequence[Piece]) -> list[Mark]:
    """What a clip is marked with, in its parent's time.

    Markers are all taken, keywords, ratings and notes only for their settings.

    Args:
        clip: The clip.
        frames: Time of an element, in record frames: element, attribute, default.
        at: The parent's time at one of the clip's own.
        pieces: What the clip shows; settings are for the piece under a marker.
    """
    marks = []
    for node in clip.all(*_MARKERS, *_RANGES, "note"):
        texts = (node.text,) if node.tag == "note" else (node.get("value"), node.get("note"))
        settings = marker_settings(*texts)
        if node.tag in _MARKERS:
            marks.append(_marker(node, texts, frames, at, pieces if settings is not None else ()))
        elif settings is not None and (mark := _note(node, texts, frames, at, pieces)):
            marks.append(mark)
    return marks


def _marker(
    node: Node, texts: tuple[str, ...], frames: Frames, at: Callable[[Fraction], Fraction], pieces: Sequence[Piece]
) -> Mark:
    own = frames(node, "start", Fraction(0))
    length = frames(node, "duration", Fraction(1))
    start = at(own)
    stop = max(at(own + length), start + 1)
    point = length <= 1 or length <= _LONGEST_FRAME * _second(node, frames)
    under = [piece for piece in pieces if piece.source and piece.start < stop and piece.stop > start]
    owners = dict.fromkeys(piece.owner for piece in (under[:1] if point else under))
    stop = start + 1 if point else stop
    return Mark(start, stop, texts, _colour(node), node.line, point, Strength.CLIP_MARKER, tuple(owners))


def _note(
    node: Node, texts: tuple[str, ...], frames: Frames, at: Callable[[Fraction], Fraction], pieces: Sequence[Piece]
) -> Mark | None:
    pictures = [piece for piece in pieces if piece.source]
    if not pictures:
        return None
    start, stop = pictures[0].start, pictures[-1].stop
    ranged = bool(node.get("duration"))
    if ranged:
        own = frames(node, "start", Fraction(0))
        start, stop = at(own), at(own + frames(node, "duration", Fraction(0)))
    under = [piece for piece in pictures if piece.start < stop and piece.stop > start]
    owners = dict.fromkeys(piece.owner for piece in under)
    return Mark(start, stop, texts, "", node.line, not ranged, Strength.NOTE, tuple(owners), shown=False)


def _second(node: Node, frames: Frames) -> Fraction:
    """Record frames in a second."""
    return frames(Node("", {"x": "1s"}, node.line), "x", Fraction(0))


def _colour(node: Node) -> str:
    """As Final Cut Pro shows it: by kind, and a task by whether it is done."""
    if node.tag == "chapter-marker":
        return "Orange"
    done = node.get("completed")
    return "Blue" if not done else "Green" if done == "1" else "Red"
