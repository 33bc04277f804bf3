"""Sound as a file that is not there: its header and any stretch of its samples, made when they are read.

It is the file that `vsfilmrestore.media.out.wav` would write, byte for byte.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import IO, Self, cast

import vapoursynth as vs

from vsfilmrestore.media.out.wav import is_large

__all__ = ["SoundFile"]


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
        silent = vs.core.std.BlankAudio(node, length=1, keep=True)
        whole = bytearray(_written(silent, wav=not large, w64=large))
        header = whole[: len(whole) - _block(node)]
        size = len(header) + node.num_samples * _block(node)
        samples = size - len(header)
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
        part = self.node.std.AudioTrim(first=first, length=last - first)
        samples = _written(part, wav=False, w64=False)
        return lead + samples[begin - first * block : end - first * block]


def _block(node: vs.AudioNode) -> int:
    """Bytes of one sample of all channels, in a file: 24 bits are three bytes there."""
    return node.num_channels * (node.bits_per_sample // 8)


def _written(node: vs.AudioNode, *, wav: bool, w64: bool) -> bytes:
    sink = io.BytesIO()
    # VapourSynth only ever calls write().
    node.output(cast(IO[bytes], sink), wav=wav, w64=w64)
    return sink.getvalue()
