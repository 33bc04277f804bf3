"""Faces in one picture, without VapourSynth: by YuNet, or by a cascade where its weights are not here.

OpenCV runs YuNet by itself, so its weights (320 KB, `vsfilmrestore models get yunet-n`) are all that is wanted. Wheels
of OpenCV carry no detector of their own. scikit-image carries one, OpenCV's cascade of local binary patterns: it gives
boxes without landmarks, of upright faces that look into the lens, and misses those that turn or are soft.

Sources: W. Wu, H. Peng, S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research, 2023;
S. Liao et al., "Learning Multi-scale Block Local Binary Patterns for Face Recognition", ICB 2007.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from vsfilmrestore.errors import VsfrError
from vsfilmrestore.inference.regions import Region

__all__ = ["FINDER", "FaceFinder", "face_blur", "face_finder", "faces_without"]

FINDER: Final = "yunet-n"
"""The card of the network that finds faces."""
_SIDE: Final = 640
"""The longer side YuNet gets a picture made smaller to: faces of 10 to 300 pixels are found best."""
_CASCADE_SIDE: Final = 384
_CASCADE_STEP: Final = 1.2
"""Sizes the cascade is tried in, each so much larger than the last."""
_CASCADE_LEAST: Final = 24
"""Side of the cascade's window."""
_CASCADE_SURE: Final = 0.5
"""A cascade says yes or no; its boxes say how sure this much."""
_CASCADE_INNER: Final = 0.8
"""Its boxes are as wide as they are high and take in the ears; YuNet's are so much narrower, and as high."""
_OVERLAP: Final = 0.3
_MOST: Final = 32
_REBLUR: Final = 1.0
_EDGES: Final = 0.12
"""Share of a face's pixels, the steepest, whose edges tell how sharp it is."""
_BLURREST: Final = 12.0

type Array = npt.NDArray[Any]


@dataclass(frozen=True)
class FaceFinder:
    """What finds faces in a picture.

    Attributes:
        kind: ``yunet``, or ``cascade``: boxes of upright faces seen from the front, without landmarks.
        find: Finds them in an 8-bit picture ``[height, width, 3]``, blue first.
        side: The longer side a picture is made smaller to.
        version: What decides what it finds, for keys of renders.
    """

    kind: Literal["yunet", "cascade"]
    find: Callable[[Array], list[Region]] = field(repr=False)
    side: int
    version: str

    def __call__(self, picture: Array, smallest: float = 0.0) -> tuple[Region, ...]:
        """Faces of a picture, the surest first.

        Args:
            picture: ``[3, height, width]``, red first, or grey ``[height, width]``: 0..1 on a display's curve.
            smallest: Faces whose longer side is less, in pixels, are left out.
        """
        import cv2

        planes = picture if picture.ndim == 3 else np.stack([picture] * 3)
        height, width = planes.shape[1:]
        seen = np.ascontiguousarray(planes[::-1].transpose(1, 2, 0))
        shape = _made_smaller((height, width), self.side)
        if shape != (height, width):
            seen = cv2.resize(seen, shape[::-1], interpolation=cv2.INTER_AREA)
        found = self.find(np.rint(np.clip(seen, 0, 1) * 255).astype(np.uint8))
        turned = np.tile([width / shape[1], height / shape[0]], 7)
        placed = [face.moved(face.numbers * turned[: len(face.numbers)]) for face in found]
        return tuple(face for face in placed if max(face.width, face.height) >= smallest)


def face_finder(least: float = 0.7) -> FaceFinder | None:
    """What this machine can find faces with; None where there is nothing.

    Args:
        least: How sure YuNet must be that a face is one, 0.3..1; a cascade knows no such thing.
    """
    found = _yunet_file()
    if found is not None:
        finder = yunet_finder(*found, least)
        if finder is not None:
            return finder
    return _cascade_finder() if find_spec("skimage") is not None else None


def faces_without() -> str:
    """What to do where nothing finds faces."""
    return f"Get the weights of YuNet with 'vsfilmrestore models get {FINDER}', or: pip install scikit-image"


def _yunet_file() -> tuple[Path, str] | None:
    from vsfilmrestore.models.zoo import Zoo

    try:
        found = Zoo.open().find(FINDER, suffixes=(".onnx",))
    except VsfrError:
        return None
    return found.path, found.file.sha256


def yunet_finder(path: Path, sha256: str, least: float = 0.7) -> FaceFinder | None:
    """YuNet, run by OpenCV; None where this OpenCV cannot run it."""
    if not _runs(path):
        return None
    return FaceFinder("yunet", lambda picture: _yunet(path, picture, least), _SIDE, sha256)


