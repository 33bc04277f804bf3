"""How soft pictures are, told by their edges."""

from __future__ import annotations

import numpy as np
import pytest

from tests.filters.drawn_edges import edges, worn
from vsfilmrestore.filters._blur_measure import blur_of, grain_of


@pytest.mark.parametrize("grain", [0.0, 4.0])
@pytest.mark.parametrize("sigma", [0.8, 1.3, 2.0])
def test_the_softness_of_a_picture_is_told_with_and_without_grain(sigma: float, grain: float) -> None:
    found = blur_of(worn(edges(), sigma, grain))
    assert found.sigma == pytest.approx(sigma, rel=0.2, abs=0.1)
    assert found.confidence > 0.6


def test_softer_pictures_are_told_from_sharper_ones() -> None:
    found = [blur_of(worn(edges(), sigma, 2.0)).sigma for sigma in (0, 0.6, 0.9, 1.2, 1.6, 2.2)]
    assert found == sorted(found)
    assert found[0] < 0.4


def test_the_height_of_edges_tells_nothing() -> None:
    whole = blur_of(worn(edges(), 1.2)).sigma
    assert blur_of(0.3 + 0.4 * worn(edges(), 1.2)).sigma == pytest.approx(whole, abs=0.15)


def test_sharp_objects_before_a_soft_background_make_a_sharp_picture() -> None:
    both = np.hstack([worn(edges(seed=2), 0.0), worn(edges(seed=3)[:, :120], 3.0)])
    assert blur_of(both).sigma < 0.5


@pytest.mark.parametrize("kind", ["flat", "grain", "lines", "small"])
def test_where_no_edge_is_nothing_is_told(kind: str) -> None:
    pictures = {
        "flat": np.full((240, 320), 0.5, np.float32),
        "grain": worn(np.full((240, 320), 0.5, np.float32), 0, 8),
        "lines": np.tile(np.where(np.arange(320) % 9 == 0, 0.9, 0.2).astype(np.float32), (240, 1)),
        "small": edges()[:16, :16],
    }
    assert blur_of(pictures[kind]).confidence < 0.3


def test_several_frames_count_together() -> None:
    few = edges()[:60, :80]
    alone, together = blur_of(worn(few, 1.0)), blur_of([worn(edges(seed=n)[:60, :80], 1.0) for n in range(6)])
    assert together.edges > alone.edges
    assert together.confidence > alone.confidence
    assert blur_of([]).confidence == 0


def test_grain_is_told_beside_detail() -> None:
    assert grain_of(worn(edges(), 0.0, 5.0)) * 255 == pytest.approx(5, rel=0.15)
    assert grain_of(worn(edges(), 0.0)) * 255 < 0.3
