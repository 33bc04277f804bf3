"""The shot model: which source frame a record frame shows, ids, walls between shots."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vsfilmrestore.timeline import FrameRange, Reel, Shot, SourceKey, Transition

R24 = Fraction(24)
NTSC = Fraction(24_000, 1001)


def shot(n: int, speed: Fraction | int = 1, start: int = 1000, rate: Fraction = R24, **kw: object) -> Shot:
    source = SourceKey("a", "A001", "", start, rate)
    return Shot("a", FrameRange(0, n), source, Fraction(speed), **kw)  # type: ignore[arg-type]


def frames(item: Shot, rate: Fraction = R24) -> list[int]:
    return [item.source_frame(i, rate) - 1000 for i in range(item.record.start, item.record.stop)]


@pytest.mark.parametrize(
    ("speed", "expected"),
    [
        (Fraction(1), [0, 1, 2, 3, 4, 5]),
        (Fraction(2), [0, 2, 4, 6, 8, 10]),
        (Fraction(1, 2), [0, 0, 1, 1, 2, 2]),
        (Fraction(2, 3), [0, 0, 1, 2, 2, 3]),
        (Fraction(5, 3), [0, 1, 3, 5, 6, 8]),
        (Fraction(0), [0, 0, 0, 0, 0, 0]),
        (Fraction(-1), [5, 4, 3, 2, 1, 0]),
        (Fraction(-2), [10, 8, 6, 4, 2, 0]),
        (Fraction(-1, 2), [2, 2, 1, 1, 0, 0]),
    ],
)
def test_speed(speed: Fraction, expected: list[int]) -> None:
    assert frames(shot(6, speed)) == expected


def test_media_of_another_rate_is_read_in_time() -> None:
    assert frames(shot(5, rate=Fraction(48))) == [0, 2, 4, 6, 8]
    assert frames(shot(5, rate=Fraction(12))) == [0, 0, 1, 1, 2]


def test_phase_shifts_between_source_frames() -> None:
    assert frames(shot(4, Fraction(1, 2), phase=Fraction(1, 2))) == [0, 1, 1, 2]


def test_running_on_into_the_handles() -> None:
    assert [shot(3).source_at(k, R24) - 1000 for k in (-2, -1, 0, 3, 4)] == [-2, -1, 0, 3, 4]
    assert [shot(3, -1).source_at(k, R24) - 1000 for k in (-1, 0, 2, 3)] == [3, 2, 0, -1]
    assert shot(3, -2).source_frames(R24) == FrameRange(1000, 1005)


@settings(max_examples=200, deadline=None)
@given(
    n=st.integers(1, 500),
    speed=st.fractions(Fraction(-15), Fraction(15), max_denominator=50),
    rate=st.sampled_from([R24, NTSC, Fraction(25), Fraction(16), Fraction(48)]),
)
def test_backwards_is_the_mirror_and_never_leaves_the_range(n: int, speed: Fraction, rate: Fraction) -> None:
    forth = frames(shot(n, abs(speed), rate=rate))
    assert frames(shot(n, -abs(speed), rate=rate)) == forth[::-1]
    assert min(forth) == 0
    assert forth == sorted(forth)


def test_a_gap_shows_nothing() -> None:
    gap = Shot("gap", FrameRange(0, 5), None)
    with pytest.raises(ValueError, match="no source frame"):
        gap.source_frame(0, R24)
    with pytest.raises(ValueError, match="gap"):
        gap.source_at(0, R24)


def test_ids() -> None:
    assert shot(5, start=86_400).id == "A001@01:00:00:00"
    drop = SourceKey("", "", "/x/take 1.%04d.dpx", 1800, Fraction(30_000, 1001), drop=True)
    assert Shot("x", FrameRange(0, 1), drop).id == "take 1@00:01:00;02"
    counted = replace(drop, has_timecode=False, url="file:///x/take%201.mov")
    assert Shot("x", FrameRange(0, 1), counted).id == "take 1@1800"


def test_a_reel_has_no_holes() -> None:
    with pytest.raises(ValueError, match="expected"):
        Reel("r", R24, (replace(shot(5), record=FrameRange(1, 6)),))


def test_shot_at() -> None:
    reel = Reel("r", R24, (shot(5), replace(shot(5), record=FrameRange(5, 9))))
    found = [reel.shot_at(i) for i in (-1, 0, 4, 5, 8, 9)]
    assert found == [None, reel.shots[0], reel.shots[0], reel.shots[1], reel.shots[1], None]


def test_at_rate_takes_the_sources_along() -> None:
    fading = Transition("dissolve", replace(shot(5), record=FrameRange(5, 7)))
    reel = Reel("r", R24, (shot(5), replace(shot(5), record=FrameRange(5, 10), transition=fading)), rate_known=False)
    ntsc = reel.at_rate(NTSC)
    assert (ntsc.rate, ntsc.rate_known) == (NTSC, True)
    assert {s.source.rate for s in ntsc.shots if s.source} == {NTSC}
    outgoing = ntsc.shots[1].transition.outgoing  # type: ignore[union-attr]
    assert outgoing.source_frame(6, NTSC) == 1001
    with pytest.raises(ValueError, match="read again"):
        reel.at_rate(Fraction(25))


def test_weights_of_a_dissolve() -> None:
    fading = Transition("dissolve", replace(shot(3), record=FrameRange(10, 13)))
    assert fading.length == 3
    assert [fading.weight(i) for i in (9, 10, 11, 12, 13)] == [0, Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), 1]


@pytest.mark.parametrize(
    ("name", "reel", "url", "expected"),
    [
        ("Film.mov", "AX", "", "Film"),
        ("Film", "AX", "file:///scans/Film.mov", "Film"),
        ("SC 12.A", "AX", "", "SC 12.A"),
        ("a", "R002", "x.mov", "R002"),
        ("plate", "", "plates/plate.%04d.dpx", "plate"),
        (".mov", "AX", "", ".mov"),
        ("", "", "", "unnamed"),
    ],
)
def test_the_same_film_has_the_same_label_in_every_format(name: str, reel: str, url: str, expected: str) -> None:
    assert SourceKey(name, reel, url, 0, R24).label == expected
