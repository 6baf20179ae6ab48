"""The networks of Pocket TTS: its prompt, its step and its codec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack.networks import Autoregressive, State
from voxstack_importers.transformers.causal import cache_names
from voxstack_importers.transformers.pocket_tts_modules import Prompt, Step
from voxstack_importers.transformers.sources import network_source, normal
from voxstack_importers.transformers.streamed_codec import StreamedCodec
from voxstack_packager import NetworkSource

GENERATION: Mapping[str, float] = {"num_flow_steps": 1, "eos_threshold": -4.0, "min_frames_before_eos": 6}
"""What ``generate`` takes where the model's generation_config.json does not state it."""


def tails(processor: Mapping[str, Any]) -> tuple[int, tuple[int, int]]:
    """Return the words up to which a text is short, and the frames after the end of speech of such and of others."""
    frames = (int(processor["frames_after_eos_short_text"]), int(processor["frames_after_eos"]))
    return int(processor["short_text_max_words"]), frames


def prompt_network(model: Any, processor: Mapping[str, Any]) -> NetworkSource:
    """Return the network that extends the cache of a voice by a text.

    :param processor: settings of the model's processor.
    """
    config = model.config

    def examples(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
        voice = _normal_cache(rng, _cache(config, "voice", "voice_"), sizes)
        tokens = rng.integers(
            0, min(config.vocab_size, config.audio_prompt_token_id), (sizes["batch"], sizes["tokens"])
        )
        return {"tokens": tokens, "word_count": rng.integers(1, 9, sizes["batch"]), **voice}

    return network_source(
        name="prompt",
        role="encoder",
        module=Prompt(model, *tails(processor)),
        inputs={
            "tokens": ("int64", ["batch", "tokens"]),
            "word_count": ("int64", ["batch"]),
            **_cache(config, "voice", "voice_"),
        },
        outputs={
            "previous": ("float32", ["batch", config.latent_dim]),
            "tail": ("int64", ["batch", 1]),
            **_cache(config, "prompt"),
        },
        examples=examples,
        description="The cache of a voice to that after the tokens of a text",
    )


def step_network(module: Step, config: Any) -> NetworkSource:
    """Return the network of one step.

    :param config: the configuration of the model.
    """
    caches = cache_names(config.num_hidden_layers)

    def examples(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
        batch = sizes["batch"]
        return {
            "tail": rng.integers(0, 4, (batch, 1)),
            "noise_scale": rng.random(batch, np.float32),
            "noise": normal(rng, batch, config.latent_dim),
            "previous": normal(rng, batch, config.latent_dim),
            "number": rng.integers(0, 50, (batch, 1)),
            "countdown": np.zeros((batch, 1), np.int64),
            **_normal_cache(rng, _cache(config, "past"), sizes),
        }

    carried = {"previous": State("latent", provided=True), "number": State("number_next")}
    carried |= {"countdown": State("countdown_next")}
    carried |= {name: State(f"{name}_new", provided=True, append=True) for name in caches}
    return network_source(
        name="step",
        role="decoder",
        module=module,
        inputs={
            "tail": ("int64", ["batch", 1]),
            "noise_scale": ("float32", ["batch"]),
            "noise": ("float32", ["batch", config.latent_dim]),
            "previous": ("float32", ["batch", config.latent_dim]),
            "number": ("int64", ["batch", 1]),
            "countdown": ("int64", ["batch", 1]),
            "mask": ("float32", ["batch", "past"], True),
            **_cache(config, "past"),
        },
        outputs={
            "latents": ("float32", ["batch", 1, config.latent_dim]),
            "stop": ("float32", ["batch", 1]),
            "attention": ("float32", ["batch", "past"]),
            "latent": ("float32", ["batch", config.latent_dim]),
            "number_next": ("int64", ["batch", 1]),
            "countdown_next": ("int64", ["batch", 1]),
            **{f"{name}_new": row for name, row in _cache(config, 1).items()},
        },
        examples=examples,
        autoregressive=Autoregressive("latents", "stop", carried, attention="attention", noise={"noise": "normal"}),
        description="One step: the latent before and noise to the next latent",
    )


def codec_network(module: StreamedCodec, codec: Any) -> NetworkSource:
    """Return the network of the decoder of a codec, with its states.

    :param codec: the ``PocketTTSAudioTokenizerModel`` that the module was made of.
    """
    states = {name: (dtype, ["batch", *shape]) for name, (dtype, shape) in module.states.items()}
    return network_source(
        name="codec",
        role="vocoder",
        module=module,
        inputs={"latents": ("float32", ["batch", "frames", codec.config.latent_dim]), **states},
        outputs={"samples": ("float32", ["batch", "samples"]), **{f"{name}_next": row for name, row in states.items()}},
        examples=lambda rng, sizes: {"latents": normal(rng, sizes["batch"], sizes["frames"], codec.config.latent_dim)},
        streaming="frames",
        states={name: State(f"{name}_next") for name in states},
        description="Latents to samples: the decoder of the codec",
    )


def _cache(config: Any, axis: str | int, prefix: str = "") -> dict[str, Any]:
    heads, channels = config.num_key_value_heads, config.head_dim
    shapes = {"keys": ["batch", heads, channels, axis], "values": ["batch", heads, axis, channels]}
    names = cache_names(config.num_hidden_layers)
    return {f"{prefix}{name}": ("float32", shapes[name.partition("_")[0]]) for name in names}


def _normal_cache(
    rng: np.random.Generator, cache: Mapping[str, Any], sizes: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """Return example keys and values."""
    return {name: normal(rng, *(sizes.get(axis, axis) for axis in shape)) for name, (_, shape) in cache.items()}
