"""What was made how, in the words of IPTC: the Digital Source Type of a film, of a shot, of a frame.

The vocabulary is https://cv.iptc.org/newscodes/digitalsourcetype/. ``compositeWithTrainedAlgorithmicMedia`` is said
only where pixels came out of a network. A network that merely finds dirt makes none: then an algorithm corrected the
picture (``algorithmicallyEnhanced``). What nobody touched is what it was: ``negativeFilm`` or ``positiveFilm`` where
the report is told of the element, else nothing is claimed.
"""

from __future__ import annotations

import re
from typing import Final

from vsfilmrestore.media.out.source_type import BASE, COMPOSITE, ENHANCED

__all__ = ["BASE", "COMPOSITE", "ENHANCED", "declared", "of_element", "sentence"]

_NEGATIVE: Final = re.compile(r"\bneg(ative)?s?\b", re.IGNORECASE)
_POSITIVE: Final = re.compile(r"\b(positive|print|reversal|kodachrome|fine[ -]?grain|interpos)", re.IGNORECASE)
_SENTENCES: Final = {
    COMPOSITE: "Pixels of this picture were made by a trained network (AI); the rest is the scan.",
    ENHANCED: "The scan was corrected by algorithms. No pixel was made by a trained network (AI).",
    "negativeFilm": "The scan of a negative, unchanged.",
    "positiveFilm": "The scan of a positive, unchanged.",
    "": "Nothing was changed; what the scan is of was not told.",
}


def declared(*, painted: bool, changed: bool, element: str = "") -> str:
    """The term; '' where nothing can be said.

    Args:
        painted: Whether a network changed pixels.
        changed: Whether anything did.
        element: What was scanned, in words.
    """
    if painted:
        return COMPOSITE
    return ENHANCED if changed else of_element(element)


def of_element(element: str) -> str:
    """``negativeFilm`` or ``positiveFilm``, by what is told of the element; '' where it is neither, or both."""
    negative, positive = bool(_NEGATIVE.search(element)), bool(_POSITIVE.search(element))
    return "" if negative == positive else "negativeFilm" if negative else "positiveFilm"


def sentence(term: str) -> str:
    """The term for people."""
    return _SENTENCES[term]
