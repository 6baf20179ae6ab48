"""SpeechT5 in transformers (``SpeechT5ForTextToSpeech`` with a ``SpeechT5HifiGan``), which decodes step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from voxstack.networks import Autoregressive, State
from voxstack_importers.description import SEED, Spec, sentence_stack, speaker
from voxstack_importers.transformers.hifigan import MelVocoder
from voxstack_importers.transformers.pretrained import Conversion, Pretrained
from voxstack_importers.transformers.references import SpeechT5Reference
from voxstack_importers.transformers.sources import network_source, normal
from voxstack_importers.transformers.speecht5_modules import Postnet, Speakers, Step, TextEncoder
from voxstack_importers.transformers.tokenizers import speecht5_reading
from voxstack_packager import NetworkSource, PackagingError

FRAMES_PER_TOKEN = 20.0
"""Limit of frames for each token, as ``generate_speech`` has it."""


def convert(pretrained: Pretrained, *, vocoder: str | None = None, speakers: str | None = None) -> Conversion:
    """Return the networks and the stack of a SpeechT5.

    :param vocoder: the folder of a ``SpeechT5HifiGan``.
    :param speakers: a file of x-vectors: ``.npy``, (features,) or (speakers, features), or ``.npz``, one for each
        speaker by name. By default there is one speaker, whose x-vector is zeros.
    :raises PackagingError: if one of them is missing, or does not fit the model.
    """
    if vocoder is None:
        problem = "a SpeechT5 computes mel-spectrograms; give the folder of its SpeechT5HifiGan with --vocoder"
        raise PackagingError(str(pretrained.folder), problem)
    gan_folder = Pretrained.open(Path(vocoder), ("SpeechT5HifiGan",))
    reading = speecht5_reading(pretrained)
    model, gan = pretrained.model(), gan_folder.model()
    config = model.config
    names, table = _read_speakers(speakers, config.speaker_embedding_dim)
    blocks = [*reading.blocks, {"type": "Speakers", "names": names, "default": names[0]}]
    steps_per_token = FRAMES_PER_TOKEN / config.reduction_factor
    streamed: list[Spec] = [
        {"type": "AutoregressiveDecoder", "steps_per_token": steps_per_token, "spare_steps": 0},
        {"type": "Decoder", "network": "postnet"},
        {"type": "Decoder", "network": "vocoder"},
    ]
    return Conversion(
        networks=[_encoder(model), _step(model), _postnet(model), _vocoder(model, gan), _speakers(table)],
        reference=SpeechT5Reference(blocks, model, gan, table),
        stack=sentence_stack(reading.language, [*blocks, {"type": "Encoders"}], streamed),
        controls={**SEED, **(speaker(names) if len(names) > 1 else {})},
        sample_rate=gan.config.sampling_rate,
        hop_length=math.prod(gan.config.upsample_rates),
        text=reading.text,
        language=reading.language,
    )


def _keys_and_values(config: Any) -> dict[str, Any]:
    channels = config.decoder_layers * config.hidden_size
    return {name: ("float32", ["batch", "tokens", channels]) for name in ("keys", "values")}


def _encoder(model: Any) -> NetworkSource:
    config = model.config
    return network_source(
        name="encoder",
        role="encoder",
        module=TextEncoder(model),
        inputs={"tokens": ("int64", ["batch", "tokens"]), "mask": ("float32", ["batch", "tokens"], True)},
        outputs=_keys_and_values(config),
        examples=lambda rng, sizes: {"tokens": rng.integers(4, config.vocab_size, (sizes["batch"], sizes["tokens"]))},
        description="Tokens to keys and values for all layers of the decoder",
    )


def _step(model: Any) -> NetworkSource:
    config = model.config
    bands, channels = config.num_mel_bins, config.decoder_layers * config.hidden_size
    units = config.speech_decoder_prenet_layers * config.speech_decoder_prenet_units

    def examples(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
        batch, x_vectors = sizes["batch"], normal(rng, sizes["batch"], config.speaker_embedding_dim)
        return {
            **{name: normal(rng, batch, sizes["tokens"], channels) for name in ("keys", "values")},
            "speaker": x_vectors / np.linalg.norm(x_vectors, axis=1, keepdims=True),
            "previous": normal(rng, batch, bands),
            "number": rng.integers(0, 50, (batch, 1)),
            "cache": normal(rng, batch, sizes["past"], 2 * channels),
            "dropout": rng.random((batch, units), np.float32),
        }

    return network_source(
        name="step",
        role="decoder",
        module=Step(model),
        inputs={
            **_keys_and_values(config),
            "mask": ("float32", ["batch", "tokens"], True),
            "speaker": ("float32", ["batch", config.speaker_embedding_dim]),
            "previous": ("float32", ["batch", bands]),
            "number": ("int64", ["batch", 1]),
            "cache": ("float32", ["batch", "past", 2 * channels]),
            "dropout": ("float32", ["batch", units]),
        },
        outputs={
            "frames": ("float32", ["batch", config.reduction_factor, bands]),
            "stop": ("float32", ["batch", 1]),
            "attention": ("float32", ["batch", "tokens"]),
            "previous_next": ("float32", ["batch", bands]),
            "number_next": ("int64", ["batch", 1]),
            "cache_next": ("float32", ["batch", "longer", 2 * channels]),
        },
        examples=examples,
        autoregressive=Autoregressive(
            "frames",
            "stop",
            {name: State(f"{name}_next") for name in ("previous", "number", "cache")},
            "attention",
            {"dropout": "uniform"},
        ),
        description="One step of the decoder: keys, values and the previous frame to the next frames",
    )


def _postnet(model: Any) -> NetworkSource:
    bands = model.config.num_mel_bins
    return network_source(
        name="postnet",
        role="decoder",
        module=Postnet(model.speech_decoder_postnet),
        inputs={"frames": ("float32", ["batch", "frames", bands]), "mask": ("float32", ["batch", "frames"], True)},
        outputs={"mel": ("float32", ["batch", "frames", bands])},
        examples=lambda rng, sizes: {"frames": normal(rng, sizes["batch"], sizes["frames"], bands)},
        streaming="frames",
        stateful=True,
        description="Frames of the steps to log-mels",
    )


def _vocoder(model: Any, gan: Any) -> NetworkSource:
    bands = model.config.num_mel_bins
    if gan.config.model_in_dim != bands:
        problem = f"reads {gan.config.model_in_dim} bands, and this SpeechT5 computes {bands}"
        raise PackagingError("vocoder", f"{problem}; give the vocoder that was trained with it")
    return network_source(
        name="vocoder",
        role="vocoder",
        module=MelVocoder(gan),
        inputs={"mel": ("float32", ["batch", "frames", bands]), "mask": ("float32", ["batch", "frames"], True)},
        outputs={"samples": ("float32", ["batch", "samples"])},
        examples=lambda rng, sizes: {"mel": normal(rng, sizes["batch"], sizes["frames"], bands)},
        streaming="frames",
        stateful=True,
        description="Log-mels to samples: HiFi-GAN",
    )


def _speakers(table: np.ndarray) -> NetworkSource:
    return network_source(
        name="speakers",
        role="encoder",
        module=Speakers(torch.from_numpy(table)),
        inputs={"speaker_id": ("int64", ["batch"])},
        outputs={"speaker": ("float32", ["batch", table.shape[1]])},
        examples=lambda rng, sizes: {"speaker_id": rng.integers(0, len(table), sizes["batch"])},
        description="The x-vector of each speaker, of length 1",
    )


def _read_speakers(file: str | None, features: int) -> tuple[list[str], np.ndarray]:
    """Return the names of speakers and their x-vectors, (speakers, features) float32."""
    if file is None:
        return ["default"], np.zeros((1, features), np.float32)
    try:
        content = np.load(file, allow_pickle=False)
        if isinstance(content, np.ndarray):
            rows = {str(number): row for number, row in enumerate(np.atleast_2d(content))}
        else:
            rows = dict(content)
    except (OSError, ValueError) as error:
        problem = f"cannot be read as .npy or .npz ({error}); give x-vectors of {features} numbers each"
        raise PackagingError(file, problem) from error
    for name, row in rows.items():
        if row.reshape(-1).shape != (features,):
            problem = f"speaker {name!r} has the shape {row.shape}; an x-vector for this model has {features} numbers"
            raise PackagingError(file, problem)
    return list(rows), np.stack([row.reshape(-1) for row in rows.values()]).astype(np.float32)
