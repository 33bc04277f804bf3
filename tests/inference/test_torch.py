"""torch runs networks as ONNX Runtime does: the same picture, bad files in one clear line, memory, determinism."""

from __future__ import annotations

import logging
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from vsfilmrestore.errors import InferenceError, InputError, InstallationError, ModelError, plain_text
from vsfilmrestore.inference.apply import run_model, run_network
from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.inference.colour import show
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.inference.runtimes.base import MemoryShortError
from vsfilmrestore.models import spandrel_seam
from vsfilmrestore.models.add import add
from vsfilmrestore.models.contract import Contract, ExtraInput
from vsfilmrestore.models.zoo import Zoo

from .makers import array, hashes, orders, picture, planes, sha256, streamed
from .torch_makers import compact, dncnn, plain, save_net, span, torch

from vsfilmrestore.inference.runtimes.torch import TorchRuntime, TorchSession  # isort: skip

__all__ = ["plain"]

type Plain = Callable[..., Path]
type Array = npt.NDArray[Any]


def load(
    path: Path, digest: str = "", *, device: str = "cpu", precision: str = "auto", parallel: int = 1, threads: int = 1
) -> TorchSession:
    return TorchRuntime().load(path, digest, device=device, precision=precision, threads=threads, parallel=parallel)


def noise(height: int = 20, width: int = 28, channels: int = 3, seed: int = 0) -> Array:
    return np.random.default_rng(seed).random((1, channels, height, width)).astype(np.float32)


def bare(module: Any, values: Array) -> Array:
    with torch.inference_mode():
        result: Array = module(torch.from_numpy(values)).numpy()
    return result


def test_a_session_tells_what_it_wants_and_gives(tmp_path: Path) -> None:
    path, module = compact(tmp_path / "m.safetensors", scale=2)
    session = load(path, sha256(path), parallel=3)
    (wanted,), (given,) = session.inputs, session.outputs
    assert (wanted.name, wanted.shape, wanted.dtype) == ("input", (1, 3, None, None), np.float32)
    assert (given.shape, given.dtype, session.device, session.parallel) == ((1, 3, None, None), np.float32, "cpu", 3)
    assert session.weights == sum(each.nbytes for each in module.parameters())
    assert session.contract == Contract(scale=2, half=True)
    values = noise()
    (result,) = session.run({"input": values})
    assert result.shape == (1, 3, 40, 56)
    assert np.abs(result - bare(module, values)).max() < 1e-5


def test_the_memory_of_a_run_is_seen(tmp_path: Path) -> None:
    session = load(compact(tmp_path / "m.safetensors", wide=64)[0])
    assert session.per_pixel is not None
    assert 2 * 64 * 4 <= session.per_pixel <= 3 * 64 * 4


@pytest.mark.parametrize("make", [compact, dncnn, span])
def test_from_the_file_to_the_clip(make: Callable[[Path], tuple[Path, Any]], tmp_path: Path) -> None:
    path, module = make(tmp_path / "mine.safetensors")
    zoo = Zoo([], [tmp_path / "zoo"], tmp_path / "zoo")
    card = add(path, zoo)
    found = zoo.find(card.name)
    clip = picture(fmt=vs.YUV420P10)
    result = ModelCall(found.path, card.contract, found.file.sha256, device="cpu").on(clip)
    assert (result.format.id, result.width, result.num_frames) == (clip.format.id, clip.width, clip.num_frames)
    shown = show(clip, "luma" if card.contract.colour == "luma" else "rgb").clip
    made = run_network(clip, found.path, card.contract, sha256=found.file.sha256, device="cpu")
    wanted = bare(module, array(shown, 5)[None])[0]
    assert np.abs(array(made, 5) - wanted).max() < 1e-5 * np.abs(wanted).max()
    assert any((a != b).any() for a, b in zip(planes(result, 5), planes(clip, 5), strict=True))


