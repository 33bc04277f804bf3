"""QCTools' sidecar, ``film.qctools.xml.gz``: an ffprobe report with the numbers of FFmpeg's filters for every frame.

QCTools opens it beside the film, or alone; anything that reads ffprobe's XML reads it. The numbers are FFmpeg's own
(``signalstats`` and ``deflicker``, through PyAV), on the film's pictures in full size, at 8 or 10 bits. What else was
measured goes along under ``vsfilmrestore.``.

Source: the XML schema of ffprobe; the attributes and tags that QCTools (Source/Core/VideoStats.cpp) looks for.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import quoteattr

import numpy as np
import vapoursynth as vs

from vsfilmrestore.assess.reading import Reading
from vsfilmrestore.assess.results import Assessment
from vsfilmrestore.assess.stored import program_version
from vsfilmrestore.errors import InstallationError
from vsfilmrestore.media.out.atomic import atomic_file

__all__ = ["write_qctools"]

core = vs.core

_HEAD: Final = """<?xml version="1.0" encoding="UTF-8"?>
<!-- Created by vsfilmrestore {version} -->
<ffprobe:ffprobe xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xmlns:ffprobe="http://www.ffmpeg.org/schema/ffprobe" \
xsi:schemaLocation="http://www.ffmpeg.org/schema/ffprobe ffprobe.xsd">
    <program_version version="{version}" copyright=""/>
    <frames>
"""
_OWN: Final = ("flicker", "weave.x", "weave.y")
"""Measures of frames that QCTools has no name for."""
_PIXELS: Final = {(1, 1): "yuv420p", (1, 0): "yuv422p", (0, 0): "yuv444p", (2, 0): "yuv411p", (2, 2): "yuv410p"}
"""FFmpeg's names by how often, as powers of two, the colour has been halved across and down."""


def write_qctools(
    path: Path, clip: vs.VideoNode, found: Assessment, *, watch: Callable[[int, int], None] | None = None
) -> None:
    """Read every frame and write the sidecar, whole or not at all.

    Args:
        path: File to write, ``….qctools.xml.gz``.
        clip: The film that was assessed.
        found: What was found, for the measures that are not FFmpeg's.
        watch: Told frames done and frames in all.

    Raises:
        InstallationError: PyAV has come without one of the filters.
        OutputError: It cannot be written.
        MediaError: No frame can be read.
    """
    work, name = _for_filters(clip)
    with atomic_file(path) as sink, gzip.GzipFile(filename="", fileobj=sink, mode="wb", mtime=0) as out:
        out.write(_HEAD.format(version=program_version()).encode())
        for number, tags in enumerate(_measured(clip, work, name)):
            out.write(_frame(number, tags, clip, name, found).encode())
            if watch is not None:
                watch(number + 1, len(clip))
        out.write(_tail(clip, name).encode())


def _for_filters(clip: vs.VideoNode) -> tuple[Callable[[vs.VideoNode], vs.VideoNode], str]:
    """Makes YUV of 8 or 10 bits that FFmpeg has a name for, and the name. Grey gets neutral colour."""
    fmt = clip.format
    bits = 8 if fmt.bits_per_sample == 8 else 10
    halved = (fmt.subsampling_w, fmt.subsampling_h) if fmt.color_family == vs.YUV else (0, 0)
    halved = halved if bits == 8 or halved in ((1, 1), (1, 0)) else (0, 0)
    halved = halved if halved in _PIXELS else (0, 0)
    target = core.query_video_format(vs.YUV, vs.INTEGER, bits, *halved)
    name = _PIXELS[halved] + ("" if bits == 8 else "10le")

    def made(source: vs.VideoNode) -> vs.VideoNode:
        source = source.std.SetFieldBased(0)
        if fmt.color_family == vs.RGB:
            return source.resize.Bicubic(format=target.id, matrix=vs.MATRIX_BT709, range=vs.RANGE_LIMITED)
        if fmt.color_family == vs.GRAY:
            grey = source.resize.Point(format=core.query_video_format(vs.GRAY, vs.INTEGER, bits).id)
            flat = core.std.BlankClip(grey, color=1 << (bits - 1), keep=True)
            return core.std.ShufflePlanes([grey, flat, flat], [0, 0, 0], vs.YUV)
        return source if fmt.id == target.id else source.resize.Bicubic(format=target.id)

    return made, name


