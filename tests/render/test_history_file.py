"""What was repaired, as bytes: there and back, damaged, and made to do harm."""

from __future__ import annotations

import json
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsfilmrestore.errors import OutputError, ProjectError
from vsfilmrestore.render import history_file, history_pixels
from vsfilmrestore.render.history_file import HistoryFile, HistoryWriter, Moment, framed
from vsfilmrestore.render.history_pixels import PixelFormat, Repaired, look, pack, plane_mask, unpack

type Planes = list[npt.NDArray[Any]]


def picture(seed: int, fmt: PixelFormat, width: int, height: int) -> Planes:
    random_ = np.random.default_rng(seed)
    sizes = [(height, width)] + [(height >> fmt.down, width >> fmt.across)] * (fmt.planes - 1)
    if fmt.bytes == 4:
        return [random_.normal(size=size).astype(np.float32) for size in sizes]
    return [random_.integers(0, 1 << 8 * fmt.bytes, size).astype(f"u{fmt.bytes}") for size in sizes]


def a_mask(seed: int, width: int, height: int, share: float) -> npt.NDArray[np.uint8]:
    mask = (np.random.default_rng(seed).random((height, width)) < share).astype(np.uint8) * 255
    mask[seed % height, seed % width] = 255
    return mask


@given(
    seed=st.integers(0, 1 << 30),
    width=st.integers(1, 40),
    height=st.integers(1, 40),
    depth=st.sampled_from([1, 2, 4]),
    halved=st.sampled_from([(0, 0), (1, 0), (1, 1), (2, 0)]),
    planes=st.sampled_from([0, 1, 3]),
    share=st.sampled_from([0.0, 0.02, 0.3, 1.0]),
)
def test_there_and_back(
    seed: int, width: int, height: int, depth: int, halved: tuple[int, int], planes: int, share: float
) -> None:
    width, height = width << halved[0], height << halved[1]
    fmt = PixelFormat(depth, planes, *halved)
    mask, before = a_mask(seed, width, height, share), picture(seed, PixelFormat(depth, 3, *halved), width, height)
    made, labels = look(mask, before, fmt)
    again = unpack(pack(made))
    assert np.array_equal(again.mask, mask > 0)
    assert again.pixels == (mask > 0).sum() == made.blobs.pixels.sum()
    assert all(np.array_equal(a, b) for a, b in zip(again.blobs, made.blobs, strict=True))
    assert (again.width, again.height, again.box, again.format) == (width, height, made.box, fmt)
    assert pack(again) == pack(made), "the same repair has the same bytes"
    after = [plane.copy() for plane in before[:planes]]
    for n, plane in enumerate(after):
        plane[plane_mask(mask > 0, n, fmt)] = 7
    again.restore(after)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(after, before, strict=False))
    assert labels.max() == len(made.blobs.x)
    for n, (x, y) in enumerate(zip(made.blobs.x, made.blobs.y, strict=True), 1):
        own = np.argwhere(labels == n)
        assert tuple(own[0] + made.box[1::-1]) == (y, x), "a blob is called by its first pixel"
        box = (*(own.min(0) + made.box[1::-1])[::-1], *(own.max(0) + 1 + made.box[1::-1])[::-1])
        assert box == tuple(int(column[n - 1]) for column in made.blobs[2:6])


def test_blobs_stand_in_reading_order_and_join_over_corners() -> None:
    mask = np.zeros((20, 30), np.uint8)
    mask[9:12, 2:4] = 255
    mask[3, 25] = mask[4, 24] = mask[5, 23] = 255
    mask[5, 10] = 255
    repaired, _ = look(mask, [], PixelFormat(1, 0))
    assert list(zip(*(c.tolist() for c in repaired.blobs[:2]), strict=True)) == [(25, 3), (10, 5), (2, 9)]
    assert repaired.blobs.pixels.tolist() == [3, 1, 6]


def some(seed: int = 3, share: float = 0.05) -> Repaired:
    fmt = PixelFormat(2, 3, 1, 1)
    return look(a_mask(seed, 64, 48, share), picture(seed, fmt, 64, 48), fmt)[0]


def written(path: Path, count: int = 6) -> Path:
    with HistoryWriter(path) as file:
        for n in range(count):
            file.add("remove_dirt", 0, framed(Moment(86_400 + n), some(n)), n)
        file.add("remove_scratches", 1, framed(Moment(5, 1, 2), some(99)), 2)
        assert file.finish(count) == path.stat().st_size
    return path


def test_a_file_gives_back_what_was_added(tmp_path: Path) -> None:
    file = HistoryFile(written(tmp_path / "a.history"))
    assert file.frames == 6
    assert [(e.kind, e.side, e.moment.frame, e.shown) for e in file.entries[:2]] == [
        ("remove_dirt", 0, 86_400, ((0, 1),)),
        ("remove_dirt", 0, 86_401, ((1, 1),)),
    ]
    assert file.entries[6].moment == Moment(5, 1, 2)
    for n, (entry, repaired) in enumerate(list(file)[:6]):
        assert pack(repaired) == pack(some(n))
        assert (entry.blobs, entry.pixels) == (len(repaired.blobs.x), repaired.pixels)
    assert not list(tmp_path.glob(".*"))


def test_the_same_piece_has_the_same_file(tmp_path: Path) -> None:
    assert written(tmp_path / "a").read_bytes() == written(tmp_path / "b").read_bytes()


