"""Frames for networks: windows of frames in, one frame or a window of frames out.

A run is made once for each window, whatever order frames are asked for in and by however many threads, and only when
a frame of it is wanted: windows lie on a fixed grid, VapourSynth fetches their frames, and where a run gives several
frames, "window" frames carry them as a property and are cached like any other. No frame is asked for from Python.

::

    clip                0 1 2 3 4 5 6 7 8 9
    length 4, context   . . 0 1 2 3 . .                 window 0
    of 2 on each side           . . 4 5 6 7 . .         window 1

    length 4, fade 1    0 1 2 3                         window 0
                              3 4 5 6                   window 1: frame 3 is half and half

Beyond its ends the clip is mirrored. A clip is a shot: no window looks over a cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import vapoursynth as vs

from vsfilmrestore.inference.runtimes.base import Array
from vsfilmrestore.media.ends import mirrored

__all__ = ["Pictures", "Tap", "Windows", "windowed"]

core = vs.core

_CARRIED: Final = "_VsfrWindow"


@dataclass(frozen=True, slots=True)
class Windows:
    """A grid of windows.

    Attributes:
        before: Frames of context in front of those a run gives.
        length: Frames a run gives.
        after: Frames of context behind them.
        fade: Frames that a window shares with the one before it, faded from one to the other; at most half of
            ``length``.
    """

    before: int = 0
    length: int = 1
    after: int = 0
    fade: int = 0

    def __post_init__(self) -> None:
        if min(self.before, self.after, self.fade) < 0 or self.length < 1 or 2 * self.fade > self.length:
            raise ValueError(
                f"windows of {self.length} frames with {self.before} before, {self.after} after and {self.fade} "
                "shared do not fit together"
            )

    @property
    def size(self) -> int:
        """Frames that go in."""
        return self.before + self.length + self.after

    @property
    def step(self) -> int:
        """Frames from one window to the next."""
        return self.length - self.fade

    def count(self, frames: int) -> int:
        """Windows that cover a clip."""
        return max(1, -(-(frames - self.fade) // self.step))


@dataclass(frozen=True, slots=True)
class Tap:
    """A clip that goes into windows.

    Attributes:
        clip: The clip, as long as the others.
        context: Whether its context goes in too, or only the frames that come out.
    """

    clip: vs.VideoNode
    context: bool = True


type Pictures = Array | Sequence[Sequence[Array]]
"""``[length, planes, height, width]``, or lists of planes ``[height, width]``."""

type Work = Callable[[int, list[list[vs.VideoFrame]]], tuple[Pictures, dict[str, Any]]]
"""Number of the first frame that comes out, and for each tap its frames; gives ``[length, planes, height, width]`` and
properties to write onto each frame."""


def windowed(taps: Sequence[Tap], windows: Windows, like: vs.VideoNode, work: Work, *, lanes: int = 1) -> vs.VideoNode:
    """Run ``work`` once for every window.

    Args:
        taps: What goes in; the frames of the first one give the properties.
        windows: The grid.
        like: Size and format (32-bit float) of what comes out.
        work: What is done; called by as many threads at a time as there are lanes.
        lanes: Windows that are worked on at a time.

    Returns:
        As many frames as the first tap has.
    """
    frames = taps[0].clip.num_frames
    count = windows.count(frames)
    lanes = min(lanes, count)
    feeds = [_feeds(tap, windows, count, lanes) for tap in taps]
    make = (
        _frame_maker(windows, like, work, lanes) if windows.length == 1 else _window_maker(windows, like, work, lanes)
    )
    blank = like if windows.length == 1 else core.std.BlankClip(width=16, height=16, format=vs.GRAY8, length=1)
    rounds = -(-count // lanes)
    template = core.std.BlankClip(blank, length=rounds)
    nodes = []
    for lane in range(lanes):
        clips = [clip for feed in feeds for clip in feed[lane]]
        node = core.std.ModifyFrame(template, clips, make(lane, [len(feed[lane]) for feed in feeds]))
        node.std.SetVideoCache(mode=0)
        nodes.append(node)
    woven = core.std.Interleave(nodes, modify_duration=False) if lanes > 1 else nodes[0]
    woven = woven[:count]
    return woven if windows.length == 1 else _picked(woven, windows, like, frames, lanes)


def _feeds(tap: Tap, windows: Windows, count: int, lanes: int) -> list[list[vs.VideoNode]]:
    """For each lane its clips: the frames at one place of every window of the lane."""
    rounds = -(-count // lanes)
    tail = (rounds * lanes - 1) * windows.step + windows.length + windows.after - tap.clip.num_frames
    long = mirrored(tap.clip, windows.before, max(tail, 0))
    first, places = (0, windows.size) if tap.context else (windows.before, windows.length)
    cycle = windows.step * lanes
    feeds = []
    for lane in range(lanes):
        starts = range(lane * windows.step + first, lane * windows.step + first + places)
        feeds.append([_every(long[start:], cycle)[:rounds] for start in starts])
    return feeds


def _every(clip: vs.VideoNode, cycle: int) -> vs.VideoNode:
    return clip.std.SelectEvery(cycle, 0, modify_duration=False) if cycle > 1 else clip


type Selector = Callable[..., vs.VideoFrame]
type SelectorMaker = Callable[[int, list[int]], Selector]


def _grouped(frames: vs.VideoFrame | Sequence[vs.VideoFrame], sizes: Iterable[int]) -> list[list[vs.VideoFrame]]:
    flat = [frames] if isinstance(frames, vs.VideoFrame) else list(frames)
    groups, at = [], 0
    for size in sizes:
        groups.append(flat[at : at + size])
        at += size
    return groups


def _frame_maker(windows: Windows, like: vs.VideoNode, work: Work, lanes: int) -> SelectorMaker:
    def maker(lane: int, sizes: list[int]) -> Selector:
        def select(n: int, f: Any) -> vs.VideoFrame:  # the names n and f are VapourSynth's
            groups = _grouped(f, sizes)
            pictures, marks = work(n * lanes + lane, groups)
            return _as_frame(pictures[0], like, groups[0][windows.before], marks)

        return select

    return maker


def _window_maker(windows: Windows, like: vs.VideoNode, work: Work, lanes: int) -> SelectorMaker:
    def maker(lane: int, sizes: list[int]) -> Selector:
        def select(n: int, f: Any) -> vs.VideoFrame:
            groups = _grouped(f, sizes)
            pictures, marks = work((n * lanes + lane) * windows.step, groups)
            told = groups[0][windows.before : windows.before + windows.length]
            host = core.create_video_frame(core.get_video_format(vs.GRAY8), 16, 16)
            host.props[_CARRIED] = [_as_frame(p, like, frame, marks) for p, frame in zip(pictures, told, strict=True)]
            return host

        return select

    return maker


def _as_frame(
    picture: Sequence[Array], like: vs.VideoNode, told: vs.VideoFrame, marks: dict[str, Any]
) -> vs.VideoFrame:
    frame = core.create_video_frame(like.format, like.width, like.height)
    for plane in range(like.format.num_planes):
        target = np.asarray(frame[plane])
        np.copyto(target, picture[plane][: target.shape[0], : target.shape[1]])
    frame.props.update(told.props)
    frame.props.update(marks)
    return frame


def _picked(woven: vs.VideoNode, windows: Windows, like: vs.VideoNode, frames: int, lanes: int) -> vs.VideoNode:
    """The frames of the windows."""
    ahead = -(-core.num_threads // windows.step)
    woven.std.SetVideoCache(mode=1, fixedsize=1, maxsize=lanes + ahead + 2, maxhistory=0)
    wide = _held(woven, windows.step, frames)
    template = core.std.BlankClip(like, length=frames)
    last = woven.num_frames - 1

    def pick(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        return _carried(f, n - min(n // windows.step, last) * windows.step)

    def mix(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:
        window = min(n // windows.step, last)
        place = n - window * windows.step
        new = _carried(f[0], place)
        if window == 0 or place >= windows.fade:
            return new
        return _mixed(_carried(f[1], place + windows.step), new, (place + 1) / (windows.fade + 1))

    if not windows.fade:
        return core.std.ModifyFrame(template, wide, pick)
    before = woven[0] + woven[:-1] if woven.num_frames > 1 else woven
    return core.std.ModifyFrame(template, [wide, _held(before, windows.step, frames)], mix)


def _held(windows: vs.VideoNode, times: int, frames: int) -> vs.VideoNode:
    """Each frame so many times, the last one until the end."""
    wide = core.std.Interleave([windows] * times, modify_duration=False) if times > 1 else windows
    missing = frames - wide.num_frames
    return (wide + wide[-1].std.Loop(missing) if missing > 0 else wide)[:frames]


def _carried(window: vs.VideoFrame, place: int) -> vs.VideoFrame:
    frames: Any = window.props[_CARRIED]
    frame: vs.VideoFrame = frames[place]
    return frame


def _mixed(old: vs.VideoFrame, new: vs.VideoFrame, share: float) -> vs.VideoFrame:
    frame = new.copy()
    for plane in range(new.format.num_planes):
        target = np.asarray(frame[plane])
        target -= np.asarray(old[plane])  # what is the same in both keeps its bits
        target *= np.float32(share)
        target += np.asarray(old[plane])
    return frame
