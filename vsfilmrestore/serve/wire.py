"""The messages of the frame server, and their bytes; see docs/protocol.md.

A field's type says how it lies in the payload: `U8` to `I64` are little-endian numbers, `Text` is a string with its
length before it. Nothing that was received is believed: lengths are capped, text is UTF-8 without zero bytes, and a
payload holds its fields and nothing else.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar, Final, get_args, get_type_hints

__all__ = [
    "HEADER",
    "KINDS",
    "MAGIC",
    "MAJOR",
    "MINOR",
    "MOST_PAYLOAD",
    "Bye",
    "Cancel",
    "Catalogue",
    "Close",
    "Entry",
    "ErrorCode",
    "ErrorMessage",
    "FrameMessage",
    "Get",
    "Hello",
    "Info",
    "ListShots",
    "Message",
    "Open",
    "Ping",
    "Pong",
    "Process",
    "Release",
    "Reserve",
    "Slot",
    "Status",
    "Stream",
    "Unknown",
    "Welcome",
    "WireError",
    "decode",
    "encode",
    "fitting_text",
]

MAGIC: Final = 0x52465356
MAJOR, MINOR = 1, 0
MOST_PAYLOAD: Final = 65536
HEADER: Final = struct.Struct("<IHHQ")

U8 = Annotated[int, "<B"]
U16 = Annotated[int, "<H"]
U32 = Annotated[int, "<I"]
U64 = Annotated[int, "<Q"]
I64 = Annotated[int, "<q"]
Text = Annotated[str, "text"]
Token = Annotated[bytes, "32s"]


class WireError(ValueError):
    """A message breaks the rules; whoever got it closes the connection."""


class ErrorCode:
    """What an ERROR is about."""

    BROKEN: Final = 1
    VERSION: Final = 2
    UNKNOWN: Final = 3
    NOT_SERVED: Final = 4
    NO_FRAME: Final = 5
    FAILED: Final = 6
    MEMORY: Final = 7
    CANCELLED: Final = 8
    SETTINGS: Final = 9
    BUSY: Final = 10


class Message:
    """A message; a subclass for each kind, its fields in the order of the payload."""

    __slots__ = ()
    type: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class Hello(Message):
    """A client's first message."""

    type: ClassVar[int] = 1
    magic: U32 = MAGIC
    major: U16 = MAJOR
    minor: U16 = MINOR
    process: U32 = 0
    host: Text = ""
    token: Token = bytes(32)


@dataclass(frozen=True, slots=True)
class Welcome(Message):
    """The answer to it."""

    type: ClassVar[int] = 2
    major: U16
    minor: U16
    process: U32
    slots: U32
    program: Text


@dataclass(frozen=True, slots=True)
class ListShots(Message):
    """Asks for shots from one on."""

    type: ClassVar[int] = 3
    first: U32


@dataclass(frozen=True, slots=True)
class Entry:
    """A shot of the catalogue."""

    shot: Text
    file: Text
    first: I64
    frames: I64
    file_first: I64


@dataclass(frozen=True, slots=True)
class Catalogue(Message):
    """As many shots as fit into a message."""

    type: ClassVar[int] = 4
    all: U32
    first: U32
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Open(Message):
    """Opens a source: the reel, a shot, a file, or *through*."""

    type: ClassVar[int] = 5
    kind: U8
    depth: U8
    slots: U16
    width: U32 = 0
    height: U32 = 0
    rate_numerator: U32 = 0
    rate_denominator: U32 = 0
    name: Text = ""
    settings: Text = ""


@dataclass(frozen=True, slots=True)
class Info(Message):
    """A source is open; its memory comes with this message."""

    type: ClassVar[int] = 6
    source: U32
    width: U32
    height: U32
    rate_numerator: U32
    rate_denominator: U32
    first: I64
    frames: I64
    radius: U32
    ring: U32
    slots: U16
    slot_bytes: U64
    depth: U8
    colour: Text


@dataclass(frozen=True, slots=True)
class Get(Message):
    """Asks for a frame."""

    type: ClassVar[int] = 7
    source: U32
    frame: I64
    width: U32 = 0
    height: U32 = 0
    draft: U8 = 0


@dataclass(frozen=True, slots=True)
class FrameMessage(Message):
    """A frame lies in a slot."""

    type: ClassVar[int] = 8
    source: U32
    ring: U32
    slot: U32
    offset: U64
    stride: U32
    plane: U64
    width: U32
    height: U32
    depth: U8
    flags: U8
    shot: Text


@dataclass(frozen=True, slots=True)
class ErrorMessage(Message):
    """A request failed."""

    type: ClassVar[int] = 9
    code: U16
    text: Text


@dataclass(frozen=True, slots=True)
class Cancel(Message):
    """A request is not wanted any more."""

    type: ClassVar[int] = 10
    wanted: U64


@dataclass(frozen=True, slots=True)
class Release(Message):
    """A slot is the server's again."""

    type: ClassVar[int] = 11
    ring: U32
    slot: U32


@dataclass(frozen=True, slots=True)
class Reserve(Message):
    """Asks for a slot to write frames into."""

    type: ClassVar[int] = 12
    source: U32


@dataclass(frozen=True, slots=True)
class Slot(Message):
    """The slot to write into."""

    type: ClassVar[int] = 13
    ring: U32
    slot: U32
    offset: U64
    stride: U32
    plane: U64
    frame: U64


@dataclass(frozen=True, slots=True)
class Process(Message):
    """The frames in a slot are complete."""

    type: ClassVar[int] = 14
    source: U32
    slot: U32
    frame: I64
    before: U16
    after: U16


