"""How the hosts that write OTIO count source frames, brought to one way.

::

                     clip starts at    media starts at    files numbered from
    Resolve          39                0                  1001                    no timecode
    Resolve          87399             87399              1000                    timecode
    Hiero            39                1001               1001                    file numbers, or timecode in metadata
    Hiero            11                87399              1000                    timecode, the clip counted from 0
    xStudio, OpenRV  1040              1001               1001                    file numbers
    some conforms    86439             86400              86400                   timecode, and files are named by it
    FCP 7 adapter    900000            125                125                     timecode; the media by file numbers

File numbers below an hour are no timecode; from an hour on they are, when the media is counted by them too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from vsfilmrestore.media.timecode import nominal_rate
from vsfilmrestore.timeline.model import FrameRange

__all__ = ["Counted", "counted"]


@dataclass(frozen=True, slots=True)
class Counted:
    """Where a clip starts in its media, and all frames the media has, in one counting.

    Attributes:
        low: In point, in source frames.
        available: Frames of the media; None: not told.
        timecode: Whether both are counted from timecode 00:00:00:00; else from the first frame of the file.
    """

    low: Fraction
    available: FrameRange | None
    timecode: bool = False

    def moved(self, by: int, *, timecode: bool) -> Counted:
        """The same frames counted from elsewhere."""
        known = self.available and FrameRange(self.available.start + by, self.available.stop + by)
        return Counted(self.low + by, known, timecode)


def counted(told: Counted, length: int, rate: Fraction, number: int | None, timecode: int | None) -> Counted:
    """The in point and the media of a clip in one counting.

    Args:
        told: As the file has them.
        length: Source frames the clip takes at normal speed.
        rate: Rate of the source.
        number: Number of the first file of an image sequence, None for a movie.
        timecode: Timecode of the first frame, where the file tells it beside, as a frame count.
    """
    hour = 3600 * nominal_rate(rate)
    if told.available is None:
        return _unknown(told, hour, number)
    found = _together(told, told.available, length, hour, number)
    known = found.available
    if known is None or found.timecode:
        return found
    if known.start <= 0 and timecode is None:
        return found
    by_number = known.start == number and known.start < hour
    if timecode is not None and (by_number or known.start == 0):
        return found.moved(timecode - known.start, timecode=True)
    if by_number or (number is None and known.start == 1):
        # OpenRV counts the frames of a movie from 1.
        return found.moved(-known.start, timecode=False)
    return replace(found, timecode=True)


def _unknown(told: Counted, hour: int, number: int | None) -> Counted:
    """Nothing tells what is counted: an hour of leader is rarer than timecode."""
    if told.low >= hour:
        return replace(told, timecode=True)
    return told.moved(-number, timecode=False) if number is not None and 0 < number <= told.low else told


def _together(told: Counted, known: FrameRange, length: int, hour: int, number: int | None) -> Counted:
    """The in point in the counting of the media; ``timecode`` is set only where that is not the media's own."""
    low = told.low
    if known.start - Fraction(1, 2) <= low < known.stop:
        return replace(told, low=max(low, Fraction(known.start)))
    if low < known.start and 0 <= low < len(known):
        return replace(told, low=low + known.start)
    if number is not None and 0 <= low - number < len(known):
        if known.start <= 0 and number >= hour:
            return Counted(low, FrameRange(number, number + len(known)), timecode=True)
        return replace(told, low=low - number + known.start)
    if low < hour:
        return replace(told, low=low)
    first = int(low)
    whole_media = FrameRange(first, first + len(known)) if length == len(known) else None
    return Counted(low, whole_media, timecode=True)
