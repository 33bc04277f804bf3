"""Curves of keyframed parameters in an AAF, as Avid draws them.

Between two keys a curve is held, straight, or a cubic Bézier curve whose handles stand beside its keys (tangents); the
Cubic interpolator of an Avid writes the handles it uses, too. Checked against frames that an Avid rendered with their
numbers burnt in: every one of them is hit.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from vsfilmrestore.timeline.aaf.file import fraction, items, nested, text
from vsfilmrestore.timeline.curve import Curve

__all__ = ["MOST_FRAMES", "Key", "Keys", "keys_of"]

MOST_FRAMES: Final = 100_000
"""Frames of a clip whose speed changes in a curve; more are refused."""

_FINE: Final = 10**6
_STEPS: Final = 60

type Point = tuple[Fraction, Fraction]


@dataclass(frozen=True, slots=True)
class Key:
    """A key: time, value, and its handles before and after it, as differences in time and value; None: it has none."""

    time: Fraction
    value: Fraction
    before: Point | None = None
    after: Point | None = None
    base: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a parameter and what is between them: ``constant``, ``linear`` or ``bezier``."""

    between: str
    keys: tuple[Key, ...]

    @property
    def steady(self) -> Fraction | None:
        """Its value if it is the same all along, else None."""
        values = {key.value for key in self.keys}
        flat = self.between != "bezier" or all(
            not handle or handle[1] == 0 for key in self.keys for handle in (key.before, key.after)
        )
        return self.keys[0].value if len(self.keys) == 1 or (len(values) == 1 and flat) else None

    def scaled(self, factor: int) -> Keys:
        """Times multiplied; handles are counted in frames already."""
        keys = tuple(Key(key.time * factor, key.value, key.before, key.after, key.base) for key in self.keys)
        return Keys(self.between, keys)

    def curve(self, length: int) -> Curve:
        """The curve over the frames ``0 .. length - 1``, beyond its keys held.

        Raises:
            ValueError: It has too many frames, or bends in a way that the file does not tell.
        """
        if self.between == "linear" and len(self.keys) > 1:
            return Curve(tuple((key.time, key.value) for key in self.keys))
        straight = self._straight()
        if straight is not None:
            return straight
        if length > MOST_FRAMES:
            raise ValueError(f"its speed changes over {length} frames; we follow curves of up to {MOST_FRAMES}")
        knots = [(Fraction(k), self.at(Fraction(k))) for k in range(max(length, 1) + 1)]
        return Curve(tuple(knots))

    def _straight(self) -> Curve | None:
        """The curve as one line, where its Bézier handles all lie on it."""
        first, last = self.keys[0], self.keys[-1]
        if self.between != "bezier" or len(self.keys) < 2:
            return None
        slope = (last.value - first.value) / (last.time - first.time)
        for key in self.keys:
            if key.value != first.value + slope * (key.time - first.time):
                return None
            for handle in (key.before, key.after):
                if handle is None or abs(handle[1] - slope * handle[0]) > Fraction(1, _FINE):
                    return None
        return Curve(((first.time, first.value), (last.time, last.value)))

    def at(self, time: Fraction) -> Fraction:
        """Value at a time, exact at the keys, rounded to a millionth between them where it is a Bézier curve."""
        i = bisect_right(self.keys, time, key=lambda key: key.time)
        if i == 0:
            return self.keys[0].value
        left = self.keys[i - 1]
        if i == len(self.keys) or left.time == time or self.between == "constant":
            return left.value
        right = self.keys[i]
        if self.between == "linear":
            return left.value + (right.value - left.value) * (time - left.time) / (right.time - left.time)
        if left.after is None or right.before is None:
            raise ValueError("its speed follows a curve whose handles are not in the file")
        return _bezier(left, right, left.after, right.before, time)


def _bezier(left: Key, right: Key, after: Point, before: Point, time: Fraction) -> Fraction:
    x0, y0, x3, y3 = (float(value) for value in (left.time, left.value, right.time, right.value))
    x1, y1 = _handle((x0, y0), (float(after[0]), float(after[1])), x3)
    x2, y2 = _handle((x3, y3), (float(before[0]), float(before[1])), x0)
    low, high, wanted = 0.0, 1.0, float(time)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _cubic(x0, x1, x2, x3, middle) < wanted:
            low = middle
        else:
            high = middle
    return Fraction(round(_cubic(y0, y1, y2, y3, high) * _FINE), _FINE)


def _handle(key: tuple[float, float], handle: tuple[float, float], far: float) -> tuple[float, float]:
    """The end of a handle, kept between its key and the far one: shortened if too long, upright if turned away."""
    dx, dy = handle
    room = far - key[0]
    if dx * room < 0:
        return key[0], key[1] + dy
    if abs(dx) > abs(room):
        return far, key[1] + dy * room / dx
    return key[0] + dx, key[1] + dy


def _cubic(a: float, b: float, c: float, d: float, t: float) -> float:
    u = 1 - t
    return u * u * u * a + 3 * u * u * t * b + 3 * u * t * t * c + t * t * t * d


def keys_of(parameter: Any) -> Keys:
    """The keys of a varying parameter.

    Raises:
        ValueError: It has none, they are out of order, or what is between them is unknown.
    """
    name = text(nested(parameter, "Interpolation"), "Name")
    between = next((kind for word, kind in _BETWEEN.items() if word in name.lower()), None)
    points = items(parameter, "PointList")
    if not points:
        raise ValueError("its speed has no keys")
    keys = tuple(_key(point) for point in points)
    if any(b.time <= a.time for a, b in pairwise(keys)):
        raise ValueError("the keys of its speed are out of order")
    if between is None:
        if len(keys) > 1:
            raise ValueError(f"its speed follows a curve of an unknown kind ('{name}')")
        between = "linear"
    return Keys(between, keys)


_BETWEEN: Final = {"constant": "constant", "linear": "linear", "bezier": "bezier", "cubic": "bezier"}


def _key(point: Any) -> Key:
    told = {
        text(each.parameterdef, "Name"): fraction(each["Value"].value)
        for each in items(point, "ControlPointPointProperties")
        if each.get("Value", None, allkeys=False) is not None and not isinstance(each["Value"].value, str | bytes)
    }
    return Key(
        fraction(point["Time"].value),
        fraction(point["Value"].value),
        _pair(told, "PP_IN_TANGENT"),
        _pair(told, "PP_OUT_TANGENT"),
        told.get("PP_BASE_FRAME_U", Fraction(0)),
    )


def _pair(told: dict[str, Fraction], name: str) -> Point | None:
    across, up = told.get(f"{name}_POS_U"), told.get(f"{name}_VAL_U")
    return None if across is None or up is None else (across, up)
