"""Everything that can go wrong, in one tree.

::

    VsfrError                     base; never raised itself          exit code 1
     +- UsageError                the words of a command or a call             2
     +- InputError                a file handed to us cannot be used           3
     |   +- MediaError            pictures or sound
     |   |   +- MissingFrameError a hole in an image sequence
     |   +- ModelError            a network's file, or what it wants and gives
     |   +- TimelineError         a cut list
     |   +- ScriptError           a .vpy script
     +- SettingError              a recipe, a marker or a value                4
     +- ProjectError              the project folder or its ledger             5
     +- OutputError               a file cannot be written, or not kept        6
     +- RenderError               a frame could not be made                    7
     |   +- InferenceError        a network failed on a frame
     +- InstallationError         a plug-in, library or program is missing     8

A message says what is wrong, where, and the way out. ``str(error)`` is one line; the command line prints it as it
stands and leaves with ``error.exit_code``. Filters called from a ``.vpy`` raise ``vapoursynth.Error`` instead, as
every VapourSynth filter does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

__all__ = [
    "InferenceError",
    "InputError",
    "InstallationError",
    "MediaError",
    "MissingFrameError",
    "ModelError",
    "OutputError",
    "ProjectError",
    "RenderError",
    "ScriptError",
    "SettingError",
    "TimelineError",
    "UsageError",
    "VsfrError",
    "plain_text",
]


_LAST: Final = re.compile(r"^[\w.]+(?:Error|Exception|Interrupt|Warning): ?(.*)$")


class VsfrError(Exception):
    """Base of all our errors.

    Args:
        message: What is wrong, in plain words, without a closing full stop.
        file: The file it is about.
        line: The line in that file, counted from 1.
        shot: The shot it is about.
        frame: The frame it is about.
        timecode: The record timecode it is about.
        hint: The way out, an imperative sentence.
        details: What the message sums up, a line each; the command line prints them below it.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        shot: str | None = None,
        frame: int | None = None,
        timecode: str | None = None,
        hint: str | None = None,
        details: Iterable[str] = (),
    ) -> None:
        self.message = message
        self.file = None if file is None else str(file)
        self.line = line
        self.shot = shot
        self.frame = frame
        self.timecode = timecode
        self.hint = hint
        self.details = tuple(details)
        super().__init__(self._one_line())

    def _one_line(self) -> str:
        where = self.file or ""
        if self.line is not None:
            where += f":{self.line}"
        spots = [where] if where else []
        if self.shot is not None:
            spots.append(f"shot {self.shot}")
        if self.frame is not None:
            spots.append(f"frame {self.frame}")
        if self.timecode is not None:
            spots.append(f"at {self.timecode}")
        text = ", ".join(spots) + ": " + self.message if spots else self.message
        if self.hint:
            text = f"{_closed(text)} {_closed(self.hint)}"
        return " ".join(text.split())


def _closed(sentence: str) -> str:
    return sentence if sentence.endswith(("?", ".")) else f"{sentence}."


def plain_text(error: BaseException) -> str:
    """The error in one line. VapourSynth hands on the whole traceback of a function written in Python as its text."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    if "Traceback (most recent call last):" not in lines:
        return " ".join(lines)
    match = _LAST.match(lines[-1])
    return match.group(1) or lines[-1] if match else lines[-1]


class UsageError(VsfrError):
    """The words of a command or of an API call do not fit."""

    exit_code = 2


class InputError(VsfrError):
    """A file that was handed to us cannot be used."""

    exit_code = 3


class MediaError(InputError):
    """Pictures or sound cannot be read, or are not what they should be."""


class MissingFrameError(MediaError):
    """An image sequence has a hole."""


class ModelError(InputError):
    """The file of a network is damaged, forged or unknown, or it does not want and give what its card says."""


class TimelineError(InputError):
    """A cut list cannot be read, or asks for what the media does not hold."""


class ScriptError(InputError):
    """A .vpy script failed or set no output."""


class SettingError(VsfrError):
    """A setting is unknown, of the wrong type or out of range."""

    exit_code = 4


class ProjectError(VsfrError):
    """The project folder is locked, damaged or of another version."""

    exit_code = 5


class OutputError(VsfrError):
    """A result cannot be written; what was there before is untouched."""

    exit_code = 6


class RenderError(VsfrError):
    """A frame could not be made."""

    exit_code = 7


class InferenceError(RenderError):
    """A network failed on a frame: short of memory, values that are no numbers, a picture it cannot take."""


class InstallationError(VsfrError):
    """Something the machine should have is missing."""

    exit_code = 8
