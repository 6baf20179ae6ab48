"""The pronouncing lexicon: one compressed file that is searched without being parsed.

The file is one zlib stream. Decompressed, it is lines of bytes, each ended by a line feed:

1. ``voxstack-lexicon 1``, the name and version of the format;
2. the symbols of pronunciations, separated by spaces: the symbol of index *n* is written as byte 128 + *n* below;
3. one line for each word: the word in ASCII, lower case, then one byte for each symbol of its pronunciation. The lines
   are sorted by their bytes, which is the order of the words, as letters are below 128 and symbols above.

A word is found by bisecting the bytes, so opening costs no more than decompressing, and 100 000 words stay one object.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path

from voxstack_text.pronunciation.symbols import Pronunciation, checked

MAGIC = b"voxstack-lexicon 1"
_FIRST_SYMBOL = 128
_LONGEST = 100  # letters of a word; longer ones are not remembered
_CACHED = 4096  # recently found words; most words of any text are among them
_SYMBOL_BYTES = bytes(range(_FIRST_SYMBOL, 256))
_BUILT_IN = Path(__file__).parents[1] / "data" / "lexicon.bin"


class Lexicon:
    """Pronunciations by word, read from the bytes of a lexicon file.

    :raises ValueError: for bytes of another format.
    """

    def __init__(self, packed: bytes) -> None:
        try:
            self._lines = zlib.decompress(packed)
        except zlib.error as error:
            raise ValueError("not a lexicon file: it is not zlib-compressed; write one with pack()") from error
        magic, symbols, _ = self._lines.split(b"\n", 2)
        if magic != MAGIC:
            raise ValueError(
                f"not a lexicon file of this version: it begins with {magic[:20]!r}, not with {MAGIC!r}; pack it again"
            )
        self._symbols = symbols.decode("ascii").split(" ")
        self._begin = len(magic) + len(symbols) + 2
        self._cached_find = lru_cache(_CACHED)(self._find)

    @staticmethod
    @cache
    def built_in() -> Lexicon:
        """Return the lexicon of this plugin, opened once: US English as CMU flite pronounces it."""
        return Lexicon(_BUILT_IN.read_bytes())

    def get(self, word: str) -> Pronunciation | None:
        """Return the pronunciation of a lower-case word, or None for a word that the lexicon lacks."""
        return self._cached_find(word) if len(word) <= _LONGEST else self._find(word)

    def _find(self, word: str) -> Pronunciation | None:
        if not word.isascii():
            return None
        wanted = word.encode("ascii")
        low, high = self._begin, len(self._lines)
        while low < high:
            start = self._lines.rfind(b"\n", low, (low + high) // 2) + 1 or low
            end = self._lines.index(b"\n", start)
            line = self._lines[start:end]
            found = line.rstrip(_SYMBOL_BYTES)
            if found == wanted:
                return tuple(self._symbols[byte - _FIRST_SYMBOL] for byte in line[len(found) :])
            low, high = (end + 1, high) if found < wanted else (low, start)
        return None

    def __contains__(self, word: str) -> bool:
        return self.get(word) is not None

    def __iter__(self) -> Iterator[str]:
        for line in self._lines[self._begin : -1].split(b"\n"):
            yield line.rstrip(_SYMBOL_BYTES).decode("ascii")


def pack(pronunciations: Mapping[str, Pronunciation], symbols: tuple[str, ...]) -> bytes:
    """Return the bytes of a lexicon file.

    :param pronunciations: by word, in lower case.
    :param symbols: at most 128.
    :raises ValueError: for a word that is not plain lower-case ASCII, or a symbol that is not among ``symbols``.
    """
    lines = [MAGIC, " ".join(symbols).encode("ascii")]
    for word in sorted(pronunciations):
        if not word.isascii() or word != word.strip().lower():
            raise ValueError(f"{word!r} is not a word for a lexicon; give words in lower-case ASCII")
        indices = [symbols.index(symbol) for symbol in checked(pronunciations[word], word)]
        lines.append(word.encode("ascii") + bytes(_FIRST_SYMBOL + index for index in indices))
    return zlib.compress(b"\n".join(lines) + b"\n", 9)
