"""From any Python 3.8 to a virtual environment that holds the project: what demo.py and test.py share.

Standard library only, and Python 3.8 syntax: this file runs before anything is installed. It finds a Python that is
new enough, keeps ``.venv`` in the checkout in order, and installs the project into it when ``pyproject.toml`` changed.
What cannot be helped ends as `SetupError`: plain words and exit code 8, never a traceback.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

sys.dont_write_bytecode = True  # the starting Python may be any; leave none of its caches in the checkout

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
WINDOWS = os.name == "nt"
MINIMUM = (3, 12)
VERSIONS = ("3.12", "3.13", "3.14", "3.15")  # the one we develop with comes first
EXIT_CODE = 8
IMPLIED = {"dev": {"dev", "demo"}}
LARGE = {"torch", "cuda"}

_PROBE = """
import json, sys, sysconfig
def has(name):
    try:
        __import__(name)
    except Exception:
        return False
    return True
print(json.dumps({
    "exe": sys.executable,
    "version": list(sys.version_info[:2]),
    "plain": sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED"),
    "wide": sys.maxsize > 2**32,
    "final": sys.version_info[3] == "final",
    "seeds": has("venv") and has("ensurepip"),
    "virtualenv": has("virtualenv"),
    "pip": has("pip"),
}))
"""

_OFFLINE = (
    "failed to establish a new connection",
    "temporary failure in name resolution",
    "name or service not known",
    "getaddrinfo failed",
    "nodename nor servname",
    "network is unreachable",
    "connecttimeouterror",
    "connection refused",
    "proxyerror",
    "read timed out",
)


class SetupError(Exception):
    """Something the reader has to put right; the text says how."""


def say(text: str) -> None:
    """One line for the reader, shown at once."""
    print(text, flush=True)


# --- finding a Python ------------------------------------------------------------------------------------------------


def probe(command: list[str]) -> dict[str, Any] | None:
    """What a Python says of itself, or None when it does not run."""
    try:
        done = subprocess.run(
            [*command, "-I", "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        return json.loads(done.stdout.decode("utf-8", "replace")) if done.returncode == 0 else None
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def fits(facts: dict[str, Any] | None) -> bool:
    """Whether wheels exist for such a Python: CPython 3.12 or newer, 64 bit, with the ordinary lock."""
    return (
        facts is not None and tuple(facts["version"]) >= MINIMUM and facts["plain"] and facts["wide"] and facts["final"]
    )


def find_uv() -> str | None:
    """The uv tool, also where its installer puts it before a new shell knows."""
    found = shutil.which("uv")
    homes = [Path.home() / ".local" / "bin", Path.home() / ".cargo" / "bin"]
    places = [home / ("uv.exe" if WINDOWS else "uv") for home in homes]
    return found or next((str(place) for place in places if place.is_file()), None)


def _commands() -> list[list[str]]:
    """Every place a Python may be, best first; most of them do not exist."""
    commands = [[sys.executable]] if sys.executable else []
    for version in VERSIONS:
        commands += [["py", "-" + version]] if WINDOWS else []
        commands.append(["python" + version])
    commands += [["python3"], ["python"]]
    commands += [[str(path)] for path in _places()]
    uv = find_uv()
    return commands + ([_uv_python(uv)] if uv else [])


def _places() -> list[Path]:
    """Pythons off the PATH: pyenv, uv, mise, Homebrew, MacPorts, python.org for macOS."""
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv")
    found = []
    for version in VERSIONS:
        tail = "bin/python" + version
        found += sorted(pyenv.glob("versions/" + version + ".*/bin/python"), reverse=True)
        found += sorted(pyenv.glob("pyenv-win/versions/" + version + ".*/python.exe"), reverse=True)
        found += sorted(home.glob(".local/share/uv/python/cpython-" + version + ".*/" + tail), reverse=True)
        found += sorted(home.glob(".local/share/mise/installs/python/" + version + "*/" + tail), reverse=True)
        for prefix in ("/opt/homebrew", "/usr/local", "/opt/local", str(home / ".local")):
            found.append(Path(prefix) / tail)
        found += [Path(prefix + "/opt/python@" + version) / tail for prefix in ("/opt/homebrew", "/usr/local")]
        found.append(Path("/Library/Frameworks/Python.framework/Versions") / version / tail)
    return [path for path in found if path.is_file()]


def _uv_python(uv: str) -> list[str]:
    """The Python uv would pick, without a download, as a command; a name that does not exist if none."""
    ask = [uv, "python", "find", "--no-python-downloads", "--no-project", ">=3.12"]
    try:
        done = subprocess.run(ask, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return ["no-python"]
    return [done.stdout.decode("utf-8", "replace").strip() or "no-python"]


def pythons() -> list[dict[str, Any]]:
    """Fitting Pythons, best first: those that can make a whole virtual environment come before those that cannot."""
    found, seen = [], set()
    for command in _commands():
        program = shutil.which(command[0])
        if not program or (len(command) == 1 and program in seen):
            continue
        seen.add(program)
        facts = probe([program, *command[1:]])
        if facts and fits(facts) and not _inside(Path(facts["exe"]), VENV):
            found.append(facts)
            if facts["seeds"]:
                return [facts]
    return found


def _inside(path: Path, folder: Path) -> bool:
    return folder in path.parents


# --- advice ----------------------------------------------------------------------------------------------------------


def _os_release() -> tuple[str, float]:
    """Name and version of a Linux: ("ubuntu", 24.04); ("", 0.0) elsewhere."""
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "", 0.0
    values = {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}
    try:
        return values.get("ID", ""), float(values.get("VERSION_ID", "0"))
    except ValueError:
        return values.get("ID", ""), 0.0


def advice() -> str:
    """How to get a Python on this machine, in plain words."""
    again = "Then start this command again."
    if WINDOWS:
        return "\n".join(
            [
                "  winget install Python.Python.3.13      (or the 64-bit installer from https://www.python.org/downloads/)",
                again,
            ]
        )
    uv = "  curl -LsSf https://astral.sh/uv/install.sh | sh      (uv brings a Python of its own, no root needed)"
    if sys.platform == "darwin":
        return "\n".join(
            ["  brew install python@3.13      (or the installer from https://www.python.org/downloads/)", uv, again]
        )
    name, version = _os_release()
    lines = [uv]
    if (name == "debian" and version >= 13) or (name == "ubuntu" and version >= 24.04):
        lines.insert(0, "  sudo apt install python3 python3-venv")
    elif name in ("fedora", "rhel", "almalinux", "rocky", "centos"):
        lines.insert(0, "  sudo dnf install python3.12")
    return "\n".join([*lines, again])


def _no_python() -> SetupError:
    mine = "{}.{}".format(*sys.version_info[:2])
    return SetupError(
        f"vsfilmrestore needs Python 3.12 or newer (64 bit). This is Python {mine}, and no newer one was found. "
        f"One of these gets it:\n{advice()}"
    )


def _no_venv(facts: dict[str, Any]) -> SetupError:
    name = "python{}.{}".format(*facts["version"])
    remedy = f"sudo apt install {name}-venv" if _os_release()[0] in ("debian", "ubuntu") else f"install pip for {name}"
    return SetupError(
        f"{facts['exe']} is new enough but cannot make virtual environments. This puts it right:\n  {remedy}\n"
        "Then start this command again."
    )


# --- the virtual environment -----------------------------------------------------------------------------------------


def venv_program(name: str) -> Path:
    """A program of the virtual environment."""
    return VENV / ("Scripts/" + name + ".exe" if WINDOWS else "bin/" + name)


def environment() -> dict[str, str]:
    """The environment for programs of the virtual environment: vspipe finds its Python through the PATH."""
    env = dict(os.environ)
    env["VIRTUAL_ENV"] = str(VENV)
    env["PATH"] = str(venv_program("python").parent) + os.pathsep + env.get("PATH", os.defpath)
    env.pop("PYTHONHOME", None)
    env.pop("PYTHONPATH", None)
    return env


def _venv_is_good() -> bool:
    facts = probe([str(venv_program("python"))])
    return facts is not None and fits(facts) and bool(facts["pip"])


def _clear_venv() -> None:
    """Remove a broken environment, and nothing that is not one."""
    if not VENV.exists() and not VENV.is_symlink():
        return
    if VENV.is_symlink() or (any(VENV.iterdir()) and not (VENV / "pyvenv.cfg").is_file()):
        raise SetupError(f"{VENV} is in the way and is not a virtual environment. Move it elsewhere and start again.")
    say("Removing .venv: its Python is gone, too old or without pip.")
    shutil.rmtree(VENV)


def _venv_recipe() -> list[str]:
    """The command that makes the environment with the best means this machine has."""
    found, uv = pythons(), find_uv()
    best = next((facts for facts in found if facts["seeds"]), None)
    if best:
        return [best["exe"], "-m", "venv", str(VENV)]
    if uv:
        return [
            uv,
            "venv",
            "--quiet",
            "--seed",
            "--no-project",
            "--python",
            found[0]["exe"] if found else "3.12",
            str(VENV),
        ]
    helped = next((facts for facts in found if facts["virtualenv"]), None)
    if helped:
        return [helped["exe"], "-m", "virtualenv", "--quiet", str(VENV)]
    raise _no_venv(found[0]) if found else _no_python()


def make_venv() -> None:
    """Make ``.venv``, keep a good one, replace a bad one."""
    if _venv_is_good():
        return
    recipe = _venv_recipe()
    _clear_venv()
    say(f"Making .venv with {recipe[0]}")
    done = subprocess.run(recipe, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode or not _venv_is_good():
        told = done.stdout.decode("utf-8", "replace").strip().splitlines()[-8:]
        raise SetupError("The virtual environment could not be made.\n" + "\n".join("  " + line for line in told))


# --- installing ------------------------------------------------------------------------------------------------------


def _stamp() -> Path:
    return VENV / "vsfilmrestore-installed.json"


def _state(extras: set[str]) -> dict[str, Any]:
    digest = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    return {"pyproject": digest, "root": str(ROOT), "extras": sorted(extras)}


def _installed() -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads(_stamp().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state


def install(*wanted: str) -> None:
    """Install the project with extras, unless they are there and ``pyproject.toml`` is the one they came from."""
    old = _installed()
    extras = set(old.get("extras", ())).union(*(IMPLIED.get(extra, {extra}) for extra in wanted))
    if old == _state(extras):
        return
    log = VENV / "install.log"
    size = "several GB" if extras & LARGE else "a few hundred MB"
    say(f"Installing what vsfilmrestore needs into .venv (the first time: a few minutes, {size})")
    python = str(venv_program("python"))
    target = ".[" + ",".join(sorted(extras)) + "]"
    pip = [
        python,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "install",
        "--progress-bar=off",
        "-e",
        target,
    ]
    if _logged(pip, log):
        raise SetupError(_why_pip_failed(log))
    _stamp().write_text(json.dumps(_state(extras)), encoding="utf-8")


def _logged(command: list[str], log: Path) -> int:
    """Run a command with its output in a file; on a terminal, the seconds are counted."""
    shown, start = sys.stdout.isatty(), time.monotonic()
    with log.open("wb") as sink:
        child = subprocess.Popen(
            command, cwd=str(ROOT), env=environment(), stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT
        )
        try:
            while child.poll() is None:
                time.sleep(0.2)
                if shown:
                    print(f"\r  {time.monotonic() - start:4.0f} s ", end="", flush=True)
        except BaseException:
            child.terminate()
            child.wait()
            raise
    if shown:
        print("\r" + " " * 12 + "\r", end="", flush=True)
    return child.returncode


def _why_pip_failed(log: Path) -> str:
    """One clear line for what we know, the end of the log for what we do not."""
    text = log.read_text(encoding="utf-8", errors="replace")
    lower = text.lower()
    if "no space left on device" in lower or "not enough space on the disk" in lower:
        return f"The disk is full: .venv needs about 1 GB in {ROOT}, and 6 GB more with torch."
    if "certificate_verify_failed" in lower:
        return "The package index has a certificate this machine does not trust; set PIP_CERT to your network's own."
    if any(sign in lower for sign in _OFFLINE):
        return "The package index cannot be reached. Connect to the internet (or set PIP_INDEX_URL) and start again."
    tail = "\n".join("  " + line for line in text.strip().splitlines()[-15:])
    return f"pip could not install the project:\n{tail}\nThe whole log: {log}"


# --- for the scripts -------------------------------------------------------------------------------------------------


def help_if_asked(text: str | None) -> None:
    """With ``-h`` or ``--help`` as the first word, show what a script says of itself and leave; nothing is made."""
    if sys.argv[1:2] in (["-h"], ["--help"]):
        say((text or "").replace("``", "").strip())
        sys.exit(0)


def refuse_words() -> None:
    """For a script that takes no words: leave with 2 if it was given any."""
    if sys.argv[1:]:
        print(f"{Path(sys.argv[0]).name} takes no words; '{sys.argv[1]}' is one. See --help.", file=sys.stderr)
        sys.exit(2)


def prepare(*extras: str) -> None:
    """Have ``.venv`` ready with the project and some of its extras; what was installed with others stays.

    Raises:
        SetupError: There is no fitting Python, or the installation failed.
    """
    try:
        make_venv()
        install(*extras)
    except OSError as error:
        raise SetupError(f"{error.filename or VENV}: {error.strerror or error}") from None


def call(program: str, *arguments: object) -> int:
    """Run a program of the virtual environment in the checkout, its output shown; returns its exit code."""
    command = [str(venv_program(program)), *[str(argument) for argument in arguments]]
    sys.stdout.flush()
    return subprocess.run(command, cwd=str(ROOT), env=environment(), check=False).returncode


def guarded(main: Callable[[], int]) -> None:
    """Leave with the exit code of ``main()``; trouble and Ctrl-C end in plain words."""
    try:
        code = main()
    except SetupError as trouble:
        print(trouble, file=sys.stderr)
        code = EXIT_CODE
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        code = 130
    sys.exit(code)
