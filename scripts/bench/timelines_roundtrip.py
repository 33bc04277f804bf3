"""Every real cut list written in every format and read again: the same shots, or what was said to be lost.

    python scripts/bench/timelines_roundtrip.py [FOLDER] [--format .otio] [--only NAME] [--details]

Prints a line per file: events, shots, frames, then a verdict per format. ``same`` is the same in all compared (shots,
record frames, source frames one by one, media, transitions, settings, markers); ``said`` differs in what the writer's
remarks tell; ``refused`` was refused with a clear error; ``DIFFERS`` differs in silence, which is a fault.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from vsfilmrestore import timeline
from vsfilmrestore.errors import VsfrError
from vsfilmrestore.timeline.model import FrameRange, Reel, Shot
from vsfilmrestore.timeline.notes import marker_settings
from vsfilmrestore.timeline.writer import WRITERS, write

# What a remark of a writer says is lost, by a word in it.
_SAID = {
    "media": ("path", "long its media", "looked for by its name", "reel name", "timecode", "counts alike"),
    "transitions": ("fades away", "written as a dissolve", "is named, but", "between two", "another rate"),
    "settings": ("part of the shot", "stand on clips", "more notes", "stand as timeline markers", "has not"),
    "markers": ("marker", "part of the shot"),
    "frames": ("between two", "another rate", "turns"),
    "shots": ("turns",),
}


def frames_of(shot: Shot, rate: Fraction) -> list[int] | None:
    """Source frames, one for each record frame."""
    if shot.source is None:
        return None
    first = 0 if shot.source.has_timecode or shot.source.available is None else shot.source.available.start
    return [shot.source_frame(n, rate) - first for n in range(shot.record.start, shot.record.stop)]


def medium(shot: Shot) -> object:
    """What tells a shot's medium."""
    source = shot.source
    if source is None:
        return None
    return source.reel, source.label if not source.reel else "", source.has_timecode, source.rate, source.drop


def texts_of(reel: Reel) -> Counter[tuple[int, str]]:
    """Words of all markers by the frame they stand on, settings apart: those are compared shot by shot."""
    plain = [marker for marker in reel.markers if marker_settings(marker.name, marker.note) is None]
    words = [(m.frames.start, word) for m in plain for word in f"{m.name} {m.note}".split()]
    return Counter(words)


def settings_of(shot: Shot) -> list[object]:
    return sorted((note.text.lower(), str(note.frames)) for note in shot.notes)


def differences(old: Reel, new: Reel) -> Iterator[str]:
    """What is not the same."""
    if (old.rate, old.start, old.drop) != (new.rate, new.start, new.drop):
        yield f"head: {old.rate, old.start, old.drop} -> {new.rate, new.start, new.drop}"
    if [shot.record for shot in old.shots] != [shot.record for shot in new.shots]:
        yield f"shots: {len(old.shots)} of {len(old)} frames -> {len(new.shots)} of {len(new)}"
        return
    if texts_of(old) != texts_of(new):
        yield f"markers: {sorted((texts_of(old) - texts_of(new)) + (texts_of(new) - texts_of(old)))[:4]}"
    for a, b in zip(old.shots, new.shots, strict=True):
        if frames_of(a, old.rate) != frames_of(b, new.rate):
            yield f"frames: {a.name} {(frames_of(a, old.rate) or [])[:3]} -> {(frames_of(b, new.rate) or [])[:3]}"
        if medium(a) != medium(b):
            yield f"media: {a.name} {medium(a)} -> {medium(b)}"
        if a.source is not None and b.source is not None and a.name != b.name:
            yield f"names: {a.name} -> {b.name}"
        if settings_of(a) != settings_of(b):
            yield f"settings: {a.name} {settings_of(a)} -> {settings_of(b)}"
        yield from _fades(a, b, old.rate)


def _fades(a: Shot, b: Shot, rate: Fraction) -> Iterator[str]:
    if (a.transition is None) != (b.transition is None):
        yield f"transitions: {a.name} {'lost' if a.transition else 'made up'}"
    elif a.transition is not None and b.transition is not None:
        x, y = a.transition, b.transition
        if (x.kind, x.length, frames_of(x.outgoing, rate)) != (y.kind, y.length, frames_of(y.outgoing, rate)):
            shown = [(t.kind, t.length, (frames_of(t.outgoing, rate) or [])[:2]) for t in (x, y)]
            yield f"transitions: {a.name} {shown[0]} -> {shown[1]}"


