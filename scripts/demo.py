#!/usr/bin/env python3
"""Restore a demo reel on this machine: ``python3 scripts/demo.py``. Any Python from 3.8 on may start it.

Makes ``.venv`` when needed, makes a damaged reel of seven shots in ``demo/``, restores it by its cut list, and says
where the result, the before/after picture and the report are. Stopped, it goes on where it was.
"""

from __future__ import annotations

import time
from pathlib import Path

import _bootstrap

FOLDER = _bootstrap.ROOT / "demo"
RESULT = FOLDER / "restored.mov"
PROJECT = FOLDER / "restored.vsfr"


def show_results(seconds: float) -> None:
    """Tell where everything is."""
    rows = (
        ("restored film", RESULT),
        ("before and after", PROJECT / "reports" / "before_after.png"),
        ("report", PROJECT / "reports" / "report.html"),
        ("damaged scan", FOLDER / "scan"),
        ("cut list", FOLDER / "cut.edl"),
    )
    _bootstrap.say(f"\nDone in {seconds:.0f} s.")
    for name, path in rows:
        _bootstrap.say(f"  {name:<17} {path}")


def missing() -> list[Path]:
    """Results that should be there and are not."""
    wanted = (RESULT, PROJECT / "reports" / "before_after.png", PROJECT / "reports" / "report.html")
    return [path for path in wanted if not path.is_file()]


def main() -> int:
    """Prepare, make the reel, restore it."""
    _bootstrap.help_if_asked(__doc__)
    _bootstrap.refuse_words()
    start = time.monotonic()
    _bootstrap.prepare("demo")
    _bootstrap.say("Making the demo reel: seven shots, with dirt, scratches, flicker, weave and a tear")
    code = _bootstrap.call("python", _bootstrap.ROOT / "scripts" / "demo_reel.py", FOLDER)
    if code:
        return code
    _bootstrap.say("Restoring it: vsfilmrestore restore demo/cut.edl --media demo/scan -o demo/restored.mov")
    options = ["--media", FOLDER / "scan", "--rate", "24", "-o", RESULT, "--project", PROJECT]
    code = _bootstrap.call("vsfilmrestore", "restore", FOLDER / "cut.edl", *options)
    if code < 0:
        raise _bootstrap.SetupError("The restoration was killed. Start this command again: finished shots are kept.")
    if code:
        return code
    if missing():
        raise _bootstrap.SetupError(f"The restoration ended well but did not leave {missing()[0]}")
    show_results(time.monotonic() - start)
    return 0


if __name__ == "__main__":
    _bootstrap.guarded(main)
