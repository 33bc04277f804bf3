"""Frames per second of each filter beside SpotLess."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import vapoursynth as vs

from vsfilmrestore.filters import FILTERS

from .cases import Case, damaged_case
from .footage import CLIPS, clip_of, load, planes_of
from .methods import CLASSICAL, Method, other_methods, ours
from .runs import HARM, Options, Record, Said

__all__ = ["SIZES_TIMED", "run_speed"]

core = vs.core

SIZES_TIMED = {"1280x720": (1280, 720), "2048x1152": (2048, 1152)}
_FILM = "juggle"
_THREADS = 2
_ROUNDS = 2
_MOST_FRAMES = 12


def run_speed(options: Options, said: Said, sizes: tuple[str, ...] = tuple(SIZES_TIMED)) -> Iterator[Record]:
    """A damaged clip that lies in memory, on two threads; the best of two rounds, the first of which fills caches."""
    methods: list[Method] = [CLASSICAL["SpotLess"], CLASSICAL["DeScratch"]]
    for name in (each for each in HARM if each in FILTERS):
        methods += [ours(name), *other_methods(name)]
    methods += options.variants
    before, core.num_threads = core.num_threads, _THREADS
    try:
        for size in sizes:
            case = _held(options, *SIZES_TIMED[size])
            for method in methods:
                seconds = min(_timed(method, case) for _ in range(_ROUNDS))
                said(f"speed {size} {method.name} {case.damaged.num_frames / seconds:.2f}")
                tally = Counter({"frames": case.damaged.num_frames, "seconds": seconds})
                yield Record("speed", size, case.name, case.share, method.name, method.group, tally)
    finally:
        core.num_threads = before


def _held(options: Options, width: int, height: int) -> Case:
    file, first = CLIPS[_FILM]
    frames = min(options.frames, _MOST_FRAMES)
    clip = load(options.footage / "clips" / file, first, frames, 4096).resize.Bicubic(width, height)
    return damaged_case(_FILM, clip_of(planes_of(clip), clip), "simple", options.seed, ageing="none")


def _timed(method: Method, case: Case) -> float:
    core.clear_cache()
    start = time.perf_counter()
    for frame in method.make(case).frames(close=True):
        del frame
    return time.perf_counter() - start
