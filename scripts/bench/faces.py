"""Faces: how many are found and followed, how still they are held, what is brought out of them, what the guard stops.

For each clip a row of what is found, beside the cascade that needs no weights; the trembling of landmarks (root mean
square of the second difference from frame to frame, in pixels) as found and calmed; sizes, blur and noise of the faces.
Then what `restore_faces` makes of them: with ``detail`` as they are (harm: everything it changes is harm to a clip that
wants nothing), and made softer and noisier on purpose, where what comes nearer to the clip is a gain. Last the guard:
made faces that are right (the clip itself for its soft copy), those of another, and noise, and how many it stops.

    python scripts/bench/faces.py CLIP [CLIP …] [--frames 24] [--sheet faces.jpg]

YuNet must be there: 'vsfilmrestore models get yunet-n'. Frames are taken from the middle of each clip.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import Any

import cv2
import numpy as np
import vapoursynth as vs

import vsfilmrestore as fr
from vsfilmrestore.filters._face_finder import _cascade_finder, face_blur, face_finder
from vsfilmrestore.filters._face_guard import Likeness, around, likeness_of
from vsfilmrestore.filters._face_laid import ellipse
from vsfilmrestore.filters._face_told import COUNTS
from vsfilmrestore.filters._face_tracks import eye_distance, faces_of, found_by, measured, tracked
from vsfilmrestore.inference.regions import Region, overlap, regions_of

core = vs.core
_LOSSES = {"soft 1.0": (1.0, 0), "soft 1.6": (1.6, 0), "soft 1.0, noise 4": (1.0, 4), "soft 1.6, noise 6": (1.6, 6)}
_MADE = ("the clip itself", "another's face", "mirrored", "noise of 30 levels")


def pictures(clip: vs.VideoNode) -> Iterator[Any]:
    for frame in clip.frames(close=True):
        yield np.stack([np.asarray(frame[plane]) for plane in range(3)]).copy()


def spoiled(picture: Any, blur: float, noise: float, seed: int) -> Any:
    soft = np.stack([cv2.GaussianBlur(plane, (0, 0), blur) for plane in picture])
    rough = np.random.default_rng(seed).normal(0, noise / 255, picture.shape[1:]) if noise else 0.0
    return np.clip(soft + rough, 0, 1).astype(np.float32)


def as_clip(told: Sequence[Any]) -> vs.VideoNode:
    blank = core.std.BlankClip(
        format=vs.RGBS, width=told[0].shape[2], height=told[0].shape[1], length=len(told), keep=True
    )

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for plane in range(3):
            np.copyto(np.asarray(frame[plane]), told[n][plane])
        return frame

    return core.std.ModifyFrame(blank, blank, draw)


def trembling(found: Sequence[Sequence[Region]]) -> float:
    """Of the largest face, as `scripts/bench/regions.py` has it."""
    largest = [max(each, key=lambda r: r.width, default=None) for each in found]
    marks = [None if each is None or not each.points else np.array(each.points).ravel() for each in largest]
    steps = [b - a if a is not None and b is not None else None for a, b in pairwise(marks)]
    steps = [None if step is None or np.abs(step).max() > 30 else step for step in steps]
    bends = [b - a for a, b in pairwise(steps) if a is not None and b is not None]
    return float(np.sqrt(np.mean(np.square(bends)))) if bends else float("nan")


def finding(clip: vs.VideoNode, finder: Any) -> vs.VideoNode:
    """What is found, beside the cascade, and how it trembles; the clip with its faces."""
    found = found_by(clip, finder, 0)
    yunet = [regions_of(frame.props) for frame in found.frames(close=True)]
    cascade = [_cascade_finder()(picture) for picture in pictures(clip)]
    both = sum(any(overlap(a, b) > 0.3 for b in sure) for sure, some in zip(yunet, cascade, strict=True) for a in some)
    total = sum(map(len, yunet))
    print(f"  found: {total} in {sum(map(bool, yunet))} of {len(yunet)} frames; the cascade {both} of them, "
          f"{sum(map(len, cascade)) - both} others")  # fmt: skip
    rows = []
    known_faces = measured(clip, found)
    for radius in (0, 2, 4, 8):
        faces = [faces_of(frame) for frame in tracked(known_faces, radius).frames(close=True)]
        rows.append(f"{radius}: {trembling([[face.region for face in each] for each in faces]):.2f}")
        known = [face for each in faces for face in each]
    print(f"  landmarks tremble, by calm: {', '.join(rows)} pixels; after bridging {len(known)} faces")
    if known:
        told = np.array([(face.size, face.blur, 255 * face.noise, face.fineness) for face in known])
        names = ("size", "blur", "noise", "fineness")
        ranges = (f"{name} {row.min():.1f}..{row.max():.1f}" for name, row in zip(names, told.T, strict=True))
        print(f"  {', '.join(ranges)}")
    return found


def detail(told: Sequence[Any], boxes: Sequence[Sequence[Region]]) -> None:
    masks = [sum((ellipse(box, *told[0].shape[1:]) for box in each), np.zeros(told[0].shape[1:])) for each in boxes]
    for name, loss in {"as it is": (0.0, 0), **_LOSSES}.items():
        seen = list(told) if not loss[0] else [spoiled(each, *loss, n) for n, each in enumerate(told)]
        began, counts, errors = process_time(), dict.fromkeys(COUNTS, 0), []
        made = fr.restore_faces(as_clip(seen), 0.5, mode="detail")
        for n, frame in enumerate(made.frames(close=True)):
            for kind, prop in COUNTS.items():
                counts[kind] += int(frame.props[prop])  # type: ignore[arg-type]
            picture, face = np.stack([np.asarray(frame[p]) for p in range(3)]), masks[n] > 0.5
            if face.any():
                errors.append([np.mean((each - told[n])[:, face] ** 2) for each in (seen[n], picture)])
        before, after = 10 * np.log10(1 / np.maximum(np.mean(errors, axis=0), 1e-12))
        gain = f"{after - before:+.2f} dB on faces ({before:.1f})" if loss[0] else f"changed by {after:.1f} dB"
        cost = (process_time() - began) / len(seen)
        print(f"  detail 0.5, {name}: {gain}; {', '.join(f'{k} {v}' for k, v in counts.items())}; {cost:.2f} s a frame")


def guarded(told: Sequence[Any], boxes: Sequence[Sequence[Region]], other: Any, finder: Any) -> None:
    """What the guard says of faces that might have been made of the clip's soft copies."""
    for loss_name, loss in {"as it is": (0.0, 0), "soft 1.6": (1.6, 0), "soft 1.6, noise 3": (1.6, 3)}.items():
        said: dict[str, list[Likeness]] = {name: [] for name in _MADE}
        for n, picture in list(enumerate(told))[::4]:
            seen = spoiled(picture, *loss, n) if loss[0] else picture
            for face in boxes[n]:
                if not face.points or max(face.width, face.height) < 32:
                    continue
                for name in _MADE:
                    said[name].append(_judged(seen, _made(name, picture, seen, face, other), face, finder))
        for name, found in said.items():
            if found:
                rows = np.array([(each.shape, each.drift, each.colour, each.alike) for each in found])
                with np.errstate(all="ignore"):
                    mean = np.nanmedian(rows, axis=0)
                stopped = sum(bool(each.fault) for each in found)
                print(f"  guard, {loss_name}: {name}: stopped {stopped} of {len(found)}; median shape {mean[0]:.3f}, "
                      f"drift {100 * mean[1]:.1f} %, colour {mean[2]:.2f}, alike {mean[3]:.3f}")  # fmt: skip