@dataclass(frozen=True, slots=True)
class Status(Message):
    """A line for the client's panel."""

    type: ClassVar[int] = 15
    text: Text


@dataclass(frozen=True, slots=True)
class Ping(Message):
    """Are you there?"""

    type: ClassVar[int] = 16


@dataclass(frozen=True, slots=True)
class Pong(Message):
    """Yes."""

    type: ClassVar[int] = 17


@dataclass(frozen=True, slots=True)
class Bye(Message):
    """The last message."""

    type: ClassVar[int] = 18
    why: Text = ""


@dataclass(frozen=True, slots=True)
class Close(Message):
    """A source is not asked for any more."""

    type: ClassVar[int] = 19
    source: U32


@dataclass(frozen=True, slots=True)
class Unknown(Message):
    """A message of a type that a later version may know."""

    kind: int


KINDS: Final[tuple[type[Message], ...]] = (
    *(Hello, Welcome, ListShots, Catalogue, Open, Info, Get, FrameMessage, ErrorMessage, Cancel, Release),
    *(Reserve, Slot, Process, Status, Ping, Pong, Bye, Close),
)
"""Every kind of message."""

_MESSAGES: Final = {kind.type: kind for kind in KINDS}


class _Cursor:
    """Reads fields off a payload."""

    def __init__(self, payload: bytes) -> None:
        self._payload, self._at = payload, 0

    def take(self, size: int) -> bytes:
        part = self._payload[self._at : self._at + size]
        if len(part) != size:
            raise WireError("a message is shorter than its fields")
        self._at += size
        return part

    def value(self, how: str) -> Any:
        if how != "text":
            return struct.unpack(how, self.take(struct.calcsize(how)))[0]
        raw = self.take(self.value("<H"))
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise WireError("a text is no UTF-8") from None
        if "\0" in text:
            raise WireError("a text holds a zero byte")
        return text

    def fields(self, kind: type) -> dict[str, Any]:
        return {name: self.value(how) for name, how in _LAYOUTS[kind]}

    def end(self) -> None:
        if self._at != len(self._payload):
            raise WireError("a message is longer than its fields")


def _layout(kind: Any) -> tuple[tuple[str, str], ...]:
    """Names of the fields of a message, and how each lies in the payload."""
    hints = get_type_hints(kind, include_extras=True)

    def how(name: str) -> str:
        return str(get_args(hints[name])[1])

    return tuple((each.name, how(each.name)) for each in fields(kind) if each.name != "entries")


_LAYOUTS: Final[dict[type, tuple[tuple[str, str], ...]]] = {kind: _layout(kind) for kind in (*KINDS, Entry)}


def _packed(value: Any) -> bytes:
    """A message's or an entry's fields as bytes."""
    parts = []
    for name, how in _LAYOUTS[type(value)]:
        given = getattr(value, name)
        try:
            raw = given.encode("utf-8") if how == "text" else b""
            parts.append(struct.pack("<H", len(raw)) + raw if how == "text" else struct.pack(how, given))
        except (struct.error, UnicodeEncodeError) as error:
            raise WireError(f"{type(value).__name__}.{name} cannot be sent: {error}") from None
        if b"\0" in raw:
            raise WireError(f"{type(value).__name__}.{name} holds a zero byte")
    return b"".join(parts)


def encode(message: Message, request: int = 0) -> bytes:
    """A message as it is sent, header and all.

    Raises:
        WireError: A value does not fit its field, or the payload is too long.
    """
    payload = _packed(message)
    if isinstance(message, Catalogue):
        payload += struct.pack("<H", len(message.entries)) + b"".join(map(_packed, message.entries))
    if len(payload) > MOST_PAYLOAD:
        raise WireError(f"{type(message).__name__} is {len(payload)} bytes long, {MOST_PAYLOAD} is the most")
    return HEADER.pack(len(payload), message.type, 0, request) + payload


def decode(kind: int, payload: bytes) -> Message:
    """The message in a payload; `Unknown` for a type that is none of ours.

    Raises:
        WireError: The payload is not what the type asks for.
    """
    known = _MESSAGES.get(kind)
    if known is None:
        return Unknown(kind)
    cursor = _Cursor(payload)
    values = cursor.fields(known)
    if known is Catalogue:
        values["entries"] = tuple(Entry(**cursor.fields(Entry)) for _ in range(cursor.value("<H")))
    cursor.end()
    return known(**values)


class Stream:
    """Takes messages out of a stream of bytes, however it is cut into pieces."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, Message]]:
        """The messages that are complete now, each with its request.

        Raises:
            WireError: A header or a payload breaks the rules.
        """
        self._buffer += data
        found = []
        while len(self._buffer) >= HEADER.size:
            length, kind, zero, request = HEADER.unpack_from(self._buffer)
            if length > MOST_PAYLOAD or zero:
                raise WireError("a message has a header that cannot be")
            if len(self._buffer) < HEADER.size + length:
                break
            payload = bytes(self._buffer[HEADER.size : HEADER.size + length])
            del self._buffer[: HEADER.size + length]
            found.append((request, decode(kind, payload)))
        return found


def fitting_text(text: str, most: int = 4096) -> str:
    """A text that can be sent: no zero bytes, nothing that is no UTF-8, not longer than so many bytes."""
    clean = text.replace("\0", " ").encode("utf-8", "replace")[:most]
    return clean.decode("utf-8", "ignore")
