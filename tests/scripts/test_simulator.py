"""The damage simulator: the same by seed, exact masks, sizes in millimetres, distributions that do not touch."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the simulator needs torch: pip install vsfilmrestore[torch]")

sim: ModuleType = importlib.import_module("simulator")
chance: ModuleType = importlib.import_module("simulator.chance")
specks: ModuleType = importlib.import_module("simulator.specks")

FIELDS = ("scene", "clean", "damaged", "masks", "alpha", "hard")
NO_CODEC = [stage for stage in sim.STAGES if stage != "video"]
FILM = sim.Film("35mm", 1500.0)


pytestmark = pytest.mark.usefixtures("one_thread")


def scene(frames: int = 4, size: int = 64) -> Any:
    """A moving picture of soft waves in three colours."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    out = [
        torch.stack([0.5 + 0.3 * torch.sin((x + 2 * n) / (9 + c) + y / (13 - c)) for c in range(3)])
        for n in range(frames)
    ]
    return torch.stack(out)


def equal(a: Any, b: Any) -> bool:
    return all(torch.equal(getattr(a, name), getattr(b, name)) for name in FIELDS) and a.frames == b.frames


# --- the same by seed ------------------------------------------------------------------------------------------------


def test_a_seed_always_gives_the_same_sample_and_another_seed_another() -> None:
    for seed in range(4):
        assert equal(sim.simulate(scene(), seed), sim.simulate(scene(), seed))
    assert not torch.equal(sim.simulate(scene(), 1).damaged, sim.simulate(scene(), 2).damaged)


def test_a_sample_does_not_depend_on_its_batch() -> None:
    alone = sim.simulate(scene(), 7)
    together = sim.batch([scene(4, 64), scene(), scene(3)], [3, 7, 9])
    reverse = sim.batch([scene(), scene(3)], [7, 9])
    assert equal(alone, together[1])
    assert equal(alone, reverse[0])
    assert equal(together[2], reverse[1])


def test_threads_do_not_matter() -> None:
    one = sim.simulate(scene(), 11)
    torch.set_num_threads(3)
    assert equal(one, sim.simulate(scene(), 11))


def test_one_kind_of_damage_does_not_change_with_another() -> None:
    stages = ["weave", "grain", "dirt", "lines"]
    alone = sim.simulate(scene(), 5, classes=["dirt"], stages=stages, hard=[])
    both = sim.simulate(scene(), 5, classes=["dirt", "scratch"], stages=stages, hard=[])
    assert torch.equal(alone.clean, both.clean)
    dirt, scratch = (both.masks[sim.CLASSES.index(name)] for name in ("dirt", "scratch"))
    assert torch.equal(alone.masks[0] & ~scratch, dirt & ~scratch)


# --- masks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_masks_say_exactly_where_damaged_differs(seed: int) -> None:
    sample = sim.simulate(scene(), seed, stages=NO_CODEC)
    differs = (sample.damaged != sample.clean).any(1)
    assert not (differs & ~sample.masks.any(0)).any()
    whole = [sim.CLASSES.index(name) for name in ("tear", "splice", "missing")]
    small = sample.masks.clone()
    small[whole] = False
    assert not (small.any(0) & ~sample.masks[whole].any(0) & ~differs).any()
    assert ((sample.alpha > 0) == sample.masks.any(0)).all()


def test_after_a_codec_differences_stay_within_blocks_of_the_masks() -> None:
    seen = 0
    for seed in range(12):
        sample = sim.simulate(scene(), seed, classes=["dirt"], stages=["dirt", "video"], hard=[])
        seen += sample.compressed
        reach = torch.nn.functional.max_pool2d(sample.masks.any(0)[:, None].float(), 65, 1, 32)[:, 0] > 0
        assert not ((sample.damaged != sample.clean).any(1) & ~reach).any()
    assert seen > 3


def test_nothing_asked_for_nothing_done() -> None:
    sample = sim.simulate(scene(), 3, classes=[], stages=[], hard=[])
    assert torch.equal(sample.damaged, sample.clean)
    assert not sample.masks.any()
    assert not sample.hard.any()


@pytest.mark.parametrize("name", sim.CLASSES)
def test_every_class_occurs_and_alone_marks_itself_only(name: str) -> None:
    seeds = range(5)
    samples = [sim.simulate(scene(), seed, classes=[name], stages=[*NO_CODEC, "video"], hard=[]) for seed in seeds]
    marked = torch.stack([sample.masks.flatten(1).any(1) for sample in samples])
    index = sim.CLASSES.index(name)
    assert marked[:, index].float().mean() > 0.6
    marked[:, index] = False
    assert not marked.any()


