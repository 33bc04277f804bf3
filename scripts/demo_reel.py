"""Make the demo reel: a damaged scan, its sound, and its cut list with settings on the shots.

::

    FOLDER/scan/A001.0864000.dpx ...   10-bit RGB DPX, 24 fps; the number is the timecode counted in frames
    FOLDER/scan.wav                    its sound, a projector's hum, exactly as long as the scan
    FOLDER/cut.edl, FOLDER/cut.otio    the same cut: settings as comments, and as markers
    FOLDER/truth/truth.0000000.dpx     with --truth: the cut as it was before the damage

Each shot lies in the scan with two more frames before and after it, so the source timecodes of the cut have jumps.
The same command makes the same bytes again, and leaves a reel that is there already alone. What the crew put on film
stays in the truth: grain, and the title.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import wave
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import opentimelineio as otio

from _reel_damage import Scratch, dirty, faded, flicker_path, flickering, grainy, scratched, torn, weave_path
from _reel_scenes import Move, Picture, photograph, title_card, view
from vsfilmrestore.media.timecode import format_timecode

SIZE = (640, 480)
RATE = 24
REEL = "A001"
SCAN_START = 10 * 3600 * RATE
RECORD_START = 3600 * RATE
HANDLE = 2
_NAME_PLACE, _NAME_ROOM = 36, 100  # of the file name in a DPX header, SMPTE ST 268
STILL = Move((0, 0, 1), (0, 0, 1))
SOUND_RATE = 48_000


@dataclass(frozen=True, slots=True)
class ReelShot:
    """A shot of the reel and what happened to it.

    Attributes:
        name: Its name in the cut list.
        frames: Its frames in the cut; the scan has ``HANDLE`` more on either side.
        settings: What the editor wrote on it, after ``VSFR``.
        photo: Function in ``skimage.data`` that holds the photograph; '' is the title card.
        move: The camera's move over the photograph.
        grain: Standard deviation of the grain.
        weave: Spread of the gate weave in thousandths of the width.
        flicker: Depth of the flicker.
        dirt: Mean pieces of dust per frame.
        scratches: Its scratches.
        torn: Frame of the shot that is torn, or None.
        faded: Whether its dyes went.
    """

    name: str
    frames: int
    settings: str
    photo: str = ""
    move: Move = STILL
    grain: float = 0.012
    weave: float = 0.0
    flicker: float = 0.0
    dirt: float = 0.0
    scratches: tuple[Scratch, ...] = ()
    torn: int | None = None
    faded: bool = False


SHOTS = (
    ReelShot("title", 24, "off"),
    ReelShot(
        "rocket",
        36,
        "archive stab=0.8 flicker=0.8 dust=0.7",
        "rocket",
        Move((322, 262, 440), (314, 222, 440)),
        weave=1.6,
        flicker=0.05,
        dirt=5,
    ),
    ReelShot(
        "astronaut",
        40,
        "archive stab=0.6 dust=0.6",
        "astronaut",
        Move((240, 190, 440), (228, 150, 380)),
        weave=1.0,
        dirt=7,
    ),
    ReelShot(
        "coffee",
        32,
        "archive scratch=0.8 dust=0.6",
        "coffee",
        Move((280, 200, 450), (325, 205, 450)),
        weave=0.6,
        dirt=4,
        scratches=(Scratch(0.31), Scratch(0.345, opacity=0.35, width=1.2), Scratch(0.72, tone=0.05, opacity=0.55)),
    ),
    ReelShot(
        "chelsea",
        24,
        "archive flicker=0.9 dust=0.5",
        "chelsea",
        Move((212, 150, 360), (198, 145, 360)),
        weave=0.8,
        flicker=0.06,
        dirt=4,
        faded=True,
    ),
    ReelShot(
        "motorcycle",
        32,
        "archive frames=0.9 dust=0.6",
        "stereo_motorcycle",
        Move((400, 250, 560), (350, 245, 560)),
        weave=0.8,
        dirt=4,
        torn=17,
    ),
    ReelShot(
        "stars",
        20,
        "archive dust=0.3",
        "hubble_deep_field",
        Move((490, 470, 760), (510, 430, 760)),
        grain=0.008,
        dirt=2,
    ),
)


# --- where the shots lie ---------------------------------------------------------------------------------------------


def scan_place(number: int) -> int:
    """Frame of the scan, from 0, at which a shot of the cut starts."""
    return sum(shot.frames + 2 * HANDLE for shot in SHOTS[:number]) + HANDLE


def record_place(number: int) -> int:
    """Frame of the cut, from 0, at which a shot starts."""
    return sum(shot.frames for shot in SHOTS[:number])


def timecode(count: int) -> str:
    """Timecode of a frame count at the reel's rate."""
    return format_timecode(count, Fraction(RATE))


# --- frames ----------------------------------------------------------------------------------------------------------


