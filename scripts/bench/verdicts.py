"""What becomes of every cut list in a folder, as a table in Markdown.

    python scripts/bench/verdicts.py FOLDER

``clips`` are the edits, clip items or clips that stand in the file, sound and nests included; ``shots`` what is made of
them, without black. Files that hold several sequences are read once for each. Exit code 1 if anything but a plain error
came up.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from vsfilmrestore import timeline
from vsfilmrestore.errors import InstallationError, TimelineError
from vsfilmrestore.media.timecode import rate_text
from vsfilmrestore.timeline.model import Reel

HEAD = ("file", "clips", "shots", "frames", "rate", "fades", "speeds", "markers", "verdict")
CLIPS = {
    ".edl": re.compile(rb"^\d{3,8}\s+\S.*\d\d[:;.]\d\d[:;.]\d\d[:;.]\d\d", re.MULTILINE),
    ".xml": re.compile(rb"<clipitem\b"),
    ".fcpxml": re.compile(rb"<(?:asset-clip|clip|ref-clip|sync-clip|mc-clip|video|title)\b"),
    ".otio": re.compile(rb'"Clip\.\d+"'),
}
NAMES = re.compile(r"(?:: |, )(\d+) '")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    bad = 0
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
    for path in sorted(path for path in folder.rglob("*") if timeline.is_cut_list(path)):
        for row in rows(path, folder):
            print(f"| {' | '.join(row)} |", flush=True)
            bad += row[-1].startswith("FAILED")
    return 1 if bad else 0


def rows(path: Path, folder: Path) -> Iterator[list[str]]:
    """A row for the file, and one for each of its sequences where it holds several."""
    name = path.relative_to(folder).as_posix()
    pattern = CLIPS.get(path.suffix.lower())
    clips = str(len(pattern.findall(path.read_bytes()))) if pattern and path.is_file() else ""
    row, numbers = one(path, "")
    yield [name, clips, *row]
    for number in numbers:
        yield [f"… sequence {number}", "", *one(path, number)[0]]


def one(path: Path, sequence: str) -> tuple[list[str], list[str]]:
    """The row of a sequence without its name; and which there are, if none was chosen of several."""
    began = time.perf_counter()
    try:
        reel = timeline.read(path, sequence=sequence)
    except (TimelineError, InstallationError) as error:
        several = NAMES.findall(error.message) if "--sequence" in (error.hint or "") else []
        return ["", "", "", "", "", "", f"refused: {plain(error.message)}"], several
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return ["", "", "", "", "", "", f"FAILED: {type(error).__name__}: {plain(str(error))}"], []
    slow = time.perf_counter() - began
    return row(reel, f", {slow:.1f} s" if slow > 2 else ""), []


def row(reel: Reel, more: str) -> list[str]:
    shown = [shot for shot in reel.shots if shot.source is not None]
    speeds = sum(shot.speed != 1 or shot.curve is not None for shot in shown)
    fades = sum(shot.transition is not None for shot in reel.shots)
    said = "" if not reel.remarks else f", {len(reel.remarks)} remark{'s' if len(reel.remarks) > 1 else ''}"
    rate = rate_text(reel.rate) + ("" if reel.rate_known else " ?")
    counts = (len(shown), len(reel), rate, fades or "", speeds or "", len(reel.markers) or "")
    return [*(str(value) for value in counts), f"read{said}{more}"]


def plain(text: str) -> str:
    return text.replace("|", "/")


if __name__ == "__main__":
    sys.exit(main())
