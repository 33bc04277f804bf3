"""Fade measured over a reel: all shots that share a source share their stock, so they get one profile.

A source here is what the cut list calls a reel (or the file, where it names none).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.errors import UsageError
from vsfilmrestore.filters._fade_estimate import FadeEstimate, Look, estimate_fade
from vsfilmrestore.filters._fade_graph import clip_colour, clip_looks
from vsfilmrestore.filters._fade_profile import FadeProfile
from vsfilmrestore.media.source import open_media
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.reel import Reel
from vsfilmrestore.timeline.ids import unique_ids
from vsfilmrestore.timeline.model import Shot

__all__ = [
    "FRAMES",
    "MOST",
    "Measured",
    "Sharing",
    "colour_at",
    "fade_groups",
    "frames_each",
    "look_of",
    "measure_fade",
    "with_profiles",
]

FRAMES: Final = 25
"""Frames of each group that are looked at, if it has as many; one of each shot at least."""
MOST: Final = 240
"""Of so many shots at most a frame is looked at: the more there are, the better is told what is the film's alone."""
_WORD: Final = "fade"
_STEP: Final = "correct_fade"


class Sharing(StrEnum):
    """Which shots share a profile."""

    REEL = "reel"
    """Those of one reel, or of one file where the cut names no reels."""
    SHOT = "shot"
    """None: each shot has its own."""
    ALL = "all"
    """All of the cut."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured over some shots.

    Attributes:
        name: Reel, file or shot.
        shots: Indices of its shots in the cut.
        found: The estimate.
        looks: The frames it was read off, small.
        helped: Whether a person helped: then the profile is used whatever the estimate says.
    """

    name: str
    shots: tuple[int, ...]
    found: FadeEstimate
    looks: tuple[Look, ...]
    helped: bool = False

    @property
    def used(self) -> bool:
        """Whether its shots get the profile."""
        return self.helped or self.found.faded

    def with_profile(self, profile: FadeProfile) -> Measured:
        """The same with a profile that a person helped to find."""
        return replace(self, found=replace(self.found, profile=profile), helped=True)


def fade_groups(shots: Sequence[Shot], sharing: Sharing = Sharing.REEL) -> dict[str, tuple[int, ...]]:
    """Indices of the shots that share a profile, by name, in the order of the cut. Gaps are in none."""
    groups: dict[str, list[int]] = {}
    ids = unique_ids(shots)
    for index, shot in enumerate(shots):
        if shot.source is not None:
            name = {Sharing.REEL: shot.source.label, Sharing.SHOT: ids[index], Sharing.ALL: "all"}[sharing]
            groups.setdefault(name, []).append(index)
    return {name: tuple(indices) for name, indices in groups.items()}


def measure_fade(
    reel: Reel,
    sharing: Sharing = Sharing.REEL,
    *,
    frames: int = FRAMES,
    watch: Callable[[int, int], None] | None = None,
) -> list[Measured]:
    """Measure the fade of each group of shots on its own frames, as they come out of the scan.

    Args:
        reel: An open reel.
        sharing: Which shots are measured together.
        frames: How many frames of a group are looked at.
        watch: Told groups done and groups in all.
    """
    groups = fade_groups(reel.cut.shots, sharing)
    measured = []
    for done, (name, indices) in enumerate(groups.items()):
        counts = frames_each([len(reel.cut.shots[index].record) for index in indices], frames)
        each = zip(indices, counts, strict=True)
        looks = tuple(look for index, count in each for look in _looks(reel, index, count))
        if looks:
            measured.append(Measured(name, indices, estimate_fade(looks), looks))
        if watch is not None:
            watch(done + 1, len(groups))
    return measured


def look_of(path: Path) -> Look:
    """A picture as the estimate sees it; of a movie its first frame.

    Raises:
        VsfrError: It cannot be opened, or has no colours.
    """
    video = open_media(path).video
    if video.format.color_family == vs.GRAY:
        raise UsageError("is a grey picture and tells no colours", file=path)
    return clip_looks(video[0], 1)[0]


def frames_each(lengths: Sequence[int], frames: int) -> list[int]:
    """Frames of each shot that are looked at: as long shots as many; where there are too many shots, of every few.

    Args:
        lengths: Of the shots, in frames.
        frames: How many in all, if there are so few shots.
    """
    shots = len(lengths)
    if shots > MOST:
        return [int(i * MOST // shots != (i - 1) * MOST // shots) for i in range(shots)]
    return [max(1, round(frames * length / sum(lengths))) for length in lengths]


def _looks(reel: Reel, index: int, count: int) -> list[Look]:
    if count == 0 or reel.bound[index].medium is None:
        return []
    return clip_looks(reel.shots[index].source(), count)


def colour_at(reel: Reel, frame: int, across: float, down: float) -> tuple[int, npt.NDArray[Any]]:
    """Shot of a record frame, and the colour around a place of it, display-like.

    Args:
        reel: An open reel.
        frame: Record frame, from 0.
        across: Place from the left, 0..1.
        down: Place from the top, 0..1.

    Raises:
        UsageError: There is no such frame, or it shows nothing.
    """
    index = next((i for i, shot in enumerate(reel.cut.shots) if shot.record.start <= frame < shot.record.stop), None)
    if index is None or reel.bound[index].medium is None:
        raise UsageError(f"frame {frame} of the cut shows no picture", hint="Frames are counted from 0")
    source = reel.shots[index].source()
    return index, clip_colour(source[frame - reel.cut.shots[index].record.start], across, down)


def with_profiles(project: Project, reel: Reel, measured: Iterable[Measured], strength: float = 1.0) -> Project:
    """The project with the profiles as settings of their shots; nothing is written.

    Where nothing is to be corrected, the step is taken out of shots whose recipe has it: it would measure them anew,
    each for itself.
    """
    ids = unique_ids(reel.cut.shots)
    rows: dict[str, Any] = dict(project.settings.shots)
    for group in measured:
        value: Any = {"strength": strength, "profile": group.found.profile.text} if group.used else False
        for index in group.shots:
            row = _row(rows.get(ids[index]))
            has_step = any(step.name == _STEP for step in reel.decisions[index].recipe)
            if group.used or has_step or _WORD in row:
                rows[ids[index]] = {key: each for key, each in row.items() if not _is_fade(key)} | {_WORD: value}
    return replace(project, settings=replace(project.settings, shots=rows))


def _row(row: object) -> dict[str, Any]:
    """A row of ``[shots]`` as a table."""
    if isinstance(row, Mapping):
        return dict(row)
    return {"settings": str(row)} if row is not None else {}


def _is_fade(key: str) -> bool:
    return key.split(".")[0] in (_WORD, _STEP)
