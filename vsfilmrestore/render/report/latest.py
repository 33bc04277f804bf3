"""The render a report is about: just finished, or as the ledger remembers it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

from vsfilmrestore.media.timecode import rate_text
from vsfilmrestore.render.executor import Rendered
from vsfilmrestore.render.ledger import Done, Ledger
from vsfilmrestore.render.pieces import Piece, versions
from vsfilmrestore.render.project import Project
from vsfilmrestore.timeline.model import CutList

__all__ = ["Latest", "Made"]


@dataclass(frozen=True, slots=True)
class Made:
    """A piece of the latest render.

    Attributes:
        piece: Where it stands.
        done: What was noted of it; None: it is not made yet.
    """

    piece: Piece
    done: Done | None


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest render of a project, finished or not.

    Attributes:
        pieces: What it is made of, in order.
        facts: Plain facts of the latest one that was finished; empty where none was.
    """

    pieces: tuple[Made, ...]
    facts: Mapping[str, Any]

    @classmethod
    def of(cls, project: Project, done: Rendered | None = None) -> Self | None:
        """The latest render; None where nothing was rendered.

        Args:
            project: The project.
            done: What was rendered just now, if anything.

        Raises:
            ProjectError: The ledger is damaged.
        """
        if not project.ledger.is_file():
            return None
        with Ledger(project.ledger, exclusive=False) as ledger:
            placed, facts = ledger.placed(), ledger.noted()
            pieces = tuple(Made(piece, ledger.find(piece.key)) for piece in placed)
        if done is not None:
            facts = facts | _just_now(done)
        return cls(pieces, facts) if any(made.done for made in pieces) else None

    @property
    def factor(self) -> int:
        """Output frames for each record frame."""
        return self.pieces[0].piece.factor

    def is_of(self, cut: CutList) -> bool:
        """Whether it shows the shots of a cut, each at its place."""
        shots = cut.shots
        if self.frames != len(cut) * self.factor:
            return False
        for made in self.pieces:
            piece = made.piece
            if piece.index >= len(shots) or piece.shot != shots[piece.index].id:
                return False
            record = shots[piece.index].record
            if not record.start <= piece.first // self.factor < record.stop:
                return False
        return True

    @property
    def frames(self) -> int:
        """Frames of the output."""
        return self.pieces[-1].piece.stop

    @property
    def left(self) -> int:
        """Frames that are not made yet."""
        return sum(len(made.piece) for made in self.pieces if made.done is None)

    def of_shot(self, index: int, id_: str) -> list[Made]:
        """The pieces of a shot, if they were rendered as that shot."""
        return [made for made in self.pieces if made.piece.index == index and made.piece.shot == id_]

    def output(self, project: Project) -> Path | None:
        """Where it was written, where that is known."""
        said = self.facts.get("output") or project.settings.output
        return project.resolve(said) if said else None


def _just_now(done: Rendered) -> dict[str, Any]:
    info = done.info
    return {
        "name": done.output.name,
        "profile": done.profile.name,
        "size": [info.width, info.height],
        "rate": str(Fraction(info.rate)),
        "rate_text": rate_text(info.rate),
        "frames": done.pieces[-1].stop,
        "seconds": round(done.seconds, 3),
        "reused": done.reused,
        "versions": json.loads(versions()),
    }
