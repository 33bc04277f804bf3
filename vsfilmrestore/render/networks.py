"""Networks that shots want and that are not here: told when a cut is planned or opened, not hours into its render."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from vsfilmrestore.errors import VsfrError
from vsfilmrestore.recipes import Recipe, Step
from vsfilmrestore.render.decide import Decision

__all__ = ["Absent", "absent_networks", "require_networks", "weights_used"]

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Absent:
    """A network that cannot be run.

    Attributes:
        step: The step that wants it.
        error: Why.
        shots: Names of the shots, in the order of the cut.
    """

    step: str
    error: VsfrError
    shots: tuple[str, ...]

    @property
    def told(self) -> str:
        """What is wrong, and for which shots."""
        named = ", ".join(self.shots[:_NAMED])
        more = len(self.shots) - _NAMED
        one = named if named.startswith("shot ") else f"shot {named}"
        wanted = one if len(self.shots) == 1 else f"{len(self.shots)} shots: {named}"
        return f"{self.step}: {self.error.message} (wanted by {wanted}{f' and {more} more' if more > 0 else ''})"

    @property
    def sentence(self) -> str:
        """The same with the way out."""
        return f"{self.told}. {self.error.hint}" if self.error.hint else self.told


def absent_networks(decisions: Iterable[Decision]) -> list[Absent]:
    """Networks that cannot be run, each once, whatever the number of shots that want it.

    Weights are verified here, once for each state of their files; nothing is loaded.
    """
    found: dict[tuple[str, str], tuple[VsfrError, dict[str, None]]] = {}
    asked: dict[str, VsfrError | None] = {}
    for name, step in _steps(list(decisions)):
        key = f"{step.name} {sorted(step.complete.items(), key=str)}"
        if key not in asked:
            asked[key] = _reason(step)
        error = asked[key]
        if error is not None:
            found.setdefault((step.name, str(error)), (error, {}))[1][name] = None
    return [Absent(step, error, tuple(shots)) for (step, _), (error, shots) in found.items()]


def require_networks(decisions: Iterable[Decision]) -> None:
    """See to it that all networks can be run.

    Raises:
        VsfrError: One cannot; the error names it and its shots, and tells of all others in its details.
    """
    absent = absent_networks(decisions)
    if not absent:
        return
    first, more = absent[0], len(absent) - 1
    told = f"{first.told}, and {more} more cannot be run" if more else first.told
    details = [each.sentence for each in absent] if more else ()
    raise type(first.error)(told, file=first.error.file, hint=first.error.hint, details=details)


def weights_used(decisions: Iterable[Decision]) -> dict[str, list[str]]:
    """What decides pictures besides settings, by step, on this machine: hashes of weights, versions of packages."""
    found: dict[str, set[str]] = {}
    known: dict[int, Recipe] = {}
    for decision in decisions:
        known |= {id(part.recipe): part.recipe for part in decision.parts}
    for recipe in known.values():
        for step in _with_network(recipe):
            if weights := step.filter.weights(step.complete):
                found.setdefault(step.name, set()).add(weights)
    return {name: sorted(words) for name, words in sorted(found.items())}


def _steps(decisions: Sequence[Decision]) -> Iterator[tuple[str, Step]]:
    """Steps that may be networks, with a name of their shot that no other has."""
    known: dict[int, Sequence[Step]] = {}
    names = Counter(decision.shot.name for decision in decisions)
    for decision in decisions:
        shot = decision.shot.name if names[decision.shot.name] == 1 else decision.shot.id
        for part in decision.parts:
            steps = known.get(id(part.recipe))
            if steps is None:
                steps = known[id(part.recipe)] = _with_network(part.recipe)
            yield from ((shot or decision.shot.id, step) for step in steps)


def _with_network(recipe: Recipe) -> list[Step]:
    return [step for step in recipe if "model" in step.filter.settings]


def _reason(step: Step) -> VsfrError | None:
    try:
        step.filter.network(step.complete)
    except VsfrError as error:
        return error
    return None
