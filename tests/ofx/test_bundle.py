"""What the bundle holds and shows, and putting it where programs look."""

from __future__ import annotations

import importlib.util
import os
import plistlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from vsfilmrestore.cli.main import main
from vsfilmrestore.errors import InstallationError, OutputError
from vsfilmrestore.serve import ofx_bundle

ROOT = Path(__file__).resolve().parents[2]


def _said(*command: str | Path) -> str:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout


# The binary ----------------------------------------------------------------------------------------------------------


def test_two_symbols_are_seen_from_outside_and_no_library_of_c_plus_plus_is_wanted(plain: Path) -> None:
    binary = plain / ofx_bundle.NAME / "Contents" / "Linux-x86-64" / "VSFilmRestore.ofx"
    shown = [line.split()[-1] for line in _said("nm", "-D", "--defined-only", binary).splitlines()]
    assert shown == ["OfxGetNumberOfPlugins", "OfxGetPlugin"]
    wanted = [
        line.split("[")[1].rstrip("]") for line in _said("readelf", "-d", binary).splitlines() if "NEEDED" in line
    ]
    assert not [name for name in wanted if not name.startswith(("libc.so", "libm.so", "ld-linux"))], wanted
    calls = {line.split()[-1].split("@")[0] for line in _said("nm", "-D", "--undefined-only", binary).splitlines()}
    assert not calls & {"signal", "sigaction", "system", "popen", "execve", "dlopen"}


def test_the_bundle_has_the_layout_of_the_standard(plain: Path) -> None:
    contents = plain / ofx_bundle.NAME / "Contents"
    facts = plistlib.loads((contents / "Info.plist").read_bytes())
    assert facts["CFBundleExecutable"] == "VSFilmRestore.ofx"
    assert facts["CFBundlePackageType"] == "BNDL"
    assert [entry.name for entry in contents.iterdir() if entry.is_dir()] == ["Linux-x86-64"]


def test_it_describes_itself_as_the_standard_wants(plain_host: Callable[..., Any]) -> None:
    for effect in ("Source", "Through"):
        text = plain_host(effect, do="describe").clean().text
        own = next(line for line in text.splitlines() if line.startswith("effect "))
        for depth in ("Float", "Half", "Short", "Byte"):
            assert f"OfxImageEffectPropSupportedPixelDepths=OfxBitDepth{depth}" in own
        for fact in (
            "OfxImageEffectPluginRenderThreadSafety=OfxImageEffectRenderFullySafe",
            "OfxImageEffectPluginPropHostFrameThreading=0",
            "OfxImageEffectPropSupportsTiles=0",
            f"OfxImageEffectPropTemporalClipAccess={int(effect == 'Through')}",
        ):
            assert fact in own
        assert "clip Source" in text
        assert "OfxParamPropAnimates=1" not in text
    text = plain_host(do="describe", context="generator").clean().text
    assert "clip Source" not in text


def test_the_panel_has_a_dose_for_every_filter_of_the_table(plain_host: Callable[..., Any]) -> None:
    text = plain_host("Through", do="describe").clean().text
    table = (ROOT / "ofx_bridge" / "src" / "settings.inc").read_text(encoding="utf-8")
    words = [line.split("(")[1].split(",")[0] for line in table.splitlines() if line.startswith("VSFR_DOSE")]
    assert words
    for word in words:
        assert f"param {word} OfxParamTypeDouble" in text
        assert f"param {word}Use OfxParamTypeChoice" in text


