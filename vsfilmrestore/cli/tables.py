"""Tables of shots, plans, links and frames, as text, JSON or CSV."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import Any, TextIO

from vsfilmrestore.cli.show import say, show_table
from vsfilmrestore.errors import OutputError
from vsfilmrestore.media.timecode import rate_text
from vsfilmrestore.render.conform import rates_text
from vsfilmrestore.render.describe import plan_facts, source_text
from vsfilmrestore.render.frames import COLUMNS, flat, frame_facts
from vsfilmrestore.render.plan import Plan
from vsfilmrestore.render.verdicts import word_of

__all__ = ["print_frames", "print_json", "print_plan", "print_shots", "write_frames"]


def print_shots(plan: Plan, *, as_json: bool) -> None:
    """Every shot with its frames and timecode."""
    cut, facts = plan.cut, plan_facts(plan)
    shots = [
        {"id": s["id"], "name": s["name"], "first": s["record"]["start"], "frames": s["record"]["frames"]}
        | {"timecode": s["record"]["in"]}
        for s in facts["shots"]
    ]
    if as_json:
        keep = ("name", "file", "rate", "frames", "timecode")
        print_json({key: facts[key] for key in keep} | {"remarks": plan.remarks, "shots": shots})
        return
    rows = [[s["name"] or s["id"], str(s["first"]), str(s["frames"]), s["timecode"]] for s in shots]
    show_table(_title(plan, cut.name), ["shot", "first", "frames", "timecode"], rows)


def print_plan(
    plan: Plan,
    *,
    as_json: bool,
    thumbnails: Sequence[Path | None] | None = None,
    repairs: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Every shot with its source, settings and their origins; then the media, and what is missing or disagrees."""
    facts = plan_facts(plan, thumbnails, repairs)
    if as_json:
        print_json(facts)
        return
    for remark in plan.remarks:
        say(f"note: {remark}")
    columns = ["shot", "record", "frames", "source", "settings", "from", "thumbnail", "repairs"]
    rows = [[*row, "" if n else _repaired(shot)] for shot in facts["shots"] for n, row in enumerate(_rows(shot))]
    absent = [name for name, given in (("thumbnail", thumbnails), ("repairs", repairs)) if given is None]
    shown = [n for n, name in enumerate(columns) if name not in absent]
    show_table(_title(plan, plan.cut.name), [columns[n] for n in shown], [[row[n] for n in shown] for row in rows])
    for warning in plan.warnings:
        say(f"warning: {warning}")
    for shot in facts["shots"]:
        for warning in shot["warnings"]:
            say(f"warning: shot {shot['name'] or shot['id']}: {warning}")
    _print_media(plan)
    _print_missing(facts)


def _rows(shot: dict[str, Any]) -> Iterator[list[str]]:
    """A row for the shot as a whole, then one for each key, then one for each range that is an exception to both."""
    name, record, parts = shot["name"] or shot["id"], shot["record"], shot["parts"]
    ranges = [list(run) for ranged, run in groupby(parts, lambda part: bool(part["ranged"])) if ranged]
    steps = shot["whole"] if shot["keys"] or ranges else parts[0]["steps"]
    words = _steps(steps, shot["origin"] if steps is shot["whole"] else parts[0]["origin"])
    yield [name, record["in"], str(record["frames"]), source_text(shot), *words, shot["thumbnail"] or ""]
    for key in shot["keys"]:
        yield ["  key", key["timecode"], "", "", key["words"], key["origin"], ""]
    for run in ranges:
        for same in _alike(run):
            frames = sum(part["frames"] for part in same)
            yield [
                "  range",
                same[0]["in"],
                str(frames),
                "",
                *_steps(same[0]["steps"], same[0]["origin"], moving=len(same) > 1),
                "",
            ]


def _repaired(shot: dict[str, Any]) -> str:
    """Repairs of the latest render, a line for each kind."""
    if shot["repairs"] is None:
        return "not rendered"
    found = shot["repairs"].items()
    return "\n".join(
        f"{word_of(kind)} {count['made']}" + (f", {count['rejected']} taken back" if count["rejected"] else "")
        for kind, count in found
    )


def _steps(steps: list[dict[str, Any]], origin: str, *, moving: bool = False) -> tuple[str, str]:
    """Steps and where they came from, a line each; without steps where it was said that nothing is done."""
    words = "\n".join(f"{step['name']} {step['words']}".strip() for step in steps) or "untouched"
    return f"{words} …" if moving else words, "\n".join(step["origin"] for step in steps) or origin


