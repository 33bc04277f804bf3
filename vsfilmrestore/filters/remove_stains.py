"""Stains, mould and water marks: broad, faint, and on the film rather than in the scene.

A stain comes from one frame to the next and goes again later, in the same shape and at the same place of the film.
Where both steps are seen (`_stain_steps`), match (`_stain_match`) and nothing in the scene explains them, the light
that was lost or gained is estimated (`_stain_field`) and given back: detail and grain beneath stay what they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._exposure import BLACK
from vsfilmrestore.filters._motion import estimate
from vsfilmrestore.filters._stain_field import Side, add_field
from vsfilmrestore.filters._stain_match import Looks, Pair, likelihood, pairs_at
from vsfilmrestore.filters._stain_steps import CELL, cells_of, looked_at, measure_step, picture_of, relit
from vsfilmrestore.filters.masks import apply_repair
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter

__all__ = ["remove_stains"]

core = vs.core

type Array = npt.NDArray[np.float32]

_WIDTH: Final = 640
"""The analysis picture is about so wide; stains are broad."""
_SMALLEST: Final = 64
_PAIRS: Final = "Pairs"
_MARGIN: Final = 1
"""Frames before and after a stain that are looked at: calm there speaks for it."""


def _radius(settings: Mapping[str, Any]) -> int:
    return int(settings["longest"]) + _MARGIN if settings["strength"] else 0


@restoration_filter(short="stain", order=45, needs=("mvu", "zsmooth", "akarin"), radius=_radius, one_sided=True)
def remove_stains(
    clip: vs.VideoNode,
    strength: Strength = 0.5,
    *,
    max_size: Annotated[int, Setting("longest side of a stain, in thousandths of the picture's width", 20, 1000)] = 450,
    longest: Annotated[int, Setting("most frames in a row that a stain may last", 1, 30)] = 12,
    polarity: Annotated[
        Literal["both", "dark", "bright"], Setting("stains to remove: dark ones, bright ones or both")
    ] = "both",
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Remove stains, mould and water marks and keep the picture that shines through them.

    The frames before and after are moved onto each frame and brought to its light. A stain is what changes there at
    once, over a broad area whose detail stays, and changes back, in the same shape and at the same place of the film,
    at most ``longest`` frames later. Its density is estimated from both changes, smooth up to its edges, and taken
    away; opaque damage is not painted over. What does not come and go within the shot, and whatever moves, stays: so
    do shadows, smoke, fades, flashes of the whole picture, and what lies where motion cannot be followed.

    Args:
        clip: Any constant format. Float samples outside 0..1 are clipped where they are repaired.
        strength: How little evidence is enough.
        max_size: Larger ones are taken for light; 1000 is the width of the picture.
        longest: A stain of more frames stays. More frames are looked at, and more are held in memory.
        polarity: ``dark`` or ``bright`` restricts it to such stains.
        protect: Regions that stay as they are.
        only: Regions outside which all stays as it is.
        show: ``mask``, ``diff`` or ``overlay`` instead of the result.

    Raises:
        vapoursynth.Error: A setting is out of range, or a plug-in is missing.
    """
    if strength == 0:
        return clip
    if min(clip.width, clip.height) < _SMALLEST or clip.num_frames < 3:
        nothing = core.std.BlankClip(clip, format=vs.GRAY8, keep=True)
        return apply_repair("remove_stains", clip, clip, nothing, show=show)
    small = _analysis(clip)
    motion = estimate(_flat(small), (-1, 1), refine=True, cut_error=255, cut_share=100)
    moved = [motion.compensate(small, d) for d in (-1, 1)]
    pairs = _found(_looks(small, moved), small, strength, max_size / 1000, longest, polarity)
    field = _field(pairs, small, moved, longest)
    repaired, mask = _lifted(clip, field)
    return apply_repair("remove_stains", clip, repaired, mask, protect=protect, only=only, show=show)


