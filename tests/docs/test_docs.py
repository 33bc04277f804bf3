"""The documentation says what the code says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from vsfilmrestore.filters import FILTERS
from vsfilmrestore.recipes.presets import names

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_settings_page_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("settings_page", ROOT / "scripts" / "settings_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == module.page()


def test_the_page_on_shots_names_every_word_and_preset() -> None:
    text = (ROOT / "docs" / "shots.md").read_text(encoding="utf-8")
    for spec in FILTERS.values():
        assert f"`{spec.short}` {spec.name}" in text
    for name in names():
        assert re.search(rf"\b{name}\b", text)


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_page_on_measures_names_every_measure() -> None:
    spec = importlib.util.spec_from_file_location("measures_page", ROOT / "scripts" / "measures_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (ROOT / "docs" / "assess.md").read_text(encoding="utf-8")
    assert text == module.page(text)
