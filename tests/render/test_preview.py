"""The sheet of a preview: what is repaired is shown where it lies; and what a render will take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest
import vapoursynth as vs

from vsfilmrestore.cli.main import main
from vsfilmrestore.filters.masks import apply_repair
from vsfilmrestore.render.preview import estimate, preview_sheet
from vsfilmrestore.render.reel import Reel

core = vs.core

SIDE = 64


def repaired(clip: vs.VideoNode) -> vs.VideoNode:
    """The clip with a square in its upper left corner repaired, by a step of that name."""
    spot = core.std.BlankClip(clip, format=vs.GRAY8, color=255, width=16, height=16)
    mask = spot.std.AddBorders(0, clip.width - 16, 0, clip.height - 16)
    return apply_repair("remove_dirt", clip, clip.std.Invert(), mask)


@pytest.fixture
def grey() -> vs.VideoNode:
    return core.std.BlankClip(format=vs.GRAY8, width=SIDE, height=SIDE, length=6, color=100, fpsnum=24)


def picture(path: Path) -> np.ndarray:
    return np.asarray(oiio.ImageBuf(str(path)).get_pixels(oiio.UINT8))


def test_repairs_are_marked_in_a_third_picture(grey: vs.VideoNode, tmp_path: Path) -> None:
    look = preview_sheet(
        grey, repaired(grey), [1, 4], ["a", "b"], tmp_path / "s.png", steps=["remove_dirt", "remove_stains"], width=SIDE
    )
    sheet = picture(look.path)
    assert sheet.shape == (2 * SIDE, 3 * SIDE, 3)
    assert look.changed == {"remove_dirt": pytest.approx(1 / 16), "remove_stains": 0.0}
    marked = sheet[:SIDE, 2 * SIDE :]
    assert tuple(marked[2, 2]) == (255, 80, 80)
    assert marked[SIDE - 4, SIDE - 4].max() < 60  # the picture below is dim


def test_without_steps_that_mark_there_are_two_pictures(grey: vs.VideoNode, tmp_path: Path) -> None:
    look = preview_sheet(grey, grey, [0], ["a"], tmp_path / "s.png", width=SIDE)
    assert picture(look.path).shape == (SIDE, 2 * SIDE, 3)


def test_an_estimate_counts_all_frames_of_the_shot_and_of_the_film(small_reel: Path) -> None:
    reel = Reel.open(small_reel / "cut.edl", media=small_reel / "scans", preset="none")
    shot, film = estimate(reel, 1), estimate(reel)
    assert (shot.frames, film.frames) == (12, 48)
    for each in (shot, film):
        assert each.seconds == pytest.approx(each.frames / each.fps)
    assert (film.timed, film.recipes) == (2, 2)  # one shot asks for dirt to be removed, the others for nothing


def test_the_command_tells_time_and_what_it_repairs(
    small_reel: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(small_reel)
    words = ["preview", "cut.edl", "--media", "scans", "--preset", "none", "--shot", "opening", "--frames", "1"]
    assert main([*words, "-o", "s.png"]) == 0
    told = capfd.readouterr().out
    assert "remove_dirt: " in told
    assert "this shot: 20 frames at " in told
    assert "the film: 48 frames at " in told
    assert "2 of its 2 sorts of recipes were timed" in told
    assert main([*words, "-o", "s.png", "--no-estimate"]) == 0
    assert "frames at" not in capfd.readouterr().out
