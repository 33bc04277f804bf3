"""The sound under a reel, cut to the sample."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import vapoursynth as vs

from vsfilmrestore.media.audio import sample_position
from vsfilmrestore.render.bind import Bound
from vsfilmrestore.render.placing import alike

__all__ = ["reel_sound", "sound_left_out"]

core = vs.core

_TELLING = 12
"""Frames from which on the frames themselves tell a speed: an M2 line may have told a rate instead."""


def reel_sound(bound: Sequence[Bound], rate: Fraction) -> vs.AudioNode | None:
    """Sound of all shots in record order; None if no medium has any.

    Every shot starts at the sample nearest to its first record frame, so nothing drifts over the length of a reel.
    Media of another rate that are played in time keep their sound. Gaps, silent media and shots played at another speed
    are silent. Sound that differs in rate, depth or channels from the first medium's is resampled to it.
    """
    like = next((item.medium.audio for item in bound if item.medium is not None and item.medium.audio), None)
    if like is None:
        return None
    pieces = [piece for item in bound for piece in _piece(item, like, rate)]
    return core.std.AudioSplice(pieces) if len(pieces) > 1 else pieces[0]


def _piece(item: Bound, like: vs.AudioNode, rate: Fraction) -> list[vs.AudioNode]:
    record = item.shot.record
    start, stop = (sample_position(frame, rate, like.sample_rate) for frame in (record.start, record.stop))
    wanted = stop - start
    begin = _begin(item, rate)
    if begin is None or item.medium is None or item.medium.audio is None:
        return [_silence(like, wanted)]
    sound = _resampled(item.medium.audio, like)
    first = sample_position(begin, item.medium.rate, like.sample_rate)
    have = max(0, min(wanted, sound.num_samples - first))
    pieces = [sound.std.AudioTrim(first=first, length=have)] if have else []
    return [*pieces, _silence(like, wanted - have)] if have < wanted else pieces


def _begin(item: Bound, rate: Fraction) -> Fraction | None:
    """The place in the medium, in its frames, that sound goes on from in step with the pictures; None: it cannot."""
    if item.medium is None:
        return None
    step = item.medium.rate / rate
    if isinstance(item.frames, range):  # frame for frame
        return Fraction(item.first) if alike(item.medium.rate, rate) else None
    if item.shot.curve is not None or (len(item.frames) < _TELLING and not alike(item.shot.speed, Fraction(1))):
        return None
    # In time, frame k is the one at begin + k * step, rounded down. All frames together tell where it begins.
    p, q = step.numerator, step.denominator
    offsets = [frame * q - k * p for k, frame in enumerate(item.frames)]
    low, high = max(offsets), min(offsets) + q
    phase = item.shot.phase * q
    return item.first + Fraction(phase if low <= phase < high else low, q) if low < high else None


def sound_left_out(bound: Sequence[Bound], rate: Fraction) -> list[str]:
    """A sentence that names the shots whose medium has sound which is not heard, for their speed; none without them."""
    silent = (b.shot.name for b in bound if b.medium and b.medium.audio and _begin(b, rate) is None)
    names = list(dict.fromkeys(silent))
    if not names:
        return []
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return [f"{', '.join(names[:3])}{more}: played at another speed; the sound is left out"]


def _resampled(sound: vs.AudioNode, like: vs.AudioNode) -> vs.AudioNode:
    if _format(sound) == _format(like):
        return sound
    return core.std.AudioResample(
        sound,
        samplerate=like.sample_rate,
        sampletype=int(like.sample_type),
        bits=like.bits_per_sample,
        channels=[channel for channel in range(64) if like.channel_layout >> channel & 1],
    )


def _format(sound: vs.AudioNode) -> tuple[int, ...]:
    return sound.sample_rate, int(sound.sample_type), sound.bits_per_sample, sound.channel_layout


def _silence(like: vs.AudioNode, samples: int) -> vs.AudioNode:
    return core.std.BlankAudio(like, length=samples, keep=True)
