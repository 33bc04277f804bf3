"""Mutated cut lists: whatever comes in, only our own errors come out, and quickly."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vsfilmrestore import timeline
from vsfilmrestore.errors import VsfrError
from vsfilmrestore.timeline import edl_text, otio_text

EDL = b"""TITLE: fuzz
FCM: NON-DROP FRAME
001  A001     V     C        01:00:10:00 01:00:12:00 01:00:00:00 01:00:02:00
* FROM CLIP NAME:  first
* SOURCE FILE: A001_0815.MOV
* COMMENT: VSFR heavy dust=0.8
002  A001     V     C        01:00:12:00 01:00:12:00 01:00:02:00 01:00:02:00
002  B001     V     D    010 01:00:08:08 01:00:09:08 01:00:02:00 01:00:03:00
* FROM CLIP NAME:  first
* TO CLIP NAME:  second
* LOC: 01:00:02:03 RED     VSFR grain=keep
003  C001     V2    C        01:00:00:00 01:00:00:01 01:00:03:00 01:00:04:00
M2   C001       -012.0                01:00:00:00
004  BL       AA/V  C        00:00:00:00 00:00:01:00 01:00:05:00 01:00:06:00
FCM: DROP FRAME
"""
BITS = [
    b"0",
    b"-1",
    b"99",
    b"M2 A001 000.0 01:00:10:00\n",
    b":",
    b";",
    b"\n",
    b"\x00",
    b"\xff",
    b"D 010",
    b"BL",
    b"VSFR",
]
BITS += [b"23:59:59:23", b"W001 999", b"  ", b"* LOC: 01:00:00:00 RED VSFR a b\n", b"|C:ResolveColorRed |M:"]
VALUES: list[Any] = [None, 0, -1, 2.5, 1e300, float("nan"), float("inf"), "", "x", [], {}, True, 23.976, "VSFR a b"]
VALUES += [{"OTIO_SCHEMA": "Gap.1"}, {"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": -2.0}, {"OTIO_SCHEMA": "X.9"}]


def mutated(data: bytes, rng: random.Random) -> bytes:
    text = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        i = rng.randrange(len(text) + 1)
        match rng.randrange(5):
            case 0:
                del text[i : i + rng.choice([1, 5, 60])]
            case 1:
                text[i:i] = rng.choice(BITS)
            case 2:
                text[i : i + rng.choice([1, 2, 4])] = rng.choice(BITS)
            case 3:
                numbers = list(re.finditer(rb"\d+", text)) or [re.match(b"", b"")]
                span = rng.choice(numbers)
                text[span.start() : span.end()] = b"%d" % rng.choice([0, 1, 7, 24, 59, 99, 12345678])  # type: ignore[union-attr]
            case _:
                j = rng.randrange(len(text) + 1)
                text[i:i] = text[j : j + rng.choice([10, 100])]
    return bytes(text)


def slots(value: Any) -> list[tuple[Any, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in pairs for place in [(value, key), *slots(item)]]


def mangled(data: Any, rng: random.Random) -> Any:
    for _ in range(rng.choice([1, 1, 2, 4])):
        holder, key = rng.choice(slots(data) or [({"x": 1}, "x")])
        match rng.randrange(4):
            case 0:
                del holder[key]
            case 1:
                other, name = rng.choice(slots(data) or [({"x": 1}, "x")])
                holder[key] = json.loads(json.dumps(other[name]))
            case 2 if isinstance(holder[key], int | float):
                holder[key] *= rng.choice([-1, 0.5, 2, 1.1, 1000])
            case _:
                holder[key] = rng.choice(VALUES)
    return data


def attempt(path: Path, rng: random.Random) -> None:
    start = time.process_time()
    try:
        reel = timeline.read(path, rate=rng.choice([None, None, 24, "30000/1001"]))
        otio_text(reel)
        edl_text(reel)
    except VsfrError as error:
        assert str(path) in str(error) or error.shot  # noqa: PT017
    assert time.process_time() - start < 2


@pytest.fixture(scope="module")
def otio_data(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("fuzz") / "x.edl"
    path.write_bytes(EDL)
    return otio_text(timeline.read(path, rate=24))[0]


@pytest.mark.parametrize("seed", range(5))
def test_mutated_edls(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(100):
        path = tmp_path / "x.edl"
        path.write_bytes(mutated(EDL, rng))
        attempt(path, rng)


@pytest.mark.parametrize("seed", range(5))
def test_mangled_otios(tmp_path: Path, otio_data: str, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(100):
        path = tmp_path / "x.otio"
        path.write_text(json.dumps(mangled(json.loads(otio_data), rng)))
        attempt(path, rng)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
@pytest.mark.parametrize("suffix", [".edl", ".otio"])
def test_anything_at_all(tmp_path: Path, suffix: str, data: bytes) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(data)
    attempt(path, random.Random(0))


@pytest.mark.parametrize(
    "line", ["1 " + "a " * 50_000, "M2 " + "0 " * 50_000, "001 " + " " * 100_000 + "V C", "*" * 100_000, "1" * 100_000]
)
def test_long_lines_take_no_time(tmp_path: Path, line: str) -> None:
    path = tmp_path / "x.edl"
    path.write_bytes(EDL + line.encode())
    attempt(path, random.Random(0))


@pytest.mark.parametrize("media", [{}, {"DEFAULT_MEDIA": {"OTIO_SCHEMA": "MissingReference.1"}}, {"x": 5}, [], 5, None])
def test_an_old_clip_with_the_media_of_a_new_one(tmp_path: Path, media: object) -> None:
    """It ends the library's process when it gets there as it is."""
    clip = {"OTIO_SCHEMA": "Clip.1", "name": "x", "media_references": media, "source_range": None}
    track = {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [clip]}
    path = tmp_path / "x.otio"
    path.write_text(json.dumps({"OTIO_SCHEMA": "Stack.1", "children": [track]}))
    attempt(path, random.Random(0))


@pytest.mark.footage
@pytest.mark.parametrize("folder", ["cmx3600", "edl_features", "otio"])
def test_mutated_real_files(footage: Callable[[str], Path], tmp_path: Path, folder: str) -> None:
    rng = random.Random(7)
    files = [f for f in sorted(footage(f"timelines/{folder}").iterdir()) if f.suffix in {".edl", ".otio"}]
    for _ in range(60):
        real = rng.choice(files)
        data = real.read_bytes()
        path = tmp_path / f"x{real.suffix}"
        path.write_bytes(mutated(data[:30_000] if real.suffix == ".edl" else data, rng))
        attempt(path, rng)
