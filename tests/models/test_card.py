"""Model cards: what stands on them, and what is said of those that are wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.models.conftest import write_toy_card
from vsfilmrestore.errors import SettingError, VsfrError
from vsfilmrestore.models.card import TASKS, is_plain_name, read_card
from vsfilmrestore.models.contract import ExtraInput
from vsfilmrestore.models.places import own_folder
from vsfilmrestore.models.writing import card_text, write_card

FULL = """
[contract]
layout = "stacked"
before = 3
after = 3
half = true
order = "bgr"
high = 255.0
out_low = -1.0
out_high = 1
mean = [103.5, 116, 123.7]
std = [1.0, 2.0, 4.0]
outputs = ["clean"]
receptive = 12
size = { width = 512, height = 256 }

[[contract.extra]]
name = "noise"
kind = "number"
default = 0.1
high = 0.2

[tiling]
overlap = 16
advice = "none"

[memory]
fp32 = 120.5
constant = 1000
how = "measured on a processor"

[[quality]]
what = "PSNR on ten clips"
how = "sigma 10"
value = "38.1 dB"
"""


@pytest.mark.parametrize("path", sorted(own_folder().glob("*.toml")), ids=lambda path: path.stem)
def test_our_own_cards_are_whole(path: Path) -> None:
    card = read_card(path)
    assert card.task in TASKS
    assert card.author
    assert card.licence.commercial != "unknown"
    assert all(source.startswith("https://") for file in card.files for source in file.sources)
    ours = card.author == "the vsfilmrestore authors"
    assert bool(card.quality) == ours  # those of others were not measured here
    assert all((path.parent / file.name).is_file() == ours for file in card.files)


def test_a_full_card_is_read(tmp_path: Path) -> None:
    card = read_card(write_toy_card(tmp_path, b"x", more=FULL))
    contract = card.contract
    assert (contract.layout, contract.window, contract.half, contract.receptive) == ("stacked", 7, True, 12)
    assert contract.size == (512, 256)
    assert (contract.order, contract.mean, contract.std) == ("bgr", (103.5, 116, 123.7), (1, 2, 4))
    assert (contract.out_low, contract.out_high, contract.out_range) == (-1.0, 1.0, (-1.0, 1.0))
    assert contract.outputs == ("clean",)
    assert contract.extra == (ExtraInput("noise", "number", 0.1, 0.0, 0.2),)
    assert card.tiling.overlap == 16
    assert card.quality[0].value == "38.1 dB"
    assert card.memory.bytes_for(100, 10) == 121_500
    assert card.memory.bytes_for(100, 10, half=True) is None


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    card = read_card(write_toy_card(tmp_path, b"x", more=FULL))
    again = read_card(write_card(card, tmp_path / "other"))
    assert again == card
    assert card_text(again) == card_text(card)


# What is changed into what, the beginning of the line that is blamed, and what is said of it.
WRONG = [
    ('name = "toy"', 'name = "Toy"', 'name = "Toy"', "small letters"),
    ('name = "toy"', 'name = "other"', 'name = "other"', "the file is called 'toy'"),
    ('summary = "A toy"', "", "name = ", "summary is missing"),
    ('summary = "A toy"', "summary = 3", "summary", "summary must be a text"),
    ('summary = "A toy"', 'sumary = "A toy"', "sumary", "did you mean 'summary'"),
    ("accept = false", 'accept = "no"', "accept", "licence.accept must be true or false"),
    ('commercial = "no"', 'commercial = "maybe"', "commercial", "must be one of yes, no, unknown"),
    ('"https://example.org/terms"', '"file:///etc/passwd"', "url", "must begin with https"),
    ('name = "toy.onnx"', 'name = "../toy.onnx"', 'name = "../', "without a folder"),
    ('name = "toy.onnx"', 'name = "toy.txt"', "[[files]]", "name no network"),
    ("size = 1", "size = 0", "size = 0", "between 1 and"),
    ("size = 1", "size = true", "size = true", "a whole number"),
    ('sha256 = "', 'sha256 = "X', "sha256", "64 small hexadecimal digits"),
    ("before = 3", "before = -1", "before", "between 0 and"),
    ('layout = "stacked"', 'layout = "BHWC"', "layout", "must be one of BCHW, stacked, BTCHW"),
    ('order = "bgr"', 'order = "grb"', "order", "must be one of rgb, bgr"),
    ('order = "bgr"', 'order = "bgr"\ncolour = "yuv"', "order", "bgr only for red, green and blue"),
    ("mean = [103.5, 116, 123.7]", "mean = [0.5]", "mean", "a number for each of the 3 channels"),
    ("mean = [103.5, 116, 123.7]", 'mean = [1, 2, "3"]', "mean", "must be a list of finite numbers"),
    ("mean = [103.5, 116, 123.7]", "mean = [1, 2, inf]", "mean", "must be a list of finite numbers"),
    ("std = [1.0, 2.0, 4.0]", "std = [1.0, 0.0, 4.0]", "std", "must be above 0"),
    ('outputs = ["clean"]', 'outputs = ["clean", "mask"]', "outputs", "names several outputs, a picture is one"),
    ('outputs = ["clean"]', "outputs = [1]", "outputs", "must be a list of texts"),
    ("half = true", "half = true\nlow = 300.0", "high", "must be above"),
    ("half = true", "half = true\ncrossfade = 1", "crossfade", "may be half of frames_out (1) at most"),
    ("out_high = 1", "out_high = -1.0", "out_high", "must leave black below white in what comes out"),
    ("out_low = -1.0\nout_high = 1", "out_low = 255.0", "out_low", "leave black below white in what comes out"),
    ("out_high = 1", 'out_high = "1"', "out_high", "contract.out_high must be a"),
    ("width = 512, ", "", "size = {", "contract.size.width is missing"),
    ("default = 0.1", "default = 0.3", "default", "between 0 and 0.2"),
    ('kind = "number"', 'kind = "sound"', "kind", "must be one of number"),
    ('how = "measured on a processor"', "", "[memory]", "memory.how is missing"),
    ('value = "38.1 dB"', "value = 38.1", "value", "quality.value must be a text"),
]


@pytest.mark.parametrize(("old", "new", "blamed", "message"), WRONG, ids=[each[3] for each in WRONG])
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, old: str, new: str, blamed: str, message: str) -> None:
    path = write_toy_card(tmp_path, b"x", more=FULL)
    assert old in path.read_text()
    text = path.read_text().replace(old, new, 1)
    path.write_text(text)
    with pytest.raises(SettingError, match=re.escape(message)) as caught:
        read_card(path)
    assert text.splitlines()[(caught.value.line or 0) - 1].startswith(blamed)
    assert caught.value.exit_code == 4


def test_lines_of_the_right_file_are_blamed(tmp_path: Path) -> None:
    path = write_toy_card(tmp_path, b"x")
    second = '\n[[files]]\nname = "b.data"\nsize = 0\nsha256 = "' + "0" * 64 + '"\n'
    path.write_text(path.read_text() + second)
    with pytest.raises(SettingError) as caught:
        read_card(path)
    assert path.read_text().splitlines()[(caught.value.line or 0) - 1] == "size = 0"


def test_damaged_cards_end_in_our_errors(tmp_path: Path) -> None:
    path = write_toy_card(tmp_path, b"x", more=FULL)
    text, said = path.read_bytes(), set[str]()
    for i in range(0, len(text), 3):
        for change in (text[:i], text[:i] + b"\xff" + text[i + 1 :], text[:i] + b"[" + text[i:]):
            path.write_bytes(change)
            try:
                read_card(path)
            except VsfrError as error:
                said.add(str(error))
    assert len(said) > 50
    assert all(message.startswith(str(path)) for message in said)


@pytest.mark.parametrize("name", ["../a", "a/b", "a\\b", "/a", ".a", "", "a\0b", "a.", "C:a", "..", "a:b"])
def test_names_that_lead_elsewhere_are_not_plain(name: str) -> None:
    assert not is_plain_name(name)


@pytest.mark.parametrize("name", ["a.onnx", "Model v2 (x)".replace("(", "").replace(")", ""), "a-b_c+1@2.data"])
def test_usual_names_are_plain(name: str) -> None:
    assert is_plain_name(name)


def test_the_card_of_the_page_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "models.md").read_text(encoding="utf-8")
    block = page.split("## Cards")[1].split("A wrong card")[0]
    text = "\n".join(line[4:] for line in block.splitlines()).replace('"…"', f'"{"0" * 64}"')
    path = tmp_path / "my-denoiser.toml"
    path.write_text(text, encoding="utf-8")
    card = read_card(path)
    assert (card.contract.window, card.contract.extra[0].default, card.licence.accept) == (5, 0.04, True)
