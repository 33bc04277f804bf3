"""Write ofx_bridge/src/settings.inc, what the plug-in's panel shows of presets and filters, from the code.

``python scripts/ofx_settings.py``. A filter is in the panel when its first setting is a dose, it leaves size and length
alone, and works without being told a network's name; everything else can be written as marker words.
"""

from __future__ import annotations

from pathlib import Path

from vsfilmrestore.errors import VsfrError
from vsfilmrestore.filters import FILTERS, FilterSpec
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.recipes.presets import names

TABLE = Path(__file__).resolve().parent.parent / "ofx_bridge" / "src" / "settings.inc"

LISTED = ("archive", "amateur", "cel", "kungfu", "none", "remaster", "tape", "concert")
"""Presets as they came: projects of editing programs keep the number, so that new ones go behind."""


def listed() -> list[str]:
    """All presets, in the order of the panel.

    Raises:
        ValueError: There is one that has no place yet, or one is gone.
    """
    if set(LISTED) != set(names()):
        raise ValueError(f"LISTED must hold every preset: {set(LISTED) ^ set(names())}. Put new ones at the end")
    return list(LISTED)


def in_panel(spec: FilterSpec) -> bool:
    """Whether the filter has a slider in the panel."""
    first = next(iter(spec.settings.values()))
    if first.kind != "float" or (first.low, first.high) != (0.0, 1.0) or spec.changes:
        return False
    return not any(setting.required for setting in spec.settings.values()) and not _wants_a_name(spec)


def _wants_a_name(spec: FilterSpec) -> bool:
    """Whether the filter is a network, and none in particular."""
    if "model" not in spec.settings or spec.settings["model"].default:
        return False
    try:
        spec.network(spec.complete({}))
    except VsfrError:
        return True
    return False


def table() -> str:
    """The whole file."""
    lines = ["// Made from the code by `python scripts/ofx_settings.py`; do not edit.", ""]
    for name in listed():
        lines.append(f"VSFR_PRESET({_text(name)}, {_text(Recipe.preset(name).summary)})")
    lines.append("")
    for spec in sorted(FILTERS.values(), key=lambda spec: spec.order):
        if in_panel(spec):
            dose = next(iter(spec.settings.values())).default
            label = spec.name.replace("_", " ").capitalize()
            lines.append(f"VSFR_DOSE({spec.short}, {_text(label)}, {dose!r}, {_text(spec.summary)})")
    return "\n".join([*lines, ""])


def _text(words: str) -> str:
    """A string of C."""
    plain = " ".join(words.replace("`", "'").split())
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
    print(f"wrote {TABLE}")
