"""The rest of the page: what was left, what is declared, tools with every parameter, remarks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from vsfilmrestore.filters import FILTERS
from vsfilmrestore.render.report.facts import Content
from vsfilmrestore.render.report.left import LEFT, in_order
from vsfilmrestore.render.report.markup import Markup, tag
from vsfilmrestore.render.report.words import plural

__all__ = ["declaration_part", "left_part", "made_with_part", "remarks_part"]

_MOST = 400


def left_part(content: Content) -> Markup:
    """What was left in the film and in its shots, and why."""
    facts = content.facts
    told = [each for each in facts["left"] if each["kind"] != "step"]
    items = [tag("li", {}, each["what"], _why(each)) for each in told]
    grouped: dict[tuple[str, str], list[str]] = {}
    quiet: set[str] = set()
    for shot in facts["shots"]:
        for each in shot["left"]:
            if in_order(each):
                quiet.add(each["what"])
            else:
                grouped.setdefault((each["what"].removesuffix(LEFT), each["why"]), []).append(
                    shot["name"] or shot["id"]
                )
    for (what, why), names in list(grouped.items())[:_MOST]:
        shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        items.append(tag("li", {}, tag("b", {}, shown), f": {what}", _why({"why": "" if why == "assessed" else why})))
    body = tag("ul", {}, items) if items else tag("p", {}, "Nothing that stands out was left.")
    looked = "What was looked at and found in order stands with each shot." if quiet else ""
    unused = [tag("p", {"class": "note"}, f"{each['what']}.") for each in facts["left"] if each["kind"] == "step"]
    note = tag("p", {"class": "note"}, looked) if looked else None
    return tag("section", {"id": "left"}, tag("h2", {}, "What was left, and why"), body, note, unused)


def _why(left: Mapping[str, str]) -> Markup | None:
    return tag("small", {}, f" {left['why']}") if left["why"] else None


def declaration_part(content: Content) -> Markup:
    """The Digital Source Type of IPTC, and what networks did."""
    said = content.facts["digital_source_type"]
    shots = [f"{term}: {plural(number, 'shot')}" for term, number in said["shots"].items()]
    networks = content.facts["networks"]
    finders = [each["name"] for each in networks if each["role"] == "finds only"]
    return tag(
        "section",
        {"id": "declaration"},
        tag("h2", {}, "Declaration of the digital source"),
        tag("p", {}, said["sentence"]),
        tag("p", {}, "IPTC Digital Source Type: ", tag("code", {}, said["term"]), tag("small", {}, f" {said['uri']}"))
        if said["term"]
        else None,
        tag("p", {}, "; ".join(shots), ".") if len(shots) > 1 else None,
        tag("p", {}, f"{', '.join(finders)} only found where damage is; what stands there now is from the film itself.")
        if finders
        else None,
    )


def made_with_part(content: Content) -> Markup:
    """Tools, networks and every parameter, each set of them once."""
    facts = content.facts
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    return tag(
        "section",
        {"id": "tools"},
        tag("h2", {}, "Tools, networks, parameters"),
        _networks(content),
        _parameters(content),
        tag(
            "p",
            {"class": "note"},
            f"Report written {facts['written'].replace('T', ' ').replace('+00:00', ' UTC')} by vsfilmrestore "
            f"{facts['made_with']}. Versions at the render: {versions}.",
        ),
    )


def _networks(content: Content) -> Markup | None:
    networks = content.facts["networks"]
    if not networks:
        return tag("p", {}, "No network was used.")
    head = [
        tag("th", {"scope": "col"}, word)
        for word in ("Network", "Used by", "Part", "SHA-256 of the weights", "Licence")
    ]
    rows = [
        tag(
            "tr",
            {},
            tag("th", {"scope": "row"}, tag("b", {}, each["name"]), tag("small", {}, each["summary"])),
            tag("td", {}, ", ".join(each["steps"]), tag("small", {}, plural(each["shots"], "shot"))),
            tag("td", {}, each["role"]),
            tag("td", {}, tag("code", {}, each["sha256"] or "–"), tag("small", {}, each["file"])),
            tag("td", {}, each["licence"] or "–"),
        )
        for each in networks
    ]
    return tag(
        "div",
        {"class": "wide"},
        tag("table", {"class": "plain"}, tag("thead", {}, tag("tr", {}, head)), tag("tbody", {}, rows)),
    )


def _parameters(content: Content) -> Markup | None:
    """Sets of parameters by step, each with the number of shots that have it."""
    sets: dict[tuple[str, str], tuple[dict[str, Any], set[int]]] = {}
    for index, shot in enumerate(content.facts["shots"]):
        for part in shot["treatment"]:
            for step in part["steps"]:
                key = step["step"], json.dumps(step["parameters"], sort_keys=True)
                sets.setdefault(key, (step, set()))[1].add(index)
    if not sets:
        return None
    head = [tag("th", {"scope": "col"}, word) for word in ("Step", "Every parameter", "Seed", "Shots")]
    rows = [
        tag(
            "tr",
            {},
            tag(
                "th",
                {"scope": "row"},
                tag("b", {}, name),
                tag("small", {}, FILTERS[name].summary if name in FILTERS else ""),
            ),
            tag("td", {"class": "parameters"}, _listed(step["parameters"])),
            tag("td", {}, "–" if step["seed"] is None else step["seed"]),
            tag("td", {"class": "number"}, len(shots)),
        )
        for (name, _), (step, shots) in sorted(
            sets.items(), key=lambda item: (FILTERS[item[0][0]].order, -len(item[1][1]))
        )[:_MOST]
    ]
    return tag(
        "div",
        {"class": "wide"},
        tag("table", {"class": "plain"}, tag("thead", {}, tag("tr", {}, head)), tag("tbody", {}, rows)),
    )


def _listed(parameters: Mapping[str, Any]) -> list[Markup]:
    return [
        tag(
            "span",
            {},
            f"{key}={json.dumps(value) if isinstance(value, bool | list | tuple) else value if value != '' else '–'}",
        )
        for key, value in parameters.items()
    ]


def remarks_part(content: Content) -> Markup | None:
    """What an editor should know."""
    facts = content.facts
    said = [*facts["remarks"], *facts["warnings"], *(finding["text"] for finding in facts["findings"])]
    said += [f"{shot['name'] or shot['id']}: {text}" for shot in facts["shots"] for text in shot["warnings"]]
    texts = list(dict.fromkeys(text if isinstance(text, str) else text["text"] for text in said))
    if not texts:
        return None
    return tag(
        "section",
        {"id": "remarks"},
        tag("h2", {}, "Remarks"),
        tag("ul", {}, [tag("li", {}, text) for text in texts[:_MOST]]),
    )
