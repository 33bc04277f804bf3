"""The ledger: which segments are done, in SQLite, so that a job survives anything and knows what is left.

A segment is found by its key, a hash of all that decides its bytes: source frames, recipe, output format, versions.
A row is written only after the segment's file has reached the disk. A file without a row, or of another size than the
row says, counts for nothing and is made again.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from vsfilmrestore.errors import ProjectError
from vsfilmrestore.render.pieces import Piece
from vsfilmrestore.render.stretches import Shows

__all__ = ["Done", "Ledger"]

_VERSION: Final = 3
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS segments (
    key TEXT PRIMARY KEY, shot TEXT NOT NULL, first INTEGER NOT NULL, stop INTEGER NOT NULL, path TEXT NOT NULL,
    bytes INTEGER NOT NULL, seconds REAL NOT NULL, details BLOB NOT NULL,
    finished TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS timeline (
    place INTEGER PRIMARY KEY, key TEXT NOT NULL, shot TEXT NOT NULL, name TEXT NOT NULL, first INTEGER NOT NULL,
    stop INTEGER NOT NULL, details TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS latest (facts TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Done:
    """A finished segment.

    Attributes:
        key: Hash of all that decides its bytes.
        shot: Id of its shot.
        first: First frame of the output it holds.
        stop: Frame after its last.
        path: Its file, relative to the project folder; '' for stills, which are written where they belong.
        bytes: Size of the file.
        seconds: Time it took.
        picture_bytes: Size of one decoded picture.
        md5s: MD5 of each decoded picture, see `vsfilmrestore.media.out.framemd5`.
        changed: Share of pixels changed, 0..1, by filter and frame.
        counts: What filters met in its frames, added up, by filter and what it is: ``restore_faces_stopped``.
        stamp: SHA-256 of the file; of stills, which others may write over, a hash of sizes and times of change. '' if
            nobody noted it.
        repairs: Repairs by filter: for each frame how many, how many pixels, and how many were taken back.
        history: Size of the file of repairs; 0 where nothing was repaired, -1 where no history was kept.
        luma: Mean luma of each frame before and after, on the scale of 8 bits; None where nobody looked.
        memory: Most memory the program held while it was made, in bytes; 0 where nobody looked.
    """

    key: str
    shot: str
    first: int
    stop: int
    path: str
    bytes: int
    seconds: float
    picture_bytes: int = 0
    md5s: Sequence[str] = ()
    changed: Mapping[str, Sequence[float]] | None = None
    counts: Mapping[str, int] | None = None
    stamp: str = ""
    repairs: Mapping[str, Sequence[Sequence[int]]] | None = None
    history: int = -1
    luma: Sequence[Sequence[float]] | None = None
    memory: int = 0


class Ledger:
    """The ledger of one project; a context manager.

    Raises:
        ProjectError: The file is no ledger, of a newer version, or another process is rendering this project.
    """

    def __init__(self, file: Path, *, exclusive: bool = True) -> None:
        self._file = file
        self._lock = _locked(file.with_name("render.lock")) if exclusive else None
        try:
            with _told(file):
                self._base = sqlite3.connect(file, isolation_level=None)
                self._prepare()
        except BaseException:
            if self._lock is not None:
                self._lock.close()
            raise

    def _prepare(self) -> None:
        self._base.execute("PRAGMA journal_mode = WAL")
        self._base.execute("PRAGMA synchronous = FULL")
        (version,) = self._base.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise ProjectError(f"was written by a newer version (ledger {version})", file=self._file)
        self._base.executescript(_TABLES)
        self._base.execute(f"PRAGMA user_version = {_VERSION}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._base.close()
        if self._lock is not None:
            self._lock.close()

    def find(self, key: str) -> Done | None:
        """What was noted of the segment of that key; whether its file is still there is the caller's to see."""
        with _told(self._file):
            row = self._base.execute(
                "SELECT key, shot, first, stop, path, bytes, seconds, details FROM segments WHERE key = ?", (key,)
            ).fetchone()
            return None if row is None else replace(Done(*row[:7]), **json.loads(zlib.decompress(row[7])))

    def add(self, done: Done) -> None:
        """Remember a segment whose file is on the disk. On return the ledger is on the disk too."""
        facts = {"picture_bytes": done.picture_bytes, "md5s": list(done.md5s), "changed": done.changed}
        facts |= {"stamp": done.stamp, "repairs": done.repairs, "history": done.history}
        facts |= {"luma": done.luma, "memory": done.memory, "counts": done.counts}
        details = zlib.compress(json.dumps(facts).encode())
        values = (done.key, done.shot, done.first, done.stop, done.path, done.bytes, done.seconds, details)
        with _told(self._file):
            self._base.execute(
                "INSERT OR REPLACE INTO segments (key, shot, first, stop, path, bytes, seconds, details)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )

    def place(self, pieces: Sequence[Piece]) -> None:
        """Remember what the output is made of, in order: the pieces of the latest render, finished or not."""
        rows = []
        for place, piece in enumerate(pieces):
            details = json.dumps([piece.sources, piece.shows, piece.factor, piece.index])
            rows.append((place, piece.key, piece.shot, piece.name, piece.first, piece.stop, details))
        with _told(self._file):
            self._base.execute("BEGIN IMMEDIATE")
            self._base.execute("DELETE FROM timeline")
            self._base.executemany("INSERT INTO timeline VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            self._base.execute("COMMIT")

    def forget_unplaced(self) -> None:
        """Forget the segments that the latest render does not consist of."""
        with _told(self._file):
            self._base.execute("DELETE FROM segments WHERE key NOT IN (SELECT key FROM timeline)")
            self._base.execute("VACUUM")

    def note(self, facts: Mapping[str, Any]) -> None:
        """Remember plain facts of the latest render that was finished, in the place of those of the one before."""
        with _told(self._file):
            self._base.execute("BEGIN IMMEDIATE")
            self._base.execute("DELETE FROM latest")
            self._base.execute("INSERT INTO latest VALUES (?)", (json.dumps(facts),))
            self._base.execute("COMMIT")

    def noted(self) -> dict[str, Any]:
        """What `note` was told last; empty if nothing."""
        with _told(self._file):
            row = self._base.execute("SELECT facts FROM latest").fetchone()
            return {} if row is None else dict(json.loads(row[0]))

    def placed(self) -> list[Piece]:
        """What `place` was told last."""
        with _told(self._file):
            rows = self._base.execute(
                "SELECT key, shot, name, first, stop, details FROM timeline ORDER BY place"
            ).fetchall()
            pieces = []
            for key, shot, name, first, stop, details in rows:
                (own, fading), shows, factor, index = json.loads(details)
                sources, runs = (str(own), str(fading)), tuple(_shows(run) for run in shows)
                pieces.append(Piece(key, shot, name, first, stop, sources, runs, int(factor), int(index)))
            return pieces


def _shows(run: Sequence[int]) -> Shows:
    side, first, count, number, step = map(int, run)
    return side, first, count, number, step


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """What goes wrong inside, in plain words."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise ProjectError(f"cannot be read or written: {error}", file=file) from None
    except (sqlite3.DatabaseError, zlib.error, ValueError, TypeError):
        hint = "Move it away to start afresh; finished segments will be rendered again"
        raise ProjectError("is not a ledger, or is damaged", file=file, hint=hint) from None


def _locked(file: Path) -> sqlite3.Connection:
    """A lock that the system lets go when the process dies, on every system alike."""
    try:
        lock = sqlite3.connect(file, timeout=0, isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise ProjectError("is being rendered by another process", file=file.parent) from None
        raise ProjectError(f"cannot be locked: {error}", file=file, hint="Remove that file") from None
    return lock
