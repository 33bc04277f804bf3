"""Colour tags told truly, and log scans brought to a display-like curve and back.

Numbers are those of ITU-T H.273, as in VapourSynth's ``_Matrix``, ``_Transfer`` and ``_Primaries``; 2 is
"unspecified". What a header does not tell stays unspecified: nothing here guesses.

The log curve is Kodak's for printing density as DPX (SMPTE ST 268) and Cineon files store it: 0.002 density per
10-bit code value, negative gamma 0.6, reference black (film base) at 95, reference white (90 % card) at 685. Source:
G. Kennel, "Conversion of 10-bit Log Film Data to 8-bit Linear or Video Data for the Cineon Digital Film System",
Eastman Kodak, version 2.1, 1995.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import vapoursynth as vs

from vsfilmrestore.media import props

__all__ = [
    "LOG_BLACK",
    "LOG_WHITE",
    "UNSPECIFIED",
    "ColourTags",
    "display_to_log",
    "log_to_display",
    "untold",
    "write_colour",
]

core = vs.core

UNSPECIFIED: Final = 2
LOG_BLACK: Final = 95
"""10-bit code value of film base."""
LOG_WHITE: Final = 685
"""10-bit code value of a 90 % white card."""

_CODES_PER_DECADE: Final = 0.6 / 0.002
_SRGB: Final = 13


@dataclass(frozen=True, slots=True)
class ColourTags:
    """What a header tells of colour; None where it is silent.

    Attributes:
        matrix: H.273 matrix; 0 is RGB.
        transfer: H.273 transfer characteristics.
        primaries: H.273 colour primaries.
        full_range: Whether code values use the full range.
        log: Whether code values are logarithmic printing density, which H.273 has no number for.
    """

    matrix: int | None = None
    transfer: int | None = None
    primaries: int | None = None
    full_range: bool | None = None
    log: bool = False

    def props(self) -> dict[str, int]:
        """The frame properties that tell it; a silent range has none, the others are 2."""
        told = {
            "_Matrix": UNSPECIFIED if self.matrix is None else self.matrix,
            "_Transfer": UNSPECIFIED if self.transfer is None else self.transfer,
            "_Primaries": UNSPECIFIED if self.primaries is None else self.primaries,
        }
        if self.full_range is not None:
            told["_Range"] = int(vs.RANGE_FULL if self.full_range else vs.RANGE_LIMITED)
        if self.log:
            told[props.LOG] = 1
        return told


def untold(tags: ColourTags, family: vs.ColorFamily) -> tuple[str, ...]:
    """Names of what matters for a picture of this family and is not told: ``("matrix", "range")``."""
    needed: list[tuple[str, object]] = []
    if family == vs.YUV:
        needed.append(("matrix", tags.matrix))
    if family != vs.RGB:
        needed.append(("range", tags.full_range))
    return tuple(name for name, value in needed if value is None)


def write_colour(clip: vs.VideoNode, tags: ColourTags) -> vs.VideoNode:
    """Write the truth about colour onto every frame.

    RGB always gets matrix 0. Properties the tags are silent about become "unspecified", an untold range is removed:
    what stood there before was a guess.

    Args:
        clip: Any clip of constant format.
        tags: What is known.
    """
    told = tags.props()
    if clip.format.color_family == vs.RGB:
        told["_Matrix"] = 0
    stale = [name for name in ("_Range", "_ColorRange", props.LOG) if name not in told]
    return core.std.SetFrameProps(core.std.RemoveFrameProps(clip, stale), **told)


def log_to_display(clip: vs.VideoNode, *, black: int = LOG_BLACK, white: int = LOG_WHITE) -> vs.VideoNode:
    """Printing density to a display-like curve, for looking at a log scan or showing it to a network.

    Code values become scene light with ``black`` at 0 and ``white`` at 1, and that light is put on the sRGB curve
    (IEC 61966-2-1). Light above white goes above 1 (code 1023 at about 3.0) and film base noise slightly below 0;
    nothing is clipped, so `display_to_log` brings back every code value.

    Args:
        clip: RGB or GRAY of 8 to 16 bits or float (1.0 is code 1023), log.
        black: 10-bit code value that becomes 0.
        white: 10-bit code value that becomes 1.

    Returns:
        RGBS or GRAYS, tagged sRGB and no longer log.

    Raises:
        vs.Error: YUV, or ``black`` not below ``white``.
    """
    _check("log_to_display", clip, black, white)
    offset = 10 ** ((black - white) / _CODES_PER_DECADE)
    scale = 1023 / _peak(clip)
    linear = f"10 x {scale!r} * {white} - {_CODES_PER_DECADE!r} / pow {offset!r} - {1 - offset!r} /"
    curve = "L! L@ 0.0031308 <= L@ 12.92 * L@ 0.0031308 max 1 2.4 / pow 1.055 * 0.055 - ?"
    shown = core.akarin.Expr(clip, f"{linear} {curve}", _float_of(clip))
    return core.std.SetFrameProps(core.std.RemoveFrameProps(shown, [props.LOG]), _Transfer=_SRGB)


def display_to_log(
    clip: vs.VideoNode, like: vs.VideoNode, *, black: int = LOG_BLACK, white: int = LOG_WHITE
) -> vs.VideoNode:
    """The inverse of `log_to_display`, in the format of ``like``.

    Args:
        clip: RGBS or GRAYS on the display-like curve.
        like: The log clip it was made from: gives the format and the properties.
        black: As given to `log_to_display`.
        white: As given to `log_to_display`.

    Raises:
        vs.Error: The clips differ in size, length or family, or ``clip`` is not 32-bit float.
    """
    _check("display_to_log", like, black, white)
    same = (clip.width, clip.height, clip.num_frames) == (like.width, like.height, like.num_frames)
    if not same or clip.format.id != _float_of(like):
        raise vs.Error("display_to_log: the clip must be float and of the size, length and family of the log clip")
    offset = 10 ** ((black - white) / _CODES_PER_DECADE)
    light = "x 0.04045 <= x 12.92 / x 0.04045 max 0.055 + 1.055 / 2.4 pow ?"
    # Nothing on film is darker than no light at all: keep the logarithm's argument above zero.
    code = f"{light} {1 - offset!r} * {offset!r} + 1e-6 max log {10.0!r} log / {_CODES_PER_DECADE!r} * {white} +"
    logged = core.akarin.Expr(clip, f"{code} {_peak(like) / 1023!r} *", like.format.id)
    return core.std.SetFrameProps(core.std.CopyFrameProps(logged, like), **{props.LOG: 1}, _Transfer=UNSPECIFIED)


def _check(name: str, clip: vs.VideoNode, black: int, white: int) -> None:
    if clip.format.color_family not in (vs.RGB, vs.GRAY):
        raise vs.Error(f"{name}: a log scan is RGB or grey, not {clip.format.name}")
    if not 0 <= black < white <= 1023:
        raise vs.Error(f"{name}: black ({black}) must lie below white ({white}), both in 0..1023")


def _peak(clip: vs.VideoNode) -> float:
    whole = clip.format.sample_type == vs.INTEGER
    return float((1 << clip.format.bits_per_sample) - 1) if whole else 1.0


def _float_of(clip: vs.VideoNode) -> int:
    return int(vs.RGBS if clip.format.color_family == vs.RGB else vs.GRAYS)
