"""A reel in a viewer: masks as an output, shots as scenes, and the plug-in of vsview where that is installed."""

from __future__ import annotations

import io
import json
import tomllib
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.filters.masks import apply_repair
from vsfilmrestore.serve.viewing import mask_of, scenes_of, show_reel

core = vs.core
ROOT = Path(__file__).resolve().parents[2]

FACTS: dict[str, Any] = {
    "format": "vsfilmrestore-report",
    "rendered": {"factor": 2},
    "shots": [
        {
            "name": "one",
            "id": "R1@0",
            "record": {"start": 0, "frames": 10},
            "parts": [
                {"steps": [{"name": "remove_dirt", "words": "strength=0.5"}, {"name": "deflicker", "words": ""}]}
            ],
            "modified": {"ranges": [[0, 3], [8, 8]]},
        },
        {"name": "", "id": "R1@10", "record": {"start": 10, "frames": 5}, "parts": [{"steps": []}], "modified": None},
    ],
}


def repaired(name: str, box: tuple[int, int, int, int], clip: vs.VideoNode) -> vs.VideoNode:
    left, top, right, bottom = box
    white = core.std.BlankClip(clip, format=vs.GRAY8, color=[255], width=right - left, height=bottom - top)
    mask = white.std.AddBorders(left, clip.width - right, top, clip.height - bottom)
    return apply_repair(name, clip, clip.std.Invert(), mask)


def test_outputs_tell_a_colour_that_viewers_can_show() -> None:
    """Viewers turn all into RGB, and grey film without tags could not be shown."""
    silent = core.std.BlankClip(format=vs.GRAY8, width=64, height=48, length=2).std.SetFrameProps(
        _Matrix=vs.MATRIX_UNSPECIFIED, _Transfer=vs.TRANSFER_UNSPECIFIED
    )
    told = silent.std.SetFrameProps(_Matrix=vs.MATRIX_BT2020_NCL, _Primaries=9, _Transfer=14)
    reel = Mock(source=lambda: told, restored=lambda: silent)
    show_reel(reel, first=70)
    names = ("_Matrix", "_Primaries", "_Transfer")
    outputs: list[Any] = [vs.get_output(number).clip for number in (70, 71, 72)]
    for number in (70, 71, 72):
        vs.clear_output(number)
    colours = [tuple(clip.get_frame(0).props[name] for name in names) for clip in outputs]
    assert colours == [(9, 9, 14), (6, 6, 1), (6, 6, 1)]
    rgb = outputs[1].resize.Bicubic(format=vs.RGB24, matrix=0, transfer=1, primaries=1)
    assert rgb.get_frame(0).format.id == vs.RGB24


def test_the_masks_of_all_steps_are_one_output() -> None:
    clip = core.std.BlankClip(width=64, height=48, format=vs.YUV420P8, length=2, keep=True)
    done = repaired("remove_scratches", (40, 0, 44, 48), repaired("remove_dirt", (8, 8, 16, 12), clip))
    whole, dirt = (np.asarray(mask_of(done, kind).get_frame(1)[0]) for kind in ("", "remove_dirt"))
    assert (whole == 255).sum() == 8 * 4 + 4 * 48
    assert (dirt == 255).sum() == 8 * 4
    assert dirt[8:12, 8:16].all()
    larger = np.asarray(mask_of(done.resize.Point(128, 96), "remove_dirt").get_frame(0)[0])
    assert larger.shape == (96, 128)
    assert larger[16:24, 16:32].all()
    assert (larger > 0).sum() == 4 * 8 * 4
    assert not np.asarray(mask_of(clip).get_frame(0)[0]).any()


def test_shots_and_modified_frames_are_scenes() -> None:
    shots, modified = scenes_of(FACTS)
    assert shots.ranges == (
        (0, 9, "one: remove_dirt strength=0.5; deflicker"),
        (10, 14, "R1@10: left alone"),
    )
    assert modified.ranges == ((0, 1, "one"), (4, 4, "one")), "two output frames to a record frame"
    with pytest.raises(ValueError, match="neither"):
        scenes_of({"format": "something"})
    with pytest.raises(ValueError, match="neither"):
        scenes_of([])  # type: ignore[arg-type]


def test_the_entry_point_names_what_is_there() -> None:
    said = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    name = said["entry-points"]["vsview.scening"]["vsfilmrestore"]
    assert (ROOT / f"{name.replace('.', '/')}.py").is_file()
    assert "vsview" in said["optional-dependencies"]


def test_vsview_imports_them() -> None:
    pytest.importorskip("vsview")
    color = pytest.importorskip("PySide6.QtGui").QColor
    plugin = import_module("vsview.app.tools.scening.plugin")
    ours = import_module("vsfilmrestore.serve.vsview_scening")
    if not plugin.manager.is_registered(ours):
        plugin.manager.register(ours)
    found = [
        each for each in plugin.manager.hook.vsview_scening_register_parser() if isinstance(each, ours.ShotsParser)
    ]
    parser = found[0]
    parser.get_color = lambda: color("red")  # vsview gives it this one
    rows = parser.parse(io.BytesIO(json.dumps(FACTS).encode()), "film", Fraction(24))
    assert [row.name for row in rows] == ["film shots", "film modified frames"]
    assert [(each.start, each.end, each.label) for each in rows[0].ranges][1] == (10, 14, "R1@10: left alone")
