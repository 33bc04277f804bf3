"""Lists of frames as people write them: ``12, 30-31``."""

from __future__ import annotations

import re

__all__ = ["parse_frames"]

_ENTRY = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")


def parse_frames(text: str) -> tuple[range, ...]:
    """Ranges of frame numbers in a text; both ends of ``30-31`` count.

    Raises:
        ValueError: The text holds something else, or a range runs backwards.
    """
    ranges = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise ValueError(f"frames must look like '12,30-31', not {entry!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise ValueError(f"frames runs backwards in {entry!r}; write {last}-{first}")
        ranges.append(range(first, last + 1))
    return tuple(ranges)
