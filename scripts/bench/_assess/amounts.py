"""Measures that are amounts: rank correlation with the true amount, and how near they come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
import vapoursynth as vs
from _damage.footage import CLIPS, load

from vsfilmrestore.assess.colours import fade_of, looks_of

from . import film, told, video
from .scenes import Damaged, clip_of, scene_of

__all__ = ["CASES", "HEAD", "Row", "row_of", "run", "run_fade", "spearman"]

core = vs.core


@dataclass(frozen=True)
class Case:
    """One measure: how it is spoilt, by how much, how it is measured, and on which clips."""

    damage: Callable[[torch.Tensor, float, int], Damaged]
    amounts: tuple[float, ...]
    measure: Callable[[vs.VideoNode], float]
    clips: tuple[str, ...]
    unit: str


@dataclass(frozen=True)
class Row:
    """One measured clip."""

    clip: str
    true: float
    found: float


def faces_sized(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    """Larger or smaller; true is the height from chin to hair line, by eye a fifth of the picture in both clips."""
    size = [round(side * amount / 2) * 2 for side in scene.shape[-2:]]
    return F.interpolate(scene, size, mode="bicubic", antialias=True).clamp(0, 1), FACE * size[0]


def faces_counted(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    """So many of one face in four fields; the others show what stands beside it."""
    height, width = (side // 2 * 2 for side in scene.shape[-2:])
    scene = scene[..., :height, :width]
    empty = scene[..., -(width // 4) :].repeat(1, 1, 1, 5)[..., :width]
    parts = [(scene if n % 2 == 0 else scene.flip(-1)) if n < amount else empty for n in range(4)]
    return torch.cat((torch.cat(parts[:2], -1), torch.cat(parts[2:], -1)), -2), amount


def blurred_less(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    """The softer, the less sharp a face is."""
    return film.blurred(scene, amount, seed)[0], -amount


FACE = 0.194
"""Of the height of the picture."""
MOVING = ("london", "friday", "sister", "bunny", "juggle")
SHARP = ("london", "sister", "bunny", "juggle", "fight")
"""The print of friday is soft by itself (1 px): amounts that are added to it are not comparable."""
COLOUR = ("london", "sister", "bunny", "juggle", "fight")
HIGHLIGHTS = ("sister", "bunny", "juggle", "fight")
"""In colour, with highlights."""
FACES = ("sister", "brother")
CASES = {
    "flicker": Case(film.flickered, (0, 0.01, 0.02, 0.035, 0.06), told.flicker, (*MOVING, "fight"), "%"),
    "weave": Case(film.woven, (0, 0.3, 0.6, 1.0, 1.5), told.weave, MOVING, "px"),
    "weave.roll": Case(film.rolled, (0, 0.05, 0.1, 0.2, 0.4), told.roll, MOVING, "deg"),
    "dirt": Case(film.dirty, (0, 0.05, 0.15, 0.4, 1.0), told.dirt("dirt.density"), MOVING, "pieces per frame"),
    "dirt.sparkle": Case(film.mixed, (0, 0.25, 0.5, 0.75, 1), told.dirt("dirt.sparkle"), MOVING, "share"),
    "scratches": Case(film.scratched, (0, 1, 2, 3, 5), told.scratches, MOVING, "lines"),
    "stains": Case(film.stained, (0, 1, 2, 3, 5), told.stains, MOVING, "% of all pixels"),
    "dropouts": Case(video.dropped, (0, 1, 2, 4, 8), told.dirt("dropouts"), (*MOVING, "fight"), "streaks per frame"),
    "grain": Case(film.grained, (0, 2, 4, 8, 16), told.material("grain.sigma"), MOVING, "8 bit"),
    "grain.size": Case(film.grained_of_size, (0.3, 0.5, 0.7, 1.0, 1.5), told.material("grain.size"), MOVING, "px"),
    "grain.chroma": Case(film.grained, (0, 2, 4, 8, 16), told.material("grain.chroma"), MOVING, "8 bit"),
    "blur": Case(film.blurred, (0, 0.6, 1.0, 1.5, 2.2), told.material("blur.sigma"), SHARP, "px"),
    "halation": Case(film.haloed, (0, 0.05, 0.1, 0.2, 0.35), told.material("halation"), HIGHLIGHTS, "share"),
    "generation": Case(film.copied, (0, 1, 2, 3, 4), told.material("generation"), SHARP, "copies"),
    "borders": Case(video.bordered, (0, 2, 4, 10, 30), told.borders, MOVING, "px, all sides"),
    "frame_line": Case(video.frame_lined, (0, 3, 4, 6, 9), told.frame_lines, MOVING, "px"),
    "interlaced": Case(video.combed, (0, 0.3, 0.5, 0.75, 1), told.interlaced, ("london", "fight", "juggle"), "share"),
    "chroma.delay": Case(video.shifted_colour, (-4, -2, 0, 2, 4), told.tape("chroma.delay"), COLOUR, "px"),
    "chroma.bandwidth": Case(video.narrowed, (0, 1, 2, 4, 6), told.tape("chroma.bandwidth"), COLOUR, "-px of blur"),
    "faces.number": Case(faces_counted, (0, 1, 2, 3, 4), told.faces("faces.number"), FACES, ""),
    "faces.size": Case(faces_sized, (0.5, 0.75, 1, 1.5, 2), told.faces("faces.size"), FACES, "px"),
    "faces.sharpness": Case(blurred_less, (0, 0.8, 1.5, 2.5, 4), told.faces("faces.sharpness"), FACES, "-px of blur"),
    "motion.camera": Case(video.panned, (0, 0.2, 0.6, 1.5, 4), told.motion("motion.camera"), MOVING, "% of width"),
    "motion.speed": Case(video.panned, (0, 0.2, 0.6, 1.5, 4), told.motion("motion.speed"), MOVING, "% of width"),
}
FADES = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75)
REELS = 3
MORE = {"brother": ("face_asl_brother.mkv", 20)}
"""Clips that serve one measure only."""


def run(case: Case, footage: Path, frames: int, width: int) -> list[Row]:
    rows = []
    for at, name in enumerate(case.clips):
        file, first = (CLIPS | MORE)[name]
        scene = scene_of(load(footage / "clips" / file, first, frames, width))
        for level, amount in enumerate(case.amounts):
            damaged, true = case.damage(scene, amount, 100 * at + level)
            rows.append(Row(name, true, case.measure(clip_of(damaged))))
            core.clear_cache()
    return rows


def run_fade(footage: Path, width: int) -> list[Row]:
    """Reels of looks from all clips in colour: one lot of chance each."""
    names = ("london", "sister", "bunny", "pigs", "juggle", "fight")
    scenes = []
    for name in names:
        file, first = CLIPS[name]
        clip = load(footage / "clips" / file, 0, 400, min(width, 320))
        every = max(len(clip) // 5, 1)
        scenes.append(scene_of(clip[first::every] if every < 4 else clip[first::every][:4]))
    rows = []
    for reel in range(REELS):
        for amount in FADES:
            pictures = [film.faded(scene, amount, 10 * reel + 1)[0] for scene in scenes]
            looks = looks_of([frame.permute(1, 2, 0).numpy() for scene in pictures for frame in scene])
            found = fade_of(looks)
            lost = 1 - min(float(found[f"fade.{colour}"]) for colour in ("red", "green", "blue"))
            rows.append(Row(f"reel {reel}", amount, lost))
    return rows


def ranks(values: list[float]) -> np.ndarray:
    """Ranks; equal values share their mean."""
    array = np.asarray(values, float)
    return np.array([(array < value).sum() + ((array == value).sum() - 1) / 2 for value in array])


def spearman(rows: list[Row]) -> float:
    a, b = ranks([row.true for row in rows]), ranks([row.found for row in rows])
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


HEAD = (
    "| measure | unit | points | not sure | rank correlation | of each clip | clean, median | clean, worst | most |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def row_of(name: str, unit: str, rows: list[Row]) -> list[str]:
    """A line of the table, and the single points."""
    unsure = sum(not np.isfinite(row.found) for row in rows)
    rows = [row for row in rows if np.isfinite(row.found)]
    clips = list(dict.fromkeys(row.clip for row in rows))
    each = [spearman([row for row in rows if row.clip == clip]) for clip in clips]
    clean = [row.found for row in rows if row.true == 0] or [np.nan]
    most = max(rows, key=lambda row: abs(row.true))
    line = (
        f"| {name} | {unit} | {len(rows)} | {unsure} | {spearman(rows):.3f} | {np.mean(each):.3f} | "
        f"{np.median(clean):.2f} | {max(clean, key=abs):.2f} | {most.true:.2f} -> {most.found:.2f} |"
    )
    detail = [
        f"    {clip}: " + ", ".join(f"{r.true:.2f}>{r.found:.2f}" for r in rows if r.clip == clip) for clip in clips
    ]
    return [line, *detail]
