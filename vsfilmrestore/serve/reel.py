"""A reel as it is served: its clips, its shots, and what is known of every frame before anything is rendered."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import vapoursynth as vs

from vsfilmrestore.errors import RenderError
from vsfilmrestore.media.naming import FileSequence, find_sequence
from vsfilmrestore.media.source import Media
from vsfilmrestore.media.timecode import format_timecode
from vsfilmrestore.render.job import Watcher, open_project, open_reel
from vsfilmrestore.render.project import ProjectSettings
from vsfilmrestore.render.reel import Reel
from vsfilmrestore.timeline.ids import unique_ids

__all__ = ["FrameFacts", "ServedReel", "ServedShot"]

core = vs.core

_SCRIPT: Final = ".vpy"


@dataclass(frozen=True, slots=True)
class ServedShot:
    """A shot of the reel.

    Attributes:
        index: Its place in the cut, from 0.
        id: Its id; no two shots of a reel share one.
        name: Name an editor knows it by; its id where it has none. Several shots may share one.
        file: Its medium: file, folder or pattern of a sequence, script; None for black.
        first: Its first frame in the restored reel.
        frames: Frames of it in the restored reel.
        file_first: Frame of the medium, from 0, that its first frame shows.
        timecode: Record timecode of its first frame.
    """

    index: int
    id: str
    name: str
    file: Path | None
    first: int
    frames: int
    file_first: int
    timecode: str

    @property
    def stop(self) -> int:
        """The frame after its last in the restored reel."""
        return self.first + self.frames


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """What is known of a frame of the restored reel without rendering it.

    Attributes:
        number: The frame.
        shot: The shot it belongs to.
        timecode: Record timecode.
        file: Medium it is made from, None for black.
        index: Frame of the medium, from 0.
        source: File name of that frame: of the single still in a sequence, else of the medium; '' for black.
        source_timecode: Timecode of the medium at that frame, '' where it has none.
        source_reel: Reel name of the medium, '' where it has none.
    """

    number: int
    shot: ServedShot
    timecode: str
    file: Path | None
    index: int
    source: str
    source_timecode: str
    source_reel: str


class ServedReel:
    """A reel opened to be served.

    >>> reel = ServedReel.open(Path("film.vsfr"))
    >>> reel.node, reel.source_node          # restored, and the scan beside it, frame for frame
    >>> reel.shots[0].name, reel.facts(12).timecode

    Attributes:
        reel: The reel itself.
        node: The restored reel, in the family and format of the scan; nothing is rendered before a frame is asked for.
        source_node: The unrestored reel, frame for frame beside it; of the scan's size.
        shots: Its shots in record order.
        factor: Frames of the restored reel for each frame of the cut: more than 1 where a step multiplies them.
    """

    def __init__(self, reel: Reel, settings: ProjectSettings | None = None) -> None:
        """
        Args:
            reel: The reel.
            settings: What its project says, where it has one.
        """
        self.reel, self._settings = reel, settings or ProjectSettings()
        self.node = reel.restored()
        self.factor = int(self.node.fps / reel.rate)
        plain = reel.source()
        self.source_node = core.std.Interleave([plain] * self.factor) if self.factor > 1 else plain
        self.shots = self._shots()
        self._firsts = [shot.first for shot in self.shots]

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        given: Mapping[str, Any] | None = None,
        project: Path | None = None,
        watch: Watcher | None = None,
        save: bool = False,
    ) -> Self:
        """Open a project folder, a cut list, a medium or a script, as ``vsfilmrestore render`` does.

        A script is run, so it must be one the user named on the command line. It is served as it is.

        Args:
            path: What to serve.
            given: Fields of `ProjectSettings` the command names.
            project: Project folder; ``<name of the input>.vsfr`` in the current folder if not given.
            watch: Told frames done and in all while shots are detected.
            save: Whether the project is written, with the cuts that were detected.

        Raises:
            VsfrError: What cannot be read, linked or understood; all missing media are named at once.
        """
        said = dict(given or {})
        if path.suffix.lower() == _SCRIPT:
            said.setdefault("preset", "none")
        opened = open_project(path, project, said, save=False)
        return cls(open_reel(opened, watch=watch, save=save), opened.settings)

    @property
    def name(self) -> str:
        """The name of the cut."""
        return self.reel.cut.name

    @property
    def fps(self) -> Fraction:
        """Frames per second of the restored reel."""
        return self.node.fps

    @property
    def width(self) -> int:
        return self.node.width

    @property
    def height(self) -> int:
        return self.node.height

    def __len__(self) -> int:
        """Frames of the restored reel."""
        return self.node.num_frames

    @cached_property
    def media(self) -> tuple[Media, ...]:
        """Every medium the reel is made from, once."""
        items = [each for bound in self.reel.bound for each in (bound, bound.fades_over) if each is not None]
        return tuple({item.medium.path: item.medium for item in items if item.medium is not None}.values())

    @property
    def drop(self) -> bool:
        """Whether record timecode counts drop frame."""
        return self.reel.cut.drop

    @property
    def start(self) -> int:
        """Record timecode of the first frame, as a count of frames of the restored reel."""
        return self.reel.cut.start * self.factor

    @cached_property
    def colour(self) -> str:
        """``matrix/transfer/primaries`` of the scan, ``rgb/bt709/bt709``; ``unspecified`` for what it does not tell."""
        tags = self.media[0].colour
        matrix = 0 if self.node.format.color_family == vs.RGB else tags.matrix
        transfer = "log" if self.media[0].log else _word(vs.TransferCharacteristics, tags.transfer)
        return f"{_word(vs.MatrixCoefficients, matrix)}/{transfer}/{_word(vs.ColorPrimaries, tags.primaries)}"

    @property
    def telecined(self) -> bool:
        """Whether frames of the media were brought back to film frames, so that they are others than in the files."""
        return self._settings.inverse_telecine

    def lead(self, path: Path) -> int:
        """Frames at the start of a medium's file that are left out, so that its frame 0 is not that of the file."""
        files = self._stills.get(path)
        if files is None:
            return self._settings.first or 0
        medium = next(medium for medium in self.media if medium.path == path)
        return max(0, medium.first_number - files.numbers[0])

    def files(self, path: Path) -> tuple[str, ...]:
        """Paths a medium may be known by: as it was named, and the pattern and folder of a sequence."""
        files = self._stills.get(path)
        names = (path,) if files is None else (path, files.folder, files.folder / files.pattern)
        return tuple(os.path.abspath(name) for name in names)

    def shot_of(self, number: int) -> ServedShot:
        """The shot a frame of the restored reel belongs to.

        Raises:
            RenderError: The reel has no such frame.
        """
        if not 0 <= number < len(self):
            raise RenderError(f"the reel has frames 0 to {len(self) - 1}", frame=number)
        return self.shots[bisect_right(self._firsts, number) - 1]

    def timecode(self, number: int) -> str:
        """Record timecode of a frame of the restored reel."""
        return format_timecode(self.start + number, self.fps, drop=self.drop)

    def facts(self, number: int) -> FrameFacts:
        """What is known of a frame without rendering it.

        Raises:
            RenderError: The reel has no such frame.
        """
        shot = self.shot_of(number)
        bound = self.reel.bound[shot.index]
        medium, timecode = bound.medium, self.timecode(number)
        if medium is None:
            return FrameFacts(number, shot, timecode, None, 0, "", "", "")
        index = bound.first + bound.frames[(number - shot.first) // self.factor]
        source = self._still(medium, index)
        told = medium.timecode(index) if medium.has_timecode else ""
        named = medium.path.name if source is None else source.name
        return FrameFacts(number, shot, timecode, medium.path, index, named, told, medium.reel)

    def keycode(self, number: int) -> str:
        """Keycode of a frame, seven integers joined by blanks, read from the header of its still; '' without one.

        Raises:
            MediaError: The header cannot be read.
            RenderError: The reel has no such frame.
        """
        shot = self.shot_of(number)
        bound = self.reel.bound[shot.index]
        if bound.medium is None:
            return ""
        still = self._still(bound.medium, bound.first + bound.frames[(number - shot.first) // self.factor])
        if still is None or not still.is_file():
            return ""
        from vsfilmrestore.media.headers import read_header  # brings OpenImageIO

        return read_header(still).keycode

    @cached_property
    def _stills(self) -> dict[Path, FileSequence]:
        return {medium.path: find_sequence(medium.path) for medium in self.media if medium.kind == "sequence"}

    def _still(self, medium: Media, index: int) -> Path | None:
        if medium.kind != "sequence":
            return None
        return self._stills[medium.path].path(medium.first_number + index)

    def _shots(self) -> tuple[ServedShot, ...]:
        cut, bound = self.reel.cut, self.reel.bound
        ids: Sequence[str] = unique_ids(cut.shots)
        return tuple(
            ServedShot(
                index=index,
                id=ids[index],
                name=shot.name or ids[index],
                file=None if bound[index].medium is None else bound[index].medium.path,  # type: ignore[union-attr]
                first=shot.record.start * self.factor,
                frames=len(shot.record) * self.factor,
                file_first=bound[index].first + bound[index].frames[0],
                timecode=cut.timecode(shot.record.start),
            )
            for index, shot in enumerate(cut.shots)
        )


def _word(kind: Any, number: int | None) -> str:
    """VapourSynth's name of an H.273 number: ``bt709``."""
    try:
        return str(kind(2 if number is None else number).name).split("_", 1)[1].lower()
    except ValueError:
        return str(number)
