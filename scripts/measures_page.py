"""Write the table of all measures into docs/assess.md, from `vsfilmrestore.assess.vocabulary`.

python scripts/measures_page.py
"""

from __future__ import annotations

from pathlib import Path

from vsfilmrestore.assess.vocabulary import MEASURES, Measure

PAGE = Path(__file__).resolve().parent.parent / "docs" / "assess.md"
BEGIN, END = "## All measures\n", "## What it does not see\n"


def table() -> str:
    """A row for each measure."""
    head = "| measure | unit | of | meaning | term |\n|---|---|---|---|---|\n"
    return head + "".join(map(_row, MEASURES))


def _row(measure: Measure) -> str:
    unit = measure.unit or {"word": "word", "list": "", "number": "0..1" if measure.high == 1 else ""}[measure.kind]
    words = f": {', '.join(measure.words)}" if measure.words else ""
    of = {"both": "frame, shot"}.get(measure.per, measure.per)
    return f"| `{measure.name}` | {unit} | {of} | {measure.meaning}{words} | {measure.term} |\n"


def page(text: str) -> str:
    """The page with the table as it is now."""
    begin, end = text.index(BEGIN), text.index(END)
    before, old = text[:begin], text[begin:end]
    intro = old[: old.index("\n| ")] if "\n| " in old else old.replace("@MEASURES@\n", "").rstrip("\n") + "\n"
    return f"{before}{intro.rstrip()}\n\n{table()}\n{text[end:]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
