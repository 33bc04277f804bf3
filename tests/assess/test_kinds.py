"""What kind of shot it is, and what is told of it in words, in tables and to QCTools."""

from __future__ import annotations

import csv
import gzip
import sys
import xml.etree.ElementTree as ET
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
import pytest
import vapoursynth as vs

sys.path.insert(0, str(Path(__file__).parent))

from films import HEIGHT, WIDTH, Picture, film, pan, texture

from vsfilmrestore.assess.colours import colour_of, tape_colour_of
from vsfilmrestore.assess.content import drawn_of, kind_of
from vsfilmrestore.assess.levels import brng_of, tout_of, vrep_of
from vsfilmrestore.assess.passing import FrameFacts
from vsfilmrestore.assess.qctools import write_qctools
from vsfilmrestore.assess.reading import Reading
from vsfilmrestore.assess.results import Assessment, FrameMeasures, ShotMeasures, SourceFacts
from vsfilmrestore.assess.samples import Sample, Shot
from vsfilmrestore.assess.vocabulary import MEASURES
from vsfilmrestore.assess.wording import found_in, write_table
from vsfilmrestore.filters._frame_faults import Look

core = vs.core


def facts(picture: Picture, frames: int = 8, jumps: float = 0.0) -> list[FrameFacts]:
    grey = picture.mean(axis=2) * 219 + 16
    looks = Look(float(grey.mean()) / 255, float(grey.std()) / 255, 0.0)
    levels = [float(grey.mean()) + jumps * (n % 2) for n in range(frames)]
    return [FrameFacts(average=level, look=looks, ydif=0.2) for level in levels]


def colour(grey: Picture) -> Picture:
    return np.repeat(grey[..., None], 3, axis=2).astype(np.float32)


