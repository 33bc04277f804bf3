"""AAF files opened for reading, and their objects asked carefully.

The library trusts what it reads. The container is checked before it sees the file, and every value it hands out is
taken for what it is only after a look: a number may be missing, or be a text.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

from vsfilmrestore.errors import InstallationError, TimelineError, VsfrError
from vsfilmrestore.media.timecode import exact_rate, nominal_rate
from vsfilmrestore.timeline.aaf.container import check_container

__all__ = ["attributes", "count", "fraction", "items", "kind_of", "nested", "open_aaf", "rate_of", "ratio", "text"]

_LARGEST: Final = 64 * 1024**3
_LONGEST_ARRAY: Final = 65_536
_MOST_FRAMES: Final = 2**40
_NUMBERS: Final[WeakKeyDictionary[Any, dict[str, dict[str, int]]]] = WeakKeyDictionary()


@contextmanager
def open_aaf(path: Path) -> Iterator[Any]:
    """An AAF file of the library, open for reading; whatever goes wrong inside becomes one clear error.

    Raises:
        TimelineError: The file cannot be read, or does not hold together.
        InstallationError: The library is missing.
    """
    _need_library(path)
    import aaf2

    try:
        with path.open("rb") as stream:
            check_container(stream, _size(path))
        with _quiet(), _without_pauses(), aaf2.open(str(path), "r") as file:
            _check_types(file)
            yield file
    except VsfrError:
        raise
    except RecursionError:
        raise TimelineError("the cut is nested too deeply", file=path) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise TimelineError(f"the file cannot be read: {reason}", file=path) from None
    except ValueError as error:
        raise TimelineError(str(error) or "the file is damaged", file=path) from None
    except Exception as error:  # noqa: BLE001 - the library raises whatever it stumbles over in a damaged file
        # Names of attributes and lost keys say nothing to anybody; the library's own sentences do.
        own = type(error).__module__.startswith("aaf2") and str(error).strip()
        told = f" ({str(error)[:200]})" if own else ""
        hint = "Export it from the editing program again"
        raise TimelineError(f"the file does not hold together{told}", file=path, hint=hint) from None


def _need_library(path: Path) -> None:
    try:
        import aaf2  # noqa: F401
    except ImportError:
        message = "AAF files need the library pyaaf2, which is not installed"
        raise InstallationError(message, file=path, hint='Run: pip install "vsfilmrestore[aaf]"') from None


def _size(path: Path) -> int:
    if path.is_dir():
        raise ValueError("this is a folder, not a cut list")
    size = path.stat().st_size
    if size == 0:
        raise ValueError("the file is empty")
    if size > _LARGEST:
        raise ValueError(f"the file is too large for a cut list ({size >> 30} GiB)")
    return size


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the library's warnings, which go to the root logger, from being printed where nobody set up logging."""
    root, silent = logging.getLogger(), logging.NullHandler()
    root.addHandler(silent)
    try:
        yield
    finally:
        root.removeHandler(silent)


@contextmanager
def _without_pauses() -> Iterator[None]:
    """Keeps Python from looking for rubbish again and again: the library's objects refer to one another by design.

    A quarter of the time of a long cut goes there.
    """
    active = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if active:
            gc.enable()


def _check_types(file: Any) -> None:
    for definition in file.metadict.typedefs_by_auid.values():
        if type(definition).__name__ == "TypeDefFixedArray" and definition.size > _LONGEST_ARRAY:
            raise ValueError("a type of the file is damaged")


def kind_of(thing: Any) -> str:
    """The class of an object: ``SourceClip``, ``Sequence``, ``TapeDescriptor``."""
    return type(thing).__name__


def _value(thing: Any, key: str) -> Any:
    if thing is None:
        return None
    number = _numbers(thing).get(key)
    found = None if number is None else thing.property_entries.get(number)
    return None if found is None else found.value


def _numbers(thing: Any) -> dict[str, int]:
    """Numbers of the properties of an object's class by their names, asked once for each class of a file.

    (The library's own way is to compare the name of each property of each object.)
    """
    known = _NUMBERS.setdefault(thing.root, {})
    identity = str(thing.class_id)
    if identity not in known:
        found = known[identity] = {}
        for definition in thing.classdef.all_propertydefs() if thing.classdef is not None else ():
            found.setdefault(definition.property_name, definition.pid)
    return known[identity]


def count(thing: Any, key: str, default: int = 0) -> int:
    """A whole number of an object.

    Raises:
        ValueError: It is none, or beyond all frame counts.
    """
    value = _value(thing, key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _MOST_FRAMES:
        raise ValueError(f"{key} of a {kind_of(thing)} is not a number of frames ({value!r:.40})")
    return value


def fraction(value: Any) -> Fraction:
    """A number of the library as a fraction.

    Raises:
        ValueError: It is none.
    """
    if isinstance(value, int | Fraction):
        return Fraction(value.numerator, value.denominator)
    raise ValueError(f"{value!r:.40} is not a number")


def text(thing: Any, key: str) -> str:
    """A text of an object, '' if it has none."""
    value = _value(thing, key)
    return value.strip() if isinstance(value, str) else ""


def nested(thing: Any, key: str) -> Any:
    """An object kept in another, None if there is none."""
    value = _value(thing, key)
    return value if value is None or hasattr(value, "property_entries") else None


def items(thing: Any, key: str) -> list[Any]:
    """The objects in a list of an object, [] if it has none."""
    value = _value(thing, key)
    if not isinstance(value, Iterable) or isinstance(value, str | bytes):
        return []
    return [item for item in value if hasattr(item, "property_entries")]


def attributes(thing: Any, *keys: str) -> dict[str, Any]:
    """Names and values in the lists of tagged values of an object: comments of users, notes of the program."""
    found: dict[str, Any] = {}
    for key in keys:
        for tag in items(thing, key):
            name = text(tag, "Name")
            if name and name not in found:
                found[name] = _value(tag, "Value")
    return found


def rate_of(slot: Any) -> Fraction:
    """Exact edit rate of a slot.

    Raises:
        ValueError: Not above 0, or out of all bounds.
    """
    value = _value(slot, "EditRate")
    rate = fraction(value) if value is not None else Fraction(0)
    if not 0 < rate <= 1_000_000:
        raise ValueError(f"{value} is not a frame rate")
    rate = exact_rate(rate)
    if rate < Fraction(1, 100):
        raise ValueError(f"{value} is not a frame rate")
    return rate


def ratio(rate: Fraction, other: Fraction) -> Fraction:
    """Frames at a rate per frame at the other; 1 where the two count alike (23.976 and 24): played frame for frame."""
    return Fraction(1) if nominal_rate(rate) == nominal_rate(other) else rate / other
