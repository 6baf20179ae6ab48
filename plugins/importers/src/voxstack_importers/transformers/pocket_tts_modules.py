"""The parts of a language model over latents in transformers: its prompt and one step, with the flow head inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from voxstack_importers.transformers.causal import CausalLayers


class Prompt(nn.Module):
    """Extends the cache of a voice by the tokens of a text, and gives what the first step begins with.

    :param model: a ``PocketTTSForConditionalGeneration``, or one of the same parts.
    :param short: words up to which a text is short; ``tails``: frames after the end of speech, of short texts and of
        others.
    """

    first: Tensor

    def __init__(self, model: Any, short: int, tails: tuple[int, int]) -> None:
        super().__init__()
        self.layers, self.embed_tokens = CausalLayers(model.model), model.model.embed_tokens
        self.register_buffer("first", model.model.bos_latent.detach().clone())
        self.short, self.tails = short, tails

    def forward(self, tokens: Tensor, word_count: Tensor, *cache: Tensor) -> tuple[Tensor, ...]:
        """Compute the cache after a text.

        :param tokens: (batch, tokens).
        :param word_count: (batch), words of the text.
        :param cache: keys and values of the voice, of each layer in turn, (batch, key heads, voice, channels).
        :returns: ``previous`` (batch, features), the latent that the first step reads; ``tail`` (batch, 1), frames
            after the end of speech; and the cache after the text.
        """
        extended = self.layers.extend(self.embed_tokens(tokens), cache)
        short, other = (torch.full_like(word_count, frames) for frames in self.tails)
        tail = torch.where(word_count <= self.short, short, other).unsqueeze(-1)
        return self.first.expand(tokens.shape[0], -1), tail, *extended


class Step(nn.Module):
    """One step: the previous latent and noise to the next latent, by the layers and the flow head.

    The flow head turns noise into a latent in a few steps of Euler (Lagrangian self-distillation, Boffi et al. 2025,
    arXiv:2505.18825), or in one call without times.

    :param model: a ``PocketTTSForConditionalGeneration``, or one of the same parts.
    :param flow_steps: steps of the flow head.
    :param threshold: logit of the end above which a frame ends the speech.
    :param earliest: number of the first frame that may.
    :param heads: alignment heads, as in :class:`CausalLayers`.
    """

    mean: Tensor
    std: Tensor
    offset: Tensor

    def __init__(
        self,
        model: Any,
        flow_steps: int,
        threshold: float,
        earliest: int,
        heads: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        super().__init__()
        self.layers, self.project = CausalLayers(model.model, heads), model.model.audio_latent_proj
        self.flow_head, self.eos_head = model.flow_head, model.eos_head
        self.timed = model.config.flow_head_config.flow_type == "lsd"
        self.flow_steps, self.threshold, self.earliest = flow_steps, threshold, earliest
        zeros = torch.zeros_like(model.model.bos_latent)
        with torch.no_grad():  # conditions that the model adds to every latent
            self.register_buffer("offset", model.model.embed_audio_latents(zeros).detach().clone())
        self.register_buffer("mean", model.latent_mean.detach().clone())
        self.register_buffer("std", model.latent_std.detach().clone())

    def forward(
        self,
        tail: Tensor,
        noise_scale: Tensor,
        noise: Tensor,
        previous: Tensor,
        number: Tensor,
        countdown: Tensor,
        mask: Tensor,
        *cache: Tensor,
    ) -> tuple[Tensor, ...]:
        """Compute the next frame.

        :param tail: (batch, 1), frames after the end of speech.
        :param noise_scale: (batch), factor on the noise.
        :param noise: (batch, features), standard normal.
        :param previous: (batch, features), the latent before, as the flow head gives it.
        :param number: (batch, 1), that of this frame, from 0.
        :param countdown: (batch, 1), frames still to come, this one included, once speech has ended; 0 before.
        :param mask: (batch, past), and ``cache``: see :meth:`CausalLayers.step`.
        :returns: ``frames`` (batch, 1, features), latents of the codec; ``stop`` (batch, 1), 1 with the last frame,
            else -1; ``attention`` (batch, past), see :meth:`CausalLayers.step`; the next ``previous``, ``number`` and
            ``countdown``; and the new keys and values.
        """
        hidden, attention, new = self.layers.step(self.project(previous) + self.offset, mask, cache)
        latent = self._flow(hidden, noise * noise_scale.unsqueeze(-1))
        ends = (self.eos_head(hidden) > self.threshold) & (number >= self.earliest) & (countdown == 0)
        countdown = torch.where(ends, tail + 1, countdown)
        stop = torch.where(countdown == 1, 1.0, -1.0)
        frames = (latent * self.std + self.mean).unsqueeze(1)
        return frames, stop, attention, latent, number + 1, torch.clamp(countdown - 1, min=0), *new

    def _flow(self, hidden: Tensor, noise: Tensor) -> Tensor:
        if not self.timed:
            flowed: Tensor = self.flow_head(noise, hidden)
            return flowed
        latent = noise
        for step in range(self.flow_steps):
            times = [torch.full_like(noise[:, :1], number / self.flow_steps) for number in (step, step + 1)]
            latent = latent + self.flow_head(latent, hidden, times=times) / self.flow_steps
        return latent
