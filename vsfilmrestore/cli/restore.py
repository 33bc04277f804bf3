"""``vsfilmrestore restore``: the one command."""

from __future__ import annotations

from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.render import render_project
from vsfilmrestore.render.job import open_project

__all__ = ["command"]


@o.takes_source
def command(
    source: o.InputPath,
    given: o.Given,
    output: o.Output = None,
    format_: o.ProfileName = None,
    project: o.ProjectFolder = None,
    history: o.KeepHistory = None,
    progress: o.ProgressStyle = "auto",
) -> int:
    """Restore a film: find its shots, treat each by its settings or the preset, render, and report.

    Without -o the result is <input>_restored.mkv in the current folder, bit-exact FFV1. Without --preset the least
    intervening one is taken (archive). Stopped or killed, the same command goes on where it was.
    """
    given |= o.settings_given(output=output, profile=format_, history=history)
    opened = open_project(source, project, given, output=f"{source.stem or source.name}_restored.mkv", save=False)
    render_project(opened, progress)
    return 0
