"""Records as tables in Markdown."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence

from .runs import BITS, JOBS, Record, pooled
from .scores import Tally, precision, psnr, ratio, recall_at, ssim, way
from .truth import MOVES, SIZES

__all__ = ["RENDERERS", "job_tables", "pieces_by_bin", "short_tables", "standing", "sweep_of"]

TWO_THIRDS = 2 / 3


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the first column is text, the others are numbers."""
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def unique[T](values: Iterable[T]) -> list[T]:
    """Each once, in the order of coming."""
    return list(dict.fromkeys(values))


def of(records: Iterable[Record], **wanted: str) -> list[Record]:
    """Those whose fields are these."""
    return [r for r in records if all(getattr(r, key) == value for key, value in wanted.items())]


def db(value: float) -> str:
    """Decibels."""
    return "" if math.isnan(value) else "same" if math.isinf(value) else f"{value:.1f}"


def share(value: float) -> str:
    """A ratio from 0 to 1."""
    return "" if math.isnan(value) else f"{value:.2f}"


# --- one job --------------------------------------------------------------------------------------------------------


def job_tables(name: str, records: Sequence[Record]) -> str:
    """All tables of a job that has damage: clip by clip, by region, what was found, by size and motion."""
    job = JOBS[name]
    parts = [f"### {job.title}\n", clips_table(records), regions_table(records), found_table(records)]
    if not job.lost:
        parts.append(bins_table(records))
    return "\n".join(part for part in parts if part)


def short_tables(name: str, records: Sequence[Record]) -> str:
    """Clip by clip, and what was found: what a page of documentation has room for."""
    parts = [f"### {JOBS[name].title}\n", clips_table(records), found_table(records, said=False)]
    return "\n".join(part for part in parts if part)


def clips_table(records: Sequence[Record]) -> str:
    """Luma PSNR of whole frames, clip by clip; behind ours, how far it is from the best usual filter to the oracle."""
    methods = unique((r.method, r.group) for r in records)
    region = "in" if _whole_frames(records) else ""
    rows = []
    for clip in unique(r.clip for r in records):
        levels = {m: psnr(pooled(of(records, clip=clip, method=m)), region) for m, _ in methods}
        damage = of(records, clip=clip, method=methods[0][0])
        amount = f"{sum(r.share for r in damage) / len(damage):.2%}"
        rows.append([clip, amount, *(_cell(m, g, levels, methods) for m, g in methods)])
    heads = ["clip", "damaged", *(f"**{m}**" if g == "ours" else m for m, g in methods)]
    what = "of the lost frames" if region else "of whole frames"
    said = f"Luma PSNR {what} in dB. {_verdict(records)}\n\n"
    return said + table(heads, rows)


def _whole_frames(records: Sequence[Record]) -> bool:
    """Lost frames are measured alone: the others are the same anyway."""
    return JOBS[records[0].job].lost


def _cell(method: str, group: str, levels: dict[str, float], methods: Sequence[tuple[str, str]]) -> str:
    text = db(levels[method])
    if group != "ours":
        return text
    fails = levels[method] < levels[methods[0][0]]
    parts = [_way_of(method, levels, methods, k) for k in range(max(sum(g == "oracle" for _, g in methods), 1))]
    ways = " / ".join(f"{part:+.2f}" for part in parts if part is not None)
    note = f" ({ways}{_from_input(method, levels, methods)})" if ways else ""
    return f"**{text}**{note}" + (" below the input" if fails else "")


def _from_input(method: str, levels: dict[str, float], methods: Sequence[tuple[str, str]]) -> str:
    """Where every usual filter does worse than nothing, the way from the input says more."""
    oracle = [levels[m] for m, g in methods if g == "oracle"]
    start = levels[methods[0][0]]
    if not oracle or start <= max(levels[m] for m, g in methods if g == "classical"):
        return ""
    return f"; {way(levels[method], start, oracle[0]):+.2f} from the input"


def _way_of(method: str, levels: dict[str, float], methods: Sequence[tuple[str, str]], number: int = 0) -> float | None:
    """The share of the way, or of lost frames, where nobody knows the truth, the lead in dB over the best usual."""
    classical = [levels[m] for m, g in methods if g == "classical"]
    oracle = [levels[m] for m, g in methods if g == "oracle"]
    if not classical:
        return None
    return way(levels[method], max(classical), oracle[number]) if oracle else levels[method] - max(classical)


