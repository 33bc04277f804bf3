"""Pictures of no constant rate: which rate, and where each goes."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate
from typing import Any

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.media.stand_ins import frozen, runs, unread
from vsfilmrestore.media.timing import believable, course_at, sensible_rate, steady_rate

core = vs.core


def times_of(steps: Any) -> list[float]:
    """Times in milliseconds, of durations in seconds."""
    return [0.0, *(1000 * float(time) for time in accumulate(steps))]


def numbered(length: int) -> vs.VideoNode:
    """Each frame holds its number."""
    blank = core.std.BlankClip(None, 16, 16, vs.GRAY16, length=length)
    return core.akarin.Expr(blank, "N")


def shown(clip: vs.VideoNode) -> list[int]:
    return [int(frame[0][0, 0]) for frame in clip.frames()]


def jitter(rate: float) -> Any:
    """Durations of pictures that come by a clock, each up to an eighth of a frame early or late."""
    return np.diff((np.arange(400) + np.random.default_rng(1).uniform(-0.125, 0.125, 400)) / rate)


def choice(*steps: float) -> Any:
    return np.random.default_rng(2).choice(steps, 400)


@pytest.mark.parametrize(
    ("steps", "told", "rate"),
    [
        (jitter(30), ["30"], "30"),  # a telephone
        (jitter(18), [], "18"),
        (jitter(25), ["1000", "90000"], "25"),  # the clock of the container is no rate
        (choice(1 / 30, 1 / 30, 1 / 30, 1 / 15), ["120", "27"], "30"),  # less light, longer pictures
        ([1001 / 24000] * 200 + [1001 / 30000] * 200, [], "30000/1001"),
        ([1 / 60, 1 / 30] * 200, [], "60"),
        (choice(1 / 60, 1 / 60, 1 / 60, 1 / 30, 0.05, 1 / 3), ["60"], "60"),  # a screen
        ([0.1, 0.1, 0.1, 0.5] * 20, [], "10"),
        ([3.0, 8.0, 5.0] * 10, [], "24"),  # slides tell no rate
    ],
)
def test_the_rate_is_one_that_people_use(steps: Any, told: list[str], rate: str) -> None:
    times = times_of(steps)
    chosen = sensible_rate(times, [Fraction(word) for word in told])
    assert chosen == Fraction(rate)
    course = course_at(times, chosen)
    assert len(course.dropped) <= 0.05 * len(times)
    assert course.length + len(course.dropped) == len(times) + len(course.held)


def test_every_picture_stands_within_a_frame_of_its_time() -> None:
    times = times_of(np.random.default_rng(3).uniform(0.02, 0.09, 120))
    course = course_at(times, Fraction(25))
    clip = course.of(numbered(len(times)))
    assert (clip.num_frames, clip.fps) == (course.length, 25)
    seen = shown(clip)
    assert seen == sorted(seen)
    assert set(seen) == set(range(len(times))) - set(course.dropped)
    for number in set(seen):
        assert abs(seen.index(number) / 25 - times[number] / 1000) <= 1 / 25 + 1e-6
    assert all(seen[frame] == seen[frame - 1] for frame in course.held)


def test_a_hole_is_told_from_a_rate_that_varies() -> None:
    hole = course_at([n * 40.0 for n in range(60) if not 20 <= n < 26], Fraction(25))
    assert (hole.held, hole.dropped, hole.length, hole.gaps) == (tuple(range(20, 26)), (), 60, True)
    assert not course_at(times_of([1 / 25, 2 / 25] * 30), Fraction(25)).gaps


def test_times_that_are_constant_and_times_that_are_nonsense() -> None:
    rates = [Fraction(25), Fraction(24)]
    assert steady_rate([round(n * 1000 / 24) for n in range(500)], rates) == 24
    assert steady_rate([n * 40.0 + 40 * (n > 5) for n in range(90)], rates) == 25
    assert steady_rate([n * 40.0 + 80 * (n > 5) for n in range(90)], rates) is None
    assert believable([0, 40, 40, 5000])
    assert not believable([0, 40, 20])
    assert not believable([n * 500_000.0 for n in range(200)])  # a day and more
    assert not believable([0, 40, 95_443_718])  # the clock of a transport stream has turned over


def test_the_nearest_readable_frame_stands_in() -> None:
    clip = numbered(8)
    assert shown(frozen(clip, [0, 3, 4, 7, 99])) == [1, 1, 2, 2, 2, 5, 6, 6]
    assert frozen(clip, []) is clip
    assert runs([4, 3, 9]) == [range(3, 5), range(9, 10)]
    assert unread([5, 4, 9]) == ("3 frames cannot be read: 4-5, 9; the nearest that can stands there",)
    assert unread([]) == ()
