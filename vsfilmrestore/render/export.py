"""The restored medium as the media of its cut: the timeline an editor gets back.

::

    cut        |--- A ---|---- B 200 % ----|gap|-- C --|         A, B, C out of three scans
                         |~~~|
    restored   |--- A ---|------- B -------|gap|-- C --|         one file, at its own record timecode, speed 1
                         ^ dissolve, in the picture              what was rendered into it is told, not done again

Everything else stays: names, gaps, markers, comments, ASC CDL, record timecode. What was done to a shot stands in a
marker on it; where it came from, in its comments and, in OTIO, in metadata.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from vsfilmrestore.errors import MediaError, SettingError
from vsfilmrestore.media.naming import find_sequence
from vsfilmrestore.media.source import kind_of, probe
from vsfilmrestore.media.timecode import format_timecode, rate_text
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.recipes.wording import recipe_words
from vsfilmrestore.render.decide import Decision, Part
from vsfilmrestore.timeline.model import CutList, FrameRange, Marker, SettingNote, Shot, SourceKey, Strength
from vsfilmrestore.timeline.writer import Extras, MediaFacts

__all__ = ["RestoredMedium", "rate_of", "relinked", "restored_medium", "with_settings"]

_DONE: Final = "GREEN"
_BAKED: Final = "CYAN"
_PROPOSED: Final = "YELLOW"
_MOST_PARTS: Final = 8
_LOCATOR: Final = re.compile(r"^[*\s]*LOC\s*:", re.IGNORECASE)
_MOVIE_SLACK: Final = 1
"""Frames by which a container that does not count them may be off."""


@dataclass(frozen=True, slots=True)
class RestoredMedium:
    """What was rendered of a cut.

    Attributes:
        source: The medium; `start` is its first frame.
        factor: Frames of it for each record frame of the cut.
        facts: Its size, and the number of its first still.
    """

    source: SourceKey
    factor: int
    facts: MediaFacts


def restored_medium(output: Path, cut: CutList) -> RestoredMedium:
    """The medium that a cut was rendered to, as its own headers tell.

    Args:
        output: Movie, folder, or pattern of stills.
        cut: The cut.

    Raises:
        MediaError: It is not there, cannot be read, or has not the length and rate of the cut.
    """
    found = probe(output)
    rate = found.rate if found.rate_told else cut.rate
    factor = max(1, round(rate / cut.rate))
    if rate != cut.rate * factor:
        message = f"runs at {rate_text(rate)} fps, the cut at {rate_text(cut.rate)}"
        raise MediaError(message, file=output, hint="Render the cut again, or name the right file with --restored")
    slack = 0 if found.exact else _MOVIE_SLACK
    length = len(cut) * factor
    if abs(found.length - length) > slack:
        message = f"holds {found.length} frames, where the cut has {length}: it was rendered from another cut"
        raise MediaError(message, file=output, hint="Render the cut again, or name the right file with --restored")
    start = found.start if found.has_timecode else 0
    still = found.kind == "sequence"
    source = SourceKey(
        name=_still_pattern(output).name if still else output.name,
        reel=found.reel or _label(output, still),
        url=_still_pattern(output).as_posix() if still else output.resolve().as_uri(),
        start=start,
        rate=rate,
        has_timecode=found.has_timecode,
        available=FrameRange(start, start + length),
        drop=found.drop if found.has_timecode else False,
    )
    facts = MediaFacts(found.width, found.height, found.sample_aspect, found.first_number if still else None)
    return RestoredMedium(source, factor, facts)


def rate_of(output: Path) -> Fraction | None:
    """The rate a restored medium tells of itself, for a cut that tells none; None if it does not."""
    found = probe(output)
    return found.rate if found.rate_told else None


def _still_pattern(output: Path) -> Path:
    files = find_sequence(output)
    return files.folder.resolve() / f"{files.prefix}%0{files.padding}d{files.suffix}"


def _label(output: Path, still: bool) -> str:
    if kind_of(output) == "sequence" and still:
        return find_sequence(output).name
    return output.stem


def relinked(cut: CutList, medium: RestoredMedium, decisions: Sequence[Decision] = ()) -> tuple[CutList, Extras]:
    """The cut with the restored medium as the media of all its shots.

    Args:
        cut: The cut as it was read.
        medium: What was rendered of it.
        decisions: What was done to each shot, in the order of the cut; none if not known.

    Returns:
        The cut, and what formats with metadata hold beside it.
    """
    factor, source = medium.factor, medium.source
    start = source.start if source.has_timecode else cut.start * factor
    drop = source.drop if source.has_timecode else cut.drop
    shots, marks, facts = [], [], []
    for i, shot in enumerate(cut.shots):
        decision = decisions[i] if i < len(decisions) else None
        moved, more = _restored(shot, medium, cut.rate, decision)
        shots.append(moved)
        marks += more
        facts.append(_facts(cut, shot, decision))
    markers = [replace(mark, frames=_times(mark.frames, factor)) for mark in cut.markers] + marks
    restored = CutList(
        cut.name, source.rate, tuple(shots), start, drop, markers=tuple(sorted(markers, key=lambda m: m.frames))
    )
    reel = {"restored": source.name, "original": Path(cut.file).name if cut.file else cut.name}
    return restored, Extras({source.url: medium.facts}, facts, reel)


def with_settings(cut: CutList, decisions: Sequence[Decision]) -> CutList:
    """The cut with what was decided about each shot as a marker on it, in words an editor can change.

    Shots that carry words of their own keep those and get no marker. The note tells the reasons.

    Args:
        cut: The cut as it was read.
        decisions: What was decided, in the order of the cut.
    """
    shots, marks = [], []
    for shot, decision in zip(cut.shots, decisions, strict=True):
        words = "" if shot.notes or shot.source is None or len(decision.parts) > 1 else _words(decision.recipe)
        if words:
            first = FrameRange(shot.record.start, shot.record.start + 1)
            mark = Marker(f"VSFR {words}", _reasons(decision), _PROPOSED, first)
            shot = replace(shot, notes=(_note(mark, shot.record),))
            marks.append(mark)
        shots.append(shot)
    markers = sorted([*cut.markers, *marks], key=lambda mark: mark.frames)
    return replace(cut, shots=tuple(shots), markers=tuple(markers))


def _reasons(decision: Decision) -> str:
    """Why, step by step; without ``=``, or a note of them would be read as settings."""
    told: dict[str, str] = {}
    for key, origin in decision.origins.items():
        name = key.partition(".")[0] or "nothing"
        told.setdefault(name, _plain(origin))
    return " / ".join(f"{name}: {origin}" for name, origin in told.items())


def _restored(
    shot: Shot, medium: RestoredMedium, rate: Fraction, decision: Decision | None
) -> tuple[Shot, list[Marker]]:
    factor = medium.factor
    record = _times(shot.record, factor)
    notes = [replace(note, frames=note.frames and _times(note.frames, factor)) for note in shot.notes]
    comments = [text for text in shot.comments if not _LOCATOR.match(text)]
    if shot.source is None and shot.transition is None:
        return replace(shot, record=record, notes=tuple(notes)), []
    marks = []
    if shot.transition is not None:
        frames = _times(shot.transition.outgoing.record, factor)
        text = f"{len(frames)} frames, in the restored picture"
        marks.append(Marker(shot.transition.kind, text, _BAKED, frames))
        comments.append(f"* TRANSITION: {shot.transition.kind}, {text}")
    comments += _history(shot, rate)
    if decision is not None and any(part.recipe for part in decision.parts):
        done = list(_done(decision, factor))
        comments.append(f"* RESTORED: {_summary(decision)}")
        marks += done
        notes = [*(_note(mark, record) for mark in done if mark.name), *notes]
    whole = medium.source.available
    assert whole is not None
    moved = Shot(
        name=shot.name,
        record=record,
        source=replace(medium.source, start=medium.source.start + record.start),
        event=shot.event,
        notes=tuple(notes),
        handles=(record.start, len(whole) - record.stop),
        comments=tuple(comments),
        colour=shot.colour,
    )
    return moved, marks


def _times(frames: FrameRange, factor: int) -> FrameRange:
    if len(frames) <= 1:
        return FrameRange(frames.start * factor, frames.start * factor + len(frames))
    return FrameRange(frames.start * factor, frames.stop * factor)


def _history(shot: Shot, rate: Fraction) -> Iterator[str]:
    """Where a shot came from, in comments."""
    if shot.source is None:
        return
    source, frames = shot.source, shot.source_frames(rate)
    if source.has_timecode:
        first, stop = (format_timecode(n, source.rate, drop=source.drop) for n in (frames.start, frames.stop))
    else:
        first, stop = f"frame {frames.start}", f"{frames.stop}"
    yield f"* ORIGINAL SOURCE: {source.label} {first} - {stop}"
    if source.url:
        yield f"* ORIGINAL FILE: {source.url}"
    if shot.curve is not None:
        yield "* ORIGINAL SPEED: changes along the shot, in the restored picture"
    elif shot.speed == 0:
        yield "* ORIGINAL SPEED: held, in the restored picture"
    elif shot.speed != 1:
        yield f"* ORIGINAL SPEED: {float(shot.speed * 100):g} %, in the restored picture"


def _done(decision: Decision, factor: int) -> Iterator[Marker]:
    """A marker for what was done to a shot, or to each part of it."""
    parts = [part for part in decision.parts if part.recipe]
    if len(decision.parts) > _MOST_PARTS:
        first = _times(FrameRange(decision.shot.record.start, decision.shot.record.start + 1), factor)
        yield Marker("", f"restored: {_summary(decision)}", _DONE, first)
        return
    for part in parts:
        whole = len(decision.parts) == 1
        frames = FrameRange(part.frames.start, part.frames.start + 1) if whole else part.frames
        words = _words(part.recipe)
        name = f"VSFR {words}" if words else ""
        yield Marker(name, f"restored: {_steps(part)}", _DONE, _times(frames, factor))


def _note(mark: Marker, record: FrameRange) -> SettingNote:
    limited = mark.frames if len(mark.frames) > 1 and mark.frames != record else None
    return SettingNote(mark.name.removeprefix("VSFR "), Strength.CLIP_MARKER, "", frames=limited)


def _words(recipe: Recipe) -> str:
    try:
        return recipe_words(recipe)
    except SettingError:
        return ""  # a recipe file of one's own; the note lists its steps


def _summary(decision: Decision) -> str:
    if len(decision.parts) > _MOST_PARTS:
        names = dict.fromkeys(step.name for part in decision.parts for step in part.recipe)
        return f"{', '.join(names)}, with settings that change along the shot"
    texts = [_steps(part) if part.recipe else "untouched" for part in decision.parts]
    return " / ".join(dict.fromkeys(texts))


def _steps(part: Part) -> str:
    """The steps in words for people; without ``=``, or a note of them would be read as settings."""
    return ", ".join(
        " ".join([step.name, *(f"{key} {_plain(value)}" for key, value in step.settings.items())])
        for step in part.recipe
    )


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else re.sub(r"[\"'|;=]", "", str(value))


def _facts(cut: CutList, shot: Shot, decision: Decision | None) -> dict[str, Any]:
    """What is known of a shot beside its place, as plain data."""
    facts: dict[str, Any] = {"original": _original(cut, shot)}
    if decision is not None:
        facts["settings"] = [
            {
                "first": part.frames.start - shot.record.start,
                "frames": len(part.frames),
                "steps": {step.name: dict(step.settings) for step in part.recipe},
            }
            for part in decision.parts[:_MOST_PARTS]
        ]
        facts["origins"] = {key: origin for key, origin in decision.origins.items() if key}
    plain: dict[str, Any] = json.loads(json.dumps(facts, default=str))
    return plain


def _original(cut: CutList, shot: Shot) -> dict[str, Any]:
    original: dict[str, Any] = {"id": shot.id}
    if shot.source is not None:
        source, frames = shot.source, shot.source_frames(cut.rate)
        original |= {
            "name": source.name,
            "reel": source.reel,
            "url": source.url,
            "rate": str(source.rate),
            "first": frames.start,
            "stop": frames.stop,
            "has_timecode": source.has_timecode,
            "drop": source.drop,
            "speed": "varies" if shot.curve is not None else str(shot.speed),
        }
    if shot.transition is not None:
        original["transition"] = {"kind": shot.transition.kind, "frames": shot.transition.length}
    return original
