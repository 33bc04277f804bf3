"""What was measured of a project's film, as tables and files: facts of shots, CSV, QCTools' sidecar."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

from vsfilmrestore.assess.wording import found_in, write_table
from vsfilmrestore.media.out.atomic import atomic_text
from vsfilmrestore.render.assessing import Assessed
from vsfilmrestore.render.describe import plan_facts

__all__ = ["measured_csv", "measured_facts", "write_measured_csv", "write_sidecar"]


def measured_facts(assessed: Assessed) -> dict[str, Any]:
    """Facts of the film and of each shot: frames, timecode, what stands out in words, and all measures."""
    facts, found = plan_facts(assessed.reel.plan), assessed.found
    measured = {shot["first"]: shot for shot in found.facts()["shots"]}
    words = {shot.first: found_in(shot) for shot in found.shots}
    shots = []
    for shot in facts["shots"]:
        record = shot["record"]
        own = {"id": shot["id"], "name": shot["name"], "first": record["start"], "frames": record["frames"]}
        own |= {"timecode": record["in"], "found": words.get(record["start"], "")}
        shots.append(own | {key: measured.get(record["start"], {}).get(key) for key in ("values", "lists", "remarks")})
    kept = {key: facts[key] for key in ("name", "file", "rate", "frames", "timecode")}
    kept |= {"remarks": [*assessed.reel.remarks, *found.remarks], "unreadable": list(found.unreadable)}
    return kept | {"seconds": round(found.seconds, 2), "version": found.version, "shots": shots}


def measured_csv(assessed: Assessed) -> str:
    """All measures, a row a shot."""
    shots = plan_facts(assessed.reel.plan)["shots"]
    text = StringIO(newline="")
    names = [shot["name"] or shot["id"] for shot in shots]
    write_table(text, assessed.found, names, [shot["record"]["in"] for shot in shots])
    return text.getvalue()


def write_measured_csv(path: Path, assessed: Assessed) -> None:
    """Write `measured_csv` to a file.

    Raises:
        OutputError: It cannot be written.
    """
    atomic_text(path, measured_csv(assessed))


def write_sidecar(path: Path, assessed: Assessed, watch: Callable[[int, int], None] | None = None) -> None:
    """Write QCTools' sidecar: every frame is read for it.

    Raises:
        VsfrError: The film cannot be read, or the file not be written.
    """
    from vsfilmrestore.assess.qctools import write_qctools

    write_qctools(path, assessed.reel.source(), assessed.found, watch=watch)
