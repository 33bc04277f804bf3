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
"""Property that tells what the guard found fault with: ``shape``, ``landmarks``, ``colour``, ``likeness`` or
``roughness``; of each face that was stopped, the first fault. Not there where none was."""
