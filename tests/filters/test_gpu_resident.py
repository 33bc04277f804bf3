"""Filters, reels and cut detection on clips whose frames lie on a graphics card."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vapoursynth as vs

import vsfilmrestore as fr
from tests.conftest import write_movie
from tests.filters.generative import with_inventing
from tests.filters.networks import RIFE, added, rife
from tests.filters.test_marked_as_fields import given
from tests.filters.test_network_between import colour_match
from tests.inference import makers
from vsfilmrestore.assess.shots import detect_shots
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.media.props import changed_prop, history_prop
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.history_watch import Watch
from vsfilmrestore.render.verdicts import Verdict, Verdicts

core = vs.core
FRAMES = 6

type Upload = Callable[[vs.VideoNode], vs.VideoNode]


@pytest.fixture(autouse=True)
def _models(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_inventing(zoo.parent, monkeypatch)


def film(fmt: int = vs.YUV420P8, frames: int = FRAMES) -> vs.VideoNode:
    """A texture that pans under grain; a speck in every frame, a white face in the middle."""
    width, height = 160, 120
    ground = np.kron(np.random.default_rng(0).integers(60, 190, (23, 40)), np.ones((8, 8)))

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        luma = ground[8 : 8 + height, n : n + width] + np.random.default_rng(n).normal(0, 3, (height, width))
        x, y = (n * 37) % (width - 12), (n * 53) % (height - 12)
        luma[y : y + 6, x : x + 6] = 235
        luma[40:72, 64:96] = 252
        frame = f.copy()
        np.copyto(np.asarray(frame[0]), np.clip(luma, 0, 255).astype(np.uint8))
        return frame

    blank = core.std.BlankClip(format=vs.GRAY8, width=width, height=height, length=frames, fpsnum=24, fpsden=1)
    clip = core.std.ModifyFrame(blank, blank, draw).std.SetFrameProps(_Range=1, _FieldBased=0)
    return clip if fmt == vs.GRAY8 else clip.resize.Bilinear(format=fmt, matrix=1)


def same(card: vs.VideoNode, plain: vs.VideoNode) -> None:
    """The first lies on the card, and but for that they are one and the same."""
    assert card.gpu_resident
    assert not plain.gpu_resident
    assert card.num_frames == plain.num_frames
    with card.get_frame(0) as frame:
        assert frame.gpu_resident
    here = card.std.GPUDownload()
    for n in range(plain.num_frames):
        with here.get_frame(n) as made, plain.get_frame(n) as wanted:
            assert made.format.id == wanted.format.id
            for plane in range(wanted.format.num_planes):
                np.testing.assert_array_equal(np.asarray(made[plane]), np.asarray(wanted[plane]), f"frame {n}")
            assert set(made.props) == set(wanted.props)


@pytest.mark.parametrize("name", FILTERS)
def test_every_filter_takes_them(name: str, uploaded: Upload) -> None:
    clip, spec, settings = film(), FILTERS[name], {}
    if {"strength", "fps"} & set(spec.settings):
        settings = given(name)
    else:
        clip = clip.std.SetFieldBased(2)
    same(spec.function(uploaded(clip), **settings), spec.function(clip, **settings))


@pytest.mark.parametrize("show", ["mask", "diff", "overlay"])
def test_masks_and_regions_are_those_of_the_processor(show: str, uploaded: Upload) -> None:
    clip = film(vs.YUV422P10)
    settings: dict[str, Any] = {"show": show, "protect": [(0, 0, 60, 60)]}
    same(fr.remove_dirt(uploaded(clip), 1.0, **settings), fr.remove_dirt(clip, 1.0, **settings))
    same(fr.deblur(uploaded(clip), 1.0, model="dim", **settings), fr.deblur(clip, 1.0, model="dim", **settings))


def test_one_filter_after_another(uploaded: Upload) -> None:
    def steps(clip: vs.VideoNode) -> vs.VideoNode:
        clip = fr.remove_dirt(fr.deflicker(clip, 0.5), 0.8)
        return fr.upscale(fr.calm_shimmer(clip, model="mean3"), model="double")

    same(steps(uploaded(film())), steps(film()))


def test_colours_of_a_reference(uploaded: Upload, tmp_path: Path) -> None:
    colour_match(tmp_path)
    clip, other = film(), makers.picture(96, 64, FRAMES)
    plain = fr.match_colour(clip, other, model="as-reference")
    for reference in (other, uploaded(other)):
        same(fr.match_colour(uploaded(clip), reference, model="as-reference"), plain)
    made = fr.match_colour(clip, uploaded(other), model="as-reference")
    assert not made.gpu_resident
    same(uploaded(made), plain)


RECIPE = Recipe().with_(
    remove_dirt=0.8, deblur={"strength": 0.6, "model": "dim"}, calm_shimmer={"strength": 1.0, "model": "mean3"}
)


def test_repairs_are_written_down_and_taken_back(uploaded: Upload) -> None:
    clip = film()
    made = fr.remove_dirt(clip, 0.8)
    (step,) = Recipe().with_(remove_dirt=0.8)
    close = Watch(True, Verdicts((Verdict(region=(0, 0, 80, 120)),))).close(step)
    assert close is not None
    card, plain = close(uploaded(clip), uploaded(made), 0, 1), close(clip, made, 0, 1)
    same(card, plain)
    kept = 0
    for n in range(FRAMES):
        theirs, ours = card.get_frame(n).props, plain.get_frame(n).props
        for name in (changed_prop("remove_dirt"), history_prop("remove_dirt", 0)):
            assert theirs.get(name) == ours.get(name)
        kept += history_prop("remove_dirt", 0) in ours
    assert kept


def reel_of(folder: Path, way: str) -> fr.Reel:
    """A reel of a scan that a script opens."""
    path = folder / f"scan{len(way)}.vpy"
    path.write_text(
        "import vapoursynth as vs\n"
        f"clip = vs.core.bs.VideoSource({str(folder / 'R1.mkv')!r}, cachemode=0)\n"
        f"clip{way}.set_output()\n"
    )
    return fr.Reel.open(path, preset=RECIPE)


def scripted(folder: Path, way: str, back: Upload) -> fr.Reel:
    """The same reel with its one shot scripted by hand."""
    reel = reel_of(folder, way)

    @reel.shot("*")
    def shot(clip: vs.VideoNode) -> vs.VideoNode:
        assert not clip.gpu_resident
        return back(RECIPE.apply(clip))

    return reel


def test_scripts_and_shots_may_give_them(uploaded: Upload, tmp_path: Path) -> None:
    """Frames of one reel lie in one place, whatever its scans and the functions of its shots give."""
    write_movie(tmp_path / "R1.mkv", FRAMES)
    upload = ".std.GPUUpload()"
    pairs = [
        (reel_of(tmp_path, upload).source(), reel_of(tmp_path, "").source()),
        (reel_of(tmp_path, upload).restored(), reel_of(tmp_path, "").restored()),
        (scripted(tmp_path, upload, uploaded).restored(), scripted(tmp_path, "", lambda clip: clip).restored()),
    ]
    for made, plain in pairs:
        assert not made.gpu_resident
        same(made.std.GPUUpload(), plain)


def test_cuts_are_found(uploaded: Upload) -> None:
    one, other = film(frames=20), core.std.Invert(film(frames=20)).std.FlipHorizontal()
    cut = one + other
    assert detect_shots(cut) == detect_shots(uploaded(cut)) == [20]


def test_frames_in_between(uploaded: Upload, tmp_path: Path) -> None:
    added(rife(tmp_path / "v1.onnx", 1), "rife1", "interpolate", window=2, extra=RIFE)
    for settings in ({"fps": 48}, {"fps": 48, "model": "rife1"}):
        same(fr.interpolate(uploaded(film()), **settings), fr.interpolate(film(), **settings))
