"""Size and sharpness: our ways beside the usual ones, on clips that no network of ours learned from.

    python scripts/bench/focus.py --clips FOLDER [--frames 2] [--only larger deblur copies lock speed]

Truth is luma of the clips' own frames, at most --side pixels wide (averaged, so that it is sharp). It is made smaller,
softer, grainier, coded; what each way makes of that is held against it, frame by frame, in dB (PSNR) and SSIM. Each
clip is a row. Everything is measured in the same run; speeds are told as ratios.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import vapoursynth as vs

import vsfilmrestore as fr
from vsfilmrestore.filters._generation_measure import curve_of
from vsfilmrestore.filters._lock import astray

core = vs.core

type Picture = npt.NDArray[np.float32]
type Clips = dict[str, list[Picture]]
type Way = Callable[[vs.VideoNode], vs.VideoNode]

KINDS = (".mp4", ".mkv", ".webm", ".mpg", ".gif", ".mov")
HALVES = ("area", "bicubic", "lanczos")
EDGE = 8
SIZES = ((1280, 720), (1920, 1080))
"""Of the pictures whose time is taken."""
MOST_FRAMES, ENOUGH = 60, 1.0
"""Frames, and seconds, that are enough to tell a time."""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, required=True, help="folder of clips")
    parser.add_argument("--frames", type=int, default=2, help="frames of each clip (default 2)")
    parser.add_argument("--side", type=int, default=640, help="largest width of the truth (default 640)")
    parser.add_argument("--only", nargs="*", default=list(PARTS), choices=list(PARTS), help="what to measure")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    clips = dict(truths(options.clips, options.frames, options.side))
    for part in options.only:
        PARTS[part](clips)


def truths(folder: Path, frames: int, side: int) -> Iterator[tuple[str, list[Picture]]]:
    """Luma of frames that are spread over each clip, sides that can be divided by four."""
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() in KINDS:
            with av.open(str(file)) as container:
                held = [f.to_ndarray(format="gray") for f, _ in zip(container.decode(video=0), range(90), strict=False)]
            chosen = [held[(2 * n + 1) * len(held) // (2 * frames)] for n in range(frames)]
            yield file.stem, [_truth(frame, side) for frame in chosen]


def _truth(frame: npt.NDArray[np.uint8], side: int) -> Picture:
    if frame.shape[1] > side:
        share = side / frame.shape[1]
        frame = cv2.resize(frame, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    height, width = (length // 4 * 4 for length in frame.shape)
    return frame[:height, :width].astype(np.float32)


# What is done to pictures


def halved(picture: Picture, kind: str) -> Picture:
    """Half the size, by VapourSynth's own kernels."""
    if kind == "area":
        return np.asarray(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.float32)
    clip = clip_of(picture)
    sides = clip.width // 2, clip.height // 2
    small = clip.resize.Bicubic(*sides, filter_param_a=0, filter_param_b=0.5) if kind == "bicubic" else None
    return picture_of(small or clip.resize.Lanczos(*sides))


