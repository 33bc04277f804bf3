"""Verdicts about repairs: what they are about, what they change, and the file they stand in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pytest
import vapoursynth as vs
from hypothesis import given
from hypothesis import strategies as st

from vsfilmrestore.filters.masks import apply_repair
from vsfilmrestore.media.props import changed_prop, history_prop, mask_prop
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.history_file import Moment, unframed
from vsfilmrestore.render.history_pixels import PixelFormat, look, unpack
from vsfilmrestore.render.history_watch import Watch
from vsfilmrestore.render.verdicts import ACCEPT, REJECT, Verdict, Verdicts, source_names, taken_back

core = vs.core

numbers = st.integers(0, 40)
rows = st.builds(
    Verdict,
    say=st.sampled_from([REJECT, ACCEPT]),
    source=st.sampled_from(["", "R1.mkv", 'a "b" \\ c/ü\t\x7f.mkv']),
    kind=st.sampled_from(["", "remove_dirt", "remove_scratches"]),
    frames=st.none() | st.tuples(numbers, numbers).map(lambda pair: (min(pair), max(pair))),
    region=st.none()
    | st.sampled_from([(1.0, 2.0, 30.5, 40.0), ("10%", "0%", "20%", "5.5%"), ((1.0, 1.0), (9.0, 1.0), (5.0, 8.0))]),
    note=st.sampled_from(["", "why\nnot", "# '''"]),
)


@given(st.lists(rows, max_size=6))
def test_the_file_says_what_was_written(tmp_path_factory: pytest.TempPathFactory, said: list[Verdict]) -> None:
    path = tmp_path_factory.getbasetemp() / "repairs.toml"
    path.unlink(missing_ok=True)
    Verdicts(tuple(said)).write(path)
    assert Verdicts.read(path).rows == tuple(said)


PIXELS = np.zeros((48, 64), np.uint8)
PIXELS[5:9, 5:9] = PIXELS[20:40, 10:12] = PIXELS[20, 12:40] = PIXELS[44, 60] = 255
REPAIRED, LABELS = look(PIXELS, [], PixelFormat(1, 0))


def back(said: Verdicts, kind: str, frame: int) -> Any:
    fitting = said.of(PurePath("/x/R1.mkv")).fitting(kind, Moment(frame))
    return taken_back(fitting, (64, 48), REPAIRED.box, LABELS, REPAIRED.blobs)


@given(
    st.lists(rows, max_size=5), st.lists(rows, min_size=1, max_size=3), st.sampled_from(["remove_dirt", "x"]), numbers
)
def test_what_is_left_out_as_settled_decided_nothing(
    before: list[Verdict], new: list[Verdict], kind: str, frame: int
) -> None:
    plain = Verdicts((*before, *new))
    assert np.array_equal(back(plain, kind, frame), back(Verdicts(tuple(before)).said(new), kind, frame))
    assert np.array_equal(back(plain, kind, frame), back(Verdicts().said([*before, *new]), kind, frame))


@given(st.lists(rows, max_size=4), st.integers(0, 40), st.integers(0, 8))
def test_keys_know_every_verdict_that_takes_something_back(said: list[Verdict], low: int, more: int) -> None:
    verdicts = Verdicts(tuple(said)).of(PurePath("/x/R1.mkv"))
    touched = any(back(verdicts, "remove_dirt", n).any() for n in range(low, low + more + 1))
    assert not touched or verdicts.within("remove_dirt", low, low + more)


def one(n: int, **more: Any) -> Verdict:
    x, y, left, top, right, bottom, _ = (int(values[n]) for values in REPAIRED.blobs)
    return Verdict(REJECT, "R1.mkv", "remove_dirt", (3, 3), None, (x, y), (left, top, right, bottom), **more)


def test_a_single_repair_is_found_by_its_first_pixel_or_its_place() -> None:
    assert len(REPAIRED.blobs.x) == 3
    for n in range(3):
        gone = back(Verdicts((one(n),)), "remove_dirt", 3)
        assert (gone == (n + 1 == LABELS)).all()
    moved = Verdict(REJECT, "", "", None, None, (5, 4), (5, 4, 9, 9))
    assert np.array_equal(back(Verdicts((moved,)), "remove_dirt", 3), LABELS == 1)
    elsewhere = Verdict(REJECT, "", "", None, None, (5, 1), (5, 1, 9, 6))
    assert not back(Verdicts((elsewhere,)), "remove_dirt", 3).any()
    other_frame = Verdict(REJECT, "", "", (4, 4), None, one(0).blob, one(0).box)
    assert not back(Verdicts((other_frame,)), "remove_dirt", 3).any()


def test_exceptions_come_last() -> None:
    said = Verdicts().said([Verdict(kind="remove_dirt")]).said([Verdict(ACCEPT, region=(0.0, 0.0, 20.0, 48.0))])
    gone = back(said, "remove_dirt", 0)
    assert np.argwhere(gone)[:, 1].min() + REPAIRED.box[0] == 20
    assert not back(said, "remove_scratches", 0).any()
    assert not Verdicts().said([Verdict(ACCEPT)])
    assert not said.said([Verdict(ACCEPT)])


def test_media_of_one_name_are_told_apart() -> None:
    paths = [Path("/f/a/scan.mov"), Path("/f/b/scan.mov"), Path("/f/R1.mkv")]
    names = source_names(paths)
    assert list(names.values()) == ["a/scan.mov", "b/scan.mov", "R1.mkv"]
    for path, name in names.items():
        assert [other for other in paths if Verdict(source=name).about(other)] == [path]


FORMATS = [vs.GRAY8, vs.YUV420P8, vs.YUV422P10, vs.YUV444P16, vs.RGB48, vs.GRAYS, vs.YUV420PS]


def noise(fmt: int, seed: int, length: int = 5) -> vs.VideoNode:
    about = core.get_video_format(fmt)

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for plane in range(about.num_planes):
            target = np.asarray(frame[plane])
            values = np.random.default_rng((seed, n, plane)).random(target.shape)
            if about.sample_type == vs.INTEGER:
                values *= (1 << about.bits_per_sample) - 1
            np.copyto(target, values.astype(target.dtype))
        return frame

    blank = core.std.BlankClip(format=fmt, width=96, height=64, length=length, keep=True)
    return core.std.ModifyFrame(blank, blank, draw)


def repaired(name: str, clip: vs.VideoNode, share: float, protect: Sequence[Any] = ()) -> vs.VideoNode:
    """A step that paints noise over blobs; over none in the last frame."""

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        spots = np.random.default_rng(n).random((16, 24)) < (share if n < 4 else 0)
        np.copyto(np.asarray(frame[0]), np.kron(spots, np.ones((4, 4), np.uint8)) * np.uint8(255))
        return frame

    blank = core.std.BlankClip(clip, format=vs.GRAY8, keep=True)
    mask = core.std.ModifyFrame(blank, blank, draw)
    return apply_repair(name, clip, noise(clip.format.id, 9), mask, protect=protect)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: core.get_video_format(fmt).name)
def test_a_step_that_is_watched_makes_what_it_would_with_the_area_protected(fmt: int) -> None:
    clip, area = noise(fmt, 1), (21, 13, 71, 50)
    (step,) = Recipe().with_(remove_dirt=0.9)
    close = Watch(True, Verdicts((Verdict(region=area, frames=(101, 103)),))).close(step)
    assert close is not None
    plain, protected = repaired("remove_dirt", clip, 0.1), repaired("remove_dirt", clip, 0.1, [area])
    watched = close(clip, plain, 100, 1)
    took = 0
    for n in range(clip.num_frames):
        before, made = clip.get_frame(n), watched.get_frame(n)
        wanted = (protected if 1 <= n <= 3 else plain).get_frame(n)
        for p in range(made.format.num_planes):
            assert np.asarray(made[p]).tobytes() == np.asarray(wanted[p]).tobytes()
        names = mask_prop("remove_dirt"), changed_prop("remove_dirt")
        assert np.array_equal(np.asarray(made.props[names[0]][0]), np.asarray(wanted.props[names[0]][0]))  # type: ignore[index]
        assert made.props[names[1]] == pytest.approx(wanted.props[names[1]])
        data = made.props.get(history_prop("remove_dirt", 0))
        assert (data is not None) == (plain.get_frame(n).props[names[1]] > 0)  # type: ignore[operator]
        if data is None:
            continue
        moment, (_, _, lost), packed = unframed(data)  # type: ignore[arg-type]
        assert moment == Moment(100 + n)
        took += lost
        planes = [np.asarray(plain.get_frame(n)[p]).copy() for p in range(made.format.num_planes)]
        unpack(packed).restore(planes)
        assert all(plane.tobytes() == np.asarray(before[p]).tobytes() for p, plane in enumerate(planes))
    assert took


def test_what_nobody_watches_costs_nothing() -> None:
    steps = list(Recipe.preset("archive").with_(grain=0.3))
    assert [step.name for step in steps if Watch().close(step) is not None] == []
    marked = [step.name for step in steps if Watch(True).close(step) is not None]
    assert {"repair_frames", "remove_dirt", "remove_scratches"} <= set(marked)
    assert not {"stabilize", "deflicker"} & set(marked)
    only = Watch(verdicts=Verdicts((Verdict(kind="remove_dirt"),)))
    assert [step.name for step in steps if only.close(step) is not None] == ["remove_dirt"]
    (shown,) = Recipe().with_(remove_dirt={"strength": 0.5, "show": "mask"})
    assert Watch(True).close(shown) is None


def test_a_picture_made_anew_is_no_repair() -> None:
    clip = noise(vs.GRAY8, 1)
    (step,) = Recipe().with_(denoise={"strength": 0.9, "protect": [(0, 0, 10, 10)]})
    close = Watch(True).close(step)
    assert close is not None
    for share, kept in ((0.1, True), (0.5, False)):
        made = close(clip, repaired("denoise", clip, share), 0, 1).get_frame(2)
        assert made.props[changed_prop("denoise")] == pytest.approx(share, abs=0.1)
        assert (history_prop("denoise", 0) in made.props) == kept
