"""The shot list: what was decided about every shot and where it came from, as CSV for people and TOML for us.

The CSV has a row for each shot, and below it one for each range and each key of it. The TOML has the form of the table
``[shots]`` in ``project.toml``; read as a sidecar it decides the same again.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from vsfilmrestore.errors import SettingError
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.media.out.atomic import atomic_text
from vsfilmrestore.media.timecode import format_timecode
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.recipes.wording import recipe_words
from vsfilmrestore.render.decide import Decision, Part
from vsfilmrestore.render.places import Place, moment_text, range_texts
from vsfilmrestore.timeline.ids import unique_ids
from vsfilmrestore.timeline.model import CutList, FrameRange, Shot

__all__ = ["COLUMNS", "ListRow", "origin_text", "shot_row", "shot_rows", "write_shotlist_csv", "write_shotlist_toml"]

_HEAD: Final = """\
# Shot list of {name}. The tables below may stand in a project.toml, or be read as they are.
# 'settings' decides; 'about' is told for people and decides nothing.
"""


@dataclass(frozen=True, slots=True)
class ListRow:
    """A row of the shot list; text throughout.

    Attributes:
        id: Id of the shot, numbered where several have the same.
        kind: ``shot``, ``range`` or ``key``.
        name: Name of the shot.
        event: Event number in an EDL.
        record_in: Record timecode of the first frame: of the shot, the range, or the key.
        record_out: Record timecode after the last one.
        source: Reel or file; ``black`` for a gap.
        source_in: First source frame in the order of the source, as timecode or number.
        source_out: The one after the last.
        settings: Marker words.
        origin: Where they came from.
        warnings: What an editor should know.
        thumbnail: Path of a small picture.
    """

    id: str
    kind: str
    name: str
    event: str
    record_in: str
    record_out: str
    source: str
    source_in: str
    source_out: str
    settings: str
    origin: str
    warnings: str
    thumbnail: str


COLUMNS: Final = tuple(field.name for field in fields(ListRow))
"""Columns of the CSV."""


def write_shotlist_csv(
    path: Path, cut: CutList, decisions: Sequence[Decision], thumbnails: Sequence[Path | None] | None = None
) -> None:
    """Write the shot list as CSV (UTF-8, commas, a line of headings), whole or not at all.

    A text that a spreadsheet would take for a formula is led by an apostrophe.

    Args:
        path: File to write; ``-`` is standard output.
        cut: The cut.
        decisions: What was decided, one for each shot.
        thumbnails: A picture of each shot, None where there is none; written relative to the list.

    Raises:
        OutputError: The file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for rows in shot_rows(cut, decisions, _relative(path, thumbnails)):
        for row in rows:
            writer.writerow(_cell(getattr(row, column)) for column in COLUMNS)
    _put(path, text.getvalue())


def write_shotlist_toml(
    path: Path, cut: CutList, decisions: Sequence[Decision], thumbnails: Sequence[Path | None] | None = None
) -> None:
    """Write the shot list as TOML, whole or not at all; `Sidecar.read` reads it. Arguments as `write_shotlist_csv`.

    Gaps are left out. Where a recipe has no marker words (its steps stand in an order of their own) the shot has no
    ``settings``, and its ``about`` says so.

    Raises:
        OutputError: The file cannot be written.
    """
    blocks = [_HEAD.format(name=_quoted(cut.name or path.stem))]
    listed = zip(cut.shots, decisions, shot_rows(cut, decisions, _relative(path, thumbnails)), strict=True)
    blocks += [_table(cut, shot, decision, rows) for shot, decision, rows in listed if shot.source is not None]
    _put(path, "\n".join(blocks))


def _put(path: Path, text: str) -> None:
    if str(path) == "-":
        sys.stdout.write(text)
    else:
        atomic_text(path, text)


def shot_row(cut: CutList, shot: Shot, decision: Decision) -> dict[str, Any]:
    """What was decided about a shot as a row of ``[shots]``; empty where its recipe has no marker words."""
    table = tomllib.loads(_table(cut, shot, decision, _rows(cut, shot.id, shot, decision, "")))
    return {name: value for name, value in table["shots"][shot.id].items() if name != "about"}


def shot_rows(
    cut: CutList, decisions: Sequence[Decision], thumbnails: Sequence[str] | None = None
) -> Iterator[list[ListRow]]:
    """The rows of each shot: itself, its ranges, its keys."""
    pictures = thumbnails or [""] * len(cut.shots)
    for key, shot, decision, picture in zip(unique_ids(cut.shots), cut.shots, decisions, pictures, strict=True):
        yield _rows(cut, key, shot, decision, picture)


def origin_text(part: Part) -> str:
    """Where the settings of a part came from: ``cut.edl:5 (note): dust; archive (default): stab scratch``."""
    words: dict[str, list[str]] = {}
    told: set[str] = set()
    if not part.recipe:
        return ", ".join(dict.fromkeys(reversed(list(part.origins.values()))))
    for key in reversed([key for key in part.origins if key]):
        step, _, setting = key.partition(".")
        short = FILTERS[step].short
        first = next(iter(FILTERS[step].settings))
        word = short if setting in ("", first) else f"{short}.{setting}"
        if word not in told:
            words.setdefault(part.origins[key], []).append(word)
        told.add(word)
    if len(words) == 1:
        return next(iter(words))
    return "; ".join(f"{origin}: {' '.join(reversed(names))}" for origin, names in words.items())


