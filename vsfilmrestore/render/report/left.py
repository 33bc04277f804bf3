"""What was left, and why: a decision to leave something is documented like any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vsfilmrestore.filters import FILTERS
from vsfilmrestore.render.decide import Decision
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.verdicts import REJECT, Verdict

__all__ = ["LEFT", "Left", "in_order", "left_of_film", "left_of_shot"]

LEFT: Final = ": left"
"""What sentences of the assessment about something that was left end with."""
_DOUBT: Final = ", but "
"""What parts, in such a sentence, something that was found from why it was left."""


@dataclass(frozen=True, slots=True)
class Left:
    """Something that was left as it is.

    Attributes:
        what: What, in a few words.
        why: Why, or who said so; '' where nobody gave a reason.
        kind: ``shot``, ``step``, ``area``, ``repair``, ``assessed`` or ``told``.
    """

    what: str
    why: str
    kind: str

    @property
    def facts(self) -> dict[str, str]:
        return {"what": self.what, "why": self.why, "kind": self.kind}


def left_of_shot(decision: Decision, said: Sequence[str], rejected: Mapping[str, int]) -> list[Left]:
    """What was left in a shot.

    Args:
        decision: What is done to it.
        said: Sentences of the assessment about what needs nothing.
        rejected: Repairs that were taken back, by filter.
    """
    found = [*_untouched(decision), *_steps(decision), *_areas(decision)]
    found += [Left(f"{count} repairs by {name} taken back", "", "repair") for name, count in rejected.items() if count]
    found += [Left(sentence, "assessed", "assessed") for sentence in said]
    return list(dict.fromkeys(found))


def in_order(left: Mapping[str, str]) -> bool:
    """Whether something (as plain data) was looked at, and nothing was found that would have to be done."""
    return left["kind"] == "assessed" and left["what"].endswith(LEFT) and _DOUBT not in left["what"]


def _untouched(decision: Decision) -> Iterator[Left]:
    if decision.shot.source is None:
        yield Left("black: there is no picture", "", "shot")
        return
    bare = [part for part in decision.parts if not any(step.complete.get("strength", 1) for step in part.recipe)]
    for part in bare:
        whole = len(bare) == len(decision.parts)
        reason = "; ".join(dict.fromkeys(part.origins.values()))
        yield Left("the whole shot" if whole else f"{len(part.frames)} frames of it", reason, "shot")
        if whole:
            return


def _steps(decision: Decision) -> Iterator[Left]:
    """Steps that somebody took out, or gave no dose."""
    for part in decision.parts:
        present = {step.name: step for step in part.recipe}
        for key, origin in part.origins.items():
            name = key.partition(".")[0]
            if name in FILTERS and name not in present:
                yield Left(f"{name} taken out", origin, "step")
        for step in part.recipe:
            if step.complete.get("strength", 1) == 0:
                origin = part.origins.get(f"{step.name}.strength") or part.origins.get(step.name, "")
                yield Left(f"{step.name} at a dose of 0", origin, "step")


def _areas(decision: Decision) -> Iterator[Left]:
    for part in decision.parts:
        for step in part.recipe:
            for word, text in (("protect", "kept from"), ("only", "the only ones for")):
                areas = step.settings.get(word) or ()
                if areas:
                    origin = part.origins.get(f"{step.name}.{word}", "")
                    yield Left(f"{len(areas)} area{'s' if len(areas) > 1 else ''} {text} {step.name}", origin, "area")


def left_of_film(project: Project, decisions: Sequence[Decision], told: Sequence[str]) -> list[Left]:
    """What was left in the whole film: what people wrote, repairs taken back, and steps that no shot has."""
    found = [Left(sentence, "report.toml", "told") for sentence in told]
    found += [_verdict(row) for row in project.verdicts() if row.say == REJECT and row.blob is None]
    single = sum(row.say == REJECT and row.blob is not None for row in project.verdicts())
    if single:
        found.append(Left(f"{single} single repairs taken back", "repairs.toml", "repair"))
    used = {step.name for decision in decisions for part in decision.parts for step in part.recipe}
    unused = [name for name in sorted(FILTERS, key=lambda name: FILTERS[name].order) if name not in used]
    if unused:
        found.append(Left(f"Not done in any shot: {', '.join(unused)}", "no recipe asks for it", "step"))
    return found


def _verdict(row: Verdict) -> Left:
    frames = "" if row.frames is None else f", source frames {row.frames[0]}–{row.frames[1]}"
    area = "" if row.region is None else ", in an area"
    what = f"Repairs{f' by {row.kind}' if row.kind else ''}{f' in {row.source}' if row.source else ''}{frames}{area}"
    return Left(f"{what} taken back", row.note, "repair")
