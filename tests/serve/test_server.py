"""A server and its clients: frames, shots, files, drafts, proxies, cancelling, failures, liars."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.media.out.prepare import prepare
from vsfilmrestore.media.out.profiles import PROFILES
from vsfilmrestore.serve import wire
from vsfilmrestore.serve.client import BYTE, FLOAT, HALF, SHORT, Client, ServerError, ServerGoneError
from vsfilmrestore.serve.endpoint import connect, socket_of
from vsfilmrestore.serve.reel import ServedReel
from vsfilmrestore.serve.wire import ErrorCode

core = vs.core

PEAK = {BYTE: 255.0, SHORT: 65535.0, HALF: 1.0, FLOAT: 1.0}


def until(met: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not met() and time.monotonic() < end:
        time.sleep(0.005)
    assert met()


def rgb(node: vs.VideoNode, number: int) -> np.ndarray:
    """A frame as float RGB of full range, as a render to such a format makes it."""
    frame = prepare(node, PROFILES["exr_float"]).get_frame(number)
    return np.stack([np.asarray(frame[plane]) for plane in range(3)])


def test_the_catalogue(client: Client, reel: ServedReel, tmp_path: Path) -> None:
    file = str(tmp_path / "scans" / "R1.mkv")
    assert client.shots() == [
        wire.Entry("opening", file, 0, 8, 0),
        wire.Entry("R1@01:00:00:10", file, 8, 6, 10),
        wire.Entry("R1@01:00:00:16", file, 14, 8, 16),
    ]
    assert client.welcome.program.startswith("vsfilmrestore ")


@pytest.mark.parametrize(("depth", "off"), [(BYTE, 0.51 / 255), (SHORT, 0.51 / 65535), (HALF, 2**-11), (FLOAT, 1e-6)])
def test_frames_are_those_of_a_render_within_the_rounding_of_the_depth(
    client: Client, reel: ServedReel, depth: int, off: float
) -> None:
    source = client.reel(depth=depth)
    for number, shot in ((0, "opening"), (13, "R1@01:00:00:10"), (21, "R1@01:00:00:16")):
        with source.frame(number) as picture:
            got = np.stack(picture.planes).astype(np.float64) / PEAK[depth]
            assert (picture.shot, picture.draft) == (shot, False)
        assert np.abs(got - rgb(reel.node, number)).max() <= off


def test_what_the_server_tells_of_a_source(client: Client, reel: ServedReel) -> None:
    info = client.reel(depth=HALF, slots=3).info
    assert (info.width, info.height, info.frames, info.first, info.slots, info.radius) == (64, 48, 22, 0, 3, 0)
    assert (info.rate_numerator, info.rate_denominator, info.colour) == (24, 1, reel.colour)


def test_shots_by_name_and_files_by_path(client: Client, reel: ServedReel, tmp_path: Path) -> None:
    shot = client.shot("R1@01:00:00:10")
    assert shot.info.frames == 6
    wanted = rgb(reel.node, 9)
    for source, number in (
        (shot, 1),
        (client.file(str(tmp_path / "scans" / ".." / "scans" / "R1.mkv")), 11),
        (client.file("D:\\elsewhere\\r1.MKV"), 11),
    ):
        got = np.stack(source.frame(number).copy()).astype(float) / 65535
        assert np.abs(got - wanted).max() < 1e-5
    with pytest.raises(ServerError, match=r"no shot of the cut shows frame 8 of R1\.mkv") as caught:
        client.file("R1.mkv").frame(8)
    assert caught.value.code == ErrorCode.NO_FRAME


@pytest.mark.parametrize("name", ["/etc/passwd", "R1.mov", "", "../scans", "R1.mkv\n"])
def test_nothing_else_is_served(client: Client, name: str) -> None:
    with pytest.raises(ServerError) as caught:
        client.file(name)
    assert caught.value.code == ErrorCode.NOT_SERVED
    with pytest.raises(ServerError, match="there is no shot"):
        client.shot("openning")


def test_another_size_is_made_for_proxies(client: Client) -> None:
    source = client.reel(depth=FLOAT)
    with source.frame(3) as whole, source.frame(3, width=32, height=24) as small:
        assert small.planes[0].shape == (24, 32)
        assert abs(float(small.planes[1].mean()) - float(whole.planes[1].mean())) < 0.01
    for size in ((65, 48), (64, 0), (64, 49)):
        with pytest.raises(ServerError, match="at most 64 x 48"):
            source.frame(3, width=size[0], height=size[1])


def test_a_draft_is_the_scan_until_the_restored_frame_is_at_hand(client: Client, reel: ServedReel) -> None:
    source = client.reel(depth=FLOAT)
    with source.frame(5, draft=True) as draft:
        assert draft.draft
        assert np.abs(np.stack(draft.planes) - rgb(reel.source_node, 5)).max() < 1e-6
    source.frame(5).release()
    with source.frame(5, draft=True) as full:
        assert not full.draft
        assert np.abs(np.stack(full.planes) - rgb(reel.node, 5)).max() < 1e-6


class Gate:
    """A clip whose frames wait."""

    def __init__(self, length: int = 40) -> None:
        self.open = threading.Event()
        self.made: list[int] = []
        blank = core.std.BlankClip(format=vs.RGB24, width=32, height=16, length=length, keep=True, fpsnum=24, fpsden=1)

        def number(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
            self.open.wait(20)
            self.made.append(n)
            if n == 33:
                raise ValueError("torn to pieces")
            out = f.copy()
            for plane in range(3):
                np.asarray(out[plane])[:] = n + plane
            return out

        self.node = core.std.ModifyFrame(blank, blank, number)


@pytest.fixture
def gate(serve: Callable[..., object], reel_of: Callable[[vs.VideoNode], ServedReel]) -> Gate:
    gate = Gate()
    serve(reel_of(gate.node), workers=1)
    return gate


def test_equal_requests_of_many_clients_are_rendered_once(gate: Gate) -> None:
    clients = [Client.connect(timeout=10) for _ in range(4)]
    sources = [client.reel(depth=BYTE) for client in clients]
    asked = [source.ask(7) for source in sources for _ in range(3)]
    gate.open.set()
    for future in asked:
        with future.result(20) as picture:
            assert [int(plane[3, 3]) for plane in picture.planes] == [7, 8, 9]
    assert gate.made == [7]
    for client in clients:
        client.close()


def test_what_is_cancelled_is_not_rendered(gate: Gate) -> None:
    with Client.connect(timeout=10) as client:
        source = client.reel(depth=BYTE)
        asked = [source.ask(n) for n in (0, 20, 3)]
        assert asked[1].cancel()
        client.ping()
        gate.open.set()
        for future in (asked[0], asked[2]):
            future.result(20).release()
        assert gate.made == [0, 3]


def test_a_client_that_goes_takes_its_requests_along(gate: Gate) -> None:
    with Client.connect(timeout=10) as staying:
        source = staying.reel(depth=BYTE)
        first = source.ask(0)
        with Client.connect(timeout=10) as going:
            other = going.reel(depth=BYTE)
            asked = [other.ask(n) for n in range(10, 20)]
            going.ping()
        for future in asked:
            with pytest.raises(ServerGoneError):
                future.result(5)
        time.sleep(0.2)
        gate.open.set()
        first.result(20).release()
        source.frame(30).release()
        assert gate.made == [0, 30]


def test_frames_wait_for_free_slots_and_lose_nothing(gate: Gate) -> None:
    gate.open.set()
    with Client.connect(timeout=10) as client:
        source = client.reel(depth=BYTE, slots=2)
        asked = [source.ask(n) for n in range(12)]
        held = [asked[0].result(20), asked[1].result(20)]
        with pytest.raises(TimeoutError):
            asked[2].result(0.3)
        for n, future in enumerate(asked):
            with held[n] if n < 2 else future.result(20) as picture:
                assert int(picture.planes[0][0, 0]) == n


def test_later_frames_do_not_take_the_slot_an_earlier_one_needs(
    serve: Callable[..., object], reel_of: Callable[[vs.VideoNode], ServedReel]
) -> None:
    gate = Gate()
    first = core.std.FrameEval(gate.node, lambda n: gate.node)  # only frame 0 is held
    quick = core.std.BlankClip(gate.node, color=[5, 5, 5])
    server = serve(reel_of(first[0] + quick[1:]), workers=2)
    with Client.connect(timeout=10) as client:
        source = client.reel(depth=BYTE, slots=1)
        asked = [source.ask(n) for n in range(6)]
        until(lambda: server.supply.frames.counts.rendered >= 5)  # type: ignore[attr-defined]
        gate.open.set()
        for future in asked:
            future.result(10).release()
        held = [source.ask(n) for n in (0, 1, 2)]
        picture = held[0].result(10)
        assert held[1].cancel()
        picture.release()
        held[2].result(10).release()


def test_a_frame_that_fails_is_told_with_shot_and_frame(gate: Gate) -> None:
    gate.open.set()
    with Client.connect(timeout=10) as client:
        source = client.reel(depth=BYTE)
        with pytest.raises(ServerError, match=r"shot shot 001, frame 33: torn to pieces") as caught:
            source.frame(33)
        assert caught.value.code == ErrorCode.FAILED
        with pytest.raises(ServerError, match="there is no frame 40: there are 0 to 39"):
            source.frame(40)
        source.frame(32).release()


def test_a_closed_source_answers_what_it_owes(gate: Gate) -> None:
    with Client.connect(timeout=10) as client:
        source = client.reel(depth=BYTE)
        asked = [source.ask(n) for n in (0, 5)]
        source.close()
        for future in asked:
            with pytest.raises(ServerError, match="closed"):
                future.result(5)
        with pytest.raises(ServerError, match="not open"):
            source.frame(1)
        gate.open.set()


def test_a_client_that_waits_is_told_what_for(gate: Gate) -> None:
    with Client.connect(timeout=10) as client:
        asked = client.reel(depth=BYTE).ask(0)
        until(lambda: client.status.startswith("1 frames in work"))
        gate.open.set()
        asked.result(20).release()
        until(lambda: client.status == "")


def test_memory_is_bounded(serve: Callable[..., object], reel: ServedReel) -> None:
    serve(reel, ring_bytes=100_000)
    with Client.connect(timeout=10) as client:
        assert client.reel(depth=SHORT, slots=60).info.slots == 4
        with pytest.raises(ServerError) as caught:
            client.reel(depth=FLOAT)
        assert caught.value.code == ErrorCode.MEMORY


def raw(name: str = "default") -> socket.socket:
    stream = connect(socket_of(name))
    stream.settimeout(10)
    return stream


def answers(stream: socket.socket) -> list[tuple[int, wire.Message]]:
    """All that comes until the server closes."""
    reader, got = wire.Stream(), []
    while data := stream.recv(65536):
        got += reader.feed(data)
    return got


HELLO = wire.encode(wire.Hello(host="liar"), 1)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"GET / HTTP/1.1\r\n\r\n" + bytes(64), ErrorCode.BROKEN),
        (wire.encode(wire.Get(1, 1), 1), ErrorCode.BROKEN),
        (wire.encode(wire.Hello(magic=1), 1), ErrorCode.BROKEN),
        (wire.encode(wire.Hello(major=9), 1), ErrorCode.VERSION),
        (HELLO + HELLO, ErrorCode.BROKEN),
        (HELLO + wire.encode(wire.Get(1, 1), 0), ErrorCode.BROKEN),
        (HELLO + struct.pack("<IHHQ", 70_000, 7, 0, 2), ErrorCode.BROKEN),
        (HELLO + struct.pack("<IHHQ", 3, 7, 0, 2) + b"abc", ErrorCode.BROKEN),
    ],
)
def test_who_breaks_the_rules_is_told_and_shut_out(client: Client, sent: bytes, code: int) -> None:
    with raw() as stream:
        stream.sendall(sent)
        got = [message for _, message in answers(stream)]
    assert isinstance(got[-1], wire.ErrorMessage)
    assert got[-1].code == code
    client.ping(5)


def test_a_liar_harms_nobody(client: Client) -> None:
    source = client.reel(depth=BYTE, slots=1)
    ring, number = source.info.ring, source.info.source
    picture = source.frame(0)
    for _ in range(3):
        client.send(wire.Release(ring, 77))
        client.send(wire.Release(ring + 5, 0))
        client.send(wire.Cancel(12345))
        client.send(wire.Close(99))
    for message in (
        wire.Process(number, 0, 0, 0, 0),
        wire.Reserve(number),
        wire.Get(number, -(2**63)),
        wire.Reserve(9),
    ):
        with pytest.raises(ServerError):
            client.ask(message, source).result(5)
    with pytest.raises(ServerError, match="no depth 9"):
        client.open(wire.Open(0, 9, 1))
    with pytest.raises(ServerError, match="no source of kind 8"):
        client.open(wire.Open(8, 0, 1))
    picture.release()
    picture.release()
    source.frame(1).release()


def test_a_type_of_a_later_version_is_answered(client: Client) -> None:
    with raw() as stream:
        stream.sendall(HELLO + struct.pack("<IHHQ", 4, 200, 0, 5) + b"abcd" + wire.encode(wire.Ping(), 6))
        reader, got = wire.Stream(), []
        while len(got) < 3:
            got += reader.feed(stream.recv(65536))
    assert [request for request, _ in got] == [1, 5, 6]
    assert isinstance(got[1][1], wire.ErrorMessage)
    assert got[1][1].code == ErrorCode.UNKNOWN


def test_a_server_that_stops_says_so(serve: Callable[..., object], reel: ServedReel) -> None:
    server = serve(reel)
    with Client.connect(timeout=10) as client:
        source = client.reel()
        server.stop("good night")  # type: ignore[attr-defined]
        with pytest.raises(ServerGoneError, match="good night"):
            source.frame(0)
    assert not socket_of("default").exists()


def test_a_dissolve_is_not_in_the_frames_of_a_file(
    tmp_path: Path, movie: Callable[..., None], serve: Callable[..., object]
) -> None:
    for reel, shift in (("R1", 0), ("R2", 3)):
        movie(tmp_path / "scans" / f"{reel}.mkv", 24 + shift, width=64, height=48, audio=False)
    (tmp_path / "cut.edl").write_text(
        "TITLE: CUT\nFCM: NON-DROP FRAME\n\n"
        "001  R1       V     C        01:00:00:00 01:00:00:08 01:00:00:00 01:00:00:08\n"
        "002  R1       V     C        01:00:00:08 01:00:00:08 01:00:00:08 01:00:00:08\n"
        "002  R2       V     D    004 01:00:00:10 01:00:00:20 01:00:00:08 01:00:00:18\n"
    )
    served = ServedReel.open(
        tmp_path / "cut.edl", given={"media": [tmp_path / "scans"], "preset": "none"}, project=tmp_path / "p"
    )
    scans = {name: core.bs.VideoSource(str(tmp_path / "scans" / f"{name}.mkv")) for name in ("R1", "R2")}
    serve(served)
    with Client.connect(timeout=10) as client:
        for name, frames in (("R1", (0, 7, 8, 11)), ("R2", (10, 12, 13, 14, 19))):
            source = client.file(f"{name}.mkv", depth=FLOAT)
            for number in frames:
                with source.frame(number) as picture:
                    assert np.abs(np.stack(picture.planes) - rgb(scans[name], number)).max() < 1e-5, (name, number)
        mixed = np.stack(client.reel(depth=FLOAT).frame(9).copy())
        assert np.abs(mixed - rgb(served.node, 9)).max() < 1e-6
        assert np.abs(mixed - rgb(scans["R2"], 11)).max() > 0.01
