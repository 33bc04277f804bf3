"""Lines that waver: known again by going on from frame to frame; ropes that swing do not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from vsfilmrestore.filters._scratch_course import courses, judged
from vsfilmrestore.filters._scratch_search import Maps, Run, lines, maps_of, unpacked, verdict
from vsfilmrestore.filters.remove_scratches import remove_scratches
from vsfilmrestore.media.props import mask_prop

core = vs.core

type Reals = npt.NDArray[np.float64]
type Way = Callable[[int, Reals], Reals]

SIZE = 480, 240
FRAMES = 9
PLACE = 120
WEAVE = [0.9, -0.7, 0.4, -1.0, 0.0, 0.8, -0.5, 1.1, -0.9]


def wavers(frame: int, y: Reals) -> Reals:
    """On the film, that runs past what scratches it."""
    aside: Reals = 3.4 * np.sin(2 * np.pi * (frame + y / SIZE[0]) / 1.7)
    return aside


def swings(frame: int, y: Reals) -> Reals:
    """A rope in the scene, held at its upper end."""
    aside: Reals = WEAVE[frame] + 7 * np.sin(2.3 * frame + 0.6) * y / SIZE[0]
    return aside


def leans(frame: int, y: Reals) -> Reals:
    """A pole in the scene."""
    return WEAVE[frame] + 5 * y / SIZE[0] - 2.5


def pictures(way: Way) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(5)
    wide = rng.normal(0, 1, (SIZE[0], SIZE[1] + 20))
    for shift in (1, 2, 3, 5):
        wide = (wide + np.roll(wide, shift, 0) + np.roll(wide, shift, 1)) / 3
    wide, x, y = 110 + 8 * wide / wide.std(), np.arange(SIZE[1], dtype=float), np.arange(SIZE[0], dtype=float)
    frames = []
    for n, place in enumerate(WEAVE):
        scene = np.stack([np.interp(x + 10 - place, np.arange(wide.shape[1]), row) for row in wide])
        aside = x[None] - PLACE - way(n, y)[:, None]
        frames.append(scene + 30 * np.exp(-0.5 * (aside / 0.9) ** 2) + rng.normal(0, 1.5, SIZE))
    return np.stack(frames).astype(np.float32)


def seen(way: Way) -> tuple[Run, Maps, list[Maps]]:
    """The line in the middle frame, the maps of that, and of those around."""
    maps = [unpacked(maps_of(frame, (3, 8)), SIZE[0]) for frame in pictures(way)]
    middle = maps.pop(FRAMES // 2)
    return lines(middle, (3, 8), (True, False))[0], middle, maps


def mask_of_middle(way: Way) -> npt.NDArray[np.bool_]:
    frames = np.rint(pictures(way).clip(0, 255)).astype(np.uint8)
    blank = core.std.BlankClip(width=SIZE[1], height=SIZE[0], format=vs.GRAY8, length=FRAMES, keep=True)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        out = f.copy()
        np.copyto(np.asarray(out[0]), frames[n])
        return out

    frame = remove_scratches(core.std.ModifyFrame(blank, blank, fill), model="").get_frame(FRAMES // 2)
    return np.array(frame.props[mask_prop("remove_scratches")][0]) > 0  # type: ignore[index]


def test_a_line_that_wavers_is_known_again() -> None:
    run, maps, around = seen(wavers)
    ways = courses(run, maps, around)
    assert ways is not None
    assert verdict(run, maps, around).known < 0.5 < 0.9 < judged(run, maps, around).known
    middles = np.arange(len(maps.mean)) * SIZE[0] / len(maps.mean) + 6
    for n, way in zip([0, 1, 2, 3, 5, 6, 7, 8], ways, strict=True):
        true = wavers(n, middles)[way.first : way.first + len(way.x)]
        assert np.abs((way.x - way.x.mean()) - (true - true.mean())).mean() < 0.7


@pytest.mark.parametrize("way", [swings, leans])
def test_what_comes_again_in_its_own_shape_does_not_waver(way: Way) -> None:
    assert courses(*seen(way)) is None


def test_a_short_line_is_not_followed() -> None:
    run, maps, around = seen(wavers)
    assert courses(Run(4, run.x[4:12], run.score, run.bright, run.scale, run.reach), maps, around) is None


def test_lines_that_waver_go_and_poles_stay() -> None:
    y = np.arange(SIZE[0], dtype=float)
    x = np.rint(PLACE + wavers(4, y)).astype(int)
    assert mask_of_middle(wavers)[y.astype(int), x].mean() > 0.9
    assert not mask_of_middle(leans).any()
