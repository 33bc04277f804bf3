"""Write docs/settings.md from the filters' own signatures: ``python scripts/settings_page.py``."""

from __future__ import annotations

from pathlib import Path

from vsfilmrestore.filters import FILTERS, FilterSpec
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.recipes.presets import names

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"


def filter_section(spec: FilterSpec) -> list[str]:
    """Heading, summary and table of one filter."""
    lines = [f"## {spec.name} (`{spec.short}`)", "", spec.summary, ""]
    lines += ["| setting | values | default | |", "|---|---|---|---|"]
    for setting in spec.settings.values():
        allowed = setting.allowed.replace("|", "\\|")
        default = "to be given" if setting.required else f"`{setting.default!r}`"
        lines.append(f"| `{setting.name}` | {allowed} | {default} | {setting.help} |")
    return [*lines, ""]


def preset_section() -> list[str]:
    """Table of the presets."""
    lines = ["## Presets", "", "| preset | for | steps |", "|---|---|---|"]
    for name in names():
        recipe = Recipe.preset(name)
        steps = ", ".join(f"{step.name} {_first(step.complete)}" for step in recipe) or "none"
        lines.append(f"| `{name}` | {recipe.summary} | {steps} |")
    return [*lines, ""]


def _first(settings: dict[str, object]) -> object:
    return next(iter(settings.values()))


def page() -> str:
    """The whole page."""
    head = ["# Settings", "", "Made from the code by `python scripts/settings_page.py`; do not edit.", ""]
    body = [line for spec in sorted(FILTERS.values(), key=lambda s: s.order) for line in filter_section(spec)]
    return "\n".join([*head, *preset_section(), *body]).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
