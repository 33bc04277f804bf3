"""From the words of a command to a project and its reel."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vsfilmrestore import timeline
from vsfilmrestore.errors import SettingError, UsageError
from vsfilmrestore.media.out.profiles import Profile, profile_for
from vsfilmrestore.render.fields import with_field_order
from vsfilmrestore.render.guard import refuse_overwriting
from vsfilmrestore.render.link_rules import relink_rules
from vsfilmrestore.render.opening import media_opener, media_prober
from vsfilmrestore.render.placing import RateRule
from vsfilmrestore.render.plan import CutFile, Linking, Plan, plan_of_cut
from vsfilmrestore.render.project import Project, ProjectSettings
from vsfilmrestore.render.reel import Reel
from vsfilmrestore.timeline.foreign import refuse_foreign

__all__ = ["cut_file", "named_sources", "open_project", "open_reel", "output_of", "plan_project", "with_cut"]

type Watcher = Callable[[int, int], None]


def open_project(
    source: Path, folder: Path | None, given: Mapping[str, Any], *, output: str = "", save: bool = True
) -> Project:
    """The project of an input, new or as it was left, with what the command says written into it.

    Args:
        source: Cut list, medium, .vpy or project folder.
        folder: Project folder; ``<name of the input>.vsfr`` in the current folder if None.
        given: Fields of `ProjectSettings` the command names; all others stay as they are.
        output: File to render to where neither command nor project names one.
        save: Whether the project is written; without, nothing is left behind. `open_reel` writes it, too, but not
            before its input is known to be good.

    Raises:
        UsageError: The input does not exist, or the project belongs to another input.
        VsfrError: The project cannot be read or written.
    """
    if not source.exists() and "%" not in source.name and "#" not in source.name:
        raise UsageError("does not exist", file=source)
    refuse_foreign(source)
    if Project.is_project(source):
        project = Project.open(source)
        _refuse_script(project, given)
        settings = project.settings
    else:
        folder = folder or Path(f"{source.stem or source.name}.vsfr")
        known = Project.is_project(folder)
        project = Project.open(folder) if known else Project(folder, ProjectSettings())
        settings = replace(project.settings, input=_relative(source, folder))
        if project.settings.input and project.resolve(project.settings.input) != Path(os.path.abspath(source)):
            raise UsageError(
                f"belongs to {project.settings.input}, not to {source.name}",
                file=folder,
                hint="Name another folder with --project",
            )
    changed = {key: _written(key, value, project.folder) for key, value in given.items()}
    if "preset" in given:
        changed.setdefault("aim", "")  # who names a preset wants that, and not what was proposed before
    if output and not settings.output:
        changed.setdefault("output", _written("output", output, project.folder))
    counting = ("inverse_telecine", "first", "last")
    if any(changed.get(key, getattr(settings, key)) != getattr(settings, key) for key in counting):
        changed.setdefault("cuts", None)  # frames are counted anew
    project = replace(project, settings=replace(settings, **changed))
    _check(project)  # words that are wrong are not kept
    if save:
        project.save()
    return project


def with_cut(project: Project, cut: Path, given: Mapping[str, Any]) -> Project:
    """A project with another cut list in the place of its input; nothing is written.

    Marker lists and the name of a sequence go with their cut list and are not kept.

    Args:
        project: The project.
        cut: The new cut list.
        given: Fields of `ProjectSettings` the command names; all others stay as they are.

    Raises:
        UsageError: It is no cut list, or does not exist.
        VsfrError: What the command names does not fit.
    """
    if not cut.exists() or not timeline.is_cut_list(cut):
        raise UsageError("is no cut list" if cut.exists() else "does not exist", file=cut)
    said = project.settings
    own: dict[str, Any] = {"markers": (), "sequence": "", "cuts": None}
    if not timeline.is_cut_list(Path(said.input)):
        own["media"] = (*said.media, said.input)
    changed = own | {key: _written(key, value, project.folder) for key, value in given.items()}
    made = replace(project, settings=replace(said, input=_relative(cut, project.folder), **changed))
    _check(made)
    return made


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
    return [project.resolve(name) for name in (said.input, said.scan, *said.markers, *said.media) if name]


def _check(project: Project) -> None:
    said = project.settings
    for name in (said.input, said.output, said.scan, *said.media):
        if not name.isprintable():
            shown = name.encode("utf-8", "backslashreplace").decode()
            raise UsageError("the name holds characters that cannot be written down", file=shown, hint="Rename it")
    for option, word, value in (
        ("markers", "a marker list goes", said.markers),
        ("sequence", "the name of a sequence goes", said.sequence),
        ("scan", "a scan of the finished film goes", said.scan),
    ):
        if value and not timeline.is_cut_list(Path(said.input)):
            raise UsageError(f"{word} with a cut list", file=said.input, hint=f"Leave --{option} out")
    if said.scan and said.media:
        hint = "Leave one of them out"
        raise UsageError("--scan takes all shots from one film, --media each from its own source", hint=hint)
    project.recipe()
    media_opener(project.settings, project.folder)
    _linking(project)
    relink_rules(project.settings.relink, project.folder)
    if project.settings.output:
        refuse_overwriting(*output_of(project), named_sources(project))


def _refuse_script(project: Project, given: Mapping[str, Any]) -> None:
    """A project folder may come from a stranger: it never makes us run a script that the user did not name."""
    said = project.settings
    media = [("medium", name) for name in said.media if "media" not in given]
    scan = [("scan", said.scan)] if "scan" not in given else []
    for role, name in [("input", said.input), *media, *scan]:
        if Path(name).suffix.lower() in (".vpy", ".py"):
            raise UsageError(
                f"names the script {name} as its {role}, and scripts run only when you name them",
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
    if (key in ("output", "scan") and value) or (key == "preset" and value.lower().endswith(".toml")):
        return _relative(Path(value), folder)
    if key in ("media", "markers"):
        names = [value] if isinstance(value, str | os.PathLike) else value
        return tuple(_relative(Path(name), folder) for name in names)
    return value


def cut_file(project: Project) -> CutFile:
    """What is read of a project's cut list."""
    said = project.settings
    markers = [project.resolve(name) for name in said.markers]
    return CutFile(project.resolve(said.input), said.rate or None, markers, said.sequence)


