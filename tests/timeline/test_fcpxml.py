"""FCPXML: storylines, connected clips, transitions and clips with contents."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from time import process_time

import pytest

from vsfilmrestore import timeline
from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline import Reel

from .fcpxml_makers import ASSETS, FORMATS, asset, project, told

type Read = Callable[..., Reel]


def clip(ref: str, offset: str, start: str, duration: str, more: str = "", inside: str = "") -> str:
    where = f' offset="{offset}"' if offset else ""
    return f'<asset-clip ref="{ref}"{where} start="{start}" duration="{duration}" {more}>{inside}</asset-clip>'


def test_clips_and_gaps_of_a_project(fcpxml: Read) -> None:
    spine = clip("A", "3600s", "2s", "1s") + '<gap offset="3601s" duration="1s"/>' + clip("B", "3602s", "0s", "48/24s")
    reel = fcpxml(project(spine, start="3600s"))
    assert told(reel) == [(0, 24, "A", 48), (24, 48, "-", None), (48, 96, "B", 0)]
    assert (reel.name, reel.rate, reel.timecode(0), reel.drop) == ("Cut", 24, "01:00:00:00", False)
    assert reel.remarks == ()
    first = reel.shots[0]
    assert (first.handles, first.line) == ((48, 2400 - 72), 6)
    assert first.source is not None
    assert (first.source.url, first.source.has_timecode) == ("file:///Volumes/My%20Film/A.mov", False)


def test_clips_without_offsets_follow_one_another(fcpxml: Read) -> None:
    spine = clip("A", "", "2s", "1s") + clip("B", "", "1s", "1s")
    assert told(fcpxml(project(spine, start="3600s"))) == [(0, 24, "A", 48), (24, 48, "B", 24)]


def test_media_count_in_their_own_timecode(fcpxml: Read) -> None:
    reel_md = '<metadata><md key="com.apple.proapps.studio.reel" value="A001"/></metadata>'
    media = asset("T", "107892785/30000s", "3003/1000s", "f2997", reel_md)
    spine = clip("T", "0s", "107922815/30000s", "1001/1000s", 'tcFormat="DF"')
    (shot,) = fcpxml(project(spine, media, form="f2997")).shots
    assert shot.source is not None
    assert (shot.source.start, shot.source.has_timecode, shot.source.drop) == (107_815, True, True)
    assert (shot.source.reel, shot.id) == ("A001", "A001@00:59:57;13")
    assert shot.handles == (30, 30)


def test_media_of_old_files_have_their_path_on_the_asset(fcpxml: Read) -> None:
    old = '<asset id="O" name="old" src="file:///x/old.mov" start="0s" duration="9s" hasVideo="1" format="f24"/>'
    (shot,) = fcpxml(project(clip("O", "0s", "0s", "1s"), old)).shots
    assert shot.source is not None
    assert shot.source.url == "file:///x/old.mov"


def test_connected_clips_lie_above_and_below(fcpxml: Read) -> None:
    above = clip("B", "11s", "5s", "1s", 'lane="1"')
    below = clip("C", "12s", "0s", "3s", 'lane="-1"')
    spine = clip("A", "0s", "10s", "3s", inside=above + below) + '<gap offset="3s" duration="1s"/>'
    assert told(fcpxml(project(spine))) == [
        (0, 24, "A", 240),
        (24, 48, "B", 120),
        (48, 72, "A", 288),
        (72, 120, "C", 24),
    ]


def test_higher_lanes_win_and_lanes_of_connected_clips_count_from_them(fcpxml: Read) -> None:
    nested = clip("C", "1s", "7s", "1s", 'lane="-1"')
    lanes = clip("B", "0s", "0s", "1s", 'lane="1"', nested) + clip("C", "0s", "3s", "12/24s", 'lane="2"')
    reel = fcpxml(project(clip("A", "0s", "0s", "3s", inside=lanes)))
    assert told(reel) == [(0, 12, "C", 72), (12, 24, "B", 12), (24, 48, "C", 168), (48, 72, "A", 48)]


def test_secondary_storylines_count_from_their_own_start(fcpxml: Read) -> None:
    line = f'<spine lane="1" offset="11s">{clip("B", "0s", "0s", "1s")}{clip("C", "1s", "2s", "1s")}</spine>'
    reel = fcpxml(project(clip("A", "0s", "10s", "4s", inside=line)))
    assert told(reel) == [(0, 24, "A", 240), (24, 48, "B", 0), (48, 72, "C", 48), (72, 96, "A", 312)]


def test_what_is_off_or_only_sound_is_not_seen(fcpxml: Read) -> None:
    sound = '<asset id="S" name="S" src="s.wav" start="0s" duration="9s" hasAudio="1"/>'
    nest = f'<sequence format="f24" tcStart="0s"><spine>{clip("B", "0s", "0s", "4s")}</spine></sequence>'
    media = f'{sound}<media id="M">{nest}</media>'
    over = [
        clip("B", "0s", "0s", "1s", 'lane="1" enabled="0"'),
        clip("S", "0s", "1/48000s", "1s", 'lane="2"'),
        clip("B", "0s", "0s", "1s", 'lane="3" srcEnable="audio"'),
        '<ref-clip ref="M" lane="4" offset="0s" duration="1s" srcEnable="audio"/>',
        '<audio ref="S" lane="5" offset="0s" duration="1s"/>',
    ]
    reel = fcpxml(project(clip("A", "0s", "0s", "1s", inside="".join(over)), media))
    assert told(reel) == [(0, 24, "A", 0)]
    assert reel.remarks == ()


def test_titles_are_black_and_hide_nothing(fcpxml: Read) -> None:
    title = '<title ref="title" name="Words" lane="1" offset="0s" start="3600s" duration="2s"/>'
    end = '<title ref="title" name="The End" offset="1s" start="3600s" duration="1s"/>'
    reel = fcpxml(project(clip("A", "0s", "0s", "1s", inside=title) + end))
    assert told(reel)[0] == (0, 24, "A", 0)
    assert reel.shots[-1].record.stop == 48
    assert [shot.source for shot in reel.shots[1:]] == [None] * (len(reel.shots) - 1)
    assert reel.remarks == ("line 6: titles and generators are not made; black where nothing else is",)


def turn(offset: str, duration: str, more: str = "") -> str:
    return f'<transition name="Cross Dissolve" offset="{offset}" duration="{duration}">{more}</transition>'


def test_a_dissolve_lies_over_its_cut_and_both_sides_keep_handles(fcpxml: Read) -> None:
    spine = clip("A", "0s", "1s", "2s") + turn("1.5s", "1s") + clip("B", "2s", "4s", "2s")
    reel = fcpxml(project(spine))
    assert told(reel) == [(0, 36, "A", 24), (36, 96, "B", 84)]
    fade = reel.shots[1].transition
    assert fade is not None
    assert (fade.kind, fade.length, fade.outgoing.source and fade.outgoing.source.start) == ("dissolve", 24, 60)
    assert fade.outgoing.handles == (60, 2400 - 84)


def test_fades_from_and_to_black(fcpxml: Read) -> None:
    reel = fcpxml(project(turn("0s", "0.5s") + clip("A", "0s", "0s", "2s") + turn("1.5s", "0.5s")))
    assert told(reel) == [(0, 36, "A", 0), (36, 48, "-", None)]
    first, last = (shot.transition for shot in reel.shots)
    assert first is not None
    assert last is not None
    assert (first.length, first.outgoing.source) == (12, None)
    assert (last.length, last.outgoing.source and last.outgoing.source.start) == (12, 36)


def test_a_storyline_fades_over_what_lies_beneath(fcpxml: Read) -> None:
    line = (
        f'<spine lane="1" offset="1s">{turn("0s", "0.5s")}{clip("B", "0s", "0s", "2s")}{turn("1.5s", "0.5s")}</spine>'
    )
    reel = fcpxml(project(clip("A", "0s", "0s", "4s", inside=line)))
    assert told(reel) == [(0, 24, "A", 0), (24, 60, "B", 0), (60, 96, "A", 60)]
    into, out = reel.shots[1].transition, reel.shots[2].transition
    assert into is not None
    assert out is not None
    beneath, above = into.outgoing.source, out.outgoing.source
    assert beneath is not None
    assert above is not None
    assert [(beneath.label, beneath.start), (above.label, above.start)] == [("A", 24), ("B", 36)]


def test_a_transition_is_no_longer_than_its_media(fcpxml: Read) -> None:
    spine = clip("A", "0s", "0s", "2s") + turn("1.5s", "1s") + clip("B", "2s", "6/24s", "2s")
    reel = fcpxml(project(spine))
    assert told(reel)[1] == (42, 96, "B", 0)
    assert reel.shots[1].transition is not None
    assert reel.shots[1].transition.length == 18
    assert any("too little media" in remark for remark in reel.remarks)


def test_transitions_that_join_nothing_or_only_sound(fcpxml: Read) -> None:
    sound = turn("0.5s", "1s", '<filter-audio ref="title"/>')
    reel = fcpxml(project(clip("A", "0s", "0s", "1s") + sound + clip("B", "1s", "0s", "1s") + turn("2s", "0s")))
    assert [shot.transition for shot in reel.shots] == [None, None]
    assert any("joins nothing" in remark for remark in reel.remarks)


MEDIA = (
    '<media id="M" name="Nest"><sequence format="f24" tcStart="3600s" duration="4s"><spine>'
    + clip("A", "3600s", "0s", "2s", inside=clip("C", "1s", "9s", "1s", 'lane="1"'))
    + clip("B", "3602s", "5s", "2s")
    + "</spine></sequence></media>"
)


def test_compound_clips_are_laid_flat(fcpxml: Read) -> None:
    reel = fcpxml(project('<ref-clip ref="M" offset="0s" start="3600.5s" duration="3s"/>', MEDIA))
    assert told(reel) == [(0, 12, "A", 12), (12, 36, "C", 216), (36, 72, "B", 120)]
    assert [shot.handles[0] for shot in reel.shots] == [12, 216, 120]


def test_a_compound_clip_begins_at_its_own_start_if_nothing_is_said(fcpxml: Read) -> None:
    assert told(fcpxml(project('<ref-clip ref="M" offset="0s" duration="1s"/>', MEDIA))) == [(0, 24, "A", 0)]


def test_clips_with_contents(fcpxml: Read) -> None:
    sound = '<audio ref="A" lane="-1" offset="10s" duration="9s"/>'
    video = f'<video ref="A" offset="100s" start="10s" duration="20s">{sound}</video>'
    over = clip("B", "102.5s", "0s", "1s", 'lane="1"')
    spine = f'<clip offset="0s" start="101s" duration="1s">{video}</clip>'
    spine += f'<sync-clip offset="1s" start="102s" duration="1s">{video}{over}</sync-clip>'
    assert told(fcpxml(project(spine))) == [(0, 24, "A", 264), (24, 36, "A", 288), (36, 60, "B", 0)]


def test_the_angle_of_a_multicam_clip(fcpxml: Read) -> None:
    angles = (
        f'<mc-angle angleID="1">{clip("A", "0s", "0s", "9s")}</mc-angle>'
        f'<mc-angle angleID="2"><gap offset="0s" duration="1s"/>{clip("B", "1s", "0s", "9s")}</mc-angle>'
    )
    media = f'<media id="M"><multicam format="f24" tcStart="0s">{angles}</multicam></media>'
    sources = '<mc-source angleID="1" srcEnable="audio"/><mc-source angleID="2" srcEnable="video"/>'
    spine = f'<mc-clip ref="M" offset="0s" start="0.5s" duration="2s">{sources}</mc-clip>'
    assert told(fcpxml(project(spine, media))) == [(0, 12, "-", None), (12, 48, "B", 0)]
    with pytest.raises(TimelineError, match=r"cut\.fcpxml:6: .* angle that its multicam clip does not have"):
        fcpxml(project(spine.replace('"2"', '"9"'), media))


def test_the_first_clip_of_an_audition_is_on(fcpxml: Read) -> None:
    spine = f'<audition offset="0s">{clip("B", "", "1s", "1s")}{clip("A", "", "0s", "9s")}</audition>'
    assert told(fcpxml(project(spine))) == [(0, 24, "B", 24)]


def test_stills_are_held(fcpxml: Read) -> None:
    still = '<asset id="P" name="photo" src="file:///p.png" start="0s" duration="0s" hasVideo="1" format="none"/>'
    (shot,) = fcpxml(project('<video ref="P" offset="0s" start="3600s" duration="2s"/>', still)).shots
    assert (shot.speed, shot.source_at(0, Fraction(24)), shot.source_at(40, Fraction(24))) == (0, 0, 0)


def test_clips_beside_whole_frames_take_the_nearest(fcpxml: Read) -> None:
    reel = fcpxml(project(clip("A", "0s", "1s", "2.02s") + clip("B", "2.02s", "4s", "1s")))
    assert told(reel) == [(0, 48, "A", 24), (48, 72, "B", 96)]
    assert reel.remarks == ("line 6: a clip does not lie on whole frames; the nearest are taken",)


def test_clips_that_overlap_are_told(fcpxml: Read) -> None:
    reel = fcpxml(project(clip("A", "0s", "0s", "2s", 'name="a"') + clip("B", "1s", "0s", "2s", 'name="b"')))
    assert told(reel) == [(0, 24, "A", 0), (24, 72, "B", 0)]
    assert reel.remarks == ("line 6: 'b' overlaps another clip of its storyline and hides it",)


def test_effects_are_told_once(fcpxml: Read) -> None:
    spine = clip("A", "0s", "0s", "1s", inside='<adjust-blend amount="0.5"/>\n<filter-video ref="title"/>')
    assert fcpxml(project(spine)).remarks == (
        "lines 6 and 7: picture effects of the cut are left to the editing program",
    )


def wrapped(inside: str) -> str:
    return f'<fcpxml version="1.10"><resources>{FORMATS}{ASSETS}{MEDIA}</resources>\n{inside}</fcpxml>'


def test_a_lone_clip_is_a_reel(fcpxml: Read) -> None:
    reel = fcpxml(wrapped(f"<event>{clip('A', '', '3s', '2s', 'name="take"')}</event>"))
    assert told(reel) == [(0, 48, "A", 72)]
    assert (reel.name, reel.timecode(0)) == ("take", "00:00:03:00")
    assert fcpxml(wrapped('<ref-clip ref="M" duration="4s"/>')).timecode(0) == "01:00:00:00"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<xmeml/>", r"cut\.fcpxml:1: this is no FCPXML: it begins with <xmeml>"),
        (wrapped(""), "neither a project nor a clip"),
        (wrapped(clip("A", "", "0s", "1s", 'name="x"') * 2), r"2 clips and no project: 1 'x' \(line 2\), 2 'x'"),
        (project("") + "", "nothing here shows pictures"),
        (project("</spine></sequence></project><project name='Two'><sequence format='f24'><spine>"), "2 projects"),
        (project(clip("X", "0s", "0s", "1s")), r":6: an asset-clip refers to 'X', which is not among the resources"),
        (project(clip("A", "0s", "0s", "-1s")), ":6: .* has a duration below 0"),
        (project(clip("A", "zero", "0s", "1s")), ":6: the offset of an asset-clip: 'zero' is not a time in seconds"),
        (project(clip("A", "1/0s", "0s", "1s")), "'1/0s' is not a time"),
        (project(clip("A", "0s", "0s", "1s", 'lane="x"')), "'x' is not a lane"),
        (project('<ref-clip ref="A" offset="0s" duration="1s"/>'), "whose contents are not in this file"),
        (project("", '<format id="q" frameDuration="9s"/>', form="q"), "a frame cannot last '9s'"),
        (project("", form="none"), "does not tell its frame rate"),
        (project("", form="f99"), "refers to 'f99'"),
    ],
)
def test_what_has_no_meaning_is_an_error_with_its_line(fcpxml: Read, text: str, message: str) -> None:
    with pytest.raises(TimelineError, match=message):
        fcpxml(text)


def test_a_compound_clip_that_holds_itself(fcpxml: Read) -> None:
    nest = '<ref-clip ref="N" offset="0s" duration="1s"/>'
    media = f'<media id="N"><sequence format="f24"><spine>{nest}</spine></sequence></media>'
    with pytest.raises(TimelineError, match="a compound clip holds itself"):
        fcpxml(project(nest, media))


def test_compound_clips_that_multiply_are_stopped_soon(fcpxml: Read) -> None:
    media, start = "", process_time()
    for i in range(9):
        inner = f'<ref-clip ref="N{i + 1}" offset="0s" duration="1s"/>' if i < 8 else clip("A", "0s", "0s", "1s")
        media += f'<media id="N{i}"><sequence format="f24"><spine>{inner * 12}</spine></sequence></media>'
    with pytest.raises(TimelineError, match=r"more than 6\d{3} clips, compound clips laid open"):
        fcpxml(project('<ref-clip ref="N0" offset="0s" duration="1s"/>', media))
    assert process_time() - start < 4


def test_a_bundle_is_read_by_the_file_in_it(tmp_path: Path) -> None:
    bundle = tmp_path / "cut.fcpxmld"
    bundle.mkdir()
    (bundle / "Info.fcpxml").write_text(project(clip("A", "0s", "0s", "1s")))
    assert timeline.is_cut_list(bundle)
    reel = timeline.read(bundle)
    assert (told(reel), reel.file) == ([(0, 24, "A", 0)], str(bundle))
    (bundle / "Info.fcpxml").unlink()
    with pytest.raises(TimelineError, match=r"Info\.fcpxml: there is no such file"):
        timeline.read(bundle)


def test_offsets_that_do_not_count_from_the_start_timecode(fcpxml: Read) -> None:
    reel = fcpxml(project(clip("A", "0s", "0s", "1s") + clip("B", "1s", "0s", "1s"), start="3600s"))
    assert told(reel) == [(0, 24, "A", 0), (24, 48, "B", 0)]
    assert reel.remarks == ("line 5: offsets count from 0, not from the start timecode; taken so",)


def test_frames_that_are_not_there(fcpxml: Read) -> None:
    reel = fcpxml(project(clip("A", "0s", "99s", "2s")))
    assert reel.remarks == ("line 6: a clip shows frames that its media do not have",)
    with pytest.raises(TimelineError, match=r"cut\.fcpxml:6: 'A' starts before the first frame of its media"):
        fcpxml(project(clip("A", "0s", "-1s", "2s")))


def test_adjustments_that_change_nothing_are_not_told(fcpxml: Read) -> None:
    idle = '<adjust-transform position="0 0" scale="1 1" anchor="0 0"/><adjust-blend amount="1"/>'
    assert fcpxml(project(clip("A", "0s", "0s", "1s", inside=idle))).remarks == ()
