"""Steps that are networks on the command line: words, a preset of one's own, a rendered file, what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.filters.networks import added, make_zoo
from tests.inference import makers
from vsfilmrestore.cli.main import main
from vsfilmrestore.inference.runtimes.base import MemoryShortError
from vsfilmrestore.inference.runtimes.onnx import OnnxSession
from vsfilmrestore.media.source import open_media

UPSCALE = ("--preset", "none", "--set", "upscale=1", "--set", "upscale.model=double")


@pytest.fixture(autouse=True)
def _here(small_reel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_zoo(small_reel, monkeypatch)
    monkeypatch.chdir(small_reel)
    edl = Path("cut.edl")
    edl.write_text(edl.read_text().replace("* COMMENT: VSFR dust=0.4\n", ""))


def test_a_film_twice_the_size(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["restore", "cut.edl", "--media", "scans", *UPSCALE, "-o", "out.mkv"]) == 0, capfd.readouterr().err
    made = open_media(Path("out.mkv")).video
    assert (made.width, made.height, made.num_frames) == (384, 288, 48)
    source = open_media(Path("scans/R1.mkv")).video
    assert abs(int(made.get_frame(5)[0][40, 60]) - int(source.get_frame(5)[0][20, 30])) <= 1


def test_words_in_a_marker_and_a_recipe_of_ones_own(capfd: pytest.CaptureFixture[str]) -> None:
    Path("house.toml").write_text('[steps.deblur]\nstrength = 0.8\nmodel = "dim"\n')
    Path("markers.edl").write_text(
        Path("markers.edl").read_text().replace("flicker=off", "shimmer=0.5 shimmer.model=mean3")
    )
    words = ["plan", "cut.edl", "--media", "scans", "--markers", "markers.edl", "--preset", "house.toml", "--json"]
    assert main(words) == 0
    facts = json.loads(capfd.readouterr().out)
    steps = [{step["name"]: step["settings"] for step in shot["parts"][0]["steps"]} for shot in facts["shots"]]
    assert [set(each) for each in steps] == [{"deblur"}, {"deblur"}, {"deblur", "calm_shimmer"}]
    assert steps[2]["calm_shimmer"] | {"strength": 0.5, "model": "mean3"} == steps[2]["calm_shimmer"]
    assert facts["warnings"] == []


def test_a_plan_tells_what_is_missing_and_a_render_stops_there(capfd: pytest.CaptureFixture[str]) -> None:
    words = ["cut.edl", "--media", "scans", "--preset", "none", "--set", "shimmer=1"]
    assert main(["plan", *words]) == 0
    said = capfd.readouterr()
    told = " ".join((said.out + said.err).split())
    assert "calm_shimmer: model temporalfix-s1 is not on this machine (wanted by 3 shots:" in told
    assert "vsfilmrestore models get temporalfix-s1" in told
    for command in (["restore", *words, "-o", "out.mkv"], ["preview", *words]):
        assert main(command) == 8
        lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("vsfilmrestore: ")]
        assert len(lines) == 1
        assert "model temporalfix-s1 is not on this machine (wanted by 3 shots: opening, fight-03, end)" in lines[0]
    assert not Path("out.mkv").exists()


@pytest.mark.parametrize(("shot", "frame"), [("opening", 0), ("fight-03", 20)])
@pytest.mark.parametrize(
    ("wrong", "code", "words"),
    [
        ("no memory", 7, "there is not enough memory even for tiles of 96x72 pixels. Close other programs"),
        ("no numbers", 7, "the network gives values that are no numbers"),
        ("another shape", 7, "gives 1x3x288x384 for a picture of 192x144, its card says 1x3x144x192"),
        ("other bytes", 3, "is not the file its card speaks of"),
        ("cut short", 3, "is truncated"),
    ],
)
def test_what_goes_wrong_with_a_network_is_one_line_with_its_shot(
    wrong: str,
    code: int,
    words: str,
    shot: str,
    frame: int,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weights = next(Path("zoo/dim").glob("*.onnx"))
    match wrong:
        case "no memory":
            monkeypatch.setattr(OnnxSession, "run", _out_of_memory)
        case "no numbers":
            added(makers.affine(Path("inf.onnx"), float("inf"), 0.0), "inf", "deblur")
        case "another shape":
            card = Path("zoo/double.toml")
            card.write_text(card.read_text().replace("scale = 2", "scale = 1").replace('"upscale"', '"deblur"'))
        case "other bytes":
            weights.write_bytes(weights.read_bytes()[::-1])
        case _:
            weights.write_bytes(weights.read_bytes()[:-9])
    model = {"no numbers": "inf", "another shape": "double"}.get(wrong, "dim")
    edl = Path("cut.edl")
    name = f"* FROM CLIP NAME: {shot}\n"
    edl.write_text(edl.read_text().replace(name, f"{name}* COMMENT: VSFR deblur=1 deblur.model={model}\n"))
    assert main(["restore", "cut.edl", "--media", "scans", "--preset", "none", "-o", "out.mkv"]) == code
    said = capfd.readouterr().err
    lines = [line for line in said.splitlines() if line.startswith("vsfilmrestore: ")]
    assert len(lines) == 1
    assert words in lines[0]
    assert (f"shot {shot}, frame {frame}:" if code == 7 else f"(wanted by shot {shot})") in lines[0]
    assert "Traceback" not in said
    assert not Path("out.mkv").exists()


def _out_of_memory(session: OnnxSession, arrays: object) -> None:
    raise MemoryShortError("short")


def test_a_recipe_cannot_name_a_file(capfd: pytest.CaptureFixture[str]) -> None:
    words = ["cut.edl", "--media", "scans", "--preset", "none", "--set", "deblur=1"]
    for name in ("files/b.onnx", "zoo/dim/b.onnx", "../files/b.onnx"):
        assert main(["restore", *words, "--set", f"deblur.model={name}", "-o", "out.mkv"]) == 2
        assert f"deblur: there is no model '{name}'" in capfd.readouterr().err
