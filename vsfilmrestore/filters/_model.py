"""From the name of a model, as a recipe says it, to the run of it.

A recipe names models, never files: project folders come from strangers, and a bare file has neither contract nor
checksum nor licence. ``vsfilmrestore models add`` makes a model of a file of one's own.

Cards are read again when their folders change, files are verified when they are first asked for and again when they
change: a graph of a thousand shots looks at their size and time, not at their bytes.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import vapoursynth as vs

from vsfilmrestore.errors import InstallationError, UsageError, VsfrError
from vsfilmrestore.filters._engines import Engine, find_engine, run_engine
from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.models.card import Card
from vsfilmrestore.models.contract import Contract, ExtraInput
from vsfilmrestore.models.places import folders, own_folder
from vsfilmrestore.models.zoo import Found, Zoo

__all__ = [
    "can_run",
    "card_named",
    "dependence",
    "model_call",
    "network_for",
    "network_named",
    "number_input",
    "reach_of",
    "run_model_named",
    "scale_of",
    "time_input",
    "weights_of",
]

_EXTRAS: Final = {".onnx": (("onnx", "onnxruntime"), "onnx"), ".safetensors": (("torch", "spandrel"), "torch")}
"""Packages that run a kind of file, and our extra that brings them."""
_LARGER: Final = ("upscale", "faces")
"""Tasks whose models may give larger pictures."""
_TIMES: Final = ("timestep", "time", "t")
_LEVELS: Final = ("noise", "sigma", "level")

type Stamp = tuple[tuple[str, int, int], ...]
type Settings = Mapping[str, Any]


def model_call(
    name: str,
    task: str = "",
    strength: float = 1.0,
    *,
    numbers: Mapping[str, float] | None = None,
    between: bool = False,
    given: Collection[str] = (),
    whole: bool = True,
) -> ModelCall:
    """The run of a model.

    Args:
        name: Name of its card.
        task: What it must be for; '' takes any that a picture goes into and comes out of.
        strength: Share of what it changes that is taken.
        numbers: Values of its numbers.
        between: Whether it is to make frames between frames.
        given: Masks and pictures that the step has for it.
        whole: Whether the run is all that the step does.

    Raises:
        UsageError: There is no such model, it is for something else, or its licence was not said yes to.
        InstallationError: Its weights or what runs them are not on this machine.
        InputError: Its weights are not what its card says.
    """
    now = _now()
    card = _card(now.zoo, name, task)
    _check_fit(card, between, given, larger=task in _LARGER)
    found = _found(now, card)
    file = found.file
    return ModelCall(
        found.path, card.contract, file.sha256, strength=strength, numbers=dict(numbers or {}), whole=whole
    )


def network_named(name: str, task: str) -> tuple[Found, Contract]:
    """A verified file of a model that gives maps rather than pictures, and what it wants.

    Raises:
        VsfrError: As `model_call`.
    """
    now = _now()
    card = _card(now.zoo, name, task)
    return _found(now, card), card.contract


def can_run(name: str) -> bool:
    """Whether a model, its weights and what runs them are here."""
    now = _now()
    try:
        _found(now, now.zoo.card(name))
    except VsfrError:
        return False
    return True


def card_named(name: str, task: str = "") -> Card:
    """The card of a model, its task checked; whether its weights are here is not looked at.

    Raises:
        UsageError: None is named, there is no such model, or it is for something else.
    """
    return _card(_now().zoo, name, task)


def _card(zoo: Zoo, name: str, task: str) -> Card:
    if not name:
        raise UsageError("names no model", hint=_offer(zoo, task))
    card = zoo.card(name)
    if task and card.task != task:
        raise UsageError(
            f"model {name} is for '{card.task}', not for '{task}'", hint=f"{_offer(zoo, task)}; apply_model takes any"
        )
    return card


def _offer(zoo: Zoo, task: str) -> str:
    """What to name: models for the task."""
    names = ", ".join(card.name for card in zoo if card.task == task)
    if not task:
        return "See 'vsfilmrestore models list'"
    if names:
        return f"For '{task}' there are: {names}"
    return f"There is none for '{task}' yet; bring one with 'vsfilmrestore models add FILE --task {task}'"


def _check_fit(card: Card, between: bool, given: Collection[str], *, larger: bool) -> None:
    contract = card.contract
    if contract.scale != 1 and not larger:
        raise UsageError(f"model {card.name} makes pictures larger, by its card", hint="Name it to 'upscale'")
    if contract.colour == "data" or contract.out_channels != contract.channels:
        raise UsageError(f"model {card.name} gives no picture like the one it gets")
    if time_input(contract) and not between:
        raise UsageError(f"model {card.name} makes frames between frames", hint="Name it to 'interpolate'")
    lost = [extra.name for extra in contract.extra if extra.kind in ("mask", "picture") and extra.name not in given]
    if lost:
        raise UsageError(
            f"model {card.name} wants a clip '{lost[0]}', which this step does not have",
            hint="In a .vpy, vsfilmrestore.inference.apply.run_model takes it",
        )


def _found(now: _Now, card: Card) -> Found:
    """A verified file of a card whose runtime is installed."""
    zoo = now.zoo
    kinds = {file.suffix for file in card.weights}
    usable = tuple(suffix for suffix in _EXTRAS if suffix in kinds and _installed(suffix))
    if not usable:
        suffix = next((suffix for suffix in _EXTRAS if suffix in kinds), "")
        if not suffix:
            zoo.find(card.name, suffixes=tuple(_EXTRAS))  # tells what is missing
        raise InstallationError(
            f"model {card.name} needs {' and '.join(_EXTRAS[suffix][0])}, which are not installed",
            hint=f"pip install 'vsfilmrestore[{_EXTRAS[suffix][1]}]'",
        )
    found = _verified(now, card.name, usable, tuple(_facts(map(str, _places(zoo, card)))))
    if isinstance(found, VsfrError):
        raise type(found)(found.message, file=found.file, hint=found.hint, details=found.details)
    return found


@lru_cache(maxsize=256)
def _verified(now: _Now, name: str, suffixes: tuple[str, ...], _files: Stamp) -> Found | VsfrError:
    """What is here under a name; looked into once for each state of its card and its files."""
    try:
        return now.zoo.find(name, suffixes=suffixes)
    except VsfrError as error:
        return error


def _places(zoo: Zoo, card: Card) -> Iterator[Path]:
    found = [zoo.locate(card, file) for file in card.files]
    yield from (path for path in found if path is not None)
    yield zoo.user_folder / "licences.json"


def _installed(suffix: str) -> bool:
    return all(importlib.util.find_spec(package) is not None for package in _EXTRAS[suffix][0])


@dataclass(frozen=True, slots=True)
class _Now:
    """The zoo as its folders are now."""

    stamp: Stamp
    zoo: Zoo = field(compare=False)


def _now() -> _Now:
    """Read again when a card changes; those of other packages come and go with a new process."""
    places = dict.fromkeys(map(str, (*folders(), own_folder())))
    return _zoo_of(tuple(_facts(path for place in places for path in (place, *_cards(place)))))


@lru_cache(maxsize=4)
def _zoo_of(stamp: Stamp) -> _Now:
    return _Now(stamp, Zoo.open())


def _cards(place: str) -> list[str]:
    try:
        with os.scandir(place) as found:
            return sorted(entry.path for entry in found if entry.name.endswith(".toml"))
    except OSError:
        return []


def _facts(paths: Iterable[str]) -> Iterator[tuple[str, int, int]]:
    for path in paths:
        try:
            found = os.stat(path)
        except OSError:
            yield path, -1, -1
        else:
            yield path, found.st_size, found.st_mtime_ns


def network_for(
    task: str, whole: Callable[[Settings], bool] = lambda _settings: True
) -> Callable[[Settings], ModelCall | None]:
    """`FilterSpec.network` of a filter with the settings ``strength`` and ``model``."""

    def network(settings: Settings) -> ModelCall | None:
        if settings["strength"] == 0:
            return None
        engine = find_engine(settings["model"], task)
        if engine is not None:
            engine.require()
            return None
        return model_call(settings["model"], task, settings["strength"], whole=whole(settings))

    return network


def weights_of(task: str) -> Callable[[Settings], str]:
    """`FilterSpec.weights` of a filter with the settings ``strength`` and ``model``."""

    def weights(settings: Settings) -> str:
        name = settings["model"]
        if not name or settings.get("strength", 1.0) == 0:
            return ""
        try:
            engine = find_engine(name, task)
            now = _now()
            return engine.version if engine is not None else _found(now, _card(now.zoo, name, "")).file.sha256
        except VsfrError:
            return "not here"

    return weights


def reach_of(name: str) -> int:
    """Frames on each side that a frame made by a model may depend on; 0 where nobody knows it."""
    engine = _engine_or_none(name)
    if engine is not None:
        return engine.reach
    try:
        contract = card_named(name).contract
    except VsfrError:
        return 0
    return max(contract.before, contract.after) + contract.frames_out - 1


def dependence(settings: Settings) -> Any:
    """`FilterSpec.depends`: windows that give several frames lie on a grid from the shot's first frame."""
    name = settings["model"]
    engine = _engine_or_none(name)
    try:
        grid = engine.window > 0 if engine is not None else bool(name) and card_named(name).contract.frames_out > 1
    except VsfrError:
        grid = False
    return "clip" if grid else "window"


