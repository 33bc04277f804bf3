"""A reel's files in the file system, through FUSE.

The kernel is asked to keep its hands off the contents (``direct_io``): it would read ahead, and every look at a header
would render a frame. Names and sizes never change while a reel is mounted, so those it may keep.

One thread of ours runs FUSE's loop, which has threads of its own. Stopping ends all waiting with ``EIO``, gives readers
a moment to let go, takes the mount away, and lets the loop end by itself. If this process dies, FUSE's helper
``fusermount3`` sees it and takes the mount away.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from errno import EINTR, EIO, ENOENT, ENOTDIR
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Self

from vsfilmrestore.errors import InstallationError, OutputError, plain_text
from vsfilmrestore.serve.mount_place import HELPER, KIND, check_machine, check_place, remove_dead, unmount, watch
from vsfilmrestore.serve.mount_reel import MountedReel
from vsfilmrestore.serve.mount_sound import SoundFile
from vsfilmrestore.serve.mount_tree import Directory, Entry, Still, Stills

__all__ = ["Mount", "Operations", "fuse_module"]

type Tell = Callable[[str], None]

_KEPT_SECONDS: Final = 3600
"""How long the kernel may keep names and sizes without asking again."""
_THREADS: Final = 64
"""Reads that may wait for frames at once without ``ls`` having to wait, too."""
_IDLE_THREADS: Final = 16
_START_SECONDS: Final = 20.0
_STOP_SECONDS: Final = 10.0
_LET_GO_SECONDS: Final = 0.5
_MOST_TOLD: Final = 1000
_BLOCK: Final = 4096


def fuse_module() -> ModuleType:
    """The binding to FUSE's library.

    Raises:
        InstallationError: It or the library is missing.
    """
    check_machine()
    try:
        return import_module("mfusepy")
    except ImportError:
        hint = 'pip install "vsfilmrestore[mount]"'
        raise InstallationError("the Python package mfusepy is missing", hint=hint) from None
    except (OSError, AttributeError):
        hint = "Install it: apt-get install fuse3"
        raise InstallationError("FUSE's library, libfuse3, is missing", hint=hint) from None


class Operations:
    """What FUSE asks for. Methods are named as FUSE names them, and nothing else here may be."""

    use_ns = True
    # Reading goes by the number that opening gave, so no path has to be put together for it.
    flag_nopath = True
    flag_nullpath_ok = True

    def __init__(self, files: MountedReel, tell: Tell, interrupted: Callable[[], bool] = lambda: False) -> None:
        self._files, self._tell, self._interrupted = files, tell, interrupted
        self._opened: dict[int, Entry] = {}
        self._numbers = itertools.count(1)
        self._told: set[object] = set()
        self._time = time.time_ns()
        self._owner = {"st_uid": os.getuid(), "st_gid": os.getgid()}
        self._folder = _working_folder()
        self.mounted = threading.Event()

    @property
    def in_use(self) -> bool:
        """Whether any file or folder is open."""
        return bool(self._opened)

    def init(self, path: str) -> None:
        # FUSE's library goes to the root folder, but scripts and media may be named from where the user stands.
        with suppress(OSError):
            os.chdir(self._folder)
        self.mounted.set()

    def getattr(self, path: str | None, fh: int | None = None) -> dict[str, int]:
        entry = self._entry(path, fh)
        times = dict.fromkeys(("st_atime", "st_mtime", "st_ctime"), self._time)
        if isinstance(entry, Directory | Stills):
            return {"st_mode": stat.S_IFDIR | 0o555, "st_nlink": 2, "st_size": 0, **times, **self._owner}
        size = self._files.size(entry)
        blocks = {"st_blksize": _BLOCK, "st_blocks": -(-size // 512)}
        return {"st_mode": stat.S_IFREG | 0o444, "st_nlink": 1, "st_size": size, **blocks, **times, **self._owner}

    def opendir(self, path: str) -> int:
        return self._open(path)

    def readdir(self, path: str | None, fh: int) -> Iterator[tuple[str, int, int]]:
        entry = self._entry(path, fh)
        for name in (".", ".."):
            yield name, stat.S_IFDIR, 0
        if isinstance(entry, Stills):
            for name in entry.names():
                yield name, stat.S_IFREG, 0
        elif isinstance(entry, Directory):
            for name, child in entry.entries.items():
                yield name, stat.S_IFDIR if isinstance(child, Directory | Stills) else stat.S_IFREG, 0
        else:
            raise OSError(ENOTDIR, "no folder")

    def releasedir(self, path: str | None, fh: int) -> int:
        return self.release(path, fh)

    def open(self, path: str, flags: int) -> int:
        return self._open(path)

    def release(self, path: str | None, fh: int) -> int:
        self._opened.pop(fh, None)
        return 0

    def read(self, path: str | None, size: int, offset: int, fh: int) -> Any:
        entry = self._entry(path, fh)
        if not isinstance(entry, Still | SoundFile):
            raise OSError(EIO, "no file")
        try:
            part = self._files.read(entry, offset, size, self._interrupted)
        except OSError as error:
            raise OSError(EINTR if error.errno == EINTR else EIO, "not read") from error
        except Exception as error:
            self._failed(entry, error)
            raise OSError(EIO, "not read") from error
        # What is returned is copied by address; a piece of a picture need not become bytes for it.
        return (ctypes.c_char * len(part)).from_buffer(part) if isinstance(part, memoryview) else part

    def statfs(self, path: str) -> dict[str, int]:
        size = self._files.layout.size * len(self._files.reel)
        return {"f_bsize": _BLOCK, "f_frsize": _BLOCK, "f_blocks": -(-size // _BLOCK), "f_namemax": 255}

    def _open(self, path: str) -> int:
        number = next(self._numbers)
        self._opened[number] = self._entry(path, None)
        return number

    def _entry(self, path: str | None, fh: int | None) -> Entry:
        known = self._opened.get(fh) if fh else None
        if known is None and path is not None:
            known = self._files.tree.find(path)
        if known is None:
            raise OSError(ENOENT, "there is no such file")
        return known

    def _failed(self, entry: Still | SoundFile, error: Exception) -> None:
        what = entry.frame if isinstance(entry, Still) else "sound"
        if what not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(what)
            self._tell(plain_text(error))


class Mount:
    """A mounted reel.

    >>> with Mount(files, Path("/mnt/film")) as mount:
    ...     mount.wait(timeout=60)

    Attributes:
        place: The folder it is mounted on.
    """

    def __init__(self, files: MountedReel, folder: Path, *, tell: Tell, allow_other: bool = False) -> None:
        """Mount, and return once the files are there.

        Args:
            files: What to mount.
            folder: An empty folder.
            tell: Gets a sentence for each frame that cannot be made, once.
            allow_other: Whether other users may read it, too.

        Raises:
            InstallationError: This machine cannot mount.
            UsageError: The folder is not good to mount on.
            OutputError: FUSE refused.
        """
        fuse = fuse_module()
        remove_dead(folder)
        self.place, self._files = check_place(folder), files
        self._operations = Operations(files, tell, lambda: bool(_library(fuse).fuse_interrupted()))
        self._error: Exception | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(
            target=self._run, args=(fuse, _options(fuse, allow_other)), name="fuse", daemon=True
        )
        self._thread.start()
        end = time.monotonic() + _START_SECONDS
        while self._thread.is_alive() and not self._operations.mounted.wait(0.05):
            if time.monotonic() > end:
                self.close()
                raise OutputError("FUSE does not answer", file=self.place)
        if not self._operations.mounted.is_set():
            raise OutputError(f"FUSE refused to mount ({self._error or 'no reason given'})", file=self.place)
        self._watcher = watch(self.place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def wait(self, timeout: float) -> bool:
        """Wait for the mount to be taken away, by whomever; whether it was."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def close(self) -> bool:
        """Take the mount away and end all reading.

        Returns:
            Whether all of it ended; if not, a frame is still being made, and leaving the process ends it.
        """
        self._files.close()
        # Readers have been told, and let go of their files. Were the mount taken away while the library reads that they
        # do, it would complain on the terminal.
        end = time.monotonic() + _LET_GO_SECONDS
        while self._operations.in_use and time.monotonic() < end:
            time.sleep(0.01)
        unmount(self.place)
        if self._watcher is not None:
            self._watcher.terminate()
            self._watcher.wait()
        self._thread.join(_STOP_SECONDS)
        return not self._thread.is_alive()

    def _run(self, fuse: ModuleType, options: dict[str, Any]) -> None:
        try:
            fuse.FUSE(self._operations, str(self.place), foreground=True, **options)
        except Exception as error:  # noqa: BLE001 - told by the thread that waits
            self._error = error


def _working_folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # somebody removed it
        return os.sep


def _library(fuse: ModuleType) -> Any:
    return fuse._libfuse


def _options(fuse: ModuleType, allow_other: bool) -> dict[str, Any]:
    kept = dict.fromkeys(("attr_timeout", "entry_timeout", "negative_timeout"), _KEPT_SECONDS)
    options: dict[str, Any] = {"ro": True, "fsname": KIND, "subtype": KIND, "direct_io": True}
    if shutil.which(HELPER) is not None:
        options["auto_unmount"] = True
    if allow_other:
        options["allow_other"] = True
    if (fuse.fuse_version_major, fuse.fuse_version_minor) >= (3, 12):  # older ones have as many as there are requests
        options |= {"max_threads": _THREADS, "max_idle_threads": _IDLE_THREADS}
    return options | kept
