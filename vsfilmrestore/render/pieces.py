"""Pieces of work: a shot, or a stretch of a long one, with a key that tells whether it is done already.

The key hashes all that decides the bytes of a piece: the source frames, the recipe with every default written out, the
output format and the versions of what computes the pictures. Change one shot and only its pieces get new keys.
"""

from __future__ import annotations

import bisect
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

from vsfilmrestore.media.naming import FileSequence, find_sequence
from vsfilmrestore.media.source import Media
from vsfilmrestore.render.bind import Bound
from vsfilmrestore.render.decide import Decision
from vsfilmrestore.render.reel import Reel

__all__ = ["Piece", "plan_pieces", "versions"]

_LONGEST: Final = 250
"""Frames of a piece at most: what a crash can cost."""


type Finder = Callable[[Path], FileSequence]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the output that is rendered in one go and lies within one shot.

    Attributes:
        key: Hash of all that decides its bytes.
        shot: Id of its shot.
        name: Name of its shot.
        first: First frame in the output.
        stop: Frame after its last.
    """

    key: str
    shot: str
    name: str
    first: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.first


def plan_pieces(reel: Reel, factor: int, output: Sequence[object]) -> list[Piece]:
    """Split a reel into pieces, in order.

    Args:
        reel: The reel.
        factor: Output frames for each record frame.
        output: All that decides the output's bytes besides the pictures: profile, size, format, rate.
    """
    pieces = []
    find = cache(find_sequence)  # one listing of each folder, and a fresh one for each plan
    before = None
    for bound, decision in zip(reel.bound, reel.decisions, strict=True):
        ground = [versions(), *output, factor, _shot_facts(bound, decision, find)]
        if bound.fades_over is not None:
            ground.append(_shot_facts(bound.fades_over, before or decision, find))
        before = decision
        start = bound.shot.record.start * factor
        for first, stop in _stretches(len(bound.shot.record) * factor):
            key = hashlib.sha256(json.dumps([ground, first, stop]).encode()).hexdigest()
            pieces.append(Piece(key, bound.shot.id, bound.shot.name, start + first, start + stop))
    return pieces


def _stretches(length: int) -> Iterator[tuple[int, int]]:
    """Stretches of nearly equal length."""
    count = -(-length // _LONGEST)
    for i in range(count):
        yield length * i // count, length * (i + 1) // count


def _shot_facts(bound: Bound, decision: Decision, find: Finder) -> list[object]:
    medium = None if bound.medium is None else _fingerprint(bound, bound.medium, find)
    frames = repr(bound.frames) if isinstance(bound.frames, range) else list(bound.frames)
    start = bound.shot.record.start
    parts = [[p.frames.start - start, p.frames.stop - start, p.recipe.key()] for p in decision.parts]
    return [medium, bound.first, frames, list(bound.handles), parts, bound.shot.id]


def _fingerprint(bound: Bound, medium: Media, find: Finder) -> list[object]:
    """What tells a shot's source from another of the same name: size and time of change of the files it is read of."""
    digest = hashlib.sha256()
    for file in _files(bound, medium, find):
        facts = file.stat()
        digest.update(f"{file.name}\0{facts.st_size}\0{facts.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))
    if medium.kind == "script":
        digest.update(medium.path.read_bytes())
    return [medium.path.name, digest.hexdigest(), medium.first_number, str(medium.rate), medium.video.num_frames]


def _files(bound: Bound, medium: Media, find: Finder) -> list[Path]:
    if medium.kind != "sequence":
        return [medium.path]
    files, (front, back) = find(medium.path), bound.handles
    start = medium.first_number + bound.first
    first = bisect.bisect_right(files.numbers, start - front) - 1  # a missing frame may hold the one before
    stop = bisect.bisect_left(files.numbers, start + bound.length + back)
    return [files.path(number) for number in files.numbers[max(first, 0) : max(stop, 1)]]


@cache
def versions() -> str:
    """Versions of the packages that compute pictures or bytes."""
    ours = ("vsfilmrestore", "vapoursynth", "av", "openimageio", "numpy")
    found = {str(d.metadata["Name"]).lower(): d.version for d in distributions()}
    chosen = {name: version for name, version in found.items() if name.startswith("vapoursynth-") or name in ours}
    return json.dumps(chosen, sort_keys=True)
