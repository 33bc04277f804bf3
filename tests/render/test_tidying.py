"""Pieces of earlier settings are deleted; what the latest render uses stays, and is used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vsfilmrestore.cli.main import main
from vsfilmrestore.errors import ProjectError
from vsfilmrestore.media.out.profiles import PROFILES
from vsfilmrestore.render.executor import Rendered, render
from vsfilmrestore.render.job import open_project, open_reel
from vsfilmrestore.render.ledger import Ledger
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.tidying import Tidied, tidy


@pytest.fixture
def project(small_reel: Path) -> Project:
    given = {"media": [str(small_reel / "scans")], "preset": "none", "steps": {"remove_dirt": False, "deflicker": 0.5}}
    project = open_project(small_reel / "cut.edl", small_reel / "p", given)
    project.save()
    return project


def made(project: Project, **steps: object) -> Rendered:
    """The project rendered with other settings than it has."""
    changed = replace(project, settings=replace(project.settings, steps=project.settings.steps | steps))
    return render(open_reel(changed), changed, project.folder.parent / "out.mkv", PROFILES["ffv1"])


def listed(project: Project) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in project.renders.iterdir()}


def test_only_what_the_latest_render_does_not_use_goes(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    made(project)
    old = listed(project)
    latest = made(project, deflicker=0.9)
    new = {name: size for name, size in listed(project).items() if name not in old}
    film = latest.output.read_bytes()
    half = project.renders / f".{next(iter(new))}.part"
    half.write_bytes(b"half")
    foreign = project.renders / "notes.txt"
    foreign.write_text("ours")
    gone = Tidied(len(old) + 1, sum(old.values()) + 4, sum(new.values()))
    assert min(gone.freed, gone.kept) > 1000
    assert tidy(project, dry_run=True) == gone
    assert set(listed(project)) == {*old, *new, half.name, foreign.name}
    assert main(["tidy", str(project.folder)]) == 0
    assert f"in {len(old) + 1} files" in capsys.readouterr().out
    assert set(listed(project)) == {*new, foreign.name}
    latest.output.unlink()
    again = made(project, deflicker=0.9)
    assert again.reused == again.pieces[-1].stop, "what was kept is used"
    assert latest.output.read_bytes() == film
    assert made(project).reused == 0, "what went is made again"


def test_nothing_goes_while_a_film_is_rendered_or_before_it_was(project: Project) -> None:
    assert main(["tidy", str(project.folder)]) == 5
    made(project)
    before = listed(project)
    with Ledger(project.ledger), pytest.raises(ProjectError, match="being rendered"):
        tidy(project)
    assert listed(project) == before
    assert main(["tidy", str(project.folder / "renders")]) == 2
