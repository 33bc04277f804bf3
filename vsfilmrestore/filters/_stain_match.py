"""Stains among the steps of a clip: what comes at one frame and goes, of the same shape and at the same place, later.

Whether a pair of steps is a stain is told by how well they match, how calm it is before and after, and how well the
detail fits, all of them logarithms or shares (`FEATURES`); the weights were fitted to simulated stains on real clips.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._stain_light import density

__all__ = [
    "FEATURES", "Looks", "Pair", "hot_cells", "is_opaque", "likelihood", "pairs_at", "regions", "share", "wider",
]  # fmt: skip

type Array = npt.NDArray[np.float32]
type Flags = npt.NDArray[np.bool_]

FEATURES: Final = (
    "area", "match", "swell", "depth", "rough", "rough around", "clear", "life", "crowd",
    "edge", "before", "after", "during", "fill", "long", "bright", "lit",
)  # fmt: skip
"""area: cells. match: correlation of both steps in the surroundings (area tangent). swell: how unlike their strengths
are. depth: levels. rough, rough around: misfit of the detail inside and around, against the frame's. clear: depth
against misfit. life: frames. crowd: share of the surroundings that changes as well. edge: whether it touches the
picture's edge. before, after, during: energy of what changes at its place one frame earlier, one later, and in
between. fill, long: share of its box, longer side by shorter. bright: 1 for a bright one. lit: whether a bright one
is stronger where the picture is bright, as light is."""


class Looks(NamedTuple):
    """Steps of one frame, in cells; see `_stain_steps.Step`.

    Attributes:
        come: Change against the frame before.
        go: Change against the frame after.
        misfit: Of both, [2, row, column].
        tone: The frame itself, in levels.
        ways: How far it is to where a cell lies in the frame before and after, in cells, [2, across and down, ...].
        joined: Whether the frame before and the frame after show the same scene.
    """

    come: Array
    go: Array
    misfit: Array
    tone: Array
    ways: Array
    joined: tuple[bool, bool]


class Pair(NamedTuple):
    """A step on and the step off that matches it.

    Attributes:
        life: Frames from the one to the other.
        box: Rows and columns, in cells: top, left, bottom, right.
        cells: Which cells of the box are stained.
        bright: Whether it is lighter than the picture.
        swell: Strength when it goes, against that when it comes.
        features: See `FEATURES`.
        gains: Strength on each of its frames, against that at its step, where one end alone is seen.
    """

    life: int
    box: tuple[int, int, int, int]
    cells: Flags
    bright: bool
    swell: float
    features: tuple[float, ...]
    gains: tuple[float, ...] = ()


_FEWEST: Final = 8
_BASE: Final = 2.0
_BY_MISFIT: Final = 0.4
_WEIGHTS: Final = (
    1.943, 1.489, -3.729, 0.052, -3.254, 1.892, -0.998, 0.619, -7.456,
    -0.74, -0.35, -0.107, -0.075, 6.572, -1.824, -1.2, -1.5,
)  # fmt: skip
_CONSTANT: Final = -14.329
"""Logistic regression over `FEATURES`, fitted to simulated stains on real clips; for "bright" and "lit" set by hand."""

_SAME: Final = 1.8
_CALM: Final = -2.5
_FOR_QUIET: Final = 1.0
"""Steps all but equal, nothing beside them in time, and no edge over which things come: that is worth more together."""
_FAINT: Final = 6.0
_FOR_FAINT: Final = -2.5
"""Fainter ones, in levels, are most of what goes wrong on clips without damage: glittering water, a trembling flare."""
_MATCH: Final = 0.6
_RESTLESS: Final = 0.6
_TOO_MUCH: Final = 0.32
"""A frame of which so much changes is torn, burnt, lit or beyond a cut."""
_OPAQUE: Final = 0.6
"""Logarithm of the light that a tenth of its area takes or adds at the least; 0.23 is 40 % of linear light."""
_OWN_DETAIL: Final = 0.1
"""A stain's own edges and texture look like detail that does not fit; so much of its depth they may be."""
_QUIET: Final = -3.0
_UNKNOWN: Final = -1.5


