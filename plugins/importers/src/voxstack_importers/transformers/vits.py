"""VITS in transformers (``VitsModel``, as all MMS voices): its networks, and the stack that streams them exactly."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from voxstack_importers.description import SEED, noise_scale, number, rate, sentence_stack, speaker
from voxstack_importers.transformers.pretrained import Conversion, Pretrained
from voxstack_importers.transformers.references import VitsReference
from voxstack_importers.transformers.sources import network_source, normal
from voxstack_importers.transformers.tokenizers import vits_reading
from voxstack_importers.transformers.vits_durations import PredictedDurations, SampledDurations
from voxstack_importers.transformers.vits_modules import Flow, LatentVocoder, SpeakerTable
from voxstack_importers.transformers.vits_text_encoder import TextEncoder
from voxstack_importers.vits.blocks import input_blocks, sample_block, streamed_blocks
from voxstack_packager import NetworkSource

Examples = Callable[[np.random.Generator, Mapping[str, int]], dict[str, np.ndarray]]


def convert(pretrained: Pretrained) -> Conversion:
    """Return the networks and the stack of a ``VitsModel``.

    :raises PackagingError: if its tokenizer reads text in a way that no block supports.
    """
    reading = vits_reading(pretrained)
    model = pretrained.model(unused=("posterior_encoder.",))
    config = model.config
    names = [str(number) for number in range(config.num_speakers)] if config.num_speakers > 1 else []
    sampled = config.use_stochastic_duration_prediction
    blocks = input_blocks(reading.blocks, names, names[0] if names else None, sampled)
    sample = sample_block(config.noise_scale)
    return Conversion(
        networks=VitsNetworks(model).cut(),
        reference=VitsReference(blocks, sample, model),
        stack=sentence_stack(reading.language, [*blocks, {"type": "Encoders"}], streamed_blocks(sample, "vocoder")),
        controls=_controls(names, sampled, config),
        sample_rate=config.sampling_rate,
        hop_length=math.prod(config.upsample_rates),
        text=reading.text,
        language=reading.language,
    )


def _controls(names: list[str], sampled: bool, config: Any) -> dict[str, Any]:
    controls = {**rate(), **noise_scale(config.noise_scale)}
    if sampled:
        description = "Variation of the length of sounds."
        controls["noise_scale_duration"] = number(config.noise_scale_duration, 0.0, 2.0, description)
    return {**controls, **SEED, **(speaker(names) if names else {})}


class VitsNetworks:
    """The parts of a ``VitsModel``, cut where streaming requires it."""

    def __init__(self, model: Any) -> None:
        self._model, self._config = model, model.config
        self._speaker = (
            {"speaker_embedding": ("float32", ["batch", self._config.speaker_embedding_size])}
            if self._config.num_speakers > 1
            else {}
        )

    def cut(self) -> list[NetworkSource]:
        """Return all networks."""
        networks = [self._text(), self._durations(), self._flow(), self._vocoder()]
        return [*networks, self._speakers()] if self._speaker else networks

    def _text(self) -> NetworkSource:
        config = self._config
        return network_source(
            name="text",
            role="encoder",
            module=TextEncoder(self._model.text_encoder),
            inputs={"tokens": ("int64", ["batch", "tokens"]), "mask": ("float32", ["batch", "tokens"], True)},
            outputs={
                "encoded": ("float32", ["batch", "tokens", 2 * config.flow_size]),
                "hidden": ("float32", ["batch", "tokens", config.hidden_size]),
            },
            examples=lambda rng, sizes: {
                "tokens": rng.integers(0, config.vocab_size, (sizes["batch"], sizes["tokens"]))
            },
            description="Tokens to the prior of the latents, means and logarithms of deviations",
        )

    def _durations(self) -> NetworkSource:
        config, model = self._config, self._model
        sampled, channels = config.use_stochastic_duration_prediction, config.hidden_size
        noise: dict[str, Any] = {
            "duration_noise": ("float32", ["batch", "tokens", 2]),
            "noise_scale_duration": ("float32", ["batch"]),
        }

        def examples(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
            batch, tokens = sizes["batch"], sizes["tokens"]
            arrays = {"hidden": normal(rng, batch, tokens, channels), "rate": np.ones(batch, np.float32)}
            if sampled:
                arrays["duration_noise"] = normal(rng, batch, tokens, 2)
                arrays["noise_scale_duration"] = np.full(batch, config.noise_scale_duration, np.float32)
            return {**arrays, **self._speaker_example(rng, sizes)}

        return network_source(
            name="durations",
            role="encoder",
            module=SampledDurations(model) if sampled else PredictedDurations(model),
            inputs={
                "hidden": ("float32", ["batch", "tokens", channels]),
                **(noise if sampled else {}),
                "rate": ("float32", ["batch"]),
                "mask": ("float32", ["batch", "tokens"], True),
                **self._speaker,
            },
            outputs={"durations": ("float32", ["batch", "tokens"])},
            examples=examples,
            description="Hidden states of tokens to the whole frames that each lasts",
        )

    def _flow(self) -> NetworkSource:
        features = self._config.flow_size
        return network_source(
            name="flow",
            role="decoder",
            module=Flow(self._model.flow),
            inputs={
                "frames": ("float32", ["batch", "frames", features]),
                "mask": ("float32", ["batch", "frames"], True),
                **self._speaker,
            },
            outputs={"latents": ("float32", ["batch", "frames", features])},
            examples=self._frame_examples("frames"),
            streaming="frames",
            stateful=True,
            description="A sample of the prior to latents: the flow, backwards",
        )

    def _vocoder(self) -> NetworkSource:
        return network_source(
            name="vocoder",
            role="vocoder",
            module=LatentVocoder(self._model.decoder),
            inputs={
                "latents": ("float32", ["batch", "frames", self._config.flow_size]),
                "mask": ("float32", ["batch", "frames"], True),
                **self._speaker,
            },
            outputs={"samples": ("float32", ["batch", "samples"])},
            examples=self._frame_examples("latents"),
            streaming="frames",
            stateful=True,
            description="Latents to samples: HiFi-GAN",
        )

    def _speakers(self) -> NetworkSource:
        speakers = self._config.num_speakers
        return network_source(
            name="speakers",
            role="encoder",
            module=SpeakerTable(self._model.embed_speaker),
            inputs={"speaker_id": ("int64", ["batch"])},
            outputs=self._speaker,
            examples=lambda rng, sizes: {"speaker_id": rng.integers(0, speakers, sizes["batch"])},
            description="The embedding of each speaker",
        )

    def _frame_examples(self, name: str) -> Examples:
        """Return a function that returns examples of an input of frames, and of the speaker if there are several."""
        features = self._config.flow_size

        def examples(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
            frames = normal(rng, sizes["batch"], sizes["frames"], features)
            return {name: frames, **self._speaker_example(rng, sizes)}

        return examples

    def _speaker_example(self, rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
        if not self._speaker:
            return {}
        return {"speaker_embedding": normal(rng, sizes["batch"], self._config.speaker_embedding_size)}
