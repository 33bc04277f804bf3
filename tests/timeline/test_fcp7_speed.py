"""Speeds in Final Cut Pro 7 XML: which frame of the media every record frame shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from vsfilmrestore import timeline
from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline import Reel

type Read = Callable[..., Reel]
type Key = tuple[float | str, float | str, str]


def parameter(name: str, value: object, more: str = "") -> str:
    return f"<parameter><parameterid>{name}</parameterid><name>{name}</name><value>{value}</value>{more}</parameter>"


def graph(keys: Iterable[Key], *, most: object = "", kind: str = "FCPCurve", more: str = "") -> str:
    """A speed graph; the third of each key is its role, a ``*`` in it makes it virtual."""
    nodes = "".join(
        f"<keyframe><when>{when}</when><value>{value}</value>"
        + (f"<{role.strip('*')}>TRUE</{role.strip('*')}>" if role.strip("*") else "")
        + ("<speedvirtualkf>TRUE</speedvirtualkf>" if "*" in role else "")
        + f"{more}</keyframe>"
        for when, value, role in keys
    )
    top = f"<valuemin>0</valuemin><valuemax>{most}</valuemax>" if most else ""
    return parameter("graphdict", 0, f"{top}{nodes}<interpolation><name>{kind}</name></interpolation>")


def remap(*parameters: str) -> str:
    return (
        f"<filter><effect><name>Time Remap</name><effectid>timeremap</effectid>{''.join(parameters)}</effect></filter>"
    )


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads a cut of one clip at 24 fps; its file has no timecode."""

    def reader(
        effect: str,
        *,
        start: int = 0,
        end: int = 10,
        first: Any = 0,
        out: Any = None,
        length: int = 100,
        more: str = "",
    ) -> Reel:
        rate = "<rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>"
        last = first + end - start if out is None else out
        told = f"<duration>{length}</duration>" if length else ""
        file = f'<file id="A"><name>A.mov</name><pathurl>A.mov</pathurl>{rate}{told}</file>'
        body = (
            f"<clipitem><name>A</name><start>{start}</start><end>{end}</end><in>{first}</in><out>{last}</out>"
            f"{file}{effect}{more}</clipitem>"
        )
        path = tmp_path / "cut.xml"
        media = f"<media><video><track>{body}</track></video></media>"
        path.write_text(f"<xmeml><sequence><name>s</name>{rate}{media}</sequence></xmeml>")
        return timeline.read(path)

    return reader


def frames(reel: Reel) -> list[int]:
    shot = reel.shots[-1]
    return [shot.source_frame(k, reel.rate) for k in range(shot.record.start, shot.record.stop)]


def test_normal_speed_written_out(read: Read) -> None:
    reel = read(remap(parameter("speed", 100)), first=7)
    assert frames(reel) == list(range(7, 17))
    assert reel.shots[0].speed == 1


@pytest.mark.parametrize(
    ("speed", "first", "shown"),
    [
        ("50", 20, [10, 10, 11, 11, 12, 12, 13, 13, 14, 14]),
        ("50", 21, [10, 11, 11, 12, 12, 13, 13, 14, 14, 15]),
        ("200", 5, [10, 12, 14, 16, 18, 20, 22, 24, 26, 28]),
        ("33.3333", 30, [10, 10, 10, 11, 11, 11, 12, 12, 12, 13]),
        ("0.25", 800, [2] * 10),
        ("125", 8, [10, 11, 12, 13, 15, 16, 17, 18, 20, 21]),
    ],
)
def test_in_counts_frames_of_the_retimed_clip(read: Read, speed: str, first: int, shown: list[int]) -> None:
    assert frames(read(remap(parameter("speed", speed)), first=first)) == shown


def test_a_third_stays_a_third_far_into_the_media(read: Read) -> None:
    reel = read(remap(parameter("speed", "33.3333")), first=259200, length=90000)
    assert frames(reel)[:4] == [86400, 86400, 86400, 86401]
    assert reel.shots[0].speed == Fraction(1, 3)


