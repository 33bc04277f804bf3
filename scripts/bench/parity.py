"""The same picture from every runtime: a table of the largest difference, network by network.

Each network is run on the same picture by every runtime, device and precision that takes it here, against ONNX Runtime
on the processor in 32 bits. What only one runtime takes is held against a bare session of that runtime: it shows that
our side of it changes nothing. Networks with a card, ours and those whose files are there, are also run by it on a
clip, by each device and each plug-in of VapourSynth that is installed. Differences may be at most 1/1023 in 32 bits and
1/255 in 16.

Processors run 16-bit ONNX files in 32 bits, and are held against a bare session of the same in 32.

    python scripts/bench/parity.py                        # random networks, our own, and ../shared/weights if there
    python scripts/bench/parity.py --weights FOLDER --size 640x360
    python scripts/bench/parity.py --film FILM --devices cpu openvino --only temporalfix
    python scripts/bench/parity.py --devices cpu cuda                # on a machine with a card: built, not run

Legacy pickles (``.pth``) are refused by vsfilmrestore. Here they are read by ``torch.load(weights_only=True)``, written
as ``.safetensors`` into a folder that is deleted afterwards, and marked "converted".
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
import vapoursynth as vs
from _torch_networks import NETWORKS, DustUNet, export, make, picture, save

from vsfilmrestore.errors import VsfrError
from vsfilmrestore.inference import mlrt
from vsfilmrestore.inference.apply import run_network
from vsfilmrestore.inference.runtimes import runtime_for
from vsfilmrestore.inference.runtimes._onnx_file import in_32_bits, read_onnx
from vsfilmrestore.inference.runtimes._onnx_providers import PROVIDERS
from vsfilmrestore.inference.runtimes._torch_net import read_net
from vsfilmrestore.inference.runtimes.base import PROCESSORS, Array, Session
from vsfilmrestore.models import architectures
from vsfilmrestore.models.card import Card, read_card
from vsfilmrestore.models.places import own_folder

LIMITS = {"fp32": 1 / 1023, "fp16": 1 / 255}
_NOT_TORCH = set(PROVIDERS) - {"cpu", "cuda"}


@dataclass
class Row:
    """A comparison: what was run, against what, the largest difference of all values."""

    network: str
    what: str
    against: str
    precision: str
    difference: float

    @property
    def fine(self) -> bool:
        return self.difference <= LIMITS[self.precision]


def bare_onnx(source: Path | bytes, arrays: dict[str, Array]) -> list[Array]:
    """ONNX Runtime itself, nothing of ours."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(
        str(source) if isinstance(source, Path) else source, options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, arrays)


def load(path: Path, device: str, precision: str) -> Session:
    return runtime_for(path).load(path, "", device=device, precision=precision, threads=2, parallel=1)


def difference(made: list[Array], wanted: list[Array]) -> float:
    pairs = zip(made, wanted, strict=True)
    return max(float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max()) for a, b in pairs)


def feeds(session: Session, height: int, width: int) -> dict[str, Array]:
    """A picture for each input, of the size it insists on if it does."""
    found = {}
    for seed, spec in enumerate(session.inputs):
        channels, *size = (side or 0 for side in spec.shape[1:])
        found[spec.name] = picture(channels, size[0] or height, size[1] or width, seed).astype(spec.dtype)
    return found


def of_onnx(path: Path, devices: list[str], size: tuple[int, int]) -> Iterator[Row]:
    """A file that only ONNX Runtime takes."""
    wide = in_32_bits(read_onnx(path, ""), path)
    for device in devices:
        session = load(path, device, "auto")
        arrays = feeds(session, *size)
        kind = "fp16" if any(array.dtype == np.float16 for array in arrays.values()) else "fp32"
        ours, made = f"onnxruntime {session.device}", list(session.run(arrays))
        twin = wide.data if wide is not None and session.device in PROCESSORS else path
        wanted = bare_onnx(twin, arrays)
        bare = "bare ONNX Runtime" if twin is path else "bare, in 32 bits"
        yield Row(path.stem, ours, bare, kind, difference(made, wanted))
        if twin is not path and device == devices[0]:
            off = difference(bare_onnx(path, arrays), wanted)
            print(f"{path.stem:38} its 16 bits, emulated by ONNX Runtime, which nothing does: {off:.2e} off")


def of_card(card: Card, path: Path, devices: list[str], size: tuple[int, int], film: Path | None) -> Iterator[Row]:
    """A network by its card, on a clip, by other devices and by plug-ins of VapourSynth against our run on `cpu`."""
    contract = card.contract
    if contract.colour == "data":
        return
    planes = 1 if contract.colour == "luma" else 3
    wanted = {extra.name: extra.kind for extra in contract.extra if extra.kind in ("mask", "picture")}
    shown, *others = [
        (still if film is None else partial(scene, film))(1 if kind == "mask" else planes, size, seed)
        for seed, kind in enumerate(["picture", *wanted.values()])
    ]
    clips = dict(zip(wanted, others, strict=True))
    half = next(file.precision for file in card.files if file.name == path.name) == "fp16"
    elsewhere = [device for device in devices if device != "cpu"]
    elsewhere += mlrt.offered() if mlrt.can_run(contract) else ()
    own = frames(run_network(shown, path, contract, clips=clips, device="cpu")) if elsewhere else []
    for device in elsewhere:
        try:
            made = frames(run_network(shown, path, contract, clips=clips, device=device))
        except (VsfrError, vs.Error) as error:
            print(f"{card.name:38} {device:18} refused: {str(error).splitlines()[-1][-90:]}")
            continue
        where = "our own run" if film is None else "our run, film"
        yield Row(card.name, device, where, "fp16" if half else "fp32", difference(made, own))


