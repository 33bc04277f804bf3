"""Timecode against rules of its own: every frame of ten hours of drop frame, round trips at all rates."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsfilmrestore.media.timecode import exact_rate, format_timecode, nominal_rate, parse_timecode, rate_text

RATES = {
    "16": Fraction(16),
    "18": Fraction(18),
    "20": Fraction(20),
    "23.976": Fraction(24_000, 1001),
    "24": Fraction(24),
    "25": Fraction(25),
    "29.97": Fraction(30_000, 1001),
    "30": Fraction(30),
    "48": Fraction(48),
    "50": Fraction(50),
    "59.94": Fraction(60_000, 1001),
    "60": Fraction(60),
}
MODES = [(rate, False) for rate in RATES.values()] + [(RATES["29.97"], True), (RATES["59.94"], True)]
MODE = st.sampled_from(MODES)
DROP_RATES = ["29.97", "59.94"]


def per_day(rate: Fraction, drop: bool) -> int:
    """Frame numbers of a day: less 2 (or 4) in each minute of 1440 but every tenth."""
    nominal = nominal_rate(rate)
    return nominal * 86_400 - drop * (nominal // 15) * (1440 - 144)


def numbers_written(nominal: int, hours: int):  # type: ignore[no-untyped-def]
    """Drop-frame numbers one after the other as a counter shows them: no arithmetic of minutes and tens."""
    left_out = nominal // 15
    for hour in range(hours):
        for minute in range(60):
            for second in range(60):
                first = left_out if second == 0 and minute % 10 else 0
                for frame in range(first, nominal):
                    yield hour, minute, second, frame


@pytest.mark.parametrize("name", RATES)
def test_rates_as_people_write_them(name: str) -> None:
    assert exact_rate(name) == exact_rate(float(name)) == exact_rate(RATES[name]) == RATES[name]
    assert rate_text(RATES[name]) == name
    assert nominal_rate(RATES[name]) == round(float(name))


@given(mode=MODE, data=st.data())
def test_round_trip(mode: tuple[Fraction, bool], data: st.DataObject) -> None:
    rate, drop = mode
    count = data.draw(st.integers(0, per_day(rate, drop) - 1))
    text = format_timecode(count, rate, drop=drop)
    assert parse_timecode(text, rate, drop=drop) == count
    assert parse_timecode(text, rate, drop=None) == count
    # What stands before the frames does not matter when the mode is told.
    for mark in ":;.,":
        assert parse_timecode(text[:8] + mark + text[9:], rate, drop=drop) == count


@given(mode=MODE, data=st.data())
def test_the_next_frame_has_the_next_number(mode: tuple[Fraction, bool], data: st.DataObject) -> None:
    rate, drop = mode
    count = data.draw(st.integers(0, per_day(rate, drop) - 2))
    assert format_timecode(count, rate, drop=drop) < format_timecode(count + 1, rate, drop=drop)


@given(mode=MODE, days=st.integers(-3, 3), data=st.data())
def test_a_day_later_it_is_the_same_time(mode: tuple[Fraction, bool], days: int, data: st.DataObject) -> None:
    rate, drop = mode
    count = data.draw(st.integers(0, per_day(rate, drop) - 1))
    assert format_timecode(count + days * per_day(rate, drop), rate, drop=drop) == format_timecode(
        count, rate, drop=drop
    )


@given(mode=MODE, fields=st.tuples(*[st.integers(0, n) for n in (23, 59, 59, 59)]))
def test_every_number_is_a_frame_or_is_refused(mode: tuple[Fraction, bool], fields: tuple[int, int, int, int]) -> None:
    rate, drop = mode
    hours, minutes, seconds, frames = fields
    text = f"{hours:02d}:{minutes:02d}:{seconds:02d}{';' if drop else ':'}{frames:02d}"
    left_out = drop and seconds == 0 and minutes % 10 and frames < nominal_rate(rate) // 15
    if frames >= nominal_rate(rate) or left_out:
        with pytest.raises(ValueError, match="does not exist" if frames >= nominal_rate(rate) else "left out"):
            parse_timecode(text, rate, drop=drop)
    else:
        assert format_timecode(parse_timecode(text, rate, drop=drop), rate, drop=drop) == text


@pytest.mark.slow
@pytest.mark.parametrize(("name", "hours"), [("29.97", 10), ("59.94", 1)])
def test_ten_hours_of_drop_frame_without_one_frame_of_drift(name: str, hours: int) -> None:
    """All 1,078,920 frames of ten hours against a counter that leaves numbers out as it goes."""
    rate = RATES[name]
    count = -1
    for count, (h, m, s, f) in enumerate(numbers_written(nominal_rate(rate), hours)):
        text = f"{h:02d}:{m:02d}:{s:02d};{f:02d}"
        assert format_timecode(count, rate, drop=True) == text
        assert parse_timecode(text, rate) == count
    assert count + 1 == hours * (3600 * nominal_rate(rate) - nominal_rate(rate) // 15 * 54)


@pytest.mark.parametrize("name", DROP_RATES)
def test_a_day_of_drop_frame(name: str) -> None:
    """First and last frame of each of its 86,400 seconds, and the frame after the last."""
    rate = RATES[name]
    nominal = nominal_rate(rate)
    count = 0
    for second in range(86_400):
        h, m, s = second // 3600, second // 60 % 60, second % 60
        first = nominal // 15 if s == 0 and m % 10 else 0
        assert parse_timecode(f"{h:02d}:{m:02d}:{s:02d};{first:02d}", rate) == count
        count += nominal - first
        assert parse_timecode(f"{h:02d}:{m:02d}:{s:02d};{nominal - 1:02d}", rate) == count - 1
    assert count == per_day(rate, True)
    assert format_timecode(count, rate, drop=True) == "00:00:00;00"


@pytest.mark.parametrize("name", DROP_RATES)
def test_drop_frame_keeps_to_the_clock(name: str) -> None:
    """Its reason to be: at no minute of ten hours is it more than two frames' worth (of 30) off the wall clock."""
    rate = RATES[name]
    for minute in range(600):
        frame = 0 if minute % 10 == 0 else nominal_rate(rate) // 15
        count = parse_timecode(f"{minute // 60:02d}:{minute % 60:02d}:00;{frame:02d}", rate)
        assert abs(count / rate - 60 * minute) < Fraction(2, 30)
    # Ten hours of it are 36 ms off, as the standard has it; non-drop is 36 seconds off.
    assert abs(parse_timecode("10:00:00;00", rate) / rate - 36_000) < Fraction(37, 1000)
    assert parse_timecode("10:00:00:00", rate, drop=False) / rate - 36_000 == 36


@pytest.mark.parametrize("name", [name for name in RATES if round(float(name)) % 30])
def test_no_drop_frame_at_other_rates(name: str) -> None:
    with pytest.raises(ValueError, match=r"29\.97 and 59\.94"):
        parse_timecode("00:00:00;00", RATES[name], drop=True)
    with pytest.raises(ValueError, match=r"29\.97 and 59\.94"):
        format_timecode(0, RATES[name], drop=True)


@given(numerator=st.integers(1, 10**9), denominator=st.integers(1, 10**6))
def test_whatever_the_rate_a_count_comes_back(numerator: int, denominator: int) -> None:
    rate = Fraction(numerator, denominator)
    if not 1 <= rate <= 1000:
        return
    for count in (0, 1, 23, 1000, 86_399):
        text = format_timecode(count, rate)
        assert parse_timecode(text, rate) == count
