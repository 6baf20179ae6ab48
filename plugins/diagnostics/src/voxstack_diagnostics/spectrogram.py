"""The block ``Spectrogram``, which reports the spectra of a stream of samples."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, NetworkError, PluginError, Resources, StreamableBlock, Utterance
from voxstack_diagnostics.spectral_frames import SpectralFrames
from voxstack_diagnostics.stream_reports import append, check_path, log_end, report_end, write_late_lines

_LOG = logging.getLogger("voxstack.spectrogram")


@dataclass
class Spectrogram(StreamableBlock):
    """Passes samples, (samples,) floating point, through unchanged, and reports their spectrogram.

    When the stream has ended, failed, or was closed early, one line goes to the log ``voxstack.spectrogram`` (INFO):
    frames, bands, and the highest, the mean and the lowest level. The levels of all frames, in dB to a tenth, where a
    sine of full scale has 0 and nothing is below -100, go to ``path``: ``"frames"``, (frames, bands).

    :param mels: number of mel bands; None for all bins of the transform.
    :param n_fft: samples of a frame, under a Hann window.
    :param hop_length: samples from one frame to the next.
    :param longest_s: seconds whose frames are kept; those after them count in the log alone.
    :param sample_rate: sample rate, Hz; by default the addon's.
    :param name: part of every report, to tell spectrograms apart.
    :param path: file to which one line of JSON is appended for each stream; its folder must exist.
    """

    mels: int | None = field(default=80, metadata={"minimum": 1, "maximum": 512})
    n_fft: int = field(default=1024, metadata={"minimum": 2, "maximum": 65_536})
    hop_length: int = field(default=256, metadata={"minimum": 1, "maximum": 65_536})
    longest_s: float = field(default=60.0, metadata={"minimum": 0, "maximum": 3600})
    sample_rate: int | None = field(default=None, metadata={"minimum": 1, "maximum": 384_000})
    name: str = "spectrogram"
    path: str | None = None
    _rate: int | None = field(default=None, init=False, repr=False, compare=False)

    takes = "samples"
    makes = "samples"

    def load(self, addon: Resources) -> None:
        self._rate = self.sample_rate or addon.config["sample_rate"]
        check_path(self.path, addon)

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        rate = self._rate or self.sample_rate
        if rate is None:
            problem = "Spectrogram has no sample rate"
            raise PluginError(f"{problem}: set its field sample_rate, or call load(addon) before it runs")
        collected = _Collected(self, rate)
        with report_end(lambda end: self._report(collected, end)):
            for chunk in source:
                write_late_lines()
                if not isinstance(chunk, np.ndarray) or chunk.ndim != 1 or chunk.dtype.kind != "f":
                    form = f"{chunk.dtype} {chunk.shape}" if isinstance(chunk, np.ndarray) else type(chunk).__name__
                    raise NetworkError(f"Spectrogram: takes samples, (samples,), float32; the block before gave {form}")
                collected.add(chunk)
                yield chunk

    def _report(self, collected: _Collected, end: str) -> None:
        message = "%s: %s: %d frames of %d bands, level %.1f to %.1f dB, mean %.1f"
        log_end(_LOG, end, message, self.name, end, collected.count, collected.bands, *collected.levels())
        if self.path is not None:
            row = {"sample_rate": collected.rate, "hop_length": self.hop_length, "mels": self.mels}
            frames = [[round(level, 1) for level in frame.tolist()] for part in collected.kept for frame in part]
            append(self.path, end, {"spectrogram": self.name, "end": end, **row, "frames": frames}, _LOG)


class _Collected:
    """The frames of one stream.

    :param block: its settings.
    :param rate: sample rate, Hz.
    """

    def __init__(self, block: Spectrogram, rate: int) -> None:
        self.rate, self.count = rate, 0
        self.kept: list[np.ndarray] = []
        self._room = round(block.longest_s * rate / block.hop_length) if block.path is not None else 0
        self._frames = SpectralFrames(block.n_fft, block.hop_length, rate, block.mels)
        self._low, self._high, self._sum = np.inf, -np.inf, 0.0

    @property
    def bands(self) -> int:
        """Levels of a frame."""
        return self._frames.bands

    def add(self, samples: np.ndarray) -> None:
        """Add the next samples."""
        finite = np.nan_to_num(samples.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        frames = self._frames.read(finite)
        if len(frames):
            self.count += len(frames)
            self._low, self._high = min(self._low, float(frames.min())), max(self._high, float(frames.max()))
            self._sum += float(frames.mean()) * len(frames)
            if self._room > 0:
                self.kept.append(frames[: self._room])
                self._room -= len(self.kept[-1])

    def levels(self) -> tuple[float, float, float]:
        """Return the lowest, the highest and the mean level, dB; NaN if there are no frames."""
        if not self.count:
            return (np.nan, np.nan, np.nan)
        return self._low, self._high, self._sum / self.count
