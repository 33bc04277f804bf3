"""A shot's ends are the same for a filter in a render as for one in a script."""

from __future__ import annotations

import numpy as np
import pytest
import vapoursynth as vs
from skimage import data

from tests.pictures import clip_of
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.render.walls import WalledStep, behind_walls

core = vs.core

REPAIRS = ("repair_frames", "remove_dirt", "remove_scratches", "remove_wires", "remove_stains")


def shot(frames: int = 12) -> vs.VideoNode:
    """A slow move over a cat with grain; specks on the second and the last but one frame, the third one jumps."""
    cat, grain = data.chelsea()[..., 1].astype(float), np.random.default_rng(3)
    pictures = [cat[30:190, 40 + n : 264 + n] + grain.normal(0, 2, (160, 224)) for n in range(frames)]
    pictures[2] = np.roll(pictures[2], 7, 0)
    for n in (1, frames - 2):
        pictures[n][60:66, 80:87] = 10
    return clip_of(pictures)


@pytest.mark.parametrize("name", REPAIRS)
def test_a_render_makes_of_a_shot_what_the_filter_makes_of_it(name: str) -> None:
    spec, clip = FILTERS[name], shot()

    def repair(given: vs.VideoNode) -> vs.VideoNode:
        return spec.function(given, 0.9)

    rendered = behind_walls(clip, (0, 0), [WalledStep(spec.reach({}), repair, spec.one_sided)])
    for n, (a, b) in enumerate(zip(rendered.frames(close=False), repair(clip).frames(close=False), strict=True)):
        np.testing.assert_array_equal(np.asarray(a[0]), np.asarray(b[0]), err_msg=f"frame {n}")
