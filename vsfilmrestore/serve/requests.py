"""What a client has open and waits for, and the messages that tell it so."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from fractions import Fraction

import vapoursynth as vs

from vsfilmrestore.serve import wire
from vsfilmrestore.serve.ring import Layout, Ring
from vsfilmrestore.serve.supply import Source
from vsfilmrestore.serve.through import Through

__all__ = ["Opened", "Wanted", "frame_of", "info_of", "slot_of"]


@dataclass(slots=True, eq=False)
class Opened:
    """A source of a client, with its memory."""

    number: int
    what: Source | Through
    depth: int
    ring: Ring
    busy: set[int] = field(default_factory=set)
    """Slots the server works on."""


@dataclass(slots=True, eq=False)
class Wanted:
    """A request that is not answered yet."""

    request: int
    opened: Opened
    since: float
    layout: Layout
    frame: vs.VideoFrame | None = None
    shot: str = ""
    flags: int = 0
    future: Future[vs.VideoFrame] | None = None
    reserves: bool = False
    placed: bool = False
    """It has a slot."""
    working: bool = False
    """Its picture is being written; it can be cancelled no more."""

    @property
    def waits(self) -> bool:
        """Whether all it waits for is a slot."""
        return not self.placed and (self.reserves or self.frame is not None)


def info_of(opened: Opened, layout: Layout) -> wire.Info:
    """INFO of a source."""
    what, ring = opened.what, opened.ring
    rate: Fraction = what.rate
    return wire.Info(
        source=opened.number,
        width=layout.width,
        height=layout.height,
        rate_numerator=rate.numerator,
        rate_denominator=rate.denominator,
        first=0,
        frames=0 if isinstance(what, Through) else what.frames,
        radius=what.radius if isinstance(what, Through) else 0,
        ring=ring.number,
        slots=ring.slots,
        slot_bytes=ring.slot_bytes,
        depth=opened.depth,
        colour="" if isinstance(what, Through) else what.colour,
    )


def slot_of(opened: Opened, layout: Layout, slot: int) -> wire.Slot:
    """SLOT for one who writes."""
    ring = opened.ring
    return wire.Slot(ring.number, slot, ring.offset(slot), layout.stride, layout.plane, layout.frame)


def frame_of(wanted: Wanted, slot: int) -> wire.FrameMessage:
    """FRAME of a request whose picture lies in a slot."""
    layout, ring = wanted.layout, wanted.opened.ring
    return wire.FrameMessage(
        source=wanted.opened.number,
        ring=ring.number,
        slot=slot,
        offset=ring.offset(slot),
        stride=layout.stride,
        plane=layout.plane,
        width=layout.width,
        height=layout.height,
        depth=layout.depth,
        flags=wanted.flags,
        shot=wire.fitting_text(wanted.shot),
    )
