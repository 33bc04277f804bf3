"""``vsfilmrestore plan``: without media, with them, and frame by frame."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import time
import tomllib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from vsfilmrestore.cli.main import main
from vsfilmrestore.media.source import open_media
from vsfilmrestore.render.job import open_project, open_reel

DISSOLVE = """TITLE: FADES
FCM: NON-DROP FRAME

001  A001     V     C        01:00:00:00 01:00:00:10 01:00:00:00 01:00:00:10
* FROM CLIP NAME: one
002  A001     V     C        01:00:00:10 01:00:00:10 01:00:00:10 01:00:00:10
002  B001     V     D    004 02:00:00:00 02:00:00:12 01:00:00:10 01:00:00:22
* FROM CLIP NAME: one
* TO CLIP NAME: two
M2   B001       012.0                    02:00:00:00
"""

type Told = tuple[int, str, str]


@pytest.fixture(autouse=True)
def _here(small_reel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small_reel)
    (small_reel / "empty").mkdir()


@pytest.fixture
def plan(capfd: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    def call(*words: str, command: str = "plan") -> Told:
        code = main([command, *words])
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return call


type Plan = Callable[..., Told]


def facts(told: Told) -> dict[str, Any]:
    code, out, err = told
    assert code == 0, err
    return json.loads(out)  # type: ignore[no-any-return]


def here() -> set[str]:
    return {str(path) for path in Path().rglob("*")}


def test_a_plan_needs_no_media_and_leaves_nothing_behind(plan: Plan) -> None:
    before = here()
    told = facts(plan("cut.edl", "--media", "empty", "--markers", "markers.edl", "--json"))
    assert here() == before
    assert (told["format"], told["version"]) == ("vsfilmrestore-plan", 1)
    assert (told["rate"], told["rate_known"], told["frames"], told["timecode"]) == ("24", False, 48, "01:00:00:00")
    shot = told["shots"][1]
    assert (shot["id"], shot["name"], shot["event"], shot["line"]) == ("R1@01:00:00:20", "fight-03", "002", 7)
    assert shot["record"] == {"start": 20, "frames": 12, "in": "01:00:00:20", "out": "01:00:01:08"}
    assert shot["source"]["reel"] == "R1"
    assert (shot["source"]["in"], shot["source"]["out"]) == ("01:00:00:20", "01:00:01:08")
    assert (shot["source"]["first"], shot["source"]["last"]) == (86420, 86431)
    assert (shot["speed"], shot["curve"], shot["transition"]) == ("1", False, None)
    assert shot["medium"] is None
    assert "reel 'R1'" in shot["missing"]
    origins = {origin for part in shot["parts"] for step in part["steps"] for origin in step["origins"].values()}
    assert any("archive" in origin for origin in origins)


def test_all_that_is_missing_is_named_at_once(plan: Plan) -> None:
    text = Path("cut.edl").read_text().replace("003  R1", "003  R2")
    Path("cut.edl").write_text(text)
    told = facts(plan("cut.edl", "--media", "empty", "--json"))
    assert [(item["label"], item["shots"]) for item in told["missing"]] == [
        ("R1", ["R1@01:00:00:00", "R1@01:00:00:20"]),
        ("R2", ["R2@01:00:01:08"]),
    ]
    assert told["missing"][0]["names"] == ["opening", "fight-03"]
    code, out, _ = plan("cut.edl", "--media", "empty")
    assert code == 0
    assert "2 media are missing" in out
    for words in (("--strict",), ()):
        command = "plan" if words else "render"
        code, _, err = plan("cut.edl", "--media", "empty", *words, *(() if words else ("-o", "o.mkv")), command=command)
        assert code == 3
        assert "3 of 3 shots" in err
        assert "\n  R1: no medium found" in err
        assert "\n  R2: no medium found" in err


def test_the_table_says_what_was_linked_and_how(plan: Plan) -> None:
    code, out, _ = plan("cut.edl", "--media", "scans", "--strict")
    assert code == 0
    row = next(line for line in out.splitlines() if "R1.mkv" in line and "reel name" in line)
    assert "0-47 of 48" in row
    assert "01:00:00:00" in row
    assert " ok" in row
    told = facts(plan("cut.edl", "--media", "scans", "--json"))
    medium = told["media"][0]
    assert (medium["linked_by"], medium["found_by"], medium["frames"]) == (["reel name"], ["timecode"], 48)
    assert told["rate_known"] is True  # the medium told it
    assert told["shots"][2]["medium"]["first"] == 32


def test_the_projects_rules_are_followed_by_plan_and_render(plan: Plan) -> None:
    Path("scans/R1.mkv").rename("scans/transfer (2).mkv")
    Path("p").mkdir()
    rule = '[[relink]]\nfrom = "R*"\nto = "../scans/transfer (2).mkv"\n'
    Path("p/project.toml").write_text(f'[source]\ninput = "../cut.edl"\nmedia = ["../empty"]\n{rule}')
    before = here()
    told = facts(plan("p", "--json"))
    assert here() == before
    assert told["shots"][0]["medium"]["linked_by"] == "rule 1"
    reel = open_reel(open_project(Path("p"), None, {"preset": "none"}, save=False))
    assert reel.bound[1].first == 20
    assert len(reel.source()) == 48


def test_a_rule_that_is_none_names_the_file(plan: Plan) -> None:
    Path("p").mkdir()
    Path("p/project.toml").write_text('[source]\ninput = "../cut.edl"\n[relink]\nfrom = "R*"\n')
    code, _, err = plan("p")
    assert code == 4
    assert "project.toml:3" in err
    assert "[[relink]]" in err


def test_what_is_said_of_a_medium_counts(plan: Plan) -> None:
    text = '[source]\ninput = "../cut.edl"\nmedia = ["../scans"]\n[[media]]\nfile = "scans/R1.mkv"\nstart = "{}"\n'
    Path("p").mkdir()
    Path("p/project.toml").write_text(text.format("00:59:58:00"))
    told = facts(plan("p", "--json"))
    assert told["shots"][0]["medium"]["first"] == 48
    assert [item["kind"] for item in told["findings"] if item["severe"]] == ["range"] * 3


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_checksums(plan: Plan, kind: str) -> None:
    value = hashlib.new(kind, Path("scans/R1.mkv").read_bytes()).hexdigest()
    Path(f"scans/R1.mkv.{kind}").write_text(f"{value} *R1.mkv\n")
    words = ("cut.edl", "--media", "scans", "--verify-hash", "--strict")
    told = facts(plan(*words, "--json"))
    assert told["media"][0]["hashed"] == f"{kind} of 1 file"
    assert told["media"][0]["verdict"] == "ok"
    Path(f"scans/R1.mkv.{kind}").write_text("0" * len(value))
    code, _, err = plan(*words)
    assert code == 3
    assert f"the {kind} of R1.mkv is {value}" in err


def test_a_checksum_in_the_project(plan: Plan) -> None:
    text = '[source]\ninput = "../cut.edl"\nmedia = ["../scans"]\n[[media]]\nfile = "R1.mkv"\nmd5 = "abc"\n'
    Path("p").mkdir()
    Path("p/project.toml").write_text(text)
    told = facts(plan("p", "--verify-hash", "--json"))
    assert told["media"][0]["verdict"] == "fails"
    assert "project.toml says abc" in told["media"][0]["findings"][0]


def test_media_of_another_rate(plan: Plan, movie: Callable[..., None]) -> None:
    movie(Path("scans/R1.mkv"), 60)
    words = ("cut.edl", "--media", "scans", "--rate", "25", "--preset", "none", "--json")
    assert facts(plan(*words))["media"][0]["verdict"] == "fails"
    told = facts(plan(*words, "--media-rate-rule", "frames"))
    assert told["media_rate_rule"]["rule"] == "frames"
    assert told["media"][0]["played"].startswith("played frame for frame")
    reel = open_reel(open_project(Path("cut.edl"), None, _given(rate="25", rule="frames"), save=False))
    assert [shot["medium"]["first"] for shot in told["shots"]] == [item.first for item in reel.bound]
    assert reel.source().fps == Fraction(25)
    code, _, err = plan("cut.edl", "--media-rate-rule", "slow")
    assert code == 2
    assert "must be time or frames" in err


def _given(*, rate: str, rule: str) -> dict[str, Any]:
    return {"media": ["scans"], "rate": rate, "media_rate_rule": rule, "preset": "none"}


def test_frames_are_those_that_are_rendered(plan: Plan) -> None:
    told = plan("cut.edl", "--media", "scans", "--preset", "none", "--frames", "--json")
    assert told[0] == 0
    rows = [json.loads(line) for line in told[1].splitlines()]
    reel = open_reel(open_project(Path("cut.edl"), None, {"media": ["scans"], "preset": "none"}, save=False))
    scan = open_media(Path("scans/R1.mkv")).video
    assert len(rows) == len(reel.source()) == 48
    for row in rows[::7]:
        assert row["file"].endswith("R1.mkv")
        with reel.source().get_frame(row["record"]) as ours, scan.get_frame(row["index"]) as theirs:
            assert bytes(memoryview(ours[0]).tobytes()) == memoryview(theirs[0]).tobytes()


def test_frames_of_a_transition_and_a_speed_without_media(plan: Plan) -> None:
    Path("fades.edl").write_text(DISSOLVE)
    told = plan("fades.edl", "--media", "empty", "--frames", "--json")
    rows = [json.loads(line) for line in told[1].splitlines()]
    assert len(rows) == 22
    assert [row["source_timecode"] for row in rows[8:13]] == [
        "01:00:00:08",
        "01:00:00:09",
        "02:00:00:00",
        "02:00:00:00",
        "02:00:00:01",
    ]
    fade = rows[10]["from"]
    assert (fade["source"], fade["source_timecode"], fade["weight"]) == ("A001", "01:00:00:10", "4/5")
    assert rows[13]["from"]["weight"] == "1/5"
    assert rows[14]["from"] is None
    assert rows[10]["index"] is None
    shot = facts(plan("fades.edl", "--media", "empty", "--json"))["shots"][1]
    assert (shot["speed"], shot["transition"]["kind"], shot["transition"]["frames"]) == ("1/2", "dissolve", 4)
    assert shot["transition"]["from"]["source"]["reel"] == "A001"
    assert [item["source"] for item in facts(plan("fades.edl", "--media", "empty", "--json"))["findings"]] == [
        "A001",
        "B001",
        "A001",
    ]


def test_frames_as_a_table_and_as_csv(plan: Plan) -> None:
    code, out, _ = plan("cut.edl", "--media", "scans", "--frames")
    assert code == 0
    lines = out.splitlines()
    assert lines[1].split()[:4] == ["record", "timecode", "shot", "source"]
    assert lines[2 + 33].split() == [
        "33",
        "01:00:01:09",
        "R1@01:00:01:08",
        "R1",
        "86433",
        "01:00:01:09",
        "R1.mkv",
        "33",
    ]
    before = here()
    code, out, _ = plan("cut.edl", "--media", "scans", "--frames", "--csv", "-")
    assert here() == before
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 48
    assert (rows[33]["index"], rows[33]["from_source"]) == ("33", "")
    code, out, _ = plan("cut.edl", "--media", "scans", "--frames", "--csv", "frames.csv")
    assert (code, out) == (0, "")
    assert len(Path("frames.csv").read_text().splitlines()) == 49


def test_what_was_tolerated_stands_with_its_shot(plan: Plan) -> None:
    text = Path("cut.edl").read_text().replace("* FROM CLIP NAME: end", "* FROM CLIP NAME: end\n??? what is this")
    Path("cut.edl").write_text(text)
    told = facts(plan("cut.edl", "--media", "empty", "--json"))
    assert [len(shot["remarks"]) for shot in told["shots"]] == [0, 0, 1]
    assert told["shots"][2]["remarks"][0].startswith("line 11: ")
    assert any("frame rate" in remark["text"] for remark in told["remarks"])


def test_shot_lists_and_pictures_are_written_where_asked(plan: Plan) -> None:
    words = ("cut.edl", "--media", "scans", "--csv", "s.csv", "--toml", "s.toml", "--thumbnails", "small", "--json")
    told = facts(plan(*words))
    assert all(Path(shot["thumbnail"]).stat().st_size > 100 for shot in told["shots"])
    assert len(Path("s.csv").read_text().splitlines()) >= 4
    assert "R1@01:00:00:20" in Path("s.toml").read_text()
    assert not Path("cut.vsfr").exists()


def test_a_project_is_written_where_it_is_named(plan: Plan) -> None:
    assert plan("cut.edl", "--media", "scans", "--project", "p")[0] == 0
    assert Path("p/project.toml").is_file()


def test_a_film_without_a_cut_list(plan: Plan) -> None:
    before = here()
    told = facts(plan("scans/R1.mkv", "--json"))
    assert here() == before
    assert told["shots"][0]["medium"]["linked_by"] == "itself"
    assert sum(shot["record"]["frames"] for shot in told["shots"]) == 48
    assert told["findings"] == []


def test_a_project_never_runs_a_script_among_its_media(plan: Plan) -> None:
    Path("p").mkdir()
    Path("evil.vpy").write_text('open("ran", "w")\n')
    Path("p/project.toml").write_text('[source]\ninput = "../cut.edl"\nmedia = ["../evil.vpy"]\n')
    code, _, err = plan("p")
    assert code == 2
    assert "scripts run only when you name them" in err
    assert not Path("ran").exists()


def test_a_long_edl_is_planned_quickly(plan: Plan) -> None:
    lines = ["TITLE: LONG", "FCM: NON-DROP FRAME"]
    for n in range(3000):
        minutes, seconds = divmod(n, 60)
        at = f"{1 + minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
        start, stop = f"{at}:00", f"{at}:23"
        lines.append(f"{n + 1:06d}  A{n % 40:03d}  V  C  {start} {stop} {start} {stop}")
        lines.append(f"* FROM CLIP NAME: SC {n % 700}")
    Path("long.edl").write_text("\n".join(lines) + "\n")
    begin = time.process_time()
    told = facts(plan("long.edl", "--media", "empty", "--json"))
    assert time.process_time() - begin < 6  # 1 second where nothing else runs
    assert len(told["shots"]) == 3000 + 2999  # a frame of black between all


RANGED = """Name,Start,End
VSFR key dust=0.2,01:00:00:00,01:00:00:01
VSFR key dust=0.8,01:00:00:16,01:00:00:17
VSFR scratch=off,01:00:00:04,01:00:00:08
VSFR off,01:00:01:00,01:00:01:04
"""


def test_keys_and_ranges_stand_below_their_shot(small_reel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small_reel / "m.csv").write_text(RANGED)
    words = ["--media", str(small_reel / "scans"), "--markers", str(small_reel / "m.csv"), "--preset", "none"]
    words += ["--set", "scratch=0.5"]
    assert main(["plan", str(small_reel / "cut.edl"), *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    table = [line.split() for line in lines if line.startswith((" opening", "   key", "   range", " fight-03", " end"))]
    heads = [row[: 3 if row[0] not in ("key",) else 2] for row in table]
    assert heads == [
        ["opening", "01:00:00:00", "20"],
        ["key", "01:00:00:00"],
        ["key", "01:00:00:16"],
        ["range", "01:00:00:04", "4"],
        ["fight-03", "01:00:00:20", "12"],
        ["range", "01:00:01:00", "4"],
        ["end", "01:00:01:08", "16"],
    ]
    assert "untouched" in table[5]
    assert "…" in table[3] or any("…" in line for line in lines)


def test_several_marker_lists(small_reel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small_reel / "more.csv").write_text("Name,Start,End\nVSFR grain=0.2,01:00:01:20,01:00:01:20\n")
    lists = [str(small_reel / "markers.edl"), str(small_reel / "more.csv")]
    words = ["--media", str(small_reel / "scans"), "--markers", lists[0], "--markers", lists[1]]
    folder = small_reel / "p"
    assert main(["plan", str(small_reel / "cut.edl"), *words, "--project", str(folder), "--json"]) == 0
    shots = json.loads(capsys.readouterr().out)["shots"]
    assert "deflicker" not in [step["name"] for step in shots[2]["parts"][0]["steps"]]
    assert shots[2]["parts"][0]["steps"][-1]["origin"].startswith("more.csv:2")
    file = folder / "project.toml"
    assert 'markers = ["../markers.edl", "../more.csv"]' in file.read_text()
    file.write_text(file.read_text().replace('["../markers.edl", "../more.csv"]', '"../more.csv"'))
    assert main(["plan", str(folder), "--json"]) == 0
    shots = json.loads(capsys.readouterr().out)["shots"]
    assert "deflicker" in [step["name"] for step in shots[2]["parts"][0]["steps"]]


def test_lists_are_printed_alone(plan: Plan) -> None:
    before = here()
    code, out, _ = plan("cut.edl", "--csv", "-")
    assert code == 0
    assert [row["name"] for row in csv.DictReader(io.StringIO(out)) if row["kind"] == "shot"][1] == "fight-03"
    code, out, _ = plan("cut.edl", "--toml", "-")
    assert code == 0
    assert "R1@01:00:00:20" in tomllib.loads(out)["shots"]
    for words in (("--json", "--csv", "-"), ("--csv", "-", "--toml", "-"), ("--frames", "--json", "--toml", "-")):
        code, out, err = plan("cut.edl", *words)
        assert (code, out) == (2, "")
        assert "only one can be printed" in err
    assert here() == before


@pytest.mark.parametrize(
    ("name", "words"),
    [("cut.prproj", "Premiere Pro"), ("cut.drp", "Resolve"), ("cut.ale", "an Avid log"), ("A.AVB", "bin")],
)
def test_projects_of_editing_programs_are_no_cut_lists(plan: Plan, name: str, words: str) -> None:
    Path(name).write_text("x")
    code, out, err = plan(name)
    assert (code, out) == (3, "")
    assert words in err
    assert "Export" in err
    assert err.count("\n") == 1
