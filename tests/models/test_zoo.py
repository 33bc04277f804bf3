"""The zoo: cards by name and task, files by checksum, licences, packages of others; offline unless asked."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import vsfilmrestore
from tests.models.conftest import Server, conv_model, write_toy_card
from vsfilmrestore.errors import InputError, InstallationError, SettingError, UsageError
from vsfilmrestore.models import licence
from vsfilmrestore.models.card import Card
from vsfilmrestore.models.places import GROUP, folders
from vsfilmrestore.models.zoo import Zoo

type MakeZoo = Callable[..., Zoo]


@pytest.fixture(autouse=True)
def _no_net(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only this machine answers."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: object) -> None:
        assert isinstance(address, tuple)
        assert address[0] == "127.0.0.1"
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


def place(tmp_path: Path, content: bytes, name: str = "toy.onnx") -> Path:
    path = tmp_path / "mine" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_our_zoo_opens() -> None:
    zoo = Zoo.open()
    assert zoo.remarks == []
    assert {card.name for card in zoo} >= {"temporalfix-s1", "waveletcolorfix-w5", "yunet-n", "dncnn-grey-25"}
    assert [card.name for card in zoo.by_task("stabilise")] == ["temporalfix-s1"]
    with pytest.raises(UsageError, match="did you mean 'denoise'"):
        zoo.by_task("denoize")
    with pytest.raises(UsageError, match="there is no model 'temporalfix'; did you mean 'temporalfix-s1'"):
        zoo.card("temporalfix")


def test_what_is_not_here_is_not_fetched(toy_zoo: MakeZoo, server: Server) -> None:
    zoo = toy_zoo(more=f'sources = ["{server.url.replace("http", "https")}"]\n')
    with pytest.raises(InstallationError, match=r"not on this machine. Get it with 'vsfilmrestore models get toy'"):
        zoo.find("toy")
    assert server.asked == []


def test_a_file_of_ones_own_is_found_in_the_folder(tmp_path: Path, toy: bytes, toy_zoo: MakeZoo) -> None:
    zoo = toy_zoo()
    with pytest.raises(InstallationError, match=r"Put toy.onnx into"):
        zoo.find("toy")
    path = place(tmp_path, toy)
    found = zoo.find("toy")
    assert (found.card.name, found.file.name, found.path) == ("toy", "toy.onnx", path)


def test_a_file_is_known_by_its_checksum(tmp_path: Path, toy: bytes, toy_zoo: MakeZoo) -> None:
    zoo = toy_zoo()
    path = tmp_path / "renamed.onnx"
    path.write_bytes(toy)
    assert zoo.find(path).card.name == "toy"
    assert zoo.find(str(path)).path == path
    path.write_bytes(toy[:-1] + bytes([toy[-1] ^ 1]))
    with pytest.raises(InputError, match=r"no card speaks of this file. Say 'vsfilmrestore models add .*renamed.onnx'"):
        zoo.find(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda toy: toy[:-5], "is truncated"),
        (lambda toy: toy + b"x", "is too long"),
        (lambda toy: toy[:-1] + b"\xff", "is not the file its card speaks of"),
    ],
)
def test_a_file_that_is_not_the_cards_is_refused(
    tmp_path: Path, toy: bytes, toy_zoo: MakeZoo, change: Callable[[bytes], bytes], message: str
) -> None:
    zoo = toy_zoo()
    place(tmp_path, change(toy))
    with pytest.raises(InputError, match=message):
        zoo.find("toy")
    assert zoo.verdict(zoo.card("toy"), zoo.card("toy").files[0]).word == "refused"


def test_a_link_is_refused(tmp_path: Path, toy: bytes, toy_zoo: MakeZoo) -> None:
    zoo = toy_zoo()
    real = place(tmp_path, toy, "elsewhere.onnx")
    (tmp_path / "mine" / "toy.onnx").symlink_to(real)
    with pytest.raises(InputError, match="is a link"):
        zoo.find("toy")


def test_changes_of_a_verified_file_are_seen(tmp_path: Path, toy: bytes, toy_zoo: MakeZoo) -> None:
    zoo = toy_zoo()
    path = place(tmp_path, toy)
    zoo.find("toy")
    path.write_bytes(toy[:-1] + b"\xff")
    with pytest.raises(InputError, match="is not the file"):
        zoo.find("toy")


def test_pinned_tensors_beside_the_model_are_verified(tmp_path: Path, toy_zoo: MakeZoo) -> None:
    model = conv_model()
    data = bytes(model.graph.initializer[0].raw_data)
    model.graph.initializer[0].ClearField("raw_data")
    model.graph.initializer[0].data_location = 1
    model.graph.initializer[0].external_data.add(key="location", value="toy.data")
    content = model.SerializeToString()
    zoo = toy_zoo(content=content)
    place(tmp_path, content)
    with pytest.raises(InputError, match=r"wants tensors from 'toy\.data', of which its card says nothing"):
        zoo.find("toy")
    digest = hashlib.sha256(data).hexdigest()
    more = f'\n[[files]]\nname = "toy.data"\nsize = {len(data)}\nsha256 = "{digest}"\n'
    zoo = toy_zoo(content=content, more=more)
    with pytest.raises(InputError, match=r"toy.data: cannot be read: No such file"):
        zoo.find("toy")
    place(tmp_path, data, "toy.data")
    assert [file.name for file in zoo.find("toy").card.beside] == ["toy.data"]


def test_the_wanted_precision_and_kind_are_taken(tmp_path: Path, toy: bytes, toy_zoo: MakeZoo) -> None:
    half = conv_model(kind=10).SerializeToString()
    digest = hashlib.sha256(half).hexdigest()
    more = f'\n[[files]]\nname = "h.onnx"\nsize = {len(half)}\nsha256 = "{digest}"\nprecision = "fp16"\n'
    zoo = toy_zoo(more=more)
    place(tmp_path, toy)
    assert zoo.find("toy", half=True).file.name == "toy.onnx"
    place(tmp_path, half, "h.onnx")
    assert zoo.find("toy", half=True).file.name == "h.onnx"
    assert zoo.find("toy").file.name == "toy.onnx"
    with pytest.raises(UsageError, match=r"has \.onnx only, \.safetensors is needed"):
        zoo.find("toy", suffixes=[".safetensors"])


# fetching


def test_get_fetches_verifies_and_does_it_once(tmp_path: Path, toy: bytes, toy_zoo: MakeZoo, server: Server) -> None:
    zoo, server.content = toy_zoo(), toy
    card = with_sources(zoo, server.url)
    assert zoo.get(card, allow_http=True) == [tmp_path / "mine" / "toy" / "toy.onnx"]
    assert zoo.find("toy").path.read_bytes() == toy
    zoo.get(card, allow_http=True)
    assert len(server.asked) == 1


def test_get_mends_a_damaged_file(tmp_path: Path, toy: bytes, toy_zoo: MakeZoo, server: Server) -> None:
    zoo, server.content = toy_zoo(), toy
    place(tmp_path, toy[:-3], "toy/toy.onnx")
    zoo.get(with_sources(zoo, server.url), allow_http=True)
    assert zoo.find("toy").path.read_bytes() == toy


def test_what_is_refused_does_not_stay(tmp_path: Path, toy_zoo: MakeZoo, server: Server) -> None:
    content = b"\x80\x02}q\x00."
    zoo, server.content = toy_zoo(content=content, file="toy.pth"), content
    card = with_sources(zoo, server.url)
    with pytest.raises(InputError, match="--allow-pth"):
        zoo.get(card, allow_http=True)
    assert server.asked == []
    with pytest.raises(InputError, match="legacy pickle"):
        zoo.get(card, allow_http=True, allow_pth=True)
    assert not (tmp_path / "mine" / "toy" / "toy.pth").exists()


def with_sources(zoo: Zoo, url: str) -> Card:
    """The toy's card with a source on this machine, which a card in a file may not name."""
    card = zoo.card("toy")
    zoo.cards["toy"] = replace(card, files=tuple(replace(file, sources=(url,)) for file in card.files))
    return zoo.cards["toy"]


