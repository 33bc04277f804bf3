"""Pictures and sound in: whatever the user names, opened the same way.

::

    media = open_media("scans/reel1")                      # the one sequence in a folder
    media = open_media("scans/reel1/scan_0086400.dpx")     # any of its files
    media = open_media("scans/reel1/scan_#######.dpx", SourceOptions(rate=Fraction(18), gap="hold"))
    media = open_media("tape.mov")                         # timecode, reel and sound come along
    media = open_media("mine.vpy")                         # the user's own script
    media.video, media.audio, media.timecode(0)

A script that was named is run. Nothing else here runs code from a file, and nothing is written beside the media.
Each kind brings its libraries when the first of it is opened; a plan without media brings none.
"""

from __future__ import annotations

import os
from pathlib import Path

from vsfilmrestore.errors import MediaError
from vsfilmrestore.media.model import Gap, Kind, Media, Probe, SourceOptions
from vsfilmrestore.media.naming import PICTURE_SUFFIXES, is_pattern

__all__ = ["Gap", "Kind", "Media", "Probe", "SourceOptions", "kind_of", "open_media", "probe"]


def kind_of(path: str | Path) -> Kind:
    """What kind of media a path names, told by its name and whether it is a folder.

    Raises:
        MediaError: Nothing is there.
    """
    named = Path(path)
    if is_pattern(named) or named.is_dir():
        return "sequence"
    if not named.exists():
        raise MediaError("there is no such file or folder", file=named)
    if named.suffix.lower() == ".vpy":
        return "script"
    return "sequence" if named.suffix.lower() in PICTURE_SUFFIXES else "file"


def open_media(path: str | Path, options: SourceOptions | None = None) -> Media:
    """Open a media file, an image sequence or a script.

    A sequence opens at once, whatever its length. A file is read through once and indexed in the user's cache; the
    next time it opens at once too.

    Args:
        path: A media file; a folder, a file or a pattern (``name.####.dpx``, ``name.%07d.dpx``) of an image sequence;
            or a ``.vpy`` script.
        options: See `SourceOptions`.

    Raises:
        MediaError: The media is missing, unreadable, truncated, has holes or changes its size.
        ScriptError: The script fails.
    """
    kind = kind_of(path)
    # Frames are read long after this; by then a host may have gone to another folder.
    named, chosen = Path(os.path.abspath(path)), options or SourceOptions()
    if kind == "sequence":
        from vsfilmrestore.media.sequence import open_sequence

        return open_sequence(named, chosen)
    if kind == "script":
        from vsfilmrestore.media.script import open_script

        return open_script(named, chosen)
    from vsfilmrestore.media.files import open_file

    return open_file(named, chosen)


def probe(path: str | Path) -> Probe:
    """Rate, length, timecode, reel and size of media: headers only, nothing decoded, nothing run, nothing written.

    Raises:
        MediaError: As `open_media`; also for a script, which tells nothing before it runs.
    """
    named = Path(path)
    kind = kind_of(named)
    if kind == "script":
        raise MediaError("a script tells nothing of itself before it runs", file=named, hint="Open it instead")
    if kind == "sequence":
        from vsfilmrestore.media.sequence import probe_sequence

        return probe_sequence(named)
    from vsfilmrestore.media.container import probe_file

    return probe_file(named)
