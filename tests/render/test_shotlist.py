"""The shot list: what it tells, and that it decides the same again."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vsfilmrestore.errors import OutputError
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.decide import Decision, decide
from vsfilmrestore.render.shotlist import COLUMNS, shot_rows, write_shotlist_csv, write_shotlist_toml
from vsfilmrestore.render.sidecar import Sidecar
from vsfilmrestore.timeline.model import CutList, FrameRange, Marker, SettingNote, Shot, SourceKey, Strength
from vsfilmrestore.timeline.notes import with_markers

ARCHIVE = Recipe.preset("archive")
RATE = Fraction(24)


def note(text: str, line: int = 5, frames: tuple[int, int] | None = None) -> SettingNote:
    return SettingNote(text, Strength.NOTE, "cut.edl", line, None, FrameRange(*frames) if frames else None)


def shot(start: int, source: int, *notes: SettingNote, **facts: Any) -> Shot:
    key = SourceKey("c.mov", 'R"1\\', "", source, RATE)
    known = {"name": f"shot {start}", "record": FrameRange(start, start + 48), "source": key, "notes": notes}
    return Shot(**(known | facts))


def cut(*shots: Shot) -> CutList:
    return CutList("Täst", RATE, shots, start=86400, file="cut.edl")


CUT = with_markers(
    cut(
        shot(0, 86400, note("remaster dust=0.9 dust.only=0,0,9,9+10%,0%,20%,5%"), event="001"),
        shot(48, 86400, note("off", 7)),
        Shot("gap", FrameRange(96, 144), None),
        shot(144, 90000, note("archive", 9), note("scratch=off", 10, (150, 160)), speed=Fraction(-1)),
        shot(192, 95000, note("dust=0.3", 12), note("off", 13, (200, 230)), colour="Iris"),
        shot(240, 99000, note("wires.path=1,2+3,4", 14), colour="Iris", speed=Fraction(1, 2)),
        shot(288, 99900, note("same stab=0.2", 14)),
    ),
    [
        Marker("VSFR key dust=0.2", "", "", FrameRange(195, 196), "m.edl", 3),
        Marker("VSFR key dust=0.8 stab=0.5", "", "", FrameRange(225, 226), "m.edl", 4),
        Marker("VSFR key stab=0.1", "", "", FrameRange(235, 236), "m.edl", 5),
    ],
)
ASIDE = Sidecar(colours={"iris": "remaster"})


def same(a: Sequence[Decision], b: Sequence[Decision]) -> bool:
    def facts(decisions: Sequence[Decision]) -> list[Any]:
        found: list[Any] = []
        for each in decisions:
            frames = [key for part in each.parts for key in [part.recipe.key()] * len(part.frames)]
            found.append(frames if each.shot.source is not None else None)
        return found

    return facts(a) == facts(b)


def bare(reel: CutList) -> CutList:
    """The cut as if nobody had written anything into it."""
    return replace(reel, markers=(), shots=tuple(replace(each, notes=(), colour="") for each in reel.shots))


def test_read_back_it_decides_the_same(tmp_path: Path) -> None:
    decisions = decide(CUT, ARCHIVE, ASIDE)
    write_shotlist_toml(tmp_path / "shots.toml", CUT, decisions)
    listed = Sidecar.read(tmp_path / "shots.toml")
    assert same(decide(bare(CUT), Recipe.preset("tape"), listed), decisions)
    again = decide(CUT, ARCHIVE, replace(listed, colours=ASIDE.colours))
    assert same(again, decisions)
    assert [each.keys and each.keys[0].words for each in again] == [
        each.keys and each.keys[0].words for each in decisions
    ]


WORDS = st.sampled_from(
    ["remaster", "off", "same", "dust=0.9", "dust=keep", "archive grain=0.25", "stab.edges=zoom", "dust.only=1,2,3,4"]
)
SPANS = st.tuples(st.integers(0, 47), st.integers(1, 48)).map(lambda each: (each[0], each[0] + each[1]))
NOTES = st.lists(
    st.one_of(
        st.tuples(WORDS, st.none()),
        st.tuples(WORDS, SPANS),
        st.tuples(st.sampled_from(["key dust=0.1", "key dust=0.8", "key stab=0.3 dust=0.4"]), SPANS),
    ),
    max_size=5,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(NOTES, min_size=1, max_size=3), st.sampled_from([Fraction(1), Fraction(-1), Fraction(5, 3), Fraction(0)])
)
def test_any_words_come_back(tmp_path: Path, notes: list[list[Any]], speed: Fraction) -> None:
    shots = []
    for i, written in enumerate(notes):
        start = i * 48
        made = []
        for text, span in written:
            frames = None if span is None else FrameRange(start + span[0], min(start + span[1], start + 48))
            if frames is not None and not len(frames):
                continue
            strength = Strength.TIMELINE_MARKER if text.startswith("key") else Strength.NOTE
            made.append(SettingNote(text, strength, "cut.edl", 3, None, frames))
        made.sort(key=lambda each: each.strength is Strength.NOTE)
        shots.append(shot(start, 86400 + 100 * (i % 2), *made, speed=speed))
    reel = cut(*shots)
    decisions = decide(reel, ARCHIVE)
    write_shotlist_toml(tmp_path / "s.toml", reel, decisions)
    assert same(decide(bare(reel), ARCHIVE, Sidecar.read(tmp_path / "s.toml")), decisions)
    assert same(decide(reel, ARCHIVE, Sidecar.read(tmp_path / "s.toml")), decisions)


def test_the_toml_is_told_to_people_too(tmp_path: Path) -> None:
    write_shotlist_toml(
        tmp_path / "s.toml", CUT, decide(CUT, ARCHIVE, ASIDE), [None, tmp_path / "t" / "a.jpg", *[None] * 5]
    )
    shots = tomllib.loads((tmp_path / "s.toml").read_text())["shots"]
    first = shots['R"1\\@01:00:00:00#1']
    assert first["settings"] == "remaster dust=0.9 dust.only=0,0,9,9+10%,0%,20%,5%"
    assert first["about"] == {
        "name": "shot 0",
        "event": "001",
        "record_in": "01:00:00:00",
        "record_out": "01:00:02:00",
        "source": 'R"1\\',
        "source_in": "01:00:00:00",
        "source_out": "01:00:02:00",
        "origin": "cut.edl:5 (note)",
    }
    assert shots['R"1\\@01:00:00:00#2']["about"]["thumbnail"] == "t/a.jpg"
    assert shots['R"1\\@01:02:30:00']["ranges"][0]["in"] == "01:02:31:08"  # backwards


def test_the_csv_has_a_row_for_everything(tmp_path: Path) -> None:
    write_shotlist_csv(tmp_path / "s.csv", CUT, decide(CUT, ARCHIVE, ASIDE))
    with (tmp_path / "s.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["kind"] for row in rows] == [
        *["shot"] * 4,
        "range",
        "shot",
        "range",
        "key",
        "key",
        "key",
        "shot",
        "shot",
    ]
    gap = rows[2]
    assert (gap["source"], gap["settings"], gap["record_in"]) == ("black", "", "01:00:04:00")
    ranged = rows[4]
    assert (ranged["record_in"], ranged["record_out"]) == ("01:00:06:06", "01:00:06:16")
    assert ranged["settings"] == "archive scratch=off"
    keys = [row for row in rows if row["kind"] == "key"]
    assert [row["settings"] for row in keys] == ["key dust=0.2", "key dust=0.8 stab=0.5", "key stab=0.1"]
    assert keys[0]["origin"] == "m.edl:3 (timeline marker)"


def test_origins_are_gathered_by_place(tmp_path: Path) -> None:
    reel = cut(shot(0, 86400, note("dust=0.9 dust.max_size=20")))
    ((row,),) = shot_rows(reel, decide(reel, ARCHIVE))
    assert row.origin == "cut.edl:5 (note): dust dust.max_size; archive (default): frames stab flicker scratch"


def test_a_name_is_no_formula(tmp_path: Path) -> None:
    reel = cut(shot(0, 86400, name="=cmd|' /C calc'!A0"))
    write_shotlist_csv(tmp_path / "s.csv", reel, decide(reel, ARCHIVE))
    assert ",'=cmd|" in (tmp_path / "s.csv").read_text()


def test_a_recipe_without_words_says_so(tmp_path: Path) -> None:
    reel = cut(shot(0, 86400))
    decisions = decide(reel, ARCHIVE.ordered(["deflicker", "stabilize"]))
    write_shotlist_toml(tmp_path / "s.toml", reel, decisions)
    (row,) = tomllib.loads((tmp_path / "s.toml").read_text())["shots"].values()
    assert "settings" not in row
    assert "marker words cannot say" in row["about"]["warnings"]


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    (tmp_path / "s.toml").mkdir()
    with pytest.raises(OutputError):
        write_shotlist_toml(tmp_path / "s.toml", CUT, decide(CUT, ARCHIVE, ASIDE))
    assert [path.name for path in tmp_path.iterdir()] == ["s.toml"]
