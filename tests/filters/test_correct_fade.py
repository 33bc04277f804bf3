"""Faded dyes: what is corrected, what is left, and what the numbers of a profile do to a picture."""

from __future__ import annotations

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.errors import InputError, UsageError
from vsfilmrestore.filters import FILTERS, correct_fade
from vsfilmrestore.filters._fade_colour import delta_e, from_density, lab, to_density
from vsfilmrestore.filters._fade_estimate import LOOK, estimate_fade, look_at
from vsfilmrestore.filters._fade_graph import NUMBERS_PROP, unfaded
from vsfilmrestore.filters._fade_profile import IDENTITY, FadeProfile, bend, read_profile
from vsfilmrestore.media import props

from .fading import KEPT, Frames, clip_of, faded, scenes

core = vs.core


@pytest.fixture(scope="module")
def clean() -> Frames:
    return scenes(12)


@pytest.fixture(scope="module")
def profile() -> FadeProfile:
    """A correction with all its parts."""
    matrix = np.diag(1 / KEPT) + np.array([[0, 0.1, 0], [-0.05, 0, 0.02], [0.03, -0.1, 0]])
    numbers = np.column_stack([matrix, [-0.02, 0.01, -0.1]]).ravel()
    return FadeProfile.of([*numbers, 0.9, 1.0, 1.1, 1.2, 1.0, 1.0, 1.0, 1.0, 1.3, 1.1, 0.9, 0.8])


def picture(frame: vs.VideoFrame) -> np.ndarray:
    return np.stack([np.asarray(frame[plane]) for plane in range(frame.format.num_planes)], -1).astype(np.float64)


def off(a: np.ndarray, b: np.ndarray) -> float:
    return float(delta_e(lab(np.clip(a, 0, 1)), lab(np.clip(b, 0, 1))).mean())


def same(a: vs.VideoFrame, b: vs.VideoFrame) -> bool:
    return all(np.array_equal(np.asarray(a[p]), np.asarray(b[p])) for p in range(a.format.num_planes))


# the difference of two colours


def test_ciede2000_gives_the_numbers_of_its_paper() -> None:
    pairs = [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0000),
        ((50.0, 2.4900, -0.0010), (50.0, -2.4900, 0.0009), 7.1792),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
        ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ]
    for first, second, wanted in pairs:
        assert float(delta_e(np.array(first), np.array(second))) == pytest.approx(wanted, abs=2e-3)


def test_densities_go_there_and_back() -> None:
    values = np.linspace(0.02, 1.5, 50)
    np.testing.assert_allclose(from_density(to_density(values)), values, atol=1e-9)


# profiles


def test_a_profile_is_read_as_it_was_written(profile: FadeProfile) -> None:
    again = read_profile(profile.text)
    np.testing.assert_allclose(again.numbers, profile.numbers, rtol=1e-4)
    assert again.text == profile.text


@pytest.mark.parametrize(
    "text", ["magenta", "fade1:1,2,3", "fade2:" + ",".join("1" * 24), "fade1:" + ",".join("x" * 24)]
)
def test_what_is_no_profile_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="profile must be 'fade1:'"):
        read_profile(text)


@pytest.mark.parametrize(("place", "value"), [(0, 50.0), (3, 9.0), (12, -1.0), (0, float("nan")), (0, 0.0)])
def test_numbers_that_no_correction_has_are_refused(place: int, value: float) -> None:
    numbers = IDENTITY.numbers
    numbers[place] = value
    with pytest.raises(UsageError, match="no correction of fade"):
        read_profile(FadeProfile.of(numbers).text)


def test_curves_always_rise() -> None:
    ramp = np.linspace(-1.0, 4.0, 500)
    for slopes in ((0.2, 5.0, 0.2, 5.0), (5.0, 0.2, 5.0, 0.2)):
        assert (np.diff(bend(ramp, np.array(slopes))) > 0).all()
        assert abs(bend(np.array(0.0), np.array(slopes))) < 0.03


def test_the_graph_makes_what_the_profile_says(clean: Frames, profile: FadeProfile) -> None:
    seen = faded(clean[:1])
    made = picture(unfaded(clip_of(seen), profile).get_frame(0))
    np.testing.assert_allclose(made, profile.apply(seen[0]), atol=2e-4)


# the estimate


