"""Regions in pixels and in per cent of the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.filters import FILTERS
from vsfilmrestore.filters.masks import region_mask

core = vs.core


def covered(width: int, height: int, *regions: Any) -> float:
    blank = core.std.BlankClip(format=vs.GRAY8, width=width, height=height, length=1)
    return float(np.asarray(region_mask(blank, regions).get_frame(0)[0]).mean() / 255)


@pytest.mark.parametrize("size", [(40, 20), (400, 300)])
def test_shares_mean_the_same_part_of_a_picture_of_any_size(size: tuple[int, int]) -> None:
    assert covered(*size, ("25%", "0%", "75%", "50%")) == 0.25
    assert covered(*size, (("0%", "0%"), ("100%", "0%"), ("0%", "100%"))) == pytest.approx(0.5, abs=0.03)


def test_pixels_and_shares_side_by_side() -> None:
    assert covered(40, 20, (0, 0, 10, 20), ("75%", "0%", "100%", "100%")) == 0.5


@pytest.mark.parametrize(
    "region",
    [("10%", 0, "50%", "100%"), ("50%", "0%", "10%", "1%"), ("1e3%",) * 4, ("nan%",) * 4, ("%",) * 4, "10%,0%,1%,2%"],
)
def test_what_is_no_region(region: Any) -> None:
    with pytest.raises(ValueError, match="must hold rectangles"):
        FILTERS["remove_dirt"].check({"only": [region]})
