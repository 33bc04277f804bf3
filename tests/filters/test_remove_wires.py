"""remove_wires: what counts as a wire, what does not, and what comes in its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs
from skimage import data
from skimage.draw import line_aa

from tests.pictures import clip_of, frames_of
from vsfilmrestore.filters import _detector
from vsfilmrestore.filters._model import can_run
from vsfilmrestore.filters._wire_learned import DETECTOR
from vsfilmrestore.filters.remove_wires import remove_wires
from vsfilmrestore.filters.schema import FILTERS
from vsfilmrestore.media.props import changed_prop, mask_prop

core = vs.core

type Pictures = npt.NDArray[np.float32]


@pytest.fixture(params=["measured", "learned"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What holds, holds with the network and without."""
    name: str = request.param
    if name == "learned" and not can_run(DETECTOR.own):
        pytest.skip("networks cannot be run here: pip install vsfilmrestore[onnx]")
    monkeypatch.setattr(_detector, "can_run", lambda _: name == "learned")
    return name


def scene(frames: int, step: int = 1) -> Pictures:
    """A slow camera move over a cat, with grain."""
    cat = data.chelsea()[..., 1].astype(np.float32)
    noise = np.random.default_rng(5)
    moves = np.stack([cat[40:240, 60 + step * n : 316 + step * n] for n in range(frames)])
    return np.rint(np.clip(moves + noise.normal(0, 1.5, moves.shape), 0, 255)).astype(np.float32)


def wired(pictures: Pictures, level: float, speed: int = 4) -> tuple[Pictures, npt.NDArray[np.bool_]]:
    """A two pixels wide wire from the upper edge, moving; and where it is."""
    spoilt = pictures.copy()
    where = np.zeros(pictures.shape, dtype=bool)
    for n, picture in enumerate(spoilt):
        cover = np.zeros(picture.shape, np.float32)
        for side in (0, 1):
            rows, columns, share = line_aa(0, 80 + speed * n + side, 140, 110 + speed * n + side)
            cover[rows, columns] = np.maximum(cover[rows, columns], share)
        picture[:] = picture * (1 - cover) + level * cover
        where[n] = cover > 0.2
    return np.rint(spoilt), where


def psnr(a: Pictures, b: Pictures) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, float(((a - b) ** 2).mean()))))


def share(clip: vs.VideoNode) -> float:
    """Largest share of a frame that was changed."""
    return max(float(f.props[changed_prop("remove_wires")]) for f in clip.frames(close=False))  # type: ignore[arg-type]


@pytest.mark.parametrize(("level", "polarity"), [(20, "dark"), (250, "bright")])
def test_a_moving_wire_goes_without_being_asked_for(level: int, polarity: str) -> None:
    truth = scene(8)
    spoilt, where = wired(truth, level)
    made = frames_of(remove_wires(clip_of(spoilt), polarity=polarity))  # type: ignore[arg-type]
    inner = slice(2, 6)
    assert psnr(made[inner][where[inner]], truth[inner][where[inner]]) > 4 + psnr(
        spoilt[inner][where[inner]], truth[inner][where[inner]]
    )
    far = ~where
    for shift in (1, 2, 3, 4):
        for axis in (1, 2):
            far &= ~np.roll(where, shift, axis) & ~np.roll(where, -shift, axis)
    assert (made != spoilt)[far].mean() < 0.002


def test_within_a_region_it_goes_almost_wholly() -> None:
    truth = scene(6)
    spoilt, where = wired(truth, 20)
    only = [(60, 0, 150, 150)]
    made = frames_of(remove_wires(clip_of(spoilt), only=only, polarity="dark"))
    inner = slice(0, 6)
    before, after = (psnr(p[inner][where[inner]], truth[inner][where[inner]]) for p in (spoilt, made))
    assert after > before + 6
    outside = np.ones(truth.shape, dtype=bool)
    outside[:, :150, 60:150] = False
    np.testing.assert_array_equal(made[outside], spoilt[outside])


