"""Simulated fading of film, and the training of the network that reads it."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

from vsfilmrestore.filters import _fade_network as run
from vsfilmrestore.filters._fade_colour import delta_e, lab, to_density
from vsfilmrestore.filters._fade_statistics import Statistics, statistics_of

torch = pytest.importorskip("torch", reason="training needs torch: pip install vsfilmrestore[torch]")

dyes: ModuleType = importlib.import_module("fading.dyes")
film: ModuleType = importlib.import_module("fading.film")
spectral: ModuleType = importlib.import_module("fading.spectral")
reels: ModuleType = importlib.import_module("fading.reels")
lessons: ModuleType = importlib.import_module("fading.lessons")
course: ModuleType = importlib.import_module("fading.course")
network: ModuleType = importlib.import_module("fading.network")
exporting: ModuleType = importlib.import_module("fading.export")

pytestmark = pytest.mark.usefixtures("one_thread")

STOCKS = [film.Film, dyes.Dyes, spectral.SpectralFilm]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight soft pictures."""
    folder = tmp_path_factory.mktemp("fade")
    rng = np.random.default_rng(1)
    for n in range(8):
        small = (rng.random((9, 12, 3)) ** 1.5 * 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"p{n}.png"), cv2.resize(small, (160, 120), interpolation=cv2.INTER_CUBIC))
    return folder


@pytest.fixture(scope="module")
def some(pictures: Path) -> dict[str, Any]:
    sights = reels.Sights(pictures)
    return {name: torch.from_numpy(values) for name, values in lessons.make_lessons(sights, 8, 0).items()}


def off(a: np.ndarray, b: np.ndarray) -> float:
    return float(delta_e(lab(np.clip(a, 0, 1)), lab(np.clip(b, 0, 1))).mean())


