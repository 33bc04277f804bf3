"""Faces, found by YuNet.

Source: Wei Wu, Hanyang Peng, Shiqi Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research,
2023. At strides of 8, 16 and 32 pixels each cell of a grid tells of one face: how much it is a face (``cls``), how
well its box lies (``obj``), the box (``bbox``: its middle off the cell's corner, and the logarithm of its size, both
in cells), and five points (``kps``: off the cell's corner, in cells).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import vapoursynth as vs

from vsfilmrestore.errors import ModelError
from vsfilmrestore.inference.colour import GUESSED, show
from vsfilmrestore.inference.data import run_data
from vsfilmrestore.inference.regions import Region, as_props, with_regions
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.inference.runtimes.base import Array
from vsfilmrestore.media import props
from vsfilmrestore.models.contract import Contract

__all__ = ["YUNET", "decode_yunet", "find_faces"]

YUNET: Final = Contract(colour="data", order="bgr", high=255.0, out_channels=0, multiple=32, minimum=32, tiled=False)
"""What YuNet wants and gives."""
_STRIDES: Final = (8, 16, 32)
_LARGEST: Final = 8.0
"""Logarithm of the largest box, in cells: more is no face, and would not be a number."""


def find_faces(
    clip: vs.VideoNode,
    model: Path | str,
    contract: Contract = YUNET,
    *,
    sha256: str = "",
    least: float = 0.7,
    smallest: float = 0.0,
    shared: float = 0.3,
    side: int = 640,
    most: int = 32,
    device: str = "auto",
    models: Registry | None = None,
) -> vs.VideoNode:
    """Look for faces in each frame, and write them onto it.

    Args:
        clip: Any constant format of 8 to 16 bits or float.
        model: YuNet's file.
        contract: What it wants.
        sha256: What the file's bytes must add up to.
        least: Faces that are less sure are none, 0..1.
        smallest: Faces whose longer side is less, in pixels of the clip, are left out.
        shared: Of faces that overlap more than this, the surest is kept.
        side: The longer side the picture is made smaller to: faces of 10 to 300 pixels are found best.
        most: Faces of a frame, the surest ones.
        device: See `run_model`.
        models: See `run_model`.

    Returns:
        The clip, with the properties `regions_of` reads. Nothing is run until a frame is asked for.

    Raises:
        vs.Error: The clip and the contract do not fit together.
        ModelError: No runtime takes the file.
    """
    small = _seen(clip, min(1.0, side / max(clip.width, clip.height)))
    across, down = clip.width / small.width, clip.height / small.height

    def read(found: dict[str, Array], padded: tuple[int, int], _number: int) -> dict[str, Any]:
        faces = decode_yunet(found, padded, Path(model), least=least, shared=shared, most=most)
        turned = np.array([across, down] * 7)
        placed = [face.moved(face.numbers * turned) for face in faces]
        return as_props([face for face in placed if max(face.width, face.height) >= smallest])

    data = run_data(small, model, contract, read, sha256=sha256, device=device, models=models)
    return with_regions(clip, data)


def _seen(clip: vs.VideoNode, scale: float) -> vs.VideoNode:
    """The clip as the eye sees it, made smaller; its matrix goes by the size it had before."""
    seen = show(clip, "rgb").clip.std.RemoveFrameProps([props.LOG, GUESSED])
    if scale == 1:
        return seen
    return seen.resize.Bilinear(max(1, round(clip.width * scale)), max(1, round(clip.height * scale)))


def decode_yunet(
    found: Mapping[str, Array],
    size: tuple[int, int],
    path: Path,
    *,
    least: float = 0.7,
    shared: float = 0.3,
    most: int = 32,
) -> list[Region]:
    """Faces, the surest first.

    Args:
        found: Outputs by name: ``cls_8`` … ``kps_32``, ``[1, cells, values]`` each.
        size: Height and width of what went in.
        path: The network's file, for messages.
        least: See `find_faces`.
        shared: See `find_faces`.
        most: See `find_faces`.

    Raises:
        ModelError: These are not YuNet's outputs.
    """
    parts = [_at_stride(found, stride, size, path) for stride in _STRIDES]
    rows = np.concatenate([part[part[:, 0] >= least] for part in parts])
    boxes, scores = rows[:, 1:5], rows[:, 0]
    kept = np.asarray(cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), least, shared), np.intp).reshape(-1)
    return [_face(rows[place]) for place in kept[:most]]


def _at_stride(found: Mapping[str, Array], stride: int, size: tuple[int, int], path: Path) -> Array:
    """Score, box and points of each cell: ``[cells, 15]``, in pixels."""
    down, across = size[0] // stride, size[1] // stride
    heads = []
    for name, values in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
        head = found.get(f"{name}_{stride}")
        if head is None or head.size != down * across * values:
            raise ModelError(f"has no output '{name}_{stride}' of {down * across} x {values}, as YuNet has", file=path)
        heads.append(head.reshape(-1, values).astype(np.float64))
    sure, lies, box, points = heads
    score = np.sqrt(np.clip(sure, 0, 1) * np.clip(lies, 0, 1))
    corner = np.stack(np.meshgrid(np.arange(across), np.arange(down)), axis=-1).reshape(-1, 2)
    extent = np.exp(np.minimum(box[:, 2:], _LARGEST))
    start = corner + box[:, :2] - extent / 2
    return np.concatenate([score, *(stride * each for each in (start, extent, points + np.tile(corner, 5)))], axis=1)


def _face(row: Array) -> Region:
    return Region(0, 0, 0, 0, (), min(float(row[0]), 1.0)).moved(row[1:])