@lru_cache(maxsize=8)
def _runs(path: Path) -> bool:
    import cv2

    try:
        _detectors(path)[1].detect(np.zeros((64, 64, 3), np.uint8))
    except (cv2.error, AttributeError):
        return False
    return True


@lru_cache(maxsize=8)
def _detectors(path: Path) -> tuple[threading.Lock, Any]:
    """A detector holds the size of its picture: one is used at a time."""
    import cv2

    with _quiet():
        return threading.Lock(), cv2.FaceDetectorYN.create(str(path), "", (64, 64), 0.3, _OVERLAP, 5000)


@contextmanager
def _quiet() -> Iterator[None]:
    """OpenCV 5 warns on the terminal that it runs networks on the processor."""
    from cv2.utils import logging

    before = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_ERROR)
    try:
        yield
    finally:
        logging.setLogLevel(before)


def _yunet(path: Path, picture: Array, least: float) -> list[Region]:
    lock, detector = _detectors(path)
    height, width = picture.shape[:2]
    with lock:
        detector.setInputSize((width, height))
        detector.setScoreThreshold(least)
        rows = detector.detect(picture)[1]
    found = [] if rows is None else [row for row in rows if np.isfinite(row).all()]
    return [Region(0, 0, 0, 0, (), float(min(row[14], 1.0))).moved(row[:14]) for row in found[:_MOST]]


@lru_cache(maxsize=1)
def _cascade_finder() -> FaceFinder:
    from importlib.metadata import version

    from skimage import data, feature

    file: Any = getattr(data, "lbp_frontal_face_cascade_filename")()  # noqa: B009 (it has no types)
    # One for each picture: it holds what it works on.
    return FaceFinder(
        "cascade",
        lambda picture: _by_cascade(feature.Cascade(file), picture),
        _CASCADE_SIDE,
        f"scikit-image {version('scikit-image')}",
    )


def _by_cascade(cascade: Any, picture: Array) -> list[Region]:
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    longest = min(grey.shape)
    if longest <= _CASCADE_LEAST:
        return []
    sizes = {"min_size": (_CASCADE_LEAST, _CASCADE_LEAST), "max_size": (longest, longest)}
    found = cascade.detect_multi_scale(grey, scale_factor=_CASCADE_STEP, step_ratio=1, **sizes)
    boxes = sorted((-each["width"], each["r"], each["c"], each["height"]) for each in found)
    return [_inner(c, r, -width, height) for width, r, c, height in boxes[:_MOST]]


def _inner(left: float, top: float, width: float, height: float) -> Region:
    narrower = _CASCADE_INNER * width
    return Region(left + (width - narrower) / 2, top, narrower, height, (), _CASCADE_SURE)


def _made_smaller(size: tuple[int, int], side: int) -> tuple[int, int]:
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def face_blur(luma: Array, face: Region) -> float:
    """How blurred the edges of a face are: the sigma of a Gaussian, in pixels; more is less sharp.

    A steep edge loses more than a soft one where both are blurred alike. The middle of the steepest pixels speaks.
    Noise makes the number smaller: 0.1 less with noise of 5 levels of 255.

    Args:
        luma: Picture ``[height, width]``, 0..1.
        face: The face; the part of it inside the picture is looked at.

    Returns:
        0.3 (as sharp as pixels go) to 12; 12 where there is nothing to see.

    Source: S. Zhuo, T. Sim, "Defocus map estimation from a single image", Pattern Recognition 44(9), 2011.
    """
    import cv2

    part = inside(luma, face)
    if min(part.shape, default=0) < 8:
        return _BLURREST
    part = np.ascontiguousarray(part, np.float32)
    steep, less = (_steepness(each) for each in (part, cv2.GaussianBlur(part, (0, 0), _REBLUR)))
    edges = steep >= np.quantile(steep, 1 - _EDGES)
    edges &= steep > 1e-3
    if not edges.any():
        return _BLURREST
    ratio = float(np.median(steep[edges] / np.maximum(less[edges], 1e-6)))
    return float(np.clip(_REBLUR / np.sqrt(max(ratio * ratio - 1, 1e-4)), 0.3, _BLURREST))


def _steepness(part: Array) -> Array:
    import cv2

    across, down = cv2.Sobel(part, cv2.CV_32F, 1, 0), cv2.Sobel(part, cv2.CV_32F, 0, 1)
    return np.asarray(np.hypot(across, down))


def inside(plane: Array, face: Region) -> Array:
    """The part of a plane that a face's box covers; it may be empty."""
    height, width = plane.shape
    left, right = (int(np.clip(round(x), 0, width)) for x in (face.left, face.left + face.width))
    top, bottom = (int(np.clip(round(y), 0, height)) for y in (face.top, face.top + face.height))
    return plane[top:bottom, left:right]
