"""Every example runs, as it stands, in vspipe."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vsfilmrestore.recipes import Recipe

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / "examples"
VSPIPE = Path(sys.executable).with_name("vspipe")
SMALL_REEL = """
import pathlib, sys
import demo_reel
demo_reel.SIZE = 320, 240
demo_reel.make(pathlib.Path(sys.argv[1]))
"""


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the examples and a demo reel of half the size beside one another, as in the checkout."""
    folder = tmp_path_factory.mktemp("checkout")
    subprocess.run([sys.executable, "-c", SMALL_REEL, folder / "demo"], cwd=ROOT / "scripts", check=True)
    shutil.copytree(EXAMPLES, folder / "examples")
    return folder


def outputs(script: Path) -> int:
    return script.read_text().count(".set_output(")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.vpy")))
def test_every_script_gives_frames_from_every_output(demo: Path, name: str) -> None:
    script = demo / "examples" / name
    assert outputs(script) >= 1
    for index in range(outputs(script)):
        command = [VSPIPE, "-o", str(index), "-s", "2", "-e", "2", str(script), "-"]
        done = subprocess.run(command, cwd=demo, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        assert len(done.stdout) > 10_000


@pytest.mark.slow
def test_a_shot_is_named_on_the_command_line(demo: Path) -> None:
    frames = []
    for words in ([], ["-a", "shot=coffee"]):
        command = [VSPIPE, *words, "--info", str(demo / "examples" / "one_shot.vpy"), "-"]
        done = subprocess.run(command, cwd=demo, capture_output=True, text=True, check=True)
        frames.append(next(line for line in done.stdout.splitlines() if line.startswith("Frames")))
    assert frames == ["Frames: 36", "Frames: 32"]


def test_every_recipe_is_read() -> None:
    recipes = sorted(EXAMPLES.glob("*.toml"))
    assert recipes
    for path in recipes:
        assert len(Recipe.read(path)) > 0


def test_every_file_is_in_the_table() -> None:
    table = (EXAMPLES / "README.md").read_text()
    for path in EXAMPLES.iterdir():
        if path.suffix in (".vpy", ".toml"):
            assert f"`{path.name}`" in table
