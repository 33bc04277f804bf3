"""What is told of whole clips that nothing was done to: each claim is to be true of them, or it is a false alarm."""

from __future__ import annotations

from pathlib import Path

import vapoursynth as vs

from vsfilmrestore.assess.measure import assess_clip
from vsfilmrestore.assess.results import ShotMeasures
from vsfilmrestore.assess.vocabulary import MEASURES
from vsfilmrestore.assess.wording import found_in

__all__ = ["table"]

core = vs.core

FILES = {
    "bunny 1": ("cuts_bbb_720p.webm", 120, 170),
    "bunny 2": ("cuts_bbb_720p.webm", 310, 360),
    "bunny 3": ("cuts_bbb_720p.webm", 470, 540),
    "bunny 4": ("cuts_bbb_720p.webm", 580, 630),
    "juggle": ("motion_juggle_720p.mp4", 0, 100),
    "fight 1": ("motion_tos_fight.mkv", 4, 33),
    "fight 2": ("motion_tos_fight.mkv", 33, 119),
    "fight 3": ("motion_tos_fight.mkv", 119, 140),
    "sister": ("face_asl_sister.mkv", 0, 87),
    "brother": ("face_asl_brother.mkv", 0, 65),
    "london": ("interlaced_london_gt60p.mkv", 0, 120),
}
"""Clips by name: file, first frame, frame after the last."""
WIDEST = 960
_LEFT_OUT = ("luma.", "chroma.u", "chroma.v", "saturation", "ydif", "motion", "kind", "transition", "confidence.")
"""Measures that any clip has."""


def table(footage: Path, width: int) -> list[str]:
    """What is told in words of each clip; then the largest value of each measure."""
    lines = ["| clip | frames | told in words |", "|---|---|---|"]
    shots: dict[str, ShotMeasures] = {}
    for name, (file, first, stop) in FILES.items():
        whole = core.bs.VideoSource(str(footage / "clips" / file), cachemode=0, showprogress=False)
        clip = whole[first:stop]
        if clip.width > WIDEST:
            clip = clip.resize.Bicubic(WIDEST, clip.height * WIDEST // clip.width // 2 * 2)
        found = assess_clip(clip, name=name, cuts=())
        shots[name] = found.shots[0]
        lines.append(f"| {name} | {len(clip)} | {found_in(found.shots[0]) or 'nothing'} |")
        core.clear_cache()
    lines += ["", f"| measure | {' | '.join(shots)} |", f"|---|{'---|' * len(shots)}"]
    for measure in MEASURES:
        if not measure.name.startswith(_LEFT_OUT):
            cells = [_cell(shot, measure.name) for shot in shots.values()]
            if any(cells):
                lines.append(f"| `{measure.name}` | {' | '.join(cells)} |")
    return lines


def _cell(shot: ShotMeasures, name: str) -> str:
    value = shot.values.get(name)
    if isinstance(value, str):
        return value
    return "" if value is None else f"{value:.3g}"
