"""Faces: what YuNet's outputs say, and what it finds in real films."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.errors import ModelError, plain_text
from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.inference.faces import YUNET, decode_yunet, find_faces
from vsfilmrestore.inference.on_regions import run_on_regions
from vsfilmrestore.inference.regions import overlap, regions_of, steady
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.inference.runtimes.base import Array
from vsfilmrestore.models.card import read_card
from vsfilmrestore.models.contract import Contract
from vsfilmrestore.models.places import own_folder

from .makers import affine, array, hashes, identity, picture

core = vs.core

SIZE = (64, 96)
FILE = Path("faces.onnx")


def heads() -> dict[str, Array]:
    """Outputs that tell of no face."""
    found = {}
    for stride in (8, 16, 32):
        cells = SIZE[0] * SIZE[1] // stride**2
        for name, values in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            found[f"{name}_{stride}"] = np.zeros((1, cells, values), np.float32)
    return found


def put(found: dict[str, Array], stride: int, row: int, column: int, sure: tuple[float, float], size: float) -> None:
    cell = row * (SIZE[1] // stride) + column
    found[f"cls_{stride}"][0, cell], found[f"obj_{stride}"][0, cell] = sure
    found[f"bbox_{stride}"][0, cell] = (0.5, 0.25, np.log(size / stride), np.log(2 * size / stride))
    found[f"kps_{stride}"][0, cell] = np.arange(10) / 10


def test_boxes_and_points_are_read_off_their_cells() -> None:
    found = heads()
    put(found, 16, 2, 3, (0.81, 0.64), 20)
    (face,) = decode_yunet(found, SIZE, FILE, least=0.7)
    middle = (16 * 3.5, 16 * 2.25)
    assert np.allclose(face.numbers[:4], (middle[0] - 10, middle[1] - 20, 20, 40))
    assert np.allclose(face.points, [(48 + 3.2 * i, 32 + 3.2 * i + 1.6) for i in range(5)])
    assert face.score == pytest.approx(0.72)
    assert decode_yunet(found, SIZE, FILE, least=0.73) == []


def test_of_faces_on_one_another_the_surest_is_kept() -> None:
    found = heads()
    put(found, 8, 1, 1, (0.9, 0.9), 16)
    put(found, 8, 1, 2, (1.4, 1.0), 16)
    put(found, 32, 1, 2, (0.8, 0.8), 30)
    faces = decode_yunet(found, SIZE, FILE, shared=0.3)
    assert [round(face.score, 2) for face in faces] == [1, 0.8]
    assert len(decode_yunet(found, SIZE, FILE, shared=0.9)) == 3
    assert len(decode_yunet(found, SIZE, FILE, shared=0.9, most=2)) == 2


def test_no_box_is_larger_than_numbers_go() -> None:
    found = heads()
    put(found, 8, 1, 1, (0.9, 0.9), 16)
    found["bbox_8"][:] = 1e4
    (face,) = decode_yunet(found, SIZE, FILE)
    assert np.isfinite(face.numbers).all()


@pytest.mark.parametrize("wrong", ["cls_8", "kps_32"])
def test_outputs_of_another_network_are_told(wrong: str) -> None:
    found = heads()
    del found[wrong]
    with pytest.raises(ModelError, match=rf"faces.onnx: has no output '{wrong}' of \d+ x \d+, as YuNet has"):
        decode_yunet(found, SIZE, FILE)


def test_another_network_is_told_when_a_frame_is_wanted(tmp_path: Path, models: Registry) -> None:
    clip = find_faces(picture(), identity(tmp_path / "m.onnx"), models=models)
    assert models.loads == 0
    with pytest.raises(vs.Error) as caught:
        clip.get_frame(0)
    assert "m.onnx: has no output 'cls_8' of 32 x 1, as YuNet has" in plain_text(caught.value)


def test_our_card_says_what_yunet_wants() -> None:
    assert read_card(own_folder() / "yunet-n.toml").contract == YUNET


type Find = Callable[[str], Path]


def film(footage: Find, name: str) -> vs.VideoNode:
    return core.bs.VideoSource(str(footage(f"clips/{name}")), cachemode=0)


@pytest.mark.footage
def test_faces_of_real_films_are_found(footage: Find, models: Registry) -> None:
    path = footage("weights/yunet_n_dynamic.onnx")
    clip = find_faces(film(footage, "film_his_girl_friday_1940.mp4"), path, models=models)
    with clip.get_frame(63) as frame:
        (face,) = regions_of(frame.props)
    assert 380 < face.left < 410 < 440 < face.left + face.width < 470  # the woman with the hat
    assert 55 < face.top < 80 < 130 < face.top + face.height < 155
    right_eye, left_eye, nose, right_mouth, left_mouth = face.points
    assert right_eye[0] < left_eye[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])

    signer = film(footage, "face_asl_sister.mkv")
    counts = [len(regions_of(f.props)) for f in find_faces(signer, path, models=models)[:20].frames(close=True)]
    assert counts == [1] * 20
    street = find_faces(film(footage, "film_market_street_1906.mkv"), path, models=models)
    assert sum(len(regions_of(f.props)) for f in street[:20].frames(close=True)) == 0  # none is larger than 8 pixels


@pytest.mark.footage
@pytest.mark.parametrize("size", [(320, 240), (1600, 1200), (646, 482)])
def test_faces_are_found_in_any_size_and_format(size: tuple[int, int], footage: Find, models: Registry) -> None:
    path = footage("weights/yunet_n_dynamic.onnx")
    signer = film(footage, "face_asl_sister.mkv")[:1]
    (wanted,) = regions_of(find_faces(signer, path, models=models).get_frame(0).props)
    other = signer.resize.Bicubic(*size, format=vs.RGB48, matrix_in_s="170m")
    (face,) = regions_of(find_faces(other, path, models=models).get_frame(0).props)
    scale = np.array([640 / size[0], 480 / size[1]] * 7)
    assert overlap(wanted, face.moved(face.numbers * scale)) > 0.85


@pytest.mark.footage
def test_faces_of_a_real_film_are_run_in_any_order(
    footage: Find, tmp_path: Path, models: Registry, threads: int
) -> None:
    clip = film(footage, "film_within_our_gates_1920.mkv")[8:14]
    faces = steady(find_faces(clip, footage("weights/yunet_n_dynamic.onnx"), models=models), 2)
    path = affine(tmp_path / "m.onnx", 1.3, -0.1)
    orders = ([0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [3, 0, 5, 1, 4, 2])
    seen = {tuple(hashes(run_on_regions(clip, ModelCall(path, Contract()), faces, side=128, models=models), order))
            for order in orders}  # fmt: skip
    assert len(seen) == 1

    (face,) = regions_of(faces.get_frame(2).props)
    result = run_on_regions(clip, ModelCall(path, Contract()), faces, side=128, models=models)
    grey = [array(each.resize.Point(format=vs.GRAY8), 2)[0].astype(int) for each in (clip, result)]
    changed = np.argwhere(grey[0] != grey[1])
    assert face.left - face.width < changed[:, 1].min() < changed[:, 1].max() < face.left + 2 * face.width
    assert face.top - face.height < changed[:, 0].min() < changed[:, 0].max() < face.top + 2 * face.height
