"""Sheets for a person to look at: the best repairs, the worst, and damage that was left, cut out of their frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from simulator import DISTRIBUTIONS

from vsfilmrestore.filters import FILTERS

from .cases import Case, cases
from .footage import Picture
from .methods import ours
from .runs import JOBS, Options
from .truth import Truth

__all__ = ["Cut", "chosen", "cuts_of", "sheet"]

type Flags = npt.NDArray[np.bool_]
type Image = npt.NDArray[np.uint8]

_SIDE, _ZOOM, _ROWS = 72, 2, 6
_PANELS = 4


@dataclass(frozen=True)
class Cut:
    """A piece of a frame.

    Attributes:
        where: Clip and frame.
        before: Squared error of luma of the damaged clip, in 8-bit levels, summed over the piece.
        after: The same of the repaired clip.
        image: Damaged, repaired, clean and mask, side by side.
    """

    where: str
    before: float
    after: float
    image: Image


def cuts_of(case: Case, planes: list[list[Picture]], masks: list[Flags]) -> Iterator[Cut]:
    """All pieces of damage and of repairs of a case."""
    truth = Truth(case)
    for n in truth.frames:
        errors = [
            (np.asarray(truth.clean[n][0], float) - each[n][0]) ** 2 / truth.step**2 for each in (truth.damaged, planes)
        ]
        both = (case.masks[n] | masks[n]).astype(np.uint8)
        count, labels, _stats, centres = cv2.connectedComponentsWithStats(cv2.dilate(both, np.ones((5, 5))))
        sums = [np.bincount(labels.ravel(), error.ravel(), count) for error in errors]
        for k in range(1, count):
            centre = (int(centres[k][0]), int(centres[k][1]))
            image = _strip(truth, planes, case.masks[n], masks[n], n, centre)
            yield Cut(f"{case.name} {n} at {centre[0]},{centre[1]}", float(sums[0][k]), float(sums[1][k]), image)


def chosen(cuts: list[Cut]) -> dict[str, list[Cut]]:
    """The largest gains, the largest losses, and the largest damage that was left; not too many of one clip."""
    best = sorted(cuts, key=lambda cut: cut.after - cut.before)
    left = [cut for cut in cuts if cut.before > 0 and 0.95 * cut.before <= cut.after <= 1.05 * cut.before]
    return {
        "best": _spread([cut for cut in best if cut.after < cut.before]),
        "worst": _spread([cut for cut in reversed(best) if cut.after > 1.05 * cut.before]),
        "left": _spread(sorted(left, key=lambda cut: -cut.before)),
    }


def _spread(cuts: list[Cut]) -> list[Cut]:
    """The first ones, two of a clip at most as long as there are others."""
    taken: list[Cut] = []
    for most in (2, len(cuts)):
        for cut in cuts:
            same = sum(cut.where.split()[0] == other.where.split()[0] for other in taken)
            if len(taken) < _ROWS and cut not in taken and same < most:
                taken.append(cut)
    return taken


def sheet(name: str, options: Options, path: Path) -> None:
    """Draw the sheet of a job: its first filter with its defaults, at the seed of the run."""
    job = JOBS[name]
    filters = [each for each in job.filters if each in FILTERS]
    if not filters:
        return
    best: list[Cut] = []
    for case in cases(options.footage, job.kind, options.clips, options.frames, options.seed,
                      DISTRIBUTIONS[job.distribution], options.width, ageing=options.ageing or job.ageing):  # fmt: skip
        planes, masks = ours(filters[0]).result(case)
        # What is best of each clip suffices: all cuts of all clips would fill the memory.
        best += [cut for cuts in chosen(list(cuts_of(case, planes, masks or []))).values() for cut in cuts]
    cv2.imwrite(str(path), drawn(chosen(best)), [cv2.IMWRITE_JPEG_QUALITY, 88])


def drawn(groups: dict[str, list[Cut]]) -> Image:
    """One column of strips for each group."""
    columns = [_column(title, cuts) for title, cuts in groups.items()]
    height = max(column.shape[0] for column in columns)
    return np.hstack([cv2.copyMakeBorder(c, 0, height - c.shape[0], 0, 12, cv2.BORDER_CONSTANT, value=(40,) * 3)
                      for c in columns])  # fmt: skip


def _column(title: str, cuts: list[Cut]) -> Image:
    width = _SIDE * _ZOOM * _PANELS + 2 * _PANELS
    rows = [_label(f"{title}: damaged, repaired, clean; found green, missed blue, beside it red", width)]
    for cut in cuts:
        rows += [_label(f"{cut.where}   error {cut.before:.0f} to {cut.after:.0f}", width), cut.image]
    return np.vstack(rows)


def _label(words: str, width: int) -> Image:
    strip = np.full((18, width, 3), 40, np.uint8)
    cv2.putText(strip, words, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (230, 230, 230), 1, cv2.LINE_AA)
    return strip


def _strip(
    truth: Truth, planes: list[list[Picture]], there: Flags, found: Flags, frame: int, centre: tuple[int, int]
) -> Image:
    height, width = there.shape
    side = min(_SIDE, height, width)
    corner = zip(centre, (width, height), strict=True)
    left, top = (min(max(place - side // 2, 0), size - side) // 2 * 2 for place, size in corner)
    box = np.s_[top : top + side, left : left + side]
    pictures = [_colours(each[frame], box, truth.step) for each in (truth.damaged, planes, truth.clean)]
    colours = np.zeros((*there[box].shape, 3), np.uint8)
    colours[there[box] & ~found[box]], colours[found[box] & ~there[box]] = (255, 80, 0), (0, 0, 255)
    colours[there[box] & found[box]] = (0, 200, 0)
    full = _SIDE * _ZOOM
    large = [cv2.resize(each, (full, full), interpolation=cv2.INTER_NEAREST) for each in (*pictures, colours)]
    return np.hstack([cv2.copyMakeBorder(each, 0, 0, 0, 2, cv2.BORDER_CONSTANT, value=(40,) * 3) for each in large])


def _colours(planes: list[Picture], box: tuple[slice, slice], step: int) -> Image:
    """Y'CbCr 4:2:0 of BT.709, limited range, as blue, green, red."""
    half = tuple(slice(part.start // 2, (part.stop + 1) // 2) for part in box)
    luma = (planes[0][box] / step - 16) / 219
    blue, red = (
        ((plane[half] / step - 128) / 224).repeat(2, 0).repeat(2, 1)[: luma.shape[0], : luma.shape[1]]
        for plane in planes[1:]
    )
    rgb = (luma + 1.8556 * blue, luma - 0.1873 * blue - 0.4681 * red, luma + 1.5748 * red)
    return np.rint(np.stack(rgb, -1).clip(0, 1) * 255).astype(np.uint8)
