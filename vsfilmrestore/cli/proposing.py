"""What is proposed, told to people and programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Final

from vsfilmrestore.cli.show import console, say, show_table
from vsfilmrestore.render.proposal import ShotProposal
from vsfilmrestore.render.proposing import Proposing, Wish

__all__ = ["assess_watcher", "say_proposal", "say_wish"]

_SHOWN: Final = 12
"""Shots told one by one."""


def assess_watcher() -> Callable[[str, int, int], None] | None:
    """Draws how far the assessment is, on a terminal; nothing elsewhere."""
    if not console.is_terminal:
        return None

    def watch(what: str, done: int, total: int) -> None:
        if done % 25 == 0 or done == total:
            console.print(f"{what}: {done}/{total}", end="\n" if done == total else "\r", markup=False)

    return watch


def say_wish(wanted: Wish) -> None:
    """Which aim was taken and why; or why the film is not assessed."""
    if wanted.aim:
        say(f"aim      {wanted.aim}" + (f": {wanted.why}; --aim chooses another" if wanted.why else ""))
    elif wanted.why:
        say(f"note: the film is not assessed, as {wanted.why}; --assess looks at it all the same")


def say_proposal(made: Proposing, *, as_json: bool = False) -> None:
    """What is proposed for each shot, shortly; all of it stands in files, which are named."""
    if as_json:
        grades = Counter(each.diagnosis.grade for each in made.proposal.shots)
        facts = {"event": "proposal", "aim": made.proposal.aim, "why": made.proposal.why, "grades": dict(grades)}
        say(json.dumps(facts | {"file": str(made.files[0])}))
        return
    for remark in made.remarks:
        say(f"note: {remark}")
    shots = made.proposal.shots
    grades = Counter(each.diagnosis.grade for each in shots)
    told = ", ".join(f"{grades[grade]} {grade}" for grade in ("good", "medium", "poor") if grades[grade])
    rows = [_row(each, made.whose.get(each.key, "")) for each in _worst_first(shots)[:_SHOWN]]
    more = f"; the {_SHOWN} worst" if len(shots) > _SHOWN else ""
    count = "1 shot" if len(shots) == 1 else f"{len(shots)} shots"
    show_table(f"proposed for {count} ({told}{more})", ["shot", "state", "steps", "because"], rows)
    say(f"settings {made.project.folder / 'project.toml'} (yours to change)")
    say(f"proposal {made.files[1]}")


def _worst_first(shots: tuple[ShotProposal, ...]) -> list[ShotProposal]:
    if len(shots) <= _SHOWN:
        return list(shots)
    rank = {"poor": 0, "medium": 1, "good": 2}
    return sorted(shots, key=lambda each: (rank[each.diagnosis.grade], each.shot.record.start))


def _row(each: ShotProposal, whose: str) -> list[str]:
    found = each.diagnosis
    name = each.shot.name or each.key
    if whose == "own":
        return [name, "", "settings of your own", ""]
    state = ", ".join([found.grade, *found.kinds]) + (" (changed by you)" if whose == "changed" else "")
    steps = [f"{step.step}{'' if step.strength is None else f' {step.strength:g}'}" for step in found.steps.values()]
    reasons = [step.because for step in found.steps.values()]
    left = [left.sentence for left in found.left if left.found]
    if not steps:
        why = "; ".join(left) or ("nothing calls for a step" if found.left else "nothing was measured")
        return [name, state, "untouched", why]
    return [name, state, "\n".join(steps + [""] * len(left)), "\n".join(reasons + left)]
