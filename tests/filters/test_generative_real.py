"""Real architectures with random weights in the steps that invent, and real faces found for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import vapoursynth as vs

import vsfilmrestore as fr
from tests.filters.generative import UNGUARDED
from tests.filters.networks import added
from tests.inference import makers
from tests.inference.makers import array, hashes, picture, planes
from tests.inference.torch_makers import save_net, torch
from vsfilmrestore.media.props import mask_prop
from vsfilmrestore.models.add import add
from vsfilmrestore.models.zoo import Zoo

core = vs.core

type Footage = Callable[[str], Path]

pytestmark = pytest.mark.usefixtures("zoo")


def restoreformer(path: Path) -> Path:
    """A small one."""
    from spandrel.architectures.RestoreFormer import RestoreFormer

    torch.manual_seed(0)
    module = RestoreFormer(
        n_embed=16, embed_dim=32, ch=32, out_ch=3, ch_mult=(1, 1, 1, 2), num_res_blocks=1, attn_resolutions=(16,),
        dropout=0.0, in_channels=3, resolution=512, z_channels=32, double_z=False, enable_mid=True, head_size=8,
    )  # fmt: skip
    return save_net(path, module.eval())


def gfpgan() -> Any:
    from spandrel.architectures.GFPGAN import GFPGAN

    torch.manual_seed(0)
    return GFPGAN(
        out_size=512, num_style_feat=512, channel_multiplier=2, decoder_load_path=None, fix_decoder=False, num_mlp=8,
        input_is_latent=True, different_w=True, narrow=1, sft_half=True,
    )  # fmt: skip


def film(footage: Footage, name: str) -> vs.VideoNode:
    return core.bs.VideoSource(str(footage(f"clips/{name}")), cachemode=0)


def mask_of(clip: vs.VideoNode, n: int) -> Any:
    with clip.get_frame(n) as frame:
        mask: Any = frame.props[mask_prop("restore_faces")]
        return np.array(mask[0])


@pytest.mark.slow
@pytest.mark.footage
def test_a_face_network_of_torch_redraws_the_face_of_a_film(footage: Footage, tmp_path: Path) -> None:
    add(footage("weights/yunet_n_dynamic.onnx"), Zoo.open())
    card = added(restoreformer(tmp_path / "rf.safetensors"), "rf", "")
    assert (card.task, card.architecture, card.contract.tiled) == ("faces", "RestoreFormer", False)
    clip = film(footage, "film_within_our_gates_1920.mkv")[8:11]
    source = planes(clip, 1)[0]
    with fr.restore_faces(clip, 1.0, model="rf", **UNGUARDED).get_frame(1) as frame:
        after, told = np.array(frame[0]), cast(Any, frame.props[mask_prop("restore_faces")])
        mask = np.array(told[0])
    rows, columns = np.nonzero(mask)
    # His head stands at about (205, 85).
    assert 165 < columns.min() < 200 < 215 < columns.max() < 245
    assert 50 < rows.min() < 75 < 95 < rows.max() < 130
    assert np.array_equal(source[mask == 0], after[mask == 0])
    assert np.abs(source[70:100, 195:215].astype(int) - after[70:100, 195:215]).mean() > 10


@pytest.mark.slow
@pytest.mark.footage
def test_random_weights_are_stopped_by_the_guard(footage: Footage, tmp_path: Path) -> None:
    """RestoreFormer makes noise of them, a stand-in for any that does; the film keeps its bits."""
    add(footage("weights/yunet_n_dynamic.onnx"), Zoo.open())
    added(restoreformer(tmp_path / "rf.safetensors"), "rf", "")
    clip = film(footage, "film_within_our_gates_1920.mkv")[9:10]
    with fr.restore_faces(clip, 1.0, mode="generative", model="rf").get_frame(0) as frame:
        assert (frame.props["_VsfrCount_restore_faces_found"], frame.props["_VsfrCount_restore_faces_stopped"]) == (
            1,
            1,
        )
        assert frame.props["_VsfrFacesWhy"] in ("shape", "landmarks")
        assert frame.props["_VsfrChanged_restore_faces"] == 0
        for plane, source in enumerate(planes(clip, 0)):
            assert np.array_equal(source, np.asarray(frame[plane]))


@pytest.mark.slow
@pytest.mark.footage
def test_a_gfpgan_of_random_weights_is_stopped_by_the_guard(footage: Footage, tmp_path: Path) -> None:
    """It makes smooth blobs: once their low frequencies are locked, a slightly softer face would be left of them."""
    add(footage("weights/yunet_n_dynamic.onnx"), Zoo.open())
    added(save_net(tmp_path / "gfpgan.safetensors", gfpgan()), "gfpgan", "")
    clip = film(footage, "film_his_girl_friday_1940.mp4")[63:64]
    with fr.restore_faces(clip, 0.3, mode="generative", model="gfpgan").get_frame(0) as frame:
        assert (frame.props["_VsfrCount_restore_faces_found"], frame.props["_VsfrCount_restore_faces_stopped"]) == (
            1,
            1,
        )
        assert frame.props["_VsfrFacesWhy"] == "shape"
        for plane, source in enumerate(planes(clip, 0)):
            assert np.array_equal(source, np.asarray(frame[plane]))


def sharpener(path: Path) -> Path:
    """Compact with weights set by hand: what it adds to a picture is some of its Laplacian."""
    from spandrel.architectures.Compact import Compact

    module = Compact(num_feat=8, num_conv=1, upscale=1).eval()
    delta, laplace = torch.zeros(3, 3), -torch.tensor([[1.0, 2, 1], [2, -12, 2], [1, 2, 1]]) / 16
    delta[1, 1] = 1
    with torch.no_grad():
        for value in module.parameters():
            value.zero_()
        for place in range(3):
            module.body[0].weight[place, place] = delta
            module.body[2].weight[place, place] = delta
            module.body[4].weight[place, place] = 30 * laplace
        for place in (1, 3):
            module.body[place].weight.fill_(1)  # PReLU that lets all through
    return save_net(path, module)


@pytest.mark.footage
def test_a_network_of_torch_that_keeps_the_face_passes_the_guard(footage: Footage, tmp_path: Path) -> None:
    """The whole way: found, followed, cut out, run through spandrel, locked, judged, laid back."""
    add(footage("weights/yunet_n_dynamic.onnx"), Zoo.open())
    card = added(sharpener(tmp_path / "compact.safetensors"), "compact", "faces")
    assert card.architecture == "RealESRGAN Compact"
    clip = film(footage, "face_asl_sister.mkv")[:1]
    source = planes(clip, 0)[0].astype(int)
    with fr.restore_faces(clip, 1.0, mode="generative", model="compact").get_frame(0) as frame:
        made = np.array(frame[0]).astype(int)
        assert (
            frame.props["_VsfrCount_restore_faces_generative"],
            frame.props["_VsfrCount_restore_faces_stopped"],
        ) == (1, 0)
    face, beyond = np.s_[110:180, 275:325], np.s_[300:, :]
    assert np.abs(made - source)[face].mean() > 0.3
    assert made[face].std() > source[face].std()
    assert made[face].mean() == pytest.approx(source[face].mean(), abs=0.3)
    assert np.array_equal(made[beyond], source[beyond])


@pytest.mark.footage
def test_faces_of_several_people_and_films(footage: Footage, tmp_path: Path) -> None:
    add(footage("weights/yunet_n_dynamic.onnx"), Zoo.open())
    added(makers.affine(tmp_path / "files" / "f.onnx", 0.8, 0.0), "darker", "faces")
    for name, frame, box in (
        ("face_asl_sister.mkv", 0, None),
        ("film_his_girl_friday_1940.mp4", 63, (380, 55, 470, 155)),
    ):
        clip = film(footage, name)[max(frame - 2, 0) : frame + 3]
        n = min(frame, 2)
        made = fr.restore_faces(clip, 1.0, model="darker")
        mask = mask_of(made, n)
        assert 0.002 < (mask > 0).mean() < 0.3
        if box is not None:
            left, top, right, bottom = box
            around = np.zeros_like(mask, bool)
            around[top - 40 : bottom + 30, left - 40 : right + 40] = True
            assert not (mask > 0)[~around].any()
        for plane, (source, after) in enumerate(zip(planes(clip, n), planes(made, n), strict=True)):
            here = mask[::2, ::2] | mask[1::2, ::2] | mask[::2, 1::2] | mask[1::2, 1::2] if plane else mask
            assert np.array_equal(source[here == 0], after[here == 0])
    crowd = film(footage, "film_market_street_1906.mkv")[:1]
    assert hashes(fr.restore_faces(crowd, 1.0, model="darker"), [0]) == hashes(crowd, [0])


@pytest.mark.slow
def test_lama_paints_the_hole(tmp_path: Path) -> None:
    from spandrel.architectures.LaMa import LaMa

    torch.manual_seed(0)
    module = LaMa(in_nc=4, out_nc=3).eval()
    card = added(save_net(tmp_path / "lama.safetensors", module), "lama", "")
    assert (card.task, [each.kind for each in card.contract.extra]) == ("inpaint", ["mask"])
    clip = picture(64, 48, 1)
    made = array(fr.fill(clip, model="lama", only=[(16, 8, 40, 30)]), 0)
    mask = torch.zeros(1, 1, 48, 64)
    mask[..., 8:30, 16:40] = 1
    with torch.inference_mode():
        wanted = module(torch.from_numpy(array(clip, 0))[None], mask)[0].numpy()
    assert np.allclose(made, wanted, atol=1e-4)
    hole = mask[0, 0].numpy() > 0
    assert np.array_equal(made[:, ~hole], array(clip, 0)[:, ~hole])


@pytest.mark.slow
def test_gfpgan_sees_black_as_minus_one_and_faces_of_one_size(tmp_path: Path) -> None:
    """Nothing is run: one face takes seconds."""
    card = added(save_net(tmp_path / "gfpgan.safetensors", gfpgan()), "gfpgan", "")
    contract = card.contract
    assert (card.task, contract.low, contract.high, contract.size) == ("faces", -1.0, 1.0, (512, 512))
    assert not contract.tiled
