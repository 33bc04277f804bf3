"""What a user tells of a network whose file does not tell all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from vsfilmrestore.models.card import Card, Commercial

__all__ = ["ExtraKind", "Told"]

type ExtraKind = Literal["number", "scalar", "mask", "picture"]


@dataclass(frozen=True, slots=True)
class Told:
    """Each is '' or None where the user says nothing.

    Attributes:
        name: Name of the card; else from the file.
        task: What it is for.
        family: Networks that are built alike.
        architecture: Architecture, where neither the file nor spandrel tells it.
        summary: One sentence.
        licence: Terms of the weights.
        commercial: Whether paid work may use it.
        author: Who made it.
        home: Where it comes from.
        window: Frames that go in.
        context: Of a sequence, frames at each end of a window that are computed and thrown away.
        crossfade: Of a sequence, frames that windows share.
        channels: Channels of a frame going in.
        colour: What they are.
        order: Order of colours.
        scale: Size out over size in.
        low: Value of black.
        high: Value of white.
        out_low: Value of black in what comes out.
        out_high: Value of white in what comes out.
        multiple: Width and height must be multiples of it.
        minimum: Least width and height.
        half: Whether 16-bit floats are good enough.
        extra: Kind of each input beside the pictures.
        like: A card that tells the rest.
    """

    name: str = ""
    task: str = ""
    family: str = ""
    architecture: str = ""
    summary: str = ""
    licence: str = ""
    commercial: Commercial = "unknown"
    author: str = ""
    home: str = ""
    window: int | None = None
    context: int | None = None
    crossfade: int | None = None
    channels: int | None = None
    colour: Literal["", "rgb", "luma", "yuv", "data"] = ""
    order: Literal["", "rgb", "bgr"] = ""
    scale: int | None = None
    low: float | None = None
    high: float | None = None
    out_low: float | None = None
    out_high: float | None = None
    multiple: int | None = None
    minimum: int | None = None
    half: bool | None = None
    extra: Mapping[str, ExtraKind] = field(default_factory=lambda: MappingProxyType({}))
    like: Card | None = None
