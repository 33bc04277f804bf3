"""Measures of a result, kept in the project: ``outcome.sqlite``, a row for each shot, safe to remove.

A row is found by its key: the pieces the shot was written in, and the version of the measures. A shot that was rendered
anew has other pieces and is measured anew; the others are not.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from vsfilmrestore.assess.results import ShotMeasures, shot_facts
from vsfilmrestore.assess.stored import program_version
from vsfilmrestore.errors import ProjectError
from vsfilmrestore.render.report.latest import Made

__all__ = ["FILE", "Kept", "KeptShot", "key_of"]

type Floats = npt.NDArray[np.float32]

FILE: Final = "outcome.sqlite"
"""Name of the file in a project folder."""
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS shots (
    key TEXT PRIMARY KEY, facts BLOB NOT NULL, looks BLOB NOT NULL, shape TEXT NOT NULL,
    measured TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
"""


@dataclass(frozen=True, slots=True)
class KeptShot:
    """What was measured of one shot of a result; its frames are counted from its own first.

    Attributes:
        measures: Its measures, without those that its whole reel tells.
        columns: Measures of single frames: name, numbers of the frames, values.
        looks: Its pictures as the estimate of fade sees them.
        seconds: Time it took.
    """

    measures: ShotMeasures
    columns: Sequence[tuple[str, Sequence[int], Sequence[float]]] = ()
    looks: Sequence[Floats] = field(default_factory=list)
    seconds: float = 0.0


def key_of(pieces: Sequence[Made], size: tuple[int, int]) -> str:
    """Key of a shot of a result.

    Args:
        pieces: What it was written in.
        size: Width and height it is measured in.
    """
    start = pieces[0].piece.first
    facts = [program_version(), size, *((each.piece.key, each.piece.first - start) for each in pieces)]
    return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()


class Kept:
    """The measures of results of one project; a context manager.

    Raises:
        ProjectError: The file cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        with self._told():
            self._base = sqlite3.connect(self._file)
            self._base.executescript(_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    @classmethod
    def known(cls, folder: Path, keys: Mapping[int, str]) -> dict[int, KeptShot]:
        """What is kept of some shots, by whatever number their keys are given; nothing where there is no file."""
        if not keys or not (folder / FILE).is_file():
            return {}
        try:
            with cls(folder) as kept:
                found = {number: kept.find(key) for number, key in keys.items()}
        except ProjectError:
            return {}  # it is made again
        return {number: shot for number, shot in found.items() if shot is not None}

    def find(self, key: str) -> KeptShot | None:
        """The shot of a key; None where it was not measured, or the row is none of ours."""
        with self._told():
            row = self._base.execute("SELECT facts, looks, shape FROM shots WHERE key = ?", (key,)).fetchone()
        try:
            return None if row is None else _shot(*row)
        except (ValueError, KeyError, TypeError, zlib.error):
            return None

    def add(self, key: str, shot: KeptShot) -> None:
        """Keep a shot; on return it is on the disk."""
        facts = {"shot": shot_facts(shot.measures), "seconds": shot.seconds}
        facts["columns"] = [[name, [*map(int, at)], [_plain(x) for x in values]] for name, at, values in shot.columns]
        looks = np.stack(shot.looks).astype("<f2") if len(shot.looks) else np.zeros((0,), "<f2")
        values = (key, zlib.compress(json.dumps(facts).encode()), looks.tobytes(), json.dumps(looks.shape))
        with self._told(), self._base:
            self._base.execute("INSERT OR REPLACE INTO shots (key, facts, looks, shape) VALUES (?, ?, ?, ?)", values)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            hint = "Remove it; the result is then measured again"
            raise ProjectError(f"cannot be read or written: {error}", file=self._file, hint=hint) from error


def _plain(value: float) -> float | None:
    return float(f"{value:.6g}") if np.isfinite(value) else None


def _shot(facts: bytes, looks: bytes, shape: str) -> KeptShot:
    said: dict[str, Any] = json.loads(zlib.decompress(facts))
    shot = said["shot"]
    lists = {name: tuple(numbers) for name, numbers in shot["lists"].items()}
    measures = ShotMeasures(shot["first"], shot["stop"], shot["values"], lists, tuple(shot["remarks"]))
    columns = [(name, at, [np.nan if x is None else x for x in values]) for name, at, values in said["columns"]]
    seen = np.frombuffer(looks, "<f2").reshape(json.loads(shape)).astype(np.float32)
    return KeptShot(measures, columns, list(seen), said["seconds"])
