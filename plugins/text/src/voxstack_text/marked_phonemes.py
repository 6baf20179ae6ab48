"""The block ``MarkedPhonemes``, which keeps the marks of a text among its phonemes."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from voxstack import RequestError, SequenceBlock, Utterance

_WORD_OR_MARK = re.compile(r"\w+|[^\w\s]")


@dataclass
class MarkedPhonemes(SequenceBlock):
    """Runs a block that gives ``phonemes`` on the text between marks, and writes the marks where they were.

    Models that were trained with the package phonemizer and ``preserve_punctuation`` (StyleTTS 2, Kokoro, KittenTTS)
    read phonemes in this form. The result is a string.

    :param block: gives the ``phonemes`` of a ``text`` without marks.
    :param source: name of the text.
    :param marks: the characters that are marks. By default those of phonemizer.
    :param decimals: those of them that are none between two digits.
    :param spaced: write one space between all words and marks, where a word is a run of letters.
    """

    block: SequenceBlock
    source: str = "text"
    marks: str = ';:,.!?\u00a1\u00bf\u2014\u2026"\u00ab\u00bb\u201c\u201d(){}[]'
    decimals: str = ".,"
    spaced: bool = False

    gives = frozenset({"phonemes"})

    @property
    def needs(self) -> frozenset[str]:
        return (self.block.needs - {"text"}) | {self.source}

    def __call__(self, utterance: Utterance) -> Utterance:
        text = utterance[self.source]
        if not isinstance(text, str):
            raise RequestError("MarkedPhonemes: the text arrives in parts; put Sentences around it, or join them")
        written = []
        for part in _marks_pattern(self.marks, self.decimals).split(text):
            spoken = part.strip()
            if spoken and part[0] not in self.marks:
                before, after = part[: len(part) - len(part.lstrip())], part[len(part.rstrip()) :]
                part = before + "".join(self.block({**utterance, "text": spoken})["phonemes"]) + after
            written.append(part)
        phonemes = "".join(written)
        return {"phonemes": " ".join(_WORD_OR_MARK.findall(phonemes)) if self.spaced else phonemes}


@functools.lru_cache(maxsize=64)
def _marks_pattern(marks: str, decimals: str) -> re.Pattern[str]:
    """Return a pattern of marks in a row, as one group; ``decimals`` are none between digits."""
    plain = re.escape("".join(mark for mark in marks if mark not in decimals))
    between = re.escape("".join(mark for mark in marks if mark in decimals))
    kinds = [f"[{plain}]"] * bool(plain) + [rf"(?<!\d)[{between}]|[{between}](?!\d)"] * bool(between)
    return re.compile(f"((?:{'|'.join(kinds)})+)" if kinds else r"(?!)")