def bars() -> Picture:
    columns = [
        (0.75, 0.75, 0.75),
        (0.75, 0.75, 0),
        (0, 0.75, 0.75),
        (0, 0.75, 0),
        (0.75, 0, 0.75),
        (0.75, 0, 0),
        (0, 0, 0.75),
    ]
    picture = np.zeros((192, 256, 3), np.float32)
    for n, column in enumerate(columns):
        picture[:, n * 256 // 7 : (n + 1) * 256 // 7] = column
    picture[140:] = picture[140:, ::-1]
    return picture


def title() -> Picture:
    picture = np.full((192, 256), 12, np.uint8)
    for row, words in enumerate(("THE LAST REEL", "a film in two parts", "produced by nobody")):
        cv2.putText(picture, words, (30, 60 + 40 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 230, 1, cv2.LINE_AA)
    return colour(picture / 255)


def countdown() -> Picture:
    picture = np.full((192, 256), 128, np.uint8)
    for radius in (70, 84):
        cv2.circle(picture, (128, 96), radius, 240, 2, cv2.LINE_AA)
    cv2.line(picture, (0, 96), (255, 96), 25, 1)
    cv2.putText(picture, "5", (106, 122), cv2.FONT_HERSHEY_SIMPLEX, 2.4, 12, 6, cv2.LINE_AA)
    return colour(picture / 255)


def drawing() -> Picture:
    picture = np.empty((192, 256, 3), np.float32)
    picture[:] = (0.55, 0.75, 0.9)
    picture[120:] = (0.35, 0.65, 0.3)
    cv2.circle(picture, (90, 100), 45, (0.9, 0.55, 0.4), -1)
    cv2.circle(picture, (90, 100), 45, (0.05, 0.05, 0.05), 3)
    cv2.rectangle(picture, (160, 60), (230, 150), (0.8, 0.2, 0.25), -1)
    cv2.rectangle(picture, (160, 60), (230, 150), (0.05, 0.05, 0.05), 3)
    return picture


PHOTO = colour(texture(1)[:192, :256])


@pytest.mark.parametrize(
    ("picture", "kind"),
    [
        (np.zeros((192, 256, 3), np.float32), "black"),
        (np.ones((192, 256, 3), np.float32), "white"),
        (bars(), "bars"),
        (title(), "title"),
        (countdown(), "countdown"),
        (PHOTO, "picture"),
        (drawing(), "picture"),
    ],
)
def test_kinds(picture: Picture, kind: str) -> None:
    assert kind_of(facts(picture), [picture]) == kind


def test_a_leader_blinks() -> None:
    flat = np.full((192, 256, 3), 0.4, np.float32)
    assert kind_of(facts(flat, jumps=30), [flat]) == "leader"


def test_drawings_are_told_from_photographs() -> None:
    assert drawn_of([drawing()], [], "") > 0.5
    assert drawn_of([PHOTO], [], "on twos") < 0.2


def planes(clip: vs.VideoNode) -> list[Sample]:
    return Shot(Reading(clip), 0, len(clip)).middles


def test_colour_is_told_from_a_tint_and_from_grey() -> None:
    grey = film(pan(1, 4), vs.YUV420P8)
    assert colour_of(planes(grey))[0] == "grey"
    sepia = core.akarin.Expr(grey, ["", "x 12 -", "x 14 +"])
    assert colour_of(planes(sepia))[0] == "tinted"
    spots = core.akarin.Expr([grey], ["", "x X 20 / floor 2 % 40 * + 20 -", "x Y 15 / floor 2 % 40 * + 20 -"])
    assert colour_of(planes(spots))[0] == "colour"


def test_colour_that_stands_off_or_is_soft() -> None:
    blocks = np.kron(np.random.default_rng(1).random((24, 32)), np.ones((8, 8))).astype(np.float32)
    luma = film([blocks] * 2)
    late, soft = luma.resize.Point(src_left=-3), luma.std.BoxBlur(hradius=4, vradius=0, hpasses=2)

    def measured(colours: vs.VideoNode) -> dict[str, float]:
        return tape_colour_of(planes(core.std.ShufflePlanes([luma, colours, colours], [0, 0, 0], vs.YUV)))

    assert measured(late)["chroma.delay"] == pytest.approx(3, abs=0.3)
    assert measured(luma) == pytest.approx({"chroma.delay": 0, "chroma.bandwidth": 1}, abs=0.1)
    assert measured(soft)["chroma.bandwidth"] < 0.65


def sidecar(tmp_path: Path, clip: vs.VideoNode) -> list[ET.Element]:
    source = SourceFacts("film", clip.width, clip.height, len(clip), "24", clip.format.name)
    columns = {"flicker": np.arange(len(clip), dtype=np.float32), "weave.x": np.full(len(clip), np.nan, np.float32)}
    found = Assessment(source, (ShotMeasures(0, len(clip)),), FrameMeasures(len(clip), columns))
    write_qctools(tmp_path / "film.qctools.xml.gz", clip, found)
    root = ET.fromstring(gzip.decompress((tmp_path / "film.qctools.xml.gz").read_bytes()))
    assert root.tag == "{http://www.ffmpeg.org/schema/ffprobe}ffprobe"
    assert root.find("streams/stream").attrib["width"] == str(clip.width)
    return root.findall("frames/frame")


@pytest.mark.parametrize("fmt", [vs.YUV420P8, vs.GRAY16, vs.RGB24])
def test_the_sidecar_holds_every_frame_in_the_order_of_time(tmp_path: Path, fmt: int) -> None:
    clip = film(pan(1, 9), fmt)
    frames = sidecar(tmp_path, clip)
    times = [float(frame.attrib["pkt_pts_time"]) for frame in frames]
    assert times == pytest.approx([n / 24 for n in range(9)], abs=1e-6)
    tags = {tag.attrib["key"]: tag.attrib["value"] for tag in frames[3]}
    wanted = (
        "YMIN",
        "YLOW",
        "YAVG",
        "YHIGH",
        "YMAX",
        "UAVG",
        "VAVG",
        "SATAVG",
        "HUEMED",
        "YDIF",
        "TOUT",
        "VREP",
        "BRNG",
    )
    assert {f"lavfi.signalstats.{name}" for name in wanted} <= set(tags)
    assert "lavfi.deflicker.relative_change" in tags
    assert float(tags["vsfilmrestore.flicker"]) == 3
    assert "vsfilmrestore.weave.x" not in tags  # it is not known


def test_our_tout_vrep_and_brng_are_those_of_ffmpeg(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    picture = np.clip(texture(1)[:HEIGHT, :WIDTH] * 1.3 - 0.2, -0.07, 1.08)
    picture[40:60] = picture[40]
    for y, x in rng.integers(8, 180, (60, 2)):
        picture[y, x : x + 8] = 1.0
    clip = film([picture.astype(np.float32)] * 2, vs.YUV420P8)
    tags = {tag.attrib["key"]: float(tag.attrib["value"]) for tag in sidecar(tmp_path, clip)[0]}
    sample = Shot(Reading(clip), 0, 2).runs[0][0]
    for name, ours in (("TOUT", tout_of), ("VREP", vrep_of), ("BRNG", brng_of)):
        told = tags[f"lavfi.signalstats.{name}"]
        assert told > 0, name
        assert ours(sample) == pytest.approx(told, abs=2e-4), name


def test_words() -> None:
    lists = {"frames.torn_at": (28.0, 29.0), "scratches.x": (812.0,)}
    values = {"flicker": 6.8, "frames.torn": 2.0, "scratches.count": 1.0, "dirt.density": 4.0, "dirt.sparkle": 0.9}
    assert found_in(ShotMeasures(0, 40, values, lists)) == (
        "torn 2 (28-29), flicker 6.8 %, dirt 4.0 a frame, white, 1 scratch (x 812)"
    )
    assert found_in(ShotMeasures(0, 40, values | {"confidence.flicker": 0.1}, lists)).startswith("torn 2 (28-29), dirt")
    assert found_in(ShotMeasures(0, 40, {"flicker": 0.3, "kind": "picture", "transition": "cut"})) == ""


def test_the_table_has_a_column_for_every_measure() -> None:
    source = SourceFacts("film", 64, 48, 5, "24", "YUV420P8")
    shots = (ShotMeasures(0, 3, {"flicker": 2.5, "motion": "pan"}, {"scratches.x": (8.0, 9.5)}), ShotMeasures(3, 5))
    text = StringIO()
    write_table(text, Assessment(source, shots, FrameMeasures(5, {})), ["a", "b"], ["00:00:00:00", "00:00:00:03"])
    rows = list(csv.DictReader(StringIO(text.getvalue())))
    assert set(rows[0]) == {"shot", "first", "frames", "timecode", "remarks", *(measure.name for measure in MEASURES)}
    assert (rows[0]["flicker"], rows[0]["motion"], rows[0]["scratches.x"], rows[1]["flicker"]) == (
        "2.5",
        "pan",
        "8 9.5",
        "",
    )
