"""Faces laid back into the picture: those that were made and stood before the guard, with soft edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import vapoursynth as vs

from vsfilmrestore.filters._face_detail import detailed
from vsfilmrestore.filters._face_guard import Finder, around, likeness_of, locked
from vsfilmrestore.filters._face_told import COUNTS, WHY
from vsfilmrestore.filters._face_tracks import Face, eye_distance, faces_of, same_face
from vsfilmrestore.inference.apply import tell_guess
from vsfilmrestore.inference.colour import STEP, show
from vsfilmrestore.inference.data import TINY, tiny
from vsfilmrestore.inference.network import planes_of
from vsfilmrestore.inference.regions import REGION_PROPS, Region, as_props
from vsfilmrestore.inference.runtimes.base import Array
from vsfilmrestore.inference.windows import Tap, Windows, windowed

__all__ = ["COUNTS", "WHY", "Doses", "Making", "doses_of", "ellipse", "laid_back", "wanted"]

core = vs.core

_POOR: Final = (16.0, 24.0)
"""Fineness up to which a face is poor enough for a network that invents, and from which it is not."""
_BARE: Final = (8.0, 12.0)
"""Below this there is no detail to bring out."""
_GOOD: Final = (100.0, 140.0)
"""Above this a face wants nothing."""
_GROWN: Final = 1.2
"""Faces from the smallest size to so many times as large get the dose by and by."""
_REACH: Final = 0.62
"""Half-axes of the ellipse, in sides of the box."""
_SOFT: Final = (0.7, 1.2)
"""The ellipse falls from 1 to 0 between these shares of its half-axes."""
_MOST: Final = 8
_FAULTS: Final = "_VsfrFaceFaults"
"""What the guard says of each face of a frame."""
_NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class Doses:
    """How much of what is made a face gets, 0..1.

    Attributes:
        detail: Of its own detail, brought out.
        generative: Of what a network made of it.
    """

    detail: float
    generative: float


def doses_of(face: Face, mode: str, smallest: float) -> Doses:
    """What a face's quality asks for. Doses change little by little with it, so nothing jumps from frame to frame.

    Args:
        face: The face.
        mode: ``auto``, ``detail`` or ``generative``.
        smallest: Smaller faces stay as they are.
    """
    there = _rising(face.size, (smallest * 0.999, smallest * _GROWN))
    poor = 1 - _rising(face.fineness, _POOR)
    generative = {"auto": poor, "generative": 1.0}.get(mode, 0.0)
    fair = _rising(face.fineness, _BARE) * (1 - _rising(face.fineness, _GOOD))
    detail = fair * (1 - generative) if mode != "generative" else 0.0
    return Doses(there * detail, there * generative)


def _rising(value: float, ramp: tuple[float, float]) -> float:
    return float(np.clip((value - ramp[0]) / (ramp[1] - ramp[0]), 0, 1))


def wanted(tracks: vs.VideoNode, mode: str, smallest: float) -> vs.VideoNode:
    """Tiny frames that tell of the faces that a network is to redraw, of those that `tracked` tells of."""
    picture = np.zeros((1, 1, TINY, TINY), np.float32)

    def work(_number: int, groups: list[list[vs.VideoFrame]]) -> tuple[Array, dict[str, Any]]:
        faces = faces_of(groups[1][0])
        return picture, as_props([each.region for each in faces if doses_of(each, mode, smallest).generative])

    blank = tiny(tracks.num_frames)  # first, so that nothing that it tells of other faces is handed on
    return windowed([Tap(blank), Tap(tracks)], Windows(), blank, work)


@dataclass(frozen=True, slots=True)
class Making:
    """What is made of faces, and how it is judged.

    Attributes:
        strength: Share of what was made that is taken.
        mode: See `doses_of`.
        smallest: See `doses_of`.
        landmarks: Finds landmarks for the guard; None where nothing does.
        guard: Whether what was made is judged and held to the filmed face.
        calm: Frames over which a face fades out towards one in which it was stopped.
    """

    strength: float
    mode: str
    smallest: float
    landmarks: Finder | None
    guard: bool
    calm: int

    def made_of(self, face: Face, seen: Array, made: Array | None) -> _Made | None:
        """What becomes of a face of a picture when all of it is taken; None where it stays."""
        doses = doses_of(face, self.mode, self.smallest)
        rows, columns = around(face.region, *seen.shape[1:])
        if not (doses.detail or doses.generative) or not (rows.stop - rows.start and columns.stop - columns.start):
            return None
        part = seen[:, rows, columns]
        here = _moved(face.region, columns.start, rows.start)
        change = np.zeros_like(part)
        if doses.detail:
            luma = 0.299 * part[0] + 0.587 * part[1] + 0.114 * part[2]
            change += doses.detail * (detailed(luma, face.blur, face.noise) - luma)
        if doses.generative and made is not None:
            change += doses.generative * (made[:, rows, columns] - part)
        mask = ellipse(here, part.shape[1], part.shape[2])
        return _Made(doses, (rows, columns), here, part, change / max(doses.detail, doses.generative), mask)

    def fault(self, face: Face, made: _Made) -> str:
        """What the guard finds fault with; '' for nothing.

        All that was made is judged, not the share of it that is taken: a small dose of a stranger is still one.
        """
        if not self.guard:
            return ""
        return likeness_of(made.seen, made.change, made.mask, made.region, face.blur, self.landmarks).fault


@dataclass(frozen=True, slots=True)
class _Made:
    """A made face: doses, rows and columns, where it lies in them, what was filmed, what changes, and its mask."""

    doses: Doses
    where: tuple[slice, slice]
    region: Region
    seen: Array
    change: Array
    mask: Array


def laid_back(
    clip: vs.VideoNode, faces: vs.VideoNode, tracks: vs.VideoNode, made: vs.VideoNode | None, making: Making
) -> vs.VideoNode:
    """The clip with its faces restored, and with `COUNTS` and `WHY` in its properties.

    A face that the guard stops keeps its bits in that frame, and fades out towards it in those around.

    Args:
        clip: The shot.
        faces: Tiny frames with the faces of each frame by itself, from `measured`: these are judged.
        tracks: Tiny frames with its faces calmed, from `tracked`: these are laid back.
        made: What a network made of it; None without one.
        making: What is made.
    """
    shown = show(clip, "rgb")
    pictures = [Tap(shown.clip, context=False), *([Tap(show(made, "rgb").clip, context=False)] if made else [])]
    verdict = _judged(faces, pictures, making)
    frames, calm = clip.num_frames, making.calm

    def work(number: int, groups: list[list[vs.VideoFrame]]) -> tuple[Array, dict[str, Any]]:
        told, (shot,), (track,), *more = groups
        tell_guess(shot)
        there = {step: told[step + calm] for step in range(-calm, calm + 1) if 0 <= number + step < frames}
        verdicts = {step: (faces_of(frame), _faults_of(frame)) for step, frame in there.items()}
        seen, *other = (np.stack(planes_of(frame)) for frame in (shot, *(group[0] for group in more)))
        picture, counts = _laid(seen, other[0] if other else None, faces_of(track), verdicts, making)
        return picture[None], {STEP: 0.0, **counts}

    taps = [Tap(verdict), pictures[0], Tap(tracks, context=False), *pictures[1:]]
    done = windowed(taps, Windows(calm, 1, calm), core.std.BlankClip(shown.clip, keep=True), work)
    result = core.std.CopyFrameProps(shown.back(done), done, props=[*COUNTS.values(), WHY])
    nobody = shown.source.std.SetFrameProps(**dict.fromkeys(COUNTS.values(), 0))
    return core.akarin.Select([nobody, result], tracks, f"x.{REGION_PROPS[0]} 0 > 1 0 ?")


def _judged(faces: vs.VideoNode, pictures: Sequence[Tap], making: Making) -> vs.VideoNode:
    """Tiny frames with the faces of each frame, and what the guard says of each."""
    picture = np.zeros((1, 1, TINY, TINY), np.float32)

    def work(_number: int, groups: list[list[vs.VideoFrame]]) -> tuple[Array, dict[str, Any]]:
        known = faces_of(groups[0][0])
        if not known:
            return picture, {}
        seen, *other = (np.stack(planes_of(group[0])) for group in groups[1:])
        mades = [making.made_of(face, seen, other[0] if other else None) for face in known]
        faults = [making.fault(face, made) if made else "" for face, made in zip(known, mades, strict=True)]
        return picture, {_FAULTS: [fault or _NONE for fault in faults]}

    if not making.guard:
        return faces
    told = windowed([Tap(faces), *pictures], Windows(), tiny(faces.num_frames), work)
    told = core.akarin.Select([faces, told], faces, f"x.{REGION_PROPS[0]} 0 > 1 0 ?")
    # Small as they are, all that anybody looks at again soon can be kept.
    told.std.SetVideoCache(mode=1, fixedsize=1, maxsize=512, maxhistory=0)
    return told


def _faults_of(frame: vs.VideoFrame) -> list[str]:
    found: Any = frame.props.get(_FAULTS, [])
    each = found if isinstance(found, list | tuple) else [found]
    words = [word.decode() if isinstance(word, bytes) else str(word) for word in each]
    return ["" if word == _NONE else word for word in words]


type _Verdicts = Mapping[int, tuple[Sequence[Face], Sequence[str]]]


def _laid(
    seen: Array, other: Array | None, faces: Sequence[Face], verdicts: _Verdicts, making: Making
) -> tuple[Array, Mapping[str, Any]]:
    """A picture with its faces, and what became of them."""
    counts, faults = Counter[str](found=len(faces)), []
    change, weight = np.zeros_like(seen), np.zeros(seen.shape[1:], np.float32)
    for place, face in enumerate(sorted(faces, key=lambda face: -face.size)):
        made = making.made_of(face, seen, other) if place < _MOST else None
        if made is None:
            counts["left"] += 1
            continue
        here, fault = _stopped(face, verdicts, making)
        # Those that were overlooked in this frame, and stand on the way between others, are judged now.
        fault = making.fault(face, made) if fault is None else fault
        if fault:
            counts["stopped"] += 1
            faults.append(fault)
            continue
        counts.update({kind: 1 for kind in ("detail", "generative") if getattr(made.doses, kind)})
        taken = here * making.strength * max(made.doses.detail, made.doses.generative)
        wanted = locked(made.change, eye_distance(made.region)) if making.guard else made.change
        change[:, *made.where] += made.mask * taken * wanted
        weight[made.where] += made.mask
    told: dict[str, Any] = {prop: int(counts[kind]) for kind, prop in COUNTS.items()}
    return seen + change / np.maximum(weight, 1), {**told, **({WHY: " ".join(faults)} if faults else {})}


def _stopped(face: Face, verdicts: _Verdicts, making: Making) -> tuple[float, str | None]:
    """How much is left of a face among frames that stopped it, and its fault in this one; None: not judged."""
    left, fault = 1.0, None
    for step, (known, faults) in verdicts.items():
        place = same_face(face.region, known)
        if place is None:
            continue
        said = faults[place] if faults else ""
        fault = said if step == 0 else fault
        left = min(left, abs(step) / (making.calm + 1)) if said else left
    return left, fault


def _moved(region: Region, left: int, top: int) -> Region:
    numbers = region.numbers
    return region.moved(numbers - np.concatenate([[left, top, 0, 0], np.tile([left, top], len(region.points))]))


def ellipse(region: Region, height: int, width: int) -> Array:
    """How much of each pixel is the face's, ``[height, width]``: a soft ellipse, as the head is inclined."""
    turn = 0.0
    if len(region.points) >= 2:
        (ax, ay), (bx, by) = region.points[:2]
        turn = float(np.arctan2(by - ay, max(bx - ax, 1e-3)))
    across = np.arange(width)[None, :] + 0.5 - region.left - region.width / 2
    down = np.arange(height)[:, None] + 0.5 - region.top - region.height / 2
    x = across * np.cos(turn) + down * np.sin(turn)
    y = down * np.cos(turn) - across * np.sin(turn)
    far = np.hypot(x / max(_REACH * region.width, 1), y / max(_REACH * region.height, 1))
    rise = np.clip((_SOFT[1] - far) / (_SOFT[1] - _SOFT[0]), 0, 1)
    return np.asarray(rise * rise * (3 - 2 * rise), np.float32)
