"""The tensor contract of an ONNX file, read from its graph: nothing is run.

Windows are read from channels (3 n: n frames one after the other) or from a fifth dimension, the scale and what sizes
must be multiples of by following shapes through the graph. What the graph leaves open, the user is asked for by name
of the option.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal, cast

from vsfilmrestore.errors import UsageError
from vsfilmrestore.models.contract import Contract, ExtraInput
from vsfilmrestore.models.onnx_graph import Graph, Port
from vsfilmrestore.models.told import ExtraKind, Told

__all__ = ["contract_of"]

_FLOATS: Final = ("fp32", "fp16")
_TIMES: Final = ("t", "time", "timestep")
_MULTIPLES: Final = (128, 64, 32, 16, 8, 4, 2, 1)
_LEVELS: Final = ("sigma", "noise", "level", "strength", "dose")
_SIDE: Final = 512


def contract_of(path: Path, graph: Graph, told: Told) -> Contract:
    """Contract of a network.

    Args:
        path: The file, for messages.
        graph: What it says of itself.
        told: What the user says.

    Raises:
        UsageError: It does not fit our kinds of network, or the user must tell more.
    """
    picture = _picture(path, graph)
    frame, size = _frame(path, picture)
    time, extra, planes = _extras(path, graph, picture, told)
    channels, window = _window(path, picture, frame, planes, told)
    outputs = _Outputs(path, graph, picture, window, size)
    out = outputs.picture
    scale, multiple = outputs.scale_and_multiple(told)
    colour = told.colour or ("data" if out is None else "luma" if channels == 1 else "rgb")
    if told.order == "bgr" and (channels != 3 or colour == "yuv"):
        raise UsageError("has no red, green and blue that could come in another order", file=path)
    out_channels, frames_out = _out(path, out, channels, window)
    frames_out, crossfade = _sequence(path, frames_out, window, told)
    before, odd = divmod(window - frames_out, 2)
    if odd and not time and told.window is None:
        raise _open(path, f"takes {window} frames and gives {frames_out}", "window", "if that is right")
    return Contract(
        layout=_layout(picture, window),
        channels=channels,
        out_channels=out_channels,
        colour=cast(Any, colour),
        order=told.order or "rgb",
        low=0.0 if told.low is None else told.low,
        high=1.0 if told.high is None else told.high,
        out_low=told.out_low,
        out_high=told.out_high,
        before=before,
        after=before + odd,
        frames_out=frames_out,
        crossfade=crossfade,
        scale=scale,
        multiple=told.multiple or multiple,
        minimum=told.minimum or told.multiple or multiple,
        half=told.half if told.half is not None else picture.kind == "fp16",
        time=time,
        extra=extra,
        tiled=size == (0, 0) and colour != "data",
        size=size,
    )


def _layout(picture: Port, window: int) -> Literal["BCHW", "BTCHW", "stacked"]:
    if len(picture.shape) == 5:
        return "BTCHW"
    return "BCHW" if window == 1 else "stacked"


def _picture(path: Path, graph: Graph) -> Port:
    found = [port for port in graph.inputs if len(port.shape) in (4, 5)]
    if not found:
        raise UsageError("takes no picture: no input has four or five dimensions", file=path)
    picture = found[0]
    if picture.kind not in _FLOATS:
        raise UsageError(f"takes {picture.kind} numbers, not fp32 or fp16", file=path, hint="Export it with floats")
    return picture


def _frame(path: Path, picture: Port) -> tuple[int, tuple[int, int]]:
    """Channels of the input, and the only size it takes."""
    batch, channels, height, width = picture.shape[0], *picture.shape[-3:]
    if batch not in (None, 1):
        raise UsageError(f"takes {batch} pictures at once", file=path, hint="Export it with a batch of 1")
    if channels is None:
        raise UsageError("does not tell its channels", file=path, hint="Export it with height and width open only")
    if width in (1, 3) and height != width and channels not in (1, 3):
        raise UsageError("has its channels last (BHWC)", file=path, hint="Export it as BCHW")
    if (height is None) != (width is None):
        raise UsageError("leaves only one of height and width open", file=path, hint="Export it with both open")
    return channels, (width or 0, height or 0)


def _extras(path: Path, graph: Graph, picture: Port, told: Told) -> tuple[str, tuple[ExtraInput, ...], int]:
    """Name of the time, other inputs, and how many planes of them lie behind the picture's channels."""
    ports = {port.name: port for port in graph.inputs if port is not picture}
    kinds = dict(told.extra)
    time = next((name for name in ports if name.lower() in _TIMES and name not in kinds), "")
    found = [_extra(name, kinds.get(name) or _kind(path, port)) for name, port in ports.items() if name != time]
    within = [_extra(name, kind) for name, kind in kinds.items() if name not in ports]
    for each in within:
        if each.kind == "scalar":
            raise UsageError(f"has no input '{each.name}'", file=path, hint=f"Inputs: {', '.join(ports) or 'none'}")
    planes = sum((told.channels or 3) if each.kind == "picture" else 1 for each in within)
    return time, (*found, *within), planes


def _extra(name: str, kind: ExtraKind) -> ExtraInput:
    return ExtraInput(name, kind)


