"""What tapes and cels have of their own is measured, and nothing is where there is none of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import vapoursynth as vs

sys.path.insert(0, str(Path(__file__).parent))

from films import film, pan

from vsfilmrestore.assess.reading import Reading
from vsfilmrestore.assess.results import ShotMeasures
from vsfilmrestore.assess.samples import Shot
from vsfilmrestore.assess.tape import carrier_of, chroma_of, held_dust_of, switching_of
from vsfilmrestore.assess.wording import found_in

core = vs.core

type Spoil = Callable[[int, list[Any]], None]


def coloured(frames: int = 12, speed: float = 0.5) -> vs.VideoNode:
    """A slow pan over blobs, the light ones warm."""
    clip = film(pan(3, frames, speed), vs.YUV420P8).std.AddBorders(top=64)

    def tint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        out = f.copy()
        luma = cv2.resize(np.asarray(f[0]), (f.width // 2, f.height // 2), interpolation=cv2.INTER_AREA)
        np.copyto(np.asarray(out[1]), np.where(luma > 140, 100, 140).astype(np.uint8))
        np.copyto(np.asarray(out[2]), np.where(luma > 140, 160, 118).astype(np.uint8))
        return out

    return clip.std.ModifyFrame(clip, tint)


def spoilt(clip: vs.VideoNode, spoil: Spoil) -> vs.VideoNode:
    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        out = f.copy()
        planes = [np.asarray(out[p]).astype(np.float32) for p in range(out.format.num_planes)]
        spoil(n, planes)
        for p, plane in enumerate(planes):
            np.copyto(np.asarray(out[p]), np.clip(np.rint(plane), 0, 255).astype(np.uint8))
        return out

    return clip.std.ModifyFrame(clip, draw)


def shot(clip: vs.VideoNode) -> Shot:
    return Shot(Reading(clip), 0, len(clip))


def torn(n: int, planes: list[Any]) -> None:
    for row in range(-8, 0):
        planes[0][row] = np.roll(planes[0][row], 12)


def carrier(n: int, planes: list[Any]) -> None:
    y, x = np.mgrid[: planes[0].shape[0], : planes[0].shape[1]]
    planes[0] += 12 * np.cos(np.pi * (n + y) + 1.6 * x)
    planes[1] += 12 * np.cos(np.pi * n + 0.5 * np.arange(planes[1].shape[1]))


def dusty(n: int, planes: list[Any]) -> None:
    rng = np.random.default_rng(n // 2)
    for _ in range(5):
        x, y = (int(rng.integers(20, side - 20)) for side in planes[0].shape[::-1])
        cv2.circle(planes[0], (x, y), 3, 16.0, -1)


def test_a_clean_clip_has_nothing_of_tape() -> None:
    clean = shot(coloured())
    assert switching_of(clean) == {"head_switching": 0}
    assert chroma_of(clean) == {"chroma.across": 0, "chroma.down": 0}
    found = carrier_of(clean)
    assert found["dot_crawl"] < 0.005
    assert found["rainbows"] < 0.02
    assert held_dust_of(clean) == {"cels.hold": 1}


def test_lines_torn_at_the_lower_edge_are_counted() -> None:
    assert switching_of(shot(spoilt(coloured(), torn)))["head_switching"] == pytest.approx(8, abs=1)


def test_what_swings_with_the_carrier_is_told_by_luma_and_colour() -> None:
    still = core.std.Loop(coloured()[0], 8)
    found = carrier_of(shot(spoilt(still, carrier)))
    assert found["dot_crawl"] > 0.5
    assert found["rainbows"] > 0.5
    assert set(carrier_of(shot(still)).values()) == {0.0}


def test_colour_beside_the_picture_is_told_with_its_side() -> None:
    luma, *chroma = coloured().std.SplitPlanes()
    moved = [plane.resize.Bicubic(src_left=-2) for plane in chroma]
    found = chroma_of(shot(core.std.ShufflePlanes([luma, *moved], [0, 0, 0], vs.YUV)))
    assert found["chroma.across"] == pytest.approx(4, abs=1)
    assert found["chroma.down"] == 0


def test_dust_that_stays_as_long_as_a_drawing_is_found_among_drawings() -> None:
    once = film(pan(5, 8, 2.0))
    twos = core.std.Interleave([once, once])
    clean, dirty = held_dust_of(shot(twos)), held_dust_of(shot(spoilt(twos, dusty)))
    assert (clean["cels.hold"], dirty["cels.hold"]) == (2, 2)
    assert clean["cels.dust"] < 1 < 2.5 < dirty["cels.dust"]


@pytest.mark.parametrize("fmt", [vs.GRAY8, vs.RGB24, vs.YUV444P16])
def test_every_format_is_looked_at_as_far_as_it_can_have_the_fault(fmt: int) -> None:
    clip = shot(film(pan(3, 8), fmt).std.AddBorders(top=64))
    assert switching_of(clip) == {"head_switching": 0}
    assert bool(carrier_of(clip)) == bool(chroma_of(clip)) == (fmt == vs.YUV444P16)


def test_what_is_too_small_or_too_short_is_left_out() -> None:
    tiny = shot(core.std.BlankClip(None, 48, 48, vs.YUV420P8, 12))
    assert not {**switching_of(tiny), **carrier_of(tiny), **chroma_of(tiny), **held_dust_of(tiny)}
    assert not carrier_of(shot(coloured(4)))


def test_faults_of_tape_are_told_in_words() -> None:
    values: dict[str, float | str] = {"head_switching": 6.0, "dot_crawl": 0.1, "rainbows": 0.2, "cels.dust": 3.0}
    said = found_in(ShotMeasures(0, 100, values))
    assert said == "6 lowest lines torn, dot crawl, rainbows, dust under the glass 3.0 a frame"
    assert found_in(ShotMeasures(0, 100, dict.fromkeys(values, 0.0))) == ""
