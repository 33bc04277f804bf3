"""Kills of a mounting process at random moments, and its memory over many reads.

    python scripts/bench/mount_kill.py [--kills 200] [--reads 10000]

Each killed process is a child that mounts, with readers at work in the mount. After each kill: do the readers end, can
the folder be listed within two seconds, is the mount gone, does a new one work? Whole files are compared with those of
the first mount, so that no wrong byte passes.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vsfilmrestore.serve.mount_fuse import Mount
from vsfilmrestore.serve.mount_place import is_mounted, remove_dead, unmount
from vsfilmrestore.serve.mount_reel import MountedReel
from vsfilmrestore.serve.reel import ServedReel

SCRIPT = """
import vapoursynth as vs
core = vs.core
blank = core.std.BlankClip(width=256, height=192, format=vs.RGB30, length={length}, fpsnum=24, keep=True)
core.akarin.Expr(blank, ["N 7 * 1023 bitand", "X 3 *", "Y 4 *"]).set_output(0)
"""


def serve(folder: Path) -> None:
    """In the child: mount, and stay until killed."""
    reel = ServedReel.open(folder / "film.vpy", project=folder / "film.vsfr")
    with Mount(MountedReel(reel, cache_bytes=1 << 24), folder / "place", tell=print):
        time.sleep(3600)


def forked(folder: Path) -> int:
    """A child that mounts; nothing of VapourSynth runs in this process, so that it may be split."""
    child = os.fork()
    if child == 0:
        try:
            serve(folder)
        finally:
            os._exit(1)
    return child


def wait_for(place: Path, mounted: bool, seconds: float) -> float | None:
    """Seconds until something is mounted or nothing is any more; None if it stays as it is."""
    began = time.monotonic()
    while is_mounted(place) != mounted:
        if time.monotonic() - began > seconds:
            return None
        time.sleep(0.005)
    return time.monotonic() - began


def kills(folder: Path, count: int) -> None:
    place, rng = folder / "place", random.Random(1)
    sums: dict[str, bytes] = {}
    slowest = wrong = hung = left = early = compared = 0.0
    for _ in range(count):
        child = forked(folder)
        if rng.random() < 0.1:  # in the middle of mounting
            time.sleep(rng.random() * 0.5)
            early += 1
        elif wait_for(place, True, 60) is None:
            raise SystemExit("it does not mount")
        names = [f"film.{rng.randrange(40):07d}.dpx" for _ in range(4)]
        readers = [
            subprocess.Popen(["sha256sum", place / "film" / name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            for name in names
        ]
        time.sleep(rng.random())
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for name, reader in zip(names, readers, strict=True):
            out, _ = reader.communicate(timeout=30)
            if reader.returncode == 0:
                compared += 1
                found = out.split()[0]
                wrong += sums.setdefault(name, found) != found
        began = time.monotonic()
        listed = subprocess.run(["timeout", "-s", "KILL", "10", "ls", place], capture_output=True, check=False)
        hung += listed.returncode not in (0, 2) or time.monotonic() - began > 5
        gone = wait_for(place, False, 5)
        slowest = max(slowest, gone or 0.0)
        if gone is None:  # FUSE's helper was not yet there to see it, or looked too early; the next mount removes it
            left += 1
            hung += not remove_dead(place)
    print(
        f"{count} kills ({early:.0f} while mounting): {hung:.0f} hung, {left:.0f} mounts left, {wrong:.0f} wrong files,"
        f" {compared:.0f} files compared; gone at the latest {slowest * 1000:.0f} ms after the child"
    )


def resident(process: int) -> int:
    """Kilobytes of memory a process holds."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS")))


def reads(folder: Path, count: int) -> None:
    place = folder / "place"
    child = forked(folder)
    if wait_for(place, True, 60) is None:
        raise SystemExit("it does not mount")
    held = []
    room = bytearray(1 << 20)
    for n in range(count):
        if n % (count // 10) == 0:
            held.append(resident(child) // 1024)
        with open(place / "film" / f"film.{n % 2000:07d}.dpx", "rb", buffering=0) as file:
            while file.readinto(room):
                pass
    held.append(resident(child) // 1024)
    os.kill(child, signal.SIGTERM)
    unmount(place)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print(f"{count} files read whole, memory in MB: {held}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--reads", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "place").mkdir()
        (folder / "film.vpy").write_text(SCRIPT.format(length=2000))
        try:
            if options.reads:
                reads(folder, options.reads)
            if options.kills:
                kills(folder, options.kills)
        finally:
            unmount(folder / "place")
    return 0


if __name__ == "__main__":
    sys.exit(main())
