"""Media files (MOV, MXF, MKV, MP4, AVI, MPEG ...) through BestSource: frame-exact, whatever the codec.

BestSource reads the whole file once and keeps its index in our cache folder, never beside the media. What it cannot
know comes from the container: timecode, reel, and whether the file ends where its header says.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import vapoursynth as vs

from vsfilmrestore.errors import InstallationError, MediaError
from vsfilmrestore.media import props
from vsfilmrestore.media.audio import cut_audio, sample_position
from vsfilmrestore.media.cache import index_path
from vsfilmrestore.media.colour import UNSPECIFIED, ColourTags, untold
from vsfilmrestore.media.container import ContainerFacts, read_container, start_count
from vsfilmrestore.media.model import Media, SourceOptions
from vsfilmrestore.media.timecode import exact_rate, format_timecode, rate_text

__all__ = ["open_audio", "open_file"]

core = vs.core

_MOST_SHORT = 3
"""Frames a header may promise beyond what is there: rounding, and leading pictures that cannot be decoded."""


def open_file(path: Path, options: SourceOptions) -> Media:
    """Open a media file.

    Raises:
        MediaError: Not there, unreadable, truncated, without pictures, of changing size or format, of varying rate
            with no rate given, or shorter than the frames asked for.
    """
    facts = read_container(path)
    clip, rate, remarks, in_time = _pictures(path, facts, options)
    _check_whole(path, facts, clip, rate, options)
    first, last = _wanted(path, clip, options)
    start, has_timecode, drop, doubt = start_count(facts.timecode, rate)
    audio, about_sound = _sound(path, facts, clip, rate, (first, last), options)
    if audio is not None and not in_time:
        about_sound = (*about_sound, "sound plays at its own speed, the pictures at the rate that was asked for")
    colour, aspect = _told_by_pictures(path, clip, first)
    media = Media(
        path=path,
        kind="file",
        video=clip,
        audio=audio,
        rate=rate,
        start=start + first if has_timecode else 0,
        has_timecode=has_timecode,
        drop=drop,
        reel=facts.reel,
        sample_aspect=aspect or facts.sample_aspect,
        colour=colour,
        name=path.stem,
        remarks=(*remarks, *doubt, *_silent_tags(clip, colour), *about_sound),
    )
    return replace(media, video=_with_props(media, start)[first : last + 1])


def open_audio(path: Path, options: SourceOptions) -> vs.AudioNode | None:
    """First sound track of a file, sample 0 at its first picture; None if there is no sound.

    Raises:
        MediaError: There is sound, but it cannot be decoded.
    """
    try:
        return core.bs.AudioSource(
            str(path), cachemode=4, cachepath=str(index_path(path, options.cache)), showprogress=False
        )
    except vs.Error as error:
        if "track" in str(error).lower():
            return None
        raise MediaError(f"the sound cannot be read ({_reason(error)})", file=path) from error


def _pictures(
    path: Path, facts: ContainerFacts, options: SourceOptions
) -> tuple[vs.VideoNode, Fraction, tuple[str, ...], bool]:
    """The clip at constant rate, its rate, remarks, and whether pictures still keep time with the sound."""
    clip, times = _indexed(path, options)
    rate, asked = _constant_rate(facts, clip, times), options.rate
    remarks: tuple[str, ...] = ()
    if rate is None:
        if asked is None:
            raise MediaError(
                f"the frame rate varies ({_spread(times)} frames per second)",
                file=path,
                hint=f"Give the rate it should have, {rate_text(facts.rates[0])} perhaps; frames are then dropped or "
                "repeated to keep time",
            )
        clip, _ = _indexed(path, options, conform=asked)
        remarks = (f"the frame rate varies; frames were dropped or repeated to make it {rate_text(asked)}",)
    elif asked is not None and asked != rate:
        remarks = (f"the file says {rate_text(rate)} frames per second, {rate_text(asked)} was asked for",)
    chosen = asked or rate
    assert chosen is not None
    timed = core.std.AssumeFPS(clip, fpsnum=chosen.numerator, fpsden=chosen.denominator)
    return timed, chosen, remarks, rate is None or chosen == rate


def _indexed(path: Path, options: SourceOptions, conform: Fraction | None = None) -> tuple[vs.VideoNode, list[float]]:
    """The clip and the time of each frame in milliseconds (empty when made constant)."""
    if not hasattr(core, "bs"):
        raise InstallationError(
            "the VapourSynth plug-in BestSource is missing", hint="pip install vapoursynth-bestsource"
        )
    stamp: dict[str, Any] = {"fpsnum": conform.numerator, "fpsden": conform.denominator} if conform else {}
    cache = str(index_path(path, options.cache))
    with tempfile.TemporaryDirectory(prefix="vsfilmrestore-") as folder:
        times = Path(folder) / "times.txt"
        if not conform:
            stamp["timecodes"] = str(times)
        try:
            clip = core.bs.VideoSource(str(path), cachemode=4, cachepath=cache, showprogress=False, **stamp)
        except vs.Error as error:
            raise MediaError(f"the pictures cannot be read ({_reason(error)})", file=path) from error
        if clip.format is None or not clip.width or not clip.height:
            raise MediaError("the pictures change their size or format on the way", file=path)
        return clip, _read_times(times)


def _read_times(path: Path) -> list[float]:
    if not path.exists():
        return []
    return [float(line) for line in path.read_text().splitlines() if line and not line.startswith("#")]


def _constant_rate(facts: ContainerFacts, clip: vs.VideoNode, times: list[float]) -> Fraction | None:
    """The rate that puts every frame within half a frame of its time, or None.

    One frame dropped at the start, and times rounded to milliseconds, are still constant.
    """
    counted = [exact_rate(clip.fps)] if clip.fps else []
    if len(times) < 2:
        return (*counted, *facts.rates)[0]
    for rate in dict.fromkeys((*facts.rates, *counted)):
        step = 1000 / float(rate)
        off = [time - n * step for n, time in enumerate(times)]
        if max(off) - min(off) <= 1.02 * step + 1:
            return rate
    return None


def _spread(times: list[float]) -> str:
    steps = sorted(b - a for a, b in pairwise(times) if b > a)
    if not steps:
        return "no two"
    slow, fast = 1000 / steps[-1], 1000 / steps[0]
    return f"{slow:.3g} to {fast:.3g}"


def _check_whole(path: Path, facts: ContainerFacts, clip: vs.VideoNode, rate: Fraction, options: SourceOptions) -> None:
    """A file cut off in copying opens as if it were shorter: tell, unless a last frame within it was asked for."""
    if facts.length is None or not facts.trusted or not facts.own:
        return
    there, lost = clip.num_frames, facts.length - clip.num_frames
    if rate != facts.rates[0] or lost <= (_MOST_SHORT if facts.exact else max(_MOST_SHORT, float(rate) / 2)):
        return
    if options.last is not None and options.last < there:
        return
    raise MediaError(
        f"the file is cut off: its header tells of {facts.length} frames, {there} are there",
        file=path,
        hint=f"Copy it again, or take what is there with --last {there - 1}",
    )


def _wanted(path: Path, clip: vs.VideoNode, options: SourceOptions) -> tuple[int, int]:
    first = options.first or 0
    last = clip.num_frames - 1 if options.last is None else options.last
    if first < 0 or not first <= last < clip.num_frames:
        raise MediaError(f"frames {first}-{last} were asked for, the file holds 0-{clip.num_frames - 1}", file=path)
    return first, last


def _told_by_pictures(path: Path, clip: vs.VideoNode, first: int) -> tuple[ColourTags, Fraction | None]:
    """Colour and pixel aspect as the codec tells them, which knows more than the container (VP8, MPEG-2, ProRes)."""
    try:
        with clip.get_frame(first) as frame:
            found: dict[str, Any] = dict(frame.props)
    except vs.Error as error:
        raise MediaError(f"the first picture cannot be decoded ({_reason(error)})", file=path) from error
    rgb = clip.format.color_family == vs.RGB

    def told(name: str) -> int | None:
        value = int(found.get(name, UNSPECIFIED))
        return None if value == UNSPECIFIED else value

    full = int(found["_Range"]) == int(vs.RANGE_FULL) if "_Range" in found else rgb or None
    aspect = Fraction(found.get("_SARNum", 0), found.get("_SARDen", 0) or 1)
    tags = ColourTags(0 if rgb else told("_Matrix"), told("_Transfer"), told("_Primaries"), full)
    return tags, aspect if aspect > 0 else None


def _silent_tags(clip: vs.VideoNode, colour: ColourTags) -> tuple[str, ...]:
    silent = untold(colour, clip.format.color_family)
    return (f"the file does not tell its colour {' and '.join(silent)}",) if silent else ()


def _sound(
    path: Path,
    facts: ContainerFacts,
    clip: vs.VideoNode,
    rate: Fraction,
    wanted: tuple[int, int],
    options: SourceOptions,
) -> tuple[vs.AudioNode | None, tuple[str, ...]]:
    if not options.audio or not facts.audio_tracks:
        return None, ()
    sound = open_audio(path, options)
    if sound is None:
        return None, ()
    remarks = []
    if facts.audio_tracks > 1:
        remarks.append(f"the first of {facts.audio_tracks} sound tracks is carried")
    beyond = sound.num_samples - sample_position(clip.num_frames, rate, sound.sample_rate)
    if beyond > sample_position(1, rate, sound.sample_rate):
        remarks.append(f"{beyond / sound.sample_rate:.2f} s of sound after the last picture are left out")
    return cut_audio(sound, *wanted, rate), tuple(remarks)


def _with_props(media: Media, start: int) -> vs.VideoNode:
    """Name, reel, number and timecode on every frame of the whole file; what BestSource told stays."""
    fixed: dict[str, str | int] = {props.SOURCE_FILE: media.path.name}
    if media.reel:
        fixed[props.REEL] = media.reel
    if media.video.format.color_family == vs.RGB:
        fixed["_Matrix"] = 0
    clip = core.std.SetFrameProps(media.video, **fixed)
    clip = core.akarin.PropExpr(clip, lambda: {props.SOURCE_FRAME: "N"})
    if not media.has_timecode:
        return clip
    rate, drop = media.rate, media.drop

    def stamp(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        frame.props[props.TIMECODE] = format_timecode(start + n, rate, drop=drop)
        return frame

    return core.std.ModifyFrame(clip, clip, stamp)


def _reason(error: vs.Error) -> str:
    return str(error).split(":", 1)[-1].strip() or "no reason given"
