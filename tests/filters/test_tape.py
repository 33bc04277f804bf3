"""Faults of tape: colour that lies beside, swinging dots, lost lines, torn lines at the bottom; and dust on cels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
import vapoursynth as vs

import vsfilmrestore as fr
from tests.inference.makers import hashes, orders, streamed
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.filters._chroma_shift import ACROSS, DOWN
from vsfilmrestore.filters._holds import HOLD, hold_of
from vsfilmrestore.filters.hide_head_switching import LINES, head_switching_lines
from vsfilmrestore.media.props import changed_prop

core = vs.core

type Draw = Callable[[int], list[Any]]


def film(draw: Draw, frames: int, fmt: int = vs.YUV444P8, **props: int) -> vs.VideoNode:
    """Frames of planes in values of 8 bits."""
    first = draw(0)
    about = core.get_video_format(fmt)
    blank = core.std.BlankClip(
        format=fmt, width=first[0].shape[1], height=first[0].shape[0], length=frames, keep=True
    ).std.SetFrameProps(_Range=0, _Matrix=6, **props)
    scale = 1 << (about.bits_per_sample - 8)

    def put(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for place, plane in enumerate(draw(n)):
            target = np.asarray(frame[place])
            np.copyto(target, np.clip(np.rint(plane * scale), 0, 255 * scale).astype(target.dtype))
        return frame

    return core.std.ModifyFrame(blank, blank, put)


def scene(width: int = 160, height: int = 96, seed: int = 1) -> list[Any]:
    """Luma and chroma with common edges."""
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 1, (height // 16 + 1, width // 16 + 1))
    shapes = cv2.resize((low > 0.5).astype(np.float32), (width, height), interpolation=cv2.INTER_NEAREST)
    soft = cv2.GaussianBlur(shapes, (0, 0), 1.0)
    texture = cv2.GaussianBlur(rng.normal(0, 1, (height, width)), (0, 0), 1.5) * 12
    return [70 + 90 * soft + texture, 110 + 40 * soft, 150 - 40 * soft]


def plane(clip: vs.VideoNode, n: int, p: int = 0) -> Any:
    with clip.get_frame(n) as frame:
        return np.array(frame[p]).astype(float)


def changed(clip: vs.VideoNode, name: str, n: int) -> float:
    with clip.get_frame(n) as frame:
        share: Any = frame.props[changed_prop(name)]
        return float(share)


def composite(cycle: int, amount: float, noise: float = 0.0, still: bool = True, frames: int = 9) -> vs.VideoNode:
    """Colour's carrier left in luma and chroma: it turns by half in so many frames."""
    wide = scene(200)

    def draw(n: int) -> list[Any]:
        y, x = np.mgrid[:96, :160]
        moved = [part[:, 0 if still else 3 * n :][:, :160] for part in wide]
        dots = amount * np.cos(np.pi / cycle * (n + y) + 2 * np.pi * x / 3.9)
        rain = amount * np.cos(np.pi / cycle * n + 2 * np.pi * x / 24)
        rough = np.random.default_rng(n).normal(0, noise, (3, 96, 160)) if noise else np.zeros((3, 96, 160))
        return [part + swing + each for part, swing, each in zip(moved, (dots, rain, rain), rough, strict=True)]

    return film(draw, frames)


@pytest.mark.parametrize("cycle", [1, 2], ids=["ntsc", "pal"])
def test_dot_crawl_and_rainbows_go_where_nothing_moves(cycle: int) -> None:
    clip, clean = composite(cycle, 12), composite(cycle, 0)
    made = fr.remove_dot_crawl(clip, 0.5)
    for p in range(3):
        before, after = (np.abs(plane(each, 4, p) - plane(clean, 4, p)).mean() for each in (clip, made))
        assert after < 0.15 * before
    assert changed(made, "remove_dot_crawl", 4) > 0.9
    part = fr.remove_dot_crawl(clip, 0.5, rainbows=0)
    assert np.array_equal(plane(part, 4, 1), plane(clip, 4, 1))
    assert not np.array_equal(plane(part, 4, 0), plane(clip, 4, 0))


@pytest.mark.parametrize(("noise", "still"), [(0, True), (3, True), (2, False)])
def test_pictures_without_dot_crawl_stay(noise: float, still: bool) -> None:
    clip = composite(1, 0, noise, still)
    made = fr.remove_dot_crawl(clip, 1.0)
    assert max(changed(made, "remove_dot_crawl", n) for n in range(9)) < 0.002


def test_a_lamp_that_flashes_is_no_dot_crawl() -> None:
    def draw(n: int) -> list[Any]:
        luma, *chroma = scene()
        luma[20:60, 40:100] += 30 * (n % 2)
        return [luma, *chroma]

    made = fr.remove_dot_crawl(film(draw, 9), 1.0)
    # Only its rim, half in and half out of the windows, could be taken for something that swings about a mean.
    assert changed(made, "remove_dot_crawl", 4) < 0.04


