"""Real footage without damage, and clips that lie in memory."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

__all__ = ["CLIPS", "FAST", "WIDTH", "Picture", "clip_of", "load", "loaded", "planes_of"]

core = vs.core

type Picture = npt.NDArray[np.uint8 | np.uint16]
"""A plane."""

CLIPS = {
    "london": ("interlaced_london_gt60p.mkv", 10),
    "friday": ("film_his_girl_friday_1940.mp4", 60),
    "sister": ("face_asl_sister.mkv", 20),
    "bunny": ("cuts_bbb_720p.webm", 320),
    "pigs": ("anim2d_pigs_in_a_polka_1943.gif", 2),
    "juggle": ("motion_juggle_720p.mp4", 20),
    "fight": ("motion_tos_fight.mkv", 60),
}
"""Undamaged footage: file and first frame. No cut lies within the next 40 frames, and nothing is trained on these."""

FAST = ("juggle", "fight")
"""Clips whose motion the usual motion search cannot follow."""

WIDTH = 640


def load(path: Path, first: int, frames: int, width: int = WIDTH) -> vs.VideoNode:
    """Frames of a file as YUV420P8, at most ``width`` wide."""
    clip = core.bs.VideoSource(str(path), cachemode=0, showprogress=False)[first : first + frames]
    scale = min(width / clip.width, 1)
    across, down = (round(side * scale) // 2 * 2 for side in (clip.width, clip.height))
    matrix = {"matrix": vs.MATRIX_BT709} if clip.format.color_family == vs.RGB else {}
    return clip.resize.Bicubic(across, down, format=vs.YUV420P8, **matrix)


def loaded(footage: Path, names: Collection[str], frames: int, width: int = WIDTH) -> dict[str, vs.VideoNode]:
    """Clips of `CLIPS` by name, all of them where no name is given.

    Raises:
        KeyError: A name is none of `CLIPS`.
        FileNotFoundError: The file is not in ``footage/clips``.
    """
    found = {}
    for name in names or CLIPS:
        file, first = CLIPS[name]
        path = footage / "clips" / file
        if not path.exists():
            raise FileNotFoundError(f"{path} is not there; name the clips that are with --clips.")
        found[name] = load(path, first, frames, width)
    return found


def planes_of(clip: vs.VideoNode) -> list[list[Picture]]:
    """All frames in memory."""
    return [[np.array(plane) for plane in frame] for frame in clip.frames()]


def clip_of(frames: list[list[Picture]], like: vs.VideoNode) -> vs.VideoNode:
    """A clip of frames in memory, of the format, size and rate of ``like``."""
    blank = core.std.BlankClip(like, length=len(frames), keep=True)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        out = f.copy()
        for index, plane in enumerate(frames[n]):
            np.copyto(np.asarray(out[index]), plane)
        return out

    return blank.std.ModifyFrame(blank, fill)
