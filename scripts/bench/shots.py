"""How well shots are found: precision and recall on real clips, clean and damaged, and speed beside bare decoding.

    python scripts/bench/shots.py FOLDER_OF_CLIPS [--detector adaptive] [--raw]

Truth is known for the clips named below; damage is flicker (AR(1) gain, 5 %, gamma 3 %), dirt, and now and then a
flash, a torn or a black frame, the same for every run.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import cast

import numpy as np
import vapoursynth as vs

from vsfilmrestore.assess.shots import DETECTORS, Detector, detect_shots

core = vs.core

TRUTH: dict[str, list[int]] = {
    "cuts_bbb_720p.webm": [283, 376, 551],
    "motion_tos_fight.mkv": [4, 33, 119],
    "film_market_street_1906.mkv": [],
    "film_within_our_gates_1920.mkv": [],
    "film_apollo_16mm_colour.mp4": [],
    "film_his_girl_friday_1940.mp4": [],
    "face_asl_sister.mkv": [],
    "face_asl_brother.mkv": [],
    "motion_juggle_720p.mp4": [],
    "interlaced_london_gt60p.mkv": [],
}
NEAR = 1


def damaged(clip: vs.VideoNode, seed: int = 7) -> vs.VideoNode:
    """Flicker, dirt and ruined single frames, at 320 pixels wide so that drawing stays cheap."""
    height = round(clip.height * 320 / clip.width / 2) * 2
    grey = clip.format.color_family == vs.GRAY
    clip = clip.resize.Bilinear(320, height, format=vs.GRAY8 if grey else vs.YUV444P8)
    rng = np.random.default_rng(seed)
    count = len(clip)
    gain = np.zeros(count)
    for n in range(1, count):
        gain[n] = 0.7 * gain[n - 1] + rng.normal() * 0.05 * 0.71
    gamma = 1 + rng.normal(size=count) * 0.03
    ruin = rng.random(count)

    def ruined(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        luma = np.asarray(frame[0])
        picture = (luma / 255.0) ** gamma[n] * np.exp(gain[n]) * 255
        spots = np.random.default_rng(seed * 100_003 + n)
        for _ in range(12):
            y, x = spots.integers(0, height), spots.integers(0, 320)
            h, w = spots.integers(2, 14, 2)
            picture[y : y + h, x : x + w] = spots.choice([5, 250])
        if ruin[n] < 0.01:
            picture = picture * 1.8 + 40
        elif ruin[n] < 0.015:
            picture = picture * 0.03
        elif ruin[n] < 0.025:
            picture[height // 3 :] = np.roll(picture[height // 3 :], 60, axis=1)
        np.copyto(luma, np.clip(picture, 0, 255).astype(np.uint8))
        return frame

    return core.std.ModifyFrame(clip, clip, ruined)


def score(found: list[int], truth: list[int]) -> tuple[int, int, int]:
    """Right, false and missed cuts; one frame off is right."""
    left = list(truth)
    right = 0
    for cut in found:
        match = next((t for t in left if abs(t - cut) <= NEAR), None)
        if match is not None:
            left.remove(match)
            right += 1
    return right, len(found) - right, len(left)


def seconds(clip: vs.VideoNode) -> float:
    start = time.perf_counter()
    for _ in clip.frames(close=True):
        pass
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--detector", default="adaptive", choices=DETECTORS)
    parser.add_argument("--raw", action="store_true", help="no levelling, no median: the detector alone")
    parser.add_argument("--longest", type=int, default=600)
    parser.add_argument("--cache", default="")
    options = parser.parse_args()
    detector = cast(Detector, options.detector)
    for label, spoil in (("clean", lambda c: c), ("damaged", damaged)):
        totals = np.zeros(3, dtype=int)
        for name, truth in TRUTH.items():
            extra = {"cachepath": options.cache} if options.cache else {}
            clip = core.bs.VideoSource(str(options.folder / name), **extra)[: options.longest]
            start = time.perf_counter()
            found = detect_shots(spoil(clip), detector=detector, level=not options.raw)
            spent = time.perf_counter() - start
            totals += score(found, truth)
            core.clear_cache()
            bare = f", bare decoding {seconds(clip):.2f} s" if label == "clean" else ""
            print(f"{label:8} {name:32} {len(clip):4} frames found {found} truth {truth} {spent:.2f} s{bare}")
            core.clear_cache()
        right, false, missed = totals
        print(f"{label}: precision {right / max(1, right + false):.2f} recall {right / max(1, right + missed):.2f}")


if __name__ == "__main__":
    main()
