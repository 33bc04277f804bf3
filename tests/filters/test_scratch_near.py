"""Lines that are known from elsewhere: from the frames beside, and from the other planes of the frame."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from tests.filters.test_remove_scratches import FRAMES, SIZE, clip_of, eight_bit, lines, mask_of, scene
from vsfilmrestore.filters._scratch_near import Near, drift, marked
from vsfilmrestore.filters._scratch_search import Run
from vsfilmrestore.filters.remove_scratches import remove_scratches

core = vs.core

SHAPE = 20, 200


def run(x: int, bright: bool = True, blocks: int = SHAPE[0]) -> Run:
    return Run(0, np.full(blocks, x, np.intp), 1.4, bright, 0, 3)


def with_line(x: int, bright: bool = True, shape: tuple[int, int] = SHAPE) -> npt.NDArray[np.float32]:
    found = np.zeros(shape, np.float32)
    marked(found, run(x, bright, shape[0]))
    return found


def test_frames_beside_tell_of_lines_of_the_same_sign_as_far_as_they_drift() -> None:
    near = Near.of([with_line(80), with_line(120, bright=False)], [])
    assert near.holds(run(80 + drift(SHAPE[1])))
    assert not near.holds(run(81 + drift(SHAPE[1])))
    assert near.holds(run(120, bright=False))
    assert not near.holds(run(120))
    assert near.lacks(with_line(40))
    assert not near.lacks(with_line(83))


def test_planes_of_half_the_size_tell_of_lines_at_the_same_place() -> None:
    half = with_line(40, bright=False, shape=(SHAPE[0] // 2, SHAPE[1] // 2))
    near = Near.of([np.zeros(SHAPE, np.float32)], [half])
    assert near.in_planes(run(80))
    assert near.in_planes(run(81))
    assert not near.in_planes(run(85))
    assert not near.lacks_of_plane(half)
    assert Near.of([half], [half]).in_planes(run(40, blocks=SHAPE[0] // 2))
    assert Near.of([with_line(60)], [with_line(60)]).lacks_of_plane(half)


def test_a_line_that_one_plane_shows_goes_from_the_others() -> None:
    added = lines(drifts=0.8)
    uneven = added.copy()
    uneven[:, : SIZE[0] // 3] *= 3  # over dark parts of the picture it is much higher than on the rest
    green = clip_of(eight_bit(scene(0) + uneven))
    assert not any(mask_of(frame).any() for frame in remove_scratches(green, model="").frames())
    red, blue = (clip_of(eight_bit(frames)) for frames in (scene(0), scene(0) + added))
    both = core.std.ShufflePlanes([red, green, blue], [0, 0, 0], vs.RGB)
    for n in (0, 4, FRAMES - 1):
        frame, clean = remove_scratches(both, model="").get_frame(n), scene(0)[n]
        line = np.abs(added[n]) > 8
        damaged, mended = (
            np.abs(np.asarray(f[1]).astype(float) - clean)[line].mean() for f in (both.get_frame(n), frame)
        )
        assert mended < 0.3 * damaged
        assert np.array_equal(np.asarray(frame[0]), np.asarray(both.get_frame(n)[0]))
