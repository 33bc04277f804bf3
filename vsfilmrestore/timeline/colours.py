"""Colours that mean settings: a label on a clip, or a marker without the word ``VSFR`` over it.

The project says which colour means what (``[colours]`` in ``project.toml``). It is the weakest place a setting can
stand in; whoever writes words about the shot knows better.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from vsfilmrestore.timeline.model import Marker, Reel, SettingNote, Strength
from vsfilmrestore.timeline.notes import limited, marker_settings, shots_under

__all__ = ["colour_key", "colour_notes"]

# "ResolveColorYellow", "colour: Yellow"; hosts also differ in capitals and blanks.
_PREFIX: Final = re.compile(r"^(?:resolve)?colou?r(?=.)")
_BLANKS: Final = re.compile(r"[\s_:-]+")


def colour_key(name: str) -> str:
    """A colour name as it is compared: ``ResolveColorYellow`` and ``YELLOW`` are one."""
    return _PREFIX.sub("", _BLANKS.sub("", name.casefold()))


def colour_notes(reel: Reel, table: Mapping[str, str]) -> dict[int, list[SettingNote]]:
    """The settings that colours give to shots.

    Args:
        reel: The cut.
        table: Settings in marker words by colour name.

    Returns:
        Notes by index of the shot: that of its label first, then those of markers in record order, which are stronger.
        A marker longer than a frame speaks for the frames it covers.
    """
    words = {colour_key(name): text for name, text in table.items()}
    found: dict[int, list[SettingNote]] = {}
    if not words:
        return found
    for i, shot in enumerate(reel.shots):
        if shot.colour and (text := words.get(colour_key(shot.colour))) is not None:
            at = reel.timecode(shot.record.start)
            found[i] = [SettingNote(text, Strength.COLOUR, reel.file, shot.line, at, None, _shown(shot.colour))]
    starts = [shot.record.start for shot in reel.shots]
    for marker in reel.markers:
        text = words.get(colour_key(marker.colour))
        if text is None or marker_settings(marker.name, marker.note) is not None:
            continue
        note = _note(reel, marker, text)
        for i in shots_under(marker.frames, starts, len(reel)):
            found.setdefault(i, []).append(limited(note, marker.frames, reel.shots[i].record))
    return found


def _note(reel: Reel, marker: Marker, text: str) -> SettingNote:
    at = reel.timecode(marker.frames.start)
    return SettingNote(text, Strength.COLOUR, marker.file or reel.file, marker.line, at, None, _shown(marker.colour))


def _shown(colour: str) -> str:
    return " ".join(re.sub(r"^ResolveColor(?=.)", "", colour).split())
