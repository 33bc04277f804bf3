"""Final Cut Pro 7 XML: tracks, transitions, nests, media and notes. Speeds have tests of their own."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from vsfilmrestore import timeline
from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline import FrameRange, Reel, Strength
from vsfilmrestore.timeline.fcp7.media import local_path
from vsfilmrestore.timeline.xml_cut import root_tag

type Read = Callable[..., Reel]


def rate(base: int, ntsc: bool = False) -> str:
    return f"<rate><timebase>{base}</timebase><ntsc>{str(ntsc).upper()}</ntsc></rate>"


def code(frame: int, base: int = 24, *, ntsc: bool = False, shown: str = "NDF", reel: str = "") -> str:
    name = f"<reel><name>{reel}</name></reel>" if reel else ""
    return f"<timecode>{rate(base, ntsc)}<frame>{frame}</frame><displayformat>{shown}</displayformat>{name}</timecode>"


def file(name: str, *, start: int = 86400, length: int = 1000, base: int = 24, more: str = "") -> str:
    """A file that is told in full; `start` -1 leaves the timecode out."""
    timecode = code(start, base) if start >= 0 else ""
    url = f"<pathurl>file://localhost/media/{name}.mov</pathurl>"
    told = f"<name>{name}.mov</name>{url}{rate(base)}<duration>{length}</duration>"
    return f'<file id="{name}">{told}{timecode}{more}</file>'


def clip(start: int, end: int, first: int, media: str, *, name: str = "", more: str = "", base: int = 24) -> str:
    out = first + (end - start if min(start, end) >= 0 else 50)
    return (
        f"<clipitem><name>{name}</name>{rate(base)}<start>{start}</start><end>{end}</end>"
        f"<in>{first}</in><out>{out}</out>{media}{more}</clipitem>"
    )


def change(start: int, end: int, alignment: str = "center", name: str = "Cross Dissolve", wipe: int = 0) -> str:
    category = "Wipe" if wipe else "Dissolve"
    effect = f"<name>{name}</name><effectid>{name}</effectid><effectcategory>{category}</effectcategory>"
    return (
        f"<transitionitem><start>{start}</start><end>{end}</end><alignment>{alignment}</alignment>"
        f"<effect>{effect}<wipecode>{wipe}</wipecode></effect></transitionitem>"
    )


def tracks(*contents: str) -> str:
    return f"<media><video>{''.join(f'<track>{content}</track>' for content in contents)}</video></media>"


def sequence(content: str, *, name: str = "cut", id_: str = "s", base: int = 24, more: str = "") -> str:
    return f'<sequence id="{id_}"><name>{name}</name>{rate(base)}{content}{more}</sequence>'


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def reader(body: str, **options: Any) -> Reel:
        path = tmp_path / "cut.xml"
        path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n<xmeml version="5">{body}</xmeml>')
        return timeline.read(path, **options)

    return reader


def shown(reel: Reel) -> list[str]:
    """What every run of frames shows: ``10-20 A 86400`` with the first source frame."""
    rows = []
    for shot in reel.shots:
        what = "black" if shot.source is None else f"{shot.source.label} {shot.source_at(0, reel.rate)}"
        rows.append(f"{shot.record.start}-{shot.record.stop} {what}")
    return rows


def test_cuts_gaps_and_media(read: Read) -> None:
    body = sequence(
        tracks(
            clip(10, 34, 5, file("A", start=86400), name="first", more="<labels><label2>Iris</label2></labels>")
            + clip(40, 50, 0, file("B", start=-1, length=20))
        ),
        more=code(86400),
    )
    reel = read(body)
    assert (reel.name, reel.rate, reel.start, reel.drop, len(reel)) == ("cut", 24, 86400, False, 50)
    assert shown(reel) == ["0-10 black", "10-34 A 86405", "34-40 black", "40-50 B 0"]
    first, second = reel.shots[1], reel.shots[3]
    assert first.source is not None
    assert second.source is not None
    assert first.source.url == "/media/A.mov"
    assert first.source.has_timecode
    assert first.source.available == FrameRange(86400, 87400)
    assert (first.handles, first.name, first.colour, first.line) == ((5, 971), "first", "Iris", 3)
    assert first.id == "A@01:00:00:05"
    assert not second.source.has_timecode
    assert second.handles == (0, 10)


def test_files_and_clips_are_told_once(read: Read) -> None:
    again = '<file id="A"/>'
    whole = clip(0, 10, 0, again, name="before it is told") + clip(10, 20, 30, file("A"))
    renamed = clip(20, 30, 7, '<file id="A"><name>A.mov</name></file>')
    assert shown(read(sequence(tracks(whole + renamed)))) == ["0-10 A 86400", "10-20 A 86430", "20-30 A 86407"]
    twice = f'<clipitem id="c">{file("A")}<name>x</name><start>0</start><end>8</end><in>3</in><out>11</out></clipitem>'
    reused = '<clipitem id="c"><start>8</start><end>16</end><in>11</in></clipitem>'
    assert shown(read(sequence(tracks(twice + reused)))) == ["0-8 A 86403", "8-16 A 86411"]


def test_master_clip_tells_the_file(read: Read) -> None:
    master = f'<clip id="m">{tracks("<clipitem>" + file("A") + "</clipitem>")}</clip>'
    item = clip(0, 10, 2, "<masterclipid>m</masterclipid>")
    assert shown(read(f"<bin><children>{master}{sequence(tracks(item))}</children></bin>")) == ["0-10 A 86402"]


def test_dissolve_with_both_sides(read: Read) -> None:
    """As Premiere writes it: 25 frames around frame 1164, ends beside it are -1."""
    first = "<clipitem><start>956</start><end>-1</end><in>34</in><out>255</out>" + file("A", start=99) + "</clipitem>"
    second = "<clipitem><start>-1</start><end>1246</end><in>6</in><out>100</out>" + file("B", start=-1) + "</clipitem>"
    reel = read(sequence(tracks(first + change(1152, 1177) + second)))
    assert shown(reel) == ["0-956 black", "956-1152 A 133", "1152-1246 B 6"]
    fade = reel.shots[2].transition
    assert fade is not None
    assert (fade.kind, fade.outgoing.record, fade.outgoing.source_at(0, reel.rate)) == (
        "dissolve",
        FrameRange(1152, 1177),
        133 + 196,
    )
    assert reel.shots[1].handles == (34, 1000 - 34 - 196)
    assert reel.shots[2].handles[0] == 6


def test_transition_over_told_cut_points_runs_into_the_handles(read: Read) -> None:
    body = clip(0, 20, 10, file("A")) + change(15, 25) + clip(20, 40, 30, file("B"))
    reel = read(sequence(tracks(body)))
    assert shown(reel) == ["0-15 A 86410", "15-40 B 86425"]
    fade = reel.shots[1].transition
    assert fade is not None
    assert fade.outgoing.source_at(0, reel.rate) == 86425


def test_transition_without_media_is_shortened(read: Read) -> None:
    body = clip(0, 20, 80, file("A", length=102)) + change(15, 25) + clip(20, 40, 3, file("B"))
    reel = read(sequence(tracks(body)))
    fade = reel.shots[1].transition
    assert fade is not None
    assert fade.outgoing.record == FrameRange(17, 22)
    assert any("too little media" in remark for remark in reel.remarks)


@pytest.mark.parametrize(
    ("name", "wipe", "kind"),
    [
        ("Cross Dissolve", 0, "dissolve"),
        ("Additive Dissolve", 0, "dissolve"),
        ("Edge Wipe", 1, "wipe 001"),
        ("Iris Round", 119, "wipe 119"),
        ("Dip to Black", 0, "dip to black"),
        ("Page Peel", 0, "page peel"),
    ],
)
def test_kinds_of_transitions(read: Read, name: str, wipe: int, kind: str) -> None:
    effect = change(10, 20, "center", name, wipe).replace("<effectcategory>Dissolve", "<effectcategory>")
    if "Dissolve" in name:
        effect = change(10, 20, "center", name, wipe)
    reel = read(sequence(tracks(clip(0, -1, 0, file("A")) + effect + clip(-1, 30, 0, file("B")))))
    assert reel.shots[1].transition is not None
    assert reel.shots[1].transition.kind == kind


def test_fades_from_and_to_black(read: Read) -> None:
    body = change(0, 10, "start-black") + clip(-1, -1, 5, file("A"), more="").replace("55</out>", "45</out>")
    reel = read(sequence(tracks(body + change(30, 40, "end-black"))))
    assert shown(reel) == ["0-30 A 86405", "30-40 black"]
    assert reel.shots[0].transition is not None
    assert reel.shots[0].transition.outgoing.source is None
    fade = reel.shots[1].transition
    assert fade is not None
    assert fade.outgoing.source_at(0, reel.rate) == 86435


def test_fades_of_an_upper_track_show_what_lies_beneath(read: Read) -> None:
    upper = change(10, 14, "start-black") + clip(-1, -1, 0, file("C")) + change(26, 30, "end-black")
    reel = read(sequence(tracks(clip(0, 50, 0, file("A")), upper)))
    assert shown(reel) == ["0-10 A 86400", "10-26 C 86400", "26-50 A 86426"]
    into, out = reel.shots[1].transition, reel.shots[2].transition
    assert into is not None
    assert out is not None
    assert (into.outgoing.id, out.outgoing.id) == ("A@01:00:00:10", "C@01:00:00:16")


def test_tracks_and_what_is_off(read: Read) -> None:
    off = "<enabled>FALSE</enabled>"
    lower = clip(0, 30, 0, file("A")) + clip(30, 40, 0, '<file id="A"/>', more=off)
    middle = clip(5, 15, 0, file("B")) + clip(16, 20, 0, '<file id="B"/>', more=off)
    upper = clip(0, 30, 0, file("C")) + off
    reel = read(sequence(tracks(lower, middle, upper)))
    assert shown(reel) == ["0-5 A 86400", "5-15 B 86400", "15-30 A 86415"]


def test_clip_that_is_not_to_be_seen(read: Read) -> None:
    opacity = "<parameter><parameterid>opacity</parameterid><value>{}</value></parameter>"
    effect = f"<filter><effect><effectid>opacity</effectid>{opacity}</effect></filter>"
    lower = clip(0, 30, 0, file("A"))
    assert shown(read(sequence(tracks(lower, clip(5, 9, 0, file("B"), more=effect.format(0)))))) == ["0-30 A 86400"]
    half = read(sequence(tracks(lower, clip(5, 9, 0, file("B"), more=effect.format(50)))))
    assert shown(half)[1] == "5-9 B 86400"
    assert any("picture effects" in remark for remark in half.remarks)


def test_generators_are_black_and_hide_nothing(read: Read) -> None:
    title = "<generatoritem><name>End title</name><start>20</start><end>30</end><in>0</in><out>10</out></generatoritem>"
    slug = '<file id="x"><name>Bars</name><mediaSource>Slug</mediaSource><duration>10</duration></file>'
    over = clip(2, 8, 86313, '<file id="t"><name>Credit</name><mediaSource>GraphicAndType</mediaSource></file>')
    reel = read(sequence(tracks(clip(0, 10, 0, file("A")) + clip(10, 20, 0, slug, name="Bars") + title, over)))
    assert shown(reel) == ["0-10 A 86400", "10-20 black", "20-30 black"]
    said = " ".join(reel.remarks)
    assert "the generator 'Bars' is not made" in said
    assert "the generator 'End title' is not made" in said


def test_sound_is_left_aside(read: Read) -> None:
    sound = f"<audio><track>{clip(0, 99, 0, file('S'))}</track></audio>"
    reel = read(sequence(tracks(clip(0, 10, 0, file("A"))).replace("</media>", sound + "</media>")))
    assert shown(reel) == ["0-10 A 86400"]


def test_sequence_longer_than_its_pictures_ends_in_black(read: Read) -> None:
    reel = read(sequence("<duration>25</duration>" + tracks(clip(0, 10, 0, file("A")))))
    assert shown(reel) == ["0-10 A 86400", "10-25 black"]


def test_overlapping_clips_are_told(read: Read) -> None:
    reel = read(sequence(tracks(clip(0, 20, 0, file("A")) + clip(15, 30, 0, file("B")))))
    assert shown(reel) == ["0-15 A 86400", "15-30 B 86400"]
    assert any("overlap" in remark for remark in reel.remarks)


def test_nest_by_id_trimmed(read: Read) -> None:
    inner = sequence(tracks(clip(0, 10, 0, file("A")) + clip(10, 30, 0, file("B"))), id_="n", name="nest")
    body = clip(0, 15, 5, inner, more="<labels><label2>Mango</label2></labels>")
    later = clip(20, 30, 12, '<sequence id="n"/>')
    reel = read(sequence(tracks(body + later)))
    assert shown(reel) == ["0-5 A 86405", "5-15 B 86400", "15-20 black", "20-30 B 86402"]
    assert reel.shots[0].colour == "Mango"


def test_nest_at_a_rate_of_its_own(read: Read) -> None:
    """A nest at 48 fps, clip counted at 24: frame 2 of the clip is frame 4 of the nest."""
    inner = sequence(tracks(clip(0, 40, 0, file("A", base=48, start=-1), base=48)), id_="n", base=48)
    reel = read(sequence(tracks(clip(0, 10, 2, inner))))
    shot = reel.shots[0]
    assert [shot.source_frame(k, reel.rate) for k in range(4)] == [4, 6, 8, 10]
    other = sequence(tracks(clip(0, 10, 0, file("A", base=12, start=-1), base=12)), id_="n", base=12)
    slow = read(sequence(tracks(clip(0, 10, 2, other))))
    assert [slow.shots[0].source_frame(k, slow.rate) for k in range(4)] == [1, 1, 2, 2]


def test_nest_at_a_speed(read: Read) -> None:
    inner = sequence(tracks(clip(0, 10, 0, file("A", start=-1)) + clip(10, 30, 0, file("B", start=-1))), id_="n")
    twice = (
        "<filter><effect><effectid>timeremap</effectid>"
        "<parameter><parameterid>speed</parameterid><value>200</value></parameter></effect></filter>"
    )
    reel = read(sequence(tracks(clip(0, 10, 2, inner, more=twice))))
    assert shown(reel) == ["0-3 A 4", "3-10 B 0"]
    assert [reel.shots[1].source_frame(k, reel.rate) for k in (3, 4, 9)] == [0, 2, 12]


def test_nests_that_go_in_circles_or_explode(read: Read) -> None:
    ring = sequence(tracks(clip(0, 10, 0, '<sequence id="s"/>')), id_="n")
    with pytest.raises(TimelineError, match=r"every sequence of the file is a part of another"):
        read(sequence(tracks(clip(0, 10, 0, ring))))
    inner = sequence(tracks(clip(0, 10, 0, '<sequence id="n"/>')), id_="n")
    with pytest.raises(TimelineError, match=r"cut\.xml:3: sequences are nested in a circle"):
        read(sequence(tracks(clip(0, 10, 0, inner))))
    nests = [sequence(tracks(clip(0, 1, 0, file("A"))), id_="n0")]
    for i in range(1, 10):
        nests.append(
            sequence(tracks("".join(clip(k, k + 1, 0, f'<sequence id="n{i - 1}"/>') for k in range(20))), id_=f"n{i}")
        )
    deep = read("".join(nests) + sequence(tracks(clip(0, 4, 0, '<sequence id="n9"/>'))))
    assert shown(deep) == ["0-1 A 86400", "1-2 A 86400", "2-3 A 86400", "3-4 A 86400"]
    wide = [sequence(tracks(clip(0, 1, 0, file("A"))), id_="n0")]
    for i in range(1, 7):
        size = 20 ** (i - 1)
        clips = (clip(k * size, (k + 1) * size, 0, f'<sequence id="n{i - 1}"/>') for k in range(20))
        wide.append(sequence(tracks("".join(clips)), id_=f"n{i}"))
    with pytest.raises(TimelineError, match="multiply to more clips"):
        read("".join(wide))


def test_multiclip_shows_the_active_angle(read: Read) -> None:
    def angle(name: str, active: bool, start: int = 0) -> str:
        inner = tracks(f"<clipitem><in>{start}</in><out>500</out>{file(name, start=-1)}</clipitem>")
        flag = f"<activevideoangle>{str(active).upper()}</activevideoangle>"
        return f'<angle>{flag}<clip id="{name}-clip">{rate(24)}{inner}</clip></angle>'

    multiclip = f'<multiclip id="m">{angle("CAM1", False)}{angle("CAM2", True, 100)}</multiclip>'
    switched = (
        '<multiclip id="m"><angle><activevideoangle>TRUE</activevideoangle><clip id="CAM1-clip"/></angle>'
        '<angle><activevideoangle>FALSE</activevideoangle><clip id="CAM2-clip"/></angle></multiclip>'
    )
    reel = read(sequence(tracks(clip(0, 10, 20, multiclip) + clip(10, 20, 30, switched))))
    assert shown(reel) == ["0-10 CAM2 120", "10-20 CAM1 30"]
    assert any("active angle" in remark for remark in reel.remarks)


def test_subclips_count_from_where_they_start(read: Read) -> None:
    info = "<subclipinfo><startoffset>200</startoffset><endoffset>300</endoffset></subclipinfo>"
    reel = read(sequence(tracks(clip(0, 10, 7, file("A"), more=info))))
    assert shown(reel) == ["0-10 A 86607"]


def test_choosing_the_sequence(read: Read) -> None:
    inner = sequence(tracks(clip(0, 10, 0, file("A"))), id_="n", name="nest")
    outer = sequence(tracks(clip(0, 10, 0, '<sequence id="n"/>')), name="outer")
    assert read(inner + outer).name == "outer"
    two = [sequence(tracks(clip(0, 9, 0, file("A"))), id_=f"r{i}", name=f"reel {i}") for i in (1, 2)]
    with pytest.raises(TimelineError, match=r"holds 2 sequences: 1 'reel 1' \(line 3\), 2 'reel 2' .* Choose"):
        read("".join(two))
    empty = sequence("<media><audio/></media>", id_="e", name="sound")
    assert read(empty + outer + inner).name == "outer"
    with pytest.raises(TimelineError, match="no sequence in the file"):
        read("<bin><children/></bin>")
    with pytest.raises(TimelineError, match=r"cut\.xml:3: no video track holds a clip with media"):
        read(sequence("<media><video/></media>"))


def test_media_at_another_rate_play_in_time(read: Read) -> None:
    """A clip counted at its own 24 fps (23.976) in a sequence at 29.97: 59 frames for 48, as Premiere writes it."""
    body = (
        f"<clipitem>{rate(24, True)}<start>468</start><end>527</end><in>312</in><out>360</out>"
        f'<file id="A"><name>A.mov</name><pathurl>A.mov</pathurl>{rate(24, True)}<duration>900</duration></file>'
        "</clipitem>"
    )
    reel = read(f"<sequence>{rate(30, True)}{tracks(body)}</sequence>")
    shot = reel.shots[1]
    assert shot.source is not None
    assert shot.source.rate == Fraction(24000, 1001)
    assert [shot.source_frame(468 + k, reel.rate) for k in (0, 1, 2, 5, 58)] == [312, 312, 313, 316, 358]
    assert any("23.976 fps is played in time" in remark for remark in reel.remarks)


def test_ticks_tell_an_in_point_between_two_frames(read: Read) -> None:
    ticks = f"<pproTicksIn>{254016000000 // 24 * 5 // 2}</pproTicksIn>"
    body = clip(0, 50, 2, file("A", start=-1, base=24), more=ticks, base=24).replace("<out>52", "<out>42")
    reel = read(sequence(tracks(body), base=30))
    assert reel.shots[0].phase == Fraction(1, 2)


def test_clips_that_count_in_frames_of_the_sequence(read: Read) -> None:
    reel = read(sequence(tracks(clip(0, 60, 60, file("A", start=-1, base=25), base=25)), base=30))
    assert shown(reel) == ["0-60 A 50"]
    assert any("count in and out in frames of the sequence" in remark for remark in reel.remarks)


def test_footage_interpreted_at_another_rate(read: Read) -> None:
    """Premiere: all 1000 frames of a file at 25 fps are in the clip, which counts at 24 like the sequence."""
    more = "<duration>1000</duration><pproTicksIn>0</pproTicksIn>"
    reel = read(sequence(tracks(clip(0, 20, 40, file("A", start=-1, base=25), more=more))))
    assert [reel.shots[0].source_frame(k, reel.rate) for k in (0, 1, 19)] == [40, 41, 59]
    assert reel.shots[0].speed == Fraction(24, 25)
    assert any("played at 24 fps, frame for frame" in remark for remark in reel.remarks)


def test_transition_that_begins_before_the_media(read: Read) -> None:
    body = clip(0, -1, 0, file("A")) + change(40, 50) + clip(-1, 80, -4, file("B"))
    reel = read(sequence(tracks(body)))
    assert shown(reel) == ["0-44 A 86400", "44-80 B 86400"]
    assert reel.shots[1].transition is not None
    assert reel.shots[1].transition.outgoing.record == FrameRange(44, 50)


def test_transition_that_begins_before_the_sequence(read: Read) -> None:
    """As OpenTimelineIO writes a fade-in around frame 0."""
    reel = read(sequence(tracks(change(-10, 10) + clip(-1, 50, -10, file("A")))))
    assert shown(reel) == ["0-50 A 86400"]
    assert reel.shots[0].transition is not None
    assert reel.shots[0].transition.outgoing.record == FrameRange(0, 10)


def test_media_that_are_away(read: Read) -> None:
    away = f"<file id='x'><name/>{rate(24)}<media><video/></media></file>"
    reel = read(sequence(tracks(clip(0, 10, 3, away, name="SC 12") + clip(10, 20, 0, "<file id='x'/>", name="SC 13"))))
    assert shown(reel) == ["0-10 SC 12 3", "10-20 SC 13 0"]


def test_integer_media_in_an_ntsc_sequence(read: Read) -> None:
    body = f"<sequence>{rate(24, True)}{tracks(clip(0, 2000, 0, file('A', start=-1, length=3000)))}</sequence>"
    reel = read(body)
    assert [reel.shots[0].source_frame(k, reel.rate) for k in (0, 999, 1000, 1999)] == [0, 999, 1001, 2000]


def test_rates(read: Read) -> None:
    content = tracks(clip(0, 10, 0, file("A")))
    assert read(f"<sequence>{rate(24, True)}{content}</sequence>").rate == Fraction(24000, 1001)
    odd = read(f"<sequence>{rate(25, True)}{content}</sequence>")
    assert odd.rate == 25
    assert any("no NTSC rate of 25" in remark for remark in odd.remarks)
    text = "<rate><timebase>23.976</timebase></rate>"
    assert read(f"<sequence>{text}{content}</sequence>").rate == Fraction(24000, 1001)
    with pytest.raises(TimelineError, match="does not tell its frame rate"):
        read(f"<sequence>{content}</sequence>")
    assert read(f"<sequence>{content}</sequence>", rate=18).rate == 18
    assert read(f"<sequence>{rate(24, True)}{content}</sequence>", rate=24).rate == 24
    with pytest.raises(TimelineError, match="runs at 24 fps, not at 25"):
        read(sequence(content), rate=25)


def test_record_timecode(read: Read) -> None:
    content = tracks(clip(0, 10, 0, file("A", base=30)))
    head = f"<sequence {{}}>{rate(30, True)}{content}"
    dropped = read(head.format("") + code(107892, 30, ntsc=True, shown="DF") + "</sequence>")
    assert (dropped.timecode(0), dropped.drop) == ("01:00:00;00", True)
    # Premiere says DF of every 29.97 sequence; what it shows stands in an attribute.
    shown_as = 'MZ.Sequence.VideoTimeDisplayFormat="103"'
    plain = read(head.format(shown_as) + code(108000, 30, ntsc=True, shown="DF") + "</sequence>")
    assert (plain.timecode(0), plain.drop) == ("01:00:00:00", False)
    text = f"<timecode>{rate(30, True)}<string>01:00:00;02</string></timecode></sequence>"
    assert read(head.format("") + text).start == 107894
    clash = f"<timecode>{rate(30)}<string>02:00:00:00</string><frame>5</frame></timecode></sequence>"
    told = read(head.format("") + clash)
    assert told.start == 5
    assert any("frame count differ" in remark for remark in told.remarks)


def test_media_timecode(read: Read) -> None:
    def source(timecode: str, base: int = 30) -> Any:
        one = f'<file id="A"><name>A</name><pathurl>A.mov</pathurl>{rate(base)}<duration>90</duration>{timecode}</file>'
        reel = read(sequence(tracks(clip(0, 10, 0, one, base=base)), base=base))
        return reel.shots[0].source, reel

    key, _ = source(code(1798, 30, shown="DF", reel="R012"))
    assert (key.start, key.drop, key.reel) == (1798, True, "R012")
    key, _ = source(f"<timecode>{rate(30)}<string>00:01:00;02</string><displayformat>DF</displayformat></timecode>")
    assert (key.start, key.drop) == (1800, True)
    key, reel = source(code(3600, 60))
    assert key.start == 1800
    assert any("taken as the same time" in remark for remark in reel.remarks)
    key, reel = source(f"<timecode>{rate(30)}<string>25:99:00:00</string></timecode>")
    assert not key.has_timecode
    assert any("counted without timecode" in remark for remark in reel.remarks)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file://localhost/D%3a/media/a%20b.mov", "D:/media/a b.mov"),
        ("file:///Volumes/Film/r%C3%A9el%231.mov", "/Volumes/Film/réel#1.mov"),
        ("file:///C:/x.mov", "C:/x.mov"),
        ("file://C:/x.mov", "C:/x.mov"),
        ("file://server/share/x.mov", "//server/share/x.mov"),
        ("file:/x/100%25.mov", "/x/100%.mov"),
        ("scans/x%20y.mov", "scans/x%20y.mov"),
        ("file:///a%00b", "file:///a%00b"),
        ("", ""),
    ],
)
def test_paths(url: str, path: str) -> None:
    assert local_path(url) == path


def test_pictures(read: Read) -> None:
    def only(url: str, more: str, first: int = 4) -> tuple[Any, Reel]:
        one = f'<file id="A"><name>A</name><pathurl>{url}</pathurl>{rate(24)}{more}</file>'
        reel = read(sequence(tracks(clip(0, 10, first, one))))
        return reel.shots[0], reel

    shot, reel = only("file:///scan/r1.0086400.dpx", "<duration>240</duration>" + code(86400))
    assert shot.source.url == "/scan/r1.%07d.dpx"
    assert (shot.source.start, shot.source.has_timecode, shot.source.label) == (4, False, "r1")
    shot, reel = only("file:///scan/r1.[1001-1240].dpx", "<duration>240</duration>" + code(86400))
    assert shot.source.start == 86404
    still, reel = only("file:///card_01.png", "<duration>1036800</duration>", first=86400)
    assert (still.speed, still.source.start, still.source.available) == (0, 0, FrameRange(0, 1))
    assert still.source_frame(9, reel.rate) == 0
    flagged, _ = only("file:///x.mov", "<media><video><stillframe>TRUE</stillframe></video></media>")
    assert flagged.speed == 0


def marker(first: int, out: int = -1, name: str = "", comment: str = "", more: str = "") -> str:
    return f"<marker><name>{name}</name><comment>{comment}</comment><in>{first}</in><out>{out}</out>{more}</marker>"


def test_markers_of_the_sequence(read: Read) -> None:
    marks = marker(3, -1, "look", "dust", "<pproColor>4281740498</pproColor>")
    marks += marker(12, 20, "VSFR heavy", "dust=0.8") + marker(40, -1, "after the end")
    red = "<color><alpha>0</alpha><red>0</red><green>0</green><blue>255</blue></color>"
    reel = read(
        sequence(tracks(clip(0, 10, 0, file("A")) + clip(10, 30, 0, file("B"))), more=marks + marker(5, more=red))
    )
    assert [(m.name, m.note, m.colour, m.frames.start, m.frames.stop, m.line) for m in reel.markers] == [
        ("look", "dust", "Red", 3, 4, 3),
        ("", "", "Blue", 5, 6, 3),
        ("VSFR heavy", "dust=0.8", "", 12, 20, 3),
        ("after the end", "", "", 40, 41, 3),
    ]
    assert not reel.shots[0].notes
    [note] = reel.shots[1].notes
    assert (note.text, note.strength, note.frames) == ("heavy dust=0.8", Strength.TIMELINE_MARKER, FrameRange(12, 20))


def test_markers_of_a_clip_count_its_own_frames(read: Read) -> None:
    """The media begins at 01:00:00:00, the clip at its frame 20; a marker on frame 25 stands 5 frames into the clip."""
    marks = (
        marker(25, -1, "seen")
        + marker(22, 24, "VSFR grain=keep")
        + marker(3, -1, "before")
        + marker(90, -1, "VSFR off")
    )
    reel = read(sequence(tracks(clip(10, 30, 20, file("A"), more=marks))))
    assert [(m.name, m.frames) for m in reel.markers] == [("seen", FrameRange(15, 16))]
    [note] = reel.shots[1].notes
    assert (note.text, note.strength, note.frames) == ("grain=keep", Strength.CLIP_MARKER, FrameRange(12, 14))
    assert any("outside the part in use" in remark for remark in reel.remarks)


def test_markers_inside_nests_and_under_other_tracks(read: Read) -> None:
    inside = clip(0, 20, 0, file("A"), more=marker(6, -1, "VSFR dust=0.5"))
    nest = sequence(tracks(inside), id_="n", more=marker(7, -1, "in the nest"))
    reel = read(sequence(tracks(clip(100, 110, 5, nest))))
    assert [(m.name, m.frames.start) for m in reel.markers] == [("in the nest", 102)]
    assert [note.text for note in reel.shots[1].notes] == ["dust=0.5"]
    hidden = read(sequence(tracks(inside, clip(5, 8, 0, file("B")))))
    assert not any(shot.notes for shot in hidden.shots)
    assert any("not seen" in remark for remark in hidden.remarks)


def test_notes_and_comments(read: Read) -> None:
    more = (
        "<comments><mastercomment1>VSFR dust=0.4</mastercomment1><clipcommenta>gate hair</clipcommenta></comments>\n"
        "<logginginfo><lognote>see VSFR grain=keep</lognote><good>TRUE</good></logginginfo>"
        "<colorinfo><asc_sop>(1 1 1)(0 0 0)(1 1 1)</asc_sop></colorinfo>"
    )
    reel = read(sequence(tracks(clip(0, 10, 0, file("A"), more=more + marker(2, -1, "VSFR off"))), more=code(86400)))
    assert [(note.text, note.strength, note.line, note.timecode) for note in reel.shots[0].notes] == [
        ("off", Strength.CLIP_MARKER, 4, "01:00:00:02"),
        ("dust=0.4", Strength.NOTE, 3, "01:00:00:00"),
        ("grain=keep", Strength.NOTE, 4, "01:00:00:00"),
    ]
    assert reel.shots[0].comments == ("* COMMENT: gate hair", "* ASC_SOP (1 1 1)(0 0 0)(1 1 1)")


@pytest.mark.parametrize("where", ["marker", "note"])
def test_settings_that_do_not_parse_name_their_line(read: Read, where: str) -> None:
    more = (
        marker(2, -1, "VSFR dust")
        if where == "marker"
        else "<comments><mastercomment2>VSFR =</mastercomment2></comments>"
    )
    more = more.replace("VSFR dust", "VSFR dust =")
    with pytest.raises(TimelineError, match=r"cut\.xml:4, at 00:00:00:0[02]: in the"):
        read(sequence(tracks(clip(0, 10, 0, file("A"), more="\n" + more))))


@pytest.mark.parametrize(
    ("change_", "message"),
    [
        (("<in>0</in>", "<in>-7</in>"), "starts before the first frame of its media"),
        (("<in>0</in>", "<in>zero</in>"), "'zero' is no number for <in>"),
        (("<end>10</end>", "<end>1e30</end>"), "no number for <end>"),
        (("<end>10</end>", "<end>-4</end>"), "cannot end at -4"),
        (("<start>0</start><end>10</end>", "<start>-1</start><end>-1</end>"), "does not say where"),
        (("<timebase>24</timebase>", "<timebase>99999</timebase>"), "99999 is not a frame rate"),
    ],
)
def test_errors_name_the_line(read: Read, change_: tuple[str, str], message: str) -> None:
    body = sequence(tracks(clip(0, 10, 0, file("A"))))
    with pytest.raises(TimelineError, match=rf"cut\.xml:3: .*{message}"):
        read(body.replace(*change_))


def test_frames_outside_of_the_media_are_told(read: Read) -> None:
    reel = read(sequence(tracks(clip(0, 30, 90, file("A", length=100)))))
    assert any("outside of their media" in remark for remark in reel.remarks)


def test_other_xml_goes_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "cut.xml"
    for text, tag in (
        ("<?xml version='1.0'?><!-- x --><fcpxml version='1.9'/>", "fcpxml"),
        ("<xmeml/>", "xmeml"),
        ("no xml", ""),
    ):
        path.write_text(text)
        assert root_tag(path) == tag
    path.write_text("<mlt><producer/></mlt>")
    with pytest.raises(TimelineError, match="kind 'mlt' is not a cut list"):
        timeline.read(path)
    path.write_text("no xml at all")
    with pytest.raises(TimelineError, match="not readable as XML"):
        timeline.read(path)
    with pytest.raises(TimelineError, match="no such file"):
        timeline.read(tmp_path / "none.xml")
    path.write_text('<!DOCTYPE xmeml [<!ENTITY a "b">]><xmeml><sequence><name>&a;</name></sequence></xmeml>')
    with pytest.raises(TimelineError, match="entities"):
        timeline.read(path)
