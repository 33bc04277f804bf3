"""The grain of a whole shot, measured inside a graph: one frame that all others can depend on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import vapoursynth as vs

from vsfilmrestore.filters._grain_areas import changed_areas
from vsfilmrestore.filters._grain_blocks import levels
from vsfilmrestore.filters._grain_form import SIDE
from vsfilmrestore.filters._grain_plan import SIGNATURE, kind_of
from vsfilmrestore.filters._grain_signature import GrainMeter
from vsfilmrestore.filters._noise import as16, full_scale

__all__ = ["shot_grain"]

core = vs.core

_PAIRS: Final = "_VsfrGrainPairs"
"""Property: the pairs of frames that the grain was measured in."""
_LARGEST: Final = (1536, 1152)
"""Of larger pictures the middle is looked at."""


def shot_grain(
    clip: vs.VideoNode, places: int = 5, name: str = SIGNATURE, like: vs.VideoNode | None = None
) -> vs.VideoNode:
    """A clip of one frame with the grain of ``clip`` in a property; '' where it cannot be measured.

    Nothing is read before that frame is asked for.

    Args:
        clip: One shot, any constant format.
        places: Places in it that are looked at; at each three frames.
        name: Of the property.
        like: What this told of the same shot before: the same pairs of frames are held against each other. Copies are
            copies no more once each has grain of its own.
    """
    blank = core.std.BlankClip(None, 16, 16, vs.GRAY8, length=1, keep=True).std.SetFrameProps(**{name: ""})
    if clip.num_frames < 2 or min(clip.width, clip.height) < 2 * SIDE:
        return blank
    count = min(3, clip.num_frames)
    firsts = sorted({int(n) for n in np.linspace(0, clip.num_frames - count, places + 2)[1:-1].round()})
    seen, white = _middle(as16(clip)), full_scale(clip)
    frames = [seen[first + k] for first in firsts for k in range(count)]
    repaired = _middle(changed_areas(clip), clip)
    masks = [repaired[first + count // 2] for first in firsts]

    def tell(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        told = f[0].copy()
        meter = GrainMeter(kind_of(clip))
        planes = [
            [levels(np.asarray(frame[p]), white) for p in range(frame.format.num_planes)]
            for frame in f[1 + len(masks) :]
        ]
        for place in range(len(masks)):
            meter.add(planes[place * count : (place + 1) * count], np.asarray(f[1 + place][0]))
        pairs = _pairs(f[0]) or meter.telling()
        told.props[name] = meter.signature(clip.width, pairs).to_text()
        told.props[_PAIRS] = pairs
        return told

    return core.std.ModifyFrame(blank, [like or blank, *masks, *frames], tell)


def _pairs(frame: vs.VideoFrame) -> list[int]:
    """Which pairs a frame of `shot_grain` tells of; none in any other."""
    told: Any = frame.props.get(_PAIRS, [])
    return [told] if isinstance(told, int) else list(told)


def _middle(clip: vs.VideoNode, like: vs.VideoNode | None = None) -> vs.VideoNode:
    """The middle of large pictures, cut out as the planes of ``like`` can be."""
    fmt = (like or clip).format
    step = (1 << fmt.subsampling_w, 1 << fmt.subsampling_h)
    across, down = (
        max(0, size - most) // 2 // s * s
        for size, most, s in zip((clip.width, clip.height), _LARGEST, step, strict=True)
    )
    return clip.std.Crop(across, across, down, down) if across or down else clip
