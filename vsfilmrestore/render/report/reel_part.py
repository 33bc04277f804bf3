"""The reel on the page: curves over shot bands, and the list of modified frames to jump to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from vsfilmrestore.render.report.charts import BINS, Chart, Series, drawn, shot_strip
from vsfilmrestore.render.report.choice import per_frame, worst
from vsfilmrestore.render.report.columns import Column, binned
from vsfilmrestore.render.report.facts import Content
from vsfilmrestore.render.report.markup import Markup, tag
from vsfilmrestore.render.report.words import count, per_cent, plural

__all__ = ["JUMPS", "charts_of", "jumps_of", "reel_data", "reel_part"]

JUMPS: Final = 200
"""Modified frames that can be jumped to on the page: those most was done to. ``frames.csv`` has all."""


def charts_of(content: Content) -> list[Chart]:
    """All curves there are numbers for."""
    return [chart for chart in (*_of_render(content), *_of_measures(content)) if _told(chart)]


def _told(chart: Chart) -> bool:
    return any(value is not None for series in chart.series for value in series.values)


def _of_render(content: Content) -> list[Chart]:
    columns = content.columns
    if columns is None:
        return []
    kinds = [
        Series(name, binned(np.where(column > 0, column, np.nan), BINS), f"k{n % 6}")
        for n, (name, column) in enumerate(columns.repairs.items())
    ]
    before, after = (np.abs(each) for each in columns.flicker)
    memory = binned(columns.memory / 1e9, BINS)
    return [
        Chart("Repairs", "per frame", tuple(kinds), "the most of any frame at each place"),
        Chart(
            "Pixels changed",
            "%",
            (Series("share", binned(100 * columns.share, BINS), "after", area=True),),
            "by repairs with a mask, together",
        ),
        Chart("Luma", "", _both(columns.before, columns.after, np.nanmean), "mean of a frame, 8-bit scale", zero=False),
        Chart("Flicker", "%", _both(before, after), "off the mean of five frames"),
        Chart("Time", "s/frame", (Series("time", binned(columns.seconds, BINS), "plain"),), "of each rendered stretch"),
        Chart("Memory", "GB", (Series("memory", memory, "plain"),), "of the program, at most"),
    ]


def _both(before: Column, after: Column, how: Any = np.nanmax) -> tuple[Series, Series]:
    return Series("before", binned(before, BINS, how), "before"), Series("after", binned(after, BINS, how), "after")


def _of_measures(content: Content) -> list[Chart]:
    """Curves of what was measured before anything was done."""
    measured = content.measured
    if measured is None:
        return []

    def series(label: str, name: str, css: str) -> list[Series]:
        column = measured.column(name) if measured is not None else None
        return [] if column is None else [Series(label, binned(column, BINS, np.nanmean), css)]

    charts = [
        ("Dirt", "per frame", [("specks and hairs", "dirt.density", "before")], "found in the source", True),
        ("Weave", "px", [("across", "weave.x", "k1"), ("down", "weave.y", "k0")], "of the source", False),
        ("Grain", "8 bit", [("sigma", "grain.sigma", "before")], "of the source, by shot", True),
        (
            "Levels",
            "8 bit",
            [("10 %", "luma.low", "k1"), ("mean", "luma.average", "before"), ("90 %", "luma.high", "k2")],
            "percentiles of the source's luma",
            False,
        ),
        (
            "Dyes left",
            "",
            [("cyan", "fade.red", "cyan"), ("magenta", "fade.green", "magenta"), ("yellow", "fade.blue", "yellow")],
            "fade of the source, by shot; 1 is all",
            True,
        ),
    ]
    if content.columns is None:
        charts.insert(0, ("Flicker", "%", [("before", "flicker", "before")], "of the source", False))
    found = []
    for title, unit, lines, note, zero in charts:
        drawn_ = tuple(each for line in lines for each in series(*line))
        if drawn_:
            found.append(Chart(title, unit, drawn_, note, zero))
    return found


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
    return tag(
        "section",
        {"id": "reel"},
        tag("h2", {}, "The reel"),
        tag("p", {"class": "lead screen"}, "Point, or move with the arrow keys. Enter goes to the shot."),
        _steps(content),
        tag("output", {"id": "readout", "class": "screen", "aria-live": "polite"}, " "),
        tag("div", {"class": "plots"}, strip, [drawn(chart, walls) for chart in charts], axis, tag("div", cursor)),
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
        "series": [
            {
                "label": f"{chart.title} {series.label}" if len(chart.series) > 1 else chart.title,
                "unit": chart.unit,
                "values": list(series.values),
            }
            for chart in charts
            for series in chart.series
        ],
        "jumps": [[jump["frame"], jump["tc"], jump["shot"], jump["text"]] for jump in jumps_of(content)],
    }
