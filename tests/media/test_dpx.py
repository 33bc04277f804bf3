"""The short way through 10-bit DPX gives what the general reader gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from vsfilmrestore.errors import MediaError
from vsfilmrestore.media.dpx import copy_words, word_image

from .makers import codes, stored, truncate, write_picture


@pytest.mark.parametrize("endian", ["big", "little"])
@pytest.mark.parametrize(("width", "height"), [(64, 32), (61, 67), (1, 1), (333, 33)])
def test_it_agrees_with_the_general_reader(tmp_path: Path, endian: str, width: int, height: int) -> None:
    values = codes(10, 3, width, height)
    path = write_picture(tmp_path / "a.dpx", stored(values, 10), 10, {"oiio:Endian": endian})
    image = word_image(path)
    assert image is not None
    assert (image.width, image.height) == (width, height)
    planes = [np.full((height, width + 3), 9, np.uint16)[:, :width] for _ in range(3)]
    copy_words(path, image, planes)
    general = oiio.ImageInput.open(str(path)).read_image("uint16") >> 6
    assert np.array_equal(np.stack(planes, -1), general)
    assert np.array_equal(np.stack(planes, -1), values)


@pytest.mark.parametrize(("bits", "channels", "packing"), [(10, 3, "Packed"), (12, 3, ""), (16, 3, ""), (10, 1, "")])
def test_everything_else_is_left_to_the_general_reader(tmp_path: Path, bits: int, channels: int, packing: str) -> None:
    tags = {"dpx:Packing": packing} if packing else None
    path = write_picture(tmp_path / "a.dpx", stored(codes(bits, channels), bits), bits, tags)
    assert word_image(path) is None


@pytest.mark.parametrize(("at", "value"), [(769, 1), (771, 2), (783, 1), (800, 51), (805, 2), (807, 1), (815, 4)])
def test_a_turned_signed_coded_or_padded_picture_is_left_too(tmp_path: Path, at: int, value: int) -> None:
    path = write_picture(tmp_path / "a.dpx", stored(codes(10), 10), 10, {"oiio:Endian": "big"})
    assert word_image(path) is not None
    data = bytearray(path.read_bytes())
    data[at] = value
    path.write_bytes(data)
    assert word_image(path) is None


def test_a_truncated_picture_is_named(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.dpx", stored(codes(10), 10), 10)
    image = word_image(path)
    assert image is not None
    truncate(path, 0.9)
    with pytest.raises(MediaError, match=r"a\.dpx: the picture is truncated"):
        copy_words(path, image, [np.zeros((32, 64), np.uint16) for _ in range(3)])
    truncate(path, 0.01)
    assert word_image(path) is None
