"""What it costs to run a network as a filter, against a bare loop of ONNX Runtime with the same threads.

Filter and loop take turns, round by round, on the same network; the best round of each counts. Two ratios: of time on
the wall, which a busy machine shakes, and of the processor's time, which it does not. "network" is what the network
makes of a float clip; "clip" is the whole filter from YUV and back as a difference, and "colour" that without the
network's share: what conversion costs beside it.

    python scripts/bench/inference.py                          # speed at 640x360 and 1920x1080
    python scripts/bench/inference.py --memory                 # 2,000 frames and 200 shots
    python scripts/bench/inference.py --fused [--memory]       # three networks as one node and as three filters
    python scripts/bench/inference.py --fused --device cuda    # the same on a card
    python scripts/bench/inference.py --model M.onnx --before 3 --after 3 --half
"""

from __future__ import annotations

import argparse
import gc
import random
import resource
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import onnx
import onnxruntime as ort
import vapoursynth as vs
from _fused import calls_of
from _fused import memory as fused_memory
from _fused import speed as fused_speed
from onnx import helper, numpy_helper

from vsfilmrestore.inference._machine import cores
from vsfilmrestore.inference.apply import run_model, run_network
from vsfilmrestore.inference.registry import Registry, usual_lanes
from vsfilmrestore.models.contract import Contract
from vsfilmrestore.render.memory import give_back

core = vs.core


def network(path: Path, layers: int, wide: int, channels: int = 3, seed: int = 0) -> Path:
    """A stack of 3x3 convolutions with random weights."""
    values = np.random.default_rng(seed)
    nodes, weights, x, entering = [], [], "x", channels
    for i in range(layers):
        last = i == layers - 1
        out = 3 if last else wide
        kernel = values.normal(size=(out, channels, 3, 3)) * (2 / (9 * channels)) ** 0.5
        weights.append(numpy_helper.from_array(kernel.astype(np.float32), f"w{i}"))
        nodes.append(helper.make_node("Conv", [x, f"w{i}"], ["y" if last else f"c{i}"], pads=[1, 1, 1, 1]))
        if not last:
            nodes.append(helper.make_node("Relu", [f"c{i}"], [f"r{i}"]))
        x, channels = f"r{i}", out
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (1, count, "h", "w"))
        for name, count in (("x", entering), ("y", 3))
    ]
    graph = helper.make_graph(nodes, "bench", ends[:1], ends[1:], weights)
    opsets = [helper.make_opsetid("", 17)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString())
    return path


@dataclass
class Round:
    """Milliseconds per frame on the wall and of the processor."""

    wall: float
    processor: float


def timed(work: Callable[[], object], frames: int) -> Round:
    wall, processor = perf_counter(), process_time()
    work()
    return Round((perf_counter() - wall) * 1000 / frames, (process_time() - processor) * 1000 / frames)


