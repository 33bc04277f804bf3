"""The one command on films that are not as they should be: from the file to the report, and what is said on the way."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from vsfilmrestore.assess.reading import Reading
from vsfilmrestore.assess.results import Assessment, FrameMeasures, ShotMeasures, SourceFacts
from vsfilmrestore.cli.main import main
from vsfilmrestore.errors import SettingError
from vsfilmrestore.media.source import Media, open_media
from vsfilmrestore.render.opening import media_opener
from vsfilmrestore.render.project import ProjectSettings

WIDTH, HEIGHT = 64, 48


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look at a film reads all of it, as the true one does, and finds nothing to do."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VSFILMRESTORE_DEBUG", raising=False)

    def look(clip: Any, **_: Any) -> Assessment:
        reading = Reading(clip)
        for _number, frame in reading.frames(lambda whole: whole, 0, len(clip)):
            frame.close()
        source = SourceFacts("film", clip.width, clip.height, len(clip), str(clip.fps), clip.format.name)
        shots = (ShotMeasures(0, len(clip), {}),)
        return Assessment(source, shots, FrameMeasures(len(clip), {}), unreadable=tuple(sorted(reading.unreadable)))

    monkeypatch.setattr("vsfilmrestore.assess.measure.assess_clip", look)


@pytest.fixture
def restored(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[Media, list[str]]]:
    """Runs ``restore`` on a film; the result, and the remarks of its report, all of which were said, too."""

    def call(path: Path, *words: str) -> tuple[Media, list[str]]:
        code = main(["restore", str(path), "-o", "out.mkv", "--project", "p.vsfr", "--no-history", *words])
        told = capfd.readouterr()
        assert code == 0, told.err
        remarks = json.loads(Path("p.vsfr/reports/report.json").read_text())["remarks"]
        assert [text for text in remarks if f"note: {text}" not in told.out.replace("\n", " ")] == []
        return open_media("out.mkv"), remarks

    return call


type Restored = Callable[..., tuple[Media, list[str]]]


def film(
    path: Path,
    count: int = 24,
    *,
    codec: str = "ffv1",
    pix_fmt: str = "gray",
    times: list[int] | None = None,
    sound: bool = False,
    aspect: Fraction = Fraction(1),
) -> Path:
    """Frames of grey noise, each lighter than the one before, at 24 a second or at times in milliseconds."""
    noise = np.random.default_rng(4).integers(0, 40, (HEIGHT, WIDTH))
    base = Fraction(1, 1000) if times else Fraction(1, 24)
    with av.open(str(path), "w") as out:
        video = out.add_stream(codec, rate=30 if times else 24)
        video.width, video.height, video.pix_fmt, video.time_base = WIDTH, HEIGHT, pix_fmt, base
        video.codec_context.time_base, video.codec_context.sample_aspect_ratio = base, aspect
        track = out.add_stream("pcm_s16le", rate=8000, layout="mono") if sound else None
        for number in range(count):
            frame = av.VideoFrame.from_ndarray((noise + 6 * number + 20).astype(np.uint8), format="gray")
            frame = frame.reformat(format=pix_fmt)
            frame.pts, frame.time_base = times[number] if times else number, base
            out.mux(video.encode(frame))
        out.mux(video.encode())
        if track is not None:
            seconds = (times[-1] / 1000 if times else count / 24) + 0.06
            block = av.AudioFrame.from_ndarray(
                np.zeros((1, int(8000 * seconds)), np.int16), format="s16", layout="mono"
            )
            block.sample_rate, block.pts = 8000, 0
            out.mux(track.encode(block))
            out.mux(track.encode())
    return path


def levels(media: Media) -> list[int]:
    """Which frame of `film` each frame is."""
    return [round((float(np.asarray(frame[0]).mean()) - 39.5) / 6) for frame in media.video.frames()]


def wipe(path: Path, first: int, last: int) -> None:
    """Zeros in the place of some frames, from packet to packet: what decoders make of part of one is left to chance."""
    with av.open(str(path)) as film:
        ends = [packet.pos + packet.size for packet in film.demux(video=0) if packet.pos is not None and packet.size]
    data = bytearray(path.read_bytes())
    data[ends[first - 1] : ends[last]] = bytes(ends[last] - ends[first - 1])
    path.write_bytes(bytes(data))


def test_a_film_that_is_cut_off(restored: Restored) -> None:
    path = film(Path("cut.mkv"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    media, remarks = restored(path)
    seen = levels(media)
    assert seen == list(range(len(seen)))
    assert 10 <= len(seen) <= 15
    gone = 24 - len(seen)
    told = f"cut off or damaged: its header tells of 24 frames, {len(seen)} are there, {gone} ({gone / 24:.2f} s) are"
    assert [text for text in remarks if told in text]


def test_a_film_with_a_part_that_cannot_be_read(restored: Restored) -> None:
    path = film(Path("hole.mkv"), 30)
    wipe(path, 12, 17)
    media, remarks = restored(path)
    seen = levels(media)
    assert len(seen) == 30  # what comes after keeps its time
    held = [n for n in range(30) if seen[n] != n]
    assert held == list(range(12, held[-1] + 1))  # a demuxer may lose a few more
    assert {seen[n] for n in held} == {11}
    assert any("cannot be read" in text or "not in the file" in text for text in remarks)


def test_a_script_whose_frames_fail(restored: Restored) -> None:
    Path("fails.vpy").write_text(
        "import vapoursynth as vs\n"
        "clip = vs.core.std.BlankClip(None, 64, 48, vs.GRAY8, length=20, fpsnum=24, fpsden=1, keep=True)\n"
        "clip = vs.core.akarin.Expr(clip, 'N 10 *')\n"
        "def read(n, f):\n"
        "    if n in (0, 7, 8):\n"
        "        raise ValueError('sector not found')\n"
        "    return f\n"
        "vs.core.std.ModifyFrame(clip, clip, read).set_output()\n"
    )
    media, remarks = restored(Path("fails.vpy"))
    seen = [int(frame[0][0, 0]) // 10 for frame in media.video.frames()]
    assert seen == [1, *range(1, 7), 6, 6, *range(9, 20)]
    assert "3 frames cannot be read: 0, 7-8; the nearest that can stands there" in remarks
    assert 'unreadable = "0, 7-8"' in Path("p.vsfr/project.toml").read_text()
    # Nobody looked at it before, and it is found all the same.
    Path("p.vsfr/project.toml").unlink()
    _, remarks = restored(Path("fails.vpy"), "--no-assess", "--tolerant", "--preset", "none")
    assert "3 frames cannot be read: 0, 7-8; the nearest that can stands there" in remarks


PHONE = [0, 35, 66, 101, 133, 166, 201, 266, 299, 335, 366, 401, 435, 499, 533, 600, 667, 733, 765, 801, 834, 866]


def test_a_rate_that_varies(restored: Restored, capfd: pytest.CaptureFixture[str]) -> None:
    path = film(Path("phone.mkv"), len(PHONE), times=PHONE, sound=True)
    media, remarks = restored(path)
    seen = levels(media)
    assert media.rate == 30
    assert sorted(set(seen)) == list(range(len(PHONE)))
    assert all(abs(seen.index(n) / 30 - time / 1000) <= 1 / 30 for n, time in enumerate(PHONE))
    assert media.audio is not None
    assert media.audio.num_samples == round(len(seen) * 8000 / 30)
    assert seen[-2:] == [len(PHONE) - 1] * 2  # the last picture stays until the sound ends
    assert any("the frame rate varies" in text and "make it 30 (0 dropped, 5 repeated)" in text for text in remarks)
    assert main(["restore", str(path), "-o", "no.mkv", "--project", "q.vsfr", "--refuse"]) == 3
    assert "the frame rate varies" in capfd.readouterr().err
    assert not Path("q.vsfr").exists()


def test_a_portrait_of_a_telephone(restored: Restored) -> None:
    path = film(Path("portrait.mp4"), 6, codec="mpeg4", pix_fmt="yuv420p", aspect=Fraction(4, 3))
    upright = open_media(path).video.std.Transpose().std.FlipHorizontal()
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 4 + 20 + 16
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, HEIGHT << 16, 0, 1 << 30)
    path.write_bytes(bytes(data))
    media, _ = restored(path)
    assert (media.video.width, media.video.height) == (HEIGHT, WIDTH)
    assert media.sample_aspect == Fraction(3, 4)
    with upright.get_frame(3) as wanted, media.video.get_frame(3) as got:
        assert np.array_equal(np.asarray(wanted[0]), np.asarray(got[0]))


def test_one_frame_with_transparency(restored: Restored) -> None:
    media, remarks = restored(film(Path("alpha.mkv"), 1, pix_fmt="yuva420p"))
    assert len(media) == 1
    assert [text for text in remarks if "transparency (alpha)" in text]


def test_scans_with_holes_and_spoilt_files(restored: Restored) -> None:
    Path("scans").mkdir()
    for number in range(8):
        if number != 3:
            frame = av.VideoFrame.from_ndarray(np.full((HEIGHT, WIDTH), 30 * number, np.uint8), format="gray")
            frame.to_image().save(f"scans/s_{number:04d}.png")
    Path("scans/s_0000.png").write_bytes(b"no picture at all")
    spoilt = Path("scans/s_0005.png").read_bytes()
    Path("scans/s_0005.png").write_bytes(spoilt[: len(spoilt) // 2])
    media, remarks = restored(Path("scans"))
    assert [int(frame[0][0, 0]) // 30 for frame in media.video.frames()] == [1, 1, 2, 2, 4, 4, 6, 7]
    assert "1 missing frame is held from the frame before: 3" in remarks
    assert "2 unreadable frames are held from the frame before: 0, 5" in remarks


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [("zero.mov", b"", "the file is empty"), ("list.mov", b"milk and bread\n" * 99, "it is not a media file")],
)
def test_what_is_no_film_is_one_line(name: str, data: bytes, words: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path(name).write_bytes(data)
    assert main(["restore", name, "-o", "out.mkv"]) == 3
    told = capfd.readouterr().err
    assert words in told
    assert told.count("\n") == 1
    assert sorted(path.name for path in Path().iterdir()) == [name]


@pytest.mark.parametrize("text", ["0-999999999999", "7-3", "all", "9" * 5000])
def test_a_list_of_unreadable_frames_that_makes_no_sense_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="unreadable"):
        media_opener(ProjectSettings(input="film.mkv", unreadable=text), tmp_path)
