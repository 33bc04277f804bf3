"""Files spoilt at random, but the same way for the same chance: what a fuzz run feeds to readers."""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
from copy import deepcopy
from typing import Any

__all__ = ["spoilt", "zipped"]

type Chance = random.Random

JUNK = [b"\x00", b"\xff", b"\n", b"\r", b"\t", b":", b";", b"-", b"<", b">", b"&", b'"', b"{", b"[", b"0", b"9" * 30]
JUNK += [b"VSFR", b"VSFR a b", b"\xef\xbb\xbf", b"23:59:59:29", b"-1", b"1e999", b"NaN", b"1/0", b"* LOC: ", b"]]>"]
NUMBERS = [b"0", b"-1", b"1", b"2", b"7", b"24", b"59", b"99", b"1001", b"86400", b"2147483648", b"9" * 18, b"0.5"]
VALUES: list[Any] = [None, 0, -1, 2.5, 1e300, float("nan"), float("inf"), "", "x", [], {}, True, 23.976, "VSFR a b"]
VALUES += [10**30, {"OTIO_SCHEMA": "Gap.1"}, {"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": -2.0}, "../../etc/x"]
SECTOR = 512


def spoilt(sample: bytes, other: bytes, suffix: str, chance: Chance) -> bytes:
    """A sample with one to twenty things wrong.

    Args:
        sample: A good file.
        other: Another one of the format, to splice with.
        suffix: Of the format, which tells how files of it are built.
        chance: What to do, and where.
    """
    if suffix == ".otioz" and chance.random() < 0.7:
        return _inside_zip(sample, other, chance)
    tools = [_flip, _delete, _insert, _number, _twice, _truncate, _splice]
    if suffix in {".aaf", ".otioz"}:
        tools += [_flip, _flip, _sector, _sector]
    else:
        tools += [_line, _line, _number]
    if suffix in {".otio", ".otiod"} and chance.random() < 0.5:
        sample = _json(sample, chance)
        if chance.random() < 0.7:
            return sample
    if suffix in {".xml", ".fcpxml"}:
        tools += [_element, _element, _element, _attribute, _attribute]
    data = bytearray(sample)
    for _ in range(chance.choice([1, 1, 1, 1, 1, 1, 2, 2, 5, 20])):
        chance.choice(tools)(data, other, chance)
    return bytes(data)


