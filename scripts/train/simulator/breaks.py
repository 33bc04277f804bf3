"""Tears, splices, frames that are missing, frozen or torn away."""

from __future__ import annotations

import numpy as np
import torch

from .chance import Dice
from .distributions import RANGES
from .film import Film
from .tools import field, grid, moved

__all__ = ["broken"]

type Masks = dict[str, torch.Tensor]


def broken(dice: Dice, film: Film, picture: torch.Tensor, happen: set[str]) -> tuple[torch.Tensor, Masks, list[str]]:
    """The clip with whole-frame damage, where it is (T, H, W, bool), and what each frame is: ok, torn, ...

    A frame gets one kind at most. A splice lies between two frames: its jump and its line are in the frame after it.
    """
    picture = picture.clone()
    masks: Masks = {}
    kinds = ["ok"] * len(picture)
    for name, act in (("missing", _missing), ("splice", _spliced), ("tear", _torn)):
        if name in happen:
            masks[name] = torch.zeros_like(picture[:, 0], dtype=torch.bool)
            act(dice.part(name), film, picture, masks[name], kinds)
    return picture, masks, kinds


def _free(dice: Dice, kinds: list[str], most: int) -> list[int]:
    """Up to ``most`` frames in a row to which nothing happened yet; never the first, if there are others."""
    choices = [n for n in range(min(1, len(kinds) - 1), len(kinds)) if kinds[n] == "ok"]
    if not choices:
        return []
    first = int(dice.rng.choice(choices))
    run = [first]
    while len(run) < most and run[-1] + 1 in choices:
        run.append(run[-1] + 1)
    return run


def _missing(dice: Dice, _: Film, picture: torch.Tensor, mask: torch.Tensor, kinds: list[str]) -> None:
    run = _free(dice, kinds, int(dice.rng.integers(1, 4)))
    frozen = dice.happens(0.6) and bool(run) and run[0] > 0
    level = float(dice.rng.choice([0.0, 0.02, 0.97]))
    for n in run:
        picture[n] = picture[run[0] - 1] if frozen else level
        mask[n] = True
        kinds[n] = "frozen" if frozen else "absent"


def _spliced(dice: Dice, film: Film, picture: torch.Tensor, mask: torch.Tensor, kinds: list[str]) -> None:
    """The frame sits lower or higher in the gate, and the cement or tape of the join shows at its edge."""
    for n in _free(dice, kinds, 1):
        jump = dice.draw(RANGES["jump"]) * film.scale * dice.rng.choice([-1, 1])
        picture[n : n + 1] = moved(picture[n : n + 1], np.array([jump * 0.15]), np.array([jump]))
        y, _ = grid(picture)
        at_top, reach = dice.happens(0.5), float(dice.between(0.02, 0.08)) * picture.shape[-2]
        edge = field(dice.noise((1, 2, 12), picture.device), (2, picture.shape[-1]))[0, :1] * 0.6 + reach
        depth = y if at_top else picture.shape[-2] - 1 - y
        band = (edge - depth).clamp(0, 1) * float(dice.between(0.3, 0.9))
        level = float(dice.rng.choice([0.0, 0.9]))
        picture[n] = picture[n] * (1 - band) + level * band
        mask[n] = True
        kinds[n] = "splice"


def _torn(dice: Dice, film: Film, picture: torch.Tensor, mask: torch.Tensor, kinds: list[str]) -> None:
    """One side of a jagged line is displaced, or gone; the line itself is bright, or dark where edges overlap."""
    height, width = picture.shape[-2:]
    y, x = grid(picture)
    share = dice.draw(RANGES["tear height"])
    lean = float(dice.rng.normal(0, 0.35))
    steps = dice.noise((1, 2, max(width // 12, 3)), picture.device)
    jag = field(steps, (2, width))[0, :1] * 3 * film.scale
    below = dice.happens(0.5)
    gone = dice.happens(0.4)
    for n in _free(dice, kinds, int(dice.rng.integers(1, 3))):
        line = (share if below else 1 - share) * height + lean * (x - width / 2) + jag
        part = y < line if below else y > line
        shift = dice.between(3, 15, 2) * film.scale * dice.rng.choice([-1, 1], 2)
        other = moved(picture[n : n + 1], shift[:1], shift[1:])[0]
        if gone:
            other = torch.full_like(other, float(dice.rng.choice([0.0, 0.95])))
        rim = ((film.scale + 1.2) - (y - line).abs()).clamp(0, 1)
        torn = torch.where(part, other, picture[n])
        picture[n] = torn * (1 - rim) + (0.95 if dice.happens(0.7) else 0.03) * rim
        mask[n] = part | (rim > 0)
        kinds[n] = "torn"
