"""The jobs of the benchmark: which cases, which methods; what each gave, as records that are kept as JSON."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator import DISTRIBUTIONS, PROPS

from vsfilmrestore.filters import FILTERS

from .cases import Case, cases
from .footage import WIDTH
from .frames import TOLD, told_by_name, told_flow_in_mask
from .methods import CLASSICAL, INPUT, Method, oracles_for, other_methods, ours
from .scores import Tally, changes, detected, harmed, leaks, repaired
from .strands import strands_found
from .truth import Truth
from .wires import by_path, measured_frames

__all__ = ["BITS", "HARM", "JOBS", "Job", "Options", "Record", "read", "run", "run_bits", "run_harm", "write"]

type Said = Callable[[str], None]

STRENGTHS = (0.1, 0.25, 0.5, 0.75, 1.0)
LEVELS = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""What a filter without a mask changed by more than so much is what it found."""


@dataclass(frozen=True)
class Options:
    """What all jobs are given."""

    footage: Path
    clips: tuple[str, ...] = ()
    frames: int = 20
    seed: int = 1
    width: int = WIDTH
    strengths: tuple[float, ...] = STRENGTHS
    rounds: int = 3
    ageing: str = ""
    variants: tuple[Method, ...] = ()
    props: tuple[str, ...] = tuple(PROPS)


@dataclass(frozen=True)
class Job:
    """One kind of damage and those who repair it.

    Attributes:
        title: Heading of its tables.
        kind: A kind of cases.
        usual: Names of usual methods.
        filters: Names of our filters; one that is not there is left out.
        distribution: Of the simulator.
        ageing: See `cases.cases`.
        lost: Whole frames are lost: told methods instead of usual ones, and several cases of each clip.
        few: Paths are drawn, for some frames of each clip; only these count.
    """

    title: str
    kind: str
    usual: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    distribution: str = "bench"
    ageing: str = "film"
    lost: bool = False
    few: bool = False


_MEDIANS = ("Clense", "SpotLess", "SpotLess 8")
JOBS = {
    "specks": Job("Dirt, sparkle and hair", "specks", _MEDIANS, ("remove_dirt",)),
    "other": Job("The same with drawn shapes", "specks", _MEDIANS, ("remove_dirt",), "other"),
    "simple": Job("Specks of the other simulator", "simple", _MEDIANS, ("remove_dirt",), ageing="none"),
    "blotches": Job("Large pieces", "simple large", _MEDIANS, ("remove_dirt",), ageing="none"),
    "scratches": Job("Scratches", "scratch", ("DeScratch",), ("remove_scratches",)),
    "lines": Job("Lines of the other simulator", "simple lines", ("DeScratch",), ("remove_scratches",), ageing="none"),
    "wires": Job("Wires", "wire", ("SpotLess",), ("remove_wires",)),
    "paths": Job("Wires with a rough path", "wire", (), ("remove_wires",), few=True),
    "stains": Job("Stains and mould", "stain", ("SpotLess",), ("remove_stains",)),
    "dropouts": Job("Dropouts", "dropout", _MEDIANS, ("remove_dirt",)),
    "tears": Job("Tears", "tear", ("Clense", "SpotLess"), ("repair_frames",), lost=True, ageing="none"),
    "missing": Job("Missing frames", "missing", (), ("repair_frames",), lost=True, ageing="none"),
    "splices": Job("Splices that jump", "splice", (), ("repair_frames",), lost=True, ageing="none"),
}
"""Jobs that have damage, by name."""

HARM = ("remove_dirt", "remove_scratches", "remove_wires", "remove_stains", "repair_frames")
BITS = (8, 10, 16)


@dataclass(frozen=True)
class Record:
    """What a method gave on a clip.

    Attributes:
        job: Its name; ``harm`` and ``bits`` besides those of `JOBS`.
        kind: Of the case.
        clip: Name of the clip.
        share: Of its pixels that are damaged.
        method: Name of the method.
        group: Of the method.
        tally: Sums of `scores`.
        curve: The same of what was found, for other strengths or levels.
    """

    job: str
    kind: str
    clip: str
    share: float
    method: str
    group: str
    tally: Tally
    curve: list[tuple[float, Tally]] = field(default_factory=list)


def methods_of(job: Job, options: Options) -> list[Method]:
    """Who takes part: doing nothing, the usual ones, ours (with each choice of ``method``), who knows the damage."""
    found = [INPUT, *(CLASSICAL[name] for name in job.usual)]
    found += TOLD if job.lost and job.kind != "tear" else ()
    for name in job.filters:
        if name not in FILTERS:
            continue
        found.append(ours(name))
        found += other_methods(name)
        found += [each for each in options.variants if name in {step for step, _ in each.steps}]
    if job.few:
        found.append(by_path())
    if job.lost:
        found.append(told_by_name())
        return found + ([told_flow_in_mask] if job.kind == "tear" else [])
    return [*found, *oracles_for(job.kind)]


