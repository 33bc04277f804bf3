"""A project goes on with a new cut: settings stay on their source frames, finished frames are not made again."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import write_movie
from vsfilmrestore import timeline
from vsfilmrestore.cli.main import main
from vsfilmrestore.media.out.framemd5 import read_framemd5
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.conform import conform
from vsfilmrestore.render.decide import decide_cut
from vsfilmrestore.render.executor import render
from vsfilmrestore.render.job import open_project, open_reel, output_of
from vsfilmrestore.render.link import Linked
from vsfilmrestore.render.plan import Plan
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.recut import Carried, OldNotes, Outcome, carry_over
from vsfilmrestore.render.recut_project import rewritten
from vsfilmrestore.render.sidecar import Sidecar
from vsfilmrestore.timeline.model import CutList, FrameRange, SettingNote, Shot, SourceKey, Strength
from vsfilmrestore.timeline.recut import Kind

RATE = Fraction(24)
HOUR = 86400

type Piece = tuple[str, int, int] | tuple[str, int, int, Fraction]


def cut_of(*pieces: Piece, notes: Mapping[int, Sequence[SettingNote]] | None = None, timed: bool = True) -> CutList:
    """Shots out of (reel, first source frame, record frames, speed); reel '' is black."""
    shots, at = [], 0
    for i, (reel, first, length, *speed) in enumerate(pieces):
        key = SourceKey("", reel, "", first + HOUR * timed, RATE, timed) if reel else None
        record = FrameRange(at, at + length)
        said = tuple(notes.get(i, ())) if notes else ()
        shots.append(Shot(f"shot {i}", record, key, speed[0] if speed else Fraction(1), notes=said))
        at += length
    return CutList("cut", RATE, tuple(shots))


def plan_of(cut: CutList, sidecar: Sidecar, recipe: Recipe) -> Plan:
    links = [Linked()] * len(cut.shots)
    decided = decide_cut(cut, recipe, sidecar)
    return Plan(cut, decided.decisions, links, conform(cut, links, lambda _: None), None)


def carried(old: CutList, new: CutList, rows: Mapping[str, Any], notes: OldNotes = OldNotes.AUTO) -> Carried:
    sidecar, recipe = Sidecar(rows), Recipe.preset("archive")
    return carry_over(plan_of(old, sidecar, recipe), plan_of(new, Sidecar(), recipe), recipe, sidecar, notes)


def test_a_row_follows_its_shot_to_its_new_beginning() -> None:
    found = carried(cut_of(("R1", 0, 100)), cut_of(("R1", 10, 80)), {"R1@01:00:00:00": "remaster dust=0.8"})
    assert found.shots == {"R1@01:00:00:10": "remaster dust=0.8"}
    assert found.renamed == {"R1@01:00:00:10": "R1@01:00:00:00"}
    assert found.outcomes == (Outcome.KEPT,)


def test_a_range_counted_from_the_shots_start_becomes_a_place_in_the_source() -> None:
    row = {
        "preset": "remaster",
        "ranges": [{"in": 24, "out": 48, "settings": "off"}],
        "keys": [{"at": 30, "dust": 0.2}],
    }
    found = carried(cut_of(("R1", 0, 100)), cut_of(("R1", 10, 80)), {"R1@01:00:00:00": row})
    new = found.shots["R1@01:00:00:10"]
    assert new["ranges"] == [{"in": "01:00:01:00", "out": "01:00:02:00", "settings": "off"}]
    assert new["keys"] == [{"at": "01:00:01:06", "dust": 0.2}]
    assert [(p.frames.start, p.frames.stop) for p in found.new.decisions[0].parts if not p.recipe] == [(14, 38)]


def test_a_range_in_a_slowed_shot_stays_on_the_same_copy_of_a_frame() -> None:
    half = Fraction(1, 2)
    row = {"ranges": [{"in": 21, "out": 40, "settings": "off"}]}
    found = carried(cut_of(("R1", 0, 100, half)), cut_of(("R1", 5, 80, half)), {"R1@01:00:00:00": row})
    assert found.shots["R1@01:00:00:05"]["ranges"] == [{"in": 11, "out": 30, "settings": "off"}]


def test_a_range_outside_its_shot_stays_on_its_frames() -> None:
    row = {"dust": 0.4, "ranges": [{"in": 30, "out": 40, "settings": "off"}]}
    found = carried(cut_of(("R1", 0, 30)), cut_of(("R1", 10, 50)), {"R1@01:00:00:00": row})
    assert [(p.frames.start, p.frames.stop) for p in found.new.decisions[0].parts if not p.recipe] == [(20, 30)]


def test_a_split_shot_gives_its_settings_to_both_halves_and_each_range_to_its_own() -> None:
    row = {
        "dust": 0.8,
        "ranges": [
            {"in": "01:00:00:02", "out": "01:00:00:10", "settings": "off"},
            {"in": "01:00:03:00", "out": "01:00:03:10", "settings": "off"},
        ],
    }
    found = carried(
        cut_of(("R1", 0, 100)), cut_of(("R1", 0, 50), ("R2", 0, 10), ("R1", 60, 40)), {"R1@01:00:00:00": row}
    )
    first, second = found.shots["R1@01:00:00:00"], found.shots["R1@01:00:02:12"]
    assert (first["dust"], second["dust"]) == (0.8, 0.8)
    assert [item["in"] for item in first["ranges"]] == ["01:00:00:02"]
    assert [item["in"] for item in second["ranges"]] == ["01:00:03:00"]


def test_of_merged_shots_the_longer_overlap_wins_and_the_other_waits() -> None:
    rows = {"R1@01:00:00:00": "dust=0.8", "R1@01:00:02:12": "dust=0.2"}
    found = carried(cut_of(("R1", 0, 60), ("R1", 60, 40)), cut_of(("R1", 0, 100)), rows)
    assert found.shots == rows
    assert list(found.waiting) == ["R1@01:00:02:12"]
    assert "it has the settings of shot 0, of which it shows more" in found.remarks[0]
    assert found.new.decisions[0].recipe.as_dict()["remove_dirt"]["strength"] == 0.8


def test_merged_shots_that_agree_keep_the_ranges_of_both() -> None:
    rows = {
        "R1@01:00:00:00": {"dust": 0.8, "ranges": [{"in": 5, "out": 9, "settings": "off"}]},
        "R1@01:00:02:12": {"dust": 0.8, "ranges": [{"in": 5, "out": 9, "settings": "off"}]},
    }
    found = carried(cut_of(("R1", 0, 60), ("R1", 60, 40)), cut_of(("R1", 0, 100)), rows)
    (row,) = found.shots.values()
    assert [item["in"] for item in row["ranges"]] == ["01:00:00:05", "01:00:02:17"]
    assert not found.waiting


def test_a_row_whose_shot_went_waits_where_no_other_shot_answers_to_it() -> None:
    """The second of two shots from one frame is gone; its row must not speak for the first."""
    rows = {"R1@01:00:00:00#1": "dust=0.8", "R1@01:00:00:00#2": "dust=0.2", "R9@01:00:00:00": "off"}
    found = carried(cut_of(("R1", 0, 60), ("R2", 0, 5), ("R1", 0, 200)), cut_of(("R1", 0, 60), ("R2", 0, 5)), rows)
    assert found.shots["R1@01:00:00:00"] == "dust=0.8"
    assert found.shots["R9@01:00:00:00"] == "off"
    assert "dust=0.2" in found.shots.values()
    assert found.new.decisions[0].recipe.as_dict()["remove_dirt"]["strength"] == 0.8


def test_rows_by_event_or_name_become_rows_by_id() -> None:
    found = carried(cut_of(("R1", 0, 60), ("R2", 0, 60)), cut_of(("R2", 5, 50), ("R1", 0, 60)), {"clip=shot 1": "off"})
    assert found.shots == {"R2@01:00:00:05": "off"}


def test_same_is_written_out_where_another_shot_comes_before() -> None:
    rows = {"R1@01:00:00:00": "remaster dust=0.9", "R2@01:00:00:00": "same scratch=off"}
    old = cut_of(("R1", 0, 60), ("R2", 0, 60), ("R3", 0, 60))
    kept = carried(old, cut_of(("R1", 3, 50), ("R2", 0, 60)), rows)
    assert kept.shots["R2@01:00:00:00"] == "same scratch=off"
    found = carried(old, cut_of(("R3", 0, 60), ("R2", 0, 60)), rows)
    assert found.outcomes[1] is Outcome.KEPT
    assert found.new.decisions[1].recipe.key() == found.old.decisions[1].recipe.key()


def note(text: str) -> SettingNote:
    return SettingNote(text, Strength.NOTE, "old.edl", 4, "01:00:00:00")


def test_words_of_the_old_cut_list_are_kept_where_the_new_one_has_none() -> None:
    old, new = cut_of(("R1", 0, 60), notes={0: [note("remaster dust=0.9")]}), cut_of(("R1", 5, 50))
    assert carried(old, new, {}).shots == {"R1@01:00:00:05": {"settings": "remaster dust=0.9"}}
    assert carried(old, new, {}, OldNotes.DROP).shots == {}
    assert carried(old, new, {}, OldNotes.DROP).outcomes == (Outcome.CHANGED,)
    spoken = cut_of(("R1", 5, 50), ("R2", 0, 9), notes={1: [note("off")]})
    assert carried(old, spoken, {}).shots == {}
    assert carried(old, spoken, {}, OldNotes.KEEP).shots == {"R1@01:00:00:05": {"settings": "remaster dust=0.9"}}


places = st.integers(0, 90)
pieces = st.lists(
    st.tuples(
        st.sampled_from(["R1", "R2", "R3"]),
        st.integers(0, 60),
        st.integers(1, 70),
        st.sampled_from(
            [Fraction(1), Fraction(1), Fraction(1), Fraction(1, 2), Fraction(2), Fraction(-1), Fraction(3, 7)]
        ),
    ),
    min_size=1,
    max_size=5,
)
limits = st.tuples(places, st.integers(1, 60)).map(
    lambda pair: {"in": pair[0], "out": pair[0] + pair[1], "settings": "off"}
)
said = st.fixed_dictionaries(
    {"dust": st.sampled_from([0.2, 0.4, 0.6])}, optional={"ranges": st.lists(limits, min_size=1, max_size=2)}
)


def test_a_range_beyond_its_slowed_shot_stays_beyond_its_last_frame() -> None:
    """Record frame 1 of a shot at half speed would show source frame 0 too, were the shot longer."""
    rows = {"R1@01:00:00:00": {"dust": 0.2, "ranges": [{"in": 1, "out": 2, "settings": "off"}]}}
    found = carried(cut_of(("R1", 0, 1, Fraction(1, 2))), cut_of(("R1", 0, 9)), rows)
    assert found.shots["R1@01:00:00:00"]["ranges"] == [{"in": "01:00:00:01", "out": "01:00:00:02", "settings": "off"}]
    rows = {"R1@01:00:00:05": rows["R1@01:00:00:00"]}
    found = carried(cut_of(("R1", 5, 1, Fraction(-1, 2))), cut_of(("R1", 5, 9)), rows)
    assert found.shots["R1@01:00:00:05"]["ranges"] == [{"in": "01:00:00:04", "out": "01:00:00:05", "settings": "off"}]


@settings(deadline=None, max_examples=60)
@given(old=pieces, new=pieces, rows=st.lists(st.none() | said, min_size=5, max_size=5))
def test_every_setting_that_is_carried_sits_on_the_same_source_frames(
    old: list[Piece], new: list[Piece], rows: list[dict[str, Any] | None]
) -> None:
    before, after = cut_of(*old), cut_of(*new)
    table = {shot.id: row for shot, row in zip(before.shots, rows, strict=False) if row is not None}
    found = carried(before, after, table)
    for match, decision in zip(found.recut.matches, found.new.decisions, strict=True):
        if not match.old or match.kind in (Kind.RETIMED, Kind.MERGED):
            continue
        was = found.old.decisions[match.old[0]]
        known = frames_of(was.parts, was.shot)
        for frame, recipes in frames_of(decision.parts, decision.shot).items():
            assert frame not in known or recipes <= known[frame], (frame, match)


@settings(deadline=None, max_examples=60)
@given(old=pieces, new=pieces, rows=st.lists(st.none() | said, min_size=5, max_size=5))
def test_no_row_is_lost(old: list[Piece], new: list[Piece], rows: list[dict[str, Any] | None]) -> None:
    before, after = cut_of(*old), cut_of(*new)
    table = {shot.id: row for shot, row in zip(before.shots, rows, strict=False) if row is not None}
    found = carried(before, after, table)
    doses = {json.dumps(row["dust"]) for row in table.values()}
    assert doses == {json.dumps(row["dust"]) for row in found.shots.values()}
    there = carried(after, before, found.shots)
    assert {json.dumps(row["dust"]) for row in there.shots.values()} == doses


def frames_of(parts: Sequence[Any], shot: Shot) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for part in parts:
        key = part.recipe.key()
        for at in range(part.frames.start - shot.record.start, part.frames.stop - shot.record.start):
            found.setdefault(shot.source_at(at, RATE), set()).add(key)
    return found


TOML = """# the film of the year
[source]
input = "../cut.edl"  # first cut

