"""``vsfilmrestore restore``: the one command."""

from __future__ import annotations

from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.render import render_project
from vsfilmrestore.render.job import open_project

__all__ = ["command"]


def command(
    source: o.InputPath,
    output: o.Output = None,
    format_: o.ProfileName = None,
    media: o.MediaPlaces = None,
    markers: o.Markers = None,
    rate: o.Rate = None,
    start: o.Start = None,
    gap: o.Gap = None,
    inverse_telecine: o.InverseTelecine = None,
    first: o.First = None,
    last: o.Last = None,
    handles: o.Handles = None,
    preset: o.Preset = None,
    changes: o.Set = None,
    project: o.ProjectFolder = None,
    progress: o.ProgressStyle = "auto",
) -> int:
    """Restore a film: find its shots, treat each by its settings or the preset, render, and report.

    Without -o the result is <input>_restored.mkv in the current folder, bit-exact FFV1. Without --preset the least
    intervening one is taken (archive). Stopped or killed, the same command goes on where it was.
    """
    given = o.settings_given(
        media=media,
        changes=changes,
        output=output,
        profile=format_,
        markers=markers,
        rate=rate,
        start=start,
        gap=gap,
        inverse_telecine=inverse_telecine,
        first=first,
        last=last,
        handles=handles,
        preset=preset,
    )
    opened = open_project(source, project, given, output=f"{source.stem or source.name}_restored.mkv")
    render_project(opened, progress)
    return 0
