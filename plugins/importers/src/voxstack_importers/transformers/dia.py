"""Dia in transformers: a language model over the codebooks of a codec, guided by the text.

Its encoder reads the bytes of a dialogue; each step of its decoder gives one code of each codebook, the later codebooks
some steps after the first, and the codec, a DAC, turns them into samples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voxstack_importers.description import GOLDEN_TEXT, SEED, Spec, number
from voxstack_importers.transformers.alignment_heads import read_heads
from voxstack_importers.transformers.dia_modules import Codes, GuidedStep
from voxstack_importers.transformers.dia_networks import codec_network, encoder_network, step_network
from voxstack_importers.transformers.dia_reference import DiaReference
from voxstack_importers.transformers.guided_tokens import GuidedTokens, Sampling
from voxstack_importers.transformers.pretrained import Conversion, Pretrained, read_json
from voxstack_packager import PackagingError

TOKENS: Mapping[str, int] = {"<pad>": 0, "[S1]": 1, "[S2]": 2}
"""What the tokenizer reads as one token, where its files do not state it."""

DEFAULTS: Mapping[str, Any] = {
    "guidance_scale": 1.0,
    "do_sample": False,
    "temperature": 1.0,
    "top_k": 50,
    "top_p": 1.0,
    "max_length": 0,
}
"""What ``generate`` takes where generation_config.json does not state it; the length, but for 0, is the model's."""

LAG_SECONDS = 1.0
"""Speech after which the alignment of a step is final, at the latest."""

SCHEDULE: Mapping[str, Any] = {"first": 4, "growth": 2.0, "largest": 64}
"""A frame is 12 ms of speech; the first one needs more than a dozen steps, and a few more are little."""


def convert(pretrained: Pretrained, *, codec: str | None = None, alignment_heads: str | None = None) -> Conversion:
    """Return the networks and the stack of a Dia.

    :param codec: the folder of a ``DacModel``.
    :param alignment_heads: heads whose attention follows the text (:func:`.read_heads`); by default all.
    :raises PackagingError: if the codec is missing, or does not fit the model.
    """
    if codec is None:
        problem = "predicts the codes of a DAC codec, which turns them into samples; give its folder with --codec"
        raise PackagingError(str(pretrained.folder), problem)
    folder = Pretrained.open(Path(codec), ("DacModel",))
    model, dac = pretrained.model(), folder.model()
    codes, generation = _codes(pretrained, model), _generation(pretrained, model)
    _check_codec(folder, dac.config, codes)
    decoder, blocks = model.config.decoder_config, [_reading(pretrained, model.config.encoder_config)]
    sampling = Sampling(generation["top_k"] or decoder.vocab_size, generation["top_p"])
    heads = read_heads(alignment_heads, decoder.num_hidden_layers, decoder.cross_num_attention_heads)
    longest = generation["max_length"]
    step = GuidedStep(model, codes, GuidedTokens(codes.end, sampling), longest, heads)
    return Conversion(
        networks=[encoder_network(model), step_network(step, decoder), codec_network(dac)],
        reference=DiaReference(blocks, model, dac, codes, sampling, longest),
        stack=_stack(blocks, codes, longest, math.ceil(LAG_SECONDS * dac.config.frame_rate)),
        controls={**SEED, **_controls(generation)},
        sample_rate=dac.config.sampling_rate,
        hop_length=dac.config.hop_length,
        text=GOLDEN_TEXT,
        schedule=SCHEDULE,
    )


def _stack(blocks: list[Spec], codes: Codes, longest: int, lag: int) -> list[Spec]:
    """Return the stack of a voice that reads all of a text at once.

    It is a dialogue, and how it begins decides which voices speak: sentences alone would each have others.
    """
    decoder = {"type": "AutoregressiveDecoder", "steps_per_token": 0, "spare_steps": longest + max(codes.delays)}
    streamed = [
        {**decoder, "lag": lag},
        {"type": "DelayedChannels", "delays": [*codes.delays]},
        {"type": "Decoder", "network": "codec"},
    ]
    container = {"type": "SequenceBlockContainer", "blocks": [*blocks, {"type": "Encoders"}]}
    stack = {"type": "StreamableStack", "stack": streamed}
    return [{"type": "StreamablePipeline", "sequence_block": container, "streamable_block": stack}]


def _controls(generation: Mapping[str, Any]) -> dict[str, Any]:
    guidance = "How much the text decides; 1 leaves guidance out, as generate does."
    temperature = "Liveliness of the voice: 0 chooses the likeliest, larger numbers vary more."
    scale = generation["guidance_scale"]
    heat = max(1.0, generation["temperature"]) if generation["do_sample"] else 0.0
    return {
        "guidance_scale": number(float(scale), 1.0, 10.0, guidance),
        "temperature": number(float(heat), 0.0, 4.0, temperature),
    }