def scene(film: Path, planes: int, size: tuple[int, int], seed: int) -> vs.VideoNode:
    """Five frames of film; of others for another seed."""
    whole = vs.core.bs.VideoSource(str(film), cachemode=0)
    clip = whole[(10 + 20 * seed) % max(1, len(whole) - 4) :][:5]
    made = clip.resize.Bicubic(size[1], size[0], format=vs.RGBS, matrix_in=6)
    return made if planes == 3 else made.std.ShufflePlanes(1, vs.GRAY)


def still(planes: int, size: tuple[int, int], seed: int) -> vs.VideoNode:
    """Five different frames."""
    blank = vs.core.std.BlankClip(
        width=size[1], height=size[0], format=vs.GRAYS if planes == 1 else vs.RGBS, length=5, keep=True
    )

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        made = f.copy()
        for plane, values in enumerate(picture(planes, *size, 100 * seed + n)[0]):
            np.copyto(np.asarray(made[plane]), values)
        return made

    return vs.core.std.ModifyFrame(blank, blank, draw)


def frames(clip: vs.VideoNode) -> list[Array]:
    """The three in the middle."""
    found = []
    for n in (1, 2, 3):
        with clip.get_frame(n) as frame:
            found += [np.array(frame[plane]) for plane in range(frame.format.num_planes)]
    return found


def of_torch(name: str, path: Path, folder: Path, devices: list[str], size: tuple[int, int]) -> Iterator[Row]:
    """A file of weights that torch takes, and its export that ONNX Runtime takes."""
    net = read_net(path, "", allow_pth=False)
    module, multiple = net.module.eval(), net.contract.multiple
    channels, sides = net.contract.channels, [-(-side // multiple) * multiple for side in size]
    values = picture(channels, *sides)
    exported = export(module, channels, folder / "exported.onnx")
    wanted = bare_onnx(exported, {"input": values})
    with torch.inference_mode():
        bare = [module(torch.from_numpy(values)).numpy()]
    for device in devices:
        ours = list(load(exported, device, "fp32").run({"input": values}))
        yield Row(name, f"onnxruntime {device}", "bare ONNX Runtime", "fp32", difference(ours, wanted))
        if device in _NOT_TORCH:
            continue
        made = list(load(path, device, "fp32").run({"input": values}))
        yield Row(name, f"torch {device}", "ONNX Runtime", "fp32", difference(made, wanted))
        yield Row(name, f"torch {device}", "bare torch", "fp32", difference(made, bare))
        if net.half:
            made = list(load(path, device, "fp16").run({"input": values.astype(np.float16)}))
            yield Row(name, f"torch {device}", "ONNX Runtime fp32", "fp16", difference(made, wanted))
    if net.half:
        halved = export(module, channels, folder / "half.onnx", half=True)
        half = list(load(halved, "cpu", "auto").run({"input": values.astype(np.float16)}))
        yield Row(name, "torch cpu", "its 16-bit ONNX", "fp16", difference(half, made))


def converted(path: Path, folder: Path) -> Path:
    """A pickle's tensors as ``.safetensors``; nothing but tensors is read."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    return save(folder / f"{path.stem}.safetensors", state)


def rows(options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    size = tuple(int(side) for side in reversed(options.size.split("x")))
    for name in NETWORKS if not options.only else ():
        module = make(name)
        path = save(folder / f"{name.replace(' ', '-')}.safetensors", module.state_dict())
        yield from of_torch(name, path, folder, options.devices, size)
    for card in map(read_card, sorted(own_folder().glob("*.toml"))):
        for file in card.weights:
            places = [own_folder() / file.name, options.weights / file.name]
            path = next((place for place in places if place.is_file() and file.suffix == ".onnx"), None)
            if path is not None and options.only in card.name:
                if path.parent == own_folder():
                    yield from of_onnx(path, options.devices, size)
                yield from of_card(card, path, options.devices, size, options.film)
    for path in sorted(options.weights.iterdir()) if options.weights.is_dir() else ():
        if options.only not in path.stem:
            continue
        if path.suffix == ".onnx":
            yield from of_onnx(path, options.devices, size)
        elif path.suffix == ".pth":
            kind = "" if zipfile.is_zipfile(path) else "legacy pickle, "
            name = f"{path.stem} ({kind}converted)"
            yield from of_torch(name, converted(path, folder), folder, options.devices, size)
        elif path.suffix == ".safetensors":
            yield from of_torch(path.stem, path, folder, options.devices, size)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).resolve().parents[3] / "shared" / "weights"
    parser.add_argument("--weights", type=Path, default=default, help="folder with files of others")
    parser.add_argument("--size", default="256x192", help="width and height of the picture")
    parser.add_argument("--film", type=Path, help="frames of this instead of noise, where networks run on clips")
    parser.add_argument("--only", default="", help="networks with this in their name")
    parser.add_argument("--devices", nargs="+", default=["cpu"])
    options = parser.parse_args()
    ours: Any = architectures
    ours.architectures = lambda: (DustUNet(),)
    bad = 0
    print(f"{'network':38} {'run by':18} {'against':18} {'precision':9} {'largest difference':>18} {'of limit':>9}")
    with tempfile.TemporaryDirectory() as name:
        try:
            for row in rows(options, Path(name)):
                share = row.difference / LIMITS[row.precision]
                words = f"{row.network:38} {row.what:18} {row.against:18} {row.precision:9}"
                print(f"{words} {row.difference:18.2e} {share:9.1%}{'' if row.fine else '  TOO LARGE'}", flush=True)
                bad += not row.fine
        except VsfrError as error:
            print(error, file=sys.stderr)
            return error.exit_code
    print(f"{bad} too large" if bad else "every difference is within its limit")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
