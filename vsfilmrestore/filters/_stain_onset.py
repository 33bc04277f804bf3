"""Stains of which one end alone is seen: they come, or go, within the shot, and lie there at its beginning or its end.

One step is less than two that match. What speaks for a stain besides: an outline and a veil that have nothing to do
with the picture beneath, an uneven outline, a veil that explains the step better than the opposite one on the other
side, and calm before and after. The measures are logarithms or shares (`TRAITS`); their weights are fitted by
``scripts/bench/fit_stains.py`` to simulated stains on real clips.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._stain_field import smoothed, surroundings
from vsfilmrestore.filters._stain_film import film_odds
from vsfilmrestore.filters._stain_light import density, light_of
from vsfilmrestore.filters._stain_match import Looks, Pair, hot_cells, is_opaque, regions, share, wider

__all__ = ["LATER", "TRAITS", "Onset", "onset_likelihood", "onsets_at", "rules_out", "terms", "united"]

type Array = npt.NDArray[Any]
type Flags = npt.NDArray[np.bool_]

TRAITS: Final = (
    "area", "depth", "rough", "rough around", "clear", "crowd", "edge", "before", "after", "fill", "long", "bright",
    "left", "rival", "outline", "seen", "ragged", "uneven", "lit",
)  # fmt: skip
"""area: cells. depth: levels. rough, rough around: misfit of the detail inside and around, against the frame's. clear:
depth against misfit. crowd: share of the surroundings that changes as well. edge: whether it touches the picture's
edge. before, after: energy of what changes at its place one frame earlier and later. fill, long: share of its box,
longer side by shorter. bright: 1 for a bright one. left: what differs when a smooth veil is taken away, against the
frame's misfit. rival: the same against that of the opposite veil on the other side. outline: how alike the slopes of
the veil and of the clean picture are. seen: how much of the veil's slopes the clean picture has already. ragged: how
much longer its outline is than a circle's. uneven: spread of the veil inside. lit: whether a bright one is stronger
where the picture is bright, as light is."""

LATER: Final = 2
"""Frames on either side of a step at which its place must be calm."""
_FEWEST: Final = 80
"""Cells. Smaller ones, and fainter ones than `_FAINTEST` levels, need both their ends."""
_FAINTEST: Final = 2.5
_FAINT: Final = 6.0
"""Levels. Fainter ones are believed where nothing else happens (`_alone`)."""
_CALM: Final = -0.8
_CROWD: Final = 0.1
_STRAYS: Final = 1.2
"""What is alone has calm before and after, little that changes around it, and stands out from the rest of the frame by
so much, in the logarithm."""
_FOR_ALONE: Final = 0.9
_LEAD: Final = 0.75
"""By how much a stain must be likelier than the opposite one on the other side of its step, in log odds."""
_PLAIN: Final = 0.12
"""An outline that is no longer than so much more than a circle's, in the logarithm, may be a light's or a shadow's."""
_KNOWN: Final = 0.6
"""A step back that matches better is known by both its ends (`_stain_match`)."""
_PART: Final = 0.3
"""What goes must be so much of it to match at all: stains swell and fade a little from frame to frame."""
_GONE: Final = 0.5
"""Where so much of it goes, it has gone."""
_SWELLS: Final = 0.25
"""A change by more from one frame to the next is another stain's, that comes or goes at the same place."""
_TELLING: Final = 200
"""Cells of a stain whose swelling is half believed."""
_UNKNOWN: Final = -0.5
_SMOOTH: Final = 9


class Onset(NamedTuple):
    """A stain that came at a frame, or goes after it.

    Attributes:
        pair: The stain; `Pair.life` counts its frames, from here on or up to here.
        ends: Whether it ends here rather than beginning here.
        traits: See `TRAITS`.
        alone: Whether nothing else happens beside it, in space and in time.
        film: Log odds that it lies on the film rather than in the scene.
    """

    pair: Pair
    ends: bool
    traits: tuple[float, ...]
    alone: bool
    film: float


