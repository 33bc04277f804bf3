"""The softness of a shot inside a graph: measured once, carried by frame properties, put on by taps.

A few frames that are spread over the shot are laid into one, which is looked at once; its properties are those of every
frame. So a frame is the same whatever was asked for before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._blur_measure import Blur, blur_of

__all__ = ["BLUR", "FOUND", "GRAIN", "OWN", "SURE", "softened", "taken_out", "told_once", "with_softness"]

core = vs.core

FOUND: Final = "_VsfrBlurFound"
"""Property: sigma of the softness of the shot in pixels, as measured or as given."""
SURE: Final = "_VsfrBlurSure"
"""Property: how sure that is, 0..1; 1 where it was given."""
BLUR: Final = "_VsfrBlur"
"""Property: sigma of what is taken out."""
GRAIN: Final = "_VsfrBlurGrain"
"""Property: what sharpening by `BLUR` makes of the grain alone: mean square of the change, white being 1."""
OWN: Final = 0.5
"""Sigma that the pictures of a good lens may have of themselves: it stays, and what is no softer stays as it is."""
_DOUBT: Final = (0.3, 0.55)
"""Where it is less sure than the first nothing is taken out, from the second on all."""
_FRAMES: Final = 5
_SIDES: Final = (1280, 720)
_TAPS: Final = 6
_BLOCK: Final = 16
_QUIET: Final = 0.2
_BINS: Final = 4
_FEWEST: Final = 24
_PIXEL: Final = 1 / 12
"""Squared sigma of a pixel's own extent."""

_NAMES: Final = (FOUND, SURE, BLUR, GRAIN, *(f"_VsfrBlurTap{n}" for n in range(_TAPS + 1)))

type Floats = npt.NDArray[np.float32]


def with_softness(
    clip: vs.VideoNode, luma: vs.VideoNode, given: float, most: float, *, share: float = 1.0, rounds: int = 0
) -> vs.VideoNode:
    """The clip with the softness of its shot in its properties.

    Args:
        clip: Gets the properties; of any size, of the shot's length.
        luma: GRAYS, black 0 and white 1, the shot as it is.
        given: Sigma in pixels; 0 measures it.
        most: Largest sigma that is taken out.
        share: Of the softness, taken out; 0 measures nothing.
        rounds: How often `taken_out` goes round, for what that makes of the grain; 0 where that is not wanted.
    """
    if not share or (given and not rounds):
        known = Blur(given, float(share > 0), 0, 0.0)
        return clip.std.SetFrameProps(**_facts([], known, min(given, most) * share, 0))

    def facts(pictures: list[Floats]) -> dict[str, float]:
        found = Blur(given, 1.0, 0, 0.0) if given else blur_of(pictures)
        used = min(found.sigma, most) * share if given else _used(found, most) * share
        return _facts(pictures, found, used, rounds)

    return clip.std.CopyFrameProps(told_once(_middle(luma), facts), props=list(_NAMES))


