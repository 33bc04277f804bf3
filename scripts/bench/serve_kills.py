"""Kill the frame server or a client of it at random moments, again and again, and see what the others get.

    python scripts/bench/serve_kills.py --kills 200

Two witnesses ask for frames all the time, of the reel and of a shot, in bytes and in 16 bits, and run frames of their
own through the server; they connect again whenever the server is gone. Every pixel of every frame is compared with what
it must be, some again after a while in which the slot was theirs. Victims do the same without looking, break off in the
middle of messages, and leave slots and requests behind. Prints kills, frames and the longest wait; exit code 1 if a
frame was wrong, anybody waited longer than the time-out, or the last server kept memory of dead clients.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import vapoursynth as vs

from vsfilmrestore.media.model import Media
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.reel import Reel
from vsfilmrestore.serve import wire
from vsfilmrestore.serve.client import BYTE, SHORT, Client, RemoteSource, ServerError, ServerGoneError
from vsfilmrestore.serve.endpoint import connect, listen, socket_of
from vsfilmrestore.serve.reel import ServedReel
from vsfilmrestore.serve.server import Server
from vsfilmrestore.serve.supply import Supply

WIDTH, HEIGHT, FRAMES = 320, 240, 500
LATE = 60.0
"""Seconds after which whoever still waits hangs."""

ROWS, COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH]


def wanted(number: int, depth: int) -> list[np.ndarray]:
    """The planes of a frame."""
    planes = [((number * 7 + COLUMNS + 3 * ROWS + 11 * plane) % 256).astype(np.uint16) for plane in range(3)]
    return [plane.astype("u1") if depth == BYTE else plane * np.uint16(257) for plane in planes]


def film() -> vs.VideoNode:
    """Frames that tell their number in every pixel, each a few milliseconds in the making."""
    core = vs.core
    core.num_threads = 2
    blank = core.std.BlankClip(format=vs.RGB24, width=WIDTH, height=HEIGHT, length=FRAMES, fpsnum=24, fpsden=1)
    drawn = core.akarin.Expr(blank, [f"N 7 * X + Y 3 * + {11 * plane} + 256 %" for plane in range(3)])

    def slow(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        time.sleep(0.001 * (n * 37 % 9))
        return f

    return core.std.ModifyFrame(drawn, drawn, slow)


def serve() -> None:
    """A server, until it is killed."""
    node = film()
    medium = Media(Path("/scans/film.vpy"), "script", node, None, node.fps, name="film")
    reel = ServedReel(Reel.of_medium(medium, cuts=[200], recipe=Recipe()))
    Server(Supply(reel, cache_bytes=40 << 20), listen(socket_of("kills"))).start()
    threading.Event().wait()


def misbehave(seed: int) -> None:
    """A victim: asks for much, gives back little, breaks off."""
    chance = random.Random(seed)
    while True:
        with suppress(OSError, ServerError, TimeoutError, CancelledError):
            if chance.random() < 0.2:
                with connect(socket_of("kills")) as raw:
                    raw.sendall(wire.encode(wire.Hello(host="broken"), 1)[: chance.randint(1, 60)])
                    time.sleep(chance.random() / 20)
                continue
            client = Client.connect("kills", host="victim", timeout=LATE)
            source = open_some(client, chance)
            asked = [source.ask(chance.randrange(200)) for _ in range(chance.randint(1, 30))]
            for future in asked[::2]:
                future.cancel()
            with suppress(TimeoutError):
                asked[-1].result(chance.random())
            if chance.random() < 0.5:
                client.close()


def open_some(client: Client, chance: random.Random) -> RemoteSource:
    """A source by chance."""
    words = {"depth": chance.choice((BYTE, SHORT)), "slots": chance.randint(1, 5)}
    return client.reel(**words) if chance.random() < 0.5 else client.shot("shot 002", **words)


@dataclass
class Findings:
    """What the witnesses saw."""

    frames: int = 0
    through: int = 0
    broken_off: int = 0
    wrong: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    longest: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Witness(threading.Thread):
    """Asks for frames, and compares them."""

    def __init__(self, seed: int, findings: Findings) -> None:
        super().__init__(daemon=True)
        self.chance, self.findings, self.ended = random.Random(seed), findings, False

    def run(self) -> None:
        while not self.ended:
            try:
                with Client.connect("kills", host="witness", timeout=LATE) as client:
                    self._look(client)
            except (ServerGoneError, OSError) as error:
                if isinstance(error, TimeoutError):
                    self._say("late", f"connecting: {error}")
                with self.findings.lock:
                    self.findings.broken_off += 1
                time.sleep(0.01)
            except ServerError as error:
                self._say("wrong", f"refused: {error}")

    def _say(self, what: str, text: str) -> None:
        with self.findings.lock:
            getattr(self.findings, what).append(text)

    def _look(self, client: Client) -> None:
        while not self.ended:
            source = open_some(client, self.chance)
            first = 0 if source.info.frames == FRAMES else 200
            start = self.chance.randrange(source.info.frames)
            numbers = [n for n in range(start, start + self.chance.randint(1, 20)) if n < source.info.frames]
            asked = [(n, source.ask(n)) for n in numbers]
            for n, future in asked:
                self._picture(future, n + first, source.info.depth)
            source.close()
            if self.chance.random() < 0.3:
                self._through(client)

    def _waited(self, work: Callable[[], Any], what: str) -> Any:
        began = time.monotonic()
        try:
            return work()
        except TimeoutError:
            self._say("late", what)
            raise
        finally:
            with self.findings.lock:
                self.findings.longest = max(self.findings.longest, time.monotonic() - began)

    def _picture(self, future: Future[Any], number: int, depth: int) -> None:
        with self._waited(lambda: future.result(LATE), f"frame {number}") as picture:
            must = wanted(number, depth)
            for look in range(2):
                if not all(np.array_equal(a, b) for a, b in zip(picture.planes, must, strict=True)):
                    self._say("wrong", f"frame {number} of depth {depth}, look {look}")
                if self.chance.random() < 0.8:
                    break
                time.sleep(0.02)
        with self.findings.lock:
            self.findings.frames += 1

    def _through(self, client: Client) -> None:
        number = self.chance.randrange(FRAMES)
        mine = wanted(number, SHORT)
        source = client.through("off", WIDTH, HEIGHT, Fraction(24), depth=SHORT, slots=1)
        with self._waited(lambda: source.process([mine], 0, number, timeout=LATE), "through") as picture:
            if not all(np.array_equal(a, b) for a, b in zip(picture.planes, mine, strict=True)):
                self._say("wrong", f"through, frame {number}")
        source.close()
        with self.findings.lock:
            self.findings.through += 1


class Nursery:
    """A process without threads that bears servers and victims."""

    def __init__(self) -> None:
        self._mine, theirs = socket.socketpair()
        self.process = os.fork()
        if self.process == 0:
            self._mine.close()
            self._bear(theirs)
        theirs.close()

    def _bear(self, orders: socket.socket) -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while order := orders.recv(64).decode():
            child = os.fork()
            if child == 0:
                orders.close()
                try:
                    serve() if order == "server" else misbehave(int(order))
                finally:
                    os._exit(1)
            orders.sendall(str(child).encode())
        os._exit(0)

    def bear(self, what: str) -> int:
        """A new child; its process."""
        self._mine.sendall(what.encode())
        return int(self._mine.recv(64))

    def end(self) -> None:
        """No more children."""
        self._mine.close()
        os.waitpid(self.process, 0)


def rings(process: int) -> int:
    """Shared memory a process holds open, where the system tells."""
    place = Path(f"/proc/{process}/fd")
    if not place.is_dir():
        return 0
    found = 0
    for each in place.iterdir():
        with suppress(OSError):
            found += "memfd:vsfilmrestore" in os.readlink(each)
    return found


def up(seconds: float = LATE) -> None:
    """Wait until a server answers."""
    end = time.monotonic() + seconds
    while True:
        try:
            with Client.connect("kills", timeout=LATE) as client:
                client.ping(LATE)
            return
        except (OSError, ServerError):
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def kill_many(kills: int, seed: int, longest: float) -> tuple[Findings, dict[str, int], int]:
    """Kill; what the witnesses saw, kills of each kind, and memory the last server kept of dead clients."""
    chance, findings, counts = random.Random(seed), Findings(), {"server": 0, "client": 0}
    nursery = Nursery()
    server, victims = nursery.bear("server"), [nursery.bear(str(seed + i)) for i in range(2)]
    up()
    witnesses = [Witness(seed + i, findings) for i in range(2)]
    for witness in witnesses:
        witness.start()
    for kill in range(kills):
        time.sleep(chance.uniform(0.0, longest))
        if chance.random() < 0.4:
            os.kill(server, signal.SIGKILL)
            counts["server"] += 1
            server = nursery.bear("server")
            if chance.random() < 0.7:
                up()
        else:
            index = chance.randrange(len(victims))
            os.kill(victims[index], signal.SIGKILL)
            counts["client"] += 1
            victims[index] = nursery.bear(str(seed + 10 + kill))
    up()
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    for witness in witnesses:
        witness.ended = True
    for witness in witnesses:
        witness.join(2 * LATE)
        if witness.is_alive():
            findings.late.append("a witness")
    end = time.monotonic() + 20
    while (kept := rings(server)) and time.monotonic() < end:
        time.sleep(0.1)
    os.kill(server, signal.SIGKILL)
    nursery.end()
    return findings, counts, kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=float, default=0.4, help="longest time between two kills in seconds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.environ["XDG_RUNTIME_DIR"] = place
        findings, counts, kept = kill_many(options.kills, options.seed, options.longest)
    print(f"kills: {counts['server']} of servers, {counts['client']} of clients")
    print(
        f"frames compared: {findings.frames} served, {findings.through} through; broken off {findings.broken_off} times"
    )
    print(f"longest wait for an answer: {findings.longest:.2f} s; waits beyond {LATE:.0f} s: {len(findings.late)}")
    print(f"wrong frames: {len(findings.wrong)}; rings of dead clients kept by the last server: {kept}")
    if findings.wrong or findings.late:
        print(json.dumps({"wrong": findings.wrong[:10], "late": findings.late[:10]}))
    return 1 if findings.wrong or findings.late or kept or not findings.frames else 0


if __name__ == "__main__":
    sys.exit(main())
