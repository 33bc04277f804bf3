"""What all writers of cut lists need: where each marker stands, how far each medium reaches, what got lost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import zip_longest
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Final
from urllib.parse import quote

from vsfilmrestore.media.naming import unquoted
from vsfilmrestore.timeline.model import FrameRange, Marker, Reel, SettingNote, Shot, SourceKey, Strength
from vsfilmrestore.timeline.notes import marker_settings

__all__ = [
    "ClipMark",
    "Extras",
    "Losses",
    "MediaFacts",
    "MediaKey",
    "Placed",
    "as_timeline_marker",
    "extents",
    "file_url",
    "is_locator",
    "last_name",
    "media_key",
    "placed_marks",
    "plain_path",
    "runs_on",
]

_LISTED: Final = 4
_DRIVE: Final = re.compile(r"^[A-Za-z]:[\\/]")
_LOC: Final = re.compile(r"^[*\s]*LOC\s*:", re.IGNORECASE)

type MediaKey = tuple[str, str, str, Fraction, bool, bool]


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What a cut does not tell of a medium, but some formats want to know.

    Attributes:
        width: Pixels.
        height: Pixels.
        sample_aspect: Width of a pixel over its height.
        first_number: Number of the first still of a sequence; None for a movie.
    """

    width: int
    height: int
    sample_aspect: Fraction = Fraction(1)
    first_number: int | None = None


@dataclass(frozen=True, slots=True)
class Extras:
    """What is written along with a reel.

    Attributes:
        media: Facts of media by `SourceKey.url`.
        shots: More facts of each shot, in the order of the reel, for formats that hold free metadata; plain data.
        reel: The same of the whole reel.
    """

    media: Mapping[str, MediaFacts] = field(default_factory=dict)
    shots: Sequence[Mapping[str, Any]] = ()
    reel: Mapping[str, Any] = field(default_factory=dict)


class Losses:
    """What a format could not hold, each thing once, led by the shots it is about.

    >>> losses = Losses()
    >>> losses.add("an EDL has no curves", "fight-03")
    >>> losses.sentences()
    ('fight-03: an EDL has no curves',)
    """

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def add(self, text: str, shot: str = "") -> None:
        names = self._names.setdefault(text, [])
        if shot and shot not in names[-1:]:
            names.append(shot)

    def sentences(self) -> tuple[str, ...]:
        return tuple(f"{_list(names)}: {text}" if names else text for text, names in self._names.items())


