"""A plan in plain data, for tables, JSON and reports. What each key means is written in ``docs/plan.md``."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from vsfilmrestore.media.timecode import format_timecode
from vsfilmrestore.recipes.recipe import Recipe, Step
from vsfilmrestore.render.conform import Finding, Verdict
from vsfilmrestore.render.decide import Decision, Key, Part
from vsfilmrestore.render.link import Linked
from vsfilmrestore.render.placing import Placed, RateRule, shown_frames
from vsfilmrestore.render.plan import Plan
from vsfilmrestore.timeline.ids import unique_ids
from vsfilmrestore.timeline.model import CutList, Shot, SourceKey

__all__ = ["FORMAT", "VERSION", "plan_facts", "source_text"]

FORMAT: Final = "vsfilmrestore-plan"
VERSION: Final = 1
"""Raised when a key changes its meaning or goes; new keys do not raise it."""


def plan_facts(
    plan: Plan,
    thumbnails: Sequence[Path | None] | None = None,
    repairs: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Everything decided about a cut, as JSON; with a small picture of each shot, where there are any.

    Shots with the same recipe share their lists of steps: copy them before changing one.

    Args:
        plan: The plan.
        thumbnails: A picture for each shot.
        repairs: What the latest render repaired, by id of the shot.
    """
    pictures = thumbnails or [None] * len(plan.cut.shots)
    cut = plan.cut
    ids = unique_ids(cut.shots)
    own, others = _remarks(cut)
    steps = _Steps()
    rule = plan.rate_rule or RateRule.TIME
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": cut.name,
        "file": cut.file,
        "rate": str(cut.rate),
        "rate_known": cut.rate_known,
        "drop_frame": cut.drop,
        "start": cut.start,
        "timecode": cut.timecode(0),
        "frames": len(cut),
        "media_rate_rule": {"rule": str(rule), "said": plan.rate_rule is not None, "text": rule.text},
        "media": [_medium(verdict) for verdict in plan.conform.verdicts],
        "missing": _missing(plan, ids),
        "findings": [_finding(finding, plan, ids) for finding in plan.conform.findings],
        "remarks": [*others, *_media_remarks(plan)],
        "warnings": list(plan.warnings),
        "orphans": list(plan.orphans),
        "shots": [
            _shot(plan, index, ids[index], own.get(index, []), steps)
            | {"repairs": (repairs or {}).get(ids[index]), "thumbnail": picture and str(picture)}
            for index, picture in enumerate(pictures)
        ],
    }


def source_text(shot: Mapping[str, Any]) -> str:
    """What a shot shows, for tables: ``R1.mkv 01:00:00:00``."""
    source, medium = shot["source"], shot["medium"]
    if source is None:
        return "black"
    if medium is None:
        return f"{source['label']} {source['in']}, no medium"
    at = medium["timecode"] or (f"frame {medium['first']}" if medium["first"] is not None else "")
    return f"{medium['name']} {at}".strip()


def _shot(plan: Plan, index: int, id_: str, remarks: list[str], steps: _Steps) -> dict[str, Any]:
    cut, shot, decision = plan.cut, plan.cut.shots[index], plan.decisions[index]
    item = plan.links[index]
    return {
        "index": index,
        "id": id_,
        "name": shot.name,
        "event": shot.event,
        "line": shot.line,
        "colour": shot.colour,
        "record": _record(cut, shot.record.start, shot.record.stop),
        **_side(plan, shot, item, plan.conform.placed[index]),
        "transition": _transition(plan, shot, item, plan.conform.fading[index]),
        "handles": {"head": shot.handles[0], "tail": shot.handles[1]},
        "whole": steps.of(_whole(decision), decision.origins),
        "origin": _nothing(_whole(decision), decision.origins),
        "parts": [_part(cut, part, steps) for part in decision.parts],
        "keys": [_key(cut, key) for key in decision.keys],
        "comments": list(shot.comments),
        "remarks": remarks,
        "warnings": list(decision.warnings),
    }


def _whole(decision: Decision) -> Recipe:
    return decision.recipe if decision.whole is None else decision.whole


