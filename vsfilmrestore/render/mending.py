"""Frames that cannot be read are found once and written into the project: from then on others stand in their place."""

from __future__ import annotations

from dataclasses import replace

from vsfilmrestore import timeline
from vsfilmrestore.assess.reading import Reading
from vsfilmrestore.media.naming import ranges_text
from vsfilmrestore.render.opening import MOST_UNREADABLE, media_opener, tolerates
from vsfilmrestore.render.project import Project

__all__ = ["without_unreadable"]


def without_unreadable(project: Project) -> Project | None:
    """The project with the unreadable frames of its film named in it, so that they are not asked for again.

    The film is read to its end.

    Returns:
        The project, not written yet; None where nothing can be done: all other frames can be read, the input is a cut
        list, or such a film is to be refused.

    Raises:
        MediaError: None of its frames can be read.
    """
    said = project.settings
    if timeline.is_cut_list(project.resolve(said.input)) or not tolerates(said):
        return None
    medium = media_opener(replace(said, inverse_telecine=False), project.folder)(project.resolve(said.input))
    reading = Reading(medium.video)
    for _, frame in reading.frames(lambda clip: clip, 0, len(medium)):
        frame.close()
    if not reading.unreadable:
        return None
    first = medium.first_number if medium.kind == "sequence" else said.first or 0
    found = ranges_text(sorted(first + number for number in reading.unreadable), MOST_UNREADABLE)
    return replace(project, settings=replace(said, unreadable=", ".join(filter(None, (said.unreadable, found)))))
