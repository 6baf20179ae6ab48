"""The networks of Dia: its text encoder, its step and its codec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack.networks import Autoregressive, State
from voxstack_importers.transformers.causal import cache_names
from voxstack_importers.transformers.dia_modules import CodecDecoder, GuidedStep, TextEncoder
from voxstack_importers.transformers.sources import network_source, normal
from voxstack_packager import NetworkSource


def encoder_network(model: Any) -> NetworkSource:
    """Return the network of the text."""
    size = model.config.encoder_config.vocab_size
    return network_source(
        name="encoder",
        role="encoder",
        module=TextEncoder(model),
        inputs={"tokens": ("int64", ["batch", "tokens"]), "mask": ("float32", ["batch", "tokens"], True)},
        outputs=_text(model.config.decoder_config),
        examples=lambda rng, sizes: {"tokens": rng.integers(1, size, (sizes["batch"], sizes["tokens"]))},
        description="Bytes of the text to keys and values for all layers of the decoder",
    )


def step_network(module: GuidedStep, config: Any) -> NetworkSource:
    """Return the network of one step, for the configuration of the decoder."""
    codebooks, start, delays = config.num_channels, module.codes.start, max(module.codes.delays)

    def examples(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
        batch = sizes["batch"]
        return {
            "guidance_scale": 1 + 3 * rng.random(batch, np.float32),
            "temperature": np.zeros(batch, np.float32),
            "noise": rng.random((batch, codebooks), np.float32),
            "row": rng.integers(0, module.codes.end, (batch, codebooks)),
            "number": np.full((batch, 1), delays + sizes["past"]),
            "ended": np.zeros((batch, 1), np.int64),
            **_normal(rng, {**_text(config), **_past(config, "past")}, sizes),
        }

    carried = {name: State(f"{name}_next") for name in ("row", "number", "ended")}
    carried |= {name: State(f"{name}_new", append=True) for name in cache_names(config.num_hidden_layers)}
    return network_source(
        name="step",
        role="decoder",
        module=module,
        inputs={
            "guidance_scale": ("float32", ["batch"]),
            "temperature": ("float32", ["batch"]),
            "noise": ("float32", ["batch", codebooks]),
            "row": ("int64", ["batch", codebooks]),
            "number": ("int64", ["batch", 1]),
            "ended": ("int64", ["batch", 1]),
            "mask": ("float32", ["batch", "tokens"], True),
            "past_mask": ("float32", ["batch", "past"], True),
            **_text(config),
            **_past(config, "past"),
        },
        outputs={
            "codes": ("int64", ["batch", 1, codebooks]),
            "stop": ("float32", ["batch", 1]),
            "attention": ("float32", ["batch", "tokens"]),
            "row_next": ("int64", ["batch", codebooks]),
            "number_next": ("int64", ["batch", 1]),
            "ended_next": ("int64", ["batch", 1]),
            **{f"{name}_new": row for name, row in _past(config, 1).items()},
        },
        examples=examples,
        initial={"row": np.full(codebooks, start)},
        autoregressive=Autoregressive("codes", "stop", carried, attention="attention", noise={"noise": "uniform"}),
        description="One step, with the text and without it: the codes before to the next codes",
    )


def codec_network(codec: Any) -> NetworkSource:
    """Return the network of the decoder of a ``DacModel``."""
    codebooks, size = codec.config.n_codebooks, codec.config.codebook_size
    return network_source(
        name="codec",
        role="vocoder",
        module=CodecDecoder(codec),
        inputs={"codes": ("int64", ["batch", "frames", codebooks])},
        outputs={"samples": ("float32", ["batch", "samples"])},
        examples=lambda rng, sizes: {"codes": rng.integers(0, size, (sizes["batch"], sizes["frames"], codebooks))},
        streaming="frames",
        stateful=True,
        description="Codes to samples: the decoder of the codec",
    )


def _text(config: Any) -> dict[str, Any]:
    """Return keys and values of the text."""
    heads, channels = config.cross_num_key_value_heads, config.cross_head_dim
    shapes = {"keys": ["batch", heads, channels, "tokens"], "values": ["batch", heads, "tokens", channels]}
    names = cache_names(config.num_hidden_layers)
    return {f"text_{name}": ("float32", shapes[name.partition("_")[0]]) for name in names}


def _past(config: Any, axis: str | int) -> dict[str, Any]:
    """Return keys and values of the past, with the text and without it."""
    heads, channels = config.num_key_value_heads, config.head_dim
    shapes = {"keys": ["batch", 2, heads, channels, axis], "values": ["batch", 2, heads, axis, channels]}
    names = cache_names(config.num_hidden_layers)
    return {name: ("float32", shapes[name.partition("_")[0]]) for name in names}


def _normal(rng: np.random.Generator, tensors: Mapping[str, Any], sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
    return {name: normal(rng, *(sizes.get(axis, axis) for axis in shape)) for name, (_, shape) in tensors.items()}
