"""Measures follow what was done to a film, and are silent where nothing was."""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import vapoursynth as vs

sys.path.insert(0, str(Path(__file__).parent))

from films import HEIGHT, WIDTH, Picture, film, pan, shifted, texture

from vsfilmrestore.assess.cadence import cadence_of
from vsfilmrestore.assess.damage import _judged, _places, _united
from vsfilmrestore.assess.faults import faults_of, torn_of
from vsfilmrestore.assess.fields import _telecine, fields_of
from vsfilmrestore.assess.frame_geometry import borders_of
from vsfilmrestore.assess.material import _halation
from vsfilmrestore.assess.measure import assess_clip, bounds_of
from vsfilmrestore.assess.passers import PasserFinder
from vsfilmrestore.assess.passing import FrameFacts, PassFacts, pass_over
from vsfilmrestore.assess.reading import Reading
from vsfilmrestore.assess.results import ShotMeasures
from vsfilmrestore.assess.samples import Sample, Shot
from vsfilmrestore.assess.trembling import flicker_of, weave_of
from vsfilmrestore.assess.wording import found_in
from vsfilmrestore.errors import MediaError

core = vs.core


def passed(pictures: list[Picture], fmt: int = vs.GRAY8) -> tuple[list[FrameFacts], PassFacts]:
    clip = film(pictures, fmt)
    facts = pass_over(Reading(clip), 0, len(clip), find_cuts=False)
    return [facts.frames[n] for n in range(len(clip))], facts


