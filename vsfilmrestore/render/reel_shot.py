"""A shot of a reel, as an editor handles it in a ``.vpy``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import vapoursynth as vs

from vsfilmrestore.errors import SettingError, UsageError
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.decide import Decision, Part
from vsfilmrestore.render.graph import restored_node, source_node
from vsfilmrestore.render.settle import Settled, Words
from vsfilmrestore.render.walls import Build
from vsfilmrestore.timeline.colours import colour_key
from vsfilmrestore.timeline.grammar import is_key
from vsfilmrestore.timeline.model import FrameRange, Marker, SettingNote, Shot, Strength

if TYPE_CHECKING:
    from vsfilmrestore.render.reel import Reel

__all__ = ["ORIGIN", "ReelShot", "matches"]

ORIGIN = "script"
"""Where settings made in a .vpy say they come from."""


def matches(pattern: str, *names: str) -> bool:
    """Whether one of some names fits a pattern with ``*`` and ``?``; capitals make no difference."""
    wanted = pattern.casefold().replace("[", "[[]")
    return any(fnmatchcase(name.casefold(), wanted) for name in names)


@dataclass
class ReelShot:
    """A shot of a reel: what it is, what is done to it and why, and its pictures."""

    _reel: Reel
    _index: int

    def __repr__(self) -> str:
        return f"<shot {self.id} '{self.name}', frames {self.frames.start} to {self.frames.stop - 1}>"

    @property
    def shot(self) -> Shot:
        """The shot as the cut list has it: source, speed, transition, comments."""
        return self._reel.cut.shots[self._index]

    @property
    def id(self) -> str:
        """``<reel or file>@<source timecode>``: it survives a re-cut."""
        return self.shot.id

    @property
    def name(self) -> str:
        return self.shot.name

    @property
    def colour(self) -> str:
        """Label colour the editor gave the clip, '' if none."""
        return self.shot.colour

    @property
    def frames(self) -> FrameRange:
        """Record frames, counted from 0 at the start of the reel."""
        return self.shot.record

    @property
    def timecode(self) -> str:
        """Record timecode of its first frame."""
        return self._reel.cut.timecode(self.frames.start)

    @property
    def markers(self) -> list[Marker]:
        """Markers of the cut and of marker lists that stand over it."""
        return [marker for marker in self._reel.cut.markers if marker.frames.overlap(self.frames)]

    @property
    def media(self) -> Path | None:
        """The medium it is made from, None for black."""
        medium = self._reel.bound[self._index].medium
        return None if medium is None else medium.path

    @property
    def decision(self) -> Decision:
        """Recipe and where its values came from, in parts where ranges or keys make it change along the shot."""
        return self._reel.decisions[self._index]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was said twice and differently about it, and the like."""
        return self.decision.warnings

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        """Every setting of every step, defaults too: ``{"remove_dirt": {"strength": 0.4, …}}``; of its first part."""
        return {step.name: dict(step.complete) for step in self.recipe}

    @property
    def origins(self) -> Mapping[str, str]:
        """Where the settings came from, by step (``remove_dirt``) or setting (``remove_dirt.strength``)."""
        return self.decision.parts[0].origins

    @property
    def recipe(self) -> Recipe:
        """What is done to it (to its first part, where that changes). Give it another for all of its frames."""
        return self.decision.recipe

    @recipe.setter
    def recipe(self, recipe: Recipe) -> None:
        if not isinstance(recipe, Recipe):
            raise UsageError(f"a recipe is wanted for shot {self.name}, not {type(recipe).__name__}")
        origins = {step.name: ORIGIN for step in recipe}
        self._decide((Part(self.frames, recipe, origins),), origins, recipe)

    @property
    def script(self) -> Build | None:
        """The function that restores it instead of its recipe, None if there is none."""
        return self._reel.scripts.get(self._index)

    @script.setter
    def script(self, function: Build | None) -> None:
        if function is None:
            self._reel.scripts.pop(self._index, None)
        elif callable(function):
            self._reel.scripts[self._index] = function
        else:
            raise UsageError(f"a function is wanted for shot {self.name}, not {type(function).__name__}")

    def change(self, words: str) -> None:
        """Change what is done to it, in the words of markers: ``shot.change("dust=0.8 scratch=off")``.

        They are laid over what the editor wrote, in all parts of the shot; a preset begins anew.

        Raises:
            SettingError: They name what does not exist, or what the shot cannot have.
        """
        text = words.strip()
        text = text[5:] if text[:5].upper() == "VSFR " else text
        if is_key(text):
            raise SettingError("a key needs a place in time; write it into a marker or the project", shot=self.name)
        note = SettingNote(text, Strength.CLIP_MARKER, ORIGIN)
        before = self._reel.decisions[self._index - 1].parts[-1] if self._index else self.decision.parts[0]
        same = Settled(before.recipe, before.origins)
        understood, parts = Words(), []
        for part in self.decision.parts:
            settled, _ = understood.over(Settled(part.recipe, part.origins), note, same)
            origins = {key: ORIGIN if text == note.origin else text for key, text in settled.origins.items()}
            parts.append(replace(part, recipe=settled.recipe, origins=origins))
        self._decide(tuple(parts), parts[0].origins, None)

    def _decide(self, parts: tuple[Part, ...], origins: Mapping[str, str], whole: Recipe | None) -> None:
        self._reel.decisions[self._index] = Decision(self.shot, parts, origins, whole=whole)

    def source(self) -> vs.VideoNode:
        """The unrestored shot."""
        return source_node(self._reel.graph_shots(self._index), self._reel.rate)

    def restored(self) -> vs.VideoNode:
        """The restored shot, at the rate its own steps give it.

        Raises:
            VsfrError: It wants a network that is not on this machine.
        """
        self._reel.require_networks((self._index,))
        return restored_node(self._reel.graph_shots(self._index), self._reel.rate)

    def fits(self, name: str, colour: str, marker: str, media: str) -> bool:
        """Whether it is one that `Reel.find` is asked for."""
        marks = self.markers
        key = self.shot.source
        label = colour_key(colour)
        return (
            (not name or matches(name, self.name, self.id, self.shot.event))
            and (not colour or label in {colour_key(text) for text in (self.colour, *(m.colour for m in marks))})
            and (not marker or any(matches(f"*{marker}*", mark.name, mark.note) for mark in marks))
            and (not media or (key is not None and matches(media, key.label, key.reel, key.name)))
        )
