"""OpenTimelineIO files of any age as objects of the library that is installed.

A file of a newer library holds schemas this one does not know (``Marker.3`` with a ``Color.1``), and one unknown effect
makes a whole file unreadable. So the JSON is looked through first: newer versions of known schemas are handed over as
the newest known one, unknown effects as plain effects, unknown media as missing media, unknown items on a track as
gaps, each with a remark. What stands in metadata stays plain data, whatever it calls itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import opentimelineio as otio

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline._text import read_text

__all__ = ["OTIO_ERRORS", "UNKNOWN_EFFECT", "load_otio", "metadata_of"]

UNKNOWN_EFFECT: Final = "vsfilmrestore_unknown_effect"
"""Effect metadata key under which the schema of an unknown effect is kept."""

_SCHEMA: Final = "OTIO_SCHEMA"
_PACKED: Final = "json"
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


def load_otio(path: Path, remarks: Remarks, text: str | None = None) -> Any:
    """The object a ``.otio`` file holds.

    Args:
        path: The file.
        remarks: Told of all that is newer than the library.
        text: The JSON, where it stands inside the file (a bundle); None reads it from the file.

    Raises:
        TimelineError: Not readable, not JSON (with the line), not OpenTimelineIO, or with items of an
            unknown kind.
    """
    data = _json(path, read_text(path, remarks) if text is None else text)
    if not isinstance(data, dict) or not isinstance(data.get(_SCHEMA), str):
        raise TimelineError("this is JSON, but not an OpenTimelineIO file", file=path)
    try:
        data = _Upkeep(path, remarks).root(data)
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


_EFFECTS: Final = frozenset({"Effect", "TimeEffect", "LinearTimeWarp", "FreezeFrame"})
_READ: Final = frozenset(
    {"Timeline", "Stack", "Track", "Clip", "Gap", "Transition", "SerializableCollection", "Marker"}
    | _EFFECTS
    | {"MediaReference", "MissingReference", "ExternalReference", "ImageSequenceReference", "GeneratorReference"}
)
"""Schemas handed on to the library. Some of the others end the whole program."""
_NEW_NAMES: Final = {"Sequence": "Track", "Filler": "Gap", "SerializeableCollection": "SerializableCollection"}
_VALUES: Final = {"RationalTime": 1, "TimeRange": 1, "TimeTransform": 1, "Color": 1, "Box2d": 1, "V2d": 1}
"""Schemas that stand outside the library's own list."""
_TIMES: Final = frozenset(
    {"source_range", "available_range", "marked_range", "range", "global_start_time", "in_offset", "out_offset"}
)
_INSIDE: Final = _TIMES | {
    "start_time",
    "duration",
    "tracks",
    "media_reference",
    "available_image_bounds",
    "min",
    "max",
}
_LISTS: Final = frozenset({"children", "effects", "markers"})
_COMPOSITIONS: Final = frozenset({"Track", "Sequence", "Stack"})


