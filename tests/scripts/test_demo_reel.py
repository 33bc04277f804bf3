"""The demo reel: the same bytes each time, and a cut list that fits its scan."""

from __future__ import annotations

import hashlib
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import opentimelineio as otio
import pytest

import _reel_damage as damage
import _reel_scenes as scenes
import demo_reel
from vsfilmrestore import timeline
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.decide import decide

NUMBERS = range(len(demo_reel.SHOTS))


def number_of(name: str) -> int:
    return next(number for number in NUMBERS if demo_reel.SHOTS[number].name == name)


def first_frame(shot: timeline.Shot) -> int:
    """Frame of the scan, from 0, at which a shot starts; lists count by timecode or from the first file."""
    assert shot.source is not None
    return shot.source.start - (demo_reel.SCAN_START if shot.source.has_timecode else 0)


def differing(number: int, frame: int) -> float:
    """Share of pixels in which the scan is clearly not what was filmed."""
    change = np.abs(demo_reel.scan_frame(number, frame) - demo_reel.truth_frame(number, frame))
    return float((change.max(axis=2) > 0.1).mean())


# --- the cut lists ---------------------------------------------------------------------------------------------------


@pytest.fixture
def cuts(tmp_path: Path) -> tuple[timeline.Reel, timeline.Reel]:
    """The reel as our own readers see its EDL and its OTIO."""
    (tmp_path / "cut.edl").write_text(demo_reel.edl_text())
    otio.adapters.write_to_file(demo_reel.timeline(), str(tmp_path / "cut.otio"))
    return timeline.read(tmp_path / "cut.edl", rate=24), timeline.read(tmp_path / "cut.otio")


def test_both_lists_tell_the_same_cut(cuts: tuple[timeline.Reel, timeline.Reel]) -> None:
    edl, from_otio = cuts
    assert [s.name for s in edl.shots] == [s.name for s in from_otio.shots] == [s.name for s in demo_reel.SHOTS]
    assert [s.record for s in edl.shots] == [s.record for s in from_otio.shots]
    assert [first_frame(shot) for shot in edl.shots] == [first_frame(shot) for shot in from_otio.shots]
    assert edl.timecode(0) == from_otio.timecode(0) == "01:00:00:00"
    assert edl.remarks == from_otio.remarks == ()


def test_the_cut_fits_the_scan(cuts: tuple[timeline.Reel, timeline.Reel]) -> None:
    end = demo_reel.SCAN_START + demo_reel.scan_length()
    taken: set[int] = set()
    for shot, made in zip(cuts[0].shots, demo_reel.SHOTS, strict=True):
        assert shot.source is not None
        assert len(shot.record) == made.frames
        span = range(shot.source.start, shot.source.start + made.frames)
        assert span.start - demo_reel.HANDLE >= demo_reel.SCAN_START
        assert span.stop + demo_reel.HANDLE <= end
        assert not taken.intersection(span)
        taken.update(span)
    assert len(taken) == len(cuts[0]) == demo_reel.record_place(len(demo_reel.SHOTS))


def test_settings_on_shots_are_understood(cuts: tuple[timeline.Reel, timeline.Reel]) -> None:
    archive = Recipe.preset("archive")
    for cut in cuts:
        texts = [note.text for shot in cut.shots for note in shot.notes]
        assert texts == [shot.settings for shot in demo_reel.SHOTS]
        decided = decide(cut, archive)
        assert len({str(decision.recipe) for decision in decided}) >= 5


# --- the frames ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", NUMBERS)
def test_a_frame_is_the_same_whenever_it_is_made(number: int) -> None:
    first = demo_reel.scan_frame(number, 5)
    demo_reel._paths.cache_clear()
    scenes.title_card.cache_clear()
    demo_reel.scan_frame(number, 9)
    np.testing.assert_array_equal(demo_reel.scan_frame(number, 5), first)


@pytest.mark.parametrize("number", NUMBERS)
def test_frames_are_pictures(number: int) -> None:
    picture = demo_reel.scan_frame(number, -demo_reel.HANDLE)
    assert picture.shape == (480, 640, 3)
    assert picture.dtype == np.float32
    assert 0 <= picture.min() < picture.max() <= 1
    assert picture.std() > 0.05


def test_the_title_is_as_it_was() -> None:
    for frame in (0, 11):
        np.testing.assert_array_equal(demo_reel.scan_frame(0, frame), demo_reel.truth_frame(0, frame))


def test_the_tear_is_in_one_frame() -> None:
    number = number_of("motorcycle")
    torn = demo_reel.SHOTS[number].torn
    assert torn is not None
    before, at, after = (differing(number, frame) for frame in (torn - 1, torn, torn + 1))
    assert at > before + 0.1
    assert at > after + 0.1


def test_dirt_lies_on_one_frame_and_few_pixels() -> None:
    clean = np.full((480, 640, 3), 0.5, np.float32)
    a, b = (damage.dirty(clean, 6, "shot", frame)[..., 0] != 0.5 for frame in (0, 1))
    assert 0 < a.mean() < 0.02
    assert (a & b).sum() < 0.2 * a.sum()
    assert not (damage.dirty(clean, 0, "shot", 0) != clean).any()


