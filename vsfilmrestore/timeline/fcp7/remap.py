"""Speed in Final Cut Pro 7 XML, written: a clip counts at its own speed, ``timeremap`` says where in the file that is.

::

    clip   0 ...... in ===== out ...... duration      ``when`` of a key
    file   0 .... value === value ........... end     ``value`` of a key

A constant speed has a percentage and four keys that lie on its line; backwards, the line is the edge after the frame
shown. Where in points would fall between two frames, and for speeds that change, the keys alone tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from vsfilmrestore.timeline.model import FrameRange, Shot, SourceKey

__all__ = ["Key", "Played", "Remap", "number", "played", "time_remap"]

_ZERO: Final = Fraction(0)


@dataclass(frozen=True, slots=True)
class Key:
    """A key: frame of the clip, frame of the file, and which end it marks ('' for a key of one's own)."""

    when: Fraction
    value: Fraction
    role: str = ""


@dataclass(frozen=True, slots=True)
class Remap:
    """A ``timeremap`` effect.

    Attributes:
        percent: Speed.
        reverse: Whether it plays backwards.
        keys: In order.
        varies: Whether the keys alone tell the speed.
    """

    percent: Fraction
    reverse: bool
    keys: tuple[Key, ...]
    varies: bool


@dataclass(frozen=True, slots=True)
class Played:
    """Where a clip stands in its file, in frames of the sequence.

    Attributes:
        first: Its ``in``.
        duration: Frames of the whole file at the speed of the clip.
        remap: Its speed, None for the normal one.
    """

    first: Fraction
    duration: Fraction
    remap: Remap | None


def played(shot: Shot, source: SourceKey, known: FrameRange, rate: Fraction, tail: int) -> Played:
    """Where a shot stands in its file.

    Args:
        shot: The shot.
        source: Its medium.
        known: All frames of the medium.
        rate: Record rate.
        tail: Record frames for which it runs on under a transition.
    """
    share = rate / source.rate
    length, total = len(known) * share, len(shot.record) + tail
    if shot.curve is not None:
        return _varying(
            [(time, (place - known.start) * share) for time, place in shot.curve.knots], shot, length, total
        )
    low, speed = (source.start + shot.phase - known.start) * share, shot.speed
    if speed == 1:
        return Played(low if share != 1 else Fraction(floor(low)), length, None)
    if speed > 0:
        first = Fraction(floor(low / speed))
        return _constant(first, low, speed, length / speed, total)
    if speed == 0:
        first = Fraction(floor(low))
        return Played(first, max(length, first + total), _held(first, low, total))
    edge = low - len(shot.record) * speed
    first = (length - edge) / -speed
    if first.denominator == 1 and first >= 0:
        return _constant(first, edge, speed, length / -speed, total)
    shown = edge + speed
    return _varying([(_ZERO, shown), (Fraction(total), shown + total * speed)], shot, length, total)


def _constant(first: Fraction, begin: Fraction, speed: Fraction, duration: Fraction, total: int) -> Played:
    stop, duration = first + total, max(Fraction(ceil(duration)), first + total)
    places = ((_ZERO, "start"), (first, "in"), (stop, "out"), (duration, "end"))
    keys = tuple(Key(when, begin + (when - first) * speed, f"speedkf{role}") for when, role in places)
    return Played(first, duration, Remap(abs(speed) * 100, speed < 0, keys, varies=False))


def _held(first: Fraction, place: Fraction, total: int) -> Remap:
    keys = (Key(first, place, "speedkfin"), Key(first + total, place, "speedkfout"))
    return Remap(_ZERO, False, keys, varies=False)


def _varying(knots: list[tuple[Fraction, Fraction]], shot: Shot, length: Fraction, total: int) -> Played:
    """Keys of one's own; counting begins where no key lies below 0."""
    ahead = Fraction(ceil(max(_ZERO, -min(time for time, _ in knots))))
    keys = tuple(Key(time + ahead, place) for time, place in knots)
    percent = abs(shot.speed) * 100
    return Played(ahead, max(length, ahead + total), Remap(percent, shot.speed < 0, keys, varies=True))


def time_remap(parent: Element, remap: Remap) -> None:
    """Write the effect into a ``filter``."""
    effect = SubElement(parent, "effect")
    for name, value in (
        ("name", "Time Remap"),
        ("effectid", "timeremap"),
        ("effectcategory", "motion"),
        ("effecttype", "motion"),
        ("mediatype", "video"),
    ):
        SubElement(effect, name).text = value
    _parameter(effect, "variablespeed", "1" if remap.varies else "0")
    _parameter(effect, "speed", number(remap.percent))
    _parameter(effect, "reverse", "TRUE" if remap.reverse else "FALSE")
    _parameter(effect, "frameblending", "FALSE")
    graph = _parameter(effect, "graphdict", "0")
    # A whole number is taken for a rounded one beside others that are not whole.
    whole = all(key.value.denominator == 1 for key in remap.keys)
    for key in remap.keys:
        keyframe = SubElement(graph, "keyframe")
        SubElement(keyframe, "when").text = number(key.when)
        SubElement(keyframe, "value").text = number(key.value) if whole else f"{float(key.value):.10f}"
        if key.role:
            SubElement(keyframe, "speedvirtualkf").text = "TRUE"
            SubElement(keyframe, key.role).text = "TRUE"
    SubElement(SubElement(graph, "interpolation"), "name").text = "linear"


def _parameter(effect: Element, name: str, value: str) -> Element:
    parameter = SubElement(effect, "parameter")
    SubElement(parameter, "parameterid").text = name
    SubElement(parameter, "name").text = name
    SubElement(parameter, "value").text = value
    return parameter


def number(value: Fraction) -> str:
    """A number with up to ten decimals, without needless ones."""
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.10f}".rstrip("0")
