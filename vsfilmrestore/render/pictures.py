"""Pictures for people: before/after sheets as PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio
import vapoursynth as vs

from vsfilmrestore.errors import OutputError
from vsfilmrestore.media.failure import frame_error
from vsfilmrestore.media.out.prepare import with_matrix

__all__ = ["as_rgb24", "before_after", "save_png", "spread"]

core = vs.core


def as_rgb24(clip: vs.VideoNode, width: int = 0) -> vs.VideoNode:
    """The clip as full-range RGB24 for a screen, square pixels, ``width`` pixels wide (0: as it is).

    YUV without a matrix is taken as the usual one for its size.
    """
    width = width or clip.width
    height = max(1, round(clip.height * width / clip.width))
    if clip.format.color_family != vs.RGB:
        clip = with_matrix(clip)
    # Pictures marked as fields would be resized field by field, which not every height allows.
    return clip.std.SetFieldBased(0).resize.Bicubic(width, height, format=vs.RGB24)


def spread(length: int, count: int) -> list[int]:
    """Up to ``count`` different numbers in 0 … length - 1, evenly spread, away from the ends."""
    return sorted({min(length - 1, (2 * i + 1) * length // (2 * count)) for i in range(count)})


def before_after(
    before: vs.VideoNode,
    after: vs.VideoNode,
    frames: Sequence[int],
    labels: Sequence[str],
    path: Path,
    *,
    width: int = 640,
) -> None:
    """Write a sheet with one row per frame: source left, restored right, and the label between.

    Args:
        before: The source.
        after: The restored reel; a whole multiple of the source's frames.
        frames: Frames of the source to show.
        labels: A short text for each.
        path: PNG file to write.
        width: Width of each picture.

    Raises:
        RenderError: A frame could not be made.
        OutputError: The file cannot be written.
    """
    factor = max(1, after.num_frames // before.num_frames)
    rows = []
    for frame, label in zip(frames, labels, strict=True):
        sides = []
        for title, clip, n in (("source", before, frame), ("restored", after, frame * factor)):
            # One frame on its own, so that nothing else of the reel is computed.
            sides.append(as_rgb24(clip[n], width).text.Text(f"{title}  {label}", alignment=7))
        rows.append(core.std.StackHorizontal(sides))
    try:
        pictures = [_array(row) for row in rows]
    except vs.Error as error:
        raise frame_error(error) from error
    save_png(np.concatenate(pictures), path)


def _array(clip: vs.VideoNode) -> npt.NDArray[np.uint8]:
    with clip.get_frame(0) as frame:
        return np.stack([np.asarray(frame[p]) for p in range(3)], axis=-1)


def save_png(picture: npt.NDArray[np.uint8], path: Path) -> None:
    """Write an RGB picture ``(height, width, 3)``, whole or not at all.

    Raises:
        OutputError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.part.png")
    image = oiio.ImageBuf(np.ascontiguousarray(picture))
    try:
        if not image.write(str(temporary)):
            raise OutputError(f"cannot be written: {image.geterror()}", file=path)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
