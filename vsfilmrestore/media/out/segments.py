"""Write one piece of a movie so that pieces can be joined later without encoding again.

A piece holds its own key frames only (closed groups), has the same headers as every other piece of the same output, and
its bytes depend on nothing but its frames: a piece rendered again after a crash is the same file.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import av
import vapoursynth as vs

from vsfilmrestore.errors import OutputError, RenderError
from vsfilmrestore.media.out.atomic import Sink, atomic_file
from vsfilmrestore.media.out.info import AV_RANGE, VideoInfo
from vsfilmrestore.media.out.pixels import packed_size, picture_md5, to_picture
from vsfilmrestore.media.out.profiles import Profile

__all__ = ["BITEXACT", "FIELD_ORDER", "SegmentResult", "encode_segment", "movie_md5s", "segment_suffix"]

BITEXACT: Final = {"fflags": "+bitexact"}
FIELD_ORDER: Final = {"progressive": 1, "tff": 2, "bff": 3}  # AVFieldOrder
_WAITING: Final = 4  # pictures whose checksum is still being made; bounds the memory
_DEEPEST: Final = 16
"""Frames by which an encoder can send pictures out of order."""
_AHEAD: Final = 2
"""Frames by which decoding begins before the first picture, with the encoders that send pictures out of order."""
_MOST_THREADS: Final = 16  # frame threads hold pictures: a big machine must not hold hundreds


@dataclass(frozen=True, slots=True)
class SegmentResult:
    """What was written.

    Attributes:
        path: The file.
        frames: Pictures in it.
        bytes: Size of the file.
        picture_bytes: Size of one packed picture as decoded (as fed when that was not asked for).
        fed: MD5 of every picture as the encoder got it.
        stored: MD5 of every picture decoded back from the file; empty when that was not asked for.
    """

    path: Path
    frames: int
    bytes: int
    picture_bytes: int
    fed: tuple[str, ...]
    stored: tuple[str, ...]


def segment_suffix(profile: Profile) -> str:
    """Suffix of the pieces of a movie."""
    return profile.suffix


def _slices(width: int, height: int) -> str:
    """FFV1 slices by size alone: enough to keep the cores busy, few enough for small pictures."""
    if width < 16 or height < 16:
        return "1"
    return "4" if width * height < 640 * 360 else "16" if width * height < 2600 * 1400 else "24"


def encoder_options(profile: Profile, info: VideoInfo) -> dict[str, str]:
    """All settings of the encoder for this output; they depend on the profile and the size only."""
    options = {**profile.options, "flags": "+bitexact+cgop"}
    if profile.codec == "ffv1":
        options["slices"] = _slices(info.width, info.height)
    return options


def describe(context: Any, info: VideoInfo) -> None:
    """Write rate, aspect, colour and fields into a codec context."""
    context.framerate = info.rate
    context.time_base = 1 / info.rate
    context.sample_aspect_ratio = info.sample_aspect
    context.color_range = AV_RANGE[info.range]
    context.color_primaries = info.primaries
    context.color_trc = info.transfer
    context.colorspace = info.matrix
    context.field_order = FIELD_ORDER[info.fields]


def _open_stream(container: Any, profile: Profile, info: VideoInfo, threads: int) -> Any:
    stream = container.add_stream(profile.codec, rate=info.rate, options=encoder_options(profile, info))
    stream.width, stream.height = info.width, info.height
    stream.pix_fmt = profile.pixels[info.format_id]
    describe(stream.codec_context, info)
    if "threads" not in profile.options:
        stream.codec_context.thread_count = threads or min(_MOST_THREADS, os.cpu_count() or 1)
    return stream


def _pictures(frames: Iterable[vs.VideoFrame], layout: str, info: VideoInfo) -> Iterator[av.VideoFrame]:
    for number, frame in enumerate(frames):
        if not info.accepts(frame):
            raise RenderError(
                f"the picture is {frame.width}x{frame.height} {frame.format.name}, unlike the rest of the output",
                frame=number,
                hint="Bring all shots to one size and format",
            )
        picture = to_picture(frame, layout)
        picture.pts = number
        yield picture


def _mux(container: Any, packets: Iterable[Any], sent: int) -> int:
    """Write packets behind so many that were; how many there are then.

    x265 now and then tells a decoding time out of nowhere for the first packet, which no container takes.
    """
    for packet in packets:
        if None not in (packet.pts, packet.dts) and not packet.pts - _DEEPEST <= packet.dts <= packet.pts:
            packet.dts = min(sent - _AHEAD, packet.pts)
        container.mux(packet)
        sent += 1
    return sent


def _encode(frames: Iterable[vs.VideoFrame], container: Any, stream: Any, info: VideoInfo) -> list[str]:
    done: list[str] = []
    waiting: deque[Future[str]] = deque()
    sent = 0
    with ThreadPoolExecutor(1) as pool:
        for picture in _pictures(frames, stream.pix_fmt, info):
            waiting.append(pool.submit(picture_md5, picture))
            sent = _mux(container, stream.encode(picture), sent)
            if len(waiting) > _WAITING:
                done.append(waiting.popleft().result())
        _mux(container, stream.encode(None), sent)
        done += [future.result() for future in waiting]
    return done


def _write(frames: Iterable[vs.VideoFrame], sink: Sink, profile: Profile, info: VideoInfo, threads: int) -> list[str]:
    container = av.open(sink, "w", format=profile.containers[profile.suffix], options=dict(BITEXACT))
    with closing(container):
        stream = _open_stream(container, profile, info, threads)
        return _encode(frames, container, stream, info)


def movie_md5s(path: Path) -> Iterator[str]:
    """MD5 of every picture that decoding the file gives.

    Raises:
        OutputError: The file cannot be decoded.
    """
    return (md5 for md5, _ in _decoded(Path(path)))


def _decoded(path: Path) -> Iterator[tuple[str, int]]:
    """Checksum and packed size of every picture."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for picture in container.decode(stream):
                yield picture_md5(picture), packed_size(picture)
    except (av.FFmpegError, IndexError) as error:
        raise OutputError(f"cannot be decoded ({error})", file=path, hint="Render it again") from error


