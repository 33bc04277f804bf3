"""Files that appear whole or not at all.

The bytes go to ``.NAME.part`` in the same folder, are flushed to the disk, and only then take the name ``NAME``. After
a failure the part file is removed and whatever bore the name before is untouched; after a power cut at most the part
file is left, which the next try overwrites.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from vsfilmrestore.errors import OutputError

__all__ = ["Sink", "atomic_file", "atomic_text", "fsync_folder", "output_error", "part_path"]

_REASONS = {
    errno.ENOSPC: ("the disk is full", "Free some space and start again"),
    errno.EDQUOT: ("your disk quota is used up", "Free some space and start again"),
    errno.EFBIG: ("the file grew beyond what the file system or a limit allows", "Write to another file system"),
    errno.EROFS: ("the file system is read-only", "Choose another folder"),
    errno.EACCES: ("you may not write there", "Choose another folder or change its permissions"),
    errno.EPERM: ("you may not write there", "Choose another folder or change its permissions"),
    errno.EISDIR: ("a folder of that name is in the way", "Choose another name"),
}


class Sink:
    """A seekable file that remembers the first error of a write.

    libav may swallow a failed write and carry on; whoever closes the file asks here.

    Attributes:
        path: The part file that is being written.
        error: The first error, or None.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.path = path
        self.error: OSError | None = None
        self._file = file

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = self.error or error
            raise

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._file.seek(offset, whence)
        except OSError as error:  # a seek flushes what is buffered
            self.error = self.error or error
            raise

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        """Hand everything to the file system; raises the first error of any write.

        Raises:
            OSError: This or an earlier write failed.
        """
        if self.error:
            raise self.error
        self._file.flush()


def part_path(path: Path) -> Path:
    """Where the bytes of ``path`` wait until they are complete."""
    return path.with_name(f".{path.name}.part")


def output_error(path: Path, error: OSError) -> OutputError:
    """The clear error for a failed write of ``path``."""
    fallback = (error.strerror or str(error) or "writing failed", "Check the disk and start again")
    reason, hint = _REASONS.get(error.errno or 0, fallback)
    return OutputError(f"cannot write: {reason}", file=path, hint=hint)


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable; does nothing where folders cannot be opened (Windows)."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        with suppress(OSError):  # some network file systems refuse to sync a folder
            os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def atomic_file(path: Path, *, sync_folder: bool = True) -> Iterator[Sink]:
    """Open ``path`` for writing; it appears when the block ends well.

    Args:
        path: The file to write; its folder is made when missing.
        sync_folder: Also make the new name durable. Writers of many files do that once for all.

    Raises:
        OutputError: The file cannot be written (full disk, no permission, ...); nothing half-written is left.
    """
    part = part_path(path)
    sink: Sink | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "w+b", buffering=1 << 20) as file:
            sink = Sink(file, part)
            yield sink
            sink.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        if sink is not None and sink.error is not None:
            raise output_error(path, sink.error) from error
        if isinstance(error, OSError) and not isinstance(error, OutputError):
            raise output_error(path, error) from error
        raise
    if sync_folder:
        fsync_folder(path.parent)


def atomic_text(path: Path, text: str) -> None:
    """Write a small UTF-8 text file whole or not at all, with ``\\n`` line ends.

    Raises:
        OutputError: The file cannot be written.
    """
    with atomic_file(path) as sink:
        sink.write(text.encode())
