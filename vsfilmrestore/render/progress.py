"""What a render tells while it runs; the command line draws it, a program reads it, nobody is fine too."""

from __future__ import annotations

from typing import Protocol

from vsfilmrestore.render.pieces import Piece

__all__ = ["Progress", "Silent"]


class Progress(Protocol):
    """Listener to a render. Called from the thread that renders."""

    def begin(self, pieces: list[Piece], done: int) -> None:
        """Rendering starts: all pieces of the reel, and the frames of it that were finished before."""

    def piece(self, piece: Piece) -> None:
        """A piece starts."""

    def frame(self, piece: Piece, number: int) -> None:
        """An output frame is made."""

    def joining(self) -> None:
        """All pieces are there; the output is being put together."""

    def end(self) -> None:
        """Rendering is over, well or not."""


class Silent:
    """Listens to nothing."""

    def begin(self, pieces: list[Piece], done: int) -> None: ...
    def piece(self, piece: Piece) -> None: ...
    def frame(self, piece: Piece, number: int) -> None: ...
    def joining(self) -> None: ...
    def end(self) -> None: ...
