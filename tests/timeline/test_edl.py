"""Edit decision lists: what is read, what is tolerated with a remark, what is refused with file and line."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from vsfilmrestore import timeline
from vsfilmrestore.errors import TimelineError, UsageError
from vsfilmrestore.media.timecode import format_timecode
from vsfilmrestore.timeline import FrameRange, Reel, Shot, Strength

type Read = Callable[..., Reel]

R24 = Fraction(24)
PLAIN = """TITLE: REEL 1
FCM: NON-DROP FRAME

001  A001     V     C        01:00:10:00 01:00:12:00 01:00:00:00 01:00:02:00
* FROM CLIP NAME:  first
* SOURCE FILE: A001_0815.MOV
002  A002     V     C        02:00:00:00 02:00:01:00 01:00:02:00 01:00:03:00
* FROM CLIP NAME:  second
"""


def spans(reel: Reel) -> list[tuple[str, int, int]]:
    return [(shot.name, shot.record.start, shot.record.stop) for shot in reel.shots]


def shown(reel: Reel) -> list[int | None]:
    """Source frame of every record frame, None in gaps."""
    return [
        shot.source_frame(i, reel.rate) if shot.source else None
        for shot in reel.shots
        for i in range(shot.record.start, shot.record.stop)
    ]


def told(reel: Reel, words: str) -> bool:
    return any(words in remark for remark in reel.remarks)


def test_cuts(edl: Read) -> None:
    reel = edl(PLAIN, rate=24)
    assert spans(reel) == [("first", 0, 48), ("second", 48, 72)]
    assert (reel.name, reel.rate, reel.start, reel.drop) == ("REEL 1", 24, 86_400, False)
    first = reel.shots[0]
    assert first.source is not None
    assert (first.source.reel, first.source.url, first.source.start) == ("A001", "A001_0815.MOV", 86_640)
    assert (first.id, first.event) == ("A001@01:00:10:00", "001")
    assert reel.timecode(48) == "01:00:02:00"
    assert reel.remarks == ()
    assert reel.rate_known


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "  \n\n"),
        lambda text: text.replace("\n001  ", "\n000001  ").replace("\n002  ", "\n000002  "),
        lambda text: text.replace("A001     V", "A001                             V"),
        lambda text: text.replace("* ", "*").replace(":  ", ": "),
        lambda text: text.replace("* FROM", "FROM"),
        lambda text: text + "REM made by hand\n>>> SOURCE A001 0815\n",
        lambda text: text.lower(),
    ],
)
def test_the_same_list_as_other_programs_write_it(edl: Read, change: Callable[[str], str]) -> None:
    def key(shot: Shot) -> tuple[object, ...]:
        assert shot.source is not None
        return shot.name.lower(), shot.record, shot.source.reel.lower(), shot.source.start

    assert [key(s) for s in edl(change(PLAIN), rate=24).shots] == [key(s) for s in edl(PLAIN, rate=24).shots]


def test_utf16_and_latin(edl: Read) -> None:
    text = PLAIN.replace("first", "Köln")
    assert edl(text.encode("utf-16"), rate=24).shots[0].name == "Köln"
    latin = edl(text.encode("latin-1"), rate=24)
    assert latin.shots[0].name == "Köln"
    assert told(latin, "not UTF-8")


@pytest.mark.parametrize(
    ("highest", "fcm", "rate", "drop"),
    [
        (23, "NON-DROP FRAME", Fraction(24), False),
        (24, "NON-DROP FRAME", Fraction(25), False),
        (29, "NON-DROP FRAME", Fraction(30), False),
        (29, "DROP FRAME", Fraction(30_000, 1001), True),
        (12, "DROP FRAME", Fraction(30_000, 1001), True),
        (47, "NON-DROP FRAME", Fraction(48), False),
        (49, "NON-DROP FRAME", Fraction(50), False),
        (59, "NON-DROP FRAME", Fraction(60), False),
        (59, "DROP FRAME", Fraction(60_000, 1001), True),
    ],
)
def test_the_rate_is_guessed_and_the_guess_told(edl: Read, highest: int, fcm: str, rate: Fraction, drop: bool) -> None:
    line = f"001 A V C 01:00:00:00 01:00:00:{highest:02d} 01:00:00:00 01:00:00:{highest:02d}"
    reel = edl(f"TITLE: x\nFCM: {fcm}\n{line}\n")
    assert (reel.rate, reel.drop, len(reel), reel.rate_known) == (rate, drop, highest, False)
    assert told(reel, "--rate")


def test_drop_frame_with_colons_over_ten_hours(edl: Read) -> None:
    rate = Fraction(30_000, 1001)
    edges = [107_892 + i * 17_981 for i in range(61)]
    lines = ["TITLE: long", "FCM: DROP FRAME"]
    for i, (a, b) in enumerate(pairwise(edges), 1):
        first, last = (format_timecode(n, rate, drop=True).replace(";", ":") for n in (a, b))
        lines.append(f"{i:03d}  TAPE{i} V C {first} {last} {first} {last}")
    reel = edl("\n".join(lines))
    assert reel.rate == rate
    assert [shot.record.stop for shot in reel.shots] == [edge - edges[0] for edge in edges[1:]]
    assert all(shot.source and shot.source.start == edge for shot, edge in zip(reel.shots, edges, strict=False))
    assert reel.timecode(edges[-1] - edges[0]) == format_timecode(edges[-1], rate, drop=True)
    assert len(reel) / float(rate) > 10 * 3500


def test_drop_frame_where_there_is_none(edl: Read) -> None:
    reel = edl(PLAIN.replace("NON-DROP", "DROP"), rate=25)
    assert not reel.drop
    assert told(reel, "no drop frame at 25 fps")


def test_semicolons_mean_drop_frame(edl: Read) -> None:
    reel = edl("001 A V C 00:59:59;28 01:00:00;02 01:00:59;28 01:01:00;04\n", rate="29.97")
    assert (reel.drop, len(reel)) == (True, 4)


DISSOLVE = """TITLE: d
001  AAA V     C        01:00:04:05 01:00:04:14 01:00:00:00 01:00:00:09
* FROM CLIP NAME:  clip_A
002  AAA V     C        01:00:04:14 01:00:04:14 01:00:00:09 01:00:00:09
002  BBB V     D    010 01:00:08:08 01:00:08:23 01:00:00:09 01:00:01:00
* BLEND, DISSOLVE
* FROM CLIP NAME:  clip_A
* TO CLIP NAME:  clip_B
* SOURCE FILE: a.mov
* SOURCE FILE: b.mov
"""


@pytest.mark.parametrize(("code", "kind"), [("D   ", "dissolve"), ("W001", "wipe 001"), ("W21 ", "wipe 021")])
def test_transitions_keep_both_sides(edl: Read, code: str, kind: str) -> None:
    reel = edl(DISSOLVE.replace("D   ", code), rate=24)
    assert spans(reel) == [("clip_A", 0, 9), ("clip_B", 9, 24)]
    fade = reel.shots[1].transition
    assert fade is not None
    assert (fade.kind, fade.length, fade.outgoing.record) == (kind, 10, FrameRange(9, 19))
    first = reel.shots[0]
    expected = [first.source_at(k, R24) for k in range(9, 19)]
    assert [fade.outgoing.source_frame(i, R24) for i in range(9, 19)] == expected
    assert reel.shots[1].source is not None
    assert fade.outgoing.source is not None
    assert (fade.outgoing.name, reel.shots[1].source.url) == ("clip_A", "b.mov")


def test_a_dissolve_from_another_place_of_the_same_reel(edl: Read) -> None:
    fade = edl(DISSOLVE.replace("01:00:04:14 01:00:04:14", "01:00:09:00 01:00:09:00"), rate=24).shots[1].transition
    assert fade is not None
    assert fade.outgoing.source is not None
    assert (fade.outgoing.source.start, fade.outgoing.source.url) == (86_400 + 9 * 24, "a.mov")


def test_fade_in_and_out_of_black(edl: Read) -> None:
    reel = edl(
        "001 BL V C 00:00:00:00 00:00:00:00 01:00:00:00 01:00:00:00\n"
        "001 AX V D 012 00:00:05:00 00:00:07:00 01:00:00:00 01:00:02:00\n"
        "* TO CLIP NAME: x\n"
        "002 AX V C 00:00:07:00 00:00:07:00 01:00:02:00 01:00:02:00\n"
        "002 BL V D 024 00:00:00:00 00:00:01:00 01:00:02:00 01:00:03:00\n",
        rate=24,
    )
    into, out = (shot.transition for shot in reel.shots)
    assert into is not None
    assert out is not None
    assert (into.outgoing.source, into.length, reel.shots[0].name) == (None, 12, "x")
    assert (reel.shots[1].source, out.length) == (None, 24)
    assert out.outgoing.source_frame(48, R24) == 7 * 24


def test_a_dissolve_of_one_line_runs_on_from_the_shot_before(edl: Read) -> None:
    text = "\n".join(line for line in DISSOLVE.splitlines() if "01:00:04:14 01:00:04:14" not in line)
    reel = edl(text, rate=24)
    assert told(reel, "transition of one line")
    assert reel.shots[1].transition is not None
    assert reel.shots[1].transition.outgoing.source_frame(9, R24) == 86_400 + 4 * 24 + 14


def test_a_dissolve_longer_than_its_shot_is_shortened(edl: Read) -> None:
    reel = edl(DISSOLVE.replace("D    010", "D    099"), rate=24)
    assert reel.shots[1].transition is not None
    assert reel.shots[1].transition.length == 15
    assert told(reel, "longer than the shot")


def motion(speed: str, source_out: str, length: int = 12) -> str:
    return f"001 A001 V C 01:00:00:00 {source_out} 00:00:00:00 00:00:00:{length:02d}\nM2 A001 {speed} 01:00:00:00\n"


@pytest.mark.parametrize(
    ("speed", "out", "expected"),
    [
        ("024.0", "01:00:00:12", list(range(12))),
        ("048.0", "01:00:01:00", list(range(0, 24, 2))),
        ("048.0", "01:00:00:12", list(range(0, 24, 2))),
        ("012.0", "01:00:00:06", [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]),
        ("000.0", "01:00:00:01", [0] * 12),
        ("-024.0", "01:00:00:12", list(range(11, -1, -1))),
        ("- 24.0", "01:00:00:12", list(range(11, -1, -1))),
        ("-048.0", "01:00:01:00", list(range(22, -1, -2))),
        ("-024.0", "01:00:00:01", list(range(0, -12, -1))),
        ("8.000000", "01:00:00:04", [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]),
    ],
)
@pytest.mark.parametrize("rate", ["24", "24000/1001"])
def test_m2(edl: Read, speed: str, out: str, expected: list[int], rate: str) -> None:
    reel = edl(motion(speed, out), rate=rate)
    assert [frame - 86_400 for frame in shown(reel) if frame is not None] == expected
    place = "in" if expected[-1] < 0 else "out"
    assert told(reel, f"played backwards from the source {place} point") == ("-" in speed)


def test_m2_speed_is_exact(edl: Read) -> None:
    assert edl(motion("047.6", "01:00:01:00"), rate=24).shots[0].speed == Fraction(119, 60)
    assert edl(motion("7.999992", "01:00:00:04"), rate=24).shots[0].speed != Fraction(1, 3)


def test_m2_that_does_not_fit_the_lengths_is_told(edl: Read) -> None:
    assert told(edl(motion("048.0", "01:00:04:00"), rate=24), "do not follow")


def test_m2_of_both_sides_of_a_dissolve(edl: Read) -> None:
    text = DISSOLVE.replace(
        "* BLEND, DISSOLVE", "M2   AAA       012.0                01:00:04:14\nM2 BBB 048.0 01:00:08:08"
    ).replace("01:00:08:23", "01:00:09:14")
    fade, shot = (edl(text, rate=24).shots[1].transition, edl(text, rate=24).shots[1])
    assert fade is not None
    assert (fade.outgoing.speed, shot.speed) == (1, 2)
    moved = text.replace("01:00:04:14 01:00:04:14", "01:00:06:00 01:00:06:00").replace(
        "012.0                01:00:04:14", "012.0 01:00:06:00"
    )
    fade = edl(moved, rate=24).shots[1].transition
    assert fade is not None
    assert fade.outgoing.speed == Fraction(1, 2)


def test_stills_and_lists_without_m2(edl: Read) -> None:
    still = edl("001 A V C 01:00:00:00 01:00:00:01 00:00:00:00 00:00:01:00\n* FREEZE FRAME\n", rate=24)
    assert (still.shots[0].speed, told(still, "held")) == (0, True)
    double = edl("001 A V C 01:00:00:00 01:00:01:23 00:00:00:00 00:00:01:00\n", rate=24)
    assert (double.shots[0].speed, told(double, "played at that speed")) == (2, True)
    nothing = edl("001 A V C 00:00:00:00 00:00:00:00 00:00:00:00 00:00:01:00\n", rate=24)
    assert (nothing.shots[0].speed, told(nothing, "no source length")) == (1, True)
    near = edl("001 A V C 01:00:00:00 01:00:01:01 00:00:00:00 00:00:01:00\n", rate=24)
    assert (len(near), told(near, "differ by one frame")) == (24, True)


def test_gaps_and_black_become_gap_shots(edl: Read) -> None:
    reel = edl(
        "001 A V C 01:00:00:00 01:00:01:00 00:00:00:00 00:00:01:00\n"
        "002 BL V C 00:00:00:00 00:00:01:00 00:00:01:00 00:00:02:00\n"
        "003 B V C 01:00:00:00 01:00:01:00 00:00:03:00 00:00:04:00\n",
        rate=24,
    )
    assert [(s.record.start, s.record.stop, s.source is None) for s in reel.shots] == [
        (0, 24, False),
        (24, 48, True),
        (48, 72, True),
        (72, 96, False),
    ]
    assert told(reel, "line 3: hole")


def test_sound_is_skipped_and_told(edl: Read) -> None:
    sound = "003 A001 A2 C 01:00:00:00 01:00:02:00 00:00:00:00 00:00:02:00\n"
    reel = edl(sound + PLAIN + sound.replace("A2", "NONE"), rate=24)
    assert spans(reel) == [("first", 0, 48), ("second", 48, 72)]
    assert (reel.start, told(reel, "lines 1 and 10: sound-only")) == (86_400, True)
    both = edl(PLAIN.replace(" V ", " B "), rate=24)
    assert len(both.shots) == 2
    with pytest.raises(TimelineError, match="only sound"):
        edl(sound)


def test_picture_and_sound_lines_of_one_event_share_its_comments(edl: Read) -> None:
    line = "001  A001     V     C        01:00:10:00 01:00:12:00 01:00:00:00 01:00:02:00\n"
    assert spans(edl(line + line.replace(" V ", " A ") + "* FROM CLIP NAME: x\n", rate=24)) == [("x", 0, 48)]


def test_upper_tracks_cover_lower_ones(edl: Read) -> None:
    reel = edl(PLAIN + "003 C V2 C 03:00:00:00 03:00:00:12 01:00:01:00 01:00:01:12\n* FROM CLIP NAME: top\n", rate=24)
    assert spans(reel) == [("first", 0, 24), ("top", 24, 36), ("first", 36, 48), ("second", 48, 72)]
    assert shown(reel)[36] == 86_640 + 36
    assert told(reel, "video track 2")


def test_events_out_of_order_are_sorted(edl: Read) -> None:
    lines = PLAIN.splitlines(keepends=True)
    reel = edl("".join(lines[:3] + lines[6:] + lines[3:6]), rate=24)
    assert spans(reel) == [("first", 0, 48), ("second", 48, 72)]
    assert told(reel, "not in record order")


def test_overlaps(edl: Read) -> None:
    reel = edl(PLAIN.replace("01:00:02:00 01:00:03:00", "01:00:01:23 01:00:02:23"), rate=24)
    assert spans(reel) == [("first", 0, 47), ("second", 47, 71)]
    assert told(reel, "line 7: starts one frame before")
    with pytest.raises(TimelineError, match=r"cut\.edl:7: event 002 .* 24 frames before event 001 \(line 4\)"):
        edl(PLAIN.replace("01:00:02:00 01:00:03:00", "01:00:01:00 01:00:02:00"), rate=24)


def test_over_midnight(edl: Read) -> None:
    reel = edl(
        "001 A V C 01:00:00:00 01:00:02:00 23:59:58:00 00:00:00:00\n"
        "002 B V C 01:00:00:00 01:00:02:00 00:00:00:00 00:00:02:00\n",
        rate=24,
    )
    assert [shot.record for shot in reel.shots] == [FrameRange(0, 48), FrameRange(48, 96)]
    assert reel.timecode(48) == "00:00:00:00"
    assert told(reel, "midnight")


def test_odd_lines_do_no_harm(edl: Read) -> None:
    text = PLAIN.replace(
        "\n002  ", "\n16mm gate hair\n* LOCKED CUT\n* FROM CLIP IS A STILL\n* ASC_SOP (1 1 1)(0 0 0)(1 1 1)\n002  "
    ).replace("A001     V", "REEL ONE A  V")
    reel = edl("* made by hand\n" + text, rate=24)
    assert spans(reel) == [("first", 0, 48), ("second", 48, 72)]
    assert reel.shots[0].source is not None
    assert reel.shots[0].source.reel == "REEL ONE A"
    assert reel.shots[0].comments == ("* LOCKED CUT", "* FROM CLIP IS A STILL", "* ASC_SOP (1 1 1)(0 0 0)(1 1 1)")
    assert told(reel, "line 8: not a line of an edit decision list")


def test_keys_show_their_background(edl: Read) -> None:
    reel = edl(
        "001 A V K B 01:00:00:00 01:00:01:00 00:00:00:00 00:00:01:00\n"
        "001 T V K 000 01:00:00:00 01:00:01:00 00:00:00:00 00:00:01:00\n",
        rate=24,
    )
    assert len(reel.shots) == 1
    assert told(reel, "background of the key")
    assert told(reel, "keyed over")


def test_full_reel_names_replace_short_ones(edl: Read) -> None:
    source = edl(PLAIN.replace("* FROM CLIP NAME:  first", "* REEL: A001_LONG_NAME"), rate=24).shots[0].source
    assert source is not None
    assert source.reel == "A001_LONG_NAME"


SETTINGS = PLAIN.replace(
    "\n002  ",
    "\n* COMMENT: VSFR heavy dust=0.8\n* LOC: 01:00:01:00 RED     VSFR grain=keep\n* LOC: 01:00:01:12 GREEN\n002  ",
).replace("* FROM CLIP NAME:  second", "* FROM CLIP NAME:  VSFR second\n*VSFR off")


def test_settings(edl: Read) -> None:
    first, second = edl(SETTINGS, rate=24).shots
    assert [(note.text, note.strength, note.line, note.timecode) for note in first.notes] == [
        ("grain=keep", Strength.TIMELINE_MARKER, 8, "01:00:01:00"),
        ("heavy dust=0.8", Strength.NOTE, 7, "01:00:00:00"),
    ]
    assert [note.text for note in second.notes] == ["off"]
    assert first.notes[1].origin.endswith("cut.edl:7 (note)")


def test_markers_without_the_word_are_kept_as_markers(edl: Read) -> None:
    reel = edl(SETTINGS, rate=24)
    assert [(m.colour, m.frames) for m in reel.markers] == [("RED", FrameRange(24, 25)), ("GREEN", FrameRange(36, 37))]


@pytest.mark.parametrize(
    ("bad", "place"),
    [
        ("* COMMENT: VSFR heavy light", r"cut\.edl:7, at 01:00:00:00: .*'light'"),
        ("* VSFR", r"cut\.edl:7, at 01:00:00:00: .*alone"),
        ("* LOC: 01:00:01:00 RED VSFR dust=", r"cut\.edl:7, at 01:00:01:00: .*'dust='"),
        ("* LOC: 01:00:01:77 RED VSFR dust=1", r"cut\.edl:7: .*does not exist"),
    ],
)
def test_settings_that_do_not_parse(edl: Read, bad: str, place: str) -> None:
    with pytest.raises(TimelineError, match=place):
        edl(PLAIN.replace("\n002  ", f"\n{bad}\n002  "), rate=24)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("  \n\n", "empty"),
        ("just words\n", "no event"),
        ("<?xml version='1.0'?><xmeml/>", r":1: .*not an edit decision list"),
        ("{}", "not an edit decision list"),
        (b"\x00\x01\x02binary" * 50, "binary"),
        (bytes(range(1, 256)) * 20, "binary"),
        (PLAIN.replace("01:00:02:00 01:00:03:00", "01:00:02:00"), r":7: this event cannot be read"),
        (PLAIN.replace("02:00:01:00 01:00:02:00 01:00:03:00", ""), r":7: this event cannot be read"),
        (PLAIN.replace("01:00:03:00", "01:00:01:00"), r":7: .*ends on the record side .* before it starts"),
        (PLAIN.replace("02:00:01:00", "02:00:03:05"), r":7: event 002 has 77 source frames for 24 .*M2"),
        (PLAIN.replace("01:00:03:00", "01:61:03:00"), r":7: .*does not exist at 24 fps"),
        (PLAIN + "M2 garbage\n", r":9: this M2 line"),
        (DISSOLVE.replace("002  AAA", "001  AAA"), r":5: event 002 .*event 001 on line 4"),
        ("001 A V D 010 " + "01:00:00:00 01:00:01:00 " * 2, r":1: .*does not tell what fades away"),
        ("001 A V C 01:00:00:00 01:00:00:00 00:00:00:00 00:00:00:00\n", "no event in this list has a frame"),
        (
            "001 A V C 00:00:00:05 00:00:00:06 00:00:00:00 00:00:01:00\nM2 A -024.0 00:00:00:05\n",
            ":1: .*past the start",
        ),
        (
            "001  001  V  C  01:00:00:00 01:00:00:01 01:00:00:00 01:00:00:01\n|C:ResolveColorBlue |M:x |D:1\n",
            "--markers",
        ),
    ],
)
def test_refused(edl: Read, text: str | bytes, message: str) -> None:
    with pytest.raises(TimelineError, match=message):
        edl(text, rate=24)


def test_a_wrong_rate_is_named_with_the_way_out(edl: Read) -> None:
    with pytest.raises(TimelineError, match=r"cut\.edl:1: .*'00:00:00:24' does not exist at 24 fps.*--rate"):
        edl("001 A V C 01:00:00:00 01:00:00:24 00:00:00:00 00:00:00:24\n", rate=24)


@pytest.mark.parametrize("rate", [0, -24, "abc", "24/0", 1e9, float("nan")])
def test_what_is_no_rate(edl: Read, rate: float | str) -> None:
    with pytest.raises(UsageError, match="not a frame rate"):
        edl(PLAIN, rate=rate)


def test_silent_film_rates(edl: Read) -> None:
    reel = edl("001 A V C 00:00:00:00 00:00:02:00 01:00:00:00 01:00:02:00\n", rate=18)
    assert (len(reel), reel.timecode(17), reel.timecode(18)) == (36, "01:00:00:17", "01:00:01:00")


def test_paths(tmp_path: Path) -> None:
    with pytest.raises(TimelineError, match="no such file"):
        timeline.read(tmp_path / "none.edl")
    with pytest.raises(TimelineError, match="folder"):
        timeline.read(tmp_path)
    (tmp_path / "x.edl").mkdir()
    with pytest.raises(TimelineError, match="folder"):
        timeline.read(tmp_path / "x.edl")
    (tmp_path / "x.mov").write_bytes(b"x")
    with pytest.raises(TimelineError, match=r"'\.mov' is not a cut list we read \(.*\.edl, .*\.otio"):
        timeline.read(tmp_path / "x.mov")
    with pytest.raises(TimelineError, match="cannot be read"):
        timeline.read(str(tmp_path / ("n" * 300)) + ".edl")


def big(events: int) -> str:
    lines = ["TITLE: big", "FCM: NON-DROP FRAME"]
    for i in range(events):
        a, b = format_timecode(i * 30, R24), format_timecode(i * 30 + 30, R24)
        lines += [f"{i:06d}  TAPE_{i % 7} V C {a} {b} {a} {b}", f"* FROM CLIP NAME: c{i}", "* COMMENT: VSFR dust=0.5"]
    return "\n".join(lines)


def test_3000_events_in_a_second(edl: Read) -> None:
    start = time.process_time()
    reel = edl(big(3000), rate=24)
    took = time.process_time() - start
    assert len(reel.shots) == 3000
    assert took < 1.0
