"""FCP 7 XML, FCPXML and AAF written and read again: speeds, curves, transitions, markers, settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vsfilmrestore import timeline
from vsfilmrestore.errors import TimelineError, UsageError
from vsfilmrestore.timeline import FrameRange, Marker, Reel, SettingNote, Shot, SourceKey, Strength, Transition
from vsfilmrestore.timeline.curve import Curve
from vsfilmrestore.timeline.writer import WRITERS, Extras, MediaFacts, fcp7_text, fcpxml_text, write

R24 = Fraction(24)
RATES = [R24, Fraction(25), Fraction(24_000, 1001), Fraction(30_000, 1001), Fraction(60)]
SPEEDS = [Fraction(1), Fraction(2), Fraction(1, 2), Fraction(1, 3), Fraction(119, 60), Fraction(0), Fraction(-1)]
SPEEDS += [Fraction(-2), Fraction(-1, 2)]
FORMATS = [".xml", ".fcpxml", ".aaf"]


def source(i: int, start: int, rate: Fraction = R24, *, drop: bool = False) -> SourceKey:
    return SourceKey(f"c{i}.mov", f"R{i}", f"/m/c{i}.mov", start, rate, True, FrameRange(80_000, 220_000), drop)


@st.composite
def reels(draw: st.DrawFn) -> Reel:
    rate = draw(st.sampled_from(RATES))
    drop = rate.denominator == 1001 and rate > 29
    shots: list[Shot] = []
    at = 0
    for i in range(draw(st.integers(1, 5))):
        record = FrameRange(at, at + draw(st.integers(2, 40)))
        at = record.stop
        before = shots[-1] if shots else None
        if before is not None and before.source is not None and not draw(st.integers(0, 4)):
            shots.append(Shot("gap", record, None))
            continue
        medium = source(i, draw(st.integers(100_000, 200_000)), rate, drop=drop)
        shot = Shot(f"shot {i}", record, medium, draw(st.sampled_from(SPEEDS)))
        if before is not None and before.source is not None and before.speed > 0 and draw(st.booleans()):
            frames = FrameRange(record.start, record.start + draw(st.integers(2, len(record))))
            place = before.source.start + before.phase + len(before.record) * before.speed
            tail = replace(before.source, start=place.numerator // place.denominator)
            fading = Shot(before.name, frames, tail, before.speed, phase=place - tail.start)
            shot = replace(shot, transition=Transition("dissolve", fading))
        words = draw(st.sampled_from(["", "heavy dust=0.8", "off"]))
        if words:
            shot = replace(shot, notes=(SettingNote(words, Strength.NOTE, "x"),))
        shots.append(shot)
    return Reel("A reel", rate, tuple(shots), draw(st.integers(1, 200_000)), drop)


def side(shot: Shot, rate: Fraction) -> object:
    if shot.source is None:
        return None
    frames = [shot.source_frame(i, rate) for i in range(shot.record.start, shot.record.stop)]
    return shot.source.reel, shot.source.available, shot.source.drop, frames


def essence(reel: Reel) -> list[object]:
    shots = reel.shots if reel.shots[-1].source is not None else reel.shots[:-1]
    head = (reel.name, reel.rate, reel.start, reel.drop)
    return [head] + [
        (
            shot.record,
            shot.source and shot.name,
            side(shot, reel.rate),
            [note.text for note in shot.notes],
            shot.transition and (shot.transition.kind, side(shot.transition.outgoing, reel.rate)),
        )
        for shot in shots
    ]


@pytest.mark.parametrize("suffix", FORMATS)
def test_round_trip(tmp_path: Path, suffix: str) -> None:
    @settings(max_examples=25 if suffix == ".aaf" else 80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(reel=reels())
    def check(reel: Reel) -> None:
        write(reel, tmp_path / f"x{suffix}")
        again = timeline.read(tmp_path / f"x{suffix}", rate=reel.rate)
        assert essence(again) == essence(reel)

    check()


def one(**more: object) -> Reel:
    notes = (SettingNote("heavy", Strength.CLIP_MARKER, "x"), SettingNote("off", Strength.NOTE, "x"))
    shot = Shot("opening", FrameRange(0, 48), source(1, 90_000), notes=notes, comments=("* ASC_SAT 0.9",))
    marks = (Marker("look", "at the hair", "RED", FrameRange(3, 4)), Marker("reel change", "", "", FrameRange(20, 30)))
    return replace(Reel("r", R24, (shot,), 86_400, markers=marks), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", WRITERS)
def test_markers_stand_where_they_stood(tmp_path: Path, suffix: str) -> None:
    remarks = write(one(), tmp_path / f"x{suffix}")
    again = timeline.read(tmp_path / f"x{suffix}", rate=24)
    assert {note.text for note in again.shots[0].notes} == {"heavy", "off"}
    marks = {m.frames.start: f"{m.name} {m.note}".strip() for m in again.markers if "VSFR" not in m.name + m.note}
    assert marks == {3: "look at the hair", 20: "reel change"}
    colours = {m.frames.start: m.colour.upper() for m in again.markers}
    assert colours[3] == "RED" or any("colour" in remark for remark in remarks)
    ends = {m.frames.start: m.frames.stop for m in again.markers}
    assert ends[20] == 30 or any("no length" in remark for remark in remarks)


@pytest.mark.parametrize("suffix", [".xml", ".fcpxml", ".aaf", ".otio"])
@pytest.mark.parametrize("falls", [False, True])
def test_a_speed_that_changes(tmp_path: Path, suffix: str, falls: bool) -> None:
    places = [(0, 90_000), (24, 90_012), (48, 90_060)]
    knots = [(Fraction(t), Fraction(180_000 - p if falls else p)) for t, p in places]
    base = one(markers=())
    low = int(min(place for _, place in knots))
    speed = (knots[-1][1] - knots[0][1]) / 48
    shot = replace(base.shots[0], source=source(1, low), curve=Curve(tuple(knots)), speed=speed, notes=())
    write(replace(base, shots=(shot,)), tmp_path / f"x{suffix}")
    (again,) = timeline.read(tmp_path / f"x{suffix}").shots
    assert side(again, R24) == side(shot, R24)


def test_an_edl_refuses_a_speed_that_changes() -> None:
    knots = ((Fraction(0), Fraction(90_000)), (Fraction(24), Fraction(90_012)), (Fraction(48), Fraction(90_060)))
    shot = replace(one().shots[0], curve=Curve(knots))
    with pytest.raises(TimelineError, match=r"opening.*changes along the shot.*Write OTIO or FCPXML"):
        timeline.edl_text(replace(one(), shots=(shot,)))


def test_fcp7_as_the_format_wants_it() -> None:
    extras = Extras({"/m/c1.mov": MediaFacts(2048, 1556)})
    text, remarks = fcp7_text(one(), extras)
    assert remarks == ()
    root = ElementTree.fromstring(text)
    value = root.findtext
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>')
    assert value("sequence/timecode/string") == "01:00:00:00"
    file = "sequence/media/video/track/clipitem/file"
    assert value(f"{file}/pathurl") == "file://localhost/m/c1.mov"
    assert (value(f"{file}/timecode/frame"), value(f"{file}/timecode/reel/name")) == ("80000", "R1")
    assert value(f"{file}/media/video/samplecharacteristics/width") == "2048"
    clip = root.find("sequence/media/video/track/clipitem")
    assert clip is not None
    assert [clip.findtext(name) for name in ("start", "end", "in", "out")] == ["0", "48", "10000", "10048"]
    assert clip.findtext("logginginfo/lognote") == "* ASC_SAT 0.9"
    assert clip.findtext("comments/mastercomment1") == "VSFR off"
    assert [m.findtext("name") for m in root.findall("sequence/marker")] == ["look", "reel change"]


def test_fcp7_has_no_odd_rates() -> None:
    with pytest.raises(TimelineError, match=r"cannot say 12\.5 fps"):
        fcp7_text(replace(one(), rate=Fraction(25, 2)))


def test_fcpxml_counts_in_exact_seconds() -> None:
    rate = Fraction(24_000, 1001)
    shot = replace(one().shots[0], source=source(1, 90_000, rate))
    text, _ = fcpxml_text(replace(one(), rate=rate, shots=(shot,)))
    root = ElementTree.fromstring(text)
    sequence = root.find("library/event/project/sequence")
    asset, form = root.find("resources/asset"), root.find("resources/format")
    assert sequence is not None
    assert asset is not None
    assert form is not None
    assert form.get("frameDuration") == "1001/24000s"
    assert (sequence.get("tcStart"), sequence.get("duration")) == ("18018/5s", "1001/500s")
    clip = root.find("library/event/project/sequence/spine/asset-clip")
    assert clip is not None
    assert [child.tag for child in clip] == ["note", "marker", "marker", "marker"]
    assert (clip.get("start"), asset.get("start")) == ("15015/4s", "10010/3s")
    media = asset.find("media-rep")
    assert media is not None
    assert media.get("src") == "file:///m/c1.mov"


def test_a_dissolve_is_centred_on_its_cut_in_fcpxml() -> None:
    first = replace(one().shots[0], notes=())
    fading = replace(first, record=FrameRange(48, 58), source=source(1, 90_048))
    second = Shot("b", FrameRange(48, 96), source(2, 95_000), transition=Transition("dissolve", fading))
    text, _ = fcpxml_text(replace(one(), shots=(first, second), markers=()))
    spine = ElementTree.fromstring(text).find("library/event/project/sequence/spine")
    assert spine is not None
    facts = [(item.tag, item.get("offset"), item.get("duration")) for item in spine]
    assert facts == [
        ("asset-clip", "3600s", "53/24s"),
        ("transition", "3602s", "5/12s"),
        ("asset-clip", "86453/24s", "43/24s"),
    ]


def test_paths_of_all_systems_become_addresses(tmp_path: Path) -> None:
    for url, address in (
        ("D:\\scans\\a b.mov", "file:///D:/scans/a%20b.mov"),
        ("\\\\nas\\scans\\a.mov", "file://nas/scans/a.mov"),
        ("/Volumes/R#1/ä.mov", "file:///Volumes/R%231/%C3%A4.mov"),
        ("file:///x/y%20z.mov", "file:///x/y%20z.mov"),
    ):
        shot = replace(one().shots[0], source=replace(source(1, 90_000), url=url))
        text, _ = fcpxml_text(replace(one(), shots=(shot,)))
        assert f'src="{address}"' in text


def test_names_with_anything_in_them(tmp_path: Path) -> None:
    name = 'R1 <"&\x07> ]]> ü'
    shot = replace(one().shots[0], name=name)
    for suffix in (".xml", ".fcpxml", ".otio", ".aaf"):
        write(replace(one(), name=name, shots=(shot,)), tmp_path / f"x{suffix}")
        again = timeline.read(tmp_path / f"x{suffix}")
        assert again.shots[0].name.replace("\x07", "") == name.replace("\x07", "")


def test_unknown_formats(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'\.ale' is not a cut list we write. Use \.otio"):
        write(one(), tmp_path / "x.ale")
    with pytest.raises(UsageError, match=r"goes with an \.otio file"):
        write(one(), tmp_path / "x.edl", schema="0.15")


@pytest.mark.footage
@pytest.mark.parametrize("suffix", WRITERS)
def test_real_cut_lists_in_every_format(footage: Callable[[str], Path], tmp_path: Path, suffix: str) -> None:
    """A few of each system; all of them are in ``scripts/bench/timelines_roundtrip.py``."""
    for name in (
        "edl_features/INS4_R1_010417.edl",
        "cmx3600/speed_effects_small.edl",
        "otio/premiere_example.otio",
        "fcp7xml/premiere_example.xml",
        "fcpxml/TransitionMarkers1.fcpxml",
        "aaf/marker-over-transition.aaf",
    ):
        try:
            reel = timeline.read(footage(f"timelines/{name}"))
        except TimelineError:
            continue
        write(reel, tmp_path / f"x{suffix}")
        again = timeline.read(tmp_path / f"x{suffix}", rate=reel.rate)
        for old, new in zip(reel.shots, again.shots, strict=True):
            assert old.record == new.record
            assert (old.source is None) == (new.source is None)
            if old.source is not None and new.source is not None:
                assert side(old, reel.rate)[3] == side(new, reel.rate)[3]  # type: ignore[index]


@pytest.mark.parametrize("suffix", [".otio", ".aaf", ".xml", ".fcpxml"])
def test_media_of_another_rate_play_in_time(tmp_path: Path, suffix: str) -> None:
    """29.97 in 30 counts alike, and is not the same."""
    medium = replace(source(1, 90_000, Fraction(30_000, 1001)), has_timecode=True)
    shot = Shot("long", FrameRange(0, 2000), medium)
    reel = Reel("r", Fraction(30), (shot,), 108_000)
    write(reel, tmp_path / f"x{suffix}")
    (again,) = timeline.read(tmp_path / f"x{suffix}").shots
    assert [again.source_frame(k, reel.rate) for k in range(2000)] == [
        shot.source_frame(k, reel.rate) for k in range(2000)
    ]


@pytest.mark.parametrize("first", range(20, 30))
@pytest.mark.parametrize("rates", ["25 24", "25 30000/1001", "50 24", "30000/1001 24", "18 24"])
@pytest.mark.parametrize("suffix", [".otio", ".aaf", ".xml", ".fcpxml"])
def test_media_of_another_rate_begin_at_any_frame_of_theirs(
    tmp_path: Path, suffix: str, rates: str, first: int
) -> None:
    """Their frames mostly begin between two of the sequence."""
    own, rate = map(Fraction, rates.split())
    medium = replace(source(1, 3600 * 25 + first, own), available=FrameRange(3600 * 25, 3600 * 25 + 500))
    if suffix == ".xml" and own == 18:
        pytest.skip("there is no such rate in the format")
    shot = Shot("mixed", FrameRange(0, 60), medium)
    write(Reel("r", rate, (shot,), 0), tmp_path / f"x{suffix}")
    (again,) = timeline.read(tmp_path / f"x{suffix}").shots
    assert again.source is not None
    assert [again.source_frame(k, rate) for k in range(60)] == [shot.source_frame(k, rate) for k in range(60)]
