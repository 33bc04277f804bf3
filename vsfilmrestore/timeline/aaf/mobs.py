"""The media of an AAF, written: a master mob for each clip name, a file mob with a locator, a tape mob for the reel.

::

    composition --> master mob --> file mob --> tape mob
                    clip name      URL, size    reel, timecode from 00:00:00:00
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from vsfilmrestore.media.timecode import nominal_rate
from vsfilmrestore.timeline._writing import Extras, Losses, MediaKey, file_url, media_key
from vsfilmrestore.timeline.model import FrameRange, SourceKey

__all__ = ["SLOT", "Definitions", "Mobs", "edit_rate", "make"]

SLOT: Final = 1
"""Picture slot of all mobs of media."""

_UNKNOWN_SIZE: Final = (1920, 1080)
_DAY: Final = 24 * 3600


def edit_rate(rate: Fraction) -> str:
    """A rate as the library takes it."""
    return f"{rate.numerator}/{rate.denominator}"


def make(file: Any, name: str, *values: Any, **named: Any) -> Any:
    """A new object of a class of the file. (The library's own short form forgets the class while values are made.)"""
    return file.create.from_name(name, *values, **named)


class Mobs:
    """Makes the mobs of media, each once.

    Args:
        file: The file being written.
        extents: All frames of each medium.
        extras: Sizes of pictures.
        losses: Told of what is made up.
    """

    def __init__(self, file: Any, extents: dict[MediaKey, FrameRange], extras: Extras, losses: Losses) -> None:
        self._file, self._extents, self._extras, self._losses = file, extents, extras, losses
        self._masters: dict[tuple[MediaKey, str], Any] = {}
        self._files: dict[MediaKey, Any] = {}
        self._tapes: dict[tuple[str, Fraction, bool, bool], Any] = {}

    def master(self, source: SourceKey, name: str) -> Any:
        """The master mob of a medium under a clip name; its slot counts from the medium's first frame."""
        key = media_key(source), name
        if key not in self._masters:
            mob = self._add(make(self._file, "MasterMob", name))
            slot = mob.create_timeline_slot(edit_rate(source.rate), SLOT)
            slot["PhysicalTrackNumber"].value = 1
            length = len(self._extents[key[0]])
            slot.segment = self._file_mob(source).create_source_clip(SLOT, 0, length, "picture")
            self._masters[key] = mob
        return self._masters[key]

    def _add(self, mob: Any) -> Any:
        self._file.content.mobs.append(mob)
        return mob

    def _file_mob(self, source: SourceKey) -> Any:
        key = media_key(source)
        if key not in self._files:
            known = self._extents[key]
            mob = self._add(make(self._file, "SourceMob", source.name or source.label))
            mob.descriptor = self._descriptor(source, len(known))
            slot = mob.create_empty_slot(edit_rate(source.rate), "picture", SLOT)
            if source.reel:
                start = known.start if source.has_timecode else 0
                slot.segment = self._tape(source).create_source_clip(SLOT, start, len(known), "picture")
            slot.segment.length = len(known)
            if source.has_timecode and not source.reel:
                self._timecode(mob, source, known.start, len(known))
            self._files[key] = mob
        return self._files[key]

    def _tape(self, source: SourceKey) -> Any:
        key = source.reel, source.rate, source.drop, source.has_timecode
        if key not in self._tapes:
            mob = self._add(make(self._file, "SourceMob", source.reel))
            mob.descriptor = make(self._file, "TapeDescriptor")
            slot = mob.create_empty_slot(edit_rate(source.rate), "picture", SLOT)
            slot.segment.length = _DAY * nominal_rate(source.rate)
            if source.has_timecode:
                self._timecode(mob, source, 0, slot.segment.length)
            self._tapes[key] = mob
        return self._tapes[key]

    def _timecode(self, mob: Any, source: SourceKey, start: int, length: int) -> None:
        slot = mob.create_timecode_slot(edit_rate(source.rate), nominal_rate(source.rate), source.drop, length)
        slot.segment.start = start
        slot["PhysicalTrackNumber"].value = 1

    def _descriptor(self, source: SourceKey, length: int) -> Any:
        facts = self._extras.media.get(source.url)
        if facts is None:
            self._losses.add("the cut does not tell the size of its pictures; written as 1920x1080")
        width, height = (facts.width, facts.height) if facts else _UNKNOWN_SIZE
        aspect = Fraction(width, height) * (facts.sample_aspect if facts else 1)
        descriptor = make(self._file, "CDCIDescriptor")
        for key, value in (
            ("SampleRate", edit_rate(source.rate)),
            ("Length", length),
            ("StoredWidth", width),
            ("StoredHeight", height),
            ("FrameLayout", "FullFrame"),
            ("VideoLineMap", [42, 0]),
            ("ImageAspectRatio", edit_rate(aspect)),
            ("ComponentWidth", 8),
            ("HorizontalSubsampling", 2),
            ("ContainerFormat", self._file.dictionary.lookup_containerdef("AAF")),
        ):
            descriptor[key].value = value
        if source.url:
            locator = make(self._file, "NetworkLocator")
            locator["URLString"].value = file_url(source.url)
            descriptor["Locator"].append(locator)
        else:
            self._losses.add("no path is known; the file is looked for by its name", source.name or source.label)
        return descriptor


class Definitions:
    """The effects a cut uses, defined in the file the first time they are used.

    Identities are those of the AAF Association's effects and of Avid's motion control.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._known: dict[str, Any] = {}

    def dissolve(self) -> Any:
        """Video dissolve."""
        return self._operation("0c3bea40-fc05-11d2-8a29-0050040ef7d2", "Video Dissolve", inputs=2)

    def wipe(self) -> Any:
        """SMPTE wipe; its parameter `wipe_number` tells which."""
        return self._operation(
            "0c3bea44-fc05-11d2-8a29-0050040ef7d2", "SMPTE Video Wipe", [self.wipe_number()], inputs=2
        )

    def motion(self) -> Any:
        """Avid's motion control."""
        parameters = [self.speed_ratio(), self.offsets()]
        return self._operation(
            "9d2ea890-0968-11d3-8a38-0050040ef7d2", "Motion Control", parameters, inputs=1, warps=True
        )

    def wipe_number(self) -> Any:
        return self._parameter("9c894ba0-2277-11d3-8a4c-0050040ef7d2", "SMPTEWipeNumber", "aafUInt32")

    def speed_ratio(self) -> Any:
        return self._parameter("72559a80-24d7-11d3-8a50-0050040ef7d2", "SpeedRatio", "Rational")

    def offsets(self) -> Any:
        return self._parameter("8d56827d-847e-11d5-935a-50f857c10000", "PARAM_SPEED_OFFSET_MAP_U", "Rational")

    def linear(self) -> Any:
        """Straight between keys."""
        if "linear" not in self._known:
            made = make(self._file, "InterpolationDef", "5b6c85a4-0ede-11d3-80a9-006008143e6f", "LinearInterp", "")
            self._file.dictionary.register_def(made)
            self._known["linear"] = made
        return self._known["linear"]

    def _operation(
        self, identity: str, name: str, parameters: list[Any] | None = None, *, inputs: int, warps: bool = False
    ) -> Any:
        if name not in self._known:
            made = make(self._file, "OperationDef", identity, name, "")
            self._file.dictionary.register_def(made)
            made.media_kind = "picture"
            made["IsTimeWarp"].value = warps
            made["Bypass"].value = 0
            made["NumberInputs"].value = inputs
            made["OperationCategory"].value = "OperationCategory_Effect"
            for parameter in parameters or []:
                made.parameters.append(parameter)
            self._known[name] = made
        return self._known[name]

    def _parameter(self, identity: str, name: str, kind: str) -> Any:
        if name not in self._known:
            made = make(self._file, "ParameterDef", identity, name, "", kind)
            self._file.dictionary.register_def(made)
            self._known[name] = made
        return self._known[name]
