"""Measure how near correct_fade brings faded reels to what they were, beside the usual methods.

    python scripts/bench/fade.py --pictures FOLDER [--clips FOLDER] [--reels 10] [--seed 1] [--sheet fade.jpg]

Reels are made of pictures that were held back from training, and of clips; they are faded by the simulator the network
was trained with ("film"), each stock with values it never saw, and by another one it was not trained with
("spectral"). What is left is CIEDE2000 against the unfaded print, without grain; mean over reels, and the 90th
percentile of the reels' means. Unfaded reels show what is spoilt. All numbers follow from --seed. With --sheet, frames
of clips are drawn instead: new, faded and corrected by the whole reel, for each simulator.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "train"))

from fading import Film, Sights, SpectralFilm
from fading.reels import Floats, frames_of, thumb

from vsfilmrestore.filters._fade_colour import delta_e, from_density, lab, to_density
from vsfilmrestore.filters._fade_estimate import FadeEstimate, estimate_fade

FRAMES = 25
MANY = 60
"""Scenes of a reel that has a shot of each."""
SHOTS = 240
"""Shots of a long reel: of so many 'vsfilmrestore fade' takes a frame each."""
FRAMINGS, CLOSEST = 18, 0.3
"""Of each picture on such a reel, as an edit goes back to its places: from all of it to three tenths of its width."""
CLIPS = ("motion_juggle_720p", "motion_tos_fight", "cuts_bbb_720p", "interlaced_london_gt60p",
         "face_asl_sister", "face_asl_brother")  # fmt: skip
STOCKS: dict[str, Callable[[np.random.Generator], Film | SpectralFilm]] = {
    "film": Film.drawn,
    "spectral": SpectralFilm.drawn,
}
GRAIN = 0.006
SHOWN = (240, 180)
CUTS = 6
"""Cuts within a scene for each reel: ten in all told too little, 0.9 by one seed and 1.9 by another."""
ALL = "**ours, all frames pooled**"
ASIDE = "the same, lightness aside"

type Method = Callable[[Floats, Floats], Floats]
type Kinds = dict[str, Callable[[np.random.Generator], Floats]]
"""How a reel of each kind is drawn."""


def looks(frames: Floats) -> list[Floats]:
    """Frames as the estimate is given them, half their size."""
    return list(thumb(frames))


def estimated(seen: Floats, frames: int = FRAMES) -> FadeEstimate:
    """What some frames of a reel, spread over it, tell."""
    places = ((np.arange(frames) + 0.5) * len(seen) / frames).astype(int)
    return estimate_fade(_grown(looks(seen[places])))


def _grown(frames: list[Floats]) -> Iterator[Floats]:
    """The estimate looks at 40x30."""
    for frame in frames:
        yield cv2.resize(np.asarray(frame, np.float32), (40, 30), interpolation=cv2.INTER_LINEAR)


def grey_world(seen: Floats, _scan: Floats) -> Floats:
    """Each frame's mean made grey, in light."""
    light = seen**2.2
    mean = light.mean((1, 2), keepdims=True)
    return np.clip(light * mean.mean(-1, keepdims=True) / mean, 0, 1) ** (1 / 2.2)


def _stretch(values: Floats, axes: tuple[int, ...], low: float, high: float) -> Floats:
    bottom, top = (np.quantile(values, q, axis=axes, keepdims=True) for q in (0.01, 0.99))
    return np.asarray((values - bottom) / np.maximum(top - bottom, 0.05) * (high - low) + low)


def rgb_stretch(seen: Floats, _scan: Floats) -> Floats:
    """Each colour of each frame from black to white."""
    return np.clip(_stretch(seen, (1, 2), 0.02, 0.98), 0, 1)


def density_stretch(seen: Floats, _scan: Floats) -> Floats:
    """The same in density."""
    return np.clip(from_density(_stretch(to_density(seen), (1, 2), 0.05, 2.0)), 0, 1)


def density_stretch_pooled(seen: Floats, _scan: Floats) -> Floats:
    """The same, with the quantiles of the whole reel."""
    return np.clip(from_density(_stretch(to_density(seen), (0, 1, 2), 0.05, 2.0)), 0, 1)


def single(seen: Floats, scan: Floats) -> Floats:
    """Ours, each frame for itself."""
    made = [estimate_fade(_grown(looks(one[None]))).profile.apply(two) for one, two in zip(scan, seen, strict=True)]
    return np.clip(np.stack(made), 0, 1)


def pooled(frames: int) -> Method:
    """Ours, by frames of the reel."""
    return lambda seen, scan: np.clip(estimated(scan, frames).profile.apply(seen), 0, 1)


