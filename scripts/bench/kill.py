"""Kill a render at random moments, again and again, and compare its result with an undisturbed one.

    python scripts/bench/kill.py FILM --kills 50

Whenever all pieces are there the render is finished in peace, compared, and begun anew, so that every kill meets a
render at work. Prints how far each victim came, and whether bytes and framemd5 of every result are those of the
undisturbed one; exit code 1 if they are not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vsfilmrestore.media.source import open_media

NAMES = ("out.mkv", "out.mkv.framemd5")


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


def kill_one(words: list[str], life: float) -> None:
    """Start a render and kill it after some seconds."""
    victim = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    time.sleep(life)
    victim.send_signal(signal.SIGKILL)
    victim.wait()


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
        wanted = [sha(calm / n) for n in NAMES]
        counts, same, rounds = [], True, 0
        for kill in range(options.kills):
            kill_one(command(options.film, wild, options.preset), chance.uniform(0.5, options.longest))
            counts.append(finished(wild))
            complete = counts[-1] >= -(-frames // options.every)
            if complete or kill == options.kills - 1:
                subprocess.run(command(options.film, wild, options.preset), check=True, stdout=subprocess.DEVNULL)
                same = same and [sha(wild / n) for n in NAMES] == wanted
                rounds += 1
                shutil.rmtree(wild)
                prepare(options.film, wild, options.every, frames)
    print(f"{options.kills} kills over {rounds} renders; pieces done after each: {counts}")
    print(f"every render ended with the bytes and framemd5 of the undisturbed one: {same}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
