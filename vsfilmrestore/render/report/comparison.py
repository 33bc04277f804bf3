"""Before and after in the terms of the assessment: what a person is told of, by shot and of the film."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import hypot
from typing import Any, Final

from vsfilmrestore.assess.wording import QUIET

__all__ = ["COMPARED", "Compared", "Pair", "certain", "pairs_of_film", "pairs_of_shot", "value_of"]

DOUBT: Final = 0.3
"""Confidence below which a measure is not told."""

type Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Compared:
    """A measure that is told on both sides.

    Attributes:
        key: What it is called in ``report.json`` and ``shots.csv``.
        label: What a person calls it.
        unit: Behind its number.
        names: Measures of the assessment it is made of: of several the length of all together.
        treats: Steps that are there to change it.
        quiet: Up to which clips measure that nothing is wrong with.
        together: How it adds up over shots: ``mean`` and ``rms`` by their frames, ``sum``.
        explained: What it is, for somebody who does not know.
    """

    key: str
    label: str
    unit: str
    names: tuple[str, ...]
    treats: tuple[str, ...]
    quiet: float
    together: str
    explained: str


COMPARED: Final = (
    Compared(
        "dirt",
        "Dirt",
        "a frame",
        ("dirt.density",),
        ("remove_dirt", "clean_cels"),
        QUIET["dirt.density"],
        "mean",
        "specks, dust and hairs that show in one frame only",
    ),
    Compared(
        "scratches",
        "Scratches",
        "",
        ("scratches.count",),
        ("remove_scratches", "remove_wires"),
        0.5,
        "sum",
        "vertical lines that stay for much of a shot",
    ),
    Compared(
        "stains",
        "Stains",
        "% of the picture",
        ("stains.share",),
        ("remove_stains",),
        QUIET["stains.share"],
        "mean",
        "mould, water marks and other broad spots that come and go",
    ),
    Compared(
        "spoilt",
        "Spoilt frames",
        "",
        ("frames.torn", "frames.ruined"),
        ("repair_frames",),
        0.5,
        "sum",
        "frames that are torn, jumped, blank or of something else",
    ),
    Compared(
        "flicker",
        "Flicker",
        "%",
        ("flicker",),
        ("deflicker",),
        QUIET["flicker"],
        "rms",
        "brightness that trembles from frame to frame",
    ),
    Compared(
        "weave",
        "Weave",
        "px",
        ("weave.x", "weave.y"),
        ("stabilize",),
        QUIET["weave.x"],
        "rms",
        "how far the picture strays from its place: a film moves in the gate",
    ),
    Compared(
        "grain",
        "Grain and noise",
        "of 255",
        ("grain.sigma",),
        ("denoise", "regrain", "calm_shimmer"),
        QUIET["grain.sigma"],
        "mean",
        "standard deviation of brightness, in steps of 8 bits",
    ),
    Compared(
        "blur",
        "Softness",
        "px",
        ("blur.sigma",),
        ("deblur", "undo_generation_loss"),
        QUIET["blur.sigma"],
        "mean",
        "blur of the sharpest edges",
    ),
    Compared(
        "combed",
        "Combed frames",
        "%",
        ("interlaced",),
        ("deinterlace", "inverse_telecine"),
        QUIET["interlaced"],
        "mean",
        "frames of video that hold two moments in alternate lines",
    ),
    Compared(
        "dropouts",
        "Dropouts",
        "a frame",
        ("dropouts",),
        ("remove_dropouts",),
        QUIET["dropouts"],
        "mean",
        "horizontal streaks where a tape lost its signal",
    ),
    *(
        Compared(
            f"{dye}_left",
            f"{dye.capitalize()} dye left",
            "%",
            (name,),
            ("correct_fade",),
            -1.0,
            "mean",
            "of the density the dye of a colour film had when it was new",
        )
        for dye, name in (("cyan", "fade.red"), ("magenta", "fade.green"), ("yellow", "fade.blue"))
    ),
)
"""In the order they are told in."""

_HUNDREDS: Final = ("stains", "combed", "cyan_left", "magenta_left", "yellow_left")
_GROUPS: Final = {"stains.share": "", "frames.torn": "", "frames.ruined": "", "dropouts": "dirt"}


@dataclass(frozen=True, slots=True)
class Pair:
    """A measure before and after; None where it was not measured."""

    of: Compared
    before: float | None
    after: float | None


def certain(values: Values, name: str) -> bool:
    """Whether a measure of a shot can be trusted enough to be told."""
    group = _GROUPS.get(name, name.split(".")[0])
    sure = values.get(f"confidence.{group}", 1.0) >= DOUBT
    if group == "fade":  # dyes that are not told to have faded are a guess
        return bool(sure and values.get("fade.delta_e", 0.0) >= QUIET["fade.delta_e"])
    return bool(sure)


def value_of(values: Values | None, compared: Compared, *, anyhow: bool = False) -> float | None:
    """A measure of a shot as it is told; None where it was not taken, or cannot be trusted."""
    if not values or any(name not in values for name in compared.names):
        return None
    if not anyhow and not all(certain(values, name) for name in compared.names):
        return None
    found = hypot(*(float(values[name]) for name in compared.names))
    if compared.key == "spoilt":
        found = sum(float(values[name]) for name in compared.names)
    return 100 * found if compared.key in _HUNDREDS else found


def pairs_of_shot(before: Values | None, after: Values | None, steps: Collection[str] = ()) -> list[Pair]:
    """What is worth telling of a shot: what stands out on either side, and what its steps are there for.

    Args:
        before: Measures of the source.
        after: Measures of the result.
        steps: What was done to it.
    """
    pairs = [_pair(compared, before, after) for compared in COMPARED]
    return [pair for pair in pairs if _worth(pair, steps)]


def _pair(compared: Compared, before: Values | None, after: Values | None) -> Pair:
    # Fade that was undone shows no more: the source says whether it is to be told at all.
    known = value_of(before, compared)
    anyhow = compared.key.endswith("_left") and known is not None
    return Pair(compared, known, value_of(after, compared, anyhow=anyhow))


def _worth(pair: Pair, steps: Collection[str]) -> bool:
    if pair.before is None:
        return False
    quiet = pair.of.quiet * (100 if pair.of.key in _HUNDREDS else 1)
    treated = any(step in steps for step in pair.of.treats)
    most = max(pair.before, pair.after or 0.0)
    return most > quiet or (treated and most > 0)


def pairs_of_film(shots: Iterable[tuple[int, Values | None, Values | None]], steps: Collection[str]) -> list[Pair]:
    """The same of all shots together, as far as they are measured on both sides; where none is, of the source.

    Args:
        shots: Of each: its frames, measures of the source, measures of the result.
        steps: What was done to any of them.
    """
    told = list(shots)
    known = [[(frames, _pair(each, before, after)) for frames, before, after in told] for each in COMPARED]
    anywhere = any(pair.after is not None for row in known for _, pair in row)
    found = [_added(each, row, anywhere) for each, row in zip(COMPARED, known, strict=True)]
    return [pair for pair in found if _worth(pair, steps)]


def _added(compared: Compared, row: Sequence[tuple[int, Pair]], both: bool) -> Pair:
    """A measure of all shots that have it on both sides; of the source alone where the result was not measured."""
    rows = [(n, pair) for n, pair in row if pair.before is not None and (pair.after is not None or not both)]
    add, sizes = _TOGETHER[compared.together], [n for n, _ in rows]
    if not rows:
        return Pair(compared, None, None)
    before = add([pair.before or 0.0 for _, pair in rows], sizes)
    return Pair(compared, before, add([pair.after or 0.0 for _, pair in rows], sizes) if both else None)


def _mean(values: Sequence[float], frames: Sequence[int]) -> float:
    return sum(value * n for value, n in zip(values, frames, strict=True)) / max(1, sum(frames))


def _rms(values: Sequence[float], frames: Sequence[int]) -> float:
    return float(_mean([value**2 for value in values], frames) ** 0.5)


def _sum(values: Sequence[float], _: Sequence[int]) -> float:
    return sum(values)


_TOGETHER: Final[dict[str, Callable[[Sequence[float], Sequence[int]], float]]] = {
    "mean": _mean,
    "rms": _rms,
    "sum": _sum,
}