def plan_project(project: Project) -> Plan:
    """The plan of a project whose input is a cut list, with or without its media at hand. Writes nothing.

    Raises:
        VsfrError: Input that cannot be read or understood. Missing media are no error.
    """
    return plan_of_cut(cut_file(project), _linking(project), project.recipe(), settings=project.sidecar())


def open_reel(project: Project, *, watch: Watcher | None = None, save: bool = True) -> Reel:
    """The reel of a project. Without a cut list the shots are detected, once, and kept in the project.

    Args:
        project: The project.
        watch: Told frames done and frames in all while shots are detected.
        save: Whether the project is written, with the cuts that were detected, once its reel is open.

    Raises:
        VsfrError: Input that cannot be read, linked or understood. All missing media are named at once.
    """
    if timeline.is_cut_list(project.resolve(project.settings.input)):
        plan, said = plan_project(project), project.settings
        reel = Reel.of_plan(plan, media_opener(said, project.folder), said.handles)
        if save:
            project.save()
    else:
        reel = _detected_reel(project, watch, save)
    reel.decisions = with_field_order(reel.bound, reel.decisions)
    reel.verdicts = project.verdicts()
    return reel


def _linking(project: Project) -> Linking:
    settings = project.settings
    return Linking(
        media=[project.resolve(name) for name in settings.media],
        rules=settings.relink,
        folder=project.folder,
        rate_rule=RateRule.of(settings.media_rate_rule),
        scan=project.resolve(settings.scan) if settings.scan else None,
        prober=media_prober(settings, project.folder),
    )


def _detected_reel(project: Project, watch: Watcher | None, save: bool) -> Reel:
    settings = project.settings
    medium = media_opener(settings, project.folder)(project.resolve(settings.input))
    cuts = settings.cuts
    if not project.recipe() and not settings.shots:
        cuts = cuts or ()  # nothing looks at neighbouring frames, so no wall is needed
    elif cuts is None:
        from vsfilmrestore.assess.shots import detect_shots  # brings OpenCV, which takes a second

        cuts = tuple(detect_shots(medium.video, progress=watch))
        project = replace(project, settings=replace(settings, cuts=cuts))
    bad = [cut for cut in cuts if not 0 < cut < medium.video.num_frames]
    if bad:
        raise SettingError(f"cuts names frame {bad[0]}, the film has {medium.video.num_frames}", file="project.toml")
    reel = Reel.of_medium(medium, cuts=sorted(set(cuts)), recipe=project.recipe(), settings=project.sidecar())
    if save:
        project.save()
    return reel
