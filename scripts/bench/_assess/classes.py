"""Measures that are words: what is told of clips whose kind is known, because they were made so of real ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
import vapoursynth as vs
from _damage.footage import CLIPS, load

from vsfilmrestore.assess.cadence import cadence_of
from vsfilmrestore.assess.colours import colour_of, fade_of, looks_of
from vsfilmrestore.assess.content import drawn_of, kind_of, motion_of
from vsfilmrestore.assess.fields import fields_of
from vsfilmrestore.assess.wording import QUIET

from . import film, told
from .scenes import clip_of, scene_of
from .video import panned, woven_fields

__all__ = ["CHECKS", "table"]

core = vs.core

LONG = 60
NAMES = ("london", "sister", "bunny", "juggle", "fight")
LIVELY = ("london", "fight", "juggle")
"""Where enough moves that fields of two moments differ."""

type Told = Iterator[tuple[str, str, str]]
"""Clip, what is true, what was told."""


def table(name: str, footage: Path, width: int) -> list[str]:
    """A row for each true word: how often it was told, and what else was."""
    found: dict[str, Counter[str]] = {}
    details = []
    for clip, true, said in CHECKS[name](footage, min(width, 320)):
        found.setdefault(true, Counter())[said] += 1
        details.append(f"    {name} {clip}: {true} -> {said}")
        core.clear_cache()
    lines = ["| measure | true | clips | told rightly | told otherwise |", "|---|---|---|---|---|"]
    for true, words in found.items():
        others = ", ".join(f"{word or 'nothing'} {count}" for word, count in words.items() if word != true)
        lines.append(f"| `{name}` | {true} | {words.total()} | {words[true]} | {others} |")
    return [*lines, *details]


def _clip(footage: Path, name: str, frames: int, width: int) -> vs.VideoNode:
    file, first = CLIPS[name]
    clip = load(footage / "clips" / file, first, frames, width)
    return clip.std.Crop(bottom=clip.height % 4)  # fields need four rows to two of colour


def _repeated(clip: vs.VideoNode, ratio: float, count: int = LONG) -> vs.VideoNode:
    """New pictures come ``ratio`` times a frame."""
    kept = [int(n * ratio) for n in range(count)]
    return core.std.Splice([clip[n : n + 1] for n in kept])


CADENCES = {
    "every frame": 1.0,
    "on twos": 0.5,
    "on threes": 1 / 3,
    "16 in 24": 2 / 3,
    "3 in 4": 0.75,
    "20 in 24": 5 / 6,
    "4 in 5": 0.8,
    "19 in 24": 18.67 / 24,
}


def cadences(footage: Path, width: int) -> Told:
    for name in ("london", "sister", "juggle", "fight"):
        clip = _clip(footage, name, LONG, width)
        for word, ratio in CADENCES.items():
            made = _repeated(clip, ratio, len(clip))
            found = told.passed(made)
            yield name, word, cadence_of([found.frames[n] for n in range(len(made))]).word


def pulled_down(clip: vs.VideoNode, top: bool) -> vs.VideoNode:
    """3:2: of four frames five."""
    fields = clip.std.SetFieldBased(0).std.SeparateFields(tff=top)
    return fields.std.SelectEvery(8, [0, 1, 2, 3, 2, 5, 4, 7, 6, 7]).std.DoubleWeave(tff=top)[::2]


def astride(clip: vs.VideoNode, top: bool) -> vs.VideoNode:
    """2:2, a field late: each frame of a field of one and a field of the next film frame."""
    return clip.std.SetFieldBased(0).std.SeparateFields(tff=top).std.DoubleWeave(tff=top)[1::2]


WEAVES: dict[str, Callable[[vs.VideoNode, bool], vs.VideoNode]] = {
    "none": lambda clip, top: clip,
    "video": woven_fields,
    "3:2": pulled_down,
    "2:2": astride,
}


def fields(footage: Path, width: int) -> Told:
    for name in LIVELY:
        clip = _clip(footage, name, LONG, width)
        for pattern, weave in WEAVES.items():
            for top in (True, False) if pattern != "none" else (True,):
                found = fields_of(told.shot_of(weave(clip, top)))
                first = top != (pattern == "2:2")  # a field late, the other one comes first
                order = ("top" if first else "bottom") if pattern != "none" else "none"
                said = f"{'video' if found.share > 0.5 and found.telecine == 'none' else found.telecine} {found.order}"
                yield name, f"{pattern} {order}", said


def motions(footage: Path, width: int) -> Told:
    for name in ("london", "friday", "sister", "bunny", "juggle"):
        scene = scene_of(_clip(footage, name, 24, width))
        for true, made in (
            ("still", film.grained(scene[:1].repeat(24, 1, 1, 1), 2, 1)[0]),
            ("pan", panned(scene, 0.6, 0)[0]),
            ("fast", panned(scene, 4.0, 0)[0]),
        ):
            found, count = told.passed(clip_of(made)), 24
            yield name, true, str(motion_of([found.frames[n] for n in range(count)], found.width).get("motion", ""))
    for name, true in (("sister", "some"), ("juggle", "some"), ("fight", "fast"), ("london", "pan")):
        found = told.passed(_clip(footage, name, 28, width))
        yield f"{name} as it is", true, str(motion_of(list(found.frames.values()), found.width).get("motion", ""))


def colours(footage: Path, width: int) -> Told:
    sepia = torch.tensor((1.07, 0.99, 0.79))[:, None, None]
    for name in NAMES:
        scene = scene_of(_clip(footage, name, 8, width))
        grey = scene.mean(1, keepdim=True).repeat(1, 3, 1, 1)
        for true, made in (
            ("colour", scene),
            ("grey", grey),
            ("tinted", (grey * sepia).clamp(0, 1)),
        ):
            yield name, true, colour_of(told.shot_of(clip_of(made)).middles)[0]


def casts(footage: Path, width: int) -> Told:
    night = torch.tensor((0.10, 0.16, 0.30))[:, None, None]
    fire = torch.tensor((1.0, 0.52, 0.25))[:, None, None]
    for name in NAMES:
        scene = scene_of(_clip(footage, name, 4, min(width, 320)))
        grey = scene.mean(1, keepdim=True).repeat(1, 3, 1, 1)
        tint = (grey * torch.tensor((1.0, 0.75, 0.45))[:, None, None]).clamp(0, 1)
        for true, made in (
            ("none", scene),
            ("monochrome", grey),
            ("tinted", tint),
            ("night", scene**1.6 * night),
            ("sunset", scene**1.1 * fire),
        ):
            looks = looks_of([frame.permute(1, 2, 0).numpy() for frame in made])
            yield name, true, str(fade_of(looks)["cast.intent"])


def drawings(footage: Path, width: int) -> Told:
    for name in (*NAMES, "friday", "pigs"):
        shot = told.shot_of(_clip(footage, name, 24, 480))
        sure = drawn_of(shot.colour(), shot.middles, "")
        yield (
            f"{name} {sure:.2f}",
            "drawn" if name == "pigs" else "not drawn",
            "drawn" if sure > QUIET["drawn"] else "not drawn",
        )


def kinds(footage: Path, width: int) -> Told:
    for name in (*NAMES, "friday"):
        clip = _clip(footage, name, 24, width)
        yield name, "picture", _kind(clip)
        scene = scene_of(clip)
        yield name, "black", _kind(clip_of(film.grained(torch.full_like(scene, 0.01), 2, 1)[0]))
        yield name, "white", _kind(clip_of(film.grained(torch.full_like(scene, 0.97), 2, 1)[0]))
        yield name, "title", _kind(clip_of(film.grained(_title(scene), 2, 1)[0]))
        yield name, "bars", _kind(clip_of(_bars(scene)))


def _kind(clip: vs.VideoNode) -> str:
    facts, _ = told.facts_of(clip)
    return kind_of(facts, told.shot_of(clip).colour())


def _title(scene: torch.Tensor) -> torch.Tensor:
    import cv2

    height, width = scene.shape[-2:]
    card = np.full((height, width), 15, np.uint8)
    for row, words in enumerate(("A RESTORED FILM", "IN SEVEN PARTS", "BASED ON A TALE")):
        cv2.putText(card, words, (width // 8, height // 3 + row * height // 6), 0, width / 500, 217, 1, cv2.LINE_AA)
    return torch.from_numpy(card / np.float32(255))[None, None].repeat(len(scene), 3, 1, 1)


def _bars(scene: torch.Tensor) -> torch.Tensor:
    colours = [(1, 1, 1), (1, 1, 0), (0, 1, 1), (0, 1, 0), (1, 0, 1), (1, 0, 0), (0, 0, 1)]
    stripes = 0.75 * torch.tensor(colours, dtype=torch.float32).T[:, None]
    return F.interpolate(stripes[None], scene.shape[-2:], mode="nearest").repeat(len(scene), 1, 1, 1)


CHECKS: dict[str, Callable[[Path, int], Told]] = {
    "cadence": cadences,
    "telecine": fields,
    "motion": motions,
    "colour": colours,
    "cast.intent": casts,
    "drawn": drawings,
    "kind": kinds,
}