def bare_loop(path: Path, contract: Contract, width: int, height: int, frames: int, lanes: int) -> Callable[[], None]:
    """Runs the network on the same arrays again and again, in as many threads as the filter has lanes."""
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = max(1, cores() // lanes), 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    kind = np.float16 if entry.type == "tensor(float16)" else np.float32
    arrays = [np.random.default_rng(1).random((1, 3 * contract.window, height, width)).astype(kind)] * lanes

    def lane(index: int) -> None:
        for _ in range(index, frames, lanes):
            session.run(None, {entry.name: arrays[index]})

    def loop() -> None:
        threads = [threading.Thread(target=lane, args=(i,)) for i in range(lanes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return loop


def through(clip: vs.VideoNode) -> Callable[[], None]:
    """Asks for all frames, none of them cached."""

    def run() -> None:
        for frame in clip.frames(close=True, collect_garbage=False):
            frame.close()
        core.clear_cache()

    return run


def source(fmt: int, width: int, height: int, frames: int) -> vs.VideoNode:
    """A still of noise: it costs nothing to make."""
    blank = core.std.BlankClip(width=width, height=height, format=fmt, length=1, keep=True)
    still = core.akarin.Expr(blank, "X 1237 * Y 7919 * + 211 % 256 /" if fmt == vs.RGBS else "X 37 * Y 79 * + 211 %")
    still = still.std.SetFrameProps(_Matrix=0 if fmt == vs.RGBS else 1)
    still.get_frame(0).close()
    still.std.SetVideoCache(mode=1, fixedsize=1, maxsize=1)
    return still.std.Loop(frames)


def speed(path: Path, contract: Contract, sizes: list[tuple[int, int]], options: argparse.Namespace) -> None:
    lanes = options.lanes or usual_lanes(contract.frames_out)
    print(f"{cores()} cores, {lanes} lanes of {max(1, cores() // lanes)} thread(s), {options.frames} frames a round")
    print(f"{'':>10} {'':>8} {'wall ms':>9} {'cpu ms':>9} {'wall ratio':>11} {'cpu ratio':>10}")
    for width, height in sizes:
        models = Registry()
        shared = {"models": models, "lanes": lanes, "tile": (0, 0)}
        rgb, yuv = (source(fmt, width, height, options.frames) for fmt in (vs.RGBS, vs.YUV420P8))
        routes = {
            "bare": bare_loop(path, contract, width, height, options.frames, lanes),
            "network": through(run_network(rgb, path, contract, **shared)),
            "clip": through(run_model(yuv, path, contract, **shared)),
        }
        rounds: dict[str, list[Round]] = {name: [] for name in routes}
        for number in range(options.rounds + 1):
            for name, work in routes.items():
                result = timed(work, options.frames)
                if number:  # the first one loads and grows arenas
                    rounds[name].append(result)
        best = {n: Round(min(r.wall for r in rs), min(r.processor for r in rs)) for n, rs in rounds.items()}
        bare = best["bare"]
        for name, found in best.items():
            print(
                f"{f'{width}x{height}':>10} {name:>8} {found.wall:9.1f} {found.processor:9.1f} "
                f"{bare.wall / found.wall:11.3f} {bare.processor / found.processor:10.3f}",
                flush=True,
            )


def memory(path: Path) -> None:
    """2,000 frames, then 200 shots asked for in turns: what the cache and the registry hold.

    Memory is given back every 32 frames, as a render does.
    """
    models = Registry()
    clip = source(vs.YUV420P8, 640, 360, 2000)
    whole = run_model(clip, path, Contract(), models=models)
    used = []
    for n, frame in enumerate(whole.frames(close=True)):
        frame.close()
        if n % 32 == 0:
            give_back()
        if n % 250 == 249:
            used.append(core.used_cache_size / 1e6)
            print(f"frame {n + 1:5}: frame cache {used[-1]:6.1f} MB, networks {len(models)}, peak {peak():.0f} MB")
    assert max(used[1:]) < used[0] + 30, used
    del whole, frame
    gc.collect()
    shots = [run_model(clip[10 * i : 10 * i + 10], path, Contract(), models=models) for i in range(200)]
    order = random.Random(1).sample(range(200), 200)
    used = []
    for place, i in enumerate(order):
        for n in (0, 5, 9):
            shots[i].get_frame(n).close()
        core.clear_cache()
        give_back()
        if place % 25 == 24:
            used.append(core.used_cache_size / 1e6)
            print(f"shot {place + 1:6}: frame cache {used[-1]:6.1f} MB, networks {len(models)}, peak {peak():.0f} MB")
    assert max(used[1:]) < used[0] + 30, used
    assert len(models) == models.loads == 1


def peak() -> float:
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def fused(folder: Path, options: argparse.Namespace) -> None:
    layers, wide = (2, 8) if options.memory else (options.layers, options.wide)
    calls = calls_of(network, folder, layers, wide, options.window, options.device)
    if options.memory:
        fused_memory(calls, source, peak)
    else:
        fused_speed(calls, source, [(int(w), int(h)) for w, h in (size.split("x") for size in options.sizes)], options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="an .onnx file; a stack of convolutions if not given")
    parser.add_argument("--before", type=int, default=0, help="frames of context before")
    parser.add_argument("--after", type=int, default=0, help="frames of context after")
    parser.add_argument("--half", action="store_true", help="the model takes 16-bit floats")
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--wide", type=int, default=32)
    parser.add_argument("--lanes", type=int, help="windows at a time")
    parser.add_argument("--frames", type=int, default=12, help="frames of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", nargs="*", default=["640x360", "1920x1080"])
    parser.add_argument("--memory", action="store_true", help="memory over 2,000 frames and 200 shots instead of speed")
    parser.add_argument("--fused", action="store_true", help="three networks as one node and as three filters")
    parser.add_argument("--window", type=int, default=3, help="frames that the second of the three sees")
    parser.add_argument("--device", default="cpu", help="where the three are run: cpu, cuda, cuda:1")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.fused:
            fused(Path(folder), options)
            return
        if options.memory:
            memory(network(Path(folder) / "bench.onnx", 2, 8))
            return
        path = options.model or network(Path(folder) / "bench.onnx", options.layers, options.wide)
        window = options.before + options.after
        contract = Contract(
            layout="stacked" if window else "BCHW", before=options.before, after=options.after, half=options.half
        )
        sizes = [(int(w), int(h)) for w, h in (size.split("x") for size in options.sizes)]
        speed(path, contract, sizes, options)


if __name__ == "__main__":
    main()
