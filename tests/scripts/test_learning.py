"""What all trainings do alike."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs the extra torch")

from learning import in_processes


def test_jobs_are_done_in_processes_and_what_they_raise_is_raised(tmp_path: Path) -> None:
    jobs = [(tmp_path / name,) for name in "abc"]
    in_processes(2, Path.mkdir, jobs)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]
    with pytest.raises(FileExistsError):
        in_processes(1, Path.mkdir, jobs)
