"""Marker lists as text: Avid, Premiere, Resolve's edit index, tables of one's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vsfilmrestore import timeline
from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline import FrameRange, Marker, Reel

type Read = Callable[..., Reel]

CUT = """001  A V C 00:00:00:00 00:00:10:00 01:00:00:00 01:00:10:00
002  B V C 00:00:00:00 00:00:10:00 01:00:10:00 01:00:20:00
"""


@pytest.fixture
def marked(tmp_path: Path) -> Read:
    """Reads a cut of two shots of 10 s with a marker list given as text or bytes."""

    def read(text: str | bytes, suffix: str = ".txt", rate: object = 24, cut: str = CUT) -> Reel:
        (tmp_path / "cut.edl").write_text(cut)
        path = tmp_path / f"m{suffix}"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return timeline.read(tmp_path / "cut.edl", rate=rate, markers=path)  # type: ignore[arg-type]

    return read


def brief(reel: Reel) -> list[tuple[str, str, str, int, int]]:
    return [(m.name, m.note, m.colour, m.frames.start, len(m.frames)) for m in reel.markers]


def told(reel: Reel, words: str) -> bool:
    return any(words in remark for remark in reel.remarks)


AVID = "Anna\t01:00:01:00\tV1\tred\tVSFR heavy dust=0.8\t1\nBo B\t01:00:12:00\tV2\tgreen\task Anna\t24\n"


def test_avid(marked: Read) -> None:
    reel = marked(AVID)
    assert brief(reel) == [("Anna", "VSFR heavy dust=0.8", "red", 24, 1), ("Bo B", "ask Anna", "green", 288, 24)]
    assert [note.text for note in reel.shots[0].notes] == ["heavy dust=0.8"]
    assert reel.shots[0].notes[0].origin.endswith("m.txt:1 (timeline marker)")
    assert not told(reel, "ignored")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode("mac-roman"),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.replace("\t1\n", "\t1\t\tred\n").encode(),
        lambda text: text.replace("\n", "\n\n").encode(),
    ],
)
def test_avid_lists_as_other_versions_write_them(marked: Read, change: Callable[[str], bytes]) -> None:
    assert brief(marked(change(AVID))) == brief(marked(AVID))


def test_avid_locators_without_length(marked: Read) -> None:
    reel = marked("Anna\t01:00:01:00\tV1\tred\tVSFR heavy\nAnna\t01:00:02:00\tTC1\tblue\t\n")
    assert brief(reel) == [("Anna", "VSFR heavy", "red", 24, 1), ("Anna", "", "blue", 48, 1)]


def test_avid_columns_that_are_missing(marked: Read) -> None:
    assert brief(marked("01:00:01:00\tV1\tcyan\tVSFR a=1\t5\n")) == [("", "VSFR a=1", "cyan", 24, 5)]
    assert brief(marked("\t01:00:01:00\t\t\tVSFR a=1\t5\n")) == [("", "VSFR a=1", "", 24, 5)]
    assert brief(marked("01:00:01:00\tVSFR a=1\n")) == [("", "VSFR a=1", "", 24, 1)]


def test_avid_locators_in_columns_of_spaces(marked: Read) -> None:
    reel = marked("Anna K     01:00:01:00   V1   Red     VSFR heavy dust=0.8\n  01:00:02:00 V1 two hairs\n")
    assert brief(reel) == [("Anna K", "VSFR heavy dust=0.8", "Red", 24, 1), ("", "two hairs", "", 48, 1)]


def test_avid_comments_over_several_lines(marked: Read) -> None:
    reel = marked("Anna\t01:00:01:00\tV1\tred\tfirst\nVSFR dust=1\nlast\t12\nAnna\t01:00:02:00\tV1\tred\tx\t1\njunk\n")
    assert brief(reel)[0] == ("Anna", "first\nVSFR dust=1\nlast", "red", 24, 12)
    assert told(reel, "line 5: not a line of a marker list")


def test_avid_drop_frame(marked: Read) -> None:
    cut = "FCM: DROP FRAME\n001 A V C 00:00:00;00 00:02:00;04 01:00:00;00 01:02:00;04\n"
    for text in ("a\t01:01:00;02\tV1\tred\tx\t1\n", "a\t01:01:00:02\tV1\tred\tx\t1\n"):
        assert brief(marked(text, rate=29.97, cut=cut))[0][3] == 1800


PREMIERE = (
    "Marker Name\tDescription\tIn\tOut\tDuration\tMarker Type\n"
    "VSFR heavy\tdust=0.8\t01:00:01:00\t01:00:01:00\t00:00:00:00\tComment\n"
    "\tsay\t01:00:12:00\t01:00:13:00\t00:00:01:00\tChapter\n"
)


@pytest.mark.parametrize("suffix", [".csv", ".txt"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-8"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\t\r\n"])
def test_premiere(marked: Read, suffix: str, encoding: str, ending: str) -> None:
    reel = marked(PREMIERE.replace("\n", ending).encode(encoding), suffix)
    assert brief(reel) == [("VSFR heavy", "dust=0.8", "", 24, 1), ("", "say", "", 288, 24)]
    assert [note.text for note in reel.shots[0].notes] == ["heavy dust=0.8"]
    assert [m.line for m in reel.markers] == [2, 3]


def test_a_list_that_counts_from_zero(marked: Read) -> None:
    reel = marked(PREMIERE.replace("\t01:", "\t00:"))
    assert [(start, length) for *_, start, length in brief(reel)] == [(24, 1), (288, 24)]
    assert told(reel, "count from 00:00:00:00, not from 01:00:00:00")


def test_markers_before_the_cut_are_not_moved(marked: Read) -> None:
    reel = marked(PREMIERE.replace("01:00:12", "00:50:12").replace("01:00:13", "00:50:13"))
    assert sorted(start for *_, start, _ in brief(reel)) == [-48 * 60 * 3 - 48 * 60 * 2 + 288, 24]
    late = CUT.replace("01:00:", "00:00:")
    assert brief(marked(PREMIERE.replace("\t01:", "\t00:"), cut=late))[0][3] == 24


OWN = "timecode,duration,name,note,colour\n01:00:01:00,24,dirt,VSFR heavy dust=0.8,Yellow\n01:00:12:00,,,plain,\n"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    "header",
    [
        "timecode,duration,name,note,colour",
        "Timecode,Duration,Name,Comment,Color",
        "Record In,Dur,Marker Name,Notes,Marker Color",
        "record_in,LENGTH,Title,Description,Colour",
        '"Position","Duration","Marker","Text","Color"',
    ],
)
def test_tables(marked: Read, separator: str, header: str) -> None:
    text = OWN.replace("timecode,duration,name,note,colour", header).replace(",", separator)
    reel = marked(text, ".csv")
    assert brief(reel) == [("dirt", "VSFR heavy dust=0.8", "Yellow", 24, 24), ("", "plain", "", 288, 1)]


@pytest.mark.parametrize(
    ("text", "start", "length"),
    [
        ("frame,name\n12,x", 12, 1),
        ("in,out,name\n01:00:01:00,01:00:02:00,x", 24, 24),
        ("frame,end,name\n12,14,x", 12, 2),
        ("start,duration,name\n01:00:01:00,00:00:02:00,x", 24, 48),
        ("start,duration,name\n01:00:01:00,1.5 s,x", 24, 36),
        ("start,name\n01:00:01.500,x", 36, 1),
        ("start,name\n01:00:01,x", 24, 1),
        ("start,frame,name\n,7,x", 7, 1),
        ("made by hand\n\ntimecode,name\n01:00:01:00,x", 24, 1),
    ],
)
def test_times(marked: Read, text: str, start: int, length: int) -> None:
    assert [(at, n) for *_, at, n in brief(marked(text, ".csv"))] == [(start, length)]


def test_quoted_cells_may_hold_anything(marked: Read) -> None:
    reel = marked('timecode,note,name\n01:00:01:00,"first, of\ntwo ""lines""\nVSFR a=1",n\n01:00:02:00,x,y\n', ".csv")
    assert reel.markers[0].note == 'first, of\ntwo "lines"\nVSFR a=1'
    assert [m.line for m in reel.markers] == [2, 5]


INDEX = (
    '"#","Reel","Match","V","C","Dur","In","Out","Record In","Record Out","Name","Comments","Color","Notes"\n'
    '"1","A","","V1","C","00:00:10:00","09:00:00:00","09:00:10:00","01:00:00:00","01:00:10:00","a.mov","","",""\n'
    '"2","","","","","00:00:01:00","","","01:00:01:00","01:00:02:00","Marker 1","","Yellow","VSFR heavy"\n'
)


def test_the_edit_index_of_resolve(marked: Read) -> None:
    reel = marked(INDEX, ".csv")
    assert brief(reel) == [("Marker 1", "VSFR heavy", "Yellow", 24, 24)]
    assert told(reel, "line 2: row of a clip")


def test_locators_of_an_edl(marked: Read) -> None:
    text = "TITLE: x\nFCM: FILM\n* LOC: 01:00:01:00 red   VSFR heavy\n\n001 Bars V C 00:58:00:00 00:58:30:00 "
    for suffix in (".edl", ".txt"):
        assert brief(marked(text, suffix)) == [("VSFR heavy", "", "RED", 24, 1)]


def test_what_is_left_out_is_told(marked: Read) -> None:
    reel = marked("timecode,out,name\n,,x\n01:00:02:00,01:00:01:00,y\n,,\n", ".csv")
    assert told(reel, "line 2: row without a time")
    assert told(reel, "line 3: a marker that ends before it starts")
    assert len(reel.markers) == 1


@pytest.mark.parametrize(
    ("text", "suffix", "message"),
    [
        ("", ".txt", "empty"),
        ("hello\nworld\n", ".txt", "no marker in this list.*timecode,name,note"),
        ("hello,world\n1,2\n", ".csv", "no column .*timecode,duration,name,note,colour"),
        ("timecode,name\n", ".csv", "no marker"),
        ("timecode,name\nsoon,x\n", ".csv", r"m\.csv:2: 'soon' is not a timecode.*HH:MM:SS:FF"),
        ("timecode,name\n\n01:00:00:24,x\n", ".csv", r"m\.csv:3, at 01:00:00:24: .*does not exist at 24 fps"),
        ("frame,name\n-3,x\n", ".csv", r"m\.csv:2: '-3' is not the number of a frame"),
        ("timecode,duration,name\n01:00:00:00,long,x\n", ".csv", r"m\.csv:2: 'long' is not a timecode"),
        ("timecode,note\n01:00:00:00,VSFR a b\n", ".csv", r"m\.csv:2, at 01:00:00:00: .*'b'"),
        ("timecode,note\n01:00:00:00," + "x" * 200_000, ".csv", r"m\.csv:2: this row cannot be read"),
        (AVID.replace("01:00:12:00", "01:00:12:30"), ".txt", r"m\.txt:2, at 01:00:12:30: .*24 fps"),
        (AVID.replace("heavy", "heavy light"), ".txt", r"m\.txt:1, at 01:00:01:00: .*'light'"),
        (b"\x00\x01\x02" * 300, ".csv", "binary"),
    ],
)
def test_refused(marked: Read, text: str | bytes, suffix: str, message: str) -> None:
    with pytest.raises(TimelineError, match=message):
        marked(text, suffix)


@pytest.mark.parametrize("line", ["a " * 60_000, "\t" * 100_000, "01:00:00:00 V1 " * 9_000, ":" * 100_000])
def test_long_lines_take_no_time(marked: Read, line: str) -> None:
    markers = marked(AVID + line).markers
    assert next(marker for marker in markers if marker.name == "Anna") == Marker(
        "Anna", "VSFR heavy dust=0.8", "red", FrameRange(24, 25), markers[0].file, 1
    )
