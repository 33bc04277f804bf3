"""A reel as an editor handles it in a script."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore import timeline
from vsfilmrestore.errors import OutputError, SettingError, UsageError
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.job import open_project
from vsfilmrestore.render.plan import remarks_of_media
from vsfilmrestore.render.reel import Reel
from vsfilmrestore.render.reel_shot import matches

NOTES = """Name,Start,End,Colour
needs care,01:00:00:22,01:00:00:22,Yellow
VSFR grain=0.2,01:00:01:12,01:00:01:12,Red
"""


@pytest.fixture
def reel(small_reel: Path) -> Reel:
    (small_reel / "notes.csv").write_text(NOTES)
    lists = [small_reel / "markers.edl", small_reel / "notes.csv"]
    return Reel.open(small_reel / "cut.edl", media=small_reel / "scans", markers=lists)


def test_what_a_shot_tells(reel: Reel, small_reel: Path) -> None:
    shot = reel["fight-03"]
    assert (shot.id, shot.name, shot.timecode) == ("R1@01:00:00:20", "fight-03", "01:00:00:20")
    assert (shot.frames.start, shot.frames.stop, shot.media) == (20, 32, small_reel / "scans" / "R1.mkv")
    assert [marker.name for marker in shot.markers] == ["needs care"]
    opening = reel["opening"]
    assert opening.settings["remove_dirt"]["strength"] == 0.4
    assert opening.origins["remove_dirt.strength"] == "cut.edl:6 (note)"
    assert reel["end"].origins["denoise.strength"] == "notes.csv:3 (timeline marker)"
    assert repr(shot) == "<shot R1@01:00:00:20 'fight-03', frames 20 to 31>"


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"name": "fight-*"}, ["fight-03"]),
        ({"name": "R1@*"}, ["opening", "fight-03", "end"]),
        ({"name": "002"}, ["fight-03"]),
        ({"colour": "yellow"}, ["fight-03", "end"]),
        ({"marker": "care"}, ["fight-03"]),
        ({"marker": "vsfr"}, ["end"]),
        ({"media": "r1"}, ["opening", "fight-03", "end"]),
        ({"name": "*", "colour": "Red"}, ["end"]),
        ({"name": "dance"}, []),
    ],
)
def test_finding_shots(reel: Reel, asked: dict[str, str], names: list[str]) -> None:
    assert [shot.name for shot in reel.find(**asked)] == names


def test_brackets_in_names_are_brackets() -> None:
    assert matches("shot [1]*", "Shot [1] b")
    assert not matches("shot [1]", "shot 1")


def test_words_change_what_the_editor_wrote(reel: Reel) -> None:
    shot = reel["opening"]
    shot.change("VSFR grain=0.3 scratch=off")
    assert shot.settings["remove_dirt"]["strength"] == 0.4
    assert shot.settings["denoise"]["strength"] == 0.3
    assert "remove_scratches" not in shot.settings
    assert shot.origins["denoise.strength"] == "script"
    reel["fight-03"].change("same dust=0.9")
    assert reel["fight-03"].settings == shot.settings | {
        "remove_dirt": shot.settings["remove_dirt"] | {"strength": 0.9}
    }
    shot.change("off")
    assert not shot.recipe
    assert reel.plan.decisions[0].recipe == Recipe()


def test_words_change_every_part_of_a_shot(small_reel: Path) -> None:
    (small_reel / "notes.csv").write_text("Name,Start,End\nVSFR dust=0.9,01:00:00:04,01:00:00:08\n")
    reel = Reel.open(small_reel / "cut.edl", media=small_reel / "scans", markers=small_reel / "notes.csv")
    reel["opening"].change("grain=0.3")
    parts = reel["opening"].decision.parts
    doses = [{step.name: step.complete["strength"] for step in part.recipe} for part in parts]
    assert [each["remove_dirt"] for each in doses] == [0.4, 0.9, 0.4]
    assert [each["denoise"] for each in doses] == [0.3, 0.3, 0.3]


@pytest.mark.parametrize("words", ["dusst=0.8", "dust=7", "key dust=0.5", "nopreset"])
def test_words_that_cannot_be_are_refused(reel: Reel, words: str) -> None:
    before = reel["opening"].recipe
    with pytest.raises(SettingError):
        reel["opening"].change(words)
    assert reel["opening"].recipe == before


def test_a_function_for_several_shots(reel: Reel) -> None:
    @reel.shot("fight-*", "end")
    def inverted(clip: vs.VideoNode) -> vs.VideoNode:
        return clip.std.Invert()

    assert reel["end"].script is inverted
    for name in ("fight-03", "end"):
        frame, source = (node.get_frame(3) for node in (reel[name].restored(), reel[name].source()))
        assert np.array_equal(np.asarray(frame[0]), 1023 - np.asarray(source[0]))
    reel["end"].script = None
    assert reel["end"].script is None
    with pytest.raises(UsageError, match=r"no shot fits 'dance-\*'"):
        reel.shot("dance-*")
    with pytest.raises(UsageError, match="a function is wanted"):
        reel["end"].script = 3  # type: ignore[assignment]


def test_warnings_and_remarks(small_reel: Path) -> None:
    (small_reel / "notes.csv").write_text(
        "Name,Start,End\nVSFR dust=0.9,01:00:00:04,01:00:00:04\nVSFR off,02:00:00:00,\n"
    )
    reel = Reel.open(small_reel / "cut.edl", media=small_reel / "scans", markers=small_reel / "notes.csv")
    assert any("shot opening: dust=0.9 from notes.csv:2" in text for text in reel.warnings)
    assert any("stands over no shot; ignored" in text for text in reel.remarks)


def test_what_is_said_of_media_names_them() -> None:
    a, b, c, d = (Path(f"m/{name}.mov") for name in "abcd")
    assert remarks_of_media({a: ("no matrix", "no matrix")}) == ["no matrix"]
    assert remarks_of_media({a: ("no matrix",), b: ()}) == ["a.mov: no matrix"]
    said = remarks_of_media({a: ("x", "y"), b: ("x",), c: ("x",), d: ("x",)})
    assert said == ["a.mov, b.mov, c.mov and 1 more: x", "a.mov: y"]


def test_writing_the_cut(reel: Reel, small_reel: Path) -> None:
    out = small_reel / "out.otio"
    reel.write(out)
    again = timeline.read(out)
    assert [shot.id for shot in again.shots] == [shot.id for shot in reel]
    with pytest.raises(OutputError, match="not overwritten"):
        reel.write(small_reel / "cut.edl")
    reel.write(small_reel / "restored.edl", restored=small_reel / "scans" / "R1.mkv")
    made = timeline.read(small_reel / "restored.edl", rate=24)
    assert [shot.source.start for shot in made.shots if shot.source] == [86400, 86420, 86432]


def test_markers_go_with_a_cut_list(small_reel: Path) -> None:
    scan = small_reel / "scans" / "R1.mkv"
    with pytest.raises(UsageError, match="go with a cut list"):
        Reel.open(scan, scan=scan)
    with pytest.raises(UsageError, match="scan takes all shots from one film"):
        Reel.open(small_reel / "cut.edl", scan=scan, media=scan)


def test_a_project_is_opened_as_it_is_rendered(small_reel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small_reel)
    given = {"media": ["scans"], "preset": "none", "steps": {"remove_dirt": 0.9}}
    project = open_project(Path("cut.edl"), Path("film.vsfr"), given)
    before = sorted(small_reel.rglob("*"))
    reel = Reel.open(project.folder)
    assert [len(decision.recipe) for decision in reel.decisions] == [1, 1, 1]
    assert len(reel.restored()) == 48
    assert sorted(small_reel.rglob("*")) == before
    for said in ({"preset": "none"}, {"media": "scans"}, {"rate": 24}):
        with pytest.raises(UsageError, match="a project says all this itself"):
            Reel.open(project.folder, **said)
