"""What is dirt only where other pieces of its frame are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from vsfilmrestore.filters._dirt_company import ALONE, BOTH, COMPANY, in_company, marked

core = vs.core

type Bytes = npt.NDArray[np.uint8]

DOUBTFUL = np.s_[10:14, 10:14]


def told(marks: Bytes) -> Bytes:
    blank = core.std.BlankClip(None, marks.shape[1], marks.shape[0], vs.GRAY8, length=1, keep=True)

    def put(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f.copy()
        np.copyto(np.asarray(out[0]), marks)
        return out

    return np.asarray(in_company(blank.std.ModifyFrame(blank, put)).get_frame(0)[0]).copy()


def picture(mark: int, sure: int, width: int = 200) -> Bytes:
    """A piece, and beside it so many that need none."""
    marks = np.zeros((60, width), np.uint8)
    marks[DOUBTFUL] = mark
    for k in range(sure):
        marks[30:33, 10 + 12 * k : 14 + 12 * k] = (BOTH, ALONE)[k % 2]
    return marks


@pytest.mark.parametrize("kind", [BOTH, ALONE])
def test_what_is_in_doubt_needs_another(kind: np.uint8) -> None:
    lone = picture(int(kind) - 1, 0)
    lone[20:24, 20:24] = ALONE - 1
    assert not told(lone).any()  # neither is dirt by itself
    for sure in (1, 2):
        marks = picture(int(kind) - 1, sure)
        assert (told(marks)[DOUBTFUL] == kind).all()
        assert np.array_equal(told(marks)[30:], marks[30:])


def test_what_is_dirt_by_itself_stays_whole() -> None:
    marks = picture(int(ALONE) - 1, 0)
    marks[12:14, 10:14] = BOTH
    kept = told(marks)[DOUBTFUL]
    assert (kept[:2] == ALONE).all()
    assert (kept[2:] == BOTH).all()


def test_in_wide_pictures_others_count_for_less() -> None:
    assert told(picture(int(BOTH) - 1, 1, width=480))[DOUBTFUL].all()
    assert not told(picture(int(BOTH) - 1, 1, width=960))[DOUBTFUL].any()
    assert told(picture(int(BOTH) - 1, 2, width=960))[DOUBTFUL].all()


def test_marks_tell_who_found_what_and_what_needs_company() -> None:
    first, second = np.array([[True, False, False, False]]), np.array([[True, True, False, False]])
    third, all_of_it = np.array([[True, True, True, False]]), np.ones((1, 4), bool)
    assert len(COMPANY) == 2
    assert marked([(first, second), (third, all_of_it)]).tolist() == [[BOTH, ALONE, BOTH - 1, ALONE - 1]]
    assert marked([(first, third)]).tolist() == [[BOTH, ALONE, ALONE, 0]]
