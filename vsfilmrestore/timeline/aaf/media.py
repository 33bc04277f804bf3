"""From a clip of an AAF to its medium, along the chain of mobs.

::

    composition --> master mob --> file mob --> tape or import mob
                    clip name      URL, length   reel, timecode

Each clip on the way tells where in the next mob it begins, in the edit rate of the slot that holds the clip. Places are
carried along exactly: a place in the first slot is ``step * place + zero`` in the one at hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import Any, Final

from vsfilmrestore.media.timecode import exact_rate, nominal_rate
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.aaf.file import attributes, count, fraction, items, kind_of, nested, rate_of, ratio, text
from vsfilmrestore.timeline.layers import whole
from vsfilmrestore.timeline.model import FrameRange, SourceKey

__all__ = ["PULLDOWN", "Clock", "Media", "MediaFinder", "clock_of", "is_picture", "slot_of", "timecode_of"]

_LONGEST_CHAIN: Final = 32
_REELS: Final = {"TapeDescriptor", "FilmDescriptor"}
_REEL_COMMENTS: Final = ("Tape", "Reel", "Reel Name", "Tape Name", "TapeID", "Source Tape")
_PATH_COMMENTS: Final = ("UNC Path", "Source Path", "Source File Path")
_TIMECODES: Final = {24, 25, 30, 48, 50, 60, 120}

PULLDOWN: Final = {
    "TwoThreePD": Fraction(5, 4),
    "PALPD": Fraction(25, 24),
    "TwentyFourToSixtyPD": Fraction(5, 2),
    "VideoTapNTSC": Fraction(5, 4),
}
"""Frames on tape per frame of film, by kind of pulldown; 1 in all other kinds."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Timecode of a slot: the count at its first frame, numbers in a second, whether drop frame, its edit rate."""

    start: int
    fps: int
    drop: bool
    rate: Fraction


@dataclass(frozen=True, slots=True)
class Media:
    """The medium behind a slot; ``zero + step * place`` is where a place in the slot lies in it, in source frames.

    Attributes:
        source: Its `start` is not used.
        zero: See above.
        step: See above.
        still: Whether it is a single picture, held.
    """

    source: SourceKey
    zero: Fraction
    step: Fraction
    still: bool = False


@dataclass(slots=True)
class _Chain:
    """What is known so far on the way along the mobs."""

    step: Fraction = Fraction(1)
    zero: Fraction = Fraction(0)
    name: str = ""
    reel: str = ""
    urls: list[str] = field(default_factory=list)
    rate: Fraction | None = None
    frames: tuple[Fraction, Fraction] = (Fraction(1), Fraction(0))
    length: int = 0
    still: bool = False
    filed: bool = False
    clock: tuple[Clock, Fraction, Fraction, Fraction] | None = None
    told: dict[str, Any] = field(default_factory=dict)
    parted: bool = False


