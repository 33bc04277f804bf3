"""Frames between frames, chosen by a network among what several guesses at the motion show.

The network sees brightness alone, and tells for each pixel how much of each picture that was moved there counts, how
the first guess is to be mended, and what to add. The frames themselves are moved and mixed here, in their own format.

What comes out of the network is one plane four times as large each way: a square of 16 numbers for each pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._between_motion import (
    BEYOND,
    GUESSES,
    MORE,
    Followed,
    Motions,
    followed,
    more_at,
    motions_at,
    share_lost,
    size_for,
)
from vsfilmrestore.filters._between_search import grown_flow
from vsfilmrestore.filters._cadence import TIME
from vsfilmrestore.filters._flow import Flow, Grey, Picture, fine_flow_between, moved, to
from vsfilmrestore.filters._lost_frame import Beside, Doubts, Guesses, made_between
from vsfilmrestore.filters._model import can_run, card_named, network_named, weights_of
from vsfilmrestore.filters._motion import analysis_luma
from vsfilmrestore.inference.apply import run_network

__all__ = ["AUTO", "INPUTS", "TASK", "UNALIKE", "Blend", "blends", "chosen_blend", "weights_of_blend"]

core = vs.core

AUTO: Final = "auto"
OWN: Final = "between-t1"
"""The model that ``auto`` takes where networks can be run."""
TASK: Final = "interpolate"
UNALIKE: Final = "_VsfrUnalike"
"""Property of what is judged: how little two frames are alike, 0..1; from 0.75 on they are two scenes."""
_SCALE: Final = 0.75 / 0.29
"""From `share_lost` to that: between 0.25, the fastest shot looked at, and 0.33, the least of the cuts."""
_SCALE_NEAR: Final = 0.75 / 0.41
"""The same in pictures too small for the far guess: more is lost of either."""

INPUTS: Final = (
    *(f"{side}{n}" for n in range(1, GUESSES + 1) for side in ("left", "right")),
    "left",
    "right",
    *(f"motion{n}" for n in range(1, GUESSES + 1)),
    "time",
)
"""Inputs of the network: left and right by each guess and as they are, motions and what they lay down, the time."""
_VIEWS: Final = 2 * GUESSES + 2
_FIELDS: Final = 4 * (GUESSES + MORE)
_FLOW_UNIT: Final = 32.0
"""Pixels of motion that count as 1."""
_MENDED: Final = 2.0
"""Pixels that 1 of what is added to a motion means."""
_ADDED: Final = 0.25
"""Share of white that 1 of what is added to the picture means."""
_SIDE: Final = 4
_LEAST: Final = 0.01
"""A guess that counts less everywhere is not drawn."""
_SHARE: Final = np.float32(0.5)
"""Of the network in what is drawn. The rest are guesses weighed by how well both sides agree: two estimates that err in
different places are better together than either is."""
_DOUBTS: Final[Doubts] = ((2.0, 1.0), (1.0, 0.5))
"""The worse the best of such guesses is, the more the others count: where none is right, the mean of all is nearest to
the truth."""
_FINE: Final = 0.75
"""Share of what is followed down to single pixels, where two frames are wholly alike: flow is right nearly everywhere
there, and parts of a pixel count."""
_FINE_ALONE: Final = 0.2
"""Share of that flow alone in it; the rest are guesses that begin with it."""
_FINE_DOUBTS: Final[Doubts] = ((3.0, 0.5), (1.0, 0.5))
"""`_DOUBTS` of those guesses."""
_UNSURE: Final = 0.14
"""`UNALIKE` from which on that counts nothing: what goes that far is beyond it."""
_KNOWN: Final = "_VsfrKnown"
"""Property of flows: which of the guesses could be made, and last whether more could."""


def blends(name: str) -> bool:
    """Whether a model is of this kind.

    Raises:
        UsageError: There is no such model, or it is for something else.
    """
    return {extra.name for extra in card_named(name, TASK).contract.extra} == set(INPUTS[1:])


def chosen_blend(model: str) -> str:
    """The model of this kind that a setting names; '' where it names none, or where it is not here.

    Raises:
        UsageError: There is no such model, or it is for something else.
    """
    if model == AUTO:
        return OWN if can_run(OWN) else ""
    return model if model and blends(model) else ""


def weights_of_blend(model: str) -> str:
    """`FilterSpec.weights` of what is chosen."""
    return weights_of(TASK)({"model": (OWN if can_run(OWN) else "") if model == AUTO else model})


class Blend:
    """What lies between the frames of two clips.

    Args:
        sides: Left and right; one format, size and length.
        far: The frames beyond left and beyond right.
        plan: As long; tells by `BEYOND` whether those may be looked at.
        model: What `chosen_blend` gave.
        stretch: Way from left to right over the way from one of them to the frame beyond.
    """

    def __init__(
        self,
        sides: Sequence[vs.VideoNode],
        far: Sequence[vs.VideoNode],
        plan: vs.VideoNode,
        model: str,
        stretch: float = 1.0,
    ) -> None:
        self._sides, self._model, self._stretch = list(sides), model, stretch
        self._looked, self._far = ([_looked_at(clip) for clip in clips] for clips in (sides, far))
        self._ways = _followed(self._looked, self._far, plan, stretch)

    def at(
        self, times: vs.VideoNode, spread: Callable[[vs.VideoNode], vs.VideoNode] = lambda clip: clip
    ) -> vs.VideoNode:
        """The frames at the times that ``times`` tells by `TIME`: 0 at the left, 1 at the right.

        Properties are those of the left.

        Args:
            times: As long as the result.
            spread: Brings the frames of a clip to their places in the result.
        """
        looked = [spread(clip) for clip in self._looked]
        width, height = looked[0].width, looked[0].height
        seen = _seen(times, spread(self._ways), looked)
        planes = {name: seen.std.CropAbs(width, height, 0, n * height) for n, name in enumerate(INPUTS)}
        beside = [spread(self._ways), *looked, *(spread(clip) for clip in self._far)]
        sides = [spread(clip) for clip in self._sides]
        return _drawn(sides, beside, seen, _told(self._model, planes), 1 / self._stretch)

    def judged(self) -> vs.VideoNode:
        """A clip as long as the sides, with `UNALIKE`."""
        return self._ways


def _looked_at(clip: vs.VideoNode) -> vs.VideoNode:
    """GRAY8 of the size that is looked at."""
    size = size_for(clip.width, clip.height)
    luma = core.akarin.Expr([analysis_luma(clip)], "x 257 /", format=vs.GRAY8)
    return luma if size == (clip.width, clip.height) else luma.resize.Bicubic(*size)


def _told(model: str, planes: Mapping[str, vs.VideoNode]) -> vs.VideoNode:
    found, contract = network_named(model, TASK)
    rest = {name: planes[name] for name in INPUTS[1:]}
    return run_network(planes[INPUTS[0]], found.path, contract, sha256=found.file.sha256, clips=rest)


def _followed(
    near: Sequence[vs.VideoNode], far: Sequence[vs.VideoNode], plan: vs.VideoNode, stretch: float
) -> vs.VideoNode:
    """The flows of all guesses below one another."""
    width, height = near[0].width // 2, near[0].height // 2
    sheet = core.std.BlankClip(near[0], width, height * _FIELDS, format=vs.GRAYS, keep=True)

    def follow(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f[0].copy()
        left, right, far_left, far_right = (np.ascontiguousarray(frame[0]) for frame in f[2:])
        beyond = bool(f[1].props.get(BEYOND, 0))
        ways = followed(
            Beside(left, far_left if beyond else None), Beside(right, far_right if beyond else None), stretch
        )
        pairs = [*zip(ways.ahead, ways.back, strict=True), *ways.more]
        parts = np.concatenate([flow[..., axis] for each in pairs for flow in each for axis in (0, 1)])
        np.copyto(np.asarray(out[0])[: len(parts)], parts)
        out.props[_KNOWN] = [int(known) for known in (*ways.known, bool(ways.more))]
        scale = _SCALE if ways.known[1] else _SCALE_NEAR
        out.props[UNALIKE] = min(share_lost(ways, left, right) * scale, 1.0)
        return out

    made = core.std.ModifyFrame(sheet, [sheet, plan, *near, *far], follow)
    made.std.SetVideoCache(mode=1, maxsize=4, maxhistory=0)
    return made


def _ways_of(frame: vs.VideoFrame) -> Followed:
    parts = np.asarray(frame[0])
    parts = parts.reshape(_FIELDS // 4, 2, 2, parts.shape[0] // _FIELDS, parts.shape[1]).transpose(0, 1, 3, 4, 2)
    *known, more = (bool(each) for each in frame.props[_KNOWN])  # type: ignore[union-attr]
    flows = np.ascontiguousarray(parts)
    rest = [(ahead, back) for ahead, back in flows[GUESSES:]] if more else []
    return Followed(list(flows[:GUESSES, 0]), list(flows[:GUESSES, 1]), known, rest)


def _seen(times: vs.VideoNode, ways: vs.VideoNode, looked: Sequence[vs.VideoNode]) -> vs.VideoNode:
    """All that goes into the network below one another: `INPUTS`."""
    width, height = looked[0].width, looked[0].height
    sheet = core.std.BlankClip(looked[0], width, height * len(INPUTS), format=vs.GRAYS, keep=True)

    def show(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        out = f[0].copy()
        time = float(f[1].props[TIME])  # type: ignore[arg-type]
        left, right = (np.ascontiguousarray(frame[0]) for frame in f[3:])
        ways = _ways_of(f[2])
        found = motions_at(ways, left, right, time)
        planes = np.asarray(out[0]).reshape(len(INPUTS), height, width)
        _fill(planes, left, right, found, time)
        out.props[TIME] = time
        out.props[BEYOND] = int(ways.known[-1])
        return out

    made = core.std.ModifyFrame(sheet, [sheet, times, ways, *looked], show)
    made.std.SetVideoCache(mode=1, maxsize=4, maxhistory=0)  # each of its parts is asked for once
    return made


def _fill(planes: npt.NDArray[Any], left: Grey, right: Grey, found: Motions, time: float) -> None:
    a, b = (picture.astype(np.float32) / np.float32(255) for picture in (left, right))
    for n, flow in enumerate(found.flows):
        motion = grown_flow(flow, a.shape)
        planes[2 * n], planes[2 * n + 1] = _sides(a, b, motion, time)
    planes[_VIEWS - 2], planes[_VIEWS - 1] = a, b
    small = [flow[..., axis] / np.float32(_FLOW_UNIT) for flow in found.flows for axis in (0, 1)]
    small += [cover[..., axis] for cover in found.covers for axis in (0, 1)]
    for n in range(GUESSES):
        for k in range(4):
            planes[_VIEWS + n][k // 2 :: 2, k % 2 :: 2] = small[4 * n + k]
    planes[-1] = time


def _sides(a: Picture, b: Picture, motion: Flow, time: float) -> tuple[Picture, Picture]:
    return moved(a, np.float32(-time) * motion, cubic=True), moved(b, np.float32(1 - time) * motion, cubic=True)


@dataclass(frozen=True, slots=True)
class _Choice:
    """What the network says of one frame, at the size it looked at."""

    weights: Picture
    mended: Picture
    added: Picture
    motions: Sequence[Flow]

    @classmethod
    def of(cls, maps: vs.VideoFrame, seen: vs.VideoFrame) -> _Choice:
        height, width = seen.height // len(INPUTS), seen.width
        told = np.asarray(maps[0])[: _SIDE * height, : _SIDE * width]
        told = told.reshape(height, _SIDE, width, _SIDE).transpose(1, 3, 0, 2).reshape(_SIDE**2, height, width)
        told = np.ascontiguousarray(told)
        planes = np.asarray(seen[0]).reshape(len(INPUTS), height, width)
        flows = []
        for n in range(GUESSES):
            plane, k = planes[_VIEWS + n // 2], 2 * n % 4
            parts = [plane[each // 2 :: 2, each % 2 :: 2] for each in (k, k + 1)]
            flows.append(np.ascontiguousarray(np.stack(parts, axis=-1)) * np.float32(_FLOW_UNIT))
        mended = told[_VIEWS : _VIEWS + 4] * np.float32(_MENDED)
        return cls(told[:_VIEWS], mended, told[_VIEWS + 4] * np.float32(_ADDED), flows)


@dataclass(frozen=True, slots=True)
class _Fine:
    """What is followed down to single pixels, at the size that is looked at."""

    ahead: Flow
    back: Flow
    guesses: Guesses
    time: float

    @classmethod
    def of(cls, left: Beside, right: Beside, time: float, step: float) -> _Fine:
        ahead, back = fine_flow_between(left.near, right.near), fine_flow_between(right.near, left.near)
        return cls(ahead, back, Guesses.of(left, right, time, step, first=(ahead, back), doubts=_FINE_DOUBTS), time)

    def picture(self, a: Picture, b: Picture) -> Picture:
        """One plane: by the flow laid down, by that of the other side, and by guesses that begin with it."""
        ahead, back, laid = (grown_flow(flow, a.shape) for flow in (self.ahead, self.back, self.guesses.motions[0]))
        near, far = np.float32(1 - self.time), np.float32(self.time)
        ways = _sides(a, b, laid, self.time), (moved(a, far * back, cubic=True), moved(b, near * ahead, cubic=True))
        alone = sum(near * left + far * right for left, right in ways) / 2
        guessed = made_between(a, b, self.guesses, self.time, 0.0)
        return np.asarray(guessed + np.float32(_FINE_ALONE) * (alone - guessed))


def _drawn(
    sides: Sequence[vs.VideoNode], beside: Sequence[vs.VideoNode], seen: vs.VideoNode, maps: vs.VideoNode, step: float
) -> vs.VideoNode:
    rgb = sides[0].format.color_family == vs.RGB

    def draw(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        out = f[0].copy()
        if all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(*f[:2], strict=True)):
            return out
        choice, time = _Choice.of(f[3], f[2]), float(f[2].props[TIME])  # type: ignore[arg-type]
        guesses = _guessed(f[5:], _ways_of(f[4]), choice.motions, time, step)
        share = _FINE * max(1 - float(f[4].props[UNALIKE]) / _UNSURE, 0.0)  # type: ignore[arg-type]
        fine = _Fine.of(*_beside(f[5:], beyond=bool(f[2].props[BEYOND])), time, step) if share else None
        integer = out.format.sample_type == vs.INTEGER
        white = float((1 << out.format.bits_per_sample) - 1) if integer else 1.0
        for plane in range(out.format.num_planes):
            a, b = (np.asarray(frame[plane]).astype(np.float32) for frame in f[:2])
            added = np.float32(white) if rgb or not plane else np.float32(0)
            made = _SHARE * _mixed(a, b, choice, time, added)
            made += (1 - _SHARE) * made_between(a, b, guesses, time, 0.0)
            if fine is not None:
                made += np.float32(share) * (fine.picture(a, b) - made)
            target = np.asarray(out[plane])
            np.copyto(target, (np.rint(made).clip(0, white) if integer else made).astype(target.dtype))
        return out

    return core.std.ModifyFrame(sides[0], [*sides, seen, maps, *beside], draw)


def _guessed(
    frames: Sequence[vs.VideoFrame], ways: Followed, motions: Sequence[Flow], time: float, step: float
) -> Guesses:
    sides = _beside(frames, beyond=ways.known[-1])
    given = [motion for motion, known in zip(motions, ways.known, strict=True) if known]
    given += [np.zeros_like(motions[0]), *more_at(ways, sides[0].near, sides[1].near, time)]
    return Guesses.among(*sides, time, step, given, _DOUBTS)


def _beside(frames: Sequence[vs.VideoFrame], *, beyond: bool) -> tuple[Beside, Beside]:
    left, right, far_left, far_right = (np.ascontiguousarray(frame[0]) for frame in frames)
    return Beside(left, far_left if beyond else None), Beside(right, far_right if beyond else None)


def _mixed(a: Picture, b: Picture, choice: _Choice, time: float, added: np.float32) -> Picture:
    """One plane. It is nowhere lighter or darker than all that is mixed there."""
    made = np.zeros_like(a)
    low, high = np.minimum(a, b), np.maximum(a, b)
    for n in range(GUESSES + 1):
        weights = choice.weights[2 * n : 2 * n + 2]
        if float(weights.max()) < _LEAST:
            continue
        for side, weight in zip(_view(a, b, choice, n, time), weights, strict=True):
            made += _fitted(weight, a.shape) * side
            low, high = np.minimum(low, side), np.maximum(high, side)
    if added:
        made += added * _fitted(choice.added, a.shape)
    return np.clip(made, low, high)


def _view(a: Picture, b: Picture, choice: _Choice, number: int, time: float) -> tuple[Picture, Picture]:
    """Left and right by a guess; the first one is mended, and behind the last they are as they are."""
    if number == GUESSES:
        return a, b
    motion = grown_flow(choice.motions[number], a.shape)
    if number:
        return _sides(a, b, motion, time)
    scale = np.array([a.shape[1] / choice.added.shape[1], a.shape[0] / choice.added.shape[0]], np.float32)
    more = [_fitted(np.ascontiguousarray(choice.mended[k : k + 2].transpose(1, 2, 0)), a.shape) * scale for k in (0, 2)]
    left, right = np.float32(-time) * motion + more[0], np.float32(1 - time) * motion + more[1]
    return moved(a, left, cubic=True), moved(b, right, cubic=True)


def _fitted(field: Picture, shape: tuple[int, ...]) -> Picture:
    return field if field.shape[:2] == shape else to(np.ascontiguousarray(field), shape)
