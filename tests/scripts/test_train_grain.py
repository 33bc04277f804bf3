"""The network of denoise: what is written to a file does what torch does."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install vsfilmrestore[torch]")
onnxruntime = pytest.importorskip("onnxruntime", reason="networks are run by onnxruntime")

network: ModuleType = importlib.import_module("degrain.network")
exporting: ModuleType = importlib.import_module("degrain.export")

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_file_says_what_the_network_says(tmp_path: Path) -> None:
    torch.manual_seed(3)
    net = network.GrainNet()
    torch.nn.init.normal_(net.head.weight, 0, 0.05)
    planes = np.random.default_rng(4).random((1, network.INPUTS, 40, 56), np.float32) + 0.01
    exporting.export(net.eval(), tmp_path / "grain.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "grain.onnx"), providers=["CPUExecutionProvider"])
    names = ("frame", *exporting.CLIPS)
    (written,) = session.run(None, {name: planes[:, n : n + 1] for n, name in enumerate(names)})
    with torch.no_grad():
        wanted = net(torch.from_numpy(planes)).numpy()
    assert np.abs(wanted - planes[:, 1:2]).max() > 1e-3  # it does something
    np.testing.assert_allclose(written, wanted, atol=1e-5)
