"""Edits in and out: cut lists are read into a `Reel` of shots.

::

    reel = timeline.read("cut.edl", rate=24, markers="markers.edl")
    for shot in reel.shots:
        print(shot.id, reel.timecode(shot.record.start), [note.text for note in shot.notes])
    print(*reel.remarks, sep="\\n")          # what was tolerated, with line numbers

Readers and writers bring their libraries when they are first used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vsfilmrestore.errors import TimelineError, UsageError
from vsfilmrestore.media.timecode import exact_rate
from vsfilmrestore.timeline.detected import reel_from_cuts
from vsfilmrestore.timeline.grammar import ParsedSettings, parse_settings
from vsfilmrestore.timeline.markers.lists import join_marker_list
from vsfilmrestore.timeline.model import (
    FrameRange,
    Marker,
    Reel,
    SettingNote,
    Shot,
    SourceKey,
    Strength,
    Transition,
)

if TYPE_CHECKING:
    from vsfilmrestore.timeline.otio.bundle import bundle_media_places, extract_media
    from vsfilmrestore.timeline.writer import edl_text, otio_text, write, write_edl, write_otio

__all__ = [
    "READERS",
    "FrameRange",
    "Marker",
    "ParsedSettings",
    "Reel",
    "SettingNote",
    "Shot",
    "SourceKey",
    "Strength",
    "Transition",
    "bundle_media_places",
    "edl_text",
    "extract_media",
    "is_cut_list",
    "otio_text",
    "parse_settings",
    "read",
    "reel_from_cuts",
    "write",
    "write_edl",
    "write_otio",
]

_LATER: Final = {
    "bundle_media_places": "otio.bundle",
    "edl_text": "writer",
    "extract_media": "otio.bundle",
    "otio_text": "writer",
    "write": "writer",
    "write_edl": "writer",
    "write_otio": "writer",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return _later(_LATER[name], name)


def _later(module: str, name: str) -> Any:
    return getattr(import_module(f"{__name__}.{module}"), name)


def _reader(module: str, name: str) -> Callable[..., Reel]:
    def read_it(*given: Any) -> Reel:
        reel: Reel = _later(module, name)(*given)
        return reel

    return read_it


READERS: Final[dict[str, Callable[..., Reel]]] = {
    ".aaf": _reader("aaf.reader", "read_aaf"),
    ".edl": _reader("edl.reader", "read_edl"),
    ".fcpxml": _reader("fcpxml.reader", "read_fcpxml"),
    ".fcpxmld": _reader("fcpxml.reader", "read_fcpxml"),
    ".otio": _reader("otio.reader", "read_otio"),
    ".otiod": _reader("otio.bundle", "read_otiod"),
    ".otioz": _reader("otio.bundle", "read_otioz"),
    ".xml": _reader("xml_cut", "read_xml_cut"),
}
"""Reader of a cut list by suffix, lower case. It gets the path, the rate asked for and the sequence, if any."""


def is_cut_list(path: Path) -> bool:
    """Whether a file (or a bundle's folder) is one that `read` would try, by its suffix."""
    return path.suffix.lower() in READERS


def read(
    path: str | Path,
    *,
    rate: float | str | Fraction | None = None,
    markers: str | Path | Sequence[str | Path] | None = None,
    sequence: str = "",
) -> Reel:
    """Read a cut list.

    Args:
        path: ``.otio``, ``.otioz``, ``.otiod`` (a folder), ``.edl``, ``.xml``, ``.fcpxml``, ``.fcpxmld`` or ``.aaf``.
        rate: Frames per second, for lists that do not tell (``.edl``); 23.976, "24000/1001" and the like are exact.
        markers: A list of timeline markers to join to the shots, or several.
        sequence: Which sequence (project, timeline) of a file that holds several: its name, or its number from 1 in
            the order of the file; '' for the only one.

    Returns:
        The reel. `Reel.remarks` says what was tolerated, `Reel.rate_known` whether the rate is a guess.

    Raises:
        TimelineError: The list cannot be used; with file, and line where the format has lines.
        UsageError: The rate is not a frame rate.
    """
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        if path.is_dir() or not path.exists():
            raise TimelineError("this is a folder, not a cut list" if path.is_dir() else "no such file", file=path)
        known = ", ".join(sorted(READERS))
        raise TimelineError(f"'{path.suffix}' is not a cut list we read ({known})", file=path)
    reel = reader(path, None if rate is None else _rate(rate), *_named(path, sequence))
    for marker_list in [markers] if isinstance(markers, str | Path) else markers or []:
        reel = join_marker_list(reel, marker_list)
    return reel


def _named(path: Path, sequence: str) -> tuple[str, ...]:
    if sequence and path.suffix.lower() == ".edl":
        raise UsageError("an EDL holds one cut, and no name to choose it by", file=path, hint="Leave --sequence out")
    return (sequence,) if sequence else ()


def _rate(rate: float | str | Fraction) -> Fraction:
    try:
        exact = exact_rate(rate)
    except (ValueError, ZeroDivisionError, OverflowError):
        exact = Fraction(0)
    if not 1 <= exact <= 1000:
        raise UsageError(f"'{rate}' is not a frame rate", hint="Write it as 24, 23.976 or 24000/1001")
    return exact