def test_slow_clip_of_a_real_export(read: Read) -> None:
    """A clip 100 times slower as Resolve's kind of file tells it, numbers rounded to six digits."""
    keys: list[Key] = [
        (0, 0, "speedkfstart*"),
        (755411, "7532.37", "speedkfin*"),
        (755631, "7534.56", "speedkfout*"),
        ("1.2508e+07", 124719, "speedkfend*"),
    ]
    effect = remap(parameter("speed", "0.997122"), parameter("variablespeed", 0), graph(keys, most=124717))
    shown = frames(read(effect, end=220, first=755411, length=124718))
    assert (shown[0], shown[-1]) == (7532, 7534)
    assert [shown.count(n) for n in (7532, 7533, 7534)] == [64, 100, 56]


def test_line_of_final_cut_pro_begins_at_its_anchor(read: Read) -> None:
    """Final Cut Pro draws 50 per cent of 50 frames from frame 30 on: 30 + 49/99 of each frame."""
    slope = 49 / 99
    keys: list[Key] = [
        (0, 30, "speedkfstart*"),
        (10, f"{30 + 10 * slope:.4f}", "speedkfin*"),
        (30, f"{30 + 30 * slope:.4f}", "speedkfout*"),
        (100, 80, "speedkfend*"),
    ]
    reel = read(remap(parameter("speed", 50), graph(keys)), end=20, first=10, more="<duration>100</duration>")
    assert frames(reel) == [int(30 + (10 + k) * slope) for k in range(20)]


def test_keys_tell_parts_of_frames(read: Read) -> None:
    keys: list[Key] = [(2607, "2610.1075", "speedkfin*"), (3387, "3390.8875", "speedkfout*")]
    reel = read(remap(parameter("speed", "100.1"), graph(keys)), end=780, first=2607, length=9000)
    shot = reel.shots[0]
    assert (shot.source and shot.source.start, shot.phase, shot.speed) == (
        2610,
        Fraction(43, 400),
        Fraction(1001, 1000),
    )
    back: list[Key] = [(20, "79.6", "speedkfin*"), (30, "69.6", "speedkfout*")]
    assert frames(read(remap(parameter("speed", -100), graph(back)), first=20)) == list(range(78, 68, -1))


def test_graph_that_contradicts_the_speed_is_followed(read: Read) -> None:
    keys: list[Key] = [(10, 40, "speedkfin*"), (20, 70, "speedkfout*")]
    reel = read(remap(parameter("speed", 50), graph(keys)), first=10)
    assert frames(reel) == list(range(40, 70, 3))
    assert any("the graph is followed" in remark for remark in reel.remarks)


def test_graph_of_another_clip_is_not_used(read: Read) -> None:
    keys: list[Key] = [(369, 3505, "speedkfin*"), (1681, 15969, "speedkfout*")]
    assert frames(read(remap(parameter("speed", 200), graph(keys)), first=5)) == list(range(10, 30, 2))


def test_in_and_out_that_count_the_media(read: Read) -> None:
    reel = read(remap(parameter("speed", 200)), first=30, out=50)
    assert frames(reel) == list(range(30, 50, 2))
    assert any("count frames of the media" in remark for remark in reel.remarks)


def test_backwards_counts_from_the_end_of_the_media(read: Read) -> None:
    reverse = parameter("reverse", "TRUE")
    reel = read(remap(parameter("speed", 100), reverse), first=20)
    assert frames(reel) == list(range(79, 69, -1))
    assert reel.shots[0].speed == -1
    assert reel.shots[0].handles == (70, 20)
    assert any("counted from the end" in remark for remark in reel.remarks)
    assert frames(read(remap(parameter("speed", -100)), first=20)) == list(range(79, 69, -1))
    twice = read(remap(parameter("speed", 200), reverse), first=5)
    assert frames(twice) == list(range(88, 68, -2))
    half = read(remap(parameter("speed", 50), reverse), first=20)
    assert frames(half) == [89, 89, 88, 88, 87, 87, 86, 86, 85, 85]


def test_backwards_as_premiere_draws_it(read: Read) -> None:
    """The keys of a real export: in at 15299 of 37127 frames shows the frame before the edge 21828."""
    keys: list[Key] = [
        (0, 37127, "speedkfstart*"),
        (15299, 21828, "speedkfin*"),
        (15305, 21822, "speedkfout*"),
        (37127, 1, "speedkfend*"),
    ]
    effect = remap(parameter("speed", 100), parameter("reverse", "TRUE"), graph(keys, most=37127))
    for length in (37127, 0):
        assert frames(read(effect, end=6, first=15299, length=length)) == [21827, 21826, 21825, 21824, 21823, 21822]