def _record(cut: CutList, start: int, stop: int) -> dict[str, Any]:
    """A stretch of the record side; ``out`` is the timecode after its last frame, as in an edit list."""
    return {"start": start, "frames": stop - start, "in": cut.timecode(start), "out": cut.timecode(stop)}


def _side(plan: Plan, shot: Shot, item: Linked, placed: Placed | None) -> dict[str, Any]:
    """What a shot, or what fades out over one, is made from."""
    return {
        "source": None if shot.source is None else _source(plan, shot, shot.source),
        "speed": str(shot.speed),
        "phase": str(shot.phase),
        "curve": shot.curve is not None,
        "medium": None if item.link is None else _placed(plan, item.link.path, item.link.how, placed),
        "missing": item.problem,
    }


def _source(plan: Plan, shot: Shot, key: SourceKey) -> dict[str, Any]:
    shown = shown_frames(shot, key, plan.cut.rate, plan.rate_rule)
    low, high = (shown[0], shown[-1]) if isinstance(shown, range) else (min(shown), max(shown))
    known = key.available
    return {
        "label": key.label,
        "reel": key.reel,
        "name": key.name,
        "path": key.url,
        "rate": str(key.rate),
        "counts": "timecode" if key.has_timecode else "frames",
        "drop_frame": key.drop,
        "first": low,
        "last": high,
        "in": _count_text(key, low),
        "out": _count_text(key, high + 1),
        "available": None if known is None else {"first": known.start, "frames": len(known)},
    }


def _count_text(key: SourceKey, count: int) -> str:
    return format_timecode(count, key.rate, drop=key.drop) if key.has_timecode else str(count)


def _placed(plan: Plan, path: Path, how: str, placed: Placed | None) -> dict[str, Any]:
    low, high = placed.span if placed else (None, None)
    timecode = placed.facts.timecode(low) if placed and low is not None else ""
    return {
        "path": str(path),
        "name": path.name,
        "linked_by": how,
        "first": low,
        "last": high,
        "timecode": timecode,
        "found_by": placed.by if placed else "",
    }


def _transition(plan: Plan, shot: Shot, item: Linked, fading: Placed | None) -> dict[str, Any] | None:
    if shot.transition is None:
        return None
    outgoing = shot.transition.outgoing
    side = _side(plan, outgoing, item.outgoing or Linked(), fading)
    return {"kind": shot.transition.kind, "frames": shot.transition.length, "from": {"name": outgoing.name} | side}


def _part(cut: CutList, part: Part, steps: _Steps) -> dict[str, Any]:
    facts = {
        "ranged": part.ranged,
        "steps": steps.of(part.recipe, part.origins),
        "origin": _nothing(part.recipe, part.origins),
    }
    return _record(cut, part.frames.start, part.frames.stop) | facts


def _nothing(recipe: Recipe, origins: Mapping[str, str]) -> str:
    """What said that nothing is done; '' where something is."""
    return "" if recipe else ", ".join(dict.fromkeys(reversed(list(origins.values()))))


def _key(cut: CutList, key: Key) -> dict[str, Any]:
    return {"at": key.frame, "timecode": cut.timecode(key.frame), "words": key.words, "origin": key.origin}


