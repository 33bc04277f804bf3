"""Linking: which file on disk a source of a cut list is."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import OpenImageIO as oiio
import pytest

from vsfilmrestore.errors import MediaError, SettingError
from vsfilmrestore.media.cache import cache_folder
from vsfilmrestore.render.link import Linked, Linker
from vsfilmrestore.render.link_facts import Facts, Prober, recount
from vsfilmrestore.render.link_index import MediaIndex
from vsfilmrestore.render.link_names import Beginnings, base, folded, parts
from vsfilmrestore.render.link_rules import relink_rules
from vsfilmrestore.timeline.model import FrameRange, Reel, Shot, SourceKey, Transition

RATE = Fraction(24)
HOUR = 86400


def film(path: Path, frames: int = 8, *, timecode: str = "", reel: str = "", rate: int = 24) -> Path:
    """A tiny movie with timecode and reel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="matroska") as container:
        if timecode:
            container.metadata["TIMECODE"] = timecode
        if reel:
            container.metadata["REEL_NAME"] = reel
        stream = container.add_stream("ffv1", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "gray"
        for n in range(frames):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32), n, np.uint8), format="gray")
            frame.pts = n
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def still(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = oiio.ImageBuf(oiio.ImageSpec(8, 8, 3, "uint8"))
    assert image.write(str(path)), image.geterror()
    return path


def touch(*paths: Path) -> None:
    """Media that names alone decide on need no content."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def key(name: str = "", reel: str = "", url: str = "", start: int = HOUR) -> SourceKey:
    return SourceKey(name, reel, url, start, RATE)


def cut_of(*sources: SourceKey, length: int = 4) -> Reel:
    shots = [Shot(f"s{i}", FrameRange(i * length, (i + 1) * length), source) for i, source in enumerate(sources)]
    return Reel("cut", RATE, tuple(shots), file="cut.edl")


type Link = Callable[..., Linked]


def link(
    places: Path | Sequence[Path], *sources: SourceKey, rules: Sequence[Mapping[str, Any]] = (), folder: Path = Path()
) -> list[Linked]:
    index = MediaIndex([places] if isinstance(places, Path) else places)
    return Linker(index, Prober(), relink_rules(rules, folder)).link(cut_of(*sources))


def only(linked: list[Linked]) -> tuple[Path, str]:
    assert len(linked) == 1
    assert linked[0].link is not None, linked[0].problem
    return linked[0].link.path, linked[0].link.how


@pytest.mark.parametrize(
    ("source", "how"),
    [
        (key(url="D:\\Scans\\Reel One.mov"), "file name"),
        (key(url="file://localhost/Volumes/Scans/Reel%20One.mov"), "file name"),
        (key(url="reel one.mxf"), "file name without suffix"),
        (key(name="REEL ONE.MOV"), "clip name"),
        (key(name="Reel One"), "clip name without suffix"),
        (key(name="other", reel="reel one"), "reel name"),
        (key(name="other", reel="Reel One.mov"), "reel name"),
        (key(name="SC 12", reel="REEL-ON"), ""),
    ],
)
def test_names(tmp_path: Path, source: SourceKey, how: str) -> None:
    touch(tmp_path / "Reel One.mov", tmp_path / "unrelated.mov")
    linked = link(tmp_path, source)
    if how:
        assert only(linked) == (tmp_path / "Reel One.mov", how)
    else:
        assert linked[0].link is None


def test_a_file_name_beats_a_clip_name_beats_a_reel(tmp_path: Path) -> None:
    touch(tmp_path / "a.mov", tmp_path / "b.mov", tmp_path / "c.mov")
    assert only(link(tmp_path, key("b", "c", "x/a.mov")))[0].name == "a.mov"
    assert only(link(tmp_path, key("b", "c", "x/z.mov")))[0].name == "b.mov"
    assert only(link(tmp_path, key("y", "c", "x/z.mov")))[0].name == "c.mov"


def test_accents_of_macos_are_those_of_everybody(tmp_path: Path) -> None:
    touch(tmp_path / unicodedata.normalize("NFD", "Élodie été.mov"))
    found, _ = only(link(tmp_path, key(unicodedata.normalize("NFC", "ÉLODIE ÉTÉ"))))
    assert found.exists()


def test_folders_of_the_path_choose_between_equal_names(tmp_path: Path) -> None:
    touch(tmp_path / "day1" / "cam" / "A.mov", tmp_path / "day2" / "cam" / "A.mov")
    path, how = only(link(tmp_path, key(url="/Volumes/X/day2/cam/A.mov")))
    assert path == tmp_path / "day2" / "cam" / "A.mov"
    assert how == "file name, folder"


def test_equal_names_without_a_difference_are_an_error_that_names_them(tmp_path: Path) -> None:
    touch(tmp_path / "x" / "A.mov", tmp_path / "y" / "A.mov", tmp_path / "B.mov")
    first, second = link(tmp_path, key(reel="A"), key(reel="B"))
    assert first.link is None
    assert "'A' could be" in first.problem
    assert str(tmp_path / "x" / "A.mov") in first.problem
    assert str(tmp_path / "y" / "A.mov") in first.problem
    assert "[[relink]]" in first.hint
    assert len(first.candidates) == 2
    assert second.link is not None


def test_a_path_is_a_name_and_never_a_place_to_go(tmp_path: Path) -> None:
    touch(tmp_path / "secret" / "A.mov")
    (tmp_path / "scans").mkdir()
    for url in (str(tmp_path / "secret" / "A.mov"), "../secret/A.mov", f"file://{tmp_path}/secret/A.mov"):
        assert link(tmp_path / "scans", key(url=url))[0].link is None


def test_sequences_by_folder_by_name_and_by_one_of_their_files(tmp_path: Path) -> None:
    for n in (1001, 1002):
        still(tmp_path / "plates" / "A001" / f"shot_{n}.dpx")
    folder = tmp_path / "plates" / "A001"
    for source in (
        key(reel="A001"),
        key(name="shot"),
        key(url="/x/A001/shot_1001.dpx"),
        key(url="/x/shot_%04d.dpx"),
        key(name="shot_[1001-1002].dpx"),
        key(url="/x/A001/renamed.%04d.exr"),
    ):
        assert only(link(tmp_path, source))[0] == folder, source


def test_several_sequences_of_one_folder_are_told_apart(tmp_path: Path) -> None:
    for name in ("wide", "tele"):
        for n in (1, 2):
            still(tmp_path / "roll" / f"{name}.{n:04d}.dpx")
    assert only(link(tmp_path, key(url="/x/tele.0001.dpx")))[0] == tmp_path / "roll" / "tele.####.dpx"
    assert only(link(tmp_path, key(name="wide")))[0] == tmp_path / "roll" / "wide.####.dpx"
    assert len(link(tmp_path, key(reel="roll"))[0].candidates) in (0, 2)


def test_a_single_still_is_a_medium(tmp_path: Path) -> None:
    touch(tmp_path / "A.mov")
    still(tmp_path / "Title Card.png")
    assert only(link(tmp_path, key(name="title card.png")))[0] == tmp_path / "Title Card.png"


def test_reels_cut_off_at_eight(tmp_path: Path) -> None:
    touch(tmp_path / "A001_C003_0612AB.mov", tmp_path / "A002_C001_0612AB.mov")
    assert only(link(tmp_path, key(reel="A001_C00"))) == (tmp_path / "A001_C003_0612AB.mov", "reel, cut off")
    assert only(link(tmp_path, key(reel="A002C001")))[0] == tmp_path / "A002_C001_0612AB.mov"
    assert link(tmp_path, key(reel="A001_C"))[0].link is None


def test_reels_cut_off_that_fit_two_files_are_an_error(tmp_path: Path) -> None:
    touch(tmp_path / "A001_C003_0612AB.mov", tmp_path / "A001_C004_0612AB.mov")
    assert len(link(tmp_path, key(reel="A001_C00"))[0].candidates) == 2


def test_the_reel_that_a_medium_tells(tmp_path: Path) -> None:
    film(tmp_path / "capture 17.mkv", reel="A001")
    film(tmp_path / "capture 18.mkv", reel="A002_LONG_NAME")
    assert only(link(tmp_path, key(reel="a001"))) == (tmp_path / "capture 17.mkv", "reel told by the medium")
    assert only(link(tmp_path, key(reel="A002_LON")))[0] == tmp_path / "capture 18.mkv"


def test_a_reel_split_over_files_is_told_by_timecode(tmp_path: Path) -> None:
    film(tmp_path / "one.mkv", reel="A001", timecode="01:00:00:00")
    film(tmp_path / "two.mkv", reel="A001", timecode="01:00:00:08")
    first, second, beyond = link(
        tmp_path, key(reel="A001"), key(reel="A001", start=HOUR + 10), key(reel="A001", start=HOUR + 6)
    )
    assert first.link is not None
    assert first.link.path.name == "one.mkv"
    assert second.link is not None
    assert second.link.path.name == "two.mkv"
    assert second.link.how == "reel told by the medium, timecode"
    assert len(beyond.candidates) == 2  # over the joint of the two


def test_parts_named_after_their_reel_are_told_by_timecode(tmp_path: Path) -> None:
    film(tmp_path / "R1_part1.mkv", timecode="01:00:00:00")
    film(tmp_path / "R1_part2.mkv", timecode="01:00:00:08")
    film(tmp_path / "R10.mkv", timecode="01:00:00:08")
    path, how = only(link(tmp_path, key(reel="R1", start=HOUR + 9)))
    assert path.name == "R1_part2.mkv"
    assert "timecode" in how


def test_timecode_alone_links_what_no_other_source_claims(tmp_path: Path) -> None:
    film(tmp_path / "transfer.mkv", timecode="01:00:00:00")
    path, how = only(link(tmp_path, key(reel="R7")))
    assert path.name == "transfer.mkv"
    assert "timecode alone" in how
    assert link(tmp_path, key(reel="R7", start=2 * HOUR))[0].link is None
    assert link(tmp_path, key(reel="AX"))[0].link is None
    known, unknown = link(tmp_path, key(reel="transfer"), key(reel="R7"))
    assert known.link is not None
    assert unknown.link is None


def test_timecode_alone_does_not_choose_between_two(tmp_path: Path) -> None:
    for name in ("a", "b"):
        film(tmp_path / f"{name}.mkv", timecode="01:00:00:00")
    linked = link(tmp_path, key(reel="R7"))[0]
    assert linked.link is None
    assert "by timecode alone it could be" in linked.problem


def test_the_only_medium_given(tmp_path: Path) -> None:
    touch(tmp_path / "scan.mov")
    assert only(link(tmp_path / "scan.mov", key(reel="whatever")))[1] == "the only medium given"
    assert link(tmp_path, key(reel="whatever"))[0].link is None


def test_what_fades_out_is_linked_too(tmp_path: Path) -> None:
    touch(tmp_path / "A.mov", tmp_path / "B.mov")
    old = Shot("old", FrameRange(0, 2), key(reel="A"))
    shot = Shot("new", FrameRange(0, 4), key(reel="B"), transition=Transition("dissolve", old))
    item = Linker(MediaIndex([tmp_path]), Prober()).link(Reel("cut", RATE, (shot,)))[0]
    assert item.link is not None
    assert item.link.path.name == "B.mov"
    assert item.outgoing is not None
    assert item.outgoing.link is not None
    assert item.outgoing.link.path.name == "A.mov"


@pytest.mark.parametrize(
    "rule",
    [
        {"from": "A0*", "to": "found/x.mov"},
        {"reel": "a001", "to": "found/x.mov"},
        {"name": "SC 1?", "to": "x.mov"},
        {"path": "cam/*.mxf", "to": "found/x.mov"},
        {"shot": "A001@*", "to": "found/x.mov"},
        {"from": "A0*", "to": "found"},
        {"reel": "A001", "name": "SC 12", "to": "x"},
    ],
)
def test_relink_rules(tmp_path: Path, rule: dict[str, str]) -> None:
    touch(tmp_path / "found" / "x.mov", tmp_path / "scans" / "found" / "y.mov")
    wanted = tmp_path / "found" / "x.mov"
    rules = [{"from": "B*", "to": "nowhere.mov"}, rule]
    source = key("SC 12", "A001", "/vol/cam/x.mxf")
    places = [tmp_path / "scans", tmp_path / "found"] if "/" not in rule["to"] else [tmp_path / "scans"]
    path, how = only(link(places, source, rules=rules, folder=tmp_path))
    assert path == wanted
    assert how.startswith("rule 2")


def test_a_rule_beats_names_and_its_star_is_filled_in(tmp_path: Path) -> None:
    touch(tmp_path / "A001_v1.mov", tmp_path / "A001_v2.mov", tmp_path / "empty" / "x.txt")
    rules = [{"from": "*_V1.mov", "to": "*_v2.mov"}]
    for place, folder in ((tmp_path, tmp_path / "project"), (tmp_path / "empty", tmp_path)):
        path, how = only(link(place, key(url="/x/A001_v1.mov"), rules=rules, folder=folder))
        assert (path.name, how) == ("A001_v2.mov", "rule 1")


def test_a_rule_that_leads_nowhere_says_so(tmp_path: Path) -> None:
    touch(tmp_path / "A001.mov")
    linked = link(tmp_path, key(reel="A001"), rules=[{"reel": "A001", "to": "gone.mov"}], folder=tmp_path)[0]
    assert linked.link is None
    assert "rule 1 links it to gone.mov" in linked.problem


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"from": "A"}, "says not what is linked to what"),
        ({"to": "A"}, "says not what is linked to what"),
        ({"form": "A", "to": "B"}, "unknown key 'form'; did you mean 'from'"),
        ({"from": 3, "to": "B"}, "from must be text"),
        ({"from": "A", "to": "evil.vpy"}, "scripts run only when you name them"),
    ],
)
def test_rules_that_are_none(table: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message.replace("[", r"\[")):
        relink_rules([table], Path())


def test_headers_are_read_once_and_again_when_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = film(tmp_path / "a.mkv", timecode="01:00:00:00", reel="A001")
    first = Prober()(path)
    assert first is not None
    assert (first.length, first.start, first.reel) == (8, HOUR, "A001")

    def refuse(_: Path) -> None:
        raise AssertionError("the header was read again")

    with monkeypatch.context() as patched:
        patched.setattr("vsfilmrestore.render.link_facts.probe", refuse)
        assert Prober()(path) == first
    film(path, 9, timecode="02:00:00:00")
    changed = Prober()(path)
    assert changed is not None
    assert (changed.length, changed.start) == (9, 2 * HOUR)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"x": 1}', "\0"])
def test_a_damaged_cache_is_read_anew(tmp_path: Path, text: str) -> None:
    path = film(tmp_path / "a.mkv")
    cache_folder().mkdir(parents=True, exist_ok=True)
    (cache_folder() / "headers.json").write_text(text)
    facts = Prober()(path)
    assert facts is not None
    assert facts.length == 8


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    touch(tmp_path / "a.mov")
    prober = Prober()
    assert prober(tmp_path / "a.mov") is None
    assert "empty" in prober.failure(tmp_path / "a.mov")


def test_names_that_decide_need_no_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(*(tmp_path / f"A{n:03d}.mov" for n in range(200)))
    read: list[Path] = []
    monkeypatch.setattr(Prober, "_read", lambda self, path: read.append(path))
    linked = link(tmp_path, *(key(reel=f"A{n:03d}") for n in range(200)))
    assert all(item.link for item in linked)
    assert read == []


def test_a_place_that_is_not_there() -> None:
    with pytest.raises(MediaError, match="does not exist"):
        MediaIndex([Path("nowhere")])


def test_forms_of_names() -> None:
    assert base("Scan_0086400.DPX") == base("scan_%07d.dpx") == base("scan_####.dpx") == "scan"
    assert base("A001.C003.mov") == "a001.c003"
    assert base("SC. 12") == "sc. 12"
    assert base("0001.dpx") == "0001"
    assert parts("file:///a/%C3%A9t%C3%A9.mov") == ("a", "été.mov")
    assert parts("..\\x\\Y.mov") == ("x", "y.mov")
    assert folded(" Straße ") == "strasse"
    assert Beginnings([("a001_c003", Path("x"))]).longer("a001") == [Path("x")]
    assert Beginnings([("a0012", Path("x"))]).longer("a001") == []


@pytest.mark.parametrize(
    ("count", "old", "new", "expected"),
    [
        (HOUR, (24, False), (25, False), 90000),
        (HOUR + 23, (24, False), (25, False), 90023),
        (90024, (25, False), (24, False), HOUR + 23),  # frame 24 is none at 24
        (108000, (30, False), (30, True), 107892),
        (107892, (30, True), (30, False), 108000),
        (1800, (30, False), (30, True), 1800),  # 00:01:00:00 is left out: the next is 00:01:00:02
    ],
)
def test_counts_of_one_timecode_at_two_rates(
    count: int, old: tuple[int, bool], new: tuple[int, bool], expected: int
) -> None:
    rates = {24: Fraction(24), 25: Fraction(25), 30: Fraction(30000, 1001)}
    assert recount(count, (rates[old[0]], old[1]), (rates[new[0]], new[1])) == expected


def test_facts_at_another_rate_keep_their_timecode() -> None:
    facts = Facts(Path("a"), "file", RATE, 100, start=HOUR + 12, has_timecode=True)
    again = facts.counted_at(Fraction(25))
    assert again.timecode(0) == facts.timecode(0) == "01:00:00:12"
    assert again.length == 100
    assert replace(again, has_timecode=False).timecode(0) == ""
