"""Film restoration for VapourSynth, driven shot by shot from the editing timeline.

In a ``.vpy``::

    import vsfilmrestore as fr

    reel = fr.Reel.open("cut.edl", media="scans/", markers="markers.edl")

    @reel.shot("fight-03")
    def fight(clip):                                  # a shot scripted by hand
        clip = fr.remove_wires(clip, only=[(900, 0, 1100, 1080)])
        return fr.interpolate(clip, fps=48)

    reel["opening"].recipe = fr.Recipe.preset("archive").with_(deflicker=0.8)
    reel.restored().set_output(0)
    reel.source().set_output(1)

Every filter also works alone on any clip: ``fr.remove_dirt(clip, 0.6)``. Importing the package loads nothing: each name
brings what it needs when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from vsfilmrestore.errors import VsfrError
    from vsfilmrestore.filters import (
        apply_model,
        calm_shimmer,
        clean_cels,
        colorize,
        correct_fade,
        deblur,
        deflicker,
        deinterlace,
        denoise,
        fill,
        fix_chroma,
        hide_head_switching,
        interpolate,
        inverse_telecine,
        regrain,
        remove_dirt,
        remove_dot_crawl,
        remove_dropouts,
        remove_scratches,
        remove_stains,
        remove_wires,
        repair_frames,
        restore_faces,
        stabilize,
        undo_generation_loss,
        upscale,
    )
    from vsfilmrestore.filters.match_colour import match_colour
    from vsfilmrestore.media.source import open_media
    from vsfilmrestore.recipes import Recipe
    from vsfilmrestore.render.reel import Reel

__all__ = [
    "Recipe",
    "Reel",
    "VsfrError",
    "apply_model",
    "calm_shimmer",
    "clean_cels",
    "colorize",
    "correct_fade",
    "deblur",
    "deflicker",
    "deinterlace",
    "denoise",
    "fill",
    "fix_chroma",
    "hide_head_switching",
    "interpolate",
    "inverse_telecine",
    "match_colour",
    "open_media",
    "regrain",
    "remove_dirt",
    "remove_dot_crawl",
    "remove_dropouts",
    "remove_scratches",
    "remove_stains",
    "remove_wires",
    "repair_frames",
    "restore_faces",
    "stabilize",
    "undo_generation_loss",
    "upscale",
]

_HOMES: Final = {
    "Recipe": "vsfilmrestore.recipes",
    "Reel": "vsfilmrestore.render.reel",
    "VsfrError": "vsfilmrestore.errors",
    "match_colour": "vsfilmrestore.filters.match_colour",
    "open_media": "vsfilmrestore.media.source",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(_HOMES.get(name, "vsfilmrestore.filters")), name)


def __dir__() -> list[str]:
    return sorted(__all__)
