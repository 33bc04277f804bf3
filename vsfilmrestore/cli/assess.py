"""``vsfilmrestore assess``: look at a film."""

from __future__ import annotations

from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.detect import detection_watcher
from vsfilmrestore.cli.tables import print_shots
from vsfilmrestore.render.job import open_project, open_reel

__all__ = ["command"]


@o.takes_source
def command(source: o.InputPath, given: o.Given, project: o.ProjectFolder = None, json: o.Json = False) -> int:
    """Find the shots of a film and print them. The cuts are kept in the project, where you can change them."""
    opened = open_project(source, project, given, save=False)
    reel = open_reel(opened, watch=detection_watcher())
    print_shots(reel.plan, as_json=json)
    return 0
