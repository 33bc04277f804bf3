"""``vsfilmrestore models``: which networks there are, fetching, checking, adding them, and their licences."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from vsfilmrestore.cli.models_bench import bench
from vsfilmrestore.cli.show import console, say, show_table
from vsfilmrestore.errors import InputError, UsageError
from vsfilmrestore.models import licence as terms
from vsfilmrestore.models.add import add as add_file
from vsfilmrestore.models.card import TASKS, Card, WeightFile
from vsfilmrestore.models.facts import card_facts, verdict_facts, window_text
from vsfilmrestore.models.told import ExtraKind, Told
from vsfilmrestore.models.zoo import Verdict, Zoo

__all__ = ["app"]

app = typer.Typer(
    help="Networks: list, get, check, add and measure them.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

app.command()(bench)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Pth = Annotated[
    bool, typer.Option("--allow-pth", help="Take .pth files too: pickles, if you trust who made them; never .pt.")
]
_Accept = Annotated[
    list[str] | None, typer.Option("--accept-licence", metavar="NAME", help="Say yes to a licence; repeat it for more.")
]


@app.command(name="list")
def list_models(
    task: Annotated[str, typer.Option("--task", help="Only those for this task.")] = "",
    as_json: _Json = False,
) -> int:
    """Show the models there are, and which are on this machine."""
    zoo = _zoo(quiet=as_json)
    cards = zoo.by_task(task) if task else list(zoo)
    if as_json:
        _json({"models": [card_facts(card, zoo) for card in cards], "remarks": zoo.remarks})
        return 0
    columns = ["model", "task", "takes", "size", "licence", "paid work", "here", "summary"]
    show_table("1 model" if len(cards) == 1 else f"{len(cards)} models", columns, [_row(card, zoo) for card in cards])
    return 0


def _row(card: Card, zoo: Zoo) -> list[str]:
    here = "yes" if any(zoo.locate(card, file) for file in card.weights) else "no"
    size = _bytes(min(file.size for file in card.weights))
    return [card.name, card.task, window_text(card), size, *_licence_cells(card), here, card.summary]


def _licence_cells(card: Card) -> list[str]:
    return [card.licence.name, card.licence.commercial]


@app.command()
def get(
    names: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Models to fetch.")],
    accept_licence: _Accept = None,
    allow_pth: _Pth = False,
) -> int:
    """Fetch the files of models; what is here already is only verified. This alone goes to the net."""
    zoo = _zoo()
    for card in [zoo.card(name) for name in names]:
        with _bars() as bars:
            paths = zoo.get(
                card,
                accept=accept_licence or (),
                ask=_ask(bars) if sys.stdin.isatty() and console.is_terminal else None,
                allow_pth=allow_pth,
                progress=partial(_told_by, bars),
            )
        for path in paths:
            say(f"{card.name}: {path}")
    return 0


def _bars() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal)


def _told_by(bars: Progress, file: WeightFile) -> Callable[[int, int], None]:
    task = bars.add_task(file.name, total=file.size)
    return lambda done, total: bars.update(task, completed=done, total=total)


def _ask(bars: Progress) -> Callable[[Card], bool]:
    def ask(card: Card) -> bool:
        bars.stop()
        where = f" ({card.licence.url})" if card.licence.url else ""
        say(f"{card.name} is under the licence {card.licence.name}{where}; {_commercial(card)}.")
        answer = typer.confirm(f"Do you accept {card.licence.name}?", default=False)
        bars.start()
        return answer

    return ask


def _commercial(card: Card) -> str:
    match card.licence.commercial:
        case "yes":
            return "paid work may use it"
        case "no":
            return "paid work may NOT use it"
        case _:
            return "whether paid work may use it is not known"


@app.command()
def check(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="MODEL...", help="Only these; they must be here.")
    ] = None,
    as_json: _Json = False,
) -> int:
    """Verify size, checksum and content of the files that are here."""
    zoo = _zoo(quiet=as_json)
    cards = [zoo.card(name) for name in names] if names else list(zoo)
    verdicts = [zoo.verdict(card, file) for card in cards for file in card.files]
    if as_json:
        _json({"files": [verdict_facts(each) for each in verdicts]})
    else:
        rows = [[v.card.name, v.file.name, v.word, str(v.path or ""), v.why] for v in verdicts]
        show_table(
            "1 file" if len(verdicts) == 1 else f"{len(verdicts)} files",
            ["model", "file", "verdict", "where", "why"],
            rows,
        )
    _complain(verdicts, named=bool(names))
    return 0


def _complain(verdicts: list[Verdict], *, named: bool) -> None:
    bad = [each for each in verdicts if each.word == "refused"]
    if bad:
        if len(bad) == 1:
            raise InputError(bad[0].why, file=bad[0].path)
        raise InputError(f"{len(bad)} files are refused: {', '.join(each.file.name for each in bad)}")
    absent = [each for each in verdicts if each.word == "absent"]
    if named and absent:
        hint = f"Get it with 'vsfilmrestore models get {absent[0].card.name}'"
        raise InputError(f"{absent[0].file.name} is not on this machine", hint=hint)


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Your .onnx or .safetensors.")],
    name: Annotated[str, typer.Option("--name", help="What to call it; from the file's name if not said.")] = "",
    task: Annotated[str, typer.Option("--task", help="What it is for: denoise, upscale, ...")] = "",
    like: Annotated[str, typer.Option("--like", help="A model whose card tells all that is not said here.")] = "",
    family: Annotated[str, typer.Option("--family", help="Family of networks.")] = "",
    architecture: Annotated[str, typer.Option("--architecture", help="Architecture, as spandrel names it.")] = "",
    summary: Annotated[str, typer.Option("--summary", help="One sentence.")] = "",
    licence: Annotated[str, typer.Option("--licence", help="Licence of the weights.")] = "",
    commercial: Annotated[
        str, typer.Option("--commercial", help="Paid work may use it: yes, no or unknown.")
    ] = "unknown",
    author: Annotated[str, typer.Option("--author", help="Who made it.")] = "",
    home: Annotated[str, typer.Option("--home", help="Where it comes from, https.")] = "",
    window: Annotated[int | None, typer.Option("--window", min=1, max=99, help="Frames that go in.")] = None,
    context: Annotated[
        int | None, typer.Option("--context", min=0, max=48, help="Of a sequence: frames thrown away at each end.")
    ] = None,
    crossfade: Annotated[
        int | None, typer.Option("--crossfade", min=0, max=48, help="Of a sequence: frames that windows share.")
    ] = None,
    channels: Annotated[int | None, typer.Option("--channels", min=1, max=64, help="Channels of a frame.")] = None,
    colour: Annotated[str, typer.Option("--colour", help="rgb, luma, yuv or data (no picture).")] = "",
    order: Annotated[str, typer.Option("--order", help="Order of colours: rgb or bgr.")] = "",
    scale: Annotated[int | None, typer.Option("--scale", min=1, max=16, help="Size out over size in.")] = None,
    low: Annotated[float | None, typer.Option("--low", help="Value of black: 0 if not said.")] = None,
    high: Annotated[float | None, typer.Option("--high", help="Value of white: 1 if not said.")] = None,
    out_low: Annotated[
        float | None, typer.Option("--out-low", help="Black in what comes out, if it is another than in what goes in.")
    ] = None,
    out_high: Annotated[float | None, typer.Option("--out-high", help="White in what comes out, likewise.")] = None,
    multiple: Annotated[
        int | None, typer.Option("--multiple", min=1, max=4096, help="Sides are multiples of it.")
    ] = None,
    minimum: Annotated[int | None, typer.Option("--minimum", min=1, max=65536, help="Least side.")] = None,
    half: Annotated[
        bool | None, typer.Option("--half/--no-half", help="Whether 16-bit floats are good enough.")
    ] = None,
    extra: Annotated[
        list[str] | None,
        typer.Option("--extra", metavar="NAME=KIND", help="An input: number, scalar, mask or picture."),
    ] = None,
    allow_pth: _Pth = False,
    as_json: _Json = False,
) -> int:
    """Make a file of yours a model: it is looked into, copied, and gets a card you can edit."""
    zoo = _zoo(quiet=as_json)
    told = Told(
        name=name,
        task=task,
        family=family,
        architecture=architecture,
        summary=summary,
        licence=licence,
        commercial=cast(Any, _one_of("--commercial", commercial, ("yes", "no", "unknown"))),
        author=author,
        home=_https(home),
        window=window,
        context=context,
        crossfade=crossfade,
        channels=channels,
        colour=cast(Any, _one_of("--colour", colour, ("", "rgb", "luma", "yuv", "data"))),
        order=cast(Any, _one_of("--order", order, ("", "rgb", "bgr"))),
        scale=scale,
        low=low,
        high=high,
        out_low=out_low,
        out_high=out_high,
        multiple=multiple,
        minimum=minimum,
        half=half,
        extra=_extras(extra or []),
        like=zoo.card(like) if like else None,
    )
    card = add_file(file, zoo, told, allow_pth=allow_pth)
    if as_json:
        _json(card_facts(card, zoo))
    else:
        say(f"{card.name}: {card.task}, {window_text(card)}, scale {card.contract.scale}")
        say(f"Its card: {card.origin or zoo.user_folder / f'{card.name}.toml'}")
        if card.task == "other" and not task:
            say("What it is for cannot be seen in the file, so only apply_model takes it.")
            say(f"Write its task into its card (with the next file, say --task): {', '.join(TASKS)}")
    return 0


def _one_of(option: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise UsageError(f"{option} must be one of {', '.join(filter(None, choices))}, not '{value}'")
    return value


def _https(link: str) -> str:
    if link and not link.startswith("https://"):
        raise UsageError("--home must begin with https://")
    return link


def _extras(words: list[str]) -> dict[str, ExtraKind]:
    found: dict[str, ExtraKind] = {}
    for word in words:
        name, _, kind = word.partition("=")
        if not name or kind not in ("number", "scalar", "mask", "picture"):
            raise UsageError(f"--extra '{word}' is not NAME=number, scalar, mask or picture")
        found[name] = cast(Any, kind)
    return found


@app.command()
def licence(
    name: Annotated[str, typer.Argument(metavar="[MODEL]", help="Model whose terms to show.")] = "",
    accept_licence: _Accept = None,
    as_json: _Json = False,
) -> int:
    """Show the terms of a model, or the licences you said yes to."""
    zoo = _zoo(quiet=as_json)
    if name:
        return _terms(zoo.card(name), zoo, accept_licence or [], as_json=as_json)
    if accept_licence:
        raise UsageError("--accept-licence needs the model it is for", hint="Say the model's name too")
    known = terms.accepted(zoo.user_folder)
    if as_json:
        _json({"accepted": known})
        return 0
    rows = [[each, said.get("date", ""), said.get("model", ""), said.get("how", "")] for each, said in known.items()]
    show_table(
        "1 licence accepted" if len(rows) == 1 else f"{len(rows)} licences accepted",
        ["licence", "date", "model", "how"],
        rows,
    )
    return 0


def _terms(card: Card, zoo: Zoo, accept: list[str], *, as_json: bool) -> int:
    if accept:
        terms.require(card, zoo.user_folder, accept=accept)
    said = terms.accepted(zoo.user_folder).get(card.licence.name)
    if as_json:
        _json(card_facts(card, zoo)["licence"] | {"accepted": said})
        return 0
    where = f" ({card.licence.url})" if card.licence.url else ""
    say(f"{card.name}: {card.licence.name}{where}; {_commercial(card)}")
    if card.licence.accept:
        say(f"Accepted {said['date']}" if said else "It needs your yes, which was not given yet")
    return 0


def _zoo(*, quiet: bool = False) -> Zoo:
    zoo = Zoo.open()
    for remark in () if quiet else zoo.remarks:
        say(f"note: {remark}")
    return zoo


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def _json(facts: Any) -> None:
    sys.stdout.write(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
