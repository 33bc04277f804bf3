"""AAF: clips, gaps, transitions, tracks, nests, and where their media are."""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from vsfilmrestore import timeline
from vsfilmrestore.errors import InstallationError, TimelineError
from vsfilmrestore.timeline import FrameRange, Reel, SourceKey


def rows(reel: Reel) -> list[tuple[str, int, int, int | None]]:
    """Name, record in and out, first source frame."""
    return [(s.name, s.record.start, s.record.stop, s.source.start if s.source else None) for s in reel.shots]


def source_of(reel: Reel, number: int = 0) -> SourceKey:
    source = reel.shots[number].source
    assert source is not None
    return source


def test_cut_with_tape_timecode(cut: Any) -> None:
    tape = cut.tape("R001", 86400)
    a = cut.media("A", 240, tape=tape, at=100, url="file:///C%3A/scans/a.mov")
    b = cut.media("B", 120)
    cut.show(cut.row(cut.clip(a, 10, 48), cut.gap(12), cut.clip(b, 5, 20)))
    cut.timecode(90000)
    reel = cut.read()
    assert rows(reel) == [("A", 0, 48, 86510), ("gap", 48, 60, None), ("B", 60, 80, 5)]
    assert (reel.name, reel.timecode(0), reel.rate) == ("Cut", "01:02:30:00", 24)
    source = source_of(reel)
    assert (source.reel, source.name, source.url) == ("R001", "A", "file:///C%3A/scans/a.mov")
    assert source.available == FrameRange(86500, 86740)
    assert reel.shots[0].handles == (10, 182)
    assert reel.shots[0].id == "R001@01:00:04:14"
    assert not source_of(reel, 2).has_timecode


def test_the_slot_of_a_medium_may_begin_later_than_its_origin(cut: Any) -> None:
    a = cut.media("A", 240, tape=cut.tape("R001", 1000))
    a.slots[0].origin = 7
    cut.show(cut.row(cut.clip(a, 10, 48)))
    assert source_of(cut.read()).start == 1017


def test_drop_frame_record_and_tape(cut_at: Callable[[str], Any]) -> None:
    cut = cut_at("30000/1001")
    tape = cut.tape("T", 107892, fps=30, rate="30000/1001", drop=True)
    a = cut.media("A", 300, tape=tape, rate="30000/1001")
    cut.show(cut.row(cut.clip(a, 0, 90)))
    cut.timecode(107892, 30, drop=True)
    reel = cut.read()
    assert reel.timecode(0) == "01:00:00;00"
    assert reel.shots[0].id == "T@01:00:00;00"


def test_media_of_another_rate_is_played_in_time(cut_at: Callable[[str], Any]) -> None:
    cut = cut_at("25/1")
    tape = cut.tape("T", 48000, fps=50, rate="50/1")
    a = cut.media("A", 500, tape=tape, rate="50/1")
    cut.show(cut.row(cut.clip(a, 10, 5)))
    reel = cut.read()
    shot = reel.shots[0]
    assert [shot.source_frame(k, reel.rate) for k in range(5)] == [48020, 48022, 48024, 48026, 48028]
    assert source_of(reel).rate == 50
    assert any("played in time" in remark for remark in reel.remarks)


def test_media_that_counts_alike_is_played_frame_for_frame(cut: Any) -> None:
    a = cut.media("A", 300, tape=cut.tape("T", 0, rate="24000/1001"), rate="24000/1001")
    cut.show(cut.row(cut.clip(a, 100, 20)))
    reel = cut.read()
    assert source_of(reel).start == 100
    assert source_of(reel).rate == 24


@pytest.mark.parametrize("fps", [30, 25])
def test_timecode_of_another_count_tells_the_same_time(cut: Any, fps: int) -> None:
    a = cut.media("A", 300, tape=cut.tape("T", 3600 * fps, fps=fps))
    cut.show(cut.row(cut.clip(a, 12, 20)))
    reel = cut.read()
    assert reel.shots[0].id == "T@01:00:00:12"
    assert any(f"{fps} frames a second" in remark for remark in reel.remarks)


