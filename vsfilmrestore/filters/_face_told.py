"""What frames tell of their faces."""

from __future__ import annotations

from typing import Final

from vsfilmrestore.media.props import count_prop

__all__ = ["COUNTS", "WHY"]

COUNTS: Final = {
    kind: count_prop("restore_faces", kind) for kind in ("found", "detail", "generative", "left", "stopped")
}
"""Properties that tell how many faces a frame has, and what became of them."""
WHY: Final = "_VsfrFacesWhy"
"""Property that tells what the guard found fault with: ``landmarks``, ``colour`` or ``likeness``. Of each face that
was stopped, the first fault; not there where none was."""
