"""Writing a report: after a render, or anew from the project at any time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import vapoursynth as vs

from vsfilmrestore.media.out.atomic import atomic_text
from vsfilmrestore.render.executor import Rendered
from vsfilmrestore.render.history_words import repairs_by_shot
from vsfilmrestore.render.pictures import as_rgb24, before_after, spread
from vsfilmrestore.render.plan import Plan
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.reel import Reel
from vsfilmrestore.render.report.assessed import assessed
from vsfilmrestore.render.report.choice import chosen
from vsfilmrestore.render.report.facts import Content, content_of, treated_shots
from vsfilmrestore.render.report.latest import Latest
from vsfilmrestore.render.report.outcome import measure_outcome
from vsfilmrestore.render.report.page import page
from vsfilmrestore.render.report.reel_part import measured_columns
from vsfilmrestore.render.report.shots_part import ROWS
from vsfilmrestore.render.report.stills import Pictures, Theatre
from vsfilmrestore.render.report.tables import write_frames, write_shots

__all__ = ["BOUND", "Report", "write_report"]

type Measure = Literal["kept", "some", "all"]

BOUND: Final = 5_000_000
"""Bytes of a page at most, whatever the film: it is sent by mail, and kept beside the film."""
_MOST_TEXT: Final = 3_300_000
_STILLS: Final = 0.7
"""Share of what the text leaves that goes to stills, the rest to thumbnails."""
_STILL: Final = 330_000
_THUMB: Final = 9_000
_LEAST_THUMB: Final = 600
_SHEET: Final = 4


@dataclass(frozen=True, slots=True)
class Report:
    """Where a report is.

    Attributes:
        page: HTML page.
        data: JSON.
        picture: Before/after sheet; it is there only where something was rendered.
        shots: CSV of the treatment.
        frames: CSV of the frames; it is there only where something was rendered.
    """

    page: Path
    data: Path
    picture: Path
    shots: Path
    frames: Path

    @classmethod
    def within(cls, folder: Path) -> Report:
        names = ("report.html", "report.json", "before_after.png", "shots.csv", "frames.csv")
        return cls(*(folder / name for name in names))


def write_report(
    project: Project,
    reel: Reel | None,
    done: Rendered | None = None,
    *,
    plan: Plan | None = None,
    folder: Path | None = None,
    changed: frozenset[int] = frozenset(),
    remarks: tuple[str, ...] = (),
    measure: Measure = "kept",
    watch: Callable[[int, int], None] | None = None,
) -> Report:
    """Write the report of a project.

    Args:
        project: The project.
        reel: Its reel; None where its media are not at hand: then there are no pictures.
        done: What was rendered just now; None takes what the ledger remembers, if anything.
        plan: What is decided, where there is no reel.
        folder: Where it goes; ``reports`` of the project if None.
        changed: Shots, by index, that are decided otherwise than they were rendered.
        remarks: More of what an editor should know.
        measure: How much of the result is measured for it: only what was (``kept``), besides as much as there is time
            for (``some``), or all of it. Where nobody assessed the film, nothing is.
        watch: Told how many frames of the result were read for that, and of how many.

    Raises:
        OutputError: It cannot be written.
        RenderError: A frame of the sheet cannot be made.
        ProjectError: The ledger is damaged.
        SettingError: ``report.toml`` cannot be understood.
    """
    report = Report.within(folder or project.reports)
    latest = Latest.of(project, done)
    decided = reel.plan if reel is not None else plan
    assert decided is not None
    said = [*(reel.remarks if reel is not None else ()), *remarks]
    if latest is not None and not latest.is_of(decided.cut):
        latest = None
        said.append("the latest render is of another cut and is left out here; render this one")
    if latest is not None and measure != "kept":
        said += _measured(project, latest, decided, measure == "some", watch)
    content = content_of(project, decided, latest, repairs_by_shot(project), remarks=said, changed=changed)
    colours: dict[str, str] = {}
    theatre = None if reel is None else Theatre(reel, project, latest)
    rows, pictures = _pictures(theatre, content, colours)
    atomic_text(report.page, page(content, pictures, colours, rows))
    atomic_text(report.data, _lines(content.facts))
    write_shots(report.shots, content.facts)
    if content.columns is not None and latest is not None:
        ids = [shot["id"] for shot in content.facts["shots"] for _ in range(shot["record"]["frames"])]
        write_frames(report.frames, content.columns, decided.cut, latest.factor, ids, measured_columns(content))
        if theatre is not None and done is not None:
            _sheet(theatre, content, latest.factor, report.picture)
    return report


def _measured(
    project: Project, latest: Latest, plan: Plan, bounded: bool, watch: Callable[[int, int], None] | None
) -> list[str]:
    found, _ = assessed(project.folder, len(plan.cut))
    if found is None:
        return []
    treated = treated_shots(plan)
    return measure_outcome(project, latest, plan.cut, found.found, treated, bounded=bounded, watch=watch)


def _lines(facts: Mapping[str, Any]) -> str:
    """JSON with a line for each key, and one for each shot."""
    told = {key: json.dumps(value) for key, value in facts.items()}
    told["shots"] = "[\n  " + ",\n  ".join(json.dumps(shot) for shot in facts["shots"]) + "\n ]"
    return "{\n " + ",\n ".join(f"{json.dumps(key)}: {text}" for key, text in told.items()) + "\n}\n"


def _pictures(theatre: Theatre | None, content: Content, colours: dict[str, str]) -> tuple[int, Pictures]:
    """Shots that have room on the page, and the pictures that have room beside them."""
    rows = min(ROWS, len(content.facts["shots"]))
    text = len(page(content, Pictures(), {}, rows).encode())
    if text > _MOST_TEXT:
        rows = max(1, int(rows * _MOST_TEXT / text))
        text = len(page(content, Pictures(), {}, rows).encode())
    if theatre is None:
        return rows, Pictures()
    room = int(0.75 * (BOUND - 60_000 - text))  # three bytes are four letters
    wanted = _chosen(content)
    each = min(_STILL, int(room * _STILLS) // max(1, len(wanted)))
    stills = tuple(still for one in wanted if (still := theatre.still(one, each, colours)) is not None)
    left = room - sum(len(still.before) + len(still.after) + len(still.mask or b"") for still in stills)
    thumbnails = _thumbnails(theatre, rows, left)
    content.facts["remarks"] += list(theatre.remarks)
    return rows, Pictures(stills, thumbnails)


def _chosen(content: Content) -> list[Any]:
    columns, latest = content.columns, content.latest
    if columns is None or latest is None:
        return []
    treated = [False] * columns.length
    for shot in content.facts["shots"]:
        for part in shot["treatment"]:
            if part["steps"] and shot["source"] is not None:
                first = part["first"] * latest.factor
                stop = min(columns.length, first + part["frames"] * latest.factor)
                treated[first:stop] = [True] * max(0, stop - first)
    seed = hashlib.sha256("".join(made.piece.key for made in latest.pieces).encode()).hexdigest()
    return chosen(columns, treated, seed)


def _thumbnails(theatre: Theatre, rows: int, room: int) -> dict[int, bytes]:
    """A small picture for each shot, as long as there is room for pictures that show anything."""
    each = min(_THUMB, room // max(1, rows))
    found: dict[int, bytes] = {}
    for index in range(rows):
        if each < _LEAST_THUMB or room < _LEAST_THUMB:
            break
        picture = theatre.thumbnail(index, each)
        if picture is not None and len(picture) <= room:
            found[index] = picture
            room -= len(picture)
    return found


def _sheet(theatre: Theatre, content: Content, factor: int, path: Path) -> None:
    """The frames with most repairs would flatter us; evenly spread shots tell more."""
    cut, width = content.plan.cut, 640
    shots = [shot for shot in content.facts["shots"] if shot["source"] is not None]
    picked = [shots[i] for i in spread(len(shots), _SHEET)]
    frames = [shot["record"]["start"] + shot["record"]["frames"] // 2 for shot in picked]
    labels = [f"{shot['name'] or shot['id']}  {cut.timecode(n)}" for shot, n in zip(picked, frames, strict=True)]
    pairs = [theatre.pair(n * factor) for n in frames]
    before, after = (_spliced(side, width) for side in zip(*pairs, strict=True))
    before_after(before, after, range(len(frames)), labels, path, width=width)


def _spliced(clips: Iterable[vs.VideoNode], width: int) -> vs.VideoNode:
    return vs.core.std.Splice([as_rgb24(clip, width) for clip in clips], mismatch=True)
