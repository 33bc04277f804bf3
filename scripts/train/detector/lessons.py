"""What a network is taught to find, and how the film that it learns from is damaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import vapoursynth as vs
from simulator import CLASSES, Film

from vsfilmrestore.filters._dirt_sight import Sight, sight
from vsfilmrestore.filters._motion import analysis_luma
from vsfilmrestore.filters._wire_sight import WIDEST, motion_behind, thickness_in, wire_sight

__all__ = ["DIRT", "HARD_DIRT", "LESSONS", "WIRES", "Lesson"]


@dataclass(frozen=True)
class Lesson:
    """A lesson.

    Attributes:
        name: The task of the network.
        found: Classes to find.
        between: Classes that are neither right nor wrong; all others are to be left.
        chances: How often each class is in a sample; breaks of whole frames are somebody else's.
        painted: Whether more specks are painted on most samples.
        gauge: The film, where not any will do.
        look: What the filter sees of a clip on a film.
        hard: Whether its samples are of the kind that is mistaken most, see `hard`.
    """

    name: str
    found: tuple[str, ...]
    between: tuple[str, ...]
    chances: tuple[float, ...]
    painted: bool
    gauge: str | None
    look: Callable[[vs.VideoNode, Film], Sight]
    hard: bool = False


def _past_wires(clip: vs.VideoNode, film: Film) -> Sight:
    return wire_sight(clip, motion_behind(analysis_luma(clip), thickness_in(WIDEST, film.width)))


def _chances(**each: float) -> tuple[float, ...]:
    return tuple(each.get(name, 0.0) for name in CLASSES)


DIRT = Lesson(
    name="dirt",
    found=("dirt", "sparkle", "hair"),
    between=("stain", "scratch", "wire", "tear", "splice", "missing", "dropout"),
    chances=_chances(dirt=0.85, sparkle=0.6, hair=0.6, stain=0.08, scratch=0.15, wire=0.15),
    painted=True,
    gauge=None,
    look=lambda clip, _: sight(clip),
)

HARD_DIRT = replace(DIRT, hard=True)

WIRES = Lesson(
    name="wires",
    found=("wire",),
    between=("hair", "stain", "scratch"),  # a hair is as thin, and gone in the next frame: no loss where it goes too
    chances=_chances(wire=1.0, dirt=0.25, sparkle=0.2, hair=0.25, stain=0.05, scratch=0.15),
    painted=False,
    gauge="35mm",  # wires hang before the camera: their width is a part of the picture and not of the film
    look=_past_wires,
)

LESSONS = {lesson.name: lesson for lesson in (DIRT, WIRES)}
