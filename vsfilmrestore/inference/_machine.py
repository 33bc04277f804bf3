"""What the machine has: processor cores, memory, graphics cards."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["Gpu", "available_memory", "cores", "gpus", "total_memory"]

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


@dataclass(frozen=True, slots=True)
class Gpu:
    """A graphics card: its name, memory in MiB and driver."""

    name: str
    memory: int
    driver: str


@cache
def gpus() -> tuple[Gpu, ...]:
    """NVIDIA cards, as their driver's own tool lists them; none where it is not there. Built, not run."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    command = [tool, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"]
    with suppress(OSError, subprocess.SubprocessError):
        told = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
        return tuple(card for line in told.splitlines() if (card := _gpu(line)) is not None)
    return ()


def _gpu(line: str) -> Gpu | None:
    name, memory, driver = (part.strip() for part in (*line.rsplit(",", 2), "", "")[:3])
    return Gpu(name, int(memory) if memory.isdecimal() else 0, driver) if name else None
