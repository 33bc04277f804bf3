"""A user's own file becomes a model of the zoo: looked into, copied, given a card."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from vsfilmrestore.errors import InputError, OutputError, UsageError, VsfrError
from vsfilmrestore.models import spandrel_seam
from vsfilmrestore.models.card import Card, Licence, Precision, WeightFile, is_plain_name
from vsfilmrestore.models.contract import Contract
from vsfilmrestore.models.detect import contract_of
from vsfilmrestore.models.onnx_graph import read_graph
from vsfilmrestore.models.pickles import as_safetensors
from vsfilmrestore.models.safetensors import read_header
from vsfilmrestore.models.safety import check_content, check_kind, check_place, sha256_of
from vsfilmrestore.models.told import Told
from vsfilmrestore.models.writing import write_card
from vsfilmrestore.models.zoo import Zoo

__all__ = ["add"]


def add(path: Path, zoo: Zoo, told: Told | None = None, *, allow_pth: bool = False) -> Card:
    """Copy a file into the user's folder, with a card.

    A file that a card speaks of already is put where that card looks for it; nothing else is read then.

    Args:
        path: ``.onnx``, ``.safetensors``, or ``.pth`` if allowed, whose tensors are kept as ``.safetensors``.
        zoo: Cards there are; the new one is among them afterwards.
        told: What the file does not tell.
        allow_pth: Whether a pickle may be taken.

    Raises:
        InputError: The file is refused or damaged.
        UsageError: The name is taken, or more must be told.
        InstallationError: A package is needed to look into it.
        OutputError: It cannot be copied. Nothing is left behind in any of these cases.
    """
    told = told or Told()
    check_kind(path.name, allow_pth=allow_pth)
    known = zoo.card_of(path)
    if known is not None:
        card, entry = known
        check_content(path, allow_pth=allow_pth)
        _put(path, zoo.user_folder / card.name / entry.name)
        return card
    name = _name(path, told, zoo)
    try:
        zoo.user_folder.mkdir(parents=True, exist_ok=True)
        box = Path(tempfile.mkdtemp(dir=zoo.user_folder, prefix=".adding-"))
        try:
            files = _copied(path, box, name, allow_pth=allow_pth)
            if files[0].suffix.lower() == ".pth":  # opened once, here; from now on there is no pickle
                files = [as_safetensors(files[0])]
            card = _card(name, files, told)
            _settle(box, card, zoo.user_folder)
        except VsfrError as error:
            raise _of_the_original(error, box, path) from None
        finally:
            shutil.rmtree(box, ignore_errors=True)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", file=zoo.user_folder / name) from None
    zoo.cards[card.name] = card
    return card


def _of_the_original(error: VsfrError, box: Path, path: Path) -> VsfrError:
    """The same error, about the user's file where it is about our copy."""
    if error.file is None or Path(error.file).parent != box:
        return error
    return type(error)(error.message, file=path, hint=error.hint, details=error.details)


def _name(path: Path, told: Told, zoo: Zoo) -> str:
    name = told.name or re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-._")[:64]
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
        hint = "Say --name with small letters, digits, '.', '_' and '-'"
        raise UsageError(f"'{name}' is no name for a model", file=path, hint=hint)
    if name in zoo.cards or (zoo.user_folder / name).exists():
        raise UsageError(f"there is a model '{name}' already", file=path, hint="Say another --name")
    return name


def _copied(path: Path, box: Path, name: str, *, allow_pth: bool) -> list[Path]:
    """The file and what belongs to it, copied, then looked into: what is looked into is what will be used."""
    check_place(path)
    copy = box / (path.name if is_plain_name(path.name) else f"{name}{path.suffix.lower()}")
    shutil.copyfile(path, copy)
    files = [copy]
    for beside in check_content(copy, allow_pth=allow_pth):
        if not (path.parent / beside).exists():
            hint = "Put it there, or save the model in one file"
            raise InputError(f"wants tensors from '{beside}', which is not beside it", file=path, hint=hint)
        check_place(path.parent / beside)
        if beside == copy.name:
            raise InputError("wants tensors from itself", file=path)
        shutil.copyfile(path.parent / beside, box / beside)
        files.append(box / beside)
    return files


