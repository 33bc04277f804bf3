"""Cut lists out and in again: the same shots come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vsfilmrestore import timeline
from vsfilmrestore.errors import OutputError, TimelineError
from vsfilmrestore.timeline import (
    FrameRange,
    Marker,
    Reel,
    SettingNote,
    Shot,
    SourceKey,
    Strength,
    Transition,
    edl_text,
    otio_text,
    write_edl,
    write_otio,
)

R24 = Fraction(24)
RATES = [R24, Fraction(25), Fraction(18), Fraction(24_000, 1001), Fraction(30_000, 1001), Fraction(48)]
SPEEDS = [Fraction(1), Fraction(2), Fraction(1, 2), Fraction(1, 3), Fraction(119, 60), Fraction(0)]
SPEEDS += [-speed for speed in SPEEDS if speed]


@st.composite
def reels(draw: st.DrawFn) -> Reel:
    rate = draw(st.sampled_from(RATES))
    drop = rate.denominator == 1001 and rate > 29
    shots: list[Shot] = []
    at = 0
    for i in range(draw(st.integers(1, 6))):
        record = FrameRange(at, at + draw(st.integers(1, 60)))
        at = record.stop
        name = f"clip {i}"
        source = None
        if not shots or draw(st.integers(0, 4)):
            start = draw(st.integers(90_000, 200_000))
            url = draw(st.sampled_from(["", f"/scans/{i}.mov"]))
            source = SourceKey(name, draw(st.sampled_from(["A001", f"B{i}"])), url, start, rate, True, None, drop)
        elif shots[-1].source is None:
            continue
        shot = Shot(name, record, source) if source else Shot("gap", record, None)
        if source:
            shot = replace(shot, speed=draw(st.sampled_from(SPEEDS)))
            words = draw(st.sampled_from(["", "heavy dust=0.8", "off", "same stab=0.5"]))
            if words:
                shot = replace(shot, notes=(SettingNote(words, Strength.NOTE, "x"),))
            before = shots[-1] if shots else None
            if before and before.source and before.speed > 0 and draw(st.booleans()):
                frames = FrameRange(record.start, record.start + draw(st.integers(1, len(record))))
                tail = replace(before.source, start=before.source_at(len(before.record), rate))
                if before.speed.denominator == 1:
                    outgoing = Shot(before.name, frames, tail, before.speed)
                    shot = replace(
                        shot, transition=Transition(draw(st.sampled_from(["dissolve", "wipe 003"])), outgoing)
                    )
        shots.append(shot)
    return Reel("A reel", rate, tuple(renumbered(shots)), draw(st.integers(0, 200_000)), drop)


def renumbered(shots: list[Shot]) -> list[Shot]:
    """Shots that touch, after some were left out."""
    at, result = 0, []
    for shot in shots:
        by = at - shot.record.start
        moved = replace(shot, record=FrameRange(shot.record.start + by, shot.record.stop + by))
        if moved.transition:
            record = moved.transition.outgoing.record
            outgoing = replace(moved.transition.outgoing, record=FrameRange(record.start + by, record.stop + by))
            moved = replace(moved, transition=replace(moved.transition, outgoing=outgoing))
        result.append(moved)
        at = moved.record.stop
    return result


def essence(reel: Reel) -> list[object]:
    """What must survive: the frames shown, where they come from, transitions and settings."""

    def side(shot: Shot) -> object:
        if shot.source is None:
            return None
        frames = [shot.source_frame(i, reel.rate) for i in range(shot.record.start, shot.record.stop)]
        return shot.source.reel, shot.source.url, shot.source.name, shot.source.drop, shot.speed, frames

    head = (reel.name, reel.rate, reel.start, reel.drop)
    return [head] + [
        (
            shot.record,
            side(shot),
            [note.text for note in shot.notes],
            shot.transition and (shot.transition.kind, shot.transition.outgoing.record, side(shot.transition.outgoing)),
        )
        for shot in reel.shots
    ]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reel=reels())
def test_edl_round_trip(tmp_path: Path, reel: Reel) -> None:
    reel = reel if reel.shots[-1].source else reel.with_shots(reel.shots[:-1])
    assert write_edl(reel, tmp_path / "x.edl") == ()
    again = timeline.read(tmp_path / "x.edl", rate=reel.rate)
    assert essence(again) == essence(reel)
    assert [shot.id for shot in again.shots] == [shot.id for shot in reel.shots]
    assert edl_text(again)[0] == edl_text(reel)[0]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reel=reels())
def test_otio_round_trip(tmp_path: Path, reel: Reel) -> None:
    assert write_otio(reel, tmp_path / "x.otio") == ()
    again = timeline.read(tmp_path / "x.otio")
    assert essence(again) == essence(reel)
    assert [shot.id for shot in again.shots] == [shot.id for shot in reel.shots]
    assert [[note.strength for note in s.notes] for s in again.shots] == [
        [note.strength for note in s.notes] for s in reel.shots
    ]


def plain(*shots: Shot, **more: object) -> Reel:
    return Reel("r", R24, tuple(shots), 86_400, **more)  # type: ignore[arg-type]


def shot(**more: object) -> Shot:
    source = SourceKey("c", "A1", "/m/c.mov", 100, R24, False, FrameRange(0, 500))
    return Shot("c", FrameRange(0, 50), source, handles=(100, 350), **more)  # type: ignore[arg-type]


def test_otio_keeps_what_an_edl_cannot(tmp_path: Path) -> None:
    notes = (
        SettingNote("heavy", Strength.CLIP_MARKER, "x"),
        SettingNote("dust=1", Strength.TIMELINE_MARKER, "x", frames=FrameRange(10, 20)),
        SettingNote("off", Strength.NOTE, "x"),
    )
    marks = (Marker("look", "here", "RED", FrameRange(3, 4)),)
    comments = ("* ASC_SAT 0.9",)
    reel = plain(shot(notes=notes, speed=Fraction(1, 2), phase=Fraction(1, 2), comments=comments), markers=marks)
    write_otio(reel, tmp_path / "x.otio")
    again = timeline.read(tmp_path / "x.otio")
    (first,) = again.shots
    assert [(n.text, n.strength, n.frames) for n in first.notes] == [(n.text, n.strength, n.frames) for n in notes]
    assert (first.source, first.phase, first.comments) == (reel.shots[0].source, Fraction(1, 2), comments)
    assert first.handles == (100, 374)
    marks_again = [m for m in again.markers if "VSFR" not in m.name]
    assert [(m.name, m.note, m.colour, m.frames) for m in marks_again] == [("look", "here", "RED", FrameRange(3, 4))]
    text, remarks = edl_text(reel)
    assert [remark.partition(": ")[2] or remark for remark in remarks] == [
        "starts between two source frames, which an EDL cannot say",
        "counted from the first frame of the file, which an EDL writes as timecode",
        "an EDL does not tell how long its media are",
        "name and note of a marker are one text in an EDL",
        "'VSFR dust=1' at 01:00:00:10 is for a part of the shot; an EDL cannot say so",
    ]
    assert "* ASC_SAT 0.9" in text
    assert "dust=1" not in text


def test_ranges_on_reversed_shots(tmp_path: Path) -> None:
    note = SettingNote("dust=1", Strength.CLIP_MARKER, "x", frames=FrameRange(10, 20))
    write_otio(plain(shot(notes=(note,), speed=Fraction(-1))), tmp_path / "x.otio")
    assert timeline.read(tmp_path / "x.otio").shots[0].notes[0].frames == FrameRange(10, 20)


def test_our_words_stand_under_one_name_in_otio() -> None:
    data = otio.adapters.read_from_string(otio_text(plain(shot()))[0], "otio_json")
    (clip,) = data.find_clips()
    assert set(clip.metadata) == {"vsfilmrestore"}
    assert clip.media_reference.target_url == "/m/c.mov"
    assert otio.opentime.to_timecode(data.global_start_time) == "01:00:00:00"


def test_an_edl_as_it_is_written(tmp_path: Path) -> None:
    fade = Transition("dissolve", replace(shot(), record=FrameRange(50, 60), source=replace(shot().source, start=150)))
    second = Shot("d", FrameRange(50, 80), SourceKey("d", "B 1", "", 0, R24), Fraction(2), transition=fade)
    marked = shot(notes=(SettingNote("heavy", Strength.CLIP_MARKER, "x"), SettingNote("off", Strength.NOTE, "x")))
    text, remarks = edl_text(plain(marked, second))
    assert [" ".join(line.split()) for line in text.splitlines()] == [
        "TITLE: r",
        "FCM: NON-DROP FRAME",
        "001 A1 V C 00:00:04:04 00:00:06:06 01:00:00:00 01:00:02:02",
        "* FROM CLIP NAME: c",
        "* SOURCE FILE: /m/c.mov",
        "* LOC: 01:00:00:00 WHITE VSFR heavy",
        "* COMMENT: VSFR off",
        "002 A1 V C 00:00:06:06 00:00:06:06 01:00:02:02 01:00:02:02",
        "002 B_1 V D 010 00:00:00:00 00:00:02:12 01:00:02:02 01:00:03:08",
        "M2 B_1 0048.0 00:00:00:00",
        "* FROM CLIP NAME: c",
        "* TO CLIP NAME: d",
        "* FROM FILE: /m/c.mov",
        "* REEL: B 1",
    ]
    assert [remark for remark in remarks if "long its media" not in remark and "counted from" not in remark] == []


def test_what_fades_away_must_be_the_shot_before_in_otio() -> None:
    other = Shot("z", FrameRange(0, 10), SourceKey("z", "Z", "", 7, R24))
    _, remarks = otio_text(plain(shot(transition=Transition("dissolve", other))))
    assert "not the shot before" in remarks[0]


def test_an_edl_has_one_rate() -> None:
    odd = replace(shot(), source=replace(shot().source, rate=Fraction(25)))
    with pytest.raises(TimelineError, match="counts 25 fps and the reel 24"):
        edl_text(plain(odd))


def test_an_edl_plays_media_of_a_rate_that_counts_alike_frame_for_frame_and_says_so() -> None:
    odd = replace(shot(), source=replace(shot().source, rate=Fraction(24000, 1001)))
    assert "c: media of another rate that counts alike are played frame for frame by an EDL" in edl_text(plain(odd))[1]
    assert not any("another rate" in remark for remark in edl_text(plain(shot()))[1])


@pytest.mark.parametrize("write", [write_edl, write_otio])
def test_a_file_that_cannot_be_written(tmp_path: Path, write: Callable[[Reel, Path], object]) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(OutputError, match="cannot write"):
        write(plain(shot()), tmp_path / "file" / "x.edl")
    (tmp_path / "dir").mkdir()
    with pytest.raises(OutputError, match="folder of that name is in the way"):
        write(plain(shot()), tmp_path / "dir")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dir", "file"]
