"""Reading of text against other normalisers: how many of the same texts each reads as a careful reader would.

Each normaliser runs with the Python that has it, in a process of its own::

    python tests/benchmarks/reading.py --nemo VENV/bin/python --kitten VENV/bin/python

(``pip install nemo_text_processing`` and ``pip install kitten-text-processing``); Piper's espeak-ng is that of
piper-tts beside this file's Python. Words are compared without blanks, marks and capitals, so that "TV" and "T V" are
the same. espeak-ng gives phonemes only: they are compared with its own phonemes of the expected words. Normalisers of
text have neither phones nor pauses, so that every homograph and every line end is right for them.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from reading_sets import Case, cases, is_right, read

import voxstack

SETS = ("cases", "siblings", "siblings_of_another", "blind", "novels")
NEMO = """
import json, logging, sys
logging.disable(50)
from nemo_text_processing.text_normalization.normalize import Normalizer
normalizer = Normalizer(input_case="cased", lang="en")
for line in sys.stdin:
    try:
        read = normalizer.normalize(json.loads(line), punct_post_process=False)
    except Exception as error:
        read = f"error: {error}"
    print(json.dumps(read), flush=True)
"""
KITTEN = """
import json, sys
from kitten_text_processing import normalize_text
for line in sys.stdin:
    print(json.dumps(normalize_text(json.loads(line))), flush=True)
"""
Judge = Callable[[list[Case]], list[bool]]


def main() -> None:
    """Print a table of the shares, as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nemo", metavar="PYTHON", help="a Python that has nemo_text_processing")
    parser.add_argument("--kitten", metavar="PYTHON", help="a Python that has kitten-text-processing")
    parser.add_argument("--kinds", action="store_true", help="a row for each kind too")
    options = parser.parse_args()
    judges: dict[str, Judge] = {"voxstack": by_voice}
    if options.nemo:
        judges["nemo_text_processing"] = by_words(options.nemo, NEMO)
    if options.kitten:
        judges["kitten-text-processing"] = by_words(options.kitten, KITTEN)
    judges["espeak-ng of piper-tts"] = by_phonemes
    print(f"| set | texts | {' | '.join(judges)} |\n|---|---|{'---|' * len(judges)}")
    every: dict[str, list[bool]] = {name: [] for name in judges}
    kinds: list[str] = []
    for name in SETS:
        found = cases(name)
        kinds += [case.kind for case in found]
        results = {judge: judged(found) for judge, judged in judges.items()}
        for judge, result in results.items():
            every[judge] += result
        print(row(name, list(results.values())))
    print(row("all", list(every.values())))
    if options.kinds:
        for kind in Counter(kinds):
            print(
                row(kind, [[r for r, k in zip(result, kinds, strict=True) if k == kind] for result in every.values()])
            )


def row(name: str, results: list[list[bool]]) -> str:
    """Return a row of the table: the share of each."""
    return f"| {name} | {len(results[0])} | {' | '.join(f'{100 * sum(r) / len(r):.1f} %' for r in results)} |"


def by_voice(found: list[Case]) -> list[bool]:
    """Judge the default voice, with phones and pauses."""
    voice = voxstack.load("amber")
    return [is_right(case, read(voice, case.written)) for case in found]


def by_words(python: str, script: str) -> Judge:
    """Return a judge of a normaliser that another Python runs."""

    def judged(found: list[Case]) -> list[bool]:
        lines = "".join(json.dumps(case.written) + "\n" for case in found)
        run = subprocess.run([python, "-c", script], input=lines, capture_output=True, text=True, check=True)
        results = [json.loads(line) for line in run.stdout.splitlines()]
        return [
            any(_letters(reading) == _letters(result) for reading in case.readings)
            for case, result in zip(found, results, strict=True)
        ]

    return judged


def by_phonemes(found: list[Case]) -> list[bool]:
    """Judge Piper's espeak-ng by its phonemes of the written text and of the expected words."""
    from piper.phonemize_espeak import EspeakPhonemizer  # type: ignore[import-not-found,import-untyped,unused-ignore]

    phonemizer = EspeakPhonemizer()

    def phonemes(text: str) -> str:
        sounds = "".join("".join(sentence) for sentence in phonemizer.phonemize("en-us", text))
        return re.sub(r"[^\w]|[ˈˌː]", "", sounds)

    return [
        any(phonemes(reading) == phonemes(case.written) for reading in map(_words, case.readings)) for case in found
    ]


def _words(reading: str) -> str:
    return " ".join(word for word in re.sub(r"\[[^\]]*\]", "", reading).split() if word != "/")


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", re.sub(r"\[[^\]]*\]", "", text.lower()).replace("misses", "missus"))


if __name__ == "__main__":
    main()
