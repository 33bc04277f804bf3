"""Speeds that change along a clip."""

from __future__ import annotations

from fractions import Fraction

import pytest

from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.curve import Curve
from vsfilmrestore.timeline.layers import Piece, shots_of
from vsfilmrestore.timeline.model import FrameRange, SourceKey
from vsfilmrestore.timeline.otio.time import retimed

RATE = Fraction(24)
# Forwards for four frames, held for two, then back.
TURNING = Curve(tuple((Fraction(t), Fraction(p)) for t, p in ((0, 100), (4, 104), (6, 104), (8, 102))))


def shot_of(curve: Curve, length: int = 8):
    key = SourceKey("a", "A001", "", 0, RATE, available=FrameRange(90, 120))
    piece = Piece("a", Fraction(0), Fraction(length), key, curve=curve)
    (shot,) = shots_of([piece], 0, Remarks())
    return piece, shot


def test_a_curve_is_followed_frame_by_frame():
    _, shot = shot_of(TURNING)
    assert [shot.source_at(k, RATE) for k in range(8)] == [100, 101, 102, 103, 104, 104, 104, 103]
    assert shot.source.start == 100
    assert shot.source_frames(RATE) == FrameRange(100, 105)
    assert shot.handles == (10, 15)


def test_a_curve_keeps_its_place_when_its_piece_is_cut():
    piece, whole = shot_of(TURNING)
    later = piece.over(Fraction(3), Fraction(8))
    (shot,) = shots_of([later], 3, Remarks())
    assert [shot.source_at(k, RATE) for k in range(5)] == [whole.source_at(k, RATE) for k in range(3, 8)]


def test_it_runs_on_into_its_handles():
    assert TURNING.at(-2) == 98
    assert TURNING.at(10) == 100


@pytest.mark.parametrize("speed", [Fraction(1, 2), Fraction(2), Fraction(-1)])
def test_a_nest_with_a_speed_plays_the_curve_at_that_speed(speed):
    piece, whole = shot_of(TURNING)
    length = 8 / abs(speed)
    (shot,) = shots_of(retimed([piece], length, speed, Remarks()), 0, Remarks())
    shown = [shot.source_at(k, RATE) for k in range(int(length))]
    if speed == -1:
        assert shown == [whole.source_at(k, RATE) for k in reversed(range(8))]
    else:
        assert shown == [int(TURNING.at(k * speed)) for k in range(int(length))]


@pytest.mark.parametrize("knots", [(), ((0, 0),), ((0, 0), (0, 1))])
def test_a_curve_needs_two_moments(knots):
    with pytest.raises(ValueError, match="two knots"):
        Curve(tuple((Fraction(t), Fraction(p)) for t, p in knots))


@pytest.mark.parametrize("count", [1, 2, 5, 9, 40])
def test_moments_hold_the_lowest_and_the_highest_place(count: int) -> None:
    curve = Curve(
        tuple((Fraction(t), Fraction(p)) for t, p in [("-3", 9), ("5/2", 1), ("4", 30), ("20/3", 2), (12, 7)])
    )
    every = [curve.at(time) for time in range(count)]
    some = [curve.at(time) for time in curve.moments(count)]
    assert (min(some), max(some)) == (min(every), max(every))
    assert set(curve.moments(count)) <= set(range(count))


def test_a_long_curve_is_looked_at_near_its_knots_only() -> None:
    curve = Curve(((Fraction(0), Fraction(0)), (Fraction(10), Fraction(5)), (Fraction(10**9), Fraction(10**9))))
    assert curve.moments(10**8) == [0, 10, 10**8 - 1]
