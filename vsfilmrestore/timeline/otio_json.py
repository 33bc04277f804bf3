"""OpenTimelineIO files of any age as objects of the library that is installed.

A file of a newer library holds schemas this one does not know (``Marker.3`` with a ``Color.1``), and one unknown effect
makes a whole file unreadable. So the JSON is looked through first: newer versions of known schemas are handed over as
the newest known one, unknown effects as plain effects, unknown media as missing media, each with a remark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import opentimelineio as otio

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline._text import read_text

__all__ = ["OTIO_ERRORS", "UNKNOWN_EFFECT", "load_otio"]

UNKNOWN_EFFECT: Final = "vsfilmrestore_unknown_effect"
"""Effect metadata key under which the schema of an unknown effect is kept."""

_SCHEMA: Final = "OTIO_SCHEMA"
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|-?\bInf\b')
OTIO_ERRORS: Final = (
    otio.exceptions.OTIOError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    RuntimeError,
    OverflowError,
    MemoryError,
)
"""What the library throws at files that are not as they should be."""


def load_otio(path: Path, remarks: Remarks) -> Any:
    """The object a ``.otio`` file holds.

    Raises:
        TimelineError: Not readable, not JSON (with the line), not OpenTimelineIO, or with items of an
            unknown kind.
    """
    data = _json(path, read_text(path, remarks))
    if not isinstance(data, dict) or not isinstance(data.get(_SCHEMA), str):
        raise TimelineError("this is JSON, but not an OpenTimelineIO file", file=path)
    try:
        data = _Upkeep(path, remarks).object(data)
        return otio.core.deserialize_json_from_string(json.dumps(data))
    except RecursionError:
        raise TimelineError("the file is nested too deeply", file=path) from None
    except OTIO_ERRORS as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise TimelineError(f"OpenTimelineIO cannot read it: {reason[-1]}", file=path) from None


def _json(path: Path, text: str) -> Any:
    try:
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            if not text[error.pos :].lstrip("-").startswith("Inf"):
                raise
            # OpenTimelineIO writes Inf where Python's reader wants Infinity.
            return json.loads(_TOKEN.sub(_infinity, text))
    except json.JSONDecodeError as error:
        raise TimelineError(f"not readable as JSON: {error.msg.lower()}", file=path, line=error.lineno) from None
    except (ValueError, RecursionError):
        raise TimelineError("the JSON is nested too deeply or holds a number too long", file=path) from None


def _infinity(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith('"') else match[0].replace("Inf", "Infinity")


class _Upkeep:
    """Makes JSON of a newer library readable to the installed one, without touching metadata."""

    def __init__(self, path: Path, remarks: Remarks) -> None:
        self._path = path
        self._remarks = remarks
        self._known: Mapping[str, int] = otio.core.type_version_map()

    def object(self, data: dict[str, Any]) -> dict[str, Any]:
        name, _, version = str(data.get(_SCHEMA, "")).partition(".")
        result = {key: self._value(key, value) for key, value in data.items()}
        if version.isdigit() and int(version) > self._known.get(name, 1 << 30):
            self._remarks.add(f"{name}.{version} is newer than our library; read as {name}.{self._known[name]}")
            result[_SCHEMA] = f"{name}.{self._known[name]}"
        if name == "Marker" and isinstance(result.get("color"), dict):
            result["color"] = str(result["color"].get("name", ""))
        elif isinstance(result.get("color"), dict):
            result["color"] = None
        return result

    def _value(self, key: str, value: Any) -> Any:
        if key == "metadata":
            return value
        if isinstance(value, list):
            return [self._member(key, item) for item in value]
        if isinstance(value, dict):
            if _SCHEMA not in value:
                return {name: self._member(key, item) for name, item in value.items()}
            return self._member(key, value)
        return value

    def _member(self, key: str, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        name = str(value.get(_SCHEMA, "")).partition(".")[0]
        if _SCHEMA not in value or name in self._known or name in _ALIASES:
            return self.object(value)
        if key == "effects":
            return {
                _SCHEMA: "Effect.1",
                "name": str(value.get("name") or ""),
                "effect_name": name,
                "metadata": {UNKNOWN_EFFECT: name},
            }
        if key in {"media_reference", "media_references"}:
            self._remarks.add(f"media of the unknown kind {name}; taken as missing media")
            return {_SCHEMA: "MissingReference.1", "name": str(value.get("name") or ""), "metadata": {}}
        if key == "color":
            return value
        raise TimelineError(f"it holds an item of the unknown kind '{name}'", file=self._path)


_ALIASES: Final = frozenset(
    {"Sequence", "Color", "SerializeableCollection", "RationalTime", "TimeRange", "TimeTransform", "Box2d", "V2d"}
)
"""Names that stand outside the list of schemas: old ones, values, and what `_Upkeep.object` takes away."""
