"""Assessments kept in a project: ``assessment.sqlite``, written whole or not at all, and safe to remove.

A stored assessment is found by its key: what was assessed (see `source_key`) and the version of the program. Another
source, another cut or another version is measured anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import numpy as np

from vsfilmrestore.assess.results import Assessment, FrameMeasures
from vsfilmrestore.errors import ProjectError

__all__ = ["FILE", "MEASURING", "program_version", "read_assessment", "source_key", "write_assessment"]

FILE: Final = "assessment.sqlite"
"""Name of the file in a project folder."""

MEASURING: Final = 2
"""Version of the measures themselves: raised where one of them is measured in another way."""

_TABLES: Final = """
CREATE TABLE about (key TEXT NOT NULL, facts TEXT NOT NULL);
CREATE TABLE shots (
    number INTEGER PRIMARY KEY, first INTEGER NOT NULL, stop INTEGER NOT NULL, remarks TEXT NOT NULL
);
CREATE TABLE measures (shot INTEGER NOT NULL, name TEXT NOT NULL, value, PRIMARY KEY (shot, name));
CREATE TABLE lists (shot INTEGER NOT NULL, name TEXT NOT NULL, numbers TEXT NOT NULL, PRIMARY KEY (shot, name));
CREATE TABLE frames (name TEXT PRIMARY KEY, float32 BLOB NOT NULL);
"""


def program_version() -> str:
    """Version of this program and of its measures."""
    try:
        release = version("vsfilmrestore")
    except PackageNotFoundError:
        release = "0"
    return f"{release}/{MEASURING}"


def source_key(parts: Sequence[object], paths: Sequence[Path] = ()) -> str:
    """Key of what is assessed: whatever decides it, and the media's paths, sizes and times of change.

    Args:
        parts: Anything with a stable ``repr``: cuts, first and last frame, rate.
        paths: Media files and folders of stills; of a folder all files in it count.
    """
    facts = [program_version(), *map(repr, parts)]
    for path in sorted(set(paths)):
        facts += [str(path.absolute()), *_stamps(path)]
    return hashlib.blake2b("\0".join(facts).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _stamps(path: Path) -> list[str]:
    try:
        found = sorted(path.iterdir()) if path.is_dir() else [path]
        return [f"{file.name} {(stat := file.stat()).st_size} {stat.st_mtime_ns}" for file in found]
    except OSError:
        return ["absent"]


def write_assessment(folder: Path, key: str, found: Assessment) -> None:
    """Keep an assessment in a project folder, in the place of the one before.

    Raises:
        ProjectError: It cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _told(folder / FILE):
        handle, name = tempfile.mkstemp(prefix=FILE, suffix=".part", dir=folder)
        os.close(handle)
        try:
            _fill(Path(name), key, found)
            os.replace(name, folder / FILE)
        finally:
            with suppress(OSError):
                os.unlink(name)


def _fill(file: Path, key: str, found: Assessment) -> None:
    facts = found.facts()
    shots = facts.pop("shots")
    with closing(sqlite3.connect(file)) as base, base:
        base.executescript(_TABLES)
        base.execute("INSERT INTO about VALUES (?, ?)", (key, json.dumps(facts, ensure_ascii=False)))
        for number, shot in enumerate(shots):
            row = (number, shot["first"], shot["stop"], json.dumps(shot["remarks"], ensure_ascii=False))
            base.execute("INSERT INTO shots VALUES (?, ?, ?, ?)", row)
            measures = [(number, name, value) for name, value in shot["values"].items()]
            base.executemany("INSERT INTO measures VALUES (?, ?, ?)", measures)
            lists = [(number, name, json.dumps(numbers)) for name, numbers in shot["lists"].items()]
            base.executemany("INSERT INTO lists VALUES (?, ?, ?)", lists)
        columns = [(name, found.frames[name].astype("<f4").tobytes()) for name in found.frames]
        base.executemany("INSERT INTO frames VALUES (?, ?)", columns)


def read_assessment(folder: Path, key: str | None = None) -> Assessment | None:
    """The assessment kept in a project folder.

    Args:
        folder: Project folder.
        key: Of what is to be assessed; None takes whatever is there.

    Returns:
        None where there is none, none of that key, or the file is none of ours.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as base:
            return _read(base, key)
    except (sqlite3.Error, KeyError, TypeError, ValueError):
        return None  # it is made again


def _read(base: sqlite3.Connection, key: str | None) -> Assessment | None:
    known, text = base.execute("SELECT key, facts FROM about").fetchone()
    if key is not None and key != known:
        return None
    facts = json.loads(text)
    shots = {
        number: {"first": first, "stop": stop, "remarks": json.loads(remarks), "values": {}, "lists": {}}
        for number, first, stop, remarks in base.execute("SELECT * FROM shots ORDER BY number")
    }
    for number, name, value in base.execute("SELECT * FROM measures"):
        shots[number]["values"][name] = value
    for number, name, numbers in base.execute("SELECT * FROM lists"):
        shots[number]["lists"][name] = json.loads(numbers)
    found = Assessment.of_facts(facts | {"shots": list(shots.values())})
    columns = {name: np.frombuffer(blob, "<f4").copy() for name, blob in base.execute("SELECT * FROM frames")}
    return Assessment(
        found.source,
        found.shots,
        FrameMeasures(found.source.frames, columns),
        found.step,
        found.unreadable,
        found.remarks,
        found.seconds,
        found.version,
    )


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """What goes wrong names the file."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise ProjectError(f"cannot be written: {error}", file=file) from error