def test_a_strong_fade_is_found_and_undone(clean: Frames) -> None:
    seen = faded(clean)
    found = estimate_fade(list(seen))
    made = np.clip(found.profile.apply(seen), 0, 1)
    assert found.faded
    assert found.intent == "none"
    assert off(made, clean) < 0.5 * off(seen, clean)
    cyan, magenta, _ = found.amounts
    assert 0.3 < cyan < 0.8
    assert magenta < 0.35
    assert 0 < found.confidence <= 1


def test_what_has_not_faded_is_left(clean: Frames) -> None:
    found = estimate_fade(list(clean))
    assert not found.faded
    assert found.reason.startswith("left: ")


def test_the_order_of_the_frames_does_not_count(clean: Frames) -> None:
    seen = list(faded(clean))
    there, back = estimate_fade(seen), estimate_fade(seen[::-1])
    np.testing.assert_allclose(there.profile.numbers, back.profile.numbers, atol=1e-9)


def test_large_frames_and_looks_tell_the_same(clean: Frames) -> None:
    seen = faded(clean[:4])
    assert look_at(seen[0]).shape == (LOOK[1], LOOK[0], 3)
    whole, looks = estimate_fade(list(seen)), estimate_fade([look_at(frame) for frame in seen])
    assert whole.profile == looks.profile


def test_frames_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match="at least 30x40x3"):
        look_at(np.zeros((4, 4, 3)))
    with pytest.raises(InputError, match="needs a frame"):
        estimate_fade([])


# casts that may be wanted


def test_a_tinted_print_is_left(clean: Frames) -> None:
    grey = clean.mean(-1, keepdims=True)
    for tint in ((1.0, 0.75, 0.4), (0.4, 0.6, 1.0)):
        found = estimate_fade(list(np.clip(grey * np.array(tint) + 0.02, 0, 1)))
        assert (found.intent, found.faded) == ("tinted", False)
        assert "one hue" in found.reason


def test_black_and_white_is_left(clean: Frames) -> None:
    found = estimate_fade(list(np.repeat(clean.mean(-1, keepdims=True), 3, -1)))
    assert (found.intent, found.faded) == ("monochrome", False)


def test_a_night_is_left(clean: Frames) -> None:
    found = estimate_fade(list(clean * np.array([0.08, 0.1, 0.16])))
    assert (found.intent, found.faded) == ("night", False)


def test_a_sunset_is_left(clean: Frames) -> None:
    found = estimate_fade(list(np.clip(clean**2.2 * np.array([1.1, 0.55, 0.2]), 0, 1) ** (1 / 2.2)))
    assert (found.intent, found.faded) == ("sunset", False)
    assert "low sun" in found.reason


def test_flat_colours_are_taken_for_a_drawing() -> None:
    frames = np.empty((6, 60, 80, 3))
    frames[:] = (0.9, 0.7, 0.75)
    frames[:, 20:40, 20:50] = (0.8, 0.2, 0.25)
    frames[:, 30:, 60:] = (0.2, 0.5, 0.3)
    found = estimate_fade(list(frames))
    assert (found.intent, found.faded) == ("drawn", False)


# the filter


def test_a_shot_is_measured_and_corrected(clean: Frames) -> None:
    seen = clip_of(faded(clean))
    made = correct_fade(seen)
    frame = made.get_frame(5)
    assert off(picture(frame), clean[5]) < 0.6 * off(faded(clean)[5], clean[5])
    assert str(frame.props[NUMBERS_PROP]).startswith("fade1:")
    assert frame.props["_VsfrFadeReason"].startswith("faded")  # type: ignore[union-attr]
    assert len(frame.props["_VsfrFadeAmounts"]) == 3  # type: ignore[arg-type]
    assert frame.props["_VsfrFadeDeltaE"] > 3  # type: ignore[operator]


def test_an_unfaded_shot_keeps_its_bits_and_says_why(clean: Frames) -> None:
    source = clip_of(clean, vs.YUV422P10)
    frame = correct_fade(source).get_frame(3)
    assert same(frame, source.get_frame(3))
    assert frame.props["_VsfrFadeReason"].startswith("left: ")  # type: ignore[union-attr]
    assert frame.props[NUMBERS_PROP] == ""