def standing(records: Sequence[Record]) -> dict[str, tuple[int, int, int]]:
    """Of each of our methods: clips on which it is not below the input, on which it goes two thirds, all clips.

    Of lost frames the second is how often it is better than the best usual way.
    """
    methods = unique((r.method, r.group) for r in records)
    region = "in" if _whole_frames(records) else ""
    clips = unique(r.clip for r in records)
    out = {}
    for name in (m for m, g in methods if g == "ours"):
        above = met = 0
        for clip in clips:
            levels = {m: psnr(pooled(of(records, clip=clip, method=m)), region) for m, _ in methods}
            part = _way_of(name, levels, methods)
            needed = TWO_THIRDS if any(g == "oracle" for _, g in methods) else 0.0
            above += levels[name] >= levels[methods[0][0]]
            met += part is not None and part >= needed
        out[name] = above, met, len(clips)
    return out


def _verdict(records: Sequence[Record]) -> str:
    if not any(r.group == "classical" for r in records):
        return " ".join(
            f"{name}: never below the input {_met(n, all_)}." for name, (n, _, all_) in standing(records).items()
        )
    oracle = any(r.group == "oracle" for r in records)
    goal = "two thirds of the way or more" if oracle else "better than the best of the others"
    behind = (
        "In brackets: the way from the best usual filter to the oracle (also from the input where that is better)."
        if oracle
        else "In brackets: the lead in dB over the best usual way."
    )
    said = [
        f"{name}: never below the input {_met(above, count)}, {goal} {_met(met, count)}."
        for name, (above, met, count) in standing(records).items()
    ]
    return " ".join([behind, *said])


def _met(number: int, count: int) -> str:
    return f"on {number} of {count} clips"


def regions_table(records: Sequence[Record]) -> str:
    """Inside of damage, in the ring around it, and farther away; all clips together."""
    rows = []
    for method in unique(r.method for r in records):
        tally = pooled(of(records, method=method))
        levels = [db(psnr(tally, region)) for region in ("", "in", "ring", "out")]
        rows.append([method, *levels, *(f"{ssim(tally, region):.3f}" for region in ("in", "ring", "out"))])
    heads = ["all clips", "PSNR whole", "inside", "ring", "outside", "SSIM inside", "ring", "outside"]
    return table(heads, [[cell.replace("nan", "") for cell in row] for row in rows])


# --- what was found -------------------------------------------------------------------------------------------------


def _classes(tally: Tally) -> list[str]:
    return [key.removeprefix("blobs found ") for key in tally if key.startswith("blobs found ")]


def found_table(records: Sequence[Record], said: bool = True) -> str:
    """Precision, recall of each class by pixels, pieces and frames; recall at one false piece a frame."""
    finders = [m for m, g in unique((r.method, r.group) for r in records) if g in ("classical", "ours")]
    all_classes = unique(name for r in records for name in _classes(r.tally))
    if JOBS[records[0].job].lost:
        finders = [m for m, g in unique((r.method, r.group) for r in records) if g == "ours"]
    rows = []
    strands = int(max((pooled(of(records, method=method))["strands"] for method in finders), default=0))
    for method in finders:
        mine = of(records, method=method)
        tally = pooled(mine)
        by_pixel, by_piece = precision(tally)
        row = [method, f"{share(by_pixel)} / {share(by_piece)}", f"{ratio(tally['false pieces'], tally['frames']):.2f}"]
        for name in all_classes:
            parts = [ratio(tally[f"{what} found {name}"], tally[f"{what} {name}"]) for what in _UNITS]
            at_one = _recall_at_one(mine, name)
            row.append(" / ".join(share(part) for part in parts) + (f" ({at_one})" if at_one else ""))
        row += [share(ratio(tally["strands found"], tally["strands"]))] if strands else []
        rows.append(row)
    if not rows:
        return ""
    words = "Precision by pixels / pieces. Recall of each class by pixels / pieces / frames of which half was found; "
    words += "in brackets, of pieces, at the strength that brings one false piece a frame.\n\n"
    heads = ["found", "precision", "false pieces a frame", *all_classes]
    heads += [f"visible wires, half the length ({strands} to be found)"] if strands else []
    return (words if said else "") + table(heads, rows)


_UNITS = ("pixels", "blobs", "frames")


def sweep_of(records: Sequence[Record], name: str = "") -> list[tuple[float, float]]:
    """False pieces a frame and recall of pieces at each strength, all clips together; of one class or of all."""
    points: dict[float, Tally] = {}
    for record in records:
        for at, tally in record.curve:
            points.setdefault(at, type(tally)()).update(tally)
    out = []
    for tally in points.values():
        names = [name] if name else _classes(tally)
        found, there = (sum(tally[f"{what} {each}"] for each in names) for what in ("blobs found", "blobs"))
        out.append((ratio(tally["false pieces"], tally["frames"]), ratio(found, there)))
    return sorted(out)


