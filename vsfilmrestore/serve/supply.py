"""What a server can give: the reel, its shots and its scans, and which frame of the graph each asked-for frame is."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Final

import vapoursynth as vs

from vsfilmrestore.filters.schema import nearest
from vsfilmrestore.media.source import Media
from vsfilmrestore.render.bind import Bound
from vsfilmrestore.render.graph import GraphShot, restored_node, source_node
from vsfilmrestore.serve.frames import CACHE_BYTES, Frames
from vsfilmrestore.serve.reel import ServedReel, ServedShot
from vsfilmrestore.serve.wire import Entry, ErrorCode, fitting_text

__all__ = ["Place", "Refusal", "Source", "Supply"]

core = vs.core

_DIGITS: Final = re.compile(r"\d+|#+|%0?\d*d")
_HASH: Final = "#"
_DRAFT_SHARE: Final = 8
"""Of the cache, the part that drafts have."""


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault of ours
    """What is asked for is not given; becomes an ERROR."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


@dataclass(frozen=True, slots=True)
class Place:
    """Where a frame comes from.

    Attributes:
        frames: Restored frames.
        scan: The frames of the scan beside them, for drafts.
        number: Which of both.
        shot: What the shot is called.
    """

    frames: Frames
    scan: Frames
    number: int
    shot: str


@dataclass(frozen=True, slots=True)
class _Pair:
    """The restored frames of a graph, and those of the scan beside them."""

    frames: Frames
    scan: Frames


@dataclass(frozen=True, slots=True)
class Source:
    """An opened source of kinds 0 to 2.

    Attributes:
        width: Pixels.
        height: Pixels.
        rate: Frames per second.
        frames: How many, counted from 0.
        colour: See `ServedReel.colour`.
    """

    supply: Supply
    width: int
    height: int
    rate: Fraction
    frames: int
    colour: str
    first: int = 0
    medium: Media | None = None

    def place(self, frame: int) -> Place:
        """Where a frame comes from.

        Raises:
            Refusal: There is no such frame.
        """
        if not 0 <= frame < self.frames:
            raise Refusal(ErrorCode.NO_FRAME, f"there is no frame {frame}: there are 0 to {self.frames - 1}")
        if self.medium is not None:
            return self.supply.place_in_file(self.medium, frame)
        return self.supply.place(self.first + frame)


