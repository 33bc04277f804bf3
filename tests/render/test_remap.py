"""Films and shots that play at another speed: silents to sound rates with their sound, slow motion of the edit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from tests.pictures import clip_of
from vsfilmrestore.cli.main import main
from vsfilmrestore.errors import SettingError
from vsfilmrestore.media.out.profiles import PROFILES
from vsfilmrestore.media.source import Media, open_media
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.executor import render
from vsfilmrestore.render.graph import GraphShot, restored_node
from vsfilmrestore.render.job import open_project, open_reel
from vsfilmrestore.render.reel import Reel
from vsfilmrestore.render.remap import Remap, in_time, record_rate
from vsfilmrestore.timeline.detected import reel_from_cuts

core = vs.core

type Pictures = npt.NDArray[np.float32]

BLOCKS: dict[str, Any] = {"model": ""}
"""Block motion: the same wherever networks can be run."""


def ground(width: int = 160, height: int = 96) -> Pictures:
    random = np.random.default_rng(5)
    coarse = np.kron(random.uniform(40, 200, (height // 8 + 1, width // 4)), np.ones((8, 8)))
    smooth = core.std.BlankClip(width=coarse.shape[1], height=coarse.shape[0], format=vs.GRAYS, length=1)

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        np.copyto(np.asarray(frame[0]), coarse)
        return frame

    return np.asarray(smooth.std.ModifyFrame(smooth, draw).std.BoxBlur(hradius=2, vradius=2).get_frame(0)[0]).copy()


def pan(moments: Sequence[float], width: int = 160, height: int = 96, speed: float = 4.0) -> Pictures:
    """What a camera that pans sees at some moments."""
    picture, shots = ground(width, height), []
    for moment in moments:
        place = moment * speed
        whole, part = int(place), place - int(place)
        left, right = (picture[:height, whole + k : whole + k + width] for k in (0, 1))
        shots.append((1 - part) * left + part * right)
    return np.stack(shots).astype(np.float32)


def seen(clip: vs.VideoNode) -> Pictures:
    return np.stack([np.asarray(frame[0]).astype(np.float32) for frame in clip.frames()])


def psnr(a: Pictures, b: Pictures) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, float(((a - b) ** 2).mean()))))


def silent(path: Path, rate: int, frames: int, cut: int = 0) -> None:
    """A film of a rate of its own with a tone of the same running time; another scene from ``cut`` on."""
    pictures = pan([float(n) for n in range(frames)], speed=3.0)
    if cut:
        pictures[cut:] = 255 - pictures[cut:, ::-1]
    with av.open(str(path), "w", format="matroska") as container:
        video = container.add_stream("ffv1", rate=rate)
        video.width, video.height, video.pix_fmt = 160, 96, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=48000, layout="mono")
        for n, picture in enumerate(pictures):
            planes = np.vstack([np.rint(picture).clip(16, 235), np.full((48, 160), 128.0)]).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts = n
            container.mux(video.encode(frame))
        samples = np.arange(frames * 48000 // rate)
        wave = (9000 * np.sin(samples * 2 * np.pi * 330 / 48000)).astype(np.int16)
        for first in range(0, len(wave), 2000):
            part = av.AudioFrame.from_ndarray(wave[None, first : first + 2000], format="s16", layout="mono")
            part.sample_rate, part.pts, part.time_base = 48000, first, Fraction(1, 48000)
            container.mux(sound.encode(part))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))


def sound_of(media: Media) -> bytes:
    assert media.audio is not None
    return b"".join(np.asarray(frame[0]).tobytes() for frame in media.audio.frames())


@pytest.mark.parametrize(("rate", "wanted", "frames", "made"), [(16, "24", 16, 24), (18, "24", 18, 24)])
def test_a_silent_film_comes_out_at_a_sound_rate_with_its_sound(
    tmp_path: Path, rate: int, wanted: str, frames: int, made: int
) -> None:
    silent(tmp_path / "film.mkv", rate, frames)
    out = tmp_path / "out.mkv"
    settings = ["--preset", "none", "--set", f"interpolate={wanted}", "--project", str(tmp_path / "p")]
    assert main(["render", str(tmp_path / "film.mkv"), "-o", str(out), *settings, "--progress", "none"]) == 0
    before, after = open_media(tmp_path / "film.mkv"), open_media(out)
    assert after.rate == Fraction(wanted)
    assert len(after) == made
    assert len(after) / after.rate == len(before) / before.rate
    assert sound_of(after) == sound_of(before)
    whole = [n for n in range(made) if (n * rate) % int(wanted) == 0]
    a, b = seen(after.video.std.ShufflePlanes(0, vs.GRAY)), seen(before.video.std.ShufflePlanes(0, vs.GRAY))
    np.testing.assert_array_equal(a[whole], b[[n * rate // int(wanted) for n in whole]])
    truth = pan([n * rate / int(wanted) for n in range(made)], speed=3.0).clip(16, 235)
    repeated = b[[n * rate // int(wanted) for n in range(made)]]
    inner = slice(2, made - 4)
    assert psnr(a[inner], truth[inner]) > psnr(repeated[inner], truth[inner]) + 6


@pytest.mark.parametrize(
    ("rate", "wanted", "record"),
    [(16, 24, 24), (16, 25, 25), (18, 24, 24), (20, 48, 48), (22, 60, 60), (16, 48, 16), (24, 48, 24)],
)
def test_the_record_side_is_another_one_only_where_frames_cannot_be_multiplied(
    rate: int, wanted: int, record: int
) -> None:
    assert record_rate(Recipe().with_(interpolate=wanted), Fraction(rate)) == record


def test_shots_played_in_time_touch_and_keep_the_running_time() -> None:
    cut = reel_from_cuts([7, 8, 20], 37, Fraction(18), "film")
    played = in_time(cut, Fraction(25))
    assert [shot.record.start for shot in played.shots] == [0, 10, 12, 28]
    assert len(played) == 52  # 37 / 18 s are 51.4 frames
    shown = [shot.source_at(k, Fraction(25)) for shot in played.shots for k in range(len(shot.record))]
    assert shown == [n * 18 // 25 for n in range(52)]
    short = in_time(reel_from_cuts([4, 5], 9, Fraction(60), "film"), Fraction(16))
    assert [(shot.record.start, shot.record.stop) for shot in short.shots] == [(0, 2), (2, 3)]


def test_nothing_is_mixed_over_the_cuts_of_a_silent_film(tmp_path: Path) -> None:
    silent(tmp_path / "film.mkv", 16, 24, cut=11)
    given = {"preset": "none", "steps": {"interpolate": {"fps": 24.0, "fallback": "flow", **BLOCKS}}, "cuts": (11,)}
    reel = open_reel(open_project(tmp_path / "film.mkv", tmp_path / "p", given))
    assert reel.rate == 24
    made = seen(reel.restored().std.ShufflePlanes(0, vs.GRAY))
    source = seen(open_media(tmp_path / "film.mkv").video.std.ShufflePlanes(0, vs.GRAY))
    border = reel.cut.shots[1].record.start
    assert border == 17
    np.testing.assert_array_equal(made[16], source[10])
    near = [np.abs(made[border] - source[n]).mean() for n in (10, 11)]
    assert near[1] < near[0] / 4


def slow(moments: Sequence[Fraction], recipe: Recipe, frames: int = 8) -> tuple[vs.VideoNode, Pictures]:
    clip = clip_of(pan([float(n) for n in range(frames)]))
    places = [int(moment) for moment in moments]
    shot = GraphShot("s", clip, (0, 0), places, recipe, moments=tuple(moments), rate=Fraction(24))
    truth = pan([float(moment) for moment in moments])
    return restored_node([shot], Fraction(24)), truth


def test_slow_motion_of_the_edit_is_made_where_the_recipe_interpolates() -> None:
    moments = [Fraction(n, 2) for n in range(14)]
    plain, truth = slow(moments, Recipe())
    made, _ = slow(moments, Recipe().with_(interpolate={"fps": 24, **BLOCKS}))
    assert made.fps == 24
    assert made.num_frames == len(moments)
    a, b = seen(made), seen(plain)
    np.testing.assert_array_equal(a[::2], b[::2])
    np.testing.assert_array_equal(b[1::2], b[::2])
    assert psnr(a[1::2], truth[1::2]) > psnr(b[1::2], truth[1::2]) + 8


def test_at_twice_the_rate_slow_motion_goes_on_evenly() -> None:
    moments = [Fraction(n, 2) for n in range(14)]
    made, _ = slow(moments, Recipe().with_(interpolate={"fps": 48, "cadence": "off", **BLOCKS}))
    assert made.fps == 48
    truth = pan([n / 4 for n in range(28)])
    pictures = seen(made)
    assert min(psnr(a, b) for a, b in zip(pictures[:26], truth[:26], strict=True)) > 30


def test_backwards_and_at_odd_speeds() -> None:
    moments = [Fraction(6) - Fraction(3, 5) * n for n in range(10)]
    made, truth = slow(moments, Recipe().with_(interpolate={"fps": 24, **BLOCKS}))
    assert min(psnr(a, b) for a, b in zip(seen(made), truth, strict=True)) > 30


def test_whole_frames_stay_as_they_are() -> None:
    recipe = Recipe().with_(interpolate={"fps": 24, **BLOCKS})
    moments = [Fraction(2 * n) for n in range(4)]
    assert Remap.of(recipe, moments, Fraction(24)) is None
    made, _ = slow(moments, recipe)
    np.testing.assert_array_equal(seen(made), np.rint(pan([0.0, 2.0, 4.0, 6.0])))


def test_a_rate_the_cut_cannot_hold_is_refused() -> None:
    with pytest.raises(SettingError, match="interpolate makes 30 frames a second; the cut has 24"):
        Remap.of(Recipe().with_(interpolate=30), [Fraction(1, 2)], Fraction(24))


EDL = """TITLE: SLOW
FCM: NON-DROP FRAME

