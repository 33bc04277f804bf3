"""Networks run as one give what they give one by one."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.inference.chain import can_be_fused, run_calls
from vsfilmrestore.inference.network import Network
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.inference.results import Results
from vsfilmrestore.media.props import LOG
from vsfilmrestore.models.contract import Contract, ExtraInput

from . import chains, makers
from .makers import hashes, picture, planes

core = vs.core
FRAMES = 7

type Calls = Callable[[Path], list[ModelCall]]

CHAINS: dict[str, Calls] = {
    "two": lambda folder: [chains.spatial(folder, 1), chains.spatial(folder, 2, 0.6)],
    "luma beside rgb": lambda folder: [chains.spatial(folder, 1), chains.luma(folder, 3), chains.spatial(folder, 2)],
    "luma alone": lambda folder: [chains.luma(folder, 3), chains.luma(folder, 4, 0.5)],
    "window in between": lambda folder: [chains.spatial(folder), chains.temporal(folder), chains.spatial(folder, 2)],
    "windows": lambda folder: [chains.temporal(folder, 0, 2), chains.windowed(folder), chains.temporal(folder, 3, 0)],
    "a number": lambda folder: [chains.numbered(folder, 0.3), chains.temporal(folder), chains.spatial(folder)],
}
LARGER: dict[str, Calls] = {
    "larger at the end": lambda folder: [chains.spatial(folder), chains.larger(folder)],
    "larger in the middle": lambda folder: [chains.temporal(folder), chains.larger(folder), chains.spatial(folder, 2)],
    "half of larger": lambda folder: [chains.spatial(folder), chains.larger(folder, 0.5), chains.spatial(folder, 2)],
}
FLOATS = [vs.RGBS, vs.GRAYS, vs.YUV444PS, vs.YUV420PS]
WHOLE = [vs.RGB24, vs.RGB48, vs.GRAY8, vs.YUV420P8, vs.YUV422P10, vs.YUV444P16]


def soft(fmt: int, frames: int = FRAMES, **props: int) -> vs.VideoNode:
    rgb = core.get_video_format(fmt).color_family == vs.RGB
    clip = picture(64, 48, frames, fmt=fmt, _Matrix=0 if rgb else 1, **props)
    return clip.std.BoxBlur(hradius=1, vradius=1)


def one_by_one(clip: vs.VideoNode, calls: Sequence[ModelCall], models: Registry) -> vs.VideoNode:
    for call in calls:
        clip = call.on(clip, models=models)
    return clip


def furthest(a: vs.VideoNode, b: vs.VideoNode) -> float:
    assert (a.width, a.height, a.format.id, a.num_frames) == (b.width, b.height, b.format.id, b.num_frames)
    found = 0.0
    for n in range(a.num_frames):
        pairs = zip(planes(a, n), planes(b, n), strict=True)
        found = max(found, *(float(np.abs(x.astype(np.float64) - y).max()) for x, y in pairs))
    return found


@pytest.mark.parametrize("fmt", FLOATS, ids=lambda fmt: core.get_video_format(fmt).name)
@pytest.mark.parametrize("name", CHAINS)
def test_floats_are_those_of_separate_steps(name: str, fmt: int, tmp_path: Path, models: Registry) -> None:
    calls, clip = CHAINS[name](tmp_path), soft(fmt)
    separate = one_by_one(clip, calls, models)
    assert furthest(clip, separate) > 0.02, "the chain does something"
    assert furthest(run_calls(clip, calls, models=models), separate) < 1e-5


@pytest.mark.parametrize("fmt", WHOLE, ids=lambda fmt: core.get_video_format(fmt).name)
@pytest.mark.parametrize("name", CHAINS)
def test_integers_differ_by_the_roundings_in_between(name: str, fmt: int, tmp_path: Path, models: Registry) -> None:
    calls, clip = CHAINS[name](tmp_path), soft(fmt)
    separate = one_by_one(clip, calls, models)
    assert furthest(run_calls(clip, calls, models=models), separate) <= len(calls) - 1


@pytest.mark.parametrize(
    ("fmt", "most"),
    [(vs.RGBS, 1e-5), (vs.YUV444PS, 1e-5), (vs.RGB48, 2), (vs.YUV420P8, 3), (vs.YUV422P10, 3), (vs.YUV420PS, 1 / 1023)],
)
@pytest.mark.parametrize("name", LARGER)
def test_larger_pictures_are_those_of_separate_steps(
    name: str, fmt: int, most: float, tmp_path: Path, models: Registry
) -> None:
    calls, clip = LARGER[name](tmp_path), soft(fmt)
    result = run_calls(clip, calls, models=models)
    assert (result.width, result.height) == (128, 96)
    assert furthest(result, one_by_one(clip, calls, models)) <= most


@pytest.mark.parametrize("name", [*CHAINS, *LARGER])
def test_log_scans_go_through_as_in_separate_steps(name: str, tmp_path: Path, models: Registry) -> None:
    calls = (CHAINS | LARGER)[name](tmp_path)
    for fmt in (vs.RGBS, vs.RGB48):
        # Codes from about film base upwards, as scans have them.
        clip = core.akarin.Expr(soft(fmt), "x 0.7 * {} +".format("0.15" if fmt == vs.RGBS else "9830"))
        clip = clip.std.SetFrameProps(**{LOG: 1})
        separate = one_by_one(clip, calls, models)
        assert furthest(run_calls(clip, calls, models=models), separate) <= (1 / 1023 if fmt == vs.RGBS else 64)


@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_chroma_goes_through_its_own_samples(matrix: int, place: int, tmp_path: Path, models: Registry) -> None:
    calls = CHAINS["two"](tmp_path)
    clip = soft(vs.YUV420PS).std.SetFrameProps(_Matrix=matrix, _ChromaLocation=place)
    assert furthest(run_calls(clip, calls, models=models), one_by_one(clip, calls, models)) < 1e-5


@pytest.mark.parametrize("fmt", [vs.RGB24, vs.GRAY8, vs.YUV444P8])
@pytest.mark.parametrize("full", [vs.RANGE_FULL, vs.RANGE_LIMITED])
def test_what_the_format_cannot_hold_is_cut_off(fmt: int, full: int, tmp_path: Path, models: Registry) -> None:
    """Twice as bright, then half as bright: what was cut off in between does not come back."""
    twice = ModelCall(makers.affine(tmp_path / "a.onnx", 2, 0.0), Contract())
    half = ModelCall(makers.affine(tmp_path / "b.onnx", 0.5, 0.0), Contract())
    clip = soft(fmt).std.SetFrameProps(_Range=int(full))
    result = run_calls(clip, [twice, half], models=models)
    assert furthest(result, one_by_one(clip, [twice, half], models)) <= 1
    assert furthest(result, clip) > 20


@pytest.mark.parametrize("fmt", [vs.RGB24, vs.YUV420P10, vs.RGBS, vs.YUV422PS, vs.GRAYS])
@pytest.mark.parametrize("log", [0, 1])
def test_untouched_pixels_keep_their_bits(fmt: int, log: int, tmp_path: Path, models: Registry) -> None:
    same = ModelCall(makers.identity(tmp_path / "same.onnx"), Contract(), strength=0.7)
    half = ModelCall(makers.identity(tmp_path / "half.onnx", kind=makers.HALF), Contract(half=True))
    clip = soft(fmt, **{LOG: log})
    result = run_calls(clip, [half, same, half], models=models)
    assert hashes(result, range(FRAMES)) == hashes(clip, range(FRAMES))
    assert [frame.props["Number"] for frame in result.frames()] == list(range(FRAMES))


def test_one_call_is_the_call_itself(tmp_path: Path, models: Registry) -> None:
    clip, call = soft(vs.YUV420P8), chains.temporal(tmp_path)
    assert hashes(run_calls(clip, [call], models=models), range(FRAMES)) == hashes(
        call.on(clip, models=models), range(FRAMES)
    )
    assert run_calls(clip, [], models=models) is clip


def test_masks_and_pictures_go_to_their_own_network(tmp_path: Path, models: Registry) -> None:
    """Whatever frame a later window wants of a step, the step gets the mask of that frame."""
    clip = soft(vs.RGBS)
    mask = picture(64, 48, FRAMES, fmt=vs.GRAY8, seed=5)
    contract = Contract(extra=(ExtraInput("mask", "mask"),))
    masked = ModelCall(chains.masking(tmp_path / "m.onnx"), contract, clips={"mask": mask})
    calls = [chains.spatial(tmp_path), masked, chains.temporal(tmp_path)]
    assert furthest(run_calls(clip, calls, models=models), one_by_one(clip, calls, models)) < 1e-5
    wrong = replace(masked, clips={"mask": mask[:3]})
    with pytest.raises(vs.Error, match="size and length"):
        run_calls(clip, [chains.spatial(tmp_path), wrong], models=models)
    with pytest.raises(vs.Error, match="wants these clips: mask; given: none"):
        run_calls(clip, [chains.spatial(tmp_path), replace(masked, clips={})], models=models)


def test_sequences_and_frames_in_between_stand_alone(tmp_path: Path, models: Registry) -> None:
    sequence = ModelCall(makers.running_sum(tmp_path / "s.onnx", 0.3), Contract(layout="BTCHW", frames_out=3))
    pair = ModelCall(makers.between(tmp_path / "p.onnx", True), Contract(after=1, time="t"), time=0.5)
    assert not can_be_fused(sequence)
    assert not can_be_fused(pair)
    clip = soft(vs.RGBS)
    calls = [chains.spatial(tmp_path), sequence, chains.spatial(tmp_path, 2), chains.temporal(tmp_path), pair]
    assert furthest(run_calls(clip, calls, models=models), one_by_one(clip, calls, models)) < 1e-5


def test_a_second_enlargement_begins_a_new_chain(tmp_path: Path, models: Registry) -> None:
    clip = soft(vs.RGBS, 3)
    calls = [chains.larger(tmp_path), chains.spatial(tmp_path), chains.larger(tmp_path)]
    result = run_calls(clip, calls, models=models)
    assert (result.width, result.height) == (256, 192)
    assert furthest(result, one_by_one(clip, calls, models)) < 1e-5


class Counting:
    """How often each network ran, and how often each frame was shown."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.runs: Counter[tuple[str, int]] = Counter()
        plain = Network.pictures

        def counted(network: Network, number: int, *rest: Any) -> Any:
            self.runs[network._path.stem, number] += 1
            return plain(network, number, *rest)

        monkeypatch.setattr(Network, "pictures", counted)


