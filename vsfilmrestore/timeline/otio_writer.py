"""A `Reel` as OpenTimelineIO: one video track, exact lengths, our own words under one metadata namespace."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import opentimelineio as otio

from vsfilmrestore.timeline.model import FrameRange, Reel, Shot, SourceKey, Strength
from vsfilmrestore.timeline.otio_media import OWN

__all__ = ["otio_text"]


def otio_text(reel: Reel) -> tuple[str, tuple[str, ...]]:
    """The JSON of an OTIO timeline, and what it could not hold.

    Settings become clip markers with the range they are for. Speeds, reels, file names and sound counting of source
    frames come back as they were; what OTIO has no field for stands in metadata under ``vsfilmrestore``.
    """
    remarks: list[str] = []
    timeline = otio.schema.Timeline(reel.name, global_start_time=_time(reel.start, reel.rate))
    timeline.metadata[OWN] = {"rate": str(reel.rate), "drop": reel.drop}
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(track)
    for i, shot in enumerate(reel.shots):
        if shot.transition is not None:
            track.append(_transition(shot, reel))
            if not _runs_on(reel.shots[i - 1] if i else None, shot, reel.rate):
                remarks.append(f"{shot.name}: what fades away is not the shot before, which OTIO cannot say")
        track.append(_gap(shot, reel) if shot.source is None else _clip(shot, shot.source, reel))
    for marker in reel.markers:
        if "VSFR" not in f"{marker.name} {marker.note}".upper():
            timeline.tracks.markers.append(
                _marker(marker.name, marker.note, marker.colour, marker.frames.start, len(marker.frames), reel.rate)
            )
    return otio.adapters.write_to_string(timeline, "otio_json"), tuple(remarks)


def _time(frames: int | Fraction, rate: Fraction) -> Any:
    return otio.opentime.RationalTime(float(frames), float(rate))


def _range(start: int | Fraction, start_rate: Fraction, length: int, rate: Fraction) -> Any:
    return otio.opentime.TimeRange(_time(start, start_rate), _time(length, rate))


def _gap(shot: Shot, reel: Reel) -> Any:
    return otio.schema.Gap(source_range=_range(0, reel.rate, len(shot.record), reel.rate))


def _clip(shot: Shot, source: SourceKey, reel: Reel) -> Any:
    known = source.available
    available = _range(known.start, source.rate, len(known), source.rate) if known is not None else None
    if source.url:
        reference = otio.schema.ExternalReference(source.url, available)
        reference.name = source.name
    else:
        reference = otio.schema.MissingReference(source.name, available)
    used = _range(source.start + shot.phase, source.rate, len(shot.record), reel.rate)
    clip = otio.schema.Clip(shot.name, reference, used)
    clip.metadata[OWN] = {
        "id": shot.id,
        "reel": source.reel,
        "event": shot.event,
        "source_name": source.name,
        "source_drop": source.drop,
        "has_timecode": source.has_timecode,
        "comments": [text for text in shot.comments if "VSFR" not in text.upper()],
    }
    if shot.speed == 0:
        clip.effects.append(otio.schema.FreezeFrame())
    elif shot.speed != 1:
        clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=float(shot.speed)))
    for note in shot.notes:
        marker = _setting(shot, note.text, note.frames, note.strength)
        clip.markers.append(marker)
    return clip


def _setting(shot: Shot, text: str, frames: FrameRange | None, strength: Strength) -> Any:
    """Settings as a marker in media frames, the way OTIO means clip markers; a place of no length is the whole clip."""
    assert shot.source is not None
    rate = shot.source.rate
    low, size = Fraction(0), Fraction(0)
    if frames is not None and shot.speed:
        ahead = frames.start - shot.record.start if shot.speed > 0 else shot.record.stop - frames.stop
        low = shot.source.start + shot.phase + ahead * abs(shot.speed)
        size = len(frames) * abs(shot.speed)
    marker = _marker(f"VSFR {text}", "", "YELLOW", low, size, rate)
    marker.metadata[OWN] = {"strength": str(strength)}
    if frames is None:
        marker.metadata["applieswhole"] = "1"
    else:
        marker.metadata[OWN]["record"] = [frames.start - shot.record.start, frames.stop - shot.record.start]
    return marker


def _marker(name: str, note: str, colour: str, start: int | Fraction, length: int | Fraction, rate: Fraction) -> Any:
    marked = otio.opentime.TimeRange(_time(start, rate), _time(length, rate))
    return otio.schema.Marker(name, marked, colour or "YELLOW", comment=note)


def _transition(shot: Shot, reel: Reel) -> Any:
    assert shot.transition is not None
    dissolve = shot.transition.kind == "dissolve"
    transition = otio.schema.Transition(
        shot.transition.kind,
        otio.schema.TransitionTypes.SMPTE_Dissolve if dissolve else otio.schema.TransitionTypes.Custom,
        _time(0, reel.rate),
        _time(shot.transition.length, reel.rate),
    )
    transition.metadata[OWN] = {"kind": shot.transition.kind}
    return transition


def _runs_on(before: Shot | None, shot: Shot, rate: Fraction) -> bool:
    """Whether what fades away is the shot before, running on (nothing and a gap are both black)."""
    assert shot.transition is not None
    fading = shot.transition.outgoing
    if before is None or before.source is None or fading.source is None:
        return fading.source is None and (before is None or before.source is None)
    if fading.source.label != before.source.label:
        return False
    last = shot.transition.length - 1
    places = (before.source_at(len(before.record) + k, rate) for k in (0, last))
    return tuple(places) == (fading.source_at(0, rate), fading.source_at(last, rate))
