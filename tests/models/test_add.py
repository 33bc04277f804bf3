"""A user's own files: what is read from them, what must be told, and that nothing is left behind."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from tests.inference.makers import running_sum
from tests.models.conftest import conv_model, safetensors_bytes
from vsfilmrestore.errors import InputError, InstallationError, OutputError, UsageError, VsfrError
from vsfilmrestore.models import spandrel_seam
from vsfilmrestore.models.add import add
from vsfilmrestore.models.card import read_card
from vsfilmrestore.models.contract import Contract, ExtraInput
from vsfilmrestore.models.detect import contract_of
from vsfilmrestore.models.onnx_graph import read_graph
from vsfilmrestore.models.told import Told
from vsfilmrestore.models.zoo import Zoo

type Shape = list[Any]


@pytest.fixture
def zoo(tmp_path: Path) -> Zoo:
    return Zoo([("you", tmp_path / "mine")], [tmp_path / "mine"], tmp_path / "mine")


def put(tmp_path: Path, model: onnx.ModelProto, name: str = "My Net.onnx") -> Path:
    path = tmp_path / name
    path.write_bytes(model.SerializeToString())
    return path


def seen(tmp_path: Path, model: onnx.ModelProto, told: Told | None = None) -> Contract:
    path = put(tmp_path, model)
    return contract_of(path, read_graph(path), told or Told())


def model_of(nodes: list[Any], inputs: dict[str, Shape], output: Shape, weights: dict[str, Shape] | None = None) -> Any:
    """A graph that ends in ``out``; weights are zeros."""
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, output)],
        [
            helper.make_tensor(name, TensorProto.FLOAT, shape, bytes(4 * _product(shape)), raw=True)
            for name, shape in (weights or {}).items()
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def _product(shape: Shape) -> int:
    total = 1
    for each in shape:
        total *= each
    return total


def upscaler(scale: int) -> Any:
    conv = helper.make_node("Conv", ["in", "w"], ["c"], pads=[1, 1, 1, 1])
    shuffle = helper.make_node("DepthToSpace", ["c"], ["out"], blocksize=scale)
    return model_of([conv, shuffle], {"in": [1, 3, "h", "w"]}, [1, 3, "H", "W"], {"w": [3 * scale**2, 3, 3, 3]})


def u_net(levels: int) -> Any:
    """Halves ``levels`` times, doubles as often, and adds what it halved."""
    nodes = [
        helper.make_node("MaxPool", ["in" if i == 0 else f"d{i}"], [f"d{i + 1}"], kernel_shape=[2, 2], strides=[2, 2])
        for i in range(levels)
    ]
    last = f"d{levels}"
    for i in reversed(range(levels)):
        nodes.append(helper.make_node("ConvTranspose", [last, "w"], [f"u{i}"], strides=[2, 2]))
        nodes.append(helper.make_node("Concat", [f"u{i}", "in" if i == 0 else f"d{i}"], [f"s{i}"], axis=1))
        nodes.append(helper.make_node("Conv", [f"s{i}", "m"], ["out" if i == 0 else f"a{i}"]))
        last = f"a{i}"
    weights = {"w": [3, 3, 2, 2], "m": [3, 6, 1, 1]}
    return model_of(nodes, {"in": [1, 3, "h", "w"]}, [1, 3, "H", "W"], weights)


def video(frames: Any, out: Shape) -> Any:
    node = helper.make_node("Identity" if len(out) == 5 else "ReduceMean", ["in"], ["out"])
    if len(out) == 4:
        node.attribute.extend([helper.make_attribute("axes", [1]), helper.make_attribute("keepdims", 0)])
    return model_of([node], {"in": [1, frames, 3, "h", "w"]}, out)


# what the graph tells


def test_one_frame(tmp_path: Path) -> None:
    assert seen(tmp_path, conv_model()) == Contract()
    grey = seen(tmp_path, conv_model(1, 1))
    assert (grey.channels, grey.out_channels, grey.colour) == (1, 1, "luma")


def test_a_window_in_the_channels(tmp_path: Path) -> None:
    contract = seen(tmp_path, conv_model(21, 3, kind=TensorProto.FLOAT16))
    assert (contract.layout, contract.before, contract.after, contract.frames_out) == ("stacked", 3, 3, 1)
    assert contract.half
    whole = seen(tmp_path, conv_model(15, 15))
    assert (whole.before, whole.after, whole.frames_out, whole.window, whole.out_channels) == (0, 0, 5, 5, 3)
    pair = seen(tmp_path, conv_model(6, 3), Told(window=2))
    assert (pair.layout, pair.window, pair.channels) == ("stacked", 2, 3)
    grey = seen(tmp_path, conv_model(5, 1), Told(window=5))
    assert (grey.channels, grey.colour, grey.before) == (1, "luma", 2)


def test_a_window_of_its_own_dimension(tmp_path: Path) -> None:
    contract = seen(tmp_path, video(5, [1, 3, "H", "W"]))
    assert (contract.layout, contract.before, contract.after, contract.frames_out) == ("BTCHW", 2, 2, 1)
    contract = seen(tmp_path, video("t", [1, "t", 3, "H", "W"]), Told(window=9))
    assert (contract.layout, contract.before, contract.frames_out) == ("BTCHW", 0, 9)
    with pytest.raises(UsageError, match=r"takes any number of frames.*--window"):
        seen(tmp_path, video("t", [1, "t", 3, "H", "W"]))


@pytest.mark.parametrize("scale", [2, 4])
def test_the_scale(tmp_path: Path, scale: int) -> None:
    assert seen(tmp_path, upscaler(scale)).scale == scale
    with pytest.raises(UsageError, match=f"has scale {scale}, not 3"):
        seen(tmp_path, upscaler(scale), Told(scale=3))


@pytest.mark.parametrize("levels", [1, 3, 5])
def test_what_sizes_must_be_multiples_of(tmp_path: Path, levels: int) -> None:
    contract = seen(tmp_path, u_net(levels))
    assert (contract.multiple, contract.minimum, contract.scale) == (2**levels, 2**levels, 1)


def test_the_only_size(tmp_path: Path) -> None:
    contract = seen(tmp_path, conv_model(size=(256, 512)))
    assert (contract.size, contract.tiled, contract.multiple) == ((512, 256), False, 1)


def test_inputs_beside_the_picture(tmp_path: Path) -> None:
    noise = helper.make_node("Add", ["in", "sigma"], ["s"])
    mask = helper.make_node("Mul", ["s", "hole_mask"], ["m"])
    dose = helper.make_node("Mul", ["m", "amount"], ["out"])
    plane = [1, 1, "h", "w"]
    inputs = {"in": [1, 3, "h", "w"], "sigma": plane, "hole_mask": plane, "amount": [1]}
    contract = seen(tmp_path, model_of([noise, mask, dose], inputs, [1, 3, "H", "W"]))
    kinds = [(each.name, each.kind) for each in contract.extra]
    assert kinds == [("sigma", "number"), ("hole_mask", "mask"), ("amount", "scalar")]
    inputs = {"in": [1, 3, "h", "w"], "x": plane}
    odd = model_of([helper.make_node("Add", ["in", "x"], ["out"])], inputs, [1, 3, "H", "W"])
    with pytest.raises(UsageError, match=r"an input 'x' whose meaning.*--extra x=number, mask or picture"):
        seen(tmp_path, odd)
    assert seen(tmp_path, odd, Told(extra={"x": "mask"})).extra == (ExtraInput("x", "mask"),)


def test_planes_behind_the_channels(tmp_path: Path) -> None:
    contract = seen(tmp_path, conv_model(4, 3), Told(extra={"noise": "number"}))
    assert (contract.channels, contract.layout, contract.extra[0].kind) == (3, "BCHW", "number")
    reference = seen(tmp_path, conv_model(6, 3), Told(extra={"reference": "picture"}))
    assert (reference.channels, reference.window) == (3, 1)


def test_the_time_between_two_frames(tmp_path: Path) -> None:
    conv = helper.make_node("Conv", ["in", "w"], ["c"], pads=[1, 1, 1, 1])
    late = helper.make_node("Mul", ["c", "timestep"], ["out"])
    inputs = {"in": [1, 6, "h", "w"], "timestep": [1]}
    contract = seen(tmp_path, model_of([conv, late], inputs, [1, 3, "H", "W"], {"w": [3, 6, 3, 3]}), Told(window=2))
    assert (contract.time, contract.extra, contract.before, contract.after) == ("timestep", (), 0, 1)


def test_features_are_no_picture(tmp_path: Path) -> None:
    node = helper.make_node("GlobalAveragePool", ["in"], ["g"])
    flat = helper.make_node("Flatten", ["g"], ["out"])
    contract = seen(tmp_path, model_of([node, flat], {"in": [1, 3, "h", "w"]}, [1, 3]))
    assert (contract.colour, contract.out_channels, contract.tiled) == ("data", 0, False)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (conv_model(6, 3), "6 channels, which may mean several things.*--window 2.*--extra reference=picture"),
        (conv_model(4, 3), "takes 4 channels.*--extra"),
        (conv_model(kind=TensorProto.DOUBLE), "takes fp64 numbers"),
        (conv_model(stride=2), "no whole scale"),
        (conv_model(size=("h", 64)), "only one of height and width"),
        (model_of([helper.make_node("Identity", ["in"], ["out"])], {"in": [1, 3]}, [1, 3]), "takes no picture"),
        (model_of([helper.make_node("Identity", ["in"], ["out"])], {"in": [4, 3, 8, 8]}, [4, 3, 8, 8]), "4 pictures"),
        (model_of([helper.make_node("Identity", ["in"], ["out"])], {"in": [1, 8, 9, 3]}, [1, 8, 9, 3]), "BHWC"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, model: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        seen(tmp_path, model)


def test_a_scale_that_cannot_be_followed_must_be_told(tmp_path: Path) -> None:
    node = helper.make_node("Strange", ["in"], ["out"], domain="someone")
    model = model_of([node], {"in": [1, 3, "h", "w"]}, [1, 3, "H", "W"])
    with pytest.raises(UsageError, match=r"does not tell the size it gives. Say --scale"):
        seen(tmp_path, model)
    assert seen(tmp_path, model, Told(scale=2)).scale == 2


# adding


def test_an_added_model_is_found_by_name_and_by_file(tmp_path: Path, zoo: Zoo) -> None:
    path = put(tmp_path, upscaler(2))
    card = add(path, zoo, Told(licence="MIT", commercial="yes", author="me"))
    assert (card.name, card.task, card.licence.name, card.contract.scale) == ("my-net", "upscale", "MIT", 2)
    again = Zoo([("you", tmp_path / "mine")], [tmp_path / "mine"], tmp_path / "mine")
    assert again.remarks == []
    assert again.card("my-net") == card
    assert again.find("my-net").path == tmp_path / "mine" / "my-net" / "My Net.onnx"
    assert again.find(path).card == card
    assert sorted(each.name for each in (tmp_path / "mine").iterdir()) == ["my-net", "my-net.toml"]


def test_windows_of_a_sequence_are_told(tmp_path: Path, zoo: Zoo) -> None:
    def told(name: str, **more: int) -> Contract:
        path = running_sum(tmp_path / f"{name}.onnx", 0.1 + 0.01 * len(name))
        contract = add(path, zoo, Told(window=7, **more)).contract
        assert read_card(tmp_path / "mine" / f"{name}.toml").contract == contract
        return contract

    plain = told("a")
    assert (plain.before, plain.frames_out, plain.after, plain.crossfade) == (0, 7, 0, 0)
    both = told("bb", context=2, crossfade=1)
    assert (both.before, both.frames_out, both.after, both.crossfade) == (2, 3, 2, 1)
    for more in ({"crossfade": 4}, {"context": 3, "crossfade": 1}, {"context": 4}):
        with pytest.raises(UsageError, match="leave no grid"):
            told("ccc", **more)
    with pytest.raises(UsageError, match="is no sequence"):
        add(put(tmp_path, conv_model(21, 3)), zoo, Told(crossfade=1))


def test_every_contract_survives_its_card(tmp_path: Path, zoo: Zoo) -> None:
    told = Told(extra={"noise": "number"}, low=-1.0, multiple=8)
    for name, model, more in (("a", conv_model(21, 3), Told()), ("b", conv_model(4, 3), told), ("c", u_net(2), Told())):
        path = put(tmp_path, model, f"{name}.onnx")
        card = add(path, zoo, more)
        assert read_card(tmp_path / "mine" / f"{name}.toml") == card
    ranged = add(put(tmp_path, u_net(8), "g.onnx"), zoo, Told(out_low=-1.0, out_high=0.0))
    assert read_card(tmp_path / "mine" / "g.toml").contract == ranged.contract
    assert ranged.contract.out_range == (-1.0, 0.0)
    for told in (Told(low=2.0), Told(out_low=1.0), Told(high=3.0, out_high=-1.0)):
        with pytest.raises(UsageError, match="black must lie below white"):
            add(put(tmp_path, u_net(4), "h.onnx"), zoo, told)
    assert not [each for each in (tmp_path / "mine").iterdir() if each.name.startswith(("h", "."))]
    blue_first = add(put(tmp_path, conv_model(), "e.onnx"), zoo, Told(order="bgr", high=255.0))
    assert read_card(tmp_path / "mine" / "e.toml").contract.order == blue_first.contract.order == "bgr"
    with pytest.raises(UsageError, match="no red, green and blue"):
        add(put(tmp_path, conv_model(1, 1), "f.onnx"), zoo, Told(order="bgr"))
    sized = add(put(tmp_path, conv_model(size=(64, 32)), "d.onnx"), zoo)
    assert read_card(tmp_path / "mine" / "d.toml").contract.size == sized.contract.size == (32, 64)


def test_tensors_beside_the_model_come_along(tmp_path: Path, zoo: Zoo) -> None:
    model = conv_model()
    tensor = model.graph.initializer[0]
    (tmp_path / "w.data").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="w.data")
    card = add(put(tmp_path, model, "m.onnx"), zoo)
    assert [file.name for file in card.files] == ["m.onnx", "w.data"]
    found = zoo.find("m")
    (found.path.parent / "w.data").write_bytes(b"short")
    with pytest.raises(InputError, match=r"w\.data: is truncated"):
        zoo.find("m")


def test_linked_tensors_are_not_followed(tmp_path: Path, zoo: Zoo) -> None:
    model = conv_model()
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    model.graph.initializer[0].external_data.add(key="location", value="w.data")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "w.data").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match="is a link"):
        add(put(tmp_path, model, "m.onnx"), zoo)
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_known_file_is_put_where_its_card_looks(tmp_path: Path, toy: bytes, toy_zoo: Callable[..., Zoo]) -> None:
    zoo = toy_zoo()
    (tmp_path / "download.onnx").write_bytes(toy)
    assert add(tmp_path / "download.onnx", zoo).name == "toy"
    assert zoo.find("toy").path == tmp_path / "mine" / "toy" / "toy.onnx"
    assert add(zoo.find("toy").path, zoo).name == "toy"


def test_a_name_is_not_given_twice(tmp_path: Path, zoo: Zoo) -> None:
    add(put(tmp_path, conv_model()), zoo)
    with pytest.raises(UsageError, match=r"there is a model 'my-net' already. Say another --name"):
        add(put(tmp_path, upscaler(2)), zoo)
    assert add(put(tmp_path, upscaler(2)), zoo, Told(name="second")).name == "second"
    with pytest.raises(UsageError, match="'Ü' is no name"):
        add(put(tmp_path, upscaler(3)), zoo, Told(name="Ü"))


def test_another_card_tells_the_rest(tmp_path: Path, zoo: Zoo) -> None:
    first = add(put(tmp_path, conv_model(4, 3), "a.onnx"), zoo, Told(task="denoise", extra={"noise": "number"}))
    path = tmp_path / "b.safetensors"
    path.write_bytes(safetensors_bytes({"w": ("F16", [4], 8)}))
    card = add(path, zoo, Told(like=replace(first, paper="A paper")))
    assert (card.task, card.contract.extra, card.paper) == ("denoise", first.contract.extra, "A paper")
    assert card.files[0].precision == "fp16"


def test_nothing_is_left_of_what_is_refused(tmp_path: Path, zoo: Zoo) -> None:
    good = upscaler(2).SerializeToString()
    path = tmp_path / "m.onnx"
    chance = random.Random(3)
    for _ in range(60):
        text = bytearray(good)
        for _ in range(4):
            text[chance.randrange(len(text))] = chance.randrange(256)
        path.write_bytes(bytes(text))
        try:
            card = add(path, zoo)
        except VsfrError as error:
            assert error.file in (None, str(path))  # noqa: PT017 - about the user's file, never about our copy
        else:
            zoo.find(card.name)
            del zoo.cards[card.name]
            shutil.rmtree(tmp_path / "mine")
    assert not (tmp_path / "mine").exists() or list((tmp_path / "mine").iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path, zoo: Zoo) -> None:
    (tmp_path / "mine").write_text("a file")
    with pytest.raises(OutputError, match="cannot be written"):
        add(put(tmp_path, conv_model()), zoo)


# weights without a graph


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "net.safetensors"
    path.write_bytes(safetensors_bytes({"conv.weight": ("F32", [3, 3, 3, 3], 324)}))
    return path


def test_without_spandrel_the_architecture_must_be_told(
    weights: Path, zoo: Zoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(UsageError, match="Install spandrel and torch, or say --architecture and --scale"):
        add(weights, zoo)
    card = add(weights, zoo, Told(architecture="Compact", scale=4, multiple=2))
    assert (card.architecture, card.family, card.task) == ("Compact", "compact", "upscale")
    assert (card.contract.scale, card.contract.multiple, card.files[0].precision) == (4, 2, "fp32")


@pytest.mark.parametrize(
    ("architecture", "purpose", "scale", "task"),
    [
        ("DRUNet", "Restoration", 1, "denoise"),
        ("FFTformer", "Restoration", 1, "deblur"),
        ("NAFNet", "Restoration", 1, "other"),
        ("FBCNN", "Restoration", 1, "other"),
        ("Compact", "Restoration", 1, "other"),
        ("Compact", "SR", 2, "upscale"),
        ("MoSR", "SR", 1, "other"),
        ("GFPGAN", "FaceSR", 1, "faces"),
        ("LaMa", "Inpainting", 1, "inpaint"),
        ("Anything", "NewPurpose", 1, "other"),
    ],
)
def test_the_task_is_that_of_the_architecture_where_it_has_one(
    architecture: str, purpose: str, scale: int, task: str
) -> None:
    found = SimpleNamespace(architecture=SimpleNamespace(name=architecture), purpose=purpose, scale=scale)
    assert spandrel_seam.task_of(found) == task


def test_spandrel_tells_architecture_and_sizes(weights: Path, zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in with the attributes of spandrel's ModelDescriptor: shows what we make of its answer."""
    answer = SimpleNamespace(
        architecture=SimpleNamespace(name="SCUNet"),
        purpose="Restoration",
        scale=1,
        input_channels=3,
        output_channels=3,
        supports_half=True,
        tiling=SimpleNamespace(name="DISCOURAGED"),
        size_requirements=SimpleNamespace(minimum=40, multiple_of=8, square=False),
    )
    loader = SimpleNamespace(load_from_state_dict=lambda tensors: answer)
    monkeypatch.setitem(sys.modules, "safetensors.torch", SimpleNamespace(load=lambda data: {}))  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace())  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "spandrel", SimpleNamespace(ModelLoader=lambda device: loader))  # type: ignore[arg-type]
    card = add(weights, zoo)
    contract = card.contract
    assert (card.architecture, card.task) == ("SCUNet", "denoise")
    assert (contract.minimum, contract.multiple, contract.half, contract.tiled) == (40, 8, True, False)
    loader.load_from_state_dict = lambda tensors: 1 / 0
    with pytest.raises(InputError, match=r"net\.safetensors: is of no architecture spandrel knows"):
        spandrel_seam.describe(weights)


