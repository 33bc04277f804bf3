"""The report in plain data: ``report.json``. What each key means is written in ``docs/report.md``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from statistics import fmean
from typing import Any, Final

import numpy as np

from vsfilmrestore.filters.networks import Known
from vsfilmrestore.media.timecode import rate_text
from vsfilmrestore.recipes import Step
from vsfilmrestore.render.decide import Decision
from vsfilmrestore.render.describe import plan_facts
from vsfilmrestore.render.ledger import Done
from vsfilmrestore.render.networks import weights_used
from vsfilmrestore.render.pieces import versions
from vsfilmrestore.render.plan import Plan
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.report import declaration
from vsfilmrestore.render.report.assessed import Assessed, assessed
from vsfilmrestore.render.report.columns import Column, Columns, gathered
from vsfilmrestore.render.report.comparison import Pair, pairs_of_film, pairs_of_shot
from vsfilmrestore.render.report.latest import Latest, Made
from vsfilmrestore.render.report.left import left_of_film, left_of_shot
from vsfilmrestore.render.report.outcome import Outcome, outcome_of
from vsfilmrestore.render.report.told import Told
from vsfilmrestore.render.report.treatment import Proposals, networks_used, own_version, treatment_of

__all__ = ["FORMAT", "Content", "content_of", "treated_shots"]

FORMAT: Final = "vsfilmrestore-report"


@dataclass(frozen=True, slots=True)
class Content:
    """What a report is made of.

    Attributes:
        facts: All of it but the numbers of single frames, as JSON.
        columns: Numbers of single frames; None where nothing is rendered.
        measured: What was measured of the film; None where nobody assessed it.
        outcome: What was measured of the result; None where nothing is rendered, or nobody assessed the film.
        plan: What is decided.
        latest: The latest render.
    """

    facts: dict[str, Any]
    columns: Columns | None
    measured: Assessed | None
    plan: Plan
    latest: Latest | None = None
    told: Told = field(default_factory=Told)
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked about every shot: what was proposed, what was scanned, and which networks are run."""

    proposals: Proposals
    element: str
    networks: Known


def content_of(
    project: Project,
    plan: Plan,
    latest: Latest | None,
    repairs: Mapping[str, Mapping[str, Any]],
    *,
    remarks: Sequence[str] = (),
    changed: frozenset[int] = frozenset(),
) -> Content:
    """Gather what a report tells.

    Args:
        project: The project.
        plan: What is shown and done.
        latest: The latest render; None where there was none.
        repairs: Repairs by id of the shot and kind.
        remarks: What an editor should know of the reel, a sentence each.
        changed: Shots, by index, that are decided otherwise than they were rendered.
    """
    told = Told.read(project.folder)
    measured, hindered = assessed(project.folder, len(plan.cut))
    columns = None if latest is None else gathered(latest)
    facts = plan_facts(plan, None, repairs) | {"format": FORMAT, "remarks": [*remarks, *hindered]}
    facts |= {"treatment": told.facts, "made_with": own_version(), "written": _now(), "rate": rate_text(plan.cut.rate)}
    asked = _Asked(Proposals.of(plan.cut, project.settings.shots), told.element, Known())
    for index, shot in enumerate(facts["shots"]):
        pieces = [] if latest is None else latest.of_shot(index, plan.cut.shots[index].id)
        shot |= _of_shot(shot, plan, index, pieces, columns, asked)
        shot["state"] = _state(pieces, index in changed)
        if measured is not None:
            start = shot["record"]["start"]
            shot["measured"] = measured.of_shot(start, start + shot["record"]["frames"])
    treated = treated_shots(plan)
    outcome = None
    if latest is not None and measured is not None:
        outcome = outcome_of(project, latest, plan.cut, measured.found, treated)
    _compare(facts, outcome, treated)
    facts |= _of_render(project, latest)
    facts["remarks"] += _other_networks(plan, latest)
    facts["networks"] = networks_used(plan.decisions, asked.networks)
    facts["left"] = [each.facts for each in left_of_film(project, plan.decisions, told.left)]
    facts["digital_source_type"] = _of_film(facts["shots"], told.element)
    facts["totals"] = _totals(facts, columns)
    return Content(facts, columns, measured, plan, latest, told, outcome)


def treated_shots(plan: Plan) -> list[int]:
    """Shots, by index, that something is done to."""
    return [index for index, decision in enumerate(plan.decisions) if _active(decision)]


