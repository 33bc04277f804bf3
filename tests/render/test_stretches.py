"""What decides a picture: pieces of different cuts with one key show the same, and what may differ has another key."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from tests.conftest import write_movie
from tests.filters.generative import INVENTING, with_inventing
from tests.filters.networks import MODELS, make_zoo
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.media.source import Media, open_media
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.pieces import Piece, plan_pieces
from vsfilmrestore.render.reel import Reel
from vsfilmrestore.render.walls import WalledStep, behind_walls

core = vs.core

ANYTHING = {
    "interpolate": {"fps": 48},
    "repair_frames": {"frames": "60,90-91"},
    "deinterlace": {"field_order": "top"},
} | INVENTING


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Media:
    path = tmp_path_factory.mktemp("film") / "R1.mkv"
    write_movie(path, 200, width=96, height=64, audio=False)
    return open_media(path)


def pieces_of(reel: Reel, factor: int = 1) -> list[Piece]:
    return plan_pieces(reel, factor, ["ffv1"])


def keys(reel: Reel) -> list[str]:
    return [piece.key for piece in pieces_of(reel)]


def md5s(clip: vs.VideoNode, numbers: Sequence[int]) -> list[str]:
    found = []
    for n in numbers:
        frame = clip.get_frame(n)
        planes = (np.ascontiguousarray(np.asarray(frame[p])).tobytes() for p in range(frame.format.num_planes))
        found.append(hashlib.md5(b"".join(planes), usedforsecurity=False).hexdigest())
    return found


def shared(film: Media, recipe: Recipe, one: Sequence[int], other: Sequence[int]) -> int:
    """Frames whose pieces have one key in both cuts; their pictures must be the same."""
    reels = [Reel.of_medium(film, cuts=cuts, recipe=recipe) for cuts in (one, other)]
    clips = [reel.restored() for reel in reels]
    factor = clips[0].num_frames // film.video.num_frames
    first, second = ({piece.key: piece for piece in pieces_of(reel, factor)} for reel in reels)
    alike = [(first[key], second[key]) for key in first if key in second]
    for a, b in alike:
        assert md5s(clips[0], range(a.first, a.stop)) == md5s(clips[1], range(b.first, b.stop)), (a.first, a.stop)
    return sum(len(a) for a, _ in alike) // factor


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    zoo = make_zoo(tmp_path, monkeypatch)
    with_inventing(tmp_path, monkeypatch)
    return zoo


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize("name", [name for name, spec in FILTERS.items() if spec.depends != "clip"])
def test_a_piece_found_again_in_another_cut_has_the_pictures_it_would_get_there(film: Media, name: str) -> None:
    settings = {"model": MODELS[name]} if name in MODELS else ANYTHING.get(name, True)
    recipe = Recipe().with_steps({name: settings})
    if name == "regrain":
        recipe = Recipe().with_steps({"regrain": {"amount": 6.0}})
    assert shared(film, recipe, [], [13, 170]) >= 48


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["archive", "kungfu", "cel"])
def test_presets_give_the_same_pictures_in_another_cut(film: Media, preset: str) -> None:
    assert shared(film, Recipe.preset(preset), [], [5, 197]) >= 48


def test_grain_over_frames_that_were_made_between_others_goes_by_the_source_too(film: Media) -> None:
    recipe = Recipe().with_steps({"interpolate": {"fps": 48}, "regrain": {"amount": 6.0}})
    assert shared(film, recipe, [], [13, 170]) >= 48


def test_frames_made_between_others_have_grain_of_their_own() -> None:
    grey = core.std.BlankClip(format=vs.GRAY8, width=64, height=48, length=6, color=128)
    recipe = Recipe().with_steps({"interpolate": {"fps": 48}, "regrain": {"amount": 6.0}})
    steps = [WalledStep(s.reach, s.apply, s.filter.one_sided, s.filter.depends == "number") for s in recipe]
    assert len(set(md5s(behind_walls(grey, (0, 0), steps, first=90), range(12)))) == 12


def test_stretches_that_see_the_end_of_their_shot_are_made_again_when_it_moves(film: Media) -> None:
    recipe = Recipe().with_steps({"stabilize": {"window": 10}})
    whole, cut = (pieces_of(Reel.of_medium(film, cuts=cuts, recipe=recipe)) for cuts in ([], [86]))
    assert [(piece.first, piece.stop) for piece in whole] == [(0, 48), (48, 96), (96, 144), (144, 192), (192, 200)]
    assert [(p.first, p.stop) for p in cut] == [(0, 48), (48, 86), (86, 96), (96, 144), (144, 192), (192, 200)]
    again = {piece.key for piece in whole} & {piece.key for piece in cut}
    assert [piece.first for piece in cut if piece.key in again] == [0, 96, 144, 192]
    near = pieces_of(Reel.of_medium(film, cuts=[87], recipe=recipe))  # now 96 sees the end
    assert [piece.first for piece in near if piece.key in again] == [0, 144, 192]


def test_steps_that_look_at_the_whole_clip_are_never_found_in_another_cut(film: Media) -> None:
    recipe = Recipe().with_steps({"inverse_telecine": {"field_order": "top"}})
    assert not set(keys(Reel.of_medium(film, recipe=recipe))) & set(keys(Reel.of_medium(film, cuts=[3], recipe=recipe)))


def test_another_recipe_is_another_piece(film: Media) -> None:
    a, b = (Recipe().with_steps({"remove_dirt": dose}) for dose in (0.5, 0.6))
    assert not set(keys(Reel.of_medium(film, recipe=a))) & set(keys(Reel.of_medium(film, recipe=b)))


def test_the_same_frames_shown_twice_have_one_key(small_reel: Path) -> None:
    edl = """TITLE: TWICE
