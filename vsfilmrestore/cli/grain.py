"""``vsfilmrestore grain``: what the grain of each shot is like, kept in the project."""

from __future__ import annotations

from typing import Annotated

import typer

from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.detect import detection_watcher
from vsfilmrestore.cli.show import say, show_table
from vsfilmrestore.cli.tables import print_json
from vsfilmrestore.filters._noise import KNOTS
from vsfilmrestore.render.job import open_project, open_reel
from vsfilmrestore.render.reel_grain import ShotGrain, measure_reel_grain, with_signatures, write_grain

__all__ = ["command"]


@o.takes_source
def command(
    source: o.InputPath,
    given: o.Given,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what was measured and write nothing.")] = False,
    project: o.ProjectFolder = None,
    json: o.Json = False,
) -> int:
    """Measure the grain of each shot: its strength over brightness, its spectrum, how the colours go together.

    Signatures are written into the project (grain.toml). Shots whose recipe gives grain back get them as a setting, so
    that they end with the grain they had.
    """
    opened = open_project(source, project, given, save=False)
    reel = open_reel(opened, watch=detection_watcher(), save=not dry_run)
    measured = measure_reel_grain(reel)
    if not dry_run and measured:
        with_signatures(opened, measured).save()
        write_grain(opened.folder, measured)
    _print(measured, as_json=json)
    return 0


def _print(measured: list[ShotGrain], *, as_json: bool) -> None:
    if as_json:
        print_json({"grain": [_facts(each) for each in measured]})
        return
    if not measured:
        say("There are no two frames of one shot to measure grain in.")
        return
    rows = []
    for each in measured:
        found = each.signature
        curve = " ".join(f"{value:.1f}" for value in found.curve)
        spectrum = " ".join(f"{value:.2g}" for value in found.base.spectrum)
        rows.append([each.name, f"{found.sigma:.1f}", f"{found.size:.2f}", curve, spectrum])
    levels = " ".join(f"{knot:g}" for knot in KNOTS)
    show_table("Grain", ["shot", "levels", "size, px", f"levels at {levels}", "power, coarse to fine"], rows)


def _facts(each: ShotGrain) -> dict[str, object]:
    found = each.signature
    return {
        "shot": each.name,
        "sigma": round(found.sigma, 2),
        "size": round(found.size, 2),
        "curve": [round(value, 2) for value in found.curve],
        "spectrum": [round(value, 3) for value in found.base.spectrum],
        "signature": found.to_text(),
    }
