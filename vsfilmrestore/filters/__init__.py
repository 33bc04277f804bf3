"""Restoration filters: functions that take a clip and give a clip.

Every filter of this package is found and registered when the package is imported, see `schema.FILTERS`.
"""

from __future__ import annotations

import importlib
import pkgutil

from vsfilmrestore.filters.schema import FILTERS, FilterSpec

__all__ = ["FILTERS", "FilterSpec", "find_filter"]

for _module in pkgutil.iter_modules(__path__):
    if not _module.name.startswith("_"):
        importlib.import_module(f"{__name__}.{_module.name}")


def find_filter(word: str) -> FilterSpec | None:
    """The filter of that name or short word, whatever its case; None if there is none."""
    word = word.lower()
    return FILTERS.get(word) or next((spec for spec in FILTERS.values() if spec.short == word), None)


globals().update({spec.name: spec.function for spec in FILTERS.values()})
