"""What regions cost, and how much their landmarks tremble.

Processor time of a frame, the source's own included: finding faces, and running a network that changes nothing on one
region of 512x512, so that all that is left is cutting out and laying back. Trembling is the root mean square of the
second difference of the largest face's landmarks from frame to frame.

    python scripts/bench/regions.py FILM --model yunet_n_dynamic.onnx [--frames 40] [--larger 3]
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import pairwise
from pathlib import Path
from time import process_time

import numpy as np
import onnx
import vapoursynth as vs
from onnx import helper

from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.inference.faces import find_faces
from vsfilmrestore.inference.on_regions import run_on_regions
from vsfilmrestore.inference.regions import Region, regions_of, steady
from vsfilmrestore.models.contract import Contract

core = vs.core
_JUMP = 30
"""Pixels from one frame to the next beyond which it is another face."""


def unchanged(path: Path) -> Path:
    """A network that gives what it gets."""
    ports = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, (1, 3, "h", "w")) for n in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "same", ports[:1], ports[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def cost(clip: vs.VideoNode) -> float:
    """Milliseconds of processor time for a frame."""
    core.clear_cache()
    start = process_time()
    for frame in clip.frames(close=True):
        frame.close()
    return (process_time() - start) / clip.num_frames * 1000


def trembling(clip: vs.VideoNode) -> float:
    largest = []
    for frame in clip.frames(close=True):
        found = [region for region in regions_of(frame.props) if region.points]
        best = max(found, key=lambda region: region.width * region.height, default=None)
        largest.append(None if best is None else best.numbers[4:])
    steps = [b - a if a is not None and b is not None else None for a, b in pairwise(largest)]
    steps = [None if step is None or np.abs(step).max() > _JUMP else step for step in steps]
    bends = [b - a for a, b in pairwise(steps) if a is not None and b is not None]
    return float(np.sqrt(np.mean(np.square(bends)))) if bends else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("film")
    parser.add_argument("--model", required=True, help="YuNet's file")
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--larger", type=int, default=3, help="a second size, so many times as large")
    told = parser.parse_args()
    film = core.bs.VideoSource(told.film, cachemode=0)[: told.frames]
    with tempfile.TemporaryDirectory() as folder:
        call = ModelCall(unchanged(Path(folder) / "same.onnx"), Contract())
        for clip in (film, film.resize.Bicubic(film.width * told.larger, film.height * told.larger)):
            middle = Region(clip.width * 0.4, clip.height * 0.4, clip.width * 0.2, clip.height * 0.2)
            found, run = cost(find_faces(clip, told.model)), cost(run_on_regions(clip, call, [middle]))
            size = f"{clip.width}x{clip.height}"
            print(f"{size}: source {cost(clip):.1f} ms, finding faces {found:.1f} ms, a region {run:.1f} ms")
    for radius in range(4):
        print(f"radius {radius}: {trembling(steady(find_faces(film, told.model), radius)):.2f} pixels")


if __name__ == "__main__":
    main()
