"""Curves of a reel as inline SVG, one below the other, over bands of the shots. Colours are the page's."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vsfilmrestore.render.report.markup import Markup, tag

__all__ = ["BINS", "Chart", "Series", "drawn", "shot_strip", "spark"]

BINS: Final = 600
"""Places along the reel at most; each stands for as many frames as it takes."""
_HEIGHT: Final = 60
_SPARK: Final = 80
_NAMED: Final = 7.0
"""Per cent of the width from which on a shot has room for its name."""

type Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Series:
    """One curve.

    Attributes:
        label: What it is of.
        values: One for each place; None breaks the curve.
        css: Class that gives it its colour.
        area: Whether the room below it is filled.
    """

    label: str
    values: Values
    css: str
    area: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves over one scale.

    Attributes:
        title: What is measured.
        unit: Its unit.
        series: The curves.
        note: How it was measured.
        zero: Whether the scale begins at 0, whatever the least value is.
    """

    title: str
    unit: str
    series: tuple[Series, ...]
    note: str = ""
    zero: bool = True

    @property
    def scale(self) -> tuple[float, float]:
        """Least and largest value of the scale."""
        known = [value for series in self.series for value in series.values if value is not None]
        low, high = min(known, default=0.0), max(known, default=1.0)
        low = min(low, 0.0) if self.zero else low
        return (low, high) if high > low else (low, low + 1.0)


def drawn(chart: Chart, walls: Sequence[float]) -> Markup:
    """A chart with its caption; ``walls`` are where shots begin, as shares of the reel."""
    low, high = chart.scale
    bins = max(len(series.values) for series in chart.series)
    paths = [
        tag("path", {"class": f"curve {s.css}{' area' if s.area else ''}", "d": _path(s, low, high)})
        for s in chart.series
    ]
    words = ", ".join(series.label for series in chart.series)
    picture = tag(
        "svg",
        {"viewBox": f"0 0 {bins} {_HEIGHT}", "preserveAspectRatio": "none", "role": "img"},
        tag("title", {}, f"{chart.title}: {words}; {_short(low)} to {_short(high)} {chart.unit}"),
        _bands(walls, bins),
        paths,
    )
    legend = [
        tag("span", {"class": f"key {each.css}"}, each.label, " ", tag("span", {"class": "value"}))
        for each in chart.series
    ]
    unit = tag("span", {"class": "unit"}, f" {chart.unit}") if chart.unit else None
    return tag(
        "figure",
        {"class": "chart"},
        tag(
            "figcaption",
            {},
            tag("b", {}, chart.title, unit),
            tag("small", {}, chart.note) if chart.note else None,
            legend,
        ),
        tag("div", {"class": "plot"}, picture),
        tag("div", {"class": "scale"}, tag("span", {}, _short(high)), tag("span", {}, _short(low))),
    )


def _bands(walls: Sequence[float], bins: int) -> list[Markup]:
    edges = [*walls, 1.0]
    return [
        tag(
            "rect",
            {"class": "band", "x": f"{a * bins:.2f}", "y": 0, "width": f"{(b - a) * bins:.2f}", "height": _HEIGHT},
        )
        for n, (a, b) in enumerate(itertools.pairwise(edges))
        if n % 2
    ]


def _path(series: Series, low: float, high: float) -> str:
    """Steps from place to place: what one place tells is not spread over its neighbours."""
    words: list[str] = []
    open_ = False
    for n, value in enumerate(series.values):
        if value is None:
            words += [f"V{_HEIGHT}"] if open_ and series.area else []
            open_ = False
            continue
        y = f"{(_HEIGHT - 1) * (high - value) / (high - low) + 0.5:.1f}"
        if not open_:
            words.append(f"M{n} {_HEIGHT}V{y}" if series.area else f"M{n} {y}")
        else:
            words.append(f"V{y}")
        words.append(f"H{n + 1}")
        open_ = True
    return "".join([*words, f"V{_HEIGHT}" if open_ and series.area else ""])


def shot_strip(names: Sequence[str], anchors: Sequence[str], walls: Sequence[float]) -> Markup:
    """A strip with a link to each shot; those with room for it bear their names."""
    edges = [*walls, 1.0]
    links = []
    for n, (a, b) in enumerate(itertools.pairwise(edges)):
        room = 100 * (b - a)
        box = {"class": "shot", "x": f"{100 * a:.3f}%", "y": 0, "width": f"{room:.3f}%", "height": "100%"}
        shown = (
            tag(
                "svg",
                {"x": box["x"], "y": 0, "width": box["width"], "height": "100%"},
                tag("text", {"x": 6, "y": 16}, _fitting(names[n], room)),
            )
            if room >= _NAMED
            else None
        )
        links.append(
            tag(
                "a",
                {"href": f"#{anchors[n]}", "tabindex": "-1" if len(names) > 40 else None},
                tag("title", {}, names[n]),
                tag("rect", box),
                shown,
            )
        )
    return tag("svg", {"class": "shots", "role": "group", "aria-label": "Shots"}, links)


def _fitting(name: str, room: float) -> str:
    most = max(3, int(room * 1.1))
    return name if len(name) <= most else f"{name[: most - 1]}…"


def spark(heights: Sequence[float], label: str) -> Markup:
    """A small curve for a row of a table."""
    share = max(1, -(-len(heights) // _SPARK))
    highest = [max(heights[n : n + share]) for n in range(0, len(heights), share)]
    top = max(highest, default=0) or 1
    path = "".join(f"M{n + 0.5} 16v{-15 * height / top:.1f}" for n, height in enumerate(highest) if height)
    box = f"0 0 {len(highest)} 16"
    return tag(
        "svg",
        {"class": "spark", "viewBox": box, "preserveAspectRatio": "none", "role": "img"},
        tag("title", {}, label),
        tag("path", {"d": path}),
    )


def _short(value: float) -> str:
    return f"{value:.3g}"
