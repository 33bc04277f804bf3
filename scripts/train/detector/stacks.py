"""What the detector learns from: damaged frames with their neighbours moved onto them, as the filter moves them.

Samples of the simulator go through the filter's own motion compensation, and are kept as bytes in one file on the
disk: making them costs more than learning from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import vapoursynth as vs
from simulator import CLASSES, TRAIN, Atlas, Distribution, Film, Pictures, Sample, atlas_for, simulate

from vsfilmrestore.filters._dirt_sight import Sight

from .hard import hard_sample
from .lessons import DIRT, Lesson
from .painted import paint

__all__ = [
    "CHANNELS", "KEPT", "SIZE", "Stacks", "clip_of", "damaged_samples", "kinds_of", "make", "seen_of", "stacks_of",
]  # fmt: skip

core = vs.core

type Painted = tuple[torch.Tensor, torch.Tensor]

SIZE = (256, 256)
FRAMES = 7
KEPT = (2, 3, 4)
_PAINTED = (0, 2, 3, 4, 6)
"""Frames of a sample that have all four neighbours."""
CHANNELS = 8
"""Six that the network sees, the clean luma, and what each pixel is: 0 clean, 128 does not count, 255 damage."""
_WIDTHS = (640, 4096)
"""Of scans, in pixels, where a lesson names the film."""


@dataclass(frozen=True)
class Stacks:
    """Stacks on the disk: N, CHANNELS, H, W bytes, and where in each there is something to learn."""

    pixels: np.ndarray
    worth: np.ndarray

    @classmethod
    def load(cls, files: list[Path], told: str = ".worth.npy") -> list[Stacks]:
        """Open what `make` wrote; the bytes stay on the disk. ``told``: what is beside each of them."""
        return [cls(np.load(f, mmap_mode="r"), np.load(f.with_suffix(told))) for f in files]


def make(pictures: Pictures, overlays: Path | None, file: Path, first: int, count: int, lesson: Lesson = DIRT) -> None:
    """Make ``count`` samples from seed ``first`` on."""
    out = np.lib.format.open_memmap(file, "w+", np.uint8, (count * len(KEPT), CHANNELS, *SIZE))
    at = 0
    for sample, painted in damaged_samples(pictures, overlays, first, count, lesson):
        for stack in stacks_of(sample, painted, lesson):
            out[at] = stack
            at += 1
    out.flush()
    np.save(file.with_suffix(".worth.npy"), np.stack([_worth(stack) for stack in out]))


def damaged_samples(
    pictures: Pictures, overlays: Path | None, first: int, count: int, lesson: Lesson = DIRT
) -> Iterator[tuple[Sample, Painted | None]]:
    """Samples, every second one with drawn shapes rather than real ones, and what `paint` made of most of them."""
    drawn = Distribution(TRAIN.name, TRAIN.comb, "ragged", TRAIN.half, lesson.chances)
    real = Distribution(TRAIN.name, TRAIN.comb, TRAIN.shapes, TRAIN.half, lesson.chances)
    kinds = [(real, atlas_for(real, overlays, "cpu")), (drawn, atlas_for(drawn, None, "cpu"))]
    for seed in range(first, first + count):
        kind, atlas = kinds[seed % 2]
        sample = _sample(pictures, seed, kind, atlas, lesson)
        more = lesson.painted and seed % 4 < 3 and seed % 8 != 7
        yield sample, paint(sample.damaged, atlas, _PAINTED, seed, lesson.hard) if more else None


def _sample(pictures: Pictures, seed: int, distribution: Distribution, atlas: Atlas, lesson: Lesson) -> Sample:
    """A damaged clip; every third one twice or three times as fast, every eighth one without damage."""
    if lesson.hard:
        return hard_sample(pictures, seed, distribution, atlas, FRAMES, SIZE)
    pace = (1, 1, 2, 1, 3, 1)[seed % 6]
    try:
        scene = pictures.clip(seed, FRAMES * pace, SIZE)[::pace]
    except ValueError:
        scene = pictures.clip(seed + 1_000_000, FRAMES, SIZE)
    classes = () if seed % 8 == 7 else None
    film = _film(lesson.gauge, seed) if lesson.gauge else None
    sample = simulate(scene, seed, distribution, atlas=atlas, classes=classes, film=film)
    if sample.compressed:  # its differences have no edges
        sample = simulate(scene, seed, distribution, atlas=atlas, classes=classes, film=film, stages=set(_STAGES))
    return sample


def _film(gauge: str, seed: int) -> Film:
    least, most = np.log(_WIDTHS)
    return Film(gauge, float(np.exp(np.random.default_rng((seed, 5)).uniform(least, most))))


_STAGES = ("weave", "flicker", "optics", "grain", "dirt", "lines", "wires", "stains", "scanner")


def stacks_of(sample: Sample, painted: Painted | None = None, lesson: Lesson = DIRT) -> Iterator[np.ndarray]:
    """CHANNELS, H, W bytes of each frame that is kept; ``painted`` is what `paint` made of the damaged clip."""
    seen = lesson.look(clip_of(painted[0] if painted else sample.damaged), sample.film)
    clean, kinds = _luma(sample.clean), kinds_of(sample, painted, lesson)
    for n in KEPT:
        yield np.concatenate((seen_of(seen, n), clean[n][None], kinds[n][None]))


def seen_of(seen: Sight, frame: int) -> np.ndarray:
    """What the network sees of a frame: 6, H, W bytes."""
    return np.stack([_bytes(clip.get_frame(frame)) for clip in (*seen.lumas, seen.colour)])


def kinds_of(sample: Sample, painted: Painted | None = None, lesson: Lesson = DIRT) -> np.ndarray:
    """T, H, W bytes: 0 clean, 128 does not count, 255 damage."""
    found, other = _any(sample, lesson.found), _any(sample, lesson.between)
    if painted:
        found = found | painted[1].numpy()
    return np.where(found, 255, np.where(other, 128, 0)).astype(np.uint8)


def _bytes(frame: vs.VideoFrame) -> np.ndarray:
    plane = np.asarray(frame[0])
    return np.rint(plane / 257).astype(np.uint8) if plane.dtype == np.uint16 else plane


def _any(sample: Sample, names: tuple[str, ...]) -> np.ndarray:
    return sample.masks[[CLASSES.index(name) for name in names]].any(0).numpy()


def _planes(frames: torch.Tensor) -> np.ndarray:
    """T, 3, H, W of R'G'B' as Y'CbCr of BT.709, full range, 16 bits."""
    r, g, b = frames.double().unbind(1)
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    planes = torch.stack((y, (b - y) / 1.8556 + 0.5, (r - y) / 1.5748 + 0.5), 1)
    return np.rint(planes.clamp(0, 1).numpy() * 65535).astype(np.uint16)


def _luma(frames: torch.Tensor) -> np.ndarray:
    return np.rint(_planes(frames)[:, 0] / 257).astype(np.uint8)


def clip_of(frames: torch.Tensor) -> vs.VideoNode:
    """YUV444P16 of T, 3, H, W."""
    planes = _planes(frames)
    count, _, height, width = planes.shape
    blank = core.std.BlankClip(None, width, height, vs.YUV444P16, length=count, keep=True)

    def put(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        frame = f.copy()
        for index in range(3):
            np.copyto(np.asarray(frame[index]), planes[n, index])
        return frame

    return blank.std.ModifyFrame(blank, put)


def _worth(stack: np.ndarray) -> np.ndarray:
    """How much there is to learn from each square of 16 pixels: what stands out from both neighbours, and damage."""
    now, before, after = (stack[n].astype(np.int16) for n in (0, 2, 3))
    out = np.maximum(now - np.maximum(before, after), np.minimum(before, after) - now)
    squares = np.minimum(np.maximum(out, 0), 40) + 20.0 * (stack[7] == 255)
    height, width = squares.shape
    return squares.reshape(height // 16, 16, width // 16, 16).mean((1, 3)).astype(np.float32)
