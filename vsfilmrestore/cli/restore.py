"""``vsfilmrestore restore``: the one command."""

from __future__ import annotations

from typing import Annotated

import typer

from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.proposing import assess_watcher, say_proposal, say_wish
from vsfilmrestore.cli.render import render_project
from vsfilmrestore.errors import UsageError
from vsfilmrestore.render.job import open_project
from vsfilmrestore.render.proposing import proposed, wish

__all__ = ["command"]


@o.takes_source
def command(
    source: o.InputPath,
    given: o.Given,
    output: o.Output = None,
    format_: o.ProfileName = None,
    aim: o.AimName = None,
    assess: Annotated[
        bool | None,
        typer.Option("--assess/--no-assess", help="Look at the film first, or not. Done where nobody described it."),
    ] = None,
    table: o.TableFile = None,
    project: o.ProjectFolder = None,
    history: o.KeepHistory = None,
    measure: o.MeasureResult = None,
    progress: o.ProgressStyle = "auto",
) -> int:
    """Restore a film: find its shots, look at each, propose what it needs, render, and report.

    A film that nobody described is assessed, and each shot gets what it needs, with reasons: see its project.toml. With
    --preset, --set, or a cut that carries settings, those decide instead, on top of the preset archive. Without -o the
    result is <input>_restored.mkv in the current folder, bit-exact FFV1. Stopped or killed, the same command goes on
    where it was.
    """
    given |= o.settings_given(output=output, profile=format_, history=history, measure=measure)
    if "preset" in given and (aim is not None or assess):
        raise UsageError("--preset says what is done, --aim and --assess find it out", hint="Leave one of them out")
    opened = open_project(source, project, given, output=f"{source.stem or source.name}_restored.mkv", save=False)
    wanted = wish(opened, given, aim=aim or "", assess=assess)
    quiet = progress in ("jsonl", "none")
    if not quiet:
        say_wish(wanted)
    if wanted.aim:
        made = proposed(opened, wanted, table=table, given=given, watch=assess_watcher())
        opened = made.project
        if progress != "none":
            say_proposal(made, as_json=progress == "jsonl")
    render_project(opened, progress)
    return 0
