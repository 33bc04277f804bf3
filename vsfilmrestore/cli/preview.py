"""``vsfilmrestore preview``: a look before the long run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.detect import detection_watcher
from vsfilmrestore.cli.show import say
from vsfilmrestore.errors import UsageError
from vsfilmrestore.render.guard import refuse_overwriting
from vsfilmrestore.render.job import named_sources, open_project, open_reel
from vsfilmrestore.render.pictures import before_after, spread

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
    project: o.ProjectFolder = None,
) -> int:
    """Write a sheet of frames before and after, as PNG. Computes only the frames shown and what they need."""
    opened = open_project(source, project, given, save=False)
    if output is not None:
        refuse_overwriting(output, None, named_sources(opened))
    reel = open_reel(opened, watch=detection_watcher())
    chosen = reel[shot] if shot is not None else reel
    before, after = chosen.source(), chosen.restored()
    numbers = _numbers(frames, before.num_frames)
    first = reel[shot].shot.record.start if shot is not None else 0
    labels = [f"{reel.cut.timecode(first + n)}  frame {n}" for n in numbers]
    path = output or opened.reports / f"preview_{_safe(shot or 'reel')}.png"
    before_after(before, after, numbers, labels, path, width=width)
    say(str(path))
    return 0


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
