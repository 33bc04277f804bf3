"""Stains, mould and water marks: broad, faint, and on the film rather than in the scene.

A stain comes from one frame to the next and goes again later, in the same shape and at the same place of the film.
Where both steps are seen (`_stain_steps`), match (`_stain_match`) and nothing in the scene explains them, the light
that was lost or gained is estimated (`_stain_field`) and given back: detail and grain beneath stay what they are. So
it is where one step is seen, and the shot begins or ends stained (`_stain_onset`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._exposure import BLACK
from vsfilmrestore.filters._motion import estimate
from vsfilmrestore.filters._stain_field import Side, add_field
from vsfilmrestore.filters._stain_light import GAMMA
from vsfilmrestore.filters._stain_match import Looks, Pair, likelihood, pairs_at
from vsfilmrestore.filters._stain_onset import onset_likelihood, onsets_at, rules_out, united
from vsfilmrestore.filters._stain_sight import analysis, flat
from vsfilmrestore.filters._stain_steps import CELL, cells_of, looked_at, measure_step, picture_of, relit
from vsfilmrestore.filters.masks import apply_repair
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter

__all__ = ["remove_stains"]

core = vs.core

type Array = npt.NDArray[np.float32]

_SMALLEST: Final = 64
_PAIRS: Final = "Pairs"
_MARGIN: Final = 1
"""Frames before and after a stain that are looked at: calm there speaks for it."""

type _Placed = tuple[int, int, Pair]
"""Frames that a stain's field is measured at: where it is seen to come and where to go, -1 for unseen; the stain."""


def _radius(settings: Mapping[str, Any]) -> int:
    return int(settings["longest"]) + _MARGIN if settings["strength"] else 0


