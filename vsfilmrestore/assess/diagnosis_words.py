"""The small language of the diagnosis table: terms, conditions, lines through points, sentences. Nothing in it is run.

::

    "dirt.density >= dirt_seen"         a measure, or the sum of several, beside a number or the name of a threshold
    "motion is fast"                    a measure that is a word, beside one word or several: fast|pan
    { of = "flicker", points = [["flicker_seen", 0.5], [4.0, 1.0]] }
    "weave of {weave.x:.2f} px"         a number as Python formats it; {…:%} is a share in per cent
"""

from __future__ import annotations

import operator
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

from vsfilmrestore.assess.results import ShotMeasures
from vsfilmrestore.assess.vocabulary import NAMES, Measure
from vsfilmrestore.filters.schema import nearest

__all__ = ["Condition", "Curve", "Sentence", "Term", "all_hold"]

type Thresholds = Mapping[str, float]

_COMPARED: Final = re.compile(r"(.+?)\s*(<=|>=|<|>)\s*(\S+)")
_SPOKEN: Final = re.compile(r"([\w.]+)\s+is\s+(not\s+)?([^\s|]+(?:\|[^\s|]+)*)")
_FIELD: Final = re.compile(r"\{([^{}:]*)(?::([^{}]*))?\}")
_FORMAT: Final = re.compile(r"(\.\d)?[f%]|")
_FEW: Final = 6
"""Items of a list that a sentence names."""
_SIGNS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _measure(name: str, *kinds: str) -> Measure:
    measure = NAMES.get(name)
    if measure is None:
        raise ValueError(f"there is no measure '{name}'{nearest(name, NAMES)}")
    if measure.kind not in kinds:
        raise ValueError(f"'{name}' is a {measure.kind}, not a {' or '.join(kinds)}")
    return measure


def _number(word: object, thresholds: Thresholds) -> float:
    if isinstance(word, int | float) and not isinstance(word, bool):
        return float(word)
    try:
        return thresholds[str(word)] if str(word) in thresholds else float(str(word))
    except ValueError:
        raise ValueError(f"'{word}' is neither a number nor a threshold{nearest(str(word), thresholds)}") from None


