"""What one client asks for, and what it gets. Nothing it sends is believed."""

from __future__ import annotations

import hmac
import os
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from itertools import count
from time import monotonic
from typing import Final, Protocol

import vapoursynth as vs

from vsfilmrestore.errors import RenderError, VsfrError, plain_text
from vsfilmrestore.serve import wire
from vsfilmrestore.serve.convert import Converter, fill
from vsfilmrestore.serve.link import Link
from vsfilmrestore.serve.requests import Opened, Wanted, frame_of, info_of, slot_of
from vsfilmrestore.serve.ring import DEPTHS, Layout, Ring
from vsfilmrestore.serve.supply import Refusal, Source, Supply
from vsfilmrestore.serve.through import Through
from vsfilmrestore.serve.wire import ErrorCode

__all__ = ["MOST_SLOTS", "Host", "Session"]

MOST_SLOTS: Final = 64
"""Slots of a source."""
_MOST_SOURCES: Final = 64
_MOST_PENDING: Final = 1024
_LEAST_PENDING: Final = 32
"""Requests that may wait however large their frames are: as many threads as a host has."""
_RINGS: Final = count(1)
_QUIET: Final = frozenset({wire.Cancel, wire.Release, wire.Pong, wire.Bye, wire.Close, wire.ErrorMessage})
"""Messages that are not answered; their request may be 0."""


class Host(Protocol):
    """What a session needs of its server."""

    supply: Supply
    convert: Converter
    pool: Executor
    """Short work: conversion."""
    labour: Executor
    """Long work: recipes for frames of clients."""
    ring_bytes: int
    program: str
    token: bytes
    """What HELLO has to hold; nothing where the system tells who is there."""

    def told(self, event: str, **facts: object) -> None:
        """Something happened."""


