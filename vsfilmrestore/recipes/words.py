"""Settings as an editor writes them in a marker: ``dust=0.8 grain=keep dust.max_size=60``.

The words come from the filters: the short word or name of a step, a dot, and one of its settings. ``on`` adds the
step with its defaults, ``off`` and ``keep`` take it out, anything else is the value of the setting named, or of the
step's first setting. Words are without spaces, so that the parts of a longer text are joined by ``+``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from vsfilmrestore.errors import SettingError
from vsfilmrestore.filters.schema import FilterSpec, SettingSpec, nearest
from vsfilmrestore.recipes.recipe import filter_named

__all__ = ["changes_from_words", "parse_regions", "parse_value"]

_OUT = {"off", "keep", "no", "false"}
_IN = {"on", "yes", "true"}
_COMMA: Final = re.compile(r"-?\d+,\d+")


def changes_from_words(words: Mapping[str, str]) -> dict[str, object]:
    """Changes for `Recipe.with_steps`, by filter name.

    Raises:
        SettingError: Unknown step or setting, or a value that does not fit.
    """
    changes: dict[str, object] = {}
    for word, text in words.items():
        step, _, setting = word.partition(".")
        spec = filter_named(step)
        if not setting and text.lower() in _OUT | _IN:
            changes[spec.name] = text.lower() in _IN and (changes.get(spec.name) or True)
            continue
        chosen = _setting_named(spec, setting)
        before = changes.get(spec.name)
        value = _checked(spec, chosen, text)
        changes[spec.name] = {**(before if isinstance(before, dict) else {}), chosen.name: value}
    return changes


def _setting_named(spec: FilterSpec, name: str) -> SettingSpec:
    if not name:
        return next(iter(spec.settings.values()))
    if name.lower() not in spec.settings:
        raise SettingError(f"{spec.name}: has no setting '{name}'{nearest(name, spec.settings)}")
    return spec.settings[name.lower()]


def _checked(spec: FilterSpec, setting: SettingSpec, text: str) -> object:
    try:
        return setting.check(parse_value(setting, text))
    except ValueError as error:
        raise SettingError(f"{spec.name}: {setting.name} {error}") from None


def parse_value(setting: SettingSpec, text: str) -> object:
    """Text as the value a setting wants; what does not parse is left as text for the setting to refuse."""
    word = text.strip()
    if setting.optional and word.lower() == "none":
        return None
    match setting.kind:
        case "text":
            return word.replace("+", " ")
        case "bool":
            return word.lower() in _IN if word.lower() in _IN | _OUT else word
        case "int" | "float":
            return _number(word)
        case "regions":
            return parse_regions(word)
        case "choice":
            return next((choice for choice in setting.choices if choice.lower() == word.lower()), word)
        case _:
            return word


def _number(word: str) -> object:
    if _COMMA.fullmatch(word):
        raise ValueError(f"must be a number with a point, {word.replace(',', '.')}, not '{word}'")
    try:
        return int(word)
    except ValueError:
        pass
    try:
        return float(word)
    except ValueError:
        return word


def parse_regions(text: str) -> list[object]:
    """``900,0,1100,1080`` (a rectangle) or ``10,10,50,10,30,40`` (a polygon of x, y), several joined by ``+``.

    Numbers are pixels, or with a per cent sign shares of the picture's width and height.

    Raises:
        ValueError: A part is not a list of numbers, or too short.
    """
    regions: list[object] = []
    for part in text.split("+"):
        numbers = [_coordinate(number, part) for number in part.split(",")]
        if len(numbers) == 4:
            regions.append(tuple(numbers))
        elif len(numbers) >= 6 and len(numbers) % 2 == 0:
            regions.append(tuple(zip(numbers[::2], numbers[1::2], strict=True)))
        else:
            raise ValueError(f"must be 4 numbers (left,top,right,bottom) or three and more x,y pairs, not '{part}'")
    return regions


def _coordinate(text: str, part: str) -> float | str:
    number = text.strip()
    try:
        value = float(number.removesuffix("%"))
    except ValueError:
        raise ValueError(f"must be numbers with commas between, not '{part}'") from None
    return number if number.endswith("%") else value
