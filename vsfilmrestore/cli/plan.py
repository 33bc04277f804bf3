"""``vsfilmrestore plan``: what will be done to which shot, and why."""

from __future__ import annotations

from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.detect import detection_watcher
from vsfilmrestore.cli.show import say
from vsfilmrestore.cli.tables import print_plan
from vsfilmrestore.render.job import open_project, open_reel

__all__ = ["command"]


def command(
    source: o.InputPath,
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
    json: o.Json = False,
) -> int:
    """Print every shot with its source, its settings and where each came from. Renders nothing."""
    given = o.settings_given(
        media=media,
        changes=changes,
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
    opened = open_project(source, project, given)
    reel = open_reel(opened, watch=detection_watcher())
    if not json:
        for remark in reel.remarks:
            say(f"note: {remark}")
    print_plan(reel, as_json=json)
    return 0
