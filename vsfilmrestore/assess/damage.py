"""Dirt, scratches, stains and dropouts: found by the filters' own finders, on few frames, on more where there is some.

Nothing is repaired for it: the finders' masks are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.assess.samples import Shot
from vsfilmrestore.filters._dirt_dose import Dose
from vsfilmrestore.filters._dirt_measured import measured_mask
from vsfilmrestore.filters._dirt_sight import sight
from vsfilmrestore.filters._dirt_streaks import streaks
from vsfilmrestore.filters.remove_scratches import remove_scratches
from vsfilmrestore.filters.remove_stains import remove_stains

__all__ = ["dirt_of", "scratches_of", "stains_of"]

core = vs.core

type Bytes = npt.NDArray[np.uint8]

_DIRT_WIDTH: Final = 960
"""Larger pictures are made smaller to look for dirt: what is lost then is not seen either."""
_SCRATCH_WIDTH: Final = 1920
_STAIN_WIDTH: Final = 360
_SMALLEST: Final = 64
_FEW: Final = 3
"""Frames that are looked at first."""
_MORE: Final = 6
"""Frames more where there is something."""
_DIRT_RUN: Final = 2
"""Neighbours share what is done to compare them, and each frame has its own dirt."""
_LEAST: Final = 3
"""Pixels of the smallest piece of dirt."""
_LONG: Final = 0.25
"""Share of the height a scratch's mask must have."""
_STAIN_EDGE: Final = 3
"""Frames before and after a stain that are looked at."""
_STAIN_HINTS: Final = 3
_STAIN_RUN: Final = 24
"""Frames that are looked at together at the most, where one stain goes on into the next."""
_SHORTEST: Final = 5
_SHORT: Final = 72


@dataclass(frozen=True, slots=True)
class _Specks:
    pieces: int
    share: float
    light: int
    dropouts: int


def dirt_of(shot: Shot, avoid: Sequence[int] = (), copies: Sequence[int] = ()) -> dict[str, float]:
    """``dirt.*`` and ``dropouts`` of a shot.

    Args:
        shot: The shot.
        avoid: Frames, counted from its first, that are torn or blank: they are not full of dirt.
        copies: Frames that repeat the one before: on the two of them dirt lasts, and none is seen.
    """
    if min(shot.clip.width, shot.clip.height) < _SMALLEST or len(shot) < _SHORTEST:
        return {}
    good = _judged(shot, avoid, copies)
    first = _places(shot, 1 if len(shot) < _SHORT else _FEW - 1, good)
    found = _specks(shot, first)
    if any(each.pieces or each.dropouts for each in found):
        found += _specks(shot, [place for place in _places(shot, _FEW, good) if place not in first])
    if not found:
        return {}
    pieces = sum(each.pieces for each in found)
    return {
        "dirt.density": pieces / len(found),
        "dirt.share": float(np.mean([each.share for each in found])),
        "dirt.sparkle": sum(each.light for each in found) / pieces if pieces else 0.0,
        "dropouts": sum(each.dropouts for each in found) / len(found),
        "confidence.dirt": min(0.4 + 0.1 * len(found), 1.0),
    }


def _judged(shot: Shot, avoid: Sequence[int], copies: Sequence[int]) -> list[int]:
    """Frames away from spoilt ones, from copies where there are others, and from the ends with one neighbour only."""
    bad = {place + d for place in avoid for d in (-1, 0, 1)}
    twice = {place + d for place in copies for d in (-1, 0)}
    sound = [n for n in range(1, len(shot) - 1) if n not in bad]
    return [n for n in sound if n not in twice] or sound


def _places(shot: Shot, runs: int, good: Sequence[int]) -> list[int]:
    """Frames in pairs, spread over the shot."""
    if not good:
        return []
    starts = {min(good, key=lambda n, place=place: abs(n - place)) for place in shot.places(runs)}  # type: ignore[misc]
    return sorted({start + d for start in starts for d in range(_DIRT_RUN)} & set(good))


def _specks(shot: Shot, places: Sequence[int]) -> list[_Specks]:
    frames = shot.frames(_dirt_maps, places)
    found = []
    for frame in frames:
        with frame:
            luma, lost = (np.asarray(frame.props[name][0]) for name in ("Luma", "Lost"))  # type: ignore[index]
            found.append(_counted(np.asarray(frame[0]), luma, lost))
    return found


def _dirt_maps(clip: vs.VideoNode) -> vs.VideoNode:
    """Mask of dirt, with the luma and the mask of dropouts in its properties."""
    luma = _luma(clip, _DIRT_WIDTH)
    seen = sight(luma)
    dose = Dose(0.5, 1.0, 1.0, max(0.15 * luma.width, 2.0), "both")
    lost = streaks(seen, 1.0, dose)
    mask = measured_mask(seen, dose)
    return mask.std.ClipToProp(luma, prop="Luma").std.ClipToProp(lost, prop="Lost")


def _luma(clip: vs.VideoNode, most: int) -> vs.VideoNode:
    """GRAY16, at most so wide."""
    clip = clip.std.SetFieldBased(0)
    if clip.format.color_family == vs.RGB:
        clip = clip.resize.Point(format=vs.GRAY16, matrix=vs.MATRIX_BT709, range=vs.RANGE_LIMITED)
    else:
        plane = core.std.ShufflePlanes(clip, 0, vs.GRAY)
        clip = plane.resize.Point(format=vs.GRAY16)
    width = min(most, clip.width)
    return clip if width == clip.width else clip.resize.Bilinear(width, max(round(clip.height * width / clip.width), 1))


