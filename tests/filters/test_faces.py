"""Faces: what each gets, how they are followed, what is brought out of them, and what the guard lets through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import vapoursynth as vs

import vsfilmrestore as fr
from tests.filters.generative import with_inventing
from tests.filters.networks import added
from tests.inference import makers
from tests.inference.makers import hashes, orders, planes, streamed
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.filters._face_detail import detailed
from vsfilmrestore.filters._face_finder import FaceFinder, _cascade_finder, face_blur, face_finder
from vsfilmrestore.filters._face_guard import around, likeness_of, locked
from vsfilmrestore.filters._face_laid import Making, _stopped, doses_of, ellipse
from vsfilmrestore.filters._face_told import COUNTS, WHY
from vsfilmrestore.filters._face_tracks import Face, eye_distance, face_noise, faces_of, found_by, measured, tracked
from vsfilmrestore.inference.regions import Region
from vsfilmrestore.models.add import add
from vsfilmrestore.models.zoo import Zoo

core = vs.core

FACE = Region(56, 40, 48, 60, ((68.0, 62.0), (92.0, 62.0), (80.0, 75.0), (70.0, 86.0), (90.0, 86.0)), 0.9)
SHAPE = (140, 160)


def drawn(blur: float = 1.5, seed: int = 1) -> Any:
    """Luma of something with light and shade, eyes and a mouth at `FACE`."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32)
    luma = 0.35 + 0.3 * np.exp(-(((x - 80) / 30) ** 2) - ((y - 70) / 38) ** 2) + 0.08 * np.sin((x + y) / 19)
    for (px, py), depth in zip(FACE.points, (0.3, 0.3, 0.1, 0.2, 0.2), strict=True):
        luma -= depth * np.exp(-(((x - px) / 5) ** 2) - ((y - py) / 2.5) ** 2)
    luma += 0.06 * np.random.default_rng(seed).standard_normal(SHAPE)  # hair and skin
    return cv2.GaussianBlur(luma.astype(np.float32), (0, 0), blur)


def rgb(luma: Any) -> Any:
    return np.stack([luma, 0.9 * luma, 0.8 * luma])


