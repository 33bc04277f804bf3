"""Pictures marked as interlaced come through filters that work on whole frames as if they were not marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vapoursynth as vs

from tests.filters.generative import INVENTING, with_inventing
from tests.filters.networks import MODELS
from vsfilmrestore.filters import FILTERS

core = vs.core

pytestmark = pytest.mark.usefixtures("zoo", "inventing")

WHOLE = [name for name in FILTERS if name not in ("deinterlace", "inverse_telecine")]


def moving(fmt: int, width: int, height: int) -> vs.VideoNode:
    grey = core.std.BlankClip(format=vs.GRAY16, width=width, height=height, length=4, keep=True)
    grey = core.akarin.Expr([grey], "X 7 * Y 13 * + N 31 * + 91 % 500 * 8000 +")
    if core.get_video_format(fmt).color_family == vs.YUV:
        return grey.resize.Bilinear(format=fmt, matrix=1)
    return grey.resize.Bilinear(format=fmt)


@pytest.fixture
def inventing(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_inventing(zoo.parent, monkeypatch)


def given(name: str) -> dict[str, Any]:
    if name in INVENTING:
        return {"strength": 1.0, **INVENTING[name]}
    if name in MODELS:
        return {"strength": 1.0, "model": MODELS[name]}
    return {"fps": 48} if "fps" in FILTERS[name].settings else {"strength": 1.0}


def planes(clip: vs.VideoNode) -> list[Any]:
    return [np.asarray(f[p]).copy() for f in clip.frames(close=True) for p in range(clip.format.num_planes)]


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize(("fmt", "height"), [(vs.YUV420P8, 70), (vs.GRAYH, 77)])
def test_the_mark_changes_no_picture_and_stays(name: str, fmt: int, height: int) -> None:
    spec = FILTERS[name]
    settings = given(name)
    clip = moving(fmt, 96, height).std.SetFieldBased(0)
    marked = spec.function(clip.std.SetFieldBased(2), **settings)
    assert {frame.props["_FieldBased"] for frame in marked.frames()} == {2}
    for have, want in zip(planes(marked), planes(spec.function(clip, **settings)), strict=True):
        np.testing.assert_array_equal(have, want)


@pytest.mark.parametrize("name", WHOLE)
def test_a_clip_that_tells_no_fields_still_tells_none(name: str) -> None:
    spec = FILTERS[name]
    settings = given(name)
    clip = moving(vs.GRAY8, 64, 48).std.RemoveFrameProps("_FieldBased")
    assert "_FieldBased" not in spec.function(clip, **settings).get_frame(0).props


def test_half_floats_of_an_odd_number_of_lines_are_deinterlaced_whole() -> None:
    clip = moving(vs.GRAYH, 101, 77).std.SetFieldBased(2)
    first, second = (planes(FILTERS["deinterlace"].function(clip)) for _ in range(2))
    for have, want in zip(first, second, strict=True):
        assert np.isfinite(have).all()
        np.testing.assert_array_equal(have, want)
