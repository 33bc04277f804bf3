"""HTML and SVG put together from tags. Whatever is text is escaped; only what a tag made is markup."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["Markup", "data_block", "join", "tag"]


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


type Child = Markup | str | float | Iterable[Child] | None


def join(children: Child) -> Markup:
    """Children one after the other; None is nothing."""
    if children is None:
        return Markup()
    if isinstance(children, Markup):
        return children
    if isinstance(children, str | int | float):
        return Markup(html.escape(str(children)))
    return Markup("".join(map(join, children)))


def tag(name: str, attributes: Mapping[str, Any] | None = None, /, *children: Child) -> Markup:
    """``<name attribute="…">children</name>``; attributes of None or False are left out, those of True stand alone."""
    words = []
    for key, value in (attributes or {}).items():
        if value is True:
            words.append(f" {key}")
        elif value is not None and value is not False:
            words.append(f' {key}="{html.escape(str(value))}"')
    head = f"<{name}{''.join(words)}>"
    return Markup(head if name in ("img", "input", "br", "meta") else f"{head}{join(children)}</{name}>")


def data_block(id_: str, data: object) -> Markup:
    """Data for the page's script: no text in it can end the block."""
    text = json.dumps(data, separators=(",", ":")).replace("&", "\\u0026").replace("<", "\\u003c")
    return Markup(
        f'<script type="application/json" id="{html.escape(id_)}">{text.replace(">", chr(92) + "u003e")}</script>'
    )
