"""A project's film is measured, once: what was found is kept in the project, until its film or its cuts change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from vsfilmrestore import timeline
from vsfilmrestore.assess.results import Assessment
from vsfilmrestore.assess.stored import read_assessment, source_key, write_assessment
from vsfilmrestore.errors import SettingError
from vsfilmrestore.media.source import Media
from vsfilmrestore.render.job import open_reel
from vsfilmrestore.render.opening import media_opener
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.reel import Reel

__all__ = ["Assessed", "Watch", "assess_project", "kept_assessment"]

type Watch = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Assessed:
    """A film that was measured.

    Attributes:
        project: The project with the cuts that were found; nothing of it is written but the measures.
        reel: Its reel.
        found: What was measured, in record frames of the reel.
    """

    project: Project
    reel: Reel
    found: Assessment


def assess_project(project: Project, *, watch: Watch | None = None) -> Assessed:
    """Measure the film of a project, or know what was measured before.

    The cuts are those of its cut list or, without one, of the project; where it has none they are found.

    Args:
        project: The project.
        watch: Told what is being done, how far, and of how much.

    Raises:
        VsfrError: Its film cannot be opened or read, or the project cannot be written.
    """
    said = project.settings
    if not timeline.is_cut_list(project.resolve(said.input)) and said.cuts is None:
        medium = media_opener(said, project.folder)(project.resolve(said.input))
        found = _measured(medium, watch)
        project = replace(project, settings=replace(said, cuts=found.cuts))
        reel = open_reel(project, save=False)
        write_assessment(project.folder, _key(project, reel), found)
        return Assessed(project, reel, found)
    reel = open_reel(project, save=False)
    known = read_assessment(project.folder, _key(project, reel))
    if known is None:
        known = _measured_reel(reel, watch)
        write_assessment(project.folder, _key(project, reel), known)
    return Assessed(project, reel, known)


def kept_assessment(project: Project, reel: Reel) -> Assessment | None:
    """What was measured of a project's film before; None where nothing was, or the film or its cuts have changed."""
    return read_assessment(project.folder, _key(project, reel))


def _measured(medium: Media, watch: Watch | None) -> Assessment:
    from vsfilmrestore.assess.measure import assess_clip  # brings OpenCV and all that measures

    start, aspect = medium.timecode(0), medium.sample_aspect
    return assess_clip(medium.video, name=medium.path.name, start=start, sample_aspect=aspect, watch=watch)


def _measured_reel(reel: Reel, watch: Watch | None) -> Assessment:
    from vsfilmrestore.assess.measure import assess_clip

    shots = reel.cut.shots
    if not shots:
        raise SettingError("the cut has no shots", file=reel.cut.file or None)
    reels = ["" if shot.source is None else shot.source.label for shot in shots]
    return assess_clip(
        reel.source(), cuts=_cuts(reel), name=reel.cut.name, start=reel.cut.timecode(0), reels=reels, watch=watch
    )


def _cuts(reel: Reel) -> Sequence[int]:
    return [shot.record.start for shot in reel.cut.shots[1:]]


def _key(project: Project, reel: Reel) -> str:
    said = project.settings
    pictures = (said.gap, said.first, said.last, said.inverse_telecine)
    shots = [(shot.record, shot.id, str(shot.speed), shot.curve is not None) for shot in reel.cut.shots]
    return source_key([pictures, shots, reel.rate], sorted(reel.media_paths))