# wires in the fight
[shots]
"R1@01:00:00:00" = "dust=0.8"  # asked for by Ann

[shots."R1@01:00:03:00"]
dust = 0.3  # careful
# the flash
[[shots."R1@01:00:03:00".ranges]]
in = 5  # where it begins
out = 9
settings = "off"
"""


def test_comments_go_along_with_their_rows(tmp_path: Path) -> None:
    (tmp_path / "project.toml").write_text(TOML)
    said = Project.open(tmp_path).settings
    ranges = [{"in": "01:00:03:05", "out": "01:00:03:09", "settings": "off"}]
    shots = {"R1@01:00:00:05": "dust=0.8", "R1@01:00:03:01": {"dust": 0.3, "ranges": ranges}}
    renamed = {"R1@01:00:00:05": "R1@01:00:00:00", "R1@01:00:03:01": "R1@01:00:03:00"}
    text = rewritten(TOML, replace(said, input="../new.edl", shots=shots), renamed)
    assert tomllib.loads(text)["shots"] == shots
    assert tomllib.loads(text)["source"]["input"] == "../new.edl"
    for comment in (
        "the film of the year",
        "first cut",
        "wires in the fight",
        "asked for by Ann",
        "careful",
        "flash",
        "begins",
    ):
        assert comment in text, comment


def edl(*events: tuple[str, str, str, str]) -> str:
    lines = ["TITLE: NEW CUT", "FCM: NON-DROP FRAME"]
    lines += [f"{n:03}  R1       V     C        {' '.join(event)}" for n, event in enumerate(events, 1)]
    return "\n".join(lines) + "\n"


@pytest.fixture
def long_reel(tmp_path: Path) -> Path:
    write_movie(tmp_path / "scans" / "R1.mkv", 240, width=96, height=64)
    old = edl(
        ("01:00:00:00", "01:00:03:00", "01:00:00:00", "01:00:03:00"),
        ("01:00:03:00", "01:00:10:00", "01:00:03:00", "01:00:10:00"),
    )
    (tmp_path / "old.edl").write_text(old)
    new = edl(  # the second shot goes first, cut short at its head; then the end of the first
        ("01:00:03:10", "01:00:10:00", "01:00:00:00", "01:00:06:14"),
        ("01:00:02:00", "01:00:03:00", "01:00:06:14", "01:00:07:14"),
    )
    (tmp_path / "new.edl").write_text(new)
    return tmp_path


def rendered(project: Project) -> tuple[int, list[str]]:
    output, profile = output_of(project)
    done = render(open_reel(project), project, output, profile)
    md5s = [entry.md5 for entry in read_framemd5(output.with_name(f"{output.name}.framemd5"))]
    return done.pieces[-1].stop - done.reused, md5s


@pytest.mark.parametrize("preset", ["none", pytest.param("kungfu", marks=pytest.mark.slow)])
def test_a_recut_render_is_a_fresh_render_and_makes_new_frames_only(
    long_reel: Path, preset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = {"media": [str(long_reel / "scans")], "preset": preset, "rate": "24"}
    first = open_project(long_reel / "old.edl", long_reel / "p", words | {"output": str(long_reel / "a.mkv")})
    assert rendered(first)[0] == 240
    assert main(["recut", str(long_reel / "p"), str(long_reel / "new.edl"), "--count", "--json"]) == 0
    left = json.loads(capsys.readouterr().out)["render"]
    made, md5s = rendered(Project.open(long_reel / "p"))
    whole = (long_reel / "a.mkv").read_bytes()
    fresh = open_project(long_reel / "new.edl", long_reel / "q", words | {"output": str(long_reel / "b.mkv")})
    assert rendered(fresh) == (182, md5s)
    assert (long_reel / "b.mkv").read_bytes() == whole
    assert left == {"frames": 182, "left": made}
    reach = Recipe.preset(preset).reach
    assert made == 14 if preset == "none" else 14 <= made <= 14 + 2 * (reach + 48)


def test_only_what_the_new_cut_shows_first_is_rendered_and_going_back_renders_nothing(long_reel: Path) -> None:
    given = {"media": [str(long_reel / "scans")], "preset": "none", "rate": "24", "output": str(long_reel / "a.mkv")}
    rendered(open_project(long_reel / "old.edl", long_reel / "p", given))
    before = (long_reel / "a.mkv").read_bytes()
    assert main(["recut", str(long_reel / "p"), str(long_reel / "new.edl")]) == 0
    rendered(Project.open(long_reel / "p"))
    assert (long_reel / "a.mkv").read_bytes() != before
    assert main(["recut", str(long_reel / "p"), str(long_reel / "old.edl")]) == 0
    assert rendered(Project.open(long_reel / "p"))[0] == 0
    assert (long_reel / "a.mkv").read_bytes() == before


def test_a_dry_run_writes_nothing_and_json_tells_all(long_reel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"media": [str(long_reel / "scans")], "rate": "24"}
    project = open_project(long_reel / "old.edl", long_reel / "p", given)
    file = project.folder / "project.toml"
    text = file.read_text() + '\n[shots]\n"R1@01:00:03:00" = "off"  # by hand\n'
    file.write_text(text)
    assert main(["recut", str(project.folder), str(long_reel / "new.edl"), "--dry-run", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["format"], facts["version"], facts["written"]) == ("vsfilmrestore-recut", 1, False)
    first = facts["shots"][0]
    assert (first["kind"], first["moved"], first["head"], first["settings"]) == ("trimmed", True, -10, "kept")
    assert [old["id"] for old in first["old"]] == ["R1@01:00:03:00"]
    assert file.read_text() == text
    assert [path.name for path in project.folder.iterdir()] == ["project.toml"]
    assert main(["recut", str(project.folder), str(long_reel / "new.edl")]) == 0
    assert '"R1@01:00:03:10" = "off"  # by hand' in file.read_text()
    assert (project.folder / "project.toml.before-recut").read_text() == text


def test_the_same_cut_list_is_refused_and_a_copy_of_the_old_one_taken(
    long_reel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    open_project(long_reel / "old.edl", long_reel / "p", {"media": [str(long_reel / "scans")], "rate": "24"})
    words = ["recut", str(long_reel / "p"), str(long_reel / "old.edl")]
    assert main(words) == 2
    assert "give a copy of the old one with --old" in capsys.readouterr().err
    (long_reel / "copy.edl").write_text((long_reel / "old.edl").read_text())
    (long_reel / "old.edl").write_text((long_reel / "new.edl").read_text())
    assert main([*words, "--old", str(long_reel / "copy.edl")]) == 0
    assert "2 trimmed" in capsys.readouterr().out


def test_a_film_that_had_no_cut_list_gets_one(long_reel: Path) -> None:
    film = long_reel / "scans" / "R1.mkv"
    project = open_project(film, long_reel / "p", {"cuts": (72,), "preset": "none"})
    file = project.folder / "project.toml"
    file.write_text(file.read_text() + '\n[shots]\n"R1@01:00:03:00" = "remaster dust=0.7"\n')
    assert main(["recut", str(project.folder), str(long_reel / "new.edl"), "--rate", "24"]) == 0
    said = Project.open(project.folder).settings
    assert (said.input, said.cuts, said.media) == ("../new.edl", None, ("../scans/R1.mkv",))
    assert said.shots == {"R1@01:00:03:10": "remaster dust=0.7"}


def test_words_of_a_marker_list_without_successor_are_kept(long_reel: Path) -> None:
    note = "VSFR remaster dust=0.9 |C:ResolveColorYellow |M:Marker 1 |D:1"
    event = "001  001      V     C        01:00:04:00 01:00:04:01 01:00:04:00 01:00:04:01"
    (long_reel / "markers.edl").write_text(f"TITLE: M\nFCM: NON-DROP FRAME\n\n{event}\n{note}\n")
    given = {"media": [str(long_reel / "scans")], "rate": "24", "markers": [str(long_reel / "markers.edl")]}
    open_project(long_reel / "old.edl", long_reel / "p", given)
    assert main(["recut", str(long_reel / "p"), str(long_reel / "new.edl")]) == 0
    said = Project.open(long_reel / "p").settings
    assert said.markers == ()
    assert said.shots == {"R1@01:00:03:10": {"settings": "remaster dust=0.9"}}


@pytest.mark.footage
@pytest.mark.parametrize(
    "name", ["cmx3600/25fps.edl", "otio/premiere_example.otio", "fcpxml/29.97.fcpxml", "aaf/nested_stack.aaf"]
)
@pytest.mark.parametrize("suffix", [".otio", ".edl", ".xml", ".fcpxml"])
def test_settings_follow_into_the_cut_list_of_another_program(
    footage: Callable[[str], Path], tmp_path: Path, name: str, suffix: str
) -> None:
    old = timeline.read(footage(f"timelines/{name}"))
    timeline.write(old, tmp_path / f"new{suffix}")
    new = timeline.read(tmp_path / f"new{suffix}", rate=old.rate if suffix == ".edl" else None)
    limited = {"in": 2, "out": 5, "settings": "off"}
    rows = {shot.id: {"dust": 0.6, "ranges": [limited]} for shot in old.shots if shot.source is not None}
    found = carried(old, new, rows)
    outcomes = {each for each, shot in zip(found.outcomes, new.shots, strict=True) if shot.source is not None}
    assert (outcomes, found.recut.orphans, found.waiting) == ({Outcome.KEPT}, (), {})