def test_dissolve_takes_from_both_sides(cut: Any) -> None:
    a, b = cut.media("A"), cut.media("B")
    cut.show(cut.row(cut.clip(a, 0, 71), cut.transition(48, 24), cut.clip(b, 14, 71)))
    reel = cut.read()
    assert rows(reel) == [("A", 0, 23, 0), ("B", 23, 94, 14)]
    transition = reel.shots[1].transition
    assert transition is not None
    assert (transition.kind, transition.length) == ("dissolve", 48)
    assert transition.outgoing.source is not None
    assert transition.outgoing.source.start == 23


def test_fades_from_and_to_black(cut: Any) -> None:
    a = cut.media("A")
    parts = [cut.gap(12), cut.transition(12, 0), cut.clip(a, 0, 60), cut.transition(10, 5), cut.gap(40)]
    cut.show(cut.row(*parts))
    reel = cut.read()
    assert rows(reel) == [("A", 0, 50, 0), ("black", 50, 60, None), ("gap", 60, 90, None)]
    first, last = reel.shots[0].transition, reel.shots[1].transition
    assert first is not None
    assert (first.outgoing.source, first.length) == (None, 12)
    assert last is not None
    assert last.outgoing.name == "A"


def test_wipes_keep_their_number(cut: Any) -> None:
    a = cut.media("A")
    wipe = cut.transition(4, 2, "SMPTE Video Wipe", Wipe__Number=101)
    cut.show(cut.row(cut.clip(a, 0, 20), wipe, cut.clip(a, 100, 20)))
    transition = cut.read().shots[1].transition
    assert transition is not None
    assert transition.kind == "wipe 101"


def test_a_transition_longer_than_the_clip_before_it_is_refused(cut: Any) -> None:
    a = cut.media("A")
    cut.timecode(86400)
    cut.show(cut.row(cut.clip(a, 0, 5), cut.transition(9, 2), cut.clip(a, 100, 20)))
    with pytest.raises(TimelineError, match=r"cut\.aaf, at 01:00:00:05: a transition is longer than what is before"):
        cut.read()


def test_upper_tracks_refer_to_lower_ones(cut: Any) -> None:
    a, b = cut.media("A"), cut.media("B")
    low = cut.row(cut.clip(a, 0, 40), cut.gap(10))
    high = cut.row(cut.below(10), cut.clip(b, 0, 20), cut.below(20))
    cut.show(cut.stack(low, high))
    assert rows(cut.read()) == [("A", 0, 10, 0), ("B", 10, 30, 0), ("A", 30, 40, 30), ("gap", 40, 50, None)]


def test_fillers_of_upper_tracks_are_see_through(cut: Any) -> None:
    a, b = cut.media("A"), cut.media("B")
    cut.show(cut.stack(cut.row(cut.clip(a, 0, 40)), cut.row(cut.gap(30), cut.clip(b, 0, 10))))
    assert rows(cut.read()) == [("A", 0, 30, 0), ("B", 30, 40, 0)]


def test_tracks_in_slots_of_their_own(cut: Any) -> None:
    a, b = cut.media("A"), cut.media("B")
    cut.show(cut.row(cut.gap(8), cut.clip(b, 0, 4)))
    cut.show(cut.row(cut.clip(a, 0, 40)))
    for slot, track in zip(cut.sequence.slots, (2, 1), strict=True):
        slot["PhysicalTrackNumber"].value = track
    assert rows(cut.read()) == [("A", 0, 8, 0), ("B", 8, 12, 0), ("A", 12, 40, 12)]


@pytest.mark.parametrize("nested", [False, True])
def test_fades_of_an_upper_track_show_what_lies_beneath(cut: Any, nested: bool) -> None:
    """A title track that fades up over the picture and away again: no frame of it is mixed with black."""
    a, b = cut.media("A"), cut.media("B")
    low = cut.row(cut.clip(a, 0, 34))
    high = cut.row(cut.gap(10), cut.transition(6, 3), cut.clip(b, 0, 20), cut.transition(6, 3), cut.gap(16))
    if nested:
        cut.show(cut.stack(low, high))
    else:
        cut.show(low)
        cut.show(high)
    reel = cut.read()
    assert rows(reel) == [("A", 0, 4, 0), ("B", 4, 18, 0), ("A", 18, 34, 18)]
    up, away = (shot.transition for shot in reel.shots[1:])
    assert (up.outgoing.source.name, up.outgoing.source.start, up.outgoing.record) == ("A", 4, FrameRange(4, 10))
    assert (away.outgoing.source.name, away.outgoing.source.start) == ("B", 14)
    assert away.outgoing.record == FrameRange(18, 24)


