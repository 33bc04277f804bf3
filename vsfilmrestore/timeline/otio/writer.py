"""A `Reel` as OpenTimelineIO: one video track, exact lengths, our own words under one metadata namespace.

What OTIO has no field for stands under ``vsfilmrestore`` and is followed again by our own reader::

    timeline   rate, drop
    clip       id, event, reel, source_name, source_rate, source_drop, has_timecode, speed, comments, colour
               curve: {"start", "duration", "knots"}: the speed along the clip, as long as the clip is not trimmed
    transition kind; outgoing: what fades away, where it is not the clip before
    marker     strength, record: [first, stop] of the settings, counted from the clip's first record frame
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from typing import Any, Final

import opentimelineio as otio

from vsfilmrestore.errors import UsageError
from vsfilmrestore.media.timecode import format_timecode
from vsfilmrestore.timeline._writing import (
    ClipMark,
    Extras,
    Losses,
    MediaFacts,
    as_timeline_marker,
    placed_marks,
    runs_on,
)
from vsfilmrestore.timeline.model import Marker, Reel, SettingNote, Shot, SourceKey
from vsfilmrestore.timeline.otio.media import OWN

__all__ = ["otio_text", "schemas_of"]

_NUMBER: Final = re.compile(r"%0?(\d*)d|(#+)")
_COLOURS: Final = frozenset(
    {"PINK", "RED", "ORANGE", "YELLOW", "GREEN", "CYAN", "BLUE", "PURPLE", "MAGENTA", "BLACK", "WHITE"}
)


def otio_text(reel: Reel, extras: Extras | None = None, *, schema: str = "") -> tuple[str, tuple[str, ...]]:
    """The JSON of an OTIO timeline, and what other programs will not find in it.

    Settings become clip markers with the range they are for. Speeds, reels, file names and the counting of source
    frames come back as they were.

    Args:
        reel: The cut.
        extras: Facts of media and shots to write along.
        schema: Release of OpenTimelineIO that must be able to read it, ``0.15``; '' writes the newest.

    Raises:
        UsageError: There is no such release.
    """
    versions = schemas_of(schema) if schema else None
    writer = _OtioWriter(reel, extras or Extras())
    timeline = writer.timeline()
    text = otio.adapters.write_to_string(timeline, "otio_json", target_schema_versions=versions)
    return text, writer.losses.sentences()


def schemas_of(release: str) -> dict[str, int]:
    """Versions of all schemas in a release of OpenTimelineIO, named as ``0.15`` or ``0.15.0``.

    Raises:
        UsageError: There is no such release.
    """
    family = otio.versioning.full_map()
    core = family["OTIO_CORE"]
    known = list(core)
    found = [label for label in known if label == release or label.startswith(f"{release}.")]
    if not found:
        names = ", ".join(sorted({label.rpartition(".")[0] for label in known}))
        raise UsageError(f"there is no OpenTimelineIO schema '{release}'", hint=f"Known are {names}")
    held = core[found[-1]]
    return {str(name): int(held[name]) for name in held}


class _OtioWriter:
    def __init__(self, reel: Reel, extras: Extras) -> None:
        self._reel = reel
        self._extras = extras
        self.losses = Losses()

    def timeline(self) -> Any:
        reel, placed = self._reel, placed_marks(self._reel)
        timeline = otio.schema.Timeline(reel.name, global_start_time=_time(reel.start, reel.rate))
        timeline.metadata[OWN] = {"rate": str(reel.rate), "drop": reel.drop, **_plain(self._extras.reel)}
        track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
        timeline.tracks.append(track)
        for i, shot in enumerate(reel.shots):
            if shot.transition is not None:
                track.append(self._transition(i, shot))
            item = self._gap(shot) if shot.source is None else self._clip(i, shot, shot.source, placed.texts[i])
            if shot.source is None:
                placed.timeline.extend(as_timeline_marker(mark) for mark in placed.clips[i])
            else:
                item.markers.extend(self._setting(shot, mark) for mark in placed.clips[i])
            track.append(item)
        timeline.tracks.markers.extend(self._timeline_marker(marker) for marker in placed.timeline)
        return timeline

    def _gap(self, shot: Shot) -> Any:
        rate = self._reel.rate
        gap = otio.schema.Gap(source_range=_range(0, rate, len(shot.record), rate))
        comments = _comments(shot)
        if shot.event or comments:
            gap.metadata[OWN] = {"event": shot.event, "comments": comments}
        return gap

    def _clip(self, i: int, shot: Shot, source: SourceKey, texts: list[SettingNote]) -> Any:
        used = _range(source.start + shot.phase, source.rate, len(shot.record), self._reel.rate)
        clip = otio.schema.Clip(shot.name, self._reference(source), used)
        own = {
            "id": shot.id,
            "event": shot.event,
            **_source_facts(source),
            "comments": _comments(shot),
            **_speed_facts(shot, used),
        }
        if shot.colour:
            own["colour"] = shot.colour
        if i < len(self._extras.shots):
            own |= _plain(self._extras.shots[i])
        clip.metadata[OWN] = own
        if shot.curve is not None:
            self.losses.add("OTIO has no speed that changes along a clip; others will see the average speed", shot.name)
        if shot.speed == 0 and shot.curve is None:
            clip.effects.append(otio.schema.FreezeFrame())
        elif shot.speed != 1 or shot.curve is not None:
            clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=float(shot.speed)))
        clip.markers.extend(self._setting(shot, _as_mark(shot, note)) for note in texts)
        return clip

    def _reference(self, source: SourceKey) -> Any:
        known = source.available
        available = _range(known.start, source.rate, len(known), source.rate) if known is not None else None
        facts = self._extras.media.get(source.url)
        if not source.url:
            return otio.schema.MissingReference(source.name, available)
        number = _NUMBER.search(source.url.replace("\\", "/").rsplit("/", 1)[-1])
        if number is not None and facts is not None and facts.first_number is not None and known is not None:
            return _sequence(source, facts, number, available)
        reference = otio.schema.ExternalReference(source.url, available)
        reference.name = source.name
        return reference

    def _setting(self, shot: Shot, mark: ClipMark) -> Any:
        """A marker in media frames, the way OTIO means clip markers; a place of no length is the whole clip."""
        rate = self._reel.rate if shot.source is None else shot.source.rate
        low, size = Fraction(0), Fraction(0)
        frames = mark.frames
        if frames is not None and shot.source is not None and shot.speed and shot.curve is None:
            step = abs(shot.speed) * shot.source.rate / self._reel.rate
            ahead = frames.start - shot.record.start if shot.speed > 0 else shot.record.stop - frames.stop
            low = shot.source.start + shot.phase + ahead * step
            size = len(frames) * step
        marker = _marker(mark.name, mark.note, mark.colour, low, size, rate)
        marker.metadata[OWN] = {"strength": str(mark.strength), "colour": mark.colour}
        if frames is None:
            marker.metadata["applieswhole"] = "1"
        else:
            marker.metadata[OWN]["record"] = [frames.start - shot.record.start, frames.stop - shot.record.start]
        return marker

    def _timeline_marker(self, marker: Marker) -> Any:
        start, length, rate = marker.frames.start, len(marker.frames), self._reel.rate
        made = _marker(marker.name, marker.note, marker.colour, start, length, rate)
        made.metadata[OWN] = {"colour": marker.colour}
        return made

    def _transition(self, i: int, shot: Shot) -> Any:
        assert shot.transition is not None
        rate, kind = self._reel.rate, shot.transition.kind
        smpte = otio.schema.TransitionTypes.SMPTE_Dissolve
        transition = otio.schema.Transition(
            kind,
            smpte if kind == "dissolve" else otio.schema.TransitionTypes.Custom,
            _time(0, rate),
            _time(shot.transition.length, rate),
        )
        own: dict[str, Any] = {"kind": kind}
        if not runs_on(self._reel.shots[i - 1] if i else None, shot, rate):
            outgoing = shot.transition.outgoing
            own["outgoing"] = _side_facts(outgoing)
            self.losses.add(
                "what fades away is not the shot before, which OTIO cannot say; others will see that run on", shot.name
            )
        transition.metadata[OWN] = own
        return transition


def _time(frames: int | Fraction, rate: Fraction) -> Any:
    return otio.opentime.RationalTime(float(frames), float(rate))


def _range(start: int | Fraction, start_rate: Fraction, length: int, rate: Fraction) -> Any:
    return otio.opentime.TimeRange(_time(start, start_rate), _time(length, rate))


def _sequence(source: SourceKey, facts: MediaFacts, number: re.Match[str], available: Any) -> Any:
    base, slash, name = source.url.replace("\\", "/").rpartition("/")
    digits = len(number[2]) if number[2] else int(number[1] or 1)
    reference = otio.schema.ImageSequenceReference(
        base + slash, name[: number.start()], name[number.end() :], facts.first_number, 1, float(source.rate), digits
    )
    reference.available_range = available
    reference.name = source.name
    return reference


def _marker(name: str, note: str, colour: str, start: int | Fraction, length: int | Fraction, rate: Fraction) -> Any:
    marked = otio.opentime.TimeRange(_time(start, rate), _time(length, rate))
    shown = colour if colour.upper() in _COLOURS else "YELLOW"
    return otio.schema.Marker(name, marked, shown, comment=note)


def _comments(shot: Shot) -> list[str]:
    """Comments but for settings, which are markers here: they would be found twice."""
    return [text for text in shot.comments if "VSFR" not in text.upper()]


def _as_mark(shot: Shot, note: SettingNote) -> ClipMark:
    return ClipMark(f"VSFR {note.text}", "", "", note.frames, shot.record.start, note.strength)


def _source_facts(source: SourceKey) -> dict[str, Any]:
    return {
        "reel": source.reel,
        "source_name": source.name,
        "source_rate": str(source.rate),
        "source_drop": source.drop,
        "has_timecode": source.has_timecode,
    }


def _speed_facts(shot: Shot, used: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {} if shot.speed == 1 else {"speed": str(shot.speed)}
    if shot.curve is not None:
        knots = [[str(time), str(place)] for time, place in shot.curve.knots]
        facts["curve"] = {"start": used.start_time.value, "duration": used.duration.value, "knots": knots}
    return facts


def _side_facts(shot: Shot) -> dict[str, Any]:
    """What fades away, in plain data."""
    facts: dict[str, Any] = {"name": shot.name, "speed": str(shot.speed), "phase": str(shot.phase)}
    if shot.curve is not None:
        facts["knots"] = [[str(time), str(place)] for time, place in shot.curve.knots]
    if shot.source is not None:
        known = shot.source.available
        facts["source"] = asdict(shot.source) | {
            "rate": str(shot.source.rate),
            "available": None if known is None else [known.start, known.stop],
        }
        facts["timecode"] = format_timecode(shot.source.start, shot.source.rate, drop=shot.source.drop)
    return facts


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value is not None}