def _analysis(clip: vs.VideoNode) -> vs.VideoNode:
    """The clip as float without subsampling, about `_WIDTH` wide."""
    fmt = core.query_video_format(clip.format.color_family, vs.FLOAT, 32, 0, 0).id
    times = max(round(clip.width / _WIDTH), 1)
    return clip.resize.Bilinear(clip.width // times, clip.height // times, format=fmt)


def _flat(small: vs.VideoNode) -> vs.VideoNode:
    """Detail alone, for motion: neither stains nor flicker pull the vectors."""
    if small.format.color_family == vs.RGB:
        luma = core.akarin.Expr(small.std.SplitPlanes(), "x y y + + z + 4 /")
    else:
        luma = small.std.ShufflePlanes(0, vs.GRAY)
    light = core.akarin.Expr([luma], f"x 0 max {BLACK} + log")
    around = light.std.BoxBlur(hradius=12, hpasses=1, vradius=12, vpasses=1)
    return core.akarin.Expr([light, around], "x y - 0.25 * 0.5 + 65535 * 0 max 65535 min", format=vs.GRAY16)


def _looks(small: vs.VideoNode, moved: Sequence[vs.VideoNode]) -> vs.VideoNode:
    """Five maps in cells, one below the other: the steps to both neighbours, their misfits, and the frame."""
    rgb, last = small.format.color_family == vs.RGB, small.num_frames - 1
    width, height = small.width // CELL, small.height // CELL
    host = core.std.BlankClip(small, width=width, height=5 * height, format=vs.GRAYS, keep=True)

    def look(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        here, *there = (picture_of(frame) for frame in f[1:])
        steps = [measure_step(here, other, rgb) for other in there]
        out = f[0].copy()
        tone = cells_of(looked_at(here, rgb)[0]) * 255
        maps = [steps[0].change, steps[1].change, steps[0].misfit, steps[1].misfit, tone]
        np.copyto(np.asarray(out[0]), np.concatenate(maps))
        out.props["Before"], out.props["After"] = int(steps[0].joined and n > 0), int(steps[1].joined and n < last)
        return out

    return core.std.ModifyFrame(host, [host, small, *moved], look)


def _read(frame: vs.VideoFrame) -> Looks:
    come, go, one, other, tone = np.split(np.asarray(frame[0]), 5)
    joined = bool(frame.props["Before"]), bool(frame.props["After"])
    return Looks(come, go, np.stack([one, other]), tone, joined)


def _found(
    looks: vs.VideoNode, small: vs.VideoNode, strength: float, size: float, longest: int, polarity: str
) -> vs.VideoNode:
    """Small frames with the stains that begin at each of them as properties."""
    # A cache starts small and grows while frames are made twice: a short clip would be over by then.
    looks.std.SetVideoCache(mode=1, maxsize=longest + 16)
    host = core.std.BlankClip(small, width=16, height=16, format=vs.GRAY8, keep=True)
    taps = [_held(looks, offset) for offset in range(-_MARGIN, longest + _MARGIN)]
    most, needed, last = max(size * looks.width, 4.0), 3.5 - 4 * strength, looks.num_frames - 1

    def find(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        out = f[0].copy()
        views = _Views(f[1:], [0 <= n + offset <= last for offset in range(-_MARGIN, longest + _MARGIN)])
        stains = [
            pair
            for pair in pairs_at(views, most)
            if likelihood(pair.features) > needed and polarity in ("both", "bright" if pair.bright else "dark")
        ]
        _write(out, stains)
        return out

    return core.std.ModifyFrame(host, [host, *taps], find)


class _Views(Sequence[Looks | None]):
    """The looks of frames, read when they are wanted; None beyond the ends of the clip."""

    def __init__(self, frames: Sequence[vs.VideoFrame], within: Sequence[bool]) -> None:
        self._frames, self._within = frames, within

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return _read(self._frames[index]) if self._within[index] else None


def _write(frame: vs.VideoFrame, stains: Sequence[Pair]) -> None:
    frame.props["Count"] = len(stains)
    if stains:
        frame.props["Lives"] = [pair.life for pair in stains]
        frame.props["Numbers"] = [n for pair in stains for n in (pair.life, *pair.box, int(pair.bright))]
        frame.props["Swells"] = [pair.swell for pair in stains]
        frame.props["Cells"] = b"".join(np.packbits(pair.cells).tobytes() for pair in stains)


def _stains(frame: vs.VideoFrame) -> list[Pair]:
    """The way back from `_write`."""
    props: Any = frame.props
    if not props["Count"]:
        return []
    numbers = np.array(props["Numbers"]).reshape(-1, 6)
    swells, packed, stains = np.atleast_1d(props["Swells"]), np.frombuffer(props["Cells"], np.uint8), []
    for (life, top, left, bottom, right, bright), swell in zip(numbers.tolist(), swells.tolist(), strict=True):
        shape = bottom - top, right - left
        count = shape[0] * shape[1]
        cells = np.unpackbits(packed[: -(-count // 8)], count=count).astype(bool).reshape(shape)
        packed = packed[-(-count // 8) :]
        stains.append(Pair(life, (top, left, bottom, right), cells, bool(bright), swell, ()))
    return stains


def _field(pairs: vs.VideoNode, small: vs.VideoNode, moved: Sequence[vs.VideoNode], longest: int) -> vs.VideoNode:
    """What stains did to each frame, in the format of ``small``; the property Stains tells how many there are."""
    pairs.std.SetVideoCache(mode=1, maxsize=longest + 16)
    taps = [_held(pairs, -back) for back in range(min(longest, small.num_frames))]
    blank = core.std.BlankClip(small, color=[0.0] * small.format.num_planes, keep=True).std.SetFrameProps(Stains=0)
    rgb = small.format.color_family == vs.RGB

    def paint(n: int, f: list[vs.VideoFrame] | vs.VideoFrame) -> vs.VideoNode:
        frames = [f] if isinstance(f, vs.VideoFrame) else f  # one clip gives one frame, not a list of one
        came = [(n - back, _stains(frame)) for back, frame in enumerate(frames) if back <= n]
        there = [(first, pair) for first, pairs in came for pair in pairs if pair.life > n - first]
        return _painted(n, there, blank, small, moved, rgb) if there else blank

    return blank.std.FrameEval(paint, prop_src=taps, clip_src=[blank, small, *moved])


def _painted(
    n: int,
    there: Sequence[tuple[int, Pair]],
    blank: vs.VideoNode,
    small: vs.VideoNode,
    moved: Sequence[vs.VideoNode],
    rgb: bool,
) -> vs.VideoNode:
    """A clip whose frame ``n`` holds the fields of stains that began at the frames given with them."""
    wanted = sorted({(first, 0) for first, _ in there} | {(first + pair.life - 1, 1) for first, pair in there})
    clips = [clip[at].std.Loop(n + 1) for at, side in wanted for clip in (small, moved[side])]

    def add(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        frames = [picture_of(frame) for frame in f[1:]]
        sides = {
            key: Side(here, relit(here, other, rgb)[0])
            for key, here, other in zip(wanted, frames[::2], frames[1::2], strict=True)
        }
        out = f[0].copy()
        total = np.zeros_like(frames[0])
        for first, pair in there:
            part = (n - first) / (pair.life - 1) if pair.life > 1 else 0.5
            went = sides[first + pair.life - 1, 1]
            add_field(total, pair, sides[first, 0], went, part, 3 if rgb else 1)
        for p, plane in enumerate(total):
            np.copyto(np.asarray(out[p]), plane)
        out.props["Stains"] = len(there)
        return out

    return core.std.ModifyFrame(blank[: n + 1], [blank[: n + 1], *clips], add)


def _held(clip: vs.VideoNode, offset: int) -> vs.VideoNode:
    """Frame n + ``offset`` at n; the ends are held."""
    far = min(abs(offset), clip.num_frames - 1)
    if not far:
        return clip
    return clip[far:] + clip[-1] * far if offset > 0 else clip[0] * far + clip[:-far]


def _lifted(clip: vs.VideoNode, field: vs.VideoNode) -> tuple[vs.VideoNode, vs.VideoNode]:
    """The clip without what the field says, and the mask of it; where there is nothing, the clip itself."""
    fmt = clip.format
    exact = core.query_video_format(fmt.color_family, vs.FLOAT, 32, fmt.subsampling_w, fmt.subsampling_h)
    full = field.resize.Bilinear(clip.width, clip.height)
    large = full if full.format.id == exact.id else full.resize.Bilinear(format=exact.id)
    linear = clip.resize.Point(format=exact.id)
    veiled = f"1 {BLACK} + dup x - y exp * -"
    light = f"y 0 > {veiled} x {BLACK} + y -1 * exp * {BLACK} - ? 0 max 1 min"
    if fmt.color_family == vs.YUV:
        luma = full.std.ShufflePlanes(0, vs.GRAY)
        thin = luma.resize.Bilinear(clip.width >> fmt.subsampling_w, clip.height >> fmt.subsampling_h)
        scale = core.std.ShufflePlanes([luma, thin, thin], [0, 0, 0], exact.color_family)
        done = core.akarin.Expr([linear, large, scale], [light, "x z abs exp * y -", "x z abs exp * y -"])
    else:
        done = core.akarin.Expr([linear, large], [light] * fmt.num_planes)
    back = done.resize.Point(format=fmt.id).std.CopyFrameProps(clip)
    mask = _touched(full)
    none = core.std.BlankClip(mask, color=0, keep=True)

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        return back if f.props["Stains"] else clip

    def marked(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        return mask if f.props["Stains"] else none

    result = clip.std.FrameEval(choose, prop_src=[field], clip_src=[clip, back])
    return result, none.std.FrameEval(marked, prop_src=[field], clip_src=[none, mask])


def _touched(full: vs.VideoNode) -> vs.VideoNode:
    planes = full.std.SplitPlanes() if full.format.num_planes > 1 else [full]
    seen = " ".join(f"{'xyz'[i]} abs 0.0005 >" for i in range(len(planes)))
    return core.akarin.Expr(planes, f"{seen}{' or' * (len(planes) - 1)} 255 0 ?", format=vs.GRAY8)
