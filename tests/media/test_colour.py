"""Colour tags and the log curve."""

from __future__ import annotations

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.media.colour import ColourTags, display_to_log, log_to_display, untold, write_colour

from .makers import planes

core = vs.core


def ramp(bits: int, family: vs.ColorFamily = vs.GRAY) -> vs.VideoNode:
    """Every code value once; RGB planes alike."""
    size = min(1 << bits, 1024)
    kind = core.query_video_format(family, vs.INTEGER, bits).id
    blank = core.std.BlankClip(format=kind, width=size, height=(1 << bits) // size, length=1, keep=True)
    return core.std.SetFrameProps(core.akarin.Expr(blank, f"Y {size} * X +"), _VsfrLog=1, _Matrix=0)


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_every_code_value_comes_back(bits: int) -> None:
    log = ramp(bits)
    shown = log_to_display(log)
    assert shown.format.id == vs.GRAYS
    back = display_to_log(shown, log)
    assert back.format.id == log.format.id
    assert np.array_equal(planes(back.get_frame(0)), planes(log.get_frame(0)))
    assert back.get_frame(0).props["_VsfrLog"] == 1


def test_rgb_and_float_come_back() -> None:
    log = ramp(10, vs.RGB)
    assert log_to_display(log).format.id == vs.RGBS
    assert np.array_equal(planes(display_to_log(log_to_display(log), log).get_frame(0)), planes(log.get_frame(0)))
    floating = core.akarin.Expr(ramp(10), "x 1023 /", vs.GRAYS)
    error = planes(display_to_log(log_to_display(floating), floating).get_frame(0)) - planes(floating.get_frame(0))
    assert np.abs(error).max() < 1e-4


def test_the_curve_is_kodaks() -> None:
    shown = planes(log_to_display(ramp(10)).get_frame(0))[0, 0].astype(float)
    # 0.002 density per code over a gamma of 0.6: light at a code, black 95 at 0 and white 685 at 1.
    light = 10 ** ((np.arange(1024) - 685) * 0.002 / 0.6)
    black = 10 ** ((95 - 685) * 0.002 / 0.6)
    linear = (light - black) / (1 - black)
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)
    assert np.allclose(shown, srgb, atol=1e-5)
    assert abs(shown[95]) < 1e-6
    assert abs(shown[685] - 1) < 1e-5
    # An 18 % grey card is at about code 470 by Kodak's table (density 0.7 below the 90 % white).
    assert abs(linear[470] - 0.18) < 0.02
    assert np.all(np.diff(shown) > 0)


def test_the_curve_changes_the_tags() -> None:
    props = log_to_display(ramp(10)).get_frame(0).props
    assert props["_Transfer"] == 13
    assert "_VsfrLog" not in props


def test_what_the_curve_refuses() -> None:
    with pytest.raises(vs.Error, match="log_to_display: a log scan is RGB or grey"):
        log_to_display(core.std.BlankClip(format=vs.YUV420P8))
    with pytest.raises(vs.Error, match=r"black \(700\) must lie below white"):
        log_to_display(ramp(10), black=700)
    with pytest.raises(vs.Error, match="display_to_log: the clip must be float"):
        display_to_log(ramp(10), ramp(10))


def test_tags_are_written_and_guesses_removed() -> None:
    guessed = core.std.SetFrameProps(
        core.std.BlankClip(format=vs.YUV420P8, length=1), _Matrix=6, _Transfer=6, _Primaries=6, _Range=0, _VsfrLog=1
    )
    props = write_colour(guessed, ColourTags(matrix=1)).get_frame(0).props
    assert (props["_Matrix"], props["_Transfer"], props["_Primaries"]) == (1, 2, 2)
    assert "_Range" not in props
    assert "_VsfrLog" not in props
    props = write_colour(guessed, ColourTags(full_range=True, log=True)).get_frame(0).props
    assert props["_Range"] == vs.RANGE_FULL
    assert props["_VsfrLog"] == 1
    rgb = core.std.BlankClip(format=vs.RGB24, length=1)
    assert write_colour(rgb, ColourTags()).get_frame(0).props["_Matrix"] == 0


def test_what_is_not_told() -> None:
    assert untold(ColourTags(), vs.YUV) == ("matrix", "range")
    assert untold(ColourTags(matrix=1, full_range=False), vs.YUV) == ()
    assert untold(ColourTags(), vs.GRAY) == ("range",)
    assert untold(ColourTags(), vs.RGB) == ()