@pytest.mark.parametrize("stock", STOCKS)
def test_a_stock_is_what_its_seed_says(stock: Any) -> None:
    picture = np.random.default_rng(3).random((12, 16, 3)).astype(np.float32)
    first, again, other = (stock.drawn(np.random.default_rng(seed)).fade(picture) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert off(first, other) > 1
    assert first.min() >= 0
    assert first.max() <= 1


@pytest.mark.parametrize("stock", STOCKS)
def test_the_dyes_that_fade_are_those_of_real_prints(stock: Any) -> None:
    ramp = np.repeat(np.linspace(0.05, 0.95, 20)[None, :, None], 3, 2)
    ranges = np.array(
        [np.ptp(to_density(stock.drawn(np.random.default_rng(s)).fade(ramp))[0], axis=0) for s in range(60)]
    )
    share = ranges / np.ptp(to_density(ramp)[0, :, 0])
    red_least = (share.argmin(1) == 0).mean()
    assert 0.55 < red_least < 0.97  # some go blue
    assert 0.35 < np.median(share[:, 0]) < 0.75
    assert np.median(share[:, 1]) > 0.75


def test_dyes_that_have_not_faded_show_the_picture() -> None:
    picture = np.clip(0.5 + 0.1 * np.random.default_rng(3).standard_normal((20, 20, 3)), 0, 1)
    stock = dyes.Dyes.drawn(np.random.default_rng(4))
    assert off(stock.fresh(picture), picture) < 0.2
    new = {"kept": np.ones(3), "thin": np.zeros(3), "stain": np.zeros(9), "exposure": np.zeros(3)}
    fresh = replace(stock, faded_bands=stock.fresh_bands, stray=0.0, contrast=1.0, **new)
    assert off(fresh.fade(picture), picture) < 0.2
    assert off(replace(fresh, kept=np.array([0.5, 1, 1])).fade(picture), picture) > 3


def test_a_dye_takes_its_side_absorption_with_it() -> None:
    picture = np.full((4, 4, 3), (0.1, 0.8, 0.8))  # nearly all of it cyan
    stock = dyes.Dyes.drawn(np.random.default_rng(4))
    part = {"kept": np.ones(3), "thin": np.zeros(3), "faded_bands": stock.fresh_bands}
    full = replace(stock, **part)
    without = replace(full, kept=np.array([0.4, 1, 1]))
    lost = (to_density(full.fade(picture)) - to_density(without.fade(picture)))[0, 0]
    assert lost[0] > 0.4
    assert (lost[1:] > 0.01).all()
    assert (lost[1:] < 0.7 * lost[0]).all()


def test_lessons_are_of_both_simulators() -> None:
    drawn = [type(lessons.any_stock(np.random.default_rng(seed))) for seed in range(40)]
    assert set(drawn) == {film.Film, dyes.Dyes}
    assert 10 <= drawn.count(dyes.Dyes) <= 30


def test_a_fresh_print_shows_the_picture_and_the_other_family_is_no_matrix() -> None:
    picture = np.clip(0.5 + 0.1 * np.random.default_rng(3).standard_normal((20, 20, 3)), 0, 1)
    stock = spectral.SpectralFilm.drawn(np.random.default_rng(4))
    assert off(stock.fresh(picture), picture) < 0.2
    fresh = replace(stock, faded=stock.dyes, kept=np.ones(3), thin=1.0, stain=0 * stock.stain, exposure=0.0)
    assert off(fresh.fade(picture), picture) < 0.2
    before = np.column_stack([to_density(stock.fade(picture)).reshape(-1, 3), np.ones(400)])
    wanted = to_density(picture).reshape(-1, 3)
    left = before @ np.linalg.lstsq(before, wanted, rcond=None)[0] - wanted
    assert np.abs(left).max() > 1e-3


def test_pictures_held_back_are_in_no_lesson(tmp_path: Path) -> None:
    for n in range(40):
        cv2.imwrite(str(tmp_path / f"x{n}.png"), np.full((60, 80, 3), 6 * n, np.uint8))
    learned = {float(source.mean()) for source in reels.Sights(tmp_path).sources}
    tested = {float(source.mean()) for source in reels.Sights(tmp_path, test=True).sources}
    assert not learned & tested
    assert len(learned) + len(tested) == 40
    assert tested


def test_what_a_scanner_sees_tells_how_thick_the_layers_are() -> None:
    scanner = film.Scanner(np.array([0.0, 0.3, 0.5]), np.array([0.7, 0.8, 0.6]), 0.0)
    layers = np.repeat(np.linspace(0, 2.5, 50)[:, None], 3, 1)
    seen = scanner.sees(layers)
    np.testing.assert_allclose(seen[:, 0], layers[:, 0], atol=1e-9)
    assert (seen[1:, 1:] < layers[1:, 1:]).all()  # less of thick ones
    np.testing.assert_allclose(scanner.layers(seen), layers, atol=1e-3)
    stray = replace(scanner, stray=0.003).sees(layers)
    assert stray[-1, 0] < seen[-1, 0] - 0.1
    assert abs(stray[0]).max() < 1e-9


def test_thin_layers_lose_more_than_thick_ones() -> None:
    stock = film.Film.drawn(np.random.default_rng(1))
    even = replace(stock, thin=np.zeros(3), depth=0.5, scanner=film.Scanner(np.zeros(3), np.ones(3), 0.0))
    lose_more_where_thin(even, replace(even, thin=np.full(3, 0.3)))


def test_thin_layers_of_the_other_stock_lose_more_too() -> None:
    plain = {"stray": 0.0, "contrast": 1.0, "stain": np.zeros(9), "exposure": np.zeros(3)}
    even = replace(dyes.Dyes.drawn(np.random.default_rng(1)), thin=np.zeros(3), depth=0.5, **plain)
    lose_more_where_thin(even, replace(even, thin=np.full(3, 0.3)))


def lose_more_where_thin(even: Any, uneven: Any) -> None:
    ramp = np.repeat(np.array([0.9, 0.5, 0.1])[None, :, None], 3, 2)
    thin, middle, thick = (to_density(uneven.fade(ramp)) - to_density(even.fade(ramp)))[0] / to_density(ramp)[0]
    assert (thin < middle).all()
    assert (middle < thick).all()


def test_frames_of_a_scene_have_its_light() -> None:
    scene = np.arange(24) % 3
    made = reels.looked(np.random.default_rng(1), np.full((24, 4, 4, 3), 0.5, np.float32), scene).mean((1, 2))
    within = np.stack([made[scene == i].std(0) for i in range(3)]).mean()
    between = np.stack([made[scene == i].mean(0) for i in range(3)]).std(0).mean()
    assert 0 < within < 0.5 * between


def test_reels_have_one_scene_or_many(pictures: Path) -> None:
    sights = reels.Sights(pictures)
    drawn = [sights.reel(np.random.default_rng(seed), 25) for seed in range(60)]
    counts = [len(set(scene.tolist())) for _, scene in drawn]
    assert min(counts) == 1
    assert 0.4 < np.mean([count == 25 for count in counts]) < 0.7
    assert all(len(frames) == len(scene) == 25 for frames, scene in drawn)


def test_pixels_that_are_looked_at_are_spread_from_thin_to_dense(some: dict[str, Any]) -> None:
    greens = np.sort(to_density(some["look"].numpy().astype(np.float64))[..., 1], 2)
    middle, above = (some["quantiles"].numpy()[..., i, 1] for i in (4, 5))  # 50 and 70 %
    assert (greens[:, :, lessons.LOOKED // 2] > middle - 1e-3).all()
    assert (greens[:, :, lessons.LOOKED // 2] < above + 1e-3).all()


def test_statistics_move_with_the_densities() -> None:
    density = np.random.default_rng(1).random((3, 400, 3))
    scale, shift = np.array([2.0, 0.5, 1.5]), np.array([0.1, -0.2, 0.3])
    plain, moved = statistics_of(density), statistics_of(density * scale + shift)
    np.testing.assert_allclose(moved.quantiles, plain.quantiles * scale + shift)
    np.testing.assert_allclose(moved.bands, plain.bands * scale + shift)
    np.testing.assert_allclose(moved.scatter, plain.scatter * np.outer(scale, scale), atol=1e-12)


def test_the_same_comes_out_without_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(2)
    net = network.Reader().eval()
    file = tmp_path / "fade-t1.safetensors"
    exporting.export(net, file)
    monkeypatch.setattr(run, "_file", lambda: (file, ""))
    seen = np.random.default_rng(1).random((5, 200, 3))
    told = Statistics(*(torch.from_numpy(each[None]).float() for each in statistics_of(to_density(seen))))
    with torch.no_grad():
        pixels = torch.from_numpy(seen.reshape(1, -1, 3)).float()
        first, *_, (matrix, slopes, rest) = network.solve(net, told, pixels)
    assert not torch.allclose(first[0], matrix, atol=1e-2)
    read = run.read_fade(to_density(seen))
    np.testing.assert_allclose(read.profile.numbers, torch.cat([matrix, slopes], 1).numpy().ravel(), atol=2e-3)
    assert read.error == pytest.approx(float(rest[0, 0].exp()), rel=1e-2)
    assert read.faded == pytest.approx(float(rest[0, 1].sigmoid()), abs=1e-2)


def test_the_training_learns_and_goes_on(some: dict[str, Any], tmp_path: Path) -> None:
    state = tmp_path / "state.pt"
    quiet: list[str] = []
    which, frames = torch.arange(8), torch.arange(12)

    def left(net: Any) -> float:
        net.eval()
        with torch.no_grad():
            solved = course.answers(net, some, which, frames)[-1]
            return float(course.errors(solved, some, which).mean())

    torch.manual_seed(1)
    before = left(network.Reader())
    assert course.train(some, state, steps=20, size=6, minutes=0, say=quiet.append) is None
    assert state.exists()
    net = course.train(some, state, steps=20, size=6, say=quiet.append)
    assert net is not None
    assert left(net) < 0.75 * before
    again = course.train(some, state, steps=20, size=6, minutes=0, say=quiet.append)
    assert again is not None
    assert left(again) == left(net)


def test_a_training_may_begin_with_what_was_written(some: dict[str, Any], tmp_path: Path) -> None:
    torch.manual_seed(3)
    net = network.Reader()
    exporting.export(net, tmp_path / "net.safetensors")
    read = exporting.load(tmp_path / "net.safetensors").state_dict()
    assert all(torch.equal(read[name], value) for name, value in net.state_dict().items())
    begun = course.train(some, tmp_path / "s.pt", steps=1, rate=0.0, size=2, begun=tmp_path / "net.safetensors")
    assert begun is not None
    for name, value in begun.state_dict().items():
        torch.testing.assert_close(value, net.state_dict()[name], atol=1e-4, rtol=0)


def test_long_questions_are_at_times_of_few_frames_shown_again() -> None:
    few = [len(set(course.shown(np.random.default_rng(seed), 40)[:40])) for seed in range(60)]
    assert 8 <= sum(different < 30 for different in few) <= 30
    assert sum(different == 40 for different in few) >= 30
    assert len(set(course.shown(np.random.default_rng(1), 4)[:8])) == 8