def oracle(seen: Floats, fresh: Floats) -> Floats:
    """The best matrix of 3x4 over densities, by least squares on the truth."""
    before = to_density(seen).reshape(-1, 3)
    full = np.column_stack([before, np.ones(len(before))])
    solved, *_ = np.linalg.lstsq(full, to_density(fresh).reshape(-1, 3), rcond=None)
    return np.clip(from_density(full @ solved), 0, 1).reshape(seen.shape)


METHODS: dict[str, Method] = {
    "nothing": lambda seen, _scan: seen,
    "grey world": grey_world,
    "RGB stretch": rgb_stretch,
    "density stretch": density_stretch,
    "density stretch, pooled": density_stretch_pooled,
    "ours, single frames": single,
    "ours, 4 frames pooled": pooled(4),
    "ours, 12 frames pooled": pooled(12),
    "ours, 25 frames pooled": pooled(25),
    ALL: lambda seen, scan: pooled(len(scan))(seen, scan),
}
LONG = {name: METHODS[name] for name in ("nothing", "density stretch, pooled", "ours, 25 frames pooled")} | {
    "ours, 60 frames pooled": pooled(60),
    ALL: METHODS[ALL],
}
"""What long reels are measured by."""


def off(a: Floats, b: Floats) -> float:
    """Mean CIEDE2000."""
    return float(delta_e(lab(np.clip(a, 0, 1)), lab(np.clip(b, 0, 1))).mean())


def off_in_colour(a: Floats, b: Floats) -> float:
    """The same with the lightness of the second given to the first: what is wrong in hue and saturation."""
    first, second = lab(np.clip(a, 0, 1)), lab(np.clip(b, 0, 1))
    first[..., 0] = second[..., 0]
    return float(delta_e(first, second).mean())


def scanned(frames: Floats, rng: np.random.Generator) -> Floats:
    """With a little grain and in 8 bits, as the estimate gets them."""
    return np.round(np.clip(frames + rng.normal(0, GRAIN, frames.shape), 0, 1) * 255) / 255


class Reels:
    """Unfaded reels of several kinds."""

    def __init__(self, pictures: Path, clips: Path | None) -> None:
        self.sights = Sights(pictures, test=True)
        self.framings = Sights(pictures, test=True, crops=FRAMINGS, closest=CLOSEST)
        self.files = [file for name in CLIPS if clips for file in sorted(clips.glob(f"{name}.*"))]
        self.clips = [frames_of(file, 24) for file in self.files]

    @property
    def kinds(self) -> Kinds:
        """Reels of 60 shots at most."""
        kinds: Kinds = {"25 scenes": lambda rng: self._drawn(rng, 25), "6 scenes": lambda rng: self._drawn(rng, 6)}
        kinds |= {"clips": self._cut} if self.clips else {}
        return kinds | ({f"{MANY} scenes": lambda rng: self._drawn(rng, MANY)} if self._enough else {})

    @property
    def long(self) -> Kinds:
        """Reels of many more."""
        return {f"{SHOTS} shots": self._edited} if self._enough else {}

    @property
    def _enough(self) -> bool:
        return len(self.sights.sources) >= MANY

    def _drawn(self, rng: np.random.Generator, scenes: int) -> Floats:
        chosen = rng.choice(len(self.sights.sources), scenes, replace=False)
        return np.stack([rng.choice(self.sights.sources[chosen[i % scenes]]) for i in range(max(scenes, FRAMES))])

    def _edited(self, rng: np.random.Generator) -> Floats:
        sources = self.framings.sources
        return np.stack([rng.choice(sources[i]) for i in np.resize(rng.permutation(len(sources)), SHOTS)])

    def _cut(self, rng: np.random.Generator) -> Floats:
        return np.stack([rng.choice(self.clips[i % len(self.clips)]) for i in range(FRAMES)])


def in_pieces(change: Callable[[Floats], Floats], frames: Floats) -> Floats:
    """Frames, changed few at a time: spectra of all of them outgrow what a processor has at hand."""
    return np.concatenate([change(part) for part in np.split(frames, range(8, len(frames), 8))])


def faded(kinds: Kinds, methods: dict[str, Method], count: int, seed: int, first: int = 0) -> None:
    """A table of what is left; seeds of its columns are counted from ``first``."""
    columns = [(kind, stock) for kind in kinds for stock in STOCKS]
    cells: dict[str, list[str]] = {name: [] for name in [*methods, ASIDE, "oracle 3x4"]}
    for place, (kind, stock) in enumerate(columns, first):
        left: dict[str, list[float]] = {name: [] for name in cells}
        for n in range(count):
            rng = np.random.default_rng([seed, place, n])
            clean, film = kinds[kind](rng), STOCKS[stock](rng)
            seen, fresh = in_pieces(film.fade, clean), in_pieces(film.fresh, clean)
            scan = scanned(seen, rng)
            for name, method in methods.items():
                made = method(seen, scan)
                left[name].append(off(made, fresh))
            left[ASIDE].append(off_in_colour(made, fresh))  # of the last one: by the whole reel
            left["oracle 3x4"].append(off(oracle(seen, fresh), fresh))
        for name, values in left.items():
            cells[name].append(f"{np.mean(values):.1f} / {np.quantile(values, 0.9):.1f}")
    print("| method | " + " | ".join(f"{kind}, {stock}" for kind, stock in columns) + " |")
    print("|---|" + "---|" * len(columns))
    for name, row in cells.items():
        print(f"| {name} | " + " | ".join(row) + " |")


