"""Pocket TTS in transformers, and models of its parts: a language model over the latents of a codec.

Each step of the model gives one latent (Rouard et al. 2025, arXiv:2509.06926), and the codec turns it into samples,
both with states that they carry. The text is read by a subword tokenizer, and a voice is the cache of its prompt.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voxstack_importers.description import SEED, Spec, noise_scale, sentence_stack, speaker
from voxstack_importers.transformers.alignment_heads import read_heads
from voxstack_importers.transformers.pocket_tts_modules import Step
from voxstack_importers.transformers.pocket_tts_networks import (
    GENERATION,
    codec_network,
    prompt_network,
    step_network,
    tails,
)
from voxstack_importers.transformers.pocket_tts_reference import PocketTtsReference
from voxstack_importers.transformers.pretrained import CONFIG, Conversion, Pretrained, read_json
from voxstack_importers.transformers.streamed_codec import StreamedCodec
from voxstack_importers.transformers.subword_reading import subword_reading
from voxstack_importers.transformers.voice_prompts import prompt_files, read_prompts
from voxstack_packager import PackagingError

PROCESSOR: Mapping[str, float] = {
    "short_text_max_words": 4,
    "frames_after_eos_short_text": 4,
    "frames_after_eos": 2,
    "fade_in_duration": 0.005,
}
"""What the processor takes where processor_config.json does not state it."""

TOKENS_PER_SECOND, SPARE_SECONDS = 3.0, 2.0
"""The limit of the length of speech, as ``generate`` has it."""

LAG_SECONDS = 1.0
"""Speech after which the alignment of a step is final, at the latest."""

SCHEDULE: Mapping[str, Any] = {"first": 1, "growth": 2.0, "largest": 16}
"""A frame is 80 ms of speech, so that one is enough to begin with."""

_UNUSED = ("loss_weighting.", "latent_stats_num_updates")


def convert(
    pretrained: Pretrained, *, codec: str | None = None, voices: str | None = None, alignment_heads: str | None = None
) -> Conversion:
    """Return the networks and the stack of a Pocket TTS.

    :param codec: the folder of a ``PocketTTSAudioTokenizerModel``.
    :param voices: a folder of voice prompts (:func:`.read_prompts`); by default the model's own folder ``voices``.
    :param alignment_heads: heads whose attention follows the text (:func:`.read_heads`); by default all.
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
    heads = read_heads(alignment_heads, config.num_hidden_layers, config.num_attention_heads)
    limits = generation["eos_threshold"], generation["min_frames_before_eos"]
    step = Step(model, int(generation["num_flow_steps"]), *limits, heads)
    return Conversion(
        networks=[prompt_network(model, processor), step_network(step, config), codec_network(module, decoder)],
        reference=PocketTtsReference(blocks, model, decoder, prompts, processor["fade_in_duration"], *tails(processor)),
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
        "lag": math.ceil(LAG_SECONDS * config.frame_rate),
    }
    fade = {
        "type": "Fade",
        "sample_rate": codec.config.sampling_rate,
        "in_ms": int(processor["fade_in_duration"] * codec.config.sampling_rate) * 1000 / codec.config.sampling_rate,
        "out_ms": 0.0,
        "shape": "linear",
    }
    return [decoder, {"type": "Decoder", "network": "codec"}, fade]
