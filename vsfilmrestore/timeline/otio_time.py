"""Time effects of OTIO items: straight ones as an exact speed, all others refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from math import floor, isfinite
from typing import Any, Final

import opentimelineio as otio

from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.layers import Piece
from vsfilmrestore.timeline.otio_json import UNKNOWN_EFFECT

__all__ = ["retimed", "speed_of"]

_TIME_WORDS: Final = re.compile(r"time|warp|speed|freeze|ramp", re.IGNORECASE)


def speed_of(item: Any, remarks: Remarks) -> Fraction:
    """Speed of an item by its effects: 1 is normal, below 0 backwards, 0 held.

    Raises:
        ValueError: A change of speed that is not the same over the whole item, or one of an unknown kind.
    """
    speed = Fraction(1)
    for effect in item.effects:
        if not getattr(effect, "enabled", True):
            continue
        if isinstance(effect, otio.schema.LinearTimeWarp):
            speed *= _scalar(effect.time_scalar)
        elif isinstance(effect, otio.schema.TimeEffect) or _changes_time(effect):
            kind = effect.effect_name or effect.name or effect.schema_name()
            raise ValueError(f"'{item.name}' has the time effect '{kind}', which is not a constant speed")
        else:
            remarks.add("picture effects of the cut are left to the editing program")
    return speed


def _scalar(value: float) -> Fraction:
    """The fraction an editor meant: 0.3333333333 is a third."""
    if not isfinite(value) or abs(value) > 10_000:
        raise ValueError(f"{value} is not a speed")
    exact = Fraction(value)
    simple = exact.limit_denominator(1000)
    return simple if abs(simple - exact) < Fraction(1, 10**8) else exact.limit_denominator(10**9)


def _changes_time(effect: Any) -> bool:
    metadata = effect.metadata
    if UNKNOWN_EFFECT in metadata:
        return bool(_TIME_WORDS.search(str(metadata[UNKNOWN_EFFECT])))
    fcp = metadata.get("fcp_xml")
    if isinstance(fcp, Mapping) and str(fcp.get("effectid", "")).lower() == "timeremap":
        return True
    resolve = metadata.get("Resolve_OTIO")
    if isinstance(resolve, Mapping):
        # Every clip of Resolve has this effect; only key frames in it change the speed along the clip.
        return str(resolve.get("Name", "")).startswith("Retime") and any(
            isinstance(p, Mapping) and bool(p.get("Key Frames")) for p in _listed(resolve.get("Parameters"))
        )
    return bool(_TIME_WORDS.search(effect.effect_name or ""))


def _listed(value: object) -> Iterable[Any]:
    return value if isinstance(value, Iterable) and not isinstance(value, str | Mapping) else ()


def retimed(pieces: list[Piece], length: Fraction, speed: Fraction, remarks: Remarks) -> list[Piece]:
    """A nest played at another speed.

    Args:
        pieces: What the nest shows from time 0 on, at normal speed.
        length: Record frames it shall take.
        speed: Not 1.
        remarks: Told of transitions inside, which become cuts.
    """
    if any(piece.fade for piece in pieces):
        remarks.add("transitions inside a nest with a speed are made cuts")
    if speed == 0:
        return [_held(piece, length) for piece in pieces if piece.start <= 0 < piece.stop]
    factor = abs(speed)
    result = [_stretched(piece, speed, length) for piece in pieces if piece.start < length * factor]
    return sorted(result, key=lambda piece: piece.start)


def _stretched(piece: Piece, speed: Fraction, length: Fraction) -> Piece:
    start, stop = piece.start / abs(speed), piece.stop / abs(speed)
    if speed < 0:
        start, stop = length - stop, length - start
    curve = piece.curve and piece.curve.stretched(1 / speed)
    if curve and speed < 0:
        curve = curve.moved(stop - start - 1)  # the frame that was the first is the last now
    return replace(
        piece, start=start, stop=stop, step=piece.step * speed, speed=piece.speed * speed, curve=curve, fade=None
    )


def _held(piece: Piece, length: Fraction) -> Piece:
    if piece.curve is not None:
        place = piece.curve.at(floor(-piece.start))
        held = Fraction(floor(place))
        zero = Fraction(0)
        return replace(piece, start=zero, stop=length, low=held, step=zero, speed=zero, curve=None, fade=None)
    k = floor(-piece.start) if piece.step >= 0 else floor(piece.stop) - 1
    low = piece.low + floor(k * abs(piece.step))
    return replace(piece, start=Fraction(0), stop=length, low=low, step=Fraction(0), speed=Fraction(0), fade=None)
