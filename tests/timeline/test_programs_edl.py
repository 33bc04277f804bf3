"""Whole edit lists as editing programs write them; every expected frame was counted by hand from the format's rules."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from vsfilmrestore.timeline import Reel

type Read = Callable[..., Reel]

NTSC_24, NTSC_30 = Fraction(24_000, 1001), Fraction(30_000, 1001)


def frames(reel: Reel, *, fading: bool = False) -> list[tuple[str, int]]:
    """Medium and source frame of every record frame; of what fades out instead, where something does."""
    rows = []
    for shot in reel.shots:
        shown = shot.transition.outgoing if fading and shot.transition else None if fading else shot
        for k in range(len(shown.record) if shown else 0):
            source = shown.source if shown else None
            rows.append((source.label, shown.source_at(k, reel.rate)) if shown and source else ("", 0))
    return rows


def told(reel: Reel, words: str) -> bool:
    return any(words in remark for remark in reel.remarks)


def test_avid_feature(edl: Read) -> None:
    reel = edl(
        """TITLE:   R1_LOCK_v12
FCM: NON-DROP FRAME
000001  A001C003_230511_R2AB             V     C        01:10:05:12 01:10:06:12 01:00:00:00 01:00:01:00
* FROM CLIP NAME:  12A-3
* SOURCE FILE: A001C003_230511_R2AB
000002  A001C003_230511_R2AB             V     C        01:10:06:12 01:10:06:12 01:00:01:00 01:00:01:00
000002  B002C011_230512_R1CD             V     D    012 14:22:10:00 14:22:12:00 01:00:01:00 01:00:03:00
* FROM CLIP NAME:  12A-3
* TO CLIP NAME:  14-2
* LOC: 01:00:01:20 MAGENTA VSFR dust=0.8
000003  BL                               V     C        00:00:00:00 00:00:01:00 01:00:03:00 01:00:04:00
""",
        rate=24,
    )
    a, b = "A001C003_230511_R2AB", "B002C011_230512_R1CD"
    first, second = 24 * (70 * 60 + 5) + 12, 24 * (14 * 3600 + 22 * 60 + 10)
    expected = [(a, first + k) for k in range(24)] + [(b, second + k) for k in range(48)] + [("", 0)] * 24
    assert frames(reel) == expected
    assert frames(reel, fading=True) == [(a, first + 24 + k) for k in range(12)]
    assert [note.text for note in reel.shots[1].notes] == ["dust=0.8"]
    assert reel.remarks == ()


def test_media_of_another_rate_told_by_their_speed(edl: Read) -> None:
    """Avid in a programme of 29.97 fps: media of 23.976 count their own frames and have the speed 24.0."""
    text = """FCM: NON-DROP FRAME
001  ACC112   V     C        01:50:58:03 01:51:00:27 01:00:38:14 01:00:41:08
* FROM CLIP NAME:  ACC112.NEW.01
002  KIRA_PAS V     C        01:01:25:14 01:01:32:07 01:00:41:08 01:00:47:28
M2   KIRA_PAS       024.0                01:01:25:14
003  KIRA_PAS V     C        01:02:00:00 01:02:02:00 01:00:47:28 01:00:49:28
M2   KIRA_PAS       024.0                01:02:00:00
"""
    reel = edl(text, rate=29.97)
    shot = reel.shots[1]
    assert shot.source is not None
    assert (shot.source.rate, shot.speed) == (NTSC_24, 1)
    start = 24 * (3600 + 85) + 14
    assert [at for _, at in frames(reel)[84:284]] == [start + k * 4 // 5 for k in range(200)]
    # Alike on both sides, the third event says nothing; its reel does.
    assert reel.shots[2].source is not None
    assert (reel.shots[2].source.start, reel.shots[2].source.rate) == (24 * 3720, NTSC_24)
    assert told(reel, "lines 4 and 6: source timecode counts at 23.976 fps")


def test_a_speed_that_is_only_a_speed(edl: Read) -> None:
    """The same lines on media that count as the record does, once with source lengths and once as Resolve has them."""
    text = """FCM: NON-DROP FRAME
