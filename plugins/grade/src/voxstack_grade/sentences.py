"""The sentences that a voice is graded on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from voxstack import RequestError

BUILT_IN = Path(__file__).with_name("sentences.tsv")
"""Own sentences: statements, questions, numbers, names, lists, rare clusters of consonants, one word, forty words."""


class Sentence(NamedTuple):
    """A text, and its words as they are spoken."""

    text: str
    spoken: str


def read_sentences(path: Path = BUILT_IN, count: int | None = None) -> list[Sentence]:
    """Read one sentence per line; its spoken words follow after a TAB if they differ from the words of the text.

    :param count: number of sentences, evenly spread over the file; None: all.
    :raises RequestError: if the file cannot be read, is empty, or has a text twice.
    """
    try:
        lines = [line for line in path.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"cannot read the texts of {str(path)!r}: {error}; give a file of UTF-8") from error
    sentences = [Sentence(row[0].strip(), words(row[-1])) for row in (line.split("\t") for line in lines)]
    if not sentences:
        raise RequestError(f"{str(path)!r} has no texts; write one sentence per line")
    if len({sentence.text for sentence in sentences}) < len(sentences):
        raise RequestError(f"{str(path)!r} has a text twice; remove one")
    return sentences if count is None else spread(sentences, count)


def spread(sentences: Sequence[Sentence], count: int) -> list[Sentence]:
    """Return ``count`` sentences, evenly spread, or all if there are no more."""
    size = len(sentences)
    return [sentences[index * size // count] for index in range(count)] if count < size else list(sentences)


def words(text: str) -> str:
    """Return the words of a text in lower case, without punctuation."""
    return " ".join(re.sub(r"[^\w' ]|_", " ", text.replace("-", " ").lower()).split())
