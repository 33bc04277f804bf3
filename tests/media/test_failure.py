"""Errors inside frame callbacks, in one line."""

from __future__ import annotations

import pytest
import vapoursynth as vs

from vsfilmrestore.errors import MediaError, plain_text
from vsfilmrestore.media.failure import media_error_in

core = vs.core


def failing(error: Exception) -> vs.VideoNode:
    clip = core.std.BlankClip(length=1)

    def fail(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        raise error

    return core.std.BoxBlur(core.std.ModifyFrame(clip, clip, fail))


def test_our_error_is_found_again() -> None:
    with pytest.raises(vs.Error) as caught:
        failing(MediaError("it is truncated", file="a_1.dpx")).get_frame(0)
    assert "Traceback" in str(caught.value)
    assert str(media_error_in(caught.value)) == "a_1.dpx: it is truncated"
    assert plain_text(caught.value) == "a_1.dpx: it is truncated"


def test_other_errors() -> None:
    with pytest.raises(vs.Error) as caught:
        failing(ValueError("bad luck")).get_frame(0)
    assert media_error_in(caught.value) is None
    assert plain_text(caught.value) == "bad luck"
    assert plain_text(vs.Error("Trim: invalid\nframe")) == "Trim: invalid frame"
    assert plain_text(KeyError()) == "KeyError"
    ours = MediaError("x")
    assert media_error_in(ours) is ours
