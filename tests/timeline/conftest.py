"""Cut lists written into a temporary folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vsfilmrestore import timeline
from vsfilmrestore.timeline import Reel


@pytest.fixture
def edl(tmp_path: Path) -> Callable[..., Reel]:
    """Reads an EDL given as text or bytes."""

    def read(text: str | bytes, **options: Any) -> Reel:
        path = tmp_path / "cut.edl"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return timeline.read(path, **options)

    return read


@pytest.fixture
def otio_file(tmp_path: Path) -> Callable[..., Reel]:
    """Reads an OTIO file given as JSON data or text."""

    def read(data: Any, **options: Any) -> Reel:
        path = tmp_path / "cut.otio"
        path.write_text(data if isinstance(data, str) else json.dumps(data))
        return timeline.read(path, **options)

    return read


@pytest.fixture
def fcpxml(tmp_path: Path) -> Callable[..., Reel]:
    """Reads an FCPXML file given as text."""

    def read(text: str, **options: Any) -> Reel:
        path = tmp_path / "cut.fcpxml"
        path.write_text(text)
        return timeline.read(path, **options)

    return read
