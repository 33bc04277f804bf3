"""What a terminal, a log file or another program sees of a running render."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TextIO

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from vsfilmrestore.errors import UsageError

if TYPE_CHECKING:
    from vsfilmrestore.render.pieces import Piece
    from vsfilmrestore.render.progress import Progress as Listener

__all__ = ["clock", "console", "listener", "say", "show_table"]

_STYLES: Final = ("auto", "plain", "jsonl", "none")
_PLAIN_SECONDS: Final = 10.0
_PLAIN_WIDTH: Final = 200

console = Console(highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table: drawn with lines on a terminal, as plain text of any width elsewhere."""
    table = Table(*columns, title=title, title_justify="left", box=box.SIMPLE_HEAD if console.is_terminal else None)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def say(text: str) -> None:
    """Print a line for people, without any markup."""
    console.print(text, markup=False)


def listener(style: str) -> Listener:
    """Progress in the style asked for: ``auto`` draws bars on a terminal and plain lines elsewhere.

    Raises:
        UsageError: There is no such style.
    """
    if style not in _STYLES:
        raise UsageError(f"--progress must be one of {', '.join(_STYLES)}, not '{style}'")
    if style == "auto":
        style = "bars" if console.is_terminal else "plain"
    match style:
        case "bars":
            return _Bars()
        case "plain":
            return _Lines(_plain_line, sys.stderr, _PLAIN_SECONDS)
        case "jsonl":
            return _Lines(_json_line, sys.stdout, 0.5)
        case _:
            from vsfilmrestore.render.progress import Silent

            return Silent()


class _Speed:
    """Frames per second over the last stretch, and what is left at that speed."""

    def __init__(self, total: int, done: int) -> None:
        self.total, self.done, self._start, self._first = total, done, monotonic(), done

    @property
    def fps(self) -> float:
        return (self.done - self._first) / max(monotonic() - self._start, 1e-6)

    @property
    def eta(self) -> float | None:
        fps = self.fps
        return (self.total - self.done) / fps if fps > 0 else None


class _SpeedColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed: _Speed | None = task.fields.get("speed")
        if speed is None or not speed.fps:
            return Text("")
        return Text(f"{speed.fps:.1f} fps, {clock(speed.eta)} left")


class _Bars:
    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
        self._bars = Progress(*columns, _SpeedColumn(), TimeElapsedColumn(), console=console)
        self._reel = self._bars.add_task("reel", total=None)
        self._shot = self._bars.add_task("shot", total=None)
        self._speed = _Speed(0, 0)

    def begin(self, pieces: list[Piece], done: int) -> None:
        total = pieces[-1].stop
        self._speed = _Speed(total, done)
        self._bars.update(self._reel, total=total, completed=done, speed=self._speed)
        self._bars.start()

    def piece(self, piece: Piece) -> None:
        self._bars.update(self._shot, description=f"shot {piece.name or piece.shot}", total=len(piece), completed=0)

    def frame(self, piece: Piece, number: int) -> None:
        self._speed.done += 1
        self._bars.advance(self._reel)
        self._bars.advance(self._shot)

    def joining(self) -> None:
        self._bars.update(self._shot, description="joining")

    def end(self) -> None:
        self._bars.stop()


class _Lines:
    """A line now and then, and at each change."""

    def __init__(self, line: Any, stream: TextIO, seconds: float) -> None:
        self._line, self._stream, self._seconds = line, stream, seconds
        self._speed, self._last, self._piece = _Speed(0, 0), monotonic(), ""

    def _tell(self, event: str, **facts: Any) -> None:
        self._last = monotonic()
        text = self._line(event, self._speed, facts)
        if text:
            print(text, file=self._stream, flush=True)

    def begin(self, pieces: list[Piece], done: int) -> None:
        self._speed = _Speed(pieces[-1].stop, done)
        self._tell("begin", shots=len({piece.shot for piece in pieces}))

    def piece(self, piece: Piece) -> None:
        self._tell("shot", shot=piece.shot, name=piece.name, first=piece.first, stop=piece.stop)

    def frame(self, piece: Piece, number: int) -> None:
        self._speed.done += 1
        if monotonic() - self._last >= self._seconds:
            self._tell("frame", shot=piece.shot, name=piece.name, frame=number)

    def joining(self) -> None:
        self._tell("joining")

    def end(self) -> None:
        self._tell("end")


def _json_line(event: str, speed: _Speed, facts: dict[str, Any]) -> str:
    eta = None if speed.eta is None else round(speed.eta, 1)
    known = {"event": event, "done": speed.done, "total": speed.total, "fps": round(speed.fps, 3), "eta": eta}
    return json.dumps(known | facts)


def _plain_line(event: str, speed: _Speed, facts: dict[str, Any]) -> str:
    share = f"{speed.done}/{speed.total} frames"
    match event:
        case "begin":
            return f"rendering {share} done before" if speed.done else f"rendering {speed.total} frames"
        case "shot" | "frame":
            name = facts["name"] or facts["shot"]
            pace = f", {speed.fps:.1f} fps, {clock(speed.eta)} left" if event == "frame" else ""
            return f"  {share}, shot {name}{pace}"
        case "joining":
            return "joining"
        case _:
            return ""


def clock(seconds: float | None) -> str:
    """Seconds as ``1:02:03``; ``?`` where nothing is known."""
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