def test_all_classes_come_by_chance() -> None:
    occurred = {name for seed in range(120) for name in sim.simulate(scene(2, 32), seed).occurs}
    assert occurred >= set(sim.CLASSES) | set(sim.PROPS) | set(sim.STAGES)


def test_frames_are_named_where_whole_frames_are_damaged() -> None:
    for name, kinds in {"missing": {"frozen", "absent"}, "splice": {"splice"}, "tear": {"torn"}}.items():
        sample = sim.simulate(scene(), 2, classes=[name], stages=["breaks"], hard=[])
        hit = sample.masks[sim.CLASSES.index(name)].flatten(1).any(1).tolist()
        assert [kind != "ok" for kind in sample.frames] == hit
        assert {kind for kind in sample.frames if kind != "ok"} <= kinds
        assert any(hit)


def test_dirt_is_darker_and_sparkle_brighter() -> None:
    grey = torch.full((4, 3, 96, 96), 0.5)
    for name, sign in (("dirt", -1), ("sparkle", 1)):
        sample = sim.simulate(grey, 4, classes=[name], stages=["dirt"], hard=[], film=FILM)
        change = (sample.damaged - sample.clean).mean(1)[sample.masks.any(0)]
        assert (change * sign > 0).all()


def test_damage_lets_the_picture_through() -> None:
    ramp = torch.linspace(0.2, 0.8, 96)[None, None, :, None].expand(4, 3, 96, 96).contiguous()
    for seed in range(3):
        sample = sim.simulate(ramp, seed, classes=["stain"], stages=["stains"], hard=[], film=FILM)
        mask = sample.masks.any(0)
        assert mask.any()
        before, after = sample.clean.mean(1)[mask], sample.damaged.mean(1)[mask]
        assert torch.corrcoef(torch.stack((before, after)))[0, 1] > 0.5


# --- hard negatives --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sim.PROPS)
def test_props_are_seen_in_the_clean_clip_and_in_no_mask(name: str) -> None:
    seen, stages = [], ["weave", "optics", "grain"]
    for seed in range(4):
        sample = sim.simulate(scene(4, 128), seed, classes=[], stages=stages, hard=[name])
        plain = sim.simulate(scene(4, 128), seed, classes=[], stages=stages, hard=[])
        change = float((sample.clean - plain.clean).abs().max())
        seen.append(bool(sample.hard.any()) and change > 0.04)
        assert bool(sample.hard.any()) or change == 0
        assert torch.equal(sample.damaged, sample.clean)
        assert not sample.masks.any()
    assert sum(seen) >= 3


# --- sizes -----------------------------------------------------------------------------------------------------------


def dirt_sides(film: Any) -> np.ndarray[Any, Any]:
    pool = sim.atlas_for(sim.OTHER)["dirt"]
    dice = chance.Dice(chance.WHOLE, 1, "sizes")
    found = specks.scattered(dice, "dirt", pool, film, (40, 512, 512), 1.0, 0.5)
    return np.asarray(found.side)


def test_dirt_grows_with_the_scan_and_with_smaller_gauges() -> None:
    at_2k, at_4k, small_film = (
        np.median(dirt_sides(sim.Film(*film))) for film in (("35mm", 2048), ("35mm", 4096), ("16mm", 2048))
    )
    assert at_4k / at_2k == pytest.approx(2, rel=0.1)
    assert small_film / at_2k == pytest.approx(sim.GAUGES["35mm"] / sim.GAUGES["16mm"], rel=0.15)


def test_dirt_is_as_large_and_as_frequent_as_was_measured() -> None:
    film = sim.Film("35mm", sim.GAUGES["35mm"] * 1000 / 7)  # 7 um to a pixel, as in the scans
    pool = sim.atlas_for(sim.OTHER)["dirt"]
    dice = chance.Dice(chance.WHOLE, 1, "areas")
    found = specks.scattered(dice, "dirt", pool, film, (60, 512, 512), 1.0, 0.5)
    areas = found.side**2 * pool.fill[found.which]
    p10, p50, p90 = np.percentile(areas, [10, 50, 90])
    assert p50 == pytest.approx(120, rel=0.3)
    assert p90 == pytest.approx(280, rel=0.3)
    assert p10 < 75
    per_frame = 270 * 528 * 528 / (4967 * 3400)
    assert len(found) / 60 == pytest.approx(per_frame * (1 + specks._TWO_FRAMES), rel=0.25)


