"""How fast the source of an edit runs, and from where: its ``M2`` line, or what its lengths tell.

``M2`` gives source frames per second of record timecode: 24.0 is one frame after the other at 24 and at 23.976 fps,
48.0 every second one, -24.0 backwards, 0 a freeze frame. Some programs write frames per second of true time, which is
seen where it makes a whole per cent: 47.952 is every second frame at 23.976. A list without M2 plays at normal speed.

Backwards there are two ways to write. To Avid and Final Cut the in point is the first frame shown, from which the
motion goes down; the out point is made up (in + 1, or as many frames on as the record has). Others write the frames
shown, in their own order, and play them from the last to the first::

    in      out                                   Avid, Final Cut       others
    100     101 (or 105), 5 record frames         100 99 98 97 96       104 103 102 101 100
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from math import ceil, floor
from typing import Final

from vsfilmrestore.media.timecode import nominal_rate, rate_text
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.edl.lines import EditLine, Event, Motion, RawEdl

__all__ = ["check_told", "follows", "goes_down", "motion_of", "step_of", "told_step"]

_SIMPLE_SPEEDS: Final = tuple(Fraction(text) for text in ("2", "5/2", "3", "4", "5", "1/2", "2/5", "1/3", "1/4"))
_ENOUGH: Final = 8
# Decimals from which a speed by chance is hardly one of true time.
_TELLING: Final = 2


def motion_of(event: Event, edit: EditLine) -> Motion | None:
    """The M2 line that is meant for an edit: by reel and in point where an event has two sides."""
    sides = [other for other in event.edits if other.has_video]
    if len(sides) < 2:
        return event.motions[-1] if event.motions else None
    free = list(sides)
    for motion in event.motions:
        side = _side(motion, free or sides, several=len(event.motions) > 1)
        if side is edit:
            return motion
        # Both sides may be of one reel and one in point; then the lines stand in their order.
        free = [other for other in free if other is not side]
    return None


def _side(motion: Motion, sides: list[EditLine], *, several: bool) -> EditLine:
    alike = [side for side in sides if _same_reel(side.reel, motion.reel)]
    exact = [side for side in alike if _digits(side.source[0]) == _digits(motion.timecode)]
    if exact:
        return exact[0 if several else -1]
    return (alike or sides)[-1]


def told_step(motion: Motion, rate: Fraction, length: int, n: int, remarks: Remarks) -> Fraction:
    """Source frames per record frame that an ``M2`` line tells.

    Args:
        motion: The line.
        rate: Exact record rate.
        length: Source frames the list gives.
        n: Record frames.
        remarks: Told where the speed is in frames per second of true time.
    """
    nominal = nominal_rate(rate)
    step = Fraction(motion.fps) / nominal
    decimals = len(motion.fps.partition(".")[2])
    true = _true_step(motion.fps, rate, decimals)
    if true is not None and (
        length == n * true or (decimals >= _TELLING and (length == n or abs(length - n * true) <= 1))
    ):
        remarks.add(f"its M2 speed is {true} times {rate_text(rate)} fps, and taken as that", motion.line)
        return true
    if decimals < 4:
        return step
    simple = step.limit_denominator(1000)
    return simple if abs(simple - step) * nominal <= Fraction(1, 10**decimals) else step


def _true_step(fps: str, rate: Fraction, decimals: int) -> Fraction | None:
    """The speed in whole per cent that is written as frames per second of true time; None where it is not."""
    told = Fraction(fps)
    if rate.denominator == 1 or not told or (told / nominal_rate(rate) * 100).denominator == 1:
        return None
    step = Fraction(round(told / rate * 100), 100)
    # Programs round, and some cut off.
    return step if step and abs(step * rate - told) < Fraction(1, 10**decimals) else None


def step_of(length: int, n: int, ratio: Fraction, line: int, remarks: Remarks, *, still: bool) -> Fraction | None:
    """Source frames per record frame of an edit without an ``M2`` line; None if its lengths tell no sensible one.

    Args:
        length: Source frames the list gives.
        n: Record frames.
        ratio: Rate of the media over that of the record.
        line: For remarks.
        remarks: Told whenever the lengths are not alike.
        still: Whether a comment speaks of a still.
    """
    if not n or abs(length - n * ratio) < 1:
        return ratio
    if still and 0 <= length <= 1:
        remarks.add("a still without an M2 line; held", line)
        return Fraction(0)
    if length == 0:
        remarks.add("no source length; played at normal speed", line)
        return ratio
    if abs(length - n * ratio) <= max(Fraction(1), ratio):
        remarks.add("source and record lengths differ by one frame; the record side is kept", line)
        return ratio
    if length < 0 and abs(-length - n * ratio) <= 1:
        remarks.add("source out before source in and no M2 line; played backwards", line)
        return -ratio
    if ratio == 1 and (simple := _simple_speed(length, n)) is not None:
        remarks.add(
            f"no M2 line, but {simple} times the frames, as of media at another rate; played at that speed", line
        )
        return simple
    return None


def check_told(length: int, n: int, step: Fraction, line: int, remarks: Remarks) -> None:
    """Remark when source frames do not follow the ``M2`` speed. Some programs write as many as there are on record."""
    if n and step > 0 and length != n and not follows(length, n, step):
        remarks.add(f"{length} source frames do not follow its M2 speed, which is kept", line)


def follows(length: int, n: int, step: Fraction) -> bool:
    """Whether so many source frames are what ``n`` record frames show at a speed."""
    return floor((n - 1) * abs(step)) <= length <= ceil((n + 1) * abs(step)) + 1


def goes_down(edl: RawEdl) -> bool:
    """Whether a list plays backwards from its in points down, as Avid and Final Cut do.

    Known by lines of theirs, or by an edit played backwards whose out point is the frame after its in point.
    """
    return edl.house or any(edit.source[0] != edit.source[1] and _next(*edit.source) for edit in _reversed(edl))


def _reversed(edl: RawEdl) -> Iterator[EditLine]:
    for event in edl.events:
        if any(motion.fps.startswith("-") for motion in event.motions):
            for edit in event.edits:
                motion = motion_of(event, edit) if edit.has_video else None
                if motion is not None and motion.fps.startswith("-") and not _next(*edit.record):
                    yield edit


def _next(first: str, second: str) -> bool:
    """Whether a timecode is one frame on, within its second."""
    return first[:-2] == second[:-2] and int(second[-2:]) == int(first[-2:]) + 1


def _simple_speed(length: int, n: int) -> Fraction | None:
    """The speed that lists leave out for high-speed media, if the lengths fit one (2 n - 1 frames for n, at 2)."""
    fits = (s for s in _SIMPLE_SPEEDS if length in {floor((n - 1) * s) + 1, floor(n * s), ceil(n * s)})
    return next(fits, None) if n >= _ENOUGH else None


def _same_reel(a: str, b: str) -> bool:
    a, b = a.upper(), b.upper()
    return a == b or (bool(b) and (a.startswith(b) or b.startswith(a)))


def _digits(timecode: str) -> str:
    return re.sub(r"\D", "", timecode)
