"""Intermediate results: computed once, kept while memory lasts, never in each other's way."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from vsfilmrestore.inference.results import InStep, Results

MEGABYTE = 1 << 20


def size(_value: Any) -> int:
    return MEGABYTE


def test_a_value_is_computed_once_by_however_many_threads() -> None:
    kept, runs = Results(100 * MEGABYTE), Counter[Hashable]()
    lock = threading.Lock()

    def compute(key: tuple[int, int, int]) -> int:
        with lock:
            runs[key] += 1
        time.sleep(0.001)
        return key[2]

    def ask(start: int) -> list[int]:
        keys = [(0, 1, (start + i) % 20) for i in range(10)]
        found = kept.get(keys, compute, size)
        return [found[key] for key in keys]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(40)))
    assert answers == [[(start + i) % 20 for i in range(10)] for start in range(40)]
    assert set(runs.values()) == {1}
    assert (len(kept), kept.held, kept.computed) == (20, 20 * MEGABYTE, 20)


def test_steps_above_steps_never_wait_for_one_another() -> None:
    """Three steps with windows that overlap, many threads, next to no memory: all is computed, and nothing hangs."""
    kept = Results(3 * MEGABYTE)

    def compute(key: tuple[int, int, int]) -> int:
        _, step, frame = key
        if step == 0:
            time.sleep(0.0002)
            return frame
        keys = [(0, step - 1, frame + i) for i in (-2, -1, 0, 1, 2)]
        found = kept.get(keys, compute, size)
        return sum(found[key] for key in keys)

    def ask(frame: int) -> int:
        value: int = kept.get([(0, 2, frame)], compute, size)[0, 2, frame]
        return value

    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(ask, frame) for frame in [*range(30), *range(30, 0, -1)]]
        assert [job.result(timeout=60) for job in jobs] == [25 * frame for frame in [*range(30), *range(30, 0, -1)]]
    assert kept.held <= 3 * MEGABYTE


def test_the_longest_unused_goes_first() -> None:
    kept, runs = Results(2 * MEGABYTE), Counter[Hashable]()

    def compute(key: Hashable) -> Hashable:
        runs[key] += 1
        return key

    for frame in (0, 1, 0, 2, 0, 1):
        kept.get([(0, 1, frame)], compute, size)
    assert runs == {(0, 1, 0): 1, (0, 1, 1): 2, (0, 1, 2): 1}


def test_there_is_room_for_two_chains_that_need_more_than_the_limit() -> None:
    kept = Results(0)
    for owner in (0, 1):
        kept.reserve(owner, 5 * MEGABYTE)
        kept.get([(owner, 1, frame) for frame in range(5)], lambda key: key, size)
    assert kept.held == 10 * MEGABYTE
    kept.forget(0)
    assert kept.held == 5 * MEGABYTE
    kept.forget(1)
    assert (kept.held, len(kept)) == (0, 0)


def test_who_waited_for_a_failure_tries_himself() -> None:
    kept, started, go_on = Results(), threading.Event(), threading.Event()
    tries: list[str] = []

    def fail(_key: Hashable) -> int:
        tries.append("failed")
        started.set()
        go_on.wait(10)
        raise ValueError("no")

    def succeed(_key: Hashable) -> int:
        tries.append("done")
        return 1

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(kept.get, [(0, 1, 1)], fail, size)
        started.wait(10)
        second = pool.submit(kept.get, [(0, 1, 1)], succeed, size)
        time.sleep(0.05)
        assert not second.done()
        go_on.set()
        with pytest.raises(ValueError, match="no"):
            first.result(10)
        assert second.result(10) == {(0, 1, 1): 1}
    assert tries == ["failed", "done"]


def test_a_frame_waits_for_one_too_far_behind_and_for_no_other() -> None:
    in_step, order = InStep(2), list[int]()

    def work(frame: int) -> None:
        with in_step.turn(frame):
            order.append(frame)

    with ThreadPoolExecutor(3) as pool:
        with in_step.turn(5):
            pool.submit(work, 7).result(timeout=10)
            pool.submit(work, 1).result(timeout=10)
            far = pool.submit(work, 8)
            time.sleep(0.05)
            order.append(5)
        far.result(timeout=10)
    assert order == [7, 1, 5, 8]
