"""Training in slices, on crops of samples that lie on the disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from learning import Course, ahead, learn
from optimiser import Optimiser

from .network import FLOW_UNIT, REACH, VIEWS, BlendNet, blended, sampled
from .samples import SIZE, Samples

__all__ = ["STATE", "Batch", "Crops", "Plan", "made", "train"]

STATE = "between.pt"
_FLOOR = 0.01
_EASY = 0.003
"""Errors of the first guess from which on a crop counts in full."""
_SCALE = 0.03


@dataclass(frozen=True)
class Plan:
    """How to train.

    Attributes:
        steps: Batches in all.
        size: Crops in a batch.
        rate: Highest learning rate.
        begun: A network of ours to begin with; without it all is learned anew.
    """

    steps: int
    size: int
    rate: float
    begun: Path | None = None


@dataclass(frozen=True)
class Batch:
    """Crops, 0..1, and the whole left and right they are moved from."""

    views: torch.Tensor
    small: torch.Tensor
    flow: torch.Tensor
    sides: torch.Tensor
    corner: torch.Tensor
    time: torch.Tensor
    truth: torch.Tensor


class Crops:
    """Crops at random, mirrored, turned round in time and a little brighter or darker."""

    def __init__(self, samples: Samples, side: int, seed: int) -> None:
        self._samples, self._side, self._seed = samples, side, seed

    def batch(self, step: int, size: int) -> Batch:
        """The crops of a step."""
        rng = np.random.default_rng((self._seed, step))
        crops = [self._crop(int(rng.integers(len(self._samples))), rng) for _ in range(size)]
        return _stacked(crops)

    def _crop(self, number: int, rng: np.random.Generator) -> dict[str, npt.NDArray[np.float32]]:
        fields = self._samples.fields
        pictures = fields["pictures"][number].astype(np.float32) / 255
        flows, covers = fields["flows"][number].astype(np.float32), fields["covers"][number].astype(np.float32) / 255
        moment = float(fields["time"][number])
        left, right, truth = pictures
        if rng.random() < 0.5:
            left, right, flows, covers, moment = right, left, -flows, covers[..., ::-1], 1 - moment
        if rng.random() < 0.5:
            left, right, truth = (np.ascontiguousarray(each[::-1]) for each in (left, right, truth))
            flows, covers = flows[:, ::-1] * np.array([1, -1], np.float32), covers[:, ::-1]
        if rng.random() < 0.5:
            left, right, truth = (np.ascontiguousarray(each[:, ::-1]) for each in (left, right, truth))
            flows, covers = flows[:, :, ::-1] * np.array([-1, 1], np.float32), covers[:, :, ::-1]
        light = np.float32(rng.uniform(0.7, 1.2))
        corner = self._corner(left, right, rng)
        return _cut(light * left, light * right, light * truth, flows, covers, moment, corner, self._side)

    def _corner(
        self, left: npt.NDArray[np.float32], right: npt.NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[int, int]:
        """Mostly that of two places where more changes."""
        places = []
        for _ in range(2):
            row, column = (int(rng.integers((side - self._side) // 2 + 1)) * 2 for side in SIZE)
            piece = slice(row, row + self._side, 4), slice(column, column + self._side, 4)
            places.append((float(np.abs(left[piece] - right[piece]).mean()), row, column))
        return max(places)[1:] if rng.random() < 0.7 else places[0][1:]


def _cut(
    left: npt.NDArray[np.float32],
    right: npt.NDArray[np.float32],
    truth: npt.NDArray[np.float32],
    flows: npt.NDArray[np.float32],
    covers: npt.NDArray[np.float32],
    moment: float,
    corner: tuple[int, int],
    side: int,
) -> dict[str, npt.NDArray[np.float32]]:
    """A crop of all, as the filter gives it to the network."""
    row, column = corner
    rows, columns = slice(row, row + side), slice(column, column + side)
    small = slice(row // 2, (row + side) // 2), slice(column // 2, (column + side) // 2)
    shape = left.shape[1], left.shape[0]
    y, x = np.mgrid[rows, columns].astype(np.float32)
    views, grown = [], []
    for flow in flows:
        full = cv2.resize(np.ascontiguousarray(flow), shape)[rows, columns] * 2
        grown.append(full)
        for picture, way in ((left, -moment), (right, 1 - moment)):
            at = np.float32(way) * full
            views.append(
                cv2.remap(picture, x + at[..., 0], y + at[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
            )
    views += [left[rows, columns], right[rows, columns]]
    planes = [flow[small][..., axis] / FLOW_UNIT for flow in flows for axis in (0, 1)]
    planes += [cover[small][..., axis] for cover in covers for axis in (0, 1)]
    return {"views": np.stack(views), "small": np.stack(planes), "flow": grown[0].transpose(2, 0, 1),
            "sides": np.stack([left, right]), "corner": np.array([column, row], np.float32),
            "time": np.array(moment, np.float32), "truth": truth[rows, columns][None]}  # fmt: skip


def _stacked(crops: list[dict[str, npt.NDArray[np.float32]]]) -> Batch:
    return Batch(**{name: torch.from_numpy(np.stack([crop[name] for crop in crops]).astype(np.float32))
                    for name in crops[0]})  # fmt: skip


def made(net: BlendNet, batch: Batch, *, half: bool = True) -> torch.Tensor:
    """The pictures between."""
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        out = net(batch.views, batch.small, batch.time)
    out = out.float()
    more = REACH * out[:, VIEWS : VIEWS + 4]
    moment = batch.time[:, None, None, None]
    left = sampled(batch.sides[:, :1], -moment * batch.flow + more[:, :2], batch.corner)
    right = sampled(batch.sides[:, 1:], (1 - moment) * batch.flow + more[:, 2:], batch.corner)
    return blended(out, batch.views, left, right, batch.time)


def errors_of(picture: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Small errors and large ones, and those of edges; one number for each crop."""
    error = picture - truth
    plain = (error * error + _FLOOR**2).sqrt() - _FLOOR + 10 * error * error
    across, down = error[..., 1:] - error[..., :-1], error[..., 1:, :] - error[..., :-1, :]
    return plain.mean((1, 2, 3)) + 0.25 * (across.abs().mean((1, 2, 3)) + down.abs().mean((1, 2, 3)))


def loss_of(picture: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, float]:
    """Errors beside those of the first guess alone, so that easy crops count as hard ones do; and their mean ratio."""
    moment = batch.time[:, None, None, None]
    usual = errors_of((1 - moment) * batch.views[:, :1] + moment * batch.views[:, 1:2], batch.truth)
    made = errors_of(picture, batch.truth)
    return (made / (usual + _EASY)).mean() * _SCALE, float(made.detach().sum() / usual.sum())


def train(plan: Plan, crops: Crops, folder: Path, minutes: float, say: Callable[[str], None]) -> bool:
    """Go on for so many minutes, or to the end of the plan; whether the end was reached."""
    torch.manual_seed(0)
    net = BlendNet.begun(plan.begun) if plan.begun else BlendNet()
    net.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    with ahead(lambda step: crops.batch(step, plan.size)) as batches:

        def cost(step: int) -> tuple[torch.Tensor, dict[str, float]]:
            batch = batches(step)
            loss, ratio = loss_of(made(net, batch), batch)
            return loss, {"loss": loss.item(), "of the first guess": ratio}

        course = Course(steps=plan.steps, rate=plan.rate, steep=0.5, told=50)
        optimiser = Optimiser(net.parameters(), {"lr": plan.rate})
        return learn(net, optimiser, course, folder / STATE, minutes, cost, say)
