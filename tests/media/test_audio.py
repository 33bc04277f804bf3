"""Sound cut to the sample."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs
from hypothesis import given
from hypothesis import strategies as st

from vsfilmrestore.media.audio import cut_audio, sample_position, silence, splice_audio

from .makers import samples, write_wav

core = vs.core
NTSC = Fraction(30000, 1001)
RATES = [Fraction(24), Fraction(25), Fraction(18), Fraction(24000, 1001), NTSC, Fraction(50, 3)]


@pytest.fixture
def counting(tmp_path: Path) -> vs.AudioNode:
    """Samples 1, 2, 3 ... 20000."""
    path = write_wav(tmp_path / "count.wav", np.arange(1, 20_001).astype(np.int16))
    return core.bs.AudioSource(str(path), cachemode=0)


@given(frame=st.integers(0, 10**7), rate=st.sampled_from(RATES), sample_rate=st.sampled_from([44100, 48000, 96000]))
def test_positions_are_nearest_and_rise(frame: int, rate: Fraction, sample_rate: int) -> None:
    here = sample_position(frame, rate, sample_rate)
    assert abs(here - frame * sample_rate / rate) <= Fraction(1, 2)
    assert here < sample_position(frame + 1, rate, sample_rate)


def test_ntsc_cadence() -> None:
    at = [sample_position(n, NTSC, 48000) for n in range(6)]
    assert at == [0, 1602, 3203, 4805, 6406, 8008]


def test_pieces_put_together_are_the_whole(counting: vs.AudioNode) -> None:
    whole = samples(cut_audio(counting, 0, 11, NTSC))
    pieces = [samples(cut_audio(counting, a, b, NTSC)) for a, b in ((0, 0), (1, 4), (5, 5), (6, 11))]
    assert len(whole) == sample_position(12, NTSC, 48000)
    assert np.array_equal(np.concatenate(pieces), whole)
    assert whole[0] == 1


def test_silence_stands_where_there_is_no_sound(counting: vs.AudioNode) -> None:
    early = samples(cut_audio(counting, -2, 1, Fraction(24)))
    assert len(early) == 8000
    assert not early[:4000].any()
    assert np.array_equal(early[4000:], np.arange(1, 4001))
    late = samples(cut_audio(counting, 9, 11, Fraction(24)))
    assert np.array_equal(late[:2000], np.arange(18001, 20001))
    assert len(late) == 6000
    assert not late[2000:].any()
    assert not samples(cut_audio(counting, 100, 101, Fraction(24))).any()
    with pytest.raises(ValueError, match="before the first"):
        cut_audio(counting, 5, 4, NTSC)


def test_an_uncut_sound_is_left_alone(counting: vs.AudioNode) -> None:
    assert cut_audio(counting, 0, 9, Fraction(24)) is counting


def test_shots_never_drift(counting: vs.AudioNode) -> None:
    lengths = [1, 2, 1, 1, 3, 1]
    parts: list[vs.AudioNode | None] = [cut_audio(counting, 1, n, NTSC) for n in lengths]
    parts[2] = None
    joined = splice_audio(parts, lengths, NTSC)
    assert joined is not None
    assert joined.num_samples == sample_position(sum(lengths), NTSC, 48000)
    data, at = samples(joined), 0
    for part, length in zip(parts, lengths, strict=True):
        begin = sample_position(at, NTSC, 48000)
        assert data[begin] == (0 if part is None else 1603)
        at += length
    assert splice_audio([None, None], [1, 2], NTSC) is None
    with pytest.raises(ValueError, match="differ"):
        splice_audio([counting, core.std.BlankAudio(samplerate=44100, length=99)], [1, 1], NTSC)


def test_silence_knows_its_place(counting: vs.AudioNode) -> None:
    assert silence(counting, 1, NTSC).num_samples == 1602
    assert silence(counting, 1, NTSC, at=1).num_samples == 1601
    with pytest.raises(ValueError, match="at least one frame"):
        silence(counting, 0, NTSC)
