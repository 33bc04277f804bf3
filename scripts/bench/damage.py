"""Measure what the filters for damage find, repair and spoil, beside the usual methods and beside perfect knowledge.

    python scripts/bench/damage.py --footage FOLDER [JOB ...] [--out FOLDER] [--quick]

FOLDER holds ``clips/`` (any of the names in `_damage.footage.CLIPS`) and, for the shapes of real dirt,
``overlays/<class>/*.png``; without shapes, drawn ones are taken. Damage is simulated (docs/simulator.md) with values no
network was trained on; all numbers but those of speed follow from --seed. What is measured is told in docs/damage.md.

Tables go to standard output. With --out they are kept (``tables.md``, shorter in ``summary.md``) with all numbers
(``results.json``), plots (``*.svg``) and sheets of the best, the worst and the untouched (``sheet-*.jpg``); jobs that
ran earlier into the same folder stay. --tables makes tables and plots anew from there and measures nothing.

--quick takes short pieces of three clips, few strengths and few props: some minutes on one slow core.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
import vapoursynth as vs
from _damage.footage import CLIPS, WIDTH
from _damage.methods import read_variant
from _damage.plots import job_plots
from _damage.runs import JOBS, STRENGTHS, Options, Record, Said, checksum, read, run, run_bits, run_harm, write
from _damage.sheets import sheet
from _damage.speed import SIZES_TIMED, run_speed
from _damage.tables import RENDERERS, job_tables, short_tables
from simulator import PROPS

RUNNERS: dict[str, Callable[[Options, Said], Iterator[Record]]] = {
    **{name: partial(run, name) for name in JOBS},
    "harm": run_harm,
    "bits": run_bits,
    "speed": run_speed,
}

QUICK_CLIPS, QUICK_PROPS = ("london", "bunny", "juggle"), ("rain", "birds", "shiny")


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"{', '.join(RUNNERS)}; all when none is named")
    parser.add_argument("--footage", type=Path, help="folder with clips/ and overlays/")
    parser.add_argument("--out", type=Path, help="folder for tables, numbers, plots and sheets")
    parser.add_argument("--tables", action="store_true", help="measure nothing: make anew what --out holds")
    parser.add_argument("--quick", action="store_true", help="a short run; what is named besides counts")
    parser.add_argument("--clips", nargs="+", choices=CLIPS, help="all when not given")
    parser.add_argument("--frames", type=int, help="of each clip (20)")
    parser.add_argument("--width", type=int, help=f"clips are scaled down to it ({WIDTH})")
    parser.add_argument("--strengths", type=float, nargs="+", help=f"of the sweep ({STRENGTHS})")
    parser.add_argument("--props", nargs="+", choices=PROPS, help="of the clips without damage; all when not given")
    parser.add_argument("--rounds", type=int, help="cases of each clip where frames are lost (3)")
    parser.add_argument("--ageing", choices=("film", "none"), help="what else happens to film; each job has its own")
    parser.add_argument(
        "--variants", nargs="+", default=[], metavar="NAME=FILTER:SETTING=VALUE,...",
        help="more methods for the jobs of that filter: specks=remove_dirt:method=specks",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1)
    return parser


def options_of(given: argparse.Namespace) -> Options:
    """The defaults, those of --quick, and what was named."""
    options = Options(given.footage, seed=given.seed)
    if given.quick:
        options = replace(options, clips=QUICK_CLIPS, frames=8, width=400, strengths=(0.25, 1.0), rounds=1,
                          props=QUICK_PROPS)  # fmt: skip
    named = {name: getattr(given, name) for name in ("frames", "width", "rounds", "ageing") if getattr(given, name)}
    lists = {name: tuple(getattr(given, name)) for name in ("clips", "strengths", "props") if getattr(given, name)}
    return replace(options, **named, **lists, variants=tuple(map(read_variant, given.variants)))


def show(records: list[Record], of_job: Callable[[str, list[Record]], str] = job_tables) -> str:
    """All tables of some records, or the shorter ones."""
    parts = []
    for name in dict.fromkeys(record.job for record in records):
        mine = [record for record in records if record.job == name]
        parts.append(RENDERERS[name](mine) if name in RENDERERS else of_job(name, mine))
    return "\n".join(parts)


def keep(folder: Path, records: list[Record]) -> None:
    """Numbers, tables and plots."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "results.json", records)
    everything = read(folder / "results.json")
    (folder / "tables.md").write_text(show(everything), encoding="utf-8")
    (folder / "summary.md").write_text(show(everything, short_tables), encoding="utf-8")
    for name in dict.fromkeys(record.job for record in everything if record.job in JOBS):
        job_plots(name, [record for record in everything if record.job == name], folder)


def main() -> None:
    """Command line."""
    parser = arguments()
    given = parser.parse_args()
    if unknown := set(given.jobs) - set(RUNNERS):
        parser.error(f"unknown job {', '.join(sorted(unknown))}; there are {', '.join(RUNNERS)}")
    if given.tables:
        if not (given.out and (given.out / "results.json").exists()):
            parser.error("--tables needs --out with a results.json")
        keep(given.out, [])
        print(show(read(given.out / "results.json")))
        return
    if not given.footage:
        parser.error("--footage is needed")
    try:
        options = options_of(given)
    except ValueError as problem:
        parser.error(str(problem))
    vs.core.max_cache_size = 1024
    torch.set_num_threads(1)  # sums do not depend on the number of cores then
    for name in given.jobs or RUNNERS:
        measure(name, options, given)


def measure(name: str, options: Options, given: argparse.Namespace) -> None:
    """One job: its tables to standard output, all it made to --out."""
    start = time.monotonic()

    def said(what: str) -> None:
        print(f"\r{time.monotonic() - start:5.0f} s  {what}"[:78].ljust(78), end="", file=sys.stderr, flush=True)

    runner = RUNNERS[name]
    if name == "speed" and given.quick:
        runner = partial(run_speed, sizes=tuple(SIZES_TIMED)[:1])
    records = list(runner(options, said))
    print(f"\r{time.monotonic() - start:5.0f} s  {name}".ljust(79), file=sys.stderr)
    print(show(records), f"{name}: {checksum(records)}\n" if name != "speed" else "", sep="\n", flush=True)
    if given.out:
        keep(given.out, records)
        if name in JOBS and not JOBS[name].lost:
            sheet(name, options, given.out / f"sheet-{name}.jpg")


if __name__ == "__main__":
    main()
