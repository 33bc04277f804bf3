"""How far the whole picture moves from one frame to the next, to hundredths of a pixel.

Block vectors give the dominant motion to a quarter of a pixel, whatever moves in front. Then two rounds of weighted
least squares on the brightness gradients (Lucas and Kanade 1981, with Geman-McClure weights) bring it to hundredths.
Both look at a band-passed picture, so flicker does not count, and all sums over pixels are native.
"""

from __future__ import annotations

from math import sqrt
from typing import Final

import numpy as np
import vapoursynth as vs

__all__ = ["STEP_OK", "STEP_SLACK", "STEP_X", "STEP_Y", "band_pass", "picture_steps", "work_luma"]

core = vs.core

STEP_X: Final = "StepX"
"""Pixels of the source by which the picture moved right since the frame before."""
STEP_Y: Final = "StepY"
"""Pixels of the source by which the picture moved down since the frame before."""
STEP_SLACK: Final = "StepSlack"
"""Standard errors of the two, in pixels of the source."""
STEP_OK: Final = "StepOk"
"""1 where the frame shows the same scene as the frame before, 0 at a cut or in a ruined frame."""

_WORK_WIDTH: Final = 640
_SMALLEST: Final = 48
_ROUNDS: Final = (8.0, 2.0)
"""Mean differences at which a pixel counts half: first all that may fit, then only what does."""
_PEL: Final = 2
_AGREE: Final = 1.5
_MARGIN: Final = 0.04
_BLOCK_GAIN: Final = 512
_WORST_MATCH: Final = 1.05
"""Mean difference over mean detail: 0 is a perfect match, 1.41 two pictures that have nothing in common."""
_CORRELATED: Final = 16
"""Neighbouring pixels that carry one independent measurement between them, after the band pass."""
_BEYOND_SHARE: Final = 0.25


def work_luma(clip: vs.VideoNode, width: int = _WORK_WIDTH) -> vs.VideoNode:
    """Luma as GRAYS, at most ``width`` wide."""
    if clip.format.color_family == vs.RGB:
        luma = clip.resize.Bicubic(format=vs.GRAYS, matrix=vs.MATRIX_BT709)
    else:
        luma = core.std.ShufflePlanes(clip, 0, vs.GRAY)
    small = min(width, clip.width)
    height = max(1, round(clip.height * small / clip.width))
    return luma.resize.Bilinear(small, height, format=vs.GRAYS)


def band_pass(luma: vs.VideoNode) -> vs.VideoNode:
    """Detail between grain and shading: what neither flicker nor a single grain moves."""
    fine = luma.std.Convolution([1, 2, 1, 2, 4, 2, 1, 2, 1])
    coarse = fine.std.BoxBlur(hradius=4, hpasses=2, vradius=4, vpasses=2)
    return core.akarin.Expr([fine, coarse], "x y -")


def picture_steps(clip: vs.VideoNode) -> vs.VideoNode:
    """Tiny clip of the same length whose frames carry `STEP_X`, `STEP_Y`, `STEP_SLACK` and `STEP_OK`.

    Frame n compares the frames n - 1 and n alone; frame 0 has nothing to compare with and reads 0.
    """
    luma = work_luma(clip)
    if min(luma.width, luma.height) < _SMALLEST:
        return _no_steps(clip)
    detail = band_pass(luma)
    before = detail[0] + detail[:-1] if len(detail) > 1 else detail
    host = core.std.BlankClip(clip, width=16, height=16, format=vs.GRAY8, keep=True)
    steps = _coarse(detail, host)
    for width in _ROUNDS:
        steps = _refined(detail, before, steps, width)
    return _in_source_pixels(steps, clip.width / luma.width)


def _no_steps(clip: vs.VideoNode) -> vs.VideoNode:
    host = core.std.BlankClip(clip, width=16, height=16, format=vs.GRAY8, keep=True)
    return host.std.SetFrameProps(**{STEP_X: 0.0, STEP_Y: 0.0, STEP_SLACK: [9.0, 9.0], STEP_OK: 0})


