"""What tape, fields and frames do to a picture, by constructions whose amount is known exactly."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
import vapoursynth as vs
from simulator import video
from simulator.tools import blur

from .scenes import Damaged, clip_of, dice

__all__ = ["bordered", "combed", "dropped", "frame_lined", "narrowed", "panned", "shifted_colour", "woven_fields"]

core = vs.core

_PERIOD = 4


def bordered(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    """Black around the picture: so many pixels on the left, half of that above, twice that on the right."""
    if not amount:
        return scene, 0.0
    out, step = torch.zeros_like(scene), int(amount)
    left, right, top = step, 2 * step, step // 2 * 2
    height, width = scene.shape[-2] - top, scene.shape[-1] - left - right
    out[..., top:, left : left + width] = F.interpolate(scene, (height, width), mode="area")
    return out, left + right + top


def frame_lined(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    """A dark line of that height with the end of the frame before above it."""
    if not amount:
        return scene, 0.0
    above, line = round(0.05 * scene.shape[-2]), int(amount)
    out = torch.roll(scene, above + line, dims=2)
    out[:, :, above : above + line] = 0.02
    out[:, :, :above] = torch.roll(scene[:, :, -above:], 1, dims=0)
    return out, amount


def woven_fields(clip: vs.VideoNode, top: bool) -> vs.VideoNode:
    """Two frames make one, as a camera for interlaced video does."""
    return (
        clip.std.SetFieldBased(0).std.SeparateFields(tff=top).std.SelectEvery(4, [0, 3]).std.DoubleWeave(tff=top)[::2]
    )


def combed(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    """That share of the frames, in the middle of the clip, have the later field of the frame after them."""
    rows = (torch.arange(scene.shape[-2]) % 2 == 1)[:, None]
    count = round(amount * len(scene))
    start = (len(scene) - count) // 2
    hit = torch.zeros(len(scene), dtype=torch.bool)
    hit[start : start + count] = True
    later = torch.cat((scene[2:], scene[-2:]))
    return torch.where(hit[:, None, None, None] & rows, later, scene), count / len(scene)


def dropped(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    """About that many streaks a frame."""
    size, own = (len(scene), *scene.shape[-2:]), dice(seed, "dropouts")
    alpha, count, part = torch.zeros(size), 0.0, 0
    import cv2

    while count < amount:
        alpha, part = torch.maximum(alpha, video.dropouts(own.part(part), size, scene.device)), part + 1
        pieces = [cv2.connectedComponents((each.numpy() > 0).astype(np.uint8))[0] - 1 for each in alpha]
        count = float(np.mean(pieces))
    return scene + (0.85 - scene) * alpha[:, None], count


def shifted_colour(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    """Colour moved to the right by so many pixels of luma."""
    clip = clip_of(scene)
    whole = clip.resize.Bicubic(format=vs.YUV444P8)
    moved = whole.resize.Bicubic(src_left=-amount)
    return core.std.ShufflePlanes([whole, moved, moved], [0, 1, 2], vs.YUV).resize.Bicubic(
        format=clip.format.id
    ), amount


def narrowed(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    """Colour softened along the rows by a Gaussian of so many pixels; less of it is left, so true is negative."""
    ycc = torch.einsum("ij,tjhw->tihw", torch.tensor(video._TO_YCC, dtype=torch.float32), scene)
    ycc = torch.cat((ycc[:, :1], blur(ycc[:, 1:], amount, 0.0)), 1)
    back = torch.tensor(np.linalg.inv(video._TO_YCC), dtype=torch.float32)
    return torch.einsum("ij,tjhw->tihw", back, ycc).clamp(0, 1), -amount


def panned(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    """A camera that passes over one frame, by so many per cent of the width of what it sees from frame to frame."""
    height, width = scene.shape[-2:]
    seen = width // 2 // 2 * 2
    step = amount / 100 * seen
    places = np.arange(len(scene)) * step
    places = np.abs((places + width - seen) % (2 * (width - seen)) - (width - seen))  # to and fro, if it is long
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, seen), indexing="ij")
    frames = []
    for place in places:
        at = torch.stack((((x + 1) / 2 * (seen - 1) + place) * 2 / (width - 1) - 1, y), -1)[None]
        frames.append(F.grid_sample(scene[:1], at, mode="bicubic", padding_mode="border", align_corners=True))
    return torch.cat(frames).clamp(0, 1), amount
