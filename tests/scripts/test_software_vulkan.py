"""Python is run with a Vulkan device in software, or as it is where there can be none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import software_vulkan


@pytest.fixture(autouse=True)
def _nothing_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software_vulkan, "PLACE", tmp_path / "vulkan")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shutil.which": lambda tool: None}, "there is no apt"),
        ({"KEYS": Path("/nowhere.gpg")}, "keys of Debian's archive"),
        ({"mirror": lambda: "https://127.0.0.1:9/debian"}, "apt-get"),
    ],
)
def test_without_one_python_runs_as_it_is(
    change: dict[str, object], words: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(software_vulkan.shutil, "which", lambda tool: tool)
    monkeypatch.setattr(software_vulkan, "KEYS", Path(__file__))
    for name, value in change.items():
        owner = software_vulkan.shutil if name.startswith("shutil.") else software_vulkan
        monkeypatch.setattr(owner, name.removeprefix("shutil."), value)
    monkeypatch.setattr(sys, "argv", ["x", "-c", "import sys; print(sys.argv[1:]); sys.exit(7)", "a b"])
    assert software_vulkan.main() == 7
    out, err = capfd.readouterr()
    assert out == "['a b']\n"
    assert words in err


def test_the_mirror_is_the_one_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    told = "https://a.test/debian-security x main\nhttps://b.test/other x main\nhttps://c.test/debian/ x main\n"
    result = subprocess.CompletedProcess([], 0, told)
    monkeypatch.setattr(software_vulkan.subprocess, "run", lambda *given, **named: result)
    assert software_vulkan.mirror() == "https://c.test/debian/"
    result.stdout = "https://archive.test/ubuntu noble main\n"
    with pytest.raises(software_vulkan.MissingError):
        software_vulkan.mirror()


def test_python_is_started_by_the_loader_that_came_along(tmp_path: Path) -> None:
    for name in ("usr/lib/x/ld-linux-x.so.2", "usr/share/vulkan/icd.d/lvp_icd.json"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    command, more = software_vulkan.under(tmp_path)
    assert command[0] == str(tmp_path / "usr/lib/x/ld-linux-x.so.2")
    assert command[-1] == sys.executable
    assert more["VK_DRIVER_FILES"] == str(tmp_path / "usr/share/vulkan/icd.d/lvp_icd.json")