@pytest.mark.parametrize("fmt", [vs.YUV420P8, vs.YUV420P10, vs.YUV444P16, vs.GRAYH, vs.RGB24])
def test_dot_crawl_in_all_formats_and_any_order(fmt: int) -> None:
    clip = composite(1, 12).resize.Bicubic(format=fmt)
    made = fr.remove_dot_crawl(clip, 0.5)
    assert {tuple(hashes(made, order)) for order in orders(9).values()} == {tuple(streamed(made))}
    family = core.get_video_format(fmt).color_family
    assert (streamed(made) != streamed(clip)) == (family != vs.RGB)


def beside(across: int, down: int = 0, fmt: int = vs.YUV444P8, soft: float = 0.0) -> vs.VideoNode:
    def draw(n: int) -> list[Any]:
        luma, *chroma = scene(seed=4)
        moved = [np.roll(part, (down, across), (0, 1)) for part in chroma]
        return [
            luma,
            *([cv2.GaussianBlur(part, (0, 0), sigmaX=soft, sigmaY=0.01) for part in moved] if soft else moved),
        ]

    return film(draw, 10).resize.Point(format=fmt)


@pytest.mark.parametrize(("across", "down"), [(4, 0), (-5, 0), (3, -3)])
def test_colour_comes_back_under_the_picture(across: int, down: int) -> None:
    clip = beside(across, down)
    made = fr.fix_chroma(clip, 0.5)
    with made.get_frame(0) as frame:
        assert frame.props[ACROSS] == pytest.approx(across, abs=0.4)
        assert frame.props[DOWN] == pytest.approx(down, abs=0.4)
    inner = np.s_[10:-10, 10:-10]
    for p in (1, 2):
        before, after = (np.abs(plane(each, 5, p) - plane(beside(0), 5, p))[inner].mean() for each in (clip, made))
        assert after < 0.3 * before
    assert np.array_equal(plane(made, 5), plane(clip, 5))


def test_colour_that_lies_right_stays() -> None:
    for clip in (beside(0), beside(0, fmt=vs.YUV420P8), beside(4).resize.Bicubic(format=vs.RGB24), beside(0)[:1]):
        assert streamed(fr.fix_chroma(clip, 1.0)) == streamed(clip)


def test_a_given_way_and_steeper_edges_of_colour() -> None:
    clip, clean = beside(4, soft=3.0), beside(0)
    moved = fr.fix_chroma(clip, 1.0, auto=False, across=4)
    steeper = fr.fix_chroma(clip, 1.0, auto=False, across=4, soft=3.0)
    inner = np.s_[10:-10, 10:-10]
    errors = [np.square(plane(each, 5, 1) - plane(clean, 5, 1))[inner].mean() for each in (clip, moved, steeper)]
    assert errors[0] > 2 * errors[1] > 2.4 * errors[2]
    assert plane(steeper, 5, 1).max() <= plane(moved, 5, 1).max()
    assert FILTERS["fix_chroma"].depends_with({"auto": False}) == "window"
    assert FILTERS["fix_chroma"].depends_with({}) == "clip"


def lost_lines(spoilt: bool, fields: int = 0) -> vs.VideoNode:
    wide = [cv2.GaussianBlur(part, (0, 0), 1.2) for part in scene(220, 128, 5)]

    def draw(n: int) -> list[Any]:
        parts = [part[:, 2 * n : 2 * n + 160].copy() for part in wide]
        if spoilt and n == 4:
            parts[0][50, 30:120] = 235
            parts[0][90:91, 10:80] = 20
        return parts

    return film(draw, 9, _FieldBased=fields)


@pytest.mark.parametrize("fields", [0, 2])
def test_lost_lines_are_filled_in(fields: int) -> None:
    clip, clean = lost_lines(True, fields), lost_lines(False, fields)
    made = fr.remove_dropouts(clip, 0.6)
    before, after = (np.square(plane(each, 4) - plane(clean, 4)).mean() for each in (clip, made))
    assert after < 0.1 * before
    assert np.array_equal(plane(made, 4)[60:80], plane(clip, 4)[60:80])
    assert streamed(fr.remove_dropouts(clean, 0.6)) == streamed(clean)


def torn(lines: int, by: int = 9) -> vs.VideoNode:
    def draw(n: int) -> list[Any]:
        rng = np.random.default_rng(n)
        parts = [part.copy() for part in scene(200, 128, 6)]
        for row in range(128 - lines, 128):
            parts[0][row] = np.roll(parts[0][row], by + int(rng.integers(-1, 2)))
        return parts

    return film(draw, 9)


