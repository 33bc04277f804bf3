"""How pieces become files: movies through segments that are joined, stills straight into their place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import vapoursynth as vs

from vsfilmrestore.errors import OutputError
from vsfilmrestore.media.out.framemd5 import write_framemd5
from vsfilmrestore.media.out.info import VideoInfo
from vsfilmrestore.media.out.join import join_segments
from vsfilmrestore.media.out.profiles import Profile
from vsfilmrestore.media.out.segments import encode_segment, segment_suffix
from vsfilmrestore.media.out.still_headers import StillLabels
from vsfilmrestore.media.out.still_names import still_path, stills_pattern
from vsfilmrestore.media.out.stills import write_stills
from vsfilmrestore.media.out.wav import write_wav
from vsfilmrestore.media.timecode import format_timecode
from vsfilmrestore.render.ledger import Done
from vsfilmrestore.render.pieces import Piece
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.reel import Reel

__all__ = ["Labels", "Maker", "maker_for"]


@dataclass(frozen=True, slots=True)
class Labels:
    """What the whole output is labelled with.

    Attributes:
        timecode: Timecode of the first frame.
        reel: Reel name, '' where the sources have different ones.
        number: Number of the first still: its timecode as a frame count.
    """

    timecode: str
    reel: str
    number: int

    @classmethod
    def of(cls, reel: Reel, factor: int, info: VideoInfo) -> Labels:
        cut = reel.cut
        names = {item.medium.reel for item in reel.bound if item.medium is not None}
        number = cut.start * factor
        return cls(format_timecode(number, info.rate, drop=cut.drop), names.pop() if len(names) == 1 else "", number)


class Maker(Protocol):
    """Makes files of pieces."""

    closes: bool
    """Whether frames may be let go as soon as the next one is asked for."""

    def has(self, done: Done, piece: Piece) -> bool:
        """Whether the files of a finished piece are all there, whole and in the right place."""

    def make(self, piece: Piece, frames: Iterator[vs.VideoFrame]) -> Done:
        """Write a piece; on return it is on the disk."""

    def finish(self, done: Sequence[Done], audio: vs.AudioNode | None) -> None:
        """Make the output of the finished pieces."""


def maker_for(profile: Profile, project: Project, output: Path, info: VideoInfo, labels: Labels) -> Maker:
    """The maker of an output format."""
    kind = _Movie if profile.is_movie else _Stills
    return kind(profile, project, output, info, labels)


@dataclass(frozen=True, slots=True)
class _Base:
    profile: Profile
    project: Project
    output: Path
    info: VideoInfo
    labels: Labels

    def _write_md5s(self, done: Sequence[Done], names: Sequence[str] = ()) -> None:
        md5s = [md5 for each in done for md5 in each.md5s]
        beside = self.output.with_name(f"{self.output.name}.framemd5")
        write_framemd5(beside, md5s, done[0].picture_bytes, self.info, names=names)


class _Movie(_Base):
    closes = True

    def _segment(self, key: str) -> Path:
        return self.project.renders / f"{key[:32]}{segment_suffix(self.profile)}"

    def has(self, done: Done, piece: Piece) -> bool:
        path = self._segment(piece.key)
        return path.is_file() and path.stat().st_size == done.bytes

    def make(self, piece: Piece, frames: Iterator[vs.VideoFrame]) -> Done:
        path = self._segment(piece.key)
        made = encode_segment(frames, self.profile, path, self.info)
        place = path.relative_to(self.project.folder).as_posix()
        at = (piece.key, piece.shot, piece.first, piece.stop)
        return Done(*at, place, made.bytes, 0.0, made.picture_bytes, made.stored, stamp=_digest(path))

    def finish(self, done: Sequence[Done], audio: vs.AudioNode | None) -> None:
        for each in done:
            self._check(each)
        join_segments(
            [self._segment(each.key) for each in done],
            self.output,
            profile=self.profile,
            info=self.info,
            timecode=self.labels.timecode,
            reel=self.labels.reel,
            audio=audio,
        )
        self._write_md5s(done)

    def _check(self, done: Done) -> None:
        """A disk may lose bits in the weeks of a long render; no film is made of such a piece."""
        path = self._segment(done.key)
        if done.stamp and _digest(path) != done.stamp:
            hint = "Remove that file; the same command then renders it again, and nothing else"
            raise OutputError(f"a finished piece of shot {done.shot} has changed on the disk", file=path, hint=hint)


class _Stills(_Base):
    closes = False

    def _paths(self, piece: Piece | Done) -> list[Path]:
        pattern = stills_pattern(self.output, self.profile)
        return [still_path(pattern, self.labels.number + n) for n in range(piece.first, piece.stop)]

    def has(self, done: Done, piece: Piece) -> bool:
        if done.first != piece.first:
            return False  # it bears other numbers now
        try:
            return _stamp(self._paths(piece)) == done.stamp
        except OSError:
            return False

    def make(self, piece: Piece, frames: Iterator[vs.VideoFrame]) -> Done:
        labels = StillLabels(self.labels.timecode, reel=self.labels.reel, offset=piece.first)
        pattern = stills_pattern(self.output, self.profile)
        number = self.labels.number + piece.first
        made = write_stills(frames, self.profile, pattern, self.info, first=number, labels=labels)
        at = (piece.key, piece.shot, piece.first, piece.stop)
        return Done(*at, "", made.bytes, 0.0, made.picture_bytes, made.md5s, stamp=_stamp(made.paths))

    def finish(self, done: Sequence[Done], audio: vs.AudioNode | None) -> None:
        self._write_md5s(done, [path.name for each in done for path in self._paths(each)])
        if audio is not None:
            write_wav(self.output.with_name(f"{self.output.name}.wav"), audio)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stamp(paths: Iterable[Path]) -> str:
    """Stills of other pictures may bear the same names and sizes: written by other settings, or by another project."""
    facts = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    return hashlib.sha256(repr(facts).encode()).hexdigest()
