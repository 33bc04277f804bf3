"""Frames for many who ask: rendered once, kept, dropped, rendered ahead, and failures that say what failed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.errors import MediaError, RenderError
from vsfilmrestore.serve.frames import Frames, frame_bytes

core = vs.core


class Clip:
    """A clip whose frames wait at a gate, hold their number, and are counted."""

    def __init__(self, length: int = 64, *, bad: int = -1, text: str = "") -> None:
        self.made: list[int] = []
        self.held: set[int] = set()
        blank = core.std.BlankClip(format=vs.GRAY16, width=64, height=32, length=length, keep=True)

        def number(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
            until(lambda: n not in self.held, 10)
            self.made.append(n)
            if n == bad:
                raise MediaError(text, file="scan_07.dpx") if text else ValueError("no such luck")
            out = f.copy()
            np.asarray(out[0])[:] = n
            return out

        self.node = core.std.ModifyFrame(blank, blank, number)
        self.node.std.SetVideoCache(mode=0)


@contextmanager
def held(clip: Clip, *numbers: int) -> Iterator[None]:
    """These frames, or all, are not finished before the end of the block."""
    clip.held = set(numbers or range(clip.node.num_frames))
    try:
        yield
    finally:
        clip.held = set()


def until(met: object, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not met() and time.monotonic() < end:  # type: ignore[operator]
        time.sleep(0.005)
    assert met()  # type: ignore[operator]


def value(frame: vs.VideoFrame) -> int:
    return int(np.asarray(frame[0])[3, 5])


def test_a_frame_asked_for_by_many_is_rendered_once() -> None:
    clip = Clip()
    frames = Frames(clip.node, workers=2)
    with held(clip):
        asked = [frames.get(7) for _ in range(20)]
    assert [value(future.result(5)) for future in asked] == [7] * 20
    assert clip.made == [7]
    assert (frames.counts.rendered, frames.counts.joined) == (1, 19)
    assert value(frames.get(7).result(0)) == 7
    assert frames.counts.hits == 1


def test_what_is_kept_is_bounded_and_the_last_used_stay() -> None:
    clip = Clip()
    size = frame_bytes(clip.node.get_frame(0))
    clip.made.clear()
    frames = Frames(clip.node, workers=1, cache_bytes=3 * size)
    for n in (0, 1, 2, 0, 3):
        frames.get(n).result(5)
    assert clip.made == [0, 1, 2, 3]
    assert frames.at_hand(1) is None
    assert frames.at_hand(0) is not None
    assert frames.counts.kept_bytes <= 3 * size
    frames.get(1).result(5)
    assert clip.made == [0, 1, 2, 3, 1]


def test_without_a_cache_nothing_is_kept() -> None:
    clip = Clip()
    frames = Frames(clip.node, cache_bytes=0)
    for _ in range(2):
        assert value(frames.get(4).result(5)) == 4
    assert clip.made == [4, 4]
    assert frames.counts.kept_bytes == 0


def test_what_nobody_wants_any_more_is_dropped_before_it_begins() -> None:
    clip = Clip()
    frames = Frames(clip.node, workers=1)
    with held(clip):
        first, lonely, shared, other = frames.get(0), frames.get(1), frames.get(2), frames.get(2)
        assert lonely.cancel()
        assert shared.cancel()
        assert frames.counts.dropped == 1
    assert value(first.result(5)) == 0
    assert value(other.result(5)) == 2
    assert clip.made == [0, 2]
    with pytest.raises(CancelledError):
        lonely.result(0)


def test_a_frame_that_began_is_finished_and_kept_though_nobody_waits() -> None:
    clip = Clip()
    frames = Frames(clip.node, workers=1)
    with held(clip):
        begun = frames.get(5)
        until(lambda: frames.counts.running == 1)
        assert begun.cancel()
    until(lambda: frames.at_hand(5) is not None)
    assert clip.made == [5]


@pytest.mark.parametrize(("asked", "ahead"), [((10, 11), [12, 13, 14]), ((30, 29), [28, 27, 26])])
def test_the_next_frames_are_rendered_in_the_direction_of_play(asked: tuple[int, ...], ahead: list[int]) -> None:
    clip = Clip()
    frames = Frames(clip.node, workers=2, ahead=3)
    for n in asked:
        frames.get(n, reader="host").result(5)
    until(lambda: len(clip.made) == 5)
    time.sleep(0.05)
    assert sorted(clip.made) == sorted([*asked, *ahead])


def test_threads_that_ask_out_of_order_are_understood() -> None:
    clip = Clip()
    frames = Frames(clip.node, workers=2, ahead=4)
    for future in [frames.get(n, reader=1) for n in (2, 3, 1, 0, 4, 7, 5, 6)]:
        future.result(5)
    until(lambda: len(set(clip.made)) >= 12)
    assert set(clip.made) == set(range(12))


def test_who_jumps_about_gets_nothing_ahead() -> None:
    clip = Clip()
    frames = Frames(clip.node, workers=2, ahead=4)
    for n in (5, 60, 20):
        frames.get(n, reader="host").result(5)
    time.sleep(0.05)
    assert sorted(clip.made) == [5, 20, 60]


def test_what_is_asked_for_comes_before_what_is_rendered_ahead() -> None:
    clip = Clip()
    frames = Frames(clip.node, workers=1, ahead=8)
    frames.get(0, reader="a").result(5)
    with held(clip, 2):
        frames.get(1, reader="a").result(5)
        until(lambda: frames.counts.running == 1)
        assert frames.counts.ahead > 3
        wanted = frames.get(50, reader="b")
    wanted.result(5)
    assert clip.made[:4] == [0, 1, 2, 50]


def test_what_was_rendered_ahead_for_nothing_is_given_up() -> None:
    clip = Clip()
    frames = Frames(clip.node, workers=2, ahead=8)
    frames.get(0, reader="a").result(5)
    with held(clip, 2):
        frames.get(1, reader="a").result(5)
        until(lambda: frames.counts.running == 1)
        frames.forget("a")
        assert frames.counts.ahead == 0
    assert frames.close()
    assert clip.made == [0, 1, 2]


def test_a_failure_names_shot_and_frame_and_the_next_try_is_a_new_one() -> None:
    clip = Clip(bad=9)
    frames = Frames(clip.node, shot_of=lambda n: f"fight-{n:02d}")
    for _ in range(2):
        with pytest.raises(RenderError, match=r"shot fight-09, frame 9: no such luck"):
            frames.get(9).result(5)
    assert clip.made == [9, 9]
    assert value(frames.get(8).result(5)) == 8


def test_a_medium_that_cannot_be_read_is_told_in_its_own_words() -> None:
    frames = Frames(Clip(bad=9, text="is cut off").node, shot_of=lambda n: "fight")
    with pytest.raises(MediaError, match=r"shot fight, frame 9: scan_07\.dpx: is cut off"):
        frames.get(9).result(5)


def test_no_such_frame() -> None:
    frames = Frames(Clip(10).node)
    for n in (-1, 10):
        with pytest.raises(RenderError, match="frames 0 to 9"):
            frames.get(n)


def test_closing_cancels_what_waits_and_ends_what_runs() -> None:
    clip = Clip()
    frames = Frames(clip.node, workers=1)
    with held(clip):
        running, waiting = frames.get(0), frames.get(1)
        assert not frames.close(timeout=0.05)
        assert waiting.cancelled()
    assert frames.close(timeout=5)
    assert running.done()
    with pytest.raises(RenderError, match="ended"):
        frames.get(2)


def test_many_threads_at_once_get_what_they_ask_for() -> None:
    clip = Clip(40)
    frames = Frames(clip.node, workers=3, cache_bytes=20_000, ahead=4)
    wrong: list[object] = []

    def ask(seed: int) -> None:
        random = np.random.default_rng(seed)
        pending: list[tuple[int, Future[vs.VideoFrame]]] = []
        for n in random.integers(0, 40, 150).tolist():
            pending.append((n, frames.get(n, reader=seed)))
            if random.random() < 0.3:
                pending.pop(int(random.integers(len(pending))))[1].cancel()
        wrong.extend(n for n, future in pending if value(future.result(20)) != n)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []
    assert frames.counts.kept_bytes <= 20_000
    assert frames.close()
