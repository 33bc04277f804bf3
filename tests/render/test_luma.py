"""Mean luma before and after, as it is noted while a reel is rendered; and what the ledger remembers of a render."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import vapoursynth as vs

from vsfilmrestore.errors import ProjectError
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.graph import GraphShot
from vsfilmrestore.render.ledger import Done, Ledger
from vsfilmrestore.render.luma import luma_of, with_luma

core = vs.core
RATE = Fraction(24)


def shot(level: int, frames: int, **more: object) -> GraphShot:
    take = core.std.BlankClip(width=64, height=48, format=vs.YUV420P8, color=[level, 128, 128], length=frames)
    return GraphShot(f"s{level}", take, (0, 0), range(frames), Recipe(), **more)  # type: ignore[arg-type]


def told(clip: vs.VideoNode) -> list[tuple[float, float] | None]:
    return [luma_of(frame.props) for frame in clip.frames()]


def test_both_sides_are_measured_frame_by_frame() -> None:
    shots = [shot(40, 3), shot(200, 2)]
    after = core.std.BlankClip(shots[0].take, length=5, color=[90, 128, 128])
    assert told(with_luma(after, shots, RATE)) == [(40, 90)] * 3 + [(200, 90)] * 2


def test_frames_that_were_multiplied_stand_beside_the_one_they_are_of() -> None:
    shots = [shot(40, 2), shot(200, 1, part=(0, 1))]
    after = core.std.BlankClip(shots[0].take, width=128, height=96, length=6, format=vs.RGB48, color=[0, 0, 0])
    levels = told(with_luma(after, shots, RATE))
    assert [pair and pair[0] for pair in levels] == [40, 40, 40, 40, 200, 200]
    assert {pair and pair[1] for pair in levels} == {16}, "black of RGB is 16, too"


def test_sources_of_several_formats_are_no_hindrance() -> None:
    grey = core.std.BlankClip(width=40, height=30, format=vs.GRAYS, color=[0.5], length=2)
    shots = [shot(40, 2), GraphShot("g", grey, (0, 0), range(2), Recipe())]
    levels = told(with_luma(core.std.BlankClip(shots[0].take, length=4, color=[40, 128, 128]), shots, RATE))
    assert levels[0] == (40, 40)
    assert levels[3] is not None
    assert levels[3][0] == pytest.approx(128, abs=20)


def test_nothing_is_told_of_frames_nobody_measured() -> None:
    assert luma_of({}) is None


def test_the_ledger_keeps_it_with_memory_and_the_facts_of_the_latest_render(tmp_path: Path) -> None:
    done = Done("k", "s", 0, 2, "", 1, 0.5, luma=[(16.5, 17.0), (20.0, 20.0)], memory=123)
    with Ledger(tmp_path / "l.sqlite") as ledger:
        assert ledger.noted() == {}
        ledger.add(done)
        ledger.note({"output": "a.mkv"})
        ledger.note({"output": "b.mkv", "frames": 2})
    with Ledger(tmp_path / "l.sqlite", exclusive=False) as ledger:
        found = ledger.find("k")
        assert ledger.noted() == {"output": "b.mkv", "frames": 2}
    assert found is not None
    assert (found.luma, found.memory) == ([[16.5, 17.0], [20.0, 20.0]], 123)


def test_a_ledger_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.sqlite") as ledger:
        ledger.note({})
    import sqlite3

    with sqlite3.connect(tmp_path / "l.sqlite") as base:
        base.execute("PRAGMA user_version = 99")
    with pytest.raises(ProjectError, match="newer version"):
        Ledger(tmp_path / "l.sqlite", exclusive=False)
