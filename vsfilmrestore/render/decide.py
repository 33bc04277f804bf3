"""Which recipe each shot gets, and where each value of it came from.

The default recipe, then all the editor wrote about the shot, the weakest place first, so that the strongest has the
last word. A note with a range of its own makes a part of the shot with its own recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from vsfilmrestore.errors import SettingError, VsfrError
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.recipes.words import changes_from_words
from vsfilmrestore.timeline.grammar import parse_settings
from vsfilmrestore.timeline.model import CutList, FrameRange, SettingNote, Shot, Strength

__all__ = ["Decision", "Part", "decide"]


@dataclass(frozen=True, slots=True)
class Part:
    """Record frames of a shot that share one recipe."""

    frames: FrameRange
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done to a shot.

    Attributes:
        shot: The shot.
        parts: Its parts in record order, without holes; one, unless a note is limited to a range.
        origins: Where the settings came from, by step (``remove_dirt``) or setting (``remove_dirt.strength``).
    """

    shot: Shot
    parts: tuple[Part, ...]
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def recipe(self) -> Recipe:
        """The recipe of the shot, or of its first part."""
        return self.parts[0].recipe


def decide(cut: CutList, default: Recipe, sidecar: Mapping[str, str] | None = None) -> list[Decision]:
    """Decide for every shot.

    Args:
        cut: The cut.
        default: What a shot gets that nobody wrote anything about.
        sidecar: Settings in the editor's words by shot id, as kept in ``project.toml``.

    Raises:
        SettingError: A note does not parse, or names what does not exist; the message has file, line and timecode.
    """
    sidecar = sidecar or {}
    unknown = set(sidecar) - {shot.id for shot in cut.shots}
    if unknown:
        raise SettingError(f"no shot has the id '{min(unknown)}'", file="project.toml")
    decisions: list[Decision] = []
    before = default
    for shot in cut.shots:
        decision = _decide_shot(shot, default, before, sidecar.get(shot.id), cut.timecode(shot.record.start))
        decisions.append(decision)
        before = decision.recipe
    return decisions


def _decide_shot(shot: Shot, default: Recipe, before: Recipe, aside: str | None, timecode: str) -> Decision:
    recipe, origins = default, {step.name: f"{default.name or 'default'} ({Strength.DEFAULT})" for step in default}
    notes = list(shot.notes)
    if aside is not None:
        notes.append(SettingNote(aside, Strength.SIDECAR, "project.toml"))
    notes.sort(key=lambda note: list(Strength).index(note.strength), reverse=True)
    for note in notes:
        if note.frames is None:
            recipe = _with_note(recipe, before, note, shot, timecode, origins)
    parts = [Part(shot.record, recipe)]
    for note in notes:
        if note.frames is not None and (limited := note.frames.overlap(shot.record)):
            change = partial(_with_note, before=before, note=note, shot=shot, timecode=timecode, origins=origins)
            parts = list(_split(parts, limited, change))
    return Decision(shot, tuple(parts), origins)


def _with_note(
    recipe: Recipe, before: Recipe, note: SettingNote, shot: Shot, timecode: str, origins: dict[str, str]
) -> Recipe:
    try:
        parsed = parse_settings(note.text)
        if parsed.off:
            recipe = Recipe()
            origins.clear()
        elif parsed.same:
            recipe = before
        elif parsed.preset:
            recipe = Recipe.preset(parsed.preset)
            origins.clear()
        changes = changes_from_words(parsed.values)
        changed = recipe.with_steps(changes)
    except (VsfrError, ValueError) as error:
        message = error.message if isinstance(error, VsfrError) else str(error)
        at = note.timecode or timecode
        raise SettingError(message, file=note.file, line=note.line, shot=shot.name, timecode=at) from None
    if parsed.preset or parsed.same:
        origins.update({step.name: note.origin for step in recipe})
    for name, value in changes.items():
        keys = [f"{name}.{setting}" for setting in value] if isinstance(value, dict) else [name]
        origins.update(dict.fromkeys(keys, note.origin))
    return changed


def _split(parts: list[Part], limited: FrameRange, change: Callable[[Recipe], Recipe]) -> Iterable[Part]:
    for part in parts:
        inside = part.frames.overlap(limited)
        if inside is None:
            yield part
            continue
        if part.frames.start < inside.start:
            yield Part(FrameRange(part.frames.start, inside.start), part.recipe)
        yield Part(inside, change(part.recipe))
        if inside.stop < part.frames.stop:
            yield Part(FrameRange(inside.stop, part.frames.stop), part.recipe)
