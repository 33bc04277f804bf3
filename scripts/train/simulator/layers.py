"""What lies between the light and the lens: opacity with a colour, of one class."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from .tools import tensor, to_display, to_light

__all__ = ["Layer", "composed"]


@dataclass(frozen=True)
class Layer:
    """Damage of one class.

    Args:
        kind: The class.
        alpha: Opacity, T, H, W, 0..1.
        colour: Red, green, blue of linear light at full opacity.
        lets_through: The picture is multiplied by the colour (dirt on the print) rather than replaced by it
            (dirt on the negative keeps the print from being exposed: it goes towards white).
    """

    kind: str
    alpha: torch.Tensor
    colour: tuple[float, float, float]
    lets_through: bool = True

    def over(self, light: torch.Tensor) -> torch.Tensor:
        """The layer laid on linear light."""
        alpha = self.alpha[:, None]
        colour = tensor(self.colour, light)[:, None, None]
        return light * (1 - alpha * (1 - colour)) if self.lets_through else light * (1 - alpha) + alpha * colour

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
