"""Settings beside the cut: keys that find their shots, tables, places in the source, lines of what is wrong."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsfilmrestore.errors import InputError, SettingError
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.decide import Decided, decide_cut
from vsfilmrestore.render.job import open_project
from vsfilmrestore.render.places import moment_of, moment_text, range_of, range_texts
from vsfilmrestore.render.project import Project, ProjectSettings
from vsfilmrestore.render.sidecar import Sidecar
from vsfilmrestore.timeline.ids import unique_ids
from vsfilmrestore.timeline.model import CutList, FrameRange, Shot, SourceKey

ARCHIVE = Recipe.preset("archive")
RATE = Fraction(24)


def shot(start: int, source: int, length: int = 48, **facts: Any) -> Shot:
    key = SourceKey("SC 12.mov", "R1", "", source, RATE)
    return Shot(**({"name": "SC 12", "record": FrameRange(start, start + length), "source": key} | facts))


CUT = CutList("cut", RATE, (shot(0, 86400, event="001"), shot(48, 90000, event="012"), shot(96, 86400)), start=86400)


def doses(decided: Decided) -> list[list[tuple[int, int, object]]]:
    def dust(recipe: Recipe) -> object:
        return next((step.complete["strength"] for step in recipe if step.name == "remove_dirt"), None)

    return [[(p.frames.start, p.frames.stop, dust(p.recipe)) for p in each.parts] for each in decided.decisions]


def read(tmp_path: Path, text: str) -> Sidecar:
    (tmp_path / "shots.toml").write_text(text)
    return Sidecar.read(tmp_path / "shots.toml")


def decided(tmp_path: Path, text: str, cut: CutList = CUT) -> Decided:
    return decide_cut(cut, ARCHIVE, read(tmp_path, text))


def test_two_shots_from_one_place_are_numbered() -> None:
    assert unique_ids(CUT.shots) == ["R1@01:00:00:00#1", "R1@01:02:30:00", "R1@01:00:00:00#2"]


@pytest.mark.parametrize(
    ("key", "hit"),
    [
        ("R1@01:00:00:00", (True, False, True)),
        ("r1@01;00;00;00", (True, False, True)),
        ("R1@01:00:00:00#2", (False, False, True)),
        ("R1@01:02:30:00#1", (False, True, False)),
        ("event=12", (False, True, False)),
        ("event = 0012", (False, True, False)),
        ("clip=sc 12", (True, True, True)),
        ("clip=SC 12.mov", (True, True, True)),
    ],
)
def test_keys_find_their_shots(key: str, hit: tuple[bool, ...]) -> None:
    found = decide_cut(CUT, ARCHIVE, {key: "dust=0.9"})
    assert tuple(parts[0][2] == 0.9 for parts in doses(found)) == hit
    assert bool(found.warnings) == ("=" in key)
    assert found.orphans == ()


def test_the_more_exact_key_wins() -> None:
    rows = {"R1@01:00:00:00#2": "dust=0.3", "clip=SC 12": "dust=0.1", "R1@01:00:00:00": "dust=0.2"}
    found = decide_cut(CUT, ARCHIVE, rows)
    assert [parts[0][2] for parts in doses(found)] == [0.2, 0.1, 0.3]


def test_keys_that_do_not_last_say_so() -> None:
    (warning,) = decide_cut(CUT, ARCHIVE, {"event=12": "dust=0.9"}).warnings
    assert warning == "project.toml: event '12' may be another shot after a re-cut; its id is 'R1@01:02:30:00'"


@pytest.mark.parametrize("key", ["R1@01:02:30:01", "R9@86400", "R1@01:02:30:00#2", "event=99", "clip=nothing"])
def test_rows_of_shots_that_are_gone_wait(key: str) -> None:
    found = decide_cut(CUT, ARCHIVE, {key: "dust=0.9"})
    assert found.orphans == (key,)
    assert len(found.warnings) == 1
    assert "wait" in found.warnings[0]
    assert doses(found)[0] == [(0, 48, 0.5)]


def test_an_orphan_names_the_nearest_id() -> None:
    (warning,) = decide_cut(CUT, ARCHIVE, {"R1@01:02:30:01": "dust=0.9"}).warnings
    assert "did you mean 'R1@01:02:30:00'" in warning


@pytest.mark.parametrize(("key", "advice"), [("SC 12", "'clip=SC 12'"), ("R1 01:02:30:00", "'R1@01:02:30:00'")])
def test_what_no_cut_can_have_is_an_error(tmp_path: Path, key: str, advice: str) -> None:
    with pytest.raises(SettingError, match=r"shots\.toml:3: .*is no shot id") as caught:
        decided(tmp_path, f'\n[shots]\n"{key}" = "dust=1"\n')
    assert advice in str(caught.value)


TABLE = """
[shots]
"R1@01:02:30:00#1" = "dust=0.1"

