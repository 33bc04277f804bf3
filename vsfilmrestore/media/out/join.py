"""Join the pieces of a movie without encoding again, with timecode, reel, colour, aspect and sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import vapoursynth as vs

from vsfilmrestore.errors import OutputError, UsageError
from vsfilmrestore.media.out.atomic import Sink, atomic_file
from vsfilmrestore.media.out.audio import AudioFeed, audio_codec, block_bytes
from vsfilmrestore.media.out.info import VideoInfo
from vsfilmrestore.media.out.matroska import PLACEHOLDER, display_size, write_display_size
from vsfilmrestore.media.out.profiles import Profile
from vsfilmrestore.media.out.segments import BITEXACT, describe
from vsfilmrestore.media.timecode import parse_timecode

__all__ = ["join_segments"]

_AGAIN: Final = "Render that piece again"


def _open(path: Path) -> Any:
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise OutputError(f"a piece cannot be read ({error})", file=path, hint=_AGAIN) from error
    if not container.streams.video:
        container.close()
        raise OutputError("a piece holds no pictures", file=path, hint=_AGAIN)
    return container


def _look(stream: Any) -> tuple[Any, ...]:
    context = stream.codec_context
    return (context.name, context.width, context.height, context.pix_fmt, context.extradata)


def _packets(container: Any, path: Path) -> Iterator[Any]:
    try:
        for packet in container.demux(container.streams.video[0]):
            if packet.size:  # the last one only says that there are no more
                yield packet
    except av.FFmpegError as error:
        raise OutputError(f"a piece is damaged ({error})", file=path, hint=_AGAIN) from error


def _delay(path: Path, rate: Fraction) -> int:
    """Frames by which the first packet must be decoded before its picture is shown."""
    with closing(_open(path)) as container:
        first = next(_packets(container, path))
        return 0 if first.dts is None else round((first.pts - first.dts) * first.time_base * rate)


def _placed(segments: Sequence[Path], look: tuple[Any, ...], rate: Fraction, delay: int) -> Iterator[Any]:
    """All packets of all pieces with their places in the whole.

    A piece starts with a key frame that is shown first, so a picture's place in its piece is its distance from there.
    Decoding order is the order of the packets; it runs ``delay`` frames ahead in all pieces alike, and so never jumps.
    """
    start = 0
    for path in segments:
        with closing(_open(path)) as container:
            if _look(container.streams.video[0]) != look:
                raise OutputError("a piece was made with other settings than the first", file=path, hint=_AGAIN)
            first, count = None, 0
            for packet in _packets(container, path):
                first = packet.pts if first is None else first
                shown = round((packet.pts - first) * packet.time_base * rate)
                packet.pts, packet.dts, packet.duration = start + shown, start + count - delay, 1
                packet.time_base = 1 / rate
                count += 1
                yield packet
            start += count


def _video_stream(container: Any, template: Any, profile: Profile, info: VideoInfo, kind: str) -> Any:
    stream = container.add_stream_from_template(template)
    describe(stream.codec_context, info)
    stream.time_base = 1 / info.rate
    if kind != "matroska":
        # The tag tells 10 from 12 bits in ProRes; it must not be guessed again.
        stream.codec_context.codec_tag = profile.tag or template.codec_context.codec_tag
    return stream


def _label(container: Any, stream: Any, kind: str, timecode: str | None, reel: str) -> None:
    """Timecode track and reel name in MOV and MP4, tags in Matroska."""
    if kind == "matroska":
        container.metadata.update({k: v for k, v in (("TIMECODE", timecode), ("REEL_NAME", reel)) if v})
        return
    # The muxer makes the tmcd track from the video stream's own labels.
    stream.metadata.update({k: v for k, v in (("timecode", timecode), ("reel_name", reel)) if v})


def _mux(
    sink: Sink,
    segments: Sequence[Path],
    profile: Profile,
    info: VideoInfo,
    kind: str,
    labels: tuple[str | None, str],
    audio: vs.AudioNode | None,
) -> int:
    delay = max(_delay(path, info.rate) for path in segments) if profile.reorders else 0
    with (
        closing(_open(segments[0])) as first,
        closing(av.open(sink, "w", format=kind, options=dict(BITEXACT))) as container,
    ):
        template = first.streams.video[0]
        look = _look(template)
        stream = _video_stream(container, template, profile, info, kind)
        _label(container, stream, kind, *labels)
        if kind == "matroska" and info.sample_aspect != 1:
            stream.metadata["title"] = PLACEHOLDER
        feed = AudioFeed(container, audio, audio_codec(audio, kind)) if audio is not None else None
        count = 0
        for packet in _placed(segments, look, info.rate, delay):
            if feed is not None:
                feed.feed_until((count + 1) / info.rate)
            packet.stream = stream
            container.mux(packet)
            count += 1
        if feed is not None:
            feed.finish()
    return count


def _count_again(path: Path, out: Path, frames: int, audio: vs.AudioNode | None, codec: str) -> None:
    """Read the packets of the finished file and compare with what went in."""
    found, sound = 0, 0
    with av.open(str(path)) as container:
        for packet in container.demux(*container.streams.video, *container.streams.audio):
            if packet.stream.type == "video":
                found += bool(packet.size)
            else:
                sound += packet.size
    if found != frames:
        raise OutputError(f"holds {found} pictures instead of {frames}", file=out, hint="Start again")
    if audio is not None and codec.startswith("pcm_") and sound != audio.num_samples * block_bytes(audio, codec):
        raise OutputError(f"holds {sound} bytes of sound, not {audio.num_samples} samples", file=out)


def _check_call(segments: Sequence[Path], out: Path, profile: Profile, info: VideoInfo, timecode: str | None) -> str:
    if not segments:
        raise UsageError("there are no pieces to join", file=out)
    if out.suffix.lower() not in profile.containers:
        raise UsageError(
            f"{profile.name} cannot be stored in '{out.name}'", hint=f"Use {' or '.join(profile.containers)}"
        )
    if timecode:
        try:
            parse_timecode(timecode, info.rate)
        except ValueError as error:
            raise UsageError(str(error), file=out) from error
    return profile.containers[out.suffix.lower()]


def join_segments(
    segments: Sequence[Path],
    out: Path,
    *,
    profile: Profile,
    info: VideoInfo,
    timecode: str | None = None,
    reel: str = "",
    audio: vs.AudioNode | None = None,
    verify: bool = True,
) -> int:
    """Join pieces of one output into the final file.

    Packets are copied as they are, one at a time. The bytes depend on the pieces, the sound and the labels only.

    Args:
        segments: The pieces in order, all made by `encode_segment` with this profile and info.
        out: The movie; what bears the name before is replaced only when the new file is complete.
        profile: The movie profile.
        info: Rate, aspect, colour and fields of the output.
        timecode: Start timecode; a tmcd track in MOV and MP4, the tag TIMECODE in Matroska.
        reel: Reel name; in the tmcd track of MOV, the tag REEL_NAME in Matroska. MP4 has no place for it.
        audio: Sound that begins with the first picture; written to its last sample.
        verify: Count the packets (and PCM samples) of the finished file before it takes its name.

    Returns:
        The number of pictures.

    Raises:
        UsageError: Nothing to join, a suffix that does not fit, or a timecode that does not exist at this rate.
        OutputError: A piece is damaged or of other settings, or the file cannot be written.
    """
    segments, out = [Path(s) for s in segments], Path(out)
    kind = _check_call(segments, out, profile, info, timecode)
    with atomic_file(out) as sink:
        try:
            count = _mux(sink, segments, profile, info, kind, (timecode, reel), audio)
        except (av.FFmpegError, ValueError) as error:
            if sink.error:
                raise
            raise OutputError(f"cannot be written: {error}", file=out) from error
        sink.flush()
        if kind == "matroska" and info.sample_aspect != 1:
            write_display_size(sink, display_size(info.width, info.height, info.sample_aspect))
            sink.flush()
        if verify:
            _count_again(sink.path, out, count, audio, audio_codec(audio, kind) if audio is not None else "")
    return count
