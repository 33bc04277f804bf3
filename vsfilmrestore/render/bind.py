"""Binding: each shot of a cut to a medium and to the frames of it that it shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import vapoursynth as vs

from vsfilmrestore.errors import MediaError, TimelineError
from vsfilmrestore.media.source import Media
from vsfilmrestore.media.timecode import format_timecode, rate_text
from vsfilmrestore.render.link import Link, MediaFinder
from vsfilmrestore.timeline.model import CutList, Shot, SourceKey

__all__ = ["Binder", "Bound", "Opener"]

core = vs.core


@dataclass(frozen=True, slots=True)
class Bound:
    """A shot with its medium.

    Attributes:
        shot: The shot.
        medium: Its medium; None for a gap.
        frames: For each record frame, the source frame counted from `first`.
        first: Index in the medium's video of the earliest frame the shot shows.
        handles: Frames of the same take before and after, free for temporal filters to look at.
        how: What the link was found by.
        fades_over: What fades out over the first frames of the shot.
    """

    shot: Shot
    medium: Media | None
    frames: Sequence[int]
    first: int
    handles: tuple[int, int]
    how: str
    fades_over: Bound | None = None

    @property
    def length(self) -> int:
        """Source frames from the earliest to the latest shown."""
        return max(self.frames) + 1

    def take(self, like: Media | None = None) -> vs.VideoNode:
        """The source frames of the shot with its handles; black in the shape of ``like`` for a gap."""
        if self.medium is None:
            shape = like.video if like is not None else None
            return core.std.BlankClip(shape, length=self.length, keep=True)
        front, back = self.handles
        return self.medium.video[self.first - front : self.first + self.length + back]


type Opener = Callable[[Path], Media]


class Binder:
    """Finds and opens the media of cuts, each medium once.

    Args:
        places: Folders to search and media to use.
        opener: Opens a medium.
    """

    def __init__(self, places: Sequence[Path], opener: Opener) -> None:
        self._finder = MediaFinder(places)
        self._opener = opener
        self._opened: dict[Path, Media] = {}

    def bind(self, cut: CutList, handles: int = 0) -> list[Bound]:
        """Bind every shot.

        Args:
            cut: The cut.
            handles: Frames of the same take known to exist around each shot.

        Raises:
            MediaError: A medium is missing or cannot be opened.
            TimelineError: A shot asks for frames its medium does not hold.
        """
        bound = [self._bind(cut, shot) for shot in cut.shots]
        if not self._opened:
            raise TimelineError("holds no shot with a picture", file=cut.file)
        return [_with_fade(before, item) for before, item in pairwise([None, *_with_handles(bound, handles)]) if item]

    def rate_of_media(self, cut: CutList) -> Fraction | None:
        """Rate of the medium of the first shot that is found, None if none is."""
        for shot in cut.shots:
            if shot.source is not None and (link := self._finder.find(shot.source)):
                return self._open(link).rate
        return None

    def _bind(self, cut: CutList, shot: Shot) -> Bound:
        over = None if shot.transition is None else self._bind(cut, shot.transition.outgoing)
        if shot.source is None:
            return Bound(shot, None, range(len(shot.record)), 0, (0, 0), "gap", over)
        link = _linked(cut, shot, shot.source, self._finder)
        return _bound(cut, shot, shot.source, self._open(link), link.how, over)

    def _open(self, link: Link) -> Media:
        if link.path not in self._opened:
            self._opened[link.path] = self._opener(link.path)
        return self._opened[link.path]


def _with_fade(before: Bound | None, item: Bound) -> Bound:
    """What fades out goes on from the shot before: that shot's frames are of the same take, so filters may see them."""
    over = item.fades_over
    if over is None or before is None or over.medium is None or before.medium is not over.medium:
        return item
    front = over.first - before.first if over.first == before.first + before.length else 0
    return replace(item, fades_over=replace(over, handles=(max(front, 0), 0)))


def _linked(cut: CutList, shot: Shot, key: SourceKey, finder: MediaFinder) -> Link:
    link = finder.find(key)
    if link is None:
        names = ", ".join(repr(name) for name in dict.fromkeys((key.url, key.name, key.reel)) if name) or "nothing"
        raise MediaError(
            f"no medium found: the cut list names {names}",
            file=cut.file,
            shot=shot.name,
            timecode=cut.timecode(shot.record.start),
            hint="Name its folder or file with --media",
        )
    return link


def _bound(cut: CutList, shot: Shot, key: SourceKey, medium: Media, how: str, over: Bound | None) -> Bound:
    offset = _offset(cut, shot, key, medium)
    length = len(shot.record)
    if shot.speed == 1 and shot.curve is None and key.rate == cut.rate:
        first, frames, last = key.start - offset, range(length), key.start - offset + length - 1
    else:
        shown = [shot.source_frame(n, cut.rate) - offset for n in range(shot.record.start, shot.record.stop)]
        first, last = min(shown), max(shown)
        frames = [n - first for n in shown]  # type: ignore[assignment]
    have = medium.video.num_frames
    if first < 0 or last >= have:
        raise TimelineError(
            f"needs frames {first} to {last} of {medium.path.name}, which holds 0 to {have - 1}",
            file=cut.file,
            shot=shot.name,
            timecode=cut.timecode(shot.record.start),
            hint="Check that cut list and scan belong together, and their frame rates",
        )
    return Bound(shot, medium, frames, first, (0, 0), how, over)


def _offset(cut: CutList, shot: Shot, key: SourceKey, medium: Media) -> int:
    """What to take off the shot's source frame numbers to get indices into the medium's video."""
    if key.has_timecode and medium.has_timecode:
        if abs(medium.rate / key.rate - 1) > 0.002:
            raise TimelineError(
                f"counts {rate_text(key.rate)} fps where {medium.path.name} runs at {rate_text(medium.rate)} fps",
                file=cut.file,
                shot=shot.name,
                hint="Give the right rate with --rate",
            )
        return medium.start
    if not key.has_timecode:
        return key.available.start if key.available else 0
    if key.start < medium.video.num_frames:
        return 0  # a cut list that counts from the first frame of the file
    raise TimelineError(
        f"starts at source timecode {format_timecode(key.start, key.rate)}, but {medium.path.name} carries no timecode",
        file=cut.file,
        shot=shot.name,
        hint="Give the timecode of its first frame with --media-start",
    )


def _with_handles(bound: list[Bound], wanted: int) -> list[Bound]:
    """Handles the cut list knows of or the caller promises, short of frames that another shot shows."""
    used: dict[Path, list[tuple[int, int]]] = defaultdict(list)
    for item in bound:
        if item.medium is not None:
            used[item.medium.path].append((item.first, item.first + item.length))
    return [_grant(item, used, wanted) for item in bound]


def _grant(item: Bound, used: dict[Path, list[tuple[int, int]]], wanted: int) -> Bound:
    if item.medium is None:
        return item
    front, back = (max(known, wanted) for known in item.shot.handles)
    if not front and not back:
        return item
    start, stop = item.first, item.first + item.length
    others = used[item.medium.path]
    floor = max((end for begin, end in others if begin < start), default=0)
    ceiling = min((begin for begin, end in others if end > stop), default=item.medium.video.num_frames)
    granted = max(0, min(front, start - floor, start)), max(0, min(back, ceiling - stop))
    return replace(item, handles=granted)
