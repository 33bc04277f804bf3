"""Licences that need a yes: asked for once, and remembered with the date in the user's folder."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from vsfilmrestore.errors import InputError, OutputError, UsageError
from vsfilmrestore.models.card import Card

__all__ = ["Accepted", "accepted", "require"]

type Accepted = dict[str, dict[str, str]]
"""By licence: ``date`` (UTC), ``model`` that it was asked for, ``how`` it was answered, ``url``."""

_FILE: Final = "licences.json"
_MOST_BYTES: Final = 1 << 20


def accepted(folder: Path) -> Accepted:
    """Licences that were said yes to.

    Raises:
        InputError: The record is damaged.
    """
    path = folder / _FILE
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError
        found: Any = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
            raise ValueError
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from None
    except (ValueError, RecursionError):
        raise InputError("is damaged", file=path, hint="Delete it; licences are asked for again then") from None
    return {name: {key: str(value) for key, value in each.items()} for name, each in found.items()}


def require(
    card: Card, folder: Path, *, accept: Collection[str] = (), ask: Callable[[Card], bool] | None = None
) -> None:
    """See to it that a card's licence was said yes to, where it needs that.

    Args:
        card: The network.
        folder: The user's folder, where the answer is kept.
        accept: Names of licences the user accepts with this call.
        ask: Asks the user; None where nobody can be asked, which is never a yes.

    Raises:
        UsageError: There is no yes.
        InputError: The record is damaged.
        OutputError: The answer cannot be kept.
    """
    licence = card.licence
    if not licence.accept or licence.name in accepted(folder):
        return
    if licence.name in accept:
        _record(card, folder, "--accept-licence")
    elif ask is not None and ask(card):
        _record(card, folder, "asked")
    else:
        read = f"Read {licence.url}, then say" if licence.url else "Say"
        message = f"model {card.name} is under the licence {licence.name}, which needs your yes"
        raise UsageError(message, hint=f"{read} --accept-licence '{licence.name}' to 'vsfilmrestore models get'")


def _record(card: Card, folder: Path, how: str) -> None:
    known = accepted(folder)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    known[card.licence.name] = {"date": now, "model": card.name, "how": how, "url": card.licence.url}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8", suffix=".part") as file:
            json.dump(known, file, indent=2, ensure_ascii=False)
        os.replace(file.name, folder / _FILE)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", file=folder / _FILE) from None
