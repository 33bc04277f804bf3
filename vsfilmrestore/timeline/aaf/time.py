"""Speed effects of an AAF: where in its input each frame of the effect lies.

An Avid keeps the truth in maps, and beside them a speed ratio that is only nearly right:

=========================  =============================================================================
PARAM_SPEED_OFFSET_MAP_U   place in the input over time, both in frames, straight between points
PARAM_OFFSET_MAP_U         the same, drawn by hand: times from 0 (first frame) to 1 (last frame)
PARAM_SPEED_MAP_U          speed over time; followed where it is one speed, else only beside the first
SpeedRatio, Speed Ratio    length of the effect by length of the input: Premiere's and the standard's way
=========================  =============================================================================
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from typing import Any, Final

from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.aaf.curve import MOST_FRAMES, Keys, keys_of
from vsfilmrestore.timeline.aaf.file import fraction, items, kind_of, nested, text
from vsfilmrestore.timeline.curve import Curve
from vsfilmrestore.timeline.layers import Piece

__all__ = ["changes_time", "map_of", "retimed"]

_TIME_WORDS: Final = re.compile(r"motion control|time ?warp|speed|freeze|frame hold|repeat", re.IGNORECASE)
_NOISE: Final = Fraction(2, 10**6)


def changes_time(group: Any) -> bool:
    """Whether an effect changes the speed of its input."""
    operation = nested(group, "Operation")
    warps = operation.get("IsTimeWarp", None, allkeys=False) if operation is not None else None
    return bool(warps is not None and warps.value) or bool(_TIME_WORDS.search(text(operation, "Name")))


def map_of(group: Any, length: int, input_length: int, remarks: Remarks, name: str) -> Curve:
    """Places in the input, in frames, over the frames of the effect.

    Args:
        group: A speed effect.
        length: Its frames.
        input_length: Frames of its input.
        remarks: Told where only the ratio is there.
        name: Name of the clip, for remarks.

    Raises:
        ValueError: It says nothing we know of speed, or nothing certain.
    """
    told = {_name(parameter): parameter for parameter in items(group, "Parameters")}
    if "PARAM_SPEED_OFFSET_MAP_U" in told:
        keys = keys_of(told["PARAM_SPEED_OFFSET_MAP_U"])
        return keys.curve(length) if len(keys.keys) > 1 else _line(keys.keys[0].value, Fraction(0))
    if "PARAM_OFFSET_MAP_U" in told:
        return keys_of(told["PARAM_OFFSET_MAP_U"]).scaled(max(length - 1, 1)).curve(length)
    if "PARAM_SPEED_MAP_U" in told:
        return _one_speed(keys_of(told["PARAM_SPEED_MAP_U"]))
    for parameter_name, parameter in told.items():
        if parameter_name.replace(" ", "").lower().endswith("speedratio"):
            return _by_ratio(parameter, length, input_length, remarks, name)
    if input_length == 1:
        return _line(Fraction(0), Fraction(0))
    raise ValueError("its effect changes the speed, but the file does not tell how")


def _name(parameter: Any) -> str:
    return text(parameter.parameterdef, "Name")


def _line(zero: Fraction, slope: Fraction) -> Curve:
    return Curve(((Fraction(0), zero), (Fraction(1), zero + slope)))


def _one_speed(keys: Keys) -> Curve:
    speed = keys.steady
    if speed is None:
        raise ValueError("its speed changes along the clip, and the file does not tell which frames that leads to")
    return _line(keys.keys[0].base, speed)


def _by_ratio(parameter: Any, length: int, input_length: int, remarks: Remarks, name: str) -> Curve:
    if kind_of(parameter) != "ConstantValue":
        return _one_speed(keys_of(parameter))
    ratio = fraction(parameter["Value"].value)
    if ratio == 0:
        raise ValueError("its speed ratio is 0")
    if input_length == 1 and length > 1 and abs(ratio) >= length:
        return _line(Fraction(0), Fraction(0))
    speed = 1 / ratio
    simple = speed.limit_denominator(1000)
    if abs(simple - speed) <= abs(speed) * _NOISE:
        speed = simple
    if _name(parameter) == "SpeedRatio" and speed != 1:
        remarks.add(f"the speed of '{name}' is known by its ratio only, {float(speed):.4g}; check its last frames")
    return _line(Fraction(0) if speed > 0 else Fraction(max(input_length - 1, 0)), speed)


def retimed(pieces: list[Piece], length: Fraction, places: Curve, remarks: Remarks) -> list[Piece]:
    """What a speed effect shows.

    Args:
        pieces: Its input from time 0 on.
        length: Frames it takes.
        places: See `map_of`.
        remarks: Told of transitions inside, which become cuts.

    Raises:
        ValueError: It has too many frames to follow one by one.
    """
    if any(piece.fade for piece in pieces):
        remarks.add("transitions inside a speed effect are made cuts")
    slope = _slope(places)
    whole_input = len(pieces) == 1 and pieces[0].start <= 0 and pieces[0].curve is None
    if whole_input and slope is not None:
        return [_steady(pieces[0], length, places.at(0), slope)]
    if ceil(length) > MOST_FRAMES:
        raise ValueError(f"its speed changes over {ceil(length)} frames; we follow up to {MOST_FRAMES}")
    if whole_input:
        return [_curved(pieces[0], length, places)]
    shown = _frame_by_frame(pieces, length, places)
    if sum(piece.stop - piece.start for piece in shown) < length:
        remarks.add(f"the speed effect on '{pieces[0].name}' runs past what is in it; black there")
    return shown


def _slope(places: Curve) -> Fraction | None:
    """Speed of a curve that is one straight line, else None."""
    (t0, p0), (t1, p1) = places.knots[0], places.knots[-1]
    slope = (p1 - p0) / (t1 - t0)
    straight = all(place == p0 + slope * (time - t0) for time, place in places.knots)
    return slope if straight else None


def _place(piece: Piece, time: Fraction) -> Fraction:
    """Where in its medium a piece is at a time of the input, also beyond its ends."""
    if piece.curve is not None:
        return piece.curve.at(time - piece.start)
    if piece.step >= 0:
        return piece.low + (time - piece.start) * piece.step
    return piece.low + (piece.stop - 1 - time) * -piece.step


def _steady(piece: Piece, length: Fraction, zero: Fraction, slope: Fraction) -> Piece:
    step = piece.step * slope
    first = _place(piece, zero)
    low = first if step >= 0 else first + (length - 1) * step
    return replace(
        piece, start=Fraction(0), stop=length, low=low, step=step, speed=piece.speed * slope, fade=None, curve=None
    )


def _curved(piece: Piece, length: Fraction, places: Curve) -> Piece:
    curve = Curve(tuple((time, _place(piece, place)) for time, place in places.knots))
    return _along(piece, Fraction(0), length, curve)


def _along(piece: Piece, start: Fraction, stop: Fraction, curve: Curve) -> Piece:
    frames = max(stop - start - 1, Fraction(1))
    average = (curve.at(frames) - curve.at(0)) / frames
    speed = average * piece.speed / piece.step if piece.step else average
    return replace(piece, start=start, stop=stop, curve=curve, speed=speed.limit_denominator(10_000), fade=None)


def _frame_by_frame(pieces: list[Piece], length: Fraction, places: Curve) -> list[Piece]:
    """A speed over several clips: each record frame shows a whole frame of the input."""
    result: list[Piece] = []
    run: list[tuple[int, Fraction]] = []
    on: Piece | None = None
    starts = [piece.start for piece in pieces]
    for k in range(ceil(length)):
        frame = Fraction(floor(places.at(k)))
        i = bisect_right(starts, frame) - 1
        now = pieces[i] if i >= 0 and frame < pieces[i].stop else None
        if now is not on:
            result += _run(on, run, length)
            on, run = now, []
        if now is not None:
            run.append((k, _place(now, frame)))
    return result + _run(on, run, length)


def _run(piece: Piece | None, run: list[tuple[int, Fraction]], length: Fraction) -> list[Piece]:
    if piece is None or not run:
        return []
    start, stop = Fraction(run[0][0]), min(Fraction(run[-1][0] + 1), length)
    if piece.source is None:
        return [replace(piece, start=start, stop=stop, fade=None)]
    knots = [(Fraction(k) - start, place) for k, place in run]
    knots.append((knots[-1][0] + 1, knots[-1][1]))
    return [_along(piece, start, stop, Curve(tuple(knots)))]
