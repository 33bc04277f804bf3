"""From a film nobody described to a project that says what is done to it, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from vsfilmrestore import timeline
from vsfilmrestore.assess.diagnosis_table import Table
from vsfilmrestore.assess.stored import FILE
from vsfilmrestore.errors import MediaError
from vsfilmrestore.render.assessing import Watch, assess_project
from vsfilmrestore.render.job import plan_project
from vsfilmrestore.render.mending import without_unreadable
from vsfilmrestore.render.project import Project, ProjectSettings
from vsfilmrestore.render.proposal import Proposal, Whose, propose, untelecined, with_proposal, write_proposal
from vsfilmrestore.render.reel import Reel
from vsfilmrestore.timeline.ids import unique_ids

__all__ = ["FULL", "LEAST", "Proposing", "Wish", "proposed", "wish"]

FULL: Final = "remaster"
"""Aim of the one command, for a film nobody described."""
_FADE: Final = "correct_fade"
LEAST: Final = "archive"
"""Aim where nothing else is said: least intervention."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a film is to be assessed for; or why it is not assessed.

    Attributes:
        aim: Name of the aim; '' where it is not assessed.
        why: Why, in a sentence without a full stop; '' where somebody said so outright.
    """

    aim: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Proposing:
    """A project with a proposal in it.

    Attributes:
        project: The project, as it now stands on disk.
        proposal: What was proposed.
        whose: Whose the settings of each shot are.
        files: The proposal as JSON and CSV.
        remarks: What an editor should know.
    """

    project: Project
    proposal: Proposal
    whose: Mapping[str, Whose]
    files: tuple[Path, ...]
    remarks: tuple[str, ...] = ()


def wish(project: Project, given: Mapping[str, Any], *, aim: str = "", assess: bool | None = None) -> Wish:
    """What a film is to be assessed for before it is restored.

    A film is assessed where nobody said how to treat it: no preset, no settings on the command line, in the project or
    in the cut, and no project that was begun without.

    Args:
        project: The project, as opened.
        given: Fields of `ProjectSettings` that the command names.
        aim: The aim it names, '' for none.
        assess: Whether it says to assess.

    Raises:
        VsfrError: The cut list cannot be read.
    """
    said = project.settings
    if assess is False:
        return Wish("")
    if aim or said.aim:
        return Wish(aim or said.aim)
    described = _described(project, given)
    if assess:
        if described:
            return Wish(LEAST, f"{described}; for the rest the least is done")
        return Wish(FULL, _NOBODY)
    if not described and Project.is_project(project.folder) and not (project.folder / FILE).is_file():
        described = "the project was begun without"
    return Wish("", described) if described else Wish(FULL, _NOBODY)


_NOBODY: Final = "nobody said what the film is wanted for, and one restores a film to show it"


def _described(project: Project, given: Mapping[str, Any]) -> str:
    """Who said how to treat the film, '' if nobody did."""
    said = project.settings
    if "preset" in given or said.preset != ProjectSettings().preset:
        return f"the preset {said.preset} was asked for"
    if said.steps or said.shots or said.colours:
        return "settings were given"
    if timeline.is_cut_list(project.resolve(said.input)):
        shots = plan_project(project).cut.shots
        if any(shot.notes for shot in shots):
            return "the cut carries settings"
    return ""


def proposed(
    project: Project,
    wanted: Wish,
    *,
    table: Path | None = None,
    given: Mapping[str, Any] | None = None,
    watch: Watch | None = None,
) -> Proposing:
    """Assess a film, propose settings for its shots, and write them into the project.

    Args:
        project: The project.
        wanted: What for.
        table: A diagnosis table of one's own.
        given: Fields of `ProjectSettings` that the command names; those are not proposed.
        watch: Told what is being done, how far, and of how much.

    Raises:
        VsfrError: The film or the table cannot be read, or the project cannot be written.
    """
    rules = Table.standard() if table is None else Table.read(table)
    rules.aim(wanted.aim)  # a wrong word is told before the film is looked at
    seen = assess_project(project, watch=watch)
    if seen.found.unreadable and (whole := without_unreadable(seen.project)) is not None:
        seen = assess_project(whole, watch=watch)  # known by now; its reel reads on where the film does not
    proposal = propose(seen.reel.cut, seen.found, rules, wanted.aim, wanted.why)
    remarks = list(seen.found.remarks)
    if proposal.telecined and not seen.project.settings.inverse_telecine:
        told = proposal.telecined
        if timeline.is_cut_list(project.resolve(project.settings.input)):
            remarks.append(f"{told}; a cut list counts in those frames, so they stay")
            proposal = untelecined(proposal, "but a cut list counts in those frames")
        elif not project.settings.aim and "inverse_telecine" not in (given or {}):
            settings = replace(project.settings, inverse_telecine=True, cuts=None)
            try:
                seen = assess_project(replace(project, settings=settings), watch=watch)
                remarks.append(f"{told}; it is brought back to film frames first")
                proposal = replace(propose(seen.reel.cut, seen.found, rules, wanted.aim, wanted.why), telecined=told)
            except MediaError as error:
                remarks.append(f"{told}, but it cannot be brought back to film frames: {error.message}")
                proposal = untelecined(proposal, f"but {error.message}")
        else:
            proposal = untelecined(proposal, "but you said otherwise")
    proposal = _with_fade_profiles(proposal, seen.reel)
    project, whose = with_proposal(seen.project, seen.reel.cut, proposal)
    project.folder.mkdir(parents=True, exist_ok=True)
    project.save()
    files = write_proposal(proposal, project.reports)
    return Proposing(project, proposal, whose, tuple(files), tuple(remarks))


def _with_fade_profiles(proposal: Proposal, reel: Reel) -> Proposal:
    """The proposal with one profile for all shots of a reel, so that no cut shows where colours come back."""
    if not any(_FADE in each.diagnosis.steps for each in proposal.shots):
        return proposal
    from vsfilmrestore.render.reel_fade import measure_fade  # brings OpenCV

    ids = unique_ids(reel.cut.shots)
    groups = {ids[index]: group for group in measure_fade(reel) for index in group.shots}
    shots = []
    for each in proposal.shots:
        group, diagnosis = groups.get(each.key), each.diagnosis
        if _FADE in diagnosis.steps and group is not None:
            if group.used:
                diagnosis = diagnosis.with_settings(_FADE, {"profile": group.found.profile.text})
            else:
                diagnosis = diagnosis.without(_FADE, f"the reel looks faded, but {group.found.reason}")
        shots.append(replace(each, diagnosis=diagnosis))
    return replace(proposal, shots=tuple(shots))
