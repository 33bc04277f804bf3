"""What a command says about repairs, as verdicts; and the repairs of shots in plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from vsfilmrestore.errors import ProjectError, UsageError
from vsfilmrestore.filters.schema import SettingSpec
from vsfilmrestore.recipes.words import parse_regions
from vsfilmrestore.render.history import History
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.verdicts import Verdict, Verdicts

__all__ = ["Words", "changed_rows", "repairs_by_shot", "say_of_repairs"]


@dataclass(frozen=True, slots=True)
class Words:
    """What a command names.

    Attributes:
        repairs: Ids of single repairs.
        shot: Name or id of a shot.
        frames: Frames of it, or of the reel.
        kind: Kind of repair.
        regions: Areas, ``900,0,1100,1080``.
        all: Whether all repairs are meant where nothing is named.
        note: Why.
    """

    repairs: Sequence[str] = ()
    shot: str = ""
    frames: str = ""
    kind: str = ""
    regions: Sequence[str] = ()
    all: bool = False
    note: str = ""


def say_of_repairs(history: History, say: str, words: Words) -> list[Verdict]:
    """The verdicts of a command.

    Raises:
        UsageError: It names nothing, or what does not exist.
    """
    if words.repairs and (words.frames or words.kind or words.regions or words.all):
        raise UsageError("a repair is named by its id alone, at most with its shot", hint="Leave the other options out")
    if not (words.repairs or words.shot or words.frames or words.kind or words.regions or words.all):
        hint = "Name --repair, --shot, --frames, --kind or --region; --all is every repair of the film"
        raise UsageError("nothing is chosen", hint=hint)
    choice = history.chosen(words.shot, words.frames, words.kind)
    if words.repairs:
        return [history.find(id_, choice).verdict(say, words.note) for id_ in words.repairs]
    areas: list[tuple[Any, ...] | None] = [*_areas(words.regions)] or [None]
    spans: list[tuple[str, tuple[int, int] | None]] = [("", None)]
    if choice.shots is not None or choice.frames is not None:
        spans = [(source, (first, last)) for source, first, last in history.spans(choice)]
    if not spans:
        raise UsageError("the latest render shows no such frames")
    return [
        Verdict(say, source, choice.kind, frames, area, note=words.note)
        for (source, frames), area in product(spans, areas)
    ]


def _areas(regions: Sequence[str]) -> list[tuple[Any, ...]]:
    setting = SettingSpec("region", "regions", (), "")
    try:
        checked: Any = setting.check([area for text in regions for area in parse_regions(text)])
    except ValueError as error:
        raise UsageError(f"--region {error}") from None
    return list(checked)


def repairs_by_shot(project: Project) -> dict[str, dict[str, Any]]:
    """Repairs of the latest render by id of the shot and kind, in plain data; nothing where there was none."""
    try:
        history = History.open(project)
    except ProjectError:
        return {}
    return {
        shot.id: {kind: count.facts for kind, count in history.counts(shot).items()}
        for shot in history.shots
        if history.made(shot)
    }


def changed_rows(before: Verdicts, after: Verdicts) -> tuple[list[Verdict], list[Verdict]]:
    """The verdicts that are new, and those that went."""
    gone = [row for row in before if row not in after.rows]
    return [row for row in after if row not in before.rows], gone
