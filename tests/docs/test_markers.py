"""Every example for editors does what the page says."""

from __future__ import annotations

import re
import tomllib
from fractions import Fraction
from pathlib import Path

import pytest

from vsfilmrestore.errors import SettingError, TimelineError
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.decide import Decision, decide, decide_cut
from vsfilmrestore.render.sidecar import Sidecar
from vsfilmrestore.timeline.model import CutList, FrameRange, Marker, Shot, SourceKey
from vsfilmrestore.timeline.notes import marker_settings, with_markers

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
PAGE = (DOCS / "markers.md").read_text(encoding="utf-8")
RATE = Fraction(24)
GOOD, BAD = PAGE.split("## When it is wrong")
RIGHT = re.findall(r"`(VSFR [^`]*)`", GOOD)
WRONG = re.findall(r"^\| `(VSFR [^`]*)` \| (.*) \|$", BAD, re.MULTILINE)


def reel(*texts: str, at: int = 100) -> CutList:
    shots = tuple(
        Shot(f"s{i}", FrameRange(i * 96, i * 96 + 96), SourceKey("a", "R2", "", 86400 + i * 96, RATE)) for i in range(2)
    )
    marks = [Marker(text, "", "", FrameRange(at + 9 * i, at + 9 * i + 1), "m.edl", 4) for i, text in enumerate(texts)]
    return with_markers(CutList("cut", RATE, shots), marks)


def decided(*texts: str) -> Decision:
    return decide(reel(*texts), Recipe.preset("archive"))[1]


def test_the_page_has_its_examples() -> None:
    assert (len(RIGHT), len(WRONG)) == (19, 8)


@pytest.mark.parametrize("text", RIGHT)
def test_examples_are_understood(text: str) -> None:
    assert marker_settings(text) == text.removeprefix("VSFR ")
    assert decided(text, text).recipe is not None


@pytest.mark.parametrize(("text", "answer"), WRONG)
def test_wrong_examples_are_answered_as_the_page_says(text: str, answer: str) -> None:
    with pytest.raises((SettingError, TimelineError), match=re.escape(answer.rstrip("?"))) as caught:
        decided(text)
    assert str(caught.value).startswith("m.edl:4, ")
    assert "00:00:04:04" in str(caught.value)


def test_the_first_table_does_what_it_says() -> None:
    def steps(text: str) -> dict[str, object]:
        return {step.name: step.complete["strength"] for step in decided(text).recipe}

    archive = steps("VSFR archive")
    assert steps("VSFR dust=0.8") == archive | {"remove_dirt": 0.8}
    assert steps("VSFR off") == {}
    assert steps("VSFR same") == archive
    assert steps("VSFR same scratch=off").keys() == archive.keys() - {"remove_scratches"}
    changed = steps("VSFR remaster dust=0.8 grain=keep scratch=off")
    assert "denoise" not in changed
    assert "remove_scratches" not in changed


def test_two_keys_follow_a_wire() -> None:
    parts = decided(*re.findall(r"`(VSFR key wires[^`]*)`", PAGE)).parts
    boxes = [step.complete["only"] for part in parts for step in part.recipe if step.name == "remove_wires"]
    assert (boxes[0], boxes[-1], len(boxes)) == (((100.0, 0.0, 200.0, 500.0),), ((300.0, 0.0, 400.0, 500.0),), 10)


def test_two_keys_move_a_path() -> None:
    parts = decided("VSFR key wires.path=100,0+120,500", "VSFR key wires.path=300,0+340,500").parts
    paths = [step.complete["path"] for part in parts for step in part.recipe if step.name == "remove_wires"]
    assert (paths[0], paths[-1], len(paths)) == ("100,0 120,500", "300,0 340,500", 10)


def test_the_tables_of_the_project_page_work() -> None:
    text = (DOCS / "project.md").read_text(encoding="utf-8")
    colours, shots = (tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL))
    cut = CutList(
        "cut",
        RATE,
        (
            Shot("a", FrameRange(0, 240), SourceKey("a", "R1", "", 86400 + 20 * 24, RATE), colour="Yellow"),
            Shot("b", FrameRange(240, 480), SourceKey("b", "R2", "", 86400 + 3 * 24, RATE), colour="Forest"),
        ),
    )
    found = decide_cut(cut, Recipe.preset("archive"), Sidecar(shots["shots"], colours["colours"]))
    assert found.orphans == ()
    first, second = found.decisions
    assert "denoise" not in [step.name for step in first.recipe]
    off = [part.frames for part in second.parts if not part.recipe]
    assert off == [FrameRange(240 + 24, 240 + 48)]
    assert [key.frame - 240 for key in second.keys] == [12, 96]
