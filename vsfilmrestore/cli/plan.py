"""``vsfilmrestore plan``: what will be done to which shot, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from vsfilmrestore import timeline
from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.detect import detection_watcher
from vsfilmrestore.cli.show import say
from vsfilmrestore.cli.tables import print_frames, print_plan, write_frames
from vsfilmrestore.errors import UsageError
from vsfilmrestore.render.conform import refusal
from vsfilmrestore.render.hashes import with_hashes
from vsfilmrestore.render.job import open_project, open_reel, plan_project
from vsfilmrestore.render.opening import media_opener, said_of_media
from vsfilmrestore.render.plan import Plan
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.shotlist import write_shotlist_csv, write_shotlist_toml

__all__ = ["command"]


@o.takes_source
def command(
    source: o.InputPath,
    given: o.Given,
    project: o.ProjectFolder = None,
    json: o.Json = False,
    frames: Annotated[
        bool, typer.Option("--frames", help="Print which source frame each record frame shows (--json: JSON lines).")
    ] = False,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", help="Write the shot list, or with --frames all frames, as CSV (- prints it)."),
    ] = None,
    toml: Annotated[
        Path | None,
        typer.Option(
            "--toml", help="Write the shot list as TOML, in the form of [shots] of project.toml (- prints it)."
        ),
    ] = None,
    thumbnails: Annotated[
        Path | None, typer.Option("--thumbnails", help="Folder to write a small picture of each shot into.")
    ] = None,
    verify_hash: Annotated[
        bool,
        typer.Option("--verify-hash", help="Compare checksums of media: [[media]] in project.toml, .md5 and .sha256."),
    ] = False,
    reject: Annotated[
        list[str] | None,
        typer.Option("--reject", help="Take a repair of the latest render back, by its id (of a project)."),
    ] = None,
    accept: Annotated[
        list[str] | None, typer.Option("--accept", help="Accept a repair again that was taken back, by its id.")
    ] = None,
    aim: o.AimName = None,
    table: o.TableFile = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Missing media, or shots outside their media, are an error (exit code 3).")
    ] = False,
) -> int:
    """Print every shot with its source, its settings and where each came from, and the media with what is missing.

    Renders nothing, needs no media, and writes nothing unless an option names a file or folder for it. The JSON is
    described in docs/plan.md. Of a project that was rendered it tells the repairs of each shot, too.

    With --aim or --table the film is assessed, settings are proposed for its shots, and written into the project where
    you have not said otherwise.
    """
    printed = [str(name) for name in (csv, toml)].count("-")
    if printed + json > 1 and not (frames and toml is None):
        raise UsageError("of --json, --csv - and --toml - only one can be printed", hint="Name a file for the others")
    opened = open_project(source, project, given, save=False)
    if aim is not None or table is not None:
        opened = _proposed(opened, given, aim, table, quiet=json or bool(printed))
    if reject or accept:
        _decide(opened, reject or [], accept or [])
    if timeline.is_cut_list(opened.resolve(opened.settings.input)):
        plan = plan_project(opened)
        if project is not None:
            opened.save()
    else:
        plan = open_reel(opened, watch=detection_watcher(), save=project is not None).plan
    if verify_hash:
        plan = replace(plan, conform=with_hashes(plan.conform, said_of_media(opened.settings, opened.folder)))
    pictures = None if thumbnails is None else _thumbnails(plan, opened, thumbnails, quiet=json)
    if csv is not None:
        write_frames(plan, csv) if frames else write_shotlist_csv(csv, plan.cut, plan.decisions, pictures)
    if toml is not None:
        write_shotlist_toml(toml, plan.cut, plan.decisions, pictures)
    if frames and csv is None and not printed:
        print_frames(plan, as_json=json)
    elif not frames and not printed:
        print_plan(plan, as_json=json, thumbnails=pictures, repairs=_repairs(opened))
    if strict and plan.conform.severe:
        raise refusal(plan.cut, plan.conform.severe)
    return 0


def _proposed(project: Project, given: o.Given, aim: str | None, table: Path | None, *, quiet: bool) -> Project:
    from vsfilmrestore.cli.proposing import assess_watcher, say_proposal  # these bring the rules and the measures
    from vsfilmrestore.render.proposing import LEAST, Wish, proposed

    if "preset" in given:
        raise UsageError("--preset says what is done, --aim finds it out", hint="Leave one of them out")
    wanted = Wish(aim or project.settings.aim or LEAST)
    made = proposed(project, wanted, table=table, given=given, watch=None if quiet else assess_watcher())
    if not quiet:
        say_proposal(made)
    return made.project


def _decide(project: Project, reject: list[str], accept: list[str]) -> None:
    from vsfilmrestore.cli.revert import decided  # brings the ledger
    from vsfilmrestore.render.history_words import Words
    from vsfilmrestore.render.verdicts import ACCEPT, REJECT

    decided(project, [(say, Words(ids)) for say, ids in ((REJECT, reject), (ACCEPT, accept)) if ids])


def _repairs(project: Project) -> dict[str, dict[str, Any]] | None:
    """Repairs of the latest render by shot and kind; None where nothing was rendered."""
    if not project.ledger.is_file():
        return None
    from vsfilmrestore.render.history_words import repairs_by_shot  # brings the ledger

    return repairs_by_shot(project)


def _thumbnails(plan: Plan, project: Project, folder: Path, *, quiet: bool) -> list[Path | None]:
    from vsfilmrestore.render.thumbs import write_thumbnails  # brings NumPy and OpenImageIO

    pictures, remarks = write_thumbnails(plan, folder, media_opener(project.settings, project.folder))
    for remark in remarks if not quiet else ():
        say(f"note: {remark}")
    return pictures
