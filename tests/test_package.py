"""The package as a whole: what importing it does, and what it offers."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import vsfilmrestore
from vsfilmrestore.filters import FILTERS

ROOT = Path(vsfilmrestore.__file__).parent


def test_importing_loads_nothing_and_writes_nothing(tmp_path: Path) -> None:
    code = (
        "import os, sys; before = dict(os.environ), list(sys.path), set(sys.modules)\n"
        "import vsfilmrestore\n"
        "assert (dict(os.environ), list(sys.path)) == before[:2]\n"
        "heavy = {'vapoursynth', 'numpy', 'torch', 'cv2', 'av', 'OpenImageIO', 'opentimelineio'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert list(tmp_path.iterdir()) == []


def test_a_plan_without_media_brings_no_library_of_pictures(tmp_path: Path) -> None:
    (tmp_path / "cut.edl").write_text("001  A001  V  C  01:00:00:00 01:00:01:00 01:00:00:00 01:00:01:00\n")
    code = (
        "import sys; from vsfilmrestore.cli.main import main\n"
        "assert main(['plan', 'cut.edl', '--json']) == 0\n"
        "heavy = {'torch', 'onnxruntime', 'cv2', 'scenedetect', 'av', 'OpenImageIO', 'aaf2', 'sqlite3'}\n"
        "heavy.add('opentimelineio')\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("name", vsfilmrestore.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert callable(getattr(vsfilmrestore, name))


def test_every_filter_is_a_public_name() -> None:
    assert set(FILTERS) <= set(vsfilmrestore.__all__)
    for name, spec in FILTERS.items():
        assert getattr(vsfilmrestore, name) is spec.function


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="remove_dust"):
        _ = vsfilmrestore.remove_dust


FLOORS = ["cli", "serve", "render", "assess", "recipes", "filters", "inference", "models", "timeline", "media"]
MAY_USE = {
    "media": set(),
    "timeline": {"media"},
    "models": {"media"},
    "inference": {"media", "models"},
    "filters": {"inference", "media", "models"},
    "recipes": {"filters"},
    "assess": {"filters", "media"},
    "render": {"assess", "filters", "media", "recipes", "timeline"},
    "serve": {"filters", "media", "recipes", "render", "timeline"},
    "cli": {"filters", "inference", "media", "models", "recipes", "render", "serve", "timeline"},
}


@pytest.mark.parametrize("floor", FLOORS)
def test_dependencies_point_downwards_only(floor: str) -> None:
    for path in (ROOT / floor).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("vsfilmrestore."):
                continue
            target = (node.module or "").split(".")[1]
            allowed = MAY_USE[floor] | {floor, "errors", "toml_lines"}
            assert target in allowed, f"{path.relative_to(ROOT)} uses {target}"