def onsets_at(
    looks: Sequence[Looks | None],
    pictures: Callable[[], tuple[Array, Array]],
    most_cells: float,
    ends: bool,
    rivals: bool = False,
) -> Iterator[Onset]:
    """Stains that begin at ``looks[1]``, or, read backwards in time, end there, and last as long as the scene does.

    Args:
        looks: The frame on the clean side, the frame, those on the stained side as many as a stain may last, and one;
            None beyond the ends of the clip.
        pictures: Gives luma of the frame, 0..1, and of its neighbour on the clean side, moved onto it and in its light.
        most_cells: Longest side of a stain.
        ends: Whether ``looks`` run backwards in time.
        rivals: Whatever else may explain a step counts too: what lasts longer, or is known by both its ends.
    """
    run = _run(looks, ends)
    if not run or (len(run) > len(looks) - 2 and not rivals):
        return
    steps = [_step(look, ends) for look in run]
    change, misfit = steps[0], run[0].misfit[int(ends)]
    limit, hot = hot_cells(change, misfit)
    if hot is None:
        return
    for bright in (True, False):
        ratio = np.asarray((change if bright else -change) / limit, np.float32)
        for box, cells in regions(ratio, most_cells, _FEWEST):
            if not is_opaque(run[0].tone, change, box, cells, bright):
                onset = _onset(run, looks[0], box, cells, bright, hot, pictures, ends, rivals)
                if onset is not None:
                    yield onset


def _run(looks: Sequence[Looks | None], ends: bool) -> list[Looks]:
    """The frames from the step to the end of the scene; none where there is no step, all where the end is not seen."""
    first, back = looks[1], int(ends)
    if looks[0] is None or first is None or not first.joined[back]:
        return []
    run = [first]
    for look in looks[2:]:
        if look is None or not run[-1].joined[1 - back] or not look.joined[back]:
            return run
        run.append(look)
    return run


def _step(look: Looks, ends: bool) -> Array:
    """By how much a frame is above its neighbour on the clean side."""
    return look.go if ends else look.come


def _onset(
    run: Sequence[Looks], before: Looks | None, box: tuple[int, int, int, int], cells: Flags, bright: bool, hot: Flags,
    pictures: Callable[[], tuple[Array, Array]], ends: bool,
    rivals: bool,
) -> Onset | None:  # fmt: skip
    change = _step(run[0], ends)
    if float(np.abs(change[box[0] : box[2], box[1] : box[3]][cells]).mean()) < _FAINTEST:
        return None
    view = wider(box, change.shape)
    shape = change[view]
    energy = float((shape**2).sum()) + 1e-6
    backs = np.stack([_step(look, not ends)[view] for look in run]).reshape(len(run), -1)
    gone = backs @ shape.ravel()
    match = gone / np.sqrt(energy * (np.einsum("ij,ij->i", backs, backs) + 1e-6))
    if not rivals and ((match[gone > _PART * energy] > _KNOWN).any() or _ragged(cells) < _PLAIN):
        return None
    run = run[: _first(gone > _GONE * energy) + 1]
    later = [share(_step(look, ends)[view], energy) for look in run[1 : 1 + LATER]]
    seen = before is not None and before.joined[int(ends)]
    earlier = share(_step(before, ends)[view], energy) if before is not None and seen else _UNKNOWN
    pair = Pair(len(run), box, cells, bright, 1.0, (), _gains(run, ends, change, box, cells))
    traits = (
        *_of_cells(run[0], box, cells, view, hot, change, run[0].misfit[int(ends)]),
        earlier, max(later, default=_UNKNOWN),
        float(cells.mean()), float(np.log(max(cells.shape) / min(cells.shape))), float(bright),
        *_of_veil(pair, *pictures(), float(np.median(run[0].misfit[int(ends)])) + 0.5),
        _ragged(cells), *_evenness(run[0], change, box, cells, bright),
    )  # fmt: skip
    alone, film = _alone(traits, _strays(change, box, cells)), film_odds(run, ends, change, box, cells)
    onset = Onset(pair, ends, traits, alone, film)
    return onset if rivals or onset.alone or traits[1] > np.log(_FAINT) else None


def _alone(traits: Sequence[float], strays: float) -> bool:
    """Whether nothing else happens beside it, in space and in time."""
    known = dict(zip(TRAITS, traits, strict=True))
    calm = max(known["before"], known["after"]) < _CALM
    return calm and known["crowd"] < _CROWD and strays > _STRAYS