def test_pickles_need_the_flag(tmp_path: Path, zoo: Zoo) -> None:
    path = tmp_path / "m.pth"
    path.write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(InputError, match="--allow-pth"):
        add(path, zoo)
    with pytest.raises(InputError, match=r"m\.pth: is a legacy pickle"):
        add(path, zoo, allow_pth=True)
    assert list((tmp_path / "mine").iterdir()) == []


def test_adding_onnx_needs_onnx(tmp_path: Path, zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, conv_model())
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setitem(sys.modules, "onnx.shape_inference", None)
    with pytest.raises(InstallationError, match="the package onnx is needed"):
        add(path, zoo)


@pytest.mark.footage
def test_real_networks_tell_what_their_cards_say(footage: Callable[[str], Path]) -> None:
    """All that a card says and a graph can tell agree."""
    ours = Zoo.open()
    told = {"waveletcolorfix-w5": Told(extra={"reference": "picture"})}
    for name, file in (
        ("temporalfix-s1", "temporalfix_s1_v1.1_op18_fp16.onnx"),
        ("waveletcolorfix-w5", "waveletcolorfix_w5_c3_fp32.onnx"),
    ):
        path = footage(f"weights/{file}")
        found = contract_of(path, read_graph(path), told.get(name, Told()))
        assert replace(found, receptive=ours.card(name).contract.receptive) == ours.card(name).contract
    path = footage("weights/yunet_n_dynamic.onnx")
    contract = contract_of(path, read_graph(path), Told())
    assert (contract.colour, contract.multiple, contract.tiled) == ("data", 32, False)
