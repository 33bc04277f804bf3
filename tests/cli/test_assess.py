"""``assess``: what it prints and writes, and what odd input comes to."""

from __future__ import annotations

import csv
import gzip
import json
import wave
from pathlib import Path

import pytest

from vsfilmrestore.cli.main import main

HOLES = """
import vapoursynth as vs
clip = vs.core.std.BlankClip(None, 96, 72, vs.YUV420P8, length=30, fpsnum=25, fpsden=1, color=[90, 128, 128], keep=True)
def read(n, f):
    if 10 <= n < 13:
        raise ValueError("sector not found")
    return f
vs.core.std.ModifyFrame(clip, clip, read).set_output(alpha=vs.core.std.BlankClip(clip, format=vs.GRAY8, color=200))
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VSFILMRESTORE_DEBUG", raising=False)
    Path("holes.vpy").write_text(HOLES)


def test_unreadable_frames_are_told_and_the_rest_is_assessed(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["assess", "holes.vpy", "--csv", "holes.csv", "--qctools", "holes.qctools.xml.gz"]) == 0
    said = capfd.readouterr()
    assert "3 frames cannot be read and were passed over: 10-12" in said.out
    assert said.err == ""
    rows = list(csv.DictReader(Path("holes.csv").read_text().splitlines()))
    assert [(row["frames"], row["colour"], row["flicker"]) for row in rows] == [("30", "grey", "0")]
    assert gzip.decompress(Path("holes.qctools.xml.gz").read_bytes()).count(b"<frame ") == 30
    before = Path("holes.vsfr/assessment.sqlite").stat().st_mtime_ns
    assert main(["assess", "holes.vpy", "--json"]) == 0
    facts = json.loads(capfd.readouterr().out)
    assert (facts["unreadable"], facts["shots"][0]["values"]["colour"]) == ([10, 11, 12], "grey")
    assert Path("holes.vsfr/assessment.sqlite").stat().st_mtime_ns == before  # what is known is not measured again


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (["sound.wav"], "holds sound only", 3),
        (["holes.vpy", "--json", "--csv", "-"], "only one can be printed", 2),
        (["holes.vpy", "--qctools", "out.txt"], "out.txt: QCTools opens", 2),
    ],
)
def test_what_cannot_be_assessed_is_one_line(
    words: list[str], said: str, code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    with wave.open("sound.wav", "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(1600))
    assert main(["assess", *words]) == code
    told = capfd.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert not Path("holes.vsfr").exists()