def test_nest_of_tracks_in_an_effect(cut: Any) -> None:
    a, b, c = cut.media("A"), cut.media("B"), cut.media("C")
    first = cut.row(cut.clip(a, 0, 20))
    second = cut.row(cut.below(5), cut.clip(b, 0, 5), cut.below(10))
    third = cut.row(cut.below(15), cut.clip(c, 0, 5))
    cut.show(cut.row(cut.gap(10), cut.effect("Submaster", 20, first, second, third)))
    assert rows(cut.read())[1:] == [("A", 10, 15, 0), ("B", 15, 20, 0), ("A", 20, 25, 10), ("C", 25, 30, 0)]


def test_picture_effects_show_their_input(cut: Any) -> None:
    a, b = cut.media("A"), cut.media("B")
    over = cut.effect("SBlend_v2", 6, cut.row(cut.below(6, 1)), cut.row(cut.clip(b, 3, 6)))
    grade = cut.effect("Colour", 4, cut.row(cut.below(4, 1)))
    cut.show(cut.stack(cut.row(cut.clip(a, 0, 20)), cut.row(cut.below(10), over, grade)))
    reel = cut.read()
    assert rows(reel) == [("A", 0, 10, 0), ("B", 10, 16, 3), ("A", 16, 20, 16)]
    assert sum("picture effects" in remark for remark in reel.remarks) == 1


def test_switched_off_clips_let_the_lower_track_show(cut: Any) -> None:
    a, b = cut.media("A"), cut.media("B")
    selector = cut.make.Selector("picture", 10)
    selector["Selected"].value = cut.below(10)
    selector["Alternates"].append(cut.clip(b, 0, 10))
    cut.show(cut.stack(cut.row(cut.clip(a, 0, 10)), cut.row(selector)))
    assert rows(cut.read()) == [("A", 0, 10, 0)]


def test_nested_sequences_and_subclips(cut: Any) -> None:
    a, b = cut.media("A"), cut.media("B")
    inner = cut.composition("Inner")
    cut.show(cut.row(cut.clip(a, 0, 20), cut.clip(b, 50, 20)), inner)
    sub = cut.composition("Sub of B", "Usage_SubClip")
    cut.show(cut.clip(b, 100, 60), sub)
    cut.show(cut.row(cut.clip(inner, 15, 10), cut.clip(sub, 5, 10)))
    assert rows(cut.read()) == [("A", 0, 5, 15), ("B", 5, 10, 50), ("Sub of B", 10, 20, 105)]


def test_nest_of_another_rate(cut_at: Callable[[str], Any]) -> None:
    cut = cut_at("25/1")
    a = cut.media("A", rate="50/1")
    inner = cut.composition("Inner")
    cut.show(cut.row(cut.clip(a, 0, 20), cut.clip(a, 100, 20)), inner, "50/1")
    cut.show(cut.row(cut.clip(inner, 5, 10)))
    assert rows(cut.read()) == [("A", 0, 5, 10), ("A", 5, 10, 100)]


def test_still_pictures_are_held(cut: Any) -> None:
    a = cut.media("A", 2880)
    mob = next(m for m in cut.file.content.mobs if m.name == "A.PHYS")
    mob.descriptor["Length"].value = 1
    cut.show(cut.row(cut.clip(a, 1000, 12)))
    shot = cut.read().shots[0]
    assert (shot.speed, shot.source and shot.source.start) == (0, 0)


def test_pulldown_to_a_tape(cut: Any) -> None:
    tape = cut.tape("T", 108000, fps=30, rate="30/1")
    a = cut.media("A")
    pulldown = cut.make.Pulldown("picture", 240)
    pulldown["PulldownKind"].value, pulldown["PulldownDirection"].value = "TwoThreePD", "TapeToFilmSpeed"
    pulldown["PhaseFrame"].value = 0
    pulldown["InputSegment"].value = cut.clip(tape, 150, 300)
    next(m for m in cut.file.content.mobs if m.name == "A.PHYS").slots[0].segment = pulldown
    cut.show(cut.row(cut.clip(a, 24, 24)))
    assert cut.read().shots[0].id == "T@01:00:06:00"


