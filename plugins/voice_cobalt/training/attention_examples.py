"""Training examples of cobalt's acoustic model, from the teacher's speech and labels."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path += [str(Path(__file__).resolve().parents[2] / voice / "training") for voice in ("voice_prism", "voice_amber")]
from attention_networks import GROUP, SCALE
from features import FLOOR, MELS
from speech_corpus import SpeechCorpus

from voxstack_text.tokens import Phone, token_features


@dataclass
class Example:
    """Inputs and targets of one utterance."""

    tokens: np.ndarray  # (tokens, 6)
    frames: np.ndarray  # (steps, 4, 80) scaled
    index: np.ndarray  # (steps, 4) token of each frame
    attended: np.ndarray  # (steps,) token to which most of a step's frames belong


def make_examples(corpus: SpeechCorpus) -> list[Example]:
    """Return examples of all utterances, shortest first."""
    examples = (make_example(corpus, index) for index in range(len(corpus)))
    return sorted(examples, key=lambda example: len(example.frames))


def make_example(corpus: SpeechCorpus, index: int) -> Example:
    """Return inputs and targets of one utterance; the last step is padded with silence."""
    labels = corpus.labels[index]
    phones = [Phone(name, stress, word if start else "") for name, stress, start, word in labels["phones"]]
    text = labels["text"].strip()
    tokens = token_features(phones, text[-1] if text[-1] in "?!" else ".")
    durations = np.asarray(labels["durations"])
    mel = (corpus.mel[corpus.span(index)].astype(np.float32) - math.log(FLOOR)) / SCALE
    steps = -(-len(mel) // GROUP)
    frames = np.zeros((steps * GROUP, MELS), np.float32)
    frames[: len(mel)] = mel
    token = np.full(steps * GROUP, len(durations) - 1)
    token[: len(mel)] = np.repeat(np.arange(len(durations)), durations)
    token = token.reshape(steps, GROUP)
    attended = np.array([np.bincount(row - row[0]).argmax() + row[0] for row in token])
    return Example(tokens, frames.reshape(steps, GROUP, MELS), token, attended)
