"""Folders to mount on: what is wrong with one, and how to let go of it again."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from errno import ENOTCONN
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import InstallationError, UsageError

__all__ = ["HELPER", "KIND", "check_machine", "check_place", "is_mounted", "remove_dead", "unmount", "watch"]

HELPER: Final = "fusermount3"
"""FUSE's own program, by which users who are not root mount and unmount."""

KIND: Final = "vsfilmrestore"
"""What our mounts are called in the system's table of mounts."""

_DETACH: Final = 2  # MNT_DETACH of umount2(2)
_MOUNTS: Final = Path("/proc/self/mountinfo")
_WATCH: Final = """cat >/dev/null
for i in 1 2 3 4 5 6 7 8 9 10; do
    stat -f -- "$1" >/dev/null 2>&1 || exec "$0" -u -z -q -- "$1"
    sleep 0.1
done"""
"""Waits for the end of who started it, and lets go of a mount that is dead then; one that lives is another's."""
_ESCAPED: Final = re.compile(rb"\\([0-7]{3})")
_UNMOUNT_SECONDS: Final = 10.0


def check_machine() -> None:
    """See to it that this machine can mount.

    Raises:
        InstallationError: It lacks something; the message names it and the way to get it.
    """
    if not sys.platform.startswith("linux"):
        raise InstallationError("mounting works on Linux only", hint="Render to stills instead: vsfilmrestore render")
    if not Path("/dev/fuse").exists():
        hint = "Load the kernel module (modprobe fuse); a container has to be given /dev/fuse"
        raise InstallationError("this machine has no /dev/fuse", hint=hint)
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        hint = "Let its users read and write it, as systems usually do: chmod 666 /dev/fuse"
        raise InstallationError("/dev/fuse is not yours to open", hint=hint)
    if shutil.which(HELPER) is None and os.geteuid() != 0:
        raise InstallationError(f"the program {HELPER} is missing", hint="Install it: apt-get install fuse3")


def check_place(folder: Path) -> Path:
    """The folder, absolute, where it is good to mount on: there, empty, the user's, and nothing mounted on it.

    Raises:
        UsageError: It is not; one sentence with the way out.
    """
    place = Path(os.path.realpath(folder))  # the system knows a mount by its own path, not by that of a link to it
    if not str(place).isprintable():
        shown = str(place).encode("utf-8", "backslashreplace").decode()
        raise UsageError("the name of the folder holds characters that cannot be written down", file=shown)
    try:
        os.statvfs(place)
    except FileNotFoundError:
        raise UsageError("there is no such folder to mount on", file=place, hint=f"Make it: mkdir -p {place}") from None
    except OSError as error:
        if error.errno != ENOTCONN:
            raise UsageError(f"cannot be mounted on ({error.strerror})", file=place) from None
        message = "a mount whose process has died is still there"
        raise UsageError(message, file=place, hint=f"Remove it: {HELPER} -u {place}") from None
    if is_mounted(place):
        raise UsageError(
            "something is mounted there already", file=place, hint=f"Unmount it, {HELPER} -u {place}, or name another"
        )
    if not place.is_dir():
        raise UsageError("is no folder", file=place, hint="Name an empty folder")
    if any(os.scandir(place)):
        raise UsageError("the folder is not empty", file=place, hint="Name an empty folder to mount on")
    if not os.access(place, os.W_OK):
        raise UsageError("the folder is not yours to mount on", file=place, hint="Name a folder of your own")
    return place


def is_mounted(place: Path) -> bool:
    """Whether something is mounted on a folder; tells it of a mount whose process has died as well."""
    try:
        return _kind(place) is not None
    except OSError:
        return os.path.ismount(place)


def remove_dead(folder: Path) -> bool:
    """Take away what a killed process of ours left mounted; mounts that live and those of others stay.

    FUSE's helper does so at once, but for mounts it looks at too early, while the process is still being taken down.

    Returns:
        Whether there was one, and is no more.
    """
    place = Path(os.path.realpath(folder))
    try:
        os.statvfs(place)  # other facts of a folder may be kept by the system for a while
    except OSError as error:
        with suppress(OSError):
            return error.errno == ENOTCONN and _kind(place) == f"fuse.{KIND}" and unmount(place)
    return False


def watch(place: Path) -> subprocess.Popen[bytes] | None:
    """Start what takes a mount away when this process was killed: FUSE's own helper may look before it is quite dead.

    Returns:
        A small process that ends with this one, or when it is terminated; None where it cannot be had.
    """
    helper = shutil.which(HELPER)
    if helper is None:
        return None
    try:
        return subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, helper, str(place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=os.sep,
            start_new_session=True,  # Ctrl-C is not for it
        )
    except OSError:
        return None


def _kind(place: Path) -> str | None:
    """What kind of file system was last mounted on a folder; None for none."""
    wanted = os.fsencode(os.path.realpath(place.parent) / Path(place.name))
    kind = None
    for line in _MOUNTS.read_bytes().splitlines():
        if _unescaped(line.split(b" ")[4]) == wanted:
            kind = os.fsdecode(line.partition(b" - ")[2].split(b" ")[0])
    return kind


def unmount(place: Path) -> bool:
    """Take a mount away. What is still open in it fails from then on, its processes are not waited for.

    Returns:
        Whether nothing is mounted there any more.
    """
    if is_mounted(place):
        _detach(place)
    return not is_mounted(place)


def _detach(place: Path) -> None:
    helper = shutil.which(HELPER)
    if helper is not None:
        with suppress(OSError, subprocess.SubprocessError):
            command = [helper, "-u", "-z", "-q", "--", str(place)]
            subprocess.run(command, check=False, timeout=_UNMOUNT_SECONDS, stdin=subprocess.DEVNULL)
    if is_mounted(place) and os.geteuid() == 0:
        ctypes.CDLL(None, use_errno=True).umount2(os.fsencode(place), _DETACH)


def _unescaped(name: bytes) -> bytes:
    return _ESCAPED.sub(lambda match: bytes([int(match[1], 8)]), name)
