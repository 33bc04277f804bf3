"""Numbers for people."""

from __future__ import annotations

__all__ = ["brief", "count", "memory", "number", "per_cent", "plural", "span"]


def count(number: float) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{round(number):,}".replace(",", "\u202f")


def plural(number: int, word: str) -> str:
    """``1 shot``, ``7 shots``."""
    return f"{count(number)} {word}{'' if number == 1 else 's'}"


def per_cent(share: float) -> str:
    """A share, 0..1, in per cent with as many digits as say something."""
    value = 100 * share
    if not value:
        return "0 %"
    digits = 0 if value >= 10 else 1 if value >= 1 else 2 if value >= 0.1 else 3
    return f"{value:.{digits}f} %" if value >= 0.001 else "under 0.001 %"


def number(value: float | None, unit: str = "") -> str:
    """A number in three digits, with its unit; – where there is none."""
    return "–" if value is None else f"{value:.3g} {unit}".strip()


def brief(value: float | None) -> str:
    """A measured number in as many digits as can be told: ``0.3``, ``12``; – where there is none."""
    if value is None:
        return "–"
    if abs(value) < 0.005:
        return "0"
    digits = 0 if abs(value) >= 20 else 1 if abs(value) >= 1 else 2
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def span(seconds: float) -> str:
    """A time: ``0.4 s``, ``12 s``, ``3:05 min``, ``2:10:00 h``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d} h"
    return f"{minutes}:{rest:02d} min" if minutes else f"{rest} s"


def memory(bytes_: float) -> str:
    """Memory in megabytes or gigabytes; – where nobody looked."""
    if not bytes_:
        return "–"
    return f"{bytes_ / 1e9:.1f} GB" if bytes_ >= 1e9 else f"{bytes_ / 1e6:.0f} MB"
