"""Fading of colour film, simulated, and what is learned from it."""

from .dyes import Dyes
from .film import Film
from .reels import Sights
from .spectral import SpectralFilm

__all__ = ["Dyes", "Film", "Sights", "SpectralFilm"]
