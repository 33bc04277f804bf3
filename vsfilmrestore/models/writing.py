"""Cards as TOML."""

from __future__ import annotations

import os
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import AoT, Table

from vsfilmrestore.errors import OutputError
from vsfilmrestore.models.card import Card
from vsfilmrestore.models.contract import Contract

__all__ = ["card_text", "write_card"]

_WORDS = ("name", "task", "family", "architecture", "summary", "author", "paper", "home")


def card_text(card: Card) -> str:
    """A card as `read_card` reads it; what is as usual is left out."""
    document = tomlkit.document()
    for key in _WORDS:
        if value := getattr(card, key):
            document[key] = value
    if card.notes:
        document["notes"] = list(card.notes)
    document["licence"] = _table(card.licence, keep=("commercial",))
    document["files"] = _list(card.files, keep=("size",))
    document["contract"] = _contract(card.contract)
    for key in ("tiling", "memory"):
        if table := _table(getattr(card, key)):
            document[key] = table
    if card.quality:
        document["quality"] = _list(card.quality)
    return tomlkit.dumps(document)


def write_card(card: Card, folder: Path) -> Path:
    """Write a card into a folder, replacing what was there at once or not at all.

    Raises:
        OutputError: It cannot be written.
    """
    path = folder / f"{card.name}.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8", suffix=".part") as file:
            file.write(card_text(card))
        os.replace(file.name, path)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", file=path) from None
    return path


def _contract(contract: Contract) -> Table:
    table = _table(contract, keep=("layout", "channels", "out_channels", "colour", "scale", "half"))
    if any(contract.size):
        table["size"] = {"width": contract.size[0], "height": contract.size[1]}
    if contract.extra:
        table["extra"] = _list(contract.extra, keep=("default", "low", "high"))
    return table


def _list(items: Any, keep: tuple[str, ...] = ()) -> AoT:
    found = tomlkit.aot()
    for each in items:
        found.append(_table(each, keep=keep))
    return found


def _table(thing: Any, keep: tuple[str, ...] = ()) -> Table:
    """The fields of a dataclass that hold plain values other than the usual ones."""
    table = tomlkit.table()
    for each in fields(thing):
        value = getattr(thing, each.name)
        if each.name == "extra" or value is None or (value == each.default and each.name not in keep):
            continue
        if isinstance(value, tuple) and not all(isinstance(item, str | float) for item in value):
            continue
        table[each.name] = list(value) if isinstance(value, tuple) else value
    return table
