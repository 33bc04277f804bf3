"""A reel as files: what lies in a mount, and what every byte of it is. FUSE itself is in `mount_fuse`.

Names, sizes and headers are known from the cut, the headers of scans and the containers of films; only pixels are
rendered, and only when they are read.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import vapoursynth as vs

from vsfilmrestore.media import props as names
from vsfilmrestore.media.audio import cut_audio
from vsfilmrestore.media.headers import Header, read_header
from vsfilmrestore.media.model import Media
from vsfilmrestore.media.naming import find_sequence
from vsfilmrestore.media.out.info import VideoInfo
from vsfilmrestore.media.out.prepare import prepare
from vsfilmrestore.media.out.still_headers import StillLabels
from vsfilmrestore.render.makers import Labels
from vsfilmrestore.render.memory import bound_cache
from vsfilmrestore.serve.frames import Frames
from vsfilmrestore.serve.mount_headers import HeaderMaker
from vsfilmrestore.serve.mount_pictures import Interrupted, Pictures
from vsfilmrestore.serve.mount_sound import SoundFile
from vsfilmrestore.serve.mount_stills import StillLayout, still_profile
from vsfilmrestore.serve.mount_tree import Still, Tree
from vsfilmrestore.serve.reel import FrameFacts, ServedReel

__all__ = ["MountedReel"]

_AHEAD: Final = 8
_HEADERS: Final = 256
"""Headers kept; each has some KB."""

type Buffer = bytes | memoryview


class MountedReel:
    """A reel laid out as files.

    >>> files = MountedReel(ServedReel.open(Path("film.vsfr")), "dpx10")
    >>> still = files.tree.find("/film/film.0086400.dpx")
    >>> files.read(still, 0, 2048)          # renders nothing

    Attributes:
        reel: The reel.
        tree: Its folders and files.
        layout: Its stills.
        frames: Where frames come from; its counts tell what was rendered.
    """

    def __init__(self, reel: ServedReel, format_: str = "dpx10", *, name: str = "", cache_bytes: int = 1 << 30) -> None:
        """
        Args:
            reel: The reel.
            format_: ``dpx10``, ``dpx16``, ``tiff16`` or ``exr``.
            name: Name of the folder of the whole reel; the cut's own if empty.
            cache_bytes: Most memory for frames and pictures that are kept.

        Raises:
            UsageError: There is no such format.
            OutputError: The format cannot hold the reel's pictures; names the way out.
        """
        bound_cache()
        self.reel, profile = reel, still_profile(format_)
        clip = prepare(reel.node, profile)
        self.layout = StillLayout.of(clip, profile)
        frame_bytes = clip.width * clip.height * clip.format.num_planes * clip.format.bytes_per_sample
        ahead = max(cache_bytes // 2, 4 * frame_bytes)
        self.frames = Frames(clip, cache_bytes=ahead, ahead=_AHEAD, shot_of=lambda n: reel.shot_of(n).name)
        self._pictures = Pictures(self.frames, self.layout, cache_bytes - ahead)
        info = _info(reel, clip)
        labels = Labels.of(reel.reel, reel.factor, info)
        self._headers = HeaderMaker(self.layout, info, StillLabels(labels.timecode, reel=labels.reel))
        self._header = lru_cache(maxsize=_HEADERS)(self._made_header)
        self._folders: dict[Path, Any] = {}
        self._media = {medium.path: medium for medium in reel.media}
        sound = reel.reel.audio()
        whole = SoundFile.of(sound) if sound is not None else None
        each = [] if sound is None else [_sound_of(sound, shot.first, shot.stop, reel) for shot in reel.shots]
        self.tree = Tree.of(name or reel.name, reel.shots, profile, labels.number, whole, each)

    def size(self, entry: Still | SoundFile) -> int:
        """Bytes of a file; nothing is rendered."""
        return entry.size if isinstance(entry, SoundFile) else self.layout.size

    def read(
        self, entry: Still | SoundFile, offset: int, size: int, interrupted: Interrupted = lambda: False
    ) -> Buffer:
        """Bytes of a file from an offset on; fewer at its end. A frame is rendered if its pixels are among them.

        Args:
            entry: The file.
            offset: First byte.
            size: Bytes wanted.
            interrupted: Asked now and then, while a frame is waited for, whether it is still wanted.

        Raises:
            VsfrError: The frame or its header cannot be made; the text names shot and frame.
            OSError: See `Pictures.get`.
            vapoursynth.Error: The sound cannot be made.
        """
        if isinstance(entry, SoundFile):
            return entry.read(offset, size)
        head, stop = self.layout.head, min(offset + size, self.layout.size)
        lead = self._header(entry)[offset:stop] if offset < head else b""
        if stop <= max(head, offset):  # nothing of the pixels, or nothing at all: it is asked for beyond the end
            return lead
        pixels = self._pictures.get(entry.frame, reader=entry.folder.name, interrupted=interrupted)
        part = memoryview(pixels)[max(offset - head, 0) : stop - head]
        return lead + part if lead else part

    def close(self) -> None:
        """End all reading: whoever waits gets ``EIO``."""
        self._pictures.close()
        self.frames.close(timeout=0)

    def _made_header(self, still: Still) -> bytes:
        number = still.frame
        return self._headers.header(self._props(number), number, still.name)

    def _props(self, number: int) -> dict[str, Any]:
        """The properties by which the frame will know its source, without the frame."""
        facts = self.reel.facts(number)
        medium = self._media.get(facts.file) if facts.file is not None else None
        if medium is None:
            return {}
        header = self._still_header(medium, facts)
        told = {
            names.SOURCE_FILE: facts.source,
            names.REEL: (header.reel if header else "") or facts.source_reel,
            names.KEYCODE: header.keycode if header else "",
            names.LOG: int(header.colour.log if header else medium.log),
        }
        if not self.reel.reel.cut.file:  # where a film was cut anew, timecode is that of the record side
            own = header.timecode if header else ""
            told[names.TIMECODE] = (own if medium.drop else own.replace(";", ":")) or facts.source_timecode
        return {key: value for key, value in told.items() if value}

    def _still_header(self, medium: Media, facts: FrameFacts) -> Header | None:
        """The header of the scan a frame is made from; None where it is not a still, or is missing."""
        if medium.kind != "sequence":
            return None
        if medium.path not in self._folders:
            self._folders[medium.path] = find_sequence(medium.path).folder
        path = self._folders[medium.path] / facts.source
        return read_header(path) if path.is_file() else None


def _info(reel: ServedReel, clip: vs.VideoNode) -> VideoInfo:
    """Facts of all stills. Only the frames of a script tell their colour; of it one is made, all else is known."""
    medium = reel.media[0]
    if medium.kind == "script":
        return VideoInfo.of(clip.get_frame(0), clip.fps)
    told = medium.colour.props()
    rgb = clip.format.color_family == vs.RGB
    return VideoInfo(
        width=clip.width,
        height=clip.height,
        format_id=clip.format.id,
        rate=clip.fps,
        sample_aspect=medium.sample_aspect,
        matrix=0 if rgb else told["_Matrix"],
        transfer=told["_Transfer"],
        primaries=told["_Primaries"],
        range="full",
    )


def _sound_of(sound: vs.AudioNode, first: int, stop: int, reel: ServedReel) -> SoundFile:
    return SoundFile.of(cut_audio(sound, first, stop - 1, reel.fps))
