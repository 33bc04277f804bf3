"""Whole OpenTimelineIO files as programs write them; every expected frame was counted by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vsfilmrestore.media.naming import unquoted
from vsfilmrestore.timeline import Reel

from .otio_makers import clip, sequence, timeline, tr, track

type Read = Callable[..., Reel]


@pytest.mark.parametrize("base", ["file:///seq/", "/seq/", "file://localhost/Z%3A/a%20b/", "seq"])
def test_numbers_of_a_sequence_are_no_quotes(otio_file: Read, base: str) -> None:
    """``file:///seq/p.%04d.exr``: %04 stands for the number, not for a control character."""
    reference = sequence(1001, tr(1001, 100)) | {"target_url_base": base}
    (shot,) = otio_file(timeline(track(clip("pl", 1010, 24, ref=reference)))).shots
    assert shot.source is not None
    assert (shot.source.label, shot.source.start, shot.source.has_timecode) == ("p", 9, False)
    assert shot.id == "p@9"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///a%20b/c.%04d.exr", "file:///a b/c.%04d.exr"),
        ("file:///%C3%A9t%C3%A9.%07d.dpx", "file:///été.%07d.dpx"),
        ("file:///plate%20dog%2504d.mov", "file:///plate dog%04d.mov"),
        ("file:///a.%d.tif", "file:///a.%d.tif"),
        ("file:///50%25.mov", "file:///50%.mov"),
    ],
)
def test_what_is_quoted(url: str, path: str) -> None:
    assert unquoted(url) == path
