"""Windows: which frames go into which run, whatever order they are asked for in."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.inference.windows import Tap, Windows, windowed

from .makers import array, hashes, orders, streamed

core = vs.core

SHAPES = [
    Windows(),
    Windows(3, 1, 3),
    Windows(0, 1, 1),
    Windows(0, 5, 0),
    Windows(2, 4, 3),
    Windows(1, 6, 1, fade=2),
    Windows(0, 30, 0),
    Windows(0, 4, 0, fade=2),
]


def numbered(frames: int) -> vs.VideoNode:
    """Frame n holds the number n."""
    clip = core.std.BlankClip(width=8, height=4, format=vs.GRAYS, length=frames, keep=True, fpsnum=24, fpsden=1)
    return core.akarin.Expr(clip, "N").akarin.PropExpr(lambda: {"Number": "N"})


class Recorder:
    """Gives each frame of a window as it came in, and notes what came in."""

    def __init__(self, windows: Windows, pause: float = 0) -> None:
        self.windows = windows
        self.seen: Counter[tuple[int, tuple[int, ...]]] = Counter()
        self.most = 0
        self._now = 0
        self._pause = pause
        self._lock = threading.Lock()

    def __call__(self, number: int, frames: list[list[vs.VideoFrame]]) -> tuple[Any, dict[str, float]]:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            self.seen[number, tuple(int(np.asarray(f[0])[0, 0]) for f in frames[0])] += 1
        time.sleep(self._pause)
        first = self.windows.before
        taken = frames[0][first : first + self.windows.length]
        result = np.stack([np.stack([np.array(f[0])]) for f in taken])
        with self._lock:
            self._now -= 1
        return result, {"Mark": 1.0}


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("frames", [1, 2, 7, 23])
@pytest.mark.parametrize("windows", SHAPES, ids=str)
def test_every_frame_comes_out_at_its_place_with_its_properties(windows: Windows, frames: int, lanes: int) -> None:
    clip = numbered(frames)
    work = Recorder(windows)
    result = windowed([Tap(clip)], windows, clip, work, lanes=lanes)
    assert not work.seen, "nothing runs while the graph is built"
    assert result.num_frames == frames
    for n, frame in enumerate(result.frames(close=True)):
        assert np.all(np.asarray(frame[0]) == n)
        told = (frame.props["Number"], frame.props["Mark"], frame.props["_DurationNum"], frame.props["_DurationDen"])
        assert told == (n, 1.0, 1, 24)
    assert set(work.seen.values()) == {1}, "each window is computed once"
    assert len(work.seen) == windows.count(frames)


def test_the_clip_is_mirrored_beyond_its_ends() -> None:
    windows = Windows(3, 1, 2)
    work = Recorder(windows)
    clip = numbered(4)
    list(windowed([Tap(clip)], windows, clip, work).frames(close=True))
    assert sorted(work.seen) == [
        (0, (3, 2, 1, 0, 1, 2)),
        (1, (2, 1, 0, 1, 2, 3)),
        (2, (1, 0, 1, 2, 3, 2)),
        (3, (0, 1, 2, 3, 2, 1)),
    ]


def test_windows_lie_on_a_fixed_grid_with_their_context() -> None:
    windows = Windows(1, 4, 2)
    work = Recorder(windows)
    clip = numbered(10)
    list(windowed([Tap(clip)], windows, clip, work, lanes=2).frames(close=True))
    assert sorted(work.seen) == [
        (0, (1, 0, 1, 2, 3, 4, 5)),
        (4, (3, 4, 5, 6, 7, 8, 9)),
        (8, (7, 8, 9, 8, 7, 6, 5)),
    ]


def test_shared_frames_are_faded_from_window_to_window() -> None:
    windows = Windows(0, 4, 0, fade=2)
    clip = numbered(8)

    def start(number: int, frames: list[list[vs.VideoFrame]]) -> tuple[Any, dict[str, float]]:
        return np.full((4, 1, 4, 8), number, np.float32), {}

    result = windowed([Tap(clip)], windows, clip, start, lanes=2)
    values = [float(array(result, n)[0, 0, 0]) for n in range(8)]
    assert values == pytest.approx([0, 0, 2 / 3, 4 / 3, 2 + 2 / 3, 2 + 4 / 3, 4, 4], abs=1e-6)


def test_other_clips_come_with_or_without_context() -> None:
    clip = numbered(9)
    other = core.akarin.Expr(clip, "x 100 +")
    seen = []

    def look(number: int, frames: list[list[vs.VideoFrame]]) -> tuple[Any, dict[str, float]]:
        seen.append((number, [[int(np.asarray(f[0])[0, 0]) for f in group] for group in frames]))
        return np.zeros((3, 1, 4, 8), np.float32), {}

    taps = [Tap(clip), Tap(other, context=False), Tap(other)]
    list(windowed(taps, Windows(1, 3, 1), clip, look).frames(close=True))
    assert (3, [[2, 3, 4, 5, 6], [103, 104, 105], [102, 103, 104, 105, 106]]) in seen


@pytest.mark.parametrize("windows", SHAPES, ids=str)
def test_frames_are_the_same_in_any_order(windows: Windows, threads: int) -> None:
    clip = numbered(23)

    def work(number: int, frames: list[list[vs.VideoFrame]]) -> tuple[Any, dict[str, float]]:
        total = sum(np.array(f[0]) * (i + 1) for i, f in enumerate(frames[0]))
        return np.stack([np.stack([total + i]) for i in range(windows.length)]), {}

    def fresh() -> vs.VideoNode:
        return windowed([Tap(clip)], windows, clip, work, lanes=3)

    found = {name: hashes(fresh(), order) for name, order in orders(23).items()}
    found["streamed"] = streamed(fresh())
    assert len({tuple(h) for h in found.values()}) == 1


def test_as_many_windows_are_worked_on_as_there_are_lanes(threads: int) -> None:
    clip = numbered(24)
    work = Recorder(Windows(), pause=0.01)
    list(windowed([Tap(clip)], Windows(), clip, work, lanes=3).frames(close=True))
    assert work.most == (1 if threads == 1 else 3)


def test_windows_are_computed_once_by_many_threads(threads: int) -> None:
    clip = numbered(40)
    windows = Windows(2, 3, 2)
    work = Recorder(windows, pause=0.002)
    list(windowed([Tap(clip)], windows, clip, work, lanes=2).frames(close=True))
    assert set(work.seen.values()) == {1}


def test_errors_reach_the_one_who_asked() -> None:
    clip = numbered(3)

    def fail(number: int, frames: list[list[vs.VideoFrame]]) -> tuple[Any, dict[str, float]]:
        raise RuntimeError("no good")

    with pytest.raises(vs.Error, match="no good"):
        windowed([Tap(clip)], Windows(0, 2, 0), clip, fail).get_frame(1)


@pytest.mark.parametrize("wrong", [(0, 0, 0, 0), (-1, 1, 0, 0), (0, 4, 0, 3), (0, 1, 0, 1)])
def test_grids_that_make_no_sense_are_refused(wrong: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Windows(*wrong)
