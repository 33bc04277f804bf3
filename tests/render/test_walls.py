"""A cut is a wall."""

from __future__ import annotations

import pytest
import vapoursynth as vs

from vsfilmrestore.errors import SettingError
from vsfilmrestore.render.walls import WalledStep, behind_walls, mirrored, retimed

core = vs.core


def counted(length: int) -> vs.VideoNode:
    """A clip whose frames know their number."""
    blank = core.std.BlankClip(format=vs.GRAY8, width=16, height=16, length=length, keep=True)
    return core.akarin.PropExpr(blank, lambda: {"Number": "N"})


def numbers(clip: vs.VideoNode) -> list[int]:
    return [int(frame.props["Number"]) for frame in clip.frames(close=True)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("length", "head", "tail", "expected"),
    [
        (1, 2, 1, [0, 0, 0, 0]),
        (2, 3, 2, [1, 0, 1, 0, 1, 0, 1]),
        (4, 2, 3, [2, 1, 0, 1, 2, 3, 2, 1, 0]),
        (3, 7, 0, [1, 2, 1, 0, 1, 2, 1, 0, 1, 2]),
        (5, 0, 0, [0, 1, 2, 3, 4]),
    ],
)
def test_mirroring(length: int, head: int, tail: int, expected: list[int]) -> None:
    assert numbers(mirrored(counted(length), head, tail)) == expected


def test_a_chain_sees_mirrored_frames_and_gives_back_the_shot_alone() -> None:
    seen: list[int] = []

    def chain(clip: vs.VideoNode) -> vs.VideoNode:
        seen.extend(numbers(clip))
        return clip

    out = behind_walls(counted(20)[4:10], (0, 0), [WalledStep(3, chain)])
    assert seen == [7, 6, 5, 4, 5, 6, 7, 8, 9, 8, 7, 6]
    assert numbers(out) == [4, 5, 6, 7, 8, 9]


def test_handles_come_before_mirrors() -> None:
    seen: list[int] = []

    def chain(clip: vs.VideoNode) -> vs.VideoNode:
        seen.extend(numbers(clip))
        return clip

    out = behind_walls(counted(20)[2:14], (2, 4), [WalledStep(3, chain)])
    assert seen == [5, 4, 3, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 11, 10, 9]
    assert numbers(out) == [4, 5, 6, 7, 8, 9]


def test_each_step_sees_what_the_step_before_made_of_the_shot_alone() -> None:
    seen: list[list[int]] = []

    def reverse(clip: vs.VideoNode) -> vs.VideoNode:
        seen.append(numbers(clip))
        return clip.std.Reverse()

    assert numbers(behind_walls(counted(9)[3:6], (0, 0), [WalledStep(1, reverse), WalledStep(2, reverse)])) == [3, 4, 5]
    assert seen == [[4, 3, 4, 5, 4], [3, 4, 5, 4, 3, 4, 5]]


def double(clip: vs.VideoNode) -> vs.VideoNode:
    return core.std.Interleave([clip, clip])


def test_a_chain_may_double_the_frames() -> None:
    out = behind_walls(counted(9)[2:6], (0, 0), [WalledStep(2, double)])
    assert numbers(out) == [2, 2, 3, 3, 4, 4, 5, 5]


def test_a_chain_may_not_drop_frames() -> None:
    with pytest.raises(SettingError, match="which no shot of a cut can hold"):
        behind_walls(counted(9), (0, 0), [WalledStep(0, lambda clip: clip[::2])])


@pytest.mark.parametrize(
    "order",
    [
        [0, 1, 2, 3, 4],
        [0, 0, 1, 1, 2],
        [4, 3, 2, 1, 0],
        [4, 4, 2, 2, 0],
        [3, 3, 3],
        [0, 2, 4],
        [1, 1, 3, 4, 4],
        [0, 2, 4, 4, 3, 1, 1, 2],
        [2, 3, 2],
    ],
)
def test_retiming_picks_frames_in_order(order: list[int]) -> None:
    assert numbers(retimed(counted(5), order)) == order


def test_a_one_sided_step_gets_its_shot_and_its_handles() -> None:
    seen: list[list[int]] = []

    def look(clip: vs.VideoNode) -> vs.VideoNode:
        seen.append(numbers(clip))
        return clip

    assert numbers(behind_walls(counted(20)[4:12], (2, 1), [WalledStep(3, look, one_sided=True)])) == [6, 7, 8, 9, 10]
    assert seen == [[4, 5, 6, 7, 8, 9, 10, 11]]
