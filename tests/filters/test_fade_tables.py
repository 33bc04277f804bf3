"""Profiles for the grade, and help for the estimate from a person."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from vsfilmrestore.errors import UsageError
from vsfilmrestore.filters._fade_colour import delta_e, lab, to_density
from vsfilmrestore.filters._fade_estimate import look_at
from vsfilmrestore.filters._fade_export import Decision, cdl_text, cube_text, fitted_decision
from vsfilmrestore.filters._fade_help import matched, with_greys
from vsfilmrestore.filters._fade_profile import IDENTITY, FadeProfile

from .fading import KEPT, faded, scenes

SPACE = "{urn:ASC:CDL:v1.01}"
UNDONE = FadeProfile.of([*np.column_stack([np.diag(1 / KEPT), [-0.02, -0.03, -0.1]]).ravel(), *np.ones(12)])


def table(text: str) -> np.ndarray:
    """The colours of a cube, indexed blue, green, red."""
    lines = text.splitlines()
    size = next(int(line.split()[1]) for line in lines if line.startswith("LUT_3D_SIZE"))
    rows = [line for line in lines if line[:1].isdigit()]
    return np.array([[float(word) for word in row.split()] for row in rows]).reshape(size, size, size, 3)


def test_a_cube_holds_what_the_profile_does() -> None:
    text = cube_text(UNDONE, 'reel "A"')
    found = table(text)
    assert text.startswith('TITLE "reel _A_"\n')
    assert found.shape == (33, 33, 33, 3)
    colour = np.array([0.5, 0.25, 0.75])  # red, green, blue
    np.testing.assert_allclose(found[24, 8, 16], np.clip(UNDONE.apply(colour), 0, 1), atol=1e-6)
    np.testing.assert_allclose(
        table(cube_text(IDENTITY, "", size=5))[0, 0], [[r, 0, 0] for r in np.linspace(0, 1, 5)], atol=1e-4
    )


def test_half_the_strength_is_half_the_way() -> None:
    whole, half = table(cube_text(UNDONE, "", size=3)), table(cube_text(UNDONE, "", size=3, strength=0.5))
    np.testing.assert_allclose(half[1, 1, 1], (whole[1, 1, 1] + 0.5) / 2, atol=1e-3)


@pytest.mark.parametrize("collection", [False, True])
def test_decisions_are_written_as_the_asc_says(collection: bool) -> None:
    wanted = Decision((1.2, 1.0, 0.9), (0.01, 0.0, -0.05), (1.0, 1.1, 0.8), 1.25)
    root = ET.fromstring(cdl_text({"R1": wanted, "R2": wanted}, collection=collection).split("\n", 1)[1])
    assert root.tag == SPACE + ("ColorCorrectionCollection" if collection else "ColorDecisionList")
    corrections = root.findall(f".//{SPACE}ColorCorrection")
    assert [each.get("id") for each in corrections] == ["R1", "R2"]
    numbers = [corrections[0].findtext(f".//{SPACE}{word}") for word in ("Slope", "Offset", "Power", "Saturation")]
    assert numbers[0] == "1.200000 1.000000 0.900000"
    assert numbers[1] == "0.010000 0.000000 -0.050000"
    assert float(numbers[3] or 0) == 1.25


def test_the_nearest_decision_is_near() -> None:
    seen = faded(scenes(4)).reshape(-1, 3)
    found = fitted_decision(UNDONE, seen)
    target = np.clip(UNDONE.apply(seen), 0, 1)
    before, after = (float(delta_e(lab(x), lab(target)).mean()) for x in (seen, found.apply(seen)))
    assert after < 0.3 * before
    assert found.error == pytest.approx(after, abs=0.5)
    nothing = fitted_decision(IDENTITY)
    numbers = [*nothing.slope, *nothing.offset, *nothing.power, nothing.saturation]
    np.testing.assert_allclose(numbers, [1, 1, 1, 0, 0, 0, 1, 1, 1, 1], atol=0.02)


def test_a_grey_that_is_picked_becomes_grey() -> None:
    picks = faded(np.array([[[[0.2] * 3, [0.6] * 3]]]), KEPT)[0, 0]
    one = with_greys(IDENTITY, picks[1:])
    np.testing.assert_allclose(np.ptp(one.apply(picks[1])), 0, atol=1e-6)
    both = with_greys(IDENTITY, picks)
    assert np.ptp(both.apply(picks), axis=1).max() < 0.01
    assert np.ptp(one.apply(picks[0])) > 0.02


def test_a_burnt_out_grey_is_refused() -> None:
    with pytest.raises(UsageError, match="black or white"):
        with_greys(IDENTITY, [(1.0, 0.5, 0.5)])


def test_a_reference_gives_its_colours() -> None:
    clean = scenes(2)
    looks = [look_at(frame) for frame in faded(clean)]
    made = matched(looks[:1], look_at(clean[0])).apply(looks[0])
    before, after = (float(delta_e(lab(np.clip(x, 0, 1)), lab(look_at(clean[0]))).mean()) for x in (looks[0], made))
    assert after < 0.25 * before
    means = [to_density(each).reshape(-1, 3).mean(0) for each in (made, look_at(clean[0]))]
    np.testing.assert_allclose(means[0], means[1], atol=0.01)
