"""How long it takes to plan a long cut: a list of 3,000 events read, its markers joined, every shot decided.

    python scripts/bench/timelines.py
    python scripts/bench/timelines.py --events 3000 --repeat 5 --list cut.edl --markers markers.csv

The list is written here (dissolves, speeds, comments, settings, locators, 6-digit events, long reel names) unless
one is given; the same cut is then written in the other formats, and planned from these. Times are of the processor,
each step the best of some runs; exit code 1 if reading, joining and deciding take more than ``--limit`` seconds
together in any format but AAF, whose library alone takes longer to find its objects.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from vsfilmrestore import timeline
from vsfilmrestore.media.timecode import format_timecode
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.decide import decide
from vsfilmrestore.timeline import write
from vsfilmrestore.timeline.writer import WRITERS

RATE = Fraction(24)
HOUR = 86_400
LENGTH = 60


def event(i: int) -> str:
    """An event with all that features have below theirs; every tenth fades in, every seventh has a speed."""
    at = [format_timecode(HOUR + (i + step) * LENGTH, RATE) for step in (0, 1)]
    speed = 2 if i % 7 == 3 else 1
    first = (i * 977) % 2_000_000
    source = [format_timecode(n, RATE) for n in (first, first + LENGTH * speed)]
    reel = f"A{i % 300:03d}C{i % 17:03d}_230{i % 10}1_R1BY"
    head = f"{i:06d}  {reel:32} V     "
    lines = []
    if i % 10 == 5:
        before = f"{i:06d}  {f'A{(i - 1) % 300:03d}C000_LONG':32} V     "
        lines.append(f"{before}C        {source[0]} {source[0]} {at[0]} {at[0]}")
        lines.append(f"{head}D    012 {source[0]} {source[1]} {at[0]} {at[1]}")
    else:
        lines.append(f"{head}C        {source[0]} {source[1]} {at[0]} {at[1]}")
    if speed != 1:
        lines.append(f"M2   {reel}       048.0                {source[0]}")
    lines += [f"* FROM CLIP NAME:  SC {i} TK 1", f"* TO CLIP NAME:  SC {i} TK 2", f"* SOURCE FILE: {reel}.MXF"]
    lines += ["*ASC_SOP (1.1 1.0 1.0)(0.0 0.0 0.0)(1.0 1.0 1.0)", "*ASC_SAT 0.9"]
    if i % 3 == 0:
        lines.append(f"* COMMENT: VSFR archive dust=0.{1 + i % 8}")
    if i % 5 == 0:
        lines.append(f"* LOC: {at[0]} RED     VSFR stab=0.{1 + i % 8}")
    return "\n".join(lines)


def write_list(path: Path, events: int) -> None:
    """A cut list of many events."""
    body = "\n".join(event(i) for i in range(1, events + 1))
    path.write_text(f"TITLE: LONG\nFCM: NON-DROP FRAME\n{body}\n", encoding="utf-8")


def write_markers(path: Path, events: int) -> None:
    """A table of markers, one for each fourth event."""
    rows = (
        f"{format_timecode(HOUR + i * LENGTH + 5, RATE)},12,m{i},VSFR scratch=0.{1 + i % 8},Red"
        for i in range(1, events, 4)
    )
    path.write_text("timecode,duration,name,note,colour\n" + "\n".join(rows) + "\n", encoding="utf-8")


def best[T](work: Callable[[], T], repeat: int) -> tuple[float, T]:
    """Shortest processor time of some runs, and the result of the last."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        result = work()
        times.append(time.process_time() - start)
    return min(times), result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=3000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--limit", type=float, default=2.0, help="seconds")
    parser.add_argument("--formats", nargs="*", default=[".edl", *(s for s in WRITERS if s != ".edl")])
    parser.add_argument("--list", type=Path, help="a cut list of your own")
    parser.add_argument("--markers", type=Path, help="a marker list of your own")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cut, marks = options.list or Path(folder, "long.edl"), options.markers
        if options.list is None:
            write_list(cut, options.events)
            marks = marks or Path(folder, "markers.csv")
            write_markers(marks, options.events)
        rate = RATE if options.list is None else None
        reel = timeline.read(cut, rate=rate)
        print(f"{'format':8}{'written':>9}{'read':>9}{'joined':>9}{'decided':>9}{'planned':>9}{'shots':>8}{'notes':>8}")
        slow = False
        for suffix in options.formats:
            path, writing = cut, 0.0
            if suffix != cut.suffix.lower():
                path = Path(folder, f"again{suffix}")
                writing, _ = best(lambda path=path: write(reel, path), 1)
            planned = row(path, writing, rate, marks, options.repeat)
            slow |= planned > options.limit and suffix != ".aaf"
    print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB")
    return int(slow)


def row(path: Path, writing: float, rate: Fraction | None, marks: Path | None, repeat: int) -> float:
    """Plan one file and print its line; seconds it took."""
    recipe = Recipe.preset("archive")
    reading, _ = best(lambda: timeline.read(path, rate=rate), repeat)
    joining, reel = best(lambda: timeline.read(path, rate=rate, markers=marks), repeat)
    deciding, _ = best(lambda: decide(reel, recipe), repeat)
    times = "".join(f"{each:>8.2f}s" for each in (writing, reading, joining, deciding, joining + deciding))
    notes = sum(len(shot.notes) for shot in reel.shots)
    print(f"{path.suffix:8}{times}{len(reel.shots):>8}{notes:>8}", flush=True)
    return joining + deciding


if __name__ == "__main__":
    sys.exit(main())