def film(frames: int = 5, fmt: int = vs.YUV420P8, noise: float = 0.0) -> vs.VideoNode:
    picture, rng = rgb(drawn()), np.random.default_rng(2)
    told = [picture + noise * rng.standard_normal(SHAPE) for _ in range(frames)]
    blank = core.std.BlankClip(format=vs.RGBS, width=SHAPE[1], height=SHAPE[0], length=frames, keep=True)

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for plane in range(3):
            np.copyto(np.asarray(frame[plane]), told[n][plane])
        return frame

    matrix = "709" if core.get_video_format(fmt).color_family in (vs.YUV, vs.GRAY) else None
    return core.std.ModifyFrame(blank, blank, draw).resize.Bicubic(format=fmt, matrix_s=matrix)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks for faces finds `FACE`, without landmarks of its own to compare."""
    import sys

    finder = FaceFinder("cascade", lambda picture: [FACE], 640, "known")
    monkeypatch.setattr(sys.modules["vsfilmrestore.filters.restore_faces"], "face_finder", lambda *_: finder)


def props_of(clip: vs.VideoNode, n: int = 0) -> dict[str, Any]:
    with clip.get_frame(n) as frame:
        told = {kind: frame.props[prop] for kind, prop in COUNTS.items()}
        return {**told, **({"why": frame.props[WHY]} if WHY in frame.props else {})}


def mask() -> Any:
    return ellipse(FACE, *SHAPE)


def test_blur_of_a_face_is_measured() -> None:
    found = [face_blur(drawn(blur), FACE) for blur in (0.7, 1.5, 3.0)]
    assert found == sorted(found)
    assert found[1] == pytest.approx(1.5, rel=0.35)
    assert face_blur(drawn(), FACE.moved([500, 500, 40, 40])) == 12


def test_noise_of_a_face_is_measured() -> None:
    noisy = drawn(3.0) + 0.02 * np.random.default_rng(3).standard_normal(SHAPE)
    assert face_noise(noisy, FACE) == pytest.approx(0.02, rel=0.25)
    assert face_noise(drawn(3.0), FACE) < 0.002


def test_doses_follow_quality_without_jumps() -> None:
    def doses(size: float, blur: float, mode: str) -> tuple[float, float]:
        found = doses_of(Face(Region(0, 0, size, size), blur, 0.0), mode, 32)
        return found.detail, found.generative

    assert doses(30, 1.0, "auto") == doses(30, 1.0, "generative") == (0, 0)
    assert doses(60, 3.0, "auto") == (0, 1)  # poor
    assert doses(60, 3.0, "generative") == (0, 1)
    assert doses(90, 1.0, "auto") == doses(90, 1.0, "detail") == (1, 0)  # medium
    assert doses(800, 0.8, "detail") == doses(800, 0.8, "auto") == (0, 0)  # good enough
    assert doses(40, 3.0, "detail") == (0, 0)  # nothing there to bring out
    steps = np.array([doses(60, blur, "auto") for blur in np.linspace(0.5, 4, 200)])
    assert np.abs(np.diff(steps, axis=0)).max() < 0.1
    assert (steps.sum(axis=1) <= 1.001).all()


def test_detail_comes_nearer_to_what_was_lost_and_does_not_lift_noise() -> None:
    sharp, soft = drawn(1.0), cv2.GaussianBlur(drawn(1.0), (0, 0), 1.2)
    made = detailed(soft, 1.6, 0.0)
    face = mask() > 0.5
    assert np.mean((made - sharp)[face] ** 2) < 0.6 * np.mean((soft - sharp)[face] ** 2)
    noise = (0.02 * np.random.default_rng(4).standard_normal(SHAPE)).astype(np.float32)
    lifted = detailed(0.5 + noise, 1.5, 0.02) - 0.5
    assert lifted.std() < 1.15 * noise.std()
    assert detailed(0.5 + noise, 1.5, 0.0).std() > 1.3 * noise.std()  # it is the noise level that holds it back


def test_low_frequencies_are_locked() -> None:
    eyes = eye_distance(FACE)
    light = np.full((3, *SHAPE), 0.2, np.float32)
    assert np.abs(locked(light, eyes)).max() < 1e-5
    fine = rgb(np.indices(SHAPE).sum(axis=0) % 2 - 0.5).astype(np.float32) * 0.1
    assert np.abs(locked(fine, eyes) - fine).max() < 0.01


def judged(change: Any, blur: float = 1.5, landmarks: Any = None) -> str:
    seen = rgb(drawn(blur)).astype(np.float32)
    return likeness_of(seen, change.astype(np.float32), mask(), FACE, blur, landmarks).fault


def test_the_guard_lets_a_better_face_through_and_no_other() -> None:
    better = rgb(drawn(0.8) - drawn(1.5))
    assert judged(better) == ""
    assert judged(better + np.array([0.06, 0.0, -0.04])[:, None, None]) == ""  # its colours are locked
    rng = np.random.default_rng(5)
    assert judged(0.3 * rng.standard_normal((3, *SHAPE))) != ""
    blobs = np.stack([cv2.GaussianBlur(rng.standard_normal(SHAPE), (0, 0), 12) for _ in range(3)])
    assert judged(0.4 * blobs / blobs.std() - rgb(drawn())) == "shape"
    assert judged(rgb(drawn()[:, ::-1] - drawn())) == "shape"
    assert judged(np.full((3, *SHAPE), np.nan)) == "shape"
    assert judged(rgb(0.12 * rng.standard_normal(SHAPE)), blur=0.8) == "likeness"
    assert judged(rgb(0.05 * rng.standard_normal(SHAPE)), blur=3.0) == "roughness"


def test_the_guard_stops_landmarks_that_move() -> None:
    def finder(by: float) -> Callable[[Any], Sequence[Region]]:
        """Finds the drawn face; in the second of two pictures its mouth is lower by so many distances of the eyes."""
        asked = [0]

        def find(picture: Any) -> list[Region]:
            asked[0] += 1
            scale = (picture.shape[1] - 8) / SHAPE[0]
            points = np.array(FACE.points) + [[0, (asked[0] > 8) * by * 24 * (place > 2)] for place in range(5)]
            return [Region(0, 0, 1, 1, tuple(map(tuple, points * scale)), 0.9)]

        return find

    seen = rgb(drawn()).astype(np.float32)
    found = [likeness_of(seen, 0 * seen, mask(), FACE, 1.5, finder(by)) for by in (0.0, 0.025, 0.1)]
    assert [each.drift for each in found] == pytest.approx([0, 0.01, 0.04], abs=0.002)
    assert [each.fault for each in found] == ["", "", "landmarks"]
    assert likeness_of(seen, 0 * seen, mask(), FACE, 1.5, lambda _picture: []).fault == ""


def test_a_face_fades_out_towards_a_frame_in_which_it_was_stopped() -> None:
    making = Making(1.0, "detail", 32, None, True, 2)
    face, elsewhere = Face(FACE, 1.0, 0.0), Face(FACE.moved(FACE.numbers + 200), 1.0, 0.0)
    fine = ([elsewhere, face], ["shape", ""])
    for step, left in ((0, 0.0), (1, 1 / 3), (-2, 2 / 3)):
        verdicts = dict.fromkeys(range(-2, 3), fine) | {step: ([face], ["colour"])}
        found, fault = _stopped(face, verdicts, making)
        assert found == pytest.approx(left)
        assert fault == ("colour" if step == 0 else "")
    assert _stopped(face, {0: ([elsewhere], ["shape"]), 1: fine}, making) == (1.0, None)


@pytest.mark.parametrize("fmt", [vs.YUV420P8, vs.YUV422P10, vs.GRAY16, vs.RGBS, vs.GRAYH])
def test_detail_of_faces_alone_is_brought_out(fmt: int, known: None) -> None:
    clip = film(3, fmt)
    made = fr.restore_faces(clip, 1.0, mode="detail")
    before, after = planes(clip, 1)[0].astype(float), planes(made, 1)[0].astype(float)
    outside = mask() == 0
    assert np.array_equal(before[outside], after[outside])
    face = mask() > 0.9
    assert after[face].std() > before[face].std()
    assert after[face].mean() == pytest.approx(before[face].mean(), rel=0.01)
    told = props_of(made, 1)
    assert told == {"found": 1, "detail": 1, "generative": 0, "left": 0, "stopped": 0}
    assert streamed(fr.restore_faces(clip, 0.0, mode="detail")) == streamed(clip)


def test_faces_too_small_are_left_and_counted(known: None) -> None:
    clip = film(2)
    made = fr.restore_faces(clip, 1.0, mode="detail", smallest=80)
    assert streamed(made) == streamed(clip)
    assert props_of(made)["left"] == 1


def test_detail_is_the_same_in_any_order(known: None) -> None:
    clip = film(6, noise=0.01)
    made = fr.restore_faces(clip, 0.8, mode="detail", calm=3)
    assert {tuple(hashes(made, order)) for order in orders(6).values()} == {tuple(streamed(made))}
    assert FILTERS["restore_faces"].reach({"mode": "detail", "calm": 3}) == 3


def test_tracks_tremble_less_than_what_was_found() -> None:
    rng = np.random.default_rng(6)
    shakes = [rng.normal(0, 1.0, len(FACE.numbers)) for _ in range(12)]
    count = [0]

    def shaking(_picture: Any, _smallest: float) -> list[Region]:
        count[0] += 1
        return [FACE.moved(FACE.numbers + shakes[count[0] - 1])]

    core.num_threads, before = 1, core.num_threads
    try:
        clip = film(12)
        found = found_by(clip, shaking, 0)
        kept = [f.copy() for f in found.frames()]
        held = core.std.ModifyFrame(clip, clip, lambda n, f: kept[n])
        tracks = [faces_of(f)[0] for f in tracked(measured(clip, held), 4).frames()]
    finally:
        core.num_threads = before
    raw = np.array([FACE.numbers + shake for shake in shakes])
    calm = np.array([face.region.numbers for face in tracks])
    assert calm[4:8].std(axis=0).mean() < 0.5 * raw[4:8].std(axis=0).mean()
    assert all(0.5 < face.blur < 4 for face in tracks)


def test_without_anything_that_finds_faces_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setattr(sys.modules["vsfilmrestore.filters.restore_faces"], "face_finder", lambda *_: None)
    with pytest.raises(vs.Error, match=r"restore_faces: nothing here finds faces.*models get yunet-n"):
        fr.restore_faces(film(1), 1.0, mode="detail")
    with pytest.raises(Exception, match="nothing here finds faces"):
        FILTERS["restore_faces"].network(FILTERS["restore_faces"].complete({"mode": "detail"}))


def test_a_model_that_makes_something_else_is_stopped(
    zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in for YuNet finds white squares; 'upside' turns black into white."""
    from tests.filters.generative import moving_face

    with_inventing(tmp_path, monkeypatch)
    added(makers.affine(tmp_path / "files" / "up.onnx", -1.0, 1.0), "upside", "faces")
    clip = moving_face(frames=1)
    made = fr.restore_faces(clip, 0.3, mode="generative", model="upside")
    assert streamed(made) == streamed(clip)
    assert props_of(made)["stopped"] == 1
    assert props_of(made)["why"] == "shape"
    bare = fr.restore_faces(clip, 0.3, mode="generative", model="upside", guard=False)
    assert streamed(bare) != streamed(clip)


