"""Families of networks that spandrel does not know: ours, and those of other packages.

A package brings them by naming an `Architecture`, several, or a function that returns them in the entry point group
``vsfilmrestore.architectures``. A file is known by the names and shapes of its tensors; nothing in it is run.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Final, Protocol, cast, runtime_checkable

from vsfilmrestore.models.contract import Contract

__all__ = ["GROUP", "Architecture", "Shapes", "architecture_of", "architectures"]

log = logging.getLogger(__name__)

GROUP: Final = "vsfilmrestore.architectures"
"""Entry point group of packages that bring architectures."""

type Shapes = Mapping[str, tuple[int, ...]]
"""Shapes of a file's tensors by name."""


@runtime_checkable
class Architecture(Protocol):
    """A family of networks.

    Attributes:
        name: What it is called.
        task: What it is for, see `vsfilmrestore.models.card.TASKS`.
    """

    name: str
    task: str

    def fits(self, shapes: Shapes) -> bool:
        """Whether these are the tensors of one of its networks."""
        ...

    def contract(self, shapes: Shapes) -> Contract:
        """What that network wants and gives."""
        ...

    def build(self, shapes: Shapes) -> Any:
        """The ``torch.nn.Module`` the tensors are put into, with nothing in it yet.

        It is called with one tensor: the window as the contract's layout says, and behind its channels a plane for
        each number, mask and picture in the contract's order, then for the time. Scalars follow as tensors of one
        number, in the contract's order. It returns the picture, or several tensors of which the first is the picture.
        """
        ...


@cache
def architectures() -> tuple[Architecture, ...]:
    """All that installed packages bring, by the names of their entry points. Broken ones are told and left out."""
    found: list[Architecture] = []
    for point in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        try:
            found += _all_of(point.load())
        except Exception as error:  # noqa: BLE001 - a stranger's code; ours goes on without it
            reason = " ".join(str(error).split())[:200]
            log.warning("package %s: its architectures cannot be used (%s)", point.name, reason)
    return tuple(found)


def _all_of(thing: Any) -> list[Architecture]:
    ready = isinstance(thing, Architecture) and not isinstance(thing, type)
    found = thing() if callable(thing) and not ready else thing
    several = [found] if isinstance(found, Architecture) else list(cast("Iterable[Any]", found))
    for each in several:
        if not isinstance(each, Architecture):
            raise TypeError(f"{each!r} is no architecture")
    return several


def architecture_of(shapes: Shapes) -> Architecture | None:
    """The first that takes a file with these tensors."""
    for each in architectures():
        try:
            if each.fits(shapes):
                return each
        except Exception as error:  # noqa: BLE001 - a stranger's code; ours goes on without it
            log.warning("architecture %s could not look at a file (%s)", each.name, " ".join(str(error).split())[:200])
    return None
