"""What a whole output file has in common: size, rate, aspect, colour and fields, read from its first frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import vapoursynth as vs

__all__ = ["AV_RANGE", "VideoInfo"]

AV_RANGE: Final = {"": 0, "limited": 1, "full": 2}
_FIELDS: Final = {0: "progressive", 1: "bff", 2: "tff"}
_UNKNOWN: Final = 2  # H.273: unspecified


def _range_of(props: Mapping[str, Any], family: vs.ColorFamily) -> str:
    if "_Range" in props:
        return "full" if props["_Range"] else "limited"
    if "_ColorRange" in props:  # the older name, which counts the other way round
        return "limited" if props["_ColorRange"] else "full"
    return "full" if family == vs.RGB else ""


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """Facts of one output.

    Attributes:
        width: Pixels.
        height: Pixels.
        format_id: VapourSynth format of the frames, as prepared.
        rate: Frames per second.
        sample_aspect: Width of a pixel over its height.
        matrix: H.273 matrix, 2 where unknown.
        transfer: H.273 transfer, 2 where unknown.
        primaries: H.273 primaries, 2 where unknown.
        range: ``limited``, ``full``, or empty where the frames do not say: nothing is made up.
        fields: ``progressive``, ``tff`` or ``bff``.
    """

    width: int
    height: int
    format_id: int
    rate: Fraction
    sample_aspect: Fraction = Fraction(1)
    matrix: int = _UNKNOWN
    transfer: int = _UNKNOWN
    primaries: int = _UNKNOWN
    range: str = ""
    fields: str = "progressive"

    @classmethod
    def of(cls, frame: vs.VideoFrame, rate: Fraction) -> VideoInfo:
        """Read the facts from a prepared frame and its props."""
        props: Mapping[str, Any] = frame.props
        num, den = int(props.get("_SARNum", 1)), int(props.get("_SARDen", 1))
        return cls(
            width=frame.width,
            height=frame.height,
            format_id=frame.format.id,
            rate=Fraction(rate),
            sample_aspect=Fraction(num, den) if num > 0 and den > 0 else Fraction(1),
            matrix=int(props.get("_Matrix", _UNKNOWN)),
            transfer=int(props.get("_Transfer", _UNKNOWN)),
            primaries=int(props.get("_Primaries", _UNKNOWN)),
            range=_range_of(props, frame.format.color_family),
            fields=_FIELDS.get(int(props.get("_FieldBased", 0)), "progressive"),
        )

    def accepts(self, frame: vs.VideoFrame) -> bool:
        """Whether a frame has the size and format of this output."""
        return (frame.width, frame.height, frame.format.id) == (self.width, self.height, self.format_id)
