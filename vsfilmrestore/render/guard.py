"""Before a render: its output can be written, and overwrites nothing that it is made from."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile

from vsfilmrestore.errors import MediaError, OutputError
from vsfilmrestore.media.naming import PICTURE_SUFFIXES, FileSequence, find_sequence, is_pattern, sequences_in
from vsfilmrestore.media.out.atomic import output_error, part_path
from vsfilmrestore.media.out.profiles import Profile
from vsfilmrestore.media.out.still_names import still_path, stills_pattern

__all__ = ["make_place", "refuse_overwriting"]


def refuse_overwriting(output: Path, profile: Profile | None, sources: Iterable[Path]) -> None:
    """Refuse an output that would replace, or lie among, the files it is made from.

    Args:
        output: File, folder or pattern to write.
        profile: Its format; None: a single file of another kind.
        sources: Cut lists, movies, sequences (folder, file or pattern); names of nothing are passed over.

    Raises:
        OutputError: It would.
    """
    stills = None if profile is None or profile.is_movie else stills_pattern(output, profile)
    beside = [output.with_name(output.name + ending) for ending in ("", ".framemd5", ".wav")]
    for source in sources:
        if any(_same(path, source) for path in beside if not path.is_dir()):
            raise OutputError("is what the result is made from and is not overwritten", file=source, hint=_HINT)
        if stills is not None and any(_meets(stills, found, source) for found in _sequences(source)):
            raise OutputError("the source's own pictures lie there and are not overwritten", file=output, hint=_HINT)


def make_place(output: Path, profile: Profile) -> None:
    """Make the folder of an output and write a trial file there: better now than after hours of rendering.

    Raises:
        OutputError: That cannot be done.
    """
    file = output if profile.is_movie else stills_pattern(output, profile)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part_path(file).exists()  # names too long are refused here
        with TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        raise output_error(output, error) from None


_HINT = "Name another place with -o"


def _same(path: Path, other: Path) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return os.path.abspath(path) == os.path.abspath(other)


def _sequences(source: Path) -> list[FileSequence]:
    try:
        if source.is_dir():
            return sequences_in(source)
        if is_pattern(source) or source.suffix.lower() in PICTURE_SUFFIXES:
            return [find_sequence(source)]
    except MediaError:
        pass  # whoever opens it says so
    return []


def _meets(stills: Path, found: FileSequence, source: Path) -> bool:
    """Whether stills of that pattern would take the names of a sequence, or join a folder that was named as a whole."""
    if not _same(stills.parent, found.folder):
        return False
    number = found.numbers[0]
    return source.is_dir() or still_path(stills, number).name.lower() == found.path(number).name.lower()
