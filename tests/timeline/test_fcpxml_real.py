"""FCPXML as Final Cut Pro writes it, whole and damaged."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from vsfilmrestore import timeline
from vsfilmrestore.errors import TimelineError

from .fcpxml_makers import asset, project, told

type Footage = Callable[[str], Path]

# Shots with media, shots without, record frames, transitions, markers, first timecode.
READ = {
    "23.98": (11, 0, 5348, 3, 12, "00:00:00:00"),
    "24With25Media": (2, 2, 3911, 0, 3, "01:00:00:00"),
    "29.97": (14, 0, 887, 0, 23, "00:00:00:00"),
    "30": (26, 1, 7895, 4, 33, "00:00:00:00"),
    "59.94": (26, 1, 15805, 4, 33, "00:00:00:00"),
    "Annotations": (1, 0, 738, 0, 3, "01:00:00:00"),
    "AuditionMarkers3": (2, 0, 1433, 1, 4, "00:00:00:00"),
    "Complex": (2, 1, 11199, 0, 29, "00:00:00:00"),
    "DisabledClips": (1, 3, 20438, 0, 4, "00:00:00:00"),
    "MulticamMarkers": (2, 0, 1200, 0, 3, "01:00:00:00"),
    "Occlusion3": (2, 2, 8436, 0, 2, "00:59:50:00"),
    "StandaloneAssetClip": (1, 0, 300, 0, 0, "00:59:50:00"),
    "StandaloneRefClip": (1, 0, 270, 0, 1, "00:00:00:00"),
    "SyncClip": (1, 0, 738, 0, 3, "01:00:00:00"),
    "SyncClipRoles2": (1, 2, 8436, 0, 1, "00:59:50:00"),
    "fcpx_project": (11, 7, 4500, 3, 7, "00:00:00:00"),
}
NO_PICTURES = "nothing here shows pictures"
REFUSED = {
    "AuditionMarkers": NO_PICTURES,
    "BasicMarkers_1HourProjectStart": NO_PICTURES,
    "Occlusion": NO_PICTURES,
    "TransitionMarkers1": NO_PICTURES,
    "TwoClipsMarkers": NO_PICTURES,
    "fcpx_clips": r"3 clips and no project: 1 'compound_clip_1' \(line 86\)",
    "fcpx_event": "2 projects: 1 'OpenTimeline_Project' .*, 2 'OpenTimeline_Project 1'",
    "fcpx_example": "2 projects",
    "fcpx_library": "2 projects",
}


@pytest.mark.footage
@pytest.mark.parametrize("name", READ)
def test_read(footage: Footage, name: str) -> None:
    reel = timeline.read(footage(f"timelines/fcpxml/{name}.fcpxml"))
    media = [shot for shot in reel.shots if shot.source]
    fades = sum(1 for shot in reel.shots if shot.transition)
    assert (len(media), len(reel.shots) - len(media), len(reel), fades, len(reel.markers), reel.timecode(0)) == READ[
        name
    ]


@pytest.mark.footage
@pytest.mark.parametrize("name", REFUSED)
def test_refused(footage: Footage, name: str) -> None:
    with pytest.raises(TimelineError, match=rf"{name}\.fcpxml:\d+: .*{REFUSED[name]}"):
        timeline.read(footage(f"timelines/fcpxml/{name}.fcpxml"))


@pytest.mark.footage
def test_no_file_is_left_out(footage: Footage) -> None:
    assert {file.stem for file in footage("timelines/fcpxml").iterdir()} == READ.keys() | REFUSED.keys()


@pytest.mark.footage
def test_places_reckoned_by_hand(footage: Footage) -> None:
    def of(name: str) -> list[tuple[int, int, str, int | None]]:
        return told(timeline.read(footage(f"timelines/fcpxml/{name}.fcpxml")))

    # The clips begin 241 and 313 frames into the multicam clip, whose angles begin with gaps of 101 and 125 frames.
    assert of("MulticamMarkers") == [(0, 960, "Cam 4 Reel", 140), (960, 1200, "Cam 2 Reel", 188)]
    # Frames 684 to 737 of 738, and all 3551, frame for frame.
    assert [shot[:2] + shot[3:] for shot in of("24With25Media") if shot[3] is not None] == [
        (240, 294, 684),
        (360, 3911, 0),
    ]
    # The storyline over the clip that is on from 2724, from its frame 4288: it fades in and out over that.
    assert [shot[::3] for shot in of("23.98")[4:8]] == [(2724, 4288), (3004, 7181), (3093, 7416), (3339, 4903)]
    # 1070897 is the timecode of the connected clip, which hides the synchronised one.
    assert of("Occlusion3")[1] == (126, 209, "TestVideo", 1_070_897)


WHOLE = project(
    '<asset-clip ref="A" offset="3600s" start="1s" duration="2s"><note>VSFR heavy</note>'
    '<conform-rate srcFrameRate="25"/>'
    '<timeMap><timept time="0s" value="0s" interp="linear"/><timept time="2s" value="1s" interp="linear"/>'
    '<timept time="90s" value="99s" interp="smooth2"/></timeMap><marker start="2s" duration="1/24s" value="VSFR off"/>'
    '<spine lane="1" offset="1.5s"><video ref="B" offset="0s" start="0s" duration="1s"/></spine></asset-clip>'
    '<transition name="Cross Dissolve" offset="3601.5s" duration="1s"/>'
    '<ref-clip ref="M" offset="3602s" start="0s" duration="2s"/><title ref="title" offset="3604s" duration="1s"/>',
    '<media id="M"><sequence format="f2997"><spine><clip offset="0s" duration="9s"><video ref="C" offset="0s" '
    'duration="9s"/></clip></spine></sequence></media>' + asset("P", "3600s", "9s", "f25"),
    start="3600s",
)
VALUES = [
    "0s",
    "-1s",
    "1/0s",
    "99999999s",
    "9000000s",
    "",
    "x",
    "1/3s",
    "r1",
    "A",
    "M",
    "-1",
    "1001/30000s",
    "VSFR a b",
]
TAGS = ["clip", "video", "ref-clip", "sync-clip", "mc-clip", "audition", "gap", "title", "spine", "transition", "media"]


def mutated(text: str, rng: random.Random) -> str:
    for _ in range(rng.choice([1, 1, 2, 5])):
        values = list(re.finditer(r'="([^"]*)"', text))
        elements = list(re.finditer(r"<[a-z-]+ [^<>]*/>", text))
        match rng.randrange(5):
            case 0 | 1 if values:
                span = rng.choice(values)
                text = text[: span.start(1)] + rng.choice([*VALUES, rng.choice(values)[1]]) + text[span.end(1) :]
            case 2 if elements:
                span, other = rng.choice(elements), rng.choice(elements)
                text = text[: span.start()] + rng.choice(["", other[0] * 2]) + text[span.end() :]
            case 3:
                old = rng.choice(re.findall(r"<([a-z-]+)", text) or ["x"])
                text = re.sub(rf"<(/?){old}(?=[\s>/])", rf"<\1{rng.choice(TAGS)}", text)
            case _:
                i = rng.randrange(len(text) + 1)
                text = text[:i] + text[i + rng.choice([1, 5, 60]) :]
    return text


def attempt(path: Path, text: str) -> bool:
    path.write_text(text)
    start = time.process_time()
    try:
        timeline.read(path)
        read = True
    except TimelineError as error:
        assert str(path) in str(error)  # noqa: PT017
        read = False
    assert time.process_time() - start < 2
    return read


def test_the_whole_file_is_read(tmp_path: Path) -> None:
    assert attempt(tmp_path / "cut.fcpxml", WHOLE)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    read = sum(attempt(tmp_path / "cut.fcpxml", mutated(WHOLE, rng)) for _ in range(150))
    assert 0 < read < 150


@pytest.mark.footage
def test_damaged_real_files(footage: Footage, tmp_path: Path) -> None:
    rng = random.Random(3)
    files = [file.read_text() for file in sorted(footage("timelines/fcpxml").iterdir())]
    for _ in range(80):
        attempt(tmp_path / "cut.fcpxml", mutated(rng.choice(files), rng))
