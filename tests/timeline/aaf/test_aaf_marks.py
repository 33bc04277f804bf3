"""AAF: markers, comments with settings, label colours."""

from __future__ import annotations

from typing import Any

import pytest

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline import FrameRange, Strength


def test_markers_of_the_sequence(cut: Any) -> None:
    a = cut.media("A")
    cut.show(cut.row(cut.clip(a, 0, 20), cut.transition(8, 4), cut.clip(a, 100, 20), cut.gap(10)))
    for at, text, colour in ((3, "look", "Red"), (14, "VSFR heavy dust=0.8", "Green"), (35, "filler", "Blue")):
        cut.mark(at, text, colour)
    cut.mark(2, "VSFR scratch=off", "Cyan", length=5)
    reel = cut.read()
    found = [(m.frames.start, m.frames.stop, m.note, m.colour) for m in reel.markers]
    assert found == [
        (2, 7, "VSFR scratch=off", "Cyan"),
        (3, 4, "look", "Red"),
        (14, 15, "VSFR heavy dust=0.8", "Green"),
        (35, 36, "filler", "Blue"),
    ]
    first, second = reel.shots[0].notes, reel.shots[1].notes
    assert [(n.text, n.strength, n.frames) for n in first] == [
        ("scratch=off", Strength.TIMELINE_MARKER, FrameRange(2, 7))
    ]
    assert [(n.text, n.frames) for n in second] == [("heavy dust=0.8", None)]


def test_markers_on_the_clip_itself(cut: Any) -> None:
    a = cut.media("A", tape=cut.tape("T", 86400))
    cut.mark(30, "VSFR grain=keep", mob=a)
    cut.mark(35, "hair in the gate", "Yellow", mob=a)
    cut.mark(36, "VSFR dust=1", mob=a, length=4)
    cut.mark(90, "VSFR off", mob=a)
    cut.show(cut.row(cut.gap(5), cut.clip(a, 28, 20), cut.clip(a, 200, 20)))
    reel = cut.read()
    notes = [(n.text, n.strength, n.frames, n.timecode) for n in reel.shots[1].notes]
    assert notes == [
        ("grain=keep", Strength.CLIP_MARKER, None, "00:00:00:07"),
        ("dust=1", Strength.CLIP_MARKER, FrameRange(13, 17), "00:00:00:13"),
    ]
    assert not reel.shots[2].notes
    assert [(m.frames.start, m.note) for m in reel.markers] == [(12, "hair in the gate")]


def test_the_same_marker_on_clip_and_sequence_is_one(cut: Any) -> None:
    a = cut.media("A")
    cut.mark(0, "dirt", "Blue", mob=a)
    cut.mark(0, "dirt", "Blue")
    cut.show(cut.row(cut.clip(a, 0, 20)))
    assert len(cut.read().markers) == 1


def test_markers_of_a_nest(cut: Any) -> None:
    a = cut.media("A")
    inner = cut.composition("Inner")
    cut.show(cut.row(cut.clip(a, 0, 40)), inner)
    cut.mark(12, "inside", mob=inner)
    cut.mark(39, "cut off", mob=inner)
    cut.show(cut.row(cut.gap(4), cut.clip(inner, 10, 10)))
    assert [(m.frames.start, m.note) for m in cut.read().markers] == [(6, "inside")]


def test_comments_with_settings(cut: Any) -> None:
    a = cut.media("A", comments={"Scene": "4", "Comments": "VSFR heavy"})
    sub = cut.composition("Sub", "Usage_SubClip")
    sub.comments["Restoration"] = "VSFR dust=0.2"
    cut.show(cut.clip(a, 0, 60), sub)
    cut.show(cut.row(cut.clip(a, 0, 10, _COMMENT="please VSFR grain=keep"), cut.clip(sub, 0, 10)))
    reel = cut.read()
    assert [(n.text, n.strength) for n in reel.shots[0].notes] == [
        ("heavy", Strength.NOTE),
        ("grain=keep", Strength.NOTE),
    ]
    assert [n.text for n in reel.shots[1].notes] == ["heavy", "dust=0.2"]


def test_settings_that_do_not_parse_name_their_place(cut: Any) -> None:
    cut.timecode(86400)
    cut.mark(7, "VSFR dust==")
    cut.show(cut.row(cut.clip(cut.media("A"), 0, 10)))
    with pytest.raises(TimelineError, match=r"cut\.aaf, at 01:00:00:07"):
        cut.read()


def test_label_colours(cut: Any) -> None:
    a, b = cut.media("A"), cut.media("B")
    for name, value in (("_COLOR_R", 25856), ("_COLOR_G", 50432), ("_COLOR_B", 21248)):
        a["MobAttributeList"].append(cut.make.TaggedValue(name, value))
    local = {"_COLOR_R": 65535, "_COLOR_G": 0, "_COLOR_B": 256}
    cut.show(cut.row(cut.clip(a, 0, 10), cut.clip(a, 0, 10, **local), cut.clip(b, 0, 10)))
    assert [shot.colour for shot in cut.read().shots] == ["#65c553", "#ff0001", ""]
