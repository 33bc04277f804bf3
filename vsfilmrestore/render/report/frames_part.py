"""Frames on the page: before and after under one slider, with the mask of what was repaired."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from vsfilmrestore.render.report.choice import per_frame
from vsfilmrestore.render.report.facts import Content
from vsfilmrestore.render.report.markup import Markup, tag
from vsfilmrestore.render.report.stills import Pictures, Still
from vsfilmrestore.render.report.words import per_cent, plural

__all__ = ["data_uri", "frames_part"]

_GROUPS = {"worst": "Most changed", "median": "Ordinary", "random": "At random"}


def data_uri(picture: bytes, kind: str = "jpeg") -> str:
    """A picture within the page."""
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def frames_part(content: Content, pictures: Pictures, colours: Mapping[str, str]) -> Markup | None:
    """The section of frames; None where there are none to show."""
    if not pictures.stills:
        return None
    kinds = dict.fromkeys(kind for still in pictures.stills for kind in still.kinds)
    legend = [
        tag(
            "span",
            {"class": "key"},
            tag(
                "svg",
                {"class": "dot", "viewBox": "0 0 8 8"},
                tag("circle", {"cx": 4, "cy": 4, "r": 4, "fill": colours[kind]}),
            ),
            kind,
        )
        for kind in kinds
    ]
    controls = tag(
        "div",
        {"class": "screen buttons"},
        tag("button", {"type": "button", "id": "still-back"}, "‹ Frame"),
        tag("button", {"type": "button", "id": "still-on"}, "Frame ›"),
        tag("button", {"type": "button", "id": "mask", "aria-pressed": "false"}, "Show where repairs are")
        if kinds
        else None,
        tag("span", {"class": "legend"}, legend),
    )
    return tag(
        "section",
        {"id": "frames"},
        tag("h2", {}, "Before and after"),
        tag(
            "p",
            {"class": "lead"},
            "The source at the left, the result at the right: frames that were changed most, ordinary ones, and some "
            "taken at random.",
            tag(
                "span",
                {"class": "screen"},
                " Drag the divider, or use the arrow keys; N and P change the frame, M shows where repairs are.",
            ),
        ),
        controls,
        tag("div", {"id": "stills"}, [_still(n, still, content) for n, still in enumerate(pictures.stills)]),
        tag("div", {"id": "filmstrip", "class": "screen", "role": "group", "aria-label": "Frames"}),
    )


def _still(number: int, still: Still, content: Content) -> Markup:
    latest, columns, cut = content.latest, content.columns, content.plan.cut
    assert latest is not None
    assert columns is not None
    frame = still.chosen.frame
    record = frame // latest.factor
    index = content.plan.index_at(record)
    shot = content.facts["shots"][index]
    name, timecode = shot["name"] or shot["id"], cut.timecode(record)
    done = [
        f"{kind}: {plural(n, 'repair')}, {per_cent(share)} of the picture"
        if n
        else f"{kind}: {per_cent(share)} of the picture"
        for kind, n, share in per_frame(columns, frame)
    ]
    whole = shot["whole_picture"]
    told = (
        "; ".join([*done, *([f"on the whole picture: {', '.join(whole)}"] if whole else [])]) or "nothing was changed"
    )
    size = {"width": still.width, "height": still.height}
    mask = still.mask and tag("img", {"class": "mask", "alt": "", "src": data_uri(still.mask, "png"), **size})
    return tag(
        "figure",
        {"class": "still", "data-frame": frame, "data-group": _GROUPS[still.chosen.group], "data-tc": timecode},
        tag(
            "div",
            {"class": "pair"},
            tag(
                "div",
                {"class": "side"},
                _picture(still.before, f"Before: {name}, {timecode}", size),
                tag("span", {}, "before"),
            ),
            tag(
                "div",
                {"class": "side after"},
                _picture(still.after, f"After: {name}, {timecode}", size),
                tag("span", {}, "after"),
            ),
            mask or None,
            tag(
                "input",
                {
                    "type": "range",
                    "min": 0,
                    "max": 100,
                    "value": 50,
                    "class": "screen",
                    "aria-label": f"Divider between before and after, {name}, {timecode}",
                },
            ),
        ),
        tag(
            "figcaption",
            {},
            tag("b", {}, _GROUPS[still.chosen.group]),
            f" · {name} · {timecode} · ",
            tag("span", {}, told),
        ),
    )


def _picture(picture: bytes, text: str, size: Mapping[str, int]) -> Markup:
    return tag("img", {"alt": text, "src": data_uri(picture), **size})
