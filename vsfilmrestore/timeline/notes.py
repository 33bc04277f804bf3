"""Where ``VSFR …`` stands in a cut list, and which shots it is meant for.

In order of strength: a marker on the clip, a marker of the timeline over the shot, a comment or note. A marker longer
than one frame limits its settings to the frames it covers; one with a ``key`` stands where it stands. Markers without
the word stay in `Reel.markers`, where their colour may mean something (see `timeline.colours`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from vsfilmrestore.errors import SettingError, TimelineError
from vsfilmrestore.timeline.grammar import find_settings, has_settings_form, is_key, parse_settings
from vsfilmrestore.timeline.model import FrameRange, Marker, Reel, SettingNote, Shot, Strength

__all__ = [
    "limited",
    "marker_settings",
    "metadata_settings",
    "setting_note",
    "shots_under",
    "with_markers",
    "with_notes",
]

_DEPTH: Final = 12
_RANK: Final = {strength: rank for rank, strength in enumerate(Strength)}


def marker_settings(name: str, *notes: str) -> str | None:
    """The settings a marker carries in its name and its notes, joined; None if the word ``VSFR`` is in neither.

    A text beside one with the word counts when it is a list of ``key=value``; other words there are for people.
    """
    texts = [name, *notes]
    found = [find_settings(text) for text in texts]
    if all(words is None for words in found):
        return None
    parts = [
        text.strip() if words is None else words
        for text, words in zip(texts, found, strict=True)
        if words is not None or has_settings_form(text)
    ]
    return " ".join(dict.fromkeys(part for part in parts if part))


def metadata_settings(metadata: object) -> list[str]:
    """The settings in the notes and comments that hosts keep in a clip's metadata, wherever they keep them."""
    found = (find_settings(text) for text in _strings(metadata, _DEPTH))
    return list(dict.fromkeys(words for words in found if words is not None))


def _strings(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth and isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item, depth - 1)
    elif depth and isinstance(value, Iterable) and not isinstance(value, bytes):
        for item in value:
            yield from _strings(item, depth - 1)


def setting_note(
    text: str,
    strength: Strength,
    file: str,
    *,
    line: int | None = None,
    timecode: str | None = None,
    frames: FrameRange | None = None,
) -> SettingNote:
    """A note whose words are known to parse.

    Raises:
        TimelineError: They do not; with file, line and timecode.
    """
    try:
        parse_settings(text)
    except SettingError as error:
        message = f"in the {strength} 'VSFR {text}': {error.message}"
        raise TimelineError(message, file=file, line=line, timecode=timecode, hint=error.hint) from None
    return SettingNote(text, strength, file, line, timecode, frames)


def with_notes(shot: Shot, *notes: SettingNote) -> Shot:
    """The shot with more notes, strongest first; of equal strength the later written stands later."""
    return replace(shot, notes=tuple(sorted(shot.notes + notes, key=lambda note: _RANK[note.strength])))


def with_markers(
    reel: Reel, markers: Iterable[Marker], strength: Strength = Strength.TIMELINE_MARKER, remarks: Iterable[str] = ()
) -> Reel:
    """The reel with markers joined to the shots they stand over.

    A marker of one frame speaks to the whole shot under it; a longer one to the frames it covers, in every shot.

    Raises:
        TimelineError: A marker with the word ``VSFR`` does not parse.
    """
    shots = list(reel.shots)
    starts = [shot.record.start for shot in shots]
    markers, said = list(markers), list(remarks)
    for marker in markers:
        text = marker_settings(marker.name, marker.note)
        if text is None:
            continue
        note = setting_note(text, strength, marker.file, line=marker.line, timecode=reel.timecode(marker.frames.start))
        hit = shots_under(marker.frames, starts, len(reel))
        for i in hit:
            shots[i] = with_notes(shots[i], limited(note, marker.frames, shots[i].record))
        if not hit:
            where = marker.file if marker.line is None else f"{marker.file}:{marker.line}"
            said.append(f"{where}: the marker 'VSFR {text}' at {note.timecode} stands over no shot; ignored")
    return replace(
        reel,
        shots=tuple(shots),
        markers=tuple(sorted(reel.markers + tuple(markers), key=lambda marker: marker.frames)),
        remarks=reel.remarks + tuple(said),
    )


def shots_under(frames: FrameRange, starts: list[int], length: int) -> range:
    """Indices of the shots, told by where they start, that hold some of the frames of a reel of that length."""
    inside = frames.overlap(FrameRange(0, length))
    if inside is None:
        return range(0)
    return range(bisect_right(starts, inside.start) - 1, bisect_left(starts, inside.stop))


def limited(note: SettingNote, frames: FrameRange, record: FrameRange) -> SettingNote:
    """A marker's note for one shot: limited to the frames the marker covers when it is longer than one, or a key."""
    part = frames.overlap(record)
    if part is None or (not is_key(note.text) and (part == record or len(frames) <= 1)):
        return note
    return replace(note, frames=part)
