"""A re-cut as plain data; what `recut --json` prints."""

from __future__ import annotations

from typing import Any

from vsfilmrestore.errors import SettingError
from vsfilmrestore.recipes.wording import recipe_words
from vsfilmrestore.render.decide import Decision
from vsfilmrestore.render.recut import Carried
from vsfilmrestore.timeline.ids import unique_ids
from vsfilmrestore.timeline.model import CutList, Shot, Strength

__all__ = ["recut_facts"]


def recut_facts(carried: Carried) -> dict[str, Any]:
    """All there is to tell of a re-cut; ``docs/recut.md`` describes it key by key."""
    old, new = carried.old.cut, carried.new.cut
    names = unique_ids(old.shots)
    renamed = {key.partition("#")[0] for key in carried.renamed}
    shots = []
    for j, (id_, shot, match) in enumerate(zip(unique_ids(new.shots), new.shots, carried.recut.matches, strict=True)):
        was = [
            {"id": names[i], "name": old.shots[i].name, "index": i, "shared": shared}
            for i, shared in zip(match.old, match.shared, strict=True)
        ]
        facts = {"index": j, "id": id_, "name": shot.name, "record": _record(new, shot), "frames": len(shot.record)}
        facts |= {"kind": str(match.kind), "moved": match.moved, "old": was, "head": match.head, "tail": match.tail}
        shots.append(facts | {"settings": str(carried.outcomes[j]), "renamed": shot.id in renamed})
    return {
        "format": "vsfilmrestore-recut",
        "version": 1,
        "old": _cut(old),
        "new": _cut(new),
        "shots": shots,
        "orphans": [_orphan(carried, names[i], i) for i in carried.recut.orphans],
        "waiting": [{"key": key, "why": why} for key, why in carried.waiting.items()],
        "remarks": list(carried.remarks),
        "warnings": list(carried.new.warnings),
    }


def _cut(cut: CutList) -> dict[str, Any]:
    return {"name": cut.name, "file": cut.file, "shots": len(cut.shots), "frames": len(cut)}


def _record(cut: CutList, shot: Shot) -> dict[str, Any]:
    return {"start": shot.record.start, "in": cut.timecode(shot.record.start), "out": cut.timecode(shot.record.stop)}


def _orphan(carried: Carried, id_: str, i: int) -> dict[str, Any]:
    shot = carried.old.cut.shots[i]
    words = _words(carried.old.decisions[i])
    return {"index": i, "id": id_, "name": shot.name, "frames": len(shot.record), "settings": words}


def _words(decision: Decision) -> str:
    """What an old shot had, '' where nobody said anything about it."""
    said = [origin for origin in decision.origins.values() if not origin.endswith(f"({Strength.DEFAULT})")]
    if not said and not decision.keys and len(decision.parts) == 1:
        return ""
    try:
        return recipe_words(decision.whole or decision.recipe)
    except SettingError:
        return "a recipe of its own"