@dataclass(frozen=True, slots=True)
class Term:
    """A measure, or the sum of several."""

    names: tuple[str, ...]

    @classmethod
    def read(cls, text: object) -> Self:
        """Take ``weave.x + weave.y`` apart.

        Raises:
            ValueError: It names what is no number.
        """
        if not isinstance(text, str):
            raise ValueError(f"a measure must be named, not {text!r}")
        names = tuple(name.strip() for name in text.split("+"))
        for name in names:
            _measure(name, "number")
        return cls(names)

    def of(self, shot: ShotMeasures) -> float | None:
        """Its value; None where one of its measures is absent."""
        return sum(shot[name] for name in self.names) if all(name in shot for name in self.names) else None


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of a shot; what was not measured does not hold.

    Attributes:
        term: What is compared.
        sign: ``<``, ``<=``, ``>``, ``>=``; ``is`` and ``is not`` for words.
        limit: What numbers are compared with.
        words: What words are compared with.
    """

    term: Term
    sign: str
    limit: float = 0.0
    words: frozenset[str] = frozenset()

    @classmethod
    def read(cls, text: object, thresholds: Thresholds) -> Self:
        """Take ``flicker >= flicker_seen`` or ``motion is fast|pan`` apart.

        Raises:
            ValueError: It is no condition, or names what does not exist.
        """
        if not isinstance(text, str):
            raise ValueError(f"a condition must be text, not {text!r}")
        if spoken := _SPOKEN.fullmatch(text.strip()):
            measure, words = _measure(spoken[1], "word"), spoken[3].split("|")
            for word in words:
                if measure.words and word not in measure.words:
                    raise ValueError(f"{measure.name} is never '{word}'{nearest(word, measure.words)}")
            return cls(Term((measure.name,)), "is not" if spoken[2] else "is", 0.0, frozenset(words))
        if compared := _COMPARED.fullmatch(text.strip()):
            return cls(Term.read(compared[1]), compared[2], _number(compared[3], thresholds))
        raise ValueError(f"'{text}' is no condition; write 'measure >= number' or 'measure is word'")

    def holds(self, shot: ShotMeasures) -> bool:
        if self.words:
            word = shot.word(self.term.names[0])
            return word != "" and (word in self.words) == (self.sign == "is")
        value = self.term.of(shot)
        return value is not None and _SIGNS[self.sign](value, self.limit)


def all_hold(conditions: Sequence[Condition], shot: ShotMeasures) -> bool:
    return all(condition.holds(shot) for condition in conditions)


@dataclass(frozen=True, slots=True)
class Curve:
    """Straight lines through points, flat beyond both ends; or one number whatever is measured.

    Attributes:
        of: What it is a line over; None for one number.
        points: Ascending.
    """

    of: Term | None
    points: tuple[tuple[float, float], ...]

    @classmethod
    def read(cls, said: object, thresholds: Thresholds) -> Self:
        """Read a number, the name of a measure that is taken as it is, or a table of ``of`` and ``points``.

        Raises:
            ValueError: It is none of these, names what does not exist, its points do not ascend or leave 0..1.
        """
        if isinstance(said, int | float) and not isinstance(said, bool):
            return cls(None, ((0.0, _share(float(said))),))
        if isinstance(said, str):
            return cls(Term.read(said), ((0.0, 0.0), (1.0, 1.0)))
        if not isinstance(said, dict) or set(said) != {"of", "points"}:
            raise ValueError('write a number, a measure, or { of = "measure", points = [[0.1, 0.4], [1, 0.8]] }')
        pairs = said["points"]
        if not isinstance(pairs, list) or not pairs or not all(isinstance(p, list) and len(p) == 2 for p in pairs):
            raise ValueError("points must be pairs of a measured value and what it gives")
        points = tuple((_number(x, thresholds), _share(_number(y, {}))) for x, y in pairs)
        if any(right[0] <= left[0] for left, right in pairwise(points)):
            raise ValueError(f"points must ascend: {', '.join(f'{x:g}' for x, _ in points)}")
        return cls(Term.read(said["of"]), points)

    def at(self, shot: ShotMeasures, absent: float) -> float:
        """What a shot gets; ``absent`` where its measure was not taken."""
        if self.of is None:
            return self.points[0][1]
        value = self.of.of(shot)
        if value is None:
            return absent
        after = bisect_right(self.points, value, key=lambda point: point[0])
        if after in (0, len(self.points)):
            return self.points[min(after, len(self.points) - 1)][1]
        (x0, y0), (x1, y1) = self.points[after - 1 : after + 1]
        return y0 + (y1 - y0) * (value - x0) / (x1 - x0)


def _share(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"what a point gives must lie in 0..1, not {value:g}")
    return value


@dataclass(frozen=True, slots=True)
class Sentence:
    """Text with the values of a shot in it.

    Attributes:
        text: As written.
        names: The measures it tells.
    """

    text: str
    names: tuple[str, ...]

    @classmethod
    def read(cls, text: object) -> Self:
        """Check a sentence.

        Raises:
            ValueError: It is no text, or names what is not measured.
        """
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"a reason must be text, not {text!r}")
        names = []
        for name, form in _FIELD.findall(text):
            kind = _measure(name, "number", "word", "list").kind
            if not _FORMAT.fullmatch(form) or (form and kind == "word"):
                raise ValueError(f"'{{{name}:{form}}}' has a form of its own; there are .1f, .1% and %, for numbers")
            names.append(name)
        return cls(text, tuple(names))

    def of(self, shot: ShotMeasures) -> str:
        return _FIELD.sub(lambda field: _told(shot, field[1], field[2] or ""), self.text)

    def known(self, shot: ShotMeasures) -> bool:
        """Whether all it tells was measured."""
        return all(name in shot or name in shot.lists for name in self.names)


def _told(shot: ShotMeasures, name: str, form: str) -> str:
    kind = NAMES[name].kind
    if kind == "word":
        return shot.word(name) or "unknown"
    if kind == "number":
        return _formatted(shot[name], form)
    numbers = shot.lists.get(name, ())
    more = f" and {len(numbers) - _FEW} more" if len(numbers) > _FEW else ""
    return ", ".join(_formatted(number, form or ".0f") for number in numbers[:_FEW]) + more


def _formatted(value: float, form: str) -> str:
    if form.endswith("%"):
        return f"{value * 100:{form[:-1] or '.0'}f} %"
    return f"{value:{form}}" if form else f"{value:g}"