# Where it goes -------------------------------------------------------------------------------------------------------


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Something like the bundle."""
    place = tmp_path / "made" / ofx_bundle.NAME
    binary = place / "Contents" / ofx_bundle.binary_name() / "VSFilmRestore.ofx"
    binary.parent.mkdir(parents=True)
    binary.write_bytes(b"new")
    return place


def _binary(folder: Path) -> Path:
    return folder / ofx_bundle.NAME / "Contents" / ofx_bundle.binary_name() / "VSFilmRestore.ofx"


def test_installed_replaced_and_taken_out(bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "Plugins"
    assert ofx_bundle.install(folder, bundle) == (folder / ofx_bundle.NAME, False)
    _binary(folder).write_bytes(b"old")
    (folder / ofx_bundle.NAME / "stale").touch()
    assert ofx_bundle.install(folder, bundle) == (folder / ofx_bundle.NAME, True)
    assert _binary(folder).read_bytes() == b"new"
    assert [entry.name for entry in folder.iterdir()] == [ofx_bundle.NAME]
    assert not (folder / ofx_bundle.NAME / "stale").exists()
    assert ofx_bundle.uninstall(folder) == folder / ofx_bundle.NAME
    assert list(folder.iterdir()) == []
    assert ofx_bundle.uninstall(folder) is None


def test_what_was_there_stays_where_the_new_one_cannot_be_put(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ofx_bundle.install(tmp_path, bundle)
    _binary(tmp_path).write_bytes(b"old")
    rename = Path.rename

    def broken(self: Path, target: Path) -> Path:
        if ".new-" in self.name:
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", broken)
    with pytest.raises(OutputError, match="No space left on device"):
        ofx_bundle.install(tmp_path, bundle)
    assert _binary(tmp_path).read_bytes() == b"old"
    assert {entry.name for entry in tmp_path.iterdir()} == {ofx_bundle.NAME, "made", "cache"} & {
        entry.name for entry in tmp_path.iterdir()
    }


def test_a_link_to_a_build_is_replaced_and_not_followed(bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "Plugins"
    folder.mkdir()
    (folder / ofx_bundle.NAME).symlink_to(bundle)
    ofx_bundle.install(folder, bundle)
    assert not (folder / ofx_bundle.NAME).is_symlink()
    assert bundle.exists()


def test_folders_come_from_the_variable_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    env = {"OFX_PLUGIN_PATH": f"{tmp_path}/a:@/only/one:{tmp_path}/b"}
    assert ofx_bundle.search_folders(env) == [tmp_path / "a", tmp_path / "b", Path("/usr/OFX/Plugins")]
    assert ofx_bundle.search_folders({}) == [Path("/usr/OFX/Plugins")]
    monkeypatch.setattr(sys, "platform", "darwin")
    assert ofx_bundle.search_folders({}) == [Path("/Library/OFX/Plugins")]
    assert ofx_bundle.binary_name() == "MacOS"
    monkeypatch.setattr(sys, "platform", "win32")
    assert ofx_bundle.system_folder({"CommonProgramFiles": "C:/Common"}) == Path("C:/Common/OFX/Plugins")
    assert ofx_bundle.binary_name() == "Win64"


def test_an_installation_without_the_plug_in_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InstallationError, match=r"scripts/build_ofx.py.*C\+\+17"):
        ofx_bundle.shipped(tmp_path)


def test_the_command(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ofx_bundle, "shipped", lambda: bundle)
    monkeypatch.setenv("OFX_PLUGIN_PATH", str(tmp_path / "seen"))
    assert main(["ofx", "install", "--to", str(tmp_path / "seen")]) == 0
    assert "note:" not in capsys.readouterr().out
    assert main(["ofx", "install", "--to", str(tmp_path / "unseen")]) == 0
    assert f"OFX_PLUGIN_PATH={tmp_path / 'seen'}{os.pathsep}{tmp_path / 'unseen'}" in capsys.readouterr().out
    assert main(["ofx", "path"]) == 0
    assert f"{tmp_path / 'seen' / ofx_bundle.NAME}: installed" in capsys.readouterr().out
    assert main(["ofx", "uninstall", "--to", str(tmp_path / "seen")]) == 0
    assert not _binary(tmp_path / "seen").exists()
    assert main(["ofx", "uninstall", "--user", "--to", str(tmp_path)]) == 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_the_administrator(bundle: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    monkeypatch.setattr(ofx_bundle, "system_folder", lambda: locked)
    with pytest.raises(OutputError, match="--user"):
        ofx_bundle.install(locked, bundle)


# Wheels --------------------------------------------------------------------------------------------------------------


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


type Hook = Callable[[str], tuple[dict[str, Any], list[str]]]


def _hook(monkeypatch: pytest.MonkeyPatch, build: Callable[..., Path] | None) -> Hook:
    """The hook of wheels, with another way to build."""
    pytest.importorskip("hatchling", reason="wheels are built with hatchling, which is not installed")
    script, builder, warned = _script("hatch_ofx"), _script("build_ofx"), list[str]()
    if build is not None:
        monkeypatch.setattr(builder, "build", build)
    monkeypatch.setattr(script, "_builder", lambda: builder)
    monkeypatch.delenv("VSFILMRESTORE_OFX", raising=False)

    class Metadata:
        version = "1.2.3"

    class App:
        display_warning = staticmethod(warned.append)

    def run(version: str) -> tuple[dict[str, Any], list[str]]:
        data: dict[str, Any] = {"force_include": {}, "pure_python": True}
        script.OfxHook(str(ROOT), {}, None, Metadata(), "", "wheel", App()).initialize(version, data)
        return data, warned

    return run


def test_a_wheel_carries_the_bundle_and_is_for_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = _hook(monkeypatch, lambda folder, *options: tmp_path / "-".join([folder.name, *options]))
    data, warned = run("standard")
    assert data["force_include"] == {
        str(tmp_path / "wheel--DVSFR_VERSION=1.2.3"): f"vsfilmrestore/ofx/{ofx_bundle.NAME}"
    }
    assert data["pure_python"] is False
    assert data["tag"].startswith("py3-none-")
    assert not data["tag"].endswith("any")
    assert warned == []
    assert run("editable")[0]["force_include"] == {}


def test_a_wheel_without_a_compiler_goes_without_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    run = _hook(monkeypatch, None)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    data, warned = run("standard")
    assert data == {"force_include": {}, "pure_python": True}
    assert "C++17 compiler" in warned[0]
    monkeypatch.setenv("VSFILMRESTORE_OFX", "require")
    with pytest.raises(Exception, match=r"C\+\+17 compiler"):
        run("standard")


def test_the_shipped_bundle_is_where_wheels_put_it() -> None:
    builder = _script("build_ofx")
    assert builder.PLACE == ofx_bundle._PACKAGE
    assert builder.NAME == ofx_bundle.NAME
