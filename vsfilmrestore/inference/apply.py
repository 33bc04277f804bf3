"""Run a model on a clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import vapoursynth as vs

from vsfilmrestore.inference.colour import GUESSED, STEP, Shown, as_mask, same_shape, show, warn_of_guess
from vsfilmrestore.inference.network import Network
from vsfilmrestore.inference.registry import Registry, registry, usual_lanes
from vsfilmrestore.inference.runtimes.base import Array
from vsfilmrestore.inference.windows import Tap, Windows, windowed
from vsfilmrestore.models.contract import Contract

__all__ = [
    "Prepared",
    "Terms",
    "check_contract",
    "checked_numbers",
    "prepare",
    "run_model",
    "run_network",
    "tell_guess",
]

core = vs.core

_NAME: Final = "run_model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a network is to be run; `run_model` tells what each means."""

    sha256: str = ""
    numbers: Mapping[str, float] | None = None
    clips: Mapping[str, vs.VideoNode] | None = None
    time: float | None = None
    crossfade: int | None = None
    tile: tuple[int, int] | None = None
    device: str = "auto"
    precision: str = "auto"
    lanes: int | None = None
    models: Registry | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A clip and a network that fit together; nothing was read or run.

    Attributes:
        shown: The clip as the network sees it.
        taps: What goes into windows: the clip, then its masks and pictures.
        names: Those of the masks and pictures.
        windows: The grid.
        network: The network.
        lanes: Windows that are worked on at a time.
    """

    shown: Shown
    taps: list[Tap]
    names: list[str]
    windows: Windows
    network: Network
    lanes: int


def run_model(
    clip: vs.VideoNode,
    model: Path | str,
    contract: Contract,
    *,
    sha256: str = "",
    strength: float = 1.0,
    numbers: Mapping[str, float] | None = None,
    clips: Mapping[str, vs.VideoNode] | None = None,
    time: float | None = None,
    crossfade: int | None = None,
    tile: tuple[int, int] | None = None,
    device: str = "auto",
    precision: str = "auto",
    lanes: int | None = None,
    models: Registry | None = None,
) -> vs.VideoNode:
    """What a model makes of a clip, in the clip's own format.

    Nothing is read or run until a frame is asked for. The clip is taken as one shot: beyond its ends the network sees
    it mirrored.

    Args:
        clip: Any constant format of 8 to 16 bits or float, on the CPU or a graphics card.
        model: The model's file.
        contract: What it wants and gives.
        sha256: What the file's bytes must add up to; '' takes them as they are.
        strength: Share of what the model changes that is taken, 0..1 or more. Not for ``time``.
        numbers: Values of its numbers and scalars by name; their defaults otherwise.
        clips: Its masks and pictures by name, of the clip's size and length.
        time: For a model between two frames: frame n of the result stands at ``n + time``, 0 < time < 1. The last
            frame is the clip's own.
        crossfade: Frames that windows share, for a model that gives several frames; None for what its contract says.
        tile: Height and width of tiles; (0, 0) for whole pictures, None to choose by memory.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``tensorrt``, ``directml``, ``coreml``, ``openvino``;
            ``mlrt:cpu``, ``mlrt:openvino`` … for VapourSynth's own plug-ins, see `inference.mlrt`.
        precision: ``auto``, ``fp32``, ``fp16``, or with torch ``bf16``, for runtimes that can choose.
        lanes: Windows that are worked on at a time; None for as many as the cores are good for.
        models: Where loaded models are kept; the process's own registry if not given.

    Returns:
        Format, length and properties of the clip; the size times the model's scale.

    Raises:
        vs.Error: The clip, the contract and the settings do not fit together.
        ModelError: No runtime takes the file.
    """
    if contract.out_channels != contract.channels and contract.colour != "data":
        raise vs.Error(f"{_NAME}: what it makes is no picture like the one it gets; use run_network")
    terms = Terms(
        sha256=sha256, numbers=numbers, clips=clips, time=time, crossfade=crossfade, tile=tile, device=device,
        precision=precision, lanes=lanes, models=models,
    )  # fmt: skip
    shown, made = _made(clip, model, contract, terms)
    result = shown.back(made, strength=strength, whole=time is not None)
    if time is not None:
        result = result[:-1] + shown.source[-1] if clip.num_frames > 1 else shown.source
    return result.std.GPUUpload() if clip.gpu_resident else result


def run_network(
    clip: vs.VideoNode,
    model: Path | str,
    contract: Contract,
    *,
    sha256: str = "",
    numbers: Mapping[str, float] | None = None,
    clips: Mapping[str, vs.VideoNode] | None = None,
    crossfade: int | None = None,
    tile: tuple[int, int] | None = None,
    device: str = "auto",
    precision: str = "auto",
    lanes: int | None = None,
    models: Registry | None = None,
) -> vs.VideoNode:
    """What comes out of a network as it stands, RGBS or GRAYS by its channels: a mask, a map, a picture.

    Arguments and errors are those of `run_model`. The properties are those of the clip as the network saw it.
    """
    terms = Terms(
        sha256=sha256, numbers=numbers, clips=clips, crossfade=crossfade, tile=tile, device=device,
        precision=precision, lanes=lanes, models=models,
    )  # fmt: skip
    _, made = _made(clip, model, contract, terms)
    return made.std.GPUUpload() if clip.gpu_resident else made


def _made(clip: vs.VideoNode, model: Path | str, contract: Contract, terms: Terms) -> tuple[Shown, vs.VideoNode]:
    if contract.colour == "data":
        raise vs.Error(f"{_NAME}: what it gives is no picture; use run_data")
    ready = prepare(clip, model, contract, terms)
    shown, windows = ready.shown, ready.windows

    def work(number: int, frames: list[list[vs.VideoFrame]]) -> tuple[Array, dict[str, float]]:
        tell_guess(frames[0][windows.before])
        pictures, step = ready.network(number, frames, ready.names)
        return pictures, {STEP: step}

    like = core.std.BlankClip(
        shown.clip,
        clip.width * contract.scale,
        clip.height * contract.scale,
        format=vs.RGBS if contract.out_channels == 3 else vs.GRAYS,
    )
    if terms.device.startswith("mlrt:"):
        from vsfilmrestore.inference.mlrt import NativeRun

        values = checked_numbers(contract, terms.numbers or {}, terms.time)
        run = NativeRun(
            ready.taps, ready.names, windows, values, contract, Path(model), terms.sha256, terms.device, terms.tile
        )
        return shown, run.on(like, tell_guess)
    return shown, windowed(ready.taps, windows, like, work, lanes=ready.lanes)


def prepare(clip: vs.VideoNode, model: Path | str, contract: Contract, terms: Terms) -> Prepared:
    """Hold a clip, a contract and terms against one another; arguments and errors are those of `run_model`."""
    path = Path(model)
    check_contract(contract, terms.time)
    shown = show(clip, _colour(contract))
    values = checked_numbers(contract, terms.numbers or {}, terms.time)
    names, taps = _taps(shown, contract, terms.clips or {})
    try:
        shared = contract.crossfade if terms.crossfade is None else terms.crossfade
        windows = Windows(contract.before, contract.frames_out, contract.after, shared)
    except ValueError as error:
        raise vs.Error(f"{_NAME}: {error}") from None
    lanes = usual_lanes(contract.frames_out) if terms.lanes is None else max(1, terms.lanes)
    size = (clip.height, clip.width)
    handle = (registry() if terms.models is None else terms.models).handle(
        path,
        terms.sha256,
        device=terms.device,
        precision=terms.precision,
        lanes=lanes,
        tile=terms.tile or (0, 0),
        contract=contract,
        size=size,
    )
    network = Network(handle, contract, path, size, tile=terms.tile, numbers=values)
    # A frame of the source is in as many windows as it has frames: it is converted once.
    shown.clip.std.SetVideoCache(mode=1, maxsize=windows.size + windows.step * (lanes + 1), maxhistory=0)
    return Prepared(shown, taps, names, windows, network, lanes)


def check_contract(contract: Contract, time: float | None = None) -> None:
    """Refuse contracts that pictures cannot be given by.

    Raises:
        vs.Error: Its channels, its colours and its time contradict one another.
    """
    data, channels = contract.colour == "data", 1 if contract.colour == "luma" else 3
    if data and contract.channels not in (1, 3):
        raise vs.Error(f"{_NAME}: pictures have 1 or 3 channels, not {contract.channels}")
    if not data and (contract.channels != channels or contract.out_channels not in (1, 3)):
        raise vs.Error(
            f"{_NAME}: {contract.colour} has {channels} channels and comes out with 1 or 3, "
            f"not {contract.channels} and {contract.out_channels}"
        )
    if any(values and len(values) != contract.channels for values in (contract.mean, contract.std)):
        raise vs.Error(f"{_NAME}: mean and std must have a number for each of the {contract.channels} channels")
    if not data and len(contract.outputs) > 1:
        raise vs.Error(f"{_NAME}: a picture is one output, not {', '.join(contract.outputs)}")
    if (time is None) != (not contract.time):
        raise vs.Error(f"{_NAME}: time is given to models that make a frame between two others, and to no others")
    if time is not None and not (0 < time < 1 and (contract.before, contract.frames_out, contract.after) == (0, 1, 1)):
        raise vs.Error(f"{_NAME}: time must lie between 0 and 1, and the model take two frames")


def checked_numbers(contract: Contract, given: Mapping[str, float], time: float | None = None) -> dict[str, float]:
    """Values of all numbers and scalars of a network, and of its time.

    Raises:
        vs.Error: One of them is not the network's, or out of range.
    """
    kinds = {extra.name: extra for extra in contract.extra if extra.kind in ("number", "scalar")}
    for name, value in given.items():
        extra = kinds.get(name)
        if extra is None:
            known = ", ".join(kinds) or "none"
            raise vs.Error(f"{_NAME}: the model has no number '{name}'; it has {known}")
        if not extra.low <= value <= extra.high:
            raise vs.Error(f"{_NAME}: {name} must be {extra.low:g}..{extra.high:g}, not {value!r}")
    values = {name: float(given.get(name, extra.default)) for name, extra in kinds.items()}
    return values if time is None else values | {contract.time: float(time)}


def _taps(shown: Shown, contract: Contract, clips: Mapping[str, vs.VideoNode]) -> tuple[list[str], list[Tap]]:
    wanted = {extra.name: extra.kind for extra in contract.extra if extra.kind in ("mask", "picture")}
    if set(clips) != set(wanted):
        words = ", ".join(wanted) or "none"
        raise vs.Error(f"{_NAME}: the model wants these clips: {words}; given: {', '.join(clips) or 'none'}")
    if not same_shape([shown.source, *clips.values()]):
        raise vs.Error(f"{_NAME}: masks and pictures must have the clip's size and length")
    taps = [Tap(shown.clip)]
    for name, kind in wanted.items():
        clip = as_mask(clips[name]) if kind == "mask" else show(clips[name], _colour(contract)).clip
        taps.append(Tap(clip, context=contract.layout == "BTCHW"))
    return list(wanted), taps


def _colour(contract: Contract) -> Literal["rgb", "luma"]:
    grey = contract.colour == "luma" or (contract.colour == "data" and contract.channels == 1)
    return "luma" if grey else "rgb"


def tell_guess(frame: vs.VideoFrame) -> None:
    """Say once if a shown frame's matrix was guessed."""
    guessed = frame.props.get(GUESSED, 0)
    if isinstance(guessed, int) and guessed:
        warn_of_guess(frame.width, frame.height, guessed)
