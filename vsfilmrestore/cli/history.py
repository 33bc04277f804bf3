"""``vsfilmrestore history``: what was repaired, down to the single repair."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, TextIO

import typer

from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.show import say, show_table
from vsfilmrestore.cli.tables import print_json
from vsfilmrestore.errors import OutputError, UsageError
from vsfilmrestore.render.history import Frame, History
from vsfilmrestore.render.history_shots import Choice, HistoryShot
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.verdicts import word_of

__all__ = ["FramesOption", "KindOption", "ProjectPath", "ShotOption", "command", "opened"]

ProjectPath = Annotated[Path, typer.Argument(metavar="PROJECT", help="Project folder of a film that was rendered.")]
ShotOption = Annotated[str, typer.Option("--shot", help="Shot, by name or id.")]
FramesOption = Annotated[
    str, typer.Option("--frames", help="Record frames, from 0 in the shot or else in the reel: 12 or 12-30 or 4,8-9.")
]
KindOption = Annotated[str, typer.Option("--kind", help="Kind of repair: dust, scratch, wires, frames …")]

_COLUMNS: Final = ("id", "shot", "kind", "record", "in_shot", "shown", "source", "frame", "box", "pixels", "state")


class By(StrEnum):
    """How much is told."""

    SHOT = "shot"
    FRAME = "frame"
    REPAIR = "repair"


def command(
    project: ProjectPath,
    shot: ShotOption = "",
    frames: FramesOption = "",
    kind: KindOption = "",
    by: Annotated[By, typer.Option("--by", help="Counts by shot or frame, or every single repair.")] = By.SHOT,
    json: o.Json = False,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write every single repair as CSV (- prints it).")
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option("--masks", help="Folder for a PNG of every mask: 255 repaired, 128 taken back, 0 untouched."),
    ] = None,
) -> int:
    """List the repairs of the latest render, and which of them were taken back.

    Opens no media and makes no frame. The JSON is described in docs/history.md.
    """
    history = History.open(opened(project))
    choice = history.chosen(shot, frames, kind)
    if csv_file is not None:
        _write_csv(history, choice, csv_file)
    if masks is not None:
        say(f"{_write_masks(history, choice, masks)} masks in {masks}")
    if json:
        print_json(_facts(history, choice, by))
    elif str(csv_file) != "-" and masks is None:
        _print(history, choice, by)
    return 0


def opened(folder: Path) -> Project:
    """The project of a folder.

    Raises:
        UsageError: It is none.
    """
    if not Project.is_project(folder):
        raise UsageError("is no project folder: it holds no project.toml", file=folder)
    return Project.open(folder)


def _facts(history: History, choice: Choice, by: By) -> dict[str, Any]:
    facts: dict[str, Any] = {"format": "vsfilmrestore-repairs", "version": 1, "remarks": history.remarks}
    facts["verdicts"] = [row.facts for row in history.verdicts]
    facts["shots"] = [_shot(history, shot, choice) for shot in _shots(history, choice)]
    if by is By.FRAME:
        facts["frames"] = [_frame(frame) for frame in history.frames(choice)]
    if by is By.REPAIR:
        facts["repairs"] = list(_rows(history, choice))
    return facts


def _shots(history: History, choice: Choice) -> list[HistoryShot]:
    return [shot for shot in history.shots if choice.shots is None or shot.index in choice.shots]


def _shot(history: History, shot: HistoryShot, choice: Choice) -> dict[str, Any]:
    counts = {kind: count.facts for kind, count in history.counts(shot).items() if choice.kind in ("", kind)}
    about = {"id": shot.id, "name": shot.name, "record": shot.first, "frames": shot.stop - shot.first}
    return {**about, "made": history.made(shot), "repairs": counts}


def _frame(frame: Frame) -> dict[str, Any]:
    about = {"shot": frame.shot.id, "kind": frame.kind, "record": frame.record[0], "shown": len(frame.record)}
    place = {"in_shot": frame.record[0] - frame.shot.first, "source": frame.source, "frame": frame.moment.frame}
    lost = sum(repair.state != "kept" for repair in frame.repairs()) if frame.verdicts else 0
    return {**about, **place, "made": frame.entry.blobs, "pixels": frame.entry.pixels, "rejected": lost}


def _rows(history: History, choice: Choice) -> Iterator[dict[str, Any]]:
    return (repair.facts for frame in history.frames(choice) for repair in frame.repairs())


def _print(history: History, choice: Choice, by: By) -> None:
    for remark in history.remarks:
        say(f"note: {remark}")
    match by:
        case By.SHOT:
            shots = _shots(history, choice)
            rows = [row for shot in shots for row in _shot_rows(_shot(history, shot, choice))]
            columns = ["shot", "kind", "frames", "repairs", "pixels", "taken back"]
            show_table(f"{len(shots)} shots", columns, rows)
        case By.FRAME:
            found = [_frame(frame) for frame in history.frames(choice)]
            keys = ["shot", "kind", "record", "in_shot", "source", "frame", "made", "pixels", "rejected"]
            show_table(f"{len(found)} frames with repairs", keys, [[str(row[key]) for key in keys] for row in found])
        case By.REPAIR:
            found = list(_rows(history, choice))
            rows = [[_cell(row, key) for key in _COLUMNS] for row in found]
            show_table(f"{len(found)} repairs", list(_COLUMNS), rows)
    if history.verdicts:
        say(f"{len(history.verdicts)} verdicts stand in repairs.toml")


def _shot_rows(shot: Mapping[str, Any]) -> Iterator[list[str]]:
    name = shot["name"] or shot["id"]
    for kind, count in shot["repairs"].items():
        back = str(count["rejected"]) if count["rejected"] else ""
        yield [name, word_of(kind), str(count["frames"]), str(count["made"]), str(count["pixels"]), back]
    if not shot["repairs"]:
        yield [name, "" if shot["made"] else "not known", "", "0" if shot["made"] else "", "", ""]


def _cell(row: Mapping[str, Any], key: str) -> str:
    value = row[key]
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _write_csv(history: History, choice: Choice, path: Path) -> None:
    if str(path) == "-":
        _csv(history, choice, sys.stdout)
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            _csv(history, choice, file)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", file=path) from None


def _csv(history: History, choice: Choice, file: TextIO) -> None:
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(_COLUMNS)
    rows.writerows([_cell(row, key) for key in _COLUMNS] for row in _rows(history, choice))


def _write_masks(history: History, choice: Choice, folder: Path) -> int:
    import numpy as np

    from vsfilmrestore.render.pictures import save_png  # brings OpenImageIO

    written = 0
    for frame in history.frames(choice):
        repaired = frame.read()
        picture = repaired.mask.astype(np.uint8) * 255
        if frame.verdicts:
            left, top, right, bottom = repaired.box
            picture[top:bottom, left:right][frame.back(repaired)[0]] = 128
        side = "_fading" if frame.fading else ""
        save_png(picture[..., None], folder / f"{word_of(frame.kind)}{side}_{frame.record[0]:07d}.png")
        written += 1
    return written