def test_backwards_from_its_first_frame_as_final_cut_pro_draws_it(read: Read) -> None:
    keys: list[Key] = [(0, 101, "speedkfin"), (10, 90, "speedkfout*"), (100, 1, "speedkfend*")]
    effect = remap(parameter("speed", 100), parameter("reverse", "TRUE"), graph(keys))
    for length in (100, 0):
        assert frames(read(effect, length=length)) == list(range(99, 89, -1))


def test_backwards_without_any_length_is_refused(read: Read) -> None:
    with pytest.raises(TimelineError, match=r"cut\.xml:1: .*the length of its media is not told"):
        read(remap(parameter("speed", -100)), length=0)
    reel = read(remap(parameter("speed", -100)), length=0, more="<duration>50</duration>")
    assert frames(reel) == list(range(49, 39, -1))


def test_backwards_in_a_subclip(read: Read) -> None:
    info = "<subclipinfo><startoffset>20</startoffset><endoffset>30</endoffset></subclipinfo>"
    assert frames(read(remap(parameter("speed", -100)), first=5, more=info)) == list(range(64, 54, -1))
    assert frames(read(remap(parameter("speed", 200)), first=5, more=info)) == list(range(30, 50, 2))


def test_freeze_frames(read: Read) -> None:
    keys: list[Key] = [
        (0, 0, "speedkfstart*"),
        (12, 44, "speedkfin*"),
        (22, 44, "speedkfout*"),
        (99, 45, "speedkfend*"),
    ]
    held = read(remap(parameter("speed", 0), graph(keys)), first=12)
    assert frames(held) == [44] * 10
    assert held.shots[0].speed == 0
    without = read(remap(parameter("speed", 0)), first=12)
    assert frames(without) == [12] * 10
    assert any("freeze frame" in remark for remark in without.remarks)
    flagged = read("", first=3, more="<stillframe>TRUE</stillframe><stillframeoffset>61</stillframeoffset>")
    assert frames(flagged) == [61] * 10


def test_speed_that_is_switched_off(read: Read) -> None:
    off = remap(parameter("speed", 50)).replace("<filter>", "<filter><enabled>FALSE</enabled>")
    assert frames(read(off, first=20)) == list(range(20, 30))


def varying(keys: Iterable[Key], **options: Any) -> str:
    return remap(parameter("variablespeed", 1), parameter("speed", 100), graph(keys, **options))


def test_speed_that_changes_is_followed_from_key_to_key(read: Read) -> None:
    keys: list[Key] = [
        (0, 0, "speedkfstart*"),
        (10, 10, "speedkfin*"),
        (14, 14, ""),
        (18, 22, ""),
        (20, 22, ""),
        (24, 14, "speedkfout*"),
        (90, 90, "speedkfend*"),
    ]
    reel = read(varying(keys), start=3, end=17, first=10)
    assert frames(reel) == [10, 11, 12, 13, 14, 16, 18, 20, 22, 22, 22, 20, 18, 16]
    shot = reel.shots[1]
    assert shot.curve is not None
    assert shot.source is not None
    assert (shot.source.start, shot.handles) == (10, (10, 77))
    assert shot.speed == Fraction(2, 7)


def test_changing_speed_in_a_fade_runs_into_the_handles(read: Read) -> None:
    keys: list[Key] = [(0, 0, ""), (5, 5, ""), (100, 195, "")]
    reel = read(varying(keys), end=10, first=0, length=300)
    outgoing = reel.shots[0]
    assert [outgoing.source_at(k, reel.rate) for k in (0, 4, 5, 6, 12)] == [0, 4, 5, 7, 19]


