"""Shared fixtures."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def footage() -> Callable[[str], Path]:
    """Path of a piece of real footage, ``footage("clips/x.mkv")``; skips where the folder is absent."""
    folder = Path(os.environ.get("VSFILMRESTORE_FOOTAGE", ROOT.parent / "shared"))

    def find(name: str) -> Path:
        path = folder / name
        if not path.exists():
            pytest.skip(f"real footage is not here: {path.name}")
        return path

    return find
