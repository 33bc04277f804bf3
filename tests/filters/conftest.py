"""Fixtures of the filters' tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.filters.networks import make_zoo


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of small networks that is the user's."""
    return make_zoo(tmp_path, monkeypatch)