def _coarse(detail: vs.VideoNode, host: vs.VideoNode) -> vs.VideoNode:
    """The dominant motion of blocks, as sampling offset: this frame at x shows what the last one showed at x + d."""
    blocks = core.akarin.Expr(detail, f"x {_BLOCK_GAIN} * 128 +", vs.GRAY8)
    # Analyse reads frame 0 while the graph is built. A blank one in front keeps the source out of that.
    led = core.std.BlankClip(blocks, length=1) + blocks
    vectors = led.mvu.Super(blksize=[16], overlap=[8], pel=_PEL).mvu.Analyse(delta=-1)[1:]

    def settle(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        frame = f[0].copy()
        packed = f[1].props.get("MVUtensilsAnalysisVectors", [0]) if n else [0]
        frame.props["dx"], frame.props["dy"] = _dominant(packed)
        return frame

    return core.std.ModifyFrame(host, [host, vectors], settle)


def _dominant(packed: object) -> tuple[float, float]:
    """Where most blocks agree, in pixels. A vector is packed as y * 2^32 + x, in units of 1 / `_PEL`."""
    both = np.asarray(packed, dtype=np.int64)
    vectors = np.stack([(both & 0xFFFFFFFF).astype(np.uint32).view(np.int32), both >> 32]) / _PEL
    centre = np.median(vectors, axis=1)
    for _ in range(3):
        near = np.hypot(*(vectors - centre[:, None])) <= _AGREE
        if not near.any():
            break
        centre = vectors[:, near].mean(axis=1)
    return float(centre[0]), float(centre[1])


def _refined(detail: vs.VideoNode, before: vs.VideoNode, steps: vs.VideoNode, width: float) -> vs.VideoNode:
    """One round of least squares around the steps so far."""

    def shift(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        return before.resize.Bicubic(src_left=float(f.props["dx"]), src_top=float(f.props["dy"]))  # type: ignore[arg-type]

    moved = before.std.FrameEval(shift, prop_src=[steps], clip_src=[before])
    products, residuals = _sums(detail.std.PlaneStats(moved, prop="Miss"), moved, width)
    level = core.akarin.Expr(detail, "x abs").std.PlaneStats(prop="Detail")
    pixels = detail.width * detail.height

    def solve(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        known, gram, right, detail_level = f
        xx, xy, yy = (float(gram.props[f"{p}Average"]) for p in "abc")  # type: ignore[arg-type]
        xt, yt, tt = (float(right.props[f"{p}Average"]) for p in "abc")  # type: ignore[arg-type]
        frame = known.copy()
        scale = xx * yy - xy * xy
        if scale > 1e-6 * (xx + yy) ** 2 and scale > 1e-24:
            noise = max(tt, 0.0) * _CORRELATED / pixels
            frame.props["dx"] = float(known.props["dx"]) + (yy * xt - xy * yt) / scale  # type: ignore[arg-type]
            frame.props["dy"] = float(known.props["dy"]) + (xx * yt - xy * xt) / scale  # type: ignore[arg-type]
            frame.props["slack"] = [sqrt(noise * yy / scale), sqrt(noise * xx / scale)]
        else:
            frame.props["slack"] = [9.0, 9.0]
        frame.props["miss"] = float(gram.props["MissDiff"]) / (float(detail_level.props["DetailAverage"]) + 1e-6)  # type: ignore[arg-type]
        return frame

    return core.std.ModifyFrame(steps, [steps, products, residuals, level], solve)


def _sums(detail: vs.VideoNode, moved: vs.VideoNode, width: float) -> tuple[vs.VideoNode, vs.VideoNode]:
    """Weighted means of the gradient products, as statistics ``aAverage``, ``bAverage``, ``cAverage`` of two clips."""
    mx, my = int(detail.width * _MARGIN) + 2, int(detail.height * _MARGIN) + 2
    both = [core.std.ShufflePlanes([c, c, c], [0, 0, 0], vs.RGB) for c in (detail, moved)]
    both[0] = both[0].std.CopyFrameProps(detail)
    common = (
        "x[1,0] x[-1,0] - y[1,0] + y[-1,0] - 4 / A! x[0,1] x[0,-1] - y[0,1] + y[0,-1] - 4 / B! x y - T! "
        f"x.MissDiff {width} * 0.0002 + S! T@ S@ / dup * 1 + dup * 1 swap / W! "
        f"X {mx} >= X width {mx} - < and Y {my} >= and Y height {my} - < and W@ 0 ? W! "
    )
    gram = core.akarin.Expr(both, [f"{common} {ab} * W@ *" for ab in ("A@ A@", "A@ B@", "B@ B@")])
    right = core.akarin.Expr(both, [f"{common} {ab} * W@ *" for ab in ("A@ T@", "B@ T@", "T@ T@")])
    return _averaged(gram), _averaged(right)


def _averaged(planes: vs.VideoNode) -> vs.VideoNode:
    for plane, prop in enumerate("abc"):
        planes = planes.std.PlaneStats(plane=plane, prop=prop)
    return planes


def _in_source_pixels(steps: vs.VideoNode, scale: float) -> vs.VideoNode:
    def finish(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame, props = f.copy(), f.props
        dx, dy = float(props["dx"]), float(props["dy"])  # type: ignore[arg-type]
        known = n > 0 and abs(dx) + abs(dy) < _BEYOND_SHARE * _WORK_WIDTH
        frame.props[STEP_X], frame.props[STEP_Y] = (-dx * scale, -dy * scale) if n else (0.0, 0.0)
        frame.props[STEP_SLACK] = [float(s) * scale for s in props["slack"]]  # type: ignore[union-attr, arg-type]
        frame.props[STEP_OK] = int(known and float(props["miss"]) < _WORST_MATCH)  # type: ignore[arg-type]
        return frame

    return core.std.ModifyFrame(steps, steps, finish)
