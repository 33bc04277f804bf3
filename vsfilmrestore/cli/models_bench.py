"""``vsfilmrestore models bench``: how fast networks are on this machine."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Final

import typer

from vsfilmrestore.cli.show import console, say, show_table
from vsfilmrestore.errors import UsageError, VsfrError
from vsfilmrestore.inference._machine import cores, gpus, total_memory
from vsfilmrestore.inference.bench import Job, Result, measure
from vsfilmrestore.inference.choose import candidates
from vsfilmrestore.inference.mlrt import PREFIX, can_run
from vsfilmrestore.inference.mlrt import offered as plugins
from vsfilmrestore.inference.runtimes import runtime_for
from vsfilmrestore.inference.runtimes.base import run_in
from vsfilmrestore.models.card import Card, WeightFile
from vsfilmrestore.models.zoo import Zoo

__all__ = ["bench"]

_SIZES: Final = ("640x360", "1280x720")
_SIZE: Final = re.compile(r"(\d{2,5})x(\d{2,5})")
_COLUMNS: Final = [
    "model",
    "file",
    "runtime",
    "device",
    "precision",
    "size",
    "fps",
    "first frame",
    "memory",
    "card",
    "",
]
_CHOOSING: Final = ("tensorrt", "coreml")

type Row = tuple[Card, WeightFile, str, Job | None, Result]


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[MODEL]...", help="Only these; all that are here if none.")
    ] = None,
    size: Annotated[
        list[str] | None,
        typer.Option(
            "--size", metavar="WxH", help="Size of the pictures; repeat it. 640x360 and 1280x720 if not said."
        ),
    ] = None,
    device: Annotated[
        list[str] | None,
        typer.Option("--device", help="cpu, cuda:1, mlrt:cpu ...; repeat it. All but tensorrt if not said."),
    ] = None,
    precision: Annotated[
        list[str] | None, typer.Option("--precision", help="auto, fp32 or fp16; repeat it. auto if not said.")
    ] = None,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.5, max=600, help="For how long frames of a row are counted.")
    ] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Measure frames per second and memory of networks on this machine, for each runtime, device and size.

    A row takes about twice the seconds asked for, and at most six times as much and 20 s.
    """
    zoo = Zoo.open()
    cards = [zoo.card(name) for name in names] if names else list(zoo)
    sizes = [_size(word) for word in size or _SIZES]
    precisions = [_precision(word) for word in precision or ("auto",)]
    rows = []
    for row in _rows(zoo, cards, sizes, device or [], precisions, seconds):
        rows.append(row)
        if not as_json and console.is_terminal:
            say("  ".join(filter(None, _cells(row))))
    if as_json:
        facts = {"machine": _machine(), "seconds": seconds, "rows": [_facts(row) for row in rows]}
        sys.stdout.write(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    else:
        show_table(f"{_words(_machine())}; the whole filter, from 8-bit YUV and back", _COLUMNS, map(_cells, rows))
    return 0


def _rows(
    zoo: Zoo,
    cards: Sequence[Card],
    sizes: Sequence[tuple[int, int]],
    devices: Sequence[str],
    precisions: Sequence[str],
    seconds: float,
) -> Iterator[Row]:
    for card in cards:
        for file in card.weights:
            runtime = ""
            try:
                if zoo.locate(card, file) is None:
                    raise UsageError(_how_to_get(card, file, zoo))
                found = runtime_for(zoo.locate(card, file) or zoo.user_folder / file.name)
                runtime, offered = found.name, candidates(found)
                if file.suffix == ".onnx" and can_run(card.contract):
                    offered += plugins()
            except VsfrError as error:
                yield card, file, runtime, None, Result(None, note=str(error))
                continue
            for width, height in sizes:
                for each in devices or offered:
                    for precision in precisions:
                        job = Job(card.name, file.name, each, precision, width, height, seconds)
                        kept = _keeps_to(runtime, each, file)
                        if kept and precision not in ("auto", kept):
                            yield card, file, runtime, job, Result(None, note=f"this device keeps to {kept}")
                            continue
                        yield card, file, "vapoursynth" if each.startswith(PREFIX) else runtime, job, measure(job)


def _keeps_to(runtime: str, device: str, file: WeightFile) -> str:
    """The precision that a device runs in whatever is asked for, '' where it can choose.

    ONNX Runtime most often takes that of the file, and 32 bits on processors.
    """
    if runtime == "torch" or device.partition(":")[0] in _CHOOSING:
        return ""
    known = run_in(runtime, device, "auto")
    return file.precision if known == "auto" else known


def _how_to_get(card: Card, file: WeightFile, zoo: Zoo) -> str:
    if file.sources:
        return f"not here: vsfilmrestore models get {card.name}"
    return f"not here: put {file.name} into {zoo.user_folder}"


def _size(word: str) -> tuple[int, int]:
    match = _SIZE.fullmatch(word)
    if match is None or not all(16 <= int(side) <= 16384 for side in match.groups()):
        raise UsageError(f"--size '{word}' is not WIDTHxHEIGHT from 16 to 16384, as 1920x1080")
    return int(match[1]) // 2 * 2, int(match[2]) // 2 * 2


def _precision(word: str) -> str:
    if word not in ("auto", "fp32", "fp16"):
        raise UsageError(f"--precision must be one of auto, fp32, fp16, not '{word}'")
    return word


def _machine() -> dict[str, Any]:
    return {"cores": cores(), "memory": total_memory(), "cards": [asdict(card) for card in gpus()]}


def _words(machine: dict[str, Any]) -> str:
    cards = ", ".join(card["name"] for card in machine["cards"]) or "no NVIDIA card"
    return f"{machine['cores']} cores, {machine['memory'] / 1e9:.0f} GB, {cards}"


def _facts(row: Row) -> dict[str, Any]:
    card, file, runtime, job, result = row
    asked = {key: getattr(job, key) for key in ("device", "precision", "width", "height")} if job else {}
    known = {"model": card.name, "file": file.name, "holds": file.precision, "runtime": runtime}
    return known | asked | asdict(result)


def _cells(row: Row) -> list[str]:
    card, file, runtime, job, result = row
    asked = [job.device, job.precision, f"{job.width}x{job.height}"] if job else ["", "", ""]
    return [
        card.name,
        file.name,
        runtime,
        *asked,
        "" if result.fps is None else f"{result.fps:.3g}",
        "" if result.first is None else f"{result.first:.2f} s",
        *("" if size is None else f"{size / 1e6:.0f} MB" for size in (result.memory, result.card)),
        result.note,
    ]
