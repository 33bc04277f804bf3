"""``vsfilmrestore mount``: restored frames as files, without rendering first."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final

import typer

from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.detect import detection_watcher
from vsfilmrestore.cli.show import say
from vsfilmrestore.errors import OutputError
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.sound import sound_left_out
from vsfilmrestore.serve.mount_fuse import Mount, fuse_module
from vsfilmrestore.serve.mount_place import check_place, remove_dead
from vsfilmrestore.serve.mount_reel import MountedReel
from vsfilmrestore.serve.mount_stills import still_profile
from vsfilmrestore.serve.reel import ServedReel

__all__ = ["command"]

_LOOK: Final = 0.2
"""Seconds after which a signal is seen."""


@o.takes_source
def command(
    source: o.InputPath,
    given: o.Given,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Empty folder to mount on.")],
    format_: Annotated[str, typer.Option("--format", help="Files: dpx10, dpx16, tiff16 or exr (half).")] = "dpx10",
    name: Annotated[str, typer.Option("--name", help="Name of the whole reel's folder; the cut's if not given.")] = "",
    cache: Annotated[int, typer.Option("--cache", min=64, help="Most memory for frames kept, in MB.")] = 1024,
    allow_other: Annotated[bool, typer.Option("--allow-other", help="Let other users read it, too.")] = False,
    project: o.ProjectFolder = None,
) -> int:
    """Show the restored film as image sequences in DIR: a folder per shot and one for the whole reel, sound beside.

    A frame is rendered when its pixels are read, and not before. Runs until it is stopped or DIR is unmounted.
    """
    fuse_module()  # all that can be wrong is told before the work of opening the film
    if remove_dead(folder):
        say(f"note: a mount was left in {folder} by a process that was killed; it was removed")
    check_place(folder)
    still_profile(format_)
    save = project is not None or Project.is_project(source)
    reel = ServedReel.open(source, given=given, project=project, watch=detection_watcher(), save=save)
    for remark in [*reel.reel.remarks, *sound_left_out(reel.reel.bound, reel.reel.rate)]:
        say(f"note: {remark}")
    files = MountedReel(reel, format_, name=name, cache_bytes=cache << 20)
    return _serve(files, folder, allow_other)


def _serve(files: MountedReel, folder: Path, allow_other: bool) -> int:
    signals = _caught()
    mount = Mount(files, folder, tell=_complain, allow_other=allow_other)
    layout, reel = files.layout, files.reel
    size = f"{layout.width}x{layout.height}"
    try:
        say(f"mounted  {mount.place}")
        say(f"files    {len(reel)} frames in {len(reel.shots)} shots, {size} {layout.profile.name}")
        say("Ctrl-C, or unmounting the folder, ends it")
        while not signals and not mount.wait(_LOOK):
            pass
    finally:  # whatever there was, a pipe that is closed for one, no mount is left
        calm = mount.close()
    if not files.frames.close() or not calm:
        raise OutputError("unmounted, but a frame is still being made; it is given up", file=mount.place)
    say("unmounted")
    return 0


def _caught() -> list[int]:
    """Gets the signals that ask for an end; where somebody had them ignored (``nohup``) they stay so."""
    seen: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda number, _: seen.append(number))
    return seen


def _complain(text: str) -> None:
    with suppress(OSError, ValueError):  # nobody reads it any more; whoever reads the file gets EIO as always
        print(f"vsfilmrestore: {text}", file=sys.stderr, flush=True)  # noqa: T201
