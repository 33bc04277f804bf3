"""One clear line out of what VapourSynth says when a frame fails.

A Python error inside a frame callback reaches the caller as ``vs.Error`` with the whole traceback as its text. Our
sources raise `MediaError` there; this finds its words again.
"""

from __future__ import annotations

import re
from typing import Final

from vsfilmrestore.errors import MediaError, RenderError, VsfrError, plain_text

__all__ = ["frame_error", "media_error_in"]

_OURS: Final = re.compile(r"^(?:vsfilmrestore\.errors\.)?(?:MissingFrameError|MediaError): (.+)$", re.MULTILINE)


def media_error_in(error: BaseException) -> MediaError | None:
    """The error our source raised while a frame was read, or None if ``error`` is something else."""
    if isinstance(error, MediaError):
        return error
    found = _OURS.findall(str(error))
    return MediaError(found[-1].strip()) if found else None


def frame_error(error: BaseException, *, shot: str | None = None, frame: int | None = None) -> VsfrError:
    """The clear error for a frame that could not be made: the source's own words, else a `RenderError`."""
    return media_error_in(error) or RenderError(plain_text(error), shot=shot, frame=frame)
