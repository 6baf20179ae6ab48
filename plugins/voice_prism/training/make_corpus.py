"""Text and speech of one teacher, written to WORK/<teacher>.npz and WORK/<teacher>_validation.npz."""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from delivery import PLAIN, random_delivery, usual_delivery
from grammar import Grammar
from speech_corpus import build_teacher, synthesize_corpus

SEEDS = {"slt": 1, "rms": 2}
HELD_OUT = 40  # utterances for validation


def make_corpus(work: Path, voice: str, utterances: int, ordinary: float = 0.5) -> Path:
    """Write the training file and the validation file of one teacher, unless they exist, and return the first.

    :param ordinary: share of the lines with their usual delivery; the others have random deliveries.
    """
    work.mkdir(parents=True, exist_ok=True)
    path = work / f"{voice}.npz"
    if not path.exists():
        lines = list(Grammar(SEEDS[voice]).lines(utterances + HELD_OUT))
        program = build_teacher(work)
        unseen = [(line, PLAIN) for line in lines[utterances:]]
        synthesize_corpus(program, voice, unseen, f"{voice}, validation").save(work / f"{voice}_validation.npz")
        rng = random.Random(SEEDS[voice])
        training = [
            (line, usual_delivery(line) if rng.random() < ordinary else random_delivery(rng))
            for line in lines[:utterances]
        ]
        synthesize_corpus(program, voice, training, f"{voice}, training").save(path)
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("voice", choices=sorted(SEEDS), help="the teacher, a voice of flite")
    parser.add_argument("--work", type=Path, required=True, help="folder for the files")
    parser.add_argument("--utterances", type=int, required=True, help="utterances for training; 40 more for validation")
    parser.add_argument("--ordinary", type=float, default=0.5, help="share of lines with their usual delivery")
    options = parser.parse_args()
    print(make_corpus(options.work, options.voice, options.utterances, options.ordinary))
