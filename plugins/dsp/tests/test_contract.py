from __future__ import annotations

import numpy as np
import pytest
from tiny import addon, loaded

from voxstack.testing import Case, parametrize_with_checks
from voxstack_dsp.fade import Fade
from voxstack_dsp.gain import Gain
from voxstack_dsp.gaussian_sample import GaussianSample
from voxstack_dsp.inverse_stft import InverseSTFT
from voxstack_dsp.limiter import Limiter
from voxstack_dsp.noise import Noise
from voxstack_dsp.pace import Pace
from voxstack_dsp.prosody import Prosody
from voxstack_dsp.resample import Resample

RANDOM = np.random.default_rng(7)
VOLUMES = np.array([0.0, 6.0, -np.inf, -6.0, 0.0])
BY_TOKEN = loaded(Gain(hop_length=40), addon())
LOUD = (RANDOM.standard_normal(9000) * np.repeat([0.1, 2.0, 0.1], 3000)).astype(np.float32)


def spectra(frames: int, n_fft: int) -> np.ndarray:
    return RANDOM.standard_normal((frames, 2 * (n_fft // 2 + 1))).astype(np.float32)


@parametrize_with_checks(
    [
        Case(InverseSTFT(), source=spectra(97, 800)),
        Case(InverseSTFT(n_fft=32, hop_length=8), source=spectra(120, 32)),
        Case(InverseSTFT(n_fft=31, hop_length=7), source=spectra(120, 31)),
        Case(InverseSTFT(n_fft=32, hop_length=8, centered=True), source=spectra(120, 32)),
        Case(InverseSTFT(n_fft=16, hop_length=16, centered=True), source=spectra(120, 16)),
        Case(InverseSTFT(n_fft=16, hop_length=16), source=spectra(120, 16)),
        Gain(db=-6.0),
        Gain(),
        Case(Gain(db=3.0), utterance={"volume": -7.5}),
        Case(BY_TOKEN, {"volumes": VOLUMES, "durations": np.array([3.0, 1.0, 20.0, 5.0, 90.0])}, LOUD),
        Case(BY_TOKEN, {"volumes": VOLUMES, "durations": np.array([3, 1, 20, 5, 90]), "volume": -6.0}, LOUD),
        Case(Pace(rate=2.0), utterance={"durations": np.array([3.0, 4.0], np.float32), "rate": 1.1}),
        Case(
            loaded(Pace(), addon()),
            utterance={
                "durations": np.array([3.3, 4.0, 9.9], np.float32),
                "pauses": np.array([np.nan, np.nan, 0.5]),
                "rates": np.array([1.0, 2.0, 1.0]),
                "silences": np.array([True, False, True]),
                "pause": 0.5,
            },
        ),
        Case(
            Prosody(),
            utterance={
                "lf0": np.array([5.19, 5.3, 5.14], np.float32),
                "level": np.array([-60.0, -30.5, -32.0], np.float32),
                "silences": np.array([True, False, False]),
                "pitch": 2.0,
                "pitch_range": 1.5,
                "energy": -3.0,
            },
        ),
        Case(Prosody(), utterance={"lf0": np.zeros(0, np.float32), "level": np.zeros(0, np.float32)}),
        Case(GaussianSample(), source=RANDOM.standard_normal((97, 6)).astype(np.float32)),
        Case(
            GaussianSample(scale=0.5),
            {"seed": 7, "noise_scale": 0.3},
            RANDOM.standard_normal((97, 10)).astype(np.float32),
        ),
        Case(Noise("noise", like="tokens", features=2), utterance={"tokens": np.arange(5)}),
        Case(
            Noise("noise", like="mel", features=80, distribution="uniform"),
            utterance={"mel": np.zeros((9, 3)), "seed": 2},
        ),
        Resample(16000, 22050),
        Resample(16000, 48000, quality="QQ"),
        Resample(24000, 16000, quality="LQ"),
        Resample(16000, 96000, quality="MQ"),
        Resample(16000, 16000),
        Case(Limiter(16000), source=LOUD),
        Case(Limiter(16000, lookahead_ms=0.0, release_ms=0.0), source=LOUD),
        Limiter(16000, ceiling_db=0.0, release_ms=7.0),
        Fade(16000),
        Fade(16000, in_ms=0.0, out_ms=0.0),
        Fade(16000, shape="linear"),
    ]
)
def test_contract(case, check):
    check(case)


@pytest.mark.parametrize(
    "block", [InverseSTFT(n_fft=32, hop_length=8), Limiter(8000), Resample(8000, 11025), Fade(8000), Gain(db=1.0)]
)
def test_empty_chunks_change_nothing(block):
    whole = spectra(50, 32) if isinstance(block, InverseSTFT) else LOUD
    pieces = [whole[:0], whole[:20], whole[20:20], whole[20:], whole[:0]]
    made = np.concatenate(list(block.stream(iter(pieces), {})))
    np.testing.assert_array_equal(made, np.concatenate(list(block.stream(iter([whole]), {}))))
    assert list(block.stream(iter([]), {})) == []
