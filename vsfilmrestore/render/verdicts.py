"""Verdicts about repairs: which were taken back. They stand in ``repairs.toml`` of the project.

::

    version = 1

    [[verdict]]
    say = "reject"                       # or "accept": an exception to those before it
    source = "R1.mkv"                    # file or folder, with folders in front where two have one name; left out: all
    kind = "remove_dirt"                 # left out: every kind
    frames = [86420, 86425]              # first and last frame of the source; left out: all
    region = [900, 0, 1100, 1080]        # or ["10%", …], or a polygon [[x, y], …]; left out: the whole picture
    note = "a bullet"

    [[verdict]]
    say = "reject"
    source = "R1.mkv"
    kind = "remove_dirt"
    frames = [86420, 86420]
    blob = [512, 300]                    # one single repair, by its first pixel in reading order
    box = [508, 300, 517, 309]           # found again by where it lies, where it has no such pixel any more

All are applied in order; over one pixel the last has the last word. A frame is counted as its source counts it, so a
verdict outlives every re-cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from vsfilmrestore.errors import SettingError
from vsfilmrestore.filters import FILTERS, find_filter
from vsfilmrestore.filters.masks import region_inside
from vsfilmrestore.filters.schema import SettingSpec, nearest
from vsfilmrestore.media.out.atomic import atomic_text
from vsfilmrestore.render.history_file import Moment
from vsfilmrestore.render.history_pixels import Blobs, Labels, Mask
from vsfilmrestore.toml_lines import key_lines, parse_toml

__all__ = ["ACCEPT", "REJECT", "Verdict", "Verdicts", "kind_named", "source_names", "taken_back", "word_of"]

ACCEPT: Final = "accept"
REJECT: Final = "reject"
_VERSION: Final = 1
_KEYS: Final = ("say", "source", "kind", "frames", "region", "blob", "box", "part", "note")
_REGION: Final = SettingSpec("region", "regions", (), "")
_SAME: Final = 0.5
"""Share of two boxes that must be common for one repair to be found again as the other."""
_HEAD: Final = """\
# Repairs that were taken back; the last that fits has the last word. `vsfilmrestore revert` writes this file anew.
version = 1
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was said about some repairs. What is '' or None limits nothing.

    Attributes:
        say: `REJECT` or `ACCEPT`.
        source: Medium, as the end of its path.
        kind: Name of the filter.
        frames: First and last frame of the source.
        region: A rectangle or polygon, in the picture the step worked on.
        blob: Column and line of the first pixel of a single repair.
        box: Left, top, right, bottom of that repair.
        part: Of which of the frames that were made of one source frame it is.
        note: Why.
    """

    say: str = REJECT
    source: str = ""
    kind: str = ""
    frames: tuple[int, int] | None = None
    region: tuple[Any, ...] | None = None
    blob: tuple[int, int] | None = None
    box: tuple[int, int, int, int] | None = None
    part: int = 0
    note: str = ""

    def about(self, medium: PurePath) -> bool:
        """Whether it is about frames of a medium."""
        path = medium.as_posix()
        return not self.source or path == self.source or path.endswith(f"/{self.source}")

    def fits(self, kind: str, moment: Moment) -> bool:
        """Whether it is about a kind of repair in a frame."""
        return (
            self.kind in ("", kind)
            and (self.frames is None or self.frames[0] <= moment.frame <= self.frames[1])
            and (self.blob is None or self.part == moment.part)
        )

    def covers(self, other: Verdict) -> bool:
        """Whether all that another is about is settled by this one, so that the other may go."""
        if self.blob is not None or (self.region is not None and self.region != other.region):
            return replace(self, say="", note="") == replace(other, say="", note="")
        within = self.frames is None or (
            other.frames is not None and self.frames[0] <= other.frames[0] and other.frames[1] <= self.frames[1]
        )
        return within and self.source in ("", other.source) and self.kind in ("", other.kind)

    def touches(self, other: Verdict) -> bool:
        """Whether both may be about the same pixel."""
        if self.box and other.box and _common(self.box, other.box) == 0:
            return False
        apart = self.frames and other.frames and (self.frames[1] < other.frames[0] or other.frames[1] < self.frames[0])
        kinds = not self.kind or not other.kind or self.kind == other.kind
        sources = not self.source or not other.source or self.about(Path(f"/{other.source}"))
        return kinds and (sources or other.about(Path(f"/{self.source}"))) and not apart

    @property
    def facts(self) -> dict[str, Any]:
        """Its content in plain data, without what limits nothing."""
        told = {key: getattr(self, key) for key in _KEYS}
        return {key: _plain(value) for key, value in told.items() if value not in ("", None, 0)}


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The verdicts of a project, in order. None at all is the usual case, and costs nothing."""

    rows: tuple[Verdict, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rows)

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def read(cls, path: Path) -> Self:
        """The verdicts of a file; none where there is no file.

        Raises:
            InputError: The file cannot be read or is no TOML.
            SettingError: It holds something else; with the line.
        """
        if not path.is_file():
            return cls()
        text, data = parse_toml(path)
        lines = key_lines(text).get(("verdict",), [])
        rows = data.get("verdict", [])
        if data.get("version", _VERSION) != _VERSION:
            raise SettingError(f"is of version {data['version']!r}, and {_VERSION} is known here", file=path)
        if not isinstance(rows, list) or (unknown := data.keys() - {"version", "verdict"}):
            raise SettingError(f"holds {min(unknown) if isinstance(rows, list) else 'verdict'}", file=path)
        found = []
        for number, row in enumerate(rows):
            try:
                found.append(_verdict(row))
            except (ValueError, SettingError) as error:
                line = lines[number] if number < len(lines) else None
                raise SettingError(str(error), file=path.name, line=line) from None
        return cls(tuple(found))

    def write(self, path: Path) -> None:
        """Write them, whole or not at all.

        Raises:
            OutputError: It cannot be written.
        """
        if not self.rows and not path.exists():
            return
        tables = [
            "\n[[verdict]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in row.facts.items()) for row in self
        ]
        atomic_text(path, _HEAD + "".join(tables))

    def said(self, new: Iterable[Verdict]) -> Verdicts:
        """These and what is said after them, without those that no longer decide anything."""
        rows = list(self.rows)
        for verdict in new:
            rows = [row for row in rows if not verdict.covers(row)]
            if verdict.say == REJECT or any(row.say == REJECT and row.touches(verdict) for row in rows):
                rows.append(verdict)
        return Verdicts(tuple(rows))

    def of(self, medium: PurePath) -> Verdicts:
        """Those that are about frames of a medium."""
        return Verdicts(tuple(row for row in self if row.about(medium))) if self.rows else self

    def fitting(self, kind: str, moment: Moment) -> list[Verdict]:
        """Those that decide about a kind of repair in a frame; none where all of it stands."""
        rows = [row for row in self.rows if row.fits(kind, moment)]
        return rows if any(row.say == REJECT for row in rows) else []

    def within(self, kind: str, low: int, high: int) -> list[Any]:
        """What decides about a kind of repair in frames ``low`` to ``high``, as plain data for the keys of renders."""
        found: list[Any] = []
        for row in self.rows:
            first, last = row.frames or (low, high)
            if row.kind in ("", kind) and first <= high and last >= low and (found or row.say == REJECT):
                told = [_plain(each) for each in (row.region, row.blob, row.box)]
                found.append([row.say, max(first, low), min(last, high), *told, row.part])
        return found


