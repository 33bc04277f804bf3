"""What was found in a shot, in a few words; and all measures as a table."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TextIO

from vsfilmrestore.assess.results import Assessment, ShotMeasures
from vsfilmrestore.assess.vocabulary import MEASURES
from vsfilmrestore.media.naming import ranges_text

__all__ = ["QUIET", "found_in", "write_table"]

QUIET: Final = {
    "flicker": 0.8,
    "weave.x": 0.3,
    "weave.y": 0.3,
    "weave.roll": 0.05,
    "dirt.density": 0.5,
    "dropouts": 0.3,
    "stains.share": 0.001,
    "grain.sigma": 2.5,
    "blur.sigma": 1.0,
    "generation": 0.4,
    "interlaced": 0.1,
    "frame_line": 1.0,
    "fade.delta_e": 3.0,
    "drawn": 0.35,
    "chroma.delay": 1.5,
    "dot_crawl": 0.03,
    "rainbows": 0.05,
    "head_switching": 0.5,
    "cels.dust": 1.5,
}
"""Clips that nothing is wrong with measure up to about this much: below, a measure is not told in words."""

_FAST: Final = {"flicker": 3.0, "dirt.density": 3.0, "dropouts": 2.0, "blur.sigma": 2.0, "generation": 2.0}
"""So many times louder must be what fast motion may look like, where it is fast."""
_SMEARED: Final = 1.3
"""Size of grain, in pixels, from which it is the blur of fast motion."""
_DOUBT: Final = 0.3
"""Confidence below which a measure is not told in words."""
_SURE: Final = 0.5
"""Confidence that a cadence needs to be told."""
_BORDER: Final = 3


def found_in(shot: ShotMeasures) -> str:
    """What stands out in a shot: ``torn 1 (28), flicker 6.8 %, dirt 1.8 a frame``; '' for nothing."""
    return ", ".join(word for tell in _TELLERS for word in tell(shot))


def _content(shot: ShotMeasures) -> Iterator[str]:
    kind, transition = shot.word("kind"), shot.word("transition")
    if kind not in ("", "picture"):
        yield kind
    if transition in ("dissolve", "fade"):
        yield f"begins with a {transition}"
    if _loud(shot, "drawn"):
        yield "drawn"
    if shot.word("colour") == "tinted":
        yield "tinted"
    if shot.word("motion") in ("pan", "fast"):
        yield {"pan": "pan", "fast": "fast motion"}[shot.word("motion")]
    if shot["faces.number"]:
        count = round(shot["faces.number"])
        yield f"{count} face{'s' if count > 1 else ''} of {shot['faces.size']:.0f} px"


def _frames(shot: ShotMeasures) -> Iterator[str]:
    for name, word in (
        ("frames.torn", "torn"),
        ("frames.ruined", "blank or rolled"),
        ("frames.splices", "jumped"),
        ("frames.missing", "missing before"),
        ("frames.double", "doubled"),
        ("flashes", "flash"),
    ):
        if count := round(shot[name]):
            at = shot.lists.get("flashes.at" if name == "flashes" else f"{name}_at", ())
            yield f"{word} {count} ({ranges_text(sorted({int(n) for n in at}), 3)})"
    if shot.word("cadence") not in ("", "every frame", "still") and shot.confidence("cadence") > _SURE:
        yield shot.word("cadence")


def _damage(shot: ShotMeasures) -> Iterator[str]:
    if _loud(shot, "flicker"):
        yield f"flicker {shot['flicker']:.1f} %"
    weave = max(shot["weave.x"], shot["weave.y"])
    if weave > QUIET["weave.x"] and shot.confidence("weave") > _DOUBT:
        yield f"weave {shot['weave.x']:.1f} and {shot['weave.y']:.1f} px"
    if _loud(shot, "dirt.density"):
        sparkle = shot["dirt.sparkle"]
        colour = ", white" if sparkle > 0.8 else ", dark" if sparkle < 0.2 else ""
        yield f"dirt {shot['dirt.density']:.1f} a frame{colour}"
    if count := round(shot["scratches.count"]):
        at = " ".join(f"{x:.0f}" for x in shot.lists.get("scratches.x", ())[:4])
        yield f"{count} scratch{'es' if count > 1 else ''} (x {at})"
    if _loud(shot, "stains.share"):
        yield f"stains on {100 * shot['stains.share']:.1f} %"
    if _loud(shot, "dropouts"):
        yield f"dropouts {shot['dropouts']:.1f} a frame"


def _material(shot: ShotMeasures) -> Iterator[str]:
    smeared = shot.word("motion") == "fast" and shot["grain.size"] > _SMEARED
    if _loud(shot, "grain.sigma") and not smeared:
        yield f"grain {shot['grain.sigma']:.1f}"
    if _loud(shot, "blur.sigma"):
        yield f"soft {shot['blur.sigma']:.1f} px"
    if _loud(shot, "generation"):
        yield "generation loss"
    if _loud(shot, "fade.delta_e"):
        left = [f"{100 * shot[f'fade.{colour}']:.0f}" for colour in ("red", "green", "blue")]
        yield f"faded to {' '.join(left)} %"
    if shot.word("cast.intent") in ("night", "sunset"):
        yield shot.word("cast.intent")


def _geometry(shot: ShotMeasures) -> Iterator[str]:
    if _loud(shot, "interlaced"):
        telecine = shot.word("telecine")
        yield f"{telecine} telecine" if telecine not in ("", "none") else f"combed {100 * shot['interlaced']:.0f} %"
    borders = [round(shot[f"borders.{side}"]) for side in ("left", "right", "top", "bottom")]
    if max(borders) > _BORDER:
        yield "borders " + " ".join(map(str, borders))
    if _loud(shot, "frame_line"):
        yield "frame line shows"
    if abs(shot["chroma.delay"]) > QUIET["chroma.delay"]:
        yield f"colour off by {shot['chroma.delay']:.1f} px"


def _tape(shot: ShotMeasures) -> Iterator[str]:
    if _loud(shot, "head_switching"):
        yield f"{shot['head_switching']:.0f} lowest lines torn"
    if _loud(shot, "dot_crawl"):
        yield "dot crawl"
    if _loud(shot, "rainbows"):
        yield "rainbows"
    if _loud(shot, "cels.dust"):
        yield f"dust under the glass {shot['cels.dust']:.1f} a frame"


_TELLERS: Final[tuple[Callable[[ShotMeasures], Iterator[str]], ...]] = (
    _content,
    _frames,
    _damage,
    _material,
    _geometry,
    _tape,
)


def _loud(shot: ShotMeasures, name: str) -> bool:
    limit = QUIET[name] * (_FAST.get(name, 1.0) if shot.word("motion") == "fast" else 1.0)
    return shot[name] > limit and shot.confidence(name.split(".")[0]) > _DOUBT


def write_table(file: TextIO, found: Assessment, names: Sequence[str], timecodes: Sequence[str]) -> None:
    """All measures of all shots as CSV, a row a shot; what was not measured is empty, lists are parted by spaces."""
    writer = csv.writer(file)
    writer.writerow(["shot", "first", "frames", "timecode", *(measure.name for measure in MEASURES), "remarks"])
    for shot, name, timecode in zip(found.shots, names, timecodes, strict=True):
        cells = [_cell(shot, measure.name) for measure in MEASURES]
        writer.writerow([name, shot.first, len(shot), timecode, *cells, "; ".join(shot.remarks)])


def _cell(shot: ShotMeasures, name: str) -> str:
    value = shot.values.get(name)
    if value is None:
        return " ".join(f"{number:g}" for number in shot.lists.get(name, ()))
    return value if isinstance(value, str) else f"{value:.6g}"
