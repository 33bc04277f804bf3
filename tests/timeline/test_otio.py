"""OpenTimelineIO: hosts' habits, nests, speeds, transitions, markers, and files that are not as they should be."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline import FrameRange, Strength

from .otio_makers import (
    Json,
    Read,
    clip,
    fade,
    frames,
    gap,
    marker,
    media,
    rt,
    sequence,
    spans,
    stack,
    timeline,
    told,
    tr,
    track,
    warp,
)


def test_clips_and_gaps(otio_file: Read) -> None:
    reel = otio_file(timeline(track(clip("a", 10, 5), gap(3), clip("b", 0, 4), gap(2)), start=rt(86_400)))
    assert spans(reel) == [("a", 0, 5), ("gap", 5, 8), ("b", 8, 12), ("gap", 12, 14)]
    assert (reel.start, reel.rate, reel.rate_known, reel.timecode(0)) == (86_400, 24, True, "01:00:00:00")
    assert frames(reel)[:5] == [("a", 10 + k) for k in range(5)]


@pytest.mark.parametrize("rate", [23.976, 23.98, 24_000 / 1001, 23.976024627685547])
def test_rates_are_exact(otio_file: Read, rate: float) -> None:
    reel = otio_file(timeline(track(clip("a", 863_136.0001, 240, rate=rate)), start=rt(86_400, rate)))
    assert reel.rate == Fraction(24_000, 1001)
    assert reel.shots[0].source is not None
    assert (reel.shots[0].source.start, reel.shots[0].source.rate) == (863_136, reel.rate)


@pytest.mark.parametrize("rate", [12, 16, 18, 20, 48, 50, 60])
def test_rates_without_timecode_in_the_library(otio_file: Read, rate: int) -> None:
    assert otio_file(timeline(track(clip("a", 0, 10, rate=rate)))).rate == rate


def test_a_rate_asked_for(otio_file: Read) -> None:
    data = timeline(track(clip("a", 0, 24)))
    assert otio_file(data, rate=23.976).rate == Fraction(24_000, 1001)
    assert len(otio_file(data, rate=23.976)) == 24
    with pytest.raises(TimelineError, match="runs at 24 fps, not at 25"):
        otio_file(data, rate=25)


def test_tracks_are_flattened(otio_file: Read) -> None:
    lower = track(clip("a", 0, 10), clip("b", 0, 10))
    upper = track(gap(4), clip("c", 0, 8), clip("off", 0, 3, enabled=False))
    hidden = track(clip("x", 0, 20), enabled=False)
    sound = track(clip("s", 0, 99), kind="Audio")
    reel = otio_file(timeline(lower, upper, hidden, sound))
    assert spans(reel) == [("a", 0, 4), ("c", 4, 12), ("b", 12, 20)]
    assert frames(reel)[12] == ("b", 2)


def test_nests_are_flattened(otio_file: Read) -> None:
    inner = stack(track(clip("a", 100, 10), clip("b", 200, 10)), source_range=tr(6, 8))
    deep = stack(track(inner, clip("c", 0, 2)))
    reel = otio_file(timeline(track(gap(1), deep)))
    assert spans(reel) == [("gap", 0, 1), ("a", 1, 5), ("b", 5, 9), ("c", 9, 11)]
    assert frames(reel)[:5] == [("a", 106), ("a", 107), ("a", 108), ("a", 109), ("b", 200)]


@pytest.mark.parametrize(
    ("speed", "expected"),
    [
        (2, [("a", 0), ("a", 2), ("b", 50), ("b", 52), ("b", 54)]),
        (0.5, [("a", 0), ("a", 0), ("a", 1), ("a", 1), ("a", 2)]),
        (-1, [("b", 50), ("a", 3), ("a", 2), ("a", 1), ("a", 0)]),
        (0, [("a", 0)] * 5),
    ],
)
def test_a_nest_with_a_speed(otio_file: Read, speed: float, expected: list[tuple[str, int]]) -> None:
    effect = warp(speed) if speed else warp(0, "FreezeFrame.1")
    nest = stack(track(clip("a", 0, 4), clip("b", 50, 20)), source_range=tr(0, 5), effects=[effect])
    assert frames(otio_file(timeline(track(nest)))) == expected


@pytest.mark.parametrize(
    ("speed", "exact"),
    [(2, 2), (0.3333333333, Fraction(1, 3)), (-1, -1), (-2.5, Fraction(-5, 2)), (1.6666666667, Fraction(5, 3)), (0, 0)],
)
def test_speeds_are_exact(otio_file: Read, speed: float, exact: Fraction) -> None:
    assert otio_file(timeline(track(clip("a", 0, 9, effects=[warp(speed)])))).shots[0].speed == exact


def test_a_speed_that_is_switched_off(otio_file: Read) -> None:
    effect = {**warp(2), "enabled": False}
    assert otio_file(timeline(track(clip("a", 0, 9, effects=[effect])))).shots[0].speed == 1


@pytest.mark.parametrize(
    "effect",
    [
        {"OTIO_SCHEMA": "TimeEffect.1", "effect_name": "ramp"},
        {"OTIO_SCHEMA": "SpeedRamp.4", "curve": [1, 2]},
        {"OTIO_SCHEMA": "Effect.1", "effect_name": "Time Remap"},
        {"OTIO_SCHEMA": "Effect.1", "effect_name": "x", "metadata": {"fcp_xml": {"effectid": "timeremap"}}},
        {
            "OTIO_SCHEMA": "Effect.1",
            "effect_name": "Resolve Effect",
            "metadata": {"Resolve_OTIO": {"Name": "Retime and Scaling", "Parameters": [{"Key Frames": {"0": 1}}]}},
        },
    ],
)
def test_other_time_effects_are_refused(otio_file: Read, effect: Json) -> None:
    with pytest.raises(TimelineError, match=r"cut\.otio: 'a' has the time effect .*does not tell its speeds"):
        otio_file(timeline(track(clip("a", 0, 9, effects=[effect]))))


def test_picture_effects_are_told(otio_file: Read) -> None:
    unknown = {"OTIO_SCHEMA": "ColorGrade.7", "x": 1}
    reel = otio_file(timeline(track(clip("a", 0, 9, effects=[unknown]))))
    assert told(reel, "picture effects")


def test_a_dissolve_keeps_both_sides(otio_file: Read) -> None:
    known = media("a", tr(0, 100))
    reel = otio_file(timeline(track(clip("a", 20, 10, ref=known), fade(2, 3), clip("b", 50, 10))))
    assert spans(reel) == [("a", 0, 8), ("b", 8, 20)]
    first, second = reel.shots
    assert second.transition is not None
    assert (second.transition.kind, second.transition.outgoing.record) == ("dissolve", FrameRange(8, 13))
    assert [second.transition.outgoing.source_frame(i, reel.rate) for i in range(8, 13)] == [28, 29, 30, 31, 32]
    assert second.source_frame(8, reel.rate) == 48
    assert first.handles == (20, 72)


def test_dissolves_of_retimed_shots(otio_file: Read) -> None:
    data = timeline(track(clip("a", 20, 6, effects=[warp(-1)]), fade(0, 2), clip("b", 50, 6, effects=[warp(0.5)])))
    second = otio_file(data).shots[1]
    assert second.transition is not None
    assert [second.transition.outgoing.source_frame(i, Fraction(24)) for i in (6, 7)] == [19, 18]
    third = otio_file(timeline(track(clip("a", 20, 6), fade(1, 1), clip("b", 50, 4, effects=[warp(0.5)])))).shots[1]
    assert [third.source_frame(i, Fraction(24)) for i in range(5, 10)] == [49, 50, 50, 51, 51]


def test_fades_from_and_to_black(otio_file: Read) -> None:
    reel = otio_file(timeline(track(fade(0, 3), clip("a", 20, 10), fade(4, 0))))
    assert [(shot.source is None, len(shot.record)) for shot in reel.shots] == [(False, 6), (True, 4)]
    into, out = (shot.transition for shot in reel.shots)
    assert into is not None
    assert out is not None
    assert (into.outgoing.source, into.length) == (None, 3)
    assert out.outgoing.source_frame(6, reel.rate) == 26


def test_a_dissolve_without_the_media_for_it(otio_file: Read) -> None:
    ends = media("a", tr(0, 31))
    reel = otio_file(timeline(track(clip("a", 20, 10, ref=ends), fade(4, 4), clip("b", 2, 10))))
    assert spans(reel) == [("a", 0, 8), ("b", 8, 20)]
    fading = reel.shots[1].transition
    assert fading is not None
    assert fading.outgoing.record == FrameRange(8, 11)
    assert (fading.outgoing.source_frame(10, reel.rate), reel.shots[1].source_frame(8, reel.rate)) == (30, 0)
    assert told(reel, "'t' has too little media")


def test_a_wipe_keeps_its_name(otio_file: Read) -> None:
    wipe = {**fade(0, 3, "Custom_Transition"), "name": "Barn Doors"}
    fades = otio_file(timeline(track(clip("a", 20, 10), wipe, clip("b", 0, 5)))).shots
    assert fades[1].transition is not None
    assert fades[1].transition.kind == "Barn Doors"


def test_a_transition_longer_than_its_clip(otio_file: Read) -> None:
    with pytest.raises(TimelineError, match="longer than the clip before it, 'a'"):
        otio_file(timeline(track(gap(5), clip("a", 20, 3), fade(4, 0), clip("b", 10, 5))))


def test_media_that_tells_its_timecode(otio_file: Read) -> None:
    ref = media("a", tr(86_400, 100), metadata={"fcp_xml": {"timecode": {"reel": {"name": "R7"}}}})
    source = otio_file(timeline(track(clip("a", 86_410, 5, ref=ref)))).shots[0].source
    assert source is not None
    assert (source.has_timecode, source.start, source.reel) == (True, 86_410, "R7")
    assert source.available == FrameRange(86_400, 86_500)


@pytest.mark.parametrize(
    ("used", "known", "start", "timed", "note"),
    [
        (39, tr(0, 99), 39, False, "Resolve counts from 0, files from 1001"),
        (1040, tr(1001, 99), 39, False, "file numbers are not timecode"),
        (39, tr(1001, 99), 39, False, "Hiero counts the clip from 0"),
        (87_410, tr(87_399, 101), 87_410, True, "timecode in the headers"),
        (11, tr(87_399, 101), 87_410, True, "Hiero with timecode"),
        (86_405, None, 86_405, True, "an hour is timecode"),
        (5, None, 5, False, "a few frames are not"),
    ],
)
def test_how_hosts_count(otio_file: Read, used: int, known: Json, start: int, timed: bool, note: str) -> None:
    source = otio_file(timeline(track(clip("a", used, 5, ref=sequence(1001, known))))).shots[0].source
    assert source is not None
    assert (source.start, source.has_timecode) == (start, timed), note
    assert source.url == "/seq/p.%04d.exr"


def test_media_of_another_rate(otio_file: Read) -> None:
    reel = otio_file(timeline(track(clip("a", 12, 4, ref=media("a", tr(0, 100, 48))))))
    assert [frame for _, frame in frames(reel)] == [24, 26, 28, 30]
    assert told(reel, "48 fps is played in time")


@pytest.mark.parametrize(
    ("used", "hiero", "first"),
    [(86_400, False, 86_400), (29.970030784606934, False, 30), (1000, True, 1001), (1000, False, 1000)],
)
def test_media_that_differs_by_a_thousandth(otio_file: Read, used: float, hiero: bool, first: int) -> None:
    """Hosts that count frames write whole numbers; Hiero counts time."""
    ref = media("a", tr(0, 99_999, 24), metadata={"foundry.source.starttime": "0"} if hiero else {})
    near = otio_file(timeline(track(clip("a", used, 2000, rate=23.976024627685547, ref=ref))))
    assert [frame for _, frame in frames(near)] == [first + k for k in range(2000)]
    assert told(near, "frame for frame")


def test_clips_that_count_alike_take_as_many_frames_of_the_record(otio_file: Read) -> None:
    """Four clips of 50 frames at 23.976 on a time line of 24: the cuts stand after 50 frames, not after 50.05."""
    ntsc = 24_000 / 1001
    clips = [clip("S", 86_400 + 50 * k, 50, rate=ntsc, ref=media("S", tr(86_400, 300, ntsc))) for k in range(4)]
    reel = otio_file(timeline(track(clip("A", 24, 24), *clips, clip("B", 48, 24))))
    assert [(start, stop) for _, start, stop in spans(reel)][1:5] == [(24 + 50 * k, 74 + 50 * k) for k in range(4)]
    assert frames(reel)[24:224] == [("S", 86_400 + k) for k in range(200)]
    assert spans(reel)[-1][1:] == (224, 248)


def test_items_of_another_rate_do_not_drift(otio_file: Read) -> None:
    odd = [clip(f"c{i}", 0, 1, rate=25) for i in range(25)]
    reel = otio_file(timeline(track(*odd, clip("z", 0, 24)), start=rt(0)))
    assert (len(reel), reel.shots[-1].record) == (48, FrameRange(24, 48))
    assert told(reel, "shorter than a frame")


def test_missing_media_is_still_a_shot_with_its_reel(otio_file: Read) -> None:
    missing = {"OTIO_SCHEMA": "MissingReference.1"}
    data = timeline(track(clip("a", 86_400, 5, ref=missing, metadata={"cmx_3600": {"reel": "A001"}})))
    assert otio_file(data).shots[0].id == "A001@01:00:00:00"


def test_newer_files(otio_file: Read) -> None:
    colour = {"OTIO_SCHEMA": "Color.1", "name": "PINK", "r": 1.0, "g": 0.0, "b": 1.0, "a": 1.0}
    newer = marker("VSFR heavy", 2, schema=3, color=colour)
    reel = otio_file(timeline(track(clip("a", 0, 5, markers=[newer]))))
    assert [note.text for note in reel.shots[0].notes] == ["heavy"]
    assert told(reel, "Marker.3 is newer")
    unknown = {"OTIO_SCHEMA": "HologramReference.1", "name": "h"}
    assert told(otio_file(timeline(track(clip("a", 0, 5, ref=unknown)))), "unknown kind HologramReference")


def test_clip_markers(otio_file: Read) -> None:
    marks = [
        marker("VSFR heavy", 12, comment="dust = 0.8"),
        marker("look", 13, metadata={"Resolve_OTIO": {"Note": "VSFR grain=keep\nplease"}}),
        marker("VSFR stab=0.5", 12, 3),
        marker("VSFR off", 5),
        marker("nothing", 14, comment="at all"),
    ]
    reel = otio_file(timeline(track(gap(2), clip("a", 10, 10, markers=marks)), start=rt(86_400)))
    notes = reel.shots[1].notes
    assert [(note.text, note.frames, note.timecode) for note in notes] == [
        ("heavy dust = 0.8", None, "01:00:00:02"),
        ("grain=keep", None, "01:00:00:02"),
        ("stab=0.5", FrameRange(4, 7), "01:00:00:04"),
    ]
    assert {note.strength for note in notes} == {Strength.CLIP_MARKER}
    assert told(reel, "'VSFR off' stands outside")
    assert [(m.name, m.frames) for m in reel.markers] == [("nothing", FrameRange(6, 7))]


def test_a_cut_clip_takes_its_markers_where_they_are_seen(otio_file: Read) -> None:
    marks = [marker("VSFR heavy", 3), marker("VSFR dust=1", 8, 4)]
    reel = otio_file(timeline(track(clip("a", 0, 10, markers=marks), clip("a", 10, 10, markers=marks))))
    assert [[(n.text, n.frames) for n in shot.notes] for shot in reel.shots] == [
        [("heavy", None), ("dust=1", FrameRange(8, 10))],
        [("dust=1", FrameRange(10, 12))],
    ]


@pytest.mark.parametrize(
    ("speed", "at", "host", "expected"),
    [
        (2.0, 48, {}, FrameRange(4, 6)),
        (2.0, 24, {"Resolve_OTIO": {}}, FrameRange(4, 8)),
        (-1.0, 70, {"Resolve_OTIO": {}}, FrameRange(1, 5)),
        (-1.0, 45, {}, FrameRange(2, 6)),
    ],
)
def test_markers_of_retimed_clips(otio_file: Read, speed: float, at: int, host: Json, expected: FrameRange) -> None:
    item = clip("a", 40, 11, ref=media("a", tr(0, 120)), effects=[warp(speed)])
    item["markers"] = [marker("VSFR dust=1", at, 4, metadata=host)]
    assert otio_file(timeline(track(item))).shots[0].notes[0].frames == expected


@pytest.mark.parametrize("offset", [0, 86_400])
def test_timeline_markers(otio_file: Read, offset: int) -> None:
    marks = [marker("VSFR heavy", offset + 7), marker("VSFR dust=1", offset + 3, 5)]
    reel = otio_file(timeline(track(clip("a", 0, 5), clip("b", 0, 5)), start=rt(86_400), markers=marks))
    assert [[(n.text, n.frames, n.strength.name) for n in shot.notes] for shot in reel.shots] == [
        [("dust=1", FrameRange(3, 5), "TIMELINE_MARKER")],
        [("heavy", None, "TIMELINE_MARKER"), ("dust=1", FrameRange(5, 8), "TIMELINE_MARKER")],
    ]


def test_notes_in_metadata(otio_file: Read) -> None:
    item = clip("a", 0, 5, metadata={"fcp_xml": {"comments": {"mastercomment1": "VSFR heavy"}}})
    notes = otio_file(timeline(track(item))).shots[0].notes
    assert [(note.text, note.strength) for note in notes] == [("heavy", Strength.NOTE)]


def test_settings_that_do_not_parse(otio_file: Read) -> None:
    item = clip("a", 0, 5, markers=[marker("VSFR heavy light", 1)])
    with pytest.raises(TimelineError, match=r"cut\.otio, at 00:00:00:01: .*'light'"):
        otio_file(timeline(track(gap(1), item)))


def test_record_timecode_of_the_cmx_adapter(otio_file: Read) -> None:
    item = clip("a", 100, 10, markers=[marker("VSFR heavy", 86_403, metadata={"cmx_3600": {}})])
    reel = otio_file(timeline(track(item, source_range=tr(-86_400, 10))))
    assert (reel.start, spans(reel), reel.shots[0].notes[0].text) == (86_400, [("a", 0, 10)], "heavy")
    later = otio_file(timeline(track(clip("a", 100, 10), source_range=tr(-7, 16))))
    assert spans(later) == [("gap", 0, 7), ("a", 7, 16)]


@pytest.mark.parametrize("root", ["track", "clip", "collection"])
def test_other_roots(otio_file: Read, root: str) -> None:
    item = clip("a", 0, 5)
    roots = {
        "track": track(item),
        "clip": item,
        "collection": {"OTIO_SCHEMA": "SerializableCollection.1", "children": [timeline(track(item)), item]},
    }
    assert spans(otio_file(roots[root])) == [("a", 0, 5)]


def test_generators_are_black_or_left_out(otio_file: Read) -> None:
    bars = {"OTIO_SCHEMA": "GeneratorReference.1", "generator_kind": "SMPTEBars", "parameters": {}}
    alone = otio_file(timeline(track(clip("bars", 0, 5, ref=bars), clip("a", 0, 5))))
    assert (spans(alone)[0], alone.shots[0].source, told(alone, "generator")) == (("bars", 0, 5), None, True)
    over = otio_file(timeline(track(clip("a", 0, 9)), track(gap(2), clip("title", 0, 5, ref=bars))))
    assert spans(over) == [("a", 0, 9)]
    assert told(over, "'title' over other pictures is not made")


def test_ntsc_record_timecode(otio_file: Read) -> None:
    data = timeline(track(clip("a", 0, 5, rate=29.97)), start=rt(107_892, 29.97))
    reel = otio_file(data)
    assert (reel.drop, reel.timecode(0), told(reel, "drop frame")) == (True, "01:00:00;00", True)
    data["metadata"] = {"fcp_xml": {"timecode": {"displayformat": "NDF"}}}
    assert not otio_file(data).drop


def test_infinite_numbers_in_metadata(otio_file: Read) -> None:
    text = '{"OTIO_SCHEMA": "Clip.1", "name": "Inf", "metadata": {"a": Inf, "b": -Inf, "c": "x: Inf"},'
    text += f' "source_range": {tr(0, 5)}, "media_reference": {media("a")}}}'
    assert spans(otio_file(text.replace("'", '"').replace("None", "null"))) == [("Inf", 0, 5)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "empty"),
        ('{\n"a": 1,\n oops}', r"cut\.otio:3: not readable as JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[1, 2]", "not an OpenTimelineIO file"),
        ({"a": 1}, "not an OpenTimelineIO file"),
        (rt(1), "not a timeline"),
        ({"OTIO_SCHEMA": "Wonder.1"}, "not a timeline"),
        (timeline(track({"OTIO_SCHEMA": "Wonder.1"})), "unknown kind 'Wonder'"),
        (timeline(), "nothing in the timeline has a frame rate"),
        (timeline(track(gap(5))), "no shots"),
        (timeline(track(clip("a", 0, 5), kind="Audio"), start=rt(0)), "no shots"),
        (timeline(track(clip("a", 0, -5))), "length below 0"),
        (timeline(track(clip("a", -5, 5))), "before the first frame"),
        (timeline(track(clip("a", 0, 5, rate=0))), "not a frame rate"),
        (timeline(track(clip("a", float("nan"), 5))), "not a time"),
        (timeline(track(clip("a", 0, 1e300))), "not a time"),
        (timeline(track(clip("a", 0, 5, effects=[warp(float("inf"))]))), "not a speed"),
        (timeline(track(clip("a", 0, 5), fade(-1, 0), clip("b", 0, 5))), "offset below 0"),
        (timeline(track({"OTIO_SCHEMA": "Clip.1", "name": "a", "media_reference": media("a")})), "cut.otio"),
        ({"OTIO_SCHEMA": "SerializableCollection.1", "children": []}, "0 timelines"),
        (timeline(track(clip("a", 0, 5)), start=rt(-5)), "before timecode"),
    ],
)
def test_refused(otio_file: Read, data: Any, message: str) -> None:
    with pytest.raises(TimelineError, match=message):
        otio_file(data)


@pytest.mark.parametrize("rate", [1, 90000])
def test_a_start_that_counts_seconds_or_parts_of_them_is_no_frame_rate(otio_file: Read, rate: float) -> None:
    start = rt(3600 * rate, rate)
    reel = otio_file(timeline(track(clip("a", 5, 20, rate=25), clip("b", 0, 10, rate=25)), start=start))
    assert (reel.rate, reel.timecode(0)) == (25, "01:00:00:00")
    assert spans(reel) == [("a", 0, 20), ("b", 20, 30)]
    assert frames(reel)[0] == ("a", 5)


def test_media_that_start_at_0_of_anything_have_the_rate_of_their_length(otio_file: Read) -> None:
    known = {**tr(0, 200), "start_time": rt(0, 1)}
    reel = otio_file(timeline(track(clip("a", 50, 4, ref=media("a", known)))))
    assert frames(reel) == [("a", 50), ("a", 51), ("a", 52), ("a", 53)]
    assert reel.shots[0].source.available == FrameRange(0, 200)
