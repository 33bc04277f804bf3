"""How strong a stain is from frame to frame, and whether it lies on the film: what is told from the steps of frames."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from vsfilmrestore.filters._stain_film import film_odds
from vsfilmrestore.filters._stain_match import Looks
from vsfilmrestore.filters._stain_onset import _gains

type Array = npt.NDArray[np.float32]

SHAPE = 56, 100
BOX = 15, 30, 40, 62


def stain(shift: float = 0.0) -> Array:
    """What it does to cells, in levels; ``shift`` to the left."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    angle = np.arctan2(y - 27, x + shift - 46)
    edge = 10 * (1 + 0.2 * np.sin(4 * angle))
    return np.asarray(-12 / (1 + np.exp((np.hypot(y - 27, x + shift - 46) - edge) / 0.6)), np.float32)


def run(strengths: list[float], pan: float, on_film: bool, grain: float = 0.5) -> list[Looks]:
    """Frames that show it so strong, while the scene moves by so many cells a frame."""
    rng, frames = np.random.default_rng(1), []
    for n, own in enumerate(strengths):
        steps = []
        for m, way in ((n - 1, -pan), (n + 1, pan)):
            other = strengths[m] if 0 <= m < len(strengths) else 0.0
            there = other * stain(way) if on_film else other * stain()
            steps.append(np.asarray(own * stain() - there + rng.normal(0, grain, SHAPE), np.float32))
        ways = np.zeros((2, 2, *SHAPE), np.float32)
        ways[0, 0], ways[1, 0] = -pan, pan
        misfit = np.full((2, *SHAPE), 1.0, np.float32)
        frames.append(Looks(steps[0], steps[1], misfit, np.full(SHAPE, 100, np.float32), ways, (True, True)))
    return frames


def cells() -> npt.NDArray[np.bool_]:
    return np.asarray(stain()[BOX[0] : BOX[2], BOX[1] : BOX[3]] < -3)


@pytest.mark.parametrize("pan", [0.0, 1.0])
def test_what_swells_is_followed(pan: float) -> None:
    strengths = [1.0, 1.1, 1.2, 1.1]
    gains = _gains(run(strengths, pan, True), False, stain(), BOX, cells())
    shrunk = cells().sum() / (cells().sum() + 200)
    assert gains == pytest.approx([1 + shrunk * (each - 1) for each in strengths], abs=0.05)


def test_what_comes_or_goes_beside_it_is_no_swelling() -> None:
    assert _gains(run([1.0, 1.0, 1.6, 1.6], 0.0, True), False, stain(), BOX, cells()) == pytest.approx(
        [1] * 4, abs=0.05
    )


def test_what_stays_on_the_film_is_told_from_what_moves_with_the_scene() -> None:
    film, scene = (film_odds(run([1.0] * 5, 1.0, each), False, stain(), BOX, cells()) for each in (True, False))
    assert film > 2
    assert scene < -2


def test_a_still_scene_tells_nothing_of_it() -> None:
    assert film_odds(run([1.0] * 5, 0.0, True), False, stain(), BOX, cells()) == 0


def test_motion_that_follows_the_outline_tells_nothing_of_it() -> None:
    frames = run([1.0] * 5, 1.0, False)
    for each in frames:
        each.ways[:, :, BOX[0] : BOX[2], BOX[1] : BOX[3]] = 0
    assert film_odds(frames, False, stain(), BOX, cells()) == 0


def test_a_faint_step_in_much_grain_speaks_for_neither() -> None:
    rng = np.random.default_rng(2)
    change = np.asarray(0.15 * stain() + rng.normal(0, 2, SHAPE), np.float32)
    assert abs(film_odds(run([0.15] * 5, 0.5, True, 2.0), False, change, BOX, cells())) < 1
