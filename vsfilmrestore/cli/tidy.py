"""``vsfilmrestore tidy``: finished pieces that are no longer used are deleted."""

from __future__ import annotations

from typing import Annotated

import typer

from vsfilmrestore.cli.history import ProjectPath, opened
from vsfilmrestore.cli.show import say
from vsfilmrestore.render.tidying import tidy

__all__ = ["command"]


def command(
    project: ProjectPath,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and delete nothing.")] = False,
) -> int:
    """Delete the finished pieces that the latest render does not use, to free the disk.

    They are of earlier settings, formats and cuts; who goes back to those renders them again. Films that were written
    are not touched.
    """
    done = tidy(opened(project), dry_run=dry_run)
    say(f"{'would free' if dry_run else 'freed'}  {_size(done.freed)} in {done.files} files")
    say(f"kept   {_size(done.kept)} that the latest render uses")
    return 0


def _size(count: float) -> str:
    """Bytes as people say them: 1.5 GB."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.4g} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
