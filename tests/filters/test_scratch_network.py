"""The network that tells scratches, within remove_scratches: what it is shown, and what its word counts."""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs
from skimage import data as skimage

from vsfilmrestore.errors import UsageError
from vsfilmrestore.filters import _detector
from vsfilmrestore.filters._model import can_run
from vsfilmrestore.filters._scratch_learned import DETECTOR, Told
from vsfilmrestore.filters._scratch_profile import over_rows
from vsfilmrestore.filters._scratch_sight import moved_onto
from vsfilmrestore.filters.remove_scratches import remove_scratches
from vsfilmrestore.filters.schema import FILTERS
from vsfilmrestore.models.zoo import Zoo

core = vs.core

needs_network = pytest.mark.skipif(not can_run(DETECTOR.own), reason="networks cannot be run here")


def told(lines: tuple[tuple[int, float], ...], blocks: int = 12, width: int = 90) -> Told:
    """What a network would say of lines at some columns that add so much."""
    added, sure = np.zeros((blocks, width), np.float32), np.zeros((blocks, width), np.float32)
    for x, height in lines:
        added[:, x - 1 : x + 2] = height * np.array([0.5, 1, 0.5])
        added[:, x + 2] = -0.2 * height
        sure[:, x - 1 : x + 2] = 0.95
    return Told(added, sure)


def smooth(seed: int, width: int) -> npt.NDArray[np.float32]:
    noise = np.random.default_rng(seed).normal(0, 25, (14, width + 8))
    return np.stack([np.convolve(row, np.hanning(9) / 4, "valid") for row in noise]).astype(np.float32)


@pytest.mark.parametrize("shift", [-6.0, 0.0, 2.5])
def test_neighbours_are_moved_by_how_the_scene_moves(shift: float) -> None:
    wide = smooth(1, 260)
    x = np.arange(220, dtype=float) + 20
    here, there = (
        np.stack([np.interp(x - d, np.arange(260), row) for row in wide]).astype(np.float32) for d in (0.0, shift)
    )
    there = there + 7  # flicker is no motion
    moved = moved_onto(here, [there])[0]
    inner = slice(20, 200)
    assert np.abs(moved[:, inner] - 7 - here[:, inner]).mean() < 1.0
    if shift:
        assert np.abs(there[:, inner] - 7 - here[:, inner]).mean() > 5


def test_a_line_over_a_moving_scene_is_not_moved_for() -> None:
    wide = smooth(2, 260)
    here, there = wide[:, 20:240].copy(), wide[:, 23:243].copy()
    for frame in (here, there):
        frame[:, 109:112] += 30
    moved = moved_onto(here, [there])[0]
    assert np.abs(moved[:, 20:90] - here[:, 20:90]).mean() < 1.5
    assert moved[:, 112:115].mean() > moved[:, 106:109].mean() + 15  # the line itself, where the scene has come to


def test_lines_that_are_told_are_found_by_sign() -> None:
    maps = told(((30, 9.0), (60, -7.0)))
    assert [(int(run.x[0]), run.bright) for run in maps.runs(0.4, (True, False))] == [
        (29, True),
        (59, False),
    ]  # of columns that are as sure the first
    assert [int(run.x[0]) for run in maps.runs(0.4, (False,))] == [59]
    assert not list(maps.runs(1.0, (True, False)))


@pytest.mark.parametrize("height", [9.0, -7.0])
def test_of_a_line_what_lies_beside_is_left(height: float) -> None:
    maps = told(((40, height),))
    run = next(maps.runs(0.4, (True, False)))
    mine = maps.of(run, 8)
    assert np.allclose(mine[:, 39:42], height * np.array([0.5, 1, 0.5]))
    assert not mine[:, :39].any()
    assert not mine[:, 42:].any()
    assert np.allclose(maps.middle(run, mine), 40)


def test_blocks_become_rows_evenly() -> None:
    rows = over_rows(np.arange(4, dtype=np.float32)[:, None] * np.ones((1, 3), np.float32), 40)
    assert rows.shape == (40, 3)
    assert rows[0, 0] == 0
    assert rows[-1, 0] == 3
    assert np.allclose(np.diff(rows[5:35, 0]), 0.1, atol=1e-5)


def test_our_own_network_has_a_card_that_fits_its_file() -> None:
    found = Zoo.open().find(DETECTOR.own)
    assert found.card.task == DETECTOR.task
    assert found.card.quality
    assert found.path.stat().st_size < 300_000


def test_a_model_for_something_else_is_refused() -> None:
    clip = core.std.BlankClip(width=64, height=64, format=vs.GRAY8, length=3)
    with pytest.raises(vs.Error, match="is for 'stabilise', not for 'scratches'"):
        remove_scratches(clip, model="temporalfix-s1")


