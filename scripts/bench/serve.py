"""What the frame server costs: round trips of 2K and 4K frames, start to first frame, memory over many frames.

    python scripts/bench/serve.py
    python scripts/bench/serve.py --only memory --frames 10000

Server and client are two processes on this machine. Round trips are of frames the server has at hand, so that they are
the server's own cost: conversion from the scan's 10-bit RGB to float, the copy into shared memory, the message, and in
the second figure a pass of the client over all pixels. Processor time is that of both processes together, which tells
more than the clock on a machine that others use, too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from vsfilmrestore.serve.client import BYTE, FLOAT, SHORT, Client, RemoteSource

SCRIPT = """
import vapoursynth as vs
core = vs.core
clip = core.std.BlankClip(format=vs.{format}, width={width}, height={height}, length={frames}, fpsnum=24, fpsden=1)
clip = core.akarin.Expr(clip, ["N 7 * X + 1024 %", "Y 1024 %", "N 3 * 1024 %"])
clip.set_output(0)
"""
SIZES = {"2K": (2048, 1556), "4K": (4096, 3112)}
DEPTHS = {"bytes": BYTE, "16 bits": SHORT, "float": FLOAT}


class Served:
    """A server of a script, in a process of its own."""

    def __init__(self, folder: Path, *, cache: int, **facts: object) -> None:
        (folder / "film.vpy").write_text(SCRIPT.format(**facts))
        command = [sys.executable, "-m", "vsfilmrestore", "serve", "film.vpy", "--progress", "plain"]
        command += ["--cache", str(cache)]
        began, silent = time.monotonic(), subprocess.DEVNULL
        self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=silent, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline().startswith("serving")
        self.listening = time.monotonic() - began
        self.client = Client.connect(timeout=60)

    def end(self) -> None:
        """Stop it."""
        self.client.close()
        self.process.terminate()
        self.process.communicate()

    def seconds(self) -> float:
        """Processor time of both processes."""
        return time.process_time() + self.read("stat")

    def read(self, what: str) -> float:
        """Processor time in seconds (``stat``), or memory in MB by its name in ``status``; 0 where not told."""
        place = Path(f"/proc/{self.process.pid}/{'stat' if what == 'stat' else 'status'}")
        if not place.exists():
            return 0.0
        text = place.read_text()
        if what == "stat":
            return sum(map(int, text.rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")
        return next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith(f"{what}:"))


def messages(served: Served, count: int) -> None:
    """Print what an empty round trip costs."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        served.client.ping()
        times.append(time.perf_counter() - began)
    print(f"empty round trip: {statistics.median(times) * 1e6:.0f} us, least {min(times) * 1e6:.0f} us", flush=True)


def trips(served: Served, source: RemoteSource, count: int, *, look: bool) -> tuple[float, float, float]:
    """Median, least and processor milliseconds of a frame at hand."""
    source.frame(0).release()
    times, before = [], served.seconds()
    for _ in range(count):
        began = time.perf_counter()
        with source.frame(0) as picture:
            if look:
                for plane in picture.planes:
                    np.add.reduce(plane, axis=None)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times), min(times), (served.seconds() - before) * 1000 / count


def round_trips(count: int) -> None:
    """Print round trips of every size and depth."""
    for name, (width, height) in SIZES.items():
        with tempfile.TemporaryDirectory() as place:
            os.environ["XDG_RUNTIME_DIR"] = place
            facts = {"format": "RGB30", "width": width, "height": height, "frames": 8}
            served = Served(Path(place), cache=1024, **facts)
            print(f"{name} ({width}x{height}): listening after {served.listening:.2f} s", flush=True)
            began = time.perf_counter()
            source = served.client.reel(depth=FLOAT, slots=2)
            source.frame(0).release()
            print(f"  first frame {(time.perf_counter() - began) * 1000:.0f} ms after that", flush=True)
            messages(served, 300)
            for depth, number in DEPTHS.items():
                opened = served.client.reel(depth=number, slots=2)
                for look in (False, True):
                    median, least, work = trips(served, opened, count, look=look)
                    how = "and a look at it" if look else "alone"
                    print(
                        f"  {depth:<8} {median:7.1f} ms, least {least:6.1f}, processor {work:6.1f}  {how}", flush=True
                    )
                opened.close()
            served.end()


def memory(frames: int) -> None:
    """Print the memory of the server while many different frames go through it."""
    with tempfile.TemporaryDirectory() as place:
        os.environ["XDG_RUNTIME_DIR"] = place
        served = Served(Path(place), cache=64, format="RGB30", width=320, height=240, frames=frames)
        source = served.client.reel(depth=FLOAT, slots=4)
        told, began = [], time.monotonic()
        pending = [source.ask(n) for n in range(4)]
        for n in range(frames):
            pending.pop(0).result(60).release()
            if n + 4 < frames:
                pending.append(source.ask(n + 4))
            if n + 1 in {frames // 10 * k for k in range(1, 11)}:
                told.append(served.read("VmRSS"))
        rate = frames / (time.monotonic() - began)
        print(f"{frames} frames of 320x240 float, {rate:.0f} fps; memory of the server in MB, a tenth of them each:")
        print("  " + " ".join(f"{each:.0f}" for each in told))
        handles = len(list(Path(f"/proc/{served.process.pid}/fd").iterdir()))
        print(f"  open files {handles}, threads {served.read('Threads') * 1024:.0f}")
        served.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["trips", "memory"])
    parser.add_argument("--count", type=int, default=20, help="round trips of each kind")
    parser.add_argument("--frames", type=int, default=10_000, help="frames of the test of memory")
    options = parser.parse_args()
    if options.only != "memory":
        round_trips(options.count)
    if options.only != "trips":
        memory(options.frames)


if __name__ == "__main__":
    main()
