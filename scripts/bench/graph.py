"""What the shot graph costs: opening, running through, seeking and memory, for 2,000 shots over 200,000 frames.

The same filters once over the whole film without shots ("bare") and once shot by shot behind walls. Ratios of one run;
figures in milliseconds only serve to see what the ratios are made of.

    python scripts/bench/graph.py --film FILM.mkv     # a real film as the source, looped to 200,000 frames
    python scripts/bench/graph.py                     # a synthetic source
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from time import perf_counter

import vapoursynth as vs

from vsfilmrestore.media.source import open_media
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.graph import GraphShot, restored_node, source_node
from vsfilmrestore.render.memory import bound_cache, give_back

core = vs.core

FRAMES, SHOTS = 200_000, 2_000
RATE = Fraction(24)


def base(film: Path | None) -> vs.VideoNode:
    """200,000 frames of a film, or of a synthetic pan."""
    if film is None:
        blank = core.std.BlankClip(format=vs.YUV420P8, width=720, height=540, length=FRAMES, keep=True)
        moving = "X N 2 * + 13 * Y 7 * + 255 % 0.5 * 60 +"
        return core.akarin.Expr(blank, [moving, "128", "128"]).std.AssumeFPS(fpsnum=24, fpsden=1)
    clip = open_media(film).video
    return clip.std.Loop(-(-FRAMES // clip.num_frames))[:FRAMES].std.AssumeFPS(fpsnum=24, fpsden=1)


def shots_of(clip: vs.VideoNode, recipes: list[Recipe]) -> list[GraphShot]:
    """Equal shots that take turns with the recipes."""
    length = FRAMES // SHOTS
    return [
        GraphShot(str(i), clip[i * length : (i + 1) * length], (0, 0), range(length), recipes[i % len(recipes)])
        for i in range(SHOTS)
    ]


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """Seconds a piece of work takes, and its result."""
    start = perf_counter()
    result = work()
    return perf_counter() - start, result


def run_through(clip: vs.VideoNode, first: int, count: int) -> float:
    """Milliseconds per frame of a straight run."""
    clip.clear_cache()
    give_back()
    start = perf_counter()
    for frame in clip[first : first + count].frames(close=True, collect_garbage=False):
        frame.width  # noqa: B018 - the frame is asked for, no more
    return (perf_counter() - start) * 1000 / count


def seek(clip: vs.VideoNode, numbers: list[int]) -> float:
    """Median milliseconds of a random seek, without what is cached."""
    times = []
    for n in numbers:
        clip.clear_cache()
        times.append(timed(lambda n=n: clip.get_frame(n).close())[0] * 1000)  # type: ignore[misc]
    return statistics.median(times)


def memory() -> float:
    """Peak memory of this process in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def compare(name: str, bare: vs.VideoNode, walled: vs.VideoNode, count: int, options: argparse.Namespace) -> None:
    """Print the ratios of a run through and of random seeks, taken in turns."""
    length = FRAMES // SHOTS
    firsts = [length * (37 + 53 * i) for i in range(options.rounds)]
    pairs = []
    for i, first in enumerate(firsts):
        order = (bare, walled) if i % 2 else (walled, bare)
        times = {id(clip): run_through(clip, first, count) for clip in order}
        pairs.append((times[id(bare)], times[id(walled)]))
    ratio = statistics.median(walled / bare for bare, walled in pairs)
    ms = statistics.median(bare for bare, _ in pairs)
    numbers = random.Random(1).sample(range(FRAMES), options.seeks)
    far, near = seek(bare, numbers), seek(walled, numbers)
    added = statistics.median(walled - bare for bare, walled in pairs) * 1000
    print(f"{name:<20} {ms:8.2f} {ratio - 1:+8.1%} {added:8.0f}   {far:9.2f} {near:9.2f} {near / far:7.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--film", type=Path, help="a film to use as the source")
    parser.add_argument("--frames", type=int, default=400, help="frames of each run through")
    parser.add_argument("--steps", nargs="*", default=["deflicker", "denoise", "remove_dirt"], help="filters to try")
    parser.add_argument("--seeks", type=int, default=15, help="random seeks of each")
    parser.add_argument("--rounds", type=int, default=5, help="run throughs of each, in turns")
    options = parser.parse_args()
    bound_cache()
    clip = base(options.film)
    before = memory()
    archive, remaster = Recipe.preset("archive"), Recipe.preset("remaster")
    recipes = [archive, remaster, archive.with_(deflicker=0.8), remaster.with_(dust=0.6)]
    seconds, node = timed(lambda: restored_node(shots_of(clip, recipes), RATE))
    print(f"open {SHOTS} shots over {FRAMES} frames, 4 recipes: {seconds:.2f} s, {memory() - before:.0f} MB")
    assert isinstance(node, vs.VideoNode)
    first, _ = timed(lambda: node.get_frame(FRAMES // 2).close())
    print(f"first frame out of the middle: {first * 1000:.0f} ms")
    print(f"{'':<20} {'bare ms':>8} {'shots':>8} {'us':>8}   {'seek bare':>9} {'shots':>9} {'ratio':>7}", flush=True)
    none = Recipe()
    compare("source", clip, source_node(shots_of(clip, [none]), RATE), options.frames * 4, options)
    for name in options.steps:
        recipe = Recipe().with_steps({name: True})
        walled = restored_node(shots_of(clip, [recipe]), RATE)
        compare(name, recipe.apply(clip), walled, options.frames, options)
    walled = restored_node(shots_of(clip, [archive]), RATE)
    compare("preset archive", archive.apply(clip), walled, options.frames, options)
    print(f"peak memory {memory():.0f} MB, frame cache {core.used_cache_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
