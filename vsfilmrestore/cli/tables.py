"""Tables of shots and plans, as text or JSON."""

from __future__ import annotations

import json
from typing import Any

from rich.table import Table

from vsfilmrestore.cli.show import console
from vsfilmrestore.media.timecode import rate_text
from vsfilmrestore.render.describe import plan_facts

__all__ = ["print_plan", "print_shots"]


def print_shots(reel: Any, *, as_json: bool) -> None:
    """Every shot with its frames and timecode."""
    facts = plan_facts(reel)
    if as_json:
        keep = ("id", "name", "first", "frames", "timecode")
        shots = [{key: shot[key] for key in keep} for shot in facts["shots"]]
        _json({**facts, "shots": shots})
        return
    table = Table("shot", "first", "frames", "timecode", title=_title(facts), title_justify="left")
    for shot in facts["shots"]:
        table.add_row(shot["name"] or shot["id"], str(shot["first"]), str(shot["frames"]), shot["timecode"])
    console.print(table)


def print_plan(reel: Any, *, as_json: bool) -> None:
    """Every shot with its source, settings and their origins."""
    facts = plan_facts(reel)
    if as_json:
        _json(facts)
        return
    table = Table("shot", "record", "frames", "source", "settings", "from", title=_title(facts), title_justify="left")
    for shot in facts["shots"]:
        for part in shot["parts"]:
            steps = "\n".join(f"{step['name']} {step['words']}".strip() for step in part["steps"]) or "untouched"
            origins = "\n".join(step["origin"] for step in part["steps"])
            table.add_row(
                shot["name"] or shot["id"], part["timecode"], str(part["frames"]), shot["source"], steps, origins
            )
    console.print(table)


def _title(facts: dict[str, Any]) -> str:
    return f"{facts['name']}: {len(facts['shots'])} shots, {facts['frames']} frames at {rate_text(facts['rate'])} fps"


def _json(facts: dict[str, Any]) -> None:
    print(json.dumps(facts | {"rate": str(facts["rate"])}, indent=1))  # noqa: T201
