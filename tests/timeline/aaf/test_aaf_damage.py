"""AAF: damaged containers, each refused for its damage before the library can run into it."""

from __future__ import annotations

import io
import logging
import struct
from pathlib import Path
from typing import Any

import pytest

from vsfilmrestore import timeline
from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline.aaf.container import check_container

SECTOR = 4096


@pytest.fixture
def whole(cut: Any) -> bytearray:
    """A sound file, as bytes."""
    cut.show(cut.row(cut.clip(cut.media("A"), 0, 10)))
    return bytearray(cut.save().read_bytes())


def checked(data: bytes) -> list[str]:
    return [entry.path for entry in check_container(io.BytesIO(data), len(data))]


def entries(data: bytes) -> list[int]:
    """Where the directory's entries stand in the file."""
    (sector,) = struct.unpack_from("<I", data, 48)
    (table,) = struct.unpack_from("<I", data, 76)
    found = []
    while sector < 0xFFFFFFFA:
        found += [(sector + 1) * SECTOR + i * 128 for i in range(SECTOR // 128)]
        (sector,) = struct.unpack_from("<I", data, (table + 1) * SECTOR + sector * 4)
    return found


def named(data: bytes, name: str) -> int:
    wanted = name.encode("utf-16-le") + b"\0\0"
    return next(at for at in entries(data) if data[at : at + len(wanted)] == wanted)


def test_a_sound_file(whole: bytearray) -> None:
    paths = checked(whole)
    assert "/Header-2/Content-3b03" in paths
    assert "/referenced properties" in paths


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (0, 0, "not an AAF file"),
        (28, 0xFEFE, "header is damaged"),
        (30, 99, "header is damaged"),
        (72, 2**31, "sector table is damaged"),
        (76, 2**30, "cut short or damaged"),
        (60, 2**29, "cut short or damaged"),
    ],
)
def test_damaged_headers(whole: bytearray, at: int, value: int, message: str) -> None:
    struct.pack_into("<I" if at > 40 else "<H", whole, at, value)
    with pytest.raises(ValueError, match=message):
        checked(whole)


def test_chains_in_a_circle(whole: bytearray) -> None:
    (table,) = struct.unpack_from("<I", whole, 76)
    (start,) = struct.unpack_from("<I", whole, 48)
    struct.pack_into("<I", whole, (table + 1) * SECTOR + start * 4, start)
    with pytest.raises(ValueError, match="in a circle"):
        checked(whole)


def test_a_folder_that_holds_itself(whole: bytearray) -> None:
    at = named(whole, "Header-2")
    struct.pack_into("<I", whole, at + 76, 0)
    with pytest.raises(ValueError, match="directory is damaged"):
        checked(whole)


def test_a_stream_longer_than_the_file(whole: bytearray) -> None:
    at = named(whole, "properties")
    struct.pack_into("<Q", whole, at + 120, 2**40)
    with pytest.raises(ValueError, match="longer than the file"):
        checked(whole)


def test_an_index_of_endless_items(whole: bytearray) -> None:
    at = named(whole, "referenced properties")
    name = "Mobs index".encode("utf-16-le")
    whole[at : at + 64] = name.ljust(64, b"\0")
    struct.pack_into("<H", whole, at + 64, len(name) + 2)
    with pytest.raises(ValueError, match="'Mobs index' is damaged"):
        checked(whole)


def test_classes_in_a_circle(cut: Any) -> None:
    from aaf2.auid import AUID

    cut.show(cut.row(cut.clip(cut.media("A"), 0, 10)))
    segment = cut.file.metadict.lookup_classdef("Segment")
    parent = segment.property_entries[0x0008]
    parent.ref = AUID("0d010101-0101-0900-060e-2b3402060101")  # a filler, which is a segment
    parent.data = parent.encode()
    cut.file.manager.add_modified(segment)
    # Written in the file, but not yet known to the library's open one, which would run in circles itself.
    parent.ref = AUID("0d010101-0101-0200-060e-2b3402060101")
    with pytest.raises(TimelineError, match="classes refer to one another in a circle"):
        cut.read()


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "empty"), (b"TITLE: no AAF\n" * 100, "not an AAF file"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "damaged")],
)
def test_no_aaf_at_all(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "x.aaf"
    path.write_bytes(data)
    with pytest.raises(TimelineError, match=rf"x\.aaf: .*{message}"):
        timeline.read(path)


def test_folders_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "d.aaf").mkdir()
    for name in ("d.aaf", "none.aaf"):
        with pytest.raises(TimelineError, match=name):
            timeline.read(tmp_path / name)


def test_lengths_beyond_reason(cut: Any) -> None:
    cut.show(cut.row(cut.clip(cut.media("A"), 0, 2**50)))
    with pytest.raises(TimelineError, match="Length of a SourceClip is not a number of frames"):
        cut.read()


def test_lengths_below_0(cut: Any) -> None:
    cut.show(cut.row(cut.clip(cut.media("A"), 0, 10), cut.gap(-5)))
    with pytest.raises(TimelineError, match="length below 0"):
        cut.read()


def test_sequences_of_years(cut: Any) -> None:
    cut.show(cut.row(cut.clip(cut.media("A"), 0, 10), cut.gap(2**38)))
    with pytest.raises(TimelineError, match="longer than a hundred hours"):
        cut.read()


def test_nests_that_multiply(cut: Any) -> None:
    mob = cut.composition("0")
    cut.show(cut.row(*[cut.clip(cut.media("A"), 0, 10) for _ in range(3)]), mob)
    for level in range(1, 14):
        outer = cut.composition(str(level))
        length = 10 * 3**level
        cut.show(cut.row(*[cut.clip(mob, 0, length) for _ in range(3)]), outer)
        mob = outer
    cut.show(cut.row(cut.clip(mob, 0, 10 * 3**14)))
    with pytest.raises(TimelineError, match="too many parts"):
        cut.read()


def test_logging_is_left_alone(cut: Any) -> None:
    before = list(logging.getLogger().handlers)
    cut.show(cut.row(cut.clip(cut.media("A"), 0, 10)))
    cut.read()
    assert logging.getLogger().handlers == before