@pytest.mark.alone
@pytest.mark.parametrize("lanes", [1, 4])
def test_a_network_runs_once_for_each_frame(
    lanes: int, threads: int, tmp_path: Path, models: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = 24
    counting = Counting(monkeypatch)
    shown: Counter[int] = Counter()

    def count(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        shown[n] += 1
        return f

    source = soft(vs.RGBS, frames)
    clip = core.std.ModifyFrame(source, source, count)
    calls = [chains.spatial(tmp_path, 1), chains.temporal(tmp_path, 3, 3), chains.temporal(tmp_path, 0, 2)]
    result = run_calls(clip, calls, models=models, lanes=lanes, kept=Results(0))
    for frame in result.frames(close=True):
        frame.close()
    assert set(counting.runs) == {(call.model.stem, n) for call in calls for n in range(frames)}
    assert set(counting.runs.values()) == {1}
    assert set(shown.values()) == {1}


def test_what_is_kept_is_bounded_and_let_go(tmp_path: Path, models: Registry) -> None:
    kept = Results(0)
    clip = soft(vs.RGBS, 40)
    result = run_calls(
        clip, [chains.spatial(tmp_path), chains.temporal(tmp_path, 3, 3)], models=models, lanes=2, kept=kept
    )
    most = 0
    for frame in result.frames(close=True):
        frame.close()
        most = max(most, kept.held)
    picture_size = 64 * 48 * 3 * 4
    assert 7 * picture_size <= most <= 2 * (7 + 3) * picture_size
    del result, frame
    gc.collect()
    assert (kept.held, len(kept)) == (0, 0)


def test_errors_name_the_network_and_the_frame(tmp_path: Path, models: Registry) -> None:
    broken = ModelCall(makers.affine(tmp_path / "broken.onnx", float("inf"), 0.0), Contract())
    result = run_calls(soft(vs.RGBS), [chains.spatial(tmp_path), broken, chains.temporal(tmp_path)], models=models)
    with pytest.raises(vs.Error, match=r"broken\.onnx.*no numbers"):
        result.get_frame(2)
    with pytest.raises(vs.Error, match=r"broken\.onnx.*no numbers"):
        result.get_frame(2)


@pytest.mark.footage
def test_a_real_network_in_a_chain(footage: Callable[[str], Path], tmp_path: Path, models: Registry) -> None:
    contract = Contract(layout="stacked", before=3, after=3, half=True)
    temporal = ModelCall(footage("weights/temporalfix_s1_v1.1_op18_fp16.onnx"), contract)
    source = core.bs.VideoSource(str(footage("clips/film_apollo_16mm_colour.mp4")), cachemode=0)
    clip = source[40:44].std.CropAbs(192, 160, 160, 40)
    calls = [temporal, chains.spatial(tmp_path)]
    result = run_calls(clip, calls, models=models)
    assert furthest(result, one_by_one(clip, calls, models)) <= 1
    assert furthest(result, clip) > 1
