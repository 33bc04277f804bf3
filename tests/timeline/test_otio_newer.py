"""OpenTimelineIO of other ages than the installed library: newer schemas, unknown ones, those of the first years."""

from __future__ import annotations

from typing import Any

import pytest

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline import FrameRange

from .otio_makers import Json, Read, clip, fade, gap, marker, media, rt, spans, stack, timeline, told, tr, track, warp

PINK = {"OTIO_SCHEMA": "Color.1", "name": "PINK", "r": 1.0, "g": 0.0, "b": 1.0, "a": 1.0}


def raised(value: Any, by: int) -> Any:
    """The same data with all schemas of a newer version."""
    if isinstance(value, list):
        return [raised(item, by) for item in value]
    if not isinstance(value, dict):
        return value
    result = {key: raised(item, by) for key, item in value.items()}
    if "OTIO_SCHEMA" in result:
        name, _, version = result["OTIO_SCHEMA"].partition(".")
        result["OTIO_SCHEMA"] = f"{name}.{int(version) + by}"
    return result


def test_everything_is_newer(otio_file: Read) -> None:
    marks = [marker("VSFR heavy", 2, schema=2), marker("look", 3, schema=2)]
    item = clip("a", 0, 20, effects=[warp(2)], ref=media("a", tr(0, 99)))
    newest = {**item, "OTIO_SCHEMA": "Clip.2", "media_references": {"DEFAULT_MEDIA": item["media_reference"]}}
    del newest["media_reference"]
    newest["markers"] = marks
    data = timeline(track(newest, fade(1, 2), clip("b", 5, 9), gap(2)), start=rt(86_400))
    del data["tracks"]["children"][0]["children"][2]["media_reference"]
    old, new = otio_file(data), otio_file(raised(data, 3))
    assert spans(new) == spans(old)
    assert [shot.speed for shot in new.shots] == [2, 1, 1]
    assert [note.text for note in new.shots[0].notes] == ["heavy"]
    assert told(new, "Clip.5 is newer than our library; read as Clip.2")
    assert told(new, "RationalTime.4 is newer")


def test_colours_of_markers(otio_file: Read) -> None:
    marks = [marker("x", 1, schema=3, color=PINK), marker("y", 2, schema=3, color={**PINK, "name": None})]
    marks.append(marker("z", 3, color="GREEN"))
    reel = otio_file(timeline(track(clip("a", 0, 5)), markers=marks))
    assert [(m.name, m.colour) for m in reel.markers] == [("x", "PINK"), ("y", ""), ("z", "GREEN")]


def test_unknown_items_on_a_track_are_gaps(otio_file: Read) -> None:
    title = {"OTIO_SCHEMA": "Title.1", "name": "t", "source_range": tr(0, 3), "children": []}
    reel = otio_file(timeline(track(clip("a", 0, 5), title, clip("b", 0, 5))))
    assert spans(reel) == [("a", 0, 5), ("gap", 5, 8), ("b", 8, 13)]
    assert told(reel, "'t' is of the unknown kind Title; taken as a gap")
    with pytest.raises(TimelineError, match="a track holds an item of the unknown kind 'Title'"):
        otio_file(timeline(track(clip("a", 0, 5), {"OTIO_SCHEMA": "Title.1"})))


def test_unknown_tracks_and_markers_are_left_out(otio_file: Read) -> None:
    captions = {"OTIO_SCHEMA": "CaptionTrack.1", "name": "subtitles", "children": []}
    marks = [{"OTIO_SCHEMA": "Sticker.1"}, marker("x", 1), None]
    reel = otio_file(timeline(track(clip("a", 0, 5, markers=marks)), captions))
    assert spans(reel) == [("a", 0, 5)]
    assert [m.name for m in reel.markers] == ["x"]
    assert told(reel, "'subtitles' is of the unknown kind CaptionTrack; left out")
    assert told(reel, "markers of the unknown kind Sticker")


