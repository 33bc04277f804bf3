"""Networks in reels: what is missing is told at once, weights are part of keys, sizes go together."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vapoursynth as vs

from tests.filters.networks import added, make_zoo
from tests.inference import makers
from vsfilmrestore.errors import InstallationError, SettingError, UsageError, VsfrError
from vsfilmrestore.filters import _model
from vsfilmrestore.inference.registry import registry
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render import networks
from vsfilmrestore.render.networks import absent_networks
from vsfilmrestore.render.pieces import plan_pieces
from vsfilmrestore.render.reel import Reel

core = vs.core


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_zoo(tmp_path, monkeypatch)


def opened(folder: Path, *words: str) -> Reel:
    """The small reel with words on its shots: opening, fight-03, end."""
    reel = Reel.open(folder / "cut.edl", media=folder / "scans", preset=Recipe())
    for shot, text in zip(reel, words, strict=False):
        if text:
            shot.change(text)
    return reel


def luma(clip: vs.VideoNode, n: int) -> Any:
    return np.asarray(clip.get_frame(n)[0]).copy()


@pytest.mark.usefixtures("zoo")
def test_missing_networks_are_told_before_a_frame_with_the_shots_that_want_them(small_reel: Path) -> None:
    reel = opened(small_reel, "none shimmer=1", "none shimmer=0.5 deblur=1 deblur.model=dum", "off")
    with pytest.raises(InstallationError) as caught:
        reel.restored()
    text = str(caught.value)
    assert text.startswith("calm_shimmer: model temporalfix-s1 is not on this machine (wanted by 2 shots: opening, ")
    assert "fight-03), and 1 more cannot be run. Get it with 'vsfilmrestore models get temporalfix-s1'." in text
    assert caught.value.details == tuple(each.sentence for each in absent_networks(reel.decisions))
    assert "deblur: there is no model 'dum'; did you mean 'dim'? (wanted by shot fight-03)" in caught.value.details[1]
    with pytest.raises(UsageError, match="deblur: there is no model 'dum'"):
        opened(small_reel, "off", "none deblur=1 deblur.model=dum")["fight-03"].restored()
    reel["end"].restored().get_frame(0)


@pytest.mark.usefixtures("zoo")
def test_a_shot_scripted_by_hand_wants_no_network_of_its_recipe(small_reel: Path) -> None:
    reel = opened(small_reel, "none shimmer=1", "off", "off")
    reel.shot("opening")(lambda clip: clip)
    assert reel.restored().get_frame(0).width == 192


@pytest.mark.usefixtures("zoo")
def test_what_is_wanted_by_many_is_asked_for_once(small_reel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    whole = networks._reason
    monkeypatch.setattr(networks, "_reason", lambda step: asked.append(step.name) or whole(step))
    reel = opened(small_reel, *["none deblur=0.5 deblur.model=dim"] * 3)
    reel.restored()
    assert sorted(asked) == ["deblur", "remove_dirt"]  # one shot of the reel has dirt taken out


@pytest.mark.usefixtures("zoo")
def test_a_plan_warns_and_is_no_error(small_reel: Path) -> None:
    edl = small_reel / "cut.edl"
    edl.write_text(edl.read_text().replace("VSFR dust=0.4", "VSFR none shimmer=1"))
    reel = Reel.open(edl, media=small_reel / "scans", preset=Recipe())
    sentence = "calm_shimmer: model temporalfix-s1 is not on this machine (wanted by shot opening). Get it with"
    assert any(warning.startswith(sentence) for warning in reel.plan.warnings)
    assert any(warning.startswith(sentence) for warning in reel.warnings)


@pytest.mark.usefixtures("zoo")
def test_networks_stop_at_cuts_and_leave_other_shots_alone(small_reel: Path) -> None:
    reel = opened(small_reel, "none shimmer=1 shimmer.model=mean3", "none deblur=1 deblur.model=dim", "off")
    made, source = reel.restored(), reel.source()
    alone = reel["opening"].restored()
    assert np.array_equal(luma(made, 19), luma(alone, 19))
    assert not np.array_equal(luma(made, 19), luma(source, 19))
    # The last frame of a shot sees the one before it twice, and none of the next shot.
    before, last = luma(source, 18).astype(float), luma(source, 19).astype(float)
    assert np.abs(luma(made, 19) - (2 * before + last) / 3).mean() < 1
    assert np.array_equal(luma(made, 40), luma(source, 40))


@pytest.mark.usefixtures("zoo")
def test_one_shot_larger_than_the_others_is_told_with_the_way_out(small_reel: Path) -> None:
    with pytest.raises(SettingError, match=r"Write .upscale=0 upscale\.model=double. on shots"):
        opened(small_reel, "none upscale=1 upscale.model=double", "off", "off").restored()
    with pytest.raises(SettingError, match=r"Write .upscale=0 upscale\.model=double. on shots"):
        opened(small_reel, "off", "none upscale=1 upscale.model=double", "off").restored()
    plain = "none upscale=0 upscale.model=double"
    reel = opened(small_reel, "none upscale=1 upscale.model=double", plain, plain)
    made = reel.restored()
    assert (made.width, made.height) == (384, 288)
    assert np.array_equal(luma(made, 30), luma(reel.source().resize.Spline36(384, 288), 30))
    assert np.array_equal(luma(made, 3), luma(reel.source().resize.Point(384, 288), 3))


def test_other_weights_of_a_name_are_rendered_anew_and_nothing_else(zoo: Path, small_reel: Path) -> None:
    def keys() -> list[str]:
        reel = opened(small_reel, "none deblur=1 deblur.model=dim", "off", "none dust=0.4")
        return [piece.key for piece in plan_pieces(reel, 1, ["ffv1"])]

    before = keys()
    assert before == keys()
    shutil.rmtree(zoo / "dim")
    (zoo / "dim.toml").unlink()
    added(makers.affine(small_reel / "other.onnx", 0.25, 0.2), "dim", "deblur")
    after = keys()
    assert after[0] != before[0]
    assert after[1:] == before[1:]


@pytest.mark.usefixtures("zoo")
def test_files_are_looked_into_once_for_all_shots(small_reel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    whole = _model.Zoo.find
    monkeypatch.setattr(_model.Zoo, "find", lambda self, name, **more: read.append(name) or whole(self, name, **more))
    reel = opened(small_reel, *["none deblur=0.5 deblur.model=dim"] * 3)
    clip = reel.restored()
    plan_pieces(reel, 1, ["ffv1"])
    for n in range(clip.num_frames):
        clip.get_frame(n)
    assert sorted(read) == ["dim", "dirt-t1"]  # one shot of the reel has dirt taken out


@pytest.mark.usefixtures("zoo")
def test_one_copy_serves_all_shots_and_doses(small_reel: Path) -> None:
    registry().unload()
    loaded = registry().loads
    doses = [f"none deblur={dose} deblur.model=dim" for dose in (0.3, 0.6, 1)]
    clip = opened(small_reel, *doses).restored()
    assert registry().loads == loaded
    for frame in clip.frames(close=True):
        assert frame.width == 192
    assert registry().loads == loaded + 1


def test_weights_that_vanish_after_opening_fail_with_one_line(zoo: Path, small_reel: Path) -> None:
    reel = opened(small_reel, "none deblur=1 deblur.model=dim", "off", "off")
    clip = reel.restored()
    shutil.rmtree(zoo / "dim")
    with pytest.raises(vs.Error) as caught:
        clip.get_frame(0)
    assert "model dim is not on this machine" in str(caught.value)
    with pytest.raises(VsfrError, match="model dim is not on this machine"):
        reel.restored()
