"""A connection whose other side does not read."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator

import pytest

from vsfilmrestore.serve import wire
from vsfilmrestore.serve.link import Link, bound_sending

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts descriptors in /proc")

LONG = wire.Bye("x" * 60000)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs:
        yield ours, theirs


def test_what_a_client_lets_pile_up_is_bounded_in_bytes(ends: tuple[socket.socket, socket.socket]) -> None:
    link = Link(ends[0], "slow")
    sent = 0
    while not link.ended and sent < 1000:
        link.send(LONG)
        sent += 1
    link.close()
    assert 60 < sent < 120  # 4 MB of 60 KB, and what the socket itself takes


def test_descriptors_that_wait_are_bounded_and_closed(ends: tuple[socket.socket, socket.socket]) -> None:
    link = Link(ends[0], "slow")
    for _ in range(20):  # more than the socket takes, so that what follows waits
        link.send(LONG)
    before = len(os.listdir("/proc/self/fd"))
    sent = 0
    while not link.ended and sent < 1000:
        link.send(wire.Ping(), 1, 0)
        sent += 1
    link.close()
    assert sent == 65
    assert len(os.listdir("/proc/self/fd")) < before  # ours is closed, too


def test_what_was_read_no_longer_counts(ends: tuple[socket.socket, socket.socket]) -> None:
    link = Link(ends[0], "quick")
    theirs = ends[1].makefile("rb")
    for _ in range(150):
        link.send(LONG)
        assert len(theirs.read(60018)) == 60018
    assert not link.ended
    theirs.close()
    link.close()


def test_sending_does_not_wait_for_ever(ends: tuple[socket.socket, socket.socket]) -> None:
    bound_sending(ends[0], 1)
    begun = time.monotonic()
    with pytest.raises(BlockingIOError):
        ends[0].sendall(bytes(8 << 20))
    assert 0.9 < time.monotonic() - begun < 5