def test_a_larger_picture_end_to_end(tmp_path: Path, models: Registry) -> None:
    path, module = compact(tmp_path / "m.safetensors", scale=2)
    result = run_model(picture(), path, spandrel_seam.describe(path).contract, models=models)
    assert (result.width, result.height) == (96, 64)
    assert np.abs(array(result, 3) - bare(module, array(picture(), 3)[None])[0]).max() < 1e-5
    assert [key.runtime for key in models.loaded] == ["torch"]


def test_the_same_frames_in_any_order(tmp_path: Path, threads: int) -> None:
    path, _ = span(tmp_path / "m.safetensors")
    found = set()
    for name, order in orders(12).items():
        clip = run_network(picture(), path, Contract(), models=Registry(), lanes=3)
        found.add(tuple(streamed(clip) if name == "forwards" else hashes(clip, order)))
    assert len(found) == 1


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_a_network_is_the_same_whoever_loads_it(tmp_path: Path, cores: int) -> None:
    """SPAN merges its weights when it is loaded; sums shared by two cores are rounded otherwise than one core's."""
    path = span(tmp_path / "m.safetensors")[0]
    wanted = load(path).run({"input": noise(seed=1)})[0]

    def elsewhere() -> npt.NDArray[Any]:
        torch.set_num_threads(cores)
        return load(path).run({"input": noise(seed=1)})[0]

    before = torch.get_num_threads()
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(elsewhere).result()
    torch.set_num_threads(before)
    assert np.array_equal(found, wanted)


def test_runs_beside_one_another_do_not_disturb(tmp_path: Path) -> None:
    session = load(span(tmp_path / "m.safetensors")[0], parallel=4)
    assert session.parallel == 4
    values = [noise(seed=seed) for seed in range(4)]
    wanted = [session.run({"input": each})[0] for each in values]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(10):
            made = list(pool.map(lambda each: session.run({"input": each})[0], values))
            assert all(np.array_equal(a, b) for a, b in zip(made, wanted, strict=True))


def test_threads_of_the_process_stay_as_they_were(tmp_path: Path) -> None:
    def elsewhere() -> int:
        found: list[int] = []
        thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        return found[0]

    before = torch.get_num_threads(), elsewhere()
    seen: list[int] = []
    session = load(compact(tmp_path / "m.safetensors")[0], threads=before[0] + 1)
    with session.lane() as lane:
        seen.append(lane.do(torch.get_num_threads))
    session.run({"input": noise()})
    assert seen == [before[0] + 1]
    assert (torch.get_num_threads(), elsewhere()) == before


def test_tensors_stay_on_the_device(tmp_path: Path) -> None:
    first, second = (load(compact(tmp_path / f"{seed}.safetensors", seed=seed)[0]) for seed in (1, 2))
    values = noise()
    with first.lane() as lane:

        def work() -> Array:
            (between,) = first.run_tensors({"input": lane.upload(values)})
            assert between.device == first.place
            assert not between.requires_grad
            return lane.download(second.run_tensors({"input": between})[0])

        made = lane.do(work)
    assert np.array_equal(made, second.run({"input": first.run({"input": values})[0]})[0])


def test_what_comes_out_is_ones_own(plain: Plain) -> None:
    session = load(plain(lambda weight, x: x))
    values = noise()
    (result,) = session.run({"input": values})
    kept = result.copy()
    values[...] = 0
    assert np.array_equal(result, kept)


def test_half_precision_where_the_network_is_fine_with_it(tmp_path: Path, models: Registry) -> None:
    path, module = compact(tmp_path / "m.safetensors")
    wanted = bare(module, noise())
    for precision, dtype, coarse, most in (("fp16", np.float16, 0, 1 / 255), ("bf16", np.float32, 2**-9, 5 / 255)):
        session = load(path, precision=precision)
        (spec,) = session.inputs
        assert (spec.dtype, spec.coarse, session.outputs[0].dtype) == (dtype, coarse, dtype)
        (result,) = session.run({"input": noise().astype(dtype)})
        assert result.dtype == dtype
        assert 0 < np.abs(result.astype(np.float32) - wanted).max() < most
        assert session.weights == sum(each.numel() for each in module.parameters()) * 2
    path, _ = dncnn(tmp_path / "grey.safetensors")
    with pytest.raises(ModelError, match=r"grey\.safetensors: is not known to give good pictures in fp16"):
        load(path, precision="fp16")
    with pytest.raises(ModelError, match="there is no precision 'int8'"):
        load(path, precision="int8")


