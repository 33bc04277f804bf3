"""What lies beneath the grain: one plane of a clip, as crisp as what was scanned larger, some of it coded hard."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av
import cv2
import numpy as np
import numpy.typing as npt
from simulator import Pictures

__all__ = ["FRAMES", "SIZE", "coded", "scene"]

type Planes = npt.NDArray[np.float32]

SIZE = (256, 256)
FRAMES = 7
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
_LARGER: Sequence[float] = (1.0, 1.5, 2.0, 2.5)
"""How many times as large a clip is made before it is brought down: what is seen at its own size is soft."""
_PACES, _FAST = (1, 1, 2, 1, 3, 1), (4, 6, 3, 8)
"""How many times as fast a clip is shown as it is: usual samples, and those where motion is often lost."""
_OFTEN = 4
"""Every so many samples one is fast."""
_CODED = 0.4
"""Share of samples that a codec had before the grain came: what it left is picture."""


def scene(pictures: Pictures, seed: int, rng: np.random.Generator) -> Planes:
    """T, H, W from 0 to 1, without grain."""
    fast = seed % _OFTEN == _OFTEN - 1
    plane = _plane(_fast(pictures, seed, rng) if fast else _usual(pictures, seed, rng), rng)
    return coded(plane, int(rng.integers(18, 35))) if rng.random() < _CODED else plane


def coded(planes: Planes, quantiser: int) -> Planes:
    """What H.264 leaves of T, H, W from 0 to 1, in whole levels of eight bits; 0 is best, 51 worst."""
    height, width = planes.shape[1:]
    writer = av.CodecContext.create("libx264", "w")
    writer.width, writer.height, writer.pix_fmt, writer.time_base = width, height, "yuv420p", Fraction(1, 24)
    writer.options = {"crf": str(quantiser), "preset": "veryfast", "threads": "1"}
    reader, found = av.CodecContext.create("h264", "r"), []
    grey = np.full((height // 2, width), 128, np.uint8)
    frames = [np.concatenate([np.rint(plane * 255).astype(np.uint8), grey]) for plane in planes]
    shown: list[av.VideoFrame | None] = [av.VideoFrame.from_ndarray(frame, "yuv420p") for frame in frames]
    for n, frame in enumerate([*shown, None]):
        if frame is not None:
            frame.pts = n
        for packet in writer.encode(frame):
            found += reader.decode(packet)
    found += reader.decode(None)
    return np.stack([frame.to_ndarray()[:height] for frame in found]).astype(np.float32) / 255


def _usual(pictures: Pictures, seed: int, rng: np.random.Generator) -> Planes:
    """T, H, W, 3 of R'G'B': made larger than it is wanted, and brought down."""
    larger = float(rng.choice(_LARGER))
    size = round(SIZE[0] * larger), round(SIZE[1] * larger)
    pace = _PACES[seed % len(_PACES)]
    return np.stack([_smaller(frame) for frame in _clip(pictures, seed, pace, size)[::pace]])


def _fast(pictures: Pictures, seed: int, rng: np.random.Generator) -> Planes:
    """The same at its own size, moving far from frame to frame, and blurred by that as often as not."""
    pace = _FAST[seed // _OFTEN % len(_FAST)]
    clip = _clip(pictures, seed, pace, SIZE)
    open_for = pace // 2 if rng.random() < 0.5 and len(clip) >= FRAMES * pace else 1
    return np.stack([clip[n * pace : n * pace + open_for].mean(0) for n in range(FRAMES)])


def _clip(pictures: Pictures, seed: int, pace: int, size: tuple[int, int]) -> Planes:
    try:
        found = pictures.clip(seed, FRAMES * pace, size)
    except ValueError:
        found = pictures.clip(seed + 1_000_000, FRAMES * pace, size)
    return np.asarray(found.permute(0, 2, 3, 1).numpy(), np.float32)


def _smaller(frame: Planes) -> Planes:
    whole = frame.shape[0] == SIZE[0]
    return frame if whole else np.asarray(cv2.resize(frame, SIZE[::-1], interpolation=cv2.INTER_AREA), np.float32)


def _plane(clip: Planes, rng: np.random.Generator) -> Planes:
    """Luma, more often than not; else a colour, or what it differs from luma."""
    luma = clip @ _LUMA
    kind = rng.random()
    if kind < 0.6:
        plane = luma
    elif kind < 0.8:
        plane = clip[..., int(rng.integers(3))]
    else:
        plane = (clip[..., 0 if rng.random() < 0.5 else 2] - luma) / 1.8 + 0.5
    # Black and white of a limited range, or of a print that has neither.
    low, high = rng.uniform(0, 0.1), rng.uniform(0.8, 1)
    return np.asarray(low + (high - low) * plane, np.float32)
