"""Build the OpenFX plug-in and put it into the package: ``python scripts/build_ofx.py``.

CMake 3.16 and a C++17 compiler (GCC 9, Clang 10, Visual Studio 2019 or newer) are all it takes. ``vsfilmrestore ofx
install`` then puts it where editing programs look. Wheels are built with it, see scripts/hatch_ofx.py.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "VSFilmRestore.ofx.bundle"
PLACE = ROOT / "vsfilmrestore" / "ofx" / NAME
NEEDS = "CMake 3.16 and a C++17 compiler (GCC 9, Clang 10, Visual Studio 2019 or newer)"


class CannotBuildError(Exception):
    """There is no compiler, or it failed; the text says what is needed, or what the compiler said."""


def build(folder: Path, *options: str) -> Path:
    """The bundle, built in a folder; what was built there before is brought up to date.

    Raises:
        CannotBuildError: With the way out.
    """
    if shutil.which("cmake") is None:
        raise CannotBuildError(f"the OpenFX plug-in needs {NEEDS}; there is no cmake on the PATH")
    _run("cmake", "-S", str(ROOT / "ofx_bridge"), "-B", str(folder), "-DCMAKE_BUILD_TYPE=Release", *options)
    _run("cmake", "--build", str(folder), "--config", "Release", "--target", "vsfr_ofx", "--parallel", "2")
    return folder / NAME


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise CannotBuildError(f"the OpenFX plug-in needs {NEEDS}; '{' '.join(command[:2])}' failed:\n{said}")


def main() -> int:
    """Build, and replace what is in the package."""
    try:
        bundle = build(ROOT / "build" / "ofx" / "release")
    except CannotBuildError as error:
        print(error, file=sys.stderr)
        return 1
    shutil.rmtree(PLACE, ignore_errors=True)
    shutil.copytree(bundle, PLACE)
    print(f"wrote {PLACE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