def _measured(clip: vs.VideoNode, work: Callable[[vs.VideoNode], vs.VideoNode], name: str) -> Iterator[dict[str, str]]:
    """FFmpeg's tags of every frame."""
    import av

    graph, source, sink = _graph(clip, name)
    for number, frame in Reading(clip).frames(work, 0, len(clip)):
        with frame:
            source.push(_picture(frame, name, number))
        yield from _ready(sink)
    source.push(None)
    with suppress(av.error.EOFError):
        while True:
            yield dict(sink.pull().metadata)
    del graph


def _ready(sink: Any) -> Iterator[dict[str, str]]:
    import av

    with suppress(av.error.BlockingIOError, av.error.EOFError):
        while True:
            yield dict(sink.pull().metadata)


def _graph(clip: vs.VideoNode, name: str) -> tuple[Any, Any, Any]:
    import av

    missing = [each for each in ("signalstats", "deflicker") if each not in av.filter.filters_available]
    if missing:
        raise InstallationError(f"PyAV has come without FFmpeg's filter {missing[0]}", hint="pip install --upgrade av")
    graph = av.filter.Graph()
    source = graph.add_buffer(width=clip.width, height=clip.height, format=name, time_base=Fraction(1, 1000))
    signal = graph.add("signalstats", "stat=tout+vrep+brng")
    light, sink = graph.add("deflicker", "bypass=1"), graph.add("buffersink")
    for one, other in ((source, signal), (signal, light), (light, sink)):
        one.link_to(other)
    graph.configure()
    return graph, source, sink


def _picture(frame: vs.VideoFrame, name: str, number: int) -> Any:
    import av

    picture = av.VideoFrame(frame.width, frame.height, name)
    for index, plane in enumerate(picture.planes):
        values = np.asarray(frame[index])
        rows = np.zeros((values.shape[0], plane.line_size), np.uint8)
        data = np.ascontiguousarray(values).view(np.uint8).reshape(values.shape[0], -1)
        rows[:, : data.shape[1]] = data
        plane.update(rows.tobytes())
    picture.pts = number
    return picture


def _frame(number: int, tags: dict[str, str], clip: vs.VideoNode, name: str, found: Assessment) -> str:
    length = clip.fps_den / clip.fps_num if clip.fps_num else 1 / 24
    facts = {
        "media_type": "video",
        "stream_index": "0",
        "key_frame": "1",
        "pkt_pts": str(number),
        "pkt_pts_time": f"{number * length:.7f}",
        "pts": str(number),
        "pts_time": f"{number * length:.7f}",
        "pkt_duration_time": f"{length:.7f}",
        "duration_time": f"{length:.7f}",
        "width": str(clip.width),
        "height": str(clip.height),
        "pix_fmt": name,
        "pict_type": "I",
    }
    words = " ".join(f"{key}={quoteattr(value)}" for key, value in facts.items())
    own = {f"vsfilmrestore.{key}": float(found.frames[key][number]) for key in _OWN if key in found.frames.columns}
    told = {key: value for key, value in tags.items() if key.startswith("lavfi.")}
    told |= {key: f"{value:.5f}" for key, value in own.items() if np.isfinite(value)}
    lines = "".join(f"            <tag key={quoteattr(k)} value={quoteattr(v)}/>\n" for k, v in told.items())
    return f"        <frame {words}>\n{lines}        </frame>\n"


def _tail(clip: vs.VideoNode, name: str) -> str:
    rate = f"{clip.fps_num}/{clip.fps_den}" if clip.fps_num else "24/1"
    seconds = len(clip) * (clip.fps_den / clip.fps_num if clip.fps_num else 1 / 24)
    bits = 10 if name.endswith("10le") else 8
    return (
        "    </frames>\n    <streams>\n"
        f'        <stream index="0" codec_name="rawvideo" codec_type="video" width="{clip.width}" '
        f'height="{clip.height}" pix_fmt="{name}" bits_per_raw_sample="{bits}" r_frame_rate="{rate}" '
        f'avg_frame_rate="{rate}" nb_frames="{len(clip)}" duration="{seconds:.6f}"/>\n'
        "    </streams>\n"
        f'    <format nb_streams="1" nb_programs="0" duration="{seconds:.6f}"/>\n'
        "</ffprobe:ffprobe>\n"
    )
