"""Networks that a step runs: which, of what hash, under what licence, and whether pixels come out of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from vsfilmrestore.filters.schema import FilterSpec
from vsfilmrestore.models.card import Card, WeightFile
from vsfilmrestore.models.zoo import Zoo

__all__ = ["FINDERS", "Known", "Network", "networks_of", "paints"]

FINDERS: Final = ("dirt", "scratches", "wires", "stains", "find-faces", "fade", "measure")
"""Tasks of networks that only tell where something is, or how much of it: pixels come from the film itself."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network that a step runs.

    Attributes:
        name: Name of its card, or of the package that brings it.
        sha256: Of its weights; '' of a package.
        paints: Whether pixels come out of it. One that nobody knows is taken for one that does.
        card: Its card, if it has one.
        file: The file of weights.
    """

    name: str
    sha256: str = ""
    paints: bool = True
    card: Card | None = None
    file: WeightFile | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """All of it in plain data."""
        card = self.card
        return {
            "name": self.name,
            "role": "makes pixels" if self.paints else "finds only",
            "sha256": self.sha256,
            "file": self.file.name if self.file else "",
            "task": card.task if card else "",
            "architecture": card.architecture if card else "",
            "summary": card.summary if card else "",
            "author": card.author if card else "",
            "licence": card.licence.name if card else "",
        }


def networks_of(spec: FilterSpec, settings: Mapping[str, Any]) -> tuple[Network, ...]:
    """The networks a filter runs on this machine, told by what its pictures are known to depend on.

    Args:
        spec: The filter.
        settings: All of its settings.
    """
    if not settings.get("strength", 1.0):
        return ()
    return tuple(_named(word) for word in _words(spec.weights(settings)))


class Known:
    """Remembers the networks of filters and settings it was asked about: a report asks for each shot of a film."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[Network, ...]] = {}

    def of(self, spec: FilterSpec, settings: Mapping[str, Any]) -> tuple[Network, ...]:
        """As `networks_of`."""
        if "model" not in settings:
            return networks_of(spec, settings)
        key = f"{spec.name} {sorted(settings.items(), key=str)}"
        if key not in self._found:
            self._found[key] = networks_of(spec, settings)
        return self._found[key]


def paints(spec: FilterSpec, settings: Mapping[str, Any]) -> bool:
    """Whether pixels of what a filter makes may come out of a network."""
    return any(network.paints for network in networks_of(spec, settings))


def _words(weights: str) -> list[str]:
    """Hashes, one by one; what else decides pictures (a package and its version) in one piece."""
    words = weights.split()
    if words and all(len(word) == 64 for word in words):
        return words
    return [weights] if weights else []


def _named(word: str) -> Network:
    known = _by_hash().get(word)
    if known is None:
        hashed = len(word) == 64
        return Network("unknown" if hashed else word, word if hashed else "")
    card, file = known
    return Network(card.name, word, card.task not in FINDERS, card, file)


@cache
def _by_hash() -> Mapping[str, tuple[Card, WeightFile]]:
    return {file.sha256: (card, file) for card in Zoo.open() for file in card.files}
