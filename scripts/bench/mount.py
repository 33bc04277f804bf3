"""How fast frames come out of a mounted reel.

    python scripts/bench/mount.py [--size 2048x1556] [--formats dpx10,exr] [--readers 1,2,4] [--frames 96]

Mounts a reel whose frames cost nothing, so that what is measured is laying out, FUSE and the copies; then reads every
file once with ``read`` calls of 1 MB, as copying programs do, in other processes. Cold: every frame is laid out. Warm:
the same files again, laid out before and kept. Then how long names, headers and a look at 200,000 files take.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import vapoursynth as vs

from vsfilmrestore.serve.mount_fuse import Mount
from vsfilmrestore.serve.mount_reel import MountedReel
from vsfilmrestore.serve.reel import ServedReel

SCRIPT = """
import vapoursynth as vs
core = vs.core
clip = core.std.BlankClip(width={width}, height={height}, format=vs.{format}, length={length}, fpsnum=24, keep=True)
clip.set_output(0)
"""
FORMATS = {"dpx10": "RGB30", "dpx16": "RGB48", "tiff16": "RGB48", "exr": "RGBH"}


READER = """
import sys
room = bytearray(1 << 20)
paths = sys.stdin.readline().split("\\t")
print("ready", flush=True)
sys.stdin.readline()
for path in paths:
    with open(path.strip(), "rb", buffering=0) as file:
        while file.readinto(room):
            pass
"""


def spent() -> tuple[float, float]:
    """Processor seconds of this process, and of readers that have ended."""
    ours, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return ours.ru_utime + ours.ru_stime, theirs.ru_utime + theirs.ru_stime


def timed(paths: list[str], readers: int) -> float:
    """Seconds that so many processes take to read files between them."""
    command = [sys.executable, "-S", "-c", READER]
    work = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(readers)]
    for i, process in enumerate(work):
        say(process, "\t".join(paths[i::readers]))
    for process in work:
        assert process.stdout is not None
        process.stdout.readline()
    began = time.perf_counter()
    for process in work:
        say(process, "go")
    for process in work:
        process.wait(timeout=300)
    return time.perf_counter() - began


def say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def mounted(folder: Path, format_: str, width: int, height: int, length: int, cache: int) -> tuple[MountedReel, Mount]:
    script = folder / f"{format_}_{length}.vpy"
    script.write_text(SCRIPT.format(width=width, height=height, format=FORMATS[format_], length=length))
    place = folder / "place"
    place.mkdir(exist_ok=True)
    reel = ServedReel.open(script, project=folder / "project.vsfr")
    files = MountedReel(reel, format_, name="reel", cache_bytes=cache)
    return files, Mount(files, place, tell=print)


def bench_reading(folder: Path, format_: str, size: tuple[int, int], frames: int, readers: list[int]) -> None:
    for count in readers:
        files, mount = mounted(folder, format_, *size, frames * 2, 3 * frames * 3 * 2 * size[0] * size[1])
        with mount:
            names = sorted(os.listdir(mount.place / "reel"))[:frames]
            paths = [str(mount.place / "reel" / name) for name in names]
            mb = files.layout.size / 1e6
            for state in ("cold", "warm"):
                before = spent()
                seconds = timed(paths, count)
                ours, theirs = (1000 * (b - a) / frames for a, b in zip(before, spent(), strict=True))
                print(
                    f"{format_:7} {size[0]}x{size[1]} {mb:5.1f} MB  readers {count}  {state}"
                    f" {frames / seconds:6.1f} fps,"
                    f" {frames * mb / seconds:5.0f} MB/s; processor {ours:5.1f} ms ours, {theirs:5.1f} ms readers'",
                    flush=True,
                )
        files.frames.close()


def bench_looking(folder: Path) -> None:
    files, mount = mounted(folder, "dpx10", 64, 48, 200_000, 1 << 26)
    with mount:
        began = time.perf_counter()
        names = os.listdir(mount.place / "reel")
        listed = time.perf_counter() - began
        began = time.perf_counter()
        for name in names[:10_000]:
            os.stat(mount.place / "reel" / name)
        looked = time.perf_counter() - began
        began = time.perf_counter()
        for name in names[:2000]:
            with open(mount.place / "reel" / name, "rb", buffering=0) as file:
                file.read(4096)
        headers = time.perf_counter() - began
        print(f"{len(names)} names {listed:.2f} s, stat {looked / 10:.3f} ms, header {headers / 2:.3f} ms each", end="")
        print(f", {files.frames.counts.rendered} frames rendered")
    files.frames.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="2048x1556")
    parser.add_argument("--formats", default="dpx10,dpx16,tiff16,exr")
    parser.add_argument("--readers", default="1,2,4")
    parser.add_argument("--frames", type=int, default=48)
    options = parser.parse_args()
    width, height = (int(word) for word in options.size.split("x"))
    readers = [int(word) for word in options.readers.split(",")]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, VapourSynth {vs.core.core_version}")
    with tempfile.TemporaryDirectory() as name:
        for format_ in options.formats.split(","):
            bench_reading(Path(name), format_, (width, height), options.frames, readers)
        bench_looking(Path(name))
    print(f"most memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
