"""A row of settings carried from a shot of one cut to a shot of another: ranges and keys stay on their source frames.

::

    old shot   |------[=range=]----------|          in = 7, out = 16: counted from the shot's first frame
    new shot        |-[=range=]------|              in = "01:00:00:07", out = "01:00:00:16"

What is said as a place in the source stays as it is; what is counted from the start of the shot becomes such a place,
where one says the same, else it is counted anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from vsfilmrestore.media.timecode import format_timecode, nominal_rate, parse_timecode
from vsfilmrestore.render.places import Place, moment_of, moment_text, range_of, range_texts
from vsfilmrestore.timeline.model import FrameRange, Shot, SourceKey
from vsfilmrestore.timeline.recut import Footage

__all__ = ["Carrier", "words_of"]


@dataclass(frozen=True, slots=True)
class Carrier:
    """From one shot to another that shows frames of the same source.

    Attributes:
        old: Shot of the old cut.
        new: Shot of the new cut.
        old_rate: Record rate of the old cut.
        new_rate: Record rate of the new one.
        shift: What to add to a frame number of the old shot's source for one of the new shot's.
        ratio: What to multiply it with before.
    """

    old: Shot
    new: Shot
    old_rate: Fraction
    new_rate: Fraction
    shift: int = 0
    ratio: Fraction = Fraction(1)

    @classmethod
    def between(cls, old: Shot, new: Shot, rates: tuple[Fraction, Fraction], seen: tuple[Footage, Footage]) -> Carrier:
        """The carrier of two shots; ``seen`` is what the two cuts were compared by."""
        assert old.source is not None
        assert new.source is not None
        counts = nominal_rate(old.source.rate), nominal_rate(new.source.rate)
        before, after = seen[0].places, seen[1].places
        one_medium = seen[0].medium is not None and seen[0].medium == seen[1].medium
        unit = next((unit for unit in ("medium", "frames") if unit in before and unit in after), "")
        if counts[0] == counts[1] and unit and (unit == "frames" or one_medium):
            firsts = old.source_frames(rates[0]).start, new.source_frames(rates[1]).start
            return cls(old, new, *rates, firsts[1] - after[unit][0] - firsts[0] + before[unit][0])
        return cls(old, new, *rates, 0, Fraction(counts[1], counts[0]))

    def row(self, row: object) -> Any:
        """A row of the old shot for the new one.

        Raises:
            ValueError: A place in it cannot be understood.
        """
        if not isinstance(row, dict):
            return row
        made = deepcopy(row)
        made = {key: value for key, value in made.items() if key != "about"}
        for item in made.get("ranges", ()):
            self._range(item)
        for item in made.get("keys", ()):
            if "at" in item:
                item["at"] = self._moment(item["at"])
        return made

    def shows(self, item: Mapping[str, Any]) -> bool:
        """Whether the new shot shows a frame of a range carried to it."""
        with suppress(ValueError):
            return range_of(self.new, item.get("in"), item.get("out"), self.new_rate) is not None
        return True

    def _range(self, item: dict[str, Any]) -> None:
        first, stop = item.get("in"), item.get("out")
        if isinstance(first, int) or isinstance(stop, int):
            frames = range_of(self.old, first, stop, self.old_rate)
            places = self._beyond(first, stop) if frames is None else range_texts(self.old, frames, self.old_rate)
            if frames is not None and (isinstance(places[0], int) or isinstance(places[1], int)):
                places = self._counted_range(frames)
            first, stop = (None if said is None else new for said, new in zip((first, stop), places, strict=True))
        for name, place in (("in", first), ("out", stop)):
            if place is not None:
                item[name] = self._place(place)

    def _moment(self, place: Place) -> Place:
        if self.new.speed == 0 and self.new.curve is None:
            return place if isinstance(place, int) else 0  # a freeze frame shows one source frame only
        if isinstance(place, int):
            said = moment_text(self.old, place, self.old_rate)
            return self._counted(place) if isinstance(said, int) else self._place(said)
        return self._place(place)

    @property
    def _alike(self) -> bool:
        """Whether both run at one even speed."""
        return self.old.speed == self.new.speed and self.old.curve is None and self.new.curve is None

    def _counted_range(self, frames: FrameRange) -> tuple[Place, Place]:
        """A range that begins or ends among several record frames of one source frame."""
        if self._alike:
            return self._counted(frames.start), self._counted(frames.stop - 1) + 1
        ends = [self.old.source_at(frame, self.old_rate) for frame in (frames.start, frames.stop - 1)]
        return self._text(self.old.source, min(ends)), self._text(self.old.source, max(ends) + 1)

    def _beyond(self, first: Place | None, stop: Place | None) -> tuple[Place, Place]:
        """A range that its shot has no frame of, as one on the same side of all that the shot shows.

        Several record frames may show one source frame, and so some beyond the end of the shot show its last.
        """
        shot, length = self.old, len(self.old.record)
        low = first if isinstance(first, int) else 0
        high = max(stop if isinstance(stop, int) else length, low + 1)
        ends = [shot.source_at(frame, self.old_rate) for frame in (low, high - 1)]
        shown = shot.source_frames(self.old_rate)
        backwards = shot.curve is None and shot.speed < 0
        if (low >= length) != backwards:
            start = max(min(ends), shown.stop)
            return self._text(shot.source, start), self._text(shot.source, max(*ends, start) + 1)
        end = min(max(ends) + 1, shown.start)
        return self._text(shot.source, min(*ends, end - 1)), self._text(shot.source, end)

    def _counted(self, frame: int) -> int:
        """Record frame of the new shot for one of the old shot: of those that show its source frame the same one."""
        if self.old.speed == 0 or self.new.speed == 0:
            return frame
        shown = self.old.source_at(frame, self.old_rate)
        there = moment_of(self.new, self._text(self.new.source, self.frame(shown)), self.new_rate)
        if self._alike:
            there += frame - moment_of(self.old, self._text(self.old.source, shown), self.old_rate)
        return there

    def _place(self, place: Place) -> Place:
        """A place in the source as the new cut counts it."""
        source, other = self.old.source, self.new.source
        if isinstance(place, int) or source is None or other is None:
            return place
        same = source.has_timecode == other.has_timecode and source.drop == other.drop
        if same and not self.shift and self.ratio == 1:
            return place
        text = place.strip()
        frame = parse_timecode(text, source.rate, drop=source.drop) if source.has_timecode else int(text)
        return self._text(other, self.frame(frame))

    def frame(self, frame: int) -> int:
        """A frame of the old shot's source as the new cut counts it."""
        return int(frame * self.ratio) + self.shift

    @staticmethod
    def _text(source: SourceKey | None, frame: int) -> str:
        assert source is not None
        if not source.has_timecode:
            return str(frame)
        return format_timecode(max(frame, 0), source.rate, drop=source.drop)


def words_of(row: object) -> object:
    """What a row says of the whole shot."""
    if not isinstance(row, dict):
        return row
    return {key: value for key, value in row.items() if key not in ("ranges", "keys", "about")}
