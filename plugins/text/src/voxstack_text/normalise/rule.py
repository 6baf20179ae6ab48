"""What a rule of the normaliser is, and the pieces that rules are written with."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

Reading = str | list[tuple[str, str]] | None
"""What a rule makes of a match: the words for all of it, or (name of a group, its words) in order, or None: not mine.

Words are separated by spaces; a comma among them is a pause.
"""

Known = Callable[[str], bool]
"""Says whether a word in lower case is in the lexicon."""

COUNT = r"(?:\d{1,3}(?:,\d{3})+|\d+)"
"""A whole number, perhaps with commas between thousands."""

NUMBER = rf"(?:{COUNT}(?:\.\d+)?|\.\d+)"
"""A number, perhaps with decimals."""

END = r"(?![\w])(?!,\d|\.\d)"
"""A number goes no further."""

NEAR = 40
"""Characters that a rule looks back at most, so that long texts take no longer a word."""

START = r"(?<![\w.,])"
"""Nothing belongs to a number before here."""


_ARTICLE_BEFORE = re.compile(r"\ban?\s+$", re.IGNORECASE)
_NOUN_AFTER = re.compile(
    r"-[a-z]|\s+(?!(?:an?|per|or|and|in|to|of|for|at|on|from|each|every|is|was|is|by|with|if|when|as)\b)[a-z]{2,}"
)


class Rule(NamedTuple):
    """A pattern that is tried where a token may begin, and what to say for it."""

    pattern: re.Pattern[str]
    read: Callable[[re.Match[str], Known], Reading]


def rule(pattern: str, read: Callable[[re.Match[str], Known], Reading], flags: int = 0) -> Rule:
    """A rule from the text of its pattern."""
    return Rule(re.compile(pattern, flags), read)


def alternatives(words: object) -> str:
    """A pattern for any of these words, longest first."""
    return "|".join(re.escape(word) for word in sorted(map(str, words), key=len, reverse=True))  # type: ignore[call-overload]


def groups(match: re.Match[str], **words: str) -> list[tuple[str, str]]:
    """A reading by groups, without those that did not match."""
    return [(name, said) for name, said in words.items() if match[name] is not None and said]


def describes(match: re.Match[str]) -> bool:
    """Whether an article and a noun are around it: "a $20 bill"."""
    before = match.string[max(0, match.start() - NEAR) : match.start()]
    return bool(_ARTICLE_BEFORE.search(before) and _NOUN_AFTER.match(match.string, match.end()))


def spelled(letters: str) -> str:
    """Letters as their names: "fbi" as "F B I"."""
    return " ".join(letters.upper())


def letters_or_word(run: str, known: Known) -> str:
    """Letters out of a name or an address: a word if they look like one, else spelled."""
    vowels = re.search("[aeiouy]", run.lower())
    if len(run) > 1 and vowels and (known(run.lower()) or len(run) > 4) and not (run.isupper() and len(run) < 3):
        return run.lower()
    return spelled(run)