def soft(picture: Picture, sigma: float) -> Picture:
    """Through a Gaussian."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32) if sigma else picture


def grainy(picture: Picture, sigma: float, seed: int) -> Picture:
    """With grain of some levels, a little coarse."""
    noise = cv2.GaussianBlur(np.random.default_rng(seed).standard_normal(picture.shape, np.float32), (0, 0), 0.5)
    return picture + noise * (sigma / noise.std())


def coded(picture: Picture, quality: int) -> Picture:
    """As a codec leaves it; 0 only rounds."""
    levels = np.rint(picture).clip(0, 255).astype(np.uint8)
    if quality:
        levels = cv2.imdecode(cv2.imencode(".jpg", levels, (cv2.IMWRITE_JPEG_QUALITY, quality))[1], 0)
    return levels.astype(np.float32)


def worn(clips: Clips, sigma: float, noise: float, quality: int = 0) -> Clips:
    """Softer, grainier, coded."""
    return {
        name: [coded(grainy(soft(p, sigma), noise, n), quality) for n, p in enumerate(pictures)]
        for name, pictures in clips.items()
    }


def copied(picture: Picture, contrast: float, glow: float) -> Picture:
    """With highlights that glow, and steeper tones."""
    x = picture / 255
    light = np.clip((x - 0.7) / 0.3, 0, 1)
    x = np.clip(x + glow * cv2.GaussianBlur(light, (0, 0), 0.012 * x.shape[1]) * (1 - light), 0, 1)
    g = curve_of(contrast)
    return np.asarray(255 * (0.5 + np.tanh(g * (2 * x - 1)) / (2 * np.tanh(g))) if g else 255 * x, np.float32)


def clip_of(picture: Picture) -> vs.VideoNode:
    """One frame of GRAY8 where it is whole levels, else of GRAYS."""
    whole = np.array_equal(picture, np.rint(picture)) and picture.min() >= 0 and picture.max() <= 255
    height, width = picture.shape
    fmt = vs.GRAY8 if whole else vs.GRAYS
    blank = core.std.BlankClip(format=fmt, width=width, height=height, length=1, keep=True)

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        np.copyto(np.asarray(frame[0]), picture.astype(np.uint8) if whole else picture / 255)
        return frame

    return core.std.ModifyFrame(blank, blank, draw).std.SetFrameProps(_Range=vs.RANGE_FULL)


def picture_of(clip: vs.VideoNode) -> Picture:
    """Its only frame in 8-bit levels."""
    found = np.asarray(clip.get_frame(0)[0]).astype(np.float32)
    return found if clip.format.sample_type == vs.INTEGER else found * 255


# How near it comes


def decibels(made: Picture, true: Picture) -> float:
    """PSNR without the edge."""
    off = (made - true)[EDGE:-EDGE, EDGE:-EDGE]
    return float(10 * np.log10(255**2 / max(float(np.square(off).mean()), 1e-4)))


def alike(made: Picture, true: Picture) -> float:
    """SSIM. Source: Wang et al., IEEE TIP 13(4), 2004."""
    mean_a, mean_b = soft(made, 1.5), soft(true, 1.5)
    var_a, var_b = soft(made * made, 1.5) - mean_a**2, soft(true * true, 1.5) - mean_b**2
    both = soft(made * true, 1.5) - mean_a * mean_b
    first, second = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    index = (2 * mean_a * mean_b + first) * (2 * both + second)
    index /= (mean_a**2 + mean_b**2 + first) * (var_a + var_b + second)
    return float(index[EDGE:-EDGE, EDGE:-EDGE].mean())


def halo(made: Picture, true: Picture) -> float:
    """How far edges go beyond what truth has within two pixels: levels that one pixel in a hundred exceeds."""
    window = np.ones((5, 5), np.uint8)
    over = np.maximum(made - cv2.dilate(true, window), cv2.erode(true, window) - made)
    return float(np.quantile(over[EDGE:-EDGE, EDGE:-EDGE], 0.99))


# Tables


def table(title: str, names: list[str], rows: dict[str, list[tuple[float, float]]]) -> None:
    """Rows of dB and SSIM, and their mean."""
    print(f"\n{title}\n{'':34}" + "".join(f"{name:>15}" for name in names))
    for name, values in [*rows.items(), ("mean", [_mean(v) for v in zip(*rows.values(), strict=True)])]:
        print(f"{name:34}" + "".join(f"{dB:8.2f} {ssim:.4f}" for dB, ssim in values), flush=True)


def compared(title: str, clips: Clips, worn_clips: Clips, ways: dict[str, Way]) -> None:
    """What each way makes of the frames that were worn."""
    rows = {}
    for name, pictures in clips.items():
        found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for true, picture in zip(pictures, worn_clips[name], strict=True):
            clip = clip_of(picture)
            for way, run in ways.items():
                made = picture_of(run(clip))
                found[way].append((decibels(made, true), alike(made, true)))
        rows[name] = [_mean(values) for values in found.values()]
    table(title, list(ways), rows)


def _mean(values: Iterable[tuple[float, float]]) -> tuple[float, float]:
    first, second = (float(np.mean(each)) for each in zip(*values, strict=True))
    return first, second


def _double(kernel: str, **more: float) -> Way:
    return lambda clip: getattr(clip.resize, kernel)(2 * clip.width, 2 * clip.height, **more)


def _znedi3(clip: vs.VideoNode) -> vs.VideoNode:
    """Twice as large by prediction along edges; what it leaves half a pixel away is put back by Spline36."""
    tall = clip.znedi3.nnedi3(field=1, dh=True, nsize=0, nns=3).std.Transpose()
    both = tall.znedi3.nnedi3(field=1, dh=True, nsize=0, nns=3).std.Transpose()
    return both.resize.Spline36(src_left=-0.5, src_top=-0.5)


LARGER: dict[str, Way] = {
    "bicubic": _double("Bicubic", filter_param_a=0, filter_param_b=0.5),
    "Lanczos": _double("Lanczos"),
    "Spline36": _double("Spline36"),
    "znedi3": _znedi3,
    "ours": fr.upscale,
    "ours, no lock": lambda clip: fr.upscale(clip, lock=False),
    "sharpen 1": lambda clip: fr.upscale(clip, sharpen=1.0),
}


def larger(clips: Clips) -> None:
    """Twice as large."""
    small = {name: [halved(p, HALVES[n % 3]) for n, p in enumerate(pictures, i)]
             for i, (name, pictures) in enumerate(clips.items())}  # fmt: skip
    compared("2x, clean (area, bicubic, Lanczos in turn)", clips, worn(small, 0, 0), LARGER)
    compared("2x, generation loss (blur 0.9, grain 1.5, coded)", clips, worn(small, 0.9, 1.5, 88), LARGER)


def wiener(sigma: float, noise: float) -> Way:
    """Deconvolution with the true blur told, and the true noise."""

    def run(clip: vs.VideoNode) -> vs.VideoNode:
        picture = picture_of(clip)
        wide = np.pad(picture, 16, mode="reflect")
        down, across = (np.fft.fftfreq(side)[:, None] if k == 0 else np.fft.rfftfreq(side)[None]
                        for k, side in enumerate(wide.shape))  # fmt: skip
        blur = np.exp(-2 * np.pi**2 * sigma**2 * (down**2 + across**2))
        # Scenes have a power that falls with the square of the frequency.
        scene = 60.0 / (down**2 + across**2 + 1e-4)
        gain = blur / (blur**2 + max(noise, 0.3) ** 2 / scene)
        made = np.fft.irfft2(np.fft.rfft2(wide) * gain, wide.shape)[16:-16, 16:-16]
        return clip_of(np.rint(made).clip(0, 255).astype(np.float32))

    return run


def _as_it_is(clip: vs.VideoNode) -> vs.VideoNode:
    return clip


def deblur(clips: Clips) -> None:
    """Softness taken out."""
    sharp = {name: [coded(halved(p, "area"), 0) for p in pictures] for name, pictures in clips.items()}
    ours: dict[str, Way] = {
        "ours": lambda clip: fr.deblur(clip, 1.0),
        "ours, told": lambda clip: fr.deblur(clip, 1.0, blur=max(told[0], 0.01)),
        "usual dose": lambda clip: fr.deblur(clip),
    }
    told = [0.0]
    for sigma, noise in ((0.0, 0.0), (0.8, 0.0), (1.3, 0.0), (0.8, 2.5), (1.3, 2.5)):
        told[0] = sigma
        ways = {"as it is": _as_it_is, "Wiener, told": wiener(sigma, noise), **ours}
        given = worn(sharp, sigma, noise)
        compared(f"deblur, blur {sigma}, grain {noise}", sharp, given, ways)
        print(_halos(sharp, given, ways), flush=True)
    flat = clip_of(coded(grainy(np.full((240, 320), 120, np.float32), 2.5, 1), 0))
    before = picture_of(flat).std()
    made = picture_of(fr.deblur(flat, 1.0, blur=1.3))
    print(f"grain of a flat grey, after over before, blur of 1.3 told: {made.std() / before:.3f}")


def _halos(clips: Clips, given: Clips, ways: dict[str, Way]) -> str:
    found = {
        way: [halo(picture_of(run(clip_of(given[name][0]))), pictures[0]) for name, pictures in clips.items()]
        for way, run in ways.items()
    }
    return "halo, levels".ljust(34) + "".join(f"{np.mean(values):15.2f}" for values in found.values())


def copies(clips: Clips) -> None:
    """What copying did, taken back."""
    contrast, glow = 1.25, 0.15
    ways: dict[str, Way] = {
        "as it is": _as_it_is,
        "measured": lambda clip: fr.undo_generation_loss(clip, 1.0),
        "told": lambda clip: fr.undo_generation_loss(clip, 1.0, contrast=contrast, glow=glow),
        "told, usual dose": lambda clip: fr.undo_generation_loss(clip, contrast=contrast, glow=glow),
    }
    copied_once = {name: [copied(p, contrast, glow) for p in pictures] for name, pictures in clips.items()}
    compared("a copy: contrast 1.25, glow 0.15, blur 0.9, grain 1.5", clips, worn(copied_once, 0.9, 1.5), ways)
    compared("no copy at all (harm of what is told)", clips, worn(clips, 0, 0), ways)


def lock(clips: Clips) -> None:
    """How far results, brought back, are from the source, in times of the tolerance (see `_lock`)."""
    print(f"\n{'times the tolerance, worst pixel':34}{'ours':>12}{'no lock':>12}")
    for name, pictures in clips.items():
        clip = clip_of(coded(halved(pictures[0], "area"), 0))
        made = [fr.upscale(clip, sharpen=0.0, lock=held) for held in (True, False)]
        worst = [float(np.asarray(astray(clip, each).get_frame(0)[0]).max()) for each in made]
        print(f"{name:34}{worst[0]:12.2f}{worst[1]:12.2f}", flush=True)


def speed(clips: Clips) -> None:
    """Processor seconds a frame, also as a multiple of Lanczos's; the least of some, for other work goes on beside."""
    told = {"contrast": 1.25, "glow": 0.15}
    ways: dict[str, Way] = {
        **{name: LARGER[name] for name in ("bicubic", "Lanczos", "znedi3")},
        "upscale": fr.upscale,
        "upscale, model none": lambda clip: fr.upscale(clip, model="none"),
        "deblur": fr.deblur,
        "undo_generation_loss": fr.undo_generation_loss,
        "the same, told tones and glow": lambda clip: fr.undo_generation_loss(clip, **told),
    }
    picture = coded(soft(halved(next(iter(clips.values()))[0], "area"), 1.0), 0)
    for width, height in SIZES:
        clip = clip_of(_tiled(picture, width, height)).std.Loop(MOST_FRAMES + 1)
        made = {name: run(clip) for name, run in ways.items()}
        for each in made.values():
            each.get_frame(0)
        taken = {name: _least(each) for name, each in made.items()}
        print(f"\n{f'speed, {width} x {height} in':34}{'s a frame':>12}{'Lanczos':>12}")
        for name, seconds in taken.items():
            print(f"{name:34}{seconds:12.4f}{seconds / taken['Lanczos']:12.1f}", flush=True)


def _tiled(picture: Picture, width: int, height: int) -> Picture:
    """The picture and its mirror images, as large as that."""
    sides = ((0, max(height - picture.shape[0], 0)), (0, max(width - picture.shape[1], 0)))
    return np.pad(picture, sides, mode="symmetric")[:height, :width]


def _least(clip: vs.VideoNode) -> float:
    """Processor seconds of the quickest of some frames: many of what is quick, three of what is slow."""
    taken: list[float] = []
    while len(taken) < 3 or (sum(taken) < ENOUGH and len(taken) < MOST_FRAMES):
        start = time.process_time()
        clip.get_frame(len(taken) + 1)
        taken.append(time.process_time() - start)
    return min(taken)


PARTS: dict[str, Callable[[Clips], None]] = {
    "larger": larger, "deblur": deblur, "copies": copies, "lock": lock, "speed": speed,
}  # fmt: skip

if __name__ == "__main__":
    main()