@cache
def _paths(shot: ReelShot) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Weave and flicker of a shot over its frames in the scan."""
    length = shot.frames + 2 * HANDLE
    return weave_path(shot.name, length, shot.weave), flicker_path(shot.name, length, shot.flicker)


def _filmed(shot: ReelShot, frame: int, shift: tuple[float, float]) -> Picture:
    """A frame as the crew left it, grain included; ``frame`` counts from the shot's first frame in the cut."""
    if not shot.photo:
        return title_card(SIZE)
    picture = view(photograph(shot.photo), shot.move.at(frame / (shot.frames - 1)), SIZE, shift)
    return grainy(picture, shot.grain, shift, shot.name, frame + HANDLE)


def truth_frame(number: int, frame: int) -> Picture:
    """A frame of the cut before time went over it: steady, clean, as bright as it was."""
    return np.clip(_filmed(SHOTS[number], frame, (0.0, 0.0)), 0, 1)


def scan_frame(number: int, frame: int) -> Picture:
    """A frame of the scan; ``frame`` counts from the shot's first frame in the cut and may be in the handles."""
    shot, k = SHOTS[number], frame + HANDLE
    weave, flicker = _paths(shot)
    unit = SIZE[0] / 1000
    picture = _filmed(shot, frame, (weave[k][0] * unit, weave[k][1] * unit))
    if shot.faded:
        picture = faded(picture)
    if shot.flicker:
        picture = flickering(picture, *flicker[k])
    if frame == shot.torn:
        picture = torn(picture, shot.name, k)
    if shot.scratches:
        picture = scratched(picture, shot.scratches, shot.name, k, shot.frames + 2 * HANDLE)
    if shot.dirt:
        picture = dirty(picture, shot.dirt, shot.name, k)
    return np.clip(picture, 0, 1)


def _header(count: int) -> oiio.ImageSpec:
    """A 10-bit DPX header for the frame at a timecode count."""
    spec = oiio.ImageSpec(*SIZE, 3, "uint16")
    spec.attribute("oiio:BitsPerSample", 10)
    spec.attribute("oiio:Endian", "big")
    spec.attribute("dpx:Transfer", "ITU-R 709-4")
    spec.attribute("dpx:Colorimetric", "ITU-R 709-4")
    spec.attribute("dpx:FrameRate", float(RATE))
    spec.attribute("dpx:TimeCode", timecode(count))
    spec.attribute("dpx:SlateInfo", REEL)
    spec.attribute("DocumentName", "demo reel")
    spec.attribute("ImageDescription", f"reel {REEL}")
    return spec


def write_dpx(path: Path, picture: Picture, count: int) -> None:
    """Write a picture as 10-bit DPX that carries a timecode, whole or not at all."""
    code = np.rint(picture * 1023).astype(np.uint16)
    pixels = (code << 6) | (code >> 4)
    partial = path.with_name("." + path.name)
    out = oiio.ImageOutput.create("dpx")
    if not (out and out.open(str(partial), _header(count)) and out.write_image(pixels) and out.close()):
        raise OSError(0, out.geterror() if out else oiio.geterror(), str(path))
    with partial.open("r+b") as file:  # the header holds the name it was opened by: folder, hidden name and all
        file.seek(_NAME_PLACE)
        file.write(path.name.encode().ljust(_NAME_ROOM, b"\0"))
    partial.replace(path)


# --- sound and cut lists ---------------------------------------------------------------------------------------------


def write_sound(path: Path, frames: int) -> None:
    """A projector: mains hum, the shutter's beat 24 times a second and a little hiss; 16 bit, two channels."""
    samples = frames * SOUND_RATE // RATE
    t = np.arange(samples) / SOUND_RATE
    hiss = np.random.Generator(np.random.SFC64(7)).standard_normal(samples)
    beat = np.exp(-((t * RATE) % 1) * 12)
    mono = 0.06 * np.sin(2 * np.pi * 50 * t) + 0.03 * np.sin(2 * np.pi * 150 * t) + (0.004 + 0.03 * beat) * hiss
    pcm = np.repeat(np.rint(np.clip(mono, -1, 1) * 32767).astype("<i2"), 2)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(SOUND_RATE)
        out.writeframes(pcm.tobytes())


def edl_text() -> str:
    """The cut as a CMX3600 list; settings stand as comments under their events."""
    lines = ["TITLE: DEMO REEL", "FCM: NON-DROP FRAME", ""]
    for number, shot in enumerate(SHOTS):
        source, record = SCAN_START + scan_place(number), RECORD_START + record_place(number)
        times = [timecode(at) for at in (source, source + shot.frames, record, record + shot.frames)]
        lines.append(f"{number + 1:03d}  {REEL:<8} V     C        {' '.join(times)}")
        lines.append(f"* FROM CLIP NAME: {shot.name}")
        lines += [f"* COMMENT: VSFR {shot.settings}", ""]
    return "\n".join(lines)


def _time(value: int) -> otio.opentime.RationalTime:
    return otio.opentime.RationalTime(value, RATE)


def _range(start: int, length: int) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(_time(start), _time(length))


def scan_length() -> int:
    """Frames of the scan."""
    return sum(shot.frames + 2 * HANDLE for shot in SHOTS)


