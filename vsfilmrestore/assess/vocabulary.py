"""What is measured: every measure by name, with its unit, its range and the term archives know it by.

Names are flat, with dots: ``weave.x``. The terms are those of QCTools (which takes its numbers from FFmpeg's
``signalstats`` filter) and of the AV Artifact Atlas. Levels are on the scale of 8 bits, whatever the depth: black is 16
and white 235 where the range is limited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["GROUPS", "MEASURES", "NAMES", "OF_FRAMES", "Measure", "group_of"]

type Kind = Literal["number", "word", "list"]
type Per = Literal["frame", "shot", "both"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure.

    Attributes:
        name: As it stands in results, tables and rules.
        unit: Unit; '' for a plain count, share or word.
        low: Least value.
        high: Largest value; infinite where there is none.
        meaning: One line.
        term: What QCTools or the AV Artifact Atlas calls it, '' where neither does.
        per: Whether frames, shots or both have it. Of shots, a measure of frames is their median if not said otherwise.
        kind: A number, a word, or a list of numbers.
        words: Of a word: all it can be.
    """

    name: str
    unit: str
    low: float
    high: float
    meaning: str
    term: str = ""
    per: Per = "shot"
    kind: Kind = "number"
    words: tuple[str, ...] = ()


_ANY: Final = float("inf")


def _number(
    name: str, unit: str, high: float, meaning: str, term: str = "", per: Per = "shot", low: float = 0
) -> Measure:
    return Measure(name, unit, low, high, meaning, term, per)


def _word(name: str, meaning: str, *words: str, term: str = "") -> Measure:
    return Measure(name, "", 0, 0, meaning, term, "shot", "word", words)


def _listed(name: str, unit: str, meaning: str, term: str = "") -> Measure:
    return Measure(name, unit, 0, _ANY, meaning, term, "shot", "list")


