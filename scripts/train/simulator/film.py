"""How large film is in a scan: all sizes of damage are in millimetres of film."""

from __future__ import annotations

from dataclasses import dataclass

from .chance import Dice, Range

__all__ = ["GAUGES", "PX_PER_MM_2K", "Film"]

GAUGES = {"35mm": 21.95, "16mm": 10.26, "8mm": 4.5, "65mm": 48.56}
"""Width of the picture on the film in mm: SMPTE ST 2003 (35 mm sound aperture), ST 7, ST 2006, 65 mm 5-perf."""
_SHARES = {"35mm": 0.62, "16mm": 0.24, "8mm": 0.08, "65mm": 0.06}
PX_PER_MM_2K = 2048 / GAUGES["35mm"]
_WIDTHS = {
    "35mm": Range(720, 4096, log=True),
    "16mm": Range(640, 2304, log=True),
    "8mm": Range(480, 1536, log=True),
    "65mm": Range(1280, 4096, log=True),
}
"""Small gauges are scanned smaller: there is no more on them."""


@dataclass(frozen=True)
class Film:
    """A gauge and the width, in pixels, that its whole picture has in the scan (a sample may be a part of it)."""

    gauge: str
    width: float

    @classmethod
    def drawn(cls, dice: Dice) -> Film:
        """A film for a sample."""
        names = list(_SHARES)
        gauge = names[int(dice.rng.choice(len(names), p=list(_SHARES.values())))]
        return cls(gauge, dice.draw(_WIDTHS[gauge]))

    @property
    def px_per_mm(self) -> float:
        """Pixels of the scan to a millimetre of film."""
        return self.width / GAUGES[self.gauge]

    @property
    def scale(self) -> float:
        """How large a thing is that measures one pixel where 35 mm is scanned 2048 wide."""
        return self.px_per_mm / PX_PER_MM_2K