@pytest.mark.parametrize(("slope", "speed"), [(2, 2), (Fraction(1, 3), Fraction(1, 3)), (-1, -1), (0, 0)])
def test_straight_graph_is_a_constant_speed(read: Read, slope: Fraction, speed: Fraction) -> None:
    keys: list[Key] = [(k, f"{float(50 + k * slope):.9f}", "*") for k in (0, 4, 12)]
    effect = remap(
        parameter("variablespeed", 1), parameter("speed", f"{float(abs(slope)) * 100:.9f}"), graph(keys, kind="linear")
    )
    reel = read(effect)
    assert reel.shots[0].curve is None
    assert reel.shots[0].speed == speed
    assert frames(reel) == [int(50 + k * slope) for k in range(10)]


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        (varying([(0, 0, ""), (50, 90, "")], kind="bezier"), "of the kind 'bezier', which the file does not give"),
        (
            varying([(0, 0, ""), (50, 90, "")], more="<outbez><horiz>4.5</horiz><vert>0</vert></outbez>"),
            "with Bezier handles",
        ),
        (varying([(0, 0, ""), (5, 12, "speedkfin*"), (50, 50, "")]), "bends between its keys"),
        (varying([(0, 0, "")]), "the file does not say how"),
        (varying([]), "the file does not say how"),
        (remap(parameter("speed", "fast")), "'fast' is no number"),
        (remap(parameter("speed", "9000000")), "is not a speed"),
    ],
)
def test_what_cannot_be_followed_is_refused(read: Read, effect: str, message: str) -> None:
    with pytest.raises(TimelineError, match=message) as caught:
        read(effect, first=5)
    assert caught.value.line == 1


def test_handles_of_no_length_are_straight(read: Read) -> None:
    flat = "<outbez><horiz>0</horiz><vert>0</vert></outbez><hadbezierin>FALSE</hadbezierin>"
    assert frames(read(varying([(0, 0, ""), (5, 5, ""), (50, 95, "")], more=flat)))[4:8] == [4, 5, 7, 9]


def test_rubbish_keys_of_premiere_are_left_out(read: Read) -> None:
    keys: list[Key] = [
        (0, 0, "speedkfstart*"),
        (5, 5, ""),
        (8, 11, ""),
        (10, -1815255671, "speedkfout*"),
        (99, 100, "speedkfend*"),
    ]
    reel = read(varying(keys, most=99))
    assert frames(reel)[:9] == [0, 1, 2, 3, 4, 5, 7, 9, 11]
    assert any("outside the media and is left out" in remark for remark in reel.remarks)


def test_markers_of_a_retimed_clip_count_its_own_frames(read: Read) -> None:
    marker = "<marker><name>VSFR off</name><comment/><in>24</in><out>-1</out></marker>"
    marker += "<marker><name>note</name><comment/><in>25</in><out>-1</out></marker>"
    reel = read(remap(parameter("speed", 50)), start=100, end=110, first=20, more=marker)
    assert [m.frames.start for m in reel.markers] == [105]
    assert reel.shots[1].notes[0].timecode == "00:00:04:08"


@pytest.mark.parametrize("frame", [1, 5, 7, 49])
def test_a_freeze_of_media_of_another_rate_is_the_frame_meant(tmp_path: Path, frame: int) -> None:
    """Frame 5 at 24 fps stands at 5.2083333333 frames of a clip that counts 25."""
    rates = ["<rate><timebase>25</timebase></rate>", "<rate><timebase>24</timebase></rate>"]
    held = f"{frame * 25 / 24:.10f}"
    keys: list[Key] = [(0, held, "speedkfin*"), (10, held, "speedkfout*")]
    file = f'<file id="A"><name>A.mov</name><pathurl>A.mov</pathurl>{rates[1]}<duration>100</duration></file>'
    item = (
        f"<clipitem><name>A</name>{rates[0]}<start>0</start><end>10</end><in>0</in><out>10</out>"
        f"{file}{remap(parameter('speed', 0), graph(keys))}</clipitem>"
    )
    path = tmp_path / "cut.xml"
    media = f"<media><video><track>{item}</track></video></media>"
    path.write_text(f"<xmeml><sequence><name>s</name>{rates[0]}{media}</sequence></xmeml>")
    assert frames(timeline.read(path)) == [frame] * 10


def test_a_third_of_a_frame_written_with_many_digits_is_a_third(read: Read) -> None:
    """From 19 1/3 on at 25/24 of the speed, the 16th frame begins exactly on frame 36."""
    keys: list[Key] = [(0, "19.3333333333", "speedkfin*"), (40, "61.0000000000", "speedkfout*")]
    reel = read(remap(parameter("speed", "104.1666666667"), graph(keys)), end=40)
    assert frames(reel) == [int(Fraction(58, 3) + k * Fraction(25, 24)) for k in range(40)]
    assert frames(reel)[16] == 36
