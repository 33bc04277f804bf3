"""Cut lists named ``.xml``: which kind it is says the root element, not the suffix."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from xml.parsers import expat

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline._text import read_text
from vsfilmrestore.timeline.fcp7.reader import read_fcp7
from vsfilmrestore.timeline.model import Reel

__all__ = ["read_xml_cut", "root_tag"]


class _FoundError(Exception):
    """Carries the root's name out of the parser."""


def read_xml_cut(path: Path, rate: Fraction | None = None, sequence: str = "") -> Reel:
    """Read an ``.xml`` file: Final Cut Pro 7 XML (``xmeml``) or FCPXML (``fcpxml``).

    Args:
        path: The file.
        rate: Exact rate asked for, if any.
        sequence: Name or number of the sequence, of a file with several; '' for the only one.

    Raises:
        TimelineError: It is neither of the two, or cannot be used.
    """
    tag = root_tag(path)
    if tag == "fcpxml":
        from vsfilmrestore.timeline.fcpxml.reader import read_fcpxml

        return read_fcpxml(path, rate, sequence)
    if tag not in {"xmeml", ""}:
        hint = "Export 'Final Cut Pro XML' (xmeml), FCPXML, OTIO or an EDL from the editing program"
        raise TimelineError(f"an XML file of the kind '{tag[:40]}' is not a cut list we read", file=path, hint=hint)
    return read_fcp7(path, rate, sequence)


def root_tag(path: Path) -> str:
    """Name of the root element, '' where there is none or it is not XML.

    Raises:
        TimelineError: The file cannot be read, or is not text.
    """
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = _found
    try:
        parser.Parse(read_text(path, Remarks()).lstrip().encode(), True)
    except _FoundError as found:
        return str(found)
    except expat.ExpatError:
        pass
    return ""


def _found(tag: str, _attributes: dict[str, str]) -> None:
    raise _FoundError(tag)
