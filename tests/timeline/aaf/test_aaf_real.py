"""Real AAFs of Avid and Premiere: read to known shots, and whatever is broken in them ends in one of our errors."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from vsfilmrestore import timeline
from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline import Reel

pytest.importorskip("aaf2")
pytestmark = pytest.mark.footage

type Footage = Callable[[str], Path]

FOLDER = "timelines/aaf"


def rows(reel: Reel) -> list[tuple[int, int, str, int | None]]:
    return [(s.record.start, s.record.stop, s.name, s.source.start if s.source else None) for s in reel.shots]


def test_premiere_at_another_rate_than_its_media(footage: Footage) -> None:
    reel = timeline.read(footage(f"{FOLDER}/2997fps-DFTC.aaf"))
    assert (len(reel), reel.timecode(0), len(reel.shots)) == (2989, "05:00:00;00", 1)
    shot = reel.shots[0]
    assert [shot.source_frame(k, reel.rate) for k in (0, 1, 2, 5, 2988)] == [0, 0, 1, 4, 2390]


def test_the_upper_track_covers_the_lower(footage: Footage) -> None:
    reel = timeline.read(footage(f"{FOLDER}/composite.aaf"))
    assert rows(reel) == [(0, 175, "700.Exported.03,Video Mixdown,5", 86400)]
    assert reel.timecode(0) == "01:00:00:00"


def test_markers_over_a_dissolve(footage: Footage) -> None:
    reel = timeline.read(footage(f"{FOLDER}/marker-over-transition.aaf"))
    assert rows(reel) == [(0, 23, "999_1", 87201), (23, 94, "999_2", 87146), (94, 320, "999_1", 87201)]
    assert [(m.frames.start, m.note, m.colour) for m in reel.markers] == [
        (0, "s999_1.gt_2", "Blue"),
        (94, "s999_1.gt_2", "Blue"),
    ]
    first, second = reel.shots[0], reel.shots[1]
    assert second.transition is not None
    assert second.transition.length == 48
    assert first.id == "s999_1.ANIM2.01@01:00:33:09"
    assert second.handles == (14, 28)


def test_nest_of_three_tracks(footage: Footage) -> None:
    low, high = "Frame Debugger 0h.mov", "Frame Debugger 1h.mov"
    assert rows(timeline.read(footage(f"{FOLDER}/nested_stack.aaf"))) == [
        (0, 15, low, 24),
        (15, 16, "gap", None),
        (16, 24, high, 86424),
        (24, 25, low, 48),
        (25, 40, high, 86423),
        (40, 48, low, 54),
        (48, 49, low, 39),
        (49, 65, high, 86432),
    ]


def test_no_file_is_left_out(footage: Footage) -> None:
    names = {"2997fps-DFTC.aaf", "composite.aaf", "marker-over-transition.aaf", "nested_stack.aaf"}
    assert {file.name for file in footage(FOLDER).iterdir()} == names


def mutated(data: bytearray, rng: random.Random) -> bytearray:
    """Broken in the header and tables, in the directory, in numbers, or cut short."""
    where = rng.choice([512, 3 * 4096, len(data)])
    for _ in range(rng.choice([1, 2, 10, 100])):
        at = rng.randrange(min(where, len(data) - 8))
        match rng.randrange(5):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                data[at : at + 4] = rng.choice([b"\xff" * 4, b"\0" * 4, b"\xfe\xff\xff\xff"])
            case 2:
                at &= ~3
                data[at : at + 4] = rng.randrange(300).to_bytes(4, "little")
            case 3:
                other = rng.randrange(len(data) - 128)
                data[at : at + 32] = data[other : other + 32]
            case _:
                at = data.find(bytes(6), at)
                if 2 < at < len(data) - 8:
                    number = rng.choice([-1, -5, 0, 10**9, 2**39, 2**62])
                    data[at - 2 : at + 6] = number.to_bytes(8, "little", signed=True)
    return data if rng.random() < 0.9 else data[: rng.randrange(len(data))]


@pytest.mark.parametrize("seed", range(4))
def test_mutated_files(footage: Footage, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    files = sorted(footage(FOLDER).iterdir())
    path = tmp_path / "x.aaf"
    for _ in range(15):
        path.write_bytes(mutated(bytearray(rng.choice(files).read_bytes()), rng))
        start = time.process_time()
        try:
            timeline.read(path)
        except TimelineError as error:
            assert str(path) in str(error)  # noqa: PT017
        assert time.process_time() - start < 2
