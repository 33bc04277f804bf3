"""A filter's signature is its schema.

Each setting is written once, on the function::

    @restoration_filter(short="dust", order=50, radius=1)
    def remove_dirt(
        clip: vs.VideoNode,
        strength: Strength = 0.5,
        *,
        max_size: Annotated[int, Setting("longest side of a defect, in pixels of a 2048 wide scan", 1, 400)] = 40,
        protect: Regions = (),
    ) -> vs.VideoNode: ...

`FILTERS` then knows its types, ranges, defaults and help; calls are checked against them, and recipes, markers, the
command line and plug-in panels are derived from them.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Any, Concatenate, Final, Literal, get_args, get_origin, get_type_hints

import vapoursynth as vs

from vsfilmrestore.errors import VsfrError
from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.models.card import WEIGHTS

__all__ = [
    "FILTERS",
    "FilterSpec",
    "Regions",
    "Setting",
    "SettingSpec",
    "Show",
    "Strength",
    "names_a_file",
    "nearest",
    "restoration_filter",
]


_SHARE: Final = re.compile(r"(-?(?:\d{1,3}(?:\.\d{0,6})?|\.\d{1,6}))\s*%")


@dataclass(frozen=True, slots=True)
class Setting:
    """What an annotation adds to a type: one line of help and the allowed range."""

    help: str
    low: float | None = None
    high: float | None = None


type Coordinate = float | str
"""Pixels, or per cent of the picture's width or height as text: ``"12.5%"``."""

type Point = tuple[Coordinate, Coordinate]
type Region = Sequence[Coordinate] | Sequence[Point]

Strength = Annotated[float, Setting("dose: 0 leaves the picture as it is, 1 does all the filter can", 0.0, 1.0)]
Regions = Annotated[
    Sequence[Region],
    Setting(
        "areas in pixels or per cent (10 or '10%'), each a rectangle (left, top, right, bottom) "
        "or a polygon ((x, y), (x, y), …)"
    ),
]
Show = Annotated[
    Literal["", "mask", "diff", "overlay"],
    Setting("look at the repair instead of its result: its mask, what it changes, or the mask over the picture"),
]


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """One setting of a filter, read from its signature.

    Attributes:
        name: Keyword.
        kind: ``float``, ``int``, ``bool``, ``choice``, ``text`` or ``regions``.
        default: Value when it is not given.
        help: One line.
        low: Smallest value, for numbers.
        high: Largest value, for numbers.
        choices: Allowed words, for ``choice``.
        optional: Whether None is allowed.
    """

    name: str
    kind: Literal["float", "int", "bool", "choice", "text", "regions"]
    default: object
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    optional: bool = False

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is inspect.Parameter.empty

    @property
    def allowed(self) -> str:
        """What may be given, in words: ``0..1``, ``mask | diff | overlay``."""
        if self.kind == "choice":
            return " | ".join(word or '""' for word in self.choices)
        if self.kind in ("float", "int") and self.low is not None and self.high is not None:
            return f"{self.low:g}..{self.high:g}"
        return {
            "bool": "true | false",
            "regions": "list of rectangles or polygons",
            "text": "text",
            "int": "a whole number",
            "float": "a number",
        }[self.kind]

    def check(self, value: object) -> object:
        """The value in its right type.

        Raises:
            ValueError: Wrong type or out of range; the message names neither filter nor setting.
        """
        if value is None and self.optional:
            return None
        match self.kind:
            case "bool":
                return _check_bool(value)
            case "choice":
                return self._check_choice(value)
            case "text":
                return _check_text(value)
            case "regions":
                return _check_regions(value)
            case _:
                return self._check_number(value)

    def _check_choice(self, value: object) -> str:
        if isinstance(value, str) and value in self.choices:
            return value
        raise ValueError(f"must be one of {self.allowed}, not {value!r}{nearest(str(value), self.choices)}")

    def _check_number(self, value: object) -> float | int:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < math.inf:
            raise ValueError(f"must be {'a whole number' if self.kind == 'int' else 'a number'}, not {value!r}")
        if self.kind == "int" and value != int(value):
            raise ValueError(f"must be a whole number, not {value!r}")
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            raise ValueError(f"must be {self.allowed}, not {value!r}")
        return int(value) if self.kind == "int" else float(value)


