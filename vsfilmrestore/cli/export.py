"""``vsfilmrestore export``: the timeline back to the editor, with the restored media in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from vsfilmrestore import timeline
from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.show import say
from vsfilmrestore.errors import UsageError
from vsfilmrestore.media.timecode import rate_text
from vsfilmrestore.render.decide import Decision, decide
from vsfilmrestore.render.export import rate_of, relinked, restored_medium, with_settings
from vsfilmrestore.render.guard import refuse_overwriting
from vsfilmrestore.render.job import cut_file, named_sources, open_reel, output_of
from vsfilmrestore.render.plan import CutFile
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.scan import Scan, scan_medium
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
    settings: Annotated[
        bool,
        typer.Option("--settings", help="With --original: what was decided about each shot as markers, to be changed."),
    ] = False,
    otio_schema: Annotated[
        str, typer.Option("--otio-schema", help="Write .otio for hosts with this release of OpenTimelineIO: 0.15 …")
    ] = "",
    rate: o.Rate = None,
    markers: o.Markers = None,
    sequence: o.SequenceName = None,
) -> int:
    """Write a timeline relinked to the restored media; of a cut list alone, the same cut in another format."""
    if restored is not None and original:
        raise UsageError("--original keeps the cut's own media, --restored names others", hint="Leave one of them out")
    if settings and not (original and Project.is_project(source)):
        hint = "Name the project, and add --original"
        raise UsageError("--settings goes with a project and --original", hint=hint)
    if output.suffix.lower() not in WRITERS:
        raise UsageError(f"'{output.suffix}' is not a cut list we write", file=output, hint=f"Use {', '.join(WRITERS)}")
    if Project.is_project(source):
        sources, made, again = _of_project(source, markers or [], sequence or "", as_read=original)
    else:
        sources, made, again = _of_cut(source, markers or [], sequence or "")
    cut, decisions = again(rate)
    medium = None if original else restored or made
    refuse_overwriting(output, None, [*sources, *([medium] if medium else [])])
    extras = None
    if medium is not None:
        if not cut.rate_known:
            cut, decisions = again(rate_of(medium))
        cut, extras = relinked(cut, restored_medium(medium, cut), decisions)
    if settings:
        cut = with_settings(cut, decisions)
    for remark in [*cut.remarks, *write(cut, output, extras, schema=otio_schema)]:
        say(f"note: {remark}")
    media = f"media {medium}" if medium is not None else "its own media"
    say(f"{output}: {len(cut.shots)} shots, {len(cut)} frames at {rate_text(cut.rate)} fps, {media}")
    return 0


type _Reader = Callable[[str | Fraction | None], tuple[CutList, list[Decision]]]
type _Found = tuple[list[Path], Path | None, _Reader]


def _of_cut(source: Path, markers: list[Path], sequence: str) -> _Found:
    """Files not to overwrite, no output, and how to read the cut at a rate."""
    if not timeline.is_cut_list(source):
        hint = "Render it, then export its project folder"
        raise UsageError("is neither a project folder nor a cut list", file=source, hint=hint)

    def read(rate: str | Fraction | None) -> tuple[CutList, list[Decision]]:
        return CutFile(source, rate, markers, sequence).read(), []

    return [source, *markers], None, read


def _of_project(folder: Path, markers: list[Path], sequence: str, *, as_read: bool) -> _Found:
    """The same of a project, with its output. The media of its cut need not be at hand.

    A cut with a scan of the finished film is that of the scan, unless it is wanted as it was read.
    """
    project = Project.open(folder)
    made = None if as_read and not project.settings.output else output_of(project)[0]
    known = cut_file(project)
    file = replace(known, markers=markers or known.markers, sequence=sequence or known.sequence)

    def read(rate: str | Fraction | None) -> tuple[CutList, list[Decision]]:
        if not timeline.is_cut_list(file.path):
            reel = open_reel(project, save=False)
            return reel.cut, reel.decisions
        cut = replace(file, rate=rate or file.rate).read()
        if project.settings.scan and not as_read:
            cut = Scan.of(scan_medium(project.resolve(project.settings.scan)), cut).over(cut)
        return cut, list(decide(cut, project.recipe(), project.sidecar()))

    return [*named_sources(project), *markers, folder / "project.toml"], made, read
