"""The shot model: what every cut list is read into.

::

    record   0        48                 120        144
             |---- A ----|------- B -------|-- gap --|        Reel.shots, in record order, without holes
    source       1001..1048    86400..86471                   Shot.source.start, counted in the source's own frames
                         |~~|                                 Shot.transition of B: A's next frames, faded out over B

Pure data, no pictures: numbers are integers and fractions, and nothing here knows of filters or files on disk.
Record frames are counted from 0 at the first frame of the reel; `Reel.start` is the record timecode of that frame.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from math import floor
from typing import Final

from vsfilmrestore.media.naming import unquoted
from vsfilmrestore.media.timecode import format_timecode, nominal_rate, rate_text
from vsfilmrestore.timeline.curve import Curve

__all__ = [
    "CutList",
    "FrameRange",
    "Marker",
    "Reel",
    "SettingNote",
    "Shot",
    "SourceKey",
    "Strength",
    "Transition",
]


# The frame numbers in the name of an image sequence: plate.%04d, plate_####, plate.[1001-1099].
_SUFFIX: Final = re.compile(
    r"(?<=.)\.(?:mov|mxf|mp4|m4v|mkv|avi|mpe?g|m?ts|r3d|braw|ari|dv|dpx|cin|exr|tiff?)$", re.IGNORECASE
)
_NUMBERS: Final = re.compile(r"[._ -]?(?:%0?\d*d|#+|\[\d+-\d+\])$")


@dataclass(frozen=True, slots=True, order=True)
class FrameRange:
    """Frames ``start .. stop - 1``."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if self.stop < self.start:
            raise ValueError(f"a range cannot end ({self.stop}) before it starts ({self.start})")

    def __len__(self) -> int:
        return self.stop - self.start

    def overlap(self, other: FrameRange) -> FrameRange | None:
        """The frames both hold, or None."""
        start, stop = max(self.start, other.start), min(self.stop, other.stop)
        return FrameRange(start, stop) if start < stop else None


