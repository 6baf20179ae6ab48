"""FastSpeech 2 with conformers in transformers (``FastSpeech2ConformerWithHifiGan``).

It has explicit durations, and a decoder that attends to all frames.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack_importers.description import Spec, rate, sentence_stack, speaker
from voxstack_importers.transformers.fastspeech2_modules import Decoder, TextEncoder
from voxstack_importers.transformers.hifigan import MelVocoder
from voxstack_importers.transformers.pretrained import Conversion, Pretrained
from voxstack_importers.transformers.references import FastSpeech2Reference
from voxstack_importers.transformers.sources import network_source, normal
from voxstack_importers.transformers.tokenizers import fastspeech2_reading
from voxstack_packager import NetworkSource, PackagingError

SAMPLE_RATE = 22050
"""In Hz, that of existing voices; the configurations of transformers have no place for it."""


def convert(pretrained: Pretrained, *, sample_rate: str | None = None, phonemes: str = "english") -> Conversion:
    """Return the networks and the stack of a ``FastSpeech2ConformerWithHifiGan``.

    :param sample_rate: in Hz.
    :param phonemes: ``english``, or ``text`` if texts are written in phones.
    :raises PackagingError: if an option has another value, or the model needs more inputs than text and the number of a
        speaker.
    """
    samples = sample_rate or (pretrained.config.get("vocoder_config") or {}).get("sampling_rate", SAMPLE_RATE)
    if not str(samples).isdecimal():
        problem = f"is {samples!r}, and must be a number of samples a second, such as {SAMPLE_RATE}"
        raise PackagingError("sample_rate", problem)
    if phonemes not in ("english", "text"):
        raise PackagingError("phonemes", f"is {phonemes!r}; it is 'english', or 'text' if texts are written in phones")
    whole = pretrained.model()
    model, vocoder = whole.model, whole.vocoder
    if model.multilingual_model or model.speaker_embed_dim:
        problem = "its model needs a language or a speaker embedding besides the text, which no block provides"
        raise PackagingError(str(pretrained.folder), f"{problem}; such models are refused")
    reading = fastspeech2_reading(pretrained, written=phonemes == "text")
    names = [str(number) for number in range(model.config.num_speakers)] if model.multispeaker_model else []
    blocks: list[Spec] = list(reading.blocks)
    if names:
        blocks.append({"type": "Speakers", "names": names, "default": names[0]})
    return Conversion(
        networks=_networks(model, vocoder, len(names)),
        reference=FastSpeech2Reference(blocks, whole, float(model.config.speaking_speed)),
        stack=_stack(reading.language, blocks),
        controls={**rate(), **(speaker(names) if names else {})},
        sample_rate=int(samples),
        hop_length=math.prod(vocoder.config.upsample_rates),
        text=reading.text,
        language=reading.language,
    )


def _stack(language: str, blocks: list[Spec]) -> list[Spec]:
    whole: list[Spec] = [
        {"type": "Encoders", "networks": ["text"]},
        {"type": "Expand", "least": 0},
        {"type": "Encoders", "networks": ["decoder"]},
    ]
    streamed: list[Spec] = [
        {"type": "WholeFrames", "tensor": "mel", "makes_stream": "mel"},
        {"type": "Decoder", "network": "vocoder"},
    ]
    return sentence_stack(language, [*blocks, *whole], streamed)


def _networks(model: Any, vocoder: Any, speakers: int) -> list[NetworkSource]:
    config = model.config
    channels, bands = config.hidden_size, config.num_mel_bins
    mel_axis = "frames" if config.reduction_factor == 1 else "longer"
    return [
        _text(model, speakers),
        network_source(
            name="decoder",
            role="decoder",
            module=Decoder(model),
            inputs={"frames": ("float32", ["batch", "frames", channels])},
            outputs={"mel": ("float32", ["batch", mel_axis, bands])},
            examples=lambda rng, sizes: {"frames": normal(rng, sizes["batch"], sizes["frames"], channels)},
            description="All frames of a sentence to log-mels: each attends to all others",
        ),
        network_source(
            name="vocoder",
            role="vocoder",
            module=MelVocoder(vocoder),
            inputs={"mel": ("float32", ["batch", "frames", bands]), "mask": ("float32", ["batch", "frames"], True)},
            outputs={"samples": ("float32", ["batch", "samples"])},
            examples=lambda rng, sizes: {"mel": normal(rng, sizes["batch"], sizes["frames"], bands)},
            streaming="frames",
            stateful=True,
            description="Log-mels to samples: HiFi-GAN",
        ),
    ]


def _text(model: Any, speakers: int) -> NetworkSource:
    config = model.config
    inputs: dict[str, Any] = {"tokens": ("int64", ["batch", "tokens"]), "rate": ("float32", ["batch"])}
    if speakers:
        inputs["speaker_id"] = ("int64", ["batch"])

    def examples(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
        batch = sizes["batch"]
        arrays: dict[str, np.ndarray] = {
            "tokens": rng.integers(1, config.vocab_size, (batch, sizes["tokens"])),
            "rate": rng.uniform(0.5, 2, batch).astype(np.float32),
        }
        return {**arrays, "speaker_id": rng.integers(0, speakers, batch)} if speakers else arrays

    return network_source(
        name="text",
        role="encoder",
        module=TextEncoder(model),
        inputs=inputs,
        outputs={
            "encoded": ("float32", ["batch", "tokens", config.hidden_size]),
            "durations": ("float32", ["batch", "tokens"]),
        },
        examples=examples,
        description="Tokens to hidden states, with pitch and energy, and to whole frames",
    )
