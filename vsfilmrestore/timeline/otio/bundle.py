"""OTIO bundles: a timeline together with its media, as a zip file (``.otioz``) or a folder (``.otiod``).

::

    cut.otiod/                cut.otioz (a zip of the same)
        content.otio          the timeline; its media are named as ``media/x.mov``
        version.txt
        media/x.mov

Media in a folder is found where it lies. Media in a zip cannot be read there: it stays where it is until somebody asks
for it with `extract_media`, or unpacks the bundle beside itself as ``cut/`` or ``cut.otiod/``.
"""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Final

from vsfilmrestore.errors import OutputError, TimelineError
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline._text import MAX_BYTES, read_text, text_of
from vsfilmrestore.timeline.model import Reel

__all__ = ["bundle_media_places", "extract_media", "read_otiod", "read_otioz"]

_CONTENT: Final = "content.otio"
_MEDIA: Final = "media"
_MOST_MEMBERS: Final = 1_000_000
_BOMB: Final = 300
"""How many times larger than packed the timeline may be; JSON packs 20 to 100 times smaller."""
_SMALL: Final = 16 * 1024 * 1024
_BLOCK: Final = 1024 * 1024
_ZIP_ERRORS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
    OSError,
)


def read_otiod(path: Path, rate: Fraction | None = None, sequence: str = "") -> Reel:
    """Read a ``.otiod`` bundle, which is a folder.

    Args:
        path: The folder.
        rate: As for `read_otio`.
        sequence: Likewise.

    Raises:
        TimelineError: It is no folder with a timeline in it, or the timeline cannot be used.
    """
    content = path / _CONTENT
    if not path.is_dir() or not content.is_file():
        what = f"the bundle holds no {_CONTENT}" if path.is_dir() else "a .otiod bundle is a folder, and this is none"
        raise TimelineError(what, file=path)
    remarks = Remarks()
    return _reel(path, read_text(content, remarks), rate, remarks, sequence)


def read_otioz(path: Path, rate: Fraction | None = None, sequence: str = "") -> Reel:
    """Read a ``.otioz`` bundle, which is a zip file. Nothing is unpacked to disk.

    Args:
        path: The zip file.
        rate: As for `read_otio`.
        sequence: Likewise.

    Raises:
        TimelineError: Not a zip, damaged, encrypted, of a size that is no timeline's, or with names that lead out of
            it; or the timeline in it cannot be used.
    """
    remarks = Remarks()
    with _opened(path) as archive:
        members = _members(path, archive)
        data = _content(path, archive, members, remarks)
        media = [member for member in members if _is_media(member)]
    text = text_of(path, data, remarks)
    if media and not bundle_media_places(path):
        size = sum(member.file_size for member in media) / 1e6
        remarks.add(
            f"the bundle holds {len(media)} media files ({size:.0f} MB), which cannot be read inside it; "
            f"unpack it beside itself as '{path.stem}/', or name another folder with --media"
        )
    return _reel(path, text, rate, remarks, sequence)


def _reel(path: Path, text: str, rate: Fraction | None, remarks: Remarks, sequence: str) -> Reel:
    from vsfilmrestore.timeline.otio.json import load_otio  # brings OpenTimelineIO, which finding media does not need
    from vsfilmrestore.timeline.otio.reader import reel_of

    return reel_of(path, load_otio(path, remarks, text), rate, remarks, sequence)


def bundle_media_places(path: Path) -> list[Path]:
    """The folders to search for the media of a bundle, [] where there are none or it is no bundle.

    For ``cut.otiod`` its ``media`` folder; for ``cut.otioz`` that of ``cut/`` or ``cut.otiod/`` beside it, where
    somebody unpacked it. Links that lead out of the bundle are not followed.
    """
    match path.suffix.lower():
        case ".otiod":
            roots = [path]
        case ".otioz":
            roots = [path.with_suffix(""), path.with_suffix(".otiod")]
        case _:
            return []
    return [root / _MEDIA for root in roots if (root / _MEDIA).is_dir() and not (root / _MEDIA).is_symlink()]


