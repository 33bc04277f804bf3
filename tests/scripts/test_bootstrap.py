"""The first command of a stranger: every way it can go wrong ends in plain words."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import _bootstrap

SCRIPTS = Path(_bootstrap.__file__).parent
GOOD = {
    "exe": sys.executable,
    "version": [3, 12],
    "plain": True,
    "wide": True,
    "final": True,
    "seeds": True,
    "virtualenv": False,
    "pip": True,
}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bare checkout that the bootstrap takes for its own."""
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    monkeypatch.setattr(_bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(_bootstrap, "VENV", tmp_path / ".venv")
    return tmp_path


@pytest.mark.parametrize("name", ["_bootstrap.py", "demo.py", "test.py"])
def test_starts_under_python_3_8(name: str) -> None:
    ast.parse((SCRIPTS / name).read_text(), feature_version=(3, 8))


@pytest.mark.parametrize("name", ["python3.8", "python3.9", "python3.10", "python3.11"])
def test_imports_under_old_pythons(name: str) -> None:
    version = name.removeprefix("python")
    found = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python")) or [shutil.which(name)]
    if found[0] is None or _bootstrap.probe([str(found[0])]) is None:
        pytest.skip(f"{name} is not here")
    subprocess.run([str(found[0]), "-c", "import _bootstrap, demo, test"], cwd=SCRIPTS, check=True)


@pytest.mark.parametrize(
    ("change", "good"),
    [
        ({}, True),
        ({"version": [3, 13]}, True),
        ({"version": [3, 11]}, False),
        ({"version": [2, 7]}, False),
        ({"plain": False}, False),
        ({"wide": False}, False),
        ({"final": False}, False),
    ],
)
def test_which_python_fits(change: dict[str, Any], good: bool) -> None:
    assert _bootstrap.fits({**GOOD, **change}) is good


def test_probe_tells_the_truth_of_this_python() -> None:
    facts = _bootstrap.probe([sys.executable])
    assert facts is not None
    assert facts["version"] == list(sys.version_info[:2])
    assert facts["wide"]


def test_probe_of_what_is_no_python(tmp_path: Path) -> None:
    assert _bootstrap.probe([str(tmp_path / "absent")]) is None
    assert _bootstrap.probe([sys.executable, "-c", "print('not json')"]) is None


def test_without_any_python_it_explains(tmp_path: Path) -> None:
    """Nothing on the path, nothing in the home folder, and this Python too old: code 8 and a way out, no traceback."""
    program = (
        "import _bootstrap as b, pathlib; b.MINIMUM = (9, 0); b.VENV = pathlib.Path('none') / '.venv';"
        "b.guarded(lambda: b.prepare('demo') or 0)"
    )
    env = {**os.environ, "PATH": str(tmp_path), "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    env.pop("PYENV_ROOT", None)
    done = subprocess.run([sys.executable, "-c", program], cwd=SCRIPTS, env=env, capture_output=True, text=True)
    assert done.returncode == 8
    assert "needs Python 3.12 or newer" in done.stderr
    assert "Then start this command again." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("system", "release", "words"),
    [
        ("linux", ("ubuntu", 24.04), "sudo apt install python3 python3-venv"),
        ("linux", ("debian", 13.0), "sudo apt install python3 python3-venv"),
        ("linux", ("debian", 12.0), "astral.sh/uv"),
        ("linux", ("fedora", 41.0), "dnf"),
        ("linux", ("", 0.0), "astral.sh/uv"),
        ("darwin", ("", 0.0), "brew install"),
    ],
)
def test_advice_fits_the_system(
    monkeypatch: pytest.MonkeyPatch, system: str, release: tuple[str, float], words: str
) -> None:
    monkeypatch.setattr(_bootstrap, "WINDOWS", False)
    monkeypatch.setattr(_bootstrap.sys, "platform", system)
    monkeypatch.setattr(_bootstrap, "_os_release", lambda: release)
    assert words in _bootstrap.advice()
    assert ("sudo apt" in _bootstrap.advice()) is ("sudo apt" in words)


def test_advice_for_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_bootstrap, "WINDOWS", True)
    assert "winget" in _bootstrap.advice()


def test_python_without_ensurepip(monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
    """Debian leaves ensurepip out: uv or virtualenv make the environment, else the missing package is named."""
    bare = {**GOOD, "exe": "/usr/bin/python3.12", "seeds": False}
    monkeypatch.setattr(_bootstrap, "pythons", lambda: [bare])
    monkeypatch.setattr(_bootstrap, "_os_release", lambda: ("debian", 13.0))
    monkeypatch.setattr(_bootstrap, "find_uv", lambda: None)
    with pytest.raises(_bootstrap.SetupError, match=r"sudo apt install python3\.12-venv"):
        _bootstrap.make_venv()
    monkeypatch.setattr(_bootstrap, "pythons", lambda: [{**bare, "virtualenv": True}])
    assert _bootstrap._venv_recipe()[:3] == ["/usr/bin/python3.12", "-m", "virtualenv"]
    monkeypatch.setattr(_bootstrap, "find_uv", lambda: "/bin/uv")
    assert _bootstrap._venv_recipe()[:2] == ["/bin/uv", "venv"]
    assert not (checkout / ".venv").exists()


def test_uv_brings_a_python_when_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_bootstrap, "pythons", list)
    monkeypatch.setattr(_bootstrap, "find_uv", lambda: "/bin/uv")
    recipe = _bootstrap._venv_recipe()
    assert recipe[recipe.index("--python") + 1] == "3.12"


