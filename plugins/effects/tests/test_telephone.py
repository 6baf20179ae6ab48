"""The telephone: companding against the tables of G.711, its band, its length."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from voxstack_effects.g711 import companded
from voxstack_effects.telephone import Telephone

NUMBERS = np.arange(-32_768, 32_768).astype(np.int16)
FULL = 32_768

# ITU-T G.711, tables 1 and 2: decision values at the lower ends of segments, and values at the decoder output, for
# positive numbers; A-law in 12 bits and mu-law in 13 bits, here both as 16-bit numbers.
A_SEGMENTS = [(0, 16), (512, 32), (1024, 64), (2048, 128), (4096, 256), (8192, 512), (16_384, 1024)]
MU_OUTPUTS = [0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 132, 148, 164, 180]
MU_HIGHEST = [30_076, 31_100, 32_124]


def decoded(law: str) -> np.ndarray:
    return companded((NUMBERS / FULL).astype(np.float32), law) * FULL


def test_outputs_of_mu_law_are_those_of_the_table():
    outputs = np.unique(np.abs(decoded("mu-law")))
    assert outputs[:20].tolist() == MU_OUTPUTS
    assert outputs[-3:].tolist() == MU_HIGHEST
    assert len(outputs) == 128


def test_outputs_of_a_law_are_the_middles_of_their_intervals():
    table = decoded("A-law")
    for (start, step), stop in zip(A_SEGMENTS, [*[start for start, _ in A_SEGMENTS[1:]], FULL], strict=True):
        numbers = np.arange(start, stop)
        middles = numbers // step * step + step // 2
        np.testing.assert_array_equal(table[FULL + numbers], middles)
        np.testing.assert_array_equal(table[FULL - 1 - numbers], -middles)


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="Python 3.13 has no audioop")
@pytest.mark.filterwarnings("ignore:'audioop' is deprecated")
def test_both_laws_agree_with_those_of_python():
    import audioop

    def reference(numbers: np.ndarray, law: str) -> np.ndarray:
        encode, decode = (
            (audioop.lin2ulaw, audioop.ulaw2lin) if law == "mu-law" else (audioop.lin2alaw, audioop.alaw2lin)
        )
        return np.frombuffer(decode(encode(numbers.tobytes(), 2), 2), np.int16)

    np.testing.assert_array_equal(decoded("A-law"), reference(NUMBERS, "A-law"))
    mu = decoded("mu-law")
    np.testing.assert_array_equal(mu[FULL:], reference(NUMBERS[FULL:], "mu-law"))
    # It rounds negative numbers down to multiples of 4 before it encodes them, and not towards 0.
    np.testing.assert_array_equal(mu[: FULL - 4], reference(NUMBERS[: FULL - 4] + np.int16(4), "mu-law"))


def test_samples_beyond_full_scale_are_clipped():
    loud = np.array([1.0, 3.0, -2.0, np.inf, -np.inf, np.nan], np.float32)
    assert (companded(loud, "mu-law") * FULL).tolist() == [32_124, 32_124, -32_124, 32_124, -32_124, 0]


def run(block: Telephone, samples: np.ndarray) -> np.ndarray:
    return np.concatenate(list(block.stream(iter(np.array_split(samples, 9)), {})))


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 24_000, 44_100])
def test_only_the_band_passes(rate):
    seconds = np.arange(2 * rate) / rate
    for frequency, low, high in ((60, -200, -40), (1000, -0.5, 0.5), (2500, -0.5, 0.5), (3900, -200, -15)):
        tone = (0.5 * np.sin(2 * np.pi * frequency * seconds)).astype(np.float32)
        made = run(Telephone("none", sample_rate=rate), tone)
        assert len(made) == len(tone)
        level = 20 * np.log10(np.sqrt(np.mean(made[rate // 2 : -rate // 2] ** 2)) / np.sqrt(0.125))
        assert low <= level <= high, (frequency, level)


@pytest.mark.parametrize("law", ["mu-law", "A-law"])
def test_companding_leaves_38_db_between_speech_and_noise(law):
    """G.711 promises some 38 dB over a range of 30 dB of levels."""
    seconds = np.arange(32_000) / 16_000
    for amplitude in (0.9, 0.3, 0.05):
        tone = (amplitude * np.sin(2 * np.pi * 1020 * seconds)).astype(np.float32)
        clean, heard = (run(Telephone(one, sample_rate=16_000), tone)[4000:-4000] for one in ("none", law))
        ratio = 10 * np.log10(np.mean(clean**2) / np.mean((heard - clean) ** 2))
        assert 34 <= ratio <= 44, (amplitude, ratio)


def test_the_network_gives_8_khz():
    block = Telephone("A-law", "network", sample_rate=24_000)
    assert (block.hop, block.output_rate, Telephone(sample_rate=24_000).output_rate) == (1 / 3, 8000, None)
    assert len(run(block, np.zeros(24_001, np.float32))) == 8000


def test_sound_comes_no_later():
    click = np.zeros(16_000, np.float32)
    click[8000:8200] = 0.5 * np.sin(2 * np.pi * 1500 * np.arange(200) / 16_000)
    made = run(Telephone("none", sample_rate=16_000), click)
    middle = np.average(np.arange(16_000), weights=made.astype(np.float64) ** 2)
    assert 8100 <= middle <= 8100 + 16, "the filter alone delays, by less than a millisecond"
