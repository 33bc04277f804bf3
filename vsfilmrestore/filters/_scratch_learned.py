"""Scratches as a network tells them: which columns of which rows a line lies on, and what it adds there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._detector import Detector
from vsfilmrestore.filters._scratch_search import REACH, Run, paths
from vsfilmrestore.filters._scratch_sight import moved_onto

__all__ = ["DETECTOR", "Told", "lines_told", "told_of"]

core = vs.core

type Reals = npt.NDArray[Any]

DETECTOR: Final = Detector(task="scratches", own="lines-t1")
_STEEP: Final = 3.0
"""How much a block counts for or against a line by how sure it is."""
_FLANK: Final = 0.08
"""A line ends to its side where it adds less than this share of what it adds in its middle."""


class Told(NamedTuple):
    """What a network says of a plane, in blocks of rows: all of shape (blocks, width).

    Attributes:
        added: What lines add, in 8-bit levels.
        sure: How likely they add anything, 0..1.
    """

    added: Reals
    sure: Reals

    def runs(self, least: float, signs: Sequence[bool]) -> Iterator[Run]:
        """Lines whose blocks are surer than ``least``, the surest of each sign first."""
        for bright in signs:
            there = (self.added > 0) == bright
            gain = np.where(there, (_STEEP * (self.sure - least)).clip(-1, 1.5), -1).astype(np.float32)
            for first, x, score in paths(gain, REACH):
                yield Run(first, x, score, bright, 0, REACH)

    def sureness(self, run: Run) -> float:
        """How sure the blocks of a line are, on the average."""
        return float(run.strip(self.sure, np.array([0])).mean())

    def of(self, run: Run, widest: int) -> Reals:
        """What a line adds, (blocks, width), up to so many columns on either side; 0 elsewhere."""
        offsets = np.arange(-widest, widest + 1)
        strip = run.strip(self.added, offsets) * (1 if run.bright else -1)
        columns = run.x[:, None] + offsets[None]
        strip[(columns < 0) | (columns >= self.added.shape[1])] = 0
        near = strip[:, widest - 1 : widest + 2].max(1, keepdims=True)
        there = strip > np.maximum(_FLANK * near, 0)
        there[:, widest - 1 : widest + 2] |= strip[:, widest - 1 : widest + 2] > 0
        right = np.logical_and.accumulate(there[:, widest + 1 :], 1)
        left = np.logical_and.accumulate(there[:, widest - 1 :: -1], 1)[:, ::-1]
        held = np.concatenate([left, np.ones((len(strip), 1), bool), right], 1)
        out = np.zeros_like(self.added)
        rows = np.arange(run.first, run.first + len(run.x))[:, None].repeat(len(offsets), 1)
        inside = held & (columns >= 0) & (columns < self.added.shape[1])
        out[rows[inside], columns[inside]] = self.added[rows[inside], columns[inside]]
        return np.where((out > 0) == run.bright, out, 0).astype(np.float32)

    @staticmethod
    def middle(run: Run, added: Reals) -> Reals:
        """Where the middle of a line lies in each of its blocks, by the centre of what it adds, (blocks, width)."""
        weight = np.abs(added[run.first : run.first + len(run.x)])
        columns = np.arange(added.shape[1])
        near = np.abs(columns - run.x[:, None]) <= run.reach
        weight = weight * near
        total = weight.sum(1)
        middle = (weight * columns).sum(1) / np.maximum(total, 1e-6)
        return np.where(total > 1e-3, middle, run.x)


def told_of(frame: vs.VideoFrame) -> Told:
    """A frame of `lines_told`."""
    return Told(255 * np.asarray(frame[0]), np.array(frame[1]))


def lines_told(means: vs.VideoNode, around: Sequence[vs.VideoNode], model: str) -> vs.VideoNode:
    """RGBS of a network's maps: what lines add, from 0 to 1 for 255 levels; how sure that is; the unit it is told in.

    Args:
        means: A plane averaged in blocks of rows, GRAYS in 8-bit levels.
        around: The same of the frames before, the first of them first, then of those after.
        model: A model for the task ``scratches``.

    Raises:
        VsfrError: There is no such model, or it cannot be run.
    """
    count, blocks = len(around), means.height
    blank = core.std.BlankClip(means, height=count * blocks, keep=True)

    def move(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f[0].copy()
        frame, *others = (np.asarray(each[0]) for each in f[1:])
        np.copyto(np.asarray(out[0]), np.concatenate(list(moved_onto(frame, others))))
        return out

    moved = core.std.ModifyFrame(blank, [blank, means, *around], move)
    given = {f"lying{n}": _shown(clip) for n, clip in enumerate(around)}
    given |= {f"moved{n}": _shown(moved.std.CropAbs(means.width, blocks, 0, n * blocks)) for n in range(count)}
    return DETECTOR.told(model, _shown(means), given)


def _shown(means: vs.VideoNode) -> vs.VideoNode:
    """From 0 to 1, and told to be so."""
    return core.akarin.Expr([means], "x 255 /").std.RemoveFrameProps().std.SetFrameProps(_Range=vs.RANGE_FULL)