def test_a_network_that_is_not_here_is_told_before_a_render() -> None:
    spec = FILTERS["remove_scratches"]
    with pytest.raises(UsageError, match="there is no model 'mine'"):
        spec.network({"model": "mine", "strength": 0.5})
    assert spec.network({"model": "mine", "strength": 0}) is None
    assert spec.network({"model": "auto", "strength": 0.5}) is None
    assert spec.network({"model": "", "strength": 0.5}) is None


@needs_network
def test_the_key_of_a_render_holds_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = FILTERS["remove_scratches"]
    assert len(spec.weights({"model": "auto", "strength": 0.5})) == 64
    assert spec.weights({"model": "", "strength": 0.5}) == ""
    monkeypatch.setattr(_detector, "can_run", lambda _: False)
    assert spec.weights({"model": "auto", "strength": 0.5}) == ""


def film(places: list[float]) -> npt.NDArray[np.float64]:
    """A photograph that lies so many pixels further to the left in each frame, with grain; frames, 200, 240."""
    cat, noise = skimage.chelsea()[40:240, :, 1].astype(float), np.random.default_rng(6)
    x = np.arange(240) + 20
    frames = [[np.interp(x + place, np.arange(cat.shape[1]), row) for row in cat] for place in places]
    return np.array(frames) + noise.normal(0, 2, (len(places), 200, 240))


def eight_bit(frames: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    return np.rint(frames).clip(0, 255).astype(np.uint8)


def clip_of(frames: npt.NDArray[np.uint8]) -> vs.VideoNode:
    blank = core.std.BlankClip(width=240, height=200, format=vs.GRAY8, length=len(frames), keep=True)

    def put(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f.copy()
        np.copyto(np.asarray(out[0]), frames[n])
        return out

    return core.std.ModifyFrame(blank, blank, put)


@needs_network
@pytest.mark.parametrize("height", [-30, 30])
def test_what_the_network_tells_is_taken_away_and_nothing_else(height: int) -> None:
    clean = film([5.0 * n for n in range(11)])
    profile = np.zeros(240)
    profile[119:122] = height * np.array([0.5, 1, 0.5])
    truth, damaged = eight_bit(clean), eight_bit(clean + profile)
    made = np.asarray(remove_scratches(clip_of(damaged), 0.5, model=DETECTOR.own).get_frame(5)[0]).astype(float)
    line, before = slice(118, 123), damaged[5].astype(float)
    left, was = (np.abs(each[:, line] - truth[5][:, line]).mean() for each in (made, before))
    assert left < 0.4 * was
    far = np.abs(np.arange(240) - 120) > 12
    np.testing.assert_array_equal(made[:, far], before[:, far])


@needs_network
def test_a_wide_line_is_taken_once() -> None:
    clean = film([5.0 * n for n in range(11)])
    added = 35 * np.exp(-0.5 * ((np.arange(240) - 120.4) / 2.2) ** 2)
    made = np.asarray(remove_scratches(clip_of(eight_bit(clean + added)), 0.5, model=DETECTOR.own).get_frame(5)[0])
    left = (made.astype(float) - eight_bit(clean)[5])[:, 113:128]
    assert np.abs(left.mean(0)).max() < 0.35 * 35
    assert left.mean() > -0.15 * added[113:128].mean()


@needs_network
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_grooves_go_with_the_weave_and_stay(strength: float) -> None:
    weave = [0.9, -0.7, 0.4, -1.0, 0.0, 0.8, -0.5, 1.1, -0.9, 0.3, -0.2]
    clean, x = film(weave), np.arange(240)
    grooves = np.array([sum(h * np.exp(-0.5 * ((x - at + w) / 0.9) ** 2) for at, h in ((70, -25), (150, 22)))
                        for w in weave])  # fmt: skip
    clip = clip_of(eight_bit(clean + grooves[:, None]))
    made = remove_scratches(clip, strength, model=DETECTOR.own)
    for n in (2, 5, 8):
        np.testing.assert_array_equal(np.asarray(made.get_frame(n)[0]), np.asarray(clip.get_frame(n)[0]))


@needs_network
def test_of_planes_without_any_line_the_network_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[int]] = []

    def lines_told(means: vs.VideoNode, around: object, model: str) -> vs.VideoNode:
        mine: list[int] = []
        asked.append(mine)
        told = core.std.BlankClip(means, format=vs.RGBS, keep=True)
        return told.std.FrameEval(lambda n: mine.append(n) or told)  # type: ignore[func-returns-value]

    monkeypatch.setattr(sys.modules[remove_scratches.__module__], "lines_told", lines_told)
    grey = clip_of(eight_bit(film([5.0 * n for n in range(11)]))).resize.Point(format=vs.YUV444P8)
    remove_scratches(grey, 0.5, model=DETECTOR.own).get_frame(5)
    assert [len(mine) for mine in asked] == [5, 0, 0]  # the frame, and those beside whose lines it looks for
