"""What opening media takes and gives: plain frozen records, shared by every kind of source."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

import vapoursynth as vs

from vsfilmrestore.errors import UsageError
from vsfilmrestore.media.colour import ColourTags
from vsfilmrestore.media.timecode import format_timecode

__all__ = ["DEFAULT_RATE", "Gap", "Kind", "Media", "Probe", "SourceOptions"]

type Gap = Literal["error", "hold", "black"]
type Kind = Literal["file", "sequence", "script"]

DEFAULT_RATE = Fraction(24)
"""Rate of a sequence whose headers tell none."""


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How to open media.

    Attributes:
        gap: What stands for a missing file of an image sequence: an error that names it, the frame before it held,
            or black.
        rate: Frames per second, whatever the media says. A file of varying rate is brought to it by dropping and
            repeating frames; any other is played at it, no frame is added or lost.
        first: First frame wanted: the number in the file name of a sequence, elsewhere counted from 0.
        last: Last frame wanted, included; counted likewise.
        audio: Whether sound is opened too.
        tolerant: Whether a film that is not as it should be is taken as far as it goes, with a remark: cut off, of
            varying rate, or with holes. Else it is refused with the words that open it.
        unreadable: Frames known to be unreadable, counted as ``first`` is: the nearest that can be read, mostly the
            one before, stands in the place of each.
        cache: Folder for index files; None is the user's cache.
    """

    gap: Gap = "error"
    rate: Fraction | None = None
    first: int | None = None
    last: int | None = None
    audio: bool = True
    cache: Path | None = None
    tolerant: bool = False
    unreadable: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.gap not in ("error", "hold", "black"):
            raise UsageError(f"gap must be error, hold or black, not '{self.gap}'")
        if self.rate is not None and self.rate <= 0:
            raise UsageError(f"a frame rate must be above 0, not {self.rate}")
        if self.first is not None and self.last is not None and self.last < self.first:
            raise UsageError(f"the last frame ({self.last}) lies before the first ({self.first})")


@dataclass(frozen=True, slots=True)
class Media:
    """Opened media.

    Attributes:
        path: As it was named.
        kind: A media file, an image sequence or a script.
        video: The pictures; constant format, size and rate, their frames in memory.
        audio: The sound from the first to the last picture, None if there is none.
        rate: Frames per second, exact; always ``video.fps``.
        start: Timecode of the first frame as a count of frames; 0 when there is none.
        has_timecode: Whether `start` was told.
        drop: Whether timecode counts drop frame.
        reel: Reel (tape) name, '' if none was told.
        first_number: Number in the file name of a sequence's first frame, elsewhere 0.
        log: Whether code values are logarithmic printing density (Cineon).
        sample_aspect: Width of a pixel over its height.
        colour: Colour tags as told.
        name: Name a person would call it by.
        remarks: What was assumed or left out, a sentence each.
        rate_told: Whether the media told its rate; else `rate` was assumed, and counts of its timecode with it.
    """

    path: Path
    kind: Kind
    video: vs.VideoNode
    audio: vs.AudioNode | None
    rate: Fraction
    start: int = 0
    has_timecode: bool = False
    drop: bool = False
    reel: str = ""
    first_number: int = 0
    log: bool = False
    sample_aspect: Fraction = Fraction(1)
    colour: ColourTags = field(default_factory=ColourTags)
    name: str = ""
    remarks: tuple[str, ...] = ()
    rate_told: bool = True

    def __len__(self) -> int:
        """Frames."""
        return self.video.num_frames

    def timecode(self, frame: int) -> str:
        """Timecode of a frame counted from 0; counted from 00:00:00:00 when none was told."""
        return format_timecode(self.start + frame, self.rate, drop=self.drop)


@dataclass(frozen=True, slots=True)
class Probe:
    """What media tells of itself without being opened; attributes as in `Media`.

    Attributes:
        length: Frames.
        exact: Whether `length` was counted; else it follows from the duration and may be a frame off.
        has_audio: Whether sound goes with it.
    """

    path: Path
    kind: Kind
    name: str
    width: int
    height: int
    rate: Fraction
    length: int
    exact: bool
    start: int
    has_timecode: bool
    drop: bool
    reel: str
    first_number: int
    sample_aspect: Fraction
    log: bool
    has_audio: bool
    colour: ColourTags
    remarks: tuple[str, ...] = ()
    rate_told: bool = True