def _check_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(f"must be true or false, not {value!r}")


def _check_text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"must be text, not {value!r}")


def _check_regions(value: object) -> tuple[tuple[Any, ...], ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError(f"must be a list of rectangles or polygons, not {value!r}")
    return tuple(_check_region(region) for region in value)


def _check_region(region: object) -> tuple[Any, ...]:
    if isinstance(region, Sequence) and not isinstance(region, str):
        if len(region) == 4 and (edges := _coordinates(region)):
            left, top, right, bottom = (_amount(edge) for edge in edges)
            if right > left and bottom > top:
                return edges
        elif len(region) >= 3 and all(isinstance(point, Sequence) and len(point) == 2 for point in region):
            flat = _coordinates([value for point in region for value in point])
            if flat:
                return tuple(zip(flat[::2], flat[1::2], strict=True))
    raise ValueError(
        f"must hold rectangles (left, top, right, bottom) with right > left and bottom > top, "
        f"or polygons of three or more (x, y), all of a region in pixels or all in per cent, not {region!r}"
    )


def _coordinates(values: Sequence[object]) -> tuple[Coordinate, ...] | None:
    """Coordinates in one unit, None where they are not."""
    if all(_is_number(value) for value in values):
        return tuple(float(value) for value in values)  # type: ignore[arg-type]
    shares = [_SHARE.fullmatch(value.strip()) if isinstance(value, str) else None for value in values]
    return tuple(f"{float(share[1]):g}%" for share in shares if share) if all(shares) else None


def _amount(coordinate: Coordinate) -> float:
    return float(coordinate.rstrip("%")) if isinstance(coordinate, str) else coordinate


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e6


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'dust'?`` or nothing, to close an error message."""
    close = difflib.get_close_matches(word, [name for name in known if name], n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else ""


type Settings = Mapping[str, Any]
type Change = Literal["", "length", "size"]
type Dependence = Literal["window", "number", "clip"]


@dataclass(frozen=True, slots=True)
class FilterSpec:
    """A restoration filter and all that is derived from its signature.

    Attributes:
        name: Name of the function and of the recipe step.
        short: Word an editor writes in a marker: ``dust=0.8``.
        summary: First line of the docstring.
        order: Place in the default order of steps, smaller runs first.
        settings: Settings by name, in the order of the signature.
        function: The checked function, clip first.
        needs: VapourSynth plug-in namespaces it calls.
        radius: Frames before and after that a frame of the result may depend on, given the settings.
        changes: What of the clip the filter changes besides pixels when all settings are left alone: ``""``,
            ``"length"`` or ``"size"``.
        alters: The same, given the completed settings; ask `changes_with`.
        one_sided: Whether the filter makes do with the frames on one side at the ends of its clip. Others are given
            mirrored frames at a cut.
        depends: What decides a frame of the result. ``window``: the frames within the radius and nothing else;
            ``number``: also which frame it is, told by the property `vsfilmrestore.media.props.PLACE`; ``clip``: the
            whole clip. A render of a frame is good in another cut as well unless it depends on the clip.
        rests: The same as ``depends``, given the completed settings; ask `depends_with`.
        network: The run of a network that the filter is, given the completed settings; None where it is none.
            Neighbouring runs are made one. It raises a `VsfrError` where what is to be run is not on this machine.
        weights: What decides the pictures besides the settings, given these: the sha256 of a network's weights, the
            version of a package that runs its own; '' where nothing does. It raises nothing. Render keys hold it.
    """

    name: str
    short: str
    summary: str
    order: int
    settings: Mapping[str, SettingSpec]
    function: Callable[..., vs.VideoNode]
    needs: tuple[str, ...]
    radius: Callable[[Settings], int]
    changes: Change
    alters: Callable[[Settings], Change]
    one_sided: bool = False
    depends: Dependence = "window"
    rests: Callable[[Settings], Dependence] = lambda _settings: "window"
    network: Callable[[Settings], ModelCall | None] = lambda _settings: None
    weights: Callable[[Settings], str] = lambda _settings: ""

    def check(self, given: Settings) -> dict[str, object]:
        """The given settings in their right types; nothing is filled in.

        Raises:
            ValueError: ``key must be …`` or ``has no setting 'stength'; did you mean 'strength'?``
        """
        checked: dict[str, object] = {}
        for key, value in given.items():
            spec = self.settings.get(key)
            if spec is None:
                raise ValueError(f"has no setting '{key}'{nearest(key, self.settings)}")
            try:
                checked[key] = spec.check(value)
            except ValueError as error:
                raise ValueError(f"{key} {error}") from None
        return checked

    def complete(self, given: Settings) -> dict[str, object]:
        """Checked settings with defaults filled in.

        Raises:
            ValueError: As `check`, or a setting without a default is missing.
        """
        checked = self.check(given)
        for name, spec in self.settings.items():
            if spec.required and name not in checked:
                raise ValueError(f"needs {name}: {spec.help}")
        return {name: spec.default for name, spec in self.settings.items()} | checked

    def reach(self, given: Settings) -> int:
        """Temporal radius with these settings, in frames."""
        return self.radius(self.complete(given))

    def changes_with(self, given: Settings) -> Change:
        """What of the clip the filter changes with these settings: ``""``, ``"length"`` or ``"size"``."""
        return self.alters(self.complete(given))

    def depends_with(self, given: Settings) -> Dependence:
        """What decides a frame of the result with these settings."""
        return self.rests(self.complete(given))


FILTERS: Final[dict[str, FilterSpec]] = {}
"""Every restoration filter by name; filled when `vsfilmrestore.filters` is imported."""


def restoration_filter[**P](
    *,
    short: str,
    order: int,
    needs: tuple[str, ...] = (),
    radius: int | Callable[[Settings], int] = 0,
    changes: Change | Callable[[Settings], Change] = "",
    fields: bool = False,
    one_sided: bool = False,
    depends: Dependence | Callable[[Settings], Dependence] = "window",
    network: Callable[[Settings], ModelCall | None] = lambda _settings: None,
    weights: Callable[[Settings], str] = lambda _settings: "",
) -> Callable[
    [Callable[Concatenate[vs.VideoNode, P], vs.VideoNode]], Callable[Concatenate[vs.VideoNode, P], vs.VideoNode]
]:
    """Make a function a restoration filter: register it and check every call against its signature.

    The function gets a CPU-resident clip of constant format and size, and settings of the right type and range. What
    goes wrong inside reaches the caller as `vapoursynth.Error` that begins with the filter's name. Unless it asks for
    ``fields``, its clip does not say that it is interlaced: the resizer would take such pictures apart into fields,
    and of heights that do not divide evenly it leaves lines unset. For the rest see `FilterSpec`.
    """

    def decorate(
        function: Callable[Concatenate[vs.VideoNode, P], vs.VideoNode],
    ) -> Callable[Concatenate[vs.VideoNode, P], vs.VideoNode]:
        name = function.__name__
        signature = inspect.signature(function)

        @functools.wraps(function)
        def checked(clip: vs.VideoNode, /, *args: P.args, **kwargs: P.kwargs) -> vs.VideoNode:
            try:
                given = dict(signature.bind(clip, *args, **kwargs).arguments)
                source = given.pop(next(iter(signature.parameters)))
                spec.check(given)
                _require_plugins(needs)
                clip = _constant_cpu_clip(source)
                result = function(clip, *args, **kwargs) if fields else _in_frames(function, clip, *args, **kwargs)
            except (TypeError, ValueError, vs.Error, VsfrError) as error:
                raise vs.Error(_led_by(name, str(error))) from error
            return _as_resident(result, source)

        settings = _settings_of(function)
        defaults = {key: setting.default for key, setting in settings.items()}
        alters = changes if callable(changes) else lambda _settings: changes
        rests = depends if callable(depends) else lambda _settings: depends
        spec = FilterSpec(
            name=name,
            short=short,
            summary=(inspect.getdoc(function) or "").split("\n", 1)[0],
            order=order,
            settings=settings,
            function=checked,
            needs=needs,
            radius=radius if callable(radius) else lambda _settings: radius,
            changes=alters(defaults),
            alters=alters,
            one_sided=one_sided,
            depends=rests(defaults),
            rests=rests,
            network=network,
            weights=weights,
        )
        FILTERS[name] = spec
        return checked

    return decorate


def _led_by(name: str, message: str) -> str:
    return message if message.startswith(f"{name}:") else f"{name}: {message.removeprefix(f'{name}() ')}"


def _constant_cpu_clip(clip: object) -> vs.VideoNode:
    if not isinstance(clip, vs.VideoNode):
        raise ValueError(f"the first argument must be a clip, not {type(clip).__name__}")
    if clip.format is None or clip.format.id == 0 or not clip.width or not clip.height:
        raise ValueError("the clip changes its format or size; convert it to one with resize first")
    return clip.std.GPUDownload() if clip.gpu_resident else clip


def _in_frames[**P](
    function: Callable[Concatenate[vs.VideoNode, P], vs.VideoNode],
    clip: vs.VideoNode,
    *args: P.args,
    **kwargs: P.kwargs,
) -> vs.VideoNode:
    whole = clip.std.SetFieldBased(0)
    result = function(whole, *args, **kwargs)
    return clip if result is whole else result.std.CopyFrameProps(clip, props=["_FieldBased"])


def _as_resident(clip: vs.VideoNode, like: vs.VideoNode) -> vs.VideoNode:
    return clip.std.GPUUpload() if like.gpu_resident and not clip.gpu_resident else clip


def _require_plugins(namespaces: tuple[str, ...]) -> None:
    wheels = {"mvu": "mvutensils", "bs": "bestsource"}
    for namespace in namespaces:
        if not hasattr(vs.core, namespace):
            wheel = f"vapoursynth-{wheels.get(namespace, namespace)}"
            raise ValueError(f"needs the VapourSynth plug-in '{namespace}': pip install {wheel}")


def _settings_of(function: Callable[..., object]) -> dict[str, SettingSpec]:
    hints = get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return {p.name: _setting_of(p.name, hints[p.name], p.default) for p in parameters}


def _setting_of(name: str, hint: Any, default: object) -> SettingSpec:
    if get_origin(hint) is not Annotated:
        raise TypeError(f"setting '{name}' needs Annotated[type, Setting(help)]")
    kind, *extras = get_args(hint)
    note = next(extra for extra in extras if isinstance(extra, Setting))
    options = get_args(kind)
    optional = type(None) in options
    if optional:
        (kind,) = (option for option in options if option is not type(None))
    choices: tuple[str, ...] = ()
    if get_origin(kind) is Literal:
        word, choices = "choice", get_args(kind)
    elif kind in (float, int, bool, str):
        word = {float: "float", int: "int", bool: "bool", str: "text"}[kind]
    else:
        word = "regions"
    return SettingSpec(name, word, default, note.help, note.low, note.high, choices, optional)  # type: ignore[arg-type]


def names_a_file(model: str) -> bool:
    """Whether the value of a setting ``model`` is the path of a file, not the name of a card."""
    return re.search(r"[\\/]", model) is not None or PurePath(model).suffix.lower() in WEIGHTS
