"""Small AAF files, written object by object."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from vsfilmrestore import timeline
from vsfilmrestore.timeline import Reel

OPERATIONS = {
    "VideoDissolve_2": ("89d9b67e-5584-302d-9abd-8bd330c46841", 2, False),
    "SMPTE Video Wipe": ("0c3bea40-fc05-11d2-8a29-0050040ef7d2", 2, False),
    "Motion Control": ("9d2ea890-0968-11d3-8a38-0050040ef7d2", 1, True),
    "Video Speed Control": ("9d2ea890-0968-11d3-8a38-0050040ef7d3", 1, True),
    "Submaster": ("f1db0f3d-8d64-11d3-80df-006008143e6f", -1, False),
    "SBlend_v2": ("47052d96-effc-431a-b2fe-3b4291c5d8fd", 2, False),
    "Colour": ("47052d96-effc-431a-b2fe-3b4291c5d8fe", 1, False),
}
PARAMETERS = {
    "PARAM_SPEED_MAP_U": "8d56827c-847e-11d5-935a-50f857c10000",
    "PARAM_SPEED_OFFSET_MAP_U": "8d56827d-847e-11d5-935a-50f857c10000",
    "PARAM_OFFSET_MAP_U": "8d56827f-847e-11d5-935a-50f857c10000",
    "SpeedRatio": "72559a80-24d7-11d3-8a50-0050040ef7d2",
    "Speed Ratio": "72559a80-24d7-11d3-8a50-0050040ef7d3",
    "Wipe Number": "8d568280-847e-11d5-935a-50f857c10000",
    "PP_IN_TANGENT_POS_U": "8d56830e-847e-11d5-935a-50f857c10000",
    "PP_IN_TANGENT_VAL_U": "8d56830f-847e-11d5-935a-50f857c10000",
    "PP_OUT_TANGENT_POS_U": "8d568310-847e-11d5-935a-50f857c10000",
    "PP_OUT_TANGENT_VAL_U": "8d568311-847e-11d5-935a-50f857c10000",
}
CURVES = {
    "LinearInterp": "5b6c85a4-0ede-11d3-80a9-006008143e6f",
    "ConstantInterp": "5b6c85a5-0ede-11d3-80a9-006008143e6f",
    "AvidCubicInterpolator": "a04a5439-8a0e-4cb7-975f-a5b255866883",
}


class Cut:
    """An AAF in the making: ``cut.show(...)`` fills the picture track, ``cut.read()`` reads it back."""

    def __init__(self, path: Path, rate: str = "24/1") -> None:
        aaf2 = pytest.importorskip("aaf2")
        self.path, self.rate = path, rate
        self.file = aaf2.open(str(path), "w")
        self.make = self.file.create
        for name, (identity, inputs, warps) in OPERATIONS.items():
            operation = self.make.OperationDef(identity, name, "")
            self.file.dictionary.register_def(operation)
            operation.media_kind = "picture"
            operation["IsTimeWarp"].value = warps
            operation["NumberInputs"].value = inputs
            operation["Bypass"].value = 1 if name == "SBlend_v2" else 0
        for name, identity in PARAMETERS.items():
            self.file.dictionary.register_def(self.make.ParameterDef(identity, name, "", "Rational"))
        for name, identity in CURVES.items():
            self.file.dictionary.register_def(self.make.InterpolationDef(identity, name, ""))
        self.sequence = self.composition("Cut", "Usage_TopLevel")

    def composition(self, name: str, usage: str | None = None) -> Any:
        mob = self.make.CompositionMob(name)
        if usage:
            mob.usage = usage
        self.file.content.mobs.append(mob)
        return mob

    def tape(self, name: str, start: int, *, fps: int = 24, rate: str = "24/1", drop: bool = False) -> Any:
        mob = self.make.SourceMob()
        mob.create_tape_slots(name, rate, fps, drop_frame=drop, media_kind="picture")
        mob.slots[1].segment.start = start
        self.file.content.mobs.append(mob)
        return mob

    def media(
        self,
        name: str,
        length: int = 240,
        *,
        tape: Any = None,
        at: int = 0,
        url: str = "",
        rate: str = "24/1",
        comments: dict[str, str] | None = None,
    ) -> Any:
        """A master mob over a file mob over a tape, where there is one."""
        file = self.make.SourceMob(f"{name}.PHYS")
        descriptor = self.make.CDCIDescriptor()
        for key, value in {
            "ComponentWidth": 8,
            "HorizontalSubsampling": 2,
            "FrameLayout": "FullFrame",
            "ImageAspectRatio": "4/3",
            "StoredWidth": 640,
            "StoredHeight": 480,
            "VideoLineMap": [42, 0],
            "Length": length,
            "SampleRate": rate,
        }.items():
            descriptor[key].value = value
        descriptor["ContainerFormat"].value = self.file.dictionary.lookup_containerdef("AAF")
        if url:
            locator = self.make.NetworkLocator()
            locator["URLString"].value = url
            descriptor["Locator"].append(locator)
        file.descriptor = descriptor
        self.file.content.mobs.append(file)
        slot = file.create_timeline_slot(rate)
        slot.segment = self.clip(tape, at, length) if tape else self.make.SourceClip(length=length)
        master = self.make.MasterMob(name)
        self.file.content.mobs.append(master)
        master.create_timeline_slot(rate).segment = self.clip(file, 0, length)
        for key, text in (comments or {}).items():
            master.comments[key] = text
        return master

    def clip(self, mob: Any, start: int, length: int, **attributes: Any) -> Any:
        clip = self.make.SourceClip(start, length, mob.mob_id, 1, "picture")
        for key, value in attributes.items():
            clip["ComponentAttributeList"].append(self.make.TaggedValue(key, value))
        return clip

    def gap(self, length: int) -> Any:
        return self.make.Filler("picture", length)

    def below(self, length: int, outward: int = 0) -> Any:
        reference = self.make.ScopeReference("picture", length)
        reference["RelativeScope"].value, reference["RelativeSlot"].value = outward, 1
        return reference

    def row(self, *parts: Any) -> Any:
        row = self.make.Sequence("picture")
        row.components.extend(list(parts))
        transitions = [part for part in parts if type(part).__name__ == "Transition"]
        row.length = sum(part.length for part in parts) - 2 * sum(part.length for part in transitions)
        return row

    def stack(self, *rows: Any) -> Any:
        stack = self.make.NestedScope("picture", rows[0].length)
        stack["Slots"].extend(list(rows))
        return stack

    def effect(self, name: str, length: int, *inputs: Any, **parameters: Any) -> Any:
        group = self.make.OperationGroup(name, length, "picture")
        if inputs:
            group["InputSegments"].extend(list(inputs))
        for key, value in parameters.items():
            group.parameters.append(self._parameter(key.replace("__", " "), value))
        return group

    def _parameter(self, name: str, value: Any) -> Any:
        if not isinstance(value, tuple):
            return self.make.ConstantValue(name, value)
        curve, keys = value
        varying = self.make.VaryingValue(name, curve)
        for time, place, *handles in keys:
            point = varying.add_keyframe(time, place)
            for key, number in zip(list(PARAMETERS)[-4:], handles, strict=False):
                each = self.make.ConstantValue(key, number)
                point["ControlPointPointProperties"].append(each)
        return varying

    def transition(self, length: int, cut: int, name: str = "VideoDissolve_2", **parameters: Any) -> Any:
        transition = self.make.Transition("picture", length)
        transition.cutpoint = cut
        transition["OperationGroup"].value = self.effect(name, length, **parameters)
        return transition

    def show(self, segment: Any, mob: Any = None, rate: str | None = None) -> None:
        (mob or self.sequence).create_timeline_slot(rate or self.rate).segment = segment

    def timecode(self, start: int, fps: int = 24, *, drop: bool = False, mob: Any = None) -> None:
        slot = (mob or self.sequence).create_timeline_slot(self.rate)
        slot.segment = self.make.Timecode(fps, drop=drop)
        slot.segment.start = start

    def mark(self, at: int, text: str, colour: str = "", length: int = 1, mob: Any = None) -> None:
        slot = self.make.EventMobSlot()
        slot["EditRate"].value, slot["SlotID"].value = self.rate, 1000 + len((mob or self.sequence).slots)
        marker = self.make.DescriptiveMarker()
        marker["Position"].value, marker["Comment"].value = at, text
        if length > 1:
            marker["Length"].value = length
        if colour:
            marker["CommentMarkerAttributeList"].append(self.make.TaggedValue("_ATN_CRM_COLOR", colour))
        slot.segment = self.make.Sequence("DescriptiveMetadata")
        slot.segment.components.append(marker)
        (mob or self.sequence).slots.append(slot)

    def save(self) -> Path:
        self.file.close()
        return self.path

    def read(self, rate: Fraction | None = None) -> Reel:
        return timeline.read(self.save(), rate=rate)


@pytest.fixture
def cut(tmp_path: Path) -> Cut:
    """An empty sequence at 24 fps."""
    return Cut(tmp_path / "cut.aaf")


@pytest.fixture
def cut_at(tmp_path: Path) -> Callable[[str], Cut]:
    """An empty sequence at a rate: ``cut_at("30000/1001")``."""
    return lambda rate: Cut(tmp_path / "cut.aaf", rate)
