"""The OpenFX plug-in that comes with the package: where it is, and putting it where editing programs look."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from uuid import uuid4

from vsfilmrestore.errors import InstallationError, OutputError

__all__ = ["NAME", "install", "search_folders", "shipped", "system_folder", "uninstall", "user_folder"]

NAME: Final = "VSFilmRestore.ofx.bundle"
_PACKAGE: Final = Path(__file__).resolve().parent.parent / "ofx" / NAME
_BINARIES: Final = {"linux": "Linux-x86-64", "win32": "Win64", "darwin": "MacOS"}


def system_folder(env: Mapping[str, str] = os.environ) -> Path:
    """Folder of all users, that of the OpenFX standard."""
    if sys.platform == "win32":
        common = env.get("CommonProgramFiles") or "C:/Program Files/Common Files"
        return Path(common, "OFX", "Plugins")
    return Path("/Library/OFX/Plugins") if sys.platform == "darwin" else Path("/usr/OFX/Plugins")


def user_folder() -> Path:
    """Folder of one user. Programs look there only where ``OFX_PLUGIN_PATH`` names it."""
    return Path.home() / ("Library/OFX/Plugins" if sys.platform == "darwin" else ".local/share/OFX/Plugins")


def search_folders(env: Mapping[str, str] = os.environ) -> list[Path]:
    """Folders programs look in, in their order: those of ``OFX_PLUGIN_PATH``, then that of all users.

    A folder that begins with ``@`` is for one program alone and left out (OpenFX 1.5, "Installation Location").
    """
    named = env.get("OFX_PLUGIN_PATH", "").split(";" if sys.platform == "win32" else ":")
    return [*(Path(name) for name in named if name and not name.startswith("@")), system_folder(env)]


def binary_name() -> str:
    """Folder of the binary within a bundle, for this machine."""
    if sys.platform == "linux" and platform.machine().lower() in ("aarch64", "arm64"):
        return "Linux-aarch64"
    return _BINARIES.get(sys.platform, "Linux-x86-64")


def shipped(bundle: Path = _PACKAGE) -> Path:
    """The bundle that came with the package.

    Raises:
        InstallationError: It has none for this machine.
    """
    if not (bundle / "Contents" / binary_name() / "VSFilmRestore.ofx").is_file():
        hint = (
            "Build it from the sources with 'python scripts/build_ofx.py'; that takes CMake 3.16 and a C++17 compiler "
            "(GCC 9, Clang 10, Visual Studio 2019 or newer)"
        )
        raise InstallationError(f"this installation has no OpenFX plug-in for {binary_name()}", hint=hint)
    return bundle


def install(folder: Path, bundle: Path | None = None) -> tuple[Path, bool]:
    """Put the bundle into a folder, in place of one that is there.

    A program that has the old one loaded keeps it. Stopped half-way, the folder holds the old bundle or the new one.

    Returns:
        The installed bundle, and whether one was there before.

    Raises:
        InstallationError: The package has none.
        OutputError: The folder cannot be written; what was there is as it was.
    """
    bundle = bundle or shipped()
    target = folder / NAME
    fresh, old = (folder / f".{NAME}.{kind}-{uuid4().hex}" for kind in ("new", "old"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(bundle, fresh)
        replaced = target.exists() or target.is_symlink()
        if replaced:
            target.rename(old)
        try:
            fresh.rename(target)
        except OSError:
            if replaced:
                old.rename(target)
            raise
    except OSError as error:
        raise _unwritable(folder, error) from None
    finally:
        for left in (fresh, old):
            _remove(left)
    return target, replaced


def uninstall(folder: Path) -> Path | None:
    """Take the bundle out of a folder.

    Returns:
        What was removed; None where there was none.

    Raises:
        OutputError: The folder cannot be written.
    """
    target = folder / NAME
    if not (target.exists() or target.is_symlink()):
        return None
    gone = folder / f".{NAME}.old-{uuid4().hex}"
    try:
        target.rename(gone)
    except OSError as error:
        raise _unwritable(folder, error) from None
    _remove(gone)
    return target


def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path, ignore_errors=True)


def _unwritable(folder: Path, error: OSError) -> OutputError:
    hint = "Close the editing programs and try again"
    if isinstance(error, PermissionError) and folder == system_folder():
        hint = "Run it as administrator, or with --user"
    return OutputError(f"cannot be written: {error.strerror or error}", file=folder, hint=hint)
