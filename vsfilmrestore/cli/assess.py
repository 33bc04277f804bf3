"""``vsfilmrestore assess``: look at a film."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.proposing import assess_watcher
from vsfilmrestore.cli.show import say, show_table
from vsfilmrestore.cli.tables import print_json
from vsfilmrestore.errors import UsageError
from vsfilmrestore.media.timecode import rate_text
from vsfilmrestore.render.assessing import Assessed, assess_project
from vsfilmrestore.render.job import open_project
from vsfilmrestore.render.measured import measured_csv, measured_facts, write_measured_csv, write_sidecar

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
        watch = assess_watcher()
        write_sidecar(qctools, assessed, None if watch is None else partial(watch, "writing for QCTools"))
    if json:
        print_json(measured_facts(assessed))
    elif csv is not None and str(csv) == "-":
        sys.stdout.write(measured_csv(assessed))
    else:
        _print_shots(assessed)
    if csv is not None and str(csv) != "-":
        write_measured_csv(csv, assessed)
    return 0


def _print_shots(assessed: Assessed) -> None:
    cut, facts = assessed.reel.cut, measured_facts(assessed)
    for remark in facts["remarks"]:
        say(f"note: {remark}")
    rows = [
        [s["name"] or s["id"], str(s["first"]), str(s["frames"]), s["timecode"], s["found"] or "nothing stands out"]
        for s in facts["shots"]
    ]
    rate = rate_text(cut.rate) + ("" if cut.rate_known else " (a guess, give it with --rate)")
    title = f"{cut.name}: {len(cut.shots)} shots, {len(cut)} frames at {rate} fps"
    show_table(title, ["shot", "first", "frames", "timecode", "found"], rows)
    for shot in facts["shots"]:
        for remark in shot["remarks"] or ():
            say(f"note: shot {shot['name'] or shot['id']}: {remark}")
    say(f"measures {assessed.project.folder / 'assessment.sqlite'}")
