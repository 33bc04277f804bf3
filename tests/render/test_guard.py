"""What is kept, what is made again, and what is never overwritten."""

from __future__ import annotations

import hashlib
import math
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from vsfilmrestore.cli.main import main
from vsfilmrestore.errors import OutputError, ProjectError, SettingError
from vsfilmrestore.media.out.profiles import PROFILES
from vsfilmrestore.render.executor import Rendered, render
from vsfilmrestore.render.guard import refuse_overwriting
from vsfilmrestore.render.job import open_project, open_reel


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def stills(small_reel: Path) -> Path:
    """A folder with a scan of 48 DPX."""
    project = open_project(small_reel / "scans" / "R1.mkv", small_reel / "s", {"preset": "none"})
    render(open_reel(project), project, small_reel / "dpx", PROFILES["dpx10"])
    return small_reel / "dpx"


def rendered(source: Path, output: Path, profile: str = "ffv1", **given: Any) -> Rendered:
    project = open_project(source, source.parent / "p", {"preset": "none", **given})
    return render(open_reel(project), project, output, PROFILES[profile])


def test_the_film_itself_is_no_output(small_reel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = small_reel / "scans" / "R1.mkv"
    before = sha(film)
    assert main(["render", str(film), "-o", str(film), "--project", str(small_reel / "p")]) == 6
    assert "R1.mkv: is what the result is made from" in capsys.readouterr().err
    assert not (small_reel / "p").exists(), "refused before anything is written"
    words = ["preview", str(film), "--frames", "1", "--preset", "none", "-o", str(film)]
    assert main([*words, "--project", str(small_reel / "p")]) == 6
    assert sha(film) == before


def test_the_media_of_a_cut_list_are_no_output(small_reel: Path) -> None:
    film = small_reel / "scans" / "R1.mkv"
    with pytest.raises(OutputError, match="made from"):
        rendered(small_reel / "cut.edl", film)


def test_stills_do_not_go_among_the_scan(stills: Path) -> None:
    before = {path.name: sha(path) for path in stills.iterdir()}
    for output in (stills, stills / "dpx.%07d.dpx", stills / "new.dpx"):
        with pytest.raises(OutputError, match="the source's own pictures"):
            rendered(stills, output, "dpx10")
    assert {path.name: sha(path) for path in stills.iterdir()} == before
    one = next(iter(sorted(stills.glob("*.dpx"))))
    with pytest.raises(OutputError, match="the source's own pictures"):
        refuse_overwriting(stills / "dpx.#######.dpx", PROFILES["dpx10"], [one])
    refuse_overwriting(stills / "new.dpx", PROFILES["dpx10"], [one])
    refuse_overwriting(stills / "film.mkv", PROFILES["ffv1"], [stills])


def test_other_frames_of_the_same_medium_are_rendered_again(stills: Path, small_reel: Path) -> None:
    out = small_reel / "out.mkv"
    film = small_reel / "scans" / "R1.mkv"
    md5s = {}
    for source in (film, stills):
        first = 86400 if source is stills else 0
        for lead in (0, 10):
            done = rendered(source, out, first=first + lead, last=first + lead + 9)
            assert done.reused == 0, "the ten frames before are not these"
            md5s[lead] = done.pieces[0].md5s
        assert md5s[0] != md5s[10]


def test_what_stands_for_a_missing_frame_is_rendered_again(stills: Path, small_reel: Path) -> None:
    sorted(stills.glob("*.dpx"))[5].unlink()
    out = small_reel / "out.mkv"
    assert rendered(stills, out, gap="hold").reused == 0
    assert rendered(stills, out, gap="black").reused == 0
    assert rendered(stills, out, gap="black").reused == 48


def test_stills_that_another_render_wrote_over_are_made_again(small_reel: Path) -> None:
    film, out = small_reel / "scans" / "R1.mkv", small_reel / "out"
    first = rendered(film, out, "dpx10")
    before = {path.name: sha(path) for path in out.glob("*.dpx")}
    assert rendered(film, out, "dpx10", steps={"remove_dirt": 1.0}, cuts=[]).reused == 0
    assert {path.name: sha(path) for path in out.glob("*.dpx")} != before
    again = rendered(film, out, "dpx10", steps={})
    assert again.reused == 0, "of the same names and sizes, but other pictures"
    assert [piece.md5s for piece in again.pieces] == [piece.md5s for piece in first.pieces]
    assert {path.name: sha(path) for path in out.glob("*.dpx")} == before


def test_a_place_that_cannot_be_written_is_known_before_the_first_frame(small_reel: Path) -> None:
    (small_reel / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write"):
        rendered(small_reel / "scans" / "R1.mkv", small_reel / "file" / "out.mkv")
    assert not list((small_reel / "scans" / "p").glob("renders/*"))


@pytest.mark.parametrize("name", ["ledger.sqlite", "render.lock"])
def test_a_damaged_project_file_is_named(small_reel: Path, name: str) -> None:
    rendered(small_reel / "scans" / "R1.mkv", small_reel / "out.mkv")
    file = small_reel / "scans" / "p" / name
    file.write_bytes(b"Z" * 5000)
    with pytest.raises(ProjectError, match=name):
        rendered(small_reel / "scans" / "R1.mkv", small_reel / "out.mkv")
    file.unlink()
    rendered(small_reel / "scans" / "R1.mkv", small_reel / "out.mkv")


def test_a_damaged_row_is_a_damaged_ledger(small_reel: Path) -> None:
    rendered(small_reel / "scans" / "R1.mkv", small_reel / "out.mkv")
    with closing(sqlite3.connect(small_reel / "scans" / "p" / "ledger.sqlite")) as base, base:
        base.execute("UPDATE segments SET details = x'00'")
    with pytest.raises(ProjectError, match="is damaged"):
        rendered(small_reel / "scans" / "R1.mkv", small_reel / "out.mkv")


@pytest.mark.parametrize(
    "words",
    [
        ["--rate", "abc"],
        ["--rate", "1/0"],
        ["--rate", "1e99"],
        ["--format", "nope"],
        ["-o", "x.xyz"],
        ["--markers", "m.edl"],
    ],
)
def test_wrong_words_are_not_kept(small_reel: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    film, project = small_reel / "scans" / "R1.mkv", small_reel / "p"
    output = [] if "-o" in words else ["-o", str(small_reel / "o.mkv")]
    assert main(["render", str(film), *output, *words, "--project", str(project)]) in (2, 4)
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not project.exists()


def test_a_number_without_end_is_no_setting(small_reel: Path) -> None:
    with pytest.raises(SettingError, match="must be a whole number, not inf"):
        rendered(small_reel / "scans" / "R1.mkv", small_reel / "o.mkv", steps={"remove_dirt": {"max_size": math.inf}})


def test_a_question_is_closed_by_its_own_mark() -> None:
    assert str(SettingError("no 'a'; did you mean 'b'?", hint="Known: b")) == "no 'a'; did you mean 'b'? Known: b."
    assert str(SettingError("no 'a'", hint="Did you mean b?")) == "no 'a'. Did you mean b?"
