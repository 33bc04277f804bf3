"""``vsfilmrestore fade``: one profile for all shots of a reel, written into the project."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.filters.fading import Frames, faded, scenes
from vsfilmrestore.cli.main import main
from vsfilmrestore.filters._fade_profile import read_profile
from vsfilmrestore.render.job import open_project, open_reel
from vsfilmrestore.render.reel_fade import MOST, frames_each

EDL = """TITLE: TWO REELS
FCM: NON-DROP FRAME

001  A001     V     C        01:00:00:00 01:00:00:06 01:00:00:00 01:00:00:06
* FROM CLIP NAME: one
002  B001     V     C        01:00:00:00 01:00:00:12 01:00:00:06 01:00:00:18
* FROM CLIP NAME: two
003  A001     V     C        01:00:00:06 01:00:00:12 01:00:00:18 01:00:01:00
* FROM CLIP NAME: three
"""

type Cli = Callable[..., tuple[int, str, str]]


def write(path: Path, frames: Frames) -> None:
    with av.open(str(path), "w", format="matroska") as container:
        container.metadata["TIMECODE"] = "01:00:00:00"
        video = container.add_stream("ffv1", rate=24)
        video.width, video.height, video.pix_fmt = frames.shape[2], frames.shape[1], "bgr0"
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray((frame * 255).round().astype(np.uint8), format="rgb24")
            picture.pts = number
            container.mux(video.encode(picture))
        container.mux(video.encode(None))


@pytest.fixture(autouse=True)
def _film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reel A001 has faded, B001 has not; a shot of it stands between two of the other."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scans").mkdir()
    write(tmp_path / "scans" / "A001.mkv", faded(scenes(12)))
    write(tmp_path / "scans" / "B001.mkv", scenes(12, seed=2))
    (tmp_path / "cut.edl").write_text(EDL)


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Cli:
    def call(*words: str) -> tuple[int, str, str]:
        code = main(["fade", "cut.edl", "--media", "scans", *words])
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return call


def groups(told: tuple[int, str, str]) -> dict[str, dict[str, Any]]:
    code, out, err = told
    assert code == 0, err
    return {each["name"]: each for each in json.loads(out)["fade"]}


def rows() -> dict[str, Any]:
    return tomllib.loads(Path("cut.vsfr/project.toml").read_text()).get("shots", {})


def test_all_shots_of_a_reel_get_one_profile(cli: Cli) -> None:
    found = groups(cli("--json"))
    assert found["A001"]["used"]
    assert found["A001"]["shots"] == 2
    assert not found["B001"]["used"]
    assert found["B001"]["reason"].startswith("left: ")
    profiles = {key: row["fade"]["profile"] for key, row in rows().items()}
    assert sorted(profiles) == ["A001@01:00:00:00", "A001@01:00:00:06"]
    assert len(set(profiles.values())) == 1
    assert read_profile(profiles["A001@01:00:00:00"]).text == found["A001"]["profile"]


def test_of_a_long_reel_a_frame_of_each_shot_is_looked_at() -> None:
    assert frames_each([5] * MOST, 25) == [1] * MOST
    longer = frames_each([5] * (2 * MOST + 7), 25)
    assert sum(longer) == MOST
    assert max(longer) == 1
    # Nowhere are more than two shots in a row left out.
    assert "000" not in "".join(map(str, longer))


def test_of_few_shots_long_ones_tell_more() -> None:
    assert frames_each([10, 30, 1], 25) == [6, 18, 1]


def test_the_settings_reach_the_shots(cli: Cli) -> None:
    cli("--strength", "0.8")
    reel = open_reel(open_project(Path("cut.vsfr"), None, {}), save=False)
    first, second, third = (shot.settings.get("correct_fade") for shot in reel.shots)
    assert first is not None
    assert first == third
    assert first["strength"] == 0.8
    assert second is None


def test_what_stood_on_a_shot_stays(cli: Cli) -> None:
    cli("--dry-run")
    Path("cut.vsfr").mkdir()
    Path("cut.vsfr/project.toml").write_text(
        '[source]\ninput = "../cut.edl"\nmedia = ["../scans"]\n[shots]\n"A001@01:00:00:00" = "remaster dust=0.3"\n'
    )
    assert main(["fade", "cut.vsfr"]) == 0
    row = rows()["A001@01:00:00:00"]
    assert row["settings"] == "remaster dust=0.3"
    assert row["fade"]["profile"].startswith("fade1:")


def test_nothing_is_written_on_a_trial(cli: Cli) -> None:
    code, out, _ = cli("--dry-run")
    assert code == 0
    assert "A001" in out
    assert not Path("cut.vsfr").exists()


def test_tables_for_the_grade(cli: Cli) -> None:
    code, _, err = cli("--cube", "a.cube", "--cdl", "a.ccc")
    assert code == 0, err
    assert Path("a.cube").read_text().count("\n") > 33**3
    assert 'ColorCorrection id="A001"' in Path("a.ccc").read_text()


def test_each_profile_has_its_cube(cli: Cli) -> None:
    assert cli("--force", "--cube", "a.cube")[0] == 0
    assert sorted(path.name for path in Path().glob("*.cube")) == ["a_A001.cube", "a_B001.cube"]


def test_a_grey_is_picked(cli: Cli) -> None:
    found = groups(cli("--grey", "50%,50%@2", "--json"))
    plain = groups(cli("--json"))
    assert found["A001"]["profile"] != plain["A001"]["profile"]
    assert found["B001"]["profile"] == plain["B001"]["profile"]


def test_a_reference_is_matched(cli: Cli) -> None:
    write(Path("print.mkv"), scenes(1))
    found = groups(cli("--reference", "print.mkv", "--json"))
    assert found["A001"]["used"]
    assert found["B001"]["used"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--grey", "here@2"), "--grey is a place and a frame"),
        (("--grey", "5000,2@2"), "outside the picture"),
        (("--grey", "5,2@900"), "shows no picture"),
        (("--cube", "cut.edl"), "not overwritten"),
        (("--by", "colour"), "colour"),
    ],
)
def test_what_goes_wrong_is_one_line(cli: Cli, words: tuple[str, ...], said: str) -> None:
    code, _, err = cli(*words)
    assert code != 0
    assert said in err
    assert "Traceback" not in err


def test_torch_is_not_needed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "onnxruntime", "onnx", "cv2"):
        monkeypatch.setitem(sys.modules, name, None)
    assert groups(cli("--json"))["A001"]["used"]
