"""A reel in a viewer of VapourSynth scripts: source, result and masks as outputs, and shots as scenes.

In a ``.vpy``::

    reel = fr.Reel.open("cut.edl", media="scans/")
    show_reel(reel)              # outputs: source, restored, masks

In vsview the outputs have names; any other viewer shows them by number. Needs vsview for neither.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.media.out.prepare import usual_matrix
from vsfilmrestore.media.props import MASK_PREFIX
from vsfilmrestore.render.reel import Reel

__all__ = ["Scenes", "mask_of", "scenes_of", "show_reel"]

core = vs.core

_FORMATS: Final = ("vsfilmrestore-plan", "vsfilmrestore-report")


def show_reel(reel: Reel, *, first: int = 0) -> None:
    """Set the source, the restored reel and the masks of all its repairs as outputs, one after the other.

    Args:
        reel: The reel.
        first: Number of the first output.

    Raises:
        VsfrError: A shot wants a network that is not on this machine.
    """
    restored = reel.restored()
    for number, (name, clip) in enumerate(
        {"source": reel.source(), "restored": restored, "masks": mask_of(restored)}.items(), first
    ):
        _output(clip, number, name)


def _output(clip: vs.VideoNode, number: int, name: str) -> None:
    clip = _telling(clip)
    if importlib.util.find_spec("vsview") is None:
        clip.set_output(number)
        return
    from vsview.api import set_output

    set_output(clip, number, name)


def _telling(clip: vs.VideoNode) -> vs.VideoNode:
    """The clip, with the usual colour of its size where frames do not tell theirs: viewers cannot show them else."""
    if clip.format.color_family == vs.RGB:
        return clip
    usual = usual_matrix(clip)  # matrix and primaries have the same numbers for HD and for SD, and SD the curve of HD
    wanted = {"_Matrix": usual, "_Primaries": usual, "_Transfer": 1}
    told = {name: f"x.{name} 0 > x.{name} 2 = not and x.{name} {value} ?" for name, value in wanted.items()}
    return core.akarin.PropExpr([clip], lambda: told)


def mask_of(restored: vs.VideoNode, kind: str = "") -> vs.VideoNode:
    """What was repaired in each frame of a restored reel: GRAY8 of its size, 255 where.

    Args:
        restored: What `Reel.restored` or a filter made; the masks travel with its frames.
        kind: Name of a filter; '' is all of them.
    """
    blank = core.std.BlankClip(restored, format=vs.GRAY8, color=[0], keep=True)
    wanted = MASK_PREFIX + kind

    def draw(n: int, f: Any) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        frame: vs.VideoFrame = f[0].copy()
        picture = np.asarray(frame[0])
        for key, value in f[1].props.items():
            if (key == wanted if kind else key.startswith(wanted)) and isinstance(value, vs.VideoFrame):
                np.maximum(picture, _fitted(np.asarray(value[0]), picture.shape), out=picture)
        return frame

    return core.std.ModifyFrame(blank, [blank, restored], draw)


def _fitted(mask: npt.NDArray[np.uint8], shape: Sequence[int]) -> npt.NDArray[np.uint8]:
    """A mask in the size of the picture, where later steps changed that."""
    if mask.shape == tuple(shape):
        return mask
    rows = np.arange(shape[0]) * mask.shape[0] // shape[0]
    columns = np.arange(shape[1]) * mask.shape[1] // shape[1]
    fitted: npt.NDArray[np.uint8] = mask[rows][:, columns]
    return fitted


@dataclass(frozen=True, slots=True)
class Scenes:
    """Scenes of one kind.

    Attributes:
        name: What they are.
        ranges: First and last record frame of each, and a label.
    """

    name: str
    ranges: tuple[tuple[int, int, str], ...]


def scenes_of(facts: Mapping[str, Any]) -> list[Scenes]:
    """Scenes of a plan or a report: the shots with their settings, and the frames that were modified.

    Args:
        facts: Content of ``plan --json`` or ``report.json``.

    Raises:
        ValueError: It is neither.
    """
    if not isinstance(facts, Mapping) or facts.get("format") not in _FORMATS:
        raise ValueError("it is neither a report.json nor what 'vsfilmrestore plan --json' prints")
    shots = tuple(_shot(shot) for shot in facts["shots"])
    factor = (facts.get("rendered") or {}).get("factor", 1)
    modified = tuple(
        (start + first // factor, start + last // factor, shot["name"] or shot["id"])
        for shot in facts["shots"]
        for start in (shot["record"]["start"],)
        for first, last in (shot.get("modified") or {}).get("ranges", ())
    )
    return [Scenes("shots", shots), *([Scenes("modified frames", modified)] if modified else [])]


def _shot(shot: Mapping[str, Any]) -> tuple[int, int, str]:
    record, name = shot["record"], shot["name"] or shot["id"]
    steps = dict.fromkeys(f"{step['name']} {step['words']}".strip() for part in shot["parts"] for step in part["steps"])
    return record["start"], record["start"] + record["frames"] - 1, f"{name}: {'; '.join(steps) or 'left alone'}"
