"""The page on the plan names every key of its JSON, and no others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from vsfilmrestore.cli.main import main

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "plan.md").read_text(encoding="utf-8")

CUT = """TITLE: CONTRACT
FCM: NON-DROP FRAME
001  R1  V  C  01:00:00:00 01:00:01:00 01:00:00:00 01:00:01:00
* FROM CLIP NAME: opening
* LOC: 01:00:00:04 RED VSFR key dust=0.2
* LOC: 01:00:00:12 RED VSFR key dust=0.9
002  R1  V  C  01:00:01:00 01:00:01:00 01:00:01:00 01:00:01:00
002  R2  V  D  004 02:00:00:00 02:00:01:00 01:00:01:00 01:00:02:00
* COMMENT: VSFR remaster
003  R2  V  C  02:00:04:00 02:00:05:01 01:00:02:00 01:00:03:00
"""


def section(name: str) -> str:
    return PAGE.split(f"## {name}\n")[1].split("\n## ")[0]


def words(text: str) -> set[str]:
    """What stands as code, but for what is explained in brackets."""
    plain = text
    while plain != (plain := re.sub(r"\([^()]*\)", "", plain)):
        pass
    return set(re.findall(r"`([a-z0-9_]+)`", plain)) - {"null", "time", "true", "false"}


def rows(name: str) -> dict[str, str]:
    """The keys of a table, and what each row says of them."""
    found = re.findall(r"^\| (`.*?`) \| (.*) \|$", section(name), re.MULTILINE)
    return {key: text for keys, text in found for key in words(keys)}


def paragraph(name: str, begin: str) -> set[str]:
    text = section(name).split(f"{begin}: ", 1) if f"{begin}: " in section(name) else section(name).split(begin, 1)
    return words(text[1].split("\n\n")[0])


@pytest.fixture
def told(small_reel: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[Any]:
    monkeypatch.chdir(small_reel)
    Path("contract.edl").write_text(CUT)
    plan = ["plan", "contract.edl", "--media", "scans", "--rate", "24", "--json"]
    assert main(plan) == 0
    facts = json.loads(capsys.readouterr().out)
    assert main([*plan, "--frames"]) == 0
    return [facts, [json.loads(line) for line in capsys.readouterr().out.splitlines()]]


def test_every_key_is_described_and_there(told: list[Any]) -> None:
    facts, frames = told
    shots = facts["shots"]
    fade = shots[1]["transition"]
    assert set(facts) == set(rows("The reel"))
    assert set(facts["media_rate_rule"]) == words(rows("The reel")["media_rate_rule"].replace("`frames`", ""))
    for shot in shots:
        assert set(shot) == set(rows("A shot"))
        assert set(shot["record"]) == words(rows("A shot")["record"])
        assert set(shot["source"]) == paragraph("A shot", "`source`")
        assert set(shot["handles"]) == words(rows("A shot")["handles"])
        for part in shot["parts"]:
            assert set(part) == words(rows("A shot")["parts"].replace("(said of a range)", ""))
            for step in part["steps"]:
                assert set(step) == paragraph("A shot", "A step of a part")
    assert set(shots[0]["medium"]) == paragraph("A shot", "`medium`")
    assert set(shots[0]["keys"][0]) == words(rows("A shot")["keys"])
    assert set(fade) | set(fade["from"]) == words(rows("A shot")["transition"])
    for one, name in (("media", "`media`"), ("missing", "`missing`"), ("findings", "`findings`")):
        assert set(facts[one][0]) == paragraph("A medium, a missing source, a finding", name), one
    assert {key for entry in facts["remarks"] for key in entry} <= words(rows("The reel")["remarks"])
    side = {key for row in frames for key in (row["from"] or {})}
    assert set(frames[0]) | side == words(section("Frames")) - {"from_weight", "from_source"}


def test_the_examples_hold_together(told: list[Any]) -> None:
    """The table of frames says the same as the shots, and each remark stands with its shot."""
    facts, frames = told
    shots = facts["shots"]
    assert [row["record"] for row in frames] == list(range(facts["frames"]))
    for shot in shots:
        record = shot["record"]
        shown = [row["frame"] for row in frames[record["start"] : record["start"] + record["frames"]]]
        assert (min(shown), max(shown)) == (shot["source"]["first"], shot["source"]["last"])
        assert {row["shot"] for row in frames if row["frame"] in shown} == {shot["id"]}
    fading = [row["from"] for row in frames if row["from"]]
    assert [row["frame"] for row in fading] == [86_424, 86_425, 86_426, 86_427]
    assert [row["weight"] for row in fading] == ["4/5", "3/5", "2/5", "1/5"]
    assert any("differ by one frame" in remark for remark in shots[2]["remarks"])
    assert [entry["label"] for entry in facts["missing"]] == ["R2"]