def pairs_at(looks: Sequence[Looks | None], most_cells: float) -> Iterator[Pair]:
    """Pairs that begin at ``looks[1]``; ``looks[0]`` is the frame before, then come as many as may be stained, and one.

    Args:
        looks: None beyond the ends of the clip.
        most_cells: Longest side of a stain.
    """
    before, here = looks[0], looks[1]
    if here is None or before is None or not here.joined[0]:
        return
    limit, hot = hot_cells(here.come, here.misfit[0])
    if hot is None:
        return
    found = [
        (box, cells, bright)
        for bright in (True, False)
        for box, cells in regions((here.come if bright else -here.come) / limit, most_cells)
        if _alone(here.come, before.come, wider(box, limit.shape))
    ]
    if not found:
        return
    run = [here, *_joined_after(looks)]
    frame = _Frame(before, run, np.stack([look.go for look in run]), hot, looks[len(run) + 1])
    for box, cells, bright in found:
        pair = _paired(frame, box, cells, bright)
        if pair is not None:
            yield pair


def hot_cells(change: Array, misfit: Array) -> tuple[Array, Flags | None]:
    """From which change on a cell counts, and those that do; None where so many do that the frame is another."""
    limit = _BASE + _BY_MISFIT * misfit
    hot = np.abs(change) > limit
    return limit, None if hot.mean() > _TOO_MUCH else hot


class _Frame(NamedTuple):
    """What is looked at for stains that begin at one frame.

    Attributes:
        before: The frame before.
        run: The frame and those after it, as far as the scene goes and a stain may last.
        go: Their steps to the next frame, [frame, row, column].
        hot: Where the frame differs from the one before at all.
        beyond: The frame after the run.
    """

    before: Looks
    run: Sequence[Looks]
    go: Array
    hot: Flags
    beyond: Looks | None


def _joined_after(looks: Sequence[Looks | None]) -> Iterator[Looks]:
    for last, look in pairwise(looks[1:-1]):
        if last is None or look is None or not last.joined[1] or not look.joined[0]:
            return
        yield look


def _alone(come: Array, before: Array, view: tuple[slice, slice]) -> bool:
    """Whether the place was calmer a frame earlier."""
    return float((before[view] ** 2).sum()) < _RESTLESS * float((come[view] ** 2).sum())


def regions(
    ratio: Array, most_cells: float, fewest: int = _FEWEST
) -> Iterator[tuple[tuple[int, int, int, int], Flags]]:
    """Connected cells that change, by how many times what counts; their box, and which cells of it they are."""
    import cv2  # on first use: it is large, and a plan needs none of it

    _, labels, stats, _ = cv2.connectedComponentsWithStats((ratio > 0.55).astype(np.uint8), connectivity=8)
    peaks = np.bincount(np.asarray(labels, np.int64).ravel(), (ratio > 1).ravel(), len(stats))
    for label in np.flatnonzero((stats[:, cv2.CC_STAT_AREA] >= fewest) & (peaks >= fewest / 2)):
        left, top, width, height = (int(v) for v in stats[label, :4])
        if label and max(width, height) <= most_cells:
            box = top, left, top + height, left + width
            yield box, labels[box[0] : box[2], box[1] : box[3]] == label


