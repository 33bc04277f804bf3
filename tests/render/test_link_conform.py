"""Conform: what cut list and media say of one another, and which frames are shown."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import floor
from pathlib import Path

import numpy as np
import pytest

from vsfilmrestore.errors import MediaError, TimelineError, UsageError
from vsfilmrestore.media.source import open_media
from vsfilmrestore.render.bind import Bound
from vsfilmrestore.render.conform import Conform, conform, refusal
from vsfilmrestore.render.link import Link, Linked
from vsfilmrestore.render.link_facts import Facts
from vsfilmrestore.render.placing import RateRule, place, shown_frames
from vsfilmrestore.render.sound import reel_sound, sound_left_out
from vsfilmrestore.timeline.curve import Curve
from vsfilmrestore.timeline.model import FrameRange, Reel, Shot, SourceKey, Transition

HOUR = 86400
R24, R25, R30 = Fraction(24), Fraction(25), Fraction(30000, 1001)
MOVIE = Facts(Path("a.mov"), "file", R24, 48, start=HOUR, has_timecode=True)


def key(start: int = HOUR, rate: Fraction = R24, *, timecode: bool = True, drop: bool = False) -> SourceKey:
    return SourceKey("clip", "A", "", start, rate, timecode, None, drop)


def reel(*sources: SourceKey | None, length: int = 8, rate: Fraction = R24, file: str = "cut.edl") -> Reel:
    shots = [Shot(f"s{i}", FrameRange(i * length, (i + 1) * length), source) for i, source in enumerate(sources)]
    return Reel("cut", rate, tuple(shots), file=file, start=HOUR)


def judged(cut: Reel, facts: Facts | None = MOVIE, rule: RateRule | None = None) -> Conform:
    path = Path("a.mov") if facts is None else facts.path
    links = [Linked() if shot.source is None else Linked(Link(path, "file name")) for shot in cut.shots]
    return conform(cut, links, lambda _: facts, rule)


def shown(cut: Reel, facts: Facts = MOVIE, rule: RateRule | None = None) -> list[int]:
    shot = cut.shots[0]
    assert shot.source is not None
    return list(place(cut, shot, shot.source, facts, rule).shown)


def test_a_cut_that_fits() -> None:
    found = judged(reel(key(), None, key(HOUR + 40)))
    assert [item and item.span for item in found.placed] == [(0, 7), None, (40, 47)]
    assert found.findings == ()
    verdict = found.verdicts[0]
    assert (verdict.word, verdict.shots, verdict.span, verdict.by) == ("ok", 2, (0, 47), ("timecode",))


def test_every_shot_outside_its_medium_is_listed() -> None:
    cut = reel(key(HOUR - 1), key(), key(HOUR + 41), key(HOUR + 4000))
    found = judged(cut)
    assert [(item.kind, item.shot and item.shot.name) for item in found.severe] == [
        ("range", "s0"),
        ("range", "s2"),
        ("range", "s3"),
    ]
    assert found.verdicts[0].word == "fails"
    error = refusal(cut, found.severe)
    assert isinstance(error, TimelineError)
    assert "3 of 4 shots" in str(error)
    assert len(error.details) == 3
    assert "needs frames 41 to 48 of a.mov, which holds 0 to 47" in error.details[1]
    assert "01:00:01:17 is wanted" in error.details[1]


def test_all_that_is_missing_is_one_error() -> None:
    cut = reel(key(), replace(key(), reel="B"), key(), replace(key(), reel="C"))
    gone = Linked(problem="no medium found", hint="Name it")
    found = conform(cut, [gone] * 4, lambda _: None)
    error = refusal(cut, found.severe)
    assert isinstance(error, MediaError)
    assert error.exit_code == 3
    assert "4 of 4 shots" in str(error)
    assert "3 media are missing" in str(error)
    assert error.details == (
        "A: no medium found (shots s0 at 01:00:00:00, s2 at 01:00:00:16)",
        "B: no medium found (shot s1 at 01:00:00:08)",
        "C: no medium found (shot s3 at 01:00:01:00)",
    )


def test_one_thing_wrong_is_told_as_it_is() -> None:
    cut = reel(key(HOUR + 41))
    text = str(refusal(cut, judged(cut).severe))
    assert text.startswith("cut.edl, shot s0, at 01:00:00:00: needs frames 41 to 48 of a.mov, which holds 0 to 47")
    assert "scan belong together" in text


def test_what_fades_out_is_placed_and_judged() -> None:
    old = Shot("old", FrameRange(0, 4), key(HOUR + 45))
    cut = Reel("cut", R24, (Shot("new", FrameRange(0, 8), key(), transition=Transition("dissolve", old)),))
    linked = Linked(Link(MOVIE.path, "file name"))
    found = conform(cut, [replace(linked, outgoing=linked)], lambda _: MOVIE)
    fading = found.fading[0]
    assert fading is not None
    assert fading.span == (45, 48)
    assert [item.kind for item in found.severe] == ["range"]
    assert found.verdicts[0].shots == 2


@pytest.mark.parametrize(
    ("speed", "expected"),
    [
        (Fraction(2), [0, 2, 4, 6, 8, 10, 12, 14]),
        (Fraction(-1), [7, 6, 5, 4, 3, 2, 1, 0]),
        (Fraction(1, 2), [0, 0, 1, 1, 2, 2, 3, 3]),
        (Fraction(0), [0] * 8),
    ],
)
def test_speeds(speed: Fraction, expected: list[int]) -> None:
    cut = reel(key())
    assert shown(cut.with_shots((replace(cut.shots[0], speed=speed),))) == expected


def test_media_of_another_rate_are_played_in_time_or_frame_for_frame() -> None:
    cut = reel(key(), length=50, rate=R25)
    in_time = [k * 24 // 25 for k in range(50)]
    assert shown(cut) == shown(cut, rule=RateRule.TIME) == in_time
    assert shown(cut, rule=RateRule.FRAMES) == list(range(50))
    assert judged(reel(key(), rate=R25)).verdicts[0].rule == "played in time"
    assert "frame for frame" in judged(reel(key(), rate=R25), rule=RateRule.FRAMES).verdicts[0].rule
    assert judged(reel(key())).verdicts[0].rule == ""


def test_a_curve_is_followed_at_either_rate() -> None:
    curve = Curve(((Fraction(0), Fraction(HOUR)), (Fraction(25), Fraction(HOUR + 24))))
    shot = Shot("s", FrameRange(0, 25), key(), curve=curve)
    assert list(shown_frames(shot, key(), R25, None)) == [HOUR + k * 24 // 25 for k in range(25)]
    assert list(shown_frames(shot, key(), R25, RateRule.FRAMES)) == [HOUR + k for k in range(25)]


def test_a_cut_list_that_counts_another_rate_than_the_medium_has() -> None:
    cut = reel(key(90000 + 25, R25), rate=R25)  # 01:00:01:00 at 25
    found = judged(cut)
    assert [item.kind for item in found.severe] == ["rate"]
    assert "counts 25 fps where a.mov runs at 24 fps" in found.severe[0].text
    assert "--media-rate-rule" in found.severe[0].hint
    assert shown(cut, rule=RateRule.FRAMES) == [25 + k for k in range(8)]
    assert shown(cut, rule=RateRule.TIME) == [24 + k * 24 // 25 for k in range(8)]
    told = judged(cut, rule=RateRule.FRAMES)
    assert told.severe == []
    assert [item.kind for item in told.findings] == ["rate"]
    assert told.verdicts[0].word == "look"


@pytest.mark.parametrize("rule", [None, RateRule.TIME])
def test_an_m2_line_tells_the_rate_of_a_medium(rule: RateRule | None) -> None:
    """Avid gives media of 24 fps the speed 24.0 on a record of 30, and counts them in their own frames."""
    cut = reel(key(3600 * 30 + 45, R30), length=10, rate=R30)
    (shot,) = cut.shots
    slow = replace(cut, shots=(replace(shot, speed=Fraction(4, 5)),))
    assert shown(slow, replace(MOVIE, rate=Fraction(24000, 1001)), rule) == [39 + k * 4 // 5 for k in range(10)]
    found = judged(slow, replace(MOVIE, rate=Fraction(24000, 1001)), rule)
    assert found.severe == []
    assert "its M2 speed is the 23.976 fps of a.mov; played in time" in [item.text for item in found.findings]
    with pytest.raises(TimelineError, match=r"counts 29\.97 fps where a\.mov runs at 25 fps"):
        shown(slow, replace(MOVIE, rate=R25))


def test_a_rate_that_was_assumed_gives_way_to_the_cut_list() -> None:
    scan = Facts(Path("scan"), "sequence", R24, 48, start=HOUR, has_timecode=True, first_number=7, rate_told=False)
    cut = reel(key(90000 + 5, R25), rate=R25)
    assert shown(cut, scan) == [5 + k for k in range(8)]
    assert judged(cut, scan).findings == ()


def test_timecode_is_looked_up_as_it_is_written() -> None:
    drop = Facts(Path("a.mov"), "file", R30, 300, start=107892, has_timecode=True, drop=True)
    cut = reel(key(108000 + 10, R30), rate=R30)  # 01:00:00:10, counted without drop frame
    assert shown(cut, drop) == [10 + k for k in range(8)]
    found = judged(cut, drop)
    assert [item.kind for item in found.findings] == ["drop"]
    assert not found.severe
    counted = reel(key(107892 + 10, R30), rate=R30, file="cut.otio")  # counts frames and writes no timecode
    assert shown(counted, drop) == [10 + k for k in range(8)]


def test_numbers_in_file_names_stand_for_timecode_where_headers_tell_none() -> None:
    scan = Facts(Path("scan"), "sequence", R24, 48, first_number=HOUR)
    cut = reel(key(HOUR + 3))
    assert shown(cut, scan) == list(range(3, 11))
    assert judged(cut, scan).verdicts[0].by == ("frame number",)
    assert shown(reel(key(3)), scan) == list(range(3, 11))
    with pytest.raises(TimelineError, match="carries no timecode"):
        shown(reel(key(HOUR + 3)), replace(scan, first_number=0))


def test_counts_that_could_be_either_are_told() -> None:
    scan = Facts(Path("scan"), "sequence", R24, 5000, first_number=1001)
    found = judged(reel(key(1101)), scan)
    assert found.placed[0] is not None
    assert found.placed[0].span == (1101, 1108)
    assert [item.kind for item in found.findings] == ["start"]
    assert "1001" in found.findings[0].text


def test_a_still_is_shown_as_long_as_it_is_wanted() -> None:
    card = Facts(Path("card.png"), "sequence", R24, 1, rate_told=False)
    assert shown(reel(key(500)), card) == [0] * 8
    assert judged(reel(key(500)), card).findings == ()


def test_lengths_and_starts_that_differ_are_told() -> None:
    source = replace(key(), available=FrameRange(HOUR - 10, HOUR + 90))
    kinds = {item.kind: item.text for item in judged(reel(source)).findings}
    assert "knows 100 frames of a.mov, which holds 48" in kinds["length"]
    assert "starts at 00:59:59:14, it starts at 01:00:00:00" in kinds["start"]
    rounded = replace(key(), available=FrameRange(HOUR, HOUR + 49))
    assert judged(reel(rounded)).findings == ()


def test_reels_that_differ_are_told_once() -> None:
    other = replace(MOVIE, reel="B007")
    found = judged(reel(key(), key()), other)
    assert [item.text for item in found.findings] == ["the cut list names reel A, a.mov tells reel B007"]
    assert judged(reel(key()), replace(MOVIE, reel="a.mov")).findings == ()


def test_a_length_known_by_duration_only_is_a_doubt() -> None:
    about = replace(MOVIE, exact=False)
    assert judged(reel(key(HOUR + 42)), about).severe == []
    assert len(judged(reel(key(HOUR + 42)), about).findings) == 1
    assert len(judged(reel(key(HOUR + 4200)), about).severe) == 1


def test_a_medium_that_tells_nothing_is_not_judged() -> None:
    found = judged(reel(key()), None)
    assert found.verdicts[0].word == "not read"
    assert found.placed == (None,)


def test_a_medium_that_cannot_be_read_is_told_with_the_reason() -> None:
    cut = reel(key(), key())
    links = [Linked(Link(Path("a.mov"), "file name"))] * 2
    found = conform(cut, links, lambda _: None, None, lambda _: "the file is empty")
    assert [(item.kind, item.severe, item.text) for item in found.findings] == [
        ("unreadable", True, "a.mov: the file is empty")
    ]
    assert found.verdicts[0].word == "fails"


def test_sound_does_not_run_beside_pictures_played_at_another_rate(small_reel: Path) -> None:
    medium = open_media(small_reel / "scans" / "R1.mkv")
    bound = [Bound(Shot("s", FrameRange(0, 20), key()), medium, range(20), 0, (0, 0), "")]
    for rate, sounds in ((R24, True), (Fraction(24000, 1001), True), (R25, False)):
        sound = reel_sound(bound, rate)
        assert sound is not None
        with sound.get_frame(0) as frame:
            assert np.asarray(frame[0]).any() == sounds


def test_words_of_the_rate_rule() -> None:
    assert RateRule.of("") is None
    assert RateRule.of("frames") is RateRule.FRAMES
    with pytest.raises(UsageError, match="did you mean 'frames'"):
        RateRule.of("frame")


@pytest.mark.parametrize(("rate", "phase"), [("25", 0), ("30000/1001", 0), ("12", 0), ("25", Fraction(1, 3))])
def test_sound_goes_along_with_pictures_played_in_time(small_reel: Path, rate: str, phase: Fraction) -> None:
    """Frame 4 of the medium and its sound come at the same moment of the record side."""
    medium, record = open_media(small_reel / "scans" / "R1.mkv"), Fraction(rate)
    assert medium.audio is not None
    frames = [floor(phase + k * R24 / record) for k in range(8)]
    shot = Shot("s", FrameRange(0, 8), replace(key(), available=None), phase=Fraction(phase))
    bound = [Bound(shot, medium, frames, 4, (0, 0), "")]
    sound = reel_sound(bound, record)
    assert sound is not None
    assert sound.num_samples == round(8 * 48_000 / record)
    first = round((4 + Fraction(phase)) * 2000)
    with sound.get_frame(0) as ours, medium.audio[first : first + 3000].get_frame(0) as theirs:
        assert np.array_equal(np.asarray(ours[0])[:3000], np.asarray(theirs[0])[:3000])
        assert np.asarray(ours[0])[:3000].any()
    assert sound_left_out(bound, record) == []


@pytest.mark.parametrize(("frames", "speed"), [([0, 2, 4, 6], 2), ([3, 2, 1, 0], -1), ([0] * 4, 0), ([0, 0, 1, 1], 1)])
def test_sound_beside_other_speeds_is_left_out_and_told(small_reel: Path, frames: list[int], speed: int) -> None:
    medium = open_media(small_reel / "scans" / "R1.mkv")
    bound = [Bound(Shot("slow", FrameRange(0, 4), key(), Fraction(speed)), medium, frames, 0, (0, 0), "")]
    sound = reel_sound(bound, R24)
    assert sound is not None
    with sound.get_frame(0) as frame:
        assert not np.asarray(frame[0]).any()
    assert sound_left_out(bound, R24) == ["slow: played at another speed; the sound is left out"]
