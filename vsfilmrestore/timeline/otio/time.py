"""Time effects of OTIO items: constant ones as an exact speed, Resolve's curves by their keys, all others refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor, isfinite
from typing import Any, Final

import opentimelineio as otio

from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.layers import Piece
from vsfilmrestore.timeline.otio.curve import Keys, resolve_keys
from vsfilmrestore.timeline.otio.json import UNKNOWN_EFFECT, metadata_of

__all__ = ["Motion", "motion_of", "retimed", "speed_of"]

_TIME_WORDS: Final = re.compile(r"time|warp|speed|freeze|ramp", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Motion:
    """How an item runs.

    Attributes:
        speed: 1 is normal, below 0 backwards, 0 held.
        keys: A Resolve speed curve instead, not yet placed on the clip; `speed` is 1 then.
    """

    speed: Fraction = Fraction(1)
    keys: Keys | None = None


def motion_of(item: Any, remarks: Remarks) -> Motion:
    """How an item runs by its effects. Several constant speeds multiply.

    Raises:
        ValueError: A change of speed the file does not describe, or one of an unknown kind.
    """
    speed, keys = Fraction(1), None
    warped = False
    for effect in item.effects:
        if not getattr(effect, "enabled", True):
            continue
        if isinstance(effect, otio.schema.LinearTimeWarp):
            speed, warped = speed * _scalar(effect.time_scalar), True
        elif isinstance(effect, otio.schema.TimeEffect) and (found := resolve_keys(effect, item.name)):
            keys, warped = _only(found, keys, item.name), True
        elif isinstance(effect, otio.schema.TimeEffect) or _changes_time(effect, warped):
            kind = effect.effect_name or effect.name or effect.schema_name()
            raise ValueError(f"'{item.name}' has the time effect '{kind}', and the file does not tell its speeds")
        elif not _is_neutral(effect):
            remarks.add("picture effects of the cut are left to the editing program")
    if keys is not None and speed != 1:
        raise ValueError(f"'{item.name}' has a speed curve and a constant speed at once")
    return Motion(speed, keys)


def speed_of(item: Any, remarks: Remarks) -> Fraction:
    """Speed of a nest by its effects.

    Raises:
        ValueError: A change of speed that is not the same over the whole item, or one of an unknown kind.
    """
    motion = motion_of(item, remarks)
    if motion.keys is not None:
        raise ValueError(f"the nest '{item.name}' has a speed curve, which only clips may have")
    return motion.speed


def _only(found: Keys, keys: Keys | None, name: str) -> Keys:
    if keys is not None:
        raise ValueError(f"'{name}' has two speed curves")
    return found


def _scalar(value: float) -> Fraction:
    """The fraction an editor meant: 0.3333333333 is a third."""
    if not isfinite(value) or abs(value) > 10_000:
        raise ValueError(f"{value} is not a speed")
    exact = Fraction(value)
    simple = exact.limit_denominator(1000)
    return simple if abs(simple - exact) < Fraction(1, 10**8) else exact.limit_denominator(10**9)


def _changes_time(effect: Any, warped: bool) -> bool:
    metadata = metadata_of(effect)
    if UNKNOWN_EFFECT in metadata:
        return bool(_TIME_WORDS.search(str(metadata[UNKNOWN_EFFECT])))
    fcp = metadata.get("fcp_xml")
    if isinstance(fcp, Mapping) and str(fcp.get("effectid", "")).lower() == "timeremap":
        return True
    resolve = metadata.get("Resolve_OTIO")
    if isinstance(resolve, Mapping):
        # Every clip of Resolve has this effect; only key frames in it change the speed along the clip.
        return str(resolve.get("Name", "")).startswith("Retime") and _any_keys(resolve)
    premiere = metadata.get("PremierePro_OTIO")
    if isinstance(premiere, Mapping):
        if not re.search(r"time\s*remap", f"{premiere.get('MatchName')} {effect.effect_name}", re.IGNORECASE):
            return False
        # Every clip of Premiere may have this effect. Without key frames its value is that of the constant speed.
        return _any_keys(premiere) or (not warped and any(_premiere_value(p) for p in _parameters(premiere)))
    return bool(_TIME_WORDS.search(effect.effect_name or ""))


def _premiere_value(parameter: Mapping[Any, Any]) -> bool:
    """Whether a parameter holds a speed other than 100 %."""
    start = parameter.get("StartValue")
    value = start.get("Value") if isinstance(start, Mapping) else None
    return isinstance(value, int | float) and not isinstance(value, bool) and value not in {1, 100}


def _any_keys(host: Mapping[Any, Any]) -> bool:
    return any(bool(p.get("Key Frames") or p.get("Keyframes")) for p in _parameters(host))


def _parameters(host: Mapping[Any, Any]) -> list[Mapping[Any, Any]]:
    held = host.get("Parameters")
    listed = held if isinstance(held, Iterable) and not isinstance(held, str | Mapping) else ()
    return [parameter for parameter in listed if isinstance(parameter, Mapping)]


def _is_neutral(effect: Any) -> bool:
    """Whether it is one of the effects every clip of Resolve carries, switched off or not touched."""
    resolve = metadata_of(effect).get("Resolve_OTIO")
    return isinstance(resolve, Mapping) and (resolve.get("Enabled") is False or not _parameters(resolve))


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
