"""Measure what denoise gains and spoils, and how like its source's the grain is that regrain gives back.

    python scripts/bench/denoise.py --footage FOLDER [gain] [harm] [grain] [areas] [speed] [--out FOLDER]

FOLDER holds ``clips/``, none of which any network was trained on. ``gain``: grain is added (its strength follows the
level, Gaussian of 0.7 pixels) and taken out again, beside doing nothing, the plain plug-in call and NLMeans, each with
the best of several settings for each clip. ``harm``: what is lost where none was added. ``grain``: the round trip
through denoise and regrain, measured on real grain and on grain that was added. ``areas``: grain on what was repaired.
All of one table is measured in one run.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import vapoursynth as vs

import vsfilmrestore as fr
from vsfilmrestore.filters._grain_form import COUNTS, GrainSignature
from vsfilmrestore.filters._grain_plan import SIGNATURE
from vsfilmrestore.filters._grain_shot import shot_grain
from vsfilmrestore.filters._grain_signature import GrainMeter
from vsfilmrestore.filters._noise import COPY, KNOTS

core = vs.core

type Frames = npt.NDArray[np.float32]

CLIPS = {
    "friday": ("film_his_girl_friday_1940.mp4", 40),
    "gates": ("film_within_our_gates_1920.mkv", 4),
    "fight": ("motion_tos_fight.mkv", 60),
    "juggle": ("motion_juggle_720p.mp4", 20),
    "bunny": ("cuts_bbb_720p.webm", 400),
    "sister": ("face_asl_sister.mkv", 20),
    "london": ("interlaced_london_gt60p.mkv", 20),
}
GRAINY = {
    "friday": ("film_his_girl_friday_1940.mp4", 40),
    "apollo": ("film_apollo_16mm_colour.mp4", 40),
    "market": ("film_market_street_1906.mkv", 4),
    "gates": ("film_within_our_gates_1920.mkv", 4),
}
SIGMAS = (8.0, 16.0)
FRAMES, EDGE = 9, 3
"""Frames of a clip, and how many at each end are not counted: they have fewer neighbours."""
WIDTH = 480
THRESHOLDS = (400, 1000, 2000, 4000)
NL_STRENGTHS = (0.7, 1.0, 1.4)


def load(footage: Path, name: str, start: int, width: int, count: int = FRAMES, fmt: int = vs.GRAY8) -> vs.VideoNode:
    """Frames of a clip, scaled down to a width; larger than 0 scales, 0 leaves the size."""
    index = Path("/tmp") / f"vsfr-bench-{name}.bsindex"
    clip = core.bs.VideoSource(str(footage / "clips" / name), cachepath=str(index), cachemode=4)
    clip = clip[start : start + count]
    width = width or clip.width
    height = round(width * clip.height / clip.width / 2) * 2
    return clip.resize.Bicubic(width, height, format=fmt)


def frames_of(clip: vs.VideoNode, plane: int = 0) -> Frames:
    """N, H, W of a plane."""
    return np.stack([np.asarray(f[plane]).astype(np.float32) for f in clip.frames()])


def clip_of(frames: Frames, fmt: int = vs.GRAY8) -> vs.VideoNode:
    """A grey clip of N, H, W."""
    blank = core.std.BlankClip(None, frames.shape[2], frames.shape[1], fmt, length=len(frames), keep=True)

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        np.copyto(np.asarray(frame[0]), frames[n].astype(np.asarray(frame[0]).dtype))
        return frame

    return core.std.ModifyFrame(blank, blank, draw)


def grained(clean: Frames, sigma: float, size: float = 0.7, seed: int = 1) -> Frames:
    """Eight-bit frames with grain of ``sigma`` levels at mid-tones, less towards black and white."""
    rng = np.random.default_rng(seed)
    rough = []
    for frame in clean:
        noise = cv2.GaussianBlur(rng.standard_normal(frame.shape).astype(np.float32), (0, 0), size)
        level = frame / 255
        rough.append(frame + noise / noise.std() * sigma * (0.4 + 2.4 * level * (1 - level)))
    return np.asarray(np.round(np.stack(rough)).clip(0, 255), np.float32)


def psnr(made: Frames, clean: Frames) -> float:
    """Of the frames that count."""
    wrong = made[EDGE:-EDGE] - clean[EDGE:-EDGE]
    return 10 * math.log10(255**2 / max(float(np.mean(wrong**2)), 1e-9))


def degrained(clip: vs.VideoNode, threshold: int) -> vs.VideoNode:
    """The plain call. Its usual ``thscd1`` takes grain for a cut and does nothing."""
    pyramid = core.mvu.Super(clip, blksize=[16], overlap=[8])
    vectors = core.mvu.AnalyseMany(pyramid, radius=3, blksize=[16], overlap=[8])
    return core.mvu.Degrain(clip, pyramid, vectors, thsad=[threshold], thscd1=8000)


def nl_means(rough: Frames, strength: float) -> Frames:
    """OpenCV's, of 5 x 5 patches within 21 x 21."""
    planes = [cv2.fastNlMeansDenoising(f.astype(np.uint8), None, strength, 5, 21) for f in rough[EDGE:-EDGE]]
    return np.concatenate([rough[:EDGE], np.stack(planes).astype(np.float32), rough[-EDGE:]])


