"""The command line: what it prints, its exit codes, and that bad input gets one clear line."""

from __future__ import annotations

import json
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import av
import pytest

import vsfilmrestore.cli
from vsfilmrestore.cli.main import _COMMANDS, main
from vsfilmrestore.cli.show import say
from vsfilmrestore.media.source import open_media


@pytest.fixture(autouse=True)
def _here(small_reel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small_reel)
    monkeypatch.delenv("VSFILMRESTORE_DEBUG", raising=False)


class Said:
    """One call: exit code, standard output, and the last line of standard error."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def complaint(self) -> str:
        lines = [line for line in self.err.splitlines() if line.startswith("vsfilmrestore: ")]
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        return lines[0]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    def call(*words: str) -> Said:
        code = main(list(words))
        captured = capfd.readouterr()
        return Said(code, captured.out, captured.err)

    return call


type Cli = Callable[..., Said]


def test_restore_a_cut(cli: Cli) -> None:
    said = cli("restore", "cut.edl", "--media", "scans", "--preset", "none", "--set", "flicker=0.5", "-o", "out.mkv")
    assert said.code == 0, said.err
    assert "result" in said.out
    assert len(open_media(Path("out.mkv"))) == 48
    for name in ("report.html", "report.json", "before_after.png"):
        assert (Path("cut.vsfr/reports") / name).stat().st_size > 500
    facts = json.loads(Path("cut.vsfr/reports/report.json").read_text())
    assert [shot["name"] for shot in facts["shots"]] == ["opening", "fight-03", "end"]


def test_restore_without_an_output_writes_beside_nothing(cli: Cli) -> None:
    said = cli("restore", "cut.edl", "--media", "scans", "--preset", "none")
    assert said.code == 0, said.err
    assert Path("cut_restored.mkv").is_file()


def test_plan_shows_settings_and_where_they_came_from(cli: Cli) -> None:
    said = cli("plan", "cut.edl", "--media", "scans", "--markers", "markers.edl", "--json")
    assert said.code == 0, said.err
    facts = json.loads(said.out)
    opening = facts["shots"][0]
    dirt = next(step for step in opening["parts"][0]["steps"] if step["name"] == "remove_dirt")
    assert dirt["settings"]["strength"] == 0.4
    assert "cut.edl:6" in dirt["origin"]
    assert opening["id"] == "R1@01:00:00:00"
    table = cli("plan", "cut.edl", "--media", "scans")
    assert "fight-03" in table.out
    assert "remove_dirt" in table.out


def test_assess_keeps_the_cuts_in_the_project(cli: Cli) -> None:
    said = cli("assess", "scans/R1.mkv", "--json")
    assert said.code == 0, said.err
    facts = json.loads(said.out)
    assert facts["frames"] == 48
    assert sum(shot["frames"] for shot in facts["shots"]) == 48
    assert "cuts" in Path("R1.vsfr/project.toml").read_text()


def test_preview_writes_a_sheet(cli: Cli) -> None:
    said = cli(
        "preview", "cut.edl", "--media", "scans", "--preset", "none", "--shot", "end", "--frames", "2,5", "-o", "s.png"
    )
    assert said.code == 0, said.err
    with av.open("s.png") as picture:
        stream = picture.streams.video[0]
        assert (stream.width, stream.height) == (1280, 960)


def test_jsonl_progress_is_for_programs(cli: Cli) -> None:
    said = cli("render", "cut.edl", "--media", "scans", "--preset", "none", "-o", "out.mkv", "--progress", "jsonl")
    assert said.code == 0, said.err
    events = [json.loads(line) for line in said.out.splitlines()]
    assert events[0]["event"] == "begin"
    assert events[0]["total"] == 48
    assert [event["name"] for event in events if event["event"] == "shot"] == ["opening", "fight-03", "end"]
    assert events[-1]["event"] == "done"
    assert events[-1]["output"].endswith("out.mkv")


def test_a_project_folder_is_an_input(cli: Cli) -> None:
    assert cli("plan", "cut.edl", "--media", "scans", "--preset", "none", "--project", "p").code == 0
    assert cli("render", "p", "-o", "out.mkv").code == 0
    assert len(open_media(Path("out.mkv"))) == 48


def test_doctor_finds_everything(cli: Cli) -> None:
    said = cli("doctor")
    assert said.code == 0, said.out
    assert "mvu" in said.out


def test_help_names_every_command_and_exit_code(cli: Cli) -> None:
    said = cli("--help")
    assert said.code == 0
    for word in ("doctor", "restore", "assess", "plan", "preview", "render", "130 stopped"):
        assert word in said.out


def test_every_command_has_a_line_that_is_shown_whole(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {module.name for module in pkgutil.iter_modules(vsfilmrestore.cli.__path__)}
    modules = {name: import_module(f"vsfilmrestore.cli.{name}") for name in names}
    assert {name for name, module in modules.items() if hasattr(module, "command") or hasattr(module, "app")} == set(
        _COMMANDS
    )
    monkeypatch.setenv("COLUMNS", "80")
    shown = cli("--help").out
    for name, line in _COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(line)}$", shown, re.MULTILINE), name


def test_help_and_version_load_no_command(tmp_path: Path) -> None:
    for word, told in (("--help", "mount"), ("--version", f"vsfilmrestore {version('vsfilmrestore')}")):
        words = f"import sys; from vsfilmrestore.cli.main import main; code = main(['{word}']); print(*sys.modules); "
        done = subprocess.run(
            [sys.executable, "-c", words + "sys.exit(code)"], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert told in done.stdout
        assert not {"vapoursynth", "numpy", "vsfilmrestore.cli.restore"} & set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["restore", "nowhere.mkv"], 2, "nowhere.mkv: does not exist"),
        (["restore"], 2, "INPUT"),
        (["destroy", "cut.edl"], 2, "No such command 'destroy'"),
        (["render", "cut.edl", "--media", "scans"], 2, "no output is named. Name it with -o."),
        (["render", "cut.edl", "--media", "scans", "-o", "out.wmv"], 2, ".wmv"),
        (["plan", "cut.edl", "--media", "nowhere"], 3, "nowhere: does not exist"),
        (["plan", "cut.edl", "--media", "."], 0, ""),
        (["plan", "cut.edl", "--media", "scans", "--preset", "archiv"], 4, "did you mean 'archive'?"),
        (["plan", "cut.edl", "--media", "scans", "--set", "dirt=1"], 4, "there is no step 'dirt'"),
        (["plan", "cut.edl", "--media", "scans", "--set", "dust=2"], 4, "strength must be 0..1, not 2"),
        (["plan", "cut.edl", "--media", "scans", "--rate", "fast"], 2, "'fast' is not a frame rate"),
        (["plan", "cut.edl", "--media", "scans", "--rate", "25", "--strict"], 3, "--media-rate-rule"),
        (["preview", "cut.edl", "--media", "scans", "--shot", "fight"], 2, "did you mean 'fight-03'?"),
        (["preview", "cut.edl", "--media", "scans", "--frames", "many"], 2, "--frames must be"),
        (["restore", "cut.edl", "--progress", "loud"], 2, "--progress must be one of"),
        (["restore", "scans/R1.mkv", "--gap", "guess"], 4, "gap must be error, hold or black"),
    ],
)
def test_exit_codes_and_clear_lines(cli: Cli, words: list[str], code: int, message: str) -> None:
    said = cli(*words)
    assert said.code == code, said.err
    if code:
        assert message in said.complaint


def test_a_truncated_film(cli: Cli) -> None:
    whole = Path("scans/R1.mkv").read_bytes()
    Path("short.mkv").write_bytes(whole[: len(whole) // 2])
    said = cli("restore", "short.mkv", "--preset", "none", "-o", "out.mkv")
    assert said.code == 3
    assert "short.mkv" in said.complaint
    assert not Path("out.mkv").exists()


def test_a_film_that_is_none(cli: Cli) -> None:
    Path("noise.mkv").write_bytes(bytes(range(256)) * 100)
    said = cli("restore", "noise.mkv", "-o", "out.mkv")
    assert said.code == 3
    assert "noise.mkv" in said.complaint


def test_an_unreadable_cut_list_names_its_line(cli: Cli) -> None:
    Path("bad.edl").write_text("TITLE: X\n\n001  R1  V  C  01:00:00:00 01:99:00:00 01:00:00:00 01:00:01:00\n")
    said = cli("plan", "bad.edl", "--media", "scans")
    assert said.code == 3
    assert re.search(r"bad\.edl:3\b", said.complaint)


def test_a_wrong_marker_names_its_line_and_timecode(cli: Cli) -> None:
    text = Path("cut.edl").read_text().replace("VSFR dust=0.4", "VSFR dust=0.4 sharp=1")
    Path("cut.edl").write_text(text)
    said = cli("plan", "cut.edl", "--media", "scans")
    assert said.code == 4
    assert "cut.edl:6" in said.complaint
    assert "01:00:00:00" in said.complaint
    assert "'sharp'" in said.complaint


def test_a_source_shorter_than_the_cut_list(cli: Cli, movie: Callable[..., None]) -> None:
    movie(Path("scans/R1.mkv"), 30)
    said = cli("render", "cut.edl", "--media", "scans", "-o", "out.mkv")
    assert said.code == 3
    assert "2 of 3 shots cannot be made from the media there are" in said.complaint
    assert "needs frames 20 to 31 of R1.mkv, which holds 0 to 29" in said.err
    assert "needs frames 32 to 47 of R1.mkv, which holds 0 to 29" in said.err


def test_a_missing_medium_names_what_was_looked_for(cli: Cli) -> None:
    Path("scans/R1.mkv").unlink()
    said = cli("render", "cut.edl", "--media", "scans", "-o", "out.mkv")
    assert said.code == 3
    assert "1 medium is missing" in said.complaint
    assert "--media" in said.complaint
    assert "R1: no medium found: the cut list names reel 'R1', clip 'opening' (shots opening at 01:00:00:00" in said.err


def test_an_unknown_key_in_the_project_names_its_line(cli: Cli) -> None:
    assert cli("plan", "cut.edl", "--media", "scans", "--preset", "none", "--project", "cut.vsfr").code == 0
    project = Path("cut.vsfr/project.toml")
    text = project.read_text().replace("[source]", "[source]\nhandels = 3")
    project.write_text(text)
    said = cli("plan", "cut.edl")
    assert said.code == 4
    line = text.splitlines().index("handels = 3") + 1
    assert f"project.toml:{line}: unknown key 'handels'; did you mean 'handles'?" in said.complaint


def test_a_project_never_runs_a_script_that_only_it_names(cli: Cli) -> None:
    folder = Path("gift.vsfr")
    folder.mkdir()
    Path("evil.vpy").write_text('open("ran", "w")\n')
    (folder / "project.toml").write_text('[source]\ninput = "../evil.vpy"\n')
    said = cli("render", "gift.vsfr", "-o", "out.mkv")
    assert said.code == 2
    assert "scripts run only when you name them" in said.complaint
    assert not Path("ran").exists()


def test_a_script_is_rendered_as_it_is(cli: Cli) -> None:
    Path("reel.vpy").write_text(
        "import vapoursynth as vs\n"
        "clip = vs.core.std.BlankClip(format=vs.YUV420P8, width=64, height=48, length=5, fpsnum=25)\n"
        "clip.set_output()\n"
    )
    said = cli("render", "reel.vpy", "-o", "out.mkv")
    assert said.code == 0, said.err
    assert open_media(Path("out.mkv")).rate == 25


def test_a_broken_script_names_its_line(cli: Cli) -> None:
    Path("broken.vpy").write_text("x = 1\ny = z\n")
    said = cli("render", "broken.vpy", "-o", "out.mkv")
    assert said.code == 3
    assert "broken.vpy:2" in said.complaint


def test_a_full_disk_leaves_nothing_half_written(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from vsfilmrestore.media.out import atomic

    def full(self: object, data: bytes) -> int:
        self.error = OSError(errno.ENOSPC, "No space left on device")  # type: ignore[attr-defined]
        raise self.error  # type: ignore[attr-defined]

    assert cli("plan", "cut.edl", "--media", "scans", "--preset", "none").code == 0
    monkeypatch.setattr(atomic.Sink, "write", full)
    said = cli("render", "cut.edl", "--media", "scans", "--preset", "none", "-o", "out.mkv")
    assert said.code == 6
    assert "the disk is full" in said.complaint
    left = [path for path in Path().rglob("*") if path.name.endswith(".part") or path.name == "out.mkv"]
    assert left == []


def test_stopping_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vsfilmrestore.cli.render.open_project", stop)
    assert main(["render", "film.mkv", "-o", "out.mkv"]) == 130
    assert "the same command goes on from there" in capsys.readouterr().err


def test_paths_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    say("[red] :100: :x:")
    assert capsys.readouterr().out == "[red] :100: :x:\n"


def test_a_wrong_step_in_the_project_names_its_line(cli: Cli) -> None:
    assert cli("plan", "cut.edl", "--media", "scans", "--preset", "none", "--project", "cut.vsfr").code == 0
    project = Path("cut.vsfr/project.toml")
    project.write_text(project.read_text() + "\n[recipe.steps.remove_dirt]\nstrenght = 1\n")
    said = cli("plan", "cut.edl")
    assert said.code == 4
    assert "project.toml:" in said.complaint
    assert "did you mean 'strength'?" in said.complaint


@pytest.mark.parametrize("command", ["render", "preview", "assess", "plan"])
def test_a_command_that_fails_changes_no_project(cli: Cli, command: str) -> None:
    """The next command without options would otherwise fail for the words of the last one."""
    project = Path("cut.vsfr/project.toml")
    words = [command, "cut.edl", "--media", "scans", "--project", "cut.vsfr"]
    wrong = ["--rate", "10"]  # the list has frame numbers that do not exist then
    assert cli(*words, *wrong).code in {2, 3}
    assert not project.exists()
    assert cli("plan", "cut.edl", "--media", "scans", "--project", "cut.vsfr", "--preset", "none").code == 0
    before = project.read_text()
    assert cli(*words, *wrong).code in {2, 3}
    assert project.read_text() == before


@pytest.mark.parametrize("word", ["dust", "off", "archive dust=0.5"])
def test_words_for_single_settings_are_settings(cli: Cli, word: str) -> None:
    said = cli("plan", "cut.edl", "--set", word)
    assert said.code == 4
    assert "is not key=value" in said.complaint