class Supply:
    """All that one server gives, shared by its clients."""

    def __init__(self, reel: ServedReel, *, cache_bytes: int = CACHE_BYTES, workers: int | None = None) -> None:
        self.reel = reel
        self._budget, self._workers = cache_bytes, workers
        self._lock = Lock()
        self._takes: _Pair | None = None
        self._closed = False
        whole, drafts = cache_bytes - cache_bytes // _DRAFT_SHARE, cache_bytes // _DRAFT_SHARE
        self._main = _Pair(
            Frames(reel.node, cache_bytes=whole, workers=workers, shot_of=lambda n: self.label(reel.shot_of(n))),
            Frames(reel.source_node, cache_bytes=drafts, workers=workers, ahead=0),
        )

    @property
    def frames(self) -> Frames:
        """The restored reel."""
        return self._main.frames

    @property
    def _pairs(self) -> list[_Pair]:
        with self._lock:
            return [self._main, *([self._takes] if self._takes else [])]

    def forget(self, reader: object) -> None:
        """A reader is gone: nothing more is rendered ahead for it."""
        for pair in self._pairs:
            pair.frames.forget(reader)

    def close(self) -> bool:
        """End all rendering; waits for the frames that have begun. Returns whether all of them ended in time."""
        with self._lock:
            self._closed = True
        ended = [frames.close() for pair in self._pairs for frames in (pair.frames, pair.scan)]
        return all(ended)

    @cached_property
    def _labels(self) -> list[str]:
        often = Counter(shot.name for shot in self.reel.shots)
        return [shot.name if often[shot.name] == 1 else shot.id for shot in self.reel.shots]

    def label(self, shot: ServedShot) -> str:
        """What a shot is called: its name, or its id where several have that name."""
        return self._labels[shot.index]

    @property
    def entries(self) -> list[Entry]:
        """The catalogue."""
        return [self._entry(shot) for shot in self.reel.shots]

    def _entry(self, shot: ServedShot) -> Entry:
        lead, name = (0, "") if shot.file is None else (self.reel.lead(shot.file), str(shot.file))
        texts = fitting_text(self.label(shot)), fitting_text(name)
        return Entry(*texts, shot.first, shot.frames, shot.file_first + lead)

    def whole(self) -> Source:
        """The reel, kind 0."""
        return self._source(len(self.reel))

    def shot(self, name: str) -> Source:
        """A shot, kind 1, by what the catalogue calls it, or its id.

        Raises:
            Refusal: There is none of that name.
        """
        for index, shot in enumerate(self.reel.shots):
            if name in (self._labels[index], shot.id):
                return replace(self._source(shot.frames), first=shot.first)
        raise Refusal(ErrorCode.NOT_SERVED, f"there is no shot '{name}'{nearest(name, self._labels)}")

    def file(self, name: str) -> Source:
        """A scan, kind 2, by its path as the host knows it, or its file name where only one scan has it.

        Raises:
            Refusal: It is none of the reel's scans, or its frames are not those of the reel.
        """
        media = self.reel.media
        found = [medium for medium in media if self._is_called(medium, _plain(name), _plain)]
        found = found or [medium for medium in media if self._is_called(medium, _tail(name), _tail)]
        if len(found) != 1:
            what = f"several scans are named '{_shown(name)}'" if found else f"'{_shown(name)}' is no scan of this reel"
            raise Refusal(ErrorCode.NOT_SERVED, what)
        (medium,) = found
        if self.reel.telecined:
            raise Refusal(ErrorCode.NOT_SERVED, "frames of the file are not those of the reel: it is a telecined one")
        source = self._source(medium.video.num_frames + self.reel.lead(medium.path))
        return replace(source, rate=medium.rate, medium=medium)

    def _is_called(self, medium: Media, name: str, reduced: Callable[[str], str]) -> bool:
        """Whether a name, reduced as it is, is that of a scan. The disk is asked only where our own scans lie."""
        names = {reduced(each) for each in (*self.reel.files(medium.path), os.path.realpath(medium.path))}
        if medium.kind != "sequence":
            return name in names
        return name in names or _numberless(name) in {_numberless(each) for each in names if _HASH in each}

    def _source(self, frames: int) -> Source:
        reel = self.reel
        return Source(self, reel.width, reel.height, reel.fps, frames, reel.colour)

    def place(self, number: int) -> Place:
        """Where a frame of the reel comes from."""
        return Place(self._main.frames, self._main.scan, number, self.label(self.reel.shot_of(number)))

    def place_in_file(self, medium: Media, frame: int) -> Place:
        """Where a frame of a scan comes from, restored as its shot is; never mixed with another in a dissolve.

        Raises:
            Refusal: No shot shows that frame.
        """
        known = self._shown[medium.path].get(frame - self.reel.lead(medium.path))
        if known is None:
            raise Refusal(ErrorCode.NO_FRAME, f"no shot of the cut shows frame {frame} of {medium.path.name}")
        number, mixed, shot = known
        pair = self._apart() if mixed else self._main
        return Place(pair.frames, pair.scan, number, self._labels[shot])

    @cached_property
    def _shown(self) -> dict[Path, dict[int, tuple[int, bool, int]]]:
        """For each scan and frame of it: a frame of the graph, whether that of the takes apart, and its shot."""
        plain: list[tuple[Path, int, tuple[int, bool, int]]] = []
        mixed: list[tuple[Path, int, tuple[int, bool, int]]] = []
        after, factor = len(self.reel) // self.reel.factor, self.reel.factor
        for shot in self.reel.shots:
            bound = self.reel.reel.bound[shot.index]
            over = bound.fades_over
            fading = 0 if over is None or bound.shot.transition is None else len(over.frames)
            for k, (path, index) in enumerate(_frames_of(bound)):
                spot = (shot.first + k * factor, k < fading, shot.index)
                (mixed if k < fading else plain).append((path, index, spot))
            if over is not None and fading:
                before = max(shot.index - 1, 0)
                mixed += [(p, i, ((after + k) * factor, True, before)) for k, (p, i) in enumerate(_frames_of(over))]
                after += fading
        result: dict[Path, dict[int, tuple[int, bool, int]]] = {medium.path: {} for medium in self.reel.media}
        for path, index, spot in plain + mixed:
            result[path].setdefault(index, spot)
        return result

    def _apart(self) -> _Pair:
        """The reel without dissolves; made once, whoever asks first."""
        with self._lock:
            if self._closed:
                raise Refusal(ErrorCode.NOT_SERVED, "the server was stopped")
            if self._takes is None:
                self._takes = self._without_dissolves()
            return self._takes

    def _without_dissolves(self) -> _Pair:
        """What fades out in them comes after the end."""
        takes, fading = [], []
        reel = self.reel.reel
        for index in range(len(reel)):
            pieces = reel.graph_shots(index)
            takes += [replace(piece, fades_over=None) for piece in pieces]
            fading += [piece.fades_over for piece in pieces[:1] if piece.fades_over is not None]
        return self._pair([*takes, *fading])

    def _pair(self, shots: Sequence[GraphShot]) -> _Pair:
        node, plain = restored_node(shots, self.reel.reel.rate), source_node(shots, self.reel.reel.rate)
        factor = int(node.fps / self.reel.reel.rate)
        plain = plain if factor == 1 else core.std.Interleave([plain] * factor)
        few = self._budget // _DRAFT_SHARE
        return _Pair(
            Frames(node, cache_bytes=2 * few, workers=self._workers),
            Frames(plain, cache_bytes=few, workers=self._workers, ahead=0),
        )


def _frames_of(bound: Bound) -> list[tuple[Path, int]]:
    """The scan and its frame behind each record frame; nothing for black."""
    if bound.medium is None:
        return []
    return [(bound.medium.path, bound.first + index) for index in bound.frames]


def _plain(path: str) -> str:
    """A path without its detours."""
    return os.path.normcase(os.path.normpath(path)) if path else ""


def _tail(path: str) -> str:
    return re.split(r"[\\/]", path.rstrip("\\/"))[-1].casefold()


def _numberless(name: str) -> str:
    """The name of a still with its number, or what stands for it, as a hash."""
    found = list(_DIGITS.finditer(name))
    return name if not found else f"{name[: found[-1].start()]}{_HASH}{name[found[-1].end() :]}"


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[-120:])