def verdict(reel: Reel, suffix: str, folder: Path) -> tuple[str, list[str]]:
    """The verdict of one format, and what lies behind it."""
    path = folder / f"x{suffix}"
    try:
        remarks = write(reel, path)
    except VsfrError as error:
        return "refused", [str(error)]
    if suffix not in timeline.READERS:
        return "unread", list(remarks)
    try:
        again = timeline.read(path, rate=reel.rate)
    except VsfrError as error:
        return "DIFFERS", [f"not read: {error}"]
    found = list(differences(_joined(reel), _joined(again)))
    silent = [text for text in found if not _is_said(text, remarks)]
    if silent:
        return "DIFFERS", silent
    return ("said" if found else "same"), [*found, *remarks]


def _joined(reel: Reel) -> Reel:
    """Black after black is one gap, however many there were."""
    shots: list[Shot] = []
    for shot in reel.shots:
        black = shot.source is None and shot.transition is None
        if shots and black and shots[-1].source is None and shots[-1].transition is None:
            shots[-1] = replace(shots[-1], record=FrameRange(shots[-1].record.start, shot.record.stop))
        else:
            shots.append(shot)
    return reel.with_shots(tuple(shots))


def _is_said(difference: str, remarks: tuple[str, ...]) -> bool:
    words = _SAID.get(difference.partition(":")[0], ())
    return any(word in remark for word in words for remark in remarks)


def cut_lists(folder: Path) -> Iterator[Path]:
    """The cut lists in a folder; ``.json`` ones with OpenTimelineIO in them, too."""
    for path in sorted(folder.rglob("*")):
        is_json = path.suffix == ".json" and "OTIO_SCHEMA" in json.loads(path.read_text())
        if is_json or path.suffix.lower() in timeline.READERS:
            yield path


def _is_otio(path: Path) -> bool:
    return path.suffix == ".json" and "OTIO_SCHEMA" in json.loads(path.read_text())


def read(path: Path, folder: Path) -> Reel:
    if path.suffix != ".json":
        return timeline.read(path)
    copy = folder / f"{path.stem}.otio"
    shutil.copyfile(path, copy)
    return timeline.read(copy)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(__file__).resolve().parents[2].parent / "shared" / "timelines"
    parser.add_argument("folder", nargs="?", type=Path, default=shared)
    parser.add_argument("--format", action="append", choices=list(WRITERS), help="only this format")
    parser.add_argument("--only", default="", help="only files with this in their name")
    parser.add_argument("--details", action="store_true", help="print what lies behind each verdict")
    given = parser.parse_args()
    formats = given.format or list(WRITERS)
    counts: Counter[str] = Counter()
    print(f"{'file':<52} {'events':>6} {'shots':>5} {'frames':>6}  " + " ".join(f"{s:<8}" for s in formats))
    for path in cut_lists(given.folder):
        name = str(path.relative_to(given.folder))
        if given.only not in name:
            continue
        with tempfile.TemporaryDirectory() as temporary:
            try:
                reel = read(path, Path(temporary))
            except VsfrError as error:
                print(f"{name:<52} not read: {str(error).removeprefix(str(path))[:90]}")
                continue
            events = len({shot.event for shot in reel.shots if shot.event}) or len(reel.shots)
            made = [verdict(reel, suffix, Path(temporary)) for suffix in formats]
        counts.update(word for word, _ in made)
        cells = " ".join(f"{word:<8}" for word, _ in made)
        print(f"{name:<52} {events:>6} {len(reel.shots):>5} {len(reel):>6}  {cells}")
        for suffix, (word, reasons) in zip(formats, made, strict=True):
            if given.details or word == "DIFFERS":
                print(*(f"    {suffix} {word}: {reason}"[:230] for reason in reasons[:5]), sep="\n")
    print(dict(counts))
    return 1 if counts["DIFFERS"] else 0


if __name__ == "__main__":
    sys.exit(main())
