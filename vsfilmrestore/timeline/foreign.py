"""Files of editing programs that are no cut lists: what they are, and which file to export instead."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from vsfilmrestore.errors import TimelineError

__all__ = ["refuse_foreign"]

_XML: Final = "File > Export > Final Cut Pro XML, or an EDL"
_ADVICE: Final = {
    ".aep": ("a project of After Effects", "Export an EDL, XML or AAF from the editing program"),
    ".ale": ("an Avid log, which lists media and no cuts", "Export the sequence as AAF or EDL"),
    ".avb": ("an Avid bin", "Export the sequence as AAF or EDL"),
    ".avp": ("a project of Avid Media Composer", "Export the sequence as AAF or EDL"),
    ".drp": ("a project of DaVinci Resolve", "Export the timeline: File > Export > Timeline, as OTIO or AAF"),
    ".drt": ("a timeline of DaVinci Resolve", "Export it as OTIO or AAF: File > Export > Timeline"),
    ".fcp": ("a project of Final Cut Pro 7", "Export it: File > Export > XML"),
    ".fcpbundle": ("a library of Final Cut Pro", "Export the project: File > Export XML"),
    ".hrox": ("a project of Hiero or Nuke Studio", "Export the sequence as EDL, XML or OTIO"),
    ".kdenlive": ("a project of Kdenlive", "Export it: File > OpenTimelineIO Export"),
    ".mlt": ("a project of Shotcut or MLT", "Export an EDL: File > Export > EDL"),
    ".nk": ("a script of Nuke", "Export the sequence from Hiero or Nuke Studio"),
    ".prproj": ("a project of Premiere Pro", f"Export the sequence: {_XML}"),
    ".veg": ("a project of Vegas", "Export it as Final Cut Pro 7 XML or AAF"),
    ".xges": ("a project of Pitivi", "Export an EDL or OTIO"),
}


def refuse_foreign(path: Path) -> None:
    """Refuse what an editing program keeps for itself, saying what to export from it.

    Raises:
        TimelineError: It is such a file, by its suffix.
    """
    told = _ADVICE.get(path.suffix.lower())
    if told is not None:
        raise TimelineError(f"this is {told[0]}, not a cut list", file=path, hint=told[1])
