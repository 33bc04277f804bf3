"""Marker lists beside a cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from vsfilmrestore import timeline
from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline import FrameRange, Reel, Strength

CUT = """TITLE: cut
001  A V C 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00
* COMMENT: VSFR archive
002  B V C 00:00:00:00 00:00:01:00 01:00:01:00 01:00:02:00
"""
HEAD = "TITLE: Timeline 1\nFCM: NON-DROP FRAME\n\n"


def event(timecode: str) -> str:
    return f"001  001      V     C        {timecode} {timecode} {timecode} {timecode}  \n"


@pytest.fixture
def joined(tmp_path: Path):  # type: ignore[no-untyped-def]
    def read(*lists: str, cut: str = CUT) -> Reel:
        (tmp_path / "cut.edl").write_text(cut)
        paths = []
        for i, text in enumerate(lists):
            paths.append(tmp_path / f"markers{i}.edl")
            paths[-1].write_text(text)
        return timeline.read(tmp_path / "cut.edl", rate=24, markers=paths)

    return read


def notes(reel: Reel) -> list[list[tuple[str, FrameRange | None]]]:
    return [[(note.text, note.frames) for note in shot.notes] for shot in reel.shots]


def test_markers_join_their_shots(joined) -> None:  # type: ignore[no-untyped-def]
    reel = joined(
        HEAD
        + event("01:00:00:05")
        + "VSFR heavy dust=0.8 |C:ResolveColorYellow |M:Marker 1 |D:1\n\n"
        + event("01:00:00:20")
        + " |C:ResolveColorRed |M:VSFR scratch=off |D:8\n\n"
        + event("01:00:01:06")
        + "ask Anna |C:ResolveColorBlue |M:Marker 3 |D:1\n"
    )
    assert notes(reel) == [
        [("heavy dust=0.8", None), ("scratch=off", FrameRange(20, 24)), ("archive", None)],
        [("scratch=off", FrameRange(24, 28))],
    ]
    assert reel.shots[0].notes[0].strength is Strength.TIMELINE_MARKER
    assert reel.shots[0].notes[0].origin.endswith("markers0.edl:4 (timeline marker)")
    assert [(m.colour, m.note, m.name) for m in reel.markers] == [
        ("Yellow", "VSFR heavy dust=0.8", "Marker 1"),
        ("Red", "", "VSFR scratch=off"),
        ("Blue", "ask Anna", "Marker 3"),
    ]


def test_two_on_one_frame_and_a_wrapped_note(joined) -> None:  # type: ignore[no-untyped-def]
    reel = joined(
        event("01:00:01:00")
        + "first line\nVSFR heavy\nthird |C:ResolveColorYellow |M:Marker 1 |D:1\n"
        + event("01:00:01:00")
        + "dust = 0.5 |C:ResolveColorMint |M:VSFR stab=1 |D:1\n"
    )
    assert notes(reel)[1] == [("heavy", None), ("stab=1 dust = 0.5", None)]


def test_several_lists(joined) -> None:  # type: ignore[no-untyped-def]
    lists = [event("01:00:00:00") + f"VSFR {word} |C:ResolveColorSky |M:m |D:1\n" for word in ("one", "two")]
    assert [text for text, _ in notes(joined(*lists))[0]] == ["one", "two", "archive"]


def test_a_list_counts_drop_frame_as_it_says(tmp_path: Path) -> None:
    cut, marks = tmp_path / "cut.edl", tmp_path / "m.edl"
    cut.write_text("FCM: NON-DROP FRAME\n001 A V C 00:00:00:00 00:02:00:00 00:01:00:00 00:03:00:00\n")
    note = "VSFR heavy |C:ResolveColorSky |M:m |D:1\n"
    for mode, frame in (("NON-DROP FRAME", 1802), ("DROP FRAME", 1798)):
        marks.write_text(f"FCM: {mode}\n" + event("00:02:00:02") + note)
        (marker,) = timeline.read(cut, rate=29.97, markers=marks).markers
        assert marker.frames.start == frame


def test_markers_off_the_reel_are_told(joined) -> None:  # type: ignore[no-untyped-def]
    reel = joined(event("02:00:00:00") + "VSFR heavy |C:ResolveColorSky |M:m |D:1\n")
    assert notes(reel) == [[("archive", None)], []]
    assert any("markers0.edl:1: the marker 'VSFR heavy' at 02:00:00:00 stands over no shot" in r for r in reel.remarks)


def test_what_is_tolerated_is_told(joined) -> None:  # type: ignore[no-untyped-def]
    good = "x |C:ResolveColorSky |M:m |D:1\n"
    reel = joined("hello\n" + event("01:00:00:00") + event("01:00:00:01") + good + event("01:00:00:02"))
    assert [m.frames.start for m in reel.markers] == [1]
    assert any("lines 2 and 5: marker without its second line" in remark for remark in reel.remarks)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("nothing\n", "no marker"),
        (
            event("01:00:00:30") + "x |C:ResolveColorSky |M:m |D:1\n",
            r":1, at 01:00:00:30: .*does not exist at 24 fps.*one rate",
        ),
        (event("01:00:00:00") + "VSFR a b |C:ResolveColorSky |M:m |D:1\n", r":1, at 01:00:00:00: .*'b'"),
    ],
)
def test_refused(joined, text: str, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TimelineError, match=message):
        joined(text)


def test_other_suffixes_and_missing_lists(tmp_path: Path) -> None:
    (tmp_path / "cut.edl").write_text(CUT)
    with pytest.raises(TimelineError, match="not a marker list"):
        timeline.read(tmp_path / "cut.edl", rate=24, markers="markers.docx")
    with pytest.raises(TimelineError, match="no such file"):
        timeline.read(tmp_path / "cut.edl", rate=24, markers=str(tmp_path / "none.edl"))