def test_a_path_stands_for_a_region() -> None:
    truth = scene(4)
    spoilt, where = wired(truth, 20, speed=0)
    made = frames_of(remove_wires(clip_of(spoilt), path="80,0 110,140", polarity="dark"))
    assert psnr(made[where], truth[where]) > psnr(spoilt[where], truth[where]) + 8
    assert (made != spoilt)[:, :, :40].sum() == (made != spoilt)[:, :, 160:].sum() == 0


def hung(
    pictures: Pictures, columns: npt.NDArray[np.float64], contrast: float
) -> tuple[Pictures, npt.NDArray[np.bool_]]:
    """A wire of two pixels in these columns of the first rows, a pixel further in each frame; and where it is."""
    spoilt, where, rows = pictures.copy(), np.zeros(pictures.shape, bool), np.arange(len(columns))
    for n in range(len(pictures)):
        for side in (0, 1):
            where[n, rows, np.rint(columns + n).astype(int) + side] = True
    spoilt[where] += contrast
    return np.clip(spoilt, 0, 255), where


@pytest.mark.parametrize("contrast", [-30, 30])
def test_a_rough_path_finds_the_wire_in_every_frame(contrast: int) -> None:
    truth = scene(8)
    bow = 4 * np.sin(np.linspace(0, np.pi, 141))
    spoilt, where = hung(truth, np.linspace(86, 111, 141) + bow, contrast)
    frames = list(remove_wires(clip_of(spoilt), path="95,0 113,140").frames(close=False))
    for n, frame in enumerate(frames):
        mask = np.asarray(frame.props[mask_prop("remove_wires")][0]) > 0  # type: ignore[index, call-overload]
        assert mask[where[n]].mean() > 0.75
        assert mask.sum() < 5 * where[n].sum()
    made = np.stack([np.asarray(frame[0]).astype(np.float32) for frame in frames])
    assert psnr(made[where], truth[where]) > psnr(spoilt[where], truth[where]) + 3


def test_a_path_drawn_unsteadily_finds_a_faint_wire_beside_an_outline() -> None:
    spoilt = scene(5)
    spoilt[:, :, 118:122] -= 70  # stands beside the wire, within the band
    spoilt, where = hung(np.clip(spoilt, 0, 255), np.linspace(95, 109, 141), 14)
    frames = list(remove_wires(clip_of(spoilt), path="99,0 100,35 107,70 106,105 113,140").frames(close=False))
    for n, frame in enumerate(frames):
        mask = np.asarray(frame.props[mask_prop("remove_wires")][0]) > 0  # type: ignore[index, call-overload]
        assert mask[where[n]].mean() > 0.6
        assert mask.sum() < 6 * where[n].sum()


def test_a_path_without_a_wire_changes_nothing() -> None:
    flat = np.full((4, 120, 160), 90.0, np.float32) + np.random.default_rng(2).normal(0, 1.5, (4, 120, 160))
    assert share(remove_wires(clip_of(flat.astype(np.float32)), path="40,0 60,119")) == 0


def test_a_mast_that_stands_in_the_scene_stays() -> None:
    pictures = scene(8)
    for n, picture in enumerate(pictures):
        picture[20:180, 150 - n : 152 - n] = 20  # moves with the background
        picture[120:122, :] = 15  # a horizon
    clip = clip_of(pictures)
    assert share(remove_wires(clip)) == 0
    assert share(remove_wires(clip, 1.0)) < 0.001
    assert share(remove_wires(clip, still=True)) > 0.005


def test_letters_and_edges_stay() -> None:
    page = data.page().astype(np.float32)
    pictures = np.stack([page[:160, 20 + n : 276 + n] for n in range(6)])
    assert share(remove_wires(clip_of(pictures), 1.0)) == 0
    edge = scene(6)
    edge[:, :, 128:] = edge[:, :, 128:] / 3
    assert share(remove_wires(clip_of(edge), 1.0)) == 0


