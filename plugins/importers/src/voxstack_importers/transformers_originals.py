"""What transformers itself says of a request, with the noise that a voice draws for it: golden vectors are made of that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

import voxstack
from voxstack.streaming.seeds import generator
from voxstack_importers.stacks import made_whole

Original = Callable[[voxstack.Voice, voxstack.Utterance], np.ndarray]


def vits(model: Any) -> Original:
    """:param model: a ``VitsModel``, of which no part was changed."""

    def spoken(voice: voxstack.Voice, utterance: voxstack.Utterance) -> np.ndarray:
        made = made_whole(voice, utterance)
        model.speaking_rate, model.noise_scale = (
            model.config.speaking_rate * utterance["rate"],
            utterance["noise_scale"],
        )
        model.noise_scale_duration = utterance.get("noise_scale_duration", model.noise_scale_duration)

        def of_frames(like: torch.Tensor) -> torch.Tensor:
            block = voxstack.build({"type": "GaussianSample"}, voice.addon)
            standard = np.zeros((like.shape[2], 2 * like.shape[1]), np.float32)
            return _turned(next(block.stream(iter([standard]), {**utterance, "noise_scale": 1.0})))

        of_durations: Callable[..., torch.Tensor] = lambda *_, **__: _turned(made["duration_noise"])  # noqa: E731
        speaker = {"speaker_id": int(made["speaker_id"])} if "speaker_id" in made else {}
        with _drawing(randn=of_durations, randn_like=of_frames):
            return _samples(model(torch.from_numpy(made["tokens"])[None], **speaker).waveform)

    return spoken


def speecht5(model: Any, vocoder: Any, speakers: np.ndarray) -> Original:
    """:param model: a ``SpeechT5ForTextToSpeech`` and its ``vocoder``, of which no part was changed.
    :param speakers: (speakers, features).
    """
    layers, units = model.config.speech_decoder_prenet_layers, model.config.speech_decoder_prenet_units

    def spoken(voice: voxstack.Voice, utterance: voxstack.Utterance) -> np.ndarray:
        made = made_whole(voice, utterance)
        steps = generator(utterance, "dropout")
        drawn: list[np.ndarray] = []

        def dropout(like: torch.Tensor, p: float) -> torch.Tensor:
            """Of the step that is made, the last row; what is drawn for steps that are over is not looked at."""
            if not drawn:
                drawn.extend(np.split(steps.random((1, layers * units), np.float32)[0], layers))
            mask = torch.zeros_like(like)
            mask[-1] = torch.from_numpy((drawn.pop(0) < p).astype(np.float32))
            return mask

        speaker = torch.from_numpy(speakers[int(made["speaker_id"])])[None]
        with _drawing(bernoulli=dropout):
            return _samples(model.generate_speech(torch.from_numpy(made["tokens"])[None], speaker, vocoder=vocoder))

    return spoken


def fastspeech2(whole: Any) -> Original:
    """:param whole: a ``FastSpeech2ConformerWithHifiGan``, of which no part was changed."""
    slowness = float(whole.model.config.speaking_speed)

    def spoken(voice: voxstack.Voice, utterance: voxstack.Utterance) -> np.ndarray:
        made = made_whole(voice, utterance)
        whole.model.config.speaking_speed = slowness / utterance["rate"]
        speaker = torch.tensor([[int(made["speaker_id"])]]) if "speaker_id" in made else None
        with torch.no_grad():
            return _samples(whole(torch.from_numpy(made["tokens"])[None], speaker_ids=speaker).waveform)

    return spoken


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
