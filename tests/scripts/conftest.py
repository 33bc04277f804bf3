"""The scripts are not a package: their folders are put on the path, as Python does when one of them is started."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

for folder in (SCRIPTS, SCRIPTS / "train", SCRIPTS / "bench"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Such small tensors lose time with more."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def photograph() -> Callable[[Path, int], Path]:
    """Draws a photograph of some height into a folder, to damage and to learn from."""

    def draw(folder: Path, height: int) -> Path:
        noise = np.random.default_rng(1).integers(0, 255, (height, 500, 3)).astype(np.uint8)
        soft = cv2.GaussianBlur(noise, (0, 0), 4)
        cv2.imwrite(str(folder / "still.png"), cv2.normalize(soft, None, 20, 235, cv2.NORM_MINMAX))
        return folder

    return draw
