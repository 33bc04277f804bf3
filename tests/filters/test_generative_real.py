"""Real architectures with random weights in the steps that invent, and real faces found for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import vapoursynth as vs

import vsfilmrestore as fr
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
    with fr.restore_faces(clip, 1.0, model="rf").get_frame(1) as frame:
        after, told = np.array(frame[0]), cast(Any, frame.props[mask_prop("restore_faces")])
        mask = np.array(told[0])
    rows, columns = np.nonzero(mask)
    # His head stands at about (205, 85).
    assert 165 < columns.min() < 200 < 215 < columns.max() < 245
    assert 50 < rows.min() < 75 < 95 < rows.max() < 130
    assert np.array_equal(source[mask == 0], after[mask == 0])
    assert np.abs(source[70:100, 195:215].astype(int) - after[70:100, 195:215]).mean() > 10


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
    from spandrel.architectures.GFPGAN import GFPGAN

    module = GFPGAN(
        out_size=512, num_style_feat=512, channel_multiplier=2, decoder_load_path=None, fix_decoder=False, num_mlp=8,
        input_is_latent=True, different_w=True, narrow=1, sft_half=True,
    )  # fmt: skip
    card = added(save_net(tmp_path / "gfpgan.safetensors", module), "gfpgan", "")
    contract = card.contract
    assert (card.task, contract.low, contract.high, contract.size) == ("faces", -1.0, 1.0, (512, 512))
    assert not contract.tiled
