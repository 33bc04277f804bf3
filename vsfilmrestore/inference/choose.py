"""Which device runs a network where the user leaves it open (``device="auto"``): measured once, then remembered.

What is measured is a small tile on each device, when the network is first loaded; never while a graph is built, and
never where there is one device only. Devices whose picture differs from the processor's by more than rounding are out.
The choice stands in the user's cache folder under all that decides it: the network, the class of picture sizes, the
machine. So the second run takes the device of the first one.
"""

from __future__ import annotations

import hashlib
import logging
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.errors import VsfrError
from vsfilmrestore.inference._machine import cores, gpus
from vsfilmrestore.inference.binding import bind
from vsfilmrestore.inference.choices import Choice, Choices, Tried
from vsfilmrestore.inference.runtimes.base import Array, Runtime, Session, run_in
from vsfilmrestore.inference.tiles import padded_size
from vsfilmrestore.models.contract import Contract

__all__ = ["Asked", "candidates", "choose", "machine", "probe", "size_class"]

log = logging.getLogger(__name__)

_CLASSES: Final = {"sd": 600_000, "hd": 1_300_000, "2k": 3_300_000}
"""Classes of picture sizes, and the most pixels of each; beyond is ``4k``."""
_TILES: Final = {"sd": 128, "hd": 192, "2k": 256, "4k": 256}
_SECONDS: Final = 2.0
_RUNS: Final = 5
_CLEARLY: Final = 1.1
"""How much faster a device must be than one that stands before it: what is equal is not decided by noise."""
_SAME: Final = 1 / 1023
_SAME_HALF: Final = 1 / 255

_measuring = threading.Lock()


@dataclass(frozen=True, slots=True)
class Asked:
    """A network for which a device is wanted.

    Attributes:
        path: Its file.
        sha256: What its bytes must add up to; '' takes them as they are.
        contract: What it wants and gives.
        size: Height and width of the pictures.
        precision: ``auto``, ``fp32`` or ``fp16``; it is never changed.
        threads: Processor threads of one run.
        parallel: Runs that will go on at a time.
    """

    path: Path
    sha256: str
    contract: Contract
    size: tuple[int, int]
    precision: str = "auto"
    threads: int = 1
    parallel: int = 1


def size_class(size: tuple[int, int]) -> str:
    """The class of a picture's size: ``sd``, ``hd``, ``2k`` or ``4k``."""
    return next((name for name, most in _CLASSES.items() if size[0] * size[1] <= most), "4k")


def candidates(runtime: Runtime) -> tuple[str, ...]:
    """Devices ``auto`` may take, the best first: those behind the processor must be asked for.

    Raises:
        InstallationError: The runtime is not installed.
    """
    offered = runtime.devices()
    return offered[: offered.index("cpu") + 1] if "cpu" in offered else offered


def machine(runtime: Runtime, devices: Sequence[str]) -> dict[str, Any]:
    """What of the machine decides a choice. Call it after the runtime was asked for its devices."""
    cards = [f"{card.name}, driver {card.driver}" for card in gpus()] if any(d != "cpu" for d in devices) else []
    library = str(getattr(sys.modules.get(runtime.name), "__version__", ""))
    facts = {"runtime": f"{runtime.name} {library}", "cores": cores(), "cards": cards, "devices": list(devices)}
    return facts | {"precision": {device: run_in(runtime.name, device, "auto") for device in devices}}


def choose(runtime: Runtime, asked: Asked, store: Choices) -> Choice:
    """The device for a network: the one there is, the one that was chosen before, or the one a measurement finds.

    Raises:
        InstallationError: The runtime is not installed.
        ModelError: No device takes the file.
    """
    devices = candidates(runtime)
    if len(devices) == 1:
        return Choice(devices[0], "the only one there is", ())
    kind = size_class(asked.size)
    facts = {
        "model": asked.sha256.lower() or _sha256_of(asked.path),
        "size": kind,
        "precision": asked.precision,
        "machine": machine(runtime, devices),
    }
    with _measuring:  # one at a time: two would disturb each other, and most often they ask for the same
        known = store.find(facts)
        if known is not None and known.device in devices:
            return known
        choice = _best(_measured(runtime, asked, devices, kind))
        store.keep(facts, choice)
    log.info("%s: '%s' for %s pictures, %s", asked.path.name, choice.device, kind, choice.why)
    return choice


def _sha256_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return str(path.absolute())  # what is wrong with it is told when it is loaded


@dataclass(slots=True)
class _Runner:
    """A device that is being measured."""

    session: Session
    arrays: list[dict[str, Array]]
    picture: Array
    pixels: int
    best: float = float("inf")

    def round(self) -> None:
        """As many runs at a time as there will be; the best time of one counts."""
        with ThreadPoolExecutor(len(self.arrays)) as pool:
            start = perf_counter()
            list(pool.map(self.session.run, self.arrays))
            self.best = min(self.best, (perf_counter() - start) / len(self.arrays))

    @property
    def half(self) -> bool:
        """Whether its numbers have 16 bits."""
        return any(spec.dtype == np.float16 for spec in (*self.session.inputs, *self.session.outputs))


