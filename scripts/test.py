#!/usr/bin/env python3
"""Check everything: ``python3 scripts/test.py [--extras NAME,NAME] [pytest arguments]``.

Any Python from 3.8 on may start it. Makes ``.venv`` when needed, then runs ruff, mypy and pytest and leaves with the
first code that is not 0. Tests of networks in torch need ``--extras torch`` once: it is several GB, and without it they
are skipped. So are those of VapourSynth's own plug-ins for networks without ``--extras mlrt`` (60 MB).
"""

from __future__ import annotations

import argparse
import sys

import _bootstrap

STUBS = _bootstrap.ROOT / ".stubs" / "vapoursynth" / "__init__.pyi"


def steps(arguments: list[str]) -> list[tuple[str, list[str]]]:
    """Name and command of each check, in order; pytest stands last so that its closing line is seen."""
    return [
        ("stubs", ["vsstubs", "-o", str(STUBS)]),
        ("ruff check", ["ruff", "check", "."]),
        ("ruff format", ["ruff", "format", "--check", "."]),
        ("mypy", ["mypy"]),
        ("pytest", ["python", "-m", "pytest", *arguments]),
    ]


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Extras to install beside ``dev``, and what is left for pytest."""
    parser = argparse.ArgumentParser(prog="test.py", add_help=False, allow_abbrev=False)
    parser.add_argument("--extras", default="", metavar="NAME[,NAME]")
    known, rest = parser.parse_known_args(arguments)
    return [name for name in known.extras.split(",") if name], rest


def main() -> int:
    """Run every check, also after one failed, and return the first failing code."""
    _bootstrap.help_if_asked(__doc__)
    extras, arguments = split(sys.argv[1:])
    _bootstrap.prepare("dev", *extras)
    STUBS.parent.mkdir(parents=True, exist_ok=True)
    results = []
    for name, command in steps(arguments):
        _bootstrap.say(f"--- {name}")
        results.append((name, _bootstrap.call(*command)))
    _bootstrap.say("--- " + ", ".join(f"{name} {'failed' if code else 'ok'}" for name, code in results))
    return next((code for _, code in results if code), 0)


if __name__ == "__main__":
    _bootstrap.guarded(main)
