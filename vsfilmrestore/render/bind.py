"""Binding: each shot of a cut to a medium and to the frames of it that it shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import vapoursynth as vs

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.media.source import Media
from vsfilmrestore.render.black import black
from vsfilmrestore.render.conform import Conform, Finding, conform, refusal
from vsfilmrestore.render.link import Linked
from vsfilmrestore.render.link_facts import Facts
from vsfilmrestore.render.placing import Placed, RateRule
from vsfilmrestore.timeline.model import CutList, Shot

__all__ = ["Bound", "Opener", "bind", "itself"]

core = vs.core

_GOES_ON = 16
"""Frames that may lie between a shot and what fades out after it: a fast one skips some."""


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
        moments: The same as ``frames`` with the part of a frame that lies behind; () where it plays frame for frame.
    """

    shot: Shot
    medium: Media | None
    frames: Sequence[int]
    first: int
    handles: tuple[int, int]
    how: str
    fades_over: Bound | None = None
    moments: Sequence[Fraction] = ()

    @property
    def length(self) -> int:
        """Source frames from the earliest to the latest shown."""
        return max(self.frames) + 1

    def take(self, like: Media | None = None) -> vs.VideoNode:
        """The source frames of the shot with its handles; black in the shape of ``like`` for a gap."""
        if self.medium is None:
            return black(like, self.length)
        front, back = self.handles
        return self.medium.video[self.first - front : self.first + self.length + back]


type Opener = Callable[[Path], Media]


def bind(
    cut: CutList,
    links: Sequence[Linked],
    opener: Opener,
    *,
    rate_rule: RateRule | None = None,
    handles: int = 0,
    told: Callable[[Facts], Facts] = lambda facts: facts,
) -> tuple[list[Bound], Conform]:
    """Bind every shot to its medium, and say how they agree; each medium is opened once.

    Args:
        cut: The cut.
        links: What each shot was linked to.
        opener: Opens a medium.
        rate_rule: How media of another rate are played.
        handles: Frames of the same take known to exist around each shot.
        told: How what a medium tells of itself is taken.

    Raises:
        MediaError: Media are missing, all of them named; or one cannot be opened.
        TimelineError: Shots ask for frames their media do not hold, all of them named.
    """
    _refuse(cut, conform(cut, links, lambda _: None, rate_rule).severe)  # before anything large is opened
    media = {path: opener(path) for path in _paths(links)}
    if not media:
        raise TimelineError("holds no shot with a picture", file=cut.file)
    found = conform(cut, links, lambda path: told(replace(Facts.of_media(media[path]), path=path)), rate_rule)
    _refuse(cut, found.severe)
    played = _Played(media)
    bound = [
        _bound(shot, item, placed, played, fading)
        for shot, item, placed, fading in zip(cut.shots, links, found.placed, found.fading, strict=True)
    ]
    return _with_fades(_with_handles(bound, handles)), found


def _refuse(cut: CutList, findings: Sequence[Finding]) -> None:
    if findings:
        raise refusal(cut, findings)


def _paths(links: Sequence[Linked]) -> list[Path]:
    each = (one for item in links for one in (item, item.outgoing) if one is not None and one.link is not None)
    return list(dict.fromkeys(one.link.path for one in each if one.link is not None))


class _Played:
    """Media at the rate they are played at; shots that play one alike share it."""

    def __init__(self, media: Mapping[Path, Media]) -> None:
        self._media = media
        self._retimed: dict[tuple[Path, Fraction], Media] = {}

    def __call__(self, facts: Facts) -> Media:
        medium = self._media[facts.path]
        if medium.rate == facts.rate:
            return medium
        key = facts.path, facts.rate
        if key not in self._retimed:
            self._retimed[key] = _retimed(medium, facts)
        return self._retimed[key]


def _retimed(medium: Media, facts: Facts) -> Media:
    """A medium played at another rate. Its sound goes along only where it told no rate that the sound would go with."""
    rate = facts.rate
    video = core.std.AssumeFPS(medium.video, fpsnum=rate.numerator, fpsden=rate.denominator)
    audio = None if medium.rate_told else medium.audio
    return replace(medium, video=video, audio=audio, rate=rate, start=facts.start, drop=facts.drop)


def _bound(shot: Shot, item: Linked, placed: Placed | None, played: _Played, fading: Placed | None) -> Bound:
    over = None
    if shot.transition is not None:
        over = _bound(shot.transition.outgoing, item.outgoing or Linked(), fading, played, None)
    if placed is None or item.link is None:
        return Bound(shot, None, range(len(shot.record)), 0, (0, 0), "gap", over)
    medium = played(replace(placed.facts, path=item.link.path))
    first = placed.span[0]
    plain = isinstance(placed.shown, range)
    frames = range(len(placed.shown)) if plain else [index - first for index in placed.shown]
    moments = tuple(moment - first for moment in placed.moments)
    return Bound(shot, medium, frames, first, (0, 0), item.link.how, over, moments)


def itself(shot: Shot, medium: Media, placed: Placed | None) -> Bound:
    """A shot of a film that is treated as it is."""
    if placed is None or isinstance(placed.shown, range):
        first = shot.record.start
        return Bound(shot, medium, range(len(shot.record)), first, (0, 0), "itself")
    first = min(placed.shown)
    moments = tuple(moment - first for moment in placed.moments)
    return Bound(shot, medium, [n - first for n in placed.shown], first, (0, 0), "itself", None, moments)


def _with_fades(bound: list[Bound]) -> list[Bound]:
    """What fades out goes on from the shot before: filters may see the frames of either beside those of the other.

    Not from the shot into the transition where the frames of the transition are the incoming shot's, too: that is a
    dissolve of the finished film, and the next shot is in the picture already.
    """
    result = list(bound)
    for i, item in enumerate(bound[1:], 1):
        before, over = result[i - 1], item.fades_over
        if over is None or over.medium is None or before.medium is not over.medium or not _near(before, over):
            continue
        front, back = before.first - over.first, over.first + over.length - before.first - before.length
        result[i] = replace(item, fades_over=replace(over, handles=(max(-front, 0), max(-back, 0))))
        if item.medium is not over.medium or not _near(item, over, within=0):
            handles = max(before.handles[0], front), max(before.handles[1], back)
            result[i - 1] = replace(before, handles=handles)
    return result


def _near(a: Bound, b: Bound, within: int = _GOES_ON) -> bool:
    """Whether the frames of two shots of one medium overlap, or lie no further from one another."""
    return a.first < b.first + b.length + within and b.first < a.first + a.length + within


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
