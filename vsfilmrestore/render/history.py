"""What was repaired in the latest render of a project, shot by shot, and what was said about it since.

Everything stands in the ledger and in the files beside the finished pieces: no medium is opened, and no frame is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from vsfilmrestore.errors import ProjectError, UsageError
from vsfilmrestore.filters.schema import nearest
from vsfilmrestore.render.history_file import Entry, HistoryFile, Moment, history_path
from vsfilmrestore.render.history_pixels import Mask, Repaired, found_blobs
from vsfilmrestore.render.history_shots import Choice, HistoryShot, frame_ranges, shots_of
from vsfilmrestore.render.ledger import Done, Ledger
from vsfilmrestore.render.pieces import Piece
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.verdicts import Verdict, Verdicts, kind_named, source_names, taken_back, word_of

__all__ = ["Count", "Frame", "History", "Repair", "State"]


class State(StrEnum):
    """What was said about a repair."""

    KEPT = "kept"
    """It stands."""
    REJECTED = "rejected"
    """It was taken back."""
    PARTLY = "partly"
    """Some of its pixels were."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What one step did to one frame.

    Attributes:
        shot: The shot.
        kind: Name of the filter.
        source: Name of the medium.
        path: Path of the medium when it was rendered.
        moment: Frame of the source.
        record: Record frames that show it, counted from 0 in the reel.
        fading: Whether it fades out over the shot.
        entry: What the index tells.
        file: Where it is kept.
        verdicts: What was said about such repairs in this frame.
    """

    shot: HistoryShot
    kind: str
    source: str
    path: str
    moment: Moment
    record: tuple[int, ...]
    fading: bool
    entry: Entry
    file: HistoryFile
    verdicts: tuple[Verdict, ...]

    def read(self) -> Repaired:
        """Mask, single repairs and pixels.

        Raises:
            ProjectError: The file is damaged.
        """
        return self.file.read(self.entry)

    def back(self, repaired: Repaired) -> tuple[Mask, npt.NDArray[np.int64]]:
        """The pixels that were taken back, in the box of the mask, and how many of each repair."""
        labels, blobs = found_blobs(repaired.within, repaired.box[:2])
        mask = taken_back(self.verdicts, (repaired.width, repaired.height), repaired.box, labels, blobs)
        return mask, np.bincount(labels[mask], minlength=len(blobs.x) + 1)[1:]

    def repairs(self) -> Iterator[Repair]:
        """The single repairs.

        Raises:
            ProjectError: The file is damaged.
        """
        repaired = self.read()
        blobs = repaired.blobs
        lost = self.back(repaired)[1] if self.verdicts else np.zeros(len(blobs.x), np.int64)
        for n, (x, y, *box, pixels) in enumerate(zip(*(column.tolist() for column in blobs), strict=True)):
            state = State.KEPT if not lost[n] else State.REJECTED if lost[n] == pixels else State.PARTLY
            yield Repair(self, (x, y), (box[0], box[1], box[2], box[3]), pixels, state)


@dataclass(frozen=True, slots=True)
class Repair:
    """A single repair.

    Attributes:
        frame: Where it was made.
        at: Column and line of its first pixel in reading order.
        box: Left, top, right, bottom.
        pixels: Its size.
        state: What was said about it.
    """

    frame: Frame
    at: tuple[int, int]
    box: tuple[int, int, int, int]
    pixels: int
    state: State

    @property
    def id(self) -> str:
        """Frame of the source, short word of the filter, and place: ``20:dust:512,300``."""
        return f"{self._number}:{word_of(self.frame.kind)}:{self.at[0]},{self.at[1]}"

    @property
    def _number(self) -> str:
        moment = self.frame.moment
        return f"{moment.frame}.{moment.part}" if moment.parts > 1 else str(moment.frame)

    def is_called(self, number: str, place: str) -> bool:
        """Whether these are the first and the last part of its id."""
        return (number, place.replace(" ", "")) == (self._number, f"{self.at[0]},{self.at[1]}")

    @property
    def facts(self) -> dict[str, Any]:
        """All of it in plain data."""
        frame = self.frame
        return {
            "id": self.id,
            "shot": frame.shot.id,
            "kind": frame.kind,
            "record": frame.record[0],
            "in_shot": frame.record[0] - frame.shot.first,
            "shown": len(frame.record),
            "source": frame.source,
            "frame": frame.moment.frame,
            "box": list(self.box),
            "pixels": self.pixels,
            "state": str(self.state),
        }

    def verdict(self, say: str, note: str = "") -> Verdict:
        """What says something about it alone."""
        frame = self.frame
        number = frame.moment.frame
        about = Verdict(say, frame.source, frame.kind, (number, number), blob=self.at, box=self.box, note=note)
        return replace(about, part=frame.moment.part)


@dataclass(slots=True)
class Count:
    """Repairs counted.

    Attributes:
        frames: Frames with repairs.
        made: Repairs.
        pixels: Their pixels.
        rejected: Repairs that were taken back, or a part of them.
    """

    frames: int = 0
    made: int = 0
    pixels: int = 0
    rejected: int = 0

    @property
    def facts(self) -> dict[str, int]:
        """The same in plain data."""
        return {"frames": self.frames, "made": self.made, "pixels": self.pixels, "rejected": self.rejected}


@dataclass
class History:
    """The repairs of a project.

    Attributes:
        shots: The shots of the latest render.
        verdicts: What was said about repairs.
    """

    _project: Project
    shots: tuple[HistoryShot, ...]
    verdicts: Verdicts
    _done: dict[str, Done] = field(default_factory=dict)

    @classmethod
    def open(cls, project: Project) -> Self:
        """The repairs of the latest render of a project, finished or not.

        Raises:
            ProjectError: It was not rendered yet, or its ledger is damaged.
            SettingError: Its verdicts cannot be understood.
        """
        if not project.ledger.is_file():
            raise ProjectError("was not rendered yet, so there are no repairs", file=project.folder)
        with Ledger(project.ledger, exclusive=False) as ledger:
            pieces = ledger.placed()
            found = {piece.key: done for piece in pieces if (done := ledger.find(piece.key)) is not None}
        return cls(project, shots_of(pieces), project.verdicts(), found)

    @property
    def remarks(self) -> list[str]:
        """What an editor should know, a sentence each."""
        pieces = [piece for shot in self.shots for piece in shot.pieces]
        unmade = sum(len(piece) for piece in pieces if piece.key not in self._done)
        bare = sum(len(p) for p in pieces if p.key in self._done and self._done[p.key].history < 0)
        told = []
        if not pieces:
            told.append("the project was rendered by a version that kept no history; the next render keeps it")
        if unmade:
            told.append(f"{unmade} frames of the latest render are not made yet")
        if bare:
            told.append(f"{bare} frames were rendered without a history")
        paths = [Path(path) for path in self.names]
        strange = [row.source for row in self.verdicts if not any(row.about(path) for path in paths)]
        if strange and pieces:
            names = ", ".join(dict.fromkeys(strange))
            told.append(f"verdicts about {names} wait: the latest render shows nothing of it")
        return told

    @cached_property
    def names(self) -> dict[Path, str]:
        """Names of the media by path."""
        paths = (Path(path) for shot in self.shots for piece in shot.pieces for path in piece.sources if path)
        return source_names(paths)

    def chosen(self, shot: str = "", frames: str = "", kind: str = "") -> Choice:
        """What the words of a command choose.

        Args:
            shot: Name or id of a shot, '' for all.
            frames: ``12``, ``12-30`` or several of these with commas, '' for all.
            kind: Name or short word of a filter, '' for all.

        Raises:
            UsageError: There is no such shot, or the frames cannot be read.
            SettingError: There is no such kind.
        """
        shots = None if not shot else tuple(self._indices(shot))
        return Choice(shots, frame_ranges(frames) if frames else None, kind_named(kind) if kind else "")

    def frames(self, choice: Choice) -> Iterator[Frame]:
        """What was done to frames, in the order of the reel; nothing is unpacked yet.

        Raises:
            ProjectError: A file of repairs is damaged.
        """
        for shot in self.shots:
            if choice.shots is None or shot.index in choice.shots:
                for piece in shot.pieces:
                    yield from self._of_piece(shot, piece, choice)

    def _of_piece(self, shot: HistoryShot, piece: Piece, choice: Choice) -> Iterator[Frame]:
        done = self._done.get(piece.key)
        if done is None or done.history <= 0:
            return
        file = HistoryFile(history_path(self._project.renders, piece.key))
        for entry in sorted(file.entries, key=lambda each: (each.shown[:1], each.side)):
            shown = (piece.first + first + n for first, count in entry.shown for n in range(count))
            record = tuple(dict.fromkeys(n // piece.factor for n in shown if n < piece.stop))
            record = tuple(n for n in record if choice.shows(shot, n))
            path = piece.sources[entry.side]
            if record and path and choice.kind in ("", entry.kind):
                rows = self.verdicts.of(Path(path)).fitting(entry.kind, entry.moment)
                at = entry.kind, self.names[Path(path)], path, entry.moment, record, entry.side == 1
                yield Frame(shot, *at, entry, file, tuple(rows))

    def made(self, shot: HistoryShot) -> bool:
        """Whether all of a shot is rendered, and its repairs are known."""
        done = [self._done.get(piece.key) for piece in shot.pieces]
        return all(each is not None and each.history >= 0 for each in done)

    def counts(self, shot: HistoryShot) -> dict[str, Count]:
        """Repairs of a shot by kind. What fades out over it is counted with it."""
        found: dict[str, Count] = {}
        for piece in shot.pieces:
            done = self._done.get(piece.key)
            for kind, frames in (done.repairs or {}).items() if done else ():
                count = found.setdefault(kind, Count())
                count.frames += sum(made > 0 for made, _, _ in frames)
                count.made += sum(made for made, _, _ in frames)
                count.pixels += sum(pixels for _, pixels, _ in frames)
        if self.verdicts and found:
            for frame in self.frames(Choice((shot.index,))):
                if frame.verdicts:
                    lost = int(np.count_nonzero(frame.back(frame.read())[1]))
                    found[frame.kind].rejected += lost * sum(count for _, count in frame.entry.shown)
        return found

    def find(self, id_: str, choice: Choice) -> Repair:
        """The repair of an id.

        Raises:
            UsageError: There is none, or the media of several shots have one.
        """
        number, _, rest = id_.strip().partition(":")
        word, _, place = rest.partition(":")
        kind = kind_named(word)
        found: dict[str, Repair] = {}
        for frame in self.frames(choice):
            if frame.kind == kind and str(frame.moment.frame) == number.partition(".")[0]:
                found.update((frame.source, each) for each in frame.repairs() if each.is_called(number, place))
        wanted = list(found.values())
        if len(wanted) == 1:
            return wanted[0]
        if wanted:
            sources = " and ".join(each.frame.source for each in wanted)
            raise UsageError(f"the repair '{id_}' is in {sources}", hint="Say which one with --shot")
        hint = "List them with: vsfilmrestore history PROJECT --by repair"
        raise UsageError(f"there is no repair '{id_}' in the latest render", hint=hint)

    def spans(self, choice: Choice) -> list[tuple[str, int, int]]:
        """Media with the first and the last source frame of each stretch that the chosen record frames show."""
        found: dict[str, list[tuple[int, int]]] = {}
        for shot in self.shots:
            for piece in shot.pieces:
                start = piece.first // piece.factor
                for side, first, count, number, step in piece.shows:
                    shown = [number + step * n for n in range(count) if choice.shows(shot, start + first + n)]
                    if shown and side == 0:
                        found.setdefault(self.names[Path(piece.sources[0])], []).append((min(shown), max(shown)))
        return [(source, *span) for source, spans in found.items() for span in _merged(spans)]

    def _indices(self, key: str) -> list[int]:
        wanted = key.casefold()
        readings = ([shot.id for shot in self.shots], [shot.id.split("#")[0] for shot in self.shots])
        for names in (*readings, [shot.name for shot in self.shots]):
            found = [shot.index for shot, name in zip(self.shots, names, strict=True) if name.casefold() == wanted]
            if len(found) > 1 and names is not readings[1]:
                ids = ", ".join(shot.id for shot in self.shots if shot.index in found[:4])
                raise UsageError(f"{len(found)} shots are named '{key}': {ids}", hint="Use one of these ids")
            if found:
                return found
        known = [name for shot in self.shots for name in (shot.name, shot.id) if name]
        raise UsageError(f"the latest render has no shot '{key}'{nearest(key, known)}", file=self._project.folder)


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return merged