def zipped(document: bytes) -> bytes:
    """An ``.otioz`` around an ``.otio``."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as bundle:
        bundle.writestr("version.txt", "1.0.0")
        bundle.writestr("content.otio", document)
        bundle.writestr("media/a.mov", b"x" * 100)
    return target.getvalue()


def _place(data: bytearray, chance: Chance) -> int:
    return chance.randrange(len(data) + 1)


def _flip(data: bytearray, _: bytes, chance: Chance) -> None:
    for _i in range(chance.choice([1, 1, 4])):
        if data:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _delete(data: bytearray, _: bytes, chance: Chance) -> None:
    at = _place(data, chance)
    del data[at : at + chance.choice([1, 4, 60, 1000])]


def _insert(data: bytearray, _: bytes, chance: Chance) -> None:
    at = _place(data, chance)
    data[at:at] = chance.choice(JUNK) * chance.choice([1, 1, 1, 100])


def _number(data: bytearray, _: bytes, chance: Chance) -> None:
    at = _place(data, chance)
    if match := re.compile(rb"\d+").search(data, at):
        old = int(match[0][:18])
        near = [b"%d" % (old + step) for step in (-1, 1, 1000)]
        data[match.start() : match.end()] = chance.choice(NUMBERS + near + near)


def _twice(data: bytearray, _: bytes, chance: Chance) -> None:
    at, to = _place(data, chance), _place(data, chance)
    data[to:to] = data[at : at + chance.choice([10, 200, 4000])]


def _truncate(data: bytearray, _: bytes, chance: Chance) -> None:
    if chance.random() < 0.4:
        del data[_place(data, chance) :]


def _splice(data: bytearray, other: bytes, chance: Chance) -> None:
    at = chance.randrange(len(other) + 1)
    start = _place(data, chance)
    if chance.random() < 0.5:
        data[start:] = other[at:]
    else:
        data[start:start] = other[at : at + chance.choice([50, 500, 5000])]


def _line(data: bytearray, other: bytes, chance: Chance) -> None:
    lines = bytes(data).splitlines(keepends=True)
    if not lines:
        return
    i, j = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(5):
        case 0:
            del lines[i]
        case 1:
            lines.insert(j, lines[i])
        case 2:
            lines[i], lines[j] = lines[j], lines[i]
        case 3:
            lines[i:i] = lines[i : i + chance.choice([2, 10, 100])]
        case _:
            lines.insert(i, chance.choice(other.splitlines(keepends=True) or [b""]))
    data[:] = b"".join(lines)


def _sector(data: bytearray, other: bytes, chance: Chance) -> None:
    """A block of a compound file is swapped, zeroed, or taken from another."""
    last = max(1, len(data) // SECTOR)
    i, j = chance.randrange(last) * SECTOR, chance.randrange(last) * SECTOR
    match chance.randrange(3):
        case 0:
            data[i : i + SECTOR], data[j : j + SECTOR] = data[j : j + SECTOR], data[i : i + SECTOR]
        case 1:
            data[i : i + SECTOR] = bytes(SECTOR)
        case _:
            data[i : i + SECTOR] = other[j : j + SECTOR]


def _spans(data: bytes, chance: Chance) -> tuple[int, int] | None:
    """An element at random, from its opening tag to the next closing tag of the name."""
    opening = list(re.finditer(rb"<([A-Za-z][\w-]*+)[^<>]*+>", data))
    if not opening:
        return None
    tag = chance.choice(opening)
    if tag[0].endswith(b"/>"):
        return tag.span()
    end = data.find(b"</" + tag[1] + b">", tag.end())
    return None if end < 0 else (tag.start(), end + len(tag[1]) + 3)


def _element(data: bytearray, other: bytes, chance: Chance) -> None:
    span = _spans(bytes(data), chance)
    if span is None:
        return
    piece = bytes(data[span[0] : span[1]])
    match chance.randrange(5):
        case 0:
            del data[span[0] : span[1]]
        case 1:
            data[span[1] : span[1]] = piece * chance.choice([1, 1, 5])
        case 2:
            data[span[0] : span[1]] = piece[: piece.find(b">") + 1] * chance.choice([2, 50, 3000]) + piece
        case 3 if target := _spans(bytes(data), chance):
            data[target[0] : target[1]] = piece
        case _:
            if foreign := _spans(other, chance):
                data[span[0] : span[0]] = other[foreign[0] : foreign[1]]


def _attribute(data: bytearray, _: bytes, chance: Chance) -> None:
    found = list(re.finditer(rb'(?<![\w:])([\w:]++)="([^"]*)"', data))
    if found:
        one, donor = chance.choice(found), chance.choice(found)
        value = chance.choice([donor[2], b"", b"1/0s", b"-5s", b"9" * 12 + b"/1s", b"r1", b"NaN", b"1001/24000s"])
        data[one.start(2) : one.end(2)] = value


def _slots(value: Any) -> list[tuple[Any, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in pairs for place in [(value, key), *_slots(item)]]


def _json(sample: bytes, chance: Chance) -> bytes:
    """Values of a JSON document removed, exchanged, multiplied, nested."""
    try:
        document = json.loads(sample)
    except ValueError:
        return sample
    for _ in range(chance.choice([1, 1, 2, 4])):
        slots = _slots(document)
        if not slots:
            break
        holder, key = chance.choice(slots)
        donor, name = chance.choice(slots)
        match chance.randrange(5):
            case 0:
                del holder[key]
            case 1:
                holder[key] = json.loads(json.dumps(donor[name]))
            case 2 if isinstance(holder[key], int | float):
                holder[key] *= chance.choice([-1, 0.5, 2, 1.1, 1000, 1e15])
            case 3 if isinstance(holder[key], list):
                holder[key] = json.loads(json.dumps(holder[key])) * chance.choice([2, 20])
            case _:
                # A copy: the next change must not reach into what other cases are given.
                holder[key] = deepcopy(chance.choice(VALUES))
    return json.dumps(document).encode()


def _inside_zip(sample: bytes, other: bytes, chance: Chance) -> bytes:
    """A good archive around a spoilt document, or with odd members."""

    def document(data: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(data)) as bundle:
            name = next(name for name in bundle.namelist() if name.endswith(".otio"))
            return bundle.read(name)

    inner = spoilt(document(sample), document(other), ".otio", chance)
    target = io.BytesIO()
    how = chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    with zipfile.ZipFile(target, "w", how) as bundle:
        bundle.writestr("version.txt", chance.choice(["1.0.0", "", "9", "x" * 1000]))
        bundle.writestr(
            chance.choice(["content.otio"] * 6 + ["../content.otio", "/content.otio", "a/content.otio"]), inner
        )
        if chance.random() < 0.1:
            bundle.writestr("content.otio.zero", bytes(5_000_000))
    return target.getvalue()