def test_clips_without_media_are_gaps(cut: Any) -> None:
    a = cut.media("A")
    lost = cut.clip(a, 0, 10)
    lost.mob_id = cut.make.MasterMob("gone").mob_id
    cut.show(cut.row(cut.clip(a, 0, 10), lost, cut.make.SourceClip(0, 10, media_kind="picture")))
    reel = cut.read()
    assert rows(reel) == [("A", 0, 10, 0), ("gap", 10, 30, None)]
    assert any("does not hold the media" in remark for remark in reel.remarks)


def test_several_sequences_are_named(cut: Any) -> None:
    a = cut.media("A")
    cut.show(cut.row(cut.clip(a, 0, 10)))
    cut.show(cut.row(cut.clip(a, 0, 10)), cut.composition("Reel 2", "Usage_TopLevel"))
    with pytest.raises(TimelineError, match=r"2 sequences: 1 'Cut', 2 'Reel 2'\. Choose one with --sequence"):
        cut.read()


def test_the_sequence_that_nobody_refers_to(cut: Any) -> None:
    a = cut.media("A")
    whole = cut.composition("Whole", "Usage_TopLevel")
    cut.show(cut.row(cut.clip(a, 0, 10)))
    cut.show(cut.row(cut.clip(cut.sequence, 2, 5)), whole)
    reel = cut.read()
    assert (reel.name, rows(reel)) == ("Whole", [("A", 0, 5, 2)])


def test_circles_are_refused(cut: Any) -> None:
    inner = cut.composition("Inner")
    cut.show(cut.row(cut.clip(inner, 0, 10)), inner)
    cut.show(cut.row(cut.clip(inner, 0, 10)))
    with pytest.raises(TimelineError, match="'Inner' is nested in itself"):
        cut.read()


def test_media_in_a_circle_are_refused(cut: Any) -> None:
    a = cut.media("A")
    next(m for m in cut.file.content.mobs if m.name == "A.PHYS").slots[0].segment = cut.clip(a, 0, 240)
    cut.show(cut.row(cut.clip(a, 0, 10)))
    with pytest.raises(TimelineError, match="'A' refer to one another in a circle"):
        cut.read()


def test_deep_nests_are_refused(cut: Any) -> None:
    segment = cut.clip(cut.media("A"), 0, 10)
    for _ in range(80):
        segment = cut.row(segment)
    cut.show(segment)
    with pytest.raises(TimelineError, match="nested too deeply"):
        cut.read()


def test_no_pictures(cut: Any) -> None:
    cut.sequence.create_sound_slot("24/1")
    with pytest.raises(TimelineError, match="no picture track"):
        cut.read()


def test_a_rate_that_counts_otherwise_is_refused(cut: Any) -> None:
    cut.show(cut.row(cut.clip(cut.media("A"), 0, 10)))
    with pytest.raises(TimelineError, match="runs at 24 fps, not at 25"):
        cut.read(Fraction(25))


def test_the_exact_rate_may_be_given(cut: Any) -> None:
    cut.show(cut.row(cut.clip(cut.media("A"), 0, 10)))
    reel = cut.read(Fraction(24000, 1001))
    assert reel.rate == source_of(reel).rate == Fraction(24000, 1001)


def test_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aaf2", None)
    (tmp_path / "x.aaf").write_bytes(b"x")
    with pytest.raises(InstallationError, match=r'pip install "vsfilmrestore\[aaf\]"'):
        timeline.read(tmp_path / "x.aaf")


def test_the_library_is_loaded_late() -> None:
    source = Path(timeline.__file__).parent
    for module in source.glob("*.py"):
        assert not any(line.startswith(("import aaf2", "from aaf2")) for line in module.read_text().splitlines())


def test_a_sequence_is_chosen_by_name(cut: Any) -> None:
    a = cut.media("A")
    cut.show(cut.row(cut.clip(a, 0, 10)))
    cut.show(cut.row(cut.clip(a, 0, 7)), cut.composition("Reel 2", "Usage_TopLevel"))
    path = cut.save()
    assert [len(timeline.read(path, sequence=name)) for name in ("Cut", "reel 2", "2")] == [10, 7, 7]
