"""Media linking: from what a cut list tells of a source to a file on disk.

Only the folders named by the caller are searched (the cut list's own folder if none is named): a path inside a cut
list is a name to look for, never a place to go. Each way is tried in turn, and the first that finds something decides:

1. a ``[[relink]]`` rule of the project,
2. the file name the cut list gives (SOURCE FILE, path, URL), with its suffix, then without,
3. the clip name (FROM CLIP NAME), likewise,
4. the reel as the name of a file, of a sequence or of its folder; then the folder of the path,
5. the reel that media tell in their headers,
6. the reel as the beginning of a longer name: cut off at 8, 31, 32 or 128 characters, or ``A001`` of ``A001_2.mov``,
7. the only medium that was given,
8. the one medium of unknown reel whose timecode holds the shot, and that no other source claims by its name.

Where several media fit, folders of the path that agree decide, then the reel they tell, then whose timecode holds the
shot. If there still are several, it is an error that names them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.media.timecode import nominal_rate
from vsfilmrestore.render.link_facts import Facts, Prober
from vsfilmrestore.render.link_index import MediaIndex
from vsfilmrestore.render.link_names import Beginnings, base, folded, parts
from vsfilmrestore.render.link_rules import RelinkRule
from vsfilmrestore.render.placing import RateRule, alike, place
from vsfilmrestore.timeline.model import CutList, Shot, SourceKey

__all__ = ["Link", "Linked", "Linker", "agree_on_reel", "reel_name"]

_NO_REEL: Final = frozenset({"", "ax", "bl", "gen", "none", "unknown", "na", "n/a"})
_HINT: Final = "Name the right one in a [[relink]] rule of project.toml, or its folder with --media"


@dataclass(frozen=True, slots=True)
class Link:
    """A found medium.

    Attributes:
        path: File, folder of an image sequence, or pattern of one.
        how: What matched, for the table of links.
    """

    path: Path
    how: str


@dataclass(frozen=True, slots=True)
class Linked:
    """What became of one source of a shot.

    Attributes:
        link: Its medium; None for black, and where none was found.
        problem: Why none was found, '' if one was or none is needed.
        hint: The way out.
        candidates: Media that fit equally well.
        outgoing: The same for what fades out over the shot.
    """

    link: Link | None = None
    problem: str = ""
    hint: str = ""
    candidates: tuple[Path, ...] = ()
    outgoing: Linked | None = None


class Linker:
    """Links the shots of cuts.

    Args:
        index: The media there are.
        prober: Reads headers, where names do not decide.
        rules: Rules of the project.
        rate_rule: How media of another rate are played.

    Attributes:
        index: As given.
        prober: As given.
    """

    def __init__(
        self,
        index: MediaIndex,
        prober: Prober,
        rules: Sequence[RelinkRule] = (),
        rate_rule: RateRule | None = None,
    ) -> None:
        self.index, self.prober = index, prober
        self._rules, self._rate_rule = rules, rate_rule
        self._ways: tuple[tuple[Callable[[SourceKey], Iterable[Path]], str], ...] = (
            (lambda key: index.exact(_file_name(key)), "file name"),
            (lambda key: index.like(_file_name(key)), "file name without suffix"),
            (lambda key: index.exact(key.name), "clip name"),
            (lambda key: index.like(key.name), "clip name without suffix"),
            (lambda key: [*index.exact(reel_name(key)), *index.like(reel_name(key))], "reel name"),
            (lambda key: index.exact(_folder(key)), "folder name"),
            (self._telling, "reel told by the medium"),
            (lambda key: index.beginnings.cut_off(reel_name(key)), "reel, cut off"),
        )
        self._found: dict[tuple[str, str, str], tuple[list[Path], str]] = {}
        self._silent: list[tuple[float, float, Path]] | None = None

    def link(self, cut: CutList) -> list[Linked]:
        """Link every shot; what is not found is told, not raised."""
        links = [self._shot(cut, shot) for shot in cut.shots]
        claimed = {each.link.path for item in links for each in _both(item) if each.link}
        return [self._again(cut, shot, item, claimed) for shot, item in zip(cut.shots, links, strict=True)]

    def rate(self, cut: CutList) -> Fraction | None:
        """Rate of the medium of the first shot that is found, None if none is or tells it."""
        for shot in cut.shots:
            link = None if shot.source is None else self._source(cut, shot, shot.source).link
            facts = self.prober(link.path) if link else None
            if facts is not None:
                return facts.rate if facts.rate_told else None
        return None

    def _shot(self, cut: CutList, shot: Shot) -> Linked:
        own = Linked() if shot.source is None else self._source(cut, shot, shot.source)
        return replace(own, outgoing=self._shot(cut, shot.transition.outgoing)) if shot.transition else own

    def _again(self, cut: CutList, shot: Shot, item: Linked, claimed: set[Path]) -> Linked:
        """Second look at a source nobody knew by name: media of unknown reel, by their timecode alone."""
        if item.outgoing is not None and shot.transition is not None:
            outgoing = self._again(cut, shot.transition.outgoing, item.outgoing, claimed)
            item = replace(item, outgoing=outgoing)
        if (
            shot.source is None
            or item.link
            or item.candidates
            or not shot.source.has_timecode
            or not reel_name(shot.source)
        ):
            return item
        holding = [path for path in self._anonymous(claimed, shot) if self._holds(cut, shot, shot.source, path)]
        if len(holding) == 1:
            return replace(Linked(Link(holding[0], "timecode alone, the medium tells no reel")), outgoing=item.outgoing)
        if holding:
            names = _listed(holding)
            return replace(item, problem=f"{item.problem}; by timecode alone it could be {names}", hint=_HINT)
        return item

    def _anonymous(self, claimed: set[Path], shot: Shot) -> list[Path]:
        """Media nobody claims by name that tell no reel, but a timecode around the shot's."""
        if self._silent is None:
            self.prober.read(self.index.media)
            told = [(path, self.prober(path)) for path in self.index.media if path not in claimed]
            self._silent = [
                (facts.start / nominal_rate(facts.rate), (facts.start + facts.length) / nominal_rate(facts.rate), path)
                for path, facts in told
                if facts and not facts.reel and facts.has_timecode and facts.start > 0
            ]
        assert shot.source is not None
        at = shot.source.start / nominal_rate(shot.source.rate)
        return [path for start, stop, path in self._silent if start - 4 <= at < stop + 4]

    def _source(self, cut: CutList, shot: Shot, key: SourceKey) -> Linked:
        for rule in self._rules:
            target = rule.target(shot, key)
            if target is not None:
                return self._by_rule(cut, shot, key, rule, target)
        names = (key.url, key.name, key.reel)
        if names not in self._found:
            self._found[names] = self._by_name(key)
        found, how = self._found[names]
        if found:
            return self._chosen(cut, shot, key, found, how)
        if reel_name(key) and (beginning := self.index.beginnings.longer(reel_name(key))):
            self.prober.read(beginning)
            if holding := [path for path in beginning if self._holds(cut, shot, key, path)]:
                return self._chosen(cut, shot, key, holding, "reel with which the name begins, timecode")
        if len(self.index.given) == 1:
            return Linked(Link(self.index.given[0], "the only medium given"))
        return Linked(
            problem=f"no medium found: the cut list names {_called(key)}",
            hint="Name its folder or file with --media, or write a [[relink]] rule in project.toml",
        )

    def _by_name(self, key: SourceKey) -> tuple[list[Path], str]:
        for way, how in self._ways:
            if found := list(dict.fromkeys(way(key))):
                return found, how
        return [], ""

    def _telling(self, key: SourceKey) -> list[Path]:
        if not (reel := reel_name(key)):
            return []
        exact, beginnings = self._told_reels
        return exact.get(reel) or exact.get(base(reel)) or beginnings.cut_off(reel)

    @cached_property
    def _told_reels(self) -> tuple[dict[str, list[Path]], Beginnings]:
        """Media by the reel that their headers tell."""
        exact: dict[str, list[Path]] = {}
        self.prober.read(self.index.media)
        for path in self.index.media:
            facts = self.prober(path)
            for form in dict.fromkeys((folded(facts.reel), base(facts.reel))) if facts and facts.reel else ():
                exact.setdefault(form, []).append(path)
        return exact, Beginnings((name, path) for name, paths in exact.items() for path in paths)

    def _by_rule(self, cut: CutList, shot: Shot, key: SourceKey, rule: RelinkRule, target: str) -> Linked:
        path = rule.folder / target
        if path.is_file() or "#" in path.name or "%" in path.name:
            return Linked(Link(path, rule.text))
        if path.is_dir():
            return self._in_folder(cut, shot, key, rule, path)
        if found := self.index.below(target) or self.index.exact(target) or self.index.like(target):
            return self._chosen(cut, shot, key, found, rule.text)
        return Linked(
            problem=f"{rule.text} links it to {target}, which is neither in {rule.folder} nor in the media folders",
            hint="Correct the [[relink]] rule in project.toml",
        )

    def _in_folder(self, cut: CutList, shot: Shot, key: SourceKey, rule: RelinkRule, path: Path) -> Linked:
        """A rule that leads to a folder: it is looked through as if it were the only one."""
        found = Linker(MediaIndex([path]), self.prober, (), self._rate_rule)._source(cut, shot, key)
        how = found.link and replace(found.link, how=f"{rule.text}, {found.link.how}")
        return replace(found, link=how, hint=found.hint and "Correct the [[relink]] rule in project.toml")

    def _chosen(self, cut: CutList, shot: Shot, key: SourceKey, found: list[Path], how: str) -> Linked:
        """The one of several that fits best."""
        left = found
        for narrower, word in self._narrowings(cut, shot, key):
            if len(left) == 1:
                break
            if (kept := narrower(left)) and len(kept) < len(left):
                left, how = kept, f"{how}, {word}"
        if len(left) == 1:
            return Linked(Link(left[0], how))
        return Linked(problem=f"'{key.label}' could be {_listed(left)}", hint=_HINT, candidates=tuple(sorted(left)))

    def _narrowings(
        self, cut: CutList, shot: Shot, key: SourceKey
    ) -> Iterator[tuple[Callable[[list[Path]], list[Path]], str]]:
        yield (lambda paths: _best_folders(key.url, paths)), "folder"
        yield (lambda paths: [path for path in paths if self._tells_reel(key, path)]), "reel"
        yield (lambda paths: [path for path in paths if self._holds(cut, shot, key, path)]), "timecode"

    def _tells_reel(self, key: SourceKey, path: Path) -> bool:
        facts = self.prober(path)
        return facts is not None and facts.reel != "" and _same_reel(reel_name(key), facts.reel)

    def _holds(self, cut: CutList, shot: Shot, key: SourceKey, path: Path) -> bool:
        """Whether a medium's own timecode holds all that a shot shows."""
        facts = self.prober(path)
        if facts is None or not facts.has_timecode or not key.has_timecode:
            return False
        try:
            return _counts_alike(facts, key) and place(cut, shot, key, facts, self._rate_rule).held
        except TimelineError:
            return False


