"""OpenTimelineIO as Resolve, Premiere, Hiero, Flame, xStudio and OpenRV write it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vsfilmrestore import timeline as reader
from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline import FrameRange, Reel

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


def resolve(name: str, **more: Any) -> Json:
    """An effect as every clip of Resolve carries some."""
    held = {"Effect Name": name, "Enabled": True, "Name": name, "Parameters": [], "Type": 22, **more}
    return {"OTIO_SCHEMA": "Effect.1", "effect_name": "Resolve Effect", "metadata": {"Resolve_OTIO": held}}


def ramp(*keys: list[Any]) -> Json:
    return {"OTIO_SCHEMA": "TimeEffect.1", "effect_name": "", "metadata": {"Resolve_OTIO": {"Key Frames": keys}}}


def zoom(first: int) -> Json:
    keys = {str(first): {"Value": 0.8}, str(first + 1000): {"Value": 1.0}}
    return resolve("Dynamic Zoom", Enabled=False, Parameters=[{"Key Frames": keys}])


def numbers(reel: Reel) -> list[int]:
    return [frame for _, frame in frames(reel)]


STEPPED = [0, 0], [1, 1], [3, 1.5], [4, 2.5]


def stepped(k: int) -> int:
    return k if k < 24 else 24 + (k - 24) // 4 if k < 72 else k - 36


def test_a_stepped_ramp_of_resolve(otio_file: Read) -> None:
    reel = otio_file(timeline(track(clip("a", 0, 96, effects=[ramp(*STEPPED)], ref=media("a", tr(0, 200))))))
    (shot,) = reel.shots
    assert numbers(reel) == [stepped(k) for k in range(96)]
    assert shot.curve is not None
    assert shot.speed == Fraction(5, 8)
    assert shot.handles == (0, 200 - 60)


def test_a_ramp_counts_from_the_media_timecode(otio_file: Read) -> None:
    ref = media("a", tr(86_400, 200))
    reel = otio_file(timeline(track(gap(5), clip("a", 86_400, 96, effects=[ramp(*STEPPED)], ref=ref))))
    assert numbers(reel) == [86_400 + stepped(k) for k in range(96)]
    assert reel.shots[1].id == "a@01:00:00:00"


@pytest.mark.parametrize(
    ("start", "front", "ahead"),
    [(10, None, 10), (10, -10, 10), (48, -48, 48), (30, -48, 48), (33, -60, 60), (60, -96, 96)],
    ids=["both are the same", "told too", "a time", "a place", "a place on the slow part", "a place at the end"],
)
def test_where_a_trimmed_ramp_begins(otio_file: Read, start: int, front: int | None, ahead: int) -> None:
    effects = [ramp(*STEPPED), *([] if front is None else [zoom(front)])]
    reel = otio_file(timeline(track(clip("a", start, 10, effects=effects, ref=media("a", tr(0, 200))))))
    assert numbers(reel) == [stepped(ahead + k) for k in range(10)]


def test_a_ramp_that_does_not_tell_where_it_begins(otio_file: Read) -> None:
    data = timeline(track(clip("a", 48, 10, effects=[ramp(*STEPPED)], ref=media("a", tr(0, 200)))))
    with pytest.raises(TimelineError, match=r"'a' has a speed curve, .*does not tell where on it the clip begins"):
        otio_file(data)


def test_a_ramp_that_goes_back_and_holds(otio_file: Read) -> None:
    keys = [0, 0], [1, 1], [2, 1], [3, 0.5]
    reel = otio_file(timeline(track(clip("a", 0, 72, effects=[ramp(*keys)], ref=media("a", tr(0, 99))))))
    assert numbers(reel)[20:52] == [20, 21, 22, 23] + [24] * 25 + [23, 23, 22]
    assert reel.shots[0].source_frames(reel.rate) == FrameRange(0, 25)


def bezier(keys: list[list[float]], time: float) -> float:
    """The place at a time, by the roots of the cubic; the first and last handles do not count."""
    i = max(i for i, key in enumerate(keys[:-1]) if key[0] <= time)
    a, b = keys[i], keys[i + 1]
    out = a[5:7] if i else [0, 0]
    back = b[3:5] if i + 2 < len(keys) else [0, 0]
    xs, ys = ([a[n], a[n] + out[n], b[n] + back[n], b[n]] for n in (0, 1))
    cubic = [-xs[0] + 3 * xs[1] - 3 * xs[2] + xs[3], 3 * xs[0] - 6 * xs[1] + 3 * xs[2], 3 * (xs[1] - xs[0])]
    roots = np.roots([*cubic, xs[0] - time])
    u = next(root.real for root in roots if abs(root.imag) < 1e-9 and -1e-9 <= root.real <= 1 + 1e-9)
    return float(ys[0] * (1 - u) ** 3 + 3 * ys[1] * (1 - u) ** 2 * u + 3 * ys[2] * (1 - u) * u**2 + ys[3] * u**3)


EASED: list[list[float]] = [
    [0, 0, 1, -9, -9, 9, 9],
    [1, 1, 1, -0.4, -0.4, 0.5, 0.1],
    [3, 2, 1, -0.5, -0.2, 0.3, 0.6],
    [4, 4, 1, -9, -9, 9, 9],
]


def test_an_eased_ramp_of_resolve(otio_file: Read) -> None:
    reel = otio_file(timeline(track(clip("a", 0, 96, effects=[ramp(*EASED)], ref=media("a", tr(0, 200))))))
    expected = [24 * bezier(EASED, k / 24) for k in range(96)]
    assert max(abs(found - place) for found, place in zip(numbers(reel), expected, strict=True)) <= 1
    assert sum(found != int(place + 1e-4) for found, place in zip(numbers(reel), expected, strict=True)) == 0


def test_seconds_of_timecode(otio_file: Read) -> None:
    """At 23.976 a key on frame 24 stands at 1.001 true seconds, or at one second of timecode."""
    for second in (1.001, 1.0):
        keys = [[t * second, p * second] for t, p in STEPPED]
        ref = media("a", tr(0, 200, 23.976))
        reel = otio_file(timeline(track(clip("a", 0, 96, rate=23.976, effects=[ramp(*keys)], ref=ref))))
        assert numbers(reel) == [stepped(k) for k in range(96)]


def test_a_dissolve_out_of_a_ramp(otio_file: Read) -> None:
    ramped = clip("a", 0, 90, effects=[ramp(*STEPPED)], ref=media("a", tr(0, 200)))
    reel = otio_file(timeline(track(ramped, fade(2, 4), clip("b", 50, 10))))
    fading = reel.shots[1].transition
    assert fading is not None
    assert [fading.outgoing.source_frame(k, reel.rate) for k in range(88, 94)] == [stepped(k) for k in range(88, 94)]


def test_markers_of_retimed_clips_of_resolve(otio_file: Read) -> None:
    def note(at: float) -> Json:
        return marker("look", at, 1, metadata={"Resolve_OTIO": {"Keywords": [], "Note": "VSFR dust=0.5"}})

    marks = [note(30), marker("spot", 24, 1, metadata={"Resolve_OTIO": {"Note": "", "Keywords": []}})]
    fast = clip("a", 39, 11, effects=[warp(2)], ref=media("a", tr(0, 99)), markers=marks)
    reel = otio_file(timeline(track(fast)))
    assert [(m.name, m.frames) for m in reel.markers] == [("spot", FrameRange(4, 5))]
    bent = clip("a", 0, 96, effects=[ramp(*STEPPED)], ref=media("a", tr(0, 99)), markers=[marks[1], note(80)])
    reel = otio_file(timeline(track(bent)))
    assert [m.frames.start for m in reel.markers] == [24]
    assert [n.text for n in reel.shots[0].notes] == ["dust=0.5"]


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        (ramp(), "does not tell its speeds"),
        (ramp([0, 0]), "key frames of the speed curve of 'a'"),
        (ramp([0, 0], [0, 1]), "key frames of the speed curve"),
        (ramp([0, 0], ["x", 1]), "key frames of the speed curve"),
        (ramp([0, 0], [1, float("nan")]), "key frames of the speed curve"),
        (ramp([0, 0], [1e30, 1]), "key frames of the speed curve"),
        (ramp([0, 0], [1, -1]), "before the first frame of its media"),
        (ramp([0, 0], [1, 1, 1, 0.5, 0, 0.5, 0], [4, 2]), "leads back in time"),
        (ramp([0, 0], [1, 1, 0, -0.5, 0, 0.5, 0], [4, 2]), "handles on a key that is not smooth"),
        (resolve("Retime and Scaling", Parameters=[{"Key Frames": {"0": 1}}]), "does not tell its speeds"),
    ],
)
def test_ramps_that_are_not_told(otio_file: Read, effect: Json, message: str) -> None:
    with pytest.raises(TimelineError, match=message):
        otio_file(timeline(track(clip("a", 0, 48, effects=[effect], ref=media("a", tr(0, 100))))))


def test_a_ramp_of_hours(otio_file: Read) -> None:
    with pytest.raises(TimelineError, match="a clip of 1000000 frames is too long for a speed curve"):
        otio_file(timeline(track(clip("a", 0, 1_000_000, effects=[ramp(*EASED)]))))


def test_a_ramp_on_a_nest_or_with_a_speed(otio_file: Read) -> None:
    with pytest.raises(TimelineError, match="the nest 's' has a speed curve"):
        otio_file(timeline(track(stack(track(clip("a", 0, 9)), effects=[ramp(*STEPPED)]))))
    with pytest.raises(TimelineError, match="a speed curve and a constant speed"):
        otio_file(timeline(track(clip("a", 0, 9, effects=[ramp(*STEPPED), warp(2)]))))
    with pytest.raises(TimelineError, match="two speed curves"):
        otio_file(timeline(track(clip("a", 0, 9, effects=[ramp(*STEPPED), ramp(*STEPPED)]))))


def test_effects_every_clip_of_resolve_has_are_not_worth_a_word(otio_file: Read) -> None:
    idle = [resolve("Transform"), resolve("Retime and Scaling"), zoom(-5)]
    assert otio_file(timeline(track(clip("a", 0, 9, effects=idle)))).remarks == ()
    used = resolve("Transform", Parameters=[{"Parameter ID": "transformationZoomX", "Parameter Value": 1.2}])
    assert told(otio_file(timeline(track(clip("a", 0, 9, effects=[used])))), "picture effects")


def test_stills_are_held(otio_file: Read) -> None:
    reel = otio_file(timeline(track(clip("a", 0, 5, ref=media("a", tr(0, 1))), clip("b", 7, 3, ref=media("b")))))
    assert numbers(reel) == [0, 0, 0, 0, 0, 7, 8, 9]
    assert told(reel, "stills are held")


def test_media_resolve_has_lost_still_has_a_name(otio_file: Read) -> None:
    lost = {"OTIO_SCHEMA": "MissingReference.1", "metadata": {"Resolve_OTIO": {"Media Url": "/m/take 7.mov"}}}
    source = otio_file(timeline(track(clip("a", 0, 5, ref=lost)))).shots[0].source
    assert source is not None
    assert (source.url, source.label) == ("/m/take 7.mov", "take 7")


def premiere(*children: Json) -> Json:
    data = timeline(track(*children))
    data["tracks"]["metadata"] = {"PremierePro_OTIO": {"VideoFrameRate": 24.0}}
    return data


def test_premiere_counts_reversed_clips_from_the_end(otio_file: Read) -> None:
    known = media("a", tr(86_400, 1000))
    back = clip("a", 86_400 + 900, 24, effects=[warp(-1)], ref=known)
    reel = otio_file(premiere(back))
    assert numbers(reel) == [87_400 - 1 - 900 - k for k in range(24)]
    assert told(reel, "'a' plays backwards: Premiere")
    assert numbers(otio_file(timeline(track(back)))) == [86_400 + 923 - k for k in range(24)]
    whole = otio_file(premiere(clip("a", 86_400, 1000, effects=[warp(-1)], ref=known)))
    assert (numbers(whole)[0], numbers(whole)[-1], whole.remarks) == (87_399, 86_400, ())
    fast = otio_file(premiere(clip("a", 86_400 + 900, 24, effects=[warp(-2)], ref=known)))
    assert numbers(fast)[:3] == [86_498, 86_496, 86_494]


@pytest.mark.parametrize(
    ("parameters", "speed", "message"),
    [
        ([], 1, ""),
        ([{"DisplayName": "Speed", "StartValue": {"Value": 100.0}}], 1, ""),
        ([{"DisplayName": "Speed", "StartValue": {"Value": 50.0}}], 0.5, ""),
        ([{"DisplayName": "Speed", "StartValue": {"Value": 50.0}}], 1, "does not tell its speeds"),
        ([{"DisplayName": "Speed", "Keyframes": [{"Value": 100}, {"Value": 20}]}], 1, "does not tell its speeds"),
    ],
)
def test_time_remapping_of_premiere(otio_file: Read, parameters: list[Any], speed: float, message: str) -> None:
    held = {"IsIntrinsic": True, "MatchName": "AE.ADBE Time Remapping", "Parameters": parameters}
    effect = {"OTIO_SCHEMA": "Effect.1", "effect_name": "Time Remapping", "metadata": {"PremierePro_OTIO": held}}
    effects = [*([] if speed == 1 else [warp(speed)]), effect]
    data = premiere(clip("a", 0, 9, effects=effects))
    if message:
        with pytest.raises(TimelineError, match=message):
            otio_file(data)
    else:
        assert otio_file(data).shots[0].speed == Fraction(speed)


HIERO = {"foundry.source.starttime": "1001", "foundry.source.timecode": "172800"}


@pytest.mark.parametrize(
    ("ref", "used", "start", "timed", "note"),
    [
        (sequence(86_400, tr(86_400, 100)), 86_405, 86_405, True, "files named by timecode"),
        (sequence(86_400, tr(0, 100)), 86_405, 86_405, True, "the clip in timecode, the media from 0"),
        (sequence(86_400, tr(0, 100)), 5, 5, False, "Resolve says it has no timecode"),
        (sequence(125, tr(125, 159)), 900_000, 900_000, True, "FCP 7 adapter"),
        (sequence(1001, tr(87_399, 101)), 1011, 87_409, True, "the clip in file numbers, the media in timecode"),
        (sequence(1001, tr(0, 99)), 1040, 39, False, "the clip in file numbers, the media from 0"),
        (sequence(1001, None), 1040, 39, False, "file numbers"),
        (media("a", tr(1, 240)), 25, 24, False, "OpenRV counts movies from 1"),
        (media("a", tr(99, 400)), 133, 133, True, "Premiere: a movie's timecode"),
        (media("a", tr(86_400, 9)), 86_399.98, 86_400, True, "noise of rounding"),
        (media("a", tr(86_400, 9)), 86_400.0004, 86_400, True, "noise of rounding"),
        ({**sequence(1001, tr(1001, 99)), "metadata": HIERO}, 39, 172_839, True, "Hiero's own timecode"),
        ({**sequence(1000, tr(1000, 99)), "metadata": {**HIERO, "foundry.source.timecode": "1000"}}, 9, 9, False, ""),
        (media("p.{:04d}", tr(1001, 50)), 1011, 10, False, "xStudio"),
        (media("p.1001-1050@@@@", tr(1001, 50)), 1011, 10, False, "OpenRV sequences"),
    ],
)
def test_ways_of_counting(otio_file: Read, ref: Json, used: float, start: int, timed: bool, note: str) -> None:
    source = otio_file(timeline(track(clip("a", used, 5, ref=ref)))).shots[0].source
    assert source is not None
    assert (source.start, source.has_timecode) == (start, timed), note


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("p.{:04d}", "/m/p.%04d.mov"),
        ("p.@@@@", "/m/p.%04d.mov"),
        ("p.1001-1050@@@@@", "/m/p.%05d.mov"),
        ("p.1-50#", "/m/p.%04d.mov"),
        ("a-b 7", "/m/a-b 7.mov"),
    ],
)
def test_patterns_of_sequences(otio_file: Read, name: str, url: str) -> None:
    source = otio_file(timeline(track(clip("a", 1011, 5, ref=media(name, tr(1001, 50)))))).shots[0].source
    assert source is not None
    assert source.url == url


def test_a_sequence_named_by_timecode_has_the_id_it_has_in_an_edl(tmp_path: Path, otio_file: Read) -> None:
    """Settings kept by shot follow from one list to the other."""
    ref = {**sequence(86_400, tr(86_400, 240)), "metadata": {"reel": "A001"}}
    from_otio = otio_file(timeline(track(clip("a", 86_424, 48, ref=ref))))
    (tmp_path / "cut.edl").write_text(
        "TITLE: x\n001  A001  V  C  01:00:01:00 01:00:03:00 01:00:00:00 01:00:02:00\n* FROM CLIP NAME: a\n"
    )
    from_edl = reader.read(tmp_path / "cut.edl", rate=24)
    assert [shot.id for shot in from_otio.shots] == [shot.id for shot in from_edl.shots] == ["A001@01:00:01:00"]


@pytest.mark.parametrize("rate", [29.97, 29.970030, 29.97002997, 59.94, 59.9401, 47.952, 119.88])
def test_more_rates_are_exact(otio_file: Read, rate: float) -> None:
    reel = otio_file(timeline(track(clip("a", 0, 10, rate=rate)), start=rt(0, rate)))
    assert reel.rate * 1001 % 1000 == 0
    assert abs(float(reel.rate) - rate) < 0.001


def test_rates_of_one_file_that_differ_by_how_they_are_written(otio_file: Read) -> None:
    cuts = [clip(str(i), 100, 24, rate=rate) for i, rate in enumerate([23.976, 23.98, 24000 / 1001, 23.976024])]
    reel = otio_file(timeline(track(*cuts)))
    assert (reel.rate, len(reel), len(reel.shots)) == (Fraction(24_000, 1001), 96, 4)
    assert numbers(reel)[::24] == [100] * 4


# Shot.id, source start, speed, handles of single clips as Resolve, Hiero and Flame write them.
CLIPS = {
    "img_seq_23.976_metadata": ("MER_sq001_sh020_P01@02:00:00:00", 172_800, 1, (0, 8)),
    "img_seq_2x_speed_resolve": ("output@39", 39, 2, (39, 39)),
    "img_seq_embedded_tc_review": ("output@01:00:41:15", 87_399, 1, (0, 0)),
    "img_seq_no_handles": ("output@0", 0, 1, (0, 0)),
    "img_seq_reverse_speed_no_tc": ("output@20", 20, -1, (20, 39)),
    "img_seq_with_handles": ("output@34", 34, 1, (34, 28)),
    "qt_embedded_tc": ("qt_embedded_tc@01:00:01:06", 86_430, 1, (30, 27)),
    "qt_handle_tail_review": ("qt_no_tc_24fps@35", 35, 1, (35, 0)),
    "qt_reverse_speed_2x": ("qt_no_tc_24fps@30", 30, -2, (30, 50)),
}


@pytest.mark.footage
@pytest.mark.parametrize("name", CLIPS)
def test_real_clips(footage: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    path = tmp_path / "clip.otio"
    shutil.copyfile(footage(f"timelines/resolve_hiero_otio_clips/{name}.json"), path)
    (shot,) = reader.read(path).shots
    assert shot.source is not None
    assert (shot.id, shot.source.start, shot.speed, shot.handles) == CLIPS[name]


@pytest.mark.footage
def test_a_real_track_of_hiero(footage: Callable[[str], Path], tmp_path: Path) -> None:
    """Two media of one name, one with timecode: their shots have ids of their own."""
    path = tmp_path / "track.otio"
    shutil.copyfile(footage("timelines/resolve_hiero_otio_clips/multiple_review_clips.json"), path)
    reel = reader.read(path)
    assert (len(reel.shots), len(reel)) == (13, 1243)
    assert [shot.id for shot in reel.shots[:2]] == ["output@0", "output@01:00:41:15"]
    assert told(reel, "24 fps is played in time")


def test_fades_over_a_lower_track(otio_file: Read) -> None:
    lower = track(clip("a", 0, 40), clip("b", 0, 40))
    upper = track(gap(10), fade(0, 4), clip("c", 0, 20), fade(3, 5), gap(40))
    reel = otio_file(timeline(lower, upper))
    assert spans(reel) == [("a", 0, 10), ("c", 10, 27), ("a", 27, 40), ("b", 40, 80)]
    into, out = reel.shots[1].transition, reel.shots[2].transition
    assert into is not None
    assert out is not None
    assert [into.outgoing.source_frame(k, reel.rate) for k in range(10, 14)] == [10, 11, 12, 13]
    assert (into.outgoing.name, out.outgoing.name) == ("a", "c")
    assert [out.outgoing.source_frame(k, reel.rate) for k in range(27, 35)] == list(range(17, 25))
    assert [reel.shots[2].source_frame(k, reel.rate) for k in (27, 39)] == [27, 39]
    assert reel.remarks == ()


def test_a_fade_over_a_cut_of_the_lower_track(otio_file: Read) -> None:
    lower = track(clip("a", 0, 30), clip("b", 0, 40))
    reel = otio_file(timeline(lower, track(gap(10), clip("c", 0, 20), fade(3, 5), gap(30))))
    assert spans(reel) == [("a", 0, 10), ("c", 10, 27), ("a", 27, 30), ("b", 30, 70)]
    fading = reel.shots[2].transition
    assert fading is not None
    assert (fading.length, reel.shots[3].transition) == (3, None)
    assert told(reel, "there is a cut beneath the fade")


def test_a_fade_beyond_the_lower_track_is_to_black(otio_file: Read) -> None:
    reel = otio_file(timeline(track(clip("a", 0, 10)), track(gap(10), clip("c", 0, 20), fade(3, 5), gap(9))))
    assert [(shot.source is None, len(shot.record)) for shot in reel.shots] == [
        (False, 10),
        (False, 17),
        (True, 8),
        (True, 4),
    ]
    assert reel.shots[2].transition is not None


def test_a_title_that_fades_over_pictures_is_left_out(otio_file: Read) -> None:
    title = clip(
        "title", 0, 8, ref={"OTIO_SCHEMA": "GeneratorReference.1", "generator_kind": "Title", "parameters": {}}
    )
    reel = otio_file(timeline(track(clip("a", 0, 30)), track(gap(5), fade(0, 2), title, fade(2, 0), gap(17))))
    assert spans(reel) == [("a", 0, 30)]
    assert reel.shots[0].transition is None
    assert told(reel, "'title' over other pictures is not made")


def test_labels(otio_file: Read) -> None:
    colour = {"OTIO_SCHEMA": "Color.1", "name": "", "r": 1.0, "g": 0.5, "b": 0.0, "a": 1.0}
    cuts = [
        clip("a", 0, 2, color={**colour, "name": "ORANGE"}),
        clip("b", 0, 2, color=colour),
        clip("c", 0, 2, color={"OTIO_SCHEMA": "Color.9", "name": 5, "r": "x"}),
        clip("d", 0, 2, metadata={"fcp_xml": {"labels": {"label2": "Iris"}}}, color=colour),
        clip("e", 0, 2),
    ]
    assert [shot.colour for shot in otio_file(timeline(track(*cuts))).shots] == ["ORANGE", "#ff8000", "", "Iris", ""]


def test_markers_on_gaps_and_generators(otio_file: Read) -> None:
    bars = {"OTIO_SCHEMA": "GeneratorReference.1", "generator_kind": "SMPTEBars", "parameters": {}}
    hole = {**gap(6), "source_range": tr(100, 6), "markers": [marker("hole", 102, 2)]}
    reel = otio_file(
        timeline(track(clip("a", 0, 4), hole, clip("bars", 50, 5, ref=bars, markers=[marker("VSFR off", 51)])))
    )
    assert [(m.name, m.frames) for m in reel.markers] == [
        ("hole", FrameRange(6, 8)),
        ("VSFR off", FrameRange(11, 12)),
    ]


def test_the_active_medium_counts(otio_file: Read) -> None:
    both = {"full": media("full", tr(0, 50)), "proxy": media("proxy", tr(0, 50))}
    item = {"OTIO_SCHEMA": "Clip.2", "name": "a", "source_range": tr(3, 5), "media_references": both}
    for key, url in (("proxy", "/m/proxy.mov"), ("full", "/m/full.mov"), ("gone", "/m/full.mov")):
        reel = otio_file(timeline(track({**item, "active_media_reference_key": key})))
        assert reel.shots[0].source is not None
        assert reel.shots[0].source.url == url
        assert told(reel, "has no media 'gone', which it names; 'full' is used") == (key == "gone")


def test_json_of_all_hosts_survives(otio_file: Read) -> None:
    """Objects in metadata stay data, whatever their version."""
    held = {"OTIO_SCHEMA": "Clip.99", "note": "VSFR dust=1", "list": [{"OTIO_SCHEMA": "Wonder.1"}]}
    reel = otio_file(json.dumps(timeline(track(clip("a", 0, 5, metadata={"x": held}, odd={"OTIO_SCHEMA": "Foo.3"})))))
    assert [note.text for note in reel.shots[0].notes] == ["dust=1"]
