"""What a render wrote, as clips: the files of its pieces, else its output."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import vapoursynth as vs

from vsfilmrestore.errors import VsfrError
from vsfilmrestore.media.source import Media, open_media
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.report.latest import Latest, Made

__all__ = ["Written"]

_MOST: Final = 64
"""Files that are kept open."""


class Written:
    """Opens what the latest render wrote; each file once, as long as it is used."""

    def __init__(self, project: Project, latest: Latest | None) -> None:
        self._project, self._latest = project, latest
        self._media: dict[Path, Media | None] = {}

    def clip(self, made: Made) -> vs.VideoNode | None:
        """All frames of a piece as they were written; None where no file has them any more."""
        for path, first in self._files(made):
            medium = self._opened(path)
            start = made.piece.first - first
            if medium is not None and start + len(made.piece) <= medium.video.num_frames:
                return medium.video[start : start + len(made.piece)]
        return None

    def _files(self, made: Made) -> Iterator[tuple[Path, int]]:
        """Files that hold a finished piece, with the number their first frame has in the output."""
        if made.done is not None and made.done.path:
            yield self._project.folder / made.done.path, made.piece.first
        elif self._latest is not None:
            output = self._latest.output(self._project)
            if output is not None:
                yield output, 0

    def _opened(self, path: Path) -> Media | None:
        if path not in self._media:
            if len(self._media) >= _MOST:
                self._media.pop(next(iter(self._media)))
            try:
                self._media[path] = open_media(path)
            except VsfrError:
                self._media[path] = None
        return self._media[path]
