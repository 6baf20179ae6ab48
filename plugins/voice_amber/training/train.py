"""The training of the voices ``amber`` and ``prism`` in one command: corpus, teacher, training, export.

    python plugins/voice_amber/training/train.py --work WORK

Each stage is skipped if its result exists in WORK, and a training resumes from its last checkpoint, so the command can
be stopped at any time and called again. Up to two trainings run side by side, with one thread each.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "voice_prism" / "training"))
from stages import Stage, run_stages

AMBER = Path(__file__).resolve().parent
PRISM = AMBER.parents[1] / "voice_prism" / "training"


def stages(options: argparse.Namespace) -> list[Stage]:
    """Return the stages that the options ask for."""
    corpus, published = PRISM / "make_corpus.py", options.published
    start = {
        name: ["--start", str(options.work / f"published_{name}.pt")] if published else []
        for name in ("acoustic", "vocoder")
    }
    acoustic = (AMBER / "acoustic.py", ["--steps", str(options.acoustic_steps), *start["acoustic"]])
    vocoder = (PRISM / "vocoder.py", ["--steps", str(options.vocoder_steps)])
    pronunciation = (AMBER / "pronunciation.py", ["--steps", str(options.pronunciation_steps)])
    predict: tuple[Path, list[str]] = (AMBER / "predict.py", [])
    adversarial = (PRISM / "adversarial.py", ["--steps", str(options.adversarial_steps), *start["vocoder"]])
    prism, amber = (["--to", str(options.to / name)] if options.to else [] for name in ("prism", "amber"))
    lender = ["--prism", str(options.to / "prism")] if options.to else []
    everything: list[Stage] = [
        [(PRISM / "published_weights.py", [])] if published else [],
        [(corpus, ["slt", "--utterances", str(options.slt)]), (corpus, ["rms", "--utterances", str(options.rms)])],
        [acoustic] if published else [acoustic, vocoder],
        [predict] if published else [predict, pronunciation],
        [adversarial],
        [(PRISM / "export.py", prism)],
        [(AMBER / "export.py", [*amber, *lender])],
    ]
    return [stage for stage in everything if stage]


def main() -> None:
    """Read the options and run all stages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for speech and checkpoints, about 2 GB")
    parser.add_argument(
        "--to", type=Path, help="folder for both addons; default: in the sources of their distributions"
    )
    parser.add_argument(
        "--published",
        action="store_true",
        help="start with the weights of the addons in this checkout instead of random ones",
    )
    parser.add_argument("--slt", type=int, default=5000, help="utterances of the first teacher")
    parser.add_argument("--rms", type=int, default=2500, help="utterances of the second teacher, for the vocoder")
    parser.add_argument("--acoustic-steps", type=int, default=6000, help="updates of the acoustic model")
    parser.add_argument("--vocoder-steps", type=int, default=12000, help="updates of the vocoder on spectral losses")
    parser.add_argument(
        "--adversarial-steps", type=int, default=6000, help="updates of the vocoder in the second stage"
    )
    parser.add_argument("--pronunciation-steps", type=int, default=6000, help="updates of the pronunciation network")
    options = parser.parse_args()
    run_stages(stages(options), options.work)


if __name__ == "__main__":
    main()
