"""The command line: ``vsfilmrestore COMMAND …``.

Exit codes:
    0 done, 1 something else, 2 wrong words, 3 unusable input, 4 wrong setting, 5 project, 6 output, 7 frame failed,
    8 installation, 130 stopped by hand (what was finished is kept).
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Final

import typer
from typer.exceptions import TyperException

from vsfilmrestore.errors import VsfrError, plain_text

__all__ = ["main"]

_HELP = """Restore films, shot by shot.

INPUT is a movie, a folder of stills, a cut list (.edl .otio .otioz .otiod .xml .fcpxml .aaf), a .vpy script or a
project folder.

Exit codes: 0 done, 2 wrong words, 3 unusable input, 4 wrong setting, 5 project folder, 6 output, 7 a frame failed,
8 installation, 130 stopped by hand (start again to go on), 1 anything else.
"""

_STOPPED: Final = 130

_COMMANDS: Final = {
    "doctor": "Check this machine, and say how to mend what is wrong.",
    "restore": "Restore a film: look at it, propose, render, report.",
    "assess": "Find the shots of a film and measure each.",
    "plan": "Print every shot with its source and its settings.",
    "fade": "Measure faded dyes; give each reel one profile.",
    "grain": "Measure the grain of each shot.",
    "preview": "Write sheets of frames before and after.",
    "render": "Render a cut, a film or a project.",
    "report": "Write the report of a project anew.",
    "history": "List the repairs of the latest render.",
    "revert": "Take repairs back.",
    "tidy": "Delete finished pieces that are no longer used.",
    "recut": "Go on with a new cut; finished shots are kept.",
    "export": "Write a timeline linked to the restored media.",
    "serve": "Serve restored frames to the OpenFX plug-in.",
    "mount": "Show the restored film as image sequences in a folder.",
    "ofx": "Install the OpenFX plug-in, take it out, find it.",
    "models": "Networks: list, get, check, add and measure them.",
}


def _app(arguments: list[str]) -> typer.Typer:
    """The commands: that asked for as it is, the others as a name and a line, as each brings libraries of its own."""
    app = typer.Typer(
        help=_HELP, no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
    )
    app.callback()(_alone)
    asked = arguments[0] if arguments else ""
    for name, line in _COMMANDS.items():
        if name == asked:
            _add(app, name)
        else:
            app.command(name=name, help=line)(lambda: None)
    return app


def _add(app: typer.Typer, name: str) -> None:
    module = import_module(f"vsfilmrestore.cli.{name}")
    if hasattr(module, "app"):  # a command with commands of its own
        app.add_typer(module.app, name=name)
    else:
        app.command(name=name)(module.command)


def _say_version(wanted: bool) -> None:
    if wanted:
        print(f"vsfilmrestore {version('vsfilmrestore')}")  # noqa: T201
        raise typer.Exit


def _alone(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_say_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """What may be said without a command."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; never shows a traceback unless ``VSFILMRESTORE_DEBUG`` is set."""
    if os.environ.get("VSFILMRESTORE_DEBUG"):
        return _run(arguments)
    code = _run_quietly(arguments)
    if code == _STOPPED:
        _say("stopped; what is finished is kept, the same command goes on from there", code)
    return code


def _run_quietly(arguments: list[str] | None) -> int:
    """Run a command; what goes wrong is one line."""
    try:
        return _run(arguments)
    except VsfrError as error:
        return _say("\n  ".join((str(error), *error.details)), error.exit_code)
    except TyperException as error:
        return _say(f"{error.format_message().rstrip('.')}. See --help.", error.exit_code)
    except typer.Exit as stop:
        return stop.exit_code
    except KeyboardInterrupt:
        return _STOPPED
    except BrokenPipeError:  # whoever read our output went away; what is finished is kept
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _say(f"{error.filename or 'output'}: {error.strerror or error}", 1)
    except Exception as error:  # noqa: BLE001 - the last wall before the user
        return _say(f"unexpected: {plain_text(error)}. Set VSFILMRESTORE_DEBUG=1 to see where.", 1)


def _run(arguments: list[str] | None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    result = _app(arguments)(arguments, standalone_mode=False)
    return result if isinstance(result, int) else 0


def _say(message: str, code: int) -> int:
    print(f"vsfilmrestore: {message}", file=sys.stderr)  # noqa: T201
    return code