def _recall_at_one(records: Sequence[Record], name: str) -> str:
    curve = sweep_of(records, name)
    return share(recall_at(curve)) if curve else ""


def pieces_by_bin(tally: Tally, head: str, count: int) -> list[tuple[int, float]]:
    """For each bin of ``size`` or ``motion``: how many pieces there are, and the share that was found."""
    out = []
    for k in range(count):
        there = sum(tally[f"{head} {k} {name}"] for name in _classes(tally))
        found = sum(tally[f"{head} {k} found {name}"] for name in _classes(tally))
        out.append((int(there), ratio(found, there)))
    return out


def edges_said(edges: Sequence[float]) -> list[str]:
    """Bins in words."""
    middle = [f"{a:g}-{b:g}" for a, b in itertools.pairwise(edges)]
    return [f"to {edges[0]:g}", *middle, f"over {edges[-1]:g}"]


def bins_table(records: Sequence[Record]) -> str:
    """Recall of pieces by their size and by the motion of the picture there."""
    finders = [m for m, g in unique((r.method, r.group) for r in records) if g in ("classical", "ours")]
    heads = ["recall of pieces", *(f"{each} px" for each in edges_said(SIZES))]
    heads += [f"moves {each} px" for each in edges_said(MOVES)]
    rows, counts = [], ["pieces there"]
    for method in finders:
        tally = pooled(of(records, method=method))
        bins = pieces_by_bin(tally, "size", len(SIZES) + 1) + pieces_by_bin(tally, "motion", len(MOVES) + 1)
        rows.append([method, *(share(part) for _, part in bins)])
        counts = ["pieces there", *(str(count) for count, _ in bins)]
    return table(heads, [*rows, counts]) if rows else ""


# --- harm, bits, speed ----------------------------------------------------------------------------------------------


def harm_table(records: Sequence[Record]) -> str:
    """Share of pixels changed on clips without damage, and false repairs that are seen in 10,000 frames."""
    kinds = unique(r.kind for r in records)
    rows = []
    for method in unique(r.method for r in records):
        tallies = [pooled(of(records, method=method, kind=kind)) for kind in kinds]
        shares = [f"{ratio(t['changed'], t['pixels']):.4%}" for t in tallies]
        hard = pooled(r for r in of(records, method=method) if r.kind != "clean")
        seen = [f"{10_000 * ratio(t['false seen'], t['frames']):.0f}" for t in (tallies[0], hard)]
        worst = max(of(records, method=method), key=lambda r: ratio(r.tally["changed"], r.tally["pixels"]))
        most = ratio(worst.tally["changed"], worst.tally["pixels"])
        rows.append([method, *shares, *seen, f"{most:.4%} {worst.clip}, {worst.kind.removeprefix('hard ')}"])
    heads = ["changed by more than 2/255", *(kind.removeprefix("hard ") for kind in kinds)]
    heads += ["seen, clean", "seen, props", "worst"]
    said = "`seen`: false repairs of more than 20 pixels in 10,000 frames.\n\n"
    return "### Harm on clips without damage\n\n" + said + table(heads, rows)


def bits_table(records: Sequence[Record]) -> str:
    """Samples changed outside the masks, by depth."""
    rows = []
    for method in unique(r.method for r in records):
        tallies = [pooled(of(records, method=method, kind=str(bits))) for bits in BITS]
        rows.append([method, *(f"{t['leaks']:.0f} (masks {ratio(t['repaired'], t['pixels']):.2%})" for t in tallies)])
    heads = ["samples changed outside the masks", *(f"{bits} bit" for bits in BITS)]
    return "### Bits outside the masks\n\n" + table(heads, rows)


def speed_table(records: Sequence[Record]) -> str:
    """Frames per second, and as a share of SpotLess in the same run."""
    sizes = unique(r.kind for r in records)
    rows = []
    for method in unique(r.method for r in records):
        cells = []
        for size in sizes:
            rate, base = (_rate(of(records, method=name, kind=size)) for name in (method, "SpotLess"))
            cells.append(f"{rate:.2f} ({rate / base:.2f})")
        rows.append([method, *cells])
    return "### Speed\n\nFrames a second; in brackets, as a share of SpotLess.\n\n" + table(["", *sizes], rows)


def _rate(records: Sequence[Record]) -> float:
    total = pooled(records)
    return ratio(total["frames"], total["seconds"])


RENDERERS: dict[str, Callable[[Sequence[Record]], str]] = {
    "harm": harm_table,
    "bits": bits_table,
    "speed": speed_table,
}
"""Tables of jobs that have no damage to be found."""
