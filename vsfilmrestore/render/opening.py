"""Opening media as a project says: gaps, rates, timecode, and what is done to whole sources before they are cut.

What is said is applied alike to headers that are only read (a plan) and to media that are opened (a render).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, Final

import vapoursynth as vs

from vsfilmrestore import timeline
from vsfilmrestore.errors import SettingError
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.filters._frame_list import parse_frames
from vsfilmrestore.filters.schema import nearest
from vsfilmrestore.media.source import Media, SourceOptions, open_media
from vsfilmrestore.media.timecode import exact_rate, parse_timecode
from vsfilmrestore.render.bind import Opener
from vsfilmrestore.render.fields import field_order
from vsfilmrestore.render.link_facts import Facts, Prober
from vsfilmrestore.render.link_names import parts
from vsfilmrestore.render.project import ProjectSettings

__all__ = ["MOST_UNREADABLE", "SaidOfMedium", "media_opener", "media_prober", "said_of_media", "tolerates"]

MOST_UNREADABLE: Final = 1_000_000
"""Frames of a film that can be named as such."""
_KEYS: Final = ("file", "start", "rate", "md5", "sha256")
_FILM_FRAMES: Final = Fraction(4, 5)


@dataclass(frozen=True, slots=True)
class SaidOfMedium:
    """A ``[[media]]`` table of ``project.toml``: what a person knows of one medium.

    Attributes:
        file: Path from the project folder, or the end of a path, as written.
        place: The same as a path.
        start: Timecode of its first frame, whatever it tells; '' to believe it.
        rate: Its rate, whatever it tells; None to believe it.
        hashes: Checksums by name, ``md5`` or ``sha256``, in lower case.
    """

    file: str
    place: Path
    start: str = ""
    rate: Fraction | None = None
    hashes: Mapping[str, str] | None = None

    def is_about(self, path: Path) -> bool:
        """Whether a medium is the one meant."""
        wanted, trail = parts(self.file), parts(str(path.absolute()))
        return path.absolute() == self.place.absolute() or (wanted != () and trail[-len(wanted) :] == wanted)


def said_of_media(settings: ProjectSettings, folder: Path) -> list[SaidOfMedium]:
    """All ``[[media]]`` tables.

    Raises:
        SettingError: One lacks its file, or has an unknown key or a wrong value.
    """
    return [_said(number, table, folder) for number, table in enumerate(settings.known_media, 1)]


def _said(number: int, table: Mapping[str, Any], folder: Path) -> SaidOfMedium:
    where = f"[[media]] number {number}"
    for key, value in table.items():
        if key not in _KEYS:
            raise SettingError(f"{where}: unknown key '{key}'{nearest(key, _KEYS)}", file="project.toml")
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise SettingError(f"{where}: {key} must be text, not {value!r}", file="project.toml")
    if not table.get("file"):
        raise SettingError(f"{where} names no file", file="project.toml")
    hashes = {key: str(table[key]).strip().lower() for key in ("md5", "sha256") if table.get(key)}
    file, start = str(table["file"]), str(table.get("start", ""))
    return SaidOfMedium(file, folder / file, start, _rate(str(table.get("rate", ""))), hashes)


def media_opener(settings: ProjectSettings, folder: Path) -> Opener:
    """Opens media as the project says.

    Raises:
        SettingError: What it says makes no sense.
    """
    if settings.gap not in ("error", "hold", "black"):
        raise SettingError(f"gap must be error, hold or black, not '{settings.gap}'", file="project.toml")
    cut = timeline.is_cut_list(Path(settings.input))
    options = SourceOptions(
        gap=settings.gap,  # type: ignore[arg-type]
        rate=None if cut else _rate(settings.rate),
        first=settings.first,
        last=settings.last,
        tolerant=tolerates(settings),
        unreadable=() if cut else _numbers(settings.unreadable),
    )
    known = said_of_media(settings, folder)

    def opened(path: Path) -> Media:
        said = _about(known, path)
        chosen = replace(options, rate=said.rate) if said and said.rate else options
        medium = open_media(path, chosen)
        if said and said.start:
            medium = _at(medium, said.start)
        elif settings.start and not medium.has_timecode:
            medium = _at(medium, settings.start)
        return _film_frames(medium) if settings.inverse_telecine else medium

    return opened


def tolerates(settings: ProjectSettings) -> bool:
    """Whether a film that is not as it should be is taken as far as it goes.

    Who knows what he wants is asked: a preset that is named, or a cut list, whose frames are counted.
    """
    if settings.tolerant is not None:
        return settings.tolerant
    if timeline.is_cut_list(Path(settings.input)):
        return False
    return settings.aim != "" or settings.preset == ProjectSettings().preset


def media_prober(settings: ProjectSettings, folder: Path) -> Prober:
    """Reads headers, and takes them as the project says.

    Raises:
        SettingError: What it says makes no sense.
    """
    known = said_of_media(settings, folder)

    def as_said(facts: Facts) -> Facts:
        said = _about(known, facts.path)
        if said and said.rate:
            facts = replace(facts.counted_at(said.rate), rate_told=True)
        facts = _stretch(facts, settings)
        start = said.start if said and said.start else "" if facts.has_timecode else settings.start
        if start:
            count = _count(start, facts.rate)
            facts = replace(facts, start=count, has_timecode=True, drop=";" in start)
        if settings.inverse_telecine:
            rate = facts.rate * _FILM_FRAMES
            length, first = int(facts.length * _FILM_FRAMES), int(facts.start * _FILM_FRAMES)
            facts = replace(facts, rate=rate, length=length, start=first, drop=False, exact=False)
        return facts

    return Prober(as_said)


def _stretch(facts: Facts, settings: ProjectSettings) -> Facts:
    """The frames of a medium that are wanted, ``--first`` to ``--last``."""
    base = facts.first_number if facts.kind == "sequence" else 0
    first = max(0, (settings.first or 0) - base) if settings.first is not None else 0
    stop = facts.length if settings.last is None else min(facts.length, settings.last - base + 1)
    if (first, stop) == (0, facts.length):
        return facts
    number = facts.first_number + first if facts.kind == "sequence" else 0
    return replace(facts, length=max(0, stop - first), start=facts.start + first, first_number=number)


def _about(known: list[SaidOfMedium], path: Path) -> SaidOfMedium | None:
    return next((said for said in known if said.is_about(path)), None)


def _numbers(text: str) -> tuple[int, ...]:
    """Frames written as ``26-36, 60``."""
    try:
        found = parse_frames(text)
    except ValueError as error:
        raise SettingError(f"unreadable: {error}", file="project.toml", hint='Write "26-36, 60"') from None
    if sum(run.stop - run.start for run in found) > MOST_UNREADABLE:
        raise SettingError(f"unreadable names more than {MOST_UNREADABLE} frames", file="project.toml")
    return tuple(chain.from_iterable(found))


def _rate(text: str) -> Fraction | None:
    try:
        rate = exact_rate(text) if text else None
    except (ValueError, ZeroDivisionError, OverflowError):
        rate = Fraction(0)
    if rate is not None and not 1 <= rate <= 1000:
        raise SettingError(f"rate must be frames per second, not '{text}'", hint="Write 24, 23.976 or 30000/1001")
    return rate


def _count(start: str, rate: Fraction) -> int:
    try:
        return parse_timecode(start, rate)
    except ValueError as error:
        raise SettingError(str(error), hint="Write HH:MM:SS:FF") from None


def _at(medium: Media, start: str) -> Media:
    """The medium with the timecode of its first frame."""
    return replace(medium, start=_count(start, medium.rate), has_timecode=True, drop=";" in start)


def _film_frames(medium: Media) -> Media:
    """The film frames of a telecined medium."""
    video: vs.VideoNode = FILTERS["inverse_telecine"].function(medium.video, field_order(medium))
    start = medium.start * video.fps / medium.rate
    return replace(medium, video=video, rate=video.fps, start=int(start), drop=False)