def test_doubt_can_be_overruled(clean: Frames) -> None:
    source = clip_of(clean)
    assert not same(correct_fade(source, doubt="correct").get_frame(0), source.get_frame(0))


@pytest.mark.parametrize("fmt", [vs.RGB24, vs.RGB48, vs.RGBS, vs.YUV420P8, vs.YUV444P16, vs.YUV422P10, vs.RGBH])
def test_every_format_comes_back(clean: Frames, profile: FadeProfile, fmt: int) -> None:
    source = clip_of(faded(clean[:2]), fmt)
    made = correct_fade(source, profile=profile.text)
    assert (made.format.id, made.num_frames, made.width) == (source.format.id, 2, source.width)
    shown = made.resize.Bicubic(format=vs.RGBS).get_frame(0)
    before = source.resize.Bicubic(format=vs.RGBS).get_frame(0)
    wanted = np.clip(profile.apply(np.clip(picture(before), 0, 1)), 0, 1)
    assert off(np.clip(picture(shown), 0, 1), wanted) < 3
    assert off(picture(before), wanted) > 5


def test_the_profile_of_nothing_changes_no_bit(clean: Frames) -> None:
    for fmt in (vs.RGB24, vs.YUV420P8, vs.RGB48):
        source = clip_of(clean[:1], fmt)
        assert same(correct_fade(source, profile=IDENTITY.text).get_frame(0), source.get_frame(0))


def test_strength_is_a_dose(clean: Frames, profile: FadeProfile) -> None:
    source = clip_of(faded(clean[:1]))
    assert correct_fade(source, 0.0).get_frame(0).props.keys() == source.get_frame(0).props.keys()
    none, half, full = (picture(correct_fade(source, s, profile=profile.text).get_frame(0)) for s in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(half, (none + full) / 2, atol=1e-5)
    assert np.abs(full - none).max() > 0.1


def test_grey_clips_are_left() -> None:
    grey = core.std.BlankClip(format=vs.GRAY8, width=64, height=48, length=2, color=90)
    assert same(correct_fade(grey).get_frame(0), grey.get_frame(0))


def test_log_scans_come_back_as_log(clean: Frames, profile: FadeProfile) -> None:
    source = clip_of(0.3 + 0.3 * faded(clean[:1]), vs.RGB48, **{props.LOG: 1})
    made = correct_fade(source, profile=profile.text).get_frame(0)
    plain = correct_fade(source.std.RemoveFrameProps([props.LOG]), profile=profile.text).get_frame(0)
    assert made.props[props.LOG] == 1
    assert not same(made, plain)
    assert same(
        correct_fade(source, profile=IDENTITY.text).get_frame(0), source.get_frame(0)
    )  # there and back through the curve


def test_the_order_of_requests_does_not_count(clean: Frames) -> None:
    forth, back = (correct_fade(clip_of(faded(clean), vs.YUV420P8)) for _ in range(2))
    first = [forth.get_frame(n) for n in range(12)]
    second = [back.get_frame(n) for n in reversed(range(12))][::-1]
    assert all(same(a, b) for a, b in zip(first, second, strict=True))


def test_regions_are_left_alone(clean: Frames, profile: FadeProfile) -> None:
    source = clip_of(faded(clean[:1]), vs.RGB24)
    made = correct_fade(source, profile=profile.text, only=[(0, 0, 40, 72)]).get_frame(0)
    before, after = picture(source.get_frame(0)), picture(made)
    assert np.array_equal(before[:, 40:], after[:, 40:])
    assert (before[:, :40] != after[:, :40]).any()
    mask = correct_fade(source, profile=profile.text, only=[(0, 0, 40, 72)], show="mask").get_frame(0)
    assert picture(mask)[:, 40:].max() == 0


def test_a_bad_profile_is_one_clear_error(clean: Frames) -> None:
    with pytest.raises(vs.Error, match=r"^correct_fade: profile must be"):
        correct_fade(clip_of(clean[:1]), profile="fade1:1,2")


def test_what_decides_a_frame_is_told() -> None:
    spec = FILTERS["correct_fade"]
    assert spec.depends_with({}) == "clip"
    assert spec.depends_with({"profile": IDENTITY.text}) == "window"
    assert len(spec.weights(spec.complete({}))) == 64
    assert spec.weights(spec.complete({"profile": IDENTITY.text})) == ""
