"""Fading of colour film, simulated, and what is learned from it."""

from .film import Film
from .reels import Sights
from .spectral import SpectralFilm

__all__ = ["Film", "Sights", "SpectralFilm"]
