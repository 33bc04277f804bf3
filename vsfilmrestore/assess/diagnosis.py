"""What a shot needs, by what was measured of it: steps with doses, each with a sentence, and what is left with another.

::

    table = Table.standard()
    found = diagnose(assessment.shots[0], table, table.aim("archive"))
    found.steps["remove_dirt"].strength, found.steps["remove_dirt"].reason      0.45, "6.2 pieces of dirt a frame"
    found.left[0].sentence                                          "grain of 1.1 levels is fine: left"
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, Final, Literal

from vsfilmrestore.assess.diagnosis_table import Aim, Kind, Rule, Table
from vsfilmrestore.assess.diagnosis_words import all_hold
from vsfilmrestore.assess.results import ShotMeasures
from vsfilmrestore.filters import FILTERS

__all__ = ["Diagnosis", "Left", "Proposed", "diagnose"]

type Grade = Literal["good", "medium", "poor"]

_STEP: Final = 0.05
"""Doses are told in twentieths; nobody sees less."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """A step that is proposed.

    Attributes:
        step: The filter's name.
        strength: Its dose, 0..1; None for a step that is either in or out.
        settings: Further settings.
        confidence: How sure it is, 0..1.
        reason: Why, with what was measured.
        doubt: That the dose is smaller for want of confidence, '' where it is not.
        rules: Names of the rules that called for it.
        because_of: Why each of the further settings, where that is another reason.
    """

    step: str
    strength: float | None
    settings: Mapping[str, Any]
    confidence: float
    reason: str
    doubt: str = ""
    rules: tuple[str, ...] = ()
    because_of: Mapping[str, str] = field(default_factory=dict)

    @property
    def because(self) -> str:
        """The reason, and the doubt if there is any."""
        return f"{self.reason}; {self.doubt}" if self.doubt else self.reason

    @property
    def sentence(self) -> str:
        """``vertical scratch at x=812 through 94 % of the shot: remove_scratches 0.8``."""
        dose = "" if self.strength is None else f" {self.strength:g}"
        return f"{self.reason}: {self.step}{dose}" + (f" ({self.doubt})" if self.doubt else "")


@dataclass(frozen=True, slots=True)
class Left:
    """A step that is not proposed.

    Attributes:
        step: The filter's name; '' for all of them.
        reason: Why not.
        found: Whether something was found that would call for it.
    """

    step: str
    reason: str
    found: bool = False

    @property
    def sentence(self) -> str:
        return f"{self.reason}: left"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a shot needs.

    Attributes:
        aim: What the film is wanted for.
        grade: How worn it is.
        kinds: Kinds of film it is taken for, with how that was known.
        steps: What is proposed, in the order it is done.
        left: What is not, and why.
        remarks: What hindered the measuring.
    """

    aim: str
    grade: Grade
    kinds: Mapping[str, str] = field(default_factory=dict)
    steps: Mapping[str, Proposed] = field(default_factory=dict)
    left: tuple[Left, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def sentences(self) -> list[str]:
        """What is proposed, then what is left."""
        return [each.sentence for each in self.steps.values()] + [each.sentence for each in self.left]

    def with_settings(self, step: str, settings: Mapping[str, Any]) -> Diagnosis:
        """The same with settings laid over those of a step that is proposed."""
        known = self.steps[step]
        changed = replace(known, settings={**known.settings, **settings})
        return replace(self, steps={**self.steps, step: changed})

    def without(self, step: str, reason: str) -> Diagnosis:
        """The same with a step left that was proposed."""
        steps = {name: each for name, each in self.steps.items() if name != step}
        return replace(self, steps=steps, left=(Left(step, reason, True), *self.left))

    def facts(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return {
            "aim": self.aim,
            "grade": self.grade,
            "kinds": dict(self.kinds),
            "steps": [
                {"step": each.step, "strength": each.strength, "settings": dict(each.settings)}
                | {"confidence": round(each.confidence, 3), "reason": each.reason, "doubt": each.doubt}
                | {"rules": list(each.rules)}
                for each in self.steps.values()
            ],
            "left": [{"step": each.step, "reason": each.reason, "found": each.found} for each in self.left],
            "remarks": list(self.remarks),
        }


@dataclass(frozen=True, slots=True)
class _Call:
    """A rule that calls for its step."""

    rule: Rule
    strength: float
    confidence: float
    reason: str


def diagnose(shot: ShotMeasures, table: Table, aim: Aim) -> Diagnosis:
    """What a shot needs.

    Args:
        shot: What was measured of it.
        table: The rules.
        aim: What the film is wanted for, of that table.
    """
    for exempt in table.leave:
        if all_hold(exempt.when, shot):
            return Diagnosis(aim.name, "good", left=(Left("", exempt.reason.of(shot), True),), remarks=shot.remarks)
    calls, exempted = _calls(table.rules, shot)
    kinds = [kind for kind in table.kinds if all_hold(kind.when, shot)]
    judged = _Judge(table, aim, kinds, shot)
    steps: dict[str, Proposed] = {}
    left: list[Left] = []
    for step in sorted(calls, key=lambda name: FILTERS[name].order):
        if _alone(calls[step], steps):
            continue  # nothing to say of grain given back where none is taken out
        found = judged.step(step, calls[step])
        if isinstance(found, Proposed):
            steps[step] = found
        else:
            left.append(found)
    left += [each for each in exempted if each.step not in steps]
    left += _fine(table, shot, {*calls, *(each.step for each in exempted)})
    told = {kind.name: kind.reason.of(shot) for kind in reversed(kinds)}
    return Diagnosis(aim.name, _grade(table, calls), dict(reversed(told.items())), steps, tuple(left), shot.remarks)


def _calls(rules: Sequence[Rule], shot: ShotMeasures) -> tuple[dict[str, list[_Call]], list[Left]]:
    """Rules that hold, by step, and those an exception speaks against."""
    calls: dict[str, list[_Call]] = {}
    exempted = []
    for rule in rules:
        if not all_hold(rule.when, shot):
            continue
        reason = rule.reason.of(shot)
        against = next((each for each in rule.unless if all_hold(each.when, shot)), None)
        if against is not None:
            exempted.append(Left(rule.step, f"{reason}, but {against.reason.of(shot)}", True))
            continue
        strength = 1.0 if rule.strength is None else rule.strength.at(shot, 0.0)
        calls.setdefault(rule.step, []).append(_Call(rule, strength, rule.confidence.at(shot, 1.0), reason))
    return calls, exempted


def _alone(calls: Sequence[_Call], steps: Mapping[str, Proposed]) -> bool:
    return all(call.rule.together and call.rule.together not in steps for call in calls)


def _grade(table: Table, calls: Mapping[str, Sequence[_Call]]) -> Grade:
    """Steps that are either in or out, and those a person must ask for, say nothing of wear."""
    worn = sum(
        max(call.strength * call.confidence for call in found if call.rule.strength is not None)
        for step, found in calls.items()
        if step not in table.ask and any(call.rule.strength is not None for call in found)
    )
    medium, poor = table.grades
    return "poor" if worn >= poor else "medium" if worn >= medium else "good"


def _fine(table: Table, shot: ShotMeasures, called: set[str]) -> Iterator[Left]:
    for step, sentence in table.fine.items():
        if step not in called and sentence.known(shot):
            yield Left(step, sentence.of(shot))


@dataclass(frozen=True, slots=True)
class _Judge:
    """Settles what rules call for, with the aim, the kinds of film and the confidence."""

    table: Table
    aim: Aim
    kinds: Sequence[Kind]
    shot: ShotMeasures

    def step(self, step: str, calls: Sequence[_Call]) -> Proposed | Left:
        reason = "; ".join(dict.fromkeys(call.reason for call in calls))
        if step in self.table.ask:
            return Left(step, f"{reason}, but {step} invents and wants a yes", True)
        if step not in self.aim.steps:
            return Left(step, f"{reason}, but {step} is no part of the aim {self.aim.name}", True)
        for kind in self.kinds:
            if kind.dose.get(step) == 0:
                return Left(step, f"{reason}, but this is {kind.reason.of(self.shot)}", True)
        best = max(calls, key=lambda call: (call.strength * self._trust(call), call.confidence))
        if best.confidence < self.table.least:
            return Left(step, f"{reason}, but that is too unsure ({best.confidence:.2f})", True)
        return self._dosed(step, calls, best, reason)

    def _dosed(self, step: str, calls: Sequence[_Call], best: _Call, reason: str) -> Proposed | Left:
        names = tuple(call.rule.name for call in calls)
        settings: dict[str, Any] = {}
        for call in calls:
            settings |= call.rule.settings
        because = dict.fromkeys(settings, reason)
        for kind in self.kinds:
            laid = kind.settings.get(step, {})
            settings |= laid
            because |= dict.fromkeys(laid, kind.reason.of(self.shot))
        if not _has_dose(step):
            return Proposed(step, None, settings, best.confidence, reason, "", names, because)
        full = self._full(step, best.strength)
        dose = _rounded(full * self._trust(best))
        if dose <= 0:
            return Left(step, f"{reason}, but the dose would be nought", True)
        doubt = ""
        if dose < _rounded(full):
            doubt = f"unsure, {best.confidence:.2f}: {dose:g} for {_rounded(full):g}"
        return Proposed(step, dose, settings, best.confidence, reason, doubt, names, because)

    def _full(self, step: str, strength: float) -> float:
        factor = prod(kind.dose.get(step, 1.0) for kind in self.kinds)
        return min(strength * self.aim.dose * factor, self.aim.most.get(step, 1.0), 1.0)

    def _trust(self, call: _Call) -> float:
        return min(1.0, call.confidence / self.table.sure) if self.table.sure > 0 else 1.0


def _has_dose(step: str) -> bool:
    return next(iter(FILTERS[step].settings.values())).kind == "float"


def _rounded(dose: float) -> float:
    return round(round(dose / _STEP) * _STEP, 2)
