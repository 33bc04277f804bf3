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
from vsfilmrestore.filters._face_tracks import Face, eye_distance, faces_of
from vsfilmrestore.inference.apply import tell_guess
from vsfilmrestore.inference.colour import STEP, show
from vsfilmrestore.inference.data import TINY, tiny
from vsfilmrestore.inference.network import planes_of
from vsfilmrestore.inference.regions import REGION_PROPS, Region, as_props
from vsfilmrestore.inference.runtimes.base import Array
from vsfilmrestore.inference.windows import Tap, Windows, windowed

__all__ = ["COUNTS", "WHY", "Doses", "doses_of", "ellipse", "laid_back", "wanted"]

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


def laid_back(
    clip: vs.VideoNode,
    tracks: vs.VideoNode,
    made: vs.VideoNode | None,
    *,
    strength: float,
    mode: str,
    smallest: float,
    landmarks: Finder | None,
    guard: bool,
) -> vs.VideoNode:
    """The clip with its faces restored, and with `COUNTS` and `WHY` in its properties.

    Args:
        clip: The shot.
        tracks: Tiny frames with its faces, from `tracked`.
        made: What a network made of it; None without one.
        strength: Share of what was made that is taken.
        mode: See `doses_of`.
        smallest: See `doses_of`.
        landmarks: Finds landmarks for the guard.
        guard: Whether what was made is judged and held to the filmed face.
    """
    shown = show(clip, "rgb")
    like = core.std.BlankClip(shown.clip, keep=True)
    taps = [Tap(shown.clip), Tap(tracks), *([Tap(show(made, "rgb").clip)] if made is not None else [])]
    maker = _Maker(strength, mode, smallest, landmarks, guard)

    def work(_number: int, groups: list[list[vs.VideoFrame]]) -> tuple[Array, dict[str, Any]]:
        frame = groups[0][0]
        tell_guess(frame)
        other = np.stack(planes_of(groups[2][0])) if made is not None else None
        picture, told = maker(np.stack(planes_of(frame)), faces_of(groups[1][0]), other)
        return picture[None], {STEP: 0.0, **told}

    done = windowed(taps, Windows(), like, work)
    told = [*COUNTS.values(), WHY]
    result = core.std.CopyFrameProps(shown.back(done), done, props=told)
    nobody = shown.source.std.SetFrameProps(**dict.fromkeys(COUNTS.values(), 0))
    return core.akarin.Select([nobody, result], tracks, f"x.{REGION_PROPS[0]} 0 > 1 0 ?")


@dataclass(frozen=True, slots=True)
class _Maker:
    """Faces of one picture after the other."""

    strength: float
    mode: str
    smallest: float
    landmarks: Finder | None
    guard: bool

    def __call__(self, seen: Array, faces: Sequence[Face], made: Array | None) -> tuple[Array, Mapping[str, Any]]:
        counts, faults = Counter[str](found=len(faces)), []
        change, weight = np.zeros_like(seen), np.zeros(seen.shape[1:], np.float32)
        largest = sorted(faces, key=lambda face: -face.size)
        for place, face in enumerate(largest):
            doses = doses_of(face, self.mode, self.smallest)
            rows, columns = around(face.region, *seen.shape[1:])
            if place >= _MOST or not (doses.detail or doses.generative) or not rows.stop - rows.start:
                counts["left"] += 1
                continue
            part = seen[:, rows, columns]
            wanted = self._wanted(part, face, doses, None if made is None else made[:, rows, columns])
            here = _moved(face.region, columns.start, rows.start)
            mask = ellipse(here, part.shape[1], part.shape[2])
            # All that was made is judged, not the share of it that is taken: a small dose of a stranger is still one.
            fault = likeness_of(part, wanted, mask, here, face.blur, self.landmarks).fault if self.guard else ""
            if fault:
                counts["stopped"] += 1
                faults.append(fault)
                continue
            taken = self.strength * max(doses.detail, doses.generative)
            wanted = taken * (locked(wanted, eye_distance(here)) if self.guard else wanted)
            counts.update({kind: 1 for kind in ("detail", "generative") if getattr(doses, kind)})
            change[:, rows, columns] += mask * wanted
            weight[rows, columns] += mask
        picture = seen + change / np.maximum(weight, 1)
        told: dict[str, Any] = {prop: int(counts[kind]) for kind, prop in COUNTS.items()}
        return picture, {**told, **({WHY: " ".join(faults)} if faults else {})}

    def _wanted(self, part: Array, face: Face, doses: Doses, made: Array | None) -> Array:
        """What changes around a face when all of it is taken."""
        change = np.zeros_like(part)
        if doses.detail:
            luma = 0.299 * part[0] + 0.587 * part[1] + 0.114 * part[2]
            change += doses.detail * (detailed(luma, face.blur, face.noise) - luma)
        if doses.generative and made is not None:
            change += doses.generative * (made - part)
        return change / max(doses.detail, doses.generative)


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