def _read_back(profile: Profile, path: Path, part: Path, fed: list[str]) -> tuple[list[str], int]:
    """Checksums and size of the pictures in the written file, proved to be all there."""
    found = list(_decoded(part))
    stored = [md5 for md5, _ in found]
    if len(stored) != len(fed):
        raise OutputError(f"holds {len(stored)} pictures instead of {len(fed)}", file=path, hint="Render it again")
    if profile.lossless and stored != fed:
        first = next(i for i, (a, b) in enumerate(zip(fed, stored, strict=True)) if a != b)
        raise OutputError("the file does not give back what was written", file=path, frame=first)
    return stored, found[0][1]


def encode_segment(
    frames: Iterable[vs.VideoFrame],
    profile: Profile,
    path: Path,
    info: VideoInfo,
    *,
    read_back: bool = True,
    threads: int = 0,
) -> SegmentResult:
    """Write the frames to one piece.

    The piece is written under another name, decoded back, flushed to the disk and only then given its name.

    Args:
        frames: Prepared frames in order; each is taken when the one before is encoded, so memory does not grow.
        profile: A movie profile.
        path: The file to write.
        info: Facts of the whole output, the same for all its pieces.
        read_back: Decode the piece again for the checksums (and, where the format is lossless, the proof).
        threads: Threads of the encoder, 0 for the machine's own number; the bytes do not depend on it.

    Raises:
        OutputError: The disk is full, there were no frames, or the file does not give back what was written.
        RenderError: A frame has another size or format.
    """
    if not profile.is_movie:
        raise OutputError(f"{profile.name} is a format for stills", file=path, hint="Use write_stills")
    path = Path(path)
    with atomic_file(path) as sink:
        try:
            fed = _write(frames, sink, profile, info, threads)
        except (av.FFmpegError, ValueError) as error:
            if sink.error:
                raise
            raise OutputError(f"the {profile.name} encoder failed: {error}", file=path) from error
        sink.flush()
        if not fed:
            raise OutputError("there are no frames to write", file=path)
        size = sink.path.stat().st_size
        stored, picture_bytes = _read_back(profile, path, sink.path, fed) if read_back else ([], 0)
    if not picture_bytes:
        picture_bytes = packed_size(av.VideoFrame(info.width, info.height, profile.pixels[info.format_id]))
    return SegmentResult(path, len(fed), size, picture_bytes, tuple(fed), tuple(stored))
