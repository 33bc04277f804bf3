"""Reels from detected cuts."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline import reel_from_cuts

R18 = Fraction(18)


def test_shots() -> None:
    reel = reel_from_cuts([10, 25], 40, R18, "film", url="/scans/film.mkv")
    assert [(s.id, s.record.start, s.record.stop) for s in reel.shots] == [
        ("film@0", 0, 10),
        ("film@10", 10, 25),
        ("film@25", 25, 40),
    ]
    assert [shot.handles for shot in reel.shots] == [(0, 30), (10, 15), (25, 0)]
    assert {shot.source_frame(shot.record.start, R18) for shot in reel.shots} == {0, 10, 25}


def test_source_timecode() -> None:
    reel = reel_from_cuts([24], 48, Fraction(24), "r", start=86_400, reel="A1")
    assert [shot.id for shot in reel.shots] == ["A1@01:00:00:00", "A1@01:00:01:00"]
    assert reel.timecode(24) == "01:00:01:00"


@settings(max_examples=100, deadline=None)
@given(st.sets(st.integers(0, 99)), st.integers(1, 99))
def test_ids_do_not_depend_on_the_other_cuts(cuts: set[int], another: int) -> None:
    some = {shot.id for shot in reel_from_cuts(cuts, 100, R18, "f").shots}
    more = reel_from_cuts(cuts | {another}, 100, R18, "f")
    assert {shot.id for shot in more.shots} == some | {f"f@{another}"}
    assert len(more) == 100


@pytest.mark.parametrize(("cuts", "length"), [([], 0), ([50], 50), ([-1], 50)])
def test_refused(cuts: list[int], length: int) -> None:
    with pytest.raises(TimelineError):
        reel_from_cuts(cuts, length, R18, "f")
