"""FCPXML: exact times, rates, speeds."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import floor

import pytest

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline import Reel, Shot
from vsfilmrestore.timeline._xml import Node
from vsfilmrestore.timeline.fcpxml.time import conformed, format_rate, seconds

from .fcpxml_makers import asset, project, told

type Read = Callable[..., Reel]

NTSC24, NTSC30, NTSC60 = (Fraction(n * 1000, 1001) for n in (24, 30, 60))


def shown(shot: Shot, rate: Fraction) -> list[int]:
    return [shot.source_at(k, rate) for k in range(len(shot.record))]


def spine(inside: str, start: str = "0s", duration: str = "1s", key: str = "A") -> str:
    return f'<asset-clip ref="{key}" offset="0s" start="{start}" duration="{duration}">{inside}</asset-clip>'


def points(*knots: tuple[str, str], interp: str = "linear", more: str = "") -> str:
    return (
        f"<timeMap {more}>"
        + "".join(f'<timept time="{t}s" value="{v}s" interp="{interp}"/>' for t, v in knots)
        + "</timeMap>"
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [("1001/30000s", Fraction(1001, 30000)), ("0s", 0), ("3.5s", Fraction(7, 2)), ("-5s", -5), (" 12 ", 12)],
)
def test_seconds(text: str, value: Fraction) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "s", "1/0s", "x", "1/2/3s", "1e5s", "99999999s", "nan", "1" * 50])
def test_no_seconds(text: str) -> None:
    with pytest.raises(ValueError, match="time"):
        seconds(text)


@pytest.mark.parametrize(
    ("attributes", "rate"),
    [
        ({"frameDuration": "100/2400s"}, 24),
        ({"frameDuration": "15015/360000s"}, NTSC24),
        ({"frameDuration": "1001/60000s"}, NTSC60),
        ({"name": "FFVideoFormat1080p2398"}, NTSC24),
        ({"name": "FFVideoFormat1080i50"}, 25),
        ({"name": "FFVideoFormatDV720x480i5994_16x9"}, NTSC30),
        ({"name": "FFVideoFormatRateUndefined"}, None),
        ({}, None),
    ],
)
def test_rates_of_formats(attributes: dict[str, str], rate: Fraction | None) -> None:
    assert format_rate(Node("format", attributes, 1)) == rate


@pytest.mark.parametrize(
    ("media", "line", "played"),
    [
        (25, 24, 24),
        (25, NTSC24, NTSC24),
        (NTSC24, 25, 25),
        (50, NTSC24, 2 * NTSC24),
        (24, 50, 25),
        (NTSC24, 24, 24),
        (24, NTSC24, NTSC24),
        (NTSC30, 30, 30),
        (NTSC60, 30, 60),
        (60, NTSC30, NTSC60),
        (NTSC24, 30, 24),
        (NTSC24, NTSC60, 24),
        (NTSC30, NTSC60, NTSC30),
        (30, 25, 30),
        (24, 30, 24),
    ],
)
def test_rates_that_final_cut_conforms(media: Fraction, line: Fraction, played: Fraction) -> None:
    gear, known = conformed(Fraction(media), Fraction(line))
    assert (Fraction(media) * gear, known) == (played, True)


def test_guessed_conforming_is_told(fcpxml: Read) -> None:
    text = spine('<conform-rate srcFrameRate="29.97"/>', key="N")
    reel = fcpxml(project(text, asset("N", form="f2997")))
    assert "29.97 fps media in 24 fps: how Final Cut Pro conforms that is not written down" in reel.remarks[0]


def test_conformed_media_play_frame_for_frame(fcpxml: Read) -> None:
    text = spine('<conform-rate srcFrameRate="25"/>', "684/25s", "9/4s", "P")
    reel = fcpxml(project(text, asset("P", "0s", "738/25s", "f25")))
    (shot,) = reel.shots
    assert shown(shot, reel.rate) == list(range(684, 738))
    assert shot.source is not None
    assert (shot.source.rate, shot.speed, shot.handles) == (25, Fraction(24, 25), (684, 0))
    assert reel.remarks == ("line 6: media at 25 fps is played frame for frame",)


def test_rates_that_count_alike_become_the_records(fcpxml: Read) -> None:
    text = spine('<conform-rate srcFrameRate="23.98"/>', "1001/1000s", "100s", "N")
    reel = fcpxml(project(text, asset("N", "0s", "200s", "f2398")))
    (shot,) = reel.shots
    assert shot.source is not None
    assert (shot.source.rate, shot.speed, shown(shot, reel.rate)) == (24, 1, list(range(24, 2424)))


def test_media_of_another_rate_play_in_time(fcpxml: Read) -> None:
    text = spine('<conform-rate scaleEnabled="0" srcFrameRate="60"/>', "1s", "1/2s", "S")
    reel = fcpxml(project(text, asset("S", form="f60")))
    assert shown(reel.shots[0], reel.rate) == [60 + k * 60 // 24 for k in range(12)]
    nearest = text.replace("scaleEnabled", 'frameSampling="nearest-neighbor" scaleEnabled')
    shot = fcpxml(project(nearest, asset("S", form="f60"))).shots[0]
    assert shown(shot, reel.rate) == [60 + (k * 60 + 12) // 24 for k in range(12)]


def test_connected_clips_and_markers_of_conformed_clips_scale(fcpxml: Read) -> None:
    inside = (
        '<conform-rate srcFrameRate="25"/><asset-clip ref="B" lane="1" offset="2s" duration="1s"/>'
        '<marker start="3s" value="here"/>'
    )
    reel = fcpxml(project(spine(inside, "1s", "96/24s", "P"), asset("P", form="f25")))
    assert told(reel) == [(0, 25, "P", 25), (25, 49, "B", 0), (49, 96, "P", 74)]
    assert [marker.frames.start for marker in reel.markers] == [50]


def test_starts_written_with_few_digits_are_whole_frames(fcpxml: Read) -> None:
    text = spine('<conform-rate scaleEnabled="0" srcFrameRate="29.97"/>', "21321/3000s", "1s", "N")
    reel = fcpxml(project(text, asset("N", form="f2997"), form="f30"))
    assert told(reel)[0][3] == 213


@pytest.mark.parametrize("speed", ["", points(("0", "0"), ("100", "100"))])
def test_places_between_frames_are_kept_beside_a_transition(fcpxml: Read, speed: str) -> None:
    """23.976 in 24, in time: from frame 1200 on, five frames before the cut, each frame is 1000/1001 further."""
    start = "1206200/24000s"  # 1200 * 1001/24000 + 5/24
    line = (
        '<asset-clip ref="A" offset="0s" duration="1s"/><transition offset="19/24s" duration="10/24s"/>'
        f'<asset-clip ref="N" offset="1s" start="{start}" duration="2s">'
        f'<conform-rate scaleEnabled="0" srcFrameRate="23.98"/>{speed}</asset-clip>'
    )
    reel = fcpxml(project(line, asset("N", form="f2398")))
    expected = [1200 + k * 1000 // 1001 for k in range(53)]
    assert shown(reel.shots[1], reel.rate) == expected
    assert expected[:3] == [1200, 1200, 1201]


def test_backwards_beside_a_transition_keeps_its_lowest_frame(fcpxml: Read) -> None:
    """Ten frames down from frame 1210, then four more in the transition: 1001 frames of time show 1000 of media."""
    edge = Fraction(1200 * 1001, 24000) + Fraction(10, 24)
    curve = points(("0", f"{edge.numerator}/{edge.denominator}"), ("10", str(edge - 10)))
    line = (
        f'<asset-clip ref="N" offset="0s" start="0s" duration="8/24s">'
        f'<conform-rate scaleEnabled="0" srcFrameRate="23.98"/>{curve}</asset-clip>'
        '<transition offset="6/24s" duration="4/24s"/><asset-clip ref="A" offset="8/24s" start="1s" duration="1s"/>'
    )
    reel = fcpxml(project(line, asset("N", form="f2398")))
    top = edge * 24000 / 1001
    assert shown(reel.shots[0], reel.rate) == [floor(top - (k + 1) * Fraction(1000, 1001)) for k in range(6)]
    fading = reel.shots[1].transition.outgoing
    assert shown(fading, reel.rate) == [floor(top - (k + 1) * Fraction(1000, 1001)) for k in range(6, 10)]
    assert shown(fading, reel.rate)[-1] == 1200


def test_a_constant_speed(fcpxml: Read) -> None:
    reel = fcpxml(project(spine(points(("0", "0"), ("50", "100"), interp="smooth2"), "1s")))
    (shot,) = reel.shots
    assert (shot.speed, shot.curve, shown(shot, reel.rate)) == (2, None, [48 + 2 * k for k in range(24)])
    assert shot.handles == (48, 2400 - 48 - 47)


def test_backwards_shows_the_mirror_of_forwards(fcpxml: Read) -> None:
    reel = fcpxml(project(spine(points(("0", "1"), ("1", "0")))))
    assert shown(reel.shots[0], reel.rate) == list(range(23, -1, -1))


def test_a_hold(fcpxml: Read) -> None:
    reel = fcpxml(project(spine(points(("0", "2.5"), ("9", "2.5")))))
    assert (reel.shots[0].speed, shown(reel.shots[0], reel.rate)) == (0, [60] * 24)


def test_speeds_that_change_at_once_keep_one_shot(fcpxml: Read) -> None:
    curve = points(("0", "0"), ("0.5", "1"), ("0.75", "1"), ("1", "0.75"))
    reel = fcpxml(project(spine(curve)))
    (shot,) = reel.shots
    forwards = [2 * k for k in range(12)]
    assert shown(shot, reel.rate) == forwards + [24] * 6 + [23, 22, 21, 20, 19, 18]


def test_a_trimmed_and_covered_curve_goes_on_where_it_was(fcpxml: Read) -> None:
    over = '<asset-clip ref="B" lane="1" offset="3.75s" duration="0.5s"/>'
    curve = points(("0", "0"), ("4", "4"), ("100", "52"))
    reel = fcpxml(project(spine(curve + over, "3s", "2s")))
    assert told(reel) == [(0, 18, "A", 72), (18, 30, "B", 0), (30, 48, "A", 99)]
    assert shown(reel.shots[2], reel.rate) == [96 + k // 2 for k in range(6, 24)]


def test_smoothed_speeds_are_refused_only_where_they_are_seen(fcpxml: Read) -> None:
    curve = points(("0", "0"), ("10", "10"), ("20", "30"), interp="smooth2")
    curve = curve.replace('time="10s"', 'time="10s" inTime="1s" outTime="1s"')
    assert shown(fcpxml(project(spine(curve, "2s"))).shots[0], Fraction(24)) == list(range(48, 72))
    message = r"cut\.fcpxml:6: 'walk' changes its speed along a smoothed curve, .* Switch the speed transition off"
    with pytest.raises(TimelineError, match=message):
        fcpxml(project(spine(curve, "8.5s").replace("<asset-clip", '<asset-clip name="walk"')))
    with pytest.raises(TimelineError, match="smoothed curve"):
        fcpxml(project(spine(curve.replace("smooth2", "smooth"), "2s")))


def test_corners_without_a_time_to_smooth_them_are_told(fcpxml: Read) -> None:
    reel = fcpxml(project(spine(points(("0", "0"), ("0.5", "0.5"), ("9", "9.5"), interp="smooth2"))))
    assert reel.remarks == ("line 6: speed changes without a time to smooth them in are taken as sudden",)


@pytest.mark.parametrize(
    ("knots", "message"),
    [((("0", "0"),), "two points"), ((("1", "0"), ("1", "1")), "must rise"), ((("0", "x"), ("1", "1")), "'xs' is not")],
)
def test_maps_that_are_none(fcpxml: Read, knots: tuple[tuple[str, str], ...], message: str) -> None:
    with pytest.raises(TimelineError, match=f":6: the speed of .*{message}"):
        fcpxml(project(spine(points(*knots))))


def test_a_nest_with_a_speed(fcpxml: Read) -> None:
    inner = '<asset-clip ref="A" offset="0s" duration="1s"/><asset-clip ref="B" offset="1s" duration="1s"/>'
    media = f'<media id="M"><sequence format="f24"><spine>{inner}</spine></sequence></media>'

    def reel(knots: str) -> Reel:
        return fcpxml(project(f'<ref-clip ref="M" offset="0s" duration="1s">{knots}</ref-clip>', media))

    fast = reel(points(("0", "0"), ("1", "2")))
    assert [shown(shot, Fraction(24)) for shot in fast.shots] == [[2 * k for k in range(12)]] * 2
    back = reel(points(("0", "2"), ("1", "0")))
    assert [(shot.source and shot.source.label, shown(shot, Fraction(24))) for shot in back.shots] == [
        ("B", [22 - 2 * k for k in range(12)]),
        ("A", [22 - 2 * k for k in range(12)]),
    ]
    bent = reel(points(("0", "0"), ("0.25", "0.25"), ("1", "1.75")))
    assert [(shot.source and shot.source.label, shown(shot, Fraction(24))) for shot in bent.shots] == [
        ("A", [*range(6), *range(6, 24, 2)]),
        ("B", list(range(0, 18, 2))),
    ]
    held = reel(points(("0", "1.5"), ("1", "1.5")))
    assert [(shot.source and shot.source.label, shown(shot, Fraction(24))) for shot in held.shots] == [("B", [12] * 24)]


def test_drop_frame_and_the_rate_asked_for(fcpxml: Read) -> None:
    text = spine("", "0s", "1001/1000s", "N")
    media = asset("N", form="f2997")
    reel = fcpxml(project(text, media, form="f2997", start="107999892/30000s").replace('"NDF"', '"DF"'))
    assert (reel.rate, reel.drop, reel.timecode(0)) == (NTSC30, True, "01:00:00;00")
    other = fcpxml(project(text, media, form="f2997"), rate=30)
    assert (other.rate, len(other), other.shots[0].source and other.shots[0].source.rate) == (30, 30, 30)
    with pytest.raises(TimelineError, match=r"the cut runs at 29\.97 fps, not at 24"):
        fcpxml(project(text, media, form="f2997"), rate=24)
