"""Clips whose frames lie on a graphics card are taken, and given back as such, with the pictures of the processor's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.inference.apply import run_model, run_network
from vsfilmrestore.inference.chain import run_calls
from vsfilmrestore.inference.data import run_data
from vsfilmrestore.inference.on_regions import run_on_regions
from vsfilmrestore.inference.regions import REGION_PROPS, Region, as_props, regions_of, steady, with_regions
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.media.props import LOG
from vsfilmrestore.models.contract import Contract, ExtraInput

from . import chains, makers, test_seek_order
from .makers import frame_hash, picture
from .test_seek_order import BUILDS, Build

core = vs.core
FRAMES = 5
BOX = Region(8, 4, 20, 22)

type Upload = Callable[[vs.VideoNode], vs.VideoNode]


def same(card: vs.VideoNode, plain: vs.VideoNode) -> None:
    """The first lies on the card, and but for that they are one and the same, properties included."""
    assert card.gpu_resident
    assert not plain.gpu_resident
    assert (card.format.id, card.width, card.height, card.num_frames) == (
        plain.format.id, plain.width, plain.height, plain.num_frames,
    )  # fmt: skip
    with card.get_frame(0) as frame:
        assert frame.gpu_resident
    here = card.std.GPUDownload()
    for n in range(plain.num_frames):
        with here.get_frame(n) as made, plain.get_frame(n) as wanted:
            assert frame_hash(made) == frame_hash(wanted), f"frame {n}"
            assert told(made) == told(wanted)


def told(frame: vs.VideoFrame) -> dict[str, str]:
    """In words, since what is no number is not even like itself."""
    return {name: repr(value) for name, value in frame.props.items() if not isinstance(value, vs.VideoFrame)}


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.__name__)
def test_every_shape_of_network_takes_them(
    build: Build, uploaded: Upload, tmp_path: Path, models: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = build(tmp_path, models)
    monkeypatch.setattr(test_seek_order, "picture", lambda *given, **named: uploaded(picture(*given, **named)))
    same(build(tmp_path, models), plain)


@pytest.mark.parametrize("fmt", [vs.YUV420P8, vs.YUV422P10, vs.YUV444P16, vs.RGB48, vs.GRAY8, vs.GRAYH, vs.RGBS])
@pytest.mark.parametrize("log", [0, 1])
def test_all_formats_and_log_scans(fmt: int, log: int, uploaded: Upload, tmp_path: Path, models: Registry) -> None:
    clip = picture(frames=FRAMES, fmt=fmt, **{LOG: log})
    calls = [chains.spatial(tmp_path, 1, 0.7), chains.luma(tmp_path, 2)]
    for run in (calls[0].on, calls[1].on, lambda clip, models: run_calls(clip, calls, models=models)):
        same(run(uploaded(clip), models=models), run(clip, models=models))


@pytest.mark.parametrize("which", ["clip", "mask"])
def test_masks_and_clips_may_lie_in_different_places(
    which: str, uploaded: Upload, tmp_path: Path, models: Registry
) -> None:
    contract = Contract(extra=(ExtraInput("mask", "mask"),))
    path = chains.masking(tmp_path / "m.onnx")
    clip, mask = picture(frames=FRAMES), picture(frames=FRAMES, fmt=vs.GRAY8, seed=2)
    plain = run_model(clip, path, contract, clips={"mask": mask}, models=models)
    if which == "clip":
        same(run_model(uploaded(clip), path, contract, clips={"mask": mask}, models=models), plain)
        return
    made = run_model(clip, path, contract, clips={"mask": uploaded(mask)}, models=models)
    assert not made.gpu_resident
    same(uploaded(made), plain)


def test_sequences_that_fade_and_frames_in_between(uploaded: Upload, tmp_path: Path, models: Registry) -> None:
    clip = picture(frames=11, fmt=vs.YUV420P10)
    path = makers.running_sum(tmp_path / "s.onnx", 0.1)
    contract = Contract(layout="BTCHW", frames_out=4)
    same(*(run_model(each, path, contract, crossfade=2, models=models) for each in (uploaded(clip), clip)))
    path = makers.between(tmp_path / "b.onnx", apart=False)
    contract = Contract(layout="stacked", after=1, time="t")
    for each in (clip, clip[:1]):
        same(*(run_model(one, path, contract, time=0.5, models=models) for one in (uploaded(each), each)))


def test_what_a_network_gives_as_it_stands(uploaded: Upload, tmp_path: Path, models: Registry) -> None:
    clip = picture(frames=FRAMES, fmt=vs.YUV444P8)
    path = makers.convolutions(tmp_path / "m.onnx")
    same(*(run_network(each, path, Contract(), models=models) for each in (uploaded(clip), clip)))


def test_data_comes_as_properties(uploaded: Upload, tmp_path: Path, models: Registry) -> None:
    clip = picture(frames=FRAMES)
    path, contract = makers.identity(tmp_path / "m.onnx"), Contract(colour="data")

    def read(found: dict[str, Any], size: tuple[int, int], number: int) -> dict[str, float]:
        return {"Mean": float(np.mean(found["y"])) + number}

    results = []
    for each in (uploaded(clip), clip):
        data = run_data(each, path, contract, read, models=models)
        results.append(each.std.CopyFrameProps(data, props=["Mean"]))
    same(*results)


def carrying(clip: vs.VideoNode) -> vs.VideoNode:
    def write(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        regions: Sequence[Region] = [BOX.moved(BOX.numbers + n)] if n != 2 else []
        frame.props.update(as_props(regions))
        return frame

    return core.std.ModifyFrame(clip, clip, write)


def test_regions(uploaded: Upload, tmp_path: Path, models: Registry) -> None:
    clip = picture(frames=FRAMES, fmt=vs.YUV420P8, _Matrix=1)
    marked, call = carrying(clip), chains.spatial(tmp_path)
    same(steady(uploaded(marked)), steady(marked))
    same(with_regions(uploaded(clip), marked), with_regions(clip, marked))
    assert [name for name in REGION_PROPS if name in with_regions(uploaded(clip), marked).get_frame(0).props]
    assert not regions_of(marked.get_frame(2).props)
    for regions in (marked, uploaded(marked), [BOX], []):
        plain = run_on_regions(clip, call, regions, side=32, models=models)
        assert not plain.gpu_resident
        same(run_on_regions(uploaded(clip), call, regions, side=32, models=models), plain)