001  R1       V     C        01:00:00:00 01:00:01:00 01:00:00:00 01:00:01:00
002  R1       V     C        01:00:00:00 01:00:01:00 01:00:01:00 01:00:02:00
"""
    (small_reel / "twice.edl").write_text(edl)
    reel = Reel.open(small_reel / "twice.edl", media=small_reel / "scans", rate=24)
    one, two = keys(reel)
    assert one == two


def slow(film: Media, first: str, length: str) -> Reel:
    """Half speed from a timecode on."""
    edl = f"""TITLE: SLOW
001  R1       V     C        {first} 01:00:05:00 01:00:00:00 {length}
M2   R1       012.0                {first}
"""
    path = film.path.with_name("slow.edl")
    path.write_text(edl)
    return Reel.open(path, media=film.path, rate=24, preset="none")


def test_a_slowed_shot_is_cut_by_the_frames_of_its_source_too(film: Media) -> None:
    whole, trimmed = slow(film, "01:00:00:00", "01:00:08:00"), slow(film, "01:00:00:10", "01:00:07:04")
    assert [(piece.first, piece.stop) for piece in pieces_of(whole)] == [(0, 96), (96, 192)]
    assert [(piece.first, piece.stop) for piece in pieces_of(trimmed)] == [(0, 76), (76, 172)]
    assert [a == b for a, b in zip(keys(whole), keys(trimmed), strict=True)] == [False, True]
    assert md5s(whole.restored(), range(96, 192)) == md5s(trimmed.restored(), range(76, 172))


def dissolving(film: Media, length: int, tail: int) -> Reel:
    edl = f"""TITLE: FADE
001  R1       V     C        01:00:00:00 01:00:02:00 01:00:00:00 01:00:02:00
002  R1       V     C        01:00:02:00 01:00:02:00 01:00:02:00 01:00:02:00
002  R1       V     D    {length:03}  01:00:04:00 01:00:06:{tail:02} 01:00:02:00 01:00:04:{tail:02}
"""
    path = film.path.with_name("fade.edl")
    path.write_text(edl)
    return Reel.open(path, media=film.path, rate=24, preset="none")


def test_a_dissolve_is_a_stretch_of_its_own(film: Media) -> None:
    short, long, later = dissolving(film, 12, 0), dissolving(film, 20, 0), dissolving(film, 12, 7)
    assert [(p.first, p.stop) for p in pieces_of(short)] == [(0, 48), (48, 60), (60, 96)]
    assert [a == b for a, b in zip(keys(short), keys(long), strict=True)] == [True, False, False]
    assert [a == b for a, b in zip(keys(short), keys(later), strict=False)] == [True, True, True]