def _called(key: SourceKey) -> str:
    """What the cut list calls a source."""
    names = (("reel", _reel_text(key)), ("clip", key.name), ("file", key.url))
    told = {name: f"{word} '{name}'" for word, name in reversed(names) if name}
    return ", ".join(reversed(told.values())) or "nothing"


def agree_on_reel(key: SourceKey, told: str) -> bool:
    """Whether the reel a medium tells may be the one of the cut list; also where the cut list has none."""
    return not reel_name(key) or _same_reel(reel_name(key), told)


def _both(item: Linked) -> Iterator[Linked]:
    yield item
    if item.outgoing is not None:
        yield from _both(item.outgoing)


def _counts_alike(facts: Facts, key: SourceKey) -> bool:
    return not facts.rate_told or alike(facts.rate, key.rate)


def _file_name(key: SourceKey) -> str:
    trail = parts(key.url)
    return trail[-1] if trail else ""


def _folder(key: SourceKey) -> str:
    trail = parts(key.url)
    return trail[-2] if len(trail) > 1 else ""


def _reel_text(key: SourceKey) -> str:
    return "" if folded(key.reel) in _NO_REEL else key.reel


def reel_name(key: SourceKey) -> str:
    """The reel a cut list names, folded; '' for none and for words that stand for none, such as ``AX``."""
    return folded(_reel_text(key))


def _same_reel(wanted: str, told: str) -> bool:
    """Reels are often written with the suffix of their file, and cut off."""
    return bool(wanted) and (base(told) == base(wanted) or Beginnings([(base(told), Path())]).cut_off(wanted) != [])


def _best_folders(url: str, paths: list[Path]) -> list[Path]:
    """Those that share the most folders above the name with the path of the cut list."""
    wanted = parts(url)[-2::-1]
    shared = [
        sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(wanted, _above(p), strict=False))) for p in paths
    ]
    most = max(shared)
    return [path for path, count in zip(paths, shared, strict=True) if count == most] if most else []


def _above(path: Path) -> tuple[str, ...]:
    """Folders above the pictures or the file, the nearest first."""
    trail = parts(str(path.absolute()))[::-1]
    return trail if path.is_dir() else trail[1:]


def _listed(paths: Sequence[Path]) -> str:
    names = [str(path) for path in sorted(paths)]
    shown = names[:4] + ([f"{len(names) - 4} more"] if len(names) > 4 else [])
    return " or ".join(shown) if len(shown) < 3 else ", ".join(shown[:-1]) + f" or {shown[-1]}"
