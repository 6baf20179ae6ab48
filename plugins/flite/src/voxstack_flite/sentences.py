"""Text to what Flite says at once: tokens, and where one utterance ends."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

LONGEST = 60
"""Tokens of an utterance at most; a longer one ends at the last comma before that, if there is one in its second half."""

_TOKEN = re.compile(r"\S{1,40}")
_PARTS = re.compile(r"""(["'`({\[<]*)(.*?)(["'`.,:;!?(){}\[\]<>]*)""")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_END = re.compile(r"""[.!?]["'`)\]}>]*$""")
_ABBREVIATION = re.compile(
    r"(?:[a-z]|mrs?|ms|dr|st|prof|gen|sen|rev|jr|sr|vs|no|vol|fig|etc|(?:\w\.)+\w)", re.IGNORECASE
)
_AS_ASCII = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "."}
)  # noqa: RUF001


class Token(NamedTuple):
    """What stands between spaces: punctuation, what is said, and punctuation; and the characters of what is said in the text."""

    before: str
    name: str
    behind: str
    first: int
    end: int

    @property
    def start(self) -> int:
        """The first character, with punctuation."""
        return self.first - len(self.before)

    @property
    def stop(self) -> int:
        """The character behind the last, with punctuation."""
        return self.end + len(self.behind)


class Piece(NamedTuple):
    """Tokens that are said at once, which go from character ``first`` up to ``end``."""

    kind: str
    tokens: tuple[Token, ...]
    first: int
    end: int


def pieces(text: str) -> Iterator[Piece]:
    """Yield the sentences of a text (``kind`` is ``sentence``), and of those longer than ``LONGEST`` tokens the parts (``phrase``).

    A sentence ends at a blank line, or at a token that ends in one of ``. ! ?``, is no abbreviation, and is not followed by a
    small letter.
    """
    held: list[Token] = []
    kind = "sentence"
    for match in _TOKEN.finditer(text):
        if held and _ends(held[-1], text[held[-1].stop : match.start()], match.group()):
            yield _piece(kind, held)
            held, kind = [], "sentence"
        elif len(held) == LONGEST:
            cut = _cut(held)
            yield _piece("phrase", held[:cut])
            held, kind = held[cut:], "phrase"
        token = _token(match)
        if token.name:
            held.append(token)
    if held:
        yield _piece(kind, held)


def _piece(kind: str, tokens: list[Token]) -> Piece:
    return Piece(kind, tuple(tokens), tokens[0].start, tokens[-1].stop)


def _ends(token: Token, space: str, following: str) -> bool:
    if _BLANK_LINE.search(space):
        return True
    if not _END.search(token.behind) or following[:1].islower():
        return False
    return not token.behind.startswith(".") or not _ABBREVIATION.fullmatch(token.name)


def _cut(tokens: list[Token]) -> int:
    commas = [number for number, token in enumerate(tokens, 1) if token.behind and number > len(tokens) // 2]
    return commas[-1] if commas else len(tokens)


def _token(match: re.Match[str]) -> Token:
    """A token in ASCII, which is all that Flite's English reads: without accents, and without what else it has no letters for."""
    parts = _PARTS.fullmatch(match.group().translate(_AS_ASCII))
    assert parts is not None
    plain = "".join(char for char in unicodedata.normalize("NFKD", parts[2]) if " " < char <= "~")
    name = plain if any(char.isalnum() or char in "&@%$#+=*/" for char in plain) else ""
    return Token(parts[1], name, parts[3], match.start() + parts.start(2), match.start() + parts.end(2))