def gain(options: argparse.Namespace) -> Iterator[str]:
    """What is gained, in decibels of luma."""
    yield "| clip | grain | nothing | mc-degrain | NLMeans | denoise, no network | denoise | over the best of both |"
    yield "|---|---|---|---|---|---|---|---|"
    over: dict[float, list[float]] = {sigma: [] for sigma in SIGMAS}
    for name, place in CLIPS.items():
        clean = frames_of(load(options.footage, *place, options.width))
        for sigma in SIGMAS:
            rough = grained(clean, sigma)
            clip = clip_of(rough)
            plain = max(psnr(frames_of(degrained(clip, t)), clean) for t in THRESHOLDS)
            means = max(psnr(nl_means(rough, s * sigma), clean) for s in NL_STRENGTHS)
            ours = [psnr(frames_of(fr.denoise(clip, 1.0, model=m)), clean) for m in ("", options.model)]
            over[sigma].append(ours[1] - max(plain, means))
            cells = (psnr(rough, clean), plain, means, *ours)
            yield f"| {name} | {sigma:g} | " + " | ".join(f"{c:.2f}" for c in cells) + f" | {over[sigma][-1]:+.2f} |"
    for sigma, gains in over.items():
        yield f"| **mean** | {sigma:g} | | | | | | **{np.mean(gains):+.2f}** (least {min(gains):+.2f}) |"


def harm(options: argparse.Namespace) -> Iterator[str]:
    """What is left of clips to which nothing was added."""
    yield "| clip | noise it is taken for, levels | strength 0.5, no network | strength 0.5 | strength 1 | strength 0 |"
    yield "|---|---|---|---|---|---|"
    for name, place in CLIPS.items():
        clip = load(options.footage, *place, options.width)
        clean = frames_of(clip)
        made = [
            psnr(frames_of(fr.denoise(clip, s, model=m)), clean)
            for s, m in ((0.5, ""), (0.5, options.model), (1.0, options.model))
        ]
        same = np.array_equal(frames_of(fr.denoise(clip, 0.0)), clean)
        cells = " | ".join(f"{value:.2f}" for value in made)
        yield f"| {name} | {signature_of(clip).sigma:.2f} | {cells} | {'same bits' if same else 'CHANGED'} |"


def signature_of(clip: vs.VideoNode, like: vs.VideoNode | None = None) -> GrainSignature:
    """Grain of all frames of a clip that count, in pairs that were no copies in the clip that it shall be ``like``."""
    meter = GrainMeter("grey")
    planes = frames_of(clip) / np.float32(255 if clip.format.bits_per_sample == 8 else 65535)
    for n, neighbour in differing(frames_of(like or clip)):
        meter.add([[planes[neighbour]], [planes[n]]])
    return meter.signature()


def differing(frames: Frames) -> list[tuple[int, int]]:
    """Frames that count and their neighbours, but those that differ far less than most do."""
    pairs = [(n, n + step) for n in range(EDGE, len(frames) - EDGE) for step in (-1, 1)]
    squares = np.array([np.mean((frames[a] - frames[b]) ** 2) for a, b in pairs])
    return [pair for pair, square in zip(pairs, squares, strict=True) if square >= COPY * np.quantile(squares, 0.75)]


def apart(made: GrainSignature, source: GrainSignature, clip: vs.VideoNode) -> tuple[float, float]:
    """How far a spectrum and a curve are from those of the source, as shares.

    Of the spectrum: power that is in the wrong ring. Of the curve: variance, each knot as often as the clip has it.
    """
    first, second = (np.array(each.base.spectrum) * COUNTS for each in (made, source))
    spectrum = float(np.abs(first - second).sum() / second.sum())
    levels = frames_of(clip) / 255
    often = np.array([np.mean(np.abs(levels - knot) < 0.1) for knot in KNOTS])
    curves = [np.array(each.curve) ** 2 for each in (made, source)]
    curve = float((often * np.abs(curves[0] - curves[1]) / curves[1]).sum() / often.sum())
    return spectrum, curve


