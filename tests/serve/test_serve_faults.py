"""What may go wrong at a bad moment: nobody waits for ever, nobody gets another's memory, nothing dies in silence."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
import vapoursynth as vs

from vsfilmrestore.serve import wire
from vsfilmrestore.serve.client import BYTE, Client, ServerError, _waited, _Waiting
from vsfilmrestore.serve.endpoint import connect, socket_of
from vsfilmrestore.serve.mount_pictures import Pictures
from vsfilmrestore.serve.mount_reel import MountedReel
from vsfilmrestore.serve.mount_tree import Still
from vsfilmrestore.serve.reel import ServedReel
from vsfilmrestore.serve.wire import ErrorCode

core = vs.core


class Guarded(dict[int, Any]):
    """What waits; notes who takes something out without holding the lock."""

    def __init__(self, lock: Any) -> None:
        super().__init__()
        self.lock, self.unheld = lock, 0

    def pop(self, *words: Any) -> Any:
        self.unheld += not self.lock._is_owned()
        return super().pop(*words)


def torn(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
    raise ValueError("torn")


@pytest.fixture
def blank() -> vs.VideoNode:
    return core.std.BlankClip(format=vs.RGB24, width=32, height=16, length=40, keep=True, fpsnum=24, fpsden=1)


def test_what_waits_is_never_changed_under_those_who_look_through_it(
    serve: Callable[..., Any], reel_of: Callable[[vs.VideoNode], ServedReel], blank: vs.VideoNode
) -> None:
    server = serve(reel_of(core.std.ModifyFrame(blank, blank, torn)))
    with Client.connect(timeout=10) as client:
        source = client.reel(depth=BYTE)
        (session, _) = next(iter(server._sessions.values()))
        session._pending = Guarded(session._lock)
        with pytest.raises(ServerError, match="torn"):
            source.frame(3, timeout=10)
        assert session._pending.unheld == 0


def test_a_client_that_does_not_know_a_message_may_say_so(client: Client) -> None:
    with connect(socket_of("default")) as stream:
        stream.settimeout(10)
        stream.sendall(wire.encode(wire.Hello(), 1) + wire.encode(wire.ErrorMessage(3, "unknown message"), 0))
        stream.sendall(wire.encode(wire.Ping(), 2))
        reader, got = wire.Stream(), []
        while len(got) < 2 and (data := stream.recv(65536)):
            got += reader.feed(data)
    assert [type(message) for _, message in got] == [wire.Welcome, wire.Pong]


def test_who_listens_may_go_and_the_server_goes_on(
    serve: Callable[..., Any], reel_of: Callable[[vs.VideoNode], ServedReel], blank: vs.VideoNode
) -> None:
    def gone(event: str, facts: dict[str, object]) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    serve(reel_of(blank), told=gone)
    with Client.connect(timeout=10) as client:
        client.reel(depth=BYTE).frame(3, timeout=10).release()


def test_too_many_threads_turn_one_client_away_and_no_other(
    serve: Callable[..., Any],
    reel_of: Callable[[vs.VideoNode], ServedReel],
    blank: vs.VideoNode,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = serve(reel_of(blank))
    start = threading.Thread.start

    def none_left(thread: threading.Thread) -> None:
        if thread.name.startswith("client 1"):
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none_left)
        with pytest.raises((ServerError, OSError)):
            Client.connect(timeout=5)
    assert server.clients == []
    with Client.connect(timeout=10) as client:
        client.ping(5)


class Late(Future[Any]):
    """Done in the very moment in which who waits gives up."""

    def result(self, timeout: float | None = None) -> Any:
        if not self.done():
            self.set_result("frame")
            raise TimeoutError
        return super().result(timeout)


def test_a_frame_that_comes_as_the_wait_ends_is_no_error(
    reel_of: Callable[[vs.VideoNode], ServedReel], blank: vs.VideoNode
) -> None:
    pictures: Pictures = MountedReel(reel_of(blank), "dpx16")._pictures
    assert pictures._wait(Late(), lambda: False) == "frame"
    own: Future[Any] = Future()
    own.set_exception(TimeoutError("of its own"))
    with pytest.raises(TimeoutError, match="of its own"):
        pictures._wait(own, lambda: False)


def test_reading_beyond_the_end_renders_nothing(
    reel_of: Callable[[vs.VideoNode], ServedReel], blank: vs.VideoNode
) -> None:
    files = MountedReel(reel_of(blank), "dpx16", name="film")
    entry = files.tree.find("/film/film.0000003.dpx")
    assert isinstance(entry, Still)
    for beyond in (0, 1, 10**9):
        assert bytes(files.read(entry, files.size(entry) + beyond, 4096)) == b""
    assert files.frames.counts.rendered == files.frames.counts.running == 0


def test_frames_that_wait_for_a_slot_are_bounded_as_slots_are(
    serve: Callable[..., Any], reel_of: Callable[[vs.VideoNode], ServedReel], blank: vs.VideoNode
) -> None:
    serve(reel_of(blank), ring_bytes=20 * 4096)
    with Client.connect(timeout=10) as client:
        source = client.reel(depth=BYTE, slots=1)
        asked = [source.ask(0)]
        held = asked[0].result(10)
        asked = [source.ask(n) for n in range(40)]
        for late in asked[32:]:
            with pytest.raises(ServerError, match="32 requests wait already") as caught:
                late.result(10)
            assert caught.value.code == ErrorCode.BUSY
        held.release()
        for future in asked[:32]:
            future.result(10).release()
        source.frame(39, timeout=10).release()


def test_memory_of_a_source_nobody_waits_for_is_not_taken_for_that_of_the_next(
    serve: Callable[..., Any], reel_of: Callable[[vs.VideoNode], ServedReel], blank: vs.VideoNode
) -> None:
    server = serve(reel_of(core.std.BlankClip(blank, color=[5, 6, 7])))
    with Client.connect(timeout=10) as client:
        given_up: Future[Any] = Future()
        given_up.cancel()
        request = next(client._requests)
        client._waiting[request] = _Waiting(given_up)
        client.send(wire.Open(0, BYTE, 2), request)
        with client.reel(depth=BYTE, slots=2).frame(3, timeout=10) as picture:
            assert [int(plane[0, 0]) for plane in picture.planes] == [5, 6, 7]
        client.ping(5)
        (session, _) = next(iter(server._sessions.values()))
        assert len(session._sources) == 1
        assert client._inbox.descriptors == []


def test_a_picture_that_comes_as_the_wait_ends_is_given() -> None:
    assert _waited(Late(), 1) == "frame"
