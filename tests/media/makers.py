"""Small pictures, movies and sounds for the tests of media."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import OpenImageIO as oiio

KEYCODE = (12, 34, 567890, 1234, 5, 4, 64)


def timecode_word(hours: int, minutes: int, seconds: int, frames: int, *, drop: bool = False) -> int:
    """SMPTE 12-1 binary coded decimals."""
    fields = [(n // 10) << 4 | n % 10 for n in (hours, minutes, seconds, frames)]
    return fields[0] << 24 | fields[1] << 16 | fields[2] << 8 | fields[3] | (0x40 if drop else 0)


def codes(bits: int, channels: int = 3, width: int = 64, height: int = 32, seed: int = 0) -> Any:
    """Code values that use the whole range; every value of up to 10 bits stands in them when there is room."""
    rng = np.random.default_rng(seed)
    return rng.permutation(np.arange(width * height * channels) % (1 << bits)).reshape(height, width, channels)


def stored(values: Any, bits: int) -> Any:
    """Code values as a library wants them: 10 and 12 bits scaled up to 16 by repeating the high bits."""
    if bits == 8:
        return values.astype(np.uint8)
    wide = values.astype(np.uint32)
    return (
        ((wide << (16 - bits)) | (wide >> max(0, 2 * bits - 16))).astype(np.uint16) if bits < 16 else wide.astype("u2")
    )


def write_picture(path: Path, pixels: Any, bits: int = 0, tags: Mapping[str, Any] | None = None) -> Path:
    """One picture; ``tags`` are OpenImageIO's names, a pair is (type, value)."""
    height, width, channels = pixels.shape
    kind = {"uint8": "uint8", "uint16": "uint16", "float16": "half", "float32": "float"}[pixels.dtype.name]
    spec = oiio.ImageSpec(width, height, channels, kind)
    if bits:
        spec.attribute("oiio:BitsPerSample", bits)
    for name, value in (tags or {}).items():
        if isinstance(value, tuple) and isinstance(value[0], str):
            spec.attribute(name, oiio.TypeDesc(value[0]), value[1])
        else:
            spec.attribute(name, value)
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec), out.geterror()
    assert out.write_image(np.ascontiguousarray(pixels)), out.geterror()
    out.close()
    return path


def write_sequence(
    folder: Path,
    numbers: Iterable[int],
    *,
    name: str = "scan_{:07d}.dpx",
    bits: int = 10,
    size: Sequence[int] = (64, 32),
) -> Path:
    """DPX files whose pixels differ from file to file (seed: the number)."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in numbers:
        write_picture(folder / name.format(n), stored(codes(bits, 3, *size, seed=n), bits), bits)
    return folder


def write_movie(
    path: Path,
    frames: Sequence[Any],
    *,
    codec: str = "ffv1",
    pix_fmt: str = "yuv420p",
    rate: Fraction | int = 24,
    times: Sequence[int] | None = None,
    tags: Mapping[str, str] | None = None,
    track_tags: Mapping[str, str] | None = None,
    options: Mapping[str, str] | None = None,
    sound: Any = None,
    context: Mapping[str, Any] | None = None,
) -> Path:
    """A movie of numpy frames; each is in ``pix_fmt`` (grey: h x w), else rgb24 and converted. Times in 1/24000 s."""
    base = Fraction(1, 24000)
    with av.open(str(path), "w", options=dict(options or {})) as out:
        out.metadata.update(tags or {})
        video = out.add_stream(codec, rate=rate)
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt, video.time_base = pix_fmt, base
        video.metadata.update(track_tags or {})
        for key, value in (context or {}).items():
            setattr(video.codec_context, key, value)
        audio = out.add_stream("pcm_s16le", rate=48000, layout="mono") if sound is not None else None
        for i, pixels in enumerate(frames):
            given = pix_fmt if pixels.ndim == 2 else "rgb24"
            frame = av.VideoFrame.from_ndarray(pixels, format=given).reformat(format=pix_fmt)
            frame.pts, frame.time_base = (times[i] if times else round(i * 24000 / rate)), base
            out.mux(video.encode(frame))
        out.mux(video.encode())
        if audio is not None:
            block = av.AudioFrame.from_ndarray(sound.reshape(1, -1), format="s16", layout="mono")
            block.sample_rate, block.pts = 48000, 0
            out.mux(audio.encode(block))
            out.mux(audio.encode())
    return path


def write_wav(path: Path, samples: Any, rate: int = 48000) -> Path:
    """Mono, 16 bits."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = rate
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def plain_frames(count: int, height: int = 48, width: int = 64) -> list[Any]:
    """RGB frames of one value each, rising."""
    return [np.full((height, width, 3), (i * 7) % 256, np.uint8) for i in range(count)]


def truncate(path: Path, share: float = 0.5) -> Path:
    """Cut a file off."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def planes(frame: Any) -> Any:
    """All planes of a frame, stacked."""
    return np.stack([np.asarray(frame[p]) for p in range(frame.format.num_planes)])


def samples(node: Any) -> Any:
    """First channel of a 16-bit sound; VapourSynth shows signed samples as unsigned ones."""
    return np.concatenate([np.asarray(f[0]).view(np.int16) for f in node.frames()])
