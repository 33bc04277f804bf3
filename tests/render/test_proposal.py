"""What is proposed comes into project.toml; what an editor says or changes wins, now and when it is proposed again."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from vsfilmrestore import timeline
from vsfilmrestore.assess.diagnosis_table import Table
from vsfilmrestore.assess.results import Assessment, FrameMeasures, ShotMeasures, SourceFacts
from vsfilmrestore.errors import SettingError
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.decide import Decision, decide_cut
from vsfilmrestore.render.project import Project, ProjectSettings
from vsfilmrestore.render.proposal import Proposal, propose, with_proposal, write_proposal
from vsfilmrestore.render.shotlist import origin_text
from vsfilmrestore.render.sidecar import proposed_words
from vsfilmrestore.timeline.model import CutList, SettingNote, Strength

DIRTY = {"dirt.density": 15.0, "grain.sigma": 1.0, "flicker": 4.0}
TABLE = Table.standard()


def film() -> CutList:
    return timeline.reel_from_cuts([60], 100, Fraction(24), name="film")


def assessed(first: Mapping[str, float | str], second: Mapping[str, float | str] | None = None) -> Assessment:
    shots = (ShotMeasures(0, 60, dict(first)), ShotMeasures(60, 100, dict(second or {"grain.sigma": 1.0})))
    source = SourceFacts("film", 640, 480, 100, "24/1", "YUV420P8")
    return Assessment(source, shots, FrameMeasures(100, {}))


def proposal(first: Mapping[str, float | str] = DIRTY, aim: str = "remaster") -> Proposal:
    return propose(film(), assessed(first), TABLE, aim, "nobody said")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project as it lies on disk after a proposal."""
    made, _ = with_proposal(Project(tmp_path / "p", ProjectSettings(input="film.mkv")), film(), proposal())
    made.folder.mkdir()
    made.save()
    return Project.open(made.folder)


def decided(project: Project, cut: CutList | None = None) -> list[Decision]:
    return list(decide_cut(cut or film(), project.recipe(), project.sidecar()).decisions)


def doses(decision: Decision) -> dict[str, object]:
    return {step.name: step.complete["strength"] for step in decision.recipe}


def edited(project: Project, *changes: tuple[str, str]) -> Project:
    file = project.folder / "project.toml"
    text = file.read_text("utf-8")
    for old, new in changes:
        assert old in text, text
        text = text.replace(old, new, 1)
    file.write_text(text, "utf-8")
    return Project.open(project.folder)


def again(project: Project, first: Mapping[str, float | str] = DIRTY) -> tuple[Project, dict[str, str]]:
    made, whose = with_proposal(project, film(), proposal(first))
    made.save()
    return Project.open(made.folder), dict(whose)


def test_what_is_proposed_is_what_is_done_and_says_why(project: Project) -> None:
    dirty, clean = decided(project)
    assert doses(dirty) == {"deflicker": 1.0, "remove_dirt": 0.85}
    assert dirty.origins["remove_dirt.strength"] == "assessed: 15.0 pieces of dirt a frame"
    assert doses(clean) == {}
    assert origin_text(clean.parts[0]) == "assessed: aim remaster, good; nothing calls for a step"
    assert dirty.warnings == ()


def test_the_row_can_be_read_by_people(project: Project) -> None:
    text = (project.folder / "project.toml").read_text("utf-8")
    assert '[shots."film@0"]\npreset = "none"\nflicker = 1.0\ndust = 0.85\nassessed = [\n' in text
    assert '"dust=0.85: 15.0 pieces of dirt a frame",\n' in text
    assert '"grain of 1.0 levels is fine: left",\n' in text
    assert 'aim = "remaster"' in text


def test_a_value_that_was_changed_is_the_editors(project: Project) -> None:
    project = edited(project, ("dust = 0.85", "dust = 0.3"))
    dirty = decided(project)[0]
    assert doses(dirty) == {"deflicker": 1.0, "remove_dirt": 0.3}
    assert dirty.origins["remove_dirt.strength"].startswith("project.toml:")
    assert dirty.origins["deflicker.strength"].startswith("assessed: ")
    project, whose = again(project)
    assert whose == {"film@0": "changed", "film@60": "proposed"}
    assert doses(decided(project)[0]) == {"deflicker": 1.0, "remove_dirt": 0.3}


def test_a_new_proposal_changes_what_nobody_touched(project: Project) -> None:
    project = edited(project, ("dust = 0.85", "dust = 0.3"))
    project, _ = again(project, {"dirt.density": 1.0, "flicker": 1.0})
    made = doses(decided(project)[0])
    assert made["remove_dirt"] == 0.3
    assert made["deflicker"] == 0.75


def test_a_step_that_was_taken_out_stays_out(project: Project) -> None:
    project = edited(project, ("flicker = 1.0\n", ""))
    for _ in range(3):
        assert doses(decided(project)[0]) == {"remove_dirt": 0.85}
        project, whose = again(project)
        assert whose["film@0"] == "changed"


def test_steps_of_the_editors_own_stay_and_comments_too(project: Project) -> None:
    project = edited(project, ("dust = 0.85", "dust = 0.85\nscratch = 0.4  # the door!"))
    project, _ = again(project, {"dirt.density": 1.0})
    assert doses(decided(project)[0]) == {"remove_dirt": 0.5, "remove_scratches": 0.4}
    assert "# the door!" in (project.folder / "project.toml").read_text("utf-8")


