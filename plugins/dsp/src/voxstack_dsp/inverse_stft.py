"""From spectra to samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, NetworkError, StackError, StreamableBlock, Utterance, windows

_LEAST_WEIGHT = 1e-3  # where the windows add up to less than this, they are not divided out


@dataclass
class InverseSTFT(StreamableBlock):
    """Turns short-time spectra into samples: (frames, 2 * bins) float32 to (frames * hop_length,) float32.

    A frame holds the real parts of its bins, then the imaginary parts. Each is transformed back, windowed (Hann, periodic),
    and added to its neighbours; the sum is divided by the sum of the squared windows (Griffin and Lim, Signal estimation from
    modified short-time Fourier transform, IEEE ASSP 32(2), 1984, eq. 6). Frame ``t`` covers ``n_fft`` samples from
    ``hop_length * t - side`` on, ``side = (n_fft - hop_length) // 2``; what lies outside of the stream is dropped.

    The overlap is kept as windowed frames, never as sums, and added from the oldest frame to the newest. So the samples do
    not depend, not by a bit, on how the stream is cut.

    :param n_fft: samples that a frame covers, the size of the transform; there are ``n_fft // 2 + 1`` bins.
    :param hop_length: samples from one frame to the next, at most ``n_fft``.
    """

    n_fft: int = field(default=800, metadata={"minimum": 2})
    hop_length: int = field(default=200, metadata={"minimum": 1})

    takes = "spectra"
    makes = "samples"

    @property
    def lookahead(self) -> int:
        return -(-self._side // self.hop_length)

    @property
    def hop(self) -> float:
        return float(self.hop_length)

    def load(self, addon: object) -> None:
        if self.hop_length > self.n_fft:
            problem = f"{self.hop_length} samples is more than a frame covers (n_fft is {self.n_fft}); make it smaller"
            raise StackError("hop_length", problem)

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        behind = (self.n_fft - 1 - self._side) // self.hop_length
        window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.n_fft) / self.n_fft)).astype(np.float32)
        parts = list(self._parts(behind))
        squares = np.square(window)
        full = self._weight(squares, behind + 1 + self.lookahead, behind, 1, parts)
        ahead = "schedule" in utterance and not utterance["schedule"].urgent  # then a sentence that comes whole is one window
        for frames, skip, size, _ in windows(self._pieces(source, window), behind, self.lookahead, read_ahead=ahead):
            edge = skip < behind or len(frames) - skip - size < self.lookahead
            weight = self._weight(squares, len(frames), skip, size, parts) if edge else full
            yield (self._overlap_add(frames, skip, size, parts) / weight).reshape(-1)

    @property
    def _side(self) -> int:
        return (self.n_fft - self.hop_length) // 2

    def _pieces(self, source: Frames, window: np.ndarray) -> Iterator[np.ndarray]:
        """The windowed signal of each frame, (frames, n_fft)."""
        bins = self.n_fft // 2 + 1
        for chunk in source:
            if chunk.ndim != 2 or chunk.shape[1] != 2 * bins:
                what = f"expected (frames, {2 * bins}): {bins} real parts, then {bins} imaginary ones, as n_fft is {self.n_fft}"
                raise NetworkError(f"InverseSTFT: {what}; got {chunk.shape}. Set n_fft to what the network was trained with")
            spectra = np.empty((len(chunk), bins), np.complex64)
            spectra.real, spectra.imag = chunk[:, :bins], chunk[:, bins:]
            signal = np.fft.irfft(spectra, self.n_fft, axis=1).astype(np.float32, copy=False)  # numpy 1 gives float64
            signal *= window
            yield signal

    def _parts(self, behind: int) -> Iterator[tuple[int, slice, slice]]:
        """What falls into one block of ``hop_length`` samples: (which frame, seen from the block's own; part of that frame;
        part of the block), from the oldest frame to the newest."""
        for frame in range(-behind, self.lookahead + 1):
            start = self._side - frame * self.hop_length
            low, high = max(0, start), min(self.n_fft, start + self.hop_length)
            yield frame, slice(low, high), slice(low - start, high - start)

    def _overlap_add(self, pieces: np.ndarray, skip: int, size: int, parts: list[tuple[int, slice, slice]]) -> np.ndarray:
        """Return blocks ``skip`` to ``skip + size`` of the sum, (size, hop_length)."""
        blocks = np.zeros((size, self.hop_length), np.float32)
        for frame, taken, place in parts:
            first = max(0, -skip - frame)
            last = min(size, len(pieces) - skip - frame)
            if first < last:
                blocks[first:last, place] += pieces[skip + frame + first : skip + frame + last, taken]
        return blocks

    def _weight(self, squares: np.ndarray, count: int, skip: int, size: int, parts: list[tuple[int, slice, slice]]) -> np.ndarray:
        """Return what the same blocks of ``count`` frames are divided by; less where there are no frames on one side."""
        frames = np.broadcast_to(squares, (count, self.n_fft))
        weight: np.ndarray = np.maximum(self._overlap_add(frames, skip, size, parts), np.float32(_LEAST_WEIGHT))
        return weight
