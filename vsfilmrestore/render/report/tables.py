"""The report as CSV: ``shots.csv``, a row for each shot and step, and ``frames.csv``, a row for each output frame."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from vsfilmrestore.media.out.atomic import atomic_text
from vsfilmrestore.render.describe import source_text
from vsfilmrestore.render.report.columns import Column, Columns
from vsfilmrestore.render.report.comparison import COMPARED, value_of
from vsfilmrestore.timeline.model import CutList

__all__ = ["FRAMES", "STEPS", "write_frames", "write_shots"]

STEPS: Final = (
    "title",
    "reel",
    "element",
    "scan",
    "shot",
    "name",
    "record_in",
    "record_out",
    "frames",
    "source",
    "state",
    "diagnosis",
    "step",
    "decision",
    "reason",
    "tool",
    "networks",
    "network_sha256",
    "seed",
    "parameters",
    "repairs",
    "repairs_taken_back",
    "frames_changed",
    "pixels_changed_mean",
    "pixels_changed_most",
    "left",
    "digital_source_type",
    "seconds",
    "memory",
    "operator",
    "approval",
    *(f"{compared.key}_{side}" for compared in COMPARED for side in ("before", "after")),
)
"""Columns of ``shots.csv``: a row for each step of each shot, one for a shot without steps. The last tell what was
measured of the source and of the result, in the units of `comparison.COMPARED`."""

FRAMES: Final = ("frame", "timecode", "shot", "luma_before", "luma_after", "flicker_before", "flicker_after", "changed")
"""First columns of ``frames.csv``; then ``repairs_…`` and ``changed_…`` for each filter, seconds and memory; and
``measured_…_before`` and ``measured_…_after`` where the film was assessed."""

_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r")


def write_shots(path: Path, facts: Mapping[str, Any]) -> None:
    """Write the treatment of each shot.

    Raises:
        OutputError: It cannot be written.
    """
    _write(path, STEPS, (_plain(row) for shot in facts["shots"] for row in _rows(shot, facts)))


def _rows(shot: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    told = facts["treatment"]
    base = {
        **{name: told[name] for name in ("title", "reel", "element", "scan", "operator", "approval")},
        "shot": shot["id"],
        "name": shot["name"],
        "record_in": shot["record"]["in"],
        "record_out": shot["record"]["out"],
        "frames": shot["record"]["frames"],
        "source": source_text(shot),
        "state": shot["state"],
        "left": "; ".join(f"{left['what']} ({left['why']})" if left["why"] else left["what"] for left in shot["left"]),
        "digital_source_type": shot["digital_source_type"],
        "seconds": shot["seconds"],
        "memory": shot["memory"],
        **_measures(shot),
    }
    hashes = {network["name"]: network["sha256"] for network in facts["networks"]}
    steps = [step for part in shot["treatment"] for step in part["steps"]]
    for step in steps:
        yield base | _of_step(step, shot, hashes)
    if not steps:
        yield base


def _measures(shot: Mapping[str, Any]) -> dict[str, str]:
    sides = {"before": shot.get("measured"), "after": shot["measured_after"]}
    values = {f"{each.key}_{side}": value_of(said, each) for each in COMPARED for side, said in sides.items()}
    return {name: "" if value is None else f"{value:.4g}" for name, value in values.items()}


def _of_step(step: Mapping[str, Any], shot: Mapping[str, Any], hashes: Mapping[str, str]) -> dict[str, Any]:
    name = step["step"]
    changed, repairs = shot["changed"].get(name), (shot["repairs"] or {}).get(name)
    return {
        **{key: step[key] for key in ("diagnosis", "step", "decision", "reason", "tool", "seed")},
        "networks": " ".join(step["networks"]),
        "network_sha256": " ".join(hashes.get(network, "") for network in step["networks"]),
        "parameters": json.dumps(step["parameters"]),
        "repairs": repairs["made"] if repairs else "",
        "repairs_taken_back": repairs["rejected"] if repairs else "",
        "frames_changed": changed["frames"] if changed else "",
        "pixels_changed_mean": f"{changed['mean']:.6g}" if changed else "",
        "pixels_changed_most": f"{changed['most']:.6g}" if changed else "",
    }


def write_frames(
    path: Path,
    columns: Columns,
    cut: CutList,
    factor: int,
    shots: Sequence[str],
    measured: Mapping[str, Column] | None = None,
) -> None:
    """Write the numbers of every frame of the output.

    Args:
        path: File to write.
        columns: The numbers.
        cut: The cut, for timecodes.
        factor: Output frames for each record frame.
        shots: Id of the shot of each record frame.
        measured: Measures of all frames, by the name of their column.

    Raises:
        OutputError: It cannot be written.
    """
    names = [*(f"repairs_{name}" for name in columns.repairs), *(f"changed_{name}" for name in columns.changed)]
    before, after = columns.flicker
    told = [columns.before, columns.after, before, after, columns.share]
    told += [*columns.repairs.values(), *columns.changed.values(), columns.seconds, columns.memory]
    more = dict(measured or {})
    told += more.values()
    rows = (
        [n, cut.timecode(n // factor), shots[n // factor], *(_number(column[n]) for column in told)]
        for n in range(columns.length)
    )
    _write(path, (*FRAMES, *names, "seconds", "memory", *more), rows)


def _number(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""


def _plain(row: Mapping[str, Any]) -> list[Any]:
    return [_safe(row.get(name, "")) for name in STEPS]


def _safe(value: Any) -> Any:
    """Text of a cut list cannot become a formula in a spreadsheet."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_DANGEROUS) else "" if value is None else value


def _write(path: Path, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    atomic_text(path, text.getvalue())
