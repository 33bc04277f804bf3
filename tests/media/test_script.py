"""A .vpy as media."""

from __future__ import annotations

import gc
import os
import sys
from fractions import Fraction
from pathlib import Path

import pytest
import vapoursynth as vs

from vsfilmrestore.errors import MediaError, ScriptError
from vsfilmrestore.media.source import SourceOptions, open_media, probe

core = vs.core
HEAD = "import vapoursynth as vs\ncore = vs.core\n"


def script(folder: Path, text: str) -> Path:
    path = folder / "mine.vpy"
    path.write_text(HEAD + text, encoding="utf-8")
    return path


def test_output_0_and_sound_are_taken(tmp_path: Path) -> None:
    path = script(
        tmp_path,
        "core.std.BlankClip(format=vs.GRAY16, length=48, fpsnum=18, fpsden=1).set_output(0)\n"
        "core.std.BlankClip().set_output(1)\n"
        "core.std.BlankAudio(samplerate=48000, length=48000).set_output(2)\n",
    )
    media = open_media(path)
    assert (media.kind, media.rate, len(media), media.name) == ("script", 18, 48, "mine")
    assert media.video.format.id == vs.GRAY16
    assert media.audio is not None
    assert media.audio.num_samples == 128_000
    part = open_media(path, SourceOptions(first=2, last=4, rate=Fraction(24)))
    assert (len(part), part.rate) == (3, 24)


def test_it_runs_as_in_vspipe(tmp_path: Path) -> None:
    (tmp_path / "helper_of_mine.py").write_text("LENGTH = 7\n")
    path = script(
        tmp_path,
        "import os\nfrom helper_of_mine import LENGTH\n"
        "assert __name__ == '__vapoursynth__'\n"
        "assert os.path.samefile(os.getcwd(), os.path.dirname(os.path.abspath(__file__)))\n"
        "core.std.BlankClip(length=LENGTH).set_output()\n",
    )
    assert len(open_media(path)) == 7
    sys.modules.pop("helper_of_mine", None)


def test_its_callbacks_outlive_it(tmp_path: Path) -> None:
    path = script(
        tmp_path,
        "SHADES = [10, 20, 30]\n"
        "clip = core.std.BlankClip(format=vs.GRAY8, length=3)\n"
        "core.std.FrameEval(clip, lambda n: core.std.BlankClip(clip, color=SHADES[n])).set_output()\n",
    )
    media = open_media(path)
    gc.collect()
    assert [int(f[0][0, 0]) for f in media.video.frames()] == [10, 20, 30]


@pytest.mark.parametrize("fails", [False, True])
def test_the_surroundings_are_put_back(tmp_path: Path, fails: bool) -> None:
    mine = core.std.BlankClip(length=3)
    vs.clear_outputs()
    mine.set_output(5)
    before = list(sys.path), os.getcwd(), "__vapoursynth__" in sys.modules
    path = script(tmp_path, "core.std.BlankClip().set_output()\n" + ("1/0\n" if fails else ""))
    try:
        if fails:
            with pytest.raises(ScriptError):
                open_media(path)
        else:
            open_media(path)
        assert (list(sys.path), os.getcwd(), "__vapoursynth__" in sys.modules) == before
        outputs = vs.get_outputs()
        assert list(outputs) == [5]
        assert outputs[5].clip == mine  # type: ignore[union-attr]
    finally:
        vs.clear_outputs()


def test_a_relative_path_runs_from_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    script(tmp_path / "sub", "open('mark', 'w').close()\ncore.std.BlankClip().set_output()\n")
    monkeypatch.chdir(tmp_path)
    open_media("sub/mine.vpy")
    assert (tmp_path / "sub" / "mark").exists()
    with pytest.raises(ScriptError, match=r"sub/mine\.vpy:3: ZeroDivisionError"):
        open_media(script(tmp_path / "sub", "1/0\n").relative_to(tmp_path))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("def inner():\n    return 1 / 0\n\ninner()\n", 4, "ZeroDivisionError: division by zero"),
        ("clip = core.std.BlankClip()\nclip.std.Trim(first=-5)\n", 4, "Trim: invalid first frame"),
        ("core.std.Nothing()\n", 3, "Nothing"),
        ("core.nowhere.Source('x')\n", 3, "nowhere"),
        ("import module_that_is_not_there\n", 3, "module_that_is_not_there"),
        ("if True\n    pass\n", 3, "not valid Python"),
        ("import sys\nsys.exit(3)\n", 4, "the script ended itself"),
    ],
)
def test_a_failing_script_names_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = script(tmp_path, text)
    with pytest.raises(ScriptError) as caught:
        open_media(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:{line}: ")
    assert words in message
    assert "Traceback" not in message
    assert "\n" not in message


def test_outputs_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"output 0 was not set\. End the script"):
        open_media(script(tmp_path, ""))
    with pytest.raises(ScriptError, match="output 0 is sound"):
        open_media(script(tmp_path, "core.std.BlankAudio().set_output()\n"))
    text = (
        "a = core.std.BlankClip()\nb = core.std.BlankClip(width=64)\ncore.std.Splice([a, b], mismatch=1).set_output()\n"
    )
    path = script(tmp_path, text)
    with pytest.raises(ScriptError, match="changes its size"):
        open_media(path)
    path = script(tmp_path, "core.std.BlankClip(length=9).set_output()\n")
    with pytest.raises(MediaError, match="the script gives 0-8"):
        open_media(path, SourceOptions(last=9))
    with pytest.raises(MediaError, match="before it runs"):
        probe(path)
