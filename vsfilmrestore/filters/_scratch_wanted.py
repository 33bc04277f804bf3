"""What counts as a scratch: how sure, long and high a line must be, and how far from where the scene has gone."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from vsfilmrestore.filters._scratch_evidence import LOW, Known, far_from_scene
from vsfilmrestore.filters._scratch_profile import Profile
from vsfilmrestore.filters._scratch_search import Run, Verdict

__all__ = ["Wanted"]

_APART: Final = 0.2
"""Pixels by which a line must move against the scene, in the upper quartile of the frames around; twice that where it
is less than plain."""
_STILL: Final = (0.8, 0.09, 3.0)
_STILL_SHORT: Final = (0.9, 0.55, 4.0)
"""Score from which on less will do, down to so many pixels and so many times as far as the scene itself has moved: a
groove of a scene that hardly moves hardly moves. For lines of full height, and for short ones."""
_OTHER: Final = 0.2
"""Share of a line that may be something else, much higher than the rest."""
_WHOLE: Final = 0.85
"""A line of this share of the height has no end in the picture."""
_SURE: Final = 0.6
"""Score from which on a line is hardly picture."""
_CERTAIN: Final = (6.0, 2.0)
_CERTAIN_AT_LEAST: Final = (12.0, 3.0)
"""How many times as high a line must be as what the same measure finds beside it, and as deep in a single row: one that
is sure, and one that is less so."""
_DOUBT: Final = (0.75, 1.25)
"""By how many times as sure a profile must be at strength 1, and at strength 0."""
_ODDS: Final = (1.5, 2.0)
"""How likely what the network tells must be a scratch, in log odds: at strength 0, and so much less at strength 1."""
_FAINTEST: Final = (2.0, 2.0)
"""Logarithm of the levels that it adds, likewise."""
_OTHERS: Final = 0.6
_FAINT, _OTHERS_OF_FAINT = 1.6, 0.4
"""How high the best other place may be in the frames around, as a share of the top; of a line that is low, its height
being told as a logarithm of levels."""
_LEAN: Final = 0.36
"""Pixels by which a line may go aside from block to block, that is 3 in a hundred rows."""
_ALONE: Final = 0.8
"""Score from which on a narrow line is taken that the network does not tell."""
_APART_LEAST: Final = 0.08
_APART_SHARE: Final = 0.5
"""Pixels by which a line must move against what is beside it and against the whole picture; of one that was measured,
as a share of how far the scene moves itself."""
_UNEVEN: Final = 0.7
"""Logarithm of 1 and by how many of its heights its sides may differ, of a line that is pointed at."""
_KNOWN: Final = 0.5
"""Share of the frames around, or of those on one side, in which it must be found again."""


class Wanted(NamedTuple):
    """What counts as a scratch.

    Attributes:
        score: How sure a line must be.
        odds: How likely a line that the network tells must be a scratch, in log odds.
        faintest: Logarithm of the levels that it must add.
        doubt: By how many times surer its profile must be than usual.
        length: Least length, as a share of the height.
        reaches: Half-widths that are looked for.
        signs: Whether to look for bright lines, for dark ones.
        trusted: Whether the editor says that lines are scratches: they need not move against the scene.
        shown: Whether another plane shows this line: nor need it be known again, or be as high on all that it crosses.
    """

    score: float
    odds: float
    faintest: float
    doubt: float
    length: float
    reaches: tuple[int, ...]
    signs: tuple[bool, ...]
    trusted: bool
    shown: bool = False

    @classmethod
    def of(
        cls, strength: float, length: float, reaches: tuple[int, ...], signs: tuple[bool, ...], trusted: bool
    ) -> Wanted:
        """What a strength asks for."""
        odds, faintest = (first - less * strength for first, less in (_ODDS, _FAINTEST))
        doubt = _DOUBT[1] - (_DOUBT[1] - _DOUBT[0]) * strength
        return cls(0.5 - 0.15 * strength, odds, faintest, doubt, length, reaches, signs, trusted)

    def of_known(self, known: bool) -> Wanted:
        """The same of a line that another plane shows, if so."""
        return self._replace(trusted=self.trusted or known, shown=known)

    def line(self, run: Run, found: Verdict, *, told: bool = False) -> bool:
        """Whether it looks like a line that lies on the film; ``told``: the network half thinks so."""
        uneven = found.length >= _WHOLE and found.higher > _OTHER and not self.shown
        if uneven or not self.on_film(run, found, told=told):
            return False
        if run.scale:  # what is wide is more often picture, and a limb where it ends
            whole = self.trusted or found.length >= _WHOLE
            return whole and run.score >= max(self.score, 0.5) and found.rough <= 1 and found.uneven <= 0.4
        return found.uneven <= (2 if run.score > _SURE else 0.8)

    def told_line(self, known: Known, odds: float) -> bool:
        """The same of what the network tells, of which evidence is known and how likely it is a scratch."""
        if known["score"] < self.score or known["length"] < self.length:
            return False
        if known["height"] < self.faintest or (known["known"] < _KNOWN and not self.shown):
            return False
        if self.trusted and known["uneven"] < _UNEVEN:
            return True
        if self.trusted and not self.shown:
            return False
        if known["others"] > (_OTHERS if known["height"] > _FAINT else _OTHERS_OF_FAINT):
            return False  # what is found at other places as well is not known again
        return odds > self.odds and far_from_scene(known) > _APART_LEAST

    def leans(self, run: Run) -> bool:
        """Whether it goes aside as ropes and limbs do: film is dragged along its length."""
        return not self.trusted and run.lean > _LEAN

    def plain(self, run: Run) -> bool:
        """Whether a line that was measured is plain enough for nobody else to tell of it."""
        return self.trusted or (run.scale == 0 and run.score > _ALONE)

    def not_in_scene(self, known: Known) -> bool:
        """Whether a line that was measured is found again elsewhere than where the picture has gone."""
        if self.trusted:
            return True
        least = max(_APART_LEAST, _APART_SHARE * (math.exp(known["scene moves"]) - LOW))
        return known["known"] >= _KNOWN and far_from_scene(known) > least

    def on_film(self, run: Run, found: Verdict, *, told: bool) -> bool:
        """Whether it is long and high enough, goes on from frame to frame, and not with the scene."""
        if found.length < self.length or found.height < 1 or (found.known < _KNOWN and not self.shown):
            return False
        if self.trusted:
            return True
        # Else a post, a groove, or a scene so still that nobody could tell.
        whole = told or found.length >= _WHOLE
        return found.apart >= min(self.apart(run, whole=whole), self.apart_in_stillness(run, found, whole=whole))

    @staticmethod
    def apart(run: Run, *, whole: bool) -> float:
        """Pixels by which it must move against the scene: things of the scene end, scratches mostly do not."""
        if not whole:
            return 4 * _APART
        return _APART if run.score > 0.75 and not run.scale else 2 * _APART

    @staticmethod
    def apart_in_stillness(run: Run, found: Verdict, *, whole: bool) -> float:
        """The same where the line is plain and the scene stands nearly still."""
        score, least, times = _STILL if whole else _STILL_SHORT
        return max(least, times * found.moved) if run.score > score and not run.scale else math.inf

    def certain(self, line: Profile, run: Run) -> bool:
        """Whether its profile is certain and plain enough."""
        return _certain(line, run, self.doubt)

    @staticmethod
    def perhaps_certain(line: Profile, run: Run) -> bool:
        """The same at full strength: which width a line has does not depend on the strength."""
        return _certain(line, run, _DOUBT[0])

    @staticmethod
    def with_scene(found: Verdict) -> bool:
        """Whether it is known again and goes with the scene."""
        return found.known >= _KNOWN and found.apart < 0.7 * _APART


def _certain(line: Profile, run: Run, doubt: float) -> bool:
    certain, plain = _CERTAIN if run.score > _SURE else _CERTAIN_AT_LEAST
    return line.certain >= certain * doubt and line.plain >= plain * doubt