def _gains(
    run: Sequence[Looks], ends: bool, change: Array, box: tuple[int, int, int, int], cells: Flags
) -> tuple[float, ...]:
    """How strong it is on each frame: it swells and fades by steps of its own shape. Small ones tell little of that.

    Where the scene moves, a stain differs from itself in the neighbour that was moved along, seen from both frames
    alike; what it loses is seen from the one as loss and from the other as gain.
    """
    inner = slice(box[0], box[2]), slice(box[1], box[3])
    shape = change[inner] * cells
    energy = float((shape**2).sum()) + 1e-6
    lost = [
        float(((_step(this, not ends) - _step(following, ends))[inner] * shape).sum()) / (2 * energy)
        for this, following in pairwise(run)
    ]
    own = [step if abs(step) < _SWELLS else 0.0 for step in lost]
    gains = 1 - np.cumsum([0.0, *own]) * cells.sum() / (cells.sum() + _TELLING)
    return tuple(np.clip(gains, 0.6, 1.6).tolist())


def _first(flags: Flags) -> int:
    """Where the first one is set; the last one where none is."""
    return int(flags.argmax()) if flags.any() else len(flags) - 1


def _of_cells(
    look: Looks, box: tuple[int, int, int, int], cells: Flags, view: tuple[slice, slice], hot: Flags, change: Array,
    misfit: Array,
) -> tuple[float, ...]:  # fmt: skip
    inside = np.zeros(change.shape, bool)
    inside[box[0] : box[2], box[1] : box[3]] = cells
    around = np.zeros_like(inside)
    around[view] = True
    around &= ~inside
    usual = float(np.median(misfit)) + 0.5
    depth, rough = float(np.abs(change[inside]).mean()), float(misfit[inside].mean())
    ring = float(misfit[around].mean()) if around.any() else rough
    rows, columns = change.shape
    return (
        float(np.log(cells.sum())),
        float(np.log(depth)),
        float(np.log(rough / (usual + 0.1 * depth))),
        float(np.log(ring / usual)),
        float(np.log(depth / (rough + 0.5))),
        float(hot[around].mean()) ** 0.5 if around.any() else 0.0,
        float(box[0] == 0 or box[1] == 0 or box[2] == rows or box[3] == columns),
    )


def _of_veil(pair: Pair, here: Array, lit: Array, usual: float) -> tuple[float, float, float, float]:
    box, region = surroundings(pair, here.shape)
    here, lit = here[box], lit[box]
    inner = region > 0.8
    if not inner.any():
        return 3.0, 0.0, 0.0, 0.0
    left, other = _left(here, lit, pair.bright, inner), _left(lit, here, not pair.bright, inner)
    under = density(lit, pair.bright)
    veil = np.minimum(smoothed(density(here, pair.bright) - under, region, np.exp(2 * under)), 0) * region
    own, clean = _slopes(veil), _slopes(under)
    steep = np.abs(own) > 0.15 * float(np.percentile(np.abs(own), 95)) + 1e-6
    alike = float(np.corrcoef(own.ravel(), clean.ravel())[0, 1]) if own.std() > 0 and clean.std() > 0 else 0.0
    seen = float(np.median(clean[steep] / own[steep])) if steep.any() else 0.0
    against = float(np.log((left + 0.2) / usual)), float(np.log((left + 0.2) / (other + 0.2)))
    return *against, abs(alike), min(abs(seen), 2.0)


def _left(stained: Array, clean: Array, bright: bool, inner: Flags) -> float:
    """Levels that differ on the average inside when a smooth veil is taken away."""
    import cv2  # on first use: it is large, and a plan needs none of it

    change = density(stained, bright)
    weight = cv2.blur(inner.astype(np.float32), (_SMOOTH, _SMOOTH)) + np.float32(1e-6)
    veil = cv2.blur(np.where(inner, change - density(clean, bright), 0).astype(np.float32), (_SMOOTH, _SMOOTH)) / weight
    return 255 * float(np.abs(light_of(change - veil, bright) - clean)[inner].mean())


