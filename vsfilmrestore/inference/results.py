"""Intermediate results of chains of networks: each computed once, kept while memory for them lasts.

Whoever finds a result missing computes it; whoever wants one that is being computed waits for it. A result is
computed from such of earlier steps alone, and nobody waits while what he took upon himself is not done but for results
of earlier steps: so two never wait for one another, and no lock is held while anything runs.
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

__all__ = ["InStep", "Results", "results"]

_LIMIT: Final = 256 << 20
_CHAINS: Final = 2
"""Chains that work at a time: two shots where one dissolves into the other."""


class Results:
    """Values by key, the longest unused thrown away first.

    Args:
        limit: Bytes that may be kept; 256 MiB if not given. Where a chain needs more
            for a run straight through (see `reserve`), twice as much as that is kept.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = _LIMIT if limit is None else limit
        self.held = 0
        self.computed = 0
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._coming: dict[Hashable, threading.Event] = {}
        self._needs: dict[int, int] = {}
        self._owners = itertools.count()
        # Chains are forgotten by finalisers, which may run in the middle of any line of the thread that holds it.
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._kept)

    def owner(self) -> int:
        """A number for a chain; its keys are ``(owner, ...)``."""
        return next(self._owners)

    def reserve(self, owner: int, size: int) -> None:
        """Bytes that a chain needs so that it computes nothing twice in a run straight through."""
        with self._lock:
            self._needs[owner] = size

    def forget(self, owner: int) -> None:
        """Let go of all that a chain made."""
        with self._lock:
            self._needs.pop(owner, None)
            for key in [key for key in self._kept if isinstance(key, tuple) and key[0] == owner]:
                self.held -= self._kept.pop(key)[1]

    def get(
        self, keys: Iterable[Hashable], compute: Callable[[Any], Any], size: Callable[[Any], int]
    ) -> dict[Any, Any]:
        """Values by key.

        Those that nobody has or computes are computed first, in their order; only then others are waited for.

        Args:
            keys: ``(owner, step, frame)`` each.
            compute: Computes a value; it may ask for values of earlier steps.
            size: Bytes of a value.
        """
        found: dict[Any, Any] = {}
        wanted = list(dict.fromkeys(keys))
        while wanted:
            awaited: list[tuple[Hashable, threading.Event]] = []
            for key in wanted:
                have, value, event = self._claim(key)
                if have:
                    found[key] = value
                elif event is not None:
                    awaited.append((key, event))
                else:
                    found[key] = self._compute(key, compute, size)
            for _, event in awaited:
                event.wait()
            wanted = [key for key, _ in awaited]
        return found

    def _claim(self, key: Hashable) -> tuple[bool, Any, threading.Event | None]:
        """Whether it is there, and it; or who computes it. The caller is to compute it where neither is so."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return True, self._kept[key][0], None
            coming = self._coming.get(key)
            if coming is None:
                self._coming[key] = threading.Event()
            return False, None, coming

    def _compute(self, key: Hashable, compute: Callable[[Any], Any], size: Callable[[Any], int]) -> Any:
        try:
            value = compute(key)
            with self._lock:
                self.computed += 1
                self._keep(key, value, size(value))
        finally:
            # Where it failed, those who wait try themselves: each tells its own frame.
            with self._lock:
                self._coming.pop(key).set()
        return value

    def _keep(self, key: Hashable, value: Any, size: int) -> None:
        self._kept[key] = value, size
        self.held += size
        limit = max(self.limit, _CHAINS * max(self._needs.values(), default=0))
        while self.held > limit and len(self._kept) > 1:
            self.held -= self._kept.popitem(last=False)[1][1]


class InStep:
    """Keeps those who work on the frames of a shot together, so that few intermediate results have to be kept.

    Without it, one who was held up stays behind for good: the others are as far ahead as frames are asked for.
    A frame only ever waits for earlier ones that are being worked on, and before it takes anything that these may
    want: so nothing waits for itself, whatever frames are asked for.

    Args:
        apart: How far a frame may be ahead of another.
    """

    def __init__(self, apart: int) -> None:
        self._apart = apart
        self._working: list[int] = []
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, frame: int) -> Iterator[None]:
        """The time in which a frame is worked on; begins when no other is too far behind."""
        with self._changed:
            self._changed.wait_for(lambda: frame - min(self._working, default=frame) <= self._apart)
            self._working.append(frame)
        try:
            yield
        finally:
            with self._changed:
                self._working.remove(frame)
                self._changed.notify_all()


@cache
def results() -> Results:
    """What chains of this process share, made when it is first asked for."""
    return Results()
