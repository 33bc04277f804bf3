"""``vsfilmrestore preview``: a look before the long run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.detect import detection_watcher
from vsfilmrestore.cli.show import clock, say
from vsfilmrestore.errors import UsageError
from vsfilmrestore.render.guard import refuse_overwriting
from vsfilmrestore.render.job import named_sources, open_project, open_reel
from vsfilmrestore.render.pictures import spread
from vsfilmrestore.render.preview import Estimate, estimate, marking_steps, preview_sheet
from vsfilmrestore.render.reel import Reel

__all__ = ["command"]

_MOST: int = 48


@o.takes_source
def command(
    source: o.InputPath,
    given: o.Given,
    shot: Annotated[str | None, typer.Option("--shot", help="Shot to look at, by name, id or event number.")] = None,
    frames: Annotated[
        str, typer.Option("--frames", help="How many frames, evenly spread, or which: 12,30,47 (from 0 in the shot).")
    ] = "4",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="PNG file to write.")] = None,
    width: Annotated[int, typer.Option("--width", min=64, max=4096, help="Width of each picture.")] = 640,
    timed: Annotated[
        bool, typer.Option("--estimate/--no-estimate", help="Time some frames, and say what the render will take.")
    ] = True,
    project: o.ProjectFolder = None,
) -> int:
    """Write a sheet of frames before, after, and where they are repaired, as PNG; say what the render will take.

    Computes only the frames shown, some that are timed, and what these need. Time is told without that of encoding.
    """
    opened = open_project(source, project, given, save=False)
    if output is not None:
        refuse_overwriting(output, None, named_sources(opened))
    reel = open_reel(opened, watch=detection_watcher())
    chosen = reel[shot] if shot is not None else reel
    before, after = chosen.source(), chosen.restored()
    numbers = _numbers(frames, before.num_frames)
    index = None if shot is None else reel.plan.index_at(reel[shot].frames.start)
    first = 0 if index is None else reel.cut.shots[index].record.start
    labels = [f"{reel.cut.timecode(first + n)}  frame {n}" for n in numbers]
    path = output or opened.reports / f"preview_{_safe(shot or 'reel')}.png"
    shown = reel.decisions if index is None else [reel.decisions[index]]
    look = preview_sheet(before, after, numbers, labels, path, steps=marking_steps(shown), width=width)
    say(str(look.path))
    for step, share in look.changed.items():
        say(f"{step}: {share:.3%} of the pixels of these frames")
    if timed:
        _say_estimates(reel, index, numbers[0])
    return 0


def _say_estimates(reel: Reel, index: int | None, near: int) -> None:
    if index is not None:
        say(_told("this shot", estimate(reel, index, near)))
    say(_told("the film", estimate(reel)))


def _told(what: str, found: Estimate) -> str:
    memory = f", {found.memory / 2**20:.0f} MB of memory" if found.memory else ""
    timed = ""
    if found.recipes > 1:
        timed = f"; {found.timed} of its {found.recipes} sorts of recipes were timed"
    time = clock(found.seconds)
    return f"{what}: {found.frames} frames at {found.fps:.2f} fps, {time} without encoding{memory}{timed}"


def _numbers(text: str, length: int) -> list[int]:
    try:
        numbers = [int(word) for word in text.split(",")]
    except ValueError:
        raise UsageError(f"--frames must be a count or numbers with commas, not '{text}'") from None
    if len(numbers) == 1 and "," not in text:
        if not 0 < numbers[0] <= _MOST:
            raise UsageError(f"--frames must be 1..{_MOST}, not {numbers[0]}")
        return spread(length, numbers[0])
    if bad := [n for n in numbers if not 0 <= n < length]:
        raise UsageError(f"there is no frame {bad[0]}: the shot has 0 to {length - 1}")
    return numbers[:_MOST]


def _safe(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_@" else "_" for c in name)
