"""``vsfilmrestore recut``: the film was cut anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.show import say, show_table
from vsfilmrestore.cli.tables import print_json
from vsfilmrestore.errors import UsageError
from vsfilmrestore.render.describe_recut import recut_facts
from vsfilmrestore.render.executor import frames_left
from vsfilmrestore.render.job import open_reel, output_of
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.recut import OldNotes
from vsfilmrestore.render.recut_project import plan_recut

__all__ = ["command"]


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="Project folder of the film.")],
    cut: Annotated[Path, typer.Argument(metavar="NEW_CUT", help="The new cut list.")],
    markers: o.Markers = None,
    media: o.MediaPlaces = None,
    rate: o.Rate = None,
    sequence: o.SequenceName = None,
    old: Annotated[
        Path | None, typer.Option("--old", help="The old cut list, where the one the project names is gone or changed.")
    ] = None,
    old_notes: Annotated[
        OldNotes,
        typer.Option(
            "--old-notes",
            help="VSFR words that only the old cut list or its markers hold: keep writes them into the project, "
            "drop forgets them; auto keeps them where the new cut has no words, or a marker list has no successor.",
        ),
    ] = OldNotes.AUTO,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen and write nothing.")] = False,
    count: Annotated[
        bool,
        typer.Option("--count", help="Tell how many frames are left to render; opens the media and makes a frame."),
    ] = False,
    all_shots: Annotated[bool, typer.Option("--all", help="List shots that stay as they are, too.")] = False,
    json: o.Json = False,
) -> int:
    """Go on with a new cut: settings follow their shots to the same source frames, and so do finished renders.

    Nothing is rendered: `render PROJECT` then makes only the frames that no finished render holds. The old project.toml
    is kept beside the new one. Media need not be at hand.
    """
    if not Project.is_project(project):
        raise UsageError("is no project folder: it holds no project.toml", file=project)
    given = o.settings_given(markers=markers, media=media, rate=rate, sequence=sequence)
    plan = plan_recut(Project.open(project), cut, given, notes=old_notes, old_cut=old)
    facts = recut_facts(plan.carried)
    if count:
        left, whole = frames_left(open_reel(plan.after, save=False), plan.after, *output_of(plan.after))
        facts["render"] = {"frames": whole, "left": left}
    copy = None if dry_run else plan.write()
    if json:
        print_json(facts | {"written": not dry_run, "before": str(copy) if copy else ""})
        return 0
    _print(facts, everything=all_shots)
    if "render" in facts:
        say(f"render   {facts['render']['left']} of {facts['render']['frames']} frames are left to make")
    if copy is None:
        say("Nothing was written (--dry-run).")
    else:
        say(f"project  {project / 'project.toml'}")
        say(f"before   {copy}")
    return 0


def _print(facts: dict[str, Any], *, everything: bool) -> None:
    shots = facts["shots"]
    shown = [shot for shot in shots if everything or not _dull(shot)]
    kinds = Counter(shot["kind"] for shot in shots if shot["kind"] != "gap")
    title = f"{len(shots)} shots: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    columns = ["shot", "record", "what", "was", "frames", "ends", "settings"]
    show_table(title, columns, [list(_row(shot)) for shot in shown])
    if facts["orphans"]:
        rows = [[shot["name"], shot["id"], str(shot["frames"]), shot["settings"]] for shot in facts["orphans"]]
        show_table(f"{len(rows)} shots are no longer shown", ["shot", "id", "frames", "settings"], rows)
    if facts["waiting"]:
        rows = [[row["key"], row["why"]] for row in facts["waiting"]]
        show_table(f"{len(rows)} rows of [shots] wait for a shot", ["row", "why"], rows)
    for remark in facts["remarks"]:
        say(f"note: {remark}")
    for warning in facts["warnings"]:
        say(f"warning: {warning}")


def _dull(shot: dict[str, Any]) -> bool:
    return shot["kind"] == "gap" or (
        shot["kind"] == "same" and not shot["moved"] and shot["settings"] in ("", "kept") and not shot["renamed"]
    )


def _row(shot: dict[str, Any]) -> Iterator[str]:
    yield shot["name"] or shot["id"]
    yield shot["record"]["in"]
    yield f"{shot['kind']}, moved" if shot["moved"] else shot["kind"]
    yield ", ".join(old["name"] or old["id"] for old in shot["old"])
    yield f"{sum(old['shared'] for old in shot['old'])} of {shot['frames']}" if shot["old"] else str(shot["frames"])
    yield " ".join(f"{end} {shot[end]:+}" for end in ("head", "tail") if shot[end])
    yield shot["settings"]