def _measured(runtime: Runtime, asked: Asked, devices: Sequence[str], kind: str) -> list[Tried]:
    """Each device, round by round in turns: what else the machine does hits all of them."""
    runners: dict[str, _Runner] = {}
    failed: dict[str, VsfrError] = {}
    try:
        for device in devices:
            try:
                runners[device] = _runner(runtime, asked, device, kind)
            except VsfrError as error:
                failed[device] = error
        if not runners:
            raise failed[devices[-1]]
        end = perf_counter() + _SECONDS
        for _ in range(_RUNS if len(runners) > 1 else 1):
            for runner in runners.values():
                runner.round()
            if perf_counter() + sum(each.best * len(each.arrays) for each in runners.values()) > end:
                break
        reference = runners.get("cpu", next(iter(runners.values())))
        pixels = asked.size[0] * asked.size[1]
        return [
            Tried(device, None, None, failed[device].message)
            if device in failed
            else _tried(device, runners[device], reference, asked.contract, pixels)
            for device in devices
        ]
    finally:
        for runner in runners.values():
            runner.session.close()


def _runner(runtime: Runtime, asked: Asked, device: str, kind: str) -> _Runner:
    session = runtime.load(
        asked.path,
        asked.sha256,
        device=device,
        precision=asked.precision,
        threads=asked.threads,
        parallel=asked.parallel,
    )
    try:
        arrays, pixels, place = probe(session, asked.contract, asked.path, _TILES[kind])
        picture = session.run(arrays)[place].copy()
    except BaseException:
        session.close()
        raise
    copies = [{name: array.copy() for name, array in arrays.items()} for _ in range(session.parallel)]
    return _Runner(session, copies, picture, pixels)


def _tried(device: str, runner: _Runner, reference: _Runner, contract: Contract, pixels: int) -> Tried:
    off = _difference(runner.picture, reference.picture, contract)
    limit = _SAME_HALF if runner.half or reference.half else _SAME
    why = "" if off <= limit else f"its picture differs by {off:.4f} from the processor's, more than {limit:.4f}"
    return Tried(device, runner.best * pixels / runner.pixels, off if np.isfinite(off) else None, why)


def _difference(picture: Array, reference: Array, contract: Contract) -> float:
    if picture.shape != reference.shape:
        return float("inf")
    apart = np.abs(picture.astype(np.float32) - reference.astype(np.float32)).max(initial=0)
    low, high = contract.out_range
    return float(apart) / (high - low) if np.isfinite(apart) else float("inf")


def probe(session: Session, contract: Contract, path: Path, side: int) -> tuple[dict[str, Array], int, int]:
    """Something for a network to chew on: a tile of moving pictures, its pixels, and which output to look at.

    Raises:
        ModelError: The file does not fit the contract.
    """
    binding = bind(session, contract, path)
    height, width = (padded_size(side, contract.multiple, contract.minimum, fixed) for fixed in binding.size)
    if None not in binding.size:
        height, width = (fixed or side for fixed in binding.size)
    feed = binding.feed(height, width)
    feed.frames[...] = contract.low + (contract.high - contract.low) * _film(feed.frames.shape)
    for extra in contract.extra:
        feed.extras[extra.name][...] = extra.default if extra.kind in ("number", "scalar") else 0.5
    if contract.time:
        feed.extras[contract.time][...] = 0.5
    return feed.arrays, height * width, binding.outputs[0]


def _film(shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Soft shapes and hard edges that move from frame to frame, with grain, from 0 to 1."""
    frames, _, height, width = shape
    time, down, across = np.ogrid[0:frames, 0:height, 0:width]
    soft = np.sin((down - time) / 9) * np.cos((across + 3 * time) / 7)
    hard = np.sign(np.sin((across + down + 2 * time) / 23) * np.sin((down - 2 * time) / 17))
    grain = np.random.default_rng(1).random(shape, np.float32) - 0.5
    picture = 0.5 + 0.2 * soft + 0.2 * hard
    return np.asarray(picture[:, None] + 0.15 * grain, np.float32)


def _best(tried: Sequence[Tried]) -> Choice:
    """The fastest; of those that are about as fast, the one that stands first."""
    able = [each for each in tried if each.seconds is not None and not each.why]
    # The processor is what others are compared with: it is out only where it could not be run.
    taken = able[0] if able else next(each for each in tried if each.seconds is not None)
    for each in able[1:]:
        if (taken.seconds or 0.0) > _CLEARLY * (each.seconds or 0.0):
            taken = each
    seconds = taken.seconds or 0.0
    return Choice(taken.device, f"about {1 / max(seconds, 1e-9):.3g} pictures a second", tuple(tried))
