"""The table of files that were tried says what is so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vsfilmrestore.render.wipes import WIPES
from vsfilmrestore.timeline import READERS

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "timelines.md").read_text(encoding="utf-8")


def kept(table: str) -> list[list[str]]:
    """The rows without how many remarks were made and how long it took."""
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return [[*row[:-1], row[-1].split(",")[0] if row[-1].startswith("read") else row[-1]] for row in rows]


@pytest.mark.footage
def test_the_table_is_what_the_script_prints(footage: Callable[[str], Path]) -> None:
    command = [sys.executable, ROOT / "scripts" / "bench" / "verdicts.py", footage("timelines")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert kept("| file |" + PAGE.split("| file |")[1]) == kept(done.stdout)


def test_every_drawn_wipe_is_named() -> None:
    text = " ".join(PAGE.split("Wipes with these numbers")[1].split("Borders")[0].split())
    for number in WIPES:
        assert f" {number} " in text or number in (4, 5)


def test_every_format_is_named() -> None:
    assert {".edl", ".aaf", ".otio", ".fcpxml", ".fcpxmld", ".xml", ".otioz", ".otiod"} == set(READERS)
    for word in ("EDL", "AAF", "OTIO", "FCPXML", "FCP 7 XML"):
        assert word in PAGE