class MediaFinder:
    """Finds media by slot, each once.

    Args:
        mobs: The mobs of the file by identity, as text.
        rate: Record rate.
        remarks: Told of what is odd about a medium.
    """

    def __init__(self, mobs: dict[str, Any], rate: Fraction, remarks: Remarks) -> None:
        self._mobs, self._rate, self._remarks = mobs, rate, remarks
        self._known: dict[tuple[str, int], Media] = {}

    def media(self, mob: Any, slot: Any, place: Fraction) -> Media:
        """The medium that shows at a place of a slot, in its frames.

        Raises:
            ValueError: The mobs refer to one another in a circle, or a value is no number.
        """
        key = (str(mob.mob_id), count(slot, "SlotID"))
        if key in self._known:
            return self._known[key]
        chain = _Chain()
        self._follow(chain, mob, slot, place)
        media = self._finished(chain, rate_of(slot))
        if not chain.parted:
            self._known[key] = media
        return media

    def _follow(self, chain: _Chain, mob: Any, slot: Any, place: Fraction) -> None:
        rate = rate_of(slot)
        for _ in range(_LONGEST_CHAIN):
            chain.zero += count(slot, "Origin")
            place += count(slot, "Origin")
            self._look(chain, mob, slot, rate, place)
            segment = nested(slot, "Segment")
            chain.parted |= kind_of(segment) == "Sequence" and len(items(segment, "Components")) > 1
            clip, before, factor = _clip_at(segment, place)
            after = clip and self._mobs.get(str(clip.mob_id))
            next_slot = after and slot_of(after, clip.slot_id)
            if clip is None or after is None or next_slot is None:
                return
            next_rate = rate_of(next_slot)
            turn = ratio(next_rate, rate) if factor == 1 else factor
            shift = count(clip, "StartTime") * (1 if factor == 1 else Fraction(1, factor)) - before
            chain.step, chain.zero = chain.step * turn, (chain.zero + shift) * turn
            place = (place + shift) * turn
            mob, slot, rate = after, next_slot, next_rate
        raise ValueError(f"the media of '{chain.name}' refer to one another in a circle")

    def _look(self, chain: _Chain, mob: Any, slot: Any, rate: Fraction, place: Fraction) -> None:
        """Take what a mob tells."""
        descriptor = nested(mob, "EssenceDescription")
        kind, name = kind_of(descriptor), text(mob, "Name")
        chain.name = chain.name or name
        chain.told = {**attributes(mob, "UserComments"), **chain.told}
        if kind in _REELS:
            chain.reel = name or chain.reel
        if descriptor is not None:
            urls = [text(locator, "URLString") for locator in items(descriptor, "Locator")]
            chain.urls += [url for url in urls if url]
        essence = descriptor is not None and kind not in _REELS and kind != "ImportDescriptor"
        if chain.rate is None or (essence and not chain.filed):
            chain.rate, chain.frames, chain.filed = rate, (chain.step, chain.zero), essence
            chain.length, chain.still = _length(descriptor, slot, rate)
        clock = clock_of(mob, place)
        if clock is not None:
            chain.clock = (clock, chain.step, chain.zero, rate)

    def _finished(self, chain: _Chain, slot_rate: Fraction) -> Media:
        rate = chain.rate or slot_rate
        step, zero = chain.frames
        offset, drop = self._offset(chain, rate, step, zero)
        if nominal_rate(rate) == nominal_rate(self._rate):
            rate = self._rate
        known = FrameRange(offset or 0, (offset or 0) + chain.length) if chain.length > 0 else None
        source = SourceKey(
            name=chain.name,
            reel=chain.reel or _first(chain.told, _REEL_COMMENTS),
            url=_first(chain.told, _PATH_COMMENTS) if not chain.urls else chain.urls[-1],
            start=0,
            rate=rate,
            has_timecode=offset is not None,
            available=known,
            drop=drop,
        )
        return Media(source, zero + (offset or 0), step, chain.still)

    def _offset(self, chain: _Chain, rate: Fraction, step: Fraction, zero: Fraction) -> tuple[int | None, bool]:
        """Timecode of the first frame of the file, as a count at its rate; None if no mob has timecode."""
        if chain.clock is None:
            return None, False
        clock, clock_step, clock_zero, clock_rate = chain.clock
        place = -zero / step if step else Fraction(0)
        units = (clock_step * place + clock_zero) * ratio(clock.rate, clock_rate)
        nominal = nominal_rate(rate)
        if clock.fps != nominal and clock.fps not in _TIMECODES:
            # Some write frame numbers this way: 100 a second, from 0 or from the first file's.
            self._remarks.add(
                f"timecode of {clock.fps} frames a second is taken for none; counted from the first frame"
            )
            return None, False
        if clock.fps != nominal:
            self._remarks.add(f"timecode of {clock.fps} frames a second of '{chain.name}' counted as {nominal}")
        counted = Fraction(clock.start * nominal, clock.fps) + units * nominal / clock.fps
        if clock.fps == nominal:
            counted = clock.start + units
        drop = clock.drop and clock.fps == nominal and nominal % 30 == 0
        return max(0, whole(counted)), drop


