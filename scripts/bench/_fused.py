"""Three networks as one node against the same three as separate filters."""

from __future__ import annotations

import argparse
import gc
import random
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

import vapoursynth as vs

from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.inference.chain import run_calls
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.inference.results import Results
from vsfilmrestore.models.contract import Contract
from vsfilmrestore.render.memory import give_back

core = vs.core

type Maker = Callable[..., Path]


def calls_of(make: Maker, folder: Path, layers: int, wide: int, window: int, device: str) -> list[ModelCall]:
    """A denoiser, a clean-up network with a window of frames, a sharpener; random weights."""
    names = ("denoise", "clean-up", "sharpen")
    frames = (1, window, 1)
    return [
        ModelCall(
            make(folder / f"{name}.onnx", layers, wide, 3 * count, seed=seed),
            Contract(layout="stacked" if count > 1 else "BCHW", before=count // 2, after=count // 2),
            strength=0.1,
            device=device,
            tile=(0, 0),
        )
        for seed, (name, count) in enumerate(zip(names, frames, strict=True))
    ]


def separate(clip: vs.VideoNode, calls: list[ModelCall], lanes: int | None, models: Registry) -> vs.VideoNode:
    for call in calls:
        clip = call.on(clip, lanes=lanes, models=models)
    return clip


def fused(clip: vs.VideoNode, calls: list[ModelCall], lanes: int | None, models: Registry) -> vs.VideoNode:
    return run_calls(clip, calls, lanes=lanes, models=models)


def one_round(node: vs.VideoNode) -> tuple[float, float]:
    """Milliseconds per frame on the wall and of the processor."""
    wall, processor = perf_counter(), process_time()
    for frame in node.frames(close=True, collect_garbage=False):
        frame.close()
    return tuple(
        (end - start) * 1000 / node.num_frames for end, start in ((perf_counter(), wall), (process_time(), processor))
    )


def speed(
    calls: list[ModelCall],
    source: Callable[[int, int, int, int], vs.VideoNode],
    sizes: list[tuple[int, int]],
    options: argparse.Namespace,
) -> None:
    """Both take turns, built anew each time so that nothing kept makes them fast; the best round of each counts."""
    print(f"{'':>10} {'':>9} {'wall ms':>9} {'cpu ms':>9}   separate / fused: wall, processor")
    for width, height in sizes:
        models = Registry()
        clip = source(vs.YUV420P8, width, height, options.frames)
        rounds: dict[str, list[tuple[float, float]]] = {"separate": [], "fused": []}
        for number in range(options.rounds + 1):
            for name, build in (("separate", separate), ("fused", fused)):
                found = one_round(build(clip, calls, options.lanes, models))
                gc.collect()
                core.clear_cache()
                if number:  # the first one loads and grows arenas
                    rounds[name].append(found)
        best = {name: tuple(min(column) for column in zip(*found, strict=True)) for name, found in rounds.items()}
        for name, (wall, processor) in best.items():
            ratio = " {:.3f}, {:.3f}".format(*(a / b for a, b in zip(best["separate"], best[name], strict=True)))
            print(f"{f'{width}x{height}':>10} {name:>9} {wall:9.1f} {processor:9.1f}  {ratio}", flush=True)


def memory(
    calls: list[ModelCall], source: Callable[[int, int, int, int], vs.VideoNode], peak: Callable[[], float]
) -> None:
    """2,000 frames, then 200 shots asked for in turns."""
    models, kept = Registry(), Results()
    clip = source(vs.YUV420P8, 640, 360, 2000)
    whole = run_calls(clip, calls, models=models, kept=kept)
    used = []
    for n, frame in enumerate(whole.frames(close=True)):
        frame.close()
        if n % 32 == 0:
            give_back()
        if n % 250 == 249:
            used.append((core.used_cache_size + kept.held) / 1e6)
            told = f"frame cache {core.used_cache_size / 1e6:6.1f} MB, between networks {kept.held / 1e6:6.1f} MB"
            print(f"frame {n + 1:5}: {told}, networks {len(models)}, peak {peak():.0f} MB", flush=True)
    assert max(used[1:]) < used[0] + 30, used
    del whole, frame
    gc.collect()
    assert kept.held == 0
    shots = [run_calls(clip[10 * i : 10 * i + 10], calls, models=models, kept=kept) for i in range(200)]
    used = []
    for place, i in enumerate(random.Random(1).sample(range(200), 200)):
        for n in (0, 5, 9):
            shots[i].get_frame(n).close()
        core.clear_cache()
        give_back()
        if place % 25 == 24:
            used.append(core.used_cache_size / 1e6)
            told = f"frame cache {used[-1]:6.1f} MB, between networks {kept.held / 1e6:6.1f} MB"
            print(f"shot {place + 1:6}: {told}, networks {len(models)}, peak {peak():.0f} MB", flush=True)
    assert max(used[1:]) < used[0] + 30, used
    assert kept.held <= kept.limit
    assert len(models) == models.loads == len(calls)
