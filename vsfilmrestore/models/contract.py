"""What a network wants and gives: the tensor contract of a model card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Contract", "ExtraInput"]

type Layout = Literal["BCHW", "BTCHW", "stacked"]
type Colour = Literal["rgb", "luma", "yuv", "data"]
type Order = Literal["rgb", "bgr"]


@dataclass(frozen=True, slots=True)
class ExtraInput:
    """An input beside the pictures.

    Attributes:
        name: Name of the tensor. Where the network has no tensor of that name, the planes lie behind the picture's
            channels in its one input, in the order of the card.
        kind: ``number`` fills a plane of the picture's size with a value; ``scalar`` is a tensor of one number;
            ``mask`` and ``picture`` are clips.
        default: Value of a number or scalar.
        low: Least value.
        high: Largest value.
    """

    name: str
    kind: Literal["number", "scalar", "mask", "picture"]
    default: float = 0.0
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True, slots=True)
class Contract:
    """The tensors of a network.

    Attributes:
        layout: ``BCHW``: one frame, or a window each frame of which has a tensor of its own; ``stacked``: the frames of
            a window one after the other along the channels of BCHW; ``BTCHW``: a window with its own dimension.
        channels: Channels of a frame going in.
        out_channels: Channels of a frame coming out.
        colour: What the channels are: ``rgb``; ``luma`` (one channel); ``yuv`` (Y'CbCr as in JPEG: BT.601, full range,
            colourless chroma half-way from ``low`` to ``high``); or ``data``: RGB or luma goes in, and what comes out
            is no picture.
        order: Order of colours, ``rgb`` or ``bgr``.
        low: Value of black (0.0 or -1.0).
        high: Value of white.
        mean: Taken from each channel, after it was brought to ``low``..``high``, in the order the network gets them;
            () for none. A picture that comes out goes the same way back if it has as many channels.
        std: What each channel is then divided by; () for none.
        out_low: Value of black in what comes out; None if it is as in what goes in. Where it or ``out_high`` is told,
            a picture that comes out is taken by these alone, without mean and deviation.
        out_high: Value of white in what comes out.
        before: Frames before the one asked for that go in.
        after: Frames after it that go in.
        frames_out: Frames that come out of one run: 1, or the length of a window of a sequence-to-sequence model.
        crossfade: Frames that neighbouring windows of a sequence share, faded from one to the other; at most half of
            ``frames_out``.
        scale: Size out over size in.
        multiple: Width and height must be multiples of it.
        minimum: Least width and height.
        receptive: Pixels around a pixel on which its result depends; None if all, or unknown.
        half: Whether 16-bit floats are good enough for it.
        time: Name of the input that takes the time between two frames, '' if none.
        extra: Other inputs.
        tiled: Whether it may be run on tiles.
        size: The only width and height it takes, (0, 0) if it takes any.
        outputs: Names of the outputs that are used; () for the first one, or for all where they are data.
    """

    layout: Layout = "BCHW"
    channels: int = 3
    out_channels: int = 3
    colour: Colour = "rgb"
    order: Order = "rgb"
    low: float = 0.0
    high: float = 1.0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    out_low: float | None = None
    out_high: float | None = None
    before: int = 0
    after: int = 0
    frames_out: int = 1
    crossfade: int = 0
    scale: int = 1
    multiple: int = 1
    minimum: int = 1
    receptive: int | None = None
    half: bool = False
    time: str = ""
    extra: tuple[ExtraInput, ...] = ()
    tiled: bool = True
    size: tuple[int, int] = (0, 0)
    outputs: tuple[str, ...] = ()

    @property
    def out_range(self) -> tuple[float, float]:
        """Black and white in what comes out."""
        low = self.low if self.out_low is None else self.out_low
        return low, self.high if self.out_high is None else self.out_high

    @property
    def window(self) -> int:
        """Frames that go in."""
        return self.before + self.frames_out + self.after