def test_precision_is_touched_by_nobody(tmp_path: Path) -> None:
    from vsfilmrestore.inference.runtimes._torch_net import read_net
    from vsfilmrestore.inference.runtimes.torch import _dtype

    path, module = compact(tmp_path / "m.safetensors")
    halved = save_net(tmp_path / "half.safetensors", module.half())
    card, processor = torch.device("cuda", 0), torch.device("cpu")
    for file, place, wanted in (
        (path, card, torch.float32),
        (halved, card, torch.float16),
        (halved, processor, torch.float32),
    ):
        net = read_net(file, "", allow_pth=False)
        assert _dtype(net, place, "auto", file) == wanted


def test_cards_are_told_to_be_exact() -> None:
    from vsfilmrestore.inference.runtimes.torch import _exact

    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32
    try:
        cudnn.benchmark = cudnn.allow_tf32 = matmul.allow_tf32 = True
        cudnn.deterministic = False
        _exact()
        assert (cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32) == (
            False,
            True,
            False,
            False,
        )
    finally:
        cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32 = before


def test_less_than_a_step_of_bfloat_is_no_change(tmp_path: Path, models: Registry) -> None:
    path, module = compact(tmp_path / "m.safetensors")
    for name, value in module.state_dict().items():  # nothing is left but the picture itself
        value.zero_() if name.startswith("body") else None
    save_net(path, module)
    clip = picture(fmt=vs.RGB48)
    result = run_model(clip, path, Contract(), precision="bf16", device="cpu", models=models)
    assert hashes(result, [3]) == hashes(clip, [3])


def test_values_beyond_the_range_are_kept(plain: Plain) -> None:
    (result,) = load(plain(lambda weight, x: x / weight)).run({"input": np.ones((1, 3, 8, 8), np.float32)})
    assert result.max() == 2


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("directml", "torch has no device 'directml'. Take one of auto, cuda, mps, cpu"),
        ("cpu:1", "torch has no device 'cpu:1'"),
        ("cuda:x", "torch has no device 'cuda:x'"),
    ],
)
def test_devices_that_are_none(device: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        load(compact(tmp_path / "m.safetensors")[0], device=device)
    assert words in str(caught.value)


def test_a_card_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = compact(tmp_path / "m.safetensors")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InstallationError, match="finds no 'cuda' on this machine"):
        load(path, device="cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(InstallationError, match="there is no 'cuda:3' on this machine, it has 1"):
        load(path, device="cuda:3")


def test_without_torch_one_line_tells_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = compact(tmp_path / "m.safetensors")
    for missing in ("torch", "safetensors.torch", "spandrel"):
        with monkeypatch.context() as patch:
            patch.setitem(__import__("sys").modules, missing, None)
            with pytest.raises(InstallationError, match=r'pip install "vsfilmrestore\[torch\]"'):
                load(path)


def test_damaged_files_are_told_in_a_line(tmp_path: Path) -> None:
    whole = compact(tmp_path / "m.safetensors")[0].read_bytes()
    path = tmp_path / "bad.safetensors"
    for length in (0, 4, 8, 60, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"bad\.safetensors") as caught:
            load(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="cannot be read"):
        load(tmp_path / "none.safetensors")
    path.write_bytes(whole)
    with pytest.raises(ModelError, match="is not the file that was meant: its sha256 begins with"):
        load(path, "0" * 64)


def test_unknown_architectures_are_told(tmp_path: Path) -> None:
    path = save_net(tmp_path / "m.safetensors", torch.nn.Conv2d(3, 3, 3))
    with pytest.raises(ModelError, match=r"m\.safetensors: is of no architecture spandrel knows"):
        load(path)


def test_pickles_only_where_they_are_pinned(tmp_path: Path) -> None:
    _, module = compact(tmp_path / "m.safetensors")
    path = tmp_path / "m.pth"
    torch.save(module.state_dict(), path)
    with pytest.raises(ModelError, match="is a pickle, which can run anything"):
        load(path)
    values = noise()
    wanted = load(tmp_path / "m.safetensors").run({"input": values})[0]
    assert np.array_equal(load(path, sha256(path)).run({"input": values})[0], wanted)
    torch.save(module.state_dict(), path, _use_new_zipfile_serialization=False)
    with pytest.raises(ModelError, match="is a legacy pickle, which no loader opens safely"):
        load(path, sha256(path))


def test_a_pickle_that_is_added_is_none_any_more(tmp_path: Path, models: Registry) -> None:
    _, module = compact(tmp_path / "m.safetensors")
    path = tmp_path / "mine.pth"
    torch.save({"params_ema": module.state_dict()}, path)
    zoo = Zoo([], [tmp_path / "zoo"], tmp_path / "zoo")
    with pytest.raises(InputError, match="--allow-pth"):
        add(path, zoo)
    card = add(path, zoo, allow_pth=True)
    found = zoo.find(card.name)
    assert found.path.name == "mine.safetensors"
    assert not list((tmp_path / "zoo").rglob("*.pth"))
    made = array(run_network(picture(), found.path, card.contract, sha256=found.file.sha256, models=models), 2)
    assert np.abs(made - bare(module, array(picture(), 2)[None])[0]).max() < 1e-5


class _Evil:
    def __init__(self, sign: Path) -> None:
        self.sign = sign

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.sign,)


