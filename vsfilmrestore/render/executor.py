"""Rendering on this machine: piece by piece into the project folder, then joined into the output.

Each piece is written whole, read back and only then entered in the ledger, so that a job that is killed at any moment
goes on where it was and ends with the same bytes. Memory is bounded: VapourSynth holds no more than a few finished
frames that the encoder has not taken yet, however slow it is.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby, islice
from pathlib import Path
from time import monotonic
from typing import Final

import vapoursynth as vs

from vsfilmrestore.errors import RenderError
from vsfilmrestore.media.failure import frame_error
from vsfilmrestore.media.out.info import VideoInfo
from vsfilmrestore.media.out.prepare import prepare
from vsfilmrestore.media.out.profiles import Profile
from vsfilmrestore.media.props import CHANGED_PREFIX, COUNT_PREFIX, HISTORY_PREFIX, TIMECODE
from vsfilmrestore.render.guard import make_place, refuse_overwriting
from vsfilmrestore.render.history_file import HistoryWriter, history_path
from vsfilmrestore.render.ledger import Done, Ledger
from vsfilmrestore.render.luma import luma_of, with_luma
from vsfilmrestore.render.makers import Labels, Maker, maker_for
from vsfilmrestore.render.memory import bound_cache, give_back, resident
from vsfilmrestore.render.networks import weights_used
from vsfilmrestore.render.pieces import Piece, plan_pieces, versions
from vsfilmrestore.render.progress import Progress, Silent
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.reel import Reel

__all__ = ["Rendered", "frames_left", "render", "shots_left"]

_BACKLOG: Final = 4
"""Finished frames that may wait for the encoder, besides one for each thread."""
_GIVE_BACK: Final = 24
"""Frames after which unused memory is handed back."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished render.

    Attributes:
        output: File or folder.
        info: Size, rate, colour of the output.
        profile: Output format.
        pieces: What it was made of, in order.
        reused: Frames that were not made in this call: finished before, or shown twice.
        seconds: Time this call took.
    """

    output: Path
    info: VideoInfo
    profile: Profile
    pieces: tuple[Done, ...]
    reused: int
    seconds: float


@dataclass
class _Notes:
    """What is noted down of each frame while it goes to the encoder."""

    history: HistoryWriter | None
    changed: dict[str, list[float]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    repairs: dict[str, list[list[int]]] = field(default_factory=dict)
    luma: list[tuple[float, float]] = field(default_factory=list)
    memory: int = 0
    frames: int = 0

    def take(self, frame: vs.VideoFrame) -> None:
        self.memory = max(self.memory, resident())
        if levels := luma_of(frame.props):
            self.luma.append(levels)
        for key, value in frame.props.items():
            if key.startswith(CHANGED_PREFIX) and isinstance(value, int | float):
                shares = self.changed.setdefault(key.removeprefix(CHANGED_PREFIX), [])
                shares.extend([0.0] * (self.frames - len(shares)))
                shares.append(round(float(value), 7))
            elif key.startswith(COUNT_PREFIX) and isinstance(value, int):
                name = key.removeprefix(COUNT_PREFIX)
                self.counts[name] = self.counts.get(name, 0) + value
            elif self.history is not None and key.startswith(HISTORY_PREFIX) and isinstance(value, bytes):
                side, _, kind = key.removeprefix(HISTORY_PREFIX).partition("_")
                self._count(kind, self.history.add(kind, int(side), value, self.frames))
        self.frames += 1

    def _count(self, kind: str, counts: Sequence[int]) -> None:
        """Repairs, their pixels, and repairs taken back, of both sides of a transition."""
        known = self.repairs.setdefault(kind, [])
        known.extend([0, 0, 0] for _ in range(self.frames + 1 - len(known)))
        known[-1] = [a + b for a, b in zip(known[-1], counts, strict=True)]


def render(reel: Reel, project: Project, output: Path, profile: Profile, progress: Progress | None = None) -> Rendered:
    """Render a reel.

    Args:
        reel: What to render.
        project: Where finished pieces are kept.
        output: File, or folder for stills.
        profile: Output format.
        progress: Listener.

    Raises:
        RenderError: A frame cannot be made; the message has shot and frame.
        OutputError: The output cannot be written, or would overwrite what the reel is made from.
        ProjectError: Another process renders this project.
    """
    began = monotonic()
    refuse_overwriting(output, profile, reel.media_paths)
    task = _Task.of(reel, project, output, profile)
    pieces, maker, listener = task.pieces, task.maker, progress or Silent()
    with Ledger(_made(project.ledger)) as ledger:
        make_place(output, profile)
        ledger.place(pieces)
        worker = _Worker(task.clip, maker, ledger, listener, project)
        done = worker.finished(pieces)
        wanted = _first_of_each(pieces, done)
        reused = pieces[-1].stop - sum(map(len, wanted))
        listener.begin(pieces, reused)
        try:
            for new, run in groupby(pieces, wanted.__contains__):
                if new:
                    done |= {each.key: each for each in worker.work(list(run))}
            listener.joining()
            ordered = tuple(_placed(done[piece.key], piece) for piece in pieces)
            maker.finish(ordered, reel.audio())
            rendered = Rendered(output, task.info, profile, ordered, reused, monotonic() - began)
            ledger.note(_facts(rendered, project, reel))
        finally:
            listener.end()
    return rendered


def _facts(done: Rendered, project: Project, reel: Reel) -> dict[str, object]:
    """What nobody can tell from the pieces later."""
    info = done.info
    return {
        "output": project.settings.output or str(done.output),
        "profile": done.profile.name,
        "size": [info.width, info.height],
        "rate": str(info.rate),
        "frames": done.pieces[-1].stop,
        "seconds": round(done.seconds, 3),
        "reused": done.reused,
        "versions": json.loads(versions()),
        "weights": weights_used(reel.decisions),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def frames_left(reel: Reel, project: Project, output: Path, profile: Profile) -> tuple[int, int]:
    """Frames of the output that no finished render holds, and all of them.

    Makes one frame to know the format, and writes nothing.

    Raises:
        RenderError: That frame cannot be made.
    """
    pieces, done = _known(reel, project, output, profile)
    return sum(map(len, _first_of_each(pieces, done))), pieces[-1].stop


def shots_left(reel: Reel, project: Project, output: Path, profile: Profile) -> frozenset[int]:
    """Shots, by index, of which a frame is in no finished render: new ones, and those decided otherwise since.

    Makes one frame to know the format, and writes nothing.

    Raises:
        VsfrError: That frame cannot be made, or a network is not on this machine.
    """
    pieces, done = _known(reel, project, output, profile)
    return frozenset(piece.index for piece in pieces if piece.key not in done)


def _known(reel: Reel, project: Project, output: Path, profile: Profile) -> tuple[list[Piece], dict[str, Done]]:
    """What is to be made, and what of it is there."""
    task = _Task.of(reel, project, output, profile)
    if not project.ledger.is_file():
        return task.pieces, {}
    with Ledger(project.ledger, exclusive=False) as ledger:
        return task.pieces, _Worker(task.clip, task.maker, ledger, Silent(), project).finished(task.pieces)


@dataclass(frozen=True, slots=True)
class _Task:
    """What is to be made."""

    clip: vs.VideoNode
    info: VideoInfo
    pieces: list[Piece]
    maker: Maker

    @classmethod
    def of(cls, reel: Reel, project: Project, output: Path, profile: Profile) -> _Task:
        bound_cache()
        clip = prepare(_with_record_timecode(reel, history=project.settings.history), profile)
        first = reel.bound[0].shot
        info = VideoInfo.of(_first_frame(clip, first.name or first.id), clip.fps)
        factor = round(clip.fps / reel.rate)
        clip = with_luma(clip, reel.graph_shots(), reel.rate)
        ground = [profile.name, repr(info), *_opened_as(project)]
        pieces = plan_pieces(reel, factor, ground, in_place=not profile.is_movie)
        return cls(clip, info, pieces, maker_for(profile, project, output, info, Labels.of(reel, factor, info)))


def _with_record_timecode(reel: Reel, *, history: bool) -> vs.VideoNode:
    """The restored reel; where an editor cut it anew, timecode is that of the record side, not of each source."""
    restored = reel.restored(history=history)
    return restored.std.RemoveFrameProps(TIMECODE) if reel.cut.file else restored


def _opened_as(project: Project) -> list[object]:
    """What decides which pictures a medium gives, besides its files."""
    said = project.settings
    return [said.gap, said.first, said.last, said.inverse_telecine, *filter(None, [said.unreadable])]


def _placed(done: Done, piece: Piece) -> Done:
    """A finished piece where it now stands: it may have been made for another cut, or for another place in this one."""
    return replace(done, shot=piece.shot, first=piece.first, stop=piece.stop)


def _first_of_each(pieces: Sequence[Piece], done: Container[str]) -> dict[Piece, None]:
    """The pieces to be made: of those that are alike the first."""
    first = {piece.key: piece for piece in reversed(pieces) if piece.key not in done}
    return dict.fromkeys(first.values())


def _made(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def _first_frame(clip: vs.VideoNode, shot: str) -> vs.VideoFrame:
    try:
        return clip.get_frame(0)
    except vs.Error as error:
        raise frame_error(error, shot=shot, frame=0) from error


@dataclass(frozen=True, slots=True)
class _Worker:
    clip: vs.VideoNode
    maker: Maker
    ledger: Ledger
    progress: Progress
    project: Project

    def finished(self, pieces: Sequence[Piece]) -> dict[str, Done]:
        """What is there already, by key."""
        known = ((piece, self.ledger.find(piece.key)) for piece in pieces)
        return {
            piece.key: done
            for piece, done in known
            if done is not None and self.maker.has(done, piece) and self._has_history(done)
        }

    def _has_history(self, done: Done) -> bool:
        """Whether the repairs of a finished piece are there, where they were kept."""
        path = history_path(self.project.renders, done.key)
        return done.history <= 0 or (path.is_file() and path.stat().st_size == done.history)

    def work(self, run: list[Piece]) -> Iterator[Done]:
        """Render pieces that follow one another, in one pass over the graph."""
        threads = vs.core.num_threads
        clip = self.clip[run[0].first : run[-1].stop]
        frames = clip.frames(prefetch=threads, backlog=threads + _BACKLOG, close=self.maker.closes)
        for piece in run:
            yield self._piece(piece, frames)

    def _piece(self, piece: Piece, frames: Iterator[vs.VideoFrame]) -> Done:
        began, keep = monotonic(), self.project.settings.history
        self.progress.piece(piece)
        with HistoryWriter(history_path(self.project.renders, piece.key)) as history:
            notes = _Notes(history if keep else None)
            made = self.maker.make(piece, self._watched(piece, islice(frames, len(piece)), notes))
            kept = history.finish(len(piece)) if keep else -1
        done = replace(made, changed=notes.changed, repairs=notes.repairs or None, history=kept)
        done = replace(done, luma=notes.luma if len(notes.luma) == notes.frames else None, memory=notes.memory)
        done = replace(done, counts=notes.counts or None, seconds=monotonic() - began)
        self.ledger.add(done)
        return done

    def _watched(self, piece: Piece, frames: Iterator[vs.VideoFrame], notes: _Notes) -> Iterator[vs.VideoFrame]:
        number = piece.first
        try:
            for frame in frames:
                notes.take(frame)
                yield frame
                self.progress.frame(piece, number)
                number += 1
                if number % _GIVE_BACK == 0:
                    give_back()
        except vs.Error as error:
            raise frame_error(error, shot=piece.name or piece.shot, frame=number) from error
        if number != piece.stop:
            raise RenderError("the graph ended early", shot=piece.name or piece.shot, frame=number)
