"""What was measured: plain frozen records of numbers, that need no pictures and no VapourSynth.

::

    found = Assessment.of_json(text)
    for shot in found.shots:
        shot["dirt.density"], shot.word("motion"), shot.lists["scratches.x"], found.frames["flicker"][shot.frames]
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from vsfilmrestore.assess.vocabulary import NAMES, OF_FRAMES

__all__ = ["Assessment", "FrameMeasures", "ShotMeasures", "SourceFacts"]

type Column = npt.NDArray[np.float32]

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FrameMeasures:
    """Measures of all frames, a column each.

    Attributes:
        length: Frames.
        columns: By name, of `vocabulary.OF_FRAMES`: one number a frame; not a number where it was not measured (an
            unreadable frame; in a very long film all that were skipped).
    """

    length: int
    columns: Mapping[str, Column]

    def __post_init__(self) -> None:
        for name, column in self.columns.items():
            if name not in OF_FRAMES:
                raise ValueError(f"there is no measure of frames {name!r}")
            if column.shape != (self.length,):
                raise ValueError(f"{name} has {column.shape} numbers for {self.length} frames")

    def __getitem__(self, name: str) -> Column:
        """The column; all not a number where it was not measured."""
        if name not in OF_FRAMES:
            raise KeyError(name)
        column = self.columns.get(name)
        return np.full(self.length, np.nan, np.float32) if column is None else column

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)


@dataclass(frozen=True, slots=True)
class ShotMeasures:
    """Measures of one shot.

    Attributes:
        first: First frame, counted from 0 at the start of what was assessed.
        stop: Frame after the last.
        values: Numbers and words by name, of `vocabulary.MEASURES`. What could not be measured is absent.
        lists: Lists by name. Frames are counted as `first` is.
        remarks: What hindered the measuring, a sentence each.
    """

    first: int
    stop: int
    values: Mapping[str, float | str] = field(default_factory=dict)
    lists: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, value in self.values.items():
            wanted = str if NAMES[name].kind == "word" else (int, float)
            if not isinstance(value, wanted) or (isinstance(value, float) and not math.isfinite(value)):
                raise ValueError(f"{name} cannot be {value!r}")
        for name in self.lists:
            if NAMES[name].kind != "list":
                raise ValueError(f"{name} is no list")

    @property
    def frames(self) -> slice:
        return slice(self.first, self.stop)

    def __len__(self) -> int:
        return self.stop - self.first

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def __getitem__(self, name: str) -> float:
        """A number; 0 where it was not measured.

        Raises:
            KeyError: There is no such number.
        """
        if NAMES[name].kind != "number":
            raise KeyError(name)
        return float(self.values.get(name, 0.0))

    def word(self, name: str) -> str:
        """A word; '' where it was not found out.

        Raises:
            KeyError: There is no such word.
        """
        if NAMES[name].kind != "word":
            raise KeyError(name)
        return str(self.values.get(name, ""))

    def confidence(self, group: str) -> float:
        """How far a group of measures can be trusted, 0..1; 1 where nothing was said."""
        return float(self.values.get(f"confidence.{group}", 1.0))


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What was assessed, as it was opened.

    Attributes:
        name: Name a person would call it by.
        width: Pixels across.
        height: Pixels down.
        frames: Number of frames.
        rate: Frames per second, as ``24000/1001``.
        format: VapourSynth's name of the format.
        sample_aspect: Width of a pixel over its height.
        start: Timecode of the first frame.
    """

    name: str
    width: int
    height: int
    frames: int
    rate: str
    format: str
    sample_aspect: float = 1.0
    start: str = ""


@dataclass(frozen=True, slots=True)
class Assessment:
    """All that was found out about a film.

    Attributes:
        source: What was assessed.
        shots: In order; together they cover all frames.
        frames: Measures of all frames.
        step: Every how many frames one was looked at; 1 is all of them.
        unreadable: Frames that could not be read.
        remarks: What hindered the assessment, a sentence each.
        seconds: Time it took.
        version: Program that made it.
    """

    source: SourceFacts
    shots: tuple[ShotMeasures, ...]
    frames: FrameMeasures
    step: int = 1
    unreadable: tuple[int, ...] = ()
    remarks: tuple[str, ...] = ()
    seconds: float = 0.0
    version: str = ""

    @property
    def cuts(self) -> tuple[int, ...]:
        """First frames of all shots but the first."""
        return tuple(shot.first for shot in self.shots[1:])

    def shot_at(self, frame: int) -> ShotMeasures:
        """The shot a frame belongs to.

        Raises:
            IndexError: There is no such frame.
        """
        for shot in self.shots:
            if shot.first <= frame < shot.stop:
                return shot
        raise IndexError(frame)

    def facts(self, *, frames: bool = False) -> dict[str, Any]:
        """As plain data for JSON; with or without the columns of all frames."""
        said = {
            "source": {name: getattr(self.source, name) for name in SourceFacts.__slots__},
            "version": self.version,
            "step": self.step,
            "seconds": round(self.seconds, 2),
            "unreadable": list(self.unreadable),
            "remarks": list(self.remarks),
            "shots": [shot_facts(shot) for shot in self.shots],
        }
        if frames:
            said["frames"] = {name: [_plain(x) for x in self.frames[name].tolist()] for name in self.frames}
        return said

    @classmethod
    def of_facts(cls, said: Mapping[str, Any]) -> Self:
        """What `facts` told."""
        source = SourceFacts(**said["source"])
        columns = {
            name: np.array([np.nan if x is None else x for x in column], np.float32)
            for name, column in said.get("frames", _NOTHING).items()
        }
        shots = tuple(
            ShotMeasures(
                shot["first"],
                shot["stop"],
                shot["values"],
                {name: tuple(numbers) for name, numbers in shot["lists"].items()},
                tuple(shot["remarks"]),
            )
            for shot in said["shots"]
        )
        return cls(
            source,
            shots,
            FrameMeasures(source.frames, columns),
            said["step"],
            tuple(said["unreadable"]),
            tuple(said["remarks"]),
            said["seconds"],
            said["version"],
        )

    def json(self, *, frames: bool = True) -> str:
        return json.dumps(self.facts(frames=frames), ensure_ascii=False)

    @classmethod
    def of_json(cls, text: str) -> Self:
        return cls.of_facts(json.loads(text))


def shot_facts(shot: ShotMeasures) -> dict[str, Any]:
    """A shot as plain data for JSON."""
    return {
        "first": shot.first,
        "stop": shot.stop,
        "values": {name: _plain(value) for name, value in shot.values.items()},
        "lists": {name: list(numbers) for name, numbers in shot.lists.items()},
        "remarks": list(shot.remarks),
    }


def _plain(value: float | str) -> float | str | None:
    """Six digits are enough for any measure; what is no number is null in JSON."""
    if isinstance(value, str):
        return value
    return float(f"{value:.6g}") if math.isfinite(value) else None
