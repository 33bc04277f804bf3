"""How weights follow their gradients: kernels and matrices along the nearest orthogonal matrix, the rest by Adam.

Sources: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; Kingma and Ba, "Adam: a method
for stochastic optimization", ICLR 2015.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch

__all__ = ["Optimiser", "orthogonal"]

_WIDE: Final = 100
"""Of so few numbers to each output or fewer, a weight is moved by Adam: the first layer of pictures, narrow layers."""
_STEEP: Final = 15.0
"""Length of the step of a matrix in times of the rate: so its numbers move about as far as by Adam."""
_MOMENTUM: Final = 0.95
_MEAN, _SQUARE, _LEAST = 0.9, 0.999, 1e-8
"""Of Adam: what stays of the mean and of the mean square, and what keeps from dividing by nothing."""
_ROUNDS: Final = 5
_ODD: Final = (3.4445, -4.7750, 2.0315)
"""Of a matrix, its third and its fifth power: brings singular values near 1, in those rounds."""


class Optimiser(torch.optim.Optimizer):
    """Muon for wide kernels and matrices, Adam for all else."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Move all weights that have a gradient; ``closure`` is not asked."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    move = _as_matrix if weight.ndim > 1 and weight[0].numel() > _WIDE else _by_adam
                    weight.sub_(move(weight.grad, self.state[weight]), alpha=group["lr"])


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Of no more rows than columns, with singular values near 1 (0.7 to 1.2) and the same singular vectors."""
    x = matrix / (matrix.norm() + 1e-7)
    first, third, fifth = _ODD
    for _ in range(_ROUNDS):
        square = x @ x.T
        x = first * x + (third * square + fifth * square @ square) @ x
    return x


def _as_matrix(grad: torch.Tensor, state: dict[str, torch.Tensor]) -> torch.Tensor:
    mean = state.setdefault("mean", torch.zeros_like(grad))
    mean.lerp_(grad, 1 - _MOMENTUM)
    return _STEEP * orthogonal(grad.lerp(mean, _MOMENTUM).flatten(1)).reshape(grad.shape)


def _by_adam(grad: torch.Tensor, state: dict[str, torch.Tensor]) -> torch.Tensor:
    mean, square = (state.setdefault(name, torch.zeros_like(grad)) for name in ("mean", "square"))
    count = state.setdefault("count", torch.zeros(()))
    count += 1
    mean.lerp_(grad, 1 - _MEAN)
    square.lerp_(grad.square(), 1 - _SQUARE)
    return mean / (1 - _MEAN**count) / ((square / (1 - _SQUARE**count)).sqrt() + _LEAST)
