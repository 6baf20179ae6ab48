from __future__ import annotations

import numpy as np
import pytest

import voxstack
from voxstack.testing import Case
from voxstack_dsp.inverse_stft import InverseSTFT

SIZES = [(800, 200), (32, 8), (31, 7), (30, 11), (16, 16), (1024, 256)]


def hann(n_fft: int) -> np.ndarray:
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)


def reference(spectra: np.ndarray, n_fft: int, hop: int, centered: bool = False) -> np.ndarray:
    """Return the whole signal, computed a frame at a time, in float64."""
    bins, window = n_fft // 2 + 1, hann(n_fft)
    side = n_fft // 2 if centered else (n_fft - hop) // 2
    joined, weight = np.zeros((2, (len(spectra) - 1) * hop + n_fft))
    for t, frame in enumerate(spectra.astype(np.float64)):
        joined[t * hop : t * hop + n_fft] += np.fft.irfft(frame[:bins] + 1j * frame[bins:], n_fft) * window
        weight[t * hop : t * hop + n_fft] += window**2
    inner = slice(side, side + (len(spectra) - centered) * hop)
    return joined[inner] / np.maximum(weight[inner], 1e-3)


def stft(samples: np.ndarray, n_fft: int, hop: int) -> np.ndarray:
    side = (n_fft - hop) // 2
    padded = np.pad(samples, (side, n_fft - hop - side), mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop] * hann(n_fft)
    spectra = np.fft.rfft(frames, axis=1)
    return np.concatenate([spectra.real, spectra.imag], 1).astype(np.float32)


@pytest.mark.parametrize(("n_fft", "hop"), SIZES)
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 6, 40])
def test_equals_the_whole_signal_transform(n_fft, hop, frames):
    spectra = np.random.default_rng(frames).standard_normal((frames, 2 * (n_fft // 2 + 1))).astype(np.float32)
    expected = reference(spectra, n_fft, hop)
    for sizes in ([frames], [1], [3]):
        output = Case(InverseSTFT(n_fft, hop), source=spectra).run(sizes, frames)
        assert output.dtype == np.float32
        assert output.shape == (frames * hop,)
        np.testing.assert_allclose(output, expected, atol=1e-5 * np.abs(expected).max(), rtol=1e-5)


@pytest.mark.parametrize(("n_fft", "hop"), SIZES)
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 6, 40])
def test_centered_frames_are_where_they_are_centered(n_fft, hop, frames):
    spectra = np.random.default_rng(frames).standard_normal((frames, 2 * (n_fft // 2 + 1))).astype(np.float32)
    expected = reference(spectra, n_fft, hop, centered=True)
    for sizes in ([frames], [1], [3]):
        output = Case(InverseSTFT(n_fft, hop, centered=True), source=spectra).run(sizes, frames)
        assert output.shape == ((frames - 1) * hop,)
        np.testing.assert_allclose(output, expected, atol=1e-5 * np.abs(expected).max(initial=1.0), rtol=1e-5)


def test_centered_frames_are_those_of_torch():
    torch = pytest.importorskip("torch", reason="compares with torch.istft: pip install torch")
    spectra = np.random.default_rng(2).standard_normal((50, 2 * 513)).astype(np.float32)
    joined = torch.complex(*torch.from_numpy(spectra).T.contiguous().split(513))
    expected = torch.istft(joined, 1024, 256, window=torch.hann_window(1024), center=True).numpy()
    output = Case(InverseSTFT(1024, 256, centered=True), source=spectra).run([7], 50)
    np.testing.assert_allclose(output, expected, atol=1e-5 * np.abs(expected).max())


def test_gives_back_a_signal_up_to_its_edges():
    samples = np.random.default_rng(1).standard_normal(200 * 30).astype(np.float32)
    output = Case(InverseSTFT(), source=stft(samples, 800, 200)).run([4, 1, 9])
    np.testing.assert_allclose(output, samples, atol=2e-6)


@pytest.mark.parametrize(("n_fft", "hop"), SIZES)
def test_lookahead_is_no_more_than_needed(n_fft, hop):
    block = InverseSTFT(n_fft, hop)
    spectra = np.random.default_rng(2).standard_normal((20, 2 * (n_fft // 2 + 1))).astype(np.float32)
    changed = spectra.copy()
    changed[10 + block.lookahead] += 1
    before, after = (Case(block, source=x).run([20], 20).reshape(20, hop)[10] for x in (spectra, changed))
    assert (before != after).any(), "the last frame that it waits for contributes to the block"


def test_lookahead_of_the_voices():
    assert InverseSTFT().lookahead == 2
    assert InverseSTFT(1024, 256).lookahead == 2


def test_refuses_frames_of_another_size():
    with pytest.raises(voxstack.NetworkError, match=r"expected \(frames, 802\).*n_fft is 800.*got \(4, 514\)"):
        list(InverseSTFT().stream(iter([np.zeros((4, 514), np.float32)]), {}))


def test_refuses_a_hop_that_leaves_gaps():
    with pytest.raises(
        voxstack.StackError, match=r"hop_length: 300 samples is more than a frame covers \(n_fft is 200\)"
    ):
        InverseSTFT(200, 300).load(None)


def test_refuses_frames_that_overlap_without_end():
    InverseSTFT(640, 10).load(None)
    with pytest.raises(voxstack.StackError, match="hop_length: 9 samples lets more than 64 frames overlap"):
        InverseSTFT(640, 9).load(None)
