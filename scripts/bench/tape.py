"""Faults of tape, and dust on cels, put onto clips and taken away again.

For each clip and fault: decibels of the planes it touches against the clean clip, before and behind the filter, and
what the filter changes of the clean clip (harm: share of pixels). Clips count as clean; dot crawl and rainbows are also
put onto a still of each, for only there can they be told. Dust stays for two frames, and frames are shown twice for it.

    python scripts/bench/tape.py CLIP [CLIP …] [--frames 12] [--start 10] [--sheet tape.jpg]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import vapoursynth as vs

import vsfilmrestore as fr
from vsfilmrestore.filters._chroma_shift import ACROSS
from vsfilmrestore.filters.hide_head_switching import LINES
from vsfilmrestore.media.props import changed_prop

core = vs.core
type Clip = vs.VideoNode
type Spoil = Callable[[int, list[Any]], None]


def spoilt(clip: Clip, spoil: Spoil) -> Clip:
    """The clip with its planes, as floats, changed in place."""

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        planes = [np.asarray(frame[p]).astype(np.float32) for p in range(3)]
        spoil(n, planes)
        for p, plane in enumerate(planes):
            np.copyto(np.asarray(frame[p]), np.clip(np.rint(plane), 0, 255).astype(np.uint8))
        return frame

    return core.std.ModifyFrame(clip, clip, draw)


def dropouts(n: int, planes: list[Any]) -> None:
    rng, luma = np.random.default_rng(n), planes[0]
    for _ in range(3):
        row, left = int(rng.integers(4, luma.shape[0] - 6)), int(rng.integers(0, luma.shape[1] - 60))
        part = luma[row, left : left + int(rng.integers(12, luma.shape[1] // 2))]
        fall = np.linspace(1, 0.4, len(part)) * rng.uniform(0.5, 1)
        part += fall * (rng.choice([20, 235]) - part)


def noise(n: int, planes: list[Any]) -> None:
    for plane in planes:
        plane += np.random.default_rng(n).normal(0, 2, plane.shape)


def carrier(cycle: int, n: int, planes: list[Any]) -> None:
    """Dots along edges of colour, rainbows over fine detail: what the carrier leaves in luma, and luma in it."""
    luma, u, v = planes
    y, x = np.mgrid[: luma.shape[0], : luma.shape[1]]
    edges = sum(np.abs(cv2.Sobel(plane, cv2.CV_32F, 1, 0)) for plane in (u, v))
    edges = cv2.GaussianBlur(cv2.resize(edges, luma.shape[::-1]), (0, 0), 3)
    fine = cv2.GaussianBlur(np.abs(luma - cv2.GaussianBlur(luma, (0, 0), 1)), (0, 0), 3)
    fine = np.clip(cv2.resize(fine, u.shape[::-1]) / 4, 0, 1)
    luma += 16 * np.clip(edges / 20, 0, 1) * np.cos(np.pi / cycle * (n + y) + 2 * np.pi * x / 3.9)
    swing = np.pi / cycle * n + 2 * np.pi * np.arange(u.shape[1]) / 12
    u += 16 * fine * np.cos(swing)
    v += 16 * fine * np.sin(swing)


def torn(lines: int, by: int, n: int, planes: list[Any]) -> None:
    rng, luma = np.random.default_rng(n), planes[0]
    for place in range(lines):
        row = luma.shape[0] - lines + place
        luma[row] = np.roll(luma[row], by + place // 3 + int(rng.integers(-1, 2)))


def dust(n: int, planes: list[Any]) -> None:
    rng, luma = np.random.default_rng(n // 2), planes[0]
    alpha = np.zeros(luma.shape, np.float32)
    for _ in range(6):
        middle = int(rng.integers(4, luma.shape[1] - 4)), int(rng.integers(4, luma.shape[0] - 4))
        sides = int(rng.integers(1, 5)), int(rng.integers(1, 3))
        cv2.ellipse(alpha, middle, sides, float(rng.integers(0, 180)), 0, 360, float(rng.uniform(0.5, 1)), -1)
    luma += cv2.GaussianBlur(alpha, (0, 0), 0.6) * (35 - luma)


def beside(clip: Clip, across: float, down: float, soft: float = 0.0) -> Clip:
    """Colour that lies beside the picture, and softer along the lines."""
    luma, *chroma = clip.std.SplitPlanes()
    if soft:
        weights = np.exp(-(np.arange(-12, 13) ** 2) / (2 * (soft / 2) ** 2))
        kernel = [round(1023 * float(each)) for each in weights]
        chroma = [plane.std.Convolution(kernel, mode="h") for plane in chroma]
    moved = [plane.resize.Bicubic(src_left=-across / 2, src_top=-down / 2) for plane in chroma]
    return core.std.ShufflePlanes([luma, *moved], [0, 0, 0], vs.YUV)


def decibels(one: Clip, other: Clip, planes: tuple[int, ...]) -> float:
    errors = []
    for n in range(3, one.num_frames - 3, 2):
        with one.get_frame(n) as a, other.get_frame(n) as b:
            errors += [np.mean((np.asarray(a[p]).astype(float) - np.asarray(b[p])) ** 2) for p in planes]
    return float(10 * np.log10(255**2 / max(np.mean(errors), 1e-6)))


def row(
    name: str, clean: Clip, bad: Clip, repair: Callable[[Clip], Clip], planes: tuple[int, ...], prop: str = ""
) -> None:
    made, left = repair(bad), repair(clean)
    with left.get_frame(clean.num_frames // 2) as frame:
        share: Any = next(value for key, value in frame.props.items() if key.startswith(changed_prop("")))
    with made.get_frame(clean.num_frames // 2) as frame:
        told = f", told {frame.props[prop]}" if prop else ""
    before, after = decibels(bad, clean, planes), decibels(made, clean, planes)
    print(f"  {name}: {before:.1f} -> {after:.1f} dB ({after - before:+.1f}), harm {100 * share:.3f} %{told}")


def measure(clip: Clip) -> None:
    row("dropouts", clip, spoilt(clip, dropouts), partial(fr.remove_dropouts, strength=0.5), (0,))
    still = clip[0].std.Loop(clip.num_frames)
    noisy = spoilt(still, noise)
    for system, cycle in (("NTSC", 1), ("PAL", 2)):
        for kind, seen in (("a still", still), ("a still with noise of 2", noisy), ("in motion", clip)):
            crawl = spoilt(seen, partial(carrier, cycle))
            row(f"dot crawl {system}, {kind}", seen, crawl, partial(fr.remove_dot_crawl, strength=0.5), (0,))
            row(f"rainbows {system}, {kind}", seen, crawl, partial(fr.remove_dot_crawl, strength=0.5), (1, 2))
    for across, down in ((4, 0), (-3, 2)):
        row(f"colour {across} to the right, {down} below", clip, beside(clip, across, down),
            partial(fr.fix_chroma, strength=0.5), (1, 2), ACROSS)  # fmt: skip
    sharper = partial(fr.fix_chroma, strength=1.0, auto=False, soft=5.0)
    row("colour softer by 5", clip, beside(clip, 0, 0, 5.0), sharper, (1, 2))
    for lines, by in ((6, 7), (12, 14)):
        row(f"{lines} lines torn", clip, spoilt(clip, partial(torn, lines, by)), fr.hide_head_switching, (0,), LINES)
    twos = core.std.Interleave([clip, clip])
    for name, repair in (("remove_dirt 0.8", partial(fr.remove_dirt, strength=0.8)),
                         ("clean_cels 0.6", partial(fr.clean_cels, strength=0.6)),
                         ("clean_cels 0.6, no network", partial(fr.clean_cels, strength=0.6, model=""))):  # fmt: skip
        row(f"dust on twos, {name}", twos, spoilt(twos, dust), repair, (0,))


def sheet(path: Path, clip: Clip) -> None:
    """Each fault, and what is left of it."""
    still, twos = clip[0].std.Loop(clip.num_frames), core.std.Interleave([clip, clip])
    pairs = [
        (spoilt(clip, dropouts), partial(fr.remove_dropouts, strength=0.5)),
        (spoilt(still, partial(carrier, 1)), partial(fr.remove_dot_crawl, strength=0.5)),
        (beside(clip, 6, 0), partial(fr.fix_chroma, strength=0.5)),
        (spoilt(clip, partial(torn, 12, 14)), fr.hide_head_switching),
        (spoilt(twos, dust), partial(fr.clean_cels, strength=0.6)),
    ]
    rows = []
    for bad, repair in pairs:
        parts = []
        for each in (bad, repair(bad)):
            frame = each.resize.Bicubic(format=vs.RGB24, matrix_in_s="170m").get_frame(5)
            picture = np.stack([np.asarray(frame[p]) for p in (2, 1, 0)], axis=-1)
            high, wide = picture.shape[:2]
            parts.append(cv2.resize(picture, (500, round(500 * high / wide)), interpolation=cv2.INTER_AREA))
        rows.append(np.hstack(parts))
    cv2.imwrite(str(path), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 82])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--start", type=int, default=10)
    parser.add_argument("--sheet")
    told = parser.parse_args()
    cv2.setNumThreads(1)
    for name in told.clips:
        clip = core.bs.VideoSource(name, cachemode=0)
        wide = min(clip.width, 640)
        high = round(clip.height * wide / clip.width / 4) * 4
        matrix = {"matrix_s": "170m"} if clip.format.color_family == vs.RGB else {}
        part = clip[told.start : told.start + told.frames].std.SetFieldBased(0)
        clip = part.resize.Bicubic(wide // 4 * 4, high, format=vs.YUV420P8, **matrix)
        print(Path(name).name, f"{clip.width}x{clip.height}")
        measure(clip)
    if told.sheet:
        sheet(Path(told.sheet), clip)


if __name__ == "__main__":
    main()
