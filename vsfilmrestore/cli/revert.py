"""``vsfilmrestore revert``: repairs are taken back, or accepted again."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.history import FramesOption, KindOption, ProjectPath, ShotOption, opened
from vsfilmrestore.cli.show import say
from vsfilmrestore.cli.tables import print_json
from vsfilmrestore.render.history import History
from vsfilmrestore.render.history_words import Words, changed_rows, say_of_repairs
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.verdicts import ACCEPT, REJECT, Verdict

__all__ = ["command", "decided"]


def command(
    project: ProjectPath,
    repair: Annotated[
        list[str] | None, typer.Option("--repair", help="Id of a single repair, as history lists it. May be repeated.")
    ] = None,
    shot: ShotOption = "",
    frames: FramesOption = "",
    kind: KindOption = "",
    region: Annotated[
        list[str] | None,
        typer.Option("--region", help="Area: left,top,right,bottom or x,y,x,y,x,y in pixels or per cent. Repeatable."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every repair of the film.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Accept them again.")] = False,
    note: Annotated[str, typer.Option("--note", help="Why; kept with the verdict.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written and write nothing.")] = False,
    json: o.Json = False,
) -> int:
    """Take repairs back: the next render leaves the picture there as it was, and makes only what that touches anew.

    All options together narrow the choice. Verdicts are kept in repairs.toml of the project, by frames of the source:
    they survive re-cuts and new settings.
    """
    about = opened(project)
    words = Words(repair or (), shot, frames, kind, region or (), every, note)
    facts = decided(about, [(ACCEPT if undo else REJECT, words)], dry_run=dry_run)
    if json:
        print_json(facts)
        return 0
    for row in facts["new"]:
        say(f"{'accepted' if row['say'] == ACCEPT else 'taken back'}: {_told(row)}")
    for row in facts["gone"]:
        say(f"no longer stands: {_told(row)}")
    if not facts["new"] and not facts["gone"]:
        say("All of this was said before; nothing changes.")
    elif dry_run:
        say("Nothing was written (--dry-run).")
    else:
        say(f"verdicts {about.repairs}")
        say(f"To see it in the film: vsfilmrestore render {project}")
    return 0


def decided(project: Project, said: list[tuple[str, Words]], *, dry_run: bool = False) -> dict[str, Any]:
    """Write verdicts into a project, and tell which are new and which went.

    Raises:
        VsfrError: The words choose nothing, or the project was not rendered yet.
    """
    history = History.open(project)
    new: list[Verdict] = [row for say_, words in said for row in say_of_repairs(history, say_, words)]
    before = project.verdicts()  # somebody else may have written while we looked
    after = before.said(new)
    added, gone = changed_rows(before, after)
    if not dry_run and (added or gone):
        after.write(project.repairs)
    return {"new": [row.facts for row in added], "gone": [row.facts for row in gone], "written": not dry_run}


def _told(row: dict[str, Any]) -> str:
    words = [f"{row['kind']}" if "kind" in row else "every kind"]
    if "blob" in row:
        words.append("at {},{}".format(*row["blob"]))
    if "region" in row:
        words.append(f"in {','.join(map(str, row['region']))}")
    if "frames" in row:
        first, last = row["frames"]
        words.append(f"frame {first}" if first == last else f"frames {first} to {last}")
    words.append(f"of {row['source']}" if "source" in row else "of all sources")
    return ", ".join(words)
