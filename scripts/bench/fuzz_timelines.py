"""Spoil real cut lists and marker lists at random and read them: what comes out is a reel or one of our errors.

    python scripts/bench/fuzz_timelines.py --footage ../shared --count 10000
    python scripts/bench/fuzz_timelines.py --footage ../shared --formats .edl markers --again .edl:1234

Every suffix that `timeline.READERS` knows is tried with all files of it under the folder, and marker lists with some
written here. Each read is bounded to 2 s of processor time and 500 MB more memory than before, in a process of its own.
Prints how many were read and refused, and what is an offence: tracebacks, hangs, too much memory, errors that do not
name the file, processes that died. Offenders are saved with their traceback. Exit code 1 if there are any.

The number of a case and the seed make the case: ``--again FORMAT:NUMBER`` runs it once more, in this process.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path

from _mutations import spoilt, zipped

from vsfilmrestore import timeline
from vsfilmrestore.errors import VsfrError
from vsfilmrestore.timeline import Reel
from vsfilmrestore.timeline.markers.lists import MARKER_READERS, join_marker_list

LARGEST = 400_000
RATES = [None, None, None, Fraction(24), Fraction(30_000, 1001), Fraction(25)]
CUT = """TITLE: cut
001  A V C 00:00:00:00 00:10:00:00 01:00:00:00 01:10:00:00
002  B V C 00:00:00:00 00:10:00:00 01:10:00:00 01:20:00:00
"""
EVENT = "{0:03d}  001      V     C        01:0{0}:00:00 01:0{0}:00:01 01:0{0}:00:00 01:0{0}:00:01\n"
MARKERS = {
    ".edl": [
        "TITLE: T\nFCM: NON-DROP FRAME\n\n"
        + "".join(
            EVENT.format(i) + f"VSFR dust=0.{i} |C:ResolveColorRed |M:Marker {i} |D:{i}\n\n" for i in range(1, 9)
        ),
        "TITLE: T\nFCM: DROP FRAME\n" + "".join(f"* LOC: 01:0{i}:00:02 RED   VSFR dust=0.{i}\n" for i in range(1, 9)),
    ],
    ".txt": [
        "".join(f"Anna\t01:0{i}:00:00\tV1\tred\tVSFR dust=0.{i}\t{i}\n" for i in range(1, 9)),
        "".join(f"Anna   01:0{i}:00:00   V1   red   look here\n" for i in range(1, 9)),
        "Marker Name\tDescription\tIn\tOut\tDuration\tMarker Type\n"
        + "".join(f"VSFR a\tdust=1\t00:0{i}:00:00\t00:0{i}:00:00\t00:00:00:12\tComment\n" for i in range(1, 9)),
    ],
    ".csv": [
        "timecode,duration,name,note,colour\n"
        + "".join(f'01:0{i}:00:00,{i},m,"VSFR dust=0.{i}\nand more",Red\n' for i in range(1, 9)),
        '"#","Reel","V","C","Record In","Record Out","Name","Color","Notes"\n'
        + "".join(f'"{i}","A","V1","C","01:0{i}:00:00","01:0{i}:01:00","x","Red","VSFR a=1"\n' for i in range(1, 9)),
    ],
}


@dataclass(frozen=True)
class Format:
    """A kind of file to spoil.

    Attributes:
        name: The suffix, or ``markers`` and the suffix.
        samples: Good files, the marks of coding included.
    """

    name: str
    samples: list[bytes]

    @property
    def suffix(self) -> str:
        """With its point."""
        return self.name.split()[-1]

    def case(self, number: int, seed: int) -> tuple[bytes, Fraction | None]:
        """The file of a number and the rate it is read at; always the same."""
        chance = random.Random(f"{seed}/{self.name}/{number}")
        sample, other = chance.choice(self.samples), chance.choice(self.samples)
        return spoilt(sample, other, self.suffix, chance), chance.choice(RATES)


@dataclass
class Tally:
    """What became of the files of one format."""

    kinds: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    largest: float = 0.0

    def row(self, name: str) -> str:
        """A line of the table."""
        bad = [self.kinds[kind] for kind in ("traceback", "hang", "memory", "nameless", "died")]
        tried = sum(self.kinds.values())
        cells = [tried, self.kinds["read"], self.kinds["refused"], *bad]
        return f"{name:14}" + "".join(f"{n:>10}" for n in cells) + f"{self.slowest:>9.2f}s{self.largest:>8.0f} MB"


class TooLong(BaseException):
    """The time of a read is over."""


def formats(footage: Path, wanted: list[str]) -> Iterator[Format]:
    """All formats there are readers and samples for."""
    files = sorted(path for path in (footage / "timelines").rglob("*") if path.is_file())
    for suffix in sorted(timeline.READERS):
        kin = [path for path in files if path.suffix.lower() == suffix and path.stat().st_size <= LARGEST]
        samples = [path.read_bytes() for path in kin]
        if suffix.startswith(".otio"):
            # Bundles are made here; the clips of hosts are OTIO under another suffix.
            bare = [
                path.read_bytes() for path in files if path.suffix == ".otio" or path.parent.name.endswith("otio_clips")
            ]
            samples = [zipped(data) for data in bare] if suffix == ".otioz" else bare
        if not wanted or suffix in wanted:
            yield Format(suffix, samples)
    for suffix in sorted(MARKER_READERS):
        texts = [text.encode() for text in MARKERS.get(suffix, MARKERS[".csv"])]
        if not wanted or "markers" in wanted or f"markers {suffix}" in wanted:
            coded = [text.decode().encode("utf-16") for text in texts]
            yield Format(f"markers {suffix}", texts + texts + coded)


def read(kind: Format, path: Path, rate: Fraction | None, cut: Reel) -> None:
    """Read a file and look at what came out, as a plan would."""
    reel = join_marker_list(cut, path) if kind.name.startswith("markers") else timeline.read(path, rate=rate)
    reel.timecode(len(reel))
    for shot in reel.shots:
        _ = shot.id, [note.origin for note in shot.notes]
        if shot.source is not None:
            shot.source_frame(shot.record.start, reel.rate)
            shot.source_frame(shot.record.stop - 1, reel.rate)
        if shot.transition is not None:
            shot.transition.weight(shot.record.start)


def attempt(kind: Format, path: Path, rate: Fraction | None, cut: Reel) -> tuple[str, str]:
    """What became of one file: kind of outcome, and the story of an offence."""
    try:
        read(kind, path, rate, cut)
    except VsfrError as error:
        named = path.name in str(error) and "\n" not in str(error)
        return ("refused", "") if named else ("nameless", str(error))
    except TooLong:
        return "hang", traceback.format_exc()
    except MemoryError:
        return "memory", traceback.format_exc()
    except BaseException:  # noqa: BLE001 - every one is what we look for
        return "traceback", traceback.format_exc()
    return "read", ""


def status(word: str) -> int:
    """A number of kilobytes that the system keeps of this process."""
    with Path("/proc/self/status").open() as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(word))


def bounded(
    kind: Format, path: Path, rate: Fraction | None, cut: Reel, limits: tuple[float, int]
) -> tuple[str, str, float, float]:
    """`attempt` within limits of seconds and megabytes; with the time and the memory it took."""
    Path("/proc/self/clear_refs").write_text("5")
    before, start = status("VmHWM"), time.process_time()
    resource.setrlimit(resource.RLIMIT_AS, ((status("VmSize") + limits[1] * 1024) * 1024, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_PROF, limits[0])
    try:
        outcome, story = attempt(kind, path, rate, cut)
    except TooLong:
        outcome, story = "hang", "at the very end"
    signal.setitimer(signal.ITIMER_PROF, 0)
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return outcome, story, time.process_time() - start, (status("VmHWM") - before) / 1024


def over(_number: int, _frame: object) -> None:
    raise TooLong


def work(pipe: Connection, kind: Format, seed: int, numbers: range, limits: tuple[float, int]) -> None:
    """A process of its own: reads one case after the other and tells how it went."""
    signal.signal(signal.SIGPROF, over)
    with tempfile.TemporaryDirectory() as folder:
        cut = the_cut(Path(folder))
        for number in numbers:
            data, rate = kind.case(number, seed)
            path = written(data, Path(folder), kind.suffix)
            told = bounded(kind, path, rate, cut, limits)
            # A machine short of memory stands still in any file; one that hangs does so twice.
            pipe.send((number, *(bounded(kind, path, rate, cut, limits) if told[0] == "hang" else told)))
    pipe.send(None)


def written(data: bytes, folder: Path, suffix: str) -> Path:
    """The file of a case, which for ``.otiod`` is a folder."""
    path = folder / f"case{suffix}"
    if suffix == ".otiod":
        path.mkdir(exist_ok=True)
        (path / "content.otio").write_bytes(data)
    else:
        path.write_bytes(data)
    return path


def the_cut(folder: Path) -> Reel:
    """The cut that marker lists are joined to."""
    (folder / "cut.edl").write_text(CUT)
    return timeline.read(folder / "cut.edl", rate=24)


def run(kind: Format, numbers: range, options: argparse.Namespace, tally: Tally) -> None:
    """Read cases in a process; when it dies or sleeps, go on after the case that killed it."""
    context = multiprocessing.get_context("fork" if options.jobs == 1 else "spawn")
    limits = (options.seconds, options.megabytes)
    while numbers:
        mine, theirs = context.Pipe()
        worker = context.Process(target=work, args=(theirs, kind, options.seed, numbers, limits))
        worker.start()
        theirs.close()
        story = ""
        while True:
            try:
                told = mine.recv() if mine.poll(options.seconds * 10 + 30) else "sleeps"
            except EOFError:
                told = "died"
            if not isinstance(told, tuple):
                break
            number, outcome, story, seconds, megabytes = told
            numbers = range(number + 1, numbers.stop)
            tally.kinds[outcome] += 1
            tally.slowest, tally.largest = max(tally.slowest, seconds), max(tally.largest, megabytes)
            if story:
                save(kind, number, outcome, story, options)
        worker.kill()
        worker.join()
        if told is None:
            return
        tally.kinds["hang" if told == "sleeps" else "died"] += 1
        save(kind, numbers.start, str(told), f"exit code {worker.exitcode}", options)
        numbers = numbers[1:]


def save(kind: Format, number: int, outcome: str, story: str, options: argparse.Namespace) -> None:
    """Keep an offender and its story."""
    options.save.mkdir(parents=True, exist_ok=True)
    stem = f"{kind.name.replace(' ', '').strip('.')}-{number}-{outcome}"
    (options.save / f"{stem}{kind.suffix}").write_bytes(kind.case(number, options.seed)[0])
    (options.save / f"{stem}.story").write_text(story)
    last = (story.strip().splitlines() or [""])[-1]
    print(f"  {kind.name}:{number} {outcome}: {last[:160]}", flush=True)


def again(name: str, options: argparse.Namespace) -> int:
    """One case once more, here, with its whole traceback."""
    which, number = name.rsplit(":", 1)
    (kind,) = [kind for kind in formats(options.footage, []) if kind.name == which]
    with tempfile.TemporaryDirectory() as folder:
        data, rate = kind.case(int(number), options.seed)
        path = written(data, Path(folder), kind.suffix)
        print(f"{len(data)} bytes, checksum {zlib.crc32(data):08x}, rate {rate}")
        print(*attempt(kind, path, rate, the_cut(Path(folder))))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--footage", type=Path, default=Path("../shared"))
    parser.add_argument("--count", type=int, default=10_000, help="cases of each format")
    parser.add_argument("--formats", nargs="*", default=[], help="suffixes, or 'markers'; all if not given")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="processes at once")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--save", type=Path, default=Path(tempfile.gettempdir(), "fuzz_timelines"))
    parser.add_argument("--again", metavar="FORMAT:NUMBER", help="run one case once more and show its traceback")
    options = parser.parse_args()
    if options.again:
        return again(options.again, options)
    heads = ("tried", "read", "refused", "traceback", "hang", "memory", "nameless", "died")
    rows = []
    for kind in formats(options.footage, options.formats):
        if not kind.samples:
            rows.append(f"{kind.name:14} no files to spoil")
            continue
        tally, share = Tally(), -(-options.count // options.jobs)
        parts = [range(i, min(i + share, options.count)) for i in range(0, options.count, share)]
        with ThreadPoolExecutor(options.jobs) as pool:
            for done in [pool.submit(run, kind, part, options, tally) for part in parts]:
                done.result()
        rows.append(tally.row(kind.name))
        print(rows[-1], flush=True)
        options.offences = getattr(options, "offences", 0) + sum(tally.kinds.values())
        options.offences -= tally.kinds["read"] + tally.kinds["refused"]
    print(f"\n{'format':14}" + "".join(f"{head:>10}" for head in heads) + f"{'worst':>10}{'memory':>11}")
    print(*rows, sep="\n")
    return 1 if getattr(options, "offences", 0) else 0


if __name__ == "__main__":
    sys.exit(main())
