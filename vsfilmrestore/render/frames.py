"""Which source frame every record frame shows: the plan, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from vsfilmrestore.media.timecode import format_timecode
from vsfilmrestore.render.link import Linked
from vsfilmrestore.render.placing import Placed, shown_frames
from vsfilmrestore.render.plan import Plan
from vsfilmrestore.timeline.ids import unique_ids
from vsfilmrestore.timeline.model import Shot

__all__ = ["COLUMNS", "flat", "frame_facts"]

_SIDE: Final = ("source", "frame", "source_timecode", "file", "index", "number")
COLUMNS: Final = ("record", "timecode", "shot", *_SIDE, "from_weight", *(f"from_{word}" for word in _SIDE))
"""Columns of the table of frames: the keys of `frame_facts`, flat."""


def frame_facts(plan: Plan) -> Iterator[dict[str, Any]]:
    """One record frame after the other.

    Yields:
        ``record`` (counted from 0), ``timecode``, ``shot`` (id), and of its source: ``source`` (label), ``frame`` and
        ``source_timecode`` as the cut list counts, ``file`` (the medium), ``index`` (frame of the medium from 0) and
        ``number`` (in the file name of a sequence); None where there is none. ``from``: the same of what fades out, and
        its ``weight``, the share of the frame it still has; None outside of transitions. In a wipe it is the share of
        time left.
    """
    cut = plan.cut
    rows = zip(cut.shots, unique_ids(cut.shots), plan.links, plan.conform.placed, plan.conform.fading, strict=True)
    for shot, id_, item, placed, fading in rows:
        own = _Side(plan, shot, item, placed)
        change = shot.transition
        old = None if change is None else _Side(plan, change.outgoing, item.outgoing or Linked(), fading)
        for k in range(len(shot.record)):
            at = shot.record.start + k
            facts: dict[str, Any] = {"record": at, "timecode": cut.timecode(at), "shot": id_, **own.at(k), "from": None}
            if change is not None and old is not None and k < change.length:
                facts["from"] = {"weight": str(1 - change.weight(at)), **old.at(k)}
            yield facts


def flat(facts: dict[str, Any]) -> list[str]:
    """A frame as a row of text, in the order of `COLUMNS`; '' for what there is not."""
    old = facts["from"] or {}
    values = [facts.get(word) for word in COLUMNS[: 3 + len(_SIDE)]]
    values += [old.get(word.removeprefix("from_")) for word in COLUMNS[3 + len(_SIDE) :]]
    return ["" if value is None else str(value) for value in values]


class _Side:
    """One source of a shot, looked up by record frame counted from its start."""

    def __init__(self, plan: Plan, shot: Shot, item: Linked, placed: Placed | None) -> None:
        self._key, self._placed = shot.source, placed
        self._path: Path | None = None if item.link is None else item.link.path
        self._shown = shown_frames(shot, shot.source, plan.cut.rate, plan.rate_rule) if shot.source else ()

    def at(self, k: int) -> dict[str, Any]:
        key, placed = self._key, self._placed
        if key is None:
            return dict.fromkeys(_SIDE)
        count = self._shown[k]
        index = None if placed is None else placed.shown[k]
        return {
            "source": key.label,
            "frame": count,
            "source_timecode": format_timecode(count, key.rate, drop=key.drop) if key.has_timecode else None,
            "file": None if self._path is None else str(self._path),
            "index": index,
            "number": _number(placed, index),
        }


def _number(placed: Placed | None, index: int | None) -> int | None:
    if placed is None or index is None or placed.facts.kind != "sequence":
        return None
    return placed.facts.first_number + index
