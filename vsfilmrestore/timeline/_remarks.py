"""What a reader tolerated, collected without flooding: the same sentence for many lines becomes one."""

from __future__ import annotations

from typing import Final, Self

__all__ = ["Remark", "Remarks"]

_LISTED: Final = 4


class Remark(str):
    """A sentence about what was tolerated, that knows its lines.

    Attributes:
        text: The sentence without the lines.
        lines: Lines of the cut list it is about, from 1; empty where the format has none.
    """

    __slots__ = ("lines", "text")

    text: str
    lines: tuple[int, ...]

    def __new__(cls, text: str, lines: tuple[int, ...] = ()) -> Self:
        remark = super().__new__(cls, _sentence(text, lines))
        remark.text, remark.lines = text, lines
        return remark

    def __getnewargs__(self) -> tuple[str, tuple[int, ...]]:  # type: ignore[override]
        return self.text, self.lines


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

    def sentences(self) -> tuple[Remark, ...]:
        """All remarks, each once, led by its lines."""
        return tuple(Remark(text, tuple(lines)) for text, lines in self._lines.items())


def _sentence(text: str, lines: tuple[int, ...]) -> str:
    if not lines:
        return text
    if len(lines) == 1:
        return f"line {lines[0]}: {text}"
    shown = [str(line) for line in lines[:_LISTED]]
    last = f"{len(lines) - _LISTED} more" if len(lines) > _LISTED else shown.pop()
    return f"lines {', '.join(shown)} and {last}: {text}"