def _counted(mask: Bytes, luma: npt.NDArray[np.uint16], lost: Bytes) -> _Specks:
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    real = luma.astype(np.float32)
    around = cv2.blur(np.where(mask > 0, 0, real), (15, 15)) / np.maximum(
        cv2.blur((mask == 0).astype(np.float32), (15, 15)), 0.01
    )
    sign = np.bincount(np.asarray(labels, np.intp).ravel(), (real - around).ravel(), count)
    large = stats[1:, cv2.CC_STAT_AREA] >= _LEAST
    dropped, *_ = cv2.connectedComponentsWithStats(lost, connectivity=8)
    return _Specks(int(large.sum()), float((mask > 0).mean()), int((sign[1:][large] > 0).sum()), int(dropped) - 1)


@dataclass(frozen=True, slots=True)
class _Line:
    x: float
    seen: int


def scratches_of(shot: Shot) -> tuple[dict[str, float], tuple[float, ...]]:
    """``scratches.*`` of a shot, and their columns in pixels of the source."""
    if min(shot.clip.width, shot.clip.height) < _SMALLEST or len(shot) < _SHORTEST:
        return {}, ()
    places = shot.places(_FEW)
    found = _columns(shot, places)
    if any(found):
        more = [place for place in shot.places(_FEW + _MORE) if place not in places]
        found += _columns(shot, more)
    reach = max(0.012 * shot.clip.width, 6.0)
    lines = [line for line in _joined(found, reach) if line.seen >= max(2, 0.2 * len(found)) or len(found) < 3]
    best = max((line.seen for line in lines), default=0) / max(len(found), 1)
    told = {"scratches.count": float(len(lines)), "scratches.persistence": best}
    told["confidence.scratches"] = min(len(found) / (_FEW + _MORE) + 0.4, 1.0)
    return told, tuple(round(line.x, 1) for line in lines)


def _columns(shot: Shot, places: Sequence[int]) -> list[list[float]]:
    """Columns of the lines of each frame."""
    import cv2

    scale = max(shot.clip.width / _SCRATCH_WIDTH, 1.0)
    found = []
    for frame in shot.frames(_scratch_mask, places):
        with frame:
            mask = np.asarray(frame[0])
            # Worn through in places, a scratch is one line still.
            whole = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((len(mask) // 12 * 2 + 1, 3), np.uint8))
            count, _, stats, centres = cv2.connectedComponentsWithStats(whole, connectivity=8)
            tall = [n for n in range(1, count) if stats[n, cv2.CC_STAT_HEIGHT] >= _LONG * len(mask)]
            found.append([float(centres[n][0]) * scale for n in tall])
    return found


def _scratch_mask(clip: vs.VideoNode) -> vs.VideoNode:
    shown: vs.VideoNode = remove_scratches(_luma(clip, _SCRATCH_WIDTH), 0.5, model="", show="mask")
    return shown.resize.Point(format=vs.GRAY8).std.Binarize(128)


def _joined(frames: Sequence[Sequence[float]], reach: float) -> list[_Line]:
    """Lines that are found at nearly the same column in several frames."""
    every = sorted((x, n) for n, columns in enumerate(frames) for x in columns)
    groups: list[list[tuple[float, int]]] = []
    for x, n in every:
        if groups and x - float(np.mean([each[0] for each in groups[-1]])) < reach:
            groups[-1].append((x, n))
        else:
            groups.append([(x, n)])
    return [_Line(float(np.median([x for x, _ in group])), len({n for _, n in group})) for group in groups]


def stains_of(shot: Shot, hints: Sequence[tuple[int, int]], avoid: Sequence[int] = ()) -> dict[str, float]:
    """``stains.*`` of a shot.

    Args:
        shot: The shot.
        hints: Where something broad may come and go: frames, counted from the first of the shot, in which it comes and
            in which it has gone. The finder takes long, so it looks nowhere else.
        avoid: Frames that are torn or blank: what comes and goes with them is no stain.
    """
    if min(shot.clip.width, shot.clip.height) < _SMALLEST or len(shot) < _SHORTEST:
        return {}
    import cv2

    spoilt = {place + d for place in avoid for d in (0, 1)}
    runs = _united([hint for hint in hints if not spoilt & set(hint)])[:_STAIN_HINTS]
    shares, counts = [], []
    for come, gone in runs:
        start, stop = max(come - _STAIN_EDGE, 0), min(gone + _STAIN_EDGE, len(shot))
        wanted = range(come - start, max(gone - start, come - start + 1))
        for frame in shot.frames(lambda clip, a=start, b=stop: _stain_mask(clip[a:b]), wanted):  # type: ignore[misc]
            with frame:
                mask = np.asarray(frame[0])
                shares.append(float((mask > 0).mean()))
                counts.append(int(cv2.connectedComponents(mask)[0]) - 1)
    looked = max(len(shot), 1) if shares else 1
    return {"stains.share": sum(shares) / looked, "stains.count": sum(counts) / looked}


def _united(hints: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Hints that overlap become one, so that no frame counts twice; those of the most frames come first."""
    runs: list[tuple[int, int]] = []
    for come, gone in sorted(hints):
        if runs and come < runs[-1][1]:
            runs[-1] = runs[-1][0], min(max(runs[-1][1], gone), runs[-1][0] + _STAIN_RUN)
        else:
            runs.append((come, gone))
    return sorted(runs, key=lambda run: run[0] - run[1])


def _stain_mask(clip: vs.VideoNode) -> vs.VideoNode:
    shown: vs.VideoNode = remove_stains(_luma(clip, _STAIN_WIDTH), 0.5, show="mask")
    return shown.resize.Point(format=vs.GRAY8).std.Binarize(128)
