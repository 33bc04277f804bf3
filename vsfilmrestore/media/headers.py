"""One picture file of a sequence: its header's facts, and its pixels into a VapourSynth frame.

Read by OpenImageIO. Code values stay what they are: 10-bit DPX becomes RGB30, 12-bit RGB36, 16-bit RGB48; EXR, half or
float, becomes RGBS. Grey stays grey. A fourth channel (alpha, infrared) is not carried.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import OpenImageIO as oiio
import vapoursynth as vs

from vsfilmrestore.errors import MediaError
from vsfilmrestore.media.colour import UNSPECIFIED, ColourTags
from vsfilmrestore.media.dpx import copy_words, word_image
from vsfilmrestore.media.timecode import exact_rate

__all__ = ["Header", "Layout", "read_header", "read_picture"]

core = vs.core

_BLOCK: Final = 64
"""Rows taken at a time: their samples stay in the processor's cache between reading and parting."""
_OURS: Final = "vsfilmrestore"
_LOG_TRANSFERS: Final = frozenset({"Printing density", "Logarithmic"})
_TRANSFERS: Final = {
    "Linear": 8,
    "SMPTE 274M": 1,
    "ITU-R 709-4": 1,
    "ITU-R 601-5 system B or G": 5,
    "ITU-R 601-5 system M": 6,
}
_PRIMARIES: Final = {
    "SMPTE 274M": 1,
    "ITU-R 709-4": 1,
    "ITU-R 601-5 system B or G": 5,
    "ITU-R 601-5 system M": 6,
}
_CHROMATICITIES: Final = {
    1: (0.64, 0.33, 0.30, 0.60, 0.15, 0.06),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    10: (1.0, 0.0, 0.0, 1.0, 0.0, 0.0),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """What must be the same in all files of a sequence.

    Attributes:
        width: Of the display window.
        height: Of the display window.
        grey: One channel, else red, green and blue.
        bits: 8, 10, 12 or 16; 32 for float.
    """

    width: int
    height: int
    grey: bool
    bits: int

    @property
    def format(self) -> vs.VideoFormat:
        """The VapourSynth format that holds it without loss."""
        sample = vs.FLOAT if self.bits == 32 else vs.INTEGER
        return core.query_video_format(vs.GRAY if self.grey else vs.RGB, sample, self.bits)

    def __str__(self) -> str:
        kind = "float" if self.bits == 32 else f"{self.bits} bit"
        return f"{self.width}x{self.height} {'grey' if self.grey else 'RGB'} {kind}"


@dataclass(frozen=True, slots=True)
class Header:
    """What the header of one file tells.

    Attributes:
        layout: Size and sample format.
        rate: Frames per second, None if silent.
        timecode: ``HH:MM:SS:FF``, ``;FF`` if flagged drop frame, '' if silent.
        keycode: Seven integers joined by blanks, '' if silent.
        reel: Reel name, '' if silent.
        sample_aspect: Width of a pixel over its height.
        colour: Tags as told.
        dropped: Channels that are not carried.
    """

    layout: Layout
    rate: Fraction | None
    timecode: str
    keycode: str
    reel: str
    sample_aspect: Fraction
    colour: ColourTags
    dropped: tuple[str, ...] = ()


def read_header(path: Path) -> Header:
    """Facts of one file, without its pixels.

    Raises:
        MediaError: Not a picture, or of a kind that cannot be carried.
    """
    with _opened(path) as picture:
        return _header(path, picture.spec())


def read_picture(path: Path, layout: Layout) -> tuple[vs.VideoFrame, Header]:
    """A new frame with the file's pixels (no properties yet), and the file's header.

    Raises:
        MediaError: Unreadable, truncated, or of another size or sample format than ``layout``; names the file.
    """
    with _opened(path) as picture:
        spec = picture.spec()
        header = _header(path, spec)
        if header.layout != layout:
            raise MediaError(
                f"the picture is {header.layout} where the sequence began with {layout}",
                file=path,
                hint="Split the sequence there, or bring all files to one size and sample format",
            )
        frame = core.create_video_frame(layout.format, layout.width, layout.height)
        words = word_image(path) if path.suffix.lower() == ".dpx" else None
        if words is not None and (words.width, words.height) == (layout.width, layout.height):
            copy_words(path, words, [np.asarray(frame[p]) for p in range(3)])
        else:
            _copy_pixels(path, picture, spec, frame, layout)
        return frame, header


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    hints = oiio.ImageSpec()
    # Else colours beside an alpha channel would be multiplied by it.
    hints.attribute("oiio:UnassociatedAlpha", 1)
    picture = oiio.ImageInput.open(str(path), hints)
    if picture is None:
        reason = _first_line(oiio.geterror())
        if not path.exists():
            reason = "there is no such file"
        raise MediaError(f"the picture cannot be read ({reason})", file=path)
    try:
        yield picture
    finally:
        picture.close()


def _first_line(text: str) -> str:
    lines = [line.strip() for line in str(text).splitlines() if line.strip()]
    return lines[0] if lines else "not a picture, or truncated"


def _header(path: Path, spec: Any) -> Header:
    chosen, dropped = _channels(path, spec)
    layout = Layout(spec.full_width or spec.width, spec.full_height or spec.height, len(chosen) == 1, _bits(path, spec))
    keycode = spec.getattribute("smpte:KeyCode")
    aspect = Fraction(spec.get_float_attribute("PixelAspectRatio", 1.0) or 1.0).limit_denominator(1000)
    return Header(
        layout=layout,
        rate=_rate(spec),
        timecode=_timecode(spec.getattribute("smpte:TimeCode")),
        keycode=" ".join(map(str, keycode)) if keycode and any(keycode) else "",
        reel=_reel(spec),
        sample_aspect=aspect if aspect > 0 else Fraction(1),
        colour=_colour(path, spec, layout),
        dropped=dropped,
    )


def _channels(path: Path, spec: Any) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Indices of R, G, B (or of the one grey channel), and the names of what is left behind."""
    names = [str(n) for n in spec.channelnames]
    last = [n.rsplit(".", 1)[-1].upper() for n in names]
    if all(c in last for c in "RGB"):
        chosen: tuple[int, ...] = tuple(last.index(c) for c in "RGB")
    elif spec.nchannels <= 2:
        chosen = (0,)
    else:
        raise MediaError(f"channels {', '.join(names)} are neither RGB nor grey", file=path)
    return chosen, tuple(n for i, n in enumerate(names) if i not in chosen)


def _bits(path: Path, spec: Any) -> int:
    kind = str(spec.format)
    if kind in {"half", "float"}:
        return 32
    stored = {"uint8": 8, "uint16": 16}.get(kind)
    if stored is None:
        raise MediaError(f"samples of type {kind} cannot be carried", file=path)
    bits = spec.get_int_attribute("oiio:BitsPerSample", stored) or stored
    # Odd depths (TIFF knows 14 bits) arrive scaled up to the next one we name.
    return bits if bits in {8, 10, 12, 16} and bits <= stored else stored


def _rate(spec: Any) -> Fraction | None:
    told = spec.getattribute("FramesPerSecond")
    if isinstance(told, tuple) and len(told) == 2 and told[0] > 0 and told[1] > 0:
        return exact_rate(Fraction(int(told[0]), int(told[1])))
    for name in ("dpx:FrameRate", "dpx:TemporalFrameRate"):
        value = spec.get_float_attribute(name, 0.0)
        if np.isfinite(value) and 1 <= value <= 1000:
            return exact_rate(round(float(value), 4))
    return None


def _reel(spec: Any) -> str:
    """The reel name; DPX has no field for it, so the input device holds it in files that we wrote ourselves."""
    reel = str(spec.getattribute("reelName") or "")
    if not reel and spec.get_string_attribute("Software").startswith(_OURS):
        reel = spec.get_string_attribute("dpx:InputDevice")
    return reel.strip()


def _timecode(words: Any) -> str:
    """SMPTE ST 12-1 time and control code, binary coded decimals, as DPX and EXR store it."""
    if not words:
        return ""
    word = int(words[0]) & 0xFFFFFFFF
    fields = [(word >> shift) & mask for shift, mask in ((24, 0x3F), (16, 0x7F), (8, 0x7F), (0, 0x3F))]
    if word == 0xFFFFFFFF or any(f & 0xF > 9 for f in fields):
        return ""
    hours, minutes, seconds, frames = (f // 16 * 10 + f % 16 for f in fields)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{';' if word & 0x40 else ':'}{frames:02d}"


def _colour(path: Path, spec: Any, layout: Layout) -> ColourTags:
    transfer = spec.get_string_attribute("dpx:Transfer")
    primaries = _PRIMARIES.get(spec.get_string_attribute("dpx:Colorimetric"))
    if told := spec.getattribute("chromaticities"):
        near = [k for k, v in _CHROMATICITIES.items() if np.allclose(told[:6], v, atol=2e-3)]
        primaries = near[0] if near else None
    curve = 8 if path.suffix.lower() == ".exr" else _TRANSFERS.get(transfer)
    cicp = _numbers(spec.getattribute("CICP")) or _numbers(spec.getattribute("vsfilmrestore:h273"))
    if cicp:
        primaries, curve = (None if n == UNSPECIFIED else n for n in cicp[:2])
    return ColourTags(
        matrix=None if layout.grey else 0,
        transfer=curve,
        primaries=primaries,
        full_range=True,
        log=transfer in _LOG_TRANSFERS or path.suffix.lower() == ".cin",
    )


def _numbers(told: Any) -> tuple[int, ...]:
    """Colour primaries, transfer, matrix and full range by ITU-T H.273: four integers, as a tuple or as text."""
    words = told.split() if isinstance(told, str) else told or ()
    return tuple(map(int, words)) if len(words) == 4 and all(str(w).isdigit() for w in words) else ()


def _copy_pixels(path: Path, picture: Any, spec: Any, frame: vs.VideoFrame, layout: Layout) -> None:
    planes = [np.asarray(frame[p]) for p in range(frame.format.num_planes)]
    chosen, _ = _channels(path, spec)
    whole = (spec.x, spec.y, spec.width, spec.height) == (spec.full_x, spec.full_y, layout.width, layout.height)
    if not whole:
        for plane in planes:
            plane[...] = 0
    kind = "float" if layout.bits == 32 else "uint8" if layout.bits == 8 else "uint16"
    shift = 16 - layout.bits if 8 < layout.bits < 16 else 0
    top, left = spec.y - spec.full_y, spec.x - spec.full_x
    step = spec.height if spec.tile_width else max(_BLOCK, spec.get_int_attribute("oiio:RowsPerChunk", 0))
    for row in range(0, spec.height, step):
        stop = min(row + step, spec.height)
        block = _rows(path, picture, spec, row, stop, kind)
        if shift:
            np.right_shift(block, shift, out=block)
        _place(block, planes, chosen, top + row, left)


def _rows(path: Path, picture: Any, spec: Any, row: int, stop: int, kind: str) -> Any:
    if spec.tile_width:
        block = picture.read_image(kind)
    else:
        block = picture.read_scanlines(spec.y + row, spec.y + stop, 0, 0, spec.nchannels, kind)
    if block is None:
        raise MediaError(f"the picture is truncated or damaged ({_first_line(picture.geterror())})", file=path)
    return block.reshape(stop - row, spec.width, spec.nchannels)


def _place(block: Any, planes: list[Any], chosen: tuple[int, ...], top: int, left: int) -> None:
    """Part the channels of some rows into planes; what lies outside the display window is cut off."""
    height, width = planes[0].shape
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(height, top + block.shape[0]), min(width, left + block.shape[1])
    if y1 <= y0 or x1 <= x0:
        return
    part = block[y0 - top : y1 - top, x0 - left : x1 - left]
    for plane, channel in zip(planes, chosen, strict=True):
        np.copyto(plane[y0:y1, x0:x1], part[..., channel])
