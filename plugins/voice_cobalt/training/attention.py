"""The training of cobalt's acoustic model: text encoder, autoregressive decoder and refiner, together.

The attention is supervised: the teacher's own phone ends are its targets. In use, the decoder reads its own frames and
not the teacher's. The training prepares it for that by noise, by dropout, and by replacing some of the teacher's frames
by those of a first pass (scheduled sampling in two passes, Mihaylova and Martins 2019).
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

sys.path += [str(Path(__file__).resolve().parents[2] / voice / "training") for voice in ("voice_prism", "voice_amber")]
from acoustic_examples import pad
from attention_examples import Example, make_examples
from attention_networks import GROUP, SCALE, AttentionModel
from features import FLOOR, MELS
from published_weights import load_matching
from speech_corpus import SpeechCorpus
from training_loop import learning_rate_factor, load_weights, run_training, set_learning_rate

WEIGHTS = {"coarse": 2.0, "mel": 3.0, "attention": 1.0, "stop": 0.5}


def losses(
    model: AttentionModel, batch: list[Example], own: float = 0.0, noise: float = 0.0
) -> dict[str, torch.Tensor]:
    """Return mean distances between predictions and targets.

    They are ``coarse`` and ``mel``, frames before and after the refiner (scaled); ``attention`` (nats); ``stop``; and
    ``right``, the share of steps whose attention is at the right token.

    :param own: share of steps that read the model's own frames in place of the teacher's.
    :param noise: standard deviation of the noise on the frames that the decoder reads.
    """
    tokens, frames, attended, index = (
        pad([getattr(example, name) for example in batch]) for name in ("tokens", "frames", "attended", "index")
    )
    token_mask, step_mask = (
        pad([np.ones(len(getattr(example, name)), np.float32) for example in batch]) for name in ("tokens", "frames")
    )
    targets = F.one_hot(index, tokens.shape[1]).float().mean(2)
    ends = step_mask - F.pad(step_mask, (0, 1))[:, 1:]
    previous, position = frames.roll(1, 1), attended.roll(1, 1)
    previous[:, 0], position[:, 0] = 0, 0
    if model.training:
        position = _with_slips(position, token_mask)
    with torch.autocast("cpu", torch.bfloat16):
        keys, values = model.memory(tokens, token_mask)
        if own > 0:
            with torch.no_grad():
                predicted = model.decoder(keys, values, token_mask, previous, position)[0][..., :MELS].roll(1, 1)
            predicted[:, 0] = 0
            previous = torch.where((torch.rand(position.shape) < own)[..., None, None], predicted, previous)
        if noise > 0:
            previous = previous + noise * torch.randn_like(previous)
        coarse, stop, attention = model.decoder(keys, values, token_mask, previous, position)
        refined = model.refiner(coarse.flatten(1, 2), step_mask.repeat_interleave(GROUP, 1))
    refined = ((refined.float() - math.log(FLOOR)) / SCALE).unflatten(1, (-1, GROUP))
    end_loss = F.binary_cross_entropy_with_logits(stop, ends, reduction="none", pos_weight=torch.tensor(4.0))
    by_step = {
        "coarse": (coarse[..., :MELS] - frames).abs().mean((2, 3)),
        "mel": (refined - frames).abs().mean((2, 3)),
        "attention": -(targets * attention).sum(-1),
        "stop": end_loss,
        "right": (attention.argmax(-1) == attended).float(),
    }
    return {name: (value * step_mask).sum() / step_mask.sum() for name, value in by_step.items()}


def _with_slips(position: torch.Tensor, token_mask: torch.Tensor) -> torch.Tensor:
    """Return positions, (batch, steps), 7 % of them one token ahead and 7 % one behind.

    The targets stay right, so that the model learns to return to its place.
    """
    slip = torch.rand(position.shape)
    position = torch.clamp(position + (slip < 0.07).long() - (slip > 0.93).long(), min=0)
    return torch.minimum(position, token_mask.sum(1, keepdim=True).long() - 1)


def own_share(number: int, steps: int) -> float:
    """Return the share of steps that read own frames: 0 in the first fifth of a run, 0.5 from its middle on."""
    return 0.5 * min(1.0, max(0.0, (number / steps - 0.2) / 0.3))


def train(
    corpus: SpeechCorpus,
    validation: SpeechCorpus,
    checkpoint: Path,
    steps: int,
    start: Path | None = None,
    batch: int = 16,
) -> AttentionModel:
    """Train a model, or resume its training from ``checkpoint``.

    :param start: checkpoint of amber's acoustic model, with whose text encoder this one's starts, as far as it fits.
    """
    torch.manual_seed(0)
    model, examples, unseen = AttentionModel(), make_examples(corpus), make_examples(validation)
    if start is not None:
        saved = load_weights(start, "model")
        missing = load_matching(
            model.memory, {name: value for name, value in saved.items() if name.startswith("encoder.")}
        )
        names = ", ".join(name for name in missing if name.startswith("encoder.")) or "nothing"
        print(f"of the encoder, initialised at random: {names}")
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=1e-2)

    def step(number: int) -> dict[str, float]:
        torch.manual_seed(number)
        set_learning_rate(optimizer, 1.5e-3 * learning_rate_factor(number, steps))
        first = random.Random(number).randrange(len(examples) - batch)
        parts = losses(model, examples[first : first + batch], own_share(number, steps), 0.1)
        optimizer.zero_grad()
        sum(weight * parts[name] for name, weight in WEIGHTS.items()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if number % 500 == 499:
            model.eval()
            with torch.no_grad():
                values = {name: round(value.item(), 4) for name, value in losses(model, unseen).items()}
            print("validation:", values, flush=True)
            model.train()
        return {name: value.item() for name, value in parts.items()}

    run_training("attention", checkpoint, steps, {"model": model, "optimizer": optimizer}, step)
    return model


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--work", type=Path, required=True, help="folder of the speech and of the checkpoint, attention.pt"
    )
    parser.add_argument("--steps", type=int, default=8000, help="number of updates")
    parser.add_argument("--start", type=Path, help="checkpoint of amber's acoustic model, for the text encoder")
    options = parser.parse_args()
    torch.set_num_threads(1)
    corpus, validation = (SpeechCorpus.load(options.work / name) for name in ("rms.npz", "rms_validation.npz"))
    train(corpus, validation, options.work / "attention.pt", options.steps, options.start)
