"""FCPXML: markers, keywords and notes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline import FrameRange, Reel, Strength

from .fcpxml_makers import project

type Read = Callable[..., Reel]


def spine(*inside: str, start: str = "10s", duration: str = "2s", more: str = "") -> str:
    return (
        f'<asset-clip ref="A" offset="0s" start="{start}" duration="{duration}" {more}>{"".join(inside)}</asset-clip>'
    )


def notes(reel: Reel) -> list[list[tuple[str, Strength, FrameRange | None]]]:
    return [[(note.text, note.strength, note.frames) for note in shot.notes] for shot in reel.shots]


def test_markers_stand_at_record_frames_with_their_colours(fcpxml: Read) -> None:
    text = spine(
        '<marker start="10s" duration="1/24s" value="one" note="words"/>',
        '<marker start="10.5s" duration="1/24s" value="to do" completed="0"/>\n',
        '<marker start="11s" duration="1/24s" value="done" completed="1"/>',
        '<chapter-marker start="11.5s" value="chapter" posterOffset="11/24s"/>',
        '<marker start="9s" value="before"/><marker start="12s" value="after"/>',
    )
    found = [(m.name, m.note, m.colour, m.frames.start, m.line) for m in fcpxml(project(text)).markers]
    assert found == [
        ("one", "words", "Blue", 0, 6),
        ("to do", "", "Red", 12, 6),
        ("done", "", "Green", 24, 7),
        ("chapter", "", "Orange", 36, 7),
    ]


def test_settings_come_from_markers_keywords_and_notes_in_order_of_strength(fcpxml: Read) -> None:
    text = spine(
        "<note>for the lab VSFR archive</note>",
        '<keyword start="0s" duration="100s" value="VSFR grain=keep"/>',
        '<keyword start="10.5s" duration="0.5s" value="VSFR dust=0.1" note="scratch=off"/>',
        '<marker start="11s" duration="1/24s" value="VSFR heavy" note="dust=0.8"/>',
        '<keyword start="0s" duration="100s" value="beach"/>',
    )
    reel = fcpxml(project(text))
    assert notes(reel) == [
        [
            ("heavy dust=0.8", Strength.CLIP_MARKER, None),
            ("archive", Strength.NOTE, None),
            ("grain=keep", Strength.NOTE, None),
            ("dust=0.1 scratch=off", Strength.NOTE, FrameRange(12, 24)),
        ]
    ]
    assert (reel.shots[0].notes[0].timecode, reel.shots[0].notes[0].line) == ("00:00:00:00", 6)
    assert [marker.name for marker in reel.markers] == ["VSFR heavy"]


def test_a_long_marker_limits_its_settings_and_a_key_stands_where_it_stands(fcpxml: Read) -> None:
    text = spine(
        '<marker start="10.5s" duration="1s" value="VSFR dust=0.8"/>',
        '<marker start="11s" duration="1/24s" value="VSFR key dust=0.2"/>',
    )
    assert notes(fcpxml(project(text))) == [
        [
            ("dust=0.8", Strength.CLIP_MARKER, FrameRange(12, 36)),
            ("key dust=0.2", Strength.CLIP_MARKER, FrameRange(24, 25)),
        ]
    ]


def test_a_marker_speaks_for_all_of_its_clip_however_it_is_covered(fcpxml: Read) -> None:
    over = '<asset-clip ref="B" lane="1" offset="10.5s" start="0s" duration="0.5s"/>'
    text = spine(over, '<marker start="10s" duration="1/24s" value="VSFR heavy"/>')
    heavy = [("heavy", Strength.CLIP_MARKER, None)]
    assert notes(fcpxml(project(text))) == [heavy, [], heavy]


def test_markers_inside_and_on_nests(fcpxml: Read) -> None:
    inner = [
        f'<asset-clip ref="{key}" offset="{at}s" start="0s" duration="1s">'
        f'<marker start="0.5s" duration="1/24s" value="{word}"/></asset-clip>'
        for key, at, word in (("A", 0, "VSFR grain=keep"), ("B", 1, "inner"))
    ]
    media = f'<media id="M"><sequence format="f24"><spine>{"".join(inner)}</spine></sequence></media>'
    outer = '<marker start="1.75s" duration="1/24s" value="VSFR off"/>'
    reel = fcpxml(project(f'<ref-clip ref="M" offset="0s" start="0.25s" duration="1.75s">{outer}</ref-clip>', media))
    assert notes(reel) == [[("grain=keep", Strength.CLIP_MARKER, None)], [("off", Strength.CLIP_MARKER, None)]]
    assert [(marker.name, marker.frames.start) for marker in reel.markers] == [
        ("VSFR grain=keep", 6),
        ("inner", 30),
        ("VSFR off", 36),
    ]


def test_markers_on_gaps_are_the_time_lines(fcpxml: Read) -> None:
    over = '<asset-clip ref="B" lane="1" offset="3600s" start="0s" duration="2s"/>'
    mark = '<marker start="3601s" duration="1/48000s" value="VSFR heavy"/>'
    reel = fcpxml(project(f'<gap offset="0s" start="3600s" duration="2s">{over}{mark}</gap>'))
    assert notes(reel) == [[("heavy", Strength.TIMELINE_MARKER, None)]]


def test_settings_that_reach_no_shot_are_told(fcpxml: Read) -> None:
    off = spine('<marker start="10s" duration="1/24s" value="VSFR off"/>', more='enabled="0"')
    on = '<asset-clip ref="B" offset="2s" start="0s" duration="2s"><marker start="9s" value="VSFR heavy"/></asset-clip>'
    reel = fcpxml(project(off + "\n" + on))
    assert notes(reel) == [[], []]
    assert reel.remarks == (
        "line 6: 'VSFR off' stands on no part of a clip that is in use; ignored",
        "line 7: 'VSFR heavy' stands on no part of a clip that is in use; ignored",
    )


def test_markers_on_transitions_count_from_an_hour(fcpxml: Read) -> None:
    turn = '<transition offset="1s" duration="1s"><marker start="7201/2s" duration="1/24s" value="mid"/></transition>'
    after = '<asset-clip ref="B" offset="1.5s" start="9s" duration="2s"/>'
    reel = fcpxml(project(spine(duration="1.5s") + turn + after))
    assert [(marker.name, marker.frames.start) for marker in reel.markers] == [("mid", 36)]


def test_settings_that_do_not_parse_name_their_place(fcpxml: Read) -> None:
    with pytest.raises(TimelineError, match=r"cut\.fcpxml:6, at 00:00:00:00: in the clip marker 'VSFR a b'"):
        fcpxml(project(spine('<marker start="10s" value="VSFR a b"/>')))
