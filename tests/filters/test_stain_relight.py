"""The light of a frame against its neighbour: flicker is measured, stains of any size are left out of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from vsfilmrestore.filters._exposure import BLACK, LEVEL, field_basis
from vsfilmrestore.filters._stain_relight import light_step

type Array = npt.NDArray[np.float64]

SHAPE = 14, 24
FLICKER = np.array([0.03, 0.02, 0.01, -0.008, 0.005, 0.0, 0.006, 0.0, -0.004, 0.0])


def cells(seed: int = 1) -> Array:
    """A picture in cells, 0..1."""
    rng = np.random.default_rng(seed)
    return np.asarray(0.4 + 0.15 * np.kron(rng.normal(0, 1, (7, 12)), np.ones((2, 2)))).clip(0.08, 0.9)


def relit(picture: Array, row: Array) -> Array:
    tone = np.log(picture + BLACK)
    light = row[0] + row[1] * (tone - LEVEL) + np.tensordot(row[2:], field_basis(*SHAPE), 1)
    return np.asarray(np.exp(tone + light) - BLACK)


def grain(picture: Array, seed: int) -> Array:
    return picture + np.random.default_rng(seed).normal(0, 0.002, SHAPE)


def off(row: Array, aim: Array, picture: Array) -> float:
    """Largest error of the light that a row tells, in the logarithm."""
    return float(np.abs(np.log(relit(picture, row) + BLACK) - np.log(relit(picture, aim) + BLACK)).max())


def test_flicker_is_measured() -> None:
    picture = cells()
    row, joined = light_step(grain(picture, 2), grain(relit(picture, FLICKER), 3))
    assert joined
    assert off(row, FLICKER, picture) < 0.012


@pytest.mark.parametrize("flicker", [0.0, 1.0])
@pytest.mark.parametrize("depth", [-0.05, -0.2, 0.1])
def test_a_stain_on_a_third_of_the_picture_is_no_light(depth: float, flicker: float) -> None:
    picture, veil = cells(), np.zeros(SHAPE)
    veil[:, 16:] = depth
    veil[:5, 13:16] = depth
    stained = (relit(picture, FLICKER * flicker) + BLACK) * np.exp(veil) - BLACK
    row, joined = light_step(grain(picture, 2), grain(stained, 3))
    assert joined
    seen = np.log(stained + BLACK) - np.log(relit(picture, row) + BLACK)
    assert seen[veil != 0].mean() / depth > 0.8
    assert abs(seen[veil == 0].mean()) < 0.1 * abs(depth) + 0.002


def test_a_bright_cover_on_bright_and_dark_is_no_gamma() -> None:
    picture = cells()
    covered = picture.copy()
    covered[:9, 2:12] = 0.8 * covered[:9, 2:12] + 0.2 * 0.95
    row, _ = light_step(grain(picture, 2), grain(covered, 3))
    assert off(row, np.zeros(10), picture) < 0.03


def test_another_scene_does_not_join() -> None:
    assert not light_step(cells(1), cells(5))[1]


def test_black_tells_nothing() -> None:
    row, joined = light_step(np.full(SHAPE, 0.01), np.full(SHAPE, 0.012))
    assert not joined
    assert not row.any()
