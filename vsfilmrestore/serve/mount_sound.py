"""Sound as a file that is not there: its header and any stretch of its samples, made when they are read.

It is the file that `vsfilmrestore.media.out.wav` would write, byte for byte.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, Any, Final, Self, cast

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.media.out.wav import is_large

__all__ = ["SoundFile"]

core = vs.core

_IN_FRAME: Final = 3072
"""Samples of each audio frame of VapourSynth but the last."""


@dataclass(frozen=True, slots=True)
class SoundFile:
    """A WAV file, or Wave64 where WAV's 4 GB would not do.

    Attributes:
        node: The sound.
        suffix: ``.wav`` or ``.w64``.
        header: What stands before the samples.
        size: Bytes of the file.
    """

    node: vs.AudioNode
    suffix: str
    header: bytes
    size: int

    @classmethod
    def of(cls, node: vs.AudioNode) -> Self:
        """The file of a sound. Nothing of it is decoded."""
        large = is_large(node)
        kind = int(node.sample_type), node.bits_per_sample, node.sample_rate
        header = bytearray(_header(tuple(map(int, node.channels)), *kind, large))
        samples = node.num_samples * _block(node)
        size = len(header) + samples
        if large:
            struct.pack_into("<Q", header, 16, size)
            struct.pack_into("<Q", header, len(header) - 8, samples + 24)
        else:
            struct.pack_into("<I", header, 4, size - 8)
            struct.pack_into("<I", header, len(header) - 4, samples)
        return cls(node, ".w64" if large else ".wav", bytes(header), size)

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the file from an offset on; fewer at its end.

        Raises:
            vs.Error: The sound cannot be made.
        """
        stop = min(offset + size, self.size)
        lead = self.header[offset:stop]
        begin, end = max(0, offset - len(self.header)), stop - len(self.header)
        if end <= begin:
            return lead
        block = _block(self.node)
        first, last = begin // block, -(-end // block)
        samples = _samples(self.node, first, last).tobytes()
        return lead + samples[begin - first * block : end - first * block]


def _block(node: vs.AudioNode) -> int:
    """Bytes of one sample of all channels, in a file: 24 bits are three bytes there."""
    return node.num_channels * (node.bits_per_sample // 8)


def _samples(node: vs.AudioNode, first: int, last: int) -> npt.NDArray[Any]:
    """The samples from ``first`` to before ``last``, as they lie in a file."""
    kind = "<f4" if node.sample_type == vs.FLOAT else "<i2" if node.bits_per_sample == 16 else "<i4"
    out = np.empty((last - first, node.num_channels), kind)
    for number in range(first // _IN_FRAME, -(-last // _IN_FRAME)):
        start = number * _IN_FRAME
        begin, end = max(first, start), min(last, start + _IN_FRAME)
        with node.get_frame(number) as frame:
            for channel in range(node.num_channels):
                out[begin - first : end - first, channel] = np.asarray(frame[channel])[begin - start : end - start]
    if node.sample_type == vs.FLOAT or node.bits_per_sample in (16, 32):
        return out
    # The lowest byte of four is empty.
    return out.view(np.uint8).reshape(*out.shape, 4)[:, :, 4 - node.bits_per_sample // 8 :]


@lru_cache(maxsize=16)
def _header(channels: tuple[int, ...], kind: int, bits: int, rate: int, large: bool) -> bytes:
    """What VapourSynth writes before the samples of such a sound, of one sample here."""
    node = core.std.BlankAudio(channels=list(channels), bits=bits, sampletype=kind, samplerate=rate, length=1)
    sink = io.BytesIO()
    # VapourSynth only ever calls write().
    node.output(cast(IO[bytes], sink), wav=not large, w64=large)
    whole = sink.getvalue()
    return whole[: len(whole) - _block(node)]
