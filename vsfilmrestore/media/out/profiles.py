"""The output formats by name: what each stores, in which file, with which fixed settings.

The settings never depend on the machine, so that the same frames give the same bytes everywhere.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

import vapoursynth as vs

from vsfilmrestore.errors import OutputError, UsageError

__all__ = ["PROFILES", "Profile", "check_size", "profile_for"]

type PixelTable = Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Profile:
    """One output format.

    Attributes:
        name: The word that chooses it.
        summary: One line of help.
        kind: ``movie`` (one file) or ``stills`` (one file per frame).
        containers: File suffix to libav container (movies) or OpenImageIO format (stills). The first is the usual one.
        pixels: VapourSynth format id to the layout it is stored in (a libav ``pix_fmt``); nothing else can be stored.
        codec: libav encoder; empty for stills.
        options: The encoder's fixed settings.
        lossless: What comes out of the file is bit for bit what went in.
        limited: The format knows limited-range pictures only.
        reorders: Packets are not in the order of the pictures (B-frames).
        minimum: Smallest width and height.
        bits: Bits per sample in stills (16 for half, 32 for float).
        tag: Codec tag in MOV and MP4 where the usual one is not understood everywhere.
    """

    name: str
    summary: str
    kind: Literal["movie", "stills"]
    containers: Mapping[str, str]
    pixels: PixelTable
    codec: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    lossless: bool = False
    limited: bool = False
    reorders: bool = False
    minimum: tuple[int, int] = (1, 1)
    bits: int = 0
    tag: str = ""

    @property
    def suffix(self) -> str:
        """The usual file suffix, with its dot."""
        return next(iter(self.containers))

    @property
    def is_movie(self) -> bool:
        return self.kind == "movie"


def _ffv1_pixels() -> PixelTable:
    table: dict[int, str] = {vs.GRAY8: "gray", vs.RGB24: "bgr0"}
    table |= {getattr(vs, f"GRAY{b}"): f"gray{b}le" for b in (9, 10, 12, 14, 16)}
    table |= {getattr(vs, f"RGB{3 * b}"): f"gbrp{b}le" for b in (9, 10, 12, 14, 16)}
    table |= {getattr(vs, f"YUV{s}P8"): f"yuv{s}p" for s in (420, 422, 444, 440, 411, 410)}
    for bits in (9, 10, 12, 14, 16):
        table |= {getattr(vs, f"YUV{s}P{bits}"): f"yuv{s}p{bits}le" for s in (420, 422, 444)}
    return MappingProxyType(table)


_X265: Final = (
    "open-gop=0:keyint=48:min-keyint=1:frame-threads=4:wpp=0:pmode=0:pme=0:lookahead-slices=0:info=0:log-level=error"
)
_MOV: Final = {".mov": "mov"}

_ALL: Final = (
    Profile(
        "ffv1",
        "FFV1 in Matroska: every grey, YUV and RGB format of 8 to 16 bits, bit for bit; the archive's master",
        "movie",
        {".mkv": "matroska"},
        _ffv1_pixels(),
        codec="ffv1",
        # One slice table per size is chosen in segments.py; every frame a key frame, a checksum per slice.
        options={"level": "3", "coder": "1", "context": "0", "g": "1", "slicecrc": "1"},
        lossless=True,
    ),
    Profile(
        "prores_hq",
        "ProRes 422 HQ in QuickTime, 10 bit",
        "movie",
        _MOV,
        {vs.YUV422P10: "yuv422p10le"},
        codec="prores_ks",
        options={"profile": "hq", "vendor": "apl0"},
        limited=True,
    ),
    Profile(
        "prores_4444",
        "ProRes 4444 in QuickTime, full chroma; the encoder takes 10 bit",
        "movie",
        _MOV,
        {vs.YUV444P10: "yuv444p10le"},
        codec="prores_ks",
        options={"profile": "4444", "vendor": "apl0", "alpha_bits": "0"},
        limited=True,
    ),
    Profile(
        "dnxhr_hqx",
        "DNxHR HQX in QuickTime, 4:2:2, 10 bit",
        "movie",
        _MOV,
        {vs.YUV422P10: "yuv422p10le"},
        codec="dnxhd",
        options={"profile": "dnxhr_hqx"},
        limited=True,
        minimum=(256, 120),
    ),
    Profile(
        "dnxhr_hq",
        "DNxHR HQ in QuickTime, 4:2:2, 8 bit",
        "movie",
        _MOV,
        {vs.YUV422P8: "yuv422p"},
        codec="dnxhd",
        options={"profile": "dnxhr_hq"},
        limited=True,
        minimum=(256, 120),
    ),
    Profile(
        "h264",
        "H.264 proxy, 4:2:0, 8 bit",
        "movie",
        {".mp4": "mp4", ".mov": "mov"},
        {vs.YUV420P8: "yuv420p"},
        codec="libx264",
        # The number of threads changes what x264 decides, so it is fixed.
        options={"preset": "medium", "crf": "18", "g": "48", "threads": "4", "x264-params": "open-gop=0"},
        limited=True,
        reorders=True,
        minimum=(2, 2),
        tag="avc1",
    ),
    Profile(
        "h265",
        "H.265 proxy, 4:2:0, 10 bit",
        "movie",
        {".mp4": "mp4", ".mov": "mov"},
        {vs.YUV420P10: "yuv420p10le"},
        codec="libx265",
        options={"preset": "medium", "crf": "20", "x265-params": _X265},
        limited=True,
        reorders=True,
        minimum=(16, 16),
        tag="hvc1",
    ),
    Profile(
        "dpx10",
        "DPX, 10 bit RGB, filled method A, big-endian",
        "stills",
        {".dpx": "dpx"},
        {vs.RGB30: "gbrp10le"},
        lossless=True,
        bits=10,
    ),
    Profile("dpx12", "DPX, 12 bit RGB", "stills", {".dpx": "dpx"}, {vs.RGB36: "gbrp12le"}, lossless=True, bits=12),
    Profile(
        "dpx16",
        "DPX, 16 bit RGB or grey",
        "stills",
        {".dpx": "dpx"},
        {vs.RGB48: "rgb48be", vs.GRAY16: "gray16be"},
        lossless=True,
        bits=16,
    ),
    Profile(
        "exr_half",
        "OpenEXR, half float RGB or grey, zip",
        "stills",
        {".exr": "openexr"},
        {vs.RGBH: "gbrpf16le", vs.GRAYH: "grayf16le"},
        lossless=True,
        bits=16,
    ),
    Profile(
        "exr_float",
        "OpenEXR, 32-bit float RGB or grey, zip",
        "stills",
        {".exr": "openexr"},
        {vs.RGBS: "gbrpf32le", vs.GRAYS: "grayf32le"},
        lossless=True,
        bits=32,
    ),
    Profile(
        "tiff16",
        "TIFF, 16 bit RGB or grey, zip",
        "stills",
        {".tif": "tiff", ".tiff": "tiff"},
        {vs.RGB48: "rgb48le", vs.GRAY16: "gray16le"},
        lossless=True,
        bits=16,
    ),
    Profile(
        "tiff8",
        "TIFF, 8 bit RGB or grey, zip",
        "stills",
        {".tif": "tiff", ".tiff": "tiff"},
        {vs.RGB24: "rgb24", vs.GRAY8: "gray"},
        lossless=True,
        bits=8,
    ),
)

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType({p.name: p for p in _ALL})
"""Every output format by its name."""

_BY_SUFFIX: Final = {
    ".mkv": "ffv1",
    ".mov": "prores_hq",
    ".mp4": "h264",
    ".dpx": "dpx10",
    ".exr": "exr_half",
    ".tif": "tiff16",
    ".tiff": "tiff16",
}


def _named(name: str) -> Profile:
    if name in PROFILES:
        return PROFILES[name]
    near = difflib.get_close_matches(name.lower(), PROFILES, n=3, cutoff=0.4) or list(PROFILES)
    raise UsageError(f"no output format is called '{name}'", hint=f"Did you mean {', '.join(near)}?")


def profile_for(path: str | Path, name: str | None = None) -> Profile:
    """Choose the output format for a file, a folder (stills) or a pattern such as ``shot.%07d.dpx``.

    Args:
        path: ``.mkv`` means ffv1, ``.mov`` prores_hq, ``.mp4`` h264, ``.dpx`` dpx10, ``.exr`` exr_half, ``.tif``
            tiff16; a path without a suffix is a folder of DPX.
        name: Overrides the choice, but has to fit the suffix.

    Raises:
        UsageError: The name or the suffix is unknown, or the two do not fit together.
    """
    path = Path(path)
    suffix = "" if path.is_dir() else path.suffix.lower()
    if name is None:
        if suffix and suffix not in _BY_SUFFIX:
            known = ", ".join(_BY_SUFFIX)
            raise UsageError(f"'{suffix}' tells no output format", file=path, hint=f"Use one of {known}, or a folder")
        return PROFILES[_BY_SUFFIX.get(suffix, "dpx10")]
    profile = _named(name)
    fits = suffix in profile.containers or (not suffix and not profile.is_movie)
    if not fits:
        wanted = " or ".join(profile.containers) + ("" if profile.is_movie else " or a folder")
        raise UsageError(f"{profile.name} cannot be stored in '{path.name}'", file=path, hint=f"Use {wanted}")
    return profile


def check_size(profile: Profile, width: int, height: int) -> None:
    """Refuse picture sizes that the format cannot hold.

    Raises:
        OutputError: Too small, or odd where chroma is shared between pixels; the message names the way out.
    """
    least_w, least_h = profile.minimum
    if width < least_w or height < least_h:
        raise OutputError(
            f"{profile.name} cannot hold {width}x{height}: it starts at {least_w}x{least_h}",
            hint="Choose prores_hq or ffv1, which have no such limit",
        )
    if not profile.is_movie or profile.lossless:
        return
    fmt = vs.core.get_video_format(next(iter(profile.pixels)))
    if width % (1 << fmt.subsampling_w) or height % (1 << fmt.subsampling_h):
        raise OutputError(
            f"{profile.name} cannot hold {width}x{height}: it needs an even width"
            + (" and height" if fmt.subsampling_h else ""),
            hint="Crop or pad one pixel (std.Crop, std.AddBorders), or choose ffv1 or prores_4444",
        )
