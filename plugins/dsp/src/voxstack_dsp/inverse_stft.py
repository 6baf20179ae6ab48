"""The block ``InverseSTFT``, which turns spectra into samples."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, NetworkError, StackError, StreamableBlock, Utterance
from voxstack.streaming.windows import Skipping, pulls
from voxstack_dsp.checks import floats

MAX_OVERLAP = 64
"""Frames that cover a sample; voices have 4 or 8."""

_MIN_WEIGHT = 1e-3  # the least sum of squared windows that is divided by


@dataclass
class InverseSTFT(StreamableBlock):
    """Turns short-time spectra into samples: (frames, 2 * bins) float32 to (frames * hop_length,) float32.

    A frame holds the real parts of its bins, then the imaginary parts. Each frame is transformed, windowed (Hann,
    periodic), and added to its neighbours; the sum is divided by the sum of the squared windows (Griffin and Lim,
    Signal estimation from modified short-time Fourier transform, IEEE ASSP 32(2), 1984, eq. 6). Frame ``t`` covers
    ``n_fft`` samples from ``hop_length * t - side`` on, ``side = (n_fft - hop_length) // 2``; samples outside the
    stream are dropped. If frames are centered, ``side = n_fft // 2``, and there are ``hop_length`` samples fewer in
    all, as in ``torch.istft(center=True)``.

    Every sample is summed from the oldest frame to the newest, wherever the stream is cut, so cuts do not change a
    single bit.

    :param n_fft: samples that a frame covers, the size of the transform; there are ``n_fft // 2 + 1`` bins.
    :param hop_length: samples from one frame to the next, at most ``n_fft``.
    :param centered: whether the middle of frame ``t`` is sample ``hop_length * t``, and not the middle of the
        ``hop_length`` samples from there on.
    """

    n_fft: int = field(default=800, metadata={"minimum": 2, "maximum": 65_536})
    hop_length: int = field(default=200, metadata={"minimum": 1, "maximum": 65_536})
    centered: bool = False

    takes = "spectra"
    makes = "samples"

    @property
    def lookahead(self) -> int:
        return -(-self._side // self.hop_length)

    @property
    def lookback(self) -> int:
        return _tables(self.n_fft, self.hop_length, self._side).older

    @property
    def hop(self) -> float:
        return float(self.hop_length)

    def load(self, addon: object) -> None:
        if self.hop_length > self.n_fft:
            problem = f"{self.hop_length} samples is more than a frame covers (n_fft is {self.n_fft}); reduce it"
            raise StackError("hop_length", problem)
        if self.hop_length * MAX_OVERLAP < self.n_fft:
            problem = f"{self.hop_length} samples lets more than {MAX_OVERLAP} frames overlap (n_fft is {self.n_fft})"
            raise StackError("hop_length", f"{problem}; increase it")

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        tables = _tables(self.n_fft, self.hop_length, self._side)
        # read ahead, a sentence that arrives as one chunk leaves as one chunk
        ahead = "schedule" in utterance and not utterance["schedule"].urgent
        # the sums of the blocks from ``done`` on, to which later frames contribute
        sums = np.zeros((0, self.hop_length), np.float32)
        done = fed = 0
        if (first := utterance.get("skip", 0) // self.hop_length - tables.older) > 0:
            skipping = Skipping(source, first)
            for count in skipping.counts():
                fed += count
                ready = fed - done - self.centered  # the stream may end here, and is a block shorter then
                if ready:
                    yield np.broadcast_to(np.float32(0), ready * self.hop_length)
                done += ready
            source = skipping.rest()
        checked = (floats(chunk, 2, "InverseSTFT", "spectra, (frames, 2 * bins)") for chunk in source)
        for spectra, last in pulls(checked, tables.newer, read_ahead=ahead):
            blocks = np.zeros((fed - done + len(spectra) + tables.older, self.hop_length), np.float32)
            blocks[: len(sums)] = sums
            if len(spectra):
                tables.add(self._signals(spectra, tables.window), blocks, fed - done)
            fed += len(spectra)
            count = fed - done - (self.centered if last else tables.newer)
            tables.divide(blocks[:count], done, fed if last else None)
            if count:
                yield blocks[:count].reshape(-1)
            sums, done = blocks[count:], done + count

    @property
    def _side(self) -> int:
        return self.n_fft // 2 if self.centered else (self.n_fft - self.hop_length) // 2

    def _signals(self, spectra: np.ndarray, window: np.ndarray) -> np.ndarray:
        """Return the windowed signal of each frame, (frames, n_fft)."""
        bins = self.n_fft // 2 + 1
        if spectra.shape[1] != 2 * bins:
            raise NetworkError(
                f"InverseSTFT: expected (frames, {2 * bins}): {bins} real parts, then {bins} imaginary ones, as n_fft "
                f"is {self.n_fft}; got {spectra.shape}. Set n_fft to the value that the network was trained with"
            )
        joined = np.empty((len(spectra), bins), np.complex64)
        joined.real, joined.imag = spectra[:, :bins], spectra[:, bins:]
        with np.errstate(invalid="ignore"):  # infinite spectra, whose samples the end of the stack refuses
            signals = np.fft.irfft(joined, self.n_fft, axis=1).astype(np.float32, copy=False)  # numpy 1 gives float64
            signals *= window
        return signals


class _Tables:
    """The overlap of frames, relative to a block: the ``hop_length`` samples that begin where a frame does.

    Besides its own frame, ``older`` frames before it and ``newer`` frames after it reach into a block.
    """

    def __init__(self, n_fft: int, hop_length: int, side: int) -> None:
        self.older, self.newer = (n_fft - 1 - side) // hop_length, -(-side // hop_length)
        self.window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)
        # a frame, relative to the block's own; the part of its signal; the part of the block that it is added to
        self._parts: list[tuple[int, slice, slice]] = []
        for frame in range(-self.older, self.newer + 1):
            start = side - frame * hop_length
            low, high = max(0, start), min(n_fft, start + hop_length)
            self._parts.append((frame, slice(low, high), slice(low - start, high - start)))
        self._weights = np.zeros((self.older + 1, self.newer + 1, hop_length), np.float32)
        squares = np.square(self.window)
        for older in range(self.older + 1):
            for newer in range(self.newer + 1):
                for frame, source, target in self._parts:
                    if -older <= frame <= newer:
                        self._weights[older, newer, target] += squares[source]
        np.maximum(self._weights, np.float32(_MIN_WEIGHT), out=self._weights)

    def add(self, signals: np.ndarray, blocks: np.ndarray, first: int) -> None:
        """Add signals to the blocks that they reach into, oldest frame first; row 0 begins at block ``first``."""
        for frame, source, target in self._parts:
            skip = max(0, frame - first)  # parts before the first block are dropped
            row = first + skip - frame
            blocks[row : row + max(0, len(signals) - skip), target] += signals[skip:, source]

    def divide(self, blocks: np.ndarray, first: int, total: int | None) -> None:
        """Divide blocks by the sums of the squared windows that they contain.

        :param first: number of the first block in the stream.
        :param total: number of frames of the stream, once its end is known.
        """
        inner = slice(max(0, self.older - first), len(blocks) if total is None else max(0, total - self.newer - first))
        blocks[inner] /= self._weights[self.older, self.newer]
        for row in (*range(min(inner.start, len(blocks))), *range(max(inner.start, inner.stop), len(blocks))):
            older = min(self.older, first + row)
            newer = self.newer if total is None else min(self.newer, total - 1 - first - row)
            blocks[row] /= self._weights[older, newer]


@functools.cache
def _tables(n_fft: int, hop_length: int, side: int) -> _Tables:
    return _Tables(n_fft, hop_length, side)