def _kind(path: Path, port: Port) -> ExtraKind:
    if len(port.shape) <= 2:
        return "scalar"
    if len(port.shape) == 4 and port.shape[1] == 1:
        if "mask" in port.name.lower():
            return "mask"
        if any(word in port.name.lower() for word in _LEVELS):
            return "number"
    if len(port.shape) == 4 and port.shape[1] == 3:
        return "picture"
    hint = f"Say --extra {port.name}=number, mask or picture"
    raise UsageError(f"has an input '{port.name}' whose meaning it does not tell", file=path, hint=hint)


def _window(path: Path, picture: Port, total: int, planes: int, told: Told) -> tuple[int, int]:
    """Channels of a frame, and frames that go in."""
    if len(picture.shape) == 5:
        frames = picture.shape[1] or told.window
        if frames is None:
            raise _open(path, "takes any number of frames", "window", "how many to give it")
        if told.window not in (None, frames):
            raise UsageError(f"takes {frames} frames, not {told.window}", file=path)
        return total, frames
    rest = total - planes
    if told.window:
        channels, odd = divmod(rest, told.window)
        if odd or channels < 1 or told.channels not in (None, channels):
            raise UsageError(f"has {rest} channels, which are not {told.window} frames", file=path)
        return channels, told.window
    channels = told.channels or (rest if rest in (1, 3) else 3)
    frames, odd = divmod(rest, channels)
    if odd or frames < 1:
        raise _open(path, f"takes {total} channels", "extra", "what they are, as in --extra noise=number")
    if frames % 2 == 0:
        hint = "Say --window 2 for two frames, or --extra reference=picture for a picture and its reference"
        raise UsageError(f"takes {rest} channels, which may mean several things", file=path, hint=hint)
    return channels, frames


def _out(path: Path, out: Port | None, channels: int, window: int) -> tuple[int, int]:
    """Channels of a frame coming out, and frames that come out of one run."""
    if out is None:
        return 0, 1
    total = out.shape[-3]
    if total is None:
        raise UsageError("does not tell the channels it gives", file=path, hint="Export it with shapes")
    if len(out.shape) == 5:
        return total, out.shape[1] or window
    many = window > 1 and total == window * channels
    return (channels, window) if many else (total, 1)


def _sequence(path: Path, frames_out: int, window: int, told: Told) -> tuple[int, int]:
    """Frames of a run that are kept, and how many windows share."""
    if frames_out == 1 or frames_out != window:
        if told.context or told.crossfade:
            raise UsageError("is no sequence: context and crossfade are for as many frames out as go in", file=path)
        return frames_out, 0
    kept, shared = window - 2 * (told.context or 0), told.crossfade or 0
    if kept < 1 or 2 * shared > kept:
        message = f"gives {window} frames: {told.context or 0} of context at each end and {shared} shared leave no grid"
        raise UsageError(message, file=path, hint="Windows may share half of the frames that are kept")
    return kept, shared


class _Outputs:
    """What comes out for pictures of a size."""

    def __init__(self, path: Path, graph: Graph, picture: Port, window: int, size: tuple[int, int]) -> None:
        self._path, self._graph, self._window, self._size = path, graph, window, size
        self._tried: dict[int, tuple[Port, ...] | None] = {}
        self._followed = _first(self._at(_SIDE) or ())
        self.picture = self._followed or _first(graph.outputs)

    def scale_and_multiple(self, told: Told) -> tuple[int, int]:
        """Size out over size in, and the least number both sides of a picture must be multiples of."""
        if self.picture is None:
            return 1, self._multiple(None)
        side = self._size[0] or _SIDE
        width = self._followed.shape[-1] if self._followed else None
        if width is None:
            if told.scale is None:
                raise _open(self._path, "does not tell the size it gives", "scale", "size out over size in")
            return told.scale, 1
        scale, odd = divmod(width, side)
        if odd or scale < 1:
            raise UsageError(f"makes {width} columns of {side}, which is no whole scale", file=self._path)
        if told.scale not in (None, scale):
            raise UsageError(f"has scale {scale}, not {told.scale}", file=self._path)
        return scale, self._multiple(scale)

    def _multiple(self, scale: int | None) -> int:
        """Goes down as long as sides that are multiples of a number, and of nothing larger, fit."""
        best = 1 if any(self._size) else _MULTIPLES[0]
        for each in () if any(self._size) else _MULTIPLES:
            if not all(self._fits(side, scale) for side in (_SIDE - each, _SIDE - _MULTIPLES[0] + each)):
                break
            best = each
        return best

    def _fits(self, side: int, scale: int | None) -> bool:
        ports = self._at(side)
        out = _first(ports or ())
        return ports is not None and (scale is None or (out is not None and out.shape[-2:] == (side * scale,) * 2))

    def _at(self, side: int) -> tuple[Port, ...] | None:
        """All that comes out where both sides are this long; None if it does not fit."""
        if side not in self._tried:
            width, height = self._size if any(self._size) else (side, side)
            sizes: dict[str, tuple[int, ...]] = {}
            for port in self._graph.inputs:
                if len(port.shape) == 5:
                    sizes[port.name] = (1, port.shape[1] or self._window, port.shape[2] or 1, height, width)
                elif len(port.shape) == 4:
                    sizes[port.name] = (1, port.shape[1] or 1, height, width)
            self._tried[side] = self._graph.shapes_for(sizes)
        return self._tried[side]


def _first(ports: tuple[Port, ...]) -> Port | None:
    return next((port for port in ports if len(port.shape) in (4, 5) and port.kind in _FLOATS), None)


def _open(path: Path, what: str, option: str, meaning: str) -> UsageError:
    return UsageError(what, file=path, hint=f"Say --{option} ({meaning})")
