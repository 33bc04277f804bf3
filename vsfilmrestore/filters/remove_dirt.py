"""Dirt, sparkle and blotches: what lies on one frame and on neither of its neighbours."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import vapoursynth as vs
from vsutil import join, split

from vsfilmrestore.filters._between import neighbour
from vsfilmrestore.filters._detector import AUTO
from vsfilmrestore.filters._dirt_dose import Dose
from vsfilmrestore.filters._dirt_fill import mended, rims_that_fit
from vsfilmrestore.filters._dirt_large import about_large, behind_large, with_rims
from vsfilmrestore.filters._dirt_learned import DETECTOR, learned_mask
from vsfilmrestore.filters._dirt_light import without_light
from vsfilmrestore.filters._dirt_measured import measured_mask
from vsfilmrestore.filters._dirt_sight import Sight, blurred, from16, sight
from vsfilmrestore.filters._dirt_streaks import streaks
from vsfilmrestore.filters._motion import mirrored
from vsfilmrestore.filters.masks import apply_repair, mask_for_planes
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter

__all__ = ["laid_in", "remove_dirt", "true_to_ends"]

core = vs.core

_SMALLEST: Final = 16
"""Smaller pictures hold nothing that could be told from dirt."""
_SMALLEST_PLANE: Final = 8
_RADIUS: Final = 3


@restoration_filter(
    short="dust",
    order=50,
    needs=("mvu", "zsmooth", "akarin"),
    radius=_RADIUS,
    network=DETECTOR.require,
    weights=DETECTOR.weights,
)
def remove_dirt(
    clip: vs.VideoNode,
    strength: Strength = 0.5,
    *,
    max_size: Annotated[int, Setting("longest side of a speck, in thousandths of the picture's width", 2, 200)] = 150,
    polarity: Annotated[
        Literal["both", "dark", "bright"], Setting("specks to remove: dark ones, bright ones or both")
    ] = "both",
    sparkle: Annotated[float, Setting("share of the strength for bright specks", 0, 1)] = 1.0,
    hair: Annotated[float, Setting("share of the strength for hairs: long thin specks", 0, 1)] = 1.0,
    streak: Annotated[
        float, Setting("share of the strength for streaks of tape: rows that are lost in part", 0, 1)
    ] = 1.0,
    grain: Annotated[float, Setting("grain given to the repair: 0 little, 1 about as much as the film's", 0, 1)] = 1.0,
    model: Annotated[
        str, Setting('network that finds dirt; auto takes our own where networks can be run, "" measures each speck')
    ] = AUTO,
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Remove dirt, sparkle and blotches that lie on a single frame.

    The neighbours are moved onto each frame and brought to its level, so weave, flicker and camera moves are no
    differences. What stands out from them is dirt if a network says so, or, without one, if it is isolated and its
    surroundings fit; and if nothing like it moves through the frames beside, nor is it but another light. A small piece
    that is in doubt stays unless other dirt lies in its frame. Where many specks of a frame are drawn out in one
    direction they are rain. Rows of tape that are lost in part differ from the
    rows above and below too. Over cuts, flashes and motion too fast to follow nothing is done. Pixels of dirt are
    replaced by the neighbours', which beneath large pieces are moved as what lies around those; all others keep their
    bits. Lasting damage (three frames and more) is not touched.

    Args:
        clip: Any constant format. Float samples outside 0..1 are clipped where they are repaired.
        strength: How little evidence is enough.
        max_size: Larger specks are left; 1000 is the width of the picture.
        polarity: ``dark`` or ``bright`` restricts it to such specks.
        sparkle: A dose of its own for bright specks; 0 leaves them.
        hair: A dose of its own for specks five times as long as wide; 0 leaves them.
        streak: A dose of its own for streaks of tape, one or two rows of any length; 0 leaves them.
        grain: The mean of several neighbours has less grain than one frame; this much of the difference is given back.
        model: A model for the task ``dirt``; or ``auto``; or ``""`` for none.
        protect: Regions that stay as they are.
        only: Regions outside which all stays as it is.
        show: ``mask``, ``diff`` or ``overlay`` instead of the result.

    Raises:
        vapoursynth.Error: A setting is out of range, or a plug-in is missing.
        VsfrError: There is no such model, or it cannot be run.
    """
    if strength == 0:
        return clip
    chroma = min(clip.width >> clip.format.subsampling_w, clip.height >> clip.format.subsampling_h)
    if chroma < _SMALLEST_PLANE or min(clip.width, clip.height) < _SMALLEST:
        return apply_repair("remove_dirt", clip, clip, core.std.BlankClip(clip, format=vs.GRAY8, keep=True), show=show)
    padded = mirrored(clip, _RADIUS)
    seen = true_to_ends(sight(padded))
    dose = Dose(strength, sparkle, hair, max(max_size * clip.width / 1000, 2.0), polarity)
    network = DETECTOR.chosen(model)
    mask = without_light(learned_mask(seen, network, dose) if network else measured_mask(seen, dose), seen)
    if streak:
        mask = core.akarin.Expr([mask, streaks(seen, streak, dose).std.Maximum()], "x y max")
    large = about_large(mask)
    behind = true_to_ends(behind_large(seen, mask, large))
    mask = with_rims(mask, behind, large)
    made = rims_that_fit(behind, mended(behind, mask, grain), mask)
    repaired = from16(laid_in(seen, made, mask), padded)
    own = slice(_RADIUS, clip.num_frames + _RADIUS)
    return apply_repair("remove_dirt", clip, repaired[own], mask[own], protect=protect, only=only, show=show)


def true_to_ends(seen: Sight) -> Sight:
    """Where the second neighbour is the frame itself, mirrored at an end of the shot, the nearer one stands for it.

    Told by what the frames hold: whoever runs the filter may have mirrored them before.
    """
    before2, before, after, after2 = seen.moved
    first = _unless_itself(seen.work, before2, before, -2)
    return Sight(seen.work, [first, before, after, _unless_itself(seen.work, after2, after, 2)])


def _unless_itself(work: vs.VideoNode, far: vs.VideoNode, near: vs.VideoNode, distance: int) -> vs.VideoNode:
    same = work.std.PlaneStats(neighbour(work, distance))
    return core.akarin.Select([far, near], [same], "x.PlaneStatsDiff 0 =")


def laid_in(seen: Sight, mended: list[vs.VideoNode], mask: vs.VideoNode) -> vs.VideoNode:
    """The clip with the repair, fading at the edge of the mask."""
    alpha = split(mask_for_planes(blurred(mask, 1), seen.work))
    parts = zip(split(seen.work), mended, alpha, strict=True)
    return join([core.akarin.Expr(list(part), "y x - z 255 / * x +") for part in parts], seen.work.format.color_family)