def _clip(number: int, shot: ReelShot) -> otio.schema.Clip:
    """A shot as OTIO clip over the image sequence, with its settings as a marker on its first frame."""
    start = SCAN_START + scan_place(number)
    media = otio.schema.ImageSequenceReference(
        target_url_base="scan/",
        name_prefix=f"{REEL}.",
        name_suffix=".dpx",
        start_frame=SCAN_START,
        frame_zero_padding=7,
        rate=RATE,
        available_range=_range(SCAN_START, scan_length()),
    )
    media.name = REEL
    marker = otio.schema.Marker(name=f"VSFR {shot.settings}", marked_range=_range(start, 1), color="GREEN")
    clip = otio.schema.Clip(name=shot.name, media_reference=media, source_range=_range(start, shot.frames))
    clip.markers.append(marker)
    return clip


def _sound(number: int, shot: ReelShot) -> otio.schema.Clip:
    media = otio.schema.ExternalReference(target_url="scan.wav", available_range=_range(SCAN_START, scan_length()))
    return otio.schema.Clip(
        name=shot.name, media_reference=media, source_range=_range(SCAN_START + scan_place(number), shot.frames)
    )


def timeline() -> otio.schema.Timeline:
    """The cut as OTIO timeline: one picture track, and its sound."""
    cut = otio.schema.Timeline(name="DEMO REEL", global_start_time=_time(RECORD_START))
    picture = otio.schema.Track(name="V1", kind=otio.schema.TrackKind.Video)
    sound = otio.schema.Track(name="A1", kind=otio.schema.TrackKind.Audio)
    picture.extend(_clip(number, shot) for number, shot in enumerate(SHOTS))
    sound.extend(_sound(number, shot) for number, shot in enumerate(SHOTS))
    cut.tracks.extend([picture, sound])
    return cut


# --- the whole reel --------------------------------------------------------------------------------------------------


def _jobs(folder: Path, truth: bool) -> Iterator[Callable[[], None]]:
    """One job for each frame that is not there yet."""

    def job(path: Path, draw: Callable[[int, int], Picture], number: int, frame: int, count: int) -> Callable[[], None]:
        return lambda: write_dpx(path, draw(number, frame), count)

    for number, shot in enumerate(SHOTS):
        for frame in range(-HANDLE, shot.frames + HANDLE):
            count = SCAN_START + scan_place(number) + frame
            yield job(folder / "scan" / f"{REEL}.{count:07d}.dpx", scan_frame, number, frame, count)
        for frame in range(shot.frames if truth else 0):
            at = record_place(number) + frame
            yield job(folder / "truth" / f"truth.{at:07d}.dpx", truth_frame, number, frame, RECORD_START + at)


def _fingerprint(truth: bool) -> str:
    """What decides the bytes of the reel: this program and the libraries that draw."""
    digest = hashlib.sha256(f"{truth} {np.__version__} {version('scikit-image')} {version('pillow')}".encode())
    for name in ("demo_reel.py", "_reel_scenes.py", "_reel_damage.py"):
        digest.update(Path(__file__).with_name(name).read_bytes())
    return digest.hexdigest()


def is_made(folder: Path, *, truth: bool = False) -> bool:
    """Whether the reel is there, whole and made by this very program."""
    stamp = folder / "reel.sha256"
    scans = [folder / "scan" / f"{REEL}.{SCAN_START + k:07d}.dpx" for k in range(scan_length())]
    others = [folder / name for name in ("scan.wav", "cut.edl", "cut.otio")]
    whole = all(path.is_file() and path.stat().st_size for path in [*scans, *others, stamp])
    return whole and stamp.read_text(encoding="ascii") == _fingerprint(truth)


def make(folder: Path, *, truth: bool = False, workers: int = 2) -> int:
    """Make the reel in a folder; what is there under its names is overwritten. Returns the frames written."""
    (folder / "scan").mkdir(parents=True, exist_ok=True)
    (folder / "reel.sha256").unlink(missing_ok=True)
    if truth:
        (folder / "truth").mkdir(exist_ok=True)
    with ThreadPoolExecutor(workers) as pool:
        written = sum(1 for _ in pool.map(lambda job: job(), _jobs(folder, truth)))
    write_sound(folder / "scan.wav", scan_length())
    otio.adapters.write_to_file(timeline(), str(folder / "cut.otio"))
    (folder / "cut.edl").write_text(edl_text(), encoding="ascii", newline="\n")
    (folder / "reel.sha256").write_text(_fingerprint(truth), encoding="ascii")
    return written


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="where the reel goes")
    parser.add_argument("--truth", action="store_true", help="also write the cut as it was before the damage")
    options = parser.parse_args()
    try:
        if is_made(options.folder, truth=options.truth):
            print(f"the demo reel is in {options.folder} already")
        else:
            print(f"{make(options.folder, truth=options.truth)} frames of scan, with handles, in {options.folder}")
    except OSError as error:
        print(f"the demo reel cannot be written: {error.filename}: {error.strerror}", file=sys.stderr)
        return 6
    return 0


if __name__ == "__main__":
    sys.exit(main())