class Session:
    """A client, from HELLO to its end."""

    def __init__(self, host: Host, link: Link, number: int) -> None:
        self._host, self._link, self.number = host, link, number
        self._sources: dict[int, Opened] = {}
        self._rings: dict[int, Opened] = {}
        self._pending: dict[int, Wanted] = {}
        self._lock = threading.RLock()
        self._numbers = count(1)
        self._greeted = False
        self._said = ""
        self.client = ""
        self._answers: dict[type[wire.Message], Callable[[int, object], None]] = {
            wire.ListShots: self._list,  # type: ignore[dict-item]
            wire.Open: self._open,  # type: ignore[dict-item]
            wire.Get: self._get,  # type: ignore[dict-item]
            wire.Cancel: self._cancel,  # type: ignore[dict-item]
            wire.Release: self._release,  # type: ignore[dict-item]
            wire.Reserve: self._reserve,  # type: ignore[dict-item]
            wire.Process: self._process,  # type: ignore[dict-item]
            wire.Ping: lambda request, _: self._link.send(wire.Pong(), request),
            wire.Pong: lambda request, _: None,
            wire.ErrorMessage: lambda request, _: None,  # it does not know one of our messages
            wire.Close: self._close_source,  # type: ignore[dict-item]
        }

    @property
    def silent(self) -> float:
        """Seconds since something came from the client."""
        return monotonic() - self._link.heard

    @property
    def waiting(self) -> int:
        """Requests that are not answered yet."""
        return len(self._pending)

    def ping(self) -> None:
        """Ask the client whether it is there."""
        self._link.send(wire.Ping(), 1)

    def tell(self) -> None:
        """Tell a client that waits what for."""
        with self._lock:
            if not self._greeted:
                return
            waits = [wanted for wanted in self._pending.values() if not wanted.reserves and wanted.frame is None]
            longest = monotonic() - min((wanted.since for wanted in waits), default=monotonic())
        text = f"{len(waits)} frames in work, the first for {longest:.0f} s" if longest >= 1 else ""
        if text != self._said:
            self._said = text
            self._link.send(wire.Status(text))

    def end(self, why: str) -> None:
        """Say goodbye."""
        self._link.send(wire.Bye(wire.fitting_text(why)))
        self._link.finish()

    def drop(self) -> None:
        """End at once."""
        self._link.end()

    def run(self) -> None:
        """Answer until the connection ends."""
        try:
            for request, message in self._link.messages():
                if isinstance(message, wire.Bye) or not self._answered(request, message):
                    break
        except wire.WireError as error:
            self._error(0, ErrorCode.BROKEN, str(error))
            self._link.finish()
        finally:
            self._gone()
            self._link.close()

    def _answered(self, request: int, message: wire.Message) -> bool:
        """Answer a message; whether the connection goes on."""
        if isinstance(message, wire.Hello) or not self._greeted:
            return self._greet(request, message)
        if type(message) not in _QUIET and (request == 0 or request in self._pending):
            raise wire.WireError("a request has no number of its own")
        answer = self._answers.get(type(message))
        if answer is None:
            self._error(request, ErrorCode.UNKNOWN, "this server does not know that message")
            return True
        try:
            answer(request, message)
        except Refusal as refusal:
            self._error(request, refusal.code, refusal.text)
        except (VsfrError, vs.Error) as error:
            self._error(request, ErrorCode.FAILED, plain_text(error))
        return True

    def _error(self, request: int, code: int, text: str) -> None:
        self._link.send(wire.ErrorMessage(code, wire.fitting_text(text)), request)

    def _greet(self, request: int, message: wire.Message) -> bool:
        if not isinstance(message, wire.Hello) or message.magic != wire.MAGIC or self._greeted or not request:
            raise wire.WireError("the first message, and no other, is HELLO")
        if message.major != wire.MAJOR:
            text = f"version {message.major} of the protocol was asked for, this server speaks {wire.MAJOR}"
            self._error(request, ErrorCode.VERSION, text)
            self._link.finish()
            return False
        if self._host.token and not hmac.compare_digest(message.token, self._host.token):
            self._host.told("refused", text="a client without this server's token")
            self._error(request, ErrorCode.BROKEN, "that is not the token of this server")
            self._link.finish()
            return False
        self._greeted = True
        self.client = message.host or "a client"
        self._host.told("client", client=self.client, process=message.process)
        welcome = wire.Welcome(wire.MAJOR, wire.MINOR, os.getpid(), MOST_SLOTS, self._host.program)
        self._link.send(welcome, request)
        return True

    def _list(self, request: int, message: wire.ListShots) -> None:
        entries = self._host.supply.entries
        chosen: list[wire.Entry] = []
        room = wire.MOST_PAYLOAD - 64
        for entry in entries[message.first : message.first + 0xFFFF]:
            room -= 32 + len(entry.shot.encode()) + len(entry.file.encode("utf-8", "replace"))
            if room < 0:
                break
            chosen.append(entry)
        self._link.send(wire.Catalogue(len(entries), message.first, tuple(chosen)), request)

    def _open(self, request: int, message: wire.Open) -> None:
        if message.depth >= len(DEPTHS):
            raise Refusal(ErrorCode.SETTINGS, f"there is no depth {message.depth}")
        if len(self._sources) >= _MOST_SOURCES:
            raise Refusal(ErrorCode.BUSY, f"{_MOST_SOURCES} sources are open already")
        what = self._source_of(message)
        if isinstance(what, Through):
            layout, pictures = what.layout, 2 * what.radius + 1
        else:
            layout, pictures = Layout(what.width, what.height, message.depth), 1
        opened = Opened(next(self._numbers), what, message.depth, self._ring(message.slots, pictures * layout.frame))
        with self._lock:
            self._sources[opened.number] = self._rings[opened.ring.number] = opened
        self._link.send(info_of(opened, layout), request, opened.ring.descriptor)
        self._host.told("open", client=self.client, kind=message.kind, name=message.name, settings=message.settings)

    def _source_of(self, message: wire.Open) -> Source | Through:
        supply = self._host.supply
        match message.kind:
            case 0:
                return supply.whole()
            case 1:
                return supply.shot(message.name)
            case 2:
                return supply.file(message.name)
            case 3:
                size = message.width, message.height, message.depth
                return Through.of(message.settings, *size, message.rate_numerator, message.rate_denominator)
        raise Refusal(ErrorCode.NOT_SERVED, f"there is no source of kind {message.kind}")

    def _ring(self, slots: int, slot_bytes: int) -> Ring:
        used = sum(opened.ring.slots * opened.ring.slot_bytes for opened in self._sources.values())
        room = (self._host.ring_bytes - used) // Ring.size_of_slot(slot_bytes)
        if room < 1:
            raise Refusal(ErrorCode.MEMORY, f"{slot_bytes >> 20} MB for one slot are more than is left to this client")
        try:
            return Ring(next(_RINGS), max(1, min(slots, MOST_SLOTS, room)), slot_bytes)
        except OSError as error:
            raise Refusal(ErrorCode.MEMORY, f"there is no memory for the slots: {error.strerror}") from None

    def _opened(self, number: int) -> Opened:
        opened = self._sources.get(number)
        if opened is None:
            raise Refusal(ErrorCode.NOT_SERVED, f"source {number} is not open")
        return opened

    def _get(self, request: int, message: wire.Get) -> None:
        opened = self._opened(message.source)
        what = opened.what
        if isinstance(what, Through):
            raise Refusal(ErrorCode.NOT_SERVED, "frames of this source are sent, not asked for")
        self._check_room(opened)
        width, height = message.width or what.width, message.height or what.height
        if width > what.width or height > what.height or bool(message.width) != bool(message.height):
            raise Refusal(ErrorCode.SETTINGS, f"frames are at most {what.width} x {what.height}")
        place = what.place(message.frame)
        reader = (self.number, opened.number)
        wanted = Wanted(request, opened, monotonic(), Layout(width, height, opened.depth), shot=place.shot)
        with self._lock:
            self._pending[request] = wanted
        try:
            if message.draft and place.frames.at_hand(place.number) is None:
                wanted.flags = 1
                future = place.scan.get(place.number)
            else:
                future = place.frames.get(place.number, reader=reader)
        except RenderError:
            with self._lock:
                self._pending.pop(request, None)
            raise
        wanted.future = future
        future.add_done_callback(lambda done: self._work(self._made, wanted, done))

    def _work(self, task: Callable[..., None], *words: object) -> None:
        with suppress(RuntimeError):  # the server ends
            self._host.pool.submit(task, *words)

    def _check_room(self, opened: Opened) -> None:
        """Frames that are done wait in memory for a slot, so their bytes are limited as those of the slots are.

        Raises:
            Refusal: As many requests wait as may.
        """
        with self._lock:
            waiting = list(self._pending.values())
        held = sum(each.opened.ring.slot_bytes for each in waiting) + opened.ring.slot_bytes
        if len(waiting) >= _MOST_PENDING or (len(waiting) >= _LEAST_PENDING and held > self._host.ring_bytes):
            raise Refusal(ErrorCode.BUSY, f"{len(waiting)} requests wait already")

    def _made(self, wanted: Wanted, future: Future[vs.VideoFrame]) -> None:
        """A frame is there, or failed; on a thread of the pool."""
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            self._failed(wanted, plain_text(error))
            return
        with self._lock:
            wanted.frame, wanted.future = future.result(), None
        self._hand_out(wanted.opened)

    def _failed(self, wanted: Wanted, text: str) -> None:
        with self._lock:  # others look through what waits
            here = self._pending.pop(wanted.request, None) is not None
        if here:
            self._error(wanted.request, ErrorCode.FAILED, text)
            self._host.told("failed", client=self.client, shot=wanted.shot, text=text)
        self._hand_out(wanted.opened)

    def _hand_out(self, opened: Opened) -> None:
        """Give free slots to finished frames and to who wants to write into one.

        As many slots are held back as there are earlier requests without one: a client that takes its frames in the
        order it asked for them never waits for a slot that a later frame holds.
        """
        with self._lock:
            found, earlier = [], 0
            for wanted in [each for each in self._pending.values() if each.opened is opened and not each.placed]:
                if wanted.waits and opened.ring.free > earlier and (slot := opened.ring.take()) is not None:
                    self._place(wanted, slot)
                    found.append((wanted, slot))
                else:
                    earlier += 1
        for wanted, slot in found:
            if wanted.reserves:
                self._link.send(slot_of(opened, wanted.layout, slot), wanted.request)
            else:
                self._work(self._write, wanted, slot)

    def _place(self, wanted: Wanted, slot: int) -> None:
        """With the lock held: a request has its slot."""
        wanted.placed = True
        if wanted.reserves:
            self._pending.pop(wanted.request)
        else:
            wanted.working = True
            wanted.opened.busy.add(slot)

    def _write(self, wanted: Wanted, slot: int) -> None:
        """Write a finished frame into its slot and send it; on a thread of the pool."""
        frame, opened = wanted.frame, wanted.opened
        assert frame is not None
        wanted.frame = None
        try:
            converted = self._host.convert(frame, wanted.layout)
            fill(opened.ring.planes(slot, wanted.layout), converted)
        except Exception as error:  # noqa: BLE001 - whatever it was, the client waits for an answer
            self._free(opened, slot)
            self._failed(wanted, plain_text(error))
            return
        self._sent(wanted, slot)

    def _sent(self, wanted: Wanted, slot: int) -> None:
        opened = wanted.opened
        with self._lock:
            opened.busy.discard(slot)
            here = self._pending.pop(wanted.request, None) is not None
        if not here:
            self._free(opened, slot)
            return
        self._link.send(frame_of(wanted, slot), wanted.request)
        self._host.told("frame", client=self.client, shot=wanted.shot, seconds=monotonic() - wanted.since)

    def _free(self, opened: Opened, slot: int) -> None:
        """A slot is free; whoever waits gets it."""
        with self._lock:
            opened.busy.discard(slot)
            given = opened.ring.give(slot)
        if given:
            self._hand_out(opened)

    def _release(self, request: int, message: wire.Release) -> None:
        opened = self._rings.get(message.ring)
        if opened is None:
            return
        with self._lock:  # so that it is not lent in between
            given = message.slot not in opened.busy and opened.ring.give(message.slot)
        if given:
            self._hand_out(opened)

    def _cancel(self, request: int, message: wire.Cancel) -> None:
        with self._lock:
            wanted = self._pending.get(message.wanted)
            if wanted is None or wanted.working:
                return  # its answer is on its way
            self._forget(wanted)
        self._error(wanted.request, ErrorCode.CANCELLED, "cancelled")
        self._hand_out(wanted.opened)

    def _forget(self, wanted: Wanted) -> None:
        """With the lock held: nobody wants it any more."""
        self._pending.pop(wanted.request, None)
        wanted.frame = None
        if wanted.future is not None:
            wanted.future.cancel()

    def _close_source(self, request: int, message: wire.Close) -> None:
        with self._lock:
            opened = self._sources.pop(message.source, None)
            if opened is None:
                return
            self._rings.pop(opened.ring.number, None)
            ended = [wanted for wanted in self._pending.values() if wanted.opened is opened]
            for wanted in ended:
                self._forget(wanted)
            opened.ring.close()
        self._forget_reader(opened)
        for wanted in ended:
            self._error(wanted.request, ErrorCode.CANCELLED, "the source is closed")

    def _forget_reader(self, opened: Opened) -> None:
        self._host.supply.forget((self.number, opened.number))

    def _reserve(self, request: int, message: wire.Reserve) -> None:
        opened = self._opened(message.source)
        if not isinstance(opened.what, Through):
            raise Refusal(ErrorCode.NOT_SERVED, "frames of this source are asked for, not sent")
        self._check_room(opened)
        wanted = Wanted(request, opened, monotonic(), opened.what.layout, reserves=True)
        with self._lock:
            self._pending[request] = wanted
        self._hand_out(opened)

    def _process(self, request: int, message: wire.Process) -> None:
        opened = self._opened(message.source)
        what = opened.what
        if not isinstance(what, Through):
            raise Refusal(ErrorCode.NOT_SERVED, "frames of this source are asked for, not sent")
        with self._lock:
            if not opened.ring.is_lent(message.slot) or message.slot in opened.busy:
                raise Refusal(ErrorCode.SETTINGS, f"slot {message.slot} was not reserved")
            if message.before > what.radius or message.after > what.radius:
                self._free(opened, message.slot)
                raise Refusal(ErrorCode.SETTINGS, f"at most {what.radius} frames on each side are taken")
            wanted = Wanted(request, opened, monotonic(), what.layout, placed=True)
            self._pending[request] = wanted
            opened.busy.add(message.slot)
        with suppress(RuntimeError):
            self._host.labour.submit(self._restore, wanted, message)

    def _restore(self, wanted: Wanted, message: wire.Process) -> None:
        """Run a client's frames through its recipe; on a thread of the pool."""
        opened, layout = wanted.opened, wanted.layout
        what = opened.what
        assert isinstance(what, Through)
        with self._lock:
            if wanted.request not in self._pending:
                self._free(opened, message.slot)
                return
            wanted.working = True
        try:
            many = range(message.before + 1 + message.after)
            frames = [opened.ring.planes(message.slot, layout, i * layout.frame) for i in many]
            fill(frames[0], what.apply(frames, message.before, message.frame))
        except Exception as error:  # noqa: BLE001 - whatever it was, the client waits for an answer
            self._free(opened, message.slot)
            self._failed(wanted, plain_text(error))
            return
        self._sent(wanted, message.slot)

    def _gone(self) -> None:
        """The client is gone: drop all it wanted, and its memory."""
        with self._lock:
            for wanted in list(self._pending.values()):
                self._forget(wanted)
            sources, self._sources, self._rings = list(self._sources.values()), {}, {}
            for opened in sources:
                opened.ring.close()
        for opened in sources:
            self._forget_reader(opened)
        if self.client:
            self._host.told("gone", client=self.client)
