"""The network that finds wires, within remove_wires: what counts of its word, and what comes in the place of wires."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs
from skimage import data
from skimage.draw import line

from vsfilmrestore.errors import UsageError
from vsfilmrestore.filters._model import can_run
from vsfilmrestore.filters._wire_fill import across
from vsfilmrestore.filters._wire_judge import motion_of, pieces_of, verdict
from vsfilmrestore.filters._wire_learned import DETECTOR
from vsfilmrestore.filters.remove_wires import remove_wires
from vsfilmrestore.filters.schema import FILTERS
from vsfilmrestore.media.props import changed_prop, mask_prop
from vsfilmrestore.models.zoo import Zoo

core = vs.core

runs = pytest.mark.skipif(not can_run(DETECTOR.own), reason="networks cannot be run: pip install vsfilmrestore[onnx]")


def filmed(pictures: npt.NDArray[np.uint8]) -> vs.VideoNode:
    blank = core.std.BlankClip(
        width=pictures.shape[2], height=pictures.shape[1], format=vs.GRAY8, length=len(pictures), keep=True
    )

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f.copy()
        np.copyto(np.asarray(out[0]), pictures[n])
        return out

    return core.std.ModifyFrame(blank, blank, draw)


def masked(clip: vs.VideoNode) -> npt.NDArray[np.bool_]:
    frames = clip.frames(close=False)
    return np.stack([np.asarray(f.props[mask_prop("remove_wires")][0]) > 0 for f in frames])  # type: ignore[index, call-overload]


def strung(frames: int, contrast: int, step: int = 5) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """A wire two pixels wide that swings through a still picture with grain, and where it is."""
    cat = data.chelsea()[20:260, 60:380, 1].astype(float)
    noise, where = np.random.default_rng(4), np.zeros((frames, 240, 320), bool)
    pictures = cat + noise.normal(0, 2, (frames, 240, 320))
    for n in range(frames):
        rows, columns = line(0, 90 + step * n, 200, 140 + step * n)
        for side in (0, 1):
            where[n, rows, columns + side] = True
    pictures[where] += contrast
    return np.rint(pictures).clip(0, 255).astype(np.uint8), where


def test_a_piece_that_is_longer_surer_and_thinner_is_rather_a_wire() -> None:
    sure = np.zeros((100, 200), np.float32)
    sure[20, 10:150], sure[40, 10:60], sure[60, 10:150], sure[75:88, 10:150] = 0.8, 0.8, 0.3, 0.8
    labels, known = pieces_of(sure, 40, 3)
    odds = verdict(known)
    long, short, faint, thick = (odds[labels[row, 30]] for row in (20, 40, 60, 80))
    assert long > max(short, faint, thick)


def test_pieces_much_shorter_than_a_wire_are_none() -> None:
    sure = np.zeros((50, 80), np.float32)
    sure[10, 5:15], sure[30, 5:60] = 0.9, 0.9
    labels = pieces_of(sure, 40, 3).labels
    assert not labels[10].any()
    assert (labels[30, 5:60] > 0).all()


def test_what_other_frames_show_as_well_does_not_move() -> None:
    sure = np.zeros((60, 200), np.float32)
    sure[20, 10:150], sure[40, 10:150] = 0.9, 0.9
    luma = np.full((60, 200), 100, np.float32)
    luma[20], luma[40] = 60, 60
    behind = luma.copy()
    behind[40] = 100
    pieces = pieces_of(sure, 40, 3)
    share = motion_of(pieces, sure, luma, behind, 3)
    assert share[pieces.labels[20, 50]] < 0.01
    assert share[pieces.labels[40, 50]] > 0.9


@pytest.mark.footage
@runs
def test_the_edge_of_a_roof_stays(footage: Callable[[str], Path]) -> None:
    clip = core.bs.VideoSource(str(footage("clips/interlaced_london_gt60p.mkv")), cachemode=0)[10:16]
    assert not masked(remove_wires(clip.resize.Bicubic(400, 300, format=vs.YUV420P8))).any()


def test_our_own_network_has_a_card_that_fits_its_file() -> None:
    found = Zoo.open().find(DETECTOR.own)
    assert found.card.task == DETECTOR.task
    assert found.card.quality
    assert found.path.stat().st_size < 5_000_000


@pytest.mark.parametrize("contrast", [-30, 30])
@runs
def test_a_wire_that_swings_is_found_in_most_frames(contrast: int) -> None:
    pictures, where = strung(8, contrast)
    mask = masked(remove_wires(filmed(pictures)))
    found = np.array([mask[n][where[n]].mean() for n in range(8)])
    assert (found > 0.5).sum() >= 6
    assert mask.sum() < 3 * where.sum()


@runs
def test_the_measures_find_less_or_claim_more() -> None:
    pictures, where = strung(8, -14)
    learned, measured = (masked(remove_wires(filmed(pictures), model=model)) for model in ("auto", ""))
    right = [2 * (mask & where).sum() / (mask.sum() + where.sum()) for mask in (learned, measured)]
    assert right[0] > right[1]


@runs
def test_what_runs_through_one_frame_alone_is_no_wire() -> None:
    pictures, _ = strung(7, -40)
    clean, _ = strung(7, 0)
    clean[3] = pictures[3]
    assert not masked(remove_wires(filmed(clean))).any()


def test_between_both_sides_a_slope_goes_on() -> None:
    slope = np.tile(np.arange(0, 240, 2, dtype=np.uint8), (80, 1))
    broken, mask = slope.copy(), np.zeros_like(slope)
    broken[:, 60:64], mask[:, 60:64] = 255, 255
    made = np.asarray(across(filmed(broken[None]), filmed(mask[None])).get_frame(0)[0])
    np.testing.assert_allclose(made[:, 55:70].astype(int), slope[:, 55:70], atol=2)
    np.testing.assert_array_equal(made[mask == 0], broken[mask == 0])


def test_at_the_border_one_side_must_do() -> None:
    flat, mask = np.full((40, 60), 90, np.uint8), np.zeros((40, 60), np.uint8)
    flat[:, :4], mask[:, :4] = 10, 255
    made = np.asarray(across(filmed(flat[None]), filmed(mask[None])).get_frame(0)[0])
    assert (made == 90).all()


def test_where_all_is_covered_all_stays() -> None:
    flat = np.full((1, 16, 16), 50, np.uint8)
    made = np.asarray(across(filmed(flat), filmed(np.full_like(flat, 255))).get_frame(0)[0])
    assert (made == 50).all()


def test_a_model_for_something_else_is_refused() -> None:
    clip = core.std.BlankClip(width=64, height=64, format=vs.GRAY8, length=3)
    with pytest.raises(vs.Error, match="is for 'dirt', not for 'wires'"):
        remove_wires(clip, model="dirt-t1")


def test_a_model_that_is_not_there_is_told_before_a_render() -> None:
    network = FILTERS["remove_wires"].network
    assert network is not None
    with pytest.raises(UsageError, match="nowhere"):
        network({"model": "nowhere", "strength": 0.5})
    network({"model": "nowhere", "strength": 0})


@runs
def test_what_was_taken_is_in_the_key_of_a_render(tmp_path: Path) -> None:
    weights = FILTERS["remove_wires"].weights
    assert weights is not None
    found = Zoo.open().find(DETECTOR.own)
    assert weights({"model": "auto", "strength": 0.5}) == found.file.sha256
    assert weights({"model": "", "strength": 0.5}) == ""


@runs
def test_the_share_is_told() -> None:
    pictures, _ = strung(5, -40)
    shares = [f.props[changed_prop("remove_wires")] for f in remove_wires(filmed(pictures)).frames(close=False)]
    assert max(map(float, shares)) > 0.001  # type: ignore[arg-type]
