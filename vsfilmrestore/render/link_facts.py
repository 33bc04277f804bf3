"""What linking has to know of a medium: told by headers before it is opened, or by the opened medium."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Self

from vsfilmrestore.errors import MediaError, OutputError, ScriptError
from vsfilmrestore.media.cache import cache_folder
from vsfilmrestore.media.model import Kind, Media, Probe
from vsfilmrestore.media.out.atomic import atomic_text
from vsfilmrestore.media.source import kind_of, probe
from vsfilmrestore.media.timecode import format_timecode, nominal_rate, parse_timecode

__all__ = ["Facts", "Prober", "recount"]

_FILE: Final = "headers.json"
_MOST_KEPT: Final = 50_000
_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Facts:
    """What a medium tells of itself; attributes as in `Media` and `Probe`.

    Attributes:
        length: Frames.
        exact: Whether `length` was counted; else it may be a frame off.
        rate_told: Whether the medium told its rate.
    """

    path: Path
    kind: Kind
    rate: Fraction
    length: int
    exact: bool = True
    start: int = 0
    has_timecode: bool = False
    drop: bool = False
    reel: str = ""
    first_number: int = 0
    rate_told: bool = True
    remarks: tuple[str, ...] = ()

    @classmethod
    def of_media(cls, medium: Media) -> Self:
        return cls(
            path=medium.path,
            kind=medium.kind,
            rate=medium.rate,
            length=len(medium),
            start=medium.start,
            has_timecode=medium.has_timecode,
            drop=medium.drop,
            reel=medium.reel,
            first_number=medium.first_number,
            rate_told=medium.rate_told,
            remarks=medium.remarks,
        )

    @classmethod
    def of_probe(cls, told: Probe) -> Self:
        return cls(
            path=told.path,
            kind=told.kind,
            rate=told.rate,
            length=told.length,
            exact=told.exact,
            start=told.start,
            has_timecode=told.has_timecode,
            drop=told.drop,
            reel=told.reel,
            first_number=told.first_number,
            rate_told=told.rate_told,
            remarks=told.remarks,
        )

    @property
    def still(self) -> bool:
        """A single picture, shown as long as the cut wants."""
        return self.kind == "sequence" and self.length == 1

    def timecode(self, index: int) -> str:
        """Timecode of a frame counted from 0, '' if it has none."""
        return format_timecode(self.start + index, self.rate, drop=self.drop) if self.has_timecode else ""

    def counted_at(self, rate: Fraction, *, drop: bool | None = None) -> Self:
        """The same frames played at another rate, its timecode counted anew from that of its first frame."""
        drop = self.drop if drop is None else drop
        drop = drop and rate.denominator != 1
        return replace(self, rate=rate, start=recount(self.start, (self.rate, self.drop), (rate, drop)), drop=drop)


def recount(count: int, old: tuple[Fraction, bool], new: tuple[Fraction, bool]) -> int:
    """The count at another rate (and drop-frame rule) of the frame of the same timecode.

    A frame number that the new rate has not becomes its last, one that drop frame leaves out the next.
    """
    days, within = divmod(count, nominal_rate(old[0]) * 86_400) if not old[1] else (0, count)
    head, frame = format_timecode(within, old[0], drop=old[1])[:8], format_timecode(within, old[0], drop=old[1])[9:]
    last = min(int(frame), nominal_rate(new[0]) - 1)
    try:
        found = parse_timecode(f"{head}:{last:02d}", new[0], drop=new[1])
    except ValueError:
        found = parse_timecode(f"{head}:{nominal_rate(new[0]) // 15:02d}", new[0], drop=new[1])
    return found + days * nominal_rate(new[0]) * 86_400


type Change = Callable[[Facts], Facts]


class Prober:
    """Reads the headers of media, each file once; what files told is remembered until they change.

    Remembered in the user's cache folder, by path, size and time of change.

    Args:
        change: What the user says about media: start timecode, frames wanted and the like.
    """

    def __init__(self, change: Change = lambda facts: facts) -> None:
        self._change = change
        self._known: dict[Path, Facts | Unread] = {}
        self._kept: dict[str, Any] | None = None
        self._learned: dict[str, Any] = {}

    def __call__(self, path: Path) -> Facts | None:
        """What a medium tells, None if it cannot be read or tells nothing before it runs."""
        self.read([path])
        known = self._known[path]
        return known if isinstance(known, Facts) else None

    def failure(self, path: Path) -> str:
        """Why a medium that was asked for told nothing; '' if it told, or is a script, which tells when it runs."""
        known = self._known.get(path)
        return known.text if isinstance(known, Unread) and path.suffix.lower() != ".vpy" else ""

    def read(self, paths: Iterable[Path]) -> None:
        """Read many at once."""
        wanted = [path for path in dict.fromkeys(paths) if path not in self._known]
        if len(wanted) > 1:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                self._known.update(zip(wanted, pool.map(self._read, wanted), strict=True))
        else:
            self._known.update((path, self._read(path)) for path in wanted)
        self._keep()

    def _read(self, path: Path) -> Facts | Unread:
        try:
            facts = self._of_file(path) if kind_of(path) == "file" else Facts.of_probe(probe(path))
            return self._change(facts)
        except (MediaError, ScriptError) as error:
            return Unread(error.message)
        except OSError as error:
            return Unread(error.strerror or str(error))

    def _of_file(self, path: Path) -> Facts:
        stat = path.stat()
        key, stamp = os.path.abspath(path), [stat.st_size, stat.st_mtime_ns]
        known = self._remembered().get(key)
        if isinstance(known, dict) and known.get("stamp") == stamp and (facts := _facts(path, known)):
            return facts
        facts = Facts.of_probe(probe(path))
        self._learned[key] = {"stamp": stamp, **_plain(facts)}
        return facts

    def _remembered(self) -> dict[str, Any]:
        if self._kept is None:
            self._kept = _load(cache_folder() / _FILE)
        return self._kept

    def _keep(self) -> None:
        if not self._learned:
            return
        everything = (_load(cache_folder() / _FILE) | self._learned).items()
        self._kept, self._learned = dict(list(everything)[-_MOST_KEPT:]), {}
        try:
            cache_folder().mkdir(parents=True, exist_ok=True)
            atomic_text(cache_folder() / _FILE, json.dumps(self._kept))
        except (OSError, OutputError):
            pass  # a cache that cannot be written costs time only


@dataclass(frozen=True, slots=True)
class Unread:
    """Why a medium told nothing."""

    text: str


def _plain(facts: Facts) -> dict[str, Any]:
    return {key: value for key, value in asdict(facts).items() if key != "path"} | {"rate": str(facts.rate)}


def _facts(path: Path, known: Mapping[str, Any]) -> Facts | None:
    """Facts out of the cache; None where it was written by another version or damaged."""
    try:
        told = {key: value for key, value in known.items() if key != "stamp"}
        return Facts(path, **told | {"rate": Fraction(told["rate"]), "remarks": tuple(told["remarks"])})
    except (TypeError, KeyError, ValueError, ZeroDivisionError):
        return None


def _load(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
