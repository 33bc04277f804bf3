"""All measures of one shot: from the facts of the pass, and from samples in full size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.assess.cadence import Cadence, cadence_of
from vsfilmrestore.assess.colours import colour_of, looks_of, tape_colour_of
from vsfilmrestore.assess.content import drawn_of, faces_of, kind_of, motion_of
from vsfilmrestore.assess.damage import dirt_of, scratches_of, stains_of
from vsfilmrestore.assess.faults import Faults, faults_of, torn_of
from vsfilmrestore.assess.fields import fields_of
from vsfilmrestore.assess.frame_geometry import Borders, borders_of, frame_line
from vsfilmrestore.assess.levels import brng_of, tout_of, vrep_of
from vsfilmrestore.assess.material import material_of
from vsfilmrestore.assess.passing import LEVELS, FrameFacts, PassFacts
from vsfilmrestore.assess.reading import Reading
from vsfilmrestore.assess.results import ShotMeasures
from vsfilmrestore.assess.samples import Sample, Shot
from vsfilmrestore.assess.tape import carrier_of, chroma_of, held_dust_of, switching_of
from vsfilmrestore.assess.trembling import flicker_of, weave_of
from vsfilmrestore.errors import MediaError, plain_text

__all__ = ["ShotLook", "look_at_shot"]

type Floats = npt.NDArray[np.float32]
type Values = dict[str, float | str]

_BLANK_KINDS: Final = ("black", "white", "bars")


@dataclass(slots=True)
class ShotLook:
    """What one shot told.

    Attributes:
        measures: Its measures, without those that the whole reel tells.
        looks: Its pictures as the estimate of fade sees them; none where there is no colour.
        columns: Measures of single frames: name, numbers of the frames, values.
        copies: Numbers of frames that repeat the one before.
    """

    measures: ShotMeasures
    looks: list[Floats] = field(default_factory=list)
    columns: list[tuple[str, npt.NDArray[Any], Any]] = field(default_factory=list)
    copies: list[int] = field(default_factory=list)


def look_at_shot(reading: Reading, facts: PassFacts, first: int, stop: int, aspect: Fraction) -> ShotLook:
    """Measure one shot; what cannot be measured is left out, with a remark."""
    numbers = np.array([n for n in range(first, stop) if n in facts.frames], int)
    known = [facts.frames[int(n)] for n in numbers]
    if not known:
        return ShotLook(ShotMeasures(first, stop, remarks=("none of it was read",)))
    look = ShotLook(ShotMeasures(first, stop))
    values: Values = _levels(known)
    lists: dict[str, tuple[float, ...]] = {}
    _from_pass(look, values, lists, known, numbers, facts, reading.unreadable)
    remarks: tuple[str, ...] = ()
    try:
        shot = Shot(reading, *_read(numbers, first, stop))
        stains = [each for each in facts.stains if shot.first <= each[0] - 1 and each[1] < shot.stop]
        _from_samples(look, values, lists, shot, known, aspect, stains)
    except (MediaError, vs.Error) as error:
        remarks = (f"could not be looked at closely: {plain_text(error)}",)
    look.measures = ShotMeasures(first, stop, _finite(values), lists, remarks)
    return look


def _read(numbers: npt.NDArray[Any], first: int, stop: int) -> tuple[int, int]:
    """The stretch samples are taken of: the shot, or where it is read in runs the longest of them."""
    if len(numbers) == stop - first:
        return first, stop
    parts = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    best = max(parts, key=len)
    return int(best[0]), int(best[-1]) + 1


def _finite(values: Values) -> Values:
    return {name: value for name, value in values.items() if isinstance(value, str) or np.isfinite(value)}


def _levels(known: Sequence[FrameFacts]) -> Values:
    found: Values = {}
    for name, own in LEVELS.items():
        values = [getattr(fact, own) for fact in known]
        told = [value for value in values[1:] if np.isfinite(value)] if own == "ydif" else values
        if told:
            found[name] = float(np.median(told))
    return found


def _from_pass(
    look: ShotLook,
    values: Values,
    lists: dict[str, tuple[float, ...]],
    known: Sequence[FrameFacts],
    numbers: npt.NDArray[Any],
    facts: PassFacts,
    unreadable: set[int],
) -> None:
    """Flicker, weave, spoilt frames, cadence and motion."""
    runs = np.split(np.arange(len(numbers)), np.flatnonzero(np.diff(numbers) > 1) + 1)
    for start in (int(run[0]) for run in runs[1:]):  # between two runs nothing is joined
        known[start].joined = known[start].sure = False
    flicker, weave = flicker_of(known), weave_of(known, facts.scale)
    values["flicker"], values["confidence.flicker"] = flicker.rms, flicker.confidence
    for name, tremble in zip(("weave.x", "weave.y", "weave.roll"), weave, strict=True):
        values[name] = tremble.rms
    values["confidence.weave"] = weave[0].confidence
    look.columns += [("flicker", numbers, flicker.wobble)]
    look.columns += [
        (name, numbers, tremble.wobble) for name, tremble in zip(("weave.x", "weave.y"), weave[:2], strict=True)
    ]
    longest = max(runs, key=len)
    part = [known[int(n)] for n in longest]
    first = int(numbers[longest[0]])
    cadence = cadence_of(part)
    look.copies = [first + n for n in cadence.repeats]
    _faulty(values, lists, faults_of(part, facts.torn, first), cadence, first, unreadable)
    values.update(motion_of(known, facts.width))


def _faulty(
    values: Values,
    lists: dict[str, tuple[float, ...]],
    faults: Faults,
    cadence: Cadence,
    first: int,
    unreadable: set[int],
) -> None:
    double = sorted({*faults.frozen, *(first + n for n in cadence.doubles)})
    missing = sorted({first + n for n in cadence.jumps})
    told = {
        "frames.torn": faults.torn,  # perhaps: samples tell
        "frames.ruined": faults.ruined,
        "frames.splices": faults.jumps,
        "frames.double": double,
        "frames.missing": missing,
        "flashes": faults.flashes,
    }
    beside = unreadable | {n + 1 for n in unreadable}  # what stands in for them is no fault of the film
    for name, every in told.items():
        frames = [n for n in every if n not in beside]
        values[name] = float(len(frames))
        if frames:
            lists["flashes.at" if name == "flashes" else f"{name}_at"] = tuple(float(n) for n in frames)
    if cadence.word:
        values |= {"cadence": cadence.word, "cadence.share": cadence.share}
    values["confidence.cadence"] = cadence.confidence


def _from_samples(
    look: ShotLook,
    values: Values,
    lists: dict[str, tuple[float, ...]],
    shot: Shot,
    known: Sequence[FrameFacts],
    aspect: Fraction,
    stains: Sequence[tuple[int, int]],
) -> None:
    _torn(values, lists, shot)
    samples = shot.middles
    pictures = shot.colour()
    _signal(look, values, samples)
    values["kind"] = kind_of(known, pictures)
    borders = borders_of(samples)
    _frame(values, shot, samples, borders, aspect)
    values["colour"], values["cast.size"] = colour_of(samples)
    if values["kind"] in _BLANK_KINDS:
        return
    values.update(material_of(shot.runs, borders))
    fields = fields_of(shot)
    values |= {"interlaced": fields.share, "interlaced.order": fields.order, "telecine": fields.telecine}
    # Two moments in one frame tremble by themselves, and their combs look like grain.
    for name in ("confidence.weave", "confidence.grain"):
        values[name] = float(values[name]) * (1 - fields.share) if name in values else 0.0
    values["confidence.interlaced"] = fields.confidence
    _damaged(values, lists, shot, stains, look.copies)
    values.update(tape_colour_of(samples))
    values.update(switching_of(shot))
    if values["colour"] == "colour":
        values.update(carrier_of(shot) | chroma_of(shot))
    scale = shot.clip.width / pictures[0].shape[1]
    values.update(faces_of(pictures, scale))
    values["drawn"] = drawn_of(pictures, samples, str(values.get("cadence", "")))
    values.update(held_dust_of(shot))
    if values["colour"] == "colour":
        look.looks = looks_of([_inner(picture, borders, scale) for picture in pictures])


def _torn(values: Values, lists: dict[str, tuple[float, ...]], shot: Shot) -> None:
    """Of the frames that may be torn those that are; what jumped with a piece of it is torn, not off its place."""
    torn = torn_of(shot, [int(n) for n in lists.pop("frames.torn_at", ())])
    values["frames.torn"] = float(len(torn))
    if torn:
        lists["frames.torn_at"] = tuple(float(n) for n in torn)
        jumps = tuple(n for n in lists.pop("frames.splices_at", ()) if n not in lists["frames.torn_at"])
        values["frames.splices"] = float(len(jumps))
        if jumps:
            lists["frames.splices_at"] = jumps


def _inner(picture: Floats, borders: Borders, scale: float) -> Floats:
    """The picture within its borders, in the size it is looked at."""
    height, width = picture.shape[:2]
    left, right, top, bottom = (
        int(np.ceil(side / scale)) for side in (borders.left, borders.right, borders.top, borders.bottom)
    )
    return np.ascontiguousarray(picture[top : height - bottom, left : width - right])


def _signal(look: ShotLook, values: Values, samples: Sequence[Sample]) -> None:
    numbers = np.array([sample.number for sample in samples])
    for name, measure in (("tout", tout_of), ("vrep", vrep_of), ("brng", brng_of)):
        found = [measure(sample) for sample in samples]
        values[name] = float(np.median(found))
        look.columns.append((name, numbers, found))


def _frame(values: Values, shot: Shot, samples: Sequence[Sample], borders: Borders, aspect: Fraction) -> None:
    for side in ("left", "right", "top", "bottom"):
        values[f"borders.{side}"] = float(getattr(borders, side))
    inner = borders.within(samples[0].luma).shape
    values["aspect"] = float(aspect) * inner[1] / max(inner[0], 1)
    values["frame_line"] = frame_line(samples, borders)


def _damaged(
    values: Values,
    lists: dict[str, tuple[float, ...]],
    shot: Shot,
    stains: Sequence[tuple[int, int]],
    copies: Sequence[int],
) -> None:
    spoilt = [int(n) - shot.first for name in ("frames.torn_at", "frames.ruined_at") for n in lists.get(name, ())]
    values.update(dirt_of(shot, spoilt, [n - shot.first for n in copies]))
    told, columns = scratches_of(shot)
    values.update(told)
    if columns:
        lists["scratches.x"] = columns

    hints = [(come - shot.first, gone - shot.first) for come, gone in stains]
    values.update(stains_of(shot, hints, spoilt))
