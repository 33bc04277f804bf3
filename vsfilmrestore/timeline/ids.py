"""Keys that tell all shots of a cut apart, for whatever is kept about a shot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from vsfilmrestore.timeline.model import Shot

__all__ = ["unique_ids"]


def unique_ids(shots: Sequence[Shot]) -> list[str]:
    """The id of each shot; where several have one id, numbered in record order: ``R1@01:00:00:00#1``, ``…#2``.

    A source that is cut in from the same frame twice gives two shots with one id.
    """
    ids = [shot.id for shot in shots]
    often = {key for key, count in Counter(ids).items() if count > 1}
    seen: Counter[str] = Counter()
    result = []
    for key in ids:
        seen[key] += 1
        result.append(f"{key}#{seen[key]}" if key in often else key)
    return result
