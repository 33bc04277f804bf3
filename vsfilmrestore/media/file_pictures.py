"""The pictures of a media file as a clip of constant rate and size, through BestSource."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any

import vapoursynth as vs

from vsfilmrestore.errors import InstallationError, MediaError
from vsfilmrestore.media.cache import index_path
from vsfilmrestore.media.container import ContainerFacts
from vsfilmrestore.media.model import SourceOptions
from vsfilmrestore.media.naming import ranges_text
from vsfilmrestore.media.stand_ins import frozen
from vsfilmrestore.media.timecode import exact_rate, rate_text
from vsfilmrestore.media.timing import Course, believable, course_at, sensible_rate, steady_rate

__all__ = ["Pictures", "as_long_as", "passed_over", "read_pictures", "reason"]

core = vs.core

_MOST_SHOWN = 64
"""Damaged places that BestSource is led to."""
_NO_TIMES = "the file does not tell when each picture is shown; they are taken as they come, {rate} a second"


@dataclass(frozen=True, slots=True)
class Pictures:
    """The clip at constant rate.

    Attributes:
        clip: The clip.
        rate: Its rate.
        counted: Pictures in the file, with those that are missing in between.
        remarks: What was assumed.
        in_time: Whether pictures keep time with the sound.
        held: Frames that stand where the file has none.
        stay: Frames that one picture stays at most, where the rate of the file varies; else 0.
    """

    clip: vs.VideoNode
    rate: Fraction
    counted: int
    remarks: tuple[str, ...] = ()
    in_time: bool = True
    held: tuple[int, ...] = ()
    stay: int = 0


def read_pictures(path: Path, facts: ContainerFacts, options: SourceOptions) -> Pictures:
    """Pictures of a file, indexed where they were not before.

    Raises:
        MediaError: They cannot be read; or, where ``options.tolerant`` is not set, change their size or format, or are
            of varying rate with no rate given.
        InstallationError: BestSource is missing.
    """
    clip, times = _indexed(path, options)
    clip, resized = _of_one_size(path, clip, options)
    pictures = _timed(path, clip, times, facts, options)
    return replace(pictures, remarks=(*resized, *pictures.remarks))


def _timed(
    path: Path, clip: vs.VideoNode, times: list[float] | None, facts: ContainerFacts, options: SourceOptions
) -> Pictures:
    """The pictures at constant rate."""
    rate, asked = _constant_rate(facts, clip, times), options.rate
    if rate is None:
        assert times is not None
        return _in_time(path, clip, times, facts, options)
    remarks = () if times is not None else (_NO_TIMES.format(rate=rate_text(rate)),)
    if asked is not None and asked != rate:
        remarks = (f"the file says {rate_text(rate)} frames per second, {rate_text(asked)} was asked for",)
    chosen = asked or rate
    timed = core.std.AssumeFPS(clip, fpsnum=chosen.numerator, fpsden=chosen.denominator)
    return Pictures(timed, chosen, len(clip), remarks, chosen == rate)


def _in_time(
    path: Path, clip: vs.VideoNode, times: Sequence[float], facts: ContainerFacts, options: SourceOptions
) -> Pictures:
    """Pictures of no constant rate, put where their times say."""
    if not believable(times):
        rate = options.rate or facts.rates[0]
        if not (options.tolerant or options.rate):
            raise _varies(path, times, rate)
        timed = core.std.AssumeFPS(clip, fpsnum=rate.numerator, fpsden=rate.denominator)
        told = f"the times of its pictures make no sense; they are shown as they come, {rate_text(rate)} a second"
        return Pictures(timed, rate, len(clip), (told,), in_time=False)
    course = course_at(times, options.rate or sensible_rate(times, facts.rates))
    if not (options.tolerant or options.rate):
        raise _varies(path, times, course.rate, course)
    told = _told_of(course, times, asked=options.rate is not None)
    held = course.held if course.gaps else ()
    stay = 0 if course.gaps else ceil(max(b - a for a, b in pairwise(times)) * course.rate / 1000)
    return Pictures(course.of(clip), course.rate, len(clip) + len(held), (told,), held=held, stay=stay)


def as_long_as(pictures: Pictures, sound: vs.AudioNode | None) -> Pictures:
    """Where pictures stay for various times the last one does, too: while there is sound, if no longer than others."""
    if sound is None or not pictures.stay:
        return pictures
    more = ceil(sound.num_samples * pictures.rate / sound.sample_rate) - len(pictures.clip)
    if not 0 < more < pictures.stay:
        return pictures
    return replace(pictures, clip=pictures.clip.std.DuplicateFrames([len(pictures.clip) - 1] * more))


def _told_of(course: Course, times: Sequence[float], *, asked: bool) -> str:
    rate, held, dropped = rate_text(course.rate), len(course.held), len(course.dropped)
    if course.gaps:
        many = "1 frame is" if held == 1 else f"{held} frames are"
        return (
            f"{many} not in the file: {ranges_text(course.held)}; the frame before stands there, so that all after it "
            "keep their time, and what follows may be damaged, too"
        )
    return (
        f"the frame rate varies ({_spread(times)} frames per second); frames were dropped or repeated to make it "
        f"{rate} ({dropped} dropped, {held} repeated), in step with the sound"
        + ("" if asked else "; --rate chooses another")
    )


def _varies(path: Path, times: Sequence[float], rate: Fraction, course: Course | None = None) -> MediaError:
    hint = f"Give the rate it should have, {rate_text(rate)} perhaps; frames are then dropped or repeated to keep time"
    if course is not None and course.gaps:
        told = f"{len(course.held)} frames are missing: {ranges_text(course.held)}"
        return MediaError(told, file=path, hint=f"Copy it again, or take it as it is with --tolerant. {hint}")
    told = f"the frame rate varies ({_spread(times)} frames per second)"
    return MediaError(told, file=path, hint=f"{hint}; --tolerant takes that rate")


def _indexed(path: Path, options: SourceOptions) -> tuple[vs.VideoNode, list[float] | None]:
    """The clip and the time of each frame in milliseconds; None where the file does not tell them."""
    if not hasattr(core, "bs"):
        raise InstallationError(
            "the VapourSynth plug-in BestSource is missing", hint="pip install vapoursynth-bestsource"
        )
    stamp: dict[str, Any] = {"cachemode": 4, "cachepath": str(index_path(path, options.cache)), "showprogress": False}
    times: list[float] | None = None
    with tempfile.TemporaryDirectory(prefix="vsfilmrestore-") as folder:
        file = Path(folder) / "times.txt"
        try:
            try:
                clip = core.bs.VideoSource(str(path), timecodes=str(file), **stamp)
                times = _read_times(file)
            except vs.Error as error:
                # As in programme streams, where not every picture has one.
                if "unknown timestamp" not in str(error):
                    raise
                clip = core.bs.VideoSource(str(path), **stamp)
        except vs.Error as error:
            raise MediaError(f"the pictures cannot be read ({reason(error)})", file=path) from error
    return clip, times


def _of_one_size(path: Path, clip: vs.VideoNode, options: SourceOptions) -> tuple[vs.VideoNode, tuple[str, ...]]:
    """The clip with all pictures in the size and format of the first, and a remark where they were not."""
    if clip.format is not None and clip.width and clip.height:
        return clip, ()
    told = "the pictures change their size or format on the way"
    if not options.tolerant:
        hint = "Split the file there, or bring all to the first one's with --tolerant"
        raise MediaError(told, file=path, hint=hint)
    try:
        with clip.get_frame(0) as first:
            width, height, like = first.width, first.height, first.format
    except vs.Error as error:
        raise MediaError(f"the first picture cannot be decoded ({reason(error)})", file=path) from error
    same = clip.resize.Spline36(width, height, format=like.id)
    return same, (f"{told}; all are brought to {width}x{height} {like.name}, as the first is",)


def _read_times(path: Path) -> list[float]:
    if not path.exists():
        return []
    return [float(line) for line in path.read_text().splitlines() if line and not line.startswith("#")]


def _constant_rate(facts: ContainerFacts, clip: vs.VideoNode, times: list[float] | None) -> Fraction | None:
    """The rate that puts every frame at its time, or None."""
    if times is None:
        return facts.rates[0]
    counted = [exact_rate(clip.fps)] if clip.fps else []
    if len(times) < 2:
        return (*counted, *facts.rates)[0]
    return steady_rate(times, (*facts.rates, *counted))


def _spread(times: Sequence[float]) -> str:
    steps = sorted(b - a for a, b in pairwise(times) if b > a)
    if not steps:
        return "no two"
    slow, fast = 1000 / steps[-1], 1000 / steps[0]
    return f"{slow:.3g} to {fast:.3g}"


def passed_over(clip: vs.VideoNode, bad: Sequence[int]) -> vs.VideoNode:
    """The clip with others in the place of unreadable frames.

    BestSource fails once or twice at whole frames behind a damaged place, until it knows of it. So it is led there.
    """
    for number in [number for number in bad if number < clip.num_frames][:_MOST_SHOWN] * 2:
        try:
            clip.get_frame(number).close()
        except vs.Error:
            continue
    return frozen(clip, bad)


def reason(error: vs.Error) -> str:
    """What BestSource says is wrong, without its own name."""
    return str(error).split(":", 1)[-1].strip() or "no reason given"