def _settle(box: Path, card: Card, folder: Path) -> None:
    place = folder / card.name
    os.replace(box, place)
    try:
        write_card(card, folder)
    except OutputError:
        shutil.rmtree(place, ignore_errors=True)
        raise


def _put(path: Path, place: Path) -> None:
    try:
        if place.exists() and place.samefile(path):
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(f"{place.name}.copy.part")
        shutil.copyfile(path, part)
        os.replace(part, place)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", file=place) from None


def _card(name: str, files: list[Path], told: Told) -> Card:
    path, like = files[0], told.like
    architecture, task, contract, precision = _looked_into(path, told)
    if like is not None:
        contract = replace(like.contract, half=contract.half, size=contract.size)
    if contract.low >= contract.high or contract.out_range[0] >= contract.out_range[1]:
        raise UsageError("black must lie below white: see --low, --high, --out-low and --out-high")
    entries = tuple(WeightFile(file.name, file.stat().st_size, sha256_of(file), (), precision) for file in files)
    licence = Licence(told.licence, told.commercial) if told.licence else like.licence if like else Licence("unknown")
    return Card(
        name=name,
        task=told.task or (like.task if like else "") or task,
        family=told.family or (like.family if like else "") or architecture.lower(),
        architecture=told.architecture or (like.architecture if like else "") or architecture,
        summary=told.summary or (like.summary if like else "") or "Added by the user",
        licence=licence,
        files=entries,
        contract=contract,
        author=told.author or (like.author if like else ""),
        paper=like.paper if like else "",
        home=told.home or (like.home if like else ""),
    )


def _looked_into(path: Path, told: Told) -> tuple[str, str, Contract, Precision]:
    """Architecture, task, contract and numbers of a file."""
    if path.suffix.lower() == ".onnx":
        graph = read_graph(path)
        if graph.unknown:
            hint = "Update the package onnx, or export the network with standard operators"
            raise InputError(f"has the operator '{graph.unknown}', which nobody knows", file=path, hint=hint)
        precision: Precision = "fp16" if any(port.kind == "fp16" for port in graph.inputs) else "fp32"
        contract = told.like.contract if told.like else contract_of(path, graph, told)
        task = "upscale" if contract.scale > 1 else "other"
        return "onnx", task, replace(contract, half=contract.half or precision == "fp16"), precision
    return _weights_only(path, told)


def _weights_only(path: Path, told: Told) -> tuple[str, str, Contract, Precision]:
    precision: Precision = "fp32"
    if path.suffix.lower() == ".safetensors" and {each.kind for each in read_header(path).values()} <= {"F16", "BF16"}:
        precision = "fp16"
    if told.like is not None:
        return told.like.architecture, told.like.task, told.like.contract, precision
    if spandrel_seam.is_here() and not told.architecture:
        found = spandrel_seam.describe(path)
        return found.architecture, found.task, _as_told(found.contract, told), precision
    if not told.architecture or told.scale is None:
        hint = "Install spandrel and torch, or say --architecture and --scale, or --like MODEL"
        raise UsageError("holds weights without telling of which network", file=path, hint=hint)
    channels = told.channels or 3
    contract = Contract(channels=channels, out_channels=channels, colour="luma" if channels == 1 else "rgb")
    task = "upscale" if told.scale > 1 else "other"
    return told.architecture, task, _as_told(contract, told), precision


def _as_told(contract: Contract, told: Told) -> Contract:
    words: dict[str, Any] = {
        key: getattr(told, key)
        for key in ("scale", "low", "high", "out_low", "out_high", "multiple", "minimum", "half")
        if getattr(told, key) is not None
    }
    words |= {key: getattr(told, key) for key in ("colour", "order") if getattr(told, key)}
    if told.window and told.window > 1:
        before, odd = divmod(told.window - 1, 2)
        words |= {"layout": "BTCHW", "before": before, "after": before + odd}
    return replace(contract, **words)
