"""Small models of every kind, a card for each, and a server that misbehaves on demand."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from vsfilmrestore.models.zoo import Zoo

CARD = """name = "{name}"
task = "denoise"
family = "toy"
architecture = "toy"
summary = "A toy"

[licence]
name = "{licence}"
commercial = "no"
accept = {accept}
url = "https://example.org/terms"

[[files]]
name = "{file}"
size = {size}
sha256 = "{sha256}"
"""


def conv_model(
    channels: int = 3,
    out: int = 3,
    *,
    stride: int = 1,
    kind: int = TensorProto.FLOAT,
    size: tuple[Any, Any] = ("h", "w"),
) -> onnx.ModelProto:
    """One convolution of 3x3."""
    shape = [1, channels, *size]
    weight = np.zeros((out, channels, 3, 3), np.float16 if kind == TensorProto.FLOAT16 else np.float32)
    node = helper.make_node("Conv", ["in", "w"], ["out"], pads=[1, 1, 1, 1], strides=[stride, stride])
    result = helper.make_tensor_value_info("out", kind, [1, out, "H", "W"])
    graph = helper.make_graph(
        [node],
        "toy",
        [helper.make_tensor_value_info("in", kind, shape)],
        [result],
        [numpy_helper.from_array(weight, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def safetensors_bytes(tensors: dict[str, tuple[str, list[int], int]], extra: dict[str, Any] | None = None) -> bytes:
    """A file of zeros: type, shape and bytes of each tensor."""
    header: dict[str, Any] = dict(extra or {})
    place = 0
    for name, (kind, shape, size) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [place, place + size]}
        place += size
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(place)


def write_toy_card(
    folder: Path, content: bytes, *, name: str = "toy", file: str = "toy.onnx", more: str = "", **words: str
) -> Path:
    """A card for a file of this content."""
    words = {"licence": "CC-BY-NC-4.0", "accept": "false"} | words
    digest = hashlib.sha256(content).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.toml"
    path.write_text(CARD.format(name=name, file=file, size=len(content), sha256=digest, **words) + more)
    return path


@pytest.fixture
def toy() -> bytes:
    """A model of one convolution."""
    return bytes(conv_model().SerializeToString())


@pytest.fixture
def toy_zoo(tmp_path: Path, toy: bytes) -> Callable[..., Zoo]:
    """A zoo of one card in ``tmp_path / "cards"``, with ``tmp_path / "mine"`` as the user's folder."""

    def make(**words: Any) -> Zoo:
        content = words.pop("content", toy)
        write_toy_card(tmp_path / "cards", content, **words)
        mine = tmp_path / "mine"
        return Zoo([("us", tmp_path / "cards"), ("you", mine)], [mine], mine)

    return make


class Server:
    """Serves ``content``; ``manner`` says how badly. ``asked`` holds the Range headers it got."""

    def __init__(self) -> None:
        self.content, self.manner, self.asked = b"", "", list[str]()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Tests are quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/toy.onnx"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers.get("Range", "")
        self.asked.append(wanted)
        content, manner = self.content, self.manner
        if manner in ("404", "500"):
            handler.send_error(int(manner))
            return
        if manner.startswith("to:"):
            handler.send_response(302)
            handler.send_header("Location", manner[3:])
            handler.end_headers()
            return
        start = int(wanted[6:-1]) if wanted and manner != "no ranges" else 0
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if manner != "endless":
            handler.send_header("Content-Length", str(len(content) - start))
        handler.end_headers()
        part = content[start:]
        if manner == "cut":
            part = part[: len(part) // 2]
        try:
            handler.wfile.write(part)
            while manner == "endless":
                handler.wfile.write(bytes(1 << 16))
        except OSError:
            pass  # the other side has had enough


@pytest.fixture
def server() -> Iterator[Server]:
    """A local server, see `Server`."""
    found = Server()
    yield found
    found.close()
