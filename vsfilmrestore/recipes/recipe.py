"""Recipes: ordered steps with checked settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Self

import vapoursynth as vs

from vsfilmrestore.errors import SettingError
from vsfilmrestore.filters import FILTERS, FilterSpec, find_filter
from vsfilmrestore.filters.schema import nearest
from vsfilmrestore.recipes.runs import runs

__all__ = ["Recipe", "Step", "filter_named"]


def filter_named(word: str) -> FilterSpec:
    """The filter of that name or short word.

    Raises:
        SettingError: There is none; the message names the nearest.
    """
    spec = find_filter(word)
    if spec is None:
        known = [*FILTERS, *(spec.short for spec in FILTERS.values())]
        raise SettingError(f"there is no step '{word}'{nearest(word.lower(), known)}")
    return spec


@dataclass(frozen=True, slots=True)
class Step:
    """One filter with the settings that differ from its defaults.

    Attributes:
        filter: The filter.
        settings: Checked settings; what is absent takes the filter's default.
    """

    filter: FilterSpec
    settings: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.filter.name

    @property
    def complete(self) -> dict[str, object]:
        """All settings, defaults filled in."""
        return self.filter.complete(self.settings)

    @property
    def reach(self) -> int:
        """Frames on each side that a frame of the result may depend on."""
        return self.filter.reach(self.settings)

    @property
    def identity(self) -> list[object]:
        """What decides its pictures, as plain data: name, settings, and the weights of its network if it has one."""
        complete = self.complete
        weights = self.filter.weights(complete)
        return [self.name, complete, weights] if weights else [self.name, complete]

    def apply(self, clip: vs.VideoNode) -> vs.VideoNode:
        return self.filter.function(clip, **self.settings)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Steps in the order they are applied. Immutable: each change gives a new recipe.

    >>> Recipe.preset("archive").with_(deflicker=0.8, denoise=False)      # one dose up, one step out
    >>> Recipe.preset("remaster").with_(dust={"strength": 0.7, "max_size": 60})
    >>> Recipe().with_(stab=True).apply(clip)                             # from nothing
    """

    steps: tuple[Step, ...] = ()
    name: str = ""
    summary: str = ""

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    @classmethod
    def preset(cls, name: str) -> Self:
        """A preset that ships with the package, see `vsfilmrestore.recipes.presets.names`.

        Raises:
            SettingError: There is no such preset; the message names the nearest.
        """
        from vsfilmrestore.recipes.presets import load_preset

        return load_preset(cls, name)

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Self:
        """A recipe file, see `vsfilmrestore.recipes.toml`.

        Raises:
            InputError: The file cannot be read or is no TOML.
            SettingError: Its content is no recipe; the message has file and line.
        """
        from vsfilmrestore.recipes.presets import load_preset
        from vsfilmrestore.recipes.toml import read_recipe

        return read_recipe(cls, Path(path), partial(load_preset, cls))

    def with_(self, **changes: object) -> Self:
        """The recipe with some steps changed; see `with_steps`."""
        return self.with_steps(changes)

    def with_steps(self, changes: Mapping[str, object]) -> Self:
        """The recipe with some steps changed.

        Args:
            changes: By filter name or short word: a number sets the filter's first setting (its strength), a mapping
                sets what it names, True adds the step with its defaults, False takes it out.

        Raises:
            SettingError: Unknown step or setting, wrong type or out of range.
        """
        steps = {step.name: step for step in self.steps}
        for word, value in changes.items():
            spec = filter_named(word)
            changed = _changed_step(spec, steps.get(spec.name), value)
            if changed is None:
                steps.pop(spec.name, None)
            else:
                steps[spec.name] = changed
        return replace(self, steps=_in_order(self.steps, steps))

    def ordered(self, names: list[str]) -> Self:
        """The recipe with the named steps in that order; together they take the places they had.

        Raises:
            SettingError: A step is not part of the recipe, or named twice.
        """
        wanted = [filter_named(name).name for name in names]
        have = {step.name: step for step in self.steps}
        for name in wanted:
            if name not in have:
                raise SettingError(f"order names '{name}', which is no step of the recipe{nearest(name, have)}")
            if wanted.count(name) > 1:
                raise SettingError(f"order names '{name}' twice")
        queue = iter(wanted)
        steps = tuple(have[next(queue)] if step.name in wanted else step for step in self.steps)
        return replace(self, steps=steps)

    def apply(self, clip: vs.VideoNode) -> vs.VideoNode:
        """All steps, one after the other, on a clip that holds one shot. Neighbouring networks are run as one."""
        for run in runs(self.steps):
            clip = run.apply(clip)
        return clip

    @property
    def reach(self) -> int:
        """Frames on each side that a frame of the result may depend on."""
        return sum(step.reach for step in self.steps)

    def as_dict(self) -> dict[str, dict[str, object]]:
        """Every step with all its settings, in order."""
        return {step.name: step.complete for step in self.steps}

    def key(self) -> str:
        """Text that is equal for recipes that do the same, with the same weights where they run networks."""
        return json.dumps([step.identity for step in self.steps], sort_keys=True)


def _changed_step(spec: FilterSpec, step: Step | None, value: object) -> Step | None:
    settings: dict[str, Any] = dict(step.settings) if step else {}
    if value is False or value is None:
        return None
    if isinstance(value, Mapping):
        settings |= value
    elif value is not True:
        settings[next(iter(spec.settings))] = value
    try:
        complete = spec.complete(settings)
        return Step(spec, {key: complete[key] for key in settings})
    except ValueError as error:
        raise SettingError(f"{spec.name}: {error}") from None


def _in_order(before: tuple[Step, ...], after: dict[str, Step]) -> tuple[Step, ...]:
    """Kept steps stay in their order; new ones go in front of the first that comes later by default."""
    ordered = [after[step.name] for step in before if step.name in after]
    kept = {step.name for step in ordered}
    for step in after.values():
        if step.name not in kept:
            later = (i for i, other in enumerate(ordered) if other.filter.order > step.filter.order)
            ordered.insert(next(later, len(ordered)), step)
    return tuple(ordered)