def test_lines_are_as_wide_as_the_scan_is_large() -> None:
    grey = torch.full((3, 3, 96, 192), 0.5)

    def width(film: Any) -> float:
        found = []
        for seed in range(8):
            sample = sim.simulate(grey, seed, classes=["scratch"], stages=["lines"], hard=[], film=film)
            rows = sample.masks[sim.CLASSES.index("scratch")].float().sum(-1)
            found.append(float(rows[rows > 0].mean()) if bool((rows > 0).any()) else np.nan)
        return float(np.nanmedian(found))

    assert width(sim.Film("35mm", 4096)) > 1.6 * width(sim.Film("35mm", 1024))


# --- distributions ---------------------------------------------------------------------------------------------------


def test_training_and_tests_never_draw_the_same_value() -> None:
    for name, values in sim.RANGES.items():
        drawn = {}
        for distribution in (sim.TRAIN, sim.BENCH, sim.OTHER):
            dice = chance.Dice(distribution.comb, 5, name)
            places = [values.place(dice.draw(values)) * chance.TEETH % 1.0 for _ in range(300)]
            drawn[distribution.name] = places
            assert max(places) - min(places) > 0.3, name
        assert max(drawn["train"]) < 0.46, name
        assert min(drawn["bench"] + drawn["other"]) > 0.54, name


def test_ranges_are_drawn_from_end_to_end() -> None:
    values = sim.RANGES["severity"]
    for distribution in (sim.TRAIN, sim.BENCH):
        dice = chance.Dice(distribution.comb, 1)
        drawn = [values.place(dice.draw(values)) for _ in range(500)]
        assert min(drawn) < 0.12
        assert max(drawn) > 0.88
        assert 0 <= min(drawn) <= max(drawn) <= 1


def test_shapes_are_split_between_training_and_tests(tmp_path: Path) -> None:
    for folder in ("dots", "smut", "hair", "hair-short", "lint", "stain", "spots", "sprinkles", "dirt"):
        (tmp_path / folder).mkdir()
        for n in range(4):
            shape = np.zeros((40, 40), np.uint8)
            cv2.circle(shape, (20, 20), 6 + 3 * n, 255, -1)
            shape[::2, :n] = 200
            cv2.imwrite(str(tmp_path / folder / f"{n}.png"), shape)
    train, bench, other = (sim.atlas_for(d, tmp_path)["stain"] for d in (sim.TRAIN, sim.BENCH, sim.OTHER))
    assert (len(train), len(bench)) == (2, 2)
    assert not any(torch.equal(a, b) for a in train.levels[32] for b in bench.levels[32])
    assert len(other) > 2


def test_drawn_shapes_of_the_other_test_are_of_another_kind() -> None:
    train, bench, other = (sim.atlas_for(d)["dirt"].levels[64] for d in (sim.TRAIN, sim.BENCH, sim.OTHER))
    for a, b in ((train, bench), (train, other)):
        assert not any(torch.equal(x, y) for x in a for y in b)


# --- pictures --------------------------------------------------------------------------------------------------------


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    for n in range(4):
        coarse = rng.integers(0, 255, (20, 30, 3)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f"{n}.png"), cv2.resize(coarse, (300, 200), interpolation=cv2.INTER_CUBIC))
    return tmp_path


def test_a_still_becomes_a_moving_clip_that_is_always_the_same(photographs: Path) -> None:
    source = sim.Pictures(photographs)
    clip = source.clip(3, 6, (64, 80))
    assert clip.shape == (6, 3, 64, 80)
    assert 0 <= float(clip.min()) < float(clip.max()) <= 1
    assert (clip[0] - clip[-1]).abs().mean() > 1e-3
    source.clip(8)
    assert torch.equal(source.clip(3, 6, (64, 80)), clip)


def test_pictures_can_be_held_back(photographs: Path) -> None:
    a, b = (sim.Pictures(photographs, every=(k, 2)).stills for k in (0, 1))
    assert len(a) == len(b) == 2
    assert not set(a) & set(b)


def test_a_folder_without_pictures_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no pictures"):
        sim.Pictures(tmp_path)


@pytest.mark.footage
def test_real_pictures_and_shapes(footage: Any) -> None:
    source = sim.Pictures(footage("train"))
    assert source.movies
    atlas = sim.atlas_for(sim.TRAIN, footage("overlays"))
    for seed in range(6):
        clip = source.clip(seed, 5, (96, 96))
        assert clip.shape == (5, 3, 96, 96)
        sample = sim.simulate(clip, seed, atlas=atlas)
        assert torch.isfinite(sample.damaged).all()
        assert 0 <= float(sample.damaged.min()) <= float(sample.damaged.max()) <= 1
