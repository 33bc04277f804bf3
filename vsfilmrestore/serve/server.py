"""The frame server: listens, lets in who may come, and keeps house."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from importlib.metadata import version
from itertools import count
from time import monotonic
from typing import Final

import vapoursynth as vs

from vsfilmrestore.serve import wire
from vsfilmrestore.serve.convert import Converter
from vsfilmrestore.serve.endpoint import AnyListener, Stream, peer_of, this_user
from vsfilmrestore.serve.link import Link
from vsfilmrestore.serve.session import Session
from vsfilmrestore.serve.supply import Supply

__all__ = ["RING_BYTES", "Server"]

RING_BYTES: Final = 4 << 30
"""Shared memory one client may have; what is not written to is not taken."""

_MOST_CLIENTS: Final = 64
_TICK: Final = 0.5
_GREET_SECONDS: Final = 10.0
_PING_SECONDS: Final = 30.0
_DEAD_SECONDS: Final = 120.0

type Listen = Callable[[str, dict[str, object]], None]
"""Told what happens, with facts; called from any thread."""


class Server:
    """A server on a socket.

    >>> server = Server(Supply(reel), listen(socket_of("default")))
    >>> server.start()
    >>> server.stop()
    """

    def __init__(
        self,
        supply: Supply,
        listener: AnyListener,
        *,
        ring_bytes: int = RING_BYTES,
        told: Listen | None = None,
    ) -> None:
        """
        Args:
            supply: What is served.
            listener: Where.
            ring_bytes: Most shared memory for one client.
            told: Told what happens.
        """
        self.supply, self.ring_bytes, self.convert = supply, ring_bytes, Converter()
        self.program = f"vsfilmrestore {version('vsfilmrestore')}"
        self._listener, self._told, self.token = listener, told, listener.token
        threads = vs.core.num_threads
        self.pool: Executor = ThreadPoolExecutor(max(2, threads), "converts")
        self.labour: Executor = ThreadPoolExecutor(max(2, threads), "restores")
        self._sessions: dict[int, tuple[Session, float]] = {}
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._accept, name="accepts", daemon=True),
            threading.Thread(target=self._keep_house, name="keeps house", daemon=True),
        ]

    @property
    def clients(self) -> list[str]:
        """Programs that are connected."""
        with self._lock:
            return [session.client for session, _ in self._sessions.values() if session.client]

    @property
    def waiting(self) -> int:
        """Requests that are not answered yet."""
        with self._lock:
            return sum(session.waiting for session, _ in self._sessions.values())

    def told(self, event: str, **facts: object) -> None:
        """Something happened. That nobody can be told of it any more, as a pipe is closed, ends no work."""
        if self._told is not None:
            with suppress(OSError, ValueError):
                self._told(event, facts)

    def start(self) -> None:
        """Let clients in from now on; returns at once."""
        for thread in self._threads:
            thread.start()

    @property
    def ended(self) -> threading.Event:
        """Set when the server is being stopped."""
        return self._stopped

    def stop(self, why: str = "the server was stopped") -> bool:
        """Say goodbye to all clients, take the socket away, end all rendering.

        Returns:
            Whether every frame that had begun was finished in time.
        """
        if self._stopped.is_set():
            return True
        self._stopped.set()
        with suppress(OSError):
            self._listener.socket.shutdown(socket.SHUT_RDWR)  # wakes who accepts
        self._listener.close()
        with self._lock:
            sessions = [session for session, _ in self._sessions.values()]
        for session in sessions:
            session.end(why)
        for pool in (self.pool, self.labour):
            pool.shutdown(wait=False, cancel_futures=True)
        calm = self.supply.close()
        for thread in self._threads:
            thread.join(5)
        return calm

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                stream, _ = self._listener.socket.accept()
            except OSError:
                if self._stopped.wait(0.1):
                    return
                continue
            try:
                self._let_in(stream)
            except (OSError, RuntimeError):  # as many descriptors or threads are not to be had now
                stream.close()

    def _let_in(self, stream: Stream) -> None:
        if peer_of(stream) != this_user():
            stream.close()
            self.told("refused", text="a process of another user")
            return
        number = next(self._numbers)
        link = Link(stream, f"client {number}")
        with self._lock:
            full = len(self._sessions) >= _MOST_CLIENTS
        if full:
            link.send(wire.Bye(f"{_MOST_CLIENTS} clients are connected already"))
            link.finish()
            link.close()
            return
        session = Session(self, link, number)
        with self._lock:
            self._sessions[number] = session, monotonic()
        try:
            threading.Thread(target=self._attend, args=(session,), name=f"client {number}", daemon=True).start()
        except RuntimeError:
            with self._lock:
                self._sessions.pop(number, None)
            link.close()
            raise

    def _attend(self, session: Session) -> None:
        try:
            session.run()
        finally:
            with self._lock:
                self._sessions.pop(session.number, None)

    def _keep_house(self) -> None:
        pinged: dict[int, float] = {}
        while not self._stopped.wait(_TICK):
            with self._lock:
                sessions = list(self._sessions.values())
            pinged = {s.number: pinged[s.number] for s, _ in sessions if s.number in pinged}
            for session, since in sessions:
                session.tell()
                if session.silent > _DEAD_SECONDS or (not session.client and monotonic() - since > _GREET_SECONDS):
                    session.drop()
                elif min(session.silent, monotonic() - pinged.get(session.number, 0)) > _PING_SECONDS:
                    pinged[session.number] = monotonic()
                    session.ping()
