"""Pocket TTS of transformers as a reference: ``generate`` and the codec on the whole, with the noise of the addon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import voxstack
from voxstack.networks.addon import Addon
from voxstack.streaming.seeds import generator
from voxstack_importers.references import SentenceReference
from voxstack_importers.transformers.pretrained import library
from voxstack_importers.transformers.references import replaced_random
from voxstack_importers.transformers.voice_prompts import Prompts


@dataclass(frozen=True)
class PocketTtsReference(SentenceReference):
    """A ``PocketTTSForConditionalGeneration``, or a model of the same parts, with its codec.

    :param prompts: caches of the voices.
    :param fade_in: seconds; ``short``: words up to which a text is short; ``tails``: frames after the end of speech, of
        short texts and of others.
    """

    model: Any
    codec: Any
    prompts: Prompts
    fade_in: float
    short: int
    tails: tuple[int, int]

    def speech(self, addon: Addon, utterance: voxstack.Utterance) -> np.ndarray:
        """Synthesize a sentence: (samples,) float32."""
        latents = self.latents(utterance)
        with torch.no_grad():
            samples = self.codec.decode(latents).audio_values[0, 0]
        steps = int(self.fade_in * self.codec.config.sampling_rate)
        samples = samples[: latents.shape[1] * self.codec.config.frame_size].clone()
        samples[:steps] *= torch.linspace(0, 1, steps)[: len(samples)]
        spoken: np.ndarray = samples.numpy().astype(np.float32)
        return spoken

    def latents(self, utterance: voxstack.Utterance) -> torch.Tensor:
        """Predict the latents of a sentence: (1, frames, features)."""
        config, scale = self.model.config, float(utterance["noise_scale"])
        prompt = self.prompts[utterance.get("speaker") or next(iter(self.prompts))]
        cache = library().DynamicCache(config=config)
        for layer, (keys, values) in enumerate(zip(prompt[::2], prompt[1::2], strict=True)):
            if keys.shape[3]:
                cache.update(keys.transpose(-2, -1).contiguous(), values.clone(), layer)
        tokens = torch.from_numpy(np.append(utterance["tokens"], config.audio_bos_token_id))[None]
        random = generator(utterance, "noise")

        def randn(*shape: int, **_: Any) -> torch.Tensor:
            return torch.from_numpy(random.standard_normal(shape, np.float32))

        with replaced_random(randn=randn):
            generated = self.model.generate(
                input_ids=tokens,
                attention_mask=torch.ones_like(tokens),
                cache=cache if prompt[0].shape[3] else None,
                frames_after_eos=torch.tensor([self.tails[int(utterance["word_count"]) > self.short]]),
                do_sample=scale > 0,
                temperature=scale**2 or None,
                return_dict_in_generate=True,
            )
        latents: torch.Tensor = generated.audio_latents
        return latents
