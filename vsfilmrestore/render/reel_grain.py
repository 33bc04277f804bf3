"""Grain measured over the shots of a reel, and kept in the project: in ``grain.toml``, and as settings where it counts.

::

    [grain]
    "1:reel1:01:00:00:00" = "g1:yuv:1920:3.1,4.2,…"
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import tomlkit

from vsfilmrestore.filters._grain_form import GrainSignature
from vsfilmrestore.filters._grain_plan import SIGNATURE
from vsfilmrestore.filters._grain_shot import shot_grain
from vsfilmrestore.media.out.atomic import atomic_text
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.reel import Reel
from vsfilmrestore.timeline.ids import unique_ids

__all__ = ["FILE", "ShotGrain", "measure_reel_grain", "with_signatures", "write_grain"]

FILE: Final = "grain.toml"
_STEP: Final = "regrain"
_HEAD: Final = "Grain of each shot, as `vsfilmrestore grain` measured it; see docs/grain.md."


@dataclass(frozen=True, slots=True)
class ShotGrain:
    """Grain of one shot.

    Attributes:
        index: Its place in the cut.
        name: Its id.
        signature: What was measured.
        given_back: Strength of the step that gives grain back in its recipe; None where there is none.
    """

    index: int
    name: str
    signature: GrainSignature
    given_back: float | None


def measure_reel_grain(reel: Reel, *, watch: Callable[[int, int], None] | None = None) -> list[ShotGrain]:
    """The grain of each shot as it comes out of the scan; shots of one frame or without media are left out.

    Args:
        reel: An open reel.
        watch: Told shots done and shots in all.
    """
    ids, measured = unique_ids(reel.cut.shots), []
    for index, name in enumerate(ids):
        if reel.bound[index].medium is not None:
            text = str(_text(shot_grain(reel.shots[index].source()).get_frame(0).props))
            if text:
                strength = _strength(reel, index)
                measured.append(ShotGrain(index, name, GrainSignature.from_text(text), strength))
        if watch is not None:
            watch(index + 1, len(ids))
    return measured


def _text(props: Mapping[str, Any]) -> str:
    text = props.get(SIGNATURE, "")
    return text.decode() if isinstance(text, bytes) else str(text)


def _strength(reel: Reel, index: int) -> float | None:
    found = [step.complete["strength"] for step in reel.decisions[index].recipe if step.name == _STEP]
    return found[0] if found and isinstance(found[0], float) else None


def write_grain(folder: Path, measured: Iterable[ShotGrain]) -> Path:
    """Write the signatures of all shots into a project's folder; the file."""
    document = tomlkit.document()
    document.add(tomlkit.comment(_HEAD))
    table = tomlkit.table()
    for each in measured:
        table.add(each.name, each.signature.to_text())
    document.add("grain", table)
    atomic_text(folder / FILE, tomlkit.dumps(document))
    return folder / FILE


def with_signatures(project: Project, measured: Iterable[ShotGrain]) -> Project:
    """The project with the signatures as settings of the shots that give grain back; nothing is written."""
    rows: dict[str, Any] = dict(project.settings.shots)
    for each in measured:
        if each.given_back is not None:
            row = _row(rows.get(each.name))
            kept = {key: value for key, value in row.items() if key.split(".")[0] != _STEP}
            rows[each.name] = kept | {_STEP: {"strength": each.given_back, "signature": each.signature.to_text()}}
    return replace(project, settings=replace(project.settings, shots=rows))


def _row(row: object) -> dict[str, Any]:
    """A row of ``[shots]`` as a table."""
    if isinstance(row, Mapping):
        return dict(row)
    return {"settings": str(row)} if row is not None else {}
