"""Edit decision lists as other systems write them: switchers' wipes, mixed frame codes, media of other rates."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline import FrameRange, Reel, Shot
from vsfilmrestore.timeline.edl.writer import edl_text

type Read = Callable[..., Reel]

R24, R25, R30 = Fraction(24), Fraction(25), Fraction(30_000, 1001)


def told(reel: Reel, words: str) -> bool:
    return any(words in remark for remark in reel.remarks)


def shown(shot: Shot, rate: Fraction, start: int = 0) -> list[int]:
    return [shot.source_frame(i, rate) - start for i in range(shot.record.start, shot.record.stop)]


def cut(
    number: int = 1,
    reel: str = "A001",
    kind: str = "C       ",
    source: str = "01:00:00:00 01:00:01:00",
    record: str = "00:00:00:00 00:00:01:00",
    channel: str = "V    ",
) -> str:
    return f"{number:03d}  {reel:8} {channel} {kind} {source} {record}\n"


@pytest.mark.parametrize("channel", ["V", "B", "V1", "AA/V", "A/V", "A2/V", "AV", "VA1A2", "12V", "A1A2V", "V/AA"])
def test_channels_with_picture(edl: Read, channel: str) -> None:
    assert len(edl(cut(channel=channel), rate=24)) == 24


@pytest.mark.parametrize("channel", ["A", "AA", "A2", "NONE", "1", "12", "A1A2A3A4"])
def test_channels_without(edl: Read, channel: str) -> None:
    reel = edl(cut() + cut(2, channel=channel, record="00:00:01:00 00:00:02:00") + "AUD  3    4\n", rate=24)
    assert len(reel) == 24
    assert told(reel, "line 2: sound-only")


@pytest.mark.parametrize(
    "kind", ["W001 025", "W001    025", "W001 025 E", "W001 025 E 012", "W1   025 B+ 12 =3", "W001E 025", "W 001 025"]
)
def test_wipes_with_edges(edl: Read, kind: str) -> None:
    text = (
        cut()
        + cut(2, source="01:00:01:00 01:00:01:00", record="00:00:01:00 00:00:01:00")
        + cut(2, "B001", kind, "02:00:00:00 02:00:02:00", "00:00:01:00 00:00:03:00")
    )
    fade = edl(text, rate=24).shots[1].transition
    assert fade is not None
    assert (fade.kind, fade.length, fade.outgoing.name) == ("wipe 001", 25, "A001")


def test_keys_that_fade(edl: Read) -> None:
    reel = edl(cut() + cut(2, "TITLE", "K O   000 (F)"), rate=24)
    assert [shot.name for shot in reel.shots] == ["A001"]
    assert told(reel, "line 2: what is keyed")


def test_a_shot_that_runs_on_under_the_transition(edl: Read) -> None:
    text = cut() + cut(2, "B001", "D    012", "02:00:00:00 02:00:01:00", "00:00:00:12 00:00:01:12")
    reel = edl(text, rate=24)
    first, second = reel.shots
    assert (first.record, second.record) == (FrameRange(0, 12), FrameRange(12, 36))
    assert second.transition is not None
    assert shown(second.transition.outgoing, R24, 86_400) == list(range(12, 24))
    assert told(reel, "line 2: the shot before runs on under the transition")
    with pytest.raises(TimelineError, match=r":2: event 002 is a transition that does not tell"):
        edl(text.replace("D    012", "D    006"), rate=24)


@pytest.mark.parametrize("star", ["", "* ", "*"])
def test_long_reel_names_of_final_cut(edl: Read, star: str) -> None:
    text = cut(reel="Card01Ky") + f"{star}FINAL CUT PRO REEL: Card 01/Kyle REPLACED BY: Card01Ky\n"
    text += cut(2, "Card01Ky", record="00:00:01:00 00:00:02:00") + cut(3, "B", record="00:00:02:00 00:00:03:00")
    assert [s.source and s.source.reel for s in edl(text, rate=24).shots] == ["Card 01/Kyle", "Card 01/Kyle", "B"]


def test_full_reel_names_of_both_sides(edl: Read) -> None:
    sides = cut(reel="A001C003", source="01:00:01:00 01:00:01:00", record="00:00:00:00 00:00:00:00") + cut(
        1, "B001C001", "D    012", "02:00:00:00 02:00:01:00"
    )
    for lines in ("* REEL: A001C003_LONG\n* REEL: B001C001_LONG\n", "* REEL: B001C001_LONG\n* REEL: A001C003_LONG\n"):
        (shot,) = edl(sides + lines, rate=24).shots
        assert shot.source is not None
        assert shot.transition is not None
        assert shot.transition.outgoing.source is not None
        assert (shot.transition.outgoing.source.reel, shot.source.reel) == ("A001C003_LONG", "B001C001_LONG")
    (shot,) = edl(sides + "* REEL: OTHER\n", rate=24).shots
    assert shot.source is not None
    assert shot.transition is not None
    assert shot.transition.outgoing.source is not None
    assert (shot.transition.outgoing.source.reel, shot.source.reel) == ("A001C003", "OTHER")


def test_names_of_files(edl: Read) -> None:
    for line in ("DLEDL: EDIT:1 FILENAME: a.mov", "* FROM FILE: a.mov", "* SOURCE FILE: a.mov", "SOURCE FILE: a.mov"):
        (shot,) = edl(cut() + line + "\n* SOURCE FILE: (NULL)\n", rate=24).shots
        assert shot.source is not None
        assert shot.source.url == "a.mov"


def test_reels_without_a_name_or_with_spaces(edl: Read) -> None:
    (shot,) = edl(cut(reel="") + "* FROM CLIP NAME: x\n", rate=24).shots
    assert shot.source is not None
    assert (shot.source.reel, shot.name) == ("", "x")
    for reel in ("REEL 12 V2", "A 001 B C", "12", "A2", "001_A_very_long.reel-name_of_more_than_thirty_two_characters"):
        (shot,) = edl(cut(reel=reel), rate=24).shots
        assert shot.source is not None
        assert shot.source.reel == reel


def test_what_stands_between_events(edl: Read) -> None:
    odd = (
        "M1 some\nSPLIT:    AUDIO DELAY=  00:00:00:12\nSPLIT AUDIO DELAY= 12\nGPI 01\nREM x\n> foot\n>>> SOURCE A b\n"
        "AUD 3 4\n; note\n$ x\n-----\nSOURCE TABLE\nBLEND 12\nEFFECTS NAME IS CROSS DISSOLVE\n* OPTICAL: 12\n"
        "* KEY CLIP NAME: t\n* EFFECT NAME: BLUR\nASC_SAT 0.9\n*ASC_SOP(1 1 1)(0 0 0)(1 1 1)\n"
    )
    reel = edl(cut() + odd + cut(2, record="00:00:01:00 00:00:02:00"), rate=24)
    assert len(reel) == 48
    assert reel.remarks == ()
    assert reel.shots[0].comments == (
        "EFFECTS NAME IS CROSS DISSOLVE",
        "* OPTICAL: 12",
        "* KEY CLIP NAME: t",
        "* EFFECT NAME: BLUR",
        "ASC_SAT 0.9",
        "*ASC_SOP(1 1 1)(0 0 0)(1 1 1)",
    )


# --- frame code modes


def test_the_mode_changes_in_mid_list_for_sources(edl: Read) -> None:
    text = "FCM: DROP FRAME\n" + cut(source="00:10:00:00 00:10:01:00") + "FCM: NON-DROP FRAME\n"
    text += cut(2, "B", source="00:10:00:00 00:10:01:00", record="00:00:01:00 00:00:02:00")
    reel = edl(text)
    assert (reel.rate, reel.drop) == (R30, True)
    assert [s.source and (s.source.start, s.source.drop) for s in reel.shots] == [(17_982, True), (18_000, False)]
    assert len(reel) == 60


def test_a_source_that_cannot_be_drop_frame(edl: Read) -> None:
    reel = edl("FCM: DROP FRAME\n" + cut(source="00:01:00:00 00:01:01:00"))
    assert reel.shots[0].source is not None
    assert (reel.shots[0].source.start, reel.shots[0].source.drop) == (1800, False)
    assert told(reel, "line 2: source timecode that drop frame leaves out")
    marked = edl("FCM: DROP FRAME\n" + cut(source="00:10:00:00 00:10:01:00", record="00:00:00;00 00:00:01;00"))
    assert marked.shots[0].source is not None
    assert marked.shots[0].source.start == 18_000
    assert told(marked, "without the ';' of the record")


def test_a_record_number_that_drop_frame_leaves_out(edl: Read) -> None:
    with pytest.raises(TimelineError, match=r":2: timecode '00:01:00:00' is left out by drop-frame"):
        edl("FCM: DROP FRAME\n" + cut(record="00:01:00:00 00:01:01:00"))


def test_sources_over_midnight(edl: Read) -> None:
    reel = edl(cut(source="23:59:59:12 00:00:00:12"), rate=24)
    assert shown(reel.shots[0], R24) == list(range(24 * 86_400 - 12, 24 * 86_400 + 12))
    assert told(reel, "source timecode runs over midnight")
    drop = edl("FCM: DROP FRAME\n" + cut(source="23:59:59:00 00:00:00:00"), rate=29.97)
    assert len(shown(drop.shots[0], R30)) == 30
    assert drop.remarks[0].endswith("source timecode runs over midnight")


# --- rates


@pytest.mark.parametrize(
    ("source", "record", "n", "expected"),
    [
        ("00:00:00:00 00:00:01:59", "00:00:00:00 00:00:02:00", Fraction(60), [0, 2, 5, 7, 10]),
        ("00:00:00:00 00:00:01:24", "00:00:00:00 00:00:01:23", Fraction(25), [0, 1, 2, 3, 4]),
        ("00:00:00:00 00:00:01:29", "00:00:00:00 00:00:02:00", Fraction(30), [0, 1, 2, 3, 5]),
        ("00:00:00:00 00:00:01:49", "00:00:00:00 00:00:02:00", Fraction(50), [0, 2, 4, 6, 8]),
    ],
)
def test_media_of_another_rate(edl: Read, source: str, record: str, n: Fraction, expected: list[int]) -> None:
    reel = edl(cut(source=source, record=record), rate=24)
    (shot,) = reel.shots
    assert shot.source is not None
    assert (shot.source.rate, shot.speed) == (n, 1)
    assert shown(shot, R24)[:5] == expected
    assert told(reel, f"line 1: source timecode counts at {n} fps")


def test_all_edits_of_a_reel_count_alike(edl: Read) -> None:
    text = cut(source="00:00:00:00 00:00:01:24", record="00:00:00:00 00:00:01:23")
    text += cut(2, source="00:10:00:00 00:10:24:00", record="00:00:01:23 00:00:25:23")
    reel = edl(text, rate=24)
    assert reel.shots[1].source is not None
    assert reel.shots[1].source.start == 15_000
    assert shown(reel.shots[1], R24, 15_000)[-1] == 598


def test_beside_ntsc_other_rates_are_ntsc_too(edl: Read) -> None:
    (shot,) = edl(cut(source="00:00:00:00 00:00:01:29", record="00:00:00:00 00:00:02:00"), rate=23.976).shots
    assert shot.source is not None
    assert shot.source.rate == R30


def test_a_guess_sees_media_of_another_rate(edl: Read) -> None:
    text = cut(source="00:00:00:00 00:00:01:30", record="00:00:00:00 00:00:01:12")
    text += cut(2, "B", "C", "00:00:00:00 00:00:01:11", "00:00:01:12 00:00:02:23")
    reel = edl(text)
    assert (reel.rate, reel.rate_known, [len(shot.record) for shot in reel.shots]) == (24, False, [36, 35])
    assert told(reel, "highest frame number is 23")
    whole = [f"00:00:{i:02d}:{i:02d}" for i in range(13)]
    lines = (cut(i + 1, f"R{i}", record=f"{whole[i]} {whole[i + 1]}", source="0:0:0:0 0:0:1:1") for i in range(12))
    assert edl("".join(lines) + cut(20, "X", "C", "0:0:0:49 0:0:1:49", "00:00:12:12 00:00:13:12")).rate == 24


@pytest.mark.parametrize("rate", [16, 18, 20, 12])
def test_silent_rates(edl: Read, rate: int) -> None:
    out = f"00:00:00:{rate - 1:02d}"
    reel = edl(cut(source=f"00:00:00:00 {out}", record=f"00:00:00:00 {out}"), rate=rate)
    assert (len(reel), reel.rate) == (rate - 1, rate)


@pytest.mark.parametrize("rate", [60, "59.94", 120])
def test_high_rates(edl: Read, rate: float | str) -> None:
    reel = edl(cut(source="00:00:00:00 00:00:01:59", record="00:00:00:00 00:00:01:59"), rate=rate)
    assert len(reel) == (119 if rate != 120 else 179)


# --- speed


def test_m2_of_both_sides_of_one_reel(edl: Read) -> None:
    text = (
        cut(source="01:00:01:00 01:00:01:00", record="00:00:00:00 00:00:00:00")
        + cut(kind="D    012", source="01:00:01:00 01:00:03:00")
        + "M2   A001       000.0                01:00:01:00\nM2   A001       048.0                01:00:01:00\n"
    )
    (shot,) = edl(text, rate=24).shots
    assert shot.transition is not None
    assert (shot.transition.outgoing.speed, shot.speed) == (0, 2)


@pytest.mark.parametrize(
    ("outgoing", "incoming"), [("000.0", "024.0"), ("-024.0", "000.0"), ("012.0", "-048.0"), ("024.0", "000.0")]
)
def test_freeze_and_reverse_on_either_side(edl: Read, outgoing: str, incoming: str) -> None:
    text = (
        cut(reel="A", source="01:00:10:00 01:00:10:00", record="00:00:00:00 00:00:00:00")
        + cut(1, "B", "D    012", "02:00:00:00 02:00:01:00")
        + f"M2 A {outgoing} 01:00:10:00\nM2 B {incoming} 02:00:00:00\n"
    )
    (shot,) = edl(text, rate=24).shots
    assert shot.transition is not None
    assert (shot.transition.outgoing.speed, shot.speed) == (Fraction(outgoing) / 24, Fraction(incoming) / 24)
    first = shot.transition.outgoing.source_frame(0, R24)
    # An edit of no length stands on the first frame that fades away, backwards as well.
    assert first == 86_400 + 240


@pytest.mark.parametrize(
    "line", ["M2 A001 048.0", "M2 A001 048,0 01:00:00:00", "M2 A001 048.0 01:00:00:00 01:00:02:00"]
)
def test_m2_lines_cut_short(edl: Read, line: str) -> None:
    (shot,) = edl(cut(source="01:00:00:00 01:00:02:00") + line + "\n", rate=24).shots
    assert shot.speed == 2


def test_m2_beside_media_of_another_rate(edl: Read) -> None:
    text = cut(source="00:00:00:00 00:00:00:50") + "M2 A001 050.0 00:00:00:00\n"
    (shot,) = edl(text.replace("00:00:00:50", "00:00:00:49"), rate=25).shots
    assert (shot.speed, shown(shot, R25)[:3]) == (1, [0, 2, 4])


def test_backwards_without_m2(edl: Read) -> None:
    reel = edl(cut(source="01:00:01:00 01:00:00:00"), rate=24)
    assert shown(reel.shots[0], R24, 86_400) == list(range(24, 0, -1))
    assert told(reel, "line 1: source out before source in")


@pytest.mark.parametrize("words", ["* TIMEWARP EFFECT", "* EFFECT NAME: TIME REMAP", "* SPEED RAMP 50-100"])
def test_what_a_list_cannot_tell_is_told(edl: Read, words: str) -> None:
    assert told(edl(cut() + words + "\n", rate=24), "line 1: a comment speaks of speed that changes")


def test_every_shot_knows_its_line(edl: Read) -> None:
    text = "TITLE: x\n\n" + cut() + cut(2, source="01:00:01:00 01:00:01:00", record="00:00:01:00 00:00:01:00")
    text += cut(2, "B001", "D    012", "02:00:00:00 02:00:02:00", "00:00:01:00 00:00:03:00") + cut(
        3, "BL", record="00:00:03:00 00:00:04:00"
    )
    reel = edl(text, rate=24)
    assert [shot.line for shot in reel.shots] == [3, 5, 6]
    assert reel.shots[1].transition is not None
    assert reel.shots[1].transition.outgoing.line == 3


# --- backwards, as Avid and Final Cut write it and as others do


def backwards(house: str, out: str = "01:00:01:00", number: str = "-024.0", start: str = "01:00:00:00") -> str:
    return f"{house}{cut(source=f'{start} {out}')}M2   A001       {number}                {start}\n"


@pytest.mark.parametrize(
    "house",
    [
        "TITLE:   REEL \n",
        ">>> SOURCE A001 A001 4919975f.793b8d33\n",
        "* BLEND, DISSOLVE\n",
        "* COMMENT: \n",
        "FINAL CUT PRO REEL: A001 REPLACED BY: A001\n",
    ],
)
def test_avid_and_final_cut_go_down_from_the_in_point(edl: Read, house: str) -> None:
    reel = edl(backwards(house), rate=24)
    assert shown(reel.shots[0], R24, 86_400) == list(range(0, -24, -1))
    assert told(reel, "played backwards from the source in point")


def test_others_play_their_frames_from_the_last(edl: Read) -> None:
    reel = edl(backwards("TITLE: x\n"), rate=24)
    assert shown(reel.shots[0], R24, 86_400) == list(range(23, -1, -1))
    assert told(reel, "line 2: played backwards from the source out point")


def test_where_there_is_nothing_below_the_in_point(edl: Read) -> None:
    reel = edl(backwards("* COMMENT: \n", "00:00:01:00", start="00:00:00:00"), rate=24)
    assert shown(reel.shots[0], R24) == list(range(23, -1, -1))


def test_one_edit_tells_how_the_others_are_meant(edl: Read) -> None:
    text = backwards("", "01:00:00:01") + backwards("").replace("00:00:00:00 00:00:01:00", "00:00:01:00 00:00:02:00")
    text = text.replace("001  A001", "002  A001").replace("002  A001", "001  A001", 1)
    reel = edl(text, rate=24)
    assert [shown(one, R24, 86_400)[0] for one in reel.shots] == [0, 0]


def test_backwards_into_a_dissolve_as_avid_writes_it(edl: Read) -> None:
    """The frames that fade away are those below the last one shown."""
    text = (
        cut(1, "106857", source="09:13:03:09 09:13:05:11", record="10:00:32:03 10:00:34:05")
        + "M2   106857        -025.0                09:13:03:09 \n"
        + cut(2, "106857", source="09:13:01:07 09:13:01:07", record="10:00:34:05 10:00:34:05")
        + cut(2, "106771", "D    022", "03:11:55:00 03:11:56:17", "10:00:34:05 10:00:35:22")
        + "M2   106857        -025.0                09:13:01:07 \n* BLEND, DISSOLVE \n"
    )
    reel = edl(text)
    assert reel.rate == 25
    assert told(reel, "M2 lines speak of 25")
    first, second = reel.shots
    assert second.transition is not None
    seen = shown(first, R25) + shown(second.transition.outgoing, R25)
    assert seen == list(range(seen[0], seen[0] - 74, -1))
    again = edl(edl_text(reel)[0], rate=25)
    assert second.transition.outgoing.source_frames(R25) == FrameRange(seen[-1], seen[51])
    fade = again.shots[1].transition
    assert fade is not None
    assert shown(again.shots[0], R25) + shown(fade.outgoing, R25) == seen


@pytest.mark.parametrize("comment", ["* COMMENT:", "* BLEND, DISSOLVE", "* x"])
@pytest.mark.parametrize(("speed", "n"), [("-024.0", 24), ("-048.0", 24), ("-012.0", 1), ("-006.0", 3), ("-047.6", 24)])
def test_written_backwards_and_read_again(edl: Read, comment: str, speed: str, n: int) -> None:
    stop = f"00:00:{n // 24:02d}:{n % 24:02d}"
    text = cut(source="01:00:00:00 01:00:03:00", record=f"00:00:00:00 {stop}") + f"M2 A001 {speed} 01:00:00:00\n"
    reel = edl(text + comment + "\n", rate=24)
    again = edl(edl_text(reel)[0], rate=24)
    assert shown(again.shots[0], R24) == shown(reel.shots[0], R24)
