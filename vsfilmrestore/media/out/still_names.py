"""Names of numbered stills."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import UsageError
from vsfilmrestore.media.out.profiles import Profile

__all__ = ["still_path", "stills_pattern"]

_NUMBER: Final = re.compile(r"%0?(\d*)d|#+")
_DIGITS: Final = 7


def stills_pattern(path: Path, profile: Profile) -> Path:
    """The pattern of the file names for what a user named as output.

    A folder ``reel1`` gives ``reel1/reel1.%07d.dpx``; ``shot.dpx`` gives ``shot.%07d.dpx``; ``shot.####.dpx`` and
    ``shot.%04d.dpx`` stay.

    Raises:
        UsageError: The suffix does not fit the profile.
    """
    if path.suffix.lower() not in profile.containers:
        if path.suffix and not path.is_dir():
            raise UsageError(f"{profile.name} cannot be stored in '{path.name}'", hint=f"Use {profile.suffix}")
        return path / f"{path.name}.%0{_DIGITS}d{profile.suffix}"
    return path if _NUMBER.search(path.name) else path.with_name(f"{path.stem}.%0{_DIGITS}d{path.suffix}")


def still_path(pattern: Path, number: int) -> Path:
    """The file of one number; raises `UsageError` where the pattern has no place for it."""
    hole = _NUMBER.search(pattern.name)
    if hole is None:
        raise UsageError("the pattern has no place for the number", file=pattern, hint="Write name.%07d.dpx")
    digits = len(hole[0]) if hole[0].startswith("#") else int(hole[1] or 1)
    name = f"{pattern.name[: hole.start()]}{number:0{digits}d}{pattern.name[hole.end() :]}"
    return pattern.with_name(name)
