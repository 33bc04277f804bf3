"""Steps that invent, `restore_faces` and `fill`: where they work, where not, and that nobody gets them unasked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vapoursynth as vs

import vsfilmrestore as fr
from tests.filters.generative import HOLE, INVENTING, UNGUARDED, moving_face, painter, with_inventing
from tests.filters.networks import added
from tests.inference import makers
from tests.inference.makers import array, hashes, orders, picture, planes, streamed
from vsfilmrestore.errors import UsageError
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.media.props import REGIONS, changed_prop, mask_prop
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.recipes.presets import names
from vsfilmrestore.render.reel import Reel

core = vs.core

FORMATS = [vs.YUV420P8, vs.YUV422P10, vs.GRAY16, vs.RGBS]
pytestmark = pytest.mark.usefixtures("zoo")


@pytest.fixture
def faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A model that makes faces darker, and a finder that finds white squares."""
    with_inventing(tmp_path, monkeypatch)
    return "darker"


@pytest.fixture
def fills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A model that paints 0.3, and 0.6 where it is told to."""
    with_inventing(tmp_path, monkeypatch)
    return "paint"


@pytest.fixture
def threads_of() -> Iterator[Callable[[int], None]]:
    """Sets how many threads VapourSynth has, while a test runs."""
    before = core.num_threads

    def take(count: int) -> None:
        core.num_threads = count

    yield take
    core.num_threads = before


def mask_of(clip: vs.VideoNode, name: str, n: int) -> Any:
    with clip.get_frame(n) as frame:
        mask: Any = frame.props[mask_prop(name)]
        return np.array(mask[0])


@pytest.mark.parametrize("name", names())
def test_no_preset_has_a_step_that_invents(name: str) -> None:
    assert not {"restore_faces", "fill"} & {step.name for step in Recipe.preset(name)}


@pytest.mark.parametrize("name", ["restore_faces", "fill"])
def test_no_model_is_taken_that_was_not_named(name: str) -> None:
    spec = FILTERS[name]
    assert spec.settings["model"].default == ""
    with pytest.raises(vs.Error, match="names no model"):
        spec.function(picture(fmt=vs.YUV420P8), 1.0, **({"only": [HOLE]} if name == "fill" else {}))
    with pytest.raises(UsageError, match="names no model"):
        spec.network(spec.complete({"strength": 1.0, "only": [HOLE]}))
    clip = picture(frames=2)
    assert streamed(spec.function(clip, 0.0)) == streamed(clip)
    assert spec.network(spec.complete({"strength": 0.0})) is None


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: core.get_video_format(fmt).name)
def test_faces_alone_are_changed_and_the_mask_travels(fmt: int, faces: str) -> None:
    clip = moving_face(fmt=fmt)
    made = fr.restore_faces(clip, 1.0, model=faces, **UNGUARDED)
    before, after = planes(clip, 0), planes(made, 0)
    mask = mask_of(made, "restore_faces", 0)
    assert mask.shape == (128, 160)
    rows, columns = np.nonzero(mask)
    # The finder's box is 40 pixels around (52, 60); by its landmarks the square is 75 pixels, its corners round.
    assert 15 < columns.min() < 30 < 75 < columns.max() < 95
    assert 15 < rows.min() < 30 < 80 < rows.max() < 100
    changed = before[0] != after[0]
    assert np.array_equal(changed & (mask == 0), np.zeros_like(changed))
    assert changed[62, 54]
    middle, dark = float(before[0][62, 54]), float(after[0][62, 54])
    black = 16 << (clip.format.bits_per_sample - 8) if clip.format.sample_type == vs.INTEGER else 0
    assert dark - black == pytest.approx((middle - black) / 2, rel=0.03)
    with made.get_frame(0) as frame:
        assert frame.props[changed_prop("restore_faces")] == pytest.approx((mask > 0).mean())
        assert REGIONS not in frame.props
    half = planes(fr.restore_faces(clip, 0.5, model=faces, **UNGUARDED), 0)[0]
    assert float(half[62, 54]) - black == pytest.approx((middle - black) * 0.75, rel=0.03)


def test_what_is_found_is_followed(faces: str) -> None:
    made = fr.restore_faces(moving_face(), 1.0, model=faces)
    middles = [float(np.nonzero(mask_of(made, "restore_faces", n))[1].mean()) for n in range(6)]
    assert middles == sorted(middles)
    assert middles[5] - middles[0] == pytest.approx(16, abs=3)


@pytest.mark.parametrize("threads", [1, 8])
def test_frames_with_faces_are_the_same_in_any_order(
    threads: int, faces: str, threads_of: Callable[[int], None]
) -> None:
    threads_of(threads)
    made = fr.restore_faces(moving_face(), 0.7, model=faces)
    assert {tuple(hashes(made, order)) for order in orders(6).values()} == {tuple(streamed(made))}


def test_small_and_doubtful_faces_stay(faces: str) -> None:
    clip = moving_face(frames=3)
    assert streamed(fr.restore_faces(clip, 1.0, model=faces, smallest=42)) == streamed(clip)
    assert streamed(fr.restore_faces(clip, 1.0, model=faces, smallest=39)) != streamed(clip)
    nobody = core.std.BlankClip(clip, color=[90, 128, 128])
    made = fr.restore_faces(nobody, 1.0, model=faces)
    assert streamed(made) == streamed(nobody)
    assert not mask_of(made, "restore_faces", 0).any()


def test_faces_within_regions(faces: str) -> None:
    clip = moving_face(frames=2)
    whole = planes(fr.restore_faces(clip, 1.0, model=faces), 0)
    only = planes(fr.restore_faces(clip, 1.0, model=faces, only=[(0, 0, 52, 128)]), 0)
    protected = planes(fr.restore_faces(clip, 1.0, model=faces, protect=[(0, 0, 52, 128)]), 0)
    for plane, source in enumerate(planes(clip, 0)):
        cut = 52 if plane == 0 else 26
        assert np.array_equal(only[plane][:, :cut], whole[plane][:, :cut])
        assert np.array_equal(only[plane][:, cut:], source[:, cut:])
        assert np.array_equal(protected[plane][:, :cut], source[:, :cut])
        assert np.array_equal(protected[plane][:, cut:], whole[plane][:, cut:])


def test_what_finds_faces_must_be_here(tmp_path: Path) -> None:
    added(makers.affine(tmp_path / "files" / "f.onnx", 0.5, 0.0), "darker", "faces")
    spec = FILTERS["restore_faces"]
    with pytest.raises(vs.Error, match=r"model yunet-n is not on this machine.*models get yunet-n"):
        fr.restore_faces(picture(), 1.0, model="darker")
    with pytest.raises(Exception, match="model yunet-n is not on this machine"):
        spec.network(spec.complete({"model": "darker"}))
    before = Recipe().with_steps({"restore_faces": {"model": "darker"}}).key()
    found = sys.modules["vsfilmrestore.filters.restore_faces"]._weights({"model": "darker"})
    assert found.endswith("not here")
    assert before != Recipe().with_steps({"restore_faces": {"model": "nobody"}}).key()


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: core.get_video_format(fmt).name)
def test_areas_are_painted_and_the_rest_keeps_its_bits(fmt: int, fills: str) -> None:
    clip = picture(96, 64, 2, fmt=fmt, **({"_Range": 1} if fmt == vs.GRAY16 else {}))
    made = fr.fill(clip, model=fills, only=[HOLE])
    left, top, right, bottom = HOLE
    for number, (source, painted) in enumerate(zip(planes(clip, 1), planes(made, 1), strict=True)):
        across, down = (clip.format.subsampling_w, clip.format.subsampling_h) if number else (0, 0)
        inside = np.zeros(source.shape, bool)
        inside[top >> down : bottom >> down, left >> across : right >> across] = True
        assert np.array_equal(source[~inside], painted[~inside])
        assert painted[inside].std() < source[inside].std() / 20
    mask = mask_of(made, "fill", 1)
    assert mask[top:bottom, left:right].all()
    assert (mask > 0).sum() == (bottom - top) * (right - left)


def test_the_network_is_told_where_and_sees_what_is_around(tmp_path: Path, fills: str) -> None:
    clip = picture(96, 64, 2)
    made = array(fr.fill(clip, model=fills, only=[HOLE]), 0)
    assert np.allclose(made[:, 12:28, 24:56], 0.6, atol=1e-6)
    painter(tmp_path / "files" / "b.onnx", "behind", 0.25, behind=True)
    assert np.allclose(array(fr.fill(clip, model="behind", only=[HOLE]), 0)[:, 12:28, 24:56], 0.5, atol=1e-6)
    # A protected part of an area is no hole: the network is told so, and it keeps its bits.
    kept = fr.fill(clip, model=fills, only=[HOLE], protect=[(40, 0, 96, 64)])
    assert np.allclose(array(kept, 0)[:, 12:28, 24:40], 0.6, atol=1e-6)
    assert np.array_equal(array(kept, 0)[:, :, 40:], array(clip, 0)[:, :, 40:])
    half = fr.fill(clip, 0.5, model=fills, only=[HOLE])
    assert np.allclose(array(half, 0)[:, 12:28, 24:56], (0.6 + array(clip, 0)[:, 12:28, 24:56]) / 2, atol=1e-6)


def test_a_small_area_of_a_large_picture_is_run_by_itself(
    tmp_path: Path, fills: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["vsfilmrestore.filters.fill"]
    seen: list[tuple[int, int]] = []
    settle = module.with_matrix
    monkeypatch.setattr(module, "with_matrix", lambda clip: seen.append((clip.width, clip.height)) or settle(clip))
    clip = picture(1300, 730, 1, fmt=vs.YUV420P8)
    for area in [(1200, 700, 1299, 729), (0, 0, 9, 9), (601, 333, 640, 377), (0, 0, 1300, 730)]:
        left, top, width, height = module._window(clip, [area])
        assert left <= max(area[0] - 128, 0)
        assert top <= max(area[1] - 128, 0)
        assert left + width >= min(area[2] + 128, 1300)
        assert top + height >= min(area[3] + 128, 730)
        assert left % 8 == top % 8 == width % 2 == height % 2 == 0
        made = fr.fill(clip, model=fills, only=[area])
        changed = planes(clip, 0)[0] != planes(made, 0)[0]
        rows, columns = np.nonzero(changed)
        assert (columns.min(), rows.min()) >= (area[0], area[1])
        assert (columns.max(), rows.max()) < (area[2], area[3])
        assert changed[area[1] : area[3], area[0] : area[2]].mean() > 0.9
    assert module._window(clip, [(600, 300, 640, 340)])[2:] < (320, 320)
    # The matrix that a silent clip is read with is that of its size, not of the part's: BT.709 from HD on.
    told = picture(1300, 730, 1, fmt=vs.YUV444P8, _Matrix=1)
    silent = told.std.RemoveFrameProps("_Matrix")
    small = [(600, 300, 640, 340)]
    for a, b in zip(*(planes(fr.fill(each, model=fills, only=small), 0) for each in (told, silent)), strict=True):
        assert np.array_equal(a, b)


def test_areas_outside_the_picture_change_nothing(fills: str) -> None:
    clip = picture(96, 64, 1, fmt=vs.YUV420P8)
    made = fr.fill(clip, model=fills, only=[(200, 200, 220, 220)])
    assert streamed(made) == streamed(clip)
    assert not mask_of(made, "fill", 0).any()


@pytest.mark.parametrize("threads", [1, 8])
def test_painted_frames_are_the_same_in_any_order(threads: int, fills: str, threads_of: Callable[[int], None]) -> None:
    threads_of(threads)
    made = fr.fill(picture(96, 64, 8, fmt=vs.YUV420P8), 0.7, model=fills, only=[HOLE])
    assert {tuple(hashes(made, order)) for order in orders(8).values()} == {tuple(streamed(made))}


def test_a_marker_says_where_to_paint(fills: str, small_reel: Path) -> None:
    def opened(text: str) -> Reel:
        reel = Reel.open(small_reel / "cut.edl", media=small_reel / "scans", preset=Recipe())
        reel["opening"].change(text)
        return reel

    with pytest.raises(UsageError, match=r"fill: names no areas \(wanted by shot opening\)"):
        opened(f"none fill=1 fill.model={fills}").restored()
    reel = opened(f"none fill=1 fill.model={fills} fill.only=24,12,56,28")
    source, made = planes(reel.source(), 3)[0], planes(reel.restored(), 3)[0]
    assert np.ptp(made[12:28, 24:56]) == 0
    made[12:28, 24:56] = source[12:28, 24:56]
    assert np.array_equal(source, made)


def test_the_hole_can_be_looked_at(fills: str) -> None:
    clip = core.std.BlankClip(format=vs.GRAY8, width=96, height=64, length=1, color=50)
    shown = planes(fr.fill(clip, model=fills, only=[HOLE], show="mask"), 0)[0]
    assert shown[20, 30] == 255
    assert shown[5, 5] == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model": "paint"}, "names no areas.*only="),
        ({"model": "dim", "only": [HOLE]}, "model dim is for 'deblur', not for 'inpaint'"),
        ({"model": "blind", "only": [HOLE]}, "takes 0 masks by its card, not one.*--extra mask=mask"),
        ({"model": "nobody", "only": [HOLE]}, "there is no model 'nobody'"),
    ],
)
def test_what_cannot_be_painted_is_told_in_one_line(
    settings: dict[str, Any], words: str, fills: str, tmp_path: Path
) -> None:
    added(makers.identity(tmp_path / "files" / "i.onnx"), "blind", "inpaint")
    with pytest.raises(vs.Error, match=words) as caught:
        fr.fill(picture(fmt=vs.YUV420P8), **settings)
    assert str(caught.value).startswith("fill: ")
    assert "\n" not in str(caught.value)
    spec = FILTERS["fill"]
    with pytest.raises(UsageError):
        spec.network(spec.complete(settings))


def test_steps_that_do_more_than_their_network_stand_alone(fills: str) -> None:
    for name, settings in INVENTING.items():
        call = FILTERS[name].network(FILTERS[name].complete(settings))
        assert call is not None
        assert call.sha256
        assert not call.whole
    assert FILTERS["restore_faces"].reach({"model": "darker"}) == 2
    assert FILTERS["fill"].reach({"model": fills, "only": [HOLE]}) == 0
