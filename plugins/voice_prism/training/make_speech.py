"""Stage one: corpus and speech of both teachers, into WORK/<teacher>.npz and WORK/<teacher>_validation.npz."""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from corpus import Grammar
from delivery import PLAIN, any_manner, usual
from speech import build_teacher, speak

SEEDS = {"slt": 1, "rms": 2}
HELD_OUT = 40


def make_speech(work: Path, voice: str, utterances: int, ordinary: float = 0.5) -> Path:
    """Make the training file and the validation file of one teacher, unless they are there.

    :param ordinary: share of the lines that are spoken as the voice speaks unasked; the others are spoken in any manner.
    """
    work.mkdir(parents=True, exist_ok=True)
    path = work / f"{voice}.npz"
    if not path.exists():
        lines = list(Grammar(SEEDS[voice]).lines(utterances + HELD_OUT))
        program = build_teacher(work)
        unseen = [(line, PLAIN) for line in lines[utterances:]]
        speak(program, voice, unseen, f"{voice}, validation").save(work / f"{voice}_validation.npz")
        draw = random.Random(SEEDS[voice])
        spoken = [(line, usual(line) if draw.random() < ordinary else any_manner(draw)) for line in lines[:utterances]]
        speak(program, voice, spoken, f"{voice}, training").save(path)
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("voice", choices=sorted(SEEDS))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--utterances", type=int, required=True)
    parser.add_argument("--ordinary", type=float, default=0.5, help="share of lines spoken as the voice speaks unasked")
    options = parser.parse_args()
    print(make_speech(options.work, options.voice, options.utterances, options.ordinary))
