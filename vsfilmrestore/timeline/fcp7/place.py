"""From a clip's media and speed to a piece of the timeline."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import floor
from typing import Final

from vsfilmrestore.media.timecode import rate_text
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.curve import Curve
from vsfilmrestore.timeline.fcp7.media import Media
from vsfilmrestore.timeline.fcp7.retime import Run
from vsfilmrestore.timeline.layers import Piece

__all__ = ["placed", "scaled"]

_LONGEST_CURVE: Final = 1_000_000
_NOISE: Final = Fraction(1, 100)  # of a frame: a place of another rate is written rounded


def placed(piece: Piece, media: Media, run: Run, clip_rate: Fraction, rate: Fraction, remarks: Remarks) -> Piece:
    """A piece that shows a medium.

    Args:
        piece: The piece, with its times.
        media: The medium.
        run: How the clip plays.
        clip_rate: The rate of the clip's own frames.
        rate: The rate of the timeline.
        remarks: Told of rates that differ and of media that are too short.

    Raises:
        ValueError: It begins before the first frame of its media, or a curve is too long.
    """
    source = media.source
    if media.still:
        return replace(piece, source=source, low=Fraction(0), step=Fraction(0), speed=Fraction(0))
    if source.rate != rate:
        remarks.add(f"media at {rate_text(source.rate)} fps is played in time", piece.line)
    unit = source.rate / clip_rate
    place = media.first + run.place * unit
    step = run.speed * source.rate / rate
    shown = replace(piece, source=source, step=step, speed=run.speed)
    if run.knots:
        if piece.stop - piece.start > _LONGEST_CURVE:
            raise ValueError(f"'{piece.name}' is too long for a clip whose speed changes")
        each = rate / clip_rate
        curve = Curve(tuple((time * each, media.first + value * unit) for time, value in run.knots))
        shown = replace(shown, curve=curve)
    elif run.speed < 0:
        shown = replace(shown, low=place - (piece.stop - piece.start) * -step)
    else:
        shown = replace(shown, low=Fraction(floor(place + _NOISE)) if run.speed == 0 else place)
    _check(shown, media, remarks)
    return shown


def _check(piece: Piece, media: Media, remarks: Remarks) -> None:
    low, high = piece.span()
    if floor(low) < 0:
        raise ValueError(f"'{piece.name}' starts before the first frame of its media")
    if floor(low) < media.first or (media.length is not None and floor(high) >= media.first + media.length):
        remarks.add("clips ask for frames outside of their media", piece.line)


def scaled(piece: Piece, factor: Fraction) -> Piece:
    """A piece in a time whose frames are so many times as many."""
    fade = piece.fade and replace(piece.fade, outgoing=scaled(piece.fade.outgoing, factor))
    curve = piece.curve and piece.curve.stretched(factor)
    start, stop = piece.start * factor, piece.stop * factor
    return replace(piece, start=start, stop=stop, step=piece.step / factor, curve=curve, fade=fade)