def _made(name: str, clean: Any, seen: Any, face: Region, other: tuple[Any, Region]) -> Any:
    height, width = seen.shape[1:]
    if name == "the clip itself":
        return clean
    if name == "noise of 30 levels":
        return seen + np.random.default_rng(0).normal(0, 30 / 255, seen.shape).astype(np.float32)
    if name == "mirrored":
        middle = face.left + face.width / 2
        matrix = np.array([[-1, 0, 2 * middle], [0, 1, 0]], np.float64)
        source = seen
    else:
        source, theirs = other
        matrix, _ = cv2.estimateAffinePartial2D(np.array(theirs.points), np.array(face.points))
    return np.stack([cv2.warpAffine(p, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT) for p in source])  # fmt: skip # noqa: E501


def _judged(seen: Any, made: Any, face: Region, finder: Any) -> Likeness:
    rows, columns = around(face, *seen.shape[1:])
    corner = [columns.start, rows.start]
    here = face.moved(face.numbers - np.concatenate([corner, [0, 0], np.tile(corner, 5)]))
    a, b = seen[:, rows, columns], made[:, rows, columns]
    return likeness_of(a, b - a, ellipse(here, *a.shape[1:]), here, face_blur(a.mean(axis=0), here), finder)


def sheet(path: Path, clips: Sequence[tuple[Any, Region]]) -> None:
    """Faces as filmed, and with their detail brought out, three times as large."""
    rows = []
    for picture, face in clips:
        made = next(pictures(fr.restore_faces(as_clip([picture]), 0.7, mode="detail")))
        reach = 1.0 * max(face.width, face.height)
        x, y = face.left + face.width / 2, face.top + face.height / 2
        parts = [np.s_[max(0, int(y - reach)) : int(y + reach), max(0, int(x - reach)) : int(x + reach)]]
        row = [cv2.resize(each.transpose(1, 2, 0)[:, :, ::-1][parts[0]], (360, 360), interpolation=cv2.INTER_CUBIC)
               for each in (picture, made)]  # fmt: skip
        rows.append(np.hstack(row))
    cv2.imwrite(str(path), np.clip(np.vstack(rows) * 255, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 88])


def _first(shots: Sequence[Any], boxes: Sequence[Sequence[Region]]) -> tuple[Any, Region] | None:
    """The first picture with a face, and its largest face."""
    there = ((shot, max(found, key=lambda face: face.width)) for shot, found in zip(shots, boxes, strict=True) if found)
    return next(there, None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--sheet")
    told = parser.parse_args()
    cv2.setNumThreads(1)
    finder, marks = face_finder(), face_finder(0.5)
    if finder is None or finder.kind != "yunet":
        raise SystemExit("YuNet is not here: vsfilmrestore models get yunet-n")
    films = []
    for name in told.clips:
        clip = core.bs.VideoSource(name, cachemode=0)
        first = max(0, (clip.num_frames - told.frames) // 2)
        clip = clip[first : first + told.frames].resize.Bicubic(format=vs.RGBS, matrix_in_s="170m")
        shots = list(pictures(clip))
        films.append((Path(name).name, as_clip(shots), shots, [finder(each) for each in shots]))
    firsts = [
        next(((p, max(f, key=lambda r: r.width)) for p, f in zip(s, b, strict=True) if f), None) for _, _, s, b in films
    ]
    for place, (name, clip, shots, boxes) in enumerate(films):
        print(name, f"{clip.width}x{clip.height}")
        finding(clip, finder)
        if firsts[place] is None:
            continue
        detail(shots, boxes)
        others = [each for n, each in enumerate(firsts) if n != place and each is not None]
        if others:
            guarded(shots, boxes, max(others, key=lambda each: eye_distance(each[1])), marks)
    if told.sheet:
        sheet(Path(told.sheet), [each for each in firsts if each is not None])


if __name__ == "__main__":
    main()