def test_a_hair_in_a_single_frame_is_no_wire() -> None:
    truth = scene(7)
    spoilt, _ = wired(truth[3:4], 20)
    pictures = truth.copy()
    pictures[3] = spoilt[0]
    assert share(remove_wires(clip_of(pictures))) == 0


def test_strength() -> None:
    truth = scene(6)
    clip = clip_of(wired(truth, 90)[0])
    assert remove_wires(clip, 0) is clip
    shares = [share(remove_wires(clip, dose, only=[(40, 0, 200, 160)])) for dose in (0.1, 0.5, 1.0)]
    assert shares == sorted(shares)
    assert shares[-1] > shares[0]


def test_protected_areas_stay() -> None:
    spoilt, _ = wired(scene(4), 20)
    made = frames_of(remove_wires(clip_of(spoilt), only=[(40, 0, 200, 160)], protect=[(0, 0, 256, 60)]))
    np.testing.assert_array_equal(made[:, :60], spoilt[:, :60])
    assert (made != spoilt).any()


def test_the_radius_is_true() -> None:
    spoilt, _ = wired(scene(14), 20)
    other = np.random.default_rng(3).uniform(0, 255, spoilt.shape).astype(np.float32)
    reach = FILTERS["remove_wires"].reach({})
    window = slice(7 - reach, 7 + reach + 1)
    other[window] = spoilt[window]
    a, b = (remove_wires(clip_of(p)).get_frame(7) for p in (spoilt, other))
    np.testing.assert_array_equal(np.asarray(a[0]), np.asarray(b[0]))
    assert a.props[changed_prop("remove_wires")] == b.props[changed_prop("remove_wires")]
    assert a.props[changed_prop("remove_wires")]


@pytest.mark.parametrize("format_id", [vs.GRAY16, vs.GRAYH, vs.YUV420P10, vs.YUV411P8, vs.YUV444PS, vs.RGB24])
def test_any_format(format_id: vs.PresetVideoFormat) -> None:
    spoilt, _ = wired(scene(3), 20)
    extra = {} if format_id == vs.RGB24 else {"matrix_s": "709"}
    clip = clip_of(spoilt).std.SetFrameProps(_Matrix=1).resize.Bicubic(format=vs.YUV444P8)
    clip = clip.resize.Bicubic(format=format_id, **extra)
    result = remove_wires(clip, only=[(40, 0, 200, 160)])
    assert (result.format.id, result.width, result.height) == (clip.format.id, clip.width, clip.height)
    made, source = result.get_frame(1), clip.get_frame(1)
    assert (np.asarray(made[0])[:150, 60:150] != np.asarray(source[0])[:150, 60:150]).any()
    np.testing.assert_array_equal(np.asarray(made[0])[:, 210:], np.asarray(source[0])[:, 210:])


@pytest.mark.parametrize(("width", "height", "frames"), [(7, 5, 2), (33, 17, 3), (64, 48, 1)])
def test_small_and_short(width: int, height: int, frames: int) -> None:
    clip = core.std.BlankClip(width=width, height=height, format=vs.GRAY8, length=frames, color=90)
    assert {int(p.min()) for p in frames_of(remove_wires(clip, 1.0, still=True))} == {90}


def test_a_wrong_path_is_refused() -> None:
    clip = clip_of(scene(2))
    with pytest.raises(vs.Error, match=r"^remove_wires: path must look like '900,0 980,400', not '9'"):
        remove_wires(clip, path="9 10,4")
    with pytest.raises(vs.Error, match=r"^remove_wires: path needs two points"):
        remove_wires(clip, path="9,3")


@pytest.mark.footage
@pytest.mark.parametrize(
    "name", ["film_his_girl_friday_1940.mp4", "motion_juggle_720p.mp4", "face_asl_sister.mkv", "cuts_bbb_720p.webm"]
)
def test_real_films_without_wires_are_left(footage: Callable[[str], Path], name: str) -> None:
    clip = core.bs.VideoSource(str(footage(f"clips/{name}")), cachemode=0)[20:28]
    assert share(remove_wires(clip.resize.Bilinear(480, 270))) < 0.001
