"""How much brighter each frame is than it should be, from a grid of cell averages per frame.

Between neighbouring frames the light of a cell changes by flicker, by motion and by noise. Flicker moves all cells
together, or along a smooth field; motion moves some. A robust fit of the log ratios over the cells keeps the first
and drops the second. The fits add up to a curve per shot, and the wobble of that curve (see `_trend`) is the flicker.

A row of a curve holds: log gain, slope of the log gain over the log level (a change of gamma), and the strengths of
the smooth fields. A grid is an array ``[row, column]`` of luma, black 0 and white 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._trend import doubt_jumps, jitter, roughness, smooth_step, stretch, trend

__all__ = ["BLACK", "LEVEL", "Excess", "excess", "exposure_step", "field_basis"]

type Array = npt.NDArray[np.float64]

BLACK: Final = 0.02
"""Added to luma before its logarithm is taken: the noise of a black must not count."""
LEVEL: Final = float(np.log(0.35))
"""Log level at which a change of gamma leaves the picture as bright as it is."""
_FIELDS: Final = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1), (2, 2))
"""Cosines down and across that make a smooth field."""
_WHITE: Final = 0.97
_GAMMA_PRIOR: Final = 0.01
_FEWEST: Final = 5
_FIELD_PRIOR: Final = 0.02
_ALIKE: Final = 0.5
"""Two frames are one scene while what the fit leaves is less than this share of the picture's own relief. Two
pictures that have nothing in common leave 1.4 times the relief."""
_FLASH: Final = 3.0
"""A frame that strays by more spreads than this was lit, it did not flicker."""
_CALM: Final = 0.008
"""Least spread that is taken for the flicker's own, in log units."""
_ROUGH_FROM: Final = 0.8
_CERTAIN: Final = 2.0


@dataclass(frozen=True, slots=True)
class Excess:
    """What to take away from one frame, in natural logarithms.

    Attributes:
        gain: Of the whole picture.
        gamma: Per unit of log level around `LEVEL`.
        fields: Of the smooth fields, in the order of `field_basis`.
    """

    gain: float
    gamma: float
    fields: Array

    @property
    def size(self) -> float:
        """The largest change it stands for, nearly."""
        return abs(self.gain) + abs(self.gamma) + float(np.abs(self.fields).sum())


def field_basis(rows: int, columns: int) -> Array:
    """The smooth fields, ``[field, row, column]``, each of unit mean square."""
    down = np.cos(np.pi * np.arange(3)[:, None] * (np.arange(rows)[None] + 0.5) / rows)
    across = np.cos(np.pi * np.arange(3)[:, None] * (np.arange(columns)[None] + 0.5) / columns)
    fields = np.stack([np.outer(down[i], across[j]) for i, j in _FIELDS])
    return np.asarray(fields / np.sqrt((fields**2).mean(axis=(1, 2), keepdims=True)))


def excess(steps: Array, errors: Array, joined: npt.NDArray[np.bool_], at: int) -> Excess:
    """Flicker of the frame ``at``, given what `exposure_step` found for it and the frames around it, oldest first."""
    none = Excess(0.0, 0.0, np.zeros(len(_FIELDS)))
    part = stretch(joined, at)
    part = _between_switches(np.cumsum(steps[part, 0]), part, at)
    if part.stop - part.start < _FEWEST:
        return none
    steps, errors, here = steps[part].copy(), errors[part], at - part.start
    steps[0] = 0
    curves = np.cumsum(steps, axis=0)
    gain, trusted = _wobble(curves[:, :1], errors[:, :1], here)
    if not trusted:
        return none
    gamma, _ = _wobble(curves[:, 1:2], errors[:, 1:2], here)
    fields, _ = _wobble(curves[:, 2:], errors[:, 2:], here)
    return Excess(float(gain[0]), float(gamma[0]), fields)


