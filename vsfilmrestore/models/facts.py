"""What a card says, as plain values for JSON, and in few words for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from vsfilmrestore.models.card import Card
from vsfilmrestore.models.zoo import Verdict, Zoo

__all__ = ["card_facts", "verdict_facts", "window_text"]


def card_facts(card: Card, zoo: Zoo) -> dict[str, Any]:
    """Everything on a card; with each file, where it lies (not verified)."""
    facts = asdict(card)
    facts["origin"] = str(card.origin) if card.origin else None
    facts["contract"]["window"] = card.contract.window
    for file, entry in zip(card.files, facts["files"], strict=True):
        path = zoo.locate(card, file)
        entry["path"] = str(path) if path else None
    return facts


def verdict_facts(verdict: Verdict) -> dict[str, Any]:
    """Model, file, verdict, place and reason."""
    path = str(verdict.path) if verdict.path else None
    words = {"model": verdict.card.name, "file": verdict.file.name, "sha256": verdict.file.sha256}
    return words | {"verdict": verdict.word, "path": path, "why": verdict.why}


def window_text(card: Card) -> str:
    """What goes in: ``7 frames rgb``, ``1 frame luma + noise``."""
    contract = card.contract
    frames = "1 frame" if contract.window == 1 else f"{contract.window} frames"
    extras = "".join(f" + {each.name}" for each in contract.extra)
    return f"{frames} {contract.colour}{extras}"
