"""``vsfilmrestore export``: the timeline back to the editor, with the restored media in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vsfilmrestore import timeline
from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.show import say
from vsfilmrestore.errors import UsageError
from vsfilmrestore.media.timecode import rate_text
from vsfilmrestore.render.decide import Decision, decide
from vsfilmrestore.render.export import relinked, restored_medium
from vsfilmrestore.render.guard import refuse_overwriting
from vsfilmrestore.render.job import named_sources, open_reel, output_of
from vsfilmrestore.render.project import Project
from vsfilmrestore.timeline.model import CutList
from vsfilmrestore.timeline.writer import WRITERS, write

__all__ = ["command"]


def command(
    source: Annotated[Path, typer.Argument(metavar="PROJECT|CUT", help="Project that was rendered, or a cut list.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Cut list to write: .otio, .edl, .xml (FCP 7), .fcpxml or .aaf.")
    ],
    restored: Annotated[
        Path | None,
        typer.Option("--restored", help="Restored movie, folder or pattern, if not the output the project names."),
    ] = None,
    original: Annotated[
        bool, typer.Option("--original", help="Of a project: write the cut as it was read, with its own media.")
    ] = False,
    otio_schema: Annotated[
        str, typer.Option("--otio-schema", help="Write .otio for hosts with this release of OpenTimelineIO: 0.15 …")
    ] = "",
    rate: o.Rate = None,
    markers: o.Markers = None,
) -> int:
    """Write a timeline relinked to the restored media; of a cut list alone, the same cut in another format."""
    if restored is not None and original:
        raise UsageError("--original keeps the cut's own media, --restored names others", hint="Leave one of them out")
    if output.suffix.lower() not in WRITERS:
        raise UsageError(f"'{output.suffix}' is not a cut list we write", file=output, hint=f"Use {', '.join(WRITERS)}")
    if Project.is_project(source):
        cut, decisions, sources, made = _of_project(source, rate, markers)
    else:
        cut, decisions, sources, made = _of_cut(source, rate, markers)
    medium = None if original else restored or made
    refuse_overwriting(output, None, [*sources, *([medium] if medium else [])])
    extras = None
    if medium is not None:
        cut, extras = relinked(cut, restored_medium(medium, cut), decisions)
    for remark in [*cut.remarks, *write(cut, output, extras, schema=otio_schema)]:
        say(f"note: {remark}")
    media = f"media {medium}" if medium is not None else "its own media"
    say(f"{output}: {len(cut.shots)} shots, {len(cut)} frames at {rate_text(cut.rate)} fps, {media}")
    return 0


type _Found = tuple[CutList, list[Decision], list[Path], Path | None]


def _of_cut(source: Path, rate: str | None, markers: Path | None) -> _Found:
    if not timeline.is_cut_list(source):
        hint = "Render it, then export its project folder"
        raise UsageError("is neither a project folder nor a cut list", file=source, hint=hint)
    cut = timeline.read(source, rate=rate, markers=markers)
    return cut, [], [source, *([markers] if markers else [])], None


def _of_project(folder: Path, rate: str | None, markers: Path | None) -> _Found:
    """Cut, decisions, files not to overwrite, and the restored output. The media of the cut need not be at hand."""
    project = Project.open(folder)
    said = project.settings
    made, _ = output_of(project)
    sources = [*named_sources(project), folder / "project.toml"]
    path = project.resolve(said.input)
    if not timeline.is_cut_list(path):
        reel = open_reel(project, save=False)
        return reel.cut, reel.decisions, sources, made
    marker_list = markers or (project.resolve(said.markers) if said.markers else None)
    cut = timeline.read(path, rate=rate or said.rate or None, markers=marker_list)
    return cut, decide(cut, project.recipe(), said.shots), sources, made
