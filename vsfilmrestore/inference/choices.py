"""What was chosen before: a JSON file in the user's cache folder.

It can be thrown away at any time; what is missing, damaged or of another version is measured anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from vsfilmrestore.media.cache import cache_folder

__all__ = ["Choice", "Choices", "Remembered", "Tried"]

log = logging.getLogger(__name__)

_VERSION: Final = 1
_MOST: Final = 1000
_LARGEST: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Tried:
    """A device that was measured.

    Attributes:
        device: ``cpu``, ``cuda`` …
        seconds: Seconds per picture of the size asked for, None where it could not be run.
        difference: Largest difference to the processor's picture, white being 1.
        why: Why it is out; '' if it is not.
    """

    device: str
    seconds: float | None
    difference: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A device, and why.

    Attributes:
        device: The device.
        why: In words.
        tried: What was measured.
    """

    device: str
    why: str
    tried: tuple[Tried, ...]

    @property
    def order(self) -> tuple[str, ...]:
        """The device, then those to fall back on, the fastest first."""
        rest = [each for each in self.tried if each.seconds is not None and not each.why]
        rest.sort(key=lambda each: each.seconds or 0.0)
        return tuple(dict.fromkeys((self.device, *(each.device for each in rest))))


@dataclass(frozen=True, slots=True)
class Remembered:
    """A choice with what it was made for: ``facts`` has model (sha256), size, precision and machine."""

    facts: dict[str, Any]
    choice: Choice
    date: str


class Choices:
    """Choices by what decides them, in memory and in a file.

    Args:
        file: The file; ``devices.json`` in the cache folder if not given.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._given = file
        self._memory: dict[str, Choice] = {}
        self._lock = threading.Lock()

    @property
    def file(self) -> Path:
        return self._given or cache_folder() / "devices.json"

    def find(self, facts: Mapping[str, Any]) -> Choice | None:
        """What was chosen for these facts; the same as long as the process lives.

        Where a device could not be started then, it is tried again by the next process: somebody may have mended it.
        """
        key = _key(facts)
        with self._lock:
            if key not in self._memory:
                entry = self._read().get(key)
                found = _remembered(entry)
                if found is None or any(tried.seconds is None for tried in found.choice.tried):
                    return None
                self._memory[key] = found.choice
            return self._memory[key]

    def keep(self, facts: Mapping[str, Any], choice: Choice) -> None:
        """Remember a choice. A folder that cannot be written to is no error: it holds for the process then."""
        with self._lock:
            self._memory[_key(facts)] = choice
            entry = {"facts": dict(facts), **asdict(choice), "date": datetime.now(UTC).isoformat(timespec="seconds")}
            entries = self._read() | {_key(facts): entry}
            newest = dict(list(entries.items())[-_MOST:])
            try:
                _write(self.file, json.dumps({"version": _VERSION, "choices": newest}, indent=1))
            except OSError as error:
                log.info("%s: cannot be written (%s); devices are measured again next time", self.file, error.strerror)

    def forget(self) -> None:
        """Forget what memory holds; the file stays."""
        with self._lock:
            self._memory.clear()

    def __iter__(self) -> Iterator[Remembered]:
        """All that the file holds."""
        found = (_remembered(entry) for entry in self._read().values())
        return iter([each for each in found if each is not None])

    def _read(self) -> dict[str, Any]:
        try:
            if self.file.stat().st_size > _LARGEST:
                return {}
            told = json.loads(self.file.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(told, dict) or told.get("version") != _VERSION:
            return {}
        choices = told.get("choices")
        return choices if isinstance(choices, dict) else {}


def _key(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def _remembered(entry: Any) -> Remembered | None:
    try:
        tried = tuple(
            Tried(str(t["device"]), _number(t["seconds"]), _number(t["difference"]), str(t["why"]))
            for t in entry["tried"]
        )
        choice = Choice(str(entry["device"]), str(entry["why"]), tried)
        return Remembered(dict(entry["facts"]), choice, str(entry["date"]))
    except (KeyError, TypeError, ValueError):
        return None


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _write(file: Path, text: str) -> None:
    """In one go: who reads at the same time sees the old file or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as part:
            part.write(text)
        Path(name).replace(file)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
