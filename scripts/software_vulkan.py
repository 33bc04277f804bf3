"""Run Python where VapourSynth sees a Vulkan device: ``python scripts/software_vulkan.py -m pytest -k gpu_resident``.

Frames that lie on a graphics card want a loader and a driver of Vulkan 1.4. Debian 13 has both, and one of the drivers
needs no card (Mesa's lavapipe). apt fetches them (55 MB) from the mirror that this machine has in its lists, checked by
the keys it has, into ``.venv/vulkan``; nothing is installed. They were built for a newer C library than the machine
may have, so Python is started by the dynamic loader that came with them.

Where that cannot be had, on other systems or without a network, Python is run as it is, and tests tell that they were
skipped.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

PLACE = Path(__file__).resolve().parent.parent / ".venv" / "vulkan"
RELEASE = "trixie"
WANTED = ("libvulkan1", "mesa-vulkan-drivers")
KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
LONGEST = 120.0
"""Seconds that fetching may take."""


class MissingError(Exception):
    """Why there is no such device."""


def main() -> int:
    """Run Python with the arguments, and return its code."""
    try:
        command, more = under(fetched())
    except (MissingError, OSError, subprocess.SubprocessError) as error:
        print(f"no Vulkan device in software: {error}", file=sys.stderr)
        command, more = [sys.executable], {}
    return subprocess.run([*command, *sys.argv[1:]], env=os.environ | more).returncode


def under(root: Path) -> tuple[list[str], dict[str, str]]:
    """How Python is started there, and what its environment has besides."""
    (loader,) = root.glob("usr/lib/*/ld-linux-*.so.*")
    (driver,) = root.glob("usr/share/vulkan/icd.d/lvp_icd*.json")
    own = [str(loader.parent), sysconfig.get_config_var("LIBDIR") or ""]
    command = [str(loader), "--argv0", sys.executable, "--library-path", ":".join(filter(None, own)), sys.executable]
    return command, {"VK_DRIVER_FILES": str(driver), "MESA_SHADER_CACHE_DISABLE": "true"}


def fetched() -> Path:
    """The folder the packages are unpacked into."""
    root, done = PLACE / "root", PLACE / "done"
    if done.exists():
        return root
    if platform.system() != "Linux" or not all(shutil.which(tool) for tool in ("apt-get", "dpkg")):
        raise MissingError("there is no apt")
    if not KEYS.exists():
        raise MissingError("the keys of Debian's archive are not here")
    shutil.rmtree(PLACE, ignore_errors=True)
    for folder in ("lists/partial", "archives/partial", "root"):
        (PLACE / folder).mkdir(parents=True)
    (PLACE / "status").touch()
    (PLACE / "sources.list").write_text(f"deb [signed-by={KEYS}] {mirror()} {RELEASE} main\n")
    options = [f"{name}={PLACE / at}" for name, at in _PLACES.items()] + _OPTIONS
    apt = ["apt-get", "-qq", "-y", *(word for option in options for word in ("-o", option))]
    for words in (["update"], ["install", "--download-only", *WANTED]):
        subprocess.run([*apt, *words], check=True, timeout=LONGEST, capture_output=True, stdin=subprocess.DEVNULL)
    for package in sorted((PLACE / "archives").glob("*.deb")):
        subprocess.run(["dpkg", "-x", str(package), str(root)], check=True, timeout=LONGEST)
        package.unlink()
    done.touch()
    return root


_PLACES = {
    "Dir::State": ".",
    "Dir::State::lists": "lists",
    "Dir::State::status": "status",
    "Dir::Cache": ".",
    "Dir::Cache::archives": "archives",
    "Dir::Etc::sourcelist": "sources.list",
}
_OPTIONS = [
    "Dir::Etc::sourceparts=/dev/null",
    "Debug::NoLocking=true",
    f"APT::Sandbox::User={'root' if os.name == 'posix' and os.getuid() == 0 else ''}",
    "APT::Install-Recommends=false",
    "Acquire::Languages=none",
    "Acquire::Retries=1",
    "Acquire::http::Timeout=20",
]


def mirror() -> str:
    """Where this machine has Debian's packages from."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"]
    told = subprocess.run(command, check=True, timeout=LONGEST, capture_output=True, text=True).stdout
    rows = [line.split() for line in told.splitlines()]
    found = [row[0] for row in rows if len(row) == 3 and row[2] == "main" and row[0].rstrip("/").endswith("/debian")]
    if not found:
        raise MissingError("Debian's packages are not in the lists of this machine")
    return found[0]


if __name__ == "__main__":
    sys.exit(main())