def test_a_folder_that_is_no_environment_is_not_removed(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "thesis.txt").write_text("years of work")
    with pytest.raises(_bootstrap.SetupError, match="in the way"):
        _bootstrap.make_venv()
    assert (checkout / ".venv" / "thesis.txt").exists()


def test_a_broken_environment_is_made_again_and_a_good_one_kept(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "pyvenv.cfg").write_text("home = /nowhere\n")
    _bootstrap.make_venv()
    assert "Removing .venv" in capsys.readouterr().out
    kept = _bootstrap.venv_program("python").lstat().st_mtime_ns
    _bootstrap.make_venv()
    assert _bootstrap.venv_program("python").lstat().st_mtime_ns == kept
    assert capsys.readouterr().out == ""


def test_installs_only_when_something_changed(monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    runs: list[str] = []

    def pip(command: list[str], log: Path) -> int:
        runs.append(command[-1])
        return 0

    monkeypatch.setattr(_bootstrap, "_logged", pip)
    _bootstrap.install("demo")
    _bootstrap.install("demo")
    assert runs == [".[demo]"]
    _bootstrap.install("dev")
    _bootstrap.install("demo")
    assert runs[1:] == [".[demo,dev]"]
    (checkout / "pyproject.toml").write_text("[project]\nname = 'changed'\n")
    _bootstrap.install("demo")
    assert runs[2:] == [".[demo,dev]"]


def test_several_extras_are_installed_at_once_and_stay(
    monkeypatch: pytest.MonkeyPatch, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / ".venv").mkdir()
    runs: list[str] = []
    monkeypatch.setattr(_bootstrap, "_logged", lambda command, log: runs.append(command[-1]))
    _bootstrap.install("dev")
    assert "a few hundred MB" in capsys.readouterr().out
    _bootstrap.install("dev", "torch")
    assert "several GB" in capsys.readouterr().out
    _bootstrap.install("dev")
    assert runs == [".[demo,dev]", ".[demo,dev,torch]"]


def test_a_failed_installation_is_tried_again(monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
    (checkout / ".venv").mkdir()

    def pip(command: list[str], log: Path) -> int:
        log.write_text("NewConnectionError: Failed to establish a new connection: [Errno -3]")
        return 1

    monkeypatch.setattr(_bootstrap, "_logged", pip)
    for _ in range(2):
        with pytest.raises(_bootstrap.SetupError, match="cannot be reached"):
            _bootstrap.install("demo")


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("ERROR: [Errno 28] No space left on device", "disk is full"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'", "PIP_CERT"),
        ("[Errno -3] Temporary failure in name resolution", "cannot be reached"),
        ("ERROR: No matching distribution found for hatchling>=99", "hatchling>=99"),
    ],
)
def test_why_an_installation_failed(tmp_path: Path, log: str, words: str) -> None:
    (tmp_path / "install.log").write_text("Collecting numpy\n" + log + "\n")
    assert words in _bootstrap._why_pip_failed(tmp_path / "install.log")


def test_programs_find_their_environment(monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
    monkeypatch.setenv("PYTHONHOME", "/elsewhere")
    env = _bootstrap.environment()
    assert env["PATH"].split(os.pathsep)[0] == str(_bootstrap.venv_program("python").parent)
    assert env["VIRTUAL_ENV"] == str(checkout / ".venv")
    assert "PYTHONHOME" not in env


def test_leaves_with_the_code_of_the_main_function(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> int:
        raise _bootstrap.SetupError("do this")

    def stopped() -> int:
        raise KeyboardInterrupt

    for main, code, words in ((broken, 8, "do this"), (stopped, 130, "Stopped."), (lambda: 5, 5, "")):
        with pytest.raises(SystemExit) as left:
            _bootstrap.guarded(main)
        assert left.value.code == code
        assert words in capsys.readouterr().err


def test_the_stamp_is_readable_json(monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    monkeypatch.setattr(_bootstrap, "_logged", lambda command, log: 0)
    _bootstrap.install("dev")
    assert json.loads(_bootstrap._stamp().read_text())["extras"] == ["demo", "dev"]


@pytest.mark.parametrize(
    ("script", "word", "code", "told"),
    [
        ("demo.py", "--help", 0, "Restore a demo reel"),
        ("demo.py", "quickly", 2, "demo.py takes no words; 'quickly' is one. See --help."),
        ("test.py", "--help", 0, "--extras NAME"),
        ("test.py", "-h", 0, "--extras NAME"),
    ],
)
def test_asking_for_help_makes_nothing(tmp_path: Path, script: str, word: str, code: int, told: str) -> None:
    for name in (script, "_bootstrap.py"):
        place = tmp_path / "scripts" / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes((Path(_bootstrap.__file__).parent / name).read_bytes())
    done = subprocess.run(
        [sys.executable, "scripts/" + script, word], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert told in done.stdout + done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["scripts"]
