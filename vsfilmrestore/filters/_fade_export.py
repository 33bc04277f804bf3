"""Profiles for the grade: as a table of colours (``.cube``), and as near as a colour decision comes to it (ASC CDL).

Sources: Adobe, "Cube LUT Specification", version 1.0, 2013; American Society of Cinematographers, "ASC Color Decision
List (ASC CDL) Transfer Functions and Interchange Syntax", version 1.2, 2009.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._fade_colour import delta_e, lab
from vsfilmrestore.filters._fade_profile import FadeProfile

__all__ = ["Decision", "cdl_text", "cube_text", "fitted_decision"]

SIZE: Final = 33
_LUMA: Final = np.array([0.2126, 0.7152, 0.0722])
_SPACE: Final = "urn:ASC:CDL:v1.01"
_ROUNDS: Final = 40

type Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Decision:
    """Slope, offset and power of each colour, and saturation: all that an ASC CDL can say.

    Attributes:
        slope: Of red, green and blue.
        offset: Added after the slope.
        power: Exponent after that.
        saturation: 1 leaves it.
        error: Mean CIEDE2000 between it and the profile, over the colours it was fitted to.
    """

    slope: tuple[float, float, float]
    offset: tuple[float, float, float]
    power: tuple[float, float, float]
    saturation: float
    error: float = 0.0

    def apply(self, picture: npt.NDArray[Any]) -> Floats:
        """A picture from 0 to 1."""
        return _decided(np.array([*self.slope, *self.offset, *self.power, self.saturation]), np.asarray(picture))


def cube_text(profile: FadeProfile, title: str, *, size: int = SIZE, strength: float = 1.0) -> str:
    """A profile as a 3-D table of ``size``^3 colours, display-like from 0 to 1; red changes fastest."""
    steps = np.linspace(0, 1, size)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    colours = np.stack([red, green, blue], -1).reshape(-1, 3)
    made = np.clip(colours + strength * (profile.apply(colours) - colours), 0, 1)
    head = [f'TITLE "{_plain(title)}"', f"LUT_3D_SIZE {size}", "DOMAIN_MIN 0.0 0.0 0.0", "DOMAIN_MAX 1.0 1.0 1.0"]
    return "\n".join([*head, *(f"{r:.6f} {g:.6f} {b:.6f}" for r, g, b in made)]) + "\n"


def _plain(title: str) -> str:
    return "".join(c if c.isprintable() and c != '"' else "_" for c in title)[:200]


def cdl_text(decisions: Mapping[str, Decision], *, collection: bool = False) -> str:
    """Decisions by id as the XML of a ``.cdl`` file, or of a ``.ccc`` (``collection``)."""
    root = ET.Element("ColorCorrectionCollection" if collection else "ColorDecisionList", xmlns=_SPACE)
    for name, decision in decisions.items():
        place = root if collection else ET.SubElement(root, "ColorDecision")
        correction = ET.SubElement(place, "ColorCorrection", id=name)
        node = ET.SubElement(correction, "SOPNode")
        ET.SubElement(node, "Description").text = f"fade of dyes, {decision.error:.1f} CIEDE2000 from the full profile"
        for word, values in (("Slope", decision.slope), ("Offset", decision.offset), ("Power", decision.power)):
            ET.SubElement(node, word).text = " ".join(f"{value:.6f}" for value in values)
        ET.SubElement(ET.SubElement(correction, "SatNode"), "Saturation").text = f"{decision.saturation:.6f}"
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def fitted_decision(profile: FadeProfile, colours: npt.NDArray[Any] | None = None) -> Decision:
    """The decision nearest to a profile.

    Args:
        profile: The profile.
        colours: (n, 3) colours of the faded film that count; a spread of usual ones if not given.
    """
    seen = _usual(profile) if colours is None else np.asarray(colours, np.float64).reshape(-1, 3)
    seen = seen[:: max(1, len(seen) // 2000)]
    wanted = np.clip(profile.apply(seen), 0, 1)
    target = lab(wanted)

    def off(numbers: Floats) -> Floats:
        return np.asarray((lab(np.clip(_decided(numbers, seen), 0, 1)) - target).ravel())

    numbers = _descended(off, np.array([1.0] * 3 + [0.0] * 3 + [1.0] * 4))
    error = float(delta_e(lab(np.clip(_decided(numbers, seen), 0, 1)), target).mean())
    slope, offset, power = (tuple(map(float, part)) for part in numbers[:9].reshape(3, 3))
    return Decision(slope, offset, power, float(numbers[9]), error)  # type: ignore[arg-type]


def _usual(profile: FadeProfile) -> Floats:
    """Colours of the faded film that the profile makes colours of: those between black and white, and not far off."""
    steps = np.linspace(0.02, 0.98, 12)
    colours = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 3)
    made = profile.apply(colours)
    usual = (made.min(1) > 0.01) & (made.max(1) < 1.0) & (np.ptp(made, axis=1) < 0.5)
    return colours[usual] if usual.sum() > 50 else colours


def _decided(numbers: Floats, picture: npt.NDArray[Any]) -> Floats:
    slope, offset, power = numbers[:9].reshape(3, 3)
    made = np.clip(picture * slope + offset, 1e-6, 1) ** power
    luma = (made @ _LUMA)[..., None]
    return np.asarray(np.clip(luma + numbers[9] * (made - luma), 0, 1))


def _descended(off: Callable[[Floats], Floats], start: Floats) -> Floats:
    """Levenberg-Marquardt with slopes by differences; the numbers of a decision stay where they mean something."""
    low = np.array([0.05] * 3 + [-1.5] * 3 + [0.2] * 3 + [0.0])
    high = np.array([8.0] * 3 + [1.0] * 3 + [5.0] * 3 + [4.0])
    numbers, damp = start, 1e-2
    wrong = off(numbers)
    for _ in range(_ROUNDS):
        slopes = np.stack([(off(numbers + step) - wrong) / 1e-4 for step in 1e-4 * np.eye(len(start))], 1)
        bent = slopes.T @ slopes
        tried = numbers - np.linalg.solve(bent + damp * np.diag(np.diag(bent) + 1e-9), slopes.T @ wrong)
        tried = np.clip(tried, low, high)
        better = off(tried)
        if better @ better < wrong @ wrong:
            numbers, wrong, damp = tried, better, damp / 3
        else:
            damp *= 4
    return numbers
