"""What the panel offers is what the filters take."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from vsfilmrestore.filters import FILTERS
from vsfilmrestore.recipes.presets import names
from vsfilmrestore.recipes.words import changes_from_words

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """``scripts/ofx_settings.py``."""
    spec = importlib.util.spec_from_file_location("ofx_settings", ROOT / "scripts" / "ofx_settings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ofx_settings"] = module
    spec.loader.exec_module(module)
    return module


def test_the_table_is_current(script: ModuleType) -> None:
    assert script.TABLE.read_text(encoding="utf-8") == script.table()


def test_every_preset_can_be_chosen(script: ModuleType) -> None:
    listed = re.findall(r'VSFR_PRESET\("(\w+)"', script.table())
    assert sorted(listed) == sorted(names())
    # Projects of editing programs keep the number of each.
    assert listed[:8] == ["archive", "amateur", "cel", "kungfu", "none", "remaster", "tape", "concert"]


def test_every_slider_is_a_word_a_marker_takes(script: ModuleType) -> None:
    words = re.findall(r"VSFR_DOSE\((\w+),", script.table())
    assert {"dust", "scratch", "grain", "stab", "flicker"} <= set(words)
    for word in words:
        ((name, change),) = changes_from_words({word: "0.25"}).items()
        assert isinstance(change, dict)
        assert change[next(iter(FILTERS[name].settings))] == 0.25
        assert changes_from_words({word: "off"}) == {name: False}


def test_what_needs_a_name_or_changes_the_size_has_no_slider(script: ModuleType) -> None:
    words = set(re.findall(r"VSFR_DOSE\((\w+),", script.table()))
    assert not words & {"fill", "net", "faces", "upscale", "fps", "deint", "ivtc"}
