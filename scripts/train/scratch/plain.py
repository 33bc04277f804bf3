"""Plain lines drawn on what was averaged already: of one height whatever lies beneath, soft, drifting slowly.

The simulator's lines thin or shade the film, so what they add goes with the picture. Not all lines do.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._scratch_sight import moved_onto

from .samples import AROUND, SIZES

__all__ = ["SHARE", "make_plain", "plain_name"]

type Reals = npt.NDArray[np.float32]

SHARE = 3
"""Every so manieth stack gets plain lines."""


def plain_name(file: Path) -> Path:
    """Where the stacks of a file lie that got plain lines."""
    return file.with_name(f"plain-{file.name}")


def make_plain(file: Path, seed: int) -> None:
    """Draw plain lines on some of the stacks of a file that `samples.make` wrote."""
    for k in range(len(SIZES)):
        stacks = np.load(file.with_name(f"{file.stem}.{k}.npy"))[seed % SHARE :: SHARE]
        drawn = np.stack([_lined(stack, np.random.default_rng([seed, k, n])) for n, stack in enumerate(stacks)])
        target = plain_name(file)
        part = target.with_name(f"part-{target.stem}.{k}.npy")
        np.save(part, drawn)
        part.replace(target.with_name(f"{target.stem}.{k}.npy"))


def _lined(stack: Reals, rng: np.random.Generator) -> Reals:
    count = 1 + 2 * AROUND
    frames = stack[[*range(1, AROUND + 1), 0, *range(AROUND + 1, count)]]  # in the order of time
    added = sum(_line(frames.shape, rng) for _ in range(int(rng.integers(1, 5))))
    frames = frames + added
    here, others = frames[AROUND], [frame for n, frame in enumerate(frames) if n != AROUND]
    true = stack[-1] + np.asarray(added)[AROUND]
    return np.stack([here, *others, *moved_onto(here, others), true]).astype(np.float32)


def _line(shape: tuple[int, ...], rng: np.random.Generator) -> Reals:
    """What a line adds to the blocks of each frame."""
    frames, blocks, width = shape
    time = np.arange(frames) - frames // 2
    place = rng.uniform(0.03, 0.97) * width + rng.normal(0, 0.3) * time + rng.normal(0, rng.uniform(0.05, 0.4), frames)
    y = (np.arange(blocks) + 0.5) / blocks
    middle = place[:, None] + rng.normal(0, 0.6) * (y - 0.5)
    spread, height = np.exp(rng.uniform(np.log(0.4), np.log(2.2))), np.exp(rng.uniform(np.log(3), np.log(55)))
    if rng.random() < 0.5:
        height = -height
    wear = 1 + rng.uniform(0, 0.35) * np.sin(rng.uniform(2, 40) * y + rng.uniform(0, 6.3, frames)[:, None])
    if rng.random() < 0.35:
        top, tall = rng.uniform(-0.1, 0.6), rng.uniform(0.3, 1)
        wear = wear * ((y >= top) & (y < top + tall))
    near = np.exp(-0.5 * ((np.arange(width) - middle[..., None]) / spread) ** 2)
    return (height * wear[..., None] * near).astype(np.float32)
