"""Leave out every second frame of real clips, make it again in several ways, and measure how near each comes.

    python scripts/bench/between.py --footage FOLDER [--clips NAME ...] [--methods NAME ...] [--out FOLDER]

FOLDER holds ``clips/``. Luma PSNR and structural similarity of made frames, mean and worst, and processor time for one
frame; clips are at most --width wide. None of the clips was trained on. The methods:

========== ============================================================================================================
repeat     the frame before
average    both frames dissolved
dis        dense flow both ways, each frame moved half-way along its own, dissolved
dis-back   the same, moved along the flow of the other side: no worse, and by no means the same
flowinter  block motion with occlusion masks, as mvutensils' FlowInter does it
guesses    several guesses at the motion that are weighed by how well both sides agree, as for single lost frames
blocks     ``interpolate(model="")``
own        ``interpolate(model="auto")``; where the motion is lost it repeats a frame
own-flow   the same with ``fallback="flow"``
========== ============================================================================================================

The job of cuts takes pieces with a cut in the middle and counts frames in which both scenes show: a made frame that is
neither the frame before nor the one after, bit for bit.

--lost rebuilds single frames from those on both sides, as ``repair_frames`` does, by guesses and by our network.

With --out a sheet is kept: truth, average, flow, ours, where ours is worst.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import vapoursynth as vs
from _damage.footage import clip_of, load

import vsfilmrestore as fr
from vsfilmrestore.filters._between import neighbour
from vsfilmrestore.filters._between_blend import Blend, chosen_blend
from vsfilmrestore.filters._between_motion import BEYOND
from vsfilmrestore.filters._cadence import TIME
from vsfilmrestore.filters._lost_frame import Beside, Guesses, made_between

core = vs.core

type Plane = npt.NDArray[np.uint8]
type Frames = list[list[Plane]]

CLIPS = {
    "juggle": ("motion_juggle_720p.mp4", 20),
    "fight": ("motion_tos_fight.mkv", 60),
    "fight2": ("motion_tos_fight.mkv", 5),
    "bunny": ("cuts_bbb_720p.webm", 320),
    "bunny2": ("cuts_bbb_720p.webm", 500),
    "sister": ("face_asl_sister.mkv", 20),
    "brother": ("face_asl_brother.mkv", 20),
    "london": ("interlaced_london_gt60p.mkv", 10),
    "apollo": ("film_apollo_16mm_colour.mp4", 60),
    "market": ("film_market_street_1906.mkv", 20),
}
CUTS = {"fight 4": ("motion_tos_fight.mkv", 0, 12), "fight 33": ("motion_tos_fight.mkv", 26, 14),
        "bunny 283": ("cuts_bbb_720p.webm", 276, 14), "bunny 376": ("cuts_bbb_720p.webm", 369, 14),
        "bunny 551": ("cuts_bbb_720p.webm", 544, 14)}  # fmt: skip
"""File, first frame and number of frames; the cut is where the picture changes most."""
FAST = ("juggle", "fight", "fight2", "bunny")
"""The clips by which a network is judged, and those beside it."""


@dataclass
class Score:
    """PSNR and similarity of each frame, and seconds of processor time for one."""

    psnr: list[float]
    alike: list[float]
    seconds: float


def flow(a: Plane, b: Plane) -> npt.NDArray[np.float32]:
    engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return np.asarray(engine.calc(a, b, np.zeros((*a.shape, 2), np.float32)))


def moved(picture: Plane, motion: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    at = columns + motion[..., 0], rows + motion[..., 1]
    return np.asarray(cv2.remap(picture.astype(np.float32), *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def half_warp(a: Plane, b: Plane, *, back: bool) -> Plane:
    ahead, behind = flow(a, b), flow(b, a)
    left, right = (0.5 * behind, 0.5 * ahead) if back else (-0.5 * ahead, -0.5 * behind)
    return np.rint((moved(a, left) + moved(b, right)) / 2).clip(0, 255).astype(np.uint8)


def block_motion(clip: vs.VideoNode) -> vs.VideoNode:
    size = {"blksize": [16], "overlap": [8]}
    pyramid = core.mvu.Super(clip, **size)
    vectors = [core.mvu.Analyse(pyramid, delta=delta) for delta in (1, -1)]
    return core.mvu.FlowInter(clip, pyramid, vectors, time=50, thscd1=64 * 255, thscd2=100.0)


def by_pairs(make: Callable[[Plane, Plane], Plane]) -> Callable[[vs.VideoNode, Frames], list[Plane]]:
    return lambda _clip, frames: [make(a[0], b[0]) for a, b in itertools.pairwise(frames)]


def by_guesses(_clip: vs.VideoNode, frames: Frames, stride: int = 1) -> list[Plane]:
    """Between each frame and the one ``stride`` later."""
    last, made = len(frames) - 1, []
    for n in range(last + 1 - stride):
        a, b = frames[n][0], frames[n + stride][0]
        beyond = n > 0 and n + stride < last
        left = Beside(a, frames[n - 1][0] if beyond else None)
        right = Beside(b, frames[n + stride + 1][0] if beyond else None)
        planes = a.astype(np.float32), b.astype(np.float32)
        made.append(
            np.rint(made_between(*planes, Guesses.of(left, right, 0.5, 1 / stride), 0.5, 0.0))
            .clip(0, 255)
            .astype(np.uint8)
        )
    return made


def by_clip(make: Callable[[vs.VideoNode], vs.VideoNode]) -> Callable[[vs.VideoNode, Frames], list[Plane]]:
    return lambda clip, frames: [np.array(f[0]) for f in make(clip).frames()][: len(frames) - 1]


def filtered(**settings: Any) -> Callable[[vs.VideoNode], vs.VideoNode]:
    return lambda clip: fr.interpolate(clip, float(2 * clip.fps), cadence="off", **settings).std.SelectEvery(2, 1)


METHODS: dict[str, Callable[[vs.VideoNode, Frames], list[Plane]]] = {
    "repeat": by_pairs(lambda a, b: a),
    "average": by_pairs(lambda a, b: np.rint((a.astype(np.float32) + b) / 2).astype(np.uint8)),
    "dis": by_pairs(lambda a, b: half_warp(a, b, back=False)),
    "dis-back": by_pairs(lambda a, b: half_warp(a, b, back=True)),
    "flowinter": by_clip(block_motion),
    "guesses": by_guesses,
    "blocks": by_clip(filtered(model="")),
    "own": by_clip(filtered(model="auto")),
    "own-flow": by_clip(filtered(model="auto", fallback="flow")),
}


def psnr(a: Plane, b: Plane) -> float:
    return float(10 * np.log10(255**2 / max(float(((a.astype(np.float64) - b) ** 2).mean()), 1e-9)))


def alike(a: Plane, b: Plane) -> float:
    """Z. Wang et al., "Image Quality Assessment" (2004); Gaussian, 1.5 pixels."""
    x, y = a.astype(np.float32), b.astype(np.float32)
    mx, my, xx, yy, xy = (cv2.GaussianBlur(each, (11, 11), 1.5) for each in (x, y, x * x, y * y, x * y))
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mx * my + c1) * (2 * (xy - mx * my) + c2)
    return float((top / ((mx * mx + my * my + c1) * (xx - mx * mx + yy - my * my + c2))).mean())


def frames_of(clip: vs.VideoNode) -> Frames:
    return [[np.array(plane) for plane in frame] for frame in clip.frames()]


def left_out(clip: vs.VideoNode) -> tuple[vs.VideoNode, Frames, list[Plane]]:
    """Every second frame as a clip of its own and in memory, and the luma of the others."""
    everything = frames_of(clip)
    kept = everything[::2]
    thinned = clip_of(kept, clip).std.AssumeFPS(fpsnum=12, fpsden=1)
    return thinned, kept, [frame[0] for frame in everything[1::2]]


def measured(clip: vs.VideoNode, names: Sequence[str]) -> tuple[dict[str, Score], dict[str, list[Plane]], list[Plane]]:
    """Scores; the first and the last made frame do not count, for nothing lies beyond them."""
    thinned, kept, truth = left_out(clip)
    inner = slice(1, len(kept) - 2)
    scores, pictures = {}, {}
    for name in names:
        start = time.process_time()
        made = METHODS[name](thinned, kept)
        seconds = (time.process_time() - start) / max(len(made), 1)
        pairs = list(zip(made, truth, strict=False))[inner]
        pictures[name] = [each for each, _ in pairs]
        scores[name] = Score([psnr(*pair) for pair in pairs], [alike(*pair) for pair in pairs], seconds)
    return scores, pictures, truth[inner]


def ghosts(footage: Path, names: Sequence[str], width: int) -> None:
    """Frames over a cut in which both sides show."""
    print("\n| cut | " + " | ".join(names) + " |\n|" + "---|" * (len(names) + 1))
    for cut, (file, first, count) in CUTS.items():
        row = []
        for name in names:
            found = 0
            for shift in (0, 1):
                clip = load(footage / "clips" / file, first + shift, count, width)
                thinned, kept, _ = left_out(clip)
                steps = [float(np.abs(a[0].astype(int) - b[0]).mean()) for a, b in itertools.pairwise(kept)]
                at = int(np.argmax(steps))
                made = METHODS[name](thinned, kept)[at]
                found += not any(np.array_equal(made, kept[side][0]) for side in (at, at + 1))
            row.append(f"{found} of 2")
        print(f"| {cut} | " + " | ".join(row) + " |", flush=True)


def rebuilt(footage: Path, names: Sequence[str], frames: int, width: int) -> None:
    """Each frame of a clip from those beside it."""
    print("\n| clip | guesses | network |\n|---|---:|---:|")
    for name in names:
        file, first = CLIPS[name]
        clip = load(footage / "clips" / file, first, frames, width)
        planes = frames_of(clip)
        by_net = Blend(
            [neighbour(clip, distance) for distance in (-1, 1)],
            [neighbour(clip, distance) for distance in (-2, 2)],
            core.std.BlankClip(length=clip.num_frames, keep=True).std.SetFrameProps(**{BEYOND: 1}),
            chosen_blend("auto"),
            2.0,
        ).at(core.std.BlankClip(length=clip.num_frames, keep=True).std.SetFrameProps(**{TIME: 0.5}))
        inner = range(3, clip.num_frames - 3, 2)
        made = [np.array(by_net.get_frame(n)[0]) for n in inner]
        guessed = [by_guesses(clip, planes[n - 2 : n + 3], 2)[1] for n in inner]
        scores = [
            np.mean([psnr(planes[n][0], each) for n, each in zip(inner, ways, strict=True)]) for ways in (guessed, made)
        ]
        print(f"| {name} | " + " | ".join(f"{score:.2f}" for score in scores) + " |", flush=True)


def sheet(file: Path, rows: list[tuple[str, list[Plane]]], columns: Sequence[str]) -> None:
    """Pictures beside one another, with their names."""
    lines = []
    for name, pictures in rows:
        cells = [cv2.resize(each, (400, round(400 * each.shape[0] / each.shape[1]))) for each in pictures]
        for word, cell in zip(columns, cells, strict=True):
            cv2.putText(cell, f"{name}: {word}", (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 255, 1, cv2.LINE_AA)
        lines.append(np.hstack(cells))
    cv2.imwrite(str(file), np.vstack(lines), [cv2.IMWRITE_JPEG_QUALITY, 82])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--footage", type=Path, required=True, help="folder with clips/")
    parser.add_argument("--clips", nargs="*", choices=CLIPS, default=list(CLIPS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--frames", type=int, default=33, help="of each clip, before every second one is left out")
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--lost", action="store_true", help="rebuild single frames instead")
    parser.add_argument("--cuts", action="store_true", help="look at cuts as well")
    parser.add_argument("--out", type=Path, help="folder for the sheet")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    core.num_threads = 1
    core.max_cache_size = 1024
    if options.lost:
        rebuilt(options.footage, options.clips, options.frames, options.width)
        return
    rows = []
    print("| clip | method | PSNR mean | worst | SSIM mean | worst | s a frame |\n|---|---|---:|---:|---:|---:|---:|")
    for name in options.clips:
        file, first = CLIPS[name]
        clip = load(options.footage / "clips" / file, first, options.frames, options.width)
        scores, pictures, truth = measured(clip, options.methods)
        for method, score in scores.items():
            numbers = (np.mean(score.psnr), min(score.psnr), np.mean(score.alike), min(score.alike), score.seconds)
            told = [f"{each:.{places}f}" for each, places in zip(numbers, (2, 2, 4, 4, 2), strict=True)]
            print(f"| {name} | {method} | {' | '.join(told)} |", flush=True)
        shown = [each for each in ("average", "dis", "own") if each in pictures]
        if shown:
            worst = int(np.argmin(scores[shown[-1]].psnr))
            rows.append((name, [truth[worst], *(pictures[each][worst] for each in shown)]))
    if options.cuts:
        ghosts(options.footage, [each for each in options.methods if each.startswith(("own", "blocks"))], options.width)
    if options.out and rows:
        options.out.mkdir(parents=True, exist_ok=True)
        sheet(options.out / "between.jpg", rows, ["truth", *shown])


if __name__ == "__main__":
    main()
