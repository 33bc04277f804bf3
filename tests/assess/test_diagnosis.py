"""From measures to steps: doses, aims, kinds of film, confidence, sentences; and tables of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from vsfilmrestore.assess.diagnosis import Diagnosis, diagnose
from vsfilmrestore.assess.diagnosis_table import Table
from vsfilmrestore.assess.results import ShotMeasures
from vsfilmrestore.errors import InputError, SettingError

STANDARD = Table.standard()

CLEAN: dict[str, float | str] = {
    "kind": "picture", "motion": "some", "telecine": "none", "interlaced": 0.0, "drawn": 0.0, "flicker": 0.1,
    "weave.x": 0.02, "weave.y": 0.02, "dirt.density": 0.0, "dirt.share": 0.0, "dropouts": 0.0, "stains.share": 0.0,
    "scratches.count": 0, "scratches.persistence": 0.0, "frames.torn": 0, "frames.ruined": 0, "frames.splices": 0,
    "frames.missing": 0, "frames.double": 0, "grain.sigma": 1.1, "faces.number": 0,
}  # fmt: skip


def measured(changes: Mapping[str, float | str] | None = None, **lists: tuple[float, ...]) -> ShotMeasures:
    return ShotMeasures(0, 100, {**CLEAN, **(changes or {})}, {name.replace("__", "."): x for name, x in lists.items()})


def found(changes: Mapping[str, float | str], aim: str = "remaster", **lists: tuple[float, ...]) -> Diagnosis:
    return diagnose(measured(changes, **lists), STANDARD, STANDARD.aim(aim))


def doses(diagnosis: Diagnosis) -> dict[str, float | None]:
    return {step.step: step.strength for step in diagnosis.steps.values()}


def left(diagnosis: Diagnosis, step: str) -> str:
    return next(each.sentence for each in diagnosis.left if each.step == step)


def test_nothing_is_proposed_for_a_clean_shot_and_it_says_why() -> None:
    diagnosis = found({})
    assert (doses(diagnosis), diagnosis.grade) == ({}, "good")
    assert left(diagnosis, "denoise") == "grain of 1.1 levels is fine: left"
    assert {each.step for each in diagnosis.left} >= {"stabilize", "deflicker", "remove_dirt", "remove_scratches"}
    assert not any(each.found for each in diagnosis.left)


def test_a_scratch_is_told_with_its_place() -> None:
    said = {"scratches.count": 1, "scratches.persistence": 0.94}
    diagnosis = found(said, scratches__x=(812.0,))
    assert diagnosis.sentences[0] == "vertical scratch at x=812 through 94 % of the shot: remove_scratches 0.8"


def test_more_damage_gets_more() -> None:
    little, some, much = (doses(found({"dirt.density": pieces}))["remove_dirt"] for pieces in (0.5, 3.0, 40.0))
    assert little is not None
    assert some is not None
    assert much is not None
    assert little < some < much


def test_poor_medium_and_good_footage_get_different_recipes() -> None:
    medium = found({"dirt.density": 4.0})
    worn = {"dirt.density": 20.0, "flicker": 5.0, "weave.x": 1.0, "weave.y": 0.8, "grain.sigma": 8.0}
    poor = found(worn | {"scratches.count": 3, "scratches.persistence": 1.0})
    assert [each.grade for each in (found({}), medium, poor)] == ["good", "medium", "poor"]
    assert set(doses(medium)) == {"remove_dirt"}
    assert set(doses(poor)) == {"stabilize", "deflicker", "remove_dirt", "remove_scratches", "denoise", "regrain"}
    assert list(doses(poor))[:2] == ["stabilize", "deflicker"]


def test_archive_does_less_and_says_what_it_leaves() -> None:
    worn = {"dirt.density": 20.0, "grain.sigma": 8.0}
    archive, full = found(worn, "archive"), found(worn)
    assert set(doses(archive)) == {"remove_dirt"}
    assert (doses(archive)["remove_dirt"] or 0) < (doses(full)["remove_dirt"] or 0)
    assert "denoise is no part of the aim archive" in left(archive, "denoise")


@pytest.mark.parametrize("step", ["upscale", "deblur", "restore_faces", "interpolate", "denoise", "fill", "regrain"])
def test_archive_may_never_propose(step: str) -> None:
    assert step not in STANDARD.aims["archive"].steps


@pytest.mark.parametrize("aim", STANDARD.aims)
def test_what_invents_is_told_but_wants_a_yes(aim: str) -> None:
    diagnosis = found({"faces.number": 1, "faces.size": 60.0, "faces.sharpness": 0.1}, aim)
    assert "restore_faces" not in doses(diagnosis)
    assert "restore_faces invents and wants a yes: left" in left(diagnosis, "restore_faces")
    assert not STANDARD.ask & STANDARD.aims[aim].steps


def test_low_confidence_is_a_smaller_dose_and_says_so() -> None:
    sure = found({"dirt.density": 15.0, "confidence.dirt": 0.9}).steps["remove_dirt"]
    unsure = found({"dirt.density": 15.0, "confidence.dirt": 0.36}).steps["remove_dirt"]
    assert (sure.strength, sure.doubt) == (0.85, "")
    assert unsure.strength == 0.5
    assert unsure.sentence.endswith("remove_dirt 0.5 (unsure, 0.36: 0.5 for 0.85)")


def test_what_is_hardly_believed_is_left() -> None:
    diagnosis = found({"dirt.density": 15.0, "confidence.dirt": 0.2})
    assert doses(diagnosis) == {}
    assert left(diagnosis, "remove_dirt") == "15.0 pieces of dirt a frame, but that is too unsure (0.20): left"


def test_drawn_film_keeps_its_held_drawings() -> None:
    diagnosis = found({"drawn": 0.9, "frames.torn": 1}, frames__torn_at=(7.0,))
    assert list(diagnosis.kinds) == ["cel"]
    assert diagnosis.steps["repair_frames"].settings == {"frozen": False}
    assert "regrain" not in doses(found({"drawn": 0.9, "grain.sigma": 6.0}))


def test_video_has_no_gate_but_fields() -> None:
    diagnosis = found({"interlaced": 0.9, "interlaced.order": "top", "weave.x": 0.5, "weave.y": 0.5})
    assert doses(diagnosis) == {"deinterlace": None}
    assert "never ran through a gate" in left(diagnosis, "stabilize")


def test_fields_of_unknown_order_are_left() -> None:
    diagnosis = found({"interlaced": 0.9, "interlaced.order": "none"})
    assert doses(diagnosis) == {}
    assert "nothing tells which field comes first" in left(diagnosis, "deinterlace")


def test_fast_limbs_are_not_taken_for_dirt() -> None:
    calm, fast = found({"dirt.density": 5.0}), found({"dirt.density": 5.0, "motion": "fast", "motion.speed": 6.0})
    assert list(fast.kinds) == ["kungfu"]
    assert (doses(fast)["remove_dirt"] or 0) < (doses(calm)["remove_dirt"] or 0)


def test_bars_are_left_alone() -> None:
    diagnosis = found({"kind": "bars", "dirt.density": 30.0})
    assert (doses(diagnosis), diagnosis.sentences) == ({}, ["no picture, but bars: left"])


def test_what_was_not_measured_says_nothing() -> None:
    diagnosis = diagnose(ShotMeasures(0, 3), STANDARD, STANDARD.aim("remaster"))
    assert (doses(diagnosis), diagnosis.left) == ({}, ())


def test_grain_goes_back_only_where_some_was_taken() -> None:
    diagnosis = found({"grain.sigma": 8.0, "confidence.grain": 0.1})
    assert [each.step for each in diagnosis.left if each.found] == ["denoise"]
    assert doses(diagnosis) == {}


def test_facts_are_plain_data() -> None:
    facts = found({"dirt.density": 5.0}).facts()
    assert facts["steps"][0] | {"step": "remove_dirt", "rules": ["dirt"]} == facts["steps"][0]
    assert {"step", "reason", "found"} == set(facts["left"][0])


def own(folder: Path, text: str) -> Table:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return Table.read(path)


def test_a_table_of_ones_own_changes_a_threshold(tmp_path: Path) -> None:
    table = own(tmp_path, 'extends = "standard"\n[thresholds]\ngrain_fine = 9.0\n')
    assert "denoise" not in diagnose(measured({"grain.sigma": 8.0}), table, table.aim("remaster")).steps
    assert "denoise" in found({"grain.sigma": 8.0}).steps


def test_a_table_of_ones_own_replaces_drops_and_adds(tmp_path: Path) -> None:
    table = own(
        tmp_path,
        'extends = "standard"\ndrop = ["flicker", "cel"]\n'
        '[aims.house]\nsteps = ["dust", "wires"]\ndose = 0.5\n'
        '[[rules]]\nname = "dirt"\nstep = "dust"\nwhen = ["dirt.density > 1"]\nstrength = 1.0\nreason = "dirty"\n'
        '[[rules]]\nname = "stunts"\nstep = "wires"\nwhen = ["motion is fast"]\nreason = "stunts"\nstrength = 0.4\n',
    )
    shot = measured({"dirt.density": 5.0, "flicker": 9.0, "motion": "fast", "motion.speed": 5.0})
    diagnosis = diagnose(shot, table, table.aim("house"))
    assert doses(diagnosis) == {"remove_dirt": 0.4, "remove_wires": 0.2}  # fast motion takes a fifth off the first
    assert diagnosis.steps["remove_dirt"].reason == "dirty"
    assert not any(rule.name == "flicker" for rule in table.rules)


RULE = '[[rules]]\nname = "dirt"\nstep = "{}"\nwhen = ["{}"]\nreason = "{}"\n'


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('rule = 1\n', 1, "unknown key 'rule'; did you mean 'rules'?"),
        ('extends = "archive"\n', 1, "extends must be 'standard'"),
        ('\n[thresholds]\na = "much"\n', 3, "thresholds: a: must be a number, not 'much'"),
        (RULE.format("dirt", "flicker > 1", "x"), 1, "rule 'dirt': there is no step 'dirt'"),
        (RULE.format("dust", "dirt.densty > 1", "x"), 1, "there is no measure 'dirt.densty'; did you mean"),
        (RULE.format("dust", "flicker > seen", "x"), 1, "rule 'dirt': 'seen' is neither a number nor a threshold"),
        (RULE.format("dust", "flicker", "x"), 1, "rule 'dirt': 'flicker' is no condition"),
        (RULE.format("dust", "motion is quick", "x"), 1, "rule 'dirt': motion is never 'quick'"),
        (RULE.format("dust", "motion > 1", "x"), 1, "rule 'dirt': 'motion' is a word, not a number"),
        (RULE.format("dust", "flicker > 1", "{flick}"), 1, "rule 'dirt': there is no measure 'flick'"),
        (RULE.format("dust", "flicker > 1", "{flicker:>9999}"), 1, "rule 'dirt': '{flicker:>9999}' has a form"),
        (RULE.format("dust", "flicker > 1", "x") + 'strength = 2\n', 1, "rule 'dirt': what a point gives must lie in"),
        (RULE.format("dust", "flicker > 1", "x") + "strength = {of = \"flicker\", points = [[2, 0.1], [1, 0.2]]}\n", 1,
         "rule 'dirt': points must ascend: 2, 1"),
        (RULE.format("deint", "interlaced > 1", "x") + "strength = 0.5\n", 1, "deinterlace has no strength"),
        (RULE.format("dust", "flicker > 1", "x") + "settings = { size = 3 }\n", 1, "has no setting 'size'"),
        (RULE.format("dust", "flicker > 1", "x") + "do = 3\n", 1, "rule 'dirt': unknown key 'do'"),
        (RULE.format("dust", "flicker > 1", "x") + '[[rules]]\nstep = "dust"\n', 6, "rule: it needs a name"),
        ('[[rules]]\nname = "a"\n', 1, "rule 'a': it needs a step"),
        ("[aims.big]\ndose = 3\n", 1, "aim 'big': dose must be above 0 and at most 1"),
        ('[aims.big]\nsteps = ["dirt"]\n', 2, "aims.big.steps: there is no step 'dirt'"),
        ('[[kinds]]\nname = "k"\nwhen = ["flicker > 1"]\nreason = "x"\ndose = { dust = 9 }\n', 1,
         "kind 'k': dose of remove_dirt must lie in 0..2"),
    ],
)  # fmt: skip
def test_errors_name_file_line_and_rule(tmp_path: Path, text: str, line: int, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        own(tmp_path, text)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"mine.toml:{line}: ")


def test_a_table_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mine.toml:1: is not TOML"):
        own(tmp_path, "import os\n")
    with pytest.raises(SettingError, match=r"there is no aim 'archiv'; did you mean 'archive'\?"):
        STANDARD.aim("archiv")


@pytest.mark.parametrize(
    ("found_in_it", "step", "dose"),
    [
        ({"head_switching": 6}, "hide_head_switching", 1.0),
        ({"dot_crawl": 0.2, "colour": "colour"}, "remove_dot_crawl", 0.5),
        ({"rainbows": 0.2, "colour": "colour"}, "remove_dot_crawl", 0.5),
        ({"chroma.across": 3.8, "colour": "colour"}, "fix_chroma", 0.5),
        ({"chroma.across": -3.2, "chroma.down": 2.2, "colour": "colour"}, "fix_chroma", 0.5),
        ({"chroma.down": -2.2, "colour": "colour"}, "fix_chroma", 0.5),
        ({"cels.hold": 2, "cels.dust": 6.0, "drawn": 0.6}, "clean_cels", 0.65),
    ],
)
def test_faults_of_tape_and_cels_call_for_their_step(
    found_in_it: dict[str, float | str], step: str, dose: float
) -> None:
    assert doses(found(found_in_it)) == {step: dose}


@pytest.mark.parametrize(
    "found_in_it",
    [
        {"head_switching": 0, "dot_crawl": 0.005, "rainbows": 0.016, "chroma.across": 0.0, "colour": "colour"},
        {"dot_crawl": 0.2, "rainbows": 0.2, "colour": "grey"},
        {"cels.hold": 2, "cels.dust": 6.0},
        {"cels.hold": 1, "cels.dust": 6.0, "drawn": 0.6},
        {"cels.hold": 2, "cels.dust": 1.3, "drawn": 0.6},
    ],
)
def test_what_clean_clips_measure_calls_for_nothing_of_tape(found_in_it: dict[str, float | str]) -> None:
    assert doses(found(found_in_it)) == {}


def test_a_tape_that_tears_below_never_ran_through_a_gate() -> None:
    diagnosis = found({"head_switching": 6, "weave.x": 1.0, "weave.y": 0.5, "confidence.weave": 1.0})
    assert doses(diagnosis) == {"hide_head_switching": 1.0}
    assert "this is a tape: 6 lowest lines are torn" in left(diagnosis, "stabilize")


def test_archive_leaves_what_covers_and_what_the_signal_did() -> None:
    said = {"head_switching": 6, "rainbows": 0.2, "cels.hold": 2, "cels.dust": 6.0, "drawn": 0.6, "colour": "colour"}
    assert set(doses(found(said, "archive"))) == {"clean_cels"}


@pytest.mark.parametrize(
    ("seen", "step", "why"),
    [
        (
            {"motion": "fast", "grain.sigma": 13.0, "grain.size": 1.9},
            "denoise",
            "with a size of 1.9 px it is blurred motion",
        ),
        (
            {"motion": "fast", "drawn": 0.4, "grain.sigma": 9.2, "grain.size": 0.5},
            "denoise",
            "so fine it is dither",
        ),
        (
            {"weave.x": 0.3, "weave.y": 0.3, "grain.sigma": 5.2, "grain.size": 0.18},
            "denoise",
            "it is fine detail that weaves",
        ),
        (
            {"motion": "fast", "weave.x": 1.7, "weave.y": 1.0, "confidence.weave": 0.57},
            "stabilize",
            "fast motion may look like that",
        ),
        ({"motion": "fast", "dirt.density": 0.7, "dirt.share": 0.0014}, "remove_dirt", "so few may be fast limbs"),
        ({"dirt.density": 0.5, "grain.sigma": 0.4}, "remove_dirt", "without grain it is hardly film"),
        (
            {"motion": "fast", "interlaced": 0.54, "interlaced.order": "top"},
            "deinterlace",
            "fast motion and lost lines look like combs",
        ),
    ],
)
def test_what_only_looks_like_damage_is_left_and_told(seen: dict[str, float | str], step: str, why: str) -> None:
    diagnosis = found(seen)
    assert step not in doses(diagnosis)
    assert left(diagnosis, step).endswith(f", but {why}: left")


def test_the_same_with_a_film_about_it_is_damage() -> None:
    assert "denoise" in doses(found({"grain.sigma": 13.0, "grain.size": 1.9}))
    assert "denoise" in doses(found({"motion": "fast", "drawn": 0.4, "grain.sigma": 9.2, "grain.size": 0.7}))
    assert "stabilize" in doses(found({"motion": "fast", "weave.x": 1.7, "weave.y": 1.0, "confidence.weave": 0.8}))
    assert "remove_dirt" in doses(found({"dirt.density": 0.5}))


def test_grain_is_given_back_only_where_none_is_left() -> None:
    fine, coarse = found({"grain.sigma": 4.0}), found({"grain.sigma": 10.0})
    assert set(doses(fine)) == {"denoise"}
    assert set(doses(coarse)) == {"denoise", "regrain"}
    assert (doses(fine)["denoise"] or 0) < (doses(coarse)["denoise"] or 0)