def wider(box: tuple[int, int, int, int], shape: Sequence[int]) -> tuple[slice, slice]:
    """A box with its surroundings, within the picture."""
    down, across = (max(3, (box[i + 2] - box[i]) // 2) for i in (0, 1))
    return (
        slice(max(box[0] - down, 0), min(box[2] + down, shape[0])),
        slice(max(box[1] - across, 0), min(box[3] + across, shape[1])),
    )


def _paired(frame: _Frame, box: tuple[int, int, int, int], cells: Flags, bright: bool) -> Pair | None:
    """The step off that matches best, if one does."""
    here = frame.run[0]
    view = wider(box, here.come.shape)
    shape = here.come[view]
    energy = float((shape * shape).sum()) + 1e-6
    steps = frame.go[:, view[0], view[1]].reshape(len(frame.go), -1)
    both = steps @ shape.ravel()
    match = both / np.sqrt(energy * (np.einsum("ij,ij->i", steps, steps) + 1e-6))
    at = int(match.argmax())
    if is_opaque(here.tone, here.come, box, cells, bright):
        return None
    swell, last = float(both[at]) / energy, frame.run[at]
    if match[at] < _MATCH or not 0.3 < swell < 3 or not last.joined[1]:
        return None
    after = frame.run[at + 1] if at + 1 < len(frame.run) else frame.beyond
    if after is not None and not _alone(last.go, after.go, view):
        return None
    first = _features(here, last, box, cells, bright, frame.hot, view)
    lasting = [share(look.come[view], energy) for look in frame.run[1 : at + 1]]
    calm = (
        share(frame.before.come[view], energy),
        share(after.go[view], energy) if after is not None else _UNKNOWN,
        float(np.mean(lasting)) if lasting else _QUIET,
    )
    close = float(np.arctanh(min(match[at], 0.995))), abs(float(np.log(swell)))
    features = (first[0], *close, *first[1:5], float(np.log(at + 1)), *first[5:7], *calm, *first[7:])
    return Pair(at + 1, box, cells, bright, swell, features)


def is_opaque(tone: Array, change: Array, box: tuple[int, int, int, int], cells: Flags, bright: bool) -> bool:
    """Whether it hides what lies under it: then it is dirt, or a thing in the scene."""
    inner = slice(box[0], box[2]), slice(box[1], box[3])
    tone, step = tone[inner][cells], change[inner][cells]
    stained, clear = (density(np.clip(values / 255, 0, 1), bright) for values in (tone, tone - step))
    return float(np.percentile(clear - stained, 90)) > _OPAQUE


def share(step: Array, energy: float) -> float:
    """Energy of a step as a share of a stain's, in its logarithm."""
    return float(np.log(float((step**2).sum()) / energy + 0.02))


def _features(
    here: Looks,
    last: Looks,
    box: tuple[int, int, int, int],
    cells: Flags,
    bright: bool,
    hot: Flags,
    view: tuple[slice, slice],
) -> tuple[float, ...]:
    inner = slice(box[0], box[2]), slice(box[1], box[3])
    inside = np.zeros(here.come.shape, bool)
    inside[inner] = cells
    around = np.zeros_like(inside)
    around[view] = True
    around &= ~inside
    misfit = np.maximum(here.misfit[0], last.misfit[1])
    usual = float(np.median(here.misfit[0])) + 0.5
    step = np.abs(here.come[inside])
    rough, depth = float(misfit[inside].mean()), float(step.mean())
    ring = float(misfit[around].mean()) if around.any() else rough
    tone = (here.tone - here.come)[inside]
    lit = float(np.corrcoef(step, tone)[0, 1]) if bright and tone.std() > 1 and step.std() > 0.1 else 0.0
    height, width = cells.shape
    edge = box[0] == 0 or box[1] == 0 or box[2] == here.come.shape[0] or box[3] == here.come.shape[1]
    return (
        float(np.log(cells.sum())),
        float(np.log(depth)),
        float(np.log(rough / (usual + _OWN_DETAIL * depth))),
        float(np.log(ring / usual)),
        float(np.log(depth / (rough + 0.5))),
        float(hot[around].mean()) ** 0.5 if around.any() else 0.0,
        float(edge),
        float(cells.mean()),
        float(np.log(max(height, width) / min(height, width))),
        float(bright),
        lit,
    )


def likelihood(features: Sequence[float]) -> float:
    """How likely a pair is a stain, in log odds."""
    known = dict(zip(FEATURES, features, strict=True))
    quiet = known["match"] > _SAME and max(known["before"], known["after"]) < _CALM and not known["edge"]
    faint = known["depth"] < np.log(_FAINT)
    return float(np.dot(features, _WEIGHTS) + _CONSTANT + _FOR_QUIET * quiet + _FOR_FAINT * faint)
