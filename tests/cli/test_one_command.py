"""The one command on a film nobody described, and when it does not look at it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vsfilmrestore import timeline
from vsfilmrestore.assess.results import Assessment, FrameMeasures, ShotMeasures, SourceFacts
from vsfilmrestore.cli.main import main
from vsfilmrestore.errors import MediaError
from vsfilmrestore.media.source import open_media
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render import assessing, proposing
from vsfilmrestore.render.job import open_project, open_reel
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.proposing import Wish

FLICKER: dict[str, float | str] = {"kind": "picture", "flicker": 4.0, "grain.sigma": 1.0, "telecine": "none"}


@pytest.fixture(autouse=True)
def looks(small_reel: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Each look at a film; it finds flicker in all shots (in the first alone, where cuts are given)."""
    monkeypatch.chdir(small_reel)
    monkeypatch.delenv("VSFILMRESTORE_DEBUG", raising=False)
    made: list[dict[str, Any]] = []

    def look(clip: Any, *, cuts: Any = None, **given: Any) -> Assessment:
        made.append({"cuts": cuts, **given})
        bounds = [0, *(cuts or [20]), clip.num_frames]
        values = [FLICKER] + [FLICKER if cuts is None else {"grain.sigma": 1.0}] * (len(bounds) - 2)
        shots = [ShotMeasures(a, b, v) for a, b, v in zip(bounds, bounds[1:], values, strict=False)]
        source = SourceFacts("film", clip.width, clip.height, clip.num_frames, "24/1", clip.format.name)
        return Assessment(source, tuple(shots), FrameMeasures(clip.num_frames, {}))

    monkeypatch.setattr("vsfilmrestore.assess.measure.assess_clip", look)
    return made


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command that must end well; all it prints, with each run of blanks as one."""

    def call(*words: str) -> str:
        code = main(list(words))
        told = capfd.readouterr()
        assert code == 0, told.err
        return " ".join((told.out + told.err).split())

    return call


type Said = Callable[..., str]


@pytest.fixture
def unrendered(monkeypatch: pytest.MonkeyPatch) -> list[Project]:
    """Projects that came as far as the render, which is left out."""
    came: list[Project] = []
    monkeypatch.setattr("vsfilmrestore.cli.restore.render_project", lambda project, _: came.append(project))
    return came


def done(project: Project) -> list[dict[str, tuple[object, str]]]:
    """Dose and origin of each step of each shot."""
    return [
        {s.name: (s.complete["strength"], each.origins.get(f"{s.name}.strength", "")) for s in each.recipe}
        for each in open_reel(project, save=False).decisions
    ]


FILM = ("restore", "scans/R1.mkv", "-o", "out.mkv")


def steps(name: str) -> list[dict[str, Any]]:
    facts = json.loads((Path(name) / "reports" / "proposal.json").read_text("utf-8"))
    return [{step["step"]: step["strength"] for step in shot["steps"]} for shot in facts["shots"]]


def test_a_film_nobody_described(said: Said, looks: list[Any]) -> None:
    told = said(*FILM)
    assert "aim remaster: nobody said what the film is wanted for" in told
    assert "brightness trembles by 4.0 %" in told
    assert len(open_media(Path("out.mkv"))) == 48
    assert steps("R1.vsfr") == [{"deflicker": 1.0}, {"deflicker": 1.0}]
    kept = Project.open(Path("R1.vsfr")).settings
    assert (kept.aim, kept.cuts) == ("remaster", (20,))
    report = json.loads(Path("R1.vsfr/reports/report.json").read_text("utf-8"))
    assert "assessed: brightness trembles by 4.0 %" in json.dumps(report, ensure_ascii=False)
    assert len(looks) == 1
    again = said(*FILM)
    assert len(looks) == 1  # what was measured is kept
    assert "aim remaster" in again


@pytest.mark.parametrize("words", [("--no-assess",), ("--preset", "none"), ("--set", "flicker=0.5")])
def test_whoever_says_how_is_not_assessed(
    said: Said, looks: list[Any], unrendered: list[Project], words: tuple[str, ...]
) -> None:
    said(*FILM, *words)
    assert looks == []
    assert (unrendered[0].settings.aim, dict(unrendered[0].settings.shots)) == ("", {})


def test_a_cut_that_carries_settings_is_as_its_editor_says(
    said: Said, looks: list[Any], unrendered: list[Project]
) -> None:
    told = said("restore", "cut.edl", "--media", "scans", "-o", "out.mkv")
    assert "the film is not assessed, as the cut carries settings; --assess looks at it all the same" in told
    assert looks == []
    assert set(done(unrendered[0])[1]) == {step.name for step in Recipe.preset("archive")}


def test_a_cut_with_settings_is_assessed_when_asked_to(said: Said, looks: list[Any], unrendered: list[Project]) -> None:
    told = said("restore", "cut.edl", "--media", "scans", "-o", "out.mkv", "--assess")
    assert "aim archive: the cut carries settings; for the rest the least is done" in told
    assert looks[0]["cuts"] == [20, 32]
    opening = done(unrendered[0])[0]
    assert opening["remove_dirt"] == (0.4, "cut.edl:6 (note)")
    assert opening["deflicker"] == (0.75, "assessed: brightness trembles by 4.0 %")


def test_a_project_that_was_rendered_without_stays_without(
    said: Said, looks: list[Any], unrendered: list[Project]
) -> None:
    said("plan", "scans/R1.mkv", "--preset", "archive", "--project", "p")
    told = said("restore", "p", "-o", "out.mkv")
    assert "the film is not assessed, as the project was begun without" in told
    said("assess", "p")
    assert "aim remaster" in said("restore", "p", "-o", "out.mkv")  # whoever assesses wants it used
    assert len(looks) == 1


def test_a_preset_after_a_proposal_wins(said: Said) -> None:
    said("plan", "scans/R1.mkv", "--aim", "archive")
    assert Project.open(Path("R1.vsfr")).settings.aim == "archive"
    told = said("plan", "scans/R1.mkv", "--preset", "none", "--project", "R1.vsfr")
    assert "deflicker" not in told
    assert Project.open(Path("R1.vsfr")).settings.aim == ""


def test_plan_proposes_for_an_aim_and_says_where_it_came_from(said: Said) -> None:
    told = said("plan", "scans/R1.mkv", "--aim", "archive")
    assert "deflicker strength=0.75 assessed: brightness trembles by 4.0 %" in told
    assert not Path("out.mkv").exists()
    said("plan", "R1.vsfr", "--csv", "list.csv")
    assert "none flicker=0.75,assessed: brightness trembles by 4.0 %" in Path("list.csv").read_text("utf-8")


@pytest.mark.parametrize("suffix", [".otio", ".edl", ".xml", ".fcpxml"])
def test_a_proposal_goes_to_the_editor_as_markers(said: Said, suffix: str) -> None:
    Path("bare.edl").write_text(Path("cut.edl").read_text().replace("VSFR", "not"))
    said("plan", "bare.edl", "--media", "scans", "--aim", "archive", "--project", "p")
    out = f"proposed{suffix}"
    said("export", "p", "--original", "--settings", "-o", out)
    cut = timeline.read(Path(out), rate="24")
    assert [[note.text for note in shot.notes] for shot in cut.shots] == [["none flicker=0.75"], ["off"], ["off"]]
    assert "brightness trembles by 4.0 %" in Path(out).read_text("utf-8")


def test_what_an_editor_changed_is_done(said: Said, unrendered: list[Project]) -> None:
    said("plan", "scans/R1.mkv", "--aim", "remaster")
    file = Path("R1.vsfr/project.toml")
    file.write_text(file.read_text("utf-8").replace("flicker = 1.0", "flicker = 0.25", 1), "utf-8")
    assert "(changed by you)" in said(*FILM)
    first, second = done(unrendered[0])
    assert first["deflicker"][0] == 0.25
    assert first["deflicker"][1].startswith("project.toml:")
    assert second["deflicker"] == (1.0, "assessed: brightness trembles by 4.0 %")


def test_a_table_of_ones_own(said: Said) -> None:
    Path("mine.toml").write_text('extends = "standard"\n[thresholds]\nflicker_seen = 9.0\nflicker_strong = 12.0\n')
    told = said("plan", "scans/R1.mkv", "--table", "mine.toml")
    assert steps("R1.vsfr") == [{}, {}]
    assert "untouched" in told


def test_programs_get_a_line(capfd: pytest.CaptureFixture[str], unrendered: list[Project]) -> None:
    assert main([*FILM, "--progress", "jsonl"]) == 0
    event = json.loads(capfd.readouterr().out)
    assert (event["event"], event["aim"], event["grades"]) == ("proposal", "remaster", {"medium": 2})
    assert event["file"] == "R1.vsfr/reports/proposal.json"
    assert len(unrendered) == 1


def telecined(monkeypatch: pytest.MonkeyPatch, refuse: str = "") -> list[bool]:
    """Looks at a film that is found to be telecined until it is brought back; each tells whether it was."""
    told: list[bool] = []
    known = assessing.assess_project

    def look(project: Project, **given: Any) -> assessing.Assessed:
        told.append(project.settings.inverse_telecine)
        if told[-1] and refuse:
            raise MediaError(refuse)
        values: dict[str, float | str] = (
            {"telecine": "none"} if told[-1] else {"telecine": "3:2", "interlaced.order": "top"}
        )
        as_it_is = replace(project, settings=replace(project.settings, inverse_telecine=False))
        seen = known(as_it_is, **given)
        found = replace(seen.found, shots=tuple(replace(shot, values=values) for shot in seen.found.shots))
        settings = replace(seen.project.settings, inverse_telecine=told[-1])
        return replace(seen, found=found, project=replace(seen.project, settings=settings))

    monkeypatch.setattr(proposing, "assess_project", look)
    return told


def test_telecined_film_is_brought_back_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told = telecined(monkeypatch)
    project = open_project(Path("scans/R1.mkv"), None, {}, save=False)
    made = proposing.proposed(project, Wish("archive"))
    assert "brought back to film frames first" in made.remarks[0]
    assert Project.open(Path("R1.vsfr")).settings.inverse_telecine
    assert told == [False, True]
    taken_back = replace(made.project, settings=replace(made.project.settings, inverse_telecine=False))
    proposing.proposed(taken_back, Wish("archive"))
    assert told == [False, True, False]  # the editor took it back, and so it stays


def test_telecined_film_of_unknown_field_order_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    telecined(monkeypatch, "nobody says which field comes first")
    project = open_project(Path("scans/R1.mkv"), None, {}, save=False)
    made = proposing.proposed(project, Wish("archive"))
    assert "cannot be brought back to film frames: nobody says" in made.remarks[0]
    assert not made.project.settings.inverse_telecine
    assert all("inverse_telecine" not in each.diagnosis.steps for each in made.proposal.shots)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--preset", "none", "--aim", "archive"), 2, "--preset says what is done"),
        (("--aim", "archiv"), 4, "there is no aim 'archiv'; did you mean 'archive'?"),
        (("--table", "nowhere.toml"), 3, "nowhere.toml"),
    ],
)
def test_wrong_words(capfd: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, message: str) -> None:
    assert main([*FILM, *words]) == code
    told = capfd.readouterr().err
    assert message in told
    assert "Traceback" not in told
    assert not Path("out.mkv").exists()


def test_a_new_cut_keeps_what_was_proposed_and_changed(said: Said) -> None:
    text = Path("cut.edl").read_text().replace("VSFR", "not")
    Path("bare.edl").write_text(text)
    said("plan", "bare.edl", "--media", "scans", "--aim", "remaster", "--project", "p")
    file = Path("p/project.toml")
    file.write_text(file.read_text("utf-8").replace("flicker = 1.0", "flicker = 1.0\ndust = 0.15", 1), "utf-8")
    Path("new.edl").write_text(
        text.replace("01:00:00:00 01:00:00:20 01:00:00:00", "01:00:00:04 01:00:00:20 01:00:00:04")
    )
    said("recut", "p", "new.edl")
    opening = done(Project.open(Path("p")))[0]
    assert opening["deflicker"] == (1.0, "assessed: brightness trembles by 4.0 %")
    assert opening["remove_dirt"][1].startswith("project.toml:")
