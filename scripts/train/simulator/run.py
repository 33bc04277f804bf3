"""From a clean clip to a damaged one, in the order in which it happens to film.

scene       props (hard negatives), stunt wires
negative    dirt, hair and scratches of the negative: they are printed, so weave and softness reach them
printing    weave, optics and generations
print       flicker, dye fade, grain, then what lies on the print: dirt, hair, lines, stains; tears, splices
after       fields, dropouts, compression, quantisation
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch

from . import ageing, breaks, lines, props, specks, video
from .chance import Dice
from .distributions import CLASSES, RANGES, STAGES, TRAIN, Distribution
from .film import Film
from .layers import Layer, composed
from .shapes import Atlas, atlas_for
from .tools import luma

__all__ = ["Sample", "batch", "simulate"]

_STEP = 1.01 / 255
"""What differs by less is no damage: neither seen nor left after 8 bits."""
_NEEDS = {
    "dirt": "dirt", "sparkle": "dirt", "hair": "dirt", "stain": "stains", "scratch": "lines", "wire": "wires",
    "tear": "breaks", "splice": "breaks", "missing": "breaks", "dropout": "video",
}  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """A damaged clip and all that is known of it. T frames, colours R, G, B from 0 to 1 as displayed.

    Attributes:
        scene: What was before the camera, T, 3, H, W.
        clean: Aged film without damage: what a perfect repair gives, grain and weave included. T, 3, H, W.
        damaged: T, 3, H, W. Equal to ``clean`` to the bit outside the masks, unless it was compressed after.
        masks: Per class, in the order of CLASSES: len(CLASSES), T, H, W, bool.
        alpha: Opacity of all damage together, T, H, W, 0..1; 1 in whole-frame damage.
        hard: Where props are, T, H, W, bool.
        frames: What each frame is: ok, torn, splice, frozen, absent.
        film: Gauge and scan.
        occurs: Classes, props and stages that were drawn.
        compressed: Whether the sample went through a codec: differences then reach over whole 8 x 8 blocks.
        strands: Opacity of each stunt wire alone, wires, T, H, W, 0..1, before anything that happens to video.
    """

    scene: torch.Tensor
    clean: torch.Tensor
    damaged: torch.Tensor
    masks: torch.Tensor
    alpha: torch.Tensor
    hard: torch.Tensor
    frames: tuple[str, ...]
    film: Film
    occurs: tuple[str, ...]
    compressed: bool
    strands: torch.Tensor


@dataclass
class _State:
    dice: Dice
    film: Film
    atlas: Atlas
    stages: set[str]
    classes: set[str]
    size: tuple[int, int, int]
    clean: torch.Tensor
    damaged: torch.Tensor
    layers: list[Layer]


def simulate(
    scene: torch.Tensor,
    seed: int,
    distribution: Distribution = TRAIN,
    *,
    atlas: Atlas | None = None,
    classes: Collection[str] | None = None,
    stages: Collection[str] | None = None,
    hard: Collection[str] | None = None,
    film: Film | None = None,
) -> Sample:
    """Age and damage a clip; the device of the clip does the work.

    Args:
        scene: T, 3, H, W from 0 to 1, of at least 32 x 32 pixels.
        seed: All follows from it, the distribution and the shapes; no other sample matters.
        atlas: Shapes (`atlas_for`); drawn ones by default.
        classes: Exactly these damages, rather than what chance brings.
        stages: Exactly these stages. Damage whose stage is left out does not occur.
        hard: Exactly these props.
        film: A gauge and scan, rather than what chance brings.
    """
    dice = Dice(distribution.comb, seed, "sample", distribution.name)
    film = film or Film.drawn(dice.part("film"))
    atlas = atlas or atlas_for(distribution, None, str(scene.device))
    on = _stages(dice.part("stages")) if stages is None else set(stages)
    drawn = {name for name, p in zip(CLASSES, distribution.chances, strict=True) if dice.part(name, "?").happens(p)}
    happen = {name for name in (drawn if classes is None else set(classes)) if _NEEDS[name] in on}
    names = _props(dice.part("props")) if hard is None else sorted(hard)
    mono = dice.part("mono").happens(0.4)
    staged, where = props.staged(dice.part("props"), film, scene, names)
    if mono:
        scene, staged = (luma(each).repeat(1, 3, 1, 1) for each in (scene, staged))
    size = (scene.shape[0], scene.shape[2], scene.shape[3])
    state = _State(dice, film, atlas, on, happen, size, staged, staged, [])
    _expose(state, mono)
    _print(state, mono)
    return _finish(state, scene, where, names)


def _stages(dice: Dice) -> set[str]:
    """The stages of damage always; those of the picture as often as film has them."""
    chances = {"weave": 0.7, "flicker": 0.6, "optics": 0.7, "fade": 0.25, "grain": 0.9, "video": 0.25}
    return {name for name in STAGES if dice.part(name).happens(chances.get(name, 1.0))}


def _props(dice: Dice) -> list[str]:
    names = list(props.PROPS)
    count = int(dice.rng.choice(3, p=[0.5, 0.35, 0.15]))
    return sorted(dice.rng.choice(names, count, replace=False).tolist())


def _expose(state: _State, mono: bool) -> None:
    """Scene and negative: laid on the damaged clip, then woven and softened together with it."""
    dice, film, size, like = state.dice, state.film, state.size, state.clean
    layers: list[Layer] = []
    if "wire" in state.classes:
        layers += lines.wire_layers(dice.part("wire"), film, size, like)
    if "sparkle" in state.classes:
        share = dice.part("polarity").draw(RANGES["white share"])
        layers += specks.dirt_layers(dice.part("sparkle"), state.atlas, film, size, like.device, True, share)
    if "hair" in state.classes and dice.part("hair", "white").happens(0.3):
        layers += specks.hair_layers(dice.part("hair"), state.atlas, film, size, like.device, True)
    if "scratch" in state.classes and dice.part("scratch", "negative").happens(0.35):
        layers += lines.scratch_layers(dice.part("scratch"), film, size, like)
    layers = [layer.grey() for layer in layers] if mono else layers
    state.damaged = composed(state.damaged, layers)
    stack = torch.cat((state.clean, state.damaged, *(layer.alpha[:, None] for layer in layers)), 1)
    if "weave" in state.stages:
        stack = ageing.weaving(dice.part("weave"), film, stack)
    if "optics" in state.stages:
        stack = ageing.softened(dice.part("optics"), film, stack, 2)
    state.clean, state.damaged = stack[:, :3], stack[:, 3:6]
    state.layers = [layer.with_alpha(stack[:, 6 + n]) for n, layer in enumerate(layers)]


def _print(state: _State, mono: bool) -> None:
    """What ages the print, then what lies on it."""
    dice, film, size = state.dice, state.film, state.size
    pair = [state.clean, state.damaged]
    if "flicker" in state.stages:
        pair = ageing.flickering(dice.part("flicker"), pair)
    if "fade" in state.stages and not mono:
        pair = ageing.faded(dice.part("fade"), pair)
    if "grain" in state.stages:
        pair = ageing.grainy(dice.part("grain"), film, pair, mono)
    state.clean, state.damaged = pair
    layers = _on_print(state, size)
    layers = [layer.grey() for layer in layers] if mono else layers
    state.damaged = composed(state.damaged, layers)
    state.layers += layers


def _on_print(state: _State, size: tuple[int, int, int]) -> list[Layer]:
    dice, film, device = state.dice, state.film, state.clean.device
    there = {layer.kind for layer in state.layers}
    layers: list[Layer] = []
    if "stain" in state.classes:
        layers += specks.stain_layers(dice.part("stain"), state.atlas, film, size, device)
    if "scratch" in state.classes - there:
        layers += lines.scratch_layers(dice.part("scratch"), film, size, state.clean)
    if "dirt" in state.classes:
        white = dice.part("polarity").draw(RANGES["white share"]) if "sparkle" in state.classes else 0.0
        layers += specks.dirt_layers(dice.part("dirt"), state.atlas, film, size, device, False, 1 - white)
    if "hair" in state.classes - there:
        layers += specks.hair_layers(dice.part("hair"), state.atlas, film, size, device, False)
    return layers


def _finish(state: _State, scene: torch.Tensor, hard: torch.Tensor, names: list[str]) -> Sample:
    """Masks from what truly differs; then breaks, and all that comes after damage."""
    dice, like = state.dice, state.clean
    differs = (state.damaged - state.clean).abs().amax(1) > _STEP
    masks = torch.zeros((len(CLASSES), *state.size), dtype=torch.bool, device=like.device)
    alpha = torch.zeros(state.size, device=like.device)
    for layer in state.layers:
        masks[CLASSES.index(layer.kind)] |= (layer.alpha > 0) & differs
        alpha = torch.maximum(alpha, layer.alpha)
    # A speck's faintest rim belongs to no class: there the damaged clip is the clean one again.
    damaged = torch.where(differs[:, None], state.damaged, state.clean)
    alpha = alpha * differs
    strands = [layer.alpha * differs for layer in state.layers if layer.kind == "wire"]
    whole = state.classes & {"tear", "splice", "missing"}
    damaged, broken, kinds = breaks.broken(dice.part("breaks"), state.film, damaged, whole)
    for name, mask in broken.items():
        masks[CLASSES.index(name)] = mask
        alpha = torch.where(mask, torch.ones_like(alpha), alpha)
        if name in ("missing", "splice"):  # what was in such a frame before is gone, or elsewhere
            gone = mask.flatten(1).any(1)
            keep = CLASSES.index(name)
            masks[:keep, gone] = masks[keep + 1 :, gone] = False
    clean, damaged, masks, alpha, codec = _after(state, state.clean, damaged, masks, alpha)
    occurs = (*sorted(state.classes), *names, *sorted(state.stages))
    each = torch.stack(strands) if strands else alpha.new_zeros((0, *alpha.shape))
    return Sample(scene, clean, damaged, masks, alpha, hard, tuple(kinds), state.film, occurs, codec, each)


def _after(
    state: _State, clean: torch.Tensor, damaged: torch.Tensor, masks: torch.Tensor, alpha: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, bool]:
    dice, codec = state.dice.part("video"), False
    if "video" in state.stages:
        if dice.part("fields").happens(0.3):
            stack = torch.cat((clean, damaged, masks.transpose(0, 1).float(), alpha[:, None]), 1)
            stack = video.combed(stack, blend=dice.part("blend").happens(0.5))
            clean, damaged, alpha = stack[:, :3], stack[:, 3:6], stack[:, -1]
            masks = stack[:, 6:-1].transpose(0, 1) > 0
        if "dropout" in state.classes:
            streaks = video.dropouts(dice.part("dropouts"), state.size, clean.device)
            hit = (streaks > 0) & ((damaged - 0.85).abs().amax(1) * streaks > _STEP)
            damaged = torch.where(hit[:, None], damaged + (0.85 - damaged) * streaks[:, None], damaged)
            masks[CLASSES.index("dropout")] = hit
            alpha = torch.maximum(alpha, streaks * hit)
        if codec := dice.part("codec").happens(0.7):
            chroma, coarse = video.video_ranges(dice.part("codec"))
            clean, damaged = (video.compressed(dice, each, chroma, coarse) for each in (clean, damaged))
    if "scanner" in state.stages:
        depth = str(state.dice.part("scanner").rng.choice(["8 bit", "10 bit", "10 bit log"]))
        clean, damaged = video.scanned(clean, depth), video.scanned(damaged, depth)
    return clean, damaged, masks, alpha, codec


def batch(
    scenes: Sequence[torch.Tensor], seeds: Sequence[int], distribution: Distribution = TRAIN, atlas: Atlas | None = None
) -> list[Sample]:
    """One sample for each clip and seed; a sample is the same in any batch."""
    return [simulate(scene, seed, distribution, atlas=atlas) for scene, seed in zip(scenes, seeds, strict=True)]
