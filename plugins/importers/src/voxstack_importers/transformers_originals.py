"""Models of transformers as references: they synthesize a request with the noise that the voice draws for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import voxstack
from voxstack.networks.addon import Addon
from voxstack.streaming.seeds import generator
from voxstack_importers.stacks import SentenceReference


@dataclass(frozen=True)
class VitsReference(SentenceReference):
    """A ``VitsModel``.

    :param model: one of which no part was changed.
    """

    model: Any

    def speech(self, addon: Addon, utterance: voxstack.Utterance) -> np.ndarray:
        """Synthesize a sentence: (samples,) float32."""
        model, config = self.model, self.model.config
        model.speaking_rate, model.noise_scale = config.speaking_rate * utterance["rate"], utterance["noise_scale"]
        model.noise_scale_duration = utterance.get("noise_scale_duration", model.noise_scale_duration)

        def of_frames(like: torch.Tensor) -> torch.Tensor:
            block = voxstack.build({"type": "GaussianSample"}, addon)
            standard = np.zeros((like.shape[2], 2 * like.shape[1]), np.float32)
            return _turned(next(block.stream(iter([standard]), {**utterance, "noise_scale": 1.0})))

        of_durations: Callable[..., torch.Tensor] = lambda *_, **__: _turned(utterance["duration_noise"])  # noqa: E731
        speaker = {"speaker_id": int(utterance["speaker_id"])} if "speaker_id" in utterance else {}
        with _drawing(randn=of_durations, randn_like=of_frames):
            return _samples(model(torch.from_numpy(utterance["tokens"])[None], **speaker).waveform)


@dataclass(frozen=True)
class SpeechT5Reference(SentenceReference):
    """A ``SpeechT5ForTextToSpeech`` with its vocoder.

    :param model: one of which no part was changed, and its ``vocoder``.
    :param speakers: (speakers, features).
    """

    model: Any
    vocoder: Any
    speakers: np.ndarray

    def speech(self, addon: Addon, utterance: voxstack.Utterance) -> np.ndarray:
        """Synthesize a sentence: (samples,) float32."""
        config = self.model.config
        layers, units = config.speech_decoder_prenet_layers, config.speech_decoder_prenet_units
        steps = generator(utterance, "dropout")
        drawn: list[np.ndarray] = []

        def dropout(like: torch.Tensor, p: float) -> torch.Tensor:
            """Of the step that is made, the last row; what is drawn for steps that are over is not looked at."""
            if not drawn:
                drawn.extend(np.split(steps.random((1, layers * units), np.float32)[0], layers))
            mask = torch.zeros_like(like)
            mask[-1] = torch.from_numpy((drawn.pop(0) < p).astype(np.float32))
            return mask

        tokens = torch.from_numpy(utterance["tokens"])[None]
        speaker = torch.from_numpy(self.speakers[int(utterance["speaker_id"])])[None]
        with _drawing(bernoulli=dropout):
            return _samples(self.model.generate_speech(tokens, speaker, vocoder=self.vocoder))


@dataclass(frozen=True)
class FastSpeech2Reference(SentenceReference):
    """A ``FastSpeech2ConformerWithHifiGan``.

    :param model: one of which no part was changed.
    :param slowness: factor on durations at a rate of 1.
    """

    model: Any
    slowness: float

    def speech(self, addon: Addon, utterance: voxstack.Utterance) -> np.ndarray:
        """Synthesize a sentence: (samples,) float32."""
        self.model.model.config.speaking_speed = self.slowness / utterance["rate"]
        speaker = torch.tensor([[int(utterance["speaker_id"])]]) if "speaker_id" in utterance else None
        with torch.no_grad():
            return _samples(self.model(torch.from_numpy(utterance["tokens"])[None], speaker_ids=speaker).waveform)


def _turned(noise: np.ndarray) -> torch.Tensor:
    """(steps, features) to (1, features, steps)."""
    return torch.from_numpy(np.ascontiguousarray(noise.T[None]))


def _samples(waveform: torch.Tensor) -> np.ndarray:
    made: np.ndarray = waveform.reshape(-1).numpy().astype(np.float32)
    return made


@contextmanager
def _drawing(**functions: Callable[..., torch.Tensor]) -> Iterator[None]:
    """Have these functions of torch give noise that is given, instead of drawing it, and compute no gradients."""
    kept = {name: getattr(torch, name) for name in functions}
    try:
        for name, function in functions.items():
            setattr(torch, name, function)
        with torch.no_grad():
            yield
    finally:
        for name, function in kept.items():
            setattr(torch, name, function)
