"""Dense flow between two pictures, and what is done with it: laid down at a time between, enlarged, followed.

Source: dense flow: T. Kroeger et al., Fast Optical Flow using Dense Inverse Search (ECCV 2016), as in OpenCV.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = [
    "Flow",
    "Grey",
    "Picture",
    "fine_flow_between",
    "flow_between",
    "half",
    "half_flow",
    "laid_down",
    "moved",
    "to",
]

type Grey = npt.NDArray[np.uint8]
type Picture = npt.NDArray[np.float32]
type Flow = npt.NDArray[np.float32]
"""Pixels to the right and down, ``[row, column, 2]``."""


def flow_between(a: Grey, b: Grey, start: Flow | None = None) -> Flow:
    """Where each pixel of a goes in b; ``start`` is where to look first."""
    import cv2

    engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = np.zeros((*a.shape, 2), np.float32) if start is None else start.copy()
    return np.asarray(engine.calc(a, b, flow), dtype=np.float32)


def fine_flow_between(a: Grey, b: Grey) -> Flow:
    """The same, followed down to single pixels: four times the work, nearer to the truth where little moves."""
    import cv2

    engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    engine.setFinestScale(0)
    return np.asarray(engine.calc(a, b, np.zeros((*a.shape, 2), np.float32)), dtype=np.float32)


def laid_down(ahead: Flow, back: Flow, a: Picture, b: Picture, time: float) -> tuple[Flow, Picture]:
    """Flow from a to b seen from the time between: each vector laid down where it passes then, the surer the heavier.

    Args:
        ahead: From a to b.
        back: From b to a.
        a: Before.
        b: After.
        time: 0 at a, 1 at b.

    Returns:
        The flow, and how much of a and b was laid down, ``[row, column, 2]``.
    """
    laid = _laid(ahead, time, _misfit(ahead, a, b))
    other = _laid(back, 1 - time, _misfit(back, b, a))
    other[..., 1:] *= -1
    return _filled(laid + other), np.stack([laid[..., 0], other[..., 0]], axis=-1)


def _misfit(flow: Flow, a: Picture, b: Picture) -> Picture:
    import cv2

    return np.asarray(cv2.blur(np.abs(moved(b, flow) - a), (3, 3)))


def _laid(flow: Flow, way: float, misfit: Picture) -> Picture:
    """Sums of weight and of weighted vectors, ``[row, column, 3]``."""
    height, width = flow.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    x, y = columns + way * flow[..., 0], rows + way * flow[..., 1]
    sure = np.exp(-misfit / 10) + 1e-6
    sums = np.zeros((3, height * width))
    left, top = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    for i, j in ((left, top), (left + 1, top), (left, top + 1), (left + 1, top + 1)):
        inside = (i >= 0) & (i < width) & (j >= 0) & (j < height)
        weight = (sure * (1 - np.abs(x - i)) * (1 - np.abs(y - j)))[inside]
        place = (j * width + i)[inside]
        for k, part in enumerate((weight, weight * flow[..., 0][inside], weight * flow[..., 1][inside])):
            sums[k] += np.bincount(place, part, height * width)
    return np.ascontiguousarray(sums.reshape(3, height, width).transpose(1, 2, 0), dtype=np.float32)


def _filled(sums: Picture) -> Flow:
    """Weighted means; where nothing was laid down, those of the surroundings, from coarse to fine."""
    import cv2

    levels = [sums]
    while min(levels[-1].shape[:2]) > 4:
        size = levels[-1].shape[1] // 2, levels[-1].shape[0] // 2
        levels.append(np.asarray(cv2.resize(levels[-1], size, interpolation=cv2.INTER_AREA), dtype=np.float32))
    flow = levels[-1][..., 1:] / (levels[-1][..., :1] + np.float32(1e-9))
    for level in reversed(levels[:-1]):
        around = to(flow, level.shape[:2])
        flow = (level[..., 1:] + np.float32(1e-3) * around) / (level[..., :1] + np.float32(1e-3))
    return np.asarray(flow)


def half(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    import cv2

    height, width = picture.shape
    return np.asarray(cv2.resize(picture, (-(-width // 2), -(-height // 2)), interpolation=cv2.INTER_AREA))


def half_flow(flow: Flow) -> Flow:
    import cv2

    height, width = flow.shape[:2]
    return np.asarray(cv2.resize(flow, (-(-width // 2), -(-height // 2)), interpolation=cv2.INTER_AREA) / 2)


def to(field: Picture, shape: tuple[int, ...]) -> Picture:
    import cv2

    return np.asarray(cv2.resize(field, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR))


def moved(picture: Picture, flow: Flow, *, cubic: bool = False) -> Picture:
    """At each place what the picture shows a way further along the flow."""
    import cv2

    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    kind = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    x, y = columns + flow[..., 0].astype(np.float32), rows + flow[..., 1].astype(np.float32)
    return np.asarray(cv2.remap(picture, x, y, kind, borderMode=cv2.BORDER_REPLICATE))