def _alike(run: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Parts with the same steps from the same places; only values that keys move tell them apart."""
    for _, same in groupby(run, lambda part: [(step["name"], step["origin"]) for step in part["steps"]]):
        yield list(same)


def _print_media(plan: Plan) -> None:
    verdicts = plan.conform.verdicts
    if not verdicts:
        return
    rows = []
    for each in verdicts:
        facts = each.facts
        held = f"{facts.length}" if facts else ""
        used = f"{each.span[0]}-{each.span[1]} of {held}" if each.span else held
        timecode = facts.timecode(0) if facts else ""
        rates = rates_text(each, plan.cut)
        found = "\n".join(dict.fromkeys(finding.text for finding in each.findings))
        rows.append(
            [str(each.path), ", ".join(each.how), str(each.shots), used, timecode, rates, each.hashed, each.word, found]
        )
    columns = ["medium", "linked by", "shots", "frames", "timecode", "rate", "hash", "verdict", "why"]
    if not any(each.hashed for each in verdicts):
        columns.remove("hash")
        rows = [row[:6] + row[7:] for row in rows]
    show_table("1 medium" if len(verdicts) == 1 else f"{len(verdicts)} media", columns, rows)


def _print_missing(facts: dict[str, Any]) -> None:
    missing = facts["missing"]
    if not missing:
        return
    rows = [
        [entry["label"], entry["problem"], str(len(entry["shots"])), ", ".join(entry["shots"])] for entry in missing
    ]
    title = "1 medium is missing" if len(missing) == 1 else f"{len(missing)} media are missing"
    show_table(title, ["source", "why", "shots", "ids"], rows)
    for hint in dict.fromkeys(entry["hint"] for entry in missing):
        say(f"{hint}.")


def print_frames(plan: Plan, *, as_json: bool) -> None:
    """Every record frame with its source frame: a table, or a JSON object per line."""
    if as_json:
        for facts in frame_facts(plan):
            sys.stdout.write(json.dumps(facts, ensure_ascii=False) + "\n")
        return
    say(_title(plan, plan.cut.name))
    fading = any(shot.transition for shot in plan.cut.shots)
    columns = COLUMNS if fading else COLUMNS[: COLUMNS.index("from_weight")]
    widths = [len(column) for column in columns]
    for row in _frame_rows(plan, len(columns)):  # twice, as a reel may have more frames than one wants to keep as text
        widths = [max(width, len(cell)) for width, cell in zip(widths, row, strict=True)]
    for row in chain([columns], _frame_rows(plan, len(columns))):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")


def _frame_rows(plan: Plan, columns: int) -> Iterator[Sequence[str]]:
    """Rows for people: files without their folders."""
    for facts in frame_facts(plan):
        for side in (facts, facts["from"] or {}):
            if side.get("file"):
                side["file"] = Path(side["file"]).name
        yield flat(facts)[:columns]


def write_frames(plan: Plan, path: Path) -> None:
    """Every record frame with its source frame as CSV; ``-`` is standard output.

    Raises:
        OutputError: It cannot be written.
    """
    if str(path) == "-":
        _csv(plan, sys.stdout)
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            _csv(plan, file)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", file=path) from None


def _csv(plan: Plan, file: TextIO) -> None:
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerows(flat(facts) for facts in frame_facts(plan))


def _title(plan: Plan, name: str) -> str:
    rate = rate_text(plan.cut.rate) + ("" if plan.cut.rate_known else " (a guess, give it with --rate)")
    return f"{name}: {len(plan.cut.shots)} shots, {len(plan.cut)} frames at {rate} fps"


def print_json(facts: dict[str, Any]) -> None:
    """One key a line, of lists one item a line: quick to write, and two plans can be compared line by line."""
    parts = []
    for key, value in facts.items():
        items = [json.dumps(item, ensure_ascii=False) for item in value] if isinstance(value, list) else []
        text = "[\n  " + ",\n  ".join(items) + "\n ]" if items else json.dumps(value, ensure_ascii=False)
        parts.append(f" {json.dumps(key)}: {text}")
    sys.stdout.write("{\n" + ",\n".join(parts) + "\n}\n")
