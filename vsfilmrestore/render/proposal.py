"""What is proposed for the shots of a film, and how it comes into ``project.toml`` where an editor can change it.

::

    [shots."reel1@0"]
    preset = "none"
    stab = 0.6
    dust = 0.5
    assessed = [
        "none: aim remaster, medium",
        "stab=0.6: weave of 0.42 px across and 0.31 down",
        "dust=0.5: 6.2 pieces of dirt a frame",
        "flicker of 0.2 % is not seen: left",
        "grain of 1.1 levels is fine: left",
    ]

A value that is no longer as ``assessed`` says is the editor's, and so is one that is gone: a new proposal leaves both
as they are, and keeps rows that have no such list.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from vsfilmrestore.assess.diagnosis import Diagnosis, Proposed, diagnose
from vsfilmrestore.assess.diagnosis_table import Table
from vsfilmrestore.assess.results import Assessment, ShotMeasures
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.media.out.atomic import atomic_text
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.recipes.wording import value_word
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.rows import RowKeys
from vsfilmrestore.render.sidecar import ASSESSED, proposed_words
from vsfilmrestore.timeline.ids import unique_ids
from vsfilmrestore.timeline.model import CutList, Shot

__all__ = [
    "Proposal",
    "ShotProposal",
    "propose",
    "recipe_of",
    "row_of",
    "untelecined",
    "with_proposal",
    "write_proposal",
]

_PRESET: Final = "preset"
_WHOLE: Final = ("inverse_telecine",)
"""Steps that a whole source has, or none of it."""

type Whose = Literal["proposed", "changed", "own"]


@dataclass(frozen=True, slots=True)
class ShotProposal:
    """What is proposed for one shot.

    Attributes:
        key: Id of the shot, numbered where several have the same.
        shot: The shot.
        diagnosis: What it needs.
    """

    key: str
    shot: Shot
    diagnosis: Diagnosis


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed for a film.

    Attributes:
        aim: What it is wanted for.
        summary: What that means.
        why: Why that was taken, '' where somebody said so.
        shots: One for each shot that has a source.
        telecined: That most of it is telecined, with the reason; '' where it is not.
    """

    aim: str
    summary: str
    why: str
    shots: tuple[ShotProposal, ...]
    telecined: str = ""

    def facts(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return {
            "format": "vsfilmrestore-proposal",
            "version": 1,
            "aim": self.aim,
            "summary": self.summary,
            "why": self.why,
            "telecined": self.telecined,
            "shots": [
                {"id": each.key, "name": each.shot.name, "first": each.shot.record.start}
                | {"frames": len(each.shot.record)}
                | each.diagnosis.facts()
                for each in self.shots
            ],
        }


def propose(cut: CutList, found: Assessment, table: Table, aim: str, why: str = "") -> Proposal:
    """What is proposed for every shot of a cut.

    Args:
        cut: The cut.
        found: What was measured, in record frames of the cut.
        table: The rules.
        aim: Name of the aim.
        why: Why that was taken.

    Raises:
        SettingError: There is no such aim.
    """
    wanted = table.aim(aim)
    made, frames, telecined, reason = [], 0, 0, ""
    for key, shot in zip(unique_ids(cut.shots), cut.shots, strict=True):
        if shot.source is None:
            continue
        diagnosis = diagnose(_measures_of(shot, found), table, wanted)
        frames += len(shot.record)
        for name in _WHOLE:
            if name in diagnosis.steps:
                telecined += len(shot.record)
                reason = diagnosis.steps[name].because
        made.append(ShotProposal(key, shot, diagnosis))
    most = reason if telecined * 2 > frames else ""
    proposal = Proposal(aim, wanted.summary, why, tuple(made), most)
    return proposal if most else untelecined(proposal, "but only in part of the film")


def untelecined(proposal: Proposal, reason: str) -> Proposal:
    """The proposal without bringing a film back to film frames, and why."""
    shots = []
    for each in proposal.shots:
        found = each.diagnosis
        for name in _WHOLE:
            if name in found.steps:
                found = found.without(name, f"{found.steps[name].reason}, {reason}")
        shots.append(replace(each, diagnosis=found))
    return replace(proposal, shots=tuple(shots))


def _measures_of(shot: Shot, found: Assessment) -> ShotMeasures:
    """The measures of the shot that has most frames in common with it; none where nothing was measured."""
    start, stop = shot.record.start, shot.record.stop
    best = max(
        found.shots, key=lambda each: min(each.stop, stop) - max(each.first, start), default=ShotMeasures(start, stop)
    )
    return best if min(best.stop, stop) > max(best.first, start) else ShotMeasures(start, stop)


def with_proposal(project: Project, cut: CutList, proposal: Proposal) -> tuple[Project, dict[str, Whose]]:
    """A project with the proposal in its settings; nothing is written to disk.

    Returns:
        The project, and whose the settings of each shot are: as ``proposed``, ``changed`` by the editor in part, or
        the editor's ``own``.
    """
    rows = dict(project.settings.shots)
    own = _own_rows(cut, rows)
    whose: dict[str, Whose] = {}
    for each in proposal.shots:
        if each.key in own:
            whose[each.key] = "own"
            continue
        new = row_of(each.diagnosis)
        rows[each.key], kept = _merged(rows.get(each.key), new)
        whose[each.key] = "changed" if kept else "proposed"
    return replace(project, settings=replace(project.settings, shots=rows, aim=proposal.aim)), whose


def _own_rows(cut: CutList, rows: Mapping[str, Any]) -> set[str]:
    """Keys of the shots for which a row stands that no proposal made."""
    keys, ids = RowKeys(cut), unique_ids(cut.shots)
    own = [key for key, row in rows.items() if not isinstance(row, dict) or ASSESSED not in row]
    return {ids[index] for key in own for index in keys.find(key).shots}


def row_of(diagnosis: Diagnosis) -> dict[str, Any]:
    """A row of ``[shots]`` that does what is proposed."""
    steps = [each for name, each in diagnosis.steps.items() if name not in _WHOLE]
    row: dict[str, Any] = {_PRESET: "none"} | {FILTERS[each.step].short: _value(each) for each in steps}
    kinds = f", taken for {', '.join(diagnosis.kinds)}" if diagnosis.kinds else ""
    calls = "" if steps else "; nothing calls for a step"
    said = [f"none: aim {diagnosis.aim}, {diagnosis.grade}{kinds}{calls}"]
    for each in steps:
        said += [f"{word}: {reason}" for word, reason in _with_reasons(each)]
    said += [left.sentence for left in diagnosis.left]
    return row | {ASSESSED: said}


def recipe_of(diagnosis: Diagnosis) -> Recipe:
    """What is proposed, as a recipe; steps that a whole source has or none of it are left out."""
    steps = [each for name, each in diagnosis.steps.items() if name not in _WHOLE]
    return Recipe().with_steps({each.step: _value(each) for each in steps})


def _value(step: Proposed) -> Any:
    first = next(iter(FILTERS[step.step].settings))
    if step.strength is None:
        return dict(step.settings) or True
    return {first: step.strength, **step.settings} if step.settings else step.strength


def _words(short: str, value: Any) -> list[str]:
    """The words a row's value is read as; see `vsfilmrestore.render.sidecar`."""
    if isinstance(value, Mapping):
        return [f"{short}.{name}={value_word(each)}" for name, each in value.items()]
    return [f"{short}={value_word(value)}"]


def _with_reasons(step: Proposed) -> list[tuple[str, str]]:
    value = _value(step)
    words = _words(FILTERS[step.step].short, value)
    names = list(value) if isinstance(value, Mapping) else [""]
    return [(word, step.because_of.get(name, step.because)) for word, name in zip(words, names, strict=True)]


def _said(key: str, value: Any) -> list[str]:
    return [str(value)] if key == _PRESET else _words(key, value)


def _merged(old: Mapping[str, Any] | None, new: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The new row with all that the editor made of the old one; and whether that is anything."""
    if old is None:
        return new, False
    before = proposed_words(old[ASSESSED])
    values = {key: value for key, value in old.items() if key != ASSESSED}
    theirs = {key: value for key, value in values.items() if _touched(key, value, before)}
    told = {_step_of(word) for word in before}
    gone = {key for key in new if key != ASSESSED and key in told and key not in values}
    kept = {key: value for key, value in new.items() if key not in theirs and key not in gone}
    said = kept.pop(ASSESSED)
    return kept | theirs | {ASSESSED: said}, bool(theirs or gone)


def _touched(key: str, value: Any, before: Mapping[str, str]) -> bool:
    if key in ("ranges", "keys", "about", "settings"):
        return True
    words = _said(key, value)
    return any(word not in before for word in words) or len(words) < sum(_step_of(word) == key for word in before)


def _step_of(word: str) -> str:
    """The key of a row a proposed word stands in: ``dust`` of ``dust.max_size=60``; a bare word is the preset."""
    return word.partition("=")[0].partition(".")[0] if "=" in word else _PRESET


_COLUMNS: Final = ("shot", "name", "first", "frames", "grade", "kinds", "step", "strength", "confidence", "sentence")


def write_proposal(proposal: Proposal, folder: Path) -> list[Path]:
    """Write ``proposal.json`` and ``proposal.csv`` with all that is proposed and left, each whole or not at all.

    Raises:
        OutputError: One cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "proposal.json", folder / "proposal.csv"]
    atomic_text(files[0], json.dumps(proposal.facts(), indent=1, ensure_ascii=False))
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for each in proposal.shots:
        rows.writerows(_csv_rows(each))
    atomic_text(files[1], text.getvalue())
    return files


def _csv_rows(each: ShotProposal) -> list[Sequence[object]]:
    found, record = each.diagnosis, each.shot.record
    head = (each.key, each.shot.name, record.start, len(record), found.grade, " ".join(found.kinds))
    steps = [
        (*head, step.step, "" if step.strength is None else step.strength, f"{step.confidence:.2f}", step.sentence)
        for step in found.steps.values()
    ]
    return [*steps, *((*head, left.step, 0, "", left.sentence) for left in found.left)]
