"""Sources of fields: what a recipe does not take apart is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import vapoursynth as vs

from tests.conftest import write_movie
from vsfilmrestore.media.source import open_media
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.fields import untreated_fields
from vsfilmrestore.render.reel import Reel


@pytest.mark.parametrize(
    ("marked", "steps", "told"),
    [
        (vs.FIELD_TOP, {"denoise": 0.5}, True),
        (vs.FIELD_TOP, {"denoise": 0.5, "deinterlace": True}, False),
        (vs.FIELD_TOP, {}, False),
        (vs.FIELD_PROGRESSIVE, {"denoise": 0.5}, False),
    ],
)
def test_fields_that_no_step_takes_apart_are_told(
    tmp_path: Path, marked: int, steps: dict[str, object], told: bool
) -> None:
    write_movie(tmp_path / "tape.mkv", 3)
    medium = open_media(tmp_path / "tape.mkv")
    medium = replace(medium, video=medium.video.std.SetFieldBased(marked))
    reel = Reel.of_medium(medium, recipe=Recipe().with_steps(steps))
    remarks = untreated_fields(reel.bound, reel.decisions)
    assert [medium.path.name in remark and "deint=auto" in remark for remark in remarks] == [True] * told
