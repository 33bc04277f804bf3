"""The plug-in and the host of the tests, built for each kind of check; and a fake server."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

ROOT = Path(__file__).resolve().parents[2]
EFFECT = "VSFilmRestore.ofx.bundle/Contents/Linux-x86-64/VSFilmRestore.ofx"
KINDS = {"plain": "", "address": "address", "thread": "thread"}


def _fake() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ofx_fake_server", Path(__file__).with_name("fake_server.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


fake = _fake()


def missing_tools() -> str:
    """Why the plug-in cannot be built here; '' where it can."""
    if sys.platform != "linux":
        return "the host of these tests is written for Linux"
    absent = [name for name in ("cmake", "g++") if shutil.which(name) is None]
    return f"the plug-in cannot be built here: {' and '.join(absent)} not installed" if absent else ""


def build(kind: str) -> Path:
    """Folder of a build; made once, whoever asks, and brought up to date after that."""
    if reason := missing_tools():
        pytest.skip(reason)
    folder = ROOT / "build" / "ofx" / kind
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        maker = ["-G", "Ninja"] if shutil.which("ninja") else []
        kinds = ["-DVSFR_TESTS=ON", f"-DVSFR_SANITIZE={KINDS[kind]}"]
        for command in (
            ["cmake", "-S", str(ROOT / "ofx_bridge"), "-B", str(folder), *maker, *kinds],
            ["cmake", "--build", str(folder), "--parallel", "2"],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            assert "warning:" not in done.stdout + done.stderr, done.stdout + done.stderr
    return folder


@dataclass
class Run:
    """What the host said."""

    code: int
    text: str
    errors: str
    pixels: npt.NDArray[Any] | None

    @property
    def status(self) -> dict[int, int]:
        """Status of each frame."""
        return {int(n): int(s) for n, s in re.findall(r"^frame (-?\d+) status (\d+)", self.text, re.M)}

    @property
    def times(self) -> dict[int, int]:
        """Milliseconds of each frame."""
        return {int(n): int(ms) for n, ms in re.findall(r"^frame (-?\d+) .* ms (\d+)", self.text, re.M)}

    @property
    def messages(self) -> list[str]:
        """What was shown on the effect."""
        return re.findall(r"^message (.*)$", self.text, re.M)

    def clean(self) -> Run:
        """The run, where neither the host nor a sanitizer complains."""
        assert self.code == 0, self.text + self.errors
        assert not re.search(r"ERROR: |WARNING: |runtime error", self.errors), self.errors
        return self


type Host = Callable[..., Run]


@pytest.fixture(scope="session", params=list(KINDS))
def built(request: pytest.FixtureRequest) -> Path:
    """Folder of a build of each kind."""
    return build(request.param)


@pytest.fixture(scope="session")
def plain() -> Path:
    """Folder of the build that is shipped."""
    return build("plain")


def start(folder: Path, effect: str, words: dict[str, object], env: dict[str, str]) -> subprocess.Popen[str]:
    """Start the host."""
    plain_env = {name: value for name, value in os.environ.items() if not name.startswith(("VSFILM", "XDG", "LD_"))}
    line = [str(folder / "ofx_host"), str(folder / EFFECT), effect, *(f"{k}={v}" for k, v in words.items())]
    return subprocess.Popen(
        line,
        env=plain_env | {"TSAN_OPTIONS": "die_after_fork=0"} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    )


def finish(process: subprocess.Popen[str], words: dict[str, object], timeout: float = 60) -> Run:
    """Wait for the host, and take its pictures as (frame, row, column, component), the top row first."""
    try:
        text, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        text, errors = process.communicate()
        pytest.fail(f"the host hangs: {text}{errors}")
    pixels = None
    dump = Path(str(words.get("dump", "")))
    if words.get("dump") and dump.is_file():
        kind = fake.TYPES[fake.DEPTHS.index(str(words.get("depth", "float")))]
        width, height = map(int, str(words.get("size", "64x48")).split("x"))
        parts = 3 if words.get("components") == "RGB" else 4
        pixels = np.fromfile(dump, kind).reshape(-1, height, width, parts)
    return Run(process.returncode, text, errors, pixels)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """A fake server with the faults named, at ``tmp_path/s``."""
    made: list[Any] = []

    def make(*, width: int = 64, height: int = 48, **faults: Any) -> Any:
        server = fake.FakeServer(tmp_path / "s", fake.Faults(**faults), width=width, height=height)
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop()


def _caller(folder: Path, tmp_path: Path) -> Host:
    def call(effect: str = "Source", *, env: dict[str, str] | None = None, wait: bool = True, **words: object) -> Any:
        named = {name.replace("__", ":", 1): value for name, value in words.items()}
        if "frames" in named:
            named.setdefault("dump", tmp_path / "dump")
        here = {"VSFILMRESTORE_SOCKET": str(tmp_path / "s")} | (env or {})
        process = start(folder, effect, named, here)
        return finish(process, named) if wait else (lambda: finish(process, named))

    return call


@pytest.fixture
def host(built: Path, tmp_path: Path) -> Host:
    """Run the host against ``tmp_path/s``, with every kind of build: ``host("Through", frames="0-3")``."""
    return _caller(built, tmp_path)


@pytest.fixture
def plain_host(plain: Path, tmp_path: Path) -> Host:
    """The same with the build that is shipped, for what a sanitizer would only slow down."""
    return _caller(plain, tmp_path)


@pytest.fixture
def picture() -> Callable[..., npt.NDArray[Any]]:
    """What an image of the host holds after the server's frame was put into it whole: ``picture(5, "half")``."""

    def make(frame: int, depth: str = "float", width: int = 64, height: int = 48) -> npt.NDArray[Any]:
        kind = fake.DEPTHS.index(depth)
        planes = fake.samples(fake.pattern(frame, width, height), kind)
        one = np.full((height, width), {0: 255, 1: 65535}.get(kind, 1), planes.dtype)
        return np.stack([*planes, one], -1)

    return make


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait, five seconds at most, until something holds of the server."""

    def wait(holds: Callable[[], bool]) -> None:
        until = time.monotonic() + 5
        while not holds():
            assert time.monotonic() < until
            time.sleep(0.01)

    return wait