@restoration_filter(short="stain", order=45, needs=("mvu", "zsmooth", "akarin"), radius=_radius, one_sided=True)
def remove_stains(
    clip: vs.VideoNode,
    strength: Strength = 0.5,
    *,
    max_size: Annotated[int, Setting("longest side of a stain, in thousandths of the picture's width", 20, 1000)] = 900,
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
    at most ``longest`` frames later. Where the shot begins or ends before that, one change will do for a deep stain of
    a ragged outline. Its density is estimated from these changes, smooth up to its edges, and taken
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
    small = analysis(clip)
    motion = estimate(flat(small), (-1, 1), refine=True, cut_error=255, cut_share=100)
    moved = list(motion.compensate(small).values())
    places = list(motion.compensate(_places(small)).values())
    dose = _Dose(strength, max_size / 1000, longest, polarity)
    field = _field(_found(_looks(small, moved, places), small, moved, dose), small, moved, longest)
    repaired, mask = _lifted(clip, field)
    return apply_repair("remove_stains", clip, repaired, mask, protect=protect, only=only, show=show)


def _places(small: vs.VideoNode) -> vs.VideoNode:
    """A still clip that holds the place of each pixel, across and down: moved along, it tells the motion."""
    blank = core.std.BlankClip(small, format=vs.YUV444PS, length=1, keep=True)

    def write(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f.copy()
        for plane, places in zip((0, 1), reversed(np.indices((small.height, small.width))), strict=True):
            np.copyto(np.asarray(out[plane]), places / np.float32(small.width))
        return out

    return core.std.ModifyFrame(blank, blank, write).std.Loop(small.num_frames)


def _looks(small: vs.VideoNode, moved: Sequence[vs.VideoNode], places: Sequence[vs.VideoNode]) -> vs.VideoNode:
    """Nine maps in cells, one below the other: steps to both neighbours, misfits, the frame, the way to each."""
    rgb, last = small.format.color_family == vs.RGB, small.num_frames - 1
    width, height = small.width // CELL, small.height // CELL
    host = core.std.BlankClip(small, width=width, height=9 * height, format=vs.GRAYS, keep=True)

    def look(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        here, *there = (picture_of(frame) for frame in f[1:4])
        steps = [measure_step(here, other, rgb) for other in there]
        out = f[0].copy()
        tone = cells_of(looked_at(here, rgb)[0]) * 255
        ways = [way for frame in f[4:] for way in _way(picture_of(frame)[:2] * np.float32(small.width / CELL))]
        maps = [steps[0].change, steps[1].change, steps[0].misfit, steps[1].misfit, tone, *ways]
        np.copyto(np.asarray(out[0]), np.concatenate(maps))
        out.props["Before"], out.props["After"] = int(steps[0].joined and n > 0), int(steps[1].joined and n < last)
        return out

    return core.std.ModifyFrame(host, [host, small, *moved, *places], look)


def _way(places: Array) -> list[Array]:
    """How far it is to where a cell lies in the neighbour, across and down, in cells."""
    across, down = (cells_of(plane) for plane in places)
    own = np.indices(across.shape, np.float32) + np.float32(0.5 - 0.5 / CELL)
    return [across - own[1], down - own[0]]


def _read(frame: vs.VideoFrame) -> Looks:
    come, go, one, other, tone, *ways = np.split(np.asarray(frame[0]), 9)
    joined = bool(frame.props["Before"]), bool(frame.props["After"])
    return Looks(come, go, np.stack([one, other]), tone, np.stack(ways).reshape(2, 2, *come.shape), joined)


class _Dose(NamedTuple):
    """What is taken away: the settings, with the largest size as a share of the width."""

    strength: float
    size: float
    longest: int
    polarity: str

    def takes(self, likely: float, pair: Pair) -> bool:
        """Whether so much evidence, in log odds, is enough for such a stain."""
        return likely > 3.5 - 4 * self.strength and self.polarity in ("both", "bright" if pair.bright else "dark")


class _Finds(NamedTuple):
    """Small frames with stains as properties: those known by both ends where they begin, those seen to come, to go."""

    pairs: vs.VideoNode
    came: vs.VideoNode
    went: vs.VideoNode


def _found(looks: vs.VideoNode, small: vs.VideoNode, moved: Sequence[vs.VideoNode], dose: _Dose) -> _Finds:
    # A cache starts small, grows while frames are made twice, and is emptied where memory is short: these are small.
    looks.std.SetVideoCache(mode=1, fixedsize=1, maxsize=2 * dose.longest + 16)
    host = core.std.BlankClip(small, width=16, height=16, format=vs.GRAY8, keep=True)
    offsets = range(-_MARGIN, dose.longest + _MARGIN)
    most, last = max(dose.size * looks.width, 4.0), looks.num_frames - 1
    rgb = small.format.color_family == vs.RGB

    def find(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        views = _Views(f[1:], [0 <= n + offset <= last for offset in offsets])
        out = f[0].copy()
        _write(out, [p for p in pairs_at(views, most) if dose.takes(likelihood(p.features), p)])
        return out

    def onsets(ends: bool) -> vs.VideoNode:
        way = -1 if ends else 1
        windows = [way * offset for offset in offsets], [-way - way * offset for offset in offsets]
        count = len(offsets)

        def find(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
            def seen(rival: bool) -> list[tuple[Pair, float]]:
                views = _Views(f[5 + rival * count :][:count], [0 <= n + at <= last for at in windows[rival]])

                def pictures() -> tuple[Array, Array]:
                    here, there = picture_of(f[1 + 2 * rival]), picture_of(f[2 + 2 * rival])
                    return looked_at(here, rgb)[0], looked_at(relit(here, there, rgb)[0], rgb)[0]

                found = onsets_at(views, pictures, most, ends != rival, rival)
                return [(onset.pair, onset_likelihood(onset)) for onset in found]

            out, taken = f[0].copy(), [each for each in seen(False) if dose.takes(each[1], each[0])]
            rivals = seen(True) if taken else []
            _write(out, [pair for pair, likely in taken if not any(rules_out(*r, pair, likely) for r in rivals)])
            return out

        pictured = [small, moved[ends], _held(small, -way), _held(moved[not ends], -way)]
        taps = [_held(looks, at) for window in windows for at in window]
        return core.std.ModifyFrame(host, [host, *pictured, *taps], find)

    taps = [_held(looks, offset) for offset in offsets]
    return _Finds(core.std.ModifyFrame(host, [host, *taps], find), onsets(False), onsets(True))


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
        if stains[0].gains:
            frame.props["Gains"] = [gain for pair in stains for gain in pair.gains]
        frame.props["Cells"] = b"".join(np.packbits(pair.cells).tobytes() for pair in stains)


def _stains(frame: vs.VideoFrame) -> list[Pair]:
    """The way back from `_write`."""
    props: Any = frame.props
    if not props["Count"]:
        return []
    numbers = np.array(props["Numbers"]).reshape(-1, 6)
    swells, packed, stains = np.atleast_1d(props["Swells"]), np.frombuffer(props["Cells"], np.uint8), []
    gains = np.atleast_1d(props["Gains"]).tolist() if "Gains" in props else []
    for (life, top, left, bottom, right, bright), swell in zip(numbers.tolist(), swells.tolist(), strict=True):
        shape = bottom - top, right - left
        count = shape[0] * shape[1]
        cells = np.unpackbits(packed[: -(-count // 8)], count=count).astype(bool).reshape(shape)
        packed = packed[-(-count // 8) :]
        own, gains = tuple(gains[:life]), gains[life:]
        stains.append(Pair(life, (top, left, bottom, right), cells, bool(bright), swell, (), own))
    return stains


def _field(finds: _Finds, small: vs.VideoNode, moved: Sequence[vs.VideoNode], longest: int) -> vs.VideoNode:
    """What stains did to each frame, in the format of ``small``; the property Stains tells how many there are."""
    for found in finds:
        found.std.SetVideoCache(mode=1, fixedsize=1, maxsize=longest + 16)
    backs = range(min(longest, small.num_frames))
    ways = -1, -1, 1
    taps = [_held(clip, way * back) for clip, way in zip(finds, ways, strict=True) for back in backs]
    blank = core.std.BlankClip(small, color=[0.0] * small.format.num_planes, keep=True).std.SetFrameProps(Stains=0)
    rgb, last = small.format.color_family == vs.RGB, small.num_frames - 1

    def paint(n: int, f: list[vs.VideoFrame]) -> vs.VideoNode:
        there: list[_Placed] = []
        for k, tap in enumerate(f):
            kind, back = divmod(k, len(backs))
            at = n + ways[kind] * back
            if 0 <= at <= last:
                there += [_placed(kind, at, pair) for pair in _stains(tap) if pair.life > back]
        return _painted(n, there, blank, small, moved, rgb) if there else blank

    return blank.std.FrameEval(paint, prop_src=taps, clip_src=[blank, small, *moved])


def _placed(kind: int, at: int, pair: Pair) -> _Placed:
    """A stain found at a frame: by both its ends (0), as it came (1), as it goes (2)."""
    return (at, at + pair.life - 1, pair) if kind == 0 else (at, -1, pair) if kind == 1 else (-1, at, pair)


def _united(there: Sequence[_Placed]) -> list[_Placed]:
    """Pieces that came or go at one step as one stain: what they share is taken away once."""
    out: dict[tuple[int, int, bool], _Placed] = {}
    both = [placed for placed in there if placed[0] >= 0 and placed[1] >= 0]
    for first, last, pair in there:
        if first < 0 or last < 0:
            key = first, last, pair.bright
            out[key] = (first, last, united(out[key][2], pair)) if key in out else (first, last, pair)
    return [*both, *out.values()]


def _painted(
    n: int, there: Sequence[_Placed], blank: vs.VideoNode, small: vs.VideoNode, moved: Sequence[vs.VideoNode], rgb: bool
) -> vs.VideoNode:
    """A clip whose frame ``n`` holds the fields of stains."""
    wanted = sorted({(at, side) for first, last, _ in there for at, side in ((first, 0), (last, 1)) if at >= 0})
    clips = [clip[at].std.Loop(n + 1) for at, side in wanted for clip in (small, moved[side])]

    def add(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        frames = [picture_of(frame) for frame in f[1:]]
        sides = {
            key: Side(here, relit(here, other, rgb)[0])
            for key, here, other in zip(wanted, frames[::2], frames[1::2], strict=True)
        }
        out = f[0].copy()
        total = np.zeros_like(frames[0])
        for first, last, pair in _united(there):
            known = first >= 0, last >= 0
            came, went = sides[(first, 0) if known[0] else (last, 1)], sides[(last, 1) if known[1] else (first, 0)]
            part = (n - first) / (last - first) if all(known) and last > first else 0.5
            gain = 1.0 if all(known) else pair.gains[n - first if known[0] else last - n]
            add_field(total, pair, came, went, part, gain, 3 if rgb else 1)
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
    veiled = f"1 1 x 1e-6 max {GAMMA} pow - 0 max {BLACK} + y exp * {BLACK} - - 1e-6 max {1 / GAMMA} pow"
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