001  R1       V     C        01:00:00:00 01:00:00:10 01:00:00:00 01:00:00:20
M2   R1                {speed}                01:00:00:00
* FROM CLIP NAME: slow
"""


def test_a_slowed_event_of_an_edit_list(tmp_path: Path, movie: object) -> None:
    assert callable(movie)
    movie(tmp_path / "scans" / "R1.mkv", 24, audio=False)
    (tmp_path / "cut.edl").write_text(EDL.format(speed="012.0"))
    steps = {"interpolate": {"fps": 24.0, **BLOCKS}}
    given = {"media": [str(tmp_path / "scans")], "rate": "24", "preset": "none", "steps": steps}
    reel = Reel.open(tmp_path / "cut.edl", media=[tmp_path / "scans"], rate=24, preset="none")
    plain = [hashlib.md5(np.asarray(f[0]).tobytes()).hexdigest() for f in reel.restored().frames()]
    assert len(plain) == 20
    assert plain[::2] == plain[1::2]
    project = open_project(tmp_path / "cut.edl", tmp_path / "p", given)
    smooth = open_reel(project)
    made = [hashlib.md5(np.asarray(f[0]).tobytes()).hexdigest() for f in smooth.restored().frames()]
    assert made[::2] == plain[::2]
    assert not set(made[1:18:2]) & set(plain)
    first = render(smooth, project, tmp_path / "out.mkv", PROFILES["ffv1"])
    (tmp_path / "cut.edl").write_text(EDL.format(speed="011.9"))
    again = render(open_reel(project), project, tmp_path / "out.mkv", PROFILES["ffv1"])
    assert (first.reused, again.reused) == (0, 0), "another speed has other pictures between the same frames"
