"""Training examples of amber's acoustic model, from the teacher's speech and labels."""

from __future__ import annotations

import math
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

sys.path.append(str(Path(__file__).resolve().parents[2] / "voice_prism" / "training"))
from acoustic_networks import F0_CENTRE, F0_SCALE, MEL_SCALE, MEL_SHIFT
from delivery import usual_delivery
from features import FLOOR
from speech_corpus import SpeechCorpus

from voxstack_text.tokens import Phone, token_features
from voxstack_upsampler.contours import Contours
from voxstack_upsampler.frame_positions import frame_positions


@dataclass
class Example:
    """Inputs and targets of one utterance."""

    tokens: np.ndarray  # (tokens, 6)
    durations: np.ndarray  # (tokens,) frames
    lengths: np.ndarray  # (tokens,) frames of each at the usual pace
    prosody: np.ndarray  # (tokens, 2) ln(f0 / 1 Hz) and level in dB
    usual: bool  # whether its prosody is a target
    index: np.ndarray  # (frames,) token of each frame
    places: np.ndarray  # (frames, 6) positions, lf0 and level
    target: np.ndarray  # (frames, 82)


def make_examples(corpus: SpeechCorpus) -> list[Example]:
    """Return examples of all utterances, shortest first.

    In half of those of unusual delivery, the level varies by word.
    """
    rng = random.Random(0)
    examples = []
    for index in range(len(corpus)):
        varied = not corpus.labels[index]["delivery"]["usual"] and rng.random() < 0.5
        examples.append(make_example(corpus, index, rng if varied else None))
    return sorted(examples, key=lambda example: len(example.index))


def make_example(corpus: SpeechCorpus, index: int, level_rng: random.Random | None = None) -> Example:
    """Return inputs and targets of one utterance.

    :param level_rng: draws a change of level for each word, of at most 8 dB, which the mels follow; None: no changes.
    """
    labels, span = corpus.labels[index], corpus.span(index)
    phones = [Phone(name, stress, word if start else "") for name, stress, start, word in labels["phones"]]
    text = labels["text"].strip()
    durations = np.asarray(labels["durations"])
    ends = np.cumsum(durations)
    pitch, voiced = _interpolated(corpus.f0[span])
    mel = corpus.mel[span].astype(np.float32)
    if level_rng is not None:
        mel = _with_levels(mel, phones, ends, level_rng)
    prosody = np.stack([math.log(F0_CENTRE) + token_means(pitch, ends), token_means(level_of(mel), ends)], 1)
    prosody = prosody.astype(np.float32)
    target = np.concatenate([(mel + MEL_SHIFT) / MEL_SCALE, F0_SCALE * pitch[:, None], voiced[:, None]], 1)
    delivery = labels["delivery"]
    return Example(
        tokens=token_features(phones, text[-1] if text[-1] in "?!" else "."),
        durations=durations,
        lengths=(durations * usual_delivery(text).stretch / delivery["stretch"]).astype(np.float32),
        prosody=prosody,
        usual=delivery["usual"],
        index=np.repeat(np.arange(len(durations)), durations),
        places=np.concatenate([frame_positions(durations), Contours(prosody, ends).frames(0, len(mel))], 1),
        target=target.astype(np.float32),
    )


def _interpolated(f0: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ln(f0 / F0_CENTRE), (frames,), interpolated where unvoiced, and whether each frame is voiced."""
    voiced = f0 > 0
    if not voiced.any():
        return np.zeros(len(f0)), voiced
    pitch = np.log(np.maximum(f0, 1.0) / F0_CENTRE)
    return np.interp(np.arange(len(f0)), np.nonzero(voiced)[0], pitch[voiced]), voiced


def _with_levels(mel: np.ndarray, phones: list[Phone], ends: np.ndarray, rng: random.Random) -> np.ndarray:
    """Return log-mels, (frames, 80), after a change of level of each word by -8 to 8 dB."""
    word = np.cumsum([bool(phone.word) for phone in phones])
    by_word = np.array([rng.uniform(-8, 8) for _ in range(word[-1] + 1)])
    gain = Contours(by_word[word][:, None], ends).frames(0, len(mel))
    return np.maximum(mel + gain * np.log(10) / 20, np.log(FLOOR)).astype(np.float32)


def level_of(mel: np.ndarray) -> np.ndarray:
    """Return the level in dB of each frame of log-mels, (frames, 80) in nats: that of its bands' mean magnitude."""
    return 20 * np.log10(np.exp(mel).mean(1))


def token_means(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the mean of ``values``, (frames,), over each token; a token of no frames has the value at its position."""
    starts = np.concatenate([[0], ends[:-1]])
    return np.array([values[min(a, len(values) - 1) : max(b, a + 1)].mean() for a, b in zip(starts, ends, strict=True)])


def pad(rows: list[np.ndarray]) -> torch.Tensor:
    """Stack arrays of different lengths, with zeros after them."""
    return nn.utils.rnn.pad_sequence([torch.from_numpy(np.ascontiguousarray(row)) for row in rows], batch_first=True)
