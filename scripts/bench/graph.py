"""What the shot graph costs: opening, running through, seeking and memory, for 2,000 shots over 200,000 frames.

The same filters once over the whole film without shots ("bare") and once shot by shot behind walls, a shot of each in
turns. Ratios of one run, of processor time: what all threads together spend on a frame, whatever else the machine does.
Figures in milliseconds only serve to see what the ratios are made of. Both decode the film for themselves.

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
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time

import vapoursynth as vs

from vsfilmrestore.media.source import open_media
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.graph import GraphShot, restored_node, source_node
from vsfilmrestore.render.memory import bound_cache, give_back

core = vs.core

FRAMES, SHOTS = 200_000, 2_000
LENGTH = FRAMES // SHOTS
RATE = Fraction(24)


def base(film: Path | None) -> vs.VideoNode:
    """200,000 frames of a film, or of a synthetic pan."""
    if film is None:
        blank = core.std.BlankClip(format=vs.YUV420P8, width=720, height=540, length=FRAMES, keep=True)
        moving = "X N 2 * + 13 * Y 7 * + 255 % 0.5 * 60 +"
        return core.akarin.Expr(blank, [moving, "128", "128"]).std.AssumeFPS(fpsnum=24, fpsden=1)
    open_media(film)  # makes the index
    # Next to no cache of decoded frames: a film of 200,000 never finds the next one there.
    clip = core.bs.VideoSource(str(film), cachesize=1)
    return clip.std.Loop(-(-FRAMES // clip.num_frames))[:FRAMES].std.AssumeFPS(fpsnum=24, fpsden=1)


def shots_of(clip: vs.VideoNode, recipes: list[Recipe]) -> list[GraphShot]:
    """Equal shots that take turns with the recipes."""
    return [
        GraphShot(str(i), clip[i * LENGTH : (i + 1) * LENGTH], (0, 0), range(LENGTH), recipes[i % len(recipes)])
        for i in range(SHOTS)
    ]


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """Seconds a piece of work takes, and its result."""
    start = perf_counter()
    result = work()
    return perf_counter() - start, result


class RunThrough:
    """A straight run that is timed a shot at a time."""

    def __init__(self, clip: vs.VideoNode, first: int) -> None:
        self._frames = clip[first:].frames(close=True, collect_garbage=False)

    def shot(self) -> float:
        """Milliseconds of processor time per frame of the next shot."""
        start = process_time()
        for _ in islice(self._frames, LENGTH):
            pass
        return (process_time() - start) * 1000 / LENGTH

    def stop(self) -> None:
        """Let go of the frames asked for ahead."""
        self._frames.close()
        core.clear_cache()
        give_back()


def seek(clip: vs.VideoNode, numbers: list[int]) -> float:
    """Median milliseconds of a random seek, without what is cached."""
    times = []
    for n in numbers:
        core.clear_cache()
        times.append(timed(lambda n=n: clip.get_frame(n).close())[0] * 1000)  # type: ignore[misc]
    return statistics.median(times)


def memory() -> float:
    """Peak memory of this process in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def compare(name: str, bare: vs.VideoNode, walled: vs.VideoNode, options: argparse.Namespace) -> None:
    """Print the ratios of a run through, shot by shot in turns, and of random seeks."""
    runs = [RunThrough(clip, LENGTH * 37) for clip in (bare, walled)]
    times = [[run.shot() for run in runs] for _ in range(options.shots + 1)][1:]  # the first fills caches and windows
    for run in runs:
        run.stop()
    ms = statistics.median(a for a, _ in times)
    ratio = statistics.median(b / a for a, b in times)
    added = statistics.median(b - a for a, b in times) * 1000
    numbers = random.Random(1).sample(range(FRAMES), options.seeks)
    far, near = seek(bare, numbers), seek(walled, numbers)
    print(f"{name:<20} {ms:8.2f} {ratio - 1:+8.1%} {added:8.0f}   {far:9.2f} {near:9.2f} {near / far:7.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--film", type=Path, help="a film to use as the source")
    parser.add_argument("--shots", type=int, default=8, help="shots of each run through")
    steps = ["deflicker", "stabilize", "repair_frames", "remove_dirt", "denoise"]
    parser.add_argument("--steps", nargs="*", default=steps, help="filters to try")
    parser.add_argument("--seeks", type=int, default=15, help="random seeks of each")
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
    other = base(options.film)
    compare("source", other, source_node(shots_of(clip, [Recipe()]), RATE), options)
    tried = {name: Recipe().with_steps({name: True}) for name in options.steps} | {"preset archive": archive}
    for name, recipe in tried.items():
        compare(name, recipe.apply(other), restored_node(shots_of(clip, [recipe]), RATE), options)
    print(f"peak memory {memory():.0f} MB, frame cache {core.used_cache_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
