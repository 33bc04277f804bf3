"""Write frames as numbered DPX, OpenEXR or TIFF files, several at a time.

Each file is written under another name, read back and compared, flushed to the disk and only then given its name.
Code values are stored exactly.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio
import vapoursynth as vs

from vsfilmrestore.errors import OutputError, RenderError
from vsfilmrestore.media.out.atomic import fsync_folder, output_error
from vsfilmrestore.media.out.info import VideoInfo
from vsfilmrestore.media.out.profiles import Profile
from vsfilmrestore.media.out.source_type import BASE, source_type
from vsfilmrestore.media.out.still_headers import StillLabels, describe_still
from vsfilmrestore.media.out.still_names import still_path
from vsfilmrestore.media.out.tiff_xmp import add_xmp, source_type_packet

__all__ = ["StillsResult", "write_stills"]

type Pixels = npt.NDArray[Any]

_DPX_NAME_AT, _DPX_NAME_BYTES = 36, 100  # SMPTE ST 268: image file name
_SAMPLES: Final = {"u1": "uint8", "u2": "uint16", "f2": "half", "f4": "float"}


@dataclass(frozen=True, slots=True)
class StillsResult:
    """What was written.

    Attributes:
        paths: The files in order.
        bytes: Their sizes together.
        picture_bytes: Size of one packed picture.
        md5s: MD5 of the packed picture of each file, laid out as FFmpeg decodes such files.
    """

    paths: tuple[Path, ...]
    bytes: int
    picture_bytes: int
    md5s: tuple[str, ...]


def _planes(frame: vs.VideoFrame) -> list[Pixels]:
    return [np.asarray(frame[p]) for p in range(frame.format.num_planes)]


def _packed(planes: list[Pixels], bits: int) -> Pixels:
    """Rows, columns, channels; code values of fewer than 16 bits spread over 16 as OpenImageIO wants them."""
    out = np.empty((*planes[0].shape, len(planes)), planes[0].dtype)
    for channel, plane in enumerate(planes):
        if 8 < bits < 16 and plane.dtype == np.uint16:
            np.bitwise_or(plane << (16 - bits), plane >> (2 * bits - 16), out=out[..., channel])
        else:
            out[..., channel] = plane
    return out


def _md5(planes: list[Pixels], packed: Pixels, layout: str) -> str:
    """MD5 of the picture in the layout that FFmpeg decodes the file to."""
    digest = hashlib.md5(usedforsecurity=False)
    if layout.startswith("rgb"):
        digest.update(packed.byteswap() if layout.endswith("be") else packed)
        return digest.hexdigest()
    for index in (1, 2, 0) if layout.startswith("gbr") else (0,):
        plane = np.ascontiguousarray(planes[index])
        digest.update(plane.byteswap() if layout.endswith("be") else plane)
    return digest.hexdigest()


def _oiio_error(source: Any, path: Path, pixels: int) -> OutputError:
    reason = str(source.geterror()).strip().splitlines() or ["writing failed"]
    with suppress(OSError):
        if shutil.disk_usage(path.parent).free < pixels:
            return OutputError("cannot write: the disk is full", file=path, hint="Free some space and start again")
    return OutputError(f"cannot write: {reason[0]}", file=path, hint="Check the disk and start again")


def _write_file(part: Path, path: Path, spec: oiio.ImageSpec, packed: Pixels, kind: str) -> None:
    output = oiio.ImageOutput.create(kind)
    if output is None or not output.open(str(part), spec):
        raise _oiio_error(output or oiio, path, packed.nbytes)
    good = output.write_image(packed)
    if not good:
        error = _oiio_error(output, path, packed.nbytes)
        output.close()
        raise error
    if output.close() is False:
        raise _oiio_error(output, path, packed.nbytes)
    # Writing is done in another library's file; what it left in the system's buffers is flushed here.
    with open(part, "r+b") as file:
        if kind == "dpx":
            # The library notes the path it wrote to, which would make the bytes depend on the folder.
            file.seek(_DPX_NAME_AT)
            file.write(path.name.encode(errors="replace")[: _DPX_NAME_BYTES - 1].ljust(_DPX_NAME_BYTES, b"\0"))
            file.flush()
        os.fsync(file.fileno())


def _compare(part: Path, path: Path, packed: Pixels) -> None:
    """Read the file again; what was written must come back, bit for bit (a NaN is no reason to fail)."""
    source = oiio.ImageInput.open(str(part))
    found = None
    if source is not None:
        found = source.read_image(_SAMPLES[packed.dtype.str[1:]])
        source.close()
    if found is None:
        raise _oiio_error(oiio, path, packed.nbytes)
    words = f"u{packed.itemsize}"
    if not np.array_equal(found.reshape(packed.shape).view(words), packed.view(words)):
        raise OutputError("the file does not give back what was written", file=path, hint="Check the disk")


@dataclass(frozen=True, slots=True)
class _Job:
    """What is common to all files of one call."""

    profile: Profile
    info: VideoInfo
    labels: StillLabels
    verify: bool

    def write(self, frame: vs.VideoFrame, number: int, path: Path) -> tuple[int, str]:
        """Write one file; its size and checksum. The frame is closed."""
        # The reader knows files by their suffix, so the part file keeps it.
        part, kind = path.with_name(f".{path.stem}.part{path.suffix}"), self.profile.containers[path.suffix.lower()]
        try:
            with frame:
                planes = _planes(frame)
                packed = _packed(planes, self.profile.bits)
                layout = self.profile.pixels[frame.format.id]
                md5 = _md5(planes, packed, layout)
                spec = oiio.ImageSpec(frame.width, frame.height, len(planes), _SAMPLES[packed.dtype.str[1:]])
                describe_still(spec, frame.props, self.profile, self.labels, number, self.info)
                term = source_type(frame.props)
            _write_file(part, path, spec, packed, kind)
            if kind == "tiff" and term:
                add_xmp(part, source_type_packet(BASE + term))
            if self.verify:
                _compare(part, path, packed)
            size = part.stat().st_size
            os.replace(part, path)
        except BaseException as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise self._clear(error, path, number) from error
        return size, md5

    def _clear(self, error: BaseException, path: Path, number: int) -> BaseException:
        if isinstance(error, OSError):
            return output_error(path, error)
        if isinstance(error, ValueError):
            return OutputError(f"the header cannot be written: {error}", file=path, frame=number)
        return error


def write_stills(
    frames: Iterable[vs.VideoFrame],
    profile: Profile,
    pattern: Path,
    info: VideoInfo,
    *,
    first: int = 0,
    labels: StillLabels | None = None,
    threads: int = 4,
    verify: bool = True,
) -> StillsResult:
    """Write one file per frame.

    Args:
        frames: Prepared frames in order. They are closed here; at most twice ``threads`` are held.
        profile: A stills profile.
        pattern: See `stills_pattern`.
        info: Facts of the whole output.
        first: Number of the first file.
        labels: Timecode, keycode and reel to count on from.
        threads: Files written at the same time.
        verify: Read each file back and compare it bit for bit before it takes its name.

    Raises:
        OutputError: A file cannot be written; files finished before stay, no half-written one is left.
        RenderError: A frame has another size or format.
    """
    if profile.is_movie:
        raise OutputError(f"{profile.name} is a format for movies", file=pattern, hint="Use encode_segment")
    pattern = Path(pattern)
    try:
        pattern.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(pattern, error) from error
    job = _Job(profile, info, labels or StillLabels(), verify)
    paths, done = _write_all(frames, job, pattern, first, max(1, threads))
    fsync_folder(pattern.parent)
    samples = info.width * info.height * vs.core.get_video_format(info.format_id).num_planes
    width = vs.core.get_video_format(info.format_id).bytes_per_sample
    return StillsResult(paths, sum(size for size, _ in done), samples * width, tuple(md5 for _, md5 in done))


def _write_all(
    frames: Iterable[vs.VideoFrame], job: _Job, pattern: Path, first: int, threads: int
) -> tuple[tuple[Path, ...], list[tuple[int, str]]]:
    paths: list[Path] = []
    done: list[tuple[int, str]] = []
    waiting: deque[Future[tuple[int, str]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for number, frame in enumerate(frames):
            if not job.info.accepts(frame):
                raise RenderError("the picture has another size or format than the output", frame=first + number)
            paths.append(still_path(pattern, first + number))
            waiting.append(pool.submit(job.write, frame, number, paths[-1]))
            if len(waiting) >= 2 * threads:
                done.append(waiting.popleft().result())
        done += [future.result() for future in waiting]
    return tuple(paths), done
