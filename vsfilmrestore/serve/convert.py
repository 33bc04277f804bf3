"""Finished frames as planar RGB of full range, in the depth and size a host asks for.

Conversion follows what the frame says of itself: matrix, range, chroma place. A frame without a matrix is taken as what
is usual for its size, as in a render. Transfer curve and primaries stay those of the scan. Float is not clipped.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import numpy as np
import vapoursynth as vs

from vsfilmrestore.media.out.prepare import usual_matrix
from vsfilmrestore.serve.ring import Layout, Plane

__all__ = ["FORMATS", "Converter", "fill"]

core = vs.core

FORMATS: Final = (int(vs.RGB24), int(vs.RGB48), int(vs.RGBH), int(vs.RGBS))
"""VapourSynth's format of each depth of the protocol."""

_AT_ONCE: Final = 16
_KEPT: Final = 32
_UNSPECIFIED: Final = 2


class Converter:
    """Converts frames of any format; safe to be called from several threads, not from VapourSynth's own."""

    def __init__(self) -> None:
        self._benches: OrderedDict[tuple[int, ...], _Bench] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, frame: vs.VideoFrame, layout: Layout) -> vs.VideoFrame:
        """The frame as planar RGB of full range, in the depth and size of a layout.

        Raises:
            vs.Error: It cannot be converted.
        """
        wanted = (layout.width, layout.height, FORMATS[layout.depth])
        if (frame.width, frame.height, int(frame.format.id)) == wanted and _is_full(frame):
            return frame
        key = (frame.width, frame.height, int(frame.format.id), *wanted)
        with self._lock:
            bench = self._benches.get(key)
            if bench is None:
                bench = self._benches[key] = _Bench(frame, *wanted)
            self._benches.move_to_end(key)
            if len(self._benches) > _KEPT:
                self._benches.popitem(last=False)
        return bench(frame)


def fill(planes: Sequence[Plane], frame: vs.VideoFrame) -> None:
    """Copy the planes of an RGB frame to where they are shared."""
    for index, plane in enumerate(planes):
        np.copyto(plane, np.asarray(frame[index]))


def _is_full(frame: vs.VideoFrame) -> bool:
    return frame.props.get("_Range", vs.RANGE_FULL) == vs.RANGE_FULL and not frame.props.get("_ColorRange", 0)


class _Bench:
    """A conversion that is set up once; frames are laid onto it and taken off it."""

    def __init__(self, like: vs.VideoFrame, width: int, height: int, format_: int) -> None:
        self._laid: dict[int, vs.VideoFrame] = {}
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._free = list(range(_AT_ONCE))
        self._lock = threading.Lock()
        blank = core.std.BlankClip(
            format=like.format.id, width=like.width, height=like.height, length=_AT_ONCE, keep=True
        )
        laid = core.std.ModifyFrame(blank, blank, self._pick)
        self._out = core.resize.Spline36(laid, width=width, height=height, format=format_, range=vs.RANGE_FULL)
        self._whole = (like.height % (2 << like.format.subsampling_h) or height % 2) != 0
        self._usual = usual_matrix(blank)
        for node in (laid, self._out):
            node.std.SetVideoCache(mode=0)  # what lies at a place is another picture the next time

    def _pick(self, n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        return self._laid[n]

    def __call__(self, frame: vs.VideoFrame) -> vs.VideoFrame:
        with self._places:
            told = self._told(frame)
            with self._lock:
                place = self._free.pop()
                self._laid[place] = told
            try:
                return self._out.get_frame(place)
            finally:
                with self._lock:
                    del self._laid[place]
                    self._free.append(place)

    def _told(self, frame: vs.VideoFrame) -> vs.VideoFrame:
        """The frame with what the resizer has to know of it."""
        told = frame.copy()
        family = frame.format.color_family
        matrix = told.props.get("_Matrix", _UNSPECIFIED)
        if family == vs.RGB:
            told.props["_Matrix"] = 0
        elif matrix in (0, _UNSPECIFIED):
            told.props["_Matrix"] = self._usual
        if family != vs.YUV and "_Range" not in told.props and "_ColorRange" not in told.props:
            told.props["_Range"] = int(vs.RANGE_FULL)
        if self._whole and "_FieldBased" in told.props:
            del told.props["_FieldBased"]  # such a height has no two equal fields
        return told
