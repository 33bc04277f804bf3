"""Shots are found by what the pictures show, not by flicker, dirt or ruined frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs
from skimage import data, transform

from vsfilmrestore.assess.shots import detect_shots
from vsfilmrestore.errors import MediaError, SettingError

core = vs.core

type Picture = npt.NDArray[np.float64]

WIDTH, HEIGHT = 160, 120


def photo(name: str) -> Picture:
    picture = getattr(data, name)()
    colour = np.stack([picture] * 3, -1) if picture.ndim == 2 else picture[..., :3]
    return transform.resize(colour, (HEIGHT + 20, WIDTH + 60), anti_aliasing=True)


def scene(name: str, frames: int, pan: float = 0.5) -> list[Picture]:
    wide = photo(name)
    return [wide[10 : 10 + HEIGHT, (x := int(10 + pan * n)) : x + WIDTH].copy() for n in range(frames)]


def film(pictures: list[Picture], fmt: int = vs.RGB24) -> vs.VideoNode:
    blank = core.std.BlankClip(width=WIDTH, height=HEIGHT, format=vs.RGB24, length=len(pictures), keep=True)

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for plane in range(3):
            np.copyto(np.asarray(frame[plane]), (np.clip(pictures[n][..., plane], 0, 1) * 255).astype(np.uint8))
        return frame

    clip = core.std.ModifyFrame(blank, blank, draw)
    family = core.get_video_format(fmt).color_family
    return clip if fmt == vs.RGB24 else clip.resize.Bicubic(format=fmt, **({} if family == vs.RGB else {"matrix": 1}))


def cut_film() -> list[Picture]:
    return scene("astronaut", 20) + scene("coffee", 25) + scene("chelsea", 18) + scene("camera", 22)


CUTS = [20, 45, 63]


@pytest.mark.parametrize("fmt", [vs.RGB24, vs.GRAY8, vs.YUV420P8, vs.YUV422P10, vs.GRAY16, vs.RGBS])
def test_cuts_in_any_format(fmt: int) -> None:
    assert detect_shots(film(cut_film(), fmt)) == CUTS


@pytest.mark.parametrize("detector", ["adaptive", "content", "histogram"])
def test_every_detector_finds_plain_cuts(detector: str) -> None:
    assert detect_shots(film(cut_film()), detector=detector) == CUTS  # type: ignore[arg-type]


def test_the_hash_detector_and_its_threshold() -> None:
    # Coarse by nature: a cat and a cameraman have like hashes.
    assert detect_shots(film(cut_film()), detector="hash") == CUTS[:2]
    assert detect_shots(film(cut_film()), detector="hash", threshold=0.25) == CUTS


def damaged(pictures: list[Picture]) -> list[Picture]:
    """Flicker of 6 %, dirt on every frame; a flash, a black and a torn frame."""
    rng = np.random.default_rng(4)
    spoilt = []
    for n, picture in enumerate(pictures):
        new = picture * (1 + 0.06 * rng.normal())
        for _ in range(10):
            y, x = rng.integers(0, HEIGHT), rng.integers(0, WIDTH)
            new[y : y + rng.integers(1, 9), x : x + rng.integers(1, 9)] = rng.choice([0.02, 0.98])
        if n == 8:
            new = new * 2 + 0.3
        elif n == 30:
            new = new * 0.02
        elif n == 72:
            new[50:] = np.roll(new[50:], 50, axis=1)
        spoilt.append(new)
    return spoilt


def test_flicker_dirt_and_ruined_frames_are_no_cuts() -> None:
    assert detect_shots(film(damaged(cut_film()))) == CUTS


def test_the_bare_detector_needs_the_levelling() -> None:
    # What the damage does without it: else the test above would prove nothing.
    bare = detect_shots(film(damaged(cut_film())), detector="content", level=False, min_length=1)
    assert set(bare) != set(CUTS)
    levelled = detect_shots(film(damaged(cut_film())), detector="content", min_length=1)
    assert levelled == CUTS


def test_two_black_frames_and_a_fade_are_no_cuts() -> None:
    pictures = scene("coffee", 50)
    pictures[20:22] = [p * 0.01 for p in pictures[20:22]]
    pictures[35:] = [p * max(0.0, 1 - i / 12) for i, p in enumerate(pictures[35:])]
    assert detect_shots(film(pictures)) == []


def test_no_cut_in_a_pan_and_none_at_the_ends() -> None:
    assert detect_shots(film(scene("astronaut", 24, pan=1.6))) == []


def test_cut_near_the_ends() -> None:
    pictures = scene("astronaut", 4) + scene("coffee", 20) + scene("camera", 3)
    assert detect_shots(film(pictures)) == [4, 24]


def test_bars_do_not_hide_a_cut() -> None:
    pictures = scene("coffee", 15) + scene("chelsea", 15)
    for picture in pictures:
        picture[:30] = picture[-30:] = 0
    assert detect_shots(film(pictures)) == [15]


def test_min_length_drops_the_second_of_two_near_cuts() -> None:
    pictures = scene("astronaut", 15) + scene("coffee", 6) + scene("camera", 20)
    assert detect_shots(film(pictures), min_length=1) == [15, 21]
    assert detect_shots(film(pictures), min_length=7) == [15]


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_short_clips(length: int) -> None:
    assert detect_shots(film(scene("coffee", length))) == []


def test_tiny_picture() -> None:
    assert detect_shots(core.std.BlankClip(width=2, height=2, length=6)) == []


def test_progress_ends_at_the_end() -> None:
    said: list[tuple[int, int]] = []
    detect_shots(film(cut_film()), progress=lambda done, total: said.append((done, total)))
    assert said[-1] == (85, 85)
    assert [done for done, _ in said] == sorted({done for done, _ in said})


def test_frames_are_read_once_and_let_go() -> None:
    blank = core.std.BlankClip(width=640, height=480, format=vs.RGBS, length=200, keep=True)
    seen: list[int] = []

    def watch(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        seen.append(n)
        return f

    detect_shots(core.std.ModifyFrame(blank, blank, watch))
    assert len(seen) < 220
    assert set(seen) == set(range(200))


def test_errors_tell_the_way_out() -> None:
    clip = core.std.BlankClip(length=3)
    with pytest.raises(SettingError, match="no shot detector 'adaptiv'; did you mean 'adaptive'"):
        detect_shots(clip, detector="adaptiv")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="threshold must be above 0"):
        detect_shots(clip, threshold=0)
    with pytest.raises(SettingError, match="min_length must be 1 or more"):
        detect_shots(clip, min_length=0)
    other = core.std.BlankClip(width=64, height=64)
    with pytest.raises(MediaError, match="changes its format or size"):
        detect_shots(core.std.Splice([clip, other], mismatch=True))


def test_a_frame_that_cannot_be_read_is_one_clear_error() -> None:
    clip = film(scene("coffee", 10))

    def fail(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        if n == 6:
            raise vs.Error("the file ends here")
        return f

    with pytest.raises(MediaError, match="the file ends here"):
        detect_shots(core.std.ModifyFrame(clip, clip, fail))


@pytest.mark.footage
@pytest.mark.parametrize(
    ("name", "frames", "cuts"),
    [
        ("motion_tos_fight.mkv", 140, [4, 33, 119]),
        ("film_within_our_gates_1920.mkv", 36, []),
        ("film_market_street_1906.mkv", 40, []),
        ("film_his_girl_friday_1940.mp4", 60, []),
    ],
)
def test_real_clips(name: str, frames: int, cuts: list[int], footage: Callable[[str], Path], tmp_path: Path) -> None:
    clip = core.bs.VideoSource(str(footage(f"clips/{name}")), cachepath=str(tmp_path / "index"))
    assert detect_shots(clip[:frames]) == cuts
