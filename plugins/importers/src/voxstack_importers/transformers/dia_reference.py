"""Dia of transformers as a reference: ``generate`` and the codec on the whole, with the noise of the addon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import voxstack
from voxstack.networks.addon import Addon
from voxstack.streaming.seeds import generator
from voxstack_importers.references import SentenceReference
from voxstack_importers.transformers.dia_modules import Codes
from voxstack_importers.transformers.guided_tokens import Sampling
from voxstack_importers.transformers.references import replaced_random


@dataclass(frozen=True)
class DiaReference(SentenceReference):
    """A ``DiaForConditionalGeneration`` with its codec.

    :param longest: steps after which speech ends in any case.
    """

    model: Any
    codec: Any
    codes: Codes
    sampling: Sampling
    longest: int

    def speech(self, addon: Addon, utterance: voxstack.Utterance) -> np.ndarray:
        """Synthesize a text: (samples,) float32."""
        rows = self._rows(utterance)[0]
        frames = int((rows[:, 0] != self.codes.padding).sum()) - 2  # without the start and the end
        columns = [rows[1 + delay : 1 + delay + frames, c] for c, delay in enumerate(self.codes.delays)]
        with torch.no_grad():
            samples = self.codec.decode(audio_codes=torch.stack(columns).unsqueeze(0)).audio_values
        spoken: np.ndarray = samples.reshape(-1).numpy().astype(np.float32)
        return spoken

    def _rows(self, utterance: voxstack.Utterance) -> torch.Tensor:
        """Return the rows of codes, (1, rows, codebooks)."""
        delays = torch.tensor(self.codes.delays)
        numbers = torch.arange(max(self.codes.delays) + 1).unsqueeze(1)
        begun = torch.where(numbers <= delays, self.codes.start, self.codes.padding).unsqueeze(0)
        random, temperature = generator(utterance, "noise"), float(utterance["temperature"])

        def multinomial(chances: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
            reached = chances.cumsum(-1)
            place = (reached <= torch.from_numpy(random.random((len(reached), 1), np.float32))).sum(-1)
            return torch.minimum(place, reached.argmax(-1)).unsqueeze(-1)

        tokens = torch.from_numpy(utterance["tokens"])[None]
        with replaced_random(multinomial=multinomial):
            rows: torch.Tensor = self.model.generate(
                input_ids=tokens,
                attention_mask=torch.ones_like(tokens),
                decoder_input_ids=begun,
                decoder_attention_mask=torch.ones(1, begun.shape[1]),
                guidance_scale=float(utterance["guidance_scale"]),
                do_sample=temperature > 0,
                temperature=temperature or None,
                top_k=self.sampling.top_k,
                top_p=self.sampling.top_p,
                max_length=self.longest + 1,  # with the start
                decoder_start_token_id=self.codes.start,
                eos_token_id=self.codes.end,
                pad_token_id=self.codes.padding,
            )
        return rows
