"""Kill a render at random moments, again and again, and compare its result with an undisturbed one.

    python scripts/bench/kill.py FILM --kills 50

Prints how far each victim came and, at the end, whether framemd5 and bytes of both results are equal. Exit code 1 if
they are not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vsfilmrestore.media.source import open_media


def command(film: Path, folder: Path, preset: str) -> list[str]:
    """The render to kill."""
    words = ["render", str(film), "--preset", preset, "--project", str(folder / "p"), "-o", str(folder / "out.mkv")]
    return [sys.executable, "-m", "vsfilmrestore", *words, "--progress", "none"]


def prepare(film: Path, folder: Path, every: int, frames: int) -> None:
    """A project that cuts the film every few frames, so that there are many pieces."""
    (folder / "p").mkdir(parents=True)
    cuts = list(range(every, frames, every))
    text = f"[source]\ninput = {json.dumps(str(film.absolute()))}\ncuts = {cuts}\n"
    (folder / "p" / "project.toml").write_text(text, encoding="utf-8")


def finished(folder: Path) -> int:
    """Pieces that the ledger holds."""
    ledger = folder / "p" / "ledger.sqlite"
    if not ledger.exists():
        return 0
    with sqlite3.connect(f"file:{ledger}?mode=ro", uri=True) as base:
        tables = base.execute("SELECT count(*) FROM sqlite_master WHERE name = 'segments'").fetchone()[0]
        return int(base.execute("SELECT count(*) FROM segments").fetchone()[0]) if tables else 0


def sha(path: Path) -> str:
    """Hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("film", type=Path)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--preset", default="archive")
    parser.add_argument("--longest", type=float, default=6.0, help="longest life of a victim in seconds")
    parser.add_argument("--every", type=int, default=6, help="frames of each shot")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        calm, wild = Path(name, "calm"), Path(name, "wild")
        frames = open_media(options.film).video.num_frames
        for folder in (calm, wild):
            prepare(options.film, folder, options.every, frames)
        subprocess.run(command(options.film, calm, options.preset), check=True, stdout=subprocess.DEVNULL)
        counts, survivors = [], 0
        for _ in range(options.kills):
            victim = subprocess.Popen(command(options.film, wild, options.preset), stdout=subprocess.DEVNULL)
            time.sleep(chance.uniform(0.2, options.longest))
            survivors += victim.poll() is not None
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            counts.append(finished(wild))
        subprocess.run(command(options.film, wild, options.preset), check=True, stdout=subprocess.DEVNULL)
        same = [sha(calm / n) == sha(wild / n) for n in ("out.mkv", "out.mkv.framemd5")]
    print(f"{options.kills} kills ({survivors} came after the end); pieces done after each: {counts}")
    print(f"same bytes: {same[0]}, same framemd5: {same[1]}")
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main())