def _active(decision: Decision) -> list[Step]:
    """Steps that do something to a shot, each once."""
    steps = {step.name: step for part in decision.parts for step in part.recipe if step.complete.get("strength", 1)}
    return [] if decision.shot.source is None else list(steps.values())


def _compare(facts: dict[str, Any], outcome: Outcome | None, treated: Sequence[int]) -> None:
    """What is worth telling of each shot and of the film, before and after."""
    rows, done = [], set()
    for index, shot in enumerate(facts["shots"]):
        before = shot.get("measured")
        after = None if outcome is None or index not in outcome.shots else dict(outcome.shots[index].values)
        steps = {step["step"] for part in shot["treatment"] for step in part["steps"]}
        shot["measured_after"] = after
        shot["compared"] = _compared(pairs_of_shot(before, after, steps))
        if index in treated:
            rows.append((shot["record"]["frames"], before, after))
            done |= steps
    if not rows and facts["shots"]:
        rows = [(shot["record"]["frames"], shot.get("measured"), None) for shot in facts["shots"]]
    facts["compared"] = _compared(pairs_of_film(rows, done))
    facts["compared_shots"] = {
        "treated": len(treated),
        "measured": sum(1 for _, before, after in rows if before and after),
    }


def _compared(pairs: Sequence[Pair]) -> dict[str, dict[str, float | None]]:
    return {pair.of.key: {"before": _digits(pair.before), "after": _digits(pair.after)} for pair in pairs}


