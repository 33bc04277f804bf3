"""From the words of a command to a project and its reel."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from vsfilmrestore import timeline
from vsfilmrestore.errors import SettingError, UsageError
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.media.out.profiles import Profile, profile_for
from vsfilmrestore.media.source import Media, SourceOptions, open_media
from vsfilmrestore.media.timecode import exact_rate, parse_timecode
from vsfilmrestore.render.bind import Opener
from vsfilmrestore.render.fields import field_order, with_field_order
from vsfilmrestore.render.guard import refuse_overwriting
from vsfilmrestore.render.project import Project, ProjectSettings
from vsfilmrestore.render.reel import Reel

__all__ = ["named_sources", "open_project", "open_reel", "output_of"]

type Watcher = Callable[[int, int], None]


def open_project(source: Path, folder: Path | None, given: Mapping[str, Any], *, output: str = "") -> Project:
    """The project of an input, new or as it was left, with what the command says written into it.

    Args:
        source: Cut list, medium, .vpy or project folder.
        folder: Project folder; ``<name of the input>.vsfr`` in the current folder if None.
        given: Fields of `ProjectSettings` the command names; all others stay as they are.
        output: File to render to where neither command nor project names one.

    Raises:
        UsageError: The input does not exist, or the project belongs to another input.
        VsfrError: The project cannot be read or written.
    """
    if not source.exists() and "%" not in source.name and "#" not in source.name:
        raise UsageError("does not exist", file=source)
    if Project.is_project(source):
        project = Project.open(source)
        _refuse_script(project)
        settings = project.settings
    else:
        folder = folder or Path(f"{source.stem or source.name}.vsfr")
        known = Project.is_project(folder)
        project = Project.open(folder) if known else Project(folder, ProjectSettings())
        settings = replace(project.settings, input=_relative(source, folder))
        if known and project.resolve(project.settings.input) != Path(os.path.abspath(source)):
            raise UsageError(
                f"belongs to {project.settings.input}, not to {source.name}",
                file=folder,
                hint="Name another folder with --project",
            )
    changed = {key: _written(key, value, project.folder) for key, value in given.items()}
    if output and not settings.output:
        changed.setdefault("output", _written("output", output, project.folder))
    counting = ("inverse_telecine", "first", "last")
    if any(changed.get(key, getattr(settings, key)) != getattr(settings, key) for key in counting):
        changed.setdefault("cuts", None)  # frames are counted anew
    project = replace(project, settings=replace(settings, **changed))
    _check(project)  # words that are wrong are not kept
    project.save()
    return project


def output_of(project: Project) -> tuple[Path, Profile]:
    """Where a project renders to, and the format.

    Raises:
        UsageError: It names no output, or one of no known format.
    """
    if not project.settings.output:
        raise UsageError("no output is named", hint="Name it with -o")
    output = project.resolve(project.settings.output)
    return output, profile_for(output, project.settings.profile or None)


def named_sources(project: Project) -> list[Path]:
    """Files and folders a project names as what it is made from."""
    said = project.settings
    return [project.resolve(name) for name in (said.input, said.markers, *said.media) if name]


def _check(project: Project) -> None:
    for name in (project.settings.input, project.settings.output, *project.settings.media):
        if not name.isprintable():
            shown = name.encode("utf-8", "backslashreplace").decode()
            raise UsageError("the name holds characters that cannot be written down", file=shown, hint="Rename it")
    if project.settings.markers and not timeline.is_cut_list(Path(project.settings.input)):
        raise UsageError("a marker list goes with a cut list", file=project.settings.input, hint="Leave --markers out")
    project.recipe()
    _opener(project.settings)
    if project.settings.output:
        refuse_overwriting(*output_of(project), named_sources(project))


def _refuse_script(project: Project) -> None:
    """A project folder may come from a stranger: it never makes us run a script that the user did not name."""
    if Path(project.settings.input).suffix.lower() in (".vpy", ".py"):
        raise UsageError(
            f"names the script {project.settings.input} as its input, and scripts run only when you name them",
            file=project.folder / "project.toml",
            hint=f"Give the script itself, and the folder with --project {project.folder}",
        )


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:  # another drive
        return path.absolute().as_posix()


def _written(key: str, value: Any, folder: Path) -> Any:
    """A value of the command line as it stands in project.toml: paths relative to the project folder."""
    if (key in ("markers", "output") and value) or (key == "preset" and value.lower().endswith(".toml")):
        return _relative(Path(value), folder)
    if key == "media":
        return tuple(_relative(Path(name), folder) for name in value)
    return value


def open_reel(project: Project, *, watch: Watcher | None = None, save: bool = True) -> Reel:
    """The reel of a project. Without a cut list the shots are detected, once, and kept in the project.

    Args:
        project: The project.
        watch: Told frames done and frames in all while shots are detected.
        save: Whether detected cuts are written to the project.

    Raises:
        VsfrError: Input that cannot be read, linked or understood.
    """
    reel = _opened_reel(project, watch, save)
    reel.decisions = with_field_order(reel.bound, reel.decisions)
    return reel


def _opened_reel(project: Project, watch: Watcher | None, save: bool) -> Reel:
    settings = project.settings
    opener = _opener(settings)
    source = project.resolve(settings.input)
    if timeline.is_cut_list(source):
        return Reel.open(
            source,
            media=[project.resolve(name) for name in settings.media],
            markers=project.resolve(settings.markers) if settings.markers else None,
            preset=project.recipe(),
            rate=settings.rate or None,
            settings=settings.shots,
            handles=settings.handles,
            opener=opener,
        )
    medium = opener(source)
    cuts = settings.cuts
    if not project.recipe() and not settings.shots:
        cuts = cuts or ()  # nothing looks at neighbouring frames, so no wall is needed
    elif cuts is None:
        from vsfilmrestore.assess.shots import detect_shots  # brings OpenCV, which takes a second

        cuts = tuple(detect_shots(medium.video, progress=watch))
        if save:
            replace(project, settings=replace(settings, cuts=cuts)).save()
    bad = [cut for cut in cuts if not 0 < cut < medium.video.num_frames]
    if bad:
        raise SettingError(f"cuts names frame {bad[0]}, the film has {medium.video.num_frames}", file="project.toml")
    return Reel.of_medium(medium, cuts=sorted(set(cuts)), recipe=project.recipe(), settings=settings.shots)


def _opener(settings: ProjectSettings) -> Opener:
    """Opens media as the project says: gaps, rate, timecode, and what is done to whole sources before they are cut."""
    if settings.gap not in ("error", "hold", "black"):
        raise SettingError(f"gap must be error, hold or black, not '{settings.gap}'", file="project.toml")
    rate = None if timeline.is_cut_list(Path(settings.input)) else _rate(settings.rate)
    options = SourceOptions(gap=settings.gap, rate=rate, first=settings.first, last=settings.last)  # type: ignore[arg-type]

    def opened(path: Path) -> Media:
        medium = _started(open_media(path, options), settings.start)
        return _film_frames(medium) if settings.inverse_telecine else medium

    return opened


def _rate(text: str) -> Fraction | None:
    try:
        rate = exact_rate(text) if text else None
    except (ValueError, ZeroDivisionError, OverflowError):
        rate = Fraction(0)
    if rate is not None and not 1 <= rate <= 1000:
        raise SettingError(f"rate must be frames per second, not '{text}'", hint="Write 24, 23.976 or 30000/1001")
    return rate


def _started(medium: Media, start: str) -> Media:
    """The medium with the timecode of its first frame, where it carries none of its own."""
    if not start or medium.has_timecode:
        return medium
    try:
        count = parse_timecode(start, medium.rate)
    except ValueError as error:
        raise SettingError(str(error), hint="Write HH:MM:SS:FF") from None
    return replace(medium, start=count, has_timecode=True, drop=";" in start)


def _film_frames(medium: Media) -> Media:
    """The film frames of a telecined medium."""
    video = FILTERS["inverse_telecine"].function(medium.video, field_order(medium))
    start = medium.start * video.fps / medium.rate
    return replace(medium, video=video, rate=video.fps, start=int(start), drop=False)