def scale_of(name: str, task: str) -> int:
    """Size out over size in.

    Raises:
        UsageError: There is no such model, or it is for something else.
    """
    engine = find_engine(name, task)
    return engine.scale if engine is not None else card_named(name, task).contract.scale


def time_input(contract: Contract) -> str:
    """Name of the input that takes the time between two frames, '' if there is none.

    Where the time is one of several planes behind the frames, it stands among these for its place.
    """
    numbers = [extra.name for extra in contract.extra if extra.kind == "number" and extra.name.lower() in _TIMES]
    return contract.time or next(iter(numbers), "")


def number_input(name: str) -> ExtraInput | None:
    """The input of a model that takes the noise level, None if it has none."""
    numbers = [extra for extra in card_named(name).contract.extra if extra.kind in ("number", "scalar")]
    told = [extra for extra in numbers if any(word in extra.name.lower() for word in _LEVELS)]
    return told[0] if told else numbers[0] if len(numbers) == 1 else None


def run_model_named(clip: vs.VideoNode, name: str, task: str, strength: float) -> vs.VideoNode:
    """What a model, or a package that brings its own, makes of a shot, in the shot's format.

    Raises:
        VsfrError: As `model_call`.
    """
    engine = find_engine(name, task)
    if engine is not None:
        return run_engine(engine, clip, strength)
    return model_call(name, task, strength).on(clip)


def _engine_or_none(name: str) -> Engine | None:
    try:
        return find_engine(name, "")
    except VsfrError:
        return None
