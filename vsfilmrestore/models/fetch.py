"""Files of weights from the net: https only, bounded by the card, resumed, verified before they get their name."""

from __future__ import annotations

import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any, Final

from vsfilmrestore.errors import InputError, InstallationError, OutputError
from vsfilmrestore.models.card import WeightFile
from vsfilmrestore.models.safety import sha256_of

__all__ = ["fetch"]

type Progress = Callable[[int, int], None]
"""Told the bytes there are, and how many there will be."""

_BLOCK: Final = 1 << 18
_TIMEOUT: Final = 30.0
_MOST_REDIRECTS: Final = 5


def fetch(file: WeightFile, folder: Path, *, progress: Progress | None = None, allow_http: bool = False) -> Path:
    """Fetch a file of a card into a folder, going on where an earlier try stopped.

    Args:
        file: What to fetch; its sources are tried in turn.
        folder: Where it goes; made where it is missing.
        progress: Told the bytes there are, and how many there will be.
        allow_http: For tests: plain http to this machine.

    Returns:
        The file, its size and checksum being those of the card.

    Raises:
        InstallationError: There is no source, or none works; what came stays as ``.part`` and is gone on from.
        OutputError: It cannot be written.
    """
    if not file.sources:
        hint = f"Bring it yourself and put it into {folder}"
        raise InstallationError(f"{file.name} cannot be fetched, its card knows no source", hint=hint)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{file.name}.{file.sha256[:12]}.part"
        with part.open("ab") as out, _alone(out, part):
            _from_any(file, out, part, progress or _silent, allow_http)
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, folder / file.name)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", file=folder / file.name) from None
    return folder / file.name


def _silent(done: int, total: int) -> None:
    """Nobody wants to know."""


def _from_any(file: WeightFile, out: IO[bytes], part: Path, progress: Progress, allow_http: bool) -> None:
    reasons = []
    for source in file.sources:
        for _ in range(2):  # what an earlier try left may be the beginning of something else: then once more, whole
            resumed = _size(out) > 0
            reason = _from_one(source, file, out, progress, allow_http) or _wrong(file, out, part)
            if not reason:
                return
            if not (resumed and _size(out) == 0):
                break
        reasons.append(f"{source}: {reason}")
    raise InstallationError(
        f"{file.name} could not be fetched ({reasons[-1].rsplit(': ', 1)[-1]})",
        hint="Try again, it goes on from where it stopped; or bring the file yourself",
        details=reasons,
    )


def _size(out: IO[bytes]) -> int:
    return out.seek(0, os.SEEK_END)


def _wrong(file: WeightFile, out: IO[bytes], part: Path) -> str:
    """What is wrong with a finished file; it is emptied then."""
    out.flush()
    size = _size(out)
    if size < file.size:
        return f"it ended after {size} of {file.size} bytes"
    try:
        if size == file.size and sha256_of(part) == file.sha256:
            return ""
    except InputError as error:
        return error.message
    out.truncate(0)
    return "what came is not the file of the card: wrong checksum"


def _from_one(source: str, file: WeightFile, out: IO[bytes], progress: Progress, allow_http: bool) -> str:
    """Go on with a file from one source; '' or why that failed."""
    start = _size(out)
    if start >= file.size:
        return ""
    if not _allowed(source, allow_http):
        return "only https is fetched"
    headers = {"User-Agent": "vsfilmrestore", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        with _opener(allow_http).open(urllib.request.Request(source, headers=headers), timeout=_TIMEOUT) as answer:
            return _copy(answer, start, file.size, out, progress)
    except urllib.error.HTTPError as error:
        if error.code == 416:
            out.truncate(0)
        return f"the server says {error.code}" if error.code >= 400 else "it leads in circles, or away from https"
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
        return _reason(error)


def _copy(answer: Any, start: int, total: int, out: IO[bytes], progress: Progress) -> str:
    if start and not _goes_on(answer, start, total):
        out.truncate(0)
        start = 0
    done = start
    promised = answer.headers.get("Content-Length", "")
    if promised.isdigit() and start + int(promised) != total:
        return f"it promises {start + int(promised)} bytes instead of {total}"
    while block := answer.read(min(_BLOCK, total - done + 1)):
        if done + len(block) > total:
            out.truncate(0)
            return f"it is longer than the {total} bytes of the card"
        out.write(block)
        done += len(block)
        progress(done, total)
    return ""


def _goes_on(answer: Any, start: int, total: int) -> bool:
    place = f"bytes {start}-{total - 1}/{total}"
    return bool(answer.status == 206 and answer.headers.get("Content-Range", "") == place)


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return " ".join(str(text).split())[:200]


def _allowed(url: str, allow_http: bool) -> bool:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme == "https" or (allow_http and parts.scheme == "http" and parts.hostname == "127.0.0.1")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to https only."""

    max_redirections = _MOST_REDIRECTS

    def __init__(self, allow_http: bool) -> None:
        self._allow_http = allow_http

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if not _allowed(newurl, self._allow_http):
            raise urllib.error.URLError("it leads away from https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(allow_http: bool) -> urllib.request.OpenerDirector:
    """Knows https and proxies; no files, no ftp, no data URLs."""
    opener = urllib.request.OpenerDirector()
    handlers: list[urllib.request.BaseHandler] = [
        urllib.request.HTTPSHandler(),
        _Redirects(allow_http),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ]
    handlers.append(urllib.request.HTTPHandler() if allow_http else urllib.request.ProxyHandler())
    for handler in handlers:
        opener.add_handler(handler)
    return opener


@contextmanager
def _alone(out: IO[bytes], part: Path) -> Iterator[None]:
    """One process at a time fetches a file."""
    try:
        import fcntl
    except ImportError:  # Windows; two at once end in a wrong checksum there, never in a wrong file
        yield
        return
    try:
        fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InstallationError(f"{part.name} is being fetched by another process", hint="Wait for it") from None
    yield
