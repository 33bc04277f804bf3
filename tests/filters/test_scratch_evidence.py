"""What is known of a line before it is called a scratch, and what the judge makes of it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from vsfilmrestore.filters._scratch_evidence import FEATURES, LOW, Evidence, Known, far_from_scene, moves_of
from vsfilmrestore.filters._scratch_judge import terms_of, verdict_on
from vsfilmrestore.filters._scratch_search import Maps, Run, maps_of, unpacked

SIZE = 240, 320
LINE = 150
PROFILE = 24 * np.exp(-0.5 * (np.arange(-3, 4) / 0.9) ** 2)


def wide_picture() -> npt.NDArray[np.float64]:
    """Smooth random picture around 110, 120 columns wider than a frame."""
    rng = np.random.default_rng(5)
    out = rng.normal(0, 1, (SIZE[0], SIZE[1] + 120))
    for shift in (1, 2, 3, 5):
        out = (out + np.roll(out, shift, 0) + np.roll(out, shift, 1)) / 3
    return 110 + 14 * out / out.std()


def frames_of(scene: list[float], line: list[float], height: float = 1.0) -> list[Maps]:
    """Maps of nine frames: where the scene lies in each, and where a line."""
    wide, x = wide_picture(), np.arange(SIZE[1], dtype=float)
    rng = np.random.default_rng(6)
    found = []
    for place, at in zip(scene, line, strict=True):
        frame = np.stack([np.interp(x + 60 - place, np.arange(wide.shape[1]), row) for row in wide])
        frame += height * 24 * np.exp(-0.5 * ((x - LINE - at) / 0.9) ** 2) + rng.normal(0, 1.5, SIZE)
        found.append(unpacked(maps_of(frame.astype(np.float32), (3, 8)), SIZE[0]))
    return found


def known_of(maps: list[Maps]) -> Known:
    middle = len(maps) // 2
    blocks = len(maps[0].mean)
    run = Run(0, np.full(blocks, LINE, np.intp), 1.4, True, 0, 3)
    others = [each for n, each in enumerate(maps) if n != middle]
    return Evidence(maps[middle], others).of(run, np.repeat(PROFILE[None], blocks, 0))


WEAVE = [0.9, -0.7, 0.4, -1.0, 0.0, 0.8, -0.5, 1.1, -0.9]


@pytest.mark.parametrize("shift", [-5.0, -0.4, 0.0, 0.25, 3.6])
def test_the_whole_picture_is_followed_to_a_part_of_a_pixel(shift: float) -> None:
    one, other = frames_of([0.0, shift], [0.0, 0.0], height=0.0)
    part = other.mean + 9  # flicker
    part[:, 40:56] = one.mean[:, 40:56]  # and something that stands still
    assert moves_of(one.mean, [part])[0] == pytest.approx(shift, abs=0.12)


def test_a_scratch_stays_while_the_scene_moves() -> None:
    known = known_of(frames_of([3.0 * n for n in range(-4, 5)], [0.1 * n for n in range(-4, 5)]))
    assert tuple(known) == FEATURES
    assert known["known"] > 0.9
    assert known["stays"] > 0.9
    assert known["with picture"] < 0.4
    assert far_from_scene(known) > 3
    assert known["length"] == 1


def test_a_groove_goes_with_the_weave_of_the_film() -> None:
    known = known_of(frames_of(WEAVE, WEAVE))
    assert known["known"] > 0.9
    assert known["with picture"] > 0.9
    assert far_from_scene(known) < 0.15
    assert math.exp(known["moves"]) - LOW == pytest.approx(0.9, abs=0.25)


def test_a_line_of_one_frame_is_not_known_again() -> None:
    maps = frames_of(WEAVE, WEAVE, height=0.0)
    maps[4] = frames_of(WEAVE, [0.0] * 9)[4]
    assert known_of(maps)["known"] < 0.5


def test_the_judge_tells_a_scratch_from_a_groove() -> None:
    still = [0.15 * math.sin(n) for n in range(9)]
    scratch, groove = known_of(frames_of(WEAVE, still)), known_of(frames_of(WEAVE, WEAVE))
    assert verdict_on(scratch, 0.97) > 1.5
    assert verdict_on(groove, 0.97) < 0
    assert verdict_on(scratch, 0.97) > verdict_on(scratch, 0.4) + 0.3
    assert np.isfinite(terms_of(scratch, 0.0)).all()
    assert np.isfinite(terms_of(groove, 1.0)).all()


def test_nothing_at_all_is_no_evidence() -> None:
    flat = [unpacked(maps_of(np.full(SIZE, 90, np.float32), (3, 8)), SIZE[0]) for _ in range(9)]
    known = known_of(flat)
    assert known["known"] == 0
    assert np.isfinite(list(known.values())).all()
    assert verdict_on(known, 0.5) < 0