def told_once(luma: vs.VideoNode, facts: Callable[[list[Floats]], dict[str, float]]) -> vs.VideoNode:
    """A small clip of the shot's length, all frames of which have the same properties.

    Args:
        luma: GRAYS, the shot or a part of its pictures.
        facts: Makes the properties of frames that are spread over the shot. It is asked once.
    """
    total = luma.num_frames
    chosen = sorted({(2 * n + 1) * total // (2 * _FRAMES) for n in range(_FRAMES)})
    stack = core.std.StackVertical([luma[n] for n in chosen]) if len(chosen) > 1 else luma[chosen[0]]
    blank = core.std.BlankClip(format=vs.GRAY8, width=16, height=16, length=1, keep=True)

    def tell(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        frame = f[0].copy()
        frame.props.update(facts(np.split(np.asarray(f[1][0]).astype(np.float32), len(chosen))))
        return frame

    told = core.std.ModifyFrame(blank, [blank, stack], tell)
    told.std.SetVideoCache(mode=1, maxsize=1, maxhistory=0)
    return told.std.Loop(total) if total > 1 else told


def softened(clip: vs.VideoNode) -> vs.VideoNode:
    """GRAYS through the softness that its properties tell."""
    for at in ("x[{},0]:m", "x[0,{}]:m"):
        sides = [f"{at.format(n)} {at.format(-n)} + x.{_tap(n)} * +" for n in range(1, _TAPS + 1)]
        clip = core.akarin.Expr([clip], " ".join([f"x x.{_tap(0)} *", *sides]))
    return clip


def taken_out(clip: vs.VideoNode, rounds: int) -> vs.VideoNode:
    """GRAYS without the softness that its properties tell: what it lacks, softened, of itself is added again and again.

    Few rounds leave what the softness all but took away; so grain is raised by so many times at most.

    Source: van Cittert, "Zum Einfluß der Spaltbreite auf die Intensitätsverteilung in Spektrallinien II", Zeitschrift
        für Physik 69, 1931.
    """
    sharp = clip
    for _ in range(rounds):
        sharp = core.akarin.Expr([sharp, clip, softened(sharp)], "x y + z -")
    return sharp


def _middle(luma: vs.VideoNode) -> vs.VideoNode:
    width, height = (min(side, most) for side, most in zip((luma.width, luma.height), _SIDES, strict=True))
    return luma.std.CropAbs(width, height, (luma.width - width) // 2, (luma.height - height) // 2)


def _used(found: Blur, most: float) -> float:
    """Sigma that is taken out: what goes beyond the picture's own, and nothing that is in doubt."""
    beyond = max(found.sigma**2 - OWN**2, 0.0) ** 0.5
    return float(min(beyond, most) * _rise(found.confidence, *_DOUBT))


def _facts(pictures: list[Floats], found: Blur, used: float, rounds: int) -> dict[str, float]:
    """All properties of a shot."""
    taps = _bell(used)
    grain = 0.0
    if used and rounds:
        grain = max((_grain_of_change(picture, taps, rounds) for picture in pictures), default=0.0)
    facts = {FOUND: found.sigma, SURE: found.confidence, BLUR: used, GRAIN: grain}
    return facts | {_tap(n): float(tap) for n, tap in enumerate(taps[_TAPS:])}


def _bell(sigma: float) -> Floats:
    """Taps of a Gaussian, its middle in the middle; for 0 they leave all as it is."""
    at = np.arange(-_TAPS, _TAPS + 1)
    taps = np.exp(-(at**2) / (2 * (sigma**2 + _PIXEL))) if sigma > 0.05 else (at == 0).astype(np.float64)
    return np.asarray(taps / taps.sum(), np.float32)


def _rise(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _grain_of_change(picture: Floats, taps: Floats, rounds: int) -> float:
    """Mean square of what `taken_out` changes in the quietest blocks, of the brightness where it is most."""
    import cv2

    sharp = picture
    for _ in range(rounds):
        soft = cv2.sepFilter2D(sharp, cv2.CV_32F, taps, taps, borderType=cv2.BORDER_REFLECT)
        sharp = np.asarray(sharp + picture - soft, np.float32)
    power, level = (_blocks(values) for values in (np.square(sharp - picture), picture))
    edges = np.linspace(0, 1, _BINS + 1)[1:-1]
    bins = [power[np.digitize(level, edges) == n] for n in range(_BINS)]
    quiet = [float(np.quantile(some, _QUIET)) for some in [*bins, power] if len(some) >= _FEWEST]
    return max(quiet, default=0.0)


def _blocks(values: Floats) -> Floats:
    rows, columns = (side // _BLOCK for side in values.shape)
    cut = values[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, columns, _BLOCK)
    return cut.mean((1, 3)).ravel()


def _tap(n: int) -> str:
    return f"_VsfrBlurTap{n}"
