"""Keeping memory bounded over a long render.

VapourSynth bounds what its caches hold, but frames let go leave holes in the C library's heap, which then grows with
every shot. Where the C library can give such memory back (glibc), it is asked to, every few dozen frames.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import vapoursynth as vs

__all__ = ["bound_cache", "give_back", "resident"]

_SHARE: Final = 6
_LEAST, _MOST = 1024, 16 * 1024
"""Megabytes."""


def bound_cache() -> int:
    """Bound VapourSynth's frame cache to a sixth of the machine's memory (1 to 16 GB); returns the bound in MB.

    VapourSynth's own bound is half of the memory, which leaves little for encoders, models and a second render.
    """
    wanted = min(max(_physical() // _SHARE, _LEAST), _MOST)
    vs.core.max_cache_size = min(wanted, vs.core.max_cache_size)
    return vs.core.max_cache_size


def _physical() -> int:
    with suppress(ValueError, OSError, AttributeError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    return vs.core.max_cache_size * 2  # VapourSynth starts at half of the memory


def give_back() -> None:
    """Hand memory that nothing uses any more back to the system, where that can be done."""
    trim = _trim()
    if trim is not None:
        trim(0)


def resident() -> int:
    """Bytes of memory this process holds now; 0 where the system has no cheap way to tell (all but Linux)."""
    with suppress(OSError, ValueError, IndexError, AttributeError):
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


@cache
def _trim() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    with suppress(OSError, AttributeError):
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
        return trim
    return None  # musl has none
