"""Colours for black and white: a model of the user's, and luma that stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs
from onnx import helper

import vsfilmrestore as fr
from tests.filters.networks import added
from tests.inference import makers
from tests.inference.makers import picture, planes, streamed
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.media.props import mask_prop
from vsfilmrestore.recipes import Recipe

pytestmark = pytest.mark.usefixtures("zoo")


@pytest.fixture
def model(tmp_path: Path) -> str:
    """Makes all warm: red a little more, blue a little less."""
    weights = {"warm": np.array([0.2, 0.0, -0.2], np.float32).reshape(1, 3, 1, 1)}
    nodes = [helper.make_node("Add", ["x", "warm"], ["y"])]
    shape = (1, 3, "h", "w")
    added(makers.save(tmp_path / "warm.onnx", nodes, {"x": shape}, {"y": shape}, weights), "warm", "colour")
    return "warm"


def test_only_colour_differences_of_yuv_are_new(model: str) -> None:
    clip = picture(fmt=vs.YUV444P16, frames=2)
    before, after = planes(clip, 1), planes(fr.colorize(clip, model=model), 1)
    assert np.array_equal(before[0], after[0])
    assert (after[1] < before[1]).mean() > 0.9
    assert (after[2] > before[2]).mean() > 0.9


def test_what_was_invented_travels_as_a_mask(model: str) -> None:
    frame = fr.colorize(picture(fmt=vs.RGB24, frames=1), model=model, only=[(0, 0, 8, 8)]).get_frame(0)
    mask = np.asarray(frame.props[mask_prop("colorize")][0])  # type: ignore[index]
    assert mask[:8, :8].max() == 255
    assert mask[8:].max() == 0


def test_a_dose_of_nothing_changes_no_bit() -> None:
    clip = picture(fmt=vs.YUV420P8, frames=2)
    assert streamed(fr.colorize(clip, 0.0)) == streamed(clip)


def test_a_grey_clip_has_no_room(model: str, caplog: pytest.LogCaptureFixture) -> None:
    clip = picture(fmt=vs.GRAY8, frames=1)
    assert streamed(fr.colorize(clip, model=model)) == streamed(clip)
    assert "a grey clip has no room for colours" in caplog.text


def test_no_model_is_taken_unless_it_is_named() -> None:
    with pytest.raises(vs.Error, match=r"colorize: names no model"):
        fr.colorize(picture(fmt=vs.RGB24, frames=1))
    with pytest.raises(vs.Error, match="not for 'colour'"):
        fr.colorize(picture(fmt=vs.RGB24, frames=1), model="dim")


@pytest.mark.parametrize("name", ["archive", "remaster", "kungfu", "cel", "tape", "amateur"])
def test_no_preset_has_it(name: str) -> None:
    assert FILTERS["colorize"].name not in {step.name for step in Recipe.preset(name)}
