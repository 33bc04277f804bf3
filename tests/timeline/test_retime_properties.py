"""Which source frame stands on a record frame: the rule that renders with burnt-in frame numbers obey.

With ``k`` frames since record-in, ``n`` record frames and an exact speed::

    forwards   in + floor(k * speed)
    backwards  in + n - 1 - floor(k * -speed)      (checked for -1; at other speeds the mirror of forwards)
    freeze     in

and for media of another rate ``speed * media_rate / record_rate`` in place of the speed.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vsfilmrestore.timeline import FrameRange, Reel, Shot, SourceKey
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.curve import Curve
from vsfilmrestore.timeline.layers import Piece, between, overlay, shots_of

R24 = Fraction(24)
RATES = [Fraction(n) for n in (16, 18, 20, 24, 25, 30, 48, 50, 60)] + [
    Fraction(n * 1000, 1001) for n in (24, 30, 48, 60)
]
RATE = st.sampled_from(RATES)
SPEED = st.fractions(Fraction(1, 50), Fraction(20), max_denominator=1000)
# As one to four digits of percent or frames per second come out of cut lists.
BURNT_IN = ["1", "1/4", "1/3", "1/2", "2/3", "3/4", "5/4", "5/3", "2", "5/2", "3", "4", "23/8", "115/8"]


def shot(speed: Fraction, n: int, start: int = 86_400, rate: Fraction = R24, phase: Fraction = Fraction(0)) -> Shot:
    return Shot("x", FrameRange(0, n), SourceKey("x", "R", "", start, rate), speed, phase=phase)


def frames(one: Shot, record_rate: Fraction = R24) -> list[int]:
    return [one.source_frame(i, record_rate) for i in range(one.record.start, one.record.stop)]


@pytest.mark.parametrize("speed", BURNT_IN)
def test_burnt_in_frames_forwards(speed: str) -> None:
    exact = Fraction(speed)
    expected = [86_400 + (k * exact.numerator) // exact.denominator for k in range(106)]
    assert frames(shot(exact, 106)) == expected


def test_burnt_in_frames_by_hand() -> None:
    def seen(speed: str, n: int) -> list[int]:
        return frames(shot(Fraction(speed), n, start=0))

    assert seen("1/4", 9) == [0, 0, 0, 0, 1, 1, 1, 1, 2]
    assert seen("1/3", 7) == [0, 0, 0, 1, 1, 1, 2]
    assert seen("2/3", 7) == [0, 0, 1, 2, 2, 3, 4]
    assert seen("5/3", 7) == [0, 1, 3, 5, 6, 8, 10]
    assert seen("115/8", 5) == [0, 14, 28, 43, 57]
    assert seen("-1", 5) == [4, 3, 2, 1, 0]
    assert seen("0", 3) == [0, 0, 0]


def test_burnt_in_frames_backwards_and_held() -> None:
    assert frames(shot(Fraction(-1), 106)) == [86_400 + 105 - k for k in range(106)]
    assert frames(shot(Fraction(0), 106)) == [86_400] * 106


@given(speed=SPEED, n=st.integers(1, 300), media=RATE, record=RATE)
def test_the_rule(speed: Fraction, n: int, media: Fraction, record: Fraction) -> None:
    step = speed * media / record
    forwards = frames(shot(speed, n, rate=media), record)
    assert forwards == [86_400 + floor(k * step) for k in range(n)]
    # Backwards shows the same frames, the last one first.
    assert frames(shot(-speed, n, rate=media), record) == forwards[::-1]


@given(speed=SPEED, n=st.integers(1, 300), media=RATE, record=RATE, reverse=st.booleans())
def test_all_frames_shown_are_named(speed: Fraction, n: int, media: Fraction, record: Fraction, reverse: bool) -> None:
    one = shot(-speed if reverse else speed, n, rate=media)
    seen = frames(one, record)
    assert one.source_frames(record) == FrameRange(min(seen), max(seen) + 1)
    assert all(0 <= abs(b - a) <= ceil(speed * media / record) for a, b in pairwise(seen))


@given(speed=SPEED, n=st.integers(2, 200), at=st.integers(1, 199), reverse=st.booleans(), media=RATE, record=RATE)
def test_a_cut_changes_no_frame(
    speed: Fraction, n: int, at: int, reverse: bool, media: Fraction, record: Fraction
) -> None:
    """A shot cut in two shows what the whole one shows, however odd its speed."""
    assume(at < n)
    speed = -speed if reverse else speed
    source = SourceKey("x", "R", "", 0, media)
    step = speed * media / record
    piece = Piece("x", Fraction(0), Fraction(n), source, Fraction(1000), step, speed)
    remarks = Remarks()
    parts = [between(piece, Fraction(0), Fraction(at), remarks), between(piece, Fraction(at), Fraction(n), remarks)]
    (whole,) = shots_of([piece], 0, remarks)
    cut = shots_of(parts, 0, remarks)
    assert [frame for one in cut for frame in frames(one, record)] == frames(whole, record)
    # And each part goes on into the frames of the other.
    assert cut[0].source_at(at, record) == whole.source_frame(at, record)
    assert cut[1].source_at(-1, record) == whole.source_frame(at - 1, record)


@given(speed=SPEED, hidden=st.tuples(st.integers(0, 99), st.integers(1, 100)), reverse=st.booleans())
def test_what_lies_on_top_changes_no_frame_below(speed: Fraction, hidden: tuple[int, int], reverse: bool) -> None:
    speed = -speed if reverse else speed
    source = SourceKey("x", "R", "", 0, R24)
    below = Piece("x", Fraction(0), Fraction(100), source, Fraction(500), speed, speed, owner=1)
    start, stop = hidden[0], min(100, hidden[0] + hidden[1])
    above = Piece("y", Fraction(start), Fraction(stop), source, Fraction(0), owner=2)
    (whole,) = shots_of([below], 0, Remarks())
    seen = {
        i: one.source_frame(i, R24)
        for one in shots_of(overlay([below], [above], Remarks()), 0, Remarks())
        for i in range(one.record.start, one.record.stop)
        if one.name == "x"
    }
    assert seen == {i: whole.source_frame(i, R24) for i in range(100) if not start <= i < stop}


@given(speed=SPEED, n=st.integers(2, 100), start=st.integers(-50, 50))
def test_a_straight_curve_is_a_speed(speed: Fraction, n: int, start: int) -> None:
    knots = ((Fraction(0), Fraction(start)), (Fraction(n), start + n * speed))
    source = SourceKey("x", "R", "", 0, R24)
    curved = Piece("x", Fraction(0), Fraction(n), source, speed=speed, curve=Curve(knots))
    straight = Piece("x", Fraction(0), Fraction(n), source, Fraction(start), speed, speed)
    (one,), (other,) = shots_of([curved], 0, Remarks()), shots_of([straight], 0, Remarks())
    assert frames(one) == frames(other)


@given(places=st.lists(st.integers(0, 10_000), min_size=3, max_size=60), at=st.integers(1, 58))
def test_a_curve_is_followed_frame_by_frame(places: list[int], at: int) -> None:
    assume(at < len(places))
    curve = Curve(tuple((Fraction(k), Fraction(place)) for k, place in enumerate(places)))
    n = len(places)
    piece = Piece("x", Fraction(0), Fraction(n), SourceKey("x", "R", "", 0, R24), curve=curve)
    parts = [piece.over(Fraction(0), Fraction(at)), piece.over(Fraction(at), Fraction(n))]
    (whole,), cut = shots_of([piece], 0, Remarks()), shots_of(parts, 0, Remarks())
    assert frames(whole) == places
    assert [frame for one in cut for frame in frames(one)] == places


# --- the same through an edit decision list


def m2(speed: Fraction, n: int, rate: int) -> str:
    out = f"{n // rate:02d}:{n % rate:02d}"
    fps = speed * rate
    return (
        f"001 A V C 01:00:00:00 01:00:{out} 00:00:00:00 00:00:{out}\n"
        f"M2 A {float(fps):.9f} 01:00:00:00\n* FROM CLIP NAME: x\n"
    )


@pytest.mark.parametrize("rate", [24, 25, 30])
@pytest.mark.parametrize("speed", BURNT_IN)
def test_burnt_in_frames_of_a_list(edl: Callable[..., Reel], speed: str, rate: int) -> None:
    exact = Fraction(speed)
    (one,) = edl(m2(exact, 106, rate), rate=rate).shots
    assert one.speed == exact
    assert frames(one, Fraction(rate)) == [3600 * rate + floor(k * exact) for k in range(106)]


@pytest.mark.parametrize("rate", [24, 25, 30])
def test_backwards_and_held_of_a_list(edl: Callable[..., Reel], rate: int) -> None:
    (one,) = edl(m2(Fraction(-1), 106, rate), rate=rate).shots
    assert frames(one, Fraction(rate)) == [3600 * rate + 105 - k for k in range(106)]
    (one,) = edl(m2(Fraction(0), 106, rate), rate=rate).shots
    assert frames(one, Fraction(rate)) == [3600 * rate] * 106


@pytest.mark.parametrize(("media", "record"), [(25, 24), (24, 25), (30, 24), (60, 24), (50, 25), (18, 24), (16, 24)])
def test_media_read_in_time(media: int, record: int) -> None:
    """One second of record is one second of media, at every rate, and never a frame more."""
    one = shot(Fraction(1), record * 10, start=0, rate=Fraction(media))
    seen = frames(one, Fraction(record))
    assert [seen[record * s] for s in range(10)] == [media * s for s in range(10)]
    assert max(seen) <= media * 10 - 1