def _codes(pretrained: Pretrained, model: Any) -> Codes:
    """Return the special codes and the delays.

    :raises PackagingError: if they are of a form that the step does not compute.
    """
    config, delays = model.config.decoder_config, [*model.config.delay_pattern]
    where = str(pretrained.folder / "config.json")
    if delays[0] != 0 or min(delays) < 0 or max(delays) < 1:
        problem = f"{delays} must begin with 0, as the first codebook ends the speech, and have a delay above 0"
        raise PackagingError(f"{where}: delay_pattern", problem)
    named = {name: getattr(config, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    settings = model.generation_config
    for name, token in named.items():
        if not isinstance(token, int) or not 0 < token < config.vocab_size:
            problem = f"is {token!r}, and must be one of {config.vocab_size} tokens; copy the model's own file"
            raise PackagingError(f"{where}: decoder_config.{name}", problem)
        other = getattr(settings, name, None)
        if other not in (None, token, [token]):
            problem = f"is {other}, and config.json has {token} for the decoder; copy the model's own files"
            raise PackagingError(f"{pretrained.folder / 'generation_config.json'}: {name}", problem)
    return Codes(named["bos_token_id"], named["eos_token_id"], named["pad_token_id"], delays)


def _generation(pretrained: Pretrained, model: Any) -> dict[str, Any]:
    """Return the settings of ``generate``.

    :raises PackagingError: if one is out of its range.
    """
    settings, where = model.generation_config, str(pretrained.folder / "generation_config.json")
    found = {name: getattr(settings, name, None) for name in DEFAULTS}
    values: dict[str, Any] = {**DEFAULTS, **{name: value for name, value in found.items() if value is not None}}
    values["max_length"] = values["max_length"] or model.config.decoder_config.max_position_embeddings
    ranges = {"guidance_scale": (1, 100), "temperature": (0, 100), "top_k": (0, 1_000_000), "top_p": (0, 1)}
    for name, (lowest, highest) in {**ranges, "max_length": (2, 900_000)}.items():
        if not lowest <= values[name] <= highest:
            problem = f"is {values[name]!r}, and must be from {lowest} to {highest}; copy the model's own file"
            raise PackagingError(f"{where}: {name}", problem)
    if getattr(settings, "max_new_tokens", None) is not None:
        raise PackagingError(f"{where}: max_new_tokens", "is not read; remove it, and set max_length")
    return values


def _check_codec(folder: Pretrained, config: Any, codes: Codes) -> None:
    """Check that a codec reads the codes of the model, and gives equally many samples for each.

    :raises PackagingError: if it does not.
    """
    where = str(folder.folder)
    if config.n_codebooks != len(codes.delays) or config.codebook_size < codes.end:
        problem = f"reads {config.n_codebooks} codebooks of {config.codebook_size} codes, and the model predicts"
        predicted = f"{len(codes.delays)} of {codes.end}"
        raise PackagingError(where, f"{problem} {predicted}; give the codec that it was trained with")
    odd = [ratio for ratio in config.upsampling_ratios if ratio % 2]
    if odd:
        problem = f"upsamples by {odd[0]}, an odd number, by which a DAC gives fewer samples at the end"
        raise PackagingError(where, f"{problem}; supported are even numbers")


def _reading(pretrained: Pretrained, config: Any) -> Spec:
    """Return the block that reads as the ``DiaTokenizer`` does.

    :raises PackagingError: if the folder has another tokenizer.
    """
    path = pretrained.folder / "tokenizer_config.json"
    settings = read_json(path) if path.is_file() else {}
    kind = settings.get("tokenizer_class", "DiaTokenizer")
    if kind != "DiaTokenizer":
        raise PackagingError(f"{path}: tokenizer_class", f"is {kind!r}; copy the DiaTokenizer of this model there")
    added = settings.get("added_tokens_decoder")
    symbols = {str(token["content"]): int(key) for key, token in added.items()} if added else dict(TOKENS)
    offset = int(settings.get("offset", 0))
    if max([255 + offset, *symbols.values()]) >= config.vocab_size:
        problem = f"has tokens up to {max([255 + offset, *symbols.values()])}, and the model {config.vocab_size}"
        raise PackagingError(str(path), f"{problem}; copy the tokenizer of this model there")
    longest = config.max_position_embeddings
    return {"type": "Utf8Bytes", "symbols": symbols, "offset": offset, "longest": longest}
