"""Small networks of torch in files, and architectures of our own for the tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vsfilmrestore.models.architectures import Shapes
from vsfilmrestore.models.contract import Contract

NEEDED = "torch is not installed: scripts/test.py --extras torch"

torch: Any = pytest.importorskip("torch", reason=NEEDED)
pytest.importorskip("spandrel", reason=NEEDED)


def save_net(path: Path, module: Any) -> Path:
    from safetensors.torch import save_file

    save_file({name: value.contiguous() for name, value in module.state_dict().items()}, path)
    return path


def compact(path: Path, scale: int = 1, wide: int = 8, layers: int = 2, seed: int = 0) -> tuple[Path, Any]:
    """SRVGGNetCompact; and the module itself."""
    from spandrel.architectures.Compact import Compact

    torch.manual_seed(seed)
    module = Compact(num_feat=wide, num_conv=layers, upscale=scale).eval()
    return save_net(path, module), module


def dncnn(path: Path, layers: int = 17) -> tuple[Path, Any]:
    """DnCNN for one channel; and the module itself."""
    from spandrel.architectures.DnCNN import DnCNN

    torch.manual_seed(1)
    module = DnCNN(in_nc=1, out_nc=1, nc=4, nb=layers, act_mode="R").eval()
    return save_net(path, module), module


def span(path: Path, scale: int = 1) -> tuple[Path, Any]:
    """SPAN, which merges its weights anew in every run; and the module itself."""
    from spandrel.architectures.SPAN import SPAN

    torch.manual_seed(2)
    module = SPAN(num_in_ch=3, num_out_ch=3, feature_channels=8, upscale=scale).eval()
    return save_net(path, module), module


class Plain(torch.nn.Module):  # type: ignore[misc]
    """Calls a function of its one weight and its inputs."""

    def __init__(self, work: Callable[..., Any]) -> None:
        super().__init__()
        self.the_only_weight = torch.nn.Parameter(torch.full((1,), 0.5))
        self.work = work

    def forward(self, *given: Any) -> Any:
        return self.work(self.the_only_weight, *given)


class Family:
    """Networks of the one weight that `Plain` has."""

    name, task = "Plain", "other"

    def __init__(self, work: Callable[..., Any], contract: Contract) -> None:
        self._work, self._contract = work, contract

    def fits(self, shapes: Shapes) -> bool:
        return set(shapes) == {"the_only_weight"}

    def contract(self, shapes: Shapes) -> Contract:
        return self._contract

    def build(self, shapes: Shapes) -> Any:
        return Plain(self._work)


@pytest.fixture
def plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A file for a function ``(weight, *inputs) -> picture``, whose architecture is known while the test runs."""
    from vsfilmrestore.models import architectures

    def make(work: Callable[..., Any], contract: Contract | None = None) -> Path:
        family = Family(work, contract or Contract())
        monkeypatch.setattr(architectures, "architectures", lambda: (family,))
        return save_net(tmp_path / "plain.safetensors", Plain(work))

    return make


def exported(path: Path, module: Any, channels: int = 3) -> Path:
    """The same network as ONNX, any height and width."""
    import warnings

    axes = {"input": {2: "h", 3: "w"}, "output": {2: "H", 3: "W"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (torch.rand(1, channels, 16, 24),),
            str(path),
            input_names=["input"],
            output_names=["output"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
    return path
