"""What was decided for a shot and why, step by step, with tool, network, hash, seed and every parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from vsfilmrestore.filters import find_filter
from vsfilmrestore.filters.networks import Known
from vsfilmrestore.recipes import Step
from vsfilmrestore.render.decide import Decision, Part
from vsfilmrestore.render.rows import RowKeys
from vsfilmrestore.timeline.model import CutList

__all__ = ["Proposals", "networks_used", "treatment_of"]

_ASSESSED: Final = "assessed: "


@dataclass(frozen=True, slots=True)
class Proposals:
    """What an assessment proposed for shots: rows of ``[shots]`` with a list ``assessed``, by index of the shot."""

    rows: Mapping[int, Sequence[str]]

    @classmethod
    def of(cls, cut: CutList, shots: Mapping[str, Any]) -> Proposals:
        keys = RowKeys(cut)
        found: dict[int, Sequence[str]] = {}
        for key, row in shots.items():
            said = row.get("assessed") if isinstance(row, Mapping) else None
            if isinstance(said, list):
                try:
                    indices = keys.find(key).shots
                except ValueError:
                    continue  # the plan tells that this is no key
                found.update({key_0: [text for text in said if isinstance(text, str)] for key_0 in indices})
        return cls(found)

    def reasons(self, index: int) -> dict[str, str]:
        """What was proposed for a shot and why, by step; of a preset under ''."""
        found: dict[str, str] = {}
        for text in self.rows.get(index, ()):
            word, colon, reason = text.partition(": ")
            if colon and " " not in word:
                spec = find_filter(word.partition("=")[0].partition(".")[0])
                name = spec.name if spec is not None else ""
                found[name] = f"{found[name]}; {reason}" if name in found else reason
        return found

    def sentences(self, index: int) -> list[str]:
        """What it says of a shot besides: what was left, and why."""
        return [text for text in self.rows.get(index, ()) if " " in text.partition(": ")[0] or ": " not in text]


def treatment_of(decision: Decision, reasons: Mapping[str, str], known: Known) -> list[dict[str, Any]]:
    """The treatment of a shot in plain data: one object for each stretch with one recipe.

    Args:
        decision: What is decided.
        reasons: What an assessment found, by step.
        known: Tells networks.
    """
    return [
        {
            "first": part.frames.start,
            "frames": len(part.frames),
            "steps": [_step(step, part, reasons, known) for step in part.recipe],
        }
        for part in decision.parts
    ]


def _step(step: Step, part: Part, reasons: Mapping[str, str], known: Known) -> dict[str, Any]:
    complete = step.complete
    within = f"{step.name}."
    origins = [text for key, text in part.origins.items() if key == step.name or key.startswith(within)]
    told = list(dict.fromkeys(reversed(origins)))
    found = [text.removeprefix(_ASSESSED) for text in told if text.startswith(_ASSESSED)]
    diagnosis = "; ".join(dict.fromkeys(found)) or reasons.get(step.name, "")
    return {
        "step": step.name,
        "tool": f"vsfilmrestore {own_version()}, {step.name}",
        "diagnosis": diagnosis,
        "decision": " ".join(f"{key}={value}" for key, value in step.settings.items()) or "as preset",
        "reason": ", ".join("as the assessment proposed" if text.startswith(_ASSESSED) else text for text in told),
        "parameters": complete,
        "seed": complete.get("seed"),
        "networks": [network.name for network in known.of(step.filter, complete)],
    }


def networks_used(decisions: Sequence[Decision], known: Known) -> list[dict[str, Any]]:
    """Networks of a film in plain data, each once, with the steps that run it and how many shots they are in."""
    found: dict[str, dict[str, Any]] = {}
    for decision in decisions:
        here: set[str] = set()
        for part in decision.parts:
            for step in part.recipe:
                for network in (each.facts for each in known.of(step.filter, step.complete)):
                    key = network["sha256"] or network["name"]
                    entry = found.setdefault(key, {**network, "steps": [], "shots": 0})
                    entry["steps"] += [step.name] if step.name not in entry["steps"] else []
                    here.add(key)
        for key in here:
            found[key]["shots"] += 1
    return list(found.values())


@cache
def own_version() -> str:
    """Version of this program."""
    try:
        return version("vsfilmrestore")
    except PackageNotFoundError:
        return "of no version"
