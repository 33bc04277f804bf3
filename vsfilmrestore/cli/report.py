"""``vsfilmrestore report``: the report of a project, written anew."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from vsfilmrestore import timeline
from vsfilmrestore.cli.detect import detection_watcher
from vsfilmrestore.cli.proposing import assess_watcher
from vsfilmrestore.cli.show import say
from vsfilmrestore.errors import UsageError, VsfrError
from vsfilmrestore.render.executor import shots_left
from vsfilmrestore.render.job import open_project, open_reel, output_of, plan_project
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.reel import Reel
from vsfilmrestore.render.report import Told, write_report

__all__ = ["command"]


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="Project folder.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder to write to; reports/ of the project if not given.")
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Title of the film.")] = None,
    reel: Annotated[str | None, typer.Option("--reel", help="Which reel of it.")] = None,
    element: Annotated[
        str | None, typer.Option("--element", help='What was scanned: "35 mm nitrate positive, tinted".')
    ] = None,
    scan: Annotated[str | None, typer.Option("--scanned", help="How, when and by whom it was scanned.")] = None,
    institution: Annotated[str | None, typer.Option("--institution", help="Whose film it is.")] = None,
    operator: Annotated[str | None, typer.Option("--operator", help="Who is responsible for the treatment.")] = None,
    approval: Annotated[str | None, typer.Option("--approval", help="Who approved it, and when.")] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure all of the result first, where the source was measured.")
    ] = False,
) -> int:
    """Write the report of a project anew: one page, JSON and CSV. Renders nothing.

    What is rendered is told as the ledger remembers it; of a project that was not rendered yet it is what was found and
    what is proposed. What the options say of the film is kept in report.toml of the project.
    """
    if not Project.is_project(project):
        hint = "Make one with restore, render or assess"
        raise UsageError("is no project folder", file=project, hint=hint)
    opened = open_project(project, None, {}, save=False)
    words = {"title": title, "reel": reel, "element": element, "scan": scan}
    words |= {"institution": institution, "operator": operator, "approval": approval}
    Told.read(opened.folder).with_(words).write(opened.folder)
    found, told = _reel(opened)
    plan = None if found is not None else plan_project(opened)
    changed, more = _changed(opened, found)
    report = write_report(
        opened,
        found,
        plan=plan,
        folder=output,
        changed=changed,
        remarks=(*told, *more),
        measure="all" if measure else "kept",
        watch=_watcher(),
    )
    for remark in (*told, *more):
        say(f"note: {remark}")
    say(str(report.page))
    return 0


def _watcher() -> Callable[[int, int], None] | None:
    watch = assess_watcher()
    return None if watch is None else partial(watch, "measuring the result")


def _reel(project: Project) -> tuple[Reel | None, list[str]]:
    """The reel; None, and why, where it is a cut list whose media are not at hand."""
    try:
        return open_reel(project, watch=detection_watcher(), save=False), []
    except VsfrError as error:
        if not timeline.is_cut_list(project.resolve(project.settings.input)):
            raise
        return None, [f"there are no pictures: {error}"]


def _changed(project: Project, reel: Reel | None) -> tuple[frozenset[int], list[str]]:
    """Shots that are decided otherwise than they were rendered."""
    if reel is None or not project.ledger.is_file() or not project.settings.output:
        return frozenset(), []
    try:
        return shots_left(reel, project, *output_of(project)), []
    except VsfrError as error:
        return frozenset(), [f"whether shots were changed since the render cannot be told: {error}"]