# licences


def test_a_licence_is_never_accepted_silently(tmp_path: Path, toy: bytes, toy_zoo: MakeZoo, server: Server) -> None:
    zoo, server.content = toy_zoo(accept="true"), toy
    card = with_sources(zoo, server.url)
    for accept, ask in (((), None), (("MIT",), None), ((), lambda card: False)):
        with pytest.raises(UsageError, match=r"needs your yes. Read https://example.org/terms"):
            zoo.get(card, accept=accept, ask=ask, allow_http=True)
    assert server.asked == []
    assert not (tmp_path / "mine").exists()


def test_a_yes_is_recorded_and_asked_for_once(tmp_path: Path, toy: bytes, toy_zoo: MakeZoo) -> None:
    zoo = toy_zoo(accept="true")
    place(tmp_path, toy)
    with pytest.raises(UsageError, match="needs your yes"):
        zoo.find("toy")
    asked: list[str] = []
    for _ in range(2):
        zoo.get(zoo.card("toy"), ask=lambda card: not asked.append(card.name))
    assert asked == ["toy"]
    said = json.loads((tmp_path / "mine" / "licences.json").read_text())["CC-BY-NC-4.0"]
    assert (said["model"], said["how"]) == ("toy", "asked")
    assert said["date"].startswith("20")
    assert zoo.find("toy").card.name == "toy"