def taken_back(
    rows: Sequence[Verdict], size: tuple[int, int], box: Sequence[int], labels: Labels, blobs: Blobs
) -> Mask:
    """The pixels of a mask that were taken back, in the box that holds it.

    Args:
        rows: What decides about it.
        size: Width and height of the picture.
        box: Left, top, right, bottom of the box.
        labels: Number of the blob from 1 at each pixel of the box, 0 outside the mask.
        blobs: The blobs.
    """
    back = np.zeros(labels.shape, bool)
    left, top, right, bottom = box
    for row in rows:
        said = row.say == REJECT
        if row.blob is not None:
            if number := _found_again(row, blobs, labels, (left, top)):
                back[labels == number] = said
        elif row.region is not None:
            back[_inside(row.region, *size)[top:bottom, left:right]] = said
        else:
            back[:] = said
    return back & (labels > 0)


def source_names(media: Iterable[Path]) -> dict[Path, str]:
    """A name for each medium: that of its file, with as many folders in front as tell it from the others."""
    paths = list(dict.fromkeys(media))
    names = {}
    for path in paths:
        parts = path.parts
        others = [other.parts for other in paths if other != path]
        most = next((n for n in range(1, len(parts)) if all(other[-n:] != parts[-n:] for other in others)), len(parts))
        names[path] = PurePath(*parts[-most:]).as_posix()
    return names


