"""What is done around the repairs of a shot: they are written down, and some of them are taken back.

Any step that closes with `masks.apply_repair` is watched, without code of its own: its mask travels with the frame, and
the picture before it stands beside it in the chain. A repair that was taken back leaves the mask, and the picture
before takes its place, before the next step sees either. So the step might have made it with that area protected.

A step that may run a network on all of the picture is written down only where it changes little of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.media.props import changed_prop, history_prop, mask_prop
from vsfilmrestore.recipes.recipe import Recipe, Step
from vsfilmrestore.render.history_file import Moment, framed
from vsfilmrestore.render.history_pixels import Labels, Mask, PixelFormat, Repaired, look, plane_box, plane_mask
from vsfilmrestore.render.verdicts import Verdicts, taken_back
from vsfilmrestore.render.walls import Close

__all__ = ["Watch", "carried", "marks"]

core = vs.core

_NONE: Final = Verdicts()
_MOST: Final = 0.25
"""Share of the picture up to which the work of a step that has a model is a repair."""


def marks(step: Step) -> bool:
    """Whether a step marks what it changes: all that can be told to leave areas alone do."""
    return "protect" in step.filter.settings and not step.settings.get("show")


@dataclass(frozen=True, slots=True)
class Watch:
    """What is to be done around the repairs of a shot.

    Attributes:
        keep: Whether repairs are written down: they then travel on with their frames as `history_prop`.
        verdicts: What was said about repairs in frames of the shot's medium.
        side: 1 for what fades out over another shot, else 0.
    """

    keep: bool = False
    verdicts: Verdicts = _NONE
    side: int = 0

    def close(self, step: Step) -> Close | None:
        """What closes a step; None where nothing is to be done."""
        said = self.verdicts.rows if marks(step) else ()
        said = tuple(row for row in said if row.kind in ("", step.name))
        if not marks(step) or not (self.keep or said):
            return None
        most = _MOST if "model" in step.filter.settings else 1.0
        return _Closing(step.name, self.side, self.keep, Verdicts(said), most).closed


@dataclass(frozen=True, slots=True)
class _Closing:
    """Closes one step of one shot.

    Attributes:
        name: Name of the filter.
        side: As in `Watch`.
        keep: As in `Watch`.
        verdicts: Those about this kind of repair.
        most: Share of the picture up to which it is written down.
    """

    name: str
    side: int
    keep: bool
    verdicts: Verdicts
    most: float

    def closed(self, before: vs.VideoNode, after: vs.VideoNode, first: int, parts: int) -> vs.VideoNode:
        if after.gpu_resident:  # Python cannot read such frames
            return self.closed(before.std.GPUDownload(), after.std.GPUDownload(), first, parts).std.GPUUpload()
        fmt = after.format
        same = (before.width, before.height, before.format.id) == (after.width, after.height, fmt.id)
        shape = PixelFormat(fmt.bytes_per_sample, 0, fmt.subsampling_w, fmt.subsampling_h)
        if same:
            shape = shape._replace(planes=fmt.num_planes)
        if not same and not self.keep:
            return after

        def close(n: int, f: Any) -> vs.VideoFrame:  # the names n and f are VapourSynth's
            made, old = (f[0], f[1]) if same else (f, None)
            return self._frame(made, old, Moment(first + n // parts, n % parts, parts), shape)

        return core.std.ModifyFrame(after, [after, before] if same else after, close)

    def _frame(self, made: vs.VideoFrame, old: vs.VideoFrame | None, moment: Moment, fmt: PixelFormat) -> vs.VideoFrame:
        held: Any = made.props.get(mask_prop(self.name))
        share: Any = made.props.get(changed_prop(self.name))
        if not share or not isinstance(held, vs.VideoFrame):
            return made
        rows = self.verdicts.fitting(self.name, moment) if old is not None else []
        keep = self.keep and share <= self.most
        if not keep and not rows:
            return made
        repaired, labels = look(np.asarray(held[0]), _planes(old), fmt)
        frame = made.copy()
        if rows and old is not None:
            back = taken_back(rows, (made.width, made.height), repaired.box, labels, repaired.blobs)
            if back.any():
                repaired = replace(repaired, taken_back=_touched(labels, back))
                _put_back(frame, old, repaired, back)
                self._mark(frame, held, repaired, back)
        if keep:
            frame.props[history_prop(self.name, self.side)] = framed(moment, repaired)
        return frame

    def _mark(self, frame: vs.VideoFrame, held: vs.VideoFrame, repaired: Repaired, back: Mask) -> None:
        """Mask and share of what is left of the repairs."""
        mask = held.copy()
        picture = np.asarray(mask[0])
        picture[plane_box(repaired.box, 0, repaired.format)][back] = 0
        frame.props[mask_prop(self.name)] = mask
        frame.props[changed_prop(self.name)] = float(picture.sum(dtype=np.int64)) / (255 * picture.size)


def _planes(frame: vs.VideoFrame | None) -> list[npt.NDArray[Any]]:
    return [] if frame is None else [np.asarray(frame[p]) for p in range(frame.format.num_planes)]


def _touched(labels: Labels, back: Mask) -> int:
    return len(np.unique(labels[back]))


def _put_back(frame: vs.VideoFrame, old: vs.VideoFrame, repaired: Repaired, back: Mask) -> None:
    """The picture before, where no repair is left: a chroma sample stays repaired while any of its pixels does."""
    left = repaired.within & ~back
    for n in range(frame.format.num_planes):
        where = plane_box(repaired.box, n, repaired.format)
        gone = plane_mask(repaired.within, n, repaired.format) & ~plane_mask(left, n, repaired.format)
        np.asarray(frame[n])[where][gone] = np.asarray(old[n])[where][gone]


def carried(mixture: vs.VideoNode, fading: vs.VideoNode, recipe: Recipe) -> vs.VideoNode:
    """Frames of a transition with what was repaired in those that fade out."""
    names: Sequence[str] = [history_prop(step.name, 1) for step in recipe if marks(step)]
    return mixture.std.CopyFrameProps(fading, props=names) if names else mixture