[shots."R1@01:00:00:00#1"]
dust = 0.8
grain = { strength = 0.3, reach = 2 }
scratch = false
"stab.edges" = "zoom"
preset = "remaster"
wires.only = [[0, 0, 10, 10], ["10%", "0%", "20%", "5%"]]
wires.path = "1,2 3,4"
"""


def test_a_table_says_the_same_as_words(tmp_path: Path) -> None:
    first, *_ = decided(tmp_path, TABLE).decisions
    words = "remaster dust=0.8 grain=0.3 grain.reach=2 scratch=off stab.edges=zoom"
    words += " wires.only=0,0,10,10+10%,0%,20%,5% wires.path=1,2+3,4"
    again, *_ = decide_cut(CUT, ARCHIVE, {"R1@01:00:00:00#1": words}).decisions
    assert first.recipe.key() == again.recipe.key()
    assert first.origins["remove_dirt.strength"] == "shots.toml:6 (sidecar)"
    assert first.origins["stabilize.edges"] == "shots.toml:9 (sidecar)"
    assert first.origins["deflicker"] == "shots.toml:10 (sidecar)"
    assert first.warnings == ()


def test_ranges_and_keys_in_places_of_the_source(tmp_path: Path) -> None:
    text = """
    [[shots."R1@01:02:30:00".ranges]]
    in = "01:02:30:10"
    out = "01:02:30:20"
    dust = 0.9
    [[shots."R1@01:02:30:00".ranges]]
    in = 40
    settings = "off"
    [[shots."R1@01:00:00:00#1".keys]]
    at = "01:00:00:10"
    dust = 0.2
    [[shots."R1@01:00:00:00#1".keys]]
    at = 12
    settings = "dust=0.4"
    """
    found = decided(tmp_path, text)
    assert doses(found)[0] == [(0, 11, 0.2), (11, 12, 0.3), (12, 48, 0.4)]
    assert doses(found)[1] == [(48, 58, 0.5), (58, 68, 0.9), (68, 88, 0.5), (88, 96, None)]
    assert found.decisions[1].parts[1].origins["remove_dirt.strength"] == "shots.toml:5 (sidecar)"
    assert [key.origin for key in found.decisions[0].keys] == ["shots.toml:11 (sidecar)", "shots.toml:14 (sidecar)"]


def test_keys_outside_a_trimmed_shot_still_move_it(tmp_path: Path) -> None:
    text = '[shots."R1@01:02:30:00"]\nkeys = [{ at = "01:02:29:20", dust = 0.0 }, { at = "01:02:30:04", dust = 0.8 }]\n'
    assert doses(decided(tmp_path, text))[1][0] == (48, 49, 0.4)


def test_a_range_outside_the_shot_is_told(tmp_path: Path) -> None:
    found = decided(tmp_path, '[[shots."R1@01:02:30:00".ranges]]\nin = "02:00:00:00"\ndust = 0.9\n')
    assert found.warnings == ("shots.toml:1: this range lies outside the shot; ignored",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[shots."R1@01:02:30:00"]\n\ndsut = 1', r"^shots\.toml:3, shot SC 12: there is no step 'dsut'.*'dust'"),
        ('[shots."R1@01:02:30:00"]\nsetings = "off"', r"toml:2, .*did you mean 'settings'"),
        ('[shots."R1@01:02:30:00"]\npreset = "rmaster"', r"toml:2, .*did you mean 'remaster'"),
        ('[shots."R1@01:02:30:00"]\nscratch = 1\ndust = 1.8', r"toml:3, .*at 01:00:02:00: .*must be 0..1, not 1.8"),
        ('[shots."R1@01:02:30:00"]\ndust = 2020-01-01', r"toml:2, .*wrong type"),
        ('[shots]\n"R1@01:02:30:00" = [1]', r"toml:2, .*wrong type"),
        ('[shots."R1@01:02:30:00"]\nranges = 1', r"toml:2, .*array of tables"),
        ('[[shots."R1@01:02:30:00".ranges]]\nin = 1', r"toml:1, .*sets nothing"),
        ('[[shots."R1@01:02:30:00".ranges]]\nin = true\ndust=1', r"toml:2, .*timecode of the source or"),
        ('[[shots."R1@01:02:30:00".ranges]]\nin = "x"\ndust=1', r"toml:2, .*'x' is not a timecode"),
        ('[[shots."R1@01:02:30:00".ranges]]\nin = 9\nout = 4\ndust=1', r"toml:2, .*end after it starts"),
        ('[[shots."R1@01:02:30:00".keys]]\ndust=1', r"toml:1, .*needs the place"),
        ('[[shots."R1@01:02:30:00".keys]]\nat = 1\npreset = "archive"', r"toml:3, .*'archive' is not key=value"),
        ("[colours]\nred = 1", r"toml:2: red must be settings"),
        ("[color]\nred = 1", r"toml:1: unknown table 'color'; did you mean 'colours'"),
        ("shots = 1", r"toml:1: shots must be a table"),
    ],
)
def test_what_is_wrong_has_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        decided(tmp_path, text)


def test_no_toml_is_no_sidecar(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not TOML"):
        read(tmp_path, "[shots\n")


def test_the_project_hands_its_tables_on_with_their_lines(tmp_path: Path) -> None:
    text = '[colours]\nForest = "off"  # green\n\n[shots."R1@01:00:00:00#2"]  # "second"\ndust = 0.9\n'
    (tmp_path / "project.toml").write_text(text)
    project = Project.open(tmp_path)
    coloured = replace(CUT, shots=(replace(CUT.shots[0], colour="FOREST"), *CUT.shots[1:]))
    first, _, third = decide_cut(coloured, ARCHIVE, project.sidecar()).decisions
    assert not first.recipe
    assert third.origins["remove_dirt.strength"] == "project.toml:5 (sidecar)"
    replace(project, settings=replace(project.settings, preset="remaster")).save()
    again = Project.open(tmp_path)
    assert again.settings.shots == {"R1@01:00:00:00#2": {"dust": 0.9}}
    assert "# green" in (tmp_path / "project.toml").read_text()


def test_saving_adds_and_removes_rows(tmp_path: Path) -> None:
    rows = {"R1@01:00:00:00": {"dust": 0.9, "keys": [{"at": 1, "dust": 0.1}]}, "R2@5": "off"}
    Project(tmp_path, ProjectSettings(shots=rows, colours={"Iris": "off"})).save()
    project = Project.open(tmp_path)
    assert project.settings.shots == rows
    kept = {"R2@5": "off"}
    replace(project, settings=replace(project.settings, shots=kept, colours={})).save()
    settings = Project.open(tmp_path).settings
    assert (settings.shots, settings.colours) == (kept, {})


@pytest.mark.parametrize("text", ["[colours]\nIris = 1.5e3j", "[colors]\nIris = 'off'", "[colours]\nIris = ['off']"])
def test_wrong_tables_of_a_project(tmp_path: Path, text: str) -> None:
    (tmp_path / "project.toml").write_text(text)
    with pytest.raises((SettingError, InputError), match=r"project\.toml:[12]"):
        Project.open(tmp_path)


SPEEDS = st.sampled_from(
    [Fraction(n, d) for n, d in ((1, 1), (2, 1), (1, 2), (-1, 1), (-3, 2), (5, 3), (-1, 4), (7, 1))]
)


@given(SPEEDS, st.integers(1, 60), st.sampled_from([24, 25, 48]), st.fractions(0, 1, max_denominator=7), st.data())
def test_places_lead_back_where_they_came_from(
    speed: Fraction, length: int, rate: int, phase: Fraction, data: st.DataObject
) -> None:
    source = SourceKey("a", "R1", "", 1000, Fraction(rate), has_timecode=data.draw(st.booleans()))
    made = Shot("a", FrameRange(0, length), source, speed, phase=phase if phase < 1 else Fraction(0))
    start = data.draw(st.integers(0, length - 1))
    stop = data.draw(st.integers(start + 1, length))
    frames = FrameRange(start, stop)
    assert range_of(made, *range_texts(made, frames, RATE), RATE) == frames
    assert moment_of(made, moment_text(made, start, RATE), RATE) == start


@given(SPEEDS, st.integers(1, 40), st.data())
def test_a_range_of_the_source_holds_what_shows_it(speed: Fraction, length: int, data: st.DataObject) -> None:
    made = Shot("a", FrameRange(0, length), SourceKey("a", "R1", "", 1000, RATE, has_timecode=False), speed)
    low = data.draw(st.integers(900, 1300))
    high = data.draw(st.integers(low + 1, 1400))
    wanted = [k for k in range(length) if low <= made.source_at(k, RATE) < high]
    found = range_of(made, str(low), str(high), RATE)
    assert (list(range(found.start, found.stop)) if found else []) == wanted


def test_a_freeze_frame_has_no_places() -> None:
    frozen = shot(0, 86400, speed=Fraction(0))
    with pytest.raises(ValueError, match="freeze frame"):
        moment_of(frozen, "01:00:00:00", RATE)
    assert moment_text(frozen, 5, RATE) == 5
    assert range_texts(frozen, FrameRange(2, 5), RATE) == (2, 5)


def test_a_project_may_begin_with_its_settings(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "project.toml").write_text('[colours]\nIris = "off"\n')
    (tmp_path / "cut.edl").write_text("001 R1 V C 01:00:00:00 01:00:01:00 01:00:00:00 01:00:01:00\n")
    project = open_project(tmp_path / "cut.edl", tmp_path / "p", {})
    assert project.settings.input == "../cut.edl"
    assert Project.open(tmp_path / "p").settings.colours == {"Iris": "off"}
