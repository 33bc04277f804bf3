"""AAF: speeds, and curves of speed, frame by frame."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline import Reel
from vsfilmrestore.timeline.aaf.curve import Key, Keys

LINEAR, CUBIC, CONSTANT = "LinearInterp", "AvidCubicInterpolator", "ConstantInterp"
# A speed bump drawn in an Avid, and the source frames seen in its own render with burnt-in numbers.
BUMP = (
    (0, 0, "-8/5", "-9/4", "8/5", "9/4"),
    ("4/15", "45/8", "-8/5", "-109090909/100000000", "14/5", "190909091/100000000"),
    ("11/15", "75/8", "-14/5", "-190909091/100000000", "8/5", "109090909/100000000"),
    (1, 15, "-8/5", "-9/4", "8/5", "9/4"),
)
RENDERED = [432, 433, 435, 436, 437, 438, 438, 439, 439, 440, 440, 441, 442, 443, 445, 447]


def keys(*points: tuple[Any, ...], curve: str = LINEAR) -> tuple[str, list[tuple[Any, ...]]]:
    return curve, [tuple(Fraction(number) for number in point) for point in points]


def frames(reel: Reel, number: int = 0) -> list[int]:
    shot = reel.shots[number]
    return [shot.source_frame(k, reel.rate) for k in range(shot.record.start, shot.record.stop)]


def shown(cut: Any, length: int, used: int, start: int = 0, **parameters: Any) -> Any:
    a = cut.media("A", tape=cut.tape("T", 86400))
    operation = "Video Speed Control" if "Speed__Ratio" in parameters else "Motion Control"
    cut.show(cut.row(cut.effect(operation, length, cut.row(cut.clip(a, start, used)), **parameters)))
    return cut


def test_the_bump_that_an_avid_rendered(cut: Any) -> None:
    bump = keys(*BUMP, curve=CUBIC)
    reel = shown(cut, 16, 16, 32, PARAM_OFFSET_MAP_U=bump, SpeedRatio=Fraction(1)).read()
    assert frames(reel) == [86000 + number for number in RENDERED]
    assert reel.shots[0].curve is not None
    assert reel.shots[0].speed == 1


def test_part_of_a_curve_keeps_its_places(cut: Any) -> None:
    a = cut.media("A", tape=cut.tape("T", 86400))
    inner = cut.composition("Inner")
    bump = keys(*BUMP, curve=CUBIC)
    cut.show(cut.effect("Motion Control", 16, cut.row(cut.clip(a, 32, 16)), PARAM_OFFSET_MAP_U=bump), inner)
    cut.show(cut.row(cut.gap(3), cut.clip(inner, 4, 8)))
    assert frames(cut.read(), 1) == [86000 + number for number in RENDERED[4:12]]


@pytest.mark.parametrize(
    ("points", "length", "expected", "speed"),
    [
        ([(0, 0), (8, 16)], 8, [0, 2, 4, 6, 8, 10, 12, 14], "2"),
        ([(0, 0), (8, 4)], 8, [0, 0, 1, 1, 2, 2, 3, 3], "1/2"),
        ([(0, 0), (8, 3)], 8, [0, 0, 0, 1, 1, 1, 2, 2], "3/8"),
        ([(0, 7), (8, -1)], 8, [7, 6, 5, 4, 3, 2, 1, 0], "-1"),
        ([(0, 9), (4, 7)], 4, [9, 8, 8, 7], "-1/2"),
        ([(0, 0), ("8/7", 0)], 8, [0] * 8, "0"),
        ([(0, 0), (9, 100)], 9, [0, 11, 22, 33, 44, 55, 66, 77, 88], "100/9"),
        ([(0, 5)], 3, [5, 5, 5], "0"),
    ],
)
def test_maps_of_places(cut: Any, points: Any, length: int, expected: list[int], speed: str) -> None:
    # The ratio beside the map is the one an Avid writes: length by frames used, and wrong.
    ratio = Fraction(length, 15)
    reel = shown(cut, length, 15, 20, PARAM_SPEED_OFFSET_MAP_U=keys(*points), SpeedRatio=ratio).read()
    assert frames(reel) == [86420 + number for number in expected]
    assert reel.shots[0].speed == Fraction(speed)


def test_map_with_a_bend(cut: Any) -> None:
    reel = shown(cut, 8, 20, PARAM_SPEED_OFFSET_MAP_U=keys((0, 0), (4, 2), (8, 18))).read()
    assert frames(reel) == [86400 + number for number in (0, 0, 1, 1, 2, 6, 10, 14)]
    assert reel.shots[0].source is not None
    assert reel.shots[0].source.start == 86400


def test_steps_hold(cut: Any) -> None:
    steps = keys((0, 3), ("3/7", 9), curve=CONSTANT)
    assert frames(shown(cut, 8, 20, PARAM_OFFSET_MAP_U=steps).read()) == [86403] * 3 + [86409] * 5


def test_one_speed_without_a_map(cut: Any) -> None:
    assert frames(shown(cut, 4, 20, PARAM_SPEED_MAP_U=keys((0, 3), curve=CUBIC)).read()) == [86400, 86403, 86406, 86409]


def test_a_changing_speed_without_a_map_is_refused(cut: Any) -> None:
    cut.timecode(86400)
    with pytest.raises(
        TimelineError, match=r"at 01:00:00:00: 'A': its speed changes along the clip.*Render the effect"
    ):
        shown(cut, 8, 20, PARAM_SPEED_MAP_U=keys((0, 1), (8, 2))).read()


def test_a_curve_without_handles_is_refused(cut: Any) -> None:
    with pytest.raises(TimelineError, match="handles are not in the file"):
        shown(cut, 8, 20, PARAM_OFFSET_MAP_U=keys((0, 0), ("1/2", 2), (1, 9), curve=CUBIC)).read()


def test_an_effect_that_says_nothing_is_refused(cut: Any) -> None:
    with pytest.raises(TimelineError, match="the file does not tell how"):
        shown(cut, 8, 20).read()


@pytest.mark.parametrize(
    ("ratio", "length", "used", "expected", "speed"),
    [
        ("1111111/1000000", 12, 11, [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9], "9/10"),
        ("1/2", 4, 8, [0, 2, 4, 6], "2"),
        ("-1/1", 5, 5, [4, 3, 2, 1, 0], "-1"),
        ("8/1", 8, 1, [0] * 8, "0"),
    ],
)
def test_ratios(cut: Any, ratio: str, length: int, used: int, expected: list[int], speed: str) -> None:
    reel = shown(cut, length, used, 10, Speed__Ratio=Fraction(ratio)).read()
    assert frames(reel) == [86410 + number for number in expected]
    assert reel.shots[0].speed == Fraction(speed)


def test_a_ratio_of_an_avid_alone_is_told(cut: Any) -> None:
    reel = shown(cut, 8, 4, SpeedRatio=Fraction(2)).read()
    assert frames(reel) == [86400 + number for number in (0, 0, 1, 1, 2, 2, 3, 3)]
    assert any("known by its ratio only" in remark for remark in reel.remarks)


def test_ratio_0_is_refused(cut: Any) -> None:
    with pytest.raises(TimelineError, match="speed ratio is 0"):
        shown(cut, 8, 4, Speed__Ratio=Fraction(0)).read()


def test_a_speed_over_several_clips(cut: Any) -> None:
    a, b = cut.media("A"), cut.media("B")
    inner = cut.row(cut.clip(a, 10, 5), cut.clip(b, 50, 5))
    backwards = keys((0, 9), (10, -1))
    cut.show(cut.row(cut.effect("Motion Control", 10, inner, PARAM_SPEED_OFFSET_MAP_U=backwards)))
    reel = cut.read()
    assert [(s.name, s.record.start, s.record.stop) for s in reel.shots] == [("B", 0, 5), ("A", 5, 10)]
    assert frames(reel) + frames(reel, 1) == [54, 53, 52, 51, 50, 14, 13, 12, 11, 10]


def test_a_speed_within_a_speed(cut: Any) -> None:
    a = cut.media("A")
    inner = cut.effect("Motion Control", 16, cut.clip(a, 0, 8), PARAM_SPEED_OFFSET_MAP_U=keys((0, 0), (16, 8)))
    cut.show(cut.row(cut.effect("Motion Control", 4, inner, PARAM_SPEED_OFFSET_MAP_U=keys((0, 15), (4, -1)))))
    reel = cut.read()
    assert frames(reel) == [7, 5, 3, 1]
    assert reel.shots[0].speed == -2


def test_a_slow_clip_dissolves_on_into_its_handles(cut: Any) -> None:
    a, b = cut.media("A"), cut.media("B")
    slow = cut.effect("Motion Control", 20, cut.clip(a, 0, 10), PARAM_SPEED_OFFSET_MAP_U=keys((0, 0), (20, 10)))
    cut.show(cut.row(slow, cut.transition(8, 4), cut.clip(b, 0, 20)))
    reel = cut.read()
    transition = reel.shots[1].transition
    assert transition is not None
    assert [transition.outgoing.source_frame(k, reel.rate) for k in range(12, 20)] == [6, 6, 7, 7, 8, 8, 9, 9]


def test_a_curve_of_days_is_refused(cut: Any) -> None:
    with pytest.raises(TimelineError, match="changes over 9000000 frames"):
        shown(cut, 9_000_000, 20, PARAM_SPEED_OFFSET_MAP_U=keys((0, 0), (4, 2), (8, 18))).read()


def test_handles_that_reach_too_far_are_shortened() -> None:
    long = Key(Fraction(0), Fraction(0), None, (Fraction(40), Fraction(20)))
    away = Key(Fraction(10), Fraction(10), (Fraction(5), Fraction(0)), None)
    curve = Keys("bezier", (long, away)).curve(11)
    places = [curve.at(k) for k in range(11)]
    assert places == sorted(places)
    assert (places[0], places[10]) == (0, 10)


def test_a_curve_is_held_beyond_its_keys() -> None:
    keys = Keys("constant", (Key(Fraction(2), Fraction(4)), Key(Fraction(5), Fraction(6))))
    assert [keys.at(Fraction(k)) for k in (0, 2, 4, 5, 9)] == [4, 4, 4, 6, 6]
