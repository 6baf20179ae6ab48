"""The training of amber's acoustic model: encoder, predictors of durations, pitch and level, and decoder, together.

Parallel, with explicit durations, pitch and energy (as FastSpeech 2, Ren et al. 2021, with one value per phone as in
FastPitch, Lancucki 2021), of ConvNeXt blocks throughout. The teacher's own phone durations and pitch are the targets,
so neither an aligner nor a pitch tracker is needed. Pitch and level are learned only from utterances of the usual
delivery, everything else from all utterances, so that the decoder follows the pitch and the level that it receives.
During training the decoder also predicts log-f0 and voicing of each frame, which sharpens its harmonics; the exported
network predicts only mels.
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

sys.path.append(str(Path(__file__).resolve().parents[2] / "voice_prism" / "training"))
from acoustic_examples import Example, make_examples, pad
from acoustic_networks import F0_CENTRE, F0_SCALE, LEVEL_CENTRE, LEVEL_SCALE, Acoustic
from features import MELS
from published_weights import load_matching
from speech_corpus import SpeechCorpus
from training_loop import learning_rate_factor, load_weights, run_training, set_learning_rate

WEIGHTS = {"mel": 3.0, "f0": 1.0, "voicing": 0.5, "duration": 0.5, "pitch": 1.0, "level": 0.5}


def losses(model: Acoustic, batch: list[Example]) -> dict[str, torch.Tensor]:
    """Return mean distances between predictions and targets.

    They are mel (scaled), f0 of voiced frames, voicing, and log-duration at the usual pace; and scaled pitch and level
    of utterances with the usual delivery.
    """
    tokens, lengths, target, index, places, prosody = (
        pad([getattr(example, name) for example in batch])
        for name in ("tokens", "lengths", "target", "index", "places", "prosody")
    )
    token_mask, frame_mask = (
        pad([np.ones(len(getattr(example, name)), np.float32) for example in batch]) for name in ("tokens", "index")
    )
    usual = token_mask * torch.tensor([example.usual for example in batch])[:, None]
    with torch.autocast("cpu", torch.bfloat16):
        encoded = model.encoder(tokens, token_mask)
        log_durations = model.durations.logarithm(encoded, token_mask)
        predicted_prosody = model.prosody.scaled(encoded, token_mask)
        frames = torch.gather(encoded, 1, index[..., None].expand(-1, -1, encoded.shape[2]))
        predicted = model.decoder.all_outputs(torch.cat([frames.float(), places], 2), frame_mask)
    predicted, log_durations, predicted_prosody = predicted.float(), log_durations.float(), predicted_prosody.float()
    pitch = F0_SCALE * (prosody[..., 0] - math.log(F0_CENTRE))
    level = (prosody[..., 1] - LEVEL_CENTRE) / LEVEL_SCALE
    voiced = target[..., MELS + 1]
    voicing = F.binary_cross_entropy_with_logits(predicted[..., MELS + 1], voiced, reduction="none")
    return {
        "mel": _mean((predicted[..., :MELS] - target[..., :MELS]).abs().mean(-1), frame_mask),
        "f0": _mean((predicted[..., MELS] - target[..., MELS]).abs(), voiced * frame_mask),
        "voicing": _mean(voicing, frame_mask),
        "duration": _mean((log_durations - torch.log(lengths + 0.5)).abs(), token_mask),
        "pitch": _mean((predicted_prosody[..., 0] - pitch).abs(), usual),
        "level": _mean((predicted_prosody[..., 1] - level).abs(), usual),
    }


def _mean(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1)


def train(
    corpus: SpeechCorpus,
    validation: SpeechCorpus,
    checkpoint: Path,
    steps: int,
    start: Path | None = None,
    batch: int = 12,
) -> Acoustic:
    """Train an acoustic model, or resume its training from ``checkpoint``.

    :param start: checkpoint whose weights the model starts with, as far as they fit.
    """
    torch.manual_seed(0)
    model, examples, unseen = Acoustic(), make_examples(corpus), make_examples(validation)
    if start is not None:
        missing = load_matching(model, load_weights(start, "model"))
        print(f"not in {start}, and initialised at random: {', '.join(missing) or 'nothing'}", flush=True)
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=1e-2)

    def step(number: int) -> dict[str, float]:
        set_learning_rate(optimizer, 1.5e-3 * learning_rate_factor(number, steps))
        first = random.Random(number).randrange(len(examples) - batch)
        parts = losses(model, examples[first : first + batch])
        optimizer.zero_grad()
        sum(WEIGHTS[name] * value for name, value in parts.items()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if number % 500 == 499:
            with torch.no_grad():
                values = {name: round(value.item(), 4) for name, value in losses(model, unseen).items()}
            print("validation:", values, flush=True)
        return {name: value.item() for name, value in parts.items()}

    run_training("acoustic", checkpoint, steps, {"model": model, "optimizer": optimizer}, step)
    return model


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--work", type=Path, required=True, help="folder of the speech and of the checkpoint, acoustic.pt"
    )
    parser.add_argument("--steps", type=int, default=6000, help="number of updates")
    parser.add_argument("--start", type=Path, help="checkpoint whose weights to start with")
    options = parser.parse_args()
    torch.set_num_threads(1)
    corpus, validation = (SpeechCorpus.load(options.work / name) for name in ("slt.npz", "slt_validation.npz"))
    train(corpus, validation, options.work / "acoustic.pt", options.steps, options.start)
