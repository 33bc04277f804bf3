"""Fields: whether frames are combed, which field comes first, and how film was spread over them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import vapoursynth as vs

from vsfilmrestore.assess.samples import Shot
from vsfilmrestore.filters.deinterlace import combed_share, measure_field_order

__all__ = ["Fields", "fields_of"]

_COMBED: Final = 0.4
"""Share of combed pixels, where they are worst, from which a frame counts as combed."""
_FEW: Final = 6
_RUN: Final = 30
_CYCLE: Final = 5
_NEARLY_ALL: Final = 0.7
_SOME: Final = 0.25
"""Share of combed frames, but for telecine, below which they are not."""


class Fields(NamedTuple):
    """What is known of a shot's fields; see ``interlaced``, ``interlaced.order`` and ``telecine``."""

    share: float = 0.0
    order: str = "none"
    telecine: str = "none"
    confidence: float = 0.0


def fields_of(shot: Shot) -> Fields:
    """Look at a few frames; at more where one of them is combed."""
    clip = shot.clip
    if clip.height < 64 or clip.width < 64 or clip.height % 2 or len(shot) < 3:
        return Fields()
    few = _combed(shot, [place for place in shot.places(_FEW) if place])
    if not any(few):
        return Fields(confidence=min(len(few) / _FEW, 1.0))
    start = max((len(shot) - _RUN) // 2, 0)
    run = np.array(_combed(shot, range(start, min(start + _RUN, len(shot)))))
    order = measure_field_order(clip) or "none"
    share, pattern = float(run.mean()), _telecine(run)
    if pattern == "none" and (share < _SOME or order == "none"):
        return Fields(confidence=min(len(run) / _RUN, 1.0))  # fine lines: nothing moves as fields do
    if share > _NEARLY_ALL and pattern == "none":
        woven = _combed(shot, shot.places(_FEW), lambda clip: _other_weave(clip, order == "top"))
        pattern = "2:2" if np.mean(woven) < 1 - _NEARLY_ALL else "none"
    return Fields(share, order, pattern, min(len(run) / _RUN, 1.0))


def _other_weave(clip: vs.VideoNode, top: bool) -> vs.VideoNode:
    """Each frame of its later field and the earlier one of the next: whole, where film lies astride the frames."""
    fields = clip.std.SetFieldBased(0).std.SeparateFields(tff=top)
    return fields.std.DoubleWeave(tff=top)[1::2]


def _combed(
    shot: Shot, places: list[int] | range, prepare: Callable[[vs.VideoNode], vs.VideoNode] = lambda clip: clip
) -> list[bool]:
    def build(clip: vs.VideoNode) -> vs.VideoNode:
        return combed_share(prepare(clip).std.SetFieldBased(0))

    found = []
    for frame in shot.frames(build, places):
        with frame:
            found.append(float(frame.props["_VsfrCombed"]) > _COMBED)  # type: ignore[arg-type]
    return found


def _telecine(combed: np.ndarray) -> str:
    """``3:2`` where two frames side by side of every five are combed, as pulldown leaves them.

    Where fine detail looks combed as well, it is four of five: all that share a field with the frame beside them.
    """
    if len(combed) < 2 * _CYCLE:
        return "none"
    phase = np.arange(len(combed)) % _CYCLE
    rate = np.array([combed[phase == p].mean() for p in range(_CYCLE)])
    pair = int(np.argmax(rate + np.roll(rate, -1)))
    on = {pair, (pair + 1) % _CYCLE}
    inside = float(np.mean([rate[p] for p in on]))
    outside = float(np.mean([rate[p] for p in range(_CYCLE) if p not in on]))
    alone = np.sort(rate)
    whole = alone[0] < 0.2 and alone[1] > 0.8
    return "3:2" if (inside > 0.6 and outside < 0.2) or whole else "none"