def gated(seen: Floats, found: FadeEstimate) -> Floats:
    """What the filter makes of a reel: nothing where the estimate says so."""
    return np.clip(found.profile.apply(seen), 0, 1) if found.faded else seen


def unfaded(reels: Reels, count: int, seed: int) -> None:
    """What happens to reels that have not faded, and how many faded ones are left alone."""
    print("\n| reels | unfaded: changed, mean / most | unfaded: touched | faded: left alone | left where used |")
    print("|---|---|---|---|---|")
    for place, (kind, drawn) in enumerate((reels.kinds | reels.long).items()):
        spoilt, touched, missed, left = [], 0, 0, []
        for n in range(count):
            rng = np.random.default_rng([seed, 50 + place, n])
            clean, film = drawn(rng), SpectralFilm.drawn(rng)
            scan = scanned(clean, rng)
            found = estimated(scan, len(scan))
            spoilt.append(off(gated(clean, found), clean))
            touched += found.faded
            seen = in_pieces(film.fade, clean)
            found = estimated(scanned(seen, rng), len(seen))
            missed += not found.faded
            if found.faded:
                left.append(off(gated(seen, found), in_pieces(film.fresh, clean)))
        print(
            f"| {kind} | {np.mean(spoilt):.2f} / {np.max(spoilt):.2f} | {touched} of {count} | {missed} of {count} | "
            f"{np.mean(left) if left else float('nan'):.1f} |"
        )


def drift(reels: Reels, count: int, seed: int) -> None:
    """How far greys are apart on both sides of a cut within one scene: each side measured alone, and the reel."""
    ramp = np.repeat(np.linspace(0.08, 0.92, 20)[None, :, None], 3, axis=2)
    apart = []
    for n in range(CUTS * count):
        rng = np.random.default_rng([seed, 80, n])
        film = SpectralFilm.drawn(rng)
        source = reels.sights.sources[int(rng.integers(len(reels.sights.sources)))]
        sides = [scanned(film.fade(source[part]), rng) for part in ([0, 1, 2], [3, 4, 5])]
        greys = film.fade(ramp)
        apart.append(off(*(np.clip(estimated(side, 3).profile.apply(greys), 0, 1) for side in sides)))
    print(
        f"\nGreys across a cut within one scene, each shot measured for itself: {np.mean(apart):.1f} CIEDE2000 apart, "
        f"{np.max(apart):.1f} at most of {len(apart)}. With one profile for the reel they are the same on both sides."
    )


def sheet(reels: Reels, seed: int) -> npt.NDArray[np.uint8]:
    """Frames of four clips in a row: new, faded, corrected; each simulator below the other."""
    shown = np.stack([frames_of(file, 1, SHOWN)[0] for file in (*reels.files[:3], reels.files[-1])])
    rows = []
    for place, drawn in enumerate(STOCKS.values()):
        rng = np.random.default_rng([seed, 90, place])
        clean, film = reels.kinds["clips"](rng), drawn(rng)
        seen = film.fade(shown)
        found = estimated(scanned(film.fade(clean), rng))
        rows += [film.fresh(shown), seen, np.clip(found.profile.apply(seen), 0, 1)]
    return np.asarray(np.vstack([np.hstack(list(row)) for row in rows]) * 255 + 0.5, np.uint8)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True, help="the pictures given to the training")
    parser.add_argument("--clips", type=Path, help="folder with clips (any of the names in CLIPS)")
    parser.add_argument("--reels", type=int, default=10, help="of each kind and stock (default 10)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sheet", type=Path, help="draw frames of the clips into this picture, and nothing else")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    reels = Reels(options.pictures, options.clips)
    if options.sheet:
        cv2.imwrite(str(options.sheet), sheet(reels, options.seed)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
        return
    told = f"mean / 90th percentile of {options.reels} reels"
    print(f"CIEDE2000 left, {told} of {FRAMES} frames, one of each scene where more\n")
    faded(reels.kinds, METHODS, options.reels, options.seed)
    if reels.long:
        print(f"\nThe same of long reels, {SHOTS} frames of as many shots\n")
        faded(reels.long, LONG, options.reels, options.seed, first=8)
    unfaded(reels, options.reels, options.seed)
    drift(reels, options.reels, options.seed)


if __name__ == "__main__":
    main()
