"""Inverse telecine: the film's own frames come back, in any depth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from tests.filters.test_deinterlace import frames_of, moving, psnr
from vsfilmrestore.filters.deinterlace import combed_share
from vsfilmrestore.filters.inverse_telecine import inverse_telecine

core = vs.core


def telecined(film: vs.VideoNode, top_first: bool = True) -> vs.VideoNode:
    """Four frames as five: A, B, B with C, C with D, D."""
    film = film.std.SetFieldBased(0)
    fields = film.std.SeparateFields(tff=top_first)  # A0 A1 B0 B1 C0 C1 D0 D1, first field in time first
    video = fields.std.SelectEvery(8, [0, 1, 2, 3, 2, 5, 4, 7, 6, 7])
    woven = video.std.DoubleWeave(tff=top_first).std.SelectEvery(2, 0)
    return woven.std.AssumeFPS(fpsnum=30000, fpsden=1001).std.SetFieldBased(2 if top_first else 1)


@pytest.mark.parametrize("top_first", [True, False])
def test_gives_the_film_back(top_first: bool) -> None:
    film = moving(length=24)
    result = inverse_telecine(telecined(film, top_first))
    assert result.num_frames == 24
    assert (result.fps.numerator, result.fps.denominator) == (24000, 1001)
    got, truth = frames_of(result), frames_of(film)
    assert [n for n in range(24) if not np.array_equal(got[n], truth[n])] == []
    assert result.get_frame(3).props["_FieldBased"] == 0


@pytest.mark.parametrize("fmt", [vs.GRAY16, vs.YUV420P10, vs.YUV444P16, vs.YUV422P8])
def test_deep_clips_lose_the_same_frames(fmt: int) -> None:
    film = moving(fmt, length=12)
    result = inverse_telecine(telecined(film))
    assert result.format.id == fmt
    assert np.array_equal(frames_of(result)[1:-1], frames_of(film)[1:-1])


def test_a_frame_without_a_partner_is_deinterlaced() -> None:
    film = moving(length=16)
    video = telecined(film)
    cut = video[:7] + video[13:]  # a video edit leaves fields alone
    kept = combed_share(inverse_telecine(cut, leftovers="keep", combing=80))
    mended = combed_share(inverse_telecine(cut, combing=80))

    def worst(clip: vs.VideoNode) -> float:
        return max(float(str(f.props.get("VFMMics", [0] * 5)[f.props.get("VFMMatch", 0)])) for f in clip.frames())

    assert kept.num_frames == mended.num_frames
    assert not any(f.props.get("_Combed") for f in mended.frames())


def test_says_what_to_do_when_the_order_is_unknown() -> None:
    clip = core.std.RemoveFrameProps(telecined(moving(length=8)), ["_FieldBased"])
    with pytest.raises(vs.Error, match=r"inverse_telecine: .* set field_order to 'top' or 'bottom'"):
        inverse_telecine(clip).get_frame(0)


def test_a_frame_is_the_same_however_it_is_reached() -> None:
    video = telecined(moving(length=24))
    in_order = frames_of(inverse_telecine(video))
    seeking = inverse_telecine(video)
    for n in (19, 3, 11, 0):
        assert np.array_equal(np.asarray(seeking.get_frame(n)[0]), in_order[n])


def test_building_asks_for_no_frame() -> None:
    asked: list[int] = []
    blank = core.std.BlankClip(format=vs.YUV420P8, width=64, height=48, length=20)

    def watch(n: int) -> vs.VideoNode:
        asked.append(n)
        return blank

    inverse_telecine(core.std.FrameEval(blank, watch))
    assert asked == []


def test_uneven_fields_are_refused() -> None:
    clip = core.std.BlankClip(format=vs.GRAY8, width=64, height=33)
    with pytest.raises(vs.Error, match="inverse_telecine: the clip's fields differ in height"):
        inverse_telecine(clip)


@pytest.mark.footage
def test_footage_comes_out_at_24_without_combing(footage: Callable[[str], Path], tmp_path: Path) -> None:
    path = str(footage("clips/telecine_tos_480i.mpg"))
    video = core.bs.VideoSource(path, cachepath=str(tmp_path / "i"), cachemode=4)[:40]
    film = inverse_telecine(video, "top")
    assert film.num_frames == 32
    assert sum(int(str(f.props.get("_Combed", 0))) for f in film.frames()) == 0
    steps = np.abs(np.diff(frames_of(film), axis=0)).mean((1, 2))
    assert steps.min() > 0.5  # no doubles are left
    assert psnr(frames_of(film)[5], frames_of(video)[6]) > 20
