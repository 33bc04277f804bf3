"""The zoo: all cards there are, and the files they speak of.

It works offline. Nothing is fetched but by `Zoo.get`, which is what ``vsfilmrestore models get`` calls::

    zoo = Zoo.open()
    zoo.by_task("denoise")                    # cards
    found = zoo.find("temporalfix-s1")        # a verified file: found.card, found.file, found.path
    found = zoo.find("my-network.onnx")       # a file of yours, if a card speaks of it
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from vsfilmrestore.errors import InputError, InstallationError, UsageError, VsfrError
from vsfilmrestore.models import licence
from vsfilmrestore.models.card import WEIGHTS, Card, WeightFile, read_card
from vsfilmrestore.models.fetch import Progress, fetch
from vsfilmrestore.models.places import folders, foreign_folders, own_folder
from vsfilmrestore.models.safety import check_content, check_kind, check_pinned, check_place, sha256_of
from vsfilmrestore.models.tables import nearest

__all__ = ["Found", "Verdict", "Zoo"]


@dataclass(frozen=True, slots=True)
class Found:
    """A file of weights that is here, verified; ``card.beside`` lie in the same folder."""

    card: Card
    file: WeightFile
    path: Path


@dataclass(frozen=True, slots=True)
class Verdict:
    """What there is of a file: ``ok``, ``absent`` or ``refused`` (``why`` tells the reason)."""

    card: Card
    file: WeightFile
    word: str
    path: Path | None = None
    why: str = ""


class Zoo:
    """Cards by name, and where their files are looked for.

    Attributes:
        cards: All cards, by name.
        remarks: Cards that could not be taken, and why.
        user_folder: Where fetched files, added cards and accepted licences go.
    """

    def __init__(self, homes: Iterable[tuple[str, Path]], weights: Iterable[Path], user_folder: Path) -> None:
        """Read cards of folders, the first of a name being taken.

        Args:
            homes: Whose cards they are (for remarks), and the folder they lie in.
            weights: Folders where files are looked for: in the folder itself, and in one called like the card.
            user_folder: Where fetched files go.
        """
        self.cards: dict[str, Card] = {}
        self.remarks: list[str] = []
        self.user_folder = user_folder
        self._weights = tuple(dict.fromkeys(weights))
        self._broken: dict[str, VsfrError] = {}
        for owner, folder in homes:
            self._take(owner, folder)

    @classmethod
    def open(cls) -> Self:
        """Our cards, the user's, and those of installed packages."""
        places = folders()
        homes = [("vsfilmrestore", own_folder()), *((f"folder {each}", each) for each in places)]
        foreign, failed = [], []
        for name, found in foreign_folders():
            if isinstance(found, Path):
                foreign.append((f"package {name}", found))
            else:
                failed.append(f"package {name}: its cards cannot be read ({' '.join(str(found).split())[:200]})")
        zoo = cls([*homes, *foreign], [*places, own_folder(), *(each for _, each in foreign)], places[0])
        zoo.remarks += failed
        return zoo

    def _take(self, owner: str, folder: Path) -> None:
        for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
            try:
                card = read_card(path)
            except VsfrError as error:
                self._broken.setdefault(path.stem, error)
                self.remarks.append(str(error))
                continue
            if card.name in self.cards:
                self.remarks.append(f"{owner}: there is a card '{card.name}' already, this one is not used")
            self.cards.setdefault(card.name, card)

    def __iter__(self) -> Iterator[Card]:
        return iter(sorted(self.cards.values(), key=lambda card: (card.task, card.name)))

    def by_task(self, task: str) -> list[Card]:
        """Cards for a task.

        Raises:
            UsageError: No card is for that task.
        """
        found = [card for card in self if card.task == task]
        if not found:
            tasks = sorted({card.task for card in self})
            raise UsageError(f"no model is for '{task}'{nearest(task, tasks)}", hint=f"There are: {', '.join(tasks)}")
        return found

    def card(self, name: str) -> Card:
        """The card of a name.

        Raises:
            UsageError: There is none.
            VsfrError: There is one, but it is wrong.
        """
        if name in self.cards:
            return self.cards[name]
        if name in self._broken:
            raise self._broken[name]
        hint = "See 'vsfilmrestore models list', or bring your own with 'vsfilmrestore models add FILE'"
        raise UsageError(f"there is no model '{name}'{nearest(name, self.cards)}", hint=hint)

    def card_of(self, path: Path) -> tuple[Card, WeightFile] | None:
        """Card and entry of a file, found by size and checksum; None if no card speaks of it.

        Raises:
            InputError: The file cannot be read.
        """
        size = check_place(path)
        candidates = [(card, file) for card in self for file in card.files if file.size == size]
        if not candidates:
            return None
        digest = sha256_of(path)
        return next((each for each in candidates if each[1].sha256 == digest), None)

    def locate(self, card: Card, file: WeightFile) -> Path | None:
        """Where a file lies, of the right size if possible; nothing is verified."""
        spots = [folder / sub / file.name for folder in self._weights for sub in (card.name, "")]
        there = [spot for spot in spots if spot.is_file() or spot.is_symlink()]
        right = [spot for spot in there if not spot.is_symlink() and spot.stat().st_size == file.size]
        return next(iter(right or there), None)

    def find(
        self, model: str | Path, *, allow_pth: bool = False, suffixes: Collection[str] = WEIGHTS, half: bool = False
    ) -> Found:
        """A verified file of weights that is on this machine.

        Args:
            model: Name of a card, or path of a file a card speaks of.
            allow_pth: Whether a pickle may be taken.
            suffixes: Kinds the caller can run.
            half: Whether a 16-bit version is preferred.

        Raises:
            UsageError: There is no such model, or its licence was not said yes to.
            InstallationError: Its files are not here; the message tells how to get them.
            InputError: What is here is not what the card speaks of, or is refused.
        """
        card, files, path = self._asked(model)
        licence.require(card, self.user_folder)
        wanted = [file for file in files if file.suffix in suffixes]
        if not wanted:
            kinds = " and ".join(sorted({file.suffix for file in files}))
            raise UsageError(f"model {card.name} has {kinds} only, {' or '.join(suffixes)} is needed")
        wanted.sort(key=lambda file: (file.suffix == ".pth", (file.precision == "fp16") != half))
        for file in wanted:
            spot = path or self.locate(card, file)
            if spot is not None:
                self._verify(card, file, spot, allow_pth=allow_pth)
                return Found(card, file, spot)
        hint = f"Get it with 'vsfilmrestore models get {card.name}'"
        if not any(file.sources for file in wanted):
            hint = f"Put {wanted[0].name} into {self.user_folder}"
        raise InstallationError(f"model {card.name} is not on this machine", hint=hint)

    def _asked(self, model: str | Path) -> tuple[Card, tuple[WeightFile, ...], Path | None]:
        path = Path(model)
        if str(model) in self.cards or (path.suffix.lower() not in WEIGHTS and not path.exists()):
            card = self.card(str(model))
            return card, card.weights, None
        check_kind(path.name, allow_pth=True)
        found = self.card_of(path)
        if found is None:
            raise InputError("no card speaks of this file", file=path, hint=f"Say 'vsfilmrestore models add {path}'")
        return found[0], (found[1],), path

    def _verify(self, card: Card, file: WeightFile, path: Path, *, allow_pth: bool) -> None:
        check_kind(path.name, allow_pth=allow_pth)
        check_pinned(path, file)
        pinned = {each.name: each for each in card.beside}
        for name in check_content(path, allow_pth=allow_pth):
            if name not in pinned:
                raise InputError(f"wants tensors from '{name[:80]}', of which its card says nothing", file=path)
            check_pinned(path.parent / name, pinned[name])

    def verdict(self, card: Card, file: WeightFile) -> Verdict:
        """What there is of a file of a card."""
        path = self.locate(card, file)
        if path is None:
            return Verdict(card, file, "absent")
        try:
            if file.suffix in WEIGHTS:
                self._verify(card, file, path, allow_pth=True)
            else:
                check_pinned(path, file)
        except VsfrError as error:
            hint = f". {error.hint}" if error.hint else ""
            return Verdict(card, file, "refused", path, f"{error.message}{hint}")
        return Verdict(card, file, "ok", path)

    def get(
        self,
        card: Card,
        *,
        accept: Collection[str] = (),
        ask: Callable[[Card], bool] | None = None,
        allow_pth: bool = False,
        progress: Callable[[WeightFile], Progress] | None = None,
        allow_http: bool = False,
    ) -> list[Path]:
        """Fetch what is missing of a card's files, and verify all.

        Args:
            card: The network.
            accept: Names of licences the user accepts with this call.
            ask: Asks the user for a yes; None where nobody can be asked.
            allow_pth: Whether pickles may be fetched.
            progress: For each file that is fetched, whom to tell.
            allow_http: For tests.

        Returns:
            The files. Pickles are left out where there are others, or where they are not allowed.

        Raises:
            UsageError: The licence needs a yes.
            InstallationError: A file cannot be fetched.
            InputError: A file is refused.
            OutputError: A file cannot be written.
        """
        files = [file for file in card.files if file.suffix != ".pth" or allow_pth]
        if not any(file.suffix in WEIGHTS for file in files):
            check_kind(card.weights[0].name)
        licence.require(card, self.user_folder, accept=accept, ask=ask)
        folder = self.user_folder / card.name
        return [self._here(card, file, folder, progress, allow_http) for file in sorted(files, key=_data_first)]

    def _here(
        self,
        card: Card,
        file: WeightFile,
        folder: Path,
        progress: Callable[[WeightFile], Progress] | None,
        allow_http: bool,
    ) -> Path:
        """A file that is here already, or now; what is refused does not stay."""
        path, fetched = self.locate(card, file), False
        if path is None or not _is_pinned(path, file):
            path, fetched = (
                fetch(file, folder, progress=progress(file) if progress else None, allow_http=allow_http),
                True,
            )
        try:
            if file.suffix in WEIGHTS:
                self._verify(card, file, path, allow_pth=True)
        except InputError:
            if fetched:
                path.unlink(missing_ok=True)
            raise
        return path


def _is_pinned(path: Path, file: WeightFile) -> bool:
    try:
        check_pinned(path, file)
    except InputError:
        return False
    return True


def _data_first(file: WeightFile) -> bool:
    return file.suffix in WEIGHTS
