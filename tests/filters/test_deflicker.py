"""Flicker goes; fades, flashes and lamps stay; black and white keep their place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs
from skimage import color, data, transform

from tests.pictures import clip_of
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.filters._exposure import exposure_step
from vsfilmrestore.filters.deflicker import FLICKER_GAIN, deflicker

core = vs.core

type Picture = npt.NDArray[np.float64]

WIDTH, HEIGHT = 192, 144
CALM = 30


def photo(name: str = "coffee") -> Picture:
    picture = getattr(data, name)()
    grey = color.rgb2gray(picture) if picture.ndim == 3 else picture / 255
    return np.asarray(transform.resize(grey, (HEIGHT + 10, WIDTH + 150), anti_aliasing=True)) * 0.85 + 0.03


def scene(count: int = CALM, *, name: str = "coffee", pan: int = 0, grain: float = 0.01) -> list[Picture]:
    wide, rng = photo(name), np.random.default_rng(9)
    views = [wide[5 : 5 + HEIGHT, 5 + pan * n : 5 + pan * n + WIDTH] for n in range(count)]
    return [view + grain * rng.normal(size=view.shape) for view in views]


def flicker(count: int = CALM, spread: float = 0.04, seed: int = 1) -> Picture:
    return np.random.default_rng(seed).normal(size=count) * spread


def slope() -> Picture:
    return np.linspace(-1, 1, WIDTH)[None] + 0.5 * np.linspace(-1, 1, HEIGHT)[:, None]


def lit(pictures: list[Picture], logs: list[Picture] | Picture) -> list[Picture]:
    return [picture * np.exp(log) for picture, log in zip(pictures, logs, strict=True)]


def film(pictures: list[Picture], fmt: int = vs.GRAY16) -> vs.VideoNode:
    clip = clip_of([picture * 65535 for picture in pictures], vs.GRAY16).std.SetFrameProps(_Range=vs.RANGE_FULL)
    if fmt == vs.GRAY16:
        return clip
    family = core.get_video_format(fmt).color_family
    matrix = {vs.RGB: {"matrix_in": 1}, vs.YUV: {"matrix": 1}}.get(family, {})
    return clip.resize.Bicubic(format=fmt, **matrix)


def pictures(clip: vs.VideoNode, plane: int = 0) -> Picture:
    return np.stack([np.array(f[plane], dtype=np.float64) for f in clip.frames(close=False)])


def gains(clip: vs.VideoNode) -> Picture:
    return np.array([f.props[FLICKER_GAIN] for f in clip.frames(close=False)])


def light(clip: vs.VideoNode) -> Picture:
    """Log light of 6 x 8 cells per frame."""
    all_ = pictures(clip)
    cells = all_.reshape(len(all_), 6, HEIGHT // 6, 8, WIDTH // 8).mean((2, 4))
    return np.log(cells).reshape(len(all_), -1)


def tremble(clip: vs.VideoNode) -> float:
    """Change of light from frame to frame, median over the cells, in log units."""
    return float(np.std(np.median(np.diff(light(clip), axis=0), axis=1)))


def untouched(clip: vs.VideoNode, other: vs.VideoNode) -> list[bool]:
    return [bool(np.array_equal(a, b)) for a, b in zip(pictures(clip), pictures(other), strict=True)]


@pytest.mark.parametrize("pan", [0, 3])
@pytest.mark.parametrize("fmt", [vs.GRAY8, vs.GRAY16])
def test_flicker_of_the_whole_picture_goes(pan: int, fmt: int) -> None:
    clip = film(lit(scene(pan=pan), flicker()), fmt)
    assert tremble(deflicker(clip)) < 0.2 * tremble(clip)


def test_flicker_of_gamma_goes() -> None:
    rng = np.random.default_rng(2)
    clip = film([p.clip(0, 1) ** (1 + 0.05 * rng.normal()) for p in scene()])
    before = np.diff(light(clip), axis=0)
    after = np.diff(light(deflicker(clip)), axis=0)
    assert after.std() < 0.35 * before.std()


def test_flicker_of_a_side_goes_and_only_with_local() -> None:
    clip = film(lit(scene(), [g * slope() for g in flicker(seed=3)]))
    before = np.diff(light(clip), axis=0).std()
    assert np.diff(light(deflicker(clip)), axis=0).std() < 0.25 * before
    assert np.diff(light(deflicker(clip, local=0)), axis=0).std() > 0.8 * before


def test_the_picture_comes_back() -> None:
    clean = scene(grain=0.0)
    logs = [g + h * slope() for g, h in zip(flicker(seed=4), flicker(seed=5, spread=0.02), strict=True)]
    result = pictures(deflicker(film(lit(clean, logs)))) / 65535
    error = result[8:-8] - np.stack(clean)[8:-8]
    spoilt = np.stack(lit(clean, logs))[8:-8] - np.stack(clean)[8:-8]
    # What is left is mean light of the window, which nobody can know.
    assert np.sqrt(np.mean(error**2)) < 0.4 * np.sqrt(np.mean(spoilt**2))


@pytest.mark.parametrize("pan", [0, 3])
def test_clean_shots_stay_bit_by_bit(pan: int) -> None:
    clip = film(scene(pan=pan, name="astronaut"))
    assert np.mean(untouched(clip, deflicker(clip))) > 0.9
    assert np.abs(pictures(clip) - pictures(deflicker(clip))).max() < 0.012 * 65535


def test_something_large_walking_through_is_not_flicker() -> None:
    frames = scene()
    for n, picture in enumerate(frames):
        left = -50 + 8 * n
        picture[30:, max(0, left) : max(0, left + 50)] = 0.05
    clip = film(frames)
    assert np.abs(gains(deflicker(clip)) - 1).max() < 0.01


def test_a_flash_stays_and_its_neighbours_too() -> None:
    logs = flicker(spread=0.004)
    logs[14] = 0.5
    clip = film(lit(scene(), logs))
    result = deflicker(clip)
    assert untouched(clip, result)[14]
    assert np.abs(gains(result) - 1).max() < 0.02


def test_a_flash_under_flicker_stays_bright() -> None:
    logs = flicker(spread=0.02)
    logs[14] = 0.45
    clip = film(lit(scene(), logs))
    level = np.median(light(deflicker(clip)), axis=1)
    assert level[14] - level[13] > 0.35
    assert np.std(np.diff(np.delete(level, 14))) < 0.4 * np.std(np.diff(np.delete(logs, 14)))


def test_a_lamp_switched_off_is_not_smeared() -> None:
    logs = flicker(spread=0.003)
    logs[15:] -= 0.4
    result = deflicker(film(lit(scene(), logs)))
    step = np.diff(np.median(light(result), axis=1))
    assert step[14] < -0.36
    assert np.abs(np.delete(step, 14)).max() < 0.02


def test_a_fade_is_followed() -> None:
    fade = np.log(np.clip(np.linspace(1.3, 0.05, CALM), 0, 1))
    clip = film(lit(scene(grain=0), fade))
    assert np.abs(gains(deflicker(clip)) - 1).max() < 0.02
    shaken = film(lit(scene(grain=0), fade + flicker(spread=0.03)))
    kept = np.median(light(film(lit(scene(grain=0), fade))), axis=1)[:22]
    before, after = (np.median(light(c), axis=1)[:22] - kept for c in (shaken, deflicker(shaken)))
    assert np.std(np.diff(after)) < 0.4 * np.std(np.diff(before))


def test_a_cut_is_a_wall() -> None:
    first, second = lit(scene(14), flicker(14)), lit(scene(14, name="camera"), flicker(14, seed=7))
    joined = gains(deflicker(film(first + second)))
    assert np.allclose(joined[:14], gains(deflicker(film(first))), atol=1e-9)


def test_black_and_white_keep_their_place_and_nothing_is_clipped() -> None:
    frames = scene()
    for picture in frames:
        picture[:30, :40] = 1.0
        picture[:30, 60:100] = np.linspace(0.85, 1.0, 40)
        picture[110:, :40] = 0.0
    dark = lit(frames, -np.abs(flicker(spread=0.06)))
    for picture in dark:
        picture[:30, :40] = 1.0
    result = pictures(deflicker(film(dark)))
    assert result[:, :30, :40].min() == result[:, :30, :40].max() == 65535
    assert result[:, 112:, :38].max() < 40
    assert (np.diff(result[:, 15, 62:98].reshape(CALM, -1), axis=1) > 0).all()


def test_eight_bits_get_no_bands() -> None:
    ramp = np.tile(np.linspace(0.3, 0.4, WIDTH)[None], (HEIGHT, 1))
    frames = [np.where(np.arange(HEIGHT)[:, None] < HEIGHT // 2, ramp, photo()[:HEIGHT, :WIDTH])] * CALM
    clip = film(lit(frames, flicker()), vs.GRAY8)
    result = pictures(deflicker(clip))[:, :60]
    # Averaged over a few pixels the ramp rises evenly; a plain rounding would leave steps of up to two values.
    smooth = result.reshape(CALM, 60, WIDTH // 8, 8).mean((1, 3))
    assert np.abs(np.diff(smooth, 2, axis=1)).max() < 0.6


def test_chroma_follows_the_luma() -> None:
    colour = film(scene(), vs.YUV444P16).akarin.Expr(["", "x 9000 +", "x 5000 -"])
    shaken = colour.akarin.Expr(["x", "x", "x"]).resize.Point(format=vs.YUV444PS)
    logs = flicker()
    gains_ = core.std.Splice(
        [shaken[n].akarin.Expr([f"x {np.exp(g)} *"] * 3) for n, g in enumerate(logs)]
    ).resize.Point(format=vs.YUV444P16)
    result = deflicker(gains_)
    luma, chroma = pictures(result), pictures(result, 1)
    ratio = (chroma - 32768).mean((1, 2)) / luma.mean((1, 2))
    assert len(ratio) == CALM
    assert ratio.std() < 0.02 * abs(ratio.mean())
    assert np.std(np.diff(chroma.mean((1, 2)))) < 0.3 * np.std(np.diff(pictures(gains_, 1).mean((1, 2))))


def test_only_frames_within_the_radius_matter() -> None:
    frames = lit(scene(), flicker())
    reach = FILTERS["deflicker"].reach({"window": 6})
    assert reach == 6
    rng = np.random.default_rng(0)
    noise = [rng.uniform(0, 1, (HEIGHT, WIDTH)) for _ in range(CALM)]
    mixed = noise[: 15 - reach] + frames[15 - reach : 16 + reach] + noise[16 + reach :]
    wanted, got = (deflicker(film(f), window=6).get_frame(15) for f in (frames, mixed))
    assert wanted.props[FLICKER_GAIN] == got.props[FLICKER_GAIN] != 1
    assert np.array_equal(np.asarray(wanted[0]), np.asarray(got[0]))


def test_seek_order_changes_nothing() -> None:
    clip = film(lit(scene(16), flicker(16)), vs.GRAY8)
    linear, jumping = pictures(deflicker(clip)), deflicker(clip)
    for n in (11, 3, 15, 0, 8):
        assert np.array_equal(np.array(jumping.get_frame(n)[0], float), linear[n])


@pytest.mark.parametrize(
    "fmt", [vs.GRAY8, vs.GRAYH, vs.GRAYS, vs.YUV420P8, vs.YUV422P10, vs.YUV444P16, vs.RGB24, vs.RGB48, vs.RGBS]
)
def test_any_format_and_its_properties(fmt: int) -> None:
    clip = film(lit(scene(9), flicker(9)), fmt).std.SetFrameProps(_SARNum=4, _SARDen=3)
    result = deflicker(clip)
    assert (result.format.id, result.width, result.height, len(result)) == (fmt, WIDTH, HEIGHT, 9)
    frame, source = result.get_frame(4), clip.get_frame(4)
    assert {k: v for k, v in frame.props.items() if k != FLICKER_GAIN} == dict(source.props)
    assert np.std(np.diff(pictures(result).mean((1, 2)))) < 0.6 * np.std(np.diff(pictures(clip).mean((1, 2))))


@pytest.mark.parametrize("span", [vs.RANGE_FULL, vs.RANGE_LIMITED])
def test_limited_and_full_range_come_out_as_they_went_in(span: int) -> None:
    clip = film(lit(scene(15), flicker(15))).resize.Point(format=vs.GRAY8, range=span)
    result = deflicker(clip)
    assert abs(pictures(result).mean() - pictures(clip).mean()) < 1.5
    assert result.get_frame(7).props["_Range"] == span


def test_strength_is_a_share_and_max_change_a_wall() -> None:
    clip = film(lit(scene(), flicker()))
    assert deflicker(clip, 0) is clip
    full, half = np.log(gains(deflicker(clip))), np.log(gains(deflicker(clip, 0.5)))
    assert np.allclose(half, full / 2, atol=1e-6)
    assert np.abs(gains(deflicker(clip, max_change=1)) - 1).max() < 0.0102


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 2), (7, 5), (33, 21), (640, 8)])
def test_small_and_odd_sizes(width: int, height: int) -> None:
    clip = core.std.BlankClip(width=width, height=height, format=vs.GRAY8, length=7, color=90)
    assert len(list(deflicker(clip).frames())) == 7


@pytest.mark.parametrize("length", [1, 2, 3])
def test_short_clips(length: int) -> None:
    assert len(list(deflicker(film(scene(length))).frames())) == length


def test_building_asks_for_no_frame() -> None:
    def refuse(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        raise AssertionError(n)

    blank = core.std.BlankClip(width=320, height=240, format=vs.YUV420P8)
    deflicker(core.std.ModifyFrame(blank, blank, refuse))


def test_errors_begin_with_the_name() -> None:
    with pytest.raises(vs.Error, match=r"^deflicker: local must be 0\.\.1"):
        deflicker(core.std.BlankClip(), local=2)


def test_a_step_names_gain_and_gamma_and_knows_strangers() -> None:
    grid = transform.resize(photo(), (18, 24), anti_aliasing=True)
    row, _, joined = exposure_step(grid, grid * 1.05)
    assert joined
    assert abs(row[0] - np.log(1.05)) < 0.004
    assert abs(row[1]) < 0.01
    other = transform.resize(photo("camera"), (18, 24), anti_aliasing=True)
    assert not exposure_step(grid, other)[2]


@pytest.mark.footage
@pytest.mark.parametrize("name", ["film_within_our_gates_1920.mkv", "film_market_street_1906.mkv"])
def test_real_flicker(name: str, footage: Callable[[str], Path], tmp_path: Path) -> None:
    clip = core.bs.VideoSource(str(footage(f"clips/{name}")), cachepath=str(tmp_path / "index"))
    clip = clip.resize.Bilinear(WIDTH, HEIGHT)
    assert tremble(deflicker(clip)) < 0.5 * tremble(clip)


@pytest.mark.footage
def test_real_shots_without_flicker_stay(footage: Callable[[str], Path], tmp_path: Path) -> None:
    for name, most in (("motion_juggle_720p.mp4", 0.002), ("motion_tos_fight.mkv", 0.03)):
        clip = core.bs.VideoSource(str(footage(f"clips/{name}")), cachepath=str(tmp_path / name))[40:70]
        assert np.abs(gains(deflicker(clip)) - 1).max() < most
