"""The reel on the page: curves over shot bands, and the list of modified frames to jump to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from vsfilmrestore.render.report.charts import BINS, Chart, Series, drawn, shot_strip
from vsfilmrestore.render.report.choice import per_frame, worst
from vsfilmrestore.render.report.columns import Column, binned
from vsfilmrestore.render.report.facts import Content, treated_shots
from vsfilmrestore.render.report.markup import Markup, tag
from vsfilmrestore.render.report.words import count, per_cent, plural

__all__ = ["JUMPS", "charts_of", "jumps_of", "measured_columns", "reel_data", "reel_part"]

_ORDER: Final = (
    "Repairs",
    "Area repaired",
    "Dirt",
    "Flicker",
    "Weave",
    "Luma",
    "Levels",
    "Grain",
    "Dyes left",
    "Time",
    "Memory",
)
_COSTS: Final = 1.25
JUMPS: Final = 200
"""Modified frames that can be jumped to on the page: those most was done to. ``frames.csv`` has all."""


def charts_of(content: Content) -> list[Chart]:
    """All curves there is something to be seen in."""
    charts = [*_of_measures(content), *_of_render(content)]
    order = {title: n for n, title in enumerate(_ORDER)}
    return sorted((chart for chart in charts if _tells(chart)), key=lambda chart: order[chart.title])


def _tells(chart: Chart) -> bool:
    """Whether a chart shows more than one level all along; of time and memory, more than one to speak of."""
    known = [[value for value in series.values if value is not None] for series in chart.series]
    least = _COSTS if chart.title in ("Time", "Memory") else 1.0
    return any(max(values) > least * min(values) for values in known if values)


def _of_render(content: Content) -> list[Chart]:
    columns = content.columns
    if columns is None:
        return []
    made = np.isfinite(columns.seconds)
    kinds = [
        Series(name, binned(np.where(made, column, np.nan), BINS), f"k{n % 6}")
        for n, (name, column) in enumerate(columns.repairs.items())
    ]
    share, memory = np.where(made, 100 * columns.share, np.nan), binned(columns.memory / 1e9, BINS)
    luma = _both(columns.before, columns.after, np.nanmean)
    return [
        Chart("Repairs", "places in a frame", tuple(kinds), "the most of any frame here"),
        Chart("Area repaired", "%", (Series("share", binned(share, BINS), "after", area=True),), "of the picture"),
        Chart("Luma", "8 bit", luma, "mean brightness of a frame", zero=False),
        *([] if _measured(content, "flicker") else [_flicker(*columns.flicker, "off the mean of five frames")]),
        Chart("Time", "s a frame", (Series("time", binned(columns.seconds, BINS), "plain"),), "of each rendered piece"),
        Chart("Memory", "GB", (Series("memory", memory, "plain"),), "of the whole program, at most"),
    ]


def _flicker(before: Column, after: Column, note: str) -> Chart:
    return Chart("Flicker", "%", _both(np.abs(before), np.abs(after)), note)


def _both(before: Column, after: Column, how: Any = np.nanmax, what: str = "") -> tuple[Series, ...]:
    """Curves before and after; of the result only where it is known anywhere."""
    sides = [Series(f"{what}before", binned(before, BINS, how), "before")]
    if np.isfinite(after).any():
        sides.append(Series(f"{what}after", binned(after, BINS, how), "after"))
    return tuple(sides)


def _measured(content: Content, name: str) -> tuple[Column, Column] | None:
    """A measure of the source and of the result, in output frames; None where it tells nothing."""
    measured, outcome = content.measured, content.outcome
    if measured is None:
        return None
    factor = 1 if content.latest is None else content.latest.factor
    before = measured.column(name, factor)
    if not np.isfinite(before).any():
        return None
    treated = treated_shots(content.plan)
    if outcome is None or (treated and not outcome.shots):
        return before, np.full(len(before), np.nan)
    return before, measured.column(name, factor, outcome, treated)


def measured_columns(content: Content) -> dict[str, Column]:
    """What was measured of each frame of the output, before and after, as columns of ``frames.csv``."""
    found = {}
    for name in ("flicker", "weave.x", "weave.y", "luma.low", "luma.high"):
        if pair := _measured(content, name):
            for side, column in zip(("before", "after"), pair, strict=True):
                found[f"measured_{name.replace('.', '_')}_{side}"] = column
    return found


def _of_measures(content: Content) -> list[Chart]:
    """Curves of what was measured of the source and of the result."""
    found = []
    if pair := _measured(content, "flicker"):
        found.append(_flicker(*pair, "brightness off its trend"))
    if weave := [pair for name in ("weave.x", "weave.y") if (pair := _measured(content, name))]:
        sides = [np.sqrt(np.sum([pair[side] ** 2 for pair in weave], axis=0)) for side in (0, 1)]
        found.append(Chart("Weave", "px", _both(sides[0], sides[1]), "how far the picture strays from its place"))
    low, high = _measured(content, "luma.low"), _measured(content, "luma.high")
    if low and high:
        curves = (*_both(*low, np.nanmean, "low "), *_both(*high, np.nanmean, "high "))
        found.append(Chart("Levels", "8 bit", curves, "a tenth is darker, a tenth is lighter", zero=False))
    if len(content.facts["shots"]) < 2:
        return found  # what is told of whole shots is no curve
    for title, name, unit, note in (
        ("Dirt", "dirt.density", "a frame", "specks and hairs, by shot"),
        ("Grain", "grain.sigma", "8 bit", "standard deviation, by shot"),
    ):
        if pair := _measured(content, name):
            found.append(Chart(title, unit, _both(*pair, np.nanmean), note))
    return [*found, *_dyes(content)]


def _dyes(content: Content) -> list[Chart]:
    curves: list[Series] = []
    for name, dye in (("fade.red", "cyan"), ("fade.green", "magenta"), ("fade.blue", "yellow")):
        if pair := _measured(content, name):
            both = _both(100 * pair[0], 100 * pair[1], np.nanmean, f"{dye} ")
            curves += [replace(each, css=f"{dye} {each.css}") for each in both]
    return [Chart("Dyes left", "%", tuple(curves), "of new colour film, by shot")] if curves else []


def _walls(content: Content) -> list[float]:
    frames = max(1, len(content.plan.cut))
    return [shot["record"]["start"] / frames for shot in content.facts["shots"]]


def _length(content: Content) -> int:
    return len(content.plan.cut) if content.columns is None else content.columns.length


def reel_part(content: Content, charts: Sequence[Chart], anchors: Sequence[str]) -> Markup:
    """The section of the reel."""
    cut, walls = content.plan.cut, _walls(content)
    names = [shot["name"] or shot["id"] for shot in content.facts["shots"]]
    marks = [cut.timecode(min(len(cut) - 1, round(share * (len(cut) - 1)))) for share in (0, 0.25, 0.5, 0.75, 1)]
    strip = tag(
        "figure",
        {"class": "chart strip"},
        tag("figcaption", {}, tag("b", {}, "Shots")),
        tag("div", {"class": "plot"}, shot_strip(names, anchors, walls)),
        tag("div", {"class": "scale"}),
    )
    axis = tag("div", {"class": "axis", "aria-hidden": "true"}, [tag("span", {}, mark) for mark in marks])
    cursor = {
        "id": "cursor",
        "class": "cursor",
        "role": "slider",
        "tabindex": 0,
        "aria-label": "Place in the reel",
        "aria-valuemin": 0,
        "aria-valuemax": _length(content) - 1,
        "aria-valuenow": 0,
    }
    drawings = [drawn(chart, walls) for chart in charts]
    return tag(
        "section",
        {"id": "reel"},
        tag("h2", {}, "Along the film"),
        tag(
            "p",
            {"class": "lead"},
            "From left to right the film, from beginning to end. ",
            "Dashed is before, drawn through is after. " if content.columns is not None else None,
            tag("span", {"class": "screen"}, "Point, or move with the arrow keys; Enter goes to the shot."),
        ),
        _steps(content),
        tag("output", {"id": "readout", "class": "screen", "aria-live": "polite"}, " "),
        tag(
            "div",
            {"class": "plots"},
            strip if len(names) > 1 or not charts else None,
            drawings,
            axis,
            tag("div", cursor),
        ),
        _modified(content),
    )


def _steps(content: Content) -> Markup | None:
    if content.columns is None or not content.facts["totals"]["modified_frames"]:
        return None
    return tag(
        "p",
        {"class": "screen buttons"},
        tag("button", {"type": "button", "id": "jump-back"}, "‹ Modified frame"),
        tag("button", {"type": "button", "id": "jump-on"}, "Modified frame ›"),
    )


def jumps_of(content: Content) -> list[dict[str, Any]]:
    """Modified frames to jump to, in the order of the reel."""
    columns, latest = content.columns, content.latest
    if columns is None or latest is None:
        return []
    starts = np.array([shot["record"]["start"] for shot in content.facts["shots"]])
    found = []
    for frame in worst(columns, JUMPS):
        record = frame // latest.factor
        done = [
            f"{name} {count(n)} ({per_cent(share)})" if n else f"{name} {per_cent(share)}"
            for name, n, share in per_frame(columns, frame)
        ]
        shot = int(np.searchsorted(starts, record, side="right")) - 1
        found.append({"frame": frame, "tc": content.plan.cut.timecode(record), "shot": shot, "text": "; ".join(done)})
    return found


def _modified(content: Content) -> Markup | None:
    """A table of the modified frames; folded, as it is long."""
    jumps, total = jumps_of(content), content.facts["totals"]["modified_frames"]
    if not jumps:
        return None
    shots = content.facts["shots"]
    rows = [
        tag(
            "tr",
            {},
            tag("td", {}, tag("button", {"type": "button", "class": "link", "data-jump": n}, jump["tc"])),
            tag("td", {}, shots[jump["shot"]]["name"] or shots[jump["shot"]]["id"]),
            tag("td", {"class": "number"}, jump["frame"]),
            tag("td", {}, jump["text"]),
        )
        for n, jump in enumerate(jumps)
    ]
    head = tag(
        "tr",
        {},
        [tag("th", {"scope": "col"}, word) for word in ("Record", "Shot", "Frame", "Repairs, share of pixels")],
    )
    which = "All of them" if len(jumps) == total else f"The {len(jumps)} most was done to"
    return tag(
        "details",
        {"class": "screen"},
        tag("summary", {}, f"{plural(total, 'modified frame')}. {which}; every frame stands in frames.csv"),
        tag("div", {"class": "wide"}, tag("table", {"class": "plain"}, tag("thead", {}, head), tag("tbody", {}, rows))),
    )


def reel_data(content: Content, charts: Sequence[Chart]) -> dict[str, Any]:
    """What the page's script reads out under the cursor."""
    bins = max((len(series.values) for chart in charts for series in chart.series), default=0)
    cut, length = content.plan.cut, _length(content)
    factor = 1 if content.latest is None else content.latest.factor
    edges = np.linspace(0, length, bins + 1).astype(int)[:-1] if bins else np.zeros(0, int)
    starts = np.array([shot["record"]["start"] for shot in content.facts["shots"]])
    return {
        "length": length,
        "first": edges.tolist(),
        "tc": [cut.timecode(int(n) // factor) for n in edges],
        "shot": (np.searchsorted(starts, edges // factor, side="right") - 1).tolist(),
        "series": [{"values": list(series.values)} for chart in charts for series in chart.series],
        "jumps": [[jump["frame"], jump["tc"], jump["shot"], jump["text"]] for jump in jumps_of(content)],
    }
