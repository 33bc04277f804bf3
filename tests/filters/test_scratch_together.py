"""What several frames show of a line: one profile, taken off in all of them and also where one frame missed it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from vsfilmrestore.filters._scratch_joint import Seen, shared
from vsfilmrestore.filters._scratch_profile import fitted, without
from vsfilmrestore.filters._scratch_together import Cleaned, together

type Reals = npt.NDArray[Any]

HEIGHT, WIDTH, FRAMES, BLOCKS = 144, 160, 5, 12
PLACE, DRIFT, SPREAD = 80.3, 0.4, 0.6
DRIFTS = 4
ROWS = np.arange(HEIGHT)


def scene(frame: int) -> Reals:
    """A soft picture that moves by three pixels a frame."""
    rng = np.random.default_rng(3)
    wide = rng.normal(0, 1, (HEIGHT, WIDTH + 3 * FRAMES))
    for axis in (0, 1):
        for shift in (1, 2, 3):
            wide = (wide + np.roll(wide, shift, axis)) / 2
    grain = np.random.default_rng(100 + frame).normal(0, 1, (HEIGHT, WIDTH))
    return (110 + 10 * wide / wide.std())[:, 3 * frame :][:, :WIDTH] + grain


def line(frame: int, height: float) -> Reals:
    """What a line adds that is a little deeper below than above."""
    across = np.exp(-0.5 * ((np.arange(WIDTH) - PLACE - DRIFT * frame) / SPREAD) ** 2)
    return height * (0.85 + 0.3 * ROWS[:, None] / HEIGHT) * across


def frames_with(height: float) -> list[Reals]:
    return [(scene(n) + line(n, height)).astype(np.float32) for n in range(FRAMES)]


def centre(frame: int) -> Reals:
    return np.full(HEIGHT, PLACE + DRIFT * frame + 0.2, np.float32)


def error(added: Reals, frame: int, height: float) -> float:
    near = slice(int(PLACE) - 5, int(PLACE) + 8)
    return float(np.sqrt(np.mean((added - line(frame, height))[:, near] ** 2)))


def cleaned(levels: Reals, frame: int, height: float, *, found: bool = True) -> Cleaned:
    """A frame of which the line was taken off, but for a tenth; or was not found."""
    marks = np.zeros((BLOCKS, WIDTH), np.float32)
    if not found:
        return Cleaned(levels, levels, marks)
    marks[:, round(PLACE + DRIFT * frame)] = 1 if height > 0 else -1
    return Cleaned(levels, (levels - 0.9 * line(frame, height)).astype(np.float32), marks)


@pytest.mark.parametrize("height", [30.0, -30.0])
def test_frames_together_know_a_line_better_than_one(height: float) -> None:
    levels = frames_with(height)
    found = shared([Seen(levels[n], ROWS, centre(n)) for n in range(FRAMES)], 2, 5, height > 0)
    added = np.zeros((HEIGHT, WIDTH))
    np.put_along_axis(added, found.columns, found.added, 1)
    alone = levels[2] - without(levels[2], fitted(levels[2], ROWS, centre(2), 5, height > 0))
    assert error(added, 2, height) < 0.8 * error(alone, 2, height)
    assert 0.8 < found.depth < 1.2


def test_nothing_is_shared_where_there_is_no_line() -> None:
    found = shared([Seen(scene(n).astype(np.float32), ROWS, centre(n)) for n in range(FRAMES)], 2, 5, True)
    assert np.abs(found.added).max() < 3


def test_flat_pictures_have_no_noise_to_go_by() -> None:
    levels = [(100 + line(n, 20)).astype(np.float32) for n in range(FRAMES)]
    found = shared([Seen(levels[n], ROWS, centre(n)) for n in range(FRAMES)], 0, 5, True)
    added = np.zeros((HEIGHT, WIDTH))
    np.put_along_axis(added, found.columns, found.added, 1)
    assert error(added, 0, 20) < 1


def test_what_one_frame_left_goes_by_the_others() -> None:
    seen = [cleaned(each, n, 30) for n, each in enumerate(frames_with(30))]
    beside = [seen[n] for n in (1, 3, 0, 4)]
    better = together(seen[2], beside, DRIFTS)
    assert error(seen[2].levels - better, 2, 30) < 0.75 * error(seen[2].levels - seen[2].picture, 2, 30)
    far = np.abs(np.arange(WIDTH) - PLACE) > 12
    assert np.array_equal(better[:, far], seen[2].levels[:, far])


def test_a_line_that_one_frame_missed_goes() -> None:
    levels = frames_with(30)
    seen = [cleaned(each, n, 30, found=n != 2) for n, each in enumerate(levels)]
    better = together(seen[2], [seen[n] for n in (1, 3, 0, 4)], DRIFTS)
    assert error(levels[2] - better, 2, 30) < 0.2 * error(np.zeros((HEIGHT, WIDTH)), 2, 30)


def test_a_frame_that_has_no_line_keeps_its_bits() -> None:
    levels = frames_with(30)
    levels[2] = scene(2).astype(np.float32)
    seen = [cleaned(each, n, 30, found=n != 2) for n, each in enumerate(levels)]
    assert np.array_equal(together(seen[2], [seen[n] for n in (1, 3, 0, 4)], DRIFTS), levels[2])


def test_one_frame_beside_is_not_enough() -> None:
    levels = frames_with(30)
    seen = [cleaned(each, n, 30, found=n == 1) for n, each in enumerate(levels)]
    assert np.array_equal(together(seen[2], [seen[n] for n in (1, 3, 0, 4)], DRIFTS), levels[2])
