"""``vsfilmrestore doctor``: is everything here that is needed?"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.show import show_table
from vsfilmrestore.errors import InstallationError

__all__ = ["command"]

type Verdict = Literal["ok", "missing", "note", "broken"]
type Finding = tuple[str, Verdict, str]


def command(json: o.Json = False) -> int:
    """Check Python, VapourSynth, its plug-ins, encoders, what runs networks, memory and disk; say how to mend it."""
    findings = list(_findings())
    if json:
        from json import dumps

        print(dumps([dict(zip(("what", "verdict", "detail"), row, strict=True)) for row in findings], indent=1))  # noqa: T201
    else:
        show_table("", ["what", "", "detail"], findings)
    missing = [what for what, verdict, _ in findings if verdict == "missing"]
    if missing:
        raise InstallationError(
            f"missing: {', '.join(missing)}", hint="Install the package again: pip install vsfilmrestore"
        )
    return 0


def _findings() -> Iterator[Finding]:
    good = sys.version_info >= (3, 12)
    yield "Python", "ok" if good else "missing", f"{platform.python_version()} at {sys.executable}"
    yield "vsfilmrestore", "ok", _version("vsfilmrestore")
    yield from _vapoursynth()
    yield from _encoders()
    yield from _tools()
    yield from _networks()
    yield from _machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _vapoursynth() -> Iterator[Finding]:
    import vapoursynth as vs

    from vsfilmrestore.filters import FILTERS

    core = vs.core
    release = core.core_version.release_major
    yield "VapourSynth", "ok" if release >= 80 else "missing", f"R{release}, {core.num_threads} threads"
    users: dict[str, list[str]] = {"bs": ["media"], "akarin": ["masks"]}
    for spec in FILTERS.values():
        for namespace in spec.needs:
            users.setdefault(namespace, []).append(spec.name)
    for namespace, names in sorted(users.items()):
        here = hasattr(core, namespace)
        yield f"plug-in {namespace}", "ok" if here else "missing", "for " + ", ".join(dict.fromkeys(names))


def _encoders() -> Iterator[Finding]:
    import av
    import OpenImageIO as oiio

    from vsfilmrestore.media.out.profiles import PROFILES

    for codec in sorted({profile.codec for profile in PROFILES.values() if profile.codec}):
        here = codec in av.codecs_available
        yield f"encoder {codec}", "ok" if here else "missing", f"PyAV {av.__version__}"
    known = set(oiio.get_string_attribute("format_list").split(","))
    for form in ("dpx", "openexr", "tiff"):
        yield f"stills {form}", "ok" if form in known else "missing", f"OpenImageIO {oiio.VERSION_STRING}"


def _tools() -> Iterator[Finding]:
    found = shutil.which("vspipe", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    yield "vspipe", "ok" if found else "note", found or "not on the PATH; only needed to run .vpy scripts by hand"


def _networks() -> Iterator[Finding]:
    from vsfilmrestore.inference import health
    from vsfilmrestore.models.zoo import Zoo

    yield from health.cards()
    yield from health.runtimes()
    yield from health.plugins()
    names = {file.sha256: card.name for card in Zoo.open() for file in card.weights}
    yield from health.chosen(names)


def _machine() -> Iterator[Finding]:
    import vapoursynth as vs

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield "processor", "ok", f"{cores} cores, {platform.machine()}"
    yield "frame cache", "ok", f"up to {vs.core.max_cache_size} MB"
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    yield "disk", "ok" if free > 10 else "note", f"{free:.0f} GB free in the current folder"
