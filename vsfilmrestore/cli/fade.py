"""``vsfilmrestore fade``: how far the dyes of each reel have faded, and one profile for all its shots."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.detect import detection_watcher
from vsfilmrestore.cli.show import say, show_table
from vsfilmrestore.cli.tables import print_json
from vsfilmrestore.errors import UsageError
from vsfilmrestore.filters._fade_export import cdl_text, cube_text, fitted_decision
from vsfilmrestore.filters._fade_help import matched, with_greys
from vsfilmrestore.media.out.atomic import atomic_text
from vsfilmrestore.render.guard import refuse_overwriting
from vsfilmrestore.render.job import named_sources, open_project, open_reel
from vsfilmrestore.render.reel import Reel
from vsfilmrestore.render.reel_fade import (
    FRAMES,
    MOST,
    Measured,
    Sharing,
    colour_at,
    look_of,
    measure_fade,
    with_profiles,
)

__all__ = ["command"]

_GREY = re.compile(r"\s*(\d+(?:\.\d+)?)(%?)\s*,\s*(\d+(?:\.\d+)?)(%?)\s*@\s*(\d+)\s*")


@o.takes_source
def command(
    source: o.InputPath,
    given: o.Given,
    by: Annotated[
        Sharing, typer.Option("--by", help="Which shots share a profile: those of one reel (or file), none, or all.")
    ] = Sharing.REEL,
    frames: Annotated[int, typer.Option("--frames", min=1, max=MOST, help="Frames of each reel to look at.")] = FRAMES,
    strength: Annotated[float, typer.Option("--strength", min=0.0, max=1.0, help="Share that shots are given.")] = 1.0,
    force: Annotated[bool, typer.Option("--force", help="Use profiles where there is doubt, too.")] = False,
    reference: Annotated[
        Path | None, typer.Option("--reference", help="Picture whose colours the film is to have: a good print of it.")
    ] = None,
    grey: Annotated[
        list[str] | None,
        typer.Option("--grey", metavar="X,Y@FRAME", help="A place known to be grey, in pixels or %. May be repeated."),
    ] = None,
    cube: Annotated[Path | None, typer.Option("--cube", help="Write the profile as a table of 33^3 colours.")] = None,
    cdl: Annotated[Path | None, typer.Option("--cdl", help="Write the nearest ASC CDL (.cdl or .ccc).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what was measured and write no settings.")] = False,
    project: o.ProjectFolder = None,
    json: o.Json = False,
) -> int:
    """Measure faded dyes over each reel and give all its shots the same profile, so that no cut shows.

    Profiles are written into the project as settings of the shots (fade and fade.profile). Reels that have not faded,
    that tell too little, or whose cast may be wanted (night, tints, drawings) are left, with the reason.
    """
    opened = open_project(source, project, given, save=False)
    for output in (cube, cdl):
        if output is not None:
            refuse_overwriting(output, None, named_sources(opened))
    reel = open_reel(opened, watch=detection_watcher(), save=not dry_run)
    measured = measure_fade(reel, by, frames=frames)
    if reference is not None:
        look = look_of(reference)
        measured = [each.with_profile(matched(each.looks, look)) for each in measured]
    measured = _helped(reel, measured, grey or [])
    if force:
        measured = [each.with_profile(each.found.profile) for each in measured]
    used = [each for each in measured if each.used]
    _write_tables(cube, cdl, used)
    if not dry_run:
        with_profiles(opened, reel, measured, strength).save()
    _print(measured, as_json=json)
    return 0


def _helped(reel: Reel, measured: list[Measured], words: list[str]) -> list[Measured]:
    """The profiles with the greys that were picked made grey."""
    picked: dict[int, list[np.ndarray]] = {}
    for word in words:
        index, colour = _picked(reel, word)
        for place, group in enumerate(measured):
            if index in group.shots:
                picked.setdefault(place, []).append(colour)
    return [
        each.with_profile(with_greys(each.found.profile, picked[place])) if place in picked else each
        for place, each in enumerate(measured)
    ]


def _picked(reel: Reel, word: str) -> tuple[int, np.ndarray]:
    found = _GREY.fullmatch(word)
    if found is None:
        raise UsageError(f"--grey is a place and a frame, not '{word}'", hint="Write it as --grey 960,540@120")
    clip = reel.source()
    places = []
    for value, share, side in ((found[1], found[2], clip.width), (found[3], found[4], clip.height)):
        place = float(value) / 100 if share else float(value) / max(side - 1, 1)
        if place > 1:
            raise UsageError(f"--grey {word} lies outside the picture of {clip.width}x{clip.height}")
        places.append(place)
    return colour_at(reel, int(found[5]), *places)


def _write_tables(cube: Path | None, cdl: Path | None, used: list[Measured]) -> None:
    """Tables for the grade: one file of a cube for each profile, one CDL with all of them."""
    if not used and (cube or cdl):
        raise UsageError("nothing was found to correct, so there is no table to write", hint="--force writes one")
    if cube is not None:
        for each in used:
            path = cube if len(used) == 1 else cube.with_stem(f"{cube.stem}_{_safe(each.name)}")
            atomic_text(path, cube_text(each.found.profile, f"fade of {each.name}"))
    if cdl is not None:
        found = {
            _safe(each.name): fitted_decision(
                each.found.profile, np.concatenate([x.reshape(-1, 3) for x in each.looks])
            )
            for each in used
        }
        atomic_text(cdl, cdl_text(found, collection=cdl.suffix.lower() == ".ccc"))


def _safe(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)


def _print(measured: list[Measured], *, as_json: bool) -> None:
    if as_json:
        print_json({"fade": [_facts(each) for each in measured]})
        return
    if not measured:
        say("There are no colour pictures to measure.")
        return
    rows = []
    for each in measured:
        found = each.found
        lost = " / ".join(f"{amount:.0%}" for amount in found.amounts)
        reason = "used: a person helped" if each.helped else found.reason
        rows.append([each.name, str(len(each.shots)), str(found.frames), lost, f"{found.delta_e:.1f}",
                     f"{found.confidence:.2f}", reason])  # fmt: skip
    show_table("Fade", ["reel", "shots", "frames", "dye lost C / M / Y", "ΔE00", "trust", "what is done"], rows)


def _facts(each: Measured) -> dict[str, object]:
    found = each.found
    return {
        "name": each.name,
        "shots": len(each.shots),
        "frames": found.frames,
        "used": each.used,
        "lost": dict(zip(("cyan", "magenta", "yellow"), (round(x, 3) for x in found.amounts), strict=True)),
        "delta_e": round(found.delta_e, 2),
        "error": round(found.error, 2),
        "confidence": round(found.confidence, 3),
        "intent": found.intent,
        "reason": found.reason,
        "profile": found.profile.text if each.used else "",
    }
