"""scripts/test.py: every check runs, the first failing code is the exit code."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import _bootstrap


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module; its own name would be that of a package of Python's."""
    spec = importlib.util.spec_from_file_location("checks", Path(_bootstrap.__file__).with_name("test.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(_bootstrap, "prepare", lambda *extras: None)
    return module


@pytest.mark.parametrize(
    ("codes", "code", "words"),
    [
        ({}, 0, "pytest ok"),
        ({"pytest": 1}, 1, "pytest failed"),
        ({"mypy": 2, "python": 1}, 2, "mypy failed"),
    ],
)
def test_exit_code(
    checks: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    codes: dict[str, int],
    code: int,
    words: str,
) -> None:
    called: list[tuple[str, ...]] = []

    def call(program: str, *arguments: str) -> int:
        called.append((program, *arguments))
        return codes.get(program, codes.get("pytest", 0) if "pytest" in arguments else 0)

    monkeypatch.setattr(_bootstrap, "call", call)
    monkeypatch.setattr("sys.argv", ["test.py", "-k", "weave"])
    assert checks.main() == code
    assert [row[0] for row in called] == ["vsstubs", "ruff", "ruff", "mypy", "python"]
    assert called[-1] == ("python", "-m", "pytest", "-k", "weave")
    assert words in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "extras", "rest"),
    [
        (["-k", "weave"], [], ["-k", "weave"]),
        (["--extras", "torch", "-k", "torch", "-m", "not slow"], ["torch"], ["-k", "torch", "-m", "not slow"]),
        (["tests/models", "-x", "--extras=torch,cuda"], ["torch", "cuda"], ["tests/models", "-x"]),
        (["--ex", "1"], [], ["--ex", "1"]),
    ],
)
def test_extras_are_for_pip_and_the_rest_for_pytest(
    checks: ModuleType, monkeypatch: pytest.MonkeyPatch, arguments: list[str], extras: list[str], rest: list[str]
) -> None:
    prepared: list[tuple[str, ...]] = []
    called: list[tuple[str, ...]] = []
    monkeypatch.setattr(_bootstrap, "prepare", lambda *names: prepared.append(names))
    monkeypatch.setattr(_bootstrap, "call", lambda *command: called.append(command) or 0)
    monkeypatch.setattr("sys.argv", ["test.py", *arguments])
    assert checks.main() == 0
    assert prepared == [("dev", *extras)]
    assert called[-1] == ("python", "-m", "pytest", *rest)


def test_extras_without_a_name_are_told(checks: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        checks.split(["--extras"])
    assert left.value.code == 2
    assert "--extras" in capsys.readouterr().err
