"""SpeechT5 in transformers (``SpeechT5ForTextToSpeech`` with a ``SpeechT5HifiGan``): attention-based, step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from voxstack.networks import Autoregressive, State
from voxstack_importers import transformers_originals as originals
from voxstack_importers.controls import SEED, who
from voxstack_importers.stacks import by_sentence
from voxstack_importers.transformers_exports import PLAIN, drawn
from voxstack_importers.transformers_files import Converted, Pretrained
from voxstack_importers.transformers_reading import read_as_speecht5
from voxstack_importers.transformers_speecht5_modules import Postnet, Speakers, Step, TextEncoder
from voxstack_packager import NetworkSource, PackagingError

STEPS_PER_TOKEN = 20.0  # frames a token at most, as ``generate_speech`` has them


def converted(pretrained: Pretrained, *, vocoder: str | None = None, speakers: str | None = None) -> Converted:
    """The networks and the stack of a SpeechT5.

    :param vocoder: the folder of a ``SpeechT5HifiGan``.
    :param speakers: a file of x-vectors: ``.npy``, (features,) or (speakers, features), or ``.npz``, one a speaker, by name. Without
        one there is one speaker, whose embedding is zeros.
    :raises PackagingError: if one of them is missing or is something else.
    """
    if vocoder is None:
        problem = "a SpeechT5 makes mel-spectrograms; give the folder of its SpeechT5HifiGan with --vocoder"
        raise PackagingError(str(pretrained.folder), problem)
    model, original = pretrained.model(), pretrained.model()
    gan = Pretrained.open(Path(vocoder), ("SpeechT5HifiGan",)).model()
    config = model.config
    names, table = _speakers(speakers, config.speaker_embedding_dim)
    reading = read_as_speecht5(pretrained)
    steps = {
        "type": "AutoregressiveDecoder",
        "steps_per_token": STEPS_PER_TOKEN / config.reduction_factor,
        "spare_steps": 0,
    }
    behind = [steps, {"type": "Decoder", "network": "postnet"}, {"type": "Decoder", "network": "vocoder"}]
    blocks = [*reading.blocks, {"type": "Speakers", "names": names, "default": names[0]}]
    return Converted(
        networks=[_encoder(model), _step(model), *_behind(model, gan), _who(table)],
        reference=originals.SpeechT5Reference(blocks, original, gan, table),
        stack=by_sentence(reading.language, [*blocks, {"type": "Encoders"}], behind),
        controls={**SEED, **(who(names) if len(names) > 1 else {})},
        sample_rate=gan.config.sampling_rate,
        hop_length=math.prod(gan.config.upsample_rates),
        text=reading.text,
        language=reading.language,
    )


def _memory(config: Any) -> dict[str, Any]:
    return {
        name: ("float32", ["batch", "tokens", config.decoder_layers * config.hidden_size])
        for name in ("keys", "values")
    }


def _encoder(model: Any) -> NetworkSource:
    config = model.config
    return NetworkSource(
        name="encoder",
        role="encoder",
        module=TextEncoder(model),
        inputs={"tokens": ("int64", ["batch", "tokens"]), "mask": ("float32", ["batch", "tokens"], True)},
        outputs=_memory(config),
        examples=lambda rng, sizes: {"tokens": rng.integers(4, config.vocab_size, (sizes["batch"], sizes["tokens"]))},
        description="Tokens to keys and values for all layers of the decoder",
        **PLAIN,
    )


def _step(model: Any) -> NetworkSource:
    config = model.config
    bands, channels = config.num_mel_bins, config.decoder_layers * config.hidden_size
    units = config.speech_decoder_prenet_layers * config.speech_decoder_prenet_units

    def examples(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
        batch, speaker = sizes["batch"], drawn(rng, sizes["batch"], config.speaker_embedding_dim)
        return {
            **{name: drawn(rng, batch, sizes["tokens"], channels) for name in ("keys", "values")},
            "speaker": speaker / np.linalg.norm(speaker, axis=1, keepdims=True),
            "previous": drawn(rng, batch, bands),
            "number": rng.integers(0, 50, (batch, 1)),
            "cache": drawn(rng, batch, sizes["past"], 2 * channels),
            "dropout": rng.random((batch, units), np.float32),
        }

    return NetworkSource(
        name="step",
        role="decoder",
        module=Step(model),
        inputs={
            **_memory(config),
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
        description="One step of the decoder: keys, values and the frame said last to the next frames",
        **PLAIN,
    )


def _behind(model: Any, gan: Any) -> list[NetworkSource]:
    bands = model.config.num_mel_bins
    if gan.config.model_in_dim != bands:
        raise PackagingError(
            "vocoder",
            f"takes {gan.config.model_in_dim} bands, and this SpeechT5 makes {bands}; give the vocoder made for it",
        )
    frames, mel = ({name: ("float32", ["batch", "frames", bands])} for name in ("frames", "mel"))
    return [
        NetworkSource(
            name="postnet",
            role="decoder",
            module=Postnet(model.speech_decoder_postnet),
            inputs=frames,
            outputs=mel,
            examples=lambda rng, sizes: {"frames": drawn(rng, sizes["batch"], sizes["frames"], bands)},
            streaming="frames",
            stateful=True,
            description="Frames of the steps to log-mels",
            **PLAIN,
        ),
        NetworkSource(
            name="vocoder",
            role="vocoder",
            module=gan,
            inputs=mel,
            outputs={"samples": ("float32", ["batch", "samples"])},
            examples=lambda rng, sizes: {"mel": drawn(rng, sizes["batch"], sizes["frames"], bands)},
            streaming="frames",
            description="Log-mels to samples: HiFi-GAN",
            **PLAIN,
        ),
    ]


def _who(table: np.ndarray) -> NetworkSource:
    return NetworkSource(
        name="speakers",
        role="encoder",
        module=Speakers(torch.from_numpy(table)),
        inputs={"speaker_id": ("int64", ["batch"])},
        outputs={"speaker": ("float32", ["batch", table.shape[1]])},
        examples=lambda rng, sizes: {"speaker_id": rng.integers(0, len(table), sizes["batch"])},
        description="The x-vector of each speaker, of length 1",
        **PLAIN,
    )


def _speakers(file: str | None, features: int) -> tuple[list[str], np.ndarray]:
    """Names of speakers and their x-vectors, (speakers, features) float32."""
    if file is None:
        return ["default"], np.zeros((1, features), np.float32)
    try:
        read = np.load(file, allow_pickle=False)
        rows = dict(read) if hasattr(read, "files") else {str(i): row for i, row in enumerate(np.atleast_2d(read))}
    except (OSError, ValueError) as error:
        raise PackagingError(
            file, f"cannot be read as .npy or .npz ({error}); give x-vectors of {features} numbers each"
        ) from error
    for name, row in rows.items():
        if row.reshape(-1).shape != (features,):
            raise PackagingError(
                file, f"speaker {name!r} has the shape {row.shape}; an x-vector for this model has {features} numbers"
            )
    return list(rows), np.stack([row.reshape(-1) for row in rows.values()]).astype(np.float32)
