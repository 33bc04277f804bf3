"""Filters that are networks and nothing but networks: several in a row are run as one."""

from __future__ import annotations

from collections.abc import Sequence

import vapoursynth as vs

from vsfilmrestore.errors import VsfrError
from vsfilmrestore.filters.schema import FilterSpec, Settings
from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.inference.chain import can_be_fused, run_calls

__all__ = ["Call", "as_one", "network_of"]

type Call = ModelCall


def network_of(spec: FilterSpec, settings: Settings) -> Call | None:
    """The run of a network that is all the filter does; None where it does more, or cannot be made one with others.

    A network that is not there is None, too: the filter itself tells what is wrong.
    """
    try:
        complete = spec.complete(settings)
        call = spec.network(complete)
        fits = spec.depends_with(settings) == "window"
    except (VsfrError, ValueError):
        return None
    return call if fits and call is not None and call.whole and can_be_fused(call) else None


def as_one(clip: vs.VideoNode, names: Sequence[str], calls: Sequence[Call]) -> vs.VideoNode:
    """What filters make of a clip that holds one shot, one after the other.

    Args:
        clip: The clip; beyond its ends each network sees it mirrored at its own place in the row.
        names: Names of the filters, for messages.
        calls: Their networks.

    Raises:
        vs.Error: A network does not fit the clip.
    """
    # As for each filter: the resizer would take apart what says that it is interlaced.
    whole = clip.std.SetFieldBased(0)
    try:
        result = run_calls(whole, calls)
    except (vs.Error, VsfrError) as error:
        raise vs.Error(f"{' and '.join(names)}: {error}") from error
    return result.std.CopyFrameProps(clip, props=["_FieldBased"])