def test_unknown_effects(otio_file: Read) -> None:
    look = {"OTIO_SCHEMA": "ColorGrade.7", "x": 1}
    assert told(otio_file(timeline(track(clip("a", 0, 9, effects=[look])))), "picture effects")
    off = {"OTIO_SCHEMA": "SpeedRamp.4", "enabled": False}
    assert spans(otio_file(timeline(track(clip("a", 0, 9, effects=[off, None]))))) == [("a", 0, 9)]
    with pytest.raises(TimelineError, match="'a' has the time effect 'TimeRemap'"):
        otio_file(timeline(track(clip("a", 0, 9, effects=[{"OTIO_SCHEMA": "TimeRemap.1"}]))))


def test_unknown_media_keeps_its_name_and_range(otio_file: Read) -> None:
    unknown = {**media("a", tr(86_400, 50)), "OTIO_SCHEMA": "StreamReference.1"}
    reel = otio_file(timeline(track(clip("a", 86_410, 5, ref=unknown))))
    source = reel.shots[0].source
    assert source is not None
    assert (source.url, source.available, reel.shots[0].handles) == ("/m/a.mov", FrameRange(86_400, 86_450), (10, 35))


def test_a_timeline_in_a_timeline_is_a_nest(otio_file: Read) -> None:
    inner = timeline(track(clip("b", 3, 4)))
    assert spans(otio_file(timeline(track(clip("a", 0, 2), inner)))) == [("a", 0, 2), ("b", 2, 6)]


def test_nothing_where_a_list_should_be(otio_file: Read) -> None:
    item = clip("a", 0, 5, effects=None, markers=None, enabled=None, metadata=None)
    assert spans(otio_file(timeline(track(item)))) == [("a", 0, 5)]
    nameless = {"OTIO_SCHEMA": "LinearTimeWarp.1", "effect_name": None, "time_scalar": 2.0}
    bare = {"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": 2.0}
    for effect in (nameless, bare):
        assert otio_file(timeline(track(clip("a", 0, 5, effects=[effect])))).shots[0].speed == 2


def test_files_of_the_first_years(otio_file: Read) -> None:
    old: Json = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": "T",
        "tracks": {
            "OTIO_SCHEMA": "Stack.1",
            "children": [
                {
                    "OTIO_SCHEMA": "Sequence.1",
                    "kind": "Video",
                    "children": [
                        clip("a", 0, 5, markers=[{"OTIO_SCHEMA": "Marker.1", "name": "VSFR off", "range": tr(2, 0)}]),
                        {"OTIO_SCHEMA": "Filler.1", "source_range": tr(0, 2)},
                        clip("b", 0, 5),
                    ],
                }
            ],
        },
    }
    reel = otio_file(old)
    assert spans(reel) == [("a", 0, 5), ("gap", 5, 7), ("b", 7, 12)]
    assert [note.text for note in reel.shots[0].notes] == ["off"]


def test_a_box_around_the_picture(otio_file: Read) -> None:
    box = {
        "OTIO_SCHEMA": "Box2d.1",
        "min": {"OTIO_SCHEMA": "V2d.1", "x": 0.0, "y": 0.0},
        "max": {"OTIO_SCHEMA": "V2d.1", "x": 16.0, "y": 9.0},
    }
    ref = media("a", tr(0, 9), available_image_bounds=box)
    assert spans(otio_file(stack(track(clip("a", 0, 5, ref=ref))))) == [("a", 0, 5)]


@pytest.mark.parametrize("kind", ["UnknownSchema.1", "Clip.0", "Item.1", "SerializableObject.1", "Test.1", "Clip.", ""])
def test_schemas_the_library_cannot_stand(otio_file: Read, kind: str) -> None:
    """Some of these end the whole program inside the library; here they are unknown, or an error like any other."""
    thing = {"OTIO_SCHEMA": kind, "media_references": {"DEFAULT_MEDIA": {"OTIO_SCHEMA": "ImageSequenceReference.1"}}}
    places = [
        timeline(track(clip("a", 0, 5), thing)),
        timeline(track(clip("a", 0, 5, effects=[thing], markers=[thing], ref=thing))),
        {**timeline(), "tracks": thing},
        thing,
    ]
    for data in places:
        try:
            otio_file(data)
        except TimelineError as error:
            assert "cut.otio" in str(error)  # noqa: PT017
