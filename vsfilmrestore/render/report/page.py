"""The page of a report: one file without anything outside it, for a screen, a printer and a USB stick.

Its style and its script are within the page, and its policy (a Content-Security-Policy) allows these two, by their
hashes, and pictures within the page; nothing else is ever loaded, whatever the names in a cut list say.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from vsfilmrestore.media.out.profiles import PROFILES
from vsfilmrestore.render.report.facts import Content
from vsfilmrestore.render.report.frames_part import frames_part
from vsfilmrestore.render.report.markup import Markup, data_block, join, tag
from vsfilmrestore.render.report.reel_part import charts_of, reel_data, reel_part
from vsfilmrestore.render.report.rest_part import declaration_part, left_part, made_with_part, remarks_part
from vsfilmrestore.render.report.shots_part import anchors_of, shots_part
from vsfilmrestore.render.report.stills import Pictures
from vsfilmrestore.render.report.summary_part import summary_part
from vsfilmrestore.render.report.words import plural, span

__all__ = ["page"]


@cache
def _asset(name: str) -> str:
    return files("vsfilmrestore.render.report").joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def page(content: Content, pictures: Pictures, colours: Mapping[str, str], rows: int) -> str:
    """The page.

    Args:
        content: What it tells.
        pictures: What it shows.
        colours: Of masks, by kind of repair.
        rows: Shots in its table at most.
    """
    charts, anchors = charts_of(content), anchors_of(content)
    parts = [
        summary_part(content),
        frames_part(content, pictures, colours),
        reel_part(content, charts, anchors),
        shots_part(content, pictures, rows),
        left_part(content),
        declaration_part(content),
        made_with_part(content),
        remarks_part(content),
    ]
    style, script = _asset("report.css"), _asset("report.js")
    return Template(_asset("report.html")).substitute(
        title=join(f"{_title(content)}: treatment report"),
        policy=_policy(style, script),
        style=style,
        script=script,
        header=_header(content, pictures),
        parts=join(parts),
        footer=_signatures(content),
        data=data_block("data", reel_data(content, charts) | {"names": _names(content), "anchors": anchors[:rows]}),
    )


def _policy(style: str, script: str) -> str:
    """Nothing is loaded, and nothing runs, but what is within the page."""
    own = f"style-src 'sha256-{_hash(style)}'; script-src 'sha256-{_hash(script)}'"
    return f"default-src 'none'; img-src data:; {own}; base-uri 'none'; form-action 'none'"


def _names(content: Content) -> list[str]:
    return [shot["name"] or shot["id"] for shot in content.facts["shots"]]


def _title(content: Content) -> str:
    facts = content.facts
    output = (facts["output"] or {}).get("path", "")
    name = str(facts["name"] or output or "Untitled")
    return str(facts["treatment"]["title"]) or (name if " " in name else name.replace("_", " "))


def _header(content: Content, pictures: Pictures) -> Markup:
    facts, told, cut = content.facts, content.facts["treatment"], content.plan.cut
    output, rendered = facts["output"], facts["rendered"]
    media = [medium["name"] for medium in facts["media"]]
    frames, rate = facts["frames"], facts["rate"]
    rows = {
        "Reel": told["reel"],
        "Element": told["element"],
        "Scan": told["scan"],
        "Source": ", ".join(media[:3]) + (f" and {len(media) - 3} more" if len(media) > 3 else ""),
        "Cut": facts["file"].replace("\\", "/").rsplit("/", 1)[-1],
        "Length": f"{span(frames / float(cut.rate))}: {plural(frames, 'frame')} at {rate} a second, "
        f"timecode {facts['timecode']} to {cut.timecode(len(cut) - 1)}",
        "Result": _output(output) if output else "nothing is rendered yet",
        "Institution": told["institution"],
        "Operator": told["operator"],
        "Approval": told["approval"],
        "Rendered": _when(rendered["finished"]) if rendered else "",
    }
    entries = [tag("div", {}, tag("dt", {}, name), tag("dd", {}, value)) for name, value in rows.items() if value]
    links = [
        ("summary", "Summary"),
        ("frames", "Before and after"),
        ("reel", "Along the film"),
        ("shots", "Shot by shot"),
        ("left", "What was left"),
        ("tools", "Tools"),
    ]
    there = [(id_, text) for id_, text in links if id_ != "frames" or pictures.stills]
    return tag(
        "header",
        {},
        tag(
            "p",
            {"class": "kind"},
            "Restoration: treatment report"
            if facts["rendered"]
            else "Restoration: what was found and what is proposed",
        ),
        tag("h1", {}, _title(content)),
        tag("dl", {"class": "about"}, entries),
        tag(
            "nav",
            {"class": "screen", "aria-label": "Parts of the report"},
            [tag("a", {"href": f"#{id_}"}, text) for id_, text in there],
        ),
    )


def _output(output: Mapping[str, Any]) -> str:
    profile = PROFILES.get(output["format"])
    kind = profile.summary.partition(":")[0].partition(",")[0] if profile is not None else output["format"]
    rate = output["rate"] and f"{output['rate']} frames a second"
    return ", ".join(word for word in (output["path"], kind, output["size"].replace("x", " × "), rate) if word)


def _when(text: str) -> str:
    return text.replace("T", " ").replace("+00:00", " UTC")


def _signatures(content: Content) -> Markup:
    told = content.facts["treatment"]
    lines = [
        tag("div", {}, tag("span", {}, told[key]), tag("small", {}, word))
        for key, word in (("operator", "Operator, date"), ("approval", "Approved, date"))
    ]
    return tag("footer", {}, tag("div", {"class": "signatures"}, lines))
