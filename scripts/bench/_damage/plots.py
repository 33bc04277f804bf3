"""Records as plots: small SVG files, drawn without a library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

from .runs import JOBS, Record, pooled
from .scores import psnr
from .tables import edges_said, of, pieces_by_bin, sweep_of, unique
from .truth import MOVES, SIZES

__all__ = ["job_plots"]

_COLOURS = {
    "input": ("#999999",),
    "classical": ("#6baed6", "#2171b5", "#08306b", "#41ab5d"),
    "ours": ("#d94801", "#a50f15", "#fd8d3c", "#7a0177"),
    "oracle": ("#111111",),
}
_LEFT, _TOP, _LINE = 70, 34, 18


class _Drawing:
    """Shapes one after the other, on white."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.width, self.height = width, height
        self.parts = [f'<rect width="{width}" height="{height}" fill="#ffffff"/>']
        self.text(8, 18, title, size=13, weight="bold")

    def text(self, x: float, y: float, words: str, *, anchor: str = "start", size: int = 11, weight: str = "normal",
             fill: str = "#222222") -> None:  # fmt: skip
        """Words with their baseline at y."""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" '
            f'fill="{fill}">{escape(words)}</text>'
        )

    def line(self, points: Sequence[tuple[float, float]], stroke: str = "#dddddd", width: float = 1.0) -> None:
        """A line through points."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{stroke}" stroke-width="{width}"/>')

    def dot(self, x: float, y: float, fill: str, radius: float = 4.0) -> None:
        """A disc."""
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}" fill-opacity="0.85"/>')

    def bar(self, x: float, y: float, width: float, height: float, fill: str) -> None:
        """A filled rectangle."""
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"/>')

    def legend(self, entries: Sequence[tuple[str, str]], x: float, y: float) -> None:
        """Names and colours, one below the other."""
        for n, (name, colour) in enumerate(entries):
            self.dot(x, y + n * _LINE - 4, colour)
            self.text(x + 10, y + n * _LINE, name)

    def save(self, path: Path) -> None:
        """Write the file."""
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
        head += f'width="{self.width}" height="{self.height}" font-family="sans-serif">'
        path.write_text("\n".join([head, *self.parts, "</svg>\n"]), encoding="utf-8")


def job_plots(name: str, records: Sequence[Record], folder: Path) -> None:
    """All plots of a job: ``NAME-clips.svg``, and where there are sweeps ``NAME-recall.svg`` and ``NAME-bins.svg``."""
    colours = _colours(records)
    _clips(name, records, colours).save(folder / f"{name}-clips.svg")
    finders = [m for m in colours if any(r.curve for r in of(records, method=m))]
    if finders:
        _recall(name, records, {m: colours[m] for m in finders}).save(folder / f"{name}-recall.svg")
        _bins(name, records, {m: colours[m] for m in finders}).save(folder / f"{name}-bins.svg")


def _colours(records: Sequence[Record]) -> dict[str, str]:
    found: dict[str, str] = {}
    used: dict[str, int] = {}
    for method, group in unique((r.method, r.group) for r in records):
        choice = _COLOURS[group]
        found[method] = choice[used.setdefault(group, 0) % len(choice)]
        used[group] += 1
    return found


def _clips(name: str, records: Sequence[Record], colours: dict[str, str]) -> _Drawing:
    """Each clip a line, each method a dot at its PSNR."""
    region = "in" if JOBS[name].lost else ""
    clips = unique(r.clip for r in records)
    levels = {c: {m: psnr(pooled(of(records, clip=c, method=m)), region) for m in colours} for c in clips}
    finite = [v for each in levels.values() for v in each.values() if math.isfinite(v)]
    low, high = math.floor(min(finite) / 5) * 5, math.ceil(max(finite) / 5) * 5 or 1
    height = max(_TOP + 26 * len(clips) + 34, _TOP + _LINE * len(colours) + 20)
    drawing = _Drawing(760, height, f"{JOBS[name].title}: luma PSNR of whole frames, dB")
    right, bottom = 570, _TOP + 26 * len(clips)

    def at(value: float) -> float:
        return _LEFT + (min(value, high) - low) / max(high - low, 1) * (right - _LEFT)

    for tick in range(low, high + 1, 5):
        drawing.line([(at(tick), _TOP), (at(tick), bottom)])
        drawing.text(at(tick), bottom + 16, str(tick), anchor="middle")
    for n, clip in enumerate(clips):
        y = _TOP + 26 * n + 13
        drawing.line([(_LEFT, y), (right, y)])
        drawing.text(_LEFT - 8, y + 4, clip, anchor="end")
        for method, value in levels[clip].items():
            if not math.isnan(value):
                drawing.dot(at(value), y, colours[method])
    drawing.legend(list(colours.items()), right + 24, _TOP + 12)
    return drawing


def _recall(name: str, records: Sequence[Record], colours: dict[str, str]) -> _Drawing:
    """Recall of pieces over false pieces a frame, strength by strength; false pieces on a logarithmic axis."""
    drawing = _Drawing(760, 300, f"{JOBS[name].title}: share of pieces found, over false pieces a frame")
    right, bottom = 570, 260
    low, high = -2.0, 4.0

    def at(false: float, recall: float) -> tuple[float, float]:
        place = (math.log10(max(false, 10**low)) - low) / (high - low)
        return _LEFT + min(place, 1) * (right - _LEFT), bottom - recall * (bottom - _TOP)

    for power in range(int(low), int(high) + 1):
        x = at(10.0**power, 0)[0]
        drawing.line([(x, _TOP), (x, bottom)], "#bbbbbb" if power == 0 else "#dddddd")
        drawing.text(x, bottom + 16, f"{10.0**power:g}", anchor="middle")
    for tenth in range(0, 11, 2):
        y = at(1, tenth / 10)[1]
        drawing.line([(_LEFT, y), (right, y)])
        drawing.text(_LEFT - 8, y + 4, f"{tenth / 10:g}", anchor="end")
    for method, colour in colours.items():
        points = [at(*point) for point in sweep_of(of(records, method=method)) if not math.isnan(point[1])]
        drawing.line(points, colour, 2)
        for point in points:
            drawing.dot(*point, colour, 3)
    drawing.legend(list(colours.items()), right + 24, _TOP + 12)
    return drawing


def _bins(name: str, records: Sequence[Record], colours: dict[str, str]) -> _Drawing:
    """Recall of pieces by size and by motion, a bar for each method."""
    drawing = _Drawing(760, 260, f"{JOBS[name].title}: share of pieces found, by area and by motion of the picture")
    bottom, right = 210, 570
    heads = [*edges_said(SIZES), *edges_said(MOVES)]
    step = (right - _LEFT) / len(heads)
    width = step * 0.8 / len(colours)
    for fifth in range(6):
        y = bottom - fifth / 5 * (bottom - _TOP)
        drawing.line([(_LEFT, y), (right, y)])
        drawing.text(_LEFT - 8, y + 4, f"{fifth / 5:g}", anchor="end")
    for k, head in enumerate(heads):
        drawing.text(_LEFT + (k + 0.45) * step, bottom + 16, head, anchor="middle")
    for n, (method, colour) in enumerate(colours.items()):
        tally = pooled(of(records, method=method))
        values = pieces_by_bin(tally, "size", len(SIZES) + 1) + pieces_by_bin(tally, "motion", len(MOVES) + 1)
        for k, (_, recall) in enumerate(values):
            if not math.isnan(recall):
                tall = recall * (bottom - _TOP)
                drawing.bar(_LEFT + k * step + n * width, bottom - tall, width, tall, colour)
    drawing.text(_LEFT, bottom + 36, "pixels of area")
    drawing.text(_LEFT + (len(SIZES) + 1) * step, bottom + 36, "pixels moved from frame to frame")
    between = _LEFT + (len(SIZES) + 0.95) * step
    drawing.line([(between, _TOP), (between, bottom)], "#888888")
    drawing.legend(list(colours.items()), right + 24, _TOP + 12)
    return drawing
