"""Final Cut Pro 7 XML (xmeml), as Final Cut Pro, Premiere, Resolve ("FCP 7 XML V5"), Hiero and others write it.

What the format leaves open is taken as these programs mean it: a clip counts its frames at its own rate and speed,
from the first frame of its media; ``start`` and ``end`` are -1 beside a transition; a speed graph is straight between
its keys.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.media.timecode import format_timecode, nominal_rate, rate_text
from vsfilmrestore.timeline._choice import chosen
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline._xml import Node, read_xml
from vsfilmrestore.timeline.fcp7.layout import Laid, Layout, sequence_rate
from vsfilmrestore.timeline.fcp7.marks import Mark
from vsfilmrestore.timeline.fcp7.xml import Document
from vsfilmrestore.timeline.layers import Piece, shots_of
from vsfilmrestore.timeline.model import FrameRange, Marker, Reel, SettingNote, Strength
from vsfilmrestore.timeline.notes import limited, marker_settings, setting_note, with_markers

__all__ = ["read_fcp7"]

_SNAP: Final = Fraction(1, 1000)
# What Premiere shows timecode as. Its ``displayformat`` says DF at 29.97 and NDF at 59.94 fps whatever is set.
_PREMIERE: Final = "MZ.Sequence.VideoTimeDisplayFormat"
_SHOWN_DROP: Final = {"102": True, "103": False, "106": True, "107": False}


def read_fcp7(path: Path, rate: Fraction | None = None, sequence: str = "") -> Reel:
    """Read a Final Cut Pro 7 XML file.

    Args:
        path: The file.
        rate: Exact rate, where the file tells none or one that is only nearly right (24 for 23.976).
        sequence: Name or number of the sequence, of a file with several; '' for the only one.

    Raises:
        TimelineError: With the file, and the line where it can be said.
    """
    remarks = Remarks()
    root = read_xml(path, remarks)
    if root.tag != "xmeml":
        raise TimelineError(f"the XML is a '{root.tag[:40]}', not a cut of Final Cut Pro 7 (xmeml)", file=path)
    doc = Document(path, root, remarks)
    try:
        return _Reader(doc, rate, sequence).reel()
    except RecursionError:
        raise TimelineError("the sequences are nested too deeply", file=path) from None


class _Reader:
    def __init__(self, doc: Document, rate: Fraction | None, wanted: str) -> None:
        self._doc = doc
        self._sequence = doc.full(_sequence(doc, wanted))
        own = sequence_rate(doc, self._sequence)
        if own is None and rate is None:
            hint = "Say it with --rate"
            raise doc.fail("the sequence does not tell its frame rate", self._sequence, hint=hint)
        if own is not None and rate is not None and rate != own:
            if nominal_rate(rate) != nominal_rate(own):
                message = f"the cut runs at {rate_text(own)} fps, not at {rate_text(rate)}"
                raise doc.fail(message, self._sequence, hint="Leave --rate out")
            doc.take_rate(own, rate)
        self._rate = rate or own or Fraction(1)

    def reel(self) -> Reel:
        doc, sequence = self._doc, self._sequence
        laid = Layout(doc).sequence(sequence, self._rate)
        if not any(piece.source for piece in laid.pieces):
            raise doc.fail("no video track holds a clip with media; there are no shots in it", sequence)
        start, drop = self._start()
        shell = Reel(sequence.value("name") or doc.path.stem, self._rate, (), start, drop, str(doc.path))
        pieces, markers = self._settled(shell, laid)
        shots = shots_of(pieces, 0, doc.remarks, stop=ceil(laid.length))
        return with_markers(replace(shell, shots=shots, remarks=doc.remarks.sentences()), markers)

    def _start(self) -> tuple[int, bool]:
        """Record timecode of the first frame, and whether it is drop frame."""
        doc, sequence, rate = self._doc, self._sequence, self._rate
        shown = _SHOWN_DROP.get(sequence.get(_PREMIERE))
        code = doc.timecode(sequence, rate, drop=shown)
        if code is None:
            return 0, False
        drop = code.drop and rate.denominator != 1
        if code.drop and not drop:
            doc.remarks.add(f"drop-frame timecode at {rate_text(rate)} fps; counted without dropping", sequence.line)
        text = sequence.value("timecode/string").replace(";", ":")
        if shown is None and text and text != format_timecode(code.frame, rate, drop=drop).replace(";", ":"):
            doc.remarks.add(
                "the timecode of the sequence and its frame count differ; the count is taken", sequence.line
            )
        return code.frame, drop

    def _settled(self, shell: Reel, laid: Laid) -> tuple[list[Piece], list[Marker]]:
        """The pieces with the settings of their clips, and the markers of the timeline."""
        owned: dict[int, list[int]] = {}
        for i, piece in enumerate(laid.pieces):
            owned.setdefault(piece.owner, []).append(i)
        pieces = [self._with_notes(shell, piece) for piece in laid.pieces]
        markers: list[Marker] = []
        for mark in laid.marks:
            frames = _frames(mark)
            under = [i for i in owned.get(mark.owner, ()) if _over(frames, pieces[i])] if mark.owner >= 0 else []
            text = marker_settings(mark.name, mark.note)
            if mark.owner < 0 or (text is None and under):
                markers.append(Marker(mark.name, mark.note, mark.colour, frames, shell.file, mark.line))
            elif text is not None and not under:
                self._doc.remarks.add(
                    "a clip marker with settings stands on a part that is not seen; ignored", mark.line
                )
            elif text is not None:
                at = shell.timecode(frames.start)
                note = setting_note(text, Strength.CLIP_MARKER, shell.file, line=mark.line, timecode=at)
                for i in under:
                    own = limited(note, frames, _record(pieces[i]))
                    pieces[i] = replace(pieces[i], notes=_by_strength((*pieces[i].notes, own)))
        return pieces, [marker for marker in markers if marker.frames.start >= 0]

    def _with_notes(self, shell: Reel, piece: Piece) -> Piece:
        if not piece.notes:
            return piece
        at = shell.timecode(_record(piece).start)
        notes = (setting_note(n.text, n.strength, n.file, line=n.line, timecode=at) for n in piece.notes)
        return replace(piece, notes=tuple(notes))


def _by_strength(notes: tuple[SettingNote, ...]) -> tuple[SettingNote, ...]:
    order = list(Strength)
    return tuple(sorted(notes, key=lambda note: order.index(note.strength)))


def _frames(mark: Mark) -> FrameRange:
    first = floor(mark.start + _SNAP)
    return FrameRange(first, first + 1 if mark.point else max(ceil(mark.stop - _SNAP), first + 1))


def _record(piece: Piece) -> FrameRange:
    first = ceil(piece.start - _SNAP)
    return FrameRange(first, max(first, ceil(piece.stop - _SNAP)))


def _over(frames: FrameRange, piece: Piece) -> bool:
    return frames.overlap(_record(piece)) is not None


def _sequence(doc: Document, wanted: str) -> Node:
    """The sequence that is the cut: the one that is named, else the only one that is not a part of another.

    Raises:
        TimelineError: There is none, or there are several; or none of that name.
    """
    told = [node for node in doc.tellers if node.tag == "sequence" and node.first("media") is not None]
    if not told:
        raise doc.fail("there is no sequence in the file", doc.root, hint="Export a sequence, not clips or a bin")
    inside = [nest for node in doc.tellers if node.tag == "clipitem" for nest in node.all("sequence")]
    names = {node.get("id") for node in inside if node.get("id")}
    parts = {id(node) for node in inside}
    tops = [node for node in told if id(node) not in parts and node.get("id") not in names]
    cuts = [node for node in tops if _has_pictures(node)] or tops
    if wanted:
        cuts += [node for node in told if not any(node is cut for cut in cuts)]  # a part of another may be meant
    elif len(tops) > len(cuts) == 1:
        doc.remarks.add("sequences without pictures are left aside")
    if not cuts:
        raise doc.fail("every sequence of the file is a part of another", told[0])
    called, lines = [node.value("name") for node in cuts], [node.line for node in cuts]
    return chosen(cuts, called, wanted, doc.path, lines=lines)


def _has_pictures(sequence: Node) -> bool:
    video = sequence.first("media/video")
    return video is not None and any(track.first("clipitem") is not None for track in video.all("track"))
