"""Wires for one who draws a rough path along each of them, as an editor would."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters import FILTERS
from vsfilmrestore.media.props import mask_prop

from .cases import Case
from .footage import Picture, clip_of, planes_of
from .methods import Method

__all__ = ["by_path", "measured_frames", "paths_of"]

core = vs.core

type Flags = npt.NDArray[np.bool_]

EVERY = 5
"""Only each so manieth frame is measured: each needs filters of its own."""
_ROUGH = 3.0
"""How far off the wire the points may lie, in pixels."""
_POINTS, _WIRES, _NEAR, _AROUND = 5, 3, 12.0, 3


def measured_frames(count: int) -> range:
    """The frames for which paths are drawn."""
    return range(_AROUND, count - _AROUND, EVERY)


def paths_of(mask: Flags, seed: int) -> Iterator[str]:
    """A path of five points along each wire of a mask, longest first, each point up to three pixels beside the wire."""
    rng = np.random.default_rng(seed)
    rest, whole = mask.copy(), int(mask.sum())
    for _ in range(_WIRES):
        lines = cv2.HoughLinesP(rest.astype(np.uint8) * 255, 1, np.pi / 180, 30, minLineLength=24, maxLineGap=12)
        if lines is None or rest.sum() < 0.1 * whole:
            return
        ends = lines.reshape(-1, 4).astype(float)
        x0, y0, x1, y1 = ends[np.argmax(np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1]))]
        along = np.array([x1 - x0, y1 - y0]) / np.hypot(x1 - x0, y1 - y0)
        y, x = np.nonzero(rest)
        places = np.stack((x - x0, y - y0), -1)
        close = np.abs(places @ np.array([-along[1], along[0]])) < _NEAR
        yield _path(np.stack((x, y), -1)[close], places[close] @ along, mask.shape, rng)
        rest[y[close], x[close]] = False


def _path(
    points: npt.NDArray[np.intp], along: npt.NDArray[np.float64], size: tuple[int, ...], rng: np.random.Generator
) -> str:
    """The middle of the wire at several places along it."""
    out = []
    for place in np.linspace(along.min(), along.max(), _POINTS):
        near = np.argsort(np.abs(along - place))[:12]
        x, y = points[near].mean(0) + rng.uniform(-_ROUGH, _ROUGH, 2)
        out.append(f"{min(max(x, 0), size[1] - 1):.0f},{min(max(y, 0), size[0] - 1):.0f}")
    return " ".join(dict.fromkeys(out))


def by_path() -> Method:
    """remove_wires along a rough path of each wire, drawn for each measured frame; other frames stay as they are."""
    return _Pathed("remove_wires, path", lambda case: case.damaged, "ours", (("remove_wires", {}),))


class _Pathed(Method):
    """Frames and masks come from one filter for each wire and frame."""

    def result(self, case: Case) -> tuple[list[list[Picture]], list[Flags]]:
        """See `Method.result`."""
        planes = planes_of(case.damaged)
        masks = [np.zeros(planes[0][0].shape, bool) for _ in planes]
        for n in measured_frames(len(planes)):
            clip = case.damaged[n - _AROUND : n + _AROUND + 1]
            for path in paths_of(case.classes["wire"][n], zlib.crc32(f"{case.name} {n}".encode())):
                if " " not in path:
                    continue
                clip = FILTERS["remove_wires"].function(clip, path=path, polarity="both")
                frame = clip.get_frame(_AROUND)
                masks[n] |= np.asarray(frame.props[mask_prop("remove_wires")][0]) > 0
                planes[n] = [np.array(plane) for plane in frame]
                clip = _settled(clip)
        return planes, masks


def _settled(clip: vs.VideoNode) -> vs.VideoNode:
    """The clip in memory, so that the next wire does not compute it again for every frame it looks at."""
    return clip_of(planes_of(clip), clip)