def test_a_frame_that_is_shown_again_is_kept_once(tmp_path: Path) -> None:
    data = framed(Moment(7), some())
    sizes = []
    for shown in ([0], [0, 1, 2, 5, 6]):
        with HistoryWriter(tmp_path / "a.history") as file:
            for n in shown:
                file.add("remove_dirt", 0, data, n)
            sizes.append(file.finish(9))
        entry = HistoryFile(tmp_path / "a.history").entries[0]
    assert entry.shown == ((0, 3), (5, 2))
    assert sizes[1] - sizes[0] < 20


def test_without_repairs_there_is_no_file(tmp_path: Path) -> None:
    with HistoryWriter(tmp_path / "x" / "a.history") as file:
        assert file.finish(48) == 0
    assert list(tmp_path.iterdir()) == []


def test_what_is_cut_short_leaves_nothing_and_the_file_before_stays(tmp_path: Path) -> None:
    path = written(tmp_path / "a.history")
    before = path.read_bytes()

    def stopped() -> None:
        with HistoryWriter(path) as file:
            file.add("remove_dirt", 0, framed(Moment(1), some()), 0)
            raise RuntimeError("cosmic ray")

    with pytest.raises(RuntimeError, match="cosmic"):
        stopped()
    with HistoryWriter(path) as file:
        file.add("remove_dirt", 0, framed(Moment(1), some()), 0)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.history"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "renders").write_text("in the way")
    with pytest.raises(OutputError), HistoryWriter(tmp_path / "renders" / "a.history") as file:
        file.add("remove_dirt", 0, framed(Moment(1), some()), 0)


def read_all(path: Path) -> None:
    for _ in HistoryFile(path):
        pass


def test_damaged_files_are_told_and_nothing_else_happens(tmp_path: Path) -> None:
    path = written(tmp_path / "a.history")
    good = path.read_bytes()
    chance = random.Random(5)
    for _ in range(400):
        data = bytearray(good)
        match chance.randrange(3):
            case 0:
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            case 1:
                del data[chance.randrange(len(data)) :]
            case _:
                data[chance.randrange(len(data)) :] = chance.randbytes(chance.randrange(200))
        path.write_bytes(data)
        with pytest.raises(ProjectError, match=r"a\.history") as told:
            read_all(path)
        assert "next render makes both again" in str(told.value)


@given(data=st.data())
def test_forged_repairs_are_value_errors(data: st.DataObject) -> None:
    good = pack(some())
    forged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        forged[data.draw(st.integers(0, 70))] = data.draw(st.integers(0, 255))
    try:
        again = unpack(bytes(forged))
    except ValueError:
        return
    assert again.width * again.height <= 1 << 27
    assert again.within.sum() == again.pixels


def test_a_bomb_is_not_unpacked() -> None:
    good = some()
    bomb = zlib.compress(bytes(200 << 20), 9)
    head = bytearray(pack(good)[: history_pixels._HEAD.size])
    struct.pack_into("<5I", head, history_pixels._HEAD.size - 20, len(bomb), 0, 0, 0, 0)
    with pytest.raises(ValueError, match="not as long as it should be"):
        unpack(bytes(head) + bomb)


def forged_index(path: Path, change: Any) -> None:
    """The same file with another index."""
    data = path.read_bytes()
    place, packed, *_ = history_file._TRAILER.unpack(data[-history_file._TRAILER.size :])
    index = json.loads(zlib.decompress(data[place : place + packed]))
    changed = change(index)
    text = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
    new = zlib.compress(text)
    trailer = history_file._TRAILER.pack(place, len(new), len(text), zlib.crc32(new), b"VHx1")
    path.write_bytes(data[:place] + new + trailer)


WRONG: dict[str, Any] = {
    "no table": lambda index: [index],
    "another format": lambda index: index | {"format": "x"},
    "a newer version": lambda index: index | {"version": 2},
    "no repairs": lambda index: {key: value for key, value in index.items() if key != "repairs"},
    "words for numbers": lambda index: index | {"repairs": [index["repairs"][0] | {"at": "8"}]},
    "outside the file": lambda index: index | {"repairs": [index["repairs"][0] | {"bytes": 1 << 29}]},
    "before the first": lambda index: index | {"repairs": [index["repairs"][0] | {"at": 0}]},
    "a path for a kind": lambda index: index | {"repairs": [index["repairs"][0] | {"kind": "../../x"}]},
    "a frame beyond the piece": lambda index: index | {"repairs": [index["repairs"][0] | {"shown": [[5, 9]]}]},
    "no such part": lambda index: index | {"repairs": [index["repairs"][0] | {"part": [2, 2]}]},
    "nested lists": lambda _: b"[" * 100_000,
    "no JSON": lambda _: b"\xff\xfe",
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_an_index_that_lies_is_refused(tmp_path: Path, change: Any) -> None:
    path = written(tmp_path / "a.history")
    forged_index(path, lambda index: index)
    read_all(path)
    forged_index(path, change)
    with pytest.raises(ProjectError, match="damaged, or no history"):
        read_all(path)


def test_the_modules_of_the_format_need_no_vapoursynth(tmp_path: Path) -> None:
    path = written(tmp_path / "a.history")
    code = (
        "import sys; sys.modules['vapoursynth'] = None\n"
        "from pathlib import Path; from vsfilmrestore.render.history_file import HistoryFile\n"
        f"print(sum(repaired.pixels for _, repaired in HistoryFile(Path({str(path)!r}))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert int(done.stdout) == sum(repaired.pixels for _, repaired in HistoryFile(path))
