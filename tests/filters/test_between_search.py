"""Motion farther than flow goes by itself: it is searched for, and what the whole picture does is taken off."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._between_motion import MORE, followed, more_at
from vsfilmrestore.filters._between_search import far_flow, rest_flow, searched, whole_flow
from vsfilmrestore.filters._flow import flow_between
from vsfilmrestore.filters._lost_frame import Beside

SHIFT = (36, -14)


def shaken(large: float = 2) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Pictures of small things and so much of large ones; the second lies 36 pixels farther right and 14 higher."""
    fine = np.random.default_rng(4).uniform(0, 255, (300, 420)).astype(np.float32)
    fine = cv2.GaussianBlur(fine, (0, 0), 3) + large * cv2.GaussianBlur(fine, (0, 0), 10)
    levels = np.rint((fine - fine.min()) / (fine.max() - fine.min()) * 255).astype(np.uint8)
    parts = [levels[40 - y : 200 - y, 60 - x : 316 - x] for x, y in ((0, 0), SHIFT)]
    return np.ascontiguousarray(parts[0]), np.ascontiguousarray(parts[1])


def off(flow: npt.NDArray[np.float32], wanted: tuple[float, float]) -> float:
    """Pixels that the middle of a flow is off, in the mean."""
    rows, columns = (slice(side // 4, -side // 4) for side in flow.shape[:2])
    return float(np.hypot(*(flow[rows, columns] - np.array(wanted)).reshape(-1, 2).T).mean())


def test_a_search_finds_what_flow_does_not() -> None:
    a, b = shaken(large=0)
    assert off(flow_between(a, b), SHIFT) > 8
    assert off(searched(a, b), SHIFT) < 4


def test_far_flow_is_told_in_pixels_of_the_size_asked_for() -> None:
    a, b = shaken()
    assert off(far_flow(a, b, (80, 128)), (SHIFT[0] / 2, SHIFT[1] / 2)) < 1


def test_the_motion_of_the_whole_does_not_follow_a_part() -> None:
    flow = np.zeros((80, 120, 2), np.float32) + np.array([5, -3], np.float32)
    flow[20:50, 30:70] = 40
    np.testing.assert_allclose(whole_flow(flow)[0, 0], (5, -3), atol=0.3)


def test_the_rest_is_followed_after_the_whole_was_taken_off() -> None:
    a, b = shaken()
    far = np.broadcast_to(np.array(SHIFT, np.float32) + np.float32(3), (*a.shape, 2))
    assert off(rest_flow(a, b, np.ascontiguousarray(far)), SHIFT) < 1


def test_further_ways_are_laid_down_between_and_small_pictures_have_none() -> None:
    a, b = shaken()
    ways = followed(Beside(a, None), Beside(b, None))
    found = more_at(ways, a, b, 0.5)
    assert len(found) == MORE
    assert all(off(flow, (SHIFT[0] / 2, SHIFT[1] / 2)) < 1.5 for flow in found)
    small = [np.ascontiguousarray(each[:64, :64]) for each in (a, b)]
    assert not followed(Beside(small[0], None), Beside(small[1], None)).more


def test_what_stands_still_is_found_where_it_is() -> None:
    plain = np.full((64, 96), 90, np.uint8)
    assert not searched(plain, plain).any()
