"""Which recipe each shot gets, and where each value of it came from.

The default recipe, then what was proposed for the shot, then all the editor wrote about the whole of it, the weakest
place first, so that the strongest has the last word. Keys then move single values along the shot. What is said of a
range is an exception to both, whatever place it stands in; over the same frames the stronger has the last word again.
Moved values and ranges make parts of the shot, each with its own recipe.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vsfilmrestore.errors import VsfrError
from vsfilmrestore.media.timecode import parse_timecode
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.recipes.recipe import filter_named
from vsfilmrestore.render.movement import Key, Movement
from vsfilmrestore.render.settle import Settled, Words, blamed, by_strength, held, origins_of
from vsfilmrestore.render.sidecar import Sidecar
from vsfilmrestore.timeline.colours import colour_notes
from vsfilmrestore.timeline.grammar import is_key
from vsfilmrestore.timeline.model import CutList, FrameRange, SettingNote, Shot, Strength

__all__ = ["Decided", "Decision", "Key", "Part", "decide", "decide_cut"]


@dataclass(frozen=True, slots=True)
class Part:
    """Record frames of a shot that share one recipe.

    Attributes:
        frames: Record frames.
        recipe: What is done to them.
        origins: Where the settings came from, by step (``remove_dirt``) or setting (``remove_dirt.strength``).
        ranged: Whether something is said of a range that holds them.
    """

    frames: FrameRange
    recipe: Recipe
    origins: Mapping[str, str] = field(default_factory=dict)
    ranged: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done to a shot.

    Attributes:
        shot: The shot.
        parts: Its parts in record order, without holes; one, unless a note is limited to a range or values move.
        origins: Where the settings of the whole shot came from, by step (``remove_dirt``) or setting
            (``remove_dirt.strength``); each part has its own.
        warnings: What was said twice and differently, with both places, and the like.
        keys: The values that move, by record frame.
        whole: What is said of the whole shot, without ranges and movement.
    """

    shot: Shot
    parts: tuple[Part, ...]
    origins: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    whole: Recipe | None = None

    @property
    def recipe(self) -> Recipe:
        """The recipe of the shot, or of its first part."""
        return self.parts[0].recipe


@dataclass(frozen=True, slots=True)
class Decided:
    """What is done to a cut.

    Attributes:
        decisions: One for each shot.
        warnings: What concerns no single shot: keys of the sidecar that will not last, and orphans.
        orphans: Keys of the sidecar that no shot of the cut has. They are kept, and used again once one has.
    """

    decisions: tuple[Decision, ...]
    warnings: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()


def decide(cut: CutList, default: Recipe, sidecar: Sidecar | Mapping[str, object] | None = None) -> list[Decision]:
    """Decide for every shot; see `decide_cut`."""
    return list(decide_cut(cut, default, sidecar).decisions)


def decide_cut(cut: CutList, default: Recipe, sidecar: Sidecar | Mapping[str, object] | None = None) -> Decided:
    """Decide for every shot.

    Args:
        cut: The cut.
        default: What a shot gets that nobody wrote anything about.
        sidecar: Settings by shot id and colour, as kept in ``project.toml``; or the first of these alone.

    Raises:
        SettingError: Words do not parse, or name what does not exist; the message has file, line and timecode.
    """
    aside = sidecar if isinstance(sidecar, Sidecar) else Sidecar(sidecar or {})
    judge = _Judge(cut, default, aside)
    judge.check_colours(aside)
    placed, colours = aside.over(cut), colour_notes(cut, aside.colours)
    decisions = []
    for i, shot in enumerate(cut.shots):
        notes = [*shot.notes, *placed.notes.get(i, ()), *colours.get(i, ())]
        decisions.append(judge.decision(shot, notes))
    return Decided(tuple(decisions), placed.warnings, placed.orphans)


