"""FCPXML, the cut lists of Final Cut Pro, which DaVinci Resolve and others write too: versions 1.3 to 1.13.

Read into shots are one project, or the one clip of a file without projects. Compound, multicam and synchronised clips,
auditions, connected clips and secondary storylines are laid flat. Times stay exact fractions of seconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.media.timecode import nominal_rate, rate_text
from vsfilmrestore.timeline._choice import chosen
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline._xml import Node, read_xml
from vsfilmrestore.timeline.fcpxml.layers import Laid, Mark
from vsfilmrestore.timeline.fcpxml.media import Document, label
from vsfilmrestore.timeline.fcpxml.story import Story
from vsfilmrestore.timeline.grammar import is_key
from vsfilmrestore.timeline.layers import Piece, shots_of, whole
from vsfilmrestore.timeline.model import FrameRange, Marker, Reel, SettingNote, Strength
from vsfilmrestore.timeline.notes import marker_settings, setting_note, with_markers

__all__ = ["read_fcpxml"]

_INSIDE: Final = "Info.fcpxml"
_CLIPS: Final = frozenset({"asset-clip", "clip", "ref-clip", "sync-clip", "mc-clip", "audition"})


def read_fcpxml(path: Path, rate: Fraction | None = None, sequence: str = "") -> Reel:
    """Read an ``.fcpxml`` file, or an ``.fcpxmld`` bundle by the ``Info.fcpxml`` in it.

    Args:
        path: The file or the bundle.
        rate: Exact rate, where the file's own is only nearly right (24 for 23.976); None takes the file's.
        sequence: Name or number of the project, of a file with several; '' for the only one.

    Raises:
        TimelineError: With the file, and the line wherever one is to blame.
    """
    remarks = Remarks()
    file = path / _INSIDE if path.is_dir() else path
    root = read_xml(file, remarks)
    if root.tag != "fcpxml":
        raise TimelineError(f"this is no FCPXML: it begins with <{root.tag[:40]}>", file=file, line=root.line)
    return _Reader(path, Document(file, root, remarks), rate, sequence).reel()


class _Reader:
    def __init__(self, path: Path, document: Document, rate: Fraction | None, wanted: str) -> None:
        self._path, self._doc, self._remarks = path, document, document.remarks
        self._project, self._main = self._chosen(wanted)
        own = self._own_rate()
        if rate is not None and nominal_rate(rate) != nominal_rate(own):
            message = f"the cut runs at {rate_text(own)} fps, not at {rate_text(rate)}"
            raise TimelineError(message, file=document.path, line=self._main.line, hint="Leave --rate out")
        document.line_rate = own
        self._rate = own if rate is None else rate
        self._story = Story(document, own, self._rate)
        self._used: set[int] = set()

    def _chosen(self, wanted: str) -> tuple[Node, Node]:
        """The project, or the lone clip, and the sequence or clip to lay flat."""
        projects = [node for node in self._doc.root.walk() if node.tag == "project" and node.all("sequence")]
        if projects:
            project = self._one(projects, wanted, "project")
            return project, project.all("sequence")[0]
        clips = list(_loose_clips(self._doc.root))
        if not clips:
            raise self._doc.error("the file holds neither a project nor a clip", self._doc.root)
        clip = self._one(clips, wanted, "clip", " and no project")
        if clip.tag == "ref-clip" and (sequence := self._doc.resource(clip).first("sequence")) and _is_plain(clip):
            return clip, sequence
        return clip, clip

    def _one(self, nodes: list[Node], wanted: str, word: str, beside: str = "") -> Node:
        names, lines = [node.get("name") for node in nodes], [node.line for node in nodes]
        return chosen(nodes, names, wanted, self._doc.path, word=word, beside=beside, lines=lines)

    def _own_rate(self) -> Fraction:
        node = self._main
        if node.tag == "audition":
            node = next(iter(node), node)
        rate = self._doc.rate(node)
        if rate is None and node.get("ref"):
            found = self._doc.resource(node)
            rate = self._doc.rate(next(iter(found.all("sequence", "multicam")), found))
        if rate is None:
            assets = (self._doc.resource(item) for item in node.walk() if item.tag in {"video", "asset-clip"})
            rate = next((told for asset in assets if (told := self._doc.rate(asset))), None)
        if rate is None:
            raise self._doc.error(f"{label(node)} does not tell its frame rate", node, "Export the cut again")
        return rate

    def reel(self) -> Reel:
        try:
            laid, first, stop = self._laid()
        except RecursionError:
            raise self._doc.error("the clips are nested too deeply", self._main) from None
        if not any(piece.source for piece in laid.pieces):
            message = "nothing here shows pictures of a medium; there are no shots in it"
            raise self._doc.error(message, self._main)
        start = whole(first)
        if abs(first - start) > Fraction(1, 20):
            self._remarks.add("the start timecode lies between two frames; the nearest is taken", self._main.line)
        if start < 0:
            raise self._doc.error("the sequence starts before timecode 00:00:00:00", self._main)
        name = self._project.get("name") or self._path.stem
        shell = Reel(name, self._rate, (), start, self._drop(), str(self._path))
        pieces = self._settled(shell, laid, start)
        self._tell_unused(laid.marks)
        shots = shots_of(pieces, start, self._remarks, stop=stop)
        marks = [_marker(mark, start, self._doc.path) for mark in laid.marks if mark.shown]
        loose = [
            marker for mark, marker in zip((m for m in laid.marks if m.shown), marks, strict=True) if not mark.owners
        ]
        reel = with_markers(replace(shell, shots=shots, remarks=self._remarks.sentences()), loose)
        every = (marker for marker in marks if marker.frames.start < len(reel))
        return replace(reel, markers=tuple(sorted(every, key=lambda marker: marker.frames)))

    def _laid(self) -> tuple[Laid, Fraction, int]:
        """All that is seen, the time it begins at and the frame it ends before."""
        far = Fraction(10**9)
        if self._main.tag == "sequence":
            first = self._story.frames(self._main, "tcStart")
            laid = self._story.sequence(self._main, -far, far, top=True)
            length = self._story.frames(self._main, "duration")
        else:
            laid, item = self._story.clip(self._main)
            first, length = item.offset, item.stop - item.offset
        end = max((piece.stop for piece in laid.pieces), default=first)
        return laid, first, whole(max(end, first + length))

    def _drop(self) -> bool:
        told = self._main.get("tcFormat")
        if nominal_rate(self._rate) % 30 or self._rate.denominator == 1:
            return False
        if told not in {"DF", "NDF"}:
            self._remarks.add("whether timecode is drop frame is not told; counted as non-drop", self._main.line)
        return told == "DF"

    def _settled(self, shell: Reel, laid: Laid, start: int) -> list[Piece]:
        """The pieces with the settings for their clips."""
        by_owner: defaultdict[int, list[tuple[str, Mark]]] = defaultdict(list)
        for mark in laid.marks:
            text = marker_settings(*mark.texts) if mark.owners else None
            for owner in mark.owners if text is not None else ():
                by_owner[owner].append((text or "", mark))
        pieces = []
        for piece in laid.pieces:
            self._check(piece)
            fade = piece.fade
            if fade is not None:
                outgoing = replace(fade.outgoing, notes=self._notes(shell, fade.outgoing, by_owner, start))
                fade = replace(fade, outgoing=outgoing)
            pieces.append(replace(piece, fade=fade, notes=self._notes(shell, piece, by_owner, start)))
        return pieces

    def _check(self, piece: Piece) -> None:
        """Whether there are such frames in the medium of a piece."""
        if piece.source is None:
            return
        low, high = (floor(place) for place in piece.span())
        known = piece.source.available
        if low < 0:
            message = f"'{piece.name}' starts before the first frame of its media"
            raise TimelineError(message, file=self._doc.path, line=piece.line)
        if known is not None and piece.step and (low < known.start or high >= known.stop):
            self._remarks.add("a clip shows frames that its media do not have", piece.line)

    def _notes(
        self, shell: Reel, piece: Piece, by_owner: dict[int, list[tuple[str, Mark]]], start: int
    ) -> tuple[SettingNote, ...]:
        notes = []
        record = FrameRange(ceil(piece.start) - start, max(ceil(piece.start), ceil(piece.stop)) - start)
        for text, mark in by_owner.get(piece.owner, ()):
            keyed = is_key(text)
            frames = None if mark.point and not keyed else _frames(mark, start).overlap(record)
            if frames is None and (keyed or not mark.point):
                continue
            self._used.add(mark.line)
            at = frames.start if frames else record.start
            limit = None if frames == record and not keyed else frames
            timecode = shell.timecode(at)
            file = str(self._doc.path)
            notes.append(setting_note(text, mark.strength, file, line=mark.line, timecode=timecode, frames=limit))
        order = list(Strength)
        return tuple(sorted(notes, key=lambda note: order.index(note.strength)))

    def _tell_unused(self, marks: Iterable[Mark]) -> None:
        told = {mark.line: mark.texts for mark in marks if mark.owners} | self._story.unseen
        for line, texts in sorted(told.items()):
            if line not in self._used and (text := marker_settings(*texts)) is not None:
                self._remarks.add(f"'VSFR {text}' stands on no part of a clip that is in use; ignored", line)


def _loose_clips(node: Node) -> Iterable[Node]:
    """Clips of a file without a project: in its events, or on their own."""
    for child in node:
        if child.tag in _CLIPS:
            yield child
        elif child.tag in {"library", "event"}:
            yield from _loose_clips(child)


def _is_plain(clip: Node) -> bool:
    """Whether a browser clip is all of its compound clip, and nothing more."""
    return not any(clip.get(name) for name in ("start", "srcEnable")) and not clip.children


def _frames(mark: Mark, start: int) -> FrameRange:
    first = floor(mark.start + Fraction(1, 20)) - start
    return FrameRange(first, max(ceil(mark.stop - Fraction(1, 20)) - start, first + 1))


def _marker(mark: Mark, start: int, file: Path) -> Marker:
    name, note = (*mark.texts, "")[:2]
    return Marker(name, note, mark.colour, _frames(mark, start), str(file), mark.line)
