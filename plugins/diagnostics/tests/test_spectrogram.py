from __future__ import annotations

import json
import logging

import numpy as np
import pytest
from scipy.signal import stft
from tiny import addon, loaded

import voxstack
from voxstack_diagnostics.spectral_frames import SpectralFrames, mel_bands
from voxstack_diagnostics.spectrogram import Spectrogram

RATE = 16_000
NOISE = (np.random.default_rng(1).standard_normal(RATE) * 0.1).astype(np.float32)


def frames(samples: np.ndarray, parts: int, *settings) -> np.ndarray:
    spectra = SpectralFrames(*settings)
    return np.concatenate([spectra.read(part) for part in np.array_split(samples, parts)])


def test_linear_levels_are_those_of_scipy():
    made = frames(NOISE, 9, 512, 128, RATE)
    _, _, expected = stft(NOISE.astype(np.float64), RATE, nperseg=512, noverlap=384, boundary=None, padded=False)
    np.testing.assert_allclose(made, 20 * np.log10(2 * np.abs(expected.T)), atol=1e-3)


@pytest.mark.parametrize(("n_fft", "hop"), [(256, 100), (64, 500), (33, 33)])
def test_frames_do_not_depend_on_how_the_samples_are_cut(n_fft, hop):
    whole = frames(NOISE, 1, n_fft, hop, RATE, 20)
    assert len(whole) == (len(NOISE) - n_fft) // hop + 1
    for parts in (7, 901):
        np.testing.assert_allclose(frames(NOISE, parts, n_fft, hop, RATE, 20), whole, atol=1e-4)


@pytest.mark.parametrize(("n_fft", "rate", "mels"), [(1024, 22_050, 80), (800, 16_000, 80), (512, 48_000, 64)])
def test_mel_bands_are_those_of_slaney(n_fft, rate, mels):
    """As another implementation of the same scale has them, but for the height of the triangles."""
    pytest.importorskip("transformers")
    from transformers.audio_utils import mel_filter_bank

    reference = mel_filter_bank(n_fft // 2 + 1, mels, 0, rate / 2, rate, norm=None, mel_scale="slaney")
    held = reference.sum(0) > 0
    np.testing.assert_allclose(
        mel_bands(n_fft, rate, mels)[:, held], (reference / reference.sum(0))[:, held], atol=1e-6
    )
    np.testing.assert_allclose(mel_bands(n_fft, rate, mels).sum(0), 1)


def test_a_sine_of_full_scale_has_0_db_in_its_bin():
    sine = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    levels = frames(sine, 3, 512, 256, RATE)
    assert levels.max() == pytest.approx(0, abs=0.01)
    assert (levels.argmax(1) == 1000 * 512 // RATE).all()
    assert frames(np.zeros(1000, np.float32), 1, 512, 256, RATE).max() == -100


def test_the_block_reports_its_frames(caplog, tmp_path):
    caplog.set_level(logging.INFO, "voxstack.spectrogram")
    path = tmp_path / "s.jsonl"
    block = Spectrogram(40, 512, 200, sample_rate=RATE, name="out", path=str(path))
    made = list(block.stream(iter(np.array_split(NOISE, 5)), {}))
    np.testing.assert_array_equal(np.concatenate(made), NOISE)
    row = json.loads(path.read_text())
    np.testing.assert_allclose(row["frames"], frames(NOISE, 1, 512, 200, RATE, 40), atol=0.051)
    assert (row["spectrogram"], row["sample_rate"], row["hop_length"], row["mels"]) == ("out", RATE, 200, 40)
    assert caplog.messages[0].startswith("out: ended: 78 frames of 40 bands, level -")


def test_the_sample_rate_is_the_addon_s(caplog):
    caplog.set_level(logging.INFO, "voxstack.spectrogram")
    for block in (loaded(Spectrogram(n_fft=64), addon(sample_rate=8000)), Spectrogram(n_fft=64, sample_rate=8000)):
        list(block.stream(iter([NOISE]), {}))
    assert caplog.messages[0] == caplog.messages[1]


def test_only_so_much_is_kept(tmp_path):
    path = tmp_path / "s.jsonl"
    block = Spectrogram(40, 512, 200, longest_s=0.25, sample_rate=RATE, path=str(path))
    list(block.stream(iter(np.array_split(NOISE, 5)), {}))
    assert len(json.loads(path.read_text())["frames"]) == 20


def test_a_stream_of_less_than_a_frame_or_with_a_nan_is_reported(caplog):
    caplog.set_level(logging.INFO, "voxstack.spectrogram")
    block = Spectrogram(sample_rate=RATE)
    list(block.stream(iter([NOISE[:100]]), {}))
    list(block.stream(iter([np.full(2000, np.nan, np.float32)]), {}))
    assert caplog.messages == [
        "spectrogram: ended: 0 frames of 80 bands, level nan to nan dB, mean nan",
        "spectrogram: ended: 4 frames of 80 bands, level -100.0 to -100.0 dB, mean -100.0",
    ]


def test_what_is_no_audio_is_an_error():
    with pytest.raises(voxstack.NetworkError, match=r"Spectrogram: takes samples, \(samples,\), float32; .* \(2, 3\)"):
        list(Spectrogram(sample_rate=RATE).stream(iter([np.ones((2, 3))]), {}))
    with pytest.raises(voxstack.PluginError, match="Spectrogram has no sample rate: set its field"):
        list(Spectrogram().stream(iter([NOISE]), {}))