def _length(descriptor: Any, slot: Any, rate: Fraction) -> tuple[int, bool]:
    """Frames of the medium, and whether it is one still picture."""
    length = count(nested(slot, "Segment"), "Length", 0)
    held = count(descriptor, "Length", 0) if descriptor is not None else 0
    if held == 1 and length > 1:
        return 1, True
    if held <= 0 or kind_of(descriptor) not in {"CDCIDescriptor", "RGBADescriptor", "DigitalImageDescriptor"}:
        return length, False
    sampled = descriptor.get("SampleRate", None, allkeys=False)
    sample_rate = fraction(sampled.value) if sampled is not None and sampled.value is not None else Fraction(0)
    return floor(held * ratio(rate, exact_rate(sample_rate))) if sample_rate > 0 else length, False


def _first(told: dict[str, Any], names: Iterable[str]) -> str:
    found = (told.get(name) for name in names)
    return next((value.strip() for value in found if isinstance(value, str) and value.strip()), "")


def is_picture(slot: Any) -> bool:
    """Whether a slot holds pictures."""
    definition = nested(nested(slot, "Segment"), "DataDefinition")
    name = text(definition, "Name").lower()
    return "picture" in name and "matte" not in name.replace("picturewithmatte", "picture")


def slot_of(mob: Any, number: object) -> Any:
    """The slot of a mob with a number, None if it has none."""
    return next((slot for slot in items(mob, "Slots") if count(slot, "SlotID", -1) == number), None)


def _clip_at(segment: Any, place: Fraction) -> tuple[Any, Fraction, Fraction]:
    """The source clip on at a place of a segment, where it begins there, and frames on the far side per frame."""
    before, factor = Fraction(0), Fraction(1)
    for _ in range(_LONGEST_CHAIN):
        match kind_of(segment):
            case "SourceClip":
                return segment, before, factor
            case "Sequence":
                segment, at = _part_at(segment, place - before)
                before += at
            case "EssenceGroup":
                segment = next(iter(items(segment, "Choices")), None)
            case "Selector":
                segment = nested(segment, "Selected")
            case "OperationGroup":
                segment = next(iter(items(segment, "InputSegments")), None)
            case "Pulldown":
                kind, way = text(segment, "PulldownKind"), text(segment, "PulldownDirection")
                frames = PULLDOWN.get(kind, Fraction(1))
                factor *= 1 / frames if way.startswith("Film") else frames
                segment = nested(segment, "InputSegment")
            case _:
                break
    return None, before, factor


def _part_at(sequence: Any, place: Fraction) -> tuple[Any, int]:
    """The part of a sequence on at a place, and where it begins; the last one beyond the end."""
    at, found = 0, (None, 0)
    for part in items(sequence, "Components"):
        if kind_of(part) == "Transition":
            at -= count(part, "Length")
            continue
        found = (part, at)
        at += count(part, "Length")
        if place < at:
            break
    return found


def timecode_of(slot: Any, place: Fraction = Fraction(0)) -> Clock | None:
    """The timecode in a slot, as it runs at a place; None if it holds none."""
    segment, before = nested(slot, "Segment"), 0
    if kind_of(segment) == "Sequence":
        segment, before = _part_at(segment, place)
    if kind_of(segment) != "Timecode":
        return None
    fps, drop = count(segment, "FPS"), segment.get("Drop", None, allkeys=False)
    if not 0 < fps <= 1000:
        return None
    start = count(segment, "Start") - before
    return Clock(start, fps, bool(drop is not None and drop.value), rate_of(slot))


def clock_of(mob: Any, place: Fraction = Fraction(0)) -> Clock | None:
    """The timecode of a mob: that of its first timecode track."""
    found: list[tuple[bool, int, Clock]] = []
    for slot in items(mob, "Slots"):
        if kind_of(slot) == "TimelineMobSlot":
            clock = timecode_of(slot, place)
            if clock is not None:
                found.append((count(slot, "PhysicalTrackNumber", 1) != 1, len(found), clock))
    return min(found)[2] if found else None
