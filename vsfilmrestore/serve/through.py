"""*Through*: a host's own frames run through a recipe.

Each request is a clip of its own, as long as the frames that came with it, and its graph is built on that clip alone:
no window can reach into the frames of another request, and no cache can hold a frame of one. Where a host sends fewer
frames than the recipe reaches, the clip ends there, as a shot ends at a cut.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
import vapoursynth as vs

from vsfilmrestore.errors import VsfrError
from vsfilmrestore.filters.schema import names_a_file
from vsfilmrestore.media.failure import frame_error
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.recipes.words import changes_from_words
from vsfilmrestore.render.graph import GraphShot
from vsfilmrestore.serve.convert import FORMATS
from vsfilmrestore.serve.ring import Layout, Plane
from vsfilmrestore.serve.supply import Refusal
from vsfilmrestore.serve.wire import ErrorCode
from vsfilmrestore.timeline.grammar import parse_settings

__all__ = ["MOST_PIXELS", "MOST_RADIUS", "Through"]

core = vs.core

MOST_PIXELS: Final = 16384
"""Of a side."""
MOST_RADIUS: Final = 8
"""Frames asked of a host on each side. A recipe that reaches further makes do with them, as at the ends of a shot."""
_SHOT: Final = "through"
_HALF: Final = int(vs.RGBH)
_building = threading.Lock()


def _recipe(words: str) -> Recipe:
    """The recipe that the words of a marker name.

    Raises:
        Refusal: They name what does not exist, or what cannot be done to single frames of a host.
    """
    try:
        said = parse_settings(words)
        if said.same or said.key:
            raise Refusal(ErrorCode.SETTINGS, f"'{said.head}' means nothing here: there is no other shot")
        recipe = Recipe.preset(said.preset) if said.preset else Recipe()
        recipe = recipe.with_steps(changes_from_words(said.values))
        for step in recipe:
            _check_model(step.settings.get("model"))
            if change := step.filter.changes_with(step.settings):
                what = "size of the picture" if change == "size" else "number of frames"
                raise Refusal(ErrorCode.SETTINGS, f"{step.filter.short} changes the {what}, which a host does not take")
            if step.filter.depends_with(step.complete) == "clip":
                text = f"{step.filter.short} looks at the whole shot; take it from the scan, or leave it out"
                raise Refusal(ErrorCode.SETTINGS, text)
    except (VsfrError, ValueError) as error:
        raise Refusal(ErrorCode.SETTINGS, str(error)) from None
    return recipe


def _check_model(model: object) -> None:
    """A client names models by their cards: no file is opened because it says so."""
    if isinstance(model, str) and names_a_file(model):
        raise Refusal(ErrorCode.SETTINGS, f"model {model} is a file; here a model goes by the name of its card")


@dataclass(frozen=True, slots=True)
class Through:
    """A recipe for frames of one size, depth and rate.

    Attributes:
        recipe: Its steps.
        layout: Size and depth of a frame.
        rate: Frames per second.
    """

    recipe: Recipe
    layout: Layout
    rate: Fraction

    @classmethod
    def of(cls, words: str, width: int, height: int, depth: int, numerator: int, denominator: int) -> Through:
        """
        Raises:
            Refusal: The words are no recipe, or the size or rate cannot be.
        """
        if not 8 <= width <= MOST_PIXELS or not 8 <= height <= MOST_PIXELS:
            raise Refusal(ErrorCode.SETTINGS, f"a picture of {width} x {height} cannot be restored")
        rate = Fraction(numerator, denominator) if numerator and denominator else Fraction(24)
        if not Fraction(1, 10) <= rate <= 1000:
            raise Refusal(ErrorCode.SETTINGS, f"{numerator}/{denominator} frames a second cannot be")
        return cls(_recipe(words), Layout(width, height, depth), rate)

    @property
    def radius(self) -> int:
        """Frames wanted on each side."""
        return min(self.recipe.reach, MOST_RADIUS)

    def apply(self, frames: Sequence[Sequence[Plane]], middle: int, number: int) -> vs.VideoFrame:
        """One restored frame.

        Args:
            frames: Planes of the frames, the oldest first.
            middle: Which of them is wanted.
            number: Which frame of the host the wanted one is; noise that is made goes by it.

        Raises:
            VsfrError: It could not be made.
        """
        clip = _clip(frames, FORMATS[self.layout.depth], self.rate)
        whole = clip if clip.format.id != _HALF else clip.resize.Point(format=vs.RGBS)
        shot = GraphShot(_SHOT, whole, (0, 0), range(len(frames)), self.recipe, first=max(0, number - middle))
        try:
            with _building:
                node = shot.restored()
            if node.format.id != clip.format.id:
                node = node.resize.Point(format=clip.format.id)
            return node.get_frame(middle)
        except vs.Error as error:
            raise frame_error(error, shot=_SHOT, frame=number) from None


def _clip(frames: Sequence[Sequence[Plane]], format_: int, rate: Fraction) -> vs.VideoNode:
    """A clip that holds copies of these frames."""
    height, width = frames[0][0].shape
    blank = core.std.BlankClip(
        *(None, width, height, format_, len(frames)), fpsnum=rate.numerator, fpsden=rate.denominator, keep=True
    )
    made = [_frame(planes, blank) for planes in frames]

    def pick(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        return made[n]

    return core.std.ModifyFrame(blank, blank, pick)


def _frame(planes: Sequence[Plane], like: vs.VideoNode) -> vs.VideoFrame:
    frame = core.create_video_frame(like.format, like.width, like.height)
    for index, plane in enumerate(planes):
        np.copyto(np.asarray(frame[index]), plane)
    frame.props.update({"_Matrix": 0, "_Range": int(vs.RANGE_FULL), "_FieldBased": 0})
    frame.props["_DurationNum"], frame.props["_DurationDen"] = like.fps.denominator, like.fps.numerator
    return frame
