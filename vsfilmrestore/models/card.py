"""A model card: what a network is, whose it is, where its files come from, and what it needs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePath
from typing import Any, Final, Literal, cast

from vsfilmrestore.models.contract import Contract, ExtraInput
from vsfilmrestore.models.tables import Table, read_table

__all__ = ["TASKS", "Card", "Licence", "Memory", "Quality", "Tiling", "WeightFile", "is_plain_name", "read_card"]

type Precision = Literal["fp32", "fp16"]
type Commercial = Literal["yes", "no", "unknown"]

TASKS: Final = {
    "stabilise": "calms detail that changes from frame to frame",
    "denoise": "takes out noise and grain",
    "deblur": "sharpens",
    "upscale": "makes pictures larger",
    "dirt": "finds dirt",
    "scratches": "finds scratches",
    "wires": "finds wires",
    "inpaint": "fills holes",
    "interpolate": "makes frames between frames",
    "fade": "brings faded dyes back",
    "colour": "colours black and white",
    "colour-match": "brings colours near to those of a reference",
    "faces": "restores faces",
    "find-faces": "finds faces",
    "other": "anything else",
}
"""Tasks our own cards name; cards of others may name more."""

WEIGHTS: Final = (".onnx", ".safetensors", ".pth")
"""Suffixes of files that hold a network; others of a card lie beside them."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][\w.+@ -]{0,199}", re.ASCII)
_LARGEST: Final = 64 << 30


@dataclass(frozen=True, slots=True)
class WeightFile:
    """A file of a card.

    Attributes:
        name: Its name, without any folder.
        size: Bytes.
        sha256: Checksum, 64 hexadecimal digits.
        sources: Where it may be fetched, https only; empty: the user brings it.
        precision: Numbers it holds.
    """

    name: str
    size: int
    sha256: str
    sources: tuple[str, ...] = ()
    precision: Precision = "fp32"

    @property
    def suffix(self) -> str:
        return PurePath(self.name).suffix.lower()


@dataclass(frozen=True, slots=True)
class Licence:
    """Terms of the weights.

    Attributes:
        name: SPDX identifier, or the name it goes by.
        commercial: Whether paid work may use it: ``yes``, ``no`` or ``unknown``.
        accept: Whether the user must say yes before it is fetched or used.
        url: Where the terms stand.
    """

    name: str
    commercial: Commercial = "unknown"
    accept: bool = False
    url: str = ""


