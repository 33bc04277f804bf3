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
from vsfilmrestore.render.history_words import repairs_by_shot
from vsfilmrestore.render.ledger import Done
from vsfilmrestore.render.pictures import before_after, spread
from vsfilmrestore.render.pieces import versions
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.reel import Reel

__all__ = ["Report", "write_report"]

_PICTURES: Final = 4
_CURVE: Final = 160
"""Bars of a curve at most; each is the highest of the frames it stands for."""


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
    facts = _facts(reel, done, repairs_by_shot(project))
    _sheet(reel, facts, report.picture)
    atomic_text(report.data, json.dumps(facts, indent=1))
    atomic_text(report.page, _page(facts, report.picture))
    return report


def _facts(reel: Reel, done: Rendered, repairs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    facts = plan_facts(reel.plan, None, repairs) | {"format": "vsfilmrestore-report", "remarks": list(reel.remarks)}
    factor = max(1, done.pieces[-1].stop // max(1, len(reel.cut)))
    by_shot: dict[int, list[Done]] = {}
    starts = [shot["record"]["start"] * factor for shot in facts["shots"]]
    for piece in done.pieces:
        index = max(i for i, start in enumerate(starts) if start <= piece.first)
        by_shot.setdefault(index, []).append(piece)
    for index, shot in enumerate(facts["shots"]):
        shot["changed"] = _changed(by_shot.get(index, []))
        shot["repairs_by_frame"] = _by_frame(by_shot.get(index, []))
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


def _by_frame(pieces: Sequence[Done]) -> dict[str, list[int]]:
    """Repairs in each output frame of a shot, by filter."""
    kinds = dict.fromkeys(kind for piece in pieces for kind in piece.repairs or {})
    found: dict[str, list[int]] = {kind: [] for kind in kinds}
    for piece in pieces:
        for kind, counts in found.items():
            made = [frame[0] for frame in (piece.repairs or {}).get(kind, ())]
            counts += made + [0] * (piece.stop - piece.first - len(made))
    return found


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


def _repaired(shot: Mapping[str, Any], name: str) -> str:
    """Repairs of a kind in a shot, and a curve of how many each frame has."""
    count, frames = (shot["repairs"] or {}).get(name), shot["repairs_by_frame"].get(name)
    if not count or not frames or not any(frames):
        return ""
    back = f", {count['rejected']} taken back" if count["rejected"] else ""
    share = -(-len(frames) // _CURVE)
    heights = [max(frames[n : n + share]) for n in range(0, len(frames), share)]
    points = " ".join(f"M{n} 20v{-20 * height / max(heights):.1f}" for n, height in enumerate(heights) if height)
    title = f"at most {max(frames)} in one frame"
    return (
        f", {count['made']} repairs{back}<br><svg viewBox='-1 0 {len(heights) + 1} 20' width='{len(heights) + 2}' "
        f"height='20' preserveAspectRatio='none'><title>{title}</title><path d='{points}' stroke='currentColor'/></svg>"
    )


def _row(shot: Mapping[str, Any]) -> str:
    steps = [step for part in shot["parts"] for step in part["steps"]]
    done = "".join(
        f"<li><b>{html.escape(step['name'])}</b> {html.escape(step['words'])} "
        f"<small>{html.escape(step['origin'])}</small></li>"
        for step in steps
    )
    changed = "".join(
        f"<li>{html.escape(name)}: {share['mean']:.3%} of pixels, {share['frames']} frames{_repaired(shot, name)}</li>"
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
