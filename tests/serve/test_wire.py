"""Messages and their bytes: every message comes back as it went, and no bytes whatever do harm."""

from __future__ import annotations

import struct
from dataclasses import fields
from typing import get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vsfilmrestore.serve import wire

_NUMBERS = {"<B": (0, 2**8), "<H": (0, 2**16), "<I": (0, 2**32), "<Q": (0, 2**64), "<q": (-(2**63), 2**63)}
_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


def values(kind: type) -> st.SearchStrategy[object]:
    hints = get_type_hints(kind, include_extras=True)
    parts = {}
    for each in fields(kind):
        if each.name == "entries":
            parts[each.name] = st.lists(values(wire.Entry), max_size=5).map(tuple)
            continue
        how = get_args(hints[each.name])[1]
        if how == "text":
            parts[each.name] = _TEXT
        elif how == "32s":
            parts[each.name] = st.binary(min_size=32, max_size=32)
        else:
            low, high = _NUMBERS[how]
            parts[each.name] = st.integers(low, high - 1)
    return st.builds(kind, **parts)


def test_every_type_has_a_number_of_its_own_as_the_protocol_says() -> None:
    assert sorted(kind.type for kind in wire.KINDS) == list(range(1, 20))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.one_of(*map(values, wire.KINDS))), max_size=6), st.data())
def test_messages_come_out_as_they_went_in_however_they_are_cut(
    sent: list[tuple[int, wire.Message]], data: st.DataObject
) -> None:
    raw = b"".join(wire.encode(message, request) for request, message in sent)
    stream, got = wire.Stream(), []
    while raw:
        size = data.draw(st.integers(1, len(raw)))
        got += stream.feed(raw[:size])
        raw = raw[size:]
    assert got == sent


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_whatever_bytes_come_they_are_read_or_refused(raw: bytes) -> None:
    stream = wire.Stream()
    try:
        for _, message in stream.feed(raw):
            assert isinstance(message, wire.Message)
    except wire.WireError:
        pass


@settings(max_examples=60, deadline=None)
@given(st.one_of(*map(values, wire.KINDS)), st.data())
def test_a_changed_message_is_read_or_refused(message: wire.Message, data: st.DataObject) -> None:
    raw = bytearray(wire.encode(message, 5))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    try:
        for _, got in wire.Stream().feed(bytes(raw)):
            if not isinstance(got, wire.Unknown):
                assert wire.Stream().feed(wire.encode(got, 5)) == [(5, got)]
    except wire.WireError:
        pass


@pytest.mark.parametrize("change", [b"x", b"\0"])
def test_a_payload_longer_or_shorter_than_its_fields_is_refused(change: bytes) -> None:
    raw = wire.encode(wire.Get(1, 2))[wire.HEADER.size :]
    for bad in (raw + change, raw[:-1], b""):
        with pytest.raises(wire.WireError, match="than its fields"):
            wire.decode(wire.Get.type, bad)


def test_lengths_are_capped() -> None:
    header = wire.HEADER.pack(wire.MOST_PAYLOAD + 1, 1, 0, 1)
    with pytest.raises(wire.WireError):
        wire.Stream().feed(header)
    with pytest.raises(wire.WireError):
        wire.Stream().feed(wire.HEADER.pack(0, 16, 1, 1))
    with pytest.raises(wire.WireError, match="cannot be sent"):
        wire.encode(wire.Status("x" * 70_000))
    with pytest.raises(wire.WireError, match="bytes long"):
        wire.encode(wire.Catalogue(9, 0, tuple(wire.Entry("x" * 9000, "y" * 9000, 0, 0, 0) for _ in range(9))))
    with pytest.raises(wire.WireError, match="cannot be sent"):
        wire.encode(wire.Get(-1, 0))


def test_texts_are_text() -> None:
    for raw in (b"\xff\xfe", b"a\0b"):
        with pytest.raises(wire.WireError):
            wire.decode(wire.Status.type, struct.pack("<H", len(raw)) + raw)
    with pytest.raises(wire.WireError, match="zero byte"):
        wire.encode(wire.Status("a\0b"))
    assert wire.fitting_text("a\0\ud800" + "é" * 9000).encode().startswith(b"a ?\xc3\xa9")
    assert len(wire.fitting_text("é" * 9000).encode()) <= 4096


def test_the_bytes_are_those_of_the_protocol() -> None:
    raw = wire.encode(wire.Get(3, -2, 960, 540, 1), 77)
    assert raw == struct.pack("<IHHQ", 21, 7, 0, 77) + struct.pack("<IqIIB", 3, -2, 960, 540, 1)
    assert wire.decode(99, b"whatever") == wire.Unknown(99)
