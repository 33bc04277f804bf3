"""``vsfilmrestore grain``: signatures of all shots, kept in the project and given to the step that wants them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from vsfilmrestore.cli.main import main
from vsfilmrestore.filters._grain_form import GrainSignature


@pytest.fixture(autouse=True)
def _film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six grainy frames of one picture."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    ramp = np.linspace(60, 190, 192)[None] * np.ones((128, 1))
    with av.open("film.mkv", "w", format="matroska") as container:
        video = container.add_stream("ffv1", rate=24)
        video.width, video.height, video.pix_fmt = 192, 128, "gray"
        for number in range(6):
            noise = cv2.GaussianBlur(rng.standard_normal(ramp.shape), (0, 0), 0.8)
            frame = (ramp + noise / noise.std() * 6).round().clip(0, 255).astype(np.uint8)
            picture = av.VideoFrame.from_ndarray(frame, format="gray")
            picture.pts = number
            container.mux(video.encode(picture))
        container.mux(video.encode(None))


def call(capfd: pytest.CaptureFixture[str], *words: str) -> str:
    code = main(["grain", "film.mkv", "--project", "p", *words])
    out, err = capfd.readouterr()
    assert code == 0, err
    return out


def settings_of(project: Path) -> dict[str, object]:
    shots = tomllib.loads((project / "project.toml").read_text("utf-8")).get("shots", {})
    assert isinstance(shots, dict)
    return shots


def test_signatures_are_kept_and_given_to_shots_that_give_grain_back(capfd: pytest.CaptureFixture[str]) -> None:
    told = json.loads(call(capfd, "--preset", "remaster", "--json"))["grain"]
    assert len(told) == 1
    assert told[0]["sigma"] == pytest.approx(6, rel=0.15)
    assert told[0]["size"] == pytest.approx(0.8, abs=0.15)
    kept = tomllib.loads(Path("p/grain.toml").read_text("utf-8"))["grain"]
    assert kept == {told[0]["shot"]: told[0]["signature"]}
    row = settings_of(Path("p"))[told[0]["shot"]]
    assert row == {"regrain": {"strength": 0.5, "signature": told[0]["signature"]}}
    assert GrainSignature.from_text(told[0]["signature"]).width == 192


def test_archive_keeps_signatures_and_gives_no_grain(capfd: pytest.CaptureFixture[str]) -> None:
    assert "levels" in call(capfd, "--preset", "archive")
    assert Path("p/grain.toml").exists()
    assert not settings_of(Path("p"))


def test_nothing_is_written_on_a_trial(capfd: pytest.CaptureFixture[str]) -> None:
    call(capfd, "--preset", "remaster", "--dry-run")
    assert not Path("p").exists()
