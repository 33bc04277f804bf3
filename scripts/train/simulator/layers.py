"""What lies between the light and the lens: opacity with a colour, of one class."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from .tools import tensor, to_display, to_light

__all__ = ["Layer", "composed"]

_PRINT_GAMMA = 2.2
"""Steepness of print film, from light on it to density."""


@dataclass(frozen=True)
class Layer:
    """Damage of one class.

    Args:
        kind: The class.
        alpha: Opacity, T, H, W, 0..1.
        colour: Red, green, blue of linear light at full opacity.
        mode: "shades": the picture is multiplied by the colour (dirt on the print). "covers": it is replaced by it.
            "lifts": dirt on the negative of that transmittance t kept light from the print, whose density falls by
            gamma log10 1/t, so a faint speck shows little in the shadows. "thins": that share of the density of each
            dye is gone (a scratch in the emulsion).
    """

    kind: str
    alpha: torch.Tensor
    colour: tuple[float, float, float]
    mode: str = "shades"

    def over(self, light: torch.Tensor) -> torch.Tensor:
        """The layer laid on linear light."""
        alpha = self.alpha[:, None]
        colour = tensor(self.colour, light)[:, None, None]
        if self.mode == "thins":
            return light.clamp(min=1e-3) ** (1 - alpha * colour)
        if self.mode == "lifts":
            return light.clamp(min=1e-3) * (1 - alpha * (1 - colour)) ** -_PRINT_GAMMA
        return light * (1 - alpha * (1 - colour)) if self.mode == "shades" else light * (1 - alpha) + alpha * colour

    def grey(self) -> Layer:
        """On black-and-white film there are no dyes: as much of it in all colours."""
        mean = sum(self.colour) / 3
        return replace(self, colour=(mean, mean, mean))

    def with_alpha(self, alpha: torch.Tensor) -> Layer:
        """The same damage, displaced or softened."""
        return replace(self, alpha=alpha)


def composed(picture: torch.Tensor, layers: list[Layer]) -> torch.Tensor:
    """Layers laid on a picture in order; where all are empty, the picture is untouched to the bit."""
    if not layers:
        return picture
    light = to_light(picture)
    hit = torch.zeros_like(layers[0].alpha, dtype=torch.bool)
    for layer in layers:
        light = layer.over(light)
        hit |= layer.alpha > 0
    return torch.where(hit[:, None], to_display(light), picture)
