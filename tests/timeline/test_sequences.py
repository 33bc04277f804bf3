"""Which of several sequences in a file is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vsfilmrestore import timeline
from vsfilmrestore.cli.main import main
from vsfilmrestore.errors import TimelineError, UsageError

type Footage = Callable[[str], Path]

RATE = "<rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>"


def sequence(name: str, length: int, body: str = "") -> str:
    clip = body or (
        f"<clipitem><name>{name}</name>{RATE}<start>0</start><end>{length}</end><in>0</in><out>{length}</out>"
        f'<file id="f{name}"><name>A.mov</name><pathurl>A.mov</pathurl>{RATE}<duration>900</duration></file></clipitem>'
    )
    return (
        f'<sequence id="s{name}"><name>{name}</name>{RATE}<duration>{length}</duration>'
        f"<media><video><track>{clip}</track></video></media></sequence>\n"
    )


@pytest.fixture
def premiere(tmp_path: Path) -> Path:
    """Reel 1 and Reel 2 side by side, and a nest that Reel 2 shows."""
    nest = f"<clipitem>{RATE}<start>0</start><end>9</end><in>0</in><out>9</out>{sequence('Nest', 9)}</clipitem>"
    path = tmp_path / "cut.xml"
    body = sequence("Reel 1", 10) + sequence("Reel 2", 9, nest)
    path.write_text(
        f'<?xml version="1.0"?>\n<xmeml version="5">\n<project><children>\n{body}</children></project></xmeml>'
    )
    return path


@pytest.mark.parametrize(
    ("wanted", "name", "length"),
    [("Reel 1", "Reel 1", 10), ("reel  2", "Reel 2", 9), ("1", "Reel 1", 10), ("2", "Reel 2", 9), ("Nest", "Nest", 9)],
)
def test_by_name_and_by_number(premiere: Path, wanted: str, name: str, length: int) -> None:
    reel = timeline.read(premiere, sequence=wanted)
    assert (reel.name, len(reel)) == (name, length)


def test_the_error_lists_them_and_says_how(premiere: Path) -> None:
    message = (
        r"cut\.xml:\d+: the file holds 2 sequences: 1 'Reel 1' \(line 4\), 2 'Reel 2' .* Choose one with --sequence"
    )
    with pytest.raises(TimelineError, match=message):
        timeline.read(premiere)
    with pytest.raises(TimelineError, match="there is no sequence 'Reel 3', but 1 'Reel 1'"):
        timeline.read(premiere, sequence="Reel 3")


def test_two_of_one_name_are_told_by_number(tmp_path: Path) -> None:
    path = tmp_path / "cut.xml"
    path.write_text(f"<xmeml>{sequence('a', 5)}{sequence('a', 7).replace('sa', 'sb')}</xmeml>")
    with pytest.raises(TimelineError, match="2 sequences are named 'a'"):
        timeline.read(path, sequence="a")
    assert len(timeline.read(path, sequence="2")) == 7


def otio(name: str, length: int) -> dict[str, Any]:
    def time(value: int) -> dict[str, Any]:
        return {"OTIO_SCHEMA": "RationalTime.1", "value": value, "rate": 24}

    frames = {"OTIO_SCHEMA": "TimeRange.1", "start_time": time(0), "duration": time(length)}
    media = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "a.mov", "available_range": frames}
    clip = {"OTIO_SCHEMA": "Clip.1", "name": "a", "source_range": frames, "media_reference": media}
    track = {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [clip]}
    return {"OTIO_SCHEMA": "Timeline.1", "name": name, "tracks": {"OTIO_SCHEMA": "Stack.1", "children": [track]}}


def test_collections_of_timelines(tmp_path: Path) -> None:
    path = tmp_path / "cut.otio"
    path.write_text(
        json.dumps({"OTIO_SCHEMA": "SerializableCollection.1", "children": [otio("day", 5), otio("night", 8)]})
    )
    with pytest.raises(TimelineError, match="2 timelines: 1 'day', 2 'night'"):
        timeline.read(path)
    assert len(timeline.read(path, sequence="night")) == 8
    path.write_text(json.dumps(otio("day", 5)))
    assert len(timeline.read(path, sequence="day")) == 5
    with pytest.raises(TimelineError, match="there is no timeline 'night', but 1 'day'"):
        timeline.read(path, sequence="night")


def test_an_edl_has_no_names(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="an EDL holds one cut"):
        timeline.read(tmp_path / "cut.edl", sequence="a")


@pytest.mark.footage
def test_projects_of_an_event(footage: Footage) -> None:
    path = footage("timelines/fcpxml/fcpx_event.fcpxml")
    first, second = (timeline.read(path, sequence=name) for name in ("OpenTimeline_Project", "2"))
    assert (first.name, second.name) == ("OpenTimeline_Project", "OpenTimeline_Project 1")


def test_on_the_command_line_and_in_the_project(premiere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", str(premiere)]) == 3
    assert "--sequence" in capsys.readouterr().err
    folder = premiere.parent / "p"
    assert main(["plan", str(premiere), "--sequence", "Reel 2", "--project", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "Reel 2"
    assert main(["plan", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 9
    out = premiere.parent / "out.otio"
    assert main(["export", str(premiere), "--sequence", "Nest", "-o", str(out)]) == 0
    assert timeline.read(out).name == "Nest"