def test_a_damaged_record_is_no_yes(tmp_path: Path, toy_zoo: MakeZoo) -> None:
    zoo = toy_zoo(accept="true")
    place(tmp_path, b'["CC-BY-NC-4.0"]', "licences.json")
    with pytest.raises(InputError, match=r"licences.json: is damaged"):
        licence.require(zoo.card("toy"), zoo.user_folder)


# where cards come from


def test_the_first_card_of_a_name_is_taken(tmp_path: Path, toy: bytes, toy_zoo: MakeZoo) -> None:
    write_toy_card(tmp_path / "mine", toy + b"x")
    zoo = toy_zoo()
    assert zoo.card("toy").files[0].size == len(toy)
    assert zoo.remarks == ["you: there is a card 'toy' already, this one is not used"]


def test_a_wrong_card_does_not_hide_the_others(tmp_path: Path, toy: bytes, toy_zoo: MakeZoo) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "bad.toml").write_text('name = "bad"\n')
    zoo = toy_zoo()
    assert [card.name for card in zoo] == ["toy"]
    assert "bad.toml:1: task is missing" in zoo.remarks[0]
    with pytest.raises(SettingError, match="task is missing"):
        zoo.card("bad")


def test_folders_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy: bytes) -> None:
    write_toy_card(tmp_path / "b", toy)
    (tmp_path / "b" / "toy.onnx").write_bytes(toy)
    both = os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")])
    monkeypatch.setenv("VSFILMRESTORE_MODELS", both)
    zoo = Zoo.open()
    assert zoo.find("toy").path == tmp_path / "b" / "toy.onnx"
    assert zoo.user_folder == tmp_path / "a"
    monkeypatch.delenv("VSFILMRESTORE_MODELS")
    assert folders()[0].parts[-2:] == ("vsfilmrestore", "models")


def test_packages_of_others_bring_cards(tmp_path: Path, toy: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    write_toy_card(tmp_path / "toy_family_cards", toy)
    (tmp_path / "toy_family_cards" / "toy.onnx").write_bytes(toy)
    (tmp_path / "toy_family.py").write_text(
        "from pathlib import Path\n"
        "CARDS = Path(__file__).parent / 'toy_family_cards'\n"
        "def cards(): return CARDS\n"
        "def broken(): raise RuntimeError('no licence key')\n"
    )
    info = tmp_path / "toy_family-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-family\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[{GROUP}]\ntoys = toy_family:cards\nworse = toy_family:broken\nworst = toy_family:nothing\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    zoo = Zoo.open()
    assert zoo.find("toy").card.family == "toy"
    assert any("package worse: its cards cannot be read (no licence key)" in remark for remark in zoo.remarks)
    assert any("package worst" in remark for remark in zoo.remarks)
    assert "temporalfix-s1" in zoo.cards


def test_cards_travel_in_the_wheel(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    root = Path(vsfilmrestore.__file__).parent.parent
    if not (root / "pyproject.toml").is_file():
        pytest.skip("not a source tree")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "there")
    code = "from vsfilmrestore.models.zoo import Zoo; z = Zoo.open(); print(z.card('yunet-n').origin)"
    env = {"PYTHONPATH": str(tmp_path / "there"), "PATH": "", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()) == tmp_path / "there" / "vsfilmrestore" / "models" / "cards" / "yunet-n.toml"


@pytest.mark.footage
def test_real_files_are_those_of_our_cards(footage: Callable[[str], Path]) -> None:
    zoo = Zoo.open()
    names = {
        "temporalfix_s1_v1.1_op18_fp16.onnx": "temporalfix-s1",
        "waveletcolorfix_w5_c3_fp32.onnx": "waveletcolorfix-w5",
        "yunet_n_dynamic.onnx": "yunet-n",
    }
    for file, name in names.items():
        assert zoo.find(footage(f"weights/{file}")).card.name == name
    with pytest.raises(InputError, match="legacy pickle"):
        zoo.find(footage("weights/dncnn_25.pth"), allow_pth=True)
    with pytest.raises(InputError, match="--allow-pth"):
        zoo.find(footage("weights/dncnn_25.pth"))
