"""Sound cut where the pictures are cut, to the sample.

A frame's sound begins at the sample nearest to the frame's start, counted from the first frame in fractions. Cuts at
the same frame therefore fall on the same sample, and pieces put together again are the whole, at 29.97 too::

    frames    0         1         2         3
    samples   0 .. 1601 | .. 3202 | .. 4804 |          48 kHz at 29.97: 1602, 1601 and 1602 samples
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Final

import vapoursynth as vs

from vsfilmrestore.media.naming import FileSequence

__all__ = ["cut_audio", "sample_position", "silence", "splice_audio", "wav_beside"]

core = vs.core

_SOUND_SUFFIXES: Final = (".wav", ".WAV", ".w64", ".bwf")


def sample_position(frame: int | Fraction, rate: Fraction, sample_rate: int) -> int:
    """First sample of a frame: the one nearest to its start.

    Args:
        frame: Counted from 0 at the first sample; may be negative.
        rate: Exact frames per second.
        sample_rate: Samples per second.
    """
    return floor(frame * sample_rate / rate + Fraction(1, 2))


def cut_audio(node: vs.AudioNode, first: int, last: int, rate: Fraction) -> vs.AudioNode:
    """The sound of frames ``first`` to ``last``, both included.

    The result has exactly the samples of those frames: where the sound has none (before its start, after its end)
    there is silence.

    Args:
        node: Sound whose sample 0 goes with frame 0.
        first: First frame; may be negative.
        last: Last frame.
        rate: Exact frames per second.

    Raises:
        ValueError: ``last`` lies before ``first``.
    """
    if last < first:
        raise ValueError(f"the last frame ({last}) lies before the first ({first})")
    start = sample_position(first, rate, node.sample_rate)
    stop = sample_position(last + 1, rate, node.sample_rate)
    begin, end = max(0, start), min(node.num_samples, stop)
    if begin >= end:
        return _silent(node, stop - start)
    kept = node if (begin, end) == (0, node.num_samples) else core.std.AudioTrim(node, begin, length=end - begin)
    ahead, behind = begin - start, stop - end
    parts = [_silent(node, ahead)] if ahead else []
    parts.append(kept)
    parts += [_silent(node, behind)] if behind else []
    return parts[0] if len(parts) == 1 else core.std.AudioSplice(parts)


def silence(like: vs.AudioNode, frames: int, rate: Fraction, *, at: int = 0) -> vs.AudioNode:
    """Silence for a gap.

    Args:
        like: Gives channels, sample rate and sample format.
        frames: Length of the gap, 1 or more.
        rate: Exact frames per second.
        at: Record frame the gap begins at; it decides which frames get the odd sample.

    Raises:
        ValueError: No frames.
    """
    if frames < 1:
        raise ValueError(f"silence needs at least one frame, not {frames}")
    begin = sample_position(at, rate, like.sample_rate)
    return _silent(like, sample_position(at + frames, rate, like.sample_rate) - begin)


def splice_audio(parts: Sequence[vs.AudioNode | None], frames: Sequence[int], rate: Fraction) -> vs.AudioNode | None:
    """The sound of shots put together; None where no shot has any.

    Each piece is made exactly as long as its frames are at its place in the whole, so that pictures and sound never
    drift apart: a piece cut elsewhere may be one sample longer or shorter there.

    Args:
        parts: Sound of each shot, None for silence; all of one format.
        frames: Frames of each shot.
        rate: Exact record rate.

    Raises:
        ValueError: Not as many lengths as parts, or sounds of different formats.
    """
    like = next((p for p in parts if p is not None), None)
    if like is None:
        return None
    pieces: list[vs.AudioNode] = []
    at = 0
    for part, length in zip(parts, frames, strict=True):
        wanted = sample_position(at + length, rate, like.sample_rate) - sample_position(at, rate, like.sample_rate)
        if part is not None and _format(part) != _format(like):
            raise ValueError("the shots' sounds differ in sample rate, sample format or channels")
        pieces.append(_silent(like, wanted) if part is None else _exactly(part, wanted))
        at += length
    return core.std.AudioSplice(pieces)


def wav_beside(files: FileSequence) -> Path | None:
    """The sound file that goes with a sequence: of its name in its folder, or of its folder's name there or beside."""
    folder = files.folder.resolve()
    stems = [folder / files.name, folder / folder.name, folder.parent / folder.name]
    return next((p for s in stems for e in _SOUND_SUFFIXES if (p := s.with_name(s.name + e)).is_file()), None)


def _format(node: vs.AudioNode) -> tuple[object, ...]:
    return node.sample_rate, node.sample_type, node.bits_per_sample, tuple(node.channels)


def _silent(like: vs.AudioNode, samples: int) -> vs.AudioNode:
    return core.std.BlankAudio(like, length=samples, keep=True)


def _exactly(node: vs.AudioNode, samples: int) -> vs.AudioNode:
    if node.num_samples == samples:
        return node
    if node.num_samples > samples:
        return core.std.AudioTrim(node, 0, length=samples)
    return core.std.AudioSplice([node, _silent(node, samples - node.num_samples)])
