"""Amber without voxstack's blocks: bare ONNX Runtime sessions in plain loops, as a service might wire the voice.

The text front end and the arithmetic of the inverse STFT come from the plugins, so that only the wiring is compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnxruntime

import voxstack
from voxstack.networks import first_states
from voxstack.networks.addon import Addon
from voxstack_dsp.inverse_stft import InverseSTFT
from voxstack_text.sentences.sentence_stream import split_sentences
from voxstack_upsampler.frame_positions import frame_positions


def session(path: Any) -> onnxruntime.InferenceSession:
    """Open a session as the ``onnx`` runtime does: one thread, no spinning."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class StatefulSession:
    """The stateful form of a network: a session, and the names of its states."""

    def __init__(self, spec: Any) -> None:
        form = spec.stateful
        self.session = session(form.export("onnx", "onnx"))
        self.input, self.end, self.first_states = form.streaming.input, form.streaming.end, lambda: first_states(form)
        self.outputs = [*form.streamed, *(state.next for state in form.streaming.states.values())]
        self.states = list(form.streaming.states)

    def run(
        self, frames: np.ndarray, states: dict[str, np.ndarray], last: bool
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the output frames, and the states for the next call."""
        outputs, *states_after = self.session.run(self.outputs, {self.input: frames, self.end: _FLAGS[last], **states})
        return outputs, dict(zip(self.states, states_after, strict=True))


_FLAGS = (np.zeros(1, np.int64), np.ones(1, np.int64))
_UNCUT = 10**9  # characters: no sentence is cut
_FFT, _HOP = 800, 200
_BINS, _SIDE = _FFT // 2 + 1, (_FFT - _HOP) // 2
_WINDOW = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FFT) / _FFT)).astype(np.float32)


class Networks:
    """The networks of amber, each in a session of its own, and the text front end."""

    def __init__(self) -> None:
        addon = Addon.open("amber", voxstack.Registry.installed())
        specs = addon.networks
        self.sample_rate: int = addon.config["sample_rate"]
        self.text = voxstack.build({"type": "Text"}, addon)
        self.to_samples = InverseSTFT(n_fft=800, hop_length=200)
        names = ("encoder", "durations", "prosody", "decoder", "vocoder")
        sessions = (session(specs[name].export("onnx", "onnx")) for name in names)
        self.encoder, self.durations, self.prosody, self.decoder, self.vocoder = sessions
        self.stateful_decoder = StatefulSession(specs["decoder"])
        self.stateful_vocoder = StatefulSession(specs["vocoder"])

    def encode(self, sentence: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (tokens, 192) encoded, (tokens,) durations in whole frames, and (tokens, 2) pitch and level."""
        tokens = self.text({"text": sentence})["tokens"][None]
        mask = np.ones(tokens.shape[:2], np.float32)
        (encoded,) = self.encoder.run(None, {"tokens": tokens, "mask": mask})
        (durations,) = self.durations.run(None, {"encoded": encoded, "mask": mask})
        frames = np.maximum(np.diff(np.rint(np.cumsum(durations[0].astype(np.float64))), prepend=0), 1).astype(np.int64)
        prosody = self.prosody.run(None, {"encoded": encoded, "mask": mask})
        return encoded[0], frames, np.stack([values[0] for values in prosody], 1)


def contours_of(prosody: np.ndarray, durations: np.ndarray) -> np.ndarray:
    """Return (frames, 2) pitch and level, interpolated linearly between the middles of tokens."""
    centres, middles = np.arange(durations.sum()) + 0.5, np.cumsum(durations) - durations / 2
    return np.stack([np.interp(centres, middles, values) for values in prosody.T], 1).astype(np.float32)


def whole_sentences(networks: Networks, text: str) -> Iterator[np.ndarray]:
    """Yield the samples of one sentence after the other, each from one call of each network."""
    for sentence in split_sentences(text, first=_UNCUT, longest=_UNCUT):
        yield whole_sentence(networks, *networks.encode(sentence.text))


def whole_sentence(networks: Networks, encoded: np.ndarray, durations: np.ndarray, prosody: np.ndarray) -> np.ndarray:
    """Return the samples of a sentence from one call of each network."""
    features = [np.repeat(encoded, durations, 0), frame_positions(durations), contours_of(prosody, durations)]
    frames = np.concatenate(features, 1)[None]
    mask = np.ones(frames.shape[:2], np.float32)
    (mel,) = networks.decoder.run(None, {"frames": frames, "mask": mask})
    (spectra,) = networks.vocoder.run(None, {"mel": mel, "mask": mask})
    return np.concatenate(list(networks.to_samples.stream(iter([spectra[0]]), {})))


def loop(
    networks: Networks, encoded: np.ndarray, durations: np.ndarray, prosody: np.ndarray, sizes: Iterator[int]
) -> Iterator[np.ndarray]:
    """Yield the samples of a sentence chunk by chunk, as an engineer would write it for this one voice.

    The states of both networks and the overlap of the inverse STFT are in local variables.

    :param sizes: frames of each chunk.
    """
    ends, contours = np.cumsum(durations), contours_of(prosody, durations)
    total, start, last = int(ends[-1]), 0, False
    decoder_states, vocoder_states = networks.stateful_decoder.first_states(), networks.stateful_vocoder.first_states()
    sums, weights = np.zeros(0, np.float32), np.zeros(0, np.float32)  # of the windows so far, from the next sample on
    yielded = 0
    while not last:
        size = next(sizes)
        stop = start + size if total - start - size > size // 2 else total
        last = stop == total
        first, until = int(np.searchsorted(ends, start, "right")), int(np.searchsorted(ends, stop, "left")) + 1
        skip = start - int(ends[first] - durations[first])
        part = durations[first:until]
        upsampled = np.concatenate([np.repeat(encoded[first:until], part, 0), frame_positions(part)], 1)
        frames = np.concatenate([upsampled[skip : skip + stop - start], contours[start:stop]], 1)[None]
        start = stop
        mel, decoder_states = networks.stateful_decoder.run(frames, decoder_states, last)
        spectra, vocoder_states = networks.stateful_vocoder.run(mel, vocoder_states, last)
        sums, weights = overlap_add(spectra[0], sums, weights, first=not yielded)
        count = len(sums) - (_SIDE if last else _FFT - _HOP)
        yield sums[:count] / np.maximum(weights[:count], 1e-3)
        sums, weights, yielded = sums[count:], weights[count:], yielded + count


def sentence_loop(networks: Networks, text: str, sizes: Iterator[int]) -> Iterator[np.ndarray]:
    """Yield the samples of the text of one sentence, as :func:`loop` does."""
    yield from loop(networks, *networks.encode(text), sizes)


def overlap_add(
    spectra: np.ndarray, sums: np.ndarray, weights: np.ndarray, first: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Add frames to the sums of their windowed signals and of their squared windows.

    :param first: whether these are the first frames; the first one begins before the first sample.
    """
    signals = np.fft.irfft(spectra[:, :_BINS] + 1j * spectra[:, _BINS:], _FFT, axis=1).astype(np.float32) * _WINDOW
    length = _HOP * (len(signals) - 1) + _FFT
    added, squares = np.zeros(length, np.float32), np.zeros(length, np.float32)
    for part in range(_FFT // _HOP):
        place = slice(part * _HOP, part * _HOP + _HOP * len(signals))
        inside = slice(part * _HOP, (part + 1) * _HOP)
        added[place] += signals[:, inside].reshape(-1)
        squares[place] += np.tile(np.square(_WINDOW[inside]), len(signals))
    added[: len(sums)] += sums
    squares[: len(weights)] += weights
    return (added[_SIDE:], squares[_SIDE:]) if first else (added, squares)
