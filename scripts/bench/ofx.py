"""Frames through the OpenFX plug-in: many of them, and while servers and hosts are killed at random moments.

    python scripts/bench/ofx.py --frames 10000
    python scripts/bench/ofx.py --kills 1000

The hosts are that of the tests, without a sanitizer, with four render threads and an instance for each frame; each is a
process that knows nothing of its neighbours. Every pixel of every frame is checked by its CRC-32. Prints what happened;
exit code 1 if a frame was wrong, none came, a host crashed or complained, or somebody waited longer than the time-out.
Needs a C++ compiler, as the plug-in does.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from serve_kills import FRAMES, HEIGHT, LATE, WIDTH, Nursery, up, wanted

from vsfilmrestore.serve.client import BYTE

ROOT = Path(__file__).resolve().parents[2]
FRAME = re.compile(r"frame (\d+) status (\d+) ms (\d+) sum (\d+)")


def built() -> Path:
    """Folder of the host and the plug-in."""
    folder = ROOT / "build" / "ofx" / "plain"
    for command in (
        ["cmake", "-S", str(ROOT / "ofx_bridge"), "-B", str(folder), "-DVSFR_TESTS=ON"],
        ["cmake", "--build", str(folder), "--parallel", "2"],
    ):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


@cache
def right_sum(number: int) -> int:
    """CRC-32 of a frame as the host is given it: bytes, RGBA, the top row first."""
    planes = [*wanted(number, BYTE), np.full((HEIGHT, WIDTH), 255, np.uint8)]
    return zlib.crc32(np.stack(planes, -1).tobytes())


def host(folder: Path, frames: str, loads: int) -> subprocess.Popen[str]:
    """A host that renders frames, again and again, each time with the plug-in loaded anew."""
    plugin = folder / "VSFilmRestore.ofx.bundle/Contents/Linux-x86-64/VSFilmRestore.ofx"
    words = {
        "depth": "byte", "size": f"{WIDTH}x{HEIGHT}", "frames": frames, "threads": 4, "instances": "each", "sums": 1,
        "loads": loads, "set:serverName": "kills", "set:reconnectTimeout": LATE,
    }  # fmt: skip
    line = [str(folder / "ofx_host"), str(plugin), "Source", *(f"{name}={value}" for name, value in words.items())]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")


@dataclass
class Findings:
    """What the hosts said."""

    frames: int = 0
    failed: int = 0
    longest: float = 0.0
    wrong: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def line(self, text: str) -> None:
        """A line of a host. The last of one that was killed may be half a line."""
        with self.lock:
            if found := FRAME.fullmatch(text.strip()):
                number, status, ms, total = map(int, found.groups())
                self.longest = max(self.longest, ms / 1000)
                self.frames += status == 0
                self.failed += status != 0
                if status == 0 and total != right_sum(number):
                    self.wrong.append(f"frame {number}")
            elif text.startswith(("fault", "ERROR")):
                self.other.append(text.strip())


class Watched(threading.Thread):
    """Reads what a host says until it ends."""

    def __init__(self, folder: Path, frames: str, findings: Findings, loads: int = 1) -> None:
        super().__init__(daemon=True)
        self.process, self.findings = host(folder, frames, loads), findings
        self.killed = False
        self.start()

    def run(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            self.findings.line(text)
        code = self.process.wait()
        if code and not self.killed:
            self.findings.other.append(f"a host ended with {code}")

    def kill(self) -> None:
        """Without warning."""
        self.killed = True
        self.process.kill()
        self.join()


def memory(process: int) -> int:
    """Resident MB; 0 for a process that has just ended."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    return int(found[1]) // 1024 if found else 0


def many_frames(folder: Path, frames: int) -> Findings:
    """Frames of one host after another lap of the reel; prints memory on the way."""
    nursery, findings = Nursery(), Findings()
    server = nursery.bear("server")
    up()
    watched = Watched(folder, f"0-{FRAMES - 1}", findings, loads=-(-frames // FRAMES))
    told = -1
    while watched.is_alive():
        if findings.frames // 1000 > told:
            told = findings.frames // 1000
            print(f"{findings.frames:6} frames: host {memory(watched.process.pid)} MB, server {memory(server)} MB")
        time.sleep(0.05)
    os.kill(server, signal.SIGKILL)
    nursery.end()
    return findings


def kill_many(folder: Path, kills: int, seed: int, longest: float) -> tuple[Findings, dict[str, int]]:
    """Kill servers, and hosts among others that must not notice."""
    chance, findings, counts = random.Random(seed), Findings(), {"server": 0, "host": 0}
    nursery, laps = Nursery(), 100000
    server = nursery.bear("server")
    up()
    witness = Watched(folder, f"0-{FRAMES - 1}", findings, laps)
    victim = Watched(folder, f"0-{FRAMES - 1}", findings, laps)
    for _ in range(kills):
        time.sleep(chance.uniform(0.0, longest))
        if chance.random() < 0.5:
            os.kill(server, signal.SIGKILL)
            counts["server"] += 1
            server = nursery.bear("server")
            if chance.random() < 0.7:
                up()
        else:
            victim.kill()
            counts["host"] += 1
            victim = Watched(folder, f"0-{FRAMES - 1}", findings, laps)
        if not witness.is_alive():
            findings.other.append("the witness ended")
            break
    up()
    witness.kill()
    victim.kill()
    os.kill(server, signal.SIGKILL)
    nursery.end()
    return findings, counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=0)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=float, default=0.4, help="longest time between two kills in seconds")
    options = parser.parse_args()
    folder, late = built(), 0
    with tempfile.TemporaryDirectory() as place:
        os.environ["XDG_RUNTIME_DIR"] = place
        os.environ.pop("VSFILMRESTORE_SOCKET", None)
        for job in ("frames", "kills"):
            if not getattr(options, job):
                continue
            if job == "frames":
                findings, counts = many_frames(folder, options.frames), {}
            else:
                findings, counts = kill_many(folder, options.kills, options.seed, options.longest)
                print(f"kills: {counts['server']} of servers, {counts['host']} of hosts")
            print(f"frames: {findings.frames} came, {len(findings.wrong)} of them wrong; {findings.failed} failed")
            print(f"longest frame: {findings.longest:.2f} s; complaints: {findings.other[:10] or 'none'}")
            late |= bool(findings.wrong or findings.other or not findings.frames or findings.longest > LATE)
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
