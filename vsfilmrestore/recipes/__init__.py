"""Recipes: ordered steps with settings, and the presets."""

from __future__ import annotations

from vsfilmrestore.recipes.recipe import Recipe, Step

__all__ = ["Recipe", "Step"]