def test_pickles_run_nothing(tmp_path: Path) -> None:
    sign, path = tmp_path / "ran", tmp_path / "evil.pth"
    torch.save({"params": torch.zeros(1), "x": _Evil(sign)}, path, pickle_module=pickle)
    with pytest.raises(ModelError, match="wants to run"):
        load(path, sha256(path))
    assert not sign.exists()


def test_numbers_that_are_none_are_told_with_the_frame(plain: Plain, models: Registry) -> None:
    path = plain(lambda weight, x: x * float("nan"))
    with pytest.raises(vs.Error) as caught:
        run_model(picture(), path, Contract(), models=models).get_frame(7)
    assert plain_text(caught.value).startswith(f"{path}, frame 7: the network gives values that are no numbers.")


def test_a_network_that_fails_is_told_in_a_line(plain: Plain) -> None:
    def broken(weight: Any, x: Any) -> Any:
        raise ValueError("a\nb")

    with pytest.raises(InferenceError, match="torch could not run it: a") as caught:
        load(plain(broken)).run({"input": noise()})
    assert "\n" not in str(caught.value)


def _greedy(weight: Any, x: Any) -> Any:
    """More than there is, for pictures of more than 5,000 pixels."""
    return x + x.new_empty(1 << 48)[:1] if x.shape[-1] * x.shape[-2] > 5000 else x * weight


def test_short_of_memory_tiles_become_smaller(plain: Plain, models: Registry, caplog: pytest.LogCaptureFixture) -> None:
    path = plain(_greedy, Contract(receptive=0))
    clip = picture(width=160, height=120)
    with caplog.at_level(logging.WARNING):
        made = array(run_network(clip, path, Contract(receptive=0), device="cpu", models=models), 1)
    assert np.abs(made - array(clip, 1) / 2).max() < 1e-6
    assert "memory is short: trying tiles of 80x120" in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
    ],
)
def test_every_word_for_too_little_memory_is_known(error: Exception, plain: Plain) -> None:
    failing = SimpleNamespace(now=False)

    def work(weight: Any, x: Any) -> Any:
        if failing.now:
            raise error
        return x

    session = load(plain(work))
    failing.now = True
    with pytest.raises(MemoryShortError):
        session.run({"input": noise()})


