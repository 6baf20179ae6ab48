"""FastSpeech 2 with conformers in transformers (``FastSpeech2ConformerWithHifiGan``): explicit durations, a decoder that sees all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack_importers import transformers_originals as originals
from voxstack_importers.controls import rate, who
from voxstack_importers.stacks import by_sentence
from voxstack_importers.transformers_exports import PLAIN, drawn
from voxstack_importers.transformers_fastspeech2_modules import Decoder, TextEncoder
from voxstack_importers.transformers_files import Converted, Pretrained
from voxstack_importers.transformers_reading import read_as_fastspeech2
from voxstack_packager import NetworkSource, PackagingError

SAMPLE_RATE = 22050
"""Of voices whose configuration says nothing, as transformers has no place for it there: that of those that exist, in Hz."""


def converted(pretrained: Pretrained, *, sample_rate: str | None = None, phonemes: str = "english") -> Converted:
    """The networks and the stack of a ``FastSpeech2ConformerWithHifiGan``.

    :param sample_rate: in Hz.
    :param phonemes: ``english``, or ``text`` where what is said is written in phones.
    :raises PackagingError: if one of them is something else, or the model needs to be told more than who speaks, by number.
    """
    samples = sample_rate or (pretrained.config.get("vocoder_config") or {}).get("sampling_rate", SAMPLE_RATE)
    if not str(samples).isdecimal():
        raise PackagingError(
            "sample_rate", f"is {samples!r}, and should be a number of samples a second, such as {SAMPLE_RATE}"
        )
    whole, original = pretrained.model(), pretrained.model()
    model, vocoder = whole.model, whole.vocoder
    if model.multilingual_model or model.speaker_embed_dim:
        problem = "its model wants a language or a speaker embedding beside the text, which is not taken here; such models are refused"
        raise PackagingError(str(pretrained.folder), problem)
    if phonemes not in ("english", "text"):
        raise PackagingError(
            "phonemes", f"is {phonemes!r}; it is 'english', or 'text' where what is said is written in phones"
        )
    reading = read_as_fastspeech2(pretrained, written=phonemes == "text")
    names = [str(one) for one in range(model.config.num_speakers)] if model.multispeaker_model else []
    blocks = [*reading.blocks, *([{"type": "Speakers", "names": names, "default": names[0]}] if names else [])]
    first = [
        *blocks,
        {"type": "Encoders", "networks": ["text"]},
        {"type": "Expand", "least": 0},
        {"type": "Encoders", "networks": ["decoder"]},
    ]
    behind = [
        {"type": "WholeFrames", "tensor": "mel", "makes_stream": "mel"},
        {"type": "Decoder", "network": "vocoder"},
    ]
    return Converted(
        networks=_networks(model, vocoder, len(names)),
        reference=originals.FastSpeech2Reference(blocks, original, float(original.model.config.speaking_speed)),
        stack=by_sentence(reading.language, first, behind),
        controls={**rate(), **(who(names) if names else {})},
        sample_rate=int(samples),
        hop_length=math.prod(vocoder.config.upsample_rates),
        text=reading.text,
        language=reading.language,
    )


def _networks(model: Any, vocoder: Any, speakers: int) -> list[NetworkSource]:
    config = model.config
    channels, bands = config.hidden_size, config.num_mel_bins
    longer = "frames" if config.reduction_factor == 1 else "longer"

    def of_text(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
        batch = sizes["batch"]
        made = {
            "tokens": rng.integers(1, config.vocab_size, (batch, sizes["tokens"])),
            "rate": rng.uniform(0.5, 2, batch).astype(np.float32),
        }
        return {**made, "speaker_id": rng.integers(0, speakers, batch)} if speakers else made

    return [
        NetworkSource(
            name="text",
            role="encoder",
            module=TextEncoder(model),
            inputs={
                "tokens": ("int64", ["batch", "tokens"]),
                "rate": ("float32", ["batch"]),
                **({"speaker_id": ("int64", ["batch"])} if speakers else {}),
            },
            outputs={
                "encoded": ("float32", ["batch", "tokens", channels]),
                "durations": ("float32", ["batch", "tokens"]),
            },
            examples=of_text,
            description="Tokens to what is known of them, with pitch and energy, and to whole frames",
            **PLAIN,
        ),
        NetworkSource(
            name="decoder",
            role="decoder",
            module=Decoder(model),
            inputs={"frames": ("float32", ["batch", "frames", channels])},
            outputs={"mel": ("float32", ["batch", longer, bands])},
            examples=lambda rng, sizes: {"frames": drawn(rng, sizes["batch"], sizes["frames"], channels)},
            description="All frames of a sentence to log-mels: each attends to all others",
            **PLAIN,
        ),
        NetworkSource(
            name="vocoder",
            role="vocoder",
            module=vocoder,
            inputs={"mel": ("float32", ["batch", "frames", bands])},
            outputs={"samples": ("float32", ["batch", "samples"])},
            examples=lambda rng, sizes: {"mel": drawn(rng, sizes["batch"], sizes["frames"], bands)},
            streaming="frames",
            description="Log-mels to samples: HiFi-GAN",
            **PLAIN,
        ),
    ]
