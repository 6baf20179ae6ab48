"""Pocket TTS in transformers, and models of its parts: a language model over the latents of a codec.

Each step of the model gives one latent (Rouard et al. 2025, arXiv:2509.06926), and the codec turns it into samples,
both with states that they carry. The text is read by a subword tokenizer, and a voice is the cache of its prompt.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from voxstack.networks import Autoregressive, State
from voxstack_importers.description import SEED, Spec, noise_scale, sentence_stack, speaker
from voxstack_importers.transformers.causal import cache_names
from voxstack_importers.transformers.pocket_tts_modules import Prompt, Step
from voxstack_importers.transformers.pocket_tts_reference import PocketTtsReference
from voxstack_importers.transformers.pretrained import CONFIG, Conversion, Pretrained, read_json
from voxstack_importers.transformers.sources import network_source, normal
from voxstack_importers.transformers.streamed_codec import StreamedCodec
from voxstack_importers.transformers.subword_reading import subword_reading
from voxstack_importers.transformers.voice_prompts import prompt_files, read_prompts
from voxstack_packager import NetworkSource, PackagingError

GENERATION: Mapping[str, float] = {"num_flow_steps": 1, "eos_threshold": -4.0, "min_frames_before_eos": 6}
"""What ``generate`` takes where the model's generation_config.json does not state it."""

PROCESSOR: Mapping[str, float] = {
    "short_text_max_words": 4,
    "frames_after_eos_short_text": 4,
    "frames_after_eos": 2,
    "fade_in_duration": 0.005,
}
"""What the processor takes where processor_config.json does not state it."""

TOKENS_PER_SECOND, SPARE_SECONDS = 3.0, 2.0
"""The limit of the length of speech, as ``generate`` has it."""

SCHEDULE: Mapping[str, Any] = {"first": 1, "growth": 2.0, "largest": 16}
"""A frame is 80 ms of speech, so that one is enough to begin with."""

_UNUSED = ("loss_weighting.", "latent_stats_num_updates")


def convert(pretrained: Pretrained, *, codec: str | None = None, voices: str | None = None) -> Conversion:
    """Return the networks and the stack of a Pocket TTS.

    :param codec: the folder of a ``PocketTTSAudioTokenizerModel``.
    :param voices: a folder of voice prompts (:func:`.read_prompts`); by default the model's own folder ``voices``.
    :raises PackagingError: if one of them is missing, or does not fit the model.
    """
    codec_folder = _codec_folder(pretrained, codec)
    model, decoder = pretrained.model(_UNUSED), codec_folder.model()
    _check_codec(model, decoder, codec_folder)
    config, generation, processor = model.config, _generation(model), _processor(pretrained)
    placeholders = (config.audio_prompt_token_id, config.audio_bos_token_id)
    reading, files, note = subword_reading(pretrained, "en", config.vocab_size, placeholders)
    own = pretrained.folder / "voices"
    prompts = read_prompts(Path(voices) if voices else own if own.is_dir() else None, model)
    names, voice_files = prompt_files(prompts)
    blocks = [*reading.blocks, {"type": "SpeakerPrompts", "files": names}]
    scale = math.sqrt(generation["temperature"]) if generation["do_sample"] else 0.0
    module = StreamedCodec(decoder)
    return Conversion(
        networks=[_prompt(model, processor), _step(model, generation), _codec(module, decoder)],
        reference=PocketTtsReference(
            blocks, model, decoder, prompts, processor["fade_in_duration"], *_tails(processor)
        ),
        stack=sentence_stack(reading.language, [*blocks, {"type": "Encoders"}], _streamed(config, decoder, processor)),
        controls={**SEED, **noise_scale(scale), **(speaker(list(names)) if len(names) > 1 else {})},
        sample_rate=decoder.config.sampling_rate,
        hop_length=decoder.config.frame_size,
        text=reading.text,
        language=reading.language,
        files={**files, **voice_files},
        schedule=SCHEDULE,
        note=note,
    )


