"""A reel as it is served: projects, cut lists, media and scripts; facts of frames without rendering."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.errors import RenderError, UsageError
from vsfilmrestore.render.job import open_project
from vsfilmrestore.render.reel import Reel
from vsfilmrestore.serve.reel import ServedReel

SCRIPT = """
import vapoursynth as vs
clip = vs.core.std.BlankClip(format=vs.RGB24, width=64, height=48, length=20, fpsnum=25, fpsden=1, color=[9, 8, 7])
clip.set_output(0)
"""


@pytest.fixture
def served(small_reel: Path) -> ServedReel:
    return ServedReel.open(small_reel / "cut.edl", given={"media": [small_reel / "scans"], "preset": "none"})


def test_the_shots_of_a_cut(served: ServedReel, small_reel: Path) -> None:
    assert [(s.name, s.first, s.frames, s.file_first, s.timecode) for s in served.shots] == [
        ("opening", 0, 20, 0, "01:00:00:00"),
        ("fight-03", 20, 12, 20, "01:00:00:20"),
        ("end", 32, 16, 32, "01:00:01:08"),
    ]
    assert {shot.file for shot in served.shots} == {small_reel / "scans" / "R1.mkv"}
    assert (len(served), served.width, served.height, served.fps) == (48, 192, 144, 24)
    assert served.source_node.num_frames == 48
    assert served.shot_of(31).id == "R1@01:00:00:20"


def test_what_is_known_of_a_frame(served: ServedReel) -> None:
    facts = served.facts(33)
    assert (facts.shot.name, facts.timecode, facts.index) == ("end", "01:00:01:09", 33)
    assert (facts.source, facts.source_timecode) == ("R1.mkv", "01:00:01:09")
    assert served.keycode(33) == ""
    for n in (-1, 48):
        with pytest.raises(RenderError, match="frames 0 to 47"):
            served.facts(n)


def test_a_project_folder_is_served_as_it_is_rendered(small_reel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small_reel)
    given = {"media": ["scans"], "preset": "none", "steps": {"remove_dirt": 0.9}}
    project = open_project(Path("cut.edl"), Path("film.vsfr"), given)
    served = ServedReel.open(project.folder)
    assert [len(decision.recipe) for decision in served.reel.decisions] == [1, 1, 1]
    assert served.colour.count("/") == 2


def test_opening_writes_nothing(small_reel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small_reel)
    before = sorted(small_reel.rglob("*"))
    ServedReel.open(Path("scans/R1.mkv"), given={"preset": "none"})
    assert sorted(small_reel.rglob("*")) == before


def test_a_script_is_served_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.vpy").write_text(SCRIPT)
    served = ServedReel.open(Path("mine.vpy"))
    assert [(shot.name, shot.frames) for shot in served.shots] == [("shot 001", 20)]
    assert (served.fps, served.node.format.id, served.colour.split("/")[0]) == (25, vs.RGB24, "rgb")
    assert [int(np.asarray(served.node.get_frame(3)[p])[0, 0]) for p in range(3)] == [9, 8, 7]


def test_a_project_never_runs_a_script_that_was_not_named(tmp_path: Path) -> None:
    (tmp_path / "mine.vpy").write_text(SCRIPT)
    (tmp_path / "film.vsfr").mkdir()
    (tmp_path / "film.vsfr" / "project.toml").write_text('[source]\ninput = "../mine.vpy"\n')
    with pytest.raises(UsageError, match="scripts run only when you name them"):
        ServedReel.open(tmp_path / "film.vsfr")


def test_frames_that_are_multiplied_keep_their_shots(small_reel: Path) -> None:
    reel = Reel.open(small_reel / "cut.edl", media=small_reel / "scans", preset="none")
    reel["end"].script = lambda clip: vs.core.std.Interleave([clip, clip])
    served = ServedReel(reel)
    assert (served.factor, len(served), served.fps, served.source_node.num_frames) == (2, 96, 48, 96)
    assert [(s.first, s.frames) for s in served.shots] == [(0, 40), (40, 24), (64, 32)]
    assert (served.facts(67).index, served.facts(67).timecode) == (33, "01:00:01:19")