def _slopes(plane: Array) -> Array:
    import cv2  # on first use: it is large, and a plan needs none of it

    soft = cv2.GaussianBlur(np.ascontiguousarray(plane, np.float32), (0, 0), 1.0)
    return np.stack([soft[:-1, 1:] - soft[:-1, :-1], soft[1:, :-1] - soft[:-1, :-1]])


def _ragged(cells: Flags) -> float:
    """Logarithm of the outline's length against that of a circle of the same area."""
    wide = np.pad(cells, 1)
    length = sum(int((np.diff(wide.astype(np.int8), axis=axis) != 0).sum()) for axis in (0, 1))
    return float(np.log(length * np.pi / 4 / np.sqrt(4 * np.pi * cells.sum())))


def _evenness(
    look: Looks, change: Array, box: tuple[int, int, int, int], cells: Flags, bright: bool
) -> tuple[float, float]:
    inner = slice(box[0], box[2]), slice(box[1], box[3])
    step, tone = change[inner][cells], look.tone[inner][cells] / 255
    clean = np.clip(tone - step / 255, 0, 1)
    veil = density(tone, bright) - density(clean, bright)
    lit = float(np.corrcoef(np.abs(step), clean)[0, 1]) if step.std() > 0.1 and clean.std() > 0.004 else 0.0
    return float(veil.std() / (abs(float(veil.mean())) + 0.01)), lit if bright else 0.0


def _strays(change: Array, box: tuple[int, int, int, int], cells: Flags) -> float:
    """Depth against what the rest of the frame differs by, in the logarithm."""
    inner = slice(box[0], box[2]), slice(box[1], box[3])
    beside = np.ones(change.shape, bool)
    beside[inner] = ~cells
    usual = float(np.median(np.abs(change[beside]))) if beside.any() else 0.0
    return float(np.log(float(np.abs(change[inner][cells]).mean()) / (1.48 * usual + 0.2)))


def terms(traits: Sequence[float]) -> Array:
    """What is weighted: the traits, and 1."""
    return np.append(np.asarray(traits, float), 1.0)


_WEIGHTS: Final = np.array(
    [1.169, -0.555, -0.629, 0.163, -0.476, -1.736, -0.415, -0.502, -0.664, 1.643, -0.961, 0.086, -0.278, -1.074, -4.256,
     -0.988, 0.483, -2.108, -1.78, -5.254]
)  # fmt: skip
"""Of `terms`, from ``scripts/bench/fit_stains.py``; 0.6 is taken off the last one, for harm is worse than a stain left,
and 0.9 was moved to it from "bright": dark finds on clips without damage are no more often wrong than bright ones."""


def onset_likelihood(onset: Onset) -> float:
    """How likely a step is a stain, in log odds."""
    return float(terms(onset.traits) @ _WEIGHTS) + _FOR_ALONE * onset.alone + min(onset.film, 0.0)


def rules_out(rival: Pair, its: float, pair: Pair, own: float) -> bool:
    """Whether the opposite stain on the other side of the same step is nearly as likely: one of the two is none."""
    if rival.bright == pair.bright or its < own - _LEAD:
        return False
    _, planes = _together(rival, pair)
    return bool((planes[0] & planes[1]).sum() > 0.3 * min(plane.sum() for plane in planes))


def united(one: Pair, other: Pair) -> Pair:
    """Two pieces as one, as strong on each frame as the larger is, as long as the longer is there."""
    box, planes = _together(one, other)
    large = one if planes[0].sum() >= planes[1].sum() else other
    life = max(one.life, other.life)
    gains = large.gains + large.gains[-1:] * (life - len(large.gains))
    return large._replace(life=life, box=box, cells=planes[0] | planes[1], gains=gains)


def _together(one: Pair, other: Pair) -> tuple[tuple[int, int, int, int], list[Flags]]:
    """The box around both, and the cells of each in it."""
    top, left = (min(a, b) for a, b in zip(one.box[:2], other.box[:2], strict=True))
    bottom, right = (max(a, b) for a, b in zip(one.box[2:], other.box[2:], strict=True))
    planes = []
    for each in (one, other):
        plane = np.zeros((bottom - top, right - left), bool)
        plane[each.box[0] - top : each.box[2] - top, each.box[1] - left : each.box[3] - left] = each.cells
        planes.append(plane)
    return (top, left, bottom, right), planes