def _digits(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _other_networks(plan: Plan, latest: Latest | None) -> list[str]:
    """A sentence where the latest render was made with other networks than there are now."""
    then = None if latest is None else latest.facts.get("weights")
    if then is None or then == weights_used(plan.decisions):
        return []
    told = "; ".join(f"{step}: {', '.join(words)}" for step, words in then.items()) or "none"
    return [f"the latest render was made with other weights than this report tells of: {told}"]


def _of_render(project: Project, latest: Latest | None) -> dict[str, Any]:
    """Facts of the latest render, at the places where they stood in reports of earlier versions, too."""
    if latest is None:
        return {
            "output": None,
            "rendered": None,
            "seconds": 0.0,
            "frames_reused": 0,
            "versions": json.loads(versions()),
        }
    said = latest.facts
    size, path = said.get("size"), latest.output(project)
    rate = said.get("rate_text") or (rate_text(Fraction(said["rate"])) if "rate" in said else "")
    output = {
        "path": path.name if path is not None else "",
        "format": said.get("profile", ""),
        "size": f"{size[0]}x{size[1]}" if size else "",
        "rate": rate,
        "frames": latest.frames,
    }
    return {
        "output": output,
        "rendered": {
            "finished": said.get("finished", ""),
            "left": latest.left,
            "factor": latest.factor,
            "weights": said.get("weights"),
        },
        "seconds": said.get("seconds", 0.0),
        "frames_reused": said.get("reused", 0),
        "versions": said.get("versions") or json.loads(versions()),
    }


def _of_shot(
    shot: Mapping[str, Any],
    plan: Plan,
    index: int,
    pieces: Sequence[Made],
    columns: Columns | None,
    asked: _Asked,
) -> dict[str, Any]:
    decision = plan.decisions[index]
    done = [made.done for made in pieces if made.done is not None]
    rejected = {name: count["rejected"] for name, count in (shot["repairs"] or {}).items()}
    changed = _changed(done)
    active = _active(decision)
    painters = [
        step.name for step in active if any(network.paints for network in asked.networks.of(step.filter, step.complete))
    ]
    made = any(name not in changed or changed[name]["frames"] for name in painters)
    touched = any(step.name not in changed or changed[step.name]["frames"] for step in active)
    return {
        "treatment": treatment_of(decision, asked.proposals.reasons(index), asked.networks),
        "changed": changed,
        "repairs_by_frame": _by_frame(done),
        "seconds": round(sum(each.seconds for each in done), 3),
        "memory": max((each.memory for each in done), default=0),
        "whole_picture": [step.name for step in active if step.name not in changed] if done else [],
        "networks": list(
            dict.fromkeys(network.name for step in active for network in asked.networks.of(step.filter, step.complete))
        ),
        "digital_source_type": declaration.declared(painted=made, changed=touched, element=asked.element),
        "left": [each.facts for each in left_of_shot(decision, asked.proposals.sentences(index), rejected)],
        **_levels(pieces, columns),
    }


def _levels(pieces: Sequence[Made], columns: Columns | None) -> dict[str, Any]:
    """Luma, flicker and modified frames of a shot."""
    if columns is None or not pieces:
        return {"luma": None, "flicker": None, "modified": None}
    here = slice(pieces[0].piece.first, pieces[-1].piece.stop)
    trembles = columns.flicker
    share = columns.share[here]
    modified = np.flatnonzero(share > 0)
    return {
        "luma": {"before": _mean(columns.before[here]), "after": _mean(columns.after[here])},
        "flicker": {"before": _rms(trembles[0][here]), "after": _rms(trembles[1][here])},
        "modified": {
            "frames": len(modified),
            "of": len(share),
            "mean_share": float(f"{share.mean():.4g}") if len(share) else 0.0,
            "ranges": [list(pair) for pair in _ranges(modified.tolist())],
        },
    }


def _mean(column: Column) -> float | None:
    known = column[np.isfinite(column)]
    return round(float(known.mean()), 3) if len(known) else None


def _rms(column: Column) -> float | None:
    known = column[np.isfinite(column)]
    return round(float(np.sqrt((known**2).mean())), 4) if len(known) else None


def _ranges(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of numbers that follow one another."""
    first = last = None
    for number in numbers:
        if last is not None and number == last + 1:
            last = number
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = number
    if first is not None and last is not None:
        yield first, last


def _state(pieces: Sequence[Made], changed: bool) -> str:
    made = sum(each.done is not None for each in pieces)
    if not made:
        return "not rendered"
    if changed:
        return "changed since the render"
    return "rendered" if made == len(pieces) else "partly rendered"


def _changed(pieces: Sequence[Done]) -> dict[str, dict[str, float | int]]:
    """Mean and largest share of pixels changed, and frames changed at all, by filter."""
    shares: dict[str, list[float]] = {}
    for piece in pieces:
        for name, values in (piece.changed or {}).items():
            shares.setdefault(name, []).extend(values)
    return {
        name: {"mean": fmean(values), "most": max(values), "frames": sum(value > 0 for value in values)}
        for name, values in shares.items()
    }


def _by_frame(pieces: Sequence[Done]) -> dict[str, list[int]]:
    """Repairs in each output frame of a shot, by filter."""
    kinds = dict.fromkeys(kind for piece in pieces for kind in piece.repairs or {})
    found: dict[str, list[int]] = {kind: [] for kind in kinds}
    for piece in pieces:
        for kind, counts in found.items():
            made = [frame[0] for frame in (piece.repairs or {}).get(kind, ())]
            counts += made + [0] * (piece.stop - piece.first - len(made))
    return found


def _of_film(shots: Sequence[Mapping[str, Any]], element: str) -> dict[str, Any]:
    """The declaration of the whole film, and how many shots each term is true of."""
    terms = [shot["digital_source_type"] for shot in shots]
    term = declaration.declared(
        painted=declaration.COMPOSITE in terms, changed=declaration.ENHANCED in terms, element=element
    )
    return {
        "term": term,
        "uri": declaration.BASE + term if term else "",
        "sentence": declaration.sentence(term),
        "shots": {word: terms.count(word) for word in dict.fromkeys(terms) if word},
    }


def _totals(facts: Mapping[str, Any], columns: Columns | None) -> dict[str, Any]:
    shots = facts["shots"]
    kinds: dict[str, dict[str, int]] = {}
    for shot in shots:
        for name, count in (shot["repairs"] or {}).items():
            total = kinds.setdefault(name, {"frames": 0, "made": 0, "rejected": 0})
            for word in total:
                total[word] += count[word]
    share = columns.share if columns is not None else np.zeros(0)
    trembles = columns.flicker if columns is not None else (np.zeros(0), np.zeros(0))
    return {
        "shots": len(shots),
        "treated": sum(any(part["steps"] for part in shot["treatment"]) and bool(shot["source"]) for shot in shots),
        "repairs": kinds,
        "modified_frames": int((share > 0).sum()),
        "mean_share": float(f"{share.mean():.4g}") if len(share) else 0.0,
        "flicker": {"before": _rms(trembles[0]), "after": _rms(trembles[1])},
        "memory": max((shot["memory"] for shot in shots), default=0),
    }
