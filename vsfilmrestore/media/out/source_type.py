"""IPTC's Digital Source Type of a picture, as its header tells it: was it changed, and did a network make pixels of it?

The vocabulary is http://cv.iptc.org/newscodes/digitalsourcetype/. `COMPOSITE` is said only where pixels came out of a
trained network; one that merely finds damage makes none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vsfilmrestore.media.props import STEPS, changed_prop

__all__ = ["ATTRIBUTE", "BASE", "COMPOSITE", "ENHANCED", "MADE_BY_NETWORK", "source_type"]

BASE: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
COMPOSITE: Final = "compositeWithTrainedAlgorithmicMedia"
ENHANCED: Final = "algorithmicallyEnhanced"
ATTRIBUTE: Final = "Iptc4xmpExt:DigitalSourceType"
"""Name of the header attribute: that of IPTC's property in XMP."""
MADE_BY_NETWORK: Final = "*"
"""Stands behind the name of a step whose network makes pixels."""


def source_type(props: Mapping[str, Any]) -> str:
    """The term for a frame by its properties; '' where nothing of it was changed.

    A step that tells which share of the pixels it changed counts where that is more than none, any other step always.
    """
    told = props.get(STEPS, b"")
    names = (told.decode(errors="replace") if isinstance(told, bytes) else str(told)).split()
    done = [name for name in names if props.get(changed_prop(name.removesuffix(MADE_BY_NETWORK)), 1)]
    if any(name.endswith(MADE_BY_NETWORK) for name in done):
        return COMPOSITE
    return ENHANCED if done else ""
