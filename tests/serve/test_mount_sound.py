"""Sound files that are not there, held against written ones."""

from __future__ import annotations

import random
import wave
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.media.out import wav
from vsfilmrestore.serve.mount_sound import SoundFile

core = vs.core


@pytest.fixture
def tone(tmp_path: Path) -> vs.AudioNode:
    """Stereo noise of 24 bits, read from a file."""
    path = tmp_path / "tone.wav"
    data = np.random.default_rng(7).integers(0, 256, 3 * 2 * 20_000, dtype=np.uint8)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(3)
        file.setframerate(48000)
        file.writeframes(data.tobytes())
    return core.bs.AudioSource(str(path))


@pytest.mark.parametrize("large", [False, True])
def test_it_is_the_file_that_would_be_written(
    tmp_path: Path, tone: vs.AudioNode, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    if large:
        monkeypatch.setattr(wav, "_WAV_LIMIT", 1000)
    written = wav.write_wav(tmp_path / "out.wav", tone).read_bytes()
    file = SoundFile.of(tone)
    assert file.suffix == (".w64" if large else ".wav")
    assert file.size == len(written)
    assert file.read(0, file.size) == written
    rng = random.Random(1)
    for _ in range(40):
        offset, size = rng.randrange(file.size + 100), rng.randrange(1, 9000)
        assert file.read(offset, size) == written[offset : offset + size]


@pytest.mark.parametrize(("bits", "channels"), [(16, 1), (24, 1), (32, 6)])
def test_any_number_of_bits_and_channels(tmp_path: Path, bits: int, channels: int) -> None:
    node = core.std.BlankAudio(channels=list(range(channels)), bits=bits, samplerate=44100, length=777)
    file = SoundFile.of(node)
    assert file.read(0, 1 << 20) == wav.write_wav(tmp_path / "out.wav", node).read_bytes()
    assert file.read(file.size, 10) == b""
