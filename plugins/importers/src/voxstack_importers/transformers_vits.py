"""VITS in transformers (``VitsModel``, as all MMS voices are): its networks, and the stack that streams them exactly."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import Tensor, nn

from voxstack_importers import transformers_originals as originals
from voxstack_importers.controls import SEED, noise_scale, number, rate, who
from voxstack_importers.stacks import by_sentence
from voxstack_importers.transformers_exports import PLAIN, drawn
from voxstack_importers.transformers_files import Converted, Pretrained
from voxstack_importers.transformers_reading import Reading, read_as_vits
from voxstack_importers.transformers_vits_durations import PredictedDurations, SampledDurations
from voxstack_importers.transformers_vits_text import TextEncoder
from voxstack_packager import NetworkSource


class Flow(nn.Module):
    """The flow backwards: ``frames`` (batch, frames, features), a sample, to ``latents`` (batch, frames, features)."""

    def __init__(self, flow: nn.Module) -> None:
        super().__init__()
        self.flow = flow

    def forward(self, frames: Tensor, mask: Tensor, speaker_embedding: Tensor | None = None) -> Tensor:
        speaker = None if speaker_embedding is None else speaker_embedding.unsqueeze(-1)
        return self.flow(frames.transpose(1, 2), mask.unsqueeze(1), speaker, reverse=True).transpose(1, 2)


class HifiGan(nn.Module):
    """``latents`` (batch, frames, features) to ``samples`` (batch, samples)."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, latents: Tensor, speaker_embedding: Tensor | None = None) -> Tensor:
        speaker = None if speaker_embedding is None else speaker_embedding.unsqueeze(-1)
        return self.decoder(latents.transpose(1, 2), speaker).squeeze(1)


class SpeakerTable(nn.Module):
    """``speaker_id`` (batch) to ``speaker_embedding`` (batch, features)."""

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__()
        self.table = table

    def forward(self, speaker_id: Tensor) -> Tensor:
        return self.table(speaker_id)


def converted(pretrained: Pretrained) -> Converted:
    """The networks and the stack of a ``VitsModel``.

    :raises PackagingError: if its tokenizer reads in a way that is not known here.
    """
    model, original = (pretrained.model(unused=("posterior_encoder.",)) for _ in range(2))
    config = model.config
    reading = read_as_vits(pretrained)
    names = [str(number) for number in range(config.num_speakers)] if config.num_speakers > 1 else []
    sampled = config.use_stochastic_duration_prediction
    blocks = _text_blocks(reading, names, sampled)
    return Converted(
        networks=networks(model),
        reference=originals.VitsReference(blocks, original),
        stack=_stack(reading.language, blocks, config.noise_scale),
        controls=_controls(names, sampled, config),
        sample_rate=config.sampling_rate,
        hop_length=math.prod(config.upsample_rates),
        text=reading.text,
        language=reading.language,
    )


def _text_blocks(reading: Reading, names: list[str], sampled: bool) -> list[Mapping[str, Any]]:
    """Return the blocks that compute what the networks read: tokens, the speaker, and noise for durations."""
    blocks = [*reading.blocks, *([{"type": "Speakers", "names": names, "default": names[0]}] if names else [])]
    noise = {"type": "Noise", "name": "duration_noise", "like": "tokens", "features": 2}
    return [*blocks, *([noise] if sampled else [])]


def _stack(language: str, blocks: list[Mapping[str, Any]], scale: float) -> list[Mapping[str, Any]]:
    behind = [
        {"type": "Upsampler", "positions": False, "least": 0, "contours": []},
        {"type": "GaussianSample", "scale": scale},
        {"type": "Decoder", "network": "flow"},
        {"type": "Decoder", "network": "vocoder"},
    ]
    return by_sentence(language, [*blocks, {"type": "Encoders"}], behind)


def _controls(names: list[str], sampled: bool, config: Any) -> dict[str, Any]:
    found = {**rate(), **noise_scale(config.noise_scale)}
    if sampled:
        found["noise_scale_duration"] = number(
            config.noise_scale_duration, 0.0, 2.0, "How much the length of sounds varies."
        )
    return {**found, **SEED, **(who(names) if names else {})}


Draw = Callable[[np.random.Generator, Mapping[str, int]], dict[str, np.ndarray]]


