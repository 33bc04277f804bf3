"""Networks are kept in a registry of each test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import vapoursynth as vs

from vsfilmrestore.inference.registry import Registry


@pytest.fixture
def models() -> Registry:
    return Registry()


@pytest.fixture(params=[1, 8], ids=["1 thread", "8 threads"])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = vs.core.num_threads
    vs.core.num_threads = request.param
    yield request.param
    vs.core.num_threads = before
