"""Networks run by the plug-ins of the vapoursynth-mlrt family, inside VapourSynth: ``device="mlrt:cpu"`` and the like.

They are never taken unless they are named: each shot has a copy of the network of its own, made at its first frame,
where our sessions are shared by all shots. They run networks of one 4-dimensional tensor in and one out, for one frame
or a window stacked along the channels.

Run here: ``mlrt:cpu`` and ``mlrt:openvino``. ``mlrt:cuda``, ``mlrt:directml``, ``mlrt:coreml`` and ``mlrt:ncnn``:
built, not run. ``core.trt`` is not offered: it takes engines, which are programs, and not networks.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.errors import InferenceError, InstallationError, ModelError, plain_text
from vsfilmrestore.inference._machine import gpus, total_memory
from vsfilmrestore.inference.colour import STEP
from vsfilmrestore.inference.encoding import Encoding, encoding_of
from vsfilmrestore.inference.runtimes._onnx_file import OnnxFile, in_32_bits, read_onnx, stays_in_16_bits
from vsfilmrestore.inference.runtimes.base import PROCESSORS
from vsfilmrestore.inference.tiles import fitting_tile, padded_size
from vsfilmrestore.inference.windows import Tap, Windows
from vsfilmrestore.media.ends import mirrored
from vsfilmrestore.models.contract import Contract

__all__ = ["PREFIX", "NativeRun", "can_run", "offered"]

core = vs.core

PREFIX: Final = "mlrt:"
_WORKSPACE: Final = 1.5
_UNTOLD: Final = 1024.0
_REACH: Final = 32
_HALF: Final = 10
_FLOAT: Final = 1


def _exact() -> dict[str, str]:
    """Left to itself OpenVINO takes bfloat16 on processors that have it."""
    return {"INFERENCE_PRECISION_HINT": "f32"}


_PLUGINS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "cpu": ("ort", {"provider": ""}),
    "cuda": ("ort", {"provider": "CUDA", "cudnn_benchmark": 0, "tf32": 0}),
    "directml": ("ort", {"provider": "DML"}),
    "coreml": ("ort", {"provider": "COREML"}),
    "openvino": ("ov", {"device": "CPU", "config": _exact}),
    "ncnn": ("ncnn", {}),
}
"""Namespace and arguments by the name behind ``mlrt:``. Source: the plug-ins' own signatures, releases 17."""


def offered() -> tuple[str, ...]:
    """Devices whose plug-ins are loaded and were built for them."""
    return tuple(f"{PREFIX}{name}" for name in _PLUGINS if _is_offered(name))


def _is_offered(name: str) -> bool:
    space, fixed = _PLUGINS[name]
    if not hasattr(core, space):
        return False
    provider = fixed.get("provider")
    if not provider:
        return True
    told = dict(getattr(core, space).Version()).get("providers", "")
    built = (told.decode("ascii", "replace") if isinstance(told, bytes) else str(told)).split()
    return provider in built and (name != "cuda" or bool(gpus()))


def can_run(contract: Contract) -> bool:
    """Whether networks of such a contract can be run natively at all."""
    one = contract.frames_out == 1 and not contract.time and (contract.layout == "stacked" or contract.window == 1)
    numbers = any(extra.kind == "scalar" for extra in contract.extra)
    return one and contract.layout != "BTCHW" and contract.colour in ("rgb", "luma") and not numbers