def networks(model: Any) -> list[NetworkSource]:
    """The parts of a ``VitsModel``, cut where streaming asks for it."""
    config = model.config
    features = config.flow_size
    speaker = (
        {"speaker_embedding": ("float32", ["batch", config.speaker_embedding_size])} if config.num_speakers > 1 else {}
    )

    def one(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
        return {"speaker_embedding": drawn(rng, sizes["batch"], config.speaker_embedding_size)} if speaker else {}

    made = [_text(model), _durations(model, speaker, one)]
    made.append(
        NetworkSource(
            name="flow",
            role="decoder",
            module=Flow(model.flow),
            inputs={
                "frames": ("float32", ["batch", "frames", features]),
                "mask": ("float32", ["batch", "frames"], True),
                **speaker,
            },
            outputs={"latents": ("float32", ["batch", "frames", features])},
            examples=lambda rng, sizes: {
                "frames": drawn(rng, sizes["batch"], sizes["frames"], features),
                **one(rng, sizes),
            },
            streaming="frames",
            stateful=True,
            description="A sample of the prior to latents: the flow, backwards",
            **PLAIN,
        )
    )
    made.append(
        NetworkSource(
            name="vocoder",
            role="vocoder",
            module=HifiGan(model.decoder),
            inputs={"latents": ("float32", ["batch", "frames", features]), **speaker},
            outputs={"samples": ("float32", ["batch", "samples"])},
            examples=lambda rng, sizes: {
                "latents": drawn(rng, sizes["batch"], sizes["frames"], features),
                **one(rng, sizes),
            },
            streaming="frames",
            description="Latents to samples: HiFi-GAN",
            **PLAIN,
        )
    )
    return [*made, _speakers(model)] if speaker else made


def _text(model: Any) -> NetworkSource:
    config = model.config
    return NetworkSource(
        name="text",
        role="encoder",
        module=TextEncoder(model.text_encoder),
        inputs={"tokens": ("int64", ["batch", "tokens"]), "mask": ("float32", ["batch", "tokens"], True)},
        outputs={
            "encoded": ("float32", ["batch", "tokens", 2 * config.flow_size]),
            "hidden": ("float32", ["batch", "tokens", config.hidden_size]),
        },
        examples=lambda rng, sizes: {"tokens": rng.integers(0, config.vocab_size, (sizes["batch"], sizes["tokens"]))},
        description="Tokens to the prior of the latents, means and logarithms of deviations",
        **PLAIN,
    )


def _durations(model: Any, speaker: Mapping[str, Any], one: Draw) -> NetworkSource:
    config = model.config
    sampled, channels = config.use_stochastic_duration_prediction, config.hidden_size
    noise = (
        {"duration_noise": ("float32", ["batch", "tokens", 2]), "noise_scale_duration": ("float32", ["batch"])}
        if sampled
        else {}
    )

    def examples(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
        batch, tokens = sizes["batch"], sizes["tokens"]
        made = {"hidden": drawn(rng, batch, tokens, channels), "rate": np.ones(batch, np.float32)}
        if sampled:
            made["duration_noise"] = drawn(rng, batch, tokens, 2)
            made["noise_scale_duration"] = np.full(batch, config.noise_scale_duration, np.float32)
        return {**made, **one(rng, sizes)}

    return NetworkSource(
        name="durations",
        role="encoder",
        module=SampledDurations(model) if sampled else PredictedDurations(model),
        inputs={
            "hidden": ("float32", ["batch", "tokens", channels]),
            **noise,
            "rate": ("float32", ["batch"]),
            "mask": ("float32", ["batch", "tokens"], True),
            **speaker,
        },
        outputs={"durations": ("float32", ["batch", "tokens"])},
        examples=examples,
        description="What is known of the tokens to whole frames that each lasts",
        **PLAIN,
    )


def _speakers(model: Any) -> NetworkSource:
    config = model.config
    return NetworkSource(
        name="speakers",
        role="encoder",
        module=SpeakerTable(model.embed_speaker),
        inputs={"speaker_id": ("int64", ["batch"])},
        outputs={"speaker_embedding": ("float32", ["batch", config.speaker_embedding_size])},
        examples=lambda rng, sizes: {"speaker_id": rng.integers(0, config.num_speakers, sizes["batch"])},
        description="The embedding of each speaker",
        **PLAIN,
    )