type Footage = Callable[[str], Path]


def real(footage: Footage, name: str, n: int) -> Any:
    clip = core.bs.VideoSource(str(footage(f"clips/{name}")), cachemode=0)
    frame = clip.resize.Bicubic(format=vs.RGBS, matrix_in_s="170m").get_frame(n)
    return np.stack([np.asarray(frame[p]) for p in range(3)])


@pytest.mark.footage
def test_faces_of_films_are_found_without_a_runtime(footage: Footage, zoo: Path) -> None:
    signer = real(footage, "face_asl_sister.mkv", 0)
    (roughly,) = _cascade_finder()(signer)
    assert not roughly.points
    assert add(footage("weights/yunet_n_dynamic.onnx"), Zoo.open())
    finder = face_finder()
    assert finder is not None
    assert finder.kind == "yunet"
    (face,) = finder(signer)
    assert (face.left, face.top) == pytest.approx((269, 98), abs=4)
    assert abs(face.left - roughly.left) < 12
    assert 0.7 < face_blur(signer[1], face) < 1.4


@pytest.mark.footage
def test_the_guard_knows_a_face_from_another(footage: Footage, zoo: Path) -> None:
    add(footage("weights/yunet_n_dynamic.onnx"), Zoo.open())
    finder = face_finder(0.5)
    assert finder is not None
    one, other = (real(footage, f"face_asl_{name}.mkv", 0) for name in ("sister", "brother"))
    (face,), (theirs,) = finder(one), finder(other)
    matrix, _ = cv2.estimateAffinePartial2D(np.array(theirs.points), np.array(face.points))
    stranger = np.stack([cv2.warpAffine(p, matrix, (640, 480), flags=cv2.INTER_CUBIC) for p in other])
    soft = np.stack([cv2.GaussianBlur(p, (0, 0), 2.0) for p in one])
    rows, columns = around(face, 480, 640)
    numbers = face.numbers - np.concatenate(
        [[columns.start, rows.start, 0, 0], np.tile([columns.start, rows.start], 5)]
    )
    here = face.moved(numbers)

    def fault(seen: Any, made: Any) -> str:
        seen, made = seen[:, rows, columns], made[:, rows, columns]
        part = ellipse(here, *seen.shape[1:])
        return likeness_of(seen, made - seen, part, here, face_blur(seen[1], here), finder).fault

    assert fault(soft, one) == ""  # a perfect repair
    assert fault(soft, stranger) == fault(one, stranger) == "shape"
