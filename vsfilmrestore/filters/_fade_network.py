"""What undoes the fade of some frames, read off their statistics by a small network of our own.

It is so small (some 76,000 numbers) that numpy runs it: nothing else has to be installed, and the result is
the same on every machine. Each frame's statistics go through two layers; their mean, spread, largest and smallest over
the frames go through two more, so any number of frames of a reel is one question, whatever their order. What an answer
makes of the pixels is looked at again, and mended.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._fade_profile import FadeProfile, bend
from vsfilmrestore.filters._fade_statistics import common_range, features, second_look, statistics_of
from vsfilmrestore.models.safetensors import read_tensors
from vsfilmrestore.models.zoo import Zoo

__all__ = [
    "ANSWERS",
    "FIXES",
    "LOOKS",
    "OWN",
    "SMALLEST",
    "Reading",
    "composed",
    "mended",
    "read_fade",
    "refined",
    "weights_checksum",
]

ANSWERS: Final = 3 + 6 + 3 + 12 + 2
"""Gains, what each colour takes from the others, offsets, slopes of the curves; then the error, and if it is faded."""
FIXES: Final = ANSWERS
"""The same once more, for what is left after a correction."""
LOOKS: Final = 3
"""How often what is left is looked at."""
SMALLEST: Final = 1e-4
"""Variance that is added, for a root has no slope at 0."""
OWN: Final = "fade-t1"
"""The card of its weights."""

type Array = Any
type Weights = dict[str, npt.NDArray[np.float64]]
type Answer = tuple[Array, Array, Array]
"""Matrix (sets, 3, 4), slopes (sets, 3, 4) and the two other answers (sets, 2)."""


class Reading(NamedTuple):
    """What the network reads off a set of frames."""

    profile: FadeProfile
    """What undoes the fade."""
    error: float
    """CIEDE2000 that it expects to be left."""
    faded: float
    """How likely the frames are faded, 0..1."""


def read_fade(density: npt.NDArray[np.float64]) -> Reading:
    """Ask the network about frames of one reel.

    Args:
        density: (frames, pixels, 3).

    Raises:
        VsfrError: Its weights are not what they should be.
    """
    told = statistics_of(density)
    scale, shift = common_range(told)
    weights = _weights(_file()[0])
    answer, thought = _answer(weights, features(told, scale, shift))
    solved = composed(answer[None], scale[None], shift[None])
    for _ in range(LOOKS):
        again = np.concatenate([second_look(mended(density.reshape(1, -1, 3), solved)), thought[None]], 1)
        fix = _layer(weights, "again2", _layer(weights, "again1", again)) @ weights["fix.weight"].T
        solved = refined(solved, fix + weights["fix.bias"])
    matrix, slopes, (rest,) = solved
    profile = FadeProfile.of(np.concatenate([matrix[0], slopes[0]]))
    return Reading(profile, float(np.exp(np.clip(rest[0], -2, 4))), float(1 / (1 + np.exp(-np.clip(rest[1], -30, 30)))))


def weights_checksum() -> str:
    """The sha256 of the weights."""
    return _file()[1]


@lru_cache(1)
def _file() -> tuple[Path, str]:
    found = Zoo.open().find(OWN, suffixes=(".safetensors",))
    return found.path, found.file.sha256


@lru_cache(1)
def _weights(path: Path) -> Weights:
    return {name: values.astype(np.float64) for name, values in read_tensors(path).items()}


def _layer(w: Weights, name: str, values: Array) -> Array:
    return np.tanh(values @ w[f"{name}.weight"].T + w[f"{name}.bias"])


def _answer(w: Weights, told: npt.NDArray[np.float64]) -> tuple[Array, Array]:
    """The first answers, and what stood before them."""
    seen = (told - w["middle"]) / w["width"]
    each = _layer(w, "frame2", _layer(w, "frame1", seen))
    spread = np.sqrt(each.var(0) + SMALLEST)
    pooled = np.concatenate([each.mean(0), spread, each.max(0), each.min(0), seen[0, -6:], [np.log(len(each)) / 3]])
    thought = _layer(w, "set2", _layer(w, "set1", pooled))
    return thought @ w["out.weight"].T + w["out.bias"], thought


def mended(density: Array, solved: Answer, xp: Any = np) -> Array:
    """Densities (sets, pixels, 3), corrected."""
    matrix, slopes, _ = solved
    return bend(xp.matmul(density, matrix[..., :3].swapaxes(1, 2)) + matrix[:, None, :, 3], slopes[:, None], xp)


def composed(answer: Array, scale: Array, shift: Array, xp: Any = np) -> Answer:
    """From answers in the common range to a correction of the densities as they are."""
    through = _mixing(answer, xp)
    offset = xp.einsum("sij,sj->si", through, shift) + answer[:, 9:12]
    matrix = xp.concatenate([through * scale[:, None, :], offset[..., None]], -1)
    slopes = xp.exp(xp.clip(answer[:, 12:24], -0.7, 0.7)).reshape(-1, 3, 4)
    return matrix, slopes, answer[:, 24:26]


def refined(first: Answer, fix: Array, xp: Any = np) -> Answer:
    """A correction with what another look found to be left of it."""
    matrix, slopes, rest = first
    through = _mixing(fix, xp)
    offset = xp.einsum("sij,sj->si", through, matrix[..., 3]) + fix[:, 9:12]
    made = xp.concatenate([xp.matmul(through, matrix[..., :3]), offset[..., None]], -1)
    bent = slopes * xp.exp(xp.clip(fix[:, 12:24], -0.5, 0.5)).reshape(-1, 3, 4)
    return made, bent, rest + fix[:, 24:26]


def _mixing(answer: Array, xp: Any) -> Array:
    """The matrix of 3x3 that gains and what each colour takes from the others make."""
    gain = xp.exp(xp.clip(answer[:, 0:3], -1.5, 1.5))
    one = 1 + 0 * answer[:, 0]
    a = xp.clip(answer[:, 3:9], -0.8, 0.8)
    mixed = xp.stack([one, a[:, 0], a[:, 1], a[:, 2], one, a[:, 3], a[:, 4], a[:, 5], one], -1).reshape(-1, 3, 3)
    return mixed * gain[:, None, :]
