"""What is measured on: real clips without damage, damaged by simulation, with all that is known of the damage."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import vapoursynth as vs
from simulator import BENCH, CLASSES, PROPS, STAGES, Distribution, Film, Sample, atlas_for, simulate
from simulator.chance import Dice

from . import simple
from .footage import WIDTH, Picture, clip_of, loaded, planes_of

__all__ = ["BENCH", "KINDS", "Case", "cases", "damaged_case", "to_bits", "to_rgb", "to_yuv"]

core = vs.core

type Flags = npt.NDArray[np.bool_]

_AGEING = {"weave": 0.7, "flicker": 0.6, "optics": 0.7, "fade": 0.25, "grain": 0.9}
"""Stages that age the whole picture, damaged or not, and how often film has them."""

_LEAST_SCAN = (640, 1000)
"""Narrower scans show no dirt: smaller clips are taken for parts of such a one."""

KINDS: dict[str, tuple[str, ...]] = {
    "specks": ("dirt", "sparkle", "hair"),
    **{name: (name,) for name in CLASSES},
    "mixed": ("dirt", "sparkle", "hair", "scratch", "stain"),
    "clean": (),
    **{f"hard {name}": () for name in PROPS},
    "simple": ("dirt",),
    "simple large": ("dirt",),
    "simple lines": ("scratch",),
}
"""Kinds of cases and the classes that occur in them. Props (`hard rain` ...) and `clean` are without damage."""


@dataclass(frozen=True)
class Case:
    """A clean clip, the same with damage, and where the damage lies.

    Attributes:
        name: Of the clip.
        kind: One of `KINDS`.
        clean: What a perfect repair gives: grain, weave and flicker are in it. Outside the masks its samples are those
            of ``damaged``; a sample of chroma lies outside when all pixels it belongs to do.
        damaged: The same format and length.
        masks: All damage, T, H, W.
        classes: The same for each class that was asked for.
        alpha: Opacity of the damage, 0..1, T, H, W; 0 outside the masks.
        hard: Where props are that look like damage, T, H, W.
        frames: What each frame is: ok, torn, splice, frozen, absent.
        film: Gauge and width of the whole scan, where the simulator drew it; the clip is at least half as wide.
        ageing: Stages that aged the picture.
        strands: The middle of each wire, where it is at least half as opaque as anywhere: wires, T, H, W.
    """

    name: str
    kind: str
    clean: vs.VideoNode
    damaged: vs.VideoNode
    masks: Flags
    classes: dict[str, Flags]
    alpha: npt.NDArray[np.float32]
    hard: Flags
    frames: tuple[str, ...]
    film: Film | None = None
    ageing: tuple[str, ...] = field(default=())
    strands: Flags = field(default_factory=lambda: np.zeros((0, 1, 1, 1), bool))

    @property
    def share(self) -> float:
        """Share of the pixels that are damaged."""
        return float(self.masks.mean())


def cases(
    footage: Path,
    kind: str,
    clips: Collection[str] = (),
    frames: int = 20,
    seed: int = 1,
    distribution: Distribution = BENCH,
    width: int = WIDTH,
    *,
    ageing: str | Collection[str] = "film",
    bits: int = 8,
) -> Iterator[Case]:
    """Damaged clips, one after the other; what a case holds follows from the arguments and the seed alone.

    The clean clip is the same for all kinds of one seed, apart from props, from wires, which are always on 35 mm, and
    from kinds that do not occur at the first draw.

    Args:
        footage: Folder with ``clips/`` and, for the shapes of real dirt, ``overlays/``.
        kind: One of `KINDS`.
        clips: Names of `footage.CLIPS`; all when empty.
        frames: Length of each; shorter clips give what they have.
        seed: Another one gives other damage.
        distribution: `BENCH` shares no value with what networks are trained on; `OTHER` takes drawn shapes besides.
        width: Clips are scaled down to it, never up.
        ageing: ``film`` for what film has by chance (weave, flicker, softness, fade, grain), ``none``, or the stages.
        bits: 8 to 16, samples of YUV420.
    """
    for name, clip in loaded(footage, clips, frames, width).items():
        yield damaged_case(name, clip, kind, seed, footage / "overlays", distribution, ageing=ageing, bits=bits)


def damaged_case(
    name: str,
    clip: vs.VideoNode,
    kind: str,
    seed: int,
    overlays: Path | None = None,
    distribution: Distribution = BENCH,
    *,
    ageing: str | Collection[str] = "film",
    bits: int = 8,
) -> Case:
    """Damage one clip of YUV420P8; see `cases`."""
    if kind not in KINDS:
        raise KeyError(f"no kind of case is called {kind!r}; there are {', '.join(KINDS)}")
    key = zlib.crc32(f"{seed} {name}".encode())
    aged = _drawn(key) if ageing == "film" else () if ageing == "none" else tuple(ageing)
    if kind.startswith("simple"):
        return _simple(name, clip, kind, key, overlays, distribution, aged, bits)
    atlas = atlas_for(distribution, overlays if overlays and overlays.exists() else None)
    classes = KINDS[kind]
    stages = [*aged, *(stage for stage in STAGES if stage not in (*_AGEING, "scanner", "video"))]
    hard = [kind.removeprefix("hard ")] if kind.startswith("hard ") else []
    # Dropouts are a stage's own damage, and nothing of that stage but they may occur.
    stages += ["video"] if "dropout" in classes else []
    scene, film = to_rgb(clip), _film(key, clip.width, distribution, "35mm" if kind == "wire" else "")
    samples = (simulate(scene, key + 7919 * n, distribution, atlas=atlas, classes=classes, stages=stages, hard=hard,
                        film=film) for n in range(50))  # fmt: skip
    sample = next(each for each in samples if _sound(each, classes))
    return _case(name, kind, sample, clip, aged, bits)


def _sound(sample: Sample, classes: Sequence[str]) -> bool:
    """Whether all classes occur, no codec has spread the damage, and lost frames have good ones on both sides."""
    there = all(bool(sample.masks[CLASSES.index(each)].any()) for each in classes)
    ends = (*sample.frames[:2], *sample.frames[-2:])
    return there and not sample.compressed and set(ends) <= {"ok"}


def _film(key: int, width: int, distribution: Distribution, gauge: str) -> Film:
    """A gauge and a scan of which the clip is the whole frame, or half its width: filters size damage by the frame.

    Stunt wires hang before the camera: their width is a part of the picture and not of the film, so one gauge will do.
    """
    drawn = (Film.drawn(Dice(distribution.comb, key, "film", n)) for n in count())
    low, high = max(width, _LEAST_SCAN[0]), max(2 * width, _LEAST_SCAN[1])
    return next(film for film in drawn if low <= film.width <= high and gauge in ("", film.gauge))


def _drawn(key: int) -> tuple[str, ...]:
    rng = np.random.default_rng([key, 11])
    return tuple(name for name, chance in _AGEING.items() if rng.random() < chance)


def _case(name: str, kind: str, sample: Sample, like: vs.VideoNode, aged: tuple[str, ...], bits: int) -> Case:
    blank = _blank(like, bits)
    clean, damaged = (clip_of(to_yuv(each, bits), blank) for each in (sample.clean, sample.damaged))
    per_class = {each: sample.masks[CLASSES.index(each)].numpy() for each in KINDS[kind]}
    masks = sample.masks.any(0).numpy()
    alpha, hard = sample.alpha.numpy(), sample.hard.numpy()
    strands = (sample.strands > 0.5 * sample.strands.amax((2, 3), keepdim=True)).numpy()
    return Case(name, kind, clean, damaged, masks, per_class, alpha, hard, sample.frames, sample.film, aged, strands)


def _simple(
    name: str, clip: vs.VideoNode, kind: str, key: int, overlays: Path | None, distribution: Distribution,
    aged: tuple[str, ...], bits: int,
) -> Case:  # fmt: skip
    """Specks or lines of the other simulator; with the same ageing as the first where ageing is wanted."""
    if aged:
        sample = simulate(to_rgb(clip), key, distribution, classes=[], stages=aged, hard=[])
        clip = clip_of(to_yuv(sample.clean, 8), _blank(clip, 8))
    frames = planes_of(clip)
    if kind == "simple":
        pool = simple.shapes(overlays or Path(), np.random.default_rng(key))
        masks, alpha = simple.dirtied(frames, pool, key)
    elif kind == "simple large":
        masks, alpha = simple.blotched(frames, key)
    else:
        masks = simple.lined(frames, key)
        alpha = masks * 0.2
    clean, damaged = (to_bits(each, bits) for each in (clip_of(planes_of(clip), clip), clip_of(frames, clip)))
    nothing, ok = np.zeros_like(masks), ("ok",) * len(frames)
    per_class = {KINDS[kind][0]: masks}
    return Case(name, kind, clean, damaged, masks, per_class, alpha.astype(np.float32), nothing, ok, None, aged)


def _blank(like: vs.VideoNode, bits: int) -> vs.VideoNode:
    """What it is told to be: BT.709, limited range, chroma in the middle of its four pixels."""
    blank = core.std.BlankClip(like, format=core.query_video_format(vs.YUV, vs.INTEGER, bits, 1, 1).id, keep=True)
    return blank.std.SetFrameProps(_Matrix=1, _Transfer=1, _Primaries=1, _Range=vs.RANGE_LIMITED, _ChromaLocation=1)


def to_bits(clip: vs.VideoNode, bits: int) -> vs.VideoNode:
    """A clip of 8 bits with more of them: equal samples stay equal."""
    if bits == 8:
        return clip
    target = clip.format.replace(bits_per_sample=bits).id
    return core.akarin.Expr([clip], f"x {1 << (bits - 8)} *", format=target)


def to_rgb(clip: vs.VideoNode) -> torch.Tensor:
    """A clip as the simulator takes it: T, 3, H, W from 0 to 1."""
    told = clip.get_frame(0).props.get("_Matrix", vs.MATRIX_UNSPECIFIED)
    source = {"matrix_in": vs.MATRIX_BT709} if told == vs.MATRIX_UNSPECIFIED else {}
    rgb = clip.resize.Bicubic(format=vs.RGBS, **source)
    frames = [np.stack([np.asarray(plane) for plane in frame]) for frame in rgb.frames()]
    return torch.from_numpy(np.stack(frames)).clamp(0, 1)


def to_yuv(clip: torch.Tensor, bits: int) -> list[list[Picture]]:
    """T, 3, H, W from 0 to 1 as planes of Y'CbCr 4:2:0, BT.709, limited range.

    A sample of chroma is the mean of its own four pixels and of nothing beside them: where two clips are equal, they
    stay so.
    """
    red, green, blue = clip.double().unbind(1)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    step, kind = 1 << (bits - 8), np.uint8 if bits == 8 else np.uint16
    differences = ((blue - luma) / 1.8556, (red - luma) / 1.5748)
    planes = [16 + 219 * luma]
    for each in differences:
        mean = (each[:, ::2, ::2] + each[:, 1::2, ::2] + each[:, ::2, 1::2] + each[:, 1::2, 1::2]) / 4
        planes.append(128 + 224 * mean)
    codes = [(step * plane).round().clamp(0, 256 * step - 1).numpy().astype(kind) for plane in planes]
    return [[plane[n] for plane in codes] for n in range(len(clip))]
