"""Pronunciation dictionaries in text files, as they come with voices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxstack_importers.description import GOLDEN_TEXT, Spec
from voxstack_packager import PackagingError

FILE = "lexicon.txt"
"""The name of the dictionary in an addon."""

SAME = {
    "\uff0c": ",",
    "\u3002": ".",
    "\uff01": "!",
    "\uff1f": "?",
    "\uff1a": ":",
    "\uff1b": ";",
    "\u3001": ",",
    "\u201c": '"',
    "\u201d": '"',
    "\u2018": "'",
    "\u2019": "'",
}
"""Full-width and typographic marks, each with the plain one; a table of tokens has one of them, or both."""


@dataclass(frozen=True)
class LexiconFile:
    """A dictionary in a file, with the tokens of its phones.

    :param path: the file: a word, its phones and, with ``tones``, as many tones in each line.
    :param symbols: the token of each phone and mark.
    """

    path: Path
    symbols: Mapping[str, int]
    tones: bool

    @classmethod
    def read(cls, path: Path, symbols: Mapping[str, int], tones: bool) -> LexiconFile:
        """Check a dictionary.

        :raises PackagingError: if it does not exist, or if most lines do not fit or have phones without a token.
        """
        if not path.is_file():
            problem = "does not exist; it defines how words are pronounced: give it with --lexicon, or put it beside"
            raise PackagingError(path.name, f"{problem} the model")
        lexicon = cls(path, symbols, tones)
        lines, unknown = 0, list[str]()
        for word, phones in lexicon.lines():
            lines += 1
            unknown += [] if lexicon.knows(phones) else [word]
        if 2 * len(unknown) > lines or not lines:
            form = "a word, its phones and as many tones" if tones else "a word and its phones"
            example = f", such as {unknown[0]!r}," if unknown else ""
            problem = f"{len(unknown)} of {lines} lines{example} are not {form} with tokens; give that of the model"
            raise PackagingError(path.name, problem)
        return lexicon

    def lines(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each word, with its phones and tones."""
        with self.path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                word, *phones = line.split()[:1000] or [""]
                if word:
                    yield word, phones

    def knows(self, phones: list[str]) -> bool:
        """Return whether all phones of a line have tokens, and there are as many tones."""
        count = len(phones) // 2 if self.tones else len(phones)
        tones = phones[count:]
        return (
            count > 0
            and len(tones) == (count if self.tones else 0)
            and all(phone in self.symbols for phone in phones[:count])
            and all(tone.isdecimal() for tone in tones)
        )

    @property
    def tone_numbers(self) -> list[int]:
        """All tones, ascending, with that of blanks."""
        found = {int(tone) for _, phones in self.lines() if self.knows(phones) for tone in phones[len(phones) // 2 :]}
        return sorted(found | {0})

    @property
    def text(self) -> str:
        """A text that can be read with the dictionary."""
        wanted = {word.strip(".,") for word in GOLDEN_TEXT.lower().split()}
        first, found = list[str](), set[str]()
        for word, phones in self.lines():
            if self.knows(phones) and word.isalpha():
                found |= wanted & {word.lower()}
                if len(first) < 6 and len(word) > 1:
                    first.append(word)
        return GOLDEN_TEXT if found == wanted else " ".join(first)

    def block(self, **fields: Any) -> Spec:
        """Return the block that reads by it.

        :param fields: more fields of ``Lexicon``.
        """
        symbols = dict(self.symbols)
        same = {own: plain for own, plain in SAME.items() if own not in symbols}
        same |= {plain: own for own, plain in SAME.items() if own in symbols and plain not in symbols}
        return {"type": "Lexicon", "file": FILE, "symbols": symbols, "tones": self.tones, "same": same, **fields}
