"""Who decides about a shot: strength, ranges, keys, colours, and what is said of disagreement."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from time import process_time
from typing import Any

import pytest

from vsfilmrestore.errors import SettingError
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.decide import Decided, Decision, decide_cut
from vsfilmrestore.render.shotlist import origin_text
from vsfilmrestore.render.sidecar import Sidecar
from vsfilmrestore.timeline.model import CutList, FrameRange, Marker, SettingNote, Shot, SourceKey, Strength
from vsfilmrestore.timeline.notes import with_markers, with_notes

ARCHIVE = Recipe.preset("archive")
RATE = Fraction(24)
CLIP, TIMELINE, NOTE = Strength.CLIP_MARKER, Strength.TIMELINE_MARKER, Strength.NOTE
DUST = "remove_dirt.strength"


def cut(*shots: Mapping[str, Any] | None, length: int = 48) -> CutList:
    """Shots of reel R1, one after the other; None is a gap."""
    made = []
    for i, facts in enumerate(shots):
        record = FrameRange(i * length, (i + 1) * length)
        if facts is None:
            made.append(Shot("gap", record, None))
            continue
        source = SourceKey(f"clip {i}", "R1", "", 86400 + i * length, RATE)
        made.append(
            Shot(**({"name": f"shot {i}", "record": record, "source": source, "event": f"{i + 1:03d}"} | facts))
        )
    return CutList("cut", RATE, tuple(made), start=86400, file="cut.edl")


def note(text: str, strength: Strength = NOTE, line: int = 1, frames: tuple[int, int] | None = None) -> SettingNote:
    return SettingNote(text, strength, "cut.edl", line, "01:00:00:00", FrameRange(*frames) if frames else None)


def one(*notes: SettingNote, sidecar: Mapping[str, Any] | None = None, default: Recipe = ARCHIVE) -> Decision:
    reel = cut({})
    reel = reel.with_shots((with_notes(reel.shots[0], *notes),))
    (decision,) = decide_cut(reel, default, sidecar).decisions
    return decision


def dust(recipe: Recipe) -> object:
    return next((step.complete["strength"] for step in recipe if step.name == "remove_dirt"), None)


def doses(decision: Decision) -> list[tuple[int, int, object]]:
    return [(part.frames.start, part.frames.stop, dust(part.recipe)) for part in decision.parts]


def test_nothing_said_is_the_default() -> None:
    decision = one()
    assert decision.recipe == ARCHIVE
    assert set(decision.origins.values()) == {"archive (default)"}
    assert decision.warnings == ()


ALL = [
    note("dust=0.1", CLIP, 1),
    note("dust=0.2", TIMELINE, 2),
    note("dust=0.3", NOTE, 3),
]


@pytest.mark.parametrize(("count", "wanted"), [(3, 0.1), (2, 0.2), (1, 0.3), (0, 0.4)])
def test_the_stronger_place_wins(count: int, wanted: float) -> None:
    decision = one(*ALL[3 - count :], sidecar={"R1@01:00:00:00": "dust=0.4"})
    assert dust(decision.recipe) == wanted
    assert len(decision.warnings) == count


def test_two_that_disagree_are_both_named_and_two_that_agree_are_not() -> None:
    decision = one(note("dust=0.8", CLIP, 5), note("dust=0.3 scratch=0.5", NOTE, 9))
    assert decision.warnings == ("dust=0.8 from cut.edl:5 (clip marker) wins over dust=0.3 from cut.edl:9 (note)",)
    assert decision.origins[DUST] == "cut.edl:5 (clip marker)"
    assert decision.origins["remove_scratches.strength"] == "cut.edl:9 (note)"
    assert one(note("dust=0.8", CLIP), note("dust=0.80")).warnings == ()


def test_a_preset_that_brings_another_value_is_told() -> None:
    decision = one(note("remaster", CLIP, 2), note("dust=0.3", NOTE, 4))
    assert decision.warnings == ("remaster from cut.edl:2 (clip marker) wins over dust=0.3 from cut.edl:4 (note)",)
    assert one(note("remaster", CLIP), note("dust=0.8")).warnings == ()
    assert "archive from" in one(note("remaster", CLIP), note("archive")).warnings[0]
    assert "off from" in one(note("off", CLIP), note("dust=0.8")).warnings[0]
    assert one(note("off", CLIP), note("off")).warnings == ()


def test_a_step_taken_out_against_a_dose() -> None:
    decision = one(note("dust=keep", CLIP), note("dust=0.8 dust.max_size=60"))
    assert "remove_dirt" not in [step.name for step in decision.recipe]
    assert decision.warnings[0].startswith("dust=off from cut.edl:1 (clip marker) wins over dust=0.8")
    assert one(note("dust=on", CLIP), note("dust=0.8")).warnings == ()


def test_a_later_marker_of_one_strength_wins_and_is_told() -> None:
    decision = one(note("dust=0.1", CLIP, 1), note("dust=0.2", CLIP, 2))
    assert dust(decision.recipe) == 0.2
    assert decision.warnings == (
        "dust=0.2 from cut.edl:2 (clip marker) wins over dust=0.1 from cut.edl:1 (clip marker)",
    )


def test_a_range_is_an_exception_with_origins_of_its_own() -> None:
    decision = one(note("dust=0.4", NOTE, 3), note("dust=0.9", TIMELINE, 7, (10, 20)))
    assert doses(decision) == [(0, 10, 0.4), (10, 20, 0.9), (20, 48, 0.4)]
    assert [part.origins[DUST] for part in decision.parts] == [
        "cut.edl:3 (note)",
        "cut.edl:7 (timeline marker)",
        "cut.edl:3 (note)",
    ]
    assert decision.warnings == ()
    assert [part.ranged for part in decision.parts] == [False, True, False]


def test_a_weaker_range_under_stronger_words_is_told() -> None:
    decision = one(note("dust=0.4", CLIP, 3), note("dust=0.9", TIMELINE, 7, (10, 20)))
    assert doses(decision)[1] == (10, 20, 0.9)
    assert decision.warnings == (
        "dust=0.9 from cut.edl:7 (timeline marker) wins over dust=0.4 from cut.edl:3 (clip marker)",
    )


def test_of_two_ranges_the_stronger_wins_where_they_meet() -> None:
    decision = one(note("dust=0.9", CLIP, 1, (10, 20)), note("dust=0.2", TIMELINE, 2, (15, 30)))
    assert doses(decision) == [(0, 10, 0.5), (10, 20, 0.9), (20, 30, 0.2), (30, 48, 0.5)]
    assert len(decision.warnings) == 1


def test_same_looks_back_over_gaps() -> None:
    reel = cut({"notes": (note("dust=0.9"),)}, None, {"notes": (note("same scratch=off"),)}, {"notes": (note("same"),)})
    decided = decide_cut(reel, ARCHIVE).decisions
    assert dust(decided[2].recipe) == 0.9
    assert "remove_scratches" not in [step.name for step in decided[3].recipe]


def test_keys_move_a_value() -> None:
    decision = one(note("key dust=0.2", TIMELINE, 4, (10, 11)), note("key dust=0.6", TIMELINE, 6, (14, 15)))
    assert doses(decision) == [(0, 11, 0.2), (11, 12, 0.3), (12, 13, 0.4), (13, 14, 0.5), (14, 48, 0.6)]
    origins = [part.origins[DUST] for part in decision.parts]
    assert origins[0] == "cut.edl:4 (timeline marker)"
    assert origins[2] == "cut.edl:4 (timeline marker) to cut.edl:6 (timeline marker)"
    assert origins[4] == "cut.edl:6 (timeline marker)"
    assert [(key.frame, key.words) for key in decision.keys] == [(10, "dust=0.2"), (14, "dust=0.6")]
    assert decision.warnings == ()
    assert dust(decision.whole or Recipe()) == 0.5


def test_at_most_24_steps_between_two_keys() -> None:
    decision = one(note("key dust=0", TIMELINE, 1, (0, 1)), note("key dust=1", TIMELINE, 2, (47, 48)))
    values = [value for _, _, value in doses(decision)]
    assert values == sorted(values)  # type: ignore[type-var]
    assert (values[0], values[-1], len(values)) == (0.0, 1.0, 25)
    for start, stop, value in doses(decision):
        for frame in range(start, stop):
            assert abs(frame / 47 - value) <= 0.5 / 24 + 1e-5  # type: ignore[operator]


def test_regions_move_and_words_switch() -> None:
    keys = [
        note("key dust.only=0,0,10,10 dust.polarity=dark stab.edges=zoom", TIMELINE, 1, (10, 11)),
        note("key dust.only=10,20,30,40 dust.polarity=bright", TIMELINE, 2, (12, 13)),
    ]
    decision = one(*keys)
    moved = {part.frames.start: dict(part.recipe.steps[3].complete) for part in decision.parts}
    assert moved[11]["only"] == ((5.0, 10.0, 20.0, 25.0),)
    assert (moved[0]["polarity"], moved[11]["polarity"], moved[12]["polarity"]) == ("dark", "dark", "bright")
    shares = one(
        note("key dust.only=0%,0%,10%,10%", TIMELINE, 1, (10, 11)),
        note("key dust.only=50%,0%,60%,10%", TIMELINE, 1, (12, 13)),
    )
    assert shares.parts[1].recipe.steps[3].complete["only"] == (("25%", "0%", "35%", "10%"),)


def test_regions_with_other_corners_change_at_the_key_and_say_so() -> None:
    decision = one(
        note("key dust.only=0,0,10,10", TIMELINE, 1, (10, 11)),
        note("key dust.only=0,0,10,0,5,5", TIMELINE, 2, (20, 21)),
    )
    assert [part.frames.start for part in decision.parts] == [0, 20]
    assert "not as many corners" in decision.warnings[0]


def test_a_long_key_holds_over_its_frames() -> None:
    decision = one(note("key dust=0.2", TIMELINE, 1, (10, 20)), note("key dust=0.4", TIMELINE, 2, (21, 22)))
    assert doses(decision) == [(0, 20, 0.2), (20, 21, 0.3), (21, 48, 0.4)]


def test_a_single_key_holds_and_is_told() -> None:
    decision = one(note("key dust=0.2", TIMELINE, 1, (10, 11)))
    assert doses(decision) == [(0, 48, 0.2)]
    assert "only key" in decision.warnings[0]


def test_keys_lie_over_the_whole_and_under_ranges() -> None:
    decision = one(
        note("remaster dust=0.5", NOTE, 1),
        note("key dust=0.2", TIMELINE, 2, (0, 1)),
        note("key dust=0.4", TIMELINE, 3, (2, 3)),
        note("off", TIMELINE, 4, (1, 10)),
    )
    assert doses(decision) == [(0, 1, 0.2), (1, 10, None), (10, 48, 0.4)]
    assert decision.warnings == (
        "the keys dust=0.2 … 0.4 from cut.edl:2 (timeline marker) win over dust=0.5 from cut.edl:1 (note)",
    )


def test_stronger_words_silence_keys() -> None:
    keys = [note("key dust=0.2", TIMELINE, 2, (0, 1)), note("key dust=0.4", TIMELINE, 3, (2, 3))]
    assert doses(one(note("dust=0.9", CLIP), *keys)) == [(0, 48, 0.9)]
    decision = one(note("off", CLIP, 8), *keys)
    assert doses(decision) == [(0, 48, None)]
    assert decision.keys == ()
    assert decision.warnings == (
        "off from cut.edl:8 (clip marker) wins over the keys dust=0.2 … 0.4 from cut.edl:2 (timeline marker)",
    )


def test_stronger_keys_replace_weaker_ones() -> None:
    aside = {"R1@01:00:00:00": {"keys": [{"at": 0, "dust": 0.9}, {"at": 40, "dust": 0.1}]}}
    keys = [note("key dust=0.2", TIMELINE, 2, (0, 1)), note("key dust=0.4", TIMELINE, 3, (2, 3))]
    decision = one(*keys, sidecar=aside)
    assert [key.words for key in decision.keys] == ["dust=0.2", "dust=0.4"]
    assert "win over those from project.toml" in decision.warnings[0]
    same = {"R1@01:00:00:00": {"keys": [{"at": 0, "dust": 0.2}, {"at": 2, "dust": 0.4}]}}
    assert one(*keys, sidecar=same).warnings == ()


def test_a_marker_of_one_frame_is_a_key_through_the_reader() -> None:
    reel = cut({}, {})
    marks = [
        Marker("VSFR key dust=0.2", "", "", FrameRange(40, 41), "m.edl", 4),
        Marker("", "VSFR key dust=0.4", "", FrameRange(50, 51), "m.edl", 6),
        Marker("", "VSFR key dust=0.8", "", FrameRange(52, 53), "m.edl", 8),
    ]
    first, second = decide_cut(with_markers(reel, marks), ARCHIVE).decisions
    assert doses(first) == [(0, 48, 0.2)]
    assert doses(second) == [(48, 51, 0.4), (51, 52, 0.6), (52, 96, 0.8)]


def test_a_key_known_by_its_timecode_only() -> None:
    reel = cut({})
    notes = [
        SettingNote(f"key dust={value}", CLIP, "cut.otio", None, reel.timecode(frame))
        for frame, value in ((4, 0.2), (6, 0.4))
    ]
    (decision,) = decide_cut(reel.with_shots((with_notes(reel.shots[0], *notes),)), ARCHIVE).decisions
    assert doses(decision) == [(0, 5, 0.2), (5, 6, 0.3), (6, 48, 0.4)]


def test_a_key_in_a_note_has_no_place() -> None:
    with pytest.raises(SettingError, match=r"cut\.edl:1, shot shot 0, at 01:00:00:00: .*only a marker"):
        one(note("key dust=1"))


def test_size_and_rate_cannot_move() -> None:
    with pytest.raises(SettingError, match="cannot move"):
        one(note("key fps=48", TIMELINE, 1, (0, 1)), note("key fps=60", TIMELINE, 1, (5, 6)))


def test_a_key_for_a_step_that_lacks_something_names_its_marker() -> None:
    with pytest.raises(SettingError, match=r"cut\.edl:3, .*interpolate: needs fps"):
        one(note("key fps.limit=0.2", TIMELINE, 3, (0, 1)))


def coloured(table: Mapping[str, str], *, label: str = "", marks: list[Marker] | None = None, **rest: Any) -> Decided:
    reel = cut({"colour": label, "line": 12} | rest)
    return decide_cut(with_markers(reel, marks or []), ARCHIVE, Sidecar(colours=table))


@pytest.mark.parametrize(
    ("colour", "key"),
    [("Forest", "forest"), ("FOREST", "Forest"), ("ResolveColorYellow", "yellow"), ("Yellow", "ResolveColorYellow")],
)
def test_a_label_colour_means_settings(colour: str, key: str) -> None:
    decision = coloured({key: "dust=0.9", "mauve": "off"}, label=colour).decisions[0]
    assert dust(decision.recipe) == 0.9
    shown = colour.removeprefix("ResolveColor")
    assert decision.origins[DUST] == f"cut.edl:12 (colour {shown})"


def test_a_coloured_marker_without_the_word_means_its_colour() -> None:
    marks = [
        Marker("look here", "", "ResolveColorYellow", FrameRange(10, 20), "m.edl", 4),
        Marker("VSFR scratch=off", "", "Yellow", FrameRange(30, 31), "m.edl", 6),
    ]
    decision = coloured({"yellow": "dust=0.9"}, marks=marks).decisions[0]
    assert doses(decision) == [(0, 10, 0.5), (10, 20, 0.9), (20, 48, 0.5)]
    assert decision.parts[1].origins[DUST] == "m.edl:4 (colour Yellow)"
    assert not any(step.name == "remove_scratches" for step in decision.recipe)
    point = [Marker("", "", "Yellow", FrameRange(10, 11), "m.edl", 4)]
    assert doses(coloured({"yellow": "dust=0.9"}, marks=point).decisions[0]) == [(0, 48, 0.9)]


def test_any_words_beat_a_colour() -> None:
    reel = cut({"colour": "Iris"})
    aside = Sidecar({"R1@01:00:00:00": "dust=0.1"}, {"iris": "dust=0.9"})
    (decision,) = decide_cut(reel, ARCHIVE, aside).decisions
    assert dust(decision.recipe) == 0.1
    assert "dust=0.9 from cut.edl (colour Iris)" in decision.warnings[0]


@pytest.mark.parametrize("words", ["rmaster", "key dust=1", "dust=7", "", "dsut=1"])
def test_wrong_words_of_a_colour_are_blamed_on_the_project(words: str) -> None:
    aside = Sidecar(colours={"iris": words}, lines={("colours", "iris"): [17]})
    with pytest.raises(SettingError, match=r"^project\.toml:17: in 'VSFR"):
        decide_cut(cut({}), ARCHIVE, aside)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rmaster", "no preset 'rmaster'; did you mean 'remaster'"),
        ("dsut=1", "no step 'dsut'; did you mean 'dust'"),
        ("dust.sterngth=1", "no setting 'sterngth'; did you mean 'strength'"),
        ("dust=1.8", "must be 0..1, not 1.8"),
        ("dust=much", "must be a number"),
        ("dust=0,8", "0.8, not '0,8'"),
        ("dust.only=1,2,3", "4 numbers"),
        ("stab.edges=miror", "did you mean 'mirror'"),
        ("a b", "'b' is not key=value"),
    ],
)
def test_errors_name_file_line_shot_and_timecode(text: str, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        one(note(text, CLIP, 31))
    assert str(caught.value).startswith(f"cut.edl:31, shot shot 0, at 01:00:00:00: in 'VSFR {text}': ")
    assert message in str(caught.value)


def test_parts_of_every_decision_cover_the_shot_without_holes() -> None:
    decision = one(
        note("key dust=0.2", TIMELINE, 1, (3, 4)),
        note("key dust=0.9 scratch=0.1", TIMELINE, 1, (33, 34)),
        note("key scratch=0.9", TIMELINE, 1, (40, 41)),
        note("grain=0.3", TIMELINE, 1, (30, 45)),
        note("off", CLIP, 1, (44, 47)),
    )
    assert decision.parts[0].frames.start == 0
    assert decision.parts[-1].frames.stop == 48
    assert all(a.frames.stop == b.frames.start for a, b in pairwise(decision.parts))


def test_three_thousand_markers_on_three_thousand_shots_decide_quickly() -> None:
    reel = cut(*[{"colour": "Iris"}] * 3000)
    marks = [
        Marker(f"VSFR remaster dust={i / 3000:.4f} grain=keep", "", "", FrameRange(48 * i + 9, 48 * i + 10), "m.edl", i)
        for i in range(3000)
    ]
    marked = with_markers(reel, marks)
    start = process_time()
    decisions = decide_cut(marked, ARCHIVE, Sidecar(colours={"iris": "off"})).decisions
    assert process_time() - start < 1
    assert dust(decisions[1500].recipe) == 0.5


@pytest.mark.parametrize(
    ("said", "part", "origin"),
    [
        ([note("off", CLIP, 8)], 0, "cut.edl:8 (clip marker)"),
        ([note("off", TIMELINE, 9, (1, 3))], 1, "cut.edl:9 (timeline marker)"),
        ([note("archive", line=3), note("none", CLIP, 4)], 0, "cut.edl:4 (clip marker)"),
    ],
)
def test_that_nothing_is_done_has_an_origin_too(said: list[SettingNote], part: int, origin: str) -> None:
    found = one(*said).parts[part]
    assert (len(found.recipe), origin_text(found)) == (0, origin)


def test_a_default_that_does_nothing_is_an_origin() -> None:
    assert origin_text(one(default=Recipe.preset("none")).parts[0]) == "none (default)"