def exposure_step(last: Array, this: Array) -> tuple[Array, Array, bool]:
    """Change of the light from one grid to the next: a row of the curve, its standard errors, and whether they join.

    Two grids join when the change explains most of what differs: then they show one scene under two lights.
    """
    level = [np.log(np.maximum(grid, 0) + BLACK) for grid in (last, this)]
    clear = (last < _WHITE) & (this < _WHITE)
    return _step(level[0], level[1], clear, field_basis(*this.shape).reshape(len(_FIELDS), -1))


def _step(last: Array, this: Array, clear: npt.NDArray[np.bool_], basis: Array) -> tuple[Array, Array, bool]:
    ratio, tone = (this - last).ravel(), ((this + last) / 2).ravel() - LEVEL
    use = clear.ravel() & (tone > np.log(3 * BLACK) - LEVEL)
    width = 2 + len(basis)
    if use.sum() < 4 * width:
        return np.zeros(width), np.full(width, 9.0), False
    design = np.column_stack([np.ones(use.sum()), tone[use], basis[:, use].T])
    ratio = ratio[use]
    prior = np.concatenate([[0.0, _GAMMA_PRIOR], np.full(len(basis), _FIELD_PRIOR)])
    fit, error = _robust(design, ratio, prior)
    left = float(np.median(np.abs(ratio - design @ fit)))
    return fit, error, left < _ALIKE * _relief(design, tone[use]) + _CALM


def _relief(design: Array, tone: Array) -> float:
    """How much the cells of one picture differ from each other, beyond a smooth field."""
    smooth = np.delete(design, 1, axis=1)
    fit, *_ = np.linalg.lstsq(smooth, tone, rcond=None)
    return float(np.median(np.abs(tone - smooth @ fit)))


def _robust(design: Array, values: Array, prior: Array, start: Array | None = None) -> tuple[Array, Array]:
    """Weighted least squares with Cauchy weights and their standard errors; ``prior`` pulls single terms to 0."""
    rest = values - np.median(values) if start is None else start
    fit, inverse, scale = np.zeros(design.shape[1]), np.eye(design.shape[1]), 1.0
    for _ in range(5):
        scale = 1.48 * float(np.median(np.abs(rest))) + 1e-4
        weights = 1.0 / (1.0 + (rest / (1.5 * scale)) ** 2) ** 2
        pulled = design.T * weights
        inverse = np.linalg.inv(pulled @ design + np.diag(prior * len(values) * 0.1))
        fit = inverse @ (pulled @ values)
        rest = values - design @ fit
    return fit, scale * np.sqrt(np.diag(inverse))


def _between_switches(curve: Array, part: slice, at: int) -> slice:
    """The stretch without a lamp switched on or off: a step that lasts."""
    spread = max(jitter(curve), _CALM)
    joined = np.ones(len(curve), dtype=bool)
    for i in range(2, len(curve) - 1):
        jump = curve[i] - curve[i - 1]
        lasting = float(np.median(curve[i : i + 4]) - np.median(curve[max(0, i - 4) : i]))
        joined[i] = abs(jump) < 6 * spread or abs(lasting) < 0.6 * abs(jump) or lasting * jump < 0
    inner = stretch(joined, at - part.start)
    return slice(part.start + inner.start, part.start + inner.stop)


def _wobble(curves: Array, errors: Array, at: int) -> tuple[Array, bool]:
    """Wobble of row ``at`` in each column, as far as it is certain; False for a flash."""
    rest = np.empty_like(curves)
    calm = 1.0
    for column in range(curves.shape[1]):
        spread = max(jitter(curves[:, column]), _CALM / 8)
        weights = doubt_jumps(curves[:, column], _FLASH * max(spread, _CALM))
        rest[:, column] = curves[:, column] - trend(curves[:, column], spread, weights)
        stray = abs(rest[at, column]) / max(spread, _CALM)
        calm = min(calm, 1 - smooth_step(stray, _FLASH, _FLASH / 2))
    found = rest[at] * calm * smooth_step(roughness(rest), _ROUGH_FROM)
    doubt = _CERTAIN * np.median(errors[1:], axis=0)  # the first row joins what lies outside
    return found * np.maximum(0.0, 1 - (doubt / np.maximum(np.abs(rest[at]), 1e-9)) ** 2), calm > 0
