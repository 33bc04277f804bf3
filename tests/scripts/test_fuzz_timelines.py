"""The fuzz run sees what it looks for: tracebacks, hangs, greed, errors without a name, processes that die."""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from vsfilmrestore.errors import TimelineError

BENCH = Path(__file__).parents[2] / "scripts" / "bench"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bounds are set by means of Linux")


@pytest.fixture
def fuzz(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCH))
    spec = importlib.util.spec_from_file_location("fuzz_timelines", BENCH / "fuzz_timelines.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "fuzz_timelines", module)
    spec.loader.exec_module(module)
    return module


def refuse(path: Path) -> None:
    raise TimelineError("no", file=path)


def refuse_without_name(_: Path) -> None:
    raise TimelineError("no")


def spin(_: Path) -> None:
    while True:
        pass


def eat(_: Path) -> None:
    _ = bytearray(8 << 30)  # at once: bit by bit it would fill the holes that the tests before left in the heap


def crash(_: Path) -> None:
    os._exit(3)


def stumble(_: Path) -> None:
    raise KeyError("x")


@pytest.mark.parametrize(
    ("reader", "kind"),
    [
        (lambda _: None, "read"),
        (refuse, "refused"),
        (refuse_without_name, "nameless"),
        (spin, "hang"),
        (eat, "memory"),
        (crash, "died"),
        (stumble, "traceback"),
    ],
)
def test_every_offence_is_seen(
    fuzz: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: Callable[[Path], None], kind: str
) -> None:
    monkeypatch.setattr(fuzz, "read", lambda _kind, path, _rate, _cut: reader(path))
    options = argparse.Namespace(jobs=1, seconds=0.3, megabytes=300, seed=1, save=tmp_path / "saved")
    tally = fuzz.Tally()
    fuzz.run(fuzz.Format(".edl", [b"001 A V C"]), range(2), options, tally)
    assert tally.kinds == {kind: 2}
    saved = sorted(path.suffix for path in options.save.iterdir()) if options.save.exists() else []
    assert saved == ([] if kind in {"read", "refused"} else [".edl", ".edl", ".story", ".story"])


def test_a_case_is_always_the_same(fuzz: ModuleType) -> None:
    kind = fuzz.Format(".edl", [b"001  A V C 00:00:00:00\n" * 5, b"* LOC: 1\n" * 9])
    cases = [kind.case(i, 1) for i in range(50)]
    assert cases == [kind.case(i, 1) for i in range(50)]
    assert len({data for data, _ in cases}) > 40
    assert cases != [kind.case(i, 2) for i in range(50)]


@pytest.mark.parametrize("suffix", [".edl", ".otio", ".otioz", ".xml", ".fcpxml", ".aaf", ".csv"])
def test_whatever_there_is_can_be_spoilt(fuzz: ModuleType, suffix: str) -> None:
    json, xml = b'{"a": [1, {"b": 2.5}], "c": "x"}', b'<a b="1"><c d="2/3s"/><c>4</c></a>'
    samples = {".otio": json, ".otioz": fuzz.zipped(json), ".xml": xml, ".fcpxml": xml}
    for sample in (samples.get(suffix, b"001 1:2\nx\n" * 300), b"" if suffix != ".otioz" else fuzz.zipped(b"{}")):
        for i in range(300):
            assert isinstance(fuzz.spoilt(sample, sample, suffix, random.Random(i)), bytes)


def test_every_format_has_files(fuzz: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "timelines").mkdir()
    (tmp_path / "timelines" / "a.edl").write_text("x")
    (tmp_path / "timelines" / "a.otio").write_text("{}")
    found = {kind.name: len(kind.samples) for kind in fuzz.formats(tmp_path, [])}
    assert found.keys() >= {".edl", ".otio", "markers .edl", "markers .txt", "markers .csv"}
    assert (found[".edl"], found[".otio"]) == (1, 1)
    assert all(n for name, n in found.items() if name.startswith("markers"))


def test_a_case_does_not_change_with_the_cases_before_it(fuzz: ModuleType) -> None:
    clip = b'{"OTIO_SCHEMA": "Clip.2", "children": [{"name": "a"}, {"name": "b"}], "metadata": {"x": {}, "y": []}}'

    def case(number: int) -> bytes:
        return fuzz.spoilt(clip, clip, ".otio", random.Random(number))

    first = [case(number) for number in range(300)]
    assert [case(number) for number in range(300)] == first


def test_long_words_and_open_tags_cost_no_time(fuzz: ModuleType) -> None:
    sample = b"<a " + b"x" * 40_000 + b" b='" + b"<c" * 20_000 + b"</a>"
    start = time.process_time()
    for number in range(40):
        fuzz.spoilt(sample, sample, ".xml", random.Random(number))
    assert time.process_time() - start < 5
