"""How fast networks run on a graphics card, and whether anything is lost on the way there.

Networks of the sizes people use (spandrel's Compact and SPAN, random weights) on 1080p and 4K, against a bare loop of
torch that keeps its tensors on the card: no file is read, nothing is copied, nothing is shown. Rows of a network:

    bare            the bare loop (on the processor in as many threads as there are lanes)
    bare + copies   the same, each picture brought and fetched in turn: what naive code costs
    session         our session, several lanes: arrays in, arrays out
    filter          the whole way through VapourSynth: float frames in, float frames out
    graphs          our session, runs recorded as CUDA graphs (--graphs)
    compile         our session, compiled (--compile)
    onnxruntime     the same network in ONNX Runtime on the same device, if it is installed for it

All in 16 bits unless told otherwise. "overlap" is the share of the time copies take during which another lane computes,
from CUDA events. Memory is the most that torch had reserved on the card.

    python scripts/bench/gpu.py                          # 1080p and 4K: built, not run
    python scripts/bench/gpu.py --precision fp32 --sizes 1920x1080
    python scripts/bench/gpu.py --device cpu             # small: shows that the script itself works
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import torch
import vapoursynth as vs
from _torch_networks import NETWORKS, export, make, picture, save

from vsfilmrestore.errors import VsfrError
from vsfilmrestore.inference._machine import cores
from vsfilmrestore.inference.apply import run_network
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.inference.runtimes.onnx import OnnxRuntime
from vsfilmrestore.inference.runtimes.torch import TorchRuntime, TorchSession
from vsfilmrestore.models.spandrel_seam import describe

core = vs.core

LARGE = (["Compact 64x16 x2", "Compact 64x16 x1", "SPAN 48 x2", "SPAN 48 x1"], ["1920x1080", "3840x2160"])
SMALL = (["Compact 24x8 x1", "SPAN 48 x1"], ["160x96"])


@dataclass
class Case:
    """A network at a size.

    Attributes:
        name: Its name.
        path: Its file.
        module: The network itself.
        width: Pixels.
        height: Pixels.
        options: The words of the command.
    """

    name: str
    path: Path
    module: Any
    width: int
    height: int
    options: argparse.Namespace

    @property
    def scale(self) -> int:
        return 2 if self.name.endswith("x2") else 1


class Clock:
    """Points in time on a lane's stream: CUDA events, or the clock on the wall where there is no card."""

    def __init__(self, device: str) -> None:
        self._cuda = device.startswith("cuda")
        self._start = self.mark()

    def mark(self) -> Any:
        if not self._cuda:
            return perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def at(self, mark: Any) -> float:
        """Milliseconds since the clock was made; after all is done."""
        return self._start.elapsed_time(mark) if self._cuda else (mark - self._start) * 1000


