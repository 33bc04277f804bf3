"""Recipes said in marker words come back as they were."""

from __future__ import annotations

from typing import Any

import pytest

from vsfilmrestore.errors import SettingError
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.recipes.presets import names
from vsfilmrestore.recipes.wording import recipe_words
from vsfilmrestore.recipes.words import changes_from_words
from vsfilmrestore.timeline.grammar import parse_settings

ARCHIVE = Recipe.preset("archive")


def read(words: str) -> Recipe:
    parsed = parse_settings(words)
    start = Recipe() if parsed.off else Recipe.preset(parsed.preset or "none")
    return start.with_steps(changes_from_words(parsed.values))


@pytest.mark.parametrize("name", names())
def test_presets_are_their_names(name: str) -> None:
    assert recipe_words(Recipe.preset(name)) == ("off" if name == "none" else name)


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (ARCHIVE.with_(dust=0.8, scratch=False), "archive scratch=off dust=0.8"),
        (ARCHIVE.with_(grain=True), "archive grain=on"),
        (Recipe().with_(fps=48), "none fps=48"),
        (ARCHIVE.with_(dust={"only": [("10%", "0%", "20%", "5%")]}), "archive dust.only=10%,0%,20%,5%"),
        (
            ARCHIVE.with_(dust={"protect": [(1, 2, 3, 4), ((1, 1), (2, 2.5), (3, 1))]}),
            "archive dust.protect=1,2,3,4+1,1,2,2.5,3,1",
        ),
        (Recipe().with_(wires={"path": "1,2 3,4", "still": False}), "none wires=on wires.path=1,2+3,4 wires.still=off"),
        (Recipe().with_(dust=1 / 3), "none dust=0.3333333333333333"),
    ],
)
def test_changes_are_said_shortly(recipe: Recipe, words: str) -> None:
    assert recipe_words(recipe) == words
    assert read(words).key() == recipe.key()


def test_every_setting_of_every_filter_has_a_word() -> None:
    samples: dict[str, Any] = {"bool": True, "int": 3, "float": 0.25, "text": "12,30-31", "regions": [(0, 0, 5, 5)]}
    for spec in FILTERS.values():
        required = {"fps": 48} if "fps" in spec.settings else {}
        for setting in spec.settings.values():
            low = int(setting.low or 0) + 1
            low = low if setting.high is None else min(low, setting.high)
            value = setting.choices[-1] if setting.kind == "choice" else samples[setting.kind]
            value = low if setting.kind in ("int", "float") else value
            recipe = Recipe().with_steps({spec.name: required | {setting.name: value}})
            assert read(recipe_words(recipe)).key() == recipe.key(), setting.name


def test_an_order_of_its_own_has_no_words() -> None:
    with pytest.raises(SettingError, match="deflicker, stabilize"):
        recipe_words(ARCHIVE.ordered(["deflicker", "stabilize"]))
