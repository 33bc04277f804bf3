"""``vsfilmrestore serve``: restored frames for editing programs, without rendering first."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from time import monotonic
from typing import Annotated, Any, Final

import typer
from rich.live import Live
from rich.text import Text

from vsfilmrestore.cli import options as o
from vsfilmrestore.cli.detect import detection_watcher
from vsfilmrestore.cli.show import console, say
from vsfilmrestore.errors import RenderError, UsageError
from vsfilmrestore.render.memory import bound_cache
from vsfilmrestore.render.project import Project
from vsfilmrestore.serve.endpoint import AnyListener, listen, socket_of
from vsfilmrestore.serve.reel import ServedReel
from vsfilmrestore.serve.server import Server
from vsfilmrestore.serve.supply import Supply

__all__ = ["command"]

_LOOK: Final = 0.2
"""Seconds after which a signal is seen."""
_PLAIN_SECONDS: Final = 10.0
_JSON_SECONDS: Final = 1.0
_STYLES: Final = ("auto", "plain", "jsonl", "none")


@o.takes_source
def command(
    source: o.InputPath,
    given: o.Given,
    name: Annotated[str, typer.Option("--name", help="Name of the server; clients look for 'default'.")] = "default",
    cache: Annotated[int, typer.Option("--cache", min=64, help="Most memory for frames kept, in MB.")] = 2048,
    memory: Annotated[
        int, typer.Option("--shared", min=16, help="Most memory shared with one client, in MB; taken when it is used.")
    ] = 4096,
    project: o.ProjectFolder = None,
    progress: o.ProgressStyle = "auto",
) -> int:
    """Serve restored frames to the OpenFX plug-in, or to scripts, over a socket that only you can reach.

    Nothing but INPUT is served, and nothing is rendered before it is asked for. Runs until it is stopped.
    """
    if progress not in _STYLES:
        raise UsageError(f"--progress must be one of {', '.join(_STYLES)}, not '{progress}'")
    listener = listen(socket_of(name))  # all that can be wrong with it is told before the film is opened
    try:
        save = project is not None or Project.is_project(source)
        reel = ServedReel.open(source, given=given, project=project, watch=detection_watcher(), save=save)
        bound_cache()
    except BaseException:
        listener.close()
        raise
    return _serve(reel, listener, cache << 20, memory << 20, _Teller(progress))


def _serve(reel: ServedReel, listener: AnyListener, cache: int, memory: int, teller: _Teller) -> int:
    signals = _caught()
    supply = Supply(reel, cache_bytes=cache)
    server = Server(supply, listener, ring_bytes=memory, told=teller.event)
    for remark in reel.reel.remarks:
        teller.note(remark)
    try:
        with teller:
            server.start()
            teller.listening(reel, listener)
            while not signals and not server.ended.wait(_LOOK):
                teller.look(server)
    finally:  # whatever there was, a pipe that is closed for one, no socket is left
        calm = server.stop()
    teller.event("end", {"frames": supply.frames.counts.rendered})
    if not calm:
        raise RenderError("stopped, but a frame is still being made; it is given up")
    return 0


def _caught() -> list[int]:
    """Gets the signals that ask for an end; where somebody had them ignored (``nohup``) they stay so."""
    seen: list[int] = []

    def note(number: int, _: object) -> None:
        seen.append(number)
        if len(seen) > 2:  # a frame that takes minutes is not waited for a third time
            os._exit(130)

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    for number in (getattr(signal, each) for each in names if hasattr(signal, each)):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, note)
    return seen


class _Teller:
    """Tells a terminal, a log file or another program what goes on."""

    def __init__(self, style: str) -> None:
        bars = style == "auto" and console.is_terminal
        self._style = "bars" if bars else "plain" if style == "auto" else style
        self._live = Live(console=console, refresh_per_second=4, transient=True) if bars else None
        self._lock = threading.Lock()
        self._last, self._said, self._served = monotonic(), "", 0

    def __enter__(self) -> None:
        if self._live is not None:
            self._live.start()

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def note(self, text: str) -> None:
        """A remark on the reel."""
        if self._style in ("bars", "plain"):
            say(f"note: {text}")

    def listening(self, reel: ServedReel, listener: AnyListener) -> None:
        """The server is up."""
        facts = {"frames": len(reel), "shots": len(reel.shots), "width": reel.width, "height": reel.height}
        if self._style == "jsonl":
            self._json("listening", {"socket": str(listener.path), "process": os.getpid(), **facts})
        elif self._style != "none":
            say(f"serving  {listener.path}")
            say(f"film     {len(reel)} frames in {len(reel.shots)} shots, {reel.width}x{reel.height}, {reel.fps} fps")
            say("Ctrl-C ends it")

    def event(self, event: str, facts: dict[str, object]) -> None:
        """Something happened; called from any thread."""
        with self._lock:
            self._served += event == "frame"
        if event == "frame" or self._style == "none":
            return
        if self._style == "jsonl":
            self._json(event, facts)
        elif event in ("client", "gone", "failed", "refused"):
            self._line(_words(event, facts))

    def look(self, server: Server) -> None:
        """Now and then: how it goes."""
        counts = server.supply.frames.counts
        facts: dict[str, Any] = {
            "clients": len(server.clients),
            "waiting": server.waiting,
            "running": counts.running,
            "ahead": counts.ahead,
            "rendered": counts.rendered,
            "served": self._served,
            "hits": counts.hits,
            "kept_bytes": counts.kept_bytes,
        }
        text = (
            f"{facts['clients']} clients, {facts['waiting']} requests wait, {counts.running} frames in work, "
            f"{counts.rendered} rendered, {self._served} served, {counts.kept_bytes >> 20} MB kept"
        )
        if self._live is not None:
            self._live.update(Text(text))
        seconds = _JSON_SECONDS if self._style == "jsonl" else _PLAIN_SECONDS
        if text == self._said or monotonic() - self._last < seconds:
            return
        self._said, self._last = text, monotonic()
        if self._style == "jsonl":
            self._json("state", facts)
        elif self._style == "plain":
            self._line(text)

    def _line(self, text: str) -> None:
        if self._live is not None:
            say(text)
        else:
            print(text, file=sys.stderr, flush=True)  # noqa: T201

    def _json(self, event: str, facts: dict[str, Any]) -> None:
        with self._lock:
            print(json.dumps({"event": event} | facts), flush=True)  # noqa: T201


def _words(event: str, facts: dict[str, object]) -> str:
    who = facts.get("client", "")
    match event:
        case "client":
            return f"{who} came (process {facts.get('process')})"
        case "gone":
            return f"{who} went"
        case "failed":
            return f"failed for {who}: {facts.get('text')}"
        case _:
            return f"refused: {facts.get('text')}"
