"""What the machine has: processor cores and memory."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["available_memory", "cores", "total_memory"]

_UNKNOWN: Final = 8 << 30
_AVAILABLE: Final = re.compile(r"^MemAvailable:\s+(\d+) kB", re.MULTILINE)


def cores() -> int:
    """Processor cores this process may use."""
    with suppress(AttributeError, OSError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def total_memory() -> int:
    """Bytes of memory the machine has; 8 GiB where the system does not tell."""
    with suppress(ValueError, OSError, AttributeError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return _UNKNOWN


def available_memory() -> int:
    """Bytes that can be had without swapping; all there are where the system does not tell."""
    with suppress(OSError):
        match = _AVAILABLE.search(Path("/proc/meminfo").read_text("ascii"))
        if match:
            return int(match[1]) << 10
    return total_memory()