def test_a_network_that_keeps_something_runs_alone(plain: Plain) -> None:
    def work(weight: Any, x: Any) -> Any:
        weight.data = weight.data.clone()
        return x * weight

    session = load(plain(work), parallel=3, threads=2)
    assert session.parallel == 1
    with session.lane() as lane:
        assert lane.do(torch.get_num_threads) == 6


def test_a_network_that_remembers_is_refused(plain: Plain) -> None:
    kept: list[Any] = []

    def work(weight: Any, x: Any) -> Any:
        kept.append(x)
        return x + len(kept)

    with pytest.raises(ModelError, match="gives another picture each time it is run on the same one"):
        load(plain(work))


def test_weights_of_five_dimensions_are_left_as_they_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """StyleGAN's modulated convolutions have such, and so has GFPGAN."""
    from vsfilmrestore.models import architectures

    class Modulated(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.plain = torch.nn.Conv2d(3, 4, 3, padding=1)
            self.modulated = torch.nn.Parameter(torch.rand(1, 3, 4, 3, 3))

        def forward(self, x: Any) -> Any:
            return torch.nn.functional.conv2d(self.plain(x), self.modulated[0], padding=1)

    module = Modulated().eval()
    family = SimpleNamespace(
        name="Modulated", fits=lambda _: True, contract=lambda _: Contract(), build=lambda _: Modulated()
    )
    monkeypatch.setattr(architectures, "architectures", lambda: (family,))
    values = noise()
    (result,) = load(save_net(tmp_path / "m.safetensors", module)).run({"input": values})
    assert np.abs(result - bare(module, values)).max() < 1e-4


def test_a_network_that_draws_numbers_draws_the_same(plain: Plain) -> None:
    path = plain(lambda weight, x: x + torch.randn(x.shape))
    state = torch.get_rng_state()
    session = load(path, parallel=2)
    values = noise()
    first, second = (session.run({"input": values})[0] for _ in range(2))
    assert session.parallel == 1
    assert np.array_equal(first, second)
    assert not np.array_equal(first, load(path).run({"input": values + 1})[0])
    assert torch.equal(torch.get_rng_state(), state)


def test_windows_numbers_and_scalars_of_ones_own_architecture(plain: Plain, models: Registry) -> None:
    contract = Contract(
        layout="stacked",
        before=1,
        after=1,
        extra=(ExtraInput("sigma", "number", default=0.25), ExtraInput("gain", "scalar", default=2.0, high=4.0)),
    )

    def work(weight: Any, x: Any, gain: Any) -> Any:
        frames = x[:, :9].reshape(1, 3, 3, *x.shape[-2:])
        return frames.mean(1) * gain * weight + x[:, 9:]

    path = plain(work, contract)
    assert spandrel_seam.describe(path).contract == contract
    clip = picture()
    made = array(run_network(clip, path, contract, numbers={"gain": 3.0}, models=models), 4)
    wanted = np.mean([array(clip, n) for n in (3, 4, 5)], axis=0) * 1.5 + 0.25
    assert np.abs(made - wanted).max() < 1e-5


class _Masked(torch.nn.Module):  # type: ignore[misc]
    """Greys what the mask names, and wants sizes of multiples of 8."""

    def __init__(self) -> None:
        super().__init__()
        self.w = torch.nn.Parameter(torch.ones(1))

    def forward(self, x: Any, mask: Any) -> Any:
        assert x.shape[-1] % 8 == x.shape[-2] % 8 == 0
        return x * (1 - mask) + 0.5 * mask * self.w


def test_masks_of_inpainting_networks(tmp_path: Path, models: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    import spandrel

    module = _Masked()
    found = spandrel.MaskedImageModelDescriptor(
        module,
        module.state_dict(),
        architecture=SimpleNamespace(name="Masked"),
        purpose="Inpainting",
        tags=[],
        supports_half=False,
        supports_bfloat16=True,
        input_channels=3,
        output_channels=3,
        size_requirements=spandrel.SizeRequirements(minimum=16, multiple_of=8),
    )
    monkeypatch.setattr(spandrel_seam, "detect", lambda tensors, path: found)
    path = save_net(tmp_path / "m.safetensors", module)
    described = spandrel_seam.describe(path)
    contract = described.contract
    assert (described.task, contract.extra) == ("inpaint", (ExtraInput("mask", "mask"),))
    assert (contract.multiple, contract.minimum) == (8, 16)
    clip = picture(width=46, height=30)
    mask = vs.core.std.BlankClip(clip, format=vs.GRAY8, color=0)
    mask = vs.core.std.StackHorizontal([mask.std.CropRel(right=26), mask.std.CropRel(left=20).std.Invert()])
    for told in (contract, Contract(extra=contract.extra)):  # without multiple the session pads by itself
        made = array(run_network(clip, path, told, clips={"mask": mask}, models=models), 2)
        assert np.abs(made[:, :, :20] - array(clip, 2)[:, :, :20]).max() < 1e-6
        assert np.abs(made[:, :, 20:] - 0.5).max() < 1e-6


def test_how_far_a_network_looks_is_seen(tmp_path: Path) -> None:
    for layers, scale in ((2, 1), (5, 2)):
        path, _ = compact(tmp_path / f"{layers}.safetensors", layers=layers, scale=scale)
        assert spandrel_seam.describe(path).contract.receptive == layers + 2
    assert spandrel_seam.describe(dncnn(tmp_path / "d.safetensors")[0]).contract.receptive == 17


def test_how_far_a_network_looks_where_it_has_a_grid_or_sees_all() -> None:
    from torch.nn.functional import avg_pool2d, interpolate, pad

    from vsfilmrestore.models.reach import reach_of

    def cells(x: Any) -> Any:
        return interpolate(avg_pool2d(x, 8), scale_factor=8.0)

    assert reach_of(cells, [3], Contract(multiple=8)) == 7
    assert reach_of(lambda x: x, [1], Contract()) == 0
    assert reach_of(lambda x: x * x.mean(), [3], Contract()) is None
    assert reach_of(lambda x, mask: x + pad(mask, (30, -30)), [3, 1], Contract()) == 30
    assert reach_of(lambda x: x + pad(x, (0, 0, -50, 50)), [3], Contract()) == 50


def test_tiles_of_a_network_that_was_asked_are_the_whole_picture(tmp_path: Path, models: Registry) -> None:
    path, _ = compact(tmp_path / "m.safetensors", layers=3, scale=2)
    contract = spandrel_seam.describe(path).contract
    clip = picture(width=96, height=64, frames=1)
    whole, tiled = (
        array(run_network(clip, path, contract, tile=tile, models=models), 0) for tile in ((0, 0), (32, 40))
    )
    assert np.abs(whole - tiled).max() < 1 / 1023


def test_the_noise_of_a_denoiser_can_be_told(tmp_path: Path, models: Registry) -> None:
    from spandrel.architectures.DnCNN import DnCNN

    torch.manual_seed(0)
    module = DnCNN(in_nc=2, out_nc=1, nc=4, nb=17, act_mode="R", mode="FDnCNN").eval()
    path = save_net(tmp_path / "m.safetensors", module)
    contract = spandrel_seam.describe(path).contract
    (extra,) = contract.extra
    assert (contract.channels, extra.name, extra.kind, extra.default) == (1, "noise", "number", 15 / 255)
    clip = picture(fmt=vs.GRAYS)
    for numbers, level in (({}, 15 / 255), ({"noise": 0.2}, 0.2)):
        made = array(run_network(clip, path, contract, numbers=numbers, models=models), 1)
        given = np.concatenate([array(clip, 1)[None], np.full((1, 1, 32, 48), level, np.float32)], 1)
        assert np.abs(made - bare(module, given)[0]).max() < 1e-5


def test_describing_tells_damage_as_damage(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(b"\x08\0\0\0\0\0\0\0{      }")
    with pytest.raises(InputError, match="holds no tensors"):
        spandrel_seam.describe(path)