def _codec_folder(pretrained: Pretrained, codec: str | None) -> Pretrained:
    """Return the folder of the codec: the one given, or that which processor_config.json names."""
    if codec is None:
        path = pretrained.folder / "processor_config.json"
        named = read_json(path).get("audio_tokenizer", {}) if path.is_file() else {}
        folder = Path(str(named.get("audio_tokenizer_name_or_path", "")))
        if named and (folder / CONFIG).is_file():
            codec = str(folder)
        elif named and (pretrained.folder / folder / CONFIG).is_file():
            codec = str(pretrained.folder / folder)
    if codec is None:
        problem = "predicts latents, which a codec turns into samples; give the folder of its audio tokenizer with"
        raise PackagingError(str(pretrained.folder), f"{problem} --codec")
    return Pretrained.open(Path(codec), ("PocketTTSAudioTokenizerModel",))


def _check_codec(model: Any, codec: Any, folder: Pretrained) -> None:
    where = str(folder.folder)
    if codec.decoder is None:
        raise PackagingError(where, "has no decoder (its decoder_config is null); give the codec with its decoder")
    found, expected = codec.config.latent_dim, model.config.latent_dim
    if found != expected or codec.config.frame_rate != model.config.frame_rate:
        problem = f"decodes latents of {found} features, {codec.config.frame_rate} a second, and the model predicts"
        predicted = f"{expected} features, {model.config.frame_rate} a second"
        raise PackagingError(where, f"{problem} {predicted}; give the codec that it was trained with")


def _generation(model: Any) -> dict[str, Any]:
    settings = model.generation_config
    values = {name: getattr(settings, name, None) for name in (*GENERATION, "temperature", "do_sample")}
    defaults = {**GENERATION, "temperature": 1.0, "do_sample": False}
    return {name: defaults[name] if value is None else value for name, value in values.items()}


def _processor(pretrained: Pretrained) -> dict[str, Any]:
    path = pretrained.folder / "processor_config.json"
    settings = read_json(path) if path.is_file() else {}
    values = {name: settings.get(name, default) for name, default in PROCESSOR.items()}
    wrong = [name for name, value in values.items() if isinstance(value, bool) or not isinstance(value, int | float)]
    if wrong:
        raise PackagingError(f"{path}: {wrong[0]}", f"{values[wrong[0]]!r} is not a number; copy the model's own file")
    return values


def _streamed(config: Any, codec: Any, processor: Mapping[str, Any]) -> list[Spec]:
    per_token = config.frame_rate / TOKENS_PER_SECOND * (1 - 1e-12)  # whole products stay below the next integer
    decoder = {
        "type": "AutoregressiveDecoder",
        "steps_per_token": per_token,
        "spare_steps": math.ceil(SPARE_SECONDS * config.frame_rate),
    }
    fade = {
        "type": "Fade",
        "sample_rate": codec.config.sampling_rate,
        "in_ms": int(processor["fade_in_duration"] * codec.config.sampling_rate) * 1000 / codec.config.sampling_rate,
        "out_ms": 0.0,
        "shape": "linear",
    }
    return [decoder, {"type": "Decoder", "network": "codec"}, fade]


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


def _tails(processor: Mapping[str, Any]) -> tuple[int, tuple[int, int]]:
    """Return the words up to which a text is short, and the frames after the end of speech of such and of others."""
    frames = (int(processor["frames_after_eos_short_text"]), int(processor["frames_after_eos"]))
    return int(processor["short_text_max_words"]), frames


def _prompt(model: Any, processor: Mapping[str, Any]) -> NetworkSource:
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
        module=Prompt(model, *_tails(processor)),
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


def _step(model: Any, generation: Mapping[str, Any]) -> NetworkSource:
    config = model.config
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
        module=Step(model, int(generation["num_flow_steps"]), *(generation[name] for name in list(GENERATION)[1:])),
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
            "latent": ("float32", ["batch", config.latent_dim]),
            "number_next": ("int64", ["batch", 1]),
            "countdown_next": ("int64", ["batch", 1]),
            **{f"{name}_new": row for name, row in _cache(config, 1).items()},
        },
        examples=examples,
        autoregressive=Autoregressive("latents", "stop", carried, noise={"noise": "normal"}),
        description="One step: the latent before and noise to the next latent",
    )


def _codec(module: StreamedCodec, codec: Any) -> NetworkSource:
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
