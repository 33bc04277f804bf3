"""The network that finds dirt, within remove_dirt: what it is asked, and what its word counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.errors import UsageError
from vsfilmrestore.filters import _detector
from vsfilmrestore.filters._dirt_fill import mended, rims_that_fit
from vsfilmrestore.filters._dirt_judge import (
    ALIKE,
    heard,
    lighter,
    likely_piece,
    likely_speck,
    stands_apart,
    verdict,
    with_measures,
)
from vsfilmrestore.filters._dirt_learned import DETECTOR
from vsfilmrestore.filters._dirt_sight import LEVEL, Sight, sight
from vsfilmrestore.filters._dirt_specks import FEATURES, Specks
from vsfilmrestore.filters._model import can_run
from vsfilmrestore.filters.remove_dirt import remove_dirt
from vsfilmrestore.filters.schema import FILTERS
from vsfilmrestore.models.zoo import Zoo

core = vs.core


def specks_of(labels: np.ndarray) -> Specks:
    """Specks with the same features each."""
    count = int(labels.max()) + 1
    area = np.bincount(labels.ravel(), minlength=count).astype(float)
    return Specks(labels.astype(np.int32), np.ones((count, len(FEATURES))), area, area, np.zeros(count, bool))


def test_what_is_heard_of_a_speck() -> None:
    labels = np.zeros((4, 6), int)
    labels[0, :2], labels[2, 3] = 1, 2
    sure = np.full((4, 6), 0.5, np.float32)
    sure[0, 0], sure[2, 3] = 0.9, 0.0
    known = heard(specks_of(labels), sure)
    assert known.shape == (3, 3)
    assert known[1, 1] == pytest.approx(np.log(9))
    assert known[1, 2] == pytest.approx(np.log(9) / 2)
    assert -10 < known[2, 1] == known[2, 2] < -5  # never quite impossible
    assert known[1, 0] == known[2, 0]


@pytest.mark.parametrize("measures", [-6.0, -2.0, 2.0])
def test_the_surer_the_network_the_likelier_dirt(measures: float) -> None:
    odds = np.linspace(-5, 5, 11)
    likely = verdict(np.stack([np.full(11, measures), odds, odds], 1))
    assert (np.diff(likely) > 0).all()


def test_dirt_that_two_frames_share_lies_beyond_three_of_four() -> None:
    clean, dirty = np.full((5, 6), 100 * LEVEL, np.uint16), np.full((5, 6), 40 * LEVEL, np.uint16)
    shared = stands_apart(dirty, [clean, clean, dirty, clean])
    assert shared.three.min() == shared.three.max() == 60
    assert shared.middle.max() == -60
    lasting = stands_apart(dirty, [clean, dirty, dirty, clean])
    assert lasting.three.max() == 0
    labels = np.zeros((5, 6), int)
    labels[1:3, 1:4] = 1
    assert not lighter(specks_of(labels), shared)[1]
    assert lighter(specks_of(labels), stands_apart(clean, [dirty] * 4))[1]


def test_the_surer_the_network_the_likelier_a_piece() -> None:
    labels = np.zeros((5, 6), int)
    labels[1:3, 1:4] = 1
    found, shared = specks_of(labels), np.zeros((5, 6), bool)
    clean = np.full((5, 6), 100 * LEVEL, np.uint16)
    apart = stands_apart(clean - 60 * LEVEL, [clean] * 4)
    known = [
        with_measures(found, heard(found, np.full((5, 6), sure, np.float32)), apart, shared)
        for sure in (0.4, 0.7, 0.97)
    ]
    assert known[0].shape == (2, len(FEATURES) + 7)
    for judge in (likely_piece, likely_speck):
        assert (np.diff([float(judge(each)[1]) for each in known]) > 0.3).all()


def test_what_is_lighter_here_and_darker_there_is_told() -> None:
    labels = np.zeros((5, 6), int)
    labels[1:3, 1:5] = 1
    found, sure, shared = specks_of(labels), np.full((5, 6), 0.9, np.float32), np.zeros((5, 6), bool)
    clean = np.full((5, 6), 100 * LEVEL, np.uint16)
    mixed = clean.copy()
    mixed[:, :3] -= 30 * LEVEL
    mixed[:, 3:] += 30 * LEVEL
    alike = [
        with_measures(found, heard(found, sure), stands_apart(now, [clean] * 4), shared)[1, ALIKE]
        for now in (clean - 30 * LEVEL, mixed)
    ]
    assert alike[0] == pytest.approx(0)
    assert alike[1] < -3


def still(picture: np.ndarray, fmt: int = vs.GRAY16) -> vs.VideoNode:
    """A clip of one frame."""
    height, width = picture.shape
    blank = core.std.BlankClip(None, width, height, fmt, length=1, keep=True)

    def put(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f.copy()
        np.copyto(np.asarray(out[0]), picture)
        return out

    return blank.std.ModifyFrame(blank, put)


def test_a_repair_leans_on_the_neighbours_that_fit_around_it() -> None:
    """Three of four neighbours are moved wrongly at one place: where they do not fit, the one that does counts."""
    ramp = np.tile(np.arange(64, dtype=np.uint16) * 2 * LEVEL, (64, 1))
    work, off = still(ramp), still(np.roll(ramp, 9, 1))
    mask = still(np.where(np.hypot(*np.mgrid[-32:32, -32:32]) < 4, 65535, 0).astype(np.uint16)).resize.Point(
        format=vs.GRAY8
    )
    (made,) = mended(Sight(work, [off, work, off, off]), mask, 0.0)
    wrong = np.abs(np.asarray(made.get_frame(0)[0]).astype(float) - ramp)[28:36, 28:36]
    assert wrong.max() < 5 * LEVEL  # the middle of all four is 18 levels off


def test_the_rim_of_a_repair_stays_where_it_lies_between_the_neighbours() -> None:
    """The left half fits, the right half lies beyond both: there the rim goes too."""
    values = np.full((64, 64), 20000, np.uint16)
    values[:, 32:] += 20 * LEVEL
    below, above, made = (still(np.full((64, 64), 20000 + each * LEVEL, np.uint16)) for each in (-3, 4, 2))
    marked = np.zeros((64, 64), np.uint8)
    marked[20:44, 20:44] = 255
    (kept,) = rims_that_fit(Sight(still(values), [below, below, above, above]), [made], still(marked, vs.GRAY8))
    result = np.asarray(kept.get_frame(0)[0])
    assert (result[20:44, 20] == 20000).all()
    assert (result[21:43, 21:43] == 20000 + 2 * LEVEL).all()
    assert (result[20:44, 43] == 20000 + 2 * LEVEL).all()


def test_our_own_network_has_a_card_that_fits_its_file() -> None:
    found = Zoo.open().find(DETECTOR.own)
    assert found.card.task == "dirt"
    assert found.card.quality
    assert found.path.stat().st_size < 5_000_000


def test_colours_that_differ_are_seen_whatever_the_brightness() -> None:
    plain = core.std.BlankClip(width=64, height=64, format=vs.YUV444P8, length=5, color=[100, 128, 128])

    def tint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f.copy()
        if n == 2:
            np.asarray(out[1])[20:26, 30:36] = 160
        return out

    seen = sight(plain.std.ModifyFrame(plain, tint))
    colour = np.asarray(seen.colour.get_frame(2)[0])
    assert colour[22, 33] > 100
    assert colour[:15].max() <= 2  # roundings
    assert np.ptp(seen.lumas[0].get_frame(2)[0]) == 0


def test_a_model_for_something_else_is_refused() -> None:
    clip = core.std.BlankClip(width=64, height=64, format=vs.GRAY8, length=3)
    with pytest.raises(vs.Error, match="is for 'stabilise', not for 'dirt'"):
        remove_dirt(clip, model="temporalfix-s1")


def test_a_network_that_is_not_here_is_told_before_a_render() -> None:
    spec = FILTERS["remove_dirt"]
    with pytest.raises(UsageError, match="there is no model 'mine'"):
        spec.network({"model": "mine", "strength": 0.5})
    assert spec.network({"model": "mine", "strength": 0}) is None
    assert spec.network({"model": "auto", "strength": 0.5}) is None
    assert spec.network({"model": "", "strength": 0.5}) is None


def test_the_key_of_a_render_holds_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = FILTERS["remove_dirt"]
    module = _detector
    monkeypatch.setattr(module, "can_run", lambda _: False)
    assert spec.weights({"model": "auto", "strength": 0.5}) == ""
    if not can_run(DETECTOR.own):
        pytest.skip("networks cannot be run here: pip install vsfilmrestore[onnx]")
    monkeypatch.setattr(module, "can_run", lambda _: True)
    assert len(spec.weights({"model": "auto", "strength": 0.5})) == 64
    assert spec.weights({"model": "", "strength": 0.5}) == ""


@pytest.mark.footage
@pytest.mark.slow
def test_sparkle_of_a_real_print_is_found(footage: object) -> None:
    """Within Our Gates (1920): bright specks on a wall that measures alone leave."""
    if not can_run(DETECTOR.own):
        pytest.skip("networks cannot be run here: pip install vsfilmrestore[onnx]")
    path: Path = footage("clips/film_within_our_gates_1920.mkv")  # type: ignore[operator]
    clip = core.bs.VideoSource(str(path), cachemode=0, showprogress=False)[6:13]
    with_network, without = (
        np.asarray(remove_dirt(clip, 0.5, model=name, show="mask").get_frame(3)[0]) > 128 for name in (DETECTOR.own, "")
    )
    assert with_network.sum() > 1.5 * without.sum()
    assert with_network.mean() < 0.04
