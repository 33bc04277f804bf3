"""Fade is the film's, not the shot's: it is told by the looks of all shots of one reel together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from vsfilmrestore.assess.colours import fade_of
from vsfilmrestore.assess.one_shot import ShotLook
from vsfilmrestore.assess.results import ShotMeasures

__all__ = ["with_fade"]

_MOST: Final = 120
"""Looks that are enough for any reel."""
_OWN: Final = 3
"""Looks from which on a shot tells the likely intent of its own cast."""


def with_fade(shots: Sequence[ShotMeasures], looks: Sequence[ShotLook], reels: Sequence[str]) -> list[ShotMeasures]:
    """The shots with ``fade.*`` of their reel and ``cast.intent`` of their own."""
    names = list(reels) if len(reels) == len(shots) else [""] * len(shots)
    told = {name: _reel(shots, looks, names, name) for name in set(names)}
    out = []
    for shot, look, name in zip(shots, looks, names, strict=True):
        found = told[name] if look.looks else {}
        if found and len(look.looks) >= _OWN:
            found = found | {"cast.intent": fade_of(look.looks)["cast.intent"]}
        out.append(replace(shot, values={**shot.values, **found}))
    return out


def _reel(
    shots: Sequence[ShotMeasures], looks: Sequence[ShotLook], names: Sequence[str], name: str
) -> dict[str, float | str]:
    """From each shot of the reel in turn, until there are enough; what is no picture tells nothing of its dyes."""
    own = [
        look.looks
        for shot, look, of in zip(shots, looks, names, strict=True)
        if of == name and shot.word("kind") == "picture"
    ]
    chosen = [each[n] for n in range(max(map(len, own), default=0)) for each in own if n < len(each)]
    return fade_of(chosen[:_MOST])
