"""``vsfilmrestore plan``: what will be done to which shot, and why."""

from __future__ import annotations

from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.detect import detection_watcher
from vsfilmrestore.cli.show import say
from vsfilmrestore.cli.tables import print_plan
from vsfilmrestore.render.job import open_project, open_reel

__all__ = ["command"]


@o.takes_source
def command(source: o.InputPath, given: o.Given, project: o.ProjectFolder = None, json: o.Json = False) -> int:
    """Print every shot with its source, its settings and where each came from. Renders nothing."""
    opened = open_project(source, project, given)
    reel = open_reel(opened, watch=detection_watcher())
    if not json:
        for remark in reel.remarks:
            say(f"note: {remark}")
    print_plan(reel, as_json=json)
    return 0