def test_another_preset_in_the_row_makes_all_of_it_the_editors(project: Project) -> None:
    project = edited(project, ('preset = "none"', 'preset = "archive"'))
    assert doses(decided(project)[0])["remove_dirt"] == 0.85
    assert doses(decided(project)[0])["stabilize"] == Recipe.preset("archive").as_dict()["stabilize"]["strength"]


def test_a_row_of_ones_own_is_never_touched(tmp_path: Path) -> None:
    bare = Project(tmp_path, ProjectSettings(shots={"film@0": "remaster dust=0.1"}))
    made, whose = with_proposal(bare, film(), proposal())
    assert whose == {"film@0": "own", "film@60": "proposed"}
    assert made.settings.shots["film@0"] == "remaster dust=0.1"
    assert doses(decided(made)[0])["remove_dirt"] == 0.1


@pytest.mark.parametrize("strength", [each for each in Strength if each not in (Strength.DEFAULT, Strength.ASSESSED)])
def test_whatever_an_editor_says_wins(project: Project, strength: Strength) -> None:
    cut = film()
    note = SettingNote("dust=0.2 flicker=off", strength, "cut.edl", 4)
    marked = cut.with_shots((replace(cut.shots[0], notes=(note,)), cut.shots[1]))
    dirty = decided(project, marked)[0]
    assert doses(dirty) == {"remove_dirt": 0.2}
    assert dirty.warnings == ()  # to say otherwise than was proposed is no contradiction


def test_a_preset_of_the_editor_begins_anew(project: Project) -> None:
    cut = film()
    note = SettingNote("tape", Strength.NOTE, "cut.edl", 4)
    marked = cut.with_shots((replace(cut.shots[0], notes=(note,)), cut.shots[1]))
    assert "remove_dirt" not in doses_of_steps(decided(project, marked)[0])


def doses_of_steps(decision: Decision) -> list[str]:
    return [step.name for step in decision.recipe]


def test_changes_to_the_whole_film_are_not_undone(project: Project) -> None:
    project = replace(
        project, settings=replace(project.settings, steps={"dust": 0.25, "deflicker": False, "stab": 0.5})
    )
    dirty, clean = decided(project)
    assert doses(dirty) == {"stabilize": 0.5, "remove_dirt": 0.25}
    assert dirty.origins["remove_dirt"] == "project.toml (recipe)"
    assert "remove_dirt.strength" not in dirty.origins
    assert doses(clean) == {"stabilize": 0.5, "remove_dirt": 0.25}


def test_without_an_aim_the_preset_counts_and_what_the_editor_changed(project: Project) -> None:
    project = edited(project, ('aim = "remaster"\n', ""), ("dust = 0.85", "dust = 0.3"))
    dirty, clean = decided(project)
    archive = {step.name: step.complete["strength"] for step in Recipe.preset("archive")}
    assert doses(clean) == archive
    assert doses(dirty) == archive | {"remove_dirt": 0.3}


def test_a_shot_that_is_assessed_in_pieces_gets_the_longest(tmp_path: Path) -> None:
    shots = (ShotMeasures(0, 10, {"dirt.density": 9.0}), ShotMeasures(10, 100, {"flicker": 4.0}))
    found = replace(assessed({}), shots=shots)
    made = propose(film(), found, TABLE, "remaster")
    assert [list(each.diagnosis.steps) for each in made.shots] == [["deflicker"], ["deflicker"]]


def test_a_film_is_telecined_where_most_of_it_is() -> None:
    telecined: dict[str, float | str] = {"telecine": "3:2", "interlaced.order": "top"}
    assert proposal(telecined).telecined.startswith("film frames are spread over fields")
    some = propose(film(), assessed({"grain.sigma": 1.0}, telecined), TABLE, "remaster")
    assert some.telecined == ""
    assert (
        "film frames are spread over fields (3:2), but only in part of the film: left"
        in some.shots[1].diagnosis.sentences
    )
    assert "ivtc" not in json.dumps(some.facts())


def test_files_hold_what_is_proposed_and_what_is_left(tmp_path: Path) -> None:
    facts, table = write_proposal(proposal(), tmp_path / "reports")
    told = json.loads(facts.read_text("utf-8"))
    assert (told["aim"], told["why"], len(told["shots"])) == ("remaster", "nobody said", 2)
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert {"shot": "film@0", "step": "remove_dirt", "strength": "0.85"}.items() <= rows[1].items()
    assert any(row["strength"] == "0" and row["sentence"].endswith("is fine: left") for row in rows)


def test_an_assessed_list_that_is_none_names_its_line(project: Project) -> None:
    text = (project.folder / "project.toml").read_text("utf-8")
    project = edited(project, ("assessed = [", 'assessed = "x"\nother = ['))
    line = text.splitlines().index("assessed = [") + 1
    with pytest.raises(SettingError, match=rf"project.toml:{line}, .*assessed must be a list of texts"):
        decided(project)


def test_only_the_first_line_may_tell_a_preset() -> None:
    said = ["none: aim archive, good", "dust=0.5: dirty", "steady: left", "grain is fine: left"]
    assert proposed_words(said) == {"none": "aim archive, good", "dust=0.5": "dirty"}
