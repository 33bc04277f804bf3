"""The shot model: what every cut list is read into.

::

    record   0        48                 120        144
             |---- A ----|------- B -------|-- gap --|        Reel.shots, in record order, without holes
    source       1001..1048    86400..86471                   Shot.source.start, counted in the source's own frames

Pure data, no pictures: numbers are integers and fractions, and nothing here knows of filters or files on disk.
Record frames are counted from 0 at the first frame of the reel; `Reel.start` is the record timecode of that frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from math import floor

from vsfilmrestore.media.timecode import format_timecode

__all__ = ["FrameRange", "Reel", "SettingNote", "Shot", "SourceKey", "Strength"]


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
        frames: Record frames it is limited to (a marker longer than one frame); None: the whole shot.
    """

    text: str
    strength: Strength
    file: str
    line: int | None = None
    timecode: str | None = None
    frames: FrameRange | None = None

    @property
    def origin(self) -> str:
        """Where it stood, for tables and messages: ``cut.edl:12 (note)``."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place} ({self.strength})"


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
    """

    name: str
    reel: str
    url: str
    start: int
    rate: Fraction
    has_timecode: bool = True
    available: FrameRange | None = None

    @property
    def label(self) -> str:
        """The best short name of the media: reel, else file stem, else clip name."""
        if self.reel and self.reel.upper() not in {"AX", "BL"}:
            return self.reel
        stem = self.url.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
        return stem or self.name or self.reel or "unnamed"


@dataclass(frozen=True, slots=True)
class Shot:
    """One piece of the record side: the frames between two cuts, from one source (or none: black).

    Attributes:
        name: Name an editor would know it by.
        record: Its frames on the record side, counted from 0 at the start of the reel.
        source: Its media; None is a gap, rendered black.
        speed: Source frames per record frame at equal rates; negative plays backwards, 0 is a freeze frame.
        event: Event number in an EDL, '' elsewhere.
        notes: Settings found on it, strongest first.
        handles: Frames of the same take known to exist before and after in the source.
    """

    name: str
    record: FrameRange
    source: SourceKey | None
    speed: Fraction = Fraction(1)
    event: str = ""
    notes: tuple[SettingNote, ...] = ()
    handles: tuple[int, int] = (0, 0)

    @property
    def id(self) -> str:
        """Stable key ``<reel or file>@<source-in>``: it survives a re-cut, an event number does not."""
        if self.source is None:
            return f"gap@{self.record.start}"
        if not self.source.has_timecode:
            return f"{self.source.label}@{self.source.start}"
        return f"{self.source.label}@{format_timecode(self.source.start, self.source.rate)}"

    def source_frame(self, record_frame: int, record_rate: Fraction) -> int:
        """Source frame shown at a record frame, in the counting of ``source.start``.

        The rule an Avid follows frame by frame: ``in + floor(k * speed)``, backwards from the last frame used.
        Media of another rate than the record is read in time: each record frame shows the source frame on at its
        start.

        Raises:
            ValueError: The shot is a gap, or the frame is outside it.
        """
        if self.source is None or not self.record.start <= record_frame < self.record.stop:
            raise ValueError(f"shot {self.name} has no source frame for record frame {record_frame}")
        step = self.speed * self.source.rate / record_rate
        k = record_frame - self.record.start
        if step >= 0:
            return self.source.start + floor(k * step)
        return self.source.start + len(self.record) - 1 - floor(k * -step)


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
        remarks: What the reader tolerated, a sentence each, with line numbers.
    """

    name: str
    rate: Fraction
    shots: tuple[Shot, ...]
    start: int = 0
    drop: bool = False
    file: str = ""
    remarks: tuple[str, ...] = field(default=())

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

    def with_shots(self, shots: tuple[Shot, ...]) -> Reel:
        """The same reel with other shots."""
        return replace(self, shots=shots)
