"""What the header of a still says: timecode, keycode, reel, rate, aspect and colour; in OpenEXR how it was made.

A frame that carries its own source's values (see `vsfilmrestore.media.props`) keeps them; else the values are counted
on from those of the first frame. DPX follows SMPTE ST 268, timecode words SMPTE ST 12-1, keycodes the seven numbers of
the OpenEXR KeyCode attribute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import OpenImageIO as oiio

from vsfilmrestore.media import props as names
from vsfilmrestore.media.out.info import VideoInfo
from vsfilmrestore.media.out.profiles import Profile
from vsfilmrestore.media.out.source_type import ATTRIBUTE, BASE, source_type
from vsfilmrestore.media.timecode import format_timecode, nominal_rate, parse_timecode

__all__ = ["StillLabels", "describe_still", "keycode_after", "timecode_word"]

_DPX_TRANSFER: Final = {
    1: "ITU-R 709-4",
    5: "ITU-R 601-5 system B or G",
    6: "ITU-R 601-5 system M",
    8: "Linear",
}
_DPX_COLORIMETRIC: Final = {1: "ITU-R 709-4", 5: "ITU-R 601-5 system B or G", 6: "ITU-R 601-5 system M"}
_CHROMATICITIES: Final = {
    1: (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, 0.3127, 0.3290),
    6: (0.63, 0.34, 0.31, 0.595, 0.155, 0.07, 0.3127, 0.3290),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290),
}
_SOFTWARE: Final = "vsfilmrestore"
"""Without a version, so that the same frames give the same bytes; our reader knows by it where a DPX keeps the reel."""
_MOST_FRAMES: Final = 40  # two bits hold the tens of frames


@dataclass(frozen=True, slots=True)
class StillLabels:
    """Where a sequence of stills starts.

    Attributes:
        timecode: Timecode of the whole output's first frame, or None.
        keycode: Keycode of that frame, seven integers joined by blanks, or empty.
        reel: Reel name.
        offset: Frames from that frame to the first one of this piece.
        from_source: What a frame carries of its own source comes before what is counted on.
    """

    timecode: str | None = None
    keycode: str = ""
    reel: str = ""
    offset: int = 0
    from_source: bool = True


def timecode_word(timecode: str, rate: Fraction) -> int | None:
    """SMPTE ST 12-1 word of a timecode, or None above 40 frames a second, which it cannot count."""
    if nominal_rate(rate) > _MOST_FRAMES:
        return None
    count = parse_timecode(timecode, rate)
    drop = ";" in timecode or "," in timecode
    text = format_timecode(count, rate, drop=drop and nominal_rate(rate) % 30 == 0 and rate.denominator != 1)
    word = 0
    for part in text.replace(";", ":").split(":"):
        word = word << 8 | int(part) // 10 << 4 | int(part) % 10
    return word | (0x40 if ";" in text else 0)


def timecode_after(timecode: str, frames: int, rate: Fraction) -> str:
    """The timecode so many frames later, counted as the first is written (drop frame or not)."""
    drop = ";" in timecode and nominal_rate(rate) % 30 == 0 and rate.denominator != 1
    return format_timecode(parse_timecode(timecode, rate) + frames, rate, drop=drop)


def keycode_after(keycode: str, frames: int) -> str:
    """The keycode so many frames later: the perforations run on into the count, the count wraps at 9999."""
    maker, film, prefix, count, offset, per_frame, per_count = (int(v) for v in keycode.split())
    if per_frame <= 0 or per_count <= 0:
        return keycode
    feet, offset = divmod(offset + frames * per_frame, per_count)
    return " ".join(str(v) for v in (maker, film, prefix, (count + feet) % 10_000, offset, per_frame, per_count))


def _labels(props: Mapping[str, Any], labels: StillLabels, number: int, info: VideoInfo) -> tuple[str, str, str]:
    """Timecode, keycode and reel of a frame; empty where unknown."""
    later = labels.offset + number
    own = {n: _text(props.get(n)) if labels.from_source else "" for n in (names.TIMECODE, names.KEYCODE, names.REEL)}
    timecode = own[names.TIMECODE] or (timecode_after(labels.timecode, later, info.rate) if labels.timecode else "")
    keycode = own[names.KEYCODE] or (keycode_after(labels.keycode, later) if labels.keycode else "")
    return timecode, keycode, own[names.REEL] or labels.reel


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")


def _describe_dpx(spec: oiio.ImageSpec, props: Mapping[str, Any], reel: str, position: int, info: VideoInfo) -> None:
    log = bool(props.get(names.LOG))
    spec["oiio:Endian"] = "big"
    spec["dpx:Packing"] = "Filled, method A"
    spec["dpx:FrameRate"] = float(info.rate)
    spec["dpx:TemporalFrameRate"] = float(info.rate)
    spec["dpx:FramePosition"] = position
    spec["dpx:Transfer"] = "Printing density" if log else _DPX_TRANSFER.get(info.transfer, "User defined")
    spec["dpx:Colorimetric"] = "Printing density" if log else _DPX_COLORIMETRIC.get(info.primaries, "User defined")
    if reel:  # ST 268 has no field for it; grading systems look at the input device
        spec["dpx:InputDevice"] = reel[:31]
    if source := _text(props.get(names.SOURCE_FILE)):
        spec["dpx:SourceImageFileName"] = source[-99:]


def _describe_exr(spec: oiio.ImageSpec, props: Mapping[str, Any], reel: str, info: VideoInfo) -> None:
    spec["compression"] = "zip"
    rate = (info.rate.numerator, info.rate.denominator)
    spec.attribute("FramesPerSecond", oiio.TypeDesc("rational"), rate)
    if reel:
        spec["reelName"] = reel
    if info.primaries in _CHROMATICITIES:
        spec.attribute("chromaticities", oiio.TypeDesc("float[8]"), _CHROMATICITIES[info.primaries])
    # OpenEXR has no name for a transfer curve; the values are kept as they came, so it is said which one (ITU-T H.273).
    spec["vsfilmrestore:h273"] = f"{info.primaries} {info.transfer} {info.matrix} {int(info.range == 'full')}"
    if source := _text(props.get(names.SOURCE_FILE)):
        spec["sourceFile"] = source
    if term := source_type(props):
        spec[ATTRIBUTE] = BASE + term


def describe_still(
    spec: oiio.ImageSpec, props: Mapping[str, Any], profile: Profile, labels: StillLabels, number: int, info: VideoInfo
) -> None:
    """Fill the header of one still.

    Args:
        spec: OpenImageIO's description of the file.
        props: The frame's properties.
        profile: A stills profile.
        labels: Where the sequence starts.
        number: Place of the frame in this piece, from 0.
        info: Facts of the whole output.

    Raises:
        ValueError: A timecode or keycode is none.
    """
    timecode, keycode, reel = _labels(props, labels, number, info)
    spec["oiio:BitsPerSample"] = profile.bits
    spec["Software"] = _SOFTWARE
    spec["DateTime"] = ""  # the same frames give the same bytes tomorrow
    spec["PixelAspectRatio"] = float(info.sample_aspect)
    word = timecode_word(timecode, info.rate) if timecode else None
    if word is not None:
        spec.attribute("smpte:TimeCode", oiio.TypeDesc("timecode"), (word, 0))
    if keycode:
        spec.attribute("smpte:KeyCode", oiio.TypeDesc("keycode"), tuple(int(v) for v in keycode.split()))
    kind = profile.containers[profile.suffix]
    if kind == "dpx":
        _describe_dpx(spec, props, reel, labels.offset + number, info)
    elif kind == "openexr":
        _describe_exr(spec, props, reel, info)
    else:
        spec["compression"] = "zip"
