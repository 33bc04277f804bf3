"""Where a single frame, or two in a row, are torn: told by small pictures of them and of the sound frames around.

What the frame should show is made from the frames around it by dense motion from both sides. A tear is

- an empty field: flat where both sides have a drawing, or are of another tone;
- a piece that slipped: beyond one line across the picture all is displaced by the same way, up to that line nothing is;
- a hole that shows something else: far from what was expected, and the drawing that was there is gone.

Pictures of fast motion fail all three: there nothing is expected with certainty, and what is displaced has no straight
edge. So do copies and uneven cadences: they show what a neighbour shows, or are displaced along the way of the motion.

Source: dense flow: T. Kroeger et al., Fast Optical Flow using Dense Inverse Search (ECCV 2016), as in OpenCV; outliers
against both neighbours: A. Kokaram, Motion Picture Restoration (1998), chapter 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._small_pictures import (
    as_bytes,
    depth_of,
    deviation,
    eroded,
    everywhere,
    grown,
    mean,
    moved_by,
    real,
    slope,
    touching,
    widest,
)

__all__ = ["Sides", "torn_area"]

type Picture = npt.NDArray[np.float32]
type Bytes = npt.NDArray[np.uint8]
type Flags = npt.NDArray[np.bool_]

_MOST: Final = 0.66
"""Share of the picture above which a change is another light, and not damage."""
_REDUCED: Final = 4
"""Lines are searched in a picture so many times smaller."""
_LEANS: Final = 25
"""Leans of a line to either side of level, up to 45 degrees: every third is tried, then those around the best."""
_FLAT: Final = 2.5
_DRAWN: Final = 6.0
"""Local deviations, 8-bit levels: less is flat but for grain, more is a drawing."""
_APART: Final = 20.0
"""Levels by which an empty field of another tone differs."""
_RIM: Final = 5
"""Pixels of the small picture beside the line of a tear that are spoilt as well."""
_PATCH: Final = 9
"""Side of the squares over which what is off is gathered: grain is off here and there, a piece everywhere."""
_SIZED: Final = 0.08
"""Share of the picture from which a piece is large."""
_STRAYS: Final = 0.07
"""Share of what can be judged that may be off on the sound side of the line."""
_MOVING: Final = 0.35
"""What moves beside a hole, as a share of the hole, from which it is something that flies by."""
_LEAST_WEAVE, _MOST_WEAVE = 0.4, 3.0
"""Pixels of the small picture by which the sound part may stand off its place; less is none."""


class Sides(NamedTuple):
    """The sound frames around, 8-bit luma, and how many frames away they are."""

    before: Bytes
    after: Bytes
    left: int
    right: int
    between: Sequence[Bytes] = ()
    """Frames nearer than those: perhaps torn as well."""


class _Line(NamedTuple):
    """A line across the picture, on one side of which evidence gathers."""

    score: float
    upright: bool
    lean: float
    place: int
    behind: bool
    inside: float
    outside: float


@dataclass(frozen=True, slots=True)
class _Scene:
    """A frame beside what is expected of it; all of one size, 8-bit levels."""

    sides: Sides
    motion: Picture
    """From the side before to the one after."""
    frame: Picture
    expected: Picture
    doubt: Picture
    off: Picture
    """How far the frame is from what is expected and from both sides as they are."""
    noise: float
    light: float
    """Levels that were added to the frame, for it was darker."""

    @classmethod
    def of(cls, frame: Bytes, sides: Sides) -> Self:
        time = np.float32(sides.left / (sides.left + sides.right))
        ahead, back = _flow(sides.before, sides.after), _flow(sides.after, sides.before)
        from_a, from_b = moved_by(real(sides.before), back * time), moved_by(real(sides.after), ahead * (1 - time))
        expected = (1 - time) * from_a + time * from_b
        light = _light(real(frame), expected)
        return cls._beside(sides, ahead, real(frame) + light, expected, mean(np.abs(from_a - from_b), 5), light)

    @classmethod
    def _beside(
        cls, sides: Sides, motion: Picture, frame: Picture, expected: Picture, doubt: Picture, light: float
    ) -> Self:
        away = np.abs(mean(frame - expected, 3))
        near = [np.abs(mean(frame - real(side), 3)) for side in (sides.before, sides.after)]
        off = np.minimum(away, np.minimum(*near))
        return cls(sides, motion, frame, expected, doubt, off, float(np.median(away)), light)

    def expecting(self, other: Picture) -> Self:
        """The same beside another picture."""
        return self._beside(self.sides, self.motion, self.frame, other, self.doubt, self.light)


def _flow(a: Bytes, b: Bytes) -> Picture:
    """Dense flow ``[row, column, 2]``: what ``a`` shows at x, ``b`` shows at x + flow."""
    import cv2

    engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return np.asarray(engine.calc(a, b, np.zeros((*a.shape, 2), np.float32)), dtype=np.float32)


def torn_area(frame: Bytes, sides: Sequence[Sides], strength: float) -> Flags | None:
    """The destroyed part of a small picture; None where there is none.

    Args:
        frame: 8-bit luma, about 320 pixels wide.
        sides: What may be around it: its neighbours, or where one of them is torn as well the frame behind that one.
            The widest tear that is certain between any two counts.
        strength: 0..1; more finds smaller and fainter tears.
    """
    found: Flags | None = None
    for each in sides:
        if _is_like_one(frame, each):
            continue
        area = _torn_between(_Scene.of(frame, each), strength)
        if area is not None and (found is None or area.sum() > found.sum()):
            found = area
    return found


def _is_like_one(frame: Bytes, sides: Sides) -> bool:
    """Whether one of the two sides shows the same as it is, so that there is nothing to look for."""
    seen = real(frame)
    apart = (np.abs(mean(seen - real(side), 5)) for side in (sides.before, sides.after))
    return float((np.minimum(*apart) > 4).mean()) < 0.004


def _torn_between(scene: _Scene, strength: float) -> Flags | None:
    least = 0.03 - 0.02 * strength
    for kind in (_emptied, _slipped, _replaced):
        area = kind(scene, strength)
        if area is not None and least < float(area.mean()) < _MOST:
            return area
    return None


# --- an empty field -------------------------------------------------------------------------------------------------


def _emptied(scene: _Scene, strength: float) -> Flags | None:
    """One flat field that neither side has."""
    import cv2

    a, b = real(scene.sides.before), real(scene.sides.after)
    rough = deviation(scene.frame, 7)
    drawn = np.minimum(deviation(a, 7), deviation(b, 7)) > _DRAWN
    changed = np.minimum(np.abs(mean(scene.frame - a, 5)), np.abs(mean(scene.frame - b, 5))) > _APART
    emptied = (rough < _FLAT + 0.5 * min(scene.noise, 4.0)) & (drawn | changed)
    if emptied.mean() < 0.01:
        return None
    tone = float(np.median(scene.frame[emptied]))
    toned = np.abs(scene.frame - tone) < 8
    field = eroded((np.abs(mean(scene.frame, 3) - tone) < 6) & (rough < 2 * _FLAT), 2)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(field.astype(np.uint8))
    sizes = stats[1:, cv2.CC_STAT_AREA] / field.size
    found = np.zeros(field.shape, bool)
    for label in np.flatnonzero(sizes > 0.02 - 0.015 * strength) + 1:
        part = labels == label
        if float(emptied[part].mean()) > 0.9 and not _is_glare(scene, part):
            found |= part
    if not found.any():
        return None
    # Its corners are too narrow to be flat, but of its tone and joined to it; where one hole is, smaller ones may be.
    off = scene.off > _APART + 3 * scene.doubt
    found = grown(found, 2) | touching(eroded(toned & off, 3), toned & off)
    return _rimmed(scene, touching(found, (toned | off) & grown(found, 8 * _RIM)))


def _is_glare(scene: _Scene, field: Flags) -> bool:
    """Whether all around the field is lighter or darker as well, its drawing kept: light that was too much."""
    ring = grown(field, 3 * _RIM) & ~grown(field, _RIM)
    if ring.sum() < 50:
        return False
    shift = float(np.median((scene.frame - scene.expected)[ring])) - scene.light
    inside = float(np.median((scene.frame - scene.expected)[field])) - scene.light
    if abs(shift) < 10 or (shift > 0) != (inside > 0):
        return False
    return float(np.corrcoef(scene.frame[ring], scene.expected[ring])[0, 1]) > 0.6


# --- a piece that slipped -------------------------------------------------------------------------------------------


def _slipped(scene: _Scene, strength: float) -> Flags | None:
    """All that lies beyond a line, if it is displaced as one piece and nothing before the line is."""
    found = _piece(scene)
    if found is not None and _LEAST_WEAVE < float(np.hypot(*found.rest)) < _MOST_WEAVE:
        # The whole frame stands a little off its place, as frames do: the rest is looked at from there.
        scene = scene.expecting(moved_by(scene.expected, everywhere(-found.rest, scene.frame)))
        found = _piece(scene)
    if found is None or found.line.outside > _STRAYS or found.proof < 0.34 - 0.12 * strength:
        return None
    if float(np.hypot(*found.rest)) > _LEAST_WEAVE or _by_motion(scene, found.area, found.way):
        return None
    return _rimmed(scene, found.area)


class _Piece(NamedTuple):
    """What lies beyond the best line, and how it is displaced."""

    line: _Line
    area: Flags
    way: Picture
    """Displacement of what lies beyond the line, pixels to the right and down."""
    rest: Picture
    """Of all else."""
    proof: float
    """0..1: how well one displacement up to a line explains what is off."""


def _piece(scene: _Scene) -> _Piece | None:
    doubt = 2 + 1.2 * mean(scene.doubt, _PATCH) + 1.2 * min(scene.noise, 4.0)
    sure = slope(scene.expected) > 0.4 * doubt
    bad = sure & (np.sqrt(np.maximum(mean(scene.off**2, _PATCH), 0)) > doubt)
    if int(bad.sum()) < 0.02 * max(int(sure.sum()), 1) or float(bad.mean()) < 0.004:
        return None
    line = _line(sure, bad)
    if line is None or line.score < 0.25:
        return None
    area = _beyond(line, scene.frame.shape)
    depth = depth_of(area)
    inside, outside = (sure & part & (depth > _RIM + 1) for part in (area, ~area))
    if min(int(inside.sum()), int(outside.sum())) < 50:
        return None
    flow = _flow(as_bytes(scene.expected), as_bytes(scene.frame))
    way, rest = (np.asarray(np.median(flow[part], axis=0), np.float32) for part in (inside, outside))
    length = float(np.hypot(*way))
    if length < 0.6:
        return None
    one = float((np.hypot(*(flow[inside] - way).T) < 0.5 + 0.25 * length).mean())
    back = np.abs(mean(scene.frame - moved_by(scene.expected, everywhere(-way, scene.frame)), 3))
    left = float(back[inside].mean()) / max(float(scene.off[inside].mean()), 1e-3)
    beside = sure & ~area & (depth > _RIM) & (depth < 3 * _RIM)
    strays = scene.off[beside] > 3 + scene.doubt[beside] + min(scene.noise, 4.0)
    blurred = float(strays.mean()) if len(strays) > 20 else 0.0
    # A small piece has to prove more: some corner of a busy picture is always off.
    sized = min(float(area.mean()) / _SIZED, 1.0)
    return _Piece(line, area, way, rest, line.score * max(1 - left, 0) * max(1 - 2 * blurred, 0) * one * sized)


def _line(sure: Flags, bad: Flags) -> _Line | None:
    """The line that parts best what is off from what is in its place."""
    level = _reduced(sure), _reduced(bad)
    upright = level[0].T, level[1].T
    coarse = range(-_LEANS, _LEANS + 1, 3)
    best = max(
        *(_along(level[0], level[1], way, upright=False) for way in coarse),
        *(_along(upright[0], upright[1], way, upright=True) for way in coarse),
        key=_score,
    )
    if best is None:
        return None
    middle, (weight, evidence) = round(best.lean * _LEANS), upright if best.upright else level
    near = [way for way in range(middle - 2, middle + 3) if abs(way) <= _LEANS]
    return max((_along(weight, evidence, way, upright=best.upright) for way in near), key=_score)


def _score(line: _Line | None) -> float:
    return line.score if line else 0.0


def _along(weight: Picture, evidence: Picture, way: int, *, upright: bool) -> _Line | None:
    height, width = weight.shape
    lean = way / _LEANS
    shift = _offsets(width, lean)
    span = int(np.abs(shift).max())
    rows = (np.arange(height)[:, None] - shift[None] + span).ravel()
    length = height + 2 * span
    w, e, n = (
        np.cumsum(np.bincount(rows, part, length)) for part in (weight.ravel(), evidence.ravel(), np.ones(weight.size))
    )
    best: _Line | None = None
    for behind in (False, True):
        wi, ei, ni = (t[-1] - t if behind else t for t in (w, e, n))
        inside, outside = ei / np.maximum(wi, 1e-6), (e[-1] - ei) / np.maximum(w[-1] - wi, 1e-6)
        allowed = (ni > 0.03 * weight.size) & (ni < _MOST * weight.size)
        # Little that can be seen proves little, on either side of the line.
        allowed &= (wi > 0.008 * weight.size) & (w[-1] - wi > 0.05 * w[-1]) & (w[-1] - wi > 0.02 * weight.size)
        score = np.where(allowed, inside - outside, -1.0)
        at = int(score.argmax())
        if score[at] > (best.score if best else 0):
            best = _Line(float(score[at]), upright, lean, at - span, behind, float(inside[at]), float(outside[at]))
    return best


def _offsets(width: int, lean: float) -> npt.NDArray[np.intp]:
    return np.rint(lean * (np.arange(width) - (width - 1) / 2)).astype(np.intp)


def _beyond(line: _Line, shape: tuple[int, ...]) -> Flags:
    """The side of the line that is off."""
    height, width = shape[::-1] if line.upright else shape
    rows, columns = np.mgrid[:height, :width]
    middle = (-(-width // _REDUCED) - 1) / 2
    down = (rows + 0.5) / _REDUCED - 0.5 - line.lean * ((columns + 0.5) / _REDUCED - 0.5 - middle)
    area = (down > line.place + 0.5) == line.behind
    return np.asarray(area.T if line.upright else area)


def _by_motion(scene: _Scene, area: Flags, way: Picture) -> bool:
    """Whether the sides move so that an uneven cadence, or a tear in one of them, looks the same."""
    motion, length, depth = scene.motion, float(np.hypot(*way)), depth_of(area) / min(area.shape)
    near = (depth > 0.06) & (depth < 0.4)
    if (near & area).any() and (near & ~area).any():
        # Were one of the sides torn, its own displacement would part the motion along the same line, by this and more.
        inside, outside = (np.median(motion[part], axis=0) for part in (near & area, near & ~area))
        if abs(float((inside - outside) @ way)) > 0.5 * length**2:
            return True
    moved = np.median(motion[area], axis=0)
    share = float(moved @ way) / max(float(moved @ moved), 1e-6)
    return abs(share) < 0.6 and float(np.hypot(*(way - share * moved))) < 0.4 + 0.1 * length


# --- a hole ---------------------------------------------------------------------------------------------------------


def _replaced(scene: _Scene, strength: float) -> Flags | None:
    """What neither side has, however it is moved, where the two agree and the drawing is gone."""
    level = 40 - 24 * strength
    certain = widest(scene.doubt) * 3
    if float((scene.doubt > 12).mean()) > 0.35:
        return None  # neither side tells what to expect
    if float(((scene.off > level) & (scene.off > certain)).mean()) < 0.01:
        return None
    off = scene.off
    for side in (scene.sides.before, scene.sides.after):
        off = np.minimum(off, np.abs(mean(scene.frame - moved_by(real(side), _flow(as_bytes(scene.frame), side)), 3)))
    alike, drawn = _likeness(scene.frame, scene.expected)
    outlier = (off > level) & (off > certain)
    seeds = outlier & (alike < 0.6)
    kept, gone = float((outlier & (alike > 0.6)).mean()), float((seeds & (drawn > 4)).mean())
    seeds = grown(eroded(seeds, 4), 4)
    share = float(seeds.mean())
    if not 0.03 - 0.02 * strength < share < 0.6 or gone <= max(kept, 0.05 * share):
        return None
    tone = mean(scene.frame - scene.expected, 3)
    loose = (off > level / 2) & ((alike < 0.6) | (off > level)) | (np.abs(tone) > level) & (
        scene.doubt * 3 < np.abs(tone)
    )
    hole = grown(touching(seeds, grown(loose, 1)), 3)
    return None if _flies_by(scene, hole) else hole


def _flies_by(scene: _Scene, hole: Flags) -> bool:
    """Whether something comes and goes just beside a hole as well: what it shows came from there, or goes there.

    A bird that crosses the picture in three frames is in none of the places where its neighbours show it. Damage lies
    where it lies, and the film around it moves as before.
    """
    moving = scene.doubt > 12
    for other in scene.sides.between:
        off = np.abs(mean(real(other) - scene.expected + scene.light, 3)) > _APART
        if float(off[hole].mean()) < 0.5:  # else it is torn at the same place
            moving |= off
    near = grown(hole, max(round(float(hole.sum()) ** 0.5), 3)) & ~hole
    return float((near & moving).sum()) > _MOVING * float(hole.sum())


def _likeness(a: Picture, b: Picture) -> tuple[Picture, Picture]:
    """Local correlation, -1..1, near 0 where one is smooth; local deviation of the other."""
    ma, mb = mean(a, 9), mean(b, 9)
    va, vb = mean(a * a, 9) - ma * ma, mean(b * b, 9) - mb * mb
    both = np.sqrt(np.maximum(va + 0.65, 0.65) * np.maximum(vb + 0.65, 0.65))
    return np.asarray((mean(a * b, 9) - ma * mb) / both), np.sqrt(np.maximum(vb, 0))


# --- parts ------------------------------------------------------------------------------------------------------------


def _rimmed(scene: _Scene, area: Flags) -> Flags:
    """The area with the spoilt line beside it."""
    near = grown(area, 2 * _RIM)
    spoilt = (scene.off > 8 + 2 * scene.doubt + 2 * min(scene.noise, 4.0)) & near
    return grown(touching(area, spoilt | area), 1) | grown(area, _RIM // 2 + 1)


def _light(frame: Picture, expected: Picture) -> float:
    """What the greater part of the picture is darker than expected, levels: flicker."""
    change = np.rint(mean(expected - frame, 5)).clip(-20, 20).astype(np.intp) + 20
    counts = np.convolve(np.bincount(change.ravel(), minlength=41), [1, 1, 1], "same")
    return float(counts[2:-2].argmax() + 2 - 20)


def _reduced(flags: Flags) -> Picture:
    import cv2

    size = [-(-side // _REDUCED) for side in flags.shape[::-1]]
    return np.asarray(cv2.resize(flags.astype(np.float32), size, interpolation=cv2.INTER_AREA))