def kind_named(word: str) -> str:
    """The filter of a name, of a short word, or of what it repairs: ``remove_dirt``, ``dust``, ``dirt``.

    Raises:
        SettingError: There is none that marks what it changes.
    """
    for start in ("", "remove_", "repair_"):
        spec = find_filter(start + word)
        if spec is not None and "protect" in spec.settings:
            return spec.name
    known = [name for spec in FILTERS.values() if "protect" in spec.settings for name in (spec.name, spec.short)]
    raise SettingError(f"there is no kind of repair '{word}'{nearest(word, known)}")


def word_of(kind: str) -> str:
    """The short word of a filter; its name where it is not known here."""
    return FILTERS[kind].short if kind in FILTERS else kind


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """Pixels that two boxes have in common."""
    return max(min(a[2], b[2]) - max(a[0], b[0]), 0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0)


def _found_again(row: Verdict, blobs: Blobs, labels: Labels, at: tuple[int, int]) -> int:
    """Number of the blob a verdict is about, 0 if there is none: the one with its pixel, else the one in its place."""
    assert row.blob is not None
    x, y = row.blob[0] - at[0], row.blob[1] - at[1]
    if 0 <= y < labels.shape[0] and 0 <= x < labels.shape[1] and labels[y, x]:
        return int(labels[y, x])
    if row.box is None:
        return 0
    left, top, right, bottom = row.box
    wide = np.clip(np.minimum(blobs.right, right) - np.maximum(blobs.left, left), 0, None)
    high = np.clip(np.minimum(blobs.bottom, bottom) - np.maximum(blobs.top, top), 0, None)
    common = wide * high
    both = (blobs.right - blobs.left) * (blobs.bottom - blobs.top) + (right - left) * (bottom - top) - common
    share = common / np.maximum(both, 1)
    best = int(share.argmax())
    return best + 1 if share[best] >= _SAME else 0


@lru_cache(maxsize=8)
def _inside(region: tuple[Any, ...], width: int, height: int) -> npt.NDArray[np.bool_]:
    return region_inside(region, width, height)


def _verdict(row: object) -> Verdict:
    if not isinstance(row, Mapping):
        raise ValueError("a verdict is a table: write [[verdict]]")
    for key in row:
        if key not in _KEYS:
            raise ValueError(f"unknown key '{key}'{nearest(key, _KEYS)}")
    for key in ("say", "source", "kind", "note"):
        if not isinstance(row.get(key, ""), str):
            raise ValueError(f"{key} must be text, not {row[key]!r}")
    say = row.get("say", REJECT)
    if say not in (REJECT, ACCEPT):
        raise ValueError(f"say must be {REJECT} or {ACCEPT}, not '{say}'")
    frames, blob, box = (_numbers(row, key, count) for key, count in (("frames", 2), ("blob", 2), ("box", 4)))
    if frames is not None and frames[1] < frames[0]:
        raise ValueError(f"frames must be first and last, not {frames[1]} after {frames[0]}")
    part = row.get("part", 0)
    if not isinstance(part, int) or part < 0:
        raise ValueError(f"part must be a whole number, not {part!r}")
    region = None
    if "region" in row:
        (region,) = _REGION.check([row["region"]])  # type: ignore[misc]
    texts = (row.get("source", ""), kind_named(row["kind"]) if row.get("kind") else "")
    return Verdict(say, *texts, frames, region, blob, box, part, row.get("note", ""))  # type: ignore[arg-type]


def _numbers(row: Mapping[str, Any], key: str, count: int) -> tuple[int, ...] | None:
    value = row.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != count:
        raise ValueError(f"{key} must be {count} whole numbers, not {value!r}")
    if not all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 1 << 48 for n in value):
        raise ValueError(f"{key} must be {count} whole numbers, not {value!r}")
    return tuple(value)


def _plain(value: Any) -> Any:
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _toml(value: Any) -> str:
    """A value as TOML, whose text, numbers and lists are JSON's but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
