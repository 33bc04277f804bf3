"""Packages bring architectures through an entry point; what is broken is told and left out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vsfilmrestore.models import architectures

PACKAGE = """
from vsfilmrestore.models.contract import Contract

class Calm:
    name, task = "Calm", "stabilise"

    def fits(self, shapes):
        return shapes["calm.weight"][0] == 3

    def contract(self, shapes):
        return Contract(layout="stacked", before=1, after=1)

    def build(self, shapes):
        raise NotImplementedError

class Other(Calm):
    name = "Other"

    def fits(self, shapes):
        return "other.weight" in shapes

one = Calm()

def several():
    return [Other(), Calm()]

def nothing_of_the_kind():
    return 7
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Installs a package with entry points."""
    number = iter(range(100))

    def install(**points: str) -> None:
        name = f"foreign_networks_{next(number)}"
        (tmp_path / f"{name}.py").write_text(PACKAGE)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [f"{key} = {name}:{value}" for key, value in points.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{architectures.GROUP}]", *lines]))

    monkeypatch.syspath_prepend(tmp_path)
    architectures.architectures.cache_clear()
    yield install
    architectures.architectures.cache_clear()


def test_one_several_and_none(package: Callable[..., None], caplog: pytest.LogCaptureFixture) -> None:
    package(a="one", b="several", c="nothing_of_the_kind", d="absent")
    with caplog.at_level(logging.WARNING):
        found = architectures.architectures()
    assert [each.name for each in found] == ["Calm", "Other", "Calm"]
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert told[0].startswith("package c: its architectures cannot be used (")
    assert told[1].startswith("package d: its architectures cannot be used (")


def test_files_are_known_by_their_tensors(package: Callable[..., None], caplog: pytest.LogCaptureFixture) -> None:
    package(a="several")
    calm = architectures.architecture_of({"calm.weight": (3, 3, 3, 3)})
    assert calm is not None
    assert (calm.name, calm.contract({}).window) == ("Calm", 3)
    other = architectures.architecture_of({"other.weight": (1,), "calm.weight": (3,)})
    assert other is not None
    assert other.name == "Other"
    with caplog.at_level(logging.WARNING):
        assert architectures.architecture_of({"strange": (1,)}) is None  # its look fails: it is told, and that is all
    assert "architecture Calm could not look at a file" in caplog.text


def test_without_packages_there_are_none(package: Callable[..., None]) -> None:
    assert architectures.architecture_of({"calm.weight": (3, 3, 3, 3)}) is None
