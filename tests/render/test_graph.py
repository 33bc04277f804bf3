"""The graph of a reel: walls hold, nothing is built early, frames are where they belong."""

from __future__ import annotations

import hashlib
import random
from fractions import Fraction

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.errors import SettingError
from vsfilmrestore.media.props import SHOT
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.recipes.presets import names
from vsfilmrestore.render.graph import GraphShot, restored_node, source_node

core = vs.core
RATE = Fraction(24)


def film(length: int, seed: int = 0, *, width: int = 160, height: int = 120) -> vs.VideoNode:
    """A textured picture that pans, with grain and a few blotches: something for every filter to do."""
    random_ = np.random.default_rng(seed)
    ground = random_.integers(40, 200, (height // 8 + 8, width // 8 + 16), dtype=np.uint8)
    ground = np.kron(ground, np.ones((8, 8), np.uint8))

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        grain = np.random.default_rng((seed, n)).normal(0, 4, (height, width))
        picture = ground[8 : 8 + height, 8 + n : 8 + n + width] + grain
        x, y = (n * 37) % (width - 12), (n * 53) % (height - 12)
        picture[y : y + 6, x : x + 6] = 250
        frame = f.copy()
        np.copyto(np.asarray(frame[0]), np.clip(picture, 0, 255).astype(np.uint8))
        for plane in range(1, frame.format.num_planes):
            np.asarray(frame[plane])[:] = 128
        return frame

    blank = core.std.BlankClip(
        format=vs.YUV420P8, width=width, height=height, length=length, fpsnum=24, fpsden=1, keep=True
    )
    return core.std.ModifyFrame(blank.std.SetFieldBased(0), blank.std.SetFieldBased(0), draw)


def poison(length: int) -> vs.VideoNode:
    """Loud noise that would show in anything that looks at it."""
    return core.akarin.Expr(film(length, 99), "N X Y * + 97 % 2.6 *")


def shot(take: vs.VideoNode, recipe: Recipe, name: str = "a") -> GraphShot:
    return GraphShot(name, take, (0, 0), range(take.num_frames), recipe)


def digest(frame: vs.VideoFrame) -> str:
    planes = (np.ascontiguousarray(np.asarray(frame[p])) for p in range(frame.format.num_planes))
    return hashlib.blake2b(b"".join(plane.tobytes() for plane in planes)).hexdigest()


def digests(clip: vs.VideoNode, order: list[int] | None = None) -> list[str]:
    wanted = order if order is not None else list(range(clip.num_frames))
    return [digest(clip.get_frame(n)) for n in wanted]


PRESETS = [name for name in names() if name != "none"]


@pytest.mark.parametrize("preset", PRESETS)
def test_poisoned_neighbours_do_not_show_in_any_frame_of_a_shot(preset: str) -> None:
    recipe = Recipe.preset(preset).with_(deint=False)
    length = 7
    alone = digests(restored_node([shot(film(length), recipe)], RATE))
    between = poison(5) + film(length) + poison(5)
    among = [shot(between[:5], recipe, "x"), shot(between[5 : 5 + length], recipe), shot(between[5 + length :], recipe)]
    assert digests(restored_node(among, RATE)[5 : 5 + length]) == alone


def test_the_poison_would_show_without_walls() -> None:
    recipe = Recipe.preset("remaster")
    between = poison(5) + film(7) + poison(5)
    walled = digests(restored_node([shot(film(7), recipe)], RATE))
    assert digests(recipe.apply(between)[5:12]) != walled


def test_frames_do_not_depend_on_the_order_they_are_asked_in() -> None:
    recipe = Recipe.preset("remaster")
    clip = film(24)
    reel = [shot(clip[:9], recipe, "a"), shot(clip[9:14], Recipe(), "b"), shot(clip[14:], recipe, "c")]
    straight = digests(restored_node(reel, RATE))
    order = list(range(24))
    random.Random(5).shuffle(order)
    mixed = digests(restored_node(reel, RATE), order)
    assert [straight[n] for n in order] == mixed


def test_every_frame_knows_its_shot() -> None:
    clip = film(6)
    node = restored_node([shot(clip[:2], Recipe(), "a"), shot(clip[2:], Recipe.preset("archive"), "b")], RATE)
    assert [node.get_frame(n).props[SHOT] for n in range(6)] == ["a", "a", "b", "b", "b", "b"]
    assert node.fps == RATE


def test_untreated_shots_are_bit_identical() -> None:
    clip = film(5)
    assert digests(restored_node([shot(clip, Recipe())], RATE)) == digests(clip)


def test_nothing_is_built_or_computed_before_a_frame_is_asked_for() -> None:
    asked: list[int] = []

    def watch(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        asked.append(n)
        return f

    clip = film(60)
    clip = core.std.ModifyFrame(clip, clip, watch)
    recipe = Recipe.preset("archive")
    node = restored_node([shot(clip[i : i + 20], recipe, str(i)) for i in (0, 20, 40)], RATE)
    assert asked == []
    node.get_frame(30)
    assert asked
    assert set(asked) <= set(range(20, 40))


def test_retimed_shots_are_restored_before_they_are_retimed() -> None:
    clip, recipe = film(8), Recipe.preset("archive")
    straight = digests(restored_node([shot(clip, recipe)], RATE))
    backwards = GraphShot("b", clip, (0, 0), [7, 6, 5, 4, 3, 2, 1, 0], recipe)
    assert digests(restored_node([backwards], RATE)) == straight[::-1]
    slow = GraphShot("s", clip, (0, 0), [0, 0, 1, 1, 2, 2], recipe)
    assert digests(restored_node([slow], RATE)) == [straight[n] for n in (0, 0, 1, 1, 2, 2)]


def test_parts_of_a_shot_have_their_own_recipes_and_no_wall_between() -> None:
    clip, recipe = film(10), Recipe.preset("archive")
    whole = shot(clip, recipe)
    node = restored_node([whole.limited(recipe, 0, 4), whole.limited(Recipe(), 4, 10)], RATE)
    treated, source = digests(restored_node([whole], RATE)), digests(clip)
    assert digests(node) == treated[:4] + source[4:]


def test_interpolation_in_one_shot_doubles_the_rate_of_the_reel() -> None:
    clip = film(12)
    smooth = Recipe().with_(interpolate=48)
    node = restored_node([shot(clip[:6], Recipe(), "a"), shot(clip[6:], smooth, "b")], RATE)
    assert node.fps == 48
    assert node.num_frames == 24
    source = digests(clip)
    assert digests(node, [0, 1, 10, 11]) == [source[0], source[0], source[5], source[5]]
    assert digests(node, [12, 14, 22]) == [source[6], source[7], source[11]]


def test_shots_of_different_size_are_refused_by_name() -> None:
    with pytest.raises(SettingError, match="shot b: comes out as 80x60 YUV420P8, the first shot as 160x120 YUV420P8"):
        restored_node([shot(film(3), Recipe(), "a"), shot(film(3, width=80, height=60), Recipe(), "b")], RATE)


def test_dissolves_mix_restored_frames() -> None:
    bright = core.std.BlankClip(format=vs.GRAY8, width=16, height=16, length=6, color=200, keep=True)
    dark = core.std.BlankClip(format=vs.GRAY8, width=16, height=16, length=4, color=100, keep=True)
    new = GraphShot("n", bright, (0, 0), range(6), Recipe(), fades_over=shot(dark[:3], Recipe()))
    node = source_node([new], RATE)
    assert [int(np.asarray(node.get_frame(n)[0])[0, 0]) for n in range(6)] == [125, 150, 175, 200, 200, 200]


def test_a_scripted_shot_gets_its_own_frames_only() -> None:
    lengths: list[int] = []

    def script(clip: vs.VideoNode) -> vs.VideoNode:
        lengths.append(clip.num_frames)
        return clip.std.Invert()

    clip = film(12)
    node = restored_node([GraphShot("a", clip[2:9], (0, 0), range(7), Recipe(), script)], RATE)
    assert digests(node) == digests(clip[2:9].std.Invert())
    assert set(lengths) == {7}


def test_a_failing_step_names_the_shot() -> None:
    def script(clip: vs.VideoNode) -> vs.VideoNode:
        return clip[:3]

    with pytest.raises(SettingError, match="shot fight"):
        restored_node([GraphShot("fight", film(7), (0, 0), range(7), Recipe(), script)], RATE)
