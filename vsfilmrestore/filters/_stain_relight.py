"""The light of one frame against the next, measured beside stains of any size.

Flicker changes all of a picture by a gain, a gamma and smooth fields; a stain changes a part of it, and that may be a
third. A fit of single cells takes a broad, faint stain for a field, or a bright one on dark and light for a gamma: each
cell hides it in its grain. Here cells are judged with those around them, and what strays together is left out.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._exposure import BLACK, LEVEL, field_basis

__all__ = ["light_step"]

type Array = npt.NDArray[np.float64]
type Flags = npt.NDArray[np.bool_]

_WHITE: Final = 0.97
_FEWEST: Final = 60
"""Cells that tell of light: fewer than those are no picture."""
_USUAL: Final = (0.05, *(0.02,) * 8)
"""What gamma and the fields of a flicker come to."""
_ALIKE: Final = 0.5
_CALM: Final = 0.008
"""Two pictures are one scene while what the fit leaves is less than a share of their relief, and so much more."""
_PART: Final = 0.4
"""Share of the cells that agree on how much brighter the picture is: the rest may be stained, or move."""
_NOISE: Final = (0.001, 0.03)
"""Least and most that is taken for noise of a cell, in the logarithm."""
_FAR: Final = 1.0
"""Noises from which on a cell rather differs than follows the light."""


def light_step(last: Array, this: Array) -> tuple[Array, bool]:
    """From the cells of one picture to those of another: log gain, gamma, strengths of fields; whether they join."""
    level = [np.log(np.maximum(grid, 0) + BLACK) for grid in (last, this)]
    ratio, tone = level[1] - level[0], (level[0] + level[1]) / 2 - LEVEL
    use = (last < _WHITE) & (this < _WHITE) & (tone > np.log(3 * BLACK) - LEVEL)
    basis = field_basis(*this.shape)
    terms = np.stack([np.ones_like(tone), tone, *basis])
    if use.sum() < _FEWEST:
        return np.zeros(len(terms)), False
    sure = np.where(use, np.clip(np.exp(tone - np.median(tone[use])), 0.25, 2), 0)
    gain = np.zeros(len(terms))
    gain[0] = _agreed(ratio[use])
    starts = [gain, _between(ratio, terms, use)]
    row = min((_settled(terms, ratio, sure, start) for start in starts), key=lambda found: found[1])[0]
    design, values = terms[:, use].T, ratio[use]
    left = float(np.median(np.abs(values - design @ row)))
    smooth = np.delete(design, 1, axis=1)
    flat, *_ = np.linalg.lstsq(smooth, tone[use], rcond=None)
    relief = float(np.median(np.abs(tone[use] - smooth @ flat)))
    return row, left < _ALIKE * relief + _CALM


def _between(ratio: Array, terms: Array, use: Flags) -> Array:
    """A fit by what differs from each cell to the next, across and down; the gain by what most cells agree on."""
    across, down = use[:, 1:] & use[:, :-1], use[1:] & use[:-1]
    steps = np.concatenate([np.diff(ratio, axis=1)[across], np.diff(ratio, axis=0)[down]])
    design = np.concatenate([np.diff(terms[1:], axis=2)[:, across], np.diff(terms[1:], axis=1)[:, down]], axis=1).T
    fit = np.zeros(len(terms) - 1)
    for _ in range(5):
        rest = steps - design @ fit
        scale = 1.48 * float(np.median(np.abs(rest))) + 1e-4
        pulled = design.T / (1.0 + (rest / (1.5 * scale)) ** 2) ** 2
        fit = np.linalg.solve(pulled @ design + 1e-9 * np.eye(len(fit)), pulled @ steps)
    rest = ratio[use] - terms[1:, use].T @ fit
    return np.array([_agreed(rest), *fit])


def _settled(terms: Array, ratio: Array, sure: Array, start: Array) -> tuple[Array, float]:
    """The fit near a first guess that most of the picture follows, the rest counting alike however far it is; its cost.

    Cells are judged with those around them: what strays together is a stain, and no noise.
    """
    import cv2  # on first use: it is large, and a plan needs none of it

    def together(rest: Array) -> Array:
        return np.asarray(cv2.blur(rest * sure, (3, 3)) / (cv2.blur(sure, (3, 3)) + 1e-6))

    held = np.diag([0.0, *(1 / np.square(_USUAL))])
    calm = together(ratio)
    steps = np.concatenate([(calm[:, 3:] - calm[:, :-3]).ravel(), (calm[3:] - calm[:-3]).ravel()])
    noise = float(np.clip(1.48 / np.sqrt(2) * np.median(np.abs(steps)), *_NOISE))
    design, fit, cost = terms.reshape(len(terms), -1), start, 0.0
    for _ in range(8):
        far = (together(ratio - (fit @ design).reshape(ratio.shape)) / (_FAR * noise)) ** 2
        weights = (sure * 2 / (1.0 + far) ** 2).ravel() / (_FAR * noise) ** 2 / 9
        pulled = design * weights
        fit = np.linalg.solve(pulled @ design.T + held, pulled @ ratio.ravel())
        cost = float((sure * far / (1 + far)).sum() / 9 + 0.5 * (fit @ held @ fit))
    return fit, cost


def _agreed(rest: Array) -> float:
    """The middle of the shortest stretch that holds a part of the values."""
    ordered = np.sort(rest)
    count = max(int(_PART * len(ordered)), 1)
    widths = ordered[count - 1 :] - ordered[: len(ordered) - count + 1]
    at = int(widths.argmin())
    return float(ordered[at : at + count].mean())
