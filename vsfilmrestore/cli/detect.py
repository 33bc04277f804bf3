"""Shot detection with a line of progress, for the commands that may need it."""

from __future__ import annotations

from collections.abc import Callable

from vsfilmrestore.cli.show import console

__all__ = ["detection_watcher"]


def detection_watcher() -> Callable[[int, int], None] | None:
    """Draws how far shot detection is, on a terminal; nothing elsewhere."""
    if not console.is_terminal:
        return None

    def watch(done: int, total: int) -> None:
        if done % 25 == 0 or done == total:
            console.print(f"looking for cuts: {done}/{total}", end="\n" if done == total else "\r", markup=False)

    return watch