def waited(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def fps(work: Callable[[int], object], frames: int, device: str, rounds: int = 3) -> float:
    """Frames a second of the best round, after one to warm up.

    On the processor a second of processor time, of all cores together: other programs do not shake it.
    """
    now = process_time if device == "cpu" else perf_counter
    best = 0.0
    for number in range(rounds + 1):
        waited(device)
        start = now()
        work(frames)
        waited(device)
        best = max(best, frames / (now() - start)) if number else 0.0
    return best


def session_of(case: Case, **ways: bool) -> TorchSession:
    options = case.options
    runtime = TorchRuntime(**ways)
    threads = max(1, cores() // options.lanes)
    return runtime.load(
        case.path, "", device=options.device, precision=options.precision, threads=threads, parallel=options.lanes
    )


def bare(case: Case, session: TorchSession, *, copies: bool) -> Callable[[int], None]:
    """The module alone, in the type, the layout and on the device that the session uses."""
    net = session._net
    array = picture(3, case.height, case.width).astype(session.inputs[0].dtype)
    tensor = torch.from_numpy(array).to(session.place, session.dtype).contiguous(memory_format=session._layout)

    def loop(frames: int) -> None:
        for _ in range(frames):
            given = torch.from_numpy(array).to(session.place, session.dtype) if copies else tensor
            made = net.module(given.contiguous(memory_format=session._layout))
            if copies:
                made.float().cpu().numpy()

    def lane(frames: int) -> None:
        with session.lane() as own:  # its thread has the share of the cores that the session's runs have
            own.do(lambda: loop(frames))

    def run(frames: int) -> None:
        if session.device != "cpu":
            with torch.inference_mode():
                loop(frames)
            return
        with ThreadPoolExecutor(session.parallel) as pool:
            list(pool.map(lane, [len(range(i, frames, session.parallel)) for i in range(session.parallel)]))

    return run


def in_lanes(session: Any, case: Case) -> Callable[[int], None]:
    """A session's `run` from as many threads as it has lanes."""
    spec = session.inputs[0]
    arrays = [picture(3, case.height, case.width, seed).astype(spec.dtype) for seed in range(session.parallel)]
    pool = ThreadPoolExecutor(session.parallel)

    def lane(place: int, frames: int) -> None:
        for _ in range(place, frames, session.parallel):
            session.run({spec.name: arrays[place]})

    def run(frames: int) -> None:
        list(pool.map(lane, range(session.parallel), [frames] * session.parallel))

    return run


def filtered(case: Case) -> Callable[[int], None]:
    """The network as a filter of VapourSynth."""
    options = case.options
    contract = describe(case.path).contract
    blank = core.std.BlankClip(width=case.width, height=case.height, format=vs.RGBS, length=1, keep=True)
    still = core.akarin.Expr(blank, "X 1237 * Y 7919 * + 211 % 256 /").std.SetFrameProps(_Matrix=0)
    still.get_frame(0).close()
    still.std.SetVideoCache(mode=1, fixedsize=1, maxsize=1)
    shared = {"device": options.device, "precision": options.precision, "tile": (0, 0), "models": Registry()}
    node = run_network(still.std.Loop(10_000), case.path, contract, lanes=options.lanes, **shared)

    def run(frames: int) -> None:
        for frame in node[:frames].frames(close=True, collect_garbage=False):
            frame.close()
        core.clear_cache()

    return run


def overlap(session: TorchSession, case: Case, frames: int) -> float:
    """Share of the time of copies during which another lane computes."""
    array = picture(3, case.height, case.width).astype(session.inputs[0].dtype)
    clock = Clock(session.device)
    found: list[tuple[int, list[Any]]] = []

    def one(number: int) -> None:
        with session.lane() as lane:

            def work() -> list[Any]:
                marks = [clock.mark()]
                given = lane.upload(array, session.dtype)
                marks.append(clock.mark())
                made = session.run_tensors({session.inputs[0].name: given})
                marks.append(clock.mark())
                lane.download_all(made)
                marks.append(clock.mark())
                return marks

            found.append((id(lane), lane.do(work)))

    with ThreadPoolExecutor(session.parallel) as pool:
        list(pool.map(one, range(frames)))
    waited(session.device)
    spans = [(lane, [clock.at(mark) for mark in marks]) for lane, marks in found]
    copies = [(lane, a, b) for lane, (t0, t1, t2, t3) in spans for a, b in ((t0, t1), (t2, t3))]
    busy = [(lane, t1, t2) for lane, (_, t1, t2, _) in spans]
    total = sum(end - start for _, start, end in copies)
    hidden = sum(covered(start, end, [(a, b) for other, a, b in busy if other != lane]) for lane, start, end in copies)
    return hidden / total if total else 0.0


def covered(start: float, end: float, spans: list[tuple[float, float]]) -> float:
    """How much of a span others cover."""
    at, found = start, 0.0
    for a, b in sorted(spans):
        low, high = max(a, at), min(b, end)
        if high > low:
            found += high - low
            at = high
    return found


def memory(device: str) -> str:
    if device.startswith("cuda"):
        return f"{torch.cuda.max_memory_reserved(device) / 2**20:.0f} MB"
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:.0f} MB rss"


def measure(case: Case) -> None:
    options = case.options
    if options.device.startswith("cuda"):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(options.device)
    session = session_of(case)
    where = f"{case.name}, {case.width}x{case.height}, {str(session.dtype).removeprefix('torch.')}"
    print(f"{where}, {session.parallel} lanes, {session.weights / 1e6:.1f} MB of weights", flush=True)
    alone = fps(bare(case, session, copies=False), options.frames, options.device)

    def show(name: str, found: float, more: str = "") -> None:
        print(f"  {name:14} {found:9.2f} fps {found / alone:7.3f} of bare  {more}", flush=True)

    show("bare", alone, memory(options.device))
    show("bare + copies", fps(bare(case, session, copies=True), options.frames, options.device))
    found = fps(in_lanes(session, case), options.frames, options.device)
    share = overlap(session, case, min(options.frames, 24))
    show("session", found, f"overlap {share:.0%}, {memory(options.device)}")
    show("filter", fps(filtered(case), options.frames, options.device), memory(options.device))
    session.close()
    for way, wanted in (("graphs", options.graphs), ("compiled", options.compile)):
        if wanted:
            other = session_of(case, **{way: True})
            show(way, fps(in_lanes(other, case), options.frames, options.device), memory(options.device))
            other.close()
    theirs(case, show)


def theirs(case: Case, show: Callable[..., None]) -> None:
    """ONNX Runtime on the same device."""
    options = case.options
    with suppress(VsfrError):
        runtime = OnnxRuntime()
        if options.device.partition(":")[0] not in runtime.devices():
            return
        half = options.device.startswith("cuda") and options.precision != "fp32"
        path = export(make(case.name), 3, case.path.with_suffix(".onnx"), half=half)
        threads = max(1, cores() // options.lanes)
        session = runtime.load(
            path, "", device=options.device, precision="auto", threads=threads, parallel=options.lanes
        )
        show("onnxruntime", fps(in_lanes(session, case), options.frames, options.device))
        session.close()


def refusal(device: str) -> str:
    """Why the device cannot be measured, '' if it can."""
    if device == "cpu":
        return ""
    if not device.startswith("cuda"):
        return f"this script measures cuda, cuda:1 … or, small, cpu; not {device}"
    if not torch.cuda.is_available():
        return "torch finds no NVIDIA card here; try --device cpu, which is small and shows that the script works"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument(
        "--precision", choices=["fp32", "fp16", "bf16"], help="fp16 if not given, on the processor fp32"
    )
    parser.add_argument("--networks", nargs="+", choices=[name for name in NETWORKS if "grey" not in name])
    parser.add_argument("--sizes", nargs="+", help="such as 1920x1080")
    parser.add_argument("--frames", type=int, help="of a round")
    parser.add_argument("--lanes", type=int, default=3)
    parser.add_argument("--graphs", action="store_true")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    if reason := refusal(options.device):
        print(reason, file=sys.stderr)
        return 8
    small = options.device == "cpu"
    networks, sizes = SMALL if small else LARGE
    options.precision = options.precision or ("fp32" if small else "fp16")
    options.frames = options.frames or (6 if small else 60)
    options.lanes = min(options.lanes, cores()) if small else options.lanes
    name = torch.cuda.get_device_name(options.device) if not small else f"{cores()} processor cores"
    print(f"{name}; torch {torch.__version__}; {options.frames} frames a round, the best of three", flush=True)
    np.seterr(all="ignore")
    with tempfile.TemporaryDirectory() as folder:
        for network in options.networks or networks:
            module = make(network)
            path = save(Path(folder) / f"{network.replace(' ', '-')}.safetensors", module.state_dict())
            for size in options.sizes or sizes:
                width, height = (int(side) for side in size.split("x"))
                measure(Case(network, path, module, width, height, options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