@dataclass(frozen=True, slots=True)
class NativeRun:
    """A network for a clip; nothing is read or loaded before the first frame.

    Attributes:
        taps: The clip as the network sees it, then its masks and pictures.
        names: Those of the masks and pictures.
        windows: The grid.
        numbers: Values of its numbers by name.
        contract: What it wants and gives.
        path: Its file.
        sha256: What the file's bytes must add up to; '' takes them as they are.
        device: ``mlrt:cpu``, ``mlrt:cuda:1`` …
        tile: Height and width of tiles; 0 takes the whole side, None chooses by memory. Tiles are cut hard.
    """

    taps: Sequence[Tap]
    names: Sequence[str]
    windows: Windows
    numbers: Mapping[str, float]
    contract: Contract
    path: Path
    sha256: str
    device: str
    tile: tuple[int, int] | None = None

    def on(self, like: vs.VideoNode, tell: Callable[[vs.VideoFrame], None]) -> vs.VideoNode:
        """What the network makes.

        Args:
            like: Size, length and format (32-bit float) of what comes out.
            tell: Called with each frame that the network sees.

        Raises:
            InstallationError: The plug-in is not there.
            ModelError: Such a network cannot be run by it.
        """
        model = self._plugin()
        encoding = encoding_of(self.contract)
        if not can_run(self.contract) or None in (_line_in(encoding), _line_out(encoding)):
            raise ModelError(
                f"cannot be run by '{self.device}': it takes one RGB or luma tensor, and gives one picture",
                file=self.path,
                hint="Leave the device open",
            )
        shown = self.taps[0].clip
        box: list[vs.VideoNode] = []
        lock = threading.Lock()

        def node(n: int) -> vs.VideoNode:
            with lock:
                if not box:
                    box.append(self._made(model, encoding, like))
            return box[0]

        lazy = core.std.FrameEval(like, node, clip_src=[tap.clip for tap in self.taps])
        return core.std.ModifyFrame(lazy, [lazy, shown], self._checked(tell))

    def _plugin(self) -> Callable[..., vs.VideoNode]:
        name, _, number = self.device.removeprefix(PREFIX).partition(":")
        if name not in _PLUGINS or (number and not number.isdecimal()):
            known = ", ".join(PREFIX + each for each in _PLUGINS)
            raise ModelError(f"there is no device '{self.device}'", hint=f"Take one of {known}")
        space, fixed = _PLUGINS[name]
        if not hasattr(core, space):
            raise InstallationError(
                f"'{self.device}' needs the plug-in '{space}'", hint=f"Install it: pip install vapoursynth-mlrt-{space}"
            )
        chosen: dict[str, Any] = {"device_id": int(number)} if number else {}

        def model(*arguments: Any, **options: Any) -> vs.VideoNode:
            made: vs.VideoNode = getattr(core, space).Model(*arguments, **fixed, **chosen, **options)
            return made

        return model

    def _made(self, model: Callable[..., vs.VideoNode], encoding: Encoding, like: vs.VideoNode) -> vs.VideoNode:
        """In 32 bits on processors, if it goes; else as the file is."""
        file = read_onnx(self.path, self.sha256)
        half = _wants_half(file, self.path)
        no_half = self.device.startswith(f"{PREFIX}openvino")
        wide = in_32_bits(file, self.path, border=not no_half) if self.device in PROCESSORS else None
        if wide is not None:
            try:
                return self._made_of(wide, model, encoding, like, half)
            except ModelError as error:
                with suppress(ModelError):
                    made = self._made_of(file, model, encoding, like, half)
                    stays_in_16_bits(self.path, error.message)
                    return made
                raise
        if half and no_half:
            raise ModelError(f"'{self.device}' takes no 16-bit networks", file=self.path, hint="Take mlrt:cpu")
        return self._made_of(file, model, encoding, like, half)

    def _made_of(
        self, file: OnnxFile, model: Callable[..., vs.VideoNode], encoding: Encoding, like: vs.VideoNode, half: bool
    ) -> vs.VideoNode:
        """What a file makes; ``half`` says that it is shown 16-bit floats and gives such."""
        clips = self._inputs(encoding)
        height, width = (
            padded_size(side, self.contract.multiple, self.contract.minimum)
            for side in (clips[0].height, clips[0].width)
        )
        clips = [_padded(clip, height, width, self.path) for clip in clips]
        tile, reach = self._tiles(file, (height, width))
        options: dict[str, Any] = {"tilesize": list(tile[::-1]), "overlap": [reach, reach]} if any(tile) else {}
        if half:
            clips = [_in_half(clip) for clip in clips]
        if half and _wants_half(file, self.path):
            options["output_format"] = 1
        elif half:
            clips = [_in_full(clip) for clip in clips]
        try:
            made = model(clips, file.data, path_is_serialization=1, **options)
        except vs.Error as error:
            raise ModelError(f"'{self.device}' does not take it: {plain_text(error)[:300]}", file=self.path) from None
        wanted = (width * self.contract.scale, height * self.contract.scale, like.format.num_planes)
        if (made.width, made.height, made.format.num_planes) != wanted:
            raise ModelError(f"gives {made.width}x{made.height}, its card says otherwise", file=self.path)
        made = _in_half(made) if half else made
        made = made.std.CropAbs(like.width, like.height).resize.Point(format=like.format.id)
        low, span = _line_out(encoding) or (0.0, 1.0)
        made = made if (low, span) == (0.0, 1.0) else core.akarin.Expr(made, f"x {low!r} - {span!r} /")
        step = float(np.finfo(np.float16 if half else np.float32).epsneg) / 2 * encoding.gain
        return made.std.CopyFrameProps(self.taps[0].clip).std.SetFrameProps(**{STEP: step})

    def _inputs(self, encoding: Encoding) -> list[vs.VideoNode]:
        """The window, then what follows it along the channels, in the order of the card."""
        before, after = self.windows.before, self.windows.after
        shown = self.taps[0].clip
        long = mirrored(shown, before, after)
        window = [long[at : at + shown.num_frames] for at in range(self.windows.size)]
        others = dict(zip(self.names, (tap.clip for tap in self.taps[1:]), strict=True))
        masks = {extra.name for extra in self.contract.extra if extra.kind == "mask"}
        low, span = _line_in(encoding) or (0.0, 1.0)

        def written(clip: vs.VideoNode) -> vs.VideoNode:
            return clip if (low, span) == (0.0, 1.0) else core.akarin.Expr(clip, f"x {span!r} * {low!r} +")

        clips = [written(clip) for clip in window]
        for extra in self.contract.extra:
            if extra.name in others:
                clips.append(others[extra.name] if extra.name in masks else written(others[extra.name]))
            else:
                clips.append(core.std.BlankClip(shown, format=vs.GRAYS, color=self.numbers[extra.name], keep=True))
        return clips

    def _tiles(self, file: OnnxFile, size: tuple[int, int]) -> tuple[tuple[int, int], int]:
        """Height and width of tiles, (0, 0) for the whole, and their overlap; they keep to the network's grid."""
        contract = self.contract
        multiple = contract.multiple
        tile = self.tile
        if tile is None:
            each = (_UNTOLD if file.per_pixel is None else file.per_pixel) * _WORKSPACE
            tile = fitting_tile(size, each, total_memory() / 2)
        whole = [not 0 < t < s for t, s in zip(tile, size, strict=True)]
        if all(whole) or not contract.tiled:
            return (0, 0), 0
        reach = padded_size(_REACH if contract.receptive is None else contract.receptive, multiple, 0)
        least = 2 * reach + multiple
        cut = [s if w else min(s, padded_size(t, multiple, least)) for t, s, w in zip(tile, size, whole, strict=True)]
        return (cut[0], cut[1]), reach

    def _checked(self, tell: Callable[[vs.VideoFrame], None]) -> Callable[..., vs.VideoFrame]:
        def check(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
            made, shown = f
            tell(shown)
            with np.errstate(all="ignore"):
                sums = [float(np.asarray(made[p]).sum(dtype=np.float32)) for p in range(made.format.num_planes)]
            if not all(map(math.isfinite, sums)):
                raise InferenceError("the network gives values that are no numbers", file=self.path, frame=n)
            return made

        return check


def _line_in(encoding: Encoding) -> tuple[float, float] | None:
    """Black and the span to white, where they are all that a network wants otherwise."""
    return _line(encoding.matrix, encoding.offset)


def _line_out(encoding: Encoding) -> tuple[float, float] | None:
    """The same of what it gives."""
    return _line(encoding.out_matrix, encoding.out_offset)


def _line(matrix: npt.NDArray[np.float64], offset: npt.NDArray[np.float64]) -> tuple[float, float] | None:
    span, low = float(matrix[0, 0]), float(offset[0])
    plain = np.array_equal(matrix, np.eye(len(offset)) * span) and (offset == low).all()
    return (low, span) if plain else None


def _wants_half(file: OnnxFile, path: Path) -> bool:
    import onnx

    if file.external:
        raise ModelError("has its weights in other files, which these plug-ins do not take", file=path)
    graph = onnx.load_model_from_string(file.data).graph
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    kinds = {value.type.tensor_type.elem_type for value in inputs}
    if len(inputs) != 1 or len(graph.output) != 1 or not kinds <= {_FLOAT, _HALF}:
        raise ModelError("has more than one input or output, which these plug-ins do not take", file=path)
    return kinds == {_HALF}


def _in_half(clip: vs.VideoNode) -> vs.VideoNode:
    return clip.resize.Point(format=vs.RGBH if clip.format.num_planes == 3 else vs.GRAYH)


def _in_full(clip: vs.VideoNode) -> vs.VideoNode:
    return clip.resize.Point(format=vs.RGBS if clip.format.num_planes == 3 else vs.GRAYS)


def _padded(clip: vs.VideoNode, height: int, width: int, path: Path) -> vs.VideoNode:
    """Mirrored on the right and below; the last row and column are not repeated."""
    right, below = width - clip.width, height - clip.height
    if right >= clip.width or below >= clip.height:
        raise ModelError(f"wants pictures larger than {clip.width}x{clip.height}", file=path)
    if right:
        beyond = clip.std.CropAbs(right, clip.height, clip.width - 1 - right, 0).std.FlipHorizontal()
        clip = core.std.StackHorizontal([clip, beyond])
    if below:
        beyond = clip.std.CropAbs(clip.width, below, 0, clip.height - 1 - below).std.FlipVertical()
        clip = core.std.StackVertical([clip, beyond])
    return clip