001  A001  V  C  01:00:00:00 01:00:05:10 01:00:00:00 01:00:06:20
M2   A001  024.0  01:00:00:00
002  B001  V  C  01:00:00:00 01:00:01:00 01:00:06:20 01:00:07:20
M2   B001  024.0  01:00:00:00
"""
    reel = edl(text, rate=30)
    assert [shot.speed for shot in reel.shots] == [Fraction(4, 5)] * 2
    assert frames(reel) == [("A001", 108_000 + k * 4 // 5) for k in range(200)] + [
        ("B001", 108_000 + k * 4 // 5) for k in range(30)
    ]


@pytest.mark.parametrize(
    ("fps", "out", "rate", "step"),
    [
        ("047.952", "00:00:50:00", "23.976", 2),
        ("047.95", "00:00:50:00", "23.976", 2),
        ("059.9", "00:00:50:00", "29.97", 2),
        ("059.94", "00:00:30:00", "29.97", 2),  # as long as the record side, as Resolve has it
        ("023.976", "00:00:30:00", "23.976", 1),
        ("011.988", "00:00:20:00", "23.976", Fraction(1, 2)),
        ("048.0", "00:00:50:00", "23.976", 2),
        ("059.6", "00:00:49:26", "29.97", Fraction(596, 300)),  # a speed of no whole per cent
        ("047.952", "00:00:50:00", "24", Fraction(47_952, 24_000)),
    ],
)
def test_speeds_in_frames_of_true_seconds(edl: Read, fps: str, out: str, rate: str, step: Fraction) -> None:
    text = f"001  AX  V  C  00:00:10:00 {out} 00:00:00:00 00:00:20:00\nM2   AX  {fps}  00:00:10:00\n"
    reel = edl("FCM: NON-DROP FRAME\n" + text, rate=rate)
    (shot,) = reel.shots
    assert shot.speed == step
    assert told(reel, "line 3: its M2 speed is") == (Fraction(fps) / round(Fraction(rate)) != step)


def test_backwards_in_frames_of_true_seconds(edl: Read) -> None:
    text = "001  AX  V  C  00:00:10:00 00:00:30:00 00:00:00:00 00:00:20:00\nM2   AX  -023.976  00:00:10:00\n"
    assert edl(text, rate=23.976).shots[0].speed == -1


def test_drop_frame_of_sixty(edl: Read) -> None:
    line = "001  CAM1  V  C  00:00:59;58 00:01:00;06 01:00:59;58 01:01:00;06\n"
    for reel in (edl(line, rate=59.94), edl("FCM: DROP FRAME\n" + line.replace(";", ":"), rate=59.94), edl(line)):
        assert (frames(reel), reel.drop) == ([("CAM1", 3598 + k) for k in range(4)], True)
        assert reel.rate == Fraction(60_000, 1001)


def test_television_over_a_minute(edl: Read) -> None:
    """Two numbers are left out at 01:01:00, none at 01:10:00."""
    text = """FCM: DROP FRAME
001  T1  V  C  01:00:59:28 01:01:00:04 00:58:59:28 00:59:00:04
002  T1  V  C  01:09:59:28 01:10:00:02 00:59:00:04 00:59:00:08
"""
    reel = edl(text, rate=29.97)
    first = 30 * 3659 + 28 - 2 * 54
    second = 30 * 4199 + 28 - 2 * (69 - 6)
    assert [at for _, at in frames(reel)] == [first + k for k in range(4)] + [second + k for k in range(4)]


def test_flame(edl: Read) -> None:
    reel = edl(
        """TITLE: TIMELINE
FCM: NON-DROP FRAME

TITLE: ASSEMBLY RESOLUTION: 720:486:24:3:0.899998:1049776:BE:F1:29.969999
FCM: NON-DROP FRAME

001  TAPE1   V     C        00:00:00:00 00:00:00:10 00:00:00:10 00:00:00:20
FROM CLIP NAME: SOURCE_1
DLEDL: START TC: 00:00:00:00

003  TAPE2   V     C        00:00:00:13 00:00:00:13 00:00:00:20 00:00:00:20
003  TAPE2   V     D    005 00:00:00:03 00:00:00:20 00:00:00:20 00:00:01:07
FROM CLIP NAME: SOURCE_2
TO CLIP NAME: SOURCE_3
DLEDL: START TC: 00:00:00:00
""",
        rate=29.97,
    )
    assert frames(reel) == [("TAPE1", k) for k in range(10)] + [("TAPE2", 3 + k) for k in range(17)]
    assert frames(reel, fading=True) == [("TAPE2", 13 + k) for k in range(5)]
    assert [shot.name for shot in reel.shots] == ["SOURCE_1", "SOURCE_3"]
    assert reel.name == "TIMELINE"


def test_texts_of_old_and_new_systems(edl: Read) -> None:
    text = "001  A  V  C  01:00:00:00 01:00:01:00 01:00:00:00 01:00:01:00\r\n* FROM CLIP NAME: na\xefve \xe9t\xe9\r\n"
    mac = text.replace("\r\n", "\r")
    written = [
        *(text.encode(code) for code in ("utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le", "utf-16-be")),
        *(mac.encode(code) for code in ("utf-8", "mac-roman", "utf-16")),
    ]
    for data in written:
        assert [shot.name for shot in edl(data, rate=24).shots] == ["na\xefve \xe9t\xe9"]
    assert told(edl(mac.encode("mac-roman"), rate=24), "Mac Roman")
    assert told(edl(text.encode("latin-1"), rate=24), "Windows Latin")


def test_no_settings_are_passed_over_in_silence(edl: Read) -> None:
    text = """TITLE: X
* VSFR remaster
001  A        V     C        01:00:00:00 01:00:01:00 01:00:00:00 01:00:01:00
* FROM CLIP NAME: VSFR plate
* SOURCE FILE: VSFR off.mov
VSFR stab=off
** VSFR grain=keep
* COMMENTS: vsfr scratch=off
* MARKER VSFR off
* LOC: 01:00:00:10 YELLOW  VSFR flicker=off
"""
    reel = edl(text, rate=24)
    texts = [note.text for note in reel.shots[0].notes]
    assert sorted(texts) == ["flicker=off", "grain=keep", "scratch=off", "stab=off"]
    assert reel.remarks == (
        "line 2: settings above the first event belong to no shot; ignored",
        "line 9: settings within a comment are not read; write '* COMMENT: VSFR …'",
    )
    assert reel.shots[0].name == "VSFR plate"
