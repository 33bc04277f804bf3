"""``vsfilmrestore ofx``: the plug-in for editing programs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from vsfilmrestore.cli.show import say
from vsfilmrestore.errors import UsageError
from vsfilmrestore.serve import ofx_bundle

__all__ = ["app"]

app = typer.Typer(
    help="The OpenFX plug-in for DaVinci Resolve, Nuke, Natron and others: install it, take it out, find it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

User = Annotated[
    bool, typer.Option("--user", help="The folder of this user; programs look there if OFX_PLUGIN_PATH names it.")
]
To = Annotated[Path | None, typer.Option("--to", help="Another folder.", file_okay=False)]


@app.command()
def install(user: User = False, to: To = None) -> int:
    """Put the plug-in where editing programs look. Start them anew afterwards."""
    folder = _folder(user, to)
    target, replaced = ofx_bundle.install(folder)
    say(f"{target}: {'replaced' if replaced else 'installed'}; programs find it when they are started anew")
    if folder not in ofx_bundle.search_folders():
        joined = os.pathsep.join(filter(None, [os.environ.get("OFX_PLUGIN_PATH", ""), str(folder)]))
        say(f"note: programs do not look there by themselves; set OFX_PLUGIN_PATH={joined}")
    return 0


@app.command()
def uninstall(user: User = False, to: To = None) -> int:
    """Take the plug-in out again."""
    folder = _folder(user, to)
    gone = ofx_bundle.uninstall(folder)
    say(f"{gone}: removed" if gone else f"{folder}: no plug-in of ours there")
    return 0


@app.command()
def path() -> int:
    """Say where the plug-in of this installation is, and where it is installed."""
    say(f"{ofx_bundle.shipped()}: comes with this installation")
    for folder in [*ofx_bundle.search_folders(), ofx_bundle.user_folder()]:
        if (folder / ofx_bundle.NAME).exists():
            say(f"{folder / ofx_bundle.NAME}: installed")
    return 0


def _folder(user: bool, to: Path | None) -> Path:
    if user and to is not None:
        raise UsageError("--user and --to name two folders", hint="Leave one of them out")
    return to or (ofx_bundle.user_folder() if user else ofx_bundle.system_folder())
