"""For vsview's scening panel: it imports shots, settings and modified frames from a report or a plan.

vsview finds this module through the entry point ``vsfilmrestore`` of the group ``vsview.scening``; nothing else imports
it, as it needs vsview.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, BinaryIO

from vsview.app.tools.scening.api import Parser, RangeFrame, SceneRow, hookimpl

from vsfilmrestore.serve.viewing import scenes_of

__all__ = ["ShotsParser", "vsview_scening_register_parser"]


class ShotsParser(Parser):  # type: ignore[misc]
    """Shots of a report or a plan."""

    filter = Parser.FileFilter("vsfilmrestore report or plan", "json")

    def parse(self, io: BinaryIO, name: str, fps: Fraction) -> Sequence[Any]:
        """Rows of scenes: the shots with their settings, and the modified frames.

        Raises:
            ValueError: The file is neither a report nor a plan.
        """
        return [
            SceneRow(
                color=self.get_color(),
                name=f"{name} {scenes.name}",
                ranges=[RangeFrame(start=first, end=last, label=label) for first, last, label in scenes.ranges],
            )
            for scenes in scenes_of(json.load(io))
        ]


@hookimpl  # type: ignore[untyped-decorator]
def vsview_scening_register_parser() -> Any:
    """What vsview calls."""
    return ShotsParser()
