"""Sound from a VapourSynth audio node into a container, sample for sample.

PCM keeps the node's own depth (16, 24, 32 bit, float); MP4 gets AAC. Only a few thousand samples are held at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt
import vapoursynth as vs

__all__ = ["AudioFeed", "audio_codec", "block_bytes"]

type Samples = npt.NDArray[Any]

_AAC_BITS_PER_CHANNEL: Final = 160_000


def audio_codec(node: vs.AudioNode, container: str) -> str:
    """The libav encoder for a node: AAC in MP4, else PCM that holds every bit."""
    if container == "mp4":
        return "aac"
    if node.sample_type == vs.FLOAT:
        return "pcm_f32le"
    return "pcm_s16le" if node.bits_per_sample <= 16 else "pcm_s24le" if node.bits_per_sample <= 24 else "pcm_s32le"


def block_bytes(node: vs.AudioNode, codec: str) -> int:
    """Bytes of one sample of all channels in PCM."""
    return int(codec.removeprefix("pcm_")[1:3]) // 8 * node.num_channels


class AudioFeed:
    """Feeds an output container with sound, as far as asked.

    Args:
        container: The output container (its streams must not have been started).
        node: The sound; its samples begin together with the first picture.
        codec: See `audio_codec`.
    """

    def __init__(self, container: Any, node: vs.AudioNode, codec: str) -> None:
        self.node = node
        self.sent = 0
        self._container = container
        self._rate = node.sample_rate
        self._stream = container.add_stream(codec, rate=node.sample_rate, options={"flags": "+bitexact"})
        self._stream.layout = f"0x{int(node.channel_layout):x}"
        self._format = {"aac": "fltp", "pcm_s16le": "s16", "pcm_f32le": "flt"}.get(codec, "s32")
        self._stream.format = self._format
        if codec == "aac":
            self._stream.bit_rate = _AAC_BITS_PER_CHANNEL * node.num_channels
        self._stream.codec_context.time_base = Fraction(1, self._rate)
        self._chunks: Iterator[Samples] | None = self._read()

    def _read(self) -> Iterator[Samples]:
        """Chunks of shape (channels, samples), in the encoder's scale."""
        node = self.node
        for frame in node.frames(prefetch=2, backlog=4, close=True):
            chunk = np.stack([np.asarray(frame[c]) for c in range(node.num_channels)])
            yield self._scaled(chunk)

    def _scaled(self, chunk: Samples) -> Samples:
        if self.node.sample_type == vs.FLOAT:
            return chunk.astype(np.float32, copy=False)
        # VapourSynth hands out unsigned words; 17 to 32 bits stand at the high end of 32, as libav wants them.
        whole: Samples = chunk.view(np.int16 if chunk.itemsize == 2 else np.int32)
        if self._format == "fltp":
            return whole.astype(np.float32) / np.float32(1 << (8 * whole.itemsize - 1))
        return whole

    def _send(self, chunk: Samples) -> None:
        planar = self._format.endswith("p")
        data = chunk if planar else np.ascontiguousarray(chunk.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(data, format=self._format, layout=self._stream.layout)
        frame.sample_rate = self._rate
        frame.time_base = Fraction(1, self._rate)
        frame.pts = self.sent
        self._container.mux(self._stream.encode(frame))
        self.sent += chunk.shape[1]

    def feed_until(self, seconds: Fraction) -> None:
        """Write the sound up to a moment (or its end)."""
        while self._chunks is not None and Fraction(self.sent, self._rate) < seconds:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._chunks = None
            else:
                self._send(chunk)

    def finish(self) -> None:
        """Write what is left of the sound and of the encoder."""
        self.feed_until(Fraction(self.node.num_samples + 1, self._rate))
        self._container.mux(self._stream.encode(None))
