"""Draw a sheet of simulated damage for a person to look at.

    python scripts/train/show.py --pictures FOLDER --overlays FOLDER --seed 3 -o sheet.png
    python scripts/train/show.py --pictures FOLDER --each classes -o classes.png
    python scripts/train/show.py --pictures FOLDER --speed

Without --each, a row is a sample: scene, clean, damaged (three frames in a row), masks, props. With --each, a row is
one class, stage or prop alone. Masks: dirt red, sparkle white, hair yellow, stain brown, scratch cyan, wire magenta,
tear orange, splice violet, missing grey, dropout blue. Without overlays, drawn shapes are used.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from simulator import CLASSES, DISTRIBUTIONS, PROPS, STAGES, Film, Pictures, Sample, atlas_for, simulate

COLOURS = (
    (230, 40, 40), (255, 255, 255), (240, 220, 40), (150, 90, 40), (40, 220, 230),
    (230, 60, 230), (255, 140, 20), (150, 80, 230), (110, 110, 110), (60, 90, 255),
)  # fmt: skip


def picture(frame: torch.Tensor) -> np.ndarray:
    """3, H, W from 0 to 1 as H, W, 3 bytes."""
    return (frame.permute(1, 2, 0).clamp(0, 1) * 255).round().byte().cpu().numpy()


def masks_of(sample: Sample, frame: int) -> np.ndarray:
    """All masks of a frame in colours."""
    out = np.zeros((*sample.alpha.shape[1:], 3), np.uint8)
    for index in (8, 7, 6, 3, 9, 5, 4, 2, 0, 1):
        out[sample.masks[index, frame].cpu().numpy()] = COLOURS[index]
    return out


def row(sample: Sample, title: str) -> np.ndarray:
    """Scene, clean, three damaged frames, masks of the middle one, props."""
    middle = 1 + int(sample.masks[:, 1:-1].flatten(2).any(2).float().sum(0).argmax())
    cells = [picture(sample.scene[middle]), picture(sample.clean[middle])]
    cells += [picture(sample.damaged[n]) for n in (middle - 1, middle, middle + 1)]
    cells += [masks_of(sample, middle), np.repeat(sample.hard[middle].cpu().numpy()[..., None] * np.uint8(200), 3, 2)]
    line = np.hstack([cv2.copyMakeBorder(cell, 0, 4, 0, 4, cv2.BORDER_CONSTANT, value=(60, 60, 60)) for cell in cells])
    label = np.full((18, line.shape[1], 3), 20, np.uint8)
    cv2.putText(label, title, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (220, 220, 220), 1, cv2.LINE_AA)
    return np.vstack((label, line))


def describe(sample: Sample) -> str:
    """One line on a sample."""
    share = float(sample.masks[:6].any(0).float().mean())
    kinds = " ".join(f"{n}:{kind}" for n, kind in enumerate(sample.frames) if kind != "ok")
    film = f"{sample.film.gauge} scanned {sample.film.width:.0f} wide"
    return f"{film}, small damage on {share:.2%}; {' '.join(sample.occurs)} {kinds}"


def sheet(options: argparse.Namespace) -> np.ndarray:
    """All rows."""
    distribution = DISTRIBUTIONS[options.distribution]
    atlas = atlas_for(distribution, options.overlays, options.device)
    source = Pictures(options.pictures, options.device)
    whole = Film("35mm", options.width) if options.width else None
    cases: list[tuple[str, dict[str, object]]] = [("", {}) for _ in range(options.rows)]
    if options.each == "classes":
        cases = [(name, {"classes": [name], "hard": []}) for name in CLASSES]
    elif options.each == "stages":
        cases = [(name, {"stages": [name], "hard": []}) for name in STAGES]
    elif options.each == "props":
        cases = [(name, {"classes": [], "hard": [name]}) for name in PROPS]
    rows = []
    for n, (name, what) in enumerate(cases):
        scene = source.clip(options.seed + n, options.frames, (options.size, options.size))
        sample = simulate(scene, options.seed + n, distribution, atlas=atlas, film=whole, **what)  # type: ignore[arg-type]
        rows.append(row(sample, f"{name.upper()} seed {options.seed + n}: {describe(sample)}"))
    return np.vstack(rows)


def speed(options: argparse.Namespace) -> None:
    """Print samples per second, with and without the making of the clip."""
    distribution = DISTRIBUTIONS[options.distribution]
    atlas = atlas_for(distribution, options.overlays, options.device)
    source = Pictures(options.pictures, options.device)
    for size in (128, 256):
        for title in ("simulate alone", "with clips from pictures"):
            clip = source.clip(0, options.frames, (size, size))
            for n in range(200):  # files are read and kept
                source.clip(n, 2, (32, 32))
            start, count = time.perf_counter(), 0
            while time.perf_counter() - start < options.seconds:
                if title != "simulate alone":
                    clip = source.clip(count, options.frames, (size, size))
                simulate(clip, count, distribution, atlas=atlas)
                count += 1
                if options.device != "cpu":
                    torch.cuda.synchronize()
            rate = count / (time.perf_counter() - start)
            print(f"{size}x{size}x{options.frames} {title}: {rate:.2f} samples per second ({options.device})")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--overlays", type=Path)
    parser.add_argument("--distribution", choices=sorted(DISTRIBUTIONS), default="train")
    parser.add_argument("--each", choices=("classes", "stages", "props"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=6)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--frames", type=int, default=7)
    parser.add_argument("--width", type=float, help="scan width of 35 mm film for all rows")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--speed", action="store_true", help="measure instead of drawing")
    parser.add_argument("--threads", type=int, default=1, help="of torch; one is best where workers run side by side")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("-o", "--out", type=Path, default=Path("sheet.png"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.speed:
        return speed(options)
    if not cv2.imwrite(str(options.out), sheet(options)[..., ::-1]):
        parser.error(f"{options.out} cannot be written")
    print(options.out)
    return None


if __name__ == "__main__":
    main()