def test_dirt_grows_with_the_film() -> None:
    def share(width: int) -> float:
        clean = np.full((width * 3 // 4, width, 3), 0.5, np.float32)
        return float(np.mean([(damage.dirty(clean, 8, "shot", frame) != clean).mean() for frame in range(12)]))

    assert share(1280) == pytest.approx(share(320), rel=0.8)


def test_scratches_stay_in_their_columns_and_let_the_picture_through() -> None:
    ramp = np.linspace(0.2, 0.8, 480, dtype=np.float32)[:, None, None] * np.ones((1, 640, 3), np.float32)
    scratch = damage.Scratch(0.5)
    found = [damage.scratched(ramp, (scratch,), "shot", frame, 30) for frame in range(30)]
    columns = [np.flatnonzero((picture != ramp).any(axis=(0, 2))) for picture in found]
    assert all(1 <= len(place) <= 4 for place in columns)
    assert all(abs(place.mean() - 320) < 12 for place in columns)
    assert len({int(place[0]) for place in columns}) > 1
    hit = found[0][:, columns[0][0], 0]
    assert np.corrcoef(hit, ramp[:, 0, 0])[0, 1] > 0.5


def test_weave_and_flicker_are_as_deep_as_asked() -> None:
    weave = np.array(damage.weave_path("shot", 200, 1.5))
    assert weave[:, 0].std() == pytest.approx(1.5)
    assert abs(weave.mean()) < 1e-6
    gain = np.array(damage.flicker_path("shot", 200, 0.05))
    assert gain[:, 0].std() == pytest.approx(0.05)
    assert gain[:, 0].mean() == pytest.approx(1)


def test_a_window_of_the_whole_photograph_is_the_photograph() -> None:
    picture = scenes.photograph("coffee")
    height, width = picture.shape[:2]
    seen = scenes.view(picture, (width / 2, height / 2, width), (width, height))
    np.testing.assert_allclose(seen, picture, atol=1e-5)


def test_a_shifted_view_is_shifted() -> None:
    picture = scenes.photograph("coffee")
    still = scenes.view(picture, (300, 200, 320), (320, 240))
    moved = scenes.view(picture, (300, 200, 320), (320, 240), shift=(3, 2))
    np.testing.assert_allclose(moved[2:, 3:], still[:-2, :-3], atol=1e-5)


def test_weave_moves_the_film_and_its_grain_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    number = number_of("rocket")
    shot = replace(demo_reel.SHOTS[number], flicker=0.0, dirt=0.0)
    monkeypatch.setattr(demo_reel, "SHOTS", (shot,))
    path = demo_reel._paths(shot)[0]
    k = max(range(len(path)), key=lambda n: float(np.hypot(*path[n])))
    x, y = (part * 640 / 1000 for part in path[k])
    woven, still = (make(0, k - demo_reel.HANDLE) for make in (demo_reel.scan_frame, demo_reel.truth_frame))
    inner = np.s_[8:-8, 8:-8]
    back = scenes.shifted(woven, (-x, -y))
    assert np.abs(back - still)[inner].mean() < 0.4 * np.abs(woven - still)[inner].mean()


# --- files -----------------------------------------------------------------------------------------------------------


def test_dpx_carries_its_code_values_and_timecode(tmp_path: Path) -> None:
    picture = (np.arange(480 * 640 * 3) % 1024 / 1023).astype(np.float32).reshape(480, 640, 3)
    demo_reel.write_dpx(tmp_path / "a.dpx", picture, demo_reel.SCAN_START + 25)
    source = oiio.ImageInput.open(str(tmp_path / "a.dpx"))
    spec = source.spec()
    assert spec.get_int_attribute("oiio:BitsPerSample") == 10
    assert spec.getattribute("dpx:TimeCode") == "10:00:01:01"
    assert spec.getattribute("dpx:FrameRate") == 24
    np.testing.assert_array_equal(
        source.read_image("uint16") >> 6, np.arange(480 * 640 * 3).reshape(480, 640, 3) % 1024
    )
    assert [path.name for path in tmp_path.iterdir()] == ["a.dpx"]


def test_a_full_disk_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("sys.argv", ["demo_reel.py", str(tmp_path / "file" / "demo")])
    assert demo_reel.main() == 6
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_sound_is_as_long_as_the_scan(tmp_path: Path) -> None:
    demo_reel.write_sound(tmp_path / "a.wav", demo_reel.scan_length())
    with wave.open(str(tmp_path / "a.wav")) as sound:
        assert sound.getnframes() * 24 == demo_reel.scan_length() * sound.getframerate()
        assert sound.getnchannels() == 2
        assert any(sound.readframes(1000))


@pytest.mark.slow
def test_two_runs_make_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_reel, "SIZE", (160, 120))

    def hashes(folder: Path) -> dict[str, str]:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    demo_reel.make(tmp_path / "a", workers=1)
    demo_reel.make(tmp_path / "b", workers=3)
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")
    assert len(hashes(tmp_path / "a")) == demo_reel.scan_length() + 4
    assert demo_reel.is_made(tmp_path / "a")
    (tmp_path / "a" / "scan" / "A001.0864010.dpx").unlink()
    assert not demo_reel.is_made(tmp_path / "a")
