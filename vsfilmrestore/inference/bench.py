"""How fast a network is on this machine, and what memory it takes: one process for each row of the table.

The whole filter is measured, from 8-bit YUV and back, on a still of noise that costs nothing to make. A process of its
own makes the peak of memory that of the row alone, and can be ended when it takes too long.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from vsfilmrestore.inference._machine import cards_in_use, peak_memory

if TYPE_CHECKING:
    import vapoursynth as vs

    from vsfilmrestore.models.contract import Contract
    from vsfilmrestore.models.zoo import Found

__all__ = ["Job", "Result", "measure"]

_FRAMES: Final = 100_000
_PATIENCE: Final = 6.0
_BUILDING: Final = 600.0
_PATH: Final = re.compile(r"^\S*\.(?:onnx|safetensors|pth)(?:, frame \d+)?: ")
"""The row tells which file it is."""


@dataclass(frozen=True, slots=True)
class Job:
    """A row.

    Attributes:
        model: Name of the card.
        file: Name of its file.
        device: Device asked for.
        precision: ``auto``, ``fp32`` or ``fp16``.
        width: Of the pictures.
        height: Of the pictures.
        seconds: For how long frames are counted.
    """

    model: str
    file: str
    device: str
    precision: str
    width: int
    height: int
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured.

    Attributes:
        fps: Frames per second, without the first ones; None where nothing was measured.
        first: Seconds to the first frame, with loading.
        memory: Peak of the process's memory in bytes, Python and all; None where the system does not tell.
        card: Memory of graphics cards in bytes that came into use; None without a card.
        note: What happened instead, or to be known.
    """

    fps: float | None
    first: float | None = None
    memory: int | None = None
    card: int | None = None
    note: str = ""


def measure(job: Job) -> Result:
    """Measure a row in a process of its own; never longer than six times the seconds asked for, and 20 s.

    TensorRT, which builds an engine first, has ten minutes more.
    """
    limit = job.seconds * _PATIENCE + 20 + (_BUILDING if job.device.startswith("tensorrt") else 0)
    command = [sys.executable, "-m", "vsfilmrestore.inference.bench", json.dumps(asdict(job))]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
        told, words = done.stdout, done.stderr
    except subprocess.TimeoutExpired as stopped:
        told, words = _text(stopped.stdout), f"took longer than {limit:.0f} s"
    return _result(told, words)


def _text(said: str | bytes | None) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said or ""


def _result(told: str, words: str) -> Result:
    """The last whole line that the process said, or why there is none."""
    for line in reversed(told.splitlines()):
        try:
            return Result(**json.loads(line))
        except (ValueError, TypeError):
            continue
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return Result(None, note=lines[-1] if lines else "the process ended without a word")


def _work(job: Job) -> None:
    """In the process: say what is known so far, a line each time."""
    from vsfilmrestore.models.zoo import Zoo

    zoo = Zoo.open()
    card = zoo.card(job.model)
    (file,) = (each for each in card.weights if each.name == job.file)
    spot = zoo.locate(card, file)
    found = zoo.find(job.model if spot is None else spot)
    before = cards_in_use()
    clip = _filter(job, found)
    start = perf_counter()
    first = begun = 0.0
    said = 0.0
    warm = min(_lanes(found.card.contract), _FRAMES)
    for n, frame in enumerate(clip.frames(close=True, collect_garbage=False)):
        frame.close()
        now = perf_counter()
        first = first or now - start
        if n < warm:
            begun = now
            if n == 0:
                _say(Result(None, first, peak_memory(), _more(before), note="only the first frame was made in time"))
            continue
        if now - said > 1 or now - begun > job.seconds:
            said = now
            _say(Result((n + 1 - warm) / (now - begun), first, peak_memory(), _more(before)))
        if now - begun > job.seconds:
            break


def _lanes(contract: Contract) -> int:
    """Frames that the first runs give: they load the network and grow its memory."""
    from vsfilmrestore.inference.registry import usual_lanes

    return usual_lanes(contract.frames_out) * contract.frames_out


def _say(result: Result) -> None:
    sys.stdout.write(json.dumps(asdict(result)) + "\n")
    sys.stdout.flush()


def _more(before: int | None) -> int | None:
    now = cards_in_use()
    return None if before is None or now is None else max(0, now - before)


def _filter(job: Job, found: Found) -> vs.VideoNode:
    from vsfilmrestore.inference.apply import run_model, run_network
    from vsfilmrestore.inference.data import run_data

    contract = found.card.contract
    clip = _still(job.width, job.height)
    extras = {extra.name: clip for extra in contract.extra if extra.kind in ("mask", "picture")}
    shared: dict[str, Any] = {
        "sha256": found.file.sha256,
        "clips": extras,
        "device": job.device,
        "precision": job.precision,
    }
    if contract.colour == "data":
        return run_data(clip, found.path, contract, lambda *_: {}, **shared)
    if contract.out_channels != contract.channels:
        return run_network(clip, found.path, contract, **shared)
    return run_model(clip, found.path, contract, time=0.5 if contract.time else None, **shared)


def _still(width: int, height: int) -> vs.VideoNode:
    import vapoursynth as vs

    core = vs.core
    blank = core.std.BlankClip(width=width, height=height, format=vs.YUV420P8, length=1, keep=True)
    still = core.akarin.Expr(blank, "X 37 * Y 79 * + 211 %").std.SetFrameProps(_Matrix=1)
    still.get_frame(0).close()
    still.std.SetVideoCache(mode=1, fixedsize=1, maxsize=1)
    return still.std.Loop(_FRAMES)


def _main() -> int:
    from vsfilmrestore.errors import plain_text

    try:
        _work(Job(**json.loads(sys.argv[1])))
    except Exception as error:  # noqa: BLE001 - one line for the table, whatever it is
        _say(Result(None, note=_PATH.sub("", plain_text(error))))
    return 0


if __name__ == "__main__":
    sys.stdout.flush()
    raise SystemExit(_main())
