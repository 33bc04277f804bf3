"""A reel in plain data, for tables, JSON and reports."""

from __future__ import annotations

from typing import Any

from vsfilmrestore.recipes.recipe import Step
from vsfilmrestore.render.bind import Bound
from vsfilmrestore.render.decide import Decision, Part
from vsfilmrestore.render.reel import Reel

__all__ = ["plan_facts"]


def plan_facts(reel: Reel) -> dict[str, Any]:
    """Everything decided about a reel. ``rate`` is a Fraction, all else is JSON."""
    cut = reel.cut
    shots = [_shot(reel, bound, decision) for bound, decision in zip(reel.bound, reel.decisions, strict=True)]
    return {
        "name": cut.name,
        "file": cut.file,
        "rate": cut.rate,
        "frames": len(cut),
        "timecode": cut.timecode(0),
        "remarks": list(reel.remarks),
        "shots": shots,
    }


def _shot(reel: Reel, bound: Bound, decision: Decision) -> dict[str, Any]:
    shot = bound.shot
    return {
        "id": shot.id,
        "name": shot.name,
        "event": shot.event,
        "first": shot.record.start,
        "frames": len(shot.record),
        "timecode": reel.cut.timecode(shot.record.start),
        "source": _source(bound),
        "source_first": bound.first,
        "speed": str(shot.speed),
        "linked_by": bound.how,
        "transition": shot.transition.kind if shot.transition else "",
        "parts": [_part(reel, part, decision) for part in decision.parts],
    }


def _source(bound: Bound) -> str:
    if bound.medium is None:
        return "black"
    at = bound.medium.timecode(bound.first) if bound.medium.has_timecode else f"frame {bound.first}"
    return f"{bound.medium.path.name} {at}"


def _part(reel: Reel, part: Part, decision: Decision) -> dict[str, Any]:
    return {
        "first": part.frames.start,
        "frames": len(part.frames),
        "timecode": reel.cut.timecode(part.frames.start),
        "steps": [_step(step, decision) for step in part.recipe],
    }


def _step(step: Step, decision: Decision) -> dict[str, Any]:
    origins = [text for key, text in decision.origins.items() if key == step.name or key.startswith(f"{step.name}.")]
    words = [f"{key}={value}" for key, value in step.settings.items()]
    return {
        "name": step.name,
        "words": " ".join(words),
        "settings": step.complete,
        "origin": ", ".join(dict.fromkeys(reversed(origins))),
    }
