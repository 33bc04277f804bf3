"""OpenTimelineIO as JSON, written by hand, and what was read of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vsfilmrestore.timeline import Reel

type Read = Callable[..., Reel]
type Json = dict[str, Any]


def rt(value: float, rate: float = 24) -> Json:
    return {"OTIO_SCHEMA": "RationalTime.1", "value": value, "rate": rate}


def tr(start: float, length: float, rate: float = 24) -> Json:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": rt(start, rate), "duration": rt(length, rate)}


def media(name: str, known: Json | None = None, **more: Any) -> Json:
    return {"OTIO_SCHEMA": "ExternalReference.1", "target_url": f"/m/{name}.mov", "available_range": known, **more}


def clip(name: str, start: float, length: float, *, rate: float = 24, **more: Any) -> Json:
    reference = more.pop("ref", media(name))
    used = tr(start, length, rate)
    return {"OTIO_SCHEMA": "Clip.1", "name": name, "source_range": used, "media_reference": reference, **more}


def gap(length: float) -> Json:
    return {"OTIO_SCHEMA": "Gap.1", "source_range": tr(0, length)}


def fade(before: float, after: float, kind: str = "SMPTE_Dissolve") -> Json:
    offsets = {"in_offset": rt(before), "out_offset": rt(after)}
    return {"OTIO_SCHEMA": "Transition.1", "name": "t", "transition_type": kind, **offsets}


def warp(speed: float, schema: str = "LinearTimeWarp.1") -> Json:
    return {"OTIO_SCHEMA": schema, "effect_name": "w", "time_scalar": speed}


def track(*children: Json, kind: str = "Video", **more: Any) -> Json:
    return {"OTIO_SCHEMA": "Track.1", "name": "V", "kind": kind, "children": list(children), **more}


def stack(*children: Json, **more: Any) -> Json:
    return {"OTIO_SCHEMA": "Stack.1", "name": "s", "children": list(children), **more}


def timeline(*tracks: Json, start: Json | None = None, markers: list[Json] | None = None) -> Json:
    tracks_ = stack(*tracks, markers=markers or [])
    return {"OTIO_SCHEMA": "Timeline.1", "name": "T", "global_start_time": start, "tracks": tracks_}


def marker(name: str, start: float, length: float = 0, *, rate: float = 24, schema: int = 2, **more: Any) -> Json:
    return {"OTIO_SCHEMA": f"Marker.{schema}", "name": name, "marked_range": tr(start, length, rate), **more}


def spans(reel: Reel) -> list[tuple[str, int, int]]:
    return [(shot.name, shot.record.start, shot.record.stop) for shot in reel.shots]


def frames(reel: Reel) -> list[tuple[str, int]]:
    return [
        (shot.name, shot.source_frame(i, reel.rate))
        for shot in reel.shots
        if shot.source
        for i in range(shot.record.start, shot.record.stop)
    ]


def told(reel: Reel, words: str) -> bool:
    return any(words in remark for remark in reel.remarks)


def sequence(first: int, known: Json | None) -> Json:
    names = {"target_url_base": "/seq", "name_prefix": "p.", "name_suffix": ".exr", "frame_zero_padding": 4}
    numbers = {"missing_frame_policy": "error", "start_frame": first, "frame_step": 1, "rate": 24.0}
    return {"OTIO_SCHEMA": "ImageSequenceReference.1", "available_range": known, **names, **numbers}