def random_walk(frames: int, spread: float, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    path = np.zeros(frames)
    for n in range(1, frames):
        path[n] = 0.6 * path[n - 1] + 0.8 * rng.standard_normal()
    return path * spread


def test_flicker_is_told_in_per_cent_and_a_steady_pan_has_none() -> None:
    calm = flicker_of(passed(pan(1, 40))[0])
    assert calm.rms < 0.3
    gains = 1 + random_walk(40, 0.04)
    lit = [np.clip(picture * gain, 0, 1).astype(np.float32) for picture, gain in zip(pan(1, 40), gains, strict=True)]
    told = flicker_of(passed(lit)[0])
    assert told.rms == pytest.approx(100 * gains.std(), rel=0.35)
    assert told.confidence > 0.8
    assert np.corrcoef(told.wobble, gains)[0, 1] > 0.9


def test_a_fade_is_no_flicker() -> None:
    levels = np.linspace(1, 0.3, 40)
    faded = [(picture * level).astype(np.float32) for picture, level in zip(pan(2, 40), levels, strict=True)]
    assert flicker_of(passed(faded)[0]).rms < 0.5


def test_weave_is_told_in_pixels_and_a_steady_pan_has_none() -> None:
    facts, found = passed(pan(3, 40, 1.5))
    assert max(tremble.rms for tremble in weave_of(facts, found.scale)[:2]) < 0.1
    assert np.median([fact.shift[0] for fact in facts[1:]]) == pytest.approx(-1.5, abs=0.05)
    right, down = random_walk(40, 1.0, 4), random_walk(40, 0.5, 5)
    facts, found = passed(shifted(pan(3, 40, 1.5), lambda n: (right[n], down[n])))
    across, along, turn = weave_of(facts, found.scale)
    assert across.rms == pytest.approx(right.std(), rel=0.4)
    assert along.rms == pytest.approx(down.std(), rel=0.4)
    assert turn.rms < 0.05


def test_weave_of_a_large_picture_is_told_in_its_own_pixels() -> None:
    way = random_walk(24, 1.0, 4)
    small = shifted(pan(3, 24), lambda n: (way[n], 0.0))
    clip = film(small).resize.Bicubic(2 * WIDTH, 2 * HEIGHT)
    facts = pass_over(Reading(clip), 0, 24, find_cuts=False)
    told = weave_of([facts.frames[n] for n in range(24)], facts.scale)[0].rms
    facts = pass_over(Reading(film(small)), 0, 24, find_cuts=False)
    assert told == pytest.approx(2 * weave_of([facts.frames[n] for n in range(24)], facts.scale)[0].rms, rel=0.1)


def test_roll_is_told_in_degrees() -> None:
    turns = random_walk(40, 0.3, 6)
    centre = (WIDTH / 2, HEIGHT / 2)
    rolled = [
        cv2.warpAffine(p, cv2.getRotationMatrix2D(centre, -turn, 1), (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
        for p, turn in zip(pan(7, 40, 0.2), turns, strict=True)
    ]
    facts, found = passed(rolled)
    told = weave_of(facts, found.scale)[2]
    assert told.rms == pytest.approx(turns.std(), rel=0.4)
    assert np.corrcoef(told.wobble, turns)[0, 1] > 0.8  # clockwise is positive


def test_cadence() -> None:
    assert cadence_of(passed(pan(1, 16))[0]).word == "every frame"
    assert cadence_of(passed([p for p in pan(1, 10, 2) for _ in range(2)])[0]).word == "on twos"
    told = [p for n, p in enumerate(pan(1, 16, 2)) for _ in range(2 if n % 2 else 1)]
    assert cadence_of(passed(told)[0]).word == "16 in 24"
    assert cadence_of(passed([texture(1)[:HEIGHT, :WIDTH]] * 13)[0]).word == "still"
    assert cadence_of(passed(pan(1, 6))[0]).word == ""


def test_a_doubled_frame_and_a_missing_one() -> None:
    pictures = pan(1, 40, 2)
    facts, _ = passed(pictures[:20] + pictures[19:39])
    assert cadence_of(facts).doubles == [20]
    facts, _ = passed(pictures[:20] + pictures[21:])
    told = cadence_of(facts)
    assert (told.doubles, told.jumps) == ([], [20])


def test_spoilt_frames() -> None:
    pictures = pan(1, 40)
    pictures[8] = np.zeros_like(pictures[8])
    pictures[16] = np.clip(pictures[16] + 0.3, 0, 1)
    pictures[24] = np.roll(pictures[24], HEIGHT // 3, axis=0)
    torn = pictures[32].copy()
    torn[HEIGHT // 2 :] = np.roll(torn[HEIGHT // 2 :], 20, axis=1)
    pictures[32] = torn
    facts, found = passed(pictures)
    told = faults_of(facts, found.torn, 0)
    assert (told.ruined, told.flashes) == ([8, 24], [16])
    assert torn_of(Shot(Reading(film(pictures)), 0, 40), told.torn) == [32]
    facts, found = passed(pan(1, 40))
    assert not any(faults_of(facts, found.torn, 0))


def test_a_frame_off_its_place_is_a_splice() -> None:
    jumped = shifted(pan(1, 30), lambda n: (0.0, 6.0 if n == 14 else 0.0))
    facts, found = passed(jumped)
    assert faults_of(facts, found.torn, 0).jumps == [14]


def test_dissolves_are_cuts_in_their_middle_and_pans_are_none() -> None:
    a, b = pan(1, 60), pan(9, 60)
    shares = np.clip((np.arange(100) - 40) / 20, 0, 1)
    mixed = [
        ((1 - share) * a[min(n, 59)] + share * b[max(n - 40, 0)]).astype(np.float32) for n, share in enumerate(shares)
    ]
    found = pass_over(Reading(film(mixed)), 0, 100)
    cut = bounds_of(found, None, 100)
    assert len(cut.dissolves) == 1
    assert [abs(n - 50) <= 4 for n in cut.dissolves] == [True]
    assert cut.bounds == (0, *cut.dissolves, 100)
    assert not pass_over(Reading(film(pan(1, 40, 2))), 0, 40).dissolves


def combed(pictures: list[Picture], order: int) -> list[Picture]:
    """Fields of two moments in every frame."""
    out = []
    for first, second in zip(pictures[::2], pictures[1::2], strict=True):
        frame = first.copy()
        frame[1 - order :: 2] = second[1 - order :: 2]
        out.append(frame)
    return out


def test_fields() -> None:
    clip = film(combed(pan(1, 48, 3), 0))
    told = fields_of(Shot(Reading(clip), 0, len(clip)))
    assert (told.share, told.order, told.telecine) == (1.0, "top", "none")
    clip = film(pan(1, 24, 3))
    assert fields_of(Shot(Reading(clip), 0, 24)).share == 0


def test_telecine() -> None:
    film_frames = pan(1, 24, 4)
    fields = [n for n, count in zip(range(24), [2, 3] * 12, strict=True) for _ in range(count)]
    woven = []
    for n in range(0, len(fields) - 1, 2):
        frame = film_frames[fields[n]].copy()
        frame[1::2] = film_frames[fields[n + 1]][1::2]
        woven.append(frame)
    clip = film(woven)
    assert fields_of(Shot(Reading(clip), 0, len(clip))).telecine == "3:2"


def test_borders_and_aspect() -> None:
    framed = [
        cv2.copyMakeBorder(p[: HEIGHT - 40, : WIDTH - 24], 16, 24, 8, 16, cv2.BORDER_CONSTANT, value=0.01)
        for p in pan(1, 12)
    ]
    samples = Shot(Reading(film(framed)), 0, 12).middles
    found = borders_of(samples)
    assert (found.left, found.right, found.top, found.bottom, found.sure) == (8, 16, 16, 24, True)
    assert found.within(samples[0].luma).shape == (HEIGHT - 44, WIDTH - 28)
    assert not borders_of(Shot(Reading(film(pan(1, 12))), 0, 12).middles).left
    small = film(framed).resize.Bilinear(64, 48)
    assert assess_clip(small, sample_aspect=Fraction(2)).shots[0]["aspect"] == pytest.approx(2 * 54 / 34, rel=0.1)


@pytest.mark.parametrize("fmt", [vs.YUV422P10, vs.RGBS])
def test_any_format_measures_alike(fmt: int) -> None:
    gains = 1 + random_walk(8, 0.05)
    lit = [np.clip(p * g, 0, 1).astype(np.float32) for p, g in zip(pan(1, 8), gains, strict=True)]
    told, wanted = (assess_clip(film(lit, each).resize.Bilinear(128, 96)).shots[0] for each in (fmt, vs.GRAY8))
    for name, near in (("flicker", 0.3), ("luma.average", 1.5), ("weave.x", 0.1), ("blur.sigma", 0.3)):
        assert told[name] == pytest.approx(wanted[name], abs=near), name
    assert (told.word("colour"), told.word("cadence")) == ("grey", wanted.word("cadence"))


def with_holes(clip: vs.VideoNode, bad: set[int]) -> vs.VideoNode:
    def fail(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        if n in bad:
            raise ValueError("sector not found")
        return f

    return core.std.ModifyFrame(clip, clip, fail)


def test_unreadable_frames_are_passed_over_and_told() -> None:
    bad = {10, 11, 20, *range(33, 40)}
    found = assess_clip(with_holes(film(pan(1, 40)).resize.Bilinear(96, 72), bad))
    assert set(found.unreadable) == bad
    assert any("10-11, 20, 33-39" in remark for remark in found.remarks)
    assert np.isnan(found.frames["luma.average"][10])
    assert np.isfinite(found.frames["luma.average"][12])
    assert (found.shots[0]["frames.double"], found.shots[0]["flicker"] < 0.8) == (0, True)


def test_a_film_that_cannot_be_read_at_all_is_an_error() -> None:
    with pytest.raises(MediaError, match="none of its frames"):
        assess_clip(with_holes(film(pan(1, 20)), set(range(20))))


@pytest.mark.parametrize("frames", [1, 2])
def test_very_short_films(frames: int) -> None:
    found = assess_clip(film(pan(1, frames)).resize.Bilinear(96, 72))
    assert [(shot.first, shot.stop, shot.remarks) for shot in found.shots] == [(0, frames, ())]


@pytest.mark.parametrize(("size", "kind"), [((64, 48), "black"), ((8, 6), "black"), ((200, 2), "black")])
def test_black_and_tiny_films(size: tuple[int, int], kind: str) -> None:
    clip = core.std.BlankClip(None, *size, vs.YUV444P8, 12, 24, 1, color=[16, 128, 128], keep=True)
    found = assess_clip(clip)
    assert (found.shots[0].word("kind"), found.shots[0].remarks) == (kind, ())


def test_a_very_long_film_is_read_in_runs() -> None:
    one, other = (film([texture(seed)[:HEIGHT, :WIDTH]]).resize.Bilinear(48, 36) for seed in (1, 9))
    clip = one * 700 + other * 900
    read: list[int] = []

    def note(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        read.append(n)
        return f

    found = assess_clip(core.std.ModifyFrame(clip, clip, note), longest=150)
    assert found.cuts == (700,)
    assert len(set(read)) < 350
    assert found.step >= 8
    assert any("the film is long" in remark for remark in found.remarks)
    assert np.isfinite(found.frames["luma.average"]).sum() < 250


def test_motion_that_begins_is_no_copy_and_copies_under_grain_keep_their_cycle() -> None:
    still = pan(1, 40, 0.0)
    moving = pan(1, 20, 2.0)
    facts, _ = passed([still[0]] * 3 + [pan(1, 4, 0.25)[n] for n in (1, 2, 3)] + moving)
    assert cadence_of(facts).doubles == []
    rng = np.random.default_rng(3)
    held = [moving[n * 4 // 5 % 20] for n in range(25)]
    grainy = [np.clip(p + rng.normal(0, 0.05, p.shape), 0, 1).astype(np.float32) for p in held]
    told = cadence_of(passed(grainy)[0])
    assert (told.word, told.doubles) == ("4 in 5", [])


def test_a_film_spread_evenly_over_more_frames_is_no_film_with_doubled_frames() -> None:
    wide = pan(1, 32, 2)
    told = cadence_of(passed([wide[int(n * 0.781 + 0.3)] for n in range(40)])[0])
    assert (told.word, told.doubles) == ("19 in 24", [])
    assert len(told.repeats) == 40 - len({int(n * 0.781 + 0.3) for n in range(40)})
    some = cadence_of(passed([wide[n - sum(n > d for d in (5, 9, 18, 29))] for n in range(34)])[0])
    assert (some.word, some.doubles) == ("every frame", [6, 10, 19, 30])


def test_dirt_is_looked_for_away_from_copies() -> None:
    shot = Shot(Reading(film(pan(1, 40))), 0, 40)
    copies = [n for n in range(40) if n % 4 == 3]
    good = _judged(shot, (), copies)
    assert good == [n for n in range(1, 39) if n % 4 in (0, 1)]
    assert set(_places(shot, 2, good)) <= set(good)
    assert _judged(shot, [10], range(40)) == [n for n in range(1, 39) if n not in (9, 10, 11)]  # there are no others


def test_stains_leave_hints_and_limbs_do_not() -> None:
    def seen(alter: Callable[[Picture, int], Picture]) -> list[tuple[int, int]]:
        finder = PasserFinder(0)
        for n in range(30):
            ground = cv2.resize(texture(4), (48, 36), interpolation=cv2.INTER_AREA) * 200
            finder.see(np.asarray(alter(np.asarray(ground, np.float32), n), np.float32))
        return finder.found

    spot = np.zeros((36, 48), np.float32)
    cv2.circle(spot, (30, 16), 7, (1.0,), -1)

    def stained(ground: Picture, n: int) -> Picture:
        return ground * (1 - 0.2 * spot) if 10 <= n < 16 else ground

    def passing(ground: Picture, n: int) -> Picture:
        limb = np.asarray(cv2.resize(texture(9), (48, 36), interpolation=cv2.INTER_AREA) * 200, np.float32)
        return np.where(spot > 0, limb, ground) if 10 <= n < 16 else ground

    assert seen(stained) == [(10, 16)]
    assert seen(passing) == []
    assert seen(lambda ground, n: ground) == []


def test_hints_that_overlap_are_looked_at_once() -> None:
    assert _united([(13, 17), (4, 8), (6, 10)]) == [(4, 10), (13, 17)]
    assert _united([(0, 12), (11, 23), (22, 34)]) == [(0, 24)]


def test_pulldown_shows_through_fine_detail_that_looks_combed() -> None:
    pair = [n % 5 in (2, 3) for n in range(30)]
    four = [n % 5 != 0 for n in range(30)]
    assert [_telecine(np.array(each)) for each in (pair, four, [True] * 30, [False] * 30)] == [
        "3:2",
        "3:2",
        "none",
        "none",
    ]


def test_halation_is_red_light_and_grey_highlights_have_none() -> None:
    def told(glow: float) -> float:
        rng = np.random.default_rng(5)
        ground = np.asarray(texture(2, 512, 384) * 0.4, np.float32)
        light = np.zeros((384, 512), np.float32)
        for x, y in rng.integers(40, 340, (6, 2)):
            cv2.circle(light, (int(x), int(y)), 14, (1.0,), -1)
        halo = glow * cv2.GaussianBlur(light, (0, 0), 3.0)
        red, green = (np.maximum(ground + part * (1 - ground), light) for part in (halo, 0.35 * halo))
        blue = np.maximum(ground, light)
        luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        colours = [(blue - luma) / 1.8556 * 224 + 128, (red - luma) / 1.5748 * 224 + 131 + 2 * luma]
        return _halation([Sample(0, luma, (luma * 219 + 16, *colours))])

    shares = [told(glow) for glow in (0.0, 0.1, 0.2, 0.4)]
    assert shares[0] < 0.03
    assert shares == sorted(shares)
    assert shares[3] == pytest.approx(0.4, abs=0.2)


def test_what_fast_motion_looks_like_is_not_told_in_words() -> None:
    values = {"flicker": 1.9, "confidence.flicker": 1.0, "grain.sigma": 3.0, "grain.size": 2.0, "confidence.grain": 1.0}
    calm, fast = (ShotMeasures(0, 40, values | {"motion": word}) for word in ("some", "fast"))
    assert found_in(calm) == "flicker 1.9 %, grain 3.0"
    assert found_in(fast) == "fast motion"
