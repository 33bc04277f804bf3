"""Bring a clip to the pixel format that an output stores, and touch nothing when it is there already.

Nothing is decoded while the conversion is set up: props that are only known per frame (matrix, range) are honoured per
frame by the resizer; only where a frame does not say its matrix is the usual one for its size assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import vapoursynth as vs

from vsfilmrestore.errors import OutputError
from vsfilmrestore.media.out.profiles import Profile, check_size

__all__ = ["Preparation", "plan_preparation", "prepare", "usual_matrix", "with_matrix"]

core = vs.core

_BT709: Final = 1
_BT601: Final = 6
_CHOICE: Final = "x._Matrix 0 > x._Matrix 2 = not and x._Matrix {usual} ?"


@dataclass(frozen=True, slots=True)
class Preparation:
    """How a clip comes to the format that an output stores.

    Attributes:
        target: VapourSynth format id to store.
        converts: Pixels are changed.
        matrix: H.273 matrix to write (RGB or grey to YUV), or assumed where a frame does not say its own (YUV to RGB).
        dithers: Error diffusion spreads what the lower depth cannot hold.
        reason: One sentence for the report.
    """

    target: int
    converts: bool
    matrix: int
    dithers: bool
    reason: str


def _depth(fmt: vs.VideoFormat) -> int:
    # A half float holds 11 bits of code value, a float 24; neither loses whole numbers of fewer bits.
    if fmt.sample_type == vs.FLOAT:
        return 11 if fmt.bits_per_sample == 16 else 24
    return fmt.bits_per_sample


def _distance(have: vs.VideoFormat, want: vs.VideoFormat) -> tuple[Any, ...]:
    """Smaller is better: colour kept, chroma kept, no bit lost, no bit wasted."""
    colour = 0 if have.color_family == want.color_family else 1 if have.color_family == vs.GRAY else 2
    lost_chroma = max(0, want.subsampling_w - have.subsampling_w) + max(0, want.subsampling_h - have.subsampling_h)
    shift = abs(want.subsampling_w - have.subsampling_w) + abs(want.subsampling_h - have.subsampling_h)
    lack = max(0, _depth(have) - _depth(want))
    return (colour, lost_chroma, lack, shift, want.bits_per_sample)


def _best_target(fmt: vs.VideoFormat, profile: Profile) -> vs.VideoFormat:
    formats = [core.get_video_format(i) for i in profile.pixels]
    return min(formats, key=lambda want: _distance(fmt, want))


def plan_preparation(clip: vs.VideoNode, profile: Profile) -> Preparation:
    """Decide the conversion without building it.

    Raises:
        OutputError: The clip's size or format cannot be stored; the message names the way out.
    """
    fmt = clip.format
    if not clip.width or not clip.height or fmt is None or fmt.color_family == vs.UNDEFINED:
        raise OutputError(
            "a clip whose size or format changes cannot be stored in one file", hint="Resize it to one format first"
        )
    check_size(profile, clip.width, clip.height)
    usual = usual_matrix(clip)
    if fmt.id in profile.pixels:
        return Preparation(fmt.id, False, usual, False, f"{fmt.name} is stored as it is")
    want = _best_target(fmt, profile)
    if fmt.sample_type == vs.FLOAT and want.sample_type == vs.INTEGER and profile.lossless:
        raise OutputError(
            f"{profile.name} holds whole numbers only and would cut off what lies outside 0..1 in {fmt.name}",
            hint=f"Choose exr_half or exr_float, or convert to {want.name} first (resize.Spline36)",
        )
    dithers = want.sample_type == vs.INTEGER and _depth(want) < _depth(fmt)
    matrix = "BT.709" if usual == _BT709 else "BT.601"
    how = f"{fmt.name} becomes {want.name}" + (", dithered" if dithers else "")
    if fmt.color_family == vs.YUV and want.color_family == vs.RGB:
        how += f"; frames without a matrix are taken as {matrix}"
    elif fmt.color_family != want.color_family and want.color_family == vs.YUV:
        how += f" with matrix {matrix}" + (" unless the grey says another" if fmt.color_family == vs.GRAY else "")
    return Preparation(want.id, True, usual, dithers, how)


def usual_matrix(clip: vs.VideoNode) -> int:
    """H.273 matrix of pictures of this size that do not say their own: BT.709 for HD, BT.601 for SD."""
    return _BT709 if clip.width > 1024 or clip.height > 576 else _BT601


def with_matrix(clip: vs.VideoNode) -> vs.VideoNode:
    """Give frames that do not say their matrix the usual one; the others keep theirs."""
    usual = usual_matrix(clip)
    return core.akarin.PropExpr([clip], lambda: {"_Matrix": _CHOICE.format(usual=usual)})


def _with_range(clip: vs.VideoNode) -> vs.VideoNode:
    """Take grey as full range unless it says otherwise: stretching what was full would cut off both ends for good."""
    full = clip.std.SetFrameProps(_Range=vs.RANGE_FULL)

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        return clip if "_Range" in f.props or "_ColorRange" in f.props else full

    return core.std.FrameEval(clip, choose, prop_src=[clip], clip_src=[clip, full])


def prepare(clip: vs.VideoNode, profile: Profile) -> vs.VideoNode:
    """Convert a clip to what the profile stores.

    A clip that can be stored as it is comes back itself (same node), except that formats which know limited range
    only bring full-range frames to it (limited frames pass bit for bit).

    Args:
        clip: Any constant format and size.
        profile: See `profiles.PROFILES`.

    Returns:
        A clip of the same size and length, with matrix and range props as stored.

    Raises:
        OutputError: The clip's size or format cannot be stored.
    """
    plan = plan_preparation(clip, profile)
    if not plan.converts and not profile.limited:
        return clip
    have, want = clip.format, core.get_video_format(plan.target)
    settings: dict[str, Any] = {"format": plan.target}
    if plan.dithers:
        settings["dither_type"] = "error_diffusion"
    if have.color_family == vs.RGB and want.color_family != vs.RGB:
        settings["matrix"] = plan.matrix
    elif have.color_family != vs.RGB and have.color_family != want.color_family:
        clip = with_matrix(clip)
    if profile.limited:
        settings["range"] = vs.RANGE_LIMITED
    elif not profile.is_movie or want.color_family == vs.RGB:
        settings["range"] = vs.RANGE_FULL
        clip = _with_range(clip) if have.color_family == vs.GRAY else clip
    if have.subsampling_h == want.subsampling_h or _halves_into_fields(clip):
        return core.resize.Spline36(clip, **settings)
    # Fields of a height like 486 cannot be resized one by one; their shared chroma lines are taken as a frame's.
    whole = core.resize.Spline36(clip.std.SetFieldBased(0), **settings)
    return whole.std.CopyFrameProps(clip, props=["_FieldBased"])


def _halves_into_fields(clip: vs.VideoNode) -> bool:
    return clip.height % (2 << clip.format.subsampling_h) == 0
