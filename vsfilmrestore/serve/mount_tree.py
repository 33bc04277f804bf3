"""The folders of a mounted reel::

    DIR/
        film/                         the whole reel
            film.0086400.dpx          numbered by record timecode, as rendered stills are
            film.0086401.dpx
        film.wav                      its sound, beside its pictures, where programs look for it
        shots/
            001_opening/
                001_opening.0086400.dpx
            001_opening.wav
            002_fight-03/

Files are not listed anywhere: names are made when they are asked for, so 200,000 frames cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vsfilmrestore.media.out.profiles import Profile
from vsfilmrestore.media.out.still_names import stills_pattern
from vsfilmrestore.serve.mount_names import safe_name, unique_name

if TYPE_CHECKING:
    from vsfilmrestore.serve.mount_sound import SoundFile
    from vsfilmrestore.serve.reel import ServedShot

__all__ = ["Directory", "Entry", "Still", "Stills", "Tree", "shot_folder"]

_SHOTS: Final = "shots"


@dataclass(frozen=True, slots=True)
class Stills:
    """A folder of numbered stills.

    Attributes:
        name: Its name, which its files begin with.
        pattern: Name of its files, with ``%07d`` for the number.
        number: Number of the first file.
        first: Frame of the reel that the first file is.
        count: How many there are.
    """

    name: str
    pattern: str
    number: int
    first: int
    count: int

    @classmethod
    def of(cls, name: str, profile: Profile, number: int, first: int, count: int) -> Stills:
        """A folder whose files are named as those that are rendered into a folder of that name."""
        return cls(name, stills_pattern(Path(name), profile).name, number, first, count)

    def __len__(self) -> int:
        return self.count

    def file_name(self, index: int) -> str:
        """Name of a file counted from 0."""
        return self.pattern % (self.number + index)

    def find(self, name: str) -> Still | None:
        """The file of a name, None if there is none."""
        front, _, behind = self.pattern.partition("%07d")
        digits = name[len(front) : len(name) - len(behind)]
        if not (digits.isascii() and digits.isdigit()):
            return None
        index = int(digits) - self.number
        if not 0 <= index < self.count or self.file_name(index) != name:
            return None
        return Still(self, index)

    def names(self) -> Iterator[str]:
        """Names of all files, in order."""
        pattern = self.pattern
        return (pattern % number for number in range(self.number, self.number + self.count))


@dataclass(frozen=True, slots=True)
class Still:
    """One file of a folder of stills."""

    folder: Stills
    index: int

    @property
    def frame(self) -> int:
        """Its frame of the reel."""
        return self.folder.first + self.index

    @property
    def name(self) -> str:
        return self.folder.file_name(self.index)


@dataclass(frozen=True, slots=True)
class Directory:
    """A folder of folders and sounds."""

    entries: Mapping[str, Directory | Stills | SoundFile]


type Entry = Directory | Stills | Still | SoundFile


def shot_folder(shot: ServedShot, count: int) -> str:
    """Name of a shot's folder: its place in the cut, so that no two are alike, and its name."""
    digits = max(3, len(str(count)))
    return f"{shot.index + 1:0{digits}d}_{safe_name(shot.name, 'shot')}"


@dataclass(frozen=True, slots=True)
class Tree:
    """All that a mount shows."""

    root: Directory

    @classmethod
    def of(
        cls,
        name: str,
        shots: Sequence[ServedShot],
        profile: Profile,
        number: int,
        sound: SoundFile | None = None,
        shot_sounds: Sequence[SoundFile | None] = (),
    ) -> Tree:
        """The tree of a reel.

        Args:
            name: Name of the reel; made safe here.
            shots: Its shots.
            profile: Format of the stills.
            number: Number of the reel's first frame.
            sound: Sound of the reel.
            shot_sounds: Sound of each shot; none if there is no sound.
        """
        reel = unique_name(safe_name(name, "reel"), [_SHOTS])
        frames = sum(shot.frames for shot in shots)
        entries: dict[str, Directory | Stills | SoundFile] = {reel: Stills.of(reel, profile, number, 0, frames)}
        if sound is not None:
            entries[f"{reel}{sound.suffix}"] = sound
        inside: dict[str, Directory | Stills | SoundFile] = {}
        for shot in shots:
            folder = shot_folder(shot, len(shots))
            inside[folder] = Stills.of(folder, profile, number + shot.first, shot.first, shot.frames)
            beside = shot_sounds[shot.index] if shot_sounds else None
            if beside is not None:
                inside[f"{folder}{beside.suffix}"] = beside
        entries[_SHOTS] = Directory(inside)
        return cls(Directory(entries))

    def find(self, path: str) -> Entry | None:
        """What lies at a path from the root, ``/shots/001_opening``; None if nothing does."""
        entry: Entry | None = self.root
        for word in path.split("/"):
            if not word:
                continue
            if isinstance(entry, Directory):
                entry = entry.entries.get(word)
            elif isinstance(entry, Stills):
                entry = entry.find(word)
            else:
                return None
        return entry

    @property
    def files(self) -> int:
        """How many files there are."""
        return _files(self.root)


def _files(directory: Directory) -> int:
    return sum(
        _files(entry) if isinstance(entry, Directory) else len(entry) if isinstance(entry, Stills) else 1
        for entry in directory.entries.values()
    )
