"""What filters count in their frames is added up for the ledger."""

from __future__ import annotations

from pathlib import Path

import vapoursynth as vs

from vsfilmrestore.media.props import count_prop
from vsfilmrestore.render.executor import _Notes
from vsfilmrestore.render.ledger import Done, Ledger


def test_counts_of_frames_are_added_up_and_kept(tmp_path: Path) -> None:
    clip = vs.core.std.BlankClip(format=vs.GRAY8, width=16, height=16, length=3)
    told = clip.std.SetFrameProps(**{count_prop("restore_faces", "stopped"): 2, "_VsfrFacesWhy": "shape shape"})
    notes = _Notes(None)
    for frame in (told + clip).frames(close=True):
        notes.take(frame)
    assert notes.counts == {"restore_faces_stopped": 6}
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.add(Done("k", "s", 0, 3, "", 0, 1.0, counts=notes.counts))
        found = ledger.find("k")
    assert found is not None
    assert found.counts == {"restore_faces_stopped": 6}
