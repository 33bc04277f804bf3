"""``vsfilmrestore render``: do what was decided."""

from __future__ import annotations

import json

from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.detect import detection_watcher
from vsfilmrestore.cli.show import listener, say
from vsfilmrestore.errors import InferenceError, MediaError, RenderError
from vsfilmrestore.render.executor import render
from vsfilmrestore.render.fields import untreated_fields
from vsfilmrestore.render.job import open_project, open_reel, output_of
from vsfilmrestore.render.mending import without_unreadable
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.report import write_report
from vsfilmrestore.render.sound import sound_left_out

__all__ = ["command", "render_project"]


@o.takes_source
def command(
    source: o.InputPath,
    given: o.Given,
    output: o.Output = None,
    format_: o.ProfileName = None,
    project: o.ProjectFolder = None,
    history: o.KeepHistory = None,
    measure: o.MeasureResult = None,
    progress: o.ProgressStyle = "auto",
) -> int:
    """Render a cut, a film or a project. Stopped or killed, the same command goes on where it was.

    A .vpy is rendered as it is: the script is the recipe.
    """
    given |= o.settings_given(output=output, profile=format_, history=history, measure=measure)
    if source.suffix.lower() == ".vpy":
        given.setdefault("preset", "none")
    opened = open_project(source, project, given, save=False)
    render_project(opened, progress)
    return 0


def render_project(project: Project, progress: str) -> None:
    """Render a project to its output and write its report; says where all is."""
    try:
        _render(project, progress)
    except (MediaError, RenderError) as error:
        # A frame that nobody came across before: found, passed over and told, and what is finished is kept.
        whole = None if isinstance(error, InferenceError) else without_unreadable(project)
        if whole is None:
            raise
        whole.save()
        _render(whole, progress)


def _render(project: Project, progress: str) -> None:
    output, profile = output_of(project)
    bars = listener(progress)
    reel = open_reel(project, watch=detection_watcher())
    told = [*reel.remarks, *untreated_fields(reel.bound, reel.decisions), *sound_left_out(reel.bound, reel.rate)]
    remarks = [] if progress == "jsonl" else told
    for remark in remarks:
        say(f"note: {remark}")
    done = render(reel, project, output, profile, bars)
    report = write_report(project, reel, done, measure="some" if project.settings.measure else "kept")
    if progress == "jsonl":
        where = {"output": str(done.output), "report": str(report.page), "pictures": str(report.picture)}
        say(json.dumps({"event": "done", "seconds": round(done.seconds, 3)} | where))
        return
    say(f"result   {done.output}")
    say(f"pictures {report.picture}")
    say(f"report   {report.page}")
