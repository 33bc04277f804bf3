"""Measure remove_dirt and remove_scratches on clean footage with simulated damage.

    python scripts/bench/damage.py --footage FOLDER dirt scratches harm speed

FOLDER holds ``clips/`` (any of the names in CLIPS) and, for the shapes of real dirt, ``overlays/<class>/*.png``;
without shapes, ragged ellipses are drawn. Everything follows from --seed. Tables go to standard output.

dirt       luma PSNR, whole / inside the damage / outside it, of the input, of the usual methods, of remove_dirt, and of
           a repair with the true mask (what detection alone leaves to gain). Then recall, precision by pixels.
scratches  the same with drifting vertical lines, against DeScratch.
harm       undamaged clips: share of pixels changed by more than 2/255, false repairs (blobs) per frame.
speed      frames per second beside the plain plug-in calls the filter is built from.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters.remove_dirt import remove_dirt
from vsfilmrestore.filters.remove_scratches import remove_scratches
from vsfilmrestore.media.props import mask_prop

core = vs.core

type Picture = npt.NDArray[np.uint8]
type Alpha = npt.NDArray[np.float64]
type Method = Callable[[vs.VideoNode], vs.VideoNode]

CLIPS = {
    "london": ("interlaced_london_gt60p.mkv", 10),
    "friday": ("film_his_girl_friday_1940.mp4", 60),
    "sister": ("face_asl_sister.mkv", 20),
    "bunny": ("cuts_bbb_720p.webm", 320),
    "pigs": ("anim2d_pigs_in_a_polka_1943.gif", 2),
    "juggle (fast)": ("motion_juggle_720p.mp4", 20),
    "fight (fast)": ("motion_tos_fight.mkv", 60),
}
"""Undamaged footage: file and first frame. No cut lies within the frames used."""

SHAPES = ("dirt", "dots", "hair-short", "lint", "spots", "sprinkles")
WIDTH = 640


@dataclass(frozen=True)
class Case:
    """A clean clip, the same with damage, and where the damage lies, frame by frame."""

    name: str
    clean: vs.VideoNode
    damaged: vs.VideoNode
    masks: list[npt.NDArray[np.bool_]]


def load(path: Path, first: int, frames: int) -> vs.VideoNode:
    """Frames of a file as YUV420P8, at most WIDTH wide."""
    clip = core.bs.VideoSource(str(path), cachemode=0, showprogress=False)[first : first + frames]
    scale = min(WIDTH / clip.width, 1)
    width, height = (round(side * scale) // 2 * 2 for side in (clip.width, clip.height))
    matrix = {"matrix": vs.MATRIX_BT709} if clip.format.color_family == vs.RGB else {}
    return clip.resize.Bicubic(width, height, format=vs.YUV420P8, **matrix)


def planes_of(clip: vs.VideoNode) -> list[list[Picture]]:
    """All frames in memory."""
    return [[np.array(plane) for plane in frame] for frame in clip.frames()]


def clip_of(frames: list[list[Picture]], like: vs.VideoNode) -> vs.VideoNode:
    """A clip of frames in memory."""

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        out = f.copy()
        for index, plane in enumerate(frames[n]):
            np.copyto(np.asarray(out[index]), plane)
        return out

    return like.std.ModifyFrame(like, fill)


def shapes(folder: Path, rng: np.random.Generator) -> list[Alpha]:
    """Opacity maps 0..1 of real dirt, or ragged ellipses where the folder is absent."""
    files = [f for name in SHAPES for f in sorted((folder / name).glob("*.png"))]
    maps = [cv2.imread(str(f), cv2.IMREAD_GRAYSCALE) for f in files]
    return [m / 255.0 for m in maps if m is not None] or [_ragged(rng) for _ in range(60)]


def _ragged(rng: np.random.Generator) -> Alpha:
    y, x = np.mgrid[-1:1:41j, -1:1:41j]
    noise = cv2.GaussianBlur(rng.normal(0, 1, x.shape), (0, 0), 4)
    radius = np.hypot(x, y * rng.uniform(1, 3)) + noise / noise.std() * 0.15
    return (radius < 0.8).astype(np.float64)


def dirt_alpha(size: tuple[int, int], share: float, pool: list[Alpha], rng: np.random.Generator) -> Iterator[Alpha]:
    """Specks of one frame, each an opacity map of the frame's size, until they cover ``share`` of it."""
    covered = 0.0
    while covered < share * size[0] * size[1]:
        shape = pool[rng.integers(len(pool))]
        side = min(2.5 + rng.gamma(1.6, 2.6), 40.0)
        width, height = (max(round(n * side / max(shape.shape)), 1) for n in shape.shape[::-1])
        small = cv2.resize(shape, (width, height), interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(np.pad(small, 2), (0, 0), rng.uniform(0.4, 0.7))
        speck = _placed(np.rot90(small, rng.integers(4)), size, rng)
        covered += float((speck > 0.1).sum())
        yield speck * rng.uniform(0.5, 1.0)


def _placed(small: Alpha, size: tuple[int, int], rng: np.random.Generator) -> Alpha:
    out = np.zeros((size[0] + 80, size[1] + 80))
    top, left = rng.integers(10, size[0] + 30), rng.integers(10, size[1] + 30)
    out[top : top + small.shape[0], left : left + small.shape[1]] = small
    return out[40:-40, 40:-40]


def with_dirt(name: str, clean: vs.VideoNode, share: float, pool: list[Alpha], seed: int) -> Case:
    """Specks new in every frame, two in three dark, some in one colour only."""
    rng = np.random.default_rng(seed)
    frames, masks = planes_of(clean), []
    for planes in frames:
        mask = np.zeros(planes[0].shape, bool)
        for alpha in dirt_alpha(planes[0].shape, share, pool, rng):
            tint = (rng.uniform(60, 196), rng.uniform(60, 196)) if rng.random() < 0.1 else (128, 128)
            colour = (rng.uniform(16, 50) if rng.random() < 0.67 else rng.uniform(200, 235), *tint)
            _paint(planes, alpha, colour)
            mask |= alpha > 0.04
        masks.append(mask)
    return Case(name, clean, clip_of(frames, clean), masks)


def _paint(planes: list[Picture], alpha: Alpha, colour: tuple[float, float, float]) -> None:
    for plane, value in zip(planes, colour, strict=True):
        a = alpha if plane.shape == alpha.shape else cv2.resize(alpha, plane.shape[::-1], interpolation=cv2.INTER_AREA)
        plane[:] = np.rint(plane * (1 - a) + value * a)


def with_lines(name: str, clean: vs.VideoNode, seed: int) -> Case:
    """Four lines, bright and dark, semi-transparent, that drift slowly; one of them reaches over part of the height."""
    rng = np.random.default_rng(seed)
    frames = planes_of(clean)
    height, width = frames[0][0].shape
    lines = [_Line.draw(width, height, rng, k) for k in range(4)]
    masks = []
    for n, planes in enumerate(frames):
        profile = sum(line.profile(n, width, height) for line in lines)
        planes[0][:] = np.rint((planes[0] + profile).clip(0, 255))
        masks.append(np.abs(profile) > 1.5)
    return Case(name, clean, clip_of(frames, clean), masks)


@dataclass(frozen=True)
class _Line:
    x: float
    drift: float
    width: float
    amplitude: float
    span: tuple[int, int]
    flutter: npt.NDArray[np.float64]

    @classmethod
    def draw(cls, width: int, height: int, rng: np.random.Generator, k: int) -> _Line:
        span = (0, height) if k else (int(height * 0.1), int(height * 0.75))
        amplitude = rng.uniform(14, 45) * (1 if k % 2 else -1)
        return cls(
            rng.uniform(0.08, 0.92) * width,
            rng.normal(0, 0.25),
            rng.uniform(0.5, 1.1),
            amplitude,
            span,
            rng.normal(0, 0.2, 500),
        )

    def profile(self, n: int, width: int, height: int) -> Alpha:
        centre = self.x + self.drift * n + self.flutter[n]
        row = self.amplitude * np.exp(-0.5 * ((np.arange(width) - centre) / self.width) ** 2)
        rows = (np.arange(height) >= self.span[0]) & (np.arange(height) < self.span[1])
        wear = 1 + 0.25 * np.sin(np.arange(height) / 37 + centre)
        return (rows * wear)[:, None] * row[None]


def clense(clip: vs.VideoNode) -> vs.VideoNode:
    """Median of three frames, no motion compensation."""
    return clip.zsmooth.Clense()


def spotless(clip: vs.VideoNode) -> vs.VideoNode:
    """The usual script: compensate both neighbours, take the median of three."""
    pre = clip.zsmooth.Median(radius=2)
    sp = core.mvu.Super(pre, blksize=[16], overlap=[8])
    s = core.mvu.Super(clip, blksize=[16], overlap=[8])
    moved = [core.mvu.Compensate(clip, s, core.mvu.Analyse(sp, delta=d), thsad=10000, thscd2=100.0) for d in (-1, 1)]
    triple = core.std.Interleave([moved[0], clip, moved[1]])
    return core.std.SelectEvery(triple.zsmooth.TemporalMedian(radius=1), 3, 1)


def oracle(case: Case) -> vs.VideoNode:
    """The same median, but only where the damage truly is."""
    frames = planes_of(case.damaged)
    for planes, better, mask in zip(frames, planes_of(spotless(case.damaged)), case.masks, strict=True):
        for k, plane in enumerate(planes):
            part = (
                mask
                if plane.shape == mask.shape
                else mask[::2, ::2] | mask[1::2, ::2] | mask[::2, 1::2] | mask[1::2, 1::2]
            )
            plane[part] = better[k][part]
    return clip_of(frames, case.clean)


def descratch(clip: vs.VideoNode) -> vs.VideoNode:
    """The usual plug-in with its defaults."""
    return clip.descratch.DeScratch()


def psnr(error: float, count: int) -> float:
    """From a sum of squared errors."""
    return math.inf if error == 0 else 10 * math.log10(255**2 * max(count, 1) / error)


def score(case: Case, result: vs.VideoNode) -> str:
    """``whole/inside/outside`` in dB of luma; the end frames, which lack a neighbour, do not count."""
    total, counts = np.zeros(3), np.zeros(3, int)
    inner = slice(1, -1)
    for clean, got, mask in zip(case.clean[inner].frames(), result[inner].frames(), case.masks[inner], strict=True):
        squared = (np.asarray(clean[0]).astype(float) - np.asarray(got[0])) ** 2
        total += [squared.sum(), squared[mask].sum(), squared[~mask].sum()]
        counts += [squared.size, mask.sum(), (~mask).sum()]
    return "/".join(f"{psnr(e, c):.1f}" for e, c in zip(total, counts, strict=True))


def mask_of(result: vs.VideoNode, name: str) -> list[npt.NDArray[np.bool_]]:
    """The masks that travel with the frames of a repair."""
    return [np.asarray(frame.props[mask_prop(name)][0]) > 0 for frame in result.frames()]


def detection(case: Case, found: list[npt.NDArray[np.bool_]]) -> str:
    """Recall and precision by pixels; a pixel beside the damage is neither right nor wrong."""
    hit = sum(int((f & m).sum()) for f, m in zip(found, case.masks, strict=True))
    near = [cv2.dilate(m.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0 for m in case.masks]
    wrong = sum(int((f & ~m).sum()) for f, m in zip(found, near, strict=True))
    return f"{hit / max(sum(int(m.sum()) for m in case.masks), 1):.2f}/{hit / max(hit + wrong, 1):.2f}"


def bench_dirt(clips: dict[str, vs.VideoNode], options: argparse.Namespace) -> None:
    """Print the table of dirt."""
    pool = shapes(options.footage / "overlays", np.random.default_rng(options.seed))
    print(f"\ndirt on {options.share:.1%} of the pixels; whole/inside/outside dB, recall/precision")
    print(
        "| clip | input | Clense | SpotLess r1 | "
        + "".join(f"remove_dirt {s} | " for s in options.strength)
        + "true mask |"
    )
    for name, clean in clips.items():
        case = with_dirt(name, clean, options.share, pool, options.seed)
        cells = [score(case, m) for m in (case.damaged, clense(case.damaged), spotless(case.damaged))]
        for strength in options.strength:
            result = remove_dirt(case.damaged, strength)
            cells.append(f"**{score(case, result)}** {detection(case, mask_of(result, 'remove_dirt'))}")
        print(f"| {name} | " + " | ".join([*cells, score(case, oracle(case))]) + " |", flush=True)


def bench_scratches(clips: dict[str, vs.VideoNode], options: argparse.Namespace) -> None:
    """Print the table of lines."""
    print("\nfour drifting lines; whole/inside/outside dB, recall/precision")
    print("| clip | input | DeScratch | " + "".join(f"remove_scratches {s} | " for s in options.strength))
    for name, clean in clips.items():
        case = with_lines(name, clean, options.seed)
        cells = [score(case, m) for m in (case.damaged, descratch(case.damaged))]
        for strength in options.strength:
            result = remove_scratches(case.damaged, strength)
            cells.append(f"**{score(case, result)}** {detection(case, mask_of(result, 'remove_scratches'))}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def harm(clean: vs.VideoNode, result: vs.VideoNode, name: str) -> str:
    """Share of pixels changed by more than 2/255 and blobs repaired per frame."""
    changed, pixels = 0, 0
    for before, after in zip(clean.frames(), result.frames(), strict=True):
        changed += int((np.abs(np.asarray(before[0]).astype(int) - np.asarray(after[0])) > 2).sum())
        pixels += np.asarray(before[0]).size
    if not name:
        return f"{changed / pixels:.5%}"
    blobs = sum(cv2.connectedComponents(m.astype(np.uint8))[0] - 1 for m in mask_of(result, name))
    return f"{changed / pixels:.5%}, {blobs / result.num_frames:.2f}"


def bench_harm(clips: dict[str, vs.VideoNode], options: argparse.Namespace) -> None:
    """Print what is done to clips that have no damage."""
    print("\nundamaged clips: pixels changed by more than 2/255, repairs per frame")
    heads = [f"remove_{what} {s}" for what in ("dirt", "scratches") for s in options.strength]
    print("| clip | SpotLess r1 | DeScratch | " + " | ".join(heads) + " |")
    for name, clean in clips.items():
        cells = [harm(clean, spotless(clean), ""), harm(clean, descratch(clean), "")]
        cells += [harm(clean, remove_dirt(clean, s), "remove_dirt") for s in options.strength]
        cells += [harm(clean, remove_scratches(clean, s), "remove_scratches") for s in options.strength]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def frames_per_second(clip: vs.VideoNode) -> float:
    """Run through once, from empty caches."""
    core.clear_cache()
    start = time.perf_counter()
    for frame in clip.frames(close=True):
        del frame
    return clip.num_frames / (time.perf_counter() - start)


def bench_speed(clips: dict[str, vs.VideoNode], options: argparse.Namespace) -> None:
    """Print frames per second."""
    methods: dict[str, Method] = {
        "SpotLess r1": spotless,
        "remove_dirt": remove_dirt,
        "DeScratch": descratch,
        "remove_scratches": remove_scratches,
    }
    print("\nframes per second (best of 3)")
    print("| clip | " + " | ".join(methods) + " |")
    for name, clean in clips.items():
        held = clip_of(planes_of(clean), core.std.BlankClip(clean, keep=True))
        rates = [max(frames_per_second(method(held)) for _ in range(3)) for method in methods.values()]
        print(f"| {name} {clean.width}x{clean.height} | " + " | ".join(f"{r:.1f}" for r in rates) + " |", flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    jobs = {"dirt": bench_dirt, "scratches": bench_scratches, "harm": bench_harm, "speed": bench_speed}
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"{', '.join(jobs)}; all when none is named")
    parser.add_argument("--footage", type=Path, required=True, help="folder with clips/ and overlays/")
    parser.add_argument("--frames", type=int, default=20, help="frames of each clip (default 20)")
    parser.add_argument("--share", type=float, default=0.004, help="share of pixels under dirt (default 0.004)")
    parser.add_argument("--strength", type=float, nargs="+", default=[0.5, 1.0], help="strengths (default 0.5 1.0)")
    parser.add_argument("--clips", nargs="+", help="first letters of the clips to use; all when not given")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if unknown := set(options.jobs) - set(jobs):
        parser.error(f"unknown job {', '.join(sorted(unknown))}; there are {', '.join(jobs)}")
    wanted = {n: c for n, c in CLIPS.items() if not options.clips or n.startswith(tuple(options.clips))}
    clips = {n: load(options.footage / "clips" / file, first, options.frames) for n, (file, first) in wanted.items()}
    for job in options.jobs or jobs:
        jobs[job](clips, options)


if __name__ == "__main__":
    main()
