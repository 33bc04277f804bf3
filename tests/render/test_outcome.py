"""What came of it: the result is measured as the source was, once, and told beside it."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vapoursynth as vs

from tests.render.test_report import EDL, GIVEN, Shown, write_scan
from vsfilmrestore.assess.colours import fade_of
from vsfilmrestore.assess.measure import assess_clip
from vsfilmrestore.assess.results import Assessment, FrameMeasures, ShotMeasures, SourceFacts
from vsfilmrestore.assess.stored import read_assessment, write_assessment
from vsfilmrestore.cli.main import main
from vsfilmrestore.errors import ProjectError
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.media.out.profiles import PROFILES
from vsfilmrestore.render.executor import render
from vsfilmrestore.render.job import open_project, open_reel
from vsfilmrestore.render.ledger import Done
from vsfilmrestore.render.pieces import Piece
from vsfilmrestore.render.report import outcome, write_report
from vsfilmrestore.render.report.comparison import COMPARED, pairs_of_film, pairs_of_shot
from vsfilmrestore.render.report.latest import Latest, Made
from vsfilmrestore.render.report.outcome_kept import FILE, Kept, KeptShot
from vsfilmrestore.render.report.summary_part import DONE
from vsfilmrestore.render.report.words import brief

core = vs.core


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """A film that was assessed, restored and measured again; its second shot is left alone."""
    folder = tmp_path_factory.mktemp("outcome")
    write_scan(folder / "scans" / "R1.mkv")
    (folder / "cut.edl").write_text(EDL)
    given = {**GIVEN, "media": [str(folder / "scans")], "output": str(folder / "out.mkv")}
    project = open_project(folder / "cut.edl", folder / "p", given)
    reel = open_reel(project)
    write_assessment(project.folder, "k", assess_clip(reel.source(), cuts=[6]))
    done = render(reel, project, folder / "out.mkv", PROFILES["ffv1"])
    write_report(project, reel, done, measure="all")
    return Shown(project, project.reports)


def test_the_result_is_measured_as_the_source_was(measured: Shown) -> None:
    one, two = measured.facts["shots"]
    assert one["measured"]["dirt.density"] >= 1
    assert one["measured_after"]["dirt.density"] < 0.5 * one["measured"]["dirt.density"]
    assert set(one["measured_after"]) == {name for name in one["measured"] if name != "transition"}
    assert two["measured_after"] is None, "nothing was done to it"
    assert measured.facts["compared_shots"] == {"treated": 1, "measured": 1}
    dirt = measured.facts["compared"]["dirt"]
    assert dirt == one["compared"]["dirt"]
    assert dirt["before"] > dirt["after"]


def test_what_was_written_is_what_is_measured(measured: Shown) -> None:
    """A shot that nothing changes measures as before: the same estimators see the same pixels."""
    reel = open_reel(measured.project)
    latest = Latest.of(measured.project)
    assert latest is not None
    known = read_assessment(measured.project.folder)
    assert known is not None
    assert outcome.measure_outcome(measured.project, latest, reel.cut, known, [1], bounded=False) == []
    found = outcome.outcome_of(measured.project, latest, reel.cut, known, [1])
    other = ("transition", "motion")  # what a shot begins with, and motion over its cut, are told by the reel
    before = {name: value for name, value in known.shots[1].values.items() if not name.startswith(other)}
    assert (found.shots[1].first, found.shots[1].stop) == (6, 12)
    assert {name: found.shots[1].values[name] for name in before} == before
    for name in ("flicker", "weave.x", "luma.low"):
        assert found.columns[name][6:] == pytest.approx(known.frames[name][6:], rel=1e-4, nan_ok=True), name
        assert np.isnan(found.columns[name][:6]).all()


def test_tables_have_both_sides(measured: Shown) -> None:
    rows = list(csv.DictReader((measured.folder / "shots.csv").open()))
    assert float(rows[0]["dirt_before"]) > float(rows[0]["dirt_after"])
    assert rows[1]["dirt_after"] == ""
    frames = list(csv.DictReader((measured.folder / "frames.csv").open()))
    low = [(row["measured_luma_low_before"], row["measured_luma_low_after"]) for row in frames]
    assert all(before and after for before, after in low)
    assert all(before == after for before, after in low[6:]), "what was left alone is as it was"
    assert any(before != after for before, after in low[:6])


def test_it_is_measured_once(measured: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("measured again")

    monkeypatch.setattr("vsfilmrestore.assess.one_shot.look_at_shot", never)
    assert main(["report", str(measured.project.folder), "-o", str(tmp_path), "--measure"]) == 0
    again = Shown(measured.project, tmp_path)
    assert again.facts["shots"] == measured.facts["shots"]
    assert again.facts["compared"] == measured.facts["compared"]


def test_without_the_measures_it_says_so(measured: Shown, tmp_path: Path) -> None:
    kept = measured.project.folder / FILE
    away = kept.rename(kept.with_name("away"))
    try:
        write_report(measured.project, open_reel(measured.project), folder=tmp_path)
        told = Shown(measured.project, tmp_path)
        assert not kept.exists(), "nothing was asked for"
    finally:
        away.rename(kept)
    assert told.facts["shots"][0]["measured_after"] is None
    assert told.facts["compared"]["dirt"]["after"] is None
    assert "The result was not measured; report --measure does it." in told.page


class _Stub:
    """Stands in for files that were written."""

    def __init__(self, clips: dict[str, vs.VideoNode]) -> None:
        self.clips = clips

    def clip(self, made: Made) -> vs.VideoNode | None:
        return self.clips.get(made.piece.key)


def pieces_of(*parts: tuple[str, int, int], factor: int) -> list[Made]:
    return [
        Made(Piece(key, "s", "", first, stop, factor=factor), Done(key, "s", first, stop, "", 0, 10.0))
        for key, first, stop in parts
    ]


def work_on(pieces: Sequence[Made], clips: dict[str, vs.VideoNode]) -> outcome._Work:
    latest = Latest(tuple(pieces), {})
    return outcome._Work(latest, None, (160, 112), _Stub(clips), None, 0)  # type: ignore[arg-type]


def test_more_frames_and_pixels_are_brought_back_to_those_of_the_source() -> None:
    pieces = pieces_of(("a", 4, 8), ("b", 8, 10), factor=2)
    large = core.std.BlankClip(width=320, height=224, format=vs.YUV422P10, length=10)
    large = large.akarin.Expr([f"N {v} *" for v in (40, 0, 0)])
    clip = work_on(pieces, {"a": large[4:8], "b": large[8:]})._clip(pieces)
    assert (clip.width, clip.height, len(clip), clip.format.bits_per_sample) == (160, 112, 3, 16)
    levels = [round(float(np.asarray(frame[0]).mean())) >> 6 for frame in clip.frames()]
    assert levels == [160, 240, 320], "every second frame"


def test_what_cannot_be_measured_is_a_sentence() -> None:
    pieces = pieces_of(("a", 0, 4), factor=1)
    wide = core.std.BlankClip(width=320, height=112, format=vs.GRAY8, length=4)
    with pytest.raises(outcome._CannotBeMeasuredError, match="320x112 pixels, the source 160x112"):
        work_on(pieces, {"a": wide})._clip(pieces)
    with pytest.raises(outcome._CannotBeMeasuredError, match="not where it was written"):
        work_on(pieces, {})._clip(pieces)


class _Cut:
    def __init__(self, lengths: Sequence[int]) -> None:
        self.shots = [type("Shot", (), {"record": range(length)}) for length in lengths]


def test_there_is_time_for_some_shots_spread_over_the_film() -> None:
    lengths = [100] * 60
    shots = tuple(ShotMeasures(100 * n, 100 * n + 100) for n in range(60))
    source = SourceFacts("f", 160, 112, 6000, "24", "Gray8")
    before = Assessment(source, shots, FrameMeasures(6000, {}), seconds=60.0)  # a second a shot
    cut: Any = _Cut(lengths)
    assert sorted(outcome._affordable(range(60), cut, before, 1e9)) == list(range(60))
    chosen = outcome._affordable(range(60), cut, before, 6.0)
    assert len(chosen) == 6
    assert max(np.diff([0, *sorted(chosen), 59])) < 20, "spread"
    assert len(outcome._affordable(range(60), cut, before, 0.7)) == 1
    assert outcome._affordable(range(60), cut, before, 0.3) == []
    assert outcome._affordable(range(60), cut, replace(before, seconds=0.0), 1e9) == []


def test_shots_are_kept_by_their_key(tmp_path: Path) -> None:
    nan = float("nan")
    look = np.linspace(0, 1, 3600, dtype=np.float32).reshape(30, 40, 3)
    shot = KeptShot(ShotMeasures(0, 2, {"grain.sigma": 2.5}), [("flicker", [0, 1], [nan, 1.5])], [look], 0.25)
    with Kept(tmp_path) as kept:
        kept.add("a", shot)
        assert kept.find("b") is None
    found = Kept.known(tmp_path, {7: "a", 8: "b"})
    assert set(found) == {7}
    assert found[7].measures == shot.measures
    assert found[7].seconds == 0.25
    (column,) = found[7].columns
    assert column[0] == "flicker"
    assert column[2] == pytest.approx([nan, 1.5], nan_ok=True)
    assert found[7].looks[0] == pytest.approx(look, abs=1e-3)


def test_a_file_that_is_none_of_ours_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"spoilt" * 1000)
    assert Kept.known(tmp_path, {7: "a"}) == {}
    with pytest.raises(ProjectError, match="measured again"):
        Kept(tmp_path)


def test_fade_of_the_result_is_that_of_all_shots_of_a_reel_together(measured: Shown) -> None:
    cut = open_reel(measured.project).cut
    chance = np.random.default_rng(3)
    looks = [chance.uniform(0.1, 0.9, (30, 40, 3)).astype(np.float32) for _ in range(4)]
    known = {n: KeptShot(ShotMeasures(0, 6, {"kind": "picture"}), (), looks[2 * n : 2 * n + 2]) for n in range(2)}
    source = SourceFacts("f", 160, 112, 12, "24", "RGB24")

    def before(values: dict[str, float | str]) -> Assessment:
        return Assessment(source, (ShotMeasures(0, 6, values), ShotMeasures(6, 12)), FrameMeasures(12, {}))

    found = outcome._faded(known, cut, before({"fade.red": 0.4}))
    assert found[0] == found[1]
    assert found[0]["fade.red"] == pytest.approx(fade_of([looks[0], looks[2], looks[1], looks[3]])["fade.red"])
    assert outcome._faded(known, cut, before({})) == {}, "nobody told fade of the source"


SURE = {"confidence.flicker": 1.0, "confidence.dirt": 1.0, "confidence.weave": 1.0, "confidence.fade": 0.9}


def told(pairs: Sequence[Any]) -> dict[str, tuple[float | None, float | None]]:
    return {pair.of.key: (pair.before, pair.after) for pair in pairs}


def test_what_is_told_stands_out_or_was_treated() -> None:
    before = {**SURE, "flicker": 4.0, "dirt.density": 0.2, "weave.x": 0.3, "weave.y": 0.4}
    after = {**SURE, "flicker": 0.5, "dirt.density": 0.0, "weave.x": 0.0, "weave.y": 0.1}
    assert told(pairs_of_shot(before, after)) == {"flicker": (4.0, 0.5), "weave": (0.5, 0.1)}
    assert told(pairs_of_shot(before, after, ["remove_dirt"]))["dirt"] == (0.2, 0.0)
    assert told(pairs_of_shot({**before, "confidence.flicker": 0.1}, after)).keys() == {"weave"}
    assert told(pairs_of_shot(before, None)) == {"flicker": (4.0, None), "weave": (0.5, None)}
    harmed = {**after, "dirt.density": 2.0}
    assert told(pairs_of_shot(before, harmed))["dirt"] == (0.2, 2.0), "harm is told as well"


def test_fade_is_told_where_there_is_some_and_undone_fade_too() -> None:
    dyes = {"fade.red": 0.4, "fade.green": 0.9, "fade.blue": 0.7, **SURE}
    whole = {"fade.red": 0.95, "fade.green": 1.0, "fade.blue": 0.9, "fade.delta_e": 0.0, "confidence.fade": 0.1}
    assert told(pairs_of_shot({**dyes, "fade.delta_e": 0.0}, whole)) == {}
    found = told(pairs_of_shot({**dyes, "fade.delta_e": 9.0}, whole))
    assert found["cyan_left"] == (pytest.approx(40), pytest.approx(95))


def test_the_film_is_told_by_shots_that_have_both_sides() -> None:
    def shot(flicker: float, torn: float) -> dict[str, float]:
        return {**SURE, "flicker": flicker, "frames.torn": torn, "frames.ruined": 0.0}

    rows = [(30, shot(3.0, 1), shot(1.0, 0)), (10, shot(6.0, 2), shot(1.0, 1)), (60, shot(50.0, 9), None)]
    found = told(pairs_of_film(rows, ["deflicker"]))
    assert found["flicker"] == (pytest.approx(((9 * 30 + 36 * 10) / 40) ** 0.5), 1.0)
    assert found["spoilt"] == (3, 1)
    alone = told(pairs_of_film([(30, shot(3.0, 0), None)], []))
    assert alone == {"flicker": (3.0, None)}


def test_every_step_has_words_anybody_knows() -> None:
    assert set(DONE) == set(FILTERS)
    assert all("{is}" in text or "{are}" in text for text in DONE.values())
    assert {step for each in COMPARED for step in each.treats} <= set(FILTERS)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.001, "0"), (0.129, "0.13"), (0.5, "0.5"), (2.62, "2.6"), (12.0, "12"), (126.4, "126"), (20, "20")],
)
def test_numbers_are_brief(value: float | None, text: str) -> None:
    assert brief(value) == text


def test_the_page_shows_it(measured: Shown) -> None:
    page = measured.page
    assert "Dirt was removed: " in page
    assert "Source and result were measured in the same way" in page
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    assert len(data["series"]) == page.count('class="value"')
