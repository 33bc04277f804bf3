"""Shots of an old cut found again in a new one, by source and frames alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsfilmrestore.timeline.recut import Footage, Kind, Match, Recut, match_cuts


def shot(first: int, stop: int, reel: str = "r1", pace: object = 1) -> Footage:
    return Footage(reel=reel, places={"timecode": (first, stop)}, pace=pace)


def kinds(recut: Recut) -> list[str]:
    return [f"{match.kind}, moved" if match.moved else str(match.kind) for match in recut.matches]


@pytest.mark.parametrize(
    ("new", "kind", "head", "tail"),
    [
        (shot(100, 200), Kind.SAME, 0, 0),
        (shot(110, 200), Kind.TRIMMED, -10, 0),
        (shot(120, 150), Kind.TRIMMED, -20, -50),
        (shot(90, 220), Kind.EXTENDED, 10, 20),
        (shot(105, 205), Kind.SLIPPED, -5, 5),
        (shot(100, 200, pace=2), Kind.RETIMED, 0, 0),
        (shot(200, 300), Kind.NEW, 0, 0),
        (shot(100, 200, "r2"), Kind.NEW, 0, 0),
        (None, Kind.GAP, 0, 0),
    ],
)
def test_what_became_of_a_shot(new: Footage | None, kind: Kind, head: int, tail: int) -> None:
    (match,) = match_cuts([shot(100, 200)], [new]).matches
    assert (match.kind, match.head, match.tail) == (kind, head, tail)


def test_a_shot_is_split_with_another_between_its_halves() -> None:
    found = match_cuts([shot(0, 100)], [shot(0, 40), shot(0, 9, "r2"), shot(60, 100)])
    assert kinds(found) == ["split", "new", "split"]
    assert [match.old for match in found.matches] == [(0,), (), (0,)]
    assert found.shots_of(0) == [0, 2]


def test_shots_are_merged_and_the_one_with_most_frames_comes_first() -> None:
    (match,) = match_cuts([shot(0, 40), shot(40, 100)], [shot(0, 100)]).matches
    assert match == Match(Kind.MERGED, (1, 0), (60, 40))


def test_a_cut_rolled_into_its_neighbour_merges_nothing() -> None:
    found = match_cuts([shot(0, 100), shot(100, 200)], [shot(0, 90), shot(90, 200)])
    assert kinds(found) == ["trimmed", "extended"]
    assert [match.old for match in found.matches] == [(0,), (1,)]


def test_what_is_shown_once_more() -> None:
    assert kinds(match_cuts([shot(0, 50)], [shot(0, 50), shot(0, 9, "r2"), shot(5, 45)])) == ["same", "new", "again"]


def test_of_shots_that_are_alike_the_second_is_the_second() -> None:
    found = match_cuts([shot(0, 50), shot(0, 9, "r2"), shot(0, 50)], [shot(0, 50), shot(0, 9, "r2"), shot(0, 50)])
    assert [match.old for match in found.matches] == [(0,), (1,), (2,)]
    assert kinds(found) == ["same"] * 3


def test_only_shots_out_of_their_row_have_moved() -> None:
    old = [shot(100 * i, 100 * i + 50) for i in range(5)]
    assert kinds(match_cuts(old, [old[0], old[3], old[1], old[2], old[4]])) == ["same", "same, moved", *["same"] * 3]
    assert kinds(match_cuts(old, [shot(0, 50, "x"), *old])) == ["new", *["same"] * 5]


def test_orphans_are_shots_that_nobody_shows() -> None:
    assert match_cuts([shot(0, 50), None, shot(100, 150)], [shot(20, 30)]).orphans == (2,)


def test_sources_of_another_format() -> None:
    """An EDL names a reel, an XML the file: the name is one."""
    places = {"timecode": (0, 50)}
    edl = Footage(reel="a001_c002", name="opening", places=places)
    xml = Footage(file="a001_c002", name="a001_c002", places=places)
    assert edl.is_of(xml)
    assert xml.is_of(edl)
    assert kinds(match_cuts([edl], [xml])) == ["same"]
    assert Footage(reel="a001c002", places=places).is_of(Footage(reel="a001c002_180213_r1", places=places))
    assert kinds(
        match_cuts([Footage(reel="a001c002", places=places)], [Footage(reel="a001c002_x", places=places)])
    ) == ["same"]
    assert not Footage(reel="a1", name="sc 1").is_of(Footage(reel="a2", name="sc 1"))
    assert not Footage(file="a", name="sc 1").is_of(Footage(file="b", name="sc 1"))
    assert Footage(name="sc 1").is_of(Footage(file="b", name="sc 1"))


def test_files_of_one_reel_without_timecode_are_not_one_source() -> None:
    one, other = (Footage(file=name, reel="a1", places={"frames": (0, 50)}) for name in ("x", "y"))
    assert kinds(match_cuts([one], [other])) == ["new"]


def test_a_file_without_timecode_may_have_one_from_nought_in_an_edit_list() -> None:
    otio = Footage(file="a", places={"frames": (10, 60), "count": (1500, 9000)}, part=150)
    edl = Footage(name="a", places={"timecode": (1500, 9000), "count": (1500, 9000)}, part=150)
    (match,) = match_cuts([otio], [edl]).matches
    assert (match.kind, match.shared) == (Kind.SAME, (50,))
    moved = Footage(file="a", places={"frames": (200, 250), "count": (1500, 9000)}, part=150)
    assert kinds(match_cuts([otio], [moved])) == ["new"]


def test_linked_media_decide_whatever_the_names() -> None:
    def linked(medium: str, name: str, first: int) -> Footage:
        return Footage(medium=medium, reel=name, places={"medium": (first, first + 50), "timecode": (0, 50)})

    assert kinds(match_cuts([linked("a.mov", "r1", 0)], [linked("a.mov", "r7", 10)])) == ["slipped"]
    assert kinds(match_cuts([linked("a.mov", "r1", 0)], [linked("b.mov", "r1", 0)])) == ["new"]


def test_rates_are_compared_by_time() -> None:
    film = Footage(reel="r", places={"timecode": (24 * 150, 48 * 150)}, part=150)
    video = Footage(reel="r", places={"timecode": (25 * 144, 50 * 144)}, part=144)
    (match,) = match_cuts([film], [video]).matches
    assert (match.kind, match.shared) == (Kind.SAME, (25,))


ranges = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 80), st.sampled_from(["r1", "r2"])).map(
        lambda each: shot(each[0], each[0] + each[1], each[2])
    ),
    max_size=12,
)


@given(ranges, ranges)
def test_every_shot_finds_the_one_it_shares_most_with(old: list[Footage], new: list[Footage]) -> None:
    found = match_cuts(old, new)
    seen = set()
    for after, match in zip(new, found.matches, strict=True):
        shares = [common(before, after) for before in old]
        seen |= {i for i, share in enumerate(shares) if share}
        assert (match.kind is Kind.NEW) == (not any(shares))
        if match.old:
            assert shares[match.old[0]] == match.shared[0] == max(shares)
    assert set(found.orphans) == set(range(len(old))) - seen


def common(a: Footage, b: Footage) -> int:
    (first, stop), (start, end) = a.places["timecode"], b.places["timecode"]
    return max(0, min(stop, end) - max(first, start)) if a.reel == b.reel else 0


@given(ranges)
def test_a_cut_is_itself(cut: list[Footage]) -> None:
    assert {match.kind for match in match_cuts(cut, cut).matches} <= {Kind.SAME, Kind.AGAIN, Kind.MERGED}
    assert not any(match.moved for match in match_cuts(cut, cut).matches)


@pytest.mark.parametrize("step", [0, 50])
def test_3000_shots_take_less_than_a_second(step: int) -> None:
    old = [shot(i * step, i * step + 70, f"r{i % 7}" if step else "r") for i in range(3000)]
    began = time.process_time()
    found = match_cuts(old, [*old[1500:], *old[:1500]])
    assert time.process_time() - began < 1
    assert {match.kind for match in found.matches} == {Kind.SAME}