class _Judge:
    """Decides shot by shot, in record order: ``same`` looks back."""

    def __init__(self, cut: CutList, default: Recipe, aside: Sidecar) -> None:
        self._cut, self._aside = cut, aside
        self._words = Words()
        label = f"{default.name or 'default'} ({Strength.DEFAULT})"
        self._default = self._before = Settled(default, origins_of(default, label))

    def check_colours(self, aside: Sidecar) -> None:
        """Refuse wrong words where they stand, not at every clip of that colour."""
        for name, text in aside.colours.items():
            line = aside.line("colours", name)
            note = SettingNote(text, Strength.COLOUR, aside.file, line, detail=name)
            try:
                if is_key(text):
                    raise ValueError("a colour has no place in time, so it cannot be a key")
                self._words.over(self._default, note, self._before)
            except (VsfrError, ValueError) as error:
                raise blamed(error, note, "") from None

    def decision(self, shot: Shot, notes: Sequence[SettingNote]) -> Decision:
        """Decide about one shot."""
        if not notes:
            return self._plain(shot)
        ordered = sorted(notes, key=by_strength, reverse=True)
        whole, warnings = self._default, list[str]()
        proposed = [note for note in ordered if note.strength is Strength.ASSESSED]
        for note in proposed:
            whole = self._heard(whole, note, shot, warnings)
        if proposed:
            whole = self._as_for_all(whole)
        for note in ordered:
            if note.frames is None and not is_key(note.text) and note.strength is not Strength.ASSESSED:
                whole = self._heard(whole, note, shot, warnings)
        movement = Movement(self._words, shot, whole)
        for note in ordered:
            if is_key(note.text):
                movement.add(note, self._frames_of_key(note, shot))
        moved, said = movement.parts()
        warnings += said
        parts = [(frames, settled, False) for frames, settled in moved]
        for note in ordered:
            if note.frames is not None and not is_key(note.text) and (inside := note.frames.overlap(shot.record)):
                parts = [each for part in parts for each in self._with_range(part, inside, note, shot, warnings)]
        if shot.source is not None:
            self._before = moved[-1][1]
        made = [Part(frames, each.recipe, each.origins, ranged) for frames, each, ranged in parts]
        told = tuple(dict.fromkeys(warnings))
        return Decision(shot, tuple(_merged(made)), whole.origins, told, movement.keys, whole.recipe)

    def _as_for_all(self, proposed: Settled) -> Settled:
        """What was proposed, with the changes that somebody made to the recipe of the whole film."""
        changes = {filter_named(word).name: value for word, value in self._aside.steps.items()}
        gone = {name for name, value in changes.items() if value is False or value is None}
        kept = {key: text for key, text in proposed.origins.items() if key.partition(".")[0] not in changes}
        here = f"{self._aside.file} (recipe)"
        return held(replace(proposed, origins=kept), changes, dict.fromkeys(changes.keys() - gone, here))

    def _plain(self, shot: Shot) -> Decision:
        settled = self._default
        if shot.source is not None:
            self._before = settled
        part = Part(shot.record, settled.recipe, settled.origins)
        return Decision(shot, (part,), settled.origins, whole=settled.recipe)

    def _heard(self, under: Settled, note: SettingNote, shot: Shot, warnings: list[str]) -> Settled:
        try:
            settled, said = self._words.over(under, note, self._before)
        except (VsfrError, ValueError) as error:
            raise blamed(error, self._dated(note, shot), shot.name) from None
        warnings += said
        return settled

    def _with_range(
        self,
        part: tuple[FrameRange, Settled, bool],
        limited: FrameRange,
        note: SettingNote,
        shot: Shot,
        warnings: list[str],
    ) -> Iterable[tuple[FrameRange, Settled, bool]]:
        frames, settled, ranged = part
        inside = frames.overlap(limited)
        if inside is None:
            yield part
            return
        if frames.start < inside.start:
            yield FrameRange(frames.start, inside.start), settled, ranged
        yield inside, self._heard(settled, note, shot, warnings), True
        if inside.stop < frames.stop:
            yield FrameRange(inside.stop, frames.stop), settled, ranged

    def _frames_of_key(self, note: SettingNote, shot: Shot) -> FrameRange:
        """Where a key stands. Readers that know no keys tell it by the marker's timecode only."""
        if note.frames is not None:
            return note.frames
        try:
            if note.strength not in (Strength.CLIP_MARKER, Strength.TIMELINE_MARKER) or note.timecode is None:
                raise ValueError("a key needs a place in time, and only a marker has one")
            at = parse_timecode(note.timecode, self._cut.rate, drop=self._cut.drop) - self._cut.start
        except ValueError as error:
            raise blamed(error, self._dated(note, shot), shot.name) from None
        return FrameRange(at, at + 1)

    def _dated(self, note: SettingNote, shot: Shot) -> SettingNote:
        at = note.timecode or self._cut.timecode(shot.record.start)
        return SettingNote(note.text, note.strength, note.file, note.line, at, note.frames, note.detail)


def _merged(parts: list[Part]) -> Iterable[Part]:
    """Neighbours that do the same, for the same reasons, are one."""
    held = parts[0]
    for part in parts[1:]:
        if part == replace(held, frames=part.frames):
            held = replace(held, frames=FrameRange(held.frames.start, part.frames.stop))
        else:
            yield held
            held = part
    yield held