def extract_media(path: Path, folder: Path) -> list[Path]:
    """Unpack the media of a ``.otioz`` bundle into ``folder/media``.

    Each file is written whole under another name first, so a break leaves no half files. Files that are there with
    the right size are left alone.

    Args:
        path: The zip file.
        folder: An existing or new folder.

    Returns:
        The files, in the order of the bundle.

    Raises:
        TimelineError: The bundle is damaged or unsafe.
        OutputError: No space, no permission, or another file stands where one would go.
    """
    with _opened(path) as archive:
        members = [member for member in _members(path, archive) if _is_media(member)]
        targets = [folder / PurePosixPath(member.filename) for member in members]
        missing = [pair for pair in zip(members, targets, strict=True) if not _is_there(*pair)]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _check_space(folder, sum(member.file_size for member, _ in missing))
        except OSError as error:
            raise OutputError(f"the folder cannot be written: {error.strerror or error}", file=folder) from None
        for member, target in missing:
            if not target.parent.resolve().is_relative_to(folder.resolve()):
                raise OutputError("a link leads out of the folder", file=target.parent)
            _unpack(path, archive, member, target)
    return targets


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        if not path.is_file():
            raise TimelineError("this is a folder, not a zip file" if path.is_dir() else "no such file", file=path)
        return zipfile.ZipFile(path)
    except _ZIP_ERRORS as error:
        raise TimelineError(f"this is not a zip file that can be read: {_reason(error)}", file=path) from None


def _members(path: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """All files in the bundle. The names are checked, and so is their number."""
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > _MOST_MEMBERS:
        raise TimelineError(f"the bundle holds {len(members)} files, more than any timeline has", file=path)
    for member in members:
        if _leads_out(member):
            raise TimelineError(f"the bundle holds '{member.filename[:80]}', which leads out of it", file=path)
    return members


def _leads_out(member: zipfile.ZipInfo) -> bool:
    name = member.filename
    linked = stat.S_ISLNK(member.external_attr >> 16)
    parts = PurePosixPath(name).parts
    return linked or "\\" in name or ":" in name or "\0" in name or name.startswith("/") or ".." in parts


def _content(path: Path, archive: zipfile.ZipFile, members: Iterable[zipfile.ZipInfo], remarks: Remarks) -> bytes:
    found = [member for member in members if PurePosixPath(member.filename).name == _CONTENT]
    found = [member for member in found if not member.filename.startswith("__MACOSX/")]
    best = min(found, key=lambda member: member.filename.count("/"), default=None)
    if best is None:
        raise TimelineError(f"the bundle holds no {_CONTENT}", file=path)
    if best.filename != _CONTENT:
        remarks.add(f"the timeline of the bundle stands in '{best.filename}'")
    if best.flag_bits & 1:
        raise TimelineError("the bundle is encrypted", file=path, hint="Unpack it, and name the .otiod folder")
    if best.file_size > MAX_BYTES or best.file_size > max(_SMALL, best.compress_size * _BOMB):
        size = best.file_size >> 20
        raise TimelineError(f"the timeline in the bundle says it is {size} MiB, which no timeline is", file=path)
    try:
        with archive.open(best) as stream:
            # No more than it says it has, whatever stands in it.
            return stream.read(best.file_size + 1)[: best.file_size]
    except _ZIP_ERRORS as error:
        raise TimelineError(f"the timeline in the bundle is damaged: {_reason(error)}", file=path) from None


def _is_media(member: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(member.filename).parts
    return len(parts) > 1 and parts[0] == _MEDIA


def _is_there(member: zipfile.ZipInfo, target: Path) -> bool:
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise OutputError("something else stands where a file of the bundle would go", file=target)
    if not target.exists():
        return False
    if target.stat().st_size != member.file_size:
        raise OutputError("another file stands where one of the bundle would go", file=target, hint="Move it away")
    return True


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(f"the media takes {needed >> 20} MiB, and {free >> 20} MiB are free", file=folder)


def _unpack(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        left = member.file_size
        with archive.open(member) as stream, part.open("wb") as out:
            while left >= 0 and (block := stream.read(_BLOCK)):
                left -= len(block)
                out.write(block)
        if left != 0:
            raise zipfile.BadZipFile(f"'{member.filename}' is not as long as it says")
        os.replace(part, target)
    except OSError as error:
        raise OutputError(f"the file cannot be written: {error.strerror or error}", file=target) from None
    except _ZIP_ERRORS as error:
        raise TimelineError(f"'{member.filename}' cannot be unpacked: {_reason(error)}", file=path) from None
    finally:
        part.unlink(missing_ok=True)


def _reason(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
