"""The fit of remove_stains' weights: what is laid on clips, and which finds count as stains."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="damage is simulated with torch: pip install vsfilmrestore[torch]")

import fit_stains
from simulator import TRAIN, atlas_for
from simulator.chance import Dice

SIZE = 144, 192
FRAMES = 5


def scene() -> fit_stains.Scene:
    """A still picture under grain."""
    rng = np.random.default_rng(2)
    picture = 0.45 + 0.1 * np.kron(rng.normal(0, 1, (18, 24)), np.ones((8, 8)))
    frames = [np.asarray(picture + rng.normal(0, 0.006, SIZE), np.float32).clip(0, 1) for _ in range(FRAMES)]
    ends = [max(n - 1, 0) for n in range(FRAMES)], [min(n + 1, FRAMES - 1) for n in range(FRAMES)]
    return fit_stains.Scene(frames, *([frames[n] for n in each] for each in ends))


def test_a_stain_is_there_on_one_side_of_its_step_alone() -> None:
    atlas = atlas_for(TRAIN)
    for n in range(6):
        veil, at, ends = fit_stains.stain(Dice(TRAIN.comb, n), atlas, (FRAMES, *SIZE))
        there = [bool((np.abs(veil.gain[k] - 1) + veil.cover[k]).max() > 1e-3) for k in range(FRAMES)]
        assert there == [k <= at if ends else k >= at for k in range(FRAMES)]


def test_a_veil_darkens_light_and_covers_with_white() -> None:
    half = fit_stains.Veil(np.full((1, 4, 4), 0.5, np.float32), np.zeros((1, 4, 4), np.float32))
    white = fit_stains.Veil(np.ones((1, 4, 4), np.float32), np.full((1, 4, 4), 0.3, np.float32))
    grey = np.full((4, 4), 0.4, np.float32)
    assert half.over(grey, 0) == pytest.approx(0.4 * 0.5 ** (1 / 2.2))
    assert (white.differs(grey, 0) > 20).all()
    assert (half.differs(grey, 0) < -20).all()


def test_the_step_of_a_stain_is_a_find_and_those_of_lights_are_none() -> None:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    angle = np.arctan2(y - 70, x - 96)
    alpha = np.asarray(np.hypot(y - 70, x - 96) < 26 + 11 * np.sin(4 * angle) + 5 * np.sin(9 * angle), np.float32)
    there = np.array([0, 0, 1, 1, 1], np.float32)[:, None, None]
    veil = fit_stains.Veil(1 - 0.4 * there * alpha, np.zeros((FRAMES, *SIZE), np.float32))
    laid = fit_stains.joined(list(fit_stains.finds(scene(), veil, 2, False)))
    as_light = fit_stains.joined(list(fit_stains.finds(scene(), veil)))
    assert laid[1].sum() == 1
    assert len(as_light[1]) >= 1
    assert not as_light[1].any()
    assert (as_light[2] > 0).all()
