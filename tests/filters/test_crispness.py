"""How crisp frames are: softness of half a pixel shows, bars do not, and a clip carries it frame by frame."""

from __future__ import annotations

import numpy as np
import pytest
import vapoursynth as vs

from tests.filters.drawn_edges import clip_of, edges, worn
from vsfilmrestore.filters._crispness import CRISP, crispness_of, with_crispness


def test_the_softer_the_less_crisp() -> None:
    found = [crispness_of(worn(edges(200, 150), sigma)) for sigma in (0.3, 0.5, 0.8, 1.2, 1.8)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 1.15 * found[1] > 1.3 * found[2]
    assert all(0 < each <= 1 for each in found)


def test_grain_changes_it_little() -> None:
    soft = worn(edges(200, 150), 0.8)
    grainy = soft + np.random.default_rng(1).normal(0, 2 / 255, soft.shape).astype(np.float32)
    assert crispness_of(grainy) == pytest.approx(crispness_of(soft), rel=0.1)


def test_bars_around_a_soft_picture_do_not_make_it_crisp() -> None:
    soft = worn(edges(200, 150), 1.2)
    barred = np.pad(soft[20:-20], ((20, 20), (0, 0)))
    assert crispness_of(barred) == pytest.approx(crispness_of(soft[20:-20]), rel=0.15)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_flat_frames_have_none(value: float) -> None:
    assert crispness_of(np.full((24, 16), value, np.float32)) == 0


def test_each_frame_tells_its_own_whatever_was_asked_before() -> None:
    pictures = [worn(edges(96, 64), sigma) for sigma in (0.3, 1.5)]
    shot = with_crispness(clip_of(pictures[0]) + clip_of(pictures[1]))
    told = {n: shot.get_frame(n).props[CRISP] for n in (1, 0)}
    assert [told[n] for n in (0, 1)] == pytest.approx([crispness_of(picture) for picture in pictures], abs=1e-6)
    assert shot.format.id == vs.GRAYS
