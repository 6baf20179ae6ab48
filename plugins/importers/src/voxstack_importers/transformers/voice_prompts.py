"""Voice prompts of language models over latents, as the keys and values with which their decoder begins."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from voxstack_importers.transformers.causal import CausalLayers, cache_names
from voxstack_importers.transformers.pretrained import library
from voxstack_packager import PackagingError

SUFFIXES = (".npy", ".npz", ".safetensors")
_STATE = re.compile(r"transformer\.layers\.(\d+)\.self_attn/(cache|offset)")

Prompts = Mapping[str, list[Tensor]]
"""Keys and values of each layer in turn, as :class:`.CausalLayers` has them, by the name of the speaker."""


def read_prompts(path: Path | None, model: Any) -> Prompts:
    """Read the prompts of all speakers.

    A prompt is the latents of a recording, (frames, features), or a state that ``export-voice`` of pocket-tts wrote.

    :param path: a folder with a file for each speaker, or an ``.npz`` with an array for each; None: one speaker without
        a prompt.
    :param model: a ``PocketTTSForConditionalGeneration``, or one of the same parts.
    :raises PackagingError: if something in it is of another kind, or does not fit the model.
    """
    layers = CausalLayers(model.model).eval()
    if path is None:
        return {"default": _empty(model)}
    if not path.exists():
        raise PackagingError(str(path), f"does not exist; give a folder of voice prompts, {' or '.join(SUFFIXES)}")
    prompts: dict[str, list[Tensor]] = {}
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if file.suffix not in SUFFIXES:
            continue
        arrays = _arrays(file)
        states = {name: array for name, array in arrays.items() if _STATE.fullmatch(name)}
        if states:
            prompts[file.stem] = _from_state(states, model, file)
            continue
        for name, array in arrays.items():
            speaker = file.stem if len(arrays) == 1 and file.suffix != ".npz" else name
            prompts[speaker] = _from_latents(array, layers, model, f"{file}: {name}")
    if not prompts:
        raise PackagingError(str(path), f"has no voice prompt ({', '.join(SUFFIXES)}); give one for each speaker")
    return prompts


def prompt_files(prompts: Prompts) -> tuple[dict[str, str], dict[str, bytes]]:
    """Return the name of the file of each speaker, and the content of the files: ``voice_keys_0``, ..."""
    names, files = {}, {}
    for number, (speaker, cache) in enumerate(prompts.items()):
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {
            f"voice_{name}": array[0].numpy() for name, array in zip(cache_names(len(cache) // 2), cache, strict=True)
        }
        np.savez(buffer, **arrays)
        names[speaker] = f"voices/{number}.npz"
        files[names[speaker]] = buffer.getvalue()
    return names, files


def _arrays(file: Path) -> dict[str, np.ndarray]:
    try:
        if file.suffix == ".safetensors":
            return dict(library("safetensors.numpy").load_file(str(file)))
        content = np.load(file, allow_pickle=False)
        return {file.stem: content} if isinstance(content, np.ndarray) else dict(content)
    except PackagingError:
        raise
    except Exception as error:  # a damaged file raises errors of many classes
        raise PackagingError(
            str(file), f"cannot be read ({error}); give a voice prompt, {', '.join(SUFFIXES)}"
        ) from error


def _empty(model: Any) -> list[Tensor]:
    config = model.config
    heads, channels = config.num_key_value_heads, config.head_dim
    empty = torch.zeros(1, heads, channels, 0), torch.zeros(1, heads, 0, channels)
    return [*empty] * config.num_hidden_layers


def _from_latents(array: np.ndarray, layers: CausalLayers, model: Any, where: str) -> list[Tensor]:
    """Return the cache after the latents of a recording, and the token that comes before them if the model has one."""
    features = model.model.audio_prompt_proj.in_features
    latents = np.asarray(array, np.float32)
    latents = latents[0] if latents.ndim == 3 and len(latents) == 1 else latents
    if latents.ndim != 2 or latents.shape[1] != features or not len(latents):
        problem = f"has the shape {array.shape}; a voice prompt of this model has the shape (frames, {features})"
        raise PackagingError(where, f"{problem}: the latents that its codec encodes a recording to")
    with torch.no_grad():
        embedded = model.model.audio_prompt_proj(torch.from_numpy(latents)[None])
        start = getattr(model.config, "audio_prompt_bos_token_id", None)
        if start is not None:
            embedded = torch.cat([model.model.embed_tokens(torch.tensor([[start]])), embedded], 1)
        return layers.extend(embedded, _empty(model))


def _from_state(states: Mapping[str, np.ndarray], model: Any, file: Path) -> list[Tensor]:
    """Return the cache in a state of pocket-tts: (2, batch, steps, key heads, channels) for each layer.

    It rotates neighbouring channels, and transformers a half of them against the other.
    """
    cache: list[Tensor] = []
    for layer, empty in enumerate(_empty(model)[1::2]):
        name = f"transformer.layers.{layer}.self_attn/"
        array, offset = states.get(f"{name}cache"), states.get(f"{name}offset")
        heads, channels = empty.shape[1], empty.shape[3]
        if array is None or array.ndim != 5 or array.shape[3:] != (heads, channels):
            found = "nothing" if array is None else f"the shape {array.shape}"
            problem = f"has {found} for layer {layer}; this model takes (2, 1, steps, {heads}, {channels})"
            raise PackagingError(str(file), f"{problem}: give a voice that was exported with this model")
        steps = array.shape[2] if offset is None else int(offset.reshape(-1)[0])
        keys, values = (torch.from_numpy(part[:1, :steps].astype(np.float32)).transpose(1, 2) for part in array)
        keys = torch.cat([keys[..., ::2], keys[..., 1::2]], -1).transpose(-2, -1)
        cache += [keys.contiguous(), values.contiguous()]
    return cache
