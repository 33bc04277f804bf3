"""A recipe in an editor's words again: ``archive dust=0.8 grain=off``, what `recipes.words` reads.

The words begin with the preset the recipe came from where it ships with the package, with ``none`` elsewhere, so that
they say all of it whatever else is decided around them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from vsfilmrestore.errors import SettingError
from vsfilmrestore.recipes.presets import names
from vsfilmrestore.recipes.recipe import Recipe, Step
from vsfilmrestore.recipes.words import changes_from_words

__all__ = ["recipe_words", "value_word"]


def recipe_words(recipe: Recipe) -> str:
    """The recipe in marker words.

    Raises:
        SettingError: Words cannot say it: its steps stand in an order of their own, or a text holds what no word may.
    """
    if not recipe:
        return "off"
    for base in (recipe.name, "none"):
        if base not in _presets():
            continue
        start = _preset(base)
        words = _difference(start, recipe)
        if words is not None and _read(start, words).key() == recipe.key():
            return " ".join([base, *(f"{key}={word}" for key, word in words.items())])
    steps = ", ".join(step.name for step in recipe)
    raise SettingError(f"marker words cannot say this recipe: {steps} in this order", hint="Keep it as a recipe file")


def value_word(value: object) -> str:
    """A value as a word: ``0.8``, ``on``, ``900,0,1100,1080+10%,0%,20%,5%``."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "+".join(",".join(_flat(region)) for region in value)
    return "+".join(str(value).split())


def _flat(region: object) -> list[str]:
    if isinstance(region, Sequence) and not isinstance(region, str):
        return [word for part in region for word in _flat(part)]
    return [value_word(region)]


@cache
def _presets() -> frozenset[str]:
    return frozenset(names())


@cache
def _preset(name: str) -> Recipe:
    return Recipe.preset(name)


def _read(start: Recipe, words: Mapping[str, str]) -> Recipe:
    try:
        return start.with_steps(changes_from_words(words))
    except SettingError:
        return Recipe()  # no recipe that has words to say equals it


def _difference(start: Recipe, recipe: Recipe) -> dict[str, str] | None:
    """Words that lead from one recipe to the other; None where a value has no word."""
    before = {step.name: step for step in start}
    after = {step.name: step for step in recipe}
    words = {before[name].filter.short: "off" for name in before if name not in after}
    for name, step in after.items():
        words |= _step_words(before.get(name), step)
    return words if all(words.values()) else None


def _step_words(before: Step | None, step: Step) -> dict[str, str]:
    short, first = step.filter.short, next(iter(step.filter.settings))
    known = before.complete if before else {name: spec.default for name, spec in step.filter.settings.items()}
    told = {name: value_word(value) for name, value in step.complete.items() if value != known[name]}
    words = {}
    if first in told:
        words[short] = told.pop(first)
    elif before is None:
        words[short] = "on"
    return words | {f"{short}.{name}": word for name, word in told.items()}
