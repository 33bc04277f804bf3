"""Through: a host's own frames through a recipe, each request for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.recipes import Recipe
from vsfilmrestore.serve.client import BYTE, FLOAT, HALF, SHORT, Client, RemoteSource, ServerError
from vsfilmrestore.serve.reel import ServedReel
from vsfilmrestore.serve.through import MOST_RADIUS, Through
from vsfilmrestore.serve.wire import ErrorCode, Process

core = vs.core
RATE = Fraction(24)
WIDTH, HEIGHT, FRAMES = 64, 48, 9
WORDS = "dust=0.9"

type Planes = list[np.ndarray]


@pytest.fixture
def host(serve: Callable[..., object], reel_of: Callable[[vs.VideoNode], ServedReel]) -> Iterator[Client]:
    serve(reel_of(core.std.BlankClip(format=vs.RGB24, width=32, height=16, length=2, fpsnum=24, fpsden=1)))
    with Client.connect(timeout=30) as client:
        yield client


def film(seed: int = 1, depth: int = FLOAT) -> list[Planes]:
    """A pan with grain, and specks that come and go."""
    random = np.random.default_rng(seed)
    ground = np.kron(random.random((3, 12, 16)), np.ones((1, 8, 8)))
    frames = []
    for n in range(FRAMES):
        picture = 0.2 + 0.5 * np.roll(ground, n, 2)[:, :HEIGHT, :WIDTH] + random.normal(0, 0.01, (1, HEIGHT, WIDTH))
        y, x = int(random.integers(4, 38)), int(random.integers(4, 54))
        picture[:, y : y + 5, x : x + 5] = 0.98
        scale, dtype = ((255, "u1"), (65535, "u2"), (1, "f2"), (1, "f4"))[depth]
        whole = picture * scale
        frames.append(
            [np.ascontiguousarray((whole.round() if depth < 2 else whole)[p].astype(dtype)) for p in range(3)]
        )
    return frames


def clip_of(frames: list[Planes]) -> vs.VideoNode:
    blank = core.std.BlankClip(format=vs.RGBS, width=WIDTH, height=HEIGHT, length=len(frames), fpsnum=24, fpsden=1)

    def put(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        out = f.copy()
        for plane in range(3):
            np.asarray(out[plane])[:] = frames[n][plane]
        out.props["_Matrix"], out.props["_Range"] = 0, int(vs.RANGE_FULL)
        return out

    return core.std.ModifyFrame(blank, blank, put)


def opened(client: Client, words: str = WORDS, depth: int = FLOAT, slots: int = 2) -> RemoteSource:
    return client.through(words, WIDTH, HEIGHT, RATE, depth=depth, slots=slots)


def window(frames: list[Planes], number: int, radius: int) -> tuple[list[Planes], int]:
    first = max(0, number - radius)
    return frames[first : number + radius + 1], number - first


def test_the_middle_of_a_window_is_what_the_recipe_makes_of_the_clip(host: Client) -> None:
    frames = film()
    source = opened(host)
    recipe = Recipe().with_(dust=0.9)
    assert source.info.radius == recipe.reach > 0
    whole = recipe.apply(clip_of(frames))
    number = FRAMES // 2
    got = source.process(*window(frames, number, source.info.radius), number).copy()
    wanted = whole.get_frame(number)
    assert max(float(np.abs(got[p] - np.asarray(wanted[p])).max()) for p in range(3)) < 2e-5
    assert max(float(np.abs(got[p] - frames[number][p]).max()) for p in range(3)) > 0.1


@pytest.mark.parametrize("depth", [BYTE, SHORT, HALF, FLOAT])
def test_every_depth_comes_back_in_its_own(host: Client, depth: int) -> None:
    frames = film(depth=depth)
    source = opened(host, "dust=0.9", depth)
    got = source.process(*window(frames, 4, source.info.radius), 4).copy()
    assert got[0].dtype == frames[0][0].dtype
    peak = float(np.finfo(got[0].dtype).max) if depth > 1 else float(np.iinfo(got[0].dtype).max)
    scale = 1.0 if depth > 1 else peak
    exact = opened(host, "dust=0.9").process(*window(film(), 4, source.info.radius), 4).copy()
    near = [np.abs(got[p].astype(float) / scale - exact[p]) for p in range(3)]
    assert float(np.mean(near)) < (0.004 if depth == BYTE else 0.001)


def test_requests_at_once_do_not_mix(host: Client) -> None:
    films = [film(seed) for seed in range(2)]
    source = opened(host, "grain=0.8", slots=4)
    radius = source.info.radius
    alone = {(f, n): source.process(*window(films[f], n, radius), n).copy() for f in range(2) for n in (0, 3, 8)}
    with ThreadPoolExecutor(4) as pool:
        jobs = {
            key: pool.submit(lambda k: source.process(*window(films[k[0]], k[1], radius), k[1]).copy(), key)
            for key in list(alone)
        }
        for key, job in jobs.items():
            assert all(np.array_equal(a, b) for a, b in zip(job.result(60), alone[key], strict=True)), key


def test_off_gives_back_what_was_sent(host: Client) -> None:
    frames = film(depth=SHORT)
    source = opened(host, "off", SHORT)
    assert source.info.radius == 0
    got = source.process(frames[:1], 0).copy()
    assert all(np.array_equal(a, b) for a, b in zip(got, frames[0], strict=True))


def test_slots_come_back_after_errors_and_cancelled_reserves(host: Client) -> None:
    source = opened(host, "off", slots=1)
    frames = film()
    for _ in range(3):
        with pytest.raises(ServerError, match="memory that is not there"):
            source.process(frames[:3], 1)
        slot = host.reserve(source.info.source).result(5).slot
        with pytest.raises(ServerError, match="at most 0 frames on each side"):
            host.ask(Process(source.info.source, slot, 0, 1, 0), source).result(5)
        held = host.reserve(source.info.source)
        held.result(5)
        waiting = host.reserve(source.info.source)
        assert waiting.cancel()
        source.release(0)
        source.process(frames[:1], 0).release()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("dusst=0.8", "did you mean"),
        ("same dust=0.1", "no other shot"),
        ("key dust=0.1", "no other shot"),
        ("fps=48", "changes the number of frames"),
        ("nopreset", "there is no preset"),
        ("dust=7", "0..1"),
        ("dust.model=/tmp/some.onnx", "is a file; here a model goes by the name of its card"),
        ("scratch.model=mine.PTH", "is a file"),
        ("wires.model=..\\\\mine", "is a file"),
        ("", "VSFR stands alone"),
    ],
)
def test_words_that_cannot_be_are_refused(host: Client, words: str, said: str) -> None:
    with pytest.raises(ServerError, match=said) as caught:
        opened(host, words)
    assert caught.value.code == ErrorCode.SETTINGS


@pytest.mark.parametrize("size", [(0, 0), (7, 48), (64, 20_000)])
def test_sizes_that_cannot_be_are_refused(host: Client, size: tuple[int, int]) -> None:
    with pytest.raises(ServerError, match="cannot be restored"):
        host.through(WORDS, *size, RATE)


def test_a_preset_reaches_as_far_as_a_host_is_asked_for() -> None:
    made = Through.of("archive dust=0.8", 720, 576, SHORT, 25, 1)
    assert made.recipe.as_dict()["remove_dirt"]["strength"] == 0.8
    assert made.recipe.reach > made.radius == MOST_RADIUS
