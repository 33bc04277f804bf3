"""The resources of an FCPXML file: formats, assets and where they lie, compound and multicam media."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.media.timecode import nominal_rate
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline._xml import Node
from vsfilmrestore.timeline.fcpxml.time import format_rate, seconds
from vsfilmrestore.timeline.layers import whole
from vsfilmrestore.timeline.model import FrameRange, SourceKey

__all__ = ["Document", "Medium", "label"]

_SOUND: Final = (".wav", ".aif", ".aiff", ".mp3", ".m4a", ".caf", ".aac", ".bwf", ".flac")
_STILLS: Final = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".psd", ".heic", ".gif", ".bmp")
_REEL: Final = "com.apple.proapps.studio.reel"


@dataclass(frozen=True, slots=True)
class Medium:
    """Pictures behind a clip.

    Attributes:
        source: The medium; its `start` is not used.
        start: Time of its first frame, in seconds.
        first: The number of that frame, in the counting of the source.
        still: Whether it is one picture, shown for as long as one likes.
    """

    source: SourceKey
    start: Fraction
    first: int
    still: bool


class Document:
    """A file that is being read: its resources, and words for what is wrong in it.

    Args:
        path: The XML file.
        root: Its root element.
        remarks: What is tolerated.
    """

    def __init__(self, path: Path, root: Node, remarks: Remarks) -> None:
        self.path, self.root, self.remarks = path, root, remarks
        self.line_rate = Fraction(25)
        found = [node for node in root.walk() if node.tag == "resources"]
        self._resources = {item.get("id"): item for node in found for item in node if item.get("id")}
        self._media: dict[tuple[int, str, str], Medium | None] = {}

    def error(self, message: str, node: Node, hint: str | None = None) -> TimelineError:
        """An error about an element."""
        return TimelineError(message, file=self.path, line=node.line, hint=hint)

    def time(self, node: Node, name: str, default: Fraction = Fraction(0)) -> Fraction:
        """An attribute that is a time, in seconds.

        Raises:
            TimelineError: It is none.
        """
        text = node.get(name)
        if not text.strip():
            return default
        try:
            return seconds(text)
        except ValueError as error:
            raise self.error(f"the {name} of {label(node)}: {error}", node) from None

    def resource(self, node: Node, name: str = "ref") -> Node:
        """What an element refers to.

        Raises:
            TimelineError: There is no such thing.
        """
        key = node.get(name)
        found = self._resources.get(key)
        if found is None:
            message = f"{label(node)} refers to '{key}', which is not among the resources"
            raise self.error(message, node, "Export the cut again, with its resources")
        return found

    def rate(self, node: Node) -> Fraction | None:
        """Frames per second by the format an element names; None if it names none, or none with a rate.

        Raises:
            TimelineError: The format is not there or cannot be.
        """
        if not node.get("format"):
            return None
        found = self.resource(node, "format")
        try:
            return format_rate(found)
        except ValueError as error:
            raise self.error(f"the format '{found.get('name') or found.get('id')}': {error}", found) from None

    def medium(self, clip: Node) -> Medium | None:
        """The pictures of a clip that refers to an asset; None if it has none, or refers to an effect.

        Raises:
            TimelineError: There is no such asset.
        """
        asset = self.resource(clip)
        if asset.tag != "asset":
            return None
        key = (id(asset), clip.get("tcFormat"), _metadata(clip, _REEL))
        if key not in self._media:
            self._media[key] = self._medium(asset, clip) if _has_pictures(asset) else None
        return self._media[key]

    def _medium(self, asset: Node, clip: Node) -> Medium:
        told = self.rate(asset) or self.rate(clip)
        length = self.time(asset, "duration")
        url = _url(asset)
        rate = told or self.line_rate
        single = told is None or length * rate <= 1
        still = single and (not length or url.lower().endswith(_STILLS))
        if told is None and not still:
            self.remarks.add(f"the rate of {label(asset)} is not told; taken as the sequence's", asset.line)
        start = Fraction(0) if still else self.time(asset, "start")
        first = whole(start * rate)
        if abs(start * rate - first) > Fraction(1, 20):
            self.remarks.add("media whose timecode starts between two frames; the nearest is taken", asset.line)
        count = 1 if still else floor(length * rate + Fraction(1, 50))
        source = SourceKey(
            name=asset.get("name") or clip.get("name"),
            reel=_metadata(clip, _REEL) or _metadata(asset, _REEL),
            url=url,
            start=0,
            rate=rate,
            has_timecode=first > 0,
            available=FrameRange(first, first + count) if count > 0 else None,
            drop=clip.get("tcFormat") == "DF" and not nominal_rate(rate) % 30 and rate.denominator != 1,
        )
        return Medium(source, start, first, still)


def label(node: Node) -> str:
    """An element as an editor would know it."""
    name = node.get("name") or node.get("value")
    return f"'{name}'" if name else f"{'an' if node.tag[0] in 'aeiou' else 'a'} {node.tag}"


def _has_pictures(asset: Node) -> bool:
    told = asset.get("hasVideo")
    if told or asset.get("hasAudio"):
        return told == "1"
    return not _url(asset).lower().endswith(_SOUND)


def _url(asset: Node) -> str:
    reps = asset.all("media-rep")
    original = [rep for rep in reps if rep.get("kind", "original-media") == "original-media"]
    found = [*original, *reps, asset]
    return next((node.get("src") for node in found if node.get("src")), "")


def _metadata(node: Node, key: str) -> str:
    for metadata in node.all("metadata"):
        for entry in metadata.all("md"):
            if entry.get("key") == key:
                return entry.get("value").strip()
    return ""
