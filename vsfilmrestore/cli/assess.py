"""``vsfilmrestore assess``: look at a film."""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path
from typing import Annotated

import typer

from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.proposing import assess_watcher
from vsfilmrestore.cli.show import say, show_table
from vsfilmrestore.cli.tables import print_json
from vsfilmrestore.errors import UsageError
from vsfilmrestore.media.out.atomic import atomic_text
from vsfilmrestore.media.timecode import rate_text
from vsfilmrestore.render.assessing import Assessed, assess_project
from vsfilmrestore.render.describe import plan_facts
from vsfilmrestore.render.job import open_project

__all__ = ["command"]


@o.takes_source
def command(
    source: o.InputPath,
    given: o.Given,
    project: o.ProjectFolder = None,
    json: o.Json = False,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write all measures of all shots as CSV (- prints it).")
    ] = None,
    qctools: Annotated[
        Path | None,
        typer.Option("--qctools", help="Write FFmpeg's numbers of every frame for QCTools: film.qctools.xml.gz."),
    ] = None,
) -> int:
    """Find the shots of a film, measure each, and print what was found.

    Measures and cuts are kept in the project, where you can change the cuts; a film that has not changed is not
    measured again. docs/assess.md tells what is measured.
    """
    if json and csv is not None and str(csv) == "-":
        raise UsageError("of --json and --csv - only one can be printed", hint="Name a file for the other")
    if qctools is not None and not qctools.name.endswith((".xml.gz", ".xml")):
        raise UsageError("QCTools opens files named …qctools.xml.gz", file=qctools)
    assessed = assess_project(open_project(source, project, given, save=False), watch=assess_watcher())
    assessed.project.save()
    if qctools is not None:
        _write_qctools(qctools, assessed)
    if csv is not None:
        _write_csv(csv, assessed)
    if json:
        _print_json(assessed)
    elif csv is None or str(csv) != "-":
        _print_shots(assessed)
    return 0


def _print_shots(assessed: Assessed) -> None:
    from vsfilmrestore.assess.wording import found_in

    cut, found = assessed.reel.cut, assessed.found
    for remark in (*assessed.reel.remarks, *found.remarks):
        say(f"note: {remark}")
    told = {shot.first: found_in(shot) for shot in found.shots}
    rows = [
        [name, str(first), str(frames), timecode, told.get(first) or "nothing stands out"]
        for name, first, frames, timecode in _shots(assessed)
    ]
    rate = rate_text(cut.rate) + ("" if cut.rate_known else " (a guess, give it with --rate)")
    title = f"{cut.name}: {len(cut.shots)} shots, {len(cut)} frames at {rate} fps"
    show_table(title, ["shot", "first", "frames", "timecode", "found"], rows)
    say(f"measures {assessed.project.folder / 'assessment.sqlite'}")


def _shots(assessed: Assessed) -> list[tuple[str, int, int, str]]:
    """Name, first frame, number of frames and timecode of each shot."""
    return [
        (shot["name"] or shot["id"], shot["record"]["start"], shot["record"]["frames"], shot["record"]["in"])
        for shot in plan_facts(assessed.reel.plan)["shots"]
    ]


def _print_json(assessed: Assessed) -> None:
    from vsfilmrestore.assess.wording import found_in

    facts, found = plan_facts(assessed.reel.plan), assessed.found
    measured = {shot["first"]: shot for shot in found.facts()["shots"]}
    words = {shot.first: found_in(shot) for shot in found.shots}
    shots = []
    for shot in facts["shots"]:
        first = shot["record"]["start"]
        own = {"id": shot["id"], "name": shot["name"], "first": first, "frames": shot["record"]["frames"]}
        own |= {"timecode": shot["record"]["in"], "found": words.get(first, "")}
        shots.append(own | {key: measured.get(first, {}).get(key) for key in ("values", "lists", "remarks")})
    keep = {key: facts[key] for key in ("name", "file", "rate", "frames", "timecode")}
    keep |= {"remarks": [*assessed.reel.remarks, *found.remarks], "unreadable": list(found.unreadable)}
    print_json(keep | {"seconds": round(found.seconds, 2), "version": found.version, "shots": shots})


def _write_csv(path: Path, assessed: Assessed) -> None:
    from vsfilmrestore.assess.wording import write_table

    shots = _shots(assessed)
    text = StringIO(newline="")
    write_table(text, assessed.found, [shot[0] for shot in shots], [shot[3] for shot in shots])
    if str(path) == "-":
        sys.stdout.write(text.getvalue())
    else:
        atomic_text(path, text.getvalue())


def _write_qctools(path: Path, assessed: Assessed) -> None:
    from vsfilmrestore.assess.qctools import write_qctools

    watch = assess_watcher()
    told = None if watch is None else lambda done, total: watch("writing for QCTools", done, total)
    write_qctools(path, assessed.reel.source(), assessed.found, watch=told)