def _cases(job: Job, options: Options) -> Iterator[Case]:
    for number in range(options.rounds if job.lost else 1):
        yield from cases(
            options.footage, job.kind, options.clips, options.frames, options.seed + 1000 * number,
            DISTRIBUTIONS[job.distribution], options.width, ageing=options.ageing or job.ageing,
        )  # fmt: skip


def run(name: str, options: Options, said: Said) -> Iterator[Record]:
    """All methods of a job on all of its cases."""
    job = JOBS[name]
    methods = methods_of(job, options)
    for case in _cases(job, options):
        truth = Truth(case, measured_frames(case.clean.num_frames) if job.few else None)
        for method in methods:
            tally, curve = _measured(method, case, truth, () if job.lost or job.few else options.strengths)
            said(f"{name} {case.name} {method.name}")
            yield Record(name, case.kind, case.name, case.share, method.name, method.group, tally, curve)


def _measured(
    method: Method, case: Case, truth: Truth, strengths: Sequence[float]
) -> tuple[Tally, list[tuple[float, Tally]]]:
    planes, masks = method.result(case)
    tally = repaired(truth, planes)
    if method.group in ("input", "oracle"):
        return tally, []
    told = masks if masks is not None else changes(truth, planes)
    found = detected(truth, told)
    tally.update({key: value for key, value in found.items() if key != "pixels"})
    for n in truth.frames:
        tally.update(strands_found(truth, n, told[n]))
    if masks is None and strengths:
        return tally, [(level, detected(truth, changes(truth, planes, level))) for level in LEVELS]
    if not (method.sweeps and strengths):
        return tally, []
    own = {settings.get("strength", FILTERS[name].settings["strength"].default) for name, settings in method.steps}
    curve = [(float(strength), found) for strength in own if len(own) == 1]
    for strength in set(strengths) - own:
        curve.append((strength, detected(truth, method.at(strength).result(case)[1] or [])))
    return tally, sorted(curve, key=lambda point: point[0])


def run_harm(options: Options, said: Said) -> Iterator[Record]:
    """Clips without damage, as they are and with props: whatever is changed is harm."""
    filters = [ours(name) for name in HARM if name in FILTERS]
    methods = [*CLASSICAL.values(), *filters, *options.variants]
    for kind in ("clean", *(f"hard {name}" for name in options.props)):
        for case in cases(options.footage, kind, options.clips, options.frames, options.seed, width=options.width,
                          ageing=options.ageing or "film"):  # fmt: skip
            truth = Truth(case)
            for method in methods:
                tally = harmed(truth, method.result(case)[0])
                said(f"harm {kind} {case.name} {method.name}")
                yield Record("harm", kind, case.name, 0.0, method.name, method.group, tally)


def run_bits(options: Options, said: Said) -> Iterator[Record]:
    """At 8, 10 and 16 bits: samples that differ outside the masks a filter tells of. There must be none."""
    kinds = {name: job.kind for job in reversed(JOBS.values()) for name in job.filters if name in FILTERS}
    for name, kind in kinds.items():
        for bits in BITS:
            for case in cases(options.footage, kind, options.clips[:1] or ("bunny",), min(options.frames, 8),
                              options.seed, width=min(options.width, 480), bits=bits):  # fmt: skip
                truth = Truth(case)
                planes, masks = ours(name, strength=1.0).result(case)
                tally: Tally = Counter()
                tally["leaks"] = leaks(truth.damaged, planes, masks or [])
                tally["repaired"] = sum(int(mask.sum()) for mask in masks or [])
                tally["pixels"] = sum(planes[0][0].size for _ in planes)
                said(f"bits {bits} {name} {case.name}")
                yield Record("bits", str(bits), case.name, case.share, name, "ours", tally)


# --- kept -----------------------------------------------------------------------------------------------------------


def write(path: Path, records: Iterable[Record]) -> None:
    """Records as JSON; those of other jobs that the file holds already stay."""
    new = list(records)
    jobs = {record.job for record in new}
    kept = [record for record in (read(path) if path.exists() else []) if record.job not in jobs]
    rows = [json.dumps(_row(record), separators=(",", ":"), default=float) for record in kept + new]
    path.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")


def _row(record: Record) -> dict[str, Any]:
    return {**vars(record), "tally": dict(record.tally), "curve": [(at, dict(tally)) for at, tally in record.curve]}


def read(path: Path) -> list[Record]:
    """What `write` wrote."""

    def tally(values: dict[str, Any]) -> Tally:
        return Counter({key: value for key, value in values.items() if value})

    rows = json.loads(path.read_text(encoding="utf-8"))
    return [
        Record(**{**row, "tally": tally(row["tally"]), "curve": [(at, tally(t)) for at, t in row["curve"]]})
        for row in rows
    ]


def pooled(records: Iterable[Record]) -> Tally:
    """The sums of several records."""
    total: Tally = Counter()
    for record in records:
        total.update(record.tally)
    return total


def checksum(records: Iterable[Record]) -> str:
    """Eight characters that follow from all numbers: two runs with the same have the same results."""
    rows = sorted(json.dumps(_row(record), sort_keys=True, default=float) for record in records)
    return f"{zlib.crc32(''.join(rows).encode()):08x}"
