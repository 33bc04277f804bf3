"""From a clip's own colours to what networks know, and back as a difference.

A network sees RGB or luma from 0 to 1 on a display-like curve: log scans are shown to it as `media.colour` shows them
to the eye. What it changes is brought back as a *difference* in the source's own code values: where it changes
nothing, or less than half a step of its own precision, the source keeps its bits, and the roundings of the way there
and back never show.

Matrix, range and place of chroma are those the frames tell; a frame that tells none is read as VapourSynth's resizer
and video players do: BT.709 for HD and BT.601 for SD pictures, limited range for YUV and grey.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import vapoursynth as vs

from vsfilmrestore.media import props
from vsfilmrestore.media.colour import display_to_log, log_to_display
from vsfilmrestore.media.out.prepare import usual_matrix

__all__ = ["GUESSED", "STEP", "Shown", "as_mask", "luma_shares", "show", "warn_of_guess", "with_matrix"]

core = vs.core
log = logging.getLogger(__name__)

GUESSED: Final = "_VsfrGuessedMatrix"
"""Property of a shown frame: the matrix it was read with if the source did not tell, else 0."""
STEP: Final = "_VsfrStep"
"""Property of a network's frame: changes up to this size are none."""

_WEIGHTS: Final = {1: (0.2126, 0.0722), 4: (0.3, 0.11), 5: (0.299, 0.114), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}
"""Shares of red and blue in luma by H.273 matrix; 6 is 5 again. Source: ITU-T H.273, table 4."""
_IS_LOG: Final = f"x.{props.LOG} 1 = 1 0 ?"
_CHROMA_PLACE: Final = " ".join(f"x._ChromaLocation {n} = {n}" for n in range(1, 6)) + " 0" + " ?" * 5
_TOLD: Final = ["_Matrix", "_Range", "_ChromaLocation", "_Transfer", "_Primaries"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A clip as a network sees it.

    Attributes:
        source: The clip it was made of, on the CPU.
        clip: What the network sees: RGBS or GRAYS.
        told: A tiny clip whose frames tell the matrix and the range, also where the source is silent.
    """

    source: vs.VideoNode
    clip: vs.VideoNode
    told: vs.VideoNode

    def back(self, made: vs.VideoNode, *, strength: float = 1.0, whole: bool = False) -> vs.VideoNode:
        """What a network made, in the source's own format and domain, with the source's properties.

        Args:
            made: RGBS or GRAYS, of the source's size or larger.
            strength: Share of the difference that is taken.
            whole: Take the picture itself instead of the difference: it shows another time than the source.
        """
        source, seen = self.source, self.clip
        larger = (made.width, made.height) != (source.width, source.height)
        if larger:
            seen = seen.resize.Spline36(made.width, made.height)
        grey_of_colour = seen.format.color_family == vs.GRAY != source.format.color_family
        whole = whole and not grey_of_colour
        change = self._coded(made) if whole else self._change(seen, made)
        native = self._native(change)
        if strength != 1.0 and not whole:
            native = core.akarin.Expr(native, f"x {float(strength)!r} *")
        if whole:
            result = _rounded(native, source)
        elif larger or _is_half(source):
            base = source.resize.Spline36(made.width, made.height, format=native.format.id)
            result = _rounded(core.akarin.Expr([base, native], "x y +").std.CopyFrameProps(native), source)
        else:
            result = _added(source, native)
        return result.std.CopyFrameProps(source)

    def _change(self, seen: vs.VideoNode, made: vs.VideoNode) -> vs.VideoNode:
        """Difference of what was made and what was seen, exactly 0 where it is less than the network can tell."""
        # Above white steps grow with the value.
        kept = core.akarin.Expr([seen, made], f"x abs S! x y - abs y.{STEP} S@ 1 > S@ 2 * 1 ? * <= x y ?")
        plain = core.akarin.Expr([kept, seen], "x y -")
        logged = [display_to_log(clip, clip) for clip in (kept, seen)]
        return self._by_curve(plain, core.akarin.Expr(logged, "x y -"))

    def _coded(self, made: vs.VideoNode) -> vs.VideoNode:
        return self._by_curve(made, display_to_log(made, made))

    def _by_curve(self, plain: vs.VideoNode, logged: vs.VideoNode) -> vs.VideoNode:
        return core.akarin.Select([plain, logged.std.CopyFrameProps(plain)], self.told, _IS_LOG)

    def _native(self, change: vs.VideoNode) -> vs.VideoNode:
        """RGB or luma, a picture or a difference, to the source's family and subsampling, in 32-bit float."""
        family = self.source.format.color_family
        grey = change.format.color_family == vs.GRAY
        if family == vs.YUV:
            return self._luma_of_yuv(change) if grey else self._yuv(change)
        if family == vs.RGB:
            wide = core.std.ShufflePlanes([change] * 3, [0] * 3, vs.RGB) if grey else change
            return self._tagged(wide)
        return self._tagged(change if grey else _grey(change))

    def _yuv(self, rgb: vs.VideoNode) -> vs.VideoNode:
        planes = [self._tagged(plane) for plane in _planes(rgb)]
        red, blue = (_by_matrix(i) for i in (0, 1))
        luma = core.akarin.Expr(planes, f"{red} R! {blue} B! x R@ * z B@ * + y 1 R@ - B@ - * +")
        first = [core.akarin.Expr([luma, planes[2]], f"y x - 2 1 {blue} - * /")]
        second = [core.akarin.Expr([luma, planes[0]], f"y x - 2 1 {red} - * /")]
        full = self._tagged(core.std.ShufflePlanes([luma, *first, *second], [0, 0, 0], vs.YUV))
        wanted = _float_of(self.source.format)
        if full.format.id == wanted:
            return full
        # The resizer takes the place of chroma from frames that have fewer samples, not for those it makes.
        placed = [full.resize.Bicubic(format=wanted, chromaloc=place) for place in range(6)]
        return core.akarin.Select(placed, self.told, _CHROMA_PLACE)

    def _luma_of_yuv(self, luma: vs.VideoNode) -> vs.VideoNode:
        fmt = self.source.format
        blank = core.std.BlankClip(
            luma, luma.width >> fmt.subsampling_w, luma.height >> fmt.subsampling_h, format=vs.GRAYS, color=0, keep=True
        )
        return self._tagged(core.std.ShufflePlanes([luma, blank, blank], [0, 0, 0], vs.YUV))

    def _tagged(self, clip: vs.VideoNode) -> vs.VideoNode:
        return clip.std.CopyFrameProps(self.told, props=_TOLD)


def show(clip: vs.VideoNode, colour: Literal["rgb", "luma"]) -> Shown:
    """A clip as a network sees it.

    Args:
        clip: Any constant format of 8 to 16 bits or float, wherever it lies.
        colour: ``rgb`` or ``luma``.

    Raises:
        vs.Error: The clip changes its format or size, or has more than 16 bits per sample and is not float.
    """
    if clip.format is None or clip.format.id == 0 or not clip.width or not clip.height:
        raise vs.Error("run_model: the clip changes its format or size; convert it to one with resize first")
    if clip.format.sample_type == vs.INTEGER and clip.format.bits_per_sample > 16:
        raise vs.Error(f"run_model: {clip.format.name} has more than 16 bits; convert it to float first")
    source = clip.std.GPUDownload() if clip.gpu_resident else clip
    # The resizer would take apart what says that it is interlaced.
    whole = with_matrix(source.std.SetFieldBased(0))
    fmt = source.format
    tiny = whole.std.CropAbs(min(4, whole.width), min(4, whole.height)) if _croppable(whole) else whole
    told = tiny.resize.Point(format=_float_of(fmt))
    plain = _rgb(whole) if colour == "rgb" else _luma(whole)
    shown = core.akarin.Select([plain, log_to_display(plain)], told, _IS_LOG)
    return Shown(source, shown, told)


def as_mask(clip: vs.VideoNode) -> vs.VideoNode:
    """A mask as GRAYS from 0 to 1: the first plane, its whole range."""
    clip = clip.std.GPUDownload() if clip.gpu_resident else clip
    plane = clip if clip.format.num_planes == 1 else core.std.ShufflePlanes(clip, 0, vs.GRAY)
    return plane.std.SetFieldBased(0).std.SetFrameProps(_Range=vs.RANGE_FULL).resize.Point(format=vs.GRAYS)


@cache
def warn_of_guess(width: int, height: int, matrix: int) -> None:
    """Say once that pictures of a size do not tell their matrix."""
    name = {1: "BT.709", 6: "BT.601"}.get(matrix, str(matrix))
    log.warning("%dx%d YUV frames do not tell their matrix; read as %s (set _Matrix to be sure)", width, height, name)


def _croppable(clip: vs.VideoNode) -> bool:
    return clip.width % 4 == 0 and clip.height % 4 == 0


def with_matrix(clip: vs.VideoNode) -> vs.VideoNode:
    """A YUV clip all frames of which tell their matrix, and by `GUESSED` whether that is a guess; others stay."""
    if clip.format.color_family != vs.YUV:
        return clip
    usual = usual_matrix(clip)
    known = " ".join(f"x._Matrix {matrix} =" for matrix in (*_WEIGHTS, 6)) + " or" * len(_WEIGHTS)
    return core.akarin.PropExpr(
        clip, lambda: {"_Matrix": f"{known} x._Matrix {usual} ?", GUESSED: f"{known} 0 {usual} ?"}
    )


def _rgb(clip: vs.VideoNode) -> vs.VideoNode:
    match clip.format.color_family:
        case vs.GRAY:
            grey = clip.resize.Point(format=vs.GRAYS)
            rgb = core.std.ShufflePlanes([grey] * 3, [0] * 3, vs.RGB)
            return rgb.std.SetFrameProps(_Matrix=0, _Range=vs.RANGE_FULL)
        case vs.RGB:
            return clip.resize.Point(format=vs.RGBS)
        case _:
            return clip.resize.Bicubic(format=vs.RGBS)


def _luma(clip: vs.VideoNode) -> vs.VideoNode:
    if clip.format.color_family == vs.RGB:
        return _grey(clip.resize.Point(format=vs.RGBS))
    plane = clip if clip.format.color_family == vs.GRAY else core.std.ShufflePlanes(clip, 0, vs.GRAY)
    return plane.resize.Point(format=vs.GRAYS)


def _grey(rgb: vs.VideoNode) -> vs.VideoNode:
    red, blue = _WEIGHTS[1]
    return core.akarin.Expr(_planes(rgb), f"x {red} * y {1 - red - blue} * + z {blue} * +")


def _planes(rgb: vs.VideoNode) -> list[vs.VideoNode]:
    return [core.std.ShufflePlanes(rgb, plane, vs.GRAY) for plane in range(3)]


def luma_shares(matrix: int) -> tuple[float, float]:
    """Shares of red and blue in luma by H.273 matrix."""
    return _WEIGHTS.get(matrix, _WEIGHTS[5])


def _by_matrix(place: int) -> str:
    """Share of red (0) or blue (1) in luma, chosen by the first clip's matrix."""
    text = str(_WEIGHTS[5][place])
    for matrix in (1, 4, 7, 9):
        text = f"x._Matrix {matrix} = {_WEIGHTS[matrix][place]} {text} ?"
    return text


def _float_of(fmt: vs.VideoFormat) -> int:
    return int(core.query_video_format(fmt.color_family, vs.FLOAT, 32, fmt.subsampling_w, fmt.subsampling_h).id)


def _is_half(clip: vs.VideoNode) -> bool:
    return clip.format.sample_type == vs.FLOAT and clip.format.bits_per_sample == 16


def _rounded(clip: vs.VideoNode, like: vs.VideoNode) -> vs.VideoNode:
    return clip if clip.format.id == like.format.id else clip.resize.Point(format=like.format.id)


def _added(source: vs.VideoNode, change: vs.VideoNode) -> vs.VideoNode:
    """The source and a difference, in the source's code values; where the difference is 0 it keeps its bits."""
    fmt = source.format
    if fmt.sample_type == vs.FLOAT:
        return core.akarin.Expr([source, change], "x y +")
    chroma = fmt.color_family == vs.YUV
    exprs = [f"x y {_steps(fmt, span)} * +" for span in ((219, 224, 224) if chroma else (219,))]
    return core.akarin.Expr([source, change], exprs, format=fmt.id)


def _steps(fmt: vs.VideoFormat, span: int) -> str:
    """Code values from 0 to 1, by the second clip's range."""
    bits = fmt.bits_per_sample
    return f"y._Range {int(vs.RANGE_FULL)} = {(1 << bits) - 1} {span << (bits - 8)} ?"


def same_shape(clips: Sequence[vs.VideoNode]) -> bool:
    """Whether clips are of one size and length."""
    return len({(clip.width, clip.height, clip.num_frames) for clip in clips}) == 1
