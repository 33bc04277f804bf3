"""What the machine has: processor cores, memory, graphics cards."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["Gpu", "available_memory", "cards_in_use", "cores", "gpus", "peak_memory", "total_memory"]

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


def peak_memory() -> int | None:
    """Most bytes of memory this process has held at a time; None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else size << 10


@dataclass(frozen=True, slots=True)
class Gpu:
    """A graphics card: its name, memory in MiB and driver."""

    name: str
    memory: int
    driver: str


@cache
def gpus() -> tuple[Gpu, ...]:
    """NVIDIA cards, as their driver's own tool lists them; none where it is not there. Built, not run."""
    return tuple(card for line in _asked("name,memory.total,driver_version") if (card := _gpu(line)) is not None)


def cards_in_use() -> int | None:
    """Bytes of memory in use on NVIDIA cards by all programs together; None where there is no card."""
    used = [line for line in _asked("memory.used") if line.strip().isdecimal()]
    return sum(int(line) for line in used) << 20 if used else None


def _asked(columns: str) -> list[str]:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    command = [tool, f"--query-gpu={columns}", "--format=csv,noheader,nounits"]
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.splitlines()
    return []


def _gpu(line: str) -> Gpu | None:
    name, memory, driver = (part.strip() for part in (*line.rsplit(",", 2), "", "")[:3])
    return Gpu(name, int(memory) if memory.isdecimal() else 0, driver) if name else None
