"""Media files (MOV, MXF, MKV, MP4, AVI, MPEG ...) through BestSource: frame-exact, whatever the codec.

BestSource reads the whole file once and keeps its index in our cache folder, never beside the media. What it cannot
know comes from the container: timecode, reel, and whether the file ends where its header says.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import vapoursynth as vs

from vsfilmrestore.errors import MediaError
from vsfilmrestore.media import props
from vsfilmrestore.media.audio import cut_audio, sample_position
from vsfilmrestore.media.cache import index_path
from vsfilmrestore.media.colour import UNSPECIFIED, ColourTags, untold
from vsfilmrestore.media.container import ContainerFacts, read_container, start_count
from vsfilmrestore.media.file_pictures import Pictures, as_long_as, passed_over, read_pictures, reason
from vsfilmrestore.media.model import Media, SourceOptions
from vsfilmrestore.media.stand_ins import unread
from vsfilmrestore.media.timecode import format_timecode

__all__ = ["open_audio", "open_file"]

core = vs.core

_MOST_SHORT = 3
"""Frames a header may promise beyond what is there: rounding, and leading pictures that cannot be decoded."""
_EARLY = 0.5
"""Seconds by which sound that ends early does."""
_MOST_TRIED = 250
"""Pictures that are tried until one can be decoded."""
_ALPHA = "the pictures have a channel of transparency (alpha), which is not carried; the colours below it are"


def open_file(path: Path, options: SourceOptions) -> Media:
    """Open a media file.

    Raises:
        MediaError: Not there, unreadable, without pictures, of changing size or format, or shorter than the frames
            asked for; and where ``options.tolerant`` is not set, cut off, with holes, or of varying rate with no rate
            given.
    """
    facts = read_container(path)
    sound, about_sound = _sound(path, facts, options)
    pictures = as_long_as(read_pictures(path, facts, options), sound)
    clip, rate = pictures.clip, pictures.rate
    lost = _check_whole(path, facts, pictures, sound, options)
    first, last = _wanted(path, clip, options)
    start, has_timecode, drop, doubt = start_count(facts.timecode, rate)
    audio = None if sound is None else cut_audio(sound, first, last, rate)
    about_sound += _beyond(sound, clip, rate, in_time=pictures.in_time)
    colour, aspect = _told_by_pictures(path, clip, first, options)
    aspect = aspect or facts.sample_aspect
    if aspect != 1 and _is_turned(clip, facts):
        aspect = 1 / aspect
        clip = clip.std.SetFrameProps(_SARNum=aspect.numerator, _SARDen=aspect.denominator)
    media = Media(
        path=path,
        kind="file",
        video=passed_over(clip, options.unreadable),
        audio=audio,
        rate=rate,
        start=start + first if has_timecode else 0,
        has_timecode=has_timecode,
        drop=drop,
        reel=facts.reel,
        sample_aspect=aspect,
        colour=colour,
        name=path.stem,
        remarks=(
            *lost,
            *unread(set(options.unreadable).difference(pictures.held)),
            *pictures.remarks,
            *doubt,
            *_silent_tags(clip, colour),
            *((_ALPHA,) if facts.alpha else ()),
            *about_sound,
        ),
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
        raise MediaError(f"the sound cannot be read ({reason(error)})", file=path) from error


def _check_whole(
    path: Path, facts: ContainerFacts, pictures: Pictures, sound: vs.AudioNode | None, options: SourceOptions
) -> tuple[str, ...]:
    """A file cut off in copying opens as if it were shorter: tell, unless a last frame within it was asked for.

    Raises:
        MediaError: It is shorter than its header says, and ``options.tolerant`` is not set.
    """
    there, rate = pictures.clip.num_frames, pictures.rate
    if pictures.stay and not facts.exact:
        return ()  # how long the last picture stays nobody knows
    lost = _lost(facts, pictures.counted if facts.exact else there, rate, sound, options)
    if not lost or (options.last is not None and options.last < there):
        return ()
    told = f"its header tells of {there + lost} frames, {there} are there"
    if not options.tolerant:
        hint = f"Copy it again, or take what is there with --tolerant or with --last {there - 1}"
        raise MediaError(f"the file is cut off: {told}", file=path, hint=hint)
    gone = f"{lost} ({float(lost / rate):.2f} s) are missing"
    return (f"the file is cut off or damaged: {told}, {gone}; copy it again, if there is a whole one",)


def _lost(facts: ContainerFacts, there: int, rate: Fraction, sound: vs.AudioNode | None, options: SourceOptions) -> int:
    """Frames that the header promises and that are not there; 0 where it is not sure."""
    if facts.length is None or not facts.trusted or rate != facts.rates[0]:
        return 0
    lost = facts.length - there
    sure = facts.exact or (options.tolerant and facts.own)  # a remark too many does less harm than a refusal
    if lost <= (_MOST_SHORT if sure else max(_MOST_SHORT, float(rate) / 2)):
        return 0
    if facts.own:
        return lost
    # The longest track's length: pictures may end before the sound does. Where both end early, the file does.
    if sound is None or facts.seconds is None:
        return 0
    return lost if sound.num_samples / sound.sample_rate + _EARLY < facts.seconds else 0


def _wanted(path: Path, clip: vs.VideoNode, options: SourceOptions) -> tuple[int, int]:
    first = options.first or 0
    last = clip.num_frames - 1 if options.last is None else options.last
    if first < 0 or not first <= last < clip.num_frames:
        raise MediaError(f"frames {first}-{last} were asked for, the file holds 0-{clip.num_frames - 1}", file=path)
    return first, last


def _told_by_pictures(
    path: Path, clip: vs.VideoNode, first: int, options: SourceOptions
) -> tuple[ColourTags, Fraction | None]:
    """Colour and pixel aspect as the codec tells them, which knows more than the container (VP8, MPEG-2, ProRes)."""
    found = _first_props(path, clip[first:], _MOST_TRIED if options.tolerant else 1)
    rgb = clip.format.color_family == vs.RGB

    def told(name: str) -> int | None:
        value = int(found.get(name, UNSPECIFIED))
        return None if value == UNSPECIFIED else value

    full = int(found["_Range"]) == int(vs.RANGE_FULL) if "_Range" in found else rgb or None
    aspect = Fraction(found.get("_SARNum", 0), found.get("_SARDen", 0) or 1)
    tags = ColourTags(0 if rgb else told("_Matrix"), told("_Transfer"), told("_Primaries"), full)
    return tags, aspect if aspect > 0 else None


def _first_props(path: Path, clip: vs.VideoNode, tries: int) -> dict[str, Any]:
    """Properties of the first picture that can be decoded."""
    failed: vs.Error | None = None
    for number in range(min(tries, clip.num_frames)):
        try:
            with clip.get_frame(number) as frame:
                return dict(frame.props)
        except vs.Error as error:
            failed = failed or error
    assert failed is not None
    raise MediaError(f"the first picture cannot be decoded ({reason(failed)})", file=path) from failed


def _is_turned(clip: vs.VideoNode, facts: ContainerFacts) -> bool:
    """Whether pictures that lie on their side in the file were set upright; BestSource leaves their aspect alone."""
    return facts.width != facts.height and (clip.width, clip.height) == (facts.height, facts.width)


def _silent_tags(clip: vs.VideoNode, colour: ColourTags) -> tuple[str, ...]:
    silent = untold(colour, clip.format.color_family)
    return (f"the file does not tell its colour {' and '.join(silent)}",) if silent else ()


def _sound(path: Path, facts: ContainerFacts, options: SourceOptions) -> tuple[vs.AudioNode | None, tuple[str, ...]]:
    """The first sound track of the whole file, and what is to be said of it."""
    if not options.audio or not facts.audio_tracks:
        return None, ()
    try:
        sound = open_audio(path, options)
    except MediaError as error:
        if not options.tolerant:
            raise
        return None, (f"{error.message}; it is left out",)
    several = sound is not None and facts.audio_tracks > 1
    return sound, (f"the first of {facts.audio_tracks} sound tracks is carried",) if several else ()


def _beyond(sound: vs.AudioNode | None, clip: vs.VideoNode, rate: Fraction, *, in_time: bool) -> tuple[str, ...]:
    if sound is None:
        return ()
    remarks = []
    beyond = sound.num_samples - sample_position(clip.num_frames, rate, sound.sample_rate)
    if beyond > sample_position(1, rate, sound.sample_rate):
        remarks.append(f"{beyond / sound.sample_rate:.2f} s of sound after the last picture are left out")
    if not in_time:
        remarks.append("sound plays at its own speed, the pictures at the rate that was asked for")
    return tuple(remarks)


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