@dataclass(frozen=True, slots=True)
class Tiling:
    """Advice on tiles: pixels of overlap (None: from the receptive field), and words."""

    overlap: int | None = None
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a run needs: bytes per pixel going in (0: not measured) and bytes at rest; how it was measured."""

    fp32: float = 0.0
    fp16: float = 0.0
    constant: int = 0
    how: str = ""

    def bytes_for(self, width: int, height: int, *, half: bool = False) -> int | None:
        """Bytes a run on a picture of this size needs; None where nobody measured."""
        each = self.fp16 if half else self.fp32
        return round(each * width * height) + self.constant if each else None


@dataclass(frozen=True, slots=True)
class Quality:
    """Something that was measured: what, how, and the value with its unit."""

    what: str
    how: str
    value: str


@dataclass(frozen=True, slots=True)
class Card:
    """A network that one can ask for by name.

    Attributes:
        name: Lower-case word; the card's file is called so.
        task: What it is for, see `TASKS`.
        family: Networks that are built alike.
        architecture: Architecture as spandrel names it, or as its authors do.
        summary: One sentence.
        licence: Terms.
        files: The weights, each in a version of its own, and what lies beside them.
        contract: Tensors.
        author: Who made it.
        paper: Title, or where to read of it.
        home: Where it comes from.
        notes: What else one should know.
        tiling: Advice on tiles.
        memory: What a run needs.
        quality: What was measured; empty if nothing was.
        origin: The file this card was read from; None if it was made.
    """

    name: str
    task: str
    family: str
    architecture: str
    summary: str
    licence: Licence
    files: tuple[WeightFile, ...]
    contract: Contract = field(default_factory=Contract)
    author: str = ""
    paper: str = ""
    home: str = ""
    notes: tuple[str, ...] = ()
    tiling: Tiling = field(default_factory=Tiling)
    memory: Memory = field(default_factory=Memory)
    quality: tuple[Quality, ...] = ()
    origin: Path | None = field(default=None, compare=False)

    @property
    def weights(self) -> tuple[WeightFile, ...]:
        """Files that hold the network, the first being the preferred one."""
        return tuple(file for file in self.files if file.suffix in WEIGHTS)

    @property
    def beside(self) -> tuple[WeightFile, ...]:
        """Files that must lie beside the weights."""
        return tuple(file for file in self.files if file.suffix not in WEIGHTS)


def is_plain_name(name: str) -> bool:
    """Whether a file of this name can lie nowhere but in the folder it is put into."""
    return bool(_PLAIN.fullmatch(name)) and not name.endswith((".", " ")) and PurePath(name).name == name


def read_card(path: Path) -> Card:
    """Read a card.

    Raises:
        InputError: The file cannot be read or is no TOML.
        SettingError: Its content is no card. Both have file and line.
    """
    table = read_table(path)
    table.only(each.name for each in fields(Card) if each.name != "origin")
    name = table.text("name")
    if not _NAME.fullmatch(name):
        raise table.error("may hold small letters, digits, '.', '_' and '-' only", "name")
    if name != path.stem:
        raise table.error(f"is '{name}', the file is called '{path.stem}'", "name", "Let both agree")
    card = Card(
        name=name,
        task=_task(table),
        family=table.text("family"),
        architecture=table.text("architecture"),
        summary=table.text("summary"),
        licence=_licence(table.table("licence")),
        files=_files(table),
        contract=_contract(table.table("contract")),
        author=table.text("author", ""),
        paper=table.text("paper", ""),
        home=_link(table, "home"),
        notes=table.texts("notes"),
        tiling=_tiling(table.table("tiling")),
        memory=_memory(table.table("memory")),
        quality=tuple(_quality(each) for each in table.tables("quality")),
        origin=path,
    )
    if not card.weights:
        raise table.error(f"name no network: one of {', '.join(WEIGHTS)}", "files")
    return card


def _task(table: Table) -> str:
    task = table.text("task")
    if not _NAME.fullmatch(task):
        raise table.error("may hold small letters, digits, '.', '_' and '-' only", "task")
    return task


def _link(table: Table, key: str) -> str:
    link = table.text(key, "")
    if link and not link.startswith("https://"):
        raise table.error("must begin with https://", key)
    return link


def _licence(table: Table) -> Licence:
    table.only(each.name for each in fields(Licence))
    commercial = cast(Commercial, table.word("commercial", ("yes", "no", "unknown"), "unknown"))
    return Licence(table.text("name"), commercial, table.flag("accept", False), _link(table, "url"))


def _files(table: Table) -> tuple[WeightFile, ...]:
    files = tuple(_file(each) for each in table.tables("files"))
    names = [file.name.lower() for file in files]
    if len(set(names)) != len(names):
        raise table.error("name a file twice", "files")
    return files


def _file(table: Table) -> WeightFile:
    table.only(each.name for each in fields(WeightFile))
    name, digest, sources = table.text("name"), table.text("sha256"), table.texts("sources")
    if not is_plain_name(name):
        raise table.error("must be the name of a file, without a folder", "name")
    if not _SHA256.fullmatch(digest):
        raise table.error("must be 64 small hexadecimal digits", "sha256")
    if not all(source.startswith("https://") for source in sources):
        raise table.error("must begin with https://", "sources")
    precision = cast(Precision, table.word("precision", ("fp32", "fp16"), "fp32"))
    return WeightFile(name, table.whole("size", None, 1, _LARGEST), digest, sources, precision)


_WORDS: Final = {
    "layout": ("BCHW", "stacked", "BTCHW"),
    "colour": ("rgb", "luma", "yuv", "data"),
    "order": ("rgb", "bgr"),
}
_FROM_ONE: Final = ("channels", "frames_out", "scale", "multiple", "minimum")
_NUMBERS: Final = ("out_low", "out_high")
_MOST: Final = {"channels": 4096, "out_channels": 4096, "scale": 16, "multiple": 4096, "minimum": 1 << 16}


def _contract(table: Table) -> Contract:
    table.only(each.name for each in fields(Contract))
    values: dict[str, Any] = {}
    for each in fields(Contract):
        if each.name in table and not isinstance(each.default, tuple):
            values[each.name] = _contract_value(table, each.name, each.default)
    values["extra"] = tuple(_extra(each) for each in table.tables("extra"))
    values["size"] = _size(table)
    values |= {"mean": table.numbers("mean"), "std": table.numbers("std"), "outputs": table.texts("outputs")}
    contract = Contract(**values)
    if contract.low >= contract.high:
        raise table.error("must be above contract.low", "high")
    if contract.out_range[0] >= contract.out_range[1]:
        key = "out_low" if contract.out_high is None else "out_high"
        raise table.error("must leave black below white in what comes out", key)
    if contract.out_channels == 0 and contract.colour != "data":
        raise table.error("may be 0 only where colour is 'data'", "out_channels")
    if 2 * contract.crossfade > contract.frames_out:
        raise table.error(f"may be half of frames_out ({contract.frames_out}) at most", "crossfade")
    _check_channels(table, contract)
    return contract


def _check_channels(table: Table, contract: Contract) -> None:
    for key in ("mean", "std"):
        if len(getattr(contract, key)) not in (0, contract.channels):
            raise table.error(f"must have a number for each of the {contract.channels} channels", key)
    if any(each <= 0 for each in contract.std):
        raise table.error("must be above 0", "std")
    if contract.order == "bgr" and (contract.channels != 3 or contract.colour == "yuv"):
        raise table.error("may be bgr only for red, green and blue", "order")
    if len(contract.outputs) > 1 and contract.colour != "data":
        raise table.error("names several outputs, a picture is one", "outputs")


def _contract_value(table: Table, key: str, default: Any) -> Any:
    if key in _WORDS:
        return table.word(key, _WORDS[key])
    if isinstance(default, bool):
        return table.flag(key, default)
    if isinstance(default, str):
        return table.text(key, "")
    if isinstance(default, float) or key in _NUMBERS:
        return table.number(key)
    return table.whole(key, None, 1 if key in _FROM_ONE else 0, _MOST.get(key, 1 << 16))


def _size(table: Table) -> tuple[int, int]:
    if "size" not in table:
        return (0, 0)
    size = table.table("size")
    size.only(("width", "height"))
    return size.whole("width", None, 1), size.whole("height", None, 1)


def _extra(table: Table) -> ExtraInput:
    table.only(each.name for each in fields(ExtraInput))
    kind = cast(Any, table.word("kind", ("number", "scalar", "mask", "picture")))
    low, high = table.number("low", 0.0), table.number("high", 1.0)
    default = table.number("default", low)
    if not low <= default <= high:
        raise table.error(f"must be between {low:g} and {high:g}", "default")
    return ExtraInput(table.text("name"), kind, default, low, high)


def _tiling(table: Table) -> Tiling:
    table.only(each.name for each in fields(Tiling))
    overlap = table.whole("overlap", None, 0, 4096) if "overlap" in table else None
    return Tiling(overlap, table.text("advice", ""))


def _memory(table: Table) -> Memory:
    table.only(each.name for each in fields(Memory))
    each = {key: table.number(key, 0.0) for key in ("fp32", "fp16")}
    for key, value in each.items():
        if value < 0:
            raise table.error("must not be negative", key)
    how = table.text("how", None if any(each.values()) else "")
    return Memory(each["fp32"], each["fp16"], table.whole("constant", 0, 0, _LARGEST), how)


def _quality(table: Table) -> Quality:
    table.only(each.name for each in fields(Quality))
    return Quality(table.text("what"), table.text("how"), table.text("value"))
