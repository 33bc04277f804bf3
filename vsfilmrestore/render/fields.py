"""Which field comes first, where a recipe needs to know and leaves it open.

Streams are often marked the wrong way round, and a wrong order makes every movement judder. So the pictures decide,
once for each medium; where they do not say, the mark of the stream stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import vapoursynth as vs

from vsfilmrestore.errors import MediaError
from vsfilmrestore.filters.deinterlace import measure_field_order
from vsfilmrestore.media.failure import frame_error
from vsfilmrestore.media.source import Media
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.bind import Bound
from vsfilmrestore.render.decide import Decision

__all__ = ["field_order", "untreated_fields", "with_field_order"]

_STEP = "deinterlace"


def field_order(medium: Media) -> str:
    """``top`` or ``bottom``, as the pictures say; ``auto`` where only the stream's own mark can tell.

    Raises:
        MediaError: A frame cannot be read, or neither pictures nor stream say which field comes first.
    """
    try:
        measured = measure_field_order(medium.video)
        if measured:
            return measured
        marked = medium.video.get_frame(0).props.get("_FieldBased", 0)
    except vs.Error as error:
        raise frame_error(error) from error
    if not marked:
        raise MediaError(
            "neither the pictures nor the file say which field comes first",
            file=medium.path,
            hint="Say it with --set deint=top or --set deint=bottom, or leave deinterlacing out with --set deint=off",
        )
    return "auto"


def with_field_order(bound: Sequence[Bound], decisions: Sequence[Decision]) -> list[Decision]:
    """Decisions in which every deinterlacing step that left the order open has the one its medium shows."""
    orders: dict[int, str] = {}
    decided = []
    for item, decision in zip(bound, decisions, strict=True):
        if item.medium is not None and any(_open(part.recipe) for part in decision.parts):
            key = id(item.medium)
            if key not in orders:
                orders[key] = field_order(item.medium)
            parts = tuple(replace(part, recipe=_told(part.recipe, orders[key])) for part in decision.parts)
            decision = replace(decision, parts=parts)
        decided.append(decision)
    return decided


def untreated_fields(bound: Sequence[Bound], decisions: Sequence[Decision]) -> list[str]:
    """A sentence for each medium that says it is interlaced and gets steps that take its frames for whole pictures.

    Raises:
        MediaError: A frame cannot be read.
    """
    told: dict[str, None] = {}
    for item, decision in zip(bound, decisions, strict=True):
        whole = [part.recipe for part in decision.parts if part.recipe and _STEP not in part.recipe.as_dict()]
        if item.medium is not None and whole and _marked(item.medium):
            name = f"{item.medium.path.name} says that it is interlaced"
            told[f"{name}, but its frames are taken for whole pictures; --set deint=auto takes the fields apart"] = None
    return list(told)


def _marked(medium: Media) -> bool:
    try:
        return bool(medium.video.get_frame(0).props.get("_FieldBased", 0))
    except vs.Error as error:
        raise frame_error(error) from error


def _open(recipe: Recipe) -> bool:
    return any(step.name == _STEP and step.complete["field_order"] == "auto" for step in recipe)


def _told(recipe: Recipe, order: str) -> Recipe:
    return recipe.with_steps({_STEP: {"field_order": order}}) if _open(recipe) else recipe
