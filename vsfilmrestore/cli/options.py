"""Options that several commands share, and how they become project settings."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, get_type_hints

import typer

from vsfilmrestore.errors import SettingError
from vsfilmrestore.timeline.grammar import parse_settings

__all__ = [
    "AimName",
    "Given",
    "InputPath",
    "Json",
    "KeepHistory",
    "MeasureResult",
    "Output",
    "ProfileName",
    "ProgressStyle",
    "ProjectFolder",
    "TableFile",
    "settings_given",
    "takes_source",
]

InputPath = Annotated[Path, typer.Argument(metavar="INPUT", help="Movie, folder of stills, cut list, .vpy or project.")]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="File (.mkv .mov .mp4), folder, or name.%07d.dpx|exr|tif to render to."),
]
ProfileName = Annotated[
    str | None,
    typer.Option(
        "--format", help="Output format: ffv1, prores_hq, dnxhr_hqx, dpx10 …; goes by the suffix if not given."
    ),
]
MediaPlaces = Annotated[
    list[Path] | None,
    typer.Option("--media", help="Folder to search, or file to use, for the media of a cut list. May be repeated."),
]
Markers = Annotated[
    list[Path] | None,
    typer.Option("--markers", help="Marker list (.edl .txt .csv) to join with the cut list. May be repeated."),
]
SequenceName = Annotated[
    str | None, typer.Option("--sequence", help="Name of the sequence or project, of a cut list that holds several.")
]
ScanOfFilm = Annotated[
    Path | None,
    typer.Option(
        "--scan",
        help="Scan of the finished film: every shot is taken from it at its record timecode, not from its own source.",
    ),
]
Rate = Annotated[str | None, typer.Option("--rate", help="Frame rate, where the input does not tell: 24, 23.976 …")]
Start = Annotated[
    str | None, typer.Option("--media-start", help="Timecode of the first frame of media that carry none.")
]
Gap = Annotated[
    str | None, typer.Option("--gap", help="What a missing frame of a sequence becomes: error (default), hold, black.")
]
InverseTelecine = Annotated[
    bool | None,
    typer.Option("--inverse-telecine/--no-inverse-telecine", help="Bring a telecined source back to film frames."),
]
First = Annotated[
    int | None, typer.Option("--first", min=0, help="First frame of the media: file number, or counted from 0.")
]
Last = Annotated[int | None, typer.Option("--last", min=0, help="Last frame of the media, included.")]
Tolerant = Annotated[
    bool | None,
    typer.Option(
        "--tolerant/--refuse",
        help="Take a film that is cut off, has holes or a varying rate as far as it goes, or refuse it. If not said, "
        "taken, but refused with a cut list or --preset.",
    ),
]
Handles = Annotated[
    int | None,
    typer.Option("--handles", min=0, help="Frames of the same take known to exist around each shot in its source."),
]
MediaRateRule = Annotated[
    str | None,
    typer.Option(
        "--media-rate-rule",
        help="How media of another rate than the cut are played: time, or frames (frame for frame, at timeline rate).",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        help="Recipe of undescribed shots: archive, remaster, kungfu, cel, tape, concert, amateur, none, or a file.",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change the recipe, in marker words: --set dust=0.8 --set grain=keep. May be repeated."),
]
ProjectFolder = Annotated[
    Path | None, typer.Option("--project", help="Project folder; <input>.vsfr in the current folder if not given.")
]
ProgressStyle = Annotated[
    str, typer.Option("--progress", help="auto, plain, jsonl (one JSON object per line on standard output) or none.")
]
KeepHistory = Annotated[
    bool | None,
    typer.Option("--history/--no-history", help="Keep masks and original pixels of all repairs (kept if not said)."),
]
MeasureResult = Annotated[
    bool | None,
    typer.Option(
        "--measure/--no-measure",
        help="Measure the result for the report, where the source was measured (done if not said; it takes about a "
        "twentieth of the time).",
    ),
]
AimName = Annotated[
    str | None,
    typer.Option("--aim", help="What the film is wanted for: archive (least intervention), remaster (full doses)."),
]
TableFile = Annotated[
    Path | None, typer.Option("--table", help="Diagnosis table of your own (.toml), see docs/diagnosis.md.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


type Given = dict[str, Any]

_OF_THE_SOURCE: Final[dict[str, Any]] = {
    "media": MediaPlaces,
    "markers": Markers,
    "sequence": SequenceName,
    "scan": ScanOfFilm,
    "rate": Rate,
    "start": Start,
    "gap": Gap,
    "inverse_telecine": InverseTelecine,
    "first": First,
    "last": Last,
    "tolerant": Tolerant,
    "handles": Handles,
    "media_rate_rule": MediaRateRule,
    "preset": Preset,
    "changes": Set,
}


def takes_source(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command all options that say what the input is and how to treat it.

    They reach the command as one mapping, ``given``: fields of `ProjectSettings` by name, without those not named.
    """
    own = inspect.signature(command)
    hints = get_type_hints(command, include_extras=True)
    kept = [p.replace(annotation=hints[name]) for name, p in own.parameters.items() if name != "given"]
    keyword = inspect.Parameter.KEYWORD_ONLY
    shared = [inspect.Parameter(n, keyword, default=None, annotation=kind) for n, kind in _OF_THE_SOURCE.items()]
    parameters = [*(p.replace(kind=keyword) for p in kept[:1]), *shared, *(p.replace(kind=keyword) for p in kept[1:])]

    @functools.wraps(command)
    def called(**words: Any) -> int:
        given = settings_given(**{name: words.pop(name) for name in _OF_THE_SOURCE})
        return command(given=given, **words)

    called.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {p.name: p.annotation for p in parameters}
    return called


def settings_given(*, changes: list[str] | None = None, **values: Any) -> Given:
    """The fields of `ProjectSettings` a command names; what was not named is left out.

    Raises:
        SettingError: A word of ``--set`` is no setting.
    """
    given = {key: _plain(value) for key, value in values.items() if value is not None and value != []}
    if changes:
        from vsfilmrestore.recipes.words import changes_from_words  # brings every filter

        said = parse_settings(" ".join(changes))
        if said.head:
            hint = "Write it as --set dust=0.8 or --set grain=off; a preset goes with --preset"
            raise SettingError(f"--set changes single settings; '{said.head}' is not key=value", hint=hint)
        given["steps"] = changes_from_words(said.values)
    return given


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [str(item) for item in value]
    return str(value) if isinstance(value, Path) else value
