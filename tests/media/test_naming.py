"""Sequences told by their names."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from vsfilmrestore.errors import MediaError
from vsfilmrestore.media import naming
from vsfilmrestore.media.naming import find_sequence, is_pattern, ranges_text, sequences_in


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).touch()
    return folder


def test_two_hundred_thousand_files_in_a_second(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = [f"reel1_{n:07d}.dpx" for n in range(200_000)]
    monkeypatch.setattr(naming, "_names", lambda folder: names)
    begin = time.process_time()
    found = find_sequence(tmp_path)
    assert time.process_time() - begin < 1.0
    assert len(found.numbers) == 200_000
    assert found.missing(0, 200_001) == [200_000, 200_001]


def test_sequences_are_parted_by_name_padding_and_suffix(tmp_path: Path) -> None:
    touch(tmp_path, "a_01.dpx", "a_02.dpx", "a_1.exr", "b_0001.dpx", "b_02.dpx", "9.tif", "10.tif", "x.png", "r.mov")
    found = {s.pattern: s.numbers for s in sequences_in(tmp_path)}
    assert found == {
        "a_##.dpx": (1, 2),
        "a_#.exr": (1,),
        "b_##.dpx": (2,),
        "b_####.dpx": (1,),
        "#.tif": (9, 10),
    }


def test_the_last_digits_count_unless_a_pattern_says_otherwise(tmp_path: Path) -> None:
    touch(tmp_path, *(f"r{n:04d}_2k.dpx" for n in range(3)))
    assert find_sequence(tmp_path / "r####_2k.dpx").numbers == (0, 1, 2)
    assert find_sequence(tmp_path / "r%04d_2k.dpx").path(7).name == "r0007_2k.dpx"
    with pytest.raises(MediaError, match="3 sequences"):
        find_sequence(tmp_path)


def test_a_file_named_with_a_hash_is_a_file(tmp_path: Path) -> None:
    touch(tmp_path, "take #3.dpx")
    assert not is_pattern(tmp_path / "take #3.dpx")
    assert find_sequence(tmp_path / "take #3.dpx").numbers == (3,)


def test_names_a_person_would_use(tmp_path: Path) -> None:
    folder = tmp_path / "REEL_A"
    folder.mkdir()
    touch(folder, "000001.dpx")
    assert find_sequence(folder).name == "REEL_A"
    touch(tmp_path, "act1.0001.exr")
    assert find_sequence(tmp_path).name == "act1"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    touch(tmp_path, "a_001.dpx")
    for name in ("a_002.dpx", "b_001.dpx", "a_1.dpx"):
        with pytest.raises(MediaError, match="no such file"):
            find_sequence(tmp_path / name)


def test_ranges_in_words() -> None:
    assert ranges_text([]) == ""
    assert ranges_text([7, 9, 10, 11, 14]) == "7, 9-11, 14"
    assert ranges_text(range(0, 40, 2), most=3) == "0, 2, 4, and 17 more places"
    assert ranges_text([3]) == "3"
    assert ranges_text([1, 2, 5, 7, 8, 9, 20, 30], most=4) == "1-2, 5, 7-9, 20, and 1 more place"