class Strength(StrEnum):
    """Where a setting stood. Members are in order of strength: the first wins."""

    CLIP_MARKER = "clip marker"
    TIMELINE_MARKER = "timeline marker"
    NOTE = "note"
    SIDECAR = "sidecar"
    COLOUR = "colour"
    ASSESSED = "assessed"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class SettingNote:
    """One ``VSFR …`` text found in a cut list, not yet understood as filter settings.

    Attributes:
        text: The words after ``VSFR``, as written.
        strength: What kind of place it stood in.
        file: The file it was read from.
        line: Line in that file, from 1, where lines exist.
        timecode: Record timecode it stands at.
        frames: Record frames it is limited to (a marker longer than one frame), or those a ``key`` stands on; None:
            the whole shot.
        detail: What tells places of one kind apart: the colour; of what was proposed, the reason.
    """

    text: str
    strength: Strength
    file: str
    line: int | None = None
    timecode: str | None = None
    frames: FrameRange | None = None
    detail: str = ""

    @property
    def origin(self) -> str:
        """Where it stood, for tables and messages: ``cut.edl:12 (note)``; of what was proposed, why."""
        if self.strength is Strength.ASSESSED:
            return f"assessed: {self.detail}"
        name = self.file.replace("\\", "/").rsplit("/", 1)[-1]
        place = name if self.line is None else f"{name}:{self.line}"
        return f"{place} ({self.strength} {self.detail})" if self.detail else f"{place} ({self.strength})"


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker of the cut list, with or without settings in it.

    Attributes:
        name: Its name, '' if none.
        note: Its comment, '' if none.
        colour: As the editing program calls it, '' if none.
        frames: Record frames it stands on, counted from 0 at the start of the reel; one frame for a plain marker.
        file: The file it was read from.
        line: Line in that file, from 1, where lines exist.
    """

    name: str
    note: str
    colour: str
    frames: FrameRange
    file: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class SourceKey:
    """What the cut list tells of the media behind a shot; linking to a file on disk comes later.

    Attributes:
        name: Clip or file name (``FROM CLIP NAME``, OTIO media name), '' if none.
        reel: Reel (tape) name, '' if none.
        url: Path or URL the cut list names (``SOURCE FILE``, OTIO target_url), '' if none.
        start: First frame used, counted from timecode 00:00:00:00 of the source when `has_timecode`, else from the
            first frame of the file.
        rate: Frames per second of the source.
        has_timecode: Whether `start` is a timecode count.
        available: All frames of the media, in the same counting as `start`, where the cut list tells.
        drop: Whether the source's timecode is drop frame.
    """

    name: str
    reel: str
    url: str
    start: int
    rate: Fraction
    has_timecode: bool = True
    available: FrameRange | None = None
    drop: bool = False

    @property
    def label(self) -> str:
        """The best short name of the media: reel, else file stem, else clip name."""
        if self.reel and self.reel.upper() not in {"AX", "BL"}:
            return self.reel
        url = unquoted(self.url) if "://" in self.url else self.url
        stem = url.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0] or _SUFFIX.sub("", self.name)
        return _NUMBERS.sub("", stem) or stem or self.reel or "unnamed"


@dataclass(frozen=True, slots=True)
class Shot:
    """One piece of the record side: the frames between two cuts, from one source (or none: black).

    Attributes:
        name: Name an editor would know it by.
        record: Its frames on the record side, counted from 0 at the start of the reel.
        source: Its media; None is a gap, rendered black.
        speed: Source frames per record frame at equal rates; negative plays backwards, 0 is a freeze frame.
        phase: Part of a source frame (0 <= phase < 1) that lies before the shot, where a retimed clip was cut off
            between two of its frames.
        curve: Speed that changes along the shot: times from the shot's first frame, places in the counting of
            ``source.start``, which then is the lowest frame shown; `speed` is only its average. None: `speed` says all.
        event: Event number in an EDL, '' elsewhere.
        notes: Settings found on it, strongest first.
        handles: Frames of the same take known to exist before and after in the source.
        transition: How the shot fades in over what came before; None is a plain cut.
        comments: Lines of an EDL that stood under the event, as written (``* ASC_SOP …``, ``* LOC: …``).
        colour: Label colour the editor gave the clip, as the editing program calls it, '' if none.
        line: Line of the cut list it was read from, from 1, where lines exist.
    """

    name: str
    record: FrameRange
    source: SourceKey | None
    speed: Fraction = Fraction(1)
    event: str = ""
    notes: tuple[SettingNote, ...] = ()
    handles: tuple[int, int] = (0, 0)
    transition: Transition | None = None
    comments: tuple[str, ...] = ()
    phase: Fraction = Fraction(0)
    curve: Curve | None = None
    colour: str = ""
    line: int | None = None

    @property
    def id(self) -> str:
        """Stable key ``<reel or file>@<source-in>``: it survives a re-cut, an event number does not."""
        if self.source is None:
            return f"gap@{self.record.start}"
        if not self.source.has_timecode:
            return f"{self.source.label}@{self.source.start}"
        return f"{self.source.label}@{format_timecode(self.source.start, self.source.rate, drop=self.source.drop)}"

    def source_frame(self, record_frame: int, record_rate: Fraction) -> int:
        """Source frame shown at a record frame, in the counting of ``source.start``.

        The rule an Avid follows frame by frame: ``in + floor(k * speed)``. Backwards is the exact mirror of forwards:
        the same source frames, the last one first. Media of another rate than the record is read in time: each record
        frame shows the source frame on at its start.

        Raises:
            ValueError: The shot is a gap, or the frame is outside it.
        """
        if self.source is None or not self.record.start <= record_frame < self.record.stop:
            raise ValueError(f"shot {self.name} has no source frame for record frame {record_frame}")
        return self.source_at(record_frame - self.record.start, record_rate)

    def source_at(self, k: int, record_rate: Fraction) -> int:
        """Source frame ``k`` record frames after the shot's first; beyond both ends it runs on into the handles.

        Raises:
            ValueError: The shot is a gap.
        """
        if self.source is None:
            raise ValueError(f"shot {self.name} is a gap and has no source frames")
        if self.curve is not None:
            return floor(self.curve.at(k))
        step = self.speed * self.source.rate / record_rate
        if step < 0:
            k, step = len(self.record) - 1 - k, -step
        return self.source.start + floor(self.phase + k * step)

    def source_frames(self, record_rate: Fraction) -> FrameRange:
        """The source frames from the lowest to the highest one the shot shows.

        Raises:
            ValueError: The shot is a gap.
        """
        last = len(self.record) - 1
        moments = [0, last] if self.curve is None else self.curve.moments(last + 1)
        shown = [self.source_at(k, record_rate) for k in moments]
        return FrameRange(min(shown), max(shown) + 1)


@dataclass(frozen=True, slots=True)
class Transition:
    """A dissolve or wipe over the first frames of a shot, from what was shown before.

    The incoming shot starts where the transition starts, so that the record side has no holes and no overlaps::

        |--- A ---|------ B ------|      B.transition.outgoing: a shot of A's source over the record frames ~~~,
                  |~~~|                  in most cuts the frames that follow A's last one

    Attributes:
        kind: ``dissolve``, or ``wipe 001`` with the number of the wipe.
        outgoing: What fades away: its record range is that of the transition; its source None is black.
    """

    kind: str
    outgoing: Shot

    @property
    def length(self) -> int:
        """Record frames the transition takes, counted from the first of the incoming shot."""
        return len(self.outgoing.record)

    def weight(self, record_frame: int) -> Fraction:
        """Share of the incoming shot in a frame of a dissolve: 1/(n+1) at its first frame, n/(n+1) at its last."""
        k = record_frame - self.outgoing.record.start
        return min(max(Fraction(k + 1, self.length + 1), Fraction(0)), Fraction(1))


@dataclass(frozen=True, slots=True)
class Reel:
    """A whole cut: shots in record order that touch one another, gaps included.

    Attributes:
        name: Title of the cut.
        rate: Exact record rate.
        shots: Shots in record order; the first starts at 0.
        start: Record timecode of the first frame, as a frame count.
        drop: Whether record timecode is drop frame.
        file: The cut list it was read from, '' if none.
        remarks: What the reader tolerated, a sentence each; those with lines are `Remark`.
        markers: All markers of the cut list in record frames, also those without settings.
        rate_known: False where the cut list has no rate and `rate` was guessed; see `at_rate`.
    """

    name: str
    rate: Fraction
    shots: tuple[Shot, ...]
    start: int = 0
    drop: bool = False
    file: str = ""
    remarks: tuple[str, ...] = field(default=())
    markers: tuple[Marker, ...] = ()
    rate_known: bool = True

    def __post_init__(self) -> None:
        at = 0
        for shot in self.shots:
            if shot.record.start != at or len(shot.record) == 0:
                raise ValueError(f"shot {shot.name} starts at {shot.record.start} where {at} was expected")
            at = shot.record.stop

    def __len__(self) -> int:
        """Record frames."""
        return self.shots[-1].record.stop if self.shots else 0

    def timecode(self, record_frame: int) -> str:
        """Record timecode of a frame counted from 0."""
        return format_timecode(self.start + record_frame, self.rate, drop=self.drop)

    def shot_at(self, record_frame: int) -> Shot | None:
        """The shot that shows a record frame, None outside the reel."""
        i = bisect_right(self.shots, record_frame, key=lambda shot: shot.record.start) - 1
        return self.shots[i] if i >= 0 and record_frame < self.shots[i].record.stop else None

    def with_shots(self, shots: tuple[Shot, ...]) -> Reel:
        """The same reel with other shots."""
        return replace(self, shots=shots)

    def at_rate(self, rate: Fraction) -> Reel:
        """The same frames at another exact rate that counts timecode alike: 23.976 for 24, 29.97 for 30.

        Use it when `rate_known` is False and the media tells the true rate. Sources that were taken to run at the
        reel's rate follow.

        Raises:
            ValueError: Timecode does not count alike at the two rates; the cut list must be read again.
        """
        if nominal_rate(rate) != nominal_rate(self.rate):
            raise ValueError(f"a cut read at {rate_text(self.rate)} fps must be read again for {rate_text(rate)} fps")
        shots = tuple(_with_rate(shot, self.rate, rate) for shot in self.shots)
        return replace(self, rate=rate, shots=shots, rate_known=True)


CutList = Reel
"""The cut as read from a file, where `vsfilmrestore.Reel` means the cut with its pictures."""


def _with_rate(shot: Shot, old: Fraction, new: Fraction) -> Shot:
    source, transition = shot.source, shot.transition
    if source is not None and source.rate == old:
        source = replace(source, rate=new)
    if transition is not None:
        transition = replace(transition, outgoing=_with_rate(transition.outgoing, old, new))
    return replace(shot, source=source, transition=transition)
