"""Shared fixtures."""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# What passed once passes again; new examples are looked for on purpose, with --hypothesis-profile=explore.
settings.register_profile("steady", derandomize=True)
settings.register_profile("explore", derandomize=False)
settings.load_profile("steady")


@pytest.fixture(scope="session", autouse=True)
def _small_cache() -> None:
    """Several test processes share a machine."""
    vs.core.max_cache_size = 1024


@pytest.fixture(autouse=True)
def _own_cache_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Index files of the tests do not stay in the user's cache, and the user's models play no part."""
    monkeypatch.setenv("VSFILMRESTORE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("VSFILMRESTORE_MODELS", str(tmp_path_factory.getbasetemp() / "models"))


@pytest.fixture(scope="session")
def uploaded() -> Callable[[vs.VideoNode], vs.VideoNode]:
    """Clips whose frames lie on a Vulkan device, be it one in software; skips where VapourSynth sees none."""
    try:
        usable = [device for device in vs.core.vulkan_devices if device["usable"]]
    except vs.Error as error:
        pytest.skip(f"frames cannot lie on a graphics card here: {error}")
    if not usable:
        pytest.skip("frames cannot lie on a graphics card here: VapourSynth finds no Vulkan 1.4 device")
    return lambda clip: clip.std.GPUUpload()


@pytest.fixture(scope="session")
def footage() -> Callable[[str], Path]:
    """Path of a piece of real footage, ``footage("clips/x.mkv")``; skips where the folder is absent."""
    folder = Path(os.environ.get("VSFILMRESTORE_FOOTAGE", ROOT.parent / "shared"))

    def find(name: str) -> Path:
        path = folder / name
        if not path.exists():
            pytest.skip(f"real footage is not here: {path.name}")
        return path

    return find


EDL = """TITLE: SMALL REEL
FCM: NON-DROP FRAME

001  R1       V     C        01:00:00:00 01:00:00:20 01:00:00:00 01:00:00:20
* FROM CLIP NAME: opening
* COMMENT: VSFR dust=0.4
002  R1       V     C        01:00:00:20 01:00:01:08 01:00:00:20 01:00:01:08
* FROM CLIP NAME: fight-03
003  R1       V     C        01:00:01:08 01:00:02:00 01:00:01:08 01:00:02:00
* FROM CLIP NAME: end
"""

MARKERS = """TITLE: SMALL REEL
FCM: NON-DROP FRAME

001  001      V     C        01:00:01:10 01:00:01:11 01:00:01:10 01:00:01:11
VSFR flicker=off |C:ResolveColorYellow |M:Marker 1 |D:1
"""

type Pixels = npt.NDArray[np.uint16]


def write_movie(path: Path, frames: int = 48, *, width: int = 192, height: int = 144, audio: bool = True) -> None:
    """A pan over blocks with grain and a wandering speck, 10 bit, 24 fps, timecode from 01:00:00:00, and a tone."""
    random = np.random.default_rng(1)
    ground = np.kron(random.integers(200, 800, (height // 8 + 8, width // 8 + 60)), np.ones((8, 8)))
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="matroska") as container:
        container.metadata["TIMECODE"] = "01:00:00:00"
        video = container.add_stream("ffv1", rate=24)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p10le"
        sound = container.add_stream("pcm_s16le", rate=48000, layout="stereo") if audio else None
        for n in range(frames):
            luma = ground[8 : 8 + height, n + 8 : n + 8 + width] + random.normal(0, 8, (height, width))
            x, y = (n * 37) % (width - 12), (n * 53) % (height - 12)
            luma[y : y + 6, x : x + 6] = 1000
            container.mux(video.encode(_picture(luma, n)))
            if sound is not None:
                container.mux(sound.encode(_tone(n)))
        container.mux(video.encode(None))
        if sound is not None:
            container.mux(sound.encode(None))


def _picture(luma: npt.NDArray[np.float64], number: int) -> av.VideoFrame:
    height, width = luma.shape
    frame = av.VideoFrame(width, height, "yuv420p10le")
    grey = np.full((height // 2, width // 2), 512.0)
    for plane, values in zip(frame.planes, (luma, grey, grey), strict=True):
        padded: Pixels = np.zeros((plane.height, plane.line_size // 2), np.uint16)
        padded[:, : plane.width] = np.clip(values, 64, 940)
        plane.update(padded.tobytes())
    frame.pts = number
    return frame


def _tone(number: int) -> av.AudioFrame:
    samples = np.arange(number * 2000, (number + 1) * 2000)
    wave = (8000 * np.sin(samples * 2 * np.pi * 440 / 48000)).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2)[None], format="s16", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = 48000, number * 2000, Fraction(1, 48000)
    return frame


@pytest.fixture
def movie() -> Callable[..., None]:
    """`write_movie`."""
    return write_movie


@pytest.fixture
def small_reel(tmp_path: Path) -> Path:
    """Folder with ``scans/R1.mkv``, ``cut.edl`` (three shots of one scan) and ``markers.edl``."""
    write_movie(tmp_path / "scans" / "R1.mkv")
    (tmp_path / "cut.edl").write_text(EDL)
    (tmp_path / "markers.edl").write_text(MARKERS)
    return tmp_path