def _list(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    shown = names[:_LISTED]
    last = f"{len(names) - _LISTED} more" if len(names) > _LISTED else shown.pop()
    return f"{', '.join(shown)} and {last}"


@dataclass(frozen=True, slots=True)
class ClipMark:
    """A marker that stands on a clip.

    Attributes:
        name: Its name.
        note: Its comment.
        colour: As the editing program calls it, '' if none.
        frames: Record frames of the reel it covers; None: it speaks for the whole shot.
        at: Record frame it stands on, where it speaks for the whole shot.
        strength: Of the settings in it.
    """

    name: str
    note: str
    colour: str
    frames: FrameRange | None
    at: int
    strength: Strength


@dataclass(frozen=True, slots=True)
class Placed:
    """Each marker and each setting of a reel in the one place where it is written.

    Attributes:
        clips: For each shot the markers on its clip.
        texts: For each shot the settings in its notes: the words after ``VSFR``.
        timeline: Markers of the timeline.
    """

    clips: list[list[ClipMark]]
    texts: list[list[SettingNote]]
    timeline: list[Marker]


def placed_marks(reel: Reel) -> Placed:
    """Bring settings back to where they stood: a setting read out of a marker of the timeline is in that marker."""
    own = {i: text for i, m in enumerate(reel.markers) if (text := marker_settings(m.name, m.note)) is not None}
    on_clips: set[int] = set()
    clips: list[list[ClipMark]] = []
    texts: list[list[SettingNote]] = []
    more: list[Marker] = []
    for shot in reel.shots:
        marks, words = [], []
        for note in shot.notes:
            home = [i for i, text in own.items() if text == note.text and _stands_over(reel.markers[i], note, shot)]
            if note.strength == Strength.CLIP_MARKER:
                found = next((i for i in home if i not in on_clips), None)
                marks.append(_clip_mark(shot, note, None if found is None else reel.markers[found]))
                on_clips |= set() if found is None else {found}
            elif note.strength == Strength.TIMELINE_MARKER:
                if not home:
                    frames = note.frames or FrameRange(shot.record.start, shot.record.start + 1)
                    more.append(Marker(f"VSFR {note.text}", "", "", frames))
            else:
                words.append(note)
        clips.append(marks)
        texts.append(words)
    rest = [marker for i, marker in enumerate(reel.markers) if i not in on_clips]
    return Placed(clips, texts, sorted([*rest, *more], key=lambda marker: marker.frames))


def _stands_over(marker: Marker, note: SettingNote, shot: Shot) -> bool:
    return marker.frames.overlap(note.frames or shot.record) is not None


def _clip_mark(shot: Shot, note: SettingNote, marker: Marker | None) -> ClipMark:
    if marker is None:
        return ClipMark(f"VSFR {note.text}", "", "", note.frames, shot.record.start, note.strength)
    at = max(marker.frames.start, shot.record.start)
    return ClipMark(marker.name, marker.note, marker.colour, note.frames, at, note.strength)


def as_timeline_marker(mark: ClipMark) -> Marker:
    """The same marker on the timeline, for clips that hold none."""
    return Marker(mark.name, mark.note, mark.colour, mark.frames or FrameRange(mark.at, mark.at + 1))


def is_locator(comment: str) -> bool:
    """Whether a comment of an EDL is a marker, which is among the reel's markers already."""
    return bool(_LOC.match(comment))


def media_key(source: SourceKey) -> MediaKey:
    """What tells one medium from another."""
    return source.url, source.name, source.reel, source.rate, source.has_timecode, source.drop


def extents(reel: Reel, losses: Losses) -> dict[MediaKey, FrameRange]:
    """All frames of each medium: as the cut tells, else from the first to the last one used, with a remark."""
    found: dict[MediaKey, FrameRange] = {}
    for shot, tail in _sides(reel):
        if shot.source is None:
            continue
        key, used, known = media_key(shot.source), _used(shot, tail, reel.rate), shot.source.available
        if known is None:
            losses.add("the cut does not tell how long its media are; written as long as they are used", shot.name)
            known = used
        parts = [known, used, *([found[key]] if key in found else [])]
        start = max(min(part.start for part in parts), 0) if shot.source.has_timecode else 0
        found[key] = FrameRange(start, max(*(part.stop for part in parts), start))
    return found


def _sides(reel: Reel) -> Iterator[tuple[Shot, int]]:
    """All that is shown, with the record frames for which it runs on under the next shot."""
    for shot, after in zip_longest(reel.shots, reel.shots[1:]):
        if shot.transition is not None:
            yield shot.transition.outgoing, 0
        yield shot, after.transition.length if after is not None and after.transition is not None else 0


def _used(shot: Shot, tail: int, rate: Fraction) -> FrameRange:
    frames = shot.source_frames(rate)
    last = shot.source_at(len(shot.record) + tail - 1, rate)
    return FrameRange(min(frames.start, last), max(frames.stop, last + 1))


def runs_on(before: Shot | None, shot: Shot, rate: Fraction) -> bool:
    """Whether what fades away is the shot before, running on (nothing and a gap are both black)."""
    assert shot.transition is not None
    fading = shot.transition.outgoing
    if before is None or before.source is None or fading.source is None:
        return fading.source is None and (before is None or before.source is None)
    if fading.source.label != before.source.label:
        return False
    n = len(before.record)
    return all(before.source_at(n + k, rate) == fading.source_at(k, rate) for k in range(shot.transition.length))


def plain_path(url: str) -> str:
    """A file URL as the path it stands for; anything else as it is."""
    if not url.lower().startswith("file:"):
        return url
    path = unquoted(url[5:])
    if path.startswith("//"):
        host, _, rest = path[2:].partition("/")
        path = f"/{rest}" if host.lower() in ("", "localhost") else path
    return path[1:] if _DRIVE.match(path[1:]) else path


def last_name(url: str) -> str:
    """File name at the end of a path or URL, readable."""
    text = unquoted(url) if "://" in url else url
    return text.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]


def file_url(url: str) -> str:
    """A path or URL as a URL with percent signs, as XML formats want it; a bare name stays a relative one."""
    if "://" in url:
        return url
    if _DRIVE.match(url):
        return PureWindowsPath(url).as_uri()
    if url.startswith("\\\\"):
        return "file:" + quote(url.replace("\\", "/"))
    path = url.replace("\\", "/")
    return PurePosixPath(path).as_uri() if path.startswith("/") else quote(path)
