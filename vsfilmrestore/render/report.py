"""The report of a render: JSON for programs, one self-contained page for people, one picture for both."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from statistics import fmean
from string import Template
from typing import Any, Final

from vsfilmrestore.media.out.atomic import atomic_text
from vsfilmrestore.media.timecode import rate_text
from vsfilmrestore.render.describe import plan_facts, source_text
from vsfilmrestore.render.executor import Rendered
from vsfilmrestore.render.ledger import Done
from vsfilmrestore.render.pictures import before_after, spread
from vsfilmrestore.render.pieces import versions
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.reel import Reel

__all__ = ["Report", "write_report"]

_PICTURES: Final = 4


@dataclass(frozen=True, slots=True)
class Report:
    """Where a report is.

    Attributes:
        page: HTML page.
        data: JSON.
        picture: Before/after sheet.
    """

    page: Path
    data: Path
    picture: Path


def write_report(project: Project, reel: Reel, done: Rendered) -> Report:
    """Write the report of a render into the project.

    Raises:
        OutputError: It cannot be written.
        RenderError: A frame of the sheet cannot be made.
    """
    folder = project.reports
    report = Report(folder / "report.html", folder / "report.json", folder / "before_after.png")
    facts = _facts(reel, done)
    _sheet(reel, facts, report.picture)
    atomic_text(report.data, json.dumps(facts, indent=1))
    atomic_text(report.page, _page(facts, report.picture))
    return report


def _facts(reel: Reel, done: Rendered) -> dict[str, Any]:
    facts = plan_facts(reel.plan) | {"format": "vsfilmrestore-report", "remarks": list(reel.remarks)}
    factor = max(1, done.pieces[-1].stop // max(1, len(reel.cut)))
    by_shot: dict[int, list[Done]] = {}
    starts = [shot["record"]["start"] * factor for shot in facts["shots"]]
    for piece in done.pieces:
        index = max(i for i, start in enumerate(starts) if start <= piece.first)
        by_shot.setdefault(index, []).append(piece)
    for index, shot in enumerate(facts["shots"]):
        shot["changed"] = _changed(by_shot.get(index, []))
        shot["seconds"] = round(sum(piece.seconds for piece in by_shot.get(index, [])), 3)
    info = done.info
    return facts | {
        "rate": rate_text(reel.rate),
        "output": {
            "path": done.output.name,
            "format": done.profile.name,
            "size": f"{info.width}x{info.height}",
            "rate": rate_text(info.rate),
            "frames": done.pieces[-1].stop,
        },
        "seconds": round(done.seconds, 3),
        "frames_reused": done.reused,
        "versions": json.loads(versions()),
    }


def _changed(pieces: Sequence[Done]) -> dict[str, dict[str, float | int]]:
    """Mean and largest share of pixels changed, and frames changed at all, by filter."""
    shares: dict[str, list[float]] = {}
    for piece in pieces:
        for name, values in (piece.changed or {}).items():
            shares.setdefault(name, []).extend(values)
    return {
        name: {"mean": fmean(values), "most": max(values), "frames": sum(value > 0 for value in values)}
        for name, values in shares.items()
    }


def _sheet(reel: Reel, facts: Mapping[str, Any], path: Path) -> None:
    """The frames with most repairs would flatter us; evenly spread shots tell more."""
    shots = [shot for shot in facts["shots"] if shot["source"] is not None]
    chosen = [shots[i] for i in spread(len(shots), _PICTURES)]
    frames = [shot["record"]["start"] + shot["record"]["frames"] // 2 for shot in chosen]
    labels = [f"{shot['name'] or shot['id']}  {reel.cut.timecode(n)}" for shot, n in zip(chosen, frames, strict=True)]
    before_after(reel.source(), reel.restored(), frames, labels, path)


def _page(facts: Mapping[str, Any], picture: Path) -> str:
    template = Template(files("vsfilmrestore.render").joinpath("report.html").read_text("utf-8"))
    output = facts["output"]
    return template.substitute(
        title=html.escape(facts["name"] or output["path"]),
        output=html.escape(f"{output['path']}, {output['format']}, {output['size']}, {output['rate']} fps"),
        frames=output["frames"],
        shots=len(facts["shots"]),
        seconds=f"{facts['seconds']:.1f}",
        reused=facts["frames_reused"],
        rows="\n".join(_row(shot) for shot in facts["shots"]),
        remarks="".join(f"<li>{html.escape(remark)}</li>" for remark in facts["remarks"]) or "<li>none</li>",
        versions=html.escape(", ".join(f"{name} {number}" for name, number in facts["versions"].items())),
        picture=base64.b64encode(picture.read_bytes()).decode(),
    )


def _row(shot: Mapping[str, Any]) -> str:
    steps = [step for part in shot["parts"] for step in part["steps"]]
    done = "".join(
        f"<li><b>{html.escape(step['name'])}</b> {html.escape(step['words'])} "
        f"<small>{html.escape(step['origin'])}</small></li>"
        for step in steps
    )
    changed = "".join(
        f"<li>{html.escape(name)}: {share['mean']:.3%} of pixels, {share['frames']} frames</li>"
        for name, share in shot["changed"].items()
    )
    cells = (
        html.escape(shot["name"] or shot["id"]),
        html.escape(shot["record"]["in"]),
        str(shot["record"]["frames"]),
        html.escape(source_text(shot)),
        f"<ul>{done}</ul>" if done else "untouched",
        f"<ul>{changed}</ul>" if changed else "",
        f"{shot['seconds']:.1f} s",
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
