"""Final Cut Pro 7 XML as real programs wrote it, and what is left of it after rough handling."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from vsfilmrestore import timeline
from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline import FrameRange, Reel

type Footage = Callable[[str], Path]

# Shots with media, gaps, record frames, transitions, record timecode of the first frame.
READ: dict[str, tuple[int, int, int, int, str]] = {
    "hiero_xml_export.xml": (2, 2, 1324, 0, "01:00:00:00"),
    "premiere_enable_property.xml": (3, 1, 256, 0, "00:00:00:00"),
    "premiere_example.xml": (8, 2, 1246, 2, "00:00:00:00"),
}
REFUSED = {
    "premiere_example_filter.xml": "kind 'filter' is not a cut list",
    "premiere_generators.xml": r"generators\.xml:4: no video track holds a clip with media",
    "sample_just_track.xml": r"just_track\.xml:4: no video track holds a clip with media",
}


@pytest.mark.footage
@pytest.mark.parametrize("name", READ)
def test_read(footage: Footage, name: str) -> None:
    reel = timeline.read(footage(f"timelines/fcp7xml/{name}"))
    media = [shot for shot in reel.shots if shot.source]
    fades = sum(1 for shot in reel.shots if shot.transition)
    assert (len(media), len(reel.shots) - len(media), len(reel), fades, reel.timecode(0)) == READ[name]


@pytest.mark.footage
@pytest.mark.parametrize("name", REFUSED)
def test_refused(footage: Footage, name: str) -> None:
    with pytest.raises(TimelineError, match=REFUSED[name]):
        timeline.read(footage(f"timelines/fcp7xml/{name}"))


@pytest.mark.footage
def test_no_file_is_left_out(footage: Footage) -> None:
    assert {path.name for path in footage("timelines/fcp7xml").glob("*.xml")} == READ.keys() | REFUSED.keys()


@pytest.mark.footage
def test_premiere(footage: Footage) -> None:
    """Four tracks, a nest, a fade of V2 that uncovers V1, a dissolve, a clip that counts at half the rate."""
    reel = timeline.read(footage("timelines/fcp7xml/premiere_example.xml"))
    shown = [(s.record.start, s.source.label, s.source.start) for s in reel.shots if s.source]
    assert shown == [
        (13, "sc01_sh010_anim", 0),
        (165, "sc01_sh020_anim", 0),
        (322, "sc01_sh030_anim", 0),
        (538, "sc01_sh010_anim", 2),
        (636, "sc01_sh010_anim", 0),
        (736, "sc01_sh030_anim", 0),
        (956, "sc01_master_layerA_sh030_temp", 133),
        (1152, "sc01_sh010_anim", 6),
    ]
    fades = [shot.transition for shot in reel.shots if shot.transition]
    assert [(fade.outgoing.record, fade.outgoing.source_at(0, reel.rate)) for fade in fades] == [
        (FrameRange(538, 557), 216),
        (FrameRange(1152, 1177), 99 + 34 + 1152 - 956),
    ]
    assert {shot.colour for shot in reel.shots if shot.source} == {"Iris"}
    names = [(marker.name, marker.note, marker.frames.start) for marker in reel.markers]
    # The clip markers stand 73 frames into their media, which begin at 322 and, in the nest, at 636 + 100.
    assert names == [
        ("My MArker 1", "so, this happened", 113),
        ("", "", 298),
        ("", "", 395),
        ("dsf", "fsfsfs", 492),
        ("", "", 809),
    ]
    assert reel.shots[1].source is not None
    assert reel.shots[1].source.url == "D:/media/sc01_sh010_anim.mov"


TEXT = """<?xml version="1.0"?>
<!DOCTYPE xmeml>
<xmeml version="5"><sequence id="s1"><name>cut</name><rate><timebase>24</timebase><ntsc>TRUE</ntsc></rate>
<timecode><rate><timebase>24</timebase></rate><frame>86400</frame><displayformat>NDF</displayformat></timecode>
<media><video><track>
<clipitem id="c1"><name>A</name><start>0</start><end>-1</end><in>5</in><out>55</out>
<file id="f1"><name>A.mov</name><pathurl>file://localhost/A.mov</pathurl><rate><timebase>25</timebase></rate>
<duration>900</duration><timecode><frame>90000</frame><reel><name>R1</name></reel></timecode></file>
<marker><name>VSFR dust=0.5</name><comment/><in>9</in><out>20</out></marker></clipitem>
<transitionitem><start>40</start><end>50</end><alignment>center</alignment>
<effect><name>Cross Dissolve</name><wipecode>0</wipecode></effect></transitionitem>
<clipitem id="c2"><name>B</name><start>-1</start><end>90</end><in>20</in><out>70</out><file id="f1"/>
<filter><effect><effectid>timeremap</effectid>
<parameter><parameterid>speed</parameterid><value>50</value></parameter>
<parameter><parameterid>reverse</parameterid><value>FALSE</value></parameter>
<parameter><parameterid>variablespeed</parameterid><value>1</value></parameter>
<parameter><parameterid>graphdict</parameterid><keyframe><when>0</when><value>3</value></keyframe>
<keyframe><when>40</when><value>30</value></keyframe><keyframe><when>80</when><value>10</value></keyframe></parameter>
</effect></filter><comments><mastercomment1>VSFR grain=keep</mastercomment1></comments></clipitem>
</track><track><clipitem><name>N</name><start>60</start><end>80</end><in>2</in><out>22</out>
<sequence id="s2"><name>nest</name><rate><timebase>30</timebase></rate><media><video><track>
<clipitem><name>C</name><start>0</start><end>99</end><in>0</in><out>99</out><file id="f2"><name>C.dpx</name>
<pathurl>C.0001.dpx</pathurl><duration>99</duration></file></clipitem></track></video></media></sequence>
<filter><effect><effectid>timeremap</effectid>
<parameter><parameterid>speed</parameterid><value>-120</value></parameter></effect></filter></clipitem></track>
</video></media><marker><name>look</name><comment>x</comment><in>7</in><out>-1</out></marker></sequence></xmeml>
"""
VALUES = ["", "-1", "0", "1", "-7", "24", "100", "-100", "1e6", "999999999", "1e99", "0.3333", "nan", "TRUE", "x", "f1"]
VALUES += ["VSFR a=1", "VSFR =", "s1", "start-black", "end-black", "12345678901234567890"]
ELEMENT = re.compile(r">([^<>\n]*)</")
WHOLE = re.compile(r"<(\w+)[^>]*>[^<]*</\1>|<(clipitem|file|rate|timecode|keyframe|parameter)\b.*?</\2>", re.DOTALL)


def mutated(rng: random.Random) -> str:
    text = TEXT
    for _ in range(rng.choice([1, 1, 2, 4, 12])):
        match rng.randrange(8):
            case 0:
                spot = rng.choice(list(WHOLE.finditer(text)))
                text = text[: spot.start()] + text[spot.end() :]
            case 1:
                one, other = (rng.choice(list(WHOLE.finditer(text))) for _ in range(2))
                text = text[: one.start()] + other[0] + text[one.start() :]
            case 2:
                i = rng.randrange(len(text))
                text = text[:i] + chr(rng.randrange(32, 700)) + text[i + 1 :]
            case _:
                spot = rng.choice(list(ELEMENT.finditer(text)))
                text = text[: spot.start(1)] + rng.choice(VALUES) + text[spot.end(1) :]
        if not WHOLE.search(text) or not ELEMENT.search(text):
            break
    return text


def read_or_none(path: Path) -> Reel | None:
    try:
        return timeline.read(path)
    except TimelineError:
        return None


def test_mutated_files_are_read_or_refused(tmp_path: Path) -> None:
    rng = random.Random(7)
    path = tmp_path / "cut.xml"
    path.write_text(TEXT)
    whole = timeline.read(path)
    assert len(whole) == 90
    read = 0
    for _ in range(300):
        path.write_text(mutated(rng))
        before = time.process_time()
        reel = read_or_none(path)
        read += reel is not None
        if reel is not None:
            shown = [shot for shot in reel.shots if shot.source is not None]
            assert all(shot.source_frame(shot.record.stop - 1, reel.rate) >= 0 for shot in shown)
        assert time.process_time() - before < 2
    assert read > 60
