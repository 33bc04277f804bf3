"""Pictures and sound out: movies in pieces that are joined without encoding again, and numbered stills.

::

    profile = profile_for("out.mov", "prores_hq")
    clip = prepare(restored, profile)
    info = VideoInfo.of(clip.get_frame(0), Fraction(24))
    pieces = [encode_segment(clip[a:b].frames(close=True), profile, Path(f"{a}.mov"), info) for a, b in shots]
    join_segments([p.path for p in pieces], Path("out.mov"), profile=profile, info=info, timecode="01:00:00:00")
    write_framemd5(Path("out.mov.framemd5"), md5s, pieces[0].picture_bytes, info)

The same frames give the same bytes on every run and every number of threads.

What needs FFmpeg's or OpenImageIO's libraries brings them when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from vsfilmrestore.media.out.atomic import atomic_file, atomic_text, fsync_folder
from vsfilmrestore.media.out.framemd5 import FrameMd5, framemd5_text, read_framemd5, write_framemd5
from vsfilmrestore.media.out.info import VideoInfo
from vsfilmrestore.media.out.prepare import Preparation, plan_preparation, prepare
from vsfilmrestore.media.out.profiles import PROFILES, Profile, check_size, profile_for
from vsfilmrestore.media.out.still_names import still_path, stills_pattern

if TYPE_CHECKING:
    from vsfilmrestore.media.out.join import join_segments
    from vsfilmrestore.media.out.segments import SegmentResult, encode_segment, movie_md5s, segment_suffix
    from vsfilmrestore.media.out.still_headers import StillLabels
    from vsfilmrestore.media.out.stills import StillsResult, write_stills

__all__ = [
    "PROFILES",
    "FrameMd5",
    "Preparation",
    "Profile",
    "SegmentResult",
    "StillLabels",
    "StillsResult",
    "VideoInfo",
    "atomic_file",
    "atomic_text",
    "check_size",
    "encode_segment",
    "framemd5_text",
    "fsync_folder",
    "join_segments",
    "movie_md5s",
    "plan_preparation",
    "prepare",
    "profile_for",
    "read_framemd5",
    "segment_suffix",
    "still_path",
    "stills_pattern",
    "write_framemd5",
    "write_stills",
]

_HOMES: Final = {
    "SegmentResult": "segments",
    "StillLabels": "still_headers",
    "StillsResult": "stills",
    "encode_segment": "segments",
    "join_segments": "join",
    "movie_md5s": "segments",
    "segment_suffix": "segments",
    "write_stills": "stills",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
