"""Tables of shots and plans, as text or JSON."""

from __future__ import annotations

import json
from typing import Any

from vsfilmrestore.cli.show import show_table
from vsfilmrestore.media.timecode import rate_text
from vsfilmrestore.render.describe import plan_facts
from vsfilmrestore.render.reel import Reel

__all__ = ["print_plan", "print_shots"]


def print_shots(reel: Reel, *, as_json: bool) -> None:
    """Every shot with its frames and timecode."""
    facts = plan_facts(reel)
    if as_json:
        keep = ("id", "name", "first", "frames", "timecode")
        shots = [{key: shot[key] for key in keep} for shot in facts["shots"]]
        _json({**facts, "shots": shots})
        return
    rows = [[s["name"] or s["id"], str(s["first"]), str(s["frames"]), s["timecode"]] for s in facts["shots"]]
    show_table(_title(facts), ["shot", "first", "frames", "timecode"], rows)


def print_plan(reel: Reel, *, as_json: bool) -> None:
    """Every shot with its source, settings and their origins."""
    facts = plan_facts(reel)
    if as_json:
        _json(facts)
        return
    rows = []
    for shot in facts["shots"]:
        for part in shot["parts"]:
            steps = "\n".join(f"{step['name']} {step['words']}".strip() for step in part["steps"]) or "untouched"
            origins = "\n".join(step["origin"] for step in part["steps"])
            name = shot["name"] or shot["id"]
            rows.append([name, part["timecode"], str(part["frames"]), shot["source"], steps, origins])
    show_table(_title(facts), ["shot", "record", "frames", "source", "settings", "from"], rows)


def _title(facts: dict[str, Any]) -> str:
    return f"{facts['name']}: {len(facts['shots'])} shots, {facts['frames']} frames at {rate_text(facts['rate'])} fps"


def _json(facts: dict[str, Any]) -> None:
    print(json.dumps(facts | {"rate": str(facts["rate"])}, indent=1))  # noqa: T201
