"""remove_dirt on large pieces: what lies beneath comes back, to the rim; what flies through repeated frames stays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from vsfilmrestore.filters._dirt_fill import mended
from vsfilmrestore.filters._dirt_large import about_large, behind_large, with_rims
from vsfilmrestore.filters._dirt_sight import sight
from vsfilmrestore.filters.remove_dirt import laid_in, remove_dirt

core = vs.core

type Frames = npt.NDArray[np.float64]

SIZE = 240, 320
ROW, COLUMN, RADIUS = 120, 150, 23


def clip_of(frames: Frames) -> vs.VideoNode:
    """GRAY8 clip of [frame, y, x]."""
    count, height, width = frames.shape
    blank = core.std.BlankClip(width=width, height=height, format=vs.GRAY8, length=count, keep=True)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        out = f.copy()
        np.copyto(np.asarray(out[0]), np.rint(frames[n].clip(0, 255)).astype(np.uint8))
        return out

    return core.std.ModifyFrame(blank, blank, fill)


def pan(step: int = 4, frames: int = 7) -> Frames:
    """A camera that pans over a picture with much detail, light on the left and dark on the right."""
    rng = np.random.default_rng(5)
    wide = rng.normal(0, 1, (SIZE[0], SIZE[1] + step * frames))
    for shift in (1, 2, 3, 5):
        wide = (wide + np.roll(wide, shift, 0) + np.roll(wide, shift, 1) + np.roll(wide, (shift, shift), (0, 1))) / 4
    wide = 150 + 20 * wide / wide.std() - np.linspace(0, 90, wide.shape[1])
    return np.stack([wide[:, i * step : i * step + SIZE[1]] for i in range(frames)]) + rng.normal(0, 1, (frames, *SIZE))


def blotch(soft: float) -> Frames:
    """How much of the picture a blotch covers, 0..1."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    turn = np.arctan2(y - ROW, x - COLUMN)
    return ((RADIUS + 4 * np.sin(3 * turn) - np.hypot(y - ROW, x - COLUMN)) / soft + 0.5).clip(0, 1)


def picture(clip: vs.VideoNode, n: int) -> Frames:
    return np.asarray(clip.get_frame(n)[0]).astype(np.float64)


def known(cover: Frames, frames: int = 7, at: int = 3) -> vs.VideoNode:
    """The mask of a blotch on one frame, as a detector tells it."""
    masks = np.zeros((frames, *SIZE))
    masks[at] = 255.0 * (cover > 0.5)
    return clip_of(masks).std.SetFrameProps(PlaneStatsDiff=0.1)


@pytest.mark.parametrize("value", [15, 240])
def test_beneath_a_large_piece_the_picture_moves_as_it_does_around(value: int) -> None:
    clean, cover = pan(), blotch(1)
    frames = clean.copy()
    frames[3] = frames[3] * (1 - cover) + value * cover
    mask, seen = known(cover), sight(clip_of(frames))
    behind = behind_large(seen, mask, about_large(mask))
    inside = cover > 0.9

    def off(view: vs.VideoNode) -> float:
        return float(np.sqrt(np.mean((picture(view, 3) / 256 - clean[3])[inside] ** 2)))

    usual, better = ([off(view) for view in each.moved] for each in (seen, behind))
    assert max(better) < 2.5
    assert max(usual) > 5 * max(better)


def test_frames_without_a_large_piece_keep_their_neighbours() -> None:
    frames = pan()
    small = np.zeros((7, *SIZE))
    small[3, 100:110, 100:110] = small[2, 50, 40:90] = 255
    mask, seen = clip_of(small), sight(clip_of(frames))
    behind = behind_large(seen, mask, about_large(mask))
    for n in (2, 3, 4):
        assert all(np.array_equal(picture(a, n), picture(b, n)) for a, b in zip(seen.moved, behind.moved, strict=True))


def test_a_large_piece_goes_with_its_soft_rim() -> None:
    clean, cover = pan(), blotch(8)
    frames = clean.copy()
    frames[3] = frames[3] * (1 - cover) + 240 * cover
    core_only = known(blotch(1) * (cover > 0.8))
    seen, where = sight(clip_of(frames)), about_large(core_only)
    behind = behind_large(seen, core_only, where)
    whole = picture(with_rims(core_only, behind, where), 3) > 0
    assert whole[cover > 0.1].mean() > 0.95 > 0.7 > (picture(core_only, 3) > 0)[cover > 0.1].mean()
    assert whole[blotch(40) == 0].mean() < 0.01
    repaired = laid_in(seen, mended(behind, with_rims(core_only, behind, where), 0.0), core_only)
    assert np.abs(picture(repaired, 3) / 256 - clean[3])[cover > 0.9].mean() < 4


def test_beside_a_cut_a_large_piece_does_not_grow() -> None:
    clean, cover = pan(), blotch(8)
    clean[3] = clean[3] * (1 - cover) + 240 * cover
    mask = known(cover).std.SetFrameProps(PlaneStatsDiff=0.0)
    seen, where = sight(clip_of(clean)), about_large(mask)
    assert np.array_equal(picture(with_rims(mask, behind_large(seen, mask, where), where), 3), picture(mask, 3))


@pytest.mark.parametrize("model", ["", "auto"])
def test_a_ball_that_flies_through_frames_shown_twice_stays(model: str) -> None:
    """24 frames a second made 30: every fourth is there twice, and in those two the ball stands still."""
    if model:
        pytest.importorskip("onnxruntime", reason="networks need the extra onnx")
    taken = pan(step=1, frames=9)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    for n, frame in enumerate(taken):
        frame[np.hypot(y - 40 - 20 * n, x - 60 - 22 * n) < 12] = 245
    rng = np.random.default_rng(1)
    shown = np.stack([taken[n] + rng.normal(0, 0.4, SIZE) for n in (0, 1, 2, 3, 4, 4, 5, 6, 7, 8)])
    clip = clip_of(shown)
    cleaned = remove_dirt(clip, 0.8, model=model)
    for n in (3, 4, 5, 6):
        ball = picture(clip, n) > 220
        assert ball.sum() > 300
        assert np.array_equal(picture(cleaned, n)[ball], picture(clip, n)[ball])
