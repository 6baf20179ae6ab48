"""The network that pronounces words outside the lexicon, and its training on the lexicon.

It maps letters to phones in one pass: convolutions over three steps per letter, decoded by connectionist temporal
classification (Graves et al. 2006), so it needs neither an alignment nor a loop.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

sys.path.append(str(Path(__file__).resolve().parents[2] / "voice_prism" / "training"))
from layers import ConvNeXtBlock
from training_loop import learning_rate_factor, run_training, set_learning_rate

from voxstack_text.pronunciation.g2p_network import LETTERS, STEPS_PER_LETTER, decode, encode
from voxstack_text.pronunciation.lexicon import Lexicon
from voxstack_text.pronunciation.symbols import SYMBOLS, Pronunciation

HELD_OUT = 1500  # words
POOL = 8  # batches drawn at once and sorted by length, so that little of a batch is padding


class PronunciationNetwork(nn.Module):
    """Maps letters to scores of symbols, three steps per letter.

    Its receptive field is 15 steps, 5 letters, on each side.
    """

    def __init__(self, channels: int = 128, blocks: int = 5) -> None:
        super().__init__()
        self.letters = nn.Embedding(len(LETTERS), channels)
        self.places = nn.Parameter(0.5 * torch.randn(STEPS_PER_LETTER, channels))
        self.blocks = nn.ModuleList(ConvNeXtBlock(channels) for _ in range(blocks))
        self.norm = nn.LayerNorm(channels)
        self.out = nn.Linear(channels, len(SYMBOLS) + 1)

    def forward(self, letters: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Map letters, (batch, letters) integers, and a mask, (batch, letters), to logits.

        They are (batch, 3 * letters, symbols + 1), with the blank first.
        """
        steps = (self.letters(letters)[:, :, None] + self.places).flatten(1, 2).transpose(1, 2)
        mask = mask[:, :, None].expand(-1, -1, STEPS_PER_LETTER).flatten(1)[:, None]
        x = steps * mask
        for block in self.blocks:
            x = block(x, mask)
        return self.out(self.norm(x.transpose(1, 2)))


def example_inputs() -> dict[str, np.ndarray]:
    """Return the inputs of a real word, to export and measure the network, (1, letters) each."""
    letters = encode("unpronounceable")[None]
    return {"letters": letters, "mask": np.ones(letters.shape, np.float32)}


def learnable(lexicon: Lexicon) -> dict[str, Pronunciation]:
    """Return the pronunciations that fit the network's output; those of spelled letters are longer."""
    words = {word: lexicon.get(word) or () for word in lexicon}
    return {
        word: phones
        for word, phones in words.items()
        if 0 < len(phones) <= STEPS_PER_LETTER * len(word) and len(word) > 1
    }


def batch_of(words: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return letters and mask of some words, (words, letters) each, with zeros after shorter words."""
    rows = [torch.from_numpy(encode(word)) for word in words]
    letters = nn.utils.rnn.pad_sequence(rows, batch_first=True)
    return letters, nn.utils.rnn.pad_sequence([torch.ones(len(row)) for row in rows], batch_first=True)


def loss(network: PronunciationNetwork, words: Sequence[str], lexicon: dict[str, Pronunciation]) -> torch.Tensor:
    """Return the negative log-likelihood of the pronunciations, per symbol."""
    letters, mask = batch_of(words)
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(letters, mask)
    targets = [torch.tensor([SYMBOLS.index(symbol) + 1 for symbol in lexicon[word]]) for word in words]
    steps = torch.tensor([STEPS_PER_LETTER * len(word) for word in words])
    lengths = torch.tensor([len(target) for target in targets])
    scores = logits.float().log_softmax(-1).transpose(0, 1)
    return F.ctc_loss(scores, torch.cat(targets), steps, lengths, zero_infinity=True)


def edit_distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Return Levenshtein's edit distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[:], i
        for j, y in enumerate(b, 1):
            row[j] = min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (x != y))
    return row[-1]


@torch.no_grad()
def report(network: PronunciationNetwork, words: Sequence[str], lexicon: dict[str, Pronunciation]) -> str:
    """Return the errors on these words as text, with stress and without."""
    network.eval()
    errors = wrong = wrong_stress = phones = 0
    for start in range(0, len(words), 250):
        group = words[start : start + 250]
        for word, logits in zip(group, network(*batch_of(group)).numpy(), strict=True):
            predicted, expected = decode(logits[: STEPS_PER_LETTER * len(word)]), lexicon[word]
            away = edit_distance(*([symbol.rstrip("01") for symbol in symbols] for symbols in (predicted, expected)))
            errors, wrong, wrong_stress = errors + away, wrong + (away > 0), wrong_stress + (predicted != expected)
            phones += len(expected)
    network.train()
    shares = f"{errors / phones:.2%} of phones, {wrong / len(words):.1%} of words"
    return f"wrong on {len(words)} unseen words: {shares}, {wrong_stress / len(words):.1%} with stress"


def train(lexicon: dict[str, Pronunciation], checkpoint: Path, steps: int, batch: int = 128) -> PronunciationNetwork:
    """Train a network, or resume its training from ``checkpoint``."""
    torch.manual_seed(0)
    words = sorted(lexicon)
    random.Random(0).shuffle(words)
    unseen, words = words[:HELD_OUT], words[HELD_OUT:]
    network = PronunciationNetwork()
    optimizer = torch.optim.AdamW(network.parameters(), betas=(0.9, 0.98), weight_decay=1e-2)

    def step(number: int) -> dict[str, float]:
        set_learning_rate(optimizer, 2e-3 * learning_rate_factor(number, steps))
        pool = sorted(random.Random(number // POOL).sample(words, batch * POOL), key=len)
        order = random.Random(-1 - number // POOL).sample(range(POOL), POOL)
        start = order[number % POOL] * batch
        value = loss(network, pool[start : start + batch], lexicon)
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        if number % 1000 == 999:
            print(report(network, unseen, lexicon), flush=True)
        return {"loss": value.item()}

    run_training("pronunciation", checkpoint, steps, {"model": network, "optimizer": optimizer}, step)
    print("final:", report(network, unseen, lexicon), flush=True)
    return network


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of the checkpoint, pronunciation.pt")
    parser.add_argument("--steps", type=int, default=6000, help="number of updates")
    options = parser.parse_args()
    torch.set_num_threads(1)
    train(learnable(Lexicon.built_in()), options.work / "pronunciation.pt", options.steps)
