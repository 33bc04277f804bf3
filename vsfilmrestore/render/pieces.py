"""Pieces of work: a stretch of a shot, with a key that tells whether it is done already.

The key hashes all that decides the bytes of a piece: the source frames, the recipe with every default written out, the
output format and the versions of what computes the pictures. Change one shot and only its pieces get new keys; cut the
film anew and whatever is shown as before keeps its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions

from vsfilmrestore.render.reel import Reel
from vsfilmrestore.render.stretches import Shows, SourceFiles, stretches

__all__ = ["Piece", "plan_pieces", "versions"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the output that is rendered in one go and lies within one shot.

    Attributes:
        key: Hash of all that decides its bytes. Two pieces of one reel may have the same.
        shot: Id of its shot.
        name: Name of its shot.
        first: First frame in the output.
        stop: Frame after its last.
        sources: Paths of the media of the shot and of what fades out over it; '' for none.
        shows: Which frames of these it shows, counted in record frames from its first.
        factor: Output frames for each record frame.
        index: Place of its shot in the reel.
    """

    key: str
    shot: str
    name: str
    first: int
    stop: int
    sources: tuple[str, str] = ("", "")
    shows: tuple[Shows, ...] = ()
    factor: int = 1
    index: int = 0

    def __len__(self) -> int:
        return self.stop - self.first


def plan_pieces(reel: Reel, factor: int, output: Sequence[object], *, in_place: bool = False) -> list[Piece]:
    """Split a reel into pieces, in order.

    Args:
        reel: The reel.
        factor: Output frames for each record frame.
        output: All that decides the output's bytes besides the pictures: profile, size, format, rate.
        in_place: Whether the bytes depend on where in the output a piece stands, too.
    """
    ground = [versions(), *output, factor]
    files = SourceFiles()  # one listing of each folder, and a fresh one for each plan
    pieces = []
    for i, (bound, decision) in enumerate(zip(reel.bound, reel.decisions, strict=True)):
        start = bound.shot.record.start
        own, fading = (
            each.medium.path.as_posix() if each is not None and each.medium is not None else ""
            for each in (bound, bound.fades_over)
        )
        for part in stretches(bound, decision, reel.decisions[max(i - 1, 0)], files, reel.verdicts):
            first, stop = (start + part.first) * factor, (start + part.stop) * factor
            facts = [ground, part.facts, first if in_place else None]
            key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
            told = (own, fading), part.shows, factor, i
            pieces.append(Piece(key, bound.shot.id, bound.shot.name, first, stop, *told))
    return pieces


@cache
def versions() -> str:
    """Versions of the packages that compute pictures or bytes."""
    ours = ("vsfilmrestore", "vapoursynth", "av", "openimageio", "numpy")
    found = {str(d.metadata["Name"]).lower(): d.version for d in distributions()}
    chosen = {name: version for name, version in found.items() if name.startswith("vapoursynth-") or name in ours}
    return json.dumps(chosen, sort_keys=True)