class _Upkeep:
    """Makes JSON of a newer library readable to the installed one."""

    def __init__(self, path: Path, remarks: Remarks) -> None:
        self._path = path
        self._remarks = remarks
        known = {name: int(version) for name, version in otio.core.type_version_map().items() if name in _READ}
        self._known: Mapping[str, int] = {**known, **_VALUES}

    def root(self, data: dict[str, Any]) -> dict[str, Any]:
        """The whole file."""
        name = str(data[_SCHEMA]).partition(".")[0]
        if name not in self._known and name not in _NEW_NAMES:
            raise TimelineError(f"a {name} is not a timeline", file=self._path)
        return self.object(data)

    def object(self, data: dict[str, Any]) -> dict[str, Any]:
        name, _, version = str(data.get(_SCHEMA, "")).partition(".")
        result = {key: self._value(name, key, value) for key, value in data.items() if not _is_void(key, value)}
        name = _NEW_NAMES.get(name, name)
        if name in self._known:
            # The library's own way up from old versions is not taken: it can crash on files that are not sound.
            if version.isdigit() and int(version[:9]) > self._known[name]:
                self._remarks.add(f"{name}.{version} is newer than our library; read as {name}.{self._known[name]}")
            result[_SCHEMA] = f"{name}.{self._known[name]}"
        if name in _EFFECTS:
            result.setdefault("effect_name", "")
        if name == "Marker":
            _renew_marker(result)
        if name == "Clip":
            self._choose_media(result)
        if "metadata" in result:
            result["metadata"] = _packed(result["metadata"])
        return result

    def _value(self, owner: str, key: str, value: Any) -> Any:
        if key in _LISTS and isinstance(value, list):
            members = (self._member(owner, key, item) for item in value if isinstance(item, dict))
            return [member for member in members if member is not None]
        if key == "media_references" and isinstance(value, dict):
            return {name: self._member(owner, key, item) for name, item in value.items() if isinstance(item, dict)}
        if key == "color":
            return value if owner == "Marker" else _colour(value)
        if key in _INSIDE and isinstance(value, dict):
            return self._member(owner, key, value)
        return value if key in {_SCHEMA, "metadata"} else _plain(value)

    def _member(self, owner: str, key: str, value: dict[str, Any]) -> dict[str, Any] | None:
        name = str(value.get(_SCHEMA, "")).partition(".")[0]
        if name == "Timeline" and owner in _COMPOSITIONS and isinstance(value.get("tracks"), dict):
            # A timeline in a timeline is a nest.
            return self.object({**value["tracks"], "name": value.get("name") or value["tracks"].get("name") or ""})
        if _SCHEMA not in value or name in self._known or name in _NEW_NAMES:
            return self.object(value)
        match key:
            case "effects":
                return _unknown_effect(name, value)
            case "media_reference" | "media_references":
                return self._unknown_media(name, value)
            case "markers":
                self._remarks.add(f"markers of the unknown kind {name} are left out")
                return None
            case "children":
                return self._unknown_item(owner, name, value)
        raise TimelineError(f"it holds something of the unknown kind '{name}'", file=self._path)

    def _unknown_media(self, name: str, value: dict[str, Any]) -> dict[str, Any]:
        self._remarks.add(f"media of the unknown kind {name}; taken as missing media")
        metadata = {"original_target_url": value["target_url"]} if isinstance(value.get("target_url"), str) else {}
        known = value.get("available_range")
        found = {"available_range": self.object(known)} if isinstance(known, dict) else {}
        name = str(value.get("name") or "")
        return {_SCHEMA: "MissingReference.1", "name": name, "metadata": _packed(metadata), **found}

    def _unknown_item(self, owner: str, name: str, value: dict[str, Any]) -> dict[str, Any] | None:
        label = str(value.get("name") or "")
        if owner not in {"Track", "Sequence"}:
            self._remarks.add(f"'{label}' is of the unknown kind {name}; left out")
            return None
        used = value.get("source_range")
        if not isinstance(used, dict):
            raise TimelineError(f"a track holds an item of the unknown kind '{name}'", file=self._path)
        self._remarks.add(f"'{label}' is of the unknown kind {name}; taken as a gap")
        return {_SCHEMA: "Gap.1", "name": label, "source_range": self.object(used)}

    def _choose_media(self, clip: dict[str, Any]) -> None:
        if "media_references" in clip and clip[_SCHEMA] == "Clip.1":
            # The library dies of an old clip with the media of a new one.
            clip[_SCHEMA] = "Clip.2"
        single = clip.pop("media_reference", None)
        if not clip.get("media_references"):
            missing = {_SCHEMA: "MissingReference.1"}
            clip["media_references"] = {"DEFAULT_MEDIA": single if isinstance(single, dict) else missing}
        references, wanted = clip["media_references"], clip.get("active_media_reference_key")
        if not isinstance(references, dict) or (isinstance(wanted, str) and wanted in references):
            return
        chosen = "DEFAULT_MEDIA" if "DEFAULT_MEDIA" in references else next(iter(references))
        if wanted is not None:
            self._remarks.add(f"'{clip.get('name')}' has no media '{wanted}', which it names; '{chosen}' is used")
        clip["active_media_reference_key"] = chosen


def _renew_marker(marker: dict[str, Any]) -> None:
    if isinstance(marker.get("color"), dict):
        marker["color"] = _colour_name(marker["color"])
    if "range" in marker:
        marker.setdefault("marked_range", marker.pop("range"))


def _is_void(key: str, value: Any) -> bool:
    """Whether a null stands where the library wants a list or a word."""
    return value is None and key in _LISTS | {"media_references", "enabled", "active_media_reference_key", "metadata"}


def _unknown_effect(name: str, value: dict[str, Any]) -> dict[str, Any]:
    return {
        _SCHEMA: "Effect.1",
        "name": str(value.get("name") or ""),
        "effect_name": name,
        "enabled": value.get("enabled") is not False,
        "metadata": _packed({UNKNOWN_EFFECT: name}),
    }


def _colour_name(colour: dict[str, Any]) -> str:
    name = colour.get("name")
    return name if isinstance(name, str) else ""


def _colour(value: Any) -> Any:
    """A colour as the library reads it, None where it is none."""
    if not isinstance(value, dict):
        return None
    parts = {part: value.get(part, 1.0) for part in "rgba"}
    if not all(isinstance(number, int | float) for number in parts.values()):
        return None
    return {_SCHEMA: "Color.1", "name": _colour_name(value), **{part: float(x) for part, x in parts.items()}}


def metadata_of(thing: Any) -> dict[str, Any]:
    """The metadata of an object that `load_otio` read, as plain data; not to be changed."""
    held = thing.metadata
    return _unpacked(held[_PACKED]) if held else {}


def _packed(metadata: Any) -> dict[str, str]:
    """Metadata in one text: the library is slow at handing out what stands in it, key by key."""
    return {_PACKED: json.dumps(metadata)} if metadata and isinstance(metadata, dict) else {}


@lru_cache(maxsize=64)
def _unpacked(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def _plain(value: Any) -> Any:
    """Data as it stands, but nothing in it is an object of the library."""
    if isinstance(value, dict):
        return {"schema" if key == _SCHEMA else key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
