"""Which of several sequences in a file is meant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import TimelineError

__all__ = ["chosen"]

_LISTED: Final = 8
_HINT: Final = "Choose one with --sequence and its name or its number, in a script with sequence="


def chosen[T](
    items: Sequence[T],
    names: Sequence[str],
    wanted: str,
    file: Path,
    *,
    word: str = "sequence",
    beside: str = "",
    lines: Sequence[int] = (),
) -> T:
    """The one that is named, or the only one.

    Args:
        items: What there is to choose from, at least one.
        names: Their names, in the same order.
        wanted: The name, or the number in the order of the file from 1; '' for the only one.
        file: The cut list, for the message.
        word: What one is called.
        beside: What there is not, as in "2 clips and no project"; '' for nothing.
        lines: Where each is told, where the format has lines.

    Raises:
        TimelineError: There are several and none is named, none has the name, or several have.
    """
    found = list(range(len(items)))
    if wanted:
        found = _named(names, wanted)
    if len(found) == 1:
        return items[found[0]]
    several = found or list(range(len(items)))
    listed = _listed(names, several, lines)
    if not wanted:
        message = f"the file holds {len(items)} {word}s{beside}: {listed}"
    elif found:
        message = f"{len(found)} {word}s are named '{wanted}': {listed}"
    else:
        message = f"there is no {word} '{wanted}', but {listed}"
    line = lines[several[min(1, len(several) - 1)]] if lines else None
    raise TimelineError(message, file=file, line=line, hint=_HINT)


def _named(names: Sequence[str], wanted: str) -> list[int]:
    """As written, else in other capitals, else by its number."""
    for fold in (str, lambda name: " ".join(name.casefold().split())):
        if found := [i for i, name in enumerate(names) if fold(name) == fold(wanted)]:
            return found
    number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 6 else 0
    return [number - 1] if 1 <= number <= len(names) else []


def _listed(names: Sequence[str], which: Sequence[int], lines: Sequence[int]) -> str:
    shown = [f"{i + 1} '{names[i][:60]}'" + (f" (line {lines[i]})" if lines else "") for i in which[:_LISTED]]
    more = len(which) - _LISTED
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
