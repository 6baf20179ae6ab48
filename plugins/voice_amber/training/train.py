"""Everything behind the voices ``amber`` and ``prism``, in one command: corpus, teacher, training, export.

    python plugins/voice_amber/training/train.py --work WORK

Each stage is skipped where its result lies in WORK, and a training goes on from its last checkpoint, so the command can be
stopped at any time and called again. Two trainings run side by side, one thread each.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "voice_prism" / "training"))
from stages import Stage, run_all

AMBER = Path(__file__).resolve().parent
PRISM = AMBER.parents[1] / "voice_prism" / "training"


def stages(options: argparse.Namespace) -> list[list[Stage]]:
    """Scripts with their arguments; those of one row run side by side."""
    speech, work = PRISM / "make_speech.py", options.work
    starts = {
        name: ["--start", str(work / f"published_{name}.pt")] if options.published else []
        for name in ("acoustic", "vocoder")
    }
    acoustic: Stage = (AMBER / "acoustic.py", ["--steps", str(options.acoustic_steps), *starts["acoustic"]])
    vocoder: Stage = (PRISM / "vocoder.py", ["--steps", str(options.vocoder_steps)])
    pronunciation: Stage = (AMBER / "pronunciation.py", ["--steps", str(options.pronunciation_steps)])
    predict: Stage = (AMBER / "predict.py", [])
    rows: list[list[Stage]] = [
        [(PRISM / "published.py", [])] if options.published else [],
        [(speech, ["slt", "--utterances", str(options.slt)]), (speech, ["rms", "--utterances", str(options.rms)])],
        [acoustic] if options.published else [acoustic, vocoder],
        [predict] if options.published else [predict, pronunciation],
        [(PRISM / "adversarial.py", ["--steps", str(options.adversarial_steps), *starts["vocoder"]])],
        [(PRISM / "export.py", ["--to", str(options.to / "prism")] if options.to else [])],
        [
            (
                AMBER / "export.py",
                ["--to", str(options.to / "amber"), "--prism", str(options.to / "prism")] if options.to else [],
            )
        ],
    ]
    return [row for row in rows if row]


def main() -> None:
    """Read the options and run every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for speech and checkpoints, about 2 GB")
    parser.add_argument(
        "--to", type=Path, help="folder for both addons; into the sources of their distributions, unless given"
    )
    parser.add_argument(
        "--published",
        action="store_true",
        help="begin with the weights of the addons in this checkout, not from nothing",
    )
    parser.add_argument("--slt", type=int, default=5000, help="utterances of the first teacher")
    parser.add_argument("--rms", type=int, default=2500, help="utterances of the second teacher, for the vocoder")
    parser.add_argument("--acoustic-steps", type=int, default=6000)
    parser.add_argument("--vocoder-steps", type=int, default=12000)
    parser.add_argument("--adversarial-steps", type=int, default=6000)
    parser.add_argument("--pronunciation-steps", type=int, default=6000)
    options = parser.parse_args()
    run_all(stages(options), options.work)


if __name__ == "__main__":
    main()
