"""Cut lists out: a `Reel` as a file that editing programs and our own readers open again.

::

    remarks = write(reel, "cut.fcpxml")       # what the format could not hold, a sentence each

What a format cannot say is returned as remarks, never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import UsageError
from vsfilmrestore.media.out.atomic import atomic_text
from vsfilmrestore.timeline._writing import Extras, MediaFacts
from vsfilmrestore.timeline.edl.writer import edl_text
from vsfilmrestore.timeline.fcp7.writer import fcp7_text
from vsfilmrestore.timeline.fcpxml.writer import fcpxml_text
from vsfilmrestore.timeline.model import Reel
from vsfilmrestore.timeline.otio.writer import otio_text

__all__ = [
    "WRITERS",
    "Extras",
    "MediaFacts",
    "edl_text",
    "fcp7_text",
    "fcpxml_text",
    "otio_text",
    "write",
    "write_aaf",
    "write_edl",
    "write_fcp7",
    "write_fcpxml",
    "write_otio",
]


@dataclass(frozen=True, slots=True)
class _Job:
    """What to write, and how."""

    reel: Reel
    path: Path
    extras: Extras | None
    schema: str


def write(reel: Reel, path: str | Path, extras: Extras | None = None, *, schema: str = "") -> tuple[str, ...]:
    """Write a reel in the format of the file's suffix; the file appears whole or not at all.

    Args:
        reel: The cut.
        path: ``.otio``, ``.edl``, ``.xml`` (Final Cut Pro 7), ``.fcpxml`` or ``.aaf``.
        extras: Facts of media and shots to write along.
        schema: For ``.otio``: the release of OpenTimelineIO that must be able to read it, ``0.15``.

    Returns:
        What the format could not hold, a sentence each.

    Raises:
        UsageError: There is no such format, or a schema is named for another format than OTIO.
        TimelineError: The format cannot hold the reel at all; says which can.
        OutputError: The file cannot be written.
        InstallationError: The library of the format is missing.
    """
    path = Path(path)
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise UsageError(f"'{path.suffix}' is not a cut list we write", file=path, hint=f"Use {', '.join(WRITERS)}")
    if schema and path.suffix.lower() != ".otio":
        raise UsageError("a schema of OpenTimelineIO goes with an .otio file", file=path)
    return writer(_Job(reel, path, extras, schema))


def write_edl(reel: Reel, path: str | Path) -> tuple[str, ...]:
    """Write a reel as an EDL (File128); see `edl_text`."""
    return _edl(_Job(reel, Path(path), None, ""))


def write_otio(reel: Reel, path: str | Path, extras: Extras | None = None, *, schema: str = "") -> tuple[str, ...]:
    """Write a reel as OpenTimelineIO; see `otio_text`."""
    return _otio(_Job(reel, Path(path), extras, schema))


def write_fcp7(reel: Reel, path: str | Path, extras: Extras | None = None) -> tuple[str, ...]:
    """Write a reel as Final Cut Pro 7 XML; see `fcp7_text`."""
    return _fcp7(_Job(reel, Path(path), extras, ""))


def write_fcpxml(reel: Reel, path: str | Path, extras: Extras | None = None) -> tuple[str, ...]:
    """Write a reel as FCPXML; see `fcpxml_text`."""
    return _fcpxml(_Job(reel, Path(path), extras, ""))


def write_aaf(reel: Reel, path: str | Path, extras: Extras | None = None) -> tuple[str, ...]:
    """Write a reel as AAF; see `vsfilmrestore.timeline.aaf.writer`."""
    return _aaf(_Job(reel, Path(path), extras, ""))


def _edl(job: _Job) -> tuple[str, ...]:
    return _kept(job.path, edl_text(job.reel))


def _otio(job: _Job) -> tuple[str, ...]:
    return _kept(job.path, otio_text(job.reel, job.extras, schema=job.schema))


def _fcp7(job: _Job) -> tuple[str, ...]:
    return _kept(job.path, fcp7_text(job.reel, job.extras))


def _fcpxml(job: _Job) -> tuple[str, ...]:
    return _kept(job.path, fcpxml_text(job.reel, job.extras))


def _aaf(job: _Job) -> tuple[str, ...]:
    from vsfilmrestore.timeline.aaf.writer import save_aaf  # needs pyaaf2, which is an extra

    return save_aaf(job.reel, job.path, job.extras)


def _kept(path: Path, made: tuple[str, tuple[str, ...]]) -> tuple[str, ...]:
    text, remarks = made
    atomic_text(path, text)
    return remarks


WRITERS: Final[dict[str, Callable[[_Job], tuple[str, ...]]]] = {
    ".otio": _otio,
    ".edl": _edl,
    ".xml": _fcp7,
    ".fcpxml": _fcpxml,
    ".aaf": _aaf,
}
"""Writer of a cut list by suffix, lower case."""
