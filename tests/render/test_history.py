"""Repairs of a render: listed, taken back to the bit, accepted again, through kills and re-cuts."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio
import pytest
import vapoursynth as vs

from vsfilmrestore.cli.main import main
from vsfilmrestore.errors import SettingError
from vsfilmrestore.filters.remove_dirt import remove_dirt
from vsfilmrestore.media.out.profiles import PROFILES
from vsfilmrestore.media.source import open_media
from vsfilmrestore.render.executor import render
from vsfilmrestore.render.history import History, State
from vsfilmrestore.render.history_file import HistoryFile
from vsfilmrestore.render.history_shots import Choice
from vsfilmrestore.render.job import open_project, open_reel
from vsfilmrestore.render.ledger import Ledger
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.verdicts import ACCEPT, REJECT, Verdict, Verdicts

core = vs.core

EDL = """TITLE: TWO
FCM: NON-DROP FRAME
001  R1  V  C  01:00:00:00 01:00:00:12 01:00:00:00 01:00:00:12
* FROM CLIP NAME: one
002  R1  V  C  01:00:00:12 01:00:01:00 01:00:00:12 01:00:01:00
* FROM CLIP NAME: two
"""

ONLY_DUST = {"preset": "none", "steps": {"remove_dirt": 0.9}}

type Picture = list[npt.NDArray[Any]]
type Call = Callable[..., tuple[int, str, str]]


def write_scan(path: Path, frames: int = 24, *, layout: str = "yuv420p10le", seed: int = 1) -> None:
    """A slow pan over soft shapes with three specks in each frame and a scratch, with timecode from 01:00:00:00."""
    width, height, wide = 160, 112, "10" in layout
    chance = np.random.default_rng(seed)
    ground = np.kron(chance.integers(200, 800, (height // 8 + 8, width // 8 + 60)), np.ones((8, 8)))
    ground = np.mean([np.roll(ground, n, 1) for n in range(-3, 4)], axis=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="matroska") as container:
        container.metadata["TIMECODE"] = "01:00:00:00"
        video = container.add_stream("ffv1", rate=24)
        video.width, video.height, video.pix_fmt = width, height, layout
        for n in range(frames):
            luma = ground[8 : 8 + height, n + 8 : n + 8 + width] + chance.normal(0, 4, (height, width))
            luma[:, 40] += 120
            for k in range(3):
                x, y = (n * 37 + k * 61) % (width - 12), (n * 53 + k * 31) % (height - 12)
                luma[y : y + 6, x : x + 5] = 1000 if k else 20
            frame = av.VideoFrame(width, height, layout)
            grey = np.full((height // 2, width // 2), 512.0)
            for plane, values in zip(frame.planes, (luma, grey, grey), strict=True):
                line = plane.line_size // (2 if wide else 1)
                padded = np.zeros((plane.height, line), np.uint16 if wide else np.uint8)
                padded[:, : plane.width] = np.clip(values, 64, 940) / (1 if wide else 4)
                plane.update(padded.tobytes())
            frame.pts = n
            container.mux(video.encode(frame))
        container.mux(video.encode(None))


def film(folder: Path, given: dict[str, Any], *, layout: str = "yuv420p10le") -> Project:
    write_scan(folder / "scans" / "R1.mkv", layout=layout)
    (folder / "cut.edl").write_text(EDL)
    return open_project(folder / "cut.edl", folder / "p", {"media": [str(folder / "scans")], "rate": "24", **given})


def made(project: Project, name: str = "out.mkv") -> tuple[list[Picture], int]:
    """The pictures of a render, and how many frames were not made anew."""
    out = project.folder.parent / name
    done = render(open_reel(project), project, out, PROFILES["ffv1"])
    return list(pictures(open_media(out).video)), done.reused


def pictures(clip: vs.VideoNode) -> Iterator[Picture]:
    for frame in clip.frames():
        yield [np.asarray(frame[p]).copy() for p in range(frame.format.num_planes)]


def same(a: list[Picture], b: list[Picture]) -> list[int]:
    """Numbers of the frames that differ in any bit."""
    pairs = enumerate(zip(a, b, strict=True))
    return [n for n, (x, y) in pairs if any(not np.array_equal(p, q) for p, q in zip(x, y, strict=True))]


def say(project: Project, *rows: Verdict) -> None:
    project.verdicts().said(rows).write(project.repairs)


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Call:
    def run(*words: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([str(word) for word in words])
        return code, *capfd.readouterr()

    return run


@pytest.fixture
def dust(tmp_path: Path) -> Project:
    return film(tmp_path, ONLY_DUST)


def dusted(project: Project, **settings: Any) -> list[Picture]:
    """Both shots as the filter alone makes them."""
    scan = open_media(project.folder.parent / "scans" / "R1.mkv").video
    return [p for part in (scan[:12], scan[12:]) for p in pictures(remove_dirt(part, 0.9, **settings))]


def source(project: Project) -> list[Picture]:
    return list(pictures(open_media(project.folder.parent / "scans" / "R1.mkv").video))


def test_what_is_kept_gives_the_source_back(dust: Project) -> None:
    after, _ = made(dust)
    before = source(dust)
    assert len(same(after, before)) > 15
    for frame in History.open(dust).frames(Choice()):
        (n,) = frame.record
        frame.read().restore(after[n])
    assert same(after, before) == []


def test_the_ledger_counts_the_repairs_of_each_frame(dust: Project) -> None:
    made(dust)
    history = History.open(dust)
    listed = [(f.record[0], f.entry.blobs, f.entry.pixels) for f in history.frames(Choice())]
    with Ledger(dust.ledger, exclusive=False) as ledger:
        counted = []
        for piece in ledger.placed():
            done = ledger.find(piece.key)
            assert done is not None
            rows = (done.repairs or {})["remove_dirt"]
            counted += [(piece.first + n, blobs, pixels) for n, (blobs, pixels, _) in enumerate(rows) if blobs]
    assert counted == listed
    assert sum(count.made for shot in history.shots for count in history.counts(shot).values()) == sum(
        blobs for _, blobs, _ in listed
    )


@pytest.mark.parametrize("layout", ["yuv420p", "yuv420p10le"])
def test_an_area_that_was_taken_back_is_as_if_it_had_been_protected(tmp_path: Path, layout: str) -> None:
    project = film(tmp_path, ONLY_DUST, layout=layout)
    before, _ = made(project)
    area = (31, 17, 120, 90)  # odd on purpose: chroma samples are half in it
    say(project, Verdict(kind="remove_dirt", source="R1.mkv", frames=(4, 7), region=area))
    after, reused = made(project)
    assert reused == 12, "the shot that was not touched is not made again"
    protected = dusted(project, protect=[area])
    wanted = [protected[n] if 4 <= n <= 7 else before[n] for n in range(24)]
    assert same(before, dusted(project)) == []
    assert same(after, wanted) == []
    assert set(same(after, before)) & {4, 5, 6, 7}
    for n in range(4, 8):
        assert np.array_equal(after[n][0][17:90, 31:120], source(project)[n][0][17:90, 31:120])


@pytest.mark.parametrize(
    ("verdict", "frames"),
    [
        (Verdict(frames=(5, 5), source="R1.mkv"), range(5, 6)),
        (Verdict(frames=(12, 23), source="R1.mkv"), range(12, 24)),
        (Verdict(kind="remove_dirt"), range(24)),
        (Verdict(kind="remove_scratches"), range(0)),
        (Verdict(source="R2.mkv"), range(0)),
    ],
    ids=["frame", "shot", "kind", "another kind", "another source"],
)
@pytest.mark.parametrize("layout", ["yuv420p", "yuv420p10le"])
def test_what_was_taken_back_is_the_source_to_the_bit(
    tmp_path: Path, layout: str, verdict: Verdict, frames: range
) -> None:
    project = film(tmp_path, ONLY_DUST, layout=layout)
    before, _ = made(project)
    say(project, verdict)
    after, reused = made(project)
    untouched = source(project)
    assert same(after, [untouched[n] if n in frames else before[n] for n in range(24)]) == []
    shots = {n // 12 for n in frames}
    assert reused == 24 - 12 * len(shots)


def test_a_single_repair_is_taken_back_and_no_other(dust: Project) -> None:
    before, _ = made(dust)
    history = History.open(dust)
    repairs = [repair for frame in history.frames(Choice()) for repair in frame.repairs()]
    assert len({repair.id for repair in repairs}) == len(repairs)
    chosen = next(repair for repair in repairs if repair.frame.record == (6,))
    say(dust, chosen.verdict(REJECT))
    after, _ = made(dust)
    left, top, right, bottom = chosen.box
    untouched = source(dust)
    assert same(after, before) == [6]
    assert np.array_equal(after[6][0][top:bottom, left:right], untouched[6][0][top:bottom, left:right])
    assert int((after[6][0] != before[6][0]).sum()) <= chosen.pixels
    again = {r.id: r.state for f in History.open(dust).frames(Choice()) for r in f.repairs()}
    assert again == {r.id: State.REJECTED if r.id == chosen.id else State.KEPT for r in repairs}


def test_a_repair_is_found_again_with_another_dose(dust: Project) -> None:
    made(dust)
    chosen = next(r for f in History.open(dust).frames(Choice()) for r in f.repairs() if f.record == (6,))
    say(dust, chosen.verdict(REJECT))
    other = replace(dust, settings=replace(dust.settings, steps={"remove_dirt": 0.5}))
    made(other)
    # Another dose may have moved its first pixel, and with it its name; then its box tells it.
    gone = [r for f in History.open(other).frames(Choice()) for r in f.repairs() if r.state is not State.KEPT]
    assert [(r.frame.record, r.state) for r in gone] == [((6,), State.REJECTED)]
    assert max(abs(a - b) for a, b in zip(gone[0].box, chosen.box, strict=True)) < 4


def test_later_steps_see_what_was_taken_back(tmp_path: Path) -> None:
    steps = {"remove_dirt": 0.9, "remove_scratches": 0.9}
    project = film(tmp_path, {"preset": "none", "steps": steps})
    before, _ = made(project)
    area = (0, 0, 160, 60)
    say(project, Verdict(kind="remove_dirt", region=area))
    after, _ = made(project)
    wary = {"remove_dirt": {"strength": 0.9, "protect": [area]}, "remove_scratches": 0.9}
    protected = replace(project, folder=tmp_path / "q", settings=replace(project.settings, steps=wary))
    wanted, _ = made(protected, "other.mkv")
    assert same(after, wanted) == []
    assert same(after, before)
    kinds = {frame.kind for frame in History.open(project).frames(Choice())}
    assert kinds == {"remove_dirt", "remove_scratches"}


def test_verdicts_taken_back_find_the_old_pieces_again(dust: Project) -> None:
    before, _ = made(dust)
    rejected = Verdict(kind="remove_dirt", frames=(3, 3))
    say(dust, rejected)
    made(dust)
    say(dust, replace(rejected, say=ACCEPT))
    assert not dust.verdicts()
    after, reused = made(dust)
    assert reused == 24
    assert same(after, before) == []


def test_verdicts_change_the_keys_of_the_pieces_that_see_them_only(tmp_path: Path) -> None:
    from vsfilmrestore.render.pieces import plan_pieces

    project = film(tmp_path, {"preset": "archive"})
    reel = open_reel(project)

    def keys(*rows: Verdict) -> list[bool]:
        reel.verdicts = Verdicts(rows)
        return [a.key == b.key for a, b in zip(plain, plan_pieces(reel, 1, []), strict=True)]

    plain = plan_pieces(reel, 1, [])
    assert keys() == [True, True]
    assert keys(Verdict(frames=(3, 3))) == [False, True]
    assert keys(Verdict(frames=(3, 3), kind="remove_wires")) == [True, True], "it is no step of the recipe"
    assert keys(Verdict(frames=(200, 300))) == [True, True]
    assert keys(Verdict(say=ACCEPT)) == [True, True], "nothing was rejected before"
    assert keys(Verdict(frames=(12, 12), note="x")) == keys(Verdict(frames=(12, 12))) == [True, False]


def test_a_preview_shows_what_was_taken_back(dust: Project) -> None:
    say(dust, Verdict())
    assert same(list(pictures(open_reel(dust).restored())), source(dust)) == []


def test_no_history_is_kept_where_nobody_wants_one(dust: Project) -> None:
    bare = replace(dust, settings=replace(dust.settings, history=False))
    before, _ = made(bare)
    assert not list(bare.renders.glob("*.history"))
    assert "24 frames were rendered without a history" in History.open(bare).remarks
    again, reused = made(dust, "again.mkv")
    assert reused == 24, "pieces do not depend on it"
    assert same(before, again) == []


def test_a_piece_without_its_history_is_made_again(dust: Project) -> None:
    made(dust)
    files = sorted(dust.renders.glob("*.history"))
    kept = [file.read_bytes() for file in files]
    files[0].unlink()
    assert made(dust)[1] == 12
    assert [file.read_bytes() for file in files] == kept
    files[1].write_bytes(kept[1][:-1])
    assert made(dust)[1] == 12
    assert [file.read_bytes() for file in files] == kept


def test_stills_have_a_history_too(dust: Project) -> None:
    folder = dust.folder.parent / "dpx"
    render(open_reel(dust), dust, folder, PROFILES["dpx10"])
    first = sum(frame.entry.blobs for frame in History.open(dust).frames(Choice()))
    assert first > 15
    assert render(open_reel(dust), dust, folder, PROFILES["dpx10"]).reused == 24


FADE = """TITLE: FADE
FCM: NON-DROP FRAME
001  R1  V  C  01:00:00:00 01:00:00:10 01:00:00:00 01:00:00:10
* FROM CLIP NAME: one
002  R1  V  C  01:00:00:10 01:00:00:10 01:00:00:10 01:00:00:10
002  R2  V  D  004 01:00:00:00 01:00:00:12 01:00:00:10 01:00:00:22
* FROM CLIP NAME: one
* TO CLIP NAME: two
"""


def test_both_sides_of_a_dissolve_are_kept_and_taken_back(tmp_path: Path) -> None:
    write_scan(tmp_path / "scans" / "R1.mkv")
    write_scan(tmp_path / "scans" / "R2.mkv", seed=9)
    (tmp_path / "cut.edl").write_text(FADE)
    given = {"media": [str(tmp_path / "scans")], "rate": "24", **ONLY_DUST}
    project = open_project(tmp_path / "cut.edl", tmp_path / "p", given)
    before, _ = made(project)
    mixed = [f for f in History.open(project).frames(Choice()) if 10 <= f.record[0] < 14]
    assert {(f.source, f.fading) for f in mixed} == {("R1.mkv", True), ("R2.mkv", False)}
    assert {f.moment.frame for f in mixed if f.fading} <= {10, 11, 12, 13}
    say(project, Verdict(source="R1.mkv", frames=(10, 13)))
    after, _ = made(project)
    assert set(same(after, before)) <= {10, 11, 12, 13}
    assert same(after, before)
    reel = open_reel(project)
    assert same(after, list(pictures(reel.restored()))) == []


def test_frames_that_are_multiplied_are_kept_once(tmp_path: Path) -> None:
    project = film(tmp_path, {"preset": "none", "steps": {"remove_dirt": 0.9, "interpolate": 48.0}})
    after, _ = made(project)
    assert len(after) == 48
    frames = list(History.open(project).frames(Choice()))
    assert len({(f.moment, f.kind) for f in frames}) == len(frames)
    assert all(0 <= n < 24 for f in frames for n in f.record)


def test_the_commands_list_take_back_and_accept(dust: Project, call: Call, tmp_path: Path) -> None:
    folder, out = dust.folder, tmp_path / "out.mkv"
    dust.save()
    render_ = ["render", folder, "-o", out, "--progress", "none"]
    assert call("history", folder)[0] == 5, "nothing was rendered yet"
    assert call(*render_)[0] == 0
    first = out.read_bytes()
    code, text, _ = call("history", folder)
    assert (code, "dust" in text, "one" in text) == (0, True, True)
    facts = json.loads(call("history", folder, "--by", "repair", "--json")[1])
    rows = list(csv.DictReader(io.StringIO(call("history", folder, "--csv", "-")[1])))
    assert [row["id"] for row in rows] == [row["id"] for row in facts["repairs"]]
    mine = [row for row in facts["repairs"] if row["record"] in (13, 14)]
    part = json.loads(call("history", folder, "--shot", "two", "--frames", "1-2", "--by", "repair", "--json")[1])
    assert part["repairs"] == mine
    assert mine
    counts = {shot["name"]: shot["repairs"]["remove_dirt"] for shot in facts["shots"]}
    assert sum(count["made"] for count in counts.values()) == len(rows)
    about = ["revert", folder, "--shot", "two", "--frames", "1-2", "--kind", "dirt"]
    assert call(*about, "--dry-run")[0] == 0
    assert not dust.repairs.exists()
    code, text, _ = call(*about, "--note", 'a "bullet" \\ of course')
    assert (code, "taken back: remove_dirt, frames 13 to 14, of R1.mkv" in text) == (0, True)
    assert dust.verdicts().rows[0].note == 'a "bullet" \\ of course'
    states = json.loads(call("history", folder, "--by", "repair", "--json")[1])["repairs"]
    assert {row["id"] for row in states if row["state"] == "rejected"} == {row["id"] for row in mine}
    plan = json.loads(call("plan", folder, "--json")[1])
    assert [shot["repairs"]["remove_dirt"]["rejected"] for shot in plan["shots"]] == [0, len(mine)]
    assert call(*render_)[0] == 0
    after = list(pictures(open_media(out).video))
    assert same([after[n] for n in (13, 14)], [source(dust)[n] for n in (13, 14)]) == []
    report = json.loads((folder / "reports" / "report.json").read_text())
    assert report["shots"][1]["repairs"]["remove_dirt"]["rejected"] == len(mine)
    assert len(report["shots"][1]["repairs_by_frame"]["remove_dirt"]) == 12
    assert "taken back" in (folder / "reports" / "report.html").read_text()
    assert call(*about, "--undo")[0] == 0
    assert call(*render_)[0] == 0
    assert out.read_bytes() == first


def test_plan_takes_single_repairs_back(dust: Project, call: Call, tmp_path: Path) -> None:
    dust.save()
    assert call("render", dust.folder, "-o", tmp_path / "out.mkv", "--progress", "none")[0] == 0
    repairs = json.loads(call("history", dust.folder, "--by", "repair", "--json")[1])["repairs"]
    a, b = repairs[0]["id"], repairs[1]["id"]
    plan = json.loads(call("plan", dust.folder, "--reject", a, "--reject", b, "--json")[1])
    assert plan["shots"][0]["repairs"]["remove_dirt"]["rejected"] == 2
    plan = json.loads(call("plan", dust.folder, "--accept", b, "--json")[1])
    assert plan["shots"][0]["repairs"]["remove_dirt"]["rejected"] == 1
    assert "1 taken back" in call("plan", dust.folder)[1]
    assert [row.blob for row in dust.verdicts()] == [tuple(map(int, a.split(":")[2].split(",")))]


def test_masks_are_written_as_pictures(dust: Project, call: Call, tmp_path: Path) -> None:
    made(dust)
    dust.save()
    repairs = [r for f in History.open(dust).frames(Choice()) for r in f.repairs() if f.record == (6,)]
    say(dust, repairs[0].verdict(REJECT))
    assert call("history", dust.folder, "--frames", 6, "--masks", tmp_path / "m")[0] == 0
    (path,) = (tmp_path / "m").iterdir()
    assert path.name == "dust_0000006.png"
    picture: Any = oiio.ImageBuf(str(path)).get_pixels(oiio.UINT8)
    assert (picture == 128).sum() == repairs[0].pixels
    assert (picture == 255).sum() == sum(r.pixels for r in repairs[1:])


WRONG = [
    (["--repair", "6:dust:1,1"], 2, "there is no repair '6:dust:1,1'"),
    (["--repair", "6:drust:1,1"], 4, "there is no kind of repair 'drust'; did you mean 'dust'?"),
    (["--repair", "nonsense"], 4, "there is no kind of repair ''"),
    ([], 2, "nothing is chosen"),
    (["--shot", "tow"], 2, "no shot 'tow'; did you mean 'two'?"),
    (["--frames", "3-"], 2, "--frames must be numbers or ranges"),
    (["--frames", "9-3"], 2, "--frames names 3 after 9"),
    (["--frames", "99"], 2, "shows no such frames"),
    (["--region", "1,2,3"], 2, "--region must be 4 numbers"),
    (["--region", "9,2,3,5"], 2, "--region must hold rectangles"),
    (["--repair", "6:dust:1,1", "--kind", "dust"], 2, "named by its id alone"),
    (["--kind", "stab"], 4, "there is no kind of repair 'stab'"),
]


def test_wrong_words_are_told_and_nothing_is_written(dust: Project, call: Call) -> None:
    made(dust)
    dust.save()
    for words, code, told in WRONG:
        found, _, error = call("revert", dust.folder, *words)
        assert (found, told in error) == (code, True), (words, error)
    assert not dust.repairs.exists()
    assert call("revert", dust.folder.parent, "--all")[0] == 2


def test_a_damaged_history_is_told_with_the_way_out(dust: Project, call: Call) -> None:
    made(dust)
    dust.save()
    file = next(dust.renders.glob("*.history"))
    data = bytearray(file.read_bytes())
    data[60] ^= 4
    file.write_bytes(data)
    code, _, error = call("history", dust.folder, "--by", "repair")
    assert code == 5
    assert f"{file.name}" in error
    assert "Remove it and the piece of the same name" in error
    assert call("history", dust.folder)[0] == 0, "counts stand in the ledger"


TRIMMED = """TITLE: TRIMMED
FCM: NON-DROP FRAME
001  R1  V  C  01:00:00:14 01:00:01:00 01:00:00:00 01:00:00:10
* FROM CLIP NAME: two
002  R1  V  C  01:00:00:00 01:00:00:12 01:00:00:10 01:00:00:22
* FROM CLIP NAME: one
"""


def test_a_recut_keeps_verdicts_on_their_frames(dust: Project, call: Call, tmp_path: Path) -> None:
    dust.save()
    out = tmp_path / "out.mkv"
    assert call("render", dust.folder, "-o", out, "--progress", "none")[0] == 0
    assert call("revert", dust.folder, "--shot", "one", "--frames", "4-6")[0] == 0
    assert call("revert", dust.folder, "--shot", "two", "--frames", "4-6")[0] == 0
    assert call("render", dust.folder, "--progress", "none")[0] == 0
    (tmp_path / "new.edl").write_text(TRIMMED)
    assert call("recut", dust.folder, tmp_path / "new.edl", "--rate", "24")[0] == 0
    project = Project.open(dust.folder)
    assert len(project.verdicts()) == 2
    after, reused = made(project)
    assert reused >= 12, "the shot that only moved is found again, with its history"
    untouched = source(dust)
    assert same(after[2:5], untouched[16:19]) == []
    assert same(after[14:17], untouched[4:7]) == []
    states = {f.record[0]: {str(r.state) for r in f.repairs()} for f in History.open(project).frames(Choice())}
    assert {n for n, told in states.items() if told == {"rejected"}} == {
        n for n in states if n in (2, 3, 4, 14, 15, 16)
    }


def test_verdicts_of_a_stranger_are_read_with_care(dust: Project) -> None:
    for text, told in (
        ("verdict = 3\n", "holds verdict"),
        ('[[verdict]]\nsay = "maybe"\n', "repairs.toml:1: say must be reject or accept"),
        ("[[verdict]]\nframes = [3]\n", "frames must be 2 whole numbers"),
        ("[[verdict]]\nframes = [9, 3]\n", "first and last"),
        ("[[verdict]]\nregion = [9, 3]\n", "rectangles"),
        ("[[verdict]]\nfarmes = [9, 3]\n", "unknown key 'farmes'; did you mean 'frames'?"),
        ('[[verdict]]\nkind = "dustt"\n', "no kind of repair 'dustt'"),
        ("version = 2\n", "of version 2"),
        ("other = 2\n", "holds other"),
    ):
        dust.folder.mkdir(exist_ok=True)
        dust.repairs.write_text(text)
        with pytest.raises(SettingError) as error:
            dust.verdicts()
        assert told in str(error.value), (text, str(error.value))


@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9")
@pytest.mark.slow
def test_killed_at_any_moment_a_render_ends_with_the_same_history(tmp_path: Path) -> None:
    project = film(tmp_path, {"preset": "archive"})
    project.save()
    calm = replace(project, folder=tmp_path / "calm")
    made(calm, "calm.mkv")
    command = [sys.executable, "-m", "vsfilmrestore", "render", str(project.folder)]
    command += ["-o", str(tmp_path / "out.mkv"), "--progress", "none"]
    chance = random.Random(3)
    for _ in range(4):
        victim = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(1.5, 4.5))
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    assert main(command[3:]) == 0
    assert listing(project) == listing(calm)
    assert listing(project)
    names = {path.name for path in project.renders.iterdir()}
    assert names == {path.name for path in calm.renders.iterdir()}
    for path in project.renders.glob("*.history"):
        assert path.read_bytes() == (calm.renders / path.name).read_bytes()
        assert HistoryFile(path).entries


def listing(project: Project) -> list[dict[str, Any]]:
    return [repair.facts for frame in History.open(project).frames(Choice()) for repair in frame.repairs()]


def test_a_ledger_from_before_there_was_a_history_is_read(dust: Project, call: Call) -> None:
    made(dust)
    dust.save()
    with sqlite3.connect(dust.ledger) as base:
        for key, details in base.execute("SELECT key, details FROM segments").fetchall():
            old = {k: v for k, v in json.loads(zlib.decompress(details)).items() if k not in ("repairs", "history")}
            base.execute(
                "UPDATE segments SET details = ? WHERE key = ?", (zlib.compress(json.dumps(old).encode()), key)
            )
        base.execute("DROP TABLE timeline")
        base.execute("PRAGMA user_version = 1")
    base.close()
    code, text, _ = call("history", dust.folder)
    assert (code, "kept no history" in text) == (0, True)
    assert json.loads(call("plan", dust.folder, "--json")[1])["shots"][0]["repairs"] is None
    assert made(dust)[1] == 24, "what was finished is finished"
    assert "24 frames were rendered without a history" in History.open(dust).remarks


def test_verdicts_about_media_that_are_not_shown_are_told(dust: Project) -> None:
    made(dust)
    say(dust, Verdict(source="R7.mkv"), Verdict(source="R1.mkv", frames=(3, 3)))
    (told,) = History.open(dust).remarks
    assert told.startswith("verdicts about R7.mkv wait")


@pytest.mark.footage
def test_real_film_is_given_back_and_kept_small(footage: Callable[[str], Path], tmp_path: Path) -> None:
    clip = footage("clips/film_within_our_gates_1920.mkv")
    given = {"first": 0, "last": 9, "cuts": [], **ONLY_DUST}
    project = open_project(clip, tmp_path / "p", given)
    after, _ = made(project)
    before = list(pictures(open_media(clip).video[:10]))
    assert same(after, before)
    for frame in History.open(project).frames(Choice()):
        frame.read().restore(after[frame.record[0]])
    assert same(after, before) == []
    assert 0 < sum(path.stat().st_size for path in project.renders.glob("*.history")) < 10 * 2000
