"""The shots on the page: what was found, decided and done in each, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from vsfilmrestore.render.describe import source_text
from vsfilmrestore.render.report.charts import spark
from vsfilmrestore.render.report.comparison import COMPARED
from vsfilmrestore.render.report.facts import Content
from vsfilmrestore.render.report.frames_part import data_uri
from vsfilmrestore.render.report.left import LEFT, in_order
from vsfilmrestore.render.report.markup import Markup, tag
from vsfilmrestore.render.report.stills import Pictures
from vsfilmrestore.render.report.words import brief, count, memory, per_cent, plural, span

__all__ = ["ROWS", "anchors_of", "shots_part"]

ROWS: Final = 1500
"""Shots on the page at most; ``shots.csv`` has all."""
_SPARKS: Final = 300
_RANGES: Final = 6


def anchors_of(content: Content) -> list[str]:
    """Where each shot stands on the page."""
    return [f"shot-{n + 1}" for n in range(len(content.facts["shots"]))]


def shots_part(content: Content, pictures: Pictures, rows: int) -> Markup:
    """The section of the shots, of which ``rows`` are shown."""
    shots, anchors = content.facts["shots"], anchors_of(content)
    columns = ("", "Shot", "Timecode", "What was found and decided, and why", "What was done", "Time, memory")
    head = tag("tr", {}, [tag("th", {"scope": "col"}, word) for word in columns])
    body = [
        _row(shot, anchor, pictures.thumbnails.get(n), len(shots) <= _SPARKS)
        for n, (shot, anchor) in enumerate(zip(shots[:rows], anchors, strict=False))
    ]
    hidden = len(shots) - rows
    return tag(
        "section",
        {"id": "shots"},
        tag("h2", {}, "Treatment, shot by shot"),
        tag("div", {"class": "wide"}, tag("table", {"class": "shots"}, tag("thead", {}, head), tag("tbody", {}, body))),
        tag("p", {"class": "note"}, f"{plural(hidden, 'more shot')} in shots.csv and report.json.")
        if hidden > 0
        else None,
    )


def _row(shot: Mapping[str, Any], anchor: str, picture: bytes | None, sparks: bool) -> Markup:
    name = shot["name"] or shot["id"]
    shown = tag("img", {"class": "thumb", "alt": "", "src": data_uri(picture)}) if picture else None
    record = shot["record"]
    return tag(
        "tr",
        {"id": anchor, "tabindex": -1},
        tag("td", {"class": "picture"}, shown),
        tag("th", {"scope": "row"}, tag("b", {}, name), _small(source_text(shot)), _state(shot)),
        tag(
            "td",
            {"class": "record"},
            record["in"],
            _small(f"to {record['out']}"),
            _small(plural(record["frames"], "frame")),
        ),
        tag("td", {}, _measured(shot), _decisions(shot), _left(shot["left"])),
        tag("td", {}, _done(shot, sparks)),
        tag(
            "td",
            {"class": "record"},
            span(shot["seconds"]) if shot["seconds"] else "–",
            _small(memory(shot["memory"])) if shot["memory"] else None,
        ),
    )


def _small(text: str) -> Markup:
    return tag("small", {}, text)


def _state(shot: Mapping[str, Any]) -> Markup | None:
    return None if shot["state"] == "rendered" else tag("small", {"class": "state"}, shot["state"])


def _measured(shot: Mapping[str, Any]) -> Markup | None:
    """What was measured of source and result, in one line."""
    found = shot["compared"]
    told = [
        tag("span", {"title": each.explained}, _pair(each.label, each.unit, found[each.key]))
        for each in COMPARED
        if each.key in found
    ]
    if not told:
        return None
    head = tag("i", {}, "Measured: ")
    return tag("p", {"class": "measured"}, head, [[" · " if n else None, each] for n, each in enumerate(told)])


def _pair(label: str, unit: str, pair: Mapping[str, float | None]) -> str:
    sides = [brief(pair["before"]), *([brief(pair["after"])] if pair["after"] is not None else [])]
    return f"{label.lower()} {' → '.join(sides)} {unit}".strip()


def _decisions(shot: Mapping[str, Any]) -> Markup | None:
    parts = [part for part in shot["treatment"] if part["steps"]]
    steps = [step for part in parts for step in part["steps"]]
    if not steps:
        return None
    reasons = {step["reason"] for step in steps}
    items = []
    for part in parts:
        if len(shot["treatment"]) > 1:
            first = part["first"] - shot["record"]["start"]
            items.append(tag("li", {"class": "part"}, f"frames {first} to {first + part['frames'] - 1}"))
        items += [_step(step, alone=len(reasons) > 1) for step in part["steps"]]
    if len(reasons) == 1:
        reason = reasons.pop()
        items.append(tag("li", {"class": "all"}, reason if reason.startswith("as ") else f"by {reason}"))
    return tag("ul", {"class": "steps"}, items)


def _step(step: Mapping[str, Any], *, alone: bool) -> Markup:
    """A step; with its reason where it has one of its own."""
    return tag(
        "li",
        {},
        tag("b", {}, step["step"]),
        f" {step['decision']}",
        f" · {', '.join(step['networks'])}" if step["networks"] else None,
        tag("span", {"class": "diagnosis"}, step["diagnosis"]) if step["diagnosis"] else None,
        _small(step["reason"]) if alone else None,
    )


def _left(left: Sequence[Mapping[str, str]]) -> Markup | None:
    """What was left; what was looked at and found in order is folded."""
    told = [each for each in left if not in_order(each)]
    quiet = [each["what"].removesuffix(LEFT) for each in left if in_order(each)]
    items = [tag("li", {}, tag("i", {}, "Left: "), each["what"].removesuffix(LEFT), _why(each["why"])) for each in told]
    if quiet:
        seen = tag("summary", {}, f"{count(len(quiet))} more looked at: nothing to do")
        items.append(tag("li", {}, tag("details", {}, seen, tag("ul", {}, [tag("li", {}, text) for text in quiet]))))
    return tag("ul", {"class": "steps left"}, items) if items else None


def _why(why: str) -> Markup | None:
    return _small(why) if why and why != "assessed" else None


def _done(shot: Mapping[str, Any], sparks: bool) -> list[Markup]:
    found = [_kind(shot, name, share, sparks) for name, share in shot["changed"].items() if share["frames"]]
    idle = [name for name, share in shot["changed"].items() if not share["frames"]]
    if shot["whole_picture"]:
        found.append(tag("p", {}, tag("b", {}, "on the whole picture"), f" {', '.join(shot['whole_picture'])}"))
    flicker, modified = shot["flicker"], shot["modified"]
    if flicker and not shot.get("measured") and None not in flicker.values():
        found.append(tag("p", {}, tag("b", {}, "flicker"), f" {flicker['before']:.2f} → {flicker['after']:.2f} %"))
    if idle:
        found.append(tag("p", {}, tag("b", {}, "nothing found"), f" by {', '.join(idle)}"))
    if modified and modified["frames"]:
        found.append(
            _small(f"modified {count(modified['frames'])} of {count(modified['of'])}: {_ranges(modified['ranges'])}")
        )
    return found


def _kind(shot: Mapping[str, Any], name: str, share: Mapping[str, Any], sparks: bool) -> Markup:
    repairs, frames = (shot["repairs"] or {}).get(name), shot["repairs_by_frame"].get(name)
    told = f" {per_cent(share['mean'])} of pixels, {plural(share['frames'], 'frame')}"
    back = None
    if repairs and repairs["made"]:
        told = f" {plural(repairs['made'], 'repair')},{told}"
        back = f", {count(repairs['rejected'])} taken back" if repairs["rejected"] else None
    drawn = spark(frames, f"{name}: at most {max(frames)} in one frame") if sparks and frames and any(frames) else None
    return tag("p", {}, tag("b", {}, name), told, back, drawn)


def _ranges(ranges: Sequence[Sequence[int]]) -> str:
    shown = [str(first) if first == last else f"{first}–{last}" for first, last in ranges[:_RANGES]]
    return ", ".join([*shown, *(["…"] if len(ranges) > _RANGES else [])])
