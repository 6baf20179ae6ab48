"""The training of the voice ``cobalt`` in one command: corpus, teacher, training, export.

    python plugins/voice_cobalt/training/train.py --work WORK

The addons that it borrows from, ``prism`` and ``amber``, are those of the checkout, unless others are given; the text
encoder starts with amber's weights. Each stage is skipped if its result exists in WORK, and the training resumes from
its last checkpoint, so the command can be stopped at any time and called again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "voice_prism" / "training"))
from stages import Stage, run_stages

COBALT = Path(__file__).resolve().parent
PRISM = COBALT.parents[1] / "voice_prism" / "training"


def stages(options: argparse.Namespace) -> list[Stage]:
    """Return the stages that the options ask for."""
    folders = {"--to": options.to, "--prism": options.prism, "--amber": options.amber}
    start = options.work / "published_acoustic.pt"
    return [
        [
            (PRISM / "published_weights.py", []),
            (PRISM / "make_corpus.py", ["rms", "--utterances", str(options.utterances), "--ordinary", "1"]),
        ],
        [(COBALT / "attention.py", ["--steps", str(options.steps), "--start", str(start)])],
        [(COBALT / "export.py", [word for name, value in folders.items() if value for word in (name, str(value))])],
    ]


def main() -> None:
    """Read the options and run all stages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for speech and checkpoints, about 1 GB")
    parser.add_argument("--to", type=Path, help="folder of the addon; default: in the sources of its distribution")
    parser.add_argument("--prism", type=Path, help="folder of the addon that lends the vocoder")
    parser.add_argument("--amber", type=Path, help="folder of the addon that lends the pronunciation network")
    parser.add_argument("--utterances", type=int, default=4000, help="utterances of the teacher")
    parser.add_argument("--steps", type=int, default=11000, help="updates of the model")
    options = parser.parse_args()
    run_stages(stages(options), options.work)


if __name__ == "__main__":
    main()
