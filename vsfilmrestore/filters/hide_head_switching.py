"""Head switching: the lowest lines of a tape, where one head hands over to the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import vapoursynth as vs
from vsutil import join, split

from vsfilmrestore.filters._network_step import changed_mask
from vsfilmrestore.filters.masks import apply_repair
from vsfilmrestore.filters.schema import Setting, Show, Strength, restoration_filter

__all__ = ["head_switching_lines", "hide_head_switching"]

core = vs.core

LINES: Final = "_VsfrHeadSwitching"
"""Property that tells how many of the lowest lines were covered."""
_FRAMES: Final = 7
_MOST: Final = 16
"""More lines at the bottom are never torn by it."""
_SMALLEST: Final = 64
_SHIFT: Final = 3
"""A line that lies so many pixels beside the one of its field above was torn off."""
_REACH: Final = 40
_SURE: Final = 0.7
"""Share of the frames that must show it."""
_MOSTLY: Final = 0.6
"""Share of the lines below the first torn one that must lie beside the whole ones."""
_ALIKE: Final = 2
"""Lines by which frames that agree may differ."""
_FITS: Final = 0.5
_BETTER: Final = 0.15
"""How well it must fit there, and how much better than where it lies."""
_ROUGHLY: Final = (0.3, 0.05)
"""The same of lines farther below: the picture has changed there."""

_PARTS: Final = 6
"""Parts of a line that are looked at one by one,"""
_DRAWN: Final = 0.02
"""those with so large a share of its drawing or more;"""
_MAJORITY: Final = 0.6
"""share of them that must be moved."""

type Array = npt.NDArray[Any]


def _depends(settings: Mapping[str, Any]) -> Literal["clip", "window"]:
    return "clip" if settings["lines"] == 0 and settings["strength"] else "window"


@restoration_filter(short="heads", order=9, needs=("akarin",), depends=_depends, fields=True)
def hide_head_switching(
    clip: vs.VideoNode,
    strength: Strength = 1.0,
    *,
    lines: Annotated[int, Setting("lowest lines to cover; 0 measures them in the shot", 0, 64)] = 0,
    fill: Annotated[
        Literal["mirror", "black"], Setting("cover them with what lies above, turned upside down, or with black")
    ] = "mirror",
    show: Show = "",
) -> vs.VideoNode:
    """Cover the lowest lines of a tape that are torn where one head of the player hands over to the other.

    They are measured on seven frames of the shot: lines that lie beside the ones above, down to the lower edge, in most
    of the frames. Where that is not so nothing is done. Players and televisions hid these lines behind the frame; what
    was in them is not brought back. All other lines keep their bits.

    Args:
        clip: Any constant format.
        strength: How densely they are covered; what is torn shines through below 1.
        lines: A number covers as many in any case.
        fill: ``mirror`` is not seen at a glance; ``black`` says that nothing is there.
        show: ``mask``, ``diff`` or ``overlay`` instead of the result.
    """
    if strength == 0:
        return clip
    if min(clip.width, clip.height) < _SMALLEST:
        none = core.std.BlankClip(clip, format=vs.GRAY8, keep=True)
        return apply_repair("hide_head_switching", clip, clip, none, show=show)
    if lines:
        made = _covered(clip, lines, fill).std.SetFrameProps(**{LINES: lines})
    else:
        told = _measured(clip).std.Loop(clip.num_frames)
        # As many ways as there may be lines: nothing is built while frames are made.
        ways = [_covered(clip, count, fill) for count in range(_MOST + 1)]
        made = core.akarin.Select(ways, told, f"x.{LINES}").std.CopyFrameProps(told, props=[LINES])
    if strength < 1:
        made = core.akarin.Expr([clip, made], f"x y x - {strength} * +").std.CopyFrameProps(made, props=[LINES])
    closed = apply_repair("hide_head_switching", clip, made, changed_mask(clip, made), show=show)
    return closed.std.CopyFrameProps(made, props=[LINES])


def _covered(clip: vs.VideoNode, lines: int, fill: str) -> vs.VideoNode:
    if not lines:
        return clip
    fmt = clip.format
    planes = split(clip.std.SetFieldBased(0))
    thin = -(-lines // (1 << fmt.subsampling_h))
    chroma = [place > 0 and fmt.color_family == vs.YUV for place in range(len(planes))]
    parts = [_cover(plane, thin if low else lines, fill, low) for plane, low in zip(planes, chroma, strict=True)]
    return (join(parts, fmt.color_family) if len(parts) > 1 else parts[0]).std.CopyFrameProps(clip)


def _cover(plane: vs.VideoNode, lines: int, fill: str, chroma: bool) -> vs.VideoNode:
    kept = plane.std.Crop(bottom=lines)
    if fill == "mirror":
        # Two fields change places line by line: with an even number above the edge each keeps its own.
        return core.std.StackVertical([kept, kept.std.Crop(top=kept.height - lines).std.FlipVertical()])
    bits = plane.format.bits_per_sample
    whole = plane.format.sample_type == vs.INTEGER
    if chroma:
        return kept.std.AddBorders(bottom=lines, color=[1 << (bits - 1) if whole else 0.0])
    black = f"Y {kept.height} < x x._Range {int(vs.RANGE_FULL)} = 0 {16 << (bits - 8) if whole else 0} ? ?"
    return core.akarin.Expr([plane], black)


def _measured(clip: vs.VideoNode) -> vs.VideoNode:
    """One tiny frame that tells how many lines are torn; it is made once."""
    picks = np.unique(np.linspace(0, clip.num_frames - 1, _FRAMES + 2).round().astype(int)[1:-1])
    grey = split(clip)[0 if clip.format.color_family != vs.RGB else 1]
    low = grey.std.SetFieldBased(0).std.Crop(top=clip.height - 3 * _MOST)
    blank = core.std.BlankClip(width=16, height=16, format=vs.GRAY8, length=1, keep=True)

    def measure(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f[0].copy()
        out.props[LINES] = head_switching_lines([np.asarray(frame[0]) for frame in f[1:]])
        return out

    return core.std.ModifyFrame(blank, [blank, *(low[int(pick)] for pick in picks)], measure)


def head_switching_lines(pictures: list[Array]) -> int:
    """How many of the lowest lines are torn; 0 where the evidence is weak.

    Args:
        pictures: The lowest lines, three times as many as may be torn, of several frames: ``[lines, width]``.
    """
    counts = [_torn(np.asarray(each, np.float32)) for each in pictures]
    seen = [count for count in counts if 0 < count <= _MOST]
    if not seen:
        return 0
    middle = int(np.median(seen))
    # The heads change at the same line of every frame; what a picture shows there comes and goes.
    alike = sum(abs(count - middle) <= _ALIKE for count in seen)
    return middle if alike >= _SURE * len(counts) else 0


def _torn(picture: Array) -> int:
    """Lines from the first one that lies beside its field's line above, down to the edge."""
    import cv2  # on first use: it is large, and a plan needs none of it

    flat = cv2.GaussianBlur(picture, (0, 0), sigmaX=1.5, sigmaY=0.01)
    flat = np.abs(np.gradient(flat, axis=1))
    reach = min(_REACH, flat.shape[1] // 8)
    ways = [_way(flat[row - 2], flat[row], reach, whole=True) for row in range(2, len(flat))]
    torn = [place + 2 for place, way in enumerate(ways) if abs(way) >= _SHIFT]
    if not torn or torn[0] < len(flat) - _MOST:
        return 0  # the picture itself is so: lines above the bottom lie beside one another too
    first = torn[0]
    # What is torn lies beside the last whole lines down to the edge; where a pattern begins only one line does.
    beside = [
        abs(_way(flat[first - 2 + (row - first) % 2], flat[row], reach, *_ROUGHLY)) >= _SHIFT
        for row in range(first, len(flat))
    ]
    return len(flat) - first if float(np.mean(beside)) >= _MOSTLY else 0


def _way(
    above: Array, line: Array, reach: int, well: float = _FITS, better: float = _BETTER, *, whole: bool = False
) -> int:
    """By how many pixels a line lies beside another, with ``whole`` all of it; 0 where nothing fits clearly better."""
    middle = above[reach:-reach]
    lying = np.lib.stride_tricks.sliding_window_view(line, len(middle))
    powers = np.maximum(np.sum(lying**2, axis=1) * float(np.sum(middle**2)), 1e-9)
    fits = (lying @ middle) / np.sqrt(powers)
    best = int(np.argmax(fits))
    moved = fits[best] > well and fits[best] > fits[reach] + better
    return best - reach if moved and (not whole or _all_along(middle, lying[best], lying[reach])) else 0


def _all_along(wanted: Array, moved: Array, still: Array) -> bool:
    """Whether a line is like another when moved in most of its parts that have a drawing, and in two at least.

    A torn line is moved as a whole. Of a slanted edge one part of a line shows the way; what stands upright beside it
    does not follow.
    """
    drawn, votes = 0, 0
    least = _DRAWN * float(np.sum(wanted**2))
    for one, there, here in zip(*(np.array_split(each, _PARTS) for each in (wanted, moved, still)), strict=True):
        if float(np.sum(one**2)) > least:
            drawn += 1
            votes += _likeness(one, there) > _likeness(one, here)
    return votes >= 2 and votes > _MAJORITY * drawn


def _likeness(a: Array, b: Array) -> float:
    return float(a @ b) / max(float(np.sqrt(np.sum(a**2) * np.sum(b**2))), 1e-9)
