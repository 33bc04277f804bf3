"""What a reader tolerated, collected without flooding: the same sentence for many lines becomes one."""

from __future__ import annotations

from typing import Final

__all__ = ["Remarks"]

_LISTED: Final = 4


class Remarks:
    """Collects remarks and turns them into sentences in the order they first came up.

    >>> remarks = Remarks()
    >>> remarks.add("audio-only event skipped", 3)
    >>> remarks.add("audio-only event skipped", 5)
    >>> remarks.sentences()
    ('lines 3 and 5: audio-only event skipped',)
    """

    def __init__(self) -> None:
        self._lines: dict[str, list[int]] = {}

    def add(self, text: str, line: int | None = None) -> None:
        """Note a tolerance; ``line`` counts from 1."""
        lines = self._lines.setdefault(text, [])
        if line is not None and line not in lines[-1:]:
            lines.append(line)

    def sentences(self) -> tuple[str, ...]:
        """All remarks, each once, led by its lines."""
        return tuple(_sentence(text, lines) for text, lines in self._lines.items())


def _sentence(text: str, lines: list[int]) -> str:
    if not lines:
        return text
    if len(lines) == 1:
        return f"line {lines[0]}: {text}"
    shown = [str(line) for line in lines[:_LISTED]]
    last = f"{len(lines) - _LISTED} more" if len(lines) > _LISTED else shown.pop()
    return f"lines {', '.join(shown)} and {last}: {text}"
