"""Signatures of grain: what is measured, what is written down, and what is made of it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from tests.pictures import clip_of, frames_of
from vsfilmrestore.errors import UsageError
from vsfilmrestore.filters._grain import record_grain
from vsfilmrestore.filters._grain_field import grain_field
from vsfilmrestore.filters._grain_form import (
    BANDS,
    COUNTS,
    SIDE,
    GrainSignature,
    PlaneGrain,
    band_power,
    corrected,
    gaussian_spectrum,
    without,
)
from vsfilmrestore.filters._grain_kernel import TAPS, spectrum_taps, tap
from vsfilmrestore.filters._grain_plan import SIGNATURE, by_signature
from vsfilmrestore.filters._grain_rounding import level_of, unrounded
from vsfilmrestore.filters._grain_shot import shot_grain
from vsfilmrestore.filters._grain_signature import measure_grain
from vsfilmrestore.filters._grain_window import unblurred
from vsfilmrestore.filters._noise import KNOTS, as16, full_scale
from vsfilmrestore.filters.denoise import denoise
from vsfilmrestore.filters.regrain import regrain
from vsfilmrestore.filters.remove_dirt import remove_dirt
from vsfilmrestore.filters.schema import FILTERS
from vsfilmrestore.recipes import Recipe

core = vs.core
type Frames = npt.NDArray[np.float32]


def picture(height: int = 160, width: int = 288) -> Frames:
    """A ramp with some soft detail."""
    detail = cv2.GaussianBlur(np.random.default_rng(3).standard_normal((height, width)).astype(np.float32), (0, 0), 9)
    ramp = np.linspace(30, 220, width, dtype=np.float32)[None]
    return np.asarray(ramp + detail / detail.std() * 6, np.float32)


def grainy(clean: Frames, sigma: float, size: float, count: int = 3, step: int = 0, seed: int = 1) -> Frames:
    """Frames of a picture that moves ``step`` pixels a frame, with grain of a size, strongest at mid-tones."""
    rng = np.random.default_rng(seed)
    made = []
    for n in range(count):
        frame = np.roll(clean, step * n, 1)
        noise = cv2.GaussianBlur(rng.standard_normal(frame.shape).astype(np.float32), (0, 0), size)
        level = frame / 255
        made.append(frame + noise / noise.std() * sigma * (0.4 + 2.4 * level * (1 - level)))
    return np.asarray(np.round(np.stack(made)).clip(0, 255), np.float32)


def signature_in(measured: vs.VideoNode) -> GrainSignature:
    """What `shot_grain` tells."""
    text = measured.get_frame(0).props[SIGNATURE]
    return GrainSignature.from_text(text.decode() if isinstance(text, bytes) else str(text))


def told(frames: Frames) -> GrainSignature:
    return measure_grain(*(frames[n : n + 3].astype(np.uint8) for n in range(0, len(frames) - 2, 2)))


def spectrum_apart(made: GrainSignature, source: GrainSignature) -> float:
    """Share of the power that is in the wrong ring."""
    first, second = (np.array(each.base.spectrum) * COUNTS for each in (made, source))
    return float(np.abs(first - second).sum() / second.sum())


def curve_apart(made: GrainSignature, source: GrainSignature) -> float:
    """Mean difference of the variances, over the knots between the outer ones."""
    first, second = (np.array(each.curve[1:-1]) ** 2 for each in (made, source))
    return float((np.abs(first - second) / second).mean())


@pytest.mark.parametrize("step", [0, 3])
@pytest.mark.parametrize(("sigma", "size"), [(3.0, 0.7), (8.0, 1.2)])
def test_measures_strength_size_and_curve(sigma: float, size: float, step: int) -> None:
    found = told(grainy(picture(), sigma, size, 5, step))
    assert found.sigma == pytest.approx(sigma, rel=0.12)
    assert found.size == pytest.approx(size, abs=0.15)
    for knot, value in zip(KNOTS[1:-1], found.curve[1:-1], strict=True):
        assert value == pytest.approx(sigma * (0.4 + 2.4 * knot * (1 - knot)), rel=0.2)


def test_detail_and_a_move_by_half_a_pixel_are_no_grain() -> None:
    rng = np.random.default_rng(2)
    texture = cv2.GaussianBlur(rng.standard_normal((192, 320)).astype(np.float32), (0, 0), 1.5) * 60 + 128
    moved = [cv2.warpAffine(texture, np.float32([[1, 0, 0.5 * n], [0, 1, 0.3 * n]]), (320, 192)) for n in range(3)]
    frames = [(frame + rng.standard_normal(frame.shape) * 2).clip(0, 255).astype(np.uint8) for frame in moved]
    assert measure_grain(frames).sigma == pytest.approx(2.0, rel=0.35)


def test_copies_have_no_grain() -> None:
    still = np.repeat(picture()[None], 3, 0).astype(np.uint8)
    assert measure_grain(still).sigma == 0.0


def test_colours_that_go_together_are_told() -> None:
    rng = np.random.default_rng(4)
    shared, own = (rng.standard_normal((3, 128, 192)) for _ in range(2))
    frames = np.stack([128 + 5 * shared, 128 + 6 * shared, 128 + 4 * own], 3).clip(0, 255).astype(np.uint8)
    found = measure_grain(list(frames), kind="rgb")
    assert found.planes[0].mix == pytest.approx(5 / 6, abs=0.05)
    assert abs(found.planes[2].mix) < 0.05
    assert found.planes[2].curve[2] == pytest.approx(4.0, rel=0.1)
    assert found.planes[0].curve[2] < 1.0


def test_a_signature_is_a_line_of_text() -> None:
    found = told(grainy(picture(), 5, 0.9))
    text = found.to_text()
    assert not set(text) & set(" \n=;")
    assert GrainSignature.from_text(text).to_text() == text


@pytest.mark.parametrize("text", ["", "g1", "g1:grey:640:1,2", "g2:grey:640:1,1,1,1,1,1/1/1/0", "g1:grey:0:a/b/c/d"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no signature"):
        GrainSignature.from_text(text)


def test_a_step_says_what_is_wrong_with_a_signature() -> None:
    with pytest.raises(vs.Error, match=r"regrain.*no signature of grain"):
        regrain(core.std.BlankClip(format=vs.GRAY8, length=2), signature="grain")


@pytest.mark.parametrize("size", [0.0, 0.5, 0.9, 1.6])
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_the_kernel_keeps_the_variance_and_has_the_spectrum(size: float, scale: float) -> None:
    props = spectrum_taps(gaussian_spectrum(size), 1.0, scale)
    whole = np.zeros((2 * TAPS[-1] + 1,) * 2)
    for part, most in enumerate(TAPS):
        sides = [np.array([props[tap(part, axis, abs(n))] for n in range(-most, most + 1)]) for axis in "xy"]
        inner = slice(TAPS[-1] - most, TAPS[-1] + most + 1)
        whole[inner, inner] += np.outer(sides[1], sides[0])
    assert (whole**2).sum() == pytest.approx(1.0, rel=0.03)
    beside = (whole[:, 1:] * whole[:, :-1]).sum()
    # Waves of the smaller picture, one dimension of them: nothing lies beyond 0.5 / scale.
    u = np.linspace(0, 0.5 / scale, 500)
    power = np.exp(-4 * np.pi**2 * (size * scale * u) ** 2)
    assert beside == pytest.approx((power * np.cos(2 * np.pi * u)).sum() / power.sum(), abs=0.06)


FILM = (
    (9.4, 5.0, 3.4, 2.6, 1.8, 1.3, 0.9, 0.6, 0.4, 0.2),
    (12.0, 7.2, 5.1, 4.0, 2.1, 1.1, 0.46, 0.13, 0.08, 0.0),
    (23.0, 9.5, 4.5, 2.7, 1.4, 0.85, 0.43, 0.19, 0.1, 0.03),
)
"""Spectra of grain on film that was coded: they fall more steeply at first than any Gaussian, and less later on."""


@pytest.mark.parametrize("told", FILM)
def test_the_kernel_follows_spectra_of_film(told: tuple[float, ...]) -> None:
    wanted = np.array(told) / (np.array(told) * COUNTS).sum() * COUNTS.sum()
    props = spectrum_taps(tuple(wanted))
    at = np.fft.fftfreq(128)
    whole = np.zeros((128, 128))
    for part, most in enumerate(TAPS):
        x, y = (
            props[tap(part, axis, 0)]
            + 2 * sum(props[tap(part, axis, n)] * np.cos(2 * np.pi * at * n) for n in range(1, most + 1))
            for axis in "xy"
        )
        whole += y[:, None] * x[None]
    radius = np.hypot(at[:, None], at[None])
    ring = np.minimum((radius * 2 * BANDS).astype(int), BANDS - 1)
    power = np.bincount(ring[radius > 0], (whole**2)[radius > 0]) / np.bincount(ring[radius > 0])
    assert (np.abs(power - wanted) * COUNTS).sum() / COUNTS.sum() < 0.08


@pytest.mark.parametrize("sigma", [0.2, 0.4, 0.7, 1.5, 4.0])
def test_grain_is_as_strong_as_told_after_it_was_rounded(sigma: float) -> None:
    given = unrounded(PlaneGrain((sigma,) * 6, (1.0,) * BANDS), level_of(core.std.BlankClip(format=vs.GRAY8, length=1)))
    noise = np.random.default_rng(4).standard_normal(400_000) * given.curve[0]
    assert np.rint(noise).std() == pytest.approx(sigma, rel=0.03)
    fine = core.std.BlankClip(format=vs.GRAYS, length=1)
    assert unrounded(PlaneGrain((sigma,) * 6, (1.0,) * BANDS), level_of(fine)).curve[0] == sigma


def test_whole_levels_add_noise_of_their_own() -> None:
    told = PlaneGrain((1.0,) * 6, gaussian_spectrum(0.3))
    given = unrounded(told, 1.0)
    added = np.array(told.spectrum) - np.array(given.spectrum) * (given.curve[0] / told.curve[0]) ** 2
    assert added == pytest.approx(1 / 12, abs=0.01)
    assert unrounded(PlaneGrain((0.0,) * 6, (1.0,) * BANDS), 1.0).curve == (0.0,) * 6


def test_what_is_missing_is_the_difference_of_the_powers() -> None:
    wanted = PlaneGrain((5.0,) * 6, gaussian_spectrum(0.7))
    there = PlaneGrain((3.0,) * 6, gaussian_spectrum(0.7))
    lack = without(GrainSignature((wanted,), 640), GrainSignature((there,), 640))
    assert lack.curve == pytest.approx((4.0,) * 6, rel=0.02)
    assert lack.base.spectrum == pytest.approx(wanted.spectrum, rel=0.05)
    none = without(GrainSignature((there,), 640), GrainSignature((wanted,), 640))
    assert none.curve == (0.0,) * 6


@pytest.mark.parametrize("by_signature", [False, True])
def test_the_round_trip_keeps_spectrum_and_curve(by_signature: bool) -> None:
    clean = picture()
    frames = grainy(clean, 7, 0.9, 7)
    before = told(frames[2:5])
    cleaned = denoise(clip_of(frames), 1.0, reach=2, spatial=0.0, model="")
    assert told(frames_of(cleaned[2:5])).sigma < 0.6 * before.sigma
    after = told(frames_of(regrain(cleaned, signature=before.to_text() if by_signature else "")[2:5]))
    assert spectrum_apart(after, before) < 0.1
    assert curve_apart(after, before) < 0.15


def test_frames_beside_copies_get_their_grain_back() -> None:
    rng = np.random.default_rng(2)
    frames = grainy(picture(), 7, 0.9, 6)
    again = (frames + rng.standard_normal(frames.shape) * 0.5).round().clip(0, 255)
    mixed = np.stack([each for pair in zip(frames, again, strict=True) for each in pair])
    cleaned = denoise(clip_of(mixed), 1.0, spatial=0.0, model="")
    back = frames_of(regrain(cleaned))
    pairs = ((3, 4), (5, 6), (7, 8))
    before, left, after = (
        measure_grain(*(each[[a, b]].astype(np.uint8) for a, b in pairs)) for each in (mixed, frames_of(cleaned), back)
    )
    assert left.sigma < 0.7 * before.sigma
    assert after.sigma == pytest.approx(before.sigma, rel=0.07)
    assert spectrum_apart(after, before) < 0.1


def test_copies_that_get_grain_of_their_own_do_not_seem_to_lack_it() -> None:
    frames = grainy(picture(), 7, 0.9, 8)
    mixed = clip_of(np.repeat(frames, [1, 3, 1, 3, 1, 3, 1, 3], 0))
    halved = core.std.Merge(mixed, mixed.std.BoxBlur(hradius=3))
    source, left = (signature_in(shot_grain(clip)) for clip in (mixed, halved))
    assert left.sigma < 0.8 * source.sigma
    back = frames_of(regrain(halved, signature=source.to_text()))
    pairs = ((0, 1), (3, 4), (4, 5), (7, 8), (8, 9))
    after = measure_grain(*(back[[a, b]].astype(np.uint8) for a, b in pairs))
    assert curve_apart(after, source) < 0.1


def test_what_fell_short_at_first_is_made_good() -> None:
    """The spectrum is no sum of Gaussians, the strength no smooth curve; levels are rounded to eight bits."""
    wanted = PlaneGrain((1.0, 3.0, 1.5, 3.0, 1.5, 3.0), (16.0, 4.0, 6.0, 2.0, 3.0, 0.5, 1.5, 0.3, 0.6, 0.1))
    total = float((np.array(wanted.spectrum) * COUNTS).sum() / COUNTS.sum())
    signature = GrainSignature((replace(wanted, spectrum=tuple(each / total for each in wanted.spectrum)),), 288)
    clean = clip_of(np.repeat(picture()[None].round(), 5, 0))
    there = told(frames_of(clean))
    once = by_signature([clean], clean, signature, None, 0)
    field = grain_field(once[0], clean, clean, 0)
    tried = told(frames_of(core.akarin.Expr([clean, field], "x y 255 * +")))
    given = told(frames_of(regrain(clean, signature=signature.to_text())))
    assert there.sigma < 0.3
    assert curve_apart(given, signature) < curve_apart(tried, signature)
    assert spectrum_apart(given, signature) < spectrum_apart(tried, signature)


@pytest.mark.parametrize("size", [1.2, 1.8])
def test_what_the_window_blurs_is_told_apart(size: float) -> None:
    noise = cv2.GaussianBlur(np.random.default_rng(7).standard_normal((512, 1024)), (0, 0), size)
    blocks = (noise / noise.std()).reshape(16, SIDE, 32, SIDE).swapaxes(1, 2).reshape(-1, SIDE, SIDE)
    measured, true = band_power(blocks).mean(0), np.array(gaussian_spectrum(size))
    wrong = [
        float((np.abs(np.array(each) - true) * COUNTS).sum() / COUNTS.sum())
        for each in (measured, unblurred(tuple(measured)))
    ]
    assert wrong[1] < 0.6 * wrong[0]


def test_white_grain_is_white_through_any_window() -> None:
    assert unblurred((1.0,) * BANDS) == pytest.approx((1.0,) * BANDS, abs=1e-6)


def test_a_curve_gives_what_is_owed_where_levels_lie_wide_apart() -> None:
    """Grass: in every block lie samples of many levels, so what is most at one level is given to few of them."""
    rng = np.random.default_rng(5)
    grass = cv2.GaussianBlur(rng.standard_normal((160, 288)).astype(np.float32), (0, 0), 1) * 88
    clean = np.repeat((picture() + grass).round().clip(0, 255)[None], 3, 0)
    strength = np.interp(clean / 255, KNOTS, (2, 3, 8, 8, 3, 2))
    rough = clip_of((clean + rng.standard_normal(clean.shape) * strength).clip(0, 255) * 256, vs.GRAY16)
    bare = clip_of(clean * 256, vs.GRAY16)
    given = frames_of(regrain(record_grain(bare, rough, bare))) / 256 - clean
    for low, high, most in ((30, 60, 1.4), (90, 165, 1.05), (195, 225, 1.4)):
        there = (clean > low) & (clean < high)
        assert 0.95 < given[there].std() / np.sqrt((strength[there] ** 2).mean()) < most


@pytest.mark.parametrize("fmt", [vs.GRAY8, vs.GRAY10, vs.GRAY16, vs.GRAYS])
def test_white_in_sixteen_bits_is_known(fmt: int) -> None:
    bits = core.get_video_format(fmt).bits_per_sample
    white = core.std.BlankClip(None, 16, 16, fmt, color=1 if bits == 32 else (1 << bits) - 1)
    assert full_scale(white) == np.asarray(as16(white).get_frame(0)[0]).max()


def test_what_is_corrected_is_what_fell_short() -> None:
    def signature(sigma: float, spectrum: tuple[float, ...] = (1.0,) * BANDS, width: int = 640) -> GrainSignature:
        return GrainSignature((PlaneGrain((sigma,) * 6, spectrum),), width)

    wanted, there = signature(5.0), signature(3.0)
    given = without(wanted, there)
    assert corrected(given, wanted, there, wanted).curve == pytest.approx(given.curve)
    less = corrected(given, wanted, there, signature((3**2 + 0.8 * 16) ** 0.5))
    assert less.curve == pytest.approx(tuple(each / 0.8**0.5 for each in given.curve))
    bent = tuple(np.array([2.0, *[1.0] * (BANDS - 1)]))
    again = corrected(given, wanted, there, signature(5.0, bent))
    assert again.base.spectrum[0] < 0.7 * again.base.spectrum[5]
    small = corrected(given, wanted, signature(3.0, width=320), signature(5.0, bent, 320))
    assert small.base.spectrum == pytest.approx(given.base.spectrum)


def test_a_signature_grows_with_the_picture() -> None:
    clean = picture()
    before = told(grainy(clean, 7, 0.8, 3))
    large = clip_of(np.repeat(cv2.resize(clean, (576, 320))[None], 3, 0))
    after = told(frames_of(regrain(large, signature=before.to_text())))
    assert after.sigma == pytest.approx(before.sigma, rel=0.1)
    assert after.size == pytest.approx(2 * before.size, rel=0.15)


def test_a_shot_that_has_its_grain_gets_no_more() -> None:
    frames = grainy(picture(), 6, 0.8, 7)
    found = told(frames)
    again = frames_of(regrain(clip_of(frames), signature=found.to_text()))
    assert (again - frames)[3].std() < 0.35 * found.sigma


def test_a_shot_is_measured_in_one_frame_inside_the_graph() -> None:
    asked: list[int] = []
    clip = clip_of(grainy(picture(), 6, 0.8, 40))

    def watch(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        asked.append(n)
        return f

    measured = shot_grain(core.std.ModifyFrame(clip, clip, watch))
    assert asked == []
    found = signature_in(measured)
    assert found.sigma == pytest.approx(6.0, rel=0.12)
    assert len(asked) == 15
    assert shot_grain(clip[:1]).get_frame(0).props[SIGNATURE] in ("", b"")


def test_changed_areas_get_the_grain_around_them_and_nothing_else_changes() -> None:
    clean = picture()
    frames = grainy(clean, 7, 0.8, 5)
    inside = np.zeros(clean.shape, bool)
    inside[50:110, 100:200] = True
    painted = np.where(inside, clean.round(), frames)
    mask = clip_of(np.repeat(inside[None] * 255.0, 5, 0).astype(np.float32))
    marked = clip_of(painted).std.ClipToProp(mask, "_VsfrMask_fill")
    back = frames_of(regrain(marked, where="changed"))
    assert np.array_equal(back[:, ~inside], painted[:, ~inside])
    given, wanted = ((each[2] - clean)[inside].std() for each in (back, frames))
    assert given == pytest.approx(wanted, rel=0.15)
    full = clip_of(frames).std.ClipToProp(mask, "_VsfrMask_fill")
    assert (frames_of(regrain(full, where="changed")) - frames)[2][inside].std() < 0.4 * wanted
    assert np.array_equal(frames_of(regrain(clip_of(frames), where="changed")), frames)


def test_what_is_measured_decides_what_a_frame_depends_on() -> None:
    spec = FILTERS["regrain"]
    text = GrainSignature((PlaneGrain((1.0,) * 6, (1.0,) * BANDS),), 640).to_text()
    assert spec.depends_with({}) == "number"
    assert spec.depends_with({"signature": text}) == "clip"
    assert spec.depends_with({"where": "changed"}) == "clip"
    assert spec.depends_with({"signature": text, "where": "changed"}) == "number"
    assert spec.depends_with({"amount": 4.0, "where": "changed"}) == "number"


def test_a_frame_is_the_same_however_it_is_reached() -> None:
    clip = clip_of(grainy(picture(), 5, 0.8, 7))
    text = told(grainy(picture(), 9, 1.0)).to_text()
    in_order, seeking = frames_of(regrain(clip, signature=text)), regrain(clip, signature=text)
    for n in (5, 1, 3):
        assert np.array_equal(np.asarray(seeking.get_frame(n)[0]), in_order[n])


@pytest.mark.parametrize("fmt", [vs.YUV420P8, vs.YUV422P10, vs.RGB24, vs.GRAYH, vs.YUV444PS])
def test_any_format_takes_a_grey_signature(fmt: int) -> None:
    clip = core.std.BlankClip(format=fmt, width=96, height=80, length=2, color=None).std.SetFrameProps(_Mark=7)
    text = told(grainy(picture(), 6, 0.8)).to_text()
    frame = regrain(clip, signature=text).get_frame(0)
    assert (frame.format.id, frame.width, frame.height) == (fmt, 96, 80)
    assert frame.props["_Mark"] == 7


def test_archive_keeps_the_grain() -> None:
    steps = {step.name: step for step in Recipe.preset("archive")}
    assert not {"denoise", "regrain"} & set(steps)
    frames = grainy(picture(128, 192), 6, 0.8, 5)
    kept = remove_dirt(clip_of(frames), float(str(steps["remove_dirt"].complete["strength"])), model="")
    assert told(frames_of(kept[1:4])).sigma == pytest.approx(told(frames[1:4]).sigma, rel=0.02)


def soft_pictures(count: int, height: int = 192, width: int = 320) -> Frames:
    """Pictures of which none has to do with the next."""
    rng = np.random.default_rng(8)
    fall = (np.hypot(*np.meshgrid(np.fft.rfftfreq(width), np.fft.fftfreq(height))) + 0.01) ** -2
    made = [np.fft.irfft2(np.fft.rfft2(rng.standard_normal((height, width))) * fall) for _ in range(count)]
    return np.asarray(np.stack([128 + each / each.std() * 30 for each in made]), np.float32)


def with_grain(clean: Frames, sigma: float, size: float) -> Frames:
    rng = np.random.default_rng(1)
    noise = [cv2.GaussianBlur(rng.standard_normal(frame.shape).astype(np.float32), (0, 0), size) for frame in clean]
    return np.asarray(np.round(clean + np.stack(noise) / np.std(noise) * sigma).clip(0, 255), np.float32)


def test_what_cannot_be_followed_is_no_grain() -> None:
    clean = soft_pictures(5)
    found = told(with_grain(clean, 8, 0.7))
    assert found.sigma == pytest.approx(8, rel=0.15)
    assert found.size == pytest.approx(0.7, abs=0.15)
    assert told(np.round(clean.clip(0, 255))).sigma < 1.5


def test_copies_among_other_frames_tell_nothing() -> None:
    frames = grainy(picture(), 4, 0.9, 5)
    rng = np.random.default_rng(2)
    again = [(frame + rng.standard_normal(frame.shape) * 0.5).round().clip(0, 255) for frame in frames]
    mixed = np.stack([each for pair in zip(frames, again, strict=True) for each in pair])
    found = measure_grain(*(mixed[n : n + 3].astype(np.uint8) for n in range(8)))
    assert found.sigma == pytest.approx(told(frames).sigma, rel=0.06)


@pytest.mark.parametrize("size", [0.7, 1.2])
def test_slow_changes_count_for_what_they_are(size: float) -> None:
    found = told(grainy(picture(), 6, size, 7))
    assert found.base.spectrum[0] == pytest.approx(gaussian_spectrum(size)[0], rel=0.2)
