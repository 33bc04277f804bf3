"""Shared memory: layouts, slots, seals."""

from __future__ import annotations

import mmap
import os
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vsfilmrestore.serve.ring import DEPTHS, Layout, Ring, attach

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memfd is Linux's")


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 5000), st.integers(1, 3000), st.integers(0, 3))
def test_planes_lie_one_after_the_other(width: int, height: int, depth: int) -> None:
    layout = Layout(width, height, depth)
    assert layout.stride >= width * DEPTHS[depth].itemsize
    assert layout.stride % 64 == 0
    assert (layout.plane, layout.frame) == (layout.stride * height, 3 * layout.stride * height)


def test_both_sides_see_the_same_pixels() -> None:
    layout = Layout(7, 5, 1)
    ring = Ring(1, 3, 2 * layout.frame)
    other = attach(ring.descriptor, ring.slots * ring.slot_bytes)
    slot = [ring.take() for _ in range(3)][2]
    assert slot == 2
    for index, plane in enumerate(ring.planes(slot, layout, layout.frame)):
        plane[:] = np.arange(35).reshape(5, 7) + 100 * index
    seen = layout.planes(other, ring.offset(slot) + layout.frame)
    assert [int(plane[4, 6]) for plane in seen] == [34, 134, 234]
    assert not np.any(layout.planes(other, 0)[0])
    ring.close()


def test_a_slot_is_lent_to_one_at_a_time() -> None:
    ring = Ring(1, 2, 100)
    assert [ring.take(), ring.take(), ring.take()] == [0, 1, None]
    assert not ring.give(5)
    assert ring.give(1)
    assert not ring.give(1)
    assert (ring.take(), ring.is_lent(0), ring.slot_bytes) == (1, True, mmap.PAGESIZE)
    ring.close()
    assert ring.take() is None


def test_nothing_is_written_outside_of_a_slot() -> None:
    layout = Layout(64, 32, 0)
    ring = Ring(1, 2, layout.frame)
    for slot, at in ((2, 0), (-1, 0), (0, ring.slot_bytes - layout.frame + 1), (0, -1)):
        with pytest.raises(ValueError, match="outside its slot"):
            ring.planes(slot, layout, at)
    planes = ring.planes(0, layout)
    ring.close()
    planes[0][:] = 1  # what is still held may still be written
    with pytest.raises(ValueError, match="outside its slot"):
        ring.planes(0, layout)


@linux
def test_the_memory_cannot_be_shrunk_or_grown() -> None:
    ring = Ring(1, 2, 5000)
    for size in (0, 1 << 20):
        with pytest.raises(PermissionError):
            os.ftruncate(ring.descriptor, size)
    ring.close()


@linux
def test_a_client_takes_no_memory_that_could_be_taken_from_under_it() -> None:
    loose = os.memfd_create("loose", os.MFD_ALLOW_SEALING)
    os.ftruncate(loose, 8192)
    with pytest.raises(OSError, match="not sealed"):
        attach(loose, 8192)
    with pytest.raises(OSError, match="smaller than it says"):
        attach(loose, 8193)
    os.close(loose)


def test_memory_that_is_not_there_is_refused() -> None:
    with pytest.raises((OSError, OverflowError, ValueError)):
        Ring(1, 64, 1 << 60)