MEASURES: Final[tuple[Measure, ...]] = (
    # What kind of shot it is
    _word("kind", "What it shows", "picture", "black", "white", "bars", "leader", "countdown", "title"),
    _word("transition", "How it begins", "start", "cut", "dissolve", "fade"),
    _listed(
        "flashes.at", "frame", "Frames lit by a flash, lightning or a punched cue: one or two frames, then as before"
    ),
    _number("flashes", "", _ANY, "Number of such frames"),
    # Levels
    _number("luma.low", "8 bit", 255, "Luma that 10 % of the pixels stay below", "QCTools YLOW", "both"),
    _number("luma.average", "8 bit", 255, "Mean luma", "QCTools YAVG", "both"),
    _number("luma.high", "8 bit", 255, "Luma that 90 % of the pixels stay below", "QCTools YHIGH", "both"),
    _number("chroma.u", "8 bit", 255, "Mean of U, 128 is neutral; 128 for grey clips", "QCTools UAVG", "both"),
    _number("chroma.v", "8 bit", 255, "Mean of V, 128 is neutral; 128 for grey clips", "QCTools VAVG", "both"),
    _number("saturation", "8 bit", 181, "Mean distance of U and V from neutral", "QCTools SATAVG", "both"),
    _number("ydif", "8 bit", 255, "Mean difference of luma to the frame before", "QCTools YDIF", "both"),
    _number("tout", "", 1, "Share of pixels that stick out of their column: dropouts, specks", "QCTools TOUT", "both"),
    _number("vrep", "", 1, "Share of lines that repeat the line four above", "QCTools VREP", "both"),
    _number("brng", "", 1, "Share of pixels beyond the limits of broadcast range", "QCTools BRNG", "both"),
    # What trembles
    _number(
        "flicker",
        "%",
        _ANY,
        "Brightness that trembles: of a shot its rms, of a frame its own",
        "AVAA Flicker",
        "both",
        -_ANY,
    ),
    _number("weave.x", "px", _ANY, "Stray to the right: of a shot its rms", "AVAA Gate weave", "both", -_ANY),
    _number("weave.y", "px", _ANY, "Stray downwards: of a shot its rms", "AVAA Gate weave, film jump", "both", -_ANY),
    _number("weave.roll", "deg", _ANY, "Trembling rotation, rms", "AVAA Gate weave"),
    # What time added
    _number("dirt.density", "per frame", _ANY, "Specks and hairs that last one frame", "AVAA Dirt, dust, debris"),
    _number("dirt.share", "", 1, "Share of pixels under them", "AVAA Dirt, dust, debris"),
    _number("dirt.sparkle", "", 1, "Share of them that are lighter than the picture", "AVAA Sparkle, negative dirt"),
    _number("scratches.count", "", _ANY, "Vertical scratches that last", "AVAA Scratches, tramlines"),
    _listed("scratches.x", "px", "Their columns"),
    _number("scratches.persistence", "", 1, "Share of the shot the longest of them lasts", "AVAA Scratches, tramlines"),
    _number("stains.share", "", 1, "Share of pixels under stains, mould and water marks", "AVAA Mould, water damage"),
    _number("stains.count", "per frame", _ANY, "Stains, mould and water marks", "AVAA Mould, water damage"),
    _number("frames.torn", "", _ANY, "Frames torn apart or jumped in the gate", "AVAA Tear, frame jump"),
    _listed("frames.torn_at", "frame", "Those frames"),
    _number("frames.ruined", "", _ANY, "Frames that show something else than both neighbours", "AVAA Blank frames"),
    _listed("frames.ruined_at", "frame", "Those frames"),
    _number("frames.splices", "", _ANY, "Splices: marks or a jump at the join", "AVAA Splice"),
    _listed("frames.splices_at", "frame", "First frames after them"),
    _number(
        "frames.missing", "", _ANY, "Places where time jumps: one or more frames are missing", "AVAA Missing frames"
    ),
    _listed("frames.missing_at", "frame", "First frames after them"),
    _number("frames.double", "", _ANY, "Frames that repeat the one before, beyond the cadence", "AVAA Repeated frames"),
    _listed("frames.double_at", "frame", "Those frames"),
    _word("cadence", "How often a new picture comes: every frame, on twos, 16 in 24 …"),
    _number("cadence.share", "", 1, "Share of frames that bring a new picture"),
    # The material
    _number("grain.sigma", "8 bit", 255, "Standard deviation of grain and noise in luma", "AVAA Grain, noise"),
    _number("grain.size", "px", _ANY, "Size of a grain: sigma of the Gaussian that makes such grain of white noise"),
    _number("grain.chroma", "8 bit", 255, "The same of the colour differences", "AVAA Chroma noise"),
    _number("blur.sigma", "px", _ANY, "Gaussian blur of the sharpest edges", "AVAA Soft focus"),
    _number("halation", "", 1, "Red light that comes back around highlights, share of theirs", "AVAA Halation"),
    _number("generation", "", 1, "Loss by copying: crushed ends, softening and grain beyond the frame's own"),
    # Colour
    _word("colour", "Grey, one tint over grey, or colour", "grey", "tinted", "colour"),
    _number("fade.red", "", 1, "Density of the cyan dye that is left, 1 is all", "AVAA Colour dye fading"),
    _number("fade.green", "", 1, "Density of the magenta dye that is left", "AVAA Colour dye fading"),
    _number("fade.blue", "", 1, "Density of the yellow dye that is left", "AVAA Colour dye fading"),
    _number("fade.delta_e", "ΔE00", _ANY, "Mean change of colour if the fade is undone"),
    _number("fade.confidence", "", 1, "How far the estimate can be trusted"),
    _word(
        "cast.intent",
        "What a cast is likely meant for",
        "none",
        "monochrome",
        "tinted",
        "night",
        "sunset",
        "drawn",
    ),
    _number("cast.size", "8 bit", 181, "Distance of the picture's grey from neutral"),
    # Frame and fields
    _number("borders.left", "px", _ANY, "Columns without picture", "AVAA Pillarbox"),
    _number("borders.right", "px", _ANY, "Columns without picture", "AVAA Pillarbox"),
    _number("borders.top", "px", _ANY, "Rows without picture", "AVAA Letterbox"),
    _number("borders.bottom", "px", _ANY, "Rows without picture", "AVAA Letterbox"),
    _number("frame_line", "px", _ANY, "Height of a frame line that shows; 0 for none", "AVAA Frame line, misframing"),
    _number("aspect", "", _ANY, "Width of the picture within its borders over its height, as shown"),
    _number("interlaced", "", 1, "Share of frames that are combed", "AVAA Interlacing, combing"),
    _word("interlaced.order", "Which field comes first", "none", "top", "bottom"),
    _word("telecine", "How film frames were spread over fields", "none", "3:2", "2:2"),
    # Tape
    _number("chroma.delay", "px", _ANY, "Colour stands too far right of luma", "AVAA Y/C delay error", low=-_ANY),
    _number(
        "chroma.bandwidth", "", 1, "Detail of the colour against that of luma: tape has little", "AVAA Chroma bleed"
    ),
    _number(
        "chroma.across", "px", _ANY, "Colour lies too far right, as `fix_chroma` tells it", "AVAA Y/C delay", low=-_ANY
    ),
    _number("chroma.down", "px", _ANY, "Colour lies too low, as `fix_chroma` tells it", "AVAA Y/C delay", low=-_ANY),
    _number("dot_crawl", "", 1, "Share of pixels whose luma swings as the carrier of colour does", "AVAA Dot crawl"),
    _number("rainbows", "", 1, "Share of pixels whose colour swings so", "AVAA Cross-color, rainbow effect"),
    _number("head_switching", "lines", _ANY, "Lowest lines that are torn sideways", "AVAA Head switching noise"),
    _number("dropouts", "per frame", _ANY, "Horizontal streaks of lost signal", "AVAA Dropout"),
    # Content
    _number("faces.number", "", _ANY, "Faces seen at once, at most"),
    _number("faces.size", "px", _ANY, "Height of the largest"),
    _number("faces.sharpness", "", 1, "How much detail the best of them shows"),
    _word("motion", "How much moves", "still", "pan", "fast", "some"),
    _number("motion.speed", "% of width", 100, "How far the fastest tenth of the picture moves per frame"),
    _number("motion.camera", "% of width", 100, "How far the whole picture moves per frame"),
    _number("drawn", "", 1, "How sure it is animation: flat colours, lines, on twos"),
    _number("cels.hold", "frames", 3, "For how long a drawing is held; 1 where that is not clear"),
    _number("cels.dust", "per frame", _ANY, "Specks that stay as long as a drawing does, where they are held"),
    # How far to trust the groups
    *(
        _number(f"confidence.{name}", "", 1, f"How far the measures of {name} can be trusted")
        for name in ("flicker", "weave", "dirt", "scratches", "grain", "blur", "fade", "cadence", "interlaced", "faces")
    ),
)
"""All measures, in the order of reports."""

NAMES: Final = {measure.name: measure for measure in MEASURES}
OF_FRAMES: Final = tuple(measure.name for measure in MEASURES if measure.per != "shot")
"""Measures every frame has, in order."""

GROUPS: Final = tuple(dict.fromkeys(measure.name.split(".")[0] for measure in MEASURES))
"""Groups by the first word of the name, in order."""


def group_of(name: str) -> str:
    """``weave`` of ``weave.x``."""
    return name.split(".")[0]
