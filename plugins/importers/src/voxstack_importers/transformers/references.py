"""Models of transformers as references: they synthesize a request with the noise that the addon's blocks draw."""

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
from voxstack_importers.description import Spec
from voxstack_importers.references import SentenceReference
from voxstack_importers.vits.blocks import frame_noise


@dataclass(frozen=True)
class VitsReference(SentenceReference):
    """A ``VitsModel``.

    :param sample: the block that samples frames.
    """

    sample: Spec
    model: Any

    def speech(self, addon: Addon, utterance: voxstack.Utterance) -> np.ndarray:
        """Synthesize a sentence: (samples,) float32."""
        model = self.model
        model.speaking_rate, model.noise_scale = (
            model.config.speaking_rate * utterance["rate"],
            utterance["noise_scale"],
        )
        model.noise_scale_duration = utterance.get("noise_scale_duration", model.noise_scale_duration)

        def randn(*_: Any, **__: Any) -> torch.Tensor:
            return _as_channels(utterance["duration_noise"])

        def randn_like(like: torch.Tensor) -> torch.Tensor:
            return _as_channels(frame_noise(self.sample, addon, utterance, like.shape[2], like.shape[1]))

        speaker = {"speaker_id": int(utterance["speaker_id"])} if "speaker_id" in utterance else {}
        with replaced_random(randn=randn, randn_like=randn_like):
            return _samples(model(torch.from_numpy(utterance["tokens"])[None], **speaker).waveform)


@dataclass(frozen=True)
class SpeechT5Reference(SentenceReference):
    """A ``SpeechT5ForTextToSpeech`` with its vocoder.

    :param speakers: x-vectors, (speakers, features).
    """

    model: Any
    vocoder: Any
    speakers: np.ndarray

    def speech(self, addon: Addon, utterance: voxstack.Utterance) -> np.ndarray:
        """Synthesize a sentence: (samples,) float32."""
        config = self.model.config
        layers, units = config.speech_decoder_prenet_layers, config.speech_decoder_prenet_units
        steps = generator(utterance, "dropout")
        pending: list[np.ndarray] = []

        def bernoulli(like: torch.Tensor, p: float) -> torch.Tensor:
            """Return a mask whose last row, that of the step, is drawn; those of earlier steps have no effect."""
            if not pending:
                pending.extend(np.split(steps.random((1, layers * units), np.float32)[0], layers))
            mask = torch.zeros_like(like)
            mask[-1] = torch.from_numpy((pending.pop(0) < p).astype(np.float32))
            return mask

        tokens = torch.from_numpy(utterance["tokens"])[None]
        speaker = torch.from_numpy(self.speakers[int(utterance["speaker_id"])])[None]
        with replaced_random(bernoulli=bernoulli):
            return _samples(self.model.generate_speech(tokens, speaker, vocoder=self.vocoder))


@dataclass(frozen=True)
class FastSpeech2Reference(SentenceReference):
    """A ``FastSpeech2ConformerWithHifiGan``.

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


def _as_channels(noise: np.ndarray) -> torch.Tensor:
    """Return (steps, features) as (1, features, steps)."""
    return torch.from_numpy(np.ascontiguousarray(noise.T[None]))


def _samples(waveform: torch.Tensor) -> np.ndarray:
    samples: np.ndarray = waveform.reshape(-1).numpy().astype(np.float32)
    return samples


@contextmanager
def replaced_random(**functions: Callable[..., torch.Tensor]) -> Iterator[None]:
    """Replace functions of torch that draw random numbers, and compute no gradients."""
    originals = {name: getattr(torch, name) for name in functions}
    try:
        for name, function in functions.items():
            setattr(torch, name, function)
        with torch.no_grad():
            yield
    finally:
        for name, function in originals.items():
            setattr(torch, name, function)
