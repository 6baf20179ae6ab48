"""Amber without voxstack's blocks: bare ONNX Runtime sessions in plain loops, as one would wire the voice into a service.

The text front end and the arithmetic of the inverse STFT are taken from the plugins, so that what is compared is the wiring.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnxruntime

import voxstack
from voxstack.addon import Addon
from voxstack_dsp import InverseSTFT
from voxstack_text.sentences import sentences
from voxstack_upsampler.positions import positions


def session(path: Any) -> onnxruntime.InferenceSession:
    """A session as the ``onnx`` runtime opens it: one thread, no spinning."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Networks:
    """The networks of amber, each in a session of its own, and the text front end."""

    def __init__(self) -> None:
        addon = Addon.open("amber", voxstack.Registry.installed())
        specs = addon.networks
        self.sample_rate: int = addon.config["sample_rate"]
        self.text = voxstack.build({"type": "Text"}, addon)
        self.to_samples = InverseSTFT(n_fft=800, hop_length=200)
        names = ("encoder", "durations", "decoder", "vocoder")
        self.encoder, self.durations, self.decoder, self.vocoder = (session(specs[name].export("onnx", "onnx")) for name in names)

    def encode(self, sentence: str) -> tuple[np.ndarray, np.ndarray]:
        """(tokens, 192) encoded, (tokens,) whole frames."""
        tokens = self.text({"text": sentence})["tokens"][None]
        mask = np.ones(tokens.shape[:2], np.float32)
        (encoded,) = self.encoder.run(None, {"tokens": tokens, "mask": mask})
        (durations,) = self.durations.run(None, {"encoded": encoded, "mask": mask})
        frames = np.maximum(np.diff(np.rint(np.cumsum(durations[0].astype(np.float64))), prepend=0), 1).astype(np.int64)
        return encoded[0], frames


def upsampled(encoded: np.ndarray, durations: np.ndarray) -> np.ndarray:
    """(frames, 196): the encoding of every frame, with its positions."""
    return np.concatenate([np.repeat(encoded, durations, 0), positions(durations)], 1)


def whole_sentences(networks: Networks, text: str) -> Iterator[np.ndarray]:
    """Samples of one sentence after the other, each by one call of each network."""
    for _, sentence, *_ in sentences(text):
        yield whole(networks, *networks.encode(sentence))


def whole(networks: Networks, encoded: np.ndarray, durations: np.ndarray) -> np.ndarray:
    """Samples of a sentence by one call of each network."""
    frames = upsampled(encoded, durations)[None]
    mask = np.ones(frames.shape[:2], np.float32)
    (mel,) = networks.decoder.run(None, {"frames": frames, "mask": mask})
    (spectra,) = networks.vocoder.run(None, {"mel": mel, "mask": mask})
    return np.concatenate(list(networks.to_samples.stream(iter([spectra[0]]), {})))