def grain(options: argparse.Namespace) -> Iterator[str]:
    """The round trip."""
    yield "| clip | sigma, size | denoise | regrain | spectrum off | variance curve off | by signature: both |"
    yield "|---|---|---|---|---|---|---|"
    cases: list[tuple[str, vs.VideoNode]] = [
        (name, load(options.footage, *place, 0, 11)) for name, place in GRAINY.items()
    ]
    for name in ("bunny", "juggle"):
        clean = frames_of(load(options.footage, *CLIPS[name], options.width, 11))
        cases += [(f"{name}, added {s:g}, {z:g} px", clip_of(grained(clean, s, z))) for s, z in ((4, 1.2), (8, 0.7))]
    for name, clip in cases:
        source = signature_of(clip)
        clean = fr.denoise(clip, 1.0, model=options.model)
        left = signature_of(clean, clip)
        back = signature_of(fr.regrain(clean, 1.0), clip)
        text = str(shot_grain(clip).get_frame(0).props[SIGNATURE])
        told = signature_of(fr.regrain(clean, 1.0, signature=text), clip)
        off, other = apart(back, source, clip), apart(told, source, clip)
        sizes = " | ".join(f"{each.sigma:.2f}, {each.size:.2f}" for each in (source, left, back))
        yield f"| {name} | {sizes} | {off[0]:.1%} | {off[1]:.1%} | {other[0]:.1%}, {other[1]:.1%} |"


def areas(options: argparse.Namespace) -> Iterator[str]:
    """Grain of a patch without any, in grain that was added, beside that around it."""
    yield "| clip | grain there was | in the patch | after regrain, where = changed | of it that is grain | outside |"
    yield "|---|---|---|---|---|---|"
    for name in ("bunny", "juggle", "sister"):
        clean = frames_of(load(options.footage, *CLIPS[name], options.width))
        rough = grained(clean, 8.0)
        mask = patch(clip_of(clean))
        inside = np.asarray(mask.get_frame(0)[0]) > 0
        painted = np.where(inside, clean, rough)
        back = frames_of(fr.regrain(clip_of(painted).std.ClipToProp(mask, "_VsfrMask_patch"), 1.0, where="changed"))
        source, bare, given = ((each[4] - clean[4])[inside] for each in (rough, painted, back))
        same = np.array_equal(back[:, ~inside], painted[:, ~inside])
        spreads = " | ".join(f"{each.std():.2f}" for each in (source, bare, given))
        yield f"| {name} | {spreads} | {given.std() / source.std():.0%} | {'same bits' if same else 'CHANGED'} |"


def patch(clip: vs.VideoNode) -> vs.VideoNode:
    """A mask of the middle of a clip."""
    across, down = clip.width // 3, clip.height // 3
    inner = core.std.BlankClip(clip, clip.width - 2 * across, clip.height - 2 * down, vs.GRAY8, color=255, keep=True)
    return inner.std.AddBorders(across, across, down, down)


def speed(options: argparse.Namespace) -> Iterator[str]:
    """Seconds a frame of 1280 x 720 in luma, one thread; the best of three, in turns."""
    clip = load(options.footage, *CLIPS["juggle"], 1280, 24)
    ways: dict[str, Callable[[], vs.VideoNode]] = {
        "mc-degrain": lambda: degrained(clip, 1000),
        "denoise, no network": lambda: fr.denoise(clip, 1.0, model=""),
        "denoise": lambda: fr.denoise(clip, 1.0, model=options.model),
        "regrain, by signature": lambda: fr.regrain(clip, 1.0, signature=signature_of(clip[8:16]).to_text()),
    }
    best = dict.fromkeys(ways, math.inf)
    for _ in range(3):
        for name, way in ways.items():
            best[name] = min(best[name], timed(way()))
    yield "| way | frames a second | beside mc-degrain |"
    yield "|---|---|---|"
    for name, seconds in best.items():
        yield f"| {name} | {1 / seconds:.2f} | {seconds / best['mc-degrain']:.2f} times as long |"


def timed(made: vs.VideoNode) -> float:
    """Seconds a frame, after one that warms up."""
    made.get_frame(8)
    started = time.perf_counter()
    for n in range(9, 13):
        made.get_frame(n)
    return (time.perf_counter() - started) / 4


JOBS: dict[str, Callable[[argparse.Namespace], Iterator[str]]] = {
    "gain": gain, "harm": harm, "grain": grain, "areas": areas, "speed": speed,
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"{', '.join(JOBS)}; all when none is named")
    parser.add_argument("--footage", type=Path, required=True, help="folder with clips/")
    parser.add_argument("--width", type=int, default=WIDTH, help=f"clips are scaled down to it ({WIDTH})")
    parser.add_argument("--model", default="auto", help="as of denoise")
    parser.add_argument("--out", type=Path, help="folder to keep the tables in")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    core.num_threads = 1
    for job in options.jobs or JOBS:
        lines = []
        for line in JOBS[job](options):
            print(line, flush=True)
            lines.append(line)
        print(flush=True)
        if options.out:
            options.out.mkdir(parents=True, exist_ok=True)
            (options.out / f"{job}.md").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