@pytest.mark.parametrize("lines", [5, 9, 14])
def test_torn_lines_are_counted_and_covered(lines: int) -> None:
    clip = torn(lines)
    made = fr.hide_head_switching(clip)
    with made.get_frame(3) as frame:
        assert frame.props[LINES] == lines
    luma, source = plane(made, 3), plane(clip, 3)
    assert np.array_equal(luma[: 128 - lines], source[: 128 - lines])
    assert np.array_equal(luma[128 - lines :], source[128 - 2 * lines : 128 - lines][::-1])
    black = plane(fr.hide_head_switching(clip, fill="black"), 3)
    assert (black[128 - lines :] == 16).all()
    assert (plane(fr.hide_head_switching(clip, fill="black"), 3, 1)[128 - lines :] == 128).all()


def test_pictures_that_are_not_torn_stay() -> None:
    for clip in (torn(0), torn(40), composite(1, 0, still=False)):
        assert streamed(fr.hide_head_switching(clip)) == streamed(clip)
    assert changed(fr.hide_head_switching(torn(0), lines=4), "hide_head_switching", 2) > 0


def test_a_slanted_edge_at_the_bottom_is_not_torn() -> None:
    """A strip that leans lies farther right in each line; the posts beside it stand upright."""
    rows, columns = np.mgrid[:48, :320].astype(np.float32)
    room = np.full((48, 320), 150, np.float32)
    for post in (60, 240, 290):
        room[np.abs(columns - post) < 4] = 125
    leaning = room.copy()
    leaning[(rows > 33) & (np.abs(columns - 100 - 5 * (rows - 33)) < 6)] = 240
    assert head_switching_lines([leaning] * 7) == 0
    torn_off = room.copy()
    torn_off[34:] = np.roll(room[34:], 9, axis=1)
    assert head_switching_lines([torn_off] * 7) == 14


def test_holds_are_told_by_what_differs() -> None:
    noise = np.random.default_rng(0).uniform(0.9, 1.1, 40)
    for hold in (2, 3):
        steps = np.where(np.arange(40) % hold == 1, 5.0, 0.5) * noise
        assert hold_of(list(steps)) == hold
    assert hold_of(list(5 * noise)) == 1
    assert hold_of([0.0] * 20) == 1
    assert hold_of([0.1, 5.0]) == 1


def drawings(hold: int, dust: bool, frames: int = 24) -> vs.VideoNode:
    """A flat shape that is drawn elsewhere every ``hold`` frames, on cels with dust of their own."""

    def draw(n: int) -> list[Any]:
        drawing = n // hold
        luma = np.tile(np.linspace(90, 130, 160, dtype=np.float32), (96, 1))
        cv2.circle(luma, (30 + 4 * drawing, 48), 14, 200.0, -1)
        luma = cv2.GaussianBlur(luma, (0, 0), 0.8)
        if dust:
            rng = np.random.default_rng(drawing)
            for _ in range(3):
                cv2.circle(luma, (int(rng.integers(8, 150)), int(rng.integers(6, 24))), 2, 40.0, -1)
        return [luma]

    return film(draw, frames, vs.GRAY8)


def test_dust_that_lies_on_a_cel_goes_with_it() -> None:
    clip, clean = drawings(2, True), drawings(2, False)
    made = fr.clean_cels(clip, 0.6, model="")
    assert made.get_frame(9).props[HOLD] == 2
    errors = [np.mean([np.square(plane(each, n) - plane(clean, n)).mean() for n in (8, 9, 13)])
              for each in (clip, fr.remove_dirt(clip, 0.8, model=""), made)]  # fmt: skip
    assert errors[1] == errors[0]  # it is there in two frames
    assert errors[2] < 0.2 * errors[0]
    assert np.array_equal(plane(made, 8), plane(made, 9))  # held drawings stay held
    assert streamed(fr.clean_cels(clean, 0.6, model="")) == streamed(clean)


def test_films_on_ones_are_not_touched_by_what_is_for_cels() -> None:
    clip = drawings(1, True, 12)
    assert streamed(fr.clean_cels(clip, 0.9, model="")) == streamed(clip)
    assert FILTERS["clean_cels"].reach({"hold": 2}) == 6


def test_how_drawings_are_held_is_told_by_the_frames_around() -> None:
    reach = FILTERS["clean_cels"].reach({})
    twos, ones = drawings(2, True, 80), drawings(1, True, 80)
    other = twos[: 20 + reach + 1] + ones[20 + reach + 1 :]
    holds = [frame.props[HOLD] for frame in fr.clean_cels(other, 0.6, model="").frames(close=False)]
    assert holds[:30] == [2] * 30
    assert holds[60:] == [1] * 20
    wanted, got = (streamed(fr.clean_cels(each, 0.6, model="")[:21]) for each in (twos, other))
    assert wanted == got