class _Steps:
    """The steps of recipes in plain data. Most shots share recipe and origins; those are put down once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, tuple[tuple[str, str], ...]], list[dict[str, Any]]] = {}

    def of(self, recipe: Recipe, origins: Mapping[str, str]) -> list[dict[str, Any]]:
        key = id(recipe), tuple(origins.items())  # the plan keeps its recipes, so that no id comes twice
        if key not in self._known:
            self._known[key] = [_step(step, origins) for step in recipe]
        return self._known[key]


def _step(step: Step, told: Mapping[str, str]) -> dict[str, Any]:
    name, within = step.name, f"{step.name}."
    origins = {key: text for key, text in told.items() if key == name or key.startswith(within)}
    words = [f"{key}={value}" for key, value in step.settings.items()]
    return {
        "name": step.name,
        "words": " ".join(words),
        "settings": step.complete,
        "origin": ", ".join(dict.fromkeys(reversed(list(origins.values())))),
        "origins": {key.removeprefix(step.name).lstrip(".") or "step": text for key, text in origins.items()},
    }


def _medium(verdict: Verdict) -> dict[str, Any]:
    facts = verdict.facts
    told: dict[str, Any] = {"rate": None, "frames": None, "timecode": "", "drop_frame": None, "reel": ""}
    if facts is not None:
        told = {
            "rate": str(facts.rate) if facts.rate_told else None,
            "frames": facts.length,
            "timecode": facts.timecode(0),
            "drop_frame": facts.drop if facts.has_timecode else None,
            "reel": facts.reel,
        }
    return {
        "path": str(verdict.path),
        "name": verdict.path.name,
        "kind": facts.kind if facts else "",
        **told,
        "exact": facts.exact if facts else False,
        "linked_by": list(verdict.how),
        "found_by": list(verdict.by),
        "shots": verdict.shots,
        "first": verdict.span[0] if verdict.span else None,
        "last": verdict.span[1] if verdict.span else None,
        "played": verdict.rule,
        "hashed": verdict.hashed,
        "verdict": verdict.word,
        "findings": list(dict.fromkeys(finding.text for finding in verdict.findings)),
    }


def _finding(finding: Finding, plan: Plan, ids: Sequence[str]) -> dict[str, Any]:
    shot = finding.shot
    index = None if shot is None else plan.index_at(shot.record.start)
    return {
        "kind": finding.kind,
        "severe": finding.severe,
        "text": finding.text,
        "hint": finding.hint,
        "shot": None if index is None else ids[index],
        "timecode": None if shot is None else plan.cut.timecode(shot.record.start),
        "medium": None if finding.path is None else str(finding.path),
        "source": finding.source,
    }


def _missing(plan: Plan, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Each source without a medium once, with the shots that want it."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for shot, id_, item in zip(plan.cut.shots, ids, plan.links, strict=True):
        sides = [(shot, item)]
        if shot.transition is not None and item.outgoing is not None:
            sides.append((shot.transition.outgoing, item.outgoing))
        for side, linked in sides:
            if side.source is None or linked.link is not None:
                continue
            key = side.source
            sort = "ambiguous" if linked.candidates else "missing"
            entry = found.setdefault((key.label, sort), _wanted(key, linked))
            for word, value in (("names", key.name), ("paths", key.url), ("shots", id_)):
                if value and value not in entry[word]:
                    entry[word].append(value)
    return list(found.values())


def _wanted(key: SourceKey, linked: Linked) -> dict[str, Any]:
    return {
        "label": key.label,
        "reel": key.reel,
        "names": [],
        "paths": [],
        "problem": linked.problem,
        "hint": linked.hint,
        "candidates": [str(path) for path in linked.candidates],
        "shots": [],
    }


def _media_remarks(plan: Plan) -> list[dict[str, Any]]:
    told = [(verdict.path, verdict.facts) for verdict in plan.conform.verdicts]
    return [
        {"text": remark, "lines": [], "medium": str(path)} for path, facts in told if facts for remark in facts.remarks
    ]


def _remarks(cut: CutList) -> tuple[dict[int, list[str]], list[dict[str, Any]]]:
    """What was tolerated, by shot (from its line to the next shot's), and what belongs to no shot."""
    lines = sorted({shot.line for shot in cut.shots if shot.line is not None})
    owners: dict[int, list[int]] = defaultdict(list)
    for index, shot in enumerate(cut.shots):
        if shot.line is not None:
            owners[shot.line].append(index)
    own: dict[int, list[str]] = defaultdict(list)
    others: list[dict[str, Any]] = []
    for remark in cut.remarks:
        text, numbers = getattr(remark, "text", str(remark)), tuple(getattr(remark, "lines", ()))
        strays = []
        for number in numbers:
            at = bisect_right(lines, number) - 1
            for index in owners[lines[at]] if at >= 0 else ():
                own[index].append(f"line {number}: {text}")
            if at < 0:
                strays.append(number)
        if strays or not numbers:
            others.append({"text": text, "lines": strays, "medium": None})
    return own, others
