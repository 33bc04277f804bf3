"""Speed of each filter beside the plain plug-in calls it is built from, and what denoising gains.

    python scripts/bench/filters.py [--footage FOLDER] [--frames 24] [--width 640] [filter ...]

Every ratio is taken within one run: the filter and its plain equivalent take turns, the best of three counts. The
picture is a piece of footage if a folder is given, else a pan over a photograph with grain.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import vapoursynth as vs

import vsfilmrestore.filters  # noqa: F401  (fills FILTERS)
from vsfilmrestore.filters.schema import FILTERS

core = vs.core


def moving_picture(frames: int, width: int) -> vs.VideoNode:
    """A pan over a photograph, YUV420P8."""
    from skimage import data

    height = width * 9 // 32 * 2
    photo = np.asarray(data.rocket())
    tall = core.std.BlankClip(format=vs.RGB24, width=photo.shape[1], height=photo.shape[0], length=frames)

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for plane in range(3):
            np.copyto(np.asarray(frame[plane]), np.roll(photo[..., plane], 3 * n, axis=1))
        return frame

    rolled = core.std.ModifyFrame(tall, tall, draw)
    return rolled.resize.Bicubic(width, height, format=vs.YUV420P8, matrix_s="709")


def grained(clip: vs.VideoNode, sigma: float) -> vs.VideoNode:
    """The clip with film-like grain: blurred by 0.7 samples, weaker in shadows and lights, half as strong in chroma."""
    spec = FILTERS["regrain"].function
    return clip if sigma == 0 else spec(clip, amount=sigma, size=0.7, seed=99)


def degrain(clip: vs.VideoNode, threshold: int = 1000) -> vs.VideoNode:
    pyramid = core.mvu.Super(clip, blksize=[16], overlap=[8])
    vectors = core.mvu.AnalyseMany(pyramid, radius=3, blksize=[16], overlap=[8])
    return core.mvu.Degrain(clip, pyramid, vectors, thsad=[threshold], thscd1=8000)


def spotless(clip: vs.VideoNode, radius: int = 1) -> vs.VideoNode:
    pyramid = core.mvu.Super(clip, blksize=[16], overlap=[8])
    moved = {
        d: core.mvu.Compensate(clip, pyramid, core.mvu.Analyse(pyramid, delta=d), thsad=10000, thscd1=8000)
        for d in range(-radius, radius + 1)
        if d
    }
    stacked = core.std.Interleave([moved.get(d, clip) for d in range(-radius, radius + 1)])
    return core.zsmooth.TemporalMedian(stacked, radius=radius).std.SelectEvery(2 * radius + 1, radius)


def depan(clip: vs.VideoNode) -> vs.VideoNode:
    return core.mvu.DepanStabilise(clip, core.mvu.DepanEstimate(clip.std.ShufflePlanes(0, vs.GRAY)))


def flow(clip: vs.VideoNode) -> vs.VideoNode:
    pyramid = core.mvu.Super(clip, blksize=[16], overlap=[8])
    vectors = [core.mvu.Analyse(pyramid, delta=d) for d in (1, -1)]
    return core.mvu.FlowFPS(clip, pyramid, vectors, num=48, den=1)


def edges(clip: vs.VideoNode) -> vs.VideoNode:
    return clip.bwdif.Bwdif(field=1, edeint=clip.znedi3.nnedi3(field=1, nsize=4, nns=2, qual=1))


def matching(clip: vs.VideoNode) -> vs.VideoNode:
    return clip.vivtc.VFM(order=1).vivtc.VDecimate()


type Step = Callable[[vs.VideoNode], vs.VideoNode]

PLAIN: dict[str, tuple[str, Step, dict[str, object]]] = {
    "denoise": ("Super, AnalyseMany, Degrain3", degrain, {"strength": 1.0}),
    "regrain": ("BoxBlur", lambda c: c.std.BoxBlur(hradius=1, vradius=1), {"amount": 6.0}),
    "deinterlace": ("nnedi3, Bwdif", edges, {"field_order": "top"}),
    "inverse_telecine": ("VFM, VDecimate", matching, {"field_order": "top"}),
    "remove_dirt": ("Super, Analyse, Compensate, TemporalMedian", spotless, {"strength": 0.5}),
    "remove_scratches": ("DeScratch", lambda c: c.descratch.DeScratch(), {"strength": 0.5}),
    "remove_wires": (
        "Super, Analyse, Compensate x4, TemporalMedian",
        lambda c: spotless(c, 2),
        {"strength": 0.5, "polarity": "dark"},
    ),
    "repair_frames": ("Super, Analyse, Compensate, TemporalMedian", spotless, {"strength": 0.5}),
    "stabilize": ("DepanEstimate, DepanStabilise", depan, {}),
    "deflicker": ("PlaneStats", lambda c: c.std.PlaneStats(), {"strength": 0.5}),
    "interpolate": ("Super, Analyse, FlowFPS", flow, {"fps": 48}),
}
"""By filter: name and plain calls of the same task, and settings for the filter."""


def seconds(clip: vs.VideoNode) -> float:
    core.clear_cache()
    start = time.perf_counter()
    for frame in clip.frames(close=True):
        del frame
    return time.perf_counter() - start


def fields_marked(clip: vs.VideoNode) -> vs.VideoNode:
    return clip.std.SetFieldBased(2)


def bench_speed(clip: vs.VideoNode, names: list[str]) -> None:
    print(f"{clip.width} x {clip.height} {clip.format.name}, {clip.num_frames} frames, {core.num_threads} threads")
    print("| filter | fps | plain calls | fps | ratio |\n|---|---|---|---|---|")
    for name in names:
        if name not in FILTERS or name not in PLAIN:
            print(f"| {name} | - | no plain equivalent | - | - |")
            continue
        calls, plain, settings = PLAIN[name]
        marked = fields_marked(clip) if "field_order" in settings else clip
        try:
            best = race(partial(FILTERS[name].function, marked, **settings), partial(plain, marked))
        except vs.Error as error:
            print(f"| {name} | failed: {' '.join(str(error).split())[:90]} | {calls} | - | - |")
            continue
        ours, theirs = (clip.num_frames / s for s in best)
        print(f"| {name} | {ours:.1f} | {calls} | {theirs:.1f} | {theirs / ours:.1f} |", flush=True)


def race(ours: Callable[[], vs.VideoNode], theirs: Callable[[], vs.VideoNode]) -> tuple[float, float]:
    """Best of three each, taking turns."""
    times = [(seconds(ours()), seconds(theirs())) for _ in range(3)]
    return min(t[0] for t in times), min(t[1] for t in times)


def psnr(clip: vs.VideoNode, truth: vs.VideoNode) -> tuple[float, float]:
    """Of luma and the first colour plane, all frames but the outer three at each end together."""
    inner = slice(3, truth.num_frames - 3)
    out = []
    for plane in (0, 1):
        pairs = zip(clip[inner].frames(), truth[inner].frames(), strict=True)
        errors = [np.mean((np.asarray(a[plane]).astype(float) - np.asarray(b[plane])) ** 2) for a, b in pairs]
        out.append(float(10 * np.log10(255**2 / np.mean(errors))))
    return out[0], out[1]


def bench_denoise(clips: dict[str, vs.VideoNode]) -> None:
    denoise = FILTERS["denoise"].function
    columns: dict[str, Step] = {
        "grained": lambda c: c,
        **{f"Degrain3 thsad {t}": lambda c, t=t: degrain(c, t) for t in (400, 1000, 2000)},
        "in time only": lambda c: denoise(c, 1.0, spatial=0.0),
        "denoise 1.0": lambda c: denoise(c, 1.0),
        "denoise 0.5": lambda c: denoise(c, 0.5),
    }
    print("\nPSNR luma / first colour plane, dB\n| clip | grain | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 2) + "|")
    for name, clip in clips.items():
        for sigma in (8.0, 16.0):
            noisy = grained(clip, sigma)
            cells = ["{:.2f} / {:.2f}".format(*psnr(step(noisy), clip)) for step in columns.values()]
            print(f"| {name} | {sigma:g} | " + " | ".join(cells) + " |", flush=True)


FOOTAGE = {
    "film_his_girl_friday_1940.mp4": 40,
    "motion_juggle_720p.mp4": 20,
    "motion_tos_fight.mkv": 60,
    "face_asl_sister.mkv": 40,
    "cuts_bbb_720p.webm": 120,
}
"""First frame of each piece."""


def load(path: Path, start: int, frames: int, width: int) -> vs.VideoNode:
    clip = core.bs.VideoSource(str(path), cachemode=0)[start : start + frames]
    height = round(clip.height * width / clip.width / 2) * 2
    return clip.resize.Bicubic(width, height, format=vs.YUV420P8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("filters", nargs="*", help="filters to time; all of them if none is named")
    parser.add_argument("--footage", type=Path, help="folder with the clips; only those found there are used")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--no-psnr", action="store_true", help="time only")
    given = parser.parse_args()
    clips = {"photograph": moving_picture(given.frames, given.width)}
    if given.footage:
        found = {n: s for n, s in FOOTAGE.items() if (given.footage / n).exists()}
        clips = {n: load(given.footage / n, s, given.frames, given.width) for n, s in found.items()} or clips
    bench_speed(grained(next(iter(clips.values())), 6.0), given.filters or sorted(FILTERS))
    if not given.no_psnr:
        bench_denoise(clips)


if __name__ == "__main__":
    main()
