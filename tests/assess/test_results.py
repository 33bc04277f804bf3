"""Results: what they hold, and that they come back from a project as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vsfilmrestore.assess.results import Assessment, FrameMeasures, ShotMeasures, SourceFacts
from vsfilmrestore.assess.stored import FILE, read_assessment, source_key, write_assessment
from vsfilmrestore.assess.vocabulary import MEASURES, NAMES, OF_FRAMES
from vsfilmrestore.errors import ProjectError


def found() -> Assessment:
    shots = (
        ShotMeasures(0, 3, {"flicker": 2.5, "motion": "pan"}, {"scratches.x": (812.0,)}),
        ShotMeasures(3, 5, {"dirt.density": 4.0}, remarks=("too short for cadence",)),
    )
    columns = {"luma.average": np.array([1, 2, np.nan, 4, 5], np.float32)}
    source = SourceFacts("film", 64, 48, 5, "24", "YUV420P8")
    return Assessment(source, shots, FrameMeasures(5, columns), unreadable=(2,), remarks=("cut short",))


def alike(a: Assessment, b: Assessment) -> bool:
    return a.facts() == b.facts() and all(np.array_equal(a.frames[n], b.frames[n], equal_nan=True) for n in OF_FRAMES)


def test_names_are_unique_and_told() -> None:
    assert len(NAMES) == len(MEASURES)
    assert all(measure.meaning and (measure.kind != "number" or measure.low < measure.high) for measure in MEASURES)


def test_what_was_not_measured_reads_nothing() -> None:
    shot = found().shots[1]
    assert (shot["flicker"], shot.word("motion"), "flicker" in shot, shot.confidence("dirt")) == (0.0, "", False, 1.0)
    assert np.isnan(found().frames["weave.x"]).all()
    with pytest.raises(KeyError):
        shot["flikker"]
    with pytest.raises(KeyError):
        shot["motion"]  # a word
    with pytest.raises(KeyError):
        found().frames["weave.roll"]  # of shots only


def test_only_known_measures_are_taken() -> None:
    with pytest.raises(KeyError):
        ShotMeasures(0, 1, {"flikker": 1.0})
    with pytest.raises(ValueError, match="flicker cannot be"):
        ShotMeasures(0, 1, {"flicker": float("nan")})
    with pytest.raises(ValueError, match="no list"):
        ShotMeasures(0, 1, lists={"flicker": (1.0,)})
    with pytest.raises(ValueError, match="3 frames"):
        FrameMeasures(3, {"ydif": np.zeros(2, np.float32)})


def test_shots_are_found_by_frame() -> None:
    assert [found().shot_at(frame).first for frame in (0, 2, 3, 4)] == [0, 0, 3, 3]
    assert found().cuts == (3,)
    with pytest.raises(IndexError):
        found().shot_at(5)


def test_json_and_back() -> None:
    assert alike(Assessment.of_json(found().json()), found())


def test_a_project_gives_back_what_it_was_given(tmp_path: Path) -> None:
    write_assessment(tmp_path, "one", found())
    kept = read_assessment(tmp_path, "one")
    assert kept is not None
    assert alike(kept, found())
    assert read_assessment(tmp_path) is not None
    assert read_assessment(tmp_path, "two") is None
    write_assessment(tmp_path, "two", found())
    assert read_assessment(tmp_path, "one") is None
    assert [file.name for file in tmp_path.iterdir()] == [FILE]


def test_a_spoilt_file_counts_for_nothing(tmp_path: Path) -> None:
    assert read_assessment(tmp_path) is None
    (tmp_path / FILE).write_bytes(b"no database at all, but longer than its header would be" * 40)
    assert read_assessment(tmp_path) is None


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(ProjectError, match=FILE):
        write_assessment(tmp_path, "one", found())
    assert [file.name for file in tmp_path.iterdir()] == [FILE]


def test_the_key_changes_with_the_media(tmp_path: Path) -> None:
    medium = tmp_path / "film.mkv"
    medium.write_bytes(b"1")
    before = source_key([(1, 2)], [medium])
    assert before == source_key([(1, 2)], [medium])
    assert before != source_key([(1, 3)], [medium])
    medium.write_bytes(b"12")
    assert before != source_key([(1, 2)], [medium])