def _relative(path: Path, pictures: Sequence[Path | None] | None) -> list[str] | None:
    return None if pictures is None else [_beside(path, picture) if picture else "" for picture in pictures]


def _beside(path: Path, picture: Path) -> str:
    try:
        return Path(os.path.relpath(picture.absolute(), path.absolute().parent)).as_posix()
    except ValueError:  # another drive
        return picture.absolute().as_posix()


def _rows(cut: CutList, key: str, shot: Shot, decision: Decision, picture: str) -> list[ListRow]:
    base = _base(decision)
    settings, problem = ("", "") if shot.source is None else _words(base.recipe)
    warnings = [*decision.warnings, *([problem] if problem else [])]
    whole = ListRow(
        key,
        "shot",
        shot.name,
        shot.event,
        *_record(cut, shot.record),
        *_source(cut, shot),
        settings,
        origin_text(base) if shot.source is not None else "",
        "; ".join(warnings),
        picture,
    )
    bare = replace(whole, warnings="", thumbnail="")
    rows = [whole]
    for part in _exceptions(decision, base):
        first, last = _record(cut, part.frames)
        words, problem = _words(part.recipe)
        facts: dict[str, Any] = {"settings": words, "origin": origin_text(part), "warnings": problem}
        rows.append(replace(bare, kind="range", record_in=first, record_out=last, **facts))
    for frame, keys in groupby(decision.keys, key=lambda each: each.frame):
        here = list(keys)
        first, last = _record(cut, FrameRange(frame, frame + 1))
        facts = {
            "settings": " ".join(["key", *(each.words for each in here)]),
            "origin": "; ".join(dict.fromkeys(each.origin for each in here)),
        }
        rows.append(replace(bare, kind="key", record_in=first, record_out=last, **facts))
    return rows


def _exceptions(decision: Decision, base: Part) -> list[Part]:
    """Ranges in which something else is done than in the rest of the shot, or than keys there say."""
    return [part for part in decision.parts if part.ranged and (decision.keys or part.recipe != base.recipe)]


def _base(decision: Decision) -> Part:
    """What is said of the whole shot; a part of it that knows more (such as which field is first) stands for it."""
    if decision.keys and decision.whole is not None:
        return Part(decision.shot.record, decision.whole, decision.origins)
    for part in decision.parts:
        if not part.ranged:
            return part
    return Part(decision.shot.record, decision.whole or decision.recipe, decision.origins)


def _words(recipe: Recipe) -> tuple[str, str]:
    try:
        return recipe_words(recipe), ""
    except SettingError as error:
        return "", error.message


def _record(cut: CutList, frames: FrameRange) -> tuple[str, str]:
    return cut.timecode(frames.start), cut.timecode(frames.stop)


def _source(cut: CutList, shot: Shot) -> tuple[str, str, str]:
    key = shot.source
    if key is None:
        return "black", "", ""
    shown = shot.source_frames(cut.rate)
    if not key.has_timecode or shown.start < 0:
        return key.label, str(shown.start), str(shown.stop)
    first, last = (format_timecode(count, key.rate, drop=key.drop) for count in (shown.start, shown.stop))
    return key.label, first, last


def _table(cut: CutList, shot: Shot, decision: Decision, rows: Sequence[ListRow]) -> str:
    whole, start = rows[0], shot.record.start
    head = f"shots.{_quoted(whole.id)}"
    lines = [f"[{head}]"]
    if whole.settings:
        lines.append(f"settings = {_quoted(whole.settings)}")
    told = ("name", "event", "record_in", "record_out", "source", "source_in", "source_out", "origin", "thumbnail")
    about = [f"{name} = {_quoted(getattr(whole, name))}" for name in told if getattr(whole, name)]
    if whole.warnings:
        about.append(f"warnings = {_quoted(whole.warnings)}")
    lines.append(f"about = {{ {', '.join(about)} }}")
    base = _base(decision)
    for part in _exceptions(decision, base):
        if words := _words(part.recipe)[0]:
            frames = FrameRange(part.frames.start - start, part.frames.stop - start)
            first, last = (_value(place) for place in range_texts(shot, frames, cut.rate))
            lines += ["", f"[[{head}.ranges]]", f"in = {first}", f"out = {last}", f"settings = {_quoted(words)}"]
    for frame, keys in groupby(decision.keys, key=lambda each: each.frame):
        at = _value(moment_text(shot, frame - start, cut.rate))
        words = " ".join(each.words for each in keys)
        lines += ["", f"[[{head}.keys]]", f"at = {at}", f"settings = {_quoted(words)}"]
    return "\n".join(lines) + "\n"


def _value(place: Place) -> str:
    return str(place) if isinstance(place, int) else _quoted(place)


def _quoted(text: str) -> str:
    """A basic string of TOML, which is a string of JSON but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _cell(text: str) -> str:
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
