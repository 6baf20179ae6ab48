"""Sentences of a text and their tokens, as Flite synthesizes them."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from voxstack.streaming.turn import check_cancelled

MAX_TOKENS = 60
"""The most tokens synthesized at once; a longer sentence is cut at the last comma in the second half, or there."""
MAX_WEIGHT = 600
"""The most characters synthesized at once, where digits, capitals and symbols, which Flite spells, weigh ``SPELLED``.

Flite yields the first samples of a sentence when it has planned all of it, and spells 60 tokens of 40 digits for 10
minutes.
"""
SPELLED = 5

_TOKEN = re.compile(r"\S{1,40}")
_PARTS = re.compile(r"""(["'`({\[<]*)(.*?)(["'`.,:;!?(){}\[\]<>]*)""")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_END = re.compile(r"""[.!?]["'`)\]}>]*$""")
_ABBREVIATION = re.compile(
    r"(?:[a-z]|mrs?|ms|dr|st|prof|gen|sen|rev|jr|sr|vs|no|vol|fig|etc|(?:\w\.)+\w)", re.IGNORECASE
)
_AS_ASCII = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "."}  # noqa: RUF001
)


class Token(NamedTuple):
    """A run of characters between spaces: a name to pronounce, with the punctuation before and after it.

    ``first`` and ``end`` are the first and the past-the-end character of the name in the text.
    """

    before: str
    name: str
    after: str
    first: int
    end: int

    @property
    def start(self) -> int:
        """First character, including punctuation."""
        return self.first - len(self.before)

    @property
    def stop(self) -> int:
        """Past-the-end character, including punctuation."""
        return self.end + len(self.after)


class Sentence(NamedTuple):
    """Tokens that are synthesized at once: a ``sentence``, or a part of a long one, a ``phrase``.

    ``first`` and ``end`` are its first and past-the-end character in the text.
    """

    kind: str
    tokens: tuple[Token, ...]
    first: int
    end: int


def split_sentences(text: str, ends: Sequence[int] | None = None) -> Iterator[Sentence]:
    """Yield the sentences of a text; of those longer than ``MAX_TOKENS`` tokens, the parts.

    A sentence ends at a blank line, or at a token that ends in one of ``. ! ?``, is not an abbreviation, and is not
    followed by a lower-case letter.

    :param ends: indices after the sentences of the text, ascending, which end instead of those at such tokens.
    """
    held: list[Token] = []
    kind, weight, stop, apart = "sentence", 0, 0, False  # apart: a blank line follows what is held
    for match in _TOKEN.finditer(text):
        check_cancelled()
        token = _token(match)
        apart, stop = apart or bool(_BLANK_LINE.search(text, stop, match.start())), match.end()
        if held and (apart or _ends(held[-1], match, ends)):
            yield _sentence(kind, held)
            held, kind, weight = [], "sentence", 0
        while held and (len(held) == MAX_TOKENS or weight + _weight(token) > MAX_WEIGHT):
            cut = _cut(held)
            yield _sentence("phrase", held[:cut])
            held, kind = held[cut:], "phrase"
            weight = sum(map(_weight, held))
        if token.name:
            held.append(token)
            weight, apart = weight + _weight(token), False
    if held:
        yield _sentence(kind, held)


def _sentence(kind: str, tokens: list[Token]) -> Sentence:
    return Sentence(kind, tuple(tokens), tokens[0].start, tokens[-1].stop)


def _ends(token: Token, match: re.Match[str], ends: Sequence[int] | None) -> bool:
    """Return whether a sentence ends with a token, before the match of the one that follows it."""
    if ends is not None:
        place = bisect_right(ends, token.first)
        return place < len(ends) and ends[place] <= match.start()
    following = match.group()
    if not _END.search(token.after) or following[:1].islower():
        return False
    return not token.after.startswith(".") or not _ABBREVIATION.fullmatch(token.name)


def _cut(tokens: list[Token]) -> int:
    """Return how many of the tokens to synthesize at once."""
    commas = [number for number, token in enumerate(tokens, 1) if token.after and number > len(tokens) // 2]
    return commas[-1] if commas else len(tokens)


def _weight(token: Token) -> int:
    return sum(1 if character.islower() else SPELLED for character in token.name)


def _token(match: re.Match[str]) -> Token:
    """Return a token in ASCII, the only characters that Flite's English reads: without accents and other characters."""
    parts = _PARTS.fullmatch(match.group().translate(_AS_ASCII))
    assert parts is not None, "every part may be empty"
    plain = "".join(char for char in unicodedata.normalize("NFKD", parts[2]) if " " < char <= "~")
    name = plain if any(char.isalnum() or char in "&@%$#+=*/" for char in plain) else ""
    return Token(parts[1], name, parts[3], match.start() + parts.start(2), match.start() + parts.end(2))
