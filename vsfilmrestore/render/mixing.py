"""Transitions: how two clips become one over some frames.

Pictures are mixed in their own code values, as editing programs mix them. The edge of a wipe is as wide as one pixel.
Wipes that are not in `wipes.WIPES`, and transitions known by name only, are made as dissolves.
"""

from __future__ import annotations

import vapoursynth as vs

from vsfilmrestore.render.wipes import WIPES, wipe_number

__all__ = ["mixed"]

core = vs.core


def mixed(kind: str, new: vs.VideoNode, old: vs.VideoNode, before: int, length: int) -> vs.VideoNode:
    """Frames of a transition.

    Args:
        kind: As in `Transition.kind`.
        new: The incoming frames.
        old: The outgoing frames, as many.
        before: Frames of the transition before the first of these.
        length: Frames of the whole transition.

    Returns:
        The mixture, ``k / (length + 1)`` done in its frame k counted from 1, with the properties of ``new``.
    """
    share = f"N {1 + before} + {length + 1} /"
    number = wipe_number(kind)
    text = f"x y - {share} * y +" if number is None else _wiped(number, share, new)
    return core.akarin.Expr([new, old], text).std.CopyFrameProps(new)


def _wiped(number: int, share: str, like: vs.VideoNode) -> str:
    places = {"p": "p@", "u": "u@", "v": "v@", "W": str(like.width), "H": str(like.height)}
    edge = " ".join(places.get(word, word) for word in WIPES[number].split())
    setting = f"{share} p! X 0.5 + width / u! Y 0.5 + height / v!"
    return f"{setting} {edge} 0.5 + 0 max 1 min a! a@ 1 = x a@ 0 = y x y - a@ * y + ? ?"
