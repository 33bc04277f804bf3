"""Sound beside stills: a WAV file, or Wave64 where WAV's 4 GB would not do."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Final, cast

import vapoursynth as vs

from vsfilmrestore.media.out.atomic import atomic_file

__all__ = ["is_large", "write_wav"]

_WAV_LIMIT: Final = (1 << 32) - 4096


def is_large(audio: vs.AudioNode) -> bool:
    """Whether the sound is too long for WAV, whose sizes have 32 bits."""
    return audio.num_samples * audio.num_channels * audio.bytes_per_sample > _WAV_LIMIT


def write_wav(path: Path, audio: vs.AudioNode) -> Path:
    """Write the sound whole or not at all.

    Args:
        path: ``.wav`` file to write.
        audio: The sound.

    Returns:
        The file written: ``path``, or ``.w64`` of the same name above 4 GB.

    Raises:
        OutputError: It cannot be written.
    """
    large = is_large(audio)
    path = path.with_suffix(".w64") if large else path
    with atomic_file(path) as sink:
        # VapourSynth only ever calls write().
        audio.output(cast(IO[bytes], sink), wav=not large, w64=large)
    return path
