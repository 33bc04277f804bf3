"""One clear line out of what VapourSynth says when a frame fails.

A Python error inside a frame callback reaches the caller as ``vs.Error`` with the whole traceback as its text. Our
sources raise `MediaError` there; this finds its words again.
"""

from __future__ import annotations

import re
from typing import Final

from vsfilmrestore.errors import MediaError

__all__ = ["media_error_in", "plain_text"]

_OURS: Final = re.compile(r"^(?:vsfilmrestore\.errors\.)?(?:MissingFrameError|MediaError): (.+)$", re.MULTILINE)
_LAST: Final = re.compile(r"^(?:[\w.]+(?:Error|Exception|Interrupt|Warning)): ?(.*)$")


def media_error_in(error: BaseException) -> MediaError | None:
    """The error our source raised while a frame was read, or None if ``error`` is something else."""
    if isinstance(error, MediaError):
        return error
    found = _OURS.findall(str(error))
    return MediaError(found[-1].strip()) if found else None


def plain_text(error: BaseException) -> str:
    """The error in one line: what was raised, without the traceback around it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    if "Traceback (most recent call last):" not in lines:
        return " ".join(lines)
    match = _LAST.match(lines[-1])
    return match.group(1) or lines[-1] if match else lines[-1]
