"""Frames that are there several times: found, counted once, and put where they belong in time."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from tests.filters.test_interpolate import pan
from tests.pictures import clip_of, frames_of
from vsfilmrestore.filters._cadence import PAIR, TIME, planned, runs_around, timed
from vsfilmrestore.filters.interpolate import interpolate
from vsfilmrestore.filters.schema import FILTERS

type Pictures = npt.NDArray[np.float32]

BLOCKS: dict[str, Any] = {"model": ""}
"""Block motion: the same wherever networks can be run."""


def printed(frames: int, pattern: Sequence[int]) -> tuple[Pictures, list[int]]:
    """True frames, each shown as often as a pattern tells; and which one each shown frame is."""
    shown = [n for n in range(frames) for _ in range(pattern[n % len(pattern)])]
    return pan(frames, step=3)[shown], shown


def steps(changes: Sequence[float], at: int, view: int = 13) -> list[float]:
    """What a plan looks at: how much each frame differs from the one before, around a frame."""
    return [changes[n] if 0 < n < len(changes) else 0.0 for n in range(at - view, at + view + 1)]


def test_each_frame_knows_its_true_frame_and_those_beside_it() -> None:
    changes = [0.0, 20.0, 0.1, 18.0, 22.0, 0.2, 19.0, 21.0, 0.0, 20.0, 18.0, 0.1]  # A BB C DD E FF G HH
    found = [(run.first + 4, run.last + 4) for run in runs_around(steps(changes, 4), 4, 11)]
    assert found == [(3, 3), (4, 5), (6, 6), (7, 8)]
    same = [(run.first + 5, run.last + 5) for run in runs_around(steps(changes, 5), 5, 11)]
    assert same == found


def test_what_moves_little_is_no_repeated_frame() -> None:
    for changes in ([0.0, *[2.0] * 12], [0.0] * 13, [0.0, *[5.0, 2.0] * 6], [0.0, *[0.2, 0.3] * 6]):
        runs = runs_around(steps(changes, 6), 6, 12)
        assert [(run.first, run.last) for run in runs] == [(-1, -1), (0, 0), (1, 1), (2, 2)]


def test_a_frame_that_stands_is_not_taken_apart() -> None:
    changes = [0.0, 20.0, 19.0, 21.0, *[0.0] * 6, 20.0, 18.0, 19.0]
    runs = runs_around(steps(changes, 6), 6, 12)
    assert [(run.first, run.last) for run in runs] == [(-1, -1), (0, 0), (1, 1), (2, 2)]


@pytest.mark.parametrize(("pattern", "rate"), [((1, 2), 16), ((2,), 12), ((2, 1), 16), ((3,), 8)])
def test_true_frames_come_back_at_their_own_rate(pattern: Sequence[int], rate: int) -> None:
    pictures, _ = printed(12, pattern)
    made = frames_of(interpolate(clip_of(pictures), rate, **BLOCKS))
    truth = pan(12, step=3)
    assert len(made) == round(len(pictures) * rate / 24)
    inner = slice(3, len(made) - 3)
    np.testing.assert_array_equal(made[inner], truth[: len(made)][inner])


def test_a_stretched_film_moves_evenly_again() -> None:
    pictures, _ = printed(14, (1, 2))
    count = len(pictures) * 2
    # The true frames lie 1.5 frames apart: frame n of the result shows the moment n / 3 of them.
    wanted = pan(count // 3 + 1, step=3)[[n // 3 for n in range(count)]]
    made = frames_of(interpolate(clip_of(pictures), 48, **BLOCKS))
    plain = frames_of(interpolate(clip_of(pictures), 48, cadence="off", **BLOCKS))
    whole = [n for n in range(9, count - 12) if n % 3 == 0]
    np.testing.assert_array_equal(made[whole], wanted[whole])
    moves = [np.abs(np.diff(each[9:29], axis=0)).mean((1, 2)) for each in (made, plain)]
    assert moves[0].min() > 1.0
    assert moves[1].min() == 0.0


def test_times_are_exact_and_the_end_stands() -> None:
    pictures, _ = printed(8, (1, 2))
    plan = planned(clip_of(pictures), cadence=True)
    times = timed(plan, lambda n: Fraction(n, 2), 2 * len(pictures))
    told = [(int(f.props[PAIR]), float(f.props[TIME])) for f in times.frames()]  # type: ignore[arg-type]
    assert [round(time, 6) for _, time in told[9:15]] == [0.0, 0.333333, 0.666667, 0.0, 0.333333, 0.666667]
    assert told[-1][1] == 0.0


def test_no_true_frame_reaches_over_a_cut() -> None:
    pictures, _ = printed(10, (1, 2))
    pictures[7:] = 255 - pictures[7:, ::-1]  # the second half of a doubled frame and what follows
    made = frames_of(interpolate(clip_of(pictures), 96, fallback="flow", **BLOCKS))
    sources = {p.tobytes() for p in pictures}
    over = [n for n in range(4 * 6 + 1, 4 * 7) if made[n].tobytes() not in sources]
    assert not over


def test_any_order_and_the_radius() -> None:
    pictures, _ = printed(10, (1, 2))
    straight = frames_of(interpolate(clip_of(pictures), 60, **BLOCKS))
    again = interpolate(clip_of(pictures), 60, **BLOCKS)
    for n in (20, 3, 31, 11, 0):
        np.testing.assert_array_equal(np.asarray(again.get_frame(n)[0]), straight[n])
    long, _ = printed(44, (1, 2))
    reach = FILTERS["interpolate"].reach({"fps": 48.0})
    at = len(long) // 2
    other = np.random.default_rng(3).uniform(0, 255, long.shape).astype(np.float32)
    other[at - reach : at + reach + 1] = long[at - reach : at + reach + 1]
    a, b = (np.asarray(interpolate(clip_of(p), 48, **BLOCKS).get_frame(2 * at + 1)[0]) for p in (long, other))
    np.testing.assert_array_equal(a, b)


def test_drawings_on_twos_get_frames_between_them() -> None:
    pictures, _ = printed(8, (2,))
    made = frames_of(interpolate(clip_of(pictures), 48, **BLOCKS))
    blocky = frames_of(interpolate(clip_of(pictures), 48, cadence="off", **BLOCKS))
    moves, stands = (np.abs(np.diff(each[8:21], axis=0)).mean((1, 2)) for each in (made, blocky))
    assert moves.min() > 0.5
    assert (stands == 0).sum() >= 6


def test_where_nothing_moves_nothing_changes() -> None:
    still = np.repeat(pan(1), 8, axis=0)
    made: vs.VideoNode = interpolate(clip_of(still), 60, **BLOCKS)
    np.testing.assert_array_equal(frames_of(made), np.repeat(still[:1], made.num_frames, axis=0))
