"""Every real cut list: read to known shots, or refused for a known reason. None may crash, none be silently wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from vsfilmrestore import timeline
from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline import write_edl, write_otio

pytestmark = pytest.mark.footage

# Shots with media, gaps, record frames, transitions, record timecode of the first frame.
READ: dict[str, tuple[int, int, int, int, str]] = {
    "cmx3600/25fps.edl": (4, 0, 496, 0, "00:00:00:00"),
    "cmx3600/avid_example.edl": (2, 0, 81, 0, "00:59:53:11"),
    "cmx3600/cdl.edl": (2, 0, 62, 0, "00:00:00:00"),
    "cmx3600/dissolve_test.edl": (3, 0, 20, 1, "01:00:00:00"),
    "cmx3600/dissolve_test_2.edl": (3, 0, 20, 1, "01:00:00:00"),
    "cmx3600/dissolve_test_3.edl": (3, 0, 137, 1, "01:00:00:00"),
    "cmx3600/dissolve_test_4.edl": (6, 0, 477, 2, "01:04:11:17"),
    "cmx3600/gap_test.edl": (3, 2, 126, 0, "00:00:00:00"),
    "cmx3600/no_spaces_test.edl": (9, 0, 1049, 0, "00:59:53:11"),
    "cmx3600/nucoda_example.edl": (2, 0, 81, 0, "00:59:53:11"),
    "cmx3600/premiere_example.edl": (2, 0, 81, 0, "00:59:53:11"),
    "cmx3600/screening_example.edl": (9, 0, 1049, 0, "00:59:53:11"),
    "cmx3600/speed_effects.edl": (548, 0, 30330, 0, "01:00:00:00"),
    "cmx3600/speed_effects_small.edl": (5, 2, 16636, 0, "01:00:00:00"),
    "cmx3600/transition_duration.edl": (4, 0, 408, 1, "01:00:48:20"),
    "cmx3600/wipe_test.edl": (3, 0, 20, 1, "01:00:00:00"),
    "cmx3600/enabled.otio": (2, 0, 6, 0, "00:00:00:00"),
    "edl_features/INS4_R1_010417.edl": (287, 6, 27805, 0, "01:00:00:00"),
    "edl_features/ISSUE_14_conform_edl_issue_01.edl": (3, 2, 2298, 0, "01:00:06:20"),
    "edl_features/ISSUE_19_unusual01.edl": (38, 0, 4113, 0, "00:00:00:00"),
    "edl_features/ToD_R4_LOCK3.1_030618_Video.edl": (376, 2, 29089, 0, "04:00:00:00"),
    "edl_features/cdl_frmc_example02.edl": (25, 0, 6796, 0, "01:00:00:00"),
    "edl_features/test_edl_cdl.edl": (3, 0, 144, 0, "01:00:00:00"),
    "fcp7xml/img_seq_media_reference.otio": (1, 0, 159, 0, "01:00:00:00"),
    "otio/big_int.otio": (1, 0, 24, 0, "00:00:00:00"),
    "otio/clip_example.otio": (1, 3, 19, 1, "00:00:00:00"),
    "otio/effects.otio": (4, 0, 1125, 0, "01:00:00:00"),
    "otio/multiple_track.otio": (4, 0, 19, 0, "00:00:00:00"),
    "otio/multitrack.otio": (5, 2, 3282, 0, "00:00:00:00"),
    "otio/nested_example.otio": (7, 0, 636, 0, "00:00:00:00"),
    "otio/preflattened.otio": (5, 2, 3282, 0, "00:00:00:00"),
    "otio/premiere_example.otio": (6, 3, 1246, 2, "00:00:00:00"),
    "otio/screening_example.otio": (9, 0, 1049, 0, "00:59:53:11"),
    "otio/simple_cut.otio": (4, 0, 19, 0, "00:00:00:00"),
    "otio/transition.otio": (4, 0, 19, 1, "00:00:00:00"),
    "otio/transition_test.otio": (3, 1, 150, 3, "00:00:00:00"),
}
REFUSED = {
    "cmx3600/dissolve_test_fail.edl": r"fail\.edl:6: event 002 is a transition .*event 001 on line 5",
    "cmx3600/timecode_mismatch.edl": r"mismatch\.edl:13: event 004 has 49 source frames for 47 record frames",
    "cmx3600/multi_audio.edl": "edits only sound",
    "edl_features/INS4_R3_DX_092117.edl": "edits only sound",
    "otio/generator_reference_test.otio": "no shots",
}

type Footage = Callable[[str], Path]


@pytest.mark.parametrize("name", READ)
def test_read(footage: Footage, name: str) -> None:
    reel = timeline.read(footage(f"timelines/{name}"))
    media = [shot for shot in reel.shots if shot.source]
    fades = sum(1 for shot in reel.shots if shot.transition)
    assert (len(media), len(reel.shots) - len(media), len(reel), fades, reel.timecode(0)) == READ[name]


@pytest.mark.parametrize("name", REFUSED)
def test_refused(footage: Footage, name: str) -> None:
    with pytest.raises(TimelineError, match=REFUSED[name]):
        timeline.read(footage(f"timelines/{name}"))


def test_no_file_is_left_out(footage: Footage) -> None:
    folder = footage("timelines")
    found = {str(f.relative_to(folder)) for f in folder.rglob("*") if f.suffix in {".edl", ".otio"}}
    assert found == READ.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", READ)
def test_round_trip(footage: Footage, tmp_path: Path, name: str) -> None:
    reel = timeline.read(footage(f"timelines/{name}"))
    write_otio(reel, tmp_path / "x.otio")
    write_edl(reel, tmp_path / "x.edl")
    for again in (timeline.read(tmp_path / "x.otio"), timeline.read(tmp_path / "x.edl", rate=reel.rate)):
        assert [shot.record for shot in again.shots] == [shot.record for shot in reel.shots]
        for new, old in zip(again.shots, reel.shots, strict=True):
            assert (new.source is None) == (old.source is None)
            if old.source:
                assert new.source_frames(reel.rate) == old.source_frames(reel.rate)
                assert new.speed == old.speed


def test_avid_freezes_and_speeds(footage: Footage) -> None:
    shots = timeline.read(footage("timelines/cmx3600/speed_effects_small.edl")).shots
    assert [str(shot.speed) for shot in shots if shot.source] == ["1", "0", "0", "1", "119/60"]


@pytest.mark.parametrize(
    ("name", "start", "speed", "url"),
    [
        ("img_seq_2x_speed_resolve", 39, 2, "output.%04d.tif"),
        ("img_seq_reverse_speed_no_tc", 20, -1, "output.%04d.tif"),
        ("img_seq_with_handles", 34, 1, "output.%04d.tif"),
        ("img_seq_embedded_tc_review", 87_399, 1, "output.%04d.exr"),
        ("img_seq_23.976_metadata", 172_800, 1, "P01.%04d.exr"),
        ("qt_reverse_speed_2x", 30, -2, "qt_no_tc_24fps.mov"),
        ("qt_handle_tail_review", 35, 1, "qt_no_tc_24fps.mov"),
    ],
)
def test_single_clips_of_resolve_and_hiero(
    footage: Footage, tmp_path: Path, name: str, start: int, speed: int, url: str
) -> None:
    path = tmp_path / "clip.otio"
    shutil.copyfile(footage(f"timelines/resolve_hiero_otio_clips/{name}.json"), path)
    (shot,) = timeline.read(path).shots
    assert shot.source is not None
    assert (shot.source.start, shot.speed) == (start, Fraction(speed))
    assert shot.source.url.endswith(url)
